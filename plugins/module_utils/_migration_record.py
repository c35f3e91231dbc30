# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is kept of a migration from one graph root to another: how far it came, and all that the way on or back needs.

One file for each, named after the transaction that it belongs to, root's alone, because it holds the containers'
environment until the migration is over:

    /var/lib/containment/migrations/NAME.json

Statuses, in the order of the way there: SEEDING, the new graph root gets what the old one has, while that serves;
SEEDED; STOPPING, the containers of the old one are being stopped; STOPPED, the engine is; COPIED, what changed
meanwhile is in the new one, too; SWITCHING, the engine runs with it, and its containers are being started, so that from
now on the new root is the one that is written to; SWITCHED. On the way back: RETURNING; RETURNED, the old one serves
again and the new one lies aside; CLEARED, no container ever ran in the new one, and it is gone. REMOVED: the old one
is.
"""

import contextlib
import json
import os

from ansible_collections.containment.docker.plugins.module_utils import _files
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

DIRECTORY = "/var/lib/containment/migrations"
SEEDING, SEEDED, STOPPING, STOPPED, COPIED = "seeding", "seeded", "stopping", "stopped", "copied"
SWITCHING, SWITCHED, RETURNING, RETURNED, CLEARED = "switching", "switched", "returning", "returned", "cleared"
REMOVED = "removed"
AHEAD = (SEEDING, SEEDED, STOPPING, STOPPED, COPIED, SWITCHING)
UNFINISHED = AHEAD + (RETURNING,)
RETURNED_ALL = (RETURNED, CLEARED)
OVER = RETURNED_ALL + (REMOVED,)
# What the containers' configurations are in: it goes when nothing needs it any more.
_SECRET = ("containers", "volumes", "networks", "images", "side")
# So that a disk that is full leaves room for the notes of a way back.
_ROOM, _ROOM_BYTES = "room", 8 * 1024 * 1024


def read(name, directory=DIRECTORY):
    """Return the record of the migration `name`, None where there is none. Raises ContainmentError, OSError."""
    path = f"{directory}/{name}.json"
    data = _files.read(path).data
    if data is None:
        return None
    try:
        record = json.loads(data.decode("ascii"))
        if record["name"] != name or record["status"] not in AHEAD + (SWITCHED, RETURNING) + OVER:
            raise ValueError("its name or its status")
        told(record)  # where one of its keys is missing, nobody could tell of any
        return record
    except (ValueError, KeyError, TypeError) as error:
        raise ContainmentError(
            path, f"is not the JSON this collection writes ({error})", "restore it or move it away"
        ) from error


def read_all(directory=DIRECTORY):
    """Return all records, the oldest first."""
    try:
        names = sorted(name[:-5] for name in os.listdir(directory) if name.endswith(".json") and name[0] != ".")
    except FileNotFoundError:
        return []
    records = [record for record in (read(name, directory) for name in names) if record is not None]
    return sorted(records, key=lambda record: record["begun"])


def write(record, directory=DIRECTORY):
    """Keep a record, durably. What it holds of containers goes once it is over."""
    if not os.path.isdir(directory):
        _make(directory)
    if record["status"] in OVER:
        for key in _SECRET:
            record[key] = []
    file = _files.read(f"{directory}/{record['name']}.json")
    _files.replace(file, (json.dumps(record, sort_keys=True) + "\n").encode("ascii"), mode=0o600)


def _make(directory):
    # Not os.makedirs: what it makes above has the umask's mode, with which _files refuses it.
    parent, name, _real = _files.open_parent(directory, create=True)
    try:
        os.mkdir(name, 0o700, dir_fd=parent)
        os.fsync(parent)
    finally:
        os.close(parent)


def reserve(directory=DIRECTORY):
    """Take room on the disk, which `release` gives back."""
    if not os.path.isdir(directory):
        _make(directory)
    flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    fd = os.open(f"{directory}/{_ROOM}", flags, 0o600)
    try:
        os.posix_fallocate(fd, 0, _ROOM_BYTES)
    finally:
        os.close(fd)


def release(directory=DIRECTORY):
    with contextlib.suppress(FileNotFoundError):
        os.unlink(f"{directory}/{_ROOM}")


def told(record):
    """Return what engine_info tells of a record."""
    keys = ("name", "status", "source", "target", "begun", "switched", "aside", "old_root_needed", "removing")
    return {key: record[key] for key in keys}
