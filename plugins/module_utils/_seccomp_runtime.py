# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an engine and its runtime know of seccomp, and what they hand to a container. Decides nothing."""

import json
import os
import stat

from ansible_collections.containment.docker.plugins.module_utils import (
    _daemon_keys,
    _engine_values,
    _host_probe,
    _seccomp_check,
    _seccomp_features,
)
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

KEPT = "/var/lib/containment/seccomp"  # what engines told of their own defaults, in default-VERSION.json


def describe(engine):
    """Return (_seccomp_check.Engine, its version's text, whether a daemon-wide profile is in force) of an `Engine`.

    Raises ContainmentError where the engine has no seccomp at all.
    """
    info = engine.get("/info")
    text = info["ServerVersion"]
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
        program = path if path.startswith("/") else _host_probe.executable(path)
        rc, told = _host_probe.run([program, "features"]) if program else (None, "")
        if rc != 0:
            return None
    try:
        return json.loads(told)
    except ValueError:
        return None


def bundle(pid):
    """Return what the runtime was told of the container that a process is the first one of, as JSON has it.

    It lies in the working directory of the shim, the process's parent (containerd, runtime v1 and v2), wherever an
    engine has its exec-root. Raises ContainmentError where it is not to be had.
    """
    parent = _host_probe.parent(pid)
    try:
        if parent is None or not _host_probe.is_roots(parent) or not program(parent).count("containerd-shim"):
            raise ValueError("its parent is no shim of root's")
        # Whoever calls himself an engine can name any process.
        fd = os.open(f"/proc/{parent}/cwd/config.json", os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(fd, encoding="utf-8") as handle:
            if not stat.S_ISREG(os.fstat(fd).st_mode):
                raise ValueError("it is no file")
            return json.load(handle)
    except (OSError, ValueError) as error:
        cause = f"the runtime's configuration of the container cannot be read ({error})"
        raise ContainmentError(f"process {pid}", cause, "see whether the container has ended, and run again") from error


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


def kept():
    """Return the versions of engines whose default this host has asked for."""
    try:
        names = os.listdir(KEPT)
    except FileNotFoundError:
        return []
    return sorted(name[len("default-") : -len(".json")] for name in names if name.startswith("default-"))
