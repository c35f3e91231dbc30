# SPDX-License-Identifier: GPL-3.0-or-later
"""Nothing that the plugin allows is more as Go, and so an engine, understands it.

The table is what encoding/json says that it does, and what the plugin makes of it; Go itself is asked where it can be
had (tests/fuzz/golang.py). tools/fuzz asks for longer.
"""

import json
import sys
import urllib.parse
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from ansible_collections.containment.docker.plugins.module_utils import _authz_demand
from tests.fuzz import golang, mutations, readings, targets
from tests.hosts import NotPossible

CREATE = "/v1.41/containers/create"
REFUSED = "refused"  # by Go; in the table also by whatever reads more than the first value
# (name, body of a create, path of a field, what Go reads in it or REFUSED, whether the plugin allows the request)
TABLE = [
    ("the exact name", b'{"Image":"a"}', "Image", "a", True),
    ("another case", b'{"image":"a"}', "Image", "a", False),
    ("another case within", b'{"Image":"a","HostConfig":{"PRIVILEGED":true}}', "HostConfig.Privileged", True, False),
    ("an escaped letter", b'{"\\u0049mage":"a"}', "Image", "a", True),
    ("an escaped one in another case", b'{"\\u0069mage":"a"}', "Image", "a", False),
    (
        "U+017F for s",
        '{"Image":"a","Ho\u017ftConfig":{"Privileged":true}}'.encode(),
        "HostConfig.Privileged",
        True,
        False,
    ),
    (
        "U+017F within",
        '{"Image":"a","HostConfig":{"Bind\u017f":["/:/h"]}}'.encode(),
        "HostConfig.Binds",
        ["/:/h"],
        False,
    ),
    ("U+017F escaped", b'{"Image":"a","HostConfig":{"Bind\\u017f":["/:/h"]}}', "HostConfig.Binds", ["/:/h"], False),
    ("U+212A for K", '{"HostConfig":{"Networ\u212aMode":"host"}}'.encode(), "HostConfig.NetworkMode", "host", False),
    ("U+0130 for no I", '{"Image":"a","\u0130mage":"b"}'.encode(), "Image", "a", False),
    ("an unknown key", b'{"Image":"a","New":{"Image":"b"}}', "Image", "a", False),
    ("an unknown key of null", b'{"Image":"a","New":null}', "Image", "a", True),
    ("a text twice", b'{"Image":"a","Image":"b"}', "Image", "b", False),
    ("a text twice in two cases", b'{"Image":"a","image":"b"}', "Image", "b", False),
    ("objects are merged", b'{"HostConfig":{"Privileged":true},"HostConfig":{}}', "HostConfig.Privileged", True, False),
    ("maps are merged", b'{"Labels":{"a":"1"},"Labels":{"b":"2"}}', "Labels", {"a": "1", "b": "2"}, False),
    ("lists are not", b'{"Env":["a=1","b=2"],"Env":["c=3"]}', "Env", ["c=3"], False),
    ("null resets an object", b'{"HostConfig":{"Privileged":true},"HostConfig":null}', "HostConfig", None, False),
    ("null resets no flag", b'{"Tty":true,"Tty":null}', "Tty", True, False),
    ("null resets no text", b'{"Image":"a","image":null}', "Image", "a", False),
    ("null is nothing", b'{"Image":"a","HostConfig":null,"Env":null}', "Env", None, True),
    (
        "a number of 64 bits",
        b'{"Image":"a","HostConfig":{"Memory":9223372036854775807}}',
        "HostConfig.Memory",
        2**63 - 1,
        True,
    ),
    ("a larger one", b'{"Image":"a","HostConfig":{"Memory":9223372036854775808}}', "", REFUSED, True),
    ("one of more digits", b'{"Image":"a","HostConfig":{"Memory":123456789012345678901}}', "", REFUSED, False),
    ("one of 16 bits", b'{"Image":"a","HostConfig":{"BlkioWeight":65536}}', "", REFUSED, True),
    ("one with a point", b'{"Image":"a","HostConfig":{"Memory":1.0}}', "", REFUSED, False),
    ("one with an exponent", b'{"Image":"a","HostConfig":{"Memory":1e2}}', "", REFUSED, False),
    ("-0", b'{"Image":"a","HostConfig":{"Memory":-0}}', "HostConfig.Memory", 0, True),
    ("01", b'{"Image":"a","HostConfig":{"Memory":01}}', "", REFUSED, False),
    ("NaN", b'{"Image":"a","HostConfig":{"Memory":NaN}}', "", REFUSED, False),
    ("a number for a flag", b'{"Image":"a","Tty":1}', "", REFUSED, False),
    ("a text for a flag", b'{"Image":"a","Tty":"true"}', "", REFUSED, False),
    ("a text for words", b'{"Image":"a","Cmd":"b"}', "Cmd", ["b"], True),
    ("a text for texts", b'{"Image":"a","Env":"b=c"}', "", REFUSED, False),
    ("null among texts", b'{"Image":"a","Env":[null]}', "Env", [""], False),
    (
        "a list that is too long",
        b'{"Image":"a","HostConfig":{"ConsoleSize":[1,2,3]}}',
        "HostConfig.ConsoleSize",
        [1, 2],
        True,
    ),
    ("bytes that are no UTF-8", b'{"Image":"a\xff"}', "Image", "a\ufffd", False),
    ("such in a key", b'{"Image":"a","Labels":{"\xff":"b"}}', "Labels", {"\ufffd": "b"}, False),
    ("UTF-8 of a surrogate", b'{"Image":"\xed\xa0\x80"}', "Image", "\ufffd\ufffd\ufffd", False),
    ("half of a pair", b'{"Image":"a\\ud800"}', "Image", "a\ufffd", False),
    ("a pair", b'{"Image":"a","User":"\\ud83d\\ude00"}', "User", "\U0001f600", True),
    ("NUL", b'{"Image":"a","User":"\\u0000"}', "User", "\x00", True),
    ("a line's end in a text", b'{"Image":"a\n"}', "", REFUSED, False),
    ("a second value", b'{"Image":"a"}{"Image":"b"}', "Image", "a", False),
    ("what is no JSON behind it", b'{"Image":"a"}]', "Image", "a", False),
    ("a byte order mark", b'\xef\xbb\xbf{"Image":"a"}', "", REFUSED, False),
    ("a comment", b'{"Image":"a"/**/}', "", REFUSED, False),
    ("a comma at the end", b'{"Image":"a",}', "", REFUSED, False),
    ("null for all", b"null", "HostConfig", None, True),
    ("a list for all", b"[]", "", REFUSED, False),
    ("65 levels", b'{"Image":"a","x":' + 64 * b"[" + 64 * b"]" + b"}", "Image", "a", False),
    ("10001 levels", b'{"Image":"a","x":' + 10000 * b"[" + 10000 * b"]" + b"}", "", REFUSED, False),
]
NAMES = [row[0] for row in TABLE]


