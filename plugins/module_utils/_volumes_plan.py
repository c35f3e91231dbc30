# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which directories containers need under a mapping, how they get them, and when: the role volumes. Pure.

`host` is the result of engine_info everywhere. A mapping is {kind: [(id in the container, id on the host, count)]}; as
the meaning of the ids on a disk, None stands for the host's own ids.
"""

import posixpath

from ansible_collections.containment.docker.plugins.module_utils import _conflicts, _tree, _userns_plan, _volume_ledger
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

METHODS = ("auto", "idmap", "shift")
ALIVE = ("running", "paused", "restarting")
PRIVATE = ("", "private", "rprivate")
HOST = ("/root", "/run", "/var/lib/containerd")
SLOWER = 1.5  # times as long as a count takes a shift


def wanted(host, subid=None, paths=(), used=False, left=(), method="auto"):
    """Return the trees that containers of the mapping to come need.

    subid: result of subid_range in check mode where the same run sets the mapping; empty where the engine has it.
    paths, left: lists, or one path a line. used: whether the bind mounts of containers are looked through. Trees that
    earlier runs changed come along where the mapping changes, or a run was killed.
    Keys of the result:
    trees: [{"path", "method", "source": what the ids on the disk mean, "users": [containers that mount it], "busy": one
    of them runs, "spread": what is mounted over it would be seen in a running one, "unmapped": those of the users that
    run with --userns=host}], outer paths alone.
    mapping: the one to come, None where it is not needed; it and "source" as options of volume_chown. moves: whether
    the engine comes to another one. unfinished: whether a run was killed. managed: whether a service manager can stop
    the engine. told: [text]. refusals: [text].
    """
    refusals = []
    listed, spared = (_paths(name, given, refusals) for name, given in (("paths", paths), ("except", left)))
    if method not in METHODS:
        refusals.append(f"volumes_method: {method!r} is none; choose one of {', '.join(METHODS)}.")
    engine = _userns_plan.engine_of(host) if _userns_plan.running(host) else None
    mapping, moves = _target(engine, subid)
    ledger = {one["path"]: one for one in host["trees"]}
    unfinished = bool(_userns_plan.unfinished(host))
    if moves or unfinished:
        listed += [path for path, one in ledger.items() if one["there"]]
    managed = engine is None or engine["service"] is not None
    result = {"trees": [], "mapping": None, "moves": moves, "unfinished": unfinished, "managed": managed}
    result.update(told=[], refusals=refusals)
    if refusals or not (listed or used):
        return result
    if mapping is None:
        refusals.append("volumes: the engine remaps no ids to which directories could be fitted; apply userns first.")
        return result
    result["mapping"] = _volume_ledger.option(mapping)
    found = set(listed)
    if used and engine:
        more, result["told"] = _needed(engine, mapping)
        found.update(more)
    bound = _mounts(engine)
    unmapped = {one["name"] for one in (engine["containers"] if engine else []) if one["userns_host"]}
    files = {one["source"] for _name, _alive, one in bound if one["kind"] == "file"}
    for path in sorted(path for path in found if not any(_within(path, one) for one in spared)):
        # What lies in a tree is part of it, also of one that an earlier run changed.
        if any(_within(path, other["path"]) for other in [*result["trees"], *ledger.values()] if other["path"] != path):
            continue
        refusals += _tangled(path, spared, ledger, engine)
        known, how = ledger.get(path), method
        if known is not None:
            if how not in ("auto", known["method"]):
                refusals.append(
                    f"volumes_method: {path} is one that an earlier run changed with {known['method']}; take that run "
                    "back before another method, or leave the variable out."
                )
            how, source = known["method"], _known_source(known, mapping)
        else:
            source = _in_force(engine) if moves and engine is not None else None
            # Containers of a mapping that is in force may have left files with its ids, which a mount would not show.
            if how == "auto" and (path in files or not moves):
                how = "shift"
        users = [(name, alive, one) for name, alive, one in bound if _meet(one["source"], path)]
        result["trees"].append(
            {
                "path": path,
                "method": how,
                "source": _volume_ledger.side(source),
                "users": sorted({name for name, _alive, _one in users}),
                "unmapped": sorted({name for name, _alive, _one in users} & unmapped),
                "busy": any(alive for _name, alive, _one in users),
                "spread": any(alive and one["propagation"] not in PRIVATE for _name, alive, one in users),
            }
        )
    return result


def interrupted(host):
    """Return volume_chown's options, [{"paths", "source", "target"}], of shifts that a killed run may have left undone.

    Only while the engine that it stopped does not run and will have their mapping: [] else.
    """
    engine = _userns_plan.engine_of(host)
    if engine is None or _userns_plan.running(host) or not _userns_plan.unfinished(host):
        return []
    coming, grouped = engine["userns"]["expected_mapping"], {}
    for tree in host["trees"]:
        mapping = _volume_ledger.mapping(tree["mapping"])
        ours = tree["method"] == _volume_ledger.SHIFT and tree["there"] and coming is not None
        if ours and mapping == _volume_ledger.mapping(coming):
            old = None if tree["was"] is None else _volume_ledger.mapping(tree["was"])
            side = _volume_ledger.side(old)
            group = grouped.setdefault(
                repr(side), {"paths": [], "source": side, "target": _volume_ledger.side(mapping)}
            )
            group["paths"].append(tree["path"])
    return list(grouped.values())


def back(host, shifts, privileges):
    """Return what a way back does with bits and capabilities: "keep" or "drop".

    shifts: [{"source"}], the mapping of the ids on the disk as option, of what it shifts. privileges: what is asked
    for. As long as no engine ran with such a mapping, no container can have made a setuid file: the trees have those
    alone that were there.
    """
    roots = {posixpath.basename(one["path"]) for engine in host["engines"] for one in engine["numbered_roots"]}
    for shift in shifts:
        if shift["source"] is None:
            continue
        starts = [
            next((str(one["host_start"]) for one in shift["source"]["mapping"][kind] if not one["container_start"]), "")
            for kind in ("uid", "gid")
        ]
        if ".".join(starts) in roots:
            return privileges
    return "keep"


def _tangled(path, spared, ledger, engine):
    """Return [text] of what must not lie in a tree."""
    found = [
        f"volumes_except: {one} lies in {path}, all of which would be changed; list what lies beside it instead."
        for one in spared
        if _within(one, path)
    ]
    found += [
        f"volumes_paths: {other} in {path} was changed by an earlier run; take that run back first, or list what lies "
        "beside it instead."
        for other in ledger
        if other != path and _within(other, path)
    ]
    if engine is not None and _within(engine["data_root"], path):
        found.append(f"volumes_paths: {path} holds the engine's data root; list what containers need in it.")
    return found


def groups(found, mounts):
    """Return [{"paths", "source"}] of the trees that have to be shifted, those with the same source together.

    found: as wanted() returns. mounts: results of volume_idmap in check mode, of the trees for which `tries`.
    """
    grouped = []
    for tree, mount in _with_mounts(found["trees"], mounts):
        if mount is None or (tree["method"] == "auto" and mount.get("unmappable")):
            _group(grouped, tree)
    return grouped


def _group(grouped, tree):
    """Put a tree into the group of its source."""
    group = next((one for one in grouped if one["source"] == tree["source"]), None)
    if group is None:
        group = {"paths": [], "source": tree["source"]}
        grouped.append(group)
    group["paths"].append(tree["path"])


def tries(tree):
    """Whether a mount with mapped ids is to be tried for a tree."""
    return tree["method"] != "shift"


def plan(found, mounts, shifts, stop_ok=False, live_restore=False):
    """Return what is done with the trees, and when.

    found: as wanted() returns. mounts: results of volume_idmap in check mode, of the trees for which `tries`, in their
    order. shifts: results of volume_chown in check mode, one for each of groups(). stop_ok: whether the engine may be
    stopped for it alone. live_restore: whether containers go on without their engine.
    Keys of the result:
    first, stopped: {"mount": [path], "shift": [{"paths", "source"}]}, before the switch and with the engine stopped.
    trees: [path] of all. write: whether anything is done first. stop: whether the engine has to be stopped. told,
    refusals: [text].
    """
    result = {"trees": [tree["path"] for tree in found["trees"]], "told": list(found["told"])}
    refusals = result["refusals"] = []
    when = {early: {"mount": [], "shift": []} for early in (True, False)}
    counted = _counts(groups(found, mounts), shifts, refusals)
    seconds, needing = 0.0, []
    for tree, mount in _with_mounts(found["trees"], mounts):
        path, refused = tree["path"], (mount or {}).get("msg")
        tried = mount is not None and not refused
        if refused and not (tree["method"] == "auto" and mount.get("unmappable")):
            refusals.append(refused)
            continue
        if tried:
            changes = mount["files"] or mount["restart_required"] or mount["enabled"]["before"] is False
            early = not tree["spread"]
            words = "is mounted over itself with mapped ids, which programs of the host see too; no file is touched"
        else:
            count = counted.get(path)
            if count is None:  # The group's refusal says why.
                continue
            changes, early = count["changed"] > 0, not tree["busy"]
            words = _shift_words(count)
        real = mount["path"] if tried else count["path"]
        if real != path:
            refusals.append(f"volumes_paths: {path} leads to {real}; give that path.")
        if not changes:
            continue
        if tried:
            when[early]["mount"].append(path)
        else:
            _group(when[early]["shift"], tree)
            seconds += 0 if early else count["seconds"] * SLOWER
        users = f" (for {', '.join(tree['users'])})" if tree["users"] else ""
        result["told"].append(f"{path}: {words}{'' if early else ', while the engine is stopped'}{users}.")
        if tree["unmapped"]:
            names = ", ".join(tree["unmapped"])
            result["told"].append(f"{path}: {names} runs with --userns=host and will see the mapped ids.")
        if refused:
            result["told"].append(f"Why it is not mounted with mapped ids: {refused}")
        if tried and tree["busy"] and early and not found["moves"]:
            result["told"].append(f"{path}: {', '.join(tree['users'])} will see the mount after a restart.")
        if not early:
            needing.append(tree)
    result.update(write=bool(when[True]["mount"] or when[True]["shift"]), stop=bool(needing))
    if needing and found["moves"]:
        result["told"].append(f"volumes: the engine is away for about {_about(seconds)} more than for its restart.")
    elif needing:
        # The run that was killed was allowed to stop it.
        refusals += _stop_refusals(needing, found["managed"], stop_ok or found["unfinished"], live_restore)
    result["first"], result["stopped"] = when[True], when[False]
    return result


def _stop_refusals(trees, managed, stop_ok, live_restore):
    users = sorted({name for tree in trees for name in tree["users"]})
    paths = ", ".join(tree["path"] for tree in trees)
    if not managed:
        return [
            f"engine: it was started by hand, so that it cannot be stopped to change {paths}; stop it and start the "
            "docker service."
        ]
    if live_restore:
        return [
            f"live-restore: true would have {', '.join(users)} go on while {paths} is changed; stop them, or set it to "
            "false and reload the engine."
        ]
    if stop_ok:
        return []
    return [
        f"volumes_stop_ok: is false, and {paths} cannot be changed while {', '.join(users)} runs; set it to true, or "
        "stop what runs."
    ]


def _counts(grouped, shifts, refusals):
    """Return {path: what a shift of it would do}."""
    counted = {}
    for group, shift in zip(grouped, shifts):
        if shift.get("msg"):
            refusals.append(shift["msg"])
        else:
            both = zip(shift["trees"], shift["measured"])
            counted.update(zip(group["paths"], (dict(tree, **measured) for tree, measured in both)))
    return counted


def _shift_words(count):
    dropped = (
        f", {count['dropped']} of them without setuid and setgid bits and capabilities" if count["dropped"] else ""
    )
    mounts = f"; {count['mounts']['count']} mounts in it stay as they are" if count["mounts"]["count"] else ""
    size = _size(count["bytes"] or 0)
    return (
        f"{count['changed']} of {count['inodes']} inodes ({size}) get other owners{dropped}, in about "
        f"{_about(count['seconds'] * SLOWER)}{mounts}"
    )


def _size(number):
    for unit in ("B", "KiB", "MiB", "GiB"):
        if number < 1024:
            return f"{number:.0f} {unit}"
        number /= 1024
    return f"{number:.1f} TiB"


def _about(seconds):
    return f"{max(1, round(seconds))} s" if seconds < 90 else f"{round(seconds / 60)} min"


def _target(engine, subid):
    """Return (the mapping to come or None, whether the engine comes to another one)."""
    if subid:
        mapping = {
            kind: [(one["container_start"], one["host_start"], one["count"]) for one in extents]
            for kind, extents in subid["mapping"].items()
        }
        return mapping, engine is None or _userns_plan.moves(engine, subid)
    return (None if engine is None else _in_force(engine)), False


def _in_force(engine):
    userns = engine["userns"]
    mapping = (userns["mapping"] or userns["expected_mapping"]) if userns["effective"] else None
    return None if mapping is None else _volume_ledger.mapping(mapping)


def _known_source(known, mapping):
    """Return the mapping of the ids on the disk of a tree of the ledger; one that was interrupted has both."""
    if known["method"] == _volume_ledger.IDMAP:
        return None
    there = _volume_ledger.mapping(known["mapping"])
    if there != mapping:
        return there
    return None if known["was"] is None else _volume_ledger.mapping(known["was"])


def _mounts(engine):
    """Return [(container's name, whether it is alive, mount)] of bind mounts, also those that volumes make."""
    devices = {one["name"]: _device(one) for one in engine["volumes"]} if engine else {}
    found = []
    for container in engine["containers"] if engine else []:
        alive = container["state"] in ALIVE
        for mount in container["mounts"]:
            source = mount["real"] or mount["source"] if mount["type"] == "bind" else devices.get(mount["name"])
            if source:
                found.append((container["name"], alive, dict(mount, source=posixpath.normpath(source))))
    return found


def _device(volume):
    options = volume["options"]
    device = options.get("device") or ""
    bound = volume["driver"] == "local" and "bind" in (options.get("o") or "").split(",")
    return device if bound and device.startswith("/") else None


def _needed(engine, mapping):
    """Return (paths that containers would not be able to use as before, [text] about what is left as it is)."""
    devices = {one["name"]: _device(one) for one in engine["volumes"]}
    found, spared = set(), {}
    for container in engine["containers"]:
        if container["userns_host"]:
            continue
        real = {one["source"]: one["real"] or one["source"] for one in container["mounts"]}
        paths = {real.get(one["path"], one["path"]) for one in container["conflicts"] if one["path"]}
        for mount in container["mounts"]:
            if mount["type"] == "bind" and mount["rw"] and mount["kind"] in ("directory", "file"):
                if not _belongs(mapping, mount):
                    paths.add(real[mount["source"]])
            elif devices.get(mount["name"]):
                paths.add(devices[mount["name"]])
        for path in (posixpath.normpath(one) for one in paths):
            if _of_the_host(path, engine):
                spared.setdefault(path, []).append(container["name"])
            else:
                found.add(path)
    return sorted(found), [
        f"{path}: belongs to the host and stays as it is; {', '.join(sorted(names))} will see it with other owners."
        for path, names in sorted(spared.items())
    ]


def _of_the_host(path, engine):
    """Whether nobody would want a path changed who does not name it: the system's, root's, or an engine's."""
    try:
        _tree.refuse_system(path)
    except ContainmentError:
        return True
    return ".ssh" in path.split("/") or any(_meet(path, one) for one in (*HOST, engine["data_root"]))


def _belongs(mapping, mount):
    """Whether the owner and group of a mount's source are ids of containers already."""
    return all(
        mount[kind] is not None and _conflicts.inside(mapping[kind], mount[kind]) is not None for kind in ("uid", "gid")
    )


def _with_mounts(trees, mounts):
    """Return [(tree, its result of volume_idmap, None where none was asked for)]."""
    results = iter(mounts)
    return [(tree, next(results) if tries(tree) else None) for tree in trees]


def _paths(name, given, refusals):
    """Return the paths of a list, or of a text with one a line, as surveys give it; tell of those that are none."""
    found = []
    for path in given.splitlines() if isinstance(given, str) else given:
        path = path.strip() if isinstance(given, str) else path
        if path.startswith("/"):
            found.append(posixpath.normpath(path))
        elif path:
            refusals.append(f"volumes_{name}: {path!r} is no absolute path; give the path from the root.")
    return found


def _within(inner, outer):
    return (inner + "/").startswith(outer.rstrip("/") + "/")


def _meet(one, another):
    return _within(one, another) or _within(another, one)
