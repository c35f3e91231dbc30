# SPDX-License-Identifier: GPL-3.0-or-later
"""Properties that hold for every container, network and set of containers."""

import copy
import json
import posixpath
import shlex

from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.containment.docker.plugins.module_utils import _migration_objects as objects

NAMES = ["web", "db", "app", "aux"]
IDS = {name: name.encode().hex().ljust(64, "0") for name in NAMES}
BY_ID = {key: name for name, key in IDS.items()}
NETWORKS = {name.encode().hex().ljust(64, "1"): name for name in ("front", "back")}

REFERENCE = st.sampled_from([*NAMES, *IDS.values(), *(key[:12] for key in IDS.values()), "gone"])
JOINED = REFERENCE.map("container:".__add__)
PATH = st.sampled_from(["/a", "/a/", "/b", "/b/c", "//d"])
TIME = st.sampled_from(["0001-01-01T00:00:00Z", "2024-01-01T00:00:00.2Z", "2024-01-01T00:00:00.11Z"])
ENDPOINT = st.fixed_dictionaries(
    {"NetworkID": st.just(""), "Aliases": st.none() | st.lists(st.sampled_from(["x", "y", IDS["web"][:12]]))},
    optional={"DriverOpts": st.none() | st.just({"a": "b"}), "IPAddress": st.just("10.0.0.2")},
)


def clean(path):
    return posixpath.normpath("/" + path.lstrip("/"))


@st.composite
def container(draw, name="web", depends=JOINED):
    """An answer for a container whose mounts are those that an engine makes of its settings."""
    mounts, binds, specs = {}, [], []
    for path in draw(st.lists(PATH, max_size=4, unique_by=clean)):
        volume = {"Type": "volume", "Name": "v" + str(len(mounts)), "Destination": clean(path), "RW": True}
        kind = draw(st.sampled_from(["bind", "bare", "named", "spec", "image", "other"]))
        if kind in ("bind", "bare"):
            binds.append(path if kind == "bare" else volume["Name"] + ":" + path)
        elif kind in ("named", "spec"):
            specs.append(dict({"Source": volume["Name"]} if kind == "named" else {}, Type="volume", Target=path))
        mounts[clean(path)] = volume
    mode = draw(st.sampled_from(["default", "bridge", "none", "host", *NETWORKS, *NETWORKS.values()]) | depends)
    attached = (
        {} if mode.startswith("container:") else draw(st.dictionaries(st.sampled_from(["front", "back"]), ENDPOINT))
    )
    if mode in ("none", "host"):
        attached = {mode: {}}
    elif draw(st.booleans()):
        attached["bridge"] = draw(ENDPOINT)
    return {
        "Id": IDS[name],
        "Name": "/" + name,
        "State": {"StartedAt": draw(TIME)},
        "Config": {
            "Hostname": "h",
            "Entrypoint": draw(st.none() | st.just(["x"])),
            "Volumes": draw(st.none() | st.just({"/a/": {}})),
        },
        "HostConfig": {
            "NetworkMode": mode,
            "PidMode": draw(st.just("") | depends),
            "VolumesFrom": draw(st.none() | st.lists(REFERENCE, max_size=2)),
            "Binds": binds or draw(st.none() | st.just([])),
            "Mounts": specs or draw(st.none() | st.just([])),
        },
        "NetworkSettings": {"Networks": attached},
        "Mounts": list(mounts.values()),
    }


@given(container())
def test_no_destination_is_named_twice_and_no_volume_is_lost(inspect):
    before = copy.deepcopy(inspect)
    body, _later = objects.container_body(inspect, "image", BY_ID, networks=NETWORKS)
    assert inspect == before and json.loads(json.dumps(body)) == body
    host = body["HostConfig"]
    named = [(clean(bind.split(":")[1]), bind.split(":")[0]) for bind in host["Binds"] or []]
    named += [(clean(spec["Target"]), spec["Source"]) for spec in host["Mounts"] or []]
    assert len(dict(named)) == len(named)
    there = {mount["Destination"]: mount["Name"] for mount in inspect["Mounts"]}
    assert set(named) <= set(there.items())
    if not host.get("VolumesFrom"):
        assert dict(named) == there
    assert all(source.split(":")[0] in NAMES for source in host["VolumesFrom"] or [])


@given(container())
def test_each_network_is_joined_once_and_the_first_at_creation(inspect):
    body, later = objects.container_body(inspect, "image", BY_ID, networks=NETWORKS)
    first = body["NetworkingConfig"]["EndpointsConfig"]
    mode = body["HostConfig"]["NetworkMode"]
    joined = [*first, *(name for name, _settings in later)]
    attached = set(inspect["NetworkSettings"]["Networks"]) - {"none", "host"}
    assert sorted(joined) == sorted(attached if not mode.startswith("container:") else ())
    assert len(first) == bool(joined) and not set(IDS.values()) & set(mode.split(":"))
    if mode in attached:
        assert list(first) == [mode]
    for name, endpoint in [*first.items(), *later]:
        assert set(endpoint) <= {"DriverOpts", "Aliases"} and (name != "bridge" or "Aliases" not in endpoint)
        assert IDS["web"][:12] not in endpoint.get("Aliases", [])


@st.composite
def containers(draw, acyclic):
    found = []
    for name in NAMES:
        mine = st.sampled_from(["container:" + one["Name"][1:] for one in found] or [""])
        found.append(draw(container(name, mine if acyclic else JOINED)))
        if acyclic:
            found[-1]["HostConfig"]["VolumesFrom"] = None
    return draw(st.permutations(found))


@settings(max_examples=40, deadline=None)
@given(containers(acyclic=True))
def test_the_order_has_each_container_once_and_after_what_it_needs(inspects):
    found = objects.order(inspects)
    assert sorted(one["Id"] for one in found) == sorted(IDS.values())
    names = [one["Name"][1:] for one in found]
    for place, one in enumerate(found):
        assert objects.dependencies(one, BY_ID) <= objects.needs(one, BY_ID) <= set(names[:place])
    assert objects.order(found) == found


@settings(max_examples=40, deadline=None)
@given(containers(acyclic=False))
def test_any_dependencies_have_an_order(inspects):
    found = objects.order(inspects)
    assert sorted(one["Id"] for one in found) == sorted(IDS.values())
    assert objects.order(found) == found


@given(st.text(min_size=1), st.text(), st.lists(st.text(st.characters(exclude_characters=","), min_size=1)))
def test_a_command_is_one_for_a_shell(project, folder, files):
    labels = {"project": project, "project.working_dir": folder, "project.config_files": ",".join(files)}
    inspect = {"Id": "i", "Name": "/n", "Config": {"Labels": {"com.docker.compose." + k: v for k, v in labels.items()}}}
    ((found, names, command),) = objects.project_commands([inspect])
    words = shlex.split(command)
    assert (found, names) == (project, ["n"])
    assert words[:4] == ["docker", "compose", "--project-name", project] and words[-2:] == ["up", "-d"]
    assert words.count("-f") >= len(files)


@given(st.text("0123456789abcdef", min_size=64, max_size=64), st.dictionaries(st.text(), st.text()))
def test_a_bridge_keeps_its_device_however_often_it_moves(key, options):
    network = {"Name": "n", "Id": key, "Driver": "bridge", "Options": options}
    once = objects.network_body(network)
    assert once["Options"] == dict({"com.docker.network.bridge.name": "br-" + key[:12]}, **options)
    assert len("br-" + key[:12]) < 16  # what the kernel takes
    assert objects.network_body(dict(network, Id="another" * 9, Options=once["Options"])) == once
