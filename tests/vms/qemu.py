# SPDX-License-Identifier: GPL-3.0-or-later
"""QEMU: which one, how fast, and one running process of it.

The machine's own QEMU serves where it is new enough (7.2 crashes where it emulates two processors); else Debian
trixie's, unpacked below the cache and run in a chroot. Either runs as a user of its own without capabilities, sees its
files and nothing else of the cache, cannot start programs, and its network reaches nothing.
"""

import contextlib
import dataclasses
import functools
import json
import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from tests.hosts import tree
from tests.hosts._paths import make_private

from ._paths import COMMAND, PATIENCE, SCRIPTS, TOOLS, VMS

OLDEST = 9
USER = 1900000000  # no distribution gives this one to anybody
PACKAGES = "base-files,qemu-system-x86,qemu-utils"
PROCESSORS = 2


class QemuError(RuntimeError):
    """QEMU ended, refused or did not answer; the text has its last words."""


@dataclasses.dataclass(frozen=True)
class Program:
    """A QEMU: the root it runs in, its version, and the accelerator and processor model that work with it."""

    root: Path
    version: str
    accelerator: tuple

    def name(self):
        """What a saved state depends on."""
        return "%s %s" % (self.version, " ".join(self.accelerator))


def _build(out):
    options = [*tree._options(), "--variant=extract", "--include=" + PACKAGES]
    argv = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "mmdebstrap", *options]
    tree._run([*argv, "trixie", str(out), tree._source("trixie")], str(out) + ".log")
    for name in ("dev", "mnt"):
        (out / name).mkdir(exist_ok=True)


def _version(words):
    told = subprocess.run([*words, "qemu-system-x86_64", "--version"], check=True, stdout=subprocess.PIPE, text=True)
    return re.search(r"version (\S+)", told.stdout).group(1)


# A boot sector that writes 1 to the port of isa-debug-exit, upon which QEMU ends with 3.
_GUEST = bytes.fromhex("b001e6f4f4").ljust(510, b"\0") + b"\x55\xaa"


def _runs(root, accelerator, model):
    """Whether a virtual machine executes its first instructions: that a device can be opened proves nothing."""
    words = "qemu-system-x86_64 -machine pc -nodefaults -display none -device isa-debug-exit,iobase=0xf4 "
    words += "-drive file=/mnt/vm/disk,format=raw -accel %s -cpu %s" % (accelerator, model)
    with tempfile.TemporaryDirectory(dir=make_private(VMS)) as folder:
        Path(folder, "disk").write_bytes(_GUEST)
        for path in (folder, Path(folder, "disk")):
            os.chown(path, USER, USER)
        argv = [*_enter(root, folder, _kvm_group()), *words.split()]
        quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        try:
            return subprocess.run(argv, check=False, timeout=60 * PATIENCE, **quiet).returncode == 3
        except subprocess.TimeoutExpired:
            return False


def _kvm_works(root):
    """Whether KVM can run stock kernels: the processor must have what it needs, not the device alone be there."""
    if not os.access("/dev/kvm", os.W_OK) or not re.search(r"\b(vmx|svm)\b", Path("/proc/cpuinfo").read_text()):
        return False
    return _runs(root, "kvm", "host")


def _kvm_group():
    return str(os.stat("/dev/kvm").st_gid) if os.path.exists("/dev/kvm") else ""


def _enter(root, folder, group, layers=()):
    words = ["unshare", "--mount", "--propagation", "private", "sh", str(SCRIPTS / "launch.sh"), str(root), str(folder)]
    words += [str(USER), group]
    for name, path in layers:
        words += [name, str(path)]
    return [*words, "--"]


@functools.lru_cache(maxsize=None)
def program():
    """The Program to use here. Raises NotPossible, or RuntimeError when it cannot be unpacked."""
    root = None
    if shutil.which("qemu-system-x86_64") and shutil.which("qemu-img"):
        version = _version([])
        if int(version.split(".")[0]) >= OLDEST:
            root = Path("/")
    if root is None:
        told = "virtual machines: unpacking %s (about 15 seconds)"
        root = tree._once("qemu-" + tree._key(PACKAGES), _build, TOOLS, told)
        version = _version(["chroot", str(root)])
    if _kvm_works(root):
        model = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text()).group(1)
        return Program(root, version + " on " + model, ("-accel", "kvm", "-cpu", "host"))
    return Program(root, version, ("-accel", "tcg,thread=multi,tb-size=512", "-cpu", "max"))


def overlay(folder, layers, backing, backing_format, size=0):
    """Make `folder`/disk.qcow2 over the disk `backing` (its path as QEMU sees it)."""
    argv = ["qemu-img", "create", "-q", "-f", "qcow2", "-F", backing_format, "-b", backing, "/mnt/vm/disk.qcow2"]
    argv = [*_enter(program().root, folder, "", layers), *argv, *([str(size)] if size else [])]
    streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    done = subprocess.run(argv, check=False, **streams)
    if done.returncode:
        raise QemuError("qemu-img cannot make a disk over %s: %s" % (backing, done.stdout.strip()))


