# SPDX-License-Identifier: GPL-3.0-or-later
"""engine_info against real engines on throwaway hosts: what it says before a switch is what the engine then does."""

import json
import time

import pytest

from tests.hosts import module

RANGES = "useradd -r dockremap; echo dockremap:{0}:65536 | tee /etc/subuid >/etc/subgid"

# name: (options of docker create, conflict, severity, whether a remapped engine then refuses to run it)
CONFLICTS = {
    "privileged": (["--privileged"], "privileged", "refused", True),
    "pid-host": (["--pid=host"], "pid_host", "refused", True),
    "net-host": (["--network=host"], "network_host", "refused", True),
    "ipc-host": (["--ipc=host"], "ipc_host", "breaks", True),
    "uts-host": (["--uts=host"], "uts_host", "degraded", False),
    "opted-out": (["--userns=host"], "userns_host", "degraded", False),
    "net-of": (["--network=container:base"], "network_container", "degraded", False),
    "net-of-out": (["--network=container:out"], "network_container", "refused", True),
    "pid-of-out": (["--pid=container:out"], "pid_container", "refused", True),
    "socket": (["-v", "/run/docker.sock:/run/docker.sock"], "docker_socket", "breaks", False),
    "all": (["-v", "/:/h:ro"], "docker_socket", "degraded", False),
    "closed": (["-v", "/srv/closed:/x"], "bind_mount", "breaks", False),
    "readable": (["-v", "/srv/open:/x"], "bind_mount", "breaks", False),
    "file": (["-v", "/srv/file:/x"], "bind_mount", "degraded", False),
    "renamed": (["--device", "/dev/null:/dev/other"], "device", "breaks", True),
    "nodes": (["--cap-add=MKNOD"], "capabilities", "degraded", False),
    "high-uid": (["--user", "70000"], "unmapped_uid", "refused", True),
    "high-gid": (["--group-add", "70000"], "unmapped_gid", "refused", True),
}
# What the bind mounts cannot do any more, as the engine shows it.
DENIED = {
    "closed": "ls /x",
    "readable": "touch /x/new",
    "file": "echo >>/x",
    "uts-host": "hostname other",
    "nodes": "mknod /node c 1 3",
    "all": "cat /h/etc/shadow",
}
HARMLESS = {
    "plain": [],
    "own": ["-v", "/srv/own:/x"],
    "read-only": ["-v", "/srv/open:/x:ro"],
    "data": ["-v", "data:/x"],
}


def info(host, check=False, **options):
    result = module(host, "containment.docker.engine_info", options, check=check)
    assert not result.get("failed"), result
    assert result["changed"] is False
    return result


def primary(result):
    (one,) = [engine for engine in result["engines"] if engine["primary"]]
    assert one is result["engines"][0]
    return one


def shell(host, text, **more):
    return host.run(["sh", "-c", text], **more)


def configure(host, **keys):
    shell(host, "mkdir -p /etc/docker; cat >/etc/docker/daemon.json", input=json.dumps(keys))


def restart(host):
    host.run(["systemctl", "restart", "docker"])


def severities(container):
    return {conflict["conflict"]: conflict["severity"] for conflict in container["conflicts"]}


def subjects(result, severity):
    return [finding["subject"] for finding in result["findings"] if finding["severity"] == severity]


