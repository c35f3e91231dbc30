# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The line that tells how far a shift is. Pure."""


def line(progress, earlier):
    """Return the line for a `progress` of volume_chown.

    earlier: the one before it, or None. The rate is that since then; the time left comes from the part of the tree that
    is done and is told from a hundredth on.
    """
    since = earlier if earlier is not None and earlier["path"] == progress["path"] else {"inodes": 0, "seconds": 0.0}
    seconds = progress["seconds"] - since["seconds"]
    rate = max(0.0, (progress["inodes"] - since["inodes"]) / seconds if seconds > 0 else 0.0)
    told = f"{progress['path']}: {progress['inodes']} files, {rate:.0f} a second"
    part = progress["part"]
    if part >= 0.01:
        left = progress["seconds"] * (1 - part) / part
        told += f", about {part * 100:.0f} %, {_duration(left)} left"
    return told


def _duration(seconds):
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = seconds / 60
    return f"{minutes:.0f} min" if minutes < 90 else f"{minutes / 60:.1f} h"
