# SPDX-License-Identifier: GPL-3.0-or-later
"""What the verify steps of all scenarios share: the record of the steps so far, and real containers on a host."""

import contextlib
import json
import os
from pathlib import Path

import pytest
from testinfra.backend.local import LocalBackend
from testinfra.host import Host
from testinfra.utils.ansible_runner import AnsibleRunner

STATE = "Read what a run may change"


def pytest_sessionstart(session):
    """Refuse a scenario without hosts: it would have no tests, and nothing could fail."""
    inventory = session.config.option.ansible_inventory
    if not AnsibleRunner.get_runner(inventory).get_hosts("docker_hosts"):
        pytest.exit("docker_hosts: the inventory %s has no hosts in this group" % inventory, returncode=1)


class Run:
    """One run of a playbook, as the callback plugin `collect` wrote it down: its step and its tasks."""

    def __init__(self, records):
        self.tasks = [record for record in records if "stats" not in record]
        self.stats = records[-1]["stats"]
        self.step = next(task["result"]["msg"] for task in self.tasks if task["name"] == "Begin the step")

    def changes(self, host):
        """[(task name, [(before, after)] of the files it changed)] of the host's changed tasks, in their order."""
        changed = [task for task in self.tasks if task["changed"] and task["host"] == host]
        return [(task["name"], _file_diffs(task["result"].get("diff"))) for task in changed]

    def states(self, host):
        """What files/state.py printed on the host in this run, in order."""
        found = [task for task in self.tasks if task["name"] == STATE and task["host"] == host]
        return [json.loads(task["result"]["stdout"]) for task in found]


def _file_diffs(diff):
    """Modules give a list for files; what is no list names processes and their start times, different in each run."""
    return [(one.get("before"), one.get("after")) for one in diff] if isinstance(diff, list) else []


class Record:
    """The runs of this scenario, in order."""

    def __init__(self, path):
        self.runs, begun = [], []
        for line in path.read_text().splitlines():
            begun.append(json.loads(line))
            if "stats" in begun[-1]:
                self.runs.append(Run(begun))
                begun = []

    def last(self, step, nth=-1):
        """The last run of a step, or the nth one."""
        return [run for run in self.runs if run.step == step][nth]


@pytest.fixture(scope="session")
def record():
    return Record(Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"]) / "record.jsonl")


class Entered(LocalBackend):
    """Commands in the namespaces of a host on this machine: through Ansible, which testinfra would ask, each takes a
    second.
    """

    def __init__(self, pid):
        super().__init__()
        self.enter = "nsenter --target=%d --mount --uts --ipc --net --pid --cgroup --root --wd -- sh -c %%s" % pid

    def run(self, command, *args, **_options):
        return self.run_local(self.enter, self.get_command(command, *args))


@pytest.fixture(scope="module")
def variables(_testinfra_host):
    """The variables that the inventory gives the host."""
    return _testinfra_host.backend.get_variables()


@pytest.fixture(scope="module")
def host(_testinfra_host, variables):
    if variables["ansible_connection"] != "community.docker.nsenter":
        return _testinfra_host
    backend = Entered(int(variables["ansible_nsenter_pid"]))
    backend.set_host(Host(backend))
    return Host(backend)


@pytest.fixture(scope="module")
def name(variables):
    return variables["inventory_hostname"]


@pytest.fixture(scope="module")
def entries(host):
    """{boot entry: its words}, of /boot/loader/entries where there are any, else of the lines of grub.cfg."""
    find = "grep -HnE '^[[:space:]]*(linux(16|efi)?|options)[[:space:]]' %s 2>/dev/null"
    loader = host.run(find % "/boot/loader/entries/*.conf").stdout
    found = {}
    for line in (loader or host.run(find % "/boot/grub/grub.cfg /boot/grub2/grub.cfg").stdout).splitlines():
        path, number, text = line.split(":", 2)
        found.setdefault(path if loader else "%s:%s" % (path, number), []).extend(text.split())
    if any("$kernelopts" in words for words in found.values()):  # Enterprise Linux 8
        options = host.check_output("grub2-editenv list | sed -n s/^kernelopts=//p").split()
        found = {path: words + options for path, words in found.items()}
    return found


@pytest.fixture(scope="module")
def container(host):
    """A running container with the host's folder /srv/molecule in /srv; nothing of it stays."""
    with contextlib.ExitStack() as stack:

        def run(command, undo):
            done = host.run(command)
            stack.callback(host.run, undo)
            assert done.rc == 0, done
            return done.stdout.strip()

        # One file that only the host's root may write, and a folder where everybody may.
        make = "mkdir -p /srv/molecule && echo precious > /srv/molecule/roots && mkdir -m 1777 /srv/molecule/all"
        run(make, "rm -r /srv/molecule")
        run("docker import /opt/image.tar verify", "docker rmi verify")
        yield run("docker run -d -v /srv/molecule:/srv verify sleep 100000", "docker rm -f $(docker ps -lq)")
