# SPDX-License-Identifier: GPL-3.0-or-later
"""The digest is the SHA-256 of hashlib, whichever implementation there is."""

import builtins
import hashlib
import importlib

import pytest

from ansible_collections.containment.docker.plugins.module_utils import _authz_digest


@pytest.fixture(params=[(), ("_sha2",), ("_sha2", "_sha256")])
def module(request, monkeypatch):
    """The module, on a Python without some implementations."""
    original = builtins.__import__

    def without(name, *rest, **options):
        if name in request.param:
            raise ImportError(name)
        return original(name, *rest, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    yield importlib.reload(_authz_digest)
    monkeypatch.undo()
    importlib.reload(_authz_digest)


@pytest.mark.parametrize("data", [b"", b"abc", bytes(range(256)) * 5000])
def test_it_is_that_of_hashlib(module, data):
    assert module.hexadecimal(data) == hashlib.sha256(data).hexdigest()
    assert module.hexadecimal(bytearray(data)) == hashlib.sha256(data).hexdigest()
