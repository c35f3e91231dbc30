# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with a seccomp profile on a host, however well it is written. The host's libseccomp is handed in."""

import collections
import errno

from ansible_collections.containment.docker.plugins.module_utils import _seccomp_bpf, _seccomp_presets
from ansible_collections.containment.docker.plugins.module_utils import _seccomp_profile as profiles
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

MAX_INSTRUCTIONS = 4096  # BPF_MAXINSNS, include/uapi/linux/bpf_common.h
# Arguments of which the kernel takes 32 bits, by their index, of the calls that filters tell apart by them. Above them
# a program may write what it likes, and seccomp compares it.
NARROW = {
    "bpf": (0,),
    "fcntl": (1,),
    "futex": (1,),
    "ioctl": (1,),
    "keyctl": (0,),
    "kill": (1,),
    "madvise": (2,),
    "personality": (0,),
    "prctl": (0,),
    "seccomp": (0,),
    "semctl": (1, 2),
    "setns": (1,),
    "setsockopt": (1, 2),
    "shmctl": (1,),
    "socket": (0, 1, 2),
    "socketpair": (0, 1, 2),
}
# Calls of 32-bit programs that others are a part of (arch/x86/entry/syscalls/syscall_32.tbl).
MULTIPLEXED = {
    "socketcall": ("socket", "socketpair", "bind", "connect", "listen", "sendto", "recvfrom", "sendmsg", "recvmsg"),
    "ipc": ("shmget", "shmat", "shmctl", "semget", "semctl", "msgget", "msgsnd", "msgrcv", "msgctl"),
}
_SHOWN = 5  # names of calls in a sentence
_STUB = 64  # instructions that a runtime puts in front, for calls that a profile does not know (libcontainer/seccomp)
# What a comparison lets through besides what it names, where the upper half of the register is set.
_OPEN_ABOVE = (profiles.NE, profiles.GT, profiles.GE)

# What a host's engine can do. version: (major, minor, patch). actions, flags: names that its runtime knows, None where
# it does not tell.
Engine = collections.namedtuple("Engine", "version actions flags")
# What was found. refusals, warnings: [ContainmentError].
Findings = collections.namedtuple("Findings", "refusals warnings")
# A question to a filter. library: a _seccomp_library.Library. program, highest: of the profile.
Filter = collections.namedtuple("Filter", "library program highest")


def make_filter(library, profile):
    """Return the Filter of a Profile without conditions. Raises ContainmentError where none can be made of it."""
    return Filter(library, library.compile(profile), library.highest(profile))


def ask(made, name, architecture, args=()):
    """Return (action, errno) that a container gets for a call with these arguments; None where it has no such call."""
    number = made.library.number(name, architecture) if made.library.token(architecture) else None
    if number is None:
        return None
    padded = tuple(args) + (0,) * (6 - len(args))
    call = _seccomp_bpf.Call(number, made.library.audit(architecture), padded)
    return _seccomp_bpf.answer(made.program, made.highest, call)


def check(profile, made, engine, no_new_privileges, trusted):
    """Return the Findings on a Profile without conditions, which the Filter `made` is of.

    no_new_privileges: whether every container under it has that. trusted: names of calls that the engine's own default
    says something of, in which nobody can be asked to mend it. Architectures: the first one is the host's.
    """
    found = Findings([], [])
    native = profile.architectures[0]
    _check_names(profile, made.library, trusted, found)
    _check_comparisons(profile, trusted, found)
    _check_families(profile, made, found)
    _check_engine(profile, engine, found)
    _check_runtime(made, native, no_new_privileges, found)
    _check_fallbacks(profile, made, native, trusted, found)
    _check_size(made, found)
    return found


def _check_size(made, found):
    if len(made.program) + (_STUB if made.highest else 0) > MAX_INSTRUCTIONS:
        cause = f"is a filter of {len(made.program)} instructions, and the kernel takes {MAX_INSTRUCTIONS}"
        found.refusals.append(ContainmentError("the profile", cause, "have fewer rules with arguments"))


def _check_names(profile, library, trusted, found):
    for place, rule in enumerate(profile.rules):
        # Those of FALLBACKS are denied as what is not there, which they are then.
        unknown = [one for one in rule.names if one not in _seccomp_presets.FALLBACKS and not library.is_known(one)]
        denied = rule.action.name not in profiles.PERMISSIVE
        for name in unknown:
            problem = ContainmentError(
                f"syscalls[{place}]",
                f"this host knows no system call {name!r}, so that the rule would do nothing",
                "correct the name, or remove it",
            )
            # What nobody knows cannot be let through, and profiles name calls of kernels to come.
            (found.refusals if denied and name not in trusted else found.warnings).append(problem)


