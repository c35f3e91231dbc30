# SPDX-License-Identifier: GPL-3.0-or-later
"""The hands for files: what survives a replacement, and what is refused."""

import fcntl
import multiprocessing
import os
import time

import pytest

from ansible_collections.containment.docker.plugins.module_utils import _files
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError


@pytest.fixture
def path(tmp_path):
    place = tmp_path / "daemon.json"
    place.write_bytes(b"old")
    return str(place)


def test_replacing_keeps_mode_owner_and_attributes(path):
    os.chmod(path, 0o640)
    try:
        os.setxattr(path, "user.note", b"kept")
        noted = True
    except OSError:
        noted = False
    before = _files.read(path)
    after = _files.replace(before, b"new")
    assert (after.data, after.mode, after.uid, after.gid) == (b"new", 0o640, before.uid, before.gid)
    assert after.xattrs == before.xattrs and ("user.note" in after.xattrs) == noted


def test_an_attribute_that_the_file_system_does_not_take_is_passed_over(path):
    """As FAT answers for the label of SELinux, and every file system for a name space that is not known."""
    before = _files.read(path)
    assert _files.replace(before._replace(xattrs={"nowhere.note": b"x"}), b"new").data == b"new"
    with pytest.raises(OSError):
        _files.replace(_files.read(path)._replace(xattrs={"user." + "x" * 300: b"x"}), b"newer")
    assert _files.read(path).data == b"new"


def test_a_missing_file_and_its_directories_are_made(tmp_path):
    path = str(tmp_path / "etc" / "docker" / "daemon.json")
    before = _files.read(path)
    assert before.data is None
    after = _files.replace(before, b"{}", mode=0o600)
    assert (after.data, after.mode) == (b"{}", 0o600)
    assert os.stat(tmp_path / "etc" / "docker").st_mode & 0o777 == 0o755


def test_none_removes_the_file(path):
    assert _files.replace(_files.read(path), None).data is None
    assert not os.path.exists(path)


def test_a_link_stays_and_its_target_is_replaced(path, tmp_path):
    link = tmp_path / "link.json"
    link.symlink_to(path)
    _files.replace(_files.read(str(link)), b"new")
    assert link.is_symlink() and _files.read(path).data == b"new"


def test_a_file_that_somebody_changed_meanwhile_is_left_alone(path):
    before = _files.read(path)
    with open(path, "ab") as handle:
        handle.write(b" by somebody")
    with pytest.raises(ContainmentError, match="changed by another program"):
        _files.replace(before, b"new")
    assert _files.read(path).data == b"old by somebody"
    assert os.listdir(os.path.dirname(path)) == ["daemon.json"]


def test_a_failed_check_leaves_the_old_file_and_nothing_else(path):
    def check(candidate):
        with open(candidate, "rb") as handle:
            assert handle.read() == b"new"
        raise ContainmentError("candidate", "is refused", "mend it")

    with pytest.raises(ContainmentError, match="is refused"):
        _files.rehearse(_files.read(path), b"new", check)
    assert _files.read(path).data == b"old"
    assert os.listdir(os.path.dirname(path)) == ["daemon.json"]


def _replace_slowly(path, started, size):
    """Replace the file, with a pause while the temporary file is half written."""
    write = _files._write_temporary

    def slow(parent, temporary, data, before, mode):
        write(parent, temporary, data[: size // 2], before, mode)
        started.set()
        time.sleep(1)
        os.unlink(temporary, dir_fd=parent)
        write(parent, temporary, data, before, mode)

    _files._write_temporary = slow
    _files.replace(_files.read(path), b"1" * size)


@pytest.mark.parametrize("name", ["daemon.json", "other.json"])
def test_two_processes_take_turns(path, name):
    size = 100000
    context = multiprocessing.get_context("fork")
    started = context.Event()
    before = _files.read(os.path.join(os.path.dirname(path), name))
    slow = context.Process(target=_replace_slowly, args=(path, started, size))
    slow.start()
    assert started.wait(10)
    try:
        if name == "daemon.json":
            with pytest.raises(ContainmentError, match="was changed by another program meanwhile"):
                _files.replace(before, b"2" * size)
        else:
            _files.replace(before, b"2" * size)
        assert _files.read(path).data == b"1" * size, "the second one did not wait for the first"
    finally:
        slow.join(10)
    assert slow.exitcode == 0
    assert sorted(os.listdir(os.path.dirname(path))) == sorted({"daemon.json", name})


def test_the_wait_for_the_lock_ends(path, monkeypatch):
    monkeypatch.setattr(_files, "LOCK_SECONDS", 0.2)
    fd = os.open(os.path.dirname(path), os.O_RDONLY)
    fcntl.flock(fd, fcntl.LOCK_EX)
    with pytest.raises(ContainmentError, match=r"was locked by another program for 0[.]2 s; wait until it ends"):
        _files.replace(_files.read(path), b"new")
    os.close(fd)
    assert _files.replace(_files.read(path), b"new").data == b"new"


@pytest.mark.parametrize(
    "path, words",
    [("/", "/: is the root directory"), ("//", "is the root directory"), ("/etc/../", "is the root directory")]
    + [(bad, "holds a character that no path can hold") for bad in ("/etc/a\0b", "/etc/a\ud800")],
)
def test_what_no_file_can_be_called_is_refused(path, words):
    with pytest.raises(ContainmentError) as caught:
        _files.read(path)
    assert words in str(caught.value)
    str(caught.value).encode("utf-8")


def test_what_a_killed_run_left_is_reused(path):
    leftover = os.path.join(os.path.dirname(path), ".daemon.json.containment")
    with open(leftover, "wb") as handle:
        handle.write(b"half of")
    _files.replace(_files.read(path), b"new")
    assert os.listdir(os.path.dirname(path)) == ["daemon.json"]


def test_a_directory_that_others_can_write_to_is_refused(tmp_path):
    open_to_all = tmp_path / "open"
    open_to_all.mkdir()
    open_to_all.chmod(0o777)
    with pytest.raises(ContainmentError, match="others can change"):
        _files.read(str(open_to_all / "daemon.json"))


@pytest.mark.skipif(os.geteuid() != 0, reason="not possible here: giving a directory away needs root")
def test_a_directory_of_somebody_else_is_refused(tmp_path):
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    os.chown(foreign, 12345, 12345)
    with pytest.raises(ContainmentError, match="uid 12345"):
        _files.read(str(foreign / "daemon.json"))


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir], ids=["fifo", "directory"])
def test_what_is_no_regular_file_is_refused(tmp_path, make):
    path = str(tmp_path / "daemon.json")
    make(path)
    with pytest.raises(ContainmentError, match="not a regular file"):
        _files.read(path)


def test_a_writable_place_is_not_refused(path, tmp_path):
    _files.refuse_unwritable(_files.read(path))
    _files.refuse_unwritable(_files.read(str(tmp_path / "not" / "there" / "yet.json")))
