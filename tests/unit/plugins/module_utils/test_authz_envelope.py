# SPDX-License-Identifier: GPL-3.0-or-later
"""Envelopes refuse every way to more of the host than they name, and let pass what clients send."""

import copy
import json

import pytest

from ansible_collections.containment.docker.plugins.module_utils import _authz_envelope as core
from ansible_collections.containment.docker.plugins.module_utils import _authz_names, _authz_rules
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

_NAMED = core.NAMED
_MASKED = ["/proc/asound", "/proc/acpi", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/timer_list"]
_MASKED += ["/proc/timer_stats", "/proc/sched_debug", "/proc/scsi", "/sys/firmware"]
_READ_ONLY = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]
_PROFILE = json.dumps({"defaultAction": "SCMP_ACT_ALLOW"})

# What `docker run nginx` sends (cli 20.10 and 28.5).
_RESOURCES = {
    "CpuShares": 0,
    "Memory": 0,
    "NanoCpus": 0,
    "CgroupParent": "",
    "BlkioWeight": 0,
    "BlkioWeightDevice": [],
    "BlkioDeviceReadBps": [],
    "BlkioDeviceWriteBps": [],
    "BlkioDeviceReadIOps": [],
    "BlkioDeviceWriteIOps": [],
    "CpuPeriod": 0,
    "CpuQuota": 0,
    "CpuRealtimePeriod": 0,
    "CpuRealtimeRuntime": 0,
    "CpusetCpus": "",
    "CpusetMems": "",
    "Devices": [],
    "DeviceCgroupRules": None,
    "DeviceRequests": None,
    "MemoryReservation": 0,
    "MemorySwap": 0,
    "MemorySwappiness": -1,
    "OomKillDisable": False,
    "PidsLimit": 0,
    "Ulimits": [],
    "CpuCount": 0,
    "CpuPercent": 0,
    "IOMaximumIOps": 0,
    "IOMaximumBandwidth": 0,
    "KernelMemory": 0,
    "KernelMemoryTCP": 0,
}
_HOST = {
    "Binds": None,
    "ContainerIDFile": "",
    "LogConfig": {"Type": "", "Config": {}},
    "NetworkMode": "default",
    "PortBindings": {},
    "RestartPolicy": {"Name": "no", "MaximumRetryCount": 0},
    "AutoRemove": False,
    "VolumeDriver": "",
    "VolumesFrom": None,
    "ConsoleSize": [24, 80],
    "CapAdd": None,
    "CapDrop": None,
    "CgroupnsMode": "",
    "Dns": [],
    "DnsOptions": [],
    "DnsSearch": [],
    "ExtraHosts": None,
    "GroupAdd": None,
    "IpcMode": "",
    "Cgroup": "",
    "Links": None,
    "OomScoreAdj": 0,
    "PidMode": "",
    "Privileged": False,
    "PublishAllPorts": False,
    "ReadonlyRootfs": False,
    "SecurityOpt": None,
    "UTSMode": "",
    "UsernsMode": "",
    "ShmSize": 0,
    "Isolation": "",
    "MaskedPaths": None,
    "ReadonlyPaths": None,
    **_RESOURCES,
}
_ENDPOINT = {
    "IPAMConfig": None,
    "Links": None,
    "Aliases": None,
    "MacAddress": "",
    "DriverOpts": None,
    "GwPriority": 0,
    "NetworkID": "",
    "EndpointID": "",
    "Gateway": "",
    "IPAddress": "",
    "IPPrefixLen": 0,
    "IPv6Gateway": "",
    "GlobalIPv6Address": "",
    "GlobalIPv6PrefixLen": 0,
    "DNSNames": None,
}
_CREATE = {
    "Hostname": "",
    "Domainname": "",
    "User": "",
    "AttachStdin": False,
    "AttachStdout": True,
    "Image": "nginx",
    "AttachStderr": True,
    "Tty": False,
    "OpenStdin": False,
    "StdinOnce": False,
    "Env": None,
    "Cmd": None,
    "Volumes": {},
    "WorkingDir": "",
    "Entrypoint": None,
    "OnBuild": None,
    "Labels": {},
    "HostConfig": _HOST,
    "NetworkingConfig": {"EndpointsConfig": {"default": _ENDPOINT}},
}


def _create(host=None, **fields):
    body = copy.deepcopy(_CREATE)
    body["HostConfig"].update(host or {})
    body.update(fields)
    return body


def _custom(base="unprivileged", **options):
    return core.Envelope("custom", False, dict(_NAMED[base].options, **options))


def _refuses(envelope, kind, value, words="", container=None):
    with pytest.raises(ContainmentError) as caught:
        core.examine(envelope, kind, value, container)
    assert words in str(caught.value)


