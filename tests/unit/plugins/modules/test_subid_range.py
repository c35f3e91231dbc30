# SPDX-License-Identifier: GPL-3.0-or-later
import pytest

from ansible_collections.containment.docker.plugins.module_utils import _subid_alloc
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError
from ansible_collections.containment.docker.plugins.modules import subid_range

DEFAULTS = {
    "name": "alice",
    "state": "present",
    "start": None,
    "count": None,
    "ranges": None,
    "gid_ranges": None,
    "align": 65536,
    "search_min": 100000,
    "search_max": 600100000,
    "allow_low": False,
    "allow_accounts": False,
    "allow_move": False,
    "transaction": None,
}


def wanted(**params):
    return subid_range.wanted(dict(DEFAULTS, **params))


def test_defaults_ask_for_an_allocation():
    wish = wanted()
    assert (wish.ranges, wish.gid_ranges, wish.count, wish.align, wish.first, wish.last) == (
        None,
        None,
        65536,
        65536,
        100000,
        600100000,
    )


def test_start_and_count_name_one_range():
    assert wanted(start=200000).ranges == [(200000, 65536)]
    assert wanted(start=200000, count=7).ranges == [(200000, 7)]


def test_ranges_keep_their_order():
    wish = wanted(ranges=[{"start": 9, "count": 1}, {"start": 3, "count": 2}], gid_ranges=[{"start": 5, "count": 5}])
    assert (wish.ranges, wish.gid_ranges) == ([(9, 1), (3, 2)], [(5, 5)])


@pytest.mark.parametrize(
    "params, cause",
    [
        ({"name": ""}, "name: ''"),
        ({"name": "alice:users"}, "name: 'alice:users'"),
        ({"name": "al ice"}, "name: 'al ice'"),
        ({"name": "alice\n"}, "name: 'alice\\n'"),
        ({"name": "#alice"}, "name: '#alice'"),
        ({"name": "+alice"}, "name: '+alice'"),
        ({"name": "-alice"}, "name: '-alice'"),
        ({"name": "../alice"}, "name: '../alice'"),
        ({"name": "a\0b"}, "name: 'a\\x00b'"),
        ({"name": "mal\ud800"}, "name: 'mal\\ud800'"),
        ({"name": "\x7f"}, "name: '\\x7f'"),
        ({"count": 0}, "count: 0"),
        ({"align": 0}, "align: 0"),
        ({"search_min": 0}, "search_min, search_max: 0 to"),
        ({"search_min": 7, "search_max": 6}, "7 to 6"),
        ({"search_max": 4294967295}, "to 4294967295"),
        ({"ranges": []}, "ranges: is empty"),
        ({"ranges": [{"start": 100000, "count": 1}], "gid_ranges": []}, "gid_ranges: is empty"),
        ({"state": "absent", "start": 100000}, "start: has no meaning with state: absent"),
        ({"state": "absent", "ranges": []}, "ranges: has no meaning"),
    ],
)
def test_bad_values_are_refused_by_name(params, cause):
    with pytest.raises(ContainmentError) as error:
        wanted(**params)
    assert cause in str(error.value)


@pytest.mark.parametrize("name", ["alice", "1000", "svc-docker", "DOMAIN\\alice", "a+b", "alice$", "ä", "²", "\udce4"])
def test_names_that_users_have_are_taken(name):
    assert wanted(name=name)


def test_the_documentation_tells_the_default_area():
    for bound in (_subid_alloc.SEARCH_FIRST, _subid_alloc.SEARCH_LAST):
        assert f"default: {bound}\n" in subid_range.DOCUMENTATION
