# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an engine and its runtime know of seccomp, and what they hand to a container. Decides nothing."""

import json
import os
import re
import stat

from ansible_collections.containment.docker.plugins.module_utils import (
    _daemon_keys,
    _engine_values,
    _files,
    _host_probe,
    _seccomp_check,
    _seccomp_features,
)
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

KEPT = "/var/lib/containment/seccomp"  # what engines told of their own defaults, in default-VERSION.json
MADE = KEPT + "/made.json"  # which profiles were made from which of them
_VERSION = re.compile(r"[0-9A-Za-z][0-9A-Za-z.+~_-]{0,63}\Z")


def describe(engine):
    """Return (_seccomp_check.Engine, its version's text, whether a daemon-wide profile is in force) of an `Engine`.

    Raises ContainmentError where the engine has no seccomp at all, and where it is not root's: what another one says
    must not name files and programs.
    """
    peer = engine.peer()
    if peer != 0:
        raise ContainmentError(
            f"engine at {engine.socket}", f"runs with uid {peer}, not as root", "name the socket of the host's engine"
        )
    info = engine.get("/info")
    text = info["ServerVersion"]
    if not _VERSION.match(text):
        raise ContainmentError(f"engine at {engine.socket}", f"says that it is of version {text!r}", "update it")
    options = _engine_values.security_options(info).get("seccomp")
    if options is None:
        cause = "the engine or the kernel has no seccomp"
        raise ContainmentError("seccomp", cause, "use a kernel with CONFIG_SECCOMP_FILTER, and an engine built for it")
    actions, flags = _seccomp_features.of(_features(info))
    own = options.get("profile", _seccomp_features.BUILTIN[0]) not in _seccomp_features.BUILTIN
    return _seccomp_check.Engine(_daemon_keys.parse_version(text), actions, flags), text, own


def _features(info):
    """Return what the default runtime says of itself, None where it says nothing: an engine tells it from 25.0 on, runc
    itself from 1.1 on."""
    runtime = (info.get("Runtimes") or {}).get(info.get("DefaultRuntime")) or {}
    told = (runtime.get("status") or {}).get(_seccomp_features.STATUS)
    if told is None:
        path = runtime.get("path") or ""
        program = _roots(path if path.startswith("/") else _host_probe.executable(path))
        rc, told = _host_probe.run([program, "features"]) if program else (None, "")
        if rc != 0:
            return None
    try:
        return json.loads(told)
    except ValueError:
        return None


def _roots(path):
    """Return the real path of a program that nobody but root can change, None for any other."""
    try:
        parent, name, real = _files.open_parent(path or "")
    except (ContainmentError, OSError):
        return None
    try:
        info = os.stat(name, dir_fd=parent, follow_symlinks=False)
    except OSError:
        return None
    finally:
        os.close(parent)
    return real if stat.S_ISREG(info.st_mode) and info.st_uid == 0 and not info.st_mode & 0o022 else None


def bundle(pid, container):
    """Return what the runtime was told of a container, by its id and its first process, as JSON has it.

    It lies in the working directory of the shim, the process's parent (containerd, runtime v1 and v2), wherever an
    engine has its exec-root. Raises ContainmentError where it is not to be had.
    """
    parent = _host_probe.parent(pid)
    try:
        if parent is None or not _is_shim(parent):
            raise ValueError("its parent is no shim of root's")
        if os.path.basename(os.readlink(f"/proc/{parent}/cwd")) != container:
            raise ValueError("its parent is another container's shim")
        # Whoever calls himself an engine can name any process.
        fd = os.open(f"/proc/{parent}/cwd/config.json", os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(fd, encoding="utf-8") as handle:
            if not stat.S_ISREG(os.fstat(fd).st_mode):
                raise ValueError("it is no file")
            return json.load(handle)
    except (OSError, ValueError, RecursionError) as error:
        cause = f"the runtime's configuration of the container cannot be read ({error})"
        raise ContainmentError(f"process {pid}", cause, "see whether the container has ended, and run again") from error


def _is_shim(pid):
    """Whether a process is a containerd shim of root's, whatever it calls itself."""
    exe = f"/proc/{pid}/exe"
    known = os.path.basename(os.readlink(exe)).startswith("containerd-shim")
    return known and os.stat(exe).st_uid == 0 and _host_probe.is_roots(pid)


def is_filtered(pid):
    """Whether a process is under a seccomp filter (proc(5), Seccomp). Raises OSError where it is gone."""
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as handle:
        return any(line.split() == ["Seccomp:", "2"] for line in handle)


def capabilities():
    """Return the numbers of the capabilities that this process may give to others (proc(5), CapBnd)."""
    with open("/proc/self/status", encoding="ascii", errors="replace") as handle:
        (text,) = [line.split()[1] for line in handle if line.startswith("CapBnd:")]
    return [number for number in range(64) if int(text, 16) >> number & 1]


def kernel():
    """Return the running kernel's (major, minor)."""
    return _seccomp_features.kernel(os.uname().release)


def program(pid):
    """Return the first word of a process's arguments, "" for one that has none or is gone."""
    return (_host_probe.text(f"/proc/{pid}/cmdline") or "").split("\0")[0]


def default_path(version):
    """Return the path of what an engine of a version, such as `describe` returns, told of its default."""
    return f"{KEPT}/default-{version}.json"


def default_told(version):
    """Return the bytes of that, None where there is none, whatever the version says."""
    return _files.read(default_path(version)).data if _VERSION.match(version) else None


def made():
    """Return {sha256 of a profile: version of the engine whose default it was made from}, {} where that is not kept."""
    return _told(_files.read(MADE).data)


def _told(data):
    try:
        told = json.loads(data.decode("utf-8")) if data else {}
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def keep_made(digest, version):
    """Write down which version's default a profile was made from."""
    before = _files.read(MADE)
    told = dict(_told(before.data), **{digest: version})
    data = (json.dumps(told, indent=2, sort_keys=True) + "\n").encode("utf-8")
    if before.data != data:
        _files.replace(before, data, mode=0o600)
