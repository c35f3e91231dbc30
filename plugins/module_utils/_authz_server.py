# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Serves calls on a socket, with one thread: a decision takes a fraction of a millisecond and waits for nothing."""

import os
import select
import selectors
import signal
import socket
import struct
import sys
import time

from ansible_collections.containment.docker.plugins.module_utils import _authz_http
from ansible_collections.containment.docker.plugins.module_utils._authz_service import tell
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

FIRST_FD = 3  # sd_listen_fds(3)
_CHUNK = 256 * 1024
_TURN = 0.5  # seconds that a call which has begun may keep others waiting for the rest of it
_BEATS = 4  # in the time after which a service manager takes silence for a hang: a call may take three quarters of it


def listen(path):
    """Return the listening socket: the one that systemd hands over, or a new one at `path`."""
    if os.environ.get("LISTEN_PID") == str(os.getpid()) and os.environ.get("LISTEN_FDS") == "1":
        return socket.socket(fileno=FIRST_FD)
    if path is None:
        raise ContainmentError("--socket", "is missing, and systemd hands no socket over", "give its path")
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    draft = f"{path}.{os.getpid()}"
    umask = os.umask(0o177)
    try:
        made.bind(draft)
    finally:
        os.umask(umask)
    made.listen(128)
    os.rename(draft, path)  # Whoever connects meets the old one, or the new one.
    return made


def manager(environment, pid):
    """Return (address of the service manager's socket, seconds of silence that it bears), None where there is no such.

    As sd_notify(3) and sd_watchdog_enabled(3) have it; 0 seconds are no limit. Pure.
    """
    address = environment.get("NOTIFY_SOCKET")
    if not address:
        return None, None
    if address.startswith("@"):
        address = "\0" + address[1:]
    silence = int(environment.get("WATCHDOG_USEC", 0)) / 1e6
    if environment.get("WATCHDOG_PID", str(pid)) != str(pid):
        silence = 0
    return address, silence or None


def _comes(link, seconds):
    """Return whether something, or an end, comes on a connection within some seconds."""
    waiting = select.poll()
    waiting.register(link, select.POLLIN)
    return bool(waiting.poll(max(0, seconds) * 1000))


class Heart:
    """Tells a service manager that calls are answered; of a plugin that hangs it hears nothing, and ends it."""

    def __init__(self, address, silence):
        self._address = address
        self._pause = None if silence is None else silence / _BEATS
        self._due = None
        self._link = None if address is None else socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)

    def start(self):
        """Say that calls will be answered from now on. Raises OSError: the manager would end it, and not say why."""
        if self._link is not None:
            self._link.setblocking(False)  # A plugin does not wait for its manager.
            self._link.sendto(b"READY=1", self._address)
        if self._pause is not None:
            self._due = time.monotonic() + self._pause

    def left(self):
        """Return the seconds until the next beat, None where none is wanted."""
        return None if self._due is None else max(0.0, self._due - time.monotonic())

    def beat(self):
        """Say so again, where it is time."""
        if self._due is None or time.monotonic() < self._due:
            return
        self._due = time.monotonic() + self._pause
        try:
            self._link.sendto(b"WATCHDOG=1", self._address)
        except OSError as error:
            tell(f"the service manager was not told that calls are answered ({error.strerror})")


class Server:
    """plugin: a _authz_service.Plugin. Only processes of `uids` are answered."""

    def __init__(self, listener, plugin, uids=(0,)):
        self._listener, self._plugin, self._uids = listener, plugin, uids
        self._selector = selectors.DefaultSelector()
        self._waker, self._wake = socket.socketpair()
        self._stopping = False
        self._fresh = set()  # connections that have sent nothing yet

    def run(self):
        """Serve until SIGTERM or SIGINT; calls that have come are answered first. SIGHUP has the policy read again."""
        self._wake.setblocking(False)
        signal.set_wakeup_fd(self._wake.fileno())
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        signal.signal(signal.SIGHUP, lambda _number, _frame: self._plugin.reload())
        self._listener.setblocking(False)
        self._selector.register(self._listener, selectors.EVENT_READ, None)
        self._selector.register(self._waker, selectors.EVENT_READ, None)
        heart = Heart(*manager(os.environ, os.getpid()))
        heart.start()
        while not self._stopping:
            for key, _events in self._selector.select(heart.left()):
                if key.fileobj is self._listener:
                    self._accept()
                elif key.fileobj is self._waker:
                    self._waker.recv(1024)
                else:
                    self._serve(key.fileobj, key.data)
                heart.beat()  # Each may have taken long, and is behind it.
            heart.beat()
        self._drain()

    def _drain(self):
        """Answer what has come, and what each new connection was made for.

        An engine makes each call again that fails, but with its body only where the first byte failed on a connection
        that it had used before (moby, pkg/plugins/client.go; Go, net/http, shouldRetryRequest): else it is refused.
        """
        end = time.monotonic() + _TURN
        for key in list(self._selector.get_map().values()):
            if key.data is not None:
                if _comes(key.fileobj, end - time.monotonic() if key.fileobj in self._fresh else 0):
                    self._serve(key.fileobj, key.data)
                while key.fileobj.fileno() >= 0:
                    key.fileobj.shutdown(socket.SHUT_RD)
                    self._serve(key.fileobj, key.data)

    def _stop(self, _number, _frame):
        self._stopping = True

    def _accept(self):
        """Take in all that have connected. With one for each round of calls, fifty at a time would wait for long."""
        try:
            while True:
                self._admit(self._listener.accept()[0])
        except (BlockingIOError, ConnectionAbortedError):
            return

    def _admit(self, link):
        _pid, uid, _gid = struct.unpack("3i", link.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
        if uid not in self._uids:
            tell(f"a process of uid {uid} is no engine; its connection is closed")
            link.close()
            return
        link.settimeout(5)
        self._selector.register(link, selectors.EVENT_READ, _authz_http.Reader())
        self._fresh.add(link)

    def _serve(self, link, reader):
        """Answer what has come. A call that has begun is read to its end first: halves of fifty are 35 MB."""
        end = time.monotonic() + _TURN
        self._fresh.discard(link)
        try:
            while True:
                data = link.recv(_CHUNK)
                if not data:
                    self._close(link)
                    return
                reader.feed(data)
                call = reader.call()
                while call is not None:
                    link.sendall(_authz_http.answer(*self._answer(*call)))
                    call = reader.call()
                if not reader.begun or not _comes(link, end - time.monotonic()):
                    return
        except ContainmentError as error:
            tell(str(error))
            self._close(link)
        except OSError as error:
            tell(f"a connection was lost ({error.strerror or error})")
            self._close(link)

    def _answer(self, path, body):
        try:
            return self._plugin.answer(path, body)
        except Exception:
            tell("a call failed")
            sys.excepthook(*sys.exc_info())  # What traceback, with all that it imports, would print: 2 MB less.
            return 500, b'{"Err":"the plugin failed; see its journal"}'

    def _close(self, link):
        self._selector.unregister(link)
        link.close()
