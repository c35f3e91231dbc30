# SPDX-License-Identifier: GPL-3.0-or-later
"""Profiles rolled out on real engines: announced, tried, in force after one restart, taken back."""

import json

from ansible_collections.containment.docker.plugins.module_utils import _seccomp_presets
from tests.hosts import play

HARDEN, AUDIT, ROLLBACK = ("containment.docker." + name for name in ("harden", "audit", "rollback"))
DAEMON = "/etc/docker/daemon.json"
LIST = [{"preset": "list-2015"}]


def run(playbook, host, *args, **extra_vars):
    return play(playbook, [host], *args, groups={"docker_hosts": [host.name]}, extra_vars=extra_vars)


def daemon(host):
    done = host.run(["cat", DAEMON], check=False)
    return json.loads(done.stdout) if done.returncode == 0 else {}


def reason(result):
    return " ".join(json.dumps(task.result.get("msg", "")) for task in result.tasks if task.status == "failed")


def table(result):
    return "\n".join(
        line for task in result.tasks for line in (task.result.get("msg") or []) if "What was" in task.name
    )


def changed(result):
    return [task.name for task in result.tasks if task.changed]


def test_a_profile_is_announced_rolled_out_left_alone_and_taken_back(docker_host):
    """On the oldest engine, which alone does not tell its own default under another; for the others, as for the filters
    of all: test_seccomp_profile.py."""
    host = docker_host("bookworm")
    services = [{"name": "one", "base": "deny", "overlays": [{"preset": "runtime"}]}]
    given = {"seccomp_overlays": LIST, "seccomp_services": services}
    announced = run(HARDEN, host, "--check", **given)
    assert announced.rc == 0, announced.stdout
    assert daemon(host) == {} and host.run(["ls", "/etc/containment"], check=False).returncode
    first = run(HARDEN, host, **given)
    assert first.rc == 0, first.stdout
    assert changed(announced) == changed(first)
    path = daemon(host)["seccomp-profile"]
    assert path.startswith("/etc/containment/seccomp/daemon-")
    assert "its filter in the kernel" in table(first) and "the profile's" in table(first)
    pid = host.run(["cat", "/run/docker.pid"]).stdout
    second = run(HARDEN, host, **given)
    assert second.rc == 0 and changed(second) == [] and host.run(["cat", "/run/docker.pid"]).stdout == pid
    assert "its filter in the kernel" in table(second)

    refused = run(HARDEN, host, seccomp_overlays=[*LIST, {"deny": ["getcwd"]}])
    assert refused.rc and "denies getcwd, which the runtime itself calls" in reason(refused)
    tried = run(HARDEN, host, seccomp_overlays=[*LIST, {"deny": ["mprotect"]}])
    assert tried.rc and "the host's shell in a container" in reason(tried)
    assert daemon(host)["seccomp-profile"] == path and host.run(["cat", "/run/docker.pid"]).stdout == pid

    without = run(HARDEN, host)
    assert without.rc == 0 and "seccomp-profile" not in daemon(host)
    back = run(ROLLBACK, host)
    assert back.rc == 0 and daemon(host)["seccomp-profile"] == path


def test_what_fails_behind_the_restart_is_put_back(docker_host):
    """Between the trial and the restart somebody breaks the file, and no container starts under it any more."""
    host = docker_host("trixie")
    given = {"seccomp_overlays": LIST}
    hook = (
        "[Service]\nExecStartPre=-/bin/sh -c 'sed -i s/SCMP_ACT_ERRNO/SCMP_ACT_DENY/ /etc/containment/seccomp/daemon-*'"
    )
    host.run(["mkdir", "-p", "/etc/systemd/system/docker.service.d"])
    host.run(["tee", "/etc/systemd/system/docker.service.d/break.conf"], input=hook + "\n")
    host.run(["systemctl", "daemon-reload"])
    failed = run(HARDEN, host, **given)
    assert failed.rc and "SCMP_ACT_DENY" in reason(failed), failed.stdout
    assert daemon(host) == {}
    host.run(["rm", "/etc/systemd/system/docker.service.d/break.conf"])
    host.run(["systemctl", "daemon-reload"])
    again = run(HARDEN, host, **given)
    assert again.rc == 0 and "its filter in the kernel" in table(again), again.stdout


def test_a_services_profile_that_fails_its_trial_fails_it_again(docker_host):
    """The runtime writes to other files than the one that this profile lets it write to."""
    host = docker_host("bookworm")
    names = sorted(set(_seccomp_presets.RUNTIME_EARLY + _seccomp_presets.RUNTIME_LATE) - {"write"})
    rules = [{"names": names, "action": "SCMP_ACT_ALLOW"}]
    rules.append({"names": list(_seccomp_presets.FALLBACKS), "action": "SCMP_ACT_ERRNO", "errnoRet": 38})
    first = [{"index": 0, "value": 0, "op": "SCMP_CMP_EQ"}]
    rules.append({"names": ["write"], "action": "SCMP_ACT_ALLOW", "args": first})
    odd = {"defaultAction": "SCMP_ACT_ERRNO", "architectures": ["SCMP_ARCH_X86_64"], "syscalls": rules}
    host.run(["tee", "/root/odd.json"], input=json.dumps(odd))
    services = [{"name": "odd", "base": "/root/odd.json", "overlays": []}]
    pid = host.run(["cat", "/run/docker.pid"]).stdout
    for _run in range(2):
        failed = run(HARDEN, host, seccomp_services=services)
        assert failed.rc and "a container: " in reason(failed) and "Try those of services" in failed.stdout
        assert daemon(host) == {} and host.run(["cat", "/run/docker.pid"]).stdout == pid
