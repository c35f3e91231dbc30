# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages are read as engines write them, and refused where none would."""

import base64
import json

import pytest

from ansible_collections.containment.docker.plugins.module_utils import _authz_message as core
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError


def _base64(data):
    return base64.b64encode(data).decode()


def test_what_an_engine_asks():
    value = {
        "User": "alice",
        "UserAuthNMethod": "TLS",
        "RequestMethod": "POST",
        "RequestUri": "/v1.47/containers/create?name=a",
        "RequestBody": _base64(b'{"Image": "nginx"}\n'),
        "RequestHeaders": {"Content-Length": "19", "Content-Type": "application/json"},
        "RequestPeerCertificates": [_base64(b"-----BEGIN"), _base64(b"other")],
        "ResponseStatusCode": 201,
        "ResponseBody": _base64(b"\xff\x00"),
    }
    assert core.read(json.dumps(value).encode()) == core.Message(
        "alice",
        "POST",
        "/v1.47/containers/create?name=a",
        {"Content-Length": "19", "Content-Type": "application/json"},
        b'{"Image": "nginx"}\n',
        ["-----BEGIN", "other"],
        201,
        b"\xff\x00",
    )


@pytest.mark.parametrize(
    "data",
    [
        b"{}",
        b'{"RequestBody": null, "ResponseBody": null, "RequestHeaders": null, "RequestPeerCertificates": null}',
        b'{"RequestBody": "", "ResponseBody": "", "RequestHeaders": {}, "RequestPeerCertificates": []}',
        b' {"unknown": [1]}\r\n',
    ],
)
def test_what_is_left_out(data):
    assert core.read(data) == core.Message("", "", "", {}, b"", [], 0, b"")


def test_odd_texts_are_passed_on():
    found = core.read(b'{"User": "\\ud800\\n\\u0000", "RequestUri": "\xc3\xa9\\u2028"}')
    assert (found.user, found.uri) == ("\ud800\n\x00", "\u00e9\u2028")


@pytest.mark.parametrize(
    "data, words",
    [
        (b"", "call: cannot be read ("),
        (b"\xff", "cannot be read"),
        (b"\xef\xbb\xbf{}", "cannot be read"),
        (b'{"User": "\xed\xa0\x80"}', "cannot be read"),
        (b'{"User": "a"', "cannot be read"),
        (b"{} {}", "cannot be read"),
        (b"[" * 100000, "cannot be read"),
        (b'{"a":' * 100000, "cannot be read"),
        (b"null", "is no object; find out who asks: it is no engine"),
        (b"[]", "is no object"),
        (b'"a"', "is no object"),
        (b"5", "is no object"),
        (b'{"User": null}', "has a User that is no text"),
        (b'{"User": 5}', "has a User that is no text"),
        (b'{"User": ["alice"]}', "has a User that is no text"),
        (b'{"RequestMethod": {}}', "has a RequestMethod that is no text"),
        (b'{"RequestUri": true}', "has a RequestUri that is no text"),
        (b'{"RequestHeaders": [1]}', "has RequestHeaders that are no object of texts"),
        (b'{"RequestHeaders": "a"}', "has RequestHeaders that are no object of texts"),
        (b'{"RequestHeaders": {"A": ["b"]}}', "has RequestHeaders that are no object of texts"),
        (b'{"RequestHeaders": {"A": null}}', "has RequestHeaders that are no object of texts"),
        (b'{"RequestBody": 5}', "has bytes that are no base64"),
        (b'{"RequestBody": {}}', "has bytes that are no base64"),
        (b'{"RequestBody": [1]}', "has bytes that are no base64"),
        (b'{"RequestBody": "aGk"}', "has bytes that are no base64"),
        (b'{"RequestBody": "a"}', "has bytes that are no base64"),
        (b'{"RequestBody": "a Gk="}', "has bytes that are no base64"),
        (b'{"RequestBody": "aG-_"}', "has bytes that are no base64"),
        (b'{"ResponseBody": "{}"}', "has bytes that are no base64"),
        ('{"RequestBody": "\u00e9"}'.encode(), "cannot be read"),
        (b'{"RequestBody": "\\ud800"}', "cannot be read"),
        (b'{"RequestPeerCertificates": 5}', "cannot be read"),
        (b'{"RequestPeerCertificates": [5]}', "has bytes that are no base64"),
        (b'{"RequestPeerCertificates": {"a": 1}}', "has bytes that are no base64"),
        (b'{"RequestPeerCertificates": "abc"}', "has bytes that are no base64"),
        (b'{"RequestPeerCertificates": ["/w=="]}', "cannot be read"),
        (b'{"ResponseStatusCode": "200"}', "has a ResponseStatusCode that is no number"),
        (b'{"ResponseStatusCode": 1.5}', "has a ResponseStatusCode that is no number"),
        (b'{"ResponseStatusCode": null}', "has a ResponseStatusCode that is no number"),
    ],
)
def test_what_is_refused(data, words):
    with pytest.raises(ContainmentError) as told:
        core.read(data)
    assert words in str(told.value) and len(str(told.value)) < 400 and str(told.value).isprintable()


def test_what_is_answered():
    assert json.loads(core.ACTIVATED.decode()) == {"Implements": ["authz"]}
    assert json.loads(core.answer(True).decode()) == {"Allow": True}
    for text in ("no", 'a"\n\x1b', "\u00e9\u2028", "\ud800"):
        data = core.answer(False, text)
        assert json.loads(data.decode("ascii")) == {"Allow": False, "Msg": text} and b"\n" not in data
