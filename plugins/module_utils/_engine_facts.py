# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From what an engine and its files say to what the roles need to know of it. Pure."""

import posixpath
import re
import stat

from ansible_collections.containment.docker.plugins.module_utils import (
    _conflicts,
    _daemon_keys,
    _engine_values,
    _seccomp_state,
)
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

# moby's daemon: setupDaemonRoot, since 20.10.3.
GRAPH_ROOT_MODE = 0o710
# The last id there is: the one after it stands for "no id" (chown(2)).
MAX_ID = 2**32 - 2


def graph_root_faults(graph_root, data_root, uid, gid):
    """Return what is wrong with the graph root of a remapped engine, as texts. graph_root: {"path", "uid", "gid",
    "mode"}, None: missing."""
    wanted = posixpath.join(data_root, f"{uid}.{gid}")
    if graph_root is None:
        return [f"{wanted} is not there"]
    faults = []
    if graph_root["path"] != wanted:
        faults.append(f"is {graph_root['path']}, not {wanted}")
    if (graph_root["uid"], graph_root["gid"]) != (0, gid):
        faults.append(f"belongs to {graph_root['uid']}:{graph_root['gid']}, not to 0:{gid}")
    if stat.S_IMODE(graph_root["mode"]) != GRAPH_ROOT_MODE:
        faults.append(f"has mode {octal(graph_root['mode'])}, not {octal(GRAPH_ROOT_MODE)}")
    return faults


def octal(mode):
    return format(stat.S_IMODE(mode), "04o")


def located(flags, service_flags):
    """Return the running process's flags as [{"key", "value", "origin"}], the origin being the unit's line where the
    unit has the same.

    flags, service_flags: [Flag]; secrets are redacted.
    """
    places = {(flag.key, flag.value): flag.origin for flag in service_flags}
    return [
        {
            "key": flag.key,
            "value": _engine_values.redact(flag.value, flag.key),
            "origin": places.get((flag.key, flag.value), flag.origin),
        }
        for flag in flags
    ]


def userns(info, configured, expected, id_maps, inspected):
    """Return {"configured", "expected", "expected_mapping", "effective", "uid", "gid", "mapping"}.

    info: answer of GET /info, None where there was none; effective is then None too. configured: value of userns-remap,
    None where not set. expected: the mapping that its user has by the subordinate id files, returned as it is and as
    the UID.GID of its root. mapping: {"uid": [[container id, host id, count], ...], "gid": ...} of the first running
    container that is not outside of the remapping, None where none runs. id_maps: {pid: mapping}.
    """
    remapped = "userns" in _engine_values.security_options(info or {})
    _root, uid, gid = _engine_values.split_root((info or {}).get("DockerRootDir") or "", remapped)
    inside = [one for one in inspected if (one.get("HostConfig") or {}).get("UsernsMode") != "host"]
    maps = [id_maps[pid(one)] for one in inside if id_maps.get(pid(one))] if remapped else []
    return {
        "configured": configured,
        "expected": f"{expected['uid'][0][1]}.{expected['gid'][0][1]}" if expected else None,
        "expected_mapping": expected,
        "effective": None if info is None else remapped,
        "uid": uid,
        "gid": gid,
        "mapping": maps[0] if maps else None,
    }


def pid(container):
    """Return the host's pid of a container's first process, 0 where it does not run."""
    return (container.get("State") or {}).get("Pid") or 0


def container(inspect, found_conflicts, owners, id_maps, seccomp):
    """Return what the roles need of a container. Its environment and labels, which may hold secrets, are left out."""
    host = inspect.get("HostConfig") or {}
    config = inspect.get("Config") or {}
    id_map = id_maps.get(pid(inspect))
    return {
        "id": inspect.get("Id"),
        "name": (inspect.get("Name") or "").lstrip("/"),
        "state": (inspect.get("State") or {}).get("Status"),
        "image": config.get("Image"),
        "pid": pid(inspect),
        "user": config.get("User") or "",
        "restart_policy": (host.get("RestartPolicy") or {}).get("Name") or "no",
        "seccomp": seccomp,
        "userns_host": host.get("UsernsMode") == "host",
        "uid_map": id_map["uid"] if id_map else None,
        "conflicts": found_conflicts,
        "mounts": [_mount(one, owners) for one in inspect.get("Mounts") or []],
    }


def _mount(mount, owners):
    owner = owners.get(mount.get("Source")) if mount.get("Type") == "bind" else None
    known = bool(owner) and owner.get("uid") is not None
    return {
        "type": mount.get("Type"),
        "source": mount.get("Source") or "",
        "destination": mount.get("Destination"),
        "name": mount.get("Name"),
        "driver": mount.get("Driver") or None,
        "rw": bool(mount.get("RW")),
        "propagation": mount.get("Propagation") or "",
        "real": owner["real"] if known else None,
        "uid": owner["uid"] if known else None,
        "gid": owner["gid"] if known else None,
        "mode": octal(owner["mode"]) if known else None,
        "kind": _kind(owner["mode"]) if known else None,
    }


