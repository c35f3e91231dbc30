# SPDX-License-Identifier: GPL-3.0-or-later
"""The throwaway hosts keep their word: real engines, offline packages, Ansible inside, and no trace left behind."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.hosts import SUITES, CommandFailed, Host, HostError, all_hosts, module, play, start_host, sweep

ENGINES = {"bookworm": "20.10.", "trixie": "26.1.", "forky": "28."}
KINDS = [(suite, "systemd") for suite in SUITES] + [("bookworm", "script")]
RESTART = {"systemd": ["systemctl", "restart", "docker"], "script": ["service", "docker", "restart"]}


@pytest.mark.parametrize(("suite", "init"), KINDS)
def test_engine_runs_containers_plain_and_remapped(docker_host, suite, init):
    host = docker_host(suite, init)
    version = host.run(["docker", "version", "--format", "{{.Server.Version}}"]).stdout
    assert version.startswith(ENGINES[suite])
    host.import_image("busybox")
    show_map = ["docker", "run", "--rm", "busybox", "cat", "/proc/self/uid_map"]
    assert host.run(show_map).stdout.split() == ["0", "0", "4294967295"]

    host.run(["mkdir", "-p", "/etc/docker"])
    host.run(["tee", "/etc/docker/daemon.json"], input=json.dumps({"userns-remap": "default"}))
    host.run(RESTART[init])
    host.wait_for_engine()
    host.import_image("busybox")
    assert host.run(show_map).stdout.split() == ["0", "100000", "65536"]


@pytest.mark.parametrize(("suite", "init"), KINDS)
def test_engine_can_be_installed_offline(docker_host, suite, init):
    host = docker_host(suite, init, engine=False)
    assert not os.path.exists(host.root + "/usr/sbin/dockerd")
    assert host.run(["ip", "route"]).stdout == ""
    result = module(host, "ansible.builtin.apt", {"name": "docker.io", "update_cache": True})
    assert result["changed"], result
    assert os.path.exists(host.root + "/usr/sbin/dockerd")
    if init == "systemd":  # without a runlevel Debian's package does not start the engine
        host.wait_for_engine()


@pytest.mark.parametrize(("kind", "manager"), [("bookworm", "systemd"), ("bookworm_script", "sysvinit")])
def test_ansible_is_inside_the_host(request, kind, manager):
    host = request.getfixturevalue(kind)
    facts = module(host, "ansible.builtin.setup", {"gather_subset": ["min", "service_mgr"]})["ansible_facts"]
    assert (facts["ansible_hostname"], facts["ansible_service_mgr"]) == (host.name, manager)
    marker = "/etc/marker-%s" % host.name
    assert module(host, "ansible.builtin.file", {"path": marker, "state": "touch"})["changed"]
    assert os.path.exists(host.root + marker)
    assert not os.path.exists(marker)


def test_module_obeys_check_mode_and_reports_diff_and_failure(bookworm):
    question = {"path": "/etc/later", "state": "directory"}
    result = module(bookworm, "ansible.builtin.file", question, check=True, diff=True)
    assert result["changed"]
    assert result["diff"]["after"]["state"] == "directory"
    assert not os.path.exists(bookworm.root + "/etc/later")
    assert module(bookworm, "ansible.builtin.command", {"argv": ["false"]})["failed"]
    with pytest.raises(RuntimeError, match="not found"):
        module(bookworm, "containment.docker.no_such_module")


PLAYBOOK = """
- hosts: all
  gather_facts: false
  tasks:
    - name: Write
      ansible.builtin.copy:
        content: "{{ text }}"
        dest: /etc/written
        mode: "0644"
    - name: Read
      ansible.builtin.command: cat /etc/written
      changed_when: false
      check_mode: false
      failed_when: false
    - name: Skip
      ansible.builtin.command: "true"
      when: false
