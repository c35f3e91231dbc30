# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How far a walk through a tree is, and the line that tells it. Pure."""


def part(way):
    """Return which part of a tree is done, about, from 0 to 1.

    way: [(directories in it that are done, that are known, part of the other entries that is done)] of the directories
    from the root to where the walk is. Directories count alike, whatever is in them.
    """
    done, weight = 0.0, 1.0
    for below, total, entries in way:
        if total:
            weight /= total
            done += weight * below
        else:
            done += weight * entries
    return min(done, 1.0)


def line(progress, earlier):
    """Return the line for a `progress` of volume_chown, volume_copy or seccomp_learn.

    earlier: the one before it, or None. The rate is that since then; the time left comes from the part of the tree that
    is done and is told from a hundredth on.
    """
    if "kinds" in progress:
        return f"{progress['path']}: {progress['inodes']} calls of {progress['kinds']} kinds heard{_left(progress)}"
    since = earlier if earlier is not None and earlier["path"] == progress["path"] else {"inodes": 0, "seconds": 0.0}
    seconds = progress["seconds"] - since["seconds"]
    rate = max(0.0, (progress["inodes"] - since["inodes"]) / seconds if seconds > 0 else 0.0)
    told = f"{progress['path']}: {progress['inodes']} files, {rate:.0f} a second"
    if "written" in progress:
        speed = (progress["written"] - since.get("written", 0)) / seconds / 1e6 if seconds > 0 else 0.0
        told += f", {max(0.0, speed):.0f} MB/s"
    if progress["part"] >= 0.01:
        told += f", about {progress['part'] * 100:.0f} %"
    return told + _left(progress)


def _left(progress):
    if progress["part"] < 0.01:
        return ""
    return f", {_duration(progress['seconds'] * (1 - progress['part']) / progress['part'])} left"


def _duration(seconds):
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = seconds / 60
    return f"{minutes:.0f} min" if minutes < 90 else f"{minutes / 60:.1f} h"
