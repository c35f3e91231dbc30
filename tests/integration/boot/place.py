# SPDX-License-Identifier: GPL-3.0-or-later
"""A root directory of its own for one boot configuration: a Debian tree, below it what a case brings, on a tmpfs.

No boot loader is on any disk. What grub-mkconfig asks grub-probe about disks a stand-in answers. /proc/cmdline is a
file of the case.
"""

import collections
import json
import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import ansible

from tests.hosts._paths import CHECKOUT
from tests.hosts.private import CALLS, Private

from .trees import boot_tree

HERE = Path(__file__).parent
STANDINS = HERE / "standins"
# What a case brings and what a run changes. The rest of the tree stays as it is.
WATCHED = ("boot", "efi", "etc/default", "etc/kernel", "usr/lib/bootc", "usr/lib/kernel/cmdline")
LEDGER = "var/lib/containment"
# The version of systemd, in what kernel-install of 257 writes.
STAMP = re.compile(rb"^# File created by /usr/lib/kernel/install.d/.*\n", re.MULTILINE)
# Parts of grub-mkconfig that write the same in each case.
QUIET = ("00_header", "05_debian_theme", "20_linux_xen", "25_bli", "30_os-prober", "30_uefi-firmware")
# Options of the build of 10_linux: --enable-ubuntu-recovery, --enable-quiet-boot, and so on.
UBUNTU = r'^(ubuntu_recovery|quiet_boot|quick_boot|gfxpayload_dynamic|vt_handoff)="0"$'
MOUNTS = """
mount -t tmpfs -o size=256m,mode=755 place "$1"/place
cd "$1"/place
mkdir upper work root
mount -t overlay -o lowerdir={tree},upperdir=upper,workdir=work place root
cd root
mkdir -p .{checkout} .{packages} .old
mount --rbind {checkout} .{checkout}
mount --rbind {packages} .{packages}
mount -t proc proc proc
mount -t tmpfs -o mode=755 dev dev
ln -s /proc/self/fd dev/fd
touch dev/null run/cmdline
mount --bind /dev/null dev/null
pivot_root . .old
cd /
umount -l /.old
mount --bind /run/cmdline /proc/cmdline
"""


