# SPDX-License-Identifier: GPL-3.0-or-later
"""Conflicts of containers with remapping; that the engine agrees is shown by tests/integration/test_engine_info.py."""

import stat

import pytest

from ansible_collections.containment.docker.plugins.module_utils._conflicts import conflicts, inside, mapped, paths

MAP = {"uid": [[0, 100000, 1000], [1000, 300000, 10]], "gid": [[0, 200000, 1000]]}


def container(name="one", user="", mounts=(), labels=None, **host):
    return {
        "Id": "f" * 64,
        "Name": "/" + name,
        "HostConfig": host,
        "Config": {"User": user, "Labels": labels},
        "Mounts": list(mounts),
    }


def bind(source, rw=True):
    return {"Type": "bind", "Source": source, "Destination": "/x", "RW": rw}


def owner(uid, gid, mode, kind=stat.S_IFDIR, blocked=()):
    return {"uid": uid, "gid": gid, "mode": kind | mode, "blocked": list(blocked), "error": None}


def found(*args, **kwargs):
    return {one["conflict"]: one["severity"] for one in conflicts(*args, **kwargs)}


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ({}, {}),
        ({"Privileged": True}, {"privileged": "refused"}),
        ({"PidMode": "host"}, {"pid_host": "refused"}),
        ({"NetworkMode": "host"}, {"network_host": "refused"}),
        ({"NetworkMode": "hostess", "PidMode": "", "IpcMode": "private"}, {}),
        ({"IpcMode": "host"}, {"ipc_host": "breaks"}),
        ({"UTSMode": "host"}, {"uts_host": "degraded"}),
        ({"NetworkMode": "container:" + "e" * 64}, {"network_container": "degraded"}),
        ({"UsernsMode": "host"}, {"userns_host": "degraded"}),
        ({"UsernsMode": "host", "Privileged": True, "PidMode": "host", "CapAdd": ["ALL"]}, {"userns_host": "degraded"}),
        ({"CapAdd": ["NET_ADMIN", "CAP_SYS_TIME"]}, {"capabilities": "degraded"}),
        ({"CapAdd": ["NET_ADMIN"]}, {}),
        ({"CapAdd": None, "Devices": None, "GroupAdd": None}, {}),
        ({"GroupAdd": ["audio", "1000"]}, {"unmapped_gid": "refused"}),
    ],
)
def test_host_configuration(host, expected):
    assert found(container(**host), MAP) == expected


@pytest.mark.parametrize(
    ("user", "expected"),
    [
        ("999:999", {}),
        ("1009", {}),
        ("1010", {"unmapped_uid": "refused"}),
        ("²", {}),
        ("9" * 5000, {"unmapped_uid": "refused"}),
        ("0:1000", {"unmapped_gid": "refused"}),
        ("app:app", {}),
        ("", {}),
    ],
)
def test_ids_outside_of_the_mapping(user, expected):
    assert found(container(user=user), MAP) == expected
    assert found(container(user=user)) == {}


def test_a_namespace_of_a_container_outside_of_the_remapping():
    other = container("other", UsernsMode="host")
    for name, key in (("network_container", "NetworkMode"), ("pid_container", "PidMode"), ("ipc_container", "IpcMode")):
        one = container(**{key: "container:" + other["Id"]})
        (conflict,) = conflicts(one, MAP, others={other["Id"]: other})
        assert (conflict["conflict"], conflict["severity"]) == (name, "refused")
        assert "other" in conflict["detail"]
        assert found(
            dict(one, HostConfig=dict(one["HostConfig"], UsernsMode="host")), MAP, others={other["Id"]: other}
        ) == {"userns_host": "degraded"}


@pytest.mark.parametrize(
    ("node", "rw", "expected"),
    [
        (owner(100000, 200000, 0o700), True, None),
        (owner(300009, 200999, 0o000), True, None),
        (owner(0, 0, 0o755), False, None),
        (owner(0, 0, 0o755), True, "breaks"),
        (owner(0, 0, 0o777), True, None),
        (owner(0, 0, 0o750), False, "breaks"),
        (owner(0, 0, 0o754), False, "breaks"),
        (owner(0, 200000, 0o750), False, None),
        (owner(0, 200000, 0o770), True, None),
        (owner(100000, 0, 0o700), True, None),
        (owner(100001, 0, 0o700), True, "breaks"),
        (owner(0, 0, 0o644, stat.S_IFREG), False, None),
        (owner(0, 0, 0o644, stat.S_IFREG), True, "degraded"),
        (owner(0, 0, 0o600, stat.S_IFREG), False, "breaks"),
        (owner(0, 0, 0o666, stat.S_IFSOCK), False, None),
        (owner(0, 0, 0o660, stat.S_IFSOCK), False, "breaks"),
        (owner(0, 0, 0o755, blocked=[{"path": "/srv", "uid": 0, "gid": 0, "mode": 0o40700}]), False, "breaks"),
        (owner(0, 0, 0o755, blocked=[{"path": "/srv", "uid": 0, "gid": 200000, "mode": 0o40710}]), False, None),
        (
            {"uid": None, "gid": None, "mode": None, "blocked": [], "error": "No such file or directory"},
            False,
            "breaks",
        ),
        ({}, True, None),
    ],
)
def test_owners_of_bind_mounts(node, rw, expected):
    assert found(container(mounts=[bind("/srv/x", rw)]), MAP, {"/srv/x": node}).get("bind_mount") == expected


