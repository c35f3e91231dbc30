# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether two seccomp filters answer alike, by asking both. Pure."""

from ansible_collections.containment.docker.plugins.module_utils import _seccomp_bpf, _seccomp_compose
from ansible_collections.containment.docker.plugins.module_utils import _seccomp_profile as profiles

HIGH = (0, 1 << 32, 1 << 63)  # what a program may write above the 32 bits of which a kernel takes note
NUMBERS = 512  # as many calls are asked of each architecture; x86 and arm64 have less than 480 (Linux 6.16)
_ALL = (1 << 64) - 1


def questions(profile, library):
    """Yield the Calls that tell a Profile without conditions from others, each with its name, None where it has none.

    Every number of each architecture, with arguments of zero; and what is just at, below and above the values that its
    rules compare with, and families of sockets, each with and without bits above the 32 that count.
    """
    compared = {}
    for rule in profile.rules:
        for arg in rule.args:
            for name in rule.names:
                compared.setdefault(name, set()).update(_near(arg))
    for name in _seccomp_compose.FAMILY_CALLS:
        values = {(0, family | high) for family in range(_seccomp_compose.FAMILIES) for high in HIGH}
        compared.setdefault(name, set()).update(values)
    for architecture in profile.architectures:
        start = _seccomp_bpf.X32 if library.place(architecture)[1] else 0
        for number in range(start, start + NUMBERS):
            name = library.name(number, architecture)
            call = _seccomp_bpf.Call(number, library.audit(architecture), (0,) * 6)
            yield name, call
            for index, value in sorted(compared.get(name, ())):
                yield name, call._replace(args=(0,) * index + (value,) + (0,) * (5 - index))


def _near(arg):
    values = [arg.value - 1, arg.value, arg.value + 1]
    if arg.op == profiles.MASKED_EQ:
        values += [arg.other, arg.other ^ 1, arg.other | (_ALL ^ arg.value)]
    return {(arg.index, (value | high) & _ALL) for value in values for high in HIGH}


def difference(profile, made, answer):
    """Return the sorted names of calls that get another answer than a Profile without conditions gives.

    made: _seccomp_check.Filter of the Profile. answer: function of a Call, as _seccomp_bpf.run. A call without a name
    is "number N".
    """
    return sorted(
        {
            name or f"number {call.number}"
            for name, call in questions(profile, made.library)
            if _seccomp_bpf.answer(made.program, made.highest, call) != answer(call)
        }
    )
