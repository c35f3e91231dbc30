# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gives a new graph root what the present one has: images, networks, volumes and containers, made in the engine that is
asked to, as their recorded configurations say. What is there from an earlier run that was killed is kept where it is
what it should be, and made anew where not."""

import contextlib
import hashlib
import json
import os
import urllib.parse

from ansible_collections.containment.docker.plugins.module_utils import (
    _migration_images,
    _migration_objects,
    _migration_trees,
)
from ansible_collections.containment.docker.plugins.module_utils import _migration_plan as plans
from ansible_collections.containment.docker.plugins.module_utils._engine_api import EngineError
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

# Drivers whose networks can be made in a network namespace without the host's devices.
_ANYWHERE = ("bridge", "null")
# Into a volume that is empty when a container is made, the engine copies what the image has there.
_GUARD = ".containment"
_CREATE = 120  # seconds


def digest(*values):
    """Return what tells one configuration from another."""
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode("ascii")).hexdigest()


def late_containers(record):
    """Return the ids of the containers that only the switched engine can make: those with a network that needs devices
    of the host's, those that an engine removes when it starts (--rm), and those that need one of these."""
    bound = [one for one in record["networks"] if one["Driver"] not in _ANYWHERE and not one["ConfigOnly"]]
    # A container that was never started has them as its user named them, which may be by id.
    networks = {one[key] for one in bound for key in ("Id", "Name")}
    if record["side"]["config"].get("bridge") == "none":
        networks.add("bridge")
    names = {one["Id"]: one["Name"].lstrip("/") for one in record["containers"]}
    late = set()
    for one in record["containers"]:
        used = set(one["NetworkSettings"].get("Networks") or {})
        if one["HostConfig"].get("AutoRemove") or used & networks:
            late.add(one["Id"])
    while True:
        waiting = {names[key] for key in late}
        more = {
            one["Id"]
            for one in record["containers"]
            if one["Id"] not in late and _migration_objects.needs(one, names) & waiting
        }
        if not more:
            return late
        late |= more


def fill(engine, record, save, late):
    """Make in `engine` what of a record's networks, volumes and containers it lacks.

    record: its "made" ({"networks", "containers": {old id: {"id", "digest"}}}) is kept up to date. save: called when it
    changed. late: whether those are made, too, that only the switched engine can make. Raises ContainmentError.
    """
    _drop_containers(engine, record, late)
    _networks(engine, record, save, late)
    _volumes(engine, record, save, late)
    _containers(engine, record, save, late)
    if not late:
        _places(engine, record)
        save()


def _found(engine, path):
    """Return what the engine has there, None for nothing."""
    try:
        return engine.json("GET", path)
    except EngineError as error:
        if error.status == 404:
            return None
        raise


def _quoted(name):
    return urllib.parse.quote(name, safe="")


def _body(record, one, image):
    names = {other["Id"]: other["Name"].lstrip("/") for other in record["containers"]}
    networks = {network["Id"]: network["Name"] for network in record["networks"]}
    return _migration_objects.container_body(one, image, names, record["macs"].get(one["Id"]), networks)


def _drop_containers(engine, record, late):
    """Remove containers that a killed run made and did not note, or whose configuration has changed since."""
    made = {one["id"]: (key, one["digest"]) for key, one in record["made"]["containers"].items()}
    wanted = {one["Id"]: _wanted(record, one) for one in record["containers"]}
    missing = {one["Name"] for one in record["containers"] if one["Id"] not in record["made"]["containers"]}
    for one in engine.json("GET", "/containers/json", {"all": True}):
        key, kept = made.get(one["Id"], (None, None))
        # What is running here was started by somebody else: ours are made alone.
        unknown = key is None and one["State"] == "created" and (not late or missing & set(one["Names"]))
        if unknown or (key is not None and wanted.get(key) != kept):
            engine.delete(f"/containers/{one['Id']}", {"force": True})
            record["made"]["containers"].pop(key, None)


def _wanted(record, one):
    ends = one["NetworkSettings"].get("Networks") or {}
    used = sorted((name, (end or {}).get("NetworkID")) for name, end in ends.items())
    return digest(_body(record, one, one["Config"]["Image"]), one["Image"], used)


def _networks(engine, record, save, late):
    made = record["made"]["networks"]
    # Those that only say how others are configured come first.
    for one in sorted(record["networks"], key=lambda network: not network.get("ConfigOnly")):
        if not late and one["Driver"] not in _ANYWHERE and not one.get("ConfigOnly"):
            continue
        body = _migration_objects.network_body(one)
        there = _found(engine, f"/networks/{_quoted(one['Name'])}")
        known = made.get(one["Id"])
        if there is not None and known == {"id": there["Id"], "digest": digest(body)}:
            continue
        if there is not None:
            engine.delete(f"/networks/{there['Id']}")
        answer = engine.post("/networks/create", body, timeout=_CREATE)
        made[one["Id"]] = {"id": answer["Id"], "digest": digest(body)}
        save()


