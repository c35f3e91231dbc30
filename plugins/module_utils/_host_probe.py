# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host's kernel, process table and user database say. Nothing here changes the host, and nothing decides what a
value means."""

import ctypes
import errno
import grp
import os
import posixpath
import pwd
import select
import signal
import subprocess
import time

from ansible_collections.containment.docker.plugins.module_utils import _subid, _userns_proof

CLONE_NEWNS, CLONE_NEWUSER = 0x00020000, 0x10000000
MS_REC, MS_PRIVATE = 0x4000, 0x40000
LISTENING = 0x10000


def text(path):
    """Return the text of a file of /proc or /sys, None where there is none (any more)."""
    try:
        with open(path, "rb") as handle:
            return handle.read().decode("utf-8", "surrogateescape")
    except (FileNotFoundError, ProcessLookupError, NotADirectoryError):
        return None
    except OSError as error:
        # What the kernel answers for sysctls of other namespaces and for processes that are about to end.
        if error.errno in (errno.EINVAL, errno.EACCES, errno.EPERM, errno.EIO):
            return None
        raise


def process(pid):
    """Return {"pid", "state", "ticks", "started", "incarnation"} of a process, None where it is gone.

    state: R, S, D, T (stopped), Z. ticks: start in clock ticks since boot, which no clock change moves. started: the
    same as UTC in ISO 8601. incarnation: BOOT_ID-PID-TICKS, the same exactly as long as the process was not started
    again.
    """
    stat = text(f"/proc/{pid}/stat")
    if stat is None:
        return None
    # The command in parentheses may hold anything, parentheses and blanks too (proc(5)).
    fields = stat[stat.rindex(")") + 2 :].split()
    ticks = int(fields[19])
    boot = int(next(line for line in text("/proc/stat").splitlines() if line.startswith("btime ")).split()[1])
    seconds = boot + ticks // os.sysconf("SC_CLK_TCK")
    boot_id = (text("/proc/sys/kernel/random/boot_id") or "").strip()
    return {
        "pid": pid,
        "state": fields[0],
        "ticks": ticks,
        "started": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds)),
        "incarnation": f"{boot_id}-{pid}-{ticks}",
    }


def parent(pid):
    """Return the pid of a process's parent, None where it is gone."""
    stat = text(f"/proc/{pid}/stat")
    return None if stat is None else int(stat[stat.rindex(")") + 2 :].split()[1])


def id_map(pid):
    """Return {"uid": [[inside, outside, count], ...], "gid": [...]} of a process, None where it is gone."""
    maps = {kind: text(f"/proc/{pid}/{kind}_map") for kind in ("uid", "gid")}
    if not maps["uid"] or not maps["gid"]:
        return None
    return {kind: _userns_proof.parse_map(lines) for kind, lines in maps.items()}


def pids():
    return sorted(int(name) for name in os.listdir("/proc") if _subid.is_number(name))


def shims():
    """Return root's containerd shims of this pid namespace: [{"pid", "id", "namespace", "address"}]. Another user can
    give any process the name and the arguments of one.

    id: the container's. namespace: containerd's ("moby", "moby-UID.GID", "plugins.moby", "k8s.io"). address:
    containerd's socket, "" where it is not in the arguments.
    """
    found = []
    ours = _namespace("self", "pid")
    for pid in pids():
        words = (text(f"/proc/{pid}/cmdline") or "").split("\0")
        if not posixpath.basename(words[0]).startswith("containerd-shim") or _namespace(pid, "pid") != ours:
            continue
        if not is_roots(pid):
            continue
        options = {}
        for word, value in zip(words, words[1:] + [""]):
            if word.startswith("-"):
                name, _equals, inline = word.lstrip("-").partition("=")
                options.setdefault(name, inline or value)
        # The first generation of shims has the id in its working directory alone.
        found.append(
            {
                "pid": pid,
                "id": options.get("id") or posixpath.basename(options.get("workdir", "")),
                "namespace": options.get("namespace", ""),
                "address": options.get("address", ""),
            }
        )
    return found


