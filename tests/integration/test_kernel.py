# SPDX-License-Identifier: GPL-3.0-or-later
"""The role kernel and what harden.yml makes of it, on fleets of several engines.

A throwaway host has the machine's kernel and no boot loader of its own: entries, a stand-in for grubby and a file over
/proc/cmdline take their place, and a host that was booted with what the entries say is one with another such file. Real
boot loaders and reboots are in molecule/vm-debian and molecule/vm-el-layout.
"""

import json
from pathlib import Path

import pytest

from tests.hosts import module, play

HARDEN, ROLLBACK = "containment.docker.harden", "containment.docker.rollback"
ROLE = Path(__file__).parents[2] / "roles" / "kernel"
GRUBBY = Path(__file__).parent / "boot" / "standins" / "grubby"
ENTRY = "/boot/loader/entries/containment.conf"
BEFORE = "root=/dev/vda1 ro quiet"
AFTER = BEFORE + " containment.proof=1"
WANTED = {"kernel_args": ["containment.proof=1"]}


def write(host, path, text):
    host.run(["mkdir", "-p", str(Path(path).parent)])
    host.run(["tee", path], input=text)


def boot(host, arguments):
    """Have the host's kernel seem to run with these arguments."""
    write(host, "/etc/cmdline", arguments + "\n")
    host.run(["mount", "--bind", "/etc/cmdline", "/proc/cmdline"])


def loadable(host):
    """Give a host a boot loader that it could have been started with."""
    write(host, "/usr/sbin/grubby", GRUBBY.read_text())
    host.run(["chmod", "755", "/usr/sbin/grubby"])
    write(host, "/boot/vmlinuz-1", "")
    write(host, ENTRY, f"title One\nversion 1\nlinux /vmlinuz-1\noptions {BEFORE}\n")
    write(host, "/boot/grub2/grubenv", "# GRUB Environment Block\nsaved_entry=containment\n".ljust(1024, "#"))
    write(host, "/boot/grub2/grub.cfg", "insmod blscfg\nblscfg\n")
    write(host, "/etc/default/grub", f'GRUB_CMDLINE_LINUX="{BEFORE}"\nGRUB_ENABLE_BLSCFG=true\n')
    boot(host, BEFORE)
    return host


def options(host):
    lines = host.run(["cat", ENTRY]).stdout.splitlines()
    return next(line.partition(" ")[2] for line in lines if line.startswith("options "))


def run(playbook, hosts, *args, groups=None, **extra_vars):
    names = [host.name for host in hosts]
    return play(playbook, hosts, *args, groups={"docker_hosts": names, **(groups or {})}, extra_vars=extra_vars)


def reasons(result):
    return [json.dumps(task.result.get("msg", "")) for task in result.tasks if task.status == "failed"]


def head(result, host):
    """The first line of the host's report."""
    (table,) = [one.result["msg"] for one in result.tasks if one.host == host.name and "What was" in one.name]
    return table[0]


def key(host):
    return host.run(["cat", "/etc/docker/daemon.json"], check=False).stdout


def statuses(host):
    info = module(host, "containment.docker.engine_info")
    return [one["status"] for one in info["transactions"]]


def test_a_host_that_needs_a_reboot_is_left_there_and_taken_up_again(docker_host):
    host = loadable(docker_host("trixie"))
    announced = run(HARDEN, [host], "--check", "--diff", **WANTED)
    assert announced.rc == 2 and options(host) == BEFORE
    first = run(HARDEN, [host], "--diff", **WANTED)
    assert first.rc == 2 and first.changes() == announced.changes()
    assert [name.rpartition(" : ")[2] for name, _host in first.changes()] == ["Set the kernel arguments"]
    assert "this host waits for a reboot" in reasons(first)[0]
    assert head(first, host) == f"{host.name}: not hardened, waits for a reboot"
    assert options(host) == AFTER and key(host) == "" and statuses(host) == ["open"]
    # Nor where nobody asks for the arguments any more: a run is not over before what it set is in force.
    for wanted in (WANTED, {}):
        again = run(HARDEN, [host], **wanted)
        assert again.rc == 2 and again.changes() == [] and key(host) == ""
        assert any("set kernel_reboot_ok: true" in json.dumps(task.result) for task in again.tasks)

    boot(host, AFTER)
    booted = run(HARDEN, [host], **WANTED)
    assert booted.rc == 0 and head(booted, host) == f"{host.name}: hardened"
    assert json.loads(key(host)) == {"userns-remap": "dockremap"} and statuses(host) == ["applied"]
    assert run(HARDEN, [host], **WANTED).check().changes() == []

    told = run(ROLLBACK, [host], "--check")
    back = run(ROLLBACK, [host])
    assert back.rc == 2 and back.changes() == told.changes() and "still runs with" in reasons(back)[0]
    assert head(back, host) == f"{host.name}: not hardened, waits for a reboot"
    assert options(host) == BEFORE and key(host) == "" and statuses(host) == ["restored"]


def test_a_rollback_before_the_reboot_leaves_nothing(docker_host):
    host = loadable(docker_host("bookworm"))
    assert run(HARDEN, [host], **WANTED).rc == 2
    back = run(ROLLBACK, [host])
    assert back.rc == 0 and head(back, host) == f"{host.name}: not hardened"
    assert options(host) == BEFORE and statuses(host) == ["restored"]
    assert host.run(["ls", "/var/lib/containment"]).stdout.split() == ["transactions"]


