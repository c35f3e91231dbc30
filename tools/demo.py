# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole rollout, from a plain engine to a proven one and back, on a throwaway systemd host.

Prints what changed, with the files' differences, and the table of each run; all that ansible-playbook said is kept in
.cache/logs/demo.log.
"""

from __future__ import annotations

import difflib
import sys
from pathlib import Path

from tests.hosts import HostError, NotPossible, play, start_host, sweep

LOG = Path(".cache/logs/demo.log")
# What is asked, playbook, arguments, exit code.
STEPS = [
    ("How hardened is the host?", "audit", [], 2),
    ("What would a run change?", "harden", ["--check", "--diff"], 0),
    ("The run, with one restart", "harden", ["--diff"], 0),
    ("The run again: nothing changes", "harden", [], 0),
    ("And back", "rollback", [], 0),
]


def show(result):
    """Print the changed tasks, what they changed in files, and the report's table."""
    for task in result.tasks:
        if task.changed:
            print(f"changed: {task.name.rpartition(' : ')[2]}")
            differences = task.result.get("diff")
            for one in differences if isinstance(differences, list) else [differences or {}]:
                print("".join(f"    {line}" for line in unified(one)), end="")
    tables = [task.result["msg"] for task in result.tasks if "What was, what is" in task.name]
    print("\n".join(line for table in tables for line in table), flush=True)


def unified(one):
    """The lines of one difference of Ansible's."""
    texts = [str(one.get(side, "")).splitlines(keepends=True) for side in ("before", "after")]
    headers = one.get("before_header", ""), one.get("after_header", "")
    lines = list(difflib.unified_diff(*texts, *headers, n=1))
    return [line if line.endswith("\n") else line + "\n" for line in (lines if headers[0] else lines[3:])]


def main(suite="trixie"):
    print(f"Starting a throwaway Debian {suite} host with systemd and an engine. The machine's own is left alone.")
    sweep()  # what a killed demo left has the same name
    LOG.parent.mkdir(parents=True, exist_ok=True)
    with start_host(suite, name="demo") as host, LOG.open("w") as log:
        for question, playbook, arguments, expected in STEPS:
            command = " ".join(["ansible-playbook", f"containment.docker.{playbook}", *arguments])
            print(f"\n== {question}\n$ {command}", flush=True)
            result = play(f"containment.docker.{playbook}", [host], *arguments, groups={"docker_hosts": [host.name]})
            log.write(result.stdout + result.stderr)
            show(result)
            if result.rc != expected:
                sys.exit(f"demo: {playbook} ended with {result.rc} instead of {expected}, see {LOG}")
    print("\nThe host is gone.")


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except NotPossible as reason:
        print(reason, file=sys.stderr)
        sys.exit(77)
    except HostError as error:
        sys.exit(f"demo: {error}")
