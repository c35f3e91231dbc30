# SPDX-License-Identifier: GPL-3.0-or-later
"""Transactions on disk: what is kept, in what order it is undone, and what an interrupted run leaves."""

import os

import pytest

from ansible_collections.containment.docker.plugins.module_utils import _files, _transaction
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError


@pytest.fixture
def directory(tmp_path):
    return str(tmp_path / "containment" / "transactions")


@pytest.fixture
def path(tmp_path):
    place = tmp_path / "daemon.json"
    place.write_bytes(b"first")
    return str(place)


def change(name, path, data, directory):
    before = _files.read(path)
    _transaction.record(name, "daemon_json", before, data, directory)
    _files.replace(before, data)


def test_both_versions_are_kept_for_root_alone(directory, path):
    change("one", path, b"second", directory)
    (kept,) = _transaction.select("last", directory)
    assert kept.name == "one" and kept.entries == [_transaction.Entry(path, "daemon_json", 0o644, b"first", b"second")]
    for folder, _folders, files in os.walk(directory):
        assert os.stat(folder).st_mode & 0o077 == 0
        assert all(os.stat(os.path.join(folder, name)).st_mode & 0o077 == 0 for name in files)


def test_a_named_transaction_brings_the_later_ones_along_newest_first(directory, path):
    for name in ("b", "a", "c"):
        change(name, path, name.encode(), directory)
    assert [one.name for one in _transaction.select("a", directory)] == ["c", "a"]
    assert [one.name for one in _transaction.select("last", directory)] == ["c"]


def test_last_means_the_one_before_once_the_newest_was_undone(directory, path):
    change("a", path, b"a", directory)
    change("b", path, b"b", directory)
    _transaction.set_status("b", _transaction.RESTORED, directory)
    assert [one.name for one in _transaction.select("last", directory)] == ["a"]
    assert _transaction.select("b", directory) == []
    assert _transaction.names(directory) == [("a", "open"), ("b", "restored")]


def test_a_name_that_a_module_made_for_itself_is_applied_at_once(directory, path):
    change(_transaction.default_name("daemon_json"), path, b"a", directory)
    assert [status for _name, status in _transaction.names(directory)] == ["applied"]


def test_an_undo_that_put_everything_back_is_closed_by_the_next_record(directory, path):
    change("a", path, b"a", directory)
    undo = _transaction.Undo(["a"], {path: (0o644, b"a", b"first")})
    _transaction.begin_undo(undo, directory)
    assert _transaction.pending(directory) == undo
    assert _transaction.unsettled(directory) == ["a"]
    for act in (lambda: change("b", path, b"b", directory), lambda: _transaction.check_usable("b", directory)):
        with pytest.raises(ContainmentError, match="the undo of a was interrupted"):
            act()
    _files.replace(_files.read(path), b"first")
    assert _transaction.unsettled(directory) == []
    change("b", path, b"b", directory)
    assert _transaction.pending(directory) is None
    assert _transaction.names(directory) == [("a", "restored"), ("b", "open")]


@pytest.mark.parametrize(
    "data", [b"", b"{}", b"[]", b'{"name": "a", "sequence": "x", "status": "open", "entries": []}']
)
def test_what_is_no_manifest_is_named(directory, path, data):
    change("a", path, b"a", directory)
    manifest = os.path.join(directory, "a", "manifest.json")
    with open(manifest, "wb") as handle:
        handle.write(data)
    with pytest.raises(ContainmentError, match=r"a/manifest\.json: is not the JSON this collection writes"):
        _transaction.names(directory)


def test_strays_beside_transactions_are_passed_over(directory, path):
    change("a", path, b"a", directory)
    with open(os.path.join(directory, "stray"), "wb"):
        pass
    assert _transaction.names(directory) == [("a", "open")]


def test_an_undone_transaction_takes_no_more_entries(directory, path):
    change("a", path, b"a", directory)
    _transaction.set_status("a", _transaction.RESTORED, directory)
    with pytest.raises(ContainmentError, match="was taken back"):
        change("a", path, b"b", directory)


