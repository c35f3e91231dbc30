# SPDX-License-Identifier: GPL-3.0-or-later
"""What volume_chown costs next to chown -R and fuidshift, on trees of the same shape, turn by turn in one run.

The trees have 220,000 files of 30 users and 30 groups, in ours every thousandth with setuid bit, capability and ACL, at
which fuidshift ends. Before each run the kernel forgets its directory entries and inodes, as on a host where nobody has
just walked the tree. Figures are processor seconds of the process that shifts (user and system) as ratios to those of
chown -R; Ansible's module around it, which waits meanwhile, is not counted. Memory is that process's peak resident set.
It runs with the host's own Python, as on a managed host; where there is none, with that of these tools.
"""

import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
LIBRARY = REPOSITORY / ".cache/collections"
sys.path[:0] = [str(LIBRARY), str(REPOSITORY)]

from _trees import BASE, FILES, SIZE, forget, make, own  # noqa: E402

from ansible_collections.containment.docker.plugins.module_utils import (  # noqa: E402
    _job,
    _shift_plan,
    _shift_worker,
)

ROUNDS = 5
HOSTS = Path("/usr/bin/python3")
PYTHON = str(HOSTS) if HOSTS.exists() else sys.executable


def tell(figure, value, unit, budget):
    verdict = "ok" if value <= budget else "short"
    print(f"bench volume_chown {figure} {value:.2f}{unit} {budget:g}{unit} {verdict}", flush=True)


# A child's peak begins with that of the process that forks it: a small one forks.
LAUNCHER = """
import os, sys
child = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ)
status, usage = os.wait4(child, 0)[1:]
print(os.WEXITSTATUS(status) or os.WTERMSIG(status), usage.ru_utime + usage.ru_stime, usage.ru_maxrss, file=sys.stderr)
"""


def measured(words, **options):
    """Run a program; return (processor seconds, wall seconds, peak MB)."""
    began = time.monotonic()
    launched = [sys.executable, "-I", "-S", "-c", LAUNCHER, *words]
    done = subprocess.run(launched, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=True, **options)
    wall = time.monotonic() - began
    code, processor, peak = done.stderr.split()[-3:]
    if code != "0":
        raise SystemExit(f"{words[0]} ended with {code}: {done.stderr}")
    return float(processor), wall, int(peak) * 1024 / 1e6


def shift(scratch, root, out=False, xattrs=True, write=True, marker=False):
    """Run the process that shifts, as the module starts it; return its figures and what it told of the tree."""
    side = {"user": None, "mapping": {kind: [extent()] for kind in ("uid", "gid")}}
    shifts = _shift_plan.shifts(*((side, None) if out else (None, side)), None)
    fd = os.open(root, os.O_RDONLY)
    request = {
        "job": "bench",
        "name": _shift_plan.digest(shifts, [xattrs, False]),
        "trees": [{"fd": fd, "path": str(root)}],
        "shifts": {kind: one.as_lists() for kind, one in shifts.items()},
        "scratch": None,
        "marker": marker,
        "xattrs": xattrs,
        "cross": False,
        "unlock": False,
        "privileges": "keep",
        "write": write,
        "shown": 20,
    }
    (scratch / "request").write_text(json.dumps(request))
    (scratch / "lease").touch()
    words = [
        PYTHON,
        "-I",
        "-S",
        "-B",
        "-c",
        _job.START,
        str(library(scratch)),
        _shift_worker.__name__,
        str(scratch),
    ]
    try:
        forget()
        figures = measured(words, pass_fds=[fd])
    finally:
        os.close(fd)
    result = json.loads((scratch / "result").read_text())
    assert result["failure"] is None and not result["abandoned"], result
    return figures, result["trees"][0]


def library(scratch):
    """Return a folder in which the collection lies as Ansible sends it to a host: packages without a line of code."""
    found = scratch / "library"
    packages = found / "ansible_collections/containment"
    if not found.exists():
        packages.mkdir(parents=True)
        (packages / "docker").symlink_to(REPOSITORY)
    return found


def extent():
    return {"container_start": 0, "host_start": BASE, "count": SIZE}


def fuidshift():
    """Return the path of fuidshift, which Debian's lxd-tools have; None where it is not to be had."""
    if shutil.which("fuidshift") is None and shutil.which("apt-get"):
        print("bench volume_chown: installing the package lxd-tools for fuidshift", file=sys.stderr, flush=True)
        words = ["apt-get", "-qq", "-y", "--no-install-recommends", "install", "lxd-tools"]
        subprocess.run(
            words, check=False, stdout=subprocess.DEVNULL, env=dict(os.environ, DEBIAN_FRONTEND="noninteractive")
        )
    return shutil.which("fuidshift")


