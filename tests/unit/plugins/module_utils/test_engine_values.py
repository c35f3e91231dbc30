# SPDX-License-Identifier: GPL-3.0-or-later
"""Configured against effective values. The answers are cut from those of engines 20.10.24 and 28.5.2."""

import pytest

from ansible_collections.containment.docker.plugins.module_utils._engine_flags import Flag
from ansible_collections.containment.docker.plugins.module_utils._engine_values import (
    differences,
    effective_values,
    image_store,
    redact,
    security_options,
    split_root,
    wanted_values,
)

INFO = {
    "DockerRootDir": "/var/lib/docker",
    "SecurityOptions": ["name=seccomp,profile=builtin", "name=cgroupns"],
    "Driver": "overlay2",
    "DriverStatus": [["Backing Filesystem", "extfs"]],
    "LoggingDriver": "json-file",
    "DefaultRuntime": "runc",
    "LiveRestoreEnabled": False,
    "Debug": False,
    "Labels": [],
    "Plugins": {"Authorization": None},
    "RegistryConfig": {
        "Mirrors": None,
        "InsecureRegistryCIDRs": ["::1/128", "127.0.0.0/8"],
        "IndexConfigs": {"docker.io": {"Secure": True}},
    },
}
REMAPPED = dict(INFO, DockerRootDir="/var/lib/docker/100000.200000", SecurityOptions=["name=userns"])
NETWORKS = [{"Name": "bridge", "Options": {"com.docker.network.bridge.enable_icc": "true"}}]


def compare(config, info=None, expected=None, root="/var/lib/docker", networks=tuple(NETWORKS)):
    effective = effective_values(info or INFO, networks, "/var/lib/docker")
    found = differences({key: (value, "file") for key, value in config.items()}, effective, expected, root)
    return {one["key"]: (one["configured"], one["effective"]) for one in found}


def test_nothing_configured_and_nothing_special_in_force():
    assert compare({}) == {}


@pytest.mark.parametrize(
    "config",
    [
        {"userns-remap": ""},
        {"seccomp-profile": "builtin"},
        {"seccomp-profile": ""},
        {"insecure-registries": ["127.0.0.0/8"]},
        {"log-driver": "json-file", "default-runtime": "runc", "icc": True, "storage-driver": "overlay2"},
        {"hosts": ["unix://"], "default-ulimits": {}, "unknown": 1},
    ],
)
def test_what_is_configured_is_in_force(config):
    assert compare(config) == {}


@pytest.mark.parametrize(
    ("config", "difference"),
    [
        ({"userns-remap": "dockremap"}, ("dockremap", "")),
        ({"live-restore": True}, (True, False)),
        ({"debug": True}, (True, False)),
        ({"icc": False}, (False, True)),
        ({"seccomp-profile": "/etc/docker/s.json"}, ("/etc/docker/s.json", "builtin")),
        ({"seccomp-profile": "unconfined"}, ("unconfined", "builtin")),
        ({"storage-driver": "vfs"}, ("vfs", "overlay2")),
        ({"labels": ["a=b"]}, (["a=b"], [])),
        ({"insecure-registries": ["r.example:5000"]}, (["r.example:5000"], [])),
        ({"registry-mirrors": ["https://u:p@m.example/"]}, (["https://***@m.example/"], [])),
    ],
)
def test_what_is_configured_otherwise(config, difference):
    assert compare(config) == {next(iter(config)): difference}


@pytest.mark.parametrize(
    ("config", "expected", "difference"),
    [
        ({"userns-remap": "dockremap"}, "100000.200000", {}),
        ({"userns-remap": "dockremap"}, None, {}),
        ({"userns-remap": "dockremap"}, "300000.300000", {"userns-remap": ("dockremap", "100000.200000")}),
        ({}, None, {"userns-remap": ("", "100000.200000")}),
    ],
)
def test_remapping(config, expected, difference):
    assert (
        compare(config, dict(REMAPPED, SecurityOptions=["name=userns", *INFO["SecurityOptions"]]), expected)
        == difference
    )