def test_a_run_that_fails_behind_the_kernel_takes_its_arguments_back(docker_host):
    host = loadable(docker_host("bookworm"))
    boot(host, AFTER)  # so that the run goes on, and its way back is due
    line = "ExecStartPre=/bin/sh -c '! grep -qs userns-remap /etc/docker/daemon.json'"
    write(host, "/etc/systemd/system/docker.service.d/test.conf", f"[Service]\n{line}\n")
    host.run(["systemctl", "daemon-reload"])
    result = run(HARDEN, [host], engine_timeout=20, **WANTED)
    assert result.rc == 2 and "previous configuration again, proven with a container" in reasons(result)[-1]
    assert options(host) == BEFORE and key(host) == "" and statuses(host) == ["restored"]


def test_arguments_that_no_boot_loader_can_carry_are_refused_before_anything(docker_host):
    host = loadable(docker_host("bookworm", engine=False))
    result = run(HARDEN, [host], kernel_args=["containment.proof=a$b"])
    assert result.rc == 2 and "'containment.proof=a$b' holds a character" in reasons(result)[0]
    assert options(host) == BEFORE
    assert host.run(["test", "-e", "/usr/sbin/dockerd"], check=False).returncode == 1


def fleet(hosts, **variables):
    """Harden hosts, one after the other, with variables for those of the suite bookworm."""
    names = [host.name for host in hosts]
    groups = {"docker_hosts": names, "bookworm": [host.name for host in hosts if host.suite == "bookworm"]}
    groups["trixie"] = [host.name for host in hosts if host.suite == "trixie"]
    wanted = {"harden_serial": [1], "kernel_args": "{{ 'containment.proof=1' if 'bookworm' in group_names else '' }}"}
    return play(HARDEN, hosts, groups=groups, extra_vars=dict(wanted, **variables))


def test_a_mixed_fleet_goes_on_past_a_host_that_waits_and_stops_at_one_that_fails(docker_host):
    """Three engines, variables by platform: the canary is hardened, the next waits for a reboot, the third fails, the
    fourth is not touched."""
    good, waits = docker_host("trixie"), loadable(docker_host("bookworm"))
    bad, last = docker_host("forky"), docker_host("bookworm")
    write(bad, "/etc/docker/daemon.json", '{"debug" true}\n')
    result = fleet([good, waits, bad, last], userns_start="{{ '2000355328' if 'trixie' in group_names else '' }}")
    assert result.rc == 2
    assert head(result, good) == f"{good.name}: hardened"
    assert head(result, waits).endswith("not hardened, waits for a reboot") and options(waits) == AFTER
    assert "dockremap:2000355328:65536" in good.run(["cat", "/etc/subuid"]).stdout
    assert any("line 1, column" in one for one in reasons(result))
    assert last.name not in result.stats and key(last) == ""


def test_a_canary_that_waits_for_a_reboot_proves_nothing(docker_host):
    canary, other, last = loadable(docker_host("bookworm")), docker_host("trixie"), docker_host("forky")
    stopped = fleet([canary, other, last])
    assert stopped.rc == 2 and any("reboot one of them and run again" in one for one in reasons(stopped))
    assert head(stopped, canary).endswith("waits for a reboot") and key(other) == "" and last.name not in stopped.stats
    boot(canary, AFTER)
    assert fleet([canary, other, last]).rc == 0


def test_a_role_that_comes_later_leaves_a_host_that_waits_alone(docker_host, tmp_path):
    host = loadable(docker_host("bookworm"))
    book = tmp_path / "book.yml"
    roles = "roles: [containment.docker.kernel, containment.docker.userns]"
    book.write_text("- hosts: all\n  gather_facts: false\n  %s\n" % roles)
    result = play(str(book), [host], extra_vars=WANTED)
    assert result.rc == 2 and "set containment.proof=1, without which this kernel was started" in reasons(result)[0]
    assert options(host) == AFTER and key(host) == "" and statuses(host) == ["open"]
    boot(host, AFTER)
    play(str(book), [host], extra_vars=WANTED).check()
    assert json.loads(key(host)) == {"userns-remap": "dockremap"} and statuses(host) == ["applied"] * 2


@pytest.mark.parametrize("here", [True, False])
def test_a_host_with_the_boot_of_this_machine_is_this_machine(docker_host, tmp_path, here):
    """Whatever connection it manages itself by; a throwaway host has a boot id of its own."""
    boot_id = Path("/proc/sys/kernel/random/boot_id").read_text().strip() if here else "another"
    book = tmp_path / "book.yml"
    tasks = [
        {"ansible.builtin.include_vars": str(ROLE / "vars/main.yml")},
        {"debug": {"msg": "{{ __kernel_may_reboot }}"}},
    ]
    book.write_text(json.dumps([{"hosts": "all", "gather_facts": False, "tasks": tasks}]))
    facts = {"engine_host": {"kernel": {"boot_id": boot_id}}, "kernel_reboot_ok": True}
    result = play(str(book), [docker_host("bookworm")], extra_vars=facts).check()
    assert result.tasks[-1].result["msg"] is not here


@pytest.mark.parametrize("name", ["kernel_mends", "kernel_reboot_required"])
def test_the_role_alone_leaves_its_outputs(docker_host, name, tmp_path):
    host = loadable(docker_host("bookworm"))
    book = tmp_path / "book.yml"
    book.write_text(
        "- hosts: all\n  gather_facts: false\n  roles: [containment.docker.kernel]\n"
        f"- hosts: all\n  gather_facts: false\n  tasks: [{{debug: {{msg: '{{{{ {name} }}}}'}}}}]\n"
    )
    result = play(str(book), [host], extra_vars=WANTED).check()
    assert result.tasks[-1].result["msg"] is (name == "kernel_reboot_required")
    assert key(host) == ""
