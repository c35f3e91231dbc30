# SPDX-License-Identifier: GPL-3.0-or-later
"""What a kernel is given, by what it could not do and by its release."""

import pytest

from ansible_collections.containment.docker.plugins.module_utils import _kernel_plan

from .test_userns_plan import host

EL7 = "3.10.0-%s.el7.x86_64"
KEY = "user.max_user_namespaces"


def machine(release, maximum, *cmdline, works=False, error="unshare: Invalid argument", pending=()):
    return host(
        kernel={
            "release": release,
            "cmdline": list(cmdline),
            "max_user_namespaces": maximum,
            "user_namespaces": works,
            "user_namespaces_error": None if works else error,
            "args_pending": list(pending),
        }
    )


@pytest.mark.parametrize("release", ["6.1.0-40-amd64", EL7 % "327", EL7 % "1160"])
@pytest.mark.parametrize("maximum", [None, 0, 5])
def test_a_kernel_that_works_is_given_what_is_wanted_and_no_more(release, maximum):
    found = _kernel_plan.plan(machine(release, maximum, works=True))
    assert found == {"args": [], "sysctl": {}, "mends": False, "refusals": []}
    found = _kernel_plan.plan(machine(release, maximum, works=True), ["quiet", "a=1"])
    assert found == {"args": ["quiet", "a=1"], "sysctl": {}, "mends": False, "refusals": []}


@pytest.mark.parametrize(
    "release, maximum, args, sysctl",
    [
        (EL7 % "327.36.1", None, ["user_namespace.enable=1"], {}),
        (EL7 % "514", None, ["user_namespace.enable=1"], {}),
        (EL7 % "692", 0, ["user_namespace.enable=1"], {KEY: 15000}),
        (EL7 % "693", 0, ["namespace.unpriv_enable=1"], {KEY: 15000}),
        (EL7 % "862.14.4", 100, ["namespace.unpriv_enable=1"], {}),
        (EL7 % "956", 0, ["namespace.unpriv_enable=1"], {KEY: 15000}),
        (EL7 % "957", 0, [], {KEY: 15000}),
        (EL7 % "1160.119.1", 0, [], {KEY: 15000}),
        (EL7 % "1160", 15000, ["user_namespace.enable=1"], {}),
        ("4.18.0-553.el8_10.x86_64", 0, [], {KEY: 15000}),
        ("5.14.0-611.el9.x86_64", 0, [], {KEY: 15000}),
        ("6.12.57+deb13-amd64", 0, [], {KEY: 15000}),
    ],
)
def test_a_kernel_that_does_not_is_given_what_its_release_needs(release, maximum, args, sysctl):
    found = _kernel_plan.plan(machine(release, maximum), ["quiet"])
    assert found == {"args": ["quiet", *args], "sysctl": sysctl, "mends": True, "refusals": []}


def test_the_number_of_namespaces_is_the_variable():
    assert _kernel_plan.plan(machine("6.1.0", 0), max_user_namespaces=7)["sysctl"] == {KEY: 7}


@pytest.mark.parametrize(
    "release, maximum, cmdline, words",
    [
        ("6.1.0", None, [], "CONFIG_USER_NS"),
        ("6.1.0", 5, [], "no argument is known"),
        (EL7 % "1160", 5, ["user_namespace.enable=1"], "install a newer one"),
        (EL7 % "514", None, ["user_namespace.enable=1"], "install a newer one"),
        (EL7 % "862", 5, ["namespace.unpriv_enable=1"], "install a newer one"),
    ],
)
def test_a_kernel_that_cannot_be_helped_is_refused(release, maximum, cmdline, words):
    (refusal,) = _kernel_plan.plan(machine(release, maximum, *cmdline))["refusals"]
    assert refusal.startswith(f"kernel: {release} ") and words in refusal and "unshare: Invalid argument" in refusal


def test_an_argument_that_is_in_force_does_not_hide_a_parameter_that_is_missing():
    found = _kernel_plan.plan(machine(EL7 % "862", 0, "namespace.unpriv_enable=1"))
    assert found["sysctl"] == {KEY: 15000} and found["refusals"] == []


