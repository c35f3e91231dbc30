# SPDX-License-Identifier: GPL-3.0-or-later
"""volume_idmap on real engines and kernels: containers that were refused, boots, and what is refused."""

import json

import pytest

from tests.hosts import module, play

NAME = "containment.docker.volume_idmap"
BASE = 2000224256
IN_CONTAINER = ["docker", "run", "--rm", "-v", "/srv/data:/data", "busybox", "sh", "-c"]
MAPPING = {kind: [{"container_start": 0, "host_start": BASE, "count": 65536}] for kind in ("uid", "gid")}
UNIT = "/etc/systemd/system/containment-idmap-srv-data.service"
DESCRIPTION = "/etc/containment/idmap/srv-data.json"
PROGRAM = "/usr/local/lib/containment/idmap.py"
SCRIPT = "/etc/init.d/containment-idmap"


def prepared(host):
    """A directory of root's with a file, on a file system that can be mapped: the host's own root is an overlay."""
    script = "mount -t tmpfs -o mode=755,nosuid srv /srv && mkdir -m 755 /srv/data && echo old >/srv/data/file"
    host.run(["sh", "-c", script + " && chmod 600 /srv/data/file"])


def owner(host, path):
    return host.run(["stat", "-c", "%u:%g", path]).stdout.strip()


def exists(host, *paths):
    return [path for path in paths if host.run(["test", "-e", path], check=False).returncode == 0]


@pytest.mark.parametrize("suite, init", [("trixie", "systemd"), ("bookworm", "script")])
def test_containers_of_a_remapped_engine_get_a_directory_and_lose_it_again(docker_host, suite, init):
    host = docker_host(suite, init=init)
    prepared(host)
    assert play("containment.docker.harden", [host], groups={"docker_hosts": [host.name]}).rc == 0
    host.import_image()
    assert host.run([*IN_CONTAINER, "cat /data/file"], check=False).returncode
    made = (DESCRIPTION, PROGRAM, UNIT if init == "systemd" else SCRIPT)

    params = {"source": "/srv/data", "user": "dockremap"}
    checked = module(host, NAME, params, check=True, diff=True)
    assert exists(host, *made) == [] and owner(host, "/srv/data/file") == "0:0"
    ran = module(host, NAME, params, diff=True)
    checked_again, again = module(host, NAME, params, check=True), module(host, NAME, params)
    keys = ("changed", "path", "mounted", "files", "restart_required", "diff")
    assert [checked[key] for key in keys] == [ran[key] for key in keys], (checked, ran)
    assert (ran["changed"], ran["mounted"]) == (True, {"before": False, "after": True})
    assert ran["files"] == sorted(made) == sorted(exists(host, *made))
    for second in (checked_again, again):
        assert (second["changed"], second["files"], second["diff"]) == (False, [], [])

    assert owner(host, "/srv/data/file") == f"{BASE}:{BASE}"
    done = host.run([*IN_CONTAINER, "cat /data/file && echo new >/data/new && stat -c %u /data/new && id -u"])
    assert done.stdout == "old\n0\n0\n"
    if init == "systemd":
        # As at a boot: the engine's start brings the mount.
        host.run(["systemctl", "stop", "docker.service", "docker.socket", UNIT.rpartition("/")[2]])
        assert owner(host, "/srv/data/new") == "0:0"
        host.run(["systemctl", "start", "docker.service"])
    else:
        host.run([SCRIPT, "stop"])
        assert owner(host, "/srv/data/new") == "0:0"
        host.run([SCRIPT, "start"])
        assert host.run(["ls", "/etc/rc2.d"]).stdout.count("containment-idmap") == 1
    assert owner(host, "/srv/data/file") == f"{BASE}:{BASE}"
    assert host.run([*IN_CONTAINER, "cat /data/new"]).stdout == "new\n"

    gone = {"source": "/srv/data", "state": "absent"}
    checked, ran = module(host, NAME, gone, check=True, diff=True), module(host, NAME, gone, diff=True)
    assert [checked[key] for key in keys] == [ran[key] for key in keys]
    assert exists(host, *made) == [] and module(host, NAME, gone)["changed"] is False
    assert owner(host, "/srv/data/file") == owner(host, "/srv/data/new") == "0:0"
    assert host.run([*IN_CONTAINER, "cat /data/file"], check=False).returncode
    if init == "systemd":
        wants = host.run(["ls", "/etc/systemd/system/docker.service.wants"], check=False).stdout
        assert "idmap" not in wants


