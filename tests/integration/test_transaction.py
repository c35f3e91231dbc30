# SPDX-License-Identifier: GPL-3.0-or-later
"""transaction on private files: there and back through the modules that record, real kills, and what others wrote."""

import json
import os
import shutil

import pytest

from tests.hosts.private import Private, inject, some

MOUNTS = """
mkdir "$1"/private
mount -t tmpfs -o size=48m,mode=755 etc "$1"/private
mkdir "$1"/private/etc
cd /etc && cp -a passwd group shadow gshadow nsswitch.conf ld.so.cache "$1"/private/etc
mount --bind "$1"/private/etc /etc
mkdir -p /var/lib/containment
mount -t tmpfs -o size=4m,mode=755 containment /var/lib/containment
"""
USER = "nobody"
OLD = {"daemon.json": b'{\n  "debug": true\n}\n', "subuid": b"bob:100000:65536\n", "subgid": b""}

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="not possible here: mounts and locks below /etc need root")


class Place(Private):
    def __init__(self, folder):
        super().__init__(folder, MOUNTS)
        self.etc = self.root / "etc"
        self.recorded = self.root / "var/lib/containment/transactions"

    def path(self, name):
        return self.etc / "docker" / name if name == "daemon.json" else self.etc / name

    def prepare(self):
        """Make one recorded run that changed all three files, and keep what it left for reset()."""
        (self.etc / "docker").mkdir()
        for name, data in OLD.items():
            self.path(name).write_bytes(data)
        self.harden("one")
        self.new = self.read()
        shutil.copytree(self.recorded, self.folder / "recorded")

    def reset(self):
        undo = self.recorded.parent / "undo.json"
        if undo.exists():
            undo.unlink()
        for stray in self.strays():
            (self.etc / stray).unlink()
        for name, data in self.new.items():
            self.path(name).write_bytes(data)
        shutil.rmtree(self.recorded)
        shutil.copytree(self.folder / "recorded", self.recorded)

    def harden(self, transaction, **keys):
        given = {"name": USER, "transaction": transaction}
        assert self.run_module("subid_range", given)["rc"] == 0
        given = {"merge": {"userns-remap": USER, **keys}, "engine_version": "20.10.24", "transaction": transaction}
        assert self.run_module("daemon_json", given)["rc"] == 0

    def back(self, prefix=(), **params):
        return self.run_module("transaction", params, prefix)

    def read(self):
        return {name: self.path(name).read_bytes() for name in OLD}

    def strays(self):
        found = [path.name for path in self.etc.iterdir() if path.name.startswith(".") or path.suffix == ".lock"]
        return [name for name in found if name != ".pwd.lock"]


@pytest.fixture(scope="module")
def lasting(tmp_path_factory):
    place = Place(tmp_path_factory.mktemp("transaction"))
    place.prepare()
    yield place
    place.close()


@pytest.fixture
def place(lasting):
    lasting.reset()
    return lasting


def test_check_back_check_again_back_again(place):
    new = place.read()
    assert new != OLD
    checked = place.back(_ansible_check_mode=True, _ansible_diff=True)
    assert place.read() == new
    done = place.back(_ansible_diff=True)
    assert place.read() == OLD
    for key in ("changed", "restored", "files", "restart_required", "diff"):
        assert checked[key] == done[key], key
    assert done["restored"] == ["one"] and done["restart_required"]
    assert done["files"] == ["/etc/docker/daemon.json", "/etc/subgid", "/etc/subuid"]
    # Until it is closed the engine may not have been restarted with it: asked again, it asks for that again.
    again = place.back()
    assert (again["restored"], again["files"], again["restart_required"]) == (["one"], [], True)
    for params in ({"_ansible_check_mode": True}, {}):
        assert place.back(state="closed", **params)["changed"]
    for params in ({"_ansible_check_mode": True}, {}):
        again = place.back(name="one", **params)
        assert (again["changed"], again["restored"], again["files"], again["restart_required"]) == (
            False,
            [],
            [],
            False,
        )
    assert place.read() == OLD


def test_last_then_the_one_before(place):
    first = place.read()
    place.harden("two", icc=False)
    assert place.back()["restored"] == ["two"] and place.read() == first
    assert place.back(state="closed")["restored"] == ["two"]
    assert place.back()["restored"] == ["one"] and place.read() == OLD
    assert place.back(state="closed")["changed"] and place.back()["changed"] is False


