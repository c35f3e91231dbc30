# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests that try to get past the plugin, as bytes over TLS with a client's certificate: none reaches the engine."""

import base64
import collections
import json
import re
import time
import zlib

import pytest

from ansible_collections.containment.docker.plugins.module_utils import _authz_install
from tests.integration import authz
from tests.integration.authz_hostile import (
    API,
    CLASSES,
    CREATE,
    JSON,
    MIB,
    PRIVILEGED,
    THIRD,
    Case,
    chunked,
    create,
    request,
)

CLIENT = """
import base64, concurrent.futures, json, os, socket, ssl, sys, zlib

def ask(case):
    admin, data, cut, alpn, _allowed = case
    context = ssl.create_default_context(cafile="/etc/docker/tls/ca.pem")
    context.load_cert_chain(f"/etc/docker/tls/{admin}.pem", f"/etc/docker/tls/{admin}-key.pem")
    if alpn:
        context.set_alpn_protocols(["h2", "http/1.1"])
    answer = b""
    link = socket.create_connection(("127.0.0.1", PORT), 30)
    with context.wrap_socket(link, server_hostname="127.0.0.1") as link:
        link.settimeout(30)
        try:
            link.sendall(base64.b64decode(data))
        except OSError:
            pass  # It is refused before all of it was read.
        if cut:
            with socket.socket(fileno=os.dup(link.fileno())) as raw:
                raw.shutdown(socket.SHUT_WR)
        try:
            while len(answer) < 8192:
                part = link.recv(65536)
                if not part:
                    break
                answer += part
        except OSError as error:
            answer += f"[{type(error).__name__}]".encode()
    return answer.decode("latin-1")

with concurrent.futures.ThreadPoolExecutor(8) as pool:
    print(json.dumps(list(pool.map(ask, json.loads(zlib.decompress(base64.b64decode(sys.stdin.read())))))))
""".replace("PORT", str(authz.PORT))
SNAPSHOT = """
set -e
cd /
docker ps -a --no-trunc --format '{{.ID}} {{.Names}} {{.Image}} {{.State}}'
for one in $(docker ps -aq --no-trunc); do docker diff $one; done
docker volume ls -q | xargs docker volume inspect
docker network ls -q --no-trunc | xargs docker network inspect
docker image ls -a --no-trunc --digests --format '{{.ID}} {{.Repository}} {{.Tag}} {{.Digest}}'
docker plugin ls
docker info --format '{{.Swarm.LocalNodeState}} {{.DriverStatus}}'
"""


def ask(host, cases):
    """Send requests, eight at a time; return what each is answered, as text."""
    shown = [[one.admin, base64.b64encode(one.data).decode(), *one[2:]] for one in cases]
    packed = base64.b64encode(zlib.compress(json.dumps(shown).encode())).decode()
    return json.loads(host.run(["python3", "-c", CLIENT], input=packed).stdout)


def snapshot(host):
    """Return all that an engine has, in an order of its own."""
    found = json.loads(host.run(["sh", "-c", "docker ps -aq --no-trunc | xargs docker inspect"]).stdout)
    for one in found:
        one["ExecIDs"] = sorted(one["ExecIDs"] or ())
    return found, sorted(host.run(["sh", "-c", SNAPSHOT]).stdout.splitlines())


@pytest.fixture(scope="module", params=["bookworm", "forky"])
def host(request, swept):
    from tests.hosts import start_host

    with start_host(request.param) as started:
        started.wait_for_engine()
        for name in ("foobar", "other"):
            started.run(["docker", "import", "--change", 'CMD ["true"]', "/opt/image.tar", name])
        authz.install(started)
        for name in ("web", "db", "third", "job-off"):
            started.run(["docker", "create", "--name", name, "foobar", "sleep", "1000"])
        started.run(["docker", "run", "-d", "--name", "job-on", "foobar", "sleep", "1000"])
        for name in ("super", "job-root"):
            started.run(["docker", "run", "-d", "-v", "/:/host", "--name", name, "foobar", "sleep", "1000"])
        number = started.run(["docker", "inspect", "--format", "{{.Id}}", "super"]).stdout.strip()
        started.run(["docker", "create", "--name", number[:11], "foobar", "sleep", "1000"])
        started.run(["docker", "network", "create", "net-on"])
        started.run(["docker", "network", "create", "back"])
        for name in ("data-on", "vault"):
            started.run(["docker", "volume", "create", name])
        yield started


