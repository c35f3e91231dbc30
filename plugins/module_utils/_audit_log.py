# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Audit records of seccomp filters that were written down: by auditd, else in the kernel's own log. Decides nothing."""

import os
import re
import stat

from ansible_collections.containment.docker.plugins.module_utils import _audit_record

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
                    lost += sum(int(number) for number in _SUPPRESSED.findall(line))
            return found, lost, path
        finally:
            os.close(fd)
    return [], 0, ""


def _auditd(fd):
    info = os.fstat(fd)
    if stat.S_ISREG(info.st_mode):
        data = os.pread(fd, _TAIL, max(0, info.st_size - _TAIL))
        yield from data.decode("utf-8", "backslashreplace").splitlines()


def _kernel(fd):
    if os.fstat(fd).st_rdev != _KMSG:  # A container's stand-in for it.
        return
    while True:
        try:
            yield os.read(fd, _LINE).decode("utf-8", "backslashreplace").splitlines()[0]
        except BlockingIOError:
            return
        except BrokenPipeError:  # What was next has been written over.
            continue
