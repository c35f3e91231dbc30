# SPDX-License-Identifier: GPL-3.0-or-later
"""A policy is read in full or refused with the key, the value and the mend."""

import hashlib
import json

import pytest

from ansible_collections.containment.docker.plugins.module_utils import _authz_actions, _authz_envelope
from ansible_collections.containment.docker.plugins.module_utils import _authz_policy as core
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

_KEY = f"sha256:{'0123456789abcdef' * 4}"
_ALL = {"containers": ["*"], "images": ["*"], "networks": ["*"], "volumes": ["*"]}


def _read(**keys):
    return core.read(json.dumps(dict({"format": 1}, **keys)).encode())


def _refusal(**keys):
    with pytest.raises(ContainmentError) as told:
        _read(**keys)
    assert str(told.value).isprintable() and str(told.value).endswith(".") and len(str(told.value)) < 800
    return str(told.value)


def _grant(**grant):
    return _read(roles=[{"name": "r", "grants": [grant]}], principals=[{"name": "p", "socket": True, "roles": ["r"]}])


def test_a_whole_policy():
    value = {
        "format": 1,
        "contact": "the platform's team (platform@example.org)",
        "envelopes": [
            {"name": "web", "base": "restricted", "ports": ["8000-8999"], "binds": ["/srv/web:ro"]},
            {"name": "web2", "base": "web", "root": True},
        ],
        "roles": [
            {"name": "look", "mode": "report", "grants": [{"actions": ["container.list", "system.*"]}]},
            {
                "name": "run",
                "grants": [
                    {"actions": ["container.list"]},
                    {
                        "actions": ["container.create"],
                        "envelope": "web2",
                        "containers": ["@own"],
                        "images": ["nginx"],
                    },
                ],
            },
        ],
        "principals": [
            {"name": "alice", "cn": "alice", "serials": ["0F:AB"], "keys": [_KEY], "roles": ["look"]},
            {"name": "local", "socket": True},
        ],
        "groups": [{"name": "team", "members": ["alice", "local"], "roles": ["run", "look"]}],
        "revoked": [{"cn": "bob"}, {"serial": "00FF"}, {"key": _KEY}],
    }
    data = json.dumps(value).encode()
    policy = core.read(data)
    alice, local = policy.principals
    assert alice[:5] == ("alice", False, "alice", {"fab"}, {_KEY}) and local[:5] == ("local", True, None, set(), set())
    # The group adds to what a principal has, and nothing twice.
    assert [one.name for one in alice.roles] == ["look", "run"] and [one.name for one in local.roles] == ["run", "look"]
    look, run = alice.roles
    assert look.report and not run.report
    assert [one.label for one in look.grants + run.grants] == ["look[0]", "run[0]", "run[1]"]
    systems = {"system.auth", "system.df", "system.events", "system.info", "system.ping", "system.version"}
    assert look.grants[0].actions == {"container.list"} | systems and look.grants[0].envelope is None
    grant = run.grants[1]
    assert grant.selectors == {"containers": ["@own"], "images": ["nginx"]}
    restricted = _authz_envelope.NAMED["restricted"].options
    assert grant.envelope.name == "web2" and not grant.envelope.everything
    assert grant.envelope.options == dict(restricted, ports=["8000-8999"], binds=["/srv/web:ro"], root=True)
    assert policy.revoked == {"cn": {"bob"}, "serial": {"ff"}, "key": {_KEY}}
    assert policy.contact == value["contact"] and policy.digest == hashlib.sha256(data).hexdigest()


def test_the_least_policy():
    policy = _read()
    assert (policy.principals, policy.contact) == ([], "") and not any(policy.revoked.values())


def test_the_named_envelopes_are_not_changed():
    before = json.dumps(_authz_envelope.NAMED["restricted"].options, sort_keys=True)
    _read(envelopes=[{"name": "a", "base": "restricted", "root": True, "binds": ["/a"]}])
    assert json.dumps(_authz_envelope.NAMED["restricted"].options, sort_keys=True) == before


