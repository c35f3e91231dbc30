# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be had of gathering without an engine; with engines it is tested in tests/integration."""

import json
import os

import pytest

from ansible_collections.containment.docker.plugins.module_utils import (
    _engine_gather,
    _engine_read,
    _migration_record,
    _transaction,
)
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError


@pytest.mark.parametrize(
    "error",
    [ContainmentError("/t", "broken", "mend it"), OSError(5, "Input/output error", "/t"), PermissionError(13, "x")],
)
def test_transactions_that_cannot_be_read_are_a_fault_and_no_crash(monkeypatch, error):
    def names():
        raise error

    monkeypatch.setattr(_transaction, "names", names)
    assert _engine_gather._transactions() == ([], [], [], str(error))


@pytest.mark.parametrize("error", [ContainmentError("/m", "broken", "mend it"), PermissionError(13, "x")])
def test_migrations_that_cannot_be_read_are_a_fault_and_no_crash(monkeypatch, error):
    def read_all():
        raise error

    monkeypatch.setattr(_migration_record, "read_all", read_all)
    assert _engine_gather._migrations() == ([], str(error))


def test_migrations_are_told_without_what_containers_are_configured_with(monkeypatch):
    told = ("name", "status", "source", "target", "begun", "switched", "aside", "old_root_needed", "removing")
    record = dict(dict.fromkeys(told, "x"), containers=[{"Config": {"Env": ["PASSWORD=1"]}}])
    monkeypatch.setattr(_migration_record, "read_all", lambda: [record])
    assert _engine_gather._migrations() == ([dict.fromkeys(told, "x")], None)


@pytest.mark.skipif(os.geteuid() != 0, reason="not possible here: needs root")
@pytest.mark.parametrize("values", [{"labels": [1]}, {"hosts": "x"}, {"userns-remap": 5}, {"data-root": "/a\0"}])
def test_values_that_no_engine_starts_with_are_a_fault_of_the_file(tmp_path, values):
    path = tmp_path / "daemon.json"
    path.write_text(json.dumps(values))
    found, fault = _engine_read.config(str(path))
    assert found is None and next(iter(values)) in fault
    path.write_text(json.dumps({"labels": ["a"], "unknown": [1], "hosts": None}))
    assert _engine_read.config(str(path)) == ({"labels": ["a"], "unknown": [1], "hosts": None}, None)
