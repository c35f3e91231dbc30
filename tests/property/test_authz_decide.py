# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever a client sends is decided and recorded, and nothing of the host is allowed to an unprivileged container."""

import json

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.containment.docker.plugins.module_utils import (
    _authz_decide,
    _authz_envelope,
    _authz_fields,
    _authz_message,
    _authz_names,
    _authz_policy,
    _authz_record,
    _authz_routes,
)

POLICY = _authz_policy.read(
    json.dumps(
        {
            "format": 1,
            "principals": [{"name": "root", "socket": True, "roles": ["some"]}],
            "roles": [
                {
                    "name": "some",
                    "grants": [
                        {
                            "actions": ["*"],
                            "containers": ["*"],
                            "images": ["*"],
                            "networks": ["*"],
                            "volumes": ["*"],
                            "envelope": "unprivileged",
                        }
                    ],
                }
            ],
        }
    ).encode()
)
MODES = ("NetworkMode", "PidMode", "IpcMode", "UTSMode", "UsernsMode", "CgroupnsMode")
NEVER = ("Privileged", "CgroupParent", "Cgroup", "Annotations", "OomKillDisable", "DeviceCgroupRules", "DeviceRequests")


class World:
    """A test double of an engine's containers: all are there, and plain."""

    def container(self, text):
        return _authz_names.Container("a" * 64, text, {}, None, {}, {})


ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**40), 2**40),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=8),
    st.sampled_from(
        ["host", "container:a", "private", "/", "/:/h", "a:/h:ro", "SYS_ADMIN", "cap_chown", "ALL", "local", "bridge"]
    ),
    st.sampled_from(["seccomp=unconfined", "no-new-privileges", "label=disable", "apparmor:x", "/dev/sda", "runc"]),
)
KEYS = st.one_of(
    st.sampled_from(sorted(set(_authz_fields.HOST) | set(_authz_fields.CONFIG) | set(_authz_fields.MOUNT))),
    st.sampled_from(sorted(set(_authz_fields.ENDPOINT) | set(_authz_fields.EXEC) | set(_authz_fields.NETWORK))),
    st.sampled_from(["HostConfig", "NetworkingConfig", "EndpointsConfig", "hostconfig", "privileged", "PathOnHost"]),
)
VALUES = st.recursive(ODD, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4))
# What clients send, and what they had better not.
LIKELY = [
    *(("Binds", one) for one in ([], ["data:/x"], ["/x"], ["/srv:/x"], ["data:/x:rw", "/:/y:ro"], ["a:b"], ["./a:/b"])),
    *(("CapAdd", one) for one in (None, [], ["CHOWN"], ["cap_net_raw"], ["SYS_ADMIN"], "ALL", ["ALL"], "chown")),
    *(("CapDrop", one) for one in ([], ["ALL"], "ALL")),
    *((name, one) for name in MODES for one in ("", "private", "none", "host", "container:a", "mine", "HOST")),
    *(("SecurityOpt", one) for one in ([], ["no-new-privileges"], ["seccomp=unconfined"], ["label=disable"])),
    *(("Devices", one) for one in ([], [{"PathOnHost": "/dev/sda"}], [{}])),
    *(
        ("Mounts", [{"Type": kind, "Source": "x", "Target": "/y"}])
        for kind in ("volume", "bind", "tmpfs", "image", "x")
    ),
    *(("VolumesFrom", one) for one in (None, [], ["a"])),
    *((name, one) for name in NEVER for one in (None, False, 0, [], {}, True, 1, "x", ["a"], {"a": "b"})),
    *((name, one) for name in ("MaskedPaths", "ReadonlyPaths") for one in (None, [], ["/proc/kcore"])),
    *(("Memory", one) for one in (0, 2**30)),
    ("RestartPolicy", {"Name": "always", "MaximumRetryCount": 0}),
    ("PortBindings", {"80/tcp": [{"HostIp": "", "HostPort": "8080"}]}),
]
HOST_FIELDS = st.one_of(
    st.dictionaries(st.sampled_from(sorted(_authz_fields.HOST)), VALUES, max_size=4),
    st.lists(st.sampled_from(LIKELY), max_size=4).map(dict),
)


def message(method, uri, body):
    data = json.dumps(body).encode()
    headers = {"Content-Type": "application/json", "Content-Length": str(len(data))}
    return _authz_message.Message("", method, uri, headers, data, [], 0, b"")


def decided(asked):
    found = _authz_decide.decide(POLICY, asked, World())
    fields = _authz_record.decision(asked, found, POLICY.digest, "1")
    assert _authz_record.journal(fields) and _authz_record.syslog(fields, 1)
    assert found.verdict == "allow" or found.reason
    return found


ROUTES = st.sampled_from([(method, path) for method, path, _action, _query in _authz_routes.ROUTES if method != "GET"])


@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=300)
@given(ROUTES, st.dictionaries(KEYS, VALUES, max_size=5))
def test_whatever_a_body_is_it_is_decided_and_recorded(route, body):
    method, path = route
    for kind in (
        "container",
        "image",
        "volume",
        "network",
        "plugin",
        "node",
        "service",
        "secret",
        "config",
        "checkpoint",
    ):
        path = path.replace("{%s}" % kind, "ab")
    if "{" not in path:
        decided(message(method, path, body))


@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=500)
@given(HOST_FIELDS)
def test_what_is_allowed_has_nothing_of_the_host(host):
    found = decided(message("POST", "/v1.41/containers/create", {"Image": "a:b", "HostConfig": host}))
    if found.verdict != "allow":
        return
    assert not any(host.get(name) for name in NEVER)
    for name in MODES:
        assert host.get(name) != "host" and not (host.get(name) or "").startswith("container:")
    assert not any(one.startswith("/") and ":" in one for one in host.get("Binds") or ())
    assert not any((one.get("Type") == "bind") for one in host.get("Mounts") or ())
    assert not host.get("Devices") and not host.get("VolumesFrom")
    added = host.get("CapAdd") or ()
    for one in [added] if isinstance(added, str) else added:
        assert one.upper().replace("CAP_", "", 1) in _authz_envelope.DEFAULT_CAPABILITIES
    assert set(host.get("SecurityOpt") or ()) <= {"no-new-privileges"}
    assert host.get("MaskedPaths") is None and host.get("ReadonlyPaths") is None
