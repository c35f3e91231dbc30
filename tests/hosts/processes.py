# SPDX-License-Identifier: GPL-3.0-or-later
"""Questions to /proc. A process that ends while it is looked at is one that is gone."""

from pathlib import Path

GONE = (FileNotFoundError, ProcessLookupError)


def start_time(pid):
    """Start time of a process in clock ticks, which with the pid names it; None when it is gone or a zombie."""
    try:
        text = Path("/proc/%d/stat" % pid).read_text()
    except GONE:
        return None
    state, *fields = text.rpartition(")")[2].split()
    return None if state == "Z" else int(fields[18])


def _children(pid):
    try:
        tasks = list(Path("/proc/%d/task" % pid).iterdir())
        return [int(child) for task in tasks for child in (task / "children").read_text().split()]
    except GONE:
        return []


def _is_init(pid):
    """Whether it is PID 1 of a pid namespace below this one."""
    try:
        lines = Path("/proc/%d/status" % pid).read_text().splitlines()
    except GONE:
        return False
    inner = [line.split()[2:] for line in lines if line.startswith("NSpid:")]
    return bool(inner) and inner[0][-1:] == ["1"]


def children_init(pid):
    """The first process below `pid` that is PID 1 of a namespace, or None."""
    for child in _children(pid):
        found = child if _is_init(child) else children_init(child)
        if found:
            return found
    return None
