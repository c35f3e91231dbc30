# SPDX-License-Identifier: GPL-3.0-or-later
import struct

import pytest

from ansible_collections.containment.docker.plugins.module_utils import _shift_attrs as core
from ansible_collections.containment.docker.plugins.module_utils import _shift_map

BASE = 2000224256
MAPPING = [(0, BASE, 65536)]
IN = dict.fromkeys(_shift_map.KINDS, _shift_map.Shift.between(_shift_map.IDENTITY, MAPPING))
OUT = dict.fromkeys(_shift_map.KINDS, _shift_map.Shift.between(MAPPING, _shift_map.IDENTITY))
# uids alone
UIDS = {"uid": IN["uid"], "gid": _shift_map.Shift([], [])}
FILE, DIRECTORY, ACCESS = 0o100000, 0o040000, "system.posix_acl_access"
NOBODY = 0xFFFFFFFF


def acl(*entries):
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)


def v2(permitted=1 << 13, flag=1):
    return struct.pack("<IIIII", 0x02000000 | flag, permitted, 2, 3, 4)


def v3(root, permitted=1 << 13, flag=1):
    return struct.pack("<IIIIII", 0x03000000 | flag, permitted, 2, 3, 4, root)


def extras(mode, uid=0, gid=0, xattrs=None, shifts=None, privileges=None, **more):
    return core.extras(mode, uid, gid, xattrs or {}, shifts or IN, privileges, **more)


def test_ids_of_users_and_groups_in_an_acl_are_shifted():
    data = acl((1, 7, NOBODY), (2, 5, 33), (2, 5, 70000), (4, 5, NOBODY), (8, 4, 44), (16, 7, NOBODY), (32, 0, NOBODY))
    shifted, kept = core.acl(data, UIDS)
    assert shifted == data.replace(struct.pack("<I", 33), struct.pack("<I", BASE + 33))
    assert kept == {_shift_map.UNMAPPED, _shift_map.FOREIGN}
    assert core.acl(shifted, IN)[0] == shifted.replace(struct.pack("<I", 44), struct.pack("<I", BASE + 44))
    assert core.acl(acl(), IN) == (acl(), set())


@pytest.mark.parametrize("data", [b"", b"\2\0\0", struct.pack("<I", 1), acl() + b"x", acl((1, 7, 0))[:-1]])
def test_what_is_no_acl_is_told(data):
    with pytest.raises(ValueError, match="ACL"):
        core.acl(data, IN)


def test_the_root_of_a_capability_is_shifted():
    assert core.capability(v2(), IN["uid"], True) == (v3(BASE), 0, BASE)
    assert core.capability(v3(7, flag=0), IN["uid"], True) == (v3(BASE + 7, flag=0), 7, BASE + 7)
    assert core.capability(v3(BASE), OUT["uid"], False) == (v2(), BASE, 0)
    assert core.capability(v3(BASE + 1), OUT["uid"], True) == (v3(1), BASE + 1, 1)
    assert core.capability(v3(99999), OUT["uid"], True) == (v3(99999), 99999, 99999)
    first = struct.pack("<III", 0x01000001, 8, 9)
    assert core.capability(first, IN["uid"], True)[0] == struct.pack("<IIIIII", 0x03000001, 8, 9, 0, 0, BASE)


@pytest.mark.parametrize("data", [b"", b"\0\0", v2()[:-1], v3(1) + b"x", struct.pack("<I", 0x04000000) + bytes(20)])
def test_what_is_no_capability_is_told(data):
    with pytest.raises(ValueError, match="capability"):
        core.capability(data, IN["uid"], True)


def test_an_inode_without_anything():
    assert extras(FILE | 0o644, 5, 6) == core.Extras(BASE + 5, BASE + 6, 0o644, {}, None, False, False, False, set())
    assert extras(FILE | 0o644, BASE, BASE) == core.Extras(BASE, BASE, 0o644, {}, None, False, False, False, set())


def test_bits_have_to_be_given_back_where_the_owner_changes():
    for mode in (0o4755, 0o2755, 0o6711, 0o2644, 0o7777):
        assert extras(FILE | mode)[2:] == (mode, {}, None, True, False, False, set())
    assert not extras(FILE | 0o4755, BASE, BASE).lost
    assert not extras(FILE | 0o1755).lost
    # chown leaves those of directories.
    assert extras(DIRECTORY | 0o7777)[2:] == (0o7777, {}, None, False, False, False, set())
    assert extras(FILE | 0o4755, 5, 6, shifts=UIDS).lost


