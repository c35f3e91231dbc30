# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The directories of a graph root that are somebody's data, volumes and containers' own layers: copied, moved, compared
and removed. All lie in directories that only root can enter."""

import contextlib
import ctypes
import os

from ansible_collections.containment.docker.plugins.module_utils import (
    _copy_inode,
    _copy_plan,
    _copy_worker,
    _mountinfo,
    _shift_map,
    _shift_plan,
    _shift_worker,
    _tree,
)
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

_MNT_DETACH = 2


def shifts(record, back=False):
    """Return {kind: Shift} from the old mapping to the new one; `back`: the other way."""
    found = {}
    for kind in _shift_map.KINDS:
        sides = [
            [tuple(extent) for extent in record[side][kind]] if record[side] else _shift_map.IDENTITY
            for side in (("to", "from") if back else ("from", "to"))
        ]
        found[kind] = _shift_map.Shift.between(*sides)
    return found


@contextlib.contextmanager
def _opened(source, target, shift):
    """Give the request of a copy for two directories, which are open while the block runs."""
    with contextlib.ExitStack() as opened:
        trees = []
        for path in (source, target):
            trees.append(_tree.open_tree(path))
            opened.callback(os.close, trees[-1].fd)
        tree, copied = trees
        yield {
            "name": _shift_plan.digest(shift, [os.fsencode(path) for path in (tree.path, copied.path)]),
            "trees": [{"fd": tree.fd, "path": tree.path}],
            "target": {"fd": copied.fd, "path": copied.path, "new": False},
            "shifts": {kind: one.as_lists() for kind, one in shift.items()},
            # What has them is behind a directory that only root can enter, there as here.
            "privileges": "keep",
            "shown": 20,
        }


def copy(source, target, shift, report, reread=0, still=False):
    """Make the directory `target`, which is there, the copy of `source`; return how many files were read again.

    shift: {kind: Shift}. reread: of how many files in a hundred the content is compared once they are copied. still:
    whether nobody writes there. Raises ContainmentError for what could not be copied, OSError.
    """
    with _opened(source, target, shift) as request:
        done = _copy_worker.run(dict(request, verify=0, reread=reread, still=still, write=True), report)
    told = done["copy"]
    if told["mounts"]["count"]:
        raise ContainmentError(source, f"{told['mounts']['first'][0]} is mounted in it and not copied", "unmount it")
    failures = _copy_plan.failures(source, told)
    if failures:
        raise ContainmentError(source, f"is not copied whole ({' '.join(failures)})", "mend that, then run again")
    return done["reread"]


def written_since(source, target, shift, report):
    """Return how many names of `source` differ from `target`, and the first of them.

    source, target, shift: as of the copy that `target` would be of `source`.
    """
    with _opened(source, target, shift) as request:
        told = _copy_worker.compare(request, report)
    return _copy_plan.changed(told), [path for path, _word in told["examples"]]


def move(source, target, shift, report):
    """Move the directory `source` to `target`, an empty directory, and shift what is in it; go on with that where an
    earlier one was killed. Raises ContainmentError, OSError."""
    if os.path.isdir(source):
        # rename(2) puts a directory in the place of an empty one, in one step.
        os.rename(source, target)
        _sync(os.path.dirname(target))
        _sync(os.path.dirname(source))
    tree = _tree.open_tree(target)
    try:
        request = {
            "name": _shift_plan.digest(shift, [True, False]),
            "trees": [{"fd": tree.fd, "path": tree.path}],
            "shifts": {kind: one.as_lists() for kind, one in shift.items()},
            "scratch": None,
            "marker": False,
            "xattrs": True,
            "cross": False,
            "unlock": True,
            "privileges": "keep",
            "write": True,
            "shown": 5,
        }
        (told,) = _shift_worker.run(request, report)
    finally:
        os.close(tree.fd)
    failures = _shift_plan.failures(told)
    if failures:
        raise ContainmentError(target, f"is not shifted whole ({' '.join(failures)})", "mend that, then run again")
    return told


def _sync(path):
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def detach(root):
    """Unmount what an engine that was killed left mounted at and below a graph root."""
    libc = ctypes.CDLL(None, use_errno=True)
    mounts = _tree.read_mounts()
    points = _mountinfo.within(mounts, root) + [one.point for one in mounts if one.point == root]
    for point in sorted(points, key=len, reverse=True):
        if libc.umount2(os.fsencode(point), _MNT_DETACH):
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), point)


def set_aside(root, aside):
    """Rename a graph root that nobody serves from any more, where that was not done yet."""
    if os.path.isdir(root):
        detach(root)
        os.rename(root, aside)
        _sync(os.path.dirname(root))


def remove(path):
    """Remove a directory and all that is in it, or what an earlier call left of it. Raises OSError."""
    if os.path.isdir(path):
        detach(path)
        above = os.open(os.path.dirname(path), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            # What containers made there may be deeper than Python's own functions go.
            _copy_inode.remove(os.path.basename(path), above, _ignore)
            os.fsync(above)
        finally:
            os.close(above)


def empty(path):
    """Remove all that is in a directory."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        for name in os.listdir(fd):
            _copy_inode.remove(name, fd, _ignore)
    finally:
        os.close(fd)


def _ignore(_info):
    """Of directories that go, nothing is noted."""
