# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests are read as an engine reads them, and refused where somebody may read them otherwise."""

import pytest

from ansible_collections.containment.docker.plugins.module_utils import _authz_request as core
from ansible_collections.containment.docker.plugins.module_utils import _authz_routes
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError


@pytest.mark.parametrize(
    "method, uri, action, objects, query",
    [
        ("GET", "/_ping", "system.ping", {}, {}),
        ("POST", "/v1.41/containers/web/start", "container.start", {"container": "web"}, {}),
        ("POST", "/containers/web-1/stop?t=5", "container.stop", {"container": "web-1"}, {"t": "5"}),
        (
            "DELETE",
            "/v1.24/containers/web?v=1&force=0",
            "container.remove",
            {"container": "web"},
            {"v": "1", "force": "0"},
        ),
        (
            *("DELETE", "/v1.47/containers/web/checkpoints/one", "checkpoint.remove"),
            {"container": "web", "checkpoint": "one"},
            {},
        ),
        ("GET", "/v1.54/images/json?filters=%7B%22a%22%3A1%7D", "image.list", {}, {"filters": '{"a":1}'}),
        (
            "GET",
            "/images/docker.io/library/nginx:1.27/json",
            "image.inspect",
            {"image": "docker.io/library/nginx:1.27"},
            {},
        ),
        ("GET", "/images/nginx%40sha256%3Aab/json", "image.inspect", {"image": "nginx@sha256:ab"}, {}),
        ("GET", "/images/json/json/history", "image.history", {"image": "json/json"}, {}),
        ("GET", "/images/get?names=a&names=b", "image.save", {}, {"names": ["a", "b"]}),
        ("POST", "/v1.43/build?t=a%3A1&t=b&remote=a+b", "build.run", {}, {"t": ["a:1", "b"], "remote": "a b"}),
        ("GET", "/networks/", "network.list", {}, {}),
        # docker inspect asks for each kind in turn.
        ("GET", "/v1.41/containers/library/nginx:1/json", "container.inspect", {"container": "library/nginx:1"}, {}),
        ("GET", "/networks/vieux/sshfs:latest", "network.inspect", {"network": "vieux/sshfs:latest"}, {}),
        ("GET", "/volumes/a:b", "volume.inspect", {"volume": "a:b"}, {}),
        ("GET", "/services/nginx:1", "service.inspect", {"service": "nginx:1"}, {}),
        ("GET", "/containers/json?limit=-1&all=0&size=0&trunc_cmd=0", "container.list", {}, None),
        ("POST", "/build?extrahosts=a%3A1&extrahosts=b%3A2", "build.run", {}, {"extrahosts": ["a:1", "b:2"]}),
        ("GET", "/debug/pprof/", "debug.read", {}, {}),
        ("GET", "/info?", "system.info", {}, {}),
        ("DELETE", "/plugins/vieux/sshfs:latest", "plugin.remove", {"plugin": "vieux/sshfs:latest"}, {}),
        ("POST", "/containers/create?name=", "container.create", {}, {"name": ""}),
        ("GET", "/containers/json?all", "container.list", {}, {"all": ""}),
    ],
)
def test_what_clients_send(method, uri, action, objects, query):
    found = core.read(method, uri)
    assert (found.action, found.method, found.objects) == (action, method, objects)
    assert found.query == query or query is None


def test_the_route_is_told():
    assert core.read("GET", "/v1.41/containers/web/json?size=1").route == "/containers/{container}/json"


def test_the_version_is_told():
    assert core.read("GET", "/info").version is None
    assert [core.read("GET", f"/v1.{minor}/info").version for minor in (24, 41, 56)] == [(1, 24), (1, 41), (1, 56)]