@pytest.mark.parametrize(
    "data, words",
    [
        (b"", "policy: has no format; give it"),
        (b"{}", "policy: has no format"),
        (b"null", "policy: has no format"),
        (b"[]", "policy: is no object"),
        (b"{", "policy: is no JSON"),
        (b"format: 1", "policy: is no JSON"),
        (b'{"format": 1, "format": 1}', "policy: has the key 'format' twice"),
        (b'{"format": 1, "revoked": [], "revoked": []}', "policy: has the key 'revoked' twice"),
        (b'{"format": 1, "contact": "\xff"}', "policy: is not UTF-8"),
        (b'{"format": 1, "contact": "\\ud800"}', "policy: has half of a surrogate pair"),
        (b'{"format": NaN}', "policy: has NaN"),
        (b'{"format": 1e999}', "policy: has the number 1e999, which is too large"),
        (b'{"format": ' + b"[" * 100000, "policy: is nested too deeply"),
    ],
)
def test_what_is_no_policy(data, words):
    with pytest.raises(ContainmentError) as told:
        core.read(data)
    assert words in str(told.value)


@pytest.mark.parametrize(
    "keys, words",
    [
        ({"format": 2}, "policy format: 2 is none; write 1"),
        ({"format": "1"}, 'policy format: "1" is none; write 1'),
        ({"format": True}, "policy format: true is none; write 1"),
        ({"format": None}, "policy format: null is none; write 1"),
        ({"format": "\n" * 1000}, "policy format: "),
        (
            {"role": []},
            "policy: has the key 'role'; use contact, envelopes, format, groups, principals, revoked, roles",
        ),
        ({"Roles": []}, "policy: has the key 'Roles'"),
        ({"contact": None}, "policy contact: null is none; write one line of text"),
        ({"contact": ["a"]}, 'policy contact: ["a"] is none'),
        ({"contact": "a\nb"}, 'policy contact: "a\\nb" is none'),
        ({"contact": "\x1b[31m"}, 'policy contact: "\\u001b[31m" is none'),
        ({"roles": None}, "policy roles: is no list of objects; write one"),
        ({"roles": {}}, "policy roles: is no list of objects"),
        ({"roles": ["a"]}, "policy roles: is no list of objects"),
        ({"principals": "alice"}, "policy principals: is no list of objects"),
        ({"groups": [[]]}, "policy groups: is no list of objects"),
        ({"envelopes": 5}, "policy envelopes: is no list of objects"),
        ({"revoked": {"cn": "a"}}, "policy revoked: is no list of objects"),
    ],
)
def test_wrong_keys_of_a_policy(keys, words):
    assert words in _refusal(**keys)


@pytest.mark.parametrize("kind", ["envelopes", "roles", "principals", "groups"])
@pytest.mark.parametrize(
    "name, shown",
    [
        (None, "null"),
        (5, "5"),
        (["a"], '["a"]'),
        ("", '""'),
        ("a b", '"a b"'),
        ("a\n", '"a\\n"'),
        ("-a", '"-a"'),
        ("a[0]", '"a[0]"'),
        ("\u0430", '"\\u0430"'),
        ("a" * 65, '"aaa'),
    ],
)
def test_wrong_names(kind, name, shown):
    told = _refusal(**{kind: [{"name": name}]})
    assert f"{kind}[0] name: {shown}" in told and "is none; use letters, digits, '_', '.', '@' and '-'" in told


@pytest.mark.parametrize(
    "kind, one",
    [
        ("envelopes", {"name": "a", "base": "restricted"}),
        ("roles", {"name": "a", "grants": []}),
        ("principals", {"name": "a", "cn": "a"}),
        ("groups", {"name": "a", "members": [], "roles": []}),
    ],
)
def test_names_are_there_once(kind, one):
    assert _refusal(**{kind: [one, one]}) == f"{kind} a: is there twice; take one of them out."
    _read(**{kind: [one, dict(one, name="b", **({"cn": "b"} if "cn" in one else {}))]})