@pytest.mark.parametrize("suite", ["bookworm", "forky"])
def test_conflicts_are_what_the_remapped_engine_then_refuses(docker_host, suite):
    host = docker_host(suite)
    shell(host, RANGES.format(200000))
    shell(
        host,
        "mkdir -p /srv/closed /srv/open /srv/own; chmod 700 /srv/closed; chown 200000:200000 /srv/own; echo >/srv/file",
    )
    host.import_image("busybox")
    for name, options in {"base": [], "out": ["--userns=host"]}.items():
        host.run(["docker", "run", "-d", "--name", name, *options, "busybox", "sleep", "1000"])
    options = {name: case[0] for name, case in CONFLICTS.items()}
    options.update(HARMLESS)
    for name, words in options.items():
        host.run(["docker", "create", "--name", name, "-e", "PASSWORD=hidden-word", *words, "busybox", "true"])

    result = info(host, user="dockremap")
    engine = primary(result)
    containers = {one["name"]: one for one in engine["containers"]}
    assert engine["calls"] == 5 + len(containers)
    assert "hidden-word" not in json.dumps(result)
    for name, (_words, conflict, severity, _refused) in CONFLICTS.items():
        assert severities(containers[name]).get(conflict) == severity, (name, containers[name]["conflicts"])
    for name in HARMLESS:
        assert containers[name]["conflicts"] == [], name
    own = containers["own"]["mounts"][0]
    assert (own["uid"], own["gid"], own["mode"], own["rw"]) == (200000, 200000, "0755", True)

    configure(host, **{"userns-remap": "dockremap"})
    restart(host)
    host.import_image("busybox")
    for name, words in {"base": ["--ipc=shareable"], "out": ["--userns=host"]}.items():
        host.run(["docker", "run", "-d", "--name", name, *words, "busybox", "sleep", "1000"])

    def run(name, words, command):
        return host.run(["docker", "run", "--rm", *words, "busybox", "sh", "-c", command], check=False)

    for name, (words, _conflict, _severity, refused) in CONFLICTS.items():
        done = run(name, words, "true")
        assert (done.returncode >= 125) == refused, (name, done)
        if name in DENIED:
            denied = run(name, words, DENIED[name])
            assert denied.returncode != 0, (name, denied)
    for name, words in HARMLESS.items():
        command = "touch /x/new" if name in ("own", "data") else "true"
        done = run(name, words, command)
        assert done.returncode == 0, (name, done)


def test_a_remapped_engine(docker_host):
    host = docker_host("bookworm")
    shell(host, RANGES.format(300000))
    configure(host, **{"userns-remap": "dockremap"})
    restart(host)
    host.import_image("busybox")
    host.run(
        [
            "docker",
            "run",
            "-d",
            "--name",
            "one",
            "-v",
            "data:/x",
            "busybox",
            "sh",
            "-c",
            "head -c 5000 /dev/zero >/x/a; ln /x/a /x/b; sleep 1000",
        ]
    )
    result = info(host, volume_sizes=True)
    engine = primary(result)
    assert result["findings"] == [] and engine["differences"] == []
    root = {"path": "/var/lib/docker/300000.300000", "uid": 0, "gid": 300000, "mode": "0710"}
    assert engine["graph_root"] == root and engine["numbered_roots"] == [root]
    assert engine["data_root"] == "/var/lib/docker" and engine["graph_root_faults"] == []
    extents = [[0, 300000, 65536]]
    assert engine["userns"] == {
        "configured": "dockremap",
        "expected": "300000.300000",
        "expected_mapping": {"uid": extents, "gid": extents},
        "effective": True,
        "uid": 300000,
        "gid": 300000,
        "mapping": {"uid": extents, "gid": extents},
    }
    assert engine["containers"][0]["uid_map"] == extents
    assert result["ids"]["subuid"] == {
        "lines": ["dockremap:300000:65536"],
        "ranges": [{"start": 300000, "count": 65536}],
    }
    (volume,) = engine["volumes"]
    assert (volume["name"], volume["uid"], volume["size"]) == ("data", 300000, 5000)

    # Nothing was changed, and check mode says the same.
    assert info(host, check=True, volume_sizes=True)["engines"] == result["engines"]

    shell(host, "chmod 711 /var/lib/docker/300000.300000; sed -i s/300000/400000/ /etc/subuid")
    result = info(host)
    engine = primary(result)
    assert engine["graph_root_faults"] == ["has mode 0711, not 0710"]
    assert [one["key"] for one in engine["differences"]] == ["userns-remap"]
    causes = " ".join(finding["cause"] for finding in result["findings"] if finding["severity"] == "error")
    assert "400000.300000" in causes and "0711" in causes


