# SPDX-License-Identifier: GPL-3.0-or-later
"""What the simulation says of a call is what the kernel does: filters of random profiles, loaded and asked.

A child process maps a few instructions that load the filter and make one call, and does nothing else from there on, so
that a filter may deny whatever it likes. Nothing of it needs root.
"""

import ctypes
import mmap
import os
import random
import signal
import struct

import pytest

from ansible_collections.containment.docker.plugins.module_utils import _seccomp_bpf, _seccomp_check, _seccomp_library
from ansible_collections.containment.docker.plugins.module_utils import _seccomp_compose as compose
from ansible_collections.containment.docker.plugins.module_utils import _seccomp_profile as profiles

from .probe import CALL, CALL_32, END, RECORD, START, UNTOUCHED

X86_64, I386 = "SCMP_ARCH_X86_64", "SCMP_ARCH_X86"
PROFILES, CALLS = 500, 4
# They do no harm whatever their arguments are, and return no errno of ERRNOS by themselves.
NAMES = (
    "getpid",
    "getuid",
    "getppid",
    "getpgid",
    "sched_yield",
    "personality",
    "socket",
    "socketpair",
    "kcmp",
    "umask",
)
ERRNOS = (121, 122, 123, 124)
VALUES = (0, 1, 2, 8, 16, 40, 2**31, 2**32 - 1, 2**32, 2**32 + 1, 2**32 + 40, 2**63, 2**64 - 1)
NUMBER_SECCOMP = 317

pytestmark = pytest.mark.skipif(os.uname().machine != "x86_64", reason="not possible here: the code is x86-64's")


def in_a_child(program, number, args, compat):
    """Load a filter in a process, make one call there; return (signal that ended it, what the call returned)."""
    size = mmap.PAGESIZE
    memory = mmap.mmap(-1, 2 * size, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    place = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    filter_ = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *one) for one in program))
    header = ctypes.create_string_buffer(struct.pack("@HP", len(program), ctypes.addressof(filter_)))
    load = (NUMBER_SECCOMP, 1, 0, ctypes.addressof(header), 0, 0, 0, UNTOUCHED)
    memory[: 2 * RECORD.size] = RECORD.pack(*load) + RECORD.pack(number, *args, UNTOUCHED)
    code = START + CALL + (CALL_32 if compat else CALL) + END
    memory[size : size + len(code)] = code
    libc = ctypes.CDLL(None)
    run = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(place + size)
    child = os.fork()
    if not child:
        signal.signal(signal.SIGILL, signal.SIG_DFL)  # The handler of tests would make calls.
        libc.prctl(38, 1, 0, 0, 0)  # PR_SET_NO_NEW_PRIVS
        libc.prctl(4, 0, 0, 0, 0)  # PR_SET_DUMPABLE: no core
        run(place)
        os._exit(1)
    _pid, status = os.waitpid(child, 0)
    loaded, result = (RECORD.unpack_from(memory, number * RECORD.size)[7] for number in (0, 1))
    assert os.WIFSIGNALED(status) and loaded == 0, (status, loaded)
    return os.WTERMSIG(status), result


def has_32_bits():
    allow = [(0x06, 0, 0, 0x7FFF0000)]
    return in_a_child(allow, 20, (0,) * 6, compat=True)[0] == signal.SIGILL  # getpid


def draw_profile(draw, architectures):
    rules = []
    for name in draw.sample(NAMES, draw.randint(0, len(NAMES))):
        args = []
        for index in draw.sample(range(3), draw.randint(0, 2)):
            op, value = draw.choice(profiles.OPERATORS), draw.choice(VALUES)
            other = draw.choice(VALUES) & value if op == profiles.MASKED_EQ else 0
            args.append(profiles.Arg(index, op, value, other))
        rules.append(profiles.Rule((name,), draw_action(draw), tuple(args), profiles.ALWAYS, profiles.ALWAYS))
    return profiles.Profile(draw_action(draw), architectures, (), tuple(rules))


def draw_action(draw):
    name = draw.choice([one for one in profiles.ACTIONS if one != profiles.TRACE])
    return profiles.make_action(name, draw.choice(ERRNOS) if name == profiles.ERRNO else None)


def test_filter_and_kernel_say_the_same_of_random_profiles():
    library, draw = _seccomp_library.Library(), random.Random(20150611)  # noqa: S311 - the same ones each time
    compat = has_32_bits()
    for _number in range(PROFILES):
        profile = draw_profile(draw, (X86_64, I386) if draw.random() < 0.5 else (X86_64,))
        program = library.compile(profile)
        for _call in range(CALLS):
            architecture = draw.choice((X86_64, I386) if compat else (X86_64,))
            name, args = draw.choice(NAMES), tuple(draw.choice(VALUES) for _arg in range(6))
            number = library.number(name, architecture)
            seen = args if architecture == X86_64 else tuple(value & 0xFFFFFFFF for value in args)
            action, data = _seccomp_bpf.run(program, _seccomp_bpf.Call(number, library.audit(architecture), seen))
            ended, result = in_a_child(program, number, args, architecture == I386)
            told = (profile, name, args, architecture, action, data, ended, result)
            if action in (profiles.KILL_THREAD, profiles.KILL_PROCESS, profiles.TRAP):
                assert (ended, result) == (signal.SIGSYS, UNTOUCHED), told
            else:
                denied = 2**64 - result if result > 2**63 else 0
                assert ended == signal.SIGILL, told
                assert denied == data if action == profiles.ERRNO else denied not in ERRNOS, told


@pytest.mark.parametrize("base", compose.BASES)
def test_families_cannot_be_got_round_in_the_kernel(base):
    """All families, with bits set that the kernel does not look at, under the overlay that denies some."""
    library = _seccomp_library.Library()
    given = [{"allow": ["socket", "socketpair"]}, {"deny_families": [3, 17, 40], "errno": ERRNOS[0]}]
    profile = compose.compose(compose.base(base, [X86_64]), compose.overlays(given, X86_64))
    made = _seccomp_check.make_filter(library, profile)
    for name in compose.FAMILY_CALLS:
        for family in range(compose.FAMILIES):
            for high in (0, 1 << 32, 1 << 63):
                args = (family | high, 1, 0, 0, 0, 0)
                _ended, result = in_a_child(made.program, library.number(name, X86_64), args, compat=False)
                assert (2**64 - result == ERRNOS[0]) is (family in (3, 17, 40)), (name, family, high, result)
