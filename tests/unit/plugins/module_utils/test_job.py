# SPDX-License-Identifier: GPL-3.0-or-later
"""Who gets to run a process that works on trees, while another one's is still there."""

import contextlib
import fcntl
import json
import os
import threading
import time
from types import SimpleNamespace

import pytest

from ansible_collections.containment.docker.plugins.module_utils import _job, _job_worker
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

KIND = _job.Kind("test", SimpleNamespace(__name__="none"), "shift", 0.4)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    tmp_path.chmod(0o700)
    monkeypatch.setattr(_job, "_ROOT", str(tmp_path))
    monkeypatch.setattr(_job, "_SILENCE", 0.4)
    monkeypatch.setattr(_job, "_BUSY", 1.0)
    started = []
    monkeypatch.setattr(_job, "_start", lambda kind, folder, request, lock: started.append(request["job"]))
    place = tmp_path / "test"
    place.mkdir()
    (place / "lease").touch()
    (place / "request").write_text(json.dumps({"job": "old", "trees": [{"path": "/srv/a"}]}))
    return SimpleNamespace(path=place, started=started)


@contextlib.contextmanager
def held(folder, act):
    """Hold the lock, as a process that works does, and call act(folder) now and then until it says that it ends."""
    fd = os.open(folder.path / "lock", os.O_RDWR | os.O_CREAT)
    fcntl.flock(fd, fcntl.LOCK_EX)
    over = threading.Event()

    def work():
        while not over.wait(0.02):
            if act(folder.path):
                break
        os.close(fd)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def test_one_that_somebody_waits_for_goes_on(folder):
    with held(folder, lambda path: os.utime(path / "lease")), pytest.raises(ContainmentError) as raised:
        _job.start(KIND, "new", {})
    assert str(raised.value) == (
        "test: another shift, of /srv/a, is on its way on this host; wait until it ends, then run again."
    )
    assert folder.started == []


def test_one_that_nobody_waits_for_is_told_to_end(folder):
    """The last one that waited may go on with it for some seconds."""
    report, looks = None, 10

    def work(path):
        nonlocal report, looks
        looks -= 1
        if looks > 0:
            os.utime(path / "lease")
        try:
            if report is None:
                report = _job_worker.Report(str(path))
                report.begin("/srv/a")
            report(1, 0.5)
        except _job_worker.Abandoned:
            return True
        return False

    with held(folder, work):
        began = time.monotonic()
        _job.start(KIND, "new", {})
        assert 0.5 <= time.monotonic() - began < 5
    assert folder.started == ["new"]


def test_one_that_does_not_end_is_told(folder):
    with held(folder, lambda path: False), pytest.raises(ContainmentError, match="was left alone and does not end"):
        _job.start(KIND, "new", {})
    assert folder.started == []


def test_one_that_needs_long_to_end_is_given_that(folder):
    slow, looks = KIND._replace(end=30.0), iter(range(60))
    with held(folder, lambda path: next(looks, None) is None):
        began = time.monotonic()
        _job.start(slow, "new", {})
        assert time.monotonic() - began > 0.8  # more than the silence and the time that the kind above is given
    assert folder.started == ["new"]


def test_a_look_at_the_lock_is_waited_for(folder):
    looks = iter(range(8))
    with held(folder, lambda path: next(looks, None) is None):
        _job.start(KIND, "new", {})
    assert folder.started == ["new"]


def test_a_folder_without_room_is_told_before_anything_is_started(folder, monkeypatch):
    monkeypatch.setattr(_job, "_ROOM", 2**70)
    with pytest.raises(ContainmentError, match="has less than 1 MiB left; make room on its file system"):
        _job.start(KIND, "new", {})
