# SPDX-License-Identifier: GPL-3.0-or-later
import pytest

from ansible_collections.containment.docker.plugins.module_utils import _shift_map as core
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

BASE = 2000224256
MAPPING = [(0, BASE, 65536)]
# Root of containers is id 2 of the host, the others have a range.
LOW = [(0, 2, 1), (1, BASE + 1, 65535)]


def between(source, target):
    return core.Shift.between(source, target)


@pytest.mark.parametrize(
    "mapping, words",
    [
        ([], "key: has 0 extents; name 1 to 340"),
        ([(one, one, 1) for one in range(341)], "key: has 341 extents"),
        ([(0, 5, 0)], "the extent 0:5:0 is not within the ids 0-4294967294"),
        ([(-1, 5, 1)], "the extent -1:5:1 is not"),
        ([(0, -1, 1)], "the extent 0:-1:1 is not"),
        ([(0, 4294967294, 2)], "the extent 0:4294967294:2 is not"),
        ([(4294967295, 0, 1)], "the extent 4294967295:0:1 is not"),
        ([(5, 100, 2), (0, 50, 6)], "the extents 0:50:6 and 5:100:2 share ids of the container"),
        ([(0, 100, 2), (5, 50, 51)], "the extents 5:50:51 and 0:100:2 share ids of the host"),
    ],
)
def test_what_is_no_mapping_is_refused(mapping, words):
    with pytest.raises(ContainmentError, match=words):
        core.check(mapping, "key")


def test_mappings():
    core.check(MAPPING, "key")
    core.check(LOW, "key")
    core.check([(0, 4294967294, 1)], "key")
    core.check([(5, 100, 2), (0, 50, 5), (7, 102, 1)], "key")


def test_into_a_mapping():
    shift = between(core.IDENTITY, MAPPING)
    assert [shift.new(one) for one in (0, 1, 65535, 65536, BASE, BASE + 65535)] == [
        *(BASE, BASE + 1, BASE + 65535, 65536, BASE, BASE + 65535),
    ]
    assert [shift.what(one) for one in (0, 65535, 65536, BASE - 1, BASE, BASE + 65535, BASE + 65536)] == [
        *(core.MOVED, core.MOVED, core.UNMAPPED, core.UNMAPPED, core.DONE, core.DONE, core.UNMAPPED),
    ]
    assert shift.overlap() is None and shift.size() == 65536
    assert shift.ranges() == [(0, 65536), (BASE, 65536)]


def test_out_of_a_mapping():
    shift = between(MAPPING, core.IDENTITY)
    assert [shift.new(one) for one in (BASE, BASE + 65535, BASE + 65536, 7)] == [0, 65535, BASE + 65536, 7]
    assert [shift.what(one) for one in (BASE, 7, 65535, 65536, BASE - 1)] == [
        *(core.MOVED, core.DONE, core.DONE, core.FOREIGN, core.FOREIGN),
    ]


def test_from_one_mapping_to_another_by_what_ids_mean_in_the_container():
    shift = between([(0, 100000, 10), (20, 200000, 10)], [(5, 300000, 20)])
    assert shift.moves == [core.Move(100005, 5, 300000, 1), core.Move(200000, 5, 300015, 1)]
    assert [shift.new(one) for one in (100004, 100005, 100009, 100010, 199999, 200000, 200004, 200005)] == [
        *(100004, 300000, 300004, 100010, 199999, 300015, 300019, 200005),
    ]
    assert [shift.what(one) for one in (100004, 100005, 300004, 300005, 100010, 200009)] == [
        *(core.UNMAPPED, core.MOVED, core.DONE, core.FOREIGN, core.FOREIGN, core.UNMAPPED),
    ]


def test_one_owner():
    shift = core.Shift.to_owner(core.IDENTITY, 60000)
    assert [shift.new(one) for one in (0, 60000, 4294967294)] == [60000] * 3
    assert [shift.what(one) for one in (0, 60000, 60001)] == [core.MOVED, core.DONE, core.MOVED]
    assert shift.overlap() is None
    part = core.Shift.to_owner(MAPPING, 7)
    assert [part.what(one) for one in (BASE, 7, 8)] == [core.MOVED, core.DONE, core.FOREIGN]


def test_ids_of_both_sides_are_found():
    assert between(core.IDENTITY, LOW).overlap() == (0, 2, BASE + 2)
    assert between(LOW, core.IDENTITY).overlap() == (BASE + 2, 2, 0)
    assert between([(0, 1000, 10)], [(0, 1005, 10)]).overlap() == (1000, 1005, 1010)
    assert between([(0, 1000, 10)], [(0, 1009, 10)]).overlap() == (1000, 1009, 1018)
    assert between([(0, 1000, 10)], [(0, 1010, 10)]).overlap() is None
    assert between([(0, 1000, 10)], [(0, 990, 10)]).overlap() is None
    assert between([(0, 1000, 10)], [(0, 991, 10)]).overlap() == (1009, 1000, 991)
    # What stays what it is is moved by no run.
    assert between(MAPPING, MAPPING).overlap() is None
    one = core.Shift([core.Move(5, 1, 7, 1), core.Move(7, 3, 8, 0)], [])
    assert one.overlap() == (5, 7, 8)
    assert core.Shift([core.Move(5, 1, 8, 1), core.Move(7, 3, 8, 0)], []).overlap() is None
    assert core.Shift([core.Move(5, 2, 8, 1), core.Move(7, 3, 8, 0)], []).overlap() == (6, 9, 8)


def test_two_passes_through_a_scratch_range():
    shift = between(core.IDENTITY, LOW)
    there, back = shift.through(3000000000)
    assert shift.size() == 65536
    for number in (0, 1, 2, 3, 65535):
        assert 3000000000 <= there.new(number) < 3000065536
        assert back.new(there.new(number)) == shift.new(number)
    assert there.overlap() is None and back.overlap() is None
    assert back.what(2) == core.DONE and back.what(65536) == core.UNMAPPED
    both = shift.beside(back)
    assert [both.new(one) for one in (0, 2, there.new(2))] == [2, BASE + 2, BASE + 2]


def test_what_stays_goes_through_nothing():
    there, back = between([(0, 5, 3), (9, 100, 1)], [(0, 5, 3), (9, 200, 1)]).through(70000)
    assert there.moves == [core.Move(100, 1, 70000, 1)] and back.moves == [core.Move(70000, 1, 200, 1)]
    assert between([(0, 5, 3), (9, 100, 1)], [(0, 5, 3), (9, 200, 1)]).size() == 1
    there, back = core.Shift.to_owner([(0, 5, 3)], 5).through(70000)
    assert there.moves == [core.Move(5, 3, 70000, 1)] and back.moves == [core.Move(70000, 3, 5, 0)]


def test_a_shift_goes_through_json():
    one = {kind: between(core.IDENTITY, MAPPING) for kind in core.KINDS}
    lists = {kind: shift.as_lists() for kind, shift in one.items()}
    assert lists["uid"] == {"moves": [[0, 65536, BASE, 1]], "source": [[0, 4294967295]]}
    again = {
        kind: core.Shift([core.Move(*move) for move in value["moves"]], map(tuple, value["source"]))
        for kind, value in lists.items()
    }
    assert again["uid"].moves == one["uid"].moves and again["uid"].as_lists() == lists["uid"]