def test_capabilities_have_to_be_given_back():
    found = extras(FILE | 0o755, xattrs={core.CAPABILITY: v2()})
    assert (found.capability, found.lost, found.mode) == (v3(BASE), True, 0o755)
    # The owner stays, the root changes: they are set, nothing is taken.
    found = extras(FILE | 0o755, BASE, BASE, {core.CAPABILITY: v3(7)})
    assert (found.capability, found.lost) == (v3(BASE + 7), False)
    assert extras(FILE | 0o755, BASE, BASE, {core.CAPABILITY: v3(BASE)}).capability is None
    # The owner changes, the root stays: taken by chown and given back as they were.
    found = extras(FILE | 0o755, 0, 0, {core.CAPABILITY: v3(BASE)})
    assert (found.capability, found.lost) == (v3(BASE), True)
    found = extras(FILE | 0o755, 0, 0, {core.CAPABILITY: v3(70000)})
    assert (found.capability, found.kept) == (v3(70000), {_shift_map.UNMAPPED})


def test_acls_that_change():
    xattrs = {name: acl((2, 5, 33), (8, 5, 70000)) for name in core.ACLS}
    found = extras(FILE | 0o644, xattrs=xattrs)
    assert found.acls == dict.fromkeys(core.ACLS, acl((2, 5, BASE + 33), (8, 5, 70000)))
    assert found.kept == {_shift_map.UNMAPPED} and not found.lost
    assert extras(FILE | 0o644, xattrs={ACCESS: acl((2, 5, BASE))}).acls == {}


@pytest.mark.parametrize(
    "mode, uid, gid, xattrs",
    [
        (0o4755, BASE, BASE, {}),
        (0o4600, BASE + 65535, 7, {}),
        (0o2755, 70000, BASE, {}),
        (0o6755, BASE, BASE, {}),
        (0o755, BASE, BASE, {core.CAPABILITY: v3(BASE)}),
        (0o755, 70000, 70000, {core.CAPABILITY: v3(BASE)}),
    ],
)
def test_rights_of_a_hosts_own_id_are_for_somebody_else_to_decide(mode, uid, gid, xattrs):
    with pytest.raises(core.Privileged):
        extras(FILE | mode, uid, gid, xattrs, OUT)
    kept = extras(FILE | mode, uid, gid, xattrs, OUT, "keep")
    assert kept.mode == mode and kept.gains and not kept.dropped
    assert kept.lost == ((uid, gid) != (70000, 70000))
    dropped = extras(FILE | mode, uid, gid, xattrs, OUT, "drop")
    assert dropped.dropped and not dropped.lost and not dropped.mode & 0o6000
    assert dropped.capability == (b"" if xattrs else None)


@pytest.mark.parametrize(
    "mode, uid, gid, xattrs",
    [
        (0o2644, BASE, BASE, {}),  # Mandatory locks.
        (0o4755, 70000, BASE, {}),  # Of an owner who stays.
        (0o2755, BASE, 70000, {}),
        (0o755, BASE, BASE, {core.CAPABILITY: v3(70000)}),
        (0o4755, 5, 5, {core.CAPABILITY: v2()}),  # A host's own before, too.
    ],
)
def test_what_gains_no_rights_is_kept_unasked(mode, uid, gid, xattrs):
    found = extras(FILE | mode, uid, gid, xattrs, OUT)
    assert found.mode == mode and not found.dropped and not found.gains


def test_a_stash_comes_back_as_it_was():
    for capability in (None, v3(BASE)):
        stash = core.Stash(True, BASE, 4294967294, 0o6755, -5, 1 << 40, capability)
        assert core.unpack(core.pack(stash)) == stash


@pytest.mark.parametrize("data", [b"", b"\1" + bytes(60), b"\2" + bytes(10)])
def test_what_is_no_stash_is_told(data):
    with pytest.raises(ValueError, match="did not make"):
        core.unpack(data)


def test_what_an_interrupted_run_was_about_to_give_is_asked_for_again():
    with pytest.raises(core.Privileged):
        extras(FILE | 0o4755, 0, 0, shifts=OUT, gains=True)
    assert extras(FILE | 0o4755, 0, 0, shifts=OUT, privileges="keep", gains=True).mode == 0o4755
    dropped = extras(FILE | 0o4755, 0, 0, {core.CAPABILITY: v2()}, OUT, "drop", gains=True)
    assert (dropped.mode, dropped.capability, dropped.dropped) == (0o755, b"", True)


def test_an_old_kernel_gets_no_capability_that_it_cannot_read():
    with pytest.raises(ValueError, match="which Linux knows from 4"):
        extras(FILE | 0o755, xattrs={core.CAPABILITY: v2()}, namespaced=False)
    assert extras(FILE | 0o755, BASE, BASE, {core.CAPABILITY: v2()}, OUT, namespaced=False).capability == v2()


def test_ids_that_become_one_have_one_entry_with_the_rights_of_all():
    owner = dict.fromkeys(_shift_map.KINDS, _shift_map.Shift.to_owner(_shift_map.IDENTITY, 7))
    data = acl((1, 7, NOBODY), (2, 4, 33), (2, 1, 34), (4, 5, NOBODY), (8, 4, 7), (16, 7, NOBODY), (32, 0, NOBODY))
    assert core.acl(data, owner)[0] == acl(
        (1, 7, NOBODY), (2, 5, 7), (4, 5, NOBODY), (8, 4, 7), (16, 7, NOBODY), (32, 0, NOBODY)
    )
