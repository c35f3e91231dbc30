# SPDX-License-Identifier: GPL-3.0-or-later
"""After the rollback: the files are those from before, containers are plain again, and what ran before runs again."""

testinfra_hosts = ["ansible://docker_hosts"]


def test_the_files_are_those_from_before(record, name):
    before, after = record.last("prepare").states(name)[-1], record.last("rollback").states(name)[-1]
    assert after["files"] == before["files"]


def test_the_engine_does_not_remap(host):
    assert "name=userns" not in host.check_output("docker info --format '{{json .SecurityOptions}}'")


def test_what_ran_before_runs_again(host, variables):
    running = host.check_output("docker ps --format '{{.Names}}'").split()
    assert running == (["workload"] if variables["machine_engine"] else [])


def test_root_in_a_container_is_root_on_the_host(host, container):
    pid = host.check_output("docker inspect --format '{{.State.Pid}}' %s" % container)
    assert host.check_output("stat --format %%u /proc/%s" % pid) == "0"
    host.check_output("docker exec %s sh -c 'echo mine > /srv/roots'" % container)
