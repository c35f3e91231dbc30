# SPDX-License-Identifier: GPL-3.0-or-later
"""From answers and files to the result of one engine, and to what a person should know."""

import ast
import re
from pathlib import Path

import pytest
import yaml

from ansible_collections.containment.docker.plugins.module_utils import _engine_facts, _findings
from ansible_collections.containment.docker.plugins.module_utils._engine_flags import Flag
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError
from ansible_collections.containment.docker.plugins.modules import engine_info

MAPPING = {"uid": [[0, 100000, 65536]], "gid": [[0, 100000, 65536]]}
ROOT = {"path": "/var/lib/docker/100000.100000", "uid": 0, "gid": 100000, "mode": 0o40710}
CONTAINER = {
    "Id": "c1",
    "Name": "/one",
    "State": {"Pid": 7, "Status": "running"},
    "HostConfig": {},
    "Config": {"Image": "x", "Env": ["PASSWORD=1"]},
}


def raw(**changes):
    """An engine 28.5.2, remapped, with one running container."""
    info = {
        "DockerRootDir": ROOT["path"],
        "SecurityOptions": ["name=seccomp,profile=builtin", "name=userns"],
        "Driver": "overlay2",
        "LoggingDriver": "json-file",
        "DefaultRuntime": "runc",
        "Swarm": {"LocalNodeState": "inactive"},
        "Images": 3,
    }
    version = {"Version": "28.5.2", "ApiVersion": "1.51", "Components": [{"Name": "runc", "Version": "1.3.0"}]}
    one = {
        "socket": "/run/docker.sock",
        "sockets": ["/run/docker.sock"],
        "primary": True,
        "process": {"pid": 5, "state": "S", "started": "2026-01-01T00:00:00Z", "incarnation": "b-5-1"},
        "flags": [Flag("hosts", "fd://", "running process 5")],
        "service": "docker.service",
        "service_flags": [Flag("hosts", "fd://", "unit:3")],
        "config_file": "/etc/docker/daemon.json",
        "config": {"userns-remap": "dockremap"},
        "config_error": None,
        "executable": {"path": "/usr/sbin/dockerd", "replaced": False},
        "version": version,
        "info": info,
        "inspected": [CONTAINER],
        "not_inspected": [],
        "volumes": [],
        "networks": [{"Name": "bridge"}],
        "error": None,
        "error_code": None,
        "calls": 6,
        "id_maps": {7: MAPPING},
        "seccomp": {},
        "seccomp_made": {},
        "owners": {},
        "sizes": {},
        "graph_root": ROOT,
        "numbered_roots": [ROOT],
        "data_root": "/var/lib/docker",
        "expected_mapping": MAPPING,
        "orphan_shims": [],
    }
    info.update(changes.pop("info", {}))
    version.update(changes.pop("version", {}))
    one.update(changes)
    return one


def engine(**changes):
    return _engine_facts.engine(raw(**changes), None, ["/run/docker.sock"], {"hosts": "strings"})


def dead(**changes):
    return engine(
        **dict(
            {
                "process": None,
                "executable": None,
                "error": "dead",
                "error_code": "engine_dead",
                "inspected": [],
                "volumes": None,
                "networks": None,
                "calls": 0,
            },
            **changes,
        )
    )


HOST = {
    "nested_engines": [],
    "orphan_shims": [],
    "subid_faults": [],
    "transactions_fault": None,
    "trees_fault": None,
    "migrations": [],
    "migrations_fault": None,
    "denials": {"found": [], "lost": 0, "source": "", "fault": None},
    "kernel": {"max_user_namespaces": 100, "user_namespaces": True, "user_namespaces_error": None, "args_pending": []},
}


DENIED = {
    "container": "web",
    "by": "process",
    "call": "kcmp",
    "number": 312,
    "architecture": "SCMP_ARCH_X86_64",
    "action": "SCMP_ACT_ERRNO",
    "count": 2,
    "first": "2026-01-01T00:00:00Z",
    "last": "2026-01-01T00:00:01Z",
    "programs": ["/bin/x"],
}


def findings(*engines, **host):
    return [(one["severity"], one["cause"]) for one in _findings.findings(list(engines), dict(HOST, **host))]


def test_a_good_engine():
    one = engine()
    assert one["version"] == "28.5.2" and one["runc"] == "1.3.0" and one["containerd"] is None
    assert (
        one["data_root"] == "/var/lib/docker" and one["graph_root"]["mode"] == "0710" and one["graph_root_faults"] == []
    )
    assert one["userns"]["mapping"] == MAPPING and one["userns"]["expected"] == "100000.100000"
    assert one["flags"] == [{"key": "hosts", "value": "fd://", "origin": "unit:3"}]
    assert one["differences"] == [] and findings(one) == []
    assert "PASSWORD" not in str(one)


