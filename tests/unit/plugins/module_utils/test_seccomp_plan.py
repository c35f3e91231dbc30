# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes of a request for a profile; with the host's libseccomp."""

import json

import pytest

from ansible_collections.containment.docker.plugins.module_utils import _seccomp_check as check
from ansible_collections.containment.docker.plugins.module_utils import _seccomp_compare as compare
from ansible_collections.containment.docker.plugins.module_utils import _seccomp_compose as compose
from ansible_collections.containment.docker.plugins.module_utils import _seccomp_features as features
from ansible_collections.containment.docker.plugins.module_utils import _seccomp_plan as core
from ansible_collections.containment.docker.plugins.module_utils import _seccomp_proof as proof
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

NOW = check.Engine((28, 5, 2), None, frozenset({core.LOG_FLAG}))
GOOD = {"name": "daemon", "directory": "/etc/x", "base": "engine"}


@pytest.mark.parametrize(
    "options, words",
    [
        ({"name": ""}, "name: '' is no name"),
        ({"name": "a/b"}, "name: 'a/b' is no name"),
        ({"name": "A"}, "name: 'A' is no name"),
        ({"name": "a" * 65}, "up to 64"),
        ({"directory": "x"}, "directory: 'x' is not an absolute path"),
        ({"base": "none"}, "base: 'none' is no base"),
    ],
)
def test_bad_requests_are_told(options, words):
    core.check_request(**GOOD)
    with pytest.raises(ContainmentError) as told:
        core.check_request(**dict(GOOD, **options))
    assert words in str(told.value)


def question(**more):
    return dict({"call": "read", "args": [], "architecture": None, "caps": None}, **more)


def test_questions_are_read_and_bad_ones_told():
    native = "SCMP_ARCH_X86_64"
    (one,) = core.questions([question(args=[2**64 - 1])], native)
    assert one == core.Question("read", (2**64 - 1,), native, core.DEFAULT_CAPS)
    assert core.questions([question(caps=["CAP_BPF"])], native)[0].caps == {"CAP_BPF"}
    for bad, words in (
        ({"args": [1, -1]}, "simulate[1].args[1]: -1 is not within"),
        ({"args": [2**64]}, "is not within"),
        ({"args": [0] * 7}, "has 7 entries"),
        ({"architecture": "x86"}, "'x86' is none"),
        ({"caps": ["sys_admin"]}, "'sys_admin' is no capability"),
    ):
        with pytest.raises(ContainmentError) as told:
            core.questions([question(), question(**bad)], native)
        assert words in str(told.value)


def made(library, *overlays, log=False):
    native = library.native()
    base = compose.base("deny", [native])
    return core.make(base, compose.overlays([{"preset": "runtime"}, *overlays], native), library, log)


def test_denials_are_logged_where_asked_for(library):
    assert made(library, log=True).flags == (core.LOG_FLAG,) and made(library).flags == ()
    assert core.can_log(NOW) and not core.can_log(NOW._replace(flags=None))
    assert not core.can_log(NOW._replace(version=(20, 10, 24)))
    base = made(library, log=True)
    assert core.make(base, [], library, True).flags == (core.LOG_FLAG,)


def filters(library, *overlays):
    return core.Filters(made(library, *overlays), core.Where(library, (6, 1), NOW))


def test_answers_findings_and_families(library):
    given = [{"allow_families": [1, 2]}, {"deny": ["umask"], "errno": 99}]
    some, origin = filters(library, *given), core.origin(compose.base("deny", []), "deny", given, False)
    asked = core.questions([question(call="umask"), question(), question(call="nope")], library.native())
    told = [(one["call"], one["action"], one["errno"]) for one in core.simulate(some, asked)]
    assert told == [("umask", "SCMP_ACT_ERRNO", 99), ("read", "SCMP_ACT_ALLOW", None), ("nope", None, None)]
    assert core.families(some) == {"socket": [1, 2], "socketpair": [1, 2]}
    assert core.findings(some, False, origin) == check.Findings([], [])
    assert 0 < len(some.default().program) < 4096
    (refused,) = core.findings(filters(library, {"deny": ["getcwd"]}), False, origin).refusals
    assert "denies getcwd" in str(refused)  # once, though it is found for each set of capabilities


