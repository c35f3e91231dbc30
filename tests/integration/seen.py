# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs on a host, for estate.snapshot: asks its engine by the socket, and reads the volumes as their containers do.

Prints one JSON object. Ids are those of containers, where the engine is remapped.
"""

import hashlib
import http.client
import io
import ipaddress
import json
import os
import re
import socket
import stat
import struct
import sys
import tarfile
import time
import urllib.parse


class Engine(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(60)
        self.sock.connect("/run/docker.sock")


link = Engine("engine")


def ask(what, **query):
    link.request("GET", urllib.parse.quote(what) + "?" + urllib.parse.urlencode(query))
    answer = link.getresponse()
    body = answer.read()
    if answer.status != 200:
        raise SystemExit("%s: %s %s" % (what, answer.status, body.decode()))
    return body


def get(what, **query):
    return json.loads(ask(what, **query))


def beside(image, path):
    # What a container of an image would find.
    link.request("POST", "/containers/create", json.dumps({"Image": image}), {"Content-Type": "application/json"})
    made = json.loads(link.getresponse().read())["Id"]
    found = archive(made, path)
    link.request("DELETE", "/containers/" + made)
    link.getresponse().read()
    return found


# What the engine mounts something over: it tells of them as changed when they are older than the container.
MOUNTED = ("/etc", "/etc/hostname", "/etc/hosts", "/etc/resolv.conf")
ID, SHORT = re.compile("[0-9a-f]{64}$"), re.compile("[0-9a-f]{12}$")
where = get("/info")["DockerRootDir"].rpartition("/")[2]
base = [int(number) for number in where.split(".")] if re.match(r"[0-9]+\.[0-9]+$", where) else [0, 0]


def inner(number, kind=0):
    return number - base[kind] if base[kind] and base[kind] <= number < base[kind] + 65536 else number


def capability(value):
    words = list(struct.unpack("<%dI" % (len(value) // 4), value))
    return words[1:5] + [inner(words[5]) if len(words) > 5 else 0]


def attributes(path):
    found = {}
    for name in sorted(os.listxattr(path, follow_symlinks=False)):
        value = os.getxattr(path, name, follow_symlinks=False)
        if name.startswith("system.posix_acl"):
            entries = struct.iter_unpack("<HHI", value[4:])
            value = [(tag, mode, inner(number, tag == 8) if tag in (2, 8) else number) for tag, mode, number in entries]
        elif name == "security.capability":
            value = capability(value)
        else:
            value = value.hex()
        found[name] = value
    return found


def inode(path):
    info = os.lstat(path)
    found = {
        "mode": "%o" % info.st_mode,
        "ids": [inner(info.st_uid), inner(info.st_gid, 1)],
        "links": info.st_nlink,
        "time": info.st_mtime_ns,
        "attributes": attributes(path),
    }
    if stat.S_ISREG(info.st_mode):
        with open(path, "rb") as handle:
            found["content"] = hashlib.sha256(handle.read()).hexdigest()
        found["size"] = info.st_size
        found["sparse"] = info.st_blocks * 512 < info.st_size // 2
    elif stat.S_ISLNK(info.st_mode):
        found["content"] = os.readlink(path)
    return found


def tree(root):
    found = {".": inode(root)}
    for parent, folders, files in os.walk(root):
        for name in folders + files:
            path = os.path.join(parent, name)
            found[os.path.relpath(path, root)] = inode(path)
    return found


def archive(identity, path):
    # The writable layer by way of the engine.
    found = {}
    with tarfile.open(fileobj=io.BytesIO(ask("/containers/%s/archive" % identity, path=path))) as tar:
        for member in tar:
            content = hashlib.sha256(tar.extractfile(member).read()).hexdigest() if member.isreg() else member.linkname
            ids = [inner(member.uid), inner(member.gid, 1)]  # which some engines give as those of the host
            found[member.name] = ["%o" % member.mode, ids, int(member.mtime), content]
            raw = member.pax_headers.get("SCHILY.xattr.security.capability")
            if raw:
                found[member.name].append(capability(raw.encode("utf-8", "surrogateescape")))
    return found


def short(value):
    return "<id>" if isinstance(value, str) and SHORT.match(value) else value


def part(source, keys):
    return {key: source.get(key) for key in keys}


def image(one):
    details = get("/images/%s/json" % one["Id"])
    config = details["Config"] or {}
    keys = [
        "Cmd",
        "Entrypoint",
        "Env",
        "ExposedPorts",
        "Healthcheck",
        "Labels",
        "StopSignal",
        "User",
        "Volumes",
        "WorkingDir",
    ]
    return {
        "id": one["Id"],
        "created": details["Created"],
        "layers": details["RootFS"]["Layers"],
        "platform": [details["Os"], details["Architecture"]],
        "config": {key: config.get(key) or None for key in keys},
    }


def images():
    found = {}
    for one in get("/images/json"):
        tags = [tag for tag in one["RepoTags"] or [] if tag != "<none>:<none>"]
        for name in tags or ["nameless " + json.dumps(one["Labels"], sort_keys=True)]:
            found[name] = image(one)
    for name in found:
        if name.startswith("estate/owners"):
            found[name]["content"] = beside(name, "/srv")
    return found


def network_of(given, running, mac):
    ipam = given["IPAMConfig"] or {}
    found = {
        "fixed": {key: value for key, value in ipam.items() if value},
        "aliases": sorted(one for one in given["Aliases"] or [] if not SHORT.match(one)),
        "links": given["Links"],
        "options": given["DriverOpts"] or None,
    }
    if running and ipam.get("IPv4Address"):
        found["address"] = given["IPAddress"]
        found["mac"] = given["MacAddress"] if mac else None
    return found


def container(identity, names):
    one = get("/containers/%s/json" % identity)
    if one["HostConfig"]["AutoRemove"]:
        return None
    running, host = one["State"]["Running"], one["HostConfig"]
    config = {key: value for key, value in one["Config"].items() if value}
    config["Hostname"] = short(config.get("Hostname"))
    host.pop("ContainerIDFile")
    kind, colon, other = host["NetworkMode"].partition(":")
    host["NetworkMode"] = kind + colon + names.get(other, other)
    # An anonymous volume has a name that the engine gave it: where that is kept, somebody has to say so.
    host["Binds"] = sorted(bind for bind in host["Binds"] or [] if not ID.match(bind.partition(":")[0]))
    host["Mounts"] = [mount for mount in host.get("Mounts") or [] if not ID.match(mount.get("Source", ""))]
    mounts = {}
    for mount in one["Mounts"]:
        name = mount.get("Name", "")
        mounts[mount["Destination"]] = part(mount, ["Type", "Driver", "Mode", "RW", "Propagation"])
        mounts[mount["Destination"]]["Source"] = name or mount["Source"]
        if ID.match(name):
            # Its mode is "z" where a name was given for it.
            mounts[mount["Destination"]].update(Source="<anonymous>", Mode=None, tree=tree(mount["Source"]))
    state = one["State"]["Status"]
    found = {
        "image": one["Image"],
        "path": [one["Path"], *one["Args"]],
        "config": config,
        "host": {key: value for key, value in host.items() if value},
        "mounts": mounts,
        "state": "stopped" if state in ("created", "exited") else state,
        "health": one["State"].get("Health", {}).get("Status") if running else None,
        "networks": {
            name: network_of(given, running, config.get("MacAddress"))
            for name, given in one["NetworkSettings"]["Networks"].items()
        },
        "changed": sorted(
            [change["Path"], change["Kind"]]
            for change in get("/containers/%s/changes" % identity) or []
            if change["Path"] not in MOUNTED
        ),
        "root": archive(identity, "/root"),
        "var": archive(identity, "/var"),
    }
    if host["PortBindings"] and running:
        found["ports"] = one["NetworkSettings"]["Ports"]
    return found


def containers():
    names = {one["Id"]: one["Names"][0][1:] for one in get("/containers/json", all=1)}
    found = {name: container(identity, names) for identity, name in names.items()}
    return {name: one for name, one in found.items() if one is not None}


def networks():
    found = {}
    for one in get("/networks"):
        kept = part(one, ["Driver", "Internal", "Attachable", "EnableIPv6", "Scope", "Labels", "Options"])
        ipam = one["IPAM"]
        config = [dict(pool) for pool in ipam["Config"] or []]
        for pool in config:
            # Of the first address, which it takes where nobody gave one, 20.10 tells from the second start on.
            first = next(ipaddress.ip_network(pool["Subnet"]).hosts())
            if pool.get("Gateway", "").split("/")[0] == str(first):
                del pool["Gateway"]
        device = (one["Options"] or {}).get("com.docker.network.bridge.name", "")
        if re.match("br-[0-9a-f]{12}$", device):  # as it would be called anyway, by its first id
            del kept["Options"]["com.docker.network.bridge.name"]
        kept["Options"] = kept["Options"] or None
        kept["ipam"] = [ipam["Driver"], ipam["Options"] or None, config]
        found[one["Name"]] = kept
    return found


def volumes():
    found = {}
    for one in get("/volumes")["Volumes"] or []:
        if not ID.match(one["Name"]):
            kept = part(one, ["Driver", "Scope"])
            kept.update(Labels=one["Labels"] or None, Options=one["Options"] or None)
            if not one["Options"]:
                kept["tree"] = tree(one["Mountpoint"])
            found[one["Name"]] = kept
    return found


def ghosts():
    # Ids of containers that run and of which the engine knows nothing.
    known, found = {one["Id"] for one in get("/containers/json")}, []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/cmdline" % pid, "rb") as handle:
                words = handle.read().decode().split("\0")
        except OSError:
            continue
        if "shim" in words[0] and "-id" in words and words[words.index("-id") + 1] not in known:
            found.append(words[words.index("-id") + 1])
    return found


end = time.monotonic() + 60
while any("health: starting" in one["Status"] for one in get("/containers/json")) and time.monotonic() < end:
    time.sleep(0.1)
seen = {"images": images(), "containers": containers(), "networks": networks(), "volumes": volumes()}
json.dump(dict(seen, ghosts=ghosts()), sys.stdout)
