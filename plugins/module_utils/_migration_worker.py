# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps of a migration, each of which goes on where an earlier one was killed. Runs in a process of its own,
without Ansible."""

from ansible_collections.containment.docker.plugins.module_utils import (
    _job_worker,
    _migration_back,
    _migration_fill,
    _migration_forth,
    _migration_serve,
)
from ansible_collections.containment.docker.plugins.module_utils import _migration_record as records
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

_STATES = {
    "planned": _migration_fill.planned,
    "seeded": _migration_fill.seeded,
    "stopped": _migration_forth.stopped,
    "switched": _migration_forth.switched,
    "halted": _migration_back.halted,
    "returned": _migration_back.returned,
    "removed": _migration_back.removed,
}


def run(request, report):
    """Bring a migration to the state of the request; return {"migration": dict}.

    request: {"name", "state", "remap": value of userns-remap, "ranges", "before": {kind: [[start, count]]} to come and
    until now, "move", "verify", "socket", "timeout", "write": False for check mode}. Raises ContainmentError, OSError,
    and what `report` raises.
    """
    record = records.read(request["name"])
    changes = _changes(request, record)
    if not request["write"] and request["state"] in ("planned", "seeded"):
        result = _migration_fill.planned(request, report)
    elif not request["write"]:
        result = _migration_serve.told(record)
    else:
        try:
            result = _STATES[request["state"]](request, report)
        except (ContainmentError, OSError):
            # The way back has notes to write, on what may be a disk that is full.
            records.release()
            raise
    return {"migration": dict(result, changed=changes)}


def _changes(request, record):
    """Whether a request changes anything. record: the migration's until now, None where nothing was begun."""
    state, before = request["state"], record["status"] if record else None
    if state == "seeded":
        return before in (None, records.SEEDING, *records.RETURNED_ALL) or (
            before == records.SEEDED and not _migration_fill.is_current(request)
        )
    if state == "stopped":
        return before not in (records.COPIED, records.SWITCHING, records.SWITCHED, records.RETURNING, *records.OVER)
    return {
        "planned": False,
        "switched": before not in (records.SWITCHED, records.REMOVED),
        "halted": True,
        "returned": before is not None and before not in records.OVER,
        "removed": before != records.REMOVED or record["removing"],
    }[state]


def main(folder):
    """Run the request that lies in a folder of root's own and leave its result there."""
    _job_worker.serve(folder, "migration", run)
