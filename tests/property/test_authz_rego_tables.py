# SPDX-License-Identifier: GPL-3.0-or-later
"""Real OPA and the plugin agree on each kind of body, name, field and value there is."""

import collections
import itertools
import sys
import urllib.parse
from pathlib import Path

import pytest

from ansible_collections.containment.docker.plugins.module_utils import _authz_fields, _authz_rego

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.property import authz_opa
from tests.property import authz_samples as samples
from tests.property.authz_beyond import compared
from tests.property.authz_opa import Sent
from tests.property.authz_requests import create


@pytest.fixture(scope="module")
def agent():
    return authz_opa.Agent(samples.LARGE)


def all_agree(agent, requests):
    """Compare all; see that some are allowed, and some are not."""
    found = collections.Counter(compared(agent, sent)[0] for sent in requests)
    assert found[True] and found[False]


ROUTES = [
    *(("GET", "/_ping"), ("DELETE", "/containers/web"), ("POST", "/containers/web/start")),
    *(("POST", "/containers/create"), ("POST", "/networks/net/connect"), ("POST", "/plugins/p/set")),
    *(("POST", "/commit?container=web"), ("POST", "/containers/web/update")),
    *(("GET", "/containers/web/archive"), ("POST", "/containers/web/copy"), ("POST", "/build"), ("POST", "/auth")),
    *(("GET", "/containers/web/attach/ws"), ("PUT", "/containers/web/archive"), ("PUT", "/volumes/data")),
    ("POST", "/images/foobar/push"),
]
TYPES = [
    *(None, "application/json", "application/json; charset=utf-8", "text/plain", "APPLICATION/X-TAR ; a"),
    "application/x-www-form-urlencoded",
]
DEEP = b'{"a":' * 63 + b"%b" + b"}" * 63
RAWS = [b"", b"{}", b'{"Container":"web","a":1}', b"null", b"null\n", b"[]", b"[{}]", b"x"]
ODD_RAWS = [
    *(b"1", b"{}{}", b" " * authz_opa.SHOWN + b"{}", DEEP % b"1", DEEP % b"{}", DEEP % b"[]", DEEP % b'{"a":1}'),
    *(DEEP % b'{"a":{}}', DEEP % b"[[]]", DEEP % b"[1]"),
    *(b'{"a":1e400}', b'{"a":99999999999999999999}', b'{"a":-9999999999999999999}', b'{"a":1000000000000000000000}'),
]


def test_they_agree_on_bodies(agent):
    requests = []
    bodies = [*itertools.product(TYPES, RAWS), *itertools.product(["application/json"], ODD_RAWS)]
    for (method, uri), (mime, raw) in itertools.product(ROUTES, bodies):
        headers = {} if mime is None else {"Content-Type": mime}
        lengths = [str(len(raw))] + ([None, "+1"] if len(raw) < 9 else []) + (["00"] if not raw else [])
        for length in lengths:
            sized = headers if length is None else {**headers, "Content-Length": length}
            requests.append(Sent(None, method, uri, sized, raw))
    all_agree(agent, requests)


@pytest.mark.parametrize("user", ["named", "whole", "web", "maker"])
def test_they_agree_on_images(agent, user):
    requests = []
    for name in samples.IMAGES:
        quoted = urllib.parse.quote(name, safe="")
        uris = [f"/images/create?{key}={quoted}{tag}" for key in ("fromImage", "fromSrc=-&repo") for tag in TAGS]
        uris += [f"/images/{name}/tag?repo={quoted}{tag}" for tag in TAGS]
        uris += [f"/build?t={quoted}&t=foobar", f"/images/{name}/push?tag=1", f"/images/{name}/push"]
        requests += [Sent(user, "POST", uri, {}, b"") for uri in uris]
        requests += [Sent(user, "GET", uri, {}, b"") for uri in (f"/images/{name}/json", f"/images/get?names={quoted}")]
        requests.append(create(user, {"Image": name, "Labels": {"team": "a"}}))
        requests.append(
            create(user, {"Image": "foobar", "HostConfig": {"Mounts": [{"Type": "image", "Source": name}]}})
        )
    all_agree(agent, requests)


TAGS = ["", "&tag=1", f"&tag={samples.DIGEST}"]


