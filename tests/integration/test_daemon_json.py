# SPDX-License-Identifier: GPL-3.0-or-later
"""daemon_json: on a private folder with real kills, errors and a full disk, and on hosts with real engines.

In the first part the module runs as its own process in mounts and processes of its own; no engine is there. In the
second it runs through Ansible on throwaway hosts, with their dockerd, systemd, units and environment files.
"""

import collections
import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.hosts import module
from tests.hosts.private import Private, inject, some

REPOSITORY = Path(__file__).parents[2]
MODULE = REPOSITORY / "plugins/modules/daemon_json.py"
OLD = b'{\r\n\t"icc" : true,\r\n\r\n\t"log-opts" :{"tag":"x"}}'
NEW = b'{\r\n\t"icc" : false,\r\n\r\n\t"log-opts" :{"tag":"x"},\r\n\t"userns-remap" :"dockremap"}'
MERGE = {"icc": False, "userns-remap": "dockremap"}
MOUNTS = """
mount -t tmpfs -o size=256k,mode=755 docker "$1"/etc
mkdir -p /var/lib/containment
mount -t tmpfs -o size=1m,mode=755 containment /var/lib/containment
"""

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="not possible here: mounts and throwaway hosts need root")


# --- a private folder ---


class Place(Private):
    """Mounts of its own. `etc` is the path to the folder of daemon.json from here, `inside` the path that the module is
    given."""

    def __init__(self, folder):
        (folder / "etc").mkdir()
        super().__init__(folder, MOUNTS)
        self.inside = folder / "etc"
        self.etc = self.root / str(self.inside).lstrip("/")
        self.file = self.etc / "daemon.json"

    def given(self, **params):
        return dict({"path": str(self.inside / "daemon.json"), "merge": MERGE, "engine_version": "20.10.24"}, **params)

    def module(self, prefix=(), **params):
        return self.run_module("daemon_json", self.given(**params), prefix)

    def steps(self):
        return self.trace_module("daemon_json", self.given())

    def refusal(self, **params):
        """The message of a refusal, which has to be the same in check mode, and touch nothing."""
        before = self.file.read_bytes() if self.file.exists() else None
        checked, ran = self.module(_ansible_check_mode=True, **params), self.module(**params)
        assert checked["rc"] != 0 and ran["rc"] != 0, (checked, ran)
        assert checked["msg"] == ran["msg"] and "Traceback" not in ran["stderr"]
        assert (self.file.read_bytes() if self.file.exists() else None) == before and self.strays() == []
        return ran["msg"]

    def reset(self, data=OLD):
        for path in [*self.etc.iterdir(), *(self.root / "var/lib/containment").iterdir()]:
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
        if data is not None:
            self.file.write_bytes(data)
            os.chown(self.file, 0, 42)
            self.file.chmod(0o640)
            os.setxattr(self.file, "security.selinux", b"system_u:object_r:container_config_t:s0\0")

    def strays(self):
        return [path.name for path in self.etc.iterdir() if path.name.startswith(".")]

    def transactions(self):
        folder = self.root / "var/lib/containment/transactions"
        return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


@pytest.fixture(scope="module")
def lasting(tmp_path_factory):
    place = Place(tmp_path_factory.mktemp("daemon_json"))
    yield place
    place.close()


@pytest.fixture
def place(lasting):
    lasting.reset()
    yield lasting


def test_check_run_check_again_run_again(place):
    checked = place.module(_ansible_check_mode=True, _ansible_diff=True)
    assert place.file.read_bytes() == OLD and place.strays() == [] and place.transactions() == []
    ran = place.module(_ansible_diff=True)
    stamp = place.file.stat()
    checked_again = place.module(_ansible_check_mode=True)
    ran_again = place.module()

    assert (checked["rc"], checked["changed"]) == (ran["rc"], ran["changed"]) == (0, True)
    assert {**checked, "transaction": 0, "invocation": 0} == {**ran, "transaction": 0, "invocation": 0}
    assert place.file.read_bytes() == NEW
    assert (stamp.st_uid, stamp.st_gid, stamp.st_mode & 0o7777) == (0, 42, 0o640)
    assert os.getxattr(place.file, "security.selinux") == b"system_u:object_r:container_config_t:s0\0"
    assert (ran["changed_keys"], ran["reload_required"], ran["restart_required"]) == (
        ["icc", "userns-remap"],
        False,
        True,
    )
    assert place.transactions() == [ran["transaction"]]
    for again in (checked_again, ran_again):
        assert (again["rc"], again["changed"], again["transaction"], again["restart_required"]) == (
            0,
            False,
            None,
            False,
        )
        assert set(again) == set(ran) and again["before"] == again["after"] == ran["after"]
    assert place.file.stat().st_mtime_ns == stamp.st_mtime_ns and place.file.stat().st_ino == stamp.st_ino


