# SPDX-License-Identifier: GPL-3.0-or-later
"""What a rollout does where it fails behind a reboot that it was allowed."""

import json

import pytest

from tests.hosts import module, play

PROOF = "containment.proof=1"
# The first entry once more, as an administrator's own: update-grub does not touch it, and it is booted by default.
OWN = r"""
entry=$(sed -n '/^menuentry /,/^}/p' /boot/grub/grub.cfg | sed '/^}/q')
printf '%s\n' '#!/bin/sh' 'exec tail -n +3 $0' >/etc/grub.d/40_custom
printf '%s\n' "$entry" | sed "1s/.*/menuentry Own --id own {/" >>/etc/grub.d/40_custom
echo GRUB_DEFAULT=own >/etc/default/grub.d/own.cfg
update-grub
"""


# An engine that does not start once it shall remap.
UNIT = "[Service]\nExecStartPre=/bin/sh -c '! grep -qs userns-remap /etc/docker/daemon.json'\n"


def harden(vm):
    """Run the rollout, which has to fail and to put the host back; return (result, its reason)."""
    variables = {"kernel_args": [PROOF], "kernel_reboot_ok": True, "kernel_reboot_timeout": 1800, "engine_timeout": 600}
    result = play("containment.docker.harden", [vm], groups={"docker_hosts": [vm.name]}, extra_vars=variables)
    reason = [task.result["msg"] for task in result.tasks if task.status == "failed"][-1]
    assert result.rc == 2
    assert "previous configuration again, proven with a container" in reason and "reboot it" not in reason
    assert PROOF not in vm.run(["cat", "/boot/grub/grub.cfg", "/proc/cmdline"]).stdout
    assert vm.run(["test", "-e", "/etc/docker/daemon.json"], check=False).returncode == 1
    info = module(vm, "containment.docker.engine_info")
    assert [one["status"] for one in info["transactions"]] == ["restored"], json.dumps(info["transactions"])
    return result, reason


def done(result, name):
    return [task for task in result.tasks if task.name.endswith(" : " + name) and task.changed]


@pytest.mark.parametrize("vm", ["debian"], indirect=True)
def test_a_reboot_in_vain_ends_the_run_before_the_engine_is_touched(vm):
    vm.run(["/opt/engine"])
    vm.run(["sh", "-euc", OWN])
    vm.reboot()
    result, reason = harden(vm)
    assert f"it was to be started with {PROOF} and has none of them" in reason
    assert len(done(result, "Reboot")) == 1 and not done(result, "Restart the engine once")


@pytest.mark.parametrize("vm", ["debian"], indirect=True)
def test_arguments_that_are_in_force_are_taken_back_with_another_reboot(vm):
    vm.run(["/opt/engine"])
    vm.run(["mkdir", "-p", "/etc/systemd/system/docker.service.d"])
    vm.run(["tee", "/etc/systemd/system/docker.service.d/test.conf"], input=UNIT)
    vm.run(["systemctl", "daemon-reload"])
    result, reason = harden(vm)
    assert "Restart the engine once: " in reason
    assert len(done(result, "Reboot")) == 2