ESCAPES = [
    {"Privileged": True},
    {"Privileged": 1},
    {"Privileged": "true"},
    *({"CapAdd": [one]} for one in ("SYS_ADMIN", "CAP_SYS_ADMIN", "sys_admin", "cap_sys_admin", "Cap_Sys_Ptrace")),
    *(
        {"CapAdd": [one]}
        for one in ("ALL", "all", "CAP_ALL", "cap_all", " SYS_ADMIN", "CAP_CAP_CHOWN", "", "NET_ADMIN")
    ),
    {"CapAdd": "ALL"},
    {"CapAdd": "SYS_ADMIN"},
    {"CapAdd": ["CHOWN", "SYS_MODULE"]},
    {"CapAdd": {"SYS_ADMIN": {}}},
    {"CapAdd": [1]},
    {"CapAdd": [["SYS_ADMIN"]]},
    {"CapDrop": [1]},
    {"Capabilities": ["CAP_SYS_ADMIN"]},
    *({"SecurityOpt": [one]} for one in ("seccomp=unconfined", "seccomp:unconfined", "seccomp=" + _PROFILE)),
    *({"SecurityOpt": [one]} for one in ("seccomp:" + _PROFILE, "seccomp={}", "seccomp=", "seccomp", "seccomp=x.json")),
    *({"SecurityOpt": [one]} for one in ("apparmor=unconfined", "apparmor:unconfined", "apparmor=", "apparmor")),
    *({"SecurityOpt": [one]} for one in ("label=disable", "label:disable", "label=type:spc_t", "label:type:spc_t")),
    *({"SecurityOpt": [one]} for one in ("label=level:s0", "label=user:root", "label", "disable", "label=")),
    *({"SecurityOpt": [one]} for one in ("no-new-privileges=false", "no-new-privileges:false", "no-new-privileges=0")),
    *({"SecurityOpt": [one]} for one in ("writable-cgroups", "writable-cgroups=true", "systempaths=unconfined")),
    *(
        {"SecurityOpt": [one]}
        for one in ("credentialspec=file://a", "SECCOMP=unconfined", "", "=", ":", " seccomp=builtin")
    ),
    {"SecurityOpt": ["seccomp=builtin", "seccomp=unconfined"]},
    {"SecurityOpt": ['seccomp={"defaultAction": "\\ud800"}']},
    {"SecurityOpt": ["seccomp=" + "[" * 9999]},
    {"SecurityOpt": "seccomp=unconfined"},
    {"SecurityOpt": [["seccomp", "unconfined"]]},
    *({name: "host"} for name in ("NetworkMode", "PidMode", "IpcMode", "UTSMode", "UsernsMode", "CgroupnsMode")),
    *({name: "container:a"} for name in ("NetworkMode", "PidMode", "IpcMode", "UTSMode", "UsernsMode", "Cgroup")),
    *({name: ["host"]} for name in ("NetworkMode", "PidMode", "IpcMode", "UTSMode", "UsernsMode", "CgroupnsMode")),
    *({name: "Host"} for name in ("PidMode", "IpcMode", "UTSMode", "UsernsMode", "CgroupnsMode")),
    {"NetworkMode": "container:"},
    {"PidMode": "ns:/proc/1/ns/pid"},
    *(
        {"Binds": [one]}
        for one in ("/:/host", "/:/host:ro", "/etc:/etc:ro", "/var/run/docker.sock:/s", "//:/a", "/./:/a")
    ),
    *(
        {"Binds": [one]}
        for one in ("/a/../:/b", "/a:/b:rshared", "a:/b:shared", "a:/b:slave", "./a:/b", "../a:/b", "~:/b")
    ),
    *(
        {"Binds": [one]}
        for one in ("a:/b:ro:rw", "a:/b:", ":/b", "", ":", "a:b", "/a:/b:x", "\\\\.\\pipe\\a:/b", "a\n:/b")
    ),
    {"Binds": "/:/host"},
    {"Binds": [{"Source": "/"}]},
    {"Binds": ["data:/data", "/:/host"]},
    *(
        {"Mounts": [dict(one, Target="/a")]}
        for one in ({"Type": "bind", "Source": "/"}, {"Type": "BIND", "Source": "/"})
    ),
    *(
        {"Mounts": [{"Type": one, "Source": "a", "Target": "/a"}]}
        for one in ("npipe", "cluster", "", "Volume", 1, None)
    ),
    {"Mounts": [{"Source": "/", "Target": "/a"}]},
    {"Mounts": [{"Type": "bind", "Source": "/", "Target": "/a", "ReadOnly": True}]},
    {"Mounts": [{"Type": "bind", "Source": "", "Target": "/a"}]},
    {"Mounts": [{"Type": "bind", "Target": "/a"}]},
    {"Mounts": [{"type": "bind", "source": "/", "target": "/a"}]},
    {"Mounts": [{"Type": "volume", "type": "bind", "Source": "/", "Target": "/a"}]},
    {"Mounts": [{"Type": "volume", "Source": "a", "Target": "/a", "BindOptions": {"Propagation": "rshared"}}]},
    {"Mounts": [{"Type": "volume", "Source": "a", "Target": "/a", "New": {}}]},
    {"Mounts": [{"Type": "tmpfs", "Target": "/a", "TmpfsOptions": {"Options": [["dev"]]}}]},
    {"Mounts": [{"Type": "tmpfs", "Target": "/a", "ClusterOptions": {"a": 1}}]},
    {"Mounts": [{"Type": "tmpfs", "Target": "/a", "ClusterOptions": {}}]},
    {"Mounts": [None]},
    {"Mounts": ["/:/a"]},
    {"Mounts": {"Type": "bind"}},
    *(
        {"Mounts": [{"Type": "volume", "Target": "/a", "VolumeOptions": {"DriverConfig": one}}]}
        for one in (
            {"Options": {"type": "none", "o": "bind", "device": "/"}},
            {"Name": "local", "Options": {"device": "/"}},
            {"Name": "nfs"},
            {"name": "nfs"},
            "nfs",
        )
    ),
    {"VolumeDriver": "nfs"},
    {"VolumeDriver": ["local"]},
    {"Devices": [{"PathOnHost": "/dev/sda", "PathInContainer": "/dev/sda", "CgroupPermissions": "rwm"}]},
    {"Devices": [{}]},
    {"Devices": ["/dev/sda"]},
    {"Devices": {"PathOnHost": "/dev/sda"}},
    {"DeviceCgroupRules": ["b *:* rwm"]},
    {"DeviceCgroupRules": "b *:* rwm"},
    {"DeviceRequests": [{"Driver": "nvidia", "Count": -1}]},
    *({"Sysctls": {one: "1"}} for one in ("kernel.core_pattern", "net.ipv4.ip_forward", "kernel/shm_rmid_forced", "")),
    {"Sysctls": ["net.ipv4.ip_forward=1"]},
    *({"Runtime": one} for one in ("kata", "/bin/sh", "RUNC", "io.containerd.runhcs.v1", ["runc"], {"runc": 1})),
    {"Annotations": {"io.katacontainers.config.hypervisor.path": "/bin/sh"}},
    {"MaskedPaths": []},
    {"MaskedPaths": _MASKED},
    {"MaskedPaths": _MASKED[1:]},
    {"MaskedPaths": "/proc/kcore"},
    {"ReadonlyPaths": []},
    {"ReadonlyPaths": _READ_ONLY[:-1]},
    {"ReadonlyPaths": {}},
    {"CgroupParent": "/"},
    {"CgroupParent": "system.slice"},
    *({"LogConfig": {"Type": one}} for one in ("syslog", "fluentd", "gelf", "awslogs", "plugin:latest", "JSON-file")),
    {"LogConfig": {"Type": "json-file", "Config": {"path": "/etc/passwd"}}},
    *(
        {"LogConfig": {"Type": driver, "Config": {option: "containment-authz"}}}
        for driver in ("journald", "")
        for option in ("tag", "labels", "labels-regex", "env", "env-regex")
    ),
    *(
        {"LogConfig": {"Type": "json-file", "Config": {"tag": tag}}}
        for tag in ('{{pad "a" 99999999 0}}', "{{.Name | title}}", "{{- .Name}}", "{{.Name", "{", "}", "{{}}", "{{.}}")
    ),
    {"LogConfig": {"Type": "", "Config": {"syslog-address": "unixgram:///run/systemd/journal/socket"}}},
    {"LogConfig": {"Type": "none", "Config": {"max-size": "1m"}}},
    {"LogConfig": {"Type": "journald", "Config": {"tag": "containment-authz"}}},
    {"LogConfig": {"Type": "journald", "Config": {"labels": "MESSAGE_ID"}}},
    {"LogConfig": {"type": "syslog"}},
    {"LogConfig": {"Type": 1}},
    {"LogConfig": "syslog"},
    {"LogConfig": {"Type": "local", "Config": {"max-size": 1}}},
    {"StorageOpt": {"overlay2.override_kernel_check": "1"}},
    {"StorageOpt": {"size": "1G", "dm.fs": "xfs"}},
    {"StorageOpt": ["size"]},
    {"OomScoreAdj": -1},
    {"OomScoreAdj": -1000},
    {"OomScoreAdj": "0"},
    {"OomScoreAdj": True},
    {"OomScoreAdj": 0.5},
    {"OomKillDisable": True},
    {"VolumesFrom": ["a"]},
    {"VolumesFrom": ["a:ro"]},
    {"VolumesFrom": "a"},
    {"CpuRealtimePeriod": 1},
    {"CpuRealtimeRuntime": 950000},
    *(
        {"Tmpfs": {"/a": one}}
        for one in ("dev", "suid", "rw,dev", "noexec,suid", "rshared", "shared", "DEV", "size=1;dev")
    ),
    *({"Tmpfs": {"/a": one}} for one in ("remount", "bind", "mode=9", "size=", " nodev", "nosuid\n", ["dev"], None, 1)),
    {"Tmpfs": ["/a"]},
    *({"Isolation": one} for one in ("hyperv", "process", 1)),
    *(
        {"PortBindings": {"80/tcp": one}}
        for one in ([{"HostPort": "70000"}], [{"HostPort": "-1"}], [{"hostport": "80"}])
    ),
    *({"PortBindings": {"80/tcp": one}} for one in ([{"HostPort": 80}], {"HostPort": "80"}, "80", [None], [["80"]])),
    {"PortBindings": ["80"]},
    {"PublishAllPorts": "true"},
    {"PublishAllPorts": 1},
    *({one: True} for one in ("privileged", "PRIVILEGED", "Pr\u0131vileged", "Privileged ", "New", "", "Cap\u017fAdd")),
    {"binds": ["/:/host"]},
    {"securityopt": ["seccomp=unconfined"]},
    {"Memory": "1g"},
    {"Memory": 1.5},
    {"Memory": True},
    {"Init": "true"},
    {"GroupAdd": "docker"},
    {"Ulimits": [{"name": "nofile"}]},
    {"BlkioWeightDevice": [1]},
    {"RestartPolicy": "always"},
]
TOP = [
    {"Privileged": True},
    {"Binds": ["/:/host"]},
    {"CapAdd": ["SYS_ADMIN"]},
    {"hostconfig": {"Privileged": True}},
    {"HostConfig ": {"Privileged": True}},
    {"HostConfig": [{"Privileged": True}]},
    {"HostConfig": "a"},
    {"Runtime": "kata"},
    {"Cpuset": "0"},
    {"Memory": 1},
    {"New": 1},
    {"User": 0},
    {"Image": ["a"]},
    {"Image": 1},
    {"Env": "a=b"},
    {"Labels": ["a"]},
    {"Labels": {"a": 1}},
    {"Volumes": {"/a": {"b": 1}}},
    {"Volumes": ["/a"]},
    {"ExposedPorts": {"80/tcp": {"a": 1}}},
    {"Healthcheck": {"Test": ["CMD", 1]}},
    {"Healthcheck": {"test": ["CMD", "a"]}},
    {"NetworkingConfig": {"EndpointsConfig": {"a": {"DriverOpts": {"a": "b"}}}}},
    {"NetworkingConfig": {"EndpointsConfig": {"a": {"IPAMConfig": {"New": "b"}}}}},
    {"NetworkingConfig": {"EndpointsConfig": {"a": ["b"]}}},
    {"NetworkingConfig": {"endpointsconfig": {}}},
    {"NetworkingConfig": []},
    {"PublishService": "a"},
]


