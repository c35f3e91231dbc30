# SPDX-License-Identifier: GPL-3.0-or-later
import pytest

from ansible_collections.containment.docker.plugins.module_utils import _json_edit, _json_text


def edited(data, after):
    return _json_edit.render(_json_text.parse(data, "d.json"), after)


@pytest.mark.parametrize(
    "data, after, wanted",
    [
        # nothing to do: not a byte is touched, odd layout included
        (b'{ "a" :1 ,\n\n\t"b":[ 1,2 ]}\r\n', {"b": [1, 2], "a": 1}, b'{ "a" :1 ,\n\n\t"b":[ 1,2 ]}\r\n'),
        (b"\n", {}, b"\n"),
        # a new file
        (None, {"a": 1}, b'{\n  "a": 1\n}\n'),
        (
            b"",
            {"a": {"b": [1, 2], "c": {}, "d": []}},
            b'{\n  "a": {\n    "b": [\n      1,\n      2\n    ],\n    "c": {},\n    "d": []\n  }\n}\n',
        ),
        (b"{}", {"a": 1}, b'{\n  "a": 1\n}'),
        (b"{ }\n", {"a": 1}, b'{\n  "a": 1\n}\n'),
        # keys are added last, laid out as the others
        (b'{"a": 1}', {"a": 1, "b": [1, 2]}, b'{"a": 1, "b": [1, 2]}'),
        (b'{"a":1}', {"a": 1, "b": [1, 2]}, b'{"a":1,"b":[1,2]}'),
        (b'{"a":1,   "b":2}', {"a": 1, "b": 2, "c": 3}, b'{"a":1,   "b":2,   "c":3}'),
        (b'{\n\t"a" : 1\n}', {"a": 1, "b": {"c": 1}}, b'{\n\t"a" : 1,\n\t"b" : {\n\t\t"c" : 1\n\t}\n}'),
        (
            b'{\r\n    "a": 1\r\n}\r\n',
            {"a": 1, "b": [1]},
            b'{\r\n    "a": 1,\r\n    "b": [\r\n        1\r\n    ]\r\n}\r\n',
        ),
        (b'{\n  "a": 1,\n\n  "b": 2\n}', {"a": 1, "b": 2, "c": 3}, b'{\n  "a": 1,\n\n  "b": 2,\n  "c": 3\n}'),
        (b'{\n  "a": 1\n  , "b": 2\n}', {"a": 1, "b": 2, "c": 3}, b'{\n  "a": 1\n  , "b": 2, "c": 3\n}'),
        (b'{"a":1, "b" : 2}', {"a": 1, "b": 2, "c": [3]}, b'{"a":1, "b" : 2, "c" : [3]}'),
        (b'{\n "a":1,\n   "b":2\n}', {"a": 1, "b": 2, "c": 3}, b'{\n "a":1,\n   "b":2,\n   "c":3\n}'),
        (b'{ "a":1,\n"b":2}', {"c": 3}, b'{ "c":3}'),
        (b'{\n"a": 1 }', {"a": 1, "b": {"c": 2}}, b'{\n"a": 1,\n"b": {\n"c": 2\n} }'),
        # values are replaced where they stand
        (b'{ "a" : 1 , "b" :2 }', {"a": "x", "b": 2}, b'{ "a" : "x" , "b" :2 }'),
        (b'{\n  "a": [1, 2]\n}', {"a": [3]}, b'{\n  "a": [3]\n}'),
        (b'{\n  "a": [\n    1\n  ]\n}', {"a": [3, 4]}, b'{\n  "a": [\n    3,\n    4\n  ]\n}'),
        (b'{\n  "a": []\n}', {"a": [3]}, b'{\n  "a": [\n    3\n  ]\n}'),
        (b'{\n  "a": 1\n}', {"a": {"b": 2}}, b'{\n  "a": {\n    "b": 2\n  }\n}'),
        # objects are edited inside
        (
            b'{\n  "a": {"x": 1, "y" :2},\n  "b": 1\n}',
            {"a": {"x": 3, "y": 2, "z": 4}, "b": 1},
            b'{\n  "a": {"x": 3, "y" :2, "z" :4},\n  "b": 1\n}',
        ),
        (b'{\n  "a": {\n    "x": 1\n  }\n}', {"a": {"x": 1, "y": 2}}, b'{\n  "a": {\n    "x": 1,\n    "y": 2\n  }\n}'),
        (b'{\n  "a": {}\n}', {"a": {"x": 1}}, b'{\n  "a": {\n    "x": 1\n  }\n}'),
        (b'{\n  "a": {\n    "x": 1\n  }\n}', {"a": {}}, b'{\n  "a": {}\n}'),
        # keys are taken out
        (b'{\n    "a": 1,\n    "b": 2\n}\n', {"b": 2}, b'{\n    "b": 2\n}\n'),
        (b'{\n    "a": 1,\n    "b": 2\n}\n', {"a": 1}, b'{\n    "a": 1\n}\n'),
        (b'{"a": 1, "b": 2, "c": 3}', {"a": 1, "c": 3}, b'{"a": 1, "c": 3}'),
        (b'{"a": 1, "b": 2, "c": 3}', {"b": 2}, b'{"b": 2}'),
        (b'{\n  "a": 1\n}\n', {}, b"{}\n"),
        (b'{\n  "a": 1\n}\n', {"b": 2, "c": 3}, b'{\n  "b": 2,\n  "c": 3\n}\n'),
        # true is not 1
        (b'{"a": 1}', {"a": True}, b'{"a": true}'),
        # names with quotes in them
        (b'{"a\\"": 1}', {'a"': 1, "\u00e4": "\u00e4"}, '{"a\\"": 1, "\u00e4": "\u00e4"}'.encode()),
    ],
)
def test_render(data, after, wanted):
    assert edited(data, after) == wanted
    assert edited(wanted, after) == wanted
