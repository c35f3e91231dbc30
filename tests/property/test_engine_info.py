# SPDX-License-Identifier: GPL-3.0-or-later
"""Properties that hold for every container, configuration and answer, sensible or not."""

import copy
import io
import json
import stat
import struct
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.containment.docker.plugins.module_utils import (
    _conflicts,
    _engine_api,
    _engine_facts,
    _engine_read,
    _engine_values,
    _findings,
    _host_probe,
    _subid_host,
)

IDS = st.integers(0, 2**32 - 2)
EXTENT = st.tuples(st.integers(0, 2**20), IDS, st.integers(1, 65536)).map(list)
MAPPING = st.none() | st.fixed_dictionaries({"uid": st.lists(EXTENT, max_size=3), "gid": st.lists(EXTENT, max_size=3)})
KINDS = st.sampled_from([stat.S_IFDIR, stat.S_IFREG, stat.S_IFSOCK, stat.S_IFCHR])
NODE = st.builds(
    lambda uid, gid, kind, mode: {"uid": uid, "gid": gid, "mode": kind | mode}, IDS, IDS, KINDS, st.integers(0, 0o7777)
)
OWNER = st.builds(
    lambda node, blocked: dict(node, error=None, blocked=[dict(one, path="/p") for one in blocked]),
    NODE,
    st.lists(NODE, max_size=2),
)
MODE = st.sampled_from([None, "", "host", "private", "container:x", "container:y", "bridge"])
HOST = st.fixed_dictionaries(
    {},
    optional={
        "Privileged": st.booleans(),
        "PidMode": MODE,
        "NetworkMode": MODE,
        "IpcMode": MODE,
        "UTSMode": MODE,
        "UsernsMode": st.sampled_from(["", "host"]),
        "CapAdd": st.none() | st.lists(st.sampled_from(["ALL", "SYS_TIME", "CAP_MKNOD", "NET_ADMIN"])),
        "GroupAdd": st.none() | st.lists(st.text(max_size=5)),
        "Devices": st.none()
        | st.lists(
            st.fixed_dictionaries({"PathOnHost": st.just("/d"), "PathInContainer": st.sampled_from(["/d", "/e"])})
        ),
    },
)
MOUNT = st.fixed_dictionaries(
    {
        "Type": st.sampled_from(["bind", "volume", "tmpfs"]),
        "Source": st.sampled_from(["", "/", "/a", "/run", "/run/docker.sock"]),
        "RW": st.booleans(),
        "Driver": st.sampled_from(["", "local", "other"]),
    }
)
CONTAINER = st.fixed_dictionaries(
    {
        "Id": st.text(max_size=4),
        "Name": st.text(max_size=4),
        "HostConfig": HOST,
        "Config": st.fixed_dictionaries({"User": st.text(max_size=6)}),
        "Mounts": st.none() | st.lists(MOUNT, max_size=3),
    }
)
OWNERS = st.dictionaries(st.sampled_from(["/", "/a", "/d", "/run"]), OWNER)


@given(CONTAINER, MAPPING, OWNERS)
def test_every_container_gets_whole_answers_and_refusals_are_those_of_the_engine(container, mapping, owners):
    found = _conflicts.conflicts(container, mapping, owners)
    for one in found:
        assert set(one) == {"container", "conflict", "severity", "detail", "mend", "source", "path"} and all(
            isinstance(one[key], str) for key in ("detail", "mend", "source")
        )
        assert one["path"] is None or one["conflict"] == "bind_mount"
    severities = [one["severity"] for one in found]
    assert severities == sorted(severities, key=["refused", "breaks", "degraded"].index)
    host = container["HostConfig"]
    opted_out = host.get("UsernsMode") == "host"
    refused = {one["conflict"] for one in found if one["severity"] == "refused"}
    assert ("privileged" in refused) == (bool(host.get("Privileged")) and not opted_out)
    assert ("pid_host" in refused) == (host.get("PidMode") == "host" and not opted_out)
    assert ("network_host" in refused) == (host.get("NetworkMode") == "host" and not opted_out)
    assert not (opted_out and refused)
    assert all(path.startswith("/") for path in _conflicts.paths(container))


@given(NODE, MAPPING)
def test_wider_modes_never_make_a_mount_worse(node, mapping):
    container = {"Mounts": [{"Type": "bind", "Source": "/a", "Destination": "/x", "RW": True}]}
    worst = {"breaks": 2, "degraded": 1}

    def rank(mode):
        owner = dict(node, mode=mode, blocked=[], error=None)
        return max(
            (worst[one["severity"]] for one in _conflicts.conflicts(container, mapping, {"/a": owner})), default=0
        )

    assert rank(node["mode"] | 0o777) == 0
    assert rank(node["mode"] | 0o044) <= rank(node["mode"] & ~0o044)


