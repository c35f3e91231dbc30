# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may do what to a real engine, by the docker command line with real certificates."""

import time
from pathlib import Path

import pytest

from tests.integration import authz


@pytest.fixture(scope="module", params=["bookworm", "forky"])
def host(request, swept):
    from tests.hosts import start_host

    with start_host(request.param) as started:
        started.wait_for_engine()
        started.import_image("foobar")
        started.import_image("other")
        authz.install(started)
        for name in ("web", "db", "third"):
            started.run(["docker", "create", "--name", name, "foobar", "sleep", "1000"])
        started.run(["docker", "run", "-d", "-v", "/:/host", "--name", "super", "foobar", "sleep", "1000"])
        yield started


# (words, who may): o operator, c creator, r runner.
COMMANDS = [
    ("version", "ocr"),
    ("start web", "or"),
    ("stop -t 0 web", "or"),
    ("start db", "or"),
    ("stop -t 0 db", "or"),
    ("start third", "r"),
    ("stop -t 0 third", "r"),
    ("start super", "r"),
    ("restart -t 0 web", "r"),
    ("kill super", "r"),
    ("ps", "r"),
    ("info", "r"),
    ("images", "r"),
    ("inspect web", "r"),
    ("logs web", "r"),
    ("exec super true", "r"),
    ("cp web:/etc/passwd -", "r"),
    ("rename third fourth", "r"),
    ("rename fourth third", "r"),
    ("update --memory-swap -1 --memory 64m third", "r"),
    ("create foobar true", "cr"),
    ("create foobar:latest true", "cr"),
    ("create --name NAME foobar true", "cr"),
    ("create -e A=b -p 8080:80 --memory 32m --init --rm foobar true", "cr"),
    ("create -v data:/data foobar true", "r"),
    ("create other true", "r"),
    ("create --privileged foobar true", "r"),
    ("create --cap-add SYS_ADMIN foobar true", "r"),
    ("create --security-opt seccomp=unconfined foobar true", "r"),
    ("create --security-opt systempaths=unconfined foobar true", "r"),
    ("create --pid host foobar true", "r"),
    ("create --network host foobar true", "r"),
    ("create --ipc container:web foobar true", "r"),
    ("create -v /:/host foobar true", "r"),
    ("create --mount type=bind,src=/etc,dst=/x foobar true", "r"),
    ("create --device /dev/null foobar true", "r"),
    ("create --volumes-from super foobar true", "r"),
    ("create --cgroup-parent x.slice foobar true", "r"),
    ("create --sysctl net.ipv4.ip_forward=1 foobar true", "r"),
    ("run -d --rm foobar true", "r"),
    ("run -d --rm -v /:/host foobar true", "r"),
    ("volume create more", "r"),
    ("network create nets", "r"),
    ("tag foobar another", "r"),
    ("rmi another", "r"),
    ("network rm nets", "r"),
]


@pytest.mark.parametrize("words, who", COMMANDS, ids=[one[0] for one in COMMANDS])
def test_three_admins_may_do_what_their_roles_say(host, words, who):
    for admin in authz.ADMINS:
        host.run(["docker", "start", "super"])
        done = authz.docker(host, admin, *words.replace("NAME", f"by-{admin}").split())
        told = done.stdout + done.stderr  # The client of 20.10 tells of a refused info on its output.
        refused = "authorization denied by plugin containment" in told
        if admin[0] in who:
            assert not refused, str(done)
            assert done.returncode == 0, str(done)
        else:
            assert refused, str(done)
            assert f"{admin} may not: " in told and "Ask the docker team." in told, str(done)


