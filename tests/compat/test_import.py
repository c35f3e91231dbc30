# SPDX-License-Identifier: GPL-3.0-or-later
"""Every file that runs on a managed host can be imported by the Python that runs this."""

import importlib
import os

import pytest

PLUGINS = os.path.join(os.path.dirname(__file__), "..", "..", "plugins")
FILES = sorted(
    "%s.%s" % (folder, name[:-3])
    for folder in ("module_utils", "modules")
    for name in os.listdir(os.path.join(PLUGINS, folder))
    if name.endswith(".py")
)


def test_there_are_files():
    assert FILES


@pytest.mark.parametrize("name", FILES)
def test_import(name):
    importlib.import_module("ansible_collections.containment.docker.plugins." + name)
