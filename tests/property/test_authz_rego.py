# SPDX-License-Identifier: GPL-3.0-or-later
"""Real OPA, with a policy that was rendered for it, decides as the plugin does."""

import collections
import json
import random
import sys
from pathlib import Path

import pytest

from ansible_collections.containment.docker.plugins.module_utils import (
    _authz_actions,
    _authz_decide,
    _authz_demand,
    _authz_rego,
)

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.integration.authz import POLICY
from tests.property import authz_opa
from tests.property.authz_beyond import (
    BEYOND,
    compared,
    decided,
    has_odd_key,
    is_hexadecimal,
    is_hidden,
    is_looked_into,
    is_no_object,
    is_null,
    is_odd_number,
    is_odd_text,
    is_of_another_type,
    is_spaced_profile,
    is_spelt_otherwise,
    is_the_same,
    is_twice,
    is_without_length,
)
from tests.property.authz_opa import Sent
from tests.property.authz_requests import Requests, compact, create, escaped
from tests.property.authz_samples import DIGEST, LARGE, PROFILE

REQUESTS = 5000
SEED = 20261201
LEAST_ALLOWED = 0.2
MOST_BEYOND = 0.2


@pytest.fixture(scope="module")
def agents():
    return {"admins": authz_opa.Agent(POLICY), "large": authz_opa.Agent(LARGE)}


def test_it_decides_as_the_plugin_does(agents, capsys):
    requests = Requests(random.Random(SEED))  # noqa: S311
    counts, beyond, actions = collections.Counter(), collections.Counter(), set()
    everything = set(_authz_actions.ACTIONS) - set(_authz_rego.UNTOLD)
    # Some actions come rarely: more requests, until each was allowed once, and no end of them.
    while counts["agreed"] < REQUESTS or (everything - actions and counts["agreed"] < 2 * REQUESTS):
        policy, name = requests.any([(POLICY, "admins"), (LARGE, "large"), (LARGE, "large")])
        allowed, decision, reasons = compared(agents[name], requests.sent(policy))
        beyond.update(reasons)
        counts["beyond" if reasons else "agreed"] += 1
        if not reasons:
            counts["allowed" if allowed else "denied"] += 1
        if allowed and not reasons:
            actions.add(decision.demand.action)
    with capsys.disabled():
        print(f"\nOPA and the plugin: {dict(counts)}; beyond: {dict(beyond)}")
    assert counts["allowed"] >= LEAST_ALLOWED * counts["agreed"]
    assert counts["beyond"] <= MOST_BEYOND * counts["agreed"]
    assert everything <= actions


PLAIN = {"Image": "foobar", "Cmd": ["sh", "-c", "a && b"], "HostConfig": {"Memory": 1000000000}}
ASKS = {"CapDrop": ["NET_RAW"], "DeviceRequests": [{"Count": 1000}]}
PINNED = {"Image": f"pinned@{DIGEST}"}
SPACED = PROFILE.replace(",", ", ")
FOUR = {"Image": "foobar", "Cmd": ["sh", "-c", "a && b && c"]}
# As the docker command sends them.
NULLS = {
    **PLAIN,
    "Entrypoint": None,
    "OnBuild": None,
    "Volumes": None,
    "Labels": None,
    "HostConfig": {"Binds": None, "CapAdd": None, "DeviceRequests": None, "Dns": None, "SecurityOpt": None},
    "NetworkingConfig": {"EndpointsConfig": {"default": {"IPAMConfig": None, "Links": None, "DriverOpts": None}}},
}
ODD = {**PLAIN, "\u00e9": None}
LIST = b'[{"Name":"network","Value":["host"]}]'