def test_closed_parents_are_no_matter_to_newer_runc():
    node = owner(0, 0, 0o755, blocked=[{"path": "/srv", "uid": 0, "gid": 0, "mode": 0o40700}])
    one = container(mounts=[bind("/srv/x", False)])
    assert found(one, MAP, {"/srv/x": node}, runc=(1, 0)) == {"bind_mount": "breaks"}
    assert found(one, MAP, {"/srv/x": node}, runc=(1, 1)) == {}


def test_without_a_mapping_every_owner_is_outside():
    assert found(container(mounts=[bind("/x")]), None, {"/x": owner(100000, 200000, 0o755)}) == {"bind_mount": "breaks"}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("/run/docker.sock", "breaks"),
        ("/var/run/docker.sock", "breaks"),
        ("/srv/docker.sock", "breaks"),
        ("/run/tenant.sock", "breaks"),
        ("/run", "degraded"),
        ("/var/run/", "degraded"),
        ("/", "degraded"),
        ("/runner", None),
        ("/run/other.sock", None),
    ],
)
def test_sockets_of_engines(source, expected):
    one = container(mounts=[bind(source)])
    assert found(one, MAP, engine_sockets=("/run/docker.sock", "/run/tenant.sock")).get("docker_socket") == expected
    one["HostConfig"]["UsernsMode"] = "host"
    assert found(one, MAP) == {"userns_host": "degraded"}


def test_volumes():
    plugin = {"Type": "volume", "Name": "v", "Driver": "rexray", "Destination": "/x"}
    local = dict(plugin, Driver="local")
    assert found(container(mounts=[plugin]), MAP) == {"volume_driver": "breaks"}
    assert found(container(mounts=[plugin], UsernsMode="host"), MAP)["volume_driver"] == "degraded"
    assert found(container(mounts=[local]), MAP) == {}
    nfs = {"v": {"Options": {"type": "nfs", "device": ":/export", "o": "addr=192.0.2.1"}}}
    assert found(container(mounts=[local]), MAP, volumes=nfs) == {"volume_device": "degraded"}
    assert found(container(mounts=[local]), MAP, volumes={"v": {"Options": {"type": "tmpfs", "device": "tmpfs"}}}) == {}


def test_devices():
    same = {"PathOnHost": "/dev/fuse", "PathInContainer": "/dev/fuse", "CgroupPermissions": "rwm"}
    node = owner(0, 0, 0o666, stat.S_IFCHR)
    assert found(container(Devices=[same]), MAP, {"/dev/fuse": node}) == {}
    assert found(container(Devices=[same]), MAP, {"/dev/fuse": owner(0, 6, 0o660, stat.S_IFCHR)}) == {
        "device": "breaks"
    }
    assert found(container(Devices=[dict(same, PathInContainer="/dev/x")]), MAP, {"/dev/fuse": node}) == {
        "device": "breaks"
    }


def test_tasks_of_a_swarm():
    assert found(container(labels={"com.docker.swarm.service.id": "x"}), MAP) == {"swarm_service": "breaks"}
    assert found(container(labels={}), MAP) == {}


def test_the_worst_comes_first_and_says_whose_it_is():
    one = container("web", Privileged=True, UTSMode="host", mounts=[bind("/run/docker.sock")])
    result = conflicts(one, MAP)
    assert [conflict["severity"] for conflict in result] == ["refused", "breaks", "degraded"]
    for conflict in result:
        assert conflict["container"] == "web" and conflict["mend"] and conflict["source"]


def test_paths():
    device = {"PathOnHost": "/dev/fuse", "PathInContainer": "/dev/fuse"}
    one = container(mounts=[bind("/b"), bind("/a"), bind("/a"), {"Type": "volume", "Source": "/v"}], Devices=[device])
    assert paths(one) == ["/a", "/b", "/dev/fuse"]
    assert paths({}) == [] and conflicts({}) == []


def test_ids():
    assert [inside(MAP["uid"], host) for host in (99999, 100000, 100999, 101000, 300000, 300010)] == [
        None,
        0,
        999,
        None,
        1000,
        None,
    ]
    assert [mapped(MAP["uid"], one) for one in (0, 999, 1000, 1009, 1010)] == [True, True, True, True, False]


@pytest.mark.parametrize(
    ("kind", "blocked", "path"),
    [
        (stat.S_IFDIR, (), "/a"),
        (stat.S_IFREG, (), "/a"),
        (stat.S_IFSOCK, (), None),
        (stat.S_IFBLK, (), None),
        (stat.S_IFDIR, [{"path": "/", "uid": 0, "gid": 0, "mode": 0o700}], None),
    ],
)
def test_the_path_that_other_owners_would_mend(kind, blocked, path):
    (one,) = conflicts(container(mounts=[bind("/a")]), MAP, {"/a": owner(0, 0, 0o700, kind, blocked)})
    assert one["path"] == path


def test_the_path_behind_a_volume():
    for options, path in (
        ({"type": "none", "o": "rw,bind", "device": "/srv/a"}, "/srv/a"),
        ({"type": "nfs", "o": "addr=x", "device": ":/srv/a"}, None),
    ):
        mount = {"Type": "volume", "Name": "v", "Driver": "local", "Destination": "/x"}
        (one,) = conflicts(container(mounts=[mount]), MAP, volumes={"v": {"Options": options}})
        assert one["path"] == path
