# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with a seccomp profile on a host, however well it is written. The host's libseccomp is handed in."""

import collections
import errno

from ansible_collections.containment.docker.plugins.module_utils import (
    _seccomp_bpf,
    _seccomp_compare,
    _seccomp_compose,
    _seccomp_presets,
)
from ansible_collections.containment.docker.plugins.module_utils import _seccomp_profile as profiles
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

MAX_INSTRUCTIONS = 4096  # BPF_MAXINSNS, include/uapi/linux/bpf_common.h
# Arguments of which the kernel takes 32 bits, by their index, of the calls that filters tell apart by them (the int and
# unsigned int of SYSCALL_DEFINE, Linux 6.12; of the flags of clone it takes the lower half). Above them a program may
# write what it likes, and seccomp compares it.
NARROW = {
    "accept4": (3,),
    "arch_prctl": (0,),
    "bpf": (0,),
    "chown": (1, 2),
    "clock_adjtime": (0,),
    "clock_gettime": (0,),
    "clock_nanosleep": (0, 1),
    "clock_settime": (0,),
    "clone": (0,),
    "delete_module": (1,),
    "fanotify_init": (0, 1),
    "fchown": (1, 2),
    "fchownat": (2, 3),
    "fcntl": (1,),
    "finit_module": (2,),
    "futex": (1,),
    "getrandom": (2,),
    "getsockopt": (1, 2),
    "io_uring_register": (1,),
    "io_uring_setup": (0,),
    "ioctl": (1,),
    "keyctl": (0,),
    "kill": (0, 1),
    "lchown": (1, 2),
    "madvise": (2,),
    "membarrier": (0, 1),
    "memfd_create": (1,),
    "mknod": (1,),
    "mknodat": (2,),
    "mlockall": (0,),
    "modify_ldt": (0,),
    "msgctl": (1,),
    "open": (1, 2),
    "openat": (2, 3),
    "personality": (0,),
    "pidfd_send_signal": (1, 3),
    "prctl": (0,),
    "prlimit64": (1,),
    "process_madvise": (3, 4),
    "quotactl": (0,),
    "reboot": (0, 1, 2),
    "renameat2": (4,),
    "rt_sigqueueinfo": (1,),
    "sched_setscheduler": (1,),
    "seccomp": (0, 1),
    "semctl": (1, 2),
    "setfsgid": (0,),
    "setfsuid": (0,),
    "setgid": (0,),
    "setns": (1,),
    "setregid": (0, 1),
    "setresgid": (0, 1, 2),
    "setresuid": (0, 1, 2),
    "setreuid": (0, 1),
    "setsockopt": (1, 2),
    "setuid": (0,),
    "shmctl": (1,),
    "socket": (0, 1, 2),
    "socketpair": (0, 1, 2),
    "syslog": (0,),
    "tgkill": (0, 1, 2),
    "tkill": (0, 1),
    "umount2": (1,),
    "unlinkat": (2,),
    "userfaultfd": (0,),
}
# Calls of 32-bit programs that others are a part of (arch/x86/entry/syscalls/syscall_32.tbl).
MULTIPLEXED = {
    "socketcall": ("socket", "socketpair", "bind", "connect", "listen", "sendto", "recvfrom", "sendmsg", "recvmsg"),
    "ipc": ("shmget", "shmat", "shmctl", "semget", "semctl", "msgget", "msgsnd", "msgrcv", "msgctl"),
}
_SHOWN = 5  # names of calls in a sentence
_ASKED = 2500  # questions to a filter at most, more than a default with a family for each rule makes
_ABOVE = 1 << 32  # a bit of which the kernel takes no note
_STUB = 64  # instructions that a runtime puts in front, for calls that a profile does not know (libcontainer/seccomp)

# What a host's engine can do. version: (major, minor, patch). actions, flags: names that its runtime knows, None where
# it does not tell.
Engine = collections.namedtuple("Engine", "version actions flags")
# What was found. refusals, warnings: [ContainmentError].
Findings = collections.namedtuple("Findings", "refusals warnings")
# Where a profile comes from. names: {name of a call: where it was written}. comparisons: {(name, Arg): where}. trusted:
# names of calls that nobody here can be asked to mend. engines: whether the engine's own default is its base.
Origin = collections.namedtuple("Origin", "names comparisons trusted engines")
_THE_PROFILE = "the profile"  # what was written nowhere, but made of what was
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