@pytest.mark.parametrize(
    "is_beyond, sent",
    [
        (is_spelt_otherwise, create("plain", PLAIN, json.dumps(PLAIN).encode())),
        (is_spelt_otherwise, create("plain", PLAIN, compact(PLAIN) + b"  ")),
        (is_spelt_otherwise, create("plain", FOUR)),
        (is_of_another_type, create(None, PLAIN, mime="application/json; charset=utf-8")),
        (is_of_another_type, create(None, PLAIN, mime="Application/JSON")),
        (is_without_length, Sent(None, "GET", "/_ping", {"Content-Type": "application/json"}, b"")),
        (is_without_length, create("plain", PLAIN)._replace(headers={"Content-Type": "application/json"})),
        (is_null, create(None, None, b"null")._replace(uri="/containers/web/start")),
        (is_hidden, create(None, None, bytes(authz_opa.SHOWN + 1))._replace(method="DELETE", uri="/containers/web")),
        (is_no_object, create(None, None, LIST)._replace(uri="/plugins/pull?remote=p")),
        (is_no_object, create(None, None, b"?")._replace(uri="/auth")),
        (is_odd_text, create(None, dict(PLAIN, Env=["A=\ufffd"]))),
        (is_hexadecimal, Sent("named", "POST", "/containers/cafe/start", {}, b"")),
        (is_odd_number, create("wide", {"Image": "foobar", "HostConfig": ASKS})),
        (is_odd_number, create("plain", {"Image": "foobar", "HostConfig": {"Memory": 9999999999999999}})),
        (is_spaced_profile, create("web", {**PINNED, "HostConfig": {"SecurityOpt": ["seccomp=" + SPACED]}})),
        (has_odd_key, create("plain", ODD, compact(ODD))),
    ],
)
def test_what_opa_refuses_beyond_the_plugin(agents, is_beyond, sent):
    decision = decided(agents["large"], sent)
    assert decision.verdict == _authz_decide.ALLOW and not agents["large"].allows(sent)
    assert [one for one in BEYOND if one(sent, decision)] == [is_beyond]


@pytest.mark.parametrize(
    "sent",
    [
        create("plain", PLAIN),
        create("plain", PLAIN, escaped(PLAIN) + b"\n"),
        create("plain", PLAIN, compact(PLAIN)),
        create("plain", FOUR, compact(FOUR)),
        create("plain", NULLS),
        create("plain", {"Image": "foobar", "Labels": {"a": 'q"\\u003c\n\t\b\f\x01\x7f\u00e9\u2028'}}),
        create("plain", {"Image": "foobar", "HostConfig": {"Ulimits": [{"Name": "nofile", "Hard": 1048576}]}}),
        create("plain", {"Image": "foobar", "HostConfig": {"ConsoleSize": [1000, 2000], "Memory": 2**40}}),
        create("whole", {"Image": "foobar", "HostConfig": {"Privileged": True}})._replace(
            uri="/containers/create?name=web"
        ),
        create(None, PLAIN, json.dumps(PLAIN).encode()),
        create("web", {**PINNED, "HostConfig": {"SecurityOpt": ["seccomp=" + PROFILE]}}),
        create(None, None, b"null")._replace(uri="/commit?container=web"),
        create(None, None, b"null\n")._replace(uri="/commit?container=web"),
        Sent("named", "POST", "/containers/db/start", {}, b""),
    ],
)
def test_what_both_allow(agents, sent):
    assert decided(agents["large"], sent).verdict == _authz_decide.ALLOW and agents["large"].allows(sent)


@pytest.mark.parametrize("kind, name, most", [("images", "t", 1024), ("containers", "Links", 63)])
def test_as_many_objects_as_a_request_may_name(agents, kind, name, most):
    """63 containers, and the one that is made."""

    def sent(count):
        if kind == "images":
            return Sent("plain", "POST", "/build?" + "&".join(f"t=a{one}" for one in range(count)), {}, b"")
        return create("plain", {"Image": "foobar", "HostConfig": {name: [f"a{one}x" for one in range(count)]}})

    assert [compared(agents["large"], sent(count))[0] for count in (most, most + 1)] == [True, False]


MANY = {f"x{number}": None for number in range(999)}


