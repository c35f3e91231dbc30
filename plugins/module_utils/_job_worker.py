# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The other side of _job: a process that works without Ansible while the module that started it comes and goes."""

import json
import os
import resource
import time

from ansible_collections.containment.docker.plugins.module_utils import _files
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

LEASE = 30.0  # seconds for which it works on when nobody waits for it any more
_RECORD = 1024  # bytes of the progress file: always as many, so that none of an earlier one is left behind
_MEND = "mend the cause and run again"


class Abandoned(Exception):
    """Nobody waits for the result any more."""


class Report:
    """Writes to the progress file what is done, and looks whether anybody still waits.

    patience: seconds for which it may be that nobody does.
    """

    def __init__(self, folder):
        flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        self._fd = os.open(os.path.join(folder, "progress"), flags, 0o600)
        self._lease, self._stamp, self._seen = os.path.join(folder, "lease"), None, 0.0
        self._path, self._began, self._earlier, self._passes = None, 0.0, 0, (0, 1)
        self.patience = LEASE

    def begin(self, path, **more):
        """From now on it is about this tree. more: as of a call."""
        self._path, self._began, self._earlier, self._passes = path, time.monotonic(), 0, (0, 1)
        self(0, 0.0, **more)

    def next_pass(self, number, count, inodes):
        """From now on it is about the pass `number` of `count`; the one before looked at so many inodes."""
        self._passes = (number, count)
        self._earlier += inodes

    def __call__(self, inodes, part, **more):
        """Tell how far it is. part: of the pass, from 0 to 1. more: other figures, by their names. Raises Abandoned."""
        # By a clock that nobody sets: the time stamp only has to change.
        now, stamp = time.monotonic(), os.stat(self._lease).st_mtime_ns
        if stamp != self._stamp:
            self._stamp, self._seen = stamp, now
        if not stamp or now - self._seen > self.patience:
            raise Abandoned
        number, count = self._passes
        told = {
            "path": self._path[:100],
            "inodes": self._earlier + inodes,
            "part": round((number + part) / count, 4),
            "seconds": round(now - self._began, 2),
        }
        told.update(more)
        os.pwrite(self._fd, json.dumps(told).encode("ascii").ljust(_RECORD), 0)


def _allow_depth():
    """Allow as many open files as the kernel has: each directory on the way down is one."""
    with open("/proc/sys/fs/nr_open") as handle:
        most = int(handle.read())
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    for limit in (most, hard):
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
            return
        except (ValueError, OSError):  # More than the hard limit wants CAP_SYS_RESOURCE.
            continue


def serve(folder, subject, run):
    """Run the request that lies in a folder of root's own and leave its result there.

    subject: of sentences about what happens to it. run: called with the request and a Report for a dict, the result.
    """
    _allow_depth()
    with open(os.path.join(folder, "request"), "rb") as handle:
        request = json.loads(handle.read().decode("ascii"))
    result = {"job": request["job"], "failure": None, "abandoned": False}
    try:
        result.update(run(request, Report(folder)))
    except Abandoned:
        result["abandoned"] = True
    except ContainmentError as error:
        result["failure"] = error.args
    except OSError as error:
        result["failure"] = (error.filename or subject, error.strerror, _MEND)
    path = os.path.join(folder, "result")
    _files.replace(_files.read(path), json.dumps(result).encode("ascii"), mode=0o600)
