# SPDX-License-Identifier: GPL-3.0-or-later
"""What unit and property tests share."""

import pytest

from ansible_collections.containment.docker.plugins.module_utils import _seccomp_library
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError


@pytest.fixture(scope="session")
def library():
    """The host's libseccomp."""
    try:
        return _seccomp_library.Library()
    except ContainmentError as error:
        pytest.skip(f"not possible here: {error}")
