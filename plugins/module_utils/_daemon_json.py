# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What daemon.json should say, whether the engine would take it, and what has to follow. Pure."""

import collections
import difflib

from ansible_collections.containment.docker.plugins.module_utils import (
    _daemon_keys,
    _daemon_values,
    _json_edit,
    _json_text,
)
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

# What is asked for. merge: {key: value}, objects member by member. remove: [key]. version: tuple or None.
Request = collections.namedtuple("Request", "merge remove allow_unknown version")
_BUILTIN_RUNTIMES = ("runc", "io.containerd.runc.v2", "io.containerd.runtime.v1.linux")

# data: bytes of the new file, None for no file. before, after: dicts. changed_keys: sorted [str].
Plan = collections.namedtuple("Plan", "data before after changed_keys reload_required restart_required warnings")
# flags: [Flag] the next start gives. stale: [Flag] of the running process alone, which its service no longer gives.
Flags = collections.namedtuple("Flags", "flags stale")


def plan(path, data, request, flags):
    """Return the `Plan` for the file `path`, which holds `data` (bytes, None where there is none), under `flags` (a
    `Flags`).

    Raises ContainmentError for a malformed file and for every request the engine would not survive.
    """
    document = _json_text.parse(data, path)
    before = _json_text.value(document)
    _check_request(request)
    after = merge({name: value for name, value in before.items() if name not in request.remove}, request.merge)
    warnings = _check_keys(path, after, request)
    _check_flags(path, after, request, flags.flags)
    _check_runtimes(after, request.version, flags.flags)
    _check_icc(after, flags.flags)
    changed = changed_keys(before, after)
    text = _json_edit.render(document, after) if changed else data
    reload_fails = _reload_fails(after, request.version) or {flag.key for flag in flags.stale} & set(flattened(after))
    restart = bool(changed) and (bool(reload_fails) or any(not _reloadable(name, before, after) for name in changed))
    return Plan(text, before, after, changed, bool(changed) and not restart, restart, warnings)


def merge(before, wanted):
    """Return `before` with `wanted` merged in, as RFC 7396 does: objects member by member, all else replaced, null
    takes a member out."""
    after = collections.OrderedDict(before)
    for name, value in wanted.items():
        if value is None:
            after.pop(name, None)
        elif isinstance(value, dict):
            under = after.get(name)
            after[name] = merge(under if isinstance(under, dict) else {}, value)
        else:
            after[name] = value
    return after


def changed_keys(before, after):
    """Return the sorted top-level keys that differ between two dicts."""
    names = set(before) | set(after)
    return sorted(
        name
        for name in names
        if (name in before) != (name in after) or not _json_text.same(before.get(name), after.get(name))
    )


def _reloadable(name, before, after):
    key = _daemon_keys.KEYS.get(name)
    if key is None or key.reload == _daemon_keys.RESTART:
        return False
    if name == "features":
        members = changed_keys(before.get(name) or {}, after.get(name) or {})
        return set(members) <= _daemon_keys.RELOADED_FEATURES
    # An empty value counts as none there: daemon/reload_unix.go.
    kept = name in after and (after[name] != "" or key.kind != "string")
    return key.reload == _daemon_keys.RELOAD or kept


def _reload_fails(after, version):
    """Whether an engine that starts with `after` refuses to reload it: from 25.0 on the check of userland-proxy-path
    misses its default then."""
    return (
        after.get("userland-proxy") is True
        and not after.get("userland-proxy-path")
        and (version is None or version >= (25, 0, 0))
    )


# --- refusals ---


def _check_request(request):
    for name in sorted(set(request.merge) & set(request.remove)):
        raise ContainmentError(name, "stands in merge and in remove", "keep it in one of them")
    for name, value in request.merge.items():
        if value is None:
            raise ContainmentError(name, "null in merge", "name the key in remove to take it out")
        try:
            _json_text.dumps({name: value}).encode("utf-8")
        except (TypeError, ValueError) as error:
            raise ContainmentError(
                name,
                f"the value cannot be written as JSON ({error})",
                "give strings, numbers, booleans, lists and objects",
            ) from error