class Place(Private):
    """A place with the files of `before` (a folder, may be None), the stand-ins named, and words of /proc/cmdline.

    quiet: without the parts of grub-mkconfig that write the same in each case. ubuntu: see `as_ubuntu_builds`.
    """

    def __init__(self, folder, suite, before=None, standins=(), running="", quiet=True, ubuntu=False):
        (folder / "place").mkdir()
        packages = Path(ansible.__file__).parents[1]
        names = {"tree": boot_tree(suite), "checkout": CHECKOUT, "packages": packages}
        super().__init__(folder, MOUNTS.format(**{name: shlex.quote(str(path)) for name, path in names.items()}))
        self.server = None
        for name in ("grub-probe", *standins):
            shutil.copy(STANDINS / name, self.path("usr/sbin") / name)
        for name in QUIET if quiet else ():
            if self.path("etc/grub.d", name).exists():
                self.path("etc/grub.d", name).chmod(0o644)
        if ubuntu:
            self.as_ubuntu_builds()
        if "grubby" in standins:
            self.path("usr/sbin/update-grub").unlink()
        if before is not None and (before / "efi").exists():
            self.path("efi").mkdir()
            self.run(["mount", "-t", "tmpfs", "-o", "mode=755", "efi", "/efi"])
        if before is not None:
            shutil.copytree(before, self.root, dirs_exist_ok=True, symlinks=True)
        self.path("run/cmdline").write_text(running + "\n")
        module = CHECKOUT / "plugins/modules/kernel_args.py"
        words = ["nsenter", f"--target={self.pid}", "--mount", "--pid", "--", "/usr/bin/python3", HERE / "server.py"]
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"}
        self.server = subprocess.Popen(
            [*words, module, CHECKOUT / ".cache/collections", packages],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            text=True,
        )
        self.fresh = self.watched(WATCHED + (LEDGER,))

    def close(self):
        if self.server is not None:
            self.server.stdin.close()
            self.server.wait()
            self.server.stdout.close()
        super().close()

    def as_ubuntu_builds(self):
        """Have Debian's 10_linux say what Ubuntu's is built to say: both come from one source, with other options.

        What Ubuntu patches into it besides, booting without an initrd, is not there.
        """
        program = self.path("etc/grub.d/10_linux")
        program.write_text(re.sub(UBUNTU, r'\1="1"', program.read_text(), flags=re.MULTILINE))
        menu = self.path("lib/recovery-mode/recovery-menu")  # Of friendly-recovery.
        menu.parent.mkdir()
        menu.touch(0o755)

    def path(self, *parts):
        return self.root.joinpath(*parts)

    def args(self, calls=None, inject=None, seconds=None, **params):
        """Run kernel_args; the result has rc, stderr and trace added."""
        question = {"params": params, "calls": calls, "inject": inject, "seconds": seconds}
        self.server.stdin.write(json.dumps(question) + "\n")
        self.server.stdin.flush()
        answer = json.loads(self.server.stdout.readline())
        told = answer.pop("stdout").strip().splitlines()
        result = json.loads(told[-1]) if told else {}
        result.pop("invocation", None)
        return {**result, **answer}

    def module(self, name, params):
        """Run another module of the collection, as a program; return its result."""
        packages = Path(ansible.__file__).parents[1]
        paths = f"PYTHONPATH={CHECKOUT / '.cache/collections'}:{packages}"
        program = CHECKOUT / f"plugins/modules/{name}.py"
        given = json.dumps({"ANSIBLE_MODULE_ARGS": params}).encode()
        done = self.run(["env", paths, "/usr/bin/python3", "-B", program], input=given, check=False)
        return json.loads(done.stdout.splitlines()[-1])

    def check(self, **params):
        return self.args(_ansible_check_mode=True, _ansible_diff=True, **params)

    def steps(self, **params):
        """Run it and return [(system call, its number among its like)] by which it changed the disk."""
        done = self.args(calls=",".join(CALLS), **params)
        if done["rc"]:
            raise AssertionError(done)
        seen, found = collections.Counter(), []
        for call, arguments in re.findall(r"^(\w+)\((.*)", done["trace"], re.MULTILINE):
            seen[call] += 1
            answer = call == "write" and arguments.startswith(("1,", "2,"))
            if not answer and (call != "openat" or "O_CREAT" in arguments):
                found.append((call, seen[call]))
        return found

    def kill(self, call, number, **params):
        """Run it and kill it at a step; tell whether it was."""
        return self.args(calls=call, inject=f"{call}:signal=KILL:when={number}", **params)["rc"] == -9

    def watched(self, below=WATCHED):
        """Return {path: bytes, or the target of a link} of what is watched."""
        found = {}
        for top in below:
            top = self.path(top)
            files = [top] if top.is_file() else [path for path in top.rglob("*") if not path.is_dir()]
            for path in files:
                name = str(path.relative_to(self.root))
                found[name] = os.readlink(path) if path.is_symlink() else STAMP.sub(b"", path.read_bytes())
        return found

    def reset(self, state=None):
        """Put back what was there at the beginning, or a state of watched()."""
        state = self.fresh if state is None else state
        now = self.watched(WATCHED + (LEDGER,))
        for name in set(now) - set(state):
            self.path(name).unlink()
        for name, data in state.items():
            if now.get(name) != data:
                self.path(name).parent.mkdir(parents=True, exist_ok=True)
                self.path(name).write_bytes(data)
        if not any(name.startswith(LEDGER) for name in state):
            shutil.rmtree(self.path(LEDGER), ignore_errors=True)
