# SPDX-License-Identifier: GPL-3.0-or-later
"""A policy is rendered to one program and data, or refused in a sentence. Real OPA reads both in tests/property."""

import json
import re

import pytest

from ansible_collections.containment.docker.plugins.module_utils import (
    _authz_actions,
    _authz_demand,
    _authz_fields,
    _authz_policy,
    _authz_routes,
    _authz_rules,
    _authz_values,
)
from ansible_collections.containment.docker.plugins.module_utils import _authz_rego as core
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

_HASH = "sha256:" + "d" * 64
_ALL = {"containers": ["*"], "images": ["*"], "networks": ["*"], "volumes": ["*"]}
_EVERYTHING = {"actions": ["*"], "envelope": "privileged", **_ALL}
_CREATE = {"actions": ["container.create"], "containers": ["@own"], "images": ["foobar"], "envelope": "unprivileged"}


def _policy(*grants, **more):
    value = {
        "format": 1,
        "roles": [{"name": "work", "mode": more.pop("mode", "enforce"), "grants": list(grants)}],
        "principals": more.pop("principals", [{"name": "alice", "cn": "alice", "roles": ["work"]}]),
    }
    return _authz_policy.read(json.dumps(dict(value, **more)).encode())


def _data(*grants, **more):
    return core.render(_policy(*grants, **more))[1]["containment"]


def _grant(*actions, **more):
    return dict(more, actions=list(actions))


def test_the_program_is_one_and_denies_by_default():
    programs = {core.render(_policy(one))[0] for one in (_EVERYTHING, _CREATE, _grant("system.ping"))}
    assert programs == {core.PROGRAM}
    assert "\npackage docker.authz\n" in core.PROGRAM and "\ndefault allow := false\n" in core.PROGRAM


def test_the_data_is_json_and_of_the_policy():
    policy = _policy(_EVERYTHING)
    data = core.render(policy)[1]
    assert json.loads(json.dumps(data)) == data
    assert list(data) == ["containment"] and data["containment"]["policy"] == policy.digest


def test_principals_are_known_by_socket_and_common_name():
    principals = [
        {"name": "root", "socket": True, "roles": ["work"]},
        {"name": "alice", "cn": "Alice A", "roles": ["work"]},
        {"name": "bob", "cn": "bob"},
        {"name": "mallory", "cn": "mallory", "roles": ["work"]},
    ]
    data = _data(_EVERYTHING, principals=principals, revoked=[{"cn": "mallory"}])
    assert (data["socket"], data["certified"]) == (["work[0]"], {"Alice A": ["work[0]"], "bob": []})


def test_nobody_comes_by_the_socket_where_the_policy_has_none():
    assert _data(_EVERYTHING)["socket"] == []


def test_a_grant_as_data():
    grants = _data(
        _grant("system.ping"),
        _grant("container.start", "container.stop", containers=["web", "db-*"]),
        _grant(
            *("container.create", "image.pull"),
            containers=["@own", "label:a", "label:b=c=d"],
            images=["foobar", "h/*:1.*", f"x@{_HASH}", _HASH],
            volumes=["*", "a"],
            envelope="unprivileged",
        ),
    )["grants"]
    assert grants["work[0]"] == {"actions": {"system.ping": True}, "blind": False, "selectors": {}}
    assert grants["work[1]"]["selectors"] == {
        "containers": {"own": False, "labels": [], "exact": {"web": True}, "like": [r"^db\-(?s:.*)$"]}
    }
    assert grants["work[2]"]["envelope"] == "unprivileged"
    assert grants["work[2]"]["selectors"] == {
        "containers": {
            "own": True,
            "labels": [{"key": "a"}, {"key": "b", "value": "c=d"}],
            "exact": {},
            "like": [],
        },
        "images": {
            "some": [
                {"repository": r"^docker\.io/library/foobar$"},
                {"repository": "^docker\\.io/h/(?s:.*)$", "tag": r"^1\.(?s:.*)$"},
                {"repository": r"^docker\.io/library/x$", "digest": _HASH},
                {"id": _HASH},
            ]
        },
        "volumes": {"all": True},
    }


@pytest.mark.parametrize(
    "change, blind",
    [
        ({}, True),
        ({"actions": ["container.create"]}, True),
        ({"envelope": "unprivileged", "actions": ["container.create"]}, False),
        ({"volumes": ["data"], "actions": ["container.create"]}, False),
        ({"containers": ["web"], "actions": ["container.create"]}, False),
    ],
)
def test_whom_a_hidden_key_gains_nothing(change, blind):
    grant = dict(_EVERYTHING, **change)
    if "actions" in change:
        grant = {key: value for key, value in grant.items() if key in ("actions", "envelope", *_ALL)}
    assert _data(grant)["grants"]["work[0]"]["blind"] is blind


