# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The directories that volumes lie in: opened from the root down, so that nobody can lead us elsewhere, and refused
where they are the system's or a container's own."""

import collections
import errno
import os
import re
import select
import stat

from ansible_collections.containment.docker.plugins.module_utils import _mountinfo
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

# fd: of the directory, or O_PATH of the file. path: the real one. info: os.stat_result.
Tree = collections.namedtuple("Tree", "fd path info")
# pid: a process of the container. places: [(device, path within its file system)] of its root file system's parts.
Container = collections.namedtuple("Container", "pid places")

# Themselves and all that lies in them are the system's; of the others what lies in them may be anybody's.
_SYSTEM = ("bin", "boot", "dev", "etc", "lib", "lib32", "lib64", "libx32", "lost+found", "proc", "sbin", "sys", "usr")
_TOP = ("home", "media", "mnt", "opt", "root", "run", "srv", "tmp", "var")
_VAR = ("cache", "lib", "lock", "log", "mail", "opt", "run", "spool", "tmp")
_STATE = "/var/lib/containment"
# File systems that are the kernel's or the system's own, wherever they are mounted.
_KERNEL = {
    *("autofs", "binfmt_misc", "bpf", "cgroup", "cgroup2", "configfs", "debugfs", "devpts", "devtmpfs", "efivarfs"),
    *("fusectl", "hugetlbfs", "mqueue", "nsfs", "proc", "pstore", "rpc_pipefs", "securityfs", "selinuxfs", "sysfs"),
    "tracefs",
}
_LINKS = 40  # As many as the kernel follows (path_resolution(7)).


def refuse_system(path):
    """Raise ContainmentError for a real path that is the root, a directory of the system, or holds one."""
    parts = path.strip("/").split("/")
    if (
        path == "/"
        or parts[0] in _SYSTEM
        or (len(parts) == 1 and parts[0] in _TOP)
        or (len(parts) == 2 and parts[0] == "var" and parts[1] in _VAR)
        or _meet(path, _STATE)
    ):
        raise ContainmentError(path, "belongs to the system", "name the directory that the containers use")


def refuse_seen(path, mounts):
    """Raise ContainmentError where a path, whatever its name, leads to what is the system's.

    mounts: [Mount]. A bind mount of /usr is /usr, and one of / holds it.
    """
    refuse_system(path)
    mount, own = _mountinfo.holding(mounts, path), _mountinfo.place(mounts, path)
    found = [mount.kind] if mount.kind in _KERNEL else []
    whole = ["/" + name for name in _SYSTEM] + [_STATE]
    for name in whole + ["/" + name for name in _TOP] + ["/var/" + name for name in _VAR]:
        device, below = _mountinfo.place(mounts, name)
        # Of some, what lies in them may be anybody's.
        if device == own[0] and (_meet(own[1], below) if name in whole else _holds(own[1], below)):
            found.append(name)
    if found:
        raise ContainmentError(path, f"leads to {found[0]}, which is the system's", "unmount it there")


def refuse_containers(path, own, containers):
    """Raise ContainmentError where a tree meets the root file system of a running container.

    own: (device, path within its file system) of the tree. containers: [Container].
    """
    for container in containers:
        for device, below in container.places:
            if device == own[0] and _meet(own[1], below):
                raise ContainmentError(
                    path,
                    f"holds the root file system of a running container (process {container.pid})",
                    "stop the container, or name its volumes alone",
                )


def refuse_nested(paths, mounts=None):
    """Raise ContainmentError where one of several trees lies in another.

    mounts: [Mount], by which that is seen whatever their names are; None where one may be mounted at another already.
    """
    places = [(path, None) if mounts is None else _mountinfo.place(mounts, path)[::-1] for path in paths]
    for number, path in enumerate(paths):
        for other, place in zip(paths[:number], places):
            inside, device = places[number]
            if _meet(path, other) or (device == place[1] and _meet(inside, place[0])):
                raise ContainmentError(
                    "paths", f"{path} and {other} are the same or lie in one another", "name one alone"
                )


def refuse_read_only(tree):
    """Raise ContainmentError for a tree on a file system that is mounted read-only."""
    if os.statvfs("/proc/self/fd/%d" % tree.fd).f_flag & os.ST_RDONLY:
        raise ContainmentError(tree.path, "lies on a file system that is mounted read-only", "remount it read-write")


def _meet(one, another):
    """Whether two paths are the same, or one lies below the other."""
    return _holds(one, another) or _holds(another, one)


def _holds(upper, lower):
    return (lower.rstrip("/") + "/").startswith(upper.rstrip("/") + "/")


def layers(mounts):
    """Return the paths, in the mounter's namespace, of the layers of the overlay that is the root of `mounts`."""
    root = _mountinfo.holding(mounts, "/")
    if root is None or root.kind != "overlay":
        return []
    found = [root.options[name] for name in ("upperdir", "workdir") if root.options.get(name)]
    return found + [part for part in re.split(r"(?<!\\):", root.options.get("lowerdir") or "") if part]


