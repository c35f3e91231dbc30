# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls on a real socket are answered to root alone, one after the other, whatever comes."""

import http.client
import os
import select
import socket
import threading
import time

import pytest

from ansible_collections.containment.docker.plugins.module_utils import _authz_server
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError


class Plugin:
    """A test double of _authz_service.Plugin: it says which call it was."""

    def __init__(self):
        self.hangs, self.goes_on = threading.Event(), threading.Event()

    def answer(self, path, body):
        if path == "/hang":
            self.hangs.set()
            assert self.goes_on.wait(10)
        if path == "/slow":
            time.sleep(0.2)
        if path == "/fail":
            raise KeyError("fault")
        return 200, b'{"path": "%s", "length": %d}' % (path.encode(), len(body))


class Connection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("plugin", timeout=10)
        self._path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(10)
        self.sock.connect(self._path)


@pytest.fixture
def path(tmp_path, monkeypatch):
    for name in ("LISTEN_PID", "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"):
        monkeypatch.delenv(name, raising=False)
    return str(tmp_path / "plugin.sock")


def serve(path, uids, monkeypatch):
    # Handlers of signals are the main thread's, which this one is not.
    monkeypatch.setattr(_authz_server.signal, "set_wakeup_fd", lambda _fd: None)
    monkeypatch.setattr(_authz_server.signal, "signal", lambda _number, _handler: None)
    server = _authz_server.Server(_authz_server.listen(path), Plugin(), uids)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    return server, thread


@pytest.fixture
def server(path, monkeypatch):
    made, thread = serve(path, (os.geteuid(),), monkeypatch)
    yield made
    made._stop(0, None)
    made._wake.send(b"x")
    thread.join(10)
    assert not thread.is_alive()


def test_calls_on_one_connection_and_on_many(server, path):
    links = [Connection(path) for _number in range(20)]
    for _time in range(3):
        for number, link in enumerate(links):
            link.request("POST", "/call%d" % number, b"x" * number)
        for number, link in enumerate(links):
            answer = link.getresponse()
            assert answer.status == 200
            assert answer.read() == b'{"path": "/call%d", "length": %d}' % (number, number)


def test_a_fault_is_a_no_and_the_next_call_is_served(server, path, capfd):
    link = Connection(path)
    link.request("POST", "/fail", b"")
    answer = link.getresponse()
    assert answer.status == 500 and b"failed" in answer.read()
    link.request("POST", "/next", b"")
    assert link.getresponse().status == 200
    assert "KeyError" in capfd.readouterr().err


def test_what_is_no_call_ends_its_connection_alone(server, path):
    other = Connection(path)
    other.request("POST", "/one", b"")
    assert other.getresponse().read()
    with socket.socket(socket.AF_UNIX) as link:
        link.settimeout(10)
        link.connect(path)
        link.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert link.recv(1) == b""
    other.request("POST", "/two", b"")
    assert other.getresponse().status == 200


