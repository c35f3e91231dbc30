# SPDX-License-Identifier: GPL-3.0-or-later
"""volume_copy on real trees: what it carries over, what a second pass sees, and what a kill at any point leaves behind.

The module runs as its own process, as the controller would start it; only the controller is left out.
"""

import json
import mmap
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.hosts import play
from tests.integration.trees import (
    ACL,
    CAPABILITY,
    LIBRARY,
    MAPPING,
    acl,
    capability,
    make_tree,
    run_module,
    snapshot,
    snapshot_shifted,
    write,
)

COPIES = Path("/var/lib/containment/copies")
COUNTED = ("made", "dressed", "linked", "removed")

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="not possible here: chown needs root")


@pytest.fixture
def place(tmp_path):
    """A directory that only root can enter."""
    tmp_path.chmod(0o700)
    yield tmp_path
    shutil.rmtree(tmp_path, ignore_errors=True)


@pytest.fixture
def tree(place):
    root = place / "tree"
    make_tree(root)
    return root


def module(check=False, **params):
    return run_module("volume_copy", check, **params)


def copy(tree, dest, check=False, **params):
    """Copy a tree into MAPPING where nothing else is said; return the result."""
    if not {"src_ids", "dest_ids"} & set(params):
        params["dest_ids"] = MAPPING
    done = module(check, src=str(tree), dest=str(dest), **params)
    assert done["rc"] == 0, done
    return done


def settled(tree, dest):
    """Copy a tree so that the next pass trusts the times in it, as it does five minutes later."""
    copy(tree, dest)
    place = [dest.stat().st_dev, dest.stat().st_ino]
    (file,) = [one for one in COPIES.glob("*.json") if json.loads(one.read_text())["target"] == place]
    file.write_text(json.dumps(dict(json.loads(file.read_text()), began=time.time_ns() + 300 * 10**9)))
    time.sleep(0.02)  # As coarse as the clock is that files get their times from.
    return file


def counted(done):
    return {key: done["copy"][key] for key in COUNTED if done["copy"][key]}


def test_everything_goes_over_into_a_mapping_and_back(tree, place):
    before, dest, back = snapshot(tree), place / "copy", place / "back"
    names = len(before)
    checked = copy(tree, dest, check=True)
    assert not dest.exists() and snapshot(tree) == before
    ran = copy(tree, dest, verify=100)
    assert snapshot(tree) == before
    assert snapshot(dest) == snapshot_shifted(before)
    assert ran["copy"].pop("verified")["count"] == 0
    assert checked["copy"].pop("verified") is None
    assert checked["copy"] == ran["copy"] and checked["diff"] == ran["diff"]
    assert counted(ran) == {"made": names - 1, "linked": 1} and ran["copy"]["inodes"] == names
    for check in (True, False):
        again = copy(tree, dest, check=check)
        assert counted(again) == {} and again["changed"] is False and again["diff"] == []
    assert snapshot(dest) == snapshot_shifted(before)

    out = {"src_ids": MAPPING, "privileges": "keep"}
    copy(dest, back, **out)
    assert snapshot(back) == before
    # foreign, half, and those whose ACLs name foreign ids, keep them.
    assert ran["copy"]["unmapped"]["count"] == 4


def test_privileges_that_would_be_rights_on_the_host(tree, place):
    inside, dest = place / "inside", place / "dest"
    copy(tree, inside)
    refused = module(src=str(inside), dest=str(dest), src_ids=MAPPING)
    assert refused["rc"] and "say in privileges whether to keep or drop them" in refused["msg"]
    assert not (dest / "bin/setuid").exists() and (dest / "shared/plain").exists()
    done = copy(inside, dest, src_ids=MAPPING, privileges="drop")
    assert (dest / "bin/setuid").stat().st_mode & 0o7777 == 0o755
    assert CAPABILITY not in os.listxattr(dest / "bin/caps")
    assert done["copy"]["dropped"] > 3 and "without setuid and setgid bits" in str(done["warnings"])


