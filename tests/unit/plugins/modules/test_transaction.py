# SPDX-License-Identifier: GPL-3.0-or-later
"""What has to follow an undo, by the files that it touches."""

import json

from ansible_collections.containment.docker.plugins.module_utils import (
    _authz_install,
    _kernel_ledger,
    _kernel_sysctl,
    _transaction,
)
from ansible_collections.containment.docker.plugins.modules import transaction

LEDGER = json.dumps({"name": "a", "spelled": "a", "was": ["0"], "is": ["1"]}).encode() + b"\n"
SYSCTL = b"# user.max_user_namespaces was 0 before\nuser.max_user_namespaces = 9\n"


def follow_ups(files, back=False):
    undo = _transaction.Undo(["one"], {path: (None, *contents) for path, contents in files.items()})
    return transaction.follow_ups(undo, back)


def test_an_undo_of_nothing_asks_for_nothing():
    nothing = {"kernel_args": {}, "kernel_sysctl": {}, "volumes": {}}
    assert follow_ups({}) == dict(nothing, restart_required=False, authz=False)


def test_files_of_the_engine_ask_for_a_restart():
    assert follow_ups({"/etc/docker/daemon.json": (b"{}", None)})["restart_required"] is True


def test_a_policy_asks_for_nothing_and_an_engine_that_asks_the_plugin_for_it():
    assert follow_ups({_authz_install.POLICY: (b"{}", None)})["restart_required"] is False
    named = b'{"authorization-plugins": ["containment"]}'
    files = {_authz_install.POLICY: (None, b"{}"), "/etc/docker/daemon.json": (b"{}", named)}
    found = follow_ups(files)
    assert found["authz"] is True and found["restart_required"] is True
    assert follow_ups(files, back=True)["authz"] is False
    assert follow_ups({"/etc/docker/daemon.json": (named, None)})["authz"] is False
    assert follow_ups({"/etc/docker/daemon.json": (named, None)}, back=True)["authz"] is True


def test_kernel_settings_ask_for_their_own_and_for_no_restart():
    files = {_kernel_ledger.PATH: (LEDGER, None), _kernel_sysctl.PATH: (SYSCTL, None)}
    assert follow_ups(files) == {
        "restart_required": False,
        "kernel_args": {"present": ["a=0"], "absent": []},
        "kernel_sysctl": {"user.max_user_namespaces": "0"},
        "volumes": {},
        "authz": False,
    }


def test_an_undo_that_is_taken_back_asks_for_what_was_before_it():
    files = {_kernel_ledger.PATH: (LEDGER, None), _kernel_sysctl.PATH: (SYSCTL, None)}
    assert follow_ups(files, back=True) == {
        "restart_required": False,
        "kernel_args": {"present": ["a=1"], "absent": []},
        "kernel_sysctl": {"user.max_user_namespaces": "9"},
        "volumes": {},
        "authz": False,
    }
