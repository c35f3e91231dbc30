# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Transactions: the previous versions of the files that one run changed, written ahead of each change.

On disk, root's alone (directories 0700, files 0600), one directory for each transaction:

    /var/lib/containment/transactions/NAME/manifest.json
    /var/lib/containment/transactions/NAME/0.before  0.after  1.before ...
    /var/lib/containment/undo.json

manifest.json: {"name", "sequence": int, "status", "entries": [{"path", "kind", "mode": int or null, "existed": bool,
"remains": bool}]}. status: "open" until the run has proven what it wrote, then "applied", "restored" once taken back.
Entry N keeps both versions, so that an undo can spare what others wrote since. One whose change was never made (the run
was killed in between) is recognised by the file still holding the version before.

undo.json: an undo that has begun and is not closed: {"names": [newest first], "files": {path: {"mode", "from", "to"}}},
contents in base64, null for no file. It is what makes a killed undo resumable.
"""

import base64
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
OPEN, APPLIED, RESTORED = "open", "applied", "restored"
# Names that a module makes for itself: nobody will close these, they are applied at once.
LONE = re.compile(r"\d{8}T\d{6}Z-(authz_plugin|daemon_json|kernel_args|kernel_sysctl|subid_range)\Z")

# before, after: bytes, None for no file.
Entry = collections.namedtuple("Entry", "path kind mode before after")
Recorded = collections.namedtuple("Recorded", "name status entries")
# names: newest first. files: {path: (mode or None, content from, content to)}.
Undo = collections.namedtuple("Undo", "names files")


def check_name(name):
    """Raise ContainmentError unless `name` is at most 64 letters, digits and `._-`, with none of `._-` in front."""
    if not re.match(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z", name):
        raise ContainmentError(
            "transaction",
            f"{name!r} cannot name a directory",
            "use at most 64 letters, digits, dots, dashes and underscores, a letter or digit first",
        )


def check_usable(name, directory=DIRECTORY):
    """Raise ContainmentError where nothing can be recorded under `name`. Changes nothing."""
    check_name(name)
    if dict(names(directory)).get(name) == RESTORED:
        raise ContainmentError("transaction", f"{name!r} was taken back", "give this run a name of its own")
    interrupted = unsettled(directory)
    if interrupted:
        raise ContainmentError(
            "transaction",
            f"the undo of {', '.join(interrupted)} was interrupted",
            "finish it with the rollback playbook",
        )


def unsettled(directory=DIRECTORY):
    """Return the names of the transactions whose undo stands in the middle, [] where none does."""
    undo = pending(directory)
    if undo is None:
        return []
    # What a ledger says has to be done, too, and only the rollback playbook tells whether it was.
    ledgers = any(os.path.dirname(path) == os.path.dirname(directory) for path in undo.files)
    if ledgers or any(_files.read(path).data != after for path, (_mode, _before, after) in undo.files.items()):
        return undo.names
    return []


def default_name(module):
    """Return a name made of UTC time and the module's name; names made so sort by time."""
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime()) + "-" + module


def record(name, kind, before, data, directory=DIRECTORY):
    """Keep what `before` (a `File`) holds and what it is about to hold (`data`), durably, ahead of the change."""
    with locked(directory):
        check_usable(name, directory)
        _settle(directory)
        known = _read_all(directory)
        manifest = next((one for one in known if one["name"] == name), None)
        if manifest is None:
            sequence = 1 + max([one["sequence"] for one in known], default=0)
            status = APPLIED if LONE.match(name) else OPEN
            manifest = {"name": name, "sequence": sequence, "status": status, "entries": []}
        place = os.path.join(directory, name)
        _make_directory(place)
        number = len(manifest["entries"])
        for part, content in (("before", before.data), ("after", data)):
            if content is not None:
                _write(os.path.join(place, f"{number}.{part}"), content)
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


def begin(name, directory=DIRECTORY):
    """Open the transaction `name` where it is not yet, ahead of what is recorded in it."""
    with locked(directory):
        check_usable(name, directory)
        _settle(directory)
        known = _read_all(directory)
        if name not in [one["name"] for one in known]:
            sequence = 1 + max([one["sequence"] for one in known], default=0)
            _make_directory(os.path.join(directory, name))
            _write_manifest(directory, {"name": name, "sequence": sequence, "status": OPEN, "entries": []})


def names(directory=DIRECTORY):
    """Return [(name, status)] of all transactions, the oldest first."""
    return [(one["name"], one["status"]) for one in _read_all(directory)]


