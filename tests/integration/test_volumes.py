# SPDX-License-Identifier: GPL-3.0-or-later
"""The role volumes on real engines: directories that containers lost by the switch, there again, and the way back."""

import json

import pytest

from tests.hosts import play

HARDEN, ROLLBACK = "containment.docker.harden", "containment.docker.rollback"
BASE = 2000224256
MAPPED, SHIFTED = "/srv/data", "/opt/data"  # the host's root is an overlay, which cannot be mounted with mapped ids
LEDGER = "/var/lib/containment/volumes.json"


def prepared(host):
    """Two directories of root's with secrets and a setuid file, one of them on a file system that can be mapped."""
    made = "mkdir -m 755 {0} {0}/sub && echo old >{0}/file && chmod 600 {0}/file && cp /bin/true {0}/sub/su"
    made += " && chown 999:998 {0}/sub && chmod 4755 {0}/sub/su"
    parts = ["mount -t tmpfs -o mode=755,nosuid srv /srv", made.format(MAPPED), made.format(SHIFTED)]
    host.run(["sh", "-c", " && ".join(parts)])
    host.import_image()


def run(playbook, host, *args, until=None, **extra_vars):
    groups = {"docker_hosts": [host.name]}
    return play(playbook, [host], *args, groups=groups, extra_vars=extra_vars, until=until)


def metadata(host, root):
    """What a way back has to bring back: owners, modes and times of content of everything in a tree."""
    return sorted(host.run(["find", root, "-printf", "%p %U:%G %m %s %T@\n"]).stdout.splitlines())


def exists(host, *paths):
    return [path for path in paths if host.run(["test", "-e", path], check=False).returncode == 0]


def owner(host, path):
    return host.run(["stat", "-c", "%u", path]).stdout.strip()


def start(host, *binds):
    mounts = [word for bind in binds for word in ("-v", bind)]
    host.run(["docker", "run", "-d", "--name", "web", *mounts, "busybox", "sleep", "infinity"])


def inside(host, path, script, check=True):
    return host.run(["docker", "run", "--rm", "-v", path + ":/data", "busybox", "sh", "-c", script], check=check)


def told(result):
    return [line for task in result.tasks for line in task.result.get("msg") or [] if isinstance(line, str)]


def reasons(result):
    return " ".join(json.dumps(task.result.get("msg", "")) for task in result.tasks if task.status == "failed")


