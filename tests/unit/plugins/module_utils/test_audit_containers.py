# SPDX-License-Identifier: GPL-3.0-or-later
"""Which container a record is of. The engine and /proc are doubles: what is tested is what is made of their answers."""

import json

import pytest

from ansible_collections.containment.docker.plugins.module_utils import _audit_containers as core
from ansible_collections.containment.docker.plugins.module_utils import _audit_record
from ansible_collections.containment.docker.plugins.module_utils import _seccomp_profile as profiles
from ansible_collections.containment.docker.plugins.module_utils._engine_api import EngineError
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

WEB, DB, INNER = "a" * 64, "b" * 64, "c" * 64
LOGS = "seccomp=" + json.dumps({"defaultAction": profiles.LOG})


class Engine:
    """A double of an engine: containers by id, {id: (name, its profile logs)}; `up` is whether it answers."""

    def __init__(self, **containers):
        self.containers, self.up = containers, True

    def get(self, path):
        if not self.up:
            raise EngineError("engine", "does not answer", "wait")
        if path in ("/_ping", "/containers/json"):
            return [{"Id": one} for one in self.containers]
        container = path.split("/")[2]
        if container not in self.containers:
            raise EngineError("engine", "no such container", "look", status=404)
        name, logs = self.containers[container]
        return {"Name": f"/{name}", "Created": str(len(name)), "HostConfig": {"SecurityOpt": [LOGS] if logs else []}}


def record(pid, exe="/bin/sh", action=profiles.LOG):
    return _audit_record.Record(1700000000.0, 1, pid, 0, "sh", exe, 0xC000003E, 2, action)


@pytest.fixture
def cgroups(monkeypatch):
    """{pid: path of its cgroup}: processes that are there."""
    found = {}
    monkeypatch.setattr(core._host_probe, "text", lambda path: found.get(int(path.split("/")[2])))
    return found


def test_a_process_is_of_the_container_that_its_engine_knows(cgroups):
    owners = core.Owners(Engine(**{WEB: ("web", True), DB: ("db", True)}), ["web"])
    cgroups.update({1: f"0::/docker/{WEB}", 2: f"0::/docker/{DB}", 3: "0::/init.scope", 4: f"0::/docker/{INNER}"})
    assert [owners.of(record(pid)) for pid in (1, 2, 3, 4)] == ["web", None, None, None]
    # A container may call groups of its own what it likes.
    cgroups.update({5: f"0::/docker/{WEB}/{DB}", 6: f"0::/docker/{INNER}/docker/{WEB}"})
    assert [owners.of(record(pid)) for pid in (5, 6)] == ["web", "web"]
    # What was seen of a process counts when it is gone, for the program that it was.
    cgroups.clear()
    assert owners.of(record(1)) == "web" and owners.of(record(1, exe="/bin/ls")) is None
    assert owners.unattributed == 1 and list(owners.late()) == []  # Two log.


def test_one_that_is_just_being_started_is_asked_for(cgroups):
    engine = Engine()
    owners = core.Owners(engine, ["web"])
    engine.containers[WEB] = ("web", True)
    cgroups[1] = f"0::/docker/{WEB}"
    assert owners.of(record(1)) == "web"


def test_what_was_gone_at_once_is_of_the_only_one_that_logs_and_runs_its_program(cgroups):
    engine = Engine(**{WEB: ("web", True), DB: ("db", False)})
    owners = core.Owners(engine, ["web", "db"])
    for pid, exe in ((9, "/bin/ls"), (8, "/bin/ls"), (7, "/home/mallory/evil")):
        assert owners.of(record(pid, exe)) is None
    assert owners.of(record(6, action=profiles.ERRNO)) is None and owners.unattributed == 0
    cgroups[1] = f"0::/docker/{WEB}"
    assert owners.of(record(1, "/bin/ls")) == "web"
    told = [(name, one.exe, count, sure) for name, one, count, sure in owners.late()]
    assert told == [("web", "/bin/ls", 2, True), ("web", "/home/mallory/evil", 1, False)] and not owners.unattributed


def test_a_container_that_is_made_again_is_one(cgroups):
    engine = Engine(**{WEB: ("web", True)})
    owners = core.Owners(engine, ["web"])
    engine.containers[DB] = ("web", True)
    owners.look(again=True)
    cgroups[1] = f"0::/docker/{DB}"
    assert owners.of(record(1)) == "web" and owners.of(record(9)) is None
    assert [name for name, *_more in owners.late()] == ["web"]


def test_those_that_log_nothing_are_told(cgroups):
    owners = core.Owners(Engine(**{WEB: ("web", True), DB: ("db", False)}), ["web", "db", "none"])
    assert owners.silent() == ["db"] and not owners.without_privileges("none")
    with pytest.raises(ContainmentError, match="container db: was not made with a profile that logs"):
        owners.refuse_silent()


def test_an_engine_may_be_restarted_meanwhile(cgroups):
    engine = Engine(**{WEB: ("web", True)})
    owners = core.Owners(engine, ["web"])
    engine.containers[DB], engine.up = ("db", True), False
    cgroups[1], cgroups[2] = f"0::/docker/{DB}", f"0::/docker/{WEB}"
    owners.look(again=True)
    assert owners.of(record(1)) is None and owners.of(record(2)) == "web"
    engine.up = True
    owners.look(again=True)
    assert len(owners._logging) == 2
    with pytest.raises(EngineError):
        engine.up = False
        core.Owners(engine, ["web"])
