# SPDX-License-Identifier: GPL-3.0-or-later
"""Each call is answered and recorded, and whatever goes wrong is a no."""

import base64
import json
import os

import pytest

from ansible_collections.containment.docker.plugins.module_utils import _authz_service, _authz_world
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

ID, EXEC = "a" * 64, "e" * 64
POLICY = {
    "format": 1,
    "principals": [{"name": "root", "socket": True, "roles": ["some"]}],
    "roles": [
        {
            "name": "some",
            "grants": [
                {"actions": ["container.list"]},
                {"actions": ["container.create"], "containers": ["*"], "images": ["*"], "envelope": "unprivileged"},
                {"actions": ["container.start"], "containers": ["@own"]},
                {"actions": ["exec.*"], "containers": ["@own"], "envelope": "unprivileged"},
            ],
        }
    ],
}


class Log:
    """A test double of _authz_log.Log that keeps what it is told, or takes nothing."""

    def __init__(self):
        self.fields, self.full = [], False

    def write(self, fields):
        if self.full:
            raise ContainmentError("log", "takes no record", "mend the log")
        self.fields.append(fields)


@pytest.fixture
def log():
    return Log()


@pytest.fixture
def plugin(tmp_path, log):
    folder = tmp_path / "root" / "containers" / ID
    folder.mkdir(parents=True)
    (folder / "config.v2.json").write_text('{"Name": "/web", "Config": {}}')
    (folder / "hostconfig.json").write_text("{}")
    put(tmp_path, POLICY)
    world = _authz_world.World(str(tmp_path / "root"), str(tmp_path / "state"))
    return _authz_service.Plugin(str(tmp_path / "policy.json"), world, log, "1" * 64, str(tmp_path / "root"))


def put(tmp_path, policy):
    (tmp_path / "new").write_text(policy if isinstance(policy, str) else json.dumps(policy))
    (tmp_path / "new").rename(tmp_path / "policy.json")


def ask(plugin, method, uri, body=None, status=0, response=None):
    data = json.dumps(body).encode() if body is not None else b""
    value = {"RequestMethod": method, "RequestUri": uri, "RequestHeaders": {}}
    if data:
        value["RequestBody"] = base64.b64encode(data).decode()
        value["RequestHeaders"] = {"Content-Type": "application/json", "Content-Length": str(len(data))}
    call = "AuthZReq"
    if status:
        call = "AuthZRes"
        value.update(ResponseStatusCode=status, ResponseBody=base64.b64encode(json.dumps(response).encode()).decode())
    code, answer = plugin.answer("/AuthZPlugin." + call, json.dumps(value).encode())
    assert code == 200
    return json.loads(answer.decode())


def test_it_says_what_it_is_and_knows_no_other_call(plugin):
    assert plugin.answer("/Plugin.Activate", b"") == (200, b'{"Implements":["authz"]}')
    assert plugin.answer("/Plugin.Other", b"")[0] == 404


def test_a_request_and_its_result_have_one_number(plugin, log):
    assert ask(plugin, "GET", "/containers/json") == {"Allow": True}
    assert ask(plugin, "GET", "/containers/json", status=200, response=[]) == {"Allow": True}
    decision, result = log.fields
    assert decision["DOCKER_AUTHZ_RULE"] == "some[0]"
    assert result["DOCKER_AUTHZ_STATUS"] == "200"
    assert decision["DOCKER_AUTHZ_REQ_ID"] == result["DOCKER_AUTHZ_REQ_ID"]


def test_a_refusal_is_recorded_and_told(plugin, log):
    answer = ask(plugin, "GET", "/info")
    assert answer == {"Allow": False, "Msg": "root may not: no role of root grants system.info. Ask this host's root."}
    assert log.fields[0]["DOCKER_AUTHZ_DECISION"] == "deny"


def test_what_cannot_be_recorded_is_refused(plugin, log):
    log.full = True
    assert ask(plugin, "GET", "/containers/json")["Allow"] is False
    assert ask(plugin, "GET", "/containers/json", status=200, response=[])["Allow"] is True  # it is done


@pytest.mark.parametrize("data", [b"", b"[]", b"{", b"\xff", b'{"RequestMethod": 1}', b'{"RequestBody": "?"}'])
def test_what_no_engine_sends_is_refused_and_recorded(plugin, log, data):
    code, answer = plugin.answer("/AuthZPlugin.AuthZReq", data)
    assert (code, json.loads(answer.decode())["Allow"]) == (200, False)
    assert [one["DOCKER_AUTHZ_RULE"] for one in log.fields] == ["call"]
    assert log.fields[0]["DOCKER_AUTHZ_DECISION"] == "deny"
    log.full = True
    assert b'"Allow": false' in plugin.answer("/AuthZPlugin.AuthZReq", data)[1]