def test_a_wanted_argument_may_not_contradict_a_needed_one():
    (refusal,) = _kernel_plan.plan(machine(EL7 % "514", None), ["user_namespace.enable=0"])["refusals"]
    assert refusal.startswith("kernel_args: user_namespace.enable=0 contradicts user_namespace.enable=1")
    wanted = _kernel_plan.plan(machine(EL7 % "514", None), ["user_namespace.enable=1"])
    assert wanted == {"args": ["user_namespace.enable=1"], "sysctl": {}, "mends": True, "refusals": []}


def test_arguments_may_be_one_string():
    for text, words in (("", []), ('quiet a="b c"  d=1,2', ["quiet", 'a="b c"', "d=1,2"])):
        assert _kernel_plan.plan(machine("6.1.0", 5, works=True), text)["args"] == words


def test_what_an_unfinished_run_waits_for_is_wanted_too():
    kernel = machine("6.1.0", 5, works=True, pending=["a-b=1", "a-b=2", "c"])
    found = _kernel_plan.plan(kernel, ["quiet"])
    assert found == {"args": ["quiet", "a-b=1", "a-b=2", "c"], "sysctl": {}, "mends": True, "refusals": []}
    assert _kernel_plan.plan(kernel, ["a_b=3"])["args"] == ["a_b=3", "c"]


@pytest.mark.parametrize("release", ["6.1.0", EL7 % "514"])
@pytest.mark.parametrize(
    "maximum, error, words",
    [
        (0, "time: no answer for 5.0 s", "got no answer"),
        (None, "time: no answer for 5.0 s", "got no answer"),
        (9, "unshare: No space left on device", "all 9 are in use"),
    ],
)
def test_what_may_be_over_soon_is_no_reason_to_set_anything(release, maximum, error, words):
    found = _kernel_plan.plan(machine(release, maximum, error=error), ["quiet"])
    assert (found["args"], found["sysctl"], found["mends"]) == (["quiet"], {}, False)
    (refusal,) = found["refusals"]
    assert words in refusal and error in refusal


@pytest.mark.parametrize(
    "maximum, error", [(0, "unshare: No space left on device"), (None, "x: No space left on device")]
)
def test_without_any_namespaces_there_is_no_space_for_one(maximum, error):
    found = _kernel_plan.plan(machine(EL7 % "1160", maximum, error=error))
    assert found["mends"] and found["refusals"] == []


@pytest.mark.parametrize("number", [0, -5])
def test_a_number_that_forbids_is_refused_whether_it_is_needed_or_not(number):
    for works in (True, False):
        (refusal,) = _kernel_plan.plan(machine("6.1.0", 0, works=works), [], number)["refusals"]
        assert refusal.startswith(f"kernel_max_user_namespaces: {number} would forbid")
    assert _kernel_plan.plan(machine("6.1.0", 0), [], 1)["refusals"] == []


CONFLICT = {"path": "/etc/sysctl.d/99-stig.conf", "line": 3, "name": KEY, "value": "0", "wins": False}


def test_what_is_told():
    planned = {"args": ["a=1", "b"], "sysctl": {}}
    assert _kernel_plan.told(planned, {}, {}) == []
    assert _kernel_plan.told(planned, {"skipped": True}, {"reboot_required": False}) == []
    (overridden,) = _kernel_plan.told(planned, {"conflicts": [CONFLICT]}, {})
    assert overridden.startswith(f"/etc/sysctl.d/99-stig.conf, line 3: sets {KEY} to 0, which is overridden")
    (wins,) = _kernel_plan.told(planned, {"conflicts": [dict(CONFLICT, wins=True)]}, {})
    assert "it counts after the next boot" in wins
    (left,) = _kernel_plan.told(planned, {"conflicts": [dict(CONFLICT, value=None, wins=True)]}, {})
    assert f"has systemd-sysctl leave {KEY} alone" in left
    boot = {"reboot_required": True}
    (asks,) = _kernel_plan.told(planned, {}, boot)
    assert "started with a=1 b; set kernel_reboot_ok: true" in asks
    assert "the host is rebooted for it" in _kernel_plan.told(planned, {}, boot, reboot_ok=True)[0]
    assert "reboot it by hand" in _kernel_plan.told(planned, {}, boot, reboot_ok=True, local=True)[0]
