# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The way there, second part: the old graph root is stopped and the new one serves. For a process of its own, which
works on, once the containers are being stopped, whether anybody waits or not."""

import os
import time

from ansible_collections.containment.docker.plugins.module_utils import (
    _migration_fill,
    _migration_objects,
    _migration_read,
    _migration_seed,
    _migration_serve,
    _migration_switch,
    _migration_trees,
    _service,
)
from ansible_collections.containment.docker.plugins.module_utils import _migration_plan as plans
from ansible_collections.containment.docker.plugins.module_utils import _migration_record as records
from ansible_collections.containment.docker.plugins.module_utils._engine_api import Engine
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

_KINDS = ("paused", "healthy", "fragile")  # of containers in a record, by their old ids


def stopped(request, report):
    """Stop the containers and the engine, and bring what changed since to the new root."""
    record = _migration_serve.needed(request)
    if record["status"] not in records.AHEAD or record["status"] == records.SWITCHING:
        return _migration_serve.told(record)
    manager, began = _service.manager(), time.monotonic()
    root = _migration_switch.serving(manager, request["socket"], request["timeout"])
    if record["status"] == records.COPIED and root != record["source"]:
        return _migration_serve.told(record)
    # With volumes that are in the new root already, what serves from the old one is of no account.
    if root == record["source"] and not record["moved"]:
        ran = record["ran"] if record["status"] not in (records.SEEDING, records.SEEDED) else []
        record = _migration_fill.top_up(request, record, report)
        began = time.monotonic()
        _stop_old(request, record, ran)
    elif root == record["target"]:
        _refuse_started(request, record)
        record["served"] = True
    report = _migration_serve.Steady(report)
    if record["status"] in (records.SEEDING, records.SEEDED):
        record["status"] = records.STOPPING
    records.write(record)
    _migration_serve.halt(request, record["source"])
    record["status"] = records.STOPPED
    records.write(record)
    if record["move"]:
        move(record, report)
    reread = _migration_serve.copy(record, report, still=True)
    record["status"] = records.COPIED
    records.write(record)
    stopped_for = round(time.monotonic() - began, 3)
    return _migration_serve.told(record, measured={"stopped_seconds": stopped_for, "reread": reread})


def _stop_old(request, record, ran):
    """Stop the containers of the engine that serves, those that do not come along too.

    ran: ids of those that an earlier try may have stopped.
    """
    with Engine(request["socket"], timeout=_migration_serve.TIMEOUT) as engine:
        listed = [one["Id"] for one in engine.json("GET", "/containers/json", {"all": True})]
        there = _migration_objects.order(_migration_switch.inspected(engine, listed))
        running = [one for one in there if one["State"]["Status"] in plans.ON]
        on = {one["Id"] for one in running}
        earlier = record if ran else {"paused": [], "healthy": []}
        healthy = [one["Id"] for one in running if (one["State"].get("Health") or {}).get("Status") == "healthy"]
        record.update(
            status=records.STOPPING,
            ran=[one["Id"] for one in there if one["Id"] in on | set(ran)],
            paused=[one["Id"] for one in running if one["State"]["Status"] == "paused"]
            + [key for key in earlier["paused"] if key not in on],
            healthy=sorted(set(healthy) | set(earlier["healthy"])),
        )
        records.write(record)
        _keep(engine, running, record)
    _migration_switch.stop_containers(request["socket"], running)


def _keep(engine, running, record):
    """Have containers that are never started hold the volumes that would go with a container that is removed when it
    stops."""
    for one in running:
        volumes = plans.anonymous(one) if one["HostConfig"].get("AutoRemove") else []
        if volumes:
            binds = [f"{name}:/{number}" for number, name in enumerate(volumes)]
            labels = {_migration_read.KEEPER: record["name"]}
            body = {"Image": one["Image"], "Cmd": ["true"], "Labels": labels, "HostConfig": {"Binds": binds}}
            engine.post("/containers/create", body)


def _refuse_started(request, record):
    """Raise ContainmentError where somebody started a container in the new root before its volumes were complete."""
    with Engine(request["socket"], timeout=_migration_serve.TIMEOUT) as engine:
        listed = engine.json("GET", "/containers/json", {"all": True})
    started = sorted(one["Names"][0].lstrip("/") for one in listed if one["State"] != "created")
    if started:
        raise ContainmentError(
            record["target"],
            f"{', '.join(started)} was started there before its volumes were complete",
            "take that back with the rollback playbook, which keeps what it wrote, then run again",
        )


def move(record, report):
    shift = _migration_trees.shifts(record)
    for tree in record["trees"]:
        if tree["kind"] == "volume":
            if tree["target"] not in record["moved"]:
                record["moved"].append(tree["target"])
                records.write(record)
            _migration_trees.move(tree["source"], tree["target"], shift, report)


def switched(request, report):
    """Have the engine serve from the new root, with all containers that ran running."""
    record, stopping = _migration_serve.needed(request), {}
    if record["status"] in (records.SWITCHED, records.REMOVED):
        return _migration_serve.told(record)
    if record["status"] == records.CLEARED:
        raise ContainmentError(record["target"], "was taken back and is gone", "run harden again")
    again = record["status"] in (records.RETURNING, records.RETURNED)
    if not again:
        stopping = stopped(request, report)["measured"] or {}
        record = records.read(request["name"])
    began = time.monotonic()
    report = _migration_serve.Steady(report)
    if again:
        _back_to_the_new(request, record, report)
    _migration_serve.have_serve(request, record["target"])
    if not again:
        record["status"] = records.SWITCHING
        records.write(record)
    with Engine(request["socket"], timeout=_migration_serve.TIMEOUT) as engine:
        if not again:
            _fill_late(engine, record, report)
        made = {key: one["id"] for key, one in record["made"]["containers"].items()}
        order = [made[one["Id"]] for one in record["containers"] if one["Id"] in record["ran"]]
        there = _migration_switch.inspected(engine, record["ran_there"] if again else order)
    report.begin("containers start")
    paused, healthy, fragile = ({made[key] for key in record[kind] if key in made} for kind in _KINDS)
    told = _migration_serve.start(request, there, paused, fragile, record["target"])
    away = round(stopping.get("stopped_seconds", 0) + time.monotonic() - began, 3)
    ill = _migration_switch.await_health(request["socket"], sorted(healthy - fragile), request["timeout"])
    _migration_serve.refuse(ill, there, record["target"])
    _service.manager().settle()
    record.update(status=records.SWITCHED, switched=record["switched"] or _migration_serve.now(), ran_there=[])
    if not again:
        record["old_root_needed"] = sorted(one["name"] for one in record["left"] if one["kind"] == "container")
        record["old_root_needed"] += _migration_read.came_since(record["source"], record["identities"])
    records.write(record)
    records.release()
    measured = {"away_seconds": away, "reread": stopping.get("reread", 0)}
    return _migration_serve.told(record, told=told, measured=measured)


def _back_to_the_new(request, record, report):
    """Have all that belongs to a new root there again, after a way back that was begun or ended and is taken back."""
    _migration_serve.halt(request, record["source"])
    if record["aside"] and not os.path.isdir(record["target"]):
        _migration_trees.set_aside(record["aside"], record["target"])
    record.update(status=records.RETURNING, aside=None)
    records.write(record)
    if record["move"]:
        move(record, report)


def _fill_late(engine, record, report):
    """Make what only this engine can make, and bring the layers of those containers along."""
    late = [one for one in record["containers"] if one["Id"] in record["late"]]
    made = record["made"]["containers"]
    for one in late:
        if one["Id"] in made and not _migration_switch.inspected(engine, [made[one["Id"]]["id"]]):
            del made[one["Id"]]  # It ended, and was to be removed then.
    _migration_seed.fill(engine, record, lambda: records.write(record), late=True)
    shift = _migration_trees.shifts(record)
    for one in late:
        tree = _migration_seed.layer(engine, record, one)
        there = _migration_switch.inspected(engine, [made[one["Id"]]["id"]])
        # One that has run has a layer of its own by now.
        new = [one for one in there if one["State"]["Status"] == "created"]
        if tree is not None and new and os.path.isdir(tree["source"]):
            _migration_trees.copy(tree["source"], tree["target"], shift, report, record["verify"], still=True)
