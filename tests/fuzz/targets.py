# SPDX-License-Identifier: GPL-3.0-or-later
"""What is fuzzed: of each target the inputs to begin with, and what has to hold for any other.

Nothing raises but ContainmentError; what the plugin takes, Go reads alike; what it allows, it allows however it is
written. AssertionError says what does not hold.
"""

import base64
import collections
import itertools
import json
import re
import urllib.parse

from ansible_collections.containment.docker.plugins.module_utils import (
    _authz_certificate,
    _authz_decide,
    _authz_http,
    _authz_json,
    _authz_message,
    _authz_record,
    _authz_request,
    _authz_routes,
)
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError
from tests.fuzz import readings
from tests.integration import authz_hostile

# seeds: function() -> bytes of inputs. run: function(data, Readings by name). structured: whether an input ends in JSON
# that is to stay such, behind a first line where `lines` says so.
Target = collections.namedtuple("Target", "seeds run structured lines", defaults=(False, False))

# What is put into inputs besides the names of fields.
WORDS = (
    "null",
    "true",
    "\\u017f",
    "\\ud800",
    "%2F",
    "%2e",
    "%00",
    "+",
    "?",
    "&",
    "=",
    "#",
    ";",
    "..",
    "//",
    "/v1.41",
    "/json",
)

_HEADERS = re.compile(r"\t([0-9])([0-9])\Z")

_PLAIN = {
    "/containers/create?name=a": {
        "Image": "foobar",
        "Cmd": ["true"],
        "Env": ["A=b"],
        "ExposedPorts": {"80/tcp": {}},
        "Healthcheck": {"Test": ["NONE"], "Interval": 5},
        "Labels": {"a": "b"},
        "Volumes": {"/x": {}},
        "HostConfig": {
            "Binds": ["data:/data:ro"],
            "CapAdd": ["CHOWN"],
            "CapDrop": ["ALL"],
            "ConsoleSize": [1, 2],
            "LogConfig": {"Type": "json-file", "Config": {"max-size": "1m"}},
            "Memory": 33554432,
            "Mounts": [{"Type": "volume", "Source": "data", "Target": "/y", "VolumeOptions": {"Labels": {"a": "b"}}}],
            "NetworkMode": "bridge",
            "PortBindings": {"80/tcp": [{"HostIp": "", "HostPort": "8080"}]},
            "RestartPolicy": {"Name": "always", "MaximumRetryCount": 0},
            "SecurityOpt": ["no-new-privileges"],
            "Sysctls": {"net.ipv4.tcp_syncookies": "1"},
            "Tmpfs": {"/run": "rw,size=1m"},
            "Ulimits": [{"Name": "nofile", "Hard": 9, "Soft": 8}],
        },
        "NetworkingConfig": {"EndpointsConfig": {"bridge": {"Aliases": ["b"], "IPAMConfig": {"IPv4Address": ""}}}},
    },
    "/containers/a/update": {"Memory": 33554432, "RestartPolicy": {"Name": "no"}, "PidsLimit": 5},
    "/containers/a/exec": {"Cmd": ["id"], "Env": ["A=b"], "User": "1000", "Tty": True, "Container": "a"},
    "/exec/0123456789abcdef/start": {"Detach": True, "Tty": False},
    "/volumes/create": {"Name": "data", "Driver": "local", "Labels": {"a": "b"}},
    "/networks/create": {
        "Name": "net",
        "CheckDuplicate": True,
        "IPAM": {"Driver": "default", "Config": []},
        "Options": {"com.docker.network.driver.mtu": "1400"},
    },
    "/networks/net/connect": {"Container": "a", "EndpointConfig": {"Aliases": ["b"], "GwPriority": 2}},
    "/networks/net/disconnect": {"Container": "a", "Force": True},
    "/commit?container=a&repo=b": {"Cmd": ["id"], "Env": ["A=b"]},
}


def _plain():
    """Return [(method, URI, body)] of requests that are allowed, one for each kind of body."""
    return [("POST", "/v1.41" + path, json.dumps(body).encode()) for path, body in _PLAIN.items()]