@pytest.mark.parametrize("host", ESCAPES, ids=repr)
def test_unprivileged_refuses_every_escape_of_a_create(host):
    _refuses(_NAMED["unprivileged"], "create", _create(host))
    core.examine(_NAMED["privileged"], "create", _create(host))


@pytest.mark.parametrize("host", ESCAPES, ids=repr)
def test_restricted_refuses_what_unprivileged_does(host):
    safe = {"CapDrop": ["ALL"], "SecurityOpt": ["no-new-privileges"]}
    if "SecurityOpt" in host and isinstance(host["SecurityOpt"], list):
        host = dict(host, SecurityOpt=host["SecurityOpt"] + ["no-new-privileges"])
    _refuses(_NAMED["restricted"], "create", _create(dict(safe, **host), User="1000"))


@pytest.mark.parametrize("fields", TOP, ids=repr)
def test_unprivileged_refuses_fields_beside_the_host_config(fields):
    _refuses(_NAMED["unprivileged"], "create", _create(**fields))
    core.examine(_NAMED["privileged"], "create", _create(**fields))


@pytest.mark.parametrize(
    "host, fields",
    [
        ({}, {}),
        ({"AutoRemove": True, "Init": True, "ReadonlyRootfs": True, "ShmSize": 67108864}, {"Tty": True}),
        ({"Binds": ["data:/data", "data:/data:ro", "data:/data:rw,z", "/anonymous", "data:/d:nocopy"]}, {}),
        ({"Mounts": [{"Type": "volume", "Source": "a", "Target": "/a", "VolumeOptions": {"NoCopy": True}}]}, {}),
        ({"Mounts": [{"Type": "volume", "Target": "/a", "VolumeOptions": {"DriverConfig": {"Name": "local"}}}]}, {}),
        ({"Mounts": [{"Type": "tmpfs", "Target": "/a", "TmpfsOptions": {"SizeBytes": 1, "Mode": 1023}}]}, {}),
        ({"Mounts": [{"Type": "image", "Source": "nginx", "Target": "/a", "ImageOptions": {"Subpath": "b"}}]}, {}),
        ({"Mounts": [{"Type": "volume", "Source": "a", "Target": "/a", "BindOptions": None}]}, {}),
        ({"Tmpfs": {"/run": "", "/tmp": "rw,noexec,nosuid,nodev,size=64m,mode=1777,uid=1000"}}, {}),
        ({"PortBindings": {"80/tcp": [{"HostIp": "", "HostPort": "8080"}], "81/tcp": [{"HostPort": ""}]}}, {}),
        ({"PortBindings": {"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": "8000-8010"}], "81/udp": None}}, {}),
        ({"PublishAllPorts": True}, {"ExposedPorts": {"80/tcp": {}}}),
        ({"CapAdd": ["NET_BIND_SERVICE", "CAP_CHOWN", "kill"], "CapDrop": ["ALL"]}, {}),
        ({"CapAdd": "CHOWN"}, {}),
        ({"SecurityOpt": ["no-new-privileges", "seccomp=builtin", "apparmor=docker-default"]}, {}),
        ({"SecurityOpt": ["no-new-privileges:true", "apparmor:docker-default"]}, {}),
        ({"SecurityOpt": ["no-new-privileges=true"]}, {}),
        ({"NetworkMode": "web"}, {"NetworkingConfig": {"EndpointsConfig": {"web": dict(_ENDPOINT, Aliases=["a"])}}}),
        ({"NetworkMode": "none"}, {"NetworkingConfig": {"EndpointsConfig": {}}}),
        ({"NetworkMode": "bridge", "IpcMode": "private", "CgroupnsMode": "private"}, {"NetworkingConfig": None}),
        ({"IpcMode": "none"}, {"NetworkingConfig": {"EndpointsConfig": {"web": None}}}),
        ({"IpcMode": "shareable", "Links": ["db:db"]}, {}),
        (
            {
                "LogConfig": {
                    "Type": "json-file",
                    "Config": {"max-size": "10m", "max-file": "3", "mode": "non-blocking"},
                }
            },
            {},
        ),
        ({"LogConfig": {"Type": "local"}}, {}),
        ({"LogConfig": {"Type": "journald", "Config": {"mode": "non-blocking"}}}, {}),
        ({"LogConfig": {"Type": "json-file", "Config": {"tag": "{{.Name}}/{{.ID}}", "labels": "a", "env": "B"}}}, {}),
        ({"LogConfig": {"Type": "json-file", "Config": {"tag": "", "labels-regex": "^a", "env-regex": "^B"}}}, {}),
        ({"LogConfig": {"Type": "none", "Config": None}}, {}),
        ({"Memory": 512 << 20, "NanoCpus": 1500000000, "PidsLimit": 100, "OomScoreAdj": 500}, {}),
        ({"Ulimits": [{"Name": "nofile", "Soft": 1024, "Hard": 2048}]}, {}),
        ({"BlkioDeviceReadBps": [{"Path": "/dev/sda", "Rate": 1048576}]}, {}),
        ({"Sysctls": {"net.ipv4.ip_unprivileged_port_start": "0"}, "StorageOpt": {"size": "10G"}}, {}),
        ({"Runtime": "runc", "VolumeDriver": "local", "Isolation": "default"}, {}),
        ({"Runtime": "io.containerd.runc.v2"}, {}),
        ({"ExtraHosts": ["a:127.0.0.1"], "GroupAdd": ["audio"], "Dns": ["1.1.1.1"], "Annotations": {}}, {}),
        ({"RestartPolicy": {"Name": "on-failure", "MaximumRetryCount": 3}}, {"StopSignal": "TERM", "StopTimeout": 5}),
        ({}, {"Healthcheck": {"Test": ["CMD-SHELL", "true"], "Interval": 1, "StartInterval": 1}, "Cmd": "true"}),
        ({}, {"Volumes": {"/data": {}}, "Labels": {"a": "b"}, "Env": ["A=b"], "Entrypoint": ["sh"], "User": "root"}),
    ],
)
def test_unprivileged_lets_pass_what_clients_send(host, fields):
    core.examine(_NAMED["unprivileged"], "create", _create(host, **fields))