@pytest.mark.parametrize("user", ["named", "maker", "labelled"])
def test_they_agree_on_containers_networks_and_volumes(agent, user):
    requests = []
    for name in [*samples.CONTAINERS, *samples.NETWORKS, *samples.VOLUMES, "a:b", "_x", "web:x", "-web", "web x", ""]:
        quoted = urllib.parse.quote(name, safe="")
        for method, uri in (
            *(
                ("POST", "/containers/{}/start"),
                ("POST", "/containers/web/rename?name={}"),
                ("GET", "/containers/{}/json"),
            ),
            *(("POST", "/containers/{}/rename?name=web"), ("DELETE", "/networks/{}"), ("GET", "/volumes/{}")),
            *(("POST", "/build?networkmode={}"), ("GET", "/services/{}"), ("GET", "/containers/{}/top")),
        ):
            requests.append(Sent(user, method, uri.format(quoted), {}, b""))
        for host in (
            *(
                {"Links": [name + ":x"]},
                {"VolumesFrom": ["/" + name]},
                {"Binds": [name + ":/x"]},
                {"NetworkMode": name},
            ),
            *({"IpcMode": "container:" + name}, {"Mounts": [{"Type": "volume", "Source": name}]}, {"Cgroup": name}),
        ):
            made = create(user, {"Image": "foobar", "HostConfig": host, "Labels": {"public": ""}})
            requests.append(made._replace(uri="/containers/create?name=web"))
        for value in (
            *({"Container": "/" + name}, {"Container": "web", "EndpointConfig": {"Links": [name]}}),
            {"Container": "web", "EndpointConfig": {"NetworkID": name}},
        ):
            requests.append(create(user, value)._replace(uri="/networks/net/connect"))
        requests.append(create(user, {"Container": name})._replace(uri="/networks/net/disconnect"))
        for kind, mode in itertools.product(("volumes", "networks"), ({}, {"Labels": {}})):
            requests.append(create(user, {"Name": name, **mode})._replace(uri=f"/{kind}/create"))
        requests.append(create(user, NAMED_SO)._replace(uri=f"/containers/create?name={quoted}"))
        endpoints = {"EndpointsConfig": {name: {"NetworkID": "net"}, "net": None}}
        requests.append(create(user, {**NAMED_SO, "NetworkingConfig": endpoints}))
    requests += [create(user, {**NAMED_SO, "Labels": labels}) for labels in LABELS]
    all_agree(agent, requests)


NAMED_SO = {"Image": "foobar", "Labels": {"team": "a"}}
LABELS = [None, {}, {"team": "b"}, {"team": None}, {"public": "x"}, {"Public": ""}, {"team": "a", "x": 1}, [], "team"]


def changed(value, place, field):
    """Return a body with another field at a place in it."""
    inner = dict(value.get(place[0]) or {}) if place else value
    return {**value, place[0]: {**inner, **field}} if place else {**value, **field}


CLOSED = {
    "Image": f"pinned@{samples.DIGEST}",
    "User": "1000",
    "HostConfig": {"CapDrop": ["ALL"], "SecurityOpt": ["no-new-privileges"]},
}
# Body, path, place of the fields, and their table.
TABLES = [
    (CLOSED, "/containers/create", (), _authz_fields.CREATE),
    (CLOSED, "/containers/create", ("HostConfig",), _authz_fields.HOST),
    ({"Name": "data"}, "/volumes/create", (), _authz_fields.VOLUME),
    ({"Name": "net"}, "/networks/create", (), _authz_fields.NETWORK),
    ({"Name": "net"}, "/networks/create", ("IPAM",), _authz_fields.NETWORK["IPAM"]),
    ({"Container": "web"}, "/networks/net/connect", ("EndpointConfig",), _authz_fields.ENDPOINT),
]


@pytest.mark.parametrize("user", ["plain", "closed", "web", "wide", "narrow"])
def test_they_agree_on_the_values_that_envelopes_look_at(agent, user):
    requests = []
    for body, uri, place, fields in TABLES:
        for name, kind in fields.items():
            values = samples.RULED.get(name) or samples.TYPED.get(kind if isinstance(kind, str) else None, [{}, [{}]])
            # What is in no rule is the same to all envelopes.
            for value in values if name in samples.RULED or user == "plain" else values[:1]:
                requests.append(create(user, changed(body, place, {name: value}))._replace(uri=uri))
    all_agree(agent, requests)


