# SPDX-License-Identifier: GPL-3.0-or-later
"""Records tell who did what, and neither a secret nor a line that somebody made up."""

import json
import struct

import pytest

from ansible_collections.containment.docker.plugins.module_utils import (
    _authz_decide,
    _authz_demand,
    _authz_message,
    _authz_names,
)
from ansible_collections.containment.docker.plugins.module_utils import _authz_record as core
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

_P = "DOCKER_AUTHZ_"


class _World:
    def container(self, _text):
        return _authz_names.Container("0" * 64, "web", {}, None, {}, {"Privileged": True})

    def exec(self, text):
        return _authz_demand.Exec(text, "web", "alice")


def _message(method="POST", uri="/containers/web/stop", body=None, user="alice", certificates=("PEM",), status=0):
    data = b"" if body is None else json.dumps(body).encode()
    headers = {} if body is None else {"Content-Type": "application/json", "Content-Length": str(len(data))}
    return _authz_message.Message(user, method, uri, headers, data, list(certificates), status, b"")


def _decision(message, verdict="allow", rule="run[0]", reason="", principal="alice", serial="f1"):
    try:
        demand = _authz_demand.read(message.method, message.uri, message.headers, message.body, _World())
    except ContainmentError:
        demand = None
    if demand is not None:
        for things in demand.things.values():
            for thing in things:
                thing.found()
    return _authz_decide.Decision(verdict, rule, reason, principal, demand, [], serial)


def _fields(message, **keys):
    return core.decision(message, _decision(message, **keys), "digest", "7")


def _create(**body):
    return _message(uri="/v1.47/containers/create?name=shop", body=dict({"Image": "nginx"}, **body))


def test_what_is_told_of_a_decision():
    assert _fields(_message()) == {
        "MESSAGE_ID": core.MESSAGE_ID,
        "PRIORITY": "6",
        "SYSLOG_IDENTIFIER": "containment-authz",
        "MESSAGE": "alice: container.stop web: allowed by run[0]",
        _P + "USER": "alice",
        _P + "AUTHN": "TLS",
        _P + "PRINCIPAL": "alice",
        _P + "CERT_SERIAL": "f1",
        _P + "DECISION": "allow",
        _P + "RULE": "run[0]",
        _P + "METHOD": "POST",
        _P + "ACTION": "container.stop",
        _P + "ROUTE": "/containers/{container}/stop",
        _P + "URI": "/containers/web/stop",
        _P + "CONTAINER": "web",
        _P + "CONTAINER_ID": "0" * 64,
        _P + "POLICY_SHA256": "digest",
        _P + "REQ_ID": "7",
    }


@pytest.mark.parametrize(
    "verdict, priority, words",
    [
        ("allow", "6", "alice: container.stop web: allowed by default: why"),
        ("report", "5", "alice: container.stop web: let pass, though refused by default: why"),
        ("deny", "4", "alice: container.stop web: refused by default: why"),
    ],
)
def test_how_a_decision_is_worded(verdict, priority, words):
    fields = _fields(_message(), verdict=verdict, rule="default", reason="why")
    assert (fields["MESSAGE"], fields["PRIORITY"], fields[_P + "REASON"]) == (words, priority, "why")


def test_nobody_over_the_socket():
    fields = _fields(_message(user="", certificates=()), verdict="deny", principal="", serial="", rule="identity")
    assert fields["MESSAGE"].startswith("'': container.stop web: refused by identity")
    assert fields[_P + "AUTHN"] == "socket"
    assert not {_P + "USER", _P + "PRINCIPAL", _P + "CERT_SERIAL", _P + "REASON"} & set(fields)


