# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls come in pieces, and one after the other; what no engine sends is refused."""

import pytest

from ansible_collections.containment.docker.plugins.module_utils import _authz_http as core
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

_CALL = (
    b"POST /AuthZPlugin.AuthZReq HTTP/1.1\r\nHost: plugin\r\nUser-Agent: Go-http-client/1.1\r\nContent-Length: 7\r\n"
    b'Accept: application/vnd.docker.plugins.v1.2+json\r\nContent-Type: application/json\r\n\r\n{"a":1}'
)
_READ = ("/AuthZPlugin.AuthZReq", b'{"a":1}')
_ACTIVATE = b"POST /Plugin.Activate HTTP/1.1\r\nHost: plugin\r\n\r\n"


def _reader(data):
    reader = core.Reader()
    reader.feed(data)
    return reader


def test_a_whole_call():
    reader = _reader(_CALL)
    assert reader.call() == _READ
    assert reader.call() is None


def test_a_call_byte_by_byte():
    reader = core.Reader()
    for place in range(len(_CALL)):
        assert reader.call() is None
        reader.feed(_CALL[place : place + 1])
    assert reader.call() == _READ and reader.call() is None


def test_whether_a_call_has_begun():
    reader = core.Reader()
    assert not reader.begun
    for place in range(len(_CALL)):
        reader.feed(_CALL[place : place + 1])
        assert (reader.call() is None) == reader.begun
    assert not reader.begun
    reader.feed(_CALL + b"P")
    assert reader.call() == _READ and reader.begun


@pytest.mark.parametrize("size", [2, 3, 7, 64, 1000])
def test_calls_one_after_the_other(size):
    reader, data, found = core.Reader(), (_CALL + _ACTIVATE) * 3, []
    for place in range(0, len(data), size):
        reader.feed(data[place : place + size])
        call = reader.call()
        while call is not None:
            found.append(call)
            call = reader.call()
    assert found == [_READ, ("/Plugin.Activate", b"")] * 3


