# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Seccomp profiles as an engine takes them: read strictly, resolved for a host, written back. Pure.

The schema is that of moby (profiles/seccomp, 20.10 to 29): the runtime specification's, with `archMap`, `includes` and
`excludes`. Go's decoder ignores unknown keys and the case of known ones, an engine ignores capabilities and names that
nobody has, and a runtime rules that do nothing: all of that is refused here, because a filter would allow more than it
says.
"""

import collections
import operator
import re

from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

ALLOW, ERRNO, LOG = "SCMP_ACT_ALLOW", "SCMP_ACT_ERRNO", "SCMP_ACT_LOG"
KILL, KILL_PROCESS, KILL_THREAD = "SCMP_ACT_KILL", "SCMP_ACT_KILL_PROCESS", "SCMP_ACT_KILL_THREAD"
TRACE, TRAP, NOTIFY = "SCMP_ACT_TRACE", "SCMP_ACT_TRAP", "SCMP_ACT_NOTIFY"
ACTIONS = (ALLOW, ERRNO, KILL, KILL_PROCESS, KILL_THREAD, LOG, TRACE, TRAP)
# With these a call is made, or made by somebody who watches.
PERMISSIVE = (ALLOW, LOG, TRACE)
EQ, NE, LT, LE = "SCMP_CMP_EQ", "SCMP_CMP_NE", "SCMP_CMP_LT", "SCMP_CMP_LE"
GT, GE, MASKED_EQ = "SCMP_CMP_GT", "SCMP_CMP_GE", "SCMP_CMP_MASKED_EQ"
OPERATORS = (EQ, GE, GT, LE, LT, MASKED_EQ, NE)
FLAGS = ("SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_SPEC_ALLOW", "SECCOMP_FILTER_FLAG_TSYNC")
ARCHITECTURES = tuple(
    "SCMP_ARCH_" + name
    for name in (
        *("AARCH64", "ARM", "LOONGARCH64", "MIPS", "MIPS64", "MIPS64N32", "MIPSEL", "MIPSEL64", "MIPSEL64N32", "PPC"),
        *("PPC64", "PPC64LE", "RISCV64", "S390", "S390X", "X32", "X86", "X86_64"),
    )
)
# What rules are conditional on, and which architecture that is (moby, profiles/seccomp: goToNative, nativeToSeccomp).
NATIVE = {
    "amd64": "SCMP_ARCH_X86_64",
    "arm": "SCMP_ARCH_ARM",
    "arm64": "SCMP_ARCH_AARCH64",
    "loong64": "SCMP_ARCH_LOONGARCH64",
    "mips3l64n32": "SCMP_ARCH_MIPSEL64N32",
    "mips64": "SCMP_ARCH_MIPS64",
    "mips64n32": "SCMP_ARCH_MIPS64N32",
    "mipsel": "SCMP_ARCH_MIPSEL",
    "mipsel64": "SCMP_ARCH_MIPSEL64",
    "ppc": "SCMP_ARCH_PPC",
    "ppc64": "SCMP_ARCH_PPC64",
    "ppc64le": "SCMP_ARCH_PPC64LE",
    "riscv64": "SCMP_ARCH_RISCV64",
    "s390": "SCMP_ARCH_S390",
    "s390x": "SCMP_ARCH_S390X",
    "x32": "SCMP_ARCH_X32",
    "x86": "SCMP_ARCH_X86",
}
# capabilities(7), in the order of their numbers.
CAPABILITIES = tuple(
    "CAP_" + name
    for name in (
        *("CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID", "SETPCAP"),
        *("LINUX_IMMUTABLE", "NET_BIND_SERVICE", "NET_BROADCAST", "NET_ADMIN", "NET_RAW", "IPC_LOCK", "IPC_OWNER"),
        *("SYS_MODULE", "SYS_RAWIO", "SYS_CHROOT", "SYS_PTRACE", "SYS_PACCT", "SYS_ADMIN", "SYS_BOOT", "SYS_NICE"),
        *("SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "MKNOD", "LEASE", "AUDIT_WRITE", "AUDIT_CONTROL", "SETFCAP"),
        *("MAC_OVERRIDE", "MAC_ADMIN", "SYSLOG", "WAKE_ALARM", "BLOCK_SUSPEND", "AUDIT_READ", "PERFMON", "BPF"),
        "CHECKPOINT_RESTORE",
    )
)
_HOLDS = {EQ: operator.eq, NE: operator.ne, LT: operator.lt, LE: operator.le, GT: operator.gt, GE: operator.ge}
EPERM = 1
MAX_ERRNO = 4095  # include/linux/err.h; the kernel makes it that from whatever is more

# default: an Action. architectures: names as in ARCHITECTURES, the host's own first. flags: as in
# FLAGS. rules: [Rule], in the order of the file.
Profile = collections.namedtuple("Profile", "default architectures flags rules")
# name: as in ACTIONS. errno: what the caller gets, None where the action has none.
Action = collections.namedtuple("Action", "name errno")
# names: of system calls. args: (Arg), all of which have to hold; where two have one index, any of them. includes,
# excludes: Conditions under which it is, or is not, a rule at all.
Rule = collections.namedtuple("Rule", "names action args includes excludes")
# A comparison of the argument `index`, from 0, by an operator. With MASKED_EQ `value` is the mask and `other` what the
# masked argument has to be.
Arg = collections.namedtuple("Arg", "index op value other")
# caps: all of them have to be in the bounding set; of excludes, one is enough. arches: as in NATIVE. kernel: (major,
# minor) that the host's has to have at least, None for any.
Conditions = collections.namedtuple("Conditions", "caps arches kernel")
# What conditions are judged by. architecture: of ARCHITECTURES. caps: set of names. kernel: (major, minor).
Host = collections.namedtuple("Host", "architecture caps kernel")

ALWAYS = Conditions((), (), None)
_TOP = (
    *("defaultAction", "defaultErrnoRet", "architectures", "archMap", "flags", "listenerPath", "listenerMetadata"),
    "syscalls",
)
_RULE = ("name", "names", "action", "errnoRet", "args", "comment", "includes", "excludes")
_ARG = ("index", "value", "valueTwo", "op")
_CONDITIONS = ("caps", "arches", "minKernel")
_MAP = ("architecture", "subArchitectures")


def make_action(name, errno=None):
    """Return the Action of a name and an errno, None for the default one."""
    if name in (ERRNO, TRACE):
        return Action(name, EPERM if errno is None else errno)
    return Action(name, None)


def read(value, source, architecture):
    """Return the Profile in what JSON has made of a file, or somebody wrote in its place.

    source: what errors call it. architecture: of the host, as in ARCHITECTURES, by which `archMap` is resolved; it is
    the first one of the Profile's.
    Raises ContainmentError, which names the key's path, for whatever an engine would refuse, ignore or read otherwise.
    """
    return _Reader(source).profile(value, architecture)


class _Reader:
    def __init__(self, source):
        self.source = source

    def fail(self, path, cause, mend):
        raise ContainmentError(f"{self.source}: {path}" if path else self.source, cause, mend)

    def keys(self, value, path, known):
        """Refuse what is no object, or has other keys."""
        if not isinstance(value, dict):
            self.fail(path, f"is {_kind(value)}, not an object", "put it in { and }")
        for key in value:
            if key in known:
                continue
            meant = [one for one in known if one.lower() == str(key).lower()]
            mend = f"write it as {meant[0]}" if meant else f"use one of {', '.join(known)}"
            self.fail(_join(path, key), "is no key that an engine knows", mend)

    def items(self, value, path):
        if value is None:
            return []
        if not isinstance(value, (list, tuple)):
            self.fail(path, f"is {_kind(value)}, not a list", "put it in [ and ]")
        return list(value)

    def text(self, value, path, known=None, what="text"):
        if not isinstance(value, str) or not value:
            self.fail(path, f"is {_kind(value)}, no {what}", "give one in double quotes")
        if known is not None and value not in known:
            alike = [one for one in known if one.lower() == value.lower() or one.lower().endswith("_" + value.lower())]
            mend = f"write {alike[0]}" if alike else f"use one of {', '.join(known)}"
            self.fail(path, f"{value!r} is no {what}", mend)
        return value

    def number(self, value, path, limit):
        if isinstance(value, bool) or not isinstance(value, int):
            self.fail(path, f"is {_kind(value)}, not a whole number", "give one without quotes")
        if not 0 <= value <= limit:
            self.fail(path, f"{value} is not within 0-{limit}", "give a number in that range")
        return value

    def profile(self, value, architecture):
        self.keys(value, "", _TOP)
        if not value:
            self.fail("", "is empty, which an engine takes for no filter at all", "give at least defaultAction")
        for key in ("listenerPath", "listenerMetadata"):
            if value.get(key):
                self.fail(key, "needs an agent on the host, which nothing here starts", "remove it")
        if "defaultAction" not in value:
            self.fail("defaultAction", "is missing", f"give one of {', '.join(ACTIONS)}")
        default = self.action(value, "", "defaultAction", "defaultErrnoRet")
        flags = [
            self.text(one, f"flags[{number}]", FLAGS, "flag")
            for number, one in enumerate(self.items(value.get("flags"), "flags"))
        ]
        rules = [
            self.rule(one, f"syscalls[{number}]")
            for number, one in enumerate(self.items(value.get("syscalls"), "syscalls"))
        ]
        return Profile(default, tuple(self.architectures(value, architecture)), tuple(flags), tuple(rules))

    def architectures(self, value, architecture):
        if value.get("architectures") and value.get("archMap"):
            self.fail("archMap", "stands beside architectures, and an engine takes one of them", "remove either")
        listed = [
            self.text(one, f"architectures[{number}]", ARCHITECTURES, "architecture")
            for number, one in enumerate(self.items(value.get("architectures"), "architectures"))
        ]
        mapped = set()
        for number, one in enumerate(self.items(value.get("archMap"), "archMap")):
            path = f"archMap[{number}]"
            self.keys(one, path, _MAP)
            name = self.text(one.get("architecture"), path + ".architecture", ARCHITECTURES, "architecture")
            subs = [
                self.text(sub, f"{path}.subArchitectures[{place}]", ARCHITECTURES, "architecture")
                for place, sub in enumerate(self.items(one.get("subArchitectures"), path + ".subArchitectures"))
            ]
            if name in mapped:
                self.fail(f"{path}.architecture", f"{name} is there twice, and an engine takes one", "remove either")
            mapped.add(name)
            if name == architecture:
                listed = [name, *subs]
        # The host's own is filtered whether it is listed or not (seccomp_init(3)).
        return [architecture, *(one for one in listed if one != architecture)]

    def action(self, value, path, key, errno_key):
        where, given = _join(path, key), value.get(key)
        if given == NOTIFY:
            self.fail(where, f"{NOTIFY} needs an agent on the host, which nothing here starts", "use another action")
        name = self.text(given, where, ACTIONS, "action")
        errno = value.get(errno_key)
        if errno is not None:
            self.number(errno, _join(path, errno_key), MAX_ERRNO)
            if name not in (ERRNO, TRACE):
                self.fail(
                    _join(path, errno_key), f"has no meaning with {name}", f"remove it, or make the action {ERRNO}"
                )
        return make_action(name, errno)

    def rule(self, value, path):
        self.keys(value, path, _RULE)
        if value.get("name") and value.get("names"):
            self.fail(path + ".name", "stands beside names, and an engine takes one of them", "remove either")
        if value.get("name") is not None:
            self.text(value["name"], path + ".name", what="name")
        given = [value["name"]] if value.get("name") else self.items(value.get("names"), path + ".names")
        if not given:
            self.fail(path + ".names", "is empty: the rule would do nothing", "name the calls, or remove the rule")
        place = path + (".name" if value.get("name") else ".names[{}]")
        names = [self.text(one, place.format(number), what="name") for number, one in enumerate(given)]
        if not isinstance(value.get("comment", ""), (str, type(None))):
            self.fail(path + ".comment", f"is {_kind(value['comment'])}, not a text", "give one in double quotes")
        if "action" not in value:
            self.fail(path + ".action", "is missing", f"give one of {', '.join(ACTIONS)}")
        args = self.items(value.get("args"), path + ".args")
        if len(args) > 6:
            self.fail(path + ".args", f"has {len(args)} entries, and system calls have 6 arguments", "remove some")
        return Rule(
            tuple(names),
            self.action(value, path, "action", "errnoRet"),
            tuple(self.arg(one, f"{path}.args[{number}]") for number, one in enumerate(args)),
            self.conditions(value.get("includes"), path + ".includes"),
            self.conditions(value.get("excludes"), path + ".excludes"),
        )

    def arg(self, value, path):
        self.keys(value, path, _ARG)
        for key in ("index", "op"):
            if value.get(key) is None:
                self.fail(f"{path}.{key}", "is missing", "give it")
        index = self.number(value["index"], path + ".index", 5)
        op = self.text(value["op"], path + ".op", OPERATORS, "operator")
        first, other = (
            0 if value.get(key) is None else self.number(value[key], f"{path}.{key}", 2**64 - 1)
            for key in ("value", "valueTwo")
        )
        if op == MASKED_EQ and other & ~first:
            self.fail(
                path + ".valueTwo",
                f"{other} has bits that the mask {first} takes away: it would never match",
                "give the mask in value, and what is left by it in valueTwo",
            )
        if op != MASKED_EQ and other:
            self.fail(path + ".valueTwo", f"has no meaning with {op}", "remove it")
        return Arg(index, op, first, other)

    def conditions(self, value, path):
        if value is None:
            return ALWAYS
        self.keys(value, path, _CONDITIONS)
        caps = [
            self.text(one, f"{path}.caps[{number}]", CAPABILITIES, "capability")
            for number, one in enumerate(self.items(value.get("caps"), path + ".caps"))
        ]
        arches = [
            self.text(one, f"{path}.arches[{number}]", tuple(NATIVE), "architecture in a condition")
            for number, one in enumerate(self.items(value.get("arches"), path + ".arches"))
        ]
        return Conditions(tuple(caps), tuple(arches), self.kernel(value.get("minKernel"), path + ".minKernel"))

    def kernel(self, value, path):
        if value in (None, ""):
            return None
        parts = value.split(".") if isinstance(value, str) else []
        if len(parts) != 2 or not all(re.match(r"[0-9]{1,4}\Z", part) for part in parts):
            self.fail(path, f"{value!r} is no version of a kernel", 'give it as "4.8"')
        return int(parts[0]), int(parts[1])


def _join(path, key):
    return f"{path}.{key}" if path else str(key)


def _kind(value):
    for kind, word in ((bool, "true or false"), (dict, "an object"), ((list, tuple), "a list"), (str, "text")):
        if isinstance(value, kind):
            return "an empty text" if value == "" else word
    return "nothing" if value is None else "a number"


def resolve(profile, host):
    """Return a Profile whose rules are those that an engine hands to a runtime on this Host, without conditions."""
    rules = [rule for rule in profile.rules if _holds(rule, host)]
    return profile._replace(rules=tuple(rule._replace(includes=ALWAYS, excludes=ALWAYS) for rule in rules))


def _holds(rule, host):
    """Whether a rule is one here (moby, profiles/seccomp: setupSeccomp)."""
    includes, excludes = rule.includes, rule.excludes
    here = {name for name, arch in NATIVE.items() if arch == host.architecture}
    return not (
        (includes.arches and not here & set(includes.arches))
        or here & set(excludes.arches)
        or not set(includes.caps) <= host.caps
        or set(excludes.caps) & host.caps
        or (includes.kernel is not None and host.kernel < includes.kernel)
        or (excludes.kernel is not None and host.kernel >= excludes.kernel)
    )


def alternatives(args):
    """Return [(Arg)] of which one has to hold whole for a rule: where two have one index, each counts by itself (runc,
    libcontainer/seccomp)."""
    indexes = [arg.index for arg in args]
    return [args] if len(indexes) == len(set(indexes)) else [(arg,) for arg in args]


def holds(arg, value):
    """Whether a comparison holds for an argument (seccomp_rule_add(3))."""
    if arg.op == MASKED_EQ:
        return value & arg.value == arg.other
    return _HOLDS[arg.op](value, arg.value)


def says(rules, default, args):
    """Return the Action that rules of one call, without conditions, have for its arguments; None where they contradict
    each other.

    Those whose action is the default one count for nothing (runc, libcontainer/seccomp); of those without arguments the
    first one counts, and takes precedence over all with (libseccomp, db.c). KILL is told as KILL_THREAD, which it is.
    """
    default = _told(default)
    rules = [rule for rule in rules if _told(rule.action) != default]
    for rule in rules:
        if not rule.args:
            return _told(rule.action)
    found = {
        _told(rule.action)
        for rule in rules
        if any(all(holds(arg, args[arg.index]) for arg in some) for some in alternatives(rule.args))
    }
    return default if not found else found.pop() if len(found) == 1 else None


def _told(action):
    return action._replace(name=KILL_THREAD) if action.name == KILL else action


def dump(profile):
    """Return a Profile as what JSON is made of, keys in the order of the schema."""
    result = collections.OrderedDict([("defaultAction", profile.default.name)])
    if profile.default.errno is not None:
        result["defaultErrnoRet"] = profile.default.errno
    result["architectures"] = list(profile.architectures)
    if profile.flags:
        result["flags"] = list(profile.flags)
    result["syscalls"] = [_dump_rule(rule) for rule in profile.rules]
    return result


def _dump_rule(rule):
    found = collections.OrderedDict([("names", list(rule.names)), ("action", rule.action.name)])
    if rule.action.errno is not None:
        found["errnoRet"] = rule.action.errno
    if rule.args:
        found["args"] = [_dump_arg(arg) for arg in rule.args]
    for key in ("includes", "excludes"):
        conditions = getattr(rule, key)
        if conditions != ALWAYS:
            found[key] = _dump_conditions(conditions)
    return found


def _dump_arg(arg):
    found = collections.OrderedDict([("index", arg.index), ("value", arg.value), ("op", arg.op)])
    if arg.op == MASKED_EQ:
        found["valueTwo"] = arg.other
    return found


def _dump_conditions(conditions):
    found = collections.OrderedDict()
    for key in ("caps", "arches"):
        if getattr(conditions, key):
            found[key] = list(getattr(conditions, key))
    if conditions.kernel is not None:
        found["minKernel"] = "%d.%d" % conditions.kernel
    return found
