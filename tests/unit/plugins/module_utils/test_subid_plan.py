# SPDX-License-Identifier: GPL-3.0-or-later
import pytest

from ansible_collections.containment.docker.plugins.module_utils import _subid
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError
from ansible_collections.containment.docker.plugins.module_utils._subid_plan import (
    Claim,
    Host,
    Owner,
    Wanted,
    plan_absent,
    plan_present,
)

ALICE = Owner("alice", 1000)
FIRST = 2000224256


def files(subuid=b"", subgid=None):
    return {
        "uid": _subid.parse(subuid, "/etc/subuid"),
        "gid": _subid.parse(subuid if subgid is None else subgid, "/etc/subgid"),
    }


def host(users=(), groups=(), maps=(), gid_maps=(), source="files", extents=340, page=4096):
    return Host(
        {
            "uid": [Claim(one, 1, "user u%d" % one) for one in users],
            "gid": [Claim(one, 1, "group g%d" % one) for one in groups],
        },
        {
            kind: [Claim(start, count, "process 7 (x)") for start, count in extent]
            for kind, extent in (("uid", maps), ("gid", gid_maps))
        },
        source,
        extents,
        page,
    )


def wanted(ranges=None, gid_ranges=None, count=65536, align=65536, first=FIRST, last=2147352575, **allow):
    switches = {"allow_low": False, "allow_accounts": False, "allow_move": False}
    assert set(allow) <= set(switches)
    return Wanted(count, ranges, gid_ranges, align, first, last, **dict(switches, **allow))


def present(found, wish=None, here=None, owner=ALICE):
    return plan_present(found, owner, here or host(), wish or wanted())


def refused(*args, **kwargs):
    with pytest.raises(ContainmentError) as error:
        present(*args, **kwargs)
    return str(error.value)


def both(*ranges):
    return {"uid": list(ranges), "gid": list(ranges)}


def test_allocates_the_same_range_in_both_files():
    plan = present(files())
    assert plan.after == both((FIRST, 65536))
    assert plan.contents == {"uid": b"alice:2000224256:65536\n", "gid": b"alice:2000224256:65536\n"}
    assert plan.shown["uid"] == ("", "alice:2000224256:65536\n")
    assert plan.warnings == []


@pytest.mark.parametrize(
    "found, here",
    [
        (files(b"bob:2000224256:1\n", b""), host()),
        (files(b"", b"bob:2000289791:1\n"), host()),
        (files(), host(users=[FIRST])),
        (files(), host(groups=[FIRST + 65535])),
        (files(), host(maps=[(FIRST + 5, 1)])),
        (files(), host(gid_maps=[(FIRST - 5, 6)])),
    ],
)
def test_an_allocation_avoids_what_others_have_in_either_file(found, here):
    assert present(found, here=here).after == both((FIRST + 65536, 65536))


def test_an_allocation_avoids_reserved_areas():
    assert present(files(), wanted(first=500000)).after == both((1879048192, 65536))
    assert "holds no 65536 ids" in refused(files(), wanted(first=524288, last=1879048191))


def test_an_allocation_below_65536_is_refused_unless_asked_for():
    assert "search_min: 1000 is below 65536" in refused(files(), wanted(first=1000))
    assert present(files(), wanted(first=1000, align=1, allow_low=True)).after == both((65536, 65536))
    assert present(files(), wanted(first=1000, align=1, count=10, allow_low=True)).after == both((1000, 10))


def test_enough_ids_are_kept_wherever_they_are():
    found = files(b"alice:100000:70000\n", b"alice:300000:65536\n")
    plan = present(found)
    assert plan.after == plan.before == {"uid": [(100000, 70000)], "gid": [(300000, 65536)]}
    assert plan.contents == {"uid": found["uid"].data, "gid": found["gid"].data}
    assert "gids 300000-365535" in plan.warnings[0]


def test_several_lines_count_together():
    assert present(files(b"alice:100000:65535\nalice:300000:1\n")).after == both((100000, 65535), (300000, 1))


def test_a_file_without_a_line_gets_the_range_of_the_other():
    expected = both((100000, 65536))
    assert present(files(b"alice:100000:65536\n", b"")).after == expected
    assert present(files(b"", b"alice:100000:65536\n")).after == expected


def test_lines_by_uid_stay_lines_by_uid():
    plan = present(files(b"1000:100000:1\n", b""))
    assert plan.contents == {"uid": b"1000:100000:65536\n", "gid": b"alice:100000:65536\n"}
    assert plan.shown["uid"] == ("1000:100000:1\n", "1000:100000:65536\n")


def test_too_few_ids_grow_in_place():
    plan = present(files(b"alice:100000:65000\nalice:300000:10\n"))
    assert plan.after == both((100000, 65000), (300000, 536))
    assert plan.warnings == []


