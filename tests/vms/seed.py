# SPDX-License-Identifier: GPL-3.0-or-later
"""The NoCloud seed of a cloud image: who may enter, by which host key it is known, and its name.

QEMU shows the folder as a read-only disk with a FAT file system labelled cidata.
"""

import json
from pathlib import Path

from . import image as images

USER = "containment"
DRIVE = (
    "-blockdev",
    "driver=vvfat,node-name=seed,dir=/mnt/seed,label=cidata,read-only=on",
    "-device",
    "virtio-blk-pci,drive=seed",
)


def write(folder, name):
    """Write the seed of the machine `name`; return its public host key."""
    folder.mkdir()
    folder.chmod(0o755)  # the one above is root's alone
    key = images.make_key(folder.parent / "host_key")
    private, public = key.read_text(), Path(str(key) + ".pub").read_text()
    key.unlink()
    user = {
        "name": USER,
        "shell": "/bin/bash",
        "sudo": "ALL=(ALL) NOPASSWD:ALL",
        "lock_passwd": True,
        "ssh_authorized_keys": [Path(str(images.user_key()) + ".pub").read_text().strip()],
    }
    config = {"users": [user], "ssh_keys": {"ed25519_private": private, "ed25519_public": public}}
    (folder / "user-data").write_text("#cloud-config\n" + json.dumps(config, indent=1) + "\n")
    (folder / "meta-data").write_text(json.dumps({"instance-id": name, "local-hostname": name}) + "\n")
    return public
