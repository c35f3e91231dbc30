# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One inode with all that it carries: what is read of it, and the order in which it is given new owners, so that a kill
at any point loses nothing. By a place, a path that leads to the very inode that was looked at.
"""

import errno
import os
import stat

from ansible_collections.containment.docker.plugins.module_utils import _shift_attrs as attrs


def apply(place, stash, extras, moved):
    """Make an inode what its `extras` say.

    stash: attrs.Stash that an interrupted run left at it, None for none. extras: attrs.Extras. moved: whether its
    owners change. Raises OSError; ValueError where somebody wrote to it meanwhile, so that its bits are gone.
    """
    if stash is not None:
        os.chown(place, stash.uid, stash.gid)
        if not extras.dropped:
            _give_back(place, stash)
    kept = None
    if extras.lost:
        info = os.stat(place)
        kept = attrs.Stash(
            gains=extras.gains,
            uid=extras.uid,
            gid=extras.gid,
            mode=extras.mode,
            mtime_ns=info.st_mtime_ns,
            size=info.st_size,
            capability=extras.capability,
        )
        os.setxattr(place, attrs.STASH, attrs.pack(kept))
    # Before the owner, by which the next run tells what is done. A run the other way finds them by the root's mark.
    for name, data in extras.acls.items():
        os.setxattr(place, name, data)
    if kept is not None:
        os.chown(place, extras.uid, extras.gid)
        _give_back(place, kept)
    elif moved:
        os.chown(place, extras.uid, extras.gid)
    elif extras.capability:
        os.setxattr(place, attrs.CAPABILITY, extras.capability)
    elif extras.capability is not None and getxattr(place, attrs.CAPABILITY) is not None:
        os.removexattr(place, attrs.CAPABILITY)
    if extras.dropped and kept is None:
        # chown leaves S_ISGID where the group may not execute.
        os.chmod(place, extras.mode)
        if stash is not None:
            os.removexattr(place, attrs.STASH)


def _give_back(place, stash):
    """Give an inode the bits and capabilities that chown took, unless somebody wrote to it meanwhile."""
    info = os.stat(place)
    same = (info.st_mtime_ns, info.st_size) == (stash.mtime_ns, stash.size)
    if same:
        if stat.S_IMODE(info.st_mode) != stash.mode:
            os.chmod(place, stash.mode)
        if stash.capability:
            os.setxattr(place, attrs.CAPABILITY, stash.capability)
    os.removexattr(place, attrs.STASH)
    if not same:
        raise ValueError("somebody wrote to it meanwhile, its setuid and setgid bits and capabilities are gone")


def place_of(fd):
    """Return the path that leads to the very inode of a descriptor."""
    return "/proc/self/fd/%d" % fd


def listxattr(place):
    """Return the names of its extended attributes, none where its file system has no such thing. Raises OSError."""
    try:
        return os.listxattr(place)
    except OSError as error:
        if error.errno == errno.ENOTSUP:
            return []
        raise


def has_xattrs(place, name="user.containment"):
    """Whether the file system has extended attributes such as `name`; vfat has none, ramfs and NFS no trusted ones."""
    try:
        os.getxattr(place, name)
    except OSError as error:
        return error.errno != errno.ENOTSUP
    return True


def getxattr(place, name):
    """Return an extended attribute, None where there is none. Raises OSError."""
    try:
        return os.getxattr(place, name)
    except OSError as error:
        if error.errno in (errno.ENODATA, errno.ENOTSUP):
            return None
        raise
