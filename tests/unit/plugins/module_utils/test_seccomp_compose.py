# SPDX-License-Identifier: GPL-3.0-or-later
"""What overlays make of a base: the truth table of the documentation, row by row, and what is refused."""

import pytest

from ansible_collections.containment.docker.plugins.module_utils import _seccomp_compose as core
from ansible_collections.containment.docker.plugins.module_utils import _seccomp_presets
from ansible_collections.containment.docker.plugins.module_utils import _seccomp_profile as profiles
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

AMD64, I386 = "SCMP_ARCH_X86_64", "SCMP_ARCH_X86"
ALWAYS = profiles.ALWAYS
ADMIN = profiles.Conditions(("CAP_SYS_ADMIN",), (), None)
PASS, LOG = profiles.make_action(profiles.ALLOW), profiles.make_action(profiles.LOG)
KILL = profiles.make_action(profiles.KILL_PROCESS)


def errno(number):
    return profiles.make_action(profiles.ERRNO, number)


def rule(names, action=PASS, args=(), includes=ALWAYS, excludes=ALWAYS):
    return profiles.Rule(tuple(names.split()), action, tuple(args), includes, excludes)


def equal(index, value):
    return profiles.Arg(index, profiles.EQ, value, 0)


def masked(value):
    return profiles.Arg(0, profiles.MASKED_EQ, 0xFFFFFFFF, value)


def composed(rules, *given, **more):
    default = more.get("default", errno(1))
    profile = profiles.Profile(default, (AMD64, I386), (), tuple(rules))
    return core.compose(profile, core.overlays(given, AMD64))


BASE = [
    rule("read write"),
    rule("ptrace", includes=ADMIN),
    rule("personality", args=[equal(0, 8)]),
    rule("mount", KILL),
]


@pytest.mark.parametrize("name", ["read", "ptrace", "personality", "mount", "bpf"])
@pytest.mark.parametrize(
    "overlay, action",
    [
        ({"allow": 0}, PASS),
        ({"deny": 0}, errno(1)),
        ({"deny": 0, "errno": 38}, errno(38)),
        ({"deny": 0, "action": "kill"}, KILL),
        ({"deny": 0, "action": "log"}, LOG),
    ],
)
def test_a_call_is_what_the_last_overlay_says_of_it_whatever_was_said_before(name, overlay, action):
    given = {key: [name] if value == 0 else value for key, value in overlay.items()}
    for before in ([], [{"allow": [name]}], [{"deny": [name], "action": "kill"}], [{"preset": "runtime"}]):
        rules = composed(BASE, *before, given).rules
        assert [one for one in rules if name in one.names] == [rule(name, action)]
        # Everything else is as it was.
        without = [one._replace(names=tuple(other for other in one.names if other != name)) for one in rules]
        others = composed(BASE, *before).rules
        others = [one._replace(names=tuple(other for other in one.names if other != name)) for one in others]
        assert [one for one in without if one.names] == [one for one in others if one.names]


def test_rules_that_lose_all_names_go_and_the_order_of_others_stays():
    rules = composed(BASE, {"deny": ["write", "ptrace"]}, {"allow": ["ptrace", "kcmp"]}).rules
    assert rules == (rule("read"), BASE[2], BASE[3], rule("write", errno(1)), rule("kcmp ptrace"))


def test_names_are_sorted_and_none_is_there_twice():
    assert composed([], {"allow": ["write", "read", "write"]}).rules == (rule("read write"),)


def test_architectures():
    assert composed([], {"architectures": "native"}).architectures == (AMD64,)
    assert composed([], {"architectures": [I386, AMD64]}).architectures == (AMD64, I386)
    assert composed([]).architectures == (AMD64, I386)


def said_of(profile, name, family):
    """Return the actions of the rules that hold for a family, with the comparisons of other arguments."""
    found = []
    for one in profile.rules:
        if name not in one.names:
            continue
        first = [arg for arg in one.args if arg.index == 0]
        if not first or any(profiles.holds(arg, family) for arg in first):
            found.append((one.action, tuple(arg for arg in one.args if arg.index)))
    return found


