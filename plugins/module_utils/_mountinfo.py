# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What /proc/PID/mountinfo says. Pure, bytes in; paths are str as os.fsdecode gives them."""

import collections
import os
import re

# device: "major:minor". root: the directory of the file system that is seen at `point`. flags: the set of the mount's
# own options. options: those of its super block, {name: value or None}.
Mount = collections.namedtuple("Mount", "device root point flags kind options")

_ESCAPED = re.compile(rb"\\([0-7]{3})")


def parse(data):
    """Return [Mount] in the order of the lines (proc_pid_mountinfo(5)); a later one lies on top of an earlier one."""
    found = []
    for line in data.splitlines():
        words = line.split(b" ")
        kind, _source, options = words[words.index(b"-") + 1 :]
        pairs = [option.partition(b"=") for option in options.split(b",")]
        found.append(
            Mount(
                words[2].decode("ascii"),
                _path(words[3]),
                _path(words[4]),
                frozenset(os.fsdecode(words[5]).split(",")),
                os.fsdecode(kind),
                {os.fsdecode(name): _path(value) if equals else None for name, equals, value in pairs},
            )
        )
    return found


def within(mounts, path):
    """Return the paths below `path` at which something is mounted, each once."""
    below = path.rstrip("/") + "/"
    return sorted({mount.point for mount in mounts if mount.point.startswith(below) and mount.point != path})


def holding(mounts, path):
    """Return the Mount on which `path` lies."""
    found = None
    for mount in mounts:
        point = mount.point.rstrip("/")
        # At the same length the later one is on top.
        if (path == mount.point or path.startswith(point + "/")) and (
            found is None or len(point) >= len(found.point.rstrip("/"))
        ):
            found = mount
    return found


def place(mounts, path):
    """Return (device, path within its file system) of `path`: the same for the same place, however it is mounted."""
    mount = holding(mounts, path)
    rest = path[len(mount.point.rstrip("/")) :]
    return mount.device, mount.root.rstrip("/") + rest or "/"


def _path(data):
    return os.fsdecode(_ESCAPED.sub(lambda match: bytes([int(match.group(1), 8)]), data))
