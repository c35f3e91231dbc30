# SPDX-License-Identifier: GPL-3.0-or-later
"""A request is allowed where one grant covers all of it, and refused in words otherwise."""

import base64
import json

import pytest

from ansible_collections.containment.docker.plugins.module_utils import (
    _authz_certificate,
    _authz_decide,
    _authz_demand,
    _authz_names,
    _authz_policy,
)
from ansible_collections.containment.docker.plugins.module_utils import _authz_decide as core
from ansible_collections.containment.docker.plugins.module_utils._authz_message import Message
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

_CREATE = ("POST", "/containers/create")
_ESCAPE = {"Image": "nginx", "HostConfig": {"Privileged": True}}


def _pem(serial, key=b"k"):
    def field(tag, content):
        return bytes([tag, len(content)]) + content

    body = field(0x02, serial) + 4 * field(0x30, b"") + field(0x30, key)
    text = base64.b64encode(field(0x30, field(0x30, body))).decode()
    return f"-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n"


_ONE, _TWO = _pem(b"\x0a"), _pem(b"\x0b", b"other")
_KEY_OF_ONE = _authz_certificate.identity(_ONE).key


class World:
    """A test double of an engine's containers: alice's web, bob's db, and root, which is privileged and nobody's."""

    def __init__(self):
        self.containers = {
            "web": self._one("1" * 64, "web", {"team": "a"}, "alice", {}),
            "db": self._one("2" * 64, "db", {}, "bob", {}),
            "root": self._one("3" * 64, "root", {"team": "a"}, None, {"Privileged": True}),
        }
        self.execs = {
            one.id: one
            for one in (
                _authz_demand.Exec("e1", "web", "alice"),
                _authz_demand.Exec("e2", "web", "bob"),
                _authz_demand.Exec("e3", "root", "alice"),
            )
        }

    @staticmethod
    def _one(number, name, labels, owner, host):
        kept = dict({"IpcMode": "private", "Runtime": "runc", "LogConfig": {"Type": "syslog", "Config": {}}}, **host)
        return _authz_names.Container(number, name, labels, owner, {"Image": "nginx", "User": ""}, kept)

    def container(self, text):
        if text not in self.containers:
            raise ContainmentError(f"container {text!a}", "is not there", "see docker ps -a")
        return self.containers[text]

    def exec(self, number):
        if number not in self.execs:
            raise ContainmentError(f"exec {number!a}", "is not known", "make a new one")
        return self.execs[number]


def _policy(*grants, **more):
    value = {
        "format": 1,
        "roles": [{"name": "work", "mode": more.pop("mode", "enforce"), "grants": list(grants)}],
        "principals": [{"name": "alice", "cn": "alice", "roles": ["work"]}],
    }
    return _authz_policy.read(json.dumps(dict(value, **more)).encode())


def _message(method, uri, body=None, user="alice", certificates=(_ONE,)):
    data = b"" if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json"} if data else {"Content-Type": "text/plain"}
    headers["Content-Length"] = str(len(data))
    return Message(user, method, uri, headers, data, list(certificates), 0, b"")


def _decide(policy, *args, **kwargs):
    return core.decide(policy, _message(*args, **kwargs), World())


def _grant(*actions, **more):
    return dict(more, actions=list(actions))


_ALL = {"containers": ["*"], "images": ["*"], "networks": ["*"], "volumes": ["*"]}
_OWN = {"containers": ["@own"], "images": ["nginx", "mine/*"], "networks": ["web-*"], "volumes": ["a-*"]}
_EVERYTHING = _policy(_grant("*", envelope="privileged", **_ALL))
_UNPRIVILEGED = _policy(_grant("*", envelope="unprivileged", **_ALL))
_LIMITED = _policy(_grant("*", envelope="unprivileged", **_OWN))


