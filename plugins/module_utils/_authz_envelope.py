# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Capability envelopes: how much of the host a container may have that somebody makes, changes or works in. Pure.

An envelope allows the fields of the tables of _authz_fields, and in those of kind "rule" what its options name. What
they mean is in OPTIONS; NAMED are those that every policy has.
"""

import collections

from ansible_collections.containment.docker.plugins.module_utils import _authz_fields
from ansible_collections.containment.docker.plugins.module_utils._authz_rules import Rules
from ansible_collections.containment.docker.plugins.module_utils._authz_values import check, refused, shown
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

# everything: whether it looks at nothing at all. options: {option: value}.
Envelope = collections.namedtuple("Envelope", "name everything options")

# {option: whether it is a list (of texts), or else a flag}, and what they allow or demand:
OPTIONS = {
    "apparmor": list,  # profiles that may be named
    "binds": list,  # of the host, "PATH" or "PATH:ro"; exact ones, since links below lead anywhere
    "capabilities": list,  # that may be added, without CAP_; ALL for all
    "capabilities_dropped": list,  # that have to be dropped
    "devices": list,  # paths on the host; "*" for all, device cgroup rules and requests
    "digest": bool,  # whether images have to be named by digest or id
    "join": bool,  # whether namespaces and volumes of (selected) containers may be shared
    "log_drivers": list,  # with whatever options, besides the plain ones
    "namespaces": list,  # of the host that may be shared: cgroup, ipc, network, pid, userns, uts
    "network_drivers": list,  # with whatever options, besides bridge with plain ones
    "no_new_privileges": bool,  # whether it has to be set
    "ports": list,  # of the host, "PORT" or "FIRST-LAST"
    "root": bool,  # whether processes may be root in the container
    "runtimes": list,  # that may be named
    "seccomp": list,  # "builtin", "unconfined", or "sha256:..." of a profile (digest_of)
    "selinux": list,  # label options: "type:...", "disable"
    "sysctls": list,  # that may be set
    "volume_drivers": list,  # with whatever options, besides local without any
}
# What containers have without asking (moby, oci/caps/defaults.go).
DEFAULT_CAPABILITIES = [
    "AUDIT_WRITE",
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "MKNOD",
    "NET_BIND_SERVICE",
    "NET_RAW",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_CHROOT",
]
# Those that Kubernetes calls safe (kubernetes.io, "Using sysctls in a Kubernetes Cluster").
SAFE_SYSCTLS = [
    "kernel.shm_rmid_forced",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.ping_group_range",
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
    "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_syncookies",
]
_UNPRIVILEGED = {
    "apparmor": ["docker-default"],
    "binds": [],
    "capabilities": DEFAULT_CAPABILITIES,
    "capabilities_dropped": [],
    "devices": [],
    "digest": False,
    "join": False,
    "log_drivers": [],
    "namespaces": [],
    "network_drivers": [],
    "no_new_privileges": False,
    "ports": ["1-65535"],
    "root": True,
    "runtimes": ["runc", "io.containerd.runc.v2"],
    "seccomp": ["builtin"],
    "selinux": [],
    "sysctls": SAFE_SYSCTLS,
    "volume_drivers": [],
}
NAMED = {
    "unprivileged": Envelope("unprivileged", False, _UNPRIVILEGED),
    # After the Pod Security Standard of that name (kubernetes.io); seccomp is on without asking.
    "restricted": Envelope(
        *("restricted", False),
        dict(
            _UNPRIVILEGED,
            capabilities=["NET_BIND_SERVICE"],
            capabilities_dropped=["ALL"],
            no_new_privileges=True,
            ports=[],
            root=False,
        ),
    ),
    "privileged": Envelope("privileged", True, {}),
}

NAMESPACES = ("cgroup", "ipc", "network", "pid", "userns", "uts")


def examine(envelope, kind, value, container=None):
    """Raise ContainmentError for the first thing that an envelope does not allow.

    kind: one of _authz_actions.ENVELOPES. value: the body, or the query of a build. container: the Container that is
    worked in or changed, which has itself to be one that the envelope allows.
    """
    if envelope.everything:
        return
    if kind == "all":
        raise refused(
            "envelope", f"{envelope.name} does not do: this leads to root on the host", "have a privileged one granted"
        )
    if container is not None and kind in ("inside", "exec", "update", "commit"):
        _examine_container(envelope, container)
    if kind in _EXAMINED:
        _EXAMINED[kind](Rules(envelope), value)


def _examine_container(envelope, container):
    """Raise ContainmentError where a container that is there is not one that the envelope allows."""
    rules = Rules(envelope, kept=True)
    try:
        check(_authz_fields.CONFIG, container.config, rules.config())
        check(_authz_fields.HOST, container.host_config, rules.host("HostConfig."), "HostConfig")
        rules.demands(container.config, container.host_config)
    except ContainmentError as error:
        raise refused(
            f"container {container.name}",
            f"is not one of envelope {envelope.name}: {error.subject} {error.cause}",
            "have another envelope granted",
        ) from None


def _create(rules, body):
    fields = dict(rules.config(), **rules.host("HostConfig."))
    check(_authz_fields.CREATE, body, fields)
    rules.demands(body, body.get("HostConfig") or {})


def _build(rules, query):
    for name in ("cgroupparent", "isolation", "outputs", "securityopt"):
        if query.get(name) and query[name] != "default":
            raise refused(name, "is more than may be given", "leave it out")
    if query.get("remote"):
        raise refused("remote", "has the engine fetch a context by itself", "send the context")
    # BuildKit goes by other rules, and fetches what it needs in a session that nobody is shown.
    if query.get("version", "") not in ("", "1"):
        raise refused("version", f"is {shown(query['version'])}, which is BuildKit", "set DOCKER_BUILDKIT=0")
    if query.get("session"):
        raise refused("session", "is one of which no request is seen", "set DOCKER_BUILDKIT=0")
    rules.network_mode("networkmode", query.get("networkmode", ""))


_EXAMINED = {
    "create": _create,
    "commit": lambda rules, body: check(_authz_fields.COMMIT, body, dict(rules.config(), User=lambda _value: None)),
    "update": lambda rules, body: check(_authz_fields.UPDATE, body, rules.resources("")),
    "exec": lambda rules, body: check(_authz_fields.EXEC, body, {"User": lambda value: rules.user("User", value)}),
    "volume": lambda rules, body: rules.volume(body),
    "network": lambda rules, body: rules.network(body),
    "connect": lambda rules, body: check(_authz_fields.CONNECT, body, {}),
    "build": _build,
}