@pytest.mark.parametrize(
    "good, bad",
    [
        ({"Tmpfs": {"/a": "ro," * 1365}}, {"Tmpfs": {"/a": "ro," * 1366}}),
        ({"PortBindings": {"1/tcp": [{}] * 1000}}, {"PortBindings": {"1/tcp": [{}] * 1001}}),
        ({"BlkioDeviceReadBps": [{}] * 1000}, {"BlkioDeviceReadBps": [{}] * 1001}),
        ({"Mounts": [{"Type": "tmpfs"}] * 1000}, {"Mounts": [{"Type": "tmpfs"}] * 1001}),
    ],
)
def test_how_much_of_something_is_looked_at(good, bad):
    core.examine(_NAMED["unprivileged"], "create", _create(good))
    _refuses(_NAMED["unprivileged"], "create", _create(bad), "has ")


def test_the_least_bodies_pass():
    core.examine(_NAMED["unprivileged"], "create", {"Image": "nginx"})
    core.examine(_NAMED["unprivileged"], "create", {"Image": "nginx", "HostConfig": None})
    core.examine(_NAMED["unprivileged"], "create", {})


@pytest.mark.parametrize(
    "host, user, words",
    [
        ({}, "1000", None),
        ({}, "1000:0", None),
        ({}, "0001", None),
        ({}, "2147483647:2147483647", None),
        ({}, "00000000001:0000000000000", None),
        ({"CapDrop": ["all"], "CapAdd": ["CAP_NET_BIND_SERVICE"]}, "1000", None),
        ({"CapDrop": ["KILL", "ALL"]}, "1000", None),
        ({"SecurityOpt": ["no-new-privileges:true"]}, "1000", None),
        ({"SecurityOpt": ["no-new-privileges=true"]}, "1000", None),
        ({"PortBindings": {"80/tcp": None, "81/tcp": []}}, "1000", None),
        ({"SecurityOpt": None}, "1000", "has no no-new-privileges"),
        ({"SecurityOpt": []}, "1000", "has no no-new-privileges"),
        ({"SecurityOpt": ["seccomp=builtin"]}, "1000", "has no no-new-privileges"),
        ({"SecurityOpt": ["no-new-privileges", "no-new-privileges=false"]}, "1000", "has no-new-privileges=false"),
        ({"CapDrop": None}, "1000", "does not drop ALL"),
        ({"CapDrop": []}, "1000", "does not drop ALL"),
        ({"CapDrop": ["KILL"]}, "1000", "does not drop ALL"),
        ({"CapDrop": "ALL"}, "1000", "is no list of texts"),
        ({"CapAdd": ["CHOWN"]}, "1000", "adds CHOWN"),
        ({}, "", "may be root"),
        ({}, None, "may be root"),
        ({}, "0", "may be root"),
        ({}, "00", "may be root"),
        ({}, "0:1000", "may be root"),
        ({}, "root", "may be root"),
        ({}, "nginx", "may be root"),
        ({}, "1000:root", "may be root"),
        ({}, "+1", "may be root"),
        # Engine 20.10 looks for a user, or a group, of this name in the image.
        ({}, "99999999999999999999", "may be root"),
        ({}, "9223372036854775808", "may be root"),
        ({}, "2147483648", "may be root"),
        ({}, "1000:99999999999999999999", "may be root"),
        ({}, "1000:2147483648", "may be root"),
        ({}, "1000:", "may be root"),
        ({}, "1000\n", "may be root"),
        ({}, "-1", "may be root"),
        ({}, ["1000"], "is no text"),
        ({"PortBindings": {"80/tcp": [{"HostPort": ""}]}}, "1000", "has whichever port"),
        ({"PortBindings": {"80/tcp": [{"HostPort": "80"}]}}, "1000", "has 80 of the host"),
        ({"PublishAllPorts": True}, "1000", "has whichever port"),
    ],
)
def test_restricted_demands(host, user, words):
    safe = {"CapDrop": ["ALL"], "SecurityOpt": ["no-new-privileges"]}
    body = _create(dict(safe, **host), User=user)
    if words is None:
        core.examine(_NAMED["restricted"], "create", body)
    else:
        _refuses(_NAMED["restricted"], "create", body, words)


