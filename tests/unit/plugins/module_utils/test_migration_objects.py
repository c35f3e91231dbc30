# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a recorded network, volume and container a new engine is asked for, and in which order."""

import copy

import pytest

from ansible_collections.containment.docker.plugins.module_utils import _migration_objects as objects

WEB, DB, APP = "a1" * 32, "a2" * 32, "b3" * 32
NAMES = {WEB: "web", DB: "/db", APP: "app"}
NET = "c4" * 32


def container(name="web", key=WEB, config=None, host=None, networks=None, mounts=(), started=None, created=""):
    return {
        "Id": key,
        "Name": "/" + name,
        "Created": created,
        "State": {"StartedAt": started or "0001-01-01T00:00:00Z"},
        "Config": dict({"Hostname": key[:12], "Image": "old", "Entrypoint": ["x"]}, **config or {}),
        "HostConfig": dict({"NetworkMode": "default"}, **host or {}),
        "NetworkSettings": {"Networks": {"bridge": {}} if networks is None else networks},
        "Mounts": list(mounts),
    }


def volume(destination, name="v", **changes):
    one = {"Type": "volume", "Name": name, "Source": "/g/volumes/v/_data", "Destination": destination, "RW": True}
    return dict(one, **changes)


def anonymous(destination, name="v", read_only=False):
    options = {"NoCopy": True}
    return {
        "Type": "volume",
        "Source": name,
        "Target": destination,
        "ReadOnly": read_only,
        "VolumeOptions": options,
    }


def body(macs=None, known=None, **changes):
    inspect = container(**changes)
    before = copy.deepcopy(inspect)
    found = objects.container_body(inspect, "new", NAMES, macs, known)
    assert inspect == before
    return found


def endpoints(**changes):
    first, later = body(**changes)
    return first["NetworkingConfig"]["EndpointsConfig"], later


def network(**changes):
    one = {
        "Name": "n",
        "Id": NET,
        "Scope": "local",
        "Driver": "bridge",
        "EnableIPv6": False,
        "IPAM": {"Driver": "default", "Options": None, "Config": [{"Subnet": "10.0.0.0/24", "Gateway": "10.0.0.1"}]},
        "Internal": True,
        "Attachable": False,
        "Ingress": False,
        "ConfigFrom": {"Network": ""},
        "ConfigOnly": False,
        "Options": {},
        "Labels": {"a": "b"},
    }
    return dict(one, **changes)


@pytest.mark.parametrize(
    "changes, predefined",
    [
        ({}, False),
        ({"Name": "bridge"}, True),
        ({"Name": "host"}, True),
        ({"Name": "none"}, True),
        ({"Scope": "swarm"}, True),
        ({"Ingress": True}, True),
        ({"Name": "default"}, False),
    ],
)
def test_which_networks_nobody_creates(changes, predefined):
    assert objects.is_predefined(network(**changes)) is predefined


def test_which_networks_are_asked_about_without_a_scope():
    assert objects.is_predefined({"Name": "n"}) is False


def test_a_bridge_network_takes_over_its_device():
    assert objects.network_body(network()) == {
        "Name": "n",
        "CheckDuplicate": True,
        "Driver": "bridge",
        "Internal": True,
        "Attachable": False,
        "ConfigOnly": False,
        "EnableIPv6": False,
        "IPAM": {"Driver": "default", "Options": None, "Config": [{"Subnet": "10.0.0.0/24", "Gateway": "10.0.0.1"}]},
        "Options": {"com.docker.network.bridge.name": "br-" + NET[:12]},
        "Labels": {"a": "b"},
    }
    named = {"com.docker.network.bridge.name": "mine", "x": "y"}
    assert objects.network_body(network(Options=named))["Options"] == named
    assert objects.network_body(network(Driver="macvlan", Options=None))["Options"] == {}
    assert objects.network_body(network(ConfigOnly=True))["Options"] == {}


def test_the_addresses_of_a_network_stay():
    pool = {"Subnet": "fd00::/64", "IPRange": "", "Gateway": "fd00::1/64", "AuxiliaryAddresses": {"x": "fd00::9"}}
    found = objects.network_body(network(EnableIPv4=False, EnableIPv6=True, IPAM={"Config": [pool]}))
    assert (found["EnableIPv4"], found["EnableIPv6"]) == (False, True)
    assert found["IPAM"] == {
        "Driver": "default",
        "Options": None,
        "Config": [{"Subnet": "fd00::/64", "Gateway": "fd00::1", "AuxiliaryAddresses": {"x": "fd00::9"}}],
    }
    found = objects.network_body(network(IPAM={"Driver": "d", "Options": {"o": "p"}, "Config": None}, Labels=None))
    assert found["IPAM"] == {"Driver": "d", "Options": {"o": "p"}, "Config": []} and found["Labels"] == {}


