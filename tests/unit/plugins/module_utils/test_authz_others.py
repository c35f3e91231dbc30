# SPDX-License-Identifier: GPL-3.0-or-later
"""Another plugin is found where engines look for it, and has to answer as one for authorization.

Engine and plugin are doubles here, real servers on unix sockets in a folder of the test's: each gives one answer.
"""

import http.server
import json
import os
import socketserver
import threading

import pytest

from ansible_collections.containment.docker.plugins.module_utils import _authz_host as core
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="folders that others can write to are refused")

AUTHZ, OTHER = {"Implements": ["authz"]}, {"Implements": ["VolumeDriver"]}


@pytest.fixture
def serve():
    """Return serve(path, answer), which has a server answer every request with a value as JSON."""
    servers = []

    def start(path, answer):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                data = json.dumps(answer).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST

            def log_message(self, *_words):
                pass

        path.parent.mkdir(parents=True, exist_ok=True)
        server = socketserver.UnixStreamServer(str(path), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        return str(path)

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def place(tmp_path, monkeypatch):
    """Where an engine looks: sockets in run, addresses in etc and in usr."""
    for name in ("run", "etc", "usr"):
        (tmp_path / name).mkdir()
    monkeypatch.setattr(core, "SOCKETS", str(tmp_path / "run"))
    monkeypatch.setattr(core, "SPECS", (str(tmp_path / "etc"), str(tmp_path / "usr")))
    return tmp_path


@pytest.mark.parametrize("file", ["run/x.sock", "run/x/x.sock"])
def test_a_plugin_at_a_socket_is_asked_what_it_is(place, serve, file):
    engine = serve(place / "engine", [])
    serve(place / file, AUTHZ)
    core.activate("x", engine)
    with pytest.raises(ContainmentError, match="plugin y: is neither managed by the engine nor at a socket"):
        core.activate("y", engine)


@pytest.mark.parametrize("file", ["etc/x.spec", "etc/x/x.spec", "usr/x.spec", "usr/x/x.json", "etc/x.json"])
def test_a_plugin_whose_address_is_in_a_file_is_asked_what_it_is(place, serve, file):
    engine = serve(place / "engine", [])
    address = "unix://" + serve(place / "else/own.sock", AUTHZ)
    path = place / file
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({"Name": "x", "Addr": address}) if path.suffix == ".json" else address + "\n")
    core.activate("x", engine)


def test_the_first_place_counts_and_a_file_that_is_no_socket_does_not(place):
    for folder in ("etc", "usr"):
        (place / folder / "x.spec").write_text(f"unix:///{folder}")
    (place / "etc/x.json").write_text('{"Addr": "unix:///json"}')
    (place / "run/x.sock").write_text("")
    assert core._address("x") == "unix:///etc"


@pytest.mark.parametrize("text", ["{", "[]", "5", "\xff"])
def test_a_file_that_tells_no_address_is_told(place, text):
    (place / "etc/x.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(ContainmentError, match=r"etc/x.json: tells no address; mend the file"):
        core._address("x")


@pytest.mark.parametrize("address", ["tcp://192.0.2.1:1", "http://192.0.2.1", ""])
def test_a_plugin_that_is_not_at_a_unix_socket_is_refused(place, serve, address):
    (place / "etc/x.json").write_text(json.dumps({"Addr": address}))
    with pytest.raises(ContainmentError, match=f"plugin x: is at {address}; have it listen on a unix socket"):
        core.activate("x", serve(place / "engine", []))


def test_a_plugin_that_is_none_for_authorization_or_silent_is_refused(place, serve):
    engine = serve(place / "engine", [])
    serve(place / "run/x.sock", OTHER)
    with pytest.raises(ContainmentError, match="plugin x: is none for authorization"):
        core.activate("x", engine)
    (place / "etc/y.spec").write_text(f"unix://{place}/none.sock")
    with pytest.raises(ContainmentError, match="plugin y: does not answer"):
        core.activate("y", engine)


def managed(name, enabled=True, kind="docker.authz/1.0"):
    return {"Name": name, "Enabled": enabled, "Config": {"Interface": {"Types": [kind]}}}


@pytest.mark.parametrize(
    ("listed", "cause"),
    [
        (managed("x:latest"), None),
        (managed("x"), None),
        (managed("x:latest", enabled=False), "plugin x: is not enabled; run docker plugin enable x"),
        (managed("x:latest", kind="docker.volumedriver/1.0"), "plugin x: is none for authorization"),
        (managed("x:2"), "plugin x: is neither managed"),
    ],
)
def test_a_managed_plugin_of_the_name_comes_first(place, serve, listed, cause):
    engine = serve(place / "engine", [managed("other"), listed])
    if cause is None:
        core.activate("x", engine)
    else:
        with pytest.raises(ContainmentError, match=cause):
            core.activate("x", engine)