def test_an_engine_that_answers_nothing():
    one = dict(
        raw(process=None, error="dead", inspected=[], volumes=None, networks=None),
        info=None,
        version=None,
        graph_root=None,
    )
    one = _engine_facts.engine(one, MAPPING, [], {})
    assert (
        one["userns"]["effective"] is None
        and one["image_store"] is None
        and one["networks"] is None
        and one["differences"] == []
    )
    assert one["userns"]["configured"] == "dockremap" and one["data_root"] == "/var/lib/docker"
    assert findings(one) == [("error", "dead")]


def test_every_engine_has_the_same_keys():
    assert set(engine()) == set(dead())


@pytest.mark.parametrize(
    ("root", "fault"),
    [
        (None, "/var/lib/docker/100000.100000 is not there"),
        (dict(ROOT, uid=100000), "belongs to 100000:100000, not to 0:100000"),
        (dict(ROOT, gid=0), "belongs to 0:0, not to 0:100000"),
        (dict(ROOT, mode=0o40755), "has mode 0755, not 0710"),
        (dict(ROOT, path="/else"), "is /else, not /var/lib/docker/100000.100000"),
    ],
)
def test_graph_root_faults(root, fault):
    one = engine(graph_root=root)
    assert one["graph_root_faults"] == [fault] and findings(one) == [("error", fault)]


@pytest.mark.parametrize(
    ("changes", "severity", "words"),
    [
        ({"version": {"Version": "20.10.2"}}, "error", "CVE-2021-21284"),
        (
            {"info": {"LiveRestoreEnabled": True}, "config": {"userns-remap": "dockremap", "live-restore": True}},
            "warning",
            "live-restore is on",
        ),
        ({"info": {"Swarm": {"LocalNodeState": "active"}}}, "warning", "swarm"),
        ({"info": {"Debug": True}}, "warning", "other values than configured: debug"),
        ({"info": {"DriverStatus": [["driver-type", "io.containerd.snapshotter.v1"]]}}, "warning", "moby#47377"),
        (
            {
                "version": {"Version": "29.0.0"},
                "config": {"userns-remap": "dockremap", "features": {"containerd-snapshotter": True}},
            },
            "error",
            "does not start remapped",
        ),
        (
            {
                "version": {"Version": "29.0.0"},
                "info": {"DriverStatus": [["driver-type", "io.containerd.snapshotter.v1"]]},
            },
            "warning",
            "image ids change",
        ),
        ({"config": {"userns-remap": "default"}}, "warning", "picks ranges"),
        ({"config": {"userns-remap": "root"}, "expected_mapping": None}, "error", "switches user namespaces off"),
        ({"config": None, "config_error": "line 1"}, "error", "line 1"),
        ({"config": {"userns-remap": "²"}, "expected_mapping": None}, "error", "'²' is no value for userns-remap"),
        ({"config": {"userns-remap": 5}, "expected_mapping": None}, "error", "5 is no value for userns-remap"),
        ({"expected_mapping": None}, "error", "dockremap has no subordinate ranges"),
        ({"executable": {"path": "/d", "replaced": True}}, "note", "was replaced"),
        ({"info": {"SecurityOptions": ["name=seccomp,profile=unconfined"]}}, "warning", "gives containers no seccomp"),
        (
            {
                "info": {
                    "SecurityOptions": ["name=seccomp,profile=/etc/containment/seccomp/daemon-0123456789abcdef.json"]
                },
                "seccomp_made": {"0123456789abcdef" * 4: "20.10.5"},
            },
            "warning",
            "daemon-0123456789abcdef.json, made from the default of another version",
        ),
        ({"seccomp": {7: {"profile": "daemon", "current": False}}}, "warning", "earlier daemon-wide seccomp profile"),
        ({"seccomp": {7: {"profile": "unconfined", "current": None}}}, "warning", "has no seccomp filter"),
        ({"seccomp": {7: {"profile": "privileged", "current": None}}}, "note", "is privileged"),
        ({"seccomp": {7: {"profile": "own", "current": None}}}, "note", "that it was made with"),
        ({"not_inspected": [{"id": "x", "name": "x", "error": "why"}]}, "error", "could not be inspected: why"),
        (
            {"expected_mapping": {"uid": [[0, 5, 1]], "gid": [[0, 6, 1]]}},
            "error",
            "now give 5.6, the engine runs with 100000.100000",
        ),
    ],
)
def test_findings_of_an_engine(changes, severity, words):
    assert any(one == severity and words in cause for one, cause in findings(engine(**changes))), findings(
        engine(**changes)
    )