def halves(body):
    """Return (a call up to the middle of its body, the rest)."""
    data = b"POST /long HTTP/1.1\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
    return data[: -len(body) // 2], data[-len(body) // 2 :]


def test_a_call_that_has_begun_is_read_to_its_end_first(server, path):
    first, rest = halves(b"x" * 100)
    other = Connection(path)
    other.connect()
    with socket.socket(socket.AF_UNIX) as link:
        link.settimeout(10)
        link.connect(path)
        link.sendall(first)
        time.sleep(0.1)
        other.request("POST", "/short", b"")
        assert not select.select([other.sock], [], [], 0.1)[0]
        link.sendall(rest)
        assert b'"length": 100' in link.recv(4096)
        assert other.getresponse().status == 200


def test_half_a_call_does_not_keep_others_waiting(server, path):
    first, rest = halves(b"x" * 100)
    with socket.socket(socket.AF_UNIX) as link:
        link.settimeout(10)
        link.connect(path)
        link.sendall(first)
        for _time in range(3):
            other = Connection(path)
            other.request("POST", "/short", b"")
            assert other.getresponse().status == 200
        link.sendall(rest)
        assert b'"length": 100' in link.recv(4096)


def test_a_call_that_is_cut_off_ends_its_connection(server, path):
    with socket.socket(socket.AF_UNIX) as link:
        link.settimeout(10)
        link.connect(path)
        link.sendall(halves(b"x" * 100)[0])
        link.shutdown(socket.SHUT_WR)
        assert link.recv(1) == b""


def test_only_the_engines_user_is_answered(path, monkeypatch, capfd):
    made, thread = serve(path, (os.geteuid() + 1,), monkeypatch)
    with socket.socket(socket.AF_UNIX) as link:
        link.settimeout(10)
        link.connect(path)
        assert link.recv(1) == b""
    assert "is no engine" in capfd.readouterr().err
    made._stop(0, None)
    made._wake.send(b"x")
    thread.join(10)


def test_a_socket_of_its_own_is_its_owners_alone_and_replaces_another(path):
    first, second = _authz_server.listen(path), _authz_server.listen(path)
    assert os.stat(path).st_mode & 0o777 == 0o600
    assert os.listdir(os.path.dirname(path)) == ["plugin.sock"]
    first.close()
    second.close()


def test_without_systemd_a_path_is_needed(path):
    with pytest.raises(ContainmentError, match="--socket: is missing"):
        _authz_server.listen(None)


def test_calls_that_have_come_are_answered_before_it_ends(path, monkeypatch):
    made, thread = serve(path, (os.geteuid(),), monkeypatch)
    first, second = Connection(path), Connection(path)
    for link in (first, second):
        link.request("POST", "/early", b"")
        assert link.getresponse().read()
    first.request("POST", "/hang", b"")
    assert made._plugin.hangs.wait(10)
    second.request("POST", "/late", b"x" * 100000)
    made._stop(0, None)
    made._plugin.goes_on.set()
    assert first.getresponse().status == second.getresponse().status == 200
    thread.join(3)
    assert not thread.is_alive()
    with pytest.raises(BrokenPipeError):
        second.sock.sendall(b"POST")


def test_a_new_connection_is_answered_before_it_ends(path, monkeypatch):
    made, thread = serve(path, (os.geteuid(),), monkeypatch)
    first, second = Connection(path), Connection(path)
    second.connect()
    first.request("POST", "/hang", b"")  # It is accepted after the other.
    assert made._plugin.hangs.wait(10)
    made._stop(0, None)
    made._plugin.goes_on.set()
    assert first.getresponse().status == 200
    second.request("POST", "/late", b"x" * 100000)
    assert second.getresponse().status == 200
    thread.join(3)
    assert not thread.is_alive()


@pytest.mark.parametrize(
    "environment, expected",
    [
        ({}, (None, None)),
        ({"WATCHDOG_USEC": "6000000"}, (None, None)),
        ({"NOTIFY_SOCKET": "", "WATCHDOG_USEC": "6000000"}, (None, None)),
        ({"NOTIFY_SOCKET": "/run/systemd/notify"}, ("/run/systemd/notify", None)),
        ({"NOTIFY_SOCKET": "@a@b", "WATCHDOG_USEC": "6000000"}, ("\0a@b", 6)),
        ({"NOTIFY_SOCKET": "/n", "WATCHDOG_USEC": "2500000", "WATCHDOG_PID": "7"}, ("/n", 2.5)),
        ({"NOTIFY_SOCKET": "/n", "WATCHDOG_USEC": "2500000", "WATCHDOG_PID": "8"}, ("/n", None)),
        ({"NOTIFY_SOCKET": "/n", "WATCHDOG_USEC": "0"}, ("/n", None)),
    ],
)
def test_a_service_manager_is_known_by_the_environment(environment, expected):
    assert _authz_server.manager(environment, 7) == expected


@pytest.fixture(params=["path", "abstract"])
def manager(request, path, tmp_path, monkeypatch):
    """The socket of a manager that bears 0.8 s of silence."""
    address = {"path": str(tmp_path / "notify"), "abstract": f"@{tmp_path}"}[request.param]
    monkeypatch.setenv("NOTIFY_SOCKET", address)
    monkeypatch.setenv("WATCHDOG_USEC", "800000")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as made:
        made.bind(address.replace("@", "\0"))
        made.settimeout(0.7)
        yield made


def test_a_service_manager_hears_of_it_while_calls_are_answered_and_only_then(manager, server, path):
    assert manager.recv(100) == b"READY=1"
    for _time in range(3):
        assert manager.recv(100) == b"WATCHDOG=1"
    links = [Connection(path) for _number in range(6)]
    for link in links:
        link.request("POST", "/early", b"")
        assert link.getresponse().read()
    links[0].request("POST", "/hang", b"")
    assert server._plugin.hangs.wait(10)
    for link in links[1:]:
        link.request("POST", "/slow", b"")
    with pytest.raises(socket.timeout):
        while True:
            assert manager.recv(100) == b"WATCHDOG=1"  # of before
    server._plugin.goes_on.set()
    for link in links:
        assert manager.recv(100) == b"WATCHDOG=1"
        assert link.getresponse().status == 200


def test_a_manager_hears_no_more_than_it_wants_and_one_that_is_not_there_is_told_of(tmp_path, capfd):
    heart = _authz_server.Heart(str(tmp_path / "notify"), 1)
    with pytest.raises(FileNotFoundError):
        heart.start()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as made:
        made.bind(str(tmp_path / "notify"))
        made.setblocking(False)
        heart.start()
        heart.beat()
        assert made.recv(100) == b"READY=1"
        with pytest.raises(BlockingIOError):
            made.recv(100)
    (tmp_path / "notify").unlink()
    assert 0.2 < heart.left() <= 0.25
    time.sleep(0.26)
    assert heart.left() == 0
    heart.beat()
    assert "was not told" in capfd.readouterr().err
    assert heart.left() > 0
