# SPDX-License-Identifier: GPL-3.0-or-later
"""A profile with conditions, resolved for containers as an engine does it, is found again."""

import pytest

from ansible_collections.containment.docker.plugins.module_utils import _seccomp_base as core
from ansible_collections.containment.docker.plugins.module_utils import _seccomp_profile as profiles
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

AMD64 = "SCMP_ARCH_X86_64"
CAPS = profiles.CAPABILITIES
PASS = profiles.make_action(profiles.ALLOW)
UNHEARD = profiles.make_action(profiles.ERRNO, 38)


def rule(names, action=PASS, args=(), includes=(), excludes=()):
    conditions = [profiles.Conditions(tuple(one), (), None) for one in (includes, excludes)]
    return profiles.Rule(tuple(names.split()), action, tuple(args), *conditions)


def profile(*rules):
    return profiles.Profile(profiles.make_action(profiles.ERRNO), (AMD64,), (), tuple(rules))


def seen(given, caps):
    return profiles.resolve(given, profiles.Host(AMD64, frozenset(caps), (6, 1)))


def rebuilt(given, caps=CAPS):
    return core.rebuild(seen(given, ()), {one: seen(given, [one]) for one in caps}, seen(given, caps))


MASK = profiles.Arg(0, profiles.MASKED_EQ, 2114060288, 0)
LIKE_AN_ENGINES = profile(
    rule("read write"),
    rule("personality", args=[profiles.Arg(0, profiles.EQ, 8, 0)]),
    rule("clone", args=[MASK], excludes=["CAP_SYS_ADMIN"]),
    rule("clone3", UNHEARD, excludes=["CAP_SYS_ADMIN", "CAP_BPF"]),
    rule("open_by_handle_at", includes=["CAP_DAC_READ_SEARCH"]),
    rule("bpf clone mount", includes=["CAP_SYS_ADMIN"]),
    rule("bpf", includes=["CAP_BPF"]),
)


def test_conditions_on_capabilities_are_found_again():
    found = rebuilt(LIKE_AN_ENGINES)
    assert found.rules[:3] == LIKE_AN_ENGINES.rules[:3]
    assert rule("clone3", UNHEARD, excludes=["CAP_SYS_ADMIN", "CAP_BPF"]) in found.rules
    assert found._replace(rules=()) == LIKE_AN_ENGINES._replace(rules=())
    for caps in ((), CAPS, ["CAP_BPF"], ["CAP_SYS_ADMIN", "CAP_CHOWN"], ["CAP_DAC_READ_SEARCH", "CAP_BPF"]):
        parts = [set(core._parts(seen(one, caps))) for one in (found, LIKE_AN_ENGINES)]
        assert parts[0] == parts[1]


def test_only_capabilities_that_the_engine_can_give_are_asked_for():
    found = rebuilt(LIKE_AN_ENGINES, caps=["CAP_SYS_ADMIN"])
    assert [one.includes.caps for one in found.rules if "mount" in one.names] == [("CAP_SYS_ADMIN",)]
    assert not any("open_by_handle_at" in one.names for one in found.rules)


@pytest.mark.parametrize("key", ["includes", "excludes"])
def test_rules_that_hang_on_several_capabilities_are_told(key):
    given = profile(rule("read"), rule("kcmp", includes=["CAP_SYS_PTRACE", "CAP_SYS_ADMIN"]))
    if key == "excludes":
        given = profile(rule("read"), rule("kcmp", includes=["CAP_BPF"], excludes=["CAP_SYS_ADMIN"]))
    with pytest.raises(ContainmentError, match="of kcmp that depends on several capabilities at once"):
        rebuilt(given)


def test_what_else_differs_is_no_matter_of_capabilities():
    given = seen(LIKE_AN_ENGINES, ())
    with pytest.raises(ContainmentError, match="is not the same for all containers"):
        core.rebuild(given, {"CAP_BPF": given._replace(architectures=())}, given)


def test_no_more_names_are_told_than_a_sentence_takes():
    given = profile(rule("a b c d e f", includes=["CAP_SYS_PTRACE", "CAP_SYS_ADMIN"]))
    with pytest.raises(ContainmentError, match="says something of a, b, c, d, e that depends"):
        rebuilt(given)