def test_a_run_is_closed_once_it_is_proven(place):
    for params in ({"_ansible_check_mode": True}, {}):
        assert place.back(state="closed", name="one", **params)["changed"]
    assert not place.back(state="closed", name="one")["changed"]
    assert place.back()["restored"] == ["one"]


def test_an_undo_in_the_middle_can_be_taken_back(place):
    new = place.read()
    place.back()
    refused = place.back(name="two")
    assert refused["rc"] == 1 and "while the undo of one is not closed" in refused["msg"]
    checked = place.back(state="reverted", _ansible_check_mode=True)
    assert place.read() == OLD
    done = place.back(state="reverted")
    assert place.read() == new and checked["files"] == done["files"] and done["restart_required"]
    assert not place.back(state="reverted")["changed"]
    assert place.back()["restored"] == ["one"] and place.read() == OLD


def test_somebody_in_the_middle_of_an_undo_is_not_written_over(place):
    place.back()
    place.path("daemon.json").write_text('{"debug": false}')
    for state in ("restored", "closed", "reverted"):
        assert "in the middle of an undo" in place.back(state=state)["msg"]
    assert place.path("daemon.json").read_text() == '{"debug": false}'


def test_a_full_disk_is_told_and_the_next_run_completes(place):
    for full in ("/etc", "/var/lib/containment"):
        place.reset()
        place.run(["sh", "-c", f"cat /dev/zero >{full}/filler"], check=False)
        try:
            failed = place.back()
            assert failed["rc"] == 1 and "No space left" in failed["msg"] and "Traceback" not in failed["stderr"], (
                failed
            )
            assert place.read()["subuid"] in (OLD["subuid"], place.new["subuid"])
        finally:
            place.run(["rm", f"{full}/filler"])
        assert place.back()["rc"] == 0 and place.read() == OLD


def test_a_named_one_takes_the_later_ones_along(place):
    place.harden("two", icc=False)
    assert place.back(name="one")["restored"] == ["two", "one"] and place.read() == OLD


def test_what_others_wrote_since_stays(place):
    with place.path("subuid").open("ab") as handle:
        handle.write(b"eve:500000:65536\n")
    text = json.loads(place.path("daemon.json").read_bytes())
    place.path("daemon.json").write_text(json.dumps(dict(text, labels=["a"])))
    assert place.back()["rc"] == 0
    assert place.read()["subuid"] == b"bob:100000:65536\neve:500000:65536\n"
    assert json.loads(place.read()["daemon.json"]) == {"debug": True, "labels": ["a"]}


def test_a_key_that_was_changed_again_stops_it_before_anything_is_touched(place):
    place.path("daemon.json").write_text('{"userns-remap": "somebody"}')
    before = place.read()
    for params in ({"_ansible_check_mode": True}, {}):
        refused = place.back(**params)
        assert refused["rc"] == 1 and "userns-remap: was changed again since" in refused["msg"]
    assert place.read() == before and place.strays() == []


def test_an_unknown_name(place):
    refused = place.back(name="two")
    assert refused["rc"] == 1 and "name one of these: one" in refused["msg"]
    assert place.back(name="two", missing_ok=True)["changed"] is False
    assert "cannot name a directory" in place.back(name="../one")["msg"]


def test_killed_at_every_step_the_next_run_completes(place):
    new = place.read()
    steps = place.trace_module("transaction", {})
    assert sum(call == "renameat" for call, _number in steps) >= 4, steps
    states = set()
    for call, number in some(steps):
        place.reset()
        assert place.back(inject(call, number, "signal=KILL"))["rc"] in (-9, 137), (call, number)
        state = place.read()
        assert all(state[name] in (OLD[name], new[name]) for name in OLD), (call, number, state)
        # The key goes before the ids that it names.
        assert state["daemon.json"] == OLD["daemon.json"] or state == new, (call, number, state)
        states.add(tuple(sorted(state.items())))
        again = place.back(name="one")
        assert again["rc"] == 0 and again["restart_required"], (call, number, again)
        assert place.read() == OLD and place.strays() == [], (call, number)
    assert len(states) == 4
