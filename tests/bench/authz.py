# SPDX-License-Identifier: GPL-3.0-or-later
"""What the authorization plugin adds to requests, in milliseconds, memory and processor time.

One engine is asked by its unix socket, on connections that are kept, with the plugin, with none, and with two of
opa-docker-authz (a bundle, whose log leaves bodies out, and a policy file). daemon.json and SIGHUP change which it
asks; rounds take turns in another order each. All log to the journal, and refuse privileged containers. With none, the
engine refuses the same creates for want of an image. A figure is the median over rounds; what is added, its distance
from none's. The budget is what the bundle adds, where the peer can be built, and of latencies a tenth more: by so much
two runs of one side differ.
"""

import json
import os
import statistics
import sys
import time
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
sys.path[:0] = [str(REPOSITORY / part) for part in (".cache/collections", "", "tests/integration")]

import _authz_load as load  # noqa: E402
import _authz_peer as peer  # noqa: E402
import authz  # noqa: E402

from ansible_collections.containment.docker.plugins.module_utils import _authz_asked, _authz_install  # noqa: E402
from tests.hosts import NotPossible, prepare, start_host  # noqa: E402

ROUNDS, RSS = 7, 25.0  # MB at the highest
MARGIN = 1.1
FILE_ROUNDS = 3  # One of so many has the policy file, which has no budget.
NONE, OURS = "none", _authz_asked.NAME
POLICY = {
    "format": 1,
    "principals": [{"name": "root", "socket": True, "roles": ["some"]}],
    "roles": [
        {
            "name": "some",
            "grants": [
                {"actions": ["system.ping", "container.list"]},
                {
                    "actions": ["container.create"],
                    "containers": ["*"],
                    "images": ["*"],
                    "envelope": "unprivileged",
                },
            ],
        }
    ],
}


def create(size):
    """Return the request to create a privileged container, with a body of so many bytes and variables of 64 each."""
    value = {"Image": "absent", "Cmd": ["true"], "Env": [], "HostConfig": {"Privileged": True, "NetworkMode": "none"}}
    room = size - len(json.dumps(value))
    value["Env"] = [f"V{number:05}={'x' * 53}" for number in range(room // 64)]
    return load.request("POST", "/v1.48/containers/create", json.dumps(value).encode())


# {name: (request, {concurrency: requests in a round})}
SMALL, LARGE = {1: 200, 10: 400, 50: 600}, {1: 10, 10: 20, 50: 50}
WORK = {
    "ping": (load.request("GET", "/_ping"), SMALL),
    "list": (load.request("GET", "/v1.48/containers/json"), SMALL),
    "create_2KiB": (create(2048), SMALL),
    "create_900KiB": (create(900 * 1024), LARGE),
}


def ask(host, side):
    """Have the engine ask one plugin, or none, and wait until it does."""
    path = Path(host.root, "etc/docker/daemon.json")
    settings = json.loads(path.read_text())
    settings["authorization-plugins"] = [] if side == NONE else [side]
    path.write_text(json.dumps(settings))
    host.run(["systemctl", "kill", "--signal=HUP", "docker.service"])
    end = time.monotonic() + 30
    while not is_expected("create_2KiB", side, load.run(socket(host), WORK["create_2KiB"][0], 1, 1, 0)[1]):
        if time.monotonic() > end:
            raise SystemExit(f"the engine does not ask {side}")
        time.sleep(0.1)


def socket(host):
    return f"{host.root}/run/docker.sock"


def is_expected(name, side, answers):
    """Return whether the one answer that all got is the one that a side gives."""
    (status, body), *others = answers
    if others:
        return False
    if name in ("ping", "list"):
        return status == 200
    return status == 404 if side == NONE else status == 403 and b"plugin %s:" % side.encode() in body


class Service:
    """A plugin's process on a host."""

    def __init__(self, host, unit):
        self._pid = host.run(["systemctl", "show", "--property=MainPID", "--value", unit]).stdout.strip()
        self._folder = Path(host.root, "proc", self._pid)

    def memory(self):
        """Return (MB now, MB at the highest)."""
        lines = dict(line.split(":", 1) for line in (self._folder / "status").read_text().splitlines())
        return tuple(int(lines[name].split()[0]) * 1024 / 1e6 for name in ("VmRSS", "VmHWM"))

    def seconds(self):
        """Return the seconds of a processor that it has taken."""
        fields = (self._folder / "stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(host, services):
    """Return ({(side, work, concurrency): [[seconds] of a round]}, {(side, work): seconds of a processor each})."""
    times, spent, sides = {}, {}, [NONE, *services]
    for number in range(ROUNDS):
        turn = number % len(sides)
        for side in sides[turn:] + sides[:turn]:
            if side == peer.FILE and number % FILE_ROUNDS:
                continue
            ask(host, side)
            for name, (data, counts) in WORK.items():
                before = services[side].seconds() if side in services else 0
                for concurrency, count in counts.items():
                    found, answers = load.run(socket(host), data, count, concurrency, concurrency)
                    if not is_expected(name, side, answers):
                        raise SystemExit(f"{name} with {side} is answered {str(answers)[:500]}")
                    times.setdefault((side, name, concurrency), []).append(found)
                if side in services:
                    total = sum(counts.values()) + sum(counts)
                    spent.setdefault((side, name), []).append((services[side].seconds() - before) / total)
    return times, {key: statistics.mean(values) for key, values in spent.items()}


def tell(figure, value, budget=None):
    verdict = "ok" if budget is None or value <= budget else "short"
    print(f"bench authz {figure} {value:.3f} {'-' if budget is None else f'{budget:.3f}'} {verdict}", flush=True)


def latencies(times, sides):
    """Tell what each side adds, and of none what there is."""
    for name, (_data, counts) in WORK.items():
        for concurrency in counts:
            for part in (50, 99):
                found = {
                    side: statistics.median(load.percentile(one, part) for one in times[side, name, concurrency]) * 1000
                    for side in sides
                }
                figure = f"{name}_c{concurrency}_p{part}_ms"
                tell(f"{NONE}_{figure}", found[NONE])
                for side in sides[2:]:
                    tell(f"{side}_added_{figure}", found[side] - found[NONE])
                theirs = found[peer.BUNDLE] - found[NONE] if peer.BUNDLE in found else None
                budget = None if theirs is None else max(theirs, theirs * MARGIN)
                tell(f"added_{figure}", found[OURS] - found[NONE], budget)


def main():
    prepare()
    try:
        program = peer.program()
    except NotPossible as reason:
        program = None
        print(f"without opa-docker-authz, {reason}", flush=True)
    with start_host("forky") as host:
        authz.install(host, POLICY)
        sides = {OURS: _authz_install.UNIT}
        if program is not None:
            peer.install(host, program)
            sides.update({name: name for name in peer.OPTIONS})
        services = {side: Service(host, f"{unit}.service") for side, unit in sides.items()}
        tell("rss_at_start_MB", services[OURS].memory()[0])
        times, spent = measure(host, services)
        latencies(times, [NONE, *services])
        for side, service in services.items():
            prefix = "" if side == OURS else f"{side}_"
            now, highest = service.memory()
            tell(f"{prefix}rss_after_MB", now)
            tell(f"{prefix}rss_highest_MB", highest, RSS if side == OURS else None)
            for name in WORK:
                budget = spent.get((peer.BUNDLE, name)) if side == OURS else None
                tell(f"{prefix}cpu_{name}_ms", spent[side, name] * 1000, budget and budget * 1000)


if __name__ == "__main__":
    try:
        main()
    except NotPossible as reason:
        sys.exit(f"not possible here: {reason}")
