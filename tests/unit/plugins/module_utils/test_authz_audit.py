# SPDX-License-Identifier: GPL-3.0-or-later
"""Who ran privileged containers, out of lines of the journal."""

import json

import pytest

from ansible_collections.containment.docker.plugins.module_utils import _authz_audit as core
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError


def line(seconds=0, **fields):
    entry = {"__REALTIME_TIMESTAMP": str(1796083200000000 + seconds * 1000000), "MESSAGE": "x"}
    known = {
        "DECISION": "allow",
        "ACTION": "container.create",
        "PRINCIPAL": "runner",
        "PRIVILEGED": "HostConfig.Privileged is true",
    }
    entry.update({"DOCKER_AUTHZ_" + key: value for key, value in dict(known, **fields).items()})
    return json.dumps(entry)


def test_what_is_asked_of_the_journal():
    assert core.command(7) == [
        "journalctl",
        "--output=json",
        "--no-pager",
        "--quiet",
        "--since=-7d",
        "_SYSTEMD_UNIT=containment-authz.service",
        "DOCKER_AUTHZ_ACTION=container.create",
        "DOCKER_AUTHZ_ACTION=exec.create",
        "DOCKER_AUTHZ_ACTION=container.start",
        "DOCKER_AUTHZ_ACTION=container.restart",
        "DOCKER_AUTHZ_ACTION=container.unpause",
        "+",
        "_SYSTEMD_UNIT=containment-authz.service",
        "DOCKER_AUTHZ_DECISION=report",
        "DOCKER_AUTHZ_RULE=request",
    ]
    assert core.command(1) and core.command(3650)
    for days in (0, -1, 3651):
        with pytest.raises(ContainmentError, match=f"days: {days} is not within 1-3650"):
            core.command(days)


def test_what_was_let_pass_and_is_privileged():
    lines = [
        line(0, CONTAINER="debug", IMAGE="foobar", CMD="sh", USER="runner", REQ_ID="1f"),
        line(1, PRIVILEGED=""),
        line(2, DECISION="deny"),
        line(3, DECISION="report", ACTION="exec.create", PRINCIPAL="watched"),
    ]
    assert core.privileged(lines) == [
        {
            "time": "2026-12-01T00:00:00Z",
            "principal": "runner",
            "user": "runner",
            "action": "container.create",
            "container": "debug",
            "image": "foobar",
            "command": "sh",
            "why": "HostConfig.Privileged is true",
            "decision": "allow",
            "request": "1f",
        },
        {
            "time": "2026-12-01T00:00:03Z",
            "principal": "watched",
            "user": "",
            "action": "exec.create",
            "container": "",
            "image": "",
            "command": "",
            "why": "HostConfig.Privileged is true",
            "decision": "report",
            "request": "",
        },
    ]


def test_fields_that_are_not_plain_text():
    (found,) = core.privileged([line(CMD=list("sh \x07é".encode()), IMAGE=None)])
    assert (found["command"], found["image"]) == ("sh \x07é", "")


@pytest.mark.parametrize("text", ["", "-- No entries --", "[]", "{}", '{"__REALTIME_TIMESTAMP": "x"}', "1"])
def test_what_is_no_record(text):
    with pytest.raises(ContainmentError, match="journal: has a record that cannot be read"):
        core.privileged([text])


def test_what_people_read():
    records = core.privileged(
        [
            line(0, PRINCIPAL="one", CONTAINER="a"),
            line(1, PRINCIPAL="two", CONTAINER="b", IMAGE="foobar", CMD="x" * 80),
            line(2, PRINCIPAL="two", CONTAINER="c", IMAGE="foobar", CMD="y" * 80),
            line(3, PRINCIPAL="", USER="three"),
        ]
    )
    assert core.table(records, 7) == [
        "who ran privileged containers in the last 7 days:",
        f"  two: 2, last 2026-12-01T00:00:02Z: container.create c foobar {'y' * 60} (HostConfig.Privileged is true)",
        "  one: 1, last 2026-12-01T00:00:00Z: container.create a (HostConfig.Privileged is true)",
        "  three: 1, last 2026-12-01T00:00:03Z: container.create (HostConfig.Privileged is true)",
    ]
    assert core.table([], 7) == ["nobody ran a privileged container in the last 7 days, as far as there is a record"]
