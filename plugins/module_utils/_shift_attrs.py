# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an inode carries beside its owner, and what becomes of it when the owner changes. Pure, bytes in and bytes out.

chown(2) clears setuid and setgid bits and capabilities of all that is no directory, root's chown too, and leaves the
ids within ACLs as they are.
"""

import collections
import stat
import struct

from ansible_collections.containment.docker.plugins.module_utils._shift_map import FOREIGN, LOW, UNMAPPED

ACLS = {"system.posix_acl_access", "system.posix_acl_default"}
CAPABILITY = "security.capability"
# Root's alone (CAP_SYS_ADMIN in the first user namespace, xattr(7)): nobody in a container sees or makes it.
STASH = "trusted.containment.stash"
TOLD = ACLS | {CAPABILITY, STASH}

# include/uapi/linux/posix_acl_xattr.h: a version, then (tag, permissions, id).
_ACL_VERSION, _ACL_ENTRY = struct.Struct("<I"), struct.Struct("<HHI")
_ACL_KINDS = {0x02: "uid", 0x08: "gid"}  # ACL_USER, ACL_GROUP
# include/uapi/linux/capability.h: revision and flags, permitted and inheritable of each 32 bits, from revision 3 on
# (Linux 4.14) the uid of the root of the user namespace that they are good for.
_CAPS = {0x01000000: "<III", 0x02000000: "<IIIII", 0x03000000: "<IIIIII"}
_REVISION = 0xFF000000
_STASH = struct.Struct("<BBIIIqq")

# uid, gid: the new owner. mode: the permission bits that the inode shall have. acls: {name: bytes} that change.
# capability: bytes to set, b"" to remove it, None to leave it as chown leaves it. lost: whether chown takes bits or
# capabilities that have to be given back. gains: whether they get the rights of a host's own id. dropped: whether they
# are left out for that. kept: {FOREIGN, UNMAPPED} as far as ids of ACLs or capabilities are such.
Extras = collections.namedtuple("Extras", "uid gid mode acls capability lost gains dropped kept")
# What an interrupted run was about to give an inode. gains: whether that gives rights of a host's own id. mtime_ns,
# size: of its content then.
Stash = collections.namedtuple("Stash", "gains uid gid mode mtime_ns size capability")


class Privileged(Exception):
    """Bits or capabilities would get the rights of an id of the host's own, and nobody said what to do with them."""


def acl(data, shifts):
    """Return (the ACL with its ids shifted, the set of what ids that stay are: FOREIGN, UNMAPPED).

    data: the attribute's bytes. Raises ValueError for what is no ACL of version 2.
    """
    if len(data) < 4 or (len(data) - 4) % _ACL_ENTRY.size or _ACL_VERSION.unpack_from(data)[0] != 2:
        raise ValueError("an ACL that this kernel's documentation does not describe")
    entries, kept = collections.OrderedDict(), set()
    for tag, permissions, number in _ACL_ENTRY.iter_unpack(data[4:]):
        if tag in _ACL_KINDS:
            shift = shifts[_ACL_KINDS[tag]]
            kept.add(shift.what(number))
            number = shift.new(number)
        # Ids that become one keep the rights of all of them: no ACL names an id twice.
        entries[tag, number] = entries.get((tag, number), 0) | permissions
    parts = [_ACL_ENTRY.pack(tag, permissions, number) for (tag, number), permissions in entries.items()]
    return data[:4] + b"".join(parts), kept & {FOREIGN, UNMAPPED}


def capability(data, shift, namespaced):
    """Return (the capability with its root shifted, old root, new root). shift: that of uids.

    One without a root, of revision 1 or 2, is good for the host's root. A root of 0 is written as revision 2, because
    that is how the kernel gives it back. namespaced: whether the kernel knows revision 3; one that does not would not
    run a file that has it. Raises ValueError for what is no capability, and for one that needs such a kernel.
    """
    for revision, form in _CAPS.items():
        if struct.calcsize(form) == len(data) and struct.unpack(form, data)[0] & _REVISION == revision:
            break
    else:
        raise ValueError("a capability that this kernel's documentation does not describe")
    magic, *sets = struct.unpack(form, data)
    old = sets.pop() if revision == 0x03000000 else 0
    new = shift.new(old)
    sets = (sets + [0, 0])[:4]
    flags = magic & ~_REVISION
    if new and not namespaced:
        raise ValueError("a capability of a user namespace, which Linux knows from 4.14 on")
    if new:
        return struct.pack(_CAPS[0x03000000], 0x03000000 | flags, *(sets + [new])), old, new
    return struct.pack(_CAPS[0x02000000], 0x02000000 | flags, *sets), old, new


def extras(mode, uid, gid, xattrs, shifts, privileges, namespaced=True, gains=False):
    """Return the Extras of an inode.

    mode: st_mode. xattrs: {name: bytes} as far as they are in TOLD. shifts: {kind: Shift}. privileges: "keep" or "drop"
    what would get the rights of a host's own id, None to raise Privileged. namespaced: as `capability` takes it. gains:
    whether an interrupted run was about to give it such rights. Raises ValueError for attributes that cannot be read.
    """
    acls, kept = {}, set()
    for name in sorted(ACLS & set(xattrs)):
        data, stays = acl(xattrs[name], shifts)
        kept |= stays
        if data != xattrs[name]:
            acls[name] = data
    owner, group = shifts["uid"].new(uid), shifts["gid"].new(gid)
    moved = (owner, group) != (uid, gid)
    bits = 0 if stat.S_ISDIR(mode) else mode & (stat.S_ISUID | stat.S_ISGID)
    # Without S_IXGRP the bit S_ISGID means mandatory locks and gives no rights.
    gains |= bool(bits & stat.S_ISUID and _is_host(uid, owner))
    gains |= bool(bits & stat.S_ISGID and mode & stat.S_IXGRP and _is_host(gid, group))
    wanted = None
    if CAPABILITY in xattrs:
        wanted, old_root, new_root = capability(xattrs[CAPABILITY], shifts["uid"], namespaced)
        kept |= {shifts["uid"].what(old_root)} & {FOREIGN, UNMAPPED}
        gains |= _is_host(old_root, new_root)
        if old_root == new_root and not moved:
            wanted = None
    if gains and privileges is None:
        raise Privileged
    dropped = gains and privileges == "drop"
    if dropped:
        mode, bits = mode & ~bits, 0
        wanted = b"" if CAPABILITY in xattrs else None
    lost = moved and bool(bits or wanted)
    return Extras(owner, group, stat.S_IMODE(mode), acls, wanted, lost, gains, dropped, kept)


def _is_host(old, new):
    return new != old and new < LOW


def pack(stash):
    """Return a Stash as the bytes of its attribute."""
    head = _STASH.pack(2, stash.gains, stash.uid, stash.gid, stash.mode, stash.mtime_ns, stash.size)
    return head + (stash.capability or b"")


def unpack(data):
    """Return the Stash of an attribute's bytes. Raises ValueError for what `pack` did not make."""
    if len(data) < _STASH.size or data[0] != 2:
        raise ValueError(f"an attribute {STASH} that this version did not make")
    _version, gains, uid, gid, mode, mtime_ns, size = _STASH.unpack_from(data)
    return Stash(bool(gains), uid, gid, mode, mtime_ns, size, data[_STASH.size :] or None)