def test_directories_of_containers_come_along_and_back_again(docker_host):
    host = docker_host("trixie")
    prepared(host)
    before = metadata(host, MAPPED) + metadata(host, SHIFTED)
    start(host, MAPPED + ":/a", SHIFTED + ":/b", "/etc:/etc/of-the-host")
    refused = run(HARDEN, host, userns_carry=False, userns_hidden_ok=True)
    assert refused.rc == 2 and SHIFTED in reasons(refused)
    wanted = {"userns_carry": False, "userns_hidden_ok": True, "volumes_used": True, "userns_conflicts_ok": True}
    announced = run(HARDEN, host, "--check", "--diff", **wanted)
    assert announced.rc == 0, announced.stdout
    assert metadata(host, MAPPED) + metadata(host, SHIFTED) == before
    first = run(HARDEN, host, "--diff", **wanted)
    assert first.rc == 0, first.stdout
    assert announced.changes() == first.changes()
    said = "\n".join(told(first))
    assert f"{MAPPED}: is mounted over itself with mapped ids, which programs of the host see too" in said
    assert f"{SHIFTED}: 4 of 4 inodes (" in said and " s, while the engine is stopped (for web)." in said
    assert f"Why it is not mounted with mapped ids: {SHIFTED}: lies on a file system that Linux" in said
    assert "/etc: belongs to the host and stays as it is; web will see it" in said
    assert f"reading and writing {SHIFTED}" in said and f"reading and writing {MAPPED}" in said
    host.import_image()  # into the graph root of the remapped engine
    for path in (MAPPED, SHIFTED):
        ran = inside(host, path, "cat /data/file && stat -c %u:%g:%a /data/sub /data/sub/su && echo new >/data/new")
        assert ran.stdout.split() == ["old", "999:998:755", "0:0:4755"]
    assert owner(host, SHIFTED + "/file") == str(BASE)
    # A second run, whatever names them, finds everything done.
    listed = {"volumes_paths": f"{MAPPED}\n{SHIFTED}\n"}
    second = run(HARDEN, host, **listed)
    assert second.rc == 0 and second.changes() == [], second.stdout

    for path in (MAPPED, SHIFTED):
        inside(host, path, "rm /data/new")
    checked = run(ROLLBACK, host, "--check", volumes_privileges="keep")
    back = run(ROLLBACK, host, volumes_privileges="keep")
    assert back.rc == 0, back.stdout
    assert checked.changes() == back.changes()
    assert exists(host, LEDGER) == [] and host.run(["findmnt", MAPPED], check=False).returncode
    # Else the next switch would take it for shifted.
    assert host.run(["python3", "-c", f"import os; print(os.listxattr('{SHIFTED}'))"]).stdout == "[]\n"
    # But for the time of change of the directories in which files were made and removed.
    after = metadata(host, MAPPED) + metadata(host, SHIFTED)
    assert [line for line in after if line.split()[0] not in (MAPPED, SHIFTED)] == [
        line for line in before if line.split()[0] not in (MAPPED, SHIFTED)
    ]
    host.run(["docker", "start", "web"])
    assert host.run(["docker", "exec", "web", "cat", "/a/file", "/b/file"]).stdout == "old\nold\n"


def test_an_engine_that_does_not_come_back_gets_its_directories_back(docker_host):
    host = docker_host("trixie")
    prepared(host)
    start(host, MAPPED + ":/a", SHIFTED + ":/b")
    before = metadata(host, MAPPED) + metadata(host, SHIFTED)
    line = "ExecStartPre=/bin/sh -c '! grep -qs userns-remap /etc/docker/daemon.json'"
    host.run(["mkdir", "-p", "/etc/systemd/system/docker.service.d"])
    host.run(["tee", "/etc/systemd/system/docker.service.d/test.conf"], input=f"[Service]\n{line}\n")
    host.run(["systemctl", "daemon-reload"])
    wanted = {"volumes_paths": [MAPPED, SHIFTED], "userns_carry": False, "userns_hidden_ok": True, "engine_timeout": 20}
    result = run(HARDEN, host, **wanted)
    assert result.rc == 2 and "previous configuration again, proven with a container" in reasons(result), reasons(
        result
    )
    assert metadata(host, MAPPED) + metadata(host, SHIFTED) == before
    assert exists(host, LEDGER) == [] and host.run(["findmnt", MAPPED], check=False).returncode
    assert host.run(["docker", "inspect", "--format", "{{.HostConfig.UsernsMode}}", "web"]).stdout.strip() == ""


