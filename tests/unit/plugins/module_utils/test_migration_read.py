# SPDX-License-Identifier: GPL-3.0-or-later
"""What tells that anything came to a graph root: by what its engine answers, and by its directories."""

import copy
import json

import pytest

from ansible_collections.containment.docker.plugins.module_utils import _migration_read as read

FACTS = {
    "images": [{"Id": "i2", "RepoTags": ["b:1", "a:1"]}, {"Id": "i1", "RepoTags": None}, {"Id": "i3"}],
    "listed": [
        {"Id": "c2", "Names": ["/web", "/db/web"], "NetworkSettings": {"Networks": {"front": {}, "back": {}}}},
        {"Id": "c1", "Names": ["/db"], "NetworkSettings": {"Networks": None}},
        {"Id": "c3", "Names": ["/x"]},
    ],
    "networks": [{"Id": "n2"}, {"Id": "n1"}],
    "volumes": [{"Name": "w", "CreatedAt": "2026-01-01T00:00:00Z"}, {"Name": "v"}],
}


def test_what_an_engine_has_is_told_in_an_order_of_its_own():
    found = read.identities_of(FACTS)
    assert found == {
        "images": [["i1", []], ["i2", ["a:1", "b:1"]], ["i3", []]],
        "containers": [["c1", ["/db"], []], ["c2", ["/db/web", "/web"], ["back", "front"]], ["c3", ["/x"], []]],
        "networks": ["n1", "n2"],
        "volumes": [["v", ""], ["w", "2026-01-01T00:00:00Z"]],
    }
    # A record keeps it as JSON.
    assert json.loads(json.dumps(found)) == found
    turned = {kind: list(reversed(things)) for kind, things in FACTS.items()}
    assert read.identities_of(turned) == found


@pytest.mark.parametrize(
    "kind, change",
    [
        ("images", lambda things: things.append({"Id": "i4"})),
        ("images", lambda things: things.pop()),
        ("images", lambda things: things[1].update(RepoTags=["c:1"])),
        ("images", lambda things: things[0].update(RepoTags=["b:1"])),
        ("listed", lambda things: things.append({"Id": "c4", "Names": ["/y"]})),
        ("listed", lambda things: things.pop()),
        ("listed", lambda things: things[1].update(Names=["/renamed"])),
        ("listed", lambda things: things[1].update(NetworkSettings={"Networks": {"front": {}}})),
        ("listed", lambda things: things[0].update(NetworkSettings={"Networks": {"front": {}}})),
        ("networks", lambda things: things.append({"Id": "n3"})),
        ("networks", lambda things: things.pop()),
        ("volumes", lambda things: things.append({"Name": "x"})),
        ("volumes", lambda things: things.pop()),
        # Removed and made again under the same name.
        ("volumes", lambda things: things[0].update(CreatedAt="2026-01-02T00:00:00Z")),
    ],
)
def test_what_came_went_or_was_renamed_is_told_apart(kind, change):
    facts = copy.deepcopy(FACTS)
    change(facts[kind])
    before, after = read.identities_of(FACTS), read.identities_of(facts)
    assert [name for name in before if before[name] != after[name]] == [kind.replace("listed", "containers")]


def test_what_runs_is_not_what_came():
    facts = copy.deepcopy(FACTS)
    facts["listed"][0].update(State="running", Status="Up 3 seconds")
    facts["images"][0].update(Containers=3, Size=7)
    assert read.identities_of(facts) == read.identities_of(FACTS)


def make(root, containers=(), volumes=()):
    """Make directories of a graph root. containers: {id: bytes of the configuration, None for none}."""
    for key, data in dict(containers).items():
        folder = root / "containers" / key
        folder.mkdir(parents=True)
        if data is not None:
            (folder / "config.v2.json").write_bytes(data)
    for name in volumes:
        (root / "volumes" / name / "_data").mkdir(parents=True)
    return str(root)


def config(name, labels=None):
    return json.dumps({"Name": "/" + name, "Config": {"Labels": labels}}).encode()


def had(containers=(), volumes=()):
    return {"containers": [[key, [], []] for key in containers], "volumes": [[name, ""] for name in volumes]}


def test_what_came_to_a_root_since_is_found_in_its_directories(tmp_path):
    configs = {"c1": config("old"), "c2": config("new"), "c3": config("newer", {"a": "b"})}
    root = make(tmp_path, configs, ["v", "w"])
    (tmp_path / "volumes" / "metadata.db").write_bytes(b"x")
    assert read.came_since(root, had(["c1"], ["v"])) == ["new", "newer", "w"]
    assert read.came_since(root, had()) == ["old", "new", "newer", "v", "w"]
    # What went is nothing that is needed there.
    assert read.came_since(root, had(["c0", *configs], ["u", "v", "w"])) == []


def test_what_keeps_volumes_for_a_migration_did_not_come(tmp_path):
    root = make(tmp_path, {"c1": config("keeper", {read.KEEPER: "name"}), "c2": config("other", {})})
    assert read.came_since(root, had()) == ["other"]


@pytest.mark.parametrize("data", [None, b"", b"{", b"\xff", b"null", b"[]", b"3", b"{}", b'{"Config": null}'])
def test_what_cannot_be_read_is_told_by_its_id(tmp_path, data):
    root = make(tmp_path, {"c1": data})
    assert read.came_since(root, had()) == ["c1"] and read.came_since(root, had(["c1"])) == []
    assert read.own_config(root, "c1").get("State") is None


def test_nothing_came_to_a_root_that_is_not_there(tmp_path):
    root = str(tmp_path / "none")
    assert read.came_since(root, had(["c1"], ["v"])) == []
    assert read.left_in(root) == {"there": False, "ids": [], "containers": [], "volumes": []}
    assert read.left_in(make(tmp_path, volumes=["v"]))["volumes"] == ["v"]


class Asked:
    """Stands for an engine, of which only newer ones answer in another way: keeps what it is asked for."""

    def __init__(self):
        self.paths = []

    def json(self, _method, path, timeout):
        self.paths.append(path)
        volumes = [{"Name": "v", "UsageData": {"Size": 5}}, {"Name": "w", "UsageData": {"Size": -1}}, {"Name": "x"}]
        images, cache = [{"Size": 3}, {"Size": None}], [{"Size": 2}, {}]
        containers = [{"Id": "c", "SizeRw": 4}, {"Id": "d"}]
        return {"Volumes": volumes, "Images": images, "Containers": containers, "BuildCache": cache}


@pytest.mark.parametrize(
    "version, path",
    [
        ("1.9", "/system/df"),
        ("1.41", "/system/df"),
        ("1.44", "/system/df"),
        ("1.45", "/v1.44/system/df"),
        ("1.52", "/v1.44/system/df"),
        ("2.0", "/v1.44/system/df"),
    ],
)
def test_sizes_are_asked_for_as_they_were_answered_first(version, path):
    engine = Asked()
    found = read.sizes(engine, version)
    assert engine.paths == [path]
    assert found == {"layers": 3, "volumes": {"v": 5, "w": 0, "x": 0}, "own": {"c": 4, "d": 0}, "cache": 2}
