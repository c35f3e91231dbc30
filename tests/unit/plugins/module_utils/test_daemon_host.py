# SPDX-License-Identifier: GPL-3.0-or-later
"""`run` is a stand-in for AnsibleModule.run_command here; the integration tests call real engines."""

import fcntl
import grp
import os
import pwd

import pytest

from ansible_collections.containment.docker.plugins.module_utils import _daemon_host, _files, _transaction
from ansible_collections.containment.docker.plugins.module_utils._engine_flags import Service
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError


def answers(rc, out="", err=""):
    def run(words, environ_update):
        run.words, run.environment = words, environ_update
        return rc, out, err

    return run


def test_version():
    assert _daemon_host.version(answers(0, "Docker version 26.1.5+dfsg1, build 411e817\n"), "/x") == "26.1.5+dfsg1"


@pytest.mark.parametrize(
    "rc, out", [(1, "Docker version 1.2.3, build"), (0, ""), (0, "podman version 4"), (0, "Docker version")]
)
def test_no_version(rc, out):
    with pytest.raises(ContainmentError) as caught:
        _daemon_host.version(answers(rc, out, "oh"), "/x/dockerd")
    assert str(caught.value).startswith("/x/dockerd: --version ended with")


def test_validate_passes_the_flags_of_the_next_start():
    run = answers(0, "", "configuration OK")
    _daemon_host.validate(
        run, "/x/dockerd", "/etc/.new", ["-H", "fd://", "--config-file", "/etc/d.json"], "/etc/d.json"
    )
    assert run.words == ["/x/dockerd", "--validate", "--config-file", "/etc/.new", "-H", "fd://"]
    assert run.environment["LC_ALL"] == "C" and "/usr/sbin" in run.environment["PATH"]


def test_validate_tells_the_engines_sentence_without_secrets():
    with pytest.raises(ContainmentError) as caught:
        _daemon_host.validate(
            answers(1, "", "level=info\nfile /etc/.new: bad http://u:p@h\n"), "/x", "/etc/.new", [], "/etc/d.json"
        )
    assert caught.value.cause == "dockerd --validate refuses the new content: file /etc/d.json: bad http://********@h"
    with pytest.raises(ContainmentError) as caught:
        _daemon_host.validate(answers(137), "/x", "/etc/.new", [], "/etc/d.json")
    assert caught.value.cause.endswith("exit code 137")


@pytest.mark.parametrize(
    "number, remap, wanted",
    [
        ((20, 10, 24), "", False),
        ((22, 99, 99), "", False),
        ((23, 0, 0), "nobody-there", True),
        ((25, 0, 17), "nobody-there", True),
        ((26, 0, 0), "nobody-there", False),
        ((26, 0, 0), "", True),
        ((29, 7, 2), "nobody-there:nobody-there", False),
    ],
)
def test_when_to_validate(number, remap, wanted):
    assert _daemon_host.can_validate(number, remap) is wanted


def test_users_groups_and_ranges_have_to_exist(monkeypatch):
    user = pwd.getpwuid(os.getuid())
    group = grp.getgrgid(user.pw_gid).gr_name
    lines = {"/etc/subuid": b"x:1:1\n", "/etc/subgid": user.pw_name.encode() + b":1:1\n"}
    monkeypatch.setattr(_files, "read", lambda path: _files.File(path, lines[path], None, None, None, None, None))
    remaps = [
        user.pw_name + ":" + group,
        f"{user.pw_uid}:{user.pw_gid}",
        user.pw_name + ":nogroup-there",
        user.pw_name + ":4294967294",
    ]
    assert not any(_daemon_host.can_validate((26, 0, 0), remap) for remap in remaps)
    lines["/etc/subuid"] = f"x:1:1\n{user.pw_uid}:1:1\n".encode()
    assert [_daemon_host.can_validate((26, 0, 0), remap) for remap in remaps] == [True, True, False, False]


@pytest.mark.parametrize("remap", ["\u00b2", "root:\u00b2", "a\0b", "root:a\0b", "99999999999999999999", "9" * 5000])
def test_names_that_no_account_can_have(remap):
    assert not _daemon_host.can_validate((26, 0, 0), remap)


def test_the_binary_is_that_of_the_next_start(tmp_path):
    for name in ("unit", "running"):
        (tmp_path / name).write_text("")
        (tmp_path / name).chmod(0o755)
    service = Service("docker.service", "systemd", "", [str(tmp_path / "unit")], [], "")
    engine = {"host": True, "uid": 0, "exe": str(tmp_path / "running")}
    assert _daemon_host.binary([service], [engine]) == str(tmp_path / "unit")
    assert _daemon_host.binary([], [engine]) == str(tmp_path / "running")
    assert _daemon_host.binary([], [dict(engine, host=False)]) != str(tmp_path / "running")
    assert _daemon_host.binary([], [dict(engine, uid=1000)]) != str(tmp_path / "running")
    (tmp_path / "unit").chmod(0o644)
    if os.getuid() != 0:
        assert _daemon_host.binary([service], [engine]) == str(tmp_path / "running")


def test_the_version_before_is_kept_without_the_lock_of_the_files_directory(tmp_path, monkeypatch):
    """An undo takes the lock of the transactions first, then that of the directory: the other way round they would wait
    for each other."""
    path, done = tmp_path / "daemon.json", []
    path.write_bytes(b"{}")

    def record(*_given):
        fd = os.open(str(tmp_path), os.O_RDONLY)
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.close(fd)
        assert path.read_bytes() == b"{}" and done == [b"new"]
        done.append("recorded")

    def check(candidate):
        with open(candidate, "rb") as handle:
            done.append(handle.read())

    monkeypatch.setattr(_transaction, "record", record)
    _daemon_host.write(_files.read(str(path)), b"new", "t", check)
    assert path.read_bytes() == b"new" and done == [b"new", "recorded"]


def test_number():
    assert _daemon_host.number(None) is None and _daemon_host.number("26.1.5+dfsg1") == (26, 1, 5)