@pytest.fixture(scope="module")
def go():
    """A Reading for each Go of Debian's."""
    try:
        programs = golang.programs()
    except NotPossible as reason:
        pytest.skip(str(reason))
    found = {suite: readings.Reading(program) for suite, program in programs.items()}
    yield found
    for one in found.values():
        one.close()


@pytest.mark.parametrize("row", TABLE, ids=NAMES)
def test_the_plugin_allows_what_go_reads_in_one_way(row):
    _name, body, _path, _read, allowed = row
    assert (readings.decide("POST", CREATE, body).verdict == "allow") is allowed


@pytest.mark.parametrize("row", TABLE, ids=NAMES)
def test_go_reads_as_it_says(go, row):
    _name, body, path, read, allowed = row
    for suite, reading in go.items():
        value, error = reading.ask("create", body)
        if read == REFUSED:
            assert error, suite
            continue
        assert not error, suite
        for part in path.split("."):
            value = value[part]
        assert value == read, suite
        assert not allowed or not readings.in_body(reading, "POST", CREATE, body), suite


SEEDS = [(method, uri, body) for method, uri, body in targets.requests() if body]
PLAIN = [one for one in SEEDS if readings.decide(*one).verdict == "allow"]
LINES = sorted(set(targets.lines()))
ODD_BYTES = [b"\xff", b"\xe2\x82", b"\xed\xa0\x80", b"\xef\xbf\xbd", b"\x00"]


def test_seeds_are_decided_both_ways():
    assert len(PLAIN) >= 9 and len(SEEDS) - len(PLAIN) >= 300


