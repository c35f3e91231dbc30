# SPDX-License-Identifier: GPL-3.0-or-later
import json

import pytest

from ansible_collections.containment.docker.plugins.module_utils import _kernel_ledger as ledger
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

Line = ledger.Line


def data(*lines):
    return ledger.render({line.name: line for line in lines})


def test_one_object_a_line_sorted_by_name():
    found = data(Line("b", "b", [None], []), Line("a_c", "a-c", [], ["1"]))
    assert found == (
        b'{"is": ["1"], "name": "a_c", "spelled": "a-c", "was": []}\n'
        b'{"is": [], "name": "b", "spelled": "b", "was": [null]}\n'
    )
    assert list(ledger.parse(found).values()) == [Line("a_c", "a-c", [], ["1"]), Line("b", "b", [None], [])]
    assert ledger.render({}) is None and ledger.parse(None) == {}


def test_what_was_first_stays_and_what_is_back_goes():
    first = ledger.update(None, [Line("a", "a", [], ["1"]), Line("b", "b", ["x"], [])])
    second = ledger.update(first, [Line("a", "A", ["1"], ["2"]), Line("c", "c", ["1"], ["1"])])
    assert ledger.parse(second)["a"] == Line("a", "a", [], ["2"]) and "c" not in ledger.parse(second)
    third = ledger.update(second, [Line("a", "a", ["2"], []), Line("b", "b", [], ["x"])])
    assert third is None
    assert ledger.update(first, []) == first


def test_the_way_back():
    before = data(
        Line("a", "a", [], ["1"]),
        Line("cloud_init", "cloud-init", ["disabled"], []),
        Line("console", "console", ["tty0", "tty1"], ["ttyS0"]),
        Line("d", "d", ["x y"], ["1"]),
        Line("kept", "kept", ["0"], ["1"]),
        Line("quiet", "quiet", [None], []),
    )
    after = data(Line("kept", "kept", ["0"], ["2"]), Line("old", "old", ["1"], []))
    assert ledger.inverse(before, after) == {
        "present": ["cloud-init=disabled", "console=tty0", "console=tty1", 'd="x y"', "kept=2", "quiet"],
        "absent": ["a", "old"],
    }
    assert ledger.inverse(None, None) == {"present": [], "absent": []}
    assert ledger.inverse(None, data(Line("a", "a", [], ["1"]))) == {"present": ["a=1"], "absent": []}


def test_the_way_back_names_what_else_would_not_go():
    before = data(Line("rd.x", "rd.x", ["a", "b"], ["b", "c", "d"]), Line("ip", "ip", [], ["x"]))
    assert ledger.inverse(before, None) == {"present": ["rd.x=a", "rd.x=b"], "absent": ["ip", "rd.x=c", "rd.x=d"]}
    after = data(Line("rd.x", "rd.x", ["a"], ["a", "b"]))
    assert ledger.inverse(before, after) == {"present": ["rd.x=a", "rd.x=b"], "absent": ["ip", "rd.x=c", "rd.x=d"]}
    # Back to what was noted, the name had left the ledger.
    assert ledger.inverse(None, after) == {"present": ["rd.x=a", "rd.x=b"], "absent": []}


def test_the_way_back_has_sizes_of_pages_in_front_of_their_numbers():
    before = data(
        Line("hugepages", "hugepages", ["4", "9"], []),
        Line("hugepagesz", "hugepagesz", ["1G", "2M"], []),
        Line("z", "z", ["1"], []),
    )
    assert (
        " ".join(ledger.inverse(before, None)["present"]) == "z=1 hugepagesz=1G hugepages=4 hugepagesz=2M hugepages=9"
    )


@pytest.mark.parametrize(
    "line",
    [
        "nonsense",
        "[]",
        '{"name": "a"}',
        '{"name": "a", "spelled": "a", "was": [1], "is": []}',
        '{"name": "a", "spelled": "a", "was": null, "is": []}',
        '{"name": "a", "spelled": "b", "was": [], "is": []}',
        '{"name": "a-b", "spelled": "a-b", "was": [], "is": []}',
        '{"name": 1, "spelled": "a", "was": [], "is": []}',
        '{"name": "a", "spelled": 1, "was": [], "is": []}',
    ],
)
def test_a_foreign_file_is_refused_with_the_line(line):
    good = json.dumps({"name": "z", "spelled": "z", "was": [], "is": ["1"]})
    with pytest.raises(ContainmentError) as refused:
        ledger.parse((good + "\n" + line + "\n").encode())
    assert "/var/lib/containment/kernel_args.json, line 2" in str(refused.value)


def test_bytes_that_are_no_text_and_a_name_twice_are_refused():
    with pytest.raises(ContainmentError, match="line 1: is not the JSON"):
        ledger.parse(b"\xff\n")
    one = data(Line("a", "a", [], ["1"]))
    with pytest.raises(ContainmentError, match="line 2"):
        ledger.parse(one + one)


@pytest.mark.parametrize(
    "before, after, words, pending",
    [
        (None, None, "a=1", []),
        (None, [Line("a", "a", [], ["1"])], "quiet", ["a=1"]),
        (None, [Line("a", "a", [], ["1"])], "quiet a=1", []),
        (None, [Line("a_b", "a-b", [], ["1", None])], "a_b=1", ["a-b=1", "a-b"]),
        (None, [Line("a_b", "a-b", [], ["1", None])], "a_b=1 quiet a-b", []),
        (None, [Line("a", "a", [], ["1"])], "quiet -- a=1", ["a=1"]),
        (None, [Line("a", "a", ["1"], [])], "a=1", []),
        ([Line("a", "a", [], ["1"])], [Line("a", "a", [], ["1"])], "quiet", []),
        ([Line("a", "a", [], ["1"])], [Line("a", "a", [], ["2"])], "a=1", ["a=2"]),
        ([Line("a", "a", [], ["1"])], None, "a=1", []),
        (None, [Line("a", "a", [], ["1"]), Line("b", "b", [], ["2"])], "b=2", ["a=1"]),
    ],
)
def test_what_a_change_stands_for_and_the_kernel_does_not_have(before, after, words, pending):
    old, new = (None if lines is None else data(*lines) for lines in (before, after))
    assert ledger.pending(old, new, words.split()) == pending
