# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a container is incompatible with user-namespace remapping. Pure.

Severities: "refused", the engine refuses to create or start it; "breaks", it starts or not and cannot do its work;
  "degraded", it works
with less than before, or may.
"""

import posixpath
import re
import stat

REFUSED, BREAKS, DEGRADED = "refused", "breaks", "degraded"

# Volume drivers that put what they mount below the graph root with the engine's own remapped root as owner.
AWARE_DRIVERS = ("local",)

# Capabilities the kernel asks for in the initial user namespace alone (user_namespaces(7), capable() in the kernel's
# source).
INITIAL_ONLY = (
    "ALL",
    "BLOCK_SUSPEND",
    "BPF",
    "IPC_LOCK",
    "LINUX_IMMUTABLE",
    "MAC_ADMIN",
    "MAC_OVERRIDE",
    "MKNOD",
    "PERFMON",
    "SYSLOG",
    "SYS_MODULE",
    "SYS_NICE",
    "SYS_RAWIO",
    "SYS_RESOURCE",
    "SYS_TIME",
    "WAKE_ALARM",
)

SOCKET_MEND = "give it a socket proxy or an authorized TLS client, or add --userns=host"
_DAEMON = "moby, verifyPlatformContainerSettings"
_USER_NAMESPACES = "user_namespaces(7)"
_DOCS = "Docker documentation, user namespace known limitations"


def conflicts(
    container, mapping=None, owners=None, volumes=None, engine_sockets=("/run/docker.sock",), others=None, runc=None
):
    """Return the conflicts of one container, worst first: [{container, conflict, severity, detail, mend, source,
    path: where other owners would mend it, else None}].

    container: answer of GET /containers/ID/json.
    mapping: {"uid": [[container id, host id, count], ...], "gid": [...]} planned or in force; None: not known, every
    host id then counts as outside.
    owners: {path: {"uid", "gid", "mode", "blocked", "error"}} as _path_probe.owners returns for paths(container), {}
    for what was not looked at.
    volumes: {name: volume} of GET /volumes.
    engine_sockets: paths of the host's engine sockets, links resolved.
    others: {id and name: container} of all containers, for shared namespaces.
    runc: its version as a tuple, None where unknown.
    POSIX ACLs, which can grant more than the mode says, are not looked at.
    """
    config = container.get("HostConfig") or {}
    name = _name(container)
    on_host = config.get("UsernsMode") == "host"
    found = []

    def add(conflict, severity, detail, mend, source, path=None):
        found.append(
            {
                "container": name,
                "conflict": conflict,
                "severity": severity,
                "detail": detail,
                "mend": mend,
                "source": source,
                "path": path,
            }
        )

    if on_host:
        add(
            "userns_host",
            DEGRADED,
            "runs outside the remapping (--userns=host), root inside is root on the host, and its files keep their"
            " remapped owners, so that sudo and other setuid programs fail",
            "run it with the remapping where it does without the host's privileges",
            "moby#34064",
        )
    else:
        _namespaces(config, others or {}, add)
        _capabilities(config, add)
        _user(container.get("Config") or {}, config, mapping, add)
        _bind_mounts(container, mapping, owners or {}, engine_sockets, runc, add)
        _devices(config, mapping, owners or {}, add)
    _volumes(container, volumes or {}, on_host, add)
    if "com.docker.swarm.service.id" in ((container.get("Config") or {}).get("Labels") or {}):
        add(
            "swarm_service",
            BREAKS,
            "is a task of a swarm service; the swarm's state stays in the old graph root and services cannot opt out of"
            " the remapping",
            "leave the swarm before the switch and initialise it again after it",
            "moby#39722, moby#37560",
        )
    return sorted(found, key=lambda conflict: (REFUSED, BREAKS, DEGRADED).index(conflict["severity"]))


def paths(container):
    """Return the host paths whose owners decide: sources of bind mounts and devices, sorted, without doubles."""
    config = container.get("HostConfig") or {}
    found = {
        mount["Source"]
        for mount in container.get("Mounts") or []
        if mount.get("Type") == "bind" and mount.get("Source")
    }
    found.update(device["PathOnHost"] for device in config.get("Devices") or [] if device.get("PathOnHost"))
    return sorted(found)


def inside(mapping, host):
    """Return the id inside the container that `host` id has under `mapping`, None where it has none and shows as
    nobody."""
    for start, outside, count in mapping or []:
        if outside <= host < outside + count:
            return start + host - outside
    return None


def mapped(mapping, container_id):
    """Tell whether an id of the container has a host id."""
    return any(start <= container_id < start + count for start, _outside, count in mapping or [])


def _namespaces(config, others, add):
    opt_out = "add --userns=host to it, or do without"
    if config.get("Privileged"):
        add(
            "privileged",
            REFUSED,
            "is privileged, which the engine refuses together with a remapped user namespace",
            "give it the capabilities and devices it needs instead, or add --userns=host",
            _DAEMON,
        )
    if config.get("PidMode") == "host":
        add(
            "pid_host",
            REFUSED,
            "shares the host's pid namespace (--pid=host), which the engine refuses when remapping is on",
            opt_out,
            _DAEMON,
        )
    if config.get("NetworkMode") == "host":
        add(
            "network_host",
            REFUSED,
            "shares the host's network namespace (--network=host), which the engine refuses when remapping is on",
            "publish its ports instead, or add --userns=host",
            _DAEMON,
        )
    if config.get("IpcMode") == "host":
        # Not in the engine's list of refusals: it is created, and never starts.
        add(
            "ipc_host",
            BREAKS,
            "shares the host's ipc namespace (--ipc=host): the engine takes it, and runc fails to mount /dev/mqueue"
            " (EPERM)",
            "share an ipc namespace between containers instead, or add --userns=host",
            "tried with engines 20.10.24 and 28.5.2",
        )
    if config.get("UTSMode") == "host":
        add(
            "uts_host",
            DEGRADED,
            "shares the host's uts namespace (--uts=host), whose host name it can no longer change",
            "give it a --hostname of its own, or add --userns=host",
            _USER_NAMESPACES,
        )
    for key, kind in (("NetworkMode", "network"), ("PidMode", "pid"), ("IpcMode", "ipc")):
        mode = config.get(key) or ""
        if not mode.startswith("container:"):
            continue
        other = others.get(mode[len("container:") :])
        if other is not None and (other.get("HostConfig") or {}).get("UsernsMode") == "host":
            add(
                kind + "_container",
                REFUSED,
                f"shares the {kind} namespace of {_name(other)}, which runs with --userns=host: a remapped container"
                " cannot join it",
                "add --userns=host to both or to neither",
                "setns(2); tried with engines 20.10.24 and 28.5.2",
            )
        else:
            target = _name(other) if other is not None else mode[len("container:") :]
            add(
                kind + "_container",
                DEGRADED,
                f"shares the {kind} namespace of {target}, and with it its user namespace, which has failed in several"
                " engine versions (it works with 20.10.24 and 28.5.2)",
                "try it on the remapped engine of a test host",
                "moby#42081, moby#43758, moby#46210",
            )


def _name(container):
    return (container.get("Name") or "").lstrip("/") or container.get("Id") or ""


def _capabilities(config, add):
    wanted = sorted(
        name
        for name in {cap.upper().replace("CAP_", "", 1) for cap in config.get("CapAdd") or []}
        if name in INITIAL_ONLY
    )
    if wanted:
        add(
            "capabilities",
            DEGRADED,
            f"was given {', '.join(wanted)}, which the kernel grants nothing for outside the initial user namespace",
            "drop it where it is not used, or add --userns=host",
            _USER_NAMESPACES,
        )


def _user(config, host_config, mapping, add):
    if mapping is None:
        return
    user, _colon, group = (config.get("User") or "").partition(":")
    wanted = [("uid", user), ("gid", group)] + [("gid", group) for group in host_config.get("GroupAdd") or []]
    for kind, text in wanted:
        # The engine takes any text for a user. Ten digits hold every id, and what is longer is none.
        if re.match(r"[0-9]+\Z", text) and (len(text) > 10 or not mapped(mapping.get(kind), int(text))):
            add(
                "unmapped_" + kind,
                REFUSED,
                f"runs as {kind} {text}, which the mapping does not contain",
                "map more ids, or give it an id within the mapping",
                "runc, cannot set uid to unmapped user; tried with engines 20.10.24 and 28.5.2",
            )


def _bind_mounts(container, mapping, owners, engine_sockets, runc, add):
    for mount in container.get("Mounts") or []:
        if mount.get("Type") != "bind" or not mount.get("Source"):
            continue
        source = mount["Source"]
        reached = _control_socket(source, engine_sockets)
        if reached == source:
            add(
                "docker_socket",
                BREAKS,
                f"mounts {source}; root inside has no right to it any more (EACCES)",
                SOCKET_MEND,
                "portainer#662",
            )
            continue
        if reached:
            add(
                "docker_socket",
                DEGRADED,
                f"mounts {source}, through which it sees {reached}; root inside has no right to it any more (EACCES)",
                SOCKET_MEND,
                "portainer#662",
            )
        owner = owners.get(source, {})
        # runc opens the sources of mounts before it enters the user namespace since 1.1 (opencontainers/runc#2576);
        # tried with 1.1.5.
        if runc is not None and runc >= (1, 1):
            owner = dict(owner, blocked=[]) if owner else owner
        _path("bind_mount", source, mount.get("Destination"), bool(mount.get("RW")), owner, mapping, add)


def _devices(config, mapping, owners, add):
    for device in config.get("Devices") or []:
        source, destination = device.get("PathOnHost"), device.get("PathInContainer")
        if source and destination and source != destination:
            # Without mknod runc binds the host's node, and it takes the container's path for it.
            add(
                "device",
                BREAKS,
                f"has device {source} as {destination}: a remapped container can have a device under the host's own"
                " path alone",
                f"give it as --device {source}",
                "tried with engines 20.10.24 and 28.5.2",
            )
        elif source:
            writes = "w" in (device.get("CgroupPermissions") or "rwm")
            _path("device", source, destination, writes, owners.get(source, {}), mapping, add)


def _control_socket(source, engine_sockets):
    """Return `source` where it is an engine's socket, the socket that lies below it, or None."""
    clean = posixpath.normpath(source)
    if clean.startswith("/var/run"):
        clean = clean[len("/var") :]
    if posixpath.basename(clean) in ("docker.sock", "containerd.sock") or clean in engine_sockets:
        return source
    return next((socket for socket in engine_sockets if socket.startswith(clean.rstrip("/") + "/")), None)