@pytest.fixture(scope="module")
def ids(host):
    """Ids of containers by name, and of an exec of somebody else's in each that runs."""
    names = ["web", "third", "super", "job-on", "job-root"]
    found = dict(zip(names, host.run(["docker", "inspect", "--format", "{{.Id}}", *names]).stdout.split(), strict=True))
    for image in ("foobar", "other"):
        found["image " + image] = host.run(["docker", "image", "inspect", "-f", "{{.Id}}", image]).stdout.strip()
    asked = ("super", "job-on", "job-root")
    body = {"Cmd": ["touch", "/touched"]}
    made = ask(host, [Case("runner", request(f"{API}/containers/{name}/exec", body)) for name in asked])
    found.update(
        {
            "exec " + name: re.search('"Id":"([0-9a-f]{64})"', text).group(1)
            for name, text in zip(asked, made, strict=True)
        }
    )
    return found


@pytest.fixture(scope="module")
def before(host, ids):
    return snapshot(host)


def refused(case, answer):
    """Whether all answers, but those that are allowed first, are the plugin's, or the HTTP server's own."""
    answers = re.split(r"(?=HTTP/1\.[01] [0-9]{3} )", answer)[1:]
    answers = [one for one in answers if not one.startswith("HTTP/1.1 100 ")]
    if [one for one in answers[: case.allowed] if one.split()[1] != "200"]:
        return False
    told = answers[case.allowed :]
    if not told:
        return case.cut
    return all(_is_refusal(one, case.data.lstrip().startswith(b"HEAD ")) for one in told)


def _is_refusal(answer, is_head):
    head, _end, body = answer.partition("\r\n\r\n")
    if "\r\nApi-Version:" in head:  # What an engine adds behind its plugins.
        return False
    if "plugin containment failed with error" in body:  # It did not answer, or not in time.
        return False
    status = head.split()[1]
    if status == "403":
        return is_head or "authorization denied by plugin containment" in body
    return status in ("301", "400", "404", "405", "417", "431", "500", "501", "505")


@pytest.mark.parametrize("name", CLASSES)
def test_nothing_hostile_reaches_the_engine(host, ids, before, name):
    policy, make = CLASSES[name]
    authz.set_policy(host, policy)
    try:
        cases = list(make(ids))
        begun = f"{time.time():.6f}"
        answers = ask(host, cases)
        ended = f"{time.time():.6f}"
        wrong = [
            (one.admin, one.data[:300], text[:400])
            for one, text in zip(cases, answers, strict=True)
            if not refused(one, text)
        ]
        assert not wrong, "\n".join(map(str, wrong))
        assert host.run(["docker", "events", "--since", begun, "--until", ended]).stdout == ""
        assert snapshot(host) == before
        allowed = [
            one["DOCKER_AUTHZ_ACTION"]
            for one in authz.records(host, f"--since=@{begun}", "DOCKER_AUTHZ_DECISION=allow")
            if one.get("DOCKER_AUTHZ_USER") in ("operator", "creator")
        ]
        assert set(allowed) <= {"system.ping"}, allowed
    finally:
        authz.set_policy(host, authz.POLICY)


def test_as_many_are_sent_as_is_said():
    ids = collections.defaultdict(lambda: "ab" * 32)
    assert sum(len(list(make(ids))) for _policy, make in CLASSES.values()) >= 1000


OWN = ("/Containment.State", "/Containment.Explain", "/Plugin.Activate", "/AuthZPlugin.AuthZReq")


