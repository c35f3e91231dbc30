# SPDX-License-Identifier: GPL-3.0-or-later
"""How a second engine is configured and called; it runs in tests/integration."""

import pytest

from ansible_collections.containment.docker.plugins.module_utils import _daemon_keys
from ansible_collections.containment.docker.plugins.module_utils import _migration_side as side

OFF = dict.fromkeys(("iptables", "ip6tables", "ip-forward", "ip-masq", "userland-proxy", "live-restore"), False)
VERSIONS = [(20, 10, 3), (23, 0, 0), (26, 1, 5), (28, 5, 2), (29, 0, 0)]


def configuration(version=(28, 5, 2), **values):
    return side.configuration({key.replace("_", "-"): value for key, value in values.items()}, "/g", "me:us", version)


@pytest.mark.parametrize("version", VERSIONS)
def test_it_leaves_packet_filter_and_forwarding_alone_and_is_the_remapped_one(version):
    assert configuration(version) == dict(OFF, **{"data-root": "/g", "userns-remap": "me:us"})


@pytest.mark.parametrize("version", VERSIONS)
def test_it_is_given_no_key_that_its_version_does_not_know(version):
    taken = {"bip": "10.0.0.1/24", "features": {"x": True}, "storage-driver": "overlay2", "log-opts": {"tag": "x"}}
    found = side.configuration(taken, "/g", "me", version)
    assert set(found) <= set(_daemon_keys.known(version)) and set(taken) < set(found)


def test_it_keeps_what_decides_about_images_networks_and_containers():
    kept = {
        "default-address-pools": [{"base": "10.0.0.0/8", "size": 24}],
        "default-ulimits": {"nofile": {"Name": "nofile", "Hard": 5, "Soft": 5}},
        "experimental": False,
        "exec-opts": [],
        "log-driver": "local",
        "mtu": 1400,
        "runtimes": {"x": {"path": "/x"}},
        "selinux-enabled": True,
        "storage-driver": "overlay2",
        "storage-opts": ["overlay2.size=1G"],
    }
    given = dict(kept, **{"data-root": "/else", "userns-remap": "old", "init-path": None})
    own = {"data-root": "/g", "userns-remap": "me:us"}
    assert side.configuration(given, "/g", "me:us", (28, 5, 2)) == dict(OFF, **kept, **own)


def test_it_does_not_take_over_what_would_meet_the_other_engine():
    there = {
        "containerd": "/run/c.sock",
        "hosts": ["fd://"],
        "pidfile": "/run/docker.pid",
        "exec_root": "/run/docker",
        "iptables": True,
        "ip6tables": True,
        "ip_forward": True,
        "ip_masq": True,
        "userland_proxy": True,
        "live_restore": True,
        "authorization_plugins": ["x"],
        "metrics_addr": "0.0.0.0:9323",
        "tlsverify": True,
        "labels": ["a=b"],
        "registry_mirrors": ["https://m"],
        "userns_remap": "other",
    }
    assert configuration(**there) == configuration()


@pytest.mark.parametrize("bridge", ["br0", "none"])
def test_a_bridge_of_the_hosts_is_none_and_has_no_addresses(bridge):
    addresses = {"bip": "10.0.0.1/24", "fixed_cidr": "10.0.0.0/25", "fixed_cidr_v6": "fd00::/64"}
    assert configuration(bridge=bridge, mtu=1400, **addresses) == dict(configuration(mtu=1400), bridge="none")
    assert configuration(bridge=bridge) == dict(configuration(), bridge="none")
    for none in ({}, {"bridge": ""}, {"bridge": None}):
        found = configuration(**dict(none, **addresses))
        assert "bridge" not in found and found["fixed-cidr"] == "10.0.0.0/25" and found["bip"] == "10.0.0.1/24"


PLAIN = [
    *("unshare", "--net", "--mount", "--propagation", "private", "--", "/usr/bin/dockerd"),
    *("--config-file", "/run/containment/engine/daemon.json"),
    *("--host", "unix:///run/containment/engine/docker.sock"),
    *("--pidfile", "/run/containment/engine/docker.pid", "--exec-root", "/run/containment/engine/exec"),
]
SPACES = ["--containerd-namespace", "containment", "--containerd-plugins-namespace", "containment-plugins"]


@pytest.mark.parametrize(
    "version, containerd, more",
    [
        ((20, 10, 3), None, SPACES),
        ((25, 0, 9), "/run/c.sock", ["--containerd", "/run/c.sock", *SPACES]),
        ((26, 0, 0), "/run/c.sock", ["--containerd", "/run/c.sock"]),
        ((26, 0, 0), None, []),
        ((29, 1, 0), None, []),
    ],
)
def test_it_is_called_with_places_of_its_own(version, containerd, more):
    assert side._argv("/usr/bin/dockerd", version, containerd) == PLAIN + more