@pytest.mark.parametrize(
    "method, uri, body",
    [
        ("GET", "/_ping", None),
        ("GET", "/containers/json", None),
        ("POST", "/containers/create", {"Image": "nginx"}),
        ("POST", "/containers/create?name=prod", {"Image": "mine/app:1", "HostConfig": {"NetworkMode": "web-a"}}),
        ("POST", "/containers/create", {"Image": "nginx", "HostConfig": {"Binds": ["a-data:/a"]}}),
        ("POST", "/containers/create", {"Image": "nginx", "HostConfig": {"Links": ["web:w"]}}),
        ("POST", "/containers/web/start", None),
        ("POST", "/containers/web/rename?name=new", None),
        ("POST", "/containers/web/attach?stream=1", None),
        ("GET", "/containers/web/archive?path=/", None),
        ("PUT", "/containers/web/archive?path=/", None),
        ("GET", "/containers/web/export", None),
        ("POST", "/containers/web/exec", {"Cmd": ["sh"], "Privileged": False}),
        ("POST", "/exec/e1/start", {"Detach": False}),
        ("POST", "/exec/e1/resize?h=1&w=1", None),
        ("POST", "/containers/web/update", {"Memory": 1}),
        ("POST", "/commit?container=web&repo=mine/app", None),
        ("POST", "/images/create?fromImage=nginx", None),
        ("POST", "/images/create?fromImage=mine/app&tag=2", None),
        ("POST", "/images/create?fromSrc=-&repo=mine/app", None),
        ("POST", "/images/nginx/tag?repo=mine/app&tag=1", None),
        ("POST", "/images/mine/app/push?tag=1", {}),
        ("POST", "/build?t=mine/app", None),
        ("POST", "/volumes/create", {"Name": "a-data"}),
        ("POST", "/networks/create", {"Name": "web-a"}),
        ("POST", "/networks/web-a/connect", {"Container": "web"}),
        ("DELETE", "/volumes/a-data", None),
    ],
)
def test_what_is_ones_own(method, uri, body):
    for policy in (_LIMITED, _UNPRIVILEGED, _EVERYTHING):
        found = _decide(policy, method, uri, body)
        assert (found.verdict, found.rule, found.reason) == (core.ALLOW, "work[0]", "")
        assert (found.principal, found.serial, found.tried) == ("alice", "a", [])


@pytest.mark.parametrize(
    "method, uri, body, words",
    [
        ("POST", "/containers/create", {"Image": "alpine"}, "image alpine is none of those"),
        ("POST", "/containers/create", {}, "is no name of an image"),
        (
            "POST",
            "/containers/create",
            {"Image": "nginx", "HostConfig": {"Binds": ["b:/a", "bb:/a"]}},
            "names no volume",
        ),
        ("POST", "/containers/create", {"Image": "nginx", "HostConfig": {"Binds": ["bb:/a"]}}, "volume bb is none"),
        (
            "POST",
            "/containers/create",
            {"Image": "nginx", "HostConfig": {"NetworkMode": "other"}},
            "network other is none",
        ),
        ("POST", "/containers/create", {"Image": "nginx", "HostConfig": {"NetworkMode": "abc"}}, "may be an id"),
        ("POST", "/containers/create", {"Image": "nginx", "HostConfig": {"Links": ["db"]}}, "container db is none"),
        (
            "POST",
            "/containers/create",
            {"Image": "nginx", "HostConfig": {"VolumesFrom": ["db"]}},
            "container db is none",
        ),
        ("POST", "/containers/create", {"Image": "nginx", "HostConfig": {"PidMode": "container:db"}}, "container db"),
        ("GET", "/containers/db/json", None, "container db is none of those that work[0] is on"),
        ("GET", "/containers/root/json", None, "container root is none"),
        ("GET", "/containers/gone/json", None, "is not there"),
        ("POST", "/commit?repo=mine/app", None, "is not there"),
        ("POST", "/commit?container=web&repo=nginx/x", None, "image nginx/x is none"),
        ("POST", "/images/create?fromImage=alpine", None, "image alpine is none"),
        ("POST", "/images/create?fromSrc=-", None, "image without a name is none"),
        ("POST", "/images/create?fromSrc=http://h/&repo=mine/app", None, "image without a name is none"),
        ("POST", "/images/nginx/tag?repo=other", None, "image other is none"),
        ("POST", "/images/alpine/tag?repo=mine/app", None, "image alpine is none"),
        ("POST", "/images/nginx/tag", None, "is no name of an image"),
        ("POST", "/images/other/push?tag=1", {}, "image other:1 is none"),
        ("POST", "/images/load", None, "image without a name is none"),
        ("POST", "/build?t=other", None, "image other is none"),
        ("POST", "/volumes/create", {}, "volume without a name is none"),
        ("DELETE", "/volumes/bb", None, "volume bb is none"),
        ("POST", "/networks/web-a/connect", {"Container": "db"}, "container db is none"),
        ("POST", "/networks/other/connect", {"Container": "web"}, "network other is none"),
        ("POST", "/exec/e2/start", {}, "exec e2 was made by bob"),
        ("GET", "/exec/e2/json", None, "exec e2 was made by bob"),
    ],
)
def test_what_is_not_ones_own(method, uri, body, words):
    found = _decide(_LIMITED, method, uri, body)
    assert (found.verdict, found.principal) == (core.DENY, "alice")
    assert found.rule == ("request" if "names no volume" in words else "default")
    assert words in found.reason


