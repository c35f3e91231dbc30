# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a seccomp filter, a program for the kernel's classic BPF machine, says of a system call. Pure."""

import collections
import errno
import struct

# number: of the call, with bit 30 set for one of x32. arch: AUDIT_ARCH_ number. args: six numbers of 64 bits.
Call = collections.namedtuple("Call", "number arch args")

# The actions of include/uapi/linux/seccomp.h, by the upper half of what a filter returns, and libseccomp's names.
ACTIONS = {
    0x8000: "SCMP_ACT_KILL_PROCESS",
    0x0000: "SCMP_ACT_KILL_THREAD",
    0x0003: "SCMP_ACT_TRAP",
    0x0005: "SCMP_ACT_ERRNO",
    0x7FC0: "SCMP_ACT_NOTIFY",
    0x7FF0: "SCMP_ACT_TRACE",
    0x7FFC: "SCMP_ACT_LOG",
    0x7FFF: "SCMP_ACT_ALLOW",
}
_WITH_DATA = ("SCMP_ACT_ERRNO", "SCMP_ACT_TRACE")
X32 = 1 << 30
_LOAD, _AND, _JUMP, _RETURN = 0x20, 0x54, 0x05, 0x06
_TESTS = {
    0x15: lambda value, k: value == k,
    0x25: lambda value, k: value > k,
    0x35: lambda value, k: value >= k,
    0x45: lambda value, k: bool(value & k),
}


def instructions(data):
    """Return [(code, jump if true, jump if false, constant)] of a program in the host's byte order."""
    return list(struct.iter_unpack("=HBBI", data))


def run(program, call):
    """Return (action, its data, None where it has none) of a program, as `instructions` returns it, for a Call.

    Raises ValueError for what is no filter: an instruction that libseccomp and runc do not make, a way out of it.
    """
    memory = struct.pack("=iIQ6Q", _signed(call.number), call.arch, 0, *call.args)
    accumulator, place = 0, 0
    while 0 <= place < len(program):
        code, jump_true, jump_false, constant = program[place]
        place += 1
        if code == _RETURN:
            name = ACTIONS.get(constant >> 16)
            if name is None:
                raise ValueError(f"the filter returns 0x{constant:08x}, which is no action")
            return name, constant & 0xFFFF if name in _WITH_DATA else None
        if code == _LOAD:
            if constant % 4 or constant > len(memory) - 4:
                raise ValueError(f"the filter reads at {constant}, where there is nothing")
            (accumulator,) = struct.unpack_from("=I", memory, constant)
        elif code == _AND:
            accumulator &= constant
        elif code == _JUMP:
            place += constant
        elif code in _TESTS:
            place += jump_true if _TESTS[code](accumulator, constant) else jump_false
        else:
            raise ValueError(f"the filter has the instruction 0x{code:02x}, which is not known here")
    raise ValueError("the filter ends without an answer")


def _signed(number):
    return number - (1 << 32) if number >= 1 << 31 else number


def is_unknown(highest, call):
    """Whether a runtime answers ENOSYS to a Call before it asks the filter (runc 1.0-rc93 on, libcontainer/seccomp).

    highest: {(AUDIT_ARCH_ number, whether x32): highest number of a call that the profile names}, empty for a profile
    whose default action lets calls pass or is that errno.
    """
    last = highest.get((call.arch, bool(call.number & X32)))
    return last is not None and call.number > last


def answer(program, highest, call):
    """Return what a container gets for a Call: as of `run`, with what the runtime adds."""
    if is_unknown(highest, call):
        return "SCMP_ACT_ERRNO", errno.ENOSYS
    return run(program, call)
