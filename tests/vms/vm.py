# SPDX-License-Identifier: GPL-3.0-or-later
"""A virtual machine: its files, its life, and what can be done with it over ssh."""

import contextlib
import dataclasses
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.hosts import throwaway
from tests.hosts._paths import make_private
from tests.hosts.host import ENVIRONMENT
from tests.hosts.processes import start_time

from . import image as images
from . import qemu, seed
from ._paths import BOOT, COMMAND, PATIENCE, RUN

_BOOT_ID = "/proc/sys/kernel/random/boot_id"
_CONNECT = int(30 * PATIENCE)


class VmError(Exception):
    """A virtual machine did not start, stop or answer; the text has the end of its console."""


def _tail(path, lines):
    return "\n".join(path.read_text(errors="replace").splitlines()[-lines:]) if path.exists() else ""


class Vm:
    """One virtual machine. Use start_vm() to make one.

    `name`, `image` and `memory` (MiB) stay as given. `state` is the folder of the saved state it started from, or None.
    `owner` is [pid, start time] of the process it is not to outlive, or None. As a context manager it removes itself.
    """

    def __init__(self, name, image, memory, state, owner):
        self.name, self.image, self.memory, self.state, self.owner = name, image, memory, state, owner
        self.folder = RUN / name
        self.console = self.folder / "console.log"
        self._process = None  # [pid, start time] of its QEMU
        self._port = None
        self._connect = _CONNECT
        self._qemu = None  # its qemu.Process, where this process started it

    def _save(self):
        image = dict(dataclasses.asdict(self.image), layer=str(self.image.layer))
        state = {"image": image, "memory": self.memory, "state": self.state and str(self.state), "owner": self.owner}
        half = self.folder / "state.tmp"
        half.write_text(json.dumps(dict(state, process=self._process, port=self._port)))
        half.rename(self.folder / "state.json")

    @classmethod
    def load(cls, name):
        """The virtual machine of that name, whichever process made it. Raises VmError when there is none."""
        try:
            state = json.loads((RUN / name / "state.json").read_text())
        except FileNotFoundError:
            raise VmError("there is no virtual machine %r; `list` names those there are" % name) from None
        image = images.Image(**dict(state["image"], layer=Path(state["image"]["layer"])))
        vm = cls(name, image, state["memory"], state["state"] and Path(state["state"]), state["owner"])
        vm._process, vm._port = state["process"], state["port"]
        return vm

    def create(self):
        """Make its folder. Raises VmError when there is one of that name."""
        new = Path(tempfile.mkdtemp(prefix=".new-", dir=make_private(RUN)))
        (new / "disk").mkdir()
        final, self.folder = self.folder, new
        host_key = self.image.host_key
        if self.image.cloud:
            host_key = seed.write(new / "seed", self.name)
        (new / "known_hosts").write_text("%s %s" % (self.name, host_key))
        self._save()
        self.folder = final
        try:
            new.rename(final)
        except OSError:
            shutil.rmtree(new)
            raise VmError("a virtual machine %r is there already" % self.name) from None

    def _layers(self):
        layers = [("image", self.image.layer)]
        if self.state:
            layers.append(("state", self.state))
        if self.image.cloud:
            layers.append(("seed", self.folder / "seed"))
        return layers

    def _make_disk(self):
        disk = self.folder / "disk"
        (disk / "disk.qcow2").unlink(missing_ok=True)
        os.chown(disk, qemu.USER, qemu.USER)
        disk.chmod(0o700)
        if self.state:
            return qemu.overlay(disk, self._layers(), "/mnt/state/disk.qcow2", "qcow2")
        path = os.path.join("/mnt/image", self.image.disk).rstrip("/")
        return qemu.overlay(disk, self._layers(), path, self.image.format, self.image.size)

    def _launch(self, incoming):
        with open(self.console, "ab") as console, open(self.folder / "qemu.log", "wb") as log:
            words = qemu.machine(self.memory, seed.DRIVE if self.image.cloud else ())
            # Packages of the images made here are on their disks; those of others come from their repositories.
            network = self.image.cloud
            self._qemu = qemu.Process(self.folder / "disk", self._layers(), words, console, log, incoming, network)
        pid = self._qemu.popen.pid
        self._process, self._port = [pid, start_time(pid)], None
        self._save()
        self._qemu.connect()
        self._port = self._qemu.port()
        self._save()

    def start(self, timeout=BOOT):
        """Power it on and wait for the end of its boot; at first it goes on from its saved state, where it has one."""
        new = not (self.folder / "disk/disk.qcow2").exists()
        try:
            if new:
                self._make_disk()
            if not (new and self.state and self._restored(timeout)):
                self._launch(incoming=False)
                self._wait("end of its boot", self._booted, timeout)
        except qemu.QemuError as error:
            raise self._error(str(error)) from None
        if new and not self.image.cloud:
            # The saved clock and name are those of another machine; random numbers the kernel has renewed (vmgenid).
            script = 'date --set="@$1" && echo "$2" >/etc/hostname && hostname "$2" && '
            script += 'sed -i "s/^127.0.1.1 .*/127.0.1.1 $2/" /etc/hosts && sync'
            self.run(["sh", "-c", script, "sh", "%.3f" % time.time(), self.name])
        return self

    def _restored(self, timeout):
        try:
            self._launch(incoming=True)
            self._qemu.restore("/mnt/state/ram")
            self._wait("answer after its restoration", lambda: self._answers(["true"]) is not None, timeout / 4)
        except (qemu.QemuError, VmError) as error:
            print("virtual machines: %s: cold start: %s" % (self.name, error), file=sys.stderr, flush=True)
            self.kill()
            self._make_disk()
            return False
        return True

    def stop(self, timeout=BOOT):
        """Shut it down as an administrator would, and kill what is left; its files stay for the next start()."""
        if self.running:
            self.run(["systemctl", "poweroff"], check=False)
            end = time.monotonic() + timeout
            while self.running and time.monotonic() < end:
                time.sleep(0.2)
        self.kill()

    def kill(self):
        """Power loss; its files stay for the next start()."""
        if self.running:
            os.kill(self._process[0], signal.SIGKILL)
            end = time.monotonic() + 60
            while self.running:
                if time.monotonic() > end:
                    raise VmError("QEMU of %s, process %d, does not end" % (self.name, self._process[0]))
                time.sleep(0.05)
        if self._qemu is not None:
            self._qemu.popen.wait(timeout=60)
        self._process = self._port = self._qemu = None
        if self.folder.is_dir():
            self._save()

    def remove(self):
        """End it at once and delete its files."""
        self.kill()
        for part in ("disk", "seed"):  # the state goes last: a machine half deleted can be deleted again
            if (self.folder / part).is_dir():
                shutil.rmtree(self.folder / part)
        if self.folder.is_dir():
            shutil.rmtree(self.folder)

    def save(self, out):
        """Keep the running machine's memory and disk in the folder `out`, and end it."""
        self._qemu.save()
        out.mkdir()
        out.chmod(0o755)  # the folder above is root's alone
        for name in ("ram", "disk.qcow2"):
            (self.folder / "disk" / name).rename(out / name)
            os.chown(out / name, 0, 0)
            (out / name).chmod(0o644)

    def reboot(self, timeout=BOOT):
        """Restart its kernel, as `systemctl reboot` inside does, and wait for the end of the boot."""
        before = self.boot_id()
        self.run(["systemctl", "reboot"], check=False)
        self._wait("reboot", lambda: self._answers(["cat", _BOOT_ID]) not in (None, before) and self._booted(), timeout)
        return self

    @property
    def pid(self):
        """The process of its QEMU, None when it does not run."""
        return self._process[0] if self.running else None

    def boot_id(self):
        """The kernel's name for this boot."""
        return self.run(["cat", _BOOT_ID]).stdout

    def __enter__(self):
        return self

    def __exit__(self, *_exception):
        self.remove()

    def _error(self, reason):
        parts = ["virtual machine %s: %s" % (self.name, reason)]
        parts += [_tail(self.folder / "qemu.log", 10), "its console:", _tail(self.console, 20)]
        return VmError("\n".join(part for part in parts if part))

    def _wait(self, what, ready, timeout):
        end = time.monotonic() + timeout
        self._connect = 3  # seconds: most tries at first meet a machine that is not there yet
        while not ready():
            alive = self.running
            if not alive or time.monotonic() > end:
                raise self._error("no %s within %d s" % (what, timeout) if alive else "it ended before the " + what)
            self._connect = min(self._connect + 1, _CONNECT)
            time.sleep(0.5)

    def _answers(self, argv):
        """What a command prints, None when the machine cannot be reached or the command fails."""
        with contextlib.suppress(subprocess.TimeoutExpired, VmError):
            done = self.run(argv, check=False, connect=self._connect)
            return None if done.returncode else done.stdout
        return None

    def _booted(self):
        script = 's=$(systemctl is-system-running); [ "$s" = running ] || [ "$s" = degraded ]'
        if self.image.cloud:  # 2: done, with something it could not do
            script += " && { cloud-init status --wait >/dev/null; [ $? != 1 ]; }"
        return self._answers(["sh", "-c", script]) is not None

    @property
    def running(self):
        """Whether its QEMU runs."""
        if self._qemu is not None:
            self._qemu.popen.poll()
        return self._process is not None and start_time(self._process[0]) == self._process[1]

    def _options(self):
        options = {
            "UserKnownHostsFile": self.folder / "known_hosts",
            "GlobalKnownHostsFile": "/dev/null",
            "HostKeyAlias": self.name,
            "StrictHostKeyChecking": "yes",
            "IdentitiesOnly": "yes",
            "PreferredAuthentications": "publickey",
            "LogLevel": "ERROR",
        }
        return ["-F", "/dev/null", *(word for key, value in options.items() for word in ("-o", "%s=%s" % (key, value)))]

    def ssh(self, *words, connect=_CONNECT):
        """The command line that runs what follows it inside (words of a shell there)."""
        if self._port is None or not self.running:
            raise VmError("virtual machine %s is not running" % self.name)
        options = [*self._options(), "-o", "ConnectTimeout=%d" % connect, "-o", "BatchMode=yes"]
        options += ["-i", str(images.user_key()), "-p", str(self._port), *words]
        return ["ssh", *options, "%s@127.0.0.1" % self._user()]

    def _user(self):
        return seed.USER if self.image.cloud else "root"

    def run(self, argv, check=True, input="", timeout=COMMAND, connect=_CONNECT):
        """Run a command inside as root and return a CompletedProcess with text streams.

        Raises CommandFailed on a return code other than 0 when `check` (255: ssh could not reach it, or the command's
        own), TimeoutExpired after `timeout` seconds.
        """
        words = ["env", *("%s=%s" % pair for pair in ENVIRONMENT.items()), *argv]
        line = shlex.join(["sudo", "-n", "--", *words] if self.image.cloud else words)
        return throwaway.run(self.name, argv, [*self.ssh(connect=connect), line], check, input=input, timeout=timeout)

    def wait_for_engine(self, timeout=BOOT):
        """Wait until its engine answers. Raises VmError after `timeout` seconds."""
        self._wait("answer of its engine", lambda: self._answers(["docker", "version"]) is not None, timeout)

    def import_image(self, name="busybox"):
        """Give the engine an image of busybox with all its names and the user `user` (1000); no registry is asked."""
        self.run(["docker", "import", "/opt/image.tar", name])

    def inventory_vars(self):
        """Connection variables for Ansible; the port is another one after stop(), kill() and start()."""
        if self._port is None:
            raise VmError("virtual machine %s is not running" % self.name)
        return {
            "ansible_connection": "ssh",
            "ansible_host": "127.0.0.1",
            "ansible_port": self._port,
            "ansible_user": self._user(),
            "ansible_become": self.image.cloud,
            "ansible_ssh_private_key_file": str(images.user_key()),
            "ansible_ssh_common_args": shlex.join(self._options()),
            # Without compression, which costs an emulated processor more than it saves.
            "ansible_ssh_args": "-o ControlMaster=auto -o ControlPersist=60s",
            "ansible_ssh_pipelining": True,
            "ansible_timeout": int(COMMAND),
            "ansible_python_interpreter": "/usr/bin/python3",
        }


def all_vms():
    """Virtual machines that have files in the cache, running or not."""
    return throwaway.known(RUN.glob("[!.]*"), Vm.load, VmError)


def sweep():
    """Remove the virtual machines of owners that are gone; return their names."""
    return throwaway.remove_orphans(all_vms())
