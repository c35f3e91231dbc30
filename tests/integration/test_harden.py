# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbooks on real engines: the way there, the second run, the way back, and what stops it."""

import json
import shutil

import pytest

from tests.hosts import module, play

HARDEN, AUDIT, ROLLBACK = ("containment.docker." + name for name in ("harden", "audit", "rollback"))
SUITES = ["bookworm", "trixie", "forky"]


def run(playbook, hosts, *args, **extra_vars):
    return play(playbook, hosts, *args, groups={"docker_hosts": [host.name for host in hosts]}, extra_vars=extra_vars)


def engine_start(host):
    """Return what identifies the engine's process: pid and start time."""
    pid = host.run(["cat", "/run/docker.pid"]).stdout.strip()
    return pid, host.run(["cat", f"/proc/{pid}/stat"]).stdout.rpartition(")")[2].split()[19]


def files(host):
    """Return the text of every file that a run changes, None where there is none."""
    found = {}
    for path in ("/etc/docker/daemon.json", "/etc/subuid", "/etc/subgid"):
        done = host.run(["cat", path], check=False)
        found[path] = done.stdout if done.returncode == 0 else None
    return found


def reason(result):
    """Return the messages of failed tasks."""
    return " ".join(json.dumps(task.result.get("msg", "")) for task in result.tasks if task.status == "failed")


def tables(result):
    return [line for task in result.tasks for line in (task.result.get("msg") or []) if "What was" in task.name]


def changes(result):
    """Return the changed tasks with their file diffs, the time stamps of processes left out."""
    return [
        (
            task.name,
            [(one.get("before"), one.get("after")) for one in task.result["diff"]]
            if isinstance(task.result.get("diff"), list)
            else None,
        )
        for task in result.tasks
        if task.changed
    ]


@pytest.mark.parametrize(
    "suite, init", [("bookworm", "systemd"), ("bookworm", "script"), ("trixie", "systemd"), ("forky", "systemd")]
)
def test_a_fresh_machine_is_announced_hardened_and_left_alone_the_second_time(docker_host, suite, init):
    host = docker_host(suite, init=init, engine=False)
    announced = run(HARDEN, [host], "--check", "--diff")
    assert announced.rc == 0, announced.stdout
    assert files(host)["/etc/docker/daemon.json"] is None
    first = run(HARDEN, [host], "--diff")
    assert first.rc == 0, first.stdout
    assert changes(announced) == changes(first)
    assert "uid_map of a container's process" in "".join(tables(first))
    assert any(
        "writing to a file of the host's root" in line and "allowed" in line and "refused" in line
        for line in tables(first)
    )
    started, written = engine_start(host), files(host)
    second = run(HARDEN, [host])
    assert second.rc == 0 and second.stats[host.name]["changed"] == 0
    assert engine_start(host) == started and files(host) == written


@pytest.mark.parametrize("suite", SUITES)
def test_an_engine_that_is_there_is_announced_hardened_audited_and_taken_back(docker_host, suite):
    host = docker_host(suite)
    before = files(host)
    assert run(AUDIT, [host]).rc == 2
    announced = run(HARDEN, [host], "--check", "--diff")
    assert announced.rc == 0 and files(host) == before
    first = run(HARDEN, [host], "--diff")
    assert first.rc == 0, first.stdout
    assert changes(announced) == changes(first)
    assert json.loads(files(host)["/etc/docker/daemon.json"]) == {"userns-remap": "dockremap"}
    hardened = files(host)
    audited = run(AUDIT, [host])
    assert audited.rc == 0 and audited.stats[host.name]["changed"] == 0 and files(host) == hardened
    back = run(ROLLBACK, [host])
    assert back.rc == 0, back.stdout
    assert files(host) == before
    assert "userns" not in host.run(["docker", "info", "--format", "{{.SecurityOptions}}"]).stdout


