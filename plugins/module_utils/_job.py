# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts a process that works on trees, or finds the one that was started, and waits for it.

In a folder of root's own lie the request, the progress, the lease (its time of change says when somebody last waited),
the result, and the lock, which that process holds while it lives. There is one of a kind at a time on a host; one that
nobody waits for gives way to the next.
"""

import collections
import contextlib
import fcntl
import json
import os
import subprocess
import sys
import time

from ansible_collections.containment.docker.plugins.module_utils import _files
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

_ROOT = "/run/containment"
_SILENCE = 15.0  # seconds without a look after which nobody waits any more: more than lie between two of a playbook's
_BUSY = 25.0  # seconds of looks after which somebody does wait: the last module of a killed playbook ends earlier
_ROOM = 1024 * 1024  # bytes that the folder's file system must have left
_PART = "/ansible_collections/"
# Neither -m nor runpy: they import as much again as the process itself does.
START = "import sys; sys.path.insert(0, sys.argv[1]); __import__(sys.argv[2], fromlist=['main']).main(sys.argv[3])"

# module: the name of the module that it is for, and of the folder. worker: what the process runs, a module of ours with
# main(folder). word: what it does, for sentences. end: seconds that a process has to end when nobody waits any more.
# again: what to do where it ended before it was done.
Kind = collections.namedtuple("Kind", "module worker word end again")
Kind.__new__.__defaults__ = (15.0, "run again: it goes on where that one was")


def start(kind, job, request):
    """Start the process for a request, a dict that its worker takes, under the name `job`.

    The "fds" of the request may be closed afterwards. Raises ContainmentError where another one is on its way.
    """
    folder = _folder(kind)
    room = os.statvfs(folder)
    if room.f_bavail * room.f_frsize < _ROOM:
        raise ContainmentError(folder, "has less than 1 MiB left", "make room on its file system")
    lock = _lock(folder)
    if lock is None:
        lock = _taken_over(kind, folder)
    try:
        _start(kind, folder, dict(request, job=job), lock)
    finally:
        os.close(lock)


def _taken_over(kind, folder):
    """Return the lock, once the process that held it has ended because nobody waits for it any more.

    Raises ContainmentError where somebody does, and where it does not end.
    """
    lease = f"{folder}/lease"
    began = since = time.monotonic()
    stamp, told = os.stat(lease).st_mtime_ns, False
    while True:
        time.sleep(0.05)
        lock = _lock(folder)
        if lock is not None:
            return lock
        now, found = time.monotonic(), os.stat(lease).st_mtime_ns
        if told:
            if now - since >= kind.end:
                raise _busy(kind, folder, "was left alone and does not end", "see what its process waits for")
        elif found != stamp:
            stamp, since = found, now
            if now - began >= _BUSY:
                raise _busy(kind, folder, "is on its way on this host", "wait until it ends, then run again")
        elif now - since >= _SILENCE:
            os.utime(lease, (0, 0))
            since, told = now, True


def _busy(kind, folder, cause, mend):
    running = json.loads((_files.read(f"{folder}/request").data or b'{"trees": []}').decode("ascii"))
    paths = ", ".join(tree["path"] for tree in running["trees"])
    return ContainmentError(kind.module, f"another {kind.word}, of {paths}, {cause}", mend)


def wait(kind, job, seconds):
    """Return (result, progress) of the job, one of them None.

    seconds: how long to wait at most, None for no end. Raises ContainmentError where the process ended without a
    result, and what it raised.
    """
    folder = _folder(kind)
    end = None if seconds is None else time.monotonic() + seconds
    pause = 0.005
    while True:
        with contextlib.suppress(FileNotFoundError):
            os.utime(f"{folder}/lease")
        result = _result(folder, job)
        if result is None and _ended(folder, job):
            result = _result(folder, job) or _told_of_end(kind, folder)
        if result is not None:
            break
        # What it needs of this module's files it has when it tells of progress.
        progress = _progress(folder) if end is not None and time.monotonic() >= end else None
        if progress is not None:
            return None, dict(progress, job=job)
        time.sleep(pause)
        pause = min(pause * 1.5, 0.1)
    os.unlink(f"{folder}/result")
    if result["failure"] is not None:
        raise ContainmentError(*result["failure"])
    return result, None


def _folder(kind):
    """Return the path of a kind's folder, which is there."""
    folder = f"{_ROOT}/{kind.module}"
    for path in (_ROOT, folder):
        with contextlib.suppress(FileExistsError):
            os.mkdir(path, 0o700)
    return folder


def _lock(folder):
    """Return a descriptor that holds the lock, None where somebody else does."""
    fd = os.open(f"{folder}/lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(fd)
        return None
    return fd


def _start(kind, folder, request, lock):
    _files.replace(_files.read(f"{folder}/request"), json.dumps(request).encode("ascii"), mode=0o600)
    with contextlib.suppress(FileNotFoundError):
        os.unlink(f"{folder}/result")
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    for name in ("lease", "progress", "log"):
        os.close(os.open(f"{folder}/{name}", flags, 0o600))
    library = __file__[: __file__.rindex(_PART)]
    with open(f"{folder}/log", "wb") as log:
        # -I -S: nothing of the environment, no packages: what it needs is in the collection.
        subprocess.Popen(
            [sys.executable, "-I", "-S", "-B", "-c", START, library, kind.worker.__name__, folder],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            start_new_session=True,
            pass_fds=[lock] + request["fds"],
        )


def _result(folder, job):
    """Return the result of the request `job`, None where there is none, or one that was given up."""
    data = _files.read(f"{folder}/result").data
    result = None if data is None else json.loads(data.decode("ascii"))
    return result if result is not None and result["job"] == job and not result["abandoned"] else None


def _ended(folder, job):
    """Whether the process of the job is gone: none runs, or that of another one."""
    lock = _lock(folder)
    if lock is not None:
        os.close(lock)
        return True
    return json.loads((_files.read(f"{folder}/request").data or b"{}").decode("ascii")).get("job") != job


def _told_of_end(kind, folder):
    told = (_files.read(f"{folder}/log").data or b"").decode("utf-8", "replace").strip().splitlines()
    raise ContainmentError(
        kind.module,
        f"the process of the {kind.word} ended before it was done" + (f" ({told[-1]})" if told else ""),
        kind.again,
    )


def _progress(folder):
    """Return what the process last told, None before it did, and where it is just telling."""
    try:
        return json.loads((_files.read(f"{folder}/progress").data or b"").decode("ascii"))
    except ValueError:
        return None
