# SPDX-License-Identifier: GPL-3.0-or-later
"""The Engine API client against a socket that answers what a test says, byte for byte.

The socket is a double: it can break off, stall and lie where a real engine does so once a year. The real engine is in
tests/integration/test_engine_info.py.
"""

import io
import socket
import struct
import threading
import time

import pytest

from ansible_collections.containment.docker.plugins.module_utils import _engine_api
from ansible_collections.containment.docker.plugins.module_utils._engine_api import Engine, EngineError, frames
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError


class Double:
    """Listens on a socket; each connection gets the next list of answers, one for each request, then is closed."""

    def __init__(self, path, connections):
        self.path, self.connections, self.requests = str(path), connections, []
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        self.listener.listen(5)
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        for answers in self.connections:
            channel = self.listener.accept()[0]
            for answer in answers:
                self.requests.append(self.receive(channel))
                if answer is None:
                    time.sleep(5)
                    return
                channel.sendall(answer)
            channel.close()
        self.listener.close()

    @staticmethod
    def receive(channel):
        data = b""
        while b"\r\n\r\n" not in data:
            data += channel.recv(65536)
        head, _gap, body = data.partition(b"\r\n\r\n")
        lower = head.lower()
        if b"chunked" in lower:
            while not body.endswith(b"0\r\n\r\n"):
                body += channel.recv(65536)
        elif b"content-length: " in lower:
            length = int(lower.partition(b"content-length: ")[2].split(b"\r\n")[0])
            while len(body) < length:
                body += channel.recv(65536)
        return head + b"\r\n\r\n" + body


def http(body, status="200 OK", kind="application/json", more=""):
    return f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n{more}\r\n".encode() + body


def chunked(parts, kind="application/json"):
    body = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"
    return f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nTransfer-Encoding: chunked\r\n\r\n".encode() + body


@pytest.fixture
def double(tmp_path):
    def make(*connections):
        return Double(tmp_path / "s", connections)

    return make


def test_requests_share_a_connection_and_chunks_are_joined(double):
    server = double(
        [http(b'{"a": 1}'), chunked([b"[1,", b" 2]"]), http(b"", "204 No Content"), http(b"OK", kind="text/plain")]
    )
    with Engine(server.path) as engine:
        assert engine.get("/info", {"all": True, "no": False, "filters": {"name": ["x"]}, "none": None}) == {"a": 1}
        assert engine.json("GET", "/list") == [1, 2]
        assert engine.delete("/gone") is None
        assert engine.get("/_ping") == b"OK"
        assert engine.calls == 4
    assert server.requests[0].startswith(b"GET /info?all=1&no=0&filters=%7B%22name%22%3A+%5B%22x%22%5D%7D HTTP/1.1\r\n")


def test_a_tuple_is_a_parameter_for_each_of_its_texts(double):
    server = double([http(b"1"), http(b"1"), http(b"1")])
    with Engine(server.path) as engine:
        engine.get("/images/get", {"names": ("a:1", "b/c@sha256:2"), "x": "a b", "n": 5})
        engine.get("/none", {"names": ()})
        engine.get("/list", {"names": ["a", "b"]})
    paths = [request.split(b" ")[1] for request in server.requests]
    assert paths[0] == b"/images/get?names=a%3A1&names=b%2Fc%40sha256%3A2&x=a+b&n=5"
    assert paths[1:] == [b"/none?", b"/list?names=%5B%22a%22%2C+%22b%22%5D"]


def test_bodies(double, tmp_path):
    server = double([http(b"{}"), http(b"{}"), http(b'{"status": "sha256:1"}\n{"status": "2"}\n')])
    with Engine(f"unix://{server.path}") as engine:
        engine.post("/json", {"Image": "x"})
        engine.post("/bytes", b"abc")
        progress = engine.progress("POST", "/file", body=io.BytesIO(b"tar"))
    assert progress == [{"status": "sha256:1"}, {"status": "2"}]
    assert b"Content-Type: application/json" in server.requests[0] and server.requests[0].endswith(b'{"Image": "x"}')
    assert b"Content-Type: application/x-tar" in server.requests[1] and server.requests[1].endswith(b"\r\n\r\nabc")
    assert server.requests[2].endswith(b"3\r\ntar\r\n0\r\n\r\n")


