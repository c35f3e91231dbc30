# SPDX-License-Identifier: GPL-3.0-or-later
import os
import subprocess
import sys

import pytest

from ansible_collections.containment.docker.plugins.module_utils import _shadow_lock
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

HOLD = (
    "import fcntl, sys; f = open(sys.argv[1], 'w'); fcntl.lockf(f, fcntl.LOCK_EX); "
    "print('held', flush=True); sys.stdin.read()"
)


@pytest.fixture
def place(tmp_path):
    class Place:
        files = (str(tmp_path / "subuid"), str(tmp_path / "subgid"))
        accounts = str(tmp_path / ".pwd.lock")

        def locked(self, seconds=0.2):
            return _shadow_lock.locked(self.files, self.accounts, seconds)

        def names(self):
            return sorted(os.listdir(str(tmp_path)))

    return Place()


@pytest.fixture
def dead():
    """The id of a process that has ended and been reaped."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_the_locks_are_there_within_and_gone_after(place):
    with place.locked():
        assert place.names() == [".pwd.lock", "subgid.lock", "subuid.lock"]
        with open(place.files[0] + ".lock", "rb") as handle:
            assert handle.read() == b"%d\0" % os.getpid()
        assert os.stat(place.files[0] + ".lock").st_mode & 0o777 == 0o600
    assert place.names() == [".pwd.lock"]


def test_the_locks_are_gone_after_a_failure(place):
    with pytest.raises(ZeroDivisionError):
        with place.locked():
            raise ZeroDivisionError
    assert place.names() == [".pwd.lock"]


def test_a_lock_of_a_living_process_is_respected(place):
    lock = place.files[1] + ".lock"
    with open(lock, "w") as handle:
        handle.write(str(os.getppid()))
    with pytest.raises(ContainmentError, match="is held by process %d" % os.getppid()):
        with place.locked():
            pass
    assert place.names() == [".pwd.lock", "subgid.lock"]


def test_a_lock_of_a_dead_process_is_taken_over(place, dead):
    for path in place.files:
        with open(path + ".lock", "wb") as handle:
            handle.write(b"%d\0" % dead)
    with place.locked():
        with open(place.files[0] + ".lock", "rb") as handle:
            assert handle.read() == b"%d\0" % os.getpid()
    assert place.names() == [".pwd.lock"]


def test_a_lock_without_a_process_id_is_respected(place):
    with open(place.files[0] + ".lock", "w"):
        pass
    with pytest.raises(ContainmentError, match="without a process id"):
        with place.locked():
            pass


def test_what_a_killed_run_left_is_used_again(place, dead):
    own = os.path.join(os.path.dirname(place.files[0]), ".subuid.lock.containment")
    with open(own, "wb") as handle:
        handle.write(b"%d\0" % dead)
    os.link(own, place.files[0] + ".lock")
    with place.locked():
        assert place.names() == [".pwd.lock", "subgid.lock", "subuid.lock"]


def test_the_accounts_lock_is_respected(place):
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, place.accounts], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        holder.stdout.readline()
        with pytest.raises(ContainmentError, match="is locked by another program"):
            with place.locked():
                pass
        assert place.names() == [".pwd.lock"]
    finally:
        holder.communicate()
    with place.locked():
        pass


def test_others_are_kept_out_of_the_accounts_lock(place):
    with place.locked():
        probe = [sys.executable, "-c", HOLD.replace("LOCK_EX", "LOCK_EX | fcntl.LOCK_NB"), place.accounts]
        assert subprocess.call(probe, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL) == 1
    assert subprocess.call(probe, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL) == 0


def test_a_missing_directory_is_one_sentence(tmp_path):
    with pytest.raises(ContainmentError, match="cannot be locked"):
        with _shadow_lock.locked([str(tmp_path / "none" / "subuid")], str(tmp_path / ".pwd.lock")):
            pass
