# SPDX-License-Identifier: GPL-3.0-or-later
"""volume_chown on real trees: what it keeps, what it never touches, and what a kill at any point leaves behind.

The module runs as its own process, as the controller would start it; only the controller is left out.
"""

import collections
import json
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.hosts import module as on_host
from tests.hosts import play
from tests.hosts.private import Private
from tests.integration.trees import (
    ACL,
    APPEND,
    BASE,
    CAPABILITY,
    DEFAULT_ACL,
    IMMUTABLE,
    LIBRARY,
    MAPPING,
    acl,
    capability,
    flags,
    make_tree,
    run_module,
    snapshot,
    snapshot_shifted,
    write,
)

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="not possible here: chown needs root")


def module(check=False, **params):
    return run_module("volume_chown", check, **params)


def shift(root, **params):
    """Run the module on one tree, into MAPPING where nothing else is said; return the tree's result."""
    if not {"source", "target"} & set(params):
        params["target"] = MAPPING
    done = module(paths=[str(root)], **params)
    assert done["rc"] == 0, done
    return done["trees"][0]


@pytest.fixture
def tree(tmp_path):
    root = tmp_path / "tree"
    make_tree(root)
    yield root
    for path in [root, *root.rglob("*")] if root.exists() else []:
        if stat.S_ISREG(path.lstat().st_mode) or stat.S_ISDIR(path.lstat().st_mode):
            flags(path, flags(path) & ~(IMMUTABLE | APPEND))


def test_everything_goes_in_and_comes_back_byte_for_byte(tree):
    before = snapshot(tree)
    checked = shift(tree, check=True)
    assert snapshot(tree) == before
    ran = shift(tree)
    inside = snapshot(tree)
    assert inside == snapshot_shifted(before)
    again, checked_again = shift(tree), shift(tree, check=True)
    out = {"source": MAPPING, "privileges": "keep"}
    checked_out, back = shift(tree, check=True, **out), shift(tree, **out)

    assert checked == ran and checked_out == back
    assert (again["changed"], checked_again["changed"]) == (0, 0)
    assert snapshot(tree) == before
    assert ran["inodes"] == back["inodes"] == len({os.lstat(path).st_ino for path in [tree, *tree.rglob("*")]})
    # foreign is the one inode that keeps both ids; shared/plain got its ACL from the directory.
    assert ran["changed"] == ran["inodes"] - 1
    assert {Path(path).name for path in ran["unmapped"]["first"]} == {"foreign", "half", "plain", "shared"}
    assert ran["unmapped"]["count"] == 4 and ran["links"]["count"] == 0


# By which a walk changes a tree: what a kill leaves behind is what one at the entry to one of these leaves, or at none.
CHANGES = "lchown,chown,fchown,fchownat,chmod,fchmodat,setxattr,lsetxattr,fsetxattr,removexattr,ioctl,rename,unlink"
WORKER = "ansible_collections.containment.docker.plugins.module_utils._shift_worker"


def small_tree(root):
    root.mkdir()
    write(root / "bin", b"#!", (0, 0), 0o4755, caps=capability(), acl=acl((2, 33)))
    write(root / "plain", b"x", (5, 5))
    (root / "below").mkdir()
    os.setxattr(root / "below", DEFAULT_ACL, acl((2, 1000)))
    write(root / "below/sgid", b"#!", (70000000, 50), 0o2755)
    for path in [root, *root.rglob("*")]:
        os.utime(path, ns=(1500000000123456789, 1400000000987654321))


def scratched():
    """A mapping of which id 2 is both what 0 becomes and what becomes another."""
    extents = [(0, 2, 1), (1, BASE + 1, 65535)]
    keys = ("container_start", "host_start", "count")
    return {"mapping": {kind: [dict(zip(keys, extent, strict=True)) for extent in extents] for kind in ("uid", "gid")}}


KILLED = {
    "in": {"target": MAPPING},
    "out": {"source": MAPPING, "privileges": "keep"},
    "drop": {"source": MAPPING, "privileges": "drop"},
    "flags": {"target": MAPPING, "clear_flags": True},
    "marker": {"target": MAPPING, "marker": True},
    "scratch": {"target": scratched(), "scratch_start": 2100000000, "privileges": "keep"},
}


def prepared(root, way):
    small_tree(root)
    if "source" in KILLED[way]:
        shift(root)
    if way == "flags":
        for name in ("bin", "below", "."):
            flags(root / name, flags(root / name) | IMMUTABLE)


def killed_points(root, folder, params):
    """Run a shift and return [(system call, number)] by which it changed what is on the disk."""
    trace = folder / "trace"
    done = worker(root, folder, params, ["strace", "-f", "-o", str(trace), "-e", f"trace={CHANGES}"])
    assert done.returncode == 0, done.stderr
    seen, found = collections.Counter(), []
    for call, arguments in re.findall(r"^\d+ +(\w+)\((.*)", trace.read_text(), re.MULTILINE):
        seen[call] += 1
        if call != "ioctl" or "SETFLAGS" in arguments:
            found.append((call, seen[call]))
    return found


