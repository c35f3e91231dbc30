# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One shift of some trees, from the marks that earlier ones left at their roots to what is told of each. Runs in a
process of its own, without Ansible: it works on while the module that started it comes and goes.

At the root of a tree lies, as an extended attribute of root's own, "begun ID" while bits and capabilities may be taken
for the moment, "first ID START" and "second ID START" during the two passes through the scratch range from START on,
and "done ID" where a marker was asked for or ids cannot tell. ID is the request's name.
"""

import os
import re
import stat
import time

from ansible_collections.containment.docker.plugins.module_utils import (
    _inode_flags,
    _job_worker,
    _mountinfo,
    _shift_map,
    _shift_walk,
    _tree,
)
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError


def shifts_of(request):
    return {
        kind: _shift_map.Shift(
            [_shift_map.Move(*move) for move in one["moves"]], [tuple(pair) for pair in one["source"]]
        )
        for kind, one in request["shifts"].items()
    }


def run(request, report):
    """Return the results of a request's trees, in order: a dict each, `path` with the counts and paths of each sort.

    request: {"name": of what it does, "trees": [{"fd", "path"}], "shifts": {kind: {"moves", "source"}}, "scratch":
    {kind: first id} or None, "marker", "xattrs", "cross", "unlock", "privileges", "write", "shown"}. What ends one tree
    is told in its `errors`.
    Raises ContainmentError before anything is changed, and what `report` raises.
    """
    if request["write"]:
        _inode_flags.restore()
    shifts, links = shifts_of(request), {}
    trees = [
        _Tree(_tree.Tree(one["fd"], one["path"], os.fstat(one["fd"])), request, shifts, links, report)
        for one in request["trees"]
    ]
    for tree in trees:
        tree.check()
    for tree in trees:
        tree.run()
    # Names of an inode may lie in different trees: what is left when all are done lies outside of them.
    for left, walk, path in links.values():
        if left > 0:
            walk.links.add(lambda path=path: path)
    return [tree.told() for tree in trees]


class _Tree:
    """One tree of a request; after run(), told() is its result."""

    def __init__(self, tree, request, shifts, links, report):
        self._tree, self._request, self._shifts = tree, request, shifts
        self._links, self._report = links, report
        self._name = request["name"].encode("ascii")
        self._walk = self._new_walk(shifts)
        self._marked, self._seconds = False, 0.0
        # A single file is looked at whatever it remembers.
        self._marker = request["marker"] and stat.S_ISDIR(tree.info.st_mode) and self._walk.has_marks
        mark = (self._walk.read_mark() or b"").split(b" ")
        self._state, self._ours, self._start = mark[0], mark[1:2] == [self._name], b"".join(mark[2:3])

    def check(self):
        """Raise ContainmentError where the tree, or its file system, does not allow what is asked for."""
        scratch = self._request["scratch"]
        if self._state in (b"first", b"second") and not (
            scratch and self._ours and self._start == b"%d" % scratch["uid"]
        ):
            raise ContainmentError(
                self._tree.path,
                "is in the middle of a shift through a scratch range, which was interrupted",
                f"run that one again, with scratch_start: {self._start.decode('ascii', 'replace')}, before another",
            )
        if scratch and not stat.S_ISDIR(self._tree.info.st_mode):
            raise ContainmentError(
                "scratch_start", f"{self._tree.path} is no directory", "shift it without scratch_start"
            )
        if scratch and not self._walk.has_marks:
            raise ContainmentError(
                "scratch_start",
                f"the file system of {self._tree.path} has no trusted attributes",
                "shift it without scratch_start",
            )

    def run(self):
        self._report.begin(_shift_walk.printable(self._tree.path))
        begun = time.monotonic()
        try:
            if self._state == b"done" and self._ours and (self._request["scratch"] or self._marker):
                self._marked = True
            elif self._request["scratch"]:
                self._through()
            else:
                self._direct()
        except ContainmentError as error:
            self._walk.errors.add(lambda: "", str(error))
        except OSError as error:
            self._walk.fail(lambda: self._tree.path, error)
        self._seconds = time.monotonic() - begun

    def _new_walk(self, shifts, write=None, privileges=None, links=None):
        request = self._request
        order = _shift_walk.Order(
            shifts,
            request["xattrs"],
            request["cross"],
            request["unlock"],
            privileges or request["privileges"],
            request["write"] if write is None else write,
            request["shown"],
            namespaced(os.uname().release),
        )
        mounts = _tree.read_mounts()
        below = _mountinfo.within(mounts, self._tree.path)
        seen = [self._tree.path] + (below if request["cross"] else [])
        apart = any(_mountinfo.holding(mounts, path).kind == "overlay" for path in seen)
        links = self._links if links is None else links
        return _shift_walk.Walk(self._tree, order, below, links, self._report, apart)

    def _direct(self):
        walk, write = self._walk, self._request["write"]
        begun = b"begun " + self._name
        if self._state and walk.root_stays_locked():
            walk.locked.add(lambda: self._tree.path)  # What it says could not be kept true.
            return
        if write and self._state:
            # What was done is not so any more from the first change on.
            walk.set_mark(begun)
        resumed = self._state == b"begun"
        walk.run(None if self._state else begun, resumed)
        # What an interrupted run took may lie where this one did not come.
        if write and not walk.errors.count and not (resumed and (not walk.complete() or walk.mounts.count)):
            keep = self._marker and walk.complete()
            if keep or walk.read_mark():
                walk.set_mark(b"done " + self._name if keep else None)

    def _through(self):
        """Two passes, so that no id means two things; the root remembers which of them is on its way."""
        scratch, write, state = self._request["scratch"], self._request["write"], self._state
        passes = {kind: shift.through(scratch[kind]) for kind, shift in self._shifts.items()}
        first, second = ({kind: both[number] for kind, both in passes.items()} for number in (0, 1))
        end = b" %s %d" % (self._name, scratch["uid"])
        if state != b"second":
            # Both passes in one, to count; and what cannot be shifted must not be left between the two.
            whole = {kind: self._shifts[kind].beside(second[kind]) for kind in second}
            trial = self._walk = self._new_walk(whole, write=False, links={})
            if not state:
                trial.refuse = second
            trial.run(None, state == b"first")
            left = sum(1 for entry in trial.seen.values() if entry[0] > 0)
            if not trial.complete() or left:
                trial.give_up(
                    "nothing was shifted: in two passes all has to be, and inodes with names elsewhere cannot be"
                )
                return
            if not write:
                return
            self._report.next_pass(1, 3, trial.inodes)
            there = self._new_walk(first, links={})
            there.set_mark(b"first" + end)
            there.run(None, state == b"first")
            if not there.complete():
                there.give_up("the first of two passes is not complete: run again")
                self._walk = there
                return
            self._report.next_pass(2, 3, there.inodes)
        walk = self._new_walk(second, privileges=self._request["privileges"] or "keep", links={})
        if write:
            walk.set_mark(b"second" + end)
        walk.run(None, state == b"second")
        if write and walk.complete():
            walk.set_mark(b"done " + self._name)
        elif write:
            walk.fail(lambda: self._tree.path, ValueError("the second of two passes is not complete: run again"))
        if state == b"second":
            self._walk = walk
        else:
            self._walk.errors, self._walk.vanished = walk.errors, walk.vanished
            self._walk.locked, self._walk.privileged = walk.locked, walk.privileged

    def told(self):
        walk = self._walk
        result = {sort: {"count": one.count, "first": one.first} for sort, one in walk.sorts()}
        return dict(
            result,
            path=_shift_walk.printable(self._tree.path),
            inodes=walk.inodes,
            bytes=None if self._request["write"] else walk.blocks * 512,
            seconds=round(self._seconds, 3),
            changed=walk.changed,
            examples=walk.examples,
            dropped=walk.dropped,
            marked=self._marked,
        )


def namespaced(release):
    """Whether a kernel knows capabilities of user namespaces: from 4.14 on."""
    return tuple(int(part) for part in re.match(r"(\d+)\.(\d+)", release).groups()) >= (4, 14)


def main(folder):
    """Run the request that lies in a folder of root's own and leave its result there."""
    _job_worker.serve(folder, "volume_chown", lambda request, report: {"trees": run(request, report)})
