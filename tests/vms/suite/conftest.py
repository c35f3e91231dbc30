# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures for tests on throwaway virtual machines. They take turns: one of them fills both processors."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from tests import vms
from tests.hosts import session


@pytest.fixture(scope="session")
def prepared():
    """Prepare the machine and remove what a killed run left."""
    session.begin(vms, "virtual machines")


@pytest.fixture
def vm(prepared, request):
    """The virtual machine of the image that the test names as its parameter."""
    with vms.start_vm(request.param) as started:
        yield started