def test_too_few_ids_with_no_room_need_leave_to_move():
    found = files(b"alice:100000:1000\nbob:101000:10\n")
    assert "overlaps line 2 (bob:101000:10)" in refused(found) and "set allow_move" in refused(found)
    plan = present(found, wanted(allow_move=True))
    assert plan.after == both((FIRST, 65536))
    assert plan.contents["uid"] == b"alice:2000224256:65536\nbob:101000:10\n"
    assert "move from 100000-100999 to 2000224256-2000289791" in plan.warnings[0]


def test_a_present_range_that_others_have_too_is_refused_or_moved():
    found = files(b"ubuntu:100000:65536\nalice:100000:65536\n", b"ubuntu:100000:65536\nalice:100000:65536\n")
    assert "line 1 (ubuntu:100000:65536)" in refused(found)
    assert present(found, wanted(allow_move=True)).after == both((FIRST, 65536))


def test_leave_to_move_does_not_move_what_is_well():
    assert present(files(b"alice:100000:65536\n"), wanted(allow_move=True)).after == both((100000, 65536))


def test_leave_to_move_completes_a_move_that_was_cut_off_between_the_files():
    found = files(b"alice:2000224256:65536\n", b"alice:100000:65536\n")
    assert present(found, wanted(allow_move=True)).after == both((FIRST, 65536))


def test_own_containers_do_not_count_against_own_ranges():
    here = host(maps=[(100000, 65536)], gid_maps=[(100000, 65536)])
    assert present(files(b"alice:100000:65536\n"), here=here).after == both((100000, 65536))
    assert "process 7 (x)" in refused(files(), wanted([(100000, 65536)]), here)


def test_a_growth_into_ids_that_a_process_maps_is_refused():
    assert "meets ids that process 7 (x) maps" in refused(files(b"alice:100000:10\n"), here=host(maps=[(100020, 5)]))


def test_named_ranges_are_exact_and_ordered():
    wish = wanted([(300000, 1), (100000, 10)])
    plan = present(files(b"bob:1000000:1"), wish)
    assert plan.contents["uid"] == b"bob:1000000:1\nalice:300000:1\nalice:100000:10\n"
    assert "do not ascend" in plan.warnings[0]
    again = present(files(plan.contents["uid"]), wish)
    assert again.contents["uid"] == plan.contents["uid"]


def test_an_order_that_was_changed_is_a_move():
    found = files(b"alice:100000:10\nalice:300000:1\n")
    assert "alice has 100000-100009, 300000-300000 and would get 300000-300000, 100000-100009" in refused(
        found, wanted([(300000, 1), (100000, 10)])
    )


def test_one_id_for_all_and_gids_for_devpts():
    wish = wanted([(1000, 1)], [(1000, 1), (2000224257, 5)], allow_low=True, allow_accounts=True)
    plan = present(files(), wish, host(users=[1000], groups=[1000]))
    assert plan.after == {"uid": [(1000, 1)], "gid": [(1000, 1), (2000224257, 5)]}


def test_a_changed_start_needs_leave():
    found = files(b"alice:100000:65536\n")
    message = refused(found, wanted([(200000, 65536)]))
    assert "/etc/subuid: alice has 100000-165535 and would get 200000-265535" in message and "allow_move" in message
    assert present(found, wanted([(200000, 65536)], allow_move=True)).after == both((200000, 65536))
    used = present(found, wanted([(200000, 65536)], allow_move=True), host(maps=[(100000, 65536)]))
    assert any("process 7 (x) still maps" in warning for warning in used.warnings)


def test_fewer_ids_need_leave():
    assert "allow_move" in refused(files(b"alice:100000:65536\n"), wanted([(100000, 1000)]))


@pytest.mark.parametrize(
    "ranges, cause",
    [
        ([(0, 1)], "start 0, count 1 is not within"),
        ([(100000, 0)], "count 0 is not within"),
        ([(100000, -5)], "count -5"),
        ([(4294967294, 2)], "start 4294967294"),
        ([(65535, 1)], "65535 is below 65536"),
        ([(100000, 10), (100009, 1)], "overlap each other"),
        ([(199999, 2)], "overlaps line 2 (bob:200000:65536)"),
        ([(265535, 1)], "overlaps line 2"),
        ([(299999, 2)], "300000 of user u300000"),
        ([(400000, 1)], "400000 of group g400000"),
        ([(500000, 11)], "process 7 (x)"),
    ],
)
def test_bad_ranges_are_refused_with_the_cause(ranges, cause):
    here = host(users=[300000], groups=[400000], maps=[(500010, 1)])
    assert cause in refused(files(b"# c\nbob:200000:65536\n"), wanted(ranges), here)


def test_the_first_id_after_root_can_be_had():
    assert present(files(), wanted([(1, 1)], allow_low=True)).after == both((1, 1))
    assert "start 0, count 2 is not within" in refused(files(), wanted([(0, 2)], allow_low=True))