@pytest.mark.parametrize("name", core.FAMILY_CALLS)
def test_families_are_denied_and_allowed_one_by_one(name):
    base = [rule("socket socketpair read"), rule("bind")]
    profile = composed(base, {"deny_families": [3, 17]}, {"allow_families": [17]})
    for family in range(64):
        action = errno(97) if family == 3 else PASS
        assert said_of(profile, name, family) == [(action, ())]
    assert profile.rules[:2] == (rule("read"), rule("bind"))
    for one in profile.rules[2:]:
        assert one.names == core.FAMILY_CALLS and 0 < len(one.args) <= 6
        assert all(arg == masked(arg.other) for arg in one.args)


def test_a_base_that_denies_everything_gets_the_families_that_are_allowed():
    assert composed([], {"allow_families": [2, 1]}).rules == (rule("socket socketpair", args=[masked(1), masked(2)]),)
    assert composed([], {"deny_families": [2]}).rules == (rule("socket socketpair", errno(97), [masked(2)]),)


def test_a_base_that_allows_everything_loses_the_families_that_are_denied():
    profile = composed([], {"deny_families": [40], "action": "kill"}, default=PASS)
    assert profile.rules == (rule("socket socketpair", KILL, [masked(40)]),)


@pytest.mark.parametrize(
    "args, allowed",
    [
        ([profiles.Arg(0, profiles.NE, 40, 0)], set(range(64)) - {40}),
        ([profiles.Arg(0, profiles.LT, 3, 0)], {0, 1, 2}),
        ([profiles.Arg(0, profiles.LE, 3, 0)], {0, 1, 2, 3}),
        ([profiles.Arg(0, profiles.GT, 60, 0)], {61, 62, 63}),
        ([profiles.Arg(0, profiles.GE, 60, 0)], {60, 61, 62, 63}),
        ([profiles.Arg(0, profiles.MASKED_EQ, 0x3E, 2)], {2, 3}),
        ([equal(0, 1), equal(0, 10)], {1, 10}),  # two of one argument: either
        ([], set(range(64))),
    ],
)
def test_what_a_base_says_of_families_stays_but_cannot_be_got_round(args, allowed):
    profile = composed([rule("socket", args=args)], {"deny_families": [2]})
    for family in range(64):
        expected = [(errno(97), ())] if family == 2 else [(PASS, ())] if family in allowed else []
        assert said_of(profile, "socket", family) == expected
    assert said_of(profile, "socketpair", 1) == [] and said_of(profile, "socketpair", 2) == [(errno(97), ())]


def test_other_arguments_and_capabilities_of_a_base_stay_with_their_families():
    raw = rule("socket", args=[equal(0, 16), equal(2, 9)], includes=ADMIN)
    profile = composed([rule("socket", args=[equal(0, 1)]), raw], {"deny_families": [1]})
    assert profile.rules == (
        rule("socket socketpair", errno(97), [masked(1)]),
        rule("socket", args=[masked(16), equal(2, 9)], includes=ADMIN),
    )


def test_a_rule_without_arguments_takes_precedence_as_it_does_in_libseccomp():
    base = [rule("socket", errno(13), [equal(0, 1)]), rule("socket"), rule("socket", KILL)]
    profile = composed(base, {"deny_families": [2]})
    assert said_of(profile, "socket", 1) == [(PASS, ())]


def test_a_socket_that_was_denied_as_a_call_is_had_again_by_families_that_are_allowed():
    profile = composed([rule("socket")], {"deny": ["socket"]}, {"allow_families": [1]})
    assert said_of(profile, "socket", 1) == [(PASS, ())] and said_of(profile, "socket", 2) == []