def test_a_filter_is_made_once(library, monkeypatch):
    some, asked = filters(library, {"deny": ["umask"]}), []
    compile_ = library.compile
    monkeypatch.setattr(library, "compile", lambda profile: asked.append(profile) or compile_(profile))
    for caps in ([], ["CAP_BPF"], []):
        assert some.of(frozenset(caps)) == some.of(core.DEFAULT_CAPS)
    assert len(asked) == 1  # No rule of it asks for capabilities.
    conditions = core.profiles.Conditions(("CAP_BPF",), (), None)
    allow = core.profiles.make_action("SCMP_ACT_ALLOW")
    bpf = core.profiles.Rule(("bpf",), allow, (), conditions, core.profiles.ALWAYS)
    more = core.Filters(some.profile._replace(rules=(*some.profile.rules, bpf)), some.where)
    answers = [check.ask(more.of(frozenset(caps))[1], "bpf", library.native()) for caps in ([], ["CAP_BPF"])]
    assert answers == [("SCMP_ACT_ERRNO", 1), ("SCMP_ACT_ALLOW", None)]


def test_where_a_profile_comes_from(library):
    arg = core.profiles.Arg(0, core.profiles.NE, 40, 0)
    always, allow = core.profiles.ALWAYS, core.profiles.make_action("SCMP_ACT_ALLOW")
    rules = [core.profiles.Rule(names, allow, (arg,), always, always) for names in (("socket", "bpf"), ("socket",))]
    base = compose.base("deny", [library.native()])._replace(rules=tuple(rules))
    given = [{"deny": ["bpf", "kcmp"], "allow": None}, {"preset": "no-network"}, {"allow": ["kcmp"]}]
    origin = core.origin(base, "/p", given, False)
    assert origin.names["socket"] == "/p: syscalls[0]" and origin.names["bpf"] == "overlays[0].deny"
    assert origin.names["io_uring_setup"] == "overlays[1].preset" and origin.names["kcmp"] == "overlays[2].allow"
    assert origin.comparisons == {(name, arg): "/p: syscalls[0].args[0]" for name in ("socket", "bpf")}
    assert "io_uring_setup" in origin.trusted and "socket" not in origin.trusted and not origin.engines
    engines = core.origin(base, "the engine's", given, True)
    assert {"socket", "bpf", "io_uring_setup"} <= engines.trusted and "kcmp" not in engines.trusted and engines.engines


def test_a_file_is_named_by_its_content(library):
    data = core.text(made(library))
    assert core.read(data, "/p", library.native()) == made(library)
    path = core.path("/etc/x/", "one", data)
    assert path == f"/etc/x/one-{core.digest(data)[:16]}.json" and len(core.digest(data)) == 64
    assert core.path("/etc/x", "one", core.text(made(library, {"deny": ["umask"]}))) != path
    assert json.loads(data)["defaultAction"] == "SCMP_ACT_ERRNO"


def answer(library, profile):
    filter_ = check.make_filter(library, profile)
    return lambda call: check._seccomp_bpf.answer(filter_.program, filter_.highest, call)


def test_filters_that_differ_are_told_by_name(library):
    one = made(library, {"allow_families": [1, 2]})
    filter_ = check.make_filter(library, one)
    assert compare.difference(one, filter_, answer(library, one)) == ([], True)
    other = made(library, {"allow_families": [1, 2]}, {"allow": ["umask"]}, {"deny": ["read"]})
    assert compare.difference(one, filter_, answer(library, other)) == (["read", "umask"], True)
    names, _all = compare.difference(one, filter_, lambda call: ("none", None))
    assert any(one.startswith("number ") for one in names)
    high = made(library, {"allow_families": [1, 2, 17]})
    assert compare.difference(one, filter_, answer(library, high)) == (["socket", "socketpair"], True)


