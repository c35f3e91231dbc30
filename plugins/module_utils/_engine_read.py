# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads all that an engine says and all that lies on disk for it, once, over one connection. Decides nothing, changes
nothing."""

import os
import time

from ansible_collections.containment.docker.plugins.module_utils import (
    _conflicts,
    _files,
    _host_probe,
    _json_text,
    _path_probe,
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
    "calls": 0,
}


def config(path):
    """Return (values, None) of a daemon.json, {} where there is none; (None, what is wrong with it) where it cannot be
    read."""
    try:
        return _json_text.value(_json_text.parse(_files.read(path).data, path)), None
    except ContainmentError as error:
        return None, str(error)
    except OSError as error:
        return None, f"{path}: {error.strerror}"


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

        def get(path, query=None):
            left = deadline - time.monotonic()
            if left <= 0:
                raise EngineError(
                    f"engine at {socket}",
                    f"has taken {PATIENCE * timeout} s for its answers",
                    "look at its log, or raise timeout",
                    hung=True,
                )
            return engine.json("GET", path, query, timeout=min(timeout, left))

        try:
            found["version"] = get("/version")
            found["info"] = get("/info")
            listed = get("/containers/json", {"all": True})
            found["containers"] = [one["Id"] for one in listed]
            found["volumes"] = get("/volumes").get("Volumes") or []
            found["networks"] = get("/networks")
            while listed:
                _inspect(get, listed[0], found)
                listed.pop(0)
        except ContainmentError as error:
            found["error"] = str(error)
        found["calls"] = engine.calls
    for one in listed:
        found["not_inspected"].append(_not_inspected(one, found["error"]))
    return found


def _inspect(get, one, found):
    try:
        found["inspected"].append(get(f"/containers/{one['Id']}/json"))
    except EngineError as error:
        if error.hung or error.status is None:
            raise
        # 404: removed since it was listed.
        if error.status != 404:
            found["not_inspected"].append(_not_inspected(one, str(error)))


def _not_inspected(one, error):
    return {"id": one["Id"], "name": ((one.get("Names") or [""])[0]).lstrip("/"), "error": error}


def surroundings(found, timeout, measure):
    """Return {"id_maps", "owners", "sizes", "graph_root"} for the answers of an engine.

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
    }


def graph_root(path):
    """Return {"path", "uid", "gid", "mode"} of a graph root, None where there is none."""
    if not path:
        return None
    try:
        info = os.lstat(path)
    except OSError:
        return None
    return {"path": path, "uid": info.st_uid, "gid": info.st_gid, "mode": info.st_mode}