def worker(root, folder, params, prefix=(), write=True):
    """Run the process that shifts, as the module starts it; prefix: words such as strace's."""
    # What the module would have asked it for.
    sys.path.insert(0, str(LIBRARY))
    from ansible_collections.containment.docker.plugins.module_utils import _job, _shift_plan

    empty = {"user": None, "mapping": None}
    sides = {key: dict(empty, **params[key]) if key in params else None for key in ("source", "target")}
    shifts = _shift_plan.shifts(sides["source"], sides["target"], None)
    fd = os.open(root, os.O_RDONLY)
    request = {
        "job": "t",
        "name": _shift_plan.digest(shifts, [True, False]),
        "trees": [{"fd": fd, "path": str(root)}],
        "shifts": {kind: one.as_lists() for kind, one in shifts.items()},
        "scratch": _shift_plan.scratch(shifts, params.get("scratch_start"), lambda: {"uid": [], "gid": []}),
        "marker": params.get("marker", False),
        "xattrs": True,
        "cross": False,
        "unlock": params.get("clear_flags", False),
        "privileges": params.get("privileges"),
        "write": write,
        "shown": 20,
    }
    (folder / "request").write_text(json.dumps(request))
    (folder / "lease").touch()
    try:
        return subprocess.run(
            [*prefix, sys.executable, "-I", "-S", "-B", "-c", _job.START, str(LIBRARY), WORKER, str(folder)],
            capture_output=True,
            check=False,
            pass_fds=[fd],
        )
    finally:
        os.close(fd)


def direct(root, folder, params, write):
    """Run it to its end; return what it tells of the tree."""
    done = worker(root, folder, params, write=write)
    assert done.returncode == 0, done.stderr
    result = json.loads((folder / "result").read_text())
    assert result["failure"] is None, result
    return result["trees"][0]


def unlock(root):
    for path in [root, *root.rglob("*")]:
        if not path.is_symlink() and (path.is_file() or path.is_dir()):
            flags(path, flags(path) & ~(IMMUTABLE | APPEND))


@pytest.mark.parametrize("way", KILLED)
def test_a_kill_anywhere_is_made_good_by_the_next_run(way, tmp_path):
    params, root, folder = KILLED[way], tmp_path / "tree", tmp_path / "job"
    folder.mkdir(mode=0o700)
    prepared(root, way)
    points = killed_points(root, folder, params)
    whole, told = snapshot(root), {str(path): flags(path) for path in root.rglob("*")}
    assert len(points) >= 8 and shift(root, **params)["changed"] == 0
    for call, number in points:
        unlock(root)
        shutil.rmtree(root)
        prepared(root, way)
        inject = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}"]
        killed = worker(root, folder, params, [*inject, "-e", f"inject={call}:signal=KILL:when={number}"])
        assert killed.returncode == -signal.SIGKILL, (call, number, killed)
        checked, ran = (dict(direct(root, folder, params, write), bytes=0, seconds=0) for write in (False, True))
        assert snapshot(root) == whole, (call, number)
        assert {str(path): flags(path) for path in root.rglob("*")} == told, (call, number)
        assert checked == ran, (call, number)
    assert shift(root, **params)["changed"] == 0
    unlock(root)


# Exchanges what lies at two paths, as fast as it can, until it is ended (renameat2(2), RENAME_EXCHANGE).
ATTACKER = """
import ctypes, os, platform, sys
number = {"x86_64": 316, "aarch64": 276}[platform.machine()]
call, one, other = ctypes.CDLL(None).syscall, *map(os.fsencode, sys.argv[1:])
print("ready", flush=True)
while True:
    assert call(number, -100, one, -100, other, 2) == 0
"""
# Shifts in and out in turn, for some seconds, as the process that shifts does; prints what it did.
VICTIM = """
import os, sys, time
sys.path.insert(0, sys.argv[1])
from ansible_collections.containment.docker.plugins.module_utils import _shift_map, _shift_walk, _tree
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError
mapping = [(0, 2000224256, 65536)]
ways = [(_shift_map.IDENTITY, mapping), (mapping, _shift_map.IDENTITY)]
counts = {"walks": 0, "changed": 0, "vanished": 0, "errors": 0, "refused": 0}
end = time.monotonic() + float(sys.argv[3])
while time.monotonic() < end:
    for source, target in ways:
        shifts = dict.fromkeys(_shift_map.KINDS, _shift_map.Shift.between(source, target))
        try:
            tree = _tree.open_tree(sys.argv[2])
        except (ContainmentError, FileNotFoundError, NotADirectoryError):
            counts["refused"] += 1
            continue
        order = _shift_walk.Order(shifts, True, False, True, "keep", True, 5, True)
        walk = _shift_walk.Walk(tree, order, [], {}, lambda inodes, part: None)
        walk.run(b"begun x", False)
        os.close(tree.fd)
        counts["walks"] += 1
        counts["changed"] += walk.changed
        counts["vanished"] += walk.vanished.count
        counts["errors"] += walk.errors.count
print(counts)
"""
SECONDS = float(os.environ.get("CONTAINMENT_ATTACK_SECONDS", "3"))


@pytest.fixture
def outside(tmp_path):
    """What must never change: the same names as inside, each worth being changed."""
    folder = tmp_path / "outside"
    folder.mkdir()
    for name in ("bin", "caps", "acl", "plain"):
        (folder / name).parent.mkdir(exist_ok=True)
    write(folder / "bin", b"#!", (0, 0), 0o4755)
    write(folder / "caps", b"x", (0, 0), 0o755, caps=capability())
    write(folder / "acl", b"x", (0, 0), 0o640, acl=acl((2, 33), (8, 44)))
    write(folder / "plain", b"x", (1000, 1000))
    (folder / "below").mkdir()
    os.setxattr(folder / "below", DEFAULT_ACL, acl((2, 1000)))
    return folder


