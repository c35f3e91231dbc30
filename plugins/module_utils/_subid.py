# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The content of /etc/subuid and /etc/subgid: parse, render, and what it means to the engine. Pure, bytes in and bytes
out.

A range is (start, count), a mapping [(container start, host start, count)]. Foreign lines, comments, blanks, their
order and a missing final newline stay as they are.
"""

import array
import bisect
import collections
import re

# data: the file's bytes. offsets, numbers, starts, counts: arrays, one element for each well-formed line: byte offset,
# line number from 1, first id, number of ids. malformed: [(line number, what is wrong)].
Parsed = collections.namedtuple("Parsed", "path data offsets numbers starts counts malformed")
# by_uid: the line names its owner by number.
Line = collections.namedtuple("Line", "offset number start count by_uid")

IDS = 1 << 32


def parse(data, path):
    """Return what `data` (bytes; None for no file) of the file `path` says. Raises nothing: `malformed` lists the lines
    that are none.

    A line is three non-empty fields parted by colons, the last two plain decimal numbers that shadow-utils and the
    engine read alike (no sign, no leading zero, which is octal to shadow-utils) and within 32 bits. White space around
    a line, blank lines and lines that start with # are passed over, as the engine does.
    """
    data = data or b""
    offsets, numbers, starts, counts = (array.array("Q") for dummy in range(4))
    malformed = []
    offset = 0
    for number, line in enumerate(data.split(b"\n"), 1):
        text = line.strip()
        if text and not text.startswith(b"#"):
            fields = text.split(b":")
            fault = _fault(fields)
            if fault:
                malformed.append((number, fault))
            else:
                offsets.append(offset)
                numbers.append(number)
                starts.append(int(fields[1]))
                counts.append(int(fields[2]))
        offset += len(line) + 1
    return Parsed(path, data, offsets, numbers, starts, counts, malformed)


def _fault(fields):
    if len(fields) != 3:
        return f"has {len(fields)} fields, not three"
    owner, start, count = fields
    if not owner:
        return "has no owner"
    for word, text in (("start", start), ("count", count)):
        if not text.isdigit() or len(text) > 10 or (text[0] == 48 and len(text) > 1):
            return f"{word} {text.decode('utf-8', 'replace')!r} is no plain decimal number of 32 bits"
    if int(start) + int(count) > IDS:
        return f"{int(start)} and {int(count)} ids more reach past {IDS - 1}"
    return None


def line_of(parsed, index):
    """Return (line number, text) of the well-formed line at `index` of the arrays."""
    offset = parsed.offsets[index]
    end = parsed.data.find(b"\n", offset)
    line = parsed.data[offset:] if end < 0 else parsed.data[offset:end]
    return parsed.numbers[index], line.strip().decode("utf-8", "replace")


def lines_of(parsed, user, uid):
    """Return the well-formed [Line] of a user, by name and by uid, in file order. user: str or None; uid: int or None
    where unknown.
    """
    labels = {}
    if uid is not None:
        labels[b"%d" % uid] = True
    if user is not None:
        labels[encode(user)] = False
    if not labels:
        return []
    pattern = re.compile(rb"^[ \t\r\v\f]*(" + b"|".join(re.escape(label) for label in labels) + b"):", re.MULTILINE)
    found = []
    for match in pattern.finditer(parsed.data):
        index = bisect.bisect_left(parsed.offsets, match.start())
        if index < len(parsed.offsets) and parsed.offsets[index] == match.start():
            found.append(
                Line(
                    match.start(),
                    parsed.numbers[index],
                    parsed.starts[index],
                    parsed.counts[index],
                    labels[match.group(1)],
                )
            )
    return found


def is_number(text):
    """Whether `text` (str) is a uid or gid, not a name: ASCII digits alone, unlike str.isdigit(), and few enough for
    int()."""
    return bool(re.match(r"[0-9]{1,20}\Z", text))


def encode(user):
    """Return a user name as it stands in the files."""
    return user.encode("utf-8", "surrogateescape")


def ranges_of(parsed, user, uid, engine_version=None):
    """Return the ranges [(start, count)] of a user in the order in which the engine maps them.

    engine_version: "28.5.2" or None, which takes file order. moby's pkg/idtools: before 23.0 the lines by name come
    first, then those by uid; 23.0 to 27 take the lines by uid alone where there are any; from 28.0 both count, in file
    order.
    """
    lines = lines_of(parsed, user, uid)
    major = int(engine_version.split(".")[0]) if engine_version else 28
    by_name = [line for line in lines if not line.by_uid]
    by_uid = [line for line in lines if line.by_uid]
    if major < 23:
        lines = by_name + by_uid
    elif major < 28:
        lines = by_uid or by_name
    return [(line.start, line.count) for line in lines]


def mapping(ranges):
    """Return [(container start, host start, count)]: ranges follow each other in the container, from id 0."""
    extents, container = [], 0
    for start, count in ranges:
        extents.append((container, start, count))
        container += count
    return extents


def map_size(ranges):
    """Return the bytes of the text that the engine's runtime writes to uid_map or gid_map."""
    return sum(len("%d %d %d\n" % extent) for extent in mapping(ranges))


def extent_limit(release):
    """Return how many extents a map may have on a kernel: 340 from Linux 4.15, 5 before (UID_GID_MAP_MAX_EXTENTS)."""
    version = tuple(int(part) for part in re.match(r"(\d+)\.(\d+)", release).groups())
    return 340 if version >= (4, 15) else 5


def keeps(old, new):
    """Tell whether every container id that `old` ([range]) maps is mapped to the same host id by `new`."""
    old, new = _joined(old), _joined(new)
    if not old:
        return True
    if len(new) < len(old) or new[: len(old) - 1] != old[:-1]:
        return False
    return new[len(old) - 1][0] == old[-1][0] and new[len(old) - 1][1] >= old[-1][1]


def _joined(ranges):
    joined = []
    for start, count in ranges:
        if joined and sum(joined[-1]) == start:
            joined[-1] = (joined[-1][0], joined[-1][1] + count)
        elif count:
            joined.append((start, count))
    return joined


def render(parsed, lines, owner, ranges):
    """Return the file's bytes with the user's `lines` ([Line]) replaced by `ranges`; the very same bytes where these
    say so already.

    owner: str that opens new lines. They stand where the first old one stood, else at the end.
    """
    data = parsed.data
    if [(line.start, line.count) for line in lines] == ranges:
        return data
    new = b"".join(b"%s:%d:%d\n" % (encode(owner), start, count) for start, count in ranges)
    if not lines:
        return data + (b"\n" if data and not data.endswith(b"\n") else b"") + new
    parts, position = [], 0
    for line in lines:
        parts += [data[position : line.offset], new]
        new = b""
        end = data.find(b"\n", line.offset)
        position = len(data) if end < 0 else end + 1
    return b"".join(parts + [data[position:]])


def subid_source(nsswitch):
    """Return the first word after `subid:` in nsswitch.conf (bytes; None for no file), which is all that shadow-utils
    heed; else "files".
    """
    for line in (nsswitch or b"").split(b"\n"):
        if line[:6].lower() == b"subid:":
            words = line[6:].split(b"#")[0].split()
            if words:
                return words[0].decode("utf-8", "replace")
    return "files"
