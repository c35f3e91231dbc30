# SPDX-License-Identifier: GPL-3.0-or-later
"""Profiles that would stop containers, let more through than they say, or do nothing: with the host's libseccomp."""

import errno

import pytest

from ansible_collections.containment.docker.plugins.module_utils import _seccomp_check as core
from ansible_collections.containment.docker.plugins.module_utils import _seccomp_compose as compose
from ansible_collections.containment.docker.plugins.module_utils import _seccomp_presets
from ansible_collections.containment.docker.plugins.module_utils import _seccomp_profile as profiles
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

NOW = core.Engine((26, 1, 5), None, None)
OLD = core.Engine((20, 10, 24), None, None)


def made(library, *given, **more):
    """Return (profile, its filter) of overlays on a base."""
    native = library.native()
    foreign = [one for one in more.get("foreign", ()) if one != native]
    base = compose.base(more.get("base", "deny"), [native] + foreign)
    base = base._replace(rules=tuple(more.get("rules", ())), default=more.get("default", base.default))
    profile = compose.keep_unknown(base, compose.compose(base, compose.overlays(given, native)), library)
    return profile, core.make_filter(library, profile)


def findings(library, *given, **more):
    profile, filter_ = made(library, *given, **more)
    origin = core.Origin(
        more.get("names", {}),
        more.get("comparisons", {}),
        frozenset(more.get("trusted", ())),
        more.get("engines", False),
    )
    found = core.check(profile, filter_, more.get("engine", NOW), more.get("no_new_privileges", False), origin)
    return [str(one) for one in found.refusals], [str(one) for one in found.warnings]


def rule(names, action, *args):
    return profiles.Rule(tuple(names.split()), action, args, profiles.ALWAYS, profiles.ALWAYS)


NOWHERE = core.Origin({}, {}, frozenset(), False)
RUNTIME = {"preset": "runtime"}
PASS = profiles.make_action(profiles.ALLOW)


def test_names_and_numbers_are_those_of_the_host(library):
    native = library.native()
    number = library.number("getcwd", native)
    assert library.name(number, native) == "getcwd" and library.name(99999, native) is None
    assert library.is_known("getcwd") and library.is_known("arm_fadvise64_64") and not library.is_known("nope")
    assert library.number("nope", native) is None
    with pytest.raises(ContainmentError, match="has SCMP_ARCH_NONE, which"):
        library.compile(compose.base("deny", ["SCMP_ARCH_NONE"]))


def test_what_only_the_runtime_needs_is_enough_to_start(library):
    assert findings(library, RUNTIME) == ([], [])
    assert findings(library, {"preset": "runtime-no-new-privileges"}, no_new_privileges=True) == ([], [])


def test_a_profile_that_no_container_would_start_with_is_refused(library):
    (refused,), warnings = findings(library, RUNTIME, {"deny": ["getcwd"]})
    assert "denies getcwd, which the runtime itself calls: no container would start" in refused and warnings == []
    assert "have every container run with no-new-privileges" in refused
    assert findings(library, RUNTIME, {"deny": ["getcwd"]}, no_new_privileges=True) == ([], [])
    (refused,), _warnings = findings(library, RUNTIME, {"deny": ["execve", "getcwd"]}, no_new_privileges=True)
    assert "denies execve, which" in refused and "with no-new-privileges" not in refused
    refused, _warnings = findings(library, {"allow": ["read"]})
    assert any("preset: runtime before" in one and "execve" in one for one in refused)


def test_what_libraries_do_without_only_when_it_is_not_there(library):
    allow = {"allow": sorted(_seccomp_presets.RUNTIME_EARLY + _seccomp_presets.RUNTIME_LATE + ("clone3",))}
    (refused,), _warnings = findings(library, allow)
    assert "leaves out" in refused and "rseq" in refused and "clone3" not in refused and "errno 38" in refused
    assert findings(library, allow, engines=True) == ([], [refused])  # An engine's own default does that.
    # What somebody denies by its name is meant so, but not always what it does.
    others = {"deny": [one for one in _seccomp_presets.FALLBACKS if one not in allow["allow"]]}
    assert findings(library, allow, others) == ([], [])
    places = {"rseq": "overlays[1].deny", "clone3": "overlays[0].allow", "getrandom": "the base"}
    refused, (warning,) = findings(library, allow, others, names=places)
    assert refused == [] and warning.startswith("overlays[1].deny: denies rseq otherwise than with ENOSYS")
    assert findings(library, allow, dict(others, errno=38), names=places) == ([], [])
    unheard = profiles.make_action(profiles.ERRNO, errno.ENOSYS)
    assert findings(library, allow, default=unheard) == ([], [])
    assert made(library, allow, default=unheard)[1].highest == {}


