# SPDX-License-Identifier: GPL-3.0-or-later
import pytest

from ansible_collections.containment.docker.plugins.module_utils import _subid

MIXED = b"# first\n\nalice:100000:65536\n1000:300000:10\nbob\xff:200000:65536\nalice:400000:5"


def ranges(data, **where):
    return _subid.ranges_of(_subid.parse(data, "/etc/subuid"), "alice", 1000, **where)


def test_lines_keep_their_numbers_and_values():
    parsed = _subid.parse(MIXED, "/etc/subuid")
    assert parsed.malformed == []
    assert list(parsed.numbers) == [3, 4, 5, 6]
    assert list(zip(parsed.starts, parsed.counts)) == [(100000, 65536), (300000, 10), (200000, 65536), (400000, 5)]
    assert _subid.line_of(parsed, 0) == (3, "alice:100000:65536")
    assert _subid.line_of(parsed, 2) == (5, "bob\ufffd:200000:65536")
    assert _subid.line_of(parsed, 3) == (6, "alice:400000:5")


def test_no_file_and_empty_file_hold_nothing():
    for data in (None, b"", b"\n", b"# a:b\n \t\n"):
        parsed = _subid.parse(data, "/etc/subuid")
        assert (list(parsed.starts), parsed.malformed) == ([], [])


@pytest.mark.parametrize(
    "line, cause",
    [
        (b"alice", "1 fields"),
        (b"alice:100000", "2 fields"),
        (b"alice:100000:65536:", "4 fields"),
        (b":100000:65536", "no owner"),
        (b"alice::65536", "start ''"),
        (b"alice:100000:", "count ''"),
        (b"alice:0x186a0:65536", "start '0x186a0'"),
        (b"alice:0100000:65536", "start '0100000'"),
        (b"alice:-1:65536", "start '-1'"),
        (b"alice:100000: 65536", "count ' 65536'"),
        (b"alice:100000:65536 # mine", "count '65536 # mine'"),
        (b"alice:4294967295:2", "past 4294967295"),
        (b"alice:100000:99999999999", "count '99999999999'"),
    ],
)
def test_malformed_lines_are_told_by_number(line, cause):
    parsed = _subid.parse(b"bob:1000000:1\n" + line + b"\nbob:2000000:1\n", "/etc/subuid")
    ((number, fault),) = parsed.malformed
    assert number == 2
    assert cause in fault
    assert list(parsed.numbers) == [1, 3]


def test_the_last_id_of_32_bits_is_within():
    assert _subid.parse(b"containers:2147483647:2147483649\na:4294967295:1\na:0:0\n", "/etc/subuid").malformed == []


def test_white_space_around_a_line_does_not_hide_it():
    assert ranges(b" \talice:100000:65536 \r\n") == [(100000, 65536)]


@pytest.mark.parametrize(
    "version, expected",
    [
        ("20.10.24", [(100000, 65536), (400000, 5), (300000, 10)]),
        ("22.06.0", [(100000, 65536), (400000, 5), (300000, 10)]),
        ("23.0.0", [(300000, 10)]),
        ("27.5.1", [(300000, 10)]),
        ("28.0.0", [(100000, 65536), (300000, 10), (400000, 5)]),
        ("29.1.2", [(100000, 65536), (300000, 10), (400000, 5)]),
        (None, [(100000, 65536), (300000, 10), (400000, 5)]),
    ],
)
def test_order_of_lines_by_name_and_by_uid_is_that_of_the_engine(version, expected):
    assert ranges(MIXED, engine_version=version) == expected


def test_engines_of_23_take_the_name_where_no_uid_is():
    assert ranges(b"alice:100000:65536\n", engine_version="27.0.0") == [(100000, 65536)]


def test_names_are_matched_whole():
    data = b"alice2:100000:1\nmalice:200000:1\n#alice:300000:1\n10001:400000:1\nx:1000:1\n"
    assert ranges(data) == []
    assert _subid.ranges_of(_subid.parse(b"a.c:100000:1\nabc:200000:1\n", ""), "a.c", None) == [(100000, 1)]


def test_a_malformed_line_of_the_user_is_no_range():
    assert ranges(b"alice:1:2:3\nalice:100000:1\n") == [(100000, 1)]


def test_unknown_user_has_no_lines():
    assert _subid.lines_of(_subid.parse(MIXED, ""), None, None) == []
    assert [line.start for line in _subid.lines_of(_subid.parse(MIXED, ""), None, 1000)] == [300000]


