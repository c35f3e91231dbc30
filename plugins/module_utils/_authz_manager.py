# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plugin as a service: under systemd, and under an init script where systemd is not running.

Both managers have the same face: `files(python, root)` -> {path: (text, mode)}, `paths()` -> those of all of them,
`drop_in()` -> the same of what the engine's own unit needs, `read()` -> State, `start(changed)`, which starts it again
where it runs, with the files of these paths changed, and has it start with the host, `stop()`, which undoes both,
`forget()`, behind the removal of files, `reload()`, behind a change of the drop-in, and `hint`, where to look.
"""

import collections
import os
import re

from ansible_collections.containment.docker.plugins.module_utils import _authz_install, _host_manager, _host_probe
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

# running: whether all of it runs; there: whether any of it does. enabled: whether it starts with the host. unread: set
# of paths, of files that systemd has not read since they were written: a run that was killed may have come no further.
State = collections.namedtuple("State", "running there enabled unread")

UNITS = "/etc/systemd/system"
SOCKET_UNIT, SERVICE_UNIT = f"{_authz_install.UNIT}.socket", f"{_authz_install.UNIT}.service"
SCRIPT = f"/etc/init.d/{_authz_install.UNIT}"
# The first that knows all of the sandbox: AmbientCapabilities is of 229, StateDirectory of 235, and Enterprise Linux 8
# has 239.
SANDBOX = 239


def manager():
    """Return the manager of this host, as of _service.manager."""
    return Systemd() if _host_manager.has_systemd() else InitScript()


class Systemd:
    hint = f"see journalctl --unit={SERVICE_UNIT}"

    def __init__(self):
        text = _host_manager.run(["systemctl", "--version"])
        found = re.match(r"systemd ([0-9]+)", text)
        if not found:
            raise ContainmentError("systemctl", f"tells no version ({text[:80]!a})", "see which systemd this is")
        self._apart = int(found.group(1)) < SANDBOX

    def files(self, python, root):
        units = _authz_install.units(python, root, self._apart)
        return {f"{UNITS}/{unit}": (text, 0o644) for unit, text in units.items()}

    def paths(self):
        return [f"{UNITS}/{SOCKET_UNIT}", f"{UNITS}/{SERVICE_UNIT}"]

    def drop_in(self):
        shown = _host_manager.run(["systemctl", "show", "docker.service", "--property=Environment"])
        return {_authz_install.DROP_IN: (_authz_install.no_http2(shown), 0o644)}

    def read(self):
        shown, unread = [], set()
        files = {SOCKET_UNIT: f"{UNITS}/{SOCKET_UNIT}", SERVICE_UNIT: f"{UNITS}/{SERVICE_UNIT}"}
        for unit, path in dict(files, **{"docker.service": _authz_install.DROP_IN}).items():
            text = _host_manager.run(
                ["systemctl", "show", unit, "--property=ActiveState,UnitFileState,NeedDaemonReload"]
            )
            found = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
            if found["NeedDaemonReload"] == "yes":
                unread.add(path)
            if unit in files:
                shown.append(found)
        return State(
            all(one["ActiveState"] == "active" for one in shown),
            any(one["ActiveState"] != "inactive" for one in shown),
            all(one["UnitFileState"] == "enabled" for one in shown),
            unread,
        )

    def start(self, changed):
        self.reload()
        _host_manager.run(["systemctl", "enable", SOCKET_UNIT, SERVICE_UNIT])
        if f"{UNITS}/{SOCKET_UNIT}" in changed:
            # A socket whose service runs cannot be started again.
            _host_manager.run(["systemctl", "stop", SERVICE_UNIT, SOCKET_UNIT])
        _host_manager.run(["systemctl", "start", SOCKET_UNIT])
        _host_manager.run(["systemctl", "restart", SERVICE_UNIT])

    def stop(self):
        units = [unit for unit in (SOCKET_UNIT, SERVICE_UNIT) if os.path.exists(f"{UNITS}/{unit}")]
        if units:  # A run that was killed may have left one.
            _host_manager.run(["systemctl", "disable", "--now", *units])

    def forget(self):
        self.reload()
        # One that had to be killed stays failed, and so in systemd's memory; rc 1 for one that is not there.
        _host_manager.run(["systemctl", "reset-failed", SOCKET_UNIT, SERVICE_UNIT], check=False)

    def reload(self):
        _host_manager.run(["systemctl", "daemon-reload"])


class InitScript:
    hint = f"see /var/log/{_authz_install.UNIT}.log"

    def files(self, python, root):
        return {SCRIPT: (_authz_install.script(python, root), 0o755)}

    def paths(self):
        return [SCRIPT]

    def drop_in(self):
        return {}

    def read(self):
        running = os.path.exists(SCRIPT) and _host_probe.run([SCRIPT, "status"], 60.0)[0] == 0
        enabled = any(
            name[:1] == "S" and name[3:] == _authz_install.UNIT
            for level in ("/etc/rc3.d", "/etc/rc.d/rc3.d")
            if os.path.isdir(level)
            for name in os.listdir(level)
        )
        return State(running, running, enabled, set())

    def start(self, _changed):
        if not _host_manager.register(_authz_install.UNIT):
            raise ContainmentError(
                SCRIPT, "cannot be started with the host: there is neither update-rc.d nor chkconfig", "install one"
            )
        _host_manager.run([SCRIPT, "restart"])

    def stop(self):
        if os.path.exists(SCRIPT):
            _host_manager.run([SCRIPT, "stop"])
        _host_manager.unregister(_authz_install.UNIT)

    def reload(self):
        """There is nothing that would have to be read."""

    def forget(self):
        """There is nothing that would be remembered."""