@pytest.mark.parametrize("data", [None, b"", b"\n"])
def test_missing_and_empty_files(place, data):
    place.reset(data)
    checked = place.module(_ansible_check_mode=True, _ansible_diff=True)
    ran = place.module(_ansible_diff=True)
    assert checked["diff"] == ran["diff"] and set(checked) == set(ran)
    assert place.file.read_bytes() == b'{\n  "icc": false,\n  "userns-remap": "dockremap"\n}\n'
    assert place.file.stat().st_mode & 0o7777 == (0o644 if data is None else 0o640)
    assert not place.module()["changed"]


def test_a_missing_folder_is_made(place):
    path = str(place.inside / "new/daemon.json")
    assert place.module(path=path, _ansible_check_mode=True)["changed"] and not (place.etc / "new").exists()
    assert place.module(path=path)["changed"] and (place.etc / "new/daemon.json").exists()


def test_nothing_to_remove_makes_no_file(place):
    place.reset(None)
    assert not place.module(merge={}, remove=["icc"])["changed"] and not place.file.exists()


def test_a_symbolic_link_stays_one(place):
    place.file.rename(place.etc / "real.json")
    place.file.symlink_to("real.json")
    ran = place.module()
    assert place.file.is_symlink() and os.readlink(place.file) == "real.json"
    assert (place.etc / "real.json").read_bytes() == NEW and ran["file"] == str(place.inside / "real.json")


def test_folders_and_fifos_in_its_place_are_refused(place):
    for make in (os.mkdir, os.mkfifo):
        place.reset(None)
        make(place.file)
        checked = place.module(_ansible_check_mode=True)
        assert "is not a regular file" in checked["msg"]
        assert place.module()["msg"] == checked["msg"]


def test_a_folder_that_others_can_write_to_is_refused(place):
    place.etc.chmod(0o777)
    try:
        assert "others can change its content" in place.refusal()
    finally:
        place.etc.chmod(0o755)


@pytest.mark.parametrize(
    "data, words",
    [
        (b'{"icc": true,\n "icc": false}', "line 2, column 2: the key 'icc' stands there a second time"),
        (b'{"icc": true,}', "line 1, column 13: a comma"),
        (b"{\n // off\n}", "line 2, column 2: a comment"),
        (b"\xef\xbb\xbf{}", "line 1, column 1: starts with a byte order mark"),
        (b'{"x": "\xe4"}', "line 1, column 8: byte 0xe4 is not UTF-8"),
        (b"[]", "line 1, column 1: the file has to be one object"),
    ],
)
def test_malformed_files_stay(place, data, words):
    place.reset(data)
    assert place.refusal().startswith(f"{place.inside}/daemon.json, {words}")


@pytest.mark.parametrize(
    "path, words",
    [
        ("/", "/: is the root directory; give the path of the file."),
        ("/etc/a\0b", "holds a character that no path can hold"),
        ("/etc/a\ud800", "holds a character that no path can hold"),
        (
            "/etc/passwd/x",
            "/etc/passwd/x: cannot be read (Not a directory); give a path that leads through directories",
        ),
        ("/etc/" + "n" * 300, "cannot be read (File name too long); give a shorter path"),
    ],
)
def test_paths_of_no_file_are_refused(place, path, words):
    # Where it logs its calls, ansible-core itself ends on what syslog does not take, before the module is asked.
    assert words in place.refusal(path=path, _ansible_no_log=True)


@pytest.mark.parametrize(
    "merge", [{"labels": ["x"]}, {"bip": "nonsense"}, {"default-runtime": "nope"}, {"max-concurrent-downloads": 2**70}]
)
def test_values_that_end_an_engine_without_validate_are_refused(place, merge):
    assert place.refusal(merge=merge).startswith(next(iter(merge)) + ": ")


def test_a_transaction_that_was_taken_back_is_refused(place):
    assert place.module(transaction="t-a")["rc"] == 0
    manifest = place.root / "var/lib/containment/transactions/t-a/manifest.json"
    kept = json.loads(manifest.read_text())
    kept["status"] = "restored"
    manifest.write_text(json.dumps(kept))
    words = "transaction: 't-a' was taken back"
    assert words in place.refusal(transaction="t-a", merge={"icc": True})
    assert "cannot name a directory" in place.refusal(transaction="../t", merge={"icc": True})
    assert place.module(transaction="t-a")["rc"] == 0, "nothing to change needs no transaction"