def test_a_client_has_no_way_to_the_plugin_itself(host):
    """What is asked of the plugin, asked of the engine is no route: it tells nothing and decides nothing."""
    asked = {"principal": "runner", "method": "GET", "uri": "/_ping"}
    cases = [
        Case(admin, request(prefix + path, body, method=method))
        for admin in authz.ADMINS
        for path in OWN
        for prefix in ("", API)
        for method, body in (("POST", b""), ("POST", asked), ("GET", b""))
    ]
    answers = ask(host, cases)
    wrong = [
        (one.admin, one.data[:80], text) for one, text in zip(cases, answers, strict=True) if not refused(one, text)
    ]
    assert not wrong, "\n".join(map(str, wrong))
    told = "".join(answers)
    assert not re.search(r'"(policy|fault|verdict|Implements|Allow)"', told), told


def test_nobody_but_root_has_a_way_to_the_plugins_socket(host):
    way = host.run(["stat", "-c", "%a %U %F", _authz_install.SOCKET, "/run/docker/plugins"]).stdout.splitlines()
    assert way[0] == "600 root socket"
    mode, owner, kind = way[1].split(" ")
    assert (owner, kind) == ("root", "directory") and int(mode, 8) & 0o022 == 0, way
    connect = f"import socket; socket.socket(socket.AF_UNIX).connect({_authz_install.SOCKET!r})"
    for user in ("nobody", _authz_install.USER):
        done = host.run(["setpriv", f"--reuid={user}", "--clear-groups", "python3", "-c", connect], check=False)
        assert done.returncode and "PermissionError" in done.stderr, str(done)


CONTROLS = [
    ("creator", CREATE, {"Image": "foobar"}, "201"),
    ("operator", API + "/containers/web/start", b"", "204"),
    ("operator", API + "/containers/web/stop?t=0", b"", "204"),
    ("runner", THIRD, b"", "204"),
    ("runner", API + "/containers/third/stop?t=0", b"", "204"),
    ("runner", "/containers/third/start", b"", "204"),
    ("runner", API + "/containers/third/stop?t=0", b"", "204"),
    ("runner", CREATE, PRIVILEGED, "201"),
    ("runner", CREATE + "?name=evil", {"Image": "other"}, "201"),
    ("runner", API + "/containers/evil/rename?name=worse", b"", "204"),
    ("runner", API + "/containers/worse/update", {"Memory": 33554432, "MemorySwap": -1}, "200"),
    ("runner", API + "/containers/super/exec", {"Cmd": ["true"], "Privileged": True}, "201"),
    ("runner", API + "/images/foobar/tag?repo=evil", b"", "201"),
    ("runner", API + "/commit?container=super&repo=evil", b"", "201"),
    ("runner", API + "/volumes/create", {"Name": "evil", "DriverOpts": {"type": "tmpfs", "device": "t"}}, "201"),
    ("runner", API + "/networks/create", {"Name": "evil"}, "201"),
]


def test_the_same_client_gets_through_with_what_is_allowed(host):
    cases = [Case(admin, request(path, body)) for admin, path, body, _status in CONTROLS]
    status = [one[3] for one in CONTROLS]
    sent = {
        "a length": create(PRIVILEGED, "Expect: 100-continue"),
        "chunks": create(chunked(PRIVILEGED.encode(), 7), "Transfer-Encoding: chunked", length=""),
        "a charset": create(PRIVILEGED, mime=JSON + "; charset=utf-8"),
        "nearly a mebibyte": create(PRIVILEGED.encode().ljust(MIB - 1)),
    }
    cases += [one._replace(admin="runner") for one in sent.values()]
    answers = [text.replace("HTTP/1.1 100 Continue\r\n\r\n", "") for one in cases for text in ask(host, [one])]
    wanted = status + ["201"] * len(sent)
    wrong = [
        (one.data[:200], text)
        for one, text, code in zip(cases, answers, wanted, strict=True)
        if text.split()[1] != code
    ]
    assert not wrong, "\n".join(map(str, wrong))