def test_progress_tells_the_failure_that_comes_after_200(double):
    server = double([http(b'{"status": "x"}\n{"error": "no space left"}\n')])
    with Engine(server.path) as engine, pytest.raises(EngineError, match="failed: no space left"):
        engine.progress("POST", "/images/create")


def test_refusals_carry_status_and_the_engines_words(double):
    server = double(
        [http(b'{"message":"No such container: x"}', "404 Not Found"), http(b"denied\n", "403 Forbidden", "text/plain")]
    )
    with Engine(server.path) as engine:
        with pytest.raises(EngineError, match="answered with 404: No such container: x") as caught:
            engine.get("/containers/x/json")
        assert caught.value.status == 404 and not caught.value.hung
        with pytest.raises(EngineError, match="403: denied;"):
            engine.post("/containers/x/start")


def test_a_closed_kept_alive_connection_is_opened_again_for_get_alone(double):
    server = double([http(b"1")], [http(b"2")], [http(b"3")])
    with Engine(server.path) as engine:
        assert [engine.get("/a"), engine.get("/b")] == [1, 2]
        with pytest.raises(EngineError, match="broke off"):
            engine.post("/c")
        assert engine.get("/d") == 3


def test_no_answer_in_time(double):
    server = double([None])
    started = time.monotonic()
    with Engine(server.path, timeout=0.3) as engine, pytest.raises(EngineError, match="hangs") as caught:
        engine.get("/info")
    assert caught.value.hung and time.monotonic() - started < 2


def test_an_answer_that_stalls_half_way(double):
    server = double([http(b'{"a": 1}', more="")[:-3], None])
    with Engine(server.path, timeout=0.3) as engine, pytest.raises(EngineError):
        engine.get("/info")


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"nonsense\r\n\r\n", "broke off"),
        (http(b"{", kind="application/json"), "malformed JSON"),
        (http(b"<html>", kind="text/html"), "not JSON"),
        (http(b"123")[:-1], "broke off"),
    ],
)
def test_what_is_no_engine(double, answer, words):
    server = double([answer])
    with Engine(server.path) as engine, pytest.raises(EngineError, match=words):
        engine.json("GET", "/info")


def test_answers_are_bounded(double, monkeypatch):
    monkeypatch.setattr(_engine_api, "MAX_BYTES", 10)
    server = double([http(b'"0123456789"')])
    with Engine(server.path) as engine, pytest.raises(EngineError, match="more than 10 bytes"):
        engine.get("/info")


def test_nobody_there(tmp_path):
    with pytest.raises(EngineError, match="no such socket"):
        Engine(str(tmp_path / "none")).get("/info")
    path = str(tmp_path / "stale")
    socket.socket(socket.AF_UNIX).bind(path)
    with pytest.raises(EngineError, match="nobody listens"):
        Engine(path).get("/info")


@pytest.mark.parametrize("path", ["tcp://1.2.3.4:2375", "relative", "unix://x", "/a\0b", "/" + "x" * 107])
def test_what_is_no_socket(path):
    with pytest.raises(ContainmentError, match="socket"):
        Engine(path)


@pytest.mark.parametrize("path", ["info", "/a b", "/a?b=c", "/a\r\nHost: x", "/a#b"])
def test_what_is_no_path(path):
    with pytest.raises(ContainmentError, match="path"):
        Engine("/nowhere").get(path)


def frame(number, data):
    return struct.pack(">BxxxI", number, len(data)) + data


def test_logs_are_parted(double):
    data = frame(1, b"out\n") + frame(2, b"err\n") + frame(1, b"") + frame(1, b"more")
    server = double([chunked([data[:5], data[5:]], "application/vnd.docker.multiplexed-stream")])
    with Engine(server.path) as engine:
        assert engine.logs("x", tail="10") == (b"out\nmore", b"err\n")
    assert b"/containers/x/logs?stdout=1&stderr=1&tail=10 " in server.requests[0]


def test_logs_of_a_tty_are_one_stream():
    assert list(frames(io.BytesIO(b"abc"), tty=True)) == [("stdout", b"abc")]


@pytest.mark.parametrize("data", [b"plain text", frame(1, b"abc")[:-1], frame(1, b"abc")[:4], frame(9, b"")])
def test_what_is_no_stream_of_frames(data):
    with pytest.raises(ValueError, match="stream"):
        list(frames(io.BytesIO(data)))