def test_what_is_told_of_a_container_that_is_made():
    body = {
        "Entrypoint": ["sh", "-c"],
        "Cmd": ["echo hi"],
        "Env": ["PASSWORD=secret"],
        "Labels": {"secret": "secret"},
        "HostConfig": {"Binds": ["data:/data"], "NetworkMode": "front"},
    }
    fields = _fields(_create(**body))
    assert fields["MESSAGE"] == "alice: container.create shop: allowed by run[0]"
    assert fields[_P + "CMD"] == "sh -c echo hi"
    assert fields[_P + "CONTAINER"] == "shop" and fields[_P + "IMAGE"] == "nginx"
    assert fields[_P + "VOLUME"] == "data" and fields[_P + "NETWORK"] == "front"
    assert _P + "CONTAINER_ID" not in fields and _P + "PRIVILEGED" not in fields
    assert "secret" not in repr(fields)


@pytest.mark.parametrize(
    "body, command",
    [
        ({}, None),
        ({"Cmd": None, "Entrypoint": None}, None),
        ({"Cmd": []}, None),
        ({"Cmd": "sh"}, "sh"),
        ({"Entrypoint": "sh", "Cmd": ["-c", "a"]}, "sh -c a"),
        ({"Cmd": ["a", 5, None, ["b"], "c"]}, None),
        ({"Cmd": 5, "Entrypoint": True}, None),
        ({"Cmd": ["a\nb"]}, "a\\x0ab"),
    ],
)
def test_which_command_is_told(body, command):
    assert _fields(_create(**body)).get(_P + "CMD") == command


def test_what_is_told_of_a_process_in_a_container():
    made = _fields(_message(uri="/containers/web/exec", body={"Cmd": ["id"], "Env": ["A=secret"]}))
    assert made[_P + "CMD"] == "id" and "secret" not in repr(made)
    fields = _fields(_message(uri="/exec/abc123/start", body={"Detach": False, "Tty": False}))
    assert fields[_P + "EXEC_ID"] == "abc123" and fields[_P + "CONTAINER"] == "web"


def test_privilege_is_told():
    fields = _fields(_create(HostConfig={"Privileged": True}))
    assert "Privileged" in fields[_P + "PRIVILEGED"]


@pytest.mark.parametrize(
    "uri, shown",
    [
        ("/build?buildargs=secret", "/build?buildargs=..."),
        ("/build?t=team&buildargs=secret&q=1", "/build?t=team&buildargs=...&q=1"),
        ("/build?remote=https%3A%2F%2Fu%3Asecret%40h&labels=secret", "/build?remote=...&labels=..."),
        ("/v1.47/images/create?fromSrc=secret&repo=team", "/v1.47/images/create?fromSrc=...&repo=team"),
        ("/build?t=remote&remote=secret", "/build?t=remote&remote=..."),
        ("/build?t=remote%3Aa&dockerfile=remote", "/build?t=remote%3Aa&dockerfile=remote"),
        ("/containers/json?all=1", "/containers/json?all=1"),
    ],
)
def test_secrets_of_a_query_are_not_told(uri, shown):
    fields = _fields(_message("GET" if "json" in uri else "POST", uri))
    assert fields[_P + "URI"] == shown and "secret" not in repr(fields)


@pytest.mark.parametrize(
    "uri, shown",
    [
        ("/nowhere?password=secret", "/nowhere?..."),
        ("/nowhere?", "/nowhere?..."),
        ("/nowhere", "/nowhere"),
        ("/build?buildargs=secret&buildargs=secret", "/build?..."),
        ("/build?BuildArgs=secret", "/build?..."),
        ("/build?%62uildargs=secret", "/build?..."),
        ("/build?x?remote=secret", "/build?..."),
    ],
)
def test_a_query_that_cannot_be_read_is_not_told(uri, shown):
    fields = _fields(_message(uri=uri), verdict="deny", rule="request", reason="why")
    assert fields[_P + "URI"] == shown and _P + "ACTION" not in fields and "secret" not in repr(fields)
    assert fields["MESSAGE"] == f"alice: POST {shown}: refused by request: why"