@pytest.mark.parametrize("body", [{}, {"Image": "nginx"}, {"User": "1000"}, {"User": "1000", "HostConfig": None}])
def test_restricted_refuses_a_create_without_a_host_config(body):
    _refuses(_NAMED["restricted"], "create", body)


@pytest.mark.parametrize(
    "options, good, bad",
    [
        (
            {"binds": ["/srv/web"]},
            [{"Binds": ["/srv/web:/a"]}, {"Binds": ["/srv/web/:/a"]}, {"Binds": ["/srv/web:/a:ro"]}],
            [{"Binds": ["/srv:/a"]}, {"Binds": ["/srv/web/b:/a"]}, {"Binds": ["/srv/webs:/a"]}],
        ),
        (
            {"binds": ["/srv/web:ro"]},
            [{"Binds": ["/srv/web:/a:ro"]}],
            [{"Binds": ["/srv/web:/a"]}, {"Binds": ["/srv/web:/a:rw"]}, {"Binds": ["/srv/web:/ro"]}],
        ),
        (
            {"binds": ["/srv/web:ro"]},
            [{"Mounts": [{"Type": "bind", "Source": "/srv/web", "Target": "/a", "ReadOnly": True}]}],
            [
                {"Mounts": [{"Type": "bind", "Source": "/srv/web", "Target": "/a"}]},
                {"Mounts": [{"Type": "bind", "Source": "/srv/web", "Target": "/a", "ReadOnly": False}]},
                {"Mounts": [{"Type": "bind", "Source": "/srv/web/../..", "Target": "/a", "ReadOnly": True}]},
            ],
        ),
        (
            {"binds": ["/"]},
            [{"Binds": ["/:/a"]}],
            [
                {"Binds": ["/etc:/a"]},
                {"Binds": ["/:/a:rshared"]},
                {
                    "Mounts": [
                        {"Type": "bind", "Source": "/", "Target": "/a", "BindOptions": {"Propagation": "rshared"}}
                    ]
                },
            ],
        ),
        ({"capabilities": ["SYS_PTRACE"]}, [{"CapAdd": ["cap_sys_ptrace"]}], [{"CapAdd": ["CHOWN"]}]),
        ({"capabilities": ["ALL"]}, [{"CapAdd": ["ALL"]}, {"CapAdd": ["SYS_ADMIN"]}], [{"Privileged": True}]),
        (
            {"capabilities_dropped": ["NET_RAW", "MKNOD"]},
            [{"CapDrop": ["ALL"]}, {"CapDrop": ["cap_net_raw", "MKNOD"]}],
            [{}, {"CapDrop": ["NET_RAW"]}],
        ),
        (
            {"devices": ["/dev/fuse"]},
            [{"Devices": [{"PathOnHost": "/dev/fuse", "PathInContainer": "/dev/fuse", "CgroupPermissions": "rwm"}]}],
            [
                {"Devices": [{"PathOnHost": "/dev/sda"}]},
                {"Devices": [{"PathOnHost": "/dev/fuse", "pathonhost": "/dev/sda"}]},
                {"Devices": [{"PathOnHost": ["/dev/fuse"]}]},
                {"DeviceCgroupRules": ["a *:* rwm"]},
                {"DeviceRequests": [{"Count": -1}]},
            ],
        ),
        (
            {"devices": ["*"]},
            [
                {"Devices": [{"PathOnHost": "/dev/sda"}]},
                {"DeviceCgroupRules": ["a *:* rwm"]},
                {"DeviceRequests": [{"Count": -1}]},
            ],
            [{"Privileged": True}],
        ),
        (
            {"join": True},
            [
                {"NetworkMode": "container:a"},
                {"IpcMode": "container:a"},
                {"PidMode": "container:a"},
                {"VolumesFrom": ["a"]},
            ],
            [{"NetworkMode": "host"}, {"UTSMode": "container:a"}, {"Cgroup": "container:a"}],
        ),
        (
            {"log_drivers": ["syslog"]},
            [{"LogConfig": {"Type": "syslog", "Config": {"tag": "a"}}}],
            [{"LogConfig": {"Type": "gelf"}}],
        ),
        ({"namespaces": ["network"]}, [{"NetworkMode": "host"}], [{"PidMode": "host"}, {"NetworkMode": "container:a"}]),
        ({"namespaces": ["pid", "ipc"]}, [{"PidMode": "host", "IpcMode": "host"}], [{"NetworkMode": "host"}]),
        ({"namespaces": ["uts"]}, [{"UTSMode": "host"}], [{"UsernsMode": "host"}]),
        ({"namespaces": ["userns"]}, [{"UsernsMode": "host"}], [{"UTSMode": "host"}]),
        ({"namespaces": ["cgroup"]}, [{"CgroupnsMode": "host"}], [{"IpcMode": "host"}]),
        ({"no_new_privileges": True}, [{"SecurityOpt": ["no-new-privileges"]}], [{}]),
        (
            {"ports": ["80", "8000-8100"]},
            [{"PortBindings": {"1/tcp": [{"HostPort": one}]}} for one in ("80", "8000-8100", "8050", "080")],
            [
                {"PortBindings": {"1/tcp": [{"HostPort": one}]}}
                for one in ("81", "22", "7999-8001", "8100-8000", "80-8000", "x")
            ],
        ),
        ({"runtimes": ["kata"]}, [{"Runtime": "kata"}, {"Runtime": ""}], [{"Runtime": "runc"}]),
        (
            {"seccomp": ["unconfined"]},
            [{"SecurityOpt": ["seccomp=unconfined"]}],
            [{"SecurityOpt": ["seccomp=builtin"]}, {"SecurityOpt": ["seccomp=" + _PROFILE]}],
        ),
        (
            {"seccomp": [_authz_rules.digest_of(_PROFILE)]},
            [{"SecurityOpt": ["seccomp=" + one]} for one in (_PROFILE, _PROFILE.replace(" ", ""))],
            [
                {"SecurityOpt": ["seccomp=" + _PROFILE.replace("ALLOW", "LOG")]},
                {"SecurityOpt": ["seccomp=" + _PROFILE.replace("default", "Default")]},
                {"SecurityOpt": ["seccomp=" + _authz_rules.digest_of(_PROFILE)]},
            ],
        ),
        (
            {"selinux": ["disable"]},
            [{"SecurityOpt": ["label=disable"]}, {"SecurityOpt": ["label:disable"]}],
            [{"SecurityOpt": ["label=type:a"]}],
        ),
        ({"selinux": ["type:a_t"]}, [{"SecurityOpt": ["label=type:a_t"]}], [{"SecurityOpt": ["label=type:b_t"]}]),
        ({"apparmor": ["mine"]}, [{"SecurityOpt": ["apparmor=mine"]}], [{"SecurityOpt": ["apparmor=docker-default"]}]),
        (
            {"sysctls": ["net.core.somaxconn"]},
            [{"Sysctls": {"net.core.somaxconn": "1"}}],
            [{"Sysctls": {"net.ipv4.tcp_syncookies": "1"}}],
        ),
        (
            {"volume_drivers": ["nfs"]},
            [
                {"VolumeDriver": "nfs"},
                {
                    "Mounts": [
                        {"Type": "volume", "VolumeOptions": {"DriverConfig": {"Name": "nfs", "Options": {"a": "b"}}}}
                    ]
                },
            ],
            [
                {"VolumeDriver": "smb"},
                {"Mounts": [{"Type": "volume", "VolumeOptions": {"DriverConfig": {"Options": {"a": "b"}}}}]},
            ],
        ),
    ],
)
def test_options_of_an_envelope_of_ones_own(options, good, bad):
    envelope = _custom(**options)
    for host in good:
        core.examine(envelope, "create", _create(host))
    for host in bad:
        _refuses(envelope, "create", _create(host))


