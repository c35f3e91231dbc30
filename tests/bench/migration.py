# SPDX-License-Identifier: GPL-3.0-or-later
"""What carrying an engine's images, containers and volumes over costs, next to what anybody could do by hand.

away: how long a client that asks every 20 ms gets no answer of a service while harden.yml switches a host over, with a
volume of 50,000 files and some images, against the same at a plain restart of the same host's engine. What is judged is
that time without what the service's container takes to start by itself.

stream: how long a byte of the images takes into the new graph root while that is filled, against `docker save | docker
load` into one more remapped engine of the same host.

second_pass: how long the pass over an unchanged volume of 50,000 files takes, of which there is one while services are
away, against chown -R of the volume.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
LIBRARY = REPOSITORY / ".cache/collections"
sys.path[:0] = [str(REPOSITORY), str(LIBRARY)]

from _trees import BASE, SIZE, forget, make  # noqa: E402

from tests.hosts import play, start_host  # noqa: E402
from tests.integration import estate  # noqa: E402

FILES = 50000
ROUNDS = 3
IMAGES, MEGABYTES = 4, 64  # images on one base, each with a layer of so much that cannot be compressed
PASSES = 7

# A second engine as the module has one, on a graph root of its own.
PEER = """
set -eu
mkdir -p /run/peer /var/lib/docker/peer
echo '{"userns-remap": "dockremap", "iptables": false, "data-root": "/var/lib/docker/peer"}' >/run/peer/daemon.json
unshare --net --mount --propagation private dockerd --config-file /run/peer/daemon.json \
    --host unix:///run/peer/docker.sock --pidfile /run/peer/docker.pid --exec-root /run/peer/exec \
    --containerd /run/containerd/containerd.sock >/run/peer/log 2>&1 &
until docker --host unix:///run/peer/docker.sock version >/dev/null 2>&1; do sleep 0.05; done
"""
END = """
set -eu
pid=$(cat /run/peer/docker.pid)
kill "$pid"
while [ -e "/proc/$pid" ]; do sleep 0.1; done
rm -rf /run/peer /var/lib/docker/peer
"""
STREAM = """
import subprocess, sys, time
began, size = time.monotonic(), 0
save = subprocess.Popen(["docker", "save", *sys.argv[1:]], stdout=subprocess.PIPE)
load = subprocess.Popen(
    ["docker", "--host", "unix:///run/peer/docker.sock", "load", "--quiet"],
    stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
)
while True:
    piece = save.stdout.read(1 << 20)
    if not piece:
        break
    size += len(piece)
    load.stdin.write(piece)
load.stdin.close()
assert not save.wait() and not load.wait()
print(size, time.monotonic() - began)
"""


def tell(figure, value, budget=None):
    good = budget is None or value <= budget
    print(
        f"bench migration {figure} {value:g} {'-' if budget is None else budget} {'ok' if good else 'short'}",
        flush=True,
    )


def fill(host):
    """Give a host images, a service and a volume; return the images' names."""
    estate.build(host, small=True, files=0)
    make(estate.volume(host, "ledger"), FILES)
    names = []
    for number in range(IMAGES):
        folder = Path(host.root, f"root/estate/large{number}")
        folder.mkdir()
        (folder / "Dockerfile").write_text("FROM estate/base:1\nCOPY large /large\n")
        (folder / "large").write_bytes(os.urandom(MEGABYTES << 20))
        names.append(f"large:{number}")
        words = ["env", "DOCKER_BUILDKIT=0", "docker", "build", "-q", "-t", names[-1], f"/root/estate/large{number}"]
        host.run(words)
    return names


def run(playbook, host):
    result = play("containment.docker." + playbook, [host], groups={"docker_hosts": [host.name]})
    if result.rc:
        raise SystemExit(result.stdout)
    return result


def restarted(host):
    """Return for how many seconds the service is away when the engine is restarted."""
    host.run(["systemctl", "reset-failed", "docker.service"])  # the unit's start limit
    with estate.Client(host) as client:
        client.wait()
        host.run(["systemctl", "restart", "docker"])
        client.wait(after=time.monotonic())
    return client.away()


def start(host):
    """Return the seconds that the start of the service's container takes."""
    host.run(["docker", "stop", "side", "web"])
    seconds = timed(host.run, ["docker", "start", "web"])
    host.run(["docker", "start", "side"])
    return seconds


def measured(result, key):
    """Return a figure of the module's of that run."""
    found = [(task.result.get("measured") or {}).get(key) for task in result.tasks]
    return next(value for value in found if value is not None)


