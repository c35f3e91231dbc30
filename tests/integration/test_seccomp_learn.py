# SPDX-License-Identifier: GPL-3.0-or-later
"""seccomp_learn on a real engine and the kernel's own records.

The kernel tells its records in the machine's own network namespace alone, which a throwaway host has not: the module
runs on the machine and asks the host's engine by its socket, which it finds processes of by their cgroups.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.hosts import module

REPOSITORY = Path(__file__).parents[2]
DIRECTORY = "/etc/containment/seccomp"
# Everything that the work below does: a file is made, looked at and removed, by programs that are gone at once.
WORK = "for n in 1 2 3 4 5; do echo $n > /tmp/$n; ls -l /tmp > /dev/null; mkdir /tmp/d; rmdir /tmp/d; rm /tmp/$n; done"

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="not possible here: audit records are root's")


def learn(host, names, seconds, check=False):
    """Start the module on this machine; return the process."""
    given = {
        "containers": names,
        "seconds": seconds,
        "socket": f"{host.root}/run/docker.sock",
        "_ansible_check_mode": check,
    }
    argv = [sys.executable, str(REPOSITORY / "plugins/modules/seccomp_learn.py")]
    environment = dict(os.environ, PYTHONPATH=str(REPOSITORY / ".cache/collections"))
    process = subprocess.Popen(
        argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )
    process.stdin.write(json.dumps({"ANSIBLE_MODULE_ARGS": given}))
    process.stdin.close()
    return process


def result(process):
    out, err = process.stdout.read(), process.stderr.read()
    process.wait(60)
    assert out, err
    return json.loads(out)


def profile(host, name, base, overlays):
    made = module(host, "containment.docker.seccomp_profile", {"name": name, "base": base, "overlays": overlays})
    assert not made.get("failed"), made["msg"]
    return made["path"]


@pytest.fixture
def host(trixie):
    trixie.import_image()
    yield trixie
    trixie.run(["sh", "-c", "docker rm -f work other >/dev/null 2>&1"], check=False)
    trixie.run(["rm", "-rf", DIRECTORY])


def test_what_a_container_did_is_what_it_may_do_under_the_proposal(host):
    logging = profile(host, "logging", "log", [{"preset": "learning"}])
    host.run(["docker", "run", "-d", "--name=work", f"--security-opt=seccomp={logging}", "busybox", "sleep", "1000"])
    process = learn(host, ["work"], 10)
    while process.poll() is None:
        host.run(["docker", "exec", "work", "sh", "-c", WORK])
    found = result(process)
    (one,) = found["containers"]
    calls = {entry["call"] for entry in one["calls"]}
    assert found["lost"] == 0 and not one["unnamed"], found
    assert {"mkdir", "rmdir", "unlink", "execve"} - {"execve"} <= calls and "capset" not in calls, calls

    learned = profile(host, "learned", "deny", one["overlays"])
    run = ["docker", "run", "--rm", "--network=none", f"--security-opt=seccomp={learned}", "busybox", "sh", "-c"]
    assert host.run([*run, f"{WORK}; echo all done"]).stdout == "all done\n"
    refused = host.run([*run, "ln -s a /tmp/b; echo $?"])
    assert refused.stdout == "1\n" and "Operation not permitted" in refused.stderr


def test_what_cannot_be_learned_from_is_told(host):
    host.run(["docker", "run", "-d", "--name=work", "busybox", "sleep", "1000"])
    told = result(learn(host, ["work"], 1))
    assert told["failed"] and "was not made with a profile that logs what it lets through" in told["msg"]
    for names, seconds, words in (
        ([], 1, "containers: is empty"),
        (["a", "a"], 1, "names one twice"),
        (["a"], 0, "seconds: 0 is not within"),
        (["../x"], 1, "'../x' is no name of a container"),
    ):
        assert words in result(learn(host, names, seconds))["msg"]
    checked = result(learn(host, ["later"], 1, check=True))
    assert checked["containers"][0]["calls"] == [] and not checked["changed"]