def test_holes_and_content_go_over(place):
    tree, dest = place / "tree", place / "copy"
    tree.mkdir()
    with (tree / "holes").open("wb") as handle:
        handle.write(b"first")
        handle.seek(40 * 2**20)
        handle.write(b"middle")
        handle.truncate(90 * 2**20)
    with (tree / "void").open("wb") as handle:
        handle.truncate(10 * 2**20)
    (tree / "full").write_bytes(os.urandom(3 * 2**20 + 1))
    (tree / "empty").touch()
    done = copy(tree, dest, verify=100)
    for name in ("holes", "void", "full", "empty"):
        assert (tree / name).read_bytes() == (dest / name).read_bytes()
        assert (dest / name).stat().st_blocks <= (tree / name).stat().st_blocks + 16
    assert done["copy"]["bytes"] == sum((tree / name).stat().st_size for name in os.listdir(tree))
    assert done["measured"]["written"] < 4 * 2**20 and done["copy"]["verified"]["compared"] == 4


def rewritten(path, data):
    info = path.stat()
    with path.open("r+b") as handle:
        handle.write(data)
    os.utime(path, ns=(info.st_atime_ns, info.st_mtime_ns))


def other_kind(path):
    path.unlink()
    os.mkfifo(path)


def file_for_directory(root):
    shutil.rmtree(root / "deep0")
    (root / "deep0").write_bytes(b"x")


def directory_for_file(root):
    (root / "foreign").unlink()
    (root / "foreign").mkdir()
    (root / "foreign/x").write_bytes(b"x")


def leads_elsewhere(path):
    info = path.lstat()
    path.unlink()
    path.symlink_to("/etc/shadow")
    os.lchown(path, info.st_uid, info.st_gid)


CHANGES = {
    "content": (lambda root: (root / "shared/plain").write_bytes(b"other"), {"made": 1}),
    "content of the same size and time": (lambda root: rewritten(root / "shared/plain", b"CONTENT"), {"made": 1}),
    "mode": (lambda root: (root / "shared/plain").chmod(0o604), {"dressed": 1}),
    "owner": (lambda root: os.chown(root / "shared/plain", 3, 3), {"dressed": 1}),
    "owner of a link": (lambda root: os.lchown(root / "link", 3, 3), {"dressed": 1}),
    "attribute": (lambda root: os.setxattr(root / "shared/plain", "user.note", b"new"), {"dressed": 1}),
    "attribute gone": (lambda root: os.removexattr(root / "shared/plain", "user.note"), {"dressed": 1}),
    "ACL": (lambda root: os.setxattr(root / "shared/acl", ACL, acl((2, 7))), {"dressed": 1}),
    "capability": (lambda root: os.setxattr(root / "bin/caps", CAPABILITY, capability(9)), {"dressed": 1}),
    "time": (lambda root: os.utime(root / "shared/plain", ns=(1, 2)), {"made": 1}),
    "new": (lambda root: write(root / "shared/new", b"x", (5, 5)), {"made": 1, "dressed": 1}),
    "gone": (lambda root: (root / "shared/plain").unlink(), {"removed": 1, "dressed": 1}),
    "renamed": (
        lambda root: (root / "shared/plain").rename(root / "shared/x"),
        {"made": 1, "removed": 1, "dressed": 1},
    ),
    "another name": (lambda root: os.link(root / "shared/plain", root / "shared/x"), {"linked": 1, "dressed": 1}),
    "a name less": (lambda root: (root / "again").unlink(), {"removed": 1, "dressed": 1}),
    "other kind": (lambda root: other_kind(root / "shared/plain"), {"made": 1, "dressed": 1}),
    "file for a directory": (file_for_directory, {"made": 1, "dressed": 1}),
    "directory for a file": (directory_for_file, {"made": 2, "dressed": 1}),
    "leads elsewhere": (lambda root: leads_elsewhere(root / "link"), {"made": 1, "dressed": 1}),
}


