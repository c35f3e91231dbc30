# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Goes through a tree and shifts what it finds, or counts what it would shift. For a process of its own: it changes its
working directory.

Nothing is reached by a path: directories are opened O_NOFOLLOW, one inside of the other, and their entries are changed
by name in the working directory, links themselves and never what they lead to. Whatever carries more than an owner
(bits, capabilities, ACLs, flags) goes through a descriptor that names the very inode that was looked at; in a tree in
which something is mounted everything does, because a name may lead to another mount. Somebody who exchanges two entries
of one directory between the look and the change can exchange what becomes of their owners, and nothing else; while a
tree's containers are stopped nobody can.
"""

import collections
import errno
import functools
import os
import stat
import sys
import time

from ansible_collections.containment.docker.plugins.module_utils import (
    _inode_flags,
    _mountinfo,
    _progress,
    _shift_inode,
    _tree,
)
from ansible_collections.containment.docker.plugins.module_utils import _shift_attrs as attrs
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError
from ansible_collections.containment.docker.plugins.module_utils._shift_map import FOREIGN, MOVED, UNMAPPED

MARK = "trusted.containment.shift"
_NAMES = 20000  # directories that wait, at most: where there are more, those found are gone through first
_OWNERS = 20000  # pairs of ids that are remembered
_LINKS = 10000  # hard links whose path is remembered until all names of the inode were seen
_TICK = 1023  # entries between two looks at the clock: all bits set
_EVERY = 0.25  # seconds between two reports
_BITS = stat.S_ISUID | stat.S_ISGID
_ENTRY = 28  # bytes of a directory that a name takes, about (ext4, names of a dozen letters)
_SCANS_DESCRIPTORS = sys.version_info >= (3, 7)

# shifts: {kind: Shift}. xattrs: whether ACLs and capabilities are looked for. cross: whether mounts are gone into.
# unlock: whether immutable and append-only flags are cleared for the change. privileges, namespaced: as
# _shift_attrs.extras takes them. write: False counts alone. shown: how many paths of each sort are told; three are.
Order = collections.namedtuple("Order", "shifts xattrs cross unlock privileges write shown namespaced")


class Told:
    """How many there are of a sort, and the first of them in words."""

    def __init__(self, shown):
        self.count, self.first, self._shown = 0, [], max(shown, 3)

    def add(self, path, words=""):
        """path: a function that makes the path, called for the first ones alone."""
        self.count += 1
        self.show(path, words)

    def show(self, path, words=""):
        """Keep the path of one that is counted elsewhere; return whether there is room for another."""
        if len(self.first) < self._shown:
            self.first.append(printable(path()) + words)
        return len(self.first) < self._shown


class _Owners:
    """All inodes with one pair of ids.

    move: the pair that they become, None where they stay. look: whether their attributes have to be looked at. left:
    how many of `count` were not moved. tell: whether paths of them are still wanted. idle: whether to count them is all
    there is to do.
    """

    __slots__ = ("count", "idle", "left", "look", "move", "pair", "tell", "what")

    def __init__(self, pair, move, what, look):
        self.pair, self.move, self.what, self.look = pair, move, what, look
        self.count, self.left, self.tell = 0, 0, move is not None or bool(what)
        self.idle = move is None and not look and not what


class _Level:
    """A directory on the way from the root to where the walk is.

    entries: an iterator that is not at its end. names: directories in it that wait. done, total: how many of those
    known. part: of its entries that were looked at, about. mark: what it remembers of a shift of its own. before: how
    many inodes had changed when it was entered. pair: its owners then.
    """

    __slots__ = (
        "above",
        "before",
        "complete",
        "done",
        "entries",
        "fd",
        "mark",
        "name",
        "names",
        "pair",
        "part",
        "total",
    )

    def __init__(self, fd, info, name, above):
        self.fd, self.name, self.above, self.pair = fd, name, above, (info.st_uid, info.st_gid)
        self.entries, self.complete, self.names, self.done, self.total, self.part = None, False, [], 0, 0, 0.0
        self.mark, self.before = None, 0

    def path(self, name=None):
        """The path of the directory, or of `name` in it."""
        parts, level = [] if name is None else [name], self
        while level is not None:
            parts.append(level.name)
            level = level.above
        return "/".join(reversed(parts))

    def close(self):
        if self.entries is not None:
            self.entries.close()
        os.close(self.fd)


def printable(path):
    """Return a path as text for people: bytes that are no UTF-8, and control characters, as \\xNN."""
    text = os.fsencode(path).decode("utf-8", "backslashreplace")
    return "".join(one if one.isprintable() else ascii(one)[1:-1] for one in text)


class Walk:
    """One pass over one tree, a _tree.Tree.

    mounts: paths below it at which something is mounted. links: {(st_dev, st_ino): [names not seen, Walk, path]} of
    inodes with several names, for all walks that count them together. report: called some times a second with (inodes
    looked at, part of the tree that is done, from 0 to 1); what it raises ends the walk, after which another one goes
    on. names_apart: whether two names of an inode may be of two once it is changed, as on an overlay, which copies the
    one that is; then each is shifted by itself. refuse: {kind: Shift}; the walk ends where an id that these move owns
    something.

    After run(): `inodes` (each once), `blocks` (of 512 bytes, that they take; 0 where it writes), `changed` and
    `dropped` (how many of them), `examples` ([path, owner before, owner after] of the first that change), and a Told
    for each of SORTS.
    """

    SORTS = ("foreign", "unmapped", "mounts", "links", "locked", "privileged", "vanished", "errors")
    refuse = None

    def __init__(self, tree, order, mounts, links, report, names_apart=False):
        self._tree, self._order, self._report, self._apart = tree, order, report, names_apart
        self._root = _shift_inode.place_of(tree.fd)
        for sort in self.SORTS:
            setattr(self, sort, Told(order.shown))
        self.inodes = self.blocks = self.changed = self.dropped = 0
        self.examples = []
        self.seen = links
        self._owners, self._names = {}, 0
        self._next = 0.0
        self._mark, self._resumed, self._look = None, False, False
        self._exact = bool(mounts) and not order.cross
        self._mount = _tree.mount_number(tree.fd) if self._exact else None
        # When mounts are gone into, the same directory may be seen at several places, and the same file.
        self._entered = set() if mounts and order.cross else None
        self._twice = set()
        for path in mounts if order.cross else []:
            info = os.lstat(path)
            if not stat.S_ISDIR(info.st_mode):
                self._twice.add((info.st_dev, info.st_ino))
        self.has_marks = _shift_inode.has_xattrs(self._root, MARK)
        self._mounts, self._watch = None if order.cross else mounts, None

    def read_mark(self):
        """Return what the root of the tree remembers of shifts, None for nothing."""
        return _shift_inode.getxattr(self._root, MARK)

    def set_mark(self, mark):
        """Make the root of the tree remember `mark`, None for nothing."""
        if mark == self.read_mark():
            return
        if mark is None:
            act = functools.partial(os.removexattr, self._root, MARK)
        else:
            act = functools.partial(os.setxattr, self._root, MARK, mark)
        if self._order.unlock and _inode_flags.locked_inode(self._tree.fd):
            _inode_flags.unlocked(self._tree.fd, self._tree.path, act)
        else:
            act()

    def root_stays_locked(self):
        """Whether the root is immutable or append-only, and its flags must not be cleared."""
        return not self._order.unlock and _inode_flags.locked_inode(self._tree.fd)

    def give_up(self, words):
        """Tell that nothing came of it."""
        self.changed, self.dropped, self.examples = 0, 0, []
        self.fail(self._path, ValueError(words))

    def complete(self):
        """Whether everything was looked at and could be shifted."""
        return not (self.errors.count or self.locked.count or self.privileged.count or self.vanished.count)

    def run(self, mark, resumed):
        """Go through the tree.

        mark: what the root has to remember before bits and capabilities are taken for the moment. resumed: whether an
        earlier run may have left some taken. Raises what `report` raises, ContainmentError, OSError where the root
        cannot be read.
        """
        self._mark, self._resumed = mark, resumed
        self._look = (self._order.xattrs or resumed) and _shift_inode.has_xattrs(self._root)
        if self._exact and self._mount is None:
            raise ContainmentError(
                self._tree.path, "has mounts in it, which Linux before 3.15 does not tell apart", "unmount them"
            )
        if stat.S_ISDIR(self._tree.info.st_mode):
            self._directories()
        else:
            # Looked at whatever it has, it needs no mark.
            self._mark, path, info = None, self._path, os.fstat(self._tree.fd)
            if info.st_nlink < 2 or not self._again(info, path):
                self._settle(self._count(info, path), self._inode(self._tree.fd, path), path)
        self._sum()

    def _path(self):
        return self._tree.path

    def sorts(self):
        """Return [(sort, Told)]."""
        return [(sort, getattr(self, sort)) for sort in self.SORTS]

    def _directories(self):
        way = [_Level(os.dup(self._tree.fd), os.fstat(self._tree.fd), self._tree.path, None)]
        self._watch = None if self._mounts is None else _tree.MountWatch()
        try:
            while way:
                level = way[-1]
                name = self._next_name(level)
                if name is None:
                    self._leave(level)
                    level.close()
                    way.pop()
                    if way:
                        way[-1].done += 1
                    continue
                below = self._enter(level, name)
                if below is not None:
                    way.append(below)
        finally:
            if self._watch is not None:
                self._watch.close()
            for level in way:
                level.close()

    def _next_name(self, level):
        while not level.names:
            if level.complete:
                return None
            self._scan(level)
        self._names -= 1
        return level.names.pop()

    def _enter(self, level, name):
        """Return the _Level of a directory, None where there is none to go into."""
        try:
            fd, info = self._open(level, name)
        except OSError as error:
            path = functools.partial(level.path, name)
            if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP):  # Gone, or something else in its place.
                self.vanished.add(path)
            else:
                self.fail(path, error)
            return None
        if fd is None:
            self.mounts.add(functools.partial(level.path, name))
            return None
        below = _Level(fd, info, name, level)
        # After it was opened: what is mounted later is not in it.
        if self._watch is not None and self._watch.changed():
            self._refuse_new_mounts(below)
        try:
            if self._entered is None or self._is_new(fd, info):
                self._heed_mark(below)
                return below
        except OSError as error:
            self.fail(below.path, error)
        below.close()
        return None

    def _open(self, level, name):
        """Return a descriptor of the directory and its os.stat_result, None twice for one on another mount or file
        system. Raises OSError.
        """
        if self._exact:
            # Opening what waits to be mounted would mount it, O_PATH does not.
            looked = os.open(name, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=level.fd)
            try:
                if _tree.mount_number(looked) != self._mount:
                    return None, None
                fd = _tree.open_directory(".", looked)
            finally:
                os.close(looked)
        else:
            fd = _tree.open_directory(name, level.fd)
        info = os.fstat(fd)
        # Another device without a mount: a btrfs subvolume.
        if not self._order.cross and info.st_dev != self._tree.info.st_dev:
            os.close(fd)
            return None, None
        return fd, info

    def _refuse_new_mounts(self, level):
        """Raise ContainmentError where something was mounted in the tree since the walk began."""
        new = set(_mountinfo.within(_tree.read_mounts(), self._tree.path)) - set(self._mounts)
        if new:
            level.close()
            raise ContainmentError(
                printable(min(new)), "was mounted in the tree while that was shifted", "run again: it is left out then"
            )

    def _is_new(self, fd, info):
        """Whether a directory was not entered by another path. Raises OSError for one on a read-only mount."""
        key = (info.st_dev, info.st_ino)
        if key in self._entered:
            return False
        self._entered.add(key)
        if os.fstatvfs(fd).f_flag & os.ST_RDONLY:
            raise OSError(errno.EROFS, os.strerror(errno.EROFS))
        return True

    def _heed_mark(self, level):
        """Heed what a directory in the tree remembers of a shift of its own. Raises OSError."""
        if not self.has_marks or MARK not in os.listxattr(level.fd):
            return
        level.mark, level.before = os.getxattr(level.fd, MARK).partition(b" ")[0], self._changed()
        if level.mark in (b"first", b"second"):
            raise OSError(errno.EBUSY, "is in the middle of a shift through a scratch range; run that one again first")
        if level.mark == b"begun" and not self._resumed:
            # What that run took is looked for from here on, and in all that follows.
            self._resumed, self._look = True, True
            self._sum()

    def _changed(self):
        """Return how many inodes have changed up to now."""
        return self.changed + sum(one.count - one.left for one in self._owners.values() if one.move is not None)

    def _scan(self, level):
        """Shift what lies in a directory and is none, and gather those that are; stop early at too many."""
        # By a name where a name is needed: there are directories in which nothing is to be done.
        here = self._exact or not _SCANS_DESCRIPTORS
        if here:
            os.fchdir(level.fd)
        if level.entries is None:
            # Python 3.6 takes no descriptor; by a name the directory gets another time of access.
            level.entries = os.scandir(level.fd if _SCANS_DESCRIPTORS else ".")
        # Names of their own for what is done a million times.
        known, write, exact, unlock = self._owners, self._order.write, self._exact, self._order.unlock
        twice, dry = self._twice, not write
        lchown, listxattr, told, number = os.lchown, os.listxattr, attrs.TOLD, 0
        self._tick(level)
        for entry in level.entries:
            number += 1
            if not number & _TICK:
                level.part = number / max(os.fstat(level.fd).st_size // _ENTRY, number + 1)
                self._tick(level)
            owners = None
            if entry.is_dir(follow_symlinks=False):
                level.names.append(entry.name)
                level.total += 1
                self._names += 1
                if self._names >= _NAMES:
                    return
                continue
            try:
                if exact:
                    self._exactly(level, entry.name)
                    continue
                info = entry.stat(follow_symlinks=False)
                found = known.get((info.st_uid, info.st_gid))
                if found is not None and found.idle and info.st_nlink == 1 and not twice:
                    found.count += 1
                    if dry:
                        self.blocks += info.st_blocks
                    continue
                if not here:
                    os.fchdir(level.fd)
                    here = True
                name, mode = entry.name, info.st_mode
                kind = mode & 0o170000
                if kind == 0o040000:  # It became one.
                    raise FileNotFoundError(errno.ENOENT, name)
                several = info.st_nlink > 1 or (twice and (info.st_dev, info.st_ino) in twice)
                if several and self._again(info, functools.partial(level.path, name)):
                    continue
                owners = found or self._of(info, functools.partial(level.path, name))
                owners.count += 1
                if dry:
                    self.blocks += info.st_blocks
                move, link = owners.move, kind == 0o120000
                if (move is not None and mode & _BITS) or (
                    owners.look and not link and not told.isdisjoint(listxattr(name, follow_symlinks=False))
                ):
                    done = self._by_name(level, name)
                elif move is None:
                    done = False
                elif write:
                    try:
                        lchown(name, move[0], move[1])
                        done = True
                    except PermissionError:
                        done = self._by_name(level, name)
                elif link or unlock or not _inode_flags.locked(name):
                    done = True
                else:
                    self.locked.add(functools.partial(level.path, name))
                    done = False
                if owners.tell or done != (move is not None):
                    self._settle(owners, done, functools.partial(level.path, name))
            except OSError as error:
                if owners is not None:
                    owners.left += owners.move is not None
                path = functools.partial(level.path, entry.name)
                if error.errno == errno.ENOENT:
                    self.vanished.add(path)
                else:
                    self.fail(path, error)
        level.entries.close()
        level.entries, level.complete = None, True

    def _exactly(self, level, name):
        """Shift an entry through a descriptor, if it is on the tree's own mount. Raises OSError."""
        path = functools.partial(level.path, name)
        fd = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            if _tree.mount_number(fd) != self._mount:
                self.mounts.add(path)
                return
            info = os.fstat(fd)
            if stat.S_ISDIR(info.st_mode):  # It became one.
                raise FileNotFoundError(errno.ENOENT, name)
            if info.st_nlink > 1 and self._again(info, path):
                return
            owners = self._count(info, path)
            done = (owners.move is not None or owners.look) and self._inode(fd, path)
            self._settle(owners, done, path)
        finally:
            os.close(fd)

    def _leave(self, level):
        """Shift a directory whose content is done: a root that is done says that all is."""
        owners = self._owners.get(level.pair)
        if owners is not None and owners.idle and level.mark is None and self._order.write:
            owners.count += 1
            return
        owners, write = self._count(os.fstat(level.fd), level.path), self._order.write
        try:
            if level.mark == b"done" and write and (owners.move is not None or self._changed() > level.before):
                # What it says is not so any more.
                os.removexattr(level.fd, MARK)
            if owners.look and not attrs.TOLD.isdisjoint(_shift_inode.listxattr(level.fd)):
                done = self._inode(level.fd, level.path)
            elif owners.move is None:
                done = False
            elif write:
                try:
                    os.chown(level.fd, *owners.move)
                    done = True
                except PermissionError:
                    done = self._inode(level.fd, level.path)
            elif self._order.unlock or not _inode_flags.locked_inode(level.fd):
                done = True
            else:
                self.locked.add(level.path)
                done = False
            if level.mark == b"begun" and write and self.complete():
                os.removexattr(level.fd, MARK)
            if owners.tell or done != (owners.move is not None):
                self._settle(owners, done, level.path)
        except OSError as error:
            owners.left += owners.move is not None
            self.fail(level.path, error)

    def _by_name(self, level, name):
        fd = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            return self._inode(fd, functools.partial(level.path, name))
        finally:
            os.close(fd)

    def _inode(self, fd, path):
        """Shift the inode of a descriptor with all that it carries; return whether it changes."""
        try:
            return self._shift(fd, path)
        except attrs.Privileged:
            self.privileged.add(path)
        except PermissionError as error:
            if not _inode_flags.locked_inode(fd):
                self.fail(path, error)
            else:
                self.locked.add(path)
        except (OSError, ValueError) as error:
            self.fail(path, error)
        return False

    def _shift(self, fd, path):
        place, info, order = _shift_inode.place_of(fd), os.fstat(fd), self._order
        wanted = attrs.TOLD if order.xattrs else {attrs.STASH}
        xattrs = {name: os.getxattr(place, name) for name in wanted & set(_shift_inode.listxattr(place))}
        found = xattrs.pop(attrs.STASH, None)
        stash = None if found is None else attrs.unpack(found)
        mode, uid, gid = info.st_mode, info.st_uid, info.st_gid
        if stash is not None:
            # What the interrupted run was about: from there this one goes on.
            uid, gid, mode = stash.uid, stash.gid, stat.S_IFMT(mode) | stash.mode
            if stash.capability:
                xattrs[attrs.CAPABILITY] = stash.capability
        gains = stash is not None and stash.gains
        extras = attrs.extras(mode, uid, gid, xattrs, order.shifts, order.privileges, order.namespaced, gains)
        own = {order.shifts["uid"].what(info.st_uid), order.shifts["gid"].what(info.st_gid)}
        for sort in extras.kept - own:
            getattr(self, sort).add(path)
        moved = (extras.uid, extras.gid) != (uid, gid)
        if not (moved or extras.acls or extras.capability is not None or stash is not None):
            return False
        locked = _inode_flags.locked_inode(fd)
        if locked and not order.unlock:
            self.locked.add(path)
            return False
        if (extras.lost or extras.acls) and not self._may_change(path, extras.lost):
            return False
        if order.write:
            act = functools.partial(_shift_inode.apply, place, stash, extras, moved)
            if locked:
                _inode_flags.unlocked(fd, path(), act)
            else:
                act()
        self.dropped += extras.dropped
        return True

    def _may_change(self, path, stash):
        """See to it that the next run is told, at the root, to look for what is half done; return whether it is.

        stash: whether bits or capabilities have to be kept in the meantime.
        """
        if not self.has_marks and stash:
            raise ValueError("its bits or capabilities cannot be kept safely without trusted attributes")
        if not self.has_marks or self._mark is None:
            return True
        if self.root_stays_locked():
            # An ACL is shifted all the same: only a run the other way, after a kill, would miss it.
            if stash:
                self.locked.add(path)
            return not stash
        if self._order.write:
            self.set_mark(self._mark)
            self._mark = None
        return True

    def _again(self, info, path):
        """Whether another name of the inode was seen; keeps those of which not all names were."""
        if self._apart:
            return False
        key = (info.st_dev, info.st_ino)
        entry = self.seen.get(key)
        if entry is None:
            told = path() if len(self.seen) < _LINKS else "inode %d" % info.st_ino
            self.seen[key] = [info.st_nlink - 1, self, told]
            return False
        # Kept until the end: an entry that is renamed while the walk goes on may be seen again.
        entry[0] -= 1
        return True

    def _count(self, info, path):
        owners = self._owners.get((info.st_uid, info.st_gid)) or self._of(info, path)
        owners.count += 1
        if not self._order.write:
            self.blocks += info.st_blocks
        return owners

    def _of(self, info, path):
        """Return the _Owners of a pair of ids that is not known yet. Raises ContainmentError for one to refuse."""
        if len(self._owners) >= _OWNERS:
            self._sum()
        pair, shifts = (info.st_uid, info.st_gid), self._order.shifts
        if self.refuse and MOVED in (self.refuse["uid"].what(pair[0]), self.refuse["gid"].what(pair[1])):
            raise ContainmentError(
                "scratch_start",
                "%s belongs to %d:%d, of the scratch range" % (printable(path()), *pair),
                "give another",
            )
        new = (shifts["uid"].new(pair[0]), shifts["gid"].new(pair[1]))
        move = None if new == pair else new
        what = {shifts["uid"].what(pair[0]), shifts["gid"].what(pair[1])} & {FOREIGN, UNMAPPED}
        look = self._look and (self._resumed or move is not None or bool(what))
        owners = self._owners[pair] = _Owners(pair, move, what, look)
        return owners

    def _settle(self, owners, changed, path):
        """Note what became of an inode that is counted under its owners."""
        if changed and owners.move is None:
            self.changed += 1
        elif not changed:
            owners.left += owners.move is not None
        room = changed and len(self.examples) < self._order.shown
        if room:
            before = "%d:%d" % owners.pair
            after = before + " with other attributes" if owners.move is None else "%d:%d" % owners.move
            self.examples.append([printable(path()), before, after])
        for sort in owners.what:
            room = getattr(self, sort).show(path) or room
        owners.tell = room

    def _sum(self):
        for owners in self._owners.values():
            self.inodes += owners.count
            if owners.move is not None:
                self.changed += owners.count - owners.left
            for sort in owners.what:
                getattr(self, sort).count += owners.count
        self._owners.clear()

    def fail(self, path, error):
        self.errors.add(path, ": " + (getattr(error, "strerror", None) or str(error)))

    def _tick(self, level):
        now = time.monotonic()
        if now >= self._next:
            self._next = now + _EVERY
            way = []
            while level is not None:
                way.append((level.done, level.total, level.part))
                level = level.above
            self._report(self.inodes + sum(owners.count for owners in self._owners.values()), _progress.part(way[::-1]))
