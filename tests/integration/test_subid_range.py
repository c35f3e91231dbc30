# SPDX-License-Identifier: GPL-3.0-or-later
"""subid_range on a private copy of /etc: its own mounts and processes, the machine's own shadow-utils, real kills and a
real full disk.

The module runs as its own process, as the engine's own tools do; only the controller is left out.
"""

import collections
import itertools
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.hosts.private import Private, inject, some

REPOSITORY = Path(__file__).parents[2]
MODULE = REPOSITORY / "plugins/modules/subid_range.py"
FIRST = 2000224256
OLD = b"# kept as it is\n\nbob:100000:65536\nw\xffrd:300000:65536"
NEW = OLD + b"\ndockremap:2000224256:65536\n"
MOUNTS = """
mkdir "$1"/private
mount -t tmpfs -o size=48m,mode=755 etc "$1"/private
cp -a /etc "$1"/private/etc
mount --bind "$1"/private/etc /etc
mkdir -p /var/lib/containment
mount -t tmpfs -o size=1m,mode=755 containment /var/lib/containment
mount -t tmpfs -o mode=755 mail /var/mail
mkdir "$1"/private/home
mount --bind "$1"/private/home /home
rm -f /etc/subuid* /etc/subgid* /etc/.pwd.lock
# Where this machine was hardened it has them.
! getent passwd dockremap > /dev/null || userdel dockremap
! getent group dockremap > /dev/null || groupdel dockremap
useradd --system --user-group dockremap
cp -a /etc/passwd /etc/group /etc/shadow /etc/gshadow "$1"
"""

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0, reason="not possible here: mounts, locks below /etc and useradd need root"
)


class Place(Private):
    """A private /etc. `etc` is the path to it from here."""

    def __init__(self, folder):
        super().__init__(folder, MOUNTS)
        self.etc = self.root / "etc"

    def module(self, prefix=(), python=sys.executable, **params):
        return self.run_module("subid_range", dict({"name": "dockremap"}, **params), prefix, python)

    def steps(self):
        return self.trace_module("subid_range", {"name": "dockremap"})

    def reset(self, subuid=OLD, subgid=OLD):
        """Make both files new, with an owner, a mode and attributes of their own; forget transactions, backups and
        locks.
        """
        for name in ("subuid", "subgid"):
            for path in [*self.etc.glob(f"{name}*"), *self.etc.glob(f".{name}*")]:
                path.unlink()
        for path in (self.root / "var/lib/containment").iterdir():
            shutil.rmtree(path)
        for name, data in (("subuid", subuid), ("subgid", subgid)):
            if data is not None:
                path = self.etc / name
                path.write_bytes(data)
                os.chown(path, 0, 42)
                path.chmod(0o640)
                os.setxattr(path, "security.selinux", b"system_u:object_r:etc_t:s0\0")

    def read(self):
        return tuple((self.etc / name).read_bytes() for name in ("subuid", "subgid"))

    def strays(self):
        names = sorted(path.name for pattern in ("*subuid*", "*subgid*") for path in self.etc.glob(pattern))
        return [name for name in names if name not in ("subuid", "subgid", "subuid-", "subgid-")]


@pytest.fixture(scope="module")
def lasting(tmp_path_factory):
    folder = tmp_path_factory.mktemp("subid_range")
    place = Place(folder)
    yield place
    place.close()


@pytest.fixture
def place(lasting):
    lasting.reset()
    yield lasting
    for name in ("passwd", "group", "shadow", "gshadow"):
        lasting.run(["cp", "-a", lasting.folder / name, f"/etc/{name}"])


def test_a_transaction_that_was_taken_back_is_refused(place):
    assert place.module(transaction="t-a")["rc"] == 0
    manifest = place.root / "var/lib/containment/transactions/t-a/manifest.json"
    kept = json.loads(manifest.read_text())
    kept["status"] = "restored"
    manifest.write_text(json.dumps(kept))
    for check in (True, False):
        refused = place.module(transaction="t-a", state="absent", _ansible_check_mode=check)
        assert refused["rc"] != 0 and "transaction: 't-a' was taken back" in refused["msg"]
    assert place.read() == (NEW, NEW)