def switch(host):
    """Switch a host again and again; return the seconds (away, of restarts, of starts, for a byte, and by hand)."""
    away, restarts, starts, streams, by_hand = [], [], [], [], []
    for number in range(ROUNDS):
        restarts.append(restarted(host))
        starts.append(start(host))
        with estate.Client(host) as client:
            client.wait()
            result = run("harden", host)
            client.wait(after=time.monotonic())
        away.append(client.away())
        streams.append(measured(result, "images_seconds") / measured(result, "images_bytes"))
        by_hand.append(peer(host))
        print(f"# away {away[-1]:.2f} s, the module says {measured(result, 'away_seconds'):.2f} s, ", end="")
        print(f"a restart {restarts[-1]:.2f} s", flush=True)
        if number < ROUNDS - 1:
            run("rollback", host)
    return map(statistics.median, (away, restarts, starts, streams, by_hand))


def peer(host):
    """Return the seconds that docker save and docker load take for a byte of all images, into an engine without any."""
    images = host.run(["docker", "images", "--no-trunc", "-q"]).stdout.split()
    host.run(["sh", "-c", PEER])
    try:
        size, seconds = host.run(["python3", "-c", STREAM, *sorted(set(images))], timeout=600).stdout.split()
    finally:
        host.run(["sh", "-c", END])
    return float(seconds) / int(size)


class Silent:
    """A report that nobody reads."""

    def begin(self, path):
        pass

    def next_pass(self, *_values):
        pass

    def __call__(self, *_values, **_more):
        pass


def timed(act, *arguments, **options):
    began = time.perf_counter()
    act(*arguments, **options)
    return time.perf_counter() - began


def passes():
    """In a mount namespace of its own: print the seconds of a pass over an unchanged tree and of chown -R."""
    from ansible_collections.containment.docker.plugins.module_utils import _copy_plan, _migration_trees

    # What copies remember is the machine's.
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "none", "/var/lib"], check=True)
    place = REPOSITORY / ".cache/bench"
    with tempfile.TemporaryDirectory(dir=place) as folder:
        source, target = Path(folder).resolve() / "source", Path(folder).resolve() / "target"
        make(source, FILES)
        target.mkdir()
        mapping = {kind: [[0, BASE, SIZE]] for kind in ("uid", "gid")}
        shift = _migration_trees.shifts({"from": None, "to": mapping})
        forget()
        first = timed(_migration_trees.copy, str(source), str(target), shift, Silent())
        # A pass looks again at what is younger than a write may last.
        time.sleep(_copy_plan.WRITE * 1e-9 + 1)
        _migration_trees.copy(str(source), str(target), shift, Silent())
        seconds = [timed(_migration_trees.copy, str(source), str(target), shift, Silent()) for _pass in range(PASSES)]
        owners = [f"{number % 2}:{number % 2}" for number in range(PASSES)]
        chown = [timed(subprocess.run, ["chown", "-R", owner, str(source)], check=True) for owner in owners]
    print(first, statistics.median(seconds), statistics.median(chown))


def main():
    if os.geteuid():
        raise SystemExit("not possible here: mounts and engines need root")
    if "--passes" in sys.argv:
        return passes()
    (REPOSITORY / ".cache/bench").mkdir(parents=True, exist_ok=True)
    with start_host("trixie") as host:
        fill(host)
        print("# five minutes until the files are no new ones any more", flush=True)
        words = ["unshare", "--mount", sys.executable, __file__, "--passes"]
        first, second, chown = map(float, subprocess.run(words, check=True, stdout=subprocess.PIPE).stdout.split())
        tell("first_pass_seconds", round(first, 2))
        tell("second_pass_seconds", round(second, 3))
        tell("second_pass_to_chown_ratio", round(second / chown, 2), 1.2)
        away, restart, own, stream, by_hand = switch(host)
    tell("restart_away_seconds", round(restart, 2))
    tell("start_seconds", round(own, 2))
    tell("away_seconds", round(away, 2))
    tell("away_to_restart_ratio", round(away / restart, 2))
    tell("away_less_start_to_restart_ratio", round((away - own) / restart, 2), 1.5)
    tell("peer_megabytes_per_second", round(1e-6 / by_hand, 1))
    tell("megabytes_per_second", round(1e-6 / stream, 1))
    tell("stream_to_peer_ratio", round(stream / by_hand, 2), 1.2)
    return None


if __name__ == "__main__":
    main()