def test_the_first_of_several_is_told():
    many = b"alice:100000:1\nalice:200000:1\n1000:300000:1\n1000:400000:1\n"
    assert "line 1 gives alice a range by name and line 3 by uid 1000" in refused(files(many))
    found = files(b"alice:100000:10\nbob:100005:1\n", b"alice:100000:10\nbob:100006:1\n")
    assert "/etc/subuid" in refused(found) and "bob:100005:1" in refused(found)
    here = host()._replace(maps={"uid": [Claim(100000, 1, "process 7"), Claim(100001, 1, "process 8")], "gid": []})
    told = present(files(b"alice:100000:10\n"), wanted([(200000, 10)], allow_move=True), here).warnings
    assert any("process 7 still maps" in one for one in told) and not any("process 8" in one for one in told)


def test_long_lists_are_cut():
    spans = [(100000 + 100 * number, 1) for number in range(5, 0, -1)]
    assert "100200-100200, ... do not ascend" in present(files(), wanted(spans)).warnings[0]
    assert "100300-100300, 100200-100200 do not ascend" in present(files(), wanted(spans[:4])).warnings[0]


def test_one_missing_id_is_added():
    assert present(files(b"alice:100000:65535\n")).after == both((100000, 65536))


def test_ids_beside_others_are_fine():
    here = host(users=[300000], groups=[400000], maps=[(500010, 1)])
    ranges = [(199999, 1), (265536, 1), (299999, 1), (300001, 1), (500000, 10), (4294967294, 1), (65536, 1)]
    assert present(files(b"bob:200000:65536\n"), wanted(ranges), here).after["uid"] == ranges


def test_uids_are_checked_against_subuid_and_gids_against_subgid():
    found = files(b"bob:200000:10\n", b"bob:300000:10\n")
    assert present(found, wanted([(300000, 10)], [(200000, 10)])).after == {
        "uid": [(300000, 10)],
        "gid": [(200000, 10)],
    }
    assert "/etc/subgid, alice: 300000-300009 overlaps" in refused(found, wanted([(300000, 10)]))


def test_extents_and_page_are_limited():
    many = [(100000 + 2 * number, 1) for number in range(341)]
    assert "341 ranges are more than the 340 extents" in refused(files(), wanted(many), host(page=65536))
    assert len(present(files(), wanted(many[:340]), host(page=65536)).after["uid"]) == 340
    assert "below a page of 4096" in refused(files(), wanted(many[:340]))
    size = _subid.map_size(many[:10])
    assert "below a page" in refused(files(), wanted(many[:10]), host(page=size))
    assert present(files(), wanted(many[:10]), host(page=size + 1)).after["uid"] == many[:10]
    assert "6 ranges are more than the 5" in refused(files(), wanted(many[:6]), host(extents=5))


def test_ranges_in_reserved_areas_are_told():
    assert "reserved for systemd-nspawn" in present(files(), wanted([(600000, 10)])).warnings[0]


@pytest.mark.parametrize(
    "subuid, cause",
    [
        (b"alice:100000:65536\n1000:300000:65536\n", "line 1 gives alice a range by name and line 2 by uid 1000"),
        (b"alice:100000:65536\n\nalice:100000:65536\n", "lines 1 and 3 give alice the same ids twice"),
        (b"bob:1:1\nalice:100000:0\n", "line 2: gives alice 0 ids"),
        (b"bob:1:1\n# c\nbob:1\nx\n", "/etc/subuid, line 3: has 2 fields, not three (and 1 more malformed lines)"),
    ],
)
def test_files_that_engines_read_differently_are_refused(subuid, cause):
    assert cause in refused(files(subuid))


def test_root_and_foreign_sources_are_refused():
    assert "root" in refused(files(), owner=Owner("root", 0))
    assert "root" in refused(files(), owner=Owner("toor", 0))
    assert "subid: sss" in refused(files(), here=host(source="sss"))


def test_a_user_to_come_is_planned_by_name():
    assert present(files(), owner=Owner("alice", None)).contents["uid"] == b"alice:2000224256:65536\n"


def test_absent_removes_all_forms():
    plan = plan_absent(files(b"alice:100000:5\nbob:200000:5\n1000:300000:5\n", b""), ALICE, host())
    assert plan.contents == {"uid": b"bob:200000:5\n", "gid": b""}
    assert plan.shown["uid"] == ("alice:100000:5\n1000:300000:5\n", "")
    assert plan.after == both()


def test_absent_is_refused_while_ids_are_mapped():
    with pytest.raises(ContainmentError) as error:
        plan_absent(files(b"alice:100000:65536\n"), ALICE, host(gid_maps=[(165535, 1)]))
    assert "/etc/subgid: alice's ids 100000-165535 are mapped by process 7 (x)" in str(error.value)
    assert plan_absent(files(b"alice:100000:65536\n"), ALICE, host(maps=[(165536, 1)])).after == both()


def test_absent_knows_a_vanished_user_by_number():
    plan = plan_absent(files(b"1000:100000:5\n1001:200000:5\n"), Owner(None, 1000), host())
    assert plan.contents["uid"] == b"1001:200000:5\n"
    assert plan.shown["uid"] == ("1000:100000:5\n", "")
