# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls on a real socket are answered to root alone, one after the other, whatever comes."""

import http.client
import os
import socket
import threading

import pytest

from ansible_collections.containment.docker.plugins.module_utils import _authz_server
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError


class Plugin:
    """A test double of _authz_service.Plugin: it says which call it was."""

    def answer(self, path, body):
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
    monkeypatch.delenv("LISTEN_PID", raising=False)
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
