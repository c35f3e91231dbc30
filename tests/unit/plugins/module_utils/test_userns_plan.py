# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands in the way of a switch, what it hides, and when there is nothing to do."""

import pytest

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
    return dict({"engines": list(engines), "ids": ids, "findings": [], "kernel": kernel}, **changes)


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
    assert plan(engine()) == {"write": True, "restart": True, "before": before, "told": [], "refusals": []}


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
    assert userns.rollback(host(engine(error="dead", live_restore=True))) == {"told": [], "refusals": []}
    found = userns.rollback(host(engine(images=1, service=None, swarm="active")))
    assert len(found["told"]) == 1 and len(found["refusals"]) == 2
    assert userns.rollback(host(engine())) == {"told": [], "refusals": []}


def test_the_newest_open_transaction_is_gone_on_with():
    def known(*statuses):
        return host(transactions=[{"name": str(number), "status": one} for number, one in enumerate(statuses)])

    assert userns.unfinished(known()) == "" and userns.unfinished(known("applied", "restored")) == ""
    assert userns.unfinished(known("open", "open", "applied")) == "1"


def test_a_mapping_of_which_only_the_start_is_known():
    gone = dict(REMAPPED, mapping=None, expected_mapping=None)
    assert userns.state(host(engine(userns=gone)))["uid_ranges"] == [{"start": 100000, "count": 1}]


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
