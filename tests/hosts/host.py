# SPDX-License-Identifier: GPL-3.0-or-later
"""A throwaway Docker host: namespaces, an overlay on a cached tree, and plain directories for the engine's data."""

import hashlib
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from . import cgroups, throwaway, tree
from ._paths import HOSTS, NotPossible, make_private
from .processes import children_init, start_time

# The namespaces that unshare makes; nspawn makes the others itself.
UNSHARE = {
    "systemd": ["--mount"],
    "script": ["--mount", "--uts", "--ipc", "--net", "--pid", "--fork", "--kill-child"],
}
NSENTER = ["--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup", "--root", "--wd", "--"]
ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root",
    "LC_ALL": "C.UTF-8",
    "DEBIAN_FRONTEND": "noninteractive",
}
# What the harness keeps of a host: the overlay's writable part, and plain directories for what must not lie on it.
FOLDERS = {"upper": 0o755, "work": 0o700, "root": 0o755, "docker": 0o711, "containerd": 0o711}


class HostError(Exception):
    """A host did not start, stop or answer; the text has the end of its console."""


class Host:
    """One throwaway host. Use start_host() to make one.

    `name`, `suite`, `init` ("systemd" or "script") and `engine` (whether one was installed at first) stay as given.
    `owner` is [pid, start time] of the process it is not to outlive, or None. As a context manager it removes itself.
    """

    def __init__(self, name, suite, init, engine, owner):
        self.name, self.suite, self.init, self.engine, self.owner = name, suite, init, engine, owner
        self.folder = HOSTS / name
        self._launcher = None  # [pid, start time] of the process that boots it and waits for its end
        self._process = None  # its Popen, where this process started it
        self._init = None  # [pid, start time] of the host's PID 1, once it was seen
        # Clones on one machine may have hosts of the same name, which must not share a control group.
        clone = hashlib.sha256(str(HOSTS).encode()).hexdigest()[:6]
        self._cgroup = "containment-%s-%s" % (clone, name)

    def _save(self):
        state = {"suite": self.suite, "init": self.init, "engine": self.engine, "owner": self.owner}
        half = self.folder / "state.tmp"
        half.write_text(json.dumps(dict(state, launcher=self._launcher)))
        half.rename(self.folder / "state.json")

    @classmethod
    def load(cls, name):
        """The host of that name, whichever process made it. Raises HostError when there is none."""
        try:
            state = json.loads((HOSTS / name / "state.json").read_text())
        except FileNotFoundError:
            raise HostError("there is no host %r; `list` names those there are" % name) from None
        launcher = state.pop("launcher")
        host = cls(name, **state)
        host._launcher = launcher
        return host

    def create(self):
        """Make the host's folders. Raises HostError when there is one of that name."""
        new = Path(tempfile.mkdtemp(prefix=".new-", dir=make_private(HOSTS)))
        for part, mode in FOLDERS.items():
            (new / part).mkdir()
            (new / part).chmod(mode)
        final, self.folder = self.folder, new
        self._save()
        self.folder = final
        try:
            new.rename(final)
        except OSError:
            shutil.rmtree(new)
            raise HostError("a host %r is there already" % self.name) from None

    def start(self, timeout=60):
        """Boot it and wait until its init is through, and until the engine answers where the harness installed one."""
        lower = tree.layers(self.suite, self.engine)
        groups = cgroups.create(self._cgroup, all_versions=self.init == "script")
        if self.init == "systemd" and not groups:
            raise NotPossible("not possible here: a systemd host needs a mounted cgroup version 2 hierarchy")
        argv = ["sh", str(tree.SCRIPTS / "enter-cgroups.sh"), *(str(group / "init") for group in groups), "--"]
        argv += ["unshare", *UNSHARE[self.init], "--propagation", "private"]
        argv += ["sh", str(tree.SCRIPTS / ("boot-%s.sh" % self.init)), str(self.folder), ":".join(map(str, lower))]
        argv += [self.name, "yes" if self.engine else "no", *map(str, groups)]
        with open(self.folder / "console.log", "ab") as console:
            self._process = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=console, stderr=console, start_new_session=True
            )
        self._launcher = [self._process.pid, start_time(self._process.pid)]
        self._save()
        self._wait("end of its boot", self._booted, timeout)
        if self.engine:
            self.wait_for_engine(timeout)
        return self

    def stop(self, timeout=60):
        """Shut it down as an administrator would, and kill what is left; its files stay for the next start()."""
        pid = self.pid
        if pid is not None:
            os.kill(pid, signal.SIGRTMIN + 4 if self.init == "systemd" else signal.SIGUSR2)
            self._wait_for_end(timeout)
        self.kill()

    def kill(self):
        """End it at once, as a power failure would; its files stay for the next start()."""
        pid = self.pid
        if pid is not None:
            os.kill(pid, signal.SIGKILL)  # takes along all in its pid namespace; what booted it reaps it, then ends
            self._wait_for_end(20)
        cgroups.remove(self._cgroup)
        if self._process is not None:
            self._process.wait(timeout=20)
        self._process = self._launcher = None
        if self.folder.is_dir():
            self._save()

    def remove(self):
        """End it at once and delete its files."""
        self.kill()
        if self.folder.is_dir():
            # rmtree cannot delete a file that a test made immutable; where there is none chattr has nothing to do.
            mend = ["chattr", "-R", "-f", "-i", "-a", str(self.folder / "upper"), str(self.folder / "docker")]
            subprocess.run(mend, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            for part in FOLDERS:  # the state goes last: a host half deleted can be deleted again
                if (self.folder / part).is_dir():
                    shutil.rmtree(self.folder / part)
            shutil.rmtree(self.folder)

    def reboot(self, timeout=60):
        """Shut down and start again over the same files."""
        self.stop(timeout)
        return self.start(timeout)

    def __enter__(self):
        return self

    def __exit__(self, *_exception):
        self.remove()

    def _wait(self, what, ready, timeout):
        end = time.monotonic() + timeout
        while not ready():
            alive = self.running
            if not alive or time.monotonic() > end:
                reason = "no %s within %d s" % (what, timeout) if alive else "it ended before the " + what
                tail = (self.folder / "console.log").read_text(errors="replace").splitlines()[-20:]
                raise HostError("host %s: %s:\n%s" % (self.name, reason, "\n".join(tail)))
            time.sleep(0.05)

    def _wait_for_end(self, timeout):
        end = time.monotonic() + timeout
        while self.running and time.monotonic() < end:
            time.sleep(0.02)

    def _booted(self):
        pid = self.pid
        if pid is None:
            return False
        if self.init == "script":
            return os.path.exists("/proc/%d/root/run/booted" % pid)
        state = self.run(["systemctl", "is-system-running"], check=False).stdout.strip()
        return state in ("running", "degraded")

    @property
    def running(self):
        """Whether the process that waits for the host's end is there."""
        if self._process is not None:
            self._process.poll()
        return self._launcher is not None and start_time(self._launcher[0]) == self._launcher[1]

    @property
    def pid(self):
        """The host's PID 1 as seen from here, None when it does not run; another one after a reboot."""
        if not self.running:
            return None
        # Asked for again only when it ended: the kernel may leave children out while others end (proc_tid_children(5)).
        if self._init is None or start_time(self._init[0]) != self._init[1]:
            found = children_init(self._launcher[0])
            self._init = found and [found, start_time(found)]
        return self._init and self._init[0]

    @property
    def root(self):
        """Path from here to the host's root file system as the host sees it; another one after a reboot."""
        return "/proc/%d/root" % self._need_pid()

    def _need_pid(self):
        pid = self.pid
        if pid is None:
            raise HostError("host %s is not running" % self.name)
        return pid

    def enter(self):
        """The command line that runs what follows it inside, as root in all of the host's namespaces."""
        return ["nsenter", "--target=%d" % self._need_pid(), *NSENTER]

    def run(self, argv, check=True, input="", timeout=120):
        """Run a command inside and return a CompletedProcess with text streams.

        Raises CommandFailed on a return code other than 0 when `check`, TimeoutExpired after `timeout` seconds.
        """
        line = [*self.enter(), *argv]
        return throwaway.run(self.name, argv, line, check, env=ENVIRONMENT, input=input, timeout=timeout)

    def engine_answers(self):
        """Whether an engine answers a ping on /run/docker.sock."""
        with socket.socket(socket.AF_UNIX) as link:
            link.settimeout(5)
            try:
                link.connect(self.root + "/run/docker.sock")
                link.sendall(b"GET /_ping HTTP/1.0\r\nHost: docker\r\n\r\n")
                return b" 200 " in link.recv(4096).partition(b"\r\n")[0]
            except (FileNotFoundError, ConnectionError, socket.timeout):
                return False

    def wait_for_engine(self, timeout=60):
        """Wait until the engine answers. Raises HostError after `timeout` seconds."""
        self._wait("answer of its engine", self.engine_answers, timeout)

    def import_image(self, name="busybox"):
        """Give the engine an image of busybox with all its names and the user `user` (1000); no registry is asked."""
        self.run(["docker", "import", "/opt/image.tar", name])

    def import_services(self, name="services"):
        """Give the engine an image with nginx, PostgreSQL, redis and busybox."""
        archive = "/opt/%s.tar" % name
        subprocess.run(["tar", "-C", str(tree.services()), "-cf", self.root + archive, "."], check=True)
        self.run(["docker", "import", archive, name])
        os.unlink(self.root + archive)

    def inventory_vars(self):
        """Connection variables for Ansible; others after a reboot."""
        return {
            "ansible_connection": "community.docker.nsenter",
            "ansible_nsenter_pid": self._need_pid(),
            "ansible_python_interpreter": "/usr/bin/python3",
            "ansible_become": False,
        }


def start_host(suite, init="systemd", engine=True, name=None, keep=False):
    """Build what is missing, start a host and return it ready for use.

    A host that its process leaves behind is removed by the next sweep(), unless it is to `keep` until removed by hand.
    Raises NotPossible (this machine cannot), HostError (it did not come up; nothing is left of it), RuntimeError (a
    tree could not be built).
    """
    if init not in UNSHARE:
        raise ValueError("init %r is not one of %s" % (init, ", ".join(UNSHARE)))
    tree.layers(suite, engine)
    owner = None if keep else [os.getpid(), start_time(os.getpid())]
    host = Host(name or "%s-%s" % (suite, secrets.token_hex(3)), suite, init, engine, owner)
    host.create()
    try:
        return host.start()
    except BaseException:
        host.remove()
        raise


def all_hosts():
    """Hosts that have files in the cache, running or not."""
    return throwaway.known(HOSTS.glob("*"), Host.load, HostError)


def sweep():
    """Remove the hosts of owners that are gone; return their names."""
    return throwaway.remove_orphans(all_hosts())
