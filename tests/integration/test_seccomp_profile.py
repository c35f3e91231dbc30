# SPDX-License-Identifier: GPL-3.0-or-later
"""seccomp_profile and seccomp_proof on real engines: what is composed is what containers get, and do, in the kernel."""

import base64
import errno
import json
import os
import signal

import pytest

from ansible_collections.containment.docker.plugins.module_utils import _seccomp_library, _seccomp_presets
from tests.hosts import module

from . import probe

X86_64 = "SCMP_ARCH_X86_64"
DIRECTORY = "/etc/containment/seccomp"
KEPT = "/var/lib/containment/seccomp"
X32 = 1 << 30
LIST = {"preset": "list-2015"}
(CALLS,) = (one["deny"] for one in _seccomp_presets.PRESETS["list-2015"] if "deny" in one)
(FAMILIES,) = (one["deny_families"] for one in _seccomp_presets.PRESETS["list-2015"] if "deny_families" in one)
# Calls that every program may make under the default of every engine, and what they may return.
CONTROL = {"getpid": None, "getcwd": -errno.ERANGE, "uname": -errno.EFAULT, "personality": 0, "umask": None}

pytestmark = pytest.mark.skipif(os.uname().machine != "x86_64", reason="not possible here: the probe is x86-64's")


@pytest.fixture(params=["bookworm", "trixie", "forky"])
def host(request):
    """A host without a profile before and after; what its engine told of its default stays, because that takes long."""
    host = request.getfixturevalue(request.param)
    host.import_image()
    host.run(["rm", "-rf", DIRECTORY])
    yield host
    host.run(["rm", "-rf", DIRECTORY, "/probe", "/results"])


def run(host, program, profile=None, options=()):
    """Run a static program in a container; return (its exit code, what its calls returned)."""
    host.run(["sh", "-c", "base64 -d > /probe && chmod 755 /probe"], input=base64.b64encode(program).decode())
    docker = ["docker", "run", "--rm", "--network", "none", "-v", "/probe:/probe:ro", "-v", f"/results:{probe.RESULTS}"]
    docker += ["--security-opt", f"seccomp={profile}"] if profile else []
    quoted = " ".join([*docker, *options, "busybox", "/probe"])
    done = host.run(["sh", "-c", f": > /results; {quoted} > /dev/null; echo $?; base64 /results"])
    code, *lines = done.stdout.split()
    return int(code), probe.results(base64.b64decode("".join(lines)))


def numbers(names):
    library = _seccomp_library.Library()
    return [(library.number(name, X86_64), ()) for name in names]


def made(host, *overlays, **options):
    result = module(
        host, "containment.docker.seccomp_profile", dict({"name": "one", "overlays": list(overlays)}, **options)
    )
    assert not result.get("failed"), result["msg"]
    return result


def told(host, *overlays, **options):
    result = module(
        host, "containment.docker.seccomp_profile", dict({"name": "one", "overlays": list(overlays)}, **options)
    )
    assert result.get("failed") and "msg" in result, result
    return result["msg"]


def files(host):
    return host.run(["sh", "-c", f"ls {DIRECTORY} 2>/dev/null || true"]).stdout.split()


def test_the_default_is_the_engines_own_and_four_registers_agree(host):
    """Composed of nothing but the default, it answers as the filter that the engine gives to its containers."""
    host.run(["rm", "-rf", KEPT])
    arguments = {"name": "one", "simulate": [{"call": "kcmp"}, {"call": "kcmp", "caps": ["CAP_SYS_PTRACE"]}]}
    checked = module(host, "containment.docker.seccomp_profile", arguments, check=True, diff=True)
    assert checked["changed"] and not files(host) and checked["base"].startswith("asked of engine")
    first = module(host, "containment.docker.seccomp_profile", arguments, diff=True)
    assert first["base"].startswith("kept from engine")
    assert first["changed"] and [first["path"]] == [f"{DIRECTORY}/{name}" for name in files(host)]
    for key in ("path", "sha256", "instructions", "families", "simulated", "diff"):
        assert checked[key] == first[key], key
    assert json.loads(host.run(["cat", first["path"]]).stdout) == json.loads(first["diff"]["after"])
    for check in (True, False):
        again = module(host, "containment.docker.seccomp_profile", arguments, check=check)
        assert not again["changed"] and again["sha256"] == first["sha256"] and again["base"].startswith("kept from")
    assert [one["action"] for one in first["simulated"]] == ["SCMP_ACT_ERRNO", "SCMP_ACT_ALLOW"]

    # What was told tells from then on which containers are under it.
    for caps in ("--label=none", "--cap-add=SYS_PTRACE", "--cap-drop=ALL", "--cap-add=SYS_ADMIN"):
        host.run(
            [
                "docker",
                "run",
                "-d",
                "--network=none",
                f"--name=c{caps.replace('=', '-')}",
                caps,
                "busybox",
                "sleep",
                "1000",
            ]
        )
    (engine,) = module(host, "containment.docker.engine_info")["engines"]
    found = {one["name"]: one["seccomp"] for one in engine["containers"] if one["name"].startswith("c--")}
    host.run(["docker", "rm", "-f", *found])
    assert list(found.values()) == [{"profile": "daemon", "current": True}] * 4

    proof = module(host, "containment.docker.seccomp_proof", {"path": first["path"], "daemon": True})
    assert proof["proven"] and proof["evidence"] == "read from the kernel", proof
    assert [one["proof"] for one in proof["proofs"]] == [
        *("start", "filter", "exec", "shell"),
        *("start no-new-privileges", "filter no-new-privileges", "exec no-new-privileges", "shell no-new-privileges"),
    ]
    host.run(["sed", "-i", 's/"getcwd", //; s/"getcwd",//', first["path"]])
    proof = module(host, "containment.docker.seccomp_proof", {"path": first["path"], "daemon": True})
    assert proof["failed"] and "its filter in the kernel: otherwise for getcwd instead of the profile's" in proof["msg"]


