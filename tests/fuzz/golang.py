# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs of reading.go, the same code that engines read requests with: one for each Go there is.

The engine of Debian 12 is built with its Go, 1.19; later ones read JSON by other code, of the same rules. Debian's
packages of both, and of gorilla/mux, are unpacked below the cache: apt is needed, root is not.
"""

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from tests.hosts import NotPossible
from tests.hosts._paths import CACHE
from tests.hosts.machine import KEYRING
from tests.hosts.tree import mirror

SUITES = ("bookworm", "testing")
SOURCE = Path(__file__).with_name("reading.go")
FOLDER = CACHE / "golang"
_MUX = "golang-github-gorilla-mux-dev"


def _run(argv, log, **options):
    with open(log, "ab") as out:
        done = subprocess.run(argv, check=False, stdin=subprocess.DEVNULL, stdout=out, stderr=out, **options)
    if done.returncode:
        tail = " / ".join(log.read_text(errors="replace").splitlines()[-3:])
        raise NotPossible(f"not possible here: Go could not be had, {argv[0]} ended with {done.returncode}: {tail}")


def _apt(suite, work):
    """Return the options with which apt knows this suite alone, and keeps what it knows in `work`."""
    for name in ("state/lists/partial", "cache/archives/partial"):
        (work / name).mkdir(parents=True)
    (work / "status").touch()
    (work / "sources").write_text(f"deb [signed-by={KEYRING}] {mirror(suite)} {suite} main\n")
    options = {
        "Dir::State": work / "state",
        "Dir::State::status": work / "status",
        "Dir::Cache": work / "cache",
        "Dir::Etc::SourceList": work / "sources",
        "Dir::Etc::SourceParts": "/dev/null",
        "APT::Sandbox::User": "root",  # Others may not write here.
        "Acquire::Languages": "none",
    }
    return [one for name, value in options.items() for one in ("-o", f"{name}={value}")]


def _unpacked(suite):
    """Return the folder with a suite's Go and gorilla/mux; get it where it is missing."""
    final = FOLDER / suite
    if final.is_dir():
        return final
    if not shutil.which("apt-get"):
        raise NotPossible("not possible here: Go comes from Debian's packages, and there is no apt-get")
    print(f"Go: getting that of Debian {suite} (some 100 MB)", file=sys.stderr, flush=True)
    work, log = FOLDER / (suite + ".tmp"), FOLDER / (suite + ".log")
    shutil.rmtree(work, ignore_errors=True)
    options = _apt(suite, work)
    _run(["apt-get", *options, "update"], log)
    asked = ["apt-cache", *options, "depends", "golang-go", "golang-src"]
    told = subprocess.run(asked, check=True, stdout=subprocess.PIPE, text=True).stdout
    names = sorted(set(re.findall(r"golang-1\.[0-9]+-(?:go|src)\b", told)))
    _run(["apt-get", *options, "download", _MUX, *names], log, cwd=str(work))
    for package in sorted(work.glob("*.deb")):
        _run(["dpkg-deb", "-x", str(package), str(work / "tree")], log)
    (work / "tree").rename(final)
    shutil.rmtree(work)
    return final


def _built(suite):
    """Return the path of the program that a suite's Go makes of reading.go; build it where it is missing."""
    program = FOLDER / f"reading-{suite}-{hashlib.sha256(SOURCE.read_bytes()).hexdigest()[:12]}"
    if not program.exists():
        tree = _unpacked(suite)
        root = next(tree.glob("usr/lib/go-*"))
        environment = dict(os.environ, CGO_ENABLED="0", GO111MODULE="off", GOFLAGS="", GOTOOLCHAIN="local")
        environment.update(GOROOT=str(root), GOPATH=str(tree / "usr/share/gocode"), GOCACHE=str(FOLDER / "build"))
        half = f"{program}.tmp"
        _run([str(root / "bin/go"), "build", "-o", half, str(SOURCE)], FOLDER / "build.log", env=environment)
        os.rename(half, str(program))
    return program


def programs():
    """Return {Debian's suite: path of its Go's program}; gets and builds what is missing.

    Raises NotPossible where there is no way to Debian's packages.
    """
    FOLDER.mkdir(parents=True, exist_ok=True)
    with open(FOLDER / "lock", "w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        return {suite: _built(suite) for suite in SUITES}
