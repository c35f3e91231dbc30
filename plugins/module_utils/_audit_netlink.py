# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kernel's audit records as they come, without auditd. Decides nothing."""

import errno
import os
import select
import socket
import struct
import time

from ansible_collections.containment.docker.plugins.module_utils import _audit_record, _audit_source
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

_PROTOCOL, _GROUP = 9, 1  # NETLINK_AUDIT, AUDIT_NLGRP_READLOG (include/uapi/linux/audit.h)
_HEADER = struct.Struct("=IHHII")  # struct nlmsghdr
_RCVBUFFORCE = 33  # SO_RCVBUFFORCE, asm-generic/socket.h
_BUFFER = 64 << 20  # bytes: as much as a container that calls without a pause writes in some seconds
_MESSAGE = 1 << 16


def _namespace(pid):
    try:
        return os.readlink(f"/proc/{pid}/ns/net")
    except PermissionError:  # Where a security module guards init, nobody can tell; then this one is the host's.
        return os.readlink("/proc/self/ns/net")


class Listener(_audit_source.Source):
    """What the kernel tells whoever listens, from now on; a context manager. lost: how often it told more than there
    was room for. Raises ContainmentError where it tells nobody, or not this process."""

    def __init__(self):
        if _namespace("self") != _namespace(1):
            raise ContainmentError("audit", "is told in the host's own network namespace alone", "run it there")
        self.name, self.lost = "netlink", 0
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, _PROTOCOL)
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, _RCVBUFFORCE, _BUFFER)
            self._socket.bind((0, _GROUP))
        except OSError as error:
            self._socket.close()
            cause = f"its records cannot be had ({error.strerror})"
            raise ContainmentError("audit", cause, "run as root, on a kernel of 3.16 or later") from error

    def close(self):
        self._socket.close()

    def texts(self, seconds):
        """Yield the kernel's own text of each such record, and None, as `records` does."""
        end = time.monotonic() + seconds
        told = 0.0
        while True:
            now = time.monotonic()
            if now >= end:
                return
            if now - told >= _audit_source.PAUSE:
                told = now
                yield None
            if select.select([self._socket], [], [], min(end - now, _audit_source.PAUSE))[0]:
                yield from self._messages()

    def _messages(self):
        try:
            data, (sender, _groups) = self._socket.recvfrom(_MESSAGE)
        except OSError as error:
            if error.errno != errno.ENOBUFS:
                raise
            self.lost += 1
            return
        if sender:  # Not the kernel: who has CAP_NET_ADMIN may write to others.
            return
        while len(data) >= _HEADER.size:
            length, kind, _flags, _sequence, _pid = _HEADER.unpack_from(data)
            # An audit message tells the length of its text alone, or with the header's, by the kernel's version.
            if kind == _audit_record.TYPE:
                yield data[_HEADER.size :].split(b"\0")[0].decode("utf-8", "backslashreplace")
            if length <= _HEADER.size:
                return
            data = data[(length + 3) & ~3 :]
