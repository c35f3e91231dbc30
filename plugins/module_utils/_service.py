# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine as a service: under systemd, and under an init script where systemd is not running.

Both managers have the same face: `state()` -> the engine's process as `_host_probe.process` tells it, None where none
runs, `start()`, `restart(seconds)`, `stop(seconds)`, `settle()`, which starts again what a stop took along,
`awaits()`, whether any client would start the engine, `ready()` and `failed()` -> bool, `log()` -> [line]: the engine's
last lines, since `start` or `restart` where that was called.
"""

import json
import os
import signal
import time

from ansible_collections.containment.docker.plugins.module_utils import _files, _host_manager, _host_probe
from ansible_collections.containment.docker.plugins.module_utils._engine_api import Engine, EngineError
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

UNIT = "docker.service"
SCRIPT = "/etc/init.d/docker"
PID_FILE = "/run/docker.pid"
# The units that a stop took along, for the start behind it: a JSON list.
STOPPED = "/run/containment/engine_service.json"
LOG_FILE = "/var/log/docker.log"
TIMEOUT = 60.0
LOG_LINES = 20
LOG_BYTES = 64 * 1024
# An init script forks into the background: this long no engine may be seen before that counts as a failed start.
GRACE = 3.0
CAP_SYS_RESOURCE = 24
# Debian's script raises limits and ends where it may not, as in a container without CAP_SYS_RESOURCE, in which an
# engine runs all the same. Sourced with this in front it goes on; its own name stays in $0, by which it calls itself.
LENIENT = 'ulimit() { command ulimit "$@" || :; }; . "$0"'


def manager():
    """Return the manager of this host."""
    return Systemd() if _host_manager.has_systemd() else InitScript()


def _run(argv):
    code, text = _host_probe.run(argv, TIMEOUT)
    if code is None:
        raise ContainmentError(" ".join(argv), text, "look into the engine's log, then run again")
    return code, text


def _alive(pid):
    """Return what `_host_probe.process` says of a process, None where it is gone or a zombie."""
    found = _host_probe.process(pid) if pid else None
    return found if found and found["state"] != "Z" else None


def _may_raise_limits():
    """Whether this process has CAP_SYS_RESOURCE, with which limits may go above the hard ones (capabilities(7))."""
    line = next(line for line in _host_probe.text("/proc/self/status").splitlines() if line.startswith("CapEff:"))
    return bool(int(line.split()[1], 16) >> CAP_SYS_RESOURCE & 1)


def _does_not_stop(seconds):
    return ContainmentError(
        "docker", f"the engine did not stop within {seconds} seconds", "look for containers that do not stop"
    )


def same(one, other):
    """Tell whether two answers of `state()` are the same process, not only the same pid."""
    return bool(one and other) and one["incarnation"] == other["incarnation"]


def _answers(socket, seconds):
    try:
        with Engine(socket, timeout=seconds) as engine:
            engine.get("/_ping")
        return True
    except EngineError:
        return False


def wait(manager, before, socket, timeout):
    """Return the process of an engine, another one than `before`, that answers.

    Raises ContainmentError once the start has failed or the time is over.
    """
    deadline = time.monotonic() + timeout
    while True:
        state = manager.state()
        # A time-out of 0 would not wait for any answer.
        seconds = min(5, max(0.1, deadline - time.monotonic()))
        if state and not same(state, before) and manager.ready() and _answers(socket, seconds):
            return state
        if manager.failed():
            raise ContainmentError("docker", "the engine did not start", "read its log lines")
        if time.monotonic() > deadline:
            raise ContainmentError(
                "docker", f"the engine does not answer on {socket} after {timeout} seconds", "read its log lines"
            )
        time.sleep(0.1)


def reload(manager, before, socket, timeout):
    """Have the engine `before` read its configuration, and return its process when it says that it has.

    It says so with an event (moby, cmd/dockerd, reloadConfig), and of what it cannot use nothing but lines in its log.
    Raises ContainmentError where it ends of it, and where it says nothing within `timeout` seconds.
    """
    deadline, since = time.monotonic() + timeout, time.time()
    try:
        os.kill(before["pid"], signal.SIGHUP)
    except ProcessLookupError:
        pass  # Told below.
    while True:
        if not same(_alive(before["pid"]), before):
            raise ContainmentError("docker", "the engine ended when it read its configuration", "read its log lines")
        seconds = min(5, max(0.1, deadline - time.monotonic()))
        if _has_reloaded(socket, since, seconds):
            return manager.state()
        if time.monotonic() > deadline:
            raise ContainmentError(
                "docker", f"the engine has not read its configuration after {timeout} seconds", "read its log lines"
            )
        time.sleep(0.1)


def _has_reloaded(socket, since, seconds):
    query = {
        "since": f"{since:.9f}",
        "until": f"{time.time():.9f}",
        "filters": {"type": ["daemon"], "event": ["reload"]},
    }
    try:
        with Engine(socket, timeout=seconds) as engine:
            return any(True for _event in engine.progress("GET", "/events", query))
    except EngineError as error:
        if error.status not in (None, 403):  # A plugin that it does not ask any more in a moment may refuse that.
            raise
        return False


class Systemd:
    name = "systemd"

    def __init__(self):
        self._since = None

    def _show(self):
        code, text = _run(["systemctl", "show", UNIT, "--property=MainPID,ActiveState,SubState,Job,LoadState"])
        if code != 0:
            raise ContainmentError(UNIT, f"systemctl show failed ({text})", "check that systemd answers")
        return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)

    def state(self):
        return _alive(int(self._show()["MainPID"]))

    def start(self):
        self._do("start", [UNIT])

    def settle(self):
        noted = _files.read(STOPPED)
        if noted.data is not None:
            self._do("start", json.loads(noted.data.decode("utf-8")))
            _files.replace(noted, None)

    def restart(self, _seconds):
        # One job, not stop and start: units that require the engine come back with it. The unit's own TimeoutStopSec=
        # bounds the stop.
        self._do("restart", [UNIT])

    def awaits(self):
        return bool(self._active("TriggeredBy"))

    def stop(self, seconds):
        """Stop the engine, its sockets, by which anybody would start it again, and with it what requires it."""
        sockets = self._active("TriggeredBy")
        others = self._active("RequiredBy", "BoundBy", "ConsistsOf")
        os.makedirs(os.path.dirname(STOPPED), mode=0o755, exist_ok=True)
        noted = _files.read(STOPPED)
        # An earlier stop whose start failed took more along.
        earlier = json.loads((noted.data or b"[]").decode("utf-8"))
        units = sorted({UNIT, *sockets, *others, *earlier})
        _files.replace(noted, json.dumps(units).encode("utf-8"), mode=0o600)
        self._do("stop", [UNIT] + sockets)
        deadline = time.monotonic() + seconds
        while not self._shown_stopped():
            if time.monotonic() > deadline:
                raise _does_not_stop(seconds)
            time.sleep(0.05)

    def _shown_stopped(self):
        shown = self._show()
        return shown["MainPID"] == "0" and shown["ActiveState"] in ("inactive", "failed")

    def _active(self, *properties):
        """Return the active units that stand in these relations to the engine's."""
        asked = ",".join(properties)
        code, text = _run(["systemctl", "show", UNIT, "--property=" + asked])
        units = sorted({name for line in text.splitlines() for name in line.partition("=")[2].split()})
        if code != 0:
            raise ContainmentError(UNIT, f"systemctl show failed ({text})", "check that systemd answers")
        return [name for name in units if _run(["systemctl", "is-active", "--quiet", name])[0] == 0]

    def _do(self, verb, units):
        # A unit that failed often in short time is refused further starts until its counter is reset; rc 1 for one that
        # never ran.
        _run(["systemctl", "reset-failed", UNIT])
        self._since = time.time()
        code, text = _run(["systemctl", "--no-block", verb] + units)
        if code != 0:
            raise ContainmentError(UNIT, f"systemctl {verb} failed ({text})", "check the unit with systemctl status")

    def ready(self):
        return self._show()["ActiveState"] == "active"

    def failed(self):
        shown = self._show()
        waiting = shown.get("Job", "0") not in ("", "0")
        return shown["SubState"] == "auto-restart" or (not waiting and shown["ActiveState"] in ("inactive", "failed"))

    def log(self):
        # What an engine said last may still be on its way to the journal. systemd before 228 does not know the option.
        _run(["journalctl", "--sync"])
        argv = ["journalctl", f"--unit={UNIT}", "--output=cat", "--no-pager", f"--lines={LOG_LINES}"]
        if self._since is not None:
            # To parts of a second: the engine before may have ended in the same one.
            argv.append(f"--since=@{self._since:.6f}")
        return _run(argv)[1].splitlines()


