# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading and writing the running kernel's parameters, and reading the files that set them. Nothing here decides what a
value should be."""

import contextlib
import errno
import os
import stat

from ansible_collections.containment.docker.plugins.module_utils import _files, _kernel_sysctl
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

MENDS = {
    errno.EINVAL: "give a value that it takes",
    errno.ERANGE: "give a value that it takes",
    errno.EROFS: "run on the host itself, not in a container",
    errno.EACCES: "run with become: true on the host itself",
    errno.EPERM: "run with become: true on the host itself",
}


def read(name):
    """Return the value of a parameter, None where the kernel has none of that name."""
    path = _kernel_sysctl.path_of(name)
    try:
        info = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    if stat.S_ISDIR(info.st_mode):
        raise ContainmentError(name, "is a group of kernel parameters", "name one of them")
    if not stat.S_ISREG(info.st_mode) or info.st_dev != os.stat(_kernel_sysctl.ROOT).st_dev:
        raise ContainmentError(name, f"{path} is no kernel parameter: something is mounted there", "leave it alone")
    try:
        with open(path, "rb") as handle:
            value = handle.read().decode("utf-8", "surrogateescape")
    except OSError as error:
        raise ContainmentError(
            name, f"its value cannot be read ({error.strerror}), so that it could not be put back", "leave it alone"
        ) from error
    value = value[:-1] if value.endswith("\n") else value
    _kernel_sysctl.check_running(name, value)
    return value


def refuse_read_only(name):
    """Raise ContainmentError where the running value cannot be written. Changes nothing."""
    path = _kernel_sysctl.path_of(name)
    if os.statvfs(path).f_flag & os.ST_RDONLY:
        raise ContainmentError(name, f"{path} lies on a file system mounted read-only", MENDS[errno.EROFS])
    if not os.access(path, os.W_OK):
        raise ContainmentError(
            name, f"{path} is not writable for uid {os.geteuid()}", "run with become: true, or take the name out"
        )


def write(name, value):
    try:
        fd = os.open(_kernel_sysctl.path_of(name), os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            # In one call: the kernel takes what comes with it for the whole value.
            os.write(fd, value.encode("utf-8", "surrogateescape") + b"\n")
        finally:
            os.close(fd)
    except OSError as error:
        raise ContainmentError(
            name,
            f"the kernel refuses {value!r} ({error.strerror})",
            MENDS.get(error.errno, "see what the kernel's log says"),
        ) from error


def read_others():
    """Return [(path, path with links resolved, bytes)] of what systemd-sysctl and `sysctl --system` may read."""
    paths = []
    for directory in _kernel_sysctl.DIRECTORIES:
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            paths += [os.path.join(directory, name) for name in os.listdir(directory) if name.endswith(".conf")]
    return [(path, os.path.realpath(path), read_plain(path)) for path in paths + [_kernel_sysctl.LAST]]


def read_plain(path):
    """Return what a file holds; nothing for one that is no regular file, such as a link to /dev/null."""
    try:
        # O_NONBLOCK: a fifo must not hang us.
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return b""
    try:
        info = os.fstat(fd)
        return os.read(fd, min(info.st_size, _files.MAX_BYTES)) if stat.S_ISREG(info.st_mode) else b""
    finally:
        os.close(fd)