@pytest.mark.parametrize("letter, word", [("i", "immutable"), ("a", "append-only")])
def test_attributes_are_told(place, letter, word):
    path = place.inside / "daemon.json"
    if place.run(["chattr", f"+{letter}", path], check=False).returncode:
        pytest.skip("not possible here: tmpfs keeps no attributes on this kernel")
    try:
        assert (
            place.refusal()
            == f"{path}: has the {word} flag; find out who set it, then clear it with chattr -{letter} {path}."
        )
        assert place.module(merge={"icc": True})["rc"] == 0, "nothing to change needs no writing"
    finally:
        place.run(["chattr", f"-{letter}", path])


def test_a_read_only_mount_is_told(place):
    place.run(["mount", "-o", "remount,ro", place.inside])
    try:
        assert "lies on a file system mounted read-only" in place.refusal()
        assert place.module(merge={"icc": True})["rc"] == 0
    finally:
        place.run(["mount", "-o", "remount,rw", place.inside])


def test_a_full_disk_leaves_the_file(place):
    with contextlib.suppress(OSError), open(place.etc / "filler", "wb", buffering=0) as filler:
        while True:
            filler.write(bytes(4096))
    ran = place.module()
    assert "could not be replaced and is as it was ([Errno 28] No space left on device); make room" in ran["msg"]
    assert place.file.read_bytes() == OLD and place.strays() == []


def test_a_full_disk_for_the_previous_version_leaves_the_file(place):
    with contextlib.suppress(OSError), open(place.root / "var/lib/containment/filler", "wb", buffering=0) as filler:
        while True:
            filler.write(bytes(4096))
    assert "could not be replaced and is as it was ([Errno 28]" in place.module()["msg"]
    assert place.file.read_bytes() == OLD and place.strays() == []


@pytest.fixture
def steps(place):
    found = place.steps()
    kinds = collections.Counter(call for call, _number in found)
    # The kept versions, the manifest and the file itself: if fewer are seen, the trace is not what it says.
    assert kinds["write"] >= 4 and kinds["renameat"] >= 4 and kinds["fsync"] >= 8, kinds
    return some(found)


def test_killed_at_every_step_the_file_is_the_old_or_the_new_one(place, steps):
    seen = set()
    for call, number in steps:
        place.reset()
        killed = place.module(inject(call, number, "signal=KILL"))
        assert killed["rc"] in (-9, 137), (call, number, killed)
        now = place.file.read_bytes()
        assert now in (OLD, NEW), (call, number, now)
        assert now == OLD or place.transactions(), "the previous version is kept before the file changes"
        seen.add(now)
        again = place.module()
        assert again["rc"] == 0 and again["changed"] == (now == OLD), (call, number, again)
        assert place.file.read_bytes() == NEW and place.strays() == [], (call, number)
        assert place.file.stat().st_mode & 0o7777 == 0o640 and place.file.stat().st_gid == 42
    assert seen == {OLD, NEW}


def test_a_failing_call_at_every_step_is_told_in_a_sentence(place, steps):
    told = 0
    for call, number in steps:
        if call not in ("renameat", "fsync", "fchmod", "fchown", "fsetxattr"):
            continue
        place.reset()
        failed = place.module(inject(call, number, "error=EIO"))
        now = place.file.read_bytes()
        said = (
            "was replaced, but may not outlast a power failure"
            if now == NEW
            else "could not be replaced and is as it was"
        )
        assert failed["rc"] == 1 and f"{said} ([Errno 5]" in failed["msg"], (call, number, failed)
        assert now in (OLD, NEW) and place.strays() == []
        told += 1
    assert told >= 8


