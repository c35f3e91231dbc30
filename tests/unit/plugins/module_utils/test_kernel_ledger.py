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
