# SPDX-License-Identifier: GPL-3.0-or-later
"""How a test session with throwaway hosts or virtual machines begins."""

import ctypes
import os
import subprocess
import sys

import pytest

from ._paths import NotPossible

_CLONE_NEWNS = 0x00020000
# Where the modules that tests run on this machine itself keep locks and notes.
_STATE = ("/run/containment", "/var/lib/containment")


def begin(package, what):
    """Prepare the machine and remove what a killed run left; skip, with the reason, where there can be none.

    package: tests.hosts or tests.vms. what: its machines, in words.
    """
    try:
        package.prepare()
    except NotPossible as reason:
        pytest.skip(str(reason))
    names = package.sweep()
    if names:
        print("removed %s of an earlier run: %s" % (what, " ".join(names)), file=sys.stderr)


def set_apart():
    """Give this process, one of several that run tests, mounts of its own: no others, and none of the others' state."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_CLONE_NEWNS):
        raise OSError(ctypes.get_errno(), "this process cannot have mounts of its own")
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)
    for folder in _STATE:
        os.makedirs(folder, exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=700", "tests", folder], check=True)