@pytest.mark.parametrize(
    "method, uri, body",
    [
        ("POST", "/containers/create", _ESCAPE),
        ("POST", "/containers/create", {"Image": "nginx", "HostConfig": {"Binds": ["/:/host"]}}),
        ("POST", "/containers/root/attach?stream=1", None),
        ("POST", "/containers/root/exec", {"Cmd": ["sh"]}),
        ("POST", "/containers/web/exec", {"Cmd": ["sh"], "Privileged": True}),
        ("POST", "/exec/e3/start", {}),
        ("GET", "/containers/root/archive?path=/", None),
        ("HEAD", "/containers/root/archive?path=/", None),
        ("PUT", "/containers/root/archive?path=/", None),
        ("GET", "/containers/root/export", None),
        ("POST", "/containers/root/update", {"Memory": 1}),
        ("POST", "/commit?container=root", None),
        ("POST", "/containers/web/start?checkpoint=a", None),
        ("POST", "/containers/web/checkpoints", {"CheckpointID": "a"}),
        ("POST", "/build?networkmode=host", None),
        ("POST", "/volumes/create", {"Name": "a", "DriverOpts": {"device": "/", "o": "bind"}}),
        ("POST", "/networks/create", {"Name": "a", "Driver": "macvlan"}),
        ("POST", "/plugins/pull?remote=a", []),
        ("POST", "/swarm/init", {}),
        ("POST", "/services/create", {}),
        ("POST", "/session", None),
        ("POST", "/grpc", None),
        ("GET", "/debug/vars", None),
    ],
)
def test_what_only_a_privileged_envelope_allows(method, uri, body):
    refused, allowed = _decide(_UNPRIVILEGED, method, uri, body), _decide(_EVERYTHING, method, uri, body)
    assert (refused.verdict, refused.rule) == (core.DENY, "default")
    ((label, reason),) = refused.tried
    assert label == "work[0]"
    assert (
        refused.reason == f"alice may not: work[0]: {reason}{'' if reason.endswith('.') else '.'} Ask this host's root."
    )
    assert allowed.verdict == core.ALLOW
    assert core.privilege(allowed.demand) != ""


def test_processes_of_others_are_nobodys():
    assert "exec e2 was made by bob" in _decide(_EVERYTHING, "POST", "/exec/e2/start", {}).reason


@pytest.mark.parametrize(
    "method, uri, body",
    [
        ("GET", "/info", None),
        ("POST", "/containers/create", {"Image": "nginx"}),
        ("POST", "/containers/web/exec", {"Cmd": ["sh"]}),
        ("POST", "/containers/web/start", None),
        ("POST", "/containers/web/unpause", None),
        ("POST", "/containers/root/stop", None),
        ("POST", "/images/create?fromImage=a", None),
    ],
)
def test_what_is_no_privilege(method, uri, body):
    found = _decide(_EVERYTHING, method, uri, body)
    assert (found.verdict, core.privilege(found.demand)) == (core.ALLOW, "")


def test_privilege_says_why():
    assert core.privilege(None) == ""
    demand = _decide(_EVERYTHING, "POST", "/containers/create", _ESCAPE).demand
    assert core.privilege(demand) == "HostConfig.Privileged is more than may be given"
    demand = _decide(_EVERYTHING, "POST", "/containers/gone/attach", None).demand
    assert core.privilege(demand) == "container 'gone' is not there"


@pytest.mark.parametrize("verb", ["start", "restart", "unpause"])
def test_who_runs_a_privileged_container_again_has_run_it(verb):
    found = _decide(_EVERYTHING, "POST", f"/containers/root/{verb}")
    why = "container root is not one of envelope unprivileged: HostConfig.Privileged is more than may be given"
    assert (found.verdict, core.privilege(found.demand)) == (core.ALLOW, why)
    found = _decide(_EVERYTHING, "POST", f"/containers/gone/{verb}")
    assert (found.verdict, core.privilege(found.demand)) == (core.ALLOW, "cannot be told")


