# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A root's process becomes a user that may read past permissions and nothing else (capabilities(7)): what systemd does
from 229 on with AmbientCapabilities.
"""

import ctypes
import os
import pwd
import struct

from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

DAC_READ_SEARCH = 2
_PR_SET_DUMPABLE, _PR_SET_KEEPCAPS, _PR_CAPBSET_READ, _PR_CAPBSET_DROP, _PR_SET_NO_NEW_PRIVS = 4, 8, 23, 24, 38
_VERSION_3 = 0x20080522  # of capset(2)


def account(name):
    """Return the passwd entry of a user. Raises ContainmentError."""
    try:
        return pwd.getpwnam(name)
    except KeyError:
        raise ContainmentError(f"user {name}", "is not there", "make it") from None


def become(name):
    """Become the user `name`, for good, with CAP_DAC_READ_SEARCH alone. Raises ContainmentError, OSError."""
    entry = account(name)
    libc = ctypes.CDLL(None, use_errno=True)
    number = 0
    while libc.prctl(_PR_CAPBSET_READ, number, 0, 0, 0) >= 0:
        if number != DAC_READ_SEARCH:
            _call(libc.prctl, _PR_CAPBSET_DROP, number, 0, 0, 0)
        number += 1
    _call(libc.prctl, _PR_SET_KEEPCAPS, 1, 0, 0, 0)
    os.setgroups([])
    os.setresgid(entry.pw_gid, entry.pw_gid, entry.pw_gid)
    os.setresuid(entry.pw_uid, entry.pw_uid, entry.pw_uid)
    mask = 1 << DAC_READ_SEARCH
    # struct __user_cap_header_struct, and two struct __user_cap_data_struct: effective, permitted, inheritable.
    _call(libc.capset, struct.pack("=Ii", _VERSION_3, 0), struct.pack("=6I", mask, mask, 0, 0, 0, 0))
    _call(libc.prctl, _PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    _call(libc.prctl, _PR_SET_DUMPABLE, 0, 0, 0, 0)


def _call(function, *words):
    if function(*words):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), function.__name__)
