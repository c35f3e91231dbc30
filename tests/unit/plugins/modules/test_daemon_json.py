# SPDX-License-Identifier: GPL-3.0-or-later
import pytest

from ansible_collections.containment.docker.plugins.module_utils import _engine_sources
from ansible_collections.containment.docker.plugins.module_utils._engine_flags import Service
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError
from ansible_collections.containment.docker.plugins.modules import daemon_json

PATH = "/etc/docker/daemon.json"
SERVICE = Service("docker.service", "systemd", "", ["/usr/sbin/dockerd", "-H", "fd://"], [], PATH)
ENGINE = {"host": True, "uid": 0, "config_file": PATH, "argv": ["dockerd", "--debug"]}


@pytest.mark.parametrize(
    "services, engines, words",
    [
        ([SERVICE], [ENGINE], ["-H", "fd://"]),
        ([], [ENGINE], ["--debug"]),
        ([SERVICE._replace(config_file="/etc/other.json")], [ENGINE], ["--debug"]),
        ([], [dict(ENGINE, host=False)], []),
        ([], [dict(ENGINE, uid=1000)], []),
        ([], [], []),
    ],
)
def test_words_of_the_next_start(services, engines, words):
    assert daemon_json.start_words(PATH, services, engines) == words


def test_paths_are_resolved_before_they_are_compared(tmp_path, monkeypatch):
    real, link = tmp_path / "real.json", tmp_path / "link.json"
    real.write_text("{}")
    link.symlink_to(real)
    monkeypatch.setattr(_engine_sources, "services", lambda: [SERVICE._replace(config_file=str(link))])
    monkeypatch.setattr(
        _engine_sources,
        "engines",
        lambda: [dict(ENGINE, config_file=str(link)), dict(ENGINE, host=False, config_file=str(link))],
    )
    services, engines = daemon_json.read_host()
    assert services[0].config_file == str(real.resolve())
    assert [engine["config_file"] for engine in engines] == [str(real.resolve()), str(link)]


@pytest.mark.parametrize(
    "name, words",
    [
        ("file/daemon.json", "cannot be read (Not a directory); give a path that leads through directories alone."),
        ("n" * 300, "cannot be read (File name too long); give a shorter path."),
    ],
)
def test_a_path_that_cannot_be_is_told_whole(tmp_path, name, words):
    (tmp_path / "file").write_text("")
    with pytest.raises(ContainmentError) as caught:
        daemon_json.read_file(str(tmp_path / name), [], [])
    assert str(caught.value) == f"{tmp_path / name}: {words}"


def test_a_relative_path_is_refused():
    with pytest.raises(ContainmentError) as caught:
        daemon_json.read_file("daemon.json", [], [])
    assert str(caught.value) == "path: 'daemon.json' is not absolute; start it with /."
