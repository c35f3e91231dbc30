# SPDX-License-Identifier: GPL-3.0-or-later
"""Small programs for the kernel's classic BPF machine, and what a runtime adds to them."""

import errno
import struct

import pytest

from ansible_collections.containment.docker.plugins.module_utils import _seccomp_bpf as core

ARCH = 0xC000003E
CALL = core.Call(41, ARCH, (0x100000002, 1, 2, 3, 4, 5))
ALLOW, EPERM = (0x06, 0, 0, 0x7FFF0000), (0x06, 0, 0, 0x00050001)


def load(offset):
    return (0x20, 0, 0, offset)


def test_a_program_is_read_as_it_is_exported():
    data = struct.pack("=HBBI", 0x20, 0, 0, 4) + struct.pack("=HBBI", 0x15, 1, 2, ARCH)
    assert core.instructions(data) == [(0x20, 0, 0, 4), (0x15, 1, 2, ARCH)]


@pytest.mark.parametrize(
    "offset, value",
    [(0, 41), (4, ARCH), (8, 0), (16, 2), (20, 1), (24, 1), (28, 0), (32, 2), (40, 3), (48, 4), (56, 5), (60, 0)],
)
def test_every_part_of_a_call_is_where_the_kernel_has_it(offset, value):
    program = [load(offset), (0x15, 0, 1, value), ALLOW, EPERM]
    assert core.run(program, CALL) == ("SCMP_ACT_ALLOW", None)


@pytest.mark.parametrize(
    "code, constant, expected",
    [
        (0x15, 41, True),
        (0x15, 42, False),
        (0x25, 40, True),
        (0x25, 41, False),
        (0x35, 41, True),
        (0x35, 42, False),
        (0x45, 0x21, True),
        (0x45, 0x16, False),
    ],
)
def test_comparisons(code, constant, expected):
    program = [load(0), (code, 1, 0, constant), EPERM, ALLOW]
    assert (core.run(program, CALL)[0] == "SCMP_ACT_ALLOW") is expected


def test_masks_and_jumps():
    program = [load(0), (0x54, 0, 0, 0x0F), (0x05, 0, 0, 1), EPERM, (0x15, 0, 1, 41 & 0x0F), ALLOW, EPERM]
    assert core.run(program, CALL) == ("SCMP_ACT_ALLOW", None)


@pytest.mark.parametrize(
    "value, expected",
    [
        (0x7FFF0000, ("SCMP_ACT_ALLOW", None)),
        (0x7FFC0000, ("SCMP_ACT_LOG", None)),
        (0x7FF00007, ("SCMP_ACT_TRACE", 7)),
        (0x7FC00000, ("SCMP_ACT_NOTIFY", None)),
        (0x00050061, ("SCMP_ACT_ERRNO", 97)),
        (0x00030000, ("SCMP_ACT_TRAP", None)),
        (0x00000000, ("SCMP_ACT_KILL_THREAD", None)),
        (0x80000000, ("SCMP_ACT_KILL_PROCESS", None)),
    ],
)
def test_actions(value, expected):
    assert core.run([(0x06, 0, 0, value)], CALL) == expected


@pytest.mark.parametrize(
    "program, words",
    [
        ([], "ends without an answer"),
        ([load(0)], "ends without an answer"),
        ([(0x05, 0, 0, 9)], "ends without an answer"),
        ([(0x07, 0, 0, 0)], "instruction 0x07, which is not known here"),
        ([load(61), ALLOW], "reads at 61, where there is nothing"),
        ([load(64), ALLOW], "reads at 64, where there is nothing"),
        ([(0x06, 0, 0, 0x12340000)], "returns 0x12340000, which is no action"),
    ],
)
def test_what_is_no_filter_is_refused(program, words):
    with pytest.raises(ValueError, match=words):
        core.run(program, CALL)


@pytest.mark.parametrize(
    "number, arch, unknown",
    [
        (450, ARCH, False),
        (451, ARCH, True),
        (451, 0x40000003, False),
        (0x40000000 + 512, ARCH, False),
        (0x40000000 + 548, ARCH, True),
        (0xFFFFFFFF, ARCH, True),
    ],
)
def test_calls_above_the_highest_one_that_is_named_are_not_there(number, arch, unknown):
    highest = {(ARCH, False): 450, (ARCH, True): 0x40000000 + 547}
    call = core.Call(number, arch, (0,) * 6)
    assert core.is_unknown(highest, call) is unknown
    expected = ("SCMP_ACT_ERRNO", errno.ENOSYS) if unknown else ("SCMP_ACT_ALLOW", None)
    assert core.answer([ALLOW], highest, call) == expected
    assert core.answer([ALLOW], {}, call) == ("SCMP_ACT_ALLOW", None)


@pytest.mark.parametrize("number", [0, 2**31 - 1, 2**31, 2**32 - 1])
def test_a_number_is_seen_with_all_its_bits(number):
    program = [load(0), (0x15, 0, 1, number), ALLOW, EPERM]
    assert core.run(program, CALL._replace(number=number)) == ("SCMP_ACT_ALLOW", None)


def test_the_machine_starts_with_nothing():
    assert core.run([(0x15, 0, 1, 0), ALLOW, EPERM], CALL) == ("SCMP_ACT_ALLOW", None)
