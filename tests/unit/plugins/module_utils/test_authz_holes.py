# SPDX-License-Identifier: GPL-3.0-or-later
"""What is asked of an engine to see whether a way past its plugins is open, and how its answers are read."""

import json

import pytest

from ansible_collections.containment.docker.plugins.module_utils import _authz_holes as core
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

HOLES = {one.name: one for one in core.HOLES}


def body(name):
    return HOLES[name].data.split(b"\r\n\r\n", 1)


def test_each_body_has_what_is_refused_whoever_asks():
    for name in ("request", "large"):
        head, data = body(name)
        assert f"Content-Length: {len(data)}".encode() in head
        assert data.count(b'"Image"') == 2
    assert len(body("large")[1]) > 1024 * 1024
    head, data = body("chunked")
    size, rest = data.split(b"\r\n", 1)
    assert b"Transfer-Encoding: chunked" in head and b"Content-Length" not in head
    assert rest[int(size, 16) :] == b"\r\n0\r\n\r\n"


def test_no_image_can_be_the_one_that_is_asked_for():
    digest = b"containment-probe@sha256:" + b"0" * 64
    for name in ("request", "large", "chunked"):
        assert HOLES[name].data.count(b'"Image":"%s"' % digest) == 2
    assert body("form")[1] == b"Image=" + digest


def test_another_plugin_is_tried_with_what_it_refuses_of_an_image_that_cannot_be():
    plain, large, chunked = core.of_other("opa", {"HostConfig": {"Privileged": True}})
    assert [one.name for one in (plain, large, chunked)] == ["plugin-opa", "plugin-opa-large", "plugin-opa-chunked"]
    for hole in (plain, large):
        head, data = hole.data.split(b"\r\n\r\n", 1)
        assert f"Content-Length: {len(data)}".encode() in head
        fields = json.loads(data)
        assert fields.pop("Image") == f"containment-probe@sha256:{'0' * 64}"
        if hole is large:
            assert len(fields.pop("Labels").pop("pad")) == 1024 * 1024
        assert fields == {"HostConfig": {"Privileged": True}}
    assert len(large.data) > 1024 * 1024
    head, data = chunked.data.split(b"\r\n\r\n", 1)
    size, rest = data.split(b"\r\n", 1)
    assert rest[: int(size, 16)] == plain.data.split(b"\r\n\r\n", 1)[1] and rest[int(size, 16) :] == b"\r\n0\r\n\r\n"
    # Another one's refusal says nothing of this one, which others may come to when that one lets them pass.
    refused = b"HTTP/1.1 403 Forbidden\r\n\r\n"
    for hole in (plain, large, chunked):
        assert not core.judge(hole, refused)["passed"] and core.judge(hole, refused, True)["passed"]
    padded = core.of_other("opa", {"Labels": {"a": "b"}})[1].data
    assert b'"Labels":{"a":"b","pad":"xx' in padded


def test_a_plugin_of_any_name_is_tried_as_one():
    hole = core.of_other("http2", {})[0]
    assert not core.judge(hole, b"HTTP/1.1 404 Not Found\r\n\r\n", True)["passed"]


@pytest.mark.parametrize(("fields", "words"), [({"iMage": "x"}, "has iMage"), (["Image"], "is no object")])
def test_what_would_make_a_container_is_refused(fields, words):
    with pytest.raises(ContainmentError, match=words):
        core.of_other("opa", fields)


def test_http2_is_told_by_its_first_frame():
    assert core.is_http2(bytes([0, 0, 24, 4, 0, 0, 0, 0, 0]))
    assert not core.is_http2(b"HTTP/1.1 400 Bad Request\r\n")
    assert not core.is_http2(b"")


