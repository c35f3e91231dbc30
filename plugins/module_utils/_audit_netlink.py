# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kernel's audit records as they come, without auditd. Decides nothing."""

import ctypes
import errno
import os
import select
import socket
import struct
import time

from ansible_collections.containment.docker.plugins.module_utils import _audit_record
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

_PROTOCOL, _GROUP = 9, 1  # NETLINK_AUDIT, AUDIT_NLGRP_READLOG (include/uapi/linux/audit.h)
_HEADER = struct.Struct("=IHHII")  # struct nlmsghdr
_RCVBUFFORCE = 33  # SO_RCVBUFFORCE, asm-generic/socket.h
_BUFFER = 64 << 20  # bytes: as much as a container that calls without a pause writes in some seconds
_MESSAGE = 1 << 16
_PATIENCE = 2.0  # seconds
_PAUSE = 0.1
_NO_NEW_PRIVILEGES, _SECCOMP = 38, 22  # PR_SET_, include/uapi/linux/prctl.h
_INSTRUCTION = struct.Struct("=HBBI")
_NO_FILE = 0x7EC0FFEE  # a number that no open file has
# Return SECCOMP_RET_LOG where the lower half of the first argument is that, else SECCOMP_RET_ALLOW.
_LOGGING = [(0x20, 0, 0, 16), (0x15, 0, 1, _NO_FILE), (0x06, 0, 0, 0x7FFC0000), (0x06, 0, 0, 0x7FFF0000)]


def _call_under_a_filter():
    """Make one call that a filter of this process logs, and end it."""
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        code = b"".join(_INSTRUCTION.pack(*one) for one in _LOGGING)
        buffer = ctypes.create_string_buffer(code)
        program = ctypes.create_string_buffer(struct.pack("@HP", len(_LOGGING), ctypes.addressof(buffer)))
        libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
        libc.prctl(_SECCOMP, 2, ctypes.c_void_p(ctypes.addressof(program)), 0, 0)
        os.close(_NO_FILE)
    finally:
        os._exit(0)


def _namespace(pid):
    try:
        return os.readlink(f"/proc/{pid}/ns/net")
    except PermissionError:  # Where a security module guards init, nobody can tell; then this one is the host's.
        return os.readlink("/proc/self/ns/net")


class Listener:
    """What the kernel tells whoever listens, from now on; a context manager. lost: how often it told more than there
    was room for. Raises ContainmentError where it tells nobody, or not this process."""

    def __init__(self):
        if _namespace("self") != _namespace(1):
            raise ContainmentError("audit", "is told in the host's own network namespace alone", "run it there")
        self.lost = 0
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, _PROTOCOL)
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, _RCVBUFFORCE, _BUFFER)
            self._socket.bind((0, _GROUP))
        except OSError as error:
            self._socket.close()
            cause = f"its records cannot be had ({error.strerror})"
            raise ContainmentError("audit", cause, "run as root, on a kernel of 3.16 or later") from error

    def __enter__(self):
        return self

    def __exit__(self, *_exception):
        self._socket.close()

    def prove(self):
        """Raise ContainmentError where the kernel logs nothing that this listener hears: it was started with audit=0,
        does not log what filters say, or tells another namespace."""
        child = os.fork()
        if not child:
            _call_under_a_filter()
        os.waitpid(child, 0)
        if not any(record is not None and record.pid == child for record in self.records(_PATIENCE)):
            raise ContainmentError(
                "audit",
                "the kernel tells nothing of a call that a filter logs",
                "start it without audit=0, have log in kernel.seccomp.actions_logged, and run on the host itself",
            )

    def records(self, seconds):
        """Yield each _audit_record.Record that comes within a time, and None at least every tenth of a second."""
        for text in self.texts(seconds):
            record = _audit_record.parse(text) if text is not None else None
            if record is not None or text is None:
                yield record

    def texts(self, seconds):
        """Yield the kernel's own text of each such record, and None, as `records` does."""
        end = time.monotonic() + seconds
        told = 0.0
        while True:
            now = time.monotonic()
            if now >= end:
                return
            if now - told >= _PAUSE:
                told = now
                yield None
            if select.select([self._socket], [], [], min(end - now, _PAUSE))[0]:
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
