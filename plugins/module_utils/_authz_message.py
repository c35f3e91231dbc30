# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an engine asks an authorization plugin, and what it is answered (moby, pkg/authorization/api.go). Pure."""

import base64
import binascii
import collections
import json

from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

# user: the common name of the client's certificate, "" without one. certificates: their PEM texts, the client's first.
# body, response: bytes, empty where none is shown. status: 0 before there is an answer.
Message = collections.namedtuple("Message", "user method uri headers body certificates status response")


def read(data):
    """Return the Message in the body of a call. Raises ContainmentError for what no engine sends."""
    try:
        value = json.loads(data.decode("utf-8"))
        if not isinstance(value, dict):
            raise _refused("is no object")
        return Message(
            _text(value, "User"),
            _text(value, "RequestMethod"),
            _text(value, "RequestUri"),
            _headers(value),
            _bytes(value.get("RequestBody")),
            [_bytes(one).decode("ascii") for one in value.get("RequestPeerCertificates") or ()],
            _status(value),
            _bytes(value.get("ResponseBody")),
        )
    except (UnicodeDecodeError, ValueError, RecursionError, TypeError) as error:
        raise _refused(f"cannot be read ({error})") from None


def _refused(cause):
    return ContainmentError("call", cause, "find out who asks: it is no engine")


def _text(value, name):
    found = value.get(name, "")
    if not isinstance(found, str):
        raise _refused(f"has a {name} that is no text")
    return found


def _headers(value):
    found = value.get("RequestHeaders") or {}
    if not isinstance(found, dict) or not all(isinstance(one, str) for one in found.values()):
        raise _refused("has RequestHeaders that are no object of texts")
    return found


def _bytes(text):
    """Return what a text stands for, base64 (encoding/json, []byte)."""
    if text is None:
        return b""
    try:
        return base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, AttributeError):
        raise _refused("has bytes that are no base64") from None


def _status(value):
    found = value.get("ResponseStatusCode", 0)
    if not isinstance(found, int) or isinstance(found, bool):
        raise _refused("has a ResponseStatusCode that is no number")
    return found


ACTIVATED = b'{"Implements":["authz"]}'
_ALLOWED = b'{"Allow": true}'


def answer(allow, text=""):
    """Return the body of an answer. text: what the client is told where it is refused."""
    if allow and not text:
        return _ALLOWED
    return json.dumps({"Allow": allow, "Msg": text} if text else {"Allow": allow}).encode("ascii")
