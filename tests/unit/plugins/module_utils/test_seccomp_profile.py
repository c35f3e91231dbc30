# SPDX-License-Identifier: GPL-3.0-or-later
"""Profiles are read as an engine would, only that nothing is ignored; conditions are judged as an engine does."""

import json

import pytest

from ansible_collections.containment.docker.plugins.module_utils import _seccomp_profile as core
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

AMD64 = "SCMP_ARCH_X86_64"


def with_rule(**changes):
    return {"defaultAction": core.ERRNO, "syscalls": [dict({"names": ["read"], "action": core.ALLOW}, **changes)]}


def with_arg(**changes):
    return with_rule(args=[dict({"index": 0, "value": 1, "op": core.EQ}, **changes)])


def refusal(value):
    with pytest.raises(ContainmentError) as caught:
        core.read(value, "/p.json", AMD64)
    return str(caught.value)


def test_a_profile_comes_back_as_it_was():
    value = {
        "defaultAction": "SCMP_ACT_ERRNO",
        "defaultErrnoRet": 38,
        "architectures": [AMD64, "SCMP_ARCH_X86"],
        "flags": ["SECCOMP_FILTER_FLAG_LOG"],
        "syscalls": [
            {"names": ["read", "write"], "action": "SCMP_ACT_ALLOW"},
            {
                "names": ["socket"],
                "action": "SCMP_ACT_ERRNO",
                "errnoRet": 97,
                "args": [
                    {"index": 0, "value": 4294967295, "op": "SCMP_CMP_MASKED_EQ", "valueTwo": 40},
                    {"index": 2, "value": 0, "op": "SCMP_CMP_NE"},
                ],
                "includes": {"caps": ["CAP_SYS_ADMIN"], "arches": ["amd64"], "minKernel": "4.8"},
                "excludes": {"caps": ["CAP_BPF", "CAP_PERFMON"]},
            },
            {"names": ["ptrace"], "action": "SCMP_ACT_KILL_PROCESS"},
        ],
    }
    profile = core.read(value, "p", AMD64)
    assert json.loads(json.dumps(core.dump(profile))) == value
    assert list(core.dump(profile)) == ["defaultAction", "defaultErrnoRet", "architectures", "flags", "syscalls"]
    assert profile.rules[1].includes == core.Conditions(("CAP_SYS_ADMIN",), ("amd64",), (4, 8))


def test_both_spellings_of_a_name_and_the_default_errno():
    profile = core.read(with_rule(names=None, name="read", action=core.ERRNO, comment="why", args=None), "p", AMD64)
    assert profile.rules == (core.Rule(("read",), core.Action(core.ERRNO, 1), (), core.ALWAYS, core.ALWAYS),)
    assert profile.default == core.Action(core.ERRNO, 1) and profile.architectures == (AMD64,)


@pytest.mark.parametrize(
    "architecture, expected",
    [
        (AMD64, (AMD64, "SCMP_ARCH_X86")),
        ("SCMP_ARCH_AARCH64", ("SCMP_ARCH_AARCH64",)),
        ("SCMP_ARCH_S390X", ("SCMP_ARCH_S390X",)),
    ],
)
def test_a_map_of_architectures_is_read_for_the_host(architecture, expected):
    value = {
        "defaultAction": core.ERRNO,
        "archMap": [
            {"architecture": AMD64, "subArchitectures": ["SCMP_ARCH_X86"]},
            {"architecture": "SCMP_ARCH_AARCH64", "subArchitectures": None},
        ],
    }
    assert core.read(value, "p", architecture).architectures == expected