def test_what_is_told_of_a_no_that_no_policy_has_said():
    assert core.refusal(_message("POST", "/build?buildargs=secret"), "policy", "why", "7") == {
        "MESSAGE_ID": core.MESSAGE_ID,
        "PRIORITY": "4",
        "SYSLOG_IDENTIFIER": "containment-authz",
        "MESSAGE": "'alice': POST /build?...: refused by policy: why",
        _P + "USER": "alice",
        _P + "AUTHN": "TLS",
        _P + "DECISION": "deny",
        _P + "RULE": "policy",
        _P + "REASON": "why",
        _P + "METHOD": "POST",
        _P + "URI": "/build?...",
        _P + "REQ_ID": "7",
    }
    unread = core.refusal(None, "call", "why", "7")
    assert unread["MESSAGE"] == "a call: refused by call: why" and _P + "AUTHN" not in unread


def test_what_is_told_of_an_answer():
    fields = core.result(_message("POST", "/build?buildargs=secret", status=200), "alice", "digest", "7")
    assert fields == {
        "MESSAGE_ID": core.RESULT_ID,
        "PRIORITY": "6",
        "SYSLOG_IDENTIFIER": "containment-authz",
        "MESSAGE": "alice: POST /build: 200",
        _P + "USER": "alice",
        _P + "PRINCIPAL": "alice",
        _P + "METHOD": "POST",
        _P + "URI": "/build",
        _P + "STATUS": "200",
        _P + "POLICY_SHA256": "digest",
        _P + "REQ_ID": "7",
    }
    assert core.result(_message(user="bob\n"), "", "digest", "7")["MESSAGE"].startswith("'bob\\n': POST")


@pytest.mark.parametrize(
    "text, shown",
    [
        ("a\nMESSAGE=b", "a\\x0aMESSAGE=b"),
        ("\x1b[31m\x00\r\t\x7f", "\\x1b[31m\\x00\\x0d\\x09\\x7f"),
        ("\x9b31m\x85", "\\x9b31m\\x85"),
        ("\u2028\u2029", "\\x2028\\x2029"),
        ("\u202ea\u200b", "\\x202ea\\x200b"),  # Written from the right; of no width.
        ("\ud800b\udfff", "\\xd800b\\xdfff"),
        ("\u00e9\U0001f600", "\u00e9\U0001f600"),
        ("a" * 2048, "a" * 2048),
        ("a" * 2049, "a" * 2048 + "..."),
        ("a" * 1000000, "a" * 2048 + "..."),
    ],
)
def test_what_clients_send_is_shown_on_one_line_and_shortened(text, shown):
    fields = _fields(_message(method=text, uri="/" + text, user=text), verdict="deny", reason=text, principal="")
    assert fields[_P + "USER"] == fields[_P + "METHOD"] == fields[_P + "REASON"] == shown
    assert all(value.isprintable() for value in fields.values())
    core.journal(fields).decode("utf-8")
    assert core.journal(fields).count(b"\n") == len(fields)
    assert b"\n" not in core.syslog(fields, 1)


def test_a_newline_in_the_journal():
    data = core.journal({"A": "b", "C": "d\n\u00e9", "E": ""})
    assert data == b"A=b\nC\n" + struct.pack("<Q", 4) + b"d\n\xc3\xa9\nE=\n"
    assert core.journal({"A": "\nB=c"}) == b"A\n\x04\0\0\0\0\0\0\0\nB=c\n"


def test_a_line_of_syslog():
    fields = _fields(_message(user="o'n"), verdict="deny", rule="default", reason="why \u00e9")
    line = core.syslog(fields, 42).decode("utf-8")
    start = "<84>containment-authz[42]: alice: container.stop web: refused by default: why \u00e9 DOCKER_AUTHZ_ACTION="
    assert line.startswith(start + "'container.stop' DOCKER_AUTHZ_AUTHN='TLS' ")
    assert 'DOCKER_AUTHZ_USER="o\'n"' in line and "DOCKER_AUTHZ_REASON='why \\xe9'" in line
    assert "MESSAGE_ID" not in line and "PRIORITY" not in line
    assert core.syslog(_fields(_message()), 1).startswith(b"<86>")


def test_how_long_a_line_of_syslog_is():
    fields = _fields(_create(Cmd=["a" * 5000]), reason="b" * 5000, verdict="deny", serial="c" * 5000)
    assert len(core.syslog(fields, 1)) == 8000