@pytest.mark.parametrize("version", ["20.10.3", "20.10.24+dfsg1", "23.0.0", "28.5.2", "dev"])
def test_versions_without_a_finding(version):
    assert findings(engine(version={"Version": version})) == []


@pytest.mark.parametrize(
    ("host", "severity", "words"),
    [
        ({"nested_engines": [{"pid": 9}]}, "note", "inside of a container"),
        ({"orphan_shims": [{"pid": 9, "id": "abc"}]}, "error", "no engine knows"),
        ({"subid_faults": ["/etc/subuid, line 3: has 2 fields, not three"]}, "error", "has 2 fields, not three"),
        ({"transactions_fault": "/x: broken"}, "error", "/x: broken"),
        ({"trees_fault": "/y: broken"}, "error", "/y: broken"),
        (
            {"denials": {"found": [], "lost": 0, "source": "", "fault": "/l: broken"}},
            "warning",
            "cannot be told: /l: broken",
        ),
        (
            {"denials": {"found": [DENIED], "lost": 0, "source": "/l", "fault": None}},
            "warning",
            "was refused kcmp (2 times)",
        ),
        ({"migrations_fault": "/z: broken"}, "error", "from one graph root to another cannot be told: /z: broken"),
        ({"kernel": dict(HOST["kernel"], max_user_namespaces=0)}, "error", "is 0"),
        (
            {"kernel": dict(HOST["kernel"], user_namespaces=False, user_namespaces_error="unshare: no")},
            "error",
            "unshare: no",
        ),
        ({"kernel": dict(HOST["kernel"], args_pending=["a=1", "b"])}, "error", "set a=1 b, without which"),
    ],
)
def test_findings_of_a_host(host, severity, words):
    (found,) = findings(engine(), **host)
    assert found[0] == severity and words in found[1]


def test_errors_come_first_and_all_can_be_read():
    result = _findings.findings(
        [engine(info={"LiveRestoreEnabled": True}, graph_root=None)], dict(HOST, nested_engines=[{"pid": 1}])
    )
    severities = [one["severity"] for one in result]
    assert severities == sorted(severities, key=["error", "warning", "note"].index) and len(set(severities)) == 3
    assert all(one["subject"] and one["cause"] and one["mend"] for one in result)
    assert findings() == [("note", "none runs and none is installed on this host")]


def test_a_remapped_engine_without_ranges_is_told_where_they_began():
    (found,) = _findings.findings([engine(expected_mapping=None)], HOST)
    assert (found["code"], found["severity"]) == ("ranges_missing", "error")
    assert "start 100000 for uids and 100000 for gids" in found["mend"] and "100000.100000" in found["mend"]
    # Where the key is only written yet, the ids are still to be made.
    not_yet = engine(info={"SecurityOptions": [], "DockerRootDir": "/var/lib/docker"}, expected_mapping=None)
    assert "ranges_missing" not in {one["code"] for one in _findings.findings([not_yet], HOST)}


def test_a_dead_engine_is_told_apart_by_its_code():
    (found,) = _findings.findings([dead()], HOST)[:1]
    assert (found["severity"], found["code"]) == ("error", "engine_dead")


def test_every_code_is_documented():
    source = ast.parse(Path(_findings.__file__).read_text(encoding="utf-8"))
    calls = [one for one in ast.walk(source) if isinstance(one, ast.Call) and getattr(one.func, "id", "") == "add"]
    # A text is ast.Str before Python 3.8.
    literals = [
        call.args[0] for call in calls if not isinstance(call.args[0], (ast.Attribute, ast.Subscript, ast.Name))
    ]
    codes = [ast.literal_eval(literal) for literal in literals]
    assert len(codes) == len(calls) - 1 == len(set(codes))  # one takes the engine's error_code
    codes += ["engine_dead", "engine_unreachable", "engine_stopped", "engine_hangs", "engine_refuses"]
    text = " ".join(yaml.safe_load(engine_info.RETURN)["findings"]["description"])
    documented = set(re.findall(r"V\(([a-z_]+)\)", text)) - {"error", "warning", "note", "default"}
    assert documented == set(codes) | {"answer_malformed"}


def test_remap_user():
    values = ["default", "a", "a:b", "1000", "1000:1001"]
    assert [_engine_facts.remap_user(value) for value in values] == [
        ("dockremap", None),
        ("a", None),
        ("a", "b"),
        ("1000", None),
        ("1000", "1001"),
    ]


