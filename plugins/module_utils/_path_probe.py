# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Owners and sizes of paths that others control: looked at in a child, so that a dead network file system costs a
bounded time.

No function here decides what an owner means.
"""

import json
import os
import select
import signal
import stat
import time

NOTHING = {"real": None, "uid": None, "gid": None, "mode": None, "blocked": [], "size": None}


def owners(paths, timeout=5.0):
    """Return {path: {"real": path, "uid", "gid", "mode", "blocked", "error"}}, links followed as by a bind mount.

    mode: st_mode, type included. blocked: parents without o+x, outermost first, as {"path", "uid", "gid", "mode"}.
    error: None, or the kernel's words, with uid, gid and mode None. A path that does not answer within `timeout`
    seconds (all paths together) gets an error.
    """
    return _in_child(paths, _owner, timeout)


def sizes(directories, timeout=30.0):
    """Return {directory: {"size": bytes, "error"}}: apparent sizes, hard links once, other file systems left out, as
    the engine counts.

    Those that `timeout` seconds (all together) did not suffice for have an error and no size.
    """
    return _in_child(directories, _size, timeout)


def _in_child(paths, look, timeout):
    """Return {path: look(path)}, from forked children; one that stalls is killed and costs its own path alone while
    time is left."""
    deadline = time.monotonic() + timeout
    todo, answers = list(paths), {}
    while todo:
        # One path must not eat the time of all others.
        stall = max(0.0, deadline - time.monotonic()) / (2 if len(todo) > 1 else 1)
        done, stalled = _run_child(todo, look, stall, deadline)
        answers.update(done)
        todo = [path for path in todo if path not in done]
        if todo:
            answers[todo.pop(0)] = dict(NOTHING, error="no answer in time" if stalled else "the look at it was killed")
        if time.monotonic() >= deadline:
            answers.update({path: dict(NOTHING, error="not looked at, the time was up") for path in todo})
            break
    return answers


def _run_child(todo, look, stall, deadline):
    """Return ({path: answer}, stalled) of one child that writes answers as JSON lines, until it ends, stalls or the
    deadline comes."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        _child(writer, todo, look)
    os.close(writer)
    data, stalled = bytearray(), True
    try:
        while True:
            left = min(stall, deadline - time.monotonic())
            if left <= 0 or not select.select([reader], [], [], left)[0]:
                break
            piece = os.read(reader, 65536)
            if not piece:
                stalled = False
                break
            data += piece
    finally:
        os.close(reader)
        os.kill(child, signal.SIGKILL)
        _reap(child)
    return dict(json.loads(line.decode("ascii")) for line in bytes(data).split(b"\n")[:-1]), stalled


def _child(writer, todo, look):
    """Never returns: whatever happens, the child must not go on with its parent's work."""
    try:
        for path in todo:
            try:
                answer = look(path)
            except Exception as error:
                answer = dict(NOTHING, error=str(error) or type(error).__name__)
            line = json.dumps([path, answer]).encode("ascii") + b"\n"
            while line:
                line = line[os.write(writer, line) :]
    finally:
        os._exit(0)


def _reap(child):
    """Wait for a killed child, but not for one the kernel holds in an uninterruptible call."""
    for _attempt in range(20):
        if os.waitpid(child, os.WNOHANG)[0]:
            return
        time.sleep(0.01)


def _owner(path):
    real = os.path.realpath(path)
    info = os.stat(real)
    blocked = []
    parent = real
    while parent != "/":
        parent = os.path.dirname(parent)
        above = os.stat(parent)
        if not above.st_mode & stat.S_IXOTH:
            blocked.insert(0, {"path": parent, "uid": above.st_uid, "gid": above.st_gid, "mode": above.st_mode})
    return {
        "real": real,
        "uid": info.st_uid,
        "gid": info.st_gid,
        "mode": info.st_mode,
        "blocked": blocked,
        "error": None,
    }


def _size(directory):
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    device = os.fstat(fd).st_dev
    total, seen = 0, set()
    for _root, directories, files, here in os.fwalk(".", onerror=_vanished, dir_fd=fd):
        for name in directories + files:
            try:
                info = os.stat(name, dir_fd=here, follow_symlinks=False)
            except FileNotFoundError:
                continue
            if info.st_dev != device:
                if name in directories:
                    directories.remove(name)
            elif not stat.S_ISDIR(info.st_mode) and info.st_ino not in seen:
                total += info.st_size
                if info.st_nlink > 1:
                    seen.add(info.st_ino)
    os.close(fd)
    return {"size": total, "error": None}


def _vanished(error):
    if not isinstance(error, FileNotFoundError):
        raise error
