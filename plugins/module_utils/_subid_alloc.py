# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a range of subordinate ids may lie. Pure. A range is (start, count); ids are 32-bit, both ends included where
two ends are named.
"""

import bisect
import collections

# An interval of ids somebody else's convention has taken. first and last are included.
Area = collections.namedtuple("Area", "first last who")

LOW = 65536  # Below it a host's own ids and those inside of images meet (moby#39169).
LAST = 4294967294  # (uid_t) -1 is no id.

# systemd's UIDS-GIDS table; podman's `containers` line (--userns=auto) and systemd both keep away from 2^31 upwards.
RESERVED = (
    Area(60001, 60705, "systemd-homed"),
    Area(61184, 65519, "systemd's dynamic users"),
    Area(65534, 65535, "nobody and the 16-bit -1"),
    Area(524288, 1879048191, "systemd-nspawn"),
    Area(2147352576, 2147418111, "systemd's foreign ids"),
    Area(2147483647, LAST, "signed 32-bit programs and podman's automatic ranges"),
)

# The default search area: above login.defs' ranges (100000-600100000), LXD's (to 1001000000), systemd-nspawn's (to
# 1879048191) and sssd's id mapping (200000-2000200000); below systemd's foreign ids. 2245 aligned ranges, and what a
# host's own useradd has handed out is never there, so that all hosts of a fleet come to the same start.
SEARCH_FIRST, SEARCH_LAST = 2000224256, 2147352575


def allocate(taken, count, align, first, last):
    """Return the lowest start in first..last, a multiple of `align`, whose `count` ids meet none of `taken` ([range]);
    None: no room.
    """
    taken = sorted((start, start + size) for start, size in taken if size and start <= last and start + size > first)
    candidate = _up(first, align)
    for start, end in taken:
        if start >= candidate + count:
            break
        if end > candidate:
            candidate = _up(end, align)
    return candidate if candidate + count - 1 <= last else None


def _up(number, align):
    return -(-number // align) * align


def overlap(ranges, others):
    """Return (index into `others`, the range of `ranges` it meets) of the first overlap; None where there is none.

    `ranges` do not meet each other; `others` may, and may be many.
    """
    own = sorted(ranges)
    starts = [start for start, dummy in own]
    for index, (start, count) in enumerate(others):
        # Of the ranges that start before the other's end, the last one also ends last.
        before = bisect.bisect_left(starts, start + count)
        if count and before and sum(own[before - 1]) > start:
            return index, own[before - 1]
    return None


def self_overlap(ranges):
    """Return the first two ranges of one list that meet, in order of their starts; None where none do."""
    ordered = sorted(ranges)
    for left, right in zip(ordered, ordered[1:]):
        if left[0] + left[1] > right[0]:
            return left, right
    return None


def outside(claims, ranges):
    """Return the claims that do not lie within one of `ranges` entirely."""
    return [
        claim
        for claim in claims
        if not any(start <= claim.start and claim.start + claim.count <= start + count for start, count in ranges)
    ]


def reserved(ranges):
    """Return the areas of RESERVED that `ranges` meet."""
    return [area for area in RESERVED if overlap(ranges, [(area.first, area.last - area.first + 1)])]