@pytest.mark.parametrize("rebooted", [False, True])
@pytest.mark.parametrize("change", CHANGES)
def test_a_second_pass_copies_what_changed_and_no_more(tree, place, change, rebooted):
    dest = place / "copy"
    file = settled(tree, dest)
    act, expected = CHANGES[change]
    act(tree)
    if rebooted:
        file.write_text(json.dumps(dict(json.loads(file.read_text()), boot="another")))
    checked = copy(tree, dest, check=True)
    ran = copy(tree, dest)
    assert snapshot(dest) == snapshot_shifted(snapshot(tree))
    assert counted(checked) == counted(ran) and checked["copy"] == ran["copy"]
    found = counted(ran)
    if change == "file for a directory":  # What lay in it is gone with it.
        found.pop("removed", None)
    if change == "another name":  # Which of the names comes first is the file system's to say.
        found.pop("made", None)
    assert found == expected
    again = copy(tree, dest, verify=100)
    assert counted(again) == {} and again["copy"]["verified"]["count"] == 0


def test_a_second_pass_of_what_did_not_change_looks_at_no_copy(tree, place):
    """What makes the pass short during which services are away: nothing of the copy is looked at, no content read."""
    dest = place / "copy"
    settled(tree, dest)
    trace = place / "trace"
    done = subprocess.run(
        ["strace", "-f", "-qq", "-o", str(trace), "-e", "trace=openat,newfstatat,fstat,statx,lstat,stat", *argv()],
        input=arguments(tree, dest),
        capture_output=True,
        check=True,
        env=environment(),
    )
    assert json.loads(done.stdout)["changed"] is False
    looked = [line for line in trace.read_text().splitlines() if re.search(r'"(plain|setuid|caps3)"', line)]
    # One look at each file with one name, two at setuid, which has two.
    assert len([line for line in looked if '"plain"' in line]) == 1, looked


def argv():
    return [sys.executable, str(LIBRARY.parents[1] / "plugins/modules/volume_copy.py")]


def arguments(tree, dest, **params):
    given = dict({"src": str(tree), "dest": str(dest), "dest_ids": MAPPING}, **params)
    return json.dumps({"ANSIBLE_MODULE_ARGS": given}).encode()


def environment():
    return dict(os.environ, PYTHONPATH=str(LIBRARY), PYTHONDONTWRITEBYTECODE="1", LC_ALL="C.UTF-8")


def test_directories_that_change_places_are_told_apart(place):
    """Their files have the same names, sizes and times, and none of them changed."""
    tree, dest = place / "tree", place / "copy"
    for name, data in (("a", b"1"), ("b", b"2")):
        (tree / name / "in").mkdir(parents=True)
        (tree / name / "in/file").write_bytes(data)
        os.utime(tree / name / "in/file", ns=(5, 5))
    settled(tree, dest)
    (tree / "a").rename(tree / "c")
    (tree / "b").rename(tree / "a")
    (tree / "c").rename(tree / "b")
    checked = copy(tree, dest, check=True)
    ran = copy(tree, dest)
    assert (dest / "a/in/file").read_bytes() == b"2" and (dest / "b/in/file").read_bytes() == b"1"
    assert counted(checked) == counted(ran) == {"made": 2, "dressed": 5}


def test_what_is_written_to_a_mapped_file_is_seen(place):
    """The kernel notes the first of such writes alone, until the page is written out."""
    tree, disk = place / "tree", place / "disk"
    dest = disk / "copy"
    for path in (tree, disk):
        path.mkdir()
    (tree / "mapped").write_bytes(b"0" * 8192)
    # The copy lies elsewhere, or writing it out would write out the source, too.
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=700", "none", str(disk)], check=True)
    try:
        with (tree / "mapped").open("r+b") as handle, mmap.mmap(handle.fileno(), 8192) as mapped:
            mapped[0:1] = b"1"
            settled(tree, dest)
            mapped[0:1] = b"2"
            copy(tree, dest)
        assert (dest / "mapped").read_bytes()[:1] == b"2"
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def small(root):
    root.mkdir()
    write(root / "bin", b"#!", (0, 0), 0o4755, caps=capability(), acl=acl((2, 33)))
    (root / "below").mkdir()
    write(root / "below/sgid", b"x" * 70000, (7, 50), 0o2755)
    os.link(root / "bin", root / "below/bin")
    os.symlink("bin", root / "link")
    os.mkfifo(root / "below/fifo")


