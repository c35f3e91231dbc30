# SPDX-License-Identifier: GPL-3.0-or-later
import pytest

from ansible_collections.containment.docker.plugins.module_utils import _json_text
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError


def parsed(data):
    return _json_text.value(_json_text.parse(data, "d.json"))


@pytest.mark.parametrize(
    "data, place, words",
    [
        (b'{"a":1,"a":2}', "line 1, column 8", "the key 'a' stands there a second time, first on line 1, column 2"),
        (
            b'{"a": {\n "b":1,\n "b":2}}',
            "line 3, column 2",
            "the key 'b' stands there a second time, first on line 2, column 2",
        ),
        (b'{"a":1,\n "\\u0061":2}', "line 2, column 2", "a second time"),
        (b'{\n  "a": 1,\n}', "line 2, column 9", "a comma after the last value"),
        (b'{"a":[1,]}', "line 1, column 8", "a comma after the last value"),
        (b'{\n\n  // off\n  "a": 1}', "line 3, column 3", "a comment"),
        (b'{"a": 1 /* off */}', "line 1, column 9", "a comment"),
        (b"# off\n{}", "line 1, column 1", "a comment"),
        (b'{"a": NaN}', "line 1, column 7", "NaN, which JSON does not have"),
        (b'{"a": Infinity}', "line 1, column 7", "Infinity, which JSON does not have"),
        (b'{"a": -Infinity}', "line 1, column 7", "-Infinity, which JSON does not have"),
        (b'{"a":True}', "line 1, column 6", "True, which JSON does not have"),
        (b'{"a":truely}', "line 1, column 6", "'truely' is no value"),
        (b"[]", "line 1, column 1", "has to be one object"),
        (b'  "x"', "line 1, column 3", "has to be one object"),
        (b"\xef\xbb\xbf{}", "line 1, column 1", "byte order mark"),
        (b"\xff\xfe{\x00}\x00", "line 1, column 1", "byte order mark"),
        (b'{\n"\xc3\xa4":"\xff"}', "line 2, column 6", "byte 0xff is not UTF-8"),
        (b"{'a':1}", "line 1, column 2", "where a key is missing"),
        (b"{\"a\":'b'}", "line 1, column 6", "a string in single quotes"),
        (b"{a:1}", "line 1, column 2", "where a key is missing"),
        (b"{,}", "line 1, column 2", "a comma without a key"),
        (b'{"a":01}', "line 1, column 6", "a malformed number"),
        (b'{"a":1.}', "line 1, column 6", "a malformed number"),
        (b'{"a":-}', "line 1, column 6", "'-' is no value"),
        (b'{"a":+1}', "line 1, column 6", "'+' is no value"),
        (b'{"a":0x1}', "line 1, column 6", "a malformed number"),
        (b'{"a":1e999}', "line 1, column 6", "beyond what a number can hold"),
        (b'{"a":' + b"9" * 301 + b"}", "line 1, column 6", "a number of 301 characters"),
        (b'{"a":"\\ud800"}', "line 1, column 7", "half a surrogate pair"),
        (b'{"a":"\\udc00\\ud800"}', "line 1, column 7", "half a surrogate pair"),
        (b'{"a":"\\udfff"}', "line 1, column 7", "half a surrogate pair"),
        (b'{"a":"\\udbff\\ue000"}', "line 1, column 7", "half a surrogate pair"),
        (b'{"a":"\\udbff\\udbff"}', "line 1, column 7", "half a surrogate pair"),
        (b'{"a":"\\x"}', "line 1, column 7", "is no escape"),
        (b'{"a":"\\u12"}', "line 1, column 7", "is no escape"),
        (b'{"a":"\t"}', "line 1, column 7", "control character 0x09"),
        (b'{"a":"b\n"}', "line 1, column 6", "without closing quote"),
        (b'{"a":"b', "line 1, column 6", "without closing quote"),
        (b'{"a":"b\\', "line 1, column 8", "is no escape"),
        (b'{"a":1}}', "line 1, column 8", "after the end of the object"),
        (b'{"a":1', "line 1, column 1", "'{' is never closed"),
        (b'{"a":[1', "line 1, column 6", "'[' is never closed"),
        (b'{"a":', "line 1, column 6", "the file ends where a value is missing"),
        (b'{"a" 1}', "line 1, column 6", "no ':' after the key 'a'"),
        (b'{"a":}', "line 1, column 6", "where a value is missing"),
        (b'{"a":1 "b":2}', "line 1, column 8", "where ',' or '}' is missing"),
        (b'{"a":[1 2]}', "line 1, column 9", "where ',' or ']' is missing"),
        (b'{"a":[1}', "line 1, column 8", "where ',' or ']' is missing"),
        (b'{"a":' + b"[" * 100, "line 1, column 105", "nested deeper than 100 levels"),
        (b'{\r\n"a":x}', "line 2, column 5", "'x' is no value"),
    ],
)
def test_malformed_text_is_refused_with_its_place(data, place, words):
    with pytest.raises(ContainmentError) as caught:
        parsed(data)
    assert caught.value.subject == f"d.json, {place}"
    assert words in caught.value.cause
    assert caught.value.mend


@pytest.mark.parametrize(
    "data, wanted",
    [
        (
            b'{"\\ud7ff": "\\ue000", "x": "\\ud800\\udc00\\udbff\\udfff"}',
            {"\ud7ff": "\ue000", "x": "\U00010000\U0010ffff"},
        ),
        (None, {}),
        (b"", {}),
        (b" \r\n\t", {}),
        (b"{}", {}),
        (b" { } \n", {}),
        (b'{"a": [true, false, null, 0, -1, 1.5, 2e3, "x"]}', {"a": [True, False, None, 0, -1, 1.5, 2000.0, "x"]}),
        (b'{"a\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e4\\ud83d\\ude00": {}}', {'a"\\/\b\f\n\r\t\u00e4\U0001f600': {}}),
        ('{"\u00e4": "\u2028"}'.encode(), {"\u00e4": "\u2028"}),
    ],
)
def test_values(data, wanted):
    assert _json_text.same(parsed(data), wanted)


def test_order_of_keys_is_the_files():
    assert list(parsed(b'{"z":1,"a":2,"m":3}')) == ["z", "a", "m"]


@pytest.mark.parametrize(
    "one, two, equal",
    [
        (1, True, False),
        (0, False, False),
        (1, 1.0, False),
        (1, 1, True),
        (None, None, True),
        (None, 0, False),
        (None, False, False),
        ("1", 1, False),
        ([1], [True], False),
        ([1, 2], [1], False),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, True),
        ({"a": 1}, {"a": True}, False),
        ({}, [], False),
        ({"a": None}, {}, False),
    ],
)
def test_same_tells_types_apart(one, two, equal):
    for pair in ((one, two), (two, one)):
        assert _json_text.same(*pair) is equal


def test_dumps():
    assert _json_text.dumps({"\u00e4": [1, True, None, "\n"]}) == '{"\u00e4": [1, true, null, "\\n"]}'
    with pytest.raises(ValueError):
        _json_text.dumps(float("nan"))