def test_a_network_from_a_configuration_has_nothing_else():
    found = objects.network_body(network(Driver="macvlan", ConfigFrom={"Network": "c"}))
    assert found == {
        "Name": "n",
        "CheckDuplicate": True,
        "Driver": "macvlan",
        "Internal": True,
        "Attachable": False,
        "ConfigOnly": False,
        "ConfigFrom": {"Network": "c"},
    }
    assert objects.network_body(network(ConfigFrom={"Network": "c"})) == objects.network_body(network())


def test_a_volume():
    given = {"Name": "v", "Driver": "d", "Options": {"o": "p"}, "Labels": {"l": ""}, "Mountpoint": "/m"}
    assert objects.volume_body(given) == {"Name": "v", "Driver": "d", "DriverOpts": {"o": "p"}, "Labels": {"l": ""}}
    found = objects.volume_body({"Name": "v", "Options": None, "Labels": None})
    assert found == {"Name": "v", "Driver": "local", "DriverOpts": {}, "Labels": {}}


def test_a_plain_container():
    kept = {"MaskedPaths": [], "LogConfig": {"Type": "local"}, "RestartPolicy": {"Name": "always"}, "Init": None}
    host = dict(kept, AutoRemove=True, PortBindings={"80/tcp": [{"HostPort": "8080"}]}, ContainerIDFile="/cid")
    found, later = body(config={"Env": ["A=b"], "ExposedPorts": {"80/tcp": {}}}, host=host)
    assert later == []
    assert found == {
        "Hostname": WEB[:12],
        "Image": "new",
        "Entrypoint": ["x"],
        "Env": ["A=b"],
        "ExposedPorts": {"80/tcp": {}},
        "HostConfig": dict(
            kept,
            AutoRemove=True,
            PortBindings={"80/tcp": [{"HostPort": "8080"}]},
            NetworkMode="default",
            PidMode=None,
            IpcMode=None,
            SecurityOpt=None,
        ),
        "NetworkingConfig": {"EndpointsConfig": {"bridge": {}}},
    }


def test_an_entry_point_that_the_user_emptied_stays_empty():
    assert [body(config={"Entrypoint": one})[0]["Entrypoint"] for one in (None, [], ["a", "b"])] == [
        [""],
        [],
        ["a", "b"],
    ]


@pytest.mark.parametrize(
    "mode, found",
    [
        ("container:" + DB, "container:db"),
        ("container:" + DB[:5], "container:db"),
        ("container:db", "container:db"),
        ("container:a", "container:a"),
        ("container:gone", "container:gone"),
        ("private", "private"),
        ("", ""),
        (None, None),
    ],
)
def test_ids_of_containers_become_names(mode, found):
    host = body(host={"PidMode": mode, "IpcMode": mode})[0]["HostConfig"]
    assert (host["PidMode"], host["IpcMode"]) == (found, found)


def test_what_the_engine_refuses_with_the_network_of_another():
    config = {"ExposedPorts": {"80/tcp": {}}, "Domainname": "d"}
    found, later = body(config=config, host={"NetworkMode": "container:" + DB}, networks={})
    assert found["HostConfig"]["NetworkMode"] == "container:db"
    assert "Hostname" not in found and "ExposedPorts" not in found and found["Domainname"] == "d"
    assert found["NetworkingConfig"] == {"EndpointsConfig": {}} and later == []
    found, _later = body(host={"UTSMode": "host"})
    assert "Hostname" not in found
    assert body(host={"NetworkMode": "host"}, networks={"host": {}})[0]["Hostname"] == WEB[:12]


@pytest.mark.parametrize("mode", ["none", "host"])
def test_no_network_to_speak_of(mode):
    assert endpoints(host={"NetworkMode": mode}, networks={mode: {"DriverOpts": {"a": "b"}}}) == ({}, [])


def test_links_are_written_as_users_write_them():
    found, _later = body(host={"Links": ["/db:/web/data", "/app:/web/app"]})
    assert found["HostConfig"]["Links"] == ["db:data", "app:app"]


