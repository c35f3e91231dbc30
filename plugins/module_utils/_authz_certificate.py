# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Serial number and key of an X.509 certificate (RFC 5280, 4.1; DER, X.690). Pure.

The standard library reads neither from a certificate in memory. An engine has verified what comes here; it says itself
which common name it has.
"""

import base64
import binascii
import collections
import re

from ansible_collections.containment.docker.plugins.module_utils import _authz_digest
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

# serial: hexadecimal digits without zeros in front. key: "sha256:..." of the SubjectPublicKeyInfo.
Identity = collections.namedtuple("Identity", "serial key")

_PEM = re.compile(r"-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----\s*\Z", re.ASCII)
_SEQUENCE, _INTEGER, _VERSION = 0x30, 0x02, 0xA0


def identity(pem):
    """Return the Identity of the text of one certificate. Raises ContainmentError."""
    found = _PEM.match(pem)
    if not found:
        raise _refused("is no certificate in PEM")
    try:
        data = base64.b64decode(found.group(1).encode("ascii"))
    except binascii.Error:
        raise _refused("is no base64") from None
    certificate, _rest = _inner(data, _SEQUENCE)
    body, _rest = _inner(certificate, _SEQUENCE)
    if body[:1] == bytes([_VERSION]):
        _version, body = _inner(body, _VERSION)
    number, body = _inner(body, _INTEGER)
    for _field in ("signature", "issuer", "validity", "subject"):
        _skipped, body = _inner(body, _SEQUENCE)
    rest = _inner(body, _SEQUENCE)[1]
    key = body[: len(body) - len(rest)]
    serial = number.hex().lstrip("0") or "0"
    return Identity(serial, "sha256:" + _authz_digest.hexadecimal(key))


def _refused(cause):
    return ContainmentError("certificate", cause, "find out who sends it")


def _inner(data, tag):
    """Return (content of the element that data begins with, what is behind it)."""
    if data[:1] != bytes([tag]) or not data[1:]:
        raise _refused("is not built as RFC 5280 says")
    length, start = data[1], 2
    if length & 0x80:
        start += length & 0x7F
        length = int.from_bytes(data[2:start], "big")
    if start + length > len(data):
        raise _refused("ends early")
    return data[start : start + length], data[start + length :]
