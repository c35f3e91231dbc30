# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The locks of shadow-utils on /etc/subuid and /etc/subgid: who holds them shuts useradd, usermod and their kin out.

The protocol (shadow's commonio.c, glibc's lckpwdf(3)): an exclusive fcntl lock on /etc/.pwd.lock, waited for 15 s at
most, then FILE.lock made by link() from a file that holds the process id, decimal, NUL at its end. A lock whose process
is gone is stolen.
"""

import contextlib
import fcntl
import os
import time

from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

ACCOUNTS_LOCK = "/etc/.pwd.lock"
FILES = ("/etc/subuid", "/etc/subgid")
SECONDS = 15


@contextlib.contextmanager
def locked(files=FILES, accounts_lock=ACCOUNTS_LOCK, seconds=SECONDS):
    """Hold the locks of `files` (paths) while the block runs.

    Raises ContainmentError when another process keeps one of them for `seconds`, or where they cannot be made.
    A killed holder leaves at most FILE.lock and .FILE.lock.containment: the next holder takes over the one and reuses
    the other.
    """
    deadline = time.monotonic() + seconds
    held = []
    fd = None
    try:
        try:
            fd = _lock_accounts(accounts_lock, deadline)
            for path in files:
                _link_lock(path, deadline)
                held.append(path)
        except OSError as error:
            raise ContainmentError(
                error.filename2 or error.filename or accounts_lock,
                f"cannot be locked ({error.strerror})",
                "run with become: true on a writable file system with free space",
            ) from error
        yield
    finally:
        for path in reversed(held):
            _unlink(path + ".lock")
        if fd is not None:
            os.close(fd)


def _lock_accounts(path, deadline):
    # O_WRONLY and mode 0600 as lckpwdf does; closing the fd, or dying, gives the lock back.
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        while True:
            try:
                fcntl.lockf(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return fd
            except (BlockingIOError, PermissionError):
                if time.monotonic() >= deadline:
                    raise ContainmentError(
                        path,
                        "is locked by another program that changes user accounts",
                        "wait until it ends, then run again",
                    ) from None
            time.sleep(0.05)
    except BaseException:
        os.close(fd)
        raise


def _link_lock(path, deadline):
    lock = path + ".lock"
    directory, name = os.path.split(lock)
    # shadow names this file FILE.PID; a fixed name does as well under the accounts lock, and is never gathered by
    # killed runs.
    own = os.path.join(directory, f".{name}.containment")
    _unlink(own)
    try:
        fd = os.open(own, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with os.fdopen(fd, "wb") as handle:
            handle.write(b"%d\0" % os.getpid())
            handle.flush()
            os.fsync(fd)
        while True:
            try:
                os.link(own, lock)
                return
            except FileExistsError:
                holder = _holder(lock)
            if _stale(holder):
                _unlink(lock)
            elif time.monotonic() >= deadline:
                who = "a file without a process id" if holder is None else f"process {holder}{_name(holder)}"
                raise ContainmentError(
                    lock,
                    f"is held by {who}",
                    f"wait until it ends, or remove {lock} when nothing changes user accounts, then run again",
                )
            else:
                time.sleep(0.05)
    finally:
        _unlink(own)


def _holder(lock):
    """Return the process id in `lock`; 0 where the lock is gone, None where it holds no id."""
    try:
        with open(lock, "rb") as handle:
            text = handle.read(32).split(b"\0")[0].strip()
    except FileNotFoundError:
        return 0
    return int(text) if text.isdigit() else None


def _stale(holder):
    if holder is None:
        return False  # shadow-utils steal no lock without a process id either.
    if holder in (0, os.getpid()):
        return True  # We do not hold it: an earlier process of our number left it.
    try:
        os.kill(holder, 0)
    except ProcessLookupError:
        return True
    except (PermissionError, OverflowError):
        pass
    return False


def _name(pid):
    try:
        with open(f"/proc/{pid}/comm", "rb") as handle:
            return " ({0})".format(handle.read().decode("utf-8", "replace").strip())
    except OSError:
        return ""


def _unlink(path):
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass
