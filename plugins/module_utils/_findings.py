# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person should know of a host before its engine is remapped. Pure.

Severities: "error", remapping fails or does harm as things are; "warning", something is lost or weaker than it looks;
"note".
"""

from ansible_collections.containment.docker.plugins.module_utils import (
    _audit_summary,
    _daemon_keys,
    _engine_facts,
    _seccomp_state,
)
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

ERROR, WARNING, NOTE = "error", "warning", "note"
# CVE-2021-21284: the remapped root could become the real one.
FIRST_SAFE = (20, 10, 3)


def findings(engines, host):
    """Return [{"code", "severity", "subject", "cause", "mend"}], errors first. A code tells what is found and
    never changes.

    engines: results of _engine_facts.engine. host: {"installed", "kernel", "ids", "service", "nested_engines",
    "orphan_shims", "subid_faults", "transactions_fault"} as engine_info returns them.
    """
    found = []

    def add(code, severity, subject, cause, mend):
        found.append({"code": code, "severity": severity, "subject": subject, "cause": cause, "mend": mend})

    if not engines:
        add("no_engine", NOTE, "engine", "none runs and none is installed on this host", "install one")
    if len(engines) > 1:
        add(
            "several_engines",
            NOTE,
            "engines",
            f"{len(engines)} engines: {', '.join(one['socket'] or 'without a unix socket' for one in engines)}",
            "harden each one; changes are made to the primary engine alone",
        )
    for one in engines:
        _engine(one, add)
    for one in host["nested_engines"]:
        add(
            "nested_engine",
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
        add(
            one["error_code"],
            ERROR,
            subject,
            one["error"],
            "mend the engine first: what it does not answer is not known",
        )
    if one["config_error"]:
        add(
            "config_malformed",
            ERROR,
            one["config_file"],
            one["config_error"],
            "mend the file: the engine does not start with it",
        )
    if one["pid"] and one["executable"] and one["executable"]["replaced"]:
        add(
            "program_replaced",
            NOTE,
            subject,
            f"its program {one['executable']['path']} was replaced since it started",
            "expect the new version after the next restart",
        )
    for container in one["not_inspected"]:
        add(
            "container_unread",
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
            "live_restore",
            WARNING,
            subject,
            f"live-restore is on and {len(running)} containers run: toggling the remapping leaves them running"
            " unmanaged",
            "stop the containers before the engine is restarted",
        )
    if one["swarm"] not in (None, "", "inactive"):
        add(
            "swarm",
            WARNING,
            subject,
            f"is part of a swarm ({one['swarm']}), whose state does not come along into another graph root",
            "leave the swarm before and join it after",
        )
    if one["differences"]:
        add(
            "values_pending",
            WARNING,
            subject,
            "runs with other values than configured:"
            f" {', '.join(difference['key'] for difference in one['differences'])}",
            "see differences, and restart the engine or correct the configuration",
        )
    _seccomp(one, subject, add)


def _seccomp(one, subject, add):
    if one["seccomp"]["base_outdated"]:
        add(
            "seccomp_base_outdated",
            WARNING,
            subject,
            f"has seccomp profile {one['seccomp']['profile']}, made from the default of another version of it",
            "run the role seccomp again",
        )
    if one["seccomp"]["profile"] == _seccomp_state.UNCONFINED:
        add(
            "seccomp_unconfined",
            WARNING,
            subject,
            "gives containers no seccomp profile",
            "take seccomp-profile: unconfined out of daemon.json",
        )
    for container in one["containers"]:
        seccomp = container["seccomp"] or {}
        name = f"container {container['name']}"
        if seccomp.get("current") is False:
            add(
                "container_seccomp_old",
                WARNING,
                name,
                "still runs under an earlier daemon-wide seccomp profile",
                "restart it",
            )
        if seccomp.get("profile") == _seccomp_state.UNCONFINED != one["seccomp"]["profile"]:
            add(
                "container_seccomp_unconfined",
                WARNING,
                name,
                "has no seccomp filter",
                "make it again without security_opt seccomp=unconfined",
            )
        if seccomp.get("profile") == _seccomp_state.PRIVILEGED:
            add(
                "container_seccomp_privileged",
                NOTE,
                name,
                "is privileged, and has no seccomp filter for that",
                "give it the capabilities and devices that it needs, one by one",
            )
        if seccomp.get("profile") == _seccomp_state.OWN:
            add(
                "container_seccomp_frozen",
                NOTE,
                name,
                "has the seccomp profile that it was made with, whatever became of its file and of the daemon's",
                "make it again when its profile changes",
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
            "version_unsafe",
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
            "containerd_store_set",
            ERROR,
            one["config_file"],
            "features.containerd-snapshotter is true, with which this engine does not start remapped",
            "remove it",
        )
    elif version >= (29,):
        add(
            "containerd_store_lost",
            WARNING,
            subject,
            "uses the containerd image store, which remapping switches off: image ids change their scheme and images"
            " have to be carried over",
            "plan for it",
        )
    else:
        add(
            "containerd_store_builds",
            WARNING,
            subject,
            "uses the containerd image store, with which BuildKit builds fail when remapped (moby#47377), and images"
            " lose setuid bits and hard links",
            "take features.containerd-snapshotter out of daemon.json, or build elsewhere",
        )


def _remapping(one, version, subject, add):
    configured, effective = one["userns"]["configured"], one["userns"]["effective"]
    fault = _engine_facts.remap_fault(configured) if configured not in (None, "") else None
    user = "" if fault or not configured else configured.partition(":")[0]
    if fault:
        add(
            "remap_malformed",
            ERROR,
            f"userns-remap of {subject}",
            f"{fault}: after a restart the engine does not come up",
            "give it as user, user:group, uid or uid:gid",
        )
    elif user in ("root", "0"):
        add(
            "remap_off",
            ERROR,
            f"userns-remap of {subject}",
            f"{configured!r} switches user namespaces off",
            "name an unprivileged user",
        )
    elif user == "default" and version is not None and version >= (28,):
        add(
            "remap_default",
            WARNING,
            f"userns-remap of {subject}",
            "with 'default' this engine picks ranges without a look at those of other users",
            "name the user dockremap",
        )
    for fault in one["graph_root_faults"]:
        add(
            "graph_root_faulty",
            ERROR,
            f"graph root of {subject}",
            fault,
            "find out who changed it, and restart the engine",
        )
    expected, current = one["userns"]["expected"], f"{one['userns']['uid']}.{one['userns']['gid']}"
    if effective and expected and expected != current:
        add(
            "ranges_changed",
            ERROR,
            f"userns-remap of {subject}",
            f"the ranges of {configured} now give {expected}, the engine runs with {current}: after a restart images,"
            " containers and volumes are not seen",
            "bring the old ranges back",
        )

    if effective and user not in ("", "root", "0") and expected is None:
        uid, gid = one["userns"]["uid"], one["userns"]["gid"]
        add(
            "ranges_missing",
            ERROR,
            f"userns-remap of {subject}",
            f"{configured} has no subordinate ranges in /etc/subuid and /etc/subgid both: after a restart the engine"
            " does not come up",
            "give them back with subid_range"
            + (
                ""
                if uid is None
                else f": start {uid} for uids and {gid} for gids, as the graph root {current} has them"
            ),
        )


def _host(host, add):
    if host["transactions_fault"]:
        add(
            "transactions_unreadable",
            ERROR,
            "transactions",
            f"cannot be read, and none can be rolled back: {host['transactions_fault']}",
            "mend what is named",
        )
    if host["trees_fault"]:
        add(
            "trees_unreadable",
            ERROR,
            "trees",
            f"of volumes that were shifted or mounted cannot be told: {host['trees_fault']}",
            "mend what is named",
        )
    if host["migrations_fault"]:
        add(
            "migrations_unreadable",
            ERROR,
            "migrations",
            f"from one graph root to another cannot be told: {host['migrations_fault']}",
            "mend what is named",
        )
    if host["denials"]["fault"]:
        add(
            "denials_unreadable",
            WARNING,
            "denials",
            f"cannot be told: {host['denials']['fault']}",
            "mend what is named",
        )
    for subject, cause in _audit_summary.sentences(host["denials"]["found"]):
        add("seccomp_denied", WARNING, subject, cause, "allow what it needs, in a profile of its own")
    for shim in host["orphan_shims"]:
        add(
            "orphan_shim",
            ERROR,
            f"process {shim['pid']}",
            f"is the shim of container {shim['id'][:12]} that no engine knows: it runs unmanaged",
            "stop its container with the kill of its process group, or go back to the graph root it belongs to",
        )
    for fault in host["subid_faults"]:
        add(
            "subid_malformed",
            ERROR,
            fault.partition(":")[0],
            fault.partition(": ")[2],
            "correct it: engines before 28 refuse to start remapped with it",
        )
    kernel = host["kernel"]
    if kernel["max_user_namespaces"] == 0:
        add(
            "kernel_max_user_namespaces",
            ERROR,
            "user.max_user_namespaces",
            "is 0, which forbids user namespaces",
            "set it, in a file of /etc/sysctl.d that sorts after the one with 0",
        )
    if not kernel["user_namespaces"]:
        add(
            "kernel_no_user_namespaces",
            ERROR,
            "kernel",
            f"a user namespace could not be made: {kernel['user_namespaces_error']}",
            "see user.max_user_namespaces and the boot arguments",
        )
    if kernel["args_pending"]:
        add(
            "kernel_args_pending",
            ERROR,
            "kernel",
            f"a run that is not finished set {' '.join(kernel['args_pending'])}, without which this kernel was started",
            "reboot the host",
        )