@pytest.mark.parametrize(
    "envelope, words",
    [
        ({}, "envelopes e: has no base; give it"),
        ({"base": "a", "bind": []}, "envelopes e: has the key 'bind'; use apparmor, base, binds,"),
        ({"base": "a"}, 'envelopes e base: "a" is none; name an envelope before this one, and not privileged'),
        ({"base": "e"}, 'envelopes e base: "e" is none'),
        ({"base": None}, "envelopes e base: null is none"),
        ({"base": ["restricted"]}, 'envelopes e base: ["restricted"] is none'),
        ({"base": "privileged"}, 'envelopes e base: "privileged" is none'),
        ({"root": "false"}, 'envelopes e root: "false" is none; write true or false'),
        ({"root": 0}, "envelopes e root: 0 is none"),
        ({"join": None}, "envelopes e join: null is none"),
        ({"binds": "/a"}, "envelopes e binds: is no list of texts; write one"),
        ({"binds": None}, "envelopes e binds: is no list of texts"),
        ({"binds": [5]}, "envelopes e binds: is no list of texts"),
        ({"binds": ["a"]}, 'envelopes e binds: "a" is none; write an absolute path'),
        ({"binds": [""]}, 'envelopes e binds: "" is none'),
        ({"binds": [":ro"]}, 'envelopes e binds: ":ro" is none'),
        ({"binds": ["/a/"]}, 'envelopes e binds: "/a/" is none'),
        ({"binds": ["//"]}, 'envelopes e binds: "//" is none'),
        ({"binds": ["//a"]}, 'envelopes e binds: "//a" is none'),
        ({"binds": ["/a/../b"]}, 'envelopes e binds: "/a/../b" is none'),
        ({"binds": ["/a/."]}, 'envelopes e binds: "/a/." is none'),
        ({"binds": ["/a:rw"]}, 'envelopes e binds: "/a:rw" is none'),
        ({"binds": ["/a:ro:ro"]}, 'envelopes e binds: "/a:ro:ro" is none'),
        ({"binds": ["/a", "b"]}, 'envelopes e binds: "b" is none'),
        ({"capabilities": ["CAP_CHOWN"]}, '"CAP_CHOWN" is none; write it in capitals and without CAP_, or ALL'),
        ({"capabilities": ["chown"]}, 'envelopes e capabilities: "chown" is none'),
        ({"capabilities": ["CHOWN\n"]}, 'envelopes e capabilities: "CHOWN\\n" is none'),
        ({"capabilities_dropped": ["*"]}, 'envelopes e capabilities_dropped: "*" is none'),
        ({"namespaces": ["net"]}, '"net" is none; use one of cgroup, ipc, network, pid, userns, uts'),
        ({"ports": ["0"]}, 'envelopes e ports: "0" is none; write PORT or FIRST-LAST, of 1 to 65535'),
        ({"ports": ["65536"]}, 'envelopes e ports: "65536" is none'),
        ({"ports": ["99999-1"]}, 'envelopes e ports: "99999-1" is none'),
        ({"ports": ["81-80"]}, 'envelopes e ports: "81-80" is none'),
        ({"ports": ["80-"]}, 'envelopes e ports: "80-" is none'),
        ({"ports": ["-80"]}, 'envelopes e ports: "-80" is none'),
        ({"ports": ["80/tcp"]}, 'envelopes e ports: "80/tcp" is none'),
        ({"ports": ["\u0668"]}, 'envelopes e ports: "\\u0668" is none'),
        ({"ports": [80]}, "envelopes e ports: is no list of texts"),
        ({"seccomp": ["default"]}, '"default" is none; write builtin, unconfined, or sha256:'),
        ({"seccomp": [_KEY[:-1]]}, "envelopes e seccomp: "),
        ({"apparmor": [""]}, 'envelopes e apparmor: "" is none; write a name'),
        ({"runtimes": [""]}, 'envelopes e runtimes: "" is none'),
    ],
)
def test_wrong_envelopes(envelope, words):
    assert words in _refusal(
        envelopes=[dict({"name": "e"} if not envelope else {"name": "e", "base": "restricted"}, **envelope)]
    )


def test_no_envelope_takes_a_name_that_every_policy_has():
    for name in _authz_envelope.NAMED:
        told = _refusal(envelopes=[{"name": name, "base": "restricted"}])
        assert told == f"envelopes {name}: is there twice; take one of them out."


@pytest.mark.parametrize(
    "option, value",
    [
        ("binds", ["/", "/:ro", "/a", "/a/b:ro", "/a/...", "/a b"]),
        ("capabilities", ["ALL", "NET_BIND_SERVICE"]),
        ("capabilities_dropped", []),
        ("devices", ["*", "/dev/fuse"]),
        ("namespaces", ["cgroup", "ipc", "network", "pid", "userns", "uts"]),
        ("ports", ["1", "65535", "1-65535", "80-80"]),
        ("seccomp", ["builtin", "unconfined", _KEY]),
        ("digest", True),
        ("root", False),
    ],
)
def test_right_envelopes(option, value):
    policy = _read(
        envelopes=[{"name": "e", "base": "unprivileged", option: value}],
        roles=[{"name": "r", "grants": [dict(_ALL, actions=["container.create"], envelope="e")]}],
        principals=[{"name": "p", "socket": True, "roles": ["r"]}],
    )
    assert policy.principals[0].roles[0].grants[0].envelope.options[option] == value