def test_envelopes_are_those_that_are_granted():
    own = [{"name": "web", "base": "restricted", "ports": ["80"]}, {"name": "other", "base": "web"}]
    found = _data(_EVERYTHING, dict(_CREATE, envelope="web"), envelopes=own)["envelopes"]
    assert sorted(found) == ["privileged", "web"]
    assert found["privileged"]["everything"] and not found["web"]["everything"]
    assert found["web"]["options"]["ports"] == ["80"] and found["web"]["options"]["root"] is False


@pytest.mark.parametrize(
    "words, grants, more",
    [
        (
            "revoked: serial 11 is more than OPA is told, which is a common name alone; revoke the cn.",
            [_EVERYTHING],
            {"revoked": [{"serial": "11"}]},
        ),
        (f"revoked: key {_HASH} is more than", [_EVERYTHING], {"revoked": [{"key": _HASH}]}),
        (
            "principal alice serials: 5b is more than",
            [_EVERYTHING],
            {"principals": [{"name": "alice", "cn": "alice", "serials": ["5b"], "roles": ["work"]}]},
        ),
        (
            f"principal alice keys: {_HASH} is more than",
            [_EVERYTHING],
            {"principals": [{"name": "alice", "keys": [_HASH], "roles": ["work"]}]},
        ),
        ("role work mode: report is more than", [_EVERYTHING], {"mode": "report"}),
        ("work[0] containers: @own for container.start is more", [_grant("container.start", containers=["@own"])], {}),
        (
            "work[1] containers: label:a=b for container.stop is more",
            [_EVERYTHING, dict(_CREATE, actions=["container.create", "container.stop"], containers=["label:a=b"])],
            {},
        ),
        (
            "work[0] containers: @own for network.disconnect is more",
            [_grant("network.disconnect", containers=["web", "@own"], networks=["*"])],
            {},
        ),
        ("work[0] actions: exec.inspect is more", [_grant("exec.inspect", containers=["*"])], {}),
        (
            "work[0] actions: exec.inspect is more",
            [dict(_grant("exec.*"), containers=["*"], envelope="privileged")],
            {},
        ),
        ("work[0] actions: plugin.set is more", [dict(_grant("plugin.set"), envelope="privileged")], {}),
        (
            "work[0] envelope: unprivileged for exec.create is more than OPA is told, which is nothing of the",
            [dict(_grant("exec.create"), containers=["*"], envelope="unprivileged")],
            {},
        ),
        (
            "work[0] envelope: restricted for container.attach is more",
            [dict(_grant("container.attach"), containers=["*"], envelope="restricted")],
            {},
        ),
        (
            "work[0] envelope: unprivileged for image.commit is more",
            [dict(_grant("image.commit"), containers=["*"], images=["*"], envelope="unprivileged")],
            {},
        ),
        ("work[0] actions: exec.inspect is more", [dict(_EVERYTHING, envelope="unprivileged")], {}),
        (
            "work[0] envelope: unprivileged for container.archive.read is more",
            [dict(_grant("container.*"), containers=["*"], images=["*"], envelope="unprivileged")],
            {},
        ),
    ],
)
def test_what_opa_cannot_tell_is_not_rendered(words, grants, more):
    try:
        policy = _policy(*grants, **more)
    except ContainmentError as error:
        raise AssertionError(f"the policy itself is refused: {error}") from error
    with pytest.raises(ContainmentError) as caught:
        core.render(policy)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    "grants, more",
    [
        ([_EVERYTHING], {}),
        ([_CREATE], {}),
        ([dict(_CREATE, containers=["label:a"])], {}),
        ([_grant("container.start", containers=["@own", "*"])], {}),
        ([dict(_grant("exec.create", "container.attach"), containers=["web"], envelope="privileged")], {}),
        # Of a role that nobody has nothing is rendered.
        ([_grant("exec.inspect", containers=["*"])], {"mode": "report", "principals": [{"name": "a", "cn": "a"}]}),
    ],
)
def test_what_is_rendered(grants, more):
    assert core.render(_policy(*grants, **more))[0] == core.PROGRAM


