# SPDX-License-Identifier: GPL-3.0-or-later
"""The virtual machines keep their word: engines, kernels, reboots and packages offline, and no trace left behind.

For cloud images one of ours stands in, with the real cloud-init: those of Ubuntu and CentOS were not tried.
"""

import os
import shutil
import struct
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.hosts import CommandFailed, module, play
from tests.hosts.processes import start_time
from tests.vms import Vm, VmError, all_vms, qemu, start_vm, sweep
from tests.vms._paths import RUN
from tests.vms.build import built
from tests.vms.image import given
from tests.vms.start import _owner, saved

TOP = Path(__file__).resolve().parents[3]
PROOF = "containment.proof=1"
ENGINE = {
    "debian": ("26.1.", "ansible.builtin.apt", {"name": ["docker.io", "docker-cli"], "update_cache": True}),
    "el-layout": ("28.5.", "ansible.builtin.dnf", {"name": "moby-engine"}),
}
FACTS = {"debian": ("Debian", "Debian", "13", "apt"), "el-layout": ("RedHat", "CentOS", "9", "dnf")}
ARGUMENT = {
    "debian": "echo 'GRUB_CMDLINE_LINUX=\"$GRUB_CMDLINE_LINUX %s\"' >/etc/default/grub.d/zz-test.cfg && update-grub",
    "el-layout": "grubby --update-kernel=ALL --args=%s && grub2-mkconfig -o /boot/grub2/grub.cfg",
}


def _words(vm):
    return vm.run(["cat", "/proc/cmdline"]).stdout.split()


@pytest.mark.parametrize("vm", ["debian", "el-layout"], indirect=True)
def test_engine_kernel_and_argument(vm):
    kind = vm.image.name.rpartition("-")[0]
    facts = module(vm, "ansible.builtin.setup", {"gather_subset": ["min", "distribution", "pkg_mgr"]})["ansible_facts"]
    names = ("os_family", "distribution", "distribution_major_version", "pkg_mgr")
    assert tuple(facts["ansible_" + name] for name in names) == FACTS[kind]
    assert facts["ansible_hostname"] == vm.name

    version, action, question = ENGINE[kind]
    result = module(vm, action, question)
    assert result.get("changed"), result
    vm.run(["mkdir", "-p", "/etc/docker"])
    vm.run(["tee", "/etc/docker/daemon.json"], input='{"userns-remap": "default"}')
    vm.run(["systemctl", "enable", "docker"])
    vm.run(["systemctl", "restart", "docker"])
    vm.wait_for_engine()
    assert vm.run(["docker", "version", "--format", "{{.Server.Version}}"]).stdout.startswith(version)
    vm.import_image("busybox")
    show_map = ["docker", "run", "--rm", "busybox", "cat", "/proc/self/uid_map"]
    assert vm.run(show_map).stdout.split() == ["0", "100000", "65536"]

    assert PROOF not in _words(vm)
    vm.run(["sh", "-c", ARGUMENT[kind] % PROOF])
    before, kernel = vm.boot_id(), vm.run(["uname", "-r"]).stdout.strip()
    other = vm.run(["/opt/another-kernel"]).stdout.split()[-1]
    assert other != kernel
    vm.reboot()
    assert vm.boot_id() != before
    assert vm.run(["uname", "-r"]).stdout.strip() == other
    assert PROOF in _words(vm)
    assert abs(float(vm.run(["date", "+%s"]).stdout) - time.time()) < 60
    assert vm.run(show_map).stdout.split() == ["0", "100000", "65536"]


