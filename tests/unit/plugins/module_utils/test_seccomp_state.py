# SPDX-License-Identifier: GPL-3.0-or-later
"""Which profile a container is under, of what its runtime was told."""

import json

import pytest

from ansible_collections.containment.docker.plugins.module_utils import _seccomp_state as core

DAEMON = {
    "defaultAction": "SCMP_ACT_ERRNO",
    "architectures": ["SCMP_ARCH_X86_64"],
    "syscalls": [
        {"names": ["read", "write"], "action": "SCMP_ACT_ALLOW"},
        {"names": ["mount"], "action": "SCMP_ACT_ALLOW", "includes": {"caps": ["CAP_SYS_ADMIN"]}},
        {"names": ["ptrace"], "action": "SCMP_ACT_ALLOW", "includes": {"minKernel": "4.8"}},
    ],
}
KERNEL = {"release": "6.1.0-13-amd64", "machine": "x86_64"}


def bundle(*names, caps=()):
    rules = [{"names": [name], "action": "SCMP_ACT_ALLOW"} for name in names]
    seccomp = {"defaultAction": "SCMP_ACT_ERRNO", "architectures": ["SCMP_ARCH_X86_64"], "syscalls": rules}
    return {"linux": {"seccomp": seccomp}, "process": {"capabilities": {"bounding": list(caps)}}}


def state(told, **host):
    daemon, kernel = json.dumps(host.pop("daemon", DAEMON)).encode(), dict(KERNEL, **host.pop("kernel", {}))
    daemon = core.of_daemon(daemon, kernel["machine"])
    found = core.of_container({"HostConfig": host}, told, daemon, kernel)
    return found and (found["profile"], found["current"])


def test_a_container_of_the_daemons_profile_is_told_from_one_of_an_earlier_one():
    assert state(bundle("write", "read", "ptrace")) == ("daemon", True)
    assert state(bundle("write", "read", "ptrace", "mount", caps=["CAP_SYS_ADMIN"])) == ("daemon", True)
    assert state(bundle("write", "read", "ptrace", "mount")) == ("daemon", False)
    assert state(bundle("write", "read")) == ("daemon", False)
    assert state(bundle("write", "read"), kernel={"release": "4.7.1"}) == ("daemon", True)


def test_what_cannot_be_told():
    assert state(None) is None
    assert state(bundle("read"), daemon=None) == ("daemon", None)
    assert state(bundle("read"), daemon={"defaultAction": "nonsense"}) == ("daemon", None)
    assert state(bundle("read"), kernel={"machine": "vax"}) == ("daemon", None)


@pytest.mark.parametrize("sign", ["=", ":"])
def test_what_a_container_was_made_with(sign):
    assert state(bundle("read"), SecurityOpt=["no-new-privileges", f"seccomp{sign}{{}}"]) == ("own", None)
    assert state(bundle("read"), SecurityOpt=[f"seccomp{sign}builtin"]) == ("builtin", None)
    assert state(bundle("read"), SecurityOpt=[f"seccomp{sign}{{}}", f"seccomp{sign}builtin"]) == ("builtin", None)
    assert state({"linux": {}}, SecurityOpt=[f"seccomp{sign}unconfined"]) == ("unconfined", None)
    assert state({"linux": {}}, Privileged=True) == ("privileged", None)
    assert state(bundle("read"), Privileged=True, SecurityOpt=[f"seccomp{sign}{{}}"]) == ("own", None)


def test_what_an_engine_has():
    ours, made = "/srv/profiles/daemon-0123456789abcdef.json", {"0123456789abcdef" * 4: "26.1.5", "f" * 64: "28.5.2"}
    assert core.of_engine(None, {}, "28.5.2") == {"profile": None, "base_outdated": False}
    for name in ("default", "builtin"):
        assert core.of_engine({"profile": name}, made, "28.5.2") == {"profile": "builtin", "base_outdated": False}
    assert core.of_engine({}, {}, None)["profile"] == "builtin"
    for path, version, outdated in (
        (ours, "28.5.2", True),
        (ours, "26.1.5", False),
        ("/srv/profiles/daemon-" + "f" * 16 + ".json", "28.5.2", False),
        ("/srv/profiles/daemon-" + "e" * 16 + ".json", "28.5.2", False),
        ("/etc/docker/own.json", "28.5.2", False),
        ("/etc/docker/own-.json", "28.5.2", False),
    ):
        assert core.of_engine({"profile": path}, made, version) == {"profile": path, "base_outdated": outdated}


def test_what_an_engine_told_of_its_default():
    told = {"architecture": "SCMP_ARCH_X86_64", "kernel": [6, 1], "profile": DAEMON}

    def read(kernel, **more):
        return core.of_default(json.dumps(dict(told, **more)).encode(), kernel)

    assert read(KERNEL) is not None
    assert read(KERNEL) == core.of_daemon(json.dumps(DAEMON).encode(), "x86_64")
    for kernel, more in (
        (dict(KERNEL, release="6.2.0"), {}),
        (dict(KERNEL, machine="aarch64"), {}),
        (dict(KERNEL, machine="vax"), {"architecture": ""}),
        (KERNEL, {"architecture": "SCMP_ARCH_AARCH64"}),
        (KERNEL, {"profile": {"defaultAction": "nonsense"}}),
        (KERNEL, {"more": 1}),
    ):
        assert read(kernel, **more) is None
    assert core.of_default(None, KERNEL) is None


def test_what_is_no_profile_is_none():
    assert core.parse(json.dumps(DAEMON).encode()) == DAEMON
    assert [core.parse(data) for data in (None, b"", b"[]", b"{", b"\xff", b"[" * 100000)] == [None] * 6