@pytest.mark.parametrize(
    "method, uri, words",
    [
        ("GET", "/v1.23/info", "is of API 1.23; use one within 1.24 and 1.56"),
        ("GET", "/v1.57/info", "is of API 1.57"),
        ("GET", "/v1.041/info", "is no route"),
        ("GET", "/v1.41.0/info", "is no route"),
        ("GET", "/v1.41/v1.41/info", "is no route"),
        ("GET", "/v2.41/info", "is no route"),
        ("GET", "/v1.41", "is no route"),
        ("GET", "", "is no path"),
        ("GET", "*", "is no path"),
        ("GET", "http://host/info", "is no path"),
        ("GET", "//info", "is no route"),
        ("GET", "/info/", "is no route"),
        ("get", "/info", "is no route for get"),
        ("HEAD", "/info", "is no route for HEAD"),
        ("GET", "/containers//json", "is no route"),
        ("GET", "/containers/../json", "is no route"),
        ("GET", "/containers/a/../b/json", "is no route"),
        ("GET", "/images/a//b/json", "is no route"),
        ("GET", "/images/a/../b/json", "is no route"),
        ("GET", "/images//json", "is no route"),
        ("DELETE", "/images/", "is no route"),
        ("GET", "/containers/a%2Fb/json", "hides a character as %2F"),
        ("GET", "/containers/%61/json", "hides a character as %61"),
        ("GET", "/containers/a%00/json", "hides a character as %00"),
        ("GET", "/containers/a%0A/json", "hides a character as %0A"),
        ("GET", "/containers/%FF/json", "hides a character as %FF"),
        ("GET", "/containers/a%7Fb/json", "hides a character as %7F"),
        ("GET", "/containers/a%20b/json", "hides a character as %20"),
        ("GET", "/containers/a%25b/json", "is no route"),
        ("GET", "/containers/a%3fb/json", "is no path"),  # Nobody writes them in lower case.
        ("GET", "/containers/-a/json", "is no route"),
        ("POST", "/containers/a:b/start", "is no route"),
        ("POST", "/containers/a/b/start", "is no route"),
        ("GET", "/services/a/b", "is no route"),
        ("GET", "/containers/%7Bcontainer%7D/top", "is no route"),
        ("POST", "/containers/%7Bcontainer%7D/exec", "is no route"),
        ("DELETE", "/volumes/%7Bvolume%7D", "is no route"),
        ("GET", f"/services/{'a' * 256}", "is no route"),
        ("GET", f"/containers/{'a' * 256}/json", "is no route"),
        ("GET", "/containers/json#x", "is no path"),
        ("GET", "/containers/json\n", "is no path"),
        ("GET", "/containers/j\u0455on", "is no path"),
        ("GET", "/containers/json;all=1", "is no path"),
        ("GET", "/" + "a" * 16384, "has 16385 characters; keep to 16384"),
        ("GET", "/containers/json?all=1&all=0", "parameter all of container.list: is there twice"),
        (
            "GET",
            "/containers/json?All=1",
            "parameter All of container.list: is none that this route has; use one of all,",
        ),
        ("GET", "/info?x=1", "is none that this route has; leave it out"),
        ("GET", "/containers/json?all=1&", "parameter  of container.list: is none"),
        ("GET", "/containers/json?%61ll=1", "is none"),
        ("GET", "/containers/json?all=1;size=1", "has characters that are not sent as they are"),
        ("GET", "/containers/json?all=%", "has characters"),
        ("GET", "/containers/json?filters=%FF", "parameter filters of container.list: is not UTF-8"),
        ("GET", "/containers/json?filters={}", "has characters"),
    ],
)
def test_what_is_refused(method, uri, words):
    with pytest.raises(ContainmentError) as told:
        core.read(method, uri)
    assert words in str(told.value)


@pytest.mark.parametrize("uri", ["/nothing?x=SECRET", "/nothing#SECRET", "/nothing?a=SECRET#SECRET?SECRET"])
def test_no_query_is_shown(uri):
    with pytest.raises(ContainmentError, match=r"^request /nothing: is no") as caught:
        core.read("GET", uri)
    assert "SECRET" not in str(caught.value)


def test_what_a_sentence_shows_of_a_request():
    with pytest.raises(ContainmentError) as told:
        core.read("GET", "/\x1b[31m" + "a" * 300)
    assert str(told.value).startswith("request /\\u001b[31maaa") and "a..." in str(told.value)
    assert "\x1b" not in str(told.value) and len(str(told.value)) < 400


def test_how_much_of_a_request_is_shown_and_read():
    for length, end in ((199, "a: is no"), (200, "a: is no"), (201, "a...: is no")):
        with pytest.raises(ContainmentError) as told:
            core.read("GET", "/" + "a" * (length - 1))
        assert str(told.value).startswith("request /" + "a" * (min(length, 200) - 1) + end[1:])
    with pytest.raises(ContainmentError, match=r"request /a\\u0020b\\u007f: is no path"):
        core.read("GET", "/a b\x7f")
    start = "/containers/json?filters="
    assert core.read("GET", start + "a" * (16384 - len(start))).query["filters"].strip("a") == ""


def test_the_table_of_routes():
    assert len({route[:2] for route in _authz_routes.ROUTES}) == len(_authz_routes.ROUTES)
    assert set(_authz_routes.SEVERAL) <= set(_authz_routes.ACTIONS)
    for method, path, action, query in _authz_routes.ROUTES:
        assert method in ("GET", "HEAD", "POST", "PUT", "DELETE") and path.startswith("/") and "." in action
        assert len(set(query.split())) == len(query.split())
    for action, several in _authz_routes.SEVERAL.items():
        known = {one for route in _authz_routes.ROUTES if route[2] == action for one in route[3].split()}
        assert set(several) <= known