def test_mapping_follows_on():
    assert _subid.mapping([(2, 1), (100001, 65535)]) == [(0, 2, 1), (1, 100001, 65535)]
    assert _subid.mapping([]) == []


def test_map_size_is_that_of_the_text():
    assert _subid.map_size([(2, 1), (100001, 65535)]) == len("0 2 1\n1 100001 65535\n")


@pytest.mark.parametrize(
    "release, limit",
    [
        ("3.10.0-1160.el7.x86_64", 5),
        ("4.14.0", 5),
        ("4.15.0-20-generic", 340),
        ("4.18.0-553.el8", 340),
        ("6.18.1", 340),
        ("10.0.0", 340),
    ],
)
def test_extent_limit(release, limit):
    assert _subid.extent_limit(release) == limit


@pytest.mark.parametrize(
    "old, new, kept",
    [
        ([], [(1, 1)], True),
        ([(100, 10)], [(100, 10)], True),
        ([(100, 10)], [(100, 11)], True),
        ([(100, 10)], [(100, 9)], False),
        ([(100, 10)], [(101, 10)], False),
        ([(100, 10)], [], False),
        ([(100, 10)], [(100, 5), (105, 5)], True),
        ([(100, 5), (105, 5)], [(100, 10), (300, 1)], True),
        ([(100, 10), (300, 1)], [(300, 1), (100, 10)], False),
        ([(100, 10), (300, 1)], [(100, 11), (300, 1)], False),
        ([(100, 10), (300, 5)], [(100, 10), (300, 6)], True),
        ([(100, 10), (300, 5)], [(100, 10), (300, 4)], False),
        ([(100, 10), (300, 5)], [(100, 10)], False),
        ([(1, 1), (100, 5), (105, 5)], [(1, 1), (100, 10)], True),
        ([(1, 1), (100, 5), (105, 5)], [(1, 1), (100, 9)], False),
    ],
)
def test_keeps_tells_whether_no_container_id_changes_its_meaning(old, new, kept):
    assert _subid.keeps(old, new) is kept


def test_rendering_what_is_there_gives_the_same_bytes():
    parsed = _subid.parse(MIXED, "")
    lines = _subid.lines_of(parsed, "alice", 1000)
    assert _subid.render(parsed, lines, "alice", [(100000, 65536), (300000, 10), (400000, 5)]) == MIXED


@pytest.mark.parametrize(
    "before, after",
    [
        (b"", b"alice:7:8\nalice:9:1\n"),
        (b"# x\nbob:1:1", b"# x\nbob:1:1\nalice:7:8\nalice:9:1\n"),
        (b"a:1:1\nalice:2:2\n\xff\r\nb:3:3\nalice:4:4", b"a:1:1\nalice:7:8\nalice:9:1\n\xff\r\nb:3:3\n"),
        (b"alice:2:2\n", b"alice:7:8\nalice:9:1\n"),
    ],
)
def test_new_lines_take_the_place_of_the_old_ones(before, after):
    parsed = _subid.parse(before, "")
    assert _subid.render(parsed, _subid.lines_of(parsed, "alice", None), "alice", [(7, 8), (9, 1)]) == after


def test_removing_leaves_every_other_byte():
    parsed = _subid.parse(b"\nbob:1:1\n alice:2:2 \n1000:3:3\n# end", "")
    assert _subid.render(parsed, _subid.lines_of(parsed, "alice", 1000), "alice", []) == b"\nbob:1:1\n# end"


@pytest.mark.parametrize(
    "text, source",
    [
        (None, "files"),
        (b"passwd: files sss\n", "files"),
        (b"subid: files sss\n", "files"),
        (b"#subid: sss\nSubid:\tsss\n", "sss"),
        (b"subid:\nsubid: ldap files\n", "ldap"),
        (b"subid: # nothing\n", "files"),
        (b"subid:sss", "sss"),
    ],
)
def test_subid_source(text, source):
    assert _subid.subid_source(text) == source


@pytest.mark.parametrize(
    "text, answer",
    [
        ("0", True),
        ("007", True),
        ("9" * 20, True),
        ("9" * 21, False),
        ("", False),
        ("-1", False),
        ("1\n", False),
        ("1 ", False),
        ("1a", False),
        ("\u00b2", False),
        ("\u0661", False),
    ],
)
def test_is_number(text, answer):
    assert _subid.is_number(text) is answer
