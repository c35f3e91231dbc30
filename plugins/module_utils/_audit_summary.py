# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What audit records of seccomp filters come to, for a person. Pure."""

import collections
import time

from ansible_collections.containment.docker.plugins.module_utils import _seccomp_learn
from ansible_collections.containment.docker.plugins.module_utils import _seccomp_profile as profiles

PROCESS, PROGRAM = "process", "program"  # how a record's container is known
_PROGRAMS = 8  # of an entry that are told
_REFUSED = (profiles.ERRNO, profiles.KILL_PROCESS, profiles.KILL_THREAD, profiles.TRAP)


def instant(seconds):
    """Return seconds since 1970 as UTC in ISO 8601, as _host_probe.process has them."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def denials(records, owner, name):
    """Return [{"container", "by", "call", "number", "architecture", "action", "count", "first", "last", "programs"}],
    the latest first, of [_audit_record.Record].

    owner: function of a Record, which returns (the container's name, PROCESS or PROGRAM), or (None, None). name:
    function of an AUDIT_ARCH_ number and a call's, which returns (call, architecture), either None where it is not
    known.
    """
    found = collections.OrderedDict()
    for record in records:
        if _seccomp_learn.is_runtimes(record):
            continue
        container, by = owner(record)
        call, architecture = name(record.arch, record.number)
        key = container, by, call, record.number, architecture or f"0x{record.arch:08x}", record.action
        found.setdefault(key, []).append(record)
    told = []
    for (container, by, call, number, architecture, action), ones in found.items():
        times = [one.time for one in ones]
        told.append(
            {
                "container": container,
                "by": by,
                "call": call,
                "number": number,
                "architecture": architecture,
                "action": action,
                "count": len(ones),
                "first": instant(min(times)),
                "last": instant(max(times)),
                "programs": sorted({one.exe or one.comm for one in ones})[:_PROGRAMS],
            }
        )
    return sorted(told, key=lambda one: one["last"], reverse=True)


def sentences(told):
    """Return [(subject, cause)] of what `denials` told: one for each container, or program of none, that was
    refused."""
    found = collections.OrderedDict()
    for one in told:
        if one["action"] in _REFUSED:
            subject = f"container {one['container']}" if one["container"] else f"program {one['programs'][0]}"
            found.setdefault(subject, []).append(one)
    return [
        (
            subject,
            "was refused "
            + ", ".join(f"{one['call'] or 'call {}'.format(one['number'])} ({one['count']} times)" for one in ones)
            + f" by a seccomp filter, the last time {ones[0]['last']}",
        )
        for subject, ones in found.items()
    ]
