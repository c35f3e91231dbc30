# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which id of the host becomes which when a tree goes from one mapping to another. Pure.

A mapping is [(container start, host start, count)], as the engine writes it to uid_map and as _subid.mapping returns
it; IDENTITY are the host's own ids. Ids are 32-bit; (uid_t) -1 is none.
"""

import bisect
import collections

from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

LAST = 4294967294
IDENTITY = ((0, 0, LAST + 1),)
KINDS = ("uid", "gid")
EXTENTS = 340  # UID_GID_MAP_MAX_EXTENTS, from Linux 4.15 on
LOW = 65536  # Below it are ids of the host's own users; above them subordinate ids.

# first: the first id of `count` that become others. to: what the first becomes. step: 1, the ids that follow become
# those that follow; 0, all become the same.
Move = collections.namedtuple("Move", "first count to step")

# What an id is to a shift.
MOVED, DONE, UNMAPPED, FOREIGN = "moved", "done", "unmapped", "foreign"


def check(mapping, what):
    """Raise ContainmentError unless `mapping` is one: whole ids, no id of container or host named twice.

    what: the key it was given under, for the sentence.
    """
    if not 0 < len(mapping) <= EXTENTS:
        raise ContainmentError(what, f"has {len(mapping)} extents", f"name 1 to {EXTENTS}, as many as a kernel takes")
    for container, host, count in mapping:
        if min(container, host) < 0 or count < 1 or max(container, host) + count - 1 > LAST:
            raise ContainmentError(
                what,
                f"the extent {container}:{host}:{count} is not within the ids 0-{LAST}",
                "give a start from 0 and a count from 1",
            )
    for side, word in ((0, "container"), (1, "host")):
        ordered = sorted((extent[side], extent[2], extent) for extent in mapping)
        for (start, count, one), (after, _count, other) in zip(ordered, ordered[1:]):
            if start + count > after:
                raise ContainmentError(
                    what,
                    f"the extents {':'.join(map(str, one))} and {':'.join(map(str, other))} share ids of the {word}",
                    "take them apart",
                )


class Shift:
    """What becomes of one kind of ids (uids or gids).

    moves: [Move] in order of their first ids. source: [(first, count)] of all the ids that the old mapping means.
    """

    def __init__(self, moves, source):
        self.moves = sorted(moves)
        self._source = _joined(source)
        self._targets = _joined((move.to, move.count if move.step else 1) for move in self.moves)
        self._firsts = [move.first for move in self.moves]

    @classmethod
    def between(cls, source, target):
        """The shift that keeps what ids mean in the container: an id of `source` becomes that of `target`.

        source, target: mappings. Ids that `target` has no counterpart for are in no move.
        """
        moves = []
        for container, host, count in source:
            for other, to, length in target:
                first, end = max(container, other), min(container + count, other + length)
                if first < end:
                    moves.append(Move(host + first - container, end - first, to + first - other, 1))
        return cls(moves, [(host, count) for _container, host, count in source])

    @classmethod
    def to_owner(cls, source, owner):
        """The shift that makes every id of the mapping `source` the one id `owner`."""
        ranges = [(host, count) for _container, host, count in source]
        return cls([Move(host, count, owner, 0) for host, count in ranges], ranges)

    def as_lists(self):
        """Return what Shift() takes, fit for JSON."""
        return {"moves": [list(move) for move in self.moves], "source": [list(one) for one in self._source]}

    def new(self, number):
        """Return what the id becomes; itself where it stays."""
        position = bisect.bisect_right(self._firsts, number) - 1
        if position >= 0:
            first, count, to, step = self.moves[position]
            if number < first + count:
                return to + (number - first) * step
        return number

    def what(self, number):
        """Return MOVED, DONE (it is one that others become, or becomes itself), UNMAPPED (of the old mapping, without
        a counterpart in the new one) or FOREIGN (neither's)."""
        if self.new(number) != number:
            return MOVED
        if _within(self._targets, number):
            return DONE
        return UNMAPPED if _within(self._source, number) else FOREIGN

    def overlap(self):
        """Return (id, what it becomes, what that becomes) of a first id that a second run would move on; None where a
        second run moves nothing."""
        for move in self.moves:
            size = move.count if move.step else 1
            for other in self.moves:
                first, end = max(move.to, other.first), min(move.to + size, other.first + other.count)
                while first < end:
                    # Of an interval all ids move on or, where the other move is none or has one target, all but one.
                    if self.new(first) != first:
                        return move.first + (first - move.to), first, self.new(first)
                    first = end if other.step or other.to != first else first + 1
        return None

    def through(self, scratch):
        """Return the two Shifts by which ids go to a range that starts at `scratch`, and from there to their targets.

        Ids that stay what they are go nowhere. In between, no id of the one Shift is an id of the other.
        """
        there, back = [], []
        for move in self._moving():
            there.append(Move(move.first, move.count, scratch, 1))
            back.append(Move(scratch, move.count, move.to, move.step))
            scratch += move.count
        return Shift(there, self._source), Shift(back, self._source + [(move.first, move.count) for move in back])

    def beside(self, other):
        """Return the Shift that does what both do; no id may be moved by both."""
        return Shift(self.moves + other.moves, self._source + other._source)

    def _moving(self):
        return [move for move in self.moves if move.step == 0 or move.first != move.to]

    def size(self):
        """Return how many ids a scratch range has to hold."""
        return sum(move.count for move in self._moving())

    def ranges(self):
        """Return [(first, count)] of the ids that are moved or that others become."""
        return _joined(
            [(move.first, move.count) for move in self.moves]
            + [(move.to, move.count if move.step else 1) for move in self.moves]
        )


def _joined(ranges):
    """Return the ranges in order, those that meet or follow each other made one."""
    joined = []
    for start, count in sorted(ranges):
        if joined and start <= sum(joined[-1]):
            first, length = joined[-1]
            joined[-1] = (first, max(length, start + count - first))
        else:
            joined.append((start, count))
    return joined


def _within(ranges, number):
    position = bisect.bisect_right(ranges, (number, LAST + 2)) - 1
    return position >= 0 and number < sum(ranges[position])
