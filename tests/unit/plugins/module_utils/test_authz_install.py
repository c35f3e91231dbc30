# SPDX-License-Identifier: GPL-3.0-or-later
import pytest

from ansible_collections.containment.docker.plugins.module_utils import _authz_install


@pytest.mark.parametrize(
    ("root", "home", "tmp"),
    [
        ("/var/lib/docker", "yes", "yes"),
        ("/home/docker", "no", "yes"),
        ("/var/tmp/docker/1.1", "yes", "no"),
        ("/tmp/docker", "yes", "no"),
        ("/tmpfs/docker", "yes", "yes"),
    ],
)
def test_no_unit_hides_the_graph_root(root, home, tmp):
    for apart in (False, True):
        lines = _authz_install.units("/usr/bin/python3", root, apart)["containment-authz.service"].splitlines()
        assert f"ProtectHome={home}" in lines and f"PrivateTmp={tmp}" in lines


def test_the_graph_root_is_read_back():
    root = "/srv/docker@1:2/100000.100000"
    units = _authz_install.units("/usr/bin/python3", root)
    texts = {**units, "script": _authz_install.script("/usr/bin/python3", root), "other": "--root /x"}
    assert {name: _authz_install.root_in(text.encode()) for name, text in texts.items()} == {
        "containment-authz.socket": None,
        "containment-authz.service": root,
        "script": root,
        "other": None,
    }


@pytest.mark.parametrize(
    "shown, settings",
    [
        ("", "http2server=0"),
        ("Environment=\n", "http2server=0"),
        ("Environment=GODEBUG=http2server=0\n", "http2server=0"),
        ("Environment=GODEBUG=\n", "http2server=0"),
        ("Environment=GODEBUG=http2server=1,netdns=go\n", "netdns=go,http2server=0"),
        ('Environment="A=b c" GODEBUG=netdns=go,x509sha1=1 B=1\n', "netdns=go,x509sha1=1,http2server=0"),
        ('Environment=A=b "GODEBUG=netdns=go"\n', "netdns=go,http2server=0"),
        ("Environment=NO_GODEBUG=netdns=go\n", "http2server=0"),
        ("Environment=GODEBUG=netdns=go,http2server=0\n", "netdns=go,http2server=0"),
    ],
)
def test_an_engine_without_http2_keeps_what_its_host_has_set(shown, settings):
    lines = _authz_install.no_http2(shown).splitlines()
    assert lines[1:] == ["[Service]", f"Environment=GODEBUG={settings}"]
