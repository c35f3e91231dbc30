# SPDX-License-Identifier: GPL-3.0-or-later
"""The schema of a policy takes what the plugin takes, and names what the plugin knows."""

import copy
import json
import re
from pathlib import Path

import jsonschema
import pytest
import yaml

from ansible_collections.containment.docker.plugins.module_utils import (
    _authz_actions,
    _authz_envelope,
    _authz_names,
    _authz_policy,
)
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

ROOT = Path(__file__).parents[2]
SCHEMA = json.loads((ROOT / "docs/authz-policy.schema.json").read_text())
EXAMPLE = dict(yaml.safe_load((ROOT / "examples/authz/three-admins.yml").read_text())["authz_policy"], format=1)
(DOCUMENTED,) = re.findall(r"```json\n(.*?)```", (ROOT / "docs/authz.md").read_text(), re.DOTALL)


def is_valid(policy):
    return jsonschema.Draft202012Validator(SCHEMA).is_valid(policy)


def is_read(policy):
    try:
        _authz_policy.read(json.dumps(policy).encode())
    except ContainmentError:
        return False
    return True


def grants(policy):
    return [grant for role in policy["roles"] for grant in role["grants"]]


@pytest.mark.parametrize("policy", [EXAMPLE, json.loads(DOCUMENTED)], ids=["example", "documented"])
def test_what_is_shown_is_valid(policy):
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    jsonschema.validate(policy, SCHEMA)
    assert is_read(policy)


def test_it_names_what_the_plugin_knows():
    grant = SCHEMA["properties"]["roles"]["items"]["properties"]["grants"]["items"]["properties"]
    families = {action.partition(".")[0] + ".*" for action in _authz_actions.ACTIONS}
    assert set(grant["actions"]["items"]["enum"]) == {"*", *families, *_authz_actions.ACTIONS}
    assert set(grant) == {"actions", "envelope", *_authz_names.KINDS}
    envelope = dict(SCHEMA["properties"]["envelopes"]["items"]["properties"])
    assert set(envelope) == {"name", "base", *_authz_envelope.OPTIONS}
    for key, kind in _authz_envelope.OPTIONS.items():
        assert envelope[key]["type"] == {list: "array", bool: "boolean"}[kind]
    assert envelope["namespaces"]["items"]["enum"] == list(_authz_envelope.NAMESPACES)


def change(way, value):
    """The documented policy with something else at a place of it."""
    policy = copy.deepcopy(json.loads(DOCUMENTED))
    place = policy
    for step in way[:-1]:
        place = place[step]
    place[way[-1]] = value
    return policy


@pytest.mark.parametrize(
    ("way", "value"),
    [
        (("format",), 2),
        (("principal",), []),
        (("contact",), "two\nlines"),
        (("principals", 0, "name"), "a b"),
        (("principals", 1), {"name": "nobody"}),
        (("principals", 2, "serials"), ["xyz"]),
        (("principals", 3, "keys"), ["sha256:abc"]),
        (("principals", 0, "socket"), "yes"),
        (("roles", 0, "mode"), "watch"),
        (("roles", 0, "grants", 0, "actions"), []),
        (("roles", 0, "grants", 0, "actions"), ["container.fly"]),
        (("roles", 0, "grants", 0, "container"), ["*"]),
        (("envelopes", 0, "ports"), ["http"]),
        (("envelopes", 0, "digest"), "yes"),
        (("envelopes", 0, "binds"), ["relative"]),
        (("envelopes", 0, "capabilities"), ["CAP_chown"]),
        (("envelopes", 0, "namespaces"), ["mount"]),
        (("envelopes", 0, "seccomp"), ["none"]),
        (("envelopes", 0, "base"), None),
        (("revoked", 0), {"serial": "1", "cn": "a"}),
        (("revoked", 0), {}),
    ],
)
def test_what_it_refuses_the_plugin_refuses(way, value):
    policy = change(way, value)
    assert not is_valid(policy) and not is_read(policy)
