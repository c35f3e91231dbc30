# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a graph root comes along, what stays and why, and what is told of it."""

import pytest

from ansible_collections.containment.docker.plugins.module_utils import _migration_plan as plans

GIB = 1024 * 1024 * 1024
ENGINE = {"version": "26.1.5", "image_store": "graphdriver", "containers": []}
NEVER = "0001-01-01T00:00:00Z"


def image(key="i", tags=("a:1",), size=100, **changes):
    return dict({"Id": key, "RepoTags": list(tags), "Size": size}, **changes)


def container(name="web", status="exited", started=NEVER, host=None, labels=None, **changes):
    one = {
        "Id": name + "-id",
        "Name": "/" + name,
        "Image": "i",
        "State": {"Status": status, "StartedAt": started},
        "Config": {"Labels": labels},
        "HostConfig": dict({"NetworkMode": "default"}, **host or {}),
        "Mounts": [],
    }
    return dict(one, **changes)


def joins(name):
    return {"NetworkMode": "container:" + name}


def volume(name="data", driver="local", options=None):
    return {"Name": name, "Driver": driver, "Options": options, "Mountpoint": f"/g/volumes/{name}/_data"}


NFS = {"type": "nfs", "device": ":/x", "o": "addr=1"}


def facts(**changes):
    found = {"images": [image()], "gone": [], "containers": [], "networks": [], "volumes": [], "plugins": []}
    return dict(found, **changes)


def names(containers):
    return [one["Name"].lstrip("/") for one in containers]


def refused(name, severity="refused", detail="is privileged"):
    conflict = {"container": name, "severity": severity, "detail": detail, "mend": "drop that", "path": None}
    return {"id": name + "-id", "name": name, "state": "running", "conflicts": [conflict]}


def engine(*conflicting, **changes):
    return dict(ENGINE, containers=list(conflicting), **changes)


def test_the_names_of_an_image():
    assert plans.tags(image(tags=["b:2", "<none>:<none>", "a:1"])) == ["a:1", "b:2"]
    assert plans.tags({"RepoTags": None}) == plans.tags({}) == plans.tags(image(tags=["<none>:<none>"])) == []


@pytest.mark.parametrize(
    "sizes, found",
    [
        ([], []),
        ([5], [[5]]),
        ([GIB - 1, 1], [[GIB - 1, 1]]),
        ([GIB - 1, 2], [[GIB - 1], [2]]),
        ([GIB + 1, 0], [[GIB + 1], [0]]),
        ([5, GIB + 1, 5], [[5], [GIB + 1], [5]]),
        # What is in a batch counts once more for each that joins it, and not for the batch after it.
        ([GIB - 2, 1, 1, 1, GIB - 1, 1], [[GIB - 2, 1, 1], [1, GIB - 1], [1]]),
    ],
)
def test_images_go_in_streams_of_a_gibibyte(sizes, found):
    assert [[one["size"] for one in batch] for batch in plans.batches([{"size": one} for one in sizes])] == found


@pytest.mark.parametrize(
    "one, plain, bound",
    [
        (volume(), True, False),
        (volume(options={}), True, False),
        (volume(options={"size": "1G"}), True, False),
        (volume(options=NFS), False, True),
        (volume(driver="vieux/sshfs"), False, False),
        (volume(driver="vieux/sshfs", options=NFS), False, False),
    ],
)
def test_where_the_content_of_a_volume_lies(one, plain, bound):
    assert (plans.is_plain(one), plans.is_bound(one)) == (plain, bound)


def test_volumes_that_go_with_a_container():
    def mount(name, kind="volume"):
        return {"Type": kind, "Name": name}

    given = [mount("b" * 64), mount("a" * 64), mount("data"), mount("c" * 63), mount("d" * 65), mount("e" * 64 + "\n")]
    given += [mount("f" * 64, "bind"), mount(None), {"Type": "tmpfs"}, mount("G" * 64)]
    assert plans.anonymous({"Mounts": given}) == ["a" * 64, "b" * 64]
    assert plans.anonymous({"Mounts": None}) == plans.anonymous({}) == []