@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=3000, deadline=None)
@given(
    st.one_of(st.sampled_from(PLAIN), st.sampled_from(SEEDS)),
    st.lists(st.integers(0, 2**32), min_size=1, max_size=3),
    st.sampled_from(ODD_BYTES),
)
def test_what_is_allowed_is_no_more_to_go(go, seed, changes, odd):
    method, uri, body = seed
    text = body.decode("utf-8", "replace")
    for one in changes:
        text = mutations.change(text, one)
        assume(text is not None)
    data = text.encode("utf-8", "surrogatepass").replace("\ufffd".encode(), odd)
    for reading in go.values():
        assert readings.in_body(reading, method, uri, data) == ""
        assert readings.in_any(reading, data) == ""


@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=2000, deadline=None)
@given(
    st.sampled_from(LINES),
    st.integers(0, 200),
    st.integers(0, 3),
    st.one_of(st.sampled_from(targets.WORDS), st.text(max_size=4)),
)
def test_a_request_line_is_to_go_what_it_is_to_the_plugin(go, line, place, gone, put):
    method, uri = line
    uri = uri[:place] + put + uri[place + gone :]
    for reading in go.values():
        assert readings.in_request(reading, method, uri) == ""


SPACE = st.text(
    st.sampled_from("\t\n\v\f\r \x1c\x1d\x1e\x1f\x85\xa0\u1680\u180e\u2028\u200b\u3000\ufeff\x00"), max_size=2
)
WORD = st.sampled_from(["", "0", "no", "false", "None", "FALSE", "1", "fal\u017fe", "\uff10"])


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(SPACE, WORD, SPACE)
def test_a_flag_that_is_true_to_go_is_none_that_is_false_to_the_plugin(go, before, word, behind):
    uri = "/v1.41/containers/a?link=" + urllib.parse.quote(before + word + behind)
    allowed = readings.decide("DELETE", uri, b"").verdict == "allow"
    for reading in go.values():
        value, error = reading.ask("request", b"DELETE " + uri.encode())
        assert not error
        assert not (allowed and value["True"]["link"])


def every_header():
    """Yield a request for each route that may have a body, with each type and each length."""
    for method, uri, body in targets.bodied():
        for kind in range(len(readings.TYPES)):
            for length in range(len(readings.LENGTHS)):
                yield method, uri, body, readings.headers(kind, length, body)


def test_a_form_that_nobody_sees_gives_nothing():
    wrong = [readings.in_headers(*one) for one in every_header()]
    assert not any(wrong), [one for one in wrong if one][:10]


def test_a_form_that_gives_something_is_found(monkeypatch):
    """The comparison itself: of a plugin that looks at the last type alone."""
    monkeypatch.setattr(_authz_demand, "_may_be_hidden", lambda _headers: False)
    found = "".join(readings.in_headers(*one) for one in every_header())
    assert "build.run is allowed" in found and "image.pull is allowed" in found


@pytest.mark.parametrize("line", ["POST /v1.41/build?t=a", "POST /v1.41/build?t=a\t", "POST /v1.41/build?t=a\t123"])
def test_what_was_found_before_headers_were_varied_is_read_as_it_was(line):
    assert targets._headers(line.encode() + b"\n{}") is None
    assert " ".join(targets._split(line.encode() + b"\n{}")[:2]) == line


def test_a_body_on_which_nothing_depends_need_be_no_json(go):
    for reading in go.values():
        assert readings.in_body(reading, "POST", "/v1.41/auth", b"a=b") == ""


def test_headers_are_drawn_from_the_input():
    data = b"POST /v1.41/build?t=a\t63\na=b"
    assert targets._headers(data) == {"Content-Type": "application/x-www-form-urlencoded", "Content-Length": "4"}
    assert targets._split(data) == ("POST", "/v1.41/build?t=a", b"a=b")


def test_what_go_reads_otherwise_is_found(go):
    """The comparison itself: Go is told another text than the plugin."""

    class Other:
        def __init__(self, reading, data):
            self._reading, self._data = reading, data

        def ask(self, kind, _data):
            return self._reading.ask(kind, self._data)

    for reading in go.values():
        for host in ({"Privileged": True}, {"Binds": ["/:/h"]}, {"Sysctls": {"a": "b"}}, {"Memory": 1}):
            other = Other(reading, json.dumps({"Image": "a", "HostConfig": host}).encode())
            assert "Go reads another body.HostConfig" in readings.in_body(other, "POST", CREATE, b'{"Image":"a"}')
        assert readings.in_any(Other(reading, b'{"a":2}'), b'{"a":1}')
        assert readings.in_request(Other(reading, b"GET /v1.41/volumes/b"), "GET", "/v1.41/volumes/a")
        assert readings.in_request(Other(reading, b"GET /v1.41/info"), "GET", "/v1.41/version")