def test_calls_that_were_new_to_the_base_stay_so(library):
    native = library.native()
    base, before = made(library, {"allow": ["clone3"]})
    profile = compose.compose(base, compose.overlays([{"allow": ["faccessat2"]}], native))
    kept = core.make_filter(library, compose.keep_unknown(base, profile, library))
    lost = core.make_filter(library, profile)
    unheard = (profiles.ERRNO, errno.ENOSYS)
    assert core.ask(before, "openat2", native) == core.ask(kept, "openat2", native) == unheard
    assert core.ask(lost, "openat2", native) == (profiles.ERRNO, 1)
    assert core.ask(kept, "faccessat2", native) == (profiles.ALLOW, None)
    assert compose.keep_unknown(base, base, library) == base
    # Above what is named nothing is denied, so that nothing is lost.
    other = compose.base("allow", [native])
    named = compose.compose(other, compose.overlays([{"allow": ["faccessat2"]}], native))
    assert compose.keep_unknown(other, named, library) == named


def test_newer_calls_that_are_left_out(library):
    """io_uring_setup to futex_waitv, by their numbers, but for those of FALLBACKS, which the preset denies."""
    newest = [rule("futex_waitv", PASS)]
    refused, (warning,) = findings(library, RUNTIME, rules=newest)
    assert refused == [] and "and names a newer call: programs that try them are not answered ENOSYS" in warning
    assert "leaves out io_uring_setup, io_uring_enter, io_uring_register, open_tree, move_mount and " in warning
    assert findings(library, RUNTIME, rules=newest, engines=True) == ([], [])
    unheard = profiles.make_action(profiles.ERRNO, errno.ENOSYS)
    assert findings(library, RUNTIME, rules=newest, default=unheard) == ([], [])
    # Composed from nothing they are answered so.
    _profile, filter_ = made(library, RUNTIME)
    native = library.native()
    assert core.ask(filter_, "io_uring_setup", native) == core.ask(filter_, "fsopen", native) == tuple(unheard)
    assert core.ask(filter_, "mount", native) == (profiles.ERRNO, 1)


def test_names_that_nobody_knows(library):
    places = {"kexek_load": "overlays[1].deny"}
    refused, warnings = findings(library, RUNTIME, {"deny": ["kexek_load"]}, names=places)
    assert refused[0].startswith(
        "overlays[1].deny: this host knows no system call 'kexek_load', so that the rule would"
    )
    assert warnings == []
    refused, warnings = findings(library, RUNTIME, {"deny": ["kexek_load"]}, trusted=["kexek_load"])
    assert refused == [] and "kexek_load" in warnings[0]
    refused, warnings = findings(library, RUNTIME, {"allow": ["kexek_load"]})
    assert refused == [] and "kexek_load" in warnings[0]
    assert findings(library, RUNTIME, {"allow": ["kexek_load"]}, trusted=["kexek_load"]) == ([], [])


def compared(op, value, other=0, index=0):
    return profiles.Arg(index, op, value, other)


@pytest.mark.parametrize(
    "base, action, arg, passed",
    [
        ("deny", PASS, compared(profiles.NE, 40), True),
        ("deny", PASS, compared(profiles.GT, 40), True),
        ("deny", PASS, compared(profiles.GE, 40), True),
        ("deny", PASS, compared(profiles.EQ, 40), False),
        ("deny", PASS, compared(profiles.LT, 40), False),
        ("deny", PASS, compared(profiles.LE, 40), False),
        ("deny", PASS, compared(profiles.MASKED_EQ, 0xFFFFFFFF, 40), False),
        ("allow", profiles.make_action(profiles.ERRNO), compared(profiles.EQ, 40), True),
        ("allow", profiles.make_action(profiles.ERRNO), compared(profiles.LE, 40), True),
        ("allow", profiles.make_action(profiles.KILL), compared(profiles.MASKED_EQ, 2**64 - 1, 40), True),
        ("allow", profiles.make_action(profiles.ERRNO), compared(profiles.MASKED_EQ, 0xFFFFFFFF, 40), False),
        ("allow", profiles.make_action(profiles.ERRNO), compared(profiles.GE, 40), False),
        # The kernel takes all 64 bits of it.
        ("deny", PASS, compared(profiles.NE, 40, index=3), False),
    ],
)
def test_comparisons_that_high_bits_get_round(library, base, action, arg, passed):
    overlays = [RUNTIME] if base == "deny" else [{"deny": ["io_uring_setup"]}]
    refused, warnings = findings(library, *overlays, base=base, rules=[rule("socket", action, arg)])
    assert warnings == [] and bool(refused) is passed
    if passed:
        assert f"the profile: {arg.op} compares 64 bits" in refused[0]
        found = findings(library, *overlays, base=base, rules=[rule("socket", action, arg)], trusted=["socket"])
        assert found == ([], refused)
        places = {("socket", arg): "/p: syscalls[0].args[0]"}
        found, _none = findings(library, *overlays, base=base, rules=[rule("socket", action, arg)], comparisons=places)
        assert found[0].startswith(f"/p: syscalls[0].args[0]: {arg.op} compares")


