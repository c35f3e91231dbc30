# SPDX-License-Identifier: GPL-3.0-or-later
"""Containers are found in an engine's files as the engine finds them, and what the plugin remembers outlives it."""

import json
import os

import pytest

from ansible_collections.containment.docker.plugins.module_utils import _authz_world
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

ONE, TWO, THREE = "ab" + "1" * 62, "ab" + "2" * 62, "c" * 64


@pytest.fixture
def world(tmp_path):
    (tmp_path / "root" / "containers").mkdir(parents=True)
    return _authz_world.World(str(tmp_path / "root"), str(tmp_path / "state"))


def put(tmp_path, number, name, config=None, host=None):
    folder = tmp_path / "root" / "containers" / number
    folder.mkdir(exist_ok=True)
    for file, value in (
        ("config.v2.json", {"Name": "/" + name, "Config": config or {"Labels": {"a": "b"}}}),
        ("hostconfig.json", host or {}),
    ):
        (folder / (file + ".new")).write_text(json.dumps(value))
        (folder / (file + ".new")).rename(folder / file)
    return folder


@pytest.mark.parametrize("text", [ONE, "web", ONE[:3], ONE[:63]])
def test_by_id_by_name_and_by_a_part_of_the_id(world, tmp_path, text):
    put(tmp_path, ONE, "web")
    put(tmp_path, TWO, "db")
    assert world.container(text).id == ONE
    assert world.container(text).labels == {"a": "b"}


def test_an_id_comes_before_a_name(world, tmp_path):
    put(tmp_path, ONE, THREE)
    put(tmp_path, THREE, "x")
    assert world.container(THREE).id == THREE


def test_a_name_that_would_stand_for_another_one_if_it_were_gone(world, tmp_path):
    put(tmp_path, ONE, "c" * 12)
    put(tmp_path, TWO, "ab222")  # the beginning of its own id
    assert world.container("c" * 12).id == ONE
    assert world.container("ab222").id == TWO
    put(tmp_path, THREE, "super")
    put(tmp_path, "f" * 64, "c" * 4)
    assert world.container("c" * 4).id == "f" * 64
    put(tmp_path, "e" * 64, "c" * 5)
    with pytest.raises(ContainmentError, match="is a name, and the beginning of an id; use the whole id"):
        world.container("c" * 5)
    with pytest.raises(ContainmentError, match="is a name, and the beginning of an id; use the whole id"):
        world.container("c" * 12)
    assert world.container(ONE).id == ONE


@pytest.mark.parametrize("text", ["", "ab", "nobody", "we", "../" + ONE, "/web", ONE.upper(), ONE + "1"])
def test_what_is_not_there_or_more_than_one(world, tmp_path, text):
    put(tmp_path, ONE, "web")
    put(tmp_path, TWO, "db")
    with pytest.raises(ContainmentError, match="is not there, or is more than one"):
        world.container(text)


def test_a_name_follows_a_rename_and_a_removal(world, tmp_path):
    folder = put(tmp_path, ONE, "web")
    put(tmp_path, TWO, "db")
    assert world.container("web").id == ONE
    put(tmp_path, ONE, "old")
    put(tmp_path, TWO, "web")
    assert world.container("web").id == TWO
    assert world.container("old").id == ONE
    for file in folder.iterdir():
        file.unlink()
    folder.rmdir()
    with pytest.raises(ContainmentError):
        world.container("old")


def test_of_many_containers_names_are_kept_and_the_last_ones_whole(world, tmp_path, monkeypatch):
    monkeypatch.setattr(_authz_world, "_KEPT", 2)
    names = {f"n{number}": f"{number:064x}" for number in range(5)}
    for name, number in names.items():
        put(tmp_path, number, name)
    assert {name: world.container(name).id for name in names} == names
    loaded, load = [], _authz_world._load
    monkeypatch.setattr(_authz_world, "_load", lambda path: loaded.append(path.split("/")[-2]) or load(path))
    assert world.container("n0").id == names["n0"] and world.container("n4").id == names["n4"]
    assert loaded == [names["n0"]] * 2
    with pytest.raises(ContainmentError):
        world.container("n5")
    assert loaded == [names["n0"]] * 2


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"Name": 1, "Config": {}}', '{"Name": "/web", "Config": null}'])
def test_a_file_that_cannot_be_read_is_told_and_never_guessed(world, tmp_path, text):
    folder = put(tmp_path, ONE, "web")
    (folder / "config.v2.json").write_text(text)
    with pytest.raises(ContainmentError, match="cannot be read"):
        world.container("web")


def test_no_link_is_followed(world, tmp_path):
    folder = put(tmp_path, ONE, "web")
    (folder / "config.v2.json").rename(tmp_path / "elsewhere")
    os.symlink(str(tmp_path / "elsewhere"), str(folder / "config.v2.json"))
    with pytest.raises(ContainmentError, match="cannot be read"):
        world.container(ONE)


def test_a_missing_folder_is_told(tmp_path):
    world = _authz_world.World(str(tmp_path / "nowhere"), str(tmp_path / "state"))
    with pytest.raises(ContainmentError, match="cannot be read"):
        world.container("web")


def test_who_made_a_container_is_remembered_while_it_is_there(world, tmp_path):
    folder = put(tmp_path, ONE, "web")
    assert world.container("web").owner is None
    world.created(ONE, "alice")
    assert world.container("web").owner == "alice"
    again = _authz_world.World(str(tmp_path / "root"), str(tmp_path / "state"))
    assert again.container("web").owner == "alice"
    for file in folder.iterdir():
        file.unlink()
    folder.rmdir()
    put(tmp_path, TWO, "db")
    world.created(TWO, "bob")
    assert os.listdir(str(tmp_path / "state" / "owners")) == [TWO]


def test_planned_processes_outlive_a_restart_but_for_a_line_that_was_cut(world, tmp_path):
    world.planned(THREE, ONE, "alice")
    with open(str(tmp_path / "state" / "execs"), "a") as handle:
        handle.write("d" * 64 + " " + ONE)
    again = _authz_world.World(str(tmp_path / "root"), str(tmp_path / "state"))
    assert again.exec(THREE) == (THREE, ONE, "alice")
    with pytest.raises(ContainmentError, match="is not known"):
        again.exec("d" * 64)


def test_only_so_many_planned_processes_are_remembered(world, tmp_path, monkeypatch):
    monkeypatch.setattr(_authz_world, "_EXECS", 3)
    numbers = ["%064x" % number for number in range(20)]
    for number in numbers:
        world.planned(number, ONE, "alice")
    assert world.exec(numbers[-3]).container == ONE
    with pytest.raises(ContainmentError):
        world.exec(numbers[-4])
    assert len((tmp_path / "state" / "execs").read_text().splitlines()) < 7


@pytest.mark.parametrize("number", ["", "x", "../../etc/passwd", "A" * 64])
def test_what_is_no_id_is_not_remembered(world, number):
    for remember in (lambda: world.created(number, "alice"), lambda: world.planned(number, ONE, "alice")):
        with pytest.raises(ContainmentError, match="is no id"):
            remember()
