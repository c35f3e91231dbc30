# SPDX-License-Identifier: GPL-3.0-or-later
"""Trees with every type of inode and every attribute, and what is to be seen of them."""

import fcntl
import json
import os
import socket
import stat
import struct
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
LIBRARY = REPOSITORY / ".cache/collections"
BASE = 2000224256
MAPPING = {
    "mapping": {kind: [{"container_start": 0, "host_start": BASE, "count": 65536}] for kind in ("uid", "gid")},
}
FLAGS, SET_FLAGS, IMMUTABLE, APPEND = 0x80086601, 0x40086602, 0x10, 0x20
ACL = "system.posix_acl_access"
DEFAULT_ACL = "system.posix_acl_default"
CAPABILITY = "security.capability"


def acl(*named):
    """An ACL that names users and groups: pairs of tag (2 user, 8 group) and id."""
    entries = [(1, 7, 0xFFFFFFFF), *[(tag, 5, number) for tag, number in named], (4, 5, 0xFFFFFFFF)]
    entries = sorted(entries + [(16, 7, 0xFFFFFFFF), (32, 1, 0xFFFFFFFF)], key=lambda one: one[0])
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)


def capability(root=None):
    """cap_net_raw+ep, good for the host's root or for that of a user namespace."""
    head = 0x02000001 if root is None else 0x03000001
    return struct.pack("<IIIII", head, 1 << 13, 0, 0, 0) + (b"" if root is None else struct.pack("<I", root))


def flags(path, new=None):
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
    try:
        old = struct.unpack_from("i", fcntl.ioctl(fd, FLAGS, bytes(8)))[0]
        if new is not None:
            fcntl.ioctl(fd, SET_FLAGS, struct.pack("q", new))
        return old
    finally:
        os.close(fd)


def write(path, data=b"x", owner=(0, 0), mode=0o644, **xattrs):
    path.write_bytes(data)
    os.chown(path, *owner)
    os.chmod(path, mode)
    for name, value in xattrs.items():
        os.setxattr(path, {"acl": ACL, "default": DEFAULT_ACL, "caps": CAPABILITY}[name], value)


def make_tree(root):
    """Every type of inode and every attribute that there is to keep."""
    root.mkdir(mode=0o750)
    os.chown(root, 0, 5)
    (root / "bin").mkdir()
    write(root / "bin/setuid", b"#!", (0, 0), 0o4755)
    write(root / "bin/setgid", b"#!", (1000, 50), 0o2755)
    write(root / "bin/both", b"#!", (7, 8), 0o6711, acl=acl((2, 33), (8, 44)), caps=capability())
    write(root / "bin/locks", b"x", (1, 1), 0o2644)
    write(root / "bin/caps", b"x", (0, 0), 0o755, caps=capability())
    write(root / "bin/caps3", b"x", (0, 0), 0o755, caps=capability(1234))
    (root / "shared").mkdir()
    os.chown(root / "shared", 3, 4)
    (root / "shared").chmod(0o3777)
    os.setxattr(root / "shared", DEFAULT_ACL, acl((2, 1000), (2, 70000000), (8, 1001)))
    os.setxattr(root / "shared", ACL, acl((8, 12)))
    write(root / "shared/acl", b"x", (9, 9), 0o640, acl=acl((2, 1), (2, 2), (8, 3)))
    write(root / "shared/plain", b"content", (65535, 65535), 0o600)
    os.setxattr(root / "shared/plain", "user.note", b"kept")
    os.mkfifo(root / "fifo")
    os.chown(root / "fifo", 2, 2)
    listener = socket.socket(socket.AF_UNIX)
    here = os.getcwd()
    os.chdir(root)  # A socket's path is short.
    listener.bind("socket")
    os.chdir(here)
    listener.close()
    os.mknod(root / "null", stat.S_IFCHR | 0o666, os.makedev(1, 3))
    os.mknod(root / "disk", stat.S_IFBLK | 0o660, os.makedev(7, 250))
    os.symlink("/etc/passwd", root / "link")
    os.lchown(root / "link", 42, 42)
    os.symlink("nowhere", root / "dangling")
    os.link(root / "bin/setuid", root / "again")
    write(root / "foreign", b"x", (70000001, 70000002), 0o600)
    write(root / "half", b"x", (70000001, 6), 0o4600)
    (root / os.fsdecode(b"b\xffd\nname")).mkdir()
    write(root / os.fsdecode(b"b\xffd\nname") / os.fsdecode(b"\xfe"), b"x", (11, 12))
    deep = root
    for number in range(30):
        deep = deep / f"deep{number}"
        deep.mkdir()
    write(deep / "end", b"x", (5, 5))
    for path in [root, *root.rglob("*")]:
        os.utime(path, ns=(1500000000123456789, 1400000000987654321), follow_symlinks=False)


def snapshot(root, ids=lambda number: number):
    """All metadata of a tree by path, ids as `ids` gives them."""
    found = {}
    for path in [root, *root.rglob("*")]:
        info = path.lstat()
        xattrs = {}
        for name in os.listxattr(path, follow_symlinks=False):
            value = os.getxattr(path, name, follow_symlinks=False)
            if name in (ACL, DEFAULT_ACL):
                entries = struct.iter_unpack("<HHI", value[4:])
                value = [(tag, mode, ids(number) if tag in (2, 8) else number) for tag, mode, number in entries]
            elif name == CAPABILITY:
                words = list(struct.unpack(f"<{len(value) // 4}I", value))
                value = words[1:5] + [ids(words[5] if len(words) > 5 else 0)]
            xattrs[name] = value
        found[str(path.relative_to(root))] = (
            info.st_mode,
            ids(info.st_uid),
            ids(info.st_gid),
            info.st_nlink,
            None if stat.S_ISDIR(info.st_mode) else info.st_size,
            info.st_rdev,
            info.st_mtime_ns,
            xattrs,
            info.st_atime_ns if stat.S_ISREG(info.st_mode) else None,
        )
    return found


def into(number):
    return number + BASE if number < 65536 else number


def snapshot_shifted(before):
    """What a snapshot looks like in MAPPING."""
    found = {}
    for path, (mode, uid, gid, links, size, device, mtime, xattrs, atime) in before.items():
        new = dict(xattrs)
        for name, value in xattrs.items():
            if name in (ACL, DEFAULT_ACL):
                new[name] = [(tag, bits, into(number) if tag in (2, 8) else number) for tag, bits, number in value]
            elif name == CAPABILITY:
                new[name] = value[:4] + [into(value[4])]
        found[path] = (mode, into(uid), into(gid), links, size, device, mtime, new, atime)
    return found


def run_module(name, check=False, **params):
    """Run a module as a process of its own; return its result with rc and stderr."""
    given = dict(params, _ansible_check_mode=check, _ansible_diff=True)
    environment = dict(os.environ, PYTHONPATH=str(LIBRARY), PYTHONDONTWRITEBYTECODE="1", LC_ALL="C.UTF-8")
    done = subprocess.run(
        [sys.executable, str(REPOSITORY / f"plugins/modules/{name}.py")],
        input=json.dumps({"ANSIBLE_MODULE_ARGS": given}).encode(),
        capture_output=True,
        check=False,
        env=environment,
    )
    assert done.stdout, done.stderr.decode()
    return dict(json.loads(done.stdout), rc=done.returncode, stderr=done.stderr.decode())