@pytest.mark.parametrize("init", ["systemd", "script"])
def test_an_engine_that_does_not_come_back_is_put_back_and_proven(docker_host, init):
    """The engine is made to fail for real: a start with the new key is refused by a condition before it."""
    host = docker_host("bookworm", init=init)
    if init == "systemd":
        drop_in(
            host,
            "ExecStartPre=/bin/sh -c '! grep -q userns-remap /etc/docker/daemon.json || { echo no such luck; false; }'",
        )
        told = "no such luck"
    else:
        host.run(
            ["tee", "-a", "/etc/default/docker"],
            input="! grep -qs userns-remap /etc/docker/daemon.json || DOCKER_OPTS=--no-such-flag\n",
        )
        told = "no-such-flag"
    before = files(host)
    result = run(HARDEN, [host])
    assert result.rc == 2
    assert told in reason(result) and "previous configuration again, proven with a container" in reason(result)
    assert files(host) == before
    assert "userns" not in host.run(["docker", "info", "--format", "{{.SecurityOptions}}"]).stdout


def drop_in(host, line):
    """Give docker.service a line of its own."""
    host.run(["mkdir", "-p", "/etc/systemd/system/docker.service.d"])
    host.run(["tee", "/etc/systemd/system/docker.service.d/test.conf"], input=f"[Service]\n{line}\n")
    host.run(["systemctl", "daemon-reload"])


# Somebody else's script: it opens the graph root of the range that this collection chooses.
OPENED = "ExecStartPost=-/bin/chmod 0755 /var/lib/docker/2000224256.2000224256"


def test_a_proof_that_fails_puts_the_host_back(docker_host):
    host = docker_host("bookworm")
    before = files(host)
    drop_in(host, OPENED)
    result = run(HARDEN, [host])
    assert result.rc == 2 and "its mode is 0755 instead of 0710" in reason(result)
    assert "previous configuration again, proven with a container" in reason(result)
    assert files(host) == before
    assert host.run(["docker", "ps", "-aq"]).stdout == host.run(["docker", "images", "-q"]).stdout == ""


def test_the_rollout_stops_behind_the_canary(docker_host):
    hosts = [docker_host("bookworm") for dummy in range(3)]
    canary = sorted(hosts, key=lambda host: host.name)[0]
    drop_in(canary, OPENED)
    others = [host for host in hosts if host is not canary]
    before = [(files(host), engine_start(host)) for host in others]
    result = run(HARDEN, [canary, *others])
    assert result.rc == 2
    assert result.stats[canary.name]["failures"] == 1
    assert [(files(host), engine_start(host)) for host in others] == before


def test_what_the_switch_would_break_or_hide_stops_it_until_told_to_go_on(docker_host):
    host = docker_host("bookworm")
    host.import_image("busybox")
    host.run(
        [
            "docker",
            "run",
            "-d",
            "--name",
            "on-host-network",
            "--network=host",
            "--restart=always",
            "busybox",
            "sleep",
            "1000",
        ]
    )
    before = files(host), engine_start(host)
    for args in ([], ["--check"]):
        result = run(HARDEN, [host], *args, userns_carry=False)
        assert result.rc == 2
        assert (
            "on-host-network" in reason(result)
            and "userns_conflicts_ok" in reason(result)
            and "userns_hidden_ok" in reason(result)
        )
    assert (files(host), engine_start(host)) == before
    # As a survey gives them: a text that says no is a no.
    assert run(HARDEN, [host], userns_conflicts_ok="true", userns_carry=False, userns_hidden_ok="false").rc == 2
    assert run(HARDEN, [host], userns_conflicts_ok=True, userns_carry=False, userns_hidden_ok=True).rc == 0
    assert host.run(["docker", "ps", "-aq"]).stdout == ""
    assert run(ROLLBACK, [host]).rc == 0
    assert "on-host-network" in host.run(["docker", "ps", "--format", "{{.Names}}"]).stdout


def test_live_restore_with_running_containers_is_refused(docker_host):
    host = docker_host("bookworm")
    host.import_image("busybox")
    host.run(["tee", "/etc/docker/daemon.json"], input='{"live-restore": true}\n')
    host.run(["systemctl", "restart", "docker"])
    host.run(["docker", "run", "-d", "busybox", "sleep", "1000"])
    result = run(HARDEN, [host], userns_carry=False, userns_hidden_ok=True)
    assert result.rc == 2 and "live-restore: true" in reason(result)


