# SPDX-License-Identifier: GPL-3.0-or-later
"""Every action that a route has is known with its objects, its body and its envelope."""

import re

import pytest

from ansible_collections.containment.docker.plugins.module_utils import (
    _authz_actions,
    _authz_envelope,
    _authz_names,
    _authz_routes,
)

_KINDS_OF = {"container": "containers", "exec": "containers", "image": "images", "volume": "volumes"}
_KINDS_OF["network"] = "networks"


def test_actions_are_those_of_the_routes():
    assert set(_authz_actions.ACTIONS) == set(_authz_routes.ACTIONS)


@pytest.mark.parametrize("name", sorted(_authz_actions.ACTIONS))
def test_values_are_of_the_closed_sets(name):
    action = _authz_actions.ACTIONS[name]
    assert action.body in _authz_actions.BODIES
    assert action.envelope is None or action.envelope in _authz_actions.ENVELOPES
    assert set(action.objects) <= set(_authz_names.KINDS)
    assert len(set(action.objects)) == len(action.objects)


@pytest.mark.parametrize("route", _authz_routes.ROUTES, ids=lambda route: f"{route[0]} {route[1]}")
def test_what_a_path_names_is_asked_for(route):
    kinds = {_KINDS_OF[one] for one in re.findall(r"\{(\w+)\}", route[1]) if one in _KINDS_OF}
    action = _authz_actions.ACTIONS[route[2]]
    if action.envelope != "all":  # Nobody has less than everything there.
        assert kinds <= set(action.objects)


@pytest.mark.parametrize("route", [one for one in _authz_routes.ROUTES if one[0] in ("GET", "HEAD", "DELETE")])
def test_what_has_no_body_demands_none(route):
    assert _authz_actions.ACTIONS[route[2]].body in ("none", "maybe", "stream")


@pytest.mark.parametrize("family", ["plugin", "swarm", "node", "service", "secret", "config"])
def test_what_leads_to_root_is_for_privileged_envelopes(family):
    for name, action in _authz_actions.ACTIONS.items():
        kind, _dot, verb = name.partition(".")
        if kind == family and verb not in ("list", "inspect", "logs", "privileges"):
            assert action.envelope == "all", name


def test_every_envelope_is_examined():
    known = set(_authz_envelope._EXAMINED) | {"inside", "all"}
    assert known == set(_authz_actions.ENVELOPES)
