# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The default profile of the installed engine, asked for once for each version of it and kept."""

import json

from ansible_collections.containment.docker.plugins.module_utils import (
    _files,
    _seccomp_base,
    _seccomp_canary,
    _seccomp_plan,
    _seccomp_runtime,
    _seccomp_state,
)
from ansible_collections.containment.docker.plugins.module_utils import _seccomp_profile as profiles
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

NAME = "the engine's default"


def of(engine, described, library, seconds):
    """Return (Profile, how it is known) of the default of an `Engine`, with conditions on capabilities.

    described: of _seccomp_runtime.describe. What the engine had to be asked is written down.
    Raises ContainmentError where the engine does not tell it and nothing is written down, or not within `seconds`.
    """
    version, own = described[1], described[2]
    native, kernel = library.native(), list(_seccomp_runtime.kernel())
    before = _files.read(_seccomp_runtime.default_path(version))
    kept = _seccomp_state.kept(before.data, native)
    if kept is not None and kept["kernel"] == kernel:
        return _seccomp_plan.read(_bytes(kept["profile"]), before.path, native), f"kept from engine {version}"
    keyword = described[0].version >= (23, 0, 0)
    if own and not keyword:
        if kept is not None:
            how = f"kept from engine {version} on Linux {kept['kernel'][0]}.{kept['kernel'][1]}"
            return _seccomp_plan.read(_bytes(kept["profile"]), before.path, native), how
        raise ContainmentError(
            "base",
            f"engine {version} does not tell its own default while another daemon-wide profile is in force",
            "take seccomp-profile out of daemon.json, restart the engine and run again, or name a file as base",
        )
    told = {
        name: profiles.read(given, NAME, native)
        for name, given in _seccomp_canary.default(engine, seconds, keyword).items()
        if given
    }
    if not {"", "all"} <= set(told):
        raise ContainmentError("base", f"engine {version} gives containers no filter", "use an engine that has seccomp")
    singles = {name: one for name, one in told.items() if name.startswith("CAP_")}
    profile = _seccomp_base.rebuild(told[""], singles, told["all"])
    content = {"architecture": native, "kernel": kernel, "profile": profiles.dump(profile)}
    _files.replace(before, _bytes(content), mode=0o600)
    return profile, f"asked of engine {version}"


def _bytes(content):
    return json.dumps(content).encode("utf-8")
