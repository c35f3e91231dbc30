# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Idmapped mounts on this host: what is there, whether the kernel can, and the units and scripts that make them."""

import errno
import json
import os
import platform
import stat

from ansible_collections.containment.docker.plugins.module_utils import (
    _files,
    _host_manager,
    _idmap_mount,
    _idmap_plan,
)
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError, UnmappableError

_RUNLEVELS = "/etc/rc2.d"


def program():
    """Return the bytes of the program that makes mounts at boot: the text of _idmap_mount."""
    return _idmap_mount.__loader__.get_source(_idmap_mount.__name__).encode("utf-8")


def descriptions():
    """Return the set of the paths of the descriptions on this host."""
    try:
        names = os.listdir(_idmap_plan.DESCRIPTIONS)
    except FileNotFoundError:
        return set()
    return {f"{_idmap_plan.DESCRIPTIONS}/{name}" for name in names if name.endswith(".json")}


def is_ours(mounts, path, place, description):
    """Whether the mount at `path` is there as its description says.

    The description is written while nothing is mounted, so that a mount that is there is the described one. place: of
    the directory, None for any. Raises ContainmentError for an idmapped mount that nothing describes.
    """
    mount = _idmap_plan.mounted(mounts, path)
    if mount is None or "idmapped" not in mount.flags:
        return False
    if description is None:
        raise ContainmentError(
            path, "has a mount with mapped ids that this module did not make", "unmount it, or name another path"
        )
    return place is None or (mount.device, mount.root) == place


def refuse_content(path):
    """Raise ContainmentError where a mount at `path` would hide something."""
    try:
        info = os.lstat(path)
    except FileNotFoundError:
        return
    if not stat.S_ISDIR(info.st_mode):
        raise ContainmentError("path", f"{path} is no directory", "name one, or nothing")
    if os.path.ismount(path):
        raise ContainmentError("path", f"something else is mounted at {path}", "name another path")
    if os.listdir(path):
        raise ContainmentError("path", f"{path} has content that the mount would hide", "name an empty directory")


def try_out(fd, path, mapping):
    """Make the mount where nobody sees it, and end it. fd: of the directory.

    Raises ContainmentError where kernel or file system cannot.
    """
    try:
        os.close(_idmap_mount.idmapped(fd, mapping["uid"], mapping["gid"]))
    except OSError as error:
        cause = f"cannot be mounted with mapped ids ({error.strerror})"
        if error.errno not in (errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP):
            raise ContainmentError(path, cause, "mend the cause and run again") from error
        if error.errno == errno.ENOSYS:
            cause = f"cannot be mounted with mapped ids by Linux {platform.release()}, which is before 5.12"
        else:
            cause = f"lies on a file system that Linux {platform.release()} cannot mount with mapped ids"
        raise UnmappableError(path, cause, "shift it with volume_chown") from error


def is_closed(path, device):
    """Whether only root comes to a directory by `path`: above it is one of root's that nobody else may enter.

    device: st_dev of the directory. Where the path leads to another one, because something else is mounted on it,
    nobody comes to the directory by it.
    """
    try:
        if os.stat(path).st_dev != device:
            return True
    except (FileNotFoundError, NotADirectoryError):
        return True
    while path != "/":
        path = os.path.dirname(path)
        above = os.stat(path)
        # With an ACL, the group's bits are the mask of whoever it names.
        if above.st_uid == 0 and not above.st_mode & (stat.S_IXOTH | stat.S_IXGRP):
            return True
    return False


def make_mount_point(path):
    """Make the directory where it is missing, root's alone."""
    try:
        os.mkdir(path, 0o700)
    except FileExistsError:
        pass


def remove_mount_point(path, description):
    """Remove what make_mount_point made: an empty directory of root's alone."""
    if description is None or json.loads(description.decode("ascii"))["source"] == path:
        return
    try:
        info = os.lstat(path)
        if stat.S_ISDIR(info.st_mode) and (info.st_uid, stat.S_IMODE(info.st_mode)) == (0, 0o700):
            os.rmdir(path)
    except OSError as error:
        if error.errno not in (errno.ENOENT, errno.ENOTEMPTY):
            raise


def put_back(before):
    """Give the files ({path: File}) their content from before a run that failed."""
    for path, file in before.items():
        now = _files.read(path)
        if now.data != file.data:
            _files.replace(now, file.data)


def is_enabled(path, units):
    """Whether the mount will be made at boot. units: those that want it."""
    if _host_manager.has_systemd():
        name = _idmap_plan.unit(path)
        return all(os.path.lexists(f"/etc/systemd/system/{unit}.wants/{name}") for unit in units)
    name = os.path.basename(_idmap_plan.SCRIPT)
    return not os.path.isdir(_RUNLEVELS) or any(one.endswith(name) for one in os.listdir(_RUNLEVELS))


def enable(path):
    """See to it that the mount is made at boot."""
    if _host_manager.has_systemd():
        _host_manager.run(["systemctl", "daemon-reload"])
        # Links of a time with other units would stay.
        _host_manager.run(["systemctl", "reenable", _idmap_plan.unit(path)])
        return
    _host_manager.register(os.path.basename(_idmap_plan.SCRIPT))


def disable(path, last):
    """Take that back. last: whether no other mount needs the init script."""
    if _host_manager.has_systemd():
        if os.path.exists(_idmap_plan.unit_path(path)):
            _host_manager.run(["systemctl", "disable", _idmap_plan.unit(path)])
    elif last:
        _host_manager.unregister(os.path.basename(_idmap_plan.SCRIPT))


def start(path):
    """Make the mount, as it will be made at boot."""
    if _host_manager.has_systemd():
        _host_manager.run(["systemctl", "reset-failed", _idmap_plan.unit(path)], check=False)
        _host_manager.run(["systemctl", "start", _idmap_plan.unit(path)])
    else:
        with open(_idmap_plan.description_path(path), "rb") as handle:
            _idmap_mount.mount(json.loads(handle.read().decode("ascii")))


def stop(path):
    """End the mount, where it is there."""
    if _host_manager.has_systemd() and os.path.exists(_idmap_plan.unit_path(path)):
        _host_manager.run(["systemctl", "stop", _idmap_plan.unit(path)])
    _idmap_mount.unmount(path)
