# SPDX-License-Identifier: GPL-3.0-or-later
"""Bodies that an engine could read otherwise than their policy are refused."""

import json

import pytest

from ansible_collections.containment.docker.plugins.module_utils import _authz_json as core
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError


@pytest.mark.parametrize(
    "data, value",
    [
        (b"", {}),
        (b"{}", {}),
        (b"null\n", {}),
        (b'{"Volumes": {"/Data": {}, "/data": {}}, "MaxFailureRatio": 1e-07}', None),
        (b' \n{"Image": "nginx", "HostConfig": {"Binds": null, "Memory": -5}}\r\n', None),
        (b'{"a": {"b": 1}, "c": {"b": 1, "B ": 2}}', None),
        (b'{"a": "\\ud83d\\ude00", "b": "\\u00e9"}', None),
        ('{"a": "\U0001f600"}'.encode(), None),
        (b'{"a": 18446744073709551615, "b": -9223372036854775808}', None),
    ],
)
def test_what_clients_send(data, value):
    assert core.parse(data) == (json.loads(data.decode()) if value is None else value)


@pytest.mark.parametrize(
    "data, words",
    [
        (b'{"b": 1, "a": 1, "a": 1}', "has the key 'a' twice; give it once"),
        ('{"a": {"\u212a": 1, "\u212a": 1}}'.encode(), "has the key '\\u212a' twice"),
        (b'{"' + b"a" * 99 + b'": 1, "' + b"a" * 99 + b'": 1}', "has the key '" + "a" * 59 + " twice"),
        (b'{"a": 1} {"a": 2}', "is no JSON (Extra data at 9)"),
        (b'{"a": 1}x', "is no JSON"),
        (b'{"a": 1,}', "is no JSON"),
        (b"{'a': 1}", "is no JSON"),
        (b'{"a": 01}', "is no JSON"),
        (b'{"a": "\n"}', "is no JSON"),
        (b'{"a": 1} // b', "is no JSON"),
        (b"[]", "is no object"),
        (b'"a"', "is no object"),
        (b" ", "is no JSON"),
        (b"\x00", "is no JSON"),
        (b"\xef\xbb\xbf{}", "is no JSON"),
        (b'{"a": "\xff"}', "is not UTF-8"),
        (b'{"a": "\xed\xa0\x80"}', "is not UTF-8"),
        (b'{"a": NaN}', "has NaN, which is no JSON"),
        (b'{"a": -Infinity}', "has -Infinity"),
        (b'{"a": 1' + b"0" * 20 + b"}", "has a number of 21 digits"),
        (b'{"a": [1e400]}', "has the number 1e400, which is too large; send one of 64 bits"),
        (b'{"a": -1' + b"0" * 400 + b".0}", "has the number -1000000000000000000, which is too large"),
        (b'{"a": "\\ud800"}', "has half of a surrogate pair"),
        (b'{"a": "\\ude00\\ud83d"}', "has half of a surrogate pair"),
        (b'{"\\uD800": 1}', "has half of a surrogate pair"),
        (b'{"a": ' + b"[" * 64 + b"]" * 64 + b"}", "is nested too deeply; keep to 64 levels"),
        (b'{"a":' * 100000 + b"1" + b"}" * 100000, "is nested too deeply"),
        (b"[" * 100000, "is nested too deeply"),
    ],
)
def test_what_is_refused(data, words):
    with pytest.raises(ContainmentError) as told:
        core.parse(data)
    assert words in str(told.value) and len(str(told.value)) < 400 and "\n" not in str(told.value)


def test_a_list_where_one_is_wanted():
    assert core.parse(b'["A=b"]', list) == ["A=b"] and core.parse(b"null", list) == core.parse(b"", list) == []
    for data, kind, words in ((b"{}", list, "is no array"), (b"[]", dict, "is no object")):
        with pytest.raises(ContainmentError, match=words):
            core.parse(data, kind)


def test_fields_have_one_spelling():
    value = core.parse(b'{"HostConfig": {"Privileged": true}, "Labels": null}')
    assert core.field(core.field(value, "HostConfig"), "Privileged") is True
    assert (
        core.field(value, "Image") is None
        and core.field(value, "Image", "") == ""
        and core.field(value, "Labels") is None
    )
    for key in ("hostconfig", "HOSTCONFIG", "Ho\u017ftConfig"):
        for odd in ({key: 1}, {"HostConfig": 1, key: 1}):
            with pytest.raises(ContainmentError) as told:
                core.field(odd, "HostConfig")
            assert f"has the key {key!a}, which an engine takes for HostConfig" in str(told.value)
    with pytest.raises(ContainmentError, match=r"takes for Kill"):
        core.field({"\u212aill": 1}, "Kill")


def test_how_many_fields_an_object_of_the_api_may_have():
    many = {f"x{number}": None for number in range(core.MAX_PARTS - 1)}
    assert core.field(dict(many, Image="a"), "Image") == "a"
    with pytest.raises(ContainmentError, match="has an object of 1001 fields; keep to 1000"):
        core.field(dict(many, Image="a", More=None), "Image")


def test_as_deep_as_is_allowed():
    assert core.parse(b'{"a": ' + b"[" * 63 + b"]" * 63 + b"}")
