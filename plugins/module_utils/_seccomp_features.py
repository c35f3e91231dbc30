# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What engines and runtimes tell of their seccomp, read. Pure."""

import re

STATUS = "org.opencontainers.runtime-spec.features"  # key of a runtime's status in an engine's /info
# What /info calls the engine's own profile, in `name=seccomp,profile=...` of SecurityOptions: before 23.0, and since.
BUILTIN = ("default", "builtin")


def of(features):
    """Return (actions, flags) that a runtime knows, of what it says of itself; None for what it does not tell.

    features: as of `runc features` (opencontainers/runtime-spec, features.md). runc tells flags from 1.2 on, and
    ignored them before.
    """
    seccomp = ((features or {}).get("linux") or {}).get("seccomp")
    if not isinstance(seccomp, dict):
        return None, None
    actions = seccomp.get("actions")
    return None if actions is None else frozenset(actions), frozenset(seccomp.get("supportedFlags") or ())


def kernel(release):
    """Return (major, minor) of a kernel's release, as in "6.1.0-13-amd64"."""
    found = re.match(r"(\d+)\.(\d+)", release)
    return (int(found.group(1)), int(found.group(2))) if found else (0, 0)
