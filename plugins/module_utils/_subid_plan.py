# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From what the two files say and what is wanted to what they shall say, or to the reason why not. Pure."""

import collections
import itertools

from ansible_collections.containment.docker.plugins.module_utils import _subid, _subid_alloc
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

KINDS = ("uid", "gid")

# name: str, None where only a number is known; uid: int, None where the user does not exist yet.
Owner = collections.namedtuple("Owner", "name uid")
# Ids in use: who is "user alice", "process 123 (bash)".
Claim = collections.namedtuple("Claim", "start count who")
# accounts, maps: {kind: [Claim]}: users and groups; ids that running processes' user namespaces map. source: who serves
# subid (nsswitch). extents: of a map at most. page: bytes, a map's text must be shorter.
Host = collections.namedtuple("Host", "accounts maps source extents page")
# ranges, gid_ranges: [(start, count)], None for an allocation of at least `count` ids.
Wanted = collections.namedtuple(
    "Wanted", "count ranges gid_ranges align first last allow_low allow_accounts allow_move"
)
# before, after: {kind: [(start, count)]}. contents: {kind: bytes}. shown: {kind: (str, str)}: the user's lines before
# and after.
Plan = collections.namedtuple("Plan", "before after contents shown warnings")


def plan_present(files, owner, host, wanted):
    """Return the Plan that gives `owner` the `wanted` ranges. files: {kind: Parsed}. Raises ContainmentError with the
    reason to refuse.
    """
    lines = _own_lines(files, owner, host)
    _refuse_ambiguous(files, lines, owner)
    before = _ranges(lines)
    view = _View(files, lines, before, owner, host, wanted)
    after = view.asked() if wanted.ranges is not None else view.found_or_allocated()
    return _plan(files, lines, owner, after, view.warnings(after))


def plan_absent(files, owner, host):
    """Return the Plan that leaves `owner` no range. Refused while a running user namespace maps ids of one."""
    lines = _own_lines(files, owner, host)
    before = _ranges(lines)
    for kind in KINDS:
        for claim in host.maps[kind]:
            met = _subid_alloc.overlap([(claim.start, claim.count)], before[kind])
            if met:
                raise ContainmentError(
                    files[kind].path,
                    f"{_shown(owner)}'s ids {_span(before[kind][met[0]])} are mapped by {claim.who}",
                    "stop the containers that run on them first",
                )
    return _plan(files, lines, owner, {kind: [] for kind in KINDS}, [])


def _plan(files, lines, owner, after, warnings):
    before, contents, shown = _ranges(lines), {}, {}
    for kind in KINDS:
        label = str(owner.uid) if owner.name is None or (lines[kind] and lines[kind][0].by_uid) else owner.name
        contents[kind] = _subid.render(files[kind], lines[kind], label, after[kind])
        old = "".join(f"{owner.uid if line.by_uid else owner.name}:{line.start}:{line.count}\n" for line in lines[kind])
        new = "".join(f"{label}:{start}:{count}\n" for start, count in after[kind])
        shown[kind] = (old, new)
    return Plan(before, after, contents, shown, warnings)


def _own_lines(files, owner, host):
    if host.source != "files":
        raise ContainmentError(
            "/etc/nsswitch.conf",
            f"subid: {host.source} names another source than files, and the engine reads the files alone",
            "write the ranges with that source's tools and put 'subid: files', or remove the line",
        )
    if owner.uid == 0 or owner.name == "root":
        raise ContainmentError(
            "name",
            "root's ranges do not confine anything: the engine treats userns-remap root as off",
            "name an unprivileged user",
        )
    for kind in KINDS:
        if files[kind].malformed:
            number, fault = files[kind].malformed[0]
            more = len(files[kind].malformed) - 1
            raise ContainmentError(
                f"{files[kind].path}, line {number}",
                fault + (f" (and {more} more malformed lines)" if more else ""),
                "write it as name:start:count or remove it, then run again",
            )
    return {kind: _subid.lines_of(files[kind], owner.name, owner.uid) for kind in KINDS}


def _refuse_ambiguous(files, lines, owner):
    for kind in KINDS:
        path = files[kind].path
        names = [line for line in lines[kind] if not line.by_uid]
        uids = [line for line in lines[kind] if line.by_uid]
        if names and uids:
            raise ContainmentError(
                path,
                f"line {names[0].number} gives {owner.name} a range by name and line {uids[0].number} by uid "
                f"{owner.uid}, which engines of different versions map in different orders",
                "keep one of the two forms",
            )
        for line in lines[kind]:
            if not line.count:
                raise ContainmentError(
                    f"{path}, line {line.number}",
                    f"gives {_shown(owner)} 0 ids, which the kernel does not map",
                    "remove the line",
                )
        met = _subid_alloc.self_overlap([(line.start, line.count) for line in lines[kind]])
        if met:
            numbers = [str(line.number) for line in lines[kind] if (line.start, line.count) in met]
            raise ContainmentError(
                path,
                f"lines {' and '.join(numbers)} give {_shown(owner)} the same ids twice, which the kernel does not map",
                "remove one of them",
            )