ENTRIES = {
    # What is exchanged with a link to what: a directory on the way, the root itself, a file of each sort.
    "directory": ("tree/a", "outside"),
    "below": ("tree/a/below", "outside/below"),
    "root": ("tree", "outside"),
    "setuid": ("tree/a/bin", "outside/bin"),
    "capability": ("tree/a/caps", "outside/caps"),
    "acl": ("tree/a/acl", "outside/acl"),
    "plain": ("tree/a/plain", "outside/plain"),
}


@pytest.mark.parametrize("entry", ENTRIES)
def test_links_that_are_exchanged_with_what_is_inside_lead_nowhere(entry, tmp_path, outside):
    inside, target = ENTRIES[entry]
    root = tmp_path / "tree"
    root.mkdir()
    tmp_path.chmod(0o777)  # Others could do this: links here are not followed.
    shutil.copytree(outside, root / "a")
    small = outside / "below"
    for name in ("bin", "caps", "acl", "plain"):
        (root / "a" / name).unlink()
    write(root / "a/bin", b"#!", (0, 0), 0o4755)
    write(root / "a/caps", b"x", (0, 0), 0o755, caps=capability())
    write(root / "a/acl", b"x", (0, 0), 0o640, acl=acl((2, 33), (8, 44)))
    write(root / "a/plain", b"x", (1000, 1000))
    assert small.is_dir()
    for number in range(40):
        write(root / "a/below" / f"file{number}", b"x", (number, number))
    (tmp_path / "swap").symlink_to(tmp_path / target)
    before = snapshot(outside)
    words = [sys.executable, "-c", ATTACKER, str(tmp_path / inside), str(tmp_path / "swap")]
    attacker = subprocess.Popen(words, stdout=subprocess.PIPE)
    try:
        assert attacker.stdout.readline() == b"ready\n"
        done = subprocess.run(
            [sys.executable, "-B", "-c", VICTIM, str(LIBRARY), str(root), str(SECONDS)],
            capture_output=True,
            check=False,
            text=True,
        )
        assert attacker.poll() is None
    finally:
        attacker.kill()
        attacker.wait()
    print(entry, done.stdout)
    assert done.returncode == 0, done.stderr
    counts = json.loads(done.stdout.replace("'", '"'))
    assert counts["walks"] > 10 and counts["changed"] > 10, counts
    assert snapshot(outside) == before


def test_immutable_files_stay_unless_their_flags_may_be_cleared(tree):
    for name, flag in (("bin/setuid", IMMUTABLE), ("shared", APPEND), ("shared/plain", APPEND)):
        flags(tree / name, flags(tree / name) | flag)
    checked, ran = shift(tree, check=True), shift(tree)
    assert checked == ran and ran["locked"]["count"] == 3 and ran["errors"]["count"] == 0
    told = module(paths=[str(tree)], target=MAPPING)
    words = json.dumps(told["warnings"])
    assert not told["changed"] and "3 inodes" in words and "set clear_flags: true" in words
    checked, ran = shift(tree, check=True, clear_flags=True), shift(tree, clear_flags=True)
    assert checked == ran and (ran["changed"], ran["locked"]["count"]) == (3, 0)
    assert flags(tree / "bin/setuid") & IMMUTABLE and flags(tree / "shared") & APPEND
    info = (tree / "bin/setuid").stat()
    assert (info.st_uid, info.st_mode & 0o7777) == (BASE, 0o4755)
    assert not Path("/var/lib/containment/cleared_flags.json").exists()


def test_an_immutable_root_keeps_what_could_not_be_made_good_after_a_kill(tree):
    flags(tree, flags(tree) | IMMUTABLE)
    checked, ran = shift(tree, check=True), shift(tree)
    assert checked == ran and ran["errors"]["count"] == 0
    assert {Path(path).name for path in ran["locked"]["first"]} - {"again", "setuid"} == {
        *("tree", "setgid", "both", "locks", "caps", "caps3", "half"),
    }
    shift(tree, clear_flags=True)
    assert shift(tree)["changed"] == 0 and flags(tree) & IMMUTABLE


def test_rights_of_the_hosts_own_ids_are_asked_for(tree):
    shift(tree)
    refused = module(paths=[str(tree)], source=MAPPING)
    assert refused["rc"] and "say in privileges whether to keep or drop them" in refused["msg"]
    left = refused["trees"][0]
    # locks has a bit that gives no rights, half one of an owner who stays.
    names = {Path(path).name for path in left["privileged"]["first"]}
    assert names - {"again"} | {"setuid"} == {"setuid", "setgid", "both", "caps", "caps3"}
    assert left["privileged"]["count"] == 5
    assert (tree / "bin/setuid").stat().st_uid == BASE and (tree / "shared/plain").stat().st_uid == 65535
    checked = shift(tree, check=True, source=MAPPING, privileges="drop")
    ran = shift(tree, source=MAPPING, privileges="drop")
    assert checked == ran and ran["dropped"] == ran["changed"] == 5
    for name in ("setuid", "setgid", "both", "caps", "caps3"):
        info = (tree / "bin" / name).stat()
        assert info.st_uid < 65536 and not info.st_mode & 0o6000
        assert CAPABILITY not in os.listxattr(tree / "bin" / name)


