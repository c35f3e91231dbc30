# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures that give integration tests throwaway Docker hosts (tests/hosts)."""

import contextlib
import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests import hosts
from tests.hosts import NotPossible, machine, start_host
from tests.hosts.session import begin, set_apart


def _is_worker(config):
    return hasattr(config, "workerinput")


def pytest_configure(config):
    """Keep the processes that share the tests (pytest-xdist) from one another's modules and mounts on this machine,
    and have them load Ansible once."""
    if _is_worker(config) and os.geteuid() == 0:
        set_apart()
    hosts.keep_loaded()


def pytest_sessionstart(session):
    """Prepare the machine and remove what a killed run left, once, before any of the processes starts a host."""
    if not _is_worker(session.config):
        with contextlib.suppress(pytest.skip.Exception):  # The tests that want hosts tell it.
            begin(hosts, "hosts")
            machine.make_room()


@pytest.fixture(scope="session")
def swept():
    """What pytest_sessionstart did: skips where there can be no hosts."""
    try:
        hosts.prepare()
    except NotPossible as reason:
        pytest.skip(str(reason))


@contextlib.contextmanager
def _factory():
    with contextlib.ExitStack() as started:

        def start(suite="bookworm", init="systemd", engine=True):
            try:
                return started.enter_context(start_host(suite, init, engine))
            except NotPossible as reason:
                pytest.skip(str(reason))

        yield start


@pytest.fixture
def docker_host(swept):
    """docker_host(suite="bookworm", init="systemd", engine=True): starts a host that is gone after the test."""
    with _factory() as start:
        yield start


def _shared(name, suite, init):
    @pytest.fixture(scope="session", name=name)
    def fixture(swept):
        with _factory() as start:
            yield start(suite, init)

    fixture.__doc__ = "A %s host of %s with an engine, shared by the session: leave it as you found it." % (init, suite)
    return fixture


bookworm = _shared("bookworm", "bookworm", "systemd")
trixie = _shared("trixie", "trixie", "systemd")
forky = _shared("forky", "forky", "systemd")
bookworm_script = _shared("bookworm_script", "bookworm", "script")


def pytest_terminal_summary(terminalreporter):
    """End the session with what this machine could not do."""
    reasons = {}
    for report in terminalreporter.stats.get("skipped", []):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        if "not possible here: " in reason:
            reasons.setdefault(reason.partition("not possible here: ")[2], []).append(report.nodeid)
    if reasons:
        terminalreporter.section("not possible here")
        for reason, tests in sorted(reasons.items()):
            terminalreporter.line("%s (%d tests)" % (reason, len(tests)))