def test_a_user_of_ones_own_with_two_ranges(docker_host):
    host = docker_host("trixie")
    host.run(["groupadd", "--gid", "5000", "tenants"])
    host.run(["useradd", "--uid", "5001", "--gid", "5000", "tenant"])
    before = files(host)
    ranges = [{"start": 300000, "count": 1}, {"start": 400000, "count": 65535}]
    result = run(
        HARDEN, [host], userns_user="5001", userns_group="tenants", userns_uid_ranges=ranges, userns_allow_move=True
    )
    assert result.rc == 0, result.stdout
    assert json.loads(files(host)["/etc/docker/daemon.json"]) == {"userns-remap": "5001:tenants"}
    assert any("0 -> 300000 (1), 1 -> 400000 (65535)" in line for line in tables(result))
    assert (
        run(HARDEN, [host], userns_user="5001", userns_group="tenants", userns_uid_ranges=ranges).stats[host.name][
            "changed"
        ]
        == 0
    )
    assert run(ROLLBACK, [host]).rc == 0 and files(host) == before


def test_rollback_to_a_named_run_spares_what_others_wrote_since(docker_host):
    host = docker_host("bookworm")
    host.run(["tee", "/etc/docker/daemon.json"], input='{\n\t"debug": true\n}')
    # Somebody else's change that no restart has applied yet is not applied by the way.
    refused = run(HARDEN, [host])
    assert refused.rc == 2 and "debug changed since the engine started" in reason(refused)
    host.run(["systemctl", "restart", "docker"])
    assert run(HARDEN, [host], engine_transaction="first").rc == 0
    named = run(HARDEN, [host], engine_transaction="first", userns_start="1000")
    assert named.rc == 2 and "engine_transaction: first is the name of an earlier run" in reason(named)
    host.run(["sed", "-i", 's/"debug": true/"debug": true,\\n\\t"labels": ["a=b"]/', "/etc/docker/daemon.json"])
    host.run(["useradd", "somebody"])
    back = run(ROLLBACK, [host], engine_rollback_to="first")
    assert back.rc == 0, back.stdout
    assert json.loads(files(host)["/etc/docker/daemon.json"]) == {"debug": True, "labels": ["a=b"]}
    assert "dockremap" not in files(host)["/etc/subuid"] and "somebody" in files(host)["/etc/subuid"]


def test_a_stopped_engine_is_announced_as_far_as_it_is_known_and_hardened(docker_host):
    host = docker_host("bookworm")
    host.run(["systemctl", "stop", "docker.service", "docker.socket"])
    announced = run(HARDEN, [host], "--check", "--diff")
    assert announced.rc == 0, announced.stdout
    first = run(HARDEN, [host], "--diff")
    assert first.rc == 0 and changes(announced) == changes(first)


def test_a_run_that_was_killed_is_gone_on_with_and_can_be_taken_back_whole(docker_host):
    """The kill is made of its traces: what the modules of a run wrote before the restart."""
    host = docker_host("bookworm")
    before = files(host)
    host.run(["groupadd", "--system", "dockremap"])
    host.run(["useradd", "--system", "--gid", "dockremap", "dockremap"])
    assert not module(host, "containment.docker.subid_range", {"name": "dockremap", "transaction": "killed"}).get(
        "failed"
    )
    given = {"merge": {"userns-remap": "dockremap"}, "transaction": "killed"}
    assert not module(host, "containment.docker.daemon_json", given).get("failed")
    drop_in(host, OPENED)
    failed = run(HARDEN, [host])
    assert failed.rc == 2 and "its mode is 0755 instead of 0710" in reason(failed), failed.stdout
    assert files(host) == before and "userns" not in host.run(["docker", "info"]).stdout.partition("Security")[2]
    assert not module(host, "containment.docker.daemon_json", given | {"transaction": "again"}).get("failed")
    drop_in(host, "")
    assert run(HARDEN, [host]).rc == 0
    assert run(ROLLBACK, [host]).rc == 0 and files(host) == before


