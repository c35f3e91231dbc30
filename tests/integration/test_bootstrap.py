# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts without Python 3 get one, others are left alone."""

from tests.hosts import play

BOOTSTRAP = "containment.docker.bootstrap"

# Stand-in for Enterprise Linux 7's yum, which cannot be had here: `yum -y install python3` brings back what was moved.
YUM = """#!/bin/sh
[ "$*" = "-y install python3" ] || exit 9
mv /usr/bin/python3.away /usr/bin/python3
"""


def run(host, *args):
    return play(BOOTSTRAP, [host], *args, groups={"docker_hosts": [host.name]})


def test_a_host_with_python_is_left_alone(bookworm):
    assert run(bookworm).check().changes() == []


def test_a_host_without_gets_it_with_the_command_of_its_distribution(docker_host):
    host = docker_host("bookworm", engine=False)
    host.run(["mv", "/usr/bin/python3", "/usr/bin/python3.away"])
    host.run(["tee", "/usr/local/bin/yum"], input=YUM)
    host.run(["chmod", "755", "/usr/local/bin/yum"])
    announced = run(host, "--check")
    assert host.run(["test", "-e", "/usr/bin/python3"], check=False).returncode == 1
    assert announced.rc == 0
    assert len(run(host).check().changes()) == 1
    assert host.run(["/usr/bin/python3", "--version"]).stdout.startswith("Python 3.")
    assert run(host).check().changes() == []


def test_a_host_where_nothing_can_install_it_fails_and_says_so(docker_host):
    host = docker_host("bookworm", engine=False)
    for name in ("python3", "apt-get"):
        host.run(["mv", f"/usr/bin/{name}", f"/usr/bin/{name}.away"])
    result = run(host)
    assert result.rc == 2 and "by hand" in result.stdout
