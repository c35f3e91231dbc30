# SPDX-License-Identifier: GPL-3.0-or-later
"""Overlays on any base: what they name is as they say, everything else as it was, in the filter that a host loads."""

from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.containment.docker.plugins.module_utils import _seccomp_bpf, _seccomp_check
from ansible_collections.containment.docker.plugins.module_utils import _seccomp_compose as core
from ansible_collections.containment.docker.plugins.module_utils import _seccomp_profile as profiles

NAMES = ["read", "write", "ptrace", "personality", "clone", "bpf", "kcmp", "adjtimex"]
ERRNOS = st.integers(1, 200)
OPERATORS = st.sampled_from(profiles.OPERATORS)
VALUES = st.one_of(st.integers(0, 70), st.sampled_from([2**31, 2**32 - 1, 2**32 + 1, 2**64 - 1]))


@st.composite
def actions(draw):
    name = draw(st.sampled_from([profiles.ALLOW, profiles.ERRNO, profiles.LOG, profiles.KILL_PROCESS]))
    return profiles.make_action(name, draw(ERRNOS) if name == profiles.ERRNO else None)


@st.composite
def comparisons(draw, index):
    op, value = draw(OPERATORS), draw(VALUES)
    return profiles.Arg(index, op, value, value & draw(VALUES) if op == profiles.MASKED_EQ else 0)


@st.composite
def rules(draw):
    names = draw(st.lists(st.sampled_from([*NAMES, *core.FAMILY_CALLS]), min_size=1, max_size=4, unique=True))
    indexes = draw(st.lists(st.integers(0, 2), max_size=2, unique=True))
    args = tuple(draw(comparisons(index)) for index in indexes)
    return profiles.Rule(tuple(names), draw(actions()), args, profiles.ALWAYS, profiles.ALWAYS)


@st.composite
def overlays(draw):
    kind = draw(st.sampled_from(["allow", "deny", "allow_families", "deny_families"]))
    if kind.endswith("families"):
        value = draw(st.lists(st.integers(0, 63), min_size=1, max_size=64, unique=True))
    else:
        value = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=4, unique=True))
    overlay = {kind: value}
    if kind.startswith("deny"):
        overlay["action"] = draw(st.sampled_from(sorted(core.DENIALS)))
        if overlay["action"] == "errno":
            overlay["errno"] = draw(ERRNOS)
    return overlay


def expected(overlay, architecture):
    (one,) = core.overlays([overlay], architecture)
    return one.action.name, one.action.errno


@settings(deadline=None)
@given(st.data())
def test_what_overlays_name_is_as_the_last_of_them_says(library, data):
    native = library.native()
    base = core.base(data.draw(st.sampled_from(core.BASES)), [native])
    # libseccomp has no meaning for rules of one call that contradict each other: a base has each name once.
    seen, kept = set(), []
    for rule in data.draw(st.lists(rules(), max_size=5)):
        names = tuple(name for name in rule.names if name not in seen)
        seen.update(names)
        if names:
            kept.append(rule._replace(names=names))
    base = base._replace(rules=tuple(kept))
    given_ = data.draw(st.lists(overlays(), max_size=5))
    profile = core.compose(base, core.overlays(given_, native))
    arguments = data.draw(st.tuples(VALUES, VALUES, VALUES))
    for name in NAMES:
        said = [expected(one, native) for one in given_ if name in one.get("allow", one.get("deny", ()))]
        assert says(profile, name, arguments) == (said[-1] if said else says(base, name, arguments))
    if any("allow_families" in one or "deny_families" in one for one in given_):
        for name in core.FAMILY_CALLS:
            for family in range(64):
                said = [
                    expected(one, native)
                    for one in given_
                    if family in one.get("allow_families", one.get("deny_families", ()))
                ]
                wanted = said[-1] if said else says(base, name, (family, *arguments[1:]))
                for high in (0, 1 << 32, 1 << 63):
                    assert says(profile, name, (family | high, *arguments[1:])) == wanted
    agree(library, profile, arguments)


def agree(library, profile, arguments):
    """The filter says what the profile does, or the profile is refused for that (libseccomp makes some wrong)."""
    made, found = _seccomp_check.make_filter(library, profile), _seccomp_check.Findings([], [])
    _seccomp_check._check_meaning(profile, made, library.native(), found)
    if found.refusals:
        assert "a fault of libseccomp" in str(found.refusals[0])
        return
    for name in (*NAMES, *core.FAMILY_CALLS):
        for args in (arguments, (0, 0, 0)):
            call = _seccomp_bpf.Call(
                library.number(name, library.native()), library.audit(library.native()), (*args, 0, 0, 0)
            )
            assert _seccomp_bpf.run(made.program, call) == says(profile, name, args)


def says(profile, name, args):
    action = profiles.says([rule for rule in profile.rules if name in rule.names], profile.default, args)
    return action and (action.name, action.errno)


@given(st.lists(rules(), max_size=6), actions())
def test_a_profile_is_read_back_as_it_was_written(found, default):
    profile = profiles.Profile(default, ("SCMP_ARCH_X86_64",), (), tuple(found))
    assert profiles.read(profiles.dump(profile), "p", "SCMP_ARCH_X86_64") == profile
