# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Docker Engine API over a unix socket, with the standard library alone.

No function here decides what to ask or what an answer means.
"""

import http.client
import json
import os
import socket as sockets
import struct
import urllib.parse

from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

# An answer read whole is bounded, so that an engine that belongs to somebody else cannot eat the host's memory.
MAX_BYTES = 64 * 1024 * 1024
STREAMS = {0: "stdin", 1: "stdout", 2: "stderr"}


class EngineError(ContainmentError):
    """What an engine refused or did not answer.

    status: HTTP status of the engine's answer; None where there was none.
    hung: True where a time-out ran out: the engine accepts connections or requests and does not answer them.
    absent: True where nobody listens on the socket.
    """

    def __init__(self, subject, cause, mend, status=None, hung=False, absent=False):
        super().__init__(subject, cause, mend)
        self.status, self.hung, self.absent = status, hung, absent


class _Connection(http.client.HTTPConnection):
    def __init__(self, path, timeout):
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self):
        channel = sockets.socket(sockets.AF_UNIX, sockets.SOCK_STREAM)
        try:
            channel.settimeout(self.timeout)
            channel.connect(self._path)
        except BaseException:
            channel.close()
            raise
        self.sock = channel


class Engine:
    """One engine, one kept-alive connection, opened by the first request. A context manager that closes it.

    socket: path of the unix socket, or unix://PATH. timeout: seconds without a byte from the engine; each request may
      have its own.
    calls: number of requests sent so far.
    """

    def __init__(self, socket="/run/docker.sock", timeout=10):
        self.socket = socket_path(socket)
        self.timeout = timeout
        self.calls = 0
        self._connection = None

    def __enter__(self):
        return self

    def __exit__(self, *_exception):
        self.close()

    def close(self):
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def peer(self):
        """Return the uid of who listens on the socket (unix(7), SO_PEERCRED). Raises EngineError where nobody does."""
        self.get("/_ping")
        channel = self._connection.sock if self._connection else None
        if channel is None:  # The answer closed it.
            self._connection = _Connection(self.socket, self.timeout)
            self._connection.connect()
            channel = self._connection.sock
        return struct.unpack("=iii", channel.getsockopt(sockets.SOL_SOCKET, sockets.SO_PEERCRED, 12))[1]

    def get(self, path, query=None, timeout=None):
        return self.request("GET", path, query, timeout=timeout)

    def post(self, path, body=None, query=None, headers=None, timeout=None):
        return self.request("POST", path, query, body, headers, timeout=timeout)

    def delete(self, path, query=None, timeout=None):
        return self.request("DELETE", path, query, timeout=timeout)

    def json(self, method, path, query=None, body=None, headers=None, timeout=None):
        """Like `request`, for answers that have to be JSON: EngineError for anything else."""
        answer = self.request(method, path, query, body, headers, timeout=timeout)
        if isinstance(answer, bytes):
            raise self._error(
                method,
                path,
                "answered with something that is not JSON",
                "check that a Docker Engine listens on this socket",
            )
        return answer

    def request(self, method, path, query=None, body=None, headers=None, stream=False, timeout=None):
        """Send one request; return decoded JSON, bytes for any other content, None for an empty answer.

        path: "/containers/json", with or without a version in front. query: {name: value}; True and False become 1 and
          0, dicts and lists become JSON, a tuple is a parameter for each of its texts, None is left out. body: dict or
          list (sent as JSON), bytes, or a file or an iterable of bytes (sent chunked). stream: return the
          http.client.HTTPResponse instead, to be read piece by piece and closed before the next request.
        timeout: seconds without a byte, instead of the engine's.
        Raises EngineError: status 400 and above with the engine's own message, no engine there, no answer in time.
        """
        target = _target(path, query)
        payload, headers = _payload(body, headers)
        response = self._send(method, target, payload, headers, self.timeout if timeout is None else timeout)
        if stream and response.status < 400:
            return response
        data = self._read(response, method, path)
        kind = (response.headers.get("Content-Type") or "").split(";")[0].strip()
        if response.will_close:
            self.close()
        if response.status >= 400:
            raise self._refusal(method, path, response.status, data)
        if not data:
            return None
        if kind != "application/json":
            return data
        try:
            return json.loads(data.decode("utf-8"))
        except (ValueError, RecursionError):
            raise self._error(
                method,
                path,
                "answered with malformed JSON",
                "ask for the progress of pulls and imports with progress()",
            ) from None

    def progress(self, method, path, query=None, body=None, headers=None, timeout=None):
        """Like `request`, for pull, import, load and build, which answer one JSON object a line: return the list of
        them.

        The engine answers 200 before it knows; a failure is a line with "error": EngineError with its message.
        """
        response = self.request(method, path, query, body, headers, stream=True, timeout=timeout)
        try:
            data = self._read(response, method, path)
        finally:
            response.close()
            self.close()
        try:
            lines = [json.loads(line.decode("utf-8")) for line in data.splitlines() if line.strip()]
        except (ValueError, RecursionError):
            raise self._error(
                method, path, "answered with malformed JSON", "check that a Docker Engine listens on this socket"
            ) from None
        for line in lines:
            if "error" in line:
                raise self._error(method, path, f"failed: {str(line['error']).strip()}", "mend what the engine names")
        return lines

    def logs(self, container, tty=False, **query):
        """Return (stdout, stderr) in bytes of a container; with `tty` the engine sends one stream and stderr is
        empty."""
        query = dict({"stdout": True, "stderr": True}, **query)
        response = self.request("GET", f"/containers/{container}/logs", query, stream=True)
        try:
            parts = {"stdout": [], "stderr": []}
            size = 0
            for name, data in frames(response, tty):
                size += len(data)
                if size > MAX_BYTES:
                    raise self._error(
                        "GET", "logs", f"sends more than {MAX_BYTES} bytes", "ask for fewer lines with tail"
                    )
                parts.setdefault(name, []).append(data)
        except (OSError, ValueError, http.client.HTTPException) as error:
            raise self._broken("GET", f"/containers/{container}/logs", error) from error
        finally:
            response.close()
            self.close()
        return b"".join(parts["stdout"]), b"".join(parts["stderr"])

    def _send(self, method, target, payload, headers, timeout):
        fresh = self._connection is None
        try:
            return self._exchange(method, target, payload, headers, timeout)
        except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError) as error:
            self.close()
            # An engine may close an idle connection at any time; only what changes nothing is sent a second time.
            if fresh or method not in ("GET", "HEAD"):
                raise self._broken(method, target, error) from error
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise self._broken(method, target, error) from error
        try:
            return self._exchange(method, target, payload, headers, timeout)
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise self._broken(method, target, error) from error

    def _exchange(self, method, target, payload, headers, timeout):
        if self._connection is None:
            self._connection = _Connection(self.socket, timeout)
            self._connection.connect()
        self._connection.sock.settimeout(timeout)
        self.calls += 1
        try:
            self._connection.request(method, target, payload, headers, encode_chunked="Transfer-Encoding" in headers)
        except BrokenPipeError:
            # An engine that refuses a large body answers and closes before it has read it: the reason is there to be
            # read.
            if payload is None:
                raise
        return self._connection.getresponse()

    def _read(self, response, method, path):
        data = bytearray()
        try:
            # In pieces: older interpreters set the whole of what is asked for aside.
            piece = response.read(65536)
            while piece and len(data) <= MAX_BYTES:
                data += piece
                piece = response.read(65536)
            # A read with a size takes the end of the connection for the end of the answer.
            if not piece and response.length:
                raise http.client.IncompleteRead(b"", response.length)
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise self._broken(method, path, error) from error
        if len(data) > MAX_BYTES:
            self.close()
            raise self._error(method, path, f"answers with more than {MAX_BYTES} bytes", "read this answer as a stream")
        return bytes(data)

    def _refusal(self, method, path, status, data):
        text = data.decode("utf-8", "replace").strip()
        try:
            message = json.loads(text)["message"]
        except (ValueError, KeyError, TypeError, RecursionError):
            message = text
        return self._error(
            method,
            path,
            f"was answered with {status}: {str(message).strip().encode('utf-8', 'replace').decode('utf-8')}",
            "mend what the engine names",
            status=status,
        )

    def _broken(self, method, path, error):
        if isinstance(error, sockets.timeout):
            return self._error(
                method,
                path,
                "got no answer in time, the engine hangs",
                "look at its log and its stack (kill -USR1 of dockerd), then restart it",
                hung=True,
            )
        if isinstance(error, FileNotFoundError):
            return self._error(
                method, path, "there is no such socket, no engine runs here", "start the engine", absent=True
            )
        if isinstance(error, ConnectionRefusedError):
            return self._error(
                method,
                path,
                "nobody listens on the socket, the engine is dead",
                "read its log, mend the cause, start it",
                absent=True,
            )
        if isinstance(error, PermissionError):
            return self._error(method, path, f"uid {os.geteuid()} may not use the socket", "run with become: true")
        return self._error(
            method, path, f"the connection broke off ({str(error) or type(error).__name__})", "read the engine's log"
        )

    def _error(self, method, path, cause, mend, **more):
        return EngineError(f"engine at {self.socket}, {method} {path.split('?')[0]}", cause, mend, **more)


def socket_path(address):
    """Return the path of a unix socket given as PATH or unix://PATH. Raises ContainmentError for other schemes and
    relative paths."""
    path = address[len("unix://") :] if address.startswith("unix://") else address
    if not path.startswith("/") or "\0" in path:
        raise ContainmentError(
            f"socket {address!r}", "is not the absolute path of a unix socket", "give it as /run/docker.sock"
        )
    if len(os.fsencode(path)) > 107:
        raise ContainmentError(
            f"socket {address!r}", "is longer than the 107 bytes the kernel takes", "give a shorter path to it"
        )
    return path


def frames(stream, tty=False):
    """Yield (stream name, bytes) of a logs or attach answer: "stdout", "stderr", "stdin".

    stream: anything with read(n). Without a tty the engine multiplexes: a header of 8 bytes (stream, three zeros,
      length as a big-endian
    32-bit number) before each piece (Docker Engine API, ContainerAttach). Raises ValueError where the stream ends
    inside a frame or is none of that.
    """
    while True:
        if tty:
            data = stream.read(65536)
            if not data:
                return
            yield "stdout", data
            continue
        header = _exactly(stream, 8)
        if not header:
            return
        if len(header) < 8 or header[0] not in STREAMS or header[1:4] != bytes(3):
            raise ValueError("this is not a multiplexed stream of the engine, or it ends inside a header")
        left = struct.unpack(">I", header[4:])[0]
        while left:
            data = _exactly(stream, min(left, 65536))
            if not data:
                raise ValueError(f"the stream ends {left} bytes before the end of a frame")
            left -= len(data)
            yield STREAMS[header[0]], data


def _exactly(stream, size):
    parts = []
    while size:
        data = stream.read(size)
        if not data:
            break
        parts.append(data)
        size -= len(data)
    return b"".join(parts)


def _target(path, query):
    if not path.startswith("/") or any(character <= " " or character in "?#\x7f" for character in path):
        raise ContainmentError(
            f"path {path!r} of the Engine API",
            "is not an absolute path without query",
            "quote it and pass the query apart",
        )
    words = {}
    for name, value in (query or {}).items():
        if value is None:
            continue
        if isinstance(value, bool):
            value = "1" if value else "0"
        elif isinstance(value, (dict, list)):
            value = json.dumps(value)
        words[name] = value
    return path + ("?" + urllib.parse.urlencode(words, doseq=True) if words else "")


def _payload(body, headers):
    headers = dict(headers or {})
    if isinstance(body, (dict, list)):
        headers.setdefault("Content-Type", "application/json")
        return json.dumps(body).encode("utf-8"), headers
    if body is None:
        return None, headers
    headers.setdefault("Content-Type", "application/x-tar")
    if not isinstance(body, bytes):
        headers["Transfer-Encoding"] = "chunked"
    return body, headers