def listening(pid):
    """Return {path: held by the init process too} of the unix sockets that a process listens on.

    A socket that init holds as well was opened by socket activation: it is there while no engine runs, and connecting
    starts one.
    """
    inodes = {}
    for line in (text(f"/proc/{pid}/net/unix") or "").splitlines()[1:]:
        words = line.split(None, 7)
        if len(words) == 8 and int(words[3], 16) & LISTENING:
            inodes[words[6]] = words[7]
    init = _sockets(1) if pid != 1 else set()
    return {inodes[inode]: inode in init for inode in _sockets(pid) if inode in inodes}


def _sockets(pid):
    found = set()
    try:
        names = os.listdir(f"/proc/{pid}/fd")
    except OSError:
        return found
    for name in names:
        try:
            target = os.readlink(f"/proc/{pid}/fd/{name}")
        except OSError:
            continue
        if target.startswith("socket:["):
            found.add(target[len("socket:[") : -1])
    return found


def is_roots(pid):
    """Tell whether all uids of a process are root's; whoever starts a setuid program chooses its arguments."""
    for line in (text(f"/proc/{pid}/status") or "").splitlines():
        if line.startswith("Uid:"):
            return set(line.split()[1:]) == {"0"}
    return False


def _namespace(pid, kind):
    try:
        return os.readlink(f"/proc/{pid}/ns/{kind}")
    except OSError:
        return None


def account(name, group=None):
    """Return {"user", "uid", "group", "gid"} of a user (name or number) and a group (name or number; None: the one
    named like the user).

    uid or gid is None where there is none of that name; a number without an entry stands for itself.
    """
    user, uid = _entry(name, pwd.getpwnam, pwd.getpwuid, 2)
    if group is not None:
        group, gid = _entry(group, grp.getgrnam, grp.getgrgid, 2)
    else:
        group, gid = _entry(user, grp.getgrnam, grp.getgrgid, 2)
    return {"user": user, "uid": uid, "group": group, "gid": gid}


def _entry(name, by_name, by_id, field):
    try:
        entry = by_name(name)
        return entry[0], entry[field]
    except KeyError:
        if not _subid.is_number(name):
            return name, None
    try:
        entry = by_id(int(name))
        return entry[0], entry[field]
    except (KeyError, OverflowError):  # getgrgid says the second of more than 32 bits.
        return name, int(name)


def kernel():
    """Return what the kernel says of itself and of user namespaces; a value it does not have is None."""
    names = {
        "max_user_namespaces": "user/max_user_namespaces",
        "unprivileged_userns_clone": "kernel/unprivileged_userns_clone",
        "apparmor_restrict_unprivileged_userns": "kernel/apparmor_restrict_unprivileged_userns",
    }
    values = {name: text("/proc/sys/" + path) for name, path in names.items()}
    uname = os.uname()
    return dict(
        {name: None if value is None else int(value) for name, value in values.items()},
        release=uname.release,
        machine=uname.machine,
        cmdline=(text("/proc/cmdline") or "").split(),
        boot_id=(text("/proc/sys/kernel/random/boot_id") or "").strip(),
    )