def test_rules_with_several_arguments_are_asked_with_all_of_them_holding(library):
    args = (core.profiles.Arg(0, core.profiles.EQ, 16, 0), core.profiles.Arg(2, core.profiles.EQ, 9, 0))
    both = core.profiles.Rule(
        ("socket",), core.profiles.make_action("SCMP_ACT_ALLOW"), args, core.profiles.ALWAYS, core.profiles.ALWAYS
    )
    with_, without = made(library), made(library)
    with_ = with_._replace(rules=(*with_.rules, both))
    filter_ = check.make_filter(library, with_)
    assert compare.difference(with_, filter_, answer(library, without)) == (["socket"], True)
    assert compare.difference(with_, filter_, answer(library, with_)) == ([], True)


def test_what_the_runtimes_library_alone_knows_is_not_judged(library):
    """A name that the host's libseccomp lacks is one of calls that its numbers may have with another."""
    one = made(library, {"allow": ["a_call_to_come"]})
    filter_ = check.make_filter(library, one)

    def newer(call):
        return ("SCMP_ACT_ALLOW", None) if call.number > 400 else answer(library, one)(call)

    names, judged = compare.difference(one, filter_, newer)
    assert not judged and not any(name.startswith("number ") for name in names)
    assert compare.difference(one, filter_, lambda call: ("SCMP_ACT_ALLOW", None))[0]


def seen(library, profile, program, why=None):
    told = core.profiles.dump(profile)
    return proof.Seen(program, why, {"linux": {"seccomp": told}, "process": {"capabilities": {"bounding": []}}})


def test_a_container_is_proven_by_the_kernel_or_else_by_what_its_runtime_was_told(library):
    one, other = made(library), made(library, {"deny": ["umask"], "errno": 99})
    program = library.compile(one)
    kernel = (6, 1)
    assert proof.filter_of(seen(library, one, [], None), one, library, kernel) == ("none", "read from the kernel")
    observed, how = proof.filter_of(seen(library, one, None, "Permission denied"), one, library, kernel)
    assert observed == proof.AS_WRITTEN and "does not tell (Permission denied)" in how
    odd = seen(library, one, [(0x99, 0, 0, 0)])
    assert proof.filter_of(odd, one, library, kernel)[0].startswith("not to be read (the filter has the instruction")
    observed, _how = proof.filter_of(seen(library, other, None, "why"), one, library, kernel)
    assert observed == "otherwise for umask"
    observed, _how = proof.filter_of(seen(library, one, program), other, library, kernel)
    assert observed.startswith("otherwise for ") and observed.endswith(" more")  # It has no answer for newer calls.
    bare = proof.Seen(None, "why", {"linux": {}})
    assert proof.filter_of(bare, one, library, kernel)[0] == "none"


def test_the_verdict_names_what_was_wanted():
    wanted = proof.wanted(proof.VARIANTS, False)
    assert list(wanted) == [
        *("start", "filter", "exec"),
        *("start no-new-privileges", "filter no-new-privileges", "exec no-new-privileges"),
    ]
    judged = proof.judge(wanted, {"start": "runs", "exec": "ended with 1"})
    assert [one["passed"] for one in judged] == [True, False, False, False, False, False]
    assert judged[2]["observed"] == "ended with 1" and judged[1]["observed"] is None
    assert "shell" in proof.wanted(proof.VARIANTS, True)
    proof.check(1)
    with pytest.raises(ContainmentError, match="timeout: 0"):
        proof.check(0)


def test_what_runtimes_tell():
    assert features.of(None) == (None, None) and features.of({"linux": {}}) == (None, None)
    assert features.of({"linux": {"seccomp": {"enabled": True}}}) == (None, frozenset())
    told = {"linux": {"seccomp": {"actions": ["SCMP_ACT_LOG"], "supportedFlags": [core.LOG_FLAG]}}}
    assert features.of(told) == ({"SCMP_ACT_LOG"}, {core.LOG_FLAG})
    assert features.kernel("3.10.0-1160.el7.x86_64") == (3, 10) and features.kernel("none") == (0, 0)