def test_one_grant_has_to_cover_all_of_it():
    policy = _policy(
        _grant("container.*", envelope="unprivileged", containers=["@own"], images=["*"]),
        _grant("container.*", envelope="privileged", containers=["prod-*"], images=["nginx"]),
    )
    assert _decide(policy, "POST", "/containers/create?name=prod-a", _ESCAPE).rule == "work[1]"
    assert _decide(policy, "POST", "/containers/create?name=other", dict(_ESCAPE, HostConfig=None)).rule == "work[0]"
    found = _decide(policy, "POST", "/containers/create?name=other", _ESCAPE)
    assert found.verdict == core.DENY
    assert [label for label, _why in found.tried] == ["work[0]", "work[1]"]
    assert found.reason.startswith("alice may not: work[0]: HostConfig.Privileged is more than may be given")
    found = _decide(policy, "POST", "/containers/db/start")
    assert found.reason == f"alice may not: {found.tried[0][1]}. Ask this host's root."
    assert found.reason.count("work[0]") == 1


def test_what_no_role_grants():
    found = _decide(_policy(_grant("system.*")), "GET", "/containers/json")
    assert (found.verdict, found.rule, found.tried) == (core.DENY, "default", [])
    assert found.reason == "alice may not: no role of alice grants container.list. Ask this host's root."


def test_a_grant_without_an_envelope_does_not_do_where_one_is_needed():
    policy = _policy(_grant("container.start", containers=["*"]))
    assert "work[0] has no envelope for it" in _decide(policy, "POST", "/containers/web/start?checkpoint=a").reason
    assert _decide(policy, "POST", "/containers/web/start").verdict == core.ALLOW


@pytest.mark.parametrize(
    "selector, web, db", [("label:team", True, False), ("label:team=a", True, False), ("label:team=b", False, False)]
)
def test_containers_by_label(selector, web, db):
    policy = _policy(_grant("container.*", envelope="unprivileged", containers=[selector], images=["*"]))
    for name, good in (("web", web), ("db", db)):
        assert (_decide(policy, "POST", f"/containers/{name}/stop").verdict == core.ALLOW) is good


def test_a_rename_has_to_stay_within_what_is_granted():
    policy = _policy(_grant("container.rename", containers=["web*"]))
    assert _decide(policy, "POST", "/containers/web/rename?name=web2").verdict == core.ALLOW
    assert "container prod is none" in _decide(policy, "POST", "/containers/web/rename?name=prod").reason
    assert "container db is none" in _decide(policy, "POST", "/containers/db/rename?name=web2").reason


def test_a_pull_without_a_tag_is_one_of_all():
    policy = _policy(_grant("image.pull", images=["nginx:1"]))
    assert _decide(policy, "POST", "/images/create?fromImage=nginx&tag=1").verdict == core.ALLOW
    for query in ("fromImage=nginx", "fromImage=nginx&tag=2", "fromImage=nginx:1&tag=2"):
        assert _decide(policy, "POST", "/images/create?" + query).verdict == core.DENY


def test_report_lets_pass_and_says_what_would_be_refused():
    policy = _policy(_grant("system.*"), mode="report")
    for args, rule in (
        (("GET", "/containers/json"), "default"),
        (("GET", "/nothing"), "request"),
        (("POST", "/containers/create", {"hostconfig": {}}), "request"),
    ):
        found = _decide(policy, *args)
        assert (found.verdict, found.rule) == (core.REPORT, rule)
        assert found.reason.startswith("alice may not: ")
    assert _decide(policy, "GET", "/info").verdict == core.ALLOW
    assert _decide(policy, "GET", "/info", user="mallory").verdict == core.DENY


@pytest.mark.parametrize(
    "method, uri, body", [("GET", "/nothing", None), ("GET", "/info?a=b", None), ("POST", "/containers/create", None)]
)
def test_requests_that_cannot_be_told_are_refused(method, uri, body):
    found = _decide(_EVERYTHING, method, uri, body)
    assert (found.verdict, found.rule, found.demand, found.principal) == (core.DENY, "request", None, "alice")