def select(name, directory=DIRECTORY):
    """Return the `Recorded` transactions to undo, the newest first, to come to the state before `name`.

    "last" is the newest that is not undone. Undoing a transaction means undoing every later one first.
    Raises ContainmentError for a name that is not there.
    """
    manifests = _read_all(directory)
    live = [one for one in manifests if one["status"] != RESTORED]
    if name == "last":
        chosen = live[-1:]
    else:
        found = next((one for one in manifests if one["name"] == name), None)
        if found is None:
            known = ", ".join(one["name"] for one in manifests) or "none"
            raise ContainmentError("transaction", f"{name!r} is not kept in {directory}", f"name one of these: {known}")
        # One that was taken back already is where the host is, or was before later runs: those are not asked about.
        chosen = [one for one in live if one["sequence"] >= found["sequence"]] if found in live else []
    return [_load(one, directory) for one in reversed(chosen)]


def load(name, directory=DIRECTORY):
    """Return the `Recorded` transaction of that name."""
    return _load(next(one for one in _read_all(directory) if one["name"] == name), directory)


def pending(directory=DIRECTORY):
    """Return the `Undo` that has begun and is not closed, None where there is none."""
    path = _undo_path(directory)
    data = _files.read(path).data
    if data is None:
        return None
    try:
        text = json.loads(data.decode("utf-8"))
        files = {
            place: (one["mode"], _decoded(one["from"]), _decoded(one["to"])) for place, one in text["files"].items()
        }
        return Undo(text["names"], files)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _foreign(path, error) from error


def begin_undo(undo, directory=DIRECTORY):
    """Write down what is about to be undone, ahead of the first change."""
    files = {
        path: {"mode": mode, "from": _encoded(before), "to": _encoded(after)}
        for path, (mode, before, after) in undo.files.items()
    }
    _write(_undo_path(directory), json.dumps({"names": undo.names, "files": files}, sort_keys=True).encode("utf-8"))


def end_undo(undo, taken_back, directory=DIRECTORY):
    """Close an undo: its transactions were `taken_back`, or stay as they were."""
    if taken_back:
        for name in undo.names:
            set_status(name, RESTORED, directory)
    path = _undo_path(directory)
    _files.replace(_files.read(path), None)


def set_status(name, status, directory=DIRECTORY):
    manifest = next(one for one in _read_all(directory) if one["name"] == name)
    if manifest["status"] != status:
        manifest["status"] = status
        _write_manifest(directory, manifest)


@contextlib.contextmanager
def locked(directory=DIRECTORY):
    """Hold the lock of all transactions while the block runs."""
    _make_directory(directory)
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)


def _settle(directory):
    """Close an undo whose files were all put back, which check_usable lets pass."""
    undo = pending(directory)
    if undo is not None:
        end_undo(undo, True, directory)


def _load(manifest, directory):
    entries = []
    for number, entry in enumerate(manifest["entries"]):
        place = os.path.join(directory, manifest["name"], str(number))
        before = _files.read(place + ".before").data if entry["existed"] else None
        after = _files.read(place + ".after").data if entry["remains"] else None
        if (before is None) == entry["existed"] or (after is None) == entry["remains"]:
            raise ContainmentError(place, "a kept version is missing", "restore the file by hand")
        entries.append(Entry(entry["path"], entry["kind"], entry["mode"], before, after))
    return Recorded(manifest["name"], manifest["status"], entries)


def _read_all(directory):
    try:
        found = sorted(entry.name for entry in os.scandir(directory) if entry.is_dir(follow_symlinks=False))
    except FileNotFoundError:
        return []
    manifests = []
    for name in found:
        path = os.path.join(directory, name, MANIFEST)
        data = _files.read(path).data
        if data is not None:  # A run killed before its first entry was kept leaves a directory without a manifest.
            manifests.append(_manifest(path, name, data))
    return sorted(manifests, key=lambda one: one["sequence"])


def _manifest(path, name, data):
    try:
        manifest = json.loads(data.decode("utf-8"))
        entries = [
            {key: entry[key] for key in ("path", "kind", "mode", "existed", "remains")} for entry in manifest["entries"]
        ]
        if manifest["name"] != name or manifest["status"] not in (OPEN, APPLIED, RESTORED):
            raise ValueError("its name or its status")
        return {"name": name, "sequence": int(manifest["sequence"]), "status": manifest["status"], "entries": entries}
    except (ValueError, KeyError, TypeError) as error:
        raise _foreign(path, error) from error


def _foreign(path, error):
    return ContainmentError(
        path, f"is not the JSON this collection writes ({error})", "restore it or move its directory away"
    )


def _undo_path(directory):
    return os.path.join(os.path.dirname(directory), "undo.json")


def _encoded(content):
    return None if content is None else base64.b64encode(content).decode("ascii")


def _decoded(text):
    return None if text is None else base64.b64decode(text)


def _write(path, data):
    _files.replace(_files.read(path), data, mode=0o600)


def _write_manifest(directory, manifest):
    path = os.path.join(directory, manifest["name"], MANIFEST)
    _write(path, (json.dumps(manifest, indent=2, sort_keys=True) + "\n").encode("utf-8"))


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
