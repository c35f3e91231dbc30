# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a file should hold once recorded changes are taken back. Pure."""

from collections import Counter

from ansible_collections.containment.docker.plugins.module_utils import _daemon_json, _subid, _subid_alloc
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError


def undo(kind, path, before, after, now):
    """Return the content (bytes, None for no file) that takes the change `before` -> `after` back out of `now`.

    What others wrote since survives: keys of a "daemon_json" file, lines of every other but an "authz_policy", which is
    one thing. Raises ContainmentError where they changed the very thing that is to be taken back.
    """
    if now == before:
        return now
    if now == after:
        return before
    if kind == "daemon_json":
        return _daemon_json.undo(before, after, now, path)
    if kind == "authz_policy":
        raise ContainmentError(path, "was changed by somebody since", "move it away, or put that version back first")
    kept, back, others = _undo_lines(before, after, now)
    if kind == "subid":
        _refuse_overlap(path, back, others)
    return kept


def undo_all(transactions, now):
    """{path: content} after undoing `transactions`, the newest first, on files that hold `now` ({path: content})."""
    state = dict(now)
    for transaction in transactions:
        for entry in reversed(transaction.entries):
            state[entry.path] = undo(entry.kind, entry.path, entry.before, entry.after, state[entry.path])
    return state


def _undo_lines(before, after, now):
    """Drop the lines that were added, and put those that were removed back to where they stood or to the end.

    Return (content, the lines put back, the lines of others).
    """
    old, new, current = (_lines(data) for data in (before, after, now))
    added, missing = Counter(new) - Counter(old), Counter(old) - Counter(new)
    kept = []
    for line in current:
        if added[line]:
            added[line] -= 1
        else:
            kept.append(line)
    there, back = set(kept), []
    others = list((Counter(kept) - Counter(old)).elements())
    for position, line in enumerate(old):
        if missing[line]:
            missing[line] -= 1
            if line not in there:
                kept.insert(min(position, len(kept)), line)
                back.append(line)
    # A file that was not there before and holds nothing of others is gone again.
    return (None if before is None and not kept else b"".join(kept)), back, others


def _refuse_overlap(path, back, others):
    """Raise ContainmentError where a range that comes back meets one that was given away since."""
    ours, theirs = (_subid.parse(b"".join(lines), path) for lines in (back, others))
    met = _subid_alloc.overlap(list(zip(ours.starts, ours.counts)), list(zip(theirs.starts, theirs.counts)))
    if met is not None:
        index, (start, count) = met
        raise ContainmentError(
            path,
            f"the range {start}:{count} that would come back meets {theirs.starts[index]}:{theirs.counts[index]}, "
            "which somebody was given since",
            "give that one another range first",
        )


def _lines(data):
    """Return the lines, each with its newline; the last one gets one where it has none."""
    lines = [line + b"\n" for line in (data or b"").split(b"\n")]
    return lines[:-1] if lines[-1] == b"\n" else lines
