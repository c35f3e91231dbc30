# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTP/1.1 as an engine speaks it to its plugins (moby, pkg/plugins/client.go): calls with POST and a length. Pure.

http.server and its threads take three times as long for a call as all that is decided in it (tests/bench/authz.py).
"""

import functools
import re

from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

MAX_HEAD, MAX_BODY = 64 * 1024, 32 * 1024 * 1024  # bytes
_END = b"\r\n\r\n"
_LENGTH = re.compile(r"[0-9]{1,12}\Z")


class Reader:
    """Calls out of the bytes of one connection."""

    def __init__(self):
        self._data = bytearray()
        self._head = None  # (path, length) of a call whose body is on its way

    def feed(self, data):
        self._data += data

    @property
    def begun(self):
        """Whether a part of a call has come."""
        return bool(self._data) or self._head is not None

    def call(self):
        """Return (path, body) of the next whole call, None before it is there. Raises ContainmentError for no call."""
        if self._head is None:
            end = self._data.find(_END, 0, MAX_HEAD)
            if end < 0:
                if len(self._data) >= MAX_HEAD:
                    raise _refused("has no end to its head")
                return None
            self._head = _head(bytes(self._data[:end]))
            del self._data[: end + len(_END)]
        path, length = self._head
        if len(self._data) < length:
            return None
        if len(self._data) == length:
            body, self._data = self._data, bytearray()  # A copy of a megabyte less: engines send one call at a time.
        else:
            body = self._data[:length]
            del self._data[:length]
        self._head = None
        return path, body


def _refused(cause):
    return ContainmentError("call", cause, "find out who asks: it is no engine")


@functools.lru_cache(maxsize=64)  # An engine's heads differ in their lengths alone.
def _head(data):
    """Return (path, length of the body) of a call's head."""
    first, *lines = data.decode("latin-1").split("\r\n")
    parts = first.split(" ")
    if len(parts) != 3 or parts[0] != "POST" or parts[2] != "HTTP/1.1":
        raise _refused("is no POST")
    length = None
    for line in lines:
        name, _colon, value = line.partition(":")
        name, value = name.strip().lower(), value.strip()
        if name == "transfer-encoding":
            raise _refused("has a body without a length")
        if name == "content-length":
            if length is not None or not _LENGTH.match(value):
                raise _refused("has no single length")
            length = int(value)
    if length is not None and length > MAX_BODY:
        raise _refused(f"has {length} bytes")
    return parts[1], length or 0


def answer(status, body):
    """Return the bytes of an answer. body: bytes of JSON."""
    reason = {200: "OK", 400: "Bad Request", 404: "Not Found", 500: "Internal Server Error"}[status]
    head = (
        f"HTTP/1.1 {status} {reason}\r\nContent-Type: application/vnd.docker.plugins.v1.2+json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode("ascii") + body
