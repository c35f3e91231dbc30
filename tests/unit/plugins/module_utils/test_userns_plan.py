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
    return dict({"engines": list(engines), "ids": ids, "findings": []}, **changes)


def container(state="running", *severities):
    conflicts = [{"container": "web", "severity": one, "detail": "is " + one, "mend": "mend it"} for one in severities]
    return {"name": "web", "state": state, "conflicts": conflicts}


NOBODY = {"user": "dockremap", "uid": None, "group": "dockremap", "gid": None}


@pytest.mark.parametrize(
    "user, group, key, creates",
    [
        ("dockremap", "", "dockremap", (True, True)),
        ("dockremap", "dockremap", "dockremap", (True, True)),
        ("dockremap", "staff", "dockremap:staff", (True, True)),
        ("dockremap", "50", "dockremap:50", (True, False)),
    ],
)
def test_the_key_and_who_has_to_be_made(user, group, key, creates):
    ids = dict(NOBODY, group="staff", gid=50) if group == "50" else NOBODY
    found = userns.identity(host(ids=ids), user, group)
    assert found["key"] == key and found["refusals"] == [] and (found["create_user"], found["create_group"]) == creates
    assert found["switch"] and not found["pending"]


def test_who_is_there_is_not_made():
    found = userns.identity(host(), "dockremap", "")
    assert (found["create_user"], found["create_group"]) == (False, False)


@pytest.mark.parametrize(
    "user, group, ids, told",
    [
        ("root", "", NOBODY, "is root"),
        ("0", "", NOBODY, "is root"),
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


@pytest.mark.parametrize(
    "state, switch, pending",
    [
        ({"userns": PLAIN}, True, False),
        ({"userns": REMAPPED}, False, False),
        ({"userns": dict(REMAPPED, configured="other")}, True, False),
        ({"userns": dict(PLAIN, configured="dockremap"), "differences": [{"key": "userns-remap"}]}, True, True),
        ({"userns": REMAPPED, "differences": [{"key": "userns-remap"}]}, True, True),
        ({"userns": REMAPPED, "differences": [{"key": "debug"}]}, False, False),
        ({"userns": dict(PLAIN, configured="other"), "differences": [{"key": "userns-remap"}]}, True, False),
        ({"userns": REMAPPED, "error": "dead"}, True, False),
    ],
)
def test_when_there_is_something_to_do(state, switch, pending):
    found = userns.identity(host(engine(**state)), "dockremap", "")
    assert (found["switch"], found["pending"]) == (switch, pending)


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


def test_a_plain_host_is_free_to_go():
    assert userns.plan(host(engine()), switch=True) == {"before": userns.state(host()), "told": [], "refusals": []}


def test_errors_that_were_found_stop_the_run_and_nothing_else_does():
    found = [{"severity": one, "subject": one, "cause": "is", "mend": "mend"} for one in ("error", "warning", "note")]
    assert userns.plan(host(engine(), findings=found), switch=False)["refusals"] == ["error: is; mend."]


@pytest.mark.parametrize(
    "state, told",
    [
        ({"service": None}, "started by hand"),
        ({"live_restore": True, "containers": [container("running")]}, "live-restore: true"),
        ({"live_restore": True, "containers": [container("paused")]}, "live-restore: true"),
        ({"swarm": "active"}, "swarm: this host is part of one (active)"),
        (
            {"containers": [container("exited", "refused")]},
            "container web: is refused; mend it. Or set userns_conflicts_ok: true",
        ),
        ({"containers": [container("exited", "breaks")]}, "userns_conflicts_ok: true"),
        ({"containers": [container("exited")]}, "1 container stay"),
        ({"images": 2}, "2 images stay"),
        ({"volumes": [{}, {}]}, "2 volumes stay"),
        ({"networks": 4}, "1 network stay"),
    ],
)
def test_what_stops_a_switch_and_does_not_matter_without_one(state, told):
    assert told in " ".join(userns.plan(host(engine(**state)), switch=True)["refusals"])
    assert userns.plan(host(engine(**state)), switch=False)["refusals"] == []


def test_live_restore_alone_harms_nobody():
    quiet = engine(live_restore=True, containers=[container("exited")])
    assert userns.plan(host(quiet), switch=True, hidden_ok=True)["refusals"] == []


def test_a_degraded_container_is_no_conflict():
    assert userns.plan(host(engine(containers=[container("exited", "degraded")])), True, hidden_ok=True)["told"] != []
    assert (
        userns.plan(host(engine(containers=[container("exited", "degraded")])), True, hidden_ok=True)["refusals"] == []
    )


def test_each_switch_lets_its_own_pass_and_it_is_told_all_the_same():
    busy = host(engine(containers=[container("running", "refused")]))
    assert len(userns.plan(busy, True)["refusals"]) == 2
    assert "hidden_ok" in " ".join(userns.plan(busy, True, conflicts_ok=True)["refusals"])
    assert "conflicts_ok" in " ".join(userns.plan(busy, True, hidden_ok=True)["refusals"])
    everything = userns.plan(busy, True, conflicts_ok=True, hidden_ok=True)
    assert everything["refusals"] == [] and len(everything["told"]) == 2


def test_a_network_namespace_with_fewer_networks_counts_as_none():
    assert userns.plan(host(engine(networks=2)), True)["refusals"] == []
    assert userns.plan(host(engine(networks=None, images=None)), True)["refusals"] == []
