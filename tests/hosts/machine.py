# SPDX-License-Identifier: GPL-3.0-or-later
"""What the machine must have before a throwaway host can be built or started."""

import contextlib
import functools
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from ._paths import CACHE, HOSTS, NotPossible, make_private

PACKAGE_OF = {
    "getsubids": "uidmap",  # No host needs it: tests ask it what it reads.
    "mmdebstrap": "mmdebstrap",
    "nsenter": "util-linux",
    "systemd-nspawn": "systemd-container",
    "unshare": "util-linux",
}
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
# A host takes eight. Without, its systemd ends or waits for ever, and says nothing: 128 are not enough for tests.
INSTANCES, ENOUGH = Path("/proc/sys/fs/inotify/max_user_instances"), 512


def _install(packages):
    print("throwaway hosts: installing packages on this machine: " + " ".join(packages), file=sys.stderr, flush=True)
    env = dict(os.environ, DEBIAN_FRONTEND="noninteractive", LC_ALL="C")
    command = ["apt-get", "-qq", "install", "--no-install-recommends", *packages]
    for attempt in (command, ["apt-get", "-qq", "update"], command):
        done = subprocess.run(
            attempt, check=False, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        if done.returncode == 0 and attempt is command:
            return
    raise NotPossible(
        "not possible here: apt-get cannot install %s: %s"
        % (" ".join(packages), done.stdout.strip().rpartition("\n")[2])
    )


@functools.lru_cache(maxsize=None)
def prepare():
    """Install what is missing and try the mounts a host needs. Raises NotPossible."""
    if sys.platform != "linux" or os.geteuid() != 0:
        raise NotPossible("not possible here: throwaway hosts need root on Linux")
    if any(c in str(CACHE) for c in ":,\\ "):
        raise NotPossible(
            "not possible here: the path %s has a colon, comma, backslash or blank, which mount options "
            "cannot carry: set CONTAINMENT_CACHE to another folder" % CACHE
        )
    missing = sorted({p for tool, p in PACKAGE_OF.items() if not shutil.which(tool)})
    if not os.path.exists(KEYRING):
        missing.append("debian-archive-keyring")
    if missing:
        if not shutil.which("apt-get"):
            raise NotPossible("not possible here: %s missing and no apt-get to install them" % ", ".join(missing))
        _install(missing)
    make_private(HOSTS)
    script = (
        'mount -t tmpfs t "$1" && cd "$1" && mkdir a b c && mount -t proc p c && umount c && '
        "mount -t overlay -o lowerdir=a:b o c"
    )
    argv = ["unshare", "--mount", "--pid", "--fork", "--net", "sh", "-c", script, "sh"]
    with tempfile.TemporaryDirectory(dir=HOSTS) as probe:
        done = subprocess.run([*argv, probe], check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        raise NotPossible("not possible here: namespaces with an overlay mount are refused: " + done.stdout.strip())
    stat = ["stat", "--file-system", "--format=%T", str(HOSTS)]
    kind = subprocess.run(stat, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
    if kind == "overlayfs":
        raise NotPossible(
            "not possible here: %s is on an overlay mount, which an engine's data root must not be: "
            "set CONTAINMENT_CACHE to a folder on a plain file system" % HOSTS
        )


def make_room():
    """Let the machine have as many hosts at a time as tests want, where it lets itself be told."""
    if int(INSTANCES.read_text()) < ENOUGH:
        print("throwaway hosts: raising fs.inotify.max_user_instances of this machine to %d" % ENOUGH, file=sys.stderr)
        with contextlib.suppress(OSError):
            INSTANCES.write_text("%d\n" % ENOUGH)
