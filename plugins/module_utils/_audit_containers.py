# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which container a process of an audit record is of, while it is heard, and when it is read. Decides nothing else."""

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
    """The containers of an `Engine` that are listened to, by names. unattributed: records of which nobody can tell."""

    def __init__(self, engine, names):
        self._engine, self._names = engine, names
        self._inspected, self._pids = {}, {}
        self._logging = []  # ids of those that log what they let through, which is too much to see for each record
        self._looked = 0.0
        self.unattributed = 0
        self.look()

    def look(self, again=False):
        """See which containers there are now, unless that was seen just before, and not to be seen `again`."""
        if not again and time.monotonic() - self._looked < _PAUSE:
            return
        for one in self._engine.get("/containers/json"):
            self._inspect(one["Id"])
        self._looked = time.monotonic()

    def _inspect(self, container):
        """Ask the engine for a container, unless that was done before."""
        if container in self._inspected:
            return
        try:
            inspect = self._engine.get(f"/containers/{container}/json")
        except EngineError as error:
            if error.status != 404:  # It is gone again, or another engine's.
                raise
            inspect = None
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

    def refuse_silent(self):
        """Raise ContainmentError for a container that is there and logs nothing."""
        for name in self._names:
            inspect = self._last(name)
            if inspect is not None and not _seccomp_learn.logs(inspect):
                raise ContainmentError(
                    f"container {name}",
                    "was not made with a profile that logs what it lets through",
                    "make it again with security_opt seccomp=PATH of one of the base log and the preset learning",
                )

    def without_privileges(self, name):
        inspect = self._last(name)
        return inspect is not None and _seccomp_learn.no_new_privileges(inspect)

    def of(self, record):
        """Return the name of the container of a Record; None where it is of none of them.

        A process may be gone before it is looked at. Where one container alone logs, its records are that one's.
        """
        container = _container(record.pid)
        if container is None:
            container = self._pids.get(record.pid)
        else:
            self._pids[record.pid] = container
        if container is None and record.action == profiles.LOG:
            if len(self._logging) != 1:
                self.unattributed += 1
                return None
            (container,) = self._logging
        if container:  # One that is just being started is in no list yet.
            self._inspect(container)
        return self._name(container)


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
            name = self._containers.get(_container(record.pid))
            return (name, _audit_summary.PROCESS) if name else (None, None)
        if self._programs is None:
            self._programs = self._running()
        names = self._programs.get(record.exe, set())
        return (next(iter(names)), _audit_summary.PROGRAM) if len(names) == 1 else (None, None)

    def _running(self):
        """Return {program: names of the containers that run it now}."""
        found = {}
        for pid in _host_probe.pids():
            name = self._containers.get(_container(pid))
            if name:
                try:
                    found.setdefault(os.readlink(f"/proc/{pid}/exe"), set()).add(name)
                except OSError:  # It is gone.
                    continue
        return found


def _container(pid):
    """Return the id of the container that a process is in, "" for none; None where it is gone."""
    text = _host_probe.text(f"/proc/{pid}/cgroup")
    if not text:
        return None
    found = _ID.findall(text)
    return found[-1] if found else ""
