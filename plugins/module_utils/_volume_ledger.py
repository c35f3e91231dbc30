# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ledger of volumes: the trees that were shifted or are mounted with mapped ids, so that both can be taken back.
Pure.

One JSON object a line, sorted by path: {"mapping": {kind: [[id in the container, id on the host, count]]}, "method":
"shift" or "idmap", "path", "source", "was"}. Of a shifted tree it says what the ids on the disk mean, and meant before
("was", a mapping, or null for the host's own ids), which a shift that was interrupted has to know; "source" is its
path. Of a mount it says how "source" is seen at "path". A tree that is not in it has the host's own ids.
"""

import collections
import json

from ansible_collections.containment.docker.plugins.module_utils import _shift_map
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

PATH = "/var/lib/containment/volumes.json"
SHIFT, IDMAP = "shift", "idmap"

# mapping: {kind: [(id in the container, id on the host, count)]}; was: the same, or None.
Entry = collections.namedtuple("Entry", "path source method mapping was")


def parse(data, path=PATH):
    """Return {path: Entry} of the ledger's bytes, None for no ledger. Raises ContainmentError with the line."""
    found = collections.OrderedDict()
    for number, line in enumerate((data or b"").split(b"\n"), 1):
        if not line:
            continue
        try:
            one = json.loads(line.decode("ascii"))
            was = None if one["was"] is None else mapping(one["was"])
            entry = Entry(str(one["path"]), str(one["source"]), one["method"], mapping(one["mapping"]), was)
            if entry.method not in (SHIFT, IDMAP) or entry.path in found:
                raise ValueError("its method or path")
        except (ValueError, KeyError, TypeError) as error:
            raise ContainmentError(
                f"{path}, line {number}",
                f"is not the JSON this collection writes ({error})",
                "restore it or move it away",
            ) from error
        found[entry.path] = entry
    return found


def mapping(given):
    """Return a mapping of JSON with tuples for its extents. Raises ValueError, KeyError, TypeError for none."""
    found = {}
    for kind in _shift_map.KINDS:
        found[kind] = [(int(start), int(outside), int(count)) for start, outside, count in given[kind]]
    return found


def render(entries):
    """Return the bytes of {path: Entry}, None where it is empty."""
    lines = [json.dumps(one._asdict(), sort_keys=True) + "\n" for _path, one in sorted(entries.items())]
    return "".join(lines).encode("ascii") or None


def update(data, changes, path=PATH):
    """Return the ledger's bytes with `changes` ({path: Entry, or None for a tree that has the host's own ids}).

    What says the same already stays, with what was before it. Raises ContainmentError where `data` is no ledger.
    """
    entries = parse(data, path)
    for name, entry in changes.items():
        known = entries.pop(name, None)
        if entry is not None:
            entries[name] = known if known is not None and known._replace(was=entry.was) == entry else entry
    return render(entries)


def told(data):
    """Return the entries as a list of dicts, for results. Raises ContainmentError where `data` is no ledger."""
    return [entry._asdict() for _path, entry in sorted(parse(data).items())]


def inverse(before, after):
    """Return what brings the trees to what `after` says: {"unmount": [...], "shift": [...], "mount": [...]}, in the
    order in which it has to be done; {} where nothing has to.

    before, after: the ledger's bytes before an undo and after it, None for no ledger. Each item has the options of
    volume_idmap or volume_chown that stand for it. Raises ContainmentError where one is no ledger.
    """
    old, new = parse(before), parse(after)
    unmount, shift, mount = [], collections.OrderedDict(), []
    for path in sorted(set(old) | set(new)):
        now, then = old.get(path), new.get(path)
        if _of(now, IDMAP) and not _of(then, IDMAP):
            unmount.append({"source": now.source, "path": path})
        # A mount with another mapping takes the place of the present one.
        if _of(then, IDMAP) and now != then:
            mount.append({"source": then.source, "path": path, "mapping": option(then.mapping)})
        sides = tuple(_frozen(one.mapping) if _of(one, SHIFT) else None for one in (now, then))
        if sides[0] != sides[1]:
            shift.setdefault(sides, []).append(path)
    if not (unmount or shift or mount):
        return {}
    shifts = [
        {"paths": paths, "source": side(source and dict(source)), "target": side(target and dict(target))}
        for (source, target), paths in shift.items()
    ]
    return {"unmount": unmount, "shift": shifts, "mount": mount}


def _of(entry, method):
    return entry is not None and entry.method == method


def _frozen(mapping):
    return tuple((kind, tuple(mapping[kind])) for kind in _shift_map.KINDS)


def side(mapping):
    """Return a mapping as volume_chown's option `source` or `target`: None for the host's own ids."""
    return None if mapping is None else {"mapping": option(mapping)}


def option(mapping):
    """Return {kind: [(id in the container, id on the host, count)]} as the option `mapping` of the modules."""
    return {
        kind: [
            {"container_start": start, "host_start": outside, "count": count} for start, outside, count in mapping[kind]
        ]
        for kind in _shift_map.KINDS
    }
