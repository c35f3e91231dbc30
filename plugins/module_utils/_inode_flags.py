# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The flags of chattr(1): those that forbid every change of an inode are read, and cleared for the moment of one."""

import fcntl
import json
import os
import stat
import struct

from ansible_collections.containment.docker.plugins.module_utils import _files, _tree
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

JOURNAL = "/var/lib/containment/cleared_flags.json"
_SETFLAGS = 0x40086602 if struct.calcsize("l") == 8 else 0x40046602
_LOCKED = _files.FS_IMMUTABLE_FL | _files.FS_APPEND_FL
_NOFOLLOW, _HERE = 0x100, -100  # AT_SYMLINK_NOFOLLOW, AT_FDCWD


class _Statx:
    """statx(2) of an entry of the working directory, for its attributes alone; None where there is no such call."""

    def __init__(self):
        import ctypes  # Two megabytes, for check mode alone.

        # The first fields of struct statx: mask and block size, then the attributes, whose bits are those of chattr.
        self._buffer = (ctypes.c_uint64 * 32)()
        self._call = getattr(ctypes.CDLL(None, use_errno=True), "statx", None)

    def __call__(self, name):
        if self._call is None or self._call(_HERE, os.fsencode(name), _NOFOLLOW, 0, self._buffer):
            return None
        return self._buffer[1]


_statx = None


def locked(name):
    """Whether an entry of the working directory, no link, is immutable or append-only. Raises OSError."""
    global _statx
    if _statx is None:
        _statx = _Statx()
    found = _statx(name)
    if found is None:  # Before Linux 4.11 and glibc 2.28, or gone.
        fd = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            return locked_inode(fd)
        finally:
            os.close(fd)
    return bool(found & _LOCKED)


def locked_inode(fd):
    """Whether the inode of a descriptor, O_PATH or not, is immutable or append-only."""
    return bool(_read(fd) & _LOCKED)


def _read(fd):
    if not _has_flags(fd):
        return 0
    opened = _reopened(fd)
    try:
        return _files.inode_flags(opened)
    finally:
        os.close(opened)


def _has_flags(fd):
    """Whether it is something that can be opened for the question: devices and pipes do things when they are."""
    mode = os.fstat(fd).st_mode
    return stat.S_ISREG(mode) or stat.S_ISDIR(mode)


def _reopened(fd):
    return os.open("/proc/self/fd/%d" % fd, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)


def unlocked(fd, path, act):
    """Clear the flags of an inode, call act(), set them again.

    The journal, on disk before the flags are cleared, is what restore() needs after a kill. path: where the inode is.
    """
    flags, info = _read(fd), os.fstat(fd)
    entry = {"path": path, "device": info.st_dev, "inode": info.st_ino, "flags": flags}
    kept = _files.replace(_files.read(JOURNAL), json.dumps(entry).encode("ascii"), mode=0o600)
    opened = _reopened(fd)
    try:
        _write(opened, flags & ~_LOCKED)
        try:
            act()
        finally:
            _write(opened, flags)
            _files.replace(kept, None)
    finally:
        os.close(opened)


def _write(fd, flags):
    fcntl.ioctl(fd, _SETFLAGS, struct.pack("i", flags) + bytes(4))


def restore():
    """Set the flags again that a killed run had cleared. Raises ContainmentError where the inode is not there."""
    journal = _files.read(JOURNAL)
    if journal.data is None:
        return
    entry = json.loads(journal.data.decode("ascii"))
    try:
        tree = _tree.open_tree(entry["path"])
    except (ContainmentError, FileNotFoundError, NotADirectoryError):
        tree = None
    try:
        if tree is None or (tree.info.st_dev, tree.info.st_ino) != (entry["device"], entry["inode"]):
            raise ContainmentError(
                JOURNAL,
                f"a run that was killed had cleared the flags {entry['flags']:#x} of {entry['path']!r}, inode "
                f"{entry['inode']}, which is not there any more",
                "set them with chattr where it is now, then remove this file",
            )
        opened = _reopened(tree.fd)
        try:
            _write(opened, entry["flags"])
        finally:
            os.close(opened)
    finally:
        if tree is not None:
            os.close(tree.fd)
    _files.replace(journal, None)
