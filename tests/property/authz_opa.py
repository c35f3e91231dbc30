# SPDX-License-Identifier: GPL-3.0-or-later
"""Real Open Policy Agent with a policy of the plugin's, and what it is told of a request.

An engine and opa-docker-authz are models here: which bodies an engine shows (moby, pkg/authorization/authz.go), and
what opa-docker-authz makes of that for OPA (main.go, makeInput).
"""

import base64
import collections
import functools
import importlib
import json
import math
import subprocess
import sys
import urllib.parse
from pathlib import Path

import pytest

from ansible_collections.containment.docker.plugins.module_utils import (
    _authz_names,
    _authz_policy,
    _authz_rego,
)
from ansible_collections.containment.docker.plugins.module_utils._authz_message import Message
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

_ROOT = Path(__file__).resolve().parents[2]
_NOT_POSSIBLE = 77
SHOWN = 1024 * 1024  # bytes of a body that engines show

# user: the common name of the client's certificate, None without one. raw: bytes of the body.
Sent = collections.namedtuple("Sent", "user method uri headers raw")


@functools.lru_cache(maxsize=None)
def opa():
    """Return the module of the bindings. Skips where they cannot be had."""
    made = subprocess.run([_ROOT / "tools/opa"], capture_output=True, text=True, check=False)
    if made.returncode == _NOT_POSSIBLE:
        pytest.skip(made.stderr.strip().splitlines()[-1])
    assert made.returncode == 0, made.stderr
    sys.path.insert(0, made.stdout.strip())
    try:
        return importlib.import_module("opa_bindings")
    finally:
        sys.path.pop(0)


class Agent:
    """OPA with a policy, a dict, as the plugin has it. Skips where there is no OPA."""

    def __init__(self, policy):
        self.policy = _authz_policy.read(json.dumps(policy).encode())
        self._engine = opa().OpaEngine()
        program, data = _authz_rego.render(self.policy)
        self._engine.add_policy("docker.rego", program)
        self._engine.add_data(data)

    def allows(self, sent):
        told = told_of(sent)
        return told is not None and self.answers(told)

    def answers(self, told):
        return self._engine.eval_document("docker.authz.allow", told)

    def evaluated(self, query):
        return self._engine.eval_query(query)


class World:
    """A test double of an engine's containers: whatever can be a name is there, under this name, and no id is."""

    def container(self, text):
        if not _authz_names._PLAIN.match(text):
            raise ContainmentError(f"container {text!a}", "is not there", "see docker ps -a")
        return _authz_names.Container("e" * 64, text, {}, None, {}, {})

    def exec(self, number):
        raise ContainmentError(f"exec {number!a}", "is not known", "make a new one")


def _certificate():
    """Return a certificate of which a serial number and a key can be read, in PEM."""

    def field(tag, content):
        return bytes([tag, len(content)]) + content

    body = field(0x02, b"\x0a") + 4 * field(0x30, b"") + field(0x30, b"key")
    text = base64.b64encode(field(0x30, field(0x30, body))).decode()
    return f"-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n"


_CERTIFICATES = [_certificate()]


def _media_type(headers):
    return headers.get("Content-Type", "").partition(";")[0].strip().lower()


def _seen(sent):
    """Return the body as an engine shows it, empty where it does not."""
    return sent.raw if _media_type(sent.headers) == "application/json" and len(sent.raw) <= SHOWN else b""


def message(sent):
    """Return what the plugin is told."""
    certificates = [] if sent.user is None else _CERTIFICATES
    return Message(sent.user or "", sent.method, sent.uri, sent.headers, _seen(sent), certificates, 0, b"")


def told_of(sent):
    """Return the input of OPA, None where opa-docker-authz has none and refuses."""
    body = None
    if sent.headers.get("Content-Type") == "application/json" and _seen(sent):
        try:
            body = _unmarshalled(sent.raw)
        except ValueError:
            return None
        if body is not None and not isinstance(body, dict):
            return None
    path, _mark, query = sent.uri.partition("?")
    return {
        "Headers": sent.headers,
        "Path": sent.uri,
        "PathPlain": urllib.parse.unquote(path),
        "PathArr": urllib.parse.unquote(path).split("/"),
        "Query": urllib.parse.parse_qs(query, keep_blank_values=True),
        "Method": sent.method,
        "Body": body,
        "User": sent.user or "",
        "AuthMethod": "" if sent.user is None else "TLS",
        "BindMounts": None,
    }


def _unmarshalled(raw):
    """Return what Go makes of JSON where it is told no types: the last of two keys counts, numbers are floats."""

    def constant(text):
        raise ValueError(text)

    def number(text):
        found = float(text)
        if math.isinf(found):
            raise ValueError(text)
        return int(found) if found.is_integer() and abs(found) < 1e21 else found

    text = raw.decode("utf-8", "replace")
    value = json.loads(text, parse_constant=constant, parse_int=number, parse_float=number)
    half = json.dumps(value, ensure_ascii=False).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return json.loads(half)