def test_the_role_alone_stops_a_remapped_engine_for_what_its_containers_use_when_it_may(docker_host, tmp_path):
    host = docker_host("bookworm", init="script")
    prepared(host)
    assert run(HARDEN, host, userns_carry=False, userns_hidden_ok=True).rc == 0
    host.import_image()
    book = tmp_path / "book.yml"
    role = {"role": "containment.docker.volumes", "vars": {"volumes_method": "shift"}}
    book.write_text(json.dumps([{"hosts": "all", "gather_facts": False, "roles": [role]}]))
    pid = host.run(["cat", "/run/docker.pid"]).stdout
    unused = play(str(book), [host], extra_vars={"volumes_paths": MAPPED}).check()
    assert f"{MAPPED}: 4 of 4 inodes" in "\n".join(told(unused))
    assert inside(host, MAPPED, "cat /data/file").stdout == "old\n"
    assert host.run(["cat", "/run/docker.pid"]).stdout == pid
    assert play(str(book), [host], extra_vars={"volumes_paths": MAPPED}).check().changes() == []

    mounts = ["-v", SHIFTED + ":/data", "--restart", "always"]
    host.run(["docker", "run", "-d", "--name", "web", *mounts, "busybox", "sleep", "infinity"])
    both = {"volumes_paths": [MAPPED, SHIFTED]}
    refused = play(str(book), [host], extra_vars=both)
    assert refused.rc == 2 and "volumes_stop_ok: is false" in reasons(refused)
    assert owner(host, SHIFTED + "/file") == "0" and host.run(["cat", "/run/docker.pid"]).stdout == pid
    both["volumes_stop_ok"] = True
    told_before = play(str(book), [host], "--check", extra_vars=both).check()
    done = play(str(book), [host], extra_vars=both).check()
    assert told_before.changes() == done.changes() and host.run(["cat", "/run/docker.pid"]).stdout != pid
    assert host.run(["docker", "exec", "web", "cat", "/data/file"]).stdout == "old\n"
    # Each run is one to take back.
    assert run(ROLLBACK, host, volumes_privileges="keep").rc == 0
    assert [owner(host, path + "/file") for path in (MAPPED, SHIFTED)] == [str(BASE), "0"]
    assert run(ROLLBACK, host).rc == 0 and owner(host, MAPPED + "/file") == "0"
    assert "4755" not in host.run(["stat", "-c", "%a", MAPPED + "/sub/su"]).stdout


@pytest.mark.parametrize(
    "variables, words",
    [
        ({"volumes_paths": ["srv/data"]}, "volumes_paths: 'srv/data' is no absolute path"),
        ({"volumes_paths": ["/srv/none"]}, "No such file"),
        ({"volumes_paths": ["/etc"]}, "/etc: belongs to the system"),
        ({"volumes_paths": [SHIFTED], "volumes_method": "idmap"}, "lies on a file system that Linux"),
        ({"volumes_method": "chown"}, "value of volumes_method must be one of"),
    ],
)
def test_refusals_in_words(trixie, variables, words):
    trixie.run(["mkdir", "-p", SHIFTED])
    for mode in ([], ["--check"]):
        result = run(HARDEN, trixie, *mode, **variables)
        assert result.rc == 2 and words in reasons(result), reasons(result)
    assert exists(trixie, "/etc/docker/daemon.json", LEDGER) == []


def test_a_tree_that_is_gone_or_cannot_follow_leaves_the_engine_running(docker_host):
    host = docker_host("trixie")
    prepared(host)
    other = "/opt/other"
    host.run(["cp", "-a", SHIFTED, other])
    paths = {"volumes_paths": [SHIFTED, other], "userns_carry": False, "userns_hidden_ok": True}
    assert run(HARDEN, host, **paths).rc == 0
    host.run(["rm", "-r", other])
    host.run(["mount", "--bind", SHIFTED, SHIFTED])
    host.run(["mount", "-o", "remount,bind,ro", SHIFTED])
    pid = host.run(["cat", "/run/docker.pid"]).stdout
    refused = run(ROLLBACK, host)
    assert refused.rc == 2 and "mounted read-only" in refused.stdout
    assert host.run(["cat", "/run/docker.pid"]).stdout == pid and exists(host, LEDGER) == [LEDGER]
    host.run(["umount", SHIFTED])
    assert run(ROLLBACK, host).rc == 0 and owner(host, SHIFTED + "/file") == "0"


WORKER = "[m]odule_utils._shift_worker"  # So that who asks for it is not found by it.


def many(host, path):
    """A tree that takes a shift some time, with a setuid file in each directory."""
    script = f"""
import os, pathlib
root = pathlib.Path("{path}")
for number in range(600):
    folder = root / str(number)
    folder.mkdir(parents=True)
    for name in range(100):
        (folder / str(name)).touch()
    (folder / "su").touch()
    (folder / "su").chmod(0o4755)
"""
    host.run(["python3", "-c", script])


