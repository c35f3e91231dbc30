# SPDX-License-Identifier: GPL-3.0-or-later
"""A request demands all the objects that it touches, and a body that is seen."""

import json
import time

import pytest

from ansible_collections.containment.docker.plugins.module_utils import _authz_demand as core
from ansible_collections.containment.docker.plugins.module_utils import _authz_names
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

_ID = "a" * 64
_HASH = "sha256:" + "d" * 64
_JSON = {"Content-Type": "application/json"}


class World:
    """A test double of an engine's containers: web is there, and a process of alice's in it."""

    def __init__(self):
        self.asked = []

    def container(self, text):
        self.asked.append(text)
        if text not in ("web", _ID, "db"):
            raise ContainmentError(f"container {text!a}", "is not there", "see docker ps -a")
        return _authz_names.Container(_ID, "web", {}, "alice", {}, {})

    def exec(self, number):
        if number != "e1":
            raise ContainmentError(f"exec {number!a}", "is not known", "make a new one")
        return core.Exec("e1", _ID, "alice")


def _read(method, uri, body=None, headers=None, world=None):
    data = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    sent = dict(_JSON if data else {}, **{"Content-Length": str(len(data))})
    return core.read(method, uri, sent if headers is None else headers, data, world or World())


def _refused(words, *args, **kwargs):
    with pytest.raises(ContainmentError) as caught:
        _read(*args, **kwargs)
    assert words in str(caught.value)


def _named(demand):
    return {kind: [one.text for one in things] for kind, things in demand.things.items() if things}


@pytest.mark.parametrize(
    "method, uri, body, named, envelope",
    [
        ("GET", "/info", None, {}, None),
        ("GET", "/containers/web/json", None, {"containers": ["web"]}, None),
        ("POST", "/containers/web/attach?stream=1", None, {"containers": ["web"]}, "inside"),
        ("POST", "/containers/web/exec", {"Cmd": ["sh"]}, {"containers": ["web"]}, "exec"),
        ("POST", "/exec/e1/start", {"Detach": False}, {"containers": [_ID]}, "inside"),
        ("GET", "/exec/e1/json", None, {"containers": [_ID]}, None),
        ("POST", "/exec/e1/resize?h=1&w=2", None, {"containers": [_ID]}, None),
        ("POST", "/containers/web/start", None, {"containers": ["web"]}, None),
        ("POST", "/containers/web/start?checkpoint=a", None, {"containers": ["web"]}, "all"),
        ("POST", "/containers/web/start?checkpoint-dir=%2Ftmp", None, {"containers": ["web"]}, "all"),
        ("GET", "/containers/web/checkpoints", None, {"containers": ["web"]}, "all"),
        ("POST", "/containers/web/checkpoints", {"CheckpointID": "a"}, {"containers": ["web"]}, "all"),
        ("POST", "/containers/web/rename?name=new", None, {"containers": ["web", "new"]}, None),
        ("POST", "/containers/web/rename?name=/new", None, {"containers": ["web", "new"]}, None),
        ("POST", "/containers/web/update", {"Memory": 1}, {"containers": ["web"]}, "update"),
        ("POST", "/commit?container=web", None, {"containers": ["web"]}, "commit"),
        ("POST", "/commit?container=web", b"null", {"containers": ["web"]}, "commit"),
        ("POST", "/commit?container=web&repo=a&tag=1", {}, {"containers": ["web"], "images": ["a:1"]}, "commit"),
        ("POST", "/commit?container=web&repo=a", {}, {"containers": ["web"], "images": ["a"]}, "commit"),
        ("POST", "/images/create?fromImage=a&tag=1", None, {"images": ["a:1"]}, None),
        ("POST", "/images/create?fromImage=a:2&tag=1", None, {"images": ["a:1"]}, None),
        ("POST", "/images/create?fromImage=h:5000/a&tag=1", None, {"images": ["h:5000/a:1"]}, None),
        ("POST", f"/images/create?fromImage=a&tag={_HASH}", None, {"images": [f"a@{_HASH}"]}, None),
        ("POST", "/images/create?fromSrc=-&repo=a&tag=1", None, {"images": ["a:1"]}, None),
        ("POST", "/images/create?fromSrc=-", None, {"images": [""]}, None),
        ("POST", "/images/create?fromSrc=http://h/a&repo=a", None, {"images": ["a", ""]}, None),
        ("POST", "/images/create", None, {"images": [""]}, None),
        ("POST", "/images/a/tag?repo=b&tag=1", None, {"images": ["a", "b:1"]}, None),
        ("POST", "/images/h/a/push?tag=1", {}, {"images": ["h/a:1"]}, None),
        ("POST", "/images/h/a:2/push?tag=1", None, {"images": ["h/a:1"]}, None),
        ("DELETE", "/images/a:1", None, {"images": ["a:1"]}, None),
        ("GET", "/images/get?names=a:1&names=b:1", None, {"images": ["a:1", "b:1"]}, None),
        ("POST", "/images/load", None, {"images": [""]}, None),
        ("POST", "/build?t=a&t=b:1", None, {"images": ["a", "b:1"]}, "build"),
        ("POST", "/build?networkmode=web", None, {"networks": ["web"]}, "build"),
        ("POST", "/build?networkmode=host", None, {}, "build"),
        ("POST", "/volumes/create", {"Name": "a"}, {"volumes": ["a"]}, "volume"),
        ("POST", "/volumes/create", {}, {"volumes": [""]}, "volume"),
        ("DELETE", "/volumes/a", None, {"volumes": ["a"]}, None),
        ("POST", "/networks/create", {"Name": "a"}, {"networks": ["a"]}, "network"),
        ("POST", "/networks/a/connect", {"Container": "/web"}, {"networks": ["a"], "containers": ["web"]}, "connect"),
        (
            *("POST", "/networks/a/connect", {"Container": "web", "EndpointConfig": {"Links": ["db:x"]}}),
            {"networks": ["a"], "containers": ["web", "db"]},
            "connect",
        ),
        ("POST", "/networks/a/disconnect", {"Container": "web"}, {"networks": ["a"], "containers": ["web"]}, None),
        ("POST", "/plugins/pull?remote=a", [], {}, "all"),
        ("GET", "/debug/vars", None, {}, "all"),
        ("POST", "/session", None, {}, "all"),
    ],
)
def test_what_requests_touch(method, uri, body, named, envelope):
    found = _read(method, uri, body)
    assert (_named(found), found.envelope) == (named, envelope)