def test_decisions_and_results_are_in_the_journal(host):
    authz.docker(host, "creator", "create", "--privileged", "-e", "PASSWORD=secret-1", "foobar", "true")
    refused = authz.records(host, "DOCKER_AUTHZ_USER=creator", "DOCKER_AUTHZ_DECISION=deny")[-1]
    assert refused["DOCKER_AUTHZ_ACTION"] == "container.create"
    assert refused["DOCKER_AUTHZ_IMAGE"] == "foobar"
    assert refused["DOCKER_AUTHZ_CMD"] == "true"
    assert "HostConfig.Privileged" in refused["DOCKER_AUTHZ_PRIVILEGED"]
    assert refused["PRIORITY"] == "4"
    assert "secret-1" not in str(refused)
    authz.docker(host, "runner", "create", "--privileged", "--name", "marked", "foobar", "true")
    allowed = authz.records(host, "DOCKER_AUTHZ_USER=runner", "DOCKER_AUTHZ_CONTAINER=marked")
    assert [
        one["DOCKER_AUTHZ_DECISION"] for one in allowed if one.get("DOCKER_AUTHZ_ACTION") == "container.create"
    ] == ["allow"]
    created = next(one for one in allowed if one["DOCKER_AUTHZ_ACTION"] == "container.create")
    assert created["DOCKER_AUTHZ_RULE"] == "everything[0]" and created["DOCKER_AUTHZ_PRIVILEGED"]
    serial = host.run(["openssl", "x509", "-noout", "-serial", "-in", "/etc/docker/tls/runner.pem"], check=False)
    if serial.returncode == 0:
        assert created["DOCKER_AUTHZ_CERT_SERIAL"] == serial.stdout.strip().partition("=")[2].lower().lstrip("0")
    number = created["DOCKER_AUTHZ_REQ_ID"]
    answers = [one for one in authz.records(host, f"DOCKER_AUTHZ_REQ_ID={number}") if "DOCKER_AUTHZ_STATUS" in one]
    assert [one["DOCKER_AUTHZ_STATUS"] for one in answers] == ["201"]


def test_who_starts_a_privileged_container_is_marked(host):
    told = ("DOCKER_AUTHZ_USER=runner", "DOCKER_AUTHZ_ACTION=container.restart")
    for name in ("web", "super", "gone"):
        authz.docker(host, "runner", "restart", "-t", "0", name)
    assert [one.get("DOCKER_AUTHZ_PRIVILEGED", "")[:36] for one in authz.records(host, *told)[-3:]] == [
        *("", "container super is not one of envelo", "cannot be told"),
    ]
    host.run(["docker", "stop", "-t", "0", "web"])


def test_who_made_a_container_may_be_all_that_counts(host):
    own = {
        "name": "own",
        "grants": [
            {"actions": ["container.start", "container.remove", "container.inspect"], "containers": ["@own"]},
            {"actions": ["exec.*"], "containers": ["@own"], "envelope": "unprivileged"},
        ],
    }
    policy = dict(authz.POLICY, roles=[*authz.POLICY["roles"], own])
    policy["principals"] = [
        dict(one, roles=[*one["roles"], "own"]) if one["name"] == "creator" else one for one in policy["principals"]
    ]
    authz.set_policy(host, policy)
    try:
        made = authz.docker(host, "creator", "create", "--name", "mine", "foobar", "sleep", "1000")
        assert made.returncode == 0, str(made)
        number = made.stdout.strip()
        for name in ("mine", number[:12], number):
            assert authz.docker(host, "creator", "start", name).returncode == 0
        done = authz.docker(host, "creator", "exec", "mine", "id", "-u")
        assert (done.returncode, done.stdout.strip()) == (0, "0"), str(done)
        assert "envelope" not in authz.docker(host, "creator", "exec", "mine", "true").stderr
        assert "may not" in authz.docker(host, "creator", "exec", "--privileged", "mine", "true").stderr
        assert "may not" in authz.docker(host, "creator", "exec", "super", "true").stderr
        assert "may not" in authz.docker(host, "creator", "start", "web").stderr
        host.run(["systemctl", "restart", "containment-authz.service"])
        assert authz.docker(host, "creator", "rm", "-f", "mine").returncode == 0
    finally:
        authz.set_policy(host, authz.POLICY)