@given(st.integers(0, 2**21), st.lists(EXTENT, max_size=4))
def test_a_mapped_id_comes_back(container_id, extents):
    hosts = [
        outside + container_id - start for start, outside, count in extents if start <= container_id < start + count
    ]
    assert bool(hosts) == _conflicts.mapped(extents, container_id)
    for host in hosts:
        assert _conflicts.inside(extents, host) is not None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=10,
)


@given(JSON)
def test_redacting_twice_is_redacting_once_and_keeps_the_shape(value):
    once = _engine_values.redact(value)
    assert _engine_values.redact(once) == once
    if isinstance(value, dict):
        assert list(once) == list(value)


PASSWORD = st.text("ab:/@\\\"'%", max_size=6).map(lambda text: text + "Xy" + text[::-1])


@given(st.text("abc:/@. ", max_size=20), st.sampled_from(["http", "https", "tcp"]), PASSWORD)
def test_no_password_of_a_url_is_shown(around, scheme, password):
    shown = _engine_values.redact(f"{around} {scheme}://user:{password}@host/path")
    assert "Xy" not in shown and shown.endswith("://" + _engine_values.HIDDEN + "@host/path")


@given(st.sampled_from(["http-proxy", "https-proxy", "HTTP_PROXY"]), st.sampled_from(["", "http://"]), PASSWORD)
def test_no_password_of_a_proxy_is_shown(name, scheme, password):
    for given_value in ({name: f"{scheme}user:{password}@proxy:3128"}, {"proxies": {name: f"{scheme}{password}@p"}}):
        assert "Xy" not in str(_engine_values.redact(given_value))


@given(st.dictionaries(st.sampled_from(["live-restore", "debug", "icc", "labels", "log-driver", "unknown"]), JSON))
def test_a_configuration_in_force_has_no_difference(values):
    effective = dict(
        _engine_values.DEFAULTS, **{key: value for key, value in values.items() if key not in ("labels", "unknown")}
    )
    wanted = {key: (value, "file") for key, value in effective.items()}
    assert _engine_values.differences(wanted, effective, None, effective["data-root"]) == []


@given(st.lists(st.tuples(st.sampled_from([1, 2]), st.binary(max_size=50))), st.integers(1, 9))
def test_frames_come_out_as_they_went_in(parts, size):
    class Slow(io.BytesIO):
        def read(self, wanted=-1):
            return super().read(min(wanted, size))

    data = b"".join(struct.pack(">BxxxI", number, len(piece)) + piece for number, piece in parts)
    joined = {"stdout": b"", "stderr": b""}
    for name, piece in _engine_api.frames(Slow(data)):
        joined[name] += piece
    assert joined == {
        name: b"".join(piece for number, piece in parts if number == wanted)
        for name, wanted in (("stdout", 1), ("stderr", 2))
    }


@given(st.binary(max_size=40))
def test_any_bytes_are_frames_or_refused(data):
    try:
        list(_engine_api.frames(io.BytesIO(data)))
    except ValueError:
        pass


