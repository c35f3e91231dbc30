# SPDX-License-Identifier: GPL-3.0-or-later
"""Mounts and processes of its own for one module: its files are private, and strace kills it or fails its calls.

The module runs as its own process, as the controller would start it; only the controller is left out.
"""

import collections
import json
import os
import re
import subprocess
import sys
from pathlib import Path

from ._paths import CHECKOUT

_READY = "echo ready; exec sleep infinity"
# The system calls by which a module changes the disk.
CALLS = (
    "write",
    "fsync",
    "rename",
    "renameat",
    "link",
    "unlink",
    "unlinkat",
    "openat",
    "mkdir",
    "mkdirat",
    "ftruncate",
    "fchown",
    "fchmod",
    "fsetxattr",
)


class Private:
    """A mount and pid namespace in which `script` (sh, "$1" is `folder`) made its mounts.

    root: the path from here to its root. close() ends it and all that runs in it.
    """

    def __init__(self, folder, script):
        self.folder = folder
        words = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-ec"]
        self.process = subprocess.Popen(
            [*words, "mount --make-rprivate /\n" + script + _READY, "sh", str(folder)], stdout=subprocess.PIPE
        )
        if self.process.stdout.readline() != b"ready\n":
            self.close()
            raise RuntimeError("the private mounts could not be made")
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        self.pid = int(children[0])
        self.root = Path(f"/proc/{self.pid}/root")

    def close(self):
        self.process.kill()
        self.process.wait()

    def run(self, words, check=True, **options):
        """Run a command in it; the CompletedProcess has bytes."""
        entered = ["nsenter", "--target", str(self.pid), "--mount", "--pid", "--", *map(str, words)]
        result = subprocess.run(entered, check=False, capture_output=True, timeout=60, **options)
        if check and result.returncode:
            raise AssertionError((words, result.returncode, result.stdout, result.stderr))
        return result

    def run_module(self, name, params, prefix=(), python=sys.executable):
        """Run a module of this collection; return its result, rc and stderr added. prefix: words such as strace's."""
        environment = dict(
            os.environ,
            PYTHONPATH=str(CHECKOUT / ".cache/collections"),
            PYTHONDONTWRITEBYTECODE="1",
            LC_ALL="C.UTF-8",
        )
        given = json.dumps({"ANSIBLE_MODULE_ARGS": params}).encode()
        program = CHECKOUT / f"plugins/modules/{name}.py"
        result = self.run([*prefix, python, program], check=False, env=environment, input=given)
        told = result.stdout.strip().splitlines()
        return dict(json.loads(told[-1]) if told else {}, rc=result.returncode, stderr=result.stderr.decode())

    def trace_module(self, name, params):
        """Run a module and return [(system call, its number among its like)] by which it changed the disk."""
        trace = self.folder / "trace"
        done = self.run_module(name, params, ["strace", "-f", "-o", trace, "-e", "trace=" + ",".join(CALLS)])
        if done["rc"]:
            raise AssertionError(done)
        seen, found = collections.Counter(), []
        for call, arguments in re.findall(r"^\d+ +(\w+)\((.*)", trace.read_text(), re.MULTILINE):
            seen[call] += 1
            answer = call == "write" and arguments.startswith("1,")
            if not answer and (call != "openat" or "O_CREAT" in arguments):
                found.append((call, seen[call]))
        return found


def some(steps):
    """Return the steps of a trace that are killed or failed at: each replacement, what comes right behind one, and
    every fourth of the others. CONTAINMENT_KILLS=1: every one."""
    if os.environ.get("CONTAINMENT_KILLS"):
        return steps
    moves = {at for at, (call, _number) in enumerate(steps) if call in ("rename", "renameat")}
    chosen = moves | {at + 1 for at in moves} | set(range(0, len(steps), 4)) | {len(steps) - 1}
    return [steps[at] for at in sorted(chosen & set(range(len(steps))))]


def inject(call, number, what):
    """Return the words that run a command and kill ("signal=KILL") or fail ("error=EIO") its `number`th `call`."""
    return [
        "strace",
        "-f",
        "-qq",
        "-o",
        "/dev/null",
        "-e",
        f"trace={call}",
        "-e",
        f"inject={call}:{what}:when={number}",
    ]