def _kind(mode):
    return "directory" if stat.S_ISDIR(mode) else "file" if stat.S_ISREG(mode) else "other"


def volume(one, owners, sizes):
    owner = owners.get(one.get("Mountpoint")) or {}
    return {
        "name": one.get("Name"),
        "driver": one.get("Driver"),
        "mountpoint": one.get("Mountpoint"),
        "options": _engine_values.redact(one.get("Options") or {}),
        "uid": owner.get("uid"),
        "gid": owner.get("gid"),
        "size": (sizes.get(one.get("Mountpoint")) or {}).get("size"),
    }


def components(version):
    """Return {"version", "api_version", "runc", "containerd"} of GET /version, None for what is not told."""
    parts = {(one.get("Name") or "").lower(): one.get("Version") for one in version.get("Components") or []}
    return {
        "version": version.get("Version"),
        "api_version": version.get("ApiVersion"),
        "runc": parts.get("runc"),
        "containerd": parts.get("containerd"),
    }


def orphans(shims, engines):
    """Return the shims of Docker containers that no engine knows: [{"pid", "id", "namespace", "engine"}].

    shims: as _host_probe.shims. engines: [{"socket", "containerd" (socket paths its shims name), "containers" (ids,
    None: not answered)}]. engine: the socket of the engine whose containerd the shim belongs to, None where that one is
    gone. Shims of other containerd users are left out.
    """
    known = {one for engine in engines for one in engine["containers"] or []}
    found = []
    for shim in shims:
        if not re.match(r"moby(-[0-9]+\.[0-9]+)?\Z", shim["namespace"]) or shim["id"] in known:
            continue
        owners = [engine for engine in engines if plain(shim["address"]) in engine["containerd"]]
        # An engine that does not answer may know it.
        if all(engine["containers"] is not None for engine in owners):
            owner = owners[0]["socket"] if owners else None
            found.append({"pid": shim["pid"], "id": shim["id"], "namespace": shim["namespace"], "engine": owner})
    return found


def engine(raw, planned, engine_sockets, kinds):
    """Return the result of one engine. raw: as _engine_read.read returns. planned: mapping of the wanted user, None
    where unknown."""
    info, version = raw["info"] or {}, raw["version"] or {}
    answered = raw["info"] is not None
    options = _engine_values.security_options(info)
    data_root, uid, gid = _engine_values.split_root(info.get("DockerRootDir") or raw["data_root"], "userns" in options)
    wanted = _engine_values.wanted_values(
        raw["config"],
        raw["service_flags"] if raw["service_flags"] is not None else raw["flags"],
        kinds,
        raw["config_file"],
    )
    remap = wanted.get("userns-remap", (None, None))[0]
    inspected = raw["inspected"]
    state = userns(raw["info"], remap, raw["expected_mapping"], raw["id_maps"], inspected)
    mapping = planned or state["mapping"]
    known = {one.get("Name"): one for one in raw["volumes"] or []}
    others = {}
    for one in inspected:
        others[one.get("Id")] = others[(one.get("Name") or "").lstrip("/")] = one
    result = components(version)
    runc = tuple(int(part) for part in re.findall(r"[0-9]+", result["runc"] or "")[:2]) or None
    containers = []
    for one in inspected:
        found = _conflicts.conflicts(one, mapping, raw["owners"], known, engine_sockets, others, runc)
        seccomp = raw["seccomp"].get(pid(one))
        containers.append(container(one, found, raw["owners"], raw["id_maps"], seccomp))
    graph_root = raw["graph_root"]
    in_force = _engine_values.effective_values(info, raw["networks"], data_root)
    process = raw["process"] or {}
    result.update(
        socket=raw["socket"],
        primary=raw["primary"],
        pid=process.get("pid"),
        started=process.get("started"),
        incarnation=process.get("incarnation"),
        service=raw["service"],
        executable=raw["executable"],
        error=raw["error"],
        error_code=raw["error_code"],
        config_file=raw["config_file"],
        config_error=raw["config_error"],
        configured=None if raw["config"] is None else _engine_values.redact(raw["config"]),
        flags=located(raw["flags"], raw["service_flags"] or []),
        storage_driver=info.get("Driver"),
        image_store=_engine_values.image_store(info) if answered else None,
        data_root=data_root,
        graph_root=None if graph_root is None else dict(graph_root, mode=octal(graph_root["mode"])),
        graph_root_faults=graph_root_faults(graph_root, data_root, uid, gid) if uid is not None else [],
        numbered_roots=[dict(one, mode=octal(one["mode"])) for one in raw["numbered_roots"]],
        security_options=options,
        seccomp=_seccomp_state.of_engine(options.get("seccomp"), raw["seccomp_made"], (version or {}).get("Version")),
        userns=state,
        cgroup={"driver": info.get("CgroupDriver"), "version": info.get("CgroupVersion")},
        live_restore=info.get("LiveRestoreEnabled"),
        swarm=(info.get("Swarm") or {}).get("LocalNodeState"),
        authorization_plugins=list((info.get("Plugins") or {}).get("Authorization") or []),
        differences=_engine_values.differences(wanted, in_force, state["expected"], raw["data_root"])
        if answered
        else [],
        containers=containers,
        not_inspected=raw["not_inspected"],
        volumes=[volume(one, raw["owners"], raw["sizes"]) for one in raw["volumes"] or []],
        calls=raw["calls"],
        images=info.get("Images"),
        networks=None if raw["networks"] is None else len(raw["networks"]),
        orphan_shims=raw["orphan_shims"],
    )
    return result


