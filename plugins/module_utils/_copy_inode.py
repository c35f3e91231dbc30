# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One inode and its copy: content, kind, attributes. Decides nothing; names are entries of directory descriptors."""

import errno
import fcntl
import os
import stat
import sys

from ansible_collections.containment.docker.plugins.module_utils import _shift_attrs as attrs
from ansible_collections.containment.docker.plugins.module_utils import _shift_inode

FICLONE = 0x40049409  # include/uapi/linux/fs.h
# A label is the host's policy's to give; the others are our own notes.
_OURS = {"security.selinux", attrs.STASH, "trusted.containment.shift"}
_PIECE = 1024 * 1024


def scan(fd):
    """Return os.scandir() of a descriptor's directory. Python 3.6 takes a path alone."""
    return os.scandir(fd if sys.version_info >= (3, 7) else _shift_inode.place_of(fd))


def clone(source, target):
    """Have the file `target` share the blocks of `source`, two descriptors; return whether their file system can."""
    try:
        fcntl.ioctl(target, FICLONE, source)
    except OSError as error:
        if error.errno in (errno.EOPNOTSUPP, errno.ENOTTY, errno.EXDEV, errno.EINVAL, errno.EPERM, errno.ETXTBSY):
            return False
        raise
    return True


def fill(source, target, info, tick):
    """Write the content of a file into an empty one, holes left out; return how many bytes.

    info: os.stat_result of the source, which may grow or shrink meanwhile: what lies behind its size then is left to
    the next pass. tick: called now and then with the bytes written.
    """
    size, written, end = info.st_size, 0, 0
    holes = info.st_blocks * 512 < size
    while end < size:
        first, end = _data(source, end, size) if holes else (end, size)
        if holes:
            os.lseek(target, first, os.SEEK_SET)
        while first < end:
            count = os.sendfile(target, source, first, min(end - first, 16 * _PIECE))
            if not count:
                return written
            first += count
            written += count
            tick(written)
    if holes:
        os.ftruncate(target, size)
    return written


def _data(source, start, size):
    """Return (first, end) of the next row of bytes of a file that are no hole, (size, size) where there are none."""
    try:
        first = os.lseek(source, start, os.SEEK_DATA)
        return min(first, size), min(os.lseek(source, first, os.SEEK_HOLE), size)
    except OSError as error:
        if error.errno == errno.ENXIO:
            return size, size
        raise


def same_content(one, other, tick):
    """Whether two files, given as descriptors, hold the same bytes."""
    size, offset = os.fstat(one).st_size, 0
    if os.fstat(other).st_size != size:
        return False
    while offset < size:
        rows = [_data(fd, offset, size) for fd in (one, other)]
        offset = min(rows)[0]
        end = max(row[1] for row in rows if row[0] == offset)
        while offset < end:
            length = min(_PIECE, end - offset)
            if os.pread(one, length, offset) != os.pread(other, length, offset):
                return False
            offset += length
            tick()
    return True


def xattrs(place, follow=True):
    """Return {name: bytes} of the attributes that go over to a copy. place: a descriptor, or a path for links."""
    options = {} if follow else {"follow_symlinks": False}
    try:
        names = os.listxattr(place, **options)
        return {name: os.getxattr(place, name, **options) for name in names if name not in _OURS} if names else {}
    except OSError as error:
        if error.errno == errno.ENOTSUP:
            return {}
        raise


def dress(place, carried, info):
    """Give a copy what it carries, its times last. place: a descriptor or a path that leads to no link.

    info: the os.stat_result whose times it gets.
    """
    os.chown(place, carried.uid, carried.gid)
    os.chmod(place, carried.mode)
    old = xattrs(place)
    for name in set(old) - set(carried.xattrs):
        os.removexattr(place, name)
    for name, data in carried.xattrs.items():
        if old.get(name) != data:
            os.setxattr(place, name, data)
    os.utime(place, ns=(info.st_atime_ns, info.st_mtime_ns))


def dress_link(name, parent, carried, info):
    """Give a symbolic link what it carries."""
    os.chown(name, carried.uid, carried.gid, dir_fd=parent, follow_symlinks=False)
    place = f"{_shift_inode.place_of(parent)}/{name}"
    for xattr, data in carried.xattrs.items():
        os.setxattr(place, xattr, data, follow_symlinks=False)
    os.utime(name, ns=(info.st_atime_ns, info.st_mtime_ns), dir_fd=parent, follow_symlinks=False)


def make_node(name, parent, info):
    """Make a fifo, a socket or a device like that of `info`."""
    os.mknod(name, stat.S_IFMT(info.st_mode) | 0o600, info.st_rdev, dir_fd=parent)


def remove(name, parent, gone):
    """Remove an entry of the directory `parent` and all in it; return how many names there were.

    gone: called with the os.stat_result of each directory before it is removed; None to count alone. What is mounted
    in it makes it fail. Raises OSError.
    """
    if not stat.S_ISDIR(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode):
        if gone is not None:
            os.unlink(name, dir_fd=parent)
        return 1
    count, way = 0, [_Doomed(name, parent)]
    try:
        while way:
            level = way[-1]
            if gone is not None:
                for one in level.files:
                    os.unlink(one, dir_fd=level.fd)
            count += len(level.files)
            level.files = []
            if level.directories:
                way.append(_Doomed(level.directories.pop(), level.fd))
                continue
            if gone is not None:
                gone(os.fstat(level.fd))
                os.rmdir(level.name, dir_fd=way[-2].fd if len(way) > 1 else parent)
            os.close(way.pop().fd)
            count += 1
    finally:
        for level in way:
            os.close(level.fd)
    return count


class _Doomed:
    """A directory that is about to be removed: its descriptor and what lies in it."""

    def __init__(self, name, parent):
        self.name = name
        self.fd = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=parent)
        self.directories, self.files = [], []
        with scan(self.fd) as entries:
            for entry in entries:
                (self.directories if entry.is_dir(follow_symlinks=False) else self.files).append(entry.name)