def test_images_by_digest():
    envelope = _custom(digest=True)
    for name in ("nginx@sha256:" + "a" * 64, "sha256:" + "b" * 64, "c" * 64, "nginx:1@sha256:" + "a" * 64):
        core.examine(envelope, "create", _create(Image=name))
    for name in ("nginx", "nginx:1", "", "sha256:abc", "nginx@sha256:abc"):
        _refuses(envelope, "create", _create(Image=name))


# What engines keep of `docker run nginx` (hostconfig.json of 20.10 and 28.5).
_KEPT = dict(
    _HOST,
    IpcMode="private",
    Runtime="runc",
    CgroupnsMode="host",
    MaskedPaths=_MASKED,
    NetworkMode="bridge",
    ReadonlyPaths=_READ_ONLY,
    ShmSize=67108864,
    LogConfig={"Type": "fluentd", "Config": {"a": "b"}},
    OomKillDisable=None,
    MemorySwappiness=None,
    PidsLimit=None,
    Ulimits=None,
    BlkioDeviceReadBps=None,
)
_CONFIG = {
    **{key: value for key, value in _CREATE.items() if key not in ("HostConfig", "NetworkingConfig")},
    "Hostname": "0123456789ab",
    "Env": ["PATH=/bin"],
    "Cmd": ["nginx"],
    "Entrypoint": ["/entry.sh"],
    "ExposedPorts": {"80/tcp": {}},
    "StopSignal": "SIGQUIT",
    "Volumes": None,
    "Labels": {"maintainer": "a"},
}
_CHANGES = [
    ("inside", {}),
    ("exec", {"Cmd": ["sh"]}),
    ("update", {"Memory": 1}),
    ("commit", {}),
]


def _container(host=None, **config):
    return _authz_names.Container("a" * 64, "web", {}, "alice", dict(_CONFIG, **config), dict(_KEPT, **(host or {})))


@pytest.mark.parametrize("kind, value", _CHANGES)
@pytest.mark.parametrize(
    "host",
    [
        {},
        {"CgroupnsMode": "private", "Runtime": "io.containerd.runc.v2"},
        {"MaskedPaths": _MASKED + ["/proc/interrupts", "/sys/devices/virtual/powercap"]},
        {
            "IpcMode": "shareable",
            "Binds": ["data:/data:rw"],
            "PortBindings": {"80/tcp": [{"HostIp": "", "HostPort": "80"}]},
        },
        {"CapAdd": ["CAP_CHOWN"], "CapDrop": ["CAP_KILL"], "SecurityOpt": ["no-new-privileges"]},
        {"LogConfig": {"Type": "json-file", "Config": {}}, "Links": ["/db:/web/db"], "OomKillDisable": False},
    ],
)
def test_work_in_a_container_that_is_there(kind, value, host):
    core.examine(_NAMED["unprivileged"], kind, value, _container(host))


