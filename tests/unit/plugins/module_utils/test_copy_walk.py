# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that are read again once they are copied, with a double of a disk that keeps something else."""

import os
import time

import pytest

from ansible_collections.containment.docker.plugins.module_utils import (
    _copy_inode,
    _copy_log,
    _copy_walk,
    _shift_map,
    _tree,
)


def walked(source, target, reread, still, new=True, since=None, complete=False):
    """Copy one directory to another; return the walk."""
    shifts = dict.fromkeys(_shift_map.KINDS, _shift_map.Shift([], []))
    order = _copy_walk.Order(shifts, "keep", True, True, 5, since, complete, 100, reread, still)
    log = os.open(str(source.parent / "log"), os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    trees = [_tree.open_tree(str(path)) for path in (source, target)]
    try:
        walk = _copy_walk.Copy(trees[0], trees[1].fd, new, order, [], _copy_log.Log(log), lambda *_all, **_more: None)
        walk.run()
    finally:
        for fd in (log, trees[0].fd, trees[1].fd):
            os.close(fd)
    return walk


@pytest.fixture
def folders(tmp_path):
    for name in ("source", "target"):
        (tmp_path / name).mkdir()
    for number in range(40):
        (tmp_path / "source" / str(number)).write_bytes(b"content")
    return tmp_path / "source", tmp_path / "target"


def spoil(monkeypatch, also=None, size=None):
    """Have every copy end with another byte, or of another size."""
    fill = _copy_inode.fill

    def spoiled(source, target, info, tick):
        written = fill(source, target, info, tick)
        if size is None:
            os.pwrite(target, b"C", 0)
        else:
            os.ftruncate(target, size)
        if also is not None:
            also(source)
        return written

    monkeypatch.setattr(_copy_inode, "fill", spoiled)
    monkeypatch.setattr(_copy_inode, "clone", lambda _source, _target: False)


@pytest.mark.parametrize("reread, size, number", [(100, None, 40), (0, None, 0), (0, 3, 40)])
def test_a_copy_that_differs_is_an_error_where_nobody_writes(folders, monkeypatch, reread, size, number):
    spoil(monkeypatch, size=size)
    walk = walked(*folders, reread=reread, still=True)
    assert (walk.reread, walk.errors.count) == (0 if size else number, number) and walk.complete() is (not number)
    assert all(": the copy has other content, or somebody writes there" in one for one in walk.errors.first)


@pytest.mark.parametrize("reread, size", [(100, None), (0, 3)])
def test_a_copy_that_differs_while_others_write_is_made_again_by_the_next_pass(folders, monkeypatch, reread, size):
    """Whatever the times say, which are those of the start of a write or of the end of a truncation."""
    with monkeypatch.context() as patched:
        spoil(patched, size=size)
        walk = walked(*folders, reread=reread, still=False)
    assert (walk.torn, walk.vanished.count, walk.errors.count, walk.complete()) == (40, 40, 0, False)
    again = walked(*folders, reread=reread, still=True, new=False, since=2**62)
    assert again.made == 40 and again.complete()
    assert {one.read_bytes() for one in folders[1].iterdir()} == {b"content"}


def test_what_shows_by_its_time_is_left_to_that(folders, monkeypatch):
    def touch(source):
        time.sleep(0.02)  # As coarse as the clock is that files get their times from.
        os.utime("/proc/self/fd/%d" % source)

    spoil(monkeypatch, also=touch)
    walk = walked(*folders, reread=100, still=False)
    assert (walk.reread, walk.torn, walk.errors.count, walk.complete()) == (40, 0, 0, True)


def test_of_a_part_of_the_files_that_part_is_read_again(folders):
    walk = walked(*folders, reread=50, still=True)
    assert 0 < walk.reread < 40 and not walk.errors.count and walk.made == 41


@pytest.mark.parametrize(
    "one, other, same",
    [
        ([(0, b"a")], [(0, b"a")], True),
        ([(0, b"a")], [(0, b"b")], False),
        ([(0, b"a")], [(0, b"a\0")], False),
        ([(1 << 22, b"a")], [(1 << 22, b"a")], True),
        ([(1 << 22, b"a")], [(0, b"\0" * 9), (1 << 22, b"a")], True),  # a hole, and zeros
        ([(1 << 22, b"a")], [(1 << 20, b"b"), (1 << 22, b"a")], False),
        ([(1 << 20, b"b"), (1 << 22, b"a")], [(1 << 22, b"a")], False),
        ([(1 << 43, b"a")], [(1 << 43, b"a")], True),  # no hole is read
        ([], [], True),
    ],
)
def test_content_is_compared_without_its_holes(tmp_path, one, other, same):
    places = []
    for name, pieces in (("one", one), ("other", other)):
        places.append(os.open(str(tmp_path / name), os.O_RDWR | os.O_CREAT, 0o600))
        for offset, data in pieces:
            try:
                os.pwrite(places[-1], data, offset)
            except OSError:
                pytest.skip("not possible here: a file of this size")
    try:
        assert _copy_inode.same_content(places[0], places[1], lambda: None) is same
    finally:
        for fd in places:
            os.close(fd)
