# SPDX-License-Identifier: GPL-3.0-or-later
"""What check mode announced is what the run then did: the same tasks, with the same differences."""

testinfra_hosts = ["ansible://docker_hosts"]


def test_check_changed_nothing(record, name):
    before, after = record.last("prepare").states(name)[-1], record.last("converge (check)").states(name)[-1]
    assert before == after


def test_the_run_did_what_check_announced(record, name):
    announced, done = record.last("converge (check)").changes(name), record.last("converge").changes(name)
    assert done
    assert announced == done