def test_what_a_user_wanted_of_endpoints():
    mine = {
        "IPAMConfig": {"IPv4Address": "10.0.0.9"},
        "Links": ["db:d", DB + ":e", "gone:g"],
        "Aliases": ["one", "web", WEB[:12], "name"],
        "DriverOpts": {"k": "v"},
        "GwPriority": 3,
        "IPAddress": "10.0.0.9",
        "MacAddress": "02:42:00:00:00:01",
        "NetworkID": NET,
        "EndpointID": "e",
        "DNSNames": ["web"],
    }
    wanted = {
        "IPAMConfig": {"IPv4Address": "10.0.0.9"},
        "Links": ["db:d", "db:e", "gone:g"],
        "Aliases": ["one", "web"],
        "DriverOpts": {"k": "v"},
        "GwPriority": 3,
    }
    networks = {"b": {"IPAddress": "10.0.1.2"}, "n": mine, "bridge": dict(mine), "a": None}
    found = endpoints(config={"Hostname": "name"}, host={"NetworkMode": "n"}, networks=networks)
    assert found == ({"n": wanted}, [("a", {}), ("b", {}), ("bridge", {"DriverOpts": {"k": "v"}, "GwPriority": 3})])
    # API 1.45 and later: the aliases are the user's.
    networks = {"n": {"Aliases": ["name", "web"], "IPAMConfig": {}}}
    found = endpoints(config={"Hostname": "name"}, host={"NetworkMode": "n"}, networks=networks)
    assert found == ({"n": {"Aliases": ["name", "web"], "IPAMConfig": {}}}, [])


def test_addresses_of_interfaces_that_a_user_fixed():
    networks = {"n": {"MacAddress": "02:42:00:00:00:01"}, "m": {}}
    given = {"config": {"MacAddress": "02:42:00:00:00:01"}, "host": {"NetworkMode": "n"}, "networks": networks}
    found, later = body(macs={"n": "02:42:00:00:00:01", "m": "02:42:00:00:00:02"}, **given)
    assert "MacAddress" not in found
    assert found["NetworkingConfig"]["EndpointsConfig"] == {"n": {"MacAddress": "02:42:00:00:00:01"}}
    assert later == [("m", {"MacAddress": "02:42:00:00:00:02"})]
    for macs in (None, {}, {"m": "02:42:00:00:00:02"}):
        found, later = body(macs=macs, **given)
        assert found["MacAddress"] == "02:42:00:00:00:01"
        assert found["NetworkingConfig"]["EndpointsConfig"] == {"n": {}}


@pytest.mark.parametrize(
    "mode, networks, known, found",
    [
        ("n", {"n": {}}, {NET: "n"}, "n"),
        (NET, {"n": {}}, {NET: "n"}, "n"),
        (NET[:6], {"n": {}}, {NET: "n"}, "n"),
        (NET, {NET: {}}, {NET: "n"}, "n"),
        (NET[:6], {"n": {"NetworkID": NET}}, None, "n"),
        ("c4", {"n": {"NetworkID": NET}, "m": {"NetworkID": "c4c4"}}, None, "c4"),
        ("c4", {}, {NET: "n", "d5": "c4"}, "c4"),
        ("gone", {}, {NET: "n"}, "gone"),
        ("bridge", {}, {"bridge1": "n"}, "bridge"),
        ("default", {}, {"default1": "n"}, "default"),
        ("", {}, {NET: "n"}, ""),
    ],
)
def test_ids_of_networks_become_names(mode, networks, known, found):
    host = {"NetworkMode": mode}
    assert body(host=host, networks=networks, known=known)[0]["HostConfig"]["NetworkMode"] == found


def test_a_container_that_left_its_first_network():
    found = endpoints(host={"NetworkMode": "gone"}, networks={"n": {}, "m": {"GwPriority": 1}})
    assert found == ({"m": {"GwPriority": 1}}, [("n", {})])
    assert endpoints(host={"NetworkMode": "gone"}, networks={}) == ({}, [])
    assert endpoints(networks={"n": {}}) == ({"n": {}}, [])


def test_labels_that_the_engine_took_from_a_joined_container():
    label = ["label=user:u", "label=role:r", "label=type:t", "label=level:s0:c1,c2"]
    for host, options in (
        ({"PidMode": "container:db", "SecurityOpt": ["a", *label]}, ["a"]),
        ({"IpcMode": "container:db", "SecurityOpt": label}, []),
        ({"IpcMode": "container:db", "SecurityOpt": label[:3]}, label[:3]),
        ({"IpcMode": "private", "SecurityOpt": label}, label),
        ({"IpcMode": "container:db", "SecurityOpt": None}, None),
    ):
        assert body(host=host)[0]["HostConfig"]["SecurityOpt"] == options


