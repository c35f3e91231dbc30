# SPDX-License-Identifier: GPL-3.0-or-later
"""Remapping is in force, seen from the host and from inside a container, and a second run leaves the host alone."""

import json

import pytest

testinfra_hosts = ["ansible://docker_hosts"]


@pytest.fixture(scope="module")
def ranges(host, variables):
    """{"/etc/subuid": [[start, count]], ...} of the remap user, from the files."""
    user = variables.get("userns_user", "dockremap")
    found = {}
    for path in ("/etc/subuid", "/etc/subgid"):
        lines = [line.split(":") for line in host.file(path).content_string.splitlines()]
        found[path] = [[int(start), int(count)] for owner, start, count in lines if owner == user]
    return found


def test_the_second_run_changed_nothing_and_the_engine_ran_on(record, name):
    first, second = record.last("converge", 0), record.last("converge", 1)
    assert second.changes(name) == [] and second.stats[name]["changed"] == 0
    assert second.states(name)[-1] == first.states(name)[-1]


def test_the_engine_is_of_the_version_that_the_scenario_names(record, name, variables):
    version = record.last("converge").states(name)[-1]["engine"]["version"]
    # Of real images the repositories decide, from month to month.
    assert version.startswith(variables.get("machine_engine_version", ""))


def test_an_engine_that_was_missing_came_by_the_package_manager_of_the_platform(record, name, variables):
    managers = {"ansible.builtin.apt", "ansible.builtin.dnf", "ansible.builtin.package", "ansible.builtin.yum"}
    tasks = [task for task in record.last("converge", 0).tasks if task["host"] == name and task["changed"]]
    wanted = set()
    if not variables["machine_engine"] and "machine_package_manager" in variables:
        wanted.add("ansible.builtin." + variables["machine_package_manager"])
    assert {task["action"] for task in tasks} & managers == wanted


def test_daemon_json_has_the_key_and_what_was_there_before(host, variables):
    content = json.loads(host.file("/etc/docker/daemon.json").content_string)
    before = json.loads(variables.get("machine_daemon_json", "{}"))
    assert content == {**before, "userns-remap": variables.get("userns_user", "dockremap")}


def test_the_ranges_are_those_asked_for(ranges, variables):
    wanted = variables.get("userns_uid_ranges")
    for path in ("/etc/subuid", "/etc/subgid"):
        assert sum(count for _start, count in ranges[path]) == 65536
        if wanted:
            assert ranges[path] == [[one["start"], one["count"]] for one in wanted]


def test_the_engine_says_that_it_remaps(host):
    assert "name=userns" in host.check_output("docker info --format '{{json .SecurityOptions}}'")


def test_what_ran_before_is_out_of_sight(host, container):
    assert host.check_output("docker ps -aq --no-trunc") == container


def test_root_in_a_container_is_nobody_on_the_host(host, container, ranges):
    pid = host.check_output("docker inspect --format '{{.State.Pid}}' %s" % container)
    start, count = ranges["/etc/subuid"][0]
    first = host.check_output("head -n 1 /proc/%s/uid_map" % pid).split()
    assert first == ["0", str(start), str(count)]
    assert host.check_output("stat --format %%u /proc/%s" % pid) == str(start)


def test_a_container_cannot_write_what_is_the_hosts(host, container):
    refused = host.run("docker exec %s sh -c 'echo mine > /srv/roots'" % container)
    assert refused.rc != 0 and "Permission denied" in refused.stderr
    assert host.check_output("cat /srv/molecule/roots") == "precious"
    # It is not that nothing could be written there.
    host.check_output("docker exec %s sh -c 'echo mine > /srv/all/file'" % container)
    assert host.check_output("cat /srv/molecule/all/file") == "mine"
