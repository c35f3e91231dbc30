# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads what is in a graph root: of the engine that serves from it, and of its directories. Decides and changes
nothing."""

import contextlib
import json
import os

from ansible_collections.containment.docker.plugins.module_utils import (
    _engine_facts,
    _engine_gather,
    _files,
)
from ansible_collections.containment.docker.plugins.module_utils._engine_api import EngineError
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

# The label of containers that are never started, and hold volumes that would go with others.
KEEPER = "containment.docker.keeper"
_SIZES_TIMEOUT = 600  # seconds: the engine walks through all volumes and layers


def contents(engine):
    """Return all that an engine has, as its API answers it: {"info", "version", "images", "containers", "networks",
    "volumes", "plugins"}.

    engine: an Engine. What is removed while it is read is left out.
    """
    found = {
        "info": engine.json("GET", "/info"),
        "version": engine.json("GET", "/version"),
        "images": engine.json("GET", "/images/json"),
        "networks": engine.json("GET", "/networks"),
        "volumes": engine.json("GET", "/volumes").get("Volumes") or [],
        "plugins": engine.json("GET", "/plugins"),
        "containers": [],
        "listed": _listed(engine),
    }
    for one in found["listed"]:
        try:
            found["containers"].append(engine.json("GET", f"/containers/{one['Id']}/json"))
        except EngineError as error:
            if error.status != 404:
                raise
    return found


def _listed(engine):
    """Return the containers of an engine, those left out that a migration made to keep volumes."""
    listed = engine.json("GET", "/containers/json", {"all": True})
    return [one for one in listed if KEEPER not in (one.get("Labels") or {})]


def identities(engine):
    """Return what tells whether anything came or went in an engine since `identities_of` its contents."""
    return identities_of(
        {
            "images": engine.json("GET", "/images/json"),
            "listed": _listed(engine),
            "networks": engine.json("GET", "/networks"),
            "volumes": engine.json("GET", "/volumes").get("Volumes") or [],
        }
    )


def identities_of(facts):
    """Return what tells whether anything came, went or was renamed since `contents` returned these facts."""
    return {
        "images": sorted([one["Id"], sorted(one.get("RepoTags") or [])] for one in facts["images"]),
        "containers": sorted(
            [one["Id"], sorted(one["Names"]), sorted((one.get("NetworkSettings") or {}).get("Networks") or {})]
            for one in facts["listed"]
        ),
        "networks": sorted(one["Id"] for one in facts["networks"]),
        "volumes": sorted([one["Name"], one.get("CreatedAt") or ""] for one in facts["volumes"]),
    }


def sizes(engine, api_version):
    """Return {"layers", "volumes": {name: bytes}, "own": {container id: bytes}, "cache"} in bytes, by the engine's own
    count (GET /system/df). api_version: of the engine, as "1.51"."""
    # From 1.52 on it answers in another way.
    path = "/v1.44/system/df" if [int(part) for part in api_version.split(".")] > [1, 44] else "/system/df"
    told = engine.json("GET", path, timeout=_SIZES_TIMEOUT)
    cache = told.get("BuildCache") or []
    return {
        "layers": told.get("LayersSize") or sum(one.get("Size") or 0 for one in told.get("Images") or []),
        "volumes": {
            one["Name"]: max(0, (one.get("UsageData") or {}).get("Size") or 0) for one in told.get("Volumes") or []
        },
        "own": {one["Id"]: one.get("SizeRw") or 0 for one in told.get("Containers") or []},
        "cache": sum(one.get("Size") or 0 for one in cache),
    }


def changed_paths(engine, container):
    """Return how many paths of a container are changed in its own layer."""
    return len(engine.json("GET", f"/containers/{container}/changes") or [])


def engine_of(socket, timeout, mapping):
    """Return (raw engine, engine as engine_info has it) of the engine that serves on `socket`.

    mapping: {kind: extents} by which conflicts are judged, None for that in force. Raises ContainmentError where none
    does.
    """
    _host, raws = _engine_gather.gather(None, [socket], timeout, 0)
    raw = next((one for one in raws if one["primary"]), None)
    if raw is None or raw["info"] is None:
        raise ContainmentError(
            socket, (raw or {}).get("error") or "no engine serves there", "start the engine, then run again"
        )
    return raw, _engine_facts.engine(raw, mapping, raw["sockets"], {})


def left_in(root):
    """Return what lies in a graph root that no engine serves from: {"there", "ids", "containers", "volumes"}.

    there: whether the root is. ids: of containers, sorted; containers: their names in that order, the id where the
    configuration cannot be read. volumes: names.
    """
    found = {"there": os.path.isdir(root), "ids": [], "containers": [], "volumes": []}
    with contextlib.suppress(FileNotFoundError):
        found["ids"] = sorted(os.listdir(f"{root}/containers"))
        for name in found["ids"]:
            data = _files.read(f"{root}/containers/{name}/config.v2.json").data
            try:
                found["containers"].append(json.loads(data.decode("utf-8"))["Name"].lstrip("/"))
            except (AttributeError, ValueError, KeyError, TypeError):
                found["containers"].append(name)
    with contextlib.suppress(FileNotFoundError):
        found["volumes"] = sorted(
            name for name in os.listdir(f"{root}/volumes") if os.path.isdir(f"{root}/volumes/{name}")
        )
    return found


def came_since(root, identities):
    """Return the names of what is in a graph root and was not when it had these identities, those left out that a
    migration made to keep volumes."""
    ids, volumes = {one[0] for one in identities["containers"]}, {one[0] for one in identities["volumes"]}
    there = left_in(root)
    found = [name for key, name in zip(there["ids"], there["containers"]) if key not in ids and not _keeps(root, key)]
    return found + [name for name in there["volumes"] if name not in volumes]


def _keeps(root, container):
    return KEEPER in ((own_config(root, container).get("Config") or {}).get("Labels") or {})


def own_config(root, container):
    """Return the parsed config.v2.json of a container, {} where it cannot be read."""
    data = _files.read(f"{root}/containers/{container}/config.v2.json").data
    try:
        found = json.loads((data or b"{}").decode("utf-8"))
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def space(path):
    """Return (st_dev, bytes free for root) of the file system that a path lies on, or what is above it."""
    while not os.path.exists(path):
        path = os.path.dirname(path)
    info = os.statvfs(path)
    return os.stat(path).st_dev, info.f_bfree * info.f_frsize