def test_what_is_denied_whatever_bits_are_set_is_no_hole(library):
    masked = [compared(profiles.MASKED_EQ, 0xFFFFFFFF, family) for family in (1, 2)]
    unsupported = rule("socket", profiles.make_action(profiles.ERRNO, 97), compared(profiles.EQ, 17))
    for some in (
        [rule("socket", PASS, *masked), unsupported],
        [rule("clone", profiles.make_action(profiles.KILL_PROCESS), compared(profiles.EQ, 40))],
        [rule("socket", profiles.make_action(profiles.ERRNO), compared(profiles.EQ, 17))],  # the default action
        [rule("personality", PASS), rule("personality", PASS, compared(profiles.NE, 8))],
    ):
        assert findings(library, RUNTIME, rules=some) == ([], [])
    (refused,), _warnings = findings(
        library, RUNTIME, rules=[rule("setresuid", PASS, compared(profiles.NE, 0, index=2))]
    )
    assert "takes 32 of argument 2 of setresuid" in refused and "families" not in refused
    (refused,), _warnings = findings(library, RUNTIME, rules=[rule("socket", PASS, compared(profiles.GT, 40))])
    assert "one rule for each that is allowed; or name families in an overlay" in refused
    two = [compared(profiles.EQ, 3), compared(profiles.NE, 5, index=1)]
    (refused,), _warnings = findings(library, RUNTIME, rules=[rule("ioctl", PASS, *two)])
    assert "takes 32 of argument 1 of ioctl" in refused
    deny = rule("personality", profiles.make_action(profiles.ERRNO), compared(profiles.EQ, 8))
    (refused,), _warnings = findings(library, base="allow", rules=[deny])
    assert "one rule for each" not in refused


def test_kill_is_the_same_by_both_its_names(library):
    kill = profiles.make_action(profiles.KILL_THREAD)
    some = [rule("getpgid", kill), rule("getpgid", PASS)]
    assert findings(library, RUNTIME, rules=some, default=profiles.make_action(profiles.KILL))[0] == []


def test_an_argument_that_is_passed_is_passed_in_the_filter_too(library):
    """What the check says is so, in the filter that the host would load."""
    _profile, filter_ = made(library, rules=[rule("socket", PASS, compared(profiles.NE, 40))])
    native = library.native()
    assert core.ask(filter_, "socket", native, [40]) == (profiles.ERRNO, 1)
    assert core.ask(filter_, "socket", native, [40 | 1 << 32]) == (profiles.ALLOW, None)


def test_families_of_32_bit_programs(library):
    if library.native() != "SCMP_ARCH_X86_64":
        pytest.skip("not possible here: of the host's architecture there are no 32-bit programs with socketcall")
    families = {"deny_families": [40]}
    sockets = {"allow": ["socketcall", *core.MULTIPLEXED["socketcall"]]}
    refused, (warning,) = findings(library, RUNTIME, sockets, families, foreign=["SCMP_ARCH_X86"])
    assert refused == [] and "SCMP_ARCH_X86 has socketcall" in warning
    assert findings(library, RUNTIME, sockets, families, {"architectures": "native"}) == ([], [])
    assert findings(library, RUNTIME, sockets, foreign=["SCMP_ARCH_X86"]) == ([], [])
    assert findings(library, RUNTIME, sockets, families, foreign=["SCMP_ARCH_X32"]) == ([], [])  # It has none.
    denied = {"deny": ["connect", "shmget"]}
    _refused, (sockets_, memory) = findings(library, sockets, denied, base="allow", foreign=["SCMP_ARCH_X86"])
    assert "has socketcall, by which programs get connect, which are denied" in sockets_
    assert "has ipc, by which programs get shmget, which are denied" in memory