@pytest.mark.parametrize(
    ("name", "answer", "observed", "passed"),
    [
        ("large", b"HTTP/1.1 403 Forbidden\r\n", "refused", True),
        ("large", b"HTTP/1.1 404 Not Found\r\n", f"status 404 ({HOLES['large'].mend})", False),
        ("form", b"garbage", f"status none ({HOLES['form'].mend})", False),
        ("chunked", "no answer in time", f"no answer in time ({HOLES['chunked'].mend})", False),
        ("request", None, None, False),
        ("http2", bytes([0, 0, 24, 4, 0, 0, 0, 0, 0]), f"served ({HOLES['http2'].mend})", False),
        ("http2", b"HTTP/1.1 400 Bad Request\r\n", "not served", True),
        ("http2", "no answer", f"no answer ({HOLES['http2'].mend})", False),
    ],
)
def test_what_a_proof_says(name, answer, observed, passed):
    found = core.judge(HOLES[name], answer)
    assert (found["observed"], found["passed"]) == (observed, passed)
    assert found["expected"] == ("not served" if name == "http2" else "refused")


@pytest.mark.parametrize(
    ("answer", "asked", "observed", "passed"),
    [
        (b"HTTP/1.1 403 Forbidden\r\n", True, "refused", True),
        (b"HTTP/1.1 403 Forbidden\r\n", None, f"refused by another plugin ({HOLES['request'].mend})", False),
        (b"HTTP/1.1 404 Not Found\r\n", True, f"status 404 ({HOLES['request'].mend})", False),
        (None, None, None, False),
    ],
)
def test_somebody_elses_refusal_proves_nothing(answer, asked, observed, passed):
    found = core.judge(HOLES["request"], answer, asked)
    assert (found["observed"], found["passed"]) == (observed, passed)


def test_who_is_refused_nothing_tells_nothing():
    assert [one.name for one in core.of(True)] == ["http2"]
    assert core.of(False) == list(core.HOLES)


@pytest.mark.parametrize(
    ("before", "after", "observed", "passed"),
    [(3, 4, "asked", True), (3, 3, "not asked", False), (None, None, None, False)],
)
def test_an_engine_that_is_refused_nothing_is_seen_to_ask(before, after, observed, passed):
    found = core.judge_asked(before, after)
    assert (found["proof"], found["expected"]) == ("authz-request", "asked")
    assert (found["observed"], found["passed"]) == (observed, passed)


REFUSED = b'HTTP/1.1 403 Forbidden\r\n\r\n{"message":"authorization denied by plugin ours: no"}'
FAILED = b'HTTP/1.1 500 Internal Server Error\r\n\r\n{"message":"plugin ours failed with error: EOF"}'
MISSING = b"HTTP/1.1 404 Not Found\r\n\r\n"


@pytest.mark.parametrize(
    ("answer", "before", "after", "asked"),
    [
        (REFUSED, 1, 2, True),
        (REFUSED, None, None, True),
        (REFUSED.replace(b"ours", b"other"), 1, 1, None),
        (REFUSED.replace(b"ours", b"other"), None, None, None),
        (REFUSED.replace(b"ours", b"other"), 1, 2, True),
        (REFUSED.replace(b"ours: no", b"other: plugin ours: no"), 1, 1, None),
        (REFUSED.replace(b"ours: no", b"other: authorization denied by plugin ours: no"), 1, 1, None),
        (REFUSED.replace(b"ours: no", b"ours:0.8: no"), 1, 1, None),
        (REFUSED.replace(b'{"message"', b'{"code":1,"message"'), 1, 1, None),
        (REFUSED.replace(b"ours: no", b"ours:latest: no"), None, None, True),
        (REFUSED.replace(b"ours: no", "\u00fc: no".encode()), None, None, None),
        (FAILED.replace(b"500 Internal Server Error", b"400 Bad Request"), None, None, None),
        (b"HTTP/1.1 200 OK\r\n\r\nOK", None, None, False),
        (MISSING, 1, 2, True),
        (MISSING, 1, 1, False),
        (MISSING, None, None, False),
        (b"HTTP/1.1 500 Internal Server Error\r\n\r\n", None, None, None),
        (b"HTTP/1.1 500 Internal Server Error\r\n\r\n", 1, 2, True),
        ("no answer in time", None, None, None),
        ("Connection refused", 1, 1, None),
        (b"\0\0\0\4", 1, 1, None),
    ],
)
def test_whether_an_engine_asks(answer, before, after, asked):
    assert core.is_asked(answer, "ours", before, after) is asked
