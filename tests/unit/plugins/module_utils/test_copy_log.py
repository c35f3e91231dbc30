# SPDX-License-Identifier: GPL-3.0-or-later
"""Which directory of a copy was made of which, also after a kill."""

import os

import pytest

from ansible_collections.containment.docker.plugins.module_utils._copy_log import Log


@pytest.fixture
def path(tmp_path):
    return tmp_path / "log"


def opened(path):
    return os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)


def again(path):
    fd = opened(path)
    try:
        return Log(fd)
    finally:
        os.close(fd)


def test_pairs_come_back(path):
    fd = opened(path)
    log = Log(fd)
    for number in range(1, 70000):
        log.made(number, number + 100000)
    log.made(2**63, 2**64 - 1)
    os.close(fd)
    found = again(path)
    assert all(found.is_copy(number, number + 100000) for number in range(1, 70000))
    assert found.is_copy(2**63, 2**64 - 1) and not found.is_copy(1, 100002) and not found.is_copy(7, 5)


def test_a_number_that_another_directory_got_says_nothing_of_the_first(path):
    fd = opened(path)
    log = Log(fd)
    log.made(1, 10)
    log.made(2, 20)
    log.gone(10)
    log.gone(30)
    log.made(3, 20)
    os.close(fd)
    for found in (log, again(path)):
        assert not found.is_copy(1, 10) and not found.is_copy(2, 20) and found.is_copy(3, 20)


@pytest.mark.parametrize("part", [1, 8, 15])
def test_half_a_pair_of_a_killed_run_is_dropped(path, part):
    fd = opened(path)
    Log(fd).made(1, 10)
    os.write(fd, b"x" * part)
    os.close(fd)
    fd = opened(path)
    log = Log(fd)
    assert log.is_copy(1, 10)
    log.made(2, 20)
    os.close(fd)
    found = again(path)
    assert found.is_copy(1, 10) and found.is_copy(2, 20) and path.stat().st_size == 32


def test_without_a_file_nothing_is_known():
    assert not Log(None).is_copy(1, 10)