LOOKED_UP = {name for names in _authz_rego._LOOKED_UP.values() for name in names}


def are_odd(fields):
    """Return the names of fields with rules, with fields of their own, or looked up otherwise, and one of each kind."""
    kinds = {kind: name for name, kind in fields.items() if isinstance(kind, str) and kind != "rule"}
    special = {name for name, kind in fields.items() if kind == "rule" or not isinstance(kind, str)}
    return sorted(special | LOOKED_UP.intersection(fields) | set(kinds.values()))


@pytest.mark.parametrize("user", ["wide", "whole"])
def test_they_agree_on_values_of_other_types_and_fields_in_other_spellings(agent, user):
    requests = []
    for body, uri, place, fields in TABLES:
        for name in are_odd(fields) if user == "wide" else sorted(LOOKED_UP.intersection(fields)):
            # A number is what true is to Python, and to no engine.
            odd = [one for one in samples.ODD if name != "OomScoreAdj" or not isinstance(one, bool)]
            fields_of = [{name: one} for one in odd] + [{name.lower(): None}, {name.lower(): "x"}, {name + "x": None}]
            fields_of += [{name.replace("s", "\u017f"): one} for one in (None, "x")]
            requests += [create(user, changed(body, place, one))._replace(uri=uri) for one in fields_of]
    all_agree(agent, requests)


def test_they_agree_on_builds(agent):
    words = (
        "",
        "version=1",
        "version=",
        "version=2",
        "version=01",
        "session=x",
        "session=default",
        "session=",
        "version=1&session=x",
    )
    words += ("remote=client-session", "remote=", "remote=http://h/a", "version=1&remote=client-session")
    all_agree(agent, [Sent(user, "POST", "/build?" + one, {}, b"") for one in words for user in ("plain", None)])


QUERIES = (
    "| ? | ?name=a1 | ?name=a1& | ?&name=a1 | ?name=a1&name=b1 | ?name | ?name= | ?name=a=b | ?=a1 | ?x=1 | ?Name=a1 "
    "| ?name=%ff | ?name=%C3%A9 | ?name=%ED%A0%80 | ?name=a;b | ?name=%zz | ?name=a+b | ?n%61me=a1 | ?name=a1?b "
    "| ?name=a1&platform=linux%2Famd64 | ?name=\u00e9 | ?name=a1#b | ?name=%2Fa1 | ?name=%00 | ?name=%2ba | ?name=a%0a"
)


@pytest.mark.parametrize("query", [*(one.strip() for one in QUERIES.split("|")), "?name=" + "a" * 16384])
def test_they_agree_on_parameters(agent, query):
    compared(agent, create(None, {"Image": "foobar"})._replace(uri="/containers/create" + query))
    compared(agent, Sent(None, "POST", "/build" + query.replace("name", "t"), {}, b""))
    compared(agent, Sent(None, "POST", "/build" + query.replace("name", "q"), {}, b""))


URIS = (
    "/v1.41/_ping /v1.23/_ping /v1.24/_ping /v1.56/_ping /v1.57/_ping /v1.041/_ping /v1.41 /v1.41/ //_ping /_ping/ "
    "/%5Fping /_ping%2F /v1.41/v1.41/_ping _ping / /v2.0/_ping http://h/_ping /images//json /images/json "
    "/images/a//json /images/a/b/json /images/a%2Fb/json /images/a%40b/json /images/a%3Ab/json /images/a%3ab/json "
    "/images/../json /images/a+b/json /images/a%2Bb/json /info%25 /containers/a/b/json /containers/a/b/top "
    "/containers//json /debug/pprof/ /debug/pprof/heap /networks/ /containers/a@b/json /containers/a@b/top "
    "/nodes/a:b /secrets/a@b /services/a:b/logs /plugins/json /plugins/a/b:1/json /tasks/-a /images/get "
    "/images/a/get /images/search /distribution/a/b/json /images/push /images/a/push /containers/_x/start "
    "/networks/a:b/connect /plugins/-a/enable"
)


@pytest.mark.parametrize("uri", ["", *URIS.split()])
def test_they_agree_on_paths(agent, uri):
    for method, user in itertools.product(("GET", "POST", "DELETE", "HEAD"), (None, "named")):
        compared(agent, Sent(user, method, uri, {}, b""))
