# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading and replacing configuration files: through directory fds, atomically, with everything the old file carried.

No function here decides what a file should say.
"""

import collections
import contextlib
import errno
import fcntl
import os
import stat
import struct
import time

from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

FS_IOC_GETFLAGS = 0x80086601 if struct.calcsize("l") == 8 else 0x80046601
FS_IMMUTABLE_FL, FS_APPEND_FL = 0x10, 0x20
MAX_BYTES = 64 * 1024 * 1024
LOCK_SECONDS = 30

# path: the real path, links resolved. data: bytes, None where there is no file. mode, uid, gid, identity, xattrs: None
# where there is no file. identity is (device, inode, size, mtime_ns): what tells whether somebody else wrote meanwhile.
File = collections.namedtuple("File", "path data mode uid gid identity xattrs")


def open_parent(path, create=False):
    """Open the directory of `path`, from the root down, and return (directory fd, name, real path).

    Links are resolved once, then every component is opened O_NOFOLLOW and has to be writable by nobody but root and the
    caller (a sticky directory is passed when what lies in it belongs to them), so that nobody else can swap it.
    With `create`, missing directories are made, mode 0755. Raises ContainmentError; FileNotFoundError where the
    directory is missing and `create` is false; OSError as the kernel says.
    """
    try:
        unusable = b"\0" in os.fsencode(path)
    except UnicodeEncodeError:
        unusable = True
    if unusable:
        raise ContainmentError(repr(path), "holds a character that no path can hold", "take it out")
    real = os.path.realpath(path)
    if not real.strip("/"):
        raise ContainmentError(path, "is the root directory", "give the path of the file")
    *directories, name = [part for part in real.split("/") if part]
    trusted = {0, os.geteuid()}
    fd = os.open("/", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        sticky = False
        for position, part in enumerate(directories):
            here = "/" + "/".join(directories[: position + 1])
            flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
            try:
                below = os.open(part, flags, dir_fd=fd)
            except FileNotFoundError:
                if not create:
                    raise
                os.mkdir(part, 0o755, dir_fd=fd)
                os.fsync(fd)
                below = os.open(part, flags, dir_fd=fd)
                os.fchmod(below, 0o755)  # Whatever the caller's umask is.
            os.close(fd)
            fd = below
            info = os.fstat(fd)
            writable = info.st_mode & 0o022
            sticky = bool(info.st_mode & stat.S_ISVTX)
            if info.st_uid not in trusted or (writable and not sticky):
                raise ContainmentError(
                    here,
                    f"uid {info.st_uid}, mode {stat.S_IMODE(info.st_mode):04o}: others can change its content",
                    "make it root's and not writable for group and others",
                )
        return fd, name, real
    except BaseException:
        os.close(fd)
        raise


def read(path):
    """Return the `File` at `path`, links followed. A missing file or directory has data None.

    Raises ContainmentError for what is no regular file, for a file over 64 MiB, and for directories others can write
    to; OSError as the kernel says.
    """
    try:
        parent, name, real = open_parent(path)
    except FileNotFoundError:
        return File(os.path.realpath(path), None, None, None, None, None, None)
    try:
        return _read_at(parent, name, real)
    finally:
        os.close(parent)


def _read_at(parent, name, real):
    try:
        # O_NONBLOCK: a fifo in the file's place must not hang us.
        fd = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=parent)
    except FileNotFoundError:
        return File(real, None, None, None, None, None, None)
    except OSError as error:
        if error.errno != errno.ELOOP:
            raise
        raise ContainmentError(
            real, "became a symbolic link while it was looked at", "find out who replaces it, then run again"
        ) from error
    info = os.fstat(fd)
    if not stat.S_ISREG(info.st_mode):
        os.close(fd)
        raise ContainmentError(real, "is not a regular file", "move it away or give the path of the file")
    with os.fdopen(fd, "rb") as handle:
        if info.st_size > MAX_BYTES:
            raise ContainmentError(
                real, f"is {info.st_size} bytes, more than {MAX_BYTES}", "check that this is the right file"
            )
        return File(
            real, handle.read(), stat.S_IMODE(info.st_mode), info.st_uid, info.st_gid, _identity(info), _xattrs(fd)
        )


def _identity(info):
    return (info.st_dev, info.st_ino, info.st_size, info.st_mtime_ns)


def _xattrs(fd):
    """Return {name: value} of extended attributes: SELinux label and ACLs among them."""
    try:
        return {name: os.getxattr(fd, name) for name in os.listxattr(fd)}
    except OSError as error:
        if error.errno == errno.ENOTSUP:
            return {}
        raise


def refuse_unwritable(before):
    """Raise ContainmentError where `before` could not be replaced: read-only mount, immutable or append-only.

    Meant for check mode too: it changes nothing.
    """
    path = before.path
    while not os.path.exists(path):
        path = os.path.dirname(path)
    directory = path if os.path.isdir(path) else os.path.dirname(path)
    if os.statvfs(directory).f_flag & os.ST_RDONLY:
        raise ContainmentError(
            before.path, "lies on a file system mounted read-only", f"remount the file system of {directory} read-write"
        )
    for place in (path, directory):
        flags = _flags_at(place)
        if flags & (FS_IMMUTABLE_FL | FS_APPEND_FL):
            word, letter = ("immutable", "i") if flags & FS_IMMUTABLE_FL else ("append-only", "a")
            raise ContainmentError(
                place, f"has the {word} flag", f"find out who set it, then clear it with chattr -{letter} {place}"
            )
    if not os.access(directory, os.W_OK):
        raise ContainmentError(
            before.path, f"{directory} is not writable for uid {os.geteuid()}", "run with become: true"
        )


def _flags_at(path):
    fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        return inode_flags(fd)
    finally:
        os.close(fd)


def inode_flags(fd):
    """Return the flags of chattr(1) that the inode of `fd` has; 0 where the file system knows none."""
    try:
        # The request's number says long, the kernel writes an int (ext4, xfs, btrfs alike).
        return struct.unpack_from("i", fcntl.ioctl(fd, FS_IOC_GETFLAGS, bytes(8)))[0]
    except OSError as error:
        if error.errno in (errno.ENOTTY, errno.ENOTSUP, errno.EINVAL, errno.ENOSYS):
            return 0
        raise


def rehearse(before, data, check):
    """Make the file that `replace` would put in place, call `check(path)` with it, and remove it again.

    Raises as `replace` does, and what `check` raises.
    """
    with _candidate(before, data, 0o644) as (_parent, _name, real, temporary):
        check(os.path.join(os.path.dirname(real), temporary))


def replace(before, data, mode=0o644):
    """Make the file `before.path` hold `data`, atomically; None removes it. Return the new `File`.

    Mode, owner and extended attributes are those of `before`, else `mode` and root's. The temporary file has a fixed
    name in the same directory, so that one left by a killed run is reused, never gathered; a lock on the directory
    (flock) keeps two of us from sharing it. Raises ContainmentError when the file is no longer the one that was read,
    and when the lock is not to be had for LOCK_SECONDS; OSError as the kernel says.
    """
    with _candidate(before, data, mode) as (parent, name, real, temporary):
        if data is not None:
            os.rename(temporary, name, src_dir_fd=parent, dst_dir_fd=parent)
        else:
            _unlink(name, parent)
        os.fsync(parent)
        return _read_at(parent, name, real)


@contextlib.contextmanager
def _candidate(before, data, mode):
    """Hold the directory's lock and the complete temporary file, which is gone at the end; none is made for None."""
    parent, name, real = open_parent(before.path, create=data is not None)
    temporary = f".{name}.containment"
    try:
        _lock(parent, os.path.dirname(real))
        try:
            if data is not None:
                _unlink(temporary, parent)
                _write_temporary(parent, temporary, data, before, mode)
            _refuse_changed(parent, name, before)
            yield parent, name, real, temporary
        finally:
            _unlink(temporary, parent)
    finally:
        os.close(parent)