def test_flags_files_and_the_restart_that_is_due(docker_host):
    host = docker_host("bookworm")
    before = primary(info(host))
    shell(host, "mkdir -p /etc/systemd/system/docker.service.d")
    unit = "/etc/systemd/system/docker.service.d/flags.conf"
    text = "[Service]\nExecStart=\nExecStart=/usr/sbin/dockerd -H fd:// --label token=hidden-word --icc=false\n"
    shell(host, f"cat >{unit}", input=text)
    configure(host, **{"live-restore": True, "registry-mirrors": ["https://me:hidden-word@mirror.example"]})
    waiting = info(host)
    engine = primary(waiting)
    assert engine["incarnation"] == before["incarnation"] and engine["started"] == before["started"]
    assert {one["key"]: one["effective"] for one in engine["differences"]} == {
        "icc": True,
        "labels": [],
        "live-restore": False,
        "registry-mirrors": [],
    }
    assert [one["origin"] for one in engine["differences"] if one["key"] == "icc"] == [f"{unit}:3"]
    configure(host, **{"live-restore": True})
    shell(host, "systemctl daemon-reload && systemctl restart docker")
    result = info(host)
    engine = primary(result)
    assert engine["incarnation"] != before["incarnation"]
    assert engine["differences"] == []
    assert {"key": "icc", "value": "false", "origin": f"{unit}:3"} in engine["flags"]
    assert {"key": "labels", "value": "token=***", "origin": f"{unit}:3"} in engine["flags"]
    assert "hidden-word" not in json.dumps([waiting, result])
    assert result["service"]["main_pid"] == engine["pid"] and result["service"]["manager"] == "systemd"

    shell(host, "cat >/etc/docker/daemon.json", input='{"a": 1,\n  "a": 2}')
    result = info(host)
    engine = primary(result)
    assert engine["configured"] is None and "line 2, column 3" in engine["config_error"]
    assert subjects(result, "error") == ["/etc/docker/daemon.json"]


def test_a_dead_engine_is_told_and_not_started(docker_host):
    host = docker_host("bookworm")
    host.run(["systemctl", "stop", "docker.service"], check=False)
    assert host.run(["systemctl", "is-active", "docker.socket"]).stdout.strip() == "active"
    result = info(host, user="dockremap")
    engine = primary(result)
    assert engine["pid"] is None and "does not run" in engine["error"] and engine["version"] is None
    assert engine["userns"]["effective"] is None and engine["data_root"] == "/var/lib/docker"
    assert subjects(result, "error") == ["engine at /run/docker.sock"]
    assert result["installed"]["version"].startswith("20.10")
    assert host.run(["systemctl", "is-active", "docker.service"], check=False).stdout.strip() == "inactive"
    host.run(["systemctl", "stop", "docker.socket"])
    for leave in (
        "rm -f /run/docker.sock",
        "python3 -c \"import socket; socket.socket(socket.AF_UNIX).bind('/run/docker.sock')\"",
    ):
        shell(host, leave)
        engine = primary(info(host))
        assert engine["pid"] is None and engine["error"]
    assert "nobody listens" in engine["error"]


