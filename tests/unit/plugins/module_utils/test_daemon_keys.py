# SPDX-License-Identifier: GPL-3.0-or-later
import pytest

from ansible_collections.containment.docker.plugins.module_utils import _daemon_keys, _daemon_values
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError


@pytest.mark.parametrize(
    "text, wanted",
    [
        ("26.1.5+dfsg1", (26, 1, 5)),
        ("20.10.24", (20, 10, 24)),
        ("v29.0.0-rc.1", (29, 0, 0)),
        ("24.0", (24, 0, 0)),
        (" 28.5.2~ce\n", (28, 5, 2)),
    ],
)
def test_versions(text, wanted):
    assert _daemon_keys.parse_version(text) == wanted


@pytest.mark.parametrize("text", ["", "latest", "26", "26.x", "26.1.5 beta", "26.1.5.4"])
def test_what_is_no_version(text):
    with pytest.raises(ContainmentError):
        _daemon_keys.parse_version(text)


def test_text():
    assert _daemon_keys.text((28, 2, 0)) == "28.2" and _daemon_keys.text((20, 10, 24)) == "20.10.24"


def test_the_table_is_sound():
    for name, key in _daemon_keys.KEYS.items():
        assert name == key.name and key.kind in _daemon_values.KINDS
        assert key.reload in (_daemon_keys.RESTART, _daemon_keys.SET, _daemon_keys.RELOAD)
        for version in (key.since, key.removed, key.ignored):
            assert version is None or _daemon_keys.OLDEST < version <= _daemon_keys.NEWEST
        for choice in key.choices:
            _daemon_values.check_type(key, choice)
    assert [name for name, key in _daemon_keys.KEYS.items() if key.both] == ["runtimes"]
    assert _daemon_keys.FLAT - set(_daemon_keys.KEYS) == set()


# Facts of the sources, told apart from the table: what SIGHUP takes, per daemon/reload*.go of 20.10 and 29.
def test_what_a_reload_takes():
    reload = {name for name, key in _daemon_keys.KEYS.items() if key.reload != _daemon_keys.RESTART}
    assert reload == {
        "debug",
        "labels",
        "live-restore",
        "max-concurrent-downloads",
        "max-concurrent-uploads",
        "max-download-attempts",
        "shutdown-timeout",
        "default-stop-timeout",
        "features",
        "insecure-registries",
        "registry-mirrors",
        "default-runtime",
        "runtimes",
        "default-shm-size",
        "default-ipc-mode",
        "default-cgroupns-mode",
        "network-diagnostic-port",
        "nri-opts",
        "authorization-plugins",
        "allow-nondistributable-artifacts",
    }


def test_known_at_the_bounds():
    assert "bip6" not in _daemon_keys.known((27, 99, 99)) and "bip6" in _daemon_keys.known((28, 0, 0))
    assert "graph" in _daemon_keys.known((23, 0, 18)) and "graph" not in _daemon_keys.known((24, 0, 0))
    assert set(_daemon_keys.known()) == set(_daemon_keys.KEYS)


def test_flags_lead_to_keys():
    assert _daemon_keys.FLAG_KEYS["host"] == "hosts" and _daemon_keys.FLAG_KEYS["graph"] == "data-root"
    assert _daemon_keys.FLAG_KEYS["add-runtime"] == "runtimes" and "http-proxy" not in _daemon_keys.FLAG_KEYS
    assert {
        "debug",
        "icc",
        "tlsverify",
        "restart",
    } <= _daemon_keys.BOOLEAN_FLAGS and "host" not in _daemon_keys.BOOLEAN_FLAGS
