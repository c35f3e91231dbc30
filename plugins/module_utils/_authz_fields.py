# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fields of the bodies that requests to an engine have, API 1.24 to 1.56, and what may be in each. Data alone.

A field's kind is one of KINDS of _authz_values, a dict for an object with fields of its own, [dict] for a list of such,
{"*": dict} for objects by names that are not the API's, or "rule", where _authz_envelope has a function for it. What is
in no table is refused: a field that is new in an engine's version is no field that a policy allows.
Sources: moby 20.10, 26.1, 28.5 and of August 2026, api/types and runconfig; docker-py 7.1.
"""

_DEVICE_RATE = [{"Path": "text", "Rate": "number"}]
_HEALTH = {
    "Test": "words",
    "Interval": "number",
    "Timeout": "number",
    "StartPeriod": "number",
    "StartInterval": "number",
    "Retries": "number",
}
_IPAM_OF_ENDPOINT = {"IPv4Address": "text", "IPv6Address": "text", "LinkLocalIPs": "texts"}

RESTART = {"Name": "text", "MaximumRetryCount": "number"}

# What `docker update` may change, and create has within HostConfig.
RESOURCES = {
    "CpuShares": "number",
    "Memory": "number",
    "NanoCpus": "number",
    "CgroupParent": "absent",
    "BlkioWeight": "number",
    "BlkioWeightDevice": [{"Path": "text", "Weight": "number"}],
    "BlkioDeviceReadBps": _DEVICE_RATE,
    "BlkioDeviceWriteBps": _DEVICE_RATE,
    "BlkioDeviceReadIOps": _DEVICE_RATE,
    "BlkioDeviceWriteIOps": _DEVICE_RATE,
    "CpuPeriod": "number",
    "CpuQuota": "number",
    "CpuRealtimePeriod": "absent",
    "CpuRealtimeRuntime": "absent",
    "CpusetCpus": "text",
    "CpusetMems": "text",
    "Devices": "rule",
    "DeviceCgroupRules": "rule",
    "DeviceRequests": "rule",
    "DiskQuota": "number",
    "KernelMemory": "number",
    "KernelMemoryTCP": "number",
    "MemoryReservation": "number",
    "MemorySwap": "number",
    "MemorySwappiness": "number",
    "OomKillDisable": "absent",
    "PidsLimit": "number",
    "Ulimits": [{"Name": "text", "Hard": "number", "Soft": "number"}],
    "CpuCount": "number",
    "CpuPercent": "number",
    "IOMaximumIOps": "number",
    "IOMaximumBandwidth": "number",
}
UPDATE = dict(RESOURCES, RestartPolicy=RESTART)

CONFIG = {
    "Hostname": "text",
    "Domainname": "text",
    "User": "rule",
    "AttachStdin": "flag",
    "AttachStdout": "flag",
    "AttachStderr": "flag",
    "ExposedPorts": "set",
    "PublishService": "absent",
    "Tty": "flag",
    "OpenStdin": "flag",
    "StdinOnce": "flag",
    "Env": "texts",
    "Cmd": "words",
    "Healthcheck": _HEALTH,
    "ArgsEscaped": "flag",
    "Image": "rule",
    "Volumes": "set",
    "WorkingDir": "text",
    "Entrypoint": "words",
    "NetworkDisabled": "flag",
    "MacAddress": "text",
    "OnBuild": "texts",
    "Labels": "map",
    "StopSignal": "text",
    "StopTimeout": "number",
    "Shell": "words",
}

MOUNT = {
    "Type": "text",
    "Source": "text",
    "Target": "text",
    "ReadOnly": "flag",
    "Consistency": "text",
    "BindOptions": {
        "Propagation": "text",
        "NonRecursive": "flag",
        "CreateMountpoint": "flag",
        "ReadOnlyNonRecursive": "flag",
        "ReadOnlyForceRecursive": "flag",
    },
    "VolumeOptions": {
        "NoCopy": "flag",
        "Labels": "map",
        "Subpath": "text",
        "DriverConfig": {"Name": "text", "Options": "map"},
    },
    "ImageOptions": {"Subpath": "text"},
    "TmpfsOptions": {"SizeBytes": "number", "Mode": "number", "Options": "absent"},
}

HOST = dict(
    RESOURCES,
    Binds="rule",
    ContainerIDFile="text",
    LogConfig="rule",
    NetworkMode="rule",
    PortBindings="rule",
    RestartPolicy=RESTART,
    AutoRemove="flag",
    VolumeDriver="rule",
    VolumesFrom="rule",
    ConsoleSize="numbers",
    Annotations="absent",
    CapAdd="rule",
    CapDrop="rule",
    Capabilities="absent",
    CgroupnsMode="rule",
    Dns="texts",
    DnsOptions="texts",
    DnsSearch="texts",
    ExtraHosts="texts",
    GroupAdd="texts",
    IpcMode="rule",
    Cgroup="absent",
    Links="texts",
    OomScoreAdj="rule",
    PidMode="rule",
    Privileged="absent",
    PublishAllPorts="rule",
    ReadonlyRootfs="flag",
    SecurityOpt="rule",
    StorageOpt="rule",
    Tmpfs="rule",
    UTSMode="rule",
    UsernsMode="rule",
    ShmSize="number",
    Sysctls="rule",
    Runtime="rule",
    Isolation="rule",
    Mounts="rule",
    MaskedPaths="rule",
    ReadonlyPaths="rule",
    Init="flag",
)

ENDPOINT = {
    "IPAMConfig": _IPAM_OF_ENDPOINT,
    "Links": "texts",
    "Aliases": "texts",
    "MacAddress": "text",
    "DriverOpts": "absent",
    "GwPriority": "number",
    "NetworkID": "absent",  # It would count, and not the name.
    "EndpointID": "text",
    "Gateway": "text",
    "IPAddress": "text",
    "IPPrefixLen": "number",
    "IPv6Gateway": "text",
    "GlobalIPv6Address": "text",
    "GlobalIPv6PrefixLen": "number",
    "DNSNames": "texts",
}
NETWORKING = {"EndpointsConfig": {"*": ENDPOINT}}

CREATE = dict(CONFIG, HostConfig=HOST, NetworkingConfig=NETWORKING, Runtime="absent")
COMMIT = CONFIG

EXEC = {
    "User": "rule",
    "Privileged": "absent",
    "Tty": "flag",
    "ConsoleSize": "numbers",
    "AttachStdin": "flag",
    "AttachStderr": "flag",
    "AttachStdout": "flag",
    "DetachKeys": "text",
    "Env": "texts",
    "WorkingDir": "text",
    "Cmd": "words",
    "Detach": "flag",
    "Container": "text",  # The Python SDK sends it; engines take the one of the path.
}

VOLUME = {"Name": "text", "Driver": "rule", "DriverOpts": "rule", "Labels": "map"}

NETWORK = {
    "Name": "text",
    "CheckDuplicate": "flag",
    "Driver": "rule",
    "Scope": "rule",
    "EnableIPv4": "flag",
    "EnableIPv6": "flag",
    "IPAM": {
        "Driver": "rule",
        "Options": "absent",
        "Config": "rule",
    },
    "Internal": "flag",
    "Attachable": "flag",
    "Ingress": "absent",
    "ConfigOnly": "absent",
    "Options": "rule",
    "Labels": "map",
}
CONNECT = {"Container": "text", "EndpointConfig": ENDPOINT}
