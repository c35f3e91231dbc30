# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible against throwaway hosts, with the ansible-core that belongs to the running Python."""

import atexit
import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from ._paths import CACHE, CHECKOUT, COLLECTIONS, make_private

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Task:
    """What one task did on one host. `status` is ok, failed, skipped or unreachable; `result` is the module's own."""

    name: str
    host: str
    action: str
    status: str
    changed: bool
    ignored: bool
    result: dict


@dataclass(frozen=True)
class Result:
    """A finished ansible-playbook: `stats` is the recap by host name, `tasks` are in the order of their ends."""

    rc: int
    stdout: str
    stderr: str
    stats: dict
    tasks: list

    def changes(self):
        """[(task name, host name)] of the tasks that report a change."""
        return [(task.name, task.host) for task in self.tasks if task.changed]

    def check(self):
        """Itself when the run succeeded; else an AssertionError with the output."""
        assert self.rc == 0, "ansible-playbook ended with %d\n%s%s" % (self.rc, self.stdout, self.stderr)
        return self


def environment():
    """The environment for Ansible: no settings of the user's, this checkout as the collection containment.docker."""
    link = COLLECTIONS / "ansible_collections" / "containment" / "docker"
    if not link.exists():
        link.parent.mkdir(parents=True, exist_ok=True)
        link.unlink(missing_ok=True)  # to a checkout that has moved
        link.symlink_to(os.path.relpath(CHECKOUT, link.parent))
    # Those of Python would go on to the hosts, whose Python then found none of its compiled files: see `python`.
    env = {key: value for key, value in os.environ.items() if not key.startswith(("ANSIBLE_", "PYTHON"))}
    env.update(
        ANSIBLE_CONFIG=str(HERE / "ansible.cfg"),
        ANSIBLE_HOME=str(make_private(CACHE / "ansible-home")),
        ANSIBLE_COLLECTIONS_PATH=str(COLLECTIONS),
        LC_ALL="C.UTF-8",
    )
    return env


def python():
    """The command line of this Python, with its compiled files where the environment has them."""
    prefix = os.environ.get("PYTHONPYCACHEPREFIX")
    return [sys.executable, *(["-X", f"pycache_prefix={prefix}"] if prefix else ["-B"])]


def write_inventory(path, hosts, groups=None):
    """Write an inventory of the hosts; `groups` maps a group's name to the names of its hosts."""
    content = {
        "hosts": {host.name: host.inventory_vars() for host in hosts},
        "children": {group: {"hosts": {name: {} for name in names}} for group, names in (groups or {}).items()},
    }
    Path(path).write_text(json.dumps({"all": content}))


def play(playbook, hosts, *args, extra_vars=None, groups=None, timeout=900, until=None):
    """Run ansible-playbook (a path, or a name as containment.docker.harden) on the hosts; returns a Result for any rc.

    `args` go to the command line as they are: "--check", "--diff", "--tags=x". until: called again and again; when it
    returns something true, the playbook and what it runs are killed.
    """
    with tempfile.TemporaryDirectory(dir=make_private(CACHE / "plays")) as folder:
        inventory, collected, stdout, stderr = (Path(folder, name) for name in ("inventory.json", "json", "out", "err"))
        write_inventory(inventory, hosts, groups)
        for path in (collected, stdout, stderr):
            path.touch()
        argv = [str(Path(sys.executable).parent / "ansible-playbook"), "-i", str(inventory), str(playbook), *args]
        if extra_vars:
            argv += ["--extra-vars", json.dumps(extra_vars)]
        start = _LoadedPlay if _keeps_loaded else _Play
        rc = _wait(start(argv, {"CONTAINMENT_COLLECT": str(collected)}, stdout, stderr), until, timeout)
        records = [json.loads(line) for line in collected.read_text().splitlines()]
        stats = [record["stats"] for record in records if "stats" in record]
        tasks = [Task(**record) for record in records if "stats" not in record]
        return Result(rc, stdout.read_text(), stderr.read_text(), stats[-1] if stats else {}, tasks)


class _Play:
    """A playbook that runs, in a session of its own."""

    def __init__(self, argv, env, stdout, stderr):
        with stdout.open("w") as out, stderr.open("w") as err:
            streams = {"stdin": subprocess.DEVNULL, "stdout": out, "stderr": err}
            env = dict(_play_environment(), **env)
            self._process = subprocess.Popen(
                [*python(), *argv], cwd=CHECKOUT, env=env, start_new_session=True, **streams
            )
        self.pid = self._process.pid

    def wait(self, timeout=None):
        """-> how it ended, as subprocess tells it. Raises subprocess.TimeoutExpired."""
        return self._process.wait(timeout)


