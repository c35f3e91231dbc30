# SPDX-License-Identifier: GPL-3.0-or-later
import pytest

from ansible_collections.containment.docker.plugins.module_utils import _subid_alloc as alloc
from ansible_collections.containment.docker.plugins.module_utils._subid_plan import Claim


@pytest.mark.parametrize(
    "taken, count, align, first, last, start",
    [
        ([], 65536, 65536, 100000, 600100000, 131072),
        ([], 65536, 1, 100000, 165535, 100000),
        ([], 65537, 1, 100000, 165535, None),
        ([(100000, 65536)], 65536, 1, 100000, 600100000, 165536),
        ([(100000, 65536)], 65536, 65536, 100000, 600100000, 196608),
        ([(196608, 1)], 65536, 65536, 131072, 600100000, 131072),
        ([(196607, 1)], 65536, 65536, 131072, 600100000, 196608),
        ([(0, 10), (20, 10)], 10, 1, 0, 100, 10),
        ([(0, 10), (19, 10)], 10, 1, 0, 100, 29),
        ([(0, 50), (5, 1), (60, 1)], 10, 1, 0, 100, 50),
        ([(50, 0)], 10, 1, 45, 100, 45),
        ([(0, 1 << 32)], 1, 1, 0, 100, None),
        ([(90, 1)], 10, 1, 81, 100, 91),
        ([(90, 1)], 11, 1, 81, 100, None),
    ],
)
def test_allocate(taken, count, align, first, last, start):
    assert alloc.allocate(taken, count, align, first, last) == start


@pytest.mark.parametrize(
    "ranges, others, expected",
    [
        ([(10, 10)], [(0, 10), (20, 5)], None),
        ([(10, 10)], [(0, 10), (19, 5)], (1, (10, 10))),
        ([(10, 10)], [(0, 11)], (0, (10, 10))),
        ([(10, 10)], [(12, 1)], (0, (10, 10))),
        ([(10, 10)], [(0, 100)], (0, (10, 10))),
        ([(10, 10)], [(12, 0)], None),
        ([(50, 5), (10, 10)], [(20, 30), (54, 1)], (1, (50, 5))),
        ([(50, 5), (10, 10)], [(15, 60)], (0, (50, 5))),
        ([], [(0, 100)], None),
    ],
)
def test_overlap(ranges, others, expected):
    assert alloc.overlap(ranges, others) == expected


def test_self_overlap():
    assert alloc.self_overlap([(20, 5), (10, 10)]) is None
    assert alloc.self_overlap([(19, 5), (10, 10)]) == ((10, 10), (19, 5))
    assert alloc.self_overlap([(10, 10), (10, 10)]) == ((10, 10), (10, 10))


def test_claims_within_own_ranges_are_left_out():
    claims = [
        Claim(100, 10, "a"),
        Claim(99, 2, "b"),
        Claim(109, 2, "c"),
        Claim(100, 11, "d"),
        Claim(300, 1, "e"),
        Claim(105, 1, "f"),
    ]
    assert [claim.who for claim in alloc.outside(claims, [(100, 10)])] == ["b", "c", "d", "e"]
    assert alloc.outside(claims, []) == claims


def test_reserved_names_the_area():
    assert [area.who for area in alloc.reserved([(524287, 2)])] == ["systemd-nspawn"]
    assert alloc.reserved([(65536, 524288 - 65536)]) == []
    for area in alloc.RESERVED:
        assert alloc.reserved([(area.first, 1)])[0] == alloc.reserved([(area.last, 1)])[0] == area
        assert area not in alloc.reserved([(area.first - 1, 1), (area.last + 1, 1)])


def test_areas_are_those_of_the_conventions():
    assert (alloc.LOW, alloc.LAST) == (2**16, 2**32 - 2)
    assert [(area.first, area.last) for area in alloc.RESERVED] == [
        (60001, 60705),  # homed's own and those it maps
        (61184, 65519),
        (65534, 65535),
        (0x80000, 0x6FFFFFFF),
        (0x7FFE0000, 0x7FFEFFFF),
        (2**31 - 1, 2**32 - 2),
    ]


def test_the_default_area_is_free_of_reserved_areas():
    # 2000200000 is the last id of sssd's mapping, 0x7FFE0000 the first of systemd's foreign ones.
    assert alloc.reserved([(alloc.SEARCH_FIRST, alloc.SEARCH_LAST - alloc.SEARCH_FIRST + 1)]) == []
    assert (alloc.SEARCH_FIRST, alloc.SEARCH_LAST) == ((2000200000 // 65536 + 1) * 65536, 0x7FFE0000 - 1)
