# SPDX-License-Identifier: GPL-3.0-or-later
"""Trees of many files with many owners, for the programs beside this file."""

import os
import struct
from pathlib import Path

FILES, OWNERS = 220000, 30
BASE, SIZE = 2000224256, 65536
CAPABILITY = struct.pack("<IIIII", 0x02000001, 1 << 13, 0, 0, 0)
ACL = struct.pack("<I", 2) + b"".join(
    struct.pack("<HHI", *entry)
    for entry in ((1, 6, 2**32 - 1), (2, 4, 33), (4, 4, 2**32 - 1), (16, 6, 2**32 - 1), (32, 0, 2**32 - 1))
)


def make(root, files, extras=True):
    """Twenty files in each directory, a hundred directories in each of the next level."""
    number = 0
    while number < files:
        folder = root / f"d{number // 2000}/e{number // 20 % 100}"
        folder.mkdir(parents=True)
        for _file in range(20):
            path = f"{folder}/file-{number:07d}"
            os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o644))
            number += 1
    own(root, extras)


def own(root, extras=True):
    """Give everything its owners. extras: every thousandth file has a setuid bit, a capability and an ACL, too."""
    number = 0
    for folder, _folders, files in os.walk(root):
        for name in files:
            path = f"{folder}/{name}"
            os.chown(path, number % OWNERS, number // OWNERS % OWNERS)
            if extras and not number % 1000:
                os.setxattr(path, "system.posix_acl_access", ACL)
                Path(path).chmod(0o4755)
                os.setxattr(path, "security.capability", CAPABILITY)
            number += 1
        os.chown(folder, 0, 0)


def forget():
    """Let the kernel forget directory entries and inodes, not the blocks that they are read from."""
    os.sync()
    Path("/proc/sys/vm/drop_caches").write_text("2\n")