@pytest.mark.parametrize(
    "value, words",
    [
        ([], "/p.json: is a list, not an object"),
        ({}, "/p.json: is empty, which an engine takes for no filter at all; give at least defaultAction"),
        ({"syscalls": []}, "/p.json: defaultAction: is missing"),
        ({"DefaultAction": core.ERRNO}, "/p.json: DefaultAction: is no key that an engine knows; write it as default"),
        ({"defaultAction": core.ERRNO, "other": 1}, "/p.json: other: is no key that an engine knows; use one of"),
        ({"defaultAction": "SCMP_ACT_DENY"}, "defaultAction: 'SCMP_ACT_DENY' is no action; use one of SCMP_ACT_ALLOW"),
        ({"defaultAction": "allow"}, "'allow' is no action; write SCMP_ACT_ALLOW"),
        ({"defaultAction": ""}, "defaultAction: is an empty text, no action"),
        ({"defaultAction": core.NOTIFY}, "defaultAction: SCMP_ACT_NOTIFY needs an agent on the host"),
        ({"defaultAction": core.ALLOW, "defaultErrnoRet": 1}, "defaultErrnoRet: has no meaning with SCMP_ACT_ALLOW"),
        ({"defaultAction": core.ERRNO, "listenerPath": "/x"}, "listenerPath: needs an agent on the host"),
        ({"defaultAction": core.ERRNO, "flags": ["LOG"]}, "flags[0]: 'LOG' is no flag; write SECCOMP_FILTER_FLAG_LOG"),
        ({"defaultAction": core.ERRNO, "syscalls": {}}, "syscalls: is an object, not a list; put it in [ and ]"),
        ({"defaultAction": core.ERRNO, "architectures": ["amd64"]}, "architectures[0]: 'amd64' is no architecture"),
        (
            {"defaultAction": core.ERRNO, "architectures": [AMD64], "archMap": [{"architecture": AMD64}]},
            "archMap: stands beside architectures",
        ),
        ({"defaultAction": core.ERRNO, "archMap": [{"arch": AMD64}]}, "archMap[0].arch: is no key"),
        ({"defaultAction": core.ERRNO, "syscalls": [None]}, "syscalls[0]: is nothing, not an object"),
        (with_rule(Names=["read"]), "syscalls[0].Names: is no key that an engine knows; write it as names"),
        (with_rule(name="read"), "syscalls[0].name: stands beside names, and an engine takes one of them"),
        (with_rule(names=[]), "syscalls[0].names: is empty: the rule would do nothing"),
        (with_rule(names=["read", ""]), "syscalls[0].names[1]: is an empty text, no name"),
        (with_rule(names=[1]), "syscalls[0].names[0]: is a number, no name"),
        (with_rule(comment=3), "syscalls[0].comment: is a number, not a text"),
        (with_rule(action=None), "syscalls[0].action: is nothing, no action"),
        (with_rule(errnoRet=1), "syscalls[0].errnoRet: has no meaning with SCMP_ACT_ALLOW; remove it"),
        (with_rule(action=core.ERRNO, errnoRet=-1), "syscalls[0].errnoRet: -1 is not within 0-4095"),
        (with_rule(action=core.ERRNO, errnoRet=4096), "syscalls[0].errnoRet: 4096 is not within 0-4095"),
        (with_rule(action=core.ERRNO, errnoRet="1"), "syscalls[0].errnoRet: is text, not a whole number"),
        (with_rule(args=[{}] * 7), "syscalls[0].args: has 7 entries, and system calls have 6 arguments"),
        (with_rule(args=[{}]), "syscalls[0].args[0].index: is missing"),
        (with_arg(op=None), "syscalls[0].args[0].op: is missing"),
        (with_arg(op="EQ"), "syscalls[0].args[0].op: 'EQ' is no operator; write SCMP_CMP_EQ"),
        (with_arg(index=6), "syscalls[0].args[0].index: 6 is not within 0-5"),
        (with_arg(index=True), "syscalls[0].args[0].index: is true or false, not a whole number"),
        (with_arg(value=-1), "syscalls[0].args[0].value: -1 is not within 0-18446744073709551615"),
        (with_arg(value=2**64), "syscalls[0].args[0].value: 18446744073709551616 is not within"),
        (with_arg(valueTwo=3), "syscalls[0].args[0].valueTwo: has no meaning with SCMP_CMP_EQ; remove it"),
        (with_arg(op=core.MASKED_EQ, valueTwo=2), "valueTwo: 2 has bits that the mask 1 takes away: it would never"),
        (with_rule(includes=[]), "syscalls[0].includes: is a list, not an object"),
        (with_rule(includes={"cap": []}), "syscalls[0].includes.cap: is no key"),
        (with_rule(includes={"caps": ["cap_sys_admin"]}), "caps[0]: 'cap_sys_admin' is no capability; write CAP_SYS_A"),
        (with_rule(excludes={"caps": ["SYS_ADMIN"]}), "excludes.caps[0]: 'SYS_ADMIN' is no capability; write CAP_SYS_"),
        (with_rule(excludes={"arches": ["x86_64"]}), "arches[0]: 'x86_64' is no architecture in a condition"),
        (with_rule(includes={"minKernel": "4"}), "includes.minKernel: '4' is no version of a kernel; give it as"),
        (with_rule(includes={"minKernel": 4.8}), "includes.minKernel: 4.8 is no version of a kernel"),
    ],
)
def test_what_an_engine_refuses_or_ignores_is_told_with_its_place(value, words):
    assert words in refusal(value)


HOST = core.Host(AMD64, frozenset(["CAP_CHOWN", "CAP_SYS_ADMIN"]), (5, 10))


@pytest.mark.parametrize(
    "conditions, included, excluded",
    [
        ({}, True, True),
        ({"caps": ["CAP_CHOWN"]}, True, False),
        ({"caps": ["CAP_CHOWN", "CAP_SYS_ADMIN"]}, True, False),
        ({"caps": ["CAP_CHOWN", "CAP_BPF"]}, False, False),
        ({"caps": ["CAP_BPF"]}, False, True),
        ({"arches": ["amd64", "arm64"]}, True, False),
        ({"arches": ["arm64"]}, False, True),
        ({"minKernel": "5.10"}, True, False),
        ({"minKernel": "5.11"}, False, True),
        ({"minKernel": "4.20"}, True, False),
    ],
)
def test_conditions_are_judged_as_an_engine_does(conditions, included, excluded):
    for key, expected in (("includes", included), ("excludes", excluded)):
        resolved = core.resolve(core.read(with_rule(**{key: conditions}), "p", AMD64), HOST)
        assert [rule.names for rule in resolved.rules] == ([("read",)] if expected else [])
        assert all((rule.includes, rule.excludes) == (core.ALWAYS, core.ALWAYS) for rule in resolved.rules)


