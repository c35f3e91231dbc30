# SPDX-License-Identifier: GPL-3.0-or-later
"""Debian trees that hosts start from, built once with mmdebstrap and kept in the cache.

A suite has two layers: `base`, a Debian without an engine that carries an apt repository of its own in /opt/repo
(docker.io, Compose and what they depend on) as the only apt source, and `engine`, the difference that an offline
`apt-get install docker.io` made on it. A further tree has services, for images. All are keyed by a hash of all their
inputs and appear by rename.
"""

import contextlib
import fcntl
import hashlib
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from . import machine
from ._paths import TREES, NotPossible, make_private

ENGINE_PACKAGES = {
    "bookworm": ["docker.io"],
    "trixie": ["docker.io", "docker-cli"],
    "forky": ["docker.io", "docker-cli"],
}
SUITES = tuple(ENGINE_PACKAGES)
MORE_PACKAGES = {"trixie": ["docker-compose"]}  # not installed, but in the repository: the only Compose that is v2
PACKAGES = (
    "busybox-static,dbus,e2fsprogs,iproute2,iptables,kmod,mount,passwd,procps,python3,python3-apt,strace,systemd,"
    "systemd-sysv"
)
SERVICES = "busybox-static,nginx-light,postgresql,redis-server"
SCRIPTS = Path(__file__).parent / "scripts"


def _text(name):
    return (SCRIPTS / name).read_text()


def _key(*inputs):
    return hashlib.sha256("\0".join(inputs).encode()).hexdigest()[:12]


def mirror(suite):
    """The first source of this machine's apt that carries the suite. CONTAINMENT_MIRROR overrides it."""
    listing = ["apt-get", "indextargets", "--no-release-info", "--format", "$(REPO_URI) $(COMPONENT)"]
    listing = subprocess.run(listing + ["Created-By: Packages"], check=True, stdout=subprocess.PIPE, text=True).stdout
    known = [line.split()[0] for line in listing.splitlines() if line.split()[1:] == ["main"]]
    if os.environ.get("CONTAINMENT_MIRROR"):
        known = [os.environ["CONTAINMENT_MIRROR"]]
    with tempfile.TemporaryDirectory() as scratch:
        for uri in dict.fromkeys(known):
            release = "%s/dists/%s/InRelease" % (uri.rstrip("/"), suite)
            fetch = ["/usr/lib/apt/apt-helper", "download-file", release, os.path.join(scratch, "release")]
            found = subprocess.run(fetch, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            if found.returncode == 0:
                return uri
    raise NotPossible(
        "not possible here: none of this machine's apt sources that can be reached carries Debian %s: name one in "
        "CONTAINMENT_MIRROR" % suite
    )


def _run(argv, log):
    with open(log, "w") as out:
        done = subprocess.run(argv, check=False, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT)
    if done.returncode:
        tail = "\n".join(Path(log).read_text(errors="replace").splitlines()[-15:])
        raise RuntimeError("%s ended with %d, log %s:\n%s" % (argv[0], done.returncode, log, tail))


def _options():
    """What every tree is made with: no recommended packages, no documentation, this machine's proxy."""
    settings = ['APT::Install-Recommends "false"', 'Acquire::Languages "none"', 'Acquire::Check-Valid-Until "false"']
    for name in ("Acquire::http::Proxy", "Acquire::https::Proxy"):
        found = subprocess.run(["apt-config", "shell", "P", name], check=True, stdout=subprocess.PIPE, text=True).stdout
        if found:  # P='value'
            settings.append('%s "%s"' % (name, found.split("'")[1]))
    options = ["--mode=root", "--format=directory", *("--aptopt=" + setting for setting in settings)]
    return options + ["--dpkgopt=path-exclude=/usr/share/%s/*" % kind for kind in ("man", "doc", "locale")]


def _source(suite):
    """The suite's line for sources.list."""
    return "deb [signed-by=%s] %s %s main" % (machine.KEYRING, mirror(suite), suite)


def _carried(suite):
    """The packages that the suite's tree has in its repository, with what they depend on."""
    return ENGINE_PACKAGES[suite] + MORE_PACKAGES.get(suite, [])


def _build_base(suite, out):
    options = [*_options(), "--variant=minbase", "--include=" + PACKAGES]
    finish = shlex.quote(str(SCRIPTS / "finish-tree.sh"))
    options += ['--customize-hook=sh %s "$1" %s' % (finish, " ".join(_carried(suite)))]
    _debootstrap(options, suite, out)


def _debootstrap(options, suite, out):
    # Namespaces of its own: whatever ends the build also ends its mounts and processes.
    unshare = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    _run([*unshare, "mmdebstrap", *options, suite, str(out), _source(suite)], str(out) + ".log")


def _build_engine(suite, base, out):
    # mmdebstrap's stand-ins are gone by now, and the network namespace is empty: this proves the offline repository.
    work = make_private(Path(str(out) + ".work"))
    make_private(out).chmod(0o755)
    unshare = ["unshare", "--mount", "--pid", "--net", "--ipc", "--uts", "--fork", "--kill-child"]
    script = ["sh", str(SCRIPTS / "add-engine.sh"), str(base), str(out), str(work)]
    _run([*unshare, *script, *ENGINE_PACKAGES[suite]], str(out) + ".log")
    shutil.rmtree(work)


@contextlib.contextmanager
def _lock(folder, name):
    with open(make_private(folder) / (name + ".lock"), "w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _once(name, build, folder=TREES, told="throwaway hosts: building tree %s (about a minute)"):
    """Return the path `name` below `folder`; first build it under a temporary name when it is not there."""
    final = folder / name
    if final.is_dir():
        return final
    with _lock(folder, name):
        if not final.is_dir():
            print(told % name, file=sys.stderr, flush=True)
            half = folder / (name + ".tmp")
            for leftover in (half, Path(str(half) + ".work")):
                if leftover.exists():
                    shutil.rmtree(leftover)
            build(half)
            half.rename(final)
            Path(str(half) + ".log").rename(str(final) + ".log")
    return final


def layers(suite, engine):
    """Return the suite's layers, topmost first, as an overlay's lowerdir wants them; build what is missing.

    Raises NotPossible where the machine cannot, RuntimeError (with the log's tail) where a build fails.
    """
    if suite not in ENGINE_PACKAGES:
        raise ValueError("suite %r is not one of %s" % (suite, ", ".join(SUITES)))
    machine.prepare()
    key = _key(suite, PACKAGES, *_carried(suite), _text("finish-tree.sh"))
    base = _once("%s-base-%s" % (suite, key), lambda out: _build_base(suite, out))
    if not engine:
        return [base]
    key = _key(key, *ENGINE_PACKAGES[suite], _text("add-engine.sh"))
    return [_once("%s-engine-%s" % (suite, key), lambda out: _build_engine(suite, base, out)), base]


def services():
    """Return the path of a Debian 12 with nginx, PostgreSQL and redis; build it where it is missing.

    Raises as layers() does.
    """
    machine.prepare()
    options = [*_options(), "--variant=minbase", "--include=" + SERVICES]
    return _once("bookworm-services-%s" % _key(SERVICES), lambda out: _debootstrap(options, "bookworm", out))
