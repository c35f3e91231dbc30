# SPDX-License-Identifier: GPL-3.0-or-later
"""How far a walk is, in figures and in words."""

import pytest

from ansible_collections.containment.docker.plugins.module_utils import _progress


@pytest.mark.parametrize(
    "way, part",
    [
        ([(0, 0, 0.5)], 0.5),
        ([(0, 0, 1.0)], 1.0),
        ([(1, 4, 0.9)], 0.25),
        ([(1, 4, 0.9), (0, 0, 0.5)], 0.375),
        ([(1, 4, 0.0), (2, 4, 0.0), (0, 0, 1.0)], 0.4375),
        ([(4, 4, 0.0), (0, 0, 1.0)], 1.0),
    ],
)
def test_what_part_is_done(way, part):
    assert _progress.part(way) == part


def test_how_far_a_shift_is():
    first = {"path": "/a", "inodes": 1000, "part": 0.005, "seconds": 2.0}
    assert _progress.line(first, None) == "/a: 1000 files, 500 a second"
    later = {"path": "/a", "inodes": 3000, "part": 0.25, "seconds": 4.0}
    assert _progress.line(later, first) == "/a: 3000 files, 1000 a second, about 25 %, 12 s left"
    assert _progress.line(dict(later, path="/b"), first).startswith("/b: 3000 files, 750 a second")
    for seconds, words in ((90.0, "4 min left"), (3600.0, "3.0 h left")):
        assert _progress.line(dict(later, seconds=seconds), None).endswith(words)
    assert (
        _progress.line(dict(first, seconds=0.0, part=0.01), None) == "/a: 1000 files, 0 a second, about 1 %, 0 s left"
    )


def test_how_far_a_copy_is():
    first = {"path": "/a", "inodes": 10, "written": 50 * 10**6, "part": 0.0, "seconds": 2.0}
    assert _progress.line(first, None) == "/a: 10 files, 5 a second, 25 MB/s"
    later = dict(first, inodes=14, written=450 * 10**6, seconds=4.0)
    assert _progress.line(later, first) == "/a: 14 files, 2 a second, 200 MB/s"
    assert _progress.line(dict(later, seconds=2.0), first) == "/a: 14 files, 0 a second, 0 MB/s"


def test_how_far_a_listener_is():
    first = {"path": "containers web, db", "inodes": 0, "kinds": 0, "part": 0.0, "seconds": 0.0}
    assert _progress.line(first, None) == "containers web, db: 0 calls of 0 kinds heard"
    later = dict(first, inodes=1200, kinds=51, part=0.25, seconds=15.0)
    assert _progress.line(later, first) == "containers web, db: 1200 calls of 51 kinds heard, 45 s left"
