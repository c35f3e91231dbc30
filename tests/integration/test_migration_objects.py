# SPDX-License-Identifier: GPL-3.0-or-later
"""What is recorded of containers, networks and volumes of a real engine is enough for it to make the same again."""

import json
import shlex
from pathlib import Path

import pytest

from ansible_collections.containment.docker.plugins.module_utils import _migration_objects as objects
from ansible_collections.containment.docker.plugins.module_utils._engine_api import Engine

IMAGE = ["migration-objects", "sleep", "1000"]
# The image has an entry point, exposes a port and has two volumes, which is what bodies get from an image again.
CHANGES = ('ENTRYPOINT ["/bin/busybox"]', "EXPOSE 80", "VOLUME /vol /vol2", "ENV A=image B=image", "LABEL of=image")
NETWORKS = (
    ["--subnet", "10.77.0.0/24", "--gateway", "10.77.0.9", "--ip-range", "10.77.0.128/25", "--label", "n=1", "mo-fix"],
    ["--internal", "mo-auto"],
    ["--ipv6", "--subnet", "fd00:77::/64", "mo-six"],
)
STARTED = ("mo-db", "mo-fixed", "mo-link", "mo-joins", "mo-six")
CONTAINERS = {
    "mo-db": ["--ipc", "shareable", "-p", "8077:80", "--mac-address", "02:42:ac:11:00:77", *IMAGE],
    "mo-link": ["--link", "mo-db:database", "--entrypoint", "", IMAGE[0], "/bin/sleep", "1000"],
    "mo-fixed": ["--net", "mo-fix", "--ip", "10.77.0.130", "--network-alias", "one", "--hostname", "named", *IMAGE],
    "mo-six": ["--net", "mo-six", "--ip6", "fd00:77::77", "--link", "mo-fixed:f", *IMAGE],
    "mo-none": ["--net", "none", "--uts", "host", *IMAGE],
    "mo-joins": ["--net", "container:mo-fixed", "--pid", "container:mo-db", "--ipc", "container:mo-db", *IMAGE],
    "mo-mounts": [
        *("-v", "mo-data:/data", "-v", "/anonymous", "-v", "/srv:/srv:ro", "--tmpfs", "/vol2:rw,size=64k"),
        *("--mount", "type=volume,target=/a:b", "--mount", "type=bind,source=/srv,target=/s,bind-propagation=rslave"),
        *IMAGE,
    ],
    "mo-from": ["--volumes-from", "mo-mounts:ro", *IMAGE],
    "mo-all": [
        *("--health-cmd", "true", "--health-interval", "5s", "--restart", "on-failure:3", "--init", "--read-only"),
        *("--mount", "type=tmpfs,target=/t,tmpfs-size=65536", "--ulimit", "nofile=100:200", "--stop-timeout", "7"),
        *("--sysctl", "net.ipv4.ip_unprivileged_port_start=5", "--cap-add", "SYS_TIME", "--cap-drop", "MKNOD"),
        *(
            "--security-opt",
            "no-new-privileges",
            "--security-opt",
            "systempaths=unconfined",
            "--log-opt",
            "max-size=1m",
        ),
        *(
            "--label",
            "a.b=c",
            "--env",
            "A=mine",
            "--stop-signal",
            "SIGUSR1",
            "--user",
            "1000:1000",
            "--workdir",
            "/tmp",
        ),
        *("--memory", "64m", "--pids-limit", "50", "--device", "/dev/null:/dev/xnull:r", "--domainname", "example.org"),
        *("--add-host", "h:1.2.3.4", "--dns", "9.9.9.9", "--dns-search", "ex.org", "--group-add", "5", "-it", *IMAGE),
    ],
    "mo-rm": ["--rm", "--no-healthcheck", *IMAGE],
}


def everything(engine):
    """Return the answers for the containers, the networks to recreate and the volumes of this test."""
    containers = [engine.get("/containers/%s/json" % name) for name in CONTAINERS]
    networks = [engine.get("/networks/" + words[-1]) for words in NETWORKS]
    names = {mount["Name"] for one in containers for mount in one["Mounts"] if mount["Type"] == "volume"}
    return containers, networks, [engine.get("/volumes/" + name) for name in sorted(names)]