@pytest.mark.parametrize(
    "name, words", [("²", "there is no user ²"), ("a\0b", "cannot be a user"), ("mal\ud800", "cannot be a user")]
)
def test_names_that_no_user_can_have_are_told(place, name, words):
    # Where it logs its calls, ansible-core itself ends on what syslog does not take, before the module is asked.
    refused = place.module(name=name, _ansible_no_log=True)
    assert refused["rc"] != 0 and words in refused["msg"] and "Traceback" not in refused["stderr"]
    assert place.read() == (OLD, OLD)


def test_check_run_check_again_run_again(place):
    checked = place.module(_ansible_check_mode=True, _ansible_diff=True)
    assert place.read() == (OLD, OLD)
    assert place.strays() == [] and not (place.etc / "subuid-").exists()
    assert list((place.root / "var/lib/containment").iterdir()) == []
    ran = place.module(_ansible_diff=True)
    checked_again = place.module(_ansible_check_mode=True)
    ran_again = place.module()

    assert (checked["rc"], checked["changed"]) == (ran["rc"], ran["changed"]) == (0, True)
    for key in ("diff", "ranges", "mapping"):
        assert checked[key] == ran[key]
    assert [one["after"] for one in ran["diff"]] == ["dockremap:2000224256:65536\n"] * 2
    assert ran["mapping"] == {
        kind: [{"container_start": 0, "host_start": FIRST, "count": 65536}] for kind in ("uid", "gid")
    }
    assert place.read() == (NEW, NEW)
    assert (place.etc / "subuid-").read_bytes() == (place.etc / "subgid-").read_bytes() == OLD
    info = (place.etc / "subuid").stat()
    assert (info.st_uid, info.st_gid, info.st_mode & 0o7777) == (0, 42, 0o640)
    assert os.getxattr(place.etc / "subuid", "security.selinux") == b"system_u:object_r:etc_t:s0\0"
    assert (place.root / "var/lib/containment/transactions" / ran["transaction"] / "manifest.json").exists()
    for again in (checked_again, ran_again):
        assert (again["rc"], again["changed"], again["diff"], again["transaction"]) == (0, False, [], None)
        assert again["mapping"] == ran["mapping"] and set(again) == set(ran)
    assert place.strays() == []


def test_shadow_utils_read_the_same(place):
    place.module()
    told = place.run(["getsubids", "dockremap"]).stdout + place.run(["getsubids", "-g", "dockremap"]).stdout
    assert told.split() == [b"0:", b"dockremap", b"2000224256", b"65536"] * 2


def test_missing_files_are_made_and_absent_leaves_them_alone(place):
    place.reset(None, None)
    assert place.module(state="absent")["changed"] is False
    assert not (place.etc / "subuid").exists()
    assert place.module()["changed"] is True
    assert place.read() == (b"dockremap:2000224256:65536\n",) * 2
    assert (place.etc / "subgid").stat().st_mode & 0o7777 == 0o644
    assert place.module(state="absent")["changed"] is True
    assert place.read() == (b"", b"")


def test_a_user_to_come_is_foreseen_and_a_missing_one_refused(place):
    checked = place.module(name="tenant", _ansible_check_mode=True)
    assert checked["diff"][0]["after"] == "tenant:2000224256:65536\n"
    failed = place.module(name="tenant")
    assert failed["failed"] and failed["msg"] == "name: there is no user tenant; create the user first."
    assert place.read() == (OLD, OLD)
    place.run(["useradd", "--system", "tenant"])
    assert place.module(name="tenant")["diff"] == checked["diff"]


def test_a_user_by_number(place):
    place.run(["useradd", "--system", "--uid", "777", "tenant"])
    assert place.module(name="777")["diff"][0]["after"] == "tenant:2000224256:65536\n"
    assert "there is no user 778" in place.module(name="778", _ansible_check_mode=True)["msg"]


def test_running_user_namespaces_are_avoided(place):
    holder = subprocess.Popen(
        [
            "nsenter",
            "--target",
            str(place.pid),
            "--mount",
            "--pid",
            "--",
            "unshare",
            "--user",
            "sh",
            "-c",
            "echo up; exec sleep 60",
        ],
        stdout=subprocess.PIPE,
    )
    try:
        holder.stdout.readline()
        inner = Path(f"/proc/{holder.pid}/task/{holder.pid}/children").read_text().split()[0]
        for kind in ("uid", "gid"):
            Path(f"/proc/{inner}/{kind}_map").write_text(f"0 {FIRST} 65536\n")
        assert place.module(_ansible_check_mode=True)["mapping"]["uid"][0]["host_start"] == FIRST + 65536
        refused = place.module(start=FIRST)
        assert "meets ids that process" in refused["msg"] and "(sleep)" in refused["msg"]
        place.reset(NEW, NEW)
        assert place.module()["changed"] is False
        assert "are mapped by process" in place.module(state="absent")["msg"]
        assert place.read() == (NEW, NEW)
    finally:
        os.kill(int(inner), signal.SIGKILL)
        holder.wait(timeout=10)
    assert place.module(state="absent")["changed"] is True