def test_two_at_once(place):
    given = [{"merge": {"log-opts": {f"labels{number}": "x"}}, "transaction": f"t{number}"} for number in range(6)]
    place_environment = dict(os.environ, PYTHONPATH=str(REPOSITORY / ".cache/collections"), PYTHONDONTWRITEBYTECODE="1")
    running = []
    for params in given:
        params.update(path=str(place.inside / "daemon.json"), engine_version="20.10.24")
        words = ["nsenter", "--target", str(place.pid), "--mount", "--pid", "--", sys.executable, str(MODULE)]
        process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=place_environment)
        process.stdin.write(json.dumps({"ANSIBLE_MODULE_ARGS": params}).encode())
        process.stdin.close()
        running.append(process)
    results = [json.loads(process.stdout.read().splitlines()[-1]) for process in running]
    for process in running:
        process.wait()
    written = [number for number, result in enumerate(results) if not result.get("failed")]
    assert written, results
    members = json.loads(place.file.read_bytes().decode())["log-opts"]
    # The file is whole, and says what those that did not refuse wrote.
    assert set(members) == {"tag"} | {f"labels{number}" for number in written}
    assert all(
        "was changed by another program meanwhile" in results[number]["msg"] for number in set(range(6)) - set(written)
    )
    assert place.strays() == []


# --- hosts with engines ---

FILE = "/etc/docker/daemon.json"


def daemon_json(host, merge=None, check=False, **params):
    return module(host, "containment.docker.daemon_json", dict(params, merge=merge or {}), check=check, diff=True)


def shell(host, script, check=True, **options):
    return host.run(["sh", "-c", script], check=check, **options)


@pytest.fixture(params=["bookworm", "trixie", "forky"])
def host(request):
    found = request.getfixturevalue(request.param)
    undo = (
        "rm -rf /etc/docker/daemon.json /etc/systemd/system/docker.service.d /srv/t; cp "
        "/etc/default/docker.kept /etc/default/docker; systemctl daemon-reload"
    )
    shell(found, "cp -n /etc/default/docker /etc/default/docker.kept; " + undo)
    yield found
    shell(found, undo + "; systemctl reset-failed docker; systemctl restart docker")


def version_of(host):
    return tuple(
        int(part)
        for part in re.match(r"(\d+)\.(\d+)\.(\d+)", shell(host, "dockerd --version | cut -d' ' -f3").stdout).groups()
    )


def test_on_an_engine(host):
    version = version_of(host)
    checked = daemon_json(host, {"icc": False, "log-opts": {"max-size": "1m"}}, check=True)
    assert not Path(host.root, FILE.lstrip("/")).exists()
    ran = daemon_json(host, {"icc": False, "log-opts": {"max-size": "1m"}})
    assert checked["diff"] == ran["diff"] and checked["validated_by"] == "own checks"
    assert ran["validated_by"].startswith("dockerd " + ".".join(map(str, version))) == (version >= (23, 0, 0))
    assert (
        not daemon_json(host, {"icc": False}, check=True)["changed"]
        and not daemon_json(host, {"icc": False})["changed"]
    )
    shell(host, "systemctl restart docker")
    assert (
        shell(
            host, "docker network inspect bridge --format '{{index .Options \"com.docker.network.bridge.enable_icc\"}}'"
        ).stdout
        == "false\n"
    )


def test_what_dockerd_refuses_is_not_written(host):
    if version_of(host) < (23, 0, 0):
        pytest.skip("this engine cannot validate")
    shell(host, f"echo '{{\"debug\": true}}' > {FILE}")
    ran = daemon_json(host, {"dns-search": ["bad domain"]})
    assert ran["failed"] and "dockerd --validate refuses the new content: " in ran["msg"]
    assert "bad domain" in ran["msg"]
    assert shell(host, f"cat {FILE}; ls -A /etc/docker").stdout == '{"debug": true}\ndaemon.json\n'


def test_flags_are_found_where_they_stand(host):
    assert re.search(
        r"the flag at \S+/systemd/system/docker\.service:\d+ sets \"fd://\"",
        daemon_json(host, {"hosts": ["unix:///run/x.sock"]}, check=True)["msg"],
    )
    shell(host, "printf '# ours\\nDOCKER_OPTS=\"--icc=false\"\\n' > /etc/default/docker")
    assert 'the flag at /etc/default/docker:2 sets "false"' in daemon_json(host, {"icc": False})["msg"]
    drop_in = (
        "[Service]\nExecStart=\nExecStart=/usr/sbin/dockerd --containerd=/run/containerd/containerd.sock --mtu 1400\n"
    )
    shell(
        host,
        "mkdir -p /etc/systemd/system/docker.service.d; cat > /etc/systemd/system/docker.service.d/flags.conf",
        input=drop_in,
    )
    assert (
        "the flag at /etc/systemd/system/docker.service.d/flags.conf:3 sets" in daemon_json(host, {"mtu": 1400})["msg"]
    )
    # With the drop-in the other two are free, and the engine starts with them in the file.
    ran = daemon_json(host, {"hosts": ["unix:///run/other.sock"], "icc": False})
    assert ran["changed"] and ran["restart_required"], ran
    shell(host, "systemctl daemon-reload; systemctl restart docker; docker -H unix:///run/other.sock info")


