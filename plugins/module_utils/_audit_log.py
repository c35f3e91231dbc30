# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Audit records of seccomp filters that were written down: by auditd, else in the kernel's own log. Decides nothing."""

import os
import re
import stat
import time

from ansible_collections.containment.docker.plugins.module_utils import _audit_record, _audit_source
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

AUDITD, KERNEL = "/var/log/audit/audit.log", "/dev/kmsg"
_TAIL = 8 << 20  # bytes of auditd's log that are read, from its end
_KMSG = os.makedev(1, 11)
_LINE = 1 << 13  # as long is a record of the kernel's log at most
# How the kernel says that it kept records for itself (kernel/audit.c, kauditd_printk_skb; lib/ratelimit.c).
_SUPPRESSED = re.compile(r"(?:kauditd|audit)_printk_skb: ([0-9]+) callbacks suppressed")


def read():
    """Return ([_audit_record.Record], how many records at least are not there, where they were read).

    The place is "" where there is neither log. Raises OSError as the kernel says.
    """
    for path, lines in ((AUDITD, _auditd), (KERNEL, _kernel)):
        try:
            fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
        except FileNotFoundError:
            continue
        try:
            found, lost = [], 0
            for line in lines(fd):
                record = _audit_record.parse(line)
                if record is not None:
                    found.append(record)
                else:
                    lost += _suppressed(line)
            return found, lost, path
        finally:
            os.close(fd)
    return [], 0, ""


def _suppressed(line):
    return sum(int(number) for number in _SUPPRESSED.findall(line))


class Follower(_audit_source.Source):
    """What is written to a log, AUDITD or KERNEL, from now on. Raises ContainmentError where there is none."""

    patience, selects = 6.0, True  # The kernel counts anew every five seconds.

    def __init__(self, path):
        self.name, self.lost, self._rest = path, 0, b""
        self._fd = self._open()
        os.lseek(self._fd, 0, os.SEEK_END)

    def _open(self):
        try:
            fd = os.open(self.name, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError as error:
            raise ContainmentError(self.name, f"cannot be read ({error.strerror})", "run on the host itself") from error
        info = os.fstat(fd)
        if not stat.S_ISREG(info.st_mode) and info.st_rdev != _KMSG:
            os.close(fd)
            raise ContainmentError(self.name, "is neither a file nor the kernel's log", "run on the host itself")
        return fd

    def close(self):
        os.close(self._fd)

    def texts(self, seconds):
        """Yield each line that is written within a time, and None, as _audit_source.Source says."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for line in self._lines():
                self.lost += _suppressed(line)
                yield line
            yield None
            time.sleep(_audit_source.PAUSE)

    def _lines(self):
        if stat.S_ISREG(os.fstat(self._fd).st_mode):
            yield from self._written()
        else:
            yield from _kernel(self._fd, self._overwritten)

    def _overwritten(self):
        self.lost += 1

    def _written(self):
        while True:
            data = os.read(self._fd, _TAIL)
            if not data:
                if not self._is_replaced():
                    return
                os.close(self._fd)
                self._fd, self._rest = self._open(), b""
                continue
            *lines, self._rest = (self._rest + data).split(b"\n")
            for line in lines:
                yield line.decode("utf-8", "backslashreplace")

    def _is_replaced(self):
        """Whether auditd has begun another file of that name."""
        try:
            info = os.stat(self.name, follow_symlinks=False)
        except FileNotFoundError:  # It is just about to.
            return False
        mine = os.fstat(self._fd)
        return (info.st_dev, info.st_ino) != (mine.st_dev, mine.st_ino)


def _auditd(fd):
    info = os.fstat(fd)
    if stat.S_ISREG(info.st_mode):
        data = os.pread(fd, _TAIL, max(0, info.st_size - _TAIL))
        yield from data.decode("utf-8", "backslashreplace").splitlines()


def _kernel(fd, overwritten=None):
    """Yield what is in the kernel's log; `overwritten` is called where some of it is gone."""
    if os.fstat(fd).st_rdev != _KMSG:  # A container's stand-in for it.
        return
    while True:
        try:
            yield os.read(fd, _LINE).decode("utf-8", "backslashreplace").splitlines()[0]
        except BlockingIOError:
            return
        except BrokenPipeError:  # What was next has been written over.
            if overwritten:
                overwritten()