# An engine's answers, as they should be.
ANSWERS = {
    "/version": {"Version": "28.5.2", "ApiVersion": "1.51", "Components": [{"Name": "runc", "Version": "1.3.0"}]},
    "/info": {
        "DockerRootDir": "/nowhere/1.2",
        "SecurityOptions": ["name=seccomp,profile=builtin", "name=userns"],
        "Driver": "overlay2",
        "DriverStatus": [["driver-type", "x"]],
        "LiveRestoreEnabled": True,
        "Images": 1,
        "Labels": ["a=b"],
        "Swarm": {"LocalNodeState": "inactive"},
        "Plugins": {"Authorization": ["a"]},
        "RegistryConfig": {
            "Mirrors": ["https://m/"],
            "InsecureRegistryCIDRs": ["::1/128"],
            "IndexConfigs": {"d": {"Secure": True}},
        },
    },
    "/containers/json": [{"Id": "c1", "Names": ["/one"]}],
    "/containers/c1/json": {
        "Id": "c1",
        "Name": "/one",
        "State": {"Pid": 4194304, "Status": "running"},
        "Config": {"Image": "x", "User": "5", "Labels": {"a": "b"}},
        "HostConfig": {
            "Privileged": False,
            "PidMode": "host",
            "NetworkMode": "container:c1",
            "IpcMode": "",
            "UTSMode": "host",
            "UsernsMode": "",
            "CapAdd": ["ALL"],
            "GroupAdd": ["5"],
            "RestartPolicy": {"Name": "no"},
            "Devices": [{"PathOnHost": "/nowhere", "PathInContainer": "/d", "CgroupPermissions": "rwm"}],
        },
        "Mounts": [{"Type": "bind", "Source": "/nowhere", "Destination": "/x", "Name": "", "Driver": "", "RW": True}],
    },
    "/volumes": {"Volumes": [{"Name": "v", "Driver": "local", "Mountpoint": "/nowhere", "Options": {"device": "x"}}]},
    "/networks": [{"Name": "bridge", "Options": {"com.docker.network.bridge.enable_icc": "true"}}],
}
ANY = st.recursive(
    JSON | st.sampled_from(["²", "\ud800", "\0", "/\0", "9" * 5000, 2**70, -1, 0.5]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)


def places(value, here=()):
    yield here
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in parts:
        yield from places(part, here + (key,))


PLACES = [(path, place) for path, answer in ANSWERS.items() for place in places(answer)]


class Answering:
    """A double for the connection to an engine whose answers are anything: no real engine can be brought to that."""

    def __init__(self, answers):
        self.answers, self.calls = answers, 0

    def __call__(self, _socket, _timeout):
        return self

    def __enter__(self):
        return self

    def __exit__(self, *_exception):
        pass

    def json(self, _method, path, _query=None, timeout=None):
        self.calls += 1
        return copy.deepcopy(self.answers[path])


def facts(answers):
    with mock.patch.object(_engine_read, "Engine", Answering(answers)):
        raw = _engine_read.answers("/run/docker.sock", 1)
    raw.update(
        socket="/run/docker.sock",
        primary=True,
        process=None,
        flags=[],
        service=None,
        service_flags=None,
        config_file="/etc/docker/daemon.json",
        config={"userns-remap": "a"},
        config_error=None,
        executable=None,
        data_root="/nowhere",
        numbered_roots=[],
        expected_mapping=None,
        orphan_shims=[],
        containerd=["/c"],
    )
    # The look at paths is tested by itself, and costs a process each time.
    with mock.patch.object(_engine_read._path_probe, "owners", lambda *_arguments: {}):
        raw.update(_engine_read.surroundings(raw, 1, 0))
    _engine_facts.orphans([{"pid": 1, "id": "x", "namespace": "moby", "address": "/c"}], [raw])
    _engine_facts.release(raw["version"])
    mapping = {"uid": [[0, 100000, 10]], "gid": [[0, 100000, 10]]}
    engine = _engine_facts.engine(raw, mapping, ["/run/docker.sock"], {})
    host = {
        "nested_engines": [],
        "orphan_shims": [],
        "subid_faults": [],
        "transactions_fault": None,
        "trees_fault": None,
        "migrations": [],
        "migrations_fault": None,
        "denials": {"found": [], "lost": 0, "source": "", "fault": None},
        "kernel": {"max_user_namespaces": 1, "user_namespaces": True, "args_pending": []},
    }
    findings = _findings.findings([engine], host)
    json.dumps([engine, findings], ensure_ascii=False).encode("utf-8")
    return engine, findings


def test_the_answers_as_they_should_be_are_taken():
    engine, _found = facts(ANSWERS)
    assert engine["error"] is None and engine["calls"] == len(ANSWERS)
    empty = {path: [] if isinstance(answer, list) else {} for path, answer in ANSWERS.items()}
    assert facts(empty)[0]["error"] is None


@settings(max_examples=1000)
@given(st.sampled_from(PLACES), ANY)
def test_any_answer_is_taken_or_is_the_error_of_its_engine(where, value):
    path, place = where
    answers = copy.deepcopy(ANSWERS)
    target, last = answers, path
    for key in place:
        target, last = target[last], key
    target[last] = value
    engine, found = facts(answers)
    codes = {one["code"] for one in found}
    assert engine["error_code"] in (None, "answer_malformed")
    assert (engine["error"] is not None) == ("answer_malformed" in codes)


@pytest.mark.parametrize(
    ("path", "answer"),
    [("/info", value) for value in ([1], "x", {"DockerRootDir": 5}, {"DockerRootDir": "/x\0"}, {"DockerRootDir": "x"})]
    + [("/info", value) for value in ({"Swarm": "x"}, {"Plugins": [1]}, {"SecurityOptions": [None]}, None)]
    + [("/version", 3), ("/containers/json", {}), ("/containers/json", [{}]), ("/containers/json", [{"Id": "../x"}])]
    + [("/volumes", []), ("/networks", 5), ("/containers/c1/json", {"State": {"Pid": 2**70}})],
)
def test_malformed_answers_are_told(path, answer):
    engine, found = facts(dict(ANSWERS, **{path: answer}))
    assert engine["error_code"] == "answer_malformed" and path in engine["error"]
    assert "answer_malformed" in {one["code"] for one in found}


@given(st.text(max_size=8) | st.sampled_from(["²", "a:²", "9" * 5000]))
def test_every_user_is_usable_or_refused(user):
    fault = _engine_facts.remap_fault(user)
    if fault is None:
        name, group = _engine_facts.remap_user(user)
        _host_probe.account(name, group)
        _subid_host.read_owner(name)
    else:
        assert "\n" not in fault