def test_another_mapping_is_another_mount(docker_host):
    host = docker_host("trixie")
    prepared(host)
    assert module(host, NAME, {"source": "/srv/data", "mapping": MAPPING})["changed"]
    other = json.loads(json.dumps(MAPPING).replace(str(BASE), "2100000000"))
    params = {"source": "/srv/data", "mapping": other}
    checked, ran = module(host, NAME, params, check=True), module(host, NAME, params)
    assert checked["files"] == ran["files"] == [DESCRIPTION]
    assert ran["restart_required"] and owner(host, "/srv/data/file") == "2100000000:2100000000"
    # One that went away in between is made again, and one that is not made at boot any more.
    host.run(["umount", "/srv/data"])
    assert module(host, NAME, params)["changed"] and owner(host, "/srv/data/file") == "2100000000:2100000000"
    # Not even then is anything else unmounted.
    host.run(["umount", "/srv/data"])
    host.run(["mount", "-t", "tmpfs", "x", "/srv/data"])
    host.run(["systemctl", "stop", UNIT.rpartition("/")[2]], check=False)
    assert host.run(["findmnt", "-no", "FSTYPE", "/srv/data"]).stdout.split() == ["tmpfs"]
    host.run(["umount", "/srv/data"])
    assert module(host, NAME, params)["changed"] and owner(host, "/srv/data/file") == "2100000000:2100000000"
    host.run(["systemctl", "disable", UNIT.rpartition("/")[2]])
    again = module(host, NAME, params)
    assert again["changed"] and not again["restart_required"]
    assert module(host, NAME, params)["changed"] is False


def test_a_directory_that_others_can_reach_is_mapped_elsewhere_only_behind_a_closed_one(docker_host):
    host = docker_host("trixie")
    prepared(host)
    host.run(["mount", "-o", "remount,suid", "/srv"])
    params = {"source": "/srv/data", "path": "/srv/mapped", "mapping": MAPPING}
    # Over itself, too: the mount may be gone one day.
    for check, path in ((True, "/srv/mapped"), (False, "/srv/mapped"), (False, None)):
        refused = module(host, NAME, {key: one for key, one in dict(params, path=path).items() if one}, check=check)
        assert refused["failed"] and refused["unmappable"], refused
        assert "/srv/data: can be reached by everybody on the host" in refused["msg"], refused
    assert exists(host, PROGRAM, "/srv/mapped") == []
    host.run(["sh", "-c", "mkdir -m 700 /srv/closed && mv /srv/data /srv/closed/"])
    params["source"] = "/srv/closed/data"
    ran = module(host, NAME, params)
    assert ran["changed"] and owner(host, "/srv/mapped/file") == f"{BASE}:{BASE}"
    assert owner(host, "/srv/closed/data/file") == "0:0"
    # Seen through another mount it is open again.
    host.run(["sh", "-c", "mkdir /srv/window && mount --bind /srv/closed/data /srv/window"])
    refused = module(host, NAME, params)
    assert refused["failed"] and "/srv/window: can be reached" in refused["msg"]
    host.run(["mount", "-o", "remount,bind,nosuid", "/srv/window"])
    assert module(host, NAME, params)["changed"] is False
    gone = module(host, NAME, dict(params, state="absent", mapping=None))
    assert gone["changed"] and exists(host, "/srv/mapped", PROGRAM) == []


@pytest.mark.parametrize(
    "params, words",
    [
        ({"source": "/opt/data"}, "/opt/data: lies on a file system that Linux"),
        (
            {"source": "/srv/closed"},
            "/srv/closed: has /srv/closed/disk mounted in it, which would not be seen any more",
        ),
        ({"source": "/srv/data/file"}, "source: /srv/data/file is no directory"),
        ({"source": "/etc"}, "/etc: belongs to the system"),
        ({"source": "/srv/none"}, "No such file"),
        ({"source": "/srv/closed/data", "path": "/srv/full"}, "/srv/full has content that the mount would hide"),
        ({"source": "/srv/closed/data", "path": "/srv/closed/data/x"}, "lie in one another"),
        ({"source": "/srv/closed/data", "path": "/srv/tmpfs"}, "something else is mounted at /srv/tmpfs"),
        ({"source": "/srv/closed/data", "path": "/srv/data/file"}, "/srv/data/file is no directory"),
        ({"source": "/srv/data", "mapping": None}, "user, mapping: are not given"),
        ({"source": "/srv/data\n"}, "has characters that no unit can name"),
        ({"source": "/srv/data", "mapping": None, "user": "nobody"}, "'nobody' has no range"),
    ],
)
def test_refusals_in_words(trixie, params, words):
    script = (
        "mount -t tmpfs -o mode=755 srv /srv && mkdir -p /opt/data /srv/data /srv/closed/data /srv/full/x /srv/tmpfs"
        " /srv/closed/disk && mount -t tmpfs disk /srv/closed/disk"
    )
    trixie.run(
        ["sh", "-c", script + " && chmod 700 /srv/closed && touch /srv/data/file && mount -t tmpfs x /srv/tmpfs"]
    )
    try:
        for check in (True, False):
            given = {key: value for key, value in {"mapping": MAPPING, **params}.items() if value is not None}
            refused = module(trixie, NAME, given, check=check)
            assert refused.get("failed") and words in refused["msg"], refused
        assert exists(trixie, PROGRAM, "/etc/containment/idmap", UNIT) == []
    finally:
        trixie.run(["umount", "--recursive", "/srv"])
        trixie.run(["rm", "-rf", "/opt/data"])
