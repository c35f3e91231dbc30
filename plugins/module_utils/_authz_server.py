# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Serves calls on a socket, with one thread: a decision takes a fraction of a millisecond and waits for nothing."""

import os
import selectors
import signal
import socket
import struct
import traceback

from ansible_collections.containment.docker.plugins.module_utils import _authz_http
from ansible_collections.containment.docker.plugins.module_utils._authz_service import tell
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

FIRST_FD = 3  # sd_listen_fds(3)
_CHUNK = 256 * 1024


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


class Server:
    """plugin: a _authz_service.Plugin. Only processes of `uids` are answered."""

    def __init__(self, listener, plugin, uids=(0,)):
        self._listener, self._plugin, self._uids = listener, plugin, uids
        self._selector = selectors.DefaultSelector()
        self._waker, self._wake = socket.socketpair()
        self._stopping = False

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
        while not self._stopping:
            for key, _events in self._selector.select():
                if key.fileobj is self._listener:
                    self._accept()
                elif key.fileobj is self._waker:
                    self._waker.recv(1024)
                else:
                    self._serve(key.fileobj, key.data)

    def _stop(self, _number, _frame):
        self._stopping = True

    def _accept(self):
        try:
            link, _address = self._listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return
        _pid, uid, _gid = struct.unpack("3i", link.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
        if uid not in self._uids:
            tell(f"a process of uid {uid} is no engine; its connection is closed")
            link.close()
            return
        link.settimeout(5)
        self._selector.register(link, selectors.EVENT_READ, _authz_http.Reader())

    def _serve(self, link, reader):
        try:
            data = link.recv(_CHUNK)
            if not data:
                self._close(link)
                return
            reader.feed(data)
            while True:
                call = reader.call()
                if call is None:
                    return
                link.sendall(_authz_http.answer(*self._answer(*call)))
        except ContainmentError as error:
            tell(str(error))
            self._close(link)
        except OSError as error:
            tell(f"a connection was lost ({error.strerror})")
            self._close(link)

    def _answer(self, path, body):
        try:
            return self._plugin.answer(path, body)
        except Exception:
            tell(traceback.format_exc())
            return 500, b'{"Err":"the plugin failed; see its journal"}'

    def _close(self, link):
        self._selector.unregister(link)
        link.close()
