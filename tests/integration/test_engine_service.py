# SPDX-License-Identifier: GPL-3.0-or-later
"""engine_service under systemd and under the init script, with real engines."""

import json
import time
from pathlib import Path

import pytest

from tests.hosts import NotPossible, module, start_host

CONFIG = "/etc/docker/daemon.json"
NEEDS = """
[Unit]
Requires=docker.service
After=docker.service
[Service]
ExecStart=/bin/sleep infinity
"""


@pytest.fixture(scope="module", params=["systemd", "script"])
def machine(request, swept):
    try:
        host = start_host("bookworm", request.param)
    except NotPossible as reason:
        pytest.skip(str(reason))
    with host:
        yield host


@pytest.fixture
def host(machine):
    """A host with a running engine and an empty configuration."""
    machine.run(["mkdir", "-p", "/etc/docker"])
    machine.run(["tee", CONFIG], input="{}")
    assert not service(machine).get("failed")
    return machine


def service(host, check=False, **options):
    result = module(host, "containment.docker.engine_service", options, check=check, diff=True)
    assert {"changed", "manager", "pid", "started", "log"} <= set(result)
    return result


def running(host):
    """The pid of the engine and when it started, None where there is none."""
    try:
        pid = Path(host.root, "run/docker.pid").read_text()
        return pid, Path(host.root, "proc", pid, "stat").read_text().rpartition(")")[2].split()[19]
    except FileNotFoundError:
        return None


def stop(host):
    if host.init == "systemd":
        host.run(["systemctl", "stop", "docker.socket", "docker.service"])
    else:
        host.run(["service", "docker", "stop"])
    assert not host.engine_answers()


def test_a_running_engine_is_left_as_it_is(host):
    before = running(host)
    for check in (True, False):
        result = service(host, check)
        assert not result["changed"] and str(result["pid"]) == before[0] and result["log"] == []
        assert result["diff"]["before"] == result["diff"]["after"]
    assert result["manager"] == {"systemd": "systemd", "script": "init script"}[host.init]
    assert running(host) == before


def test_a_restart_is_predicted_and_made(host):
    before = running(host)
    checked = service(host, check=True, state="restarted")
    assert running(host) == before
    done = service(host, state="restarted")
    assert checked["changed"] and done["changed"] and checked["diff"] == done["diff"]
    assert host.engine_answers()
    assert running(host) not in (None, before) and str(done["pid"]) == running(host)[0] != str(checked["pid"])


@pytest.mark.parametrize("state", ["started", "restarted"])
def test_a_stopped_engine_is_started(host, state):
    stop(host)
    checked = service(host, check=True, state=state)
    assert not host.engine_answers() and checked["pid"] is None
    done = service(host, state=state)
    assert checked["changed"] and done["changed"] and checked["diff"] == done["diff"]
    assert done["diff"] == {"before": "not running\n", "after": "started\n"}
    assert host.engine_answers() and str(done["pid"]) == running(host)[0]
    assert not service(host)["changed"]


@pytest.mark.parametrize("state", ["started", "restarted"])
def test_a_broken_configuration_fails_within_seconds_with_the_engines_words(host, state):
    if state == "started":
        stop(host)
    host.run(["tee", CONFIG], input=json.dumps({"nonsense": True}))
    begin = time.monotonic()
    result = service(host, state=state)
    assert time.monotonic() - begin < 20
    assert result["failed"] and result["changed"] and result["pid"] is None
    assert "did not start" in result["msg"] and "nonsense" in result["msg"]
    assert any("nonsense" in line for line in result["log"])