@pytest.mark.parametrize("check", [False, True])
def test_what_is_refused_is_refused_untouched(place, check):
    def refused(**params):
        before = place.read()
        result = place.module(_ansible_check_mode=check, **params)
        assert result["rc"] == 1 and result["failed"] and "Traceback" not in result["stderr"], result
        assert place.read() == before and place.strays() == []
        assert list((place.root / "var/lib/containment").iterdir()) == []
        return result["msg"]

    assert "userns-remap root" in refused(name="root")
    assert "overlaps line 3 (bob:100000:65536)" in refused(start=165535)
    assert "start 1000 is below 65536" in refused(start=1000)
    assert "more than the 340 extents" in refused(
        ranges=[{"start": 70000 + 2 * number, "count": 1} for number in range(341)]
    )
    place.reset(OLD + b"\nbroken:1\n")
    assert "/etc/subuid, line 5: has 2 fields" in refused()
    place.reset(b"dockremap:100000:65536\n", b"dockremap:100000:65536\n")
    assert "allow_move" in refused(start=200000)
    place.reset()
    with (place.etc / "nsswitch.conf").open("a") as handle:
        handle.write("subid: sss\n")
    try:
        assert "subid: sss" in refused()
    finally:
        place.run(["sed", "-i", "/^subid: sss/d", "/etc/nsswitch.conf"])
    (place.etc / "subgid").unlink()
    (place.etc / "subgid").symlink_to("subuid")
    assert "/etc/subgid: is a symbolic link to subuid" in refused()
    place.reset()
    place.run(["chattr", "+i", "/etc/subgid"])
    try:
        assert "/etc/subgid: has the immutable flag" in refused()
    finally:
        place.run(["chattr", "-i", "/etc/subgid"])


def test_a_lock_that_another_program_holds_is_waited_for(place):
    hold = (
        "import fcntl, time; f = open('/etc/.pwd.lock', 'w'); fcntl.lockf(f, fcntl.LOCK_EX); "
        "print('held', flush=True); time.sleep(1.5)"
    )
    holder = subprocess.Popen(
        ["nsenter", "--target", str(place.pid), "--mount", "--pid", "--", sys.executable, "-c", hold],
        stdout=subprocess.PIPE,
    )
    holder.stdout.readline()
    assert place.module()["changed"] is True
    assert holder.wait(timeout=1) == 0


def test_useradd_at_the_same_time(place):
    """Ten real useradd and six runs for six users at once: nobody's line is lost and no two ranges meet."""
    tenants = [f"tenant{number}" for number in range(6)]
    for tenant in tenants:
        place.run(["useradd", "--system", tenant])

    def tenant(name):
        return place.module(name=name, count=1000, align=1, search_min=100000, search_max=524287, transaction=name)

    def user(number):
        words = ["useradd", "--no-create-home", "-K", "SUB_UID_COUNT=1000", "-K", "SUB_GID_COUNT=1000", f"user{number}"]
        result = place.run(words, check=False)
        return {"rc": result.returncode, "msg": result.stderr.decode()}

    place.reset(b"", b"")
    with ThreadPoolExecutor(8) as pool:
        jobs = [
            pool.submit(*job)
            for pair in zip([(user, number) for number in range(6)], [(tenant, name) for name in tenants], strict=True)
            for job in pair
        ]
        jobs += [pool.submit(user, number) for number in range(len(tenants), 10)]
        results = [job.result() for job in jobs]
    assert [result for result in results if result["rc"]] == []
    for data in place.read():
        lines = [line.split(b":") for line in data.splitlines()]
        assert sorted(line[0].decode() for line in lines) == tenants + [f"user{number}" for number in range(10)]
        taken = sorted((int(start), int(start) + int(count)) for _owner, start, count in lines)
        assert all(left[1] <= right[0] for left, right in itertools.pairwise(taken))
    assert place.strays() == []


