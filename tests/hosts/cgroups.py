# SPDX-License-Identifier: GPL-3.0-or-later
"""The control groups a host lives in: one folder of its own in each mounted hierarchy, gone when the host is gone."""

import os
import signal
import time
from pathlib import Path


def _hierarchies():
    """Mount points of all cgroup hierarchies: [(path, version)]."""
    found = []
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        before, after = line.split(" - ", 1)
        kind = after.split()[0]
        if kind in ("cgroup", "cgroup2"):
            found.append((Path(before.split()[4]), 2 if kind == "cgroup2" else 1))
    return found


def folders(name, all_versions):
    """The host's folder in each hierarchy, version 2 alone unless all_versions; nothing is made."""
    return [path / name for path, version in _hierarchies() if version == 2 or all_versions]


def create(name, all_versions):
    """Make the host's folders, each with a folder `init` for its first process; return the folders.

    Version 2 gives controllers to the groups below only where a group has no process of its own.
    """
    made = folders(name, all_versions)
    for folder in made:
        for child in (folder, folder / "init"):
            child.mkdir()
            for key in ("cpuset.cpus", "cpuset.mems"):  # version 1 wants them filled before a process may enter
                if (child / key).exists() and (child.parent / key).exists():
                    (child / key).write_text((child.parent / key).read_text())
    return made


def _pids(folder):
    pids = set()
    for parent, _unused, files in os.walk(folder):
        if "cgroup.procs" in files:
            pids.update(int(pid) for pid in Path(parent, "cgroup.procs").read_text().split())
    return pids


def remove(name, timeout=20):
    """Kill what still runs in the host's folders, and nothing else, then remove them."""
    present = [folder for folder in folders(name, True) if folder.is_dir()]
    end = time.monotonic() + timeout
    while True:
        pids = set().union(*(_pids(folder) for folder in present))
        if not pids:
            break
        if time.monotonic() > end:
            raise RuntimeError("processes %s of host %s do not end" % (sorted(pids), name))
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        time.sleep(0.02)
    for folder in present:
        for parent, _children, _files in os.walk(folder, topdown=False):
            _rmdir(parent, end)


def _rmdir(path, end):
    while True:  # a dead process leaves its group a moment after it is gone
        try:
            return os.rmdir(path)
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.02)