def test_who_made_a_container_may_go_on_with_it(plugin):
    assert ask(plugin, "POST", "/containers/web/start")["Allow"] is False
    create = ("POST", "/v1.41/containers/create?name=web", {"Image": "foobar"})
    assert ask(plugin, *create)["Allow"] is True
    ask(plugin, *create, status=201, response={"Id": ID, "Warnings": []})
    assert ask(plugin, "POST", "/containers/web/start")["Allow"] is True
    made = ("POST", "/containers/web/exec", {"Cmd": ["id"]})
    assert ask(plugin, *made)["Allow"] is True
    ask(plugin, *made, status=201, response={"Id": EXEC})
    assert ask(plugin, "POST", "/exec/%s/start" % EXEC, {"Detach": False})["Allow"] is True
    assert ask(plugin, "POST", "/exec/%s/start" % ID, {"Detach": False})["Allow"] is False


@pytest.mark.parametrize("response", [{}, [], "x", {"Id": 5}, {"Id": "../x"}, None])
def test_an_answer_that_names_no_id_is_told_recorded_and_let_pass(plugin, log, capsys, response):
    answer = ask(plugin, "POST", "/containers/create?name=secret", {"Image": "x"}, status=201, response=response)
    assert answer == {"Allow": True}
    told = capsys.readouterr().err
    assert "the result of 'POST' '/containers/create' is not remembered" in told and "secret" not in told
    (record,) = log.fields
    assert (record["DOCKER_AUTHZ_STATUS"], record["DOCKER_AUTHZ_PRINCIPAL"]) == ("201", "root")


def test_a_result_is_recorded_where_nothing_can_be_kept_or_who_asked_is_nobody_now(plugin, log, tmp_path, capsys):
    create = ("POST", "/containers/create", {"Image": "x"})
    (tmp_path / "state/owners").rmdir()
    assert ask(plugin, *create, status=201, response={"Id": ID}) == {"Allow": True}
    assert "is not remembered" in capsys.readouterr().err
    put(tmp_path, dict(POLICY, principals=[]))
    assert ask(plugin, *create, status=201, response={"Id": ID}) == {"Allow": True}
    assert [one.get("DOCKER_AUTHZ_PRINCIPAL") for one in log.fields] == ["root", None]
    log.full = True
    assert ask(plugin, "POST", "/build?buildargs=secret", status=200) == {"Allow": True}
    told = capsys.readouterr().err
    assert "'/build' is not remembered: log" in told and "secret" not in told


def test_an_exec_in_a_container_that_is_not_there_is_answered_as_it_is_recorded(plugin, log, tmp_path):
    everything = {"actions": ["*"], "envelope": "privileged"}
    everything.update({kind: ["*"] for kind in ("containers", "images", "networks", "volumes")})
    put(tmp_path, dict(POLICY, roles=[{"name": "some", "grants": [everything]}]))
    assert ask(plugin, "POST", "/containers/gone/exec", {"Cmd": ["id"]}) == {"Allow": True}
    assert [one["DOCKER_AUTHZ_DECISION"] for one in log.fields] == ["allow"]


def test_a_failed_create_makes_nobody_an_owner(plugin):
    ask(plugin, "POST", "/containers/create?name=web", {"Image": "x"}, status=409, response={"Id": ID})
    assert ask(plugin, "POST", "/containers/web/start")["Allow"] is False


def test_another_policy_is_read_at_once_and_a_bad_one_not_taken(plugin, tmp_path, capsys):
    put(tmp_path, dict(POLICY, roles=[{"name": "some", "grants": []}]))
    assert ask(plugin, "GET", "/containers/json")["Allow"] is False
    put(tmp_path, POLICY)
    assert ask(plugin, "GET", "/containers/json")["Allow"] is True
    for bad in ("{", '{"format": 2}', ""):
        put(tmp_path, bad)
        assert ask(plugin, "GET", "/containers/json")["Allow"] is True
        assert ask(plugin, "GET", "/info")["Allow"] is False
        told = capsys.readouterr().err
        assert told.count("stays in force") == 1, told
    os.unlink(str(tmp_path / "policy.json"))
    assert ask(plugin, "GET", "/containers/json")["Allow"] is True
    assert ask(plugin, "GET", "/info")["Allow"] is False
    put(tmp_path, dict(POLICY, roles=[{"name": "some", "grants": []}]))
    assert ask(plugin, "GET", "/containers/json")["Allow"] is False