def test_a_flag_of_the_process_alone_makes_a_reload_a_restart(host):
    shell(
        host,
        "printf 'DOCKER_OPTS=--debug=false\\n' > /etc/default/docker; systemctl restart docker; cp "
        "/etc/default/docker.kept /etc/default/docker",
    )
    ran = daemon_json(host, {"debug": True})
    assert ran["changed"] and ran["restart_required"] and not ran["reload_required"], ran
    # So it is: the engine refuses the reload.
    shell(host, "systemctl reload docker; sleep 0.5")
    assert (
        "specified both as a flag and in the configuration file: debug"
        in shell(host, "journalctl -u docker -n 20 -o cat").stdout
    )
    assert shell(host, "docker info --format '{{.Debug}}'").stdout == "false\n"


def start_engine(host, *before):
    """Start a second dockerd with --raw-logs=false by hand; return its pid on the host."""
    words = [
        *before,
        "/usr/sbin/dockerd",
        "--raw-logs=false",
        "--config-file=/srv/t/d.json",
        "--data-root=/srv/t/data",
        "--exec-root=/srv/t/exec",
        "--pidfile=/srv/t/pid",
        "--host=unix:///srv/t/sock",
        "--bridge=none",
        "--iptables=false",
    ]
    shell(
        host,
        "mkdir -p /srv/t; echo '{}' > /srv/t/d.json; " + " ".join(words) + " >/srv/t/log 2>&1 & echo $! > /srv/t/shell",
    )
    for _attempt in range(100):
        if shell(host, "docker -H unix:///srv/t/sock version", check=False).returncode == 0:
            return shell(host, "pgrep -f '^/usr/sbin/dockerd --raw-logs=false'").stdout.split()[-1]
        time.sleep(0.1)
    raise AssertionError(shell(host, "cat /srv/t/log").stdout)


@pytest.mark.parametrize(
    "before, counts_here",
    [((), True), (("unshare", "--mount"), True), (("unshare", "--mount", "--pid", "--fork", "--mount-proc"), False)],
)
def test_engines_started_by_hand_count_and_nested_ones_do_not(host, before, counts_here):
    pid = start_engine(host, *before)
    try:
        ran = daemon_json(host, {"raw-logs": True}, check=True, path="/srv/t/d.json")
        if counts_here:
            assert f'the flag at running process {pid} sets "false"' in ran["msg"]
        else:
            assert ran["changed"], ran
    finally:
        shell(host, f"kill {pid}; while kill -0 {pid} 2>/dev/null; do sleep 0.1; done; rm -rf /srv/t")


def test_a_reload_does_what_the_result_says(host):
    def debug():
        return shell(host, "sleep 0.7; docker info --format '{{.Debug}}'").stdout == "true\n"

    set_it = daemon_json(host, {"debug": True})
    assert (set_it["reload_required"], set_it["restart_required"]) == (True, False)
    shell(host, "systemctl reload docker")
    assert debug()
    took_out = daemon_json(host, remove=["debug"])
    assert (took_out["reload_required"], took_out["restart_required"]) == (False, True)
    shell(host, "systemctl reload docker")
    assert debug(), "the engine forgot a key on reload: the catalogue is too strict"
    shell(host, "systemctl restart docker")
    assert not debug()


def test_userland_proxy_in_the_file_makes_a_reload_fail_from_25_on(host):
    shell(host, f"echo '{{\"userland-proxy\": true}}' > {FILE}; systemctl restart docker")
    ran = daemon_json(host, {"debug": True})
    shell(host, "systemctl reload docker; sleep 0.7")
    assert ran["reload_required"] == (shell(host, "docker info --format '{{.Debug}}'").stdout == "true\n")