class _View:
    """One planning: the files, the user's present ranges and the wish, and what may become of them."""

    def __init__(self, files, lines, before, owner, host, wanted):
        self.files, self.before, self.owner, self.host, self.wanted = files, before, owner, host, wanted
        own = {kind: {line.number for line in lines[kind]} for kind in KINDS}
        self.foreign = {kind: _Foreign(files[kind], own[kind]) for kind in KINDS}
        # What the user's own containers map is no other's.
        self.maps = {kind: _subid_alloc.outside(host.maps[kind], before[kind]) for kind in KINDS}

    def asked(self):
        """Return the ranges that were named, as {kind: ranges}."""
        wanted = self.wanted
        after = {"uid": wanted.ranges, "gid": wanted.ranges if wanted.gid_ranges is None else wanted.gid_ranges}
        for kind in KINDS:
            fault = self._fault(kind, after[kind]) or self._moved(kind, after[kind])
            if fault:
                raise fault
        return after

    def found_or_allocated(self):
        """Return the present ranges where they do, completed where they can be, else newly allocated ones."""
        wanted, before = self.wanted, self.before
        if not before["uid"] and not before["gid"]:
            return self._allocate()
        grown = {kind: _grown(before[kind], wanted.count) for kind in KINDS}
        after = {"uid": grown["uid"] or grown["gid"], "gid": grown["gid"] or grown["uid"]}
        if wanted.allow_move and before["gid"] and before["uid"]:
            after["gid"] = after["uid"]  # One range in both files; without leave to move, two that work stay.
        faults = [fault for fault in (self._fault(kind, after[kind]) for kind in KINDS) if fault]
        if not faults:
            return after
        if wanted.allow_move:
            return self._allocate()
        fault = faults[0]
        raise ContainmentError(
            fault.subject,
            fault.cause,
            f"{fault.mend}, or set allow_move to have other ids allocated (the graph root changes with them)",
        )

    def warnings(self, after):
        """Return what is to be told about `after`: a move, ids that others claim by convention, an order that does not
        last.
        """
        told = []
        for kind in KINDS:
            path, ranges = self.files[kind].path, after[kind]
            if self.before[kind] and not _subid.keeps(self.before[kind], ranges):
                told.append(
                    f"{path}: {_shown(self.owner)}'s ids move from {_spans(self.before[kind])} to {_spans(ranges)}: "
                    "what lies under the old graph root is not seen under the new one"
                )
                used = [
                    claim
                    for claim in self.host.maps[kind]
                    if _subid_alloc.overlap([(claim.start, claim.count)], self.before[kind])
                ]
                if used:
                    told.append(
                        f"{path}: {used[0].who} still maps the ids that {_shown(self.owner)} gives up; "
                        "stop it before others get them"
                    )
            for area in _subid_alloc.reserved(ranges):
                told.append(f"{path}: {_spans(ranges)} meets {area.first}-{area.last}, reserved for {area.who}")
            if ranges != sorted(ranges):
                told.append(
                    f"{path}: the ranges {_spans(ranges)} do not ascend; useradd sorts the file and with it the mapping"
                )
        if self.wanted.ranges is None and after["uid"] != after["gid"]:
            told.append(
                f"{_shown(self.owner)}: uids are {_spans(after['uid'])} and gids {_spans(after['gid'])}; "
                "allow_move makes them the same"
            )
        return told

    def _moved(self, kind, ranges):
        if self.wanted.allow_move or _subid.keeps(self.before[kind], ranges):
            return None
        return ContainmentError(
            self.files[kind].path,
            f"{_shown(self.owner)} has {_spans(self.before[kind])} and would get {_spans(ranges)}: ids in use would "
            "change their meaning, and with a new start the graph root and all that lies in it",
            "keep the present ranges, or set allow_move",
        )

    def _fault(self, kind, ranges):
        """Return the ContainmentError that speaks against `ranges`, or None."""
        path, user, host = self.files[kind].path, _shown(self.owner), self.host
        for start, count in ranges:
            if start < 1 or count < 1 or start + count - 1 > _subid_alloc.LAST:
                return ContainmentError(
                    f"{path}, {user}",
                    f"start {start}, count {count} is not within 1-{_subid_alloc.LAST}",
                    "give a start of at least 1 (0 is the host's root) and a count of at least 1",
                )
            if start < _subid_alloc.LOW and not self.wanted.allow_low:
                return ContainmentError(
                    f"{path}, {user}",
                    f"start {start} is below {_subid_alloc.LOW}, where ids of the host and of images collide",
                    f"use a start of {_subid_alloc.LOW} or more, or set allow_low",
                )
        met = _subid_alloc.self_overlap(ranges)
        if met:
            return ContainmentError(f"{path}, {user}", f"ranges {_spans(met)} overlap each other", "name each id once")
        if len(ranges) > host.extents:
            return ContainmentError(
                f"{path}, {user}",
                f"{len(ranges)} ranges are more than the {host.extents} extents this kernel maps",
                "join neighbouring ranges",
            )
        if _subid.map_size(ranges) >= host.page:
            return ContainmentError(
                f"{path}, {user}",
                f"the map of {len(ranges)} ranges is {_subid.map_size(ranges)} bytes and must stay below a page of "
                f"{host.page}",
                "join neighbouring ranges",
            )
        met = _subid_alloc.overlap(ranges, self.foreign[kind].ranges())
        if met:
            number, text = self.foreign[kind].line(met[0])
            return ContainmentError(
                f"{path}, {user}",
                f"{_span(met[1])} overlaps line {number} ({text})",
                "choose ids that nobody has or remove that line",
            )
        claims = [] if self.wanted.allow_accounts else host.accounts[kind]
        met = _subid_alloc.overlap(ranges, ((claim.start, claim.count) for claim in claims))
        if met:
            return ContainmentError(
                f"{path}, {user}",
                f"{_span(met[1])} holds id {claims[met[0]].start} of {claims[met[0]].who}",
                "choose ids that no account has, or set allow_accounts",
            )
        met = _subid_alloc.overlap(ranges, ((claim.start, claim.count) for claim in self.maps[kind]))
        if met:
            return ContainmentError(
                f"{path}, {user}",
                f"{_span(met[1])} meets ids that {self.maps[kind][met[0]].who} maps",
                "choose other ids or stop that process first",
            )
        return None

    def _allocate(self):
        wanted = self.wanted
        if wanted.first < _subid_alloc.LOW and not wanted.allow_low:
            raise ContainmentError(
                "search_min",
                f"{wanted.first} is below {_subid_alloc.LOW}, where ids of the host and of images collide",
                f"use {_subid_alloc.LOW} or more, or set allow_low",
            )
        taken = itertools.chain(
            ((area.first, area.last - area.first + 1) for area in _subid_alloc.RESERVED),
            (
                (claim.start, claim.count)
                for kind in KINDS
                for claim in itertools.chain(self.host.accounts[kind], self.host.maps[kind])
            ),
            *(self.foreign[kind].ranges() for kind in KINDS),
        )
        start = _subid_alloc.allocate(taken, wanted.count, wanted.align, wanted.first, wanted.last)
        if start is None:
            raise ContainmentError(
                "search_min, search_max",
                f"{wanted.first}-{wanted.last} holds no {wanted.count} ids at a multiple of {wanted.align} "
                "that are free of other ranges, accounts, running processes and reserved areas",
                "widen the area, or name ranges",
            )
        return {kind: [(start, wanted.count)] for kind in KINDS}


class _Foreign:
    """The ranges of a file that are other users'."""

    def __init__(self, parsed, own_numbers):
        self.parsed = parsed
        self.own = own_numbers

    def ranges(self):
        """Yield a range for each line; an empty one for each of the user's own, so that positions stay the file's."""
        for number, start, count in zip(self.parsed.numbers, self.parsed.starts, self.parsed.counts):
            yield (start, 0) if number in self.own else (start, count)

    def line(self, index):
        return _subid.line_of(self.parsed, index)


def _grown(ranges, count):
    """Return `ranges` with the last one lengthened to `count` ids in all; none stay none."""
    if not ranges:
        return ranges
    missing = max(0, count - sum(one[1] for one in ranges))
    return ranges[:-1] + [(ranges[-1][0], ranges[-1][1] + missing)]


def _ranges(lines):
    return {kind: [(line.start, line.count) for line in lines[kind]] for kind in KINDS}


def _shown(owner):
    return owner.name if owner.name is not None else f"uid {owner.uid}"


def _span(one):
    return f"{one[0]}-{one[0] + one[1] - 1}"


def _spans(ranges):
    shown = [_span(one) for one in ranges[:4]] + (["..."] if len(ranges) > 4 else [])
    return ", ".join(shown)
