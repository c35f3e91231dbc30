# SPDX-License-Identifier: GPL-3.0-or-later
"""What is kept of a migration on disk: for whom, for how long, and what is refused."""

import json
import os

import pytest

from ansible_collections.containment.docker.plugins.module_utils import _migration_record as records
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

SECRET = [{"Config": {"Env": ["PASSWORD=1"]}}]
EVERY = (*records.AHEAD, records.SWITCHED, records.RETURNING, *records.OVER)


@pytest.fixture
def directory(tmp_path):
    return str(tmp_path / "containment" / "migrations")


def record(name="one", status=records.SEEDING, begun="2026-01-01T00:00:00Z", **changes):
    found = {
        "name": name,
        "status": status,
        "source": "/g",
        "target": "/g/1.1",
        "begun": begun,
        "switched": None,
        "aside": None,
        "old_root_needed": [],
        "removing": False,
        "containers": SECRET,
        "volumes": [{"Name": "v"}],
        "networks": [{"Name": "n"}],
        "images": [{"id": "i"}],
        "side": {"config": {"http-proxy": "http://me:PASSWORD@x"}},
        "made": {"networks": {}, "containers": {"a": {"id": "b", "digest": "c"}}},
    }
    return dict(found, **changes)


def test_statuses_are_told_apart():
    assert len(set(EVERY)) == len(EVERY) == 11
    # What is neither under way nor over is in service.
    assert set(EVERY) - set(records.UNFINISHED) - set(records.OVER) == {"switched"}
    assert not set(records.UNFINISHED) & set(records.OVER)


@pytest.mark.parametrize("status", EVERY)
def test_what_is_written_is_read_again(directory, status):
    given = record(status=status)
    records.write(given, directory)
    assert records.read("one", directory) == given
    records.write(dict(given, aside="/\udcff"), directory)
    assert records.read("one", directory)["aside"] == "/\udcff"


def test_what_was_never_begun_is_none(directory):
    assert records.read("one", directory) is None and records.read_all(directory) == []
    records.write(record(), directory)
    assert records.read("two", directory) is None


def test_it_is_for_root_alone_whatever_the_umask_is(directory):
    old = os.umask(0)
    try:
        records.write(record(), directory)
        records.write(record(status=records.SEEDED), directory)
    finally:
        os.umask(old)
    assert os.stat(directory).st_mode & 0o777 == 0o700
    assert os.listdir(directory) == ["one.json"]
    assert os.stat(os.path.join(directory, "one.json")).st_mode & 0o777 == 0o600


@pytest.mark.parametrize("status", EVERY)
def test_what_containers_are_configured_with_goes_once_it_is_over(directory, status):
    given = record(status=status)
    records.write(given, directory)
    with open(os.path.join(directory, "one.json")) as handle:
        kept = handle.read()
    over = status in ("returned", "cleared", "removed")
    assert ("PASSWORD" in kept) is not over
    found = records.read("one", directory)
    secret = ("containers", "volumes", "networks", "images", "side")
    assert [bool(found[key]) for key in secret] == [not over] * 5
    # The rest of the way back and the report still know it.
    assert found["made"]["containers"] and found["source"] == "/g"


def test_all_are_read_the_oldest_first(directory):
    for name, day in (("a", 3), ("b", 1), ("c", 2)):
        records.write(record(name, begun=f"2026-01-0{day}T00:00:00Z"), directory)
    for name in (".d.json", "e.json.old", "f"):
        with open(os.path.join(directory, name), "w") as handle:
            handle.write("{")
    assert [one["name"] for one in records.read_all(directory)] == ["b", "c", "a"]


def without(key):
    found = record()
    del found[key]
    return json.dumps(found).encode()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"one"',
        b"{}",
        b"\xff",
        json.dumps(record(), indent=1).encode()[:-3],
        json.dumps(record(name="two")).encode(),
        json.dumps(record(status="done")).encode(),
        json.dumps(record(status=None)).encode(),
        json.dumps(record(status=["seeding"])).encode(),
        *(without(key) for key in ("name", "status", "begun", "switched", "target", "removing")),
    ],
)
def test_what_is_no_record_is_refused_in_words(directory, data):
    records.write(record(), directory)
    path = os.path.join(directory, "one.json")
    with open(path, "wb") as handle:
        handle.write(data)
    for act in (lambda: records.read("one", directory), lambda: records.read_all(directory)):
        with pytest.raises(ContainmentError) as caught:
            act()
        text = str(caught.value)
        assert text.startswith(f"{path}: is not the JSON this collection writes (")
        assert text.endswith("; restore it or move it away.")


def test_what_is_told_has_no_secret(directory):
    records.write(record(switched="2026-01-02T00:00:00Z", old_root_needed=["web"]), directory)
    (found,) = records.read_all(directory)
    assert records.told(found) == {
        "name": "one",
        "status": "seeding",
        "source": "/g",
        "target": "/g/1.1",
        "begun": "2026-01-01T00:00:00Z",
        "switched": "2026-01-02T00:00:00Z",
        "aside": None,
        "old_root_needed": ["web"],
        "removing": False,
    }


@pytest.mark.parametrize("there", [False, True])
def test_room_is_taken_and_given_back(directory, there):
    if there:
        records.write(record(), directory)
    old = os.umask(0)
    try:
        records.reserve(directory)
        records.reserve(directory)
    finally:
        os.umask(old)
    (name,) = set(os.listdir(directory)) - {"one.json"}
    info = os.stat(os.path.join(directory, name))
    assert info.st_size == 8 * 1024 * 1024 <= info.st_blocks * 512
    assert info.st_mode & 0o777 == 0o600 and os.stat(directory).st_mode & 0o777 == 0o700
    assert [one["name"] for one in records.read_all(directory)] == ["one"] * there
    for _time in range(2):
        records.release(directory)
        assert os.listdir(directory) == ["one.json"] * there


def test_room_that_was_never_taken_is_given_back_all_the_same(directory):
    records.release(directory)
    assert not os.path.exists(directory)


def test_room_is_not_taken_behind_a_link(directory, tmp_path):
    records.write(record(), directory)
    os.symlink(str(tmp_path / "else"), os.path.join(directory, "room"))
    with pytest.raises(OSError):
        records.reserve(directory)
    assert not os.path.exists(str(tmp_path / "else"))