def machine(memory, extra=()):
    """The words that describe the virtual machine; a saved state fits these words only."""
    words = ["-machine", "pc", "-nodefaults", "-no-user-config", "-display", "none", "-vga", "none"]
    words += ["-smp", str(PROCESSORS), "-m", str(memory), "-rtc", "base=utc"]
    words += ["-drive", "if=none,id=disk,file=/mnt/vm/disk.qcow2,format=qcow2,cache=unsafe"]
    words += ["-device", "virtio-blk-pci,drive=disk,bootindex=0"]
    words += ["-device", "virtio-net-pci,netdev=net,romfile="]
    words += ["-device", "virtio-rng-pci", "-device", "virtio-balloon-pci,free-page-reporting=on"]
    # A machine restored from a saved state is told that it is another one, and takes new random numbers.
    words += ["-device", "vmgenid,guid=auto"]
    return [*words, *extra]


class Process:
    """A QEMU process that this process starts. It outlives this object; `pid` and start time name it."""

    def __init__(self, folder, layers, words, console, log, incoming, network):
        """folder: what QEMU may write, as /mnt/vm. layers: [(name, path)] it sees read-only as /mnt/name.

        console, log: open files. incoming: the machine waits for restore(). network: it may reach what this machine
        reaches, this machine's own services included.
        """
        self._log = Path(log.name)
        ours, theirs = socket.socketpair()
        words = ["qemu-system-x86_64", *program().accelerator, *words]
        words += ["-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny"]
        restrict = "off" if network else "on"
        words += ["-netdev", "user,id=net,restrict=%s,hostfwd=tcp:127.0.0.1:0-:22" % restrict]
        words += ["-chardev", "stdio,id=console,signal=off", "-serial", "chardev:console"]
        words += ["-chardev", "socket,id=qmp,fd=%d" % theirs.fileno(), "-mon", "chardev=qmp,mode=control"]
        words += ["-incoming", "defer"] if incoming else []
        with theirs:
            self.popen = subprocess.Popen(
                [*_enter(program().root, folder, _kvm_group(), layers), *words],
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=log,
                start_new_session=True,
                pass_fds=[theirs.fileno()],
            )
        ours.settimeout(COMMAND)
        self._link = ours.makefile("rwb", buffering=0)
        ours.close()

    def connect(self):
        """Wait until QEMU has made the machine. Raises QemuError when it cannot."""
        self._read()  # its greeting
        self.ask("qmp_capabilities")

    def _read(self):
        try:
            line = self._link.readline()
        except TimeoutError:
            raise QemuError("QEMU does not answer within %d s" % COMMAND) from None
        except ConnectionResetError:
            line = b""
        if not line:
            tail = "\n".join(self._log.read_text(errors="replace").splitlines()[-10:])
            raise QemuError("QEMU ended:\n" + tail)
        return json.loads(line)

    def ask(self, command, **arguments):
        """Send a command of QEMU's machine protocol and return the answer. Raises QemuError when it is refused."""
        question = {"execute": command, "arguments": arguments}
        with contextlib.suppress(BrokenPipeError):  # told by the missing answer
            self._link.write(json.dumps(question).encode() + b"\n")
        while True:
            answer = self._read()
            if "error" in answer:
                raise QemuError("QEMU refuses %s: %s" % (command, answer["error"]["desc"]))
            if "return" in answer:
                return answer["return"]

    def port(self):
        """The port of 127.0.0.1 that leads to the machine's ssh."""
        told = self.ask("human-monitor-command", **{"command-line": "info usernet"})
        return int(re.search(r"TCP\[HOST_FORWARD\]\s+\d+\s+127\.0\.0\.1\s+(\d+)", told).group(1))

    def _migrated(self, wanted):
        end = time.monotonic() + COMMAND
        while True:
            state = self.ask("query-migrate")
            if state.get("status") == wanted:
                return
            if state.get("status") in ("failed", "cancelled") or time.monotonic() > end:
                raise QemuError("QEMU's state is %s: %s" % (state.get("status"), state.get("error-desc", "no reason")))
            time.sleep(0.1)

    def save(self):
        """Stop the machine, write its state to `folder`/ram and end."""
        self.ask("stop")
        self.ask("migrate", uri="file:/mnt/vm/ram")
        self._migrated("completed")
        self.ask("quit")
        self.popen.wait(timeout=COMMAND)

    def restore(self, path):
        """Go on from the state in a file (its path as QEMU sees it)."""
        self.ask("migrate-incoming", uri="file:" + path)
        self._migrated("completed")
        self.ask("cont")
