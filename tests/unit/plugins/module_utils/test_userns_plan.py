# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands in the way of a switch, what it hides, and when there is nothing to do."""

import pytest

from ansible_collections.containment.docker.plugins.module_utils import _migration_record as records
from ansible_collections.containment.docker.plugins.module_utils import _userns_plan as userns

MAPPING = {"uid": [[0, 100000, 65536]], "gid": [[0, 200000, 65536]]}
PLAIN = {"configured": None, "effective": False, "uid": None, "gid": None, "mapping": None, "expected_mapping": None}
REMAPPED = {
    "configured": "dockremap",
    "effective": True,
    "uid": 100000,
    "gid": 200000,
    "mapping": None,
    "expected_mapping": MAPPING,
}


def engine(**changes):
    found = {
        "primary": True,
        "error": None,
        "pid": 7,
        "version": "26.1.5",
        "started": "2026-01-01T00:00:00Z",
        "service": "docker.service",
        "data_root": "/var/lib/docker",
        "graph_root": {"path": "/var/lib/docker", "uid": 0, "gid": 0, "mode": "0710"},
        "graph_root_faults": [],
        "userns": PLAIN,
        "seccomp": {"profile": "builtin", "base_outdated": False},
        "live_restore": False,
        "swarm": "inactive",
        "differences": [],
        "containers": [],
        "volumes": [],
        "images": 0,
        "networks": 3,
    }
    return dict(found, **changes)


def host(*engines, **changes):
    ids = {"user": "dockremap", "uid": 900, "group": "dockremap", "gid": 900}
    kernel = {
        "release": "6.1.0-40-amd64",
        "cmdline": ["ro", "quiet"],
        "max_user_namespaces": 63000,
        "user_namespaces": True,
        "user_namespaces_error": None,
        "args_pending": [],
    }
    found = {"engines": list(engines), "ids": ids, "findings": [], "migrations": [], "kernel": kernel}
    return dict(found, **changes)


def container(state="running", *severities):
    conflicts = [
        {"container": "web", "severity": one, "detail": "is " + one, "mend": "mend it", "path": None}
        for one in severities
    ]
    return {"name": "web", "state": state, "conflicts": conflicts}


NOBODY = {"user": "dockremap", "uid": None, "group": "dockremap", "gid": None}


@pytest.mark.parametrize(
    "user, group, key, creates",
    [
        ("dockremap", "", "dockremap", (True, True)),
        ("dockremap", "dockremap", "dockremap", (True, True)),
        ("dockremap", "staff", "dockremap:staff", (True, True)),
        ("dockremap", "50", "dockremap:50", (True, False)),
        ("dockremap", 50, "dockremap:50", (True, False)),
        ("\u00b2", "9" * 21, "\u00b2:" + "9" * 21, (True, True)),
    ],
)
def test_the_key_and_who_has_to_be_made(user, group, key, creates):
    ids = dict(NOBODY, group="staff", gid=50) if str(group) == "50" else NOBODY
    found = userns.identity(host(ids=ids), user, group)
    assert found["key"] == key and found["refusals"] == []
    assert (found["create_user"], found["create_group"]) == creates
    assert (found["user"], found["group"]) == (key.split(":")[0], key.split(":")[-1])


def test_a_number_is_nobody_to_make():
    found = userns.identity(host(ids=dict(NOBODY, user="a", uid=4711)), "4711", "")
    assert (found["create_user"], found["create_group"]) == (False, False)


def test_who_is_there_is_not_made():
    found = userns.identity(host(), "dockremap", "")
    assert (found["create_user"], found["create_group"]) == (False, False)


@pytest.mark.parametrize(
    "user, group, ids, told",
    [
        ("root", "", NOBODY, "is root"),
        ("0", "", NOBODY, "is root"),
        (0, "", NOBODY, "is root"),
        ("toor", "", dict(NOBODY, uid=0), "is root"),
        ("", "", NOBODY, "not one user"),
        ("a:b", "", NOBODY, "not one user"),
        ("a", "b:c", NOBODY, "not one user"),
        ("4711", "", dict(NOBODY, user="4711", uid=4711), "no user has the uid 4711"),
        ("4711", "", dict(NOBODY, user="a", uid=4711), "no group of the same name"),
        ("a", "4711", dict(NOBODY, group="4711", gid=4711), "no group has the gid 4711"),
    ],
)
def test_users_that_cannot_be_the_remap_user(user, group, ids, told):
    assert told in " ".join(userns.identity(host(ids=ids), user, group)["refusals"])


