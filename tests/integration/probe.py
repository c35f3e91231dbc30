# SPDX-License-Identifier: GPL-3.0-or-later
"""Machine code of x86-64 that makes calls from a table, and a static program of it, which needs nothing else."""

import os
import struct

# A record is a number of a call, six arguments and what it returned, each of 64 bits.
RECORD = struct.Struct("=8Q")
UNTOUCHED = 0x5EAF00D  # what a call returned that was never made
START = bytes.fromhex("4989ff")  # mov r15, rdi: the first record
# Load a record into rax, rdi, rsi, rdx, r10, r8, r9; syscall; store rax; go on to the next record.
CALL = bytes.fromhex("498b07 498b7f08 498b7710 498b5718 4d8b5720 4d8b4728 4d8b4f30 0f05 49894738 4983c740")
# The same into rax, rbx, rcx, rdx, rsi, rdi, rbp; int 0x80.
CALL_32 = bytes.fromhex("498b07 498b5f08 498b4f10 498b5718 498b7720 498b7f28 498b6f30 cd80 49894738 4983c740")
END = bytes.fromhex("0f0b")  # ud2, which is no call
START_AT = bytes.fromhex("4c8d3d")  # lea r15, [rip + the 32 bits behind it]: the first record
BASE = 0x400000
HEADERS = 64 + 56  # bytes of an ELF header and one program header
AT_FDCWD = 2**64 - 100
WRITE, EXIT, OPENAT = 1, 60, 257
RESULTS = "/results"  # the file a program writes to: engines lose what one that ends at once says on its output
FD = 3  # of that file: the first that is free


def record(number, args=()):
    return RECORD.pack(number, *(tuple(args) + (0,) * (6 - len(args))), UNTOUCHED)


def program(calls, compat=False):
    """Return a static ELF program that makes calls, [(number, args)], writes the table of them to RESULTS, a file that
    is there, and ends; by a 32-bit call with `compat`."""
    middle = (CALL_32 if compat else CALL) * len(calls)
    size = len(START_AT) + 4 + len(CALL) * 3 + len(middle) + len(END)
    name = BASE + HEADERS + size
    table = name + 16
    code = START_AT + struct.pack("<i", table - (BASE + HEADERS + len(START_AT) + 4)) + CALL + middle + CALL * 2 + END
    rows = [record(OPENAT, (AT_FDCWD, name, os.O_WRONLY)), *(record(*one) for one in calls)]
    rows += [record(WRITE, (FD, table + RECORD.size, len(calls) * RECORD.size)), record(EXIT, (0,))]
    return _elf(code + RESULTS.encode().ljust(16, b"\0") + b"".join(rows))


def _elf(data):
    """Return an ELF program of one segment that begins with its first instruction."""
    header = struct.pack(
        "<16sHHIQQQIHHHHHH",
        *(b"\x7fELF\x02\x01\x01", 2, 62, 1, BASE + HEADERS, 64, 0, 0, 64, 56, 1, 0, 0, 0),
    )
    length = HEADERS + len(data)
    return header + struct.pack("<IIQQQQQQ", 1, 7, 0, BASE, BASE, length, length, 0x1000) + data


def loop(number, count):
    """Return a static ELF program that makes one call without arguments `count` times and ends."""
    code = b"\xbd" + struct.pack("<I", count) + b"\xb8" + struct.pack("<I", number) + bytes.fromhex("0f05 ffcd 75f5")
    code += b"\xb8" + struct.pack("<I", EXIT) + bytes.fromhex("31ff 0f05")
    return _elf(code)


def results(output):
    """Return what each call returned, errors as negative numbers, of what the program wrote."""
    return [value - 2**64 if value > 2**63 else value for *_call, value in RECORD.iter_unpack(output)]