def test_without_xattrs_bits_are_kept_all_the_same(tree):
    ran = shift(tree, xattrs=False)
    assert ran["changed"] == ran["inodes"] - 1
    assert (tree / "bin/setuid").stat().st_mode & 0o7777 == 0o4755
    assert CAPABILITY not in os.listxattr(tree / "bin/caps")
    assert os.getxattr(tree / "shared/acl", ACL) == acl((2, 1), (2, 2), (8, 3))


def test_one_owner_for_all(tree):
    params = {"target": {"owner": {"uid": 60000, "gid": 60001}}, "privileges": "drop"}
    checked, ran = shift(tree, check=True, **params), shift(tree, **params)
    assert checked == ran and ran["changed"] == ran["inodes"]
    assert {(path.lstat().st_uid, path.lstat().st_gid) for path in [tree, *tree.rglob("*")]} == {(60000, 60001)}
    assert shift(tree, **params)["changed"] == 0


def test_from_one_mapping_to_another(tree):
    other = json.loads(json.dumps(MAPPING).replace(str(BASE), "2100000000"))
    before = snapshot(tree)
    shift(tree)
    ran = shift(tree, source=MAPPING, target=other)
    assert ran["changed"] == ran["inodes"] - 1 and (tree / "bin/setgid").stat().st_uid == 2100001000
    shift(tree, source=other, privileges="keep")
    assert snapshot(tree) == before


def test_ids_that_are_of_both_sides_go_through_a_scratch_range(tree):
    before = snapshot(tree)
    refused = module(paths=[str(tree)], target=scratched(), privileges="keep")
    assert refused["rc"] and "uid 0 becomes 2, and 2 becomes 2000224258" in refused["msg"]
    params = {"scratch_start": 2100000000, "privileges": "keep"}
    checked, ran = shift(tree, check=True, target=scratched(), **params), shift(tree, target=scratched(), **params)
    assert checked == ran and ran["changed"] == ran["inodes"] - 1
    assert (tree / "fifo").stat().st_uid == BASE + 2 and (tree / "bin/setuid").stat().st_uid == 2
    again = shift(tree, target=scratched(), **params)
    assert (again["changed"], again["marked"]) == (0, True)
    shift(tree, source=scratched(), **params)
    os.removexattr(tree, "trusted.containment.shift")
    assert snapshot(tree) == before


def test_a_marker_is_believed(tree):
    ran = shift(tree, marker=True)
    assert not ran["marked"] and ran["changed"]
    write(tree / "new", b"x", (0, 0))
    again = shift(tree, marker=True)
    assert (again["marked"], again["inodes"], again["changed"]) == (True, 0, 0)
    # Another shift, or one that does not ask for it, looks at everything, and what is said at the root goes with it.
    assert shift(tree)["changed"] == 1
    shift(tree, source=MAPPING, privileges="keep")
    assert os.listxattr(tree) == []


def test_links_and_what_lies_beside_a_tree(tree, tmp_path):
    os.link(tree / "bin/caps", tmp_path / "outside")
    os.link(tree / "bin/caps3", tree / "inside")
    told = module(paths=[str(tree)], target=MAPPING)
    assert told["trees"][0]["links"] == {"count": 1, "first": [str(tree / "bin/caps")]}
    assert "names outside of the tree" in json.dumps(told["warnings"])
    assert Path("/etc/passwd").stat().st_uid == 0 and tmp_path.stat().st_uid == 0


def test_a_file_alone(tree):
    before = snapshot(tree)
    ran = shift(tree / "bin/both")
    assert (ran["inodes"], ran["changed"]) == (1, 1)
    shift(tree / "bin/both", source=MAPPING, privileges="keep")
    assert snapshot(tree) == before


def test_a_run_that_was_killed_is_not_taken_for_another_shift(tree):
    os.setxattr(tree, "trusted.containment.shift", b"second 0123456789abcdef 2200000000")
    refused = module(paths=[str(tree)], target=MAPPING)
    assert refused["rc"] and "middle of a shift through a scratch range" in refused["msg"]
    assert "with scratch_start: 2200000000" in refused["msg"]


@pytest.mark.parametrize(
    "params, words",
    [
        ({"paths": ["/"]}, "/: belongs to the system"),
        ({"paths": ["/usr/lib"]}, "belongs to the system"),
        ({"paths": ["/var/lib"]}, "/var/lib: belongs to the system"),
        ({"paths": ["/home"]}, "/home: belongs to the system"),
        ({"paths": ["relative"]}, "is no absolute path"),
        ({"paths": ["/nonexistent/x"]}, "No such file"),
        ({"paths": ["{tree}", "{tree}/bin"]}, "are the same or lie in one another"),
        ({"paths": []}, "paths: is empty"),
        ({"paths": ["/etc/ssh"]}, "/etc/ssh: belongs to the system"),
        ({"paths": ["/x\ud800"]}, "is no absolute path"),
        ({"paths": ["{tree}"], "target": {"user": "a\0b"}}, "has no range in /etc/subuid"),
        ({"paths": ["{tree}"], "shown": 1001}, "shown: 1001 is not within 0-1000"),
        ({"paths": ["{tree}"], "job": "none"}, "the process of the shift ended before it was done"),
        ({"paths": ["{tree}"], "target": {}}, "target: names no ids"),
        ({"paths": ["{tree}"], "target": {"user": "nobody"}}, "'nobody' has no range in /etc/subuid"),
        ({"paths": ["{tree}"], "target": {"owner": {"uid": -1, "gid": 0}}}, "target.owner.uid: -1 is no id"),
        ({"paths": ["{tree}"], "shown": -1}, "shown: -1 is not within 0-1000"),
        ({"paths": ["{tree}"], "slice": 0}, "slice: 0 is less than 1"),
    ],
)
def test_refusals_in_words(params, words, tree):
    before = snapshot(tree)
    params = dict({"target": MAPPING}, **params)
    params["paths"] = [path.format(tree=tree) for path in params["paths"]]
    for check in (True, False):
        refused = module(check=check, **params)
        assert refused["rc"] and words in refused["msg"] and "Traceback" not in refused["stderr"]
    assert snapshot(tree) == before