def test_the_primary_engine_counts():
    other, mine = engine(primary=False, userns=REMAPPED), engine()
    assert userns.engine_of(host(other, mine)) is mine
    assert userns.engine_of(host()) is None
    assert (
        not userns.running(host())
        and not userns.running(host(engine(error="hangs")))
        and userns.running(host(engine()))
    )


def test_the_state_in_force():
    assert userns.state(host()) == {"data_root": "/var/lib/docker", "uid_ranges": [], "gid_ranges": []}
    assert userns.state(host(engine(data_root="/srv")))["data_root"] == "/srv"
    assert userns.state(host(engine(userns=REMAPPED))) == {
        "data_root": "/var/lib/docker",
        "uid_ranges": [{"start": 100000, "count": 65536}],
        "gid_ranges": [{"start": 200000, "count": 65536}],
    }
    seen = {"uid": [[1, 400000, 9], [0, 300000, 1]], "gid": [[0, 5, 1]]}
    assert userns.state(host(engine(userns=dict(REMAPPED, mapping=seen))))["uid_ranges"] == [
        {"start": 300000, "count": 1},
        {"start": 400000, "count": 9},
    ]


GIVEN = {"uid": [{"start": 100000, "count": 65536}], "gid": [{"start": 200000, "count": 65536}]}
KEPT = {"ranges": {"before": GIVEN, "after": GIVEN}}
MADE = {"ranges": {"before": {"uid": [], "gid": []}, "after": GIVEN}}
MOVED = {"ranges": {"before": {"uid": [{"start": 5, "count": 1}], "gid": GIVEN["gid"]}, "after": GIVEN}}
SET, AS_IT_IS = {"changed_keys": ["userns-remap"]}, {"changed_keys": []}
DIFFERS = [{"key": "userns-remap"}]
AWAY = dict(REMAPPED, uid=300000)


def plan(one, subid=None, key=None, **options):
    return userns.plan(host(one) if "engines" not in one else one, subid or MADE, key or SET, **options)


def test_a_plain_host_is_free_to_go():
    before = userns.state(host())
    assert plan(engine()) == {
        "write": True,
        "restart": True,
        "before": before,
        "carry": False,
        "told": [],
        "refusals": [],
    }


@pytest.mark.parametrize(
    "state, subid, key, write, restart",
    [
        ({"userns": REMAPPED}, KEPT, AS_IT_IS, False, False),
        ({"userns": REMAPPED}, KEPT, SET, True, True),
        ({"userns": REMAPPED}, MOVED, AS_IT_IS, True, True),
        ({"userns": PLAIN}, KEPT, AS_IT_IS, False, True),
        ({"userns": PLAIN, "differences": DIFFERS}, KEPT, AS_IT_IS, False, True),
        ({"userns": REMAPPED, "differences": DIFFERS}, KEPT, AS_IT_IS, False, True),
        ({"userns": REMAPPED, "differences": [{"key": "debug"}]}, KEPT, AS_IT_IS, False, False),
        ({"userns": REMAPPED, "error": "dead"}, KEPT, AS_IT_IS, False, True),
    ],
)
def test_when_there_is_something_to_do(state, subid, key, write, restart):
    found = plan(engine(**state), subid, key)
    assert (found["write"], found["restart"]) == (write, restart)


def test_errors_that_were_found_stop_the_run_and_nothing_else_does():
    found = [
        {"severity": one, "code": one, "subject": one, "cause": "is", "mend": "mend"}
        for one in ("error", "warning", "note")
    ]
    assert plan(host(engine(), findings=found), KEPT, AS_IT_IS)["refusals"] == ["error: is; mend."]


