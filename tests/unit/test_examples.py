# SPDX-License-Identifier: GPL-3.0-or-later
"""The example inventories set no variable that is not there."""

from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = sorted((ROOT / "examples" / "inventories").glob("*.yml"))
OF_PLAYBOOKS = {"harden_hosts", "harden_serial"}


def known():
    found = set(OF_PLAYBOOKS)
    for specs in (ROOT / "roles").glob("*/meta/argument_specs.yml"):
        for entry in yaml.safe_load(specs.read_text())["argument_specs"].values():
            found.update(entry.get("options", {}))
    return found


def variables(group):
    for place in [group, *(one or {} for one in (group.get("hosts") or {}).values())]:
        yield from place.get("vars", {}) if place is group else place
    for child in (group.get("children") or {}).values():
        yield from variables(child)


def test_there_are_examples():
    assert EXAMPLES


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_every_variable_is_one_of_a_role(path):
    inventory = yaml.safe_load(path.read_text())
    assert "docker_hosts" in inventory
    names = {name for group in inventory.values() for name in variables(group)}
    assert {name for name in names if not name.startswith("ansible_")} - known() == set()
