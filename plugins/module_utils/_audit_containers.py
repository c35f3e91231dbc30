# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which container a process of an audit record is of, while it is heard, and when it is read. Decides nothing else."""

import collections
import os
import re
import time

from ansible_collections.containment.docker.plugins.module_utils import _audit_summary, _host_probe, _seccomp_learn
from ansible_collections.containment.docker.plugins.module_utils import _seccomp_profile as profiles
from ansible_collections.containment.docker.plugins.module_utils._engine_api import EngineError
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

_ID = re.compile(r"[0-9a-f]{64}")
_PAUSE = 0.1  # seconds between two looks at the engine, whatever records come


class Owners:
    """The containers of an `Engine` that are listened to, by names. unattributed: records of which nobody can tell.

    Raises EngineError where the engine does not answer at first.
    """

    def __init__(self, engine, names):
        self._engine, self._names = engine, names
        self._inspected, self._pids = {}, {}
        self._programs = set()  # (id, program) of what was seen in containers
        self._gone = collections.Counter()  # {(id, Record without what tells it from others like it): how many}
        self._logging = []  # ids of those that log what they let through, which is too much to see for each record
        self._looked = 0.0
        self.unattributed = 0
        engine.get("/_ping")
        self.look()

    def look(self, again=False):
        """See which containers there are now, unless that was seen just before, and not to be seen `again`."""
        if not again and time.monotonic() - self._looked < _PAUSE:
            return
        for one in self._asked("/containers/json") or ():
            self._inspect(one["Id"])
        self._looked = time.monotonic()

    def _asked(self, path):
        """Return an answer of the engine, None for a container that is gone again, or another engine's, False while the
        engine does not answer: it may be restarted meanwhile."""
        try:
            return self._engine.get(path)
        except EngineError as error:
            if error.status not in (None, 404):
                raise
            return None if error.status else False

    def _inspect(self, container):
        """Ask the engine for a container, unless that was done before."""
        if container in self._inspected:
            return
        inspect = self._asked(f"/containers/{container}/json")
        if inspect is not False:
            self._inspected[container] = inspect
            if inspect is not None and _seccomp_learn.logs(inspect):
                self._logging.append(container)

    def _name(self, container):
        """Return the name that a container is listened to by, None for any other."""
        inspect = self._inspected.get(container)
        if inspect is None:
            return None
        known = {inspect["Name"].lstrip("/"), container, container[:12]}
        return next((name for name in self._names if name in known), None)

    def _last(self, name):
        """Return what the engine says of the newest container of a name, None for none."""
        found = [one for container, one in self._inspected.items() if one and self._name(container) == name]
        return max(found, key=lambda one: one["Created"], default=None)

    def silent(self):
        """Return the names of containers that are there and log nothing."""
        last = [(name, self._last(name)) for name in self._names]
        return [name for name, inspect in last if inspect is not None and not _seccomp_learn.logs(inspect)]

    def refuse_silent(self):
        """Raise ContainmentError for a container that is there and logs nothing."""
        for name in self.silent():
            raise ContainmentError(
                f"container {name}",
                "was not made with a profile that logs what it lets through",
                "make it again with security_opt seccomp=PATH of one of the base log and the preset learning",
            )

    def without_privileges(self, name):
        inspect = self._last(name)
        return inspect is not None and _seccomp_learn.no_new_privileges(inspect)

    def of(self, record):
        """Return the name of the container of a Record; None where it is of none of them, or that is told by `late`."""
        ids = _ids(record.pid)
        if ids is None:
            container = self._pids.get((record.pid, record.exe))
        else:
            container = self._known(ids)
            self._pids[(record.pid, record.exe)] = container
        if container:
            self._programs.add((container, record.exe))
        elif container is None and record.action == profiles.LOG:
            self._suppose(record)
        return self._name(container)

    def _known(self, ids):
        """Return the first of these ids that the engine knows, "" for none: containers have such below their own."""
        for one in ids:
            self._inspect(one)  # One that is just being started is in no list yet.
            if self._inspected.get(one) is not None:
                return one
        return ""

    def _suppose(self, record):
        """Keep the Record of a process that was gone at once for the one container that logs, if it is one."""
        if len({self._name(one) for one in self._logging}) == 1:
            self._gone[(self._logging[-1], record._replace(time=0.0, serial=0, pid=0))] += 1
        else:
            self.unattributed += 1

    def late(self):
        """Yield (name, Record, how often, whether the container was seen to run its program) of processes that were
        gone at once, while one container alone logged: anybody on the host may log calls of his own."""
        for (container, record), count in self._gone.items():
            yield self._name(container), record, count, (container, record.exe) in self._programs


class Past:
    """The containers of records that were written down. containers: {id: name} of those that there are."""

    def __init__(self, containers):
        self._containers = containers
        self._programs = None

    def of(self, record):
        """Return (name, how it is known) of a Record's container, (None, None) where nobody can tell: where its process
        is gone, and not one container alone runs the program."""
        process = _host_probe.process(record.pid)
        # A number may be another process's by now.
        if process is not None and process["started"] <= _audit_summary.instant(record.time):
            name = self._name(record.pid)
            return (name, _audit_summary.PROCESS) if name else (None, None)
        if self._programs is None:
            self._programs = self._running()
        names = self._programs.get(record.exe, set())
        return (next(iter(names)), _audit_summary.PROGRAM) if len(names) == 1 else (None, None)

    def _name(self, pid):
        return next((self._containers[one] for one in _ids(pid) or () if one in self._containers), None)

    def _running(self):
        """Return {program: names of the containers that run it now}."""
        found = {}
        for pid in _host_probe.pids():
            name = self._name(pid)
            if name:
                try:
                    found.setdefault(os.readlink(f"/proc/{pid}/exe"), set()).add(name)
                except OSError:  # It is gone.
                    continue
        return found


def _ids(pid):
    """Return the ids in the path of a process's cgroup that may be of a container, from the top; None where it is
    gone."""
    text = _host_probe.text(f"/proc/{pid}/cgroup")
    return _ID.findall(text) if text else None
