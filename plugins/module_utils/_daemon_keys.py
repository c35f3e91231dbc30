# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The keys of daemon.json that engines 20.10 to 29 take.

Sources, read at every release tag of github.com/moby/moby from v20.10.0 to docker-v29.7.2:
names and types from the `json:` tags of daemon/config and registry/config, flags from cmd/dockerd (daemon/command since
29), keys taken without a flag from `skipValidateOptions`, what a reload does from daemon/reload*.go and `reloadConfig`
of the command. A name the engine only takes because a flag is called so, and then never reads ("log-opt", "http-proxy"
outside "proxies"), is none.
"""

import collections
import re

from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

OLDEST = (20, 10, 0)
NEWEST = (29, 7, 2)  # newest engine the table was read from

# What a running engine does with a change of the key when it gets SIGHUP.
RESTART = "restart"  # nothing: it has to be restarted
SET = "set"  # takes a new value; a key that was taken out keeps its old value until a restart
RELOAD = "reload"  # takes a new value, and the default where the key was taken out

# kind: see `_daemon_values`. since, removed: first version that knows the key, first that dies of it, None where that
# is outside the table.
# ignored: first version that takes the key and does nothing with it. flags: long names of the flags that set it.
# both: the key may stand in the file while the flag is given. choices: the only values, () where any.
Key = collections.namedtuple("Key", "name kind since removed ignored reload flags both choices")


def _key(name, kind, flag=None, since=None, removed=None, ignored=None, reload=RESTART, both=False, choices=()):
    flags = () if flag == "" else (flag or name,) if not isinstance(flag, tuple) else flag
    return Key(name, kind, since, removed, ignored, reload, flags, both, choices)


KEYS = {
    key.name: key
    for key in (
        _key("allow-direct-routing", "bool", since=(28, 2, 0)),
        _key("allow-nondistributable-artifacts", "strings", ignored=(28, 1, 0), reload=SET),
        # A value that is not empty ends engines >= 28.0; the name alone is unknown to 29.
        _key("api-cors-header", "string", removed=(28, 0, 0)),
        _key("authorization-plugins", "strings", "authorization-plugin", reload=RELOAD),
        _key("bip", "cidr"),
        _key("bip6", "cidr", since=(28, 0, 0)),
        _key("bridge", "string"),
        _key("bridge-accept-fwmark", "string", since=(29, 0, 0)),
        _key("builder", "builder", ""),
        _key("cdi-spec-dirs", "strings", "cdi-spec-dir", since=(25, 0, 0)),
        _key("cgroup-parent", "string"),
        _key("cluster-advertise", "string", removed=(24, 0, 0)),
        _key("cluster-store", "string", removed=(24, 0, 0)),
        _key("cluster-store-opts", "map", "cluster-store-opt", removed=(24, 0, 0)),
        _key("containerd", "string"),
        _key("containerd-namespace", "string"),
        _key("cpu-rt-period", "int"),
        _key("cpu-rt-runtime", "int"),
        _key("cri-containerd", "bool"),
        _key("data-root", "string", ("data-root", "graph")),
        _key("debug", "bool", reload=SET),
        _key("default-address-pools", "pools", "default-address-pool"),
        _key("default-cgroupns-mode", "string", reload=SET, choices=("host", "private")),
        _key("default-gateway", "ip"),
        _key("default-gateway-v6", "ip"),
        _key("default-ipc-mode", "string", reload=SET, choices=("private", "shareable")),
        _key("default-network-opts", "maps", "default-network-opt", since=(24, 0, 0)),
        _key("default-runtime", "string", reload=SET),
        _key("default-shm-size", "size", reload=SET),
        _key("default-stop-timeout", "int", since=(29, 7, 0), reload=SET),
        _key("default-ulimits", "ulimits", "default-ulimit"),
        _key("deprecated-key-path", "string", "", ignored=(24, 0, 0)),
        _key("dns", "ips"),
        _key("dns-opts", "strings", "dns-opt"),
        _key("dns-search", "strings"),
        _key("exec-opts", "strings", "exec-opt"),
        _key("exec-root", "string"),
        _key("experimental", "bool"),
        _key("features", "bools", "feature", reload=RELOAD),
        _key("firewall-backend", "string", since=(29, 0, 0), choices=("iptables", "nftables")),
        _key("fixed-cidr", "cidr"),
        _key("fixed-cidr-v6", "cidr"),
        _key("graph", "string", ("graph", "data-root"), removed=(24, 0, 0)),
        _key("group", "string"),
        _key("host-gateway-ip", "ip"),
        _key("host-gateway-ips", "ips", "host-gateway-ip", since=(28, 0, 0)),
        _key("hosts", "strings", "host"),
        _key("icc", "bool"),
        _key("init", "bool"),
        _key("init-path", "string"),
        _key("insecure-registries", "strings", "insecure-registry", reload=SET),
        _key("ip", "ip"),
        _key("ip-forward", "bool"),
        _key("ip-forward-no-drop", "bool", since=(28, 0, 0)),
        _key("ip-masq", "bool"),
        _key("ip6tables", "bool"),
        _key("iptables", "bool"),
        _key("ipv6", "bool"),
        _key("labels", "strings", "label", reload=SET),
        _key("live-restore", "bool", reload=SET),
        _key("log-driver", "string"),
        _key("log-format", "string", since=(25, 0, 0), choices=("json", "text")),
        _key("log-level", "string", choices=("debug", "info", "warn", "error", "fatal", "panic", "trace")),
        _key("log-opts", "map", "log-opt"),
        _key("max-concurrent-downloads", "int", reload=RELOAD),
        _key("max-concurrent-uploads", "int", reload=RELOAD),
        _key("max-download-attempts", "int", reload=RELOAD),
        _key("metrics-addr", "string"),
        _key("min-api-version", "string", "", since=(29, 0, 0)),
        _key("mtu", "int"),
        _key("network-control-plane-mtu", "int"),
        _key("network-diagnostic-port", "int", reload=RELOAD),
        _key("no-new-privileges", "bool"),
        _key("node-generic-resources", "strings", "node-generic-resource"),
        _key("nri-opts", "nri", since=(29, 2, 0), reload=RELOAD),
        _key("oom-score-adjust", "int", removed=(26, 0, 0)),
        _key("pidfile", "string"),
        _key("proxies", "proxies", ("http-proxy", "https-proxy", "no-proxy"), since=(23, 0, 0)),
        _key("raw-logs", "bool"),
        _key("registry-mirrors", "strings", "registry-mirror", reload=SET),
        _key("rootless", "bool"),
        _key("runtimes", "runtimes", "add-runtime", reload=SET, both=True),
        _key("seccomp-profile", "string"),
        _key("selinux-enabled", "bool"),
        _key("shutdown-timeout", "int", reload=SET),
        _key("storage-driver", "string"),
        _key("storage-opts", "strings", "storage-opt"),
        _key("swarm-default-advertise-addr", "string"),
        _key("tls", "bool"),
        _key("tlscacert", "string"),
        _key("tlscert", "string"),
        _key("tlskey", "string"),
        _key("tlsverify", "bool"),
        _key("userland-proxy", "bool"),
        _key("userland-proxy-path", "string"),
        _key("userns-remap", "string"),
    )
}

# Members of `features` that are asked for again each time; all others are read once, at the start.
RELOADED_FEATURES = frozenset(["buildkit"])

# Objects whose members the engine does not compare with its flags one by one (`flatOptions`).
FLAT = frozenset(
    [
        "builder",
        "cluster-store-opts",
        "default-network-opts",
        "default-ulimits",
        "features",
        "log-opts",
        "nri-opts",
        "runtimes",
    ]
)

# Long flag name -> key; members of `proxies` stand for themselves, as in the engine's own comparison.
FLAG_KEYS = {
    flag: key.name
    for key in KEYS.values()
    for flag in key.flags
    if key.name not in ("proxies", "graph", "host-gateway-ip")
}
FLAG_KEYS.update({"host-gateway-ip": "host-gateway-ip"})
SHORT_FLAGS = {
    "D": "debug",
    "l": "log-level",
    "H": "host",
    "G": "group",
    "b": "bridge",
    "s": "storage-driver",
    "p": "pidfile",
    "g": "graph",
    "r": "restart",
    "v": "version",
    "h": "help",
}
BOOLEAN_FLAGS = frozenset(flag for key in KEYS.values() if key.kind == "bool" for flag in key.flags) | {
    "restart",
    "version",
    "validate",
    "help",
}


def parse_version(text):
    """Return (major, minor, patch) of an engine's version: "26.1.5+dfsg1", "20.10.24", "v29.0.0-rc.1", "24.0".

    Raises ContainmentError for anything else.
    """
    match = re.match(r"v?(\d+)\.(\d+)(?:\.(\d+))?(?:[-+~].*)?$", text.strip())
    if not match:
        raise ContainmentError(
            "engine_version", f"{text!r} is not a version", "give it as the engine prints it, for example 26.1.5"
        )
    return tuple(int(part or 0) for part in match.groups())


def known(version=None):
    """Return {name: Key} of the keys that an engine of `version` (a tuple, None for any supported one) takes, ignored
    ones included."""
    if version is None:
        return dict(KEYS)
    return {
        key.name: key
        for key in KEYS.values()
        if (key.since is None or version >= key.since) and (key.removed is None or version < key.removed)
    }


def text(version):
    """Return a version tuple as the engine writes it, without a last part of zero: (28, 2, 0) -> "28.2"."""
    parts = version[:-1] if version[-1] == 0 else version
    return ".".join(str(part) for part in parts)