def test_a_link_that_others_can_change_is_not_followed(tmp_path, tree):
    (tmp_path / "mine").symlink_to(tree)
    assert shift(tmp_path / "mine", check=True)["path"] == str(tree)
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    os.chown(theirs, 1000, 1000)
    (theirs / "link").symlink_to(tree)
    refused = module(paths=[str(theirs / "link")], target=MAPPING)
    assert refused["rc"] and "is a symbolic link to" in refused["msg"] and "that others can change" in refused["msg"]


def taken(root, params, tmp_path):
    """Kill a shift when a setuid file's bits are taken."""
    folder = tmp_path / "job"
    folder.mkdir(mode=0o700, exist_ok=True)
    killed = worker(root, folder, params, ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "inject=chmod:signal=KILL"])
    assert killed.returncode == -signal.SIGKILL
    assert not (root / "bin").stat().st_mode & 0o4000


@pytest.mark.parametrize("between", ["parent", "out", "locked", "flags"])
def test_bits_that_a_kill_took_come_back_whatever_is_run_in_between(between, tmp_path):
    root = tmp_path / "above/tree"
    root.parent.mkdir()
    small_tree(root)
    taken(root, {"target": MAPPING, "clear_flags": between == "flags"}, tmp_path)
    if between == "parent":
        shift(root.parent)
    elif between == "out":
        assert module(paths=[str(root)], source=MAPPING)["rc"]
    elif between == "locked":
        flags(root / "bin", flags(root / "bin") | IMMUTABLE)
        assert shift(root)["locked"]["count"] == 1
        flags(root / "bin", flags(root / "bin") & ~IMMUTABLE)
    else:
        shift(root)
    shift(root)
    info = (root / "bin").stat()
    assert (info.st_uid, info.st_mode & 0o7777) == (BASE, 0o4771)
    assert sorted(os.listxattr(root / "bin")) == [CAPABILITY, ACL]
    assert os.listxattr(root) == []


@pytest.mark.parametrize("privileges", [None, "drop"])
def test_rights_that_an_interrupted_run_was_about_to_give_are_asked_for_again(privileges, tmp_path):
    root = tmp_path / "tree"
    small_tree(root)
    shift(root)
    taken(root, {"source": MAPPING, "privileges": "keep"}, tmp_path)
    done = module(paths=[str(root)], source=MAPPING, privileges=privileges)
    assert bool(done["rc"]) == (privileges is None)
    info = (root / "bin").stat()
    assert not info.st_mode & 0o6000 and CAPABILITY not in os.listxattr(root / "bin")
    if privileges is None:
        shift(root, source=MAPPING, privileges="keep")
        assert (root / "bin").stat().st_mode & 0o7777 == 0o4771


def test_a_scratch_shift_is_all_or_nothing(tmp_path):
    root = tmp_path / "tree"
    small_tree(root)
    before, params = snapshot(root), {"target": scratched(), "scratch_start": 2100000000, "privileges": "keep"}
    flags(root / "plain", flags(root / "plain") | IMMUTABLE)
    for check in (True, False):
        refused = module(check=check, paths=[str(root)], **params)
        assert refused["rc"] and "nothing was shifted" in refused["msg"] and not refused["changed"]
    flags(root / "plain", flags(root / "plain") & ~IMMUTABLE)
    os.link(root / "plain", tmp_path / "elsewhere")
    refused = module(paths=[str(root)], **params)
    assert refused["rc"] and "nothing was shifted" in refused["msg"]
    (tmp_path / "elsewhere").unlink()
    assert snapshot(root) == before
    os.chown(root / "plain", 2100000007, 5)
    refused = module(paths=[str(root)], **params)
    assert refused["rc"] and "plain belongs to 2100000007:5, of the scratch range" in refused["msg"]
    os.chown(root / "plain", 5, 5)
    # Interrupted, it is gone on with from where it began, and with nothing else.
    folder = tmp_path / "job"
    folder.mkdir(mode=0o700)
    worker(root, folder, params, ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "inject=lchown:signal=KILL:when=1"])
    elsewhere = {**params, "paths": [str(root)], "scratch_start": 2200000000}
    refused = module(**elsewhere)
    assert refused["rc"] and "run that one again, with scratch_start: 2100000000" in refused["msg"]
    refused = module(paths=[str(tmp_path)], target=MAPPING)
    assert refused["rc"] and "is in the middle of a shift through a scratch range" in refused["msg"]


def test_a_mark_of_a_tree_within_goes_when_what_it_says_does(tmp_path):
    root = tmp_path / "above/tree"
    root.parent.mkdir()
    small_tree(root)
    shift(root, marker=True)
    shift(root.parent)
    assert shift(root, marker=True)["marked"]
    shift(root.parent, source=MAPPING, privileges="keep")
    assert shift(root, marker=True)["changed"] == 5