def test_an_engine_that_check_mode_did_not_start_stops_nothing_and_is_told():
    silent = {"severity": "error", "code": "engine_dead", "subject": "engine", "cause": "is silent", "mend": "mend"}
    stopped = host(engine(error="is silent"), findings=[silent])
    assert plan(stopped)["refusals"] == ["engine: is silent; mend."]
    found = plan(stopped, check_mode=True)
    assert found["refusals"] == [] and "does not run" in found["told"][0]


def test_a_kernel_that_the_same_run_mends_stops_nothing():
    codes = ["kernel_no_user_namespaces", "kernel_max_user_namespaces", "subid_malformed"]
    found = [{"severity": "error", "code": one, "subject": one, "cause": "is", "mend": "mend"} for one in codes]
    able = host(engine(), findings=found)
    assert len(plan(able)["refusals"]) == 3
    assert plan(able, kernel_ok=True)["refusals"] == ["subid_malformed: is; mend."]


MOVING = [
    ({"live_restore": True, "containers": [container("running")]}, "live-restore: true"),
    ({"live_restore": True, "containers": [container("paused")]}, "live-restore: true"),
    ({"swarm": "active"}, "swarm: this host is part of one (active)"),
    (
        {"containers": [container("exited", "refused")]},
        "container web: is refused; mend it. Or set userns_conflicts_ok",
    ),
    ({"containers": [container("exited", "breaks")]}, "userns_conflicts_ok: true"),
    ({"containers": [container("exited")]}, "1 container stay"),
    ({"images": 2}, "2 images stay"),
    ({"volumes": [{}, {}]}, "2 volumes stay"),
    ({"networks": 4}, "1 network stay"),
]


@pytest.mark.parametrize("state, told", MOVING)
def test_what_stops_a_move_of_the_graph_root_and_nothing_less(state, told):
    assert told in " ".join(plan(engine(**state))["refusals"])
    assert told in " ".join(plan(engine(userns=AWAY, **state), MOVED, AS_IT_IS)["refusals"])
    assert plan(engine(userns=REMAPPED, **state), KEPT, SET)["refusals"] == []
    assert plan(engine(userns=REMAPPED, **state), KEPT, AS_IT_IS)["refusals"] == []


def test_what_stops_a_restart_and_does_not_matter_without_one():
    by_hand = {"service": None, "userns": REMAPPED}
    assert "started by hand" in " ".join(plan(engine(**by_hand), KEPT, SET)["refusals"])
    assert plan(engine(**by_hand), KEPT, AS_IT_IS)["refusals"] == []
    foreign = {"differences": [{"key": "debug"}], "config_file": "/etc/docker/daemon.json"}
    (refusal,) = plan(engine(**foreign))["refusals"]
    assert refusal.startswith("/etc/docker/daemon.json: debug changed since the engine started")
    assert plan(engine(**foreign), conflicts_ok=True)["refusals"] == []
    assert plan(engine(userns=REMAPPED, **foreign), KEPT, AS_IT_IS)["refusals"] == []


def test_the_first_range_is_what_names_the_graph_root():
    several = {kind: [*GIVEN[kind], {"start": 900000, "count": 5}] for kind in GIVEN}
    subid = {"ranges": {"before": GIVEN, "after": several}}
    assert not userns.moves(engine(userns=REMAPPED), subid)
    assert userns.moves(engine(userns=dict(REMAPPED, gid=900000)), subid)
    assert userns.moves(engine(userns=AWAY), subid) and userns.moves(engine(), subid)


def test_what_is_left_behind_is_told_with_its_graph_root():
    for changes, root in (({"graph_root": {"path": "/g/1.1"}}, "/g/1.1"), ({"graph_root": None}, "/g")):
        (told,) = plan(engine(images=1, data_root="/g", **changes), hidden_ok=True)["told"]
        assert told.startswith(root + ": 1 image stay there")


def test_live_restore_alone_harms_nobody():
    assert plan(engine(live_restore=True, containers=[container("exited")]), hidden_ok=True)["refusals"] == []


