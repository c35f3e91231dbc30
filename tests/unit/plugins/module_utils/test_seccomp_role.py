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
    def restart(one, path, key):
        return core.restart(one, path, key, DIRECTORY)

    assert restart(host(in_force=ONE), ONE, {"restart_required": True})
    assert not restart(host(in_force=ONE), ONE, {"restart_required": False})
    assert restart(host(in_force=OTHER), ONE, {"restart_required": False})
    assert restart(host(), ONE, {"skipped": True})
    assert not restart(host(), "", {"skipped": True})
    assert restart(host(in_force=ONE), "", {"skipped": True})
    assert not restart(host(in_force=DIRECTORY + "-mine.json"), "", {"skipped": True})
    assert not restart(host(error="dead"), ONE, {}) and not restart(host(engines=False), ONE, {})


def refusals(overlays=(), base="engine", services=(), machine="x86_64", directory=DIRECTORY):
    return core.refusals({"kernel": {"machine": machine}}, list(overlays), base, list(services), directory)


def test_variables_are_judged_before_an_engine_is_there():
    good = [{"preset": "list-2015"}, {"architectures": ["SCMP_ARCH_X86_64"]}]
    services = [{"name": "web", "overlays": good}, {"name": "db", "base": "deny", "overlays": []}]
    assert refusals(good, "engine", services) == []
    for found, words in (
        (refusals([{"deny": ["Read"]}]), "seccomp_overlays: overlays[0].deny[0]: 'Read' is no name of a call"),
        (refusals(base="none"), "seccomp_overlays: base: 'none' is no base"),
        (refusals(directory="x"), "directory: 'x' is not an absolute path"),
        (refusals(services=[{"name": "a/b", "overlays": []}]), "seccomp_services: name: 'a/b' is no name"),
        (refusals(services=[{"name": "a", "overlays": [{}]}]), "seccomp_services: overlays[0]: says nothing"),
        (refusals(services=[services[0]] * 2), "seccomp_services: names 'web' twice"),
        (refusals(services=[dict(services[0], name="daemon")]), "which is the engine's own"),
        (refusals(good, machine="aarch64"), "lacks SCMP_ARCH_AARCH64"),
    ):
        assert len(found) == 1 and words in found[0], found