def test_a_missing_file_is_kept_as_missing(directory, tmp_path):
    path = str(tmp_path / "new.json")
    change("a", path, b"new", directory)
    (kept,) = _transaction.select("last", directory)
    assert kept.entries[0].before is None and kept.entries[0].after == b"new"


def test_a_run_killed_before_its_manifest_leaves_no_transaction(directory, path):
    os.makedirs(os.path.join(directory, "killed"), mode=0o700)
    with open(os.path.join(directory, "killed", "0.before"), "wb") as handle:
        handle.write(b"half")
    assert _transaction.names(directory) == []
    change("killed", path, b"second", directory)
    assert _transaction.select("last", directory)[0].entries[0].before == b"first"


def test_an_unknown_name_is_refused_with_those_there_are(directory, path):
    change("a", path, b"a", directory)
    with pytest.raises(ContainmentError, match="name one of these: a"):
        _transaction.select("b", directory)


def test_a_lost_version_is_told(directory, path):
    change("a", path, b"a", directory)
    os.unlink(os.path.join(directory, "a", "0.before"))
    with pytest.raises(ContainmentError, match="a kept version is missing"):
        _transaction.select("last", directory)


def test_what_is_begun_is_open_before_anything_is_recorded(directory, path):
    change("before", path, b"a", directory)
    _transaction.set_status("before", _transaction.APPLIED, directory)
    _transaction.begin("a", directory)
    assert _transaction.names(directory) == [("before", "applied"), ("a", "open")]
    assert _transaction.select("last", directory) == [_transaction.Recorded("a", "open", [])]
    for folder, _folders, files in os.walk(directory):
        assert os.stat(folder).st_mode & 0o077 == 0
        assert all(os.stat(os.path.join(folder, name)).st_mode & 0o077 == 0 for name in files)
    # What comes then is recorded in it.
    change("a", path, b"b", directory)
    _transaction.begin("a", directory)
    (kept,) = _transaction.select("last", directory)
    assert [entry.after for entry in kept.entries] == [b"b"]
    assert _transaction.names(directory) == [("before", "applied"), ("a", "open")]


def test_the_first_is_begun_in_no_directory_and_after_a_kill(directory):
    os.makedirs(os.path.join(directory, "killed"), mode=0o700)
    for name in ("killed", "a"):
        _transaction.begin(name, directory)
    assert [one.name for one in _transaction.select("killed", directory)] == ["a", "killed"]
    _transaction.begin("b", directory + "2")
    assert _transaction.names(directory + "2") == [("b", "open")]


def test_what_was_begun_already_keeps_its_status(directory):
    _transaction.begin("a", directory)
    _transaction.set_status("a", _transaction.APPLIED, directory)
    _transaction.begin("a", directory)
    assert _transaction.names(directory) == [("a", "applied")]
    _transaction.set_status("a", _transaction.RESTORED, directory)
    with pytest.raises(ContainmentError, match="was taken back"):
        _transaction.begin("a", directory)
    with pytest.raises(ContainmentError, match="transaction"):
        _transaction.begin("a/b", directory)


def test_nothing_is_begun_in_the_middle_of_an_undo_and_one_that_is_done_is_closed(directory, path):
    change("a", path, b"a", directory)
    _transaction.begin_undo(_transaction.Undo(["a"], {path: (0o644, b"a", b"first")}), directory)
    with pytest.raises(ContainmentError, match="the undo of a was interrupted"):
        _transaction.begin("b", directory)
    assert _transaction.names(directory) == [("a", "open")]
    _files.replace(_files.read(path), b"first")
    _transaction.begin("b", directory)
    assert _transaction.pending(directory) is None
    assert _transaction.names(directory) == [("a", "restored"), ("b", "open")]


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "-a", "a\n", "a" * 65, "\xe4"])
def test_names_that_are_no_directory_names_are_refused(name):
    with pytest.raises(ContainmentError, match="transaction"):
        _transaction.check_name(name)
