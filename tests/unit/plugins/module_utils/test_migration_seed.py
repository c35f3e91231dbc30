# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a record only the switched engine can make, and what tells one configuration from another, and what
keeps an engine from filling volumes."""

import os

import pytest

from ansible_collections.containment.docker.plugins.module_utils import _migration_seed as seed


def container(name, networks=("bridge",), image="i", **host):
    return {
        "Id": name + "-id",
        "Name": "/" + name,
        "Image": image + "-id",
        "Config": {"Image": image, "Env": ["A=b"]},
        "HostConfig": dict({"NetworkMode": "default"}, **host),
        "NetworkSettings": {"Networks": dict.fromkeys(networks)},
    }


def network(name, driver="bridge", config_only=False):
    return {"Id": name + "-id", "Name": name, "Driver": driver, "ConfigOnly": config_only}


def record(*containers, networks=(), config=None):
    return {"containers": list(containers), "networks": list(networks), "side": {"config": config or {}}, "macs": {}}


def late(*containers, **changes):
    return sorted(key[: -len("-id")] for key in seed.late_containers(record(*containers, **changes)))


def test_what_any_engine_can_make_is_made_beforehand():
    networks = [network("n"), network("o", "null"), network("c", "macvlan", config_only=True)]
    assert late(container("a"), container("b", ["n", "o", "c"]), container("c", []), networks=networks) == []
    nowhere = container("d")
    nowhere["NetworkSettings"]["Networks"] = None
    assert late(nowhere, networks=networks) == [] and late() == []


@pytest.mark.parametrize("driver", ["macvlan", "ipvlan", "overlay", "weave"])
def test_networks_that_need_devices_of_the_hosts_come_late(driver):
    there = [network("n", driver), network("o")]
    given = container("a", ["o", "n"]), container("b", ["o"]), container("c", ["n-id"])
    # One that was never started is attached to what its user wrote, which may be the id.
    assert late(*given, networks=there) == ["a", "c"]


def test_containers_that_are_removed_when_they_stop_come_late():
    assert late(container("a", AutoRemove=True), container("b", AutoRemove=False)) == ["a"]


def test_the_default_network_comes_late_where_it_is_a_bridge_of_the_hosts():
    given = [container("a"), container("b", ["n"]), container("c", ["none"])]
    assert late(*given, networks=[network("n")], config={"bridge": "none"}) == ["a"]
    assert late(*given, networks=[network("n")], config={"bip": "10.0.0.1/24"}) == []


def test_who_needs_one_that_comes_late_comes_late_too():
    given = [
        container("d", VolumesFrom=["c-id:ro"]),
        container("c", [], NetworkMode="container:b-id"),
        container("b", Links=["/a:/b/x"]),
        container("a", AutoRemove=True),
        container("e", PidMode="container:f"),
        container("f"),
    ]
    assert late(*given) == ["a", "b", "c", "d"]
    # Two that need one another.
    circle = [container("a", PidMode="container:b"), container("b", PidMode="container:a"), container("c")]
    assert late(*circle) == []
    circle[0]["HostConfig"]["AutoRemove"] = True
    assert late(*circle) == ["a", "b"]


def test_a_digest_tells_values_and_their_order_apart_and_not_that_of_keys():
    assert seed.digest({"a": 1, "b": [2]}) == seed.digest({"b": [2], "a": 1})
    assert seed.digest("a\udcff\u00e9") == seed.digest("a\udcff\u00e9")
    others = [seed.digest(*values) for values in (({"a": 1},), ({"a": 2},), (1, 2), (2, 1), ([1, 2],), (), (None,))]
    assert len(set(others)) == len(others) and all(len(one) == 64 for one in others)


def wanted(one, *others):
    return seed._wanted(record(one, *others, networks=[network("n")]), one)


def test_what_a_container_is_made_of_is_told_apart():
    same = wanted(container("a"))
    assert wanted(container("a")) == same and wanted(container("a"), container("b")) == same
    other_env = container("a")
    other_env["Config"]["Env"] = ["A=c"]
    connected = container("a")
    connected["NetworkSettings"]["Networks"]["bridge"] = {"NetworkID": "x"}
    pulled = dict(container("a"), Image="new-id")
    joined = container("a", ["bridge", "n"])
    found = [wanted(one) for one in (other_env, connected, pulled, joined, container("a", image="j"))]
    assert len({same, *found}) == len(found) + 1


@pytest.mark.parametrize(
    "driver, folder",
    [
        ({"Name": "overlay2", "Data": {"UpperDir": "/g/overlay2/x/diff"}}, "/g/overlay2/x/diff"),
        ({"Name": "overlay2", "Data": None}, None),
        ({"Name": "overlay2"}, None),
        ({"Name": "btrfs", "Data": {"UpperDir": "/x"}}, None),
        ({"Name": "vfs", "Data": None}, None),
        (None, None),
    ],
)
def test_where_what_a_container_changed_lies(driver, folder):
    assert seed.own_layer({"GraphDriver": driver}) == folder


def test_an_engine_with_another_image_store_has_no_layers_to_copy():
    assert seed.own_layer({}) is None


root_only = pytest.mark.skipif(os.geteuid() != 0, reason="not possible here: files of other users need root")


def volumes(tmp_path, **contents):
    """Make directories with empty files in them; return their paths."""
    for name, files in contents.items():
        (tmp_path / name).mkdir()
        for file in files:
            (tmp_path / name / file).write_text("theirs")
    return [str(tmp_path / name) for name in contents]


def content(*places):
    return [sorted(os.listdir(place)) for place in places]


@root_only
@pytest.mark.parametrize("fails", [False, True])
def test_volumes_are_not_empty_while_containers_are_made(tmp_path, fails):
    places = volumes(tmp_path, a=[], b=["x"], c=[])
    try:
        with seed._guarded(places):
            assert content(*places) == [[".containment"], ["x"], [".containment"]]
            info = os.stat(os.path.join(places[0], ".containment"))
            assert (info.st_size, info.st_mode & 0o777) == (0, 0o600)
            if fails:
                raise KeyError("engine")
    except KeyError:
        assert fails
    assert content(*places) == [[], ["x"], []]


@root_only
def test_what_came_into_a_guarded_volume_meanwhile_stays(tmp_path):
    (place,) = volumes(tmp_path, a=[])
    with seed._guarded([place]):
        (tmp_path / "a" / "x").write_text("theirs")
    assert "x" in os.listdir(place)


def test_no_volume_is_guarded_where_none_is_empty(tmp_path):
    places = volumes(tmp_path, a=["x"], b=[".containment", "x"])
    with seed._guarded(places):
        assert content(*places) == [["x"], [".containment", "x"]]
    assert content(*places) == [["x"], [".containment", "x"]]
    with seed._guarded([]):
        pass


def test_a_file_of_that_name_is_a_users_where_it_is_not_alone(tmp_path):
    (place,) = volumes(tmp_path, a=[".containment", "x"])
    seed._unguard(place)
    assert (tmp_path / "a" / ".containment").read_text() == "theirs"
    assert content(place) == [[".containment", "x"]]


@root_only
@pytest.mark.parametrize("owner, stays", [(0, False), (1, True), (100000, True)])
def test_a_file_of_that_name_that_is_alone_is_ours_where_it_is_roots(tmp_path, owner, stays):
    (place,) = volumes(tmp_path, a=[".containment"])
    os.chown(os.path.join(place, ".containment"), owner, owner)
    seed._unguard(place)
    assert content(place) == [[".containment"] * stays]
    # Neither where another volume is guarded.
    with seed._guarded([place]):
        pass
    assert content(place) == [[".containment"] * stays]


def test_another_file_that_is_alone_is_no_guard(tmp_path):
    places = volumes(tmp_path, a=["x"], b=[".containment2"], c=[])
    for place in places:
        seed._unguard(place)
    assert content(*places) == [["x"], [".containment2"], []]
