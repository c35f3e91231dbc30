# SPDX-License-Identifier: GPL-3.0-or-later
"""Each principal is tried with one request that he may make and one that he may not; nobody is locked out."""

import copy

import pytest

from ansible_collections.containment.docker.plugins.module_utils import (
    _authz_actions,
    _authz_names,
    _authz_plan,
    _authz_policy,
)
from ansible_collections.containment.docker.plugins.module_utils import _authz_probe as core
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

ALL = {"actions": ["*"], "containers": ["*"], "images": ["*"], "networks": ["*"], "volumes": ["*"]}
POLICY = {
    "principals": [
        {"name": "root", "socket": True, "roles": ["everything"]},
        {"name": "looker", "cn": "looker", "roles": ["look"]},
        {"name": "starter", "serials": ["0a"], "roles": ["start"]},
        {"name": "maker", "cn": "maker", "roles": ["make"]},
        {"name": "watched", "cn": "watched", "roles": ["seen"]},
        {"name": "nobody", "cn": "nobody"},
    ],
    "roles": [
        {"name": "everything", "grants": [dict(ALL, envelope="privileged")]},
        {"name": "look", "grants": [{"actions": ["container.list"]}]},
        {"name": "start", "grants": [{"actions": ["container.start"], "containers": ["gone", "db-*", "web"]}]},
        {
            "name": "make",
            "grants": [
                {
                    "actions": ["container.create"],
                    "containers": ["@own"],
                    "images": ["reg.example/*", "foobar"],
                    "envelope": "unprivileged",
                }
            ],
        },
        {"name": "seen", "mode": "report", "grants": []},
    ],
}


class World:
    """A test double of an engine with one container, web."""

    def container(self, text):
        if text != "web":
            raise ContainmentError(f"container {text}", "is not there", "see docker ps -a")
        return _authz_names.Container("1" * 64, "web", {}, None, {}, {})

    def exec(self, number):
        raise ContainmentError(number, "is not known", "make a new one")


def policy(**changes):
    return _authz_policy.read(_authz_plan.text_of(dict(POLICY, **changes)))


def test_who_is_tried_with_what():
    found = [
        (one.principal, one.verdict, one.request["method"], one.request["uri"])
        for one in core.probes(policy(), World())
    ]
    assert found == [
        ("root", "allow", "GET", "/v1.41/_ping"),
        ("root", "deny", "GET", "/v1.41/_ping?probe=1&probe=2"),
        ("looker", "allow", "GET", "/v1.41/containers/json"),
        ("looker", "deny", "GET", "/v1.41/_ping"),
        ("starter", "allow", "POST", "/v1.41/containers/web/start"),
        ("starter", "deny", "GET", "/v1.41/_ping"),
        ("maker", "allow", "POST", "/v1.41/containers/create"),
        ("maker", "deny", "GET", "/v1.41/_ping"),
        ("watched", "report", "GET", "/v1.41/_ping"),
        ("nobody", "deny", "GET", "/v1.41/_ping"),
    ]


def test_what_a_proof_says():
    probes = {(one.principal, one.verdict): one for one in core.probes(policy(), World())}
    may = core.judge(probes["starter", "allow"], {"verdict": "allow", "rule": "start[0]"})
    assert may == {
        "proof": "authz-starter-allow",
        "title": "starter may POST /containers/web/start",
        "expected": "allow",
        "observed": "allow by start[0]",
        "passed": True,
    }
    assert not core.judge(probes["starter", "allow"], {"verdict": "deny", "rule": "default"})["passed"]
    not_told = core.judge(probes["root", "deny"], "policy: is not usable")
    assert (not_told["title"], not_told["observed"], not_told["passed"]) == (
        "root may not GET /_ping?probe=1&probe=2",
        "policy: is not usable",
        False,
    )
    assert core.judge(probes["root", "deny"], None)["observed"] is None


def test_a_privileged_container_is_named_as_what_it_is():
    everything_but_root = {"actions": ["system.*", "container.list", "image.list", "network.list", "volume.list"]}
    roles = [*POLICY["roles"], {"name": "most", "grants": [everything_but_root]}]
    principals = [*POLICY["principals"], {"name": "most", "cn": "most", "roles": ["most"]}]
    (denied,) = [
        one
        for one in core.probes(policy(roles=roles, principals=principals), World())
        if (one.principal, one.verdict) == ("most", "deny")
    ]
    assert core.judge(denied, None)["title"] == "most may not POST /containers/create of a privileged one"


def test_roots_own_way_is_kept():
    core.refuse_locked_out(policy())
    report = copy.deepcopy(POLICY)
    report["roles"][0]["mode"] = "report"
    core.refuse_locked_out(_authz_policy.read(_authz_plan.text_of(report)))


def everything(grants):
    return policy(roles=[{"name": "everything", "grants": grants}, *POLICY["roles"][1:]])


@pytest.mark.parametrize(
    ("change", "missing"),
    [
        ({"envelope": "unprivileged"}, "container.create"),
        ({"images": ["foobar"]}, "container.create"),
        ({"containers": ["@own", "containment-*"]}, "container.create"),
        ({"actions": ["container.*", "image.*", "volume.*", "network.*"]}, "system.ping"),
        ({"actions": ["container.*", "image.*", "volume.*", "network.*", "system.*"]}, "exec.create"),
    ],
)
def test_a_policy_that_locks_root_out_is_refused(change, missing):
    with pytest.raises(ContainmentError, match=f"principal root: may not do {missing} with everything, so that"):
        core.refuse_locked_out(everything([dict(dict(ALL, envelope="privileged"), **change)]))


@pytest.mark.parametrize("missing", sorted(_authz_actions.ACTIONS))
def test_each_action_is_needed(missing):
    others = [one for one in _authz_actions.ACTIONS if one != missing]
    with pytest.raises(ContainmentError, match=f"may not do {missing} with"):
        core.refuse_locked_out(everything([dict(ALL, envelope="privileged", actions=others)]))


def test_several_grants_may_cover_everything_between_them():
    plain = [one for one, action in _authz_actions.ACTIONS.items() if action.envelope is None]
    rest = [one for one in _authz_actions.ACTIONS if one not in plain]
    narrow = {"actions": ["container.start"], "containers": ["web"]}
    wide = [dict(ALL, actions=plain), dict(ALL, actions=rest, envelope="privileged")]
    core.refuse_locked_out(everything([narrow, *wide]))


def test_a_policy_without_the_socket_is_refused():
    with pytest.raises(ContainmentError, match="locked out; grant it actions"):
        core.refuse_locked_out(policy(principals=POLICY["principals"][1:]))