def test_all_routes_and_actions_are_there():
    routes = _data(_EVERYTHING)["routes"]
    found = [
        (method, "/" + "/".join(one["template"]), one["action"], " ".join(one["parameters"]))
        for method, groups in routes.items()
        for group in groups.values()
        for one in group
    ]
    assert sorted(found) == sorted(_authz_routes.ROUTES)
    for groups in routes.values():
        for one in (one for group in groups.values() for one in group):
            about = _authz_actions.ACTIONS[one["action"]]
            assert (one["body"], one["envelope"]) == (about.body, about.envelope)


@pytest.mark.parametrize("action", sorted(_authz_demand._SPECIAL))
def test_what_is_special_to_the_plugin_is_so_to_the_program(action):
    """Without a rule of its own it would be refused for ever."""
    assert action in _data(_EVERYTHING)["special"] and f'"{action}"' in core.PROGRAM


@pytest.mark.parametrize(
    "name",
    [
        name
        for fields in (_authz_fields.CONFIG, _authz_fields.HOST)
        for name, kind in fields.items()
        if kind == "rule" and name not in ("MaskedPaths", "ReadonlyPaths", *_authz_rules.NAMESPACES)
    ],
)
def test_each_field_with_a_rule_has_one_in_the_program(name):
    assert re.search(rf'^rule\((?:may|_), "{name}"|"{name}", "', core.PROGRAM, re.MULTILINE) or (
        f'"{name}"}}' in core.PROGRAM
    )


@pytest.mark.parametrize("kind", sorted(_authz_values.KINDS))
def test_each_kind_of_field_is_in_the_program(kind):
    assert f'is_kind("{kind}", ' in core.PROGRAM


def test_patterns_are_those_of_re2():
    """It looks neither ahead nor behind, and ends a text with $ or \\z."""
    for name, pattern in _data(_EVERYTHING)["patterns"].items():
        assert pattern.startswith("^(?:") and not re.search(r"\\Z|\(\?[=!<]", pattern), name
        assert pattern.endswith("$") or name == "version"


@pytest.mark.parametrize(
    "path, whether",
    [
        ("/a/b-c_d.e~f:g@h+i", True),
        ("/a%40b", True),
        ("/a%25", True),
        *(
            (path, False)
            for path in ("/a%2F", "/a%61", "/a%2e", "/a%20", "/a%00", "/a%7F", "/a%C3", "/a%4", "/a b", "a")
        ),
    ],
)
def test_the_pattern_of_paths_hides_nothing(path, whether):
    assert bool(re.match(core._TABLES["patterns"]["path"], path)) is whether


def test_what_may_be_spared_is_less_than_any_field_with_fields():
    """Else a body would have room for one that OPA is not shown; a line's end is one character more."""

    def nested(fields):
        for name, kind in fields.items():
            if kind in ("map", "set"):
                yield f'"{name}":{{"a":""}},'
            elif isinstance(kind, list):
                yield f'"{name}":[{{"{min(kind[0], key=len)}":0}}],'
            elif isinstance(kind, dict):
                yield f'"{name}":{{"{min(kind, key=len)}":0}},'
                yield from nested(kind)

    tables = (*core._TABLES["fields"].values(), {"Tmpfs": "map", "Sysctls": "map", "Options": "map"})
    assert min(len(one) for fields in tables for one in nested(fields) if '"*":' not in one) > core._SPARED + 1


@pytest.mark.parametrize("name", core._EMPTIED)
def test_what_null_takes_back_is_said_of_fields_alone_of_which_no_table_says_so(name):
    kinds = [value[name] for value in _objects(core._TABLES["fields"]) if name in value]
    assert kinds and not {"text", "flag", "number"}.intersection(one for one in kinds if isinstance(one, str))
    assert "absent" in kinds or "rule" in kinds or name == "Mounts"


def _objects(value):
    for one in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _objects(one)
    if isinstance(value, dict):
        yield value


def test_the_program_leaves_nothing_unused():
    """As `opa check --strict` wants it: each argument of a function, and each variable, is used."""
    for text in re.sub(r"#.*", "", core.PROGRAM).split("\n\n"):
        head = re.match(r"\s*([a-z_0-9]+)\(([^)]*)\)", text)
        names = re.findall(r"\b[a-z][a-z_0-9]*\b", re.sub(r'"[^"]*"', "", head.group(2))) if head else []
        names += re.findall(r"^\t+([a-z_]+) := ", text, re.MULTILINE)
        for name in names:
            if name not in ("null", "true", "false"):
                assert len(re.findall(rf"\b{name}\b", text)) > 1, f"{name} in {text}"