@pytest.mark.parametrize("kind, value", _CHANGES)
@pytest.mark.parametrize(
    "host",
    [
        {"Privileged": True},
        {"Binds": ["/:/host"]},
        {"PidMode": "host"},
        {"IpcMode": "host"},
        {"NetworkMode": "host"},
        {"UsernsMode": "host"},
        {"CapAdd": ["CAP_SYS_ADMIN"]},
        {"SecurityOpt": ["label=disable"]},
        {"MaskedPaths": None, "Devices": [{"PathOnHost": "/dev/sda"}]},
        {"MaskedPaths": []},
        {"VolumesFrom": ["a"]},
        {"New": 1},
    ],
)
def test_no_work_in_a_container_of_another_envelope(kind, value, host):
    _refuses(_NAMED["unprivileged"], kind, value, "is not one of envelope unprivileged", _container(host))
    core.examine(_NAMED["privileged"], kind, value, _container(host))


def test_no_work_in_what_is_no_container_as_engines_keep_it():
    for container in (_container()._replace(config=None), _container()._replace(host_config=None)):
        _refuses(_NAMED["unprivileged"], "inside", {}, "container web", container)


def test_restricted_looks_at_containers_that_are_there():
    safe = {"CapDrop": ["ALL"], "SecurityOpt": ["no-new-privileges"]}
    core.examine(_NAMED["restricted"], "inside", {}, _container(safe, User="1000"))
    _refuses(_NAMED["restricted"], "inside", {}, "may be root", _container(safe))
    _refuses(_NAMED["restricted"], "inside", {}, "no-new-privileges", _container({"CapDrop": ["ALL"]}, User="1000"))
    _refuses(_NAMED["restricted"], "inside", {}, "may be root", _container(safe, User="9" * 20))


@pytest.mark.parametrize(
    "value, good",
    [
        ({"Cmd": ["sh"]}, True),
        (
            {
                "User": "",
                "Privileged": False,
                "Tty": True,
                "ConsoleSize": [24, 80],
                "AttachStdin": True,
                "AttachStderr": True,
                "AttachStdout": True,
                "Detach": False,
                "DetachKeys": "",
                "Env": None,
                "WorkingDir": "",
                "Cmd": ["sh"],
            },
            True,
        ),
        ({"User": "root", "Cmd": ["sh"]}, True),
        ({"Privileged": True, "Cmd": ["sh"]}, False),
        ({"privileged": True, "Cmd": ["sh"]}, False),
        ({"Privileged": 1}, False),
        ({"Container": "a"}, True),
        ({"Container": ["a"]}, False),
        ({"User": 0}, False),
        ({"Cmd": [1]}, False),
        ({"New": 1}, False),
    ],
)
def test_processes(value, good):
    if good:
        core.examine(_NAMED["unprivileged"], "exec", value, _container())
    else:
        _refuses(_NAMED["unprivileged"], "exec", value, "", _container())
        core.examine(_NAMED["privileged"], "exec", value, _container())


@pytest.mark.parametrize(
    "user, good", [("", True), (None, True), ("1", True), ("0", False), ("root", False), ("9" * 20, False)]
)
def test_users_of_processes_under_restricted(user, good):
    container = _container({"CapDrop": ["ALL"], "SecurityOpt": ["no-new-privileges"]}, User="1000")
    if good:
        core.examine(_NAMED["restricted"], "exec", {"User": user}, container)
    else:
        _refuses(_NAMED["restricted"], "exec", {"User": user}, "may be root", container)


@pytest.mark.parametrize(
    "kind, value, good",
    [
        ("update", dict(_RESOURCES, Memory=1, RestartPolicy={"Name": "", "MaximumRetryCount": 0}), True),
        ("update", {"Devices": [{"PathOnHost": "/dev/sda"}]}, False),
        ("update", {"DeviceCgroupRules": ["a *:* rwm"]}, False),
        ("update", {"CgroupParent": "/"}, False),
        ("update", {"Privileged": True}, False),
        ("update", {"memory": 1}, False),
        ("commit", {}, True),
        ("commit", {"User": "root", "Cmd": ["a"]}, True),
        ("commit", {"HostConfig": {}}, False),
        ("volume", {"Name": "a", "Driver": "local", "DriverOpts": {}, "Labels": {}}, True),
        ("volume", {"Name": "a", "Driver": "", "DriverOpts": None, "Labels": None}, True),
        ("volume", {"DriverOpts": {"type": "none", "o": "bind", "device": "/"}}, False),
        ("volume", {"Driver": "nfs"}, False),
        ("volume", {"Driver": ["local"]}, False),
        ("volume", {"DriverOpts": ["a"]}, False),
        ("volume", {"driveropts": {"device": "/"}}, False),
        ("volume", {"ClusterVolumeSpec": {"a": 1}}, False),
        # An object that is there and empty is one to an engine, which makes a cluster's volume of it, and of a network
        # one without the defaults that its daemon.json has.
        ("volume", {"ClusterVolumeSpec": {}}, False),
        ("volume", {"Name": "a", "ClusterVolumeSpec": None}, True),
        ("network", {"Name": "a", "ConfigFrom": {}}, False),
        (
            "network",
            {
                "CheckDuplicate": True,
                "Driver": "bridge",
                "Scope": "",
                "EnableIPv6": False,
                "Internal": False,
                "IPAM": {"Driver": "default", "Options": {}, "Config": []},
                "Attachable": False,
                "Ingress": False,
                "ConfigOnly": False,
                "ConfigFrom": None,
                "Options": {},
                "Labels": {},
                "Name": "web",
            },
            True,
        ),
        ("network", {"Name": "a", "Options": {"com.docker.network.driver.mtu": "1400"}}, True),
        ("network", {"Name": "a", "IPAM": {"Config": [{"Subnet": "10.9.0.0/24"}]}}, False),
        ("network", {"Name": "a", "IPAM": {"Driver": "default", "Options": {}, "Config": []}}, True),
        ("network", {"Name": "a", "Options": {"com.docker.network.bridge.name": "docker0"}}, False),
        ("network", {"Name": "a", "Options": ["a"]}, False),
        *[
            ("network", {"Name": "a", "Driver": one}, False)
            for one in ("host", "macvlan", "overlay", "null", ["bridge"])
        ],
        ("network", {"Name": "a", "IPAM": {"Driver": "evil"}}, False),
        ("network", {"Name": "a", "IPAM": {"Driver": ["default"]}}, False),
        ("network", {"Name": "a", "Scope": "swarm"}, False),
        ("network", {"Name": "a", "ConfigFrom": {"Network": "b"}}, False),
        ("network", {"Name": "a", "Ingress": True}, False),
        ("connect", {"Container": "a", "EndpointConfig": None}, True),
        ("connect", {"Container": "a", "EndpointConfig": dict(_ENDPOINT, IPAMConfig={})}, True),
        ("connect", {"Container": "a", "EndpointConfig": {"DriverOpts": {"a": "b"}}}, False),
        ("connect", {"Container": "a", "New": 1}, False),
        ("build", {}, True),
        ("build", {"t": ["a"], "networkmode": "default", "remote": "", "version": "1"}, True),
        ("build", {"networkmode": "none"}, True),
        ("build", {"networkmode": "host"}, False),
        ("build", {"networkmode": "container:a"}, False),
        ("build", {"remote": "http://host/a.git"}, False),
        ("build", {"remote": "client-session"}, False),
        ("build", {"version": "1", "session": ""}, True),
        ("build", {"version": ""}, True),
        ("build", {"version": "2"}, False),
        ("build", {"version": "01"}, False),
        ("build", {"version": "1", "session": "x"}, False),
        ("build", {"session": "default"}, False),
        ("build", {"version": "2", "session": "x"}, False),
        ("build", {"securityopt": ["seccomp=unconfined"]}, False),
        ("build", {"version": "2"}, False),
        ("build", {"version": "1"}, True),
        ("build", {"session": "a"}, False),
        ("build", {"remote": "client-session"}, False),
        ("build", {"cgroupparent": "/"}, False),
        ("build", {"outputs": '[{"Type": "local"}]'}, False),
        ("build", {"isolation": "default"}, True),
        ("build", {"isolation": "hyperv"}, False),
        ("all", {}, False),
        ("inside", {}, True),
    ],
)
def test_other_requests(kind, value, good):
    core.examine(_NAMED["privileged"], kind, value)
    if good:
        core.examine(_NAMED["unprivileged"], kind, value)
    else:
        _refuses(_NAMED["unprivileged"], kind, value)


