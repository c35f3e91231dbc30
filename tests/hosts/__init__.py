# SPDX-License-Identifier: GPL-3.0-or-later
"""Throwaway Docker hosts on this machine, for integration tests and end-to-end playbooks.

    with start_host("bookworm") as host:                  # systemd and an engine, in about a second
        host.run(["docker", "version"])
        module(host, "containment.docker.subid_range", {"name": "alice"}, check=True)
        play("containment.docker.harden", [host], "--check").check()

A host shares the machine's kernel and nothing else: it has its own mounts, processes, network, host name and control
groups, no way out to a network, and is gone without a trace after remove(). A systemd host has systemd as PID 1, a
script host a small init that starts /etc/init.d scripts. Trees and hosts are kept below .cache (CONTAINMENT_CACHE).

From the top of the checkout, `python` finds this package as `tests.hosts`; the conftest.py of tests/integration sees to
that for pytest. By hand: `python -m tests.hosts --help`.
"""

from ._paths import NotPossible
from .control import Result, Task, environment, keep_loaded, module, play, write_inventory
from .host import Host, HostError, all_hosts, start_host, sweep
from .machine import prepare
from .throwaway import CommandFailed
from .tree import SUITES

__all__ = [
    "SUITES",
    "CommandFailed",
    "Host",
    "HostError",
    "NotPossible",
    "Result",
    "Task",
    "all_hosts",
    "environment",
    "keep_loaded",
    "module",
    "play",
    "prepare",
    "start_host",
    "sweep",
    "write_inventory",
]
