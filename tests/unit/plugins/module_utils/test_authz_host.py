# SPDX-License-Identifier: GPL-3.0-or-later
"""Which Python a service of root's is started with."""

import os
import sys

import pytest

from ansible_collections.containment.docker.plugins.module_utils import _authz_host as core
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="not possible here: files of root's are made")


@pytest.fixture
def place(tmp_path, monkeypatch):
    """bin/python3 -> ../alternatives/python3 -> bin/python3.11, and another one."""
    for name in ("bin", "alternatives", "other"):
        (tmp_path / name).mkdir()
    for name in ("bin/python3.11", "other/python3.9"):
        (tmp_path / name).write_text("")
    (tmp_path / "bin/python3").symlink_to("../alternatives/python3")
    (tmp_path / "alternatives/python3").symlink_to(tmp_path / "bin/python3.11")
    monkeypatch.setattr(core, "PYTHON", str(tmp_path / "bin/python3"))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "bin/python3.11"))
    return tmp_path


def test_the_name_that_outlives_an_upgrade_is_taken(place):
    assert core.interpreter() == str(place / "bin/python3")


def test_another_python_is_named_by_its_file(place, monkeypatch):
    (place / "other/python").symlink_to("python3.9")
    monkeypatch.setattr(sys, "executable", str(place / "other/python"))
    assert core.interpreter() == str(place / "other/python3.9")
    (place / "bin/python3").unlink()
    assert core.interpreter() == str(place / "other/python3.9")


@pytest.mark.parametrize("name", ["alternatives", "alternatives/python3", "bin/python3"])
def test_a_way_that_is_others_is_not_taken(place, name):
    os.chown(str(place / name), 1234, 0, follow_symlinks=False)
    assert core.interpreter() == str(place / "bin/python3.11")


@pytest.mark.parametrize(("name", "mode"), [("bin", 0o775), ("bin/python3.11", 0o757)])
def test_a_python_that_others_can_change_is_refused(place, name, mode):
    (place / name).chmod(mode)
    with pytest.raises(ContainmentError, match=f"others can change {place / name}; use root's Python"):
        core.interpreter()
