# SPDX-License-Identifier: GPL-3.0-or-later
"""What a roll-out of profiles changes of an engine's configuration."""

from ansible_collections.containment.docker.plugins.module_utils import _seccomp_role as core

DIRECTORY = "/etc/containment/seccomp"
ONE, OTHER = DIRECTORY + "/daemon-1.json", DIRECTORY + "/daemon-2.json"


def host(configured=None, in_force="builtin", error=None, engines=True):
    engine = {
        "primary": True,
        "error": error,
        "configured": configured,
        "security_options": {"seccomp": {"profile": in_force}},
    }
    return {"engines": [engine] if engines else []}


def test_a_profile_is_named_and_ours_is_taken_out_again():
    assert core.change(host(), ONE, False, DIRECTORY) == {"merge": {"seccomp-profile": ONE}, "remove": []}
    assert core.change(host({"seccomp-profile": ONE}), "", False, DIRECTORY + "/") == {
        "merge": {},
        "remove": ["seccomp-profile"],
    }
    foreign = {"seccomp-profile": DIRECTORY + "-mine.json"}
    assert core.change(host(foreign), "", False, DIRECTORY) == {"merge": {}, "remove": []}
    assert core.change(host(engines=False), "", False, DIRECTORY) == {"merge": {}, "remove": []}
    assert core.change(host(), "", True, DIRECTORY)["merge"] == {"no-new-privileges": True}


def test_a_restart_is_for_what_changes_and_for_what_a_killed_run_did_not_come_to():
    assert core.restart(host(in_force=ONE), ONE, {"restart_required": True})
    assert not core.restart(host(in_force=ONE), ONE, {"restart_required": False})
    assert core.restart(host(in_force=OTHER), ONE, {"restart_required": False})
    assert core.restart(host(), ONE, {"skipped": True})
    assert not core.restart(host(), "", {"skipped": True})
    assert not core.restart(host(error="dead"), ONE, {}) and not core.restart(host(engines=False), ONE, {})
