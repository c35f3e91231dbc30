# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads all that an engine says and all that lies on disk for it, once, over one connection. Decides nothing, changes
nothing."""

import os
import re
import time

from ansible_collections.containment.docker.plugins.module_utils import (
    _conflicts,
    _daemon_keys,
    _daemon_values,
    _engine_values,
    _files,
    _host_probe,
    _json_text,
    _path_probe,
    _seccomp_features,
    _seccomp_runtime,
    _seccomp_state,
)
from ansible_collections.containment.docker.plugins.module_utils._engine_api import Engine, EngineError
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

# An engine that answers each call slowly gets this many time-outs in all.
PATIENCE = 6

# The answers of an engine that was not asked.
NOTHING = {
    "version": None,
    "info": None,
    "containers": None,
    "inspected": [],
    "not_inspected": [],
    "volumes": None,
    "networks": None,
    "error": None,
    "error_code": None,
    "calls": 0,
}

# The largest process id there can be (PID_MAX_LIMIT in the kernel).
PID_MAX = 4194304


def _text(value):
    return value is None or (isinstance(value, str) and _encodes(value))


def _encodes(value):
    """Whether a string is Unicode: a lone surrogate, which JSON can spell, can neither be written nor be a path."""
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _short(value):
    return _text(value) and len(value or "") <= 128


def _path(value):
    return _text(value) and (not value or (value.startswith("/") and "\0" not in value))


def _whole(value):
    return value is None or (isinstance(value, int) and not isinstance(value, bool))


def _pid(value):
    return _whole(value) and 0 <= (value or 0) <= PID_MAX


def _switch(value):
    return value is None or isinstance(value, bool)


def _id(value):
    return isinstance(value, str) and re.match(r"[0-9A-Za-z]{1,64}\Z", value) is not None


def _texts_by_name(value):
    return value is None or (isinstance(value, dict) and all(_text(name) and _text(one) for name, one in value.items()))


def _registries(value):
    return value is None or (
        isinstance(value, dict)
        and all(_text(name) and one and misfit(one, {"Secure": _switch}) is None for name, one in value.items())
    )


# What of each answer is used, as `misfit` takes it. Null stands for "not told" but in an id.
VERSION = {"Version": _short, "ApiVersion": _short, "Components": [{"Name": _text, "Version": _short}]}
INFO = {
    "DockerRootDir": _path,
    "SecurityOptions": [_text],
    "Driver": _text,
    "DriverStatus": [[_text]],
    "LoggingDriver": _text,
    "DefaultRuntime": _text,
    "CgroupDriver": _text,
    "CgroupVersion": _text,
    "LiveRestoreEnabled": _switch,
    "Debug": _switch,
    "Images": _whole,
    "Labels": [_text],
    "Swarm": {"LocalNodeState": _text},
    "Plugins": {"Authorization": [_text]},
    "RegistryConfig": {"Mirrors": [_text], "InsecureRegistryCIDRs": [_text], "IndexConfigs": _registries},
}
CONTAINERS = [{"Id": _id, "Names": [_text]}]
CONTAINER = {
    "Id": _id,
    "Name": _text,
    "State": {"Pid": _pid, "Status": _text},
    "Config": {"Image": _text, "User": _text, "Labels": _texts_by_name},
    "HostConfig": {
        "Privileged": _switch,
        "PidMode": _text,
        "NetworkMode": _text,
        "IpcMode": _text,
        "UTSMode": _text,
        "UsernsMode": _text,
        "CapAdd": [_text],
        "SecurityOpt": [_text],
        "GroupAdd": [_text],
        "RestartPolicy": {"Name": _text},
        "Devices": [{"PathOnHost": _text, "PathInContainer": _text, "CgroupPermissions": _text}],
    },
    "Mounts": [{"Type": _text, "Source": _text, "Destination": _text, "Name": _text, "Driver": _text, "RW": _switch}],
}
VOLUMES = {"Volumes": [{"Name": _text, "Driver": _text, "Mountpoint": _text, "Options": _texts_by_name}]}
NETWORKS = [{"Name": _text, "Options": _texts_by_name}]


def misfit(value, shape, place="the whole of it"):
    """Return the place in a JSON value that has not the type that the engine's API gives it, None where all is well.

    shape: a test, [shape of each item], or {member: its shape}; other members are not looked at. Lists and objects may
    be null, their items may not.
    """
    if not isinstance(shape, (dict, list)):
        return None if shape(value) else place
    if value is None:
        return None
    if not isinstance(value, type(shape)):
        return place
    if isinstance(shape, dict):
        parts = [(value.get(name), inner, name) for name, inner in shape.items()]
    else:
        parts = [(one, shape[0], place) for one in value]
        if any(one is None for one in value):
            return place
    for part, inner, name in parts:
        found = misfit(part, inner, name)
        if found is not None:
            return found
    return None


def config(path):
    """Return (values, None) of a daemon.json, {} where there is none; (None, what is wrong with it) where it cannot be
    read."""
    try:
        values = _json_text.value(_json_text.parse(_files.read(path).data, path))
    except ContainmentError as error:
        return None, str(error)
    except OSError as error:
        return None, f"{path}: {error.strerror}"
    try:
        for name, value in values.items():
            if name in _daemon_keys.KEYS:
                _daemon_values.check_type(_daemon_keys.KEYS[name], value)
        root = values.get("data-root") or ""
        if "\0" in root:
            raise ContainmentError("data-root", f"{root!r} is no path", "give the path of a directory")
    except ContainmentError as error:
        return None, f"{path}: {error}"
    return values, None


def answers(socket, timeout):
    """Return what the engine at `socket` answers, with the keys of NOTHING.

    containers: [id]. inspected: [answer of GET /containers/ID/json]. not_inspected: [{"id", "name", "error"}]. What was
    not answered is None, and error says why; after a time-out nothing more is asked, so that a hanging engine costs
    `timeout` seconds once.
    """
    found = dict(NOTHING, inspected=[], not_inspected=[])
    deadline = time.monotonic() + PATIENCE * timeout
    listed = []
    with Engine(socket, timeout) as engine:

        def get(path, shape, query=None):
            left = deadline - time.monotonic()
            if left <= 0:
                raise EngineError(
                    f"engine at {socket}",
                    f"has taken {PATIENCE * timeout} s for its answers",
                    "look at its log, or raise timeout",
                    hung=True,
                )
            answer = engine.json("GET", path, query, timeout=min(timeout, left))
            wrong = "the whole of it" if answer is None else misfit(answer, shape)
            if wrong is not None:
                raise Malformed(
                    f"engine at {socket}, GET {path}",
                    f"answered with what the Engine API does not have ({wrong})",
                    "check that a Docker Engine listens on this socket",
                )
            return answer

        try:
            found["version"] = get("/version", VERSION)
            found["info"] = get("/info", INFO)
            listed = get("/containers/json", CONTAINERS, {"all": True})
            found["containers"] = [one["Id"] for one in listed]
            found["volumes"] = get("/volumes", VOLUMES).get("Volumes") or []
            found["networks"] = get("/networks", NETWORKS)
            while listed:
                _inspect(get, listed[0], found)
                listed.pop(0)
        except ContainmentError as error:
            found["error"], found["error_code"] = str(error), _code(error)
        found["calls"] = engine.calls
    for one in listed:
        found["not_inspected"].append(_not_inspected(one, found["error"]))
    return found


class Malformed(EngineError):
    """An answer that is JSON and not the Engine API's."""