def delete(engine, volumes):
    for one in engine.get("/containers/json", {"all": True}):
        if one["Names"][0].startswith("/mo-"):
            engine.delete("/containers/" + one["Id"], {"force": True})
    for one in engine.get("/networks"):
        if one["Name"].startswith("mo-"):
            engine.delete("/networks/" + one["Id"])
    for one in volumes:
        engine.delete("/volumes/" + one["Name"])


def alike(inspect, names):
    """Return what has to be the same of a container and that which stands for it, without the ids of either."""
    config, host, mounts = inspect["Config"], inspect["HostConfig"], inspect["Mounts"]
    if host["UTSMode"] == "host":
        del config["Hostname"]
    # Volumes that a user gave no name are in the Mounts of the second one, and have the mode of those with one.
    volumes = [one.pop("Source", "") for one in host.get("Mounts") or [] if one["Type"] == "volume"]
    assert all(volumes) or not any(volumes)
    host["Mounts"] = [one for one in host.get("Mounts") or [] if one.get("VolumeOptions") != {"NoCopy": True}]
    for mount in mounts:
        mount["Mode"] = mount["Mode"] or "z"
    endpoints = {}
    for network, one in inspect["NetworkSettings"]["Networks"].items():
        endpoints[network] = {key: one[key] or None for key in ("IPAMConfig", "Links", "DriverOpts")}
        endpoints[network]["Aliases"] = set(one["Aliases"] or []) - {inspect["Id"][:12], config.get("Hostname")}
    told = {"config": config, "host": host, "mounts": sorted(mounts, key=lambda one: one["Destination"])}
    text = json.dumps(told)
    for key, name in names.items():
        text = text.replace(key, name)
    return dict(json.loads(text), endpoints=endpoints, runs=inspect["State"]["Running"])


@pytest.mark.parametrize("suite", ["bookworm", "trixie", "forky"])
def test_an_engine_makes_the_same_again(request, suite):
    host = request.getfixturevalue(suite)
    changes = [word for change in CHANGES for word in ("-c", change)]
    host.run(["docker", "import", *changes, "/opt/image.tar", IMAGE[0]])
    with Engine(host.root + "/run/docker.sock", timeout=60) as engine:
        volumes = []
        try:
            lines = [["docker", "network", "create", *words] for words in NETWORKS]
            lines += [["docker", "create", "--name", name, *words] for name, words in CONTAINERS.items()]
            lines.append(["docker", "network", "connect", "--alias", "two", "mo-auto", "mo-fixed"])
            lines.append(["docker", "network", "connect", "bridge", "mo-fixed"])
            lines.append(["docker", "start", *STARTED])
            host.run(["sh", "-e"], input="\n".join(map(shlex.join, lines)))
            containers, networks, volumes = everything(engine)
            names = {one["Id"]: one["Name"][1:] for one in containers}
            place = Path(host.root, "var/lib/docker/containers")
            macs = {key: objects.fixed_macs(json.loads((place / key / "config.v2.json").read_text())) for key in names}
            delete(engine, volumes)

            for one in volumes:
                engine.post("/volumes/create", objects.volume_body(one))
            for one in networks:
                engine.post("/networks/create", objects.network_body(one))
            for one in objects.order(containers):
                known = {net["Id"]: net["Name"] for net in networks}
                body, later = objects.container_body(one, IMAGE[0], names, macs[one["Id"]], known)
                made = engine.post("/containers/create", body, {"name": names[one["Id"]]})
                for network, settings in later:
                    join = {"Container": made["Id"], "EndpointConfig": settings}
                    engine.post("/networks/%s/connect" % network, join)
                if one["State"]["Running"]:
                    engine.post("/containers/%s/start" % made["Id"])

            again, networks_again, volumes_again = everything(engine)
            again_names = {one["Id"]: one["Name"][1:] for one in again}
            for before, after in zip(containers, again, strict=True):
                assert alike(after, again_names) == alike(before, names)
            for before, after in zip(networks, networks_again, strict=True):
                before["Options"]["com.docker.network.bridge.name"] = "br-" + before["Id"][:12]
                before["IPAM"]["Config"].sort(key=str)
                after["IPAM"]["Config"].sort(key=str)
                ignored = dict.fromkeys(("Id", "Created", "Containers", "Status"))
                assert dict(after, **ignored) == dict(before, **ignored)
            assert list(map(objects.volume_body, volumes_again)) == list(map(objects.volume_body, volumes))
        finally:
            delete(engine, volumes)
            host.run(["docker", "rmi", IMAGE[0]])