def _hostile():
    """Return [(method, URI, body)] of the requests that the real engines are sent."""
    found = []
    ids = collections.defaultdict(lambda: "ab" * 32)
    for _policy, make in authz_hostile.CLASSES.values():
        for case in make(ids):
            head, _end, body = case.data.partition(b"\r\n\r\n")
            parts = head.partition(b"\r\n")[0].decode("utf-8", "surrogateescape").split(" ")
            if len(parts) == 3 and len(body) < 4096:
                found.append((parts[0], parts[1], body))
    return found


def requests():
    """Return [(method, URI, body)] of requests to begin with, those that are allowed first."""
    return _plain() + _hostile()


def lines():
    """Return [(method, URI)] of request lines to begin with."""
    return [(method, uri) for method, uri, _body in requests()]


def _line(method, uri, body, headers=""):
    return f"{method} {uri}{headers}\n".encode("utf-8", "surrogateescape") + body


def _split(data):
    """Return (method, URI, body) of an input: the engine tells the URI as JSON, in which all is UTF-8."""
    line, _end, body = data.partition(b"\n")
    method, _space, uri = _HEADERS.sub("", line.decode("utf-8", "replace")).partition(" ")
    return method, uri, body


def _headers(data):
    """Return the headers that an input says by two digits behind a tab, None where it does not: those of JSON."""
    line, _end, body = data.partition(b"\n")
    found = _HEADERS.search(line.decode("utf-8", "replace"))
    return readings.headers(int(found.group(1)), int(found.group(2)), body) if found else None


def _json_seeds():
    return [body for _method, _uri, body in requests() if body]


def _json_run(data, their):
    for reading in their.values():
        said = readings.in_any(reading, data)
        assert not said, said
    for kind in (dict, list):
        try:
            value = _authz_json.parse(data, kind)
        except ContainmentError:
            continue
        assert isinstance(value, kind)
        assert _authz_json.parse(json.dumps(value).encode(), kind) == value


def _request_seeds():
    routes = [(method, path) for method, path, _action, _query in _authz_routes.ROUTES]
    plain = [(method, path.replace("{", "").replace("}", "")) for method, path in routes]
    odd = [(method, urllib.parse.quote(path)) for method, path in routes]  # as if a placeholder were a name
    return [f"{method} {uri}".encode("utf-8", "surrogateescape") for method, uri in lines() + plain + odd]


def _request_run(data, their):
    method, uri, _body = _split(data)
    for reading in their.values():
        said = readings.in_request(reading, method, uri)
        assert not said, said
    try:
        assert _authz_request.read(method, uri).method == method
    except ContainmentError as refused:
        assert str(refused).isprintable(), str(refused)


def bodied():
    """Return [(method, URI, body)] of a request for each route with a method that may have a body."""
    routes = [(method, path) for method, path, _action, _query in _authz_routes.ROUTES if method in ("POST", "PUT")]
    return [(method, "/v1.41" + re.sub("[{}]", "", path), b"a=b") for method, path in routes] + [
        ("POST", "/v1.41/build?t=foobar", b"a=b"),
        ("POST", "/v1.41/images/create?fromImage=foobar&tag=1", b"a=b"),
        ("POST", "/v1.41/images/create?fromSrc=-&repo=foobar", b"a=b"),
    ]


def _decide_seeds():
    """Each body as JSON, and each route with some headers: which, other routes have."""
    pairs = [(kind, length) for kind in range(len(readings.TYPES)) for length in range(len(readings.LENGTHS))]
    with_headers = zip(bodied() * 3, itertools.cycle(pairs))
    return [_line(*one) for one in requests() if one[2]] + [
        _line(*one, headers="\t%d%d" % pair) for one, pair in with_headers
    ]


def _decide_run(data, their):
    method, uri, body = _split(data)
    headers = _headers(data)
    if headers is not None:
        said = readings.in_headers(method, uri, body, headers)
        assert not said, said
        _recorded(readings.message(method, uri, body, headers))
    for reading in their.values():
        said = readings.in_body(reading, method, uri, body)
        assert not said, said
    _recorded(readings.message(method, uri, body))


def _recorded(asked):
    """Decide on a message, and record it as the service does."""
    found = _authz_decide.decide(readings.POLICY, asked, readings.World())
    fields = _authz_record.decision(asked, found, readings.POLICY.digest, "1")
    assert _authz_record.journal(fields) and _authz_record.syslog(fields, 1)
    assert found.verdict == _authz_decide.ALLOW or found.reason.isprintable(), found.reason