def test_a_degraded_container_is_no_conflict():
    found = plan(engine(containers=[container("exited", "degraded")]), hidden_ok=True)
    assert len(found["told"]) == 1 and found["refusals"] == []


def test_each_switch_lets_its_own_pass_and_it_is_told_all_the_same():
    busy = engine(containers=[container("running", "refused")])
    assert len(plan(busy)["refusals"]) == 2
    assert "hidden_ok" in " ".join(plan(busy, conflicts_ok=True)["refusals"])
    assert "conflicts_ok" in " ".join(plan(busy, hidden_ok=True)["refusals"])
    everything = plan(busy, conflicts_ok=True, hidden_ok=True)
    assert everything["refusals"] == [] and len(everything["told"]) == 2


def test_an_engine_with_fewer_networks_has_none_to_lose():
    assert plan(engine(networks=2))["refusals"] == []
    assert plan(engine(networks=None, images=None))["refusals"] == []


def test_the_way_back_is_not_stopped_by_what_it_mends():
    nothing = {"migration": "", "told": [], "refusals": []}
    assert userns.rollback(host(engine(error="dead", live_restore=True)), ["a"]) == nothing
    found = userns.rollback(host(engine(images=1, service=None, swarm="active")), ["a"])
    assert len(found["told"]) == 1 and len(found["refusals"]) == 2
    assert userns.rollback(host(engine()), ["a"]) == nothing


def test_the_newest_open_transaction_is_gone_on_with():
    def known(*statuses):
        return host(transactions=[{"name": str(number), "status": one} for number, one in enumerate(statuses)])

    assert userns.unfinished(known()) == "" and userns.unfinished(known("applied", "restored")) == ""
    assert userns.unfinished(known("open", "open", "applied")) == "1"


def test_a_mapping_of_which_only_the_start_is_known():
    gone = dict(REMAPPED, mapping=None, expected_mapping=None)
    assert userns.state(host(engine(userns=gone))) == {
        "data_root": "/var/lib/docker",
        "uid_ranges": [{"start": 100000, "count": 1}],
        "gid_ranges": [{"start": 200000, "count": 1}],
    }


@pytest.mark.parametrize(
    ("path", "mended", "left"),
    [
        ("/srv/a", ["/srv/a"], 0),
        ("/srv/a/b", ["/srv/x", "/srv/a/"], 0),
        ("/srv/ab", ["/srv/a"], 1),
        ("/srv", ["/srv/a"], 1),
        (None, ["/srv/a"], 1),
        ("/srv/a", [], 1),
    ],
)
def test_what_the_same_run_mends_stops_nothing(path, mended, left):
    one = container("running", "breaks")
    one["conflicts"][0]["path"] = path
    assert len(plan(engine(containers=[one]), mended=mended, hidden_ok=True)["refusals"]) == left


def test_what_no_run_can_begin_beside():
    known = [{"name": "a", "status": "applied"}, {"name": "b", "status": "open"}]
    now = host(engine(), transactions=known, undo=[])
    assert userns.unbeginnable(now, "c") == userns.unbeginnable(now, "b") == []
    (refusal,) = userns.unbeginnable(now, "a")
    assert refusal == "engine_transaction: a is the name of an earlier run; give this run a name of its own."
    told = userns.unbeginnable(dict(now, undo=["b", "a"]), "a")
    assert told == [
        "engine_transaction: the undo of b, a was interrupted; finish it with the rollback playbook.",
        refusal,
    ]


@pytest.mark.parametrize("name", ["b", "c"])
@pytest.mark.parametrize("status", [*records.UNFINISHED, records.SWITCHED, *records.OVER])
def test_no_run_begins_beside_what_another_one_carries_nor_before_a_way_back_ends(name, status):
    now = host(engine(), transactions=[], undo=[], migrations=[migration("a", "returned"), migration("b", status)])
    what, mend = ("the way back of b", "finish it") if status == "returning" else ("b", "take it back")
    told = [
        f"migration: {what} from /var/lib/docker to /var/lib/docker/100000.200000 was interrupted "
        f"({status}); {mend} with the rollback playbook."
    ]
    stops = status == "returning" or (status in AHEAD and name != "b")
    assert userns.unbeginnable(now, name) == told * stops