def remap_user(value):
    """Return (user, group or None) of a value of userns-remap; `default` is dockremap, and a user alone has the group
    of the same name."""
    user, colon, group = ("dockremap" if value == "default" else value).partition(":")
    return user, group if colon else None


def remap_fault(value):
    """Return what is wrong with a value for userns-remap, None where nothing is. That its user is there is not
    asked."""
    if not isinstance(value, str) or not value:
        return f"{value!r} is no value for userns-remap"
    parts = value.split(":")
    strange = any(
        character.isspace()
        or not character.isprintable()
        or character in "/,"
        # Digits to str.isdigit(), and no number to the engine.
        or (character.isdigit() and character not in "0123456789")
        for character in value
    )
    if len(parts) > 2 or not all(parts) or strange:
        return f"{value!r} is no value for userns-remap"
    if any(re.match(r"[0-9]+\Z", part) and (len(part) > 10 or int(part) > MAX_ID) for part in parts):
        return f"{value!r} has an id above {MAX_ID}"
    return None


def release(version):
    """Return the engine's version as "28.5.2" of the answer to GET /version, None where it tells none that a release
    has."""
    try:
        return ".".join(str(part) for part in _daemon_keys.parse_version((version or {}).get("Version") or ""))
    except ContainmentError:
        return None


def primary(raws, socket, main_unit):
    """Return the running engine that is the primary one, None where none is: the one that listens on its socket, else
    that of the main service, else one that is only told to listen there and does not yet.

    raws: raw engines, with "listens" (paths it really listens on) and "sockets" (those, else what it is told to).
    """
    for test in (
        lambda raw: socket in raw["listens"],
        lambda raw: raw["service"] == main_unit,
        lambda raw: socket in raw["sockets"],
    ):
        found = next((raw for raw in raws if test(raw)), None)
        if found is not None:
            return found
    return None


def control_sockets(listening, hosts, taken=(), default="/run/docker.sock"):
    """Return (sockets, listens): the unix sockets an engine takes requests at, the default one first, and those of them
    that it really listens on.

    listening: {path: held by init too} of its process. hosts: values of -H and of the key hosts. taken: paths that
    other engines or init listen on. What listens is believed before what is written, which counts only where none of
    these listens; the engine's sockets for networks, metrics and swarm are none.
    """
    declared = []
    activated = False
    for host in hosts or ["unix://"]:
        if host.startswith("fd://"):
            activated = True
        elif host.startswith(("unix://", "/")):
            declared.append(plain(host[len("unix://") :] if host.startswith("unix://") else host) or default)
    real = [plain(path) for path, by_init in listening.items() if plain(path) in declared or (activated and by_init)]
    sockets = real or [path for path in declared if path not in taken]
    return sorted(sockets, key=lambda path: (path != default, path)), real


def plain(path):
    """Return a path of /var/run as the one of /run that it is."""
    return path[len("/var") :] if path.startswith("/var/run/") else path


def containerd_sockets(values):
    """Return the sockets, without doubles of /var/run, that the shims of an engine with these daemon.json values name
    as containerd's."""
    if values.get("containerd"):
        return [plain(str(values["containerd"]))]
    own = posixpath.join(
        plain(str(values.get("exec-root") or "/run/docker") + "/").rstrip("/"), "containerd/containerd.sock"
    )
    # Without the option an engine takes the system's containerd where there is one (moby, systemContainerdRunning).
    return [own, "/run/containerd/containerd.sock"]


def check_options(options):
    """Raise ContainmentError for values of engine_info's options that mean nothing."""
    for name in ("timeout", "volume_sizes_timeout"):
        if options[name] < 1:
            raise ContainmentError(name, f"{options[name]} is no number of seconds to wait", "give 1 or more")
    if not options["sockets"]:
        raise ContainmentError("sockets", "is empty", "give the socket of the primary engine, or leave the option out")
    user = options["user"]
    if user is None:
        return
    fault = remap_fault(user)
    if fault is not None:
        raise ContainmentError("user", fault, "give it as user, user:group, uid or uid:gid")
    if user.partition(":")[0] in ("root", "0"):
        raise ContainmentError("user", f"{user!r} would switch remapping off", "name an unprivileged user")
