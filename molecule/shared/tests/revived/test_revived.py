# SPDX-License-Identifier: GPL-3.0-or-later
"""After the dead engine: one that was killed runs again, with the same files."""

testinfra_hosts = ["ansible://docker_hosts"]


def test_a_dead_engine_came_back_with_the_same_files(record, name):
    alive, again, at_last = record.last("dead engine").states(name)
    assert alive["files"] == again["files"] == at_last["files"] == record.last("converge").states(name)[-1]["files"]
    assert len({state["engine"]["start"] for state in (alive, again, at_last)}) == 3
