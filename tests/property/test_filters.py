# SPDX-License-Identifier: GPL-3.0-or-later
"""Each filter is one function of one module, which nothing imports before it is called."""

import importlib
import pkgutil
import subprocess
import sys

import pytest

from ansible_collections.containment.docker.plugins import filter as filters

PACKAGE = filters.__name__
NAMES = sorted(one.name for one in pkgutil.iter_modules(filters.__path__))
UTILS = "ansible_collections.containment.docker.plugins.module_utils."


def test_there_are_some():
    assert len(NAMES) > 20


@pytest.mark.parametrize("name", NAMES)
def test_a_file_has_the_filter_of_its_name(name):
    found = importlib.import_module(f"{PACKAGE}.{name}").FilterModule().filters()
    assert list(found) == [name]
    with pytest.raises(TypeError, match="argument"):  # It is there, and wants what it is given in a template.
        found[name]()


def test_to_load_them_all_compiles_nothing_of_the_core():
    load = f"import importlib, sys; [importlib.import_module('{PACKAGE}.' + one) for one in {NAMES}]"
    tell = f"print([one for one in sys.modules if one.startswith('{UTILS}')])"
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path[:] = {sys.path}; {load}; {tell}"],
        stdout=subprocess.PIPE,
        check=True,
        timeout=60,
    )
    assert done.stdout == b"[]\n"
