# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests to an engine on its unix socket, by one thread over connections that are kept: what it costs is little."""

import select
import socket
import time

SECONDS = 120  # after which an engine that answers nothing has failed


def request(method, uri, body=b""):
    """Return the bytes of a request."""
    kind = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n" if body else ""
    return f"{method} {uri} HTTP/1.1\r\nHost: docker\r\nUser-Agent: bench\r\n{kind}\r\n".encode() + body


class Link:
    """A connection, on which one request is under way at a time."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        self.socket.setblocking(False)
        self._left, self._came, self.began = b"", b"", 0.0

    def start(self, data):
        self._left, self._came, self.began = memoryview(data), b"", time.perf_counter()
        return self.send()

    def send(self):
        """Send on. Return whether all of the request is sent."""
        try:
            self._left = self._left[self.socket.send(self._left) :]
        except BlockingIOError:
            pass
        return not self._left

    def receive(self):
        """Return (status, body) of the answer, None before all of it has come."""
        data = self.socket.recv(65536)
        if not data:
            raise ConnectionError("the engine closed a connection")
        self._came += data
        head, end, body = self._came.partition(b"\r\n\r\n")
        if not end:
            return None
        fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
        whole = body.endswith(b"0\r\n\r\n") if b"content-length" not in fields else len(body) == _length(fields)
        return (int(head.split(b" ", 2)[1]), body) if whole else None


def _length(fields):
    return int(fields[b"content-length"])


def run(path, data, count, concurrency, warm):
    """Send a request `count` times, so many at a time, after `warm` of them that are not measured.

    Return ([seconds], {(status, body)}), each answer timed from its first byte sent to its last byte read.
    """
    links = {}
    for _number in range(concurrency):
        link = Link(path)
        links[link.socket.fileno()] = link
    poll, times, answers, begun = select.epoll(), [], set(), 0
    try:
        for number, link in links.items():
            poll.register(number, select.EPOLLIN if link.start(data) else select.EPOLLIN | select.EPOLLOUT)
            begun += 1
        while len(times) < count + warm:
            found = poll.poll(SECONDS)
            if not found:
                raise TimeoutError(f"no answer within {SECONDS} s")
            for number, event in found:
                link = links[number]
                if event & select.EPOLLOUT and link.send():
                    poll.modify(number, select.EPOLLIN)
                answer = link.receive() if event & ~select.EPOLLOUT else None
                if answer is None:
                    continue
                times.append(time.perf_counter() - link.began)
                answers.add(answer)
                if begun < count + warm:
                    begun += 1
                    poll.modify(number, select.EPOLLIN if link.start(data) else select.EPOLLIN | select.EPOLLOUT)
    finally:
        poll.close()
        for link in links.values():
            link.socket.close()
    return times[warm:], answers


def percentile(values, part):
    """Return the value that so many percent of them do not exceed (nearest rank)."""
    return sorted(values)[max(0, -(-len(values) * part // 100) - 1)]