def check(profile, made, engine, no_new_privileges, origin):
    """Return the Findings on a Profile without conditions, which the Filter `made` is of.

    no_new_privileges: whether every container under it has that. origin: its Origin. Architectures: the first one is
    the host's.
    """
    found = Findings([], [])
    native = profile.architectures[0]
    _check_names(profile, made.library, origin, found)
    _check_comparisons(profile, origin, found)
    _check_families(profile, made, found)
    _check_engine(profile, engine, found)
    _check_runtime(made, native, no_new_privileges, found)
    _check_fallbacks(profile, made, native, origin, found)
    _check_denied(made, native, origin, found)
    _check_size(made, found)
    if not found.refusals:
        _check_meaning(profile, made, native, found)
    return found


def _check_meaning(profile, made, native, found):
    """Tell of a filter that answers otherwise than the profile says. libseccomp makes some where rules of two calls are
    alike in parts (2.5.4: it compares one argument with the value that is meant for another)."""
    rules, default = _by_name(profile), profile.default
    asked = list(_seccomp_compare.questions(profile._replace(architectures=(native,)), made.library))
    # Some of them, evenly, of a profile with many comparisons: each one costs as much as the filter is long.
    for name, call in asked[:: 1 + len(asked) // _ASKED]:
        wanted = profiles.says(rules.get(name, ()), default, call.args)
        got = _seccomp_bpf.run(made.program, call)
        if name is None or wanted is None or got == (wanted.name, wanted.errno):
            continue
        told = f"{name}({', '.join(str(one) for one in call.args)})"
        said, answered = (" ".join(str(word) for word in one if word is not None) for one in (wanted, got))
        cause = f"becomes a filter that answers {answered} to {told}, where it says {said}: a fault of libseccomp"
        mend = f"have one rule for all that is allowed of {name}, or update libseccomp"
        found.refusals.append(ContainmentError(_THE_PROFILE, cause, mend))
        return


def _check_size(made, found):
    if len(made.program) + (_STUB if made.highest else 0) > MAX_INSTRUCTIONS:
        cause = f"is a filter of {len(made.program)} instructions, and the kernel takes {MAX_INSTRUCTIONS}"
        found.refusals.append(ContainmentError(_THE_PROFILE, cause, "have fewer rules with arguments"))


def _check_names(profile, library, origin, found):
    for rule in profile.rules:
        # Those of FALLBACKS are denied as what is not there, which they are then.
        unknown = [one for one in rule.names if one not in _seccomp_presets.FALLBACKS and not library.is_known(one)]
        denied = rule.action.name not in profiles.PERMISSIVE
        for name in unknown:
            problem = ContainmentError(
                origin.names.get(name, _THE_PROFILE),
                f"this host knows no system call {name!r}, so that the rule would do nothing",
                "correct the name, or remove it",
            )
            # What nobody knows cannot be let through, and profiles name calls of kernels to come.
            if name not in origin.trusted:
                (found.refusals if denied else found.warnings).append(problem)
            elif denied:
                found.warnings.append(problem)


def _check_comparisons(profile, origin, found):
    rules = _by_name(profile)
    for rule in profile.rules:
        for args in profiles.alternatives(rule.args):
            for arg in args:
                narrow = [name for name in rule.names if arg.index in NARROW.get(name, ())]
                passed = [name for name in narrow if _is_passed(rules[name], profile.default, args, arg)]
                if not passed:
                    continue
                mend = f"compare with {profiles.MASKED_EQ}, value 4294967295 and valueTwo the number"
                if rule.action.name in profiles.PERMISSIVE:
                    mend += ", one rule for each that is allowed"
                if set(passed) & set(_seccomp_compose.FAMILY_CALLS) and not arg.index:
                    mend += "; or name families in an overlay allow_families or deny_families"
                problem = ContainmentError(
                    origin.comparisons.get((passed[0], arg), _THE_PROFILE),
                    f"{arg.op} compares 64 bits, and the kernel takes 32 of argument {arg.index} of {passed[0]}: with "
                    "any bit set above them a program passes",
                    mend,
                )
                (found.warnings if set(passed) <= origin.trusted else found.refusals).append(problem)


def _by_name(profile):
    """Return {name of a call: [Rule]} of a Profile."""
    found = {}
    for rule in profile.rules:
        for name in rule.names:
            found.setdefault(name, []).append(rule)
    return found


def _is_passed(rules, default, args, arg):
    """Whether bits above the 32 that count make rules of a call let through what they refuse without, at a comparison,
    `arg`, of a rule's (Arg), `args`."""
    asked = _seccomp_compare.holding(args)
    for value in (arg.value - 1, arg.value, arg.value + 1, arg.other):
        counts = value & _seccomp_compose.MASK
        low, high = (
            profiles.says(rules, default, _seccomp_compare.replaced(asked, arg.index, one))
            for one in (counts, counts | _ABOVE)
        )
        if None not in (low, high) and low.name not in profiles.PERMISSIVE and high.name in profiles.PERMISSIVE:
            return True
    return False


def _check_families(profile, made, found):
    """Tell of denials that a program gets round, by calls of which no filter sees what they do (libseccomp, arch-x86.c;
    io_uring makes sockets from Linux 5.19 on)."""
    limited = any(rule.args and set(rule.names) & {"socket", "socketpair"} for rule in profile.rules)
    for architecture in profile.architectures[1:]:
        for by, calls in MULTIPLEXED.items():
            denied = [name for name in calls if not _passes(ask(made, name, architecture))]
            if limited and by == "socketcall":
                denied.insert(0, "socket with some families")
            answer = ask(made, by, architecture)
            if denied and answer is not None and _passes(answer):
                cause = f"{architecture} has {by}, by which programs get {', '.join(denied[:_SHOWN])}, which are denied"
                mend = "leave the architecture out, as the overlay architectures: native does, or deny it as well"
                found.warnings.append(ContainmentError("architectures", cause, mend))
    if limited and _passes(ask(made, "io_uring_setup", profile.architectures[0])):
        cause = "lets io_uring pass, by which programs get sockets of families that are denied"
        found.warnings.append(ContainmentError(_THE_PROFILE, cause, "deny io_uring_setup, too"))


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
        found.refusals.append(ContainmentError(_THE_PROFILE, cause, mend))


def _check_fallbacks(profile, made, native, origin, found):
    named = {name for rule in profile.rules for name in rule.names}
    left_out = [name for name in _seccomp_presets.FALLBACKS if name not in named]
    lost = _refused(made, native, left_out, left_out)
    if lost:
        # Engines before 20.10.10 leave clone3 out themselves, so that nothing gets worse.
        (found.warnings if origin.engines else found.refusals).append(
            ContainmentError(
                _THE_PROFILE,
                f"leaves out {', '.join(lost)}, which C libraries try first, and of which they do without only where "
                "the errno is ENOSYS",
                "allow them, or deny them with errno 38",
            )
        )
    if origin.engines:
        return
    last = made.highest.get(made.library.place(native), 0)
    newer = [made.library.name(number, native) for number in range(_seccomp_compose.NEW, last + 1)]
    lost = _refused(made, native, [name for name in newer if name and name not in {*named, *left_out}])
    if lost:
        shown = ", ".join(lost[:_SHOWN]) + (f" and {len(lost) - _SHOWN} more" if len(lost) > _SHOWN else "")
        cause = f"leaves out {shown}, and names a newer call: programs that try them are not answered ENOSYS"
        found.warnings.append(ContainmentError(_THE_PROFILE, cause, "allow them, or deny them with errno 38"))


def _check_denied(made, native, origin, found):
    """Tell of calls that an overlay denies by their names, and C libraries do without only where they are not there."""
    for name in _refused(made, native, _seccomp_presets.FALLBACKS, _seccomp_presets.FALLBACKS):
        place = origin.names.get(name, "")
        if place.startswith("overlays["):
            cause = f"denies {name} otherwise than with ENOSYS, and C libraries do without it only so"
            found.warnings.append(ContainmentError(place, cause, "give errno: 38"))