@pytest.mark.parametrize(
    "host, fields, named",
    [
        ({}, {}, {}),
        ({"Binds": ["data:/a", "/srv:/b", "/c", "log:/d:ro"]}, {}, {"volumes": ["data", "log"]}),
        ({"Mounts": [{"Type": "volume", "Source": "a"}, {"Type": "volume"}]}, {}, {"volumes": ["a"]}),
        ({"Mounts": [{"Type": "cluster", "Source": "a"}, {"Type": "bind", "Source": "/"}]}, {}, {"volumes": ["a"]}),
        ({"Mounts": [{"Type": "image", "Source": "alpine"}]}, {}, {"images": ["nginx", "alpine"]}),
        ({"NetworkMode": "net"}, {}, {"networks": ["net"]}),
        ({"NetworkMode": "host"}, {}, {}),
        ({"NetworkMode": "container:db"}, {}, {"containers": ["", "db"]}),
        ({"NetworkMode": "container:/db"}, {}, {"containers": ["", "db"]}),
        *[
            ({one: "container:db"}, {}, {"containers": ["", "db"]})
            for one in ("IpcMode", "PidMode", "UTSMode", "Cgroup")
        ],
        ({"VolumesFrom": ["db:ro"], "Links": ["/web:x"]}, {}, {"containers": ["", "db", "web"]}),
        ({}, {"NetworkingConfig": {"EndpointsConfig": {"net": None, "bridge": {}}}}, {"networks": ["net"]}),
        (
            {"NetworkMode": "net"},
            {"NetworkingConfig": {"EndpointsConfig": {"net": {}, "b": {}}}},
            {"networks": ["net", "b"]},
        ),
        (
            {},
            {"NetworkingConfig": {"EndpointsConfig": {"n": {"Links": ["db"]}}}},
            {"networks": ["n"], "containers": ["", "db"]},
        ),
        ({}, {"NetworkingConfig": {"EndpointsConfig": {"host": {}}}}, {"networks": ["host"]}),
    ],
)
def test_what_a_create_touches(host, fields, named):
    found = _read("POST", "/containers/create", dict(fields, Image="nginx", HostConfig=host))
    assert _named(found) == dict({"containers": [""], "images": ["nginx"]}, **named)
    assert (found.envelope, found.target) == ("create", None)


