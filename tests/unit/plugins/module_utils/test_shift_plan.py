# SPDX-License-Identifier: GPL-3.0-or-later
import pytest

from ansible_collections.containment.docker.plugins.module_utils import _shift_map, _shift_plan
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError
from ansible_collections.containment.docker.plugins.module_utils._subid_plan import Claim

BASE = 2000224256
USER = {"uid": [(0, BASE, 65536)], "gid": [(0, BASE + 65536, 65536)]}
SORTS = ("foreign", "unmapped", "mounts", "links", "locked", "privileged", "vanished", "errors")


def extents(*given):
    keys = ("container_start", "host_start", "count")
    return [dict(zip(keys, one)) for one in given]


def side(user=None, uid=None, gid=None, owner=None):
    mapping = None if uid is None else {"uid": uid, "gid": uid if gid is None else gid}
    return {"user": user, "mapping": mapping, "owner": owner}


def shifts(source=None, target=None):
    return _shift_plan.shifts(source, target, {"dockremap": USER}.__getitem__)


def tree(**told):
    result = {"path": "/srv/data", "inodes": 9, "changed": 3, "dropped": 0, "examples": [["/srv/data/x", "0:0", "5:5"]]}
    result.update({sort: {"count": 0, "first": []} for sort in SORTS})
    result.update({sort: {"count": count, "first": first} for sort, (count, first) in told.items()})
    return result


def test_a_user_a_mapping_or_the_hosts_own_ids():
    found = shifts(target=side("dockremap"))
    assert (found["uid"].new(5), found["gid"].new(5)) == (BASE + 5, BASE + 65541)
    found = shifts(side("dockremap"))
    assert (found["uid"].new(BASE + 5), found["gid"].new(BASE + 65541)) == (5, 5)
    found = shifts(side("dockremap"), side(uid=extents((0, 7000000, 10)), gid=extents((5, 8000000, 1))))
    assert (found["uid"].new(BASE + 9), found["uid"].new(BASE + 10)) == (7000009, BASE + 10)
    assert (found["gid"].new(BASE + 65541), found["gid"].new(BASE + 65542)) == (8000000, BASE + 65542)


def test_a_mapping_as_an_option_names_every_number():
    for kind in _shift_map.KINDS:
        option = _shift_plan.MAPPING["options"][kind]
        assert option["required"] and all(number["required"] for number in option["options"].values())
        assert set(option["options"]) == {"container_start", "host_start", "count"}


def test_one_owner():
    shifts(target=side(owner={"uid": 4294967294, "gid": 0}))
    found = shifts(target=side(owner={"uid": 7, "gid": 8}))
    assert (found["uid"].new(4000000000), found["gid"].new(0)) == (7, 8)
    found = shifts(side("dockremap"), side(owner={"uid": 7, "gid": 8}))
    assert (found["uid"].new(0), found["uid"].new(BASE)) == (0, 7)


@pytest.mark.parametrize(
    "source, target, words",
    [
        (side(), None, "source: names no ids; give source.user or source.mapping, or leave source out"),
        (None, side(), "target: names no ids"),
        (None, side(uid=extents((0, -5, 1))), "target.mapping.uid: the extent 0:-5:1"),
        (side(uid=extents((0, 5, 1)), gid=[]), None, "source.mapping.gid: has 0 extents"),
        (None, side(owner={"uid": 0, "gid": 4294967295}), "target.owner.gid: 4294967295 is no id"),
        (None, side(owner={"uid": -1, "gid": 0}), "target.owner.uid: -1 is no id"),
    ],
)
def test_bad_options_are_refused(source, target, words):
    with pytest.raises(ContainmentError, match=words):
        shifts(source, target)


def low():
    return shifts(target=side(uid=extents((0, 2, 1), (1, BASE + 1, 65535))))


