# SPDX-License-Identifier: GPL-3.0-or-later
"""What a disk image is, and which keys open the machines."""

import dataclasses
import struct
import subprocess
from pathlib import Path

from tests.hosts._paths import make_private

from ._paths import VMS

CLOUD_SIZE = 20 << 30  # what is not written takes no room


@dataclasses.dataclass(frozen=True)
class Image:
    """A disk that overlays start from. `name` is also its key; `layer` (file or folder) holds `disk` (a path in it)."""

    name: str
    layer: Path
    disk: str
    format: str
    host_key: str  # public; "" where the machine is given one at its start
    size: int = 0  # bytes of the machine's disk where it is not the image's
    cloud: bool = False


def make_key(path):
    """Make an ssh key pair where there is none."""
    if not path.exists():
        argv = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "containment", "-f", str(path)]
        subprocess.run(argv, check=True, stdin=subprocess.DEVNULL)
    return path


def user_key():
    """Path of the private key that opens every machine of this cache."""
    return make_key(make_private(VMS) / "user_key")


def given(path):
    """A cloud image, raw or qcow2, that the caller has. Raises ValueError when it is neither.

    The way was tried with an image of our own with cloud-init (build.py), not with those of Ubuntu and CentOS, which
    start from BIOS as well as from UEFI: here it is BIOS.
    """
    path = Path(path).resolve()
    if not path.stat().st_mode & 0o004:
        raise ValueError("%s: QEMU runs as a user of its own, who may not read it: run 'chmod o+r' on it" % path)
    with open(path, "rb") as disk:
        head = disk.read(112)
    if head[:4] != b"QFI\xfb":
        if head[:2] == b"\0\0" or len(head) < 112:
            raise ValueError("%s is neither a qcow2 nor a raw disk image with a boot sector" % path)
        return Image(path.name, path, "", "raw", "", max(CLOUD_SIZE, path.stat().st_size), cloud=True)
    version, backing = struct.unpack(">IQ", head[4:16])
    size = struct.unpack(">Q", head[24:32])[0]
    features = struct.unpack(">Q", head[72:80])[0] if version >= 3 else 0
    if backing or features & 4:
        raise ValueError("%s refers to another file, which an image may not" % path)
    return Image(path.name, path, "", "qcow2", "", max(CLOUD_SIZE, size), cloud=True)