def test_a_new_container_is_its_makers():
    body = {"Image": "nginx", "Labels": {"a": "b"}}
    new = _read("POST", "/containers/create?name=/new", body).things["containers"][0].found()
    assert new == _authz_names.Container(None, "new", {"a": "b"}, _authz_names.OWN, None, None)
    assert _read("POST", "/containers/create", body).things["containers"][0].found().name is None


@pytest.mark.parametrize(
    "body, words",
    [
        ({"hostconfig": {}}, "has the key 'hostconfig'"),
        ({"HOSTCONFIG": {"Privileged": True}}, "has the key 'HOSTCONFIG'"),
        ({"image": "a"}, "has the key 'image'"),
        ({"Privileged": True}, "is not within HostConfig"),
        ({"privileged": True}, "is not within HostConfig"),
        ({"binds": ["/:/a"]}, "is not within HostConfig"),
        ({"Bind\u017f": ["/:/a"]}, "is not within HostConfig"),
        ({"HostConfig": []}, "is of another type"),
        ({"HostConfig": {"binds": ["/:/a"]}}, "has the key 'binds'"),
        ({"HostConfig": {"networkMode": "host"}}, "has the key 'networkMode'"),
        ({"HostConfig": {"Binds": "/:/a"}}, "is of another type"),
        ({"HostConfig": {"Binds": [1]}}, "is no list of texts"),
        ({"HostConfig": {"Binds": ["a:b"]}}, "has no path in the container"),
        ({"HostConfig": {"Mounts": ["a"]}}, "is no object"),
        ({"HostConfig": {"Mounts": [{"source": "a"}]}}, "has the key 'source'"),
        ({"HostConfig": {"Mounts": [{"Type": ["volume"]}]}}, "is of another type"),
        ({"HostConfig": {"NetworkMode": ["host"]}}, "is of another type"),
        ({"HostConfig": {"VolumesFrom": [{}]}}, "is no list of texts"),
        ({"HostConfig": {"Links": {}}}, "is of another type"),
        ({"Image": ["a"]}, "is of another type"),
        ({"Labels": []}, "is of another type"),
        ({"NetworkingConfig": []}, "is of another type"),
        ({"NetworkingConfig": {"EndpointsConfig": []}}, "is of another type"),
        ({"NetworkingConfig": {"EndpointsConfig": {"a": ["b"]}}}, "is not within an object"),
        ({"NetworkingConfig": {"EndpointsConfig": {"a": {"links": ["b"]}}}}, "has the key 'links'"),
        ([], "is no object"),
        (b"{}{}", "is no JSON"),
        (b'{"Image": "a", "Image": "b"}', "twice"),
        (b"[" * 100000, "is nested too deeply"),
    ],
)
def test_creates_that_an_engine_may_read_otherwise(body, words):
    _refused(words, "POST", "/containers/create", body)


def test_top_level_fields_that_are_null_are_none():
    assert _read("POST", "/containers/create", {"Image": "a", "Runtime": None}).action == "container.create"


@pytest.mark.parametrize("name", ["a", "-a", ".a", "//ab", "a%20b", "a/b", "ab%0A", "%C3%A9e"])
def test_names_that_no_container_can_have(name):
    _refused("is none that a container can have", "POST", f"/containers/create?name={name}", {"Image": "a"})
    _refused("is none that a container can have", "POST", f"/containers/web/rename?name={name}")


def test_a_renamed_container_is_the_same_of_another_name():
    things = _read("POST", "/containers/web/rename?name=new").things["containers"]
    assert [(one.found().id, one.found().name) for one in things] == [(_ID, "web"), (_ID, "new")]
    _refused("is none that a container can have", "POST", "/containers/web/rename")


_TYPE = "Content-Type"
_LENGTH = "Content-Length"