def test_validate_disturbs_nothing_where_the_user_exists(host):
    if version_of(host) < (23, 0, 0):
        pytest.skip("this engine cannot validate")
    shell(
        host,
        "getent passwd remapped >/dev/null || { useradd --system --user-group remapped; for f in "
        "subuid subgid; do echo remapped:2000224256:65536 >> /etc/$f; done; }",
    )
    state = (
        "pidof dockerd; cat /run/docker.pid; stat -c '%n %i %Y' /run/docker.sock /run/docker.pid "
        "/run/docker /var/lib/docker; ls -R /var/lib/docker | sort; ip -br link;"
        "iptables-save | grep -v '^#' | sed 's/\\[.*\\]//'; md5sum /etc/passwd /etc/group "
        "/etc/subuid /etc/subgid; docker info --format '{{.ID}}'"
    )
    before = shell(host, state, check=False).stdout
    ran = daemon_json(
        host,
        {
            "userns-remap": "remapped",
            "data-root": "/srv/elsewhere",
            "exec-root": "/run/elsewhere",
            "pidfile": "/run/elsewhere.pid",
        },
    )
    assert ran["validated_by"].startswith("dockerd "), ran
    assert shell(host, state, check=False).stdout == before
    assert shell(host, "ls -d /srv/elsewhere /run/elsewhere*", check=False).stdout == ""


def test_validate_is_left_out_where_it_would_make_the_user(host):
    ran = daemon_json(host, {"userns-remap": "nobody-there"})
    assert ran["changed"] and (ran["validated_by"] == "own checks" or (23, 0, 0) <= version_of(host) < (26, 0, 0))
    assert shell(host, "getent passwd dockremap nobody-there", check=False).stdout == ""


SAMPLES = {
    "bool": True,
    "string": "x",
    "strings": ["a=b"],
    "map": {"a": "b"},
    "maps": {"bridge": {"a": "b"}},
    "int": 1,
    "ip": "10.0.0.1",
    "ips": ["10.0.0.1"],
    "size": "64M",
    "pools": [{"base": "10.0.0.0/16", "size": 24}],
    "ulimits": {"nofile": {"Name": "nofile", "Hard": 10, "Soft": 10}},
    "bools": {"buildkit": True},
    "cidr": "10.9.0.1/24",
    "builder": {"gc": {"enabled": True}},
    "runtimes": {"x": {"path": "/bin/true"}},
    "proxies": {"http-proxy": "http://h"},
    "nri": {"enable": True},
}
# Names where any string will not do, and what would need certificates or users of its own.
PARTICULAR = {
    "log-level": "info",
    "default-ipc-mode": "private",
    "default-cgroupns-mode": "private",
    "log-format": "json",
    "firewall-backend": "iptables",
    "userns-remap": "",
    "hosts": ["unix:///srv/x"],
    "dns-search": ["example.com"],
    "registry-mirrors": ["https://m.example.com"],
    "exec-opts": ["native.cgroupdriver=cgroupfs"],
    "node-generic-resources": ["a=1"],
    "userland-proxy-path": "/bin/true",
    "userland-proxy": False,
    "fixed-cidr-v6": "fd00::/64",
    "bip6": "fd00::1/64",
    "min-api-version": "1.40",
    "tls": False,
    "tlsverify": None,
}
# 20.10 takes an object it does not know for a group of flags, as long as no member is unknown; what is in it has no
# effect.
PASSED_OVER = {"default-network-opts"}
TRY = """
for file in /srv/keys/*; do
    if dockerd --help | grep -q -- --validate; then said=$(dockerd --validate --config-file $file 2>&1); else
        said=$(timeout 5 dockerd --config-file $file --data-root /proc/none --exec-root /proc/none 2>&1); fi
    echo "$(basename $file .json) $(echo "$said" | grep -c "don't match any configuration option\\|cannot
    unmarshal\\|have been removed")"
done
"""


def test_the_catalogue_is_the_engines(host):
    """Each key of the table, alone in a file: the installed dockerd knows it where the table says so, and takes a value
    of its kind."""
    sys.path.insert(0, str(REPOSITORY / ".cache/collections"))
    from ansible_collections.containment.docker.plugins.module_utils import _daemon_keys

    names = {name: PARTICULAR.get(name, SAMPLES[key.kind]) for name, key in _daemon_keys.KEYS.items()}
    names.update(
        {
            "containerd-plugin-namespace": "x",
            "swarm-raft-heartbeat-tick": 1,
            "default-init": "x",
            "resolv-conf": "x",
            "nonsense": 1,
        }
    )
    shell(host, "rm -rf /srv/keys; mkdir -p /srv/keys")
    for name, value in names.items():
        Path(host.root, "srv/keys", name + ".json").write_text(json.dumps({name: value}))
    refused = dict(line.split() for line in shell(host, TRY).stdout.splitlines())
    shell(host, "rm -rf /srv/keys")
    known = _daemon_keys.known(version_of(host))
    assert {name for name, count in refused.items() if count == "0"} - PASSED_OVER == set(known) - PASSED_OVER
    assert set(refused) == set(names)
