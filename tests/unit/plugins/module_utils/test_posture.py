# SPDX-License-Identifier: GPL-3.0-or-later
"""The verdict and the table."""

from ansible_collections.containment.docker.plugins.module_utils import _posture

from .test_userns_plan import PLAIN, REMAPPED, engine, host

IDENTITY = {"uid": [[0, 0, 1]], "gid": [[0, 0, 1]]}
ROOT = {"path": "/var/lib/docker/100000.200000", "uid": 0, "gid": 200000, "mode": "0710"}
GOOD = host(engine(userns=REMAPPED, graph_root=ROOT))
PROOFS = [{"proof": "write", "title": "writing to a file of the host's root", "observed": "refused", "passed": True}]
BASELINE = [{"proof": "write", "title": "writing to a file of the host's root", "observed": "allowed", "passed": True}]


def test_a_host_that_was_switched_shows_was_and_is():
    report = _posture.report(GOOD, "docker1", host(engine()), PROOFS, BASELINE)
    assert report["verdict"] == "pass" and report["table"][0] == "docker1: hardened"
    assert [line.split() for line in report["table"]][1] == ["was", "is"]
    (proof,) = [line for line in report["table"] if "writing" in line]
    assert proof.startswith("ok") and proof.split()[-2:] == ["allowed", "refused"]
    assert "root in a container" in report["table"][7] and "uid 0 on the host" in report["table"][7]


def test_a_host_that_is_as_it_was_shows_one_column():
    report = _posture.report(GOOD, "docker1", GOOD, [])
    assert report["verdict"] == "pass"
    assert report["table"][-1] == "proven with a container: nothing, none was run"
    assert " was" not in report["table"][1]


NOT_REMAPPED = ["userns-remap in daemon.json", "userns-remap in force", "root in a container"]


def failed(report):
    return [one["control"] for one in report["controls"] if one["verdict"] == "fail"]


def test_what_fails_a_host():
    assert failed(_posture.report(GOOD, "h", GOOD, [])) == []
    none = ["engine", "running since", *NOT_REMAPPED, "graph root", "seccomp profile"]
    assert failed(_posture.report(host(), "h", host(), [])) == none
    plain = host(engine())
    assert failed(_posture.report(plain, "h", plain, [])) == [
        "userns-remap in daemon.json",
        "userns-remap in force",
        "root in a container",
    ]
    differs = [{"key": "userns-remap"}]
    pending = host(engine(userns=dict(PLAIN, configured="dockremap"), differences=differs))
    assert failed(_posture.report(pending, "h", pending, [])) == ["userns-remap in force", "root in a container"]
    moved = host(engine(userns=REMAPPED, differences=[{"key": "userns-remap"}]))
    assert failed(_posture.report(moved, "h", moved, [])) == ["userns-remap in force"]
    open_root = host(engine(userns=REMAPPED, graph_root=ROOT, graph_root_faults=["has mode 0755, not 0710"]))
    assert failed(_posture.report(open_root, "h", open_root, [])) == ["graph root"]
    dead = host(engine(error="is dead"))
    assert "engine" in failed(_posture.report(dead, "h", dead, []))
    root = host(engine(userns=dict(REMAPPED, mapping=IDENTITY), graph_root=ROOT))
    assert failed(_posture.report(root, "h", root, [])) == ["root in a container"]


def test_an_engine_that_filters_no_calls_fails():
    for profile, shown in (("unconfined", "unconfined"), (None, "none")):
        bare = host(engine(userns=REMAPPED, graph_root=ROOT, seccomp={"profile": profile, "base_outdated": False}))
        report = _posture.report(bare, "h", bare, [])
        assert failed(report) == ["seccomp profile"] and any(line.endswith(shown) for line in report["table"])


def test_a_second_engine_and_errors_fail_a_host():
    tenant = engine(primary=False, socket="/run/tenant.sock")
    two = dict(GOOD, engines=[*GOOD["engines"], tenant])
    report = _posture.report(two, "h", two)
    assert failed(report) == ["other engines"] and any(
        "/run/tenant.sock: not remapped" in line for line in report["table"]
    )
    both = dict(GOOD, engines=[*GOOD["engines"], dict(tenant, userns=REMAPPED)])
    assert failed(_posture.report(both, "h", both)) == []
    wrong = dict(GOOD, findings=[{"severity": "error", "subject": "kernel", "cause": "is", "mend": "mend"}])
    assert failed(_posture.report(wrong, "h", wrong)) == ["errors found"]


def test_a_host_without_user_namespaces_fails_and_one_that_waits_says_so():
    kernel = dict(GOOD["kernel"], user_namespaces=False, user_namespaces_error="unshare: No space left on device")
    poor = dict(GOOD, kernel=kernel)
    report = _posture.report(poor, "h", poor, waits=True)
    assert failed(report) == ["user namespaces"]
    assert report["table"][0] == "h: not hardened, waits for a reboot"
    assert "none: unshare: No space left on device" in report["table"][2]
    assert _posture.report(GOOD, "h", GOOD, waits=True)["table"][0] == "h: hardened, waits for a reboot"


def test_a_proof_that_failed_fails_the_host():
    report = _posture.report(GOOD, "h", GOOD, [dict(PROOFS[0], observed="allowed", passed=False)])
    assert report["verdict"] == "fail" and report["table"][0] == "h: not hardened"


def test_check_mode_judges_the_host_as_it_is():
    report = _posture.report(GOOD, "h", GOOD, [dict(PROOFS[0], observed=None, passed=False)], check_mode=True)
    assert report["verdict"] == "pass" and report["proofs"] == [] and "check mode" in report["table"][0]
    assert not any("proven" in line for line in report["table"])


def test_warnings_are_shown_and_notes_are_not():
    noted = dict(
        GOOD, findings=[{"severity": one, "subject": one, "cause": "is", "mend": "mend"} for one in ("warning", "note")]
    )
    assert _posture.report(noted, "h", noted, [])["table"][-1] == "note: warning: is; mend."
