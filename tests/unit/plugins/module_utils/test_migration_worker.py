# SPDX-License-Identifier: GPL-3.0-or-later
"""What a request for a state of a migration changes, by how far it came until then."""

import pytest

from ansible_collections.containment.docker.plugins.module_utils import _job_worker, _migration_fill
from ansible_collections.containment.docker.plugins.module_utils import _migration_record as records
from ansible_collections.containment.docker.plugins.module_utils import _migration_worker as worker
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

# In the order of the columns below; the first is that of one that was never begun.
STATUSES = [None, *records.AHEAD, records.SWITCHED, records.RETURNING, *records.OVER]


def test_the_columns_are_all_statuses():
    words = "seeding seeded stopping stopped copied switching switched returning returned cleared removed"
    assert [str(one) for one in STATUSES] == ["None", *words.split()]


@pytest.fixture
def known(monkeypatch):
    """Stands for the engine that is asked whether anything came since, and for the record on disk."""
    known = {"current": True, "record": None, "released": 0}
    monkeypatch.setattr(_migration_fill, "is_current", lambda request: known["current"])
    monkeypatch.setattr(records, "read", lambda name: known["record"])
    monkeypatch.setattr(records, "release", lambda: known.update(released=known["released"] + 1))
    return known


def changed(state, removing=False):
    known = [status and {"status": status, "removing": removing} for status in STATUSES]
    return [worker._changes({"state": state, "name": "one"}, record) for record in known]


@pytest.mark.parametrize(
    "state, changes",
    [
        # none seeding seeded stopping stopped copied switching | switched returning | returned cleared removed
        ("planned", "-- -----  --  ---"),
        ("seeded", "xx -----  --  xx-"),
        ("stopped", "xx xxx--  --  ---"),
        ("switched", "xx xxxxx  -x  xx-"),
        ("halted", "xx xxxxx  xx  xxx"),
        ("returned", "-x xxxxx  xx  ---"),
        ("removed", "xx xxxxx  xx  xx-"),
    ],
)
def test_what_changes_anything(known, state, changes):
    assert changed(state) == [one == "x" for one in changes.replace(" ", "")]


def test_a_new_root_is_filled_again_where_anything_came_since(known):
    known["current"] = False
    found = changed("seeded")
    assert found == [before in (None, "seeding", "seeded", "returned", "cleared") for before in STATUSES]


def test_a_removal_that_was_interrupted_is_gone_on_with():
    assert changed("removed", removing=True) == [True] * len(STATUSES)


class Worker:
    """Stands for the steps, which need an engine: each tells that it was called."""

    def __init__(self, monkeypatch):
        self.called = []
        for state in worker._STATES:
            monkeypatch.setitem(worker._STATES, state, lambda request, report: self.told(request["state"]))
        monkeypatch.setattr(_migration_fill, "planned", lambda request, report: self.told("planned"))

    def told(self, name):
        self.called.append(name)
        return {"record": {"name": name}}


@pytest.mark.parametrize("state", sorted(worker._STATES))
def test_a_state_is_brought_about_and_only_planned_in_check_mode(known, monkeypatch, state):
    steps = Worker(monkeypatch)
    request = {"state": state, "name": "one", "write": True}
    keys = ("name", "source", "target", "begun", "switched", "aside", "old_root_needed", "removing")
    for record in (None, dict(dict.fromkeys(keys), status="seeded", containers=["secret"])):
        known["record"], steps.called = record, []
        found = worker.run(request, None)["migration"]
        assert steps.called == [state] and found["record"] == {"name": state}
        steps.called = []
        foreseen = worker.run(dict(request, write=False), None)["migration"]
        assert steps.called == (["planned"] if state in ("planned", "seeded") else [])
        assert foreseen["changed"] is found["changed"] is worker._changes(request, record)
        if not steps.called:
            assert foreseen["record"] == (record and dict(dict.fromkeys(keys), status="seeded"))
            assert (foreseen["told"], foreseen["refusals"], foreseen["measured"]) == ([], [], None)
    assert known["released"] == 0


@pytest.mark.parametrize(
    "error, released",
    [
        (ContainmentError("a", "is b", "mend c"), 1),
        (OSError(28, "No space left on device"), 1),
        # Whoever calls next goes on with it.
        (_job_worker.Abandoned(), 0),
    ],
)
def test_what_fails_leaves_room_for_the_way_back(known, monkeypatch, error, released):
    def fail(_request, _report):
        raise error

    monkeypatch.setitem(worker._STATES, "seeded", fail)
    with pytest.raises(type(error)):
        worker.run({"state": "seeded", "name": "one", "write": True}, None)
    assert known["released"] == released
