# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Goes through a tree and makes another directory its copy, or counts what that would take. For a process of its own.

The source may be anybody's, and change meanwhile: nothing is reached by a path, directories are opened O_NOFOLLOW, one
inside of the other, and what is copied of a file is what a descriptor leads to. The target has to be root's alone,
below a directory that nobody else can enter: there, names are what we left under them.
"""

import collections
import errno
import functools
import os
import stat
import time

from ansible_collections.containment.docker.plugins.module_utils import (
    _copy_inode,
    _copy_plan,
    _files,
    _progress,
    _shift_inode,
    _tree,
)
from ansible_collections.containment.docker.plugins.module_utils import _shift_attrs as attrs
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError
from ansible_collections.containment.docker.plugins.module_utils._shift_map import FOREIGN, UNMAPPED
from ansible_collections.containment.docker.plugins.module_utils._shift_walk import Told

_TICK = 255  # entries between two looks at the clock: all bits set
_EVERY = 0.25  # seconds between two reports
_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_NEW = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
END = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)  # What follows would fail, too.

# shifts: {kind: Shift}. privileges, namespaced: as attrs.extras takes them. write: False counts alone. shown: how many
# paths of each sort are told. since: as _copy_plan.since returns it. complete: whether the pass before was, and none
# began since. sample: of how many files in a hundred the content is compared where nothing else tells whether it is the
# same. reread: of how many it is once they are copied. still: whether nobody writes to the tree, so that a copy has to
# be the same.
Order = collections.namedtuple("Order", "shifts privileges namespaced write shown since complete sample reread still")


class _Level:
    """A directory on the way from the root to where the walk is, and its copy.

    copy: descriptor of the copy, None where check mode has none. fresh: whether this pass made it. known: whether it is
    the one that an earlier pass made of this directory. time: its time of change of content then, in ns, None for none.
    names: directories in it that wait, None before it was read. total, done: how many there are, and were gone through.
    touched: whether names in the copy changed, and with them its time.
    """

    __slots__ = ("above", "copy", "done", "fd", "fresh", "info", "known", "name", "names", "time", "total", "touched")

    def __init__(self, fd, info, name, above, copy, fresh, known):
        self.fd, self.info, self.name, self.above = fd, info, name, above
        self.copy, self.fresh, self.known = copy, fresh, known
        self.time = None if copy is None or fresh else os.fstat(copy).st_mtime_ns
        self.names, self.total, self.done, self.touched = None, 0, 0, False

    def path(self, name=None):
        """The path of the directory, or of `name` in it."""
        parts, level = [] if name is None else [name], self
        while level is not None:
            parts.append(level.name)
            level = level.above
        return "/".join(reversed(parts))

    def close(self):
        for fd in (self.fd, self.copy):
            if fd is not None:
                os.close(fd)


class Copy:
    """One pass over a tree.

    tree: a _tree.Tree, a directory. target: descriptor of the directory that becomes its copy, None where check mode
    has none. new: whether this run makes it. mounts: paths in the tree at which something is mounted: they are not gone
    into. log: a _copy_log.Log. report: called some times a second with (names looked at, part of the tree that is
    done, written=bytes); what it raises ends the walk.

    After run(): `inodes` (names looked at), `made` (inodes that the copy lacked, or that were others), `dressed` (that
    got other attributes alone), `linked` (names of inodes that the copy had), `removed` (names), `size` (bytes of the
    content of those made), `written` (bytes that were written for it), `cloned` (files whose blocks are shared),
    `compared` (files whose content was, because nothing else told whether it is the same), `reread` (files that were
    read again once they were copied), `torn` (copies that may be of a part of a write), `dropped`, `examples` ([path,
    word] of the first), and a Told for each of SORTS.
    """

    SORTS = ("foreign", "unmapped", "mounts", "locked", "privileged", "vanished", "errors")

    def __init__(self, tree, target, new, order, mounts, log, report):
        self._tree, self._target, self._new, self._order = tree, target, new, order
        self._log, self._report = log, report
        for sort in self.SORTS:
            setattr(self, sort, Told(order.shown))
        self.inodes = self.made = self.dressed = self.linked = self.removed = 0
        self.size = self.written = self.cloned = self.compared = self.reread = self.torn = self.dropped = 0
        self.examples = []
        self._links = {}  # {(st_dev, st_ino): [names not seen, path in the copy, as parts; inode number there]}
        self._clones, self._next = True, 0.0
        self._mount = _tree.mount_number(tree.fd) if mounts else None
        self._mounted = set()  # (st_dev, st_ino) of files that are mounted over others
        for path in mounts:
            info = os.lstat(path)
            if not stat.S_ISDIR(info.st_mode):
                self._mounted.add((info.st_dev, info.st_ino))
        if mounts and self._mount is None:
            raise ContainmentError(
                tree.path, "has mounts in it, which Linux before 3.15 does not tell apart", "unmount them"
            )

    def sorts(self):
        """Return [(sort, Told)]."""
        return [(sort, getattr(self, sort)) for sort in self.SORTS]

    def changed(self):
        """Return how many names the copy gets, loses, or gets with something else."""
        return self.made + self.dressed + self.linked + self.removed

    def complete(self):
        """Whether the copy has all that the tree had when the pass began."""
        return not (self.errors.count or self.privileged.count or self.torn)

    def run(self):
        """Go through the tree. Raises what `report` raises, OSError where the copy cannot be written any further."""
        info = os.fstat(self._tree.fd)
        copy = None if self._target is None else os.dup(self._target)
        fresh = self._new
        known = not fresh and self._is_known(info, copy)
        if self._order.write and not known:
            self._log.made(info.st_ino, os.fstat(copy).st_ino)
        way = [_Level(os.dup(self._tree.fd), info, self._tree.path, None, copy, fresh, known)]
        try:
            while way:
                level = way[-1]
                if level.names is None:
                    self._scan(level)
                if not level.names:
                    self._leave(level)
                    level.close()
                    way.pop()
                    if way:
                        way[-1].done += 1
                    continue
                below = self._enter(level, level.names.pop())
                if below is not None:
                    way.append(below)
        finally:
            for level in way:
                level.close()

    def _is_known(self, info, copy):
        return self._order.since is not None and self._log.is_copy(info.st_ino, os.fstat(copy).st_ino)

    def _is_past(self, info):
        """Whether an inode is as an earlier pass saw it."""
        return self._order.since is not None and info.st_ctime_ns < self._order.since

    def _scan(self, level):
        """Copy what lies in a directory and is none, gather those that are, remove what is not there any more."""
        trusted, since = level.known and self._order.complete, self._order.since
        number = past = 0
        level.names = []
        with _copy_inode.scan(level.fd) as entries:
            for entry in entries:
                number += 1
                if not number & _TICK:
                    self.inodes, past = self.inodes + past, 0
                    self._tick(level)
                if entry.is_dir(follow_symlinks=False):
                    level.names.append(entry.name)
                    continue
                try:
                    info = entry.stat(follow_symlinks=False)
                    # Other names of an inode may lie where nothing is trusted: all of them are looked at.
                    if trusted and info.st_ctime_ns < since and info.st_nlink == 1:
                        past += 1
                    else:
                        self._entry(level, entry.name, info, functools.partial(level.path, entry.name))
                except OSError as error:
                    self._failed(functools.partial(level.path, entry.name), error)
        self.inodes += past
        level.total = len(level.names)
        if level.copy is not None and not level.fresh and not (trusted and self._is_past(level.info)):
            self._remove(level)
        self._tick(level)

    def _failed(self, path, error):
        if error.errno in END:
            raise error
        # Gone, or something else in its place.
        if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENXIO):
            self.vanished.add(path)
        else:
            self.errors.add(path, ": " + (error.strerror or str(error)))

    def _remove(self, level):
        """Remove what the copy of a directory has and the directory has not."""
        with _copy_inode.scan(level.copy) as entries:
            extra = [entry.name for entry in entries if _look(entry.name, level.fd) is None]
        for name in extra:
            self._note(functools.partial(level.path, name), "removed")
            level.touched = True
            self.removed += _copy_inode.remove(name, level.copy, self._gone if self._order.write else None)

    def _gone(self, info):
        self._log.gone(info.st_ino)

    def _enter(self, level, name):
        """Return the _Level of a directory, None where there is none to go into."""
        path = functools.partial(level.path, name)
        fd = None
        try:
            fd = self._open(level, name)
            if fd is None:
                self.mounts.add(path)
                return None
            info = os.fstat(fd)
            copy, fresh = self._copy_of(level, name, info)
            known = not fresh and self._is_known(info, copy)
            return _Level(fd, info, name, level, copy, fresh, known)
        except OSError as error:
            if fd is not None:
                os.close(fd)
            self._failed(path, error)
            return None

    def _open(self, level, name):
        """Return a descriptor of the directory, None for one on another mount or file system. Raises OSError."""
        if self._mount is not None:
            # Opening what waits to be mounted would mount it, O_PATH does not.
            looked = os.open(name, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=level.fd)
            try:
                if _tree.mount_number(looked) != self._mount:
                    return None
                fd = _tree.open_directory(".", looked)
            finally:
                os.close(looked)
        else:
            fd = _tree.open_directory(name, level.fd)
        if os.fstat(fd).st_dev != self._tree.info.st_dev:
            os.close(fd)
            return None
        return fd

    def _copy_of(self, level, name, info):
        """Return (descriptor of a directory's copy, whether it was made now). Raises OSError."""
        if level.copy is None:
            return None, True
        try:
            return os.open(name, _FLAGS, dir_fd=level.copy), False
        except FileNotFoundError:
            pass
        except OSError as error:
            if error.errno not in (errno.ENOTDIR, errno.ELOOP):
                raise
            if self._order.write:
                os.unlink(name, dir_fd=level.copy)
        level.touched = True
        if not self._order.write:
            return None, True
        os.mkdir(name, 0o700, dir_fd=level.copy)
        fd = os.open(name, _FLAGS, dir_fd=level.copy)
        self._log.made(info.st_ino, os.fstat(fd).st_ino)
        return fd, True

    def _leave(self, level):
        """Give a directory's copy what it carries, when all in it is done."""
        self.inodes += 1
        try:
            info = os.fstat(level.fd)
            if level.known and self._order.complete and not level.touched and self._is_past(info):
                return
            carried = self._carried(level.fd, info, level.path)
            if carried is None:
                return
            if level.fresh:
                self._count_made(level.path, 0)
            elif level.time != info.st_mtime_ns or not _is_dressed(level.copy, carried):
                self._count_dressed(level.path)
            elif not level.touched:
                return
            if self._order.write:
                _copy_inode.dress(level.copy, carried, info)
        except OSError as error:
            self._failed(level.path, error)

    def _entry(self, level, name, info, path):
        """See to what is no directory. Raises OSError."""
        if stat.S_ISDIR(info.st_mode):  # It became one.
            raise FileNotFoundError(errno.ENOENT, name)
        if self._mounted and (info.st_dev, info.st_ino) in self._mounted:
            self.mounts.add(path)
            return
        self.inodes += 1
        other = None if level.copy is None or level.fresh else _look(name, level.copy)
        if info.st_nlink > 1 and self._is_link(level, name, info, path, other):
            return
        if other is not None and _copy_plan.alike(info, other):
            # An earlier pass that was interrupted may not have come to it, but what it came to is done.
            past = level.known and self._is_past(info)
            if past or self._is_same(level, name, info, path):
                self._keep_link(level, name, info, other)
                return
        self._make(level, name, info, path, other)

    def _is_link(self, level, name, info, path, other):
        """See to another name of an inode whose copy is there; whether it was one."""
        found = self._links.get((info.st_dev, info.st_ino))
        if found is None:
            return False
        found[0] -= 1
        if found[0] <= 0:
            del self._links[info.st_dev, info.st_ino]
        if other is None or other.st_ino != found[2]:
            self.linked += 1
            self._note(path, "another name")
            level.touched = True
            if self._order.write:
                if other is not None:
                    _copy_inode.remove(name, level.copy, self._gone)
                self._link(found[1], level.copy, name)
        return True

    def _link(self, parts, parent, name):
        """Give an inode of the copy another name. parts: its path from the root of the copy."""
        way = os.dup(self._target)
        try:
            for part in parts[:-1]:
                way, above = os.open(part, _FLAGS, dir_fd=way), way
                os.close(above)
            os.link(parts[-1], name, src_dir_fd=way, dst_dir_fd=parent, follow_symlinks=False)
        finally:
            os.close(way)

    def _keep_link(self, level, name, info, other):
        """Remember where the copy of an inode with several names is."""
        if info.st_nlink > 1:
            parts, above = [name], level
            while above.above is not None:
                parts.append(above.name)
                above = above.above
            number = other.st_ino if other is not None else None
            self._links[info.st_dev, info.st_ino] = [info.st_nlink - 1, parts[::-1], number]

    def _is_same(self, level, name, info, path):
        """Whether the copy of an inode has its content; what else it carries is mended. Raises OSError."""
        kind = stat.S_IFMT(info.st_mode)
        if kind == stat.S_IFLNK:
            if os.readlink(name, dir_fd=level.fd) != os.readlink(name, dir_fd=level.copy):
                return False
        elif kind == stat.S_IFREG and _copy_plan.is_sampled(info.st_ino, self._order.sample):
            self.compared += 1
            source = self._open_file(name, level.fd, info)
            try:
                copy = os.open(name, _FILE | os.O_NOATIME, dir_fd=level.copy)
                try:
                    if not _copy_inode.same_content(source, copy, functools.partial(self._tick, level)):
                        return False
                finally:
                    os.close(copy)
            finally:
                os.close(source)
        self._dress_again(level, name, info, path)
        return True

    def _dress_again(self, level, name, info, path):
        if stat.S_ISLNK(info.st_mode):
            carried = self._carried_by_link(level, name, info, path)
            other = os.stat(name, dir_fd=level.copy, follow_symlinks=False)
            if carried is None or (other.st_uid, other.st_gid) == (carried.uid, carried.gid):
                return
            self._count_dressed(path)
            if self._order.write:
                _copy_inode.dress_link(name, level.copy, carried, info)
            return
        carried = self._carried_by_name(level, name, path)
        if carried is None:
            return
        fd = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=level.copy)
        try:
            place = _shift_inode.place_of(fd)
            if not _is_dressed(place, carried):
                self._count_dressed(path)
                if self._order.write:
                    _copy_inode.dress(place, carried, info)
        finally:
            os.close(fd)

    def _count_dressed(self, path):
        self.dressed += 1
        self._note(path, "other attributes")

    def _open_file(self, name, parent, info):
        """Return a descriptor of the very file that was looked at. Raises FileNotFoundError for another one."""
        try:
            fd = os.open(name, _FILE | os.O_NOATIME, dir_fd=parent)
        except PermissionError:
            fd = os.open(name, _FILE, dir_fd=parent)
        found = os.fstat(fd)
        if (found.st_dev, found.st_ino) != (info.st_dev, info.st_ino):
            os.close(fd)
            raise FileNotFoundError(errno.ENOENT, name)
        return fd

    def _make(self, level, name, info, path, other):
        """Make the copy of an inode. Raises OSError."""
        kind = stat.S_IFMT(info.st_mode)
        if kind == stat.S_IFREG:
            source = self._open_file(name, level.fd, info)
            try:
                self._make_file(level, name, source, path, other)
            finally:
                os.close(source)
            return
        if kind == stat.S_IFLNK:
            leads = os.readlink(name, dir_fd=level.fd)
            carried = self._carried_by_link(level, name, info, path)
        else:
            carried = self._carried_by_name(level, name, path)
        if carried is None:
            return
        self._count_made(path, 0)
        level.touched = True
        if not self._order.write:
            self._keep_link(level, name, info, None)
            return
        self._replace(level, name, other)
        if kind == stat.S_IFLNK:
            os.symlink(leads, name, dir_fd=level.copy)
            _copy_inode.dress_link(name, level.copy, carried, info)
        else:
            _copy_inode.make_node(name, level.copy, info)
            fd = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=level.copy)
            try:
                _copy_inode.dress(_shift_inode.place_of(fd), carried, info)
            finally:
                os.close(fd)
        self._keep_link(level, name, info, os.stat(name, dir_fd=level.copy, follow_symlinks=False))

    def _make_file(self, level, name, source, path, other):
        info = os.fstat(source)
        carried = self._carried(source, info, path)
        if carried is None:
            return
        if _files.inode_flags(source) & (_files.FS_IMMUTABLE_FL | _files.FS_APPEND_FL):
            self.locked.add(path)
        self._count_made(path, info.st_size)
        level.touched = True
        if not self._order.write:
            self._keep_link(level, name, info, None)
            return
        self._replace(level, name, other)
        fd = os.open(name, _NEW, 0o600, dir_fd=level.copy)
        try:
            if info.st_size:
                self._clones = self._clones and _copy_inode.clone(source, fd)
                if self._clones:
                    self.cloned += 1
                else:
                    self.written += self._fill(level, source, fd, info)
            made = os.fstat(fd)
            same = made.st_size == info.st_size and self._is_read_again(level, source, fd, info)
            # Without its time the next pass takes it for another file, and makes it again.
            if same or not self._is_torn(source, info, path):
                _copy_inode.dress(fd, carried, info)
            self._keep_link(level, name, info, made)
        finally:
            os.close(fd)

    def _is_read_again(self, level, source, fd, info):
        """Whether what was copied of a file has its content, where it is one of those that are read again."""
        if not _copy_plan.is_sampled(info.st_ino, self._order.reread):
            return True
        self.reread += 1
        return _copy_inode.same_content(source, fd, functools.partial(self._tick, level))

    def _is_torn(self, source, info, path):
        """Whether the next pass would not see that a copy differs from its file. Raises OSError where nobody writes."""
        if self._order.still:
            raise OSError(errno.EIO, "the copy has other content, or somebody writes there")
        # Of a write that goes on, and of a truncation, the time of change may be that of the start or of the end.
        if os.fstat(source).st_ctime_ns != info.st_ctime_ns:
            return False
        self.torn += 1
        self.vanished.add(path)
        return True

    def _fill(self, level, source, fd, info):
        before = self.written

        def tick(written):
            self.written = before + written
            self._tick(level)

        try:
            return _copy_inode.fill(source, fd, info, tick)
        finally:
            self.written = before

    def _replace(self, level, name, other):
        if other is not None:
            _copy_inode.remove(name, level.copy, self._gone)

    def _carried_by_name(self, level, name, path):
        fd = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=level.fd)
        try:
            return self._carried(_shift_inode.place_of(fd), os.fstat(fd), path)
        finally:
            os.close(fd)

    def _carried_by_link(self, level, name, info, path):
        place = f"{_shift_inode.place_of(level.fd)}/{name}"
        return self._told(info, _copy_inode.xattrs(place, follow=False), path)

    def _carried(self, place, info, path):
        return self._told(info, _copy_inode.xattrs(place), path)

    def _told(self, info, xattrs, path):
        """Return what an inode carries over to its copy, None for nothing at all; tell what is odd with it."""
        order = self._order
        try:
            carried = _copy_plan.carried(info, xattrs, order.shifts, order.privileges, order.namespaced)
        except attrs.Privileged:
            self.privileged.add(path)
            return None
        except ValueError as error:
            self.errors.add(path, f": {error}")
            return None
        self.dropped += carried.dropped
        what = {order.shifts["uid"].what(info.st_uid), order.shifts["gid"].what(info.st_gid)}
        for sort in (what | carried.kept) & {FOREIGN, UNMAPPED}:
            getattr(self, sort).add(path)
        return carried

    def _count_made(self, path, size):
        self.made += 1
        self.size += size
        self._note(path, "copied")

    def _note(self, path, word):
        if len(self.examples) < self._order.shown:
            self.examples.append([path(), word])

    def _tick(self, level):
        now = time.monotonic()
        if now >= self._next:
            self._next = now + _EVERY
            way = []
            while level is not None:
                way.append((level.done, level.total, 0.0))
                level = level.above
            self._report(self.inodes, _progress.part(way[::-1]), written=self.written)


def _look(name, parent):
    try:
        return os.stat(name, dir_fd=parent, follow_symlinks=False)
    except FileNotFoundError:
        return None


def _is_dressed(place, carried):
    """Whether an inode, no link, has what it should carry, but for its times. place: as _copy_inode.dress takes it."""
    info = os.stat(place)
    return (info.st_uid, info.st_gid, stat.S_IMODE(info.st_mode)) == (
        carried.uid,
        carried.gid,
        carried.mode,
    ) and _copy_inode.xattrs(place) == carried.xattrs
