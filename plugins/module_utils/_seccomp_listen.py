# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Listens to what the kernel logs of containers. Runs in a process of its own, without Ansible: it listens on while
modules come and go."""

import contextlib
import time

from ansible_collections.containment.docker.plugins.module_utils import (
    _audit_containers,
    _audit_log,
    _audit_netlink,
    _job_worker,
    _seccomp_learn,
)
from ansible_collections.containment.docker.plugins.module_utils._engine_api import Engine
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

_PAUSE = 0.5  # seconds between two words on how far it is


def run(request, report):
    """Listen and return {"seen", "supposed": {name: as _seccomp_learn.dump tells}, "silent", "without": [names of
    containers that log nothing by the end, that have no-new-privileges], "unattributed", "lost": counts of records,
    "source": where they were read}.

    supposed: of processes that were gone at once, and whose program no container was seen to run.
    request: {"containers": [names], "seconds", "socket": of the engine, "now": whether those that run are to be heard,
    and not others that take their places}. Raises ContainmentError, OSError, and what `report` raises.
    """
    names, seconds = request["containers"], request["seconds"]
    found, supposed = ({name: _seccomp_learn.seen() for name in names} for _which in ("found", "supposed"))
    with Engine(request["socket"]) as engine:
        owners = _audit_containers.Owners(engine, names)
        if request["now"]:
            owners.refuse_silent()
        with _opened() as listener:
            if not request["now"]:  # A playbook does other things until it asks again.
                report.patience = seconds + _job_worker.LEASE
            report.begin("containers " + ", ".join(names), kinds=0)
            begun = told = time.monotonic()
            for record in listener.records(seconds):
                now = time.monotonic()
                if now - told >= _PAUSE:
                    told = now
                    _tell(report, found, (now - begun) / seconds)
                if record is None:
                    owners.look()
                    continue
                name = owners.of(record)
                if name is not None:
                    _seccomp_learn.add(found[name], record)
            lost, source = listener.lost, listener.name
        for name, record, count, sure in owners.late():
            if name is not None:
                _seccomp_learn.add((found if sure else supposed)[name], record, count)
        owners.look(again=True)
        return {
            "seen": {name: _seccomp_learn.dump(one) for name, one in found.items()},
            "supposed": {name: _seccomp_learn.dump(one) for name, one in supposed.items()},
            "silent": owners.silent(),
            "without": [name for name in names if owners.without_privileges(name)],
            "unattributed": owners.unattributed,
            "lost": lost,
            "source": source,
        }


def _opened():
    """Return a Source that was proven: the kernel itself, else where it is written down, as on kernels before 3.16 and
    in network namespaces of others. Raises ContainmentError, of the first one, where there is none."""
    first = None
    for make, place in (
        (_audit_netlink.Listener, ()),
        (_audit_log.Follower, (_audit_log.AUDITD,)),
        (_audit_log.Follower, (_audit_log.KERNEL,)),
    ):
        try:
            with contextlib.ExitStack() as stack:
                source = stack.enter_context(make(*place))
                source.prove()
                stack.pop_all()
                return source
        except ContainmentError as error:
            first = first or error
    raise first


def _tell(report, found, part):
    kinds = {number for one in found.values() for _arch, number, _program in one.counts}
    report(sum(sum(one.counts.values()) for one in found.values()), min(1.0, part), kinds=len(kinds))


def main(folder):
    """Run the request that lies in a folder of root's own and leave its result there."""
    _job_worker.serve(folder, "seccomp_learn", run)
