# SPDX-License-Identifier: GPL-3.0-or-later
"""seccomp_learn on real engines and the kernel's own records.

The kernel tells its records in the machine's own network namespace alone, which a throwaway host has not: the module
runs on the machine and asks the host's engine by its socket, which it finds processes of by their cgroups. What audit
reads is put into the host's /var/log/audit/audit.log, in auditd's place and form.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ansible_collections.containment.docker.plugins.module_utils._audit_netlink import Listener
from tests.hosts import module, play, start_host

REPOSITORY = Path(__file__).parents[2]
DIRECTORY = "/etc/containment/seccomp"
# Everything that the work below does: a file is made, looked at and removed, by programs that are gone at once.
WORK = "for n in 1 2 3 4 5; do echo $n > /tmp/$n; ls -l /tmp > /dev/null; mkdir /tmp/d; rmdir /tmp/d; rm /tmp/$n; done"

LOG = "/var/log/audit/audit.log"
# Of a service: how its container is made, when it is ready, what its clients do, each in a container beside it.
PGBENCH = ["/usr/lib/postgresql/15/bin/pgbench", "-h127.0.0.1", "-Upostgres"]
PSQL = ["psql", "-h127.0.0.1", "-Upostgres", "-qc"]
SERVICES = {
    "nginx": (
        ["services", "nginx", "-g", "daemon off;"],
        ["busybox", "wget", "-qO-", "http://127.0.0.1/"],
        [["busybox", "sh", "-c", "for n in 1 2 3; do busybox wget -qO- http://127.0.0.1/ || exit 1; done"]],
    ),
    "postgresql": (
        [
            *("--user=postgres", "services", "sh", "-c"),
            "cd /usr/lib/postgresql/15/bin && { test -e /tmp/db || ./initdb -D /tmp/db -A trust > /tmp/log; } && "
            "exec ./postgres -D /tmp/db -k /tmp",
        ],
        [*PSQL, "select 1"],
        [
            [*PSQL, "create table if not exists t as select generate_series(1, 1000) as n; create index on t (n)"],
            [*PGBENCH, "-qi", "-s1", "postgres"],
            [*PGBENCH, "-c4", "-t20", "postgres"],
            [*PSQL, "vacuum"],
            [*PSQL, "checkpoint"],
        ],
    ),
    "redis": (
        ["services", "redis-server", "--dir", "/tmp", "--protected-mode", "no"],
        ["redis-cli", "ping"],
        [
            ["redis-benchmark", "-q", "-n", "500", "-c", "5", "-t", "set,get,lpush,sadd"],
            ["sh", "-c", "redis-cli bgsave; sleep 1; redis-cli bgrewriteaof; sleep 1"],
        ],
    ),
}
SECONDS = 60  # three times what a service needs to do all of its work on a machine that does other work, too
# What a health check does: a program of the container's own image, started by the engine.
CHECK = ["docker", "exec", "service", "busybox", "sh", "-c", "busybox true; busybox sleep 1"]

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="not possible here: audit records are root's")


def learn(host, **options):
    """Run the module on this machine and return its result."""
    given = dict(options, socket=f"{host.root}/run/docker.sock")
    argv = [sys.executable, str(REPOSITORY / "plugins/modules/seccomp_learn.py")]
    done = subprocess.run(
        argv,
        check=False,
        input=json.dumps({"ANSIBLE_MODULE_ARGS": given}),
        capture_output=True,
        text=True,
        env=dict(os.environ, PYTHONPATH=str(REPOSITORY / ".cache/collections")),
    )
    assert done.stdout, done.stderr
    return json.loads(done.stdout)


def listening(host, names, seconds):
    """Begin to listen and return the name of the job."""
    begun = learn(host, containers=names, seconds=seconds, wait=False)
    assert not begun.get("failed") and begun["containers"] == [], begun
    assert begun["progress"]["path"] == "containers " + ", ".join(names)
    return begun["progress"]["job"]


def profile(host, name, base, overlays, **options):
    given = dict(options, name=name, base=base, overlays=overlays)
    made = module(host, "containment.docker.seccomp_profile", given)
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
    job, told = listening(host, ["work"], 8), []
    while True:
        host.run(["docker", "exec", "work", "sh", "-c", WORK])
        found = learn(host, job=job, slice=1)
        if not found["progress"]:
            break
        told.append(found["progress"])
    assert told == sorted(told, key=lambda one: one["part"]) and told[-1]["inodes"] > told[-1]["kinds"] > 5, told
    (one,) = found["containers"]
    calls = {entry["call"] for entry in one["calls"]}
    assert found["lost"] == 0 and not one["unnamed"] and found["source"] == "netlink", found
    assert {"mkdir", "rmdir", "unlink", "execve"} - {"execve"} <= calls and "capset" not in calls, calls

    learned = profile(host, "learned", "deny", one["overlays"])
    run = ["docker", "run", "--rm", "--network=none", f"--security-opt=seccomp={learned}", "busybox", "sh", "-c"]
    host.run([*run, f"set -e; {WORK}"])
    assert host.run([*run, "ln -s a /tmp/b"], check=False).returncode == 1
    assert host.run([*run[:3], "--network=none", "busybox", "ln", "-s", "a", "/tmp/b"], check=False).returncode == 0


def test_what_cannot_be_learned_from_is_told(host):
    host.run(["docker", "run", "-d", "--name=work", "busybox", "sleep", "1000"])
    told = learn(host, containers=["work"], seconds=1)
    assert told["failed"] and "was not made with a profile that logs what it lets through" in told["msg"]
    # One that is made again has to log by the end.
    told = learn(host, job=listening(host, ["work"], 1))
    assert told["failed"] and "container work: has a profile that logs nothing" in told["msg"]
    told = learn(host, containers=["wrok"], seconds=1)
    assert told["failed"] and "container wrok: no call of it was heard; see that the name is right" in told["msg"]
    for names, seconds, words in (
        ([], 1, "containers: is empty"),
        (["a", "a"], 1, "names one twice"),
        (["a"], 0, "seconds: 0 is not within"),
        (["../x"], 1, "'../x' is no name of a container"),
    ):
        assert words in learn(host, containers=names, seconds=seconds)["msg"]
    assert "slice: 0 is less than 1" in learn(host, containers=["a"], slice=0)["msg"]
    checked = learn(host, containers=["later"], seconds=1, _ansible_check_mode=True)
    assert checked["containers"][0]["overlays"] == checked["containers"][0]["calls"] == [] and not checked["changed"]
    begun = learn(host, containers=["work"], wait=False, _ansible_check_mode=True)
    assert begun["containers"] == [] and begun["progress"]["path"] == "containers work"
    ended = learn(host, job=begun["progress"]["job"], _ansible_check_mode=True)
    assert [one["name"] for one in ended["containers"]] == ["work"] and ended["progress"] is ended["source"] is None


def test_a_listening_gives_way_only_where_nobody_waits(host):
    first = listening(host, ["one"], 600)
    second = listening(host, ["two"], 1)
    assert "ended before it was done; listen again" in learn(host, job=first)["msg"]
    assert "container two: no call of it was heard" in learn(host, job=second)["msg"]


@pytest.fixture(scope="module")
def services(swept):
    """A host whose engine logs what filters answer with an errno, with the image of the services."""
    with start_host("forky") as host:
        host.import_services()
        yield host


def serve(host, service, path):
    """Let a service do all that it does, from its start to its end and again, under a profile."""
    container, ready, work = SERVICES[service]

    def client(argv, check=True):
        return host.run(["docker", "run", "--rm", "--network=container:service", "services", *argv], check=check)

    host.run(["docker", "rm", "-f", "service"], check=False)
    host.run(["docker", "run", "-d", "--network=none", "--name=service", f"--security-opt=seccomp={path}", *container])
    for start in (False, True):
        if start:
            host.run(["docker", "stop", "service"])
            host.run(["docker", "start", "service"])
        end = time.monotonic() + 30
        while client(ready, check=False).returncode:
            assert time.monotonic() < end, host.run(["docker", "logs", "service"]).stderr
        for argv in work:
            client(argv)
        host.run(CHECK)
    state = ["docker", "inspect", "--format={{.State.Running}} {{.RestartCount}}", "service"]
    assert host.run(state).stdout == "true 0\n"


def allowed(host, path):
    rules = json.loads(host.run(["cat", path]).stdout)["syscalls"]
    return {name for rule in rules if rule["action"] == "SCMP_ACT_ALLOW" for name in rule["names"]}


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_is_learned_and_what_it_never_did_is_refused_and_told(services, service):
    host = services
    logging = profile(host, "logging", "log", [{"preset": "learning"}])
    job, begun = listening(host, ["service"], SECONDS), time.monotonic()
    serve(host, service, logging)
    assert time.monotonic() - begun < SECONDS
    found = learn(host, job=job)
    (one,) = found["containers"]
    assert (found["lost"], found["unattributed"], one["unnamed"]) == (0, 0, []), found
    assert any(service.split("sql")[0] in program for entry in one["calls"] for program in entry["programs"]), one

    # What was gone before anybody saw whose it was is for a person to judge: here nobody else logs calls of services.
    overlays, supposed = one["overlays"], sorted({entry["call"] for entry in one["supposed"]})
    overlays += [{"allow": supposed}] if supposed else []
    learned = profile(host, f"learned-{service}", "deny", overlays, log_denials=True)
    serve(host, service, learned)
    default = profile(host, "default", "engine", [])
    print(f"{service}: {len(allowed(host, learned))} calls of {len(allowed(host, default))}")
    assert 2 * len(allowed(host, learned)) < len(allowed(host, default))

    with Listener() as listener:
        host.run(["docker", "exec", "-d", *CHECK[2:5], "-c", "busybox mkfifo /tmp/fifo; busybox sleep 1000"])
        texts = [text for text in listener.texts(2) if text is not None]
    assert host.run(["docker", "exec", "service", "busybox", "test", "-e", "/tmp/fifo"], check=False).returncode == 1
    lines = ["type=SECCOMP msg=" + text for text in texts if "/busybox" in text and "code=0x5" in text]
    host.run(["mkdir", "-p", os.path.dirname(LOG)])
    host.run(["tee", LOG], input="\n".join(lines) + "\n")
    audit = play("containment.docker.audit", [host], groups={"docker_hosts": [host.name]})
    told = "\n".join(line for task in audit.tasks for line in task.result.get("msg") or [] if "refused" in line)
    assert "container service: was refused mknodat (" in told, (told, lines)