@pytest.mark.parametrize(
    "version, store, after",
    [
        ("20.10.24", "graphdriver", "graphdriver"),
        ("28.5.2", "containerd", "containerd"),
        ("28.99.99", "containerd", "containerd"),
        ("29.0.0", "containerd", "graphdriver"),
        ("29.0.0-rc.1", "containerd", "graphdriver"),
        ("30.1.0", "graphdriver", "graphdriver"),
    ],
)
def test_the_image_store_of_a_remapped_engine(version, store, after):
    assert plans.store_after({"version": version, "image_store": store}) == after


def test_images_come_along_with_all_their_names():
    given = facts(images=[image("i", ["b:2", "a:1"], 7), image("j", [], None), image("k", ["c:1"], 9)])
    found = plans.carried(given, ENGINE)
    assert found["images"] == [
        {"id": "i", "tags": ["a:1", "b:2"], "size": 7, "same_id": True},
        {"id": "j", "tags": [], "size": 0, "same_id": True},
        {"id": "k", "tags": ["c:1"], "size": 9, "same_id": True},
    ]
    assert found["networks"] == found["volumes"] == found["containers"] == found["left"] == []


OTHER_STORE = dict(ENGINE, version="29.0.0", image_store="containerd")
UNNAMED = "its image is gone, or has no name by which another image store knows it; give it one with docker tag"


def test_an_image_without_a_name_stays_where_another_store_would_give_it_another_id():
    key = "sha256:" + "a" * 64
    listed = [image("i"), image(key, ["<none>:<none>"]), image("b", [])]
    containers = [container("a", Image=key), container("c"), container("d", Image="unlisted"), container("e")]
    containers[3]["HostConfig"]["NetworkMode"] = "container:a"
    given = facts(images=listed, containers=containers, volumes=[volume("far", "vieux/sshfs")])
    found = plans.carried(given, OTHER_STORE)
    assert found["images"] == [{"id": "i", "tags": ["a:1"], "size": 100, "same_id": False}]
    assert names(found["containers"]) == ["c"]
    nameless = "it has no name by which another image store knows it"
    assert found["left"][1:] == [
        {"kind": "image", "name": "b", "why": nameless},
        {"kind": "image", "name": "sha256:" + "a" * 12, "why": nameless},
        {"kind": "image", "name": "unlisted", "why": nameless},
        {"kind": "container", "name": "a", "why": UNNAMED},
        {"kind": "container", "name": "d", "why": UNNAMED},
        {"kind": "container", "name": "e", "why": "it needs a, which stays"},
    ]
    assert found["left"][0]["kind"] == "volume" and given["gone"] == []
    # In the same store it is found by its id.
    found = plans.carried(given, dict(ENGINE, image_store="containerd"))
    assert len(found["images"]) == 4 and len(found["containers"]) == 4 and len(found["left"]) == 1


def test_an_image_that_is_not_listed_comes_with_the_container_that_has_it():
    containers = [container("a", Image="z"), container("b", Image="y"), container("c", Image="gone"), container("d")]
    found = plans.carried(facts(containers=containers, gone=["gone"]), ENGINE)
    assert found["images"][1:] == [
        {"id": "y", "tags": [], "size": 0, "same_id": True},
        {"id": "z", "tags": [], "size": 0, "same_id": True},
    ]
    assert names(found["containers"]) == ["a", "b", "d"]
    assert found["left"] == [{"kind": "container", "name": "c", "why": UNNAMED}]


def test_networks_and_volumes_that_come_along():
    networks = [{"Name": "bridge"}, {"Name": "front", "Scope": "local"}, {"Name": "swarmed", "Scope": "swarm"}]
    volumes = [volume(), volume("far", "vieux/sshfs"), volume("nfs", options=NFS)]
    found = plans.carried(facts(networks=networks, volumes=volumes), ENGINE)
    assert found["networks"] == [networks[1]] and found["volumes"] == [volumes[0], volumes[2]]
    assert found["left"] == [
        {"kind": "volume", "name": "far", "why": "it is its driver's, vieux/sshfs, and not the engine's"}
    ]