def owners(host, path):
    """How many inodes of a tree belong to whom."""
    found = host.run(["find", path, "-printf", "%U\n"]).stdout.split()
    return {one: found.count(one) for one in set(found)}


def frozen(host):
    """Whether the process that shifts while the engine is stopped was found in the middle, and is stopped.

    It is stopped before it is looked at: it would be done meanwhile, or another one begin.
    """
    far = "grep -q '\"inodes\": [0-9]....' /run/containment/volume_chown/progress"
    middle = f"{far} && ! systemctl is-active -q docker"
    script = f"pkill -STOP -f {WORKER} && {{ {middle} || {{ pkill -CONT -f {WORKER}; false; }}; }}"
    return host.run(["sh", "-c", script], check=False).returncode == 0


def killed(playbook, host, **extra_vars):
    """Run a playbook until it shifts while the engine is stopped; kill it and stop the process that shifts."""
    result = run(playbook, host, until=lambda: frozen(host), **extra_vars)
    assert result.rc < 0, result.stdout
    assert len(owners(host, SHIFTED)) == 2 and host.run(["systemctl", "is-active", "docker"], check=False).returncode


def end_worker(host):
    host.run(["pkill", "-KILL", "-f", WORKER])


def test_a_run_that_was_killed_is_finished_before_the_engine_is_started(docker_host):
    host = docker_host("trixie")
    many(host, SHIFTED)
    host.import_image()
    start(host, SHIFTED + ":/b")
    host.run(["docker", "update", "--restart", "always", "web"])
    before = metadata(host, SHIFTED)
    wanted = {"userns_carry": False, "userns_hidden_ok": True, "volumes_used": True}
    killed(HARDEN, host, **wanted)
    # As long as that process is there and does not answer, nothing goes on, and no engine meets the tree.
    refused = run(HARDEN, host, **wanted)
    assert refused.rc == 2 and f"another shift, of {SHIFTED}, was left alone and does not end" in refused.stdout
    assert host.run(["systemctl", "is-active", "docker"], check=False).returncode
    end_worker(host)
    announced = run(HARDEN, host, "--check", **wanted)
    finished = run(HARDEN, host, **wanted)
    assert finished.rc == announced.rc == 0, finished.stdout
    names = [name.rpartition(" : ")[2] for name, _host in finished.changes()]
    assert names.index("Finish shifts that were interrupted") < names.index("Start the engine"), names
    assert set(owners(host, SHIFTED)) == {str(BASE)} and run(HARDEN, host, **wanted).changes() == []

    # A rollback that is killed is finished by a rollback alone.
    killed(ROLLBACK, host, volumes_privileges="keep")
    end_worker(host)
    for mode in ([], ["--check"]):
        refused = run(HARDEN, host, *mode, **wanted)
        assert refused.rc == 2 and "was interrupted; finish it with the rollback playbook" in reasons(refused)
        assert host.run(["systemctl", "is-active", "docker"], check=False).returncode
    assert run(ROLLBACK, host, volumes_privileges="keep").rc == 0
    assert metadata(host, SHIFTED) == before
    assert host.run(["docker", "exec", "web", "true"]).returncode == 0


def test_a_run_that_was_killed_is_taken_back_with_all_its_bits(docker_host):
    """No container of the new mapping ever ran: what has setuid bits had them before."""
    host = docker_host("trixie")
    many(host, SHIFTED)
    host.import_image()
    start(host, SHIFTED + ":/b")
    before = metadata(host, SHIFTED)
    killed(HARDEN, host, userns_carry=False, userns_hidden_ok=True, volumes_paths=[SHIFTED])
    end_worker(host)
    assert run(ROLLBACK, host).rc == 0
    assert metadata(host, SHIFTED) == before and exists(host, LEDGER) == []
