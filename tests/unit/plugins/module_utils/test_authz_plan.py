# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands against a roll-out of authorization, and the bytes of a policy."""

import datetime
import json

import pytest

from ansible_collections.containment.docker.plugins.module_utils import _authz_plan as core
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

POLICY = {
    "principals": [{"name": "root", "socket": True, "roles": ["all"]}],
    "roles": [
        {
            "name": "all",
            "grants": [
                {
                    "actions": ["*"],
                    "containers": ["*"],
                    "images": ["*"],
                    "networks": ["*"],
                    "volumes": ["*"],
                    "envelope": "privileged",
                }
            ],
        }
    ],
}


def host(configured=None, flags=(), **more):
    engine = {"primary": True, "error": None, "configured": configured, "flags": list(flags)}
    return {"engines": [dict(engine, data_root="/srv/docker", graph_root=None, **more)]}


def flag(key, value):
    return {"key": key, "value": value, "origin": "docker.service:3"}


NAMED = "authorization-plugins"


def test_a_host_without_an_engine():
    assert core.refusals({"engines": []}, POLICY, []) == []


def test_a_policy_gets_its_format():
    assert json.loads(core.text_of(POLICY).decode())["format"] == 1
    with pytest.raises(ContainmentError, match="format"):
        core.text_of(dict(POLICY, format=2))


@pytest.mark.parametrize(
    ("configured", "flags", "address"),
    [
        ({}, [], None),
        ({"hosts": ["unix:///run/docker.sock", "fd://"]}, [], None),
        ({"hosts": ["tcp://0.0.0.0:2375"]}, [], "tcp://0.0.0.0:2375"),
        ({"hosts": ["127.0.0.1:2375"]}, [], "127.0.0.1:2375"),
        ({"hosts": ["tcp://0.0.0.0:2376"], "tlsverify": True}, [], None),
        ({"hosts": ["tcp://0.0.0.0:2376"], "tls": True}, [], "tcp://0.0.0.0:2376"),
        ({"hosts": ["tcp://0.0.0.0:2376"], "tlsverify": "true"}, [], "tcp://0.0.0.0:2376"),
        ({}, [flag("hosts", "tcp://:2375")], "tcp://:2375"),
        ({}, [flag("hosts", "tcp://:2376"), flag("tlsverify", "")], None),
        ({}, [flag("hosts", "tcp://:2376"), flag("tlsverify", "false")], "tcp://:2376"),
        (None, [flag("hosts", "fd://")], None),
    ],
)
def test_who_listens_for_anybody(configured, flags, address):
    (engine,) = host(configured, flags)["engines"]
    assert core.plain_listener(engine) == address
    found = core.refusals(host(configured, flags), POLICY, [])
    assert found == ([] if address is None else found) and len(found) == (address is not None)
    assert all(f"engine at {address}" in one for one in found)
    assert core.refusals(host(configured, flags), {}, []) == []


def test_what_is_refused():
    given = [flag(NAMED, "opa")]
    (told,) = core.refusals(host({}, given), POLICY, [])
    assert told.startswith("--authorization-plugin in docker.service:3: is forgotten")
    assert core.refusals(host({}, given), {}, []) == []
    (told,) = core.refusals(host(), {}, [{"name": "a"}, {"name": "b"}, {"name": "a"}])
    assert told.startswith("authz_plugins: names 'a' twice")
    (told,) = core.refusals(host(), {}, [{"name": "containment"}])
    assert told.startswith("authz_plugins: names containment, the plugin of this collection; take it out")
    (told,) = core.refusals(host(), {}, [{"name": "opa", "refuses": {"HostConfig": {}, "image": "busybox"}}])
    assert told == "plugin opa refuses: has image, which is set for it; take it out."
    (told,) = core.refusals(host(), {}, [{"name": "opa", "refuses": {"Labels": {"day": datetime.date(2026, 1, 2)}}}])
    assert told == "plugin opa refuses.Labels.day: 2026-01-02 is no text; write it in quotes."
    (told,) = core.refusals(host(), {}, [{"name": "opa", "refuses": {"Labels": {"a": float("nan")}}}])
    assert told == "plugin opa refuses.Labels.a: nan is no number of JSON; write another one."
    (told,) = core.refusals(host(), {}, [{"name": "\u00f6pa"}])
    assert told.startswith("authz_plugins: has the name '\u00f6pa'; use letters")
    assert core.refusals(host(), {}, [{"name": "localhost:5000/opa:0.8", "refuses": None}]) == []
    (told,) = core.refusals(host(), dict(POLICY, nonsense=1), [])
    assert "has the key 'nonsense'" in told
    (told,) = core.refusals(host(), dict(POLICY, principals=[]), [])
    assert "locked out" in told


def test_a_removal_is_refused_for_names_alone():
    plain = host({"hosts": ["tcp://0.0.0.0:2375"], NAMED: ["containment"]})
    assert len(core.refusals(plain, {}, [])) == 1
    assert core.refusals(plain, {"nonsense": 1}, [], "absent") == []
    (told,) = core.refusals(plain, {}, [{"name": "a"}, {"name": "a"}], "absent")
    assert told == "authz_plugins: names 'a' twice; name each once."
    (told,) = core.refusals(plain, {}, [{"name": "containment"}], "absent")
    assert "the plugin of this collection" in told


@pytest.mark.parametrize(
    ("policy", "told"),
    [
        ({"contact": datetime.date(2026, 1, 1)}, "authz_policy.contact: 2026-01-01 is no text; write it in quotes."),
        ({"revoked": [{"cn": {1}}]}, "authz_policy.revoked[0].cn: {1} is no text; write it in quotes."),
        ({"roles": [{1: 2}]}, "authz_policy.roles[0]: has the key 1, which is no text; write it in quotes."),
    ],
)
def test_what_yaml_has_and_json_has_not_is_named(policy, told):
    assert core.refusals(host(), dict(POLICY, **policy), []) == [told]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({}, ""),
        ({"policy": "2" * 64}, "policy " + "2" * 60 + " is in force, not " + "1" * 60),
        ({"policy": "", "fault": "policy: has no format; give it."}, "policy: has no format; give it."),
        ({"fault": "the file is another one, and broken"}, ""),
        ({"root": "/srv/1.1"}, "root /srv/1.1 is in force, not /srv"),
        ({"program": "old", "fault": "x"}, "program old is in force, not new"),
    ],
)
def test_in_what_a_plugin_that_serves_is_another_one(changes, told):
    wanted = {"policy": "1" * 64, "program": "new", "root": "/srv"}
    assert core.unlike(dict(dict(wanted, fault="", asked=1), **changes), wanted) == told


def test_a_plugin_that_does_not_say_what_it_is_is_an_old_one():
    assert core.unlike({"fault": ""}, {"root": "/srv"}) == "root None is in force, not /srv"