def test_in_force_and_not_configured():
    info = dict(INFO, LiveRestoreEnabled=True, Plugins={"Authorization": ["opa"]}, Labels=["a=b"])
    assert set(compare({}, info)) == {"live-restore", "labels"}


def test_data_root():
    assert compare({"data-root": "/srv/docker"}, root="/srv/docker") == {
        "data-root": ("/srv/docker", "/var/lib/docker")
    }
    assert compare({"data-root": "/link"}, root="/var/lib/docker") == {}


def test_the_containerd_store_tells_no_storage_driver():
    info = dict(INFO, Driver="overlayfs", DriverStatus=[["driver-type", "io.containerd.snapshotter.v1"]])
    assert (
        image_store(info) == "containerd"
        and image_store(INFO) == "graphdriver"
        and image_store({"DriverStatus": None}) == "graphdriver"
    )
    assert compare({"storage-driver": "overlay2"}, info) == {}


def test_without_a_bridge_nothing_is_said_of_icc():
    assert compare({"icc": False}, networks=[]) == {} and compare({"icc": False}, networks=None) == {}


def test_flags_join_the_file():
    kinds = {"hosts": "strings", "icc": "bool", "log-opts": "map"}
    flags = [
        Flag("hosts", "fd://", "u:1"),
        Flag("hosts", "unix://", "u:2"),
        Flag("icc", "false", "u:3"),
        Flag("log-driver", "none", "u:4"),
    ]
    assert wanted_values({"icc": True, "debug": True}, flags, kinds, "file") == {
        "icc": (False, "u:3"),
        "debug": (True, "file"),
        "hosts": (["fd://", "unix://"], "u:2"),
        "log-driver": ("none", "u:4"),
    }
    assert wanted_values(None, [], kinds, "file") == {}


def test_security_options():
    assert security_options(INFO) == {"seccomp": {"profile": "builtin"}, "cgroupns": {}}
    assert security_options({"SecurityOptions": None}) == {}


@pytest.mark.parametrize(
    ("root", "remapped", "expected"),
    [
        ("/d/1.2", True, ("/d", 1, 2)),
        ("/d/1.2", False, ("/d/1.2", None, None)),
        ("/d", True, ("/d", None, None)),
        ("/d/1.2.3", True, ("/d/1.2.3", None, None)),
    ],
)
def test_split_root(root, remapped, expected):
    assert split_root(root, remapped) == expected


@pytest.mark.parametrize(
    ("value", "name", "shown"),
    [
        ("https://user:pw@host/x", "", "https://***@host/x"),
        ("https://us/er:p/w@d@host/x", "", "https://***@host/x"),
        ("https://host/x@y", "", "https://***@y"),
        ("//user:pw@host", "", "//***@host"),
        ("user:p/w@d@proxy:3128", "https-proxy", "***@proxy:3128"),
        ({"proxies": {"http-proxy": "user:pw@proxy"}}, "", {"proxies": {"http-proxy": "***@proxy"}}),
        ("proxy:3128", "https-proxy", "proxy:3128"),
        ("splunk-token=abc", "log-opts", "splunk-token=***"),
        ("a b splunk-token=abc=d c", "log-opts", "a b splunk-token=*** c"),
        ("abc", "splunk-token", "***"),
        (1234, "password", "***"),
        ("", "password", ""),
        (
            {"log-opts": {"splunk-token": "abc", "max-size": "10m"}},
            "",
            {"log-opts": {"splunk-token": "***", "max-size": "10m"}},
        ),
        (["a", "http://u@h"], "", ["a", "http://***@h"]),
        ("/etc/docker/key.pem", "tlskey", "/etc/docker/key.pem"),
        (True, "debug", True),
        (None, "password", None),
    ],
)
def test_redact(value, name, shown):
    assert redact(value, name) == shown
