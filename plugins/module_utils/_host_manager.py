# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls to what manages a host's services: systemd, and the links of init scripts where systemd is not running."""

import os

from ansible_collections.containment.docker.plugins.module_utils import _host_probe
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

_SECONDS = 90.0  # for one call


def has_systemd():
    """Whether systemd is running, as sd_booted(3) has it."""
    return os.path.isdir("/run/systemd/system")


def run(argv, check=True):
    """Run a command and return what it prints. Raises ContainmentError where it fails and that is checked."""
    code, text = _host_probe.run(argv, _SECONDS)
    if check and code != 0:
        raise ContainmentError(" ".join(argv), f"failed ({text})", "look into the journal, then run again")
    return text


def register(name):
    """Have the host start an init script, as its distribution does it; return False where it has no way to."""
    return _link(name, "defaults", "--add")


def unregister(name):
    """Take that back, while the script is there."""
    return _link(name, "remove", "--del")


def _link(name, update_rc, chkconfig):
    if _host_probe.executable("update-rc.d"):
        run(["update-rc.d", "-f", name, update_rc])
    elif _host_probe.executable("chkconfig"):
        run(["chkconfig", chkconfig, name])
    else:
        return False
    return True