class InitScript:
    name = "init script"

    def __init__(self):
        self._offset = 0
        self._missing = None

    def state(self):
        try:
            with open(PID_FILE, encoding="ascii") as handle:
                pid = int(handle.read())
            executable = os.path.basename(os.readlink(f"/proc/{pid}/exe"))
        except (FileNotFoundError, ProcessLookupError, ValueError):
            return None
        return _alive(pid) if executable.split(" ")[0] == "dockerd" else None

    def restart(self, seconds):
        self.stop(seconds)
        self.start()

    def stop(self, seconds):
        """Let the engine stop its containers in its own time: the script itself kills it after ten seconds."""
        before = self.state()
        if before:
            try:
                os.kill(before["pid"], signal.SIGTERM)
            except ProcessLookupError:
                before = None
        deadline = time.monotonic() + seconds
        # Until it is reaped: for the script a zombie still runs, and it would start nothing.
        while before and same(_host_probe.process(before["pid"]), before):
            if time.monotonic() > deadline:
                raise _does_not_stop(seconds)
            time.sleep(0.05)

    def awaits(self):
        return False

    def settle(self):
        """Nothing but the engine was stopped."""

    def ready(self):
        return True

    def start(self):
        if not os.access(SCRIPT, os.X_OK):
            raise ContainmentError(
                "docker",
                f"systemd is not running and {SCRIPT} is missing",
                "install the engine from packages that bring a unit or an init script",
            )
        self._offset, self._missing = self._log_size(), None
        code, text = _run([SCRIPT, "start"] if _may_raise_limits() else ["/bin/sh", "-c", LENIENT, SCRIPT, "start"])
        if code != 0:
            raise ContainmentError(SCRIPT, f"start failed ({text})", "run it by hand")

    def failed(self):
        if self.state():
            self._missing = None
            return False
        if self._missing is None:
            self._missing = time.monotonic()
        return time.monotonic() - self._missing > GRACE

    def log(self):
        try:
            with open(LOG_FILE, "rb") as handle:
                handle.seek(max(self._offset, self._log_size() - LOG_BYTES))
                return handle.read().decode("utf-8", "replace").splitlines()[-LOG_LINES:]
        except FileNotFoundError:
            return []

    @staticmethod
    def _log_size():
        try:
            return os.stat(LOG_FILE).st_size
        except FileNotFoundError:
            return 0