def _path(conflict, source, destination, writes, owner, mapping, add):
    where = f"{source} (at {destination})"
    if owner.get("error"):
        add(
            conflict,
            BREAKS,
            f"mounts {where}, which could not be looked at: {owner['error']}",
            "see to it that the path is there and answers",
            _DOCS,
        )
        return
    if not owner:
        return
    uids, gids = (mapping or {}).get("uid"), (mapping or {}).get("gid")
    for parent in owner.get("blocked") or []:
        if not _permits(parent, uids, gids, 0o1):
            add(
                conflict,
                BREAKS,
                f"mounts {where}, and {parent['path']} (uid {parent['uid']}, gid {parent['gid']}, mode"
                f" {_octal(parent)}) lets no remapped id pass",
                f"chmod o+x {parent['path']}, or move the data",
                "path_resolution(7)",
            )
            return
    kind = stat.S_IFMT(owner["mode"])
    # Who connects to a socket needs the right to write, however it is mounted.
    writes = writes or kind == stat.S_IFSOCK
    needed = 0o5 if kind == stat.S_IFDIR else 0o2 if kind == stat.S_IFSOCK else 0o4
    # What other owners would mend; devices and sockets are somebody else's.
    mendable = source if conflict == "bind_mount" and kind in (stat.S_IFDIR, stat.S_IFREG) else None
    facts = f"uid {owner['uid']}, gid {owner['gid']}, mode {_octal(owner)}"
    if not _permits(owner, uids, gids, needed):
        add(
            conflict,
            BREAKS,
            f"mounts {where} ({facts}), which no remapped id can {'use' if needed == 0o2 else 'read'}",
            "give it an owner within the mapping, or wider modes",
            _DOCS,
            mendable,
        )
    elif writes and not _permits(owner, uids, gids, 0o2):
        severity = DEGRADED if kind == stat.S_IFREG else BREAKS
        add(
            conflict,
            severity,
            f"mounts {where} ({facts}) to write to it, and its owner is nobody inside",
            "give it an owner within the mapping, or mount it read-only where nothing writes to it",
            _DOCS,
            mendable,
        )


