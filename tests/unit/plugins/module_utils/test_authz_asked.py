# SPDX-License-Identifier: GPL-3.0-or-later
"""Which plugins an engine asks, and what a roll-out changes of that."""

import pytest

from ansible_collections.containment.docker.plugins.module_utils import _authz_asked as core

NAMED = "authorization-plugins"


def host(configured=None, **more):
    engine = {"primary": True, "error": None, "configured": configured, "flags": []}
    return {"engines": [dict(engine, data_root="/srv/docker", graph_root=None, **more)]}


@pytest.mark.parametrize(
    ("named", "ours", "others", "merge", "remove"),
    [
        ([], True, [], ["containment"], []),
        (["containment"], True, [], ["containment"], []),
        (["opa"], True, [], ["opa", "containment"], []),
        (["containment", "opa"], True, ["opa"], ["containment", "opa"], []),
        (["x", "containment"], True, ["opa"], ["x", "containment", "opa"], []),
        ([], False, ["opa"], ["opa"], []),
        (["containment"], False, [], None, [NAMED]),
        (["containment", "x"], False, [], ["x"], []),
        ([], False, [], None, []),
    ],
)
def test_who_is_asked(named, ours, others, merge, remove):
    found = core.change(host({NAMED: named} if named else {}), ours, others)
    assert found == {"merge": {} if merge is None else {NAMED: merge}, "remove": remove}


def test_a_host_without_an_engine():
    empty = {"engines": []}
    assert core.change(empty, True, [])["merge"] == {NAMED: ["containment"]}
    assert core.root_of(empty) == "/var/lib/docker"
    assert not core.is_named(empty)


def test_the_graph_root():
    assert core.root_of(host()) == "/srv/docker"
    (engine,) = host()["engines"]
    assert core.root_of({"engines": [dict(engine, graph_root={"path": "/srv/docker/1.1"})]}) == "/srv/docker/1.1"


@pytest.mark.parametrize(
    ("data", "named"),
    [
        (None, []),
        (b"{}", []),
        (b'{"authorization-plugins": ["a", "b"]}', ["a", "b"]),
        (b'{"authorization-plugins": 1}', []),
    ],
)
def test_whom_a_file_names(data, named):
    assert core.named_in("/etc/docker/daemon.json", data) == named