@pytest.mark.parametrize(
    "method, uri, body, headers, words",
    [
        # json
        ("POST", "/containers/create", b"", {}, "is missing"),
        ("POST", "/containers/create", b"", {_LENGTH: "0"}, "is missing"),
        ("POST", "/containers/create", b"", {_TYPE: "text/plain", _LENGTH: "0"}, "is missing"),
        ("POST", "/containers/create", b"", {_TYPE: "application/json", _LENGTH: "0"}, "is missing"),
        ("POST", "/containers/create", b"", {_TYPE: "application/json", _LENGTH: "12"}, "is not shown"),
        ("POST", "/containers/create", b"", {_TYPE: "application/json"}, "is not shown"),
        ("POST", "/containers/create", b"", {_TYPE: "Application/JSON ; a=b"}, "is not shown"),
        ("POST", "/containers/create", b"", {_LENGTH: "12"}, "is not shown"),
        ("POST", "/containers/create", b"{}", {_TYPE: "text/plain"}, "is not application/json"),
        ("POST", "/containers/create", b"{}", {}, "is not application/json"),
        ("POST", "/containers/create", b"{}", {_TYPE: "application/x-www-form-urlencoded"}, "is read by engines"),
        ("POST", "/containers/create", b"", {_TYPE: "multipart/form-data; boundary=a"}, "is read by engines"),
        ("POST", "/containers/create", b"{}", {_TYPE: "application/json, text/plain"}, "is read by engines"),
        ("POST", "/containers/create", b"{}", {_TYPE: "application/json", _LENGTH: "x"}, "is no number"),
        ("POST", "/containers/create", b"{}", {_TYPE: "application/json", _LENGTH: "-1"}, "is no number"),
        ("POST", "/containers/create", b"{}", {_TYPE: "application/json", _LENGTH: "\u0661"}, "is no number"),
        ("POST", "/containers/create?name=ab/auth", b"", {_TYPE: "application/json", _LENGTH: "9"}, "is not shown"),
        # list
        ("POST", "/plugins/pull?remote=a", b"{}", _JSON, "is no array"),
        ("POST", "/plugins/pull?remote=a", b"", {}, "is missing"),
        # maybe
        ("POST", "/commit?container=web", b"", {_LENGTH: "2"}, "is not shown"),
        ("POST", "/commit?container=web", b"", {_TYPE: "application/json"}, "is not shown"),
        ("POST", "/commit?container=web", b"", {_TYPE: "application/x-tar"}, "is read by engines"),
        # none
        ("POST", "/containers/web/start", b'{"Privileged": true}', _JSON, "is none that container.start has"),
        ("POST", "/containers/web/start", b"", {_LENGTH: "20"}, "is not shown"),
        (
            "POST",
            "/containers/web/start",
            b"",
            {_TYPE: "application/x-www-form-urlencoded", _LENGTH: "9"},
            "is read by",
        ),
        ("POST", "/containers/web/start", b"", {_TYPE: "application/x-www-form-urlencoded"}, "is read by engines"),
        ("POST", "/images/a/tag?repo=b", b"repo=c", {_TYPE: "application/x-www-form-urlencoded"}, "is read by engines"),
        # a form in front of what is told
        ("POST", "/images/a/tag?repo=b", b"", {_TYPE: "text/plain"}, "is not shown"),
        ("POST", "/images/a/tag?repo=b", b"", {_TYPE: "text/plain", _LENGTH: "9"}, "is not shown"),
        ("POST", "/containers/web/start", b"", {"content-type": ""}, "is not shown"),
        ("POST", "/commit?container=web", b"", {_TYPE: ""}, "is not shown"),
        # stream
        (
            "POST",
            "/images/create?fromImage=a",
            b"",
            {_TYPE: "application/x-www-form-urlencoded", _LENGTH: "9"},
            "none that",
        ),
        ("POST", "/images/create?fromImage=a", b"", {_TYPE: "multipart/form-data; boundary=a"}, "is none that"),
        ("POST", "/images/create?fromImage=a", b"{}", _JSON, "is none that"),
        ("POST", "/build", b"", {_TYPE: "application/json", _LENGTH: "9"}, "is none that"),
        ("PUT", "/containers/web/archive?path=/", b"a", {_TYPE: "application/x-tar"}, "is none that"),
        ("POST", "/auth", b"", {_TYPE: "application/x-www-form-urlencoded", _LENGTH: "9"}, "is none that"),
        # methods without a body
        ("GET", "/containers/json", b"{}", _JSON, "is none that container.list has"),
        ("HEAD", "/_ping", b"a", {}, "is none that system.ping has"),
        ("DELETE", "/containers/web", b'{"a": 1}', _JSON, "is none that container.remove has"),
    ],
)
def test_bodies_that_are_not_what_a_route_takes(method, uri, body, headers, words):
    _refused(words, method, uri, body, headers)