def _check_keys(path, after, request):
    """Raise for what this engine does not take; return warnings."""
    known = _daemon_keys.known(request.version)
    warnings = []
    if request.version is None and request.merge:
        warnings.append(
            f"{path}: the engine's version is not known, keys of any engine from 20.10 to 29 are let "
            f"pass; set engine_version to have them checked."
        )
    for name, value in after.items():
        ours = name in request.merge
        if name not in known:
            newer = (
                request.version is not None
                and request.version > _daemon_keys.NEWEST
                and name not in _daemon_keys.KEYS
                and not ours
            )
            if not request.allow_unknown and not newer:
                raise _unknown(path, name, ours, request.version)
            warnings.append(
                f"{name}: not known to this collection; an engine that does not know it either refuses to start."
            )
            continue
        key = known[name]
        _daemon_values.check_type(key, value)
        _daemon_values.check_bounds(key, value, request.version)
        if ours:
            _daemon_values.check_choice(key, value)
            if key.ignored and (request.version or _daemon_keys.OLDEST) >= key.ignored:
                warnings.append(
                    f"{name}: has no effect on engines from {_daemon_keys.text(key.ignored)} on; leave it out."
                )
        if name == "userns-remap":
            _daemon_values.check_remap(value, request.version, ours)
    if "host-gateway-ip" in after and "host-gateway-ips" in after:
        raise ContainmentError(
            "host-gateway-ips",
            "host-gateway-ip is set too, and the engine takes one of them",
            "name host-gateway-ip in remove",
        )
    snapshotter = (after.get("features") or {}).get("containerd-snapshotter")
    if after.get("userns-remap") and snapshotter and request.version is not None and request.version >= (29, 0, 0):
        raise ContainmentError(
            "features.containerd-snapshotter",
            "true beside userns-remap, with which this engine does not start",
            "set it to null in merge to take it out",
        )
    return warnings


def _unknown(path, name, ours, version):
    key = _daemon_keys.KEYS.get(name)
    mend = "leave it out of merge" if ours else f"name it in remove, it stands in {path}"
    if key is not None and key.since is not None and version < key.since:
        cause = f"engine {_daemon_keys.text(version)} does not know it, it came with {_daemon_keys.text(key.since)}"
    elif key is not None:
        cause = (
            f"engine {_daemon_keys.text(version)} does not start with it, it went with {_daemon_keys.text(key.removed)}"
        )
    else:
        cause = (
            "no engine from 20.10 to 29 has this key"
            if version is None
            else f"engine {_daemon_keys.text(version)} does not have this key"
        )
        near = nearest(name, version)
        if near:
            cause += f", the nearest is {near}"
        mend += ", or set allow_unknown if you are sure of it"
    return ContainmentError(name, cause, mend)


def nearest(name, version=None):
    """Return the known key most like `name`, written as in merge ("proxies.http-proxy" for a member), None where none
    is."""
    known = _daemon_keys.known(version)
    candidates = {key: key for key in known}
    if "proxies" in known:
        candidates.update((flag, "proxies." + flag) for flag in _daemon_keys.KEYS["proxies"].flags)
    wanted = name.lower().replace("_", "-")
    found = difflib.get_close_matches(wanted, sorted(candidates), n=1, cutoff=0.6)
    return candidates[found[0]] if found else None


# --- flags ---


def flattened(after):
    """Return the names the engine compares with its flags: `configValuesSet` of moby's daemon/config/config.go."""
    names = {}
    for name, value in after.items():
        if isinstance(value, dict) and name not in _daemon_keys.FLAT:
            names.update((member, name) for member in value)
        else:
            names[name] = name
    return names


def _check_flags(path, after, request, flags):
    names = flattened(after)
    for flag in flags:
        exempt = flag.key in _daemon_keys.KEYS and _daemon_keys.KEYS[flag.key].both
        if exempt or flag.key not in names:
            continue
        top = names[flag.key]
        value = after[top] if top == flag.key else after[top][flag.key]
        ours = "leave the key out of merge" if top in request.merge else "name the key in remove"
        if flag.key == "hosts":
            way = (
                "give the unit a drop-in with an empty ExecStart= and one without -H"
                if flag.origin.partition(":")[0].endswith((".service", ".conf"))
                else "take the flag out there"
            )
        else:
            way = "take the flag out there"
        raise ContainmentError(
            flag.key,
            f"{_daemon_values.masked(flag.key, value)} in {path}, while the flag at {flag.origin} sets "
            f"{_daemon_values.masked(flag.key, flag.value)}, and the engine does not start with both",
            f"{way}, or {ours}",
        )


def _check_runtimes(after, version, flags):
    """Sources: Validate of daemon/config/config.go and setupRuntimes of daemon/runtime_unix.go. Before 23.0 the file is
    judged without the flags; from 23.0 on any name with a dot is looked up as a shim's."""
    runtimes, name = after.get("runtimes") or {}, after.get("default-runtime")
    if "runc" in runtimes:
        raise ContainmentError("runtimes.runc", "runc is the engine's own name", "give the runtime another name")
    if not name or name in runtimes or name in _BUILTIN_RUNTIMES:
        return
    if version is None or version >= (23, 0, 0):
        given = [flag.value.partition("=")[0] for flag in flags if flag.key == "runtimes"]
        if name in given or ("." in name and "/" not in name and not name.startswith(".")):
            return
    raise ContainmentError(
        "default-runtime",
        f"{_json_text.dumps(name)} is not in runtimes, and the engine has none of this name",
        "add it to runtimes, or use runc",
    )


