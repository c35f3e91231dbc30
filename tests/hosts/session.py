# SPDX-License-Identifier: GPL-3.0-or-later
"""How a test session with throwaway hosts or virtual machines begins."""

import sys

import pytest

from ._paths import NotPossible


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
