# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One pass of a copy, from what earlier ones remember to what is told of it. Runs in a process of its own, without
Ansible: it works on while the module that started it comes and goes.
"""

import ctypes
import os
import time

from ansible_collections.containment.docker.plugins.module_utils import (
    _copy_log,
    _copy_plan,
    _copy_walk,
    _files,
    _job_worker,
    _mountinfo,
    _shift_walk,
    _shift_worker,
    _tree,
)
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

FOLDER = "/var/lib/containment/copies"
_BOOTTIME = 7  # CLOCK_BOOTTIME, which Python has from 3.7 on


def run(request, report):
    """Make one pass over a request's tree and return {"copy": what is told of it, "reread": how many files were}.

    request: {"name": of what it does, "trees": [{"fd", "path"}], one alone, "target": {"fd", "path", "new"}, whose fd
    None is for one that check mode has not, "shifts", "privileges", "write", "shown", "verify": of how many files in a
    hundred the content is compared at the end, "reread": of how many it is once they are copied, "still": whether
    nobody may write to the tree}. Raises ContainmentError, OSError, and what `report` raises.
    """
    (given,), target = request["trees"], request["target"]
    tree, begun = _tree.Tree(given["fd"], given["path"], os.fstat(given["fd"])), time.monotonic()
    mounts, memory, clock = _tree.read_mounts(), _remembered(request, tree), _clock()
    since = _copy_plan.since(memory, clock, _mountinfo.holding(mounts, tree.path).kind)
    if memory is None and target["fd"] is not None and os.listdir(target["fd"]):
        raise ContainmentError(
            target["path"],
            "holds something, and is no copy that this module made of the tree with these ids",
            "name an empty or a new directory",
        )
    complete = since is not None and memory.complete
    order = _order(
        request,
        write=request["write"],
        since=since,
        complete=complete,
        sample=100,
        reread=request["reread"],
        still=request["still"],
    )
    below = _mountinfo.within(mounts, tree.path)
    report.begin(_shift_walk.printable(tree.path))
    if request["write"]:
        _sync(tree.fd)
    log = _open_log(request, since is None)
    try:
        if request["write"]:
            # Ahead of the first change: a pass that ends early leaves directories that are known and not whole.
            _note(request, memory._replace(complete=False) if since is not None else _begun(request, tree, clock))
        walk = _copy_walk.Copy(tree, target["fd"], target["new"], order, below, _copy_log.Log(log), report)
        _pass(walk, target)
    finally:
        if log is not None:
            os.close(log)
    result = _told(walk)
    if request["write"]:
        _sync(target["fd"])
        if walk.complete():
            _note(request, _begun(request, tree, clock)._replace(complete=True))
        _forget_others()
        result["verified"] = _verified(request, report)
    seconds = round(time.monotonic() - begun, 3)
    result["measured"] = {"written": walk.written, "cloned": walk.cloned, "seconds": seconds}
    return {"copy": result, "reread": walk.reread}


def _pass(walk, target):
    try:
        walk.run()
    except OSError as error:
        if error.errno not in _copy_walk.END:
            raise
        raise ContainmentError(
            target["path"],
            f"took {walk.written} bytes and no more: {error.strerror}",
            "make room there and run again: it goes on where it was",
        ) from error


def _told(walk):
    told = {sort: {"count": one.count, "first": one.first} for sort, one in walk.sorts()}
    return dict(
        told,
        inodes=walk.inodes,
        made=walk.made,
        dressed=walk.dressed,
        linked=walk.linked,
        removed=walk.removed,
        bytes=walk.size,
        dropped=walk.dropped,
        examples=[[_shift_walk.printable(path), word] for path, word in walk.examples],
        verified=None,
    )


def compare(request, report, sample=0):
    """Compare a request's tree with its target, whatever made that, without trust in any time of change; return what is
    told of what a copy would do. sample: of how many files in a hundred the content is compared, too."""
    (given,) = request["trees"]
    tree = _tree.Tree(given["fd"], given["path"], os.fstat(given["fd"]))
    below = _mountinfo.within(_tree.read_mounts(), tree.path)
    report.begin(_shift_walk.printable(tree.path))
    order = _order(request, write=False, since=None, complete=False, sample=sample, reread=0, still=False)
    walk = _copy_walk.Copy(tree, request["target"]["fd"], False, order, below, _copy_log.Log(None), report)
    walk.run()
    return dict(_told(walk), compared=walk.compared)


def _order(request, **more):
    return _copy_walk.Order(
        shifts=_shift_worker.shifts_of(request),
        privileges=request["privileges"],
        namespaced=_shift_worker.namespaced(os.uname().release),
        shown=request["shown"],
        **more,
    )


def _verified(request, report):
    """Compare tree and copy once more; return {"compared": files whose content was, "count", "first": of what differs},
    None where nobody asked for it."""
    if not request["verify"]:
        return None
    told = compare(request, report, request["verify"])
    first = [path for path, _word in told["examples"]] + told["errors"]["first"]
    return {
        "compared": told["compared"],
        "count": _copy_plan.changed(told) + told["errors"]["count"],
        "first": first,
    }


def _clock():
    with open("/proc/sys/kernel/random/boot_id") as handle:
        boot = handle.read().strip()
    now = int(time.time() * 1e9)
    return _copy_plan.Clock(boot, now, now - int(time.clock_gettime(_BOOTTIME) * 1e9))


def _path(request, suffix):
    return f"{FOLDER}/{request['name']}{suffix}"


def _place(fd):
    info = os.fstat(fd)
    return [info.st_dev, info.st_ino]


def _remembered(request, tree):
    """Return the Memory of earlier passes from this tree to this target, None for none."""
    if request["target"]["fd"] is None:
        return None
    data = _files.read(_path(request, ".json")).data
    memory = None if data is None else _copy_plan.unpack(data)
    if memory is None or (memory.source, memory.target) != (_place(tree.fd), _place(request["target"]["fd"])):
        return None
    return memory


def _begun(request, tree, clock):
    """Return the Memory of a pass that begins now."""
    return _copy_plan.Memory(
        name=request["name"],
        source=_place(tree.fd),
        target=_place(request["target"]["fd"]),
        path=request["target"]["path"],
        boot=clock.boot,
        began=clock.now,
        offset=clock.offset,
        complete=False,
    )


def _note(request, memory):
    _files.replace(_files.read(_path(request, ".json")), _copy_plan.pack(memory), mode=0o600)


def _open_log(request, anew):
    """Return a descriptor of the log, None where check mode needs none. anew: whether what it says is worth nothing."""
    path = _path(request, ".log")
    if not request["write"]:
        return None if anew else os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    parent, name, _real = _files.open_parent(path, create=True)
    try:
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        return os.open(name, flags | (os.O_TRUNC if anew else 0), 0o600, dir_fd=parent)
    finally:
        os.close(parent)


def _forget_others():
    """Forget what is remembered of copies that are gone."""
    for name in sorted(os.listdir(FOLDER)):
        stem, dot = os.path.splitext(name)
        file = _files.read(f"{FOLDER}/{name}") if dot == ".json" else None
        memory = _copy_plan.unpack(file.data) if file is not None and file.data is not None else None
        if memory is None:
            continue
        try:
            info = os.lstat(memory.path)
        except FileNotFoundError:
            info = None
        if info is None or [info.st_dev, info.st_ino] != memory.target:
            _files.replace(file, None)
            os.unlink(f"{FOLDER}/{stem}.log")


def _sync(fd):
    """Have what was written on the disk (syncfs(2))."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.syncfs(fd):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def main(folder):
    """Run the request that lies in a folder of root's own and leave its result there."""
    _job_worker.serve(folder, "volume_copy", run)
