# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plugin without systemd: a process of root's holds the socket, so that requests wait while the one that serves is
started again, and ends one that hangs.
"""

import os
import select
import signal
import socket
import sys
import time

_SILENCE = 6  # seconds, as WatchdogSec of the unit (_authz_install)
_PAUSE = 0.1  # between two starts, as RestartSec


def detach(pid_file, log):
    """Become a daemon whose process id is in a file, and whose words are in another. The caller ends with 0.

    The file is there before the caller ends: whoever starts the service may look there.
    """
    ready, done = os.pipe()
    if os.fork():
        os.close(done)
        os._exit(0 if os.read(ready, 1) else 1)
    os.close(ready)
    os.setsid()
    if os.fork():
        os._exit(0)
    os.chdir("/")
    os.umask(0o077)
    null = os.open(os.devnull, os.O_RDWR)
    words = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    for fd, target in ((null, 0), (words, 1), (words, 2)):
        os.dup2(fd, target)
    draft = f"{pid_file}.{os.getpid()}"
    with open(draft, "w", encoding="ascii") as handle:
        handle.write(f"{os.getpid()}\n")
    os.rename(draft, pid_file)
    os.write(done, b".")
    os.close(done)


class Supervisor:
    """work: called in a process of its own, which is started again when it ends. uid: of that process, which alone may
    say that it lives, at the address `path`."""

    def __init__(self, work, path, uid):
        self._work, self._path, self._uid = work, path, uid
        self._child, self._stopping = 0, False

    def run(self):
        """Keep it running until SIGTERM. SIGHUP goes on to it."""
        heart = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        if os.path.exists(self._path):
            os.unlink(self._path)
        heart.bind(self._path)  # The umask of `detach` lets nobody else write to it.
        os.chown(self._path, self._uid, -1)
        os.environ["NOTIFY_SOCKET"] = self._path
        os.environ["WATCHDOG_USEC"] = str(_SILENCE * 1000000)
        os.environ.pop("WATCHDOG_PID", None)
        signal.signal(signal.SIGTERM, self._stop)
        signal.signal(signal.SIGHUP, lambda _number, _frame: self._pass_on(signal.SIGHUP))
        while not self._stopping:
            self._start(heart)
            self._watch(heart)
            if not self._stopping:
                time.sleep(_PAUSE)
        os.unlink(self._path)

    def _start(self, heart):
        child = os.fork()
        if not child:
            heart.close()
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            code = 1
            try:
                code = self._work()
            except BaseException:
                sys.excepthook(*sys.exc_info())
            finally:
                os._exit(code)
        self._child = child

    def _watch(self, heart):
        """Wait for the end of the process; end it where it is silent."""
        heard = time.monotonic()
        while os.waitpid(self._child, os.WNOHANG) == (0, 0):
            if self._stopping:  # Again: it may have come before there was anybody who takes it as he should.
                self._pass_on(signal.SIGTERM)
            if select.select([heart], [], [], _PAUSE)[0]:
                heart.recv(64)
                heard = time.monotonic()
            elif time.monotonic() - heard > _SILENCE:
                self._pass_on(signal.SIGKILL)
        self._child = 0

    def _stop(self, number, _frame):
        self._stopping = True
        self._pass_on(number)

    def _pass_on(self, number):
        if self._child:
            try:
                os.kill(self._child, number)
            except ProcessLookupError:
                pass  # It has ended, and _watch is about to see that.
