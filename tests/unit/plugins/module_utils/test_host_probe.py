# SPDX-License-Identifier: GPL-3.0-or-later
"""What is read of this machine's kernel and processes, and of paths that stall."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ansible_collections.containment.docker.plugins.module_utils import _host_probe, _path_probe

COLLECTIONS = Path(_host_probe.__file__).parents[5]
root_only = pytest.mark.skipif(os.geteuid() != 0, reason="not possible here: needs root")


def test_a_process_is_told_apart_from_the_next_one():
    one = _host_probe.process(os.getpid())
    assert one["pid"] == os.getpid() and one["state"] == "R" and one == _host_probe.process(os.getpid())
    age = time.time() - time.mktime(time.strptime(one["started"], "%Y-%m-%dT%H:%M:%SZ")) + time.timezone
    assert -2 < age < 3600 and one["incarnation"].endswith(f"-{os.getpid()}-{one['ticks']}")
    assert _host_probe.process(2**22 + 1) is None


def test_a_name_with_parentheses_does_not_hide_the_state(tmp_path):
    program = tmp_path / "a) T (b"
    program.symlink_to("/bin/sleep")
    with subprocess.Popen([str(program), "9"]) as child:
        try:
            os.kill(child.pid, signal.SIGSTOP)
            deadline = time.monotonic() + 5
            while _host_probe.process(child.pid)["state"] != "T" and time.monotonic() < deadline:
                time.sleep(0.01)
            assert _host_probe.process(child.pid)["state"] == "T"
        finally:
            child.kill()


def test_sockets_that_listen(tmp_path):
    path = str(tmp_path / "s")
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(path)
        assert path not in _host_probe.listening(os.getpid())
        one.listen(1)
        assert _host_probe.listening(os.getpid())[path] is False
    assert path not in _host_probe.listening(os.getpid())
    assert _host_probe.listening(2**22 + 1) == {}


def test_maps_and_programs():
    assert _host_probe.id_map(os.getpid())["uid"][0][0] == 0
    assert _host_probe.id_map(2**22 + 1) is None and _host_probe.program(2**22 + 1) is None
    assert _host_probe.program(os.getpid()) == {"path": os.path.realpath(sys.executable), "replaced": False}


@root_only
def test_shims_are_told_by_their_arguments(tmp_path):
    program = tmp_path / "containerd-shim-runc-v2"
    program.write_text("import time; time.sleep(9)")
    words = ["-namespace", "moby", "-id", "abc", "-address", "/run/c.sock"]
    old = ["-namespace=moby", "-workdir", "/x/moby/def"]
    children = [
        subprocess.Popen(["containerd-shim-runc-v2", str(program), *words], executable=sys.executable),
        subprocess.Popen(["/bin/containerd-shim", str(program), *old], executable=sys.executable),
        subprocess.Popen(["other", str(program), *words], executable=sys.executable),
    ]
    # Another user's process, and what a setuid program looks like: both with arguments that the user chose.
    children += [
        subprocess.Popen(
            ["containerd-shim-runc-v2", "-c", "import time; time.sleep(9)", *words],
            executable="/usr/bin/python3" if os.path.exists("/usr/bin/python3") else sys.executable,
            preexec_fn=lambda uids=uids: os.setresuid(*uids),
        )
        for uids in ((65534, 65534, 65534), (65534, 0, 0))
    ]
    try:
        deadline = time.monotonic() + 5
        while len(_ours(children)) < 2 and time.monotonic() < deadline:
            time.sleep(0.01)
        assert _ours(children) == [
            {"pid": children[0].pid, "id": "abc", "namespace": "moby", "address": "/run/c.sock"},
            {"pid": children[1].pid, "id": "def", "namespace": "moby", "address": ""},
        ]
    finally:
        for child in children:
            child.kill()
            child.wait()


def _ours(children):
    pids = [child.pid for child in children]
    return [one for one in _host_probe.shims() if one["pid"] in pids]


def test_accounts():
    assert _host_probe.account("root") == {"user": "root", "uid": 0, "group": "root", "gid": 0}
    assert _host_probe.account("0", "0") == {"user": "root", "uid": 0, "group": "root", "gid": 0}
    assert _host_probe.account("nobody-of-that-name") == {
        "user": "nobody-of-that-name",
        "uid": None,
        "group": "nobody-of-that-name",
        "gid": None,
    }
    assert _host_probe.account("4000000000", "4000000001") == {
        "user": "4000000000",
        "uid": 4000000000,
        "group": "4000000001",
        "gid": 4000000001,
    }
    assert {_host_probe.account("9" * 20)[kind] for kind in ("uid", "gid")} == {int("9" * 20)}


@pytest.mark.parametrize("name", ["\u00b2", "\u0660", "9" * 5000], ids=["superscript", "arabic", "long"])
def test_other_digits_are_no_number(name, tmp_path):
    assert _host_probe.account(name) == {"user": name, "uid": None, "group": name, "gid": None}
    (tmp_path / (name[:99] + ".1")).mkdir()
    assert _host_probe.numbered_roots(str(tmp_path)) == []


def test_kernel():
    kernel = _host_probe.kernel()
    assert kernel["release"] == os.uname().release and isinstance(kernel["cmdline"], list)
    assert kernel["boot_id"] == Path("/proc/sys/kernel/random/boot_id").read_text().rstrip("\n")
    assert kernel["max_user_namespaces"] is None or kernel["max_user_namespaces"] >= 0


PROBE = """
import sys
from ansible_collections.containment.docker.plugins.module_utils import _host_probe
print(_host_probe.probe_user_namespace(*map(int, sys.argv[1:])))
"""


@root_only
def test_a_user_namespace_can_be_made():
    assert _host_probe.probe_user_namespace(123456, 234567) is None
    before = os.listdir("/proc/self/fd")
    for _round in range(3):
        assert _host_probe.probe_user_namespace() is None
    assert os.listdir("/proc/self/fd") == before
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


@root_only
@pytest.mark.parametrize(
    ("before", "ids", "words"),
    [
        ("echo 0 >/proc/sys/user/max_user_namespaces", ["0", "0"], ["unshare", "No space"]),
        ("true", ["123456", "0"], ["map", "not permitted"]),
    ],
)
def test_why_a_user_namespace_cannot_be_made(before, ids, words):
    # In a user namespace of its own, so that the limit of the machine stays: it has one for each.
    script = f'{before}; exec "$0" -c "$1" {" ".join(ids)}'
    argv = ["unshare", "--user", "--map-root-user", "sh", "-c", script, sys.executable, PROBE]
    place = dict(os.environ, PYTHONPATH=str(COLLECTIONS))
    done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=20, check=False, env=place)
    output = done.stdout.decode()
    assert done.returncode == 0, output
    assert all(word in output for word in words), output


def test_run():
    assert _host_probe.run(["sh", "-c", "echo $LC_ALL; echo b >&2; exit 3"]) == (3, "C\nb")
    assert _host_probe.run(["/nowhere"])[0] is None
    started = time.monotonic()
    rc, cause = _host_probe.run(["sleep", "9"], timeout=0.2)
    assert rc is None and "0.2" in cause and time.monotonic() - started < 3


def test_numbered_roots(tmp_path):
    for name in ("100000.200000", "image", "1.x", "5.6.7"):
        (tmp_path / name).mkdir(mode=0o710)
    (found,) = _host_probe.numbered_roots(str(tmp_path))
    assert found["path"].endswith("100000.200000") and found["mode"] & 0o777 == 0o710
    assert _host_probe.numbered_roots(str(tmp_path / "none")) == []


def test_owners(tmp_path):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    file = closed / "file"
    file.write_text("x")
    link = tmp_path / "link"
    link.symlink_to(file)
    found = _path_probe.owners([str(link), str(tmp_path / "none")])
    one = found[str(link)]
    assert (one["uid"], one["error"]) == (os.getuid(), None)
    assert str(closed) in [parent["path"] for parent in one["blocked"]] and [
        parent["path"] for parent in one["blocked"]
    ] == sorted(parent["path"] for parent in one["blocked"])
    assert "No such file" in found[str(tmp_path / "none")]["error"]


def test_a_path_that_stalls_costs_its_own_answer_alone(monkeypatch):
    look = _path_probe._owner
    monkeypatch.setattr(_path_probe, "_owner", lambda path: time.sleep(9) if path == "/stall" else look(path))
    started = time.monotonic()
    found = _path_probe.owners(["/", "/stall", "/etc", "/usr"], timeout=1.0)
    assert time.monotonic() - started < 3
    assert [found[path]["error"] for path in ("/", "/stall", "/etc", "/usr")] == [None, "no answer in time", None, None]
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


def test_when_all_stall_the_time_is_kept(monkeypatch):
    monkeypatch.setattr(_path_probe, "_owner", lambda path: time.sleep(9))
    started = time.monotonic()
    found = _path_probe.owners([str(number) for number in range(50)], timeout=0.5)
    assert time.monotonic() - started < 2 and len(found) == 50
    assert all(one["error"] and one["uid"] is None for one in found.values())


def test_a_look_that_dies_is_told(monkeypatch):
    def look(path):
        if path == "/killed":
            os.kill(os.getpid(), signal.SIGKILL)
        raise RecursionError("too deep")

    monkeypatch.setattr(_path_probe, "_owner", look)
    found = _path_probe.owners(["/killed", "/deep"])
    assert [found["/killed"]["error"], found["/deep"]["error"]] == ["the look at it was killed", "too deep"]


def test_sizes(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "one").write_bytes(b"x" * 1000)
    os.link(tmp_path / "a" / "one", tmp_path / "two")
    (tmp_path / "three").write_bytes(b"x" * 10)
    (tmp_path / "out").symlink_to("/usr")
    expected = 1010 + len("/usr")
    assert _path_probe.sizes([str(tmp_path)]) == {str(tmp_path): {"size": expected, "error": None}}
    found = _path_probe.sizes([str(tmp_path / "out")])[str(tmp_path / "out")]
    assert found["size"] is None and found["error"]
