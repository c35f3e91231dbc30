# SPDX-License-Identifier: GPL-3.0-or-later
"""What is written to a log of audit records while somebody follows it."""

import os

import pytest

from ansible_collections.containment.docker.plugins.module_utils import _audit_log as core
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

LINE = (
    'type=SECCOMP msg=audit(1700000000.123:{}): auid=1 uid=0 gid=0 ses=1 pid=9 comm="sh" exe="/bin/sh" sig=0 '
    "arch=c000003e syscall={} compat=0 ip=0x1 code=0x7ffc0000"
)


def line(number):
    return LINE.format(number, number) + "\n"


def numbers(follower):
    """What is there by now, and the end of it."""
    found = []
    for record in follower.records(5):
        if record is None:
            return found
        found.append(record.number)
    raise AssertionError("it told nothing of itself")


@pytest.fixture
def log(tmp_path):
    path = tmp_path / "audit.log"
    path.write_text(line(1))
    return path


def test_a_log_is_followed_from_its_end_and_over_its_successors(log):
    with core.Follower(str(log)) as follower:
        assert numbers(follower) == []
        with log.open("a") as handle:
            handle.write(line(2) + "type=USER_AUTH msg=audit(1.000:2): x=1\n" + line(3) + line(4)[:40])
        assert numbers(follower) == [2, 3]
        with log.open("a") as handle:
            handle.write(line(4)[40:])
        assert numbers(follower) == [4]
        with log.open("a") as handle:
            handle.write(line(5))
        log.rename(f"{log}.1")
        assert numbers(follower) == [5]  # There is no other yet.
        log.write_text(line(6))
        assert numbers(follower) == [6] and follower.lost == 0
        with log.open("a") as handle:
            handle.write("[ 1.000000] kauditd_printk_skb: 12 callbacks suppressed\n")
        assert numbers(follower) == [] and follower.lost == 12


def test_any_record_proves_a_log(log):
    """A kernel that drops most of many has dropped that of the proof, too."""
    with core.Follower(str(log)) as follower:
        with log.open("a") as handle:
            handle.write(line(2))
        follower.prove()
        follower.patience = 0.2
        with pytest.raises(ContainmentError, match="tells nothing of a call that a filter logs"):
            follower.prove()


def test_what_is_no_log_is_told(tmp_path):
    with pytest.raises(ContainmentError, match="cannot be read"):
        core.Follower(str(tmp_path / "none"))
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(ContainmentError, match="is neither a file nor the kernel's log"):
        core.Follower(str(tmp_path / "fifo"))
