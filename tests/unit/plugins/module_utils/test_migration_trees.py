# SPDX-License-Identifier: GPL-3.0-or-later
"""Directories that are laid aside or removed, however deep they are."""

import gc
import os
import resource

import pytest

from ansible_collections.containment.docker.plugins.module_utils import _job_worker
from ansible_collections.containment.docker.plugins.module_utils import _migration_trees as trees

DEPTH = 1500  # more than Python calls itself, and with these names more than a path may be long


@pytest.fixture
def depth():
    """Allow as many open files as the process does in which this runs."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    _job_worker._allow_depth()
    if resource.getrlimit(resource.RLIMIT_NOFILE)[0] < DEPTH + 100:
        pytest.skip("not possible here: too few files may be open")
    yield DEPTH
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def make_deep(top, depth):
    os.mkdir(top)
    fd = os.open(top, os.O_RDONLY | os.O_DIRECTORY)
    for _level in range(depth):
        os.mkdir("directory", 0o700, dir_fd=fd)
        below = os.open("directory", os.O_RDONLY | os.O_DIRECTORY, dir_fd=fd)
        os.close(fd)
        fd = below
    os.close(os.open("file", os.O_WRONLY | os.O_CREAT, 0o600, dir_fd=fd))
    os.close(fd)


def descriptors():
    gc.collect()  # those of other tests' objects that nobody holds any more
    return len(os.listdir("/proc/self/fd"))


def test_a_deep_directory_is_removed(tmp_path, depth):
    top, before = str(tmp_path / "top"), descriptors()
    make_deep(top, depth)
    trees.remove(top)
    assert os.listdir(str(tmp_path)) == [] and descriptors() == before
    # What an earlier call removed is not there any more.
    trees.remove(top)


def test_a_deep_directory_is_emptied_and_stays(tmp_path, depth):
    before = descriptors()
    make_deep(str(tmp_path / "deep"), depth)
    (tmp_path / "file").write_text("x")
    (tmp_path / ".hidden").write_text("x")
    os.symlink("/nowhere", str(tmp_path / "link"))
    inode = os.stat(str(tmp_path)).st_ino
    for _time in range(2):
        trees.empty(str(tmp_path))
        assert os.listdir(str(tmp_path)) == [] and descriptors() == before
    assert os.stat(str(tmp_path)).st_ino == inode


def test_a_deep_directory_is_laid_aside_once(tmp_path, depth):
    root, aside = str(tmp_path / "1.1"), str(tmp_path / "1.1.name")
    make_deep(root, depth)
    inode = os.stat(root).st_ino
    for _time in range(2):
        trees.set_aside(root, aside)
        assert os.listdir(str(tmp_path)) == ["1.1.name"] and os.stat(aside).st_ino == inode
    trees.remove(aside)


def test_what_links_lead_to_stays(tmp_path):
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    (theirs / "file").write_text("x")
    for name in ("emptied", "removed"):
        (tmp_path / name).mkdir()
        os.symlink(str(theirs), str(tmp_path / name / "link"))
        os.symlink(str(theirs / "file"), str(tmp_path / name / "file"))
    os.symlink(str(theirs), str(tmp_path / "link"))
    trees.empty(str(tmp_path / "emptied"))
    trees.remove(str(tmp_path / "removed"))
    with pytest.raises(OSError):
        trees.empty(str(tmp_path / "link"))
    assert sorted(os.listdir(str(tmp_path))) == ["emptied", "link", "theirs"]
    assert os.listdir(str(tmp_path / "emptied")) == [] and (theirs / "file").read_text() == "x"


def test_a_root_is_not_laid_into_one_that_is_there(tmp_path):
    for name in ("root", "aside"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text(name)
    with pytest.raises(OSError):
        trees.set_aside(str(tmp_path / "root"), str(tmp_path / "aside"))
    assert [(tmp_path / name / "file").read_text() for name in ("root", "aside")] == ["root", "aside"]