def test_all_that_no_run_can_begin_beside_is_told_at_once():
    carried = [migration("x", "returning"), migration("a", "seeding"), migration("y", "copied")]
    known = [{"name": "a", "status": "applied"}]
    told = userns.unbeginnable(host(engine(), transactions=known, undo=["z"], migrations=carried), "a")
    begun = ["engine_transaction: the undo of z was", "migration: the way back of x from", "migration: y from"]
    begun.append("engine_transaction: a is the name")
    assert len(told) == 4 and all(one.startswith(start) for one, start in zip(told, begun))


def migration(name="a", status="switched", **changes):
    found = {
        "name": name,
        "status": status,
        "source": "/var/lib/docker",
        "target": "/var/lib/docker/100000.200000",
        "begun": "2026-01-01T00:00:00Z",
        "switched": "2026-01-02T00:00:00Z",
        "aside": None,
        "old_root_needed": [],
        "removing": False,
    }
    return dict(found, **changes)


BUSY = {"containers": [container("running")], "images": 2, "volumes": [{}], "networks": 4}


@pytest.mark.parametrize("state", [{"containers": [container("exited")]}, {"images": 2}, {"volumes": [{}]}, BUSY])
def test_what_would_be_hidden_is_carried_where_that_is_wanted(state):
    for one, subid, key in ((engine(**state), MADE, SET), (engine(userns=AWAY, **state), MOVED, AS_IT_IS)):
        hidden = plan(one, subid, key)
        assert not hidden["carry"] and "userns_hidden_ok" in " ".join(hidden["refusals"])
        # Where both are given nothing is hidden that could be accepted.
        for accepted in (False, True):
            found = plan(one, subid, key, carry=True, hidden_ok=accepted)
            assert (found["carry"], found["restart"]) == (True, True)
            assert found["told"] == [] and found["refusals"] == []


def test_there_is_nothing_to_carry_to_the_same_graph_root_or_from_an_empty_one():
    assert not plan(engine(userns=REMAPPED, **BUSY), KEPT, SET, carry=True)["carry"]
    found = plan(engine(), carry=True)
    assert (found["carry"], found["restart"], found["refusals"]) == (False, True, [])
    # What a stopped engine has is not known.
    stopped = plan(engine(error="is silent", **BUSY), carry=True, check_mode=True)
    assert (stopped["carry"], stopped["restart"]) == (False, True)


def test_conflicts_stop_what_is_carried_until_they_are_accepted():
    busy = engine(containers=[container("running", "refused")])
    (refusal,) = plan(busy, carry=True)["refusals"]
    assert refusal.startswith("container web: is refused; mend it. Or set userns_conflicts_ok")
    found = plan(busy, carry=True, conflicts_ok=True)
    assert found["refusals"] == [] and len(found["told"]) == 1


def test_live_restore_stops_no_switch_that_stops_containers_itself():
    for state in ("running", "paused"):
        alive = engine(live_restore=True, containers=[container(state)])
        assert "live-restore" in " ".join(plan(alive, hidden_ok=True)["refusals"])
        assert plan(alive, carry=True)["refusals"] == []


def test_a_swarm_and_an_engine_started_by_hand_stop_what_is_carried_too():
    found = plan(engine(swarm="active", service=None, images=1), carry=True)
    assert found["carry"] and len(found["refusals"]) == 2
    assert "docker swarm leave" in found["refusals"][1]


AHEAD = ["seeding", "seeded", "stopping", "stopped", "copied", "switching"]


