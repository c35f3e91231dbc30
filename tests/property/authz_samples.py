# SPDX-License-Identifier: GPL-3.0-or-later
"""A policy of many kinds of grants and envelopes, and what may be in a request, good and bad. Data alone."""

from ansible_collections.containment.docker.plugins.module_utils import (
    _authz_actions,
    _authz_fields,
    _authz_rego,
    _authz_rules,
)

PROFILE = '{"syscalls":[{"names":["read"],"action":"SCMP_ACT_ALLOW"}],"defaultAction":"SCMP_ACT_ERRNO"}'
DIGEST = "sha256:" + "d" * 64
_ALL = {"containers": ["*"], "images": ["*"], "networks": ["*"], "volumes": ["*"]}
_ABLE = [
    name
    for name, action in _authz_actions.ACTIONS.items()
    if action.envelope not in _authz_rego._INSIDE and name not in _authz_rego.UNTOLD
]
_NAMED = {
    "containers": ["web*", "ca*", "app", "db"],
    "images": ["foobar", "registry.example.com/*", f"pinned@{DIGEST}", "tagged:1*", DIGEST],
    "networks": ["net", "web-*"],
    "volumes": ["data*", "log"],
}
_OWN = dict(_NAMED, containers=["@own", "label:team=a", "label:public"])
_CHANGES = [
    one
    for one in _ABLE
    if "containers" in _authz_actions.ACTIONS[one].objects and _authz_actions.ACTIONS[one].envelope is None
]


def _able(envelope, selectors):
    return {"actions": _ABLE, "envelope": envelope, **selectors}