def _check_comparisons(profile, trusted, found):
    for place, rule in enumerate(profile.rules):
        for number, arg in enumerate(rule.args):
            narrow = [name for name in rule.names if arg.index in NARROW.get(name, ())]
            if not narrow or not _is_passed(arg, rule.action.name in profiles.PERMISSIVE):
                continue
            problem = ContainmentError(
                f"syscalls[{place}].args[{number}]",
                f"{arg.op} compares 64 bits, and the kernel takes 32 of argument {arg.index} of {narrow[0]}: with any "
                "bit set above them a program passes",
                f"compare with {profiles.MASKED_EQ}, value 4294967295 and valueTwo the number, one rule for each that "
                "is allowed",
            )
            (found.warnings if set(narrow) <= trusted else found.refusals).append(problem)


def _is_passed(arg, permissive):
    """Whether bits above the 32 that count make a difference to a comparison, to the favour of who sets them."""
    if arg.op == profiles.MASKED_EQ:
        return not permissive and arg.value > 0xFFFFFFFF
    return (arg.op in _OPEN_ABOVE) == permissive


def _check_families(profile, made, found):
    """Tell of denials that a program gets round, by calls of which no filter sees what they do (libseccomp, arch-x86.c;
    io_uring makes sockets from Linux 5.19 on)."""
    limited = any(rule.args and set(rule.names) & {"socket", "socketpair"} for rule in profile.rules)
    for architecture in profile.architectures[1:]:
        for by, calls in MULTIPLEXED.items():
            denied = [name for name in calls if not _passes(ask(made, name, architecture))]
            if limited and by == "socketcall":
                denied.insert(0, "socket with some families")
            if denied and _passes(ask(made, by, architecture)):
                cause = f"{architecture} has {by}, by which programs get {', '.join(denied[:_SHOWN])}, which are denied"
                mend = "leave the architecture out, as the overlay architectures: native does, or deny it as well"
                found.warnings.append(ContainmentError("architectures", cause, mend))
    if limited and _passes(ask(made, "io_uring_setup", profile.architectures[0])):
        cause = "lets io_uring pass, by which programs get sockets of families that are denied"
        found.warnings.append(ContainmentError("the profile", cause, "deny io_uring_setup, too"))


def _passes(answer):
    """Whether a call is made that gets this answer of `ask`; True for one that there is not."""
    return answer is None or answer[0] in profiles.PERMISSIVE


def _check_engine(profile, engine, found):
    used = {rule.action.name for rule in profile.rules} | {profile.default.name}
    for kind, names, known in (("action", used, engine.actions), ("flag", profile.flags, engine.flags)):
        for name in sorted(set(names) - set(known if known is not None else names)):
            found.refusals.append(
                ContainmentError(name, f"is no {kind} that the runtime of this engine knows", "use another")
            )
    if engine.version < (23, 0, 0):
        # moby, api of 22.06: what older ones read of a profile.
        if profile.default.errno not in (None, profiles.EPERM):
            cause = f"is {profile.default.errno}, and an engine before 23.0 reads EPERM"
            found.refusals.append(ContainmentError("defaultErrnoRet", cause, "remove it, or update the engine"))
        if profile.flags:
            cause = "are there, and an engine before 23.0 ignores them"
            found.refusals.append(ContainmentError("flags", cause, "remove them, or update the engine"))


def _refused(made, architecture, names, without=()):
    """Return those of these calls that do not pass; `without` are done without where the answer is ENOSYS."""
    answers = [(name, ask(made, name, architecture)) for name in names]
    return [
        name
        for name, answer in answers
        if answer is not None
        and answer[0] not in profiles.PERMISSIVE
        and not (name in without and answer[1] == errno.ENOSYS)
    ]


def _check_runtime(made, native, no_new_privileges, found):
    names = set(_seccomp_presets.RUNTIME_LATE)
    if not no_new_privileges:
        names |= set(_seccomp_presets.RUNTIME_EARLY)
    # It does without those of FALLBACKS, whatever the errno is (runc, libcontainer/utils; Go, syscall).
    refused = _refused(made, native, sorted(names - set(_seccomp_presets.FALLBACKS)))
    if refused:
        preset = "runtime-no-new-privileges" if no_new_privileges else "runtime"
        early = set(refused) & set(_seccomp_presets.RUNTIME_EARLY)
        mend = f"add the overlay preset: {preset} before yours, and do not deny what is in it"
        if early == set(refused):
            mend += "; or have every container run with no-new-privileges and say so"
        cause = f"denies {', '.join(refused)}, which the runtime itself calls: no container would start"
        found.refusals.append(ContainmentError("the profile", cause, mend))


def _check_fallbacks(profile, made, native, trusted, found):
    named = {name for rule in profile.rules for name in rule.names}
    left_out = [name for name in _seccomp_presets.FALLBACKS if name not in named]
    lost = _refused(made, native, left_out, left_out)
    if lost:
        # Engines before 20.10.10 leave clone3 out themselves, so that nothing gets worse.
        (found.warnings if trusted else found.refusals).append(
            ContainmentError(
                "the profile",
                f"leaves out {', '.join(lost)}, which C libraries try first, and of which they do without only where "
                "the errno is ENOSYS",
                "allow them, or deny them with errno 38",
            )
        )
