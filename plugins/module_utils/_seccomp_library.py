# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The host's libseccomp: names and numbers of system calls, and the filter that it makes of a profile.

It is asked for what runc asks it for (libcontainer/seccomp, 1.0 to 1.3), so that the filter is the one of a container.
The library itself may be another: runc of Docker's own packages brings one along.
"""

import ctypes
import errno
import fcntl
import os

from ansible_collections.containment.docker.plugins.module_utils import _seccomp_bpf
from ansible_collections.containment.docker.plugins.module_utils import _seccomp_profile as profiles
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

NAME = "libseccomp.so.2"
_ACTIONS = {
    profiles.KILL: 0x00000000,
    profiles.KILL_THREAD: 0x00000000,
    profiles.KILL_PROCESS: 0x80000000,
    profiles.TRAP: 0x00030000,
    profiles.ERRNO: 0x00050000,
    profiles.TRACE: 0x7FF00000,
    profiles.LOG: 0x7FFC0000,
    profiles.ALLOW: 0x7FFF0000,
}
_OPERATORS = {
    profiles.NE: 1,
    profiles.LT: 2,
    profiles.LE: 3,
    profiles.EQ: 4,
    profiles.GE: 5,
    profiles.GT: 6,
    profiles.MASKED_EQ: 7,
}
_NO_NEW_PRIVILEGES, _OPTIMIZE = 3, 8  # enum scmp_filter_attr
_TREE = 32  # from more rules than that on runc has a binary tree made of them
_UNKNOWN = -1  # __NR_SCMP_ERROR; other negative numbers are of calls that another architecture has
_F_SETPIPE_SZ = 1031
_PIPE = 1 << 20
_X32, _I386 = "SCMP_ARCH_X32", "SCMP_ARCH_X86"
# Calls that 32-bit programs of x86 have both by themselves, which libseccomp does not tell, and as a part of socketcall
# and ipc (arch/x86/entry/syscalls/syscall_32.tbl, Linux 4.3 and 5.1).
_OF_I386 = {
    "socket": 359,
    "socketpair": 360,
    "bind": 361,
    "connect": 362,
    "listen": 363,
    "accept4": 364,
    "getsockopt": 365,
    "setsockopt": 366,
    "getsockname": 367,
    "getpeername": 368,
    "sendto": 369,
    "sendmsg": 370,
    "recvfrom": 371,
    "recvmsg": 372,
    "shutdown": 373,
    "semget": 393,
    "semctl": 394,
    "shmget": 395,
    "shmctl": 396,
    "shmat": 397,
    "shmdt": 398,
    "msgget": 399,
    "msgsnd": 400,
    "msgrcv": 401,
    "msgctl": 402,
}


class _Comparison(ctypes.Structure):
    _fields_ = (("arg", ctypes.c_uint), ("op", ctypes.c_int), ("a", ctypes.c_uint64), ("b", ctypes.c_uint64))


class Library:
    """libseccomp, opened. Raises ContainmentError where the host has none."""

    def __init__(self):
        try:
            self._lib = ctypes.CDLL(NAME, use_errno=True)
        except OSError:
            raise ContainmentError(
                NAME, "is not on this host", "install the package libseccomp2 (Debian, Ubuntu) or libseccomp"
            ) from None
        self._lib.seccomp_init.restype = ctypes.c_void_p
        self._lib.seccomp_arch_native.restype = ctypes.c_uint32
        self._lib.seccomp_arch_resolve_name.restype = ctypes.c_uint32
        self._lib.seccomp_syscall_resolve_num_arch.restype = ctypes.c_void_p
        self._tokens = {}

    def token(self, architecture):
        """Return libseccomp's number of an architecture, as in profiles.ARCHITECTURES; 0 where it knows none."""
        if architecture not in self._tokens:
            name = architecture[len("SCMP_ARCH_") :].lower().encode("ascii")
            self._tokens[architecture] = self._lib.seccomp_arch_resolve_name(name)
        return self._tokens[architecture]

    def native(self):
        """Return the name of the host's architecture."""
        number = self._lib.seccomp_arch_native()
        found = [one for one in profiles.ARCHITECTURES if self.token(one) == number]
        if not found:
            raise ContainmentError(NAME, f"says that the host is of architecture 0x{number:08x}", "use another host")
        return found[0]

    def number(self, name, architecture):
        """Return the number of a call on an architecture, None where it has no such call there."""
        found = self._told(name, architecture)
        if found < 0:
            return _OF_I386.get(name) if architecture == _I386 else None
        return found

    def _told(self, name, architecture):
        return self._lib.seccomp_syscall_resolve_name_arch(self.token(architecture), name.encode("utf-8"))

    def is_known(self, name):
        """Whether any architecture has a call of this name."""
        return self._lib.seccomp_syscall_resolve_name(name.encode("utf-8")) != _UNKNOWN

    def name(self, number, architecture):
        """Return the name of the call with a number, None where there is none."""
        place = self._lib.seccomp_syscall_resolve_num_arch(ctypes.c_uint32(self.token(architecture)), number)
        if not place:
            return None
        try:
            return ctypes.string_at(place).decode("ascii")
        finally:
            ctypes.CDLL(None).free(ctypes.c_void_p(place))

    def audit(self, architecture):
        """Return the number by which the kernel knows an architecture (include/uapi/linux/audit.h)."""
        return self.token("SCMP_ARCH_X86_64" if architecture == _X32 else architecture)

    def place(self, architecture):
        """Return what tells the calls of an architecture in a filter: (AUDIT_ARCH_ number, whether x32)."""
        return self.audit(architecture), architecture == _X32

    def highest(self, profile):
        """Return what _seccomp_bpf.is_unknown takes: the highest calls that a Profile names."""
        if profile.default.name in profiles.PERMISSIVE or profile.default.errno == errno.ENOSYS:
            return {}
        names = {name for rule in profile.rules for name in rule.names}
        found = {}
        for architecture in profile.architectures:
            last = max([self._told(name, architecture) for name in names], default=0)
            if last > 0:
                found[self.place(architecture)] = last
        return found

    def compile(self, profile):
        """Return the program, as _seccomp_bpf.run takes it, that a container gets for a Profile without conditions.

        Raises ContainmentError where libseccomp refuses it.
        """
        default = _value(profile.default)
        context = self._lib.seccomp_init(ctypes.c_uint32(default))
        if not context:
            raise ContainmentError("defaultAction", f"{NAME} does not know {profile.default.name}", "use another")
        context = ctypes.c_void_p(context)
        try:
            for architecture in profile.architectures:
                self._add_architecture(context, architecture)
            if sum(len(rule.names) for rule in profile.rules) > _TREE:
                # Older ones cannot, and make a list.
                self._lib.seccomp_attr_set(context, _OPTIMIZE, ctypes.c_uint32(2))
            self._lib.seccomp_attr_set(context, _NO_NEW_PRIVILEGES, ctypes.c_uint32(0))
            for rule in profile.rules:
                if _value(rule.action) != default:
                    self._add_rule(context, rule)
            return _seccomp_bpf.instructions(self._export(context))
        finally:
            self._lib.seccomp_release(context)

    def _add_architecture(self, context, architecture):
        token = self.token(architecture)
        result = self._lib.seccomp_arch_add(context, ctypes.c_uint32(token)) if token else -errno.EINVAL
        if result not in (0, -errno.EEXIST):
            cause = f"has {architecture}, which {NAME} does not know ({_words(result)})"
            raise ContainmentError("architectures", cause, "remove it")

    def _add_rule(self, context, rule):
        for name in rule.names:
            number = self._lib.seccomp_syscall_resolve_name(name.encode("utf-8"))
            if number == _UNKNOWN:
                continue
            for args in profiles.alternatives(rule.args):
                comparisons = [_Comparison(arg.index, _OPERATORS[arg.op], arg.value, arg.other) for arg in args]
                result = self._lib.seccomp_rule_add_array(
                    context,
                    ctypes.c_uint32(_value(rule.action)),
                    number,
                    len(comparisons),
                    (_Comparison * len(comparisons))(*comparisons),
                )
                if result:
                    cause = f"has a rule for {name} that {NAME} refuses ({_words(result)})"
                    raise ContainmentError(
                        "the profile", cause, "look for another rule that says the same, or the contrary"
                    )

    def _export(self, context):
        reader, writer = os.pipe()
        try:
            fcntl.fcntl(writer, _F_SETPIPE_SZ, _PIPE)
            os.set_blocking(writer, False)
            result = self._lib.seccomp_export_bpf(context, writer)
            if result:
                raise ContainmentError("the profile", f"no filter can be made of it ({_words(result)})", "shorten it")
            os.set_blocking(reader, False)
            return os.read(reader, _PIPE)
        finally:
            os.close(reader)
            os.close(writer)


def _value(action):
    return _ACTIONS[action.name] | (action.errno or 0)


def _words(result):
    return os.strerror(-result)
