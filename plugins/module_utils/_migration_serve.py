# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the steps of a migration have in common."""

import time

from ansible_collections.containment.docker.plugins.module_utils import (
    _job_worker,
    _migration_objects,
    _migration_read,
    _migration_switch,
    _migration_trees,
    _service,
)
from ansible_collections.containment.docker.plugins.module_utils import _migration_record as records
from ansible_collections.containment.docker.plugins.module_utils._engine_api import Engine
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

TIMEOUT = 60  # seconds without a byte of an engine that is asked for what it has


class Steady:
    """A report that goes on when nobody waits any more: what has begun here has to be ended."""

    def __init__(self, report):
        self._report = report

    def begin(self, path):
        self._call(self._report.begin, path)

    def next_pass(self, *values):
        self._call(self._report.next_pass, *values)

    def __call__(self, *values, **more):
        self._call(self._report, *values, **more)

    @staticmethod
    def _call(act, *values, **more):
        try:
            act(*values, **more)
        except _job_worker.Abandoned:
            pass


def now():
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def told(record, **more):
    """Return what is told of a record, None for none, and `more`."""
    result = {"record": records.told(record) if record else None, "told": [], "refusals": [], "measured": None}
    return dict(result, **more)


def needed(request):
    """Return the record of a request. Raises ContainmentError where there is none."""
    record = records.read(request["name"])
    if record is None:
        raise ContainmentError(
            "name", f"no migration {request['name']!r} was begun", "call it with state: seeded first"
        )
    return record


def have_run(request):
    """Have the engine run, from whatever graph root. Raises ContainmentError."""
    manager = _service.manager()
    manager.start()
    _service.wait(manager, None, request["socket"], request["timeout"])
    manager.settle()


def have_serve(request, root):
    """Have the engine serve from a graph root, for which it has to be configured. Raises ContainmentError."""
    manager = _service.manager()
    if _migration_switch.serving(manager, request["socket"], request["timeout"]) != root:
        if manager.state() is not None:
            manager.stop(request["timeout"])
        have_run(request)
    with Engine(request["socket"], timeout=TIMEOUT) as engine:
        there = engine.json("GET", "/info")["DockerRootDir"]
    if there != root:
        raise ContainmentError(
            request["socket"], f"the engine serves from {there}, not from {root}", "see what its configuration says"
        )


def halt(request, root):
    """Stop the engine, with its containers before it, and what runs without it of the containers in a graph root."""
    manager = _service.manager()
    if _migration_switch.serving(manager, request["socket"], request["timeout"]) is not None:
        with Engine(request["socket"], timeout=TIMEOUT) as engine:
            listed = [one["Id"] for one in engine.json("GET", "/containers/json")]
            running = _migration_objects.order(_migration_switch.inspected(engine, listed))
        _migration_switch.stop_containers(request["socket"], running)
    manager.stop(request["timeout"])
    _migration_switch.end_ghosts(set(_migration_read.left_in(root)["ids"]))


def start(request, containers, paused, fragile, root):
    """Start containers; return [text] on those of `fragile` that do not run then.

    containers: inspected, in order. paused, fragile: ids. root: the graph root that they are in. Raises
    ContainmentError for any other that does not start, or ends with a failure at once.
    """
    waiting = [one for one in containers if one["State"]["Status"] != ("paused" if one["Id"] in paused else "running")]
    failed = _migration_switch.start_containers(request["socket"], waiting, paused)
    started = [one["Id"] for one in waiting if one["Id"] not in failed]
    if started:
        failed.update(_migration_switch.ended_early(request["socket"], started))
    refuse({key: words for key, words in failed.items() if key not in fragile}, containers, root)
    names = {one["Id"]: one["Name"].lstrip("/") for one in containers}
    return [f"container {names[key]}: does not run in {root}: {words}." for key, words in sorted(failed.items())]


def refuse(failed, containers, root):
    """Raise ContainmentError for containers that do not run as they should. failed: {id: why, in words}."""
    names = {one["Id"]: one["Name"].lstrip("/") for one in containers}
    if failed:
        told = "; ".join(f"{names[key]}: {words}" for key, words in sorted(failed.items()) if key in names)
        raise ContainmentError(f"containers in {root}", told, "mend what is told, or leave them behind")


def copy(record, report, still):
    """Copy what has changed in a record's trees; return how many files were read again.

    still: whether nobody writes there.
    """
    shift, reread = _migration_trees.shifts(record), 0
    for tree in record["trees"]:
        if not (record["move"] and tree["kind"] == "volume"):
            reread += _migration_trees.copy(tree["source"], tree["target"], shift, report, record["verify"], still)
    return reread