def test_several_trees_with_links_between_them(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    write(tmp_path / "a/file", b"x", (1, 1))
    os.link(tmp_path / "a/file", tmp_path / "b/file")
    params = {"paths": [str(tmp_path / "a"), str(tmp_path / "b")], "target": MAPPING}
    checked, ran = module(check=True, **params), module(**params)
    assert checked["trees"] == ran["trees"]
    assert [tree["changed"] for tree in ran["trees"]] == [2, 1]
    assert [tree["links"]["count"] for tree in ran["trees"]] == [0, 0]
    # One that is refused keeps the others from being touched.
    os.setxattr(tmp_path / "b", "trusted.containment.shift", b"first 0 0")
    refused = module(paths=params["paths"], source=MAPPING)
    assert refused["rc"] and (tmp_path / "a/file").stat().st_uid == BASE + 1


MOVER = """
import os, sys
one, other = sys.argv[1:]
print("ready", flush=True)
while True:
    os.rename(one, other)
    os.rename(other, one)
"""


@pytest.mark.parametrize("entry", ["above", "file", "directory"])
def test_mounts_that_are_moved_lead_nowhere(entry, tmp_path):
    root, outside = tmp_path / "tree", tmp_path / "outside"
    outside.mkdir()
    write(outside / "secret", b"x", (0, 0), 0o600)
    (root / "a/m").mkdir(parents=True)
    for number in range(50):
        write(root / f"a/file{number}", b"x", (number, number))
    write(root / "a/f", b"x", (0, 0))
    write(root / "a/g", b"x", (0, 0))
    (root / "a/n").mkdir()
    script = f"mount --bind {outside} {root}/a/m\nmount --bind {outside}/secret {root}/a/f\n"
    place = Private(tmp_path, script)
    words = {
        "above": [MOVER, str(root / "a"), str(root / "b")],
        # In another mount namespace, as a container is, what is mounted here is a name like any other.
        "file": [ATTACKER, str(root / "a/f"), str(root / "a/g")],
        "directory": [ATTACKER, str(root / "a/m"), str(root / "a/n")],
    }[entry]
    namespace = ["nsenter", "--target", str(place.pid), "--mount", "--pid"] if entry == "above" else []
    attacker = subprocess.Popen([*namespace, sys.executable, "-c", *words], stdout=subprocess.PIPE)
    try:
        assert attacker.stdout.readline() == b"ready\n"
        for number in range(12):
            way = {"source": MAPPING, "privileges": "keep"} if number % 2 else {"target": MAPPING}
            done = place.run_module("volume_chown", dict(way, paths=[str(root)]))
            assert "trees" in done, done
            assert outside.stat().st_uid == (outside / "secret").stat().st_uid == 0
        assert attacker.poll() is None
    finally:
        attacker.kill()
        attacker.wait()
        place.close()


def test_what_is_mounted_while_it_runs_is_not_gone_into(tmp_path):
    """On the same file system, which only the table of mounts tells."""
    root, outside = tmp_path / "tree", tmp_path / "outside"
    outside.mkdir()
    write(outside / "secret", b"x", (0, 0), 0o600)
    for number in range(200):
        (root / str(number) / "m").mkdir(parents=True)
    script = """
import os, subprocess, sys, threading
sys.path.insert(0, sys.argv[1])
from ansible_collections.containment.docker.plugins.module_utils import _shift_map, _shift_walk, _tree
root, outside = sys.argv[2:]
shifts = dict.fromkeys(_shift_map.KINDS, _shift_map.Shift.between(_shift_map.IDENTITY, [(0, 2000224256, 65536)]))
tree = _tree.open_tree(root)
order = _shift_walk.Order(shifts, True, False, False, "keep", True, 5, True)
mounted = []

def report(inodes, part):
    if inodes > 50 and not mounted:
        mounted.extend(range(200))
        for number in mounted:
            subprocess.run(["mount", "--bind", outside, f"{root}/{number}/m"], check=True)

_shift_walk._EVERY = 0
walk = _shift_walk.Walk(tree, order, [], {}, report)
try:
    walk.run(b"begun x", False)
except Exception as error:
    print(type(error).__name__, error)
"""
    command = ["unshare", "-m", sys.executable, "-B", "-c", script, str(LIBRARY), str(root), str(outside)]
    done = subprocess.run(command, capture_output=True, check=True, text=True)
    assert "was mounted in the tree while that was shifted; run again" in done.stdout, done
    assert outside.stat().st_uid == (outside / "secret").stat().st_uid == 0
    assert len({path.stat().st_uid for path in root.rglob("*")}) == 2


def test_names_of_one_inode_of_an_overlay_are_shifted_each(tmp_path):
    for name in ("lower", "upper", "work", "tree"):
        (tmp_path / name).mkdir()
    write(tmp_path / "lower/a", b"x", (5, 5), 0o4755)
    os.link(tmp_path / "lower/a", tmp_path / "lower/b")
    os.link(tmp_path / "lower/a", tmp_path / "lower/c")
    options = ",".join(f"{name}={tmp_path / value}" for name, value in OVERLAY.items())
    subprocess.run(["mount", "-t", "overlay", "none", "-o", options, str(tmp_path / "tree")], check=True)
    try:
        shifted = shift(tmp_path / "tree", marker=True)
        assert shifted["links"]["count"] == 0 and shifted["changed"] == 4
        for name in "abc":
            info = (tmp_path / "tree" / name).stat()
            assert (info.st_uid, info.st_mode & 0o7777) == (BASE + 5, 0o4755)
        assert shift(tmp_path / "tree")["changed"] == 0
    finally:
        subprocess.run(["umount", str(tmp_path / "tree")], check=True)


OVERLAY = {"lowerdir": "lower", "upperdir": "upper", "workdir": "work"}


@pytest.mark.parametrize("call", ["chown", "setxattr"])
def test_acls_that_a_kill_left_half_done_come_back_with_a_run_the_other_way(call, tmp_path):
    root, folder = tmp_path / "tree", tmp_path / "job"
    folder.mkdir(mode=0o700)

    def prepared():
        root.mkdir()
        write(root / "acl", b"x", (5, 5), 0o640, acl=acl((2, 100), (8, 7)))
        (root / "below").mkdir()
        os.setxattr(root / "below", DEFAULT_ACL, acl((2, 1000)))

    prepared()
    before = snapshot(root)
    for number in range(1, 6):
        shutil.rmtree(root)
        prepared()
        for path in before:
            os.utime(root / path, ns=(before[path][8] or 1, before[path][6]))
        strace = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}"]
        strace += ["-e", f"inject={call}:signal=KILL:when={number}"]
        worker(root, folder, {"target": MAPPING}, strace)
        direct(root, folder, {"source": MAPPING, "privileges": "keep"}, True)
        assert snapshot(root) == before, (call, number)


