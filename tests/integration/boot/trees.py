# SPDX-License-Identifier: GPL-3.0-or-later
"""Debian trees with the real grub-mkconfig and kernel-install, built once with mmdebstrap and kept in the cache."""

import subprocess

from tests.hosts import machine, tree

# No boot loader is installed on a disk: grub2-common has update-grub, grub-common grub-mkconfig and 10_linux.
PACKAGES = "dash,grub-common,grub2-common,kmod,libdevmapper1.02.1,mount,python3,strace,systemd"
SUITES = ("bullseye", "bookworm", "trixie")


def _build(suite, out):
    options = ["--mode=root", "--variant=minbase", "--format=directory", "--include=" + PACKAGES]
    settings = ['APT::Install-Recommends "false"', 'Acquire::Languages "none"', 'Acquire::Check-Valid-Until "false"']
    for name in ("Acquire::http::Proxy", "Acquire::https::Proxy"):
        found = subprocess.run(["apt-config", "shell", "P", name], check=True, stdout=subprocess.PIPE, text=True).stdout
        if found:  # P='value'
            settings.append(f'{name} "{found.split(chr(39))[1]}"')
    options += ["--aptopt=" + setting for setting in settings]
    options += [f"--dpkgopt=path-exclude=/usr/share/{kind}/*" for kind in ("man", "doc", "locale")]
    source = f"deb [signed-by={machine.KEYRING}] {tree.mirror(suite)} {suite} main"
    unshare = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    tree._run([*unshare, "mmdebstrap", *options, suite, str(out), source], str(out) + ".log")


def boot_tree(suite):
    """Return the tree of a suite. Raises NotPossible where the machine cannot have it."""
    machine.prepare()
    key = tree._key(suite, PACKAGES)
    return tree._once(f"{suite}-boot-{key}", lambda out: _build(suite, out))
