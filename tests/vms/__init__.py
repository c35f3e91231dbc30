# SPDX-License-Identifier: GPL-3.0-or-later
"""Throwaway virtual machines on this machine: a kernel, a boot loader and a reboot of their own.

    with start_vm("debian") as vm:                        # from a saved state, in about ten seconds
        vm.run(["/opt/engine"])
        play("containment.docker.harden", [vm]).check()   # of tests.hosts
        vm.reboot()

They need no loop device and nothing on this machine but packages of its own Debian (they say so first);
they reach no network, but for those from cloud images, whose packages come from their repositories;
KVM is used where it works, else the processor is emulated. Images, saved states and machines are kept below .cache/vms
(CONTAINMENT_CACHE). CONTAINMENT_PATIENCE=3 makes all time-outs three times as long.
By hand: `python -m tests.vms --help`.
"""

from tests.hosts import CommandFailed, NotPossible

from .build import NAMES
from .start import prepare, start_vm
from .vm import Vm, VmError, all_vms, sweep

__all__ = ["NAMES", "CommandFailed", "NotPossible", "Vm", "VmError", "all_vms", "prepare", "start_vm", "sweep"]