def test_a_way_back_that_fails_is_told_with_both_reasons(docker_host):
    """Somebody's script changes the key again while the engine starts, and fails."""
    host = docker_host("bookworm")
    drop_in(host, "ExecStartPre=/bin/sed -i s/dockremap/somebody/ /etc/docker/daemon.json\nExecStartPre=/bin/false")
    host.run(["mkdir", "-p", "/etc/docker"])
    host.run(["tee", "/etc/docker/daemon.json"], input="{}\n")
    result = run(HARDEN, [host])
    assert result.rc == 2
    assert "Restart the engine once" in reason(result) and "was changed again since" in reason(result)
    assert "The engine does not run" in reason(result)


def test_a_rollback_that_fails_is_itself_taken_back(docker_host):
    host = docker_host("bookworm")
    assert run(HARDEN, [host]).rc == 0
    hardened = files(host)
    drop_in(host, "ExecStartPre=/bin/grep -q userns-remap /etc/docker/daemon.json")
    result = run(ROLLBACK, [host])
    assert result.rc == 2 and "The rollback failed and was itself taken back. The engine runs" in reason(result)
    assert files(host) == hardened and run(AUDIT, [host]).rc == 0
    drop_in(host, "")
    # Killed after the files and before the restart: the next rollback finishes this one, and takes no other back.
    assert module(host, "containment.docker.transaction", {})["restart_required"]
    assert run(ROLLBACK, [host]).rc == 0
    assert "userns" not in host.run(["docker", "info", "--format", "{{.SecurityOptions}}"]).stdout
    assert run(ROLLBACK, [host]).stats[host.name]["changed"] == 0


def test_a_moved_range_is_a_switch_and_can_be_taken_back(docker_host):
    host = docker_host("bookworm")
    assert run(HARDEN, [host]).rc == 0
    host.import_image("busybox")
    there = files(host)
    moved = {"userns_start": "400000000", "userns_allow_move": "true", "userns_carry": "false"}
    refused = run(HARDEN, [host], **moved)
    assert refused.rc == 2 and "1 image stay there" in reason(refused) and files(host) == there
    result = run(HARDEN, [host], userns_hidden_ok="true", **moved)
    assert result.rc == 0, result.stdout
    assert "0 -> 400000000 (65536)" in "".join(tables(result))
    assert run(ROLLBACK, [host]).rc == 0 and files(host) == there
    assert "busybox" in host.run(["docker", "images"]).stdout


def test_an_unreachable_host_stops_the_batches_behind_its_own(docker_host, monkeypatch):
    if not shutil.which("ssh"):
        pytest.skip("not possible here: no ssh client, whose refused connection makes a host unreachable")
    gone, good, later = (docker_host("bookworm") for _number in range(3))
    before = files(later)
    nowhere = gone.inventory_vars() | {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": 1}
    monkeypatch.setattr(gone, "inventory_vars", lambda: nowhere)
    result = run(HARDEN, [gone, good, later], harden_serial=2)
    assert result.rc != 0 and files(later) == before
    assert any("hardened" in line for line in tables(result))


@pytest.mark.parametrize(
    "variables, told",
    [
        ({"userns_user": "root"}, "'root' would switch remapping off"),
        ({"userns_user": "4711"}, "userns_user: no user has the uid 4711"),
        ({"userns_user": "a:b"}, "userns_user"),
        ({"userns_start": "1000"}, "start"),
        ({"userns_count": 0}, "count"),
        ({"engine_transaction": "../x"}, "transaction"),
    ],
)
def test_bad_variables_are_refused_before_anything_is_touched(docker_host, variables, told):
    host = docker_host("bookworm")
    before = files(host), engine_start(host)
    for args in (["--check"], []):
        result = run(HARDEN, [host], *args, **variables)
        assert result.rc == 2 and told in reason(result), result.stdout
    assert (files(host), engine_start(host)) == before
    assert host.run(["getent", "passwd", "dockremap"], check=False).returncode != 0