def test_there_are_as_many_capabilities_as_linux_has():
    assert len(core.CAPABILITIES) == 41 and core.CAPABILITIES[21] == "CAP_SYS_ADMIN"
    assert core.CAPABILITIES[40] == "CAP_CHECKPOINT_RESTORE" and len(core.ARCHITECTURES) == 18


def test_values_have_64_bits_errnos_12_and_calls_6_arguments():
    whole = 2**64 - 1
    for op, value, other in ((core.EQ, whole, 0), (core.MASKED_EQ, whole, whole)):
        given = with_arg(op=op, value=value, valueTwo=other, index=5)
        assert core.read(given, "p", AMD64).rules[0].args == (core.Arg(5, op, value, other),)
    for changes, words in (
        ({"value": whole + 1}, f"args[0].value: {whole + 1} is not within 0-{whole}"),
        ({"op": core.MASKED_EQ, "value": whole, "valueTwo": whole + 1}, f".valueTwo: {whole + 1} is not within"),
        ({"index": 6}, "args[0].index: 6 is not within 0-5"),
        ({"index": -1}, "-1 is not within 0-5"),
    ):
        assert words in refusal(with_arg(**changes))
    assert core.read(with_rule(action=core.ERRNO, errnoRet=4095), "p", AMD64).rules[0].action.errno == 4095
    args = [{"index": index, "value": 1, "op": core.EQ} for index in range(6)]
    assert len(core.read(with_rule(args=args), "p", AMD64).rules[0].args) == 6
    assert "args: has 7 entries" in refusal(with_rule(args=[*args, args[0]]))


def test_an_action_that_is_missing_is_told_with_its_place():
    value = with_rule()
    del value["syscalls"][0]["action"]
    assert "syscalls[0].action: is missing" in refusal(value)


def test_comparisons_of_one_argument_are_alternatives_and_of_several_all_have_to_hold():
    one, other, same = (core.Arg(index, core.EQ, value, 0) for index, value in ((0, 1), (1, 2), (0, 3)))
    assert core.alternatives((one, other)) == [(one, other)]
    assert core.alternatives((one, same)) == [(one,), (same,)]
    assert core.alternatives((one, other, same)) == [(one,), (other,), (same,)]
    assert core.alternatives(()) == [()]


@pytest.mark.parametrize(
    "value, words",
    [
        (with_arg(value=""), "args[0].value: is an empty text"),
        (with_arg(value=False), "args[0].value: is true or false"),
        (with_arg(valueTwo=[]), "args[0].valueTwo: is a list"),
        (with_rule(name=0), "syscalls[0].name: is a number, no name"),
        (with_rule(includes={"minKernel": "4.²"}), "is no version of a kernel"),
        (
            {"defaultAction": core.ERRNO, "archMap": [{"architecture": AMD64}, {"architecture": AMD64}]},
            "archMap[1].architecture: SCMP_ARCH_X86_64 is there twice",
        ),
    ],
)
def test_what_go_would_take_for_nothing_is_told(value, words):
    assert words in refusal(value)


def arg(op, value, other=0, index=0):
    return core.Arg(index, op, value, other)


@pytest.mark.parametrize(
    "one, holds",
    [
        (arg(core.EQ, 7), (7,)),
        (arg(core.NE, 7), (6, 8)),
        (arg(core.LT, 7), (6,)),
        (arg(core.LE, 7), (6, 7)),
        (arg(core.GT, 7), (8,)),
        (arg(core.GE, 7), (7, 8)),
        (arg(core.MASKED_EQ, 6, 6), (6, 7)),
        (arg(core.MASKED_EQ, 8, 0), (6, 7)),
    ],
)
def test_comparisons(one, holds):
    assert [value for value in (6, 7, 8) if core.holds(one, value)] == list(holds)


def test_what_rules_of_a_call_say():
    default, allow, other = (core.make_action(core.ERRNO, number) for number in (1, 2, 3))

    def rule(action, *args):
        return core.Rule(("read",), action, args, core.ALWAYS, core.ALWAYS)

    def says(*rules, args=(0, 0, 0)):
        return core.says(rules, default, args)

    first, second = arg(core.EQ, 5), arg(core.EQ, 6, index=1)
    assert says() == default and says(rule(allow)) == allow
    # The first of those without arguments, which those with do not count against.
    assert says(rule(other, first), rule(allow), rule(other), args=(5, 0, 0)) == allow
    assert says(rule(default), rule(allow)) == allow
    both = rule(allow, first, second)
    assert [says(both, args=args) for args in ((5, 6, 0), (5, 0, 0), (0, 6, 0))] == [allow, default, default]
    # Of one argument twice, either.
    either = rule(allow, first, arg(core.EQ, 6))
    assert [says(either, args=(value, 0, 0)) for value in (5, 6, 7)] == [allow, allow, default]
    assert says(rule(allow, first), rule(other, second), args=(5, 6, 0)) is None
    assert says(rule(allow, first), rule(default, second), args=(5, 6, 0)) == allow