def test_a_revoked_certificate_is_nobodys(host):
    authz.set_policy(host, dict(authz.POLICY, revoked=[{"cn": "runner"}]))
    try:
        done = authz.docker(host, "runner", "ps")
        assert "is revoked" in done.stderr, str(done)
    finally:
        authz.set_policy(host, authz.POLICY)
    assert authz.docker(host, "runner", "ps").returncode == 0


def test_a_bad_policy_is_told_and_the_one_before_stays(host):
    authz.set_policy(host, dict(authz.POLICY, roles=[{"name": "x", "grants": [{"actions": ["container.fly"]}]}]))
    try:
        assert authz.docker(host, "operator", "start", "web").returncode == 0
        told = host.run(["journalctl", "--unit=containment-authz.service", "--output=cat", "--lines=20"]).stdout
        assert "container.fly" in told and "stays in force" in told
        checked = host.run(
            ["python3", "/usr/local/lib/containment/authz.pyz", "check", "/etc/containment/authz/policy.json"],
            check=False,
        )
        assert checked.returncode == 2 and '"container.fly"' in checked.stderr
    finally:
        authz.set_policy(host, authz.POLICY)


def test_a_plugin_that_is_killed_loses_no_request(host):
    for _time in range(5):
        host.run(["systemctl", "kill", "--signal=KILL", "containment-authz.service"])
        done = authz.docker(host, "runner", "ps")
        assert done.returncode == 0, str(done) + host.run(["journalctl", "-n", "30"]).stdout


def test_the_service_may_read_and_little_else(host):
    pid = host.run(["systemctl", "show", "--property=MainPID", "--value", "containment-authz.service"]).stdout.strip()
    status = dict(line.split(":\t", 1) for line in host.run(["cat", f"/proc/{pid}/status"]).stdout.splitlines())
    assert int(status["CapEff"], 16) == 1 << 2  # CAP_DAC_READ_SEARCH
    assert int(status["CapBnd"], 16) == 1 << 2
    assert "0" not in status["Uid"].split() and status["NoNewPrivs"] == "1" and status["Seccomp"] == "2"


@pytest.mark.parametrize("fault", ["dead", "hung", "policy"])
def test_a_root_shell_gets_out_whatever_the_plugin_does(host, fault):
    unit = "containment-authz.service"
    config = host.run(["cat", "/etc/docker/daemon.json"]).stdout
    if fault == "dead":
        host.run(["systemctl", "stop", "containment-authz.socket", unit])
    elif fault == "hung":
        host.run(["systemctl", "kill", "--signal=STOP", unit])
    else:
        host.run(["systemctl", "stop", unit])
        authz.set_policy(host, {"format": 2})
    try:
        if fault == "policy":
            assert "the policy is not usable" in authz.docker(host, "runner", "ps").stderr
        told = host.run(["python3", "/usr/local/lib/containment/authz.pyz", "release"]).stdout
        assert "containment taken out; the engine, pid" in told
        host.wait_for_engine()
        assert authz.docker(host, "operator", "ps").returncode == 0  # Nobody is asked any more.
        assert authz.records(host, "DOCKER_AUTHZ_ACTION=release", unit=None)[-1]["PRIORITY"] == "1"
        again = host.run(["python3", "/usr/local/lib/containment/authz.pyz", "release"]).stdout
        assert "no plugin taken out" in again
    finally:
        authz.set_policy(host, authz.POLICY)
        host.run(["systemctl", "kill", "--signal=CONT", unit], check=False)
        host.run(["systemctl", "start", "containment-authz.socket", unit])
        (Path(host.root) / "etc/docker/daemon.json").write_text(config)
        host.run(["systemctl", "reload", "docker.service"])
    for _time in range(100):
        if "may not" in authz.docker(host, "operator", "ps").stderr:
            return
        time.sleep(0.1)
    raise AssertionError("the plugin is not asked again")