def test_the_list_of_2015_is_enforced_and_the_rest_works(host):
    """Every call and every family of it, with the capabilities for them, so that nothing but the filter refuses."""
    caps = ("DAC_READ_SEARCH", "SYS_ADMIN", "SYS_BOOT", "SYS_MODULE", "SYS_PTRACE", "SYS_RAWIO", "SYS_TIME")
    options = [f"--cap-add={cap}" for cap in caps]
    code, without = run(host, probe.program(numbers(CALLS)), "unconfined", options)
    # A host in a container of its own has a filter above, and a kernel may lack some: no answer is the same for all.
    assert code == 0 and without.count(-errno.EPERM) < len(CALLS), dict(zip(CALLS, without, strict=True))
    path = made(host, LIST)["path"]
    code, denied = run(host, probe.program(numbers(CALLS)), path, options)
    assert code == 0 and dict(zip(CALLS, denied, strict=True)) == dict.fromkeys(CALLS, -errno.EPERM)

    calls = [(number, (family | high, 3)) for number in (41, 53) for family in range(64) for high in (0, 1 << 32)]
    code, answers = run(host, probe.program(calls), path, options)
    assert code == 0
    for (number, (family, _kind)), answer in zip(calls, answers, strict=True):
        refused = family & 0xFFFFFFFF in (FAMILIES if number == 53 else (0, *FAMILIES))  # No socket is of AF_UNSPEC.
        assert (answer == -errno.EAFNOSUPPORT) is refused, (number, family, answer)

    proof = module(host, "containment.docker.seccomp_proof", {"path": path})
    assert proof["proven"], proof
    code, answers = run(host, probe.program(numbers(CONTROL)), path)
    assert code == 0
    for (name, expected), answer in zip(CONTROL.items(), answers, strict=True):
        assert answer == expected if expected is not None else answer >= 0, name

    # A foreign architecture's calls end the process, whatever they are: 32-bit ones, and those of x32.
    if run(host, probe.program([(20, ())], compat=True))[0] == 0:
        assert run(host, probe.program([(20, ())], compat=True), path)[0] == 128 + signal.SIGSYS
    assert run(host, probe.program([(39 | X32, ())]), path)[0] == 128 + signal.SIGSYS


def test_one_call_is_allowed_back(host):
    (number,) = numbers(["clock_adjtime"])
    calls = probe.program([number])
    assert run(host, calls, made(host, LIST)["path"]) == (0, [-errno.EPERM])
    code, (answer,) = run(host, calls, made(host, LIST, {"allow": ["clock_adjtime"]})["path"])
    assert code == 0 and answer == -errno.EFAULT


def test_getcwd_is_denied_where_the_runtime_does_without(host):
    assert "denies getcwd, which the runtime itself calls: no container would start" in told(host, {"deny": ["getcwd"]})
    assert not files(host)
    result = made(host, {"deny": ["getcwd"]}, no_new_privileges=True)
    proof = module(host, "containment.docker.seccomp_proof", {"path": result["path"], "no_new_privileges": True})
    assert proof["proven"], proof
    call = probe.program(numbers(["getcwd"]))
    assert run(host, call, result["path"], ["--security-opt", "no-new-privileges"]) == (0, [-errno.EPERM])
    proof = module(host, "containment.docker.seccomp_proof", {"path": result["path"]})
    assert proof["failed"] and "a container: " in proof["msg"] and "operation not permitted" in proof["msg"]


def test_all_is_denied_but_a_list(host):
    assert "which the runtime itself calls" in told(host, {"allow": ["write", "exit", "umask"]}, base="deny")
    assert not files(host)
    result = made(host, {"preset": "runtime"}, {"allow": ["write", "exit", "umask"]}, base="deny")
    code, (umask, uname) = run(host, probe.program(numbers(["umask", "uname"])), result["path"])
    assert code == 0 and umask >= 0 and uname == -errno.EPERM
    proof = module(host, "containment.docker.seccomp_proof", {"path": result["path"], "shell": False})
    assert proof["proven"], proof


