# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person should know of a host before its engine is remapped. Pure.

Severities: "error", remapping fails or does harm as things are; "warning", something is lost or weaker than it looks;
"note".
"""

from ansible_collections.containment.docker.plugins.module_utils import _daemon_keys
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

ERROR, WARNING, NOTE = "error", "warning", "note"
# CVE-2021-21284: the remapped root could become the real one.
FIRST_SAFE = (20, 10, 3)


def findings(engines, host):
    """Return [{"severity", "subject", "cause", "mend"}], errors first.

    engines: results of _engine_facts.engine. host: {"installed", "kernel", "ids", "service", "nested_engines",
    "orphan_shims", "subid_faults"} as engine_info returns them.
    """
    found = []

    def add(severity, subject, cause, mend):
        found.append({"severity": severity, "subject": subject, "cause": cause, "mend": mend})

    if not engines:
        add(NOTE, "engine", "none runs and none is installed on this host", "install one")
    if len(engines) > 1:
        add(
            NOTE,
            "engines",
            f"{len(engines)} engines: {', '.join(one['socket'] or 'without a unix socket' for one in engines)}",
            "harden each one; changes are made to the primary engine alone",
        )
    for one in engines:
        _engine(one, add)
    for one in host["nested_engines"]:
        add(
            NOTE,
            f"process {one['pid']}",
            "is an engine inside of a container, of another host's namespaces or of an unprivileged user; it is not"
            " managed from here",
            "harden it from where it runs",
        )
    _host(host, add)
    return sorted(found, key=lambda one: (ERROR, WARNING, NOTE).index(one["severity"]))


def _engine(one, add):
    subject = f"engine at {one['socket'] or 'process {}'.format(one['pid'])}"
    if one["error"]:
        add(ERROR, subject, one["error"], "mend the engine first: what it does not answer is not known")
    if one["config_error"]:
        add(ERROR, one["config_file"], one["config_error"], "mend the file: the engine does not start with it")
    if one["pid"] and one["executable"] and one["executable"]["replaced"]:
        add(
            NOTE,
            subject,
            f"its program {one['executable']['path']} was replaced since it started",
            "expect the new version after the next restart",
        )
    for container in one["not_inspected"]:
        add(
            ERROR,
            f"container {container['name']}",
            f"could not be inspected: {container['error']}",
            "find out why the engine does not answer",
        )
    version = _version_of(one["version"])
    if version is not None:
        _version(one, version, subject, add)
    _remapping(one, version, subject, add)
    running = [
        container["name"]
        for container in one["containers"]
        if container["state"] in ("running", "paused", "restarting")
    ]
    if one["live_restore"] and running:
        add(
            WARNING,
            subject,
            f"live-restore is on and {len(running)} containers run: toggling the remapping leaves them running"
            " unmanaged",
            "stop the containers before the engine is restarted",
        )
    if one["swarm"] not in (None, "", "inactive"):
        add(
            WARNING,
            subject,
            f"is part of a swarm ({one['swarm']}), whose state does not come along into another graph root",
            "leave the swarm before and join it after",
        )
    if one["differences"]:
        add(
            WARNING,
            subject,
            "runs with other values than configured:"
            f" {', '.join(difference['key'] for difference in one['differences'])}",
            "see differences, and restart the engine or correct the configuration",
        )


def _version_of(text):
    """Return the version as a tuple, None where there is none or it is none that a release has."""
    try:
        return _daemon_keys.parse_version(text or "")
    except ContainmentError:
        return None


def _version(one, version, subject, add):
    if version < FIRST_SAFE:
        add(
            ERROR,
            subject,
            f"version {one['version']} lets the remapped root become the real one (CVE-2021-21284)",
            "upgrade to 20.10.3 or newer",
        )
    features = (one["configured"] or {}).get("features")
    explicit = isinstance(features, dict) and features.get("containerd-snapshotter") is True
    if one["image_store"] != "containerd" and not explicit:
        return
    if version >= (29,) and explicit:
        add(
            ERROR,
            one["config_file"],
            "features.containerd-snapshotter is true, with which this engine does not start remapped",
            "remove it",
        )
    elif version >= (29,):
        add(
            WARNING,
            subject,
            "uses the containerd image store, which remapping switches off: image ids change their scheme and images"
            " have to be carried over",
            "plan for it",
        )
    else:
        add(
            WARNING,
            subject,
            "uses the containerd image store, with which BuildKit builds fail when remapped (moby#47377)",
            "take features.containerd-snapshotter out of daemon.json, or build elsewhere",
        )


def _remapping(one, version, subject, add):
    configured, effective = one["userns"]["configured"], one["userns"]["effective"]
    user = (configured or "").partition(":")[0]
    if user in ("root", "0"):
        add(
            ERROR,
            f"userns-remap of {subject}",
            f"{configured!r} switches user namespaces off",
            "name an unprivileged user",
        )
    elif user == "default" and version is not None and version >= (28,):
        add(
            WARNING,
            f"userns-remap of {subject}",
            "with 'default' this engine picks ranges without a look at those of other users",
            "name the user dockremap",
        )
    for fault in one["graph_root_faults"]:
        add(ERROR, f"graph root of {subject}", fault, "find out who changed it, and restart the engine")
    expected, current = one["userns"]["expected"], f"{one['userns']['uid']}.{one['userns']['gid']}"
    if effective and expected and expected != current:
        add(
            ERROR,
            f"userns-remap of {subject}",
            f"the ranges of {configured} now give {expected}, the engine runs with {current}: after a restart images,"
            " containers and volumes are not seen",
            "bring the old ranges back",
        )


def _host(host, add):
    for shim in host["orphan_shims"]:
        add(
            ERROR,
            f"process {shim['pid']}",
            f"is the shim of container {shim['id'][:12]} that no engine knows: it runs unmanaged",
            "stop its container with the kill of its process group, or go back to the graph root it belongs to",
        )
    for fault in host["subid_faults"]:
        add(
            ERROR,
            fault.partition(":")[0],
            fault.partition(": ")[2],
            "correct it: engines before 28 refuse to start remapped with it",
        )
    kernel = host["kernel"]
    if kernel["max_user_namespaces"] == 0:
        add(
            ERROR,
            "user.max_user_namespaces",
            "is 0, which forbids user namespaces",
            "set it, in a file of /etc/sysctl.d that sorts after the one with 0",
        )
    if not kernel["user_namespaces"]:
        add(
            ERROR,
            "kernel",
            f"a user namespace could not be made: {kernel['user_namespaces_error']}",
            "see user.max_user_namespaces and the boot arguments",
        )