def test_a_hanging_engine_costs_its_time_once(docker_host):
    host = docker_host("bookworm")
    host.import_image("busybox")
    host.run(["docker", "create", "--name", "one", "busybox", "true"])
    pid = primary(info(host))["pid"]
    # A double for an engine that accepts and does not answer: a process that listens and does nothing else.
    listen = (
        "import socket, time; s = socket.socket(socket.AF_UNIX); s.bind('/run/hang.sock'); s.listen(9); time.sleep(99)"
    )
    shell(host, f'python3 -c "{listen}" >/dev/null 2>&1 & while ! test -S /run/hang.sock; do sleep 0.1; done')
    started = time.monotonic()
    result = info(host, sockets=["/run/docker.sock", "/run/hang.sock"], timeout=2)
    assert 2 <= time.monotonic() - started < 6
    assert primary(result)["error"] is None
    assert "hangs" in result["engines"][1]["error"]
    # The engine itself, stopped.
    shell(host, f"kill -STOP {pid}")
    try:
        result = info(host, timeout=2)
    finally:
        shell(host, f"kill -CONT {pid}")
    engine = primary(result)
    assert engine["pid"] == pid and "is stopped" in engine["error"]
    assert primary(info(host))["error"] is None


def test_several_engines(docker_host):
    host = docker_host("bookworm")
    host.import_image("busybox")
    shell(
        host,
        "mkdir -p /etc/tenant; cat >/etc/tenant/daemon.json",
        input=json.dumps({"data-root": "/var/lib/tenant", "live-restore": True}),
    )
    words = "--config-file /etc/tenant/daemon.json -H unix:///run/tenant.sock"
    words += " --exec-root /run/tenant --pidfile /run/tenant.pid"
    host.run(["systemd-run", "--unit=tenant", "-p", "PrivateNetwork=yes", "sh", "-c", f"exec dockerd {words}"])
    shell(
        host,
        "for i in $(seq 99); do docker -H unix:///run/tenant.sock ps >/dev/null 2>&1 && exit; sleep 0.1; done; false",
    )
    result = info(host)
    one, two = result["engines"]
    assert one["primary"] and one["socket"] == "/run/docker.sock" and one["service"] == "docker.service"
    assert not two["primary"] and two["socket"] == "/run/tenant.sock" and two["service"] == "tenant.service"
    assert two["data_root"] == "/var/lib/tenant" and two["live_restore"] and two["differences"] == []
    assert (one["images"], two["images"]) == (1, 0)
    assert subjects(result, "note") == ["engines"]
    # The dead one stays the primary: another engine never takes its place.
    host.run(["systemctl", "stop", "docker.socket", "docker.service"])
    one, two = info(host)["engines"]
    assert one["primary"] and one["pid"] is None and two["socket"] == "/run/tenant.sock"


def test_what_another_user_calls_dockerd_or_a_shim_is_none(docker_host):
    host = docker_host("bookworm")
    host.run(["systemctl", "stop", "docker.socket", "docker.service"])
    shell(host, "useradd -m mallory; cp /usr/bin/python3 /home/mallory/dockerd; echo '{}' >/home/mallory/c.json")
    script = "import time; time.sleep(600)"
    words = "-namespace moby -id deadbeef -address /run/containerd/containerd.sock"
    shell(host, "cat >/home/mallory/s.py", input=script)
    shell(
        host,
        "su mallory -c 'cd; exec ./dockerd s.py --config-file=/home/mallory/c.json' >/dev/null 2>&1 &"
        f" su mallory -s /bin/bash -c 'cd; exec -a containerd-shim-runc-v2 python3 s.py {words}' >/dev/null 2>&1 &"
        " for i in $(seq 99); do test $(pgrep -cu mallory) -ge 2 && exit; sleep 0.1; done; false",
    )
    # The engine is dead: nobody takes its place.
    result = info(host)
    assert primary(result)["pid"] is None and primary(result)["config_file"] == "/etc/docker/daemon.json"
    assert [one["code"] for one in result["findings"] if one["severity"] == "error"] == ["engine_dead"]
    # It runs, and is younger.
    host.run(["systemctl", "start", "docker"])
    host.wait_for_engine()
    result = info(host)
    engine = primary(result)
    assert len(result["engines"]) == 1 and engine["error"] is None and engine["service"] == "docker.service"
    (nested,) = result["nested_engines"]
    assert nested["uid"] != 0 and nested["config_file"] == "/home/mallory/c.json"
    assert result["orphan_shims"] == [] and subjects(result, "error") == []