def open_tree(path):
    """Return the Tree at `path`, which the caller closes.

    Each component is opened O_NOFOLLOW from the root down. A symbolic link is followed where nobody but root and the
    caller could have made or changed it or anything above it. Raises ContainmentError for a path that is not absolute
    or comes to a link of others; OSError as the kernel says.
    """
    try:
        absolute = path.startswith("/") and b"\0" not in os.fsencode(path)
    except UnicodeEncodeError:
        absolute = False
    if not absolute:
        raise ContainmentError(repr(path), "is no absolute path", "give the path from the root")
    trusted_ids = {0, os.geteuid()}
    # (fd, name, whether others can change what lies in it or above)
    way = [(os.open("/", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC), "", True)]
    try:
        todo, links = path.split("/")[::-1], 0
        while todo:
            part = todo.pop()
            if part in ("", "."):
                continue
            if part == "..":
                if len(way) > 1:
                    os.close(way.pop()[0])
                continue
            above, _name, safe = way[-1]
            try:
                fd = os.open(part, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=above)
            except OSError as error:
                error.filename = path
                raise
            info = os.fstat(fd)
            if stat.S_ISLNK(info.st_mode):
                target = os.readlink("", dir_fd=fd)
                os.close(fd)
                here = "/".join([name for _fd, name, _safe in way] + [part])
                links += 1
                if not safe or info.st_uid not in trusted_ids:
                    raise ContainmentError(
                        here, f"is a symbolic link to {target} that others can change", "give the real path"
                    )
                if links > _LINKS:
                    raise ContainmentError(path, "has too many symbolic links", "give the real path")
                if target.startswith("/"):
                    while len(way) > 1:
                        os.close(way.pop()[0])
                todo += target.split("/")[::-1]
                continue
            shared = info.st_mode & 0o022 and not info.st_mode & stat.S_ISVTX
            way.append((fd, part, safe and info.st_uid in trusted_ids and not shared))
            if todo and not stat.S_ISDIR(info.st_mode):
                raise NotADirectoryError(20, os.strerror(20), "/".join(name for _fd, name, _safe in way))
        real = "/".join(name for _fd, name, _safe in way) or "/"
        last = way[-1][0]
        info = os.fstat(last)
        if stat.S_ISDIR(info.st_mode):
            fd = open_directory(".", last)
        else:
            fd = os.dup(last)
        return Tree(fd, real, info)
    finally:
        for fd, _name, _safe in way:
            os.close(fd)


def open_directory(name, above):
    """Open the directory `name` of the directory fd `above`, no link, without a new access time. Return the fd."""
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        return os.open(name, flags | os.O_NOATIME, dir_fd=above)
    except PermissionError:  # Owned by an id that our user namespace does not know.
        return os.open(name, flags, dir_fd=above)


class MountWatch:
    """Tells whether anything was mounted or unmounted in our namespace since it was asked last (proc_pid_mounts(5))."""

    def __init__(self):
        self._fd = os.open("/proc/self/mountinfo", os.O_RDONLY | os.O_CLOEXEC)
        self._poll = select.poll()
        self._poll.register(self._fd, select.POLLPRI)

    def changed(self):
        return bool(self._poll.poll(0))

    def close(self):
        os.close(self._fd)


def mount_number(fd):
    """Return the number of the mount that a descriptor lies on, None where the kernel does not tell (before 3.15)."""
    with open("/proc/self/fdinfo/%d" % fd) as handle:
        return next((line.split()[1] for line in handle if line.startswith("mnt_id:")), None)


def read_mounts(process="self", proc="/proc"):
    """Return the [Mount] of a process's mount namespace."""
    with open(f"{proc}/{process}/mountinfo", "rb") as handle:
        return _mountinfo.parse(handle.read())


def read_containers(mounts, proc="/proc"):
    """Return the [Container] of mount namespaces other than ours whose root is not ours.

    mounts: [Mount] of our namespace, by which the layers of an overlay are found. A process that ends meanwhile, or
    whose namespace we may not see, is left out.
    """
    found, seen = [], {os.readlink(f"{proc}/self/ns/mnt")}
    ours = _mountinfo.place(mounts, "/")
    for pid in sorted((int(name) for name in os.listdir(proc) if re.match(r"[0-9]+\Z", name))):
        try:
            namespace = os.readlink(f"{proc}/{pid}/ns/mnt")
            if namespace in seen:
                continue
            seen.add(namespace)
            theirs = read_mounts(pid, proc)
        except OSError as error:
            if error.errno not in (errno.ENOENT, errno.ESRCH, errno.EINVAL, errno.EACCES, errno.EPERM):
                raise
            continue
        root = _mountinfo.holding(theirs, "/")
        if root is None:
            continue
        if (root.device, root.root) == ours:
            continue
        # The engine names many layers relative to its directory; where it put them together tells that directory, too.
        parts = [os.path.realpath(layer) for layer in layers(theirs) if layer.startswith("/")]
        parts += [
            os.path.dirname(mount.point) for mount in mounts if root.kind == "overlay" and mount.device == root.device
        ]
        places = [_mountinfo.place(mounts, part) for part in parts]
        found.append(Container(pid, [(root.device, root.root)] + places))
    return found