@pytest.mark.parametrize(
    "uri, kinds",
    [
        ("/build?t=a", {"images", "networks"}),
        ("/images/create?fromImage=a", {"images"}),
        ("/images/create?fromSrc=-&repo=a", {"images"}),
    ],
)
@pytest.mark.parametrize(
    "headers, hidden",
    [
        ({_TYPE: "application/x-tar"}, True),
        ({_TYPE: "text/plain", _LENGTH: "9"}, True),
        ({"content-type": ""}, True),
        ({_TYPE: "application/x-tar", _LENGTH: "0"}, False),
        ({_LENGTH: "9"}, False),
        ({}, False),
    ],
)
def test_what_a_body_that_is_not_shown_may_ask_for(uri, kinds, headers, hidden):
    plain = _read("POST", uri, b"", {})
    found = _read("POST", uri, b"", headers)
    assert found.envelope == ("all" if hidden and "networks" in kinds else plain.envelope)
    for kind, things in found.things.items():
        names = [thing.text for thing in plain.things[kind]]
        assert sorted(thing.text for thing in things) == sorted(names + [""] * (hidden and kind in kinds))


@pytest.mark.parametrize(
    "method, uri, body, headers",
    [
        ("POST", "/containers/create", b'{"Image": "a"}', {"content-type": "application/json; charset=utf-8"}),
        ("POST", "/containers/create", b'{"Image": "a"}', {_TYPE: "application/json"}),
        ("POST", "/containers/web/start", b"", {_TYPE: "text/plain", _LENGTH: "0"}),
        ("POST", "/containers/web/start", b"", {_TYPE: "application/json", _LENGTH: "0"}),
        ("POST", "/containers/web/start", b"{}", _JSON),
        ("POST", "/containers/web/start", b"null\n", _JSON),
        ("POST", "/containers/web/attach?stream=1", b"", {_TYPE: "text/plain", "Upgrade": "tcp"}),
        ("POST", "/containers/web/wait?condition=next-exit", b"", {_TYPE: "text/plain", _LENGTH: "0"}),
        ("POST", "/commit?container=web", b"", {_TYPE: "text/plain", _LENGTH: "0"}),
        ("POST", "/commit?container=web", b"null\n", _JSON),
        ("POST", "/images/a/push?tag=1", b"", {_TYPE: "text/plain", _LENGTH: "0"}),
        ("POST", "/images/a/push?tag=1", b"{}", _JSON),
        ("POST", "/images/create?fromImage=a&tag=1", b"", {_TYPE: "text/plain", _LENGTH: "0"}),
        ("POST", "/images/create?fromImage=a&tag=1", b"", {_TYPE: "application/json", _LENGTH: "0"}),
        ("POST", "/images/create?fromSrc=-&repo=a", b"", {_TYPE: "text/plain"}),
        ("POST", "/images/load?quiet=1", b"", {_TYPE: "application/x-tar"}),
        ("POST", "/build?t=a", b"", {_TYPE: "application/x-tar"}),
        ("POST", "/build?t=a", b"", {_TYPE: "application/tar"}),
        ("PUT", "/containers/web/archive?path=/", b"", {_TYPE: "text/plain"}),
        ("PUT", "/containers/web/archive?path=/", b"", {}),
        ("POST", "/auth", b"", {_TYPE: "application/json", _LENGTH: "80"}),
        ("GET", "/containers/json", b"", {}),
        ("DELETE", "/containers/web?force=1", b"", {}),
        ("POST", "/exec/e1/start", b'{"Detach":false,"Tty":true}', dict(_JSON, Upgrade="tcp")),
    ],
)
def test_bodies_that_clients_send(method, uri, body, headers):
    _read(method, uri, body, headers)


@pytest.mark.parametrize(
    "method, uri, body, words",
    [
        ("GET", "/exec/e2/json", None, "exec 'e2': is not known"),
        ("POST", "/exec/e2/start", {}, "is not known"),
        ("POST", "/build?networkmode=container:web", None, "shares what a container has"),
        ("POST", "/volumes/create", {"name": "a"}, "has the key 'name'"),
        ("POST", "/volumes/create", {"Name": 1}, "is of another type"),
        ("POST", "/networks/create", {"NAME": "a"}, "has the key 'NAME'"),
        ("POST", "/networks/a/connect", {"container": "web"}, "has the key 'container'"),
        ("POST", "/networks/a/connect", {"Container": "web", "EndpointConfig": []}, "is of another type"),
        ("POST", "/networks/a/disconnect", {"Container": ["web"]}, "is of another type"),
        ("GET", "/nothing", None, "is no route"),
        ("POST", "/containers/create?Name=a", {"Image": "a"}, "is none that this route has"),
    ],
)
def test_requests_that_cannot_be_told(method, uri, body, words):
    _refused(words, method, uri, body)