WORK = ",".join(
    [
        *("openat", "mkdirat", "mkdir", "linkat", "symlinkat", "mknodat", "unlinkat", "unlink", "rmdir", "rename"),
        *("renameat", "sendfile", "fchown", "chown", "lchown", "fchownat", "fchmod", "chmod", "fchmodat", "setxattr"),
        *("fsetxattr", "lsetxattr", "removexattr", "fremovexattr", "utimensat", "ftruncate", "write"),
    ]
)


@pytest.mark.parametrize("way", ["first", "second"])
def test_a_copy_that_was_killed_is_completed_by_the_next(place, way):
    tree = place / "tree"
    small(tree)

    def prepared(name):
        dest = place / name
        if way == "second":
            restore(tree)
            settled(tree, dest)
            change(tree)
        return dest

    trace = place / "trace"
    done = worker(tree, prepared("trace-copy"), ["-o", str(trace), "-e", f"trace={WORK}"])
    assert done.returncode == 0, done.stderr
    calls, points = {}, []
    for call in re.findall(r"^\d+ +(\w+)\(", trace.read_text(), re.MULTILINE):
        calls[call] = calls.get(call, 0) + 1
        points.append((call, calls[call]))
    assert len(points) > 80
    step = len(points) // (8 if way == "second" else 24)  # Each is three runs of the module.
    chosen = points[:: max(step, 1)]
    for number, (call, count) in enumerate(chosen):
        dest = prepared(f"copy-{number}")
        inject = f"inject={call}:signal=KILL:when={count}"
        worker(tree, dest, ["-o", "/dev/null", "-e", f"trace={call}", "-e", inject])
        copy(tree, dest)
        assert snapshot(dest) == snapshot_shifted(snapshot(tree)), (call, count)
        assert counted(copy(tree, dest)) == {}, (call, count)
        shutil.rmtree(dest)


def test_a_second_pass_that_was_killed_is_not_trusted(place):
    tree, dest = place / "tree", place / "copy"
    small(tree)
    settled(tree, dest)
    change(tree)
    # A directory of another name is there, and not the fifo in it, which is older than the pass that was complete.
    worker(tree, dest, ["-o", "/dev/null", "-e", "trace=mknodat", "-e", "inject=mknodat:error=EIO:signal=KILL:when=1"])
    assert (dest / "moved").is_dir() and not (dest / "moved/fifo").exists()
    copy(tree, dest)
    assert snapshot(dest) == snapshot_shifted(snapshot(tree))
    assert counted(copy(tree, dest)) == {}


def restore(tree):
    shutil.rmtree(tree)
    small(tree)


def change(tree):
    (tree / "below/sgid").write_bytes(b"y" * 30)
    (tree / "below").rename(tree / "moved")
    (tree / "below").mkdir()
    write(tree / "below/sgid", b"z" * 30)
    (tree / "link").unlink()


def worker(tree, dest, strace):
    """Run the module under strace, and with it the process that copies."""
    return subprocess.run(
        ["strace", "-f", "-qq", *strace, *argv()],
        input=arguments(tree, dest),
        capture_output=True,
        check=False,
        env=environment(),
    )