@pytest.mark.parametrize("status", [*AHEAD, "switched", "returning", "returned", "cleared", "removed"])
def test_what_an_earlier_run_began_to_carry_is_gone_on_with(status):
    begun = status in AHEAD
    orphan = {"severity": "error", "code": "orphan_shim", "subject": "shim 9", "cause": "is alone", "mend": "end it"}
    other = dict(orphan, code="subid_malformed", subject="x")
    # Written, and served from already: without the earlier run nothing would be left to do.
    there = host(engine(userns=REMAPPED, **BUSY), migrations=[migration("b", status)], findings=[orphan, other])
    for carry in (False, True):
        found = plan(there, KEPT, AS_IT_IS, carry=carry, transaction="b")
        assert (found["carry"], found["restart"], found["write"]) == (begun, begun, False)
        left = ["x: is alone; end it."]
        assert found["refusals"] == (left if begun else ["shim 9: is alone; end it.", *left])
    # Another run's is none of ours.
    for transaction in ("a", ""):
        found = plan(there, KEPT, AS_IT_IS, transaction=transaction)
        assert not found["carry"] and not found["restart"] and len(found["refusals"]) == 2


def test_what_was_begun_hides_nothing_although_carry_was_taken_back():
    busy = host(engine(live_restore=True, **BUSY), migrations=[migration("x", "returned"), migration("b", "seeded")])
    found = plan(busy, transaction="b", carry=False)
    assert found["carry"] and found["told"] == [] and found["refusals"] == []


def back(*migrations, names=("c", "b", "a"), **state):
    return userns.rollback(host(engine(**state), migrations=list(migrations)), list(names))


@pytest.mark.parametrize("status", [*AHEAD, "switched", "returning"])
def test_the_way_back_takes_back_what_was_carried(status):
    nothing = {"migration": "b", "told": [], "refusals": []}
    for state in ({}, BUSY, dict(BUSY, live_restore=True), {"error": "dead"}):
        found = back(
            migration("z"), migration("a", "returned"), migration("b", status), migration("c", "cleared"), **state
        )
        assert found == nothing
    found = back(migration("b", status), names=["c"], live_restore=True, **BUSY)
    if status == "switched":
        # What is in service, and not among the transactions that are taken back, stays as it is.
        assert found["migration"] == "" and len(found["told"]) == 1
        assert len(found["refusals"]) == 1 and found["refusals"][0].startswith("live-restore: true")
    else:
        # What was begun and is not ended is in the way of whatever is taken back.
        assert found == nothing == back(migration("b", status), names=[])


@pytest.mark.parametrize("error", [None, "dead"])
def test_no_way_back_is_taken_where_it_cannot_be_read_what_was_carried(error):
    lost = {"severity": "error", "code": "migrations_unreadable", "subject": "/m/a.json", "cause": "is x", "mend": "y"}
    findings = [dict(lost, code="engine_dead", subject="engine"), lost, dict(lost, subject="/m/b.json")]
    for carried in ([], [migration("a")]):
        found = userns.rollback(host(engine(error=error), migrations=carried, findings=findings), ["a"])
        assert found["refusals"] == ["/m/a.json: is x; y.", "/m/b.json: is x; y."]
        assert found["migration"] == ("a" if carried else "")


@pytest.mark.parametrize("status", ["returned", "cleared"])
def test_what_was_taken_back_is_not_taken_back_again(status):
    found = back(migration("a", status), images=1)
    assert found["migration"] == "" and found["refusals"] == [] and "1 image stay" in found["told"][0]


@pytest.mark.parametrize("error", [None, "dead"])
def test_there_is_no_way_back_to_a_root_that_was_removed(error):
    found = back(migration("a", "removed"), error=error)
    assert found["refusals"] == [
        "engine_rollback_to: the graph root from before a, /var/lib/docker, was removed, so that nothing leads back "
        "there; change what is wanted and run harden instead."
    ]
    assert back(migration("a", "removed"), names=["b"], error=error)["refusals"] == []
    both = back(migration("a", "removed"), migration("b", "removed", source="/x"), error=error)["refusals"]
    assert len(both) == 2 and both[0].startswith("engine_rollback_to: the graph root from before b, /x, was removed")
    # One that others were taken back after is told of, and not only where it is the newest.
    assert back(migration("a", "removed"), migration("b"), error=error)["refusals"][0] == found["refusals"][0]


