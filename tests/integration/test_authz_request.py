# SPDX-License-Identifier: GPL-3.0-or-later
"""What is accepted of a request's URI is the route that a real engine has for it, and has it alone."""

import json
import random
import re
import socket

import pytest

from ansible_collections.containment.docker.plugins.module_utils import _authz_request as core
from ansible_collections.containment.docker.plugins.module_utils import _authz_routes
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

NAMES = (
    "nobody",
    "json",
    "create",
    "a.b",
    "a/b",
    "a/json",
    "..",
    ".",
    "",
    "%2e%2e",
    "a%2Fjson",
    "a:1",
    "a%40b",
    "%C3%A9",
)
PUT_IN = ("/", "//", "/.", "/json", "%2F", "%6a", ";", "%", "%00", "?", "#", "\t")
VERSIONS = ("", "/v1.41", "/v1.24", "/v1.041", "/v1.4.1", "/v", "/v1.41/v1.41", "/V1.41")
# Answers do not end, or read what is sent, whatever is asked for.
STREAMS = ("system.events", "container.attach", "build.session", "build.grpc", "build.run", "image.load")
# Newer than 28.5, with debug alone, and no more in 26.1.
NOT_ALWAYS = re.compile(r"/images/.*/attestations|/debug/.*|/containers/.*/copy")


def ask(host, method, uri):
    """Send a request as it is; return (status, message of an error) of the answer."""
    with socket.socket(socket.AF_UNIX) as link:
        link.settimeout(20)
        link.connect(f"{host.root}/run/docker.sock")
        length = "Content-Length: 0\r\n" if method in ("POST", "PUT") else ""
        link.sendall(f"{method} {uri} HTTP/1.1\r\nHost: docker\r\n{length}Connection: close\r\n\r\n".encode())
        data = b""
        while True:
            part = link.recv(65536)
            if not part:
                break
            data += part
    head, _end, body = data.partition(b"\r\n\r\n")
    found = re.search(rb'\{"message":.*\}', body)
    return int(head.split()[1]), json.loads(found.group())["message"] if found else ""


def spellings(draw, count):
    """Yield (method, URI) of routes that change nothing for names that nothing has, most of them spelt oddly."""
    routes = [one for one in _authz_routes.ROUTES if one[2] not in STREAMS and not NOT_ALWAYS.fullmatch(one[1])]
    harmless = [one for one in routes if one[0] in ("GET", "HEAD") or "{container}" in one[1]]
    for _number in range(count):
        method, path, _action, _query = draw.choice(harmless)
        path = re.sub(r"\{\w+\}", lambda _found: draw.choice(NAMES), path)
        if draw.random() < 0.5:
            place = draw.randint(0, len(path))
            path = path[:place] + draw.choice(PUT_IN) + path[place:]
        yield method, draw.choice(VERSIONS) + path


@pytest.mark.parametrize("suite", ["bookworm", "forky"])
def test_what_is_accepted_has_a_route_in_an_engine(request, suite):
    host = request.getfixturevalue(suite)
    accepted = refused = 0
    for method, uri in spellings(random.Random(7), 1200):  # noqa: S311 - the same ones each time
        try:
            found = core.read(method, uri)
        except ContainmentError:
            refused += 1
            continue
        accepted += 1
        status, message = ask(host, method, uri)
        # Without a word of the route's own: redirected, or refused by the HTTP server.
        nowhere = (
            (status, message) == (404, "page not found") or status in (301, 405) or (status == 400 and not message)
        )
        assert not nowhere or method == "HEAD", (method, uri, found, status)
        # Its error names the object that was asked for.
        if status == 404 and method != "HEAD" and found.objects and "o such" in message:
            assert next(iter(found.objects.values())) in message, (uri, found, message)
    assert accepted > 50 and refused > 100, (accepted, refused)


@pytest.mark.parametrize("suite", ["bookworm", "forky"])
def test_every_route_is_one_of_an_engines(request, suite):
    """Of those that only ask; what an engine is too old for is told as such."""
    host = request.getfixturevalue(suite)
    missing = set()
    for method, path, action, _query in _authz_routes.ROUTES:
        if method == "GET" and action not in STREAMS:
            status, message = ask(host, method, re.sub(r"\{\w+\}", "nobody", path))
            if (status, message) == (404, "page not found"):
                missing.add(path)
    assert all(NOT_ALWAYS.fullmatch(path) for path in missing), missing