def mounted(config=None, **changes):
    found = body(config=config, **changes)[0]["HostConfig"]
    return {key: found.get(key) for key in ("Binds", "Mounts", "VolumesFrom")}


def test_volumes_without_a_name_of_their_user_get_theirs():
    host = {
        "Binds": ["data:/in", "/srv:/out:ro", "/bare", "/bare2"],
        "Mounts": [
            {"Type": "volume", "Target": "/m/"},
            {"Type": "volume", "Target": "/n", "Source": "n"},
            {"Type": "tmpfs", "Target": "/t"},
            {"Type": "volume", "Target": "/lost"},
        ],
    }
    mounts = [
        volume("/x", "anon", RW=False),
        volume("/in", "data"),
        volume("/bare", "bare"),
        volume("/bare2", Name="", Source="/g/volumes/bare2/_data"),
        volume("/m", "m"),
        volume("/n", "n"),
        volume("/a:b", "colon"),
        {"Type": "bind", "Source": "/srv", "Destination": "/out", "RW": False},
        {"Type": "tmpfs", "Source": "", "Destination": "/t"},
        {"Type": "tmpfs", "Source": "", "Destination": "/u"},
    ]
    assert mounted({"Volumes": {"/x/": {}, "/gone": {}}}, host=host, mounts=mounts) == {
        "Binds": ["data:/in", "/srv:/out:ro", "bare:/bare", "bare2:/bare2"],
        "Mounts": [
            {"Type": "volume", "Target": "/m/", "Source": "m"},
            {"Type": "volume", "Target": "/n", "Source": "n"},
            {"Type": "tmpfs", "Target": "/t"},
            {"Type": "volume", "Target": "/lost"},
            anonymous("/a:b", "colon"),
            anonymous("/x", "anon", read_only=True),
        ],
        "VolumesFrom": None,
    }
    assert body(config={"Volumes": {"/x/": {}}}, mounts=mounts[:1])[0]["Volumes"] == {"/x/": {}}
    assert mounted() == {"Binds": None, "Mounts": None, "VolumesFrom": None}


def test_volumes_of_other_containers():
    bind = {"Type": "bind", "Source": "/srv", "Destination": "/srv", "RW": True, "Propagation": "rslave"}
    plain = {"Type": "bind", "Source": "/ro", "Destination": "/ro", "RW": False, "Propagation": ""}
    mounts = [volume("/a", "a"), volume("/b", "b"), bind, plain]
    there = {"VolumesFrom": [DB + ":ro", "app"]}
    assert mounted({"Volumes": {"//b/.": {}}}, host=there, mounts=mounts) == {
        "Binds": None,
        "Mounts": [anonymous("/b", "b")],
        "VolumesFrom": ["db:ro", "app"],
    }
    half = {"VolumesFrom": ["gone:ro", APP[:3] + ":z"]}
    options = {"Type": "bind", "Target": "/srv", "Source": "/srv", "ReadOnly": False}
    assert mounted(host=half, mounts=mounts) == {
        "Binds": None,
        "Mounts": [
            anonymous("/a", "a"),
            anonymous("/b", "b"),
            dict(options, Target="/ro", Source="/ro", ReadOnly=True, BindOptions={"Propagation": "rprivate"}),
            dict(options, BindOptions={"Propagation": "rslave"}),
        ],
        "VolumesFrom": ["app:z"],
    }


def test_who_has_to_run_before():
    for host, running, there in (
        ({"NetworkMode": "container:" + DB}, {"db"}, {"db"}),
        ({"PidMode": "container:db", "IpcMode": "container:app"}, {"db", "app"}, {"db", "app"}),
        ({"PidMode": "container:gone", "IpcMode": None}, set(), set()),
        ({"Links": ["/db:/web/x", "/gone:/web/y"]}, {"db"}, {"db"}),
        ({"VolumesFrom": ["db:ro", APP, "gone"]}, set(), {"db", "app"}),
        ({"VolumesFrom": ["web"], "PidMode": "container:web"}, set(), set()),
    ):
        assert objects.dependencies(container(host=host), NAMES) == running
        assert objects.needs(container(host=host), NAMES) == there


def composed(name, service, project="p", key=None, depends=None, **labels):
    found = {"com.docker.compose.project": project, "com.docker.compose.service": service}
    if depends is not None:
        found["com.docker.compose.depends_on"] = depends
    found.update({"com.docker.compose." + one.replace("__", "."): value for one, value in labels.items()})
    return container(name, key or name, {"Labels": found})