"""


def test_play_lists_each_task_of_each_host(bookworm, bookworm_script, tmp_path):
    hosts = [bookworm, bookworm_script]
    playbook = tmp_path / "playbook.yml"
    playbook.write_text(PLAYBOOK)
    announced = play(playbook, hosts, "--check", "--diff", extra_vars={"text": "one"}).check()
    done = play(playbook, hosts, "--diff", extra_vars={"text": "one"}).check()
    again = play(playbook, hosts, extra_vars={"text": "one"}).check()
    assert sorted(announced.changes()) == sorted(("Write", host.name) for host in hosts)
    assert sorted(done.changes()) == sorted(announced.changes())
    assert again.changes() == []
    read = {task.host: task.result["stdout"] for task in done.tasks if task.name == "Read"}
    assert read == {host.name: "one" for host in hosts}
    assert {task.status for task in done.tasks if task.name == "Skip"} == {"skipped"}
    assert done.stats[bookworm.name]["changed"] == 1


def test_play_returns_a_failure(bookworm, tmp_path):
    playbook = tmp_path / "playbook.yml"
    playbook.write_text(
        "- hosts: all\n  gather_facts: false\n  tasks:\n    - ansible.builtin.fail: {msg: on purpose}\n"
    )
    result = play(playbook, [bookworm])
    assert result.rc == 2
    assert [(task.status, task.result["msg"]) for task in result.tasks] == [("failed", "on purpose")]
    with pytest.raises(AssertionError, match="on purpose"):
        result.check()


@pytest.mark.parametrize("init", ["systemd", "script"])
def test_reboot_keeps_files_and_starts_the_engine_anew(docker_host, init):
    host = docker_host("bookworm", init)
    host.import_image("busybox")
    host.run(["touch", "/etc/kept", "/run/lost"])
    before = host.pid
    host.reboot()
    assert host.pid != before
    assert os.path.exists(host.root + "/etc/kept")
    assert not os.path.exists(host.root + "/run/lost")
    assert host.run(["docker", "images", "--quiet"]).stdout != ""


def test_failed_command_says_what_it_said(bookworm):
    with pytest.raises(CommandFailed, match="no-such-file"):
        bookworm.run(["cat", "/no-such-file"])
    assert bookworm.run(["cat", "/no-such-file"], check=False).returncode == 1


def _trace():
    """What the machine shows of its own mounts, links and control group."""
    mounts, group = (Path("/proc/self/" + name).read_text() for name in ("mountinfo", "cgroup"))
    return mounts, group, sorted(os.listdir("/sys/class/net"))


@pytest.mark.parametrize("init", ["systemd", "script"])
def test_a_removed_host_leaves_no_trace(swept, init):
    before = _trace()
    with start_host("bookworm", init) as host:
        pid, folder = host.pid, host.folder
        host.import_image("busybox")
        host.run(["docker", "run", "--detach", "busybox", "sleep", "1000"])
        host.run(["sh", "-c", "touch /etc/fixed && chattr +i /etc/fixed"])
        assert list(Path("/sys/fs/cgroup").rglob("containment-*-" + host.name)) != []
        assert _trace() == before
    assert _trace() == before
    assert list(Path("/sys/fs/cgroup").rglob("containment-*-" + host.name)) == []
    assert not folder.exists()
    assert not os.path.exists("/proc/%d" % pid)


def test_sweep_removes_hosts_of_a_dead_owner_and_no_others(bookworm):
    script = "import os, tests.hosts as t; h = t.start_host('bookworm'); print(h.name, h.pid, flush=True); os._exit(9)"
    top = Path(__file__).resolve().parents[2]
    done = subprocess.run([sys.executable, "-c", script], cwd=top, stdout=subprocess.PIPE, text=True, check=False)
    name, pid = done.stdout.split()
    assert Host.load(name).running
    assert name in sweep()
    assert not os.path.exists("/proc/" + pid)
    with pytest.raises(HostError):
        Host.load(name)
    assert bookworm.name in [host.name for host in all_hosts()]
    assert bookworm.engine_answers()


def test_wrong_names_are_refused(bookworm):
    with pytest.raises(ValueError, match="sid"):
        start_host("sid")
    with pytest.raises(ValueError, match="openrc"):
        start_host("bookworm", "openrc")
    with pytest.raises(HostError, match="there already"):
        start_host("bookworm", name=bookworm.name)
    assert bookworm.engine_answers()
