# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes and ends an idmapped bind mount. It needs nothing but this file: at every boot a copy of it does so.

A description is {"source", "path": real paths of directories; "uid", "gid": [[id on the disk, id through the mount,
count]]}. As a program: `mount FILE` or `unmount FILE`, of a description in JSON.
"""

import ctypes
import errno
import json
import os
import re
import signal
import sys

# The same numbers on all architectures (Linux 5.2, 5.2 and 5.12).
OPEN_TREE, MOVE_MOUNT, MOUNT_SETATTR = 428, 429, 442
CLONE_NEWUSER = 0x10000000
AT_EMPTY_PATH, OPEN_TREE_CLONE, OPEN_TREE_CLOEXEC = 0x1000, 1, os.O_CLOEXEC
MOVE_MOUNT_EMPTY_PATHS = 0x4 | 0x40  # MOVE_MOUNT_F_EMPTY_PATH, MOVE_MOUNT_T_EMPTY_PATH
MOUNT_ATTR_NOSUID, MOUNT_ATTR_NODEV, MOUNT_ATTR_IDMAP = 0x2, 0x4, 0x100000
MNT_DETACH, UMOUNT_NOFOLLOW = 2, 8

_libc = ctypes.CDLL(None, use_errno=True)


class _Attributes(ctypes.Structure):
    """struct mount_attr."""

    _fields_ = [("set", ctypes.c_uint64), ("clear", ctypes.c_uint64), ("propagation", ctypes.c_uint64)]
    _fields_ += [("userns_fd", ctypes.c_uint64)]


def _call(name, number, *arguments):
    answer = _libc.syscall(ctypes.c_long(number), *arguments)
    if answer < 0:
        code = ctypes.get_errno()
        raise OSError(code, "%s: %s" % (name, os.strerror(code)))
    return answer


def open_directory(path):
    """Return a descriptor (O_PATH) of a directory; none of the names in its path may be a link."""
    flags = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    fd = os.open("/", flags)
    for part in path.split("/"):
        if part:
            below = os.open(part, flags, dir_fd=fd)
            os.close(fd)
            fd = below
    return fd


def user_namespace(uids, gids):
    """Return a descriptor of a new user namespace with these maps ([[inside, outside, count]]).

    A child holds it until it is opened. Raises OSError: EPERM or ENOSPC where the kernel lets nobody make one, EINVAL
    for maps that it does not take.
    """
    ready, done = os.pipe(), os.pipe()
    child = os.fork()
    if child == 0:
        try:
            if _libc.unshare(CLONE_NEWUSER) == 0:
                os.write(ready[1], b"0")
            else:
                os.write(ready[1], b"%d" % ctypes.get_errno())
            os.close(done[1])
            os.read(done[0], 1)
        finally:
            os._exit(0)
    try:
        os.close(ready[1])
        code = int(os.read(ready[0], 8) or errno.EIO)
        if code:
            raise OSError(code, "unshare: " + os.strerror(code))
        for name, extents in (("uid_map", uids), ("gid_map", gids)):
            data = "".join("%d %d %d\n" % tuple(extent) for extent in extents).encode("ascii")
            fd = os.open("/proc/%d/%s" % (child, name), os.O_WRONLY)
            try:
                os.write(fd, data)
            finally:
                os.close(fd)
        return os.open("/proc/%d/ns/user" % child, os.O_RDONLY | os.O_CLOEXEC)
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        for fd in (ready[0], done[0], done[1]):
            os.close(fd)


def idmapped(source, uids, gids):
    """Return a descriptor of a mount, seen nowhere yet, of the directory `source` (a descriptor) with mapped ids.

    Setuid bits and devices have no effect in it. Raises OSError: ENOSYS before Linux 5.12, EINVAL where the file system
    cannot be mapped.
    """
    tree = _call(
        "open_tree", OPEN_TREE, source, b"", ctypes.c_uint(OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH)
    )
    try:
        namespace = user_namespace(uids, gids)
        try:
            attributes = _Attributes(MOUNT_ATTR_IDMAP | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, 0, 0, namespace)
            size = ctypes.c_size_t(ctypes.sizeof(attributes))
            pointer = ctypes.byref(attributes)
            _call("mount_setattr", MOUNT_SETATTR, tree, b"", ctypes.c_uint(AT_EMPTY_PATH), pointer, size)
        finally:
            os.close(namespace)
    except BaseException:
        os.close(tree)
        raise
    return tree


def is_mapped(path):
    """Whether the mount on top at a real path is one with mapped ids."""
    flags = []
    with open("/proc/self/mountinfo", "rb") as handle:
        for line in handle:
            words = line.split(b" ")
            point = re.sub(rb"\\([0-7]{3})", lambda match: bytes([int(match.group(1), 8)]), words[4])
            if point == os.fsencode(path):
                flags = words[5].split(b",")
    return b"idmapped" in flags


def mount(description):
    """Make the mount, unless it is there. Raises OSError."""
    if is_mapped(description["path"]):
        return
    source = open_directory(description["source"])
    try:
        tree = idmapped(source, description["uid"], description["gid"])
        try:
            target = open_directory(description["path"])
            try:
                _call("move_mount", MOVE_MOUNT, tree, b"", target, b"", ctypes.c_uint(MOVE_MOUNT_EMPTY_PATHS))
            finally:
                os.close(target)
        finally:
            os.close(tree)
    finally:
        os.close(source)


def unmount(path):
    """End the mount at `path`, never another one; containers that use it keep it. Raises OSError."""
    if is_mapped(path) and _libc.umount2(os.fsencode(path), MNT_DETACH | UMOUNT_NOFOLLOW):
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), path)


def main(act, file):
    with open(file) as handle:
        description = json.load(handle)
    if act == "mount":
        mount(description)
    else:
        unmount(description["path"])


if __name__ == "__main__":
    main(*sys.argv[1:])
