# SPDX-License-Identifier: GPL-3.0-or-later
"""The ledger of volumes: what it keeps, and what an undo of it asks for."""

import pytest

from ansible_collections.containment.docker.plugins.module_utils import _volume_ledger as ledger
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

A = {kind: [(0, 100000, 65536)] for kind in ("uid", "gid")}
B = {"uid": [(0, 300000, 1000), (1000, 400000, 64536)], "gid": [(0, 500000, 65536)]}


def shifted(path, mapping, was=None):
    return ledger.Entry(path, path, ledger.SHIFT, mapping, was)


def mounted(path, mapping, source=None):
    return ledger.Entry(path, source or path, ledger.IDMAP, mapping, None)


def lines(*entries):
    return ledger.render({entry.path: entry for entry in entries})


def test_what_is_written_is_read_again():
    entries = [shifted("/b", A, B), mounted("/a\udcff", B, "/c"), shifted("/c d", B)]
    data = lines(*entries)
    assert list(ledger.parse(data).values()) == sorted(entries)
    assert data.decode("ascii") and data.endswith(b"}\n") and data.count(b"\n") == 3
    assert lines(mounted("/a", A, "/b")) == (
        b'{"mapping": {"gid": [[0, 100000, 65536]], "uid": [[0, 100000, 65536]]}, "method": "idmap", "path": "/a", '
        b'"source": "/b", "was": null}\n'
    )
    assert ledger.parse(None) == {} and ledger.render({}) is None
    told = ledger.told(data)
    assert [one["path"] for one in told] == ["/a\udcff", "/b", "/c d"]
    assert told[1] == {"path": "/b", "source": "/b", "method": "shift", "mapping": A, "was": B}


@pytest.mark.parametrize(
    "line",
    [
        b"{",
        b"[]",
        b'{"path": "/a"}',
        lines(shifted("/a", A)).replace(b"shift", b"copy").strip(),
        lines(shifted("/a", A)).replace(b"65536", b'"many"').strip(),
        lines(shifted("/b", A)).strip(),
        b"\xff",
    ],
)
def test_what_is_no_ledger_is_told_with_its_line(line):
    with pytest.raises(ContainmentError, match="line 2: is not the JSON this collection writes"):
        ledger.parse(lines(shifted("/b", A)) + line + b"\n")


def test_an_entry_takes_the_place_of_another_and_none_forgets_it():
    data = ledger.update(None, {"/a": shifted("/a", A), "/b": mounted("/b", A)})
    data = ledger.update(data, {"/a": shifted("/a", B, A), "/b": None})
    assert list(ledger.parse(data).values()) == [shifted("/a", B, A)]
    assert ledger.update(data, {"/a": None}) is None


def test_a_shift_that_is_gone_on_with_keeps_what_was_before_it():
    data = lines(shifted("/a", B, A))
    assert ledger.update(data, {"/a": shifted("/a", B)}) == data
    assert ledger.update(data, {"/a": mounted("/a", B)}) == lines(mounted("/a", B))
    assert ledger.update(data, {"/a": shifted("/a", A)}) == lines(shifted("/a", A))


def side(mapping):
    return {"mapping": ledger.option(mapping)}


def test_an_undo_of_a_first_run_unmounts_and_shifts_back_trees_of_one_kind_at_once():
    before = lines(mounted("/m", A, "/s"), shifted("/x", A), shifted("/y", A), shifted("/z", B))
    assert ledger.inverse(before, None) == {
        "unmount": [{"source": "/s", "path": "/m"}],
        "shift": [
            {"paths": ["/x", "/y"], "source": side(A), "target": None},
            {"paths": ["/z"], "source": side(B), "target": None},
        ],
        "mount": [],
    }
    for one in (mounted("/m", A), shifted("/x", A)):
        assert sum(len(items) for items in ledger.inverse(lines(one), None).values()) == 1
        assert sum(len(items) for items in ledger.inverse(None, lines(one)).values()) == 1
    assert ledger.inverse(before, before) == {} and ledger.inverse(None, None) == {}


def test_an_undo_of_a_move_goes_from_mapping_to_mapping():
    found = ledger.inverse(lines(mounted("/m", B), shifted("/x", B, A)), lines(mounted("/m", A), shifted("/x", A)))
    assert found == {
        "unmount": [],
        "shift": [{"paths": ["/x"], "source": side(B), "target": side(A)}],
        "mount": [{"source": "/m", "path": "/m", "mapping": ledger.option(A)}],
    }


def test_an_undo_that_is_taken_back_does_it_all_again():
    after = lines(mounted("/m", A), shifted("/x", A))
    found = ledger.inverse(None, after)
    assert found["shift"] == [{"paths": ["/x"], "source": None, "target": side(A)}]
    assert found["mount"] == [{"source": "/m", "path": "/m", "mapping": ledger.option(A)}] and not found["unmount"]


def test_a_tree_that_changes_its_method_is_unmounted_before_it_is_shifted():
    found = ledger.inverse(lines(mounted("/m", A)), lines(shifted("/m", A)))
    assert found["unmount"] == [{"source": "/m", "path": "/m"}] and found["mount"] == []
    assert found["shift"] == [{"paths": ["/m"], "source": None, "target": side(A)}]


def test_a_mapping_as_an_option():
    assert ledger.option(A)["gid"] == [{"container_start": 0, "host_start": 100000, "count": 65536}]
    assert ledger.side(None) is None