@pytest.mark.parametrize(
    "most, more",
    [
        ({**MANY, "Image": "foobar"}, {**MANY, "Image": "foobar", "x": None}),
        ({"Image": "foobar", "HostConfig": {**MANY, "x": None}}, {"Image": "foobar", "HostConfig": {**MANY, **PLAIN}}),
        *(
            ({"Image": "foobar", "HostConfig": one}, {"Image": "foobar", "HostConfig": other})
            for one, other in (
                ({"Tmpfs": {"/a": "ro," * 1365}}, {"Tmpfs": {"/a": "ro," * 1366}}),
                ({"PortBindings": {"1/tcp": [{}] * 1000}}, {"PortBindings": {"1/tcp": [{}] * 1001}}),
                ({"BlkioDeviceReadBps": [{}] * 1000}, {"BlkioDeviceReadBps": [{}] * 1001}),
                ({"Mounts": [{"Type": "tmpfs"}] * 1000}, {"Mounts": [{"Type": "tmpfs"}] * 1001}),
            )
        ),
    ],
)
def test_as_much_as_a_request_may_have(agents, most, more):
    assert [compared(agents["large"], create("plain", one))[0] for one in (most, more)] == [True, False]


TWICE = b'{"HostConfig":{"Privileged":true},'
BINDS = b'{"HostConfig":{"Binds":["other:/x"]},'


def twice(first, value, raw=None):
    """Return a body that begins with another value of a key that it has, too."""
    return first + (compact(value) if raw is None else raw)[1:]


def padded(first, value, spare):
    """Return one of which OPA is told `spare` more characters than it would have to have, with white space to fit."""
    raw, wanted = twice(first, value), len(escaped(value)) + spare
    assert len(raw) <= wanted
    return raw.ljust(wanted)


def less_than(count):
    return {"Image": "foobar", "Labels": {"a": "<" * count}, "HostConfig": {}}


def volume(text):
    return create("plain", None, text.encode())._replace(uri="/volumes/create")


@pytest.mark.parametrize(
    "sent",
    [
        create("plain", None, twice(TWICE, {"Image": "foobar", "HostConfig": {}})),
        create("plain", None, padded(TWICE, less_than(7), 0)),
        create("plain", None, padded(TWICE, less_than(7), 1)),
        # Null leaves what was there before.
        volume('{"Driver":"nfs","Name":"data","Driver":null,"Labels":{"a":"<<<"}}'),
        volume('{"Driver":"nfs","Name":"data","Driver":null,"Labels":{"a":"<<<"}}\n'),
        # Bytes that are no UTF-8 are one each, and three where they have been read.
        create(
            *("plain", None),
            padded(TWICE, {"Image": "foobar", "Labels": {"a": "~" * 20}, "HostConfig": {}}, 40).replace(b"~", b"\xff"),
        ),
        # Numbers of 20 digits, in four characters, where no field is looked at.
        create(
            *("whole", None),
            padded(BINDS, {"Image": "foobar", "x": [7, 7, 7], "HostConfig": {}}, 48).replace(b"7", b"1e19"),
        )._replace(uri="/containers/create?name=web"),
    ],
)
def test_a_key_that_is_there_twice_is_refused_by_both(agents, sent):
    assert is_twice(sent)
    assert decided(agents["large"], sent).verdict == _authz_decide.DENY and not agents["large"].allows(sent)


@pytest.mark.parametrize(
    "text, same",
    [
        ('{"Name":"x","Name":"data","Labels":{"a":"<<"}}', True),
        ('{"Name":"data","Name":null}', False),
        ('{"Labels":{"a":""},"Labels":{}}', False),
        ('{"Labels":{"a":""},"Labels":null}', True),
        ('{"Mounts":[{"Type":"bind"}],"Mounts":[{}]}', False),
        ('{"a":{"b":1,"b":2}}', True),
    ],
)
def test_what_is_twice_to_no_effect(text, same):
    assert is_twice(volume(text)) and is_the_same(volume(text)) is same


def test_a_key_that_is_there_twice_to_no_effect_has_room_in_what_go_writes(agents):
    sent = volume('{"Name":"","Name":"data","Labels":{"a":"<<"}}')
    assert len(sent.raw) == len(escaped(json.loads(sent.raw)))
    assert decided(agents["large"], sent).verdict == _authz_decide.DENY and agents["large"].allows(sent)