def _call(method, uri, body):
    value = {
        "User": "alice",
        "RequestMethod": method,
        "RequestUri": uri.encode("utf-8", "surrogateescape").decode("utf-8", "replace"),
        "RequestBody": base64.b64encode(body).decode(),
        "RequestHeaders": {"Content-Type": "application/json", "Content-Length": str(len(body))},
    }
    return json.dumps(value).encode()


def _message_seeds():
    certificate = {"RequestPeerCertificates": [base64.b64encode(one).decode() for one in _certificate_seeds()]}
    return [_call(*one) for one in _plain() + _hostile()[::5]] + [
        json.dumps(certificate).encode(),
        b'{"ResponseStatusCode":201,"ResponseBody":"e30="}',
    ]


def _message_run(data, _their):
    try:
        asked = _authz_message.read(data)
    except ContainmentError:
        return
    _recorded(asked)


def _http_seeds():
    head = (
        "POST /AuthZPlugin.AuthZReq HTTP/1.1\r\nHost: \r\nUser-Agent: Go-http-client/1.1\r\nContent-Length: %d\r\n\r\n"
    )
    calls = [(head % len(one)).encode() + one for one in (_call(*asked) for asked in _plain())]
    return [*calls, calls[0] + calls[1], b"POST /Plugin.Activate HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"]


def _http_run(data, _their):
    """The calls in a stream are the same, in whichever parts it comes."""
    calls = _calls(data, len(data) or 1)
    assert calls == _calls(data, 7)
    for call in calls:
        if call is not None:
            _message_run(call[1], None)


def _calls(data, size):
    """Return the calls of a stream that is read in parts of so many bytes, None behind them where it is refused."""
    reader, found = _authz_http.Reader(), []
    try:
        for place in range(0, len(data), size):
            reader.feed(data[place : place + size])
            call = reader.call()
            while call is not None:
                found.append(call)
                call = reader.call()
    except ContainmentError:
        found.append(None)
    return found


_CERTIFICATE = b"""-----BEGIN CERTIFICATE-----
MIIBXzCCAQWgAwIBAgICAIAwCgYIKoZIzj0EAwIwDjEMMAoGA1UEAwwDYm9iMB4X
DTI2MTIwMTAyNTI1N1oXDTM2MTEyODAyNTI1N1owDjEMMAoGA1UEAwwDYm9iMFkw
EwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEBHjiZp+4fRK5VJPGQt68/nbST5JBBz7M
E24zdYcJOXnr0ToyBaF7/4WI16R79Rme6G4YDCEA4b4bVBD59CGxz6NTMFEwHQYD
VR0OBBYEFIumHGREJ4gcl+08Mc56A84AqJycMB8GA1UdIwQYMBaAFIumHGREJ4gc
l+08Mc56A84AqJycMA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDSAAwRQIg
f+//w/keOlMyuReicF2+xmjYpVhT/nc52kALNiQA6zkCIQDuFiY1VlH3bIAMgtAH
C2YE5HTzE/8aBJpJUgVNuGgPRg==
-----END CERTIFICATE-----
"""


def _certificate_seeds():
    lines = _CERTIFICATE.split(b"\n")
    return [_CERTIFICATE, base64.b64decode(b"".join(lines[1:-2]))]


def _certificate_run(data, _their):
    """data: the DER of a certificate, or its PEM."""
    wrapped = b"-----BEGIN CERTIFICATE-----\n" + base64.b64encode(data) + b"\n-----END CERTIFICATE-----\n"
    for pem in (data.decode("latin-1"), wrapped.decode("ascii")):
        try:
            found = _authz_certificate.identity(pem)
        except ContainmentError:
            continue
        assert found.serial and int(found.serial, 16) >= 0 and found.key.startswith("sha256:")


TARGETS = {
    "certificate": Target(_certificate_seeds, _certificate_run),
    "decide": Target(_decide_seeds, _decide_run, True, True),
    "http": Target(_http_seeds, _http_run),
    "json": Target(_json_seeds, _json_run, True),
    "message": Target(_message_seeds, _message_run, True),
    "request": Target(_request_seeds, _request_run),
}