@pytest.mark.parametrize(
    "given, words",
    [
        ("read", "overlays[0]: 'read' is no overlay; write it as one of preset, allow"),
        ({}, "overlays[0]: says nothing; give one of preset, allow, deny, allow_families"),
        ({"allow": None}, "overlays[0]: says nothing"),
        ({"allow": ["a"], "deny": ["b"]}, "overlays[0]: says allow and deny; give one of"),
        ({"permit": ["a"]}, "overlays[0].permit: is no key of an overlay; use one of"),
        ({"allow": ["a"], "errno": 1}, "overlays[0].errno: has no meaning with allow; remove it"),
        ({"architectures": "native", "action": "kill"}, "overlays[0].action: has no meaning with architectures"),
        ({"preset": "x"}, "overlays[0].preset: 'x' is no preset; use one of build, database"),
        ({"allow": "read"}, "overlays[0].allow: 'read' is no list of anything"),
        ({"allow": []}, "overlays[0].allow: [] is no list of anything; give a list with at least one entry"),
        ({"allow": ["read", "WRITE"]}, "overlays[0].allow[1]: 'WRITE' is no name of a call"),
        ({"deny": ["a b"]}, "overlays[0].deny[0]: 'a b' is no name of a call"),
        ({"deny": [3]}, "overlays[0].deny[0]: 3 is no name of a call"),
        ({"deny": ["a"], "action": "drop"}, "overlays[0].action: 'drop' is no denial; use one of errno, kill, log"),
        ({"deny": ["a"], "action": "kill", "errno": 1}, "overlays[0].errno: has no meaning with kill"),
        ({"deny": ["a"], "errno": 0}, "overlays[0].errno: 0 is not within 1-4095"),
        ({"deny": ["a"], "errno": "EPERM"}, "overlays[0].errno: 'EPERM' is not within 1-4095"),
        ({"deny_families": [64]}, "overlays[0].deny_families[0]: 64 is no number within 0-63"),
        ({"allow_families": [1, True]}, "overlays[0].allow_families[1]: True is no number within"),
        ({"allow_families": ["AF_INET"]}, "'AF_INET' is no number within 0-63; give the number of an AF_ constant"),
        ({"architectures": ["amd64"]}, "overlays[0].architectures[0]: 'amd64' is no architecture"),
        ({"architectures": [I386]}, "overlays[0].architectures: lacks SCMP_ARCH_X86_64, the host's own"),
    ],
)
def test_overlays_that_mean_nothing_are_refused_with_their_place(given, words):
    with pytest.raises(ContainmentError) as caught:
        core.overlays([given], AMD64)
    assert words in str(caught.value)


@pytest.mark.parametrize("name", sorted(_seccomp_presets.PRESETS))
def test_presets_are_overlays(name):
    profile = composed([], {"preset": name})
    assert profile.rules
    later = composed([], {"preset": name}, {"deny": ["read"]})
    assert [one for one in later.rules if "read" in one.names] == [rule("read", errno(1))]


def test_the_list_of_2015_is_that_list():
    calls, families, architectures = core.overlays([{"preset": "list-2015"}], AMD64)
    assert set(calls.names) == {
        *("kexec_load", "open_by_handle_at", "init_module", "finit_module", "delete_module", "iopl", "ioperm"),
        *("swapon", "swapoff", "sysfs", "_sysctl", "adjtimex", "clock_adjtime", "lookup_dcookie", "perf_event_open"),
        *("fanotify_init", "kcmp"),
    }
    # AF_UNSPEC, AF_UNIX, AF_INET, AF_INET6, AF_NETLINK
    assert set(range(64)) - set(families.names) == {0, 1, 2, 10, 16}
    assert families.action == errno(97) and calls.action == errno(1) and architectures.names == (AMD64,)


def test_bases():
    assert core.base("allow", [AMD64]) == profiles.Profile(PASS, (AMD64,), (), ())
    assert core.base("deny", [AMD64]) == profiles.Profile(errno(1), (AMD64,), (), ())


def test_a_rule_has_as_many_families_as_it_can_have_comparisons():
    rules = composed([], {"allow_families": list(range(1, 8))}).rules
    assert [len(one.args) for one in rules] == [6, 1]


