# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts the process that shifts trees, or finds the one that was started, and waits for it.

In a folder of root's own lie the request, the progress, the lease (its time of change says when somebody last waited),
the result, and the lock, which that process holds while it lives. There is one at a time on a host.
"""

import contextlib
import fcntl
import json
import os
import subprocess
import sys
import time

from ansible_collections.containment.docker.plugins.module_utils import _files, _shift_worker
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

FOLDER = "/run/containment/volume_chown"
_PATIENCE = 1.0  # seconds for which another one's hold of the lock may be a look at it
_PART = "/ansible_collections/"
# Neither -m nor runpy: they import as much again as the process itself does.
START = "import sys; sys.path.insert(0, sys.argv[1]); __import__(sys.argv[2], fromlist=['main']).main(sys.argv[3])"


def start(job, request):
    """Start the process for a request, a dict that _shift_worker.run takes, under the name `job`.

    The "fd" in its "trees" may be closed afterwards. Raises ContainmentError where another one is on its way.
    """
    _make_folder()
    end = time.monotonic() + _PATIENCE
    while True:
        lock = _lock()
        if lock is not None:
            try:
                _start(dict(request, job=job), lock)
            finally:
                os.close(lock)
            return
        if time.monotonic() >= end:
            running = json.loads((_files.read(_path("request")).data or b'{"trees": []}').decode("ascii"))
            raise ContainmentError(
                "paths",
                "another shift is on its way on this host, of " + ", ".join(tree["path"] for tree in running["trees"]),
                "wait until it ends, then run again",
            )
        time.sleep(0.05)


def wait(job, seconds):
    """Return (result, progress) of the job, one of them None.

    seconds: how long to wait at most, None for no end. Raises ContainmentError where the process ended without a
    result, and what it raised.
    """
    _make_folder()
    end = None if seconds is None else time.monotonic() + seconds
    pause = 0.005
    while True:
        with contextlib.suppress(FileNotFoundError):
            os.utime(_path("lease"))
        result = _result(job)
        if result is None and _ended(job):
            result = _result(job) or _told_of_end()
        if result is not None:
            break
        # What it needs of this module's files it has when it tells of progress.
        progress = _progress() if end is not None and time.monotonic() >= end else None
        if progress is not None:
            return None, dict(progress, job=job)
        time.sleep(pause)
        pause = min(pause * 1.5, 0.1)
    os.unlink(_path("result"))
    if result["failure"] is not None:
        raise ContainmentError(*result["failure"])
    return result, None


def _path(name):
    return os.path.join(FOLDER, name)


def _make_folder():
    for path in (os.path.dirname(FOLDER), FOLDER):
        with contextlib.suppress(FileExistsError):
            os.mkdir(path, 0o700)


def _lock():
    """Return a descriptor that holds the lock, None where somebody else does."""
    fd = os.open(_path("lock"), os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(fd)
        return None
    return fd


def _start(request, lock):
    _files.replace(_files.read(_path("request")), json.dumps(request).encode("ascii"), mode=0o600)
    with contextlib.suppress(FileNotFoundError):
        os.unlink(_path("result"))
    for name in ("lease", "progress", "log"):
        os.close(os.open(_path(name), os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600))
    library = __file__[: __file__.rindex(_PART)]
    with open(_path("log"), "wb") as log:
        # -I -S: nothing of the environment, no packages: what it needs is in the collection.
        subprocess.Popen(
            [sys.executable, "-I", "-S", "-B", "-c", START, library, _shift_worker.__name__, FOLDER],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            start_new_session=True,
            pass_fds=[lock] + [tree["fd"] for tree in request["trees"]],
        )


def _result(job):
    """Return the result of the request `job`, None where there is none, or one that was given up."""
    data = _files.read(_path("result")).data
    result = None if data is None else json.loads(data.decode("ascii"))
    return result if result is not None and result["job"] == job and not result["abandoned"] else None


def _ended(job):
    """Whether the process of the job is gone: none runs, or that of another one."""
    lock = _lock()
    if lock is not None:
        os.close(lock)
        return True
    return json.loads((_files.read(_path("request")).data or b"{}").decode("ascii")).get("job") != job


def _told_of_end():
    told = (_files.read(_path("log")).data or b"").decode("utf-8", "replace").strip().splitlines()
    raise ContainmentError(
        "volume_chown",
        "the process that shifts ended before it was done" + (f" ({told[-1]})" if told else ""),
        "run again: it goes on where that one was",
    )


def _progress():
    """Return what the process last told, None before it did, and where it is just telling."""
    try:
        return json.loads((_files.read(_path("progress")).data or b"").decode("ascii"))
    except ValueError:
        return None
