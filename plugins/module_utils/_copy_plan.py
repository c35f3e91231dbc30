# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a tree an earlier pass has copied and is so still, and what an inode carries over to its copy. Pure.

The kernel sets an inode's time of change at every change of its content, owner, mode, attributes and names, and nobody
can set it (inode(7)); the file systems of TIMED do so for the inode that rename(2) moves, too, and when a page of a
mapped file is written to for the first time since it was written out. So an inode whose time lies before an earlier
pass began, which had all pages written out, is as that pass saw it, under the name under which it saw it.
"""

import collections
import json
import stat

from ansible_collections.containment.docker.plugins.module_utils import _shift_attrs as attrs
from ansible_collections.containment.docker.plugins.module_utils import _shift_plan
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError
from ansible_collections.containment.docker.plugins.module_utils._shift_map import LOW

# Steps of the clock that go unnoticed, and how coarse file systems take the time.
SLACK = 1000000000
# For how long one write(2) may last: its time of change is that of its start (file_update_time() in mm/filemap.c), and
# what a pass copies meanwhile is a part of it. Hung task warnings come after 120 seconds.
WRITE = 300 * SLACK

# Not tmpfs, which notes no writes to mapped files, nor what others may change behind the kernel's back.
TIMED = ("btrfs", "ext2", "ext3", "ext4", "f2fs", "xfs")

# boot: the id of this boot. now: ns since 1970. offset: `now` less the ns since that boot, which tells a clock that was
# set from one that went on.
Clock = collections.namedtuple("Clock", "boot now offset")
# What is remembered of a copy. name: a digest of what it does. source, target: [st_dev, st_ino] of the two roots. path:
# of the target. boot, began, offset: the Clock at which its last complete pass began; of its first where none is.
# complete: whether one was, and no other began since.
Memory = collections.namedtuple("Memory", "name source target path boot began offset complete")
# What the copy of an inode gets. xattrs: {name: bytes}. dropped: whether bits or capabilities are left out. kept: as
# in attrs.Extras.
Carried = collections.namedtuple("Carried", "uid gid mode xattrs dropped kept")


def pack(memory):
    """Return a Memory as bytes."""
    return json.dumps(memory._asdict(), sort_keys=True).encode("ascii")


def unpack(data):
    """Return the Memory of the bytes that `pack` made, None of any others."""
    try:
        return Memory(**json.loads(data.decode("ascii")))
    except (ValueError, TypeError):
        return None


def since(memory, clock, kind):
    """Return the time of change, in ns, before which inodes are as an earlier pass saw them; None where it is unknown.

    kind: of the file system. After another boot, and where the clock was set back, nothing can be told of changes.
    """
    if memory is None or kind not in TIMED or memory.boot != clock.boot or clock.offset < memory.offset - SLACK // 2:
        return None
    return memory.began - WRITE


def carried(info, xattrs, shifts, privileges, namespaced):
    """Return what the copy of an inode gets: a Carried.

    info: os.stat_result. xattrs: {name: bytes} of all that it has. The rest, and what is raised, as in attrs.extras.
    """
    found = attrs.extras(
        info.st_mode,
        info.st_uid,
        info.st_gid,
        {name: xattrs[name] for name in (attrs.ACLS | {attrs.CAPABILITY}) & set(xattrs)},
        shifts,
        privileges,
        namespaced,
    )
    mine = dict(xattrs, **found.acls)
    if found.capability is not None:
        mine[attrs.CAPABILITY] = found.capability
    if not mine.get(attrs.CAPABILITY, b"-"):
        del mine[attrs.CAPABILITY]
    return Carried(found.uid, found.gid, found.mode, mine, found.dropped, found.kept)


def alike(info, other):
    """Whether an inode may be the copy of another: of its kind, its size and its time of content.

    The time is the last thing that a copy is given, so that one that was interrupted is not alike.
    """
    kind = stat.S_IFMT(info.st_mode)
    return (
        stat.S_IFMT(other.st_mode) == kind
        and other.st_mtime_ns == info.st_mtime_ns
        and (kind == stat.S_IFDIR or other.st_size == info.st_size)
        and (kind not in (stat.S_IFCHR, stat.S_IFBLK) or other.st_rdev == info.st_rdev)
    )


def is_sampled(number, percent):
    """Whether a file with the inode number `number` is one of so many in a hundred: the same ones each time."""
    # Knuth's multiplicative hash: neighbours are far from each other.
    return number * 2654435761 % 2**32 * 100 < percent * 2**32


def refuse_nested(source, target, source_place, target_place):
    """Raise ContainmentError where one of two directories lies in the other.

    source, target: real paths. The places: (device, path within the file system) of them.
    """
    for one, other in ((source, target), source_place[1:] + target_place[1:]):
        if (source, target) != (one, other) and source_place[0] != target_place[0]:
            continue
        upper, lower = sorted((path.rstrip("/") + "/" for path in (one, other)), key=len)
        if lower.startswith(upper):
            raise ContainmentError("dest", f"{target} and {source} lie in one another", "name another directory")


def refuse_open(target, above):
    """Raise ContainmentError where others than root can come to the directory `target` to change what is made there.

    above: [(path, os.stat_result, whether it has an ACL, whose mask are the group's bits)] of the directories above it.
    One that its group may enter is closed where that is a subordinate id, which nobody on the host has: an engine's
    data root.
    """
    for _path, info, acl in above:
        mode, group = info.st_mode, acl or info.st_gid < LOW
        if info.st_uid == 0 and not mode & stat.S_IXOTH and not (mode & stat.S_IXGRP and group):
            return
    raise ContainmentError(
        "dest",
        f"{target} can be reached by others",
        f"chmod 700 the directory above it, {above[-1][0]}, or name another",
    )


def changed(told):
    """Return how many names of the copy change, of the result of a run."""
    return told["made"] + told["dressed"] + told["linked"] + told["removed"]


def diff(path, told):
    """Return the difference that a run makes to a copy, of its result."""
    more = changed(told) - len(told["examples"])
    lines = [f"{word} {one}\n" for one, word in told["examples"]] + ([f"and {more} more\n"] if more > 0 else [])
    header = f"{path} ({changed(told)} names, {told['bytes']} bytes)"
    return {"before_header": header, "after_header": header, "before": "", "after": "".join(lines)}


def warnings(path, told):
    """Return sentences on what a copy has not, of the result of a run."""
    found = []
    for sort, words, mend in (
        ("locked", "immutable or append-only, and their copies are not", "set the flags again with chattr"),
        ("mounts", "mounted in it and not copied", "copy them by themselves"),
        ("vanished", "gone, or something else, when their turn came", "run again when nobody writes to the tree"),
    ):
        if told[sort]["count"]:
            found.append(str(ContainmentError(path, f"{_shift_plan.some(told[sort])} are {words}", mend)))
    if told["dropped"]:
        cause = f"{told['dropped']} inodes are copied without setuid and setgid bits and capabilities"
        found.append(str(ContainmentError(path, cause, "give them back where you trust the files")))
    return found


def failures(path, told):
    """Return sentences on what could not be copied, of the result of a run."""
    found = []
    if told["privileged"]["count"]:
        cause = (
            f"{_shift_plan.some(told['privileged'])} have setuid or setgid bits or capabilities that would get the "
            "rights of a host's own id; they are not copied"
        )
        found.append(str(ContainmentError(path, cause, "say in privileges whether to keep or drop them")))
    if told["errors"]["count"]:
        first = ", ".join(told["errors"]["first"][:3])
        cause = f"{told['errors']['count']} inodes could not be copied: {first}"
        found.append(str(ContainmentError(path, cause, "mend the cause and run again")))
    verified = told["verified"]
    if verified and verified["count"]:
        cause = f"{verified['count']} names differ from their copies: {', '.join(verified['first'][:3])}"
        found.append(str(ContainmentError(path, cause, "stop who writes there and run again")))
    return found
