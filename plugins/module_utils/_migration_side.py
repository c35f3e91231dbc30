# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A second engine, on a graph root that nobody serves from yet, beside the one that serves.

It has a network and a mount namespace of its own, so that it comes near to neither the other's bridges and packet
filter nor the host's mounts; a socket, pid file, exec root and configuration of its own; and it runs no container.
"""

import contextlib
import ctypes
import json
import os
import signal
import subprocess
import time

from ansible_collections.containment.docker.plugins.module_utils import _daemon_keys, _files, _host_probe
from ansible_collections.containment.docker.plugins.module_utils._engine_api import Engine, EngineError
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

FOLDER = "/run/containment/engine"
SOCKET = FOLDER + "/docker.sock"
_PID_FILE, _CONFIG, _LOG = FOLDER + "/docker.pid", FOLDER + "/daemon.json", FOLDER + "/log"
_START, _STOP = 120, 60  # seconds
_PR_SET_PDEATHSIG = 1
# Of the other engine's configuration: what decides how images are kept and what a container or a network may have.
_SAME = (
    *("bip", "cgroup-parent", "data-root", "default-address-pools", "default-cgroupns-mode"),
    *(
        "default-ipc-mode",
        "default-network-opts",
        "default-runtime",
        "default-shm-size",
        "default-ulimits",
        "exec-opts",
    ),
    *("experimental", "features", "fixed-cidr", "fixed-cidr-v6", "init-path", "ipv6", "log-driver", "log-opts", "mtu"),
    *("runtimes", "selinux-enabled", "storage-driver", "storage-opts"),
)
# Packet filter and forwarding are the other's: what is made here has no use for them yet.
_OWN = ("iptables", "ip6tables", "ip-forward", "ip-masq", "userland-proxy", "live-restore")


def configuration(values, data_root, remap, version):
    """Return the content of its daemon.json.

    values: {key: value} of the other engine, flags included. remap: value of userns-remap. version: a tuple.
    """
    config = {key: values[key] for key in _SAME if values.get(key) is not None}
    config.update({key: False for key in _OWN if key in _daemon_keys.known(version)})
    # A bridge of the host's is not in its namespace: the default network is then made by the switched engine.
    if values.get("bridge"):
        config["bridge"] = "none"
        for key in ("bip", "fixed-cidr", "fixed-cidr-v6"):
            config.pop(key, None)
    config.update({"data-root": data_root, "userns-remap": remap})
    return config


def _argv(program, version, containerd):
    argv = ["unshare", "--net", "--mount", "--propagation", "private", "--", program]
    argv += ["--config-file", _CONFIG, "--host", "unix://" + SOCKET, "--pidfile", _PID_FILE]
    argv += ["--exec-root", FOLDER + "/exec"]
    if containerd is not None:
        argv += ["--containerd", containerd]
    # From 26.0 on a remapped engine has namespaces of its own in containerd (moby: createAndStartBackends).
    if version < (26, 0):
        argv += ["--containerd-namespace", "containment", "--containerd-plugins-namespace", "containment-plugins"]
    return argv


@contextlib.contextmanager
def running(order):
    """Have the engine run while the block does, and give an Engine for it.

    order: {"program": path of dockerd, "config": as `configuration` returns it, "version": [int], "containerd": path of
    the socket, None where it starts its own}. Raises ContainmentError with its last words where it does not come up, or
    does not end.
    """
    end_left_over()
    for path in (os.path.dirname(FOLDER), FOLDER):
        with contextlib.suppress(FileExistsError):
            os.mkdir(path, 0o700)
    _files.replace(_files.read(_CONFIG), json.dumps(order["config"]).encode("ascii"), mode=0o600)
    argv = _argv(order["program"], tuple(order["version"]), order["containerd"])
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(_LOG, flags, 0o600), "wb") as log:
        process = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", preexec_fn=_end_with_us, env=_environment()
        )
    try:
        with Engine(SOCKET, timeout=_START) as engine:
            _await(engine, process)
            yield engine
    finally:
        _end(process)
        os.unlink(_CONFIG)


def _environment():
    return {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"}


def _end_with_us():
    """In the child: be asked to end when the parent dies (prctl(2))."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _await(engine, process):
    deadline = time.monotonic() + _START
    while True:
        try:
            engine.get("/_ping", timeout=5)
            return
        except EngineError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise ContainmentError(
                    "the engine for the new graph root",
                    f"did not come up: {_last_words()}",
                    "mend the cause, run again",
                ) from None
        time.sleep(0.05)


def _last_words():
    lines = (_files.read(_LOG).data or b"").decode("utf-8", "replace").strip().splitlines()
    return " / ".join(line[-300:] for line in lines[-3:]) or "it said nothing"


def _end(process):
    process.terminate()
    try:
        process.wait(_STOP)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise ContainmentError(
            "the engine for the new graph root", f"did not end within {_STOP} s: {_last_words()}", "run again"
        ) from None


def end_left_over():
    """End the engine that a killed process left behind, which was asked to end by that already."""
    words = (_files.read(_PID_FILE).data or b"").decode("ascii", "replace").strip()
    if not words.isdigit():
        return
    pid, deadline, asked = int(words), time.monotonic() + _STOP, False
    while _is_ours(pid):
        late = time.monotonic() > deadline
        if late or not asked:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL if late else signal.SIGTERM)
            asked = True
        time.sleep(0.05)


def _is_ours(pid):
    process = _host_probe.process(pid)
    command = _host_probe.text(f"/proc/{pid}/cmdline") or ""
    return process is not None and process["state"] != "Z" and "unix://" + SOCKET in command.split("\0")