def test_what_is_noted_is_known_and_not_shifted(tree, tmp_path):
    place = Private(tmp_path, "mount -t tmpfs -o mode=755 none /var/lib\n")
    try:
        before = snapshot(tree)
        given = {"paths": [str(tree)], "target": MAPPING, "state": "noted", "transaction": "t"}
        for check, changed in ((True, True), (False, True), (False, False), (True, False)):
            done = place.run_module("volume_chown", dict(given, _ansible_check_mode=check))
            assert done["changed"] is changed and done["trees"] == [], done
        assert snapshot(tree) == before
        del given["transaction"]
        assert "state: noted needs to know under which transaction" in place.run_module("volume_chown", given)["msg"]
    finally:
        place.close()


def test_what_is_mounted_is_not_gone_into_unless_asked(tree, tmp_path):
    for name in ("mounted", "bound"):
        (tree / name).mkdir()
    write(tree / "file", b"x", (0, 0))
    other = tmp_path / "other"
    other.mkdir()
    write(other / "file", b"x", (1, 1))
    script = f"""
mount -t tmpfs -o mode=755 x {tree}/mounted
touch {tree}/mounted/x
mount --bind {other} {tree}/bound
mount --bind {other}/file {tree}/file
"""
    place = Private(tmp_path, script)
    try:
        params = {"paths": [str(tree)], "target": MAPPING}
        checked = place.run_module("volume_chown", dict(params, _ansible_check_mode=True))
        ran = place.run_module("volume_chown", params)
        assert ran["rc"] == 0 and checked["trees"] == ran["trees"], ran
        assert {Path(path).name for path in ran["trees"][0]["mounts"]["first"]} == {"mounted", "bound", "file"}
        for path in (other, other / "file", place.root / str(tree)[1:] / "mounted/x"):
            assert path.stat().st_uid < 2
        crossing = dict(params, cross_mounts=True)
        checked = place.run_module("volume_chown", dict(crossing, _ansible_check_mode=True))
        crossed = place.run_module("volume_chown", crossing)
        assert checked["trees"] == crossed["trees"]
        assert crossed["trees"][0]["mounts"]["count"] == 0
        # The mounted directory, the file in it, the bound one and its file, which is seen at two places.
        assert crossed["trees"][0]["changed"] == 4
        assert (other / "file").stat().st_uid == BASE + 1
    finally:
        place.close()


def test_long_shifts_are_waited_for_in_slices_and_one_at_a_time(tmp_path):
    root = tmp_path / "many"
    root.mkdir()
    for number in range(60):
        (root / str(number)).mkdir()
        for name in range(500):
            (root / str(number) / str(name)).touch()
    params = {"paths": [str(root)], "target": MAPPING, "slice": 1}
    pid = None
    while pid is None:  # It may be done before it is seen.
        answers = []
        first = threading.Thread(target=lambda answers=answers: answers.append(module(**params)))
        first.start()
        pid = stop_when_under_way(first, "self")
        first.join()
        params["target"], params["source"] = params.get("source"), params["target"]
        params["privileges"] = "keep"
    params["target"], params["source"] = params["source"], params["target"]
    assert answers[0]["progress"]["path"] == str(root) and answers[0]["trees"] == []
    over = threading.Event()
    waiting = threading.Thread(target=wait_for_it, args=[over])
    waiting.start()
    other = module(**params)
    over.set()
    waiting.join()
    assert other["rc"] and f"another shift, of {root}, is on its way on this host" in other["msg"]
    os.kill(pid, signal.SIGCONT)
    while answers[-1].get("progress") is not None:
        answers.append(module(job=answers[0]["progress"]["job"], **params))
    assert answers[-1]["trees"][0]["changed"] == 60 * 501 + 1


def wait_for_it(over):
    """Do what a module does that waits for a shift."""
    while not over.wait(0.1):
        os.utime("/run/containment/volume_chown/lease")