def test_containers_come_in_the_order_of_their_starts():
    times = {"a": "2026-01-03T00:00:00Z", "b": "2026-01-01T00:00:00Z", "c": "2026-01-02T00:00:00Z"}
    given = [container(name, started=time) for name, time in sorted(times.items())]
    assert names(plans.carried(facts(containers=given), ENGINE)["containers"]) == ["b", "c", "a"]


def test_a_container_that_a_remapped_engine_refuses_stays_and_one_that_may_break_does_not():
    given = facts(containers=[container("a"), container("b"), container("c")])
    found = plans.carried(given, engine(refused("a"), refused("b", "breaks"), refused("x")))
    assert names(found["containers"]) == ["b", "c"]
    assert found["left"] == [{"kind": "container", "name": "a", "why": "it is privileged; drop that"}]
    second = refused("a", "breaks", "is slow")
    device = dict(refused("a", detail="has a device")["conflicts"][0], mend="take it away")
    second["conflicts"] += [device, *refused("a")["conflicts"]]
    found = plans.carried(given, engine(second))
    assert found["left"] == [{"kind": "container", "name": "a", "why": "it has a device; take it away"}]


def test_who_needs_one_that_stays_stays_too():
    given = [
        container("d", host=joins("c-id")),
        container("c", host={"VolumesFrom": ["b"]}),
        container("b", host={"Links": ["/a:/b/x", "/e:/b/y", "/z:/b/z"]}),
        container("a"),
        container("z"),
        container("e"),
        container("f", host=joins("e-id")),
    ]
    found = plans.carried(facts(containers=given), engine(refused("a"), refused("z")))
    assert names(found["containers"]) == ["e", "f"]
    assert [(one["name"], one["why"]) for one in found["left"]] == [
        ("d", "it needs c, which stays"),
        ("c", "it needs b, which stays"),
        ("b", "it needs a, z, which stays"),
        ("a", "it is privileged; drop that"),
        ("z", "it is privileged; drop that"),
    ]


def test_containers_that_need_one_another_come_along_together():
    given = [container("a", host=joins("b-id")), container("b", host=joins("a-id"))]
    assert names(plans.carried(facts(containers=given), ENGINE)["containers"]) == ["a", "b"]
    found = plans.carried(facts(containers=given), engine(refused("a")))
    assert found["containers"] == [] and [one["name"] for one in found["left"]] == ["a", "b"]


def along(**changes):
    return dict({"images": [], "networks": [], "volumes": [], "containers": [], "left": []}, **changes)


def sizes(**changes):
    return dict({"layers": 0, "volumes": {}, "own": {}, "cache": 0}, **changes)


SPARE = 64 * 1024 * 1024


def test_the_room_that_is_needed():
    assert plans.need(along(), sizes(), False) == SPARE
    assert plans.need(along(), sizes(layers=1000), False) == SPARE + 1050
    given = along(
        images=[{"size": 3000}, {"size": 7000}],
        volumes=[volume(), volume("nfs", options=NFS), volume("new")],
        containers=[container("a"), container("b")],
    )
    measured = sizes(
        layers=20000, volumes={"data": 400, "nfs": 1000000, "elsewhere": 1000000}, own={"a-id": 60, "x": 1000000}
    )
    # Layers, what containers changed, volumes, and the largest stream once more, which the engine unpacks.
    assert plans.need(given, measured, False) == SPARE + int((20000 + 60 + 400 + 10000) * 1.05)
    assert plans.need(given, measured, True) == SPARE + int((20000 + 60 + 10000) * 1.05)
    # Images that share their layers are no larger together than these.
    assert plans.need(given, dict(measured, layers=6000), True) == SPARE + int((6000 + 60 + 6000) * 1.05)
    several = along(images=[{"size": GIB}, {"size": GIB + 5}, {"size": 1}])
    assert plans.need(several, sizes(layers=4 * GIB), False) == SPARE + int((5 * GIB + 5) * 1.05)


