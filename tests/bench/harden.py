# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run of harden.yml costs a host: remote module calls and seconds, of a first and of a no-op run.

The peer is a playbook that restarts the engine with ansible.builtin.service, the least that anybody's role would do.

The host is a throwaway one with engine 26.1 and nothing in it. Seconds are told, not judged: only calls have a budget.
"""

import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.hosts import play, start_host

CALLS = 25  # of a no-op run, from the design
PEER = """
- hosts: docker_hosts
  gather_facts: true
  tasks:
    - ansible.builtin.service:
        name: docker
        state: restarted
"""


def run(playbook, host, *args):
    """Return (remote module calls, seconds) of a run that has to succeed."""
    began = time.monotonic()
    result = play(playbook, [host], *args, groups={"docker_hosts": [host.name]})
    seconds = time.monotonic() - began
    if result.rc:
        raise SystemExit(result.stdout)
    calls = [
        task for task in result.tasks if task.action not in CONTROLLER and task.status not in ("skipped", "included")
    ]
    return len(calls), seconds


# Actions that are carried out on the controller alone.
CONTROLLER = {
    "ansible.builtin.assert",
    "ansible.builtin.debug",
    "ansible.builtin.include_role",
    "ansible.builtin.include_tasks",
    "ansible.builtin.set_fact",
    "ansible.builtin.validate_argument_spec",
}


def tell(figure, value, budget=None):
    good = budget is None or value <= budget
    print(
        f"bench harden {figure} {value:g} {'-' if budget is None else budget} {'ok' if good else 'short'}", flush=True
    )


def main():
    with tempfile.NamedTemporaryFile("w", suffix=".yml") as peer, start_host("trixie") as host:
        peer.write(PEER)
        peer.flush()
        restarts = []
        for _dummy in range(3):
            host.run(
                ["systemctl", "reset-failed", "docker.service"]
            )  # The unit's start limit, which the peer runs into.
            restarts.append(run(peer.name, host)[1])
        tell("peer_restart_seconds", round(statistics.median(restarts), 2))
        calls, seconds = run("containment.docker.harden", host)
        tell("first_calls", calls)
        tell("first_seconds", round(seconds, 2))
        again = [run("containment.docker.harden", host) for dummy in range(3)]
        tell("noop_calls", again[0][0], CALLS)
        tell("noop_seconds", round(statistics.median(seconds for calls, seconds in again), 2))
        tell("noop_to_peer_ratio", round(statistics.median(s for dummy, s in again) / statistics.median(restarts), 2))


if __name__ == "__main__":
    main()
