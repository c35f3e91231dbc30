# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kernel's audit records of seccomp filters, wherever they were read. Pure.

The kernel writes one for each call that is logged or ends a process, and for those that a filter answers with an errno
where it was loaded with SECCOMP_FILTER_FLAG_LOG (kernel/auditsc.c, audit_seccomp; kernel/seccomp.c, seccomp_log).
"""

import collections
import re

from ansible_collections.containment.docker.plugins.module_utils import _seccomp_bpf

TYPE = 1326  # AUDIT_SECCOMP, include/uapi/linux/audit.h
# time: seconds since 1970. serial: the kernel's number of the event. uid: on the host. comm, exe: the thread's name and
# the program's path as its container sees it. arch: AUDIT_ARCH_ number. number: of the call. action: what the filter
# said, as _seccomp_bpf.run returns it; the errno is not told.
Record = collections.namedtuple("Record", "time serial pid uid comm exe arch number action")

# "audit: type=1326 audit(1:2): a=b" of the kernel's log, with or without what is in front of it in /dev/kmsg and of
# dmesg, "type=SECCOMP msg=audit(1:2): a=b" of auditd's, and what comes by netlink, where the type is beside it. From
# the start of a line: containers can have texts of their own in records of other types (CAP_AUDIT_WRITE). In /dev/kmsg
# numbers from 8 on are of what programs wrote there.
_START = re.compile(
    r"(?:node=\S+ |[0-7],[^;]*;|\[ *[0-9]+\.[0-9]+\] )?(?:type=SECCOMP msg=|audit: type=1326 )?"
    r"audit\(([0-9]+)\.([0-9]{3}):([0-9]+)\): ?"
)
_FIELD = re.compile(r'([a-z]+)=("[^"]*"|[^ \x1d]+)')  # auditd writes names that it looked up behind 0x1d


def parse(text):
    """Return the Record in a line of a log, or in the payload of a netlink message of TYPE; None for anything else."""
    found = _START.match(text)
    if found is None:
        return None
    fields = dict(_FIELD.findall(text[found.end() :].partition("\x1d")[0]))
    try:
        return Record(
            int(found.group(1)) + int(found.group(2)) / 1000,
            int(found.group(3)),
            int(fields["pid"]),
            int(fields["uid"]),
            _text(fields["comm"]),
            _text(fields.get("exe", "")),
            int(fields["arch"], 16),
            int(fields["syscall"]),
            _seccomp_bpf.ACTIONS[int(fields["code"], 16) >> 16],
        )
    except (KeyError, ValueError):
        return None


def _text(value):
    """Return a text as the kernel writes those that somebody else chose: in quotes, or as hexadecimal digits where it
    has quotes, blanks or control characters (audit_log_untrustedstring)."""
    if value.startswith('"'):
        return value[1:-1]
    try:
        return bytes.fromhex(value).decode("utf-8", "backslashreplace")
    except ValueError:
        return value  # (null), or ? of other hands
