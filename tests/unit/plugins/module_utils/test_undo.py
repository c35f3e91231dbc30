# SPDX-License-Identifier: GPL-3.0-or-later
"""Taking changes back out of files that others may have written to since."""

import pytest

from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError
from ansible_collections.containment.docker.plugins.module_utils._transaction import Entry, Recorded
from ansible_collections.containment.docker.plugins.module_utils._undo import undo, undo_all

BEFORE, AFTER = b"a:100000:65536\n", b"a:100000:65536\ndockremap:200000:65536\n"


@pytest.mark.parametrize(
    "now, then",
    [
        (AFTER, BEFORE),
        (BEFORE, BEFORE),
        (AFTER + b"b:300000:65536\n", BEFORE + b"b:300000:65536\n"),
        (b"b:300000:65536\n" + AFTER, b"b:300000:65536\n" + BEFORE),
        (b"dockremap:200000:65536\n", b""),
        (BEFORE + b"b:300000:65536", BEFORE + b"b:300000:65536\n"),
    ],
)
def test_lines_that_a_run_added(now, then):
    assert undo("subid", "/etc/subuid", BEFORE, AFTER, now) == then


def test_lines_that_a_run_took_away_come_back_to_their_place():
    assert undo("subid", "/etc/subuid", b"a\nb\nc\n", b"a\nc\n", b"a\nc\nd\n") == b"a\nb\nc\nd\n"
    assert undo("subid", "/etc/subuid", b"a\nb\nc\n", b"a\nc\n", b"") == b"b\n"
    assert undo("subid", "/etc/subuid", b"a\nb\n", b"a\n", b"b\na\n") == b"b\na\n"


def test_as_many_equal_lines_come_back_as_went():
    assert undo("subid", "/etc/subuid", b"x\nx\n", b"x\n", b"") == b"x\n"
    assert undo("subid", "/etc/subuid", b"x\nx\n", b"", b"y\n") == b"x\nx\ny\n"


def test_a_policy_is_one_thing():
    assert undo("authz_policy", "/p", b"{}", b"[]", b"[]") == b"{}"
    assert undo("authz_policy", "/p", None, b"[]", b"[]") is None
    with pytest.raises(ContainmentError, match="/p: was changed by somebody since"):
        undo("authz_policy", "/p", b"{}", b"[]", b"[]\n")


def test_a_file_that_was_not_there_goes_again():
    assert undo("subid", "/etc/subuid", None, AFTER, AFTER) is None
    assert undo("daemon_json", "/etc/docker/daemon.json", None, b"{}", b"{}") is None


def test_keys_are_taken_out_and_a_key_that_changed_again_stops_everything():
    before, after = b'{"debug": true}', b'{"debug": true, "userns-remap": "a"}'
    assert undo("daemon_json", "d", before, after, b'{"debug": false, "userns-remap": "a"}') == b'{"debug": false}'
    with pytest.raises(ContainmentError, match="userns-remap: was changed again"):
        undo("daemon_json", "d", before, after, b'{"userns-remap": "b"}')


def test_several_transactions_are_undone_newest_first():
    first = Recorded("one", "open", [Entry("f", "subid", 0o644, b"", b"a\n"), Entry("g", "subid", 0o644, None, b"x\n")])
    second = Recorded(
        "two", "open", [Entry("f", "subid", 0o644, b"a\n", b"a\nb\n"), Entry("f", "subid", 0o644, b"a\nb\n", b"b\n")]
    )
    assert undo_all([second, first], {"f": b"b\n", "g": b"x\n"}) == {"f": b"", "g": None}
    assert undo_all([second], {"f": b"b\n"}) == {"f": b"a\n"}


def test_a_range_that_somebody_was_given_since_does_not_come_back():
    moved, given = b"alice:300000:65536\n", b"alice:300000:65536\nbob:100000:65536\n"
    with pytest.raises(ContainmentError, match="100000:65536 that would come back meets 100000:65536"):
        undo("subid", "/etc/subuid", b"alice:100000:65536\n", moved, given)
    assert undo("subid", "/etc/subuid", b"alice:100000:65536\n", moved, moved + b"bob:165536:9\n") == (
        b"alice:100000:65536\nbob:165536:9\n"
    )


def test_lines_of_kernel_settings_are_sparing_too_and_an_empty_file_goes():
    before, after = None, b'{"name": "a"}\n'
    assert undo("kernel_args", "/l", before, after, after + b'{"name": "b"}\n') == b'{"name": "b"}\n'
    assert undo("kernel_sysctl", "/l", before, after + b"x\n", after) is None
    assert undo("kernel_sysctl", "/l", b"", after + b"x\n", after) == b""
