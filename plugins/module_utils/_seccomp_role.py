# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a roll-out of seccomp profiles changes of an engine's configuration. Pure.

`host` is the result of engine_info everywhere.
"""

from ansible_collections.containment.docker.plugins.module_utils import (
    _seccomp_compose,
    _seccomp_plan,
    _seccomp_state,
    _userns_plan,
)
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

KEY, NO_NEW_PRIVILEGES = "seccomp-profile", "no-new-privileges"


def change(host, path, no_new_privileges, directory):
    """Return {"merge", "remove"}, as daemon_json takes them, for the daemon-wide profile at a path.

    path: "" for none of ours: then one of `directory` is taken out, and any other stays. no_new_privileges: whether the
    engine gives that to every container.
    """
    engine = _userns_plan.engine_of(host)
    configured = (engine or {}).get("configured") or {}
    merge = {KEY: path} if path else {}
    if no_new_privileges:
        merge[NO_NEW_PRIVILEGES] = True
    ours = _is_of(str(configured.get(KEY) or ""), directory)
    return {"merge": merge, "remove": [KEY] if ours and not path else []}


def _is_of(path, directory):
    return path.startswith(directory.rstrip("/") + "/")


def restart(host, path, key, directory):
    """Whether the engine has to be restarted: its configuration changes, or a killed run changed it and no more.

    path, directory: as of `change`. key: result of daemon_json for what that returns, or one without keys.
    """
    if key.get("restart_required"):
        return True
    if not _userns_plan.running(host):
        return False
    options = _userns_plan.engine_of(host)["security_options"]
    in_force = (options.get("seccomp") or {}).get("profile") or ""
    return in_force != path if path else _is_of(in_force, directory)


def refusals(host, overlays, base, services, directory):
    """Return what is wrong with the role's variables, as sentences, as far as it can be told without an engine.

    services: [{"name", "base", "overlays"}].
    """
    found = []
    native = _seccomp_state.NATIVE.get(host["kernel"]["machine"], "")
    names = [one["name"] for one in services]
    for name in sorted({name for name in names if names.count(name) > 1} | {"daemon"} & set(names)):
        cause = f"names {name!r} twice" if name != "daemon" else "names 'daemon', which is the engine's own"
        found.append(str(ContainmentError("seccomp_services", cause, "give each a name of its own")))
    asked = [("daemon", base, overlays, "seccomp_overlays")]
    asked += [(one["name"], one.get("base") or "engine", one["overlays"], "seccomp_services") for one in services]
    for name, base_, given, variable in asked:
        try:
            _seccomp_plan.check_request(name, directory, base_)
            _seccomp_compose.overlays(given, native)
        except ContainmentError as error:
            found.append(f"{variable}: {error}")
    return found
