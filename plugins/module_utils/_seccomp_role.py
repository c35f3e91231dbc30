# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a roll-out of seccomp profiles changes of an engine's configuration. Pure.

`host` is the result of engine_info everywhere.
"""

from ansible_collections.containment.docker.plugins.module_utils import _userns_plan

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
    ours = str(configured.get(KEY) or "").startswith(directory.rstrip("/") + "/")
    return {"merge": merge, "remove": [KEY] if ours and not path else []}


def restart(host, path, key):
    """Whether the engine has to be restarted: its configuration changes, or it was started before that had a profile.

    path: as of `change`. key: result of daemon_json for what that returns, or one without keys.
    """
    if key.get("restart_required"):
        return True
    if not path or not _userns_plan.running(host):
        return False
    options = _userns_plan.engine_of(host)["security_options"]
    return (options.get("seccomp") or {}).get("profile") != path