def test_services_that_compose_starts_before():
    others = [
        composed("p-db-1", "db"),
        composed("p-db-2", "db"),
        composed("p-cache-1", "cache"),
        composed("p-db-run", "db", oneoff="True"),
        composed("q-db-1", "db", project="q"),
        composed("p-other-1", "other", oneoff="False"),
        container("plain", "plain"),
    ]
    names = {one["Id"]: one["Name"] for one in others}
    for depends, found in (
        ("db:service_started:false,cache:service_healthy:true", {"p-db-1", "p-db-2", "p-cache-1"}),
        ("other, cache", {"p-other-1", "p-cache-1"}),
        ("", set()),
        (None, set()),
    ):
        web = composed("p-web-1", "web", depends=depends)
        assert objects.dependencies(web, names, [web, *others]) == found
        assert objects.needs(web, names, others) == found
        assert objects.dependencies(web, names) == set()


def ordered(*inspects):
    return [one["Name"][1:] for one in objects.order(list(inspects))]


def at(name, started, **host):
    return container(name, name * 4, host=host, started=started)


def test_the_order_is_that_of_the_last_starts():
    times = [
        "2024-05-01T10:00:00.5Z",
        "2024-05-01T10:00:00.499999999Z",
        "2024-05-01T10:00:00Z",
        "2024-05-01T11:00:00+02:00",
        "2024-05-01T08:30:00.1-01:30",
        "0001-01-01T00:00:00Z",
        "nonsense",
        "2023-12-31T23:59:59Z",
    ]
    assert ordered(*(at(name, time) for name, time in zip("abcdefgh", times))) == list("hdcebafg")
    assert ordered(*(at(name, None) for name in "cab")) == list("cab")
    assert ordered() == []


def test_the_order_heeds_what_containers_need():
    def joins(name):
        return {"NetworkMode": "container:" + name * 4}

    first = [at("a", "2024-01-01T00:00:00Z", **joins("c")), at("b", "2024-01-02T00:00:00Z"), at("c", None)]
    assert ordered(*first) == ["b", "c", "a"]
    volumes = [at("a", "2024-01-01T00:00:00Z", VolumesFrom=["b"]), at("b", None)]
    assert ordered(*volumes) == ["b", "a"]
    # a needs the cycle of c and d, of which c was started first.
    cycle = [
        at("a", "2024-01-01T00:00:00Z", **joins("d")),
        at("d", "2024-01-03T00:00:00Z", **joins("c")),
        at("c", "2024-01-02T00:00:00Z", **joins("d")),
        at("e", "2024-01-04T00:00:00Z"),
    ]
    assert ordered(*cycle) == ["e", "c", "d", "a"]


def test_commands_that_hand_projects_back():
    files = "/srv/p/a.yml,/srv/p/my b.yml"
    old = composed("p-web-1", "web", project__working_dir="/old", project__config_files="/old/c.yml")
    new = composed(
        "p-db-1",
        "db",
        project__working_dir="/srv/p",
        project__config_files=files,
        project__environment_file="/srv/p/.env",
    )
    old["Created"], new["Created"] = "2023-01-01T00:00:00Z", "2024-01-01T00:00:00Z"
    relative = composed("v1_web_1", "web", project="v1", project__working_dir="/v1", project__config_files="c.yml")
    bare = composed("bare", "web", project="a b")
    oneoff = composed("p-web-run", "web", oneoff="True")
    assert objects.project_commands([old, new, relative, bare, oneoff, container("plain")]) == [
        ("a b", ["bare"], "docker compose --project-name 'a b' up -d"),
        (
            "p",
            ["p-db-1", "p-web-1"],
            "docker compose --project-name p --project-directory /srv/p --env-file /srv/p/.env -f /srv/p/a.yml"
            " -f '/srv/p/my b.yml' up -d",
        ),
        ("v1", ["v1_web_1"], "docker compose --project-name v1 --project-directory /v1 -f /v1/c.yml up -d"),
    ]


def test_addresses_that_the_file_of_a_container_tells():
    endpoints = {"n": {"DesiredMacAddress": "m", "MacAddress": "m"}, "o": {"MacAddress": "x"}, "p": None}
    endpoints["q"] = {"DesiredMacAddress": ""}
    assert objects.fixed_macs({"NetworkSettings": {"Networks": endpoints}}) == {"n": "m"}
    assert objects.fixed_macs({"NetworkSettings": {"Networks": None}}) == objects.fixed_macs({}) == {}