def test_refusals_say_whom_to_ask():
    found = _decide(_policy(contact="ops@example.org"), "GET", "/info")
    assert found.reason == "alice may not: no role of alice grants system.info. Ask ops@example.org."
    found = _decide(_policy(contact="ops"), "GET", "/info", user="mallory")
    assert found.reason == "certificate of 'mallory', serial a: is nobody's in the policy; use another one. Ask ops."
    found = _decide(_policy(_grant("container.create", envelope="unprivileged", **_ALL)), *_CREATE, _ESCAPE)
    assert core._sentence(_policy(), "write name@sha256:...") == "write name@sha256:... Ask this host's root."
    what = "work[0]: HostConfig.Privileged is more than may be given; leave it out"
    assert found.reason == f"alice may not: {what}. Ask this host's root."


def _identified(principals, user, certificates, revoked=()):
    value = {"format": 1, "principals": principals, "revoked": list(revoked)}
    policy = _authz_policy.read(json.dumps(value).encode())
    return core.identify(policy, _message("GET", "/info", user=user, certificates=certificates))


@pytest.mark.parametrize(
    "principal, user, certificate, good",
    [
        ({"cn": "alice"}, "alice", _ONE, True),
        ({"cn": "alice"}, "Alice", _ONE, False),
        ({"cn": "alice"}, "", _ONE, False),
        ({"serials": ["0A"]}, "whoever", _ONE, True),
        ({"serials": ["0A"]}, "whoever", _TWO, False),
        ({"keys": [_KEY_OF_ONE]}, "whoever", _ONE, True),
        ({"keys": [_KEY_OF_ONE]}, "whoever", _TWO, False),
        ({"cn": "alice", "serials": ["0a", "0c"], "keys": [_KEY_OF_ONE]}, "alice", _ONE, True),
        ({"cn": "alice", "serials": ["0b"], "keys": [_KEY_OF_ONE]}, "alice", _ONE, False),
        ({"cn": "alice", "serials": ["0a"]}, "bob", _ONE, False),
        ({"socket": True}, "alice", _ONE, False),
    ],
)
def test_who_has_a_certificate(principal, user, certificate, good):
    principals = [dict(principal, name="it")]
    if good:
        found, serial = _identified(principals, user, [certificate, "not looked at"])
        assert (found.name, serial) == ("it", "a")
    else:
        with pytest.raises(ContainmentError, match="is nobody's in the policy"):
            _identified(principals, user, [certificate])


def test_who_comes_by_the_socket():
    principals = [{"name": "root", "socket": True}, {"name": "alice", "cn": "alice"}]
    found, serial = _identified(principals, "", [])
    assert (found.name, serial) == ("root", "")
    with pytest.raises(ContainmentError, match="has no certificate"):
        _identified(principals[1:], "alice", [])


@pytest.mark.parametrize("revoked", [{"cn": "alice"}, {"serial": "00:0A"}, {"key": _KEY_OF_ONE}])
def test_revoked_certificates(revoked):
    principals = [{"name": "alice", "cn": "alice"}, {"name": "bob", "cn": "bob"}]
    with pytest.raises(ContainmentError, match="is revoked"):
        _identified(principals, "alice", [_ONE], [revoked])
    assert _identified(principals, "bob", [_TWO], [revoked])[0].name == "bob"


def test_a_certificate_of_two_is_nobodys():
    principals = [{"name": "alice", "cn": "alice"}, {"name": "bob", "serials": ["a"]}]
    with pytest.raises(ContainmentError, match="is that of alice and bob"):
        _identified(principals, "alice", [_ONE])
    assert _identified(principals, "alice", [_TWO])[0].name == "alice"


@pytest.mark.parametrize(
    "pem", ["", "x", _ONE + _ONE, _pem(b"")[:60], _ONE.replace("MB", "AB", 1).replace("MA", "AA", 1)]
)
def test_certificates_that_are_none(pem):
    found = _decide(_EVERYTHING, "GET", "/info", certificates=[pem])
    assert (found.verdict, found.rule, found.principal) == (core.DENY, "identity", "")


def test_nobody_is_refused_before_the_request_is_read():
    found = _decide(_EVERYTHING, "GET", "/nothing", user="mallory")
    assert found == (core.DENY, "identity", found.reason, "", None, [], "")


def test_a_principal_of_a_name_is_asked_for_without_a_certificate():
    principal = _UNPRIVILEGED.principals[0]
    found = _authz_decide.decide_as(_UNPRIVILEGED, principal, "", _message("GET", "/info", certificates=[]), World())
    assert (found.verdict, found.serial) == (core.ALLOW, "")