@pytest.fixture
def calls(place):
    if not shutil.which("strace"):
        pytest.fail("strace is not installed: it kills the module at each step; install it, then run again")
    found = place.steps()
    kinds = collections.Counter(call for call, _number in found)
    # Two locks, two files with two backups, two records of three files: if fewer are seen, the trace is not what it
    # says.
    assert kinds["link"] == 2 and kinds["renameat"] == 10 and kinds["fsync"] >= 22 and kinds["write"] >= 12, kinds
    return some(found)


def test_killed_at_every_step_the_next_run_completes(place, calls):
    states = collections.Counter()
    for call, number in calls:
        if call in ("fchown", "fchmod", "fsetxattr"):
            continue  # Between the write and the fsync of a temporary file: the kill at that fsync shows the same disk.
        place.reset()
        killed = place.module(inject(call, number, "signal=KILL"), transaction="killed")
        assert killed["rc"] in (-9, 137), (call, number, killed)
        state = place.read()
        # The file of uids comes first: never a half one, never gids without uids.
        assert state in ((OLD, OLD), (NEW, OLD), (NEW, NEW)), (call, number, state)
        for name, data in zip(("subuid", "subgid"), state, strict=True):
            if (place.etc / f"{name}-").exists() or data == NEW:
                assert (place.etc / f"{name}-").read_bytes() == OLD, (call, number)
        states[state] += 1
        completed = place.module(transaction="completed")
        assert (completed["rc"], completed["changed"]) == (0, state != (NEW, NEW)), (call, number, completed)
        assert place.read() == (NEW, NEW) and place.strays() == [], (call, number)
        info = (place.etc / "subgid").stat()
        assert (info.st_uid, info.st_gid, info.st_mode & 0o7777) == (0, 42, 0o640), (call, number)
    assert len(states) == 3, states


def test_shadow_utils_take_over_the_locks_of_a_killed_run(place):
    place.module(inject("renameat", 1, "signal=KILL"))
    assert {"subuid.lock", "subgid.lock"} <= set(place.strays())
    place.run(["useradd", "--no-create-home", "newcomer"])
    assert b"newcomer:" in place.read()[0] and "subuid.lock" not in place.strays()


def test_an_error_at_every_step_is_told_and_leaves_old_or_new(place, calls):
    errors = {
        "write": "ENOSPC",
        "fsync": "EIO",
        "renameat": "EIO",
        "link": "ENOSPC",
        "openat": "ENOSPC",
        "mkdir": "ENOSPC",
        "fchown": "EPERM",
        "fchmod": "EPERM",
        "fsetxattr": "ENOSPC",
    }
    told = 0
    for call, number in calls:
        if call not in errors:
            continue
        place.reset()
        failed = place.module(inject(call, number, f"error={errors[call]}"))
        assert failed["rc"] == 1 and failed["failed"] and "Traceback" not in failed["stderr"], (call, number, failed)
        assert re.fullmatch(r"[^\n]+: .+; .+\.", failed["msg"]), failed["msg"]
        state = place.read()
        assert state in ((OLD, OLD), (NEW, OLD), (NEW, NEW)), (call, number, state)
        assert state == (OLD, OLD) or "is written already" in failed["msg"], (call, number, failed["msg"])
        assert place.strays() == [], (call, number)
        assert place.module()["rc"] == 0 and place.read() == (NEW, NEW), (call, number)
        told += 1
    assert told >= 15


@pytest.mark.parametrize("full", ["/etc", "/var/lib/containment"])
def test_a_full_disk(place, full):
    place.run(["sh", "-c", f"cat /dev/zero >{full}/filler"], check=False)
    try:
        failed = place.module()
        assert failed["failed"] and "No space left on device" in failed["msg"], failed
        assert "nothing was changed" in failed["msg"] or "cannot be locked" in failed["msg"]
        assert place.read() == (OLD, OLD) and place.strays() == []
    finally:
        place.run(["rm", f"{full}/filler"])
    assert place.module()["rc"] == 0 and place.read() == (NEW, NEW)


def test_cut_off_between_the_two_files(place):
    place.reset(NEW, OLD)
    completed = place.module(_ansible_diff=True)
    assert [one["after_header"] for one in completed["diff"]] == ["/etc/subgid"]
    assert place.read() == (NEW, NEW)