@pytest.mark.parametrize(
    "uri, repository, tag, digest",
    [
        ("/images/create?fromImage=a&tag=1", "docker.io/library/a", "1", None),
        ("/images/create?fromImage=a:1", "docker.io/library/a", "1", None),
        ("/images/create?fromImage=nginx", "docker.io/library/nginx", None, None),
        ("/images/create?fromImage=h:5000/a", "h:5000/a", None, None),
        (f"/images/create?fromImage=a@{_HASH}", "docker.io/library/a", None, _HASH),
        (f"/images/create?fromImage=a:1&tag={_HASH}", "docker.io/library/a", None, _HASH),
    ],
)
def test_what_is_pulled(uri, repository, tag, digest):
    found = _read("POST", uri).things["images"][0].found()
    assert found == _authz_names.Image(repository, tag, digest, None)


@pytest.mark.parametrize(
    "uri", ["fromImage=a:", "fromImage=sha256:a", f"fromImage=a@{_HASH}&tag=1", "fromImage=A", "fromImage=a&tag=b:c"]
)
def test_what_cannot_be_pulled(uri):
    with pytest.raises(ContainmentError):
        _read("POST", "/images/create?" + uri).things["images"][0].found()


@pytest.mark.parametrize(
    "method, uri, tags",
    [
        ("POST", "/images/app/push", [None]),
        ("POST", "/images/app/push?tag=1", ["1"]),
        ("GET", "/images/app/get", [None]),
        ("GET", "/images/app:1/get", ["1"]),
        ("GET", "/images/get?names=app&names=app:2", [None, "2"]),
    ],
)
def test_without_a_tag_all_of_a_repository_are_pushed_and_saved(method, uri, tags):
    assert [thing.found().tag for thing in _read(method, uri).things["images"]] == tags


@pytest.mark.parametrize("uri", ["/build?t=cafe", "/commit?container=web&repo=cafe", "/images/web/tag?repo=cafe"])
def test_a_new_name_is_no_part_of_an_id(uri):
    assert _read("POST", uri).things["images"][-1].found().repository == "docker.io/library/cafe"


@pytest.mark.parametrize("name", ["cafe", "0a", "/db", "0123456789ab", "a" * 64, "a" * 65])
@pytest.mark.parametrize("uri", ["/containers/create?name=", "/containers/web/rename?name="])
def test_a_new_name_of_a_container_that_may_begin_an_id_only_a_star_selects(uri, name):
    body = {"Image": "nginx"} if "create" in uri else None
    thing = _read("POST", uri + name, body).things["containers"][-1]
    assert thing.text == name.lstrip("/")
    with pytest.raises(ContainmentError, match="may be the beginning of an id"):
        thing.found()


@pytest.mark.parametrize("name", ["cafe_", "cafe.", "Cafe", "0g", "0123456789ab_web", "CAFE"])
def test_other_new_names_of_a_container_begin_no_id(name):
    assert _read("POST", "/containers/web/rename?name=" + name).things["containers"][-1].found().name == name


@pytest.mark.parametrize(
    "uri, body",
    [
        (
            "/containers/create",
            {
                "Image": "nginx",
                "HostConfig": {"NetworkMode": "mine"},
                "NetworkingConfig": {"EndpointsConfig": {"mine": {"NetworkID": "f" * 64}}},
            },
        ),
        ("/networks/mine/connect", {"Container": "web", "EndpointConfig": {"NetworkID": "f" * 64}}),
    ],
)
def test_a_network_given_by_its_id_counts_whatever_its_name(uri, body):
    assert [thing.text for thing in _read("POST", uri, body).things["networks"]] == ["mine", "f" * 64]


@pytest.mark.parametrize("link", ["1", "true", "True", "yes", "x", " t", "%1c", "%1F0", "false%1E", "%00"])
def test_links_are_not_removed(link):
    _refused("removes a link", "DELETE", "/containers/web?link=" + link.replace(" ", "+"))


@pytest.mark.parametrize("link", ["", "0", "False", "no", "NONE", "+false+"])
def test_other_spellings_of_no_link_are_what_engines_take_for_false(link):
    assert _read("DELETE", "/containers/web?link=" + link).target.text == "web"