def test_a_scratch_range_only_where_it_is_needed():
    nobody = {kind: [] for kind in _shift_map.KINDS}
    assert _shift_plan.scratch(shifts(target=side("dockremap")), 5, None) is None
    assert _shift_plan.scratch(low(), 2100000000, lambda: nobody) == {"uid": 2100000000, "gid": 2100000000}
    with pytest.raises(ContainmentError, match="uid 0 becomes 2, and 2 becomes 2000224258"):
        _shift_plan.scratch(low(), None, None)
    gids = shifts(target=side(uid=extents((0, BASE, 9)), gid=extents((0, 2, 1), (1, BASE + 1, 9))))
    with pytest.raises(ContainmentError, match="gid 0 becomes 2"):
        _shift_plan.scratch(gids, None, None)


@pytest.mark.parametrize(
    "start, words",
    [
        (65535, "65535 and 65536 ids from there are not within 65536-4294967294"),
        (4294901760, "are not within"),
        (BASE + 65535, "the 65536 uids from 2000289791 meet ids of source or target"),
        (2100000000 - 65535, "the 65536 gids from 2099934465 meet those of line 3 of /etc/subgid"),
    ],
)
def test_a_scratch_range_that_is_not_free_is_refused(start, words):
    claims = {"uid": [], "gid": [Claim(5, 1, "user x"), Claim(2100000000, 1, "line 3 of /etc/subgid")]}
    with pytest.raises(ContainmentError, match=words):
        _shift_plan.scratch(low(), start, lambda: claims)
    assert _shift_plan.scratch(low(), 4294901759, lambda: claims)
    assert _shift_plan.scratch(low(), 65536, lambda: claims)


def test_a_request_has_one_name_on_every_host():
    name = _shift_plan.digest(shifts(target=side("dockremap")), [True, False])
    assert name == _shift_plan.digest(shifts(target=side("dockremap")), [True, False]) == "4d8b18d38277df19"
    assert name != _shift_plan.digest(shifts(target=side("dockremap")), [False, False])
    assert name != _shift_plan.digest(shifts(side("dockremap")), [True, False])


def test_the_difference_shows_the_first_inodes_and_how_many_more():
    assert _shift_plan.diff(tree()) == {
        "before_header": "/srv/data (3 of 9 inodes)",
        "after_header": "/srv/data (3 of 9 inodes)",
        "before": "/srv/data/x 0:0\nand 2 more\n",
        "after": "/srv/data/x 5:5\nand 2 more\n",
    }
    assert _shift_plan.diff(dict(tree(), changed=2))["after"] == "/srv/data/x 5:5\nand 1 more\n"
    assert _shift_plan.diff(dict(tree(), changed=1))["after"] == "/srv/data/x 5:5\n"


def test_what_is_warned_of():
    assert _shift_plan.warnings(tree(foreign=(5, ["x"]), mounts=(1, ["y"]))) == []
    assert _shift_plan.warnings(tree(locked=(5, ["a", "b", "c", "d"]))) == [
        "/srv/data: 5 inodes (a, b, c and 2 more) are immutable or append-only and stay as they are; "
        "set clear_flags: true to shift them."
    ]
    assert len(_shift_plan.warnings(tree(locked=(1, ["a"]), links=(1, ["b"]), vanished=(1, ["c"])))) == 3
    (warning,) = _shift_plan.warnings(dict(tree(), dropped=2))
    assert warning.startswith("/srv/data: 2 inodes get their new owners without setuid and setgid bits")


def test_what_makes_a_run_fail():
    assert _shift_plan.failures(tree(locked=(5, []))) == []
    told = _shift_plan.failures(tree(privileged=(1, ["a"]), errors=(4, ["b: x", "c: y", "d: z", "e: w"])))
    assert "1 inodes (a) have setuid" in told[0] and "say in privileges" in told[0]
    assert told[1] == ("/srv/data: 4 inodes could not be shifted: b: x, c: y, d: z; mend the cause and run again.")
