# SPDX-License-Identifier: GPL-3.0-or-later
"""How a virtual machine comes to be: from a saved state that was made once, or by a cold start."""

import functools
import os
import re
import secrets
import shutil
import sys
from pathlib import Path

from tests.hosts import machine, tree
from tests.hosts._paths import CACHE, NotPossible
from tests.hosts.processes import start_time

from . import qemu
from ._paths import COMMAND, IMAGES, STATES
from .build import NAMES, built
from .image import given
from .vm import Vm, all_vms

TOOLS_OF = {
    "mke2fs": "e2fsprogs",
    "mmdebstrap": "mmdebstrap",
    "setpriv": "util-linux",
    "ssh": "openssh-client",
    "ssh-keygen": "openssh-client",
    "unshare": "util-linux",
}
# What a new machine does once, before its state is kept.
SETTLE = {
    "debian": "update-grub",
    "el-layout": "true",
}
AT_REST = "sync; echo 3 >/proc/sys/vm/drop_caches; sleep 2"  # pages that are free again need not be kept


@functools.lru_cache(maxsize=None)
def prepare():
    """Install what is missing, choose and unpack a QEMU. Raises NotPossible."""
    if sys.platform != "linux" or os.geteuid() != 0 or os.uname().machine != "x86_64":
        raise NotPossible("not possible here: virtual machines need root on Linux on x86_64")
    if re.search(r"[\s,:\\\"'%]", str(CACHE)):  # QEMU's and ssh's options cannot carry them
        raise NotPossible(
            "not possible here: the path %s has a blank, comma, colon, quote, percent sign or backslash: set "
            "CONTAINMENT_CACHE to another folder" % CACHE
        )
    missing = {package for tool, package in TOOLS_OF.items() if not shutil.which(tool)}
    if not os.path.exists(machine.KEYRING):
        missing.add("debian-archive-keyring")
    if missing:
        if not shutil.which("apt-get"):
            raise NotPossible(
                "not possible here: %s missing and no apt-get to install them" % ", ".join(sorted(missing))
            )
        machine._install(sorted(missing))
    return qemu.program()


def _owner():
    return [os.getpid(), start_time(os.getpid())]


def _prune(kind, current):
    """Delete the images and states of this kind that the current image replaces and no machine stands on."""
    used = {layer for vm in all_vms() for layer in (vm.image.layer, vm.state)}
    for folder in (IMAGES, STATES):
        for layer in folder.iterdir():
            ours = re.fullmatch(kind + r"-[0-9a-f]{12}(-[0-9a-f]{12})?", layer.name)
            old = ours and not layer.name.startswith(current)
            if old and layer not in used:
                shutil.rmtree(layer)


def saved(image, memory):
    """The folder of the saved state of a built image, made first by a cold start where it is missing."""
    name = image.name.rpartition("-")[0]
    words = [image.name, prepare().name(), *qemu.machine(memory), SETTLE[name], AT_REST]

    def build(out):
        with Vm("saving-" + secrets.token_hex(3), image, memory, None, _owner()) as vm:
            vm.create()
            vm.start()
            vm.run(["sh", "-ec", SETTLE[name]], timeout=2 * COMMAND)
            vm.run(["sh", "-ec", AT_REST])
            shutil.copy(vm.console, str(out) + ".log")
            vm.save(out)
        _prune(name, image.name)

    told = "virtual machines: first start of %s (1 to 3 minutes, many times that on a busy machine)"
    return tree._once("%s-%s" % (image.name, tree._key(*words)), build, STATES, told)


def start_vm(image, name=None, keep=False, memory=1024):
    """Build what is missing, start a virtual machine and return it ready for use.

    image: "debian", "el-layout", or the path of a cloud image (qcow2 or raw, BIOS), which gets a disk of 20 GB, a user
    who may sudo and a host key by a NoCloud seed. memory: MiB.
    A machine that its process leaves behind is removed by the next sweep(), unless it is to `keep` until removed by
    hand. Raises NotPossible (this machine cannot), VmError (it did not come up; nothing is left of it), RuntimeError
    (an image could not be built), ValueError (no such image).
    """
    if name is not None and not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,40}", name):
        raise ValueError("name %r is not a host name of small letters, digits and hyphens" % name)
    prepare()
    if image in NAMES:
        disk = built(image)
        state = saved(disk, memory)
    elif Path(image).is_file():
        disk, state = given(image), None
    else:
        raise ValueError("image %r is not one of %s and no file" % (image, ", ".join(NAMES)))
    name = name or "%s-%s" % ("cloud" if disk.cloud else image, secrets.token_hex(3))
    vm = Vm(name, disk, memory, state, None if keep else _owner())
    vm.create()
    try:
        return vm.start()
    except BaseException:
        vm.remove()
        raise
