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

    Every number of each architecture, with arguments of zero; what is just at, below and above the values that its
    rules compare with, the other comparisons of the rule holding or not; and families of sockets. Values come with and
    without bits above the 32 that count.
    """
    compared = {}
    for rule in profile.rules:
        for args in profiles.alternatives(rule.args):
            for name in rule.names:
                compared.setdefault(name, set()).update(_asked(args))
    for name in _seccomp_compose.FAMILY_CALLS:
        values = {replaced((0,) * 6, 0, family | high) for family in range(_seccomp_compose.FAMILIES) for high in HIGH}
        compared.setdefault(name, set()).update(values)
    for architecture in profile.architectures:
        start = _seccomp_bpf.X32 if library.place(architecture)[1] else 0
        for number in range(start, start + NUMBERS):
            name = library.name(number, architecture)
            call = _seccomp_bpf.Call(number, library.audit(architecture), (0,) * 6)
            yield name, call
            for args in sorted(compared.get(name, ())):
                yield name, call._replace(args=args)


def _asked(args):
    """Yield arguments at which comparisons, [Arg], come out otherwise than next to it."""
    hold = holding(args)
    yield hold
    for arg in args:
        for value in _near(arg):
            yield replaced((0,) * 6, arg.index, value)
            yield replaced(hold, arg.index, value)


def holding(args):
    """Return arguments for which all of these comparisons, [Arg] of different arguments, hold."""
    found = (0,) * 6
    for arg in args:
        found = replaced(found, arg.index, _holding(arg))
    return found


def replaced(args, index, value):
    """Return arguments with another value for one of them."""
    return (*args[:index], value, *args[index + 1 :])


def _holding(arg):
    """Return a value for which a comparison holds; any where there is none."""
    return next((value for value in sorted(_near(arg)) if profiles.holds(arg, value)), 0)


def _near(arg):
    values = [arg.value - 1, arg.value, arg.value + 1]
    if arg.op == profiles.MASKED_EQ:
        values += [arg.other, arg.other ^ 1, arg.other | (_ALL ^ arg.value)]
    return {(value | high) & _ALL for value in values for high in HIGH}


def difference(profile, made, answer):
    """Return (the sorted names of calls that get another answer than a Profile without conditions gives, whether all
    could be judged).

    made: _seccomp_check.Filter of the Profile. answer: function of a Call, as _seccomp_bpf.run. A call without a name
    is "number N". Where the Profile names calls that the host's library does not know, the runtime's own may: then what
    has no name, or is newer than all that have, is not judged.
    """
    known = all(made.library.is_known(name) for rule in profile.rules for name in rule.names)
    found = set()
    for name, call in questions(profile, made.library):
        if not known and (name is None or _seccomp_bpf.is_unknown(made.highest, call)):
            continue
        if _seccomp_bpf.answer(made.program, made.highest, call) != answer(call):
            found.add(name or f"number {call.number}")
    return sorted(found), known
