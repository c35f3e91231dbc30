# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The way there, first part: what the engine has is looked at and planned, and the new graph root is filled while the
old one serves. For a process of its own."""

import os

from ansible_collections.containment.docker.plugins.module_utils import (
    _daemon_keys,
    _engine_values,
    _migration_images,
    _migration_objects,
    _migration_read,
    _migration_seed,
    _migration_serve,
    _migration_side,
    _migration_switch,
    _migration_trees,
    _mountinfo,
    _service,
    _subid,
    _transaction,
    _tree,
)
from ansible_collections.containment.docker.plugins.module_utils import _migration_plan as plans
from ansible_collections.containment.docker.plugins.module_utils import _migration_record as records
from ansible_collections.containment.docker.plugins.module_utils._engine_api import Engine
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

_CONTAINERD = "/var/lib/containerd"  # where containerd keeps images
_ROUNDS = 4  # as often is carried what came meanwhile


def _mapping(ranges):
    return {kind: [list(extent) for extent in _subid.mapping(one)] for kind, one in ranges.items()}


def _look(request, record):
    """Return (raw engine, engine, contents, what comes along, order for the plan). record: that was begun, or None."""
    mapping = _mapping(request["ranges"])
    raw, engine = _migration_read.engine_of(request["socket"], _migration_serve.TIMEOUT, mapping)
    with Engine(request["socket"], timeout=_migration_serve.TIMEOUT) as asked:
        facts = _migration_read.contents(asked)
        listed = {one["Id"] for one in facts["images"]}
        facts["gone"] = sorted(
            one
            for one in {container["Image"] for container in facts["containers"]} - listed
            if _migration_images.identity(asked, one) is None
        )
        found = plans.carried(facts, engine)
        sizes = _migration_read.sizes(asked, engine["api_version"])
        layers = {
            one["Id"]: _migration_read.changed_paths(asked, one["Id"])
            for one in found["containers"]
            if _migration_seed.own_layer(one) is None
        }
    first = {kind: mapping[kind][0][1] for kind in mapping}
    target = os.path.join(engine["data_root"], f"{first['uid']}.{first['gid']}")
    device, free = _migration_read.space(target)
    before = record["from"] if record is not None else _before(request, engine)
    mounts = _tree.read_mounts()
    volumes = [one for one in found["volumes"] if plans.is_plain(one)]
    store = engine["image_store"] == "containerd"
    elsewhere, room = _migration_read.space(_CONTAINERD) if store else (device, None)
    order = {
        "source": engine["graph_root"]["path"],
        "target": target,
        "from": before,
        "to": mapping,
        "left_in": _migration_read.left_in(target),
        "need": plans.need(found, sizes, request["move"]),
        "free": free,
        "move": request["move"],
        "elsewhere": [one["Name"] for one in volumes if _migration_read.space(one["Mountpoint"])[0] != device],
        "linked": [one["Name"] for one in volumes if os.path.islink(one["Mountpoint"])],
        "mounted": {one["Name"]: _mountinfo.within(mounts, one["Mountpoint"]) for one in volumes},
        "elsewhere_images": None if elsewhere == device else room,
        "lost_images": store and _daemon_keys.parse_version(engine["version"]) < (26, 0, 0),
        "sizes": sizes,
        "layers": layers,
    }
    order["overlap"] = any(one.overlap() for one in _migration_trees.shifts(order).values())
    return raw, engine, facts, found, order


def _before(request, engine):
    """Return {kind: extents} of the mapping that what the engine has is kept with, None for the host's own ids.

    Raises ContainmentError where that cannot be told: the engine's files may say what it will have already.
    """
    userns = engine["userns"]
    if not userns["effective"]:
        return None
    before = _mapping(request["before"])
    if any(not before[kind] or before[kind][0][1] != userns[kind] for kind in before):
        raise ContainmentError(
            "uid_ranges_before",
            f"the engine has {userns['uid']}.{userns['gid']} for root in a container, and not these",
            "put the subordinate ids back to what the engine was started with, and run again",
        )
    return before


def _stale(request, record):
    """Return [text] on why a migration that was begun cannot be gone on with as it is asked for now."""
    if record is None or record["to"] == _mapping(request["ranges"]):
        return []
    cause = "was begun to be filled for other ranges than are asked for now"
    return [str(ContainmentError(record["target"], cause, "take that back with the rollback playbook, then run again"))]


def _begun(request):
    """Return the record of a migration that is not over, None where there is none."""
    record = records.read(request["name"])
    return None if record is None or record["status"] in records.RETURNED_ALL else record


def planned(request, _report):
    """Tell what would come along and what stands in the way."""
    record = _begun(request)
    if record is not None and record["status"] != records.SEEDING:
        goes_on = f"{record['source']}: what is carried over to {record['target']} goes on ({record['status']})."
        return _migration_serve.told(record, told=[goes_on], refusals=_stale(request, record))
    _raw, _engine, facts, found, order = _look(request, record)
    refusals = plans.refusals(found, order) if record is None else _stale(request, record)
    return _migration_serve.told(
        record, told=plans.told(found, facts, order), refusals=refusals, plan=_summary(found, facts, order)
    )


def _summary(found, facts, order):
    digests = {one["Id"]: one.get("RepoDigests") or [] for one in facts["images"]}
    return {
        "source": order["source"],
        "target": order["target"],
        "images": [
            {"id": one["id"], "tags": one["tags"], "digests": digests.get(one["id"], []), "size": one["size"]}
            for one in found["images"]
        ],
        "containers": [
            {"name": one["Name"].lstrip("/"), "image": one["Config"]["Image"], "state": one["State"]["Status"]}
            for one in found["containers"]
        ],
        "volumes": [
            {"name": one["Name"], "driver": one["Driver"], "size": order["sizes"]["volumes"].get(one["Name"], 0)}
            for one in found["volumes"]
        ],
        "networks": [{"name": one["Name"], "driver": one["Driver"]} for one in found["networks"]],
        "left": found["left"],
        "need": order["need"],
        "free": order["free"],
    }


def seeded(request, report):
    """Fill the new graph root, or go on with that."""
    record = _begun(request)
    if record is not None and record["status"] not in (records.SEEDING, records.SEEDED):
        return _migration_serve.told(record)
    stale = _stale(request, record)
    if stale:
        raise ContainmentError("uid_ranges", " ".join(stale), "or give the ranges that it was begun with")
    if record is not None and record["status"] == records.SEEDED and is_current(request):
        return _migration_serve.told(record)
    return seed(request, record, report)


def seed(request, record, report):
    """Fill the new graph root, or what it lacks by now; return what is told of it."""
    raw, engine, facts, found, order = _look(request, record)
    if record is None:
        refusals = plans.refusals(found, order)
        if refusals:
            raise ContainmentError("userns_carry", " ".join(refusals), "see to that first")
        # So that either playbook finds it, whatever is killed from here on.
        _transaction.begin(request["name"])
        records.reserve()
        record = _begin(request, raw, engine, order)
    # Those that an earlier try has stopped ran, too.
    stopped = record["ran"] if record["status"] in (records.STOPPING, records.STOPPED, records.COPIED) else []
    record.update(
        status=records.SEEDING,
        containers=found["containers"],
        networks=found["networks"],
        volumes=found["volumes"],
        images=found["images"],
        left=found["left"],
        verify=request["verify"],
        fragile=_fragile(engine),
        macs=_macs(found, order["source"]),
        identities=_migration_read.identities_of(facts),
        ran=[one["Id"] for one in found["containers"] if one["State"]["Status"] in plans.ON or one["Id"] in stopped],
    )
    record["late"] = sorted(_migration_seed.late_containers(record))
    records.write(record)
    with _migration_side.running(record["side"]) as other:
        ids, streamed, seconds = _migration_images.carry(request["socket"], other, record["images"], report)
        record["image_ids"] = ids
        report.begin("containers")
        _migration_seed.fill(other, record, lambda: records.write(record), late=False)
    reread = _migration_serve.copy(record, report, still=False)
    record["status"] = records.SEEDED
    records.write(record)
    measured = {"images_bytes": streamed, "images_seconds": round(seconds, 3), "reread": reread}
    return _migration_serve.told(record, measured=measured, plan=_summary(found, facts, order))


def _begin(request, raw, engine, order):
    flags = raw["service_flags"] if raw["service_flags"] is not None else raw["flags"]
    kinds = {name: key.kind for name, key in _daemon_keys.KEYS.items()}
    wanted = _engine_values.wanted_values(raw["config"], flags, kinds, raw["config_file"])
    values = {key: value for key, (value, _origin) in wanted.items()}
    version = _daemon_keys.parse_version(engine["version"])
    containerd = next((path for path in raw["containerd"] if os.path.exists(path)), None)
    config = _migration_side.configuration(values, engine["data_root"], request["remap"], version)
    return {
        "name": request["name"],
        "status": records.SEEDING,
        "begun": _migration_serve.now(),
        "switched": None,
        "aside": None,
        "old_root_needed": [],
        "removing": False,
        "source": order["source"],
        "target": order["target"],
        "created": not order["left_in"]["there"],
        "served": False,
        "data_root": engine["data_root"],
        "from": order["from"],
        "to": order["to"],
        "move": request["move"],
        "side": {
            "program": raw["executable"]["path"],
            "version": list(version),
            "containerd": containerd,
            "config": config,
        },
        "made": {"networks": {}, "volumes": {}, "containers": {}},
        "image_ids": {},
        "trees": [],
        "moved": [],
        "paused": [],
        "healthy": [],
        "ran_there": [],
    }


def _fragile(engine):
    """Return the ids of containers that may not start any more, which was told and accepted."""
    return [
        one["id"] for one in engine["containers"] if any(found["severity"] == "breaks" for found in one["conflicts"])
    ]


def _macs(found, source):
    """Return {container id: {network: fixed address}} of what an engine from 25.0 on does not answer."""
    macs = {
        one["Id"]: _migration_objects.fixed_macs(_migration_read.own_config(source, one["Id"]))
        for one in found["containers"]
    }
    return {key: value for key, value in macs.items() if value}


def top_up(request, record, report):
    """Carry what came since the new root was filled; return the record. Raises ContainmentError where that does not
    end."""
    ranges = {kind: [extent[1:] for extent in record["to"][kind]] for kind in record["to"]}
    for _time in range(_ROUNDS):
        if record["status"] != records.SEEDING and is_current(request):
            return record
        seed(dict(request, ranges=ranges, move=record["move"], verify=record["verify"]), record, report)
        record = records.read(request["name"])
    raise ContainmentError(
        record["source"], "gets new images, containers, volumes or networks all the time", "have that paused, run again"
    )


def is_current(request):
    """Whether the engine still has what the new root was given."""
    record = records.read(request["name"])
    if _migration_switch.serving(_service.manager(), request["socket"], request["timeout"]) != record["source"]:
        return True
    with Engine(request["socket"], timeout=_migration_serve.TIMEOUT) as engine:
        return _migration_read.identities(engine) == record["identities"]