@pytest.mark.parametrize(
    "role, words",
    [
        ({}, "roles r: has no grants; give it"),
        ({"grants": None}, "roles r grants: is no list of objects"),
        ({"grants": ["*"]}, "roles r grants: is no list of objects"),
        ({"grants": [], "mode": "audit"}, 'roles r mode: "audit" is none; write enforce or report'),
        ({"grants": [], "mode": None}, "roles r mode: null is none"),
        ({"grants": [], "mode": ["report"]}, 'roles r mode: ["report"] is none'),
        ({"grants": [], "Mode": "report"}, "roles r: has the key 'Mode'; use grants, mode, name"),
        ({"grants": [{}]}, "roles r grants[0]: has no actions; give it"),
    ],
)
def test_wrong_roles(role, words):
    assert words in _refusal(roles=[dict({"name": "r"}, **role)])


@pytest.mark.parametrize(
    "grant, words",
    [
        ({"actions": "*"}, "roles r grants[0] actions: is no list of texts"),
        ({"actions": None}, "roles r grants[0] actions: is no list of texts"),
        ({"actions": [["*"]]}, "roles r grants[0] actions: is no list of texts"),
        ({"actions": []}, "roles r grants[0] actions: is empty; name some"),
        ({"actions": ["container.run"]}, '"container.run" is none; see docs/authz.md for their names'),
        ({"actions": [""]}, '"" is none'),
        ({"actions": [".*"]}, '".*" is none'),
        ({"actions": ["contain*"]}, '"contain*" is none'),
        ({"actions": ["container*"]}, '"container*" is none'),
        ({"actions": ["container"]}, '"container" is none'),
        ({"actions": ["container."]}, '"container." is none'),
        ({"actions": ["c.*"]}, '"c.*" is none'),
        ({"actions": ["*.list"]}, '"*.list" is none'),
        ({"actions": ["**"]}, '"**" is none'),
        ({"actions": ["Container.list"]}, '"Container.list" is none'),
        ({"actions": ["container.list\n"]}, '"container.list\\n" is none'),
        (
            {"actions": ["container.list"], "container": ["*"]},
            "roles r grants[0]: has the key 'container'; use actions,",
        ),
        # What needs an envelope, and what does not.
        ({"actions": ["*"]}, "roles r grants[0]: grants build.grpc and names no envelope; name one: unprivileged, say"),
        ({"actions": ["container.*"]}, "grants container.archive.read and names no envelope"),
        ({"actions": ["container.create"]}, "grants container.create and names no envelope"),
        ({"actions": ["exec.start"], "containers": ["*"]}, "grants exec.start and names no envelope"),
        ({"actions": ["swarm.init"]}, "grants swarm.init and names no envelope"),
        ({"actions": ["*"], "envelope": "e"}, 'envelope: "e" is none; use one of privileged, restricted, unprivileged'),
        ({"actions": ["*"], "envelope": None}, "envelope: null is none"),
        ({"actions": ["*"], "envelope": ["restricted"]}, 'envelope: ["restricted"] is none'),
        (
            {"actions": ["container.list"], "envelope": "restricted"},
            "envelope: means nothing for these actions; take it out",
        ),
        # What needs selectors, and what does not.
        ({"actions": ["*"], "envelope": "privileged"}, "on no containers; add containers: ['*'], or some"),
        ({"actions": ["container.stop"]}, "grants container.stop on no containers; add containers: ['*'], or some"),
        ({"actions": ["image.pull"]}, "grants image.pull on no images"),
        ({"actions": ["volume.remove"]}, "grants volume.remove on no volumes"),
        ({"actions": ["network.remove"]}, "grants network.remove on no networks"),
        ({"actions": ["network.disconnect"], "containers": ["*"]}, "grants network.disconnect on no networks"),
        (
            {"actions": ["container.create"], "envelope": "restricted", "containers": ["*"]},
            "grants container.create on no images",
        ),
        (
            {"actions": ["container.list"], "containers": ["*"]},
            "containers: means nothing for these actions; take it out",
        ),
        ({"actions": ["image.pull"], "images": ["*"], "volumes": []}, "volumes: means nothing for these actions"),
        ({"actions": ["container.stop"], "containers": "*"}, "containers: is no list of texts"),
        ({"actions": ["container.stop"], "containers": None}, "containers: is no list of texts"),
        ({"actions": ["container.stop"], "containers": [None]}, "containers: is no list of texts"),
        ({"actions": ["container.stop"], "containers": [""]}, "roles r grants[0] containers: '' is no text"),
        ({"actions": ["container.stop"], "containers": ["*", "/web"]}, "containers: '/web' is no name"),
        ({"actions": ["container.stop"], "containers": ["@owner"]}, "containers: '@owner' is no name"),
        ({"actions": ["container.stop"], "containers": ["label:"]}, "containers: 'label:' names no label"),
        ({"actions": ["volume.remove"], "volumes": ["@own"]}, "volumes: '@own' is no name"),
        ({"actions": ["image.pull"], "images": ["NGINX"]}, "images: 'NGINX' is no image"),
    ],
)
def test_wrong_grants(grant, words):
    assert words in _refusal(roles=[{"name": "r", "grants": [grant]}])