@pytest.mark.parametrize("name", ["data/../evil", "data\0", "da ta", "-data", "d\u00e4ta", "x" * 256])
@pytest.mark.parametrize("kind, uri", [("volumes", "/volumes/create"), ("networks", "/networks/create")])
def test_names_that_only_a_star_selects(kind, uri, name):
    thing = _read("POST", uri, {"Name": name}).things[kind][0]
    with pytest.raises(ContainmentError, match="is no plain name"):
        thing.found()


def test_a_slash_in_front_of_a_new_name_is_none_of_it():
    found = _read("POST", "/containers/create?name=/web", {"Image": "x"}).things["containers"][0]
    assert (found.text, found.found().name) == ("web", "web")


def test_objects_are_looked_up_when_asked_for_and_once():
    world = World()
    thing = _read("GET", "/containers/web/json", world=world).target
    assert (world.asked, thing.known) == ([], None)
    assert thing.found() is thing.found() is thing.known
    assert world.asked == ["web"]


def test_an_object_is_one_however_often_it_is_named():
    world = World()
    host = {"Links": ["web:a", "/web:b", "web"] + 190000 * ["db"], "VolumesFrom": ["web:ro"]}
    body = {"Image": "nginx", "HostConfig": dict(host, Binds=["data:/a", "data:/b"], NetworkMode="net")}
    begun = time.process_time()
    demand = _read("POST", "/containers/create", body, world=world)
    assert time.process_time() - begun < 2  # 0.1 where nothing else runs
    assert _named(demand) == {
        "containers": ["", "web", "db"],
        "images": ["nginx"],
        "networks": ["net"],
        "volumes": ["data"],
    }
    for thing in demand.things["containers"]:
        thing.found()
    assert world.asked == ["web", "db"]


def test_a_text_that_is_looked_up_in_two_ways_is_two_objects():
    found = _read("POST", "/images/cafe/tag?repo=cafe").things["images"]
    assert [one.text for one in found] == ["cafe", "cafe"] and found[1].found().tag == "latest"
    with pytest.raises(ContainmentError, match="beginning of an id"):
        found[0].found()
    found = _read("POST", "/containers/web/rename?name=web").things["containers"]
    assert [one.found().id for one in found] == [_ID, _ID] and found[0] is not found[1]


def test_how_many_fields_and_mounts_a_create_may_have():
    mount = {"Type": "tmpfs", "Target": "/a"}
    _read("POST", "/containers/create", {"Image": "nginx", "HostConfig": {"Mounts": [mount] * 1000}})
    for host, words in (
        ({"Mounts": [mount] * 1001}, "Mounts: has 1001 of them; keep to 1000"),
        ({f"{number:x}": None for number in range(70000)}, "has an object of 70000 fields; keep to 1000"),
    ):
        _refused(words, "POST", "/containers/create", {"Image": "nginx", "HostConfig": host})


def test_the_target_is_what_is_worked_in():
    assert _read("POST", "/commit?container=web").target.text == "web"
    demand = _read("POST", "/exec/e1/start", {})
    assert (demand.target.text, demand.exec.principal) == (_ID, "alice")


def test_a_build_has_its_fields_in_its_query():
    assert _read("POST", "/build?t=a&networkmode=host").value == {"t": ["a"], "networkmode": "host"}
    assert _read("POST", "/volumes/create", {"Name": "a"}).value == {"Name": "a"}


def test_what_is_named_again_is_looked_up_once():
    world = World()
    links = {"Image": "a", "HostConfig": {"Links": ["web:a", "/web", "web"] * 1000, "VolumesFrom": ["web"]}}
    things = _read("POST", "/containers/create", links, world=world).things["containers"]
    for thing in things * 2:
        thing.found()
    assert [thing.text for thing in things] == ["", "web"] and world.asked == ["web"]


@pytest.mark.parametrize(
    "kind, most, field, form, count",
    [("containers", 64, "Links", "c%d", 63), ("volumes", 1024, "Binds", "v%d:/v", 1024)],
)
def test_how_many_of_a_kind_a_request_may_name(kind, most, field, form, count):
    named = [form % number for number in range(count)]
    body = {"Image": "a", "HostConfig": {field: named}}
    assert len(_read("POST", "/containers/create", body).things[kind]) == most  # One container is that to be made.
    named.append(form % count)
    _refused(f"{kind}: are more than {most}; make several", "POST", "/containers/create", body)
