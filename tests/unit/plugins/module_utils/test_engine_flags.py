# SPDX-License-Identifier: GPL-3.0-or-later
import pytest

from ansible_collections.containment.docker.plugins.module_utils import _engine_flags
from ansible_collections.containment.docker.plugins.module_utils._engine_flags import Flag


def pairs(*words):
    return [(flag.key, flag.value) for flag in _engine_flags.parse_argv(list(words), "here")]


@pytest.mark.parametrize(
    "words, wanted",
    [
        (["-H", "fd://"], [("hosts", "fd://")]),
        (
            ["-Hfd://", "-H=tcp://x", "--host=unix://y", "--host", "z"],
            [("hosts", "fd://"), ("hosts", "tcp://x"), ("hosts", "unix://y"), ("hosts", "z")],
        ),
        (["--debug", "--icc=false", "--iptables"], [("debug", "true"), ("icc", "false"), ("iptables", "true")]),
        # a switch takes no word: "false" stays an argument
        (["--debug", "false", "--mtu", "1400"], [("debug", "true"), ("mtu", "1400")]),
        (["-D"], [("debug", "true")]),
        (["-Dl", "warn"], [("debug", "true"), ("log-level", "warn")]),
        (["-Dlwarn"], [("debug", "true"), ("log-level", "warn")]),
        (["-D=false"], [("debug", "false")]),
        (
            ["-p", "/x.pid", "-g", "/srv", "-b", "br0", "-s", "zfs", "-G", "adm"],
            [
                ("pidfile", "/x.pid"),
                ("data-root", "/srv"),
                ("bridge", "br0"),
                ("storage-driver", "zfs"),
                ("group", "adm"),
            ],
        ),
        (
            ["--log-opt", "a=b", "--insecure-registry=x", "--add-runtime", "x=/y"],
            [("log-opts", "a=b"), ("insecure-registries", "x"), ("runtimes", "x=/y")],
        ),
        (
            ["--http-proxy", "http://x", "--config-file=/a.json"],
            [("http-proxy", "http://x"), ("config-file", "/a.json")],
        ),
        (["--host-gateway-ip=10.0.0.1"], [("host-gateway-ip", "10.0.0.1")]),
        (["--unheard-of", "x", "--mtu=1"], [("unheard-of", "x"), ("mtu", "1")]),
        (["--mtu"], [("mtu", "")]),
        (["word", "--", "--debug"], []),
        ([], []),
        (["--log-opt", "--debug"], [("log-opts", "--debug")]),
    ],
)
def test_argv(words, wanted):
    assert pairs(*words) == wanted


def test_origins():
    flags = _engine_flags.parse_argv([("-H", "a:1"), ("fd://", "a:1"), ("--debug", "b:2")], "unused")
    assert flags == [Flag("hosts", "fd://", "a:1"), Flag("debug", "true", "b:2")]


@pytest.mark.parametrize(
    "path, wanted",
    [
        ("/usr/bin/dockerd", True),
        ("dockerd", True),
        ("/usr/bin/dockerd-current", True),
        ("/usr/bin/docker", False),
        ("/usr/bin/dockerd-rootless.sh", False),
        ("/usr/bin/dockerd-rootless-setuptool", False),
        ("/usr/bin/rootlesskit", False),
        ("/usr/bin/dockerd/x", False),
    ],
)
def test_is_engine(path, wanted):
    assert _engine_flags.is_engine(path) is wanted


def test_config_file():
    def given(*words):
        return _engine_flags.config_file(_engine_flags.parse_argv(list(words), ""), "/srv")

    assert given() == "/etc/docker/daemon.json"
    assert given("--config-file", "/a.json", "--config-file=/b.json") == "/b.json"
    assert given("--config-file", "c.json") == "/srv/c.json"


def test_without_config_file():
    words = ["-H", "fd://", "--config-file", "/a", "--config-file=/b", "--validate", "--debug"]
    assert _engine_flags.without_config_file(words) == ["-H", "fd://", "--debug"]