def test_power_loss_keeps_what_was_synced_and_nothing_is_left(prepared):
    with start_vm("debian") as vm:
        assert abs(float(vm.run(["date", "+%s"]).stdout) - time.time()) < 60
        assert "virtual machine fork" in vm.run(["dmesg"]).stdout
        assert vm.run(["id", "-u"]).stdout == "0\n"
        with pytest.raises(CommandFailed, match="no-such-file"):
            vm.run(["cat", "/no-such-file"])
        status = Path("/proc/%d/status" % vm.pid).read_text()
        assert "Uid:\t%d\t" % qemu.USER in status
        assert "CapEff:\t0000000000000000" in status
        assert "NoNewPrivs:\t1" in status
        vm.run(["sh", "-c", "echo kept >/etc/kept && sync && touch /run/lost"])
        pid, before = vm.pid, vm.boot_id()
        vm.kill()
        assert not os.path.exists("/proc/%d" % pid)
        with pytest.raises(VmError, match="not running"):
            vm.inventory_vars()
        vm.start()
        assert vm.boot_id() != before
        assert vm.run(["cat", "/etc/kept"]).stdout == "kept\n"
        assert vm.run(["test", "-e", "/run/lost"], check=False).returncode == 1
        vm.stop()
        assert not vm.running
        vm.start()
        folder, pid = vm.folder, vm.pid
        assert [one.name for one in all_vms() if one.name == vm.name] == [vm.name]
    assert not folder.exists()
    assert not os.path.exists("/proc/%d" % pid)


def test_a_state_that_cannot_be_restored_costs_a_cold_start(prepared, tmp_path, capsys):
    image = built("debian")
    state = Path(shutil.copytree(saved(image, 1024), tmp_path / "state"))
    (state / "ram").write_bytes((state / "ram").read_bytes()[:1000000])
    for path in (tmp_path, *tmp_path.parents[:2]):
        path.chmod(0o755)
    with Vm("test-cold", image, 1024, state, _owner()) as vm:
        vm.create()
        vm.start()
        assert "cold start" in capsys.readouterr().err
        assert "virtual machine fork" not in vm.run(["dmesg"]).stdout


def test_a_cloud_image_is_entered_by_its_seed(prepared, tmp_path):
    with start_vm(built("debian-cloud").layer / "disk") as vm:
        assert vm.run(["id", "-u"]).stdout == "0\n"
        assert vm.inventory_vars()["ansible_user"] == "containment"
        assert vm.run(["hostname"]).stdout.strip() == vm.name
        assert "NoCloud" in vm.run(["cloud-init", "status", "--long"], check=False).stdout
        size = vm.run(["df", "--output=size", "--block-size=1G", "/"]).stdout.split()[-1]
        assert int(size) >= 19
        playbook = tmp_path / "playbook.yml"
        playbook.write_text("- {hosts: all, gather_facts: false, tasks: [{ansible.builtin.command: id -u}]}\n")
        assert play(playbook, [vm]).check().tasks[0].result["stdout"] == "0"


def test_sweep_removes_machines_of_a_dead_owner(prepared):
    script = "import os, tests.vms as t; v = t.start_vm('debian'); print(v.name, v.pid, flush=True); os._exit(9)"
    done = subprocess.run([sys.executable, "-c", script], cwd=TOP, stdout=subprocess.PIPE, text=True, check=False)
    name, pid = done.stdout.split()
    assert Vm.load(name).running
    assert name in sweep()
    assert start_time(int(pid)) is None
    assert not (RUN / name).exists()
    with pytest.raises(VmError, match="there is no"):
        Vm.load(name)


def test_the_probe_of_accelerators_runs_a_guest(prepared, monkeypatch):
    root = qemu.program().root
    assert qemu._runs(root, "tcg", "max")
    monkeypatch.setattr(qemu, "_GUEST", qemu._GUEST.replace(b"\xb0\x01", b"\xb0\x02"))
    assert not qemu._runs(root, "tcg", "max")


def test_wrong_names_and_images_are_refused(prepared, tmp_path):
    with pytest.raises(ValueError, match="sid"):
        start_vm("sid")
    with pytest.raises(ValueError, match="host name"):
        start_vm("debian", name="../x")
    disk = tmp_path / "disk"
    header = struct.pack(">4sIQ", b"QFI\xfb", 3, 0).ljust(112, b"\0")
    disk.write_bytes(header)
    assert given(disk).format == "qcow2"
    disk.write_bytes(struct.pack(">4sIQ", b"QFI\xfb", 3, 200).ljust(112, b"\0"))
    with pytest.raises(ValueError, match="another file"):
        given(disk)
    disk.write_bytes(header[:72] + struct.pack(">Q", 4) + header[80:])
    with pytest.raises(ValueError, match="another file"):
        given(disk)
    disk.write_bytes(b"hello")
    with pytest.raises(ValueError, match="neither"):
        given(disk)
