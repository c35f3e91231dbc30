# SPDX-License-Identifier: GPL-3.0-or-later
import os

import pytest

from ansible_collections.containment.docker.plugins.module_utils import _shift_map, _shift_walk, _tree

BASE = 2000224256


@pytest.fixture
def place(tmp_path):
    """A tree of this user's; a walk changes the working directory."""
    here = os.getcwd()
    (tmp_path / "a/b").mkdir(parents=True)
    for name in ("a/file", "a/b/other"):
        (tmp_path / name).write_text("x")
    (tmp_path / "a/link").symlink_to("file")
    os.link(str(tmp_path / "a/file"), str(tmp_path / "a/b/again"))
    yield tmp_path.resolve() / "a"
    os.chdir(here)


def walk(path, target, reports=None):
    """Count, without a change, what becomes of a tree when its owner's ids become others."""
    shifts = {
        kind: _shift_map.Shift.between(_shift_map.IDENTITY, [(own, target, 1)])
        for kind, own in (("uid", os.geteuid()), ("gid", os.getegid()))
    }
    tree = _tree.open_tree(str(path))
    order = _shift_walk.Order(shifts, True, False, False, None, False, 5, True)
    report = (lambda *told: None) if reports is None else (lambda *told: reports.append(told))
    found = _shift_walk.Walk(tree, order, [], {}, report)
    try:
        found.run(None, False)
    finally:
        os.close(tree.fd)
    return found


def test_every_inode_is_counted_once(place):
    reports = []
    found = walk(place, BASE, reports)
    assert (found.inodes, found.changed, found.errors.first) == (5, 5, [])
    assert [path for path, _before, _after in found.examples][-1] == str(place)
    assert {after for _path, _before, after in found.examples} == {"%d:%d" % (BASE, BASE)}
    assert [left for left, _walk, _path in found.seen.values()] == [0]
    assert reports[0] == (0, 0.0)
    nothing = walk(place, os.geteuid()) if os.geteuid() == os.getegid() else None
    assert nothing is None or (nothing.inodes, nothing.changed, nothing.examples) == (5, 0, [])


def test_what_ends_the_report_ends_the_walk(place):
    def report(inodes, part):
        raise KeyError

    tree = _tree.open_tree(str(place))
    order = _shift_walk.Order(dict.fromkeys(_shift_map.KINDS, _shift_map.Shift([], [])), 0, 0, 0, None, False, 5, True)
    with pytest.raises(KeyError):
        _shift_walk.Walk(tree, order, [], {}, report).run(None, False)
    os.close(tree.fd)


def test_paths_are_told_in_characters_that_can_be_shown():
    assert _shift_walk.printable("/a b/\u00fc") == "/a b/\u00fc"
    assert _shift_walk.printable(os.fsdecode(b"/\xff\n\x1b")) == "/\\xff\\n\\x1b"


def test_the_first_ones_are_told_three_at_least():
    told = _shift_walk.Told(0)
    for number in range(5):
        told.add(lambda number=number: "/%d" % number, ": x")
    assert (told.count, told.first) == (5, ["/0: x", "/1: x", "/2: x"])