@pytest.mark.parametrize("number", [1, 4095])
def test_every_errno_that_there_is_can_be_given(number):
    assert composed([], {"deny": ["read"], "errno": number}).rules == (rule("read", errno(number)),)


@pytest.mark.parametrize("bad", [-1, 64])
def test_families_have_bounds(bad):
    with pytest.raises(ContainmentError, match=f"{bad} is no number within 0-63"):
        core.overlays([{"deny_families": [bad]}], AMD64)
    assert core.overlays([{"deny_families": [0, 63]}], AMD64)[0].names == (0, 63)


def test_calls_that_were_new_to_the_base_stay_so(library):
    """getpid is 39 and getcwd is 79 on x86-64: what is between them is as unheard of as it was."""
    before = core.base("deny", [AMD64])._replace(rules=(rule("read getpid"),))
    after = core.compose(before, core.overlays([{"allow": ["getcwd", "fork"]}], AMD64))
    *others, last = core.keep_unknown(before, after, library).rules
    between = [library.name(number, AMD64) for number in range(40, 79)]
    assert last == rule(" ".join(sorted(one for one in between if one != "fork")), errno(38)) and None not in between
    assert tuple(others) == after.rules
    assert core.keep_unknown(after, after, library) == after
    # An architecture that the base had not has nothing to keep, and one whose calls all pass neither.
    wider = after._replace(architectures=(AMD64, I386))
    assert core.keep_unknown(before, wider, library).rules == core.keep_unknown(before, after, library).rules
    open_ = core.base("allow", [AMD64])
    assert core.keep_unknown(open_, after, library) == after


def test_over_nothing_all_that_is_newer_than_linux_5_0_is_unheard_of(library):
    before = core.base("deny", [AMD64, I386])  # whose last one of its own is 423, sched_rr_get_interval_time64
    after = core.compose(before, core.overlays([{"allow": ["io_uring_enter", "read"]}], AMD64))
    assert core.keep_unknown(before, after, library).rules[-1] == rule("io_uring_setup pidfd_send_signal", errno(38))
    # x32 has calls of its own above all others, so that none of it is new.
    before, after = (one._replace(architectures=(AMD64, "SCMP_ARCH_X32")) for one in (before, after))
    assert core.keep_unknown(before, after, library).rules[-1] == rule("io_uring_setup pidfd_send_signal", errno(38))


def test_what_is_new_to_one_architecture_alone_is_no_news(library):
    """shmget is 29 on x86-64, below all that the base names, and 395 for 32-bit programs, above."""
    before = core.base("deny", [AMD64, I386])._replace(rules=(rule("read rseq"),))
    after = core.compose(before, core.overlays([{"allow": ["pidfd_open"]}], AMD64))
    (unheard,) = core.keep_unknown(before, after, library).rules[len(after.rules) :]
    assert "shmget" not in unheard.names and {"io_uring_setup", "clock_gettime64"} <= set(unheard.names)


def test_rules_on_the_type_of_a_socket_are_no_conditions():
    base = [rule("socket", args=[equal(1, 1)]), rule("socket", args=[equal(0, 2)])]
    assert composed(base, {"deny_families": [17]}).rules


def test_what_depends_on_capabilities_is_kept_or_told_by_families():
    """Of two rules without arguments the first one counts, and of one with conditions nobody can tell by family."""
    (alone,) = composed([rule("socket", includes=ADMIN)], {"deny_families": [17]}).rules[-1:]
    assert alone.includes == ADMIN or alone.action == errno(97)
    for base in (
        [rule("socket", errno(13), includes=ADMIN), rule("socket")],
        [rule("socket", includes=ADMIN), rule("socket", args=[equal(0, 1)])],
    ):
        with pytest.raises(ContainmentError, match=r"of socket without arguments what depends on capabilities"):
            composed(base, {"deny_families": [17]})
        assert composed(base, {"allow": ["socket"]}, {"deny_families": [17]}).rules
    first = composed([rule("socket", errno(13)), rule("socket")], {"deny_families": [17]}, default=PASS)
    assert said_of(first, "socket", 2) == [(errno(13), ())]
