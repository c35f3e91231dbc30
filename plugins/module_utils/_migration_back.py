# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The way back, and the end of the way there: the old graph root serves again, or is removed. For a process of its own,
which works on whether anybody waits or not."""

import os

from ansible_collections.containment.docker.plugins.module_utils import (
    _migration_images,
    _migration_objects,
    _migration_read,
    _migration_serve,
    _migration_side,
    _migration_switch,
    _migration_trees,
    _service,
    _tree,
)
from ansible_collections.containment.docker.plugins.module_utils import _migration_plan as plans
from ansible_collections.containment.docker.plugins.module_utils import _migration_record as records
from ansible_collections.containment.docker.plugins.module_utils._engine_api import Engine, EngineError
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

_NEVER = "0001-01-01"  # how Go writes a time that was not set


def halted(request, report):
    """Stop the engine of the new root and its containers, and move back what was moved."""
    record = records.read(request["name"])
    if record is None or record["status"] in records.OVER:
        # As for a restart: what the engine starts by itself then, it starts.
        _service.manager().stop(request["timeout"])
        return _migration_serve.told(record)
    root = _migration_switch.serving(_service.manager(), request["socket"], request["timeout"])
    report = _migration_serve.Steady(report)
    record["served"] = record["served"] or root == record["target"]
    if record["status"] in (records.SWITCHING, records.SWITCHED):
        record.update(status=records.RETURNING, ran_there=_running_there(request, record, root))
    records.write(record)
    # Nothing may run on volumes of which a part is there and a part here.
    if root != record["source"] or record["moved"]:
        _migration_serve.halt(request, record["target"])
    if record["moved"]:
        _move_back(record, report)
    return _migration_serve.told(record)


def _running_there(request, record, root):
    """Return the ids of the containers that run in the new root, or ran there, where its engine cannot be asked."""
    if root != record["target"]:
        made = record["made"]["containers"]
        return [made[key]["id"] for key in record["ran"] if key in made]
    with Engine(request["socket"], timeout=_migration_serve.TIMEOUT) as engine:
        listed = [one["Id"] for one in engine.json("GET", "/containers/json")]
        return [one["Id"] for one in _migration_objects.order(_migration_switch.inspected(engine, listed))]


def _move_back(record, report):
    shift = _migration_trees.shifts(record, back=True)
    for tree in record["trees"]:
        if tree["target"] in record["moved"]:
            # Where both are there it was about to be moved, and was not.
            if not (os.path.isdir(tree["source"]) and os.path.isdir(tree["target"])):
                _migration_trees.move(tree["target"], tree["source"], shift, report)
            record["moved"].remove(tree["target"])
            records.write(record)


def returned(request, report):
    """Have the engine serve from the old root again, with the containers that ran there running."""
    record = records.read(request["name"])
    if record is None or record["status"] in records.OVER:
        if _service.manager().state() is None:
            _migration_serve.have_run(request)
        return _migration_serve.told(record)
    _migration_side.end_left_over()
    root = _migration_switch.serving(_service.manager(), request["socket"], request["timeout"])
    halted(request, report)
    record, told = records.read(request["name"]), []
    report = _migration_serve.Steady(report)
    _migration_serve.have_serve(request, record["source"])
    # Where the old root served all the time, what ended there has ended by itself.
    if record["status"] not in (records.SEEDING, records.SEEDED) or root != record["source"]:
        with Engine(request["socket"], timeout=_migration_serve.TIMEOUT) as engine:
            told += _make_again(engine, record)
            there = {one["Id"]: one for one in _migration_switch.inspected(engine, record["ran"])}
        report.begin("containers start")
        containers = [there[key] for key in record["ran"] if key in there]
        told += _migration_serve.start(request, containers, set(record["paused"]), set(there), record["source"])
        _service.manager().settle()
    used = record["status"] == records.RETURNING or record["served"] or _is_used(record)
    told += _put_away(record, report, used)
    record["status"] = records.RETURNED if used else records.CLEARED
    records.write(record)
    records.release()
    return _migration_serve.told(record, told=told)


def _put_away(record, report, used):
    """Rename the new graph root, or remove one in which nothing but copies is; return [text]."""
    target, aside = record["target"], f"{record['target']}.{record['name']}"
    told = []
    if used:
        try:
            told += _written(record, aside, report)
        except (ContainmentError, OSError) as error:
            told.append(f"{target}: what was written there cannot be told: {error}")
        record["aside"] = aside
        records.write(record)
        told.append(f"{target}: what was in it lies in {aside} now; remove it when nothing in it is needed.")
    elif not record["created"]:
        record["aside"] = aside
        told.append(f"{target}: lies in {aside} now, with what was there before.")
    # First by one step out of the engine's sight.
    _migration_trees.set_aside(target, aside)
    if record["aside"] is None:
        _migration_trees.remove(aside)
    return told


def _make_again(engine, record):
    """Make the containers again that were removed because they were stopped, and let go of their volumes; return
    [text]."""
    told = []
    names = {one["Id"]: one["Name"].lstrip("/") for one in record["containers"]}
    networks = {one["Id"]: one["Name"] for one in record["networks"]}
    known = {one["Id"] for one in _migration_switch.inspected(engine, record["ran"])}
    for one in record["containers"]:
        if one["Id"] not in record["ran"] or one["Id"] in known or not one["HostConfig"].get("AutoRemove"):
            continue
        given = one["Config"]["Image"]
        image = given if _migration_images.identity(engine, given) == one["Image"] else one["Image"]
        body, later = _migration_objects.container_body(one, image, names, record["macs"].get(one["Id"]), networks)
        try:
            made = engine.post("/containers/create", body, {"name": names[one["Id"]]})["Id"]
            for network, settings in later:
                engine.post(f"/networks/{network}/connect", {"Container": made, "EndpointConfig": settings})
        except EngineError as error:
            if error.status is None:
                raise
            told.append(f"container {names[one['Id']]}: is not made again: {error.cause}.")
            continue
        record["ran"][record["ran"].index(one["Id"])] = made
        records.write(record)
    labels = {"label": [f"{_migration_read.KEEPER}={record['name']}"]}
    for keeper in engine.json("GET", "/containers/json", {"all": True, "filters": labels}):
        engine.delete(f"/containers/{keeper['Id']}")
    return told


def _is_used(record):
    """Whether somebody else made or started anything in a new root whose own containers were never started."""
    ours = {one["id"] for one in record["made"]["containers"].values()}
    there = _migration_read.left_in(record["target"])
    names = set(record["made"]["volumes"])
    states = [_migration_read.own_config(record["target"], one).get("State") or {} for one in there["ids"]]
    started = any(not state.get("StartedAt", _NEVER).startswith(_NEVER) for state in states)
    return started or bool(set(there["volumes"]) - names or set(there["ids"]) - ours)


def _written(record, aside, report):
    """Return [text] on what was made or written in the new root, and is not in the old one."""
    told, shift = [], _migration_trees.shifts(record, back=True)
    ours = {one["id"] for one in record["made"]["containers"].values()}
    there = _migration_read.left_in(record["target"])
    made = [f"container {name}" for key, name in zip(there["ids"], there["containers"]) if key not in ours]
    made += [f"volume {name}" for name in there["volumes"] if name not in record["made"]["volumes"]]
    if made:
        told.append(f"{aside}: {', '.join(made)} were made since the switch, and are there alone.")
    for tree in record["trees"]:
        moved = record["move"] and tree["kind"] == "volume"
        if not moved and os.path.isdir(tree["source"]) and os.path.isdir(tree["target"]):
            count, first = _migration_trees.written_since(tree["target"], tree["source"], shift, report)
            if count:
                place = aside + tree["target"][len(record["target"]) :]
                names = ", ".join(path[len(tree["target"]) :].lstrip("/") or "." for path in first)
                told.append(
                    f"{tree['name']}: {plans.some(count, 'name')} changed since the switch ({names}), and are in "
                    f"{place} as they were last."
                )
    return told


# What an engine keeps in a graph root (moby: daemon, 20.10 to 29). Not containerd's directory: it is in the data root
# with remapping, too.
_PARTS = (
    *("builder", "buildkit", "containers", "image", "network", "overlay2", "plugins"),
    *("runtimes", "swarm", "tmp", "tmp-old", "trust", "volumes", "vfs", "fuse-overlayfs", "btrfs", "zfs", "aufs"),
    *("devicemapper", "overlay", "rootfs"),
)


def removed(request, report):
    """Remove the old root, once the engine serves from the new one and nothing needs it."""
    record = _migration_serve.needed(request)
    if record["status"] == records.REMOVED and not record["removing"]:
        return _migration_serve.told(record)
    if record["status"] not in (records.SWITCHED, records.REMOVED):
        raise ContainmentError(record["source"], f"is still needed ({record['status']})", "run harden first")
    root = _migration_switch.serving(_service.manager(), request["socket"], request["timeout"])
    source, wanted = record["source"], record["target"]
    # Once a half is gone it is of no use, whatever the engine serves from since.
    if root is None or root == source or (root != wanted and not record["removing"]):
        raise ContainmentError(source, f"is still needed: the engine serves from {root}", "run harden first")
    parts = [source] if source != record["data_root"] else [os.path.join(source, part) for part in _PARTS]
    used = record["old_root_needed"] + _users(request, tuple(part + "/" for part in parts))
    if used and not record["removing"]:
        raise ContainmentError(
            source, f"is still needed by {', '.join(used)}", "see to these, or take the migration back"
        )
    report.begin(source)
    record.update(status=records.REMOVED, removing=True)
    records.write(record)
    for part in parts:
        _migration_trees.remove(part)
    record["removing"] = False
    records.write(record)
    return _migration_serve.told(record)


def _users(request, parts):
    """Return who uses something below these paths, which end with a slash: mounts, containers, volumes."""
    with Engine(request["socket"], timeout=_migration_serve.TIMEOUT) as engine:
        listed = [one["Id"] for one in engine.json("GET", "/containers/json", {"all": True})]
        containers = _migration_switch.inspected(engine, listed)
        volumes = engine.json("GET", "/volumes").get("Volumes") or []
    found = [f"the mount at {one.point}" for one in _tree.read_mounts() if (one.point + "/").startswith(parts)]
    for one in containers:
        sources = [mount.get("Source") or "" for mount in one.get("Mounts") or [] if mount.get("Type") == "bind"]
        if any((os.path.realpath(path) + "/").startswith(parts) for path in sources):
            found.append(f"container {one['Name'].lstrip('/')}")
    for one in volumes:
        device = (one.get("Options") or {}).get("device") or ""
        if (os.path.realpath(device) + "/").startswith(parts) and device:
            found.append(f"volume {one['Name']}")
    return found