def test_a_body_may_look_like_a_call():
    body = b"\r\n\r\nPOST /b HTTP/1.1\r\n\r\n"
    reader = _reader(b"POST /a HTTP/1.1\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
    assert reader.call() == ("/a", body) and reader.call() is None


@pytest.mark.parametrize(
    "head, length",
    [
        (b"POST /a HTTP/1.1", 0),
        (b"POST /a HTTP/1.1\r\nContent-Length: 0", 0),
        (b"POST /a HTTP/1.1\r\ncontent-length:3", 3),
        (b"POST /a HTTP/1.1\r\nCONTENT-LENGTH: \t3 ", 3),
        (b"POST /a HTTP/1.1\r\nX-Content-Length: 9\r\nContent-Length: 3", 3),
        (b"POST /a HTTP/1.1\r\nX: Content-Length: 9", 0),
        (b"POST /a HTTP/1.1\r\nContent-Length: 000000000003", 3),
        (b"POST /a HTTP/1.1\r\nX: \xff\x00", 0),
    ],
)
def test_how_long_a_body_is(head, length):
    assert _reader(head + b"\r\n\r\n" + b"x" * length).call() == ("/a", b"x" * length)


@pytest.mark.parametrize(
    "data, words",
    [
        (b"GET /a HTTP/1.1\r\n\r\n", "call: is no POST; find out who asks: it is no engine"),
        (b"post /a HTTP/1.1\r\n\r\n", "is no POST"),
        (b"POST /a HTTP/1.0\r\n\r\n", "is no POST"),
        (b"POST /a HTTP/2\r\n\r\n", "is no POST"),
        (b"POST /a\r\n\r\n", "is no POST"),
        (b"POST  /a HTTP/1.1\r\n\r\n", "is no POST"),
        (b"POST /a b HTTP/1.1\r\n\r\n", "is no POST"),
        (b"POST /a HTTP/1.1 \r\n\r\n", "is no POST"),
        (b"POST /a HTTP/1.1\nX: y\r\n\r\n", "is no POST"),
        (b" POST /a HTTP/1.1\r\n\r\n", "is no POST"),
        (b"\r\nPOST /a HTTP/1.1\r\n\r\n", "is no POST"),
        (b"\r\n\r\n", "is no POST"),
        (b"\x16\x03\x01\x02\x00\x01\r\n\r\n", "is no POST"),  # TLS
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "is no POST"),
        (b"POST /a HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", "has no single length"),
        (b"POST /a HTTP/1.1\r\nContent-Length: 1\r\ncontent-length: 1\r\n\r\na", "has no single length"),
        (b"POST /a HTTP/1.1\r\nContent-Length: 0\r\nContent-Length: 1\r\n\r\na", "has no single length"),
        (b"POST /a HTTP/1.1\r\nContent-Length: 1, 1\r\n\r\na", "has no single length"),
        (b"POST /a HTTP/1.1\r\nContent-Length: -1\r\n\r\n", "has no single length"),
        (b"POST /a HTTP/1.1\r\nContent-Length: +1\r\n\r\na", "has no single length"),
        (b"POST /a HTTP/1.1\r\nContent-Length: 0x1\r\n\r\na", "has no single length"),
        (b"POST /a HTTP/1.1\r\nContent-Length: 1_0\r\n\r\n", "has no single length"),
        (b"POST /a HTTP/1.1\r\nContent-Length: \xb2\r\n\r\n", "has no single length"),
        (b"POST /a HTTP/1.1\r\nContent-Length:\r\n\r\n", "has no single length"),
        (b"POST /a HTTP/1.1\r\nContent-Length: 1 1\r\n\r\n", "has no single length"),
        (b"POST /a HTTP/1.1\r\nContent-Length: 1000000000000\r\n\r\n", "has no single length"),
        (b"POST /a HTTP/1.1\r\nContent-Length: 999999999999\r\n\r\n", "has 999999999999 bytes"),
        (b"POST /a HTTP/1.1\r\nContent-Length: 33554433\r\n\r\n", "has 33554433 bytes"),
        (b"POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "has a body without a length"),
        (b"POST /a HTTP/1.1\r\ntransfer-encoding : identity\r\n\r\n", "has a body without a length"),
        (
            b"POST /a HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "has a body without a length",
        ),
    ],
)
def test_what_is_refused(data, words):
    with pytest.raises(ContainmentError) as told:
        _reader(data).call()
    assert words in str(told.value) and "\n" not in str(told.value)


def test_a_refused_call_stays_refused():
    reader = _reader(b"GET /a HTTP/1.1\r\n\r\n")
    for _try in range(2):
        with pytest.raises(ContainmentError, match="is no POST"):
            reader.call()
        reader.feed(_CALL)


def test_how_long_a_head_may_be():
    start, end = b"POST /a HTTP/1.1\r\nX: ", b"\r\n\r\n"
    longest = start + b"x" * (core.MAX_HEAD - len(start) - len(end)) + end
    assert _reader(longest).call() == ("/a", b"")
    assert _reader(longest[:-1]).call() is None
    for data in (longest[: -len(end)] + b"x" + end, b"x" * core.MAX_HEAD, b"\r\n" + b"x" * core.MAX_HEAD * 2):
        with pytest.raises(ContainmentError, match="has no end to its head"):
            _reader(data).call()


def test_how_long_a_body_may_be():
    reader = _reader(b"POST /a HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % core.MAX_BODY)
    assert reader.call() is None
    reader.feed(b"x" * (core.MAX_BODY - 1))
    assert reader.call() is None
    reader.feed(b"x" + _CALL)
    path, body = reader.call()
    assert path == "/a" and len(body) == core.MAX_BODY and reader.call() == _READ


@pytest.mark.parametrize(
    "status, line",
    [(200, b"200 OK"), (400, b"400 Bad Request"), (404, b"404 Not Found"), (500, b"500 Internal Server Error")],
)
def test_what_is_answered(status, line):
    head, _end, body = core.answer(status, b'{"Allow": true}').partition(b"\r\n\r\n")
    assert body == b'{"Allow": true}'
    assert head.split(b"\r\n") == [
        b"HTTP/1.1 " + line,
        b"Content-Type: application/vnd.docker.plugins.v1.2+json",
        b"Content-Length: 15",
    ]
