# SPDX-License-Identifier: GPL-3.0-or-later
"""Disk images of virtual machines, built once from Debian packages and kept in the cache.

An image is built without a loop device or a mount: the tree is made by mmdebstrap, the file system from the tree by
mke2fs, and GRUB's first sectors are placed where its installer would. An image has no engine, but the packages for one
and for another kernel: /opt/engine installs the engine offline, /opt/another-kernel a kernel, whose version it prints.

debian        Debian 13: engine 26.1, /etc/default/grub and update-grub.
debian-cloud  The same with cloud-init, to try the way of cloud images: no key, no name and no network in it.
el-layout     The layout of Enterprise Linux 9 on Debian testing's files: engine 28.5, boot loader entries, grubenv,
              kernel-install, grubby (tests/integration/boot/standins), dnf with a repository of rpms. It proves these
              mechanics and not Enterprise Linux: no SELinux, no kernel and no engine of Red Hat's.
"""

import os
import shlex
import shutil
import struct
import uuid
from pathlib import Path

from tests.hosts import tree
from tests.hosts._paths import CHECKOUT

from ._paths import IMAGES, SCRIPTS
from .image import Image, make_key, user_key

SUITES = {
    "debian": ["trixie"],
    "debian-cloud": ["trixie"],
    "el-layout": ["forky", "trixie"],  # trixie for its kernels
}
NAMES = ("debian", "el-layout")
PACKAGES = (
    "busybox-static,dbus,e2fsprogs,grub-pc,initramfs-tools,iproute2,iptables,kmod,login,mount,openssh-server,passwd,"
    "procps,python3,systemd,systemd-sysv,udev,zstd"
)
MORE = {
    "debian": "python3-apt",
    "debian-cloud": "cloud-guest-utils,cloud-init,fdisk,python3-apt,sudo",
    "el-layout": "createrepo-c,dnf,python3-dnf,rpm",
}
SIZE = 8 << 30  # what is not written takes no room
START = 2048  # sector of the file system; GRUB's core lies before it
FINISH = CHECKOUT / "tests/hosts/scripts/finish-tree.sh"
GRUBBY = CHECKOUT / "tests/integration/boot/standins/grubby"


def _write_disk(root, grub, identifier, disk):
    """Partition table, boot sector and core, then the file system with all that is below root."""
    with open(disk, "wb") as out:
        out.truncate(SIZE)
        boot = (grub / "boot.img").read_bytes()[:440]
        entry = struct.pack("<B3sB3sII", 0x80, b"\xfe\xff\xff", 0x83, b"\xfe\xff\xff", START, SIZE // 512 - START)
        out.write(boot.ljust(446, b"\0") + entry.ljust(64, b"\0") + b"\x55\xaa")
        core = (grub / "core.img").read_bytes()
        if len(core) > (START - 1) * 512:
            raise RuntimeError("GRUB's core has %d bytes, more than fit before the file system" % len(core))
        out.write(core)
    argv = ["mke2fs", "-q", "-F", "-t", "ext4", "-L", "root", "-U", identifier, "-O", "^metadata_csum_seed"]
    argv += ["-E", "offset=%d" % (START * 512), "-d", str(root), str(disk), "%dk" % ((SIZE - START * 512) // 1024)]
    return argv


def _build(name, out):
    out.mkdir()
    out.chmod(0o755)  # the folder above is root's alone
    identifier, root = str(uuid.uuid4()), out / "root"
    make_key(out / "host_key")
    shutil.copy(str(user_key()) + ".pub", out / "user_key.pub")
    words = ["sh", SCRIPTS / "make-root.sh", name, identifier, out, FINISH, GRUBBY]
    script, *words = (shlex.quote(str(word)) for word in words[1:])
    options = [*tree._options(), "--variant=minbase", "--include=%s,%s" % (PACKAGES, MORE[name])]
    options += [
        '--essential-hook=echo grub-pc grub-pc/install_devices_empty boolean true | chroot "$1" debconf-set-selections',
        '--customize-hook=sh %s "$1" %s' % (script, " ".join(words)),
    ]
    if name == "el-layout":  # whose boot loader entries have the machine's id in their names
        options.append("--skip=cleanup/reproducible")
    argv = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "mmdebstrap", *options]
    sources = [tree._source(suite) for suite in SUITES[name]]
    tree._run([*argv, SUITES[name][0], str(root), *sources], str(out) + ".log")
    grub = root / ("boot/grub2/i386-pc" if name == "el-layout" else "boot/grub/i386-pc")
    tree._run(_write_disk(root, grub, identifier, out / "disk"), str(out) + ".mke2fs.log")
    os.unlink(str(out) + ".mke2fs.log")
    shutil.rmtree(root)
    for spare in ("host_key", "user_key.pub"):
        (out / spare).unlink()
    (out / "disk").chmod(0o644)


def built(name):
    """The image `name`, built first where it is missing. Raises NotPossible, RuntimeError (with the log's tail)."""
    scripts = [SCRIPTS / "make-root.sh", SCRIPTS / "repack.sh", FINISH, Path(__file__)]
    if name == "el-layout":
        scripts += [SCRIPTS / "el-layout.sh", GRUBBY, *sorted((SCRIPTS / "el").iterdir())]
    inputs = [Path(str(user_key()) + ".pub").read_text(), *(script.read_text() for script in scripts)]
    full = "%s-%s" % (name, tree._key(name, *inputs))
    told = "virtual machines: building image %s (about a minute)"
    layer = tree._once(full, lambda out: _build(name, out), IMAGES, told)
    return Image(full, layer, "disk", "raw", (layer / "host_key.pub").read_text())