def _permits(node, uids, gids, bits):
    """Tell whether root of the remapped container may do `bits` (rwx as 4, 2, 1) to an inode.

    CAP_DAC_OVERRIDE counts for an inode only where both its ids are mapped (capable_wrt_inode_uidgid in the kernel).
    """
    if inside(uids, node["uid"]) is not None and inside(gids, node["gid"]) is not None:
        return True
    mode = stat.S_IMODE(node["mode"])
    if inside(uids, node["uid"]) == 0:
        return mode >> 6 & bits == bits
    if inside(gids, node["gid"]) == 0:
        return mode >> 3 & bits == bits
    return mode & bits == bits


def _octal(node):
    return format(stat.S_IMODE(node["mode"]), "04o")


def _volumes(container, volumes, on_host, add):
    for mount in container.get("Mounts") or []:
        if mount.get("Type") != "volume":
            continue
        driver = mount.get("Driver") or "local"
        volume = volumes.get(mount.get("Name")) or {}
        options = volume.get("Options") or {}
        if driver not in AWARE_DRIVERS:
            add(
                "volume_driver",
                DEGRADED if on_host else BREAKS,
                f"uses volume {mount.get('Name')} of driver {driver}, which is not known to serve remapped ids",
                "ask its vendor, and try it on a test host",
                _DOCS,
            )
        elif options.get("device") and not on_host and options.get("type") != "tmpfs":
            add(
                "volume_device",
                DEGRADED,
                f"uses volume {mount.get('Name')}, which mounts {options['device']} from outside the graph root with"
                " the owners it has there",
                "shift the owners there into the mapping, or check that others may read and write it",
                _DOCS,
                options["device"] if "bind" in (options.get("o") or "").split(",") else None,
            )