@pytest.mark.parametrize(
    "params, words",
    [
        ({"src": "tree", "dest": "tree/below"}, "lie in one another"),
        ({"src": "tree/below", "dest": "tree"}, "lie in one another"),
        ({"src": "tree", "dest": "full"}, "holds something, and is no copy that this module made of the tree"),
        ({"src": "tree", "dest": "file"}, "is no directory; name another, or move it away"),
        ({"src": "file", "dest": "copy"}, "is no directory; give the path of one"),
        ({"src": "tree", "dest": "copy", "verify": 101}, "verify: 101 is not within 0-100"),
        ({"src": "tree", "dest": "open/copy"}, None),
        ({"src": "tree", "dest": "/usr/local/copy"}, "belongs to the system"),
        ({"src": "tree", "dest": "link"}, "is no directory; name another, or move it away"),
    ],
)
def test_what_is_refused_before_anything_is_made(place, params, words):
    (place / "tree/below").mkdir(parents=True)
    (place / "full").mkdir()
    (place / "full/x").touch()
    (place / "file").touch()
    (place / "open").mkdir()
    (place / "link").symlink_to("/etc")
    params = dict(params, **{key: str(place / params[key]) for key in ("src", "dest")})
    before = sorted(place.rglob("*"))
    for check in (True, False):
        done = module(check, **params)
        if words is None:
            assert done["rc"] == 0
        else:
            assert done["rc"] and words in done["msg"], done
            assert sorted(place.rglob("*")) == before


def test_a_target_that_others_can_come_to_is_refused(place):
    (place / "tree").mkdir()
    parents = [one for one in place.parents if one != Path("/")]
    modes = {one: one.stat().st_mode for one in [place, *parents]}
    try:
        for one in modes:
            one.chmod(0o755)
        done = module(src=str(place / "tree"), dest=str(place / "copy"))
    finally:
        for one, mode in modes.items():
            one.chmod(mode)
    assert "can be reached by others; chmod 700 the directory above it" in done["msg"]
    assert not (place / "copy").exists()


def test_what_is_mounted_in_the_tree_is_told_and_not_copied(tree, place):
    dest, secret = place / "copy", place / "secret"
    secret.write_bytes(b"secret")
    (tree / "mounted").mkdir()
    (tree / "file").touch()
    mounted = [tree / "mounted", tree / "file"]
    subprocess.run(["mount", "-t", "tmpfs", "none", str(mounted[0])], check=True)
    subprocess.run(["mount", "--bind", str(secret), str(mounted[1])], check=True)
    try:
        (tree / "mounted/secret").touch()
        done = copy(tree, dest)
    finally:
        for path in mounted:
            subprocess.run(["umount", str(path)], check=True)
    assert done["copy"]["mounts"]["count"] == 2
    assert sorted(done["copy"]["mounts"]["first"]) == sorted(map(str, mounted))
    assert not (dest / "mounted").exists() and not (dest / "file").exists()
    assert "mounted in it and not copied" in str(done["warnings"])


def test_a_full_disk_is_told_and_gone_on_from(tree, place):
    (tree / "large").write_bytes(os.urandom(4 * 2**20))
    small_disk = place / "disk"
    small_disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "none", str(small_disk)], check=True)
    try:
        done = module(src=str(tree), dest=str(small_disk / "copy"), dest_ids=MAPPING)
        assert done["rc"] and "No space left on device; make room there and run again" in done["msg"], done
        subprocess.run(["mount", "-o", "remount,size=30m", str(small_disk)], check=True)
        copy(tree, small_disk / "copy")
        found, wanted = snapshot(small_disk / "copy"), snapshot_shifted(snapshot(tree))
        assert found == wanted
    finally:
        subprocess.run(["umount", str(small_disk)], check=True)


def test_a_playbook_shows_how_far_it_is(docker_host, tmp_path):
    host = docker_host("trixie")
    script = "mkdir -p /srv/data /srv/closed && chmod 700 /srv/closed && head -c 300000000 /dev/zero >/srv/data/big"
    host.run(["sh", "-c", script])
    book = tmp_path / "book.yml"
    task = {"containment.docker.volume_copy": {"src": "/srv/data", "dest": "/srv/closed/copy", "verify": 100}}
    book.write_text(json.dumps([{"hosts": "all", "gather_facts": False, "tasks": [task]}]))
    first = play(str(book), [host], "--diff").check()
    assert len(first.changes()) == 1
    assert play(str(book), [host]).check().changes() == []
