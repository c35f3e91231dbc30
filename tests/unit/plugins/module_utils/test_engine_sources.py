# SPDX-License-Identifier: GPL-3.0-or-later
"""The trees here are made up (a fake /proc among them); the integration tests read those of real hosts."""

import os

import pytest

from ansible_collections.containment.docker.plugins.module_utils import _engine_sources
from ansible_collections.containment.docker.plugins.module_utils._engine_flags import Flag

UNIT = "[Service]\nEnvironmentFile=-/etc/default/docker\nExecStart=/usr/sbin/dockerd -H fd:// $DOCKER_OPTS\n"


@pytest.fixture
def tree(tmp_path):
    class Tree:
        root = str(tmp_path)

        def write(self, path, text):
            target = tmp_path / path.lstrip("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)

        def link(self, path, to):
            target = tmp_path / path.lstrip("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.symlink_to(to)

        def process(
            self, pid, exe, argv, ns=None, cgroup="0::/system.slice/docker.service\n", started=100, uids=(0,) * 4
        ):
            here = f"/proc/{pid}/"
            self.write(here + "cmdline", "".join(word + "\0" for word in argv))
            self.write(here + "stat", f"{pid} (dock) erd) S 1 " + "0 " * 17 + f"{started} 0 0\n")
            self.write(here + "status", "Name:\tx\nUid:\t{}\t{}\t{}\t{}\n".format(*uids))
            self.write(here + "cgroup", cgroup)
            self.link(here + "exe", exe)
            self.link(here + "cwd", "/srv")
            self.link(here + "root", self.root)
            for name in _engine_sources.NAMESPACES:
                self.link(here + "ns/" + name, (ns or {}).get(name, f"{name}:[1]"))

    made = Tree()
    made.write("/proc/stat", "cpu 1\nbtime 1000\n")
    made.link("/proc/self/root", made.root)
    for name in _engine_sources.NAMESPACES:
        made.link("/proc/self/ns/" + name, f"{name}:[1]")
    return made


def keys(tree, name="docker"):
    return [(flag.key, flag.value, flag.origin) for flag in _engine_sources.configured(name, tree.root)]


# --- configured ---


def test_nothing_is_there(tree):
    assert _engine_sources.services(tree.root) == [] and _engine_sources.engines(tree.root) == []


def test_unit_environment_file_and_drop_ins(tree):
    tree.write("/run/systemd/system/.keep", "")
    tree.write("/lib/systemd/system/docker.service", UNIT)
    tree.write("/etc/default/docker", "DOCKER_OPTS=--icc=false\n")
    assert keys(tree) == [
        ("hosts", "fd://", "/lib/systemd/system/docker.service:3"),
        ("icc", "false", "/etc/default/docker:1"),
    ]
    tree.write(
        "/run/systemd/system/docker.service.d/50-x.conf", "[Service]\nExecStart=\nExecStart=/usr/sbin/dockerd --mtu=1\n"
    )
    assert keys(tree) == [("mtu", "1", "/run/systemd/system/docker.service.d/50-x.conf:3")]
    # the same name nearer to the administrator replaces it, and a later name comes later
    tree.write(
        "/etc/systemd/system/docker.service.d/50-x.conf", "[Service]\nExecStart=\nExecStart=/usr/sbin/dockerd --mtu=2\n"
    )
    assert keys(tree) == [("mtu", "2", "/etc/systemd/system/docker.service.d/50-x.conf:3")]
    tree.write(
        "/usr/lib/systemd/system/service.d/90-all.conf", "[Service]\nExecStart=\nExecStart=/usr/sbin/dockerd --mtu=3\n"
    )
    assert keys(tree) == [("mtu", "3", "/usr/lib/systemd/system/service.d/90-all.conf:3")]


def test_etc_replaces_and_masks_a_unit(tree):
    tree.write("/usr/lib/systemd/system/docker.service", UNIT)
    tree.write("/etc/systemd/system/docker.service", "[Service]\nExecStart=/opt/dockerd --debug\n")
    assert keys(tree) == [("debug", "true", "/etc/systemd/system/docker.service:2")]
    os.unlink(tree.root + "/etc/systemd/system/docker.service")
    tree.link("/etc/systemd/system/docker.service", "/dev/null")
    assert keys(tree) == []


def test_tenants_and_dashed_drop_ins(tree):
    tree.write(
        "/etc/systemd/system/docker-a.service", "[Service]\nExecStart=/usr/bin/dockerd --config-file=/etc/a.json\n"
    )
    tree.write("/etc/systemd/system/docker-b.service", "[Service]\nEnvironment=O=x\nExecStart=/usr/bin/dockerd $O\n")
    tree.write("/etc/systemd/system/docker-.service.d/o.conf", "[Service]\nEnvironment=O=--debug\n")
    tree.write("/etc/systemd/system/containerd.service", "[Service]\nExecStart=/usr/bin/containerd\n")
    assert [(one.name, one.config_file) for one in _engine_sources.services(tree.root)] == [
        ("docker-a.service", "/etc/a.json"),
        ("docker-b.service", "/etc/docker/daemon.json"),
    ]
    assert keys(tree, "docker-b") == [("debug", "true", "/etc/systemd/system/docker-.service.d/o.conf:2")]


def test_the_script_counts_where_systemd_does_not_run(tree):
    tree.write("/lib/systemd/system/docker.service", UNIT)
    tree.write("/etc/init.d/docker", "#!/bin/sh\n. /etc/default/docker\n/usr/sbin/dockerd $DOCKER_OPTS $MORE &\n")
    tree.write("/etc/default/docker", "DOCKER_OPTS=--icc=false\n")
    tree.write("/etc/sysconfig/docker-network", "MORE=--mtu=9\n")
    assert keys(tree) == [("icc", "false", "/etc/default/docker:1"), ("mtu", "9", "/etc/sysconfig/docker-network:1")]
    tree.write("/run/systemd/system/.keep", "")
    assert keys(tree)[0] == ("hosts", "fd://", "/lib/systemd/system/docker.service:3")


# --- running ---


def test_engines(tree):
    tree.process(9, "/usr/sbin/dockerd", ["dockerd", "--icc=false", "--config-file", "d.json"], started=500)
    tree.process(5, "/usr/sbin/dockerd (deleted)", ["anything"], started=100)
    tree.process(6, "/usr/bin/python3", ["/usr/sbin/dockerd", "--icc"])
    tree.write("/proc/7/cmdline", "")  # a kernel thread has no exe
    first, second = _engine_sources.engines(tree.root)
    assert (first["pid"], first["exe"], first["flags"], first["config_file_given"]) == (
        5,
        "/usr/sbin/dockerd",
        [],
        False,
    )
    assert (
        first["started"] == 1000 + 100 / os.sysconf("SC_CLK_TCK")
        and first["host"]
        and first["service"] == "docker.service"
    )
    assert second["flags"] == [
        Flag("icc", "false", "running process 9"),
        Flag("config-file", "d.json", "running process 9"),
    ]
    assert second["config_file"] == "/srv/d.json" and second["config_file_given"]


@pytest.mark.parametrize(
    "ns, host",
    [
        ({"pid": "pid:[2]"}, False),
        ({"user": "user:[2]"}, False),
        ({"mnt": "mnt:[2]"}, True),
        ({"net": "net:[2]"}, True),
    ],
)
def test_nested_engines_are_told_by_their_namespaces(tree, ns, host):
    tree.process(9, "/usr/sbin/dockerd", ["dockerd"], ns=ns)
    assert [engine["host"] for engine in _engine_sources.engines(tree.root)] == [host]


@pytest.mark.parametrize(
    "uids, uid", [((0,) * 4, 0), ((1000,) * 4, 1000), ((1000, 0, 0, 0), 1000), ((0, 1000, 0, 1000), 1000)]
)
def test_a_program_called_dockerd_of_another_user_is_no_engine_of_this_host(tree, uids, uid):
    tree.process(9, "/home/mallory/dockerd", ["/home/mallory/dockerd", "--config-file=/home/mallory/c.json"], uids=uids)
    (engine,) = _engine_sources.engines(tree.root)
    assert (engine["host"], engine["uid"]) == (uid == 0, uid)


def test_nested_engines_are_told_by_what_they_see(tree, tmp_path):
    tree.process(9, "/usr/sbin/dockerd", ["dockerd"])
    os.unlink(tree.root + "/proc/9/root")
    tree.link("/proc/9/root", "/")
    assert [engine["host"] for engine in _engine_sources.engines(tree.root)] == [False]


@pytest.mark.parametrize(
    "cgroup, service",
    [
        ("0::/system.slice/docker.service\n", "docker.service"),
        ("12:cpu:/x.service\n1:name=systemd:/system.slice/docker.service\n0::/\n", "docker.service"),
        ("0::/user.slice/session-1.scope\n", None),
        ("", None),
    ],
)
def test_unit_of_a_process(tree, cgroup, service):
    tree.process(9, "/usr/sbin/dockerd", ["dockerd"], cgroup=cgroup)
    assert _engine_sources.engines(tree.root)[0]["service"] == service
