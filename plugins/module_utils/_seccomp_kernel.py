# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The seccomp filters of a running process, read from the kernel. Decides nothing."""

import contextlib
import ctypes
import errno
import os
import time

from ansible_collections.containment.docker.plugins.module_utils import _seccomp_bpf
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

# include/uapi/linux/ptrace.h, wait.h
_SEIZE, _INTERRUPT, _DETACH, _GET_FILTER = 0x4206, 0x4207, 17, 0x420C
_WALL = 0x40000000
_SIZE = 8  # bytes of an instruction


def filters(pid, seconds=10):
    """Return the programs, as _seccomp_bpf.run takes them, that a process is under, the oldest first.

    The process stands still while it is read. Raises ContainmentError where it does not come to that within `seconds`;
    OSError as ptrace(2): EACCES where the caller is under a filter itself, EIO where the kernel was built without
    CONFIG_CHECKPOINT_RESTORE, EPERM where it may not look.
    """
    call = ctypes.CDLL(None, use_errno=True).ptrace
    call.restype = ctypes.c_long
    call.argtypes = (ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p)

    def ptrace(request, address=None, data=None):
        result = call(request, pid, address, data)
        if result < 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
        return result

    ptrace(_SEIZE)
    try:
        ptrace(_INTERRUPT)
        _wait(pid, seconds)
        return list(_read(ptrace))
    finally:
        with contextlib.suppress(ProcessLookupError):  # It has ended, or its tracer has, which is this process.
            ptrace(_DETACH)


def _wait(pid, seconds):
    deadline = time.monotonic() + seconds
    while os.waitpid(pid, os.WNOHANG | _WALL)[0] == 0:
        if time.monotonic() > deadline:
            raise ContainmentError(f"process {pid}", f"does not stop within {seconds} seconds", "run again")
        time.sleep(0.005)


def _read(ptrace):
    number = 0
    while True:
        try:
            size = ptrace(_GET_FILTER, number)
        except OSError as error:
            # No filter of that number; EINVAL: none at all.
            if error.errno == errno.ENOENT or (error.errno == errno.EINVAL and number == 0):
                return
            raise
        buffer = ctypes.create_string_buffer(size * _SIZE)
        ptrace(_GET_FILTER, number, ctypes.addressof(buffer))
        yield _seccomp_bpf.instructions(buffer.raw)
        number += 1
