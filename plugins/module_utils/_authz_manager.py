# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plugin as a service: under systemd, and under an init script where systemd is not running.

Both managers have the same face: `files(python, root)` -> {path: (text, mode)}, `paths()` -> those of all of them,
`is_running()`, `is_enabled()`, `is_there()`, whether anything of it runs, `start(changed)`, which starts it again where
it runs, with the files of these paths changed, and has it start with the host, `stop()`, which undoes both,
`forget()`, behind the removal of files, `reload()`, behind a change of the engine's drop-in, and `hint`, where to look.
"""

import os
import re

from ansible_collections.containment.docker.plugins.module_utils import _authz_install, _host_probe
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

UNITS = "/etc/systemd/system"
SOCKET_UNIT, SERVICE_UNIT = f"{_authz_install.UNIT}.socket", f"{_authz_install.UNIT}.service"
SCRIPT = f"/etc/init.d/{_authz_install.UNIT}"
# The first that knows all of the sandbox: AmbientCapabilities is of 229, StateDirectory of 235, and Enterprise Linux 8
# has 239.
SANDBOX = 239
_TIMEOUT = 60.0


def manager():
    """Return the manager of this host, as of _service.manager."""
    return Systemd() if os.path.isdir("/run/systemd/system") else InitScript()


def _run(argv):
    code, text = _host_probe.run(argv, _TIMEOUT)
    if code != 0:
        raise ContainmentError(" ".join(argv), f"failed ({text})", "look into the journal, then run again")
    return text


class Systemd:
    hint = f"see journalctl --unit={SERVICE_UNIT}"

    def __init__(self):
        text = _run(["systemctl", "--version"])
        found = re.match(r"systemd ([0-9]+)", text)
        if not found:
            raise ContainmentError("systemctl", f"tells no version ({text[:80]!a})", "see which systemd this is")
        self._apart = int(found.group(1)) < SANDBOX

    def files(self, python, root):
        units = _authz_install.units(python, root, self._apart)
        texts = {f"{UNITS}/{unit}": (text, 0o644) for unit, text in units.items()}
        return dict(texts, **{_authz_install.DROP_IN: (_authz_install.NO_HTTP2, 0o644)})

    def paths(self):
        return [f"{UNITS}/{SOCKET_UNIT}", f"{UNITS}/{SERVICE_UNIT}", _authz_install.DROP_IN]

    def is_running(self):
        return all(self._shown(unit)["ActiveState"] == "active" for unit in (SOCKET_UNIT, SERVICE_UNIT))

    def is_enabled(self):
        return all(self._shown(unit)["UnitFileState"] == "enabled" for unit in (SOCKET_UNIT, SERVICE_UNIT))

    def is_there(self):
        return any(self._shown(unit)["ActiveState"] != "inactive" for unit in (SOCKET_UNIT, SERVICE_UNIT))

    @staticmethod
    def _shown(unit):
        text = _run(["systemctl", "show", unit, "--property=ActiveState,UnitFileState"])
        return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)

    def start(self, changed):
        self.reload()
        _run(["systemctl", "enable", SOCKET_UNIT, SERVICE_UNIT])
        if f"{UNITS}/{SOCKET_UNIT}" in changed:
            # A socket whose service runs cannot be started again.
            _run(["systemctl", "stop", SERVICE_UNIT, SOCKET_UNIT])
        _run(["systemctl", "start", SOCKET_UNIT])
        _run(["systemctl", "restart", SERVICE_UNIT])

    def stop(self):
        units = [unit for unit in (SOCKET_UNIT, SERVICE_UNIT) if os.path.exists(f"{UNITS}/{unit}")]
        if units:  # A run that was killed may have left one.
            _run(["systemctl", "disable", "--now", *units])

    def forget(self):
        self.reload()
        # One that had to be killed stays failed, and so in systemd's memory; rc 1 for one that is not there.
        _host_probe.run(["systemctl", "reset-failed", SOCKET_UNIT, SERVICE_UNIT], _TIMEOUT)

    def reload(self):
        _run(["systemctl", "daemon-reload"])


class InitScript:
    hint = f"see /var/log/{_authz_install.UNIT}.log"

    def files(self, python, root):
        return {SCRIPT: (_authz_install.script(python, root), 0o755)}

    def paths(self):
        return [SCRIPT]

    def is_running(self):
        return os.path.exists(SCRIPT) and _host_probe.run([SCRIPT, "status"], _TIMEOUT)[0] == 0

    is_there = is_running

    def is_enabled(self):
        return any(
            name[:1] == "S" and name[3:] == _authz_install.UNIT
            for level in ("/etc/rc3.d", "/etc/rc.d/rc3.d")
            if os.path.isdir(level)
            for name in os.listdir(level)
        )

    def start(self, _changed):
        _run(self._linker("defaults", "--add"))
        _run([SCRIPT, "restart"])

    def stop(self):
        if os.path.exists(SCRIPT):
            _run([SCRIPT, "stop"])
            argv = self._linker("", "--del")
            if argv[0].endswith("chkconfig"):  # It reads the script.
                _run(argv)

    def reload(self):
        """There is nothing that would have to be read."""

    def forget(self):
        argv = self._linker("remove", "")
        if argv[0].endswith("update-rc.d"):  # It wants the script to be gone.
            _run(argv)

    @staticmethod
    def _linker(debian, redhat):
        """Return the command that has the host start the script, or not, as its distribution does it."""
        program = _host_probe.executable("update-rc.d")
        if program is not None:
            return [program, _authz_install.UNIT, debian]
        program = _host_probe.executable("chkconfig")
        if program is None:
            raise ContainmentError(
                SCRIPT, "cannot be started with the host: there is neither update-rc.d nor chkconfig", "install one"
            )
        return [program, redhat, _authz_install.UNIT]
