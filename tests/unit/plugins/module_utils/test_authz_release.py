# SPDX-License-Identifier: GPL-3.0-or-later
"""The way out takes one key out of daemon.json, and tells an engine alone."""

import os
import subprocess

import pytest

from ansible_collections.containment.docker.plugins.module_utils import _authz_release as core
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError


@pytest.mark.parametrize(
    "before, after, named",
    [
        (b'{\n\t"debug": true,\n\t"authorization-plugins": ["a", "b"]\n}\n', b'{\n\t"debug": true\n}\n', ["a", "b"]),
        (b'{"authorization-plugins": ["a"], "x": 1e3}', b'{"x": 1e3}', ["a"]),
        (b'{"authorization-plugins": []}', b'{"authorization-plugins": []}', []),
        (b"", b"", []),
        (b" {}", b" {}", []),
    ],
)
def test_only_the_key_goes(before, after, named):
    assert core.without(before, "daemon.json") == (after, named)


def test_what_cannot_be_read_is_left_alone(tmp_path):
    path = tmp_path / "daemon.json"
    path.write_text('{"authorization-plugins": ["a"],}')
    with pytest.raises(ContainmentError, match="line 1, column"):
        core.release(str(path), str(tmp_path / "pid"))
    assert path.read_text() == '{"authorization-plugins": ["a"],}'


@pytest.mark.skipif(os.geteuid() != 0, reason="folders that others can write to are refused")
def test_without_an_engine_the_key_goes_all_the_same(tmp_path):
    path = tmp_path / "daemon.json"
    path.write_text('{"authorization-plugins": ["a"]}')
    assert core.release(str(path), str(tmp_path / "pid")) == (["a"], None)
    assert path.read_text() == "{}"
    assert core.release(str(path), str(tmp_path / "pid")) == ([], None)


@pytest.mark.skipif(os.geteuid() != 0, reason="folders that others can write to are refused")
@pytest.mark.parametrize("text, words", [("x", "holds no process id"), ("PID", "which is no engine")])
def test_no_other_program_is_told(tmp_path, text, words):
    (tmp_path / "daemon.json").write_text("{}")
    process = subprocess.Popen(["sleep", "60"])
    try:
        (tmp_path / "pid").write_text(text.replace("PID", str(process.pid)))
        with pytest.raises(ContainmentError, match=words):
            core.release(str(tmp_path / "daemon.json"), str(tmp_path / "pid"))
        assert process.poll() is None
    finally:
        process.kill()
        process.wait()


def test_a_missing_configuration_is_told(tmp_path):
    with pytest.raises(ContainmentError, match="is not there"):
        core.release(str(tmp_path / "daemon.json"), str(tmp_path / "pid"))
