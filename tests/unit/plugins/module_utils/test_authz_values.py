# SPDX-License-Identifier: GPL-3.0-or-later
"""Fields of a body are those of a table, and their values are of its kinds."""

import pytest

from ansible_collections.containment.docker.plugins.module_utils import _authz_fields
from ansible_collections.containment.docker.plugins.module_utils import _authz_values as core
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

_GOOD = {
    "text": ["", "a"],
    "flag": [True, False],
    "number": [0, -1, 2**63],
    "numbers": [[], [0, 0]],
    "texts": [[], ["a", ""]],
    "words": ["", "a b", [], ["a", "b"]],
    "map": [{}, {"a": ""}],
    "set": [{}, {"80/tcp": {}, "81/tcp": None}],
    "absent": ["", 0, False, [], {}],
}
_BAD = {
    "text": [1, True, ["a"], {}],
    "flag": [0, 1, "true", "", []],
    "number": [True, 1.0, "1", [1]],
    "numbers": [1, [True], ["1"], [1.5], {}, [None]],
    "texts": ["a", [1], [None], [["a"]], {"a": "b"}],
    "words": [1, [1], {"a": "b"}, True],
    "map": [[], "a", {"a": 1}, {"a": None}, {"a": {}}],
    "set": [[], "a", {"a": {"b": 1}}, {"a": []}, {"a": ""}, {"a": False}],
    "absent": ["a", 1, -1, True, [None], {"a": None}, 1.5, " "],
}


def test_kinds_are_those_tried():
    assert set(core.KINDS) == set(_GOOD) == set(_BAD)


@pytest.mark.parametrize("kind, value", [(kind, value) for kind, values in _GOOD.items() for value in values + [None]])
def test_values_of_a_kind(kind, value):
    core.check({"Key": kind}, {"Key": value}, {})


@pytest.mark.parametrize("kind, value", [(kind, value) for kind, values in _BAD.items() for value in values])
def test_values_of_another_kind_are_refused(kind, value):
    with pytest.raises(ContainmentError) as caught:
        core.check({"Key": kind}, {"Key": value}, {})
    assert caught.value.subject == "Key"


@pytest.mark.parametrize(
    "fields, value, subject, words",
    [
        ({"A": "text"}, [], "body", "is no object"),
        ({"A": "text"}, {"a": "b"}, "a", "is a field that this policy does not know"),
        ({"A": "text"}, {"a": None}, "a", "is a field that this policy does not know"),
        ({"A": "text"}, {"": "b"}, "", "is a field that this policy does not know"),
        ({"A": "text"}, {"\x1b[2J": "b"}, "\\u001b[2J", "does not know"),
        ({"A": {"B": "text"}}, {"A": {"b": "c"}}, "A.b", "does not know"),
        ({"A": {"B": "text"}}, {"A": {"B": 1}}, "A.B", "is not a text"),
        ({"A": {"B": "text"}}, {"A": "b"}, "A", "is no object"),
        ({"A": {"B": "text"}}, {"A": []}, "A", "is no object"),
        ({"A": [{"B": "text"}]}, {"A": {"B": "c"}}, "A", "is no list"),
        ({"A": [{"B": "text"}]}, {"A": ["c"]}, "A", "is no object"),
        ({"A": [{"B": "text"}]}, {"A": [None]}, "A", "is no object"),
        ({"A": [{"B": "text"}]}, {"A": [{"B": "c"}, {"C": "d"}]}, "A.C", "does not know"),
        ({"A": {"*": {"B": "text"}}}, {"A": []}, "A", "is no object"),
        ({"A": {"*": {"B": "text"}}}, {"A": {"x": []}}, "A.x", "is no object"),
        ({"A": {"*": {"B": "text"}}}, {"A": {"x": {"b": 1}}}, "A.x.b", "does not know"),
    ],
)
def test_other_shapes_are_refused(fields, value, subject, words):
    with pytest.raises(ContainmentError) as caught:
        core.check(fields, value, {})
    assert caught.value.subject == subject
    assert words in str(caught.value)


@pytest.mark.parametrize(
    "fields, value",
    [
        ({"A": {"B": "text"}}, {"A": {}}),
        ({"A": {"B": "text"}}, {"A": {"B": None}}),
        ({"A": [{"B": "text"}]}, {"A": []}),
        ({"A": [{"B": "text"}]}, {"A": [{}, {"B": "c"}]}),
        ({"A": {"*": {"B": "text"}}}, {"A": {"x": None, "y": {}, "*": {"B": "c"}}}),
        ({"A": "text"}, {}),
    ],
)
def test_shapes_of_a_table(fields, value):
    core.check(fields, value, {})


def test_how_many_fields_and_objects_there_may_be():
    many = {f"x{number}": None for number in range(core.MAX_PARTS)}
    core.check({"A": "text"}, many, {})
    core.check({"A": [{"B": "text"}]}, {"A": [{}] * core.MAX_PARTS}, {})
    for fields, value, words in (
        ({"A": "text"}, dict(many, A="b"), "body: has 1001 fields; keep to 1000"),
        ({"A": {"B": "text"}}, {"A": dict(many, B="b")}, "A: has 1001 fields"),
        ({"A": [{"B": "text"}]}, {"A": [{}] * (core.MAX_PARTS + 1)}, "A: has 1001 of them; keep to 1000"),
    ):
        with pytest.raises(ContainmentError) as caught:
            core.check(fields, value, {})
        assert words in str(caught.value)


def test_other_spellings_of_null_are_found_among_many_fields():
    many = {f"x{number}": None for number in range(core.MAX_PARTS - 1)}
    for key in ("a\u017f", "AS", "aS"):
        with pytest.raises(ContainmentError, match="is a field that this policy does not know"):
            core.check({"As": "text"}, dict(many, **{key: None}), {})


def test_rules_are_called_with_what_is_there():
    called = []
    rules = {"A": called.append, "B.C": called.append}
    fields = {"A": "rule", "B": {"C": "rule"}}
    core.check(fields, {"A": False, "B": {"C": [1]}}, rules)
    core.check(fields, {"A": None, "B": {"C": None}}, rules)
    assert called == [False, [1]]


def test_texts_of_a_request_are_shown_plainly():
    assert core.shown("a b") == "a b"
    assert core.shown("a\nb\x7f\u202e") == "a\\u000ab\\u007f\\u202e"
    assert core.shown("a" * 121) == "a" * 120 + "..."


def test_the_tables_have_kinds_that_are_known():
    def kinds(fields):
        for kind in fields.values():
            inner = kind[0] if isinstance(kind, list) else kind
            if isinstance(inner, dict):
                yield from kinds(inner)
            else:
                yield inner

    tables = ["CREATE", "COMMIT", "UPDATE", "EXEC", "VOLUME", "NETWORK", "CONNECT", "MOUNT"]
    found = {kind for name in tables for kind in kinds(getattr(_authz_fields, name))}
    assert found <= set(core.KINDS) | {"rule"}
