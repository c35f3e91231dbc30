# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Transactions: the previous versions of the files that one run changed, written ahead of each change.

On disk, root's alone (directories 0700, files 0600), one directory for each transaction:

    /var/lib/containment/transactions/NAME/manifest.json
    /var/lib/containment/transactions/NAME/0.before  0.after  1.before ...

manifest.json: {"name", "sequence": int, "restored": bool, "entries": [{"path", "kind", "mode": int or null, "existed":
bool, "remains": bool}]}. Entry N keeps both versions, so that an undo can spare what others wrote since. An entry whose
change was never made (the run was killed in between) is recognised by the file still holding the version before.
"""

import collections
import contextlib
import fcntl
import json
import os
import re
import time

from ansible_collections.containment.docker.plugins.module_utils import _files
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

DIRECTORY = "/var/lib/containment/transactions"
MANIFEST = "manifest.json"

# before, after: bytes, None for no file.
Entry = collections.namedtuple("Entry", "path kind mode before after")
Recorded = collections.namedtuple("Recorded", "name sequence restored entries")


def check_name(name):
    """Raise ContainmentError unless `name` is at most 64 letters, digits and `._-`, with none of `._-` in front."""
    if not re.match(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z", name):
        raise ContainmentError(
            "transaction",
            f"{name!r} cannot name a directory",
            "use at most 64 letters, digits, dots, dashes and underscores, a letter or digit first",
        )


def default_name(module):
    """Return a name made of UTC time and the module's name; names made so sort by time."""
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime()) + "-" + module


def record(name, kind, before, data, directory=DIRECTORY):
    """Keep what `before` (a `File`) holds and what it is about to hold (`data`), durably, ahead of the change."""
    check_name(name)
    with _locked(directory):
        known = _read_all(directory)
        present = next((one for one in known if one["name"] == name), None)
        if present is not None and present["restored"]:
            raise ContainmentError("transaction", f"{name!r} was rolled back", "give this run a name of its own")
        manifest = present or {
            "name": name,
            "sequence": 1 + max([one["sequence"] for one in known], default=0),
            "restored": False,
            "entries": [],
        }
        place = os.path.join(directory, name)
        _make_directory(place)
        number = len(manifest["entries"])
        for part, content in (("before", before.data), ("after", data)):
            if content is not None:
                target = _files.read(os.path.join(place, f"{number}.{part}"))
                _files.replace(target, content, mode=0o600)
        manifest["entries"].append(
            {
                "path": before.path,
                "kind": kind,
                "mode": before.mode,
                "existed": before.data is not None,
                "remains": data is not None,
            }
        )
        _write_manifest(directory, manifest)


def names(directory=DIRECTORY):
    """Return [(name, restored)] of all transactions, the oldest first."""
    return [(one["name"], one["restored"]) for one in _read_all(directory)]


def select(name, directory=DIRECTORY):
    """Return the `Recorded` transactions to undo, the newest first, to come to the state before `name`.

    "last" is the newest that is not undone. Undoing a transaction means undoing every later one first.
    Raises ContainmentError for a name that is not there.
    """
    manifests = _read_all(directory)
    live = [one for one in manifests if not one["restored"]]
    if name == "last":
        chosen = live[-1:]
    else:
        found = next((one for one in manifests if one["name"] == name), None)
        if found is None:
            known = ", ".join(one["name"] for one in manifests) or "none"
            raise ContainmentError("transaction", f"{name!r} is not kept in {directory}", f"name one of these: {known}")
        chosen = [one for one in live if one["sequence"] >= found["sequence"]]
    return [_load(one, directory) for one in reversed(chosen)]


def mark_restored(name, directory=DIRECTORY):
    """Note that the transaction was undone, so that `last` means the one before it from now on."""
    with _locked(directory):
        manifest = next(one for one in _read_all(directory) if one["name"] == name)
        manifest["restored"] = True
        _write_manifest(directory, manifest)


def _load(manifest, directory):
    entries = []
    for number, entry in enumerate(manifest["entries"]):
        place = os.path.join(directory, manifest["name"], str(number))
        before = _files.read(place + ".before").data if entry["existed"] else None
        after = _files.read(place + ".after").data if entry["remains"] else None
        if (before is None) == entry["existed"] or (after is None) == entry["remains"]:
            raise ContainmentError(place, "a kept version is missing", "restore the file by hand")
        entries.append(Entry(entry["path"], entry["kind"], entry["mode"], before, after))
    return Recorded(manifest["name"], manifest["sequence"], manifest["restored"], entries)


def _read_all(directory):
    try:
        found = sorted(os.listdir(directory))
    except FileNotFoundError:
        return []
    manifests = []
    for name in found:
        path = os.path.join(directory, name, MANIFEST)
        data = _files.read(path).data
        if data is not None:  # A run killed before its first entry was kept leaves a directory without a manifest.
            try:
                manifests.append(json.loads(data.decode("utf-8")))
            except ValueError as error:
                raise ContainmentError(
                    path, f"is not the JSON this collection writes ({error})", "restore it or move its directory away"
                ) from error
    return sorted(manifests, key=lambda one: one["sequence"])


def _write_manifest(directory, manifest):
    path = os.path.join(directory, manifest["name"], MANIFEST)
    _files.replace(
        _files.read(path), (json.dumps(manifest, indent=2, sort_keys=True) + "\n").encode("utf-8"), mode=0o600
    )


def _make_directory(path):
    """Make `path` and what is missing above it, mode 0700, durably."""
    if not os.path.isdir(path):
        _make_directory(os.path.dirname(path))
        try:
            os.mkdir(path, 0o700)
        except FileExistsError:
            return
        above = os.open(os.path.dirname(path), os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(above)
        finally:
            os.close(above)


@contextlib.contextmanager
def _locked(directory):
    _make_directory(directory)
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)