def test_a_hung_engine_is_not_fine(host):
    before = running(host)
    host.run(["kill", "-STOP", before[0]])
    try:
        begin = time.monotonic()
        result = service(host, timeout=2)
        assert time.monotonic() - begin < 8
        assert not service(host, check=True).get("failed")
    finally:
        host.run(["kill", "-CONT", before[0]])
    assert result["failed"] and not result["changed"] and str(result["pid"]) == before[0]
    assert "does not answer on /run/docker.sock after 2 seconds" in result["msg"]
    assert result["log"] and result["log"][-1] in result["msg"]
    assert running(host) == before


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize(
    "options, told",
    [({"socket": "tcp://1.2.3.4"}, "socket 'tcp://1.2.3.4': "), ({"timeout": -4}, "timeout: -4 ")],
)
def test_bad_options_are_refused_before_anything_is_done(host, options, told, check):
    before = running(host)
    result = service(host, check, state="restarted", **options)
    assert result["failed"] and result["msg"].startswith(told) and not result["changed"]
    assert running(host) == before


def test_units_that_require_the_engine_come_back(docker_host):
    host = docker_host("bookworm")
    host.run(["tee", "/etc/systemd/system/needs.service"], input=NEEDS)
    host.run(["systemctl", "daemon-reload"])
    host.run(["systemctl", "start", "needs"])
    show = ["systemctl", "show", "needs", "--property=ActiveState,MainPID"]
    before = host.run(show).stdout
    assert service(host, state="restarted")["changed"]
    after = host.run(show).stdout
    assert "ActiveState=active" in after and after != before


def test_a_stop_is_predicted_and_no_client_undoes_it(host):
    before = running(host)
    checked = service(host, check=True, state="stopped")
    assert running(host) == before
    done = service(host, state="stopped")
    assert done["changed"] and not done.get("failed") and done["diff"] == checked["diff"], done
    assert (done["pid"], checked["pid"], checked["changed"]) == (None, None, True)
    assert host.run(["docker", "version"], check=False).returncode and running(host) is None
    assert not service(host, state="stopped")["changed"] and not service(host, check=True, state="stopped")["changed"]
    assert service(host)["changed"] and running(host)


def test_what_a_stop_takes_along_comes_back_with_the_next_start_that_works(docker_host):
    host = docker_host("bookworm")
    host.run(["tee", "/etc/systemd/system/needs.service"], input=NEEDS)
    host.run(["systemctl", "daemon-reload"])
    host.run(["systemctl", "start", "needs"])
    assert service(host, state="stopped")["changed"]
    active = ["systemctl", "is-active", "docker.socket", "needs"]
    assert host.run(active, check=False).stdout.split() == ["inactive", "inactive"]
    host.run(["mkdir", "-p", "/etc/docker"])
    host.run(["tee", CONFIG], input='{"no-such-key": 1}')
    assert service(host)["failed"] and "active" not in host.run(active, check=False).stdout.split()[1:]
    host.run(["tee", CONFIG], input="{}")
    assert not service(host).get("failed")  # changed or not: systemd tries again by itself
    assert host.run(active).stdout.split() == ["active", "active"]
    # A socket alone would bring it back.
    host.run(["systemctl", "stop", "docker.service"])
    host.run(["systemctl", "start", "docker.socket"])
    assert service(host, check=True, state="stopped")["changed"] and service(host, state="stopped")["changed"]
    assert host.run(["docker", "version"], check=False).returncode


def test_an_engine_has_the_time_to_stop_its_containers(host):
    """The init script itself kills after 10 s."""
    host.import_image("busybox")
    stubborn = ["sh", "-c", "trap '' TERM; while :; do sleep 1; done"]
    host.run(["docker", "run", "-d", "--name", "stubborn", "--stop-timeout", "13", "busybox", *stubborn])
    begin = time.monotonic()
    result = service(host, state="restarted")
    assert result["changed"] and not result.get("failed"), result
    assert time.monotonic() - begin > 12
    if host.init == "script":
        log = Path(host.root, "var/log/docker.log").read_text()
    else:
        log = host.run(["journalctl", "--unit=docker", "--output=cat"]).stdout
    assert "Daemon shutdown complete" in log.rpartition("Starting up")[0].rpartition("Starting up")[2]
    host.run(["docker", "rm", "stubborn"])