@pytest.mark.parametrize("error", [None, "dead"])
def test_what_was_carried_twice_is_taken_back_one_by_one(error):
    found = back(migration("a"), migration("b", "seeding"), migration("c", "returned"), error=error)
    assert found["refusals"] == [
        "engine_rollback_to: b, a each carried images and containers to another graph root; take them back one by one, "
        "the newest first."
    ]
    assert found["migration"] == "b"
    one = back(migration("a"), migration("b"), names=["b"], error=error)
    assert one["migration"] == "b" and one["refusals"] == []
    # One that was begun counts whether it is among the transactions or not.
    assert back(migration("a"), migration("b", "seeding"), names=["a"], error=error)["refusals"] == found["refusals"]


def test_what_stops_the_way_back_of_what_was_carried():
    found = back(migration("a"), service=None, swarm="active", live_restore=True, **BUSY)
    assert found["migration"] == "a" and found["told"] == [] and len(found["refusals"]) == 2


SERVED = {"path": "/var/lib/docker/100000.200000"}


def removable(*migrations, old_root="remove", days=30, now="2026-02-01T00:00:00Z", **state):
    state = dict({"graph_root": SERVED}, **state)
    return userns.removable(host(engine(**state), migrations=list(migrations)), old_root, days, now)


def due(*migrations, **changes):
    found = removable(*migrations, **changes)
    assert found["told"] == []
    return found["migration"]


@pytest.mark.parametrize(
    "days, now, found",
    [
        (30, "2026-02-01T00:00:00Z", "a"),
        (30, "2026-01-31T23:59:59Z", ""),
        (31, "2026-02-01T23:59:59Z", ""),
        (31, "2026-02-02T00:00:00Z", "a"),
        (0, "2026-01-02T00:00:00Z", "a"),
        # A clock that was set back.
        (0, "2026-01-01T23:59:59Z", ""),
    ],
)
def test_an_old_root_is_due_when_the_days_have_passed(days, now, found):
    assert due(migration(), days=days, now=now) == found


def test_an_old_root_is_kept_where_that_is_wanted_or_the_engine_serves_from_elsewhere():
    assert due(migration()) == "a"
    assert due(migration(), old_root="keep") == ""
    assert due(migration(removing=True, status="removed"), old_root="keep") == ""
    assert due(migration(), error="dead") == ""
    assert due(migration(), graph_root={"path": "/var/lib/docker"}) == ""
    assert due(migration(), graph_root=None) == "" and due() == ""
    nothing = {"migration": "", "told": []}
    assert userns.removable(host(migrations=[migration()]), "remove", 0, "2026-02-01T00:00:00Z") == nothing


@pytest.mark.parametrize("status", [*AHEAD, "returning", "returned", "cleared", "removed"])
def test_only_what_was_switched_leaves_an_old_root(status):
    assert due(migration(status=status, switched=None)) == ""
    assert due(migration("x", status, switched=None), migration("b"), migration("c")) == "b"


def test_a_removal_that_was_interrupted_is_due_whatever_the_days_are():
    half = migration(status="removed", removing=True)
    assert due(half) == due(half, days=9999, now="2026-01-02T00:00:00Z") == "a"
    # Nor from where the engine serves: nothing leads back to a half of a root.
    assert due(half, graph_root={"path": "/else"}) == "a"


def test_an_old_root_stays_while_anything_in_it_did_not_come_along():
    stays = (
        "/var/lib/docker: stays, because b, c did not come along; take the migration back, save or remove that, and "
    )
    stays += "harden again."
    needed = migration(old_root_needed=["b", "c"])
    assert removable(needed) == {"migration": "", "told": [stays]}
    assert removable(needed, migration("other")) == {"migration": "other", "told": [stays]}
    # Not before it is due.
    assert due(needed, days=31) == due(needed, old_root="keep") == due(needed, graph_root=None) == ""


def test_a_rollback_takes_an_interrupted_migration_first():
    begun = host(engine(), undo=[], migrations=[migration("a", "switched"), migration("b", "seeding")])
    assert userns.rollback_to(begun, "last") == "b" and userns.rollback_to(begun, "a") == "a"
    assert userns.rollback_to(dict(begun, undo=["c"]), "last") == "last"
    assert userns.rollback_to(host(engine(), undo=[], migrations=[migration("a", "switched")]), "last") == "last"