LARGE = {
    "format": 1,
    "contact": "the docker team",
    "principals": [
        {"name": "root", "socket": True, "roles": ["everything"]},
        *(
            {"name": name, "cn": name, "roles": [name]}
            for name in ("plain", "closed", "web", "wide", "narrow", "named")
        ),
        {"name": "whole", "cn": "whole", "roles": ["whole"]},
        {"name": "maker", "cn": "maker", "roles": ["named", "maker"]},
        {"name": "labelled", "cn": "labelled", "roles": ["labelled"]},
        {"name": "mallory", "cn": "mallory", "roles": ["everything"]},
        {"name": "nothing", "cn": "nothing"},
    ],
    "roles": [
        {"name": "everything", "grants": [{"actions": ["*"], "envelope": "privileged", **_ALL}]},
        {"name": "plain", "grants": [_able("unprivileged", _ALL)]},
        {"name": "closed", "grants": [_able("restricted", _ALL)]},
        {"name": "web", "grants": [_able("web", _ALL)]},
        {"name": "wide", "grants": [_able("wide", _ALL)]},
        {"name": "narrow", "grants": [_able("narrow", _ALL)]},
        {"name": "named", "grants": [_able("unprivileged", _NAMED)]},
        {"name": "whole", "grants": [_able("privileged", _NAMED)]},
        {
            "name": "labelled",
            "grants": [
                {
                    "actions": ["container.create"],
                    "envelope": "unprivileged",
                    **_OWN,
                    "containers": _OWN["containers"][1:],
                }
            ],
        },
        {
            "name": "maker",
            "grants": [
                {"actions": ["container.create"], "envelope": "unprivileged", **_OWN},
                {"actions": _CHANGES, **{kind: _NAMED[kind] for kind in ("containers", "networks")}},
            ],
        },
    ],
    "envelopes": [
        {
            "name": "web",
            "base": "unprivileged",
            "apparmor": ["docker-default", "web"],
            "binds": ["/srv/web:ro", "/srv/data", "/"],
            "digest": True,
            "join": True,
            "log_drivers": ["syslog"],
            "network_drivers": ["overlay"],
            "ports": ["8000-8999", "53"],
            "runtimes": ["runc", "kata"],
            "seccomp": ["builtin", _authz_rules.digest_of(PROFILE)],
            "selinux": ["type:web_t"],
            "volume_drivers": ["nfs"],
        },
        {
            "name": "wide",
            "base": "unprivileged",
            "capabilities": ["ALL"],
            "capabilities_dropped": ["NET_RAW"],
            "devices": ["*"],
            "namespaces": ["cgroup", "ipc", "network", "pid", "userns", "uts"],
            "network_drivers": ["bridge", "macvlan"],
            "seccomp": ["unconfined"],
            "volume_drivers": ["local"],
        },
        {
            "name": "narrow",
            "base": "unprivileged",
            "devices": ["/dev/fuse"],
            "namespaces": ["pid", "network"],
            "no_new_privileges": True,
            "ports": [],
            "root": False,
            "sysctls": [],
        },
    ],
    "revoked": [{"cn": "mallory"}],
}
STRANGERS = [None, "root", "creator", "plain", "mallory", "stranger", ""]
CONTAINERS = ["web", "web", "web-1", "app", "db", "other", "a.b_c", "cafe", "0", "w"]
IMAGES = [
    *("foobar", "foobar", "foobar:1", "docker.io/library/foobar", "index.docker.io/foobar:2", "other", "deadbeef"),
    *(
        "registry.example.com/a/b",
        "registry.example.com:5000/a:1",
        "tagged",
        "tagged:1.2",
        "tagged:2",
        DIGEST,
        "d" * 64,
    ),
    *(f"pinned@{DIGEST}", f"pinned:1@{DIGEST}", f"other@{DIGEST}", "sha256:dd", "foobar@sha512:dd", "localhost/x"),
    *("UPPER/x", "Foobar", "a//b", "foobar:", "foobar:-", "a b", "", "x" * 255, "cafe", "cafe:1"),
]
NETWORKS = ["net", "net", "web-1", "other", "cafe", "bridge", "none", "default", "host", "a.b"]
VOLUMES = ["data", "data", "data-1", "log", "other", "cafe", "x"]
OBJECTS = {
    "container": CONTAINERS,
    "image": [one for one in IMAGES if one and " " not in one],
    "network": NETWORKS,
    "volume": VOLUMES,
    "plugin": ["p", "registry.example.com/p:1"],
}
TYPED = {
    "text": ["", "x", "a<b>&c", "é\u2028", 'q"\\'],
    "flag": [True, False],
    "number": [0, 1, -1, 512, 1024, 1000000000, 2**40],
    "numbers": [[], [0, 0], [24, 80]],
    "texts": [[], ["a"], ["A=1", "B=<2>"]],
    "words": ["sh", ["sh", "-c", "a && b"], []],
    "map": [{}, {"a": "b"}, {"team": "a"}, {"public": ""}],
    "set": [{}, {"80/tcp": {}}, {"/data": None}],
    "absent": ["", 0, False, [], {}],
}
ODD = [None, True, False, 0, 1, 1.5, "", "x", "host", [], [""], ["x"], [None], [{}], {}, {"a": 1}, {"x": {}}, "\ufffd"]
_MODES = ["", "private", "host", "container:web", "container:/other", "none", "shareable", "HOST", "x"]
_USERS = ["2147483647", "2147483648", "1:2147483648", "1:002147483647", "99999999999999999999", "1:00", "1:", ":1"]
RULED = {
    "User": ["", "1000", "1000:0", "0", "root", "0001", "0:0", 1000, *_USERS],
    "Image": IMAGES,
    "Devices": [
        [],
        [{"PathOnHost": "/dev/fuse"}],
        [{"PathOnHost": "/dev/sda", "CgroupPermissions": "rwm"}],
        [{}],
        [{"PathOnHost": "/dev/fuse", "x": 1}],
        [None],
    ],
    "DeviceCgroupRules": [[], ["c 1:3 rwm"]],
    "DeviceRequests": [[], [{"Driver": "nvidia", "Count": -1}], [{"Count": 5000}]],
    "Binds": [
        *([], ["data:/x"], ["other:/x"], ["/anonymous"], ["/srv/web:/x:ro"], ["/srv/web/:/x:ro"], ["/srv/web:/x"]),
        *(["/srv/data:/x:rw,Z"], ["/srv/web:/x:ro,z"], ["/:/x"], ["/srv/../etc:/x"], ["a:b"], ["x:/y"], ["./a:/b"]),
        *(
            ["data:/x:"],
            ["data:/x:ro,"],
            [":/x"],
            ["data:/x:rshared"],
            ["a:b:c:d"],
            ["/srv//data:/x"],
            ["log:/x:nocopy", "data-1:/y"],
        ),
    ],
    "LogConfig": [
        *({"Type": one, "Config": {"tag": "a"}} for one in ("", "json-file", "local", "journald", "none", "syslog")),
        *({"Type": one, "Config": {"labels": "a"}} for one in ("", "json-file", "local", "journald", "none")),
        *(
            {"Type": "json-file", "Config": {"tag": one}}
            for one in ("", "{{.Name}}/{{.ID}}", "{{pad `a` 9 9}}", "{", 1)
        ),
        *({}, {"Type": "json-file", "Config": {"max-size": "1m"}}, {"Type": "", "Config": {"mode": "non-blocking"}}),
        *(
            {"Type": "syslog", "Config": {"syslog-address": "tcp://h"}},
            {"Type": "none"},
            {"Type": "local", "Config": None},
        ),
        *({"Config": {"x": "y"}}, {"Type": "gelf"}, {"Type": 1}, {"type": None}, {"X": None}),
    ],
    "NetworkMode": [*NETWORKS, "container:web", "container:other"],
    "PortBindings": [
        *(
            {},
            {"80/tcp": None},
            {"80/tcp": [{"HostIp": "", "HostPort": "8080"}]},
            {"80/tcp": [{"HostPort": "8000-8010"}]},
        ),
        *({"80/tcp": [{"HostPort": ""}]}, {"80/tcp": [{"HostPort": "0053"}]}, {"80/tcp": [{"HostPort": "8999-9000"}]}),
        *({"80/tcp": [{"HostPort": "9-8"}]}, {"80/tcp": [{"HostPort": 80}]}, {"80/tcp": [{"x": None}]}, {"80/tcp": {}}),
        *({"80/tcp": [{"hostport": None}]}, {"80/tcp": [{"HostPort": "70000"}]}, {"80/tcp": [{"HostPort": "00000"}]}),
    ],
    "VolumeDriver": ["", "local", "nfs", "x"],
    "VolumesFrom": [[], ["web"], ["other:ro"], ["/web"]],
    "CapAdd": [
        [],
        ["CHOWN"],
        ["cap_net_raw"],
        ["SYS_ADMIN"],
        ["ALL"],
        "chown",
        ["NET_BIND_SERVICE"],
        ["CAP_CAP_CHOWN"],
    ],
    "CapDrop": [[], ["ALL"], ["NET_RAW"], ["cap_net_raw"], ["all"], "ALL"],
    **dict.fromkeys(("CgroupnsMode", "IpcMode", "PidMode", "UTSMode", "UsernsMode"), _MODES),
    "OomScoreAdj": [0, 500, -1],
    "PublishAllPorts": [True, False],
    "SecurityOpt": [
        *([], ["no-new-privileges"], ["no-new-privileges:true"], ["no-new-privileges=false"], ["seccomp=builtin"]),
        *(
            ['seccomp={"defaultAction":"SCMP_ACT_ALLOW",' + PROFILE[1:]],
            ["seccomp=" + PROFILE.replace(",", ", ")],
            ["seccomp=" + _authz_rules.digest_of(PROFILE)],
            ["seccomp=unconfined"],
            ["seccomp=" + PROFILE],
            ["seccomp:" + PROFILE],
            ["seccomp=" + PROFILE[:-1] + ',"x":1}'],
        ),
        *(
            ["apparmor=web"],
            ["apparmor:docker-default"],
            ["label=type:web_t"],
            ["label:disable"],
            ["apparmor"],
            ["x=y"],
        ),
        ["no-new-privileges", "apparmor=web"],
    ],
    "StorageOpt": [{}, {"size": "1G"}, {"x": "y"}],
    "Tmpfs": [
        {},
        {"/tmp": ""},
        {"/tmp": "rw,size=64m"},
        {"/tmp": "exec,,mode=1777"},
        {"/tmp": "suid"},
        {"/tmp": "dev"},
    ],
    "Sysctls": [{}, {"net.ipv4.tcp_syncookies": "1"}, {"kernel.x": "1"}],
    "Runtime": ["", "runc", "kata", "x"],
    "Isolation": ["", "default", "hyperv"],
    "Mounts": [
        [],
        *(
            [{"Type": kind, "Source": source, "Target": "/x"}]
            for kind, source in (
                ("volume", "data"),
                ("volume", ""),
                ("volume", "other"),
                ("image", "foobar"),
                ("image", "other"),
                ("tmpfs", ""),
                ("bind", "/srv/data"),
                ("bind", "/srv/web"),
                ("bind", "/etc"),
                ("cluster", "data"),
                ("x", ""),
            )
        ),
        [{"Type": "bind", "Source": "/srv/web", "Target": "/x", "ReadOnly": True}],
        [{"Type": "bind", "Source": "/srv/web", "ReadOnly": True, "BindOptions": {"ReadOnlyNonRecursive": True}}],
        [{"Type": "bind", "Source": "/srv/data", "BindOptions": {"Propagation": "rprivate"}}],
        [{"Type": "bind", "Source": "/srv/data", "BindOptions": {"Propagation": "shared"}}],
        [{"Type": "volume", "VolumeOptions": {"DriverConfig": {"Name": "nfs", "Options": {"o": "x"}}}}],
        [{"Type": "volume", "VolumeOptions": {"DriverConfig": {"Name": "local", "Options": {"o": "bind"}}}}],
        [{"Type": "volume", "VolumeOptions": {"DriverConfig": {"Name": "", "Options": None}, "Labels": {"a": "b"}}}],
        [{"Type": "tmpfs", "TmpfsOptions": {"SizeBytes": 65536, "Mode": 1023}}],
        [{"Type": "tmpfs", "TmpfsOptions": {"Options": [["dev"]]}}],
        [{"type": "bind"}],
        [None],
    ],
    "MaskedPaths": [[], ["/proc/kcore"]],
    "ReadonlyPaths": [[], ["/proc/sys"]],
    "Driver": ["", "local", "bridge", "nfs", "overlay", "macvlan", "default", "x"],
    "DriverOpts": [{}, {"o": "bind", "device": "/"}],
    "Scope": ["", "local", "swarm"],
    "Config": [[], [{"Subnet": "10.0.0.0/8"}]],
    "Options": [{}, {"com.docker.network.driver.mtu": "1400"}, {"com.docker.network.bridge.name": "br0"}],
}
BODIES = {
    "container.create": _authz_fields.CREATE,
    "container.update": _authz_fields.UPDATE,
    "exec.create": _authz_fields.EXEC,
    "image.commit": _authz_fields.COMMIT,
    "volume.create": _authz_fields.VOLUME,
    "network.create": _authz_fields.NETWORK,
    "network.connect": _authz_fields.CONNECT,
    "network.disconnect": {"Container": "text", "Force": "flag"},
}
PARAMETERS = {
    "name": ["new", "web-2", "web-3", "/app", "app", "x", "a b", "", "cafe"],
    "container": [*CONTAINERS, "", "a/b"],
    **dict.fromkeys(("fromImage", "repo", "t", "names"), IMAGES),
    "tag": ["", "", "1", "1.2", DIGEST, "-"],
    "fromSrc": ["-", "http://h/a"],
    "networkmode": [*NETWORKS, "container:web", ""],
    "link": ["", "0", "FALSE", "1", " no "],
    "remote": ["", "", "client-session", "http://h/a"],
    "session": ["", "", "x"],
    "version": ["", "1", "1", "2"],
    **{
        name: ["", "default", "x"]
        for name in ("checkpoint", "checkpoint-dir", "cgroupparent", "isolation", "outputs", "securityopt")
    },
}