def _code(error):
    if isinstance(error, Malformed):
        return "answer_malformed"
    if getattr(error, "hung", False):
        return "engine_hangs"
    return "engine_dead" if getattr(error, "absent", False) else "engine_refuses"


def _inspect(get, one, found):
    try:
        found["inspected"].append(get(f"/containers/{one['Id']}/json", CONTAINER))
    except EngineError as error:
        if error.hung or error.status is None:
            raise
        # 404: removed since it was listed.
        if error.status != 404:
            found["not_inspected"].append(_not_inspected(one, str(error)))


def _not_inspected(one, error):
    return {"id": one["Id"], "name": ((one.get("Names") or [""])[0] or "").lstrip("/"), "error": error}


def surroundings(found, timeout, measure):
    """Return {"id_maps", "owners", "sizes", "graph_root", "seccomp", "seccomp_made"} for the answers of an engine.

    measure: seconds for sizes of volumes, 0 for none. Owners of hostile or dead paths are looked at in a bounded child.
    """
    info, inspected = found["info"] or {}, found["inspected"]
    mountpoints = [
        one["Mountpoint"] for one in found["volumes"] or [] if one.get("Driver") == "local" and one.get("Mountpoint")
    ]
    wanted = sorted({path for one in inspected for path in _conflicts.paths(one)} | set(mountpoints))
    running = [one["State"]["Pid"] for one in inspected if (one.get("State") or {}).get("Pid")]
    return {
        "id_maps": {pid: _host_probe.id_map(pid) for pid in running},
        "owners": _path_probe.owners(wanted, timeout) if wanted else {},
        "sizes": _path_probe.sizes(mountpoints, measure) if measure and mountpoints else {},
        "graph_root": graph_root(info.get("DockerRootDir")),
        "seccomp": _seccomp(info, inspected),
        "seccomp_made": _seccomp_runtime.made(),
    }


def _seccomp(info, inspected):
    """Return {pid: _seccomp_state.of_container} of the containers that run."""
    uname, found = os.uname(), {}
    kernel = {"release": uname.release, "machine": uname.machine}
    daemon = _seccomp_profile(info, kernel)
    for one in inspected:
        pid = (one.get("State") or {}).get("Pid")
        if not pid:
            continue
        try:
            bundle = _seccomp_runtime.bundle(pid, one["Id"])
        except ContainmentError:
            bundle = None
        found[pid] = _seccomp_state.of_container(one, bundle, daemon, kernel)
    return found


def _seccomp_profile(info, kernel):
    """Return the daemon-wide Profile, or the engine's default as far as it told it, None where that cannot be read."""
    path = (_engine_values.security_options(info).get("seccomp") or {}).get("profile") or _seccomp_state.BUILTIN
    try:
        if path.startswith("/"):
            return _seccomp_state.of_daemon(_files.read(path).data, kernel["machine"])
        if path in _seccomp_features.BUILTIN:
            return _seccomp_state.of_default(_seccomp_runtime.default_told(info.get("ServerVersion") or ""), kernel)
    except (ContainmentError, OSError):
        return None
    return None


def graph_root(path):
    """Return {"path", "uid", "gid", "mode"} of a graph root, None where there is none."""
    if not path:
        return None
    try:
        info = os.lstat(path)
    except OSError:
        return None
    return {"path": path, "uid": info.st_uid, "gid": info.st_gid, "mode": info.st_mode}