def order(**changes):
    found = {
        "source": "/g",
        "target": "/g/1.1",
        "left_in": {"there": False, "ids": [], "containers": [], "volumes": []},
        "need": 1000,
        "free": 1000,
        "move": False,
        "overlap": False,
        "elsewhere": [],
        "linked": [],
        "mounted": {},
        "elsewhere_images": None,
        "lost_images": False,
        "sizes": sizes(),
        "layers": {},
    }
    return dict(found, **changes)


def test_nothing_stands_in_the_way_of_a_host_with_room():
    assert plans.refusals(along(volumes=[volume()]), order()) == []
    # What moved things make impossible does not matter to copied ones.
    assert plans.refusals(along(volumes=[volume()]), order(overlap=True, elsewhere=["data"])) == []
    assert plans.refusals(along(volumes=[volume()]), order(move=True)) == []
    # Images that lie elsewhere need room there, as much as they take.
    for room in (5000, 5001):
        assert plans.refusals(along(), order(elsewhere_images=room, sizes=sizes(layers=5000))) == []
    assert plans.refusals(along(), order(elsewhere_images=0)) == []
    assert plans.refusals(along(), order(sizes=sizes(layers=5000))) == []


LEFT = ", which an engine left there that was remapped before; move it away, or set userns_carry: false to have the "
LEFT += "engine use it as it is."


@pytest.mark.parametrize(
    "changes, told",
    [
        (
            {"left_in": {"containers": list("abcdef"), "volumes": []}},
            f"/g/1.1: has containers already (a, b, c, d, e){LEFT}",
        ),
        (
            {"left_in": {"containers": [], "volumes": list("uvwxyz")}},
            f"/g/1.1: has volumes already (u, v, w, x, y){LEFT}",
        ),
        (
            {"need": 1001},
            "/g/1.1: 1.0 kB are needed for what comes along, and 1.0 kB are free; make room, or set userns_volumes: "
            "move.",
        ),
        (
            {"need": 2000000, "move": True},
            "/g/1.1: 2.0 MB are needed for what comes along, and 1.0 kB are free; make room.",
        ),
        (
            {"move": True, "overlap": True},
            "userns_volumes: is move, and ids before and after overlap; set it to copy, or wider apart ranges.",
        ),
        (
            {"move": True, "elsewhere": list("abcdef")},
            "userns_volumes: is move, and a, b, c, d, e lie on another file system than /g/1.1; set it to copy.",
        ),
        (
            {"mounted": {"data": ["/g/volumes/data/_data/x", "/y"], "other": ["/z"]}},
            "volume data: /g/volumes/data/_data/x is mounted in it, which is not carried; unmount it.",
        ),
        (
            {"elsewhere_images": 4999, "sizes": sizes(layers=6000)},
            "images: 6.0 kB are needed for them in containerd's directory, and 5.0 kB are free; make room there.",
        ),
        (
            {"elsewhere_images": 0, "sizes": sizes(layers=1)},
            "images: 1 bytes are needed for them in containerd's directory, and 0 bytes are free; make room there.",
        ),
        (
            {"lost_images": True},
            "features.containerd-snapshotter: is on, and a remapped engine before 26.0 does not find what another one "
            "put into containerd; switch it off, or update the engine.",
        ),
        (
            {"linked": ["data"]},
            "volume data: its directory is a symbolic link; put the directory itself there.",
        ),
    ],
)
def test_what_stands_in_the_way(changes, told):
    assert plans.refusals(along(volumes=[volume(), volume("second")]), order(**changes)) == [told]


def test_all_that_stands_in_the_way_is_told_at_once():
    everything = order(
        left_in={"containers": ["a"], "volumes": ["v"]},
        need=1001,
        move=True,
        overlap=True,
        elsewhere=["data"],
        mounted={"data": ["/x"], "second": ["/y"]},
        linked=["data", "second"],
        elsewhere_images=0,
        lost_images=True,
        sizes=sizes(layers=1),
    )
    assert len(plans.refusals(along(volumes=[volume(), volume("second")]), everything)) == 11


def test_what_is_told_of_a_host_with_little():
    assert plans.told(along(), facts(images=[]), order()) == [
        "/g: 0 images (0 bytes), 0 containers, 0 volumes (0 bytes, copied), 0 networks come along to /g/1.1; "
        "1.0 kB are needed there and 1.0 kB are free.",
        "0 running containers will be away for about 2 s, and for as long as they take to stop.",
    ]


