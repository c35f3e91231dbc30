# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the options of volume_chown to what is shifted, and from what was counted to what is told. Pure."""

import hashlib

from ansible_collections.containment.docker.plugins.module_utils import _shift_map, _subid_alloc
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

_ID = {"type": "int", "required": True}
_EXTENT = {"container_start": _ID, "host_start": _ID, "count": _ID}
# A mapping as an option of a module.
MAPPING = {
    "type": "dict",
    "options": {
        kind: {"type": "list", "elements": "dict", "required": True, "options": _EXTENT} for kind in _shift_map.KINDS
    },
}


def shifts(source, target, mapping_of_user):
    """Return {kind: Shift}.

    source, target: the options, dicts or None. mapping_of_user: called with a user's name for {kind: mapping}. Raises
    ContainmentError for what is no mapping.
    """
    old = _side("source", source, mapping_of_user)
    owner = target and target.get("owner")
    if owner:
        for kind in _shift_map.KINDS:
            if not 0 <= owner[kind] <= _shift_map.LAST:
                raise ContainmentError(
                    f"target.owner.{kind}", f"{owner[kind]} is no id", f"give one within 0-{_shift_map.LAST}"
                )
        return {kind: _shift_map.Shift.to_owner(old[kind], owner[kind]) for kind in _shift_map.KINDS}
    new = _side("target", target, mapping_of_user)
    return {kind: _shift_map.Shift.between(old[kind], new[kind]) for kind in _shift_map.KINDS}


def _side(key, option, mapping_of_user):
    """Return {kind: mapping} of one side."""
    if option is None:
        return dict.fromkeys(_shift_map.KINDS, _shift_map.IDENTITY)
    if option["user"] is None and option["mapping"] is None:
        raise ContainmentError(key, "names no ids", f"give {key}.user or {key}.mapping, or leave {key} out")
    return mapping(option, key + ".", mapping_of_user)


def mapping(option, prefix, mapping_of_user):
    """Return {kind: mapping} of an option's `user` or `mapping`.

    prefix: what stands before their names in a sentence. Raises ContainmentError for what is no mapping.
    """
    if option["user"] is not None:
        return mapping_of_user(option["user"])
    found = {}
    for kind in _shift_map.KINDS:
        found[kind] = [(one["container_start"], one["host_start"], one["count"]) for one in option["mapping"][kind]]
        _shift_map.check(found[kind], f"{prefix}mapping.{kind}")
    return found


def digest(shifts, more):
    """Return a name for what `shifts` ({kind: Shift}) do, the same on every host: 16 hexadecimal digits.

    more: what else tells one request from another, of a stable repr.
    """
    text = repr([[tuple(move) for move in shifts[kind].moves] for kind in _shift_map.KINDS] + [more])
    return hashlib.sha256(text.encode("ascii")).hexdigest()[:16]


def scratch(shifts_of, start, in_use):
    """Return {kind: first id of its scratch range}, None where ids need none.

    start: the option, None where it is not given. in_use: called for {kind: [Claim]} of ids that somebody has. Raises
    ContainmentError where a scratch range is needed and there is none, or it is not free.
    """
    met = {kind: shift.overlap() for kind, shift in shifts_of.items()}
    if not any(met.values()):
        return None
    if start is None:
        kind, (one, other, third) = next((kind, met[kind]) for kind in _shift_map.KINDS if met[kind])
        raise ContainmentError(
            "source, target",
            f"{kind} {one} becomes {other}, and {other} becomes {third}: a second run would move ids on",
            "give scratch_start, the first of a row of ids that nobody uses",
        )
    claims = in_use()
    for kind in _shift_map.KINDS:
        size = shifts_of[kind].size()
        if start < _shift_map.LOW or start + size - 1 > _shift_map.LAST:
            raise ContainmentError(
                "scratch_start",
                f"{start} and {size} ids from there are not within {_shift_map.LOW}-{_shift_map.LAST}",
                "give another",
            )
        own = [(start, size)]
        met_own = _subid_alloc.overlap(own, shifts_of[kind].ranges())
        if met_own is not None:
            raise ContainmentError(
                "scratch_start", f"the {size} {kind}s from {start} meet ids of source or target", "give another"
            )
        met_claim = _subid_alloc.overlap(own, [(claim.start, claim.count) for claim in claims[kind]])
        if met_claim is not None:
            raise ContainmentError(
                "scratch_start",
                f"the {size} {kind}s from {start} meet those of {claims[kind][met_claim[0]].who}",
                "give another",
            )
    return dict.fromkeys(_shift_map.KINDS, start)


def diff(tree):
    """Return the difference that the run makes to one tree, of its result: the summary in the headers, the first
    inodes with their owners."""
    header = f"{tree['path']} ({tree['changed']} of {tree['inodes']} inodes)"
    more = tree["changed"] - len(tree["examples"])
    rest = f"and {more} more\n" if more > 0 else ""
    return {
        "before_header": header,
        "after_header": header,
        "before": "".join(f"{path} {before}\n" for path, before, _after in tree["examples"]) + rest,
        "after": "".join(f"{path} {after}\n" for path, _before, after in tree["examples"]) + rest,
    }


def warnings(tree):
    """Return sentences on what a run leaves as it is, or what somebody may not expect, of one tree's result."""
    told = []
    for sort, words, mend in (
        ("locked", "immutable or append-only and stay as they are", "set clear_flags: true to shift them"),
        (
            "links",
            "known by other names outside of the tree, too, where their owner changes with them",
            "look for them",
        ),
        ("vanished", "gone, or something else, when their turn came", "run again when nobody writes to the tree"),
    ):
        if tree[sort]["count"]:
            told.append(str(ContainmentError(tree["path"], f"{some(tree[sort])} are {words}", mend)))
    if tree["dropped"]:
        cause = f"{tree['dropped']} inodes get their new owners without setuid and setgid bits and capabilities"
        told.append(str(ContainmentError(tree["path"], cause, "give them back where you trust the files")))
    return told


def failures(tree):
    """Return sentences on what a run could not do, of one tree's result."""
    told = []
    if tree["privileged"]["count"]:
        told.append(
            str(
                ContainmentError(
                    tree["path"],
                    f"{some(tree['privileged'])} have setuid or setgid bits or capabilities that would get the rights "
                    "of a host's own id; they stay as they are",
                    "say in privileges whether to keep or drop them",
                )
            )
        )
    if tree["errors"]["count"]:
        told.append(
            str(
                ContainmentError(
                    tree["path"],
                    f"{tree['errors']['count']} inodes could not be shifted: {', '.join(tree['errors']['first'][:3])}",
                    "mend the cause and run again",
                )
            )
        )
    return told


def some(told):
    """Return how many inodes a sort of a result has, with the first of them."""
    first = ", ".join(told["first"][:3])
    more = told["count"] - len(told["first"][:3])
    return f"{told['count']} inodes ({first}{f' and {more} more' if more and first else ''})"