class _LoadedPlay:
    """The same, of a process that keeps Ansible and the modules: a third of the work is not done again."""

    def __init__(self, argv, env, stdout, stderr):
        self._argv, self._worker = argv, _worker_for("plays")
        question = {"argv": argv, "env": env, "stdout": str(stdout), "stderr": str(stderr)}
        self._number = self._worker.put(question)
        self.pid = self._worker.get(self._number)["pid"]

    def wait(self, timeout=None):
        answer = self._worker.get(self._number, timeout)
        if answer is None:
            raise subprocess.TimeoutExpired(self._argv, timeout)
        return answer["rc"]


def _play_environment():
    settings = {"ANSIBLE_CALLBACK_PLUGINS": str(HERE / "callback_plugins"), "ANSIBLE_CALLBACKS_ENABLED": "collect"}
    return dict(environment(), **settings)


def _wait(running, until, timeout):
    """-> how a playbook ended, which is killed when until() says so, and when it takes longer than its time."""
    end = time.monotonic() + timeout
    while True:
        try:
            return running.wait(timeout if until is None else 0.02)
        except BaseException as error:
            late = not isinstance(error, subprocess.TimeoutExpired) or time.monotonic() > end
            if late or until():
                with contextlib.suppress(ProcessLookupError):  # It has ended meanwhile.
                    os.killpg(running.pid, signal.SIGKILL)
                until = bool
            if late:
                running.wait()
                raise


class _Worker:
    """A process that keeps Ansible loaded: the first module call costs 0.5 s, the others a quarter of that."""

    def __init__(self):
        argv = [*python(), "-m", "tests.hosts.ansible_worker"]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        self._process = subprocess.Popen(argv, env=_play_environment(), cwd=CHECKOUT, start_new_session=True, **pipes)
        self._read, self._number = b"", 0
        atexit.register(self.close)

    def ended(self):
        return self._process.poll() is not None

    def put(self, question):
        """-> the question's number."""
        self._number += 1
        with contextlib.suppress(BrokenPipeError):  # told by the missing answer
            self._process.stdin.write(json.dumps([self._number, question]).encode() + b"\n")
            self._process.stdin.flush()
        return self._number

    def get(self, number, timeout=None):
        """-> the next answer to a question; None where there is none in so many seconds.

        Those to earlier ones, whose asker was interrupted, are not looked at.
        """
        while True:
            answer = self._next(timeout)
            if answer is None or answer[0] == number:
                return answer and answer[1]

    def _next(self, timeout):
        fd = self._process.stdout.fileno()
        while b"\n" not in self._read:
            if not select.select([fd], [], [], timeout)[0]:
                return None
            data = os.read(fd, 1 << 20)
            if not data:
                raise RuntimeError("the worker for Ansible ended with %s" % self._process.wait())
            self._read += data
        line, _newline, self._read = self._read.partition(b"\n")
        return json.loads(line)

    def close(self):
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        self._process.wait(timeout=20)


_workers = {}  # those for modules and for plays are two: a module may be asked while a playbook runs
_keeps_loaded = False


def keep_loaded():
    """Have each play() from now on find Ansible loaded; else it is the command, as a user runs it."""
    global _keeps_loaded
    _keeps_loaded = True


def _worker_for(kind):
    if kind not in _workers or _workers[kind].ended():
        _workers[kind] = _Worker()
    return _workers[kind]


def module(host, name, args=None, check=False, diff=False):
    """Run one module (fully qualified name) on a host and return its result; a failed one has `failed` in it.

    It goes through Ansible's own action and connection plugins, without the playbook's start-up. Modules that need an
    action plugin of their own (copy, template, reboot) want play(). Raises RuntimeError when the module cannot be found
    or built.
    """
    worker = _worker_for("modules")
    question = {"vars": host.inventory_vars(), "name": name, "args": args or {}, "check": check, "diff": diff}
    answer = worker.get(worker.put(question))
    if "error" in answer:
        raise RuntimeError("%s on %s: %s" % (name, host.name, answer["error"]))
    return answer["result"]