def stop_when_under_way(thread, where):
    """Stop the process that shifts when it has told of its progress, so that it is under way for as long as we like.

    where: see worker_pid. Return its pid; None where it was done before, and so the thread that started it.
    """
    while thread.is_alive():
        pid = worker_pid(where)
        try:
            if pid is not None and Path(f"/proc/{pid}/root/run/containment/volume_chown/progress").read_bytes():
                os.kill(pid, signal.SIGSTOP)
                return pid
        except (FileNotFoundError, ProcessLookupError):
            continue
    return None


def worker_pid(where):
    """Return the pid of the process that shifts in the mounts of process `where`; other tests have some in others."""
    mounts = os.readlink(f"/proc/{where}/ns/mnt")
    for name in os.listdir("/proc"):
        try:
            words = Path("/proc", name, "cmdline").read_bytes().split(b"\0") if name.isdigit() else []
            if WORKER.encode() in words and os.readlink(f"/proc/{name}/ns/mnt") == mounts:
                return int(name)
        except (FileNotFoundError, ProcessLookupError):
            continue
    return None


PLAY = """
- hosts: all
  gather_facts: false
  tasks:
    - name: Shift
      containment.docker.volume_chown:
        paths: [/srv/data]
        target: {user: dockremap}
    - name: Shift back
      containment.docker.volume_chown:
        paths: [/srv/data]
        source: {user: dockremap}
        privileges: keep
      when: back | default(false)
"""


def test_a_bind_mount_that_a_remapped_engine_refuses_works_after_the_shift(docker_host, tmp_path):
    host = docker_host("trixie")
    script = (
        "mkdir -m 700 /srv/data && echo old >/srv/data/file && cp /bin/true /srv/data/suid && chmod 4755 /srv/data/suid"
    )
    host.run(["sh", "-c", script])
    groups = {"docker_hosts": [host.name]}
    assert play("containment.docker.harden", [host], groups=groups).rc == 0
    host.import_image()
    in_container = ["docker", "run", "--rm", "-v", "/srv/data:/data", "busybox", "sh", "-c"]
    refused = host.run([*in_container, "cat /data/file"], check=False)
    assert refused.returncode and "ermission denied" in refused.stderr
    running = host.run(["docker", "run", "-d", "busybox", "sleep", "1000"]).stdout.strip()
    # Its own file system is refused from above and from within, its volumes' directory is not.
    base = host.run(["docker", "info", "--format", "{{.DockerRootDir}}"]).stdout.strip()
    for path in ("/var/lib/docker", f"{base}/overlay2"):
        told = on_host(host, "containment.docker.volume_chown", {"paths": [path], "target": {"user": "dockremap"}})
        assert told.get("failed") and "root file system of a running container" in told["msg"], told
    named = {"paths": [f"{base}/volumes"], "source": {"user": "dockremap"}}
    assert not on_host(host, "containment.docker.volume_chown", named, check=True).get("failed")
    host.run(["docker", "rm", "-f", running])

    playbook = tmp_path / "shift.yml"
    playbook.write_text(PLAY)
    checked = play(playbook, [host], "--check", "--diff")
    first = play(playbook, [host], "--diff")
    again = play(playbook, [host])
    assert checked.rc == first.rc == again.rc == 0, first.stdout
    assert first.tasks[0].result["trees"][0]["changed"] == 3 and again.changes() == []
    for key in ("trees", "diff"):
        assert checked.tasks[0].result[key] == first.tasks[0].result[key]
    done = host.run([*in_container, "cat /data/file && echo new >/data/new && stat -c '%u:%g %a' /data/suid"])
    assert done.stdout == "old\n0:0 4755\n"
    assert play(playbook, [host], extra_vars={"back": True}).rc == 0
    owners = host.run(["stat", "-c", "%u:%g %a", "/srv/data", "/srv/data/file", "/srv/data/suid", "/srv/data/new"])
    assert owners.stdout.split("\n")[:3] == ["0:0 700", "0:0 644", "0:0 4755"]
    assert owners.stdout.split("\n")[3].startswith("0:0 ")


def test_a_long_shift_shows_how_far_it_is(docker_host, tmp_path):
    host = docker_host("trixie")
    fill = "seq 30 | xargs mkdir && for one in *; do (cd $one; seq 1000 | xargs touch); done"
    host.run(["sh", "-c", "mkdir /srv/data && cd /srv/data && " + fill])
    host.run(["sh", "-c", "useradd --system dockremap; echo dockremap:2000224256:65536 | tee /etc/subuid >/etc/subgid"])
    playbook = tmp_path / "shift.yml"
    playbook.write_text(PLAY.replace("target:", "slice: 1\n        target:", 1))
    pid = None
    while pid is None:
        host.run(["chown", "-R", "0:0", "/srv/data"])
        results = []
        playing = threading.Thread(target=lambda results=results: results.append(play(playbook, [host])))
        playing.start()
        pid = stop_when_under_way(playing, host.pid)
    playing.join(timeout=8)
    os.kill(pid, signal.SIGCONT)
    playing.join()
    assert results[0].rc == 0, results[0].stdout
    assert results[0].tasks[0].result["trees"][0]["changed"] == 30 * 1001 + 1
    assert re.search(r"\[%s\] /srv/data: \d+ files, \d+ a second" % host.name, results[0].stdout), results[0].stdout