@pytest.mark.parametrize(
    ("listening", "hosts", "expected"),
    [
        ({"/var/run/docker.sock": False, "/run/docker/libnetwork/1.sock": False}, None, ["/run/docker.sock"]),
        ({"/run/docker.sock": True, "/run/docker/metrics.sock": False}, ["fd://"], ["/run/docker.sock"]),
        (
            {"/run/b.sock": False, "/run/docker.sock": False},
            ["unix:///run/b.sock", "unix://"],
            ["/run/docker.sock", "/run/b.sock"],
        ),
        ({"/run/odd.sock": True}, ["fd://odd.socket"], ["/run/odd.sock"]),
        ({}, ["unix:///run/b.sock"], ["/run/b.sock"]),
        ({}, ["tcp://127.0.0.1:2375"], []),
        ({"/run/docker.sock": False}, ["tcp://127.0.0.1:2375"], []),
    ],
)
def test_control_sockets(listening, hosts, expected):
    sockets, listens = _engine_facts.control_sockets(listening, hosts)
    assert sockets == expected and set(listens) == {path for path in expected if listening}


def test_a_written_socket_counts_only_where_nobody_else_listens():
    assert _engine_facts.control_sockets({}, None, {"/run/docker.sock"}) == ([], [])
    assert _engine_facts.control_sockets({}, None, {"/run/other.sock"}) == (["/run/docker.sock"], [])
    listening = {"/run/docker.sock": False}
    assert _engine_facts.control_sockets(listening, None, {"/run/docker.sock"})[1] == ["/run/docker.sock"]


def test_the_primary_engine_is_the_one_that_listens_and_not_the_oldest_that_says_so():
    told = {"service": None, "sockets": ["/a"], "listens": []}
    main = {"service": "docker.service", "sockets": ["/b"], "listens": ["/b"]}
    listens = {"service": None, "sockets": ["/a"], "listens": ["/a"]}

    def primary(*raws):
        return _engine_facts.primary(raws, "/a", "docker.service")

    assert primary(told, main, listens) is listens
    assert primary(told, main) is main
    assert primary(told) is told
    assert primary(dict(told, sockets=["/c"])) is None


@pytest.mark.parametrize(
    ("version", "release"),
    [
        ({"Version": "28.5.2"}, "28.5.2"),
        ({"Version": "v29.0.0-rc.1"}, "29.0.0"),
        ({"Version": "dev"}, None),
        (None, None),
    ],
)
def test_release(version, release):
    assert _engine_facts.release(version) == release


def shim(number, namespace="moby", address="/run/containerd/containerd.sock"):
    return {"pid": 1, "id": number, "namespace": namespace, "address": address}


def test_orphans():
    system = {
        "socket": "/a",
        "containerd": ["/run/docker/containerd/containerd.sock", "/run/containerd/containerd.sock"],
        "containers": ["c1"],
    }
    own = {"socket": "/b", "containerd": ["/run/tenant/containerd/containerd.sock"], "containers": ["c2"]}
    shims = [
        shim("c1"),
        shim("c2", address="/run/tenant/containerd/containerd.sock"),
        shim("c3"),
        shim("c4", "moby-100000.100000"),
        shim("c5", address="/run/tenant/containerd/containerd.sock"),
        shim("c6", address="/run/gone.sock"),
        shim("k", "k8s.io"),
        shim("p", "plugins.moby"),
    ]
    found = {one["id"]: one["engine"] for one in _engine_facts.orphans(shims, [system, own])}
    assert found == {"c3": "/a", "c4": "/a", "c5": "/b", "c6": None}
    # What an engine that does not answer may know is no orphan.
    found = _engine_facts.orphans(shims, [system, dict(own, containers=None)])
    assert [one["id"] for one in found] == ["c3", "c4", "c6"]


def test_containerd_sockets():
    assert _engine_facts.containerd_sockets({"containerd": "/var/run/c.sock"}) == ["/run/c.sock"]
    assert _engine_facts.containerd_sockets({"exec-root": "/run/t"})[0] == "/run/t/containerd/containerd.sock"
    assert _engine_facts.containerd_sockets({})[0] == "/run/docker/containerd/containerd.sock"


@pytest.mark.parametrize(
    "user",
    [
        "",
        ":",
        "a:",
        "a:b:c",
        "root",
        "0:5",
        "a b",
        "a/b",
        "a,b",
        "²",
        "a:²",
        "\uff11",
        "a\0b",
        "4294967295",
        "9" * 5000,
    ],
)
def test_bad_users(user):
    with pytest.raises(ContainmentError, match="user"):
        _engine_facts.check_options({"user": user, "sockets": ["/s"], "timeout": 1, "volume_sizes_timeout": 1})


@pytest.mark.parametrize("user", [None, "default", "a", "a:b", "1000:1000", "domain\\user", "user@realm"])
def test_good_users(user):
    _engine_facts.check_options({"user": user, "sockets": ["/s"], "timeout": 1, "volume_sizes_timeout": 1})
