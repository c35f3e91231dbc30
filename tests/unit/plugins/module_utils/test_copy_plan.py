# SPDX-License-Identifier: GPL-3.0-or-later
"""What a second pass may trust, what a copy carries, and what is told of it."""

import stat
import struct
from types import SimpleNamespace

import pytest

from ansible_collections.containment.docker.plugins.module_utils import _copy_plan as core
from ansible_collections.containment.docker.plugins.module_utils import _shift_map
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

BASE = 2000224256
SORTS = ("foreign", "unmapped", "mounts", "locked", "privileged", "vanished", "errors")
CAPABILITY = struct.pack("<IIIII", 0x02000001, 1 << 13, 0, 0, 0)
MEMORY = core.Memory("n", [1, 2], [1, 3], "/copy", "boot", 10**18, 500, True)


def shifts(source, target):
    return dict.fromkeys(_shift_map.KINDS, _shift_map.Shift.between(source, target))


INTO = shifts(_shift_map.IDENTITY, [(0, BASE, 65536)])
OUT = shifts([(0, BASE, 65536)], _shift_map.IDENTITY)


def info(mode=stat.S_IFREG | 0o644, uid=0, gid=0, **changes):
    found = {"st_mode": mode, "st_uid": uid, "st_gid": gid, "st_size": 5, "st_mtime_ns": 7, "st_rdev": 0}
    return SimpleNamespace(**dict(found, **changes))


def test_what_is_remembered_comes_back_and_nothing_else_does():
    assert core.unpack(core.pack(MEMORY)) == MEMORY
    assert core.pack(MEMORY).startswith(b'{"began": 1000000000000000000, "boot": "boot", "complete": true, "name": "n"')
    for data in (b"", b"{}", b"[]", b"\xff", b'{"name": "x"}', b"7"):
        assert core.unpack(data) is None


@pytest.mark.parametrize(
    "clock, expected",
    [
        (core.Clock("boot", 2 * 10**18, 500), 10**18 - 300 * 10**9),
        (core.Clock("boot", 2 * 10**18, 10**15), 10**18 - 300 * 10**9),  # set forward
        (core.Clock("boot", 2 * 10**18, 500 - 5 * 10**8), 10**18 - 300 * 10**9),
        (core.Clock("boot", 2 * 10**18, 499 - 5 * 10**8), None),  # set back
        (core.Clock("another", 2 * 10**18, 500), None),
    ],
)
def test_since_when_changes_can_be_told(clock, expected):
    for kind in core.TIMED:
        assert core.since(MEMORY, clock, kind) == expected
    for kind in ("tmpfs", "overlay", "nfs4", "fuse.x", "zfs"):
        assert core.since(MEMORY, clock, kind) is None


def test_without_an_earlier_pass_nothing_is_known():
    assert core.since(None, core.Clock("boot", 1, 1), "ext4") is None


def test_a_copy_carries_everything_with_other_ids():
    acl = struct.pack("<I", 2) + struct.pack("<HHI", 2, 7, 33)
    given = {"user.note": b"x", "system.posix_acl_access": acl, "security.capability": CAPABILITY}
    carried = core.carried(info(stat.S_IFREG | 0o4755, 5, 6), given, INTO, None, True)
    assert (carried.uid, carried.gid, carried.mode, carried.dropped) == (BASE + 5, BASE + 6, 0o4755, False)
    assert carried.xattrs["user.note"] == b"x"
    assert carried.xattrs["system.posix_acl_access"] == struct.pack("<I", 2) + struct.pack("<HHI", 2, 7, BASE + 33)
    assert struct.unpack("<IIIIII", carried.xattrs["security.capability"])[-1] == BASE
    assert given["system.posix_acl_access"] == acl


def test_without_other_ids_all_is_as_it_was():
    given = {"user.note": b"x", "security.capability": CAPABILITY}
    same = shifts(_shift_map.IDENTITY, _shift_map.IDENTITY)
    carried = core.carried(info(stat.S_IFREG | 0o6711, 5, 6), given, same, None, True)
    assert (carried.uid, carried.gid, carried.mode, carried.xattrs) == (5, 6, 0o6711, given)


def test_rights_on_the_host_are_kept_dropped_or_refused():
    given = {"security.capability": struct.pack("<IIIIII", 0x03000001, 1 << 13, 0, 0, 0, BASE)}
    mode = stat.S_IFREG | 0o4755
    kept = core.carried(info(mode, BASE, BASE), given, OUT, "keep", True)
    assert kept.mode == 0o4755 and kept.xattrs["security.capability"] == CAPABILITY
    dropped = core.carried(info(mode, BASE, BASE), dict(given, **{"user.x": b""}), OUT, "drop", True)
    assert (dropped.mode, dropped.xattrs, dropped.dropped) == (0o755, {"user.x": b""}, True)
    with pytest.raises(core.attrs.Privileged):
        core.carried(info(mode, BASE, BASE), given, OUT, None, True)


@pytest.mark.parametrize(
    "other, alike",
    [
        (info(), True),
        (info(uid=7), True),
        (info(st_size=6), False),
        (info(st_mtime_ns=8), False),
        (info(stat.S_IFIFO), False),
    ],
)
def test_what_may_be_a_copy(other, alike):
    assert core.alike(info(), other) is alike