def test_network_drivers_of_an_envelope_of_ones_own():
    body = {"Name": "a", "Driver": "macvlan", "Options": {"parent": "eth0"}}
    core.examine(_custom(network_drivers=["macvlan"]), "network", body)
    _refuses(_custom(network_drivers=["ipvlan"]), "network", body)
    core.examine(_custom(network_drivers=["bridge"]), "network", {"Options": {"com.docker.network.bridge.name": "a"}})


def test_volume_drivers_of_an_envelope_of_ones_own():
    core.examine(_custom(volume_drivers=["local"]), "volume", {"Driver": "local", "DriverOpts": {"type": "nfs"}})
    core.examine(_custom(volume_drivers=["nfs"]), "volume", {"Driver": "nfs", "DriverOpts": {"a": "b"}})
    _refuses(_custom(volume_drivers=["nfs"]), "volume", {"Driver": "local", "DriverOpts": {"a": "b"}})


def test_digests_do_not_hang_on_spelling():
    spellings = ['{"a": 1, "b": [2]}', '{ "b":[2],\n"a":1 }', '{"\\u0061": 1, "b": [2]}']
    assert len({_authz_rules.digest_of(one) for one in spellings}) == 1
    assert _authz_rules.digest_of('{"a": 1, "b": [3]}') != _authz_rules.digest_of(spellings[0])
    for text in ('{"a": 1, "a": 2}', "[]", "x", "{}{}"):
        with pytest.raises(ContainmentError):
            _authz_rules.digest_of(text)


def test_the_options_are_those_that_are_described():
    for name in ("unprivileged", "restricted"):
        assert set(_NAMED[name].options) == set(core.OPTIONS)
        assert all(isinstance(_NAMED[name].options[one], kind) for one, kind in core.OPTIONS.items())


def test_what_has_to_be_dropped_cannot_be_added_again():
    envelope = _custom(capabilities_dropped=["NET_RAW"])
    core.examine(envelope, "create", _create({"CapDrop": ["NET_RAW"]}))
    _refuses(envelope, "create", _create({"CapDrop": ["NET_RAW"], "CapAdd": ["net_raw"]}))


@pytest.mark.parametrize(
    "host",
    [
        {"Binds": ["/srv/web:/x:ro,z"]},
        {
            "Mounts": [
                {
                    "Type": "bind",
                    "Source": "/srv/web",
                    "Target": "/x",
                    "ReadOnly": True,
                    "BindOptions": {"ReadOnlyNonRecursive": True},
                }
            ]
        },
    ],
)
def test_for_reading_alone_is_with_all_below_and_without_a_new_label(host):
    _refuses(_custom(binds=["/srv/web:ro"]), "create", _create(host))
    core.examine(_custom(binds=["/srv/web"]), "create", _create(host))


def test_labels_that_engines_note_themselves_are_no_reason():
    kept = {"PidMode": "host", "SecurityOpt": ["label=disable"]}
    container = _authz_names.Container("a" * 64, "a", {}, None, {"Image": "x"}, kept)
    core.examine(_custom(namespaces=["pid"]), "inside", {}, container)
    _refuses(_custom(namespaces=["pid"]), "create", _create(kept))


@pytest.mark.parametrize(
    "body, passes",
    [
        ({"NetworkingConfig": {"front": None}}, True),
        ({"Unknown": None}, True),
        ({"NetworkingConfig": {"front": {}}}, False),
        ({"hostconfig": None}, False),
        ({"NetworkingConfig": {"Endpoint\u017fConfig": None}}, False),
    ],
)
def test_null_for_what_engines_do_not_know(body, passes):
    if passes:
        core.examine(_NAMED["unprivileged"], "create", dict({"Image": "a"}, **body))
    else:
        _refuses(_NAMED["unprivileged"], "create", dict({"Image": "a"}, **body))


def test_plain_log_options_without_a_driver():
    for name, passes in (("max-size", True), ("tag", False), ("syslog-address", False)):
        body = _create({"LogConfig": {"Type": "", "Config": {name: "1m"}}})
        if passes:
            core.examine(_NAMED["unprivileged"], "create", body)
        else:
            _refuses(_NAMED["unprivileged"], "create", body, name)