def test_a_wrong_grant_is_told_by_its_place():
    grants = [{"actions": ["container.list"]}, {"actions": ["a"]}]
    roles = [{"name": "q", "grants": []}, {"name": "r", "grants": grants}]
    assert _refusal(roles=roles).startswith('roles r grants[1] actions: "a" is none')


@pytest.mark.parametrize(
    "grant, actions",
    [
        ({"actions": ["*"], "envelope": "privileged"}, set(_authz_actions.ACTIONS)),
        ({"actions": ["*", "system.ping", "*"], "envelope": "restricted"}, set(_authz_actions.ACTIONS)),
        (
            {"actions": ["container.archive.*"], "envelope": "restricted", "containers": ["*"]},
            {"container.archive.read", "container.archive.write"},
        ),
        ({"actions": ["checkpoint.*"], "envelope": "privileged"}, None),
        ({"actions": ["network.disconnect"], "networks": [], "containers": []}, {"network.disconnect"}),
        # It may go without volumes and networks.
        (
            {"actions": ["container.create"], "envelope": "restricted", "images": ["*"], "containers": ["@own"]},
            {"container.create"},
        ),
        ({"actions": ["build.run"], "envelope": "restricted", "images": ["team/*"]}, {"build.run"}),
    ],
)
def test_right_grants(grant, actions):
    if "*" in grant["actions"]:
        grant = dict(_ALL, **grant)
    found = _grant(**grant).principals[0].roles[0].grants[0]
    assert found.actions == (actions or {one for one in _authz_actions.ACTIONS if one.startswith("checkpoint.")})
    assert found.selectors == {key: value for key, value in grant.items() if key in _ALL}


@pytest.mark.parametrize("missing", sorted(_ALL))
def test_a_wildcard_needs_selectors_of_every_kind(missing):
    selectors = {key: value for key, value in _ALL.items() if key != missing}
    with pytest.raises(ContainmentError, match=f"on no {missing}; add {missing}"):
        _grant(actions=["*"], envelope="privileged", **selectors)


@pytest.mark.parametrize(
    "principal, words",
    [
        ({}, "principals p: is nobody; give a cn, serials or keys, or socket: true"),
        ({"roles": []}, "principals p: is nobody"),
        ({"socket": False}, "principals p: is nobody"),
        ({"serials": [], "keys": []}, "principals p: is nobody"),
        ({"cn": None}, "principals p: is nobody"),
        ({"cn": "p", "socket": True}, "principals p: has a certificate and none; make it two"),
        ({"keys": [_KEY], "socket": True}, "principals p: has a certificate and none"),
        ({"CN": "p"}, "principals p: has the key 'CN'; use cn, keys, name, roles, serials, socket"),
        ({"cn": ""}, 'principals p cn: "" is none; write the certificate\'s common name'),
        ({"cn": 5}, "principals p cn: 5 is none"),
        ({"cn": ["p"]}, 'principals p cn: ["p"] is none'),
        ({"socket": "yes"}, 'principals p socket: "yes" is none; write true or false'),
        ({"socket": 1}, "principals p socket: 1 is none"),
        ({"serials": "0f"}, "principals p serials: is no list of texts"),
        ({"serials": [15]}, "principals p serials: is no list of texts"),
        (
            {"serials": ["0x0f"]},
            "principals p serials: '0x0f' is no serial number; write it as openssl x509 -serial does",
        ),
        ({"serials": ["-05"]}, "principals p serials: '-05' is no serial number"),
        ({"serials": ["0f\n"]}, "principals p serials: '0f\\n' is no serial number"),
        ({"serials": ["*"]}, "principals p serials: '*' is no serial number"),
        ({"serials": ["f" * 65]}, "is no serial number"),
        ({"keys": _KEY}, "principals p keys: is no list of texts"),
        ({"keys": [_KEY[7:]]}, "is no digest of a key; write sha256:... as `authz identity CERTIFICATE` prints it"),
        ({"keys": [_KEY.upper()]}, "is no digest of a key"),
        ({"keys": [_KEY + "\n"]}, "is no digest of a key"),
        ({"keys": [""]}, "principals p keys: '' is no digest of a key"),
        ({"cn": "p", "roles": "r"}, "principals p roles: is no list of texts"),
        ({"cn": "p", "roles": ["s"]}, 'principals p roles: "s" is none; use r'),
        ({"cn": "p", "roles": [""]}, 'principals p roles: "" is none'),
    ],
)
def test_wrong_principals(principal, words):
    told = _refusal(roles=[{"name": "r", "grants": []}], principals=[dict({"name": "p"}, **principal)])
    assert words in told