def compare(scratch, peer, ours, theirs):
    """Everything on the tree of FILES files, side by side."""
    found = {}

    def run(name, words=None, changed=None, **options):
        if words is not None:
            forget()
            found.setdefault(name, []).append(measured(words))
            return
        figures, told = shift(scratch, ours, **options)
        assert told["errors"]["count"] == 0 and (told["changed"] > 0) == changed, told
        found.setdefault(name, []).append(figures)

    for number in range(ROUNDS):
        run("chown", ["chown", "-R", "0:0", str(theirs)])
        run("chown again", ["chown", "-R", "0:0", str(theirs)])
        own(theirs, extras=False)
        for name, xattrs in (("owners", False), ("all", True)):
            run(f"{name} dry", changed=True, xattrs=xattrs, write=False)
            run(f"{name} in", changed=True, xattrs=xattrs)
            run(f"{name} again", changed=False, xattrs=xattrs)
            run(f"{name} out", changed=True, xattrs=xattrs, out=True)
            own(ours)
        if peer and number < 2:
            run("fuidshift", [peer, str(theirs), f"b:0:{BASE}:{SIZE}"])
            run("fuidshift again", [peer, str(theirs), f"b:0:{BASE}:{SIZE}"])
            own(theirs, extras=False)
    run("marker set", changed=True, marker=True)
    run("marker", changed=False, marker=True)
    return {name: [statistics.median(figure) for figure in zip(*runs, strict=True)] for name, runs in found.items()}


def main():
    if os.geteuid():
        raise SystemExit("not possible here: chown needs root")
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    place = REPOSITORY / ".cache/bench"
    place.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=place) as folder:
        scratch = Path(folder)
        ours, theirs = scratch / "ours", scratch / "theirs"
        make(ours, FILES)
        make(theirs, FILES, extras=False)
        peer = fuidshift()
        version = subprocess.run([PYTHON, "-V"], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
        print(f"# {PYTHON}: {version}", flush=True)
        best = compare(scratch, peer, ours, theirs)
        base = best["chown"][0]
        for name, (processor, wall, memory) in best.items():
            print(
                f"# {name}: {processor:.2f} s of processor ({processor / base:.2f}), {wall:.2f} s, {memory:.1f} MB",
                flush=True,
            )
        tell("full_owners_to_chown", max(best["owners in"][0], best["owners out"][0]) / base, "", 1.5)
        tell("full_all_to_chown", max(best["all in"][0], best["all out"][0]) / base, "", 2.0)
        tell("noop_owners_to_chown", best["owners again"][0] / best["chown again"][0], "", 1.0)
        tell("noop_all_to_chown", best["all again"][0] / best["chown again"][0], "", 1.0)
        tell("rss", max(figures[2] for name, figures in best.items() if name.startswith(("owners", "all"))), "MB", 20)
        if peer:
            tell("full_all_to_fuidshift", best["all in"][0] / best["fuidshift"][0], "", 1 / 2.3)
        else:
            print("# fuidshift: not possible here, there is no package lxd-tools")
        shutil.rmtree(theirs)
        shutil.rmtree(ours)
        wide(scratch)
        deep(scratch)


def wide(scratch):
    """A million names in one directory."""
    root = scratch / "wide"
    root.mkdir()
    fd = os.open(root, os.O_RDONLY)
    for number in range(1000000):
        os.close(os.open(f"{number}", os.O_CREAT | os.O_WRONLY, 0o644, dir_fd=fd))
    os.close(fd)
    (processor, wall, memory), told = shift(scratch, root)
    assert told["changed"] == 1000001
    print(f"# a million names in one directory: {processor:.2f} s of processor, {wall:.2f} s", flush=True)
    tell("million_names_rss", memory, "MB", 20)
    shutil.rmtree(root)


def deep(scratch):
    """Ten thousand directories, one inside the other."""
    root = scratch / "deep"
    root.mkdir()
    fd = os.open(root, os.O_RDONLY)
    for _number in range(10000):
        os.mkdir("d", dir_fd=fd)
        below = os.open("d", os.O_RDONLY, dir_fd=fd)
        os.close(fd)
        fd = below
    os.close(fd)
    (_processor, _wall, memory), told = shift(scratch, root)
    assert told["changed"] == 10001 and told["errors"]["count"] == 0, told
    tell("ten_thousand_deep_rss", memory, "MB", 20)
    subprocess.run(["rm", "-rf", str(root)], check=True)


if __name__ == "__main__":
    main()