def test_a_user_that_is_no_number_and_ranges_that_are_gone(docker_host):
    host = docker_host("bookworm")
    shell(host, RANGES.format(300000))
    host.import_image("busybox")
    host.run(["docker", "create", "--name", "odd", "--user", "²", "busybox", "true"])
    (container,) = primary(info(host, user="dockremap"))["containers"]
    assert container["user"] == "²" and container["conflicts"] == []
    configure(host, **{"userns-remap": "dockremap"})
    restart(host)
    shell(host, ": >/etc/subuid; : >/etc/subgid")
    result = info(host)
    userns = primary(result)["userns"]
    assert userns["effective"] and userns["mapping"] is None and userns["expected_mapping"] is None
    (mend,) = [one["mend"] for one in result["findings"] if one["code"] == "ranges_missing"]
    assert "300000" in mend
    assert host.run(["systemctl", "restart", "docker"], check=False).returncode != 0


def test_a_ghost_of_live_restore(docker_host):
    host = docker_host("bookworm")
    shell(host, RANGES.format(300000))
    configure(host, **{"live-restore": True})
    restart(host)
    host.import_image("busybox")
    ghost = host.run(["docker", "run", "-d", "--name", "ghost", "busybox", "sleep", "1000"]).stdout.strip()
    result = info(host)
    assert result["orphan_shims"] == []
    assert any("live-restore is on" in finding["cause"] for finding in result["findings"])
    configure(host, **{"live-restore": True, "userns-remap": "dockremap"})
    restart(host)
    result = info(host)
    assert [shim["id"] for shim in result["orphan_shims"]] == [ghost]
    assert primary(result)["orphan_shims"] == result["orphan_shims"] and primary(result)["containers"] == []
    assert subjects(result, "error") == ["process {}".format(result["orphan_shims"][0]["pid"])]


def test_a_host_without_an_engine(docker_host):
    host = docker_host("bookworm", engine=False)
    result = info(host, user="dockremap:docker")
    assert result["engines"] == [] and result["installed"]["path"] is None
    assert subjects(result, "note") == ["engine"] and subjects(result, "error") == []
    assert result["kernel"]["user_namespaces"] is True
    assert result["ids"]["uid"] is None and result["ids"]["mapping"] is None


def test_a_host_with_an_init_script(docker_host):
    host = docker_host("bookworm", init="script")
    host.run(["/etc/init.d/docker", "start"], check=False)
    host.wait_for_engine()
    result = info(host)
    engine = primary(result)
    assert engine["error"] is None and engine["pid"]
    assert result["service"]["manager"] == "sysv" and result["service"]["main_pid"] == engine["pid"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"user": "root"}, "remapping off"),
        ({"user": "a:b:c"}, "user:group"),
        ({"user": ""}, "user:group"),
        ({"user": "²"}, "user:group"),
        ({"sockets": ["tcp://1.2.3.4:2375"]}, "unix socket"),
        ({"sockets": []}, "sockets"),
        ({"timeout": 0}, "timeout"),
    ],
)
def test_bad_options_get_one_sentence(docker_host, options, words):
    host = docker_host("bookworm", engine=False)
    for check in (False, True):
        result = module(host, "containment.docker.engine_info", options, check=check)
        assert result["failed"] and words in result["msg"] and "\n" not in result["msg"]


def test_the_result_is_what_is_documented(docker_host):
    import yaml

    from ansible_collections.containment.docker.plugins.modules import engine_info

    host = docker_host("bookworm")
    host.import_image("busybox")
    host.run(["docker", "create", "--name", "one", "busybox", "true"])
    engine = primary(info(host))
    documented = yaml.safe_load(engine_info.RETURN)["engines"]["contains"]
    assert set(engine) == set(documented)
    assert set(engine["containers"][0]) == set(documented["containers"]["contains"])