def test_a_key_that_is_there_twice_in_a_profile_is_refused_by_both(agents):
    profile = '{"defaultAction":"SCMP_ACT_ALLOW",' + PROFILE[1:]
    sent = create("web", {**PINNED, "HostConfig": {"SecurityOpt": ["seccomp=" + profile]}})
    assert decided(agents["large"], sent).verdict == _authz_decide.DENY and not agents["large"].allows(sent)


def test_a_key_that_is_there_twice_gains_nothing_for_whom_all_is_granted(agents):
    sent = create(None, None, twice(TWICE, {"Image": "foobar", "HostConfig": {}}))
    assert is_twice(sent) and not is_looked_into(agents["large"], sent)
    assert decided(agents["large"], sent).verdict == _authz_decide.DENY and agents["large"].allows(sent)
    assert is_looked_into(agents["large"], sent._replace(user="whole"))


def test_execs_are_refused_whoever_asks(agents):
    """Whoever made it: OPA is not told."""

    class World(authz_opa.World):
        def exec(self, number):
            return _authz_demand.Exec(number, "web", "root")

    for method, uri, value in (("POST", "start", {"Detach": False}), ("GET", "json", None)):
        sent = create(None, value, b"" if value is None else None)._replace(method=method, uri=f"/exec/e1/{uri}")
        decision = _authz_decide.decide(agents["large"].policy, authz_opa.message(sent), World())
        assert decision.verdict == _authz_decide.ALLOW and not agents["large"].allows(sent)


def test_numbers_as_a_bundle_has_them(agents):
    """With a bundle, opa-docker-authz hands on floats as Go writes them in the shortest way."""
    sent = create("plain", PLAIN)
    told = json.dumps(authz_opa.told_of(sent)).replace("1000000000", "1e+09")
    query = "told := json.unmarshal({}); allowed := data.docker.authz.allow with input as told"
    assert [one["allowed"] for one in agents["large"].evaluated(query.format(json.dumps(told)))] == [True]


def test_nothing_is_allowed_without_data():
    engine = authz_opa.opa().OpaEngine()
    engine.add_policy("docker.rego", _authz_rego.PROGRAM)
    assert engine.eval_document("docker.authz.allow", authz_opa.told_of(create(None, PLAIN))) is False


@pytest.mark.parametrize("path", ["/containers/%7Bcontainer%7D/top", "/volumes/%7Bvolume%7D", "/exec/%7Bexec%7D/json"])
def test_a_path_that_is_spelt_as_a_route_names_nothing(agents, path):
    assert not agents["large"].allows(Sent(None, "GET", path, {}, b""))


PING = {"Method": "GET", "Path": "/_ping", "Headers": None, "Body": None, "User": "", "AuthMethod": ""}


@pytest.mark.parametrize(
    "change, allowed",
    [
        ({}, True),
        ({"User": "plain"}, False),
        ({"User": "plain", "AuthMethod": "TLS"}, True),
        ({"AuthMethod": "TLS"}, False),
        ({"AuthMethod": None}, False),
        ({"User": "plain", "AuthMethod": "tls"}, False),
        ({"Headers": {"Content-Type": "text/plain"}}, True),
        ({"Headers": {"Content-Type": "text/plain", "content-type": "text/plain"}}, False),
        ({"Headers": {"CONTENT-LENGTH": "0", "Content-Length": "0"}, "Method": "POST", "Path": "/build"}, False),
        ({"Body": {}}, False),
        ({"Body": {"a": 1}, "Headers": {"Content-Length": "0"}}, False),
        ({"Body": {"a": 1}, "Headers": {"Content-Length": "0"}, "Method": "POST", "Path": "/containers/a/stop"}, False),
        ({"Body": {"a": 1}, "Headers": {}, "Method": "POST", "Path": "/containers/a/stop"}, False),
        ({"Body": {"a": 1}, "Headers": {}, "Method": "POST", "Path": "/build"}, False),
        ({"Body": [], "Method": "POST", "Path": "/containers/a/stop"}, False),
        ({"Path": None}, False),
        ({"Method": None}, False),
    ],
)
def test_what_no_engine_tells(agents, change, allowed):
    assert agents["large"].answers({**PING, **change}) is allowed