def test_devices_are_told_by_their_number_and_directories_by_no_size():
    for kind in (stat.S_IFCHR, stat.S_IFBLK):
        assert not core.alike(info(kind, st_rdev=1), info(kind, st_rdev=2))
        assert core.alike(info(kind, st_rdev=1), info(kind, st_rdev=1))
    assert core.alike(info(stat.S_IFDIR), info(stat.S_IFDIR, st_size=9))
    assert core.alike(info(stat.S_IFIFO, st_rdev=1), info(stat.S_IFIFO, st_rdev=2))


def test_a_sample_is_about_as_large_as_asked_for_and_the_same_each_time():
    for percent in (0, 1, 10, 50, 100):
        chosen = [number for number in range(10000, 20000) if core.is_sampled(number, percent)]
        assert abs(len(chosen) - percent * 100) <= 100
    assert core.is_sampled(6943, 1) and not core.is_sampled(178, 1) and core.is_sampled(2147483649, 37)
    assert all(core.is_sampled(number, 100) for number in (0, 1, 2**32 - 1, 2**64 - 1))
    assert not any(core.is_sampled(number, 0) for number in (0, 1, 2**32 - 1, 2**64 - 1))


def test_directories_within_one_another_are_refused_whatever_their_names():
    core.refuse_nested("/a", "/ab", ("8:1", "/a"), ("8:1", "/ab"))
    core.refuse_nested("/a", "/b", ("8:1", "/x"), ("8:2", "/x"))
    for given in (
        ("/a", "/a/b", ("8:1", "/a"), ("8:2", "/")),
        ("/a/b", "/a", ("8:1", "/a/b"), ("8:1", "/a")),
        ("/a", "/b", ("8:1", "/x"), ("8:1", "/x/y")),
        ("/a", "/a", ("8:1", "/a"), ("8:1", "/a")),
    ):
        with pytest.raises(ContainmentError, match="lie in one another; name another directory"):
            core.refuse_nested(*given)


@pytest.mark.parametrize(
    "modes, closed",
    [
        ([(0o755, 0), (0o700, 0)], True),
        ([(0o700, 0), (0o755, 0)], True),
        ([(0o755, 0), (0o710, BASE)], True),
        ([(0o755, 0), (0o710, 65536)], True),
        ([(0o755, 0), (0o710, 65535)], False),
        ([(0o755, 0), (0o710, 0)], False),
        ([(0o755, 0), (0o701, 0)], False),
        ([(0o755, 0), (0o755, 0)], False),
    ],
)
def test_who_else_can_come_to_a_copy(modes, closed):
    def above(uid=0, acl=False):
        places = [info(stat.S_IFDIR | mode, uid, gid) for mode, gid in modes]
        return [(f"/{number}", place, acl) for number, place in enumerate(places)]

    words = "can be reached by others; chmod 700 the directory above it, /1, or name"
    for given, good in (
        (above(), closed),
        (above(uid=1000), False),
        (above(acl=True), closed and not any(gid for _mode, gid in modes)),
    ):
        if good:
            core.refuse_open("/0/1/copy", given)
        else:
            with pytest.raises(ContainmentError, match=words):
                core.refuse_open("/0/1/copy", given)


def told(**changes):
    found = {sort: {"count": 0, "first": []} for sort in SORTS}
    found.update(made=0, dressed=0, linked=0, removed=0, bytes=0, dropped=0, examples=[], verified=None)
    return dict(found, **changes)


def test_what_is_told_of_a_run():
    nothing = told()
    assert core.changed(nothing) == 0 and core.warnings("/a", nothing) == core.failures("/a", nothing) == []
    assert core.changed(told(made=1, dressed=20, linked=300, removed=4000)) == 4321
    assert core.diff("/copy", told(made=1, examples=[["/a/b", "copied"]]))["after"] == "copied /a/b\n"
    assert core.diff("/copy", told(made=2, examples=[["/a/b", "copied"]]))["after"] == "copied /a/b\nand 1 more\n"
    some = told(made=3, linked=1, bytes=9, examples=[["/a/b", "copied"], ["/a/c", "another name"]])
    assert core.changed(some) == 4
    header = "/copy (4 names, 9 bytes)"
    assert core.diff("/copy", some) == {
        "before_header": header,
        "after_header": header,
        "before": "",
        "after": "copied /a/b\nanother name /a/c\nand 2 more\n",
    }
    odd = {"count": 1, "first": ["/a/x"]}
    warned = core.warnings("/a", told(locked=odd, mounts=odd, vanished=odd, dropped=2))
    assert [text.split(";")[0] for text in warned] == [
        "/a: 1 inodes (/a/x) are immutable or append-only, and their copies are not",
        "/a: 1 inodes (/a/x) are mounted in it and not copied",
        "/a: 1 inodes (/a/x) are gone, or something else, when their turn came",
        "/a: 2 inodes are copied without setuid and setgid bits and capabilities",
    ]
    four = {"count": 4, "first": ["/a/b: x", "/a/c: y", "/a/d: z", "/a/e: w"]}
    failed = core.failures("/a", told(privileged=odd, errors=four, verified=dict(four, compared=5)))
    assert [text.split(";")[0] for text in failed] == [
        "/a: 1 inodes (/a/x) have setuid or setgid bits or capabilities that would get the rights of a host's own id",
        "/a: 4 inodes could not be copied: /a/b: x, /a/c: y, /a/d: z",
        "/a: 4 names differ from their copies: /a/b: x, /a/c: y, /a/d: z",
    ]
    assert core.failures("/a", told(verified={"count": 0, "first": [], "compared": 5})) == []