def test_principals_differ():
    for same in ({"socket": True}, {"cn": "p"}):
        told = _refusal(principals=[dict(same, name="a"), {"name": "b", "cn": "b"}, dict(same, name="c")])
        assert told == "principals c: is the same as a; make them one."


def test_roles_that_a_policy_does_not_have():
    told = _refusal(principals=[{"name": "p", "cn": "p", "roles": ["r"]}])
    assert told == 'principals p roles: "r" is none; use a role that the policy has.'


@pytest.mark.parametrize(
    "text, plain",
    [
        ("0", "0"),
        ("00:00", "0"),
        ("F1", "f1"),
        ("0080", "80"),
        ("00:FF:0a", "ff0a"),
        ("f123456789ABCDEF0123456789abcdef01234567", "f123456789abcdef0123456789abcdef01234567"),
        ("0" * 100 + "1", "1"),
        ("f" * 64, "f" * 64),
    ],
)
def test_serial_numbers_are_written_in_several_ways(text, plain):
    assert core.serial("s", text) == plain


@pytest.mark.parametrize(
    "group, words",
    [
        ({"members": []}, "groups g: has no roles; give it"),
        ({"roles": []}, "groups g: has no members; give it"),
        ({"members": [], "roles": [], "role": []}, "groups g: has the key 'role'; use members, name, roles"),
        ({"members": "p", "roles": []}, "groups g members: is no list of texts"),
        ({"members": ["q"], "roles": []}, 'groups g members: "q" is none; name principals of this policy'),
        ({"members": ["g"], "roles": []}, 'groups g members: "g" is none'),
        ({"members": ["*"], "roles": []}, 'groups g members: "*" is none'),
        ({"members": ["p"], "roles": ["s"]}, 'groups g roles: "s" is none; use r'),
        ({"members": ["p"], "roles": [["r"]]}, "groups g roles: is no list of texts"),
    ],
)
def test_wrong_groups(group, words):
    roles, principals = [{"name": "r", "grants": []}], [{"name": "p", "cn": "p"}]
    assert words in _refusal(roles=roles, principals=principals, groups=[dict({"name": "g"}, **group)])


def test_groups_add_up():
    policy = _read(
        roles=[{"name": name, "grants": []} for name in "abc"],
        principals=[{"name": "p", "cn": "p", "roles": ["a"]}, {"name": "q", "cn": "q"}, {"name": "o", "cn": "o"}],
        groups=[
            {"name": "g", "members": ["p", "q", "p"], "roles": ["b", "a"]},
            {"name": "h", "members": ["p"], "roles": ["c", "b"]},
        ],
    )
    roles = {one.name: [role.name for role in one.roles] for one in policy.principals}
    assert roles == {"p": ["a", "b", "c"], "q": ["b", "a"], "o": []}


@pytest.mark.parametrize(
    "one, words",
    [
        ({}, "revoked[1]: is not one of cn, serial and key; write one of them, a text"),
        ({"cn": "a", "serial": "1"}, "revoked[1]: is not one of cn, serial and key"),
        ({"cn": None}, "revoked[1]: is not one of cn, serial and key"),
        ({"serial": 5}, "revoked[1]: is not one of cn, serial and key"),
        ({"key": [_KEY]}, "revoked[1]: is not one of cn, serial and key"),
        ({"name": "a"}, "revoked[1]: has the key 'name'; use cn, key, serial"),
        ({"serials": "1"}, "revoked[1]: has the key 'serials'"),
        ({"serial": "g"}, "revoked[1]: 'g' is no serial number"),
        ({"key": "a"}, "revoked[1]: 'a' is no digest of a key"),
    ],
)
def test_wrong_revocations(one, words):
    assert words in _refusal(revoked=[{"cn": "b"}, one])