@pytest.mark.parametrize("host", ["trixie"], indirect=True)
def test_what_is_wrong_is_told_and_nothing_is_written(host):
    default = {"defaultAction": "SCMP_ACT_ERRNO", "architectures": [X86_64]}
    allow = {"names": ["read"], "action": "SCMP_ACT_ALLOW"}
    deny = {"names": ["read"], "action": "SCMP_ACT_ERRNO"}
    cases = {
        '{"defaultAction": "SCMP_ACT_ALLOW",}': "line 1, column 35",
        '{"defaultAction": "SCMP_ACT_ALLOW", "defaultAction": "SCMP_ACT_ERRNO"}': "line 1, column 37",
        "{}": "is empty, which an engine takes for no filter at all",
        json.dumps(dict(default, defaultaction="SCMP_ACT_ALLOW")): "write it as defaultAction",
        json.dumps(dict(default, syscalls=[dict(allow, name="read")])): "syscalls[0].name: stands beside names",
        json.dumps(dict(default, syscalls=[dict(allow, action="allow")])): "write SCMP_ACT_ALLOW",
        json.dumps(dict(default, syscalls=[dict(deny, names=["raed"])])): "this host knows no system call 'raed'",
        json.dumps(dict(default, syscalls=[dict(allow, includes={"caps": ["cap_sys_admin"]})])): "write CAP_SYS_ADMIN",
        json.dumps(dict(default, syscalls=[dict(allow, args=[{"index": 6, "op": "SCMP_CMP_EQ"}])])): "within 0-5",
        json.dumps(dict(default, syscalls=[dict(allow, args=[{"index": 0, "op": "EQ"}])])): "write SCMP_CMP_EQ",
        json.dumps(
            {
                "defaultAction": "SCMP_ACT_ALLOW",
                "syscalls": [
                    {
                        "names": ["socket"],
                        "action": "SCMP_ACT_ERRNO",
                        "args": [{"index": 0, "op": "SCMP_CMP_EQ", "value": 38}],
                    }
                ],
            }
        ): "compares 64 bits, and the kernel takes 32",
        json.dumps(dict(default, listenerPath="/run/agent")): "listenerPath: needs an agent",
    }
    for content, sentence in cases.items():
        host.run(["tee", "/root/base.json"], input=content)
        assert sentence in told(host, base="/root/base.json"), content
    assert not files(host)
    for options, sentence in {
        ("name", "../x"): "name: '../x' is no name of a file",
        ("base", "default"): "base: 'default' is no base",
        ("base", "/nowhere.json"): "/nowhere.json is not there",
        ("directory", "seccomp"): "directory",
        ("timeout", 0): "timeout: 0",
    }.items():
        assert sentence in told(host, **dict([options])), options
    for overlay, sentence in (
        ({"deny": ["Getcwd"]}, "overlays[0].deny[0]: 'Getcwd' is no name of a call"),
        ({"deny": ["read"], "allow": ["read"]}, "overlays[0]: says allow and deny"),
        ({"preset": "2015"}, "overlays[0].preset: '2015' is no preset"),
        ({"deny_families": [64]}, "overlays[0].deny_families[0]: 64 is no number within 0-63"),
        ({"deny": ["getpid"], "errno": 0}, "overlays[0].errno: 0 is not within"),
    ):
        assert sentence in told(host, overlay), overlay
    assert not files(host)


@pytest.mark.parametrize("host", ["trixie"], indirect=True)
def test_no_new_profile_takes_the_place_of_another(host):
    one, other = made(host, LIST), made(host, {"deny": ["personality"]})
    assert sorted(files(host)) == sorted(os.path.basename(result["path"]) for result in (one, other))
    host.run(["sh", "-c", f"echo '{{}}' > {one['path']}"])
    assert made(host, LIST)["changed"] and json.loads(host.run(["cat", one["path"]]).stdout)["syscalls"]


def test_an_old_engine_under_another_profile_says_so_or_uses_what_it_told_before(bookworm):
    host = bookworm
    path = made(host, LIST)["path"]
    before = host.run(["sh", "-c", "cat /etc/docker/daemon.json 2>/dev/null || true"]).stdout
    try:
        host.run(["tee", "/etc/docker/daemon.json"], input=json.dumps({"seccomp-profile": path}))
        host.run(["systemctl", "restart", "docker"])
        host.wait_for_engine()
        proof = module(host, "containment.docker.seccomp_proof", {"path": path, "daemon": True})
        assert proof["proven"], proof
        assert made(host, LIST, {"deny": ["umask"]})["base"].startswith("kept from engine 20.10")
        host.run(["rm", "-r", KEPT])
        assert "does not tell its own default while another daemon-wide profile is in force" in told(host, LIST)
    finally:
        if before:
            host.run(["tee", "/etc/docker/daemon.json"], input=before)
        else:
            host.run(["rm", "/etc/docker/daemon.json"])
        host.run(["systemctl", "reset-failed", "docker"])
        host.run(["systemctl", "restart", "docker"])
        host.wait_for_engine()
        host.run(["rm", "-rf", DIRECTORY, KEPT])