def test_sockets_that_io_uring_makes(library):
    families = {"deny_families": [40]}
    _refused, (warning,) = findings(library, families, base="allow")
    assert "lets io_uring pass" in warning
    assert findings(library, families, {"deny": ["io_uring_setup"]}, base="allow")[1] == []
    for preset in ("no-network", "web-service", "database"):
        assert findings(library, {"preset": preset}, base="allow", foreign=["SCMP_ARCH_X86"])[1] == []


def test_an_architecture_that_nobody_knows_is_not_the_hosts_own(library):
    assert core.ask(made(library)[1], "read", "SCMP_ARCH_NONE") is None


def test_what_the_runtime_puts_in_front_has_to_fit_too(library):
    _profile, filter_ = made(library, RUNTIME)
    for size, refused in ((4096 - core._STUB, False), (4096 - core._STUB + 1, True)):
        padded = filter_._replace(program=filter_.program[:1] * size)
        found = core.Findings([], [])
        core._check_size(padded, found)
        assert bool(found.refusals) is refused
    found = core.Findings([], [])
    core._check_size(filter_._replace(program=filter_.program[:1] * 4096, highest={}), found)
    assert not found.refusals


def test_what_engine_and_runtime_cannot_do(library):
    known = core.Engine((26, 1, 5), (profiles.ALLOW, profiles.ERRNO), ())
    (refused,), _warnings = findings(library, RUNTIME, {"deny": ["bpf"], "action": "kill"}, engine=known)
    assert refused.startswith("SCMP_ACT_KILL_PROCESS: is no action that the runtime of this engine knows")
    late = profiles.make_action(profiles.ERRNO, errno.ENOSYS)
    (refused,), _warnings = findings(library, RUNTIME, engine=OLD, default=late)
    assert refused.startswith("defaultErrnoRet: is 38, and an engine before 23.0 reads EPERM")
    profile, filter_ = made(library, RUNTIME)
    profile = profile._replace(flags=("SECCOMP_FILTER_FLAG_LOG",))
    assert [str(one) for one in core.check(profile, filter_, OLD, False, NOWHERE).refusals] == [
        "flags: are there, and an engine before 23.0 ignores them; remove them, or update the engine."
    ]
    (refused,) = core.check(profile, filter_, known, False, NOWHERE).refusals
    assert str(refused).startswith("SECCOMP_FILTER_FLAG_LOG: is no flag")


def test_a_filter_that_the_kernel_would_not_take(library):
    many = [rule("ioctl", PASS, compared(profiles.EQ, number, index=2)) for number in range(5000)]
    refused, _warnings = findings(library, RUNTIME, rules=many)
    assert any("instructions, and the kernel takes 4096; have fewer rules with arguments" in one for one in refused)


def test_calls_that_the_host_has_not_are_no_answer(library):
    _profile, filter_ = made(library, RUNTIME)
    assert core.ask(filter_, "nope", library.native()) is None


def test_a_filter_that_says_something_else_is_refused(library):
    """libseccomp 2.5.4 lets socketpair(1, 0) pass here, which no rule does: a part of its filter is that of socket."""
    native = library.native()
    some = [rule("read", PASS), rule("socketpair", PASS, compared(profiles.EQ, 1, index=1))]
    profile, filter_ = made(library, RUNTIME, {"allow_families": [0, 2]}, rules=some)
    wrong = core.ask(filter_, "socketpair", native, [1, 0]) != (profiles.ERRNO, 1)
    refused, _warnings = findings(library, RUNTIME, {"allow_families": [0, 2]}, rules=some)
    words = "answers SCMP_ACT_ALLOW to socketpair(1, 0, 0, 0, 0, 0), where it says SCMP_ACT_ERRNO 1: a fault"
    assert [words in one for one in refused] == [True] * wrong
    # Whatever the library is: a filter that has nothing to do with the profile.
    found = core.Findings([], [])
    core._check_meaning(profile, core.make_filter(library, compose.base("log", [native])), native, found)
    (refused,) = found.refusals
    assert "becomes a filter that answers SCMP_ACT_LOG to " in str(refused)


def test_kill_is_kill_thread(library):
    kill = rule("bpf", profiles.make_action(profiles.KILL))
    assert findings(library, RUNTIME, rules=[kill])[0] == []
