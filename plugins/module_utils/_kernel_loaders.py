# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which boot loader a host has.

Each answer is a module with read(), name(state), entries(state), plan(state, wanted), apply(state, plan, wanted) and
CARRIES_QUOTES: whether words in quotes survive its tools.
"""

import glob
import os

from ansible_collections.containment.docker.plugins.module_utils import (
    _host_probe,
    _kernel_boot,
    _kernel_bootc,
    _kernel_grubby,
    _kernel_mkconfig,
    _kernel_ostree,
    _kernel_systemd_boot,
)
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

# What says which program booted the host (boot loader interface); UTF-16 behind four bytes of attributes.
LOADER_INFO = "/sys/firmware/efi/efivars/LoaderInfo-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f"
UNKNOWN = (
    ("/etc/zipl.conf", "zipl, whose boot record has to be written after each change"),
    ("/boot/extlinux/extlinux.conf", "extlinux or U-Boot with extlinux.conf"),
    ("/boot/firmware/cmdline.txt", "the firmware of a Raspberry Pi"),
    ("/boot/syslinux/syslinux.cfg", "syslinux"),
    ("/etc/lilo.conf", "LILO"),
    ("/boot/grub/menu.lst", "GRUB 0.97"),
    ("/boot/grub2/grub.cfg", "GRUB without grubby"),
    ("/boot/grub/grub.cfg", "GRUB without update-grub"),
)


def detect():
    """Return the loader of this host. Raises ContainmentError for one that is not known, or none at all."""
    if os.path.exists("/run/ostree-booted"):
        if _host_probe.executable("rpm-ostree") is None:
            raise _refusal("this host runs a bootc image without rpm-ostree", "put kargs.d into the image and upgrade")
        return _kernel_ostree
    _kernel_boot.refuse_unmounted("/boot")
    grubs, others = _grubs(), [_kernel_systemd_boot] if _is_systemd_boot() else []
    if grubs == [_kernel_grubby] and os.path.isdir("/sys/firmware/efi") and not _kernel_grubby.has_entries():
        _kernel_boot.refuse_unmounted("/boot/efi")
    if os.path.exists(UNKNOWN[0][0]) and os.uname().machine == "s390x":
        raise _refusal(f"{UNKNOWN[0][0]} is of {UNKNOWN[0][1]}", "set the argument by hand")
    if grubs and others:
        told = _booted_by()
        if "systemd-boot" in told:
            return others[0]
        if "grub" not in told.lower():
            raise _refusal(
                "there are files of GRUB and of systemd-boot, and the firmware does not say which one boots",
                "remove what is not in use",
            )
    if grubs + others:
        return (grubs + others)[0]
    for directory in ("/boot/efi", "/efi"):
        _kernel_boot.refuse_unmounted(directory)
    if os.path.isdir("/usr/lib/bootc"):
        return _kernel_bootc
    for path, what in UNKNOWN:
        if os.path.exists(path):
            raise _refusal(f"{path} is of {what}", "set the argument by hand")
    raise _refusal(
        "there is none below /boot: this is a container, a chroot, or boots otherwise",
        "run it on the host itself",
    )


def _grubs():
    if _host_probe.executable("grubby") and (_kernel_grubby.configs() or _grubby_entries()):
        return [_kernel_grubby]
    if _host_probe.executable("update-grub") and os.path.exists(_kernel_mkconfig.CONFIG):
        return [_kernel_mkconfig]
    return []


def _grubby_entries():
    return bool(_kernel_boot.names_in(_kernel_grubby.ENTRIES, ".conf")) and bool(glob.glob("/boot/grub2/grubenv"))


def _is_systemd_boot():
    """Tell whether kernel-install and a systemd-boot with entries or unified images are there."""
    if _host_probe.executable("kernel-install") is None:
        return False
    installed = any(
        glob.glob(place + pattern)
        for place in _kernel_systemd_boot.ROOTS
        for pattern in ("/EFI/systemd/systemd-boot*.efi", "/loader/loader.conf")
    )
    return installed and _kernel_systemd_boot.root() is not None


def _booted_by():
    """Return what the boot loader told the firmware of itself, "" where it told nothing."""
    data = _host_probe.text(LOADER_INFO)
    return "" if data is None else data.replace("\0", "")


def _refusal(cause, mend):
    return ContainmentError("boot loader", cause, mend)