@pytest.mark.parametrize("text", [None, "{", '{"format": 1, "colour": 2}'])
def test_without_a_usable_policy_everything_is_refused_and_told_why(tmp_path, log, text):
    if text is not None:
        put(tmp_path, text)
    world = _authz_world.World(str(tmp_path), str(tmp_path / "state"))
    plugin = _authz_service.Plugin(str(tmp_path / "policy.json"), world, log)
    answer = ask(plugin, "GET", "/_ping")
    assert answer["Allow"] is False and answer["Msg"].startswith("the policy is not usable: ")
    ask(plugin, "POST", "/build?buildargs=secret")
    record = log.fields.pop()
    assert "secret" not in str(record) and record["DOCKER_AUTHZ_URI"] == "/build?..."
    assert record["DOCKER_AUTHZ_REASON"] == answer["Msg"] and record["DOCKER_AUTHZ_METHOD"] == "POST"
    assert (record["DOCKER_AUTHZ_RULE"], record["DOCKER_AUTHZ_DECISION"]) == ("policy", "deny")
    log.full = True
    assert ask(plugin, "GET", "/_ping") == answer
    log.full = False
    put(tmp_path, POLICY)
    assert ask(plugin, "GET", "/containers/json")["Allow"] is True


def test_only_so_many_results_are_awaited(plugin, monkeypatch):
    monkeypatch.setattr(_authz_service, "_PENDING", 2)
    monkeypatch.setattr(_authz_service, "_ALIKE", 3)
    for number in range(5):
        for _time in range(5):
            ask(plugin, "GET", "/containers/json?limit=%d" % number)
    assert [len(numbers) for numbers in plugin._pending.values()] == [3, 3]


def asked(plugin, path, **value):
    status, body = plugin.answer(path, json.dumps(value).encode() if value else b"")
    assert status == 200
    return json.loads(body.decode())


def test_a_rollout_is_told_which_policy_is_in_force_and_what_is_wrong_with_the_file(plugin, tmp_path):
    before = asked(plugin, _authz_service.STATE)
    assert len(before["policy"]) == 64 and before["fault"] == ""
    put(tmp_path, "{}")
    assert asked(plugin, _authz_service.STATE) == {
        "policy": before["policy"],
        "fault": "policy: has no format; give it.",
        "asked": 0,
        "program": "1" * 64,
        "root": str(tmp_path / "root"),
        "unseen": "",
    }
    ask(plugin, "GET", "/v1.41/containers/json")
    assert asked(plugin, _authz_service.STATE)["asked"] == 1
    put(tmp_path, POLICY)
    assert asked(plugin, _authz_service.STATE)["fault"] == ""


def test_a_rollout_is_told_whether_containers_can_be_looked_up(plugin, tmp_path):
    root = tmp_path / "root"
    (root / "containers").rename(tmp_path / "hidden")
    assert asked(plugin, _authz_service.STATE)["unseen"] == ""  # No engine has run yet.
    (root / "containers").write_text("")
    assert asked(plugin, _authz_service.STATE)["unseen"] == f"{root}/containers: Not a directory"
    root.rename(tmp_path / "away")
    assert asked(plugin, _authz_service.STATE)["unseen"] == f"{root}: No such file or directory"


def test_a_request_that_nobody_makes_is_decided_and_not_recorded(plugin, log, tmp_path):
    may = asked(plugin, _authz_service.EXPLAIN, principal="root", method="GET", uri="/v1.41/containers/json")
    assert (may["verdict"], may["rule"], may["action"]) == ("allow", "some[0]", "container.list")
    not_ = asked(plugin, _authz_service.EXPLAIN, principal="root", method="POST", uri="/v1.41/containers/web/start")
    assert not_["verdict"] == "deny" and "none of those that some[2] is on" in not_["reason"]
    unread = asked(plugin, _authz_service.EXPLAIN, principal="root", method="GET", uri="/v1.41/_ping?a=1&a=1")
    assert (unread["verdict"], unread["rule"], unread["action"]) == ("deny", "request", "")
    nobody = asked(plugin, _authz_service.EXPLAIN, principal="eve", method="GET", uri="/_ping")
    assert nobody == {"error": "principal: 'eve' is none of the policy; use one of root."}
    assert log.fields == []
    put(tmp_path, "{}")
    without = _authz_service.Plugin(str(tmp_path / "policy.json"), None, log)
    assert "is not usable" in asked(without, _authz_service.EXPLAIN, principal="root")["error"]


def test_what_an_engine_asks_again_without_its_body(plugin, log, capsys):
    refused = asked(plugin, "/AuthZPlugin.AuthZReq")
    assert refused["Allow"] is False and "the plugin ended meanwhile; send the request again" in refused["Msg"]
    assert asked(plugin, "/AuthZPlugin.AuthZRes") == {"Allow": True}
    assert "is not remembered: the plugin before ended" in capsys.readouterr().err
    assert [one["DOCKER_AUTHZ_RULE"] for one in log.fields] == ["call"]
