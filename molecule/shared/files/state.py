# SPDX-License-Identifier: GPL-3.0-or-later
"""Prints, as JSON, what a run may change on this host: files, the engine that answers, the boot. Changes nothing."""

import http.client
import json
import os
import socket


class Engine(http.client.HTTPConnection):
    """The engine's HTTP interface on its socket."""

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(60)
        self.sock.connect("/run/docker.sock")


def read(path):
    with open(path) as text:
        return text.read()


def engine():
    """Version, process and its start time in clock ticks after boot; None when nobody listens."""
    link = Engine("localhost")
    try:
        link.request("GET", "/version")
    except (FileNotFoundError, ConnectionRefusedError):
        return None
    version = json.loads(link.getresponse().read().decode())["Version"]
    pid = int(read("/run/docker.pid"))
    return {"version": version, "pid": pid, "start": int(read("/proc/%d/stat" % pid).rpartition(")")[2].split()[19])}


def main():
    paths = ["/etc/docker/daemon.json", "/etc/subuid", "/etc/subgid"]
    found = {
        "files": {path: read(path) if os.path.exists(path) else None for path in paths},
        "engine": engine(),
        "boot": read("/proc/sys/kernel/random/boot_id").strip(),
        "arguments": read("/proc/cmdline").split(),
        "max_user_namespaces": int(read("/proc/sys/user/max_user_namespaces")),
        "system": "%s %s" % (os.uname().sysname, os.uname().release),
    }
    print(json.dumps(found))


main()