def _lock(fd, directory):
    """Take the lock of a directory, which closing `fd` gives back."""
    deadline = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise ContainmentError(
                    directory,
                    f"was locked by another program for {LOCK_SECONDS} s",
                    "wait until it ends, then run again",
                ) from None
        time.sleep(0.05)


def _unlink(name, parent):
    try:
        os.unlink(name, dir_fd=parent)
    except FileNotFoundError:
        pass


def _write_temporary(parent, temporary, data, before, mode):
    fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600, dir_fd=parent)
    with os.fdopen(fd, "wb") as handle:
        handle.write(data)
        handle.flush()
        if before.data is not None:
            os.fchown(fd, before.uid, before.gid)
            for key, value in before.xattrs.items():
                try:
                    os.setxattr(fd, key, value)
                except OSError as error:
                    # FAT has none; under SELinux the kernel still lists the label that the whole mount has, and
                    # refuses to set it. What is made there has it by itself.
                    if error.errno != errno.ENOTSUP:
                        raise
        os.fchmod(fd, mode if before.data is None else before.mode)
        os.fsync(fd)


def _refuse_changed(parent, name, before):
    try:
        identity = _identity(os.stat(name, dir_fd=parent, follow_symlinks=False))
    except FileNotFoundError:
        identity = None
    if identity != before.identity:
        raise ContainmentError(before.path, "was changed by another program meanwhile", "run again")