def _check_icc(after, flags):
    """Source: verifyDaemonSettings of daemon/daemon_unix.go."""
    named = [name for name in ("icc", "iptables") if after.get(name) is False]
    if named and all(name in named or _switched_off(name, after, flags) for name in ("icc", "iptables")):
        raise ContainmentError(
            "icc", "false together with iptables: false, with which no engine starts", "set iptables to true"
        )


def _switched_off(name, after, flags):
    values = [flag.value for flag in flags if flag.key == name]
    # The spellings of Go's strconv.ParseBool.
    return after.get(name) is None and bool(values) and values[-1].lower() in ("false", "f", "0")


def flags_for(path, services, engines):
    """Return the `Flags` that count for the file `path`, from `_engine_sources.services()` and `.engines()`.

    A running engine's own flags count too, unless it is run by a unit whose definition we read: then the definition is
    what the next start gives, and what only the process still has is stale.
    """
    mine = [service for service in services if service.config_file == path]
    flags = [flag for service in mine for flag in service.flags]
    stale = []
    units = {service.name for service in services if service.manager == "systemd"}
    for engine in engines:
        if not engine["host"] or engine["uid"] != 0 or engine["config_file"] != path:
            continue
        defined = {flag.key for flag in flags}
        only = [flag for flag in engine["flags"] if flag.key not in defined]
        if engine["service"] in units:
            stale += only
        else:
            flags += only
    return Flags(list(collections.OrderedDict.fromkeys(flags)), stale)


def default_path(services, engines):
    """Return the configuration file of this host's engine. Raises ContainmentError where several could be meant."""
    running = [engine["config_file"] for engine in engines if engine["host"] and engine["uid"] == 0]
    standard = [service.config_file for service in services if service.name in ("docker", "docker.service")]
    paths = list(collections.OrderedDict.fromkeys(standard or running or [service.config_file for service in services]))
    if len(paths) > 1:
        raise ContainmentError(
            "path", f"several engines are here, with {', '.join(paths)}", "give the path of the one that is meant"
        )
    return paths[0] if paths else "/etc/docker/daemon.json"


# --- undo ---


def undo(before, after, now, path="daemon.json"):
    """Return the file that `now` becomes when the change from `before` to `after` is taken back; all three are bytes or
    None for no file.

    The top-level keys that differ between before and after get back their values; what others changed since survives.
    Raises ContainmentError where one of these keys was changed again since.
    """
    if now == after:
        return before
    old, new, current = (_json_text.value(_json_text.parse(data, path)) for data in (before, after, now))
    target = collections.OrderedDict(current)
    for name in changed_keys(old, new):
        if not changed_keys({name: current[name]} if name in current else {}, {name: old[name]} if name in old else {}):
            continue  # somebody took it back already
        if changed_keys({name: current[name]} if name in current else {}, {name: new[name]} if name in new else {}):
            raise ContainmentError(f"{path}, {name}", "was changed again since", "set it by hand, then undo the rest")
        if name in old:
            target[name] = old[name]
        else:
            del target[name]
    if not target and before is None:
        return None
    if now is not None and not changed_keys(current, target):
        return now
    return _json_edit.render(_json_text.parse(now, path), target)


# --- what people get to see ---


def shown(data, path, other=None):
    """Return the text of a file for a diff, secrets masked. A secret that differs from that in `other` (bytes) says so.

    `data` and `other` have to be well-formed.
    """
    document = _json_text.parse(data, path)
    if document.root is None:
        return document.text
    compared = _secret_strings(_json_text.parse(other, path).root) if other is not None else None
    text, found = document.text, _secret_strings(document.root)
    for place in sorted(found, key=lambda one: -found[one][0].start):
        node, name = found[place]
        concealed = _daemon_values.conceal(name, node.value)
        changed = compared is not None and (place not in compared or compared[place][0].value != node.value)
        if changed:
            concealed = concealed.replace(_daemon_values.MASK, _daemon_values.MASK + " (changed)")
        text = text[: node.start] + _json_text.dumps(concealed) + text[node.end :]
    return text


def _secret_strings(root):
    """Return {place: (Node, name)} of the strings with secrets below a Node; a place is the tuple of names and
    positions to it."""
    found, stack = {}, [((), "", root)] if root is not None else []
    while stack:
        place, name, node = stack.pop()
        if node.members is not None:
            stack += [(place + (member.name,), member.name, member.node) for member in node.members]
        elif node.items is not None:
            stack += [(place + (position,), name, item) for position, item in enumerate(node.items)]
        elif _daemon_values.secret(name, node.value):
            found[place] = (node, name)
    return found
