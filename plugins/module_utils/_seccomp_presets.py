# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Overlays that go by a name. Data alone: each is a list of overlays as people write them, with why they are there."""

import errno

# What runc calls between loading the filter and the program's first instruction. Without no-new-privileges the filter
# is loaded before the capabilities are dropped, the user is set and the working directory is entered (runc,
# libcontainer/setns_init_linux.go and standard_init_linux.go; tried with 1.1 and 1.3). statx is for the checks of /proc
# that came with 1.2.8 and 1.3.3.
RUNTIME_LATE = (
    *("brk", "close", "close_range", "dup3", "epoll_ctl", "epoll_pwait", "execve", "exit", "exit_group", "fcntl"),
    *("fstat", "fstatfs", "futex", "getdents64", "getpid", "gettid", "mmap", "munmap", "nanosleep", "newfstatat"),
    *("openat", "openat2", "read", "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sched_yield", "sigaltstack"),
    *("statx", "tgkill", "write"),
)
RUNTIME_EARLY = (
    *("capget", "capset", "chdir", "faccessat", "faccessat2", "fchdir", "fchown", "getcwd", "getegid", "geteuid"),
    *("getgid", "getppid", "getuid", "prctl", "setgid", "setgroups", "setuid", "stat"),
)

# What C libraries and language runtimes try first and do without where the answer is ENOSYS, and nothing else: clone3
# and faccessat2 have stopped containers (moby#42680, moby#43595, moby#42871).
FALLBACKS = (
    *("clone3", "close_range", "copy_file_range", "epoll_pwait2", "faccessat2", "fchmodat2", "futex_waitv"),
    *("getrandom", "memfd_create", "openat2", "pidfd_open", "pidfd_send_signal", "preadv2", "pwritev2", "renameat2"),
    "rseq",
)

# Families by which containers talk to each other and to the world: AF_UNIX, AF_INET, AF_INET6, AF_NETLINK.
_COMMON = [1, 2, 10, 16]
# Reaching into other processes, tracing, and what has been a way out of containers again and again.
_REACHING = [
    *("bpf", "io_uring_enter", "io_uring_register", "io_uring_setup", "kcmp", "perf_event_open", "pidfd_getfd"),
    *("process_madvise", "process_vm_readv", "process_vm_writev", "ptrace", "userfaultfd"),
]

PRESETS = {
    "list-2015": [
        {
            "deny": [
                *("kexec_load", "open_by_handle_at", "init_module", "finit_module", "delete_module", "iopl", "ioperm"),
                *("swapon", "swapoff", "sysfs", "_sysctl", "adjtimex", "clock_adjtime", "lookup_dcookie"),
                *("perf_event_open", "fanotify_init", "kcmp"),
            ]
        },
        # AF_AX25 to AF_X25, AF_ROSE to AF_KEY, and all that are newer than AF_NETLINK.
        {"deny_families": [*range(3, 10), *range(11, 16), *range(17, 64)]},
        {"architectures": "native"},
    ],
    "runtime": [
        {"deny": list(FALLBACKS), "errno": errno.ENOSYS},
        {"allow": sorted(RUNTIME_EARLY + RUNTIME_LATE)},
    ],
    "runtime-no-new-privileges": [
        {"deny": list(FALLBACKS), "errno": errno.ENOSYS},
        {"allow": sorted(RUNTIME_LATE)},
    ],
    # What a learning profile need not log, because any that is learned lets it through.
    "learning": [{"allow": sorted(RUNTIME_LATE)}],
    "web-service": [
        {"deny": _REACHING},
        {"deny_families": [number for number in range(64) if number not in _COMMON]},
        {"architectures": "native"},
    ],
    "database": [
        {"deny": _REACHING},
        # Where memory lies, which the engine's default ties to CAP_SYS_NICE; servers complain in their logs without.
        {"allow": ["get_mempolicy", "mbind", "set_mempolicy"]},
        {"deny_families": [number for number in range(64) if number not in _COMMON]},
        {"architectures": "native"},
    ],
    # Rootless builders make user and mount namespaces of their own, and debuggers trace what they built.
    "build": [
        {
            "allow": [
                *("clone", "clone3", "mount", "pivot_root", "process_vm_readv", "ptrace", "setns", "umount", "umount2"),
                "unshare",
            ]
        }
    ],
    # io_uring makes sockets that no filter sees (Linux 5.19), and 32-bit calls have socketcall.
    "no-network": [
        {"deny_families": [number for number in range(64) if number != 1]},
        {"deny": ["io_uring_enter", "io_uring_register", "io_uring_setup"]},
        {"architectures": "native"},
    ],
}
