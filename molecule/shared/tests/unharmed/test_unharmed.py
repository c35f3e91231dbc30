# SPDX-License-Identifier: GPL-3.0-or-later
"""After the broken configuration: no file was touched, and the engine ran on."""

testinfra_hosts = ["ansible://docker_hosts"]


def test_a_broken_configuration_was_left_alone_and_so_was_the_engine(record, name):
    before, after = record.last("broken configuration").states(name)
    assert before["files"]["/etc/docker/daemon.json"].splitlines()[2] == '  "debug" true'
    assert before == after and before["engine"]