def probe_user_namespace(uid=100000, gid=100000, timeout=5.0):
    """Make a user and a mount namespace in a child, map its ids 0 to `uid` and `gid`, mount in it and ask who it is.

    Return None where all of that worked, else (step, the kernel's words). Steps: unshare, map, mount, id, time.
    """
    to_child, from_child = os.pipe(), os.pipe()
    child = os.fork()
    if child == 0:
        _probe_child(to_child, from_child)
    os.close(to_child[0])
    os.close(from_child[1])
    try:
        answer = _line(from_child[0], timeout)
        if answer != "unshared":
            return ("time", f"no answer for {timeout} s") if answer is None else ("unshare", answer)
        try:
            for kind, host in (("uid", uid), ("gid", gid)):
                with open(f"/proc/{child}/{kind}_map", "w") as handle:
                    handle.write(f"0 {host} 1\n")
        except OSError as error:
            return "map", error.strerror
        os.write(to_child[1], b"\n")
        answer = _line(from_child[0], timeout)
        if answer != "mounted":
            return ("time", f"no answer for {timeout} s") if answer is None else ("mount", answer)
        line = next(
            line for line in (text(f"/proc/{child}/status") or "Uid:\t-1").splitlines() if line.startswith("Uid:")
        )
        outside = int(line.split()[1])
        return None if outside == uid else ("id", f"its root has uid {outside} on the host, not {uid}")
    finally:
        os.close(to_child[1])
        os.close(from_child[0])
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def _probe_child(to_child, from_child):
    """Never returns: whatever happens, the child must not go on with its parent's work."""
    try:
        os.close(to_child[1])
        os.close(from_child[0])
        try:
            libc = ctypes.CDLL(None, use_errno=True)
            _call(libc.unshare(CLONE_NEWUSER | CLONE_NEWNS))
            os.write(from_child[1], b"unshared\n")
            os.read(to_child[0], 1)
            os.setresgid(0, 0, 0)
            os.setresuid(0, 0, 0)
            _call(libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None))
            _call(libc.mount(b"none", b"/tmp", b"tmpfs", 0, None))
            os.write(from_child[1], b"mounted\n")
            # Stay until the parent has seen who we are: it closes the pipe, or kills.
            os.read(to_child[0], 1)
        except OSError as error:
            os.write(from_child[1], (error.strerror or str(error)).encode() + b"\n")
    finally:
        os._exit(0)


def _call(result):
    if result != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def _line(fd, timeout):
    """Return the next line, "" where the other end closed, None after the time-out."""
    if not select.select([fd], [], [], timeout)[0]:
        return None
    return os.read(fd, 4096).decode().strip()


def run(argv, timeout=10.0):
    """Return (rc, output with errors) of a command; (None, cause) where it could not be run or took longer."""
    environment = dict(os.environ, LC_ALL="C", LANGUAGE="C")
    try:
        command = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment
        )
    except OSError as error:
        return None, error.strerror
    try:
        output, _nothing = command.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        command.kill()
        command.communicate()
        return None, f"no answer for {timeout} s"
    return command.returncode, output.decode("utf-8", "replace").strip()


def executable(name):
    """Return the path of a program where packages and tarballs put it, None where there is none."""
    for directory in (
        "/usr/bin",
        "/usr/sbin",
        "/usr/local/bin",
        "/usr/local/sbin",
        "/opt/bin",
        "/snap/bin",
        "/bin",
        "/sbin",
    ):
        path = posixpath.join(directory, name)
        if os.path.isfile(path) and os.access(path, os.X_OK):
            return path
    return None


def package_of(path):
    """Return the name and version of the package that a program came with, "" where no package manager knows it."""
    real = os.path.realpath(path)
    for argv in (["dpkg-query", "-S", real], ["rpm", "-qf", real]):
        if executable(argv[0]):
            rc, output = run(argv)
            if rc == 0:
                return output.splitlines()[0].split(": ")[0]
    return ""


def numbered_roots(data_root):
    """Return [{"path", "uid", "gid", "mode"}] of the graph roots of remapped engines, past ones too, below a data
    root."""
    found = []
    try:
        names = os.listdir(data_root)
    except (FileNotFoundError, NotADirectoryError):
        return found
    for name in sorted(names):
        uid, dot, gid = name.partition(".")
        if dot and _subid.is_number(uid) and _subid.is_number(gid):
            path = posixpath.join(data_root, name)
            info = os.lstat(path)
            found.append({"path": path, "uid": info.st_uid, "gid": info.st_gid, "mode": info.st_mode})
    return found


def program(pid):
    """Return {"path", "replaced"} of the program that a process runs, None where the process is gone. replaced: no
    longer the file there."""
    try:
        target = os.readlink(f"/proc/{pid}/exe")
    except OSError:
        return None
    replaced = target.endswith(" (deleted)")
    return {"path": target[: -len(" (deleted)")] if replaced else target, "replaced": replaced}