def test_what_is_told_of_what_comes_along():
    given = along(
        images=[{"size": 1}],
        networks=[{"Name": "n"}],
        volumes=[volume()],
        containers=[container(name, status) for name, status in zip("abcde", [*plans.ON, "exited", "created"])],
    )
    measured = sizes(layers=12345678, volumes={"data": 5000, "elsewhere": 1})
    assert plans.told(given, facts(), order(sizes=measured, need=7000, free=90000)) == [
        "/g: 1 image (12 MB), 5 containers, 1 volume (5.0 kB, copied), 1 network come along to /g/1.1; "
        "7.0 kB are needed there and 90 kB are free.",
        "3 running containers will be away for about 3 s, and for as long as they take to stop.",
    ]
    moved = plans.told(dict(given, containers=[container(status="running")] * 10), facts(), order(move=True))
    assert "1 volume (0 bytes, moved)" in moved[0]
    assert moved[1] == (
        "10 running containers will be away for about 5 s, and for as long as they take to stop and their volumes to "
        "be shifted."
    )


def test_which_containers_are_taken_for_running():
    assert plans.ON == ("running", "paused", "restarting")


def more(found, given=None, **changes):
    return plans.told(found, given or facts(), order(**changes))[2:]


def test_what_stays_is_told_with_its_reason():
    left = [{"kind": "volume", "name": "v", "why": "so"}, {"kind": "container", "name": "c", "why": "no image"}]
    assert more(along(left=left)) == ["volume v: stays in /g: so.", "container c: stays in /g: no image."]


def test_what_containers_lose_is_told():
    given = along(
        containers=[
            container("a", host={"AutoRemove": True}),
            container("b"),
            container("c", host={"AutoRemove": False}),
            container("d"),
        ]
    )
    assert more(given, layers={"a-id": 4, "b-id": 3, "d-id": 0}) == [
        "container a: is made anew, because the engine removes it when it stops (--rm).",
        "container b: 3 paths that it changed outside of its volumes stay in /g; save what is needed with docker cp "
        "or docker commit.",
    ]


def test_volumes_that_lie_elsewhere_are_told():
    assert more(along(volumes=[volume(), volume("nfs", options=NFS)])) == [
        "volume nfs: is made anew with its options; what it mounts is not touched."
    ]


def test_what_of_an_engine_stays_behind_is_told():
    given = facts(
        images=[image(RepoDigests=["a@sha256:1"]), image(RepoDigests=[]), image(RepoDigests=None), image()],
        plugins=[{"Name": "b"}, {"Name": "a"}],
    )
    assert more(along(), given, sizes=sizes(cache=1500)) == [
        "1 image will have no repository digests until they are pulled again: a streamed image has none.",
        "build cache: 1.5 kB stay in /g.",
        "plugins: a, b stay in /g; install them again after the switch.",
    ]


def test_compose_projects_are_handed_back():
    labels = {"com.docker.compose.project": "shop", "com.docker.compose.service": "web"}
    given = along(containers=[container("shop-web-1", labels=labels), container("other")])
    assert more(given) == [
        "compose project shop: shop-web-1 come along; from then on it is Compose's again: "
        "docker compose --project-name shop up -d"
    ]


def test_numbers_of_things():
    assert [plans.some(number, "image") for number in (0, 1, 2)] == ["0 images", "1 image", "2 images"]


@pytest.mark.parametrize(
    "number, words",
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (1000, "1.0 kB"),
        (1449, "1.4 kB"),
        (9949, "9.9 kB"),
        (9950, "10 kB"),
        (10000, "10 kB"),
        (10501, "11 kB"),
        (999499, "999 kB"),
        (999500, "1.0 MB"),
        (1000000, "1.0 MB"),
        (12 * 10**9, "12 GB"),
        (3 * 10**12, "3.0 TB"),
        (5 * 10**15, "5000 TB"),
    ],
)
def test_sizes_for_a_person(number, words):
    assert plans.size(number) == words
