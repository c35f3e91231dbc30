# SPDX-License-Identifier: GPL-3.0-or-later
"""What is made of the service managers' answers; the real ones are in tests/integration/test_engine_service.py."""

import os
import signal
import subprocess
import sys
import time

import pytest

from ansible_collections.containment.docker.plugins.module_utils import _host_probe, _service
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError


class Runner:
    """A test double of the commands that are run: gives the same answer to each, and keeps what was asked."""

    def __init__(self, text="", code=0):
        self.code, self.text, self.asked = code, text, []

    def __call__(self, argv):
        self.asked.append(argv)
        return self.code, self.text


@pytest.fixture
def answer(monkeypatch):
    def install(text="", code=0):
        runner = Runner(text, code)
        monkeypatch.setattr(_service, "_run", runner)
        return runner

    return install


def shown(active="active", sub="running", job="", pid=0):
    job = f"Job={job}\n" if job else ""
    return f"MainPID={pid}\nActiveState={active}\nSubState={sub}\n{job}LoadState=loaded\n"


@pytest.mark.parametrize(
    "text, ready, failed",
    [
        (shown(), True, False),
        (shown("activating", "start"), False, False),
        (shown("activating", "auto-restart"), False, True),
        (shown("activating", "auto-restart", job="7"), False, True),
        (shown("failed", "failed"), False, True),
        (shown("failed", "failed", job="7"), False, False),
        (shown("inactive", "dead"), False, True),
        (shown("inactive", "dead", job="7"), False, False),
        (shown("inactive", "dead", job="0"), False, True),
        (shown("deactivating", "stop-sigterm"), False, False),
    ],
)
def test_what_systemd_shows(answer, text, ready, failed):
    answer(text)
    systemd = _service.Systemd()
    assert (systemd.ready(), systemd.failed()) == (ready, failed)
    assert systemd.state() is None


def test_the_process_that_systemd_shows(answer):
    answer(shown(pid=os.getpid()))
    assert _service.same(_service.Systemd().state(), _host_probe.process(os.getpid()))


def test_a_systemd_that_does_not_answer_is_told(answer):
    answer("Failed to connect to bus", 1)
    with pytest.raises(ContainmentError, match="Failed to connect to bus"):
        _service.Systemd().state()


def test_a_restart_is_one_job_and_its_log_begins_with_it(answer):
    runner = answer("one\ntwo")
    systemd = _service.Systemd()
    assert systemd.log() == ["one", "two"]
    assert not any(word.startswith("--since") for word in runner.asked[-1])
    begin = time.time()
    systemd.restart(5)
    assert runner.asked[-1] == ["systemctl", "--no-block", "restart", "docker.service"]
    end = time.time()
    systemd.log()
    sync, read = runner.asked[-2:]
    assert sync == ["journalctl", "--sync"]
    since = next(word for word in read if word.startswith("--since=@"))
    assert int(begin * 10**6) <= int(since[len("--since=@") :].replace(".", "")) <= int(end * 10**6) + 1


@pytest.mark.parametrize(
    "one, other, verdict",
    [
        (None, None, False),
        (None, {"incarnation": "b-1-2"}, False),
        ({"incarnation": "b-1-2"}, None, False),
        ({"incarnation": "b-1-2"}, {"incarnation": "b-1-3"}, False),
        ({"incarnation": "b-1-2", "state": "S"}, {"incarnation": "b-1-2", "state": "R"}, True),
    ],
)
def test_the_same_process_is_not_only_the_same_pid(one, other, verdict):
    assert _service.same(one, other) is verdict


@pytest.fixture
def script(monkeypatch, tmp_path):
    """An init script's manager whose log is a file of the test, and whose start is only counted (a test double)."""
    monkeypatch.setattr(_service, "LOG_FILE", str(tmp_path / "log"))
    manager = _service.InitScript()
    manager.started = []
    manager.start = lambda: manager.started.append(True)
    return manager


def test_a_restart_of_what_does_not_run_is_a_start(script):
    script.state = lambda: None
    script.restart(1)
    assert script.started == [True]


def test_a_restart_of_what_ends_in_between_is_a_start(script):
    process = subprocess.Popen([sys.executable, "-c", ""])
    seen = _host_probe.process(process.pid)
    process.wait()
    script.state = lambda: seen
    script.restart(1)
    assert script.started == [True]


def test_a_restart_waits_for_the_end(script):
    code = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); signal.pause()"
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    try:
        process.stdout.readline()
        script.state = lambda: _host_probe.process(process.pid)
        with pytest.raises(ContainmentError, match=r"did not stop within 0\.2 seconds"):
            script.restart(0.2)
        assert script.started == [] and process.poll() is None
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate()


def test_an_init_script_has_failed_after_its_grace(script, monkeypatch):
    now = [100.0]
    monkeypatch.setattr(_service.time, "monotonic", lambda: now[0])
    script.state = lambda: None
    assert not script.failed()
    now[0] += _service.GRACE
    assert not script.failed()
    now[0] += 0.1
    assert script.failed()
    script.state = lambda: {"pid": 1}
    assert not script.failed()
    script.state = lambda: None
    assert not script.failed()


def test_the_log_of_an_init_script_is_its_last_lines(script, tmp_path):
    assert script.log() == []
    lines = [f"line {number}" for number in range(30)]
    (tmp_path / "log").write_text("\n".join(lines) + "\n")
    assert script.log() == lines[-_service.LOG_LINES :]