def _volumes(engine, record, save, late):
    made = record["made"]["volumes"]
    there = {one["Name"]: one for one in engine.json("GET", "/volumes").get("Volumes") or []}
    wanted = {one["Name"]: _migration_objects.volume_body(one) for one in record["volumes"]}
    # The time tells one that was made anew under the same name.
    tokens = {one["Name"]: digest(wanted[one["Name"]], one.get("CreatedAt")) for one in record["volumes"]}
    for name in list(there):
        if not late if name not in wanted else made.get(name) != tokens[name]:
            engine.delete(f"/volumes/{_quoted(name)}", {"force": True})
            del there[name]
    for name, body in sorted(wanted.items()):
        if name not in there:
            engine.post("/volumes/create", body)
            made[name] = tokens[name]
            save()


def mountpoints(engine, record):
    """Return {name: where its content lies} of a record's volumes that lie in the graph root."""
    plain = {one["Name"] for one in record["volumes"] if plans.is_plain(one)}
    volumes = engine.json("GET", "/volumes").get("Volumes") or []
    return {one["Name"]: one["Mountpoint"] for one in volumes if one["Name"] in plain}


@contextlib.contextmanager
def _guarded(places):
    """Have something in each of these directories while the block runs."""
    empty = [place for place in places if not os.listdir(place)]
    try:
        for place in empty:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            os.close(os.open(f"{place}/{_GUARD}", flags, 0o600))
        yield
    finally:
        for place in empty:
            _unguard(place)


def _unguard(place):
    """Take our file out of a directory in which it is alone. In a copy no file but ours belongs to the host's root."""
    if os.listdir(place) == [_GUARD] and os.lstat(f"{place}/{_GUARD}").st_uid == 0:
        os.unlink(f"{place}/{_GUARD}")


def _containers(engine, record, save, late):
    for place in mountpoints(engine, record).values():
        _unguard(place)  # A killed run's.
    made = record["made"]["containers"]
    waiting = [
        one for one in record["containers"] if one["Id"] not in made and (late or one["Id"] not in record["late"])
    ]
    if not waiting:
        return
    places = sorted(mountpoints(engine, record).values())
    names = {one["Id"]: one["Name"].lstrip("/") for one in record["containers"]}
    with _guarded(places):
        while waiting:
            absent = {names[one["Id"]] for one in waiting}
            ready = [one for one in waiting if not _migration_objects.needs(one, names) & absent] or waiting[:1]
            for one in ready:
                made[one["Id"]] = {"id": _create(engine, record, one), "digest": _wanted(record, one)}
                save()
            waiting = [one for one in waiting if one not in ready]


def _create(engine, record, one):
    """Make a container; return its id."""
    name, known = one["Name"].lstrip("/"), record["image_ids"][one["Image"]]
    # As it was given, where that still is the image; it may stand for another one by now.
    given = one["Config"]["Image"]
    image = given if _migration_images.identity(engine, given) == known else known
    body, later = _body(record, one, image)
    try:
        made = engine.post("/containers/create", body, {"name": name}, timeout=_CREATE)["Id"]
        for network, settings in later:
            connection = {"Container": made, "EndpointConfig": settings}
            engine.post(f"/networks/{_quoted(network)}/connect", connection, timeout=_CREATE)
    except EngineError as error:
        there = _found(engine, f"/containers/{_quoted(name)}/json") if error.status == 409 else None
        if there is not None and one["HostConfig"].get("AutoRemove"):
            return there["Id"]  # Whoever runs it with --rm, a unit say, has made it again already.
        raise ContainmentError(
            f"container {name}", f"cannot be made in {record['target']}: {error.cause}", error.mend
        ) from error
    own = own_layer(engine.json("GET", f"/containers/{made}/json"))
    if own is not None:
        # The engine makes a working directory that the image has not.
        _migration_trees.empty(own)
    return made


def _places(engine, record):
    """Note which directories of the new graph root get the content of which of the old one."""
    there = mountpoints(engine, record)
    record["trees"] = [
        {"name": f"volume {one['Name']}", "source": one["Mountpoint"], "target": there[one["Name"]], "kind": "volume"}
        for one in record["volumes"]
        if one["Name"] in there
    ] + [tree for tree in (layer(engine, record, one) for one in record["containers"]) if tree is not None]


def layer(engine, record, one):
    """Return the tree of a container's own layer, None where it is not made yet or its layer is no directory."""
    made = record["made"]["containers"].get(one["Id"])
    if made is None or one["HostConfig"].get("AutoRemove"):
        return None
    source = own_layer(one)
    target = own_layer(engine.json("GET", f"/containers/{made['id']}/json"))
    if source is None or target is None:
        return None
    return {"name": f"container {one['Name'].lstrip('/')}", "source": source, "target": target, "kind": "layer"}


def own_layer(inspect):
    """Return the directory in which a container's own changes lie, None where the storage driver has none."""
    driver = inspect.get("GraphDriver") or {}
    return (driver.get("Data") or {}).get("UpperDir") if driver.get("Name") == "overlay2" else None
