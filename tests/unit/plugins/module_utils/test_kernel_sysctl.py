# SPDX-License-Identifier: GPL-3.0-or-later
import pytest

from ansible_collections.containment.docker.plugins.module_utils import _kernel_sysctl
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError
from ansible_collections.containment.docker.plugins.module_utils._kernel_sysctl import HEADER, LAST, PATH

NAME = "user.max_user_namespaces"
PAIR = f"# {NAME} was 0 before\n{NAME} = 28633\n"


def asked(values=(), absent=(), running=()):
    return _kernel_sysctl.request(dict(values), list(absent), dict(running))


def planned(text, now, **request):
    data = None if text is None else text.encode("utf-8", "surrogateescape")
    plan = _kernel_sysctl.plan(data, now, asked(**request))
    return plan._replace(data=None if plan.data is None else plan.data.decode("utf-8", "surrogateescape"))


def refusal(**request):
    with pytest.raises(ContainmentError) as caught:
        asked(**request)
    return str(caught.value)


# --- what is asked for ---


@pytest.mark.parametrize(
    "given, name, path",
    [
        ("net.ipv4.ip_forward", "net.ipv4.ip_forward", "/proc/sys/net/ipv4/ip_forward"),
        ("net/ipv4/ip_forward", "net.ipv4.ip_forward", "/proc/sys/net/ipv4/ip_forward"),
        ("net.ipv4.conf.eth0/100.rp_filter", "net.ipv4.conf.eth0/100.rp_filter", None),
        ("net/ipv4/conf/eth0.100/rp_filter", "net.ipv4.conf.eth0/100.rp_filter", None),
    ],
)
def test_names_have_two_forms_and_one_meaning(given, name, path):
    path = path or "/proc/sys/net/ipv4/conf/eth0.100/rp_filter"
    assert list(asked(values={given: 1}).values) == asked(absent=[given]).absent == [name]
    assert list(asked(running={given: 1}).running) == [name]
    assert _kernel_sysctl.path_of(name) == path


@pytest.mark.parametrize(
    "name",
    [
        "",
        "swappiness",
        "vm.",
        ".vm",
        "/vm/x",
        "vm..x",
        "vm//x",
        "net/../../etc/passwd",
        "net.ipv4.//.x",
        "net/./x",
        "vm.x y",
        "vm.x\n",
        "vm.x=1",
        "-vm.x",
        "vm.-x",
        "#vm.x",
        "vm.*",
        "vm.[x]",
        "vm.\u00e4",
        "vm." + "x" * 256,
    ],
)
def test_what_is_no_name_is_refused(name):
    for request in ({"values": {name: 1}}, {"absent": [name]}, {"running": {name: 1}}):
        assert f"{name!r} is no name of a kernel parameter; write it as sysctl -a shows it" in refusal(**request)


def test_a_name_is_given_once():
    words = "vm.x is named twice; name it once."
    assert refusal(values={"vm.x": 1, "vm/x": 2}) == "values: " + words
    assert refusal(values={"vm.x": 1}, absent=["vm/x"]) == "absent: " + words
    assert refusal(absent=["vm/x", "vm.x"]) == refusal(absent=["vm.x", "vm.x"]) == "absent: " + words


@pytest.mark.parametrize(
    "value, words",
    [
        (True, "True is neither text nor a whole number; write it in quotes."),
        (1.5, "1.5 is neither text"),
        (None, "None is neither text"),
        ([1], "[1] is neither text"),
        ({"a": 1}, "is neither text"),
        ("a\nb", "'a\\nb' holds a control character; take it out."),
        ("a\rb", "holds a control character"),
        ("a\0b", "holds a control character"),
        ("", "has an empty value"),
        (" \n", "has an empty value"),
        ("x" * 4096, "longer than 4095 bytes"),
        ("\u00e4" * 2048, "longer than 4095 bytes"),
    ],
)
def test_what_is_no_value_is_refused(value, words):
    assert refusal(values={"vm.x": value}).startswith("vm.x: ") and words in refusal(values={"vm.x": value})


def test_values_are_text():
    given = {"vm.a": 0, "vm.b": -1, "vm.c": " 1\t2 \n", "vm.d": "x" * 4095}
    assert asked(values=given).values == {"vm.a": "0", "vm.b": "-1", "vm.c": "1\t2", "vm.d": "x" * 4095}
    assert asked(running={"vm.a": ""}).running == {"vm.a": ""}, "what was before us may be empty"


def test_running_values_that_no_line_can_hold():
    _kernel_sysctl.check_running("vm.x", "1\t2 \u00e4")
    for value in ("1\n2", "1\r2", "\x1b", "\x7f"):
        with pytest.raises(ContainmentError) as caught:
            _kernel_sysctl.check_running("vm.x", value)
        assert "vm.x: holds a value of several lines" in str(caught.value)


@pytest.mark.parametrize(
    "value, shown",
    [
        ("1", "1"),
        ("4096\t131072  33554432", "4096 131072 33554432"),
        ("0x10 0X1f -0x1", "16 31 -1"),
        ("010 -010 00 0", "8 -8 0 0"),
        ("10 100 -10", "10 100 -10"),
        ("08 1_0 +1 1.0 0x 0xg", "08 1_0 +1 1.0 0x 0xg"),
        ("-", "-"),
        ("|/usr/lib/core  %p", "|/usr/lib/core %p"),
        ("1" * 21, "1" * 21),
        ("\u0661", "\u0661"),
        ("", ""),
    ],
)
def test_values_as_the_kernel_reads_them(value, shown):
    assert _kernel_sysctl.canonical(value) == shown
    assert _kernel_sysctl.same(value, shown)


def test_no_value_is_not_the_same_as_any():
    assert not any(_kernel_sysctl.same(*pair) for pair in ((None, None), (None, "1"), ("1", None), ("1", "2")))


# --- our file ---


def test_the_first_parameter_makes_the_file():
    plan = planned(None, {NAME: "0"}, values={NAME: 28633})
    assert plan == (HEADER + "\n" + PAIR, {}, {NAME: "28633"})


def test_what_is_so_already_changes_nothing():
    for text in (
        HEADER + "\n" + PAIR,
        PAIR,
        PAIR[:-1],
        "# x\n\n" + PAIR.replace("\n", "\r\n"),
        "\n" + PAIR + "y = 1\n",
    ):
        assert planned(text, {NAME: "28633"}, values={NAME: "0x6fd9"}) == (text, {}, {})


def test_a_file_that_is_right_is_left_when_the_running_value_is_not():
    assert planned(PAIR, {NAME: "7"}, values={NAME: 28633}) == (PAIR, {}, {NAME: "28633"})


def test_a_running_value_that_is_right_is_left_when_the_file_is_not():
    plan = planned(None, {NAME: "28633"}, values={NAME: 28633})
    assert plan == (HEADER + "\n" + PAIR.replace("was 0", "was 28633"), {}, {})


def test_a_new_value_keeps_what_was_before_the_first():
    plan = planned("# mine\n" + PAIR + "# end", {NAME: "28633"}, values={NAME: 5})
    assert plan.data == f"{HEADER}\n# mine\n# {NAME} was 0 before\n{NAME} = 5\n# end\n"
    assert plan.forward == {NAME: "5"}


def test_others_lines_of_the_name_stay_and_ours_comes_after_them():
    first = planned(f"{NAME} = 3\n", {NAME: "3"}, values={NAME: 5})
    assert first.data == f"{HEADER}\n{NAME} = 3\n# {NAME} was 3 before\n{NAME} = 5\n"
    later = planned(first.data + "user/max_user_namespaces=4\n", {NAME: "4"}, values={NAME: 5})
    assert later.data == (f"{HEADER}\n{NAME} = 3\nuser/max_user_namespaces=4\n# {NAME} was 3 before\n{NAME} = 5\n")
    assert planned(later.data, {NAME: "5"}, values={NAME: 5}) == (later.data, {}, {})
    left = planned(later.data, {NAME: "5"}, absent=[NAME])
    assert left == (f"{NAME} = 3\nuser/max_user_namespaces=4\n", {NAME: "3"}, {})


def test_ours_comes_after_a_line_that_takes_the_name_out():
    text = HEADER + "\n" + PAIR
    assert planned(f"-{NAME}\n{text}# end", {NAME: "28633"}, values={NAME: 28633}) == (
        f"-{NAME}\n{text}# end",
        {},
        {},
    )
    plan = planned(f"{text}-{NAME}\n# end\n", {NAME: "28633"}, values={NAME: 28633})
    assert plan == (f"{HEADER}\n-{NAME}\n# end\n{PAIR}", {}, {})


def test_the_place_of_ours_after_others_lines_is_kept():
    text = f"{HEADER}\n{NAME} = 3\n{PAIR}# end\n"
    assert planned(text, {NAME: "28633"}, values={NAME: 28633}) == (text, {}, {})
    assert planned(text, {NAME: "28633"}, values={NAME: 5}).data == text.replace("28633", "5")


def test_absent_brings_back_what_was():
    assert planned(HEADER + "\n" + PAIR, {NAME: "28633"}, absent=[NAME]) == (None, {NAME: "0"}, {})
    assert planned(HEADER + "\n\n" + PAIR + " \n", {NAME: "0"}, absent=[NAME]) == (None, {}, {})
    other = "# vm.x was 1 before\nvm.x = 2\n"
    assert planned(HEADER + "\n" + PAIR + other, {NAME: "1"}, absent=[NAME]).data == HEADER + "\n" + other
    assert planned(HEADER + "\n# mine\n" + PAIR, {NAME: "1"}, absent=[NAME]).data == "# mine\n"


def test_absent_of_what_was_never_ours_is_nothing_to_do():
    for text in (None, "", HEADER + "\n", f"{NAME} = 3\n", f"# {NAME}  was 3 before\n{NAME} = 3"):
        assert planned(text, {NAME: "3"}, absent=[NAME]) == (text, {}, {})


def test_absent_of_a_parameter_that_is_gone_takes_the_line_out():
    assert planned(PAIR, {NAME: None}, absent=[NAME]) == (None, {}, {})


def test_a_pair_that_was_torn_apart_is_still_known():
    torn = f"{NAME} = 28633\n# {NAME} was 0 before\n"
    assert planned(torn, {NAME: "28633"}, absent=[NAME]) == (None, {NAME: "0"}, {})
    alone = f"# {NAME} was 0 before\n"
    assert planned(alone, {NAME: "9"}, absent=[NAME]) == (None, {NAME: "0"}, {})
    assert planned(alone, {NAME: "9"}, values={NAME: 5}).data == f"{HEADER}\n# {NAME} was 0 before\n{NAME} = 5\n"
    others = f"{NAME} = 1\n{NAME} = 2\n" + alone
    assert planned(others, {NAME: "2"}, absent=[NAME]).data == f"{NAME} = 1\n"
    twice = alone + PAIR
    assert planned(twice, {NAME: "28633"}, absent=[NAME]) == (None, {NAME: "0"}, {})


def test_what_was_may_be_empty_or_hold_words_of_ours():
    for was in ("", "a was b before", "1\t2 "):
        first = planned(None, {"vm.x": was}, values={"vm.x": 5})
        assert planned(first.data, {"vm.x": "5"}, absent=["vm.x"]) == (None, {"vm.x": was}, {})


def test_several_at_once():
    text = HEADER + "\n# vm.b was 1 before\nvm.b = 2\n"
    running = {"vm.a": "0", "vm.b": "2", "vm.c": "3"}
    plan = planned(text, running, values={"vm.c": 4, "vm.a": 1}, absent=["vm.b"])
    assert plan == (
        HEADER + "\n# vm.a was 0 before\nvm.a = 1\n# vm.c was 3 before\nvm.c = 4\n",
        {"vm.b": "1"},
        {"vm.c": "4", "vm.a": "1"},
    )
    assert _kernel_sysctl.expected(running, plan) == {"vm.a": "1", "vm.b": "1", "vm.c": "4"}


def test_bytes_that_are_no_text_survive():
    text = "# \udcff\r\n"
    plan = planned(text, {"vm.x": "1"}, values={"vm.x": 2})
    assert plan.data == f"{HEADER}\n{text}# vm.x was 1 before\nvm.x = 2\n"


def test_running_alone_touches_no_file():
    running = {NAME: "7", "vm.x": None, "vm.y": "1"}
    plan = planned(PAIR, running, running={NAME: "0", "vm.x": 1, "vm.y": "1"})
    assert plan == (PAIR, {}, {NAME: "0"})
    assert _kernel_sysctl.expected(running, plan) == {NAME: "0", "vm.x": None, "vm.y": "1"}


@pytest.mark.parametrize(
    "before, after, found",
    [
        (PAIR, None, {NAME: "0"}),
        (PAIR, "", {NAME: "0"}),
        (None, PAIR, {NAME: "28633"}),
        (PAIR, PAIR, {}),
        (PAIR, PAIR.replace("28633", "0x6fd9"), {}),
        (PAIR.replace("28633", "5"), PAIR, {NAME: "28633"}),
        (PAIR, f"# {NAME} was 0 before\n", {NAME: "0"}),
        (None, f"# {NAME} was 4 before\n", {NAME: "4"}),
        (PAIR, f"{NAME} = 3\n", {NAME: "0"}),
        (None, None, {}),
        ("vm.x = 1\n", None, {}),
    ],
)
def test_what_the_running_kernel_needs_after_an_undo(before, after, found):
    old, new = (None if text is None else text.encode() for text in (before, after))
    assert _kernel_sysctl.inverse(old, new) == found


# --- the files of others ---


def told(files, wanted="5", name="vm.x"):
    """[(path, line, value, wins)] of {path: text}, or of {path: (text, real path)}."""
    given = []
    for path, text in files.items():
        text, real = text if isinstance(text, tuple) else (text, path)
        given.append((path, real, text.encode()))
    found = _kernel_sysctl.conflicts(given, {name: wanted})
    assert all(one["name"] == name for one in found)
    return [(one["path"], one["line"], one["value"], one["wins"]) for one in found]


E, R, U = "/etc/sysctl.d/", "/run/sysctl.d/", "/usr/lib/sysctl.d/"


@pytest.mark.parametrize(
    "line, value",
    [
        ("vm.x=1", "1"),
        (" vm/x  =  1 2 ", "1 2"),
        ("-vm.x = 1", "1"),
        ("- vm.x = 1", "1"),
        ("/vm//x = 1", "1"),
        ("vm..x=1", "1"),
        ("vm.x = a=b", "a=b"),
        ("vm.x = 1;", "1;"),
        ("vm.x = 1#", "1#"),
        ("vm.x =", ""),
        ("vm.x = 1\r", "1"),
        ("# hidden\rvm.x = 1", "1"),
        ("# hidden\0vm.x = 1", "1"),
        ("vm.x = 0x5 # five", "0x5 # five"),
        ("vm.x = 5", None),
        ("vm.x = 0x5", None),
        ("#vm.x = 1", None),
        (" ; vm.x = 1", None),
        ("vm.x 1", None),
        ("vm.xy = 1", None),
        ("= 1", None),
        ("-", None),
        ("-=", None),
        ("vm.x.y = 1", None),
        ("", None),
    ],
)
def test_lines_of_others(line, value):
    found = told({E + "10-a.conf": "\n" + line + "\n"})
    assert found == ([] if value is None else [(E + "10-a.conf", 2, value, False)])


def test_dots_in_words():
    name = "net.ipv4.conf.eth0/100.rp_filter"
    for line in ("net.ipv4.conf.eth0/100.rp_filter = 1", "net/ipv4/conf/eth0.100/rp_filter = 1"):
        assert told({E + "a.conf": line}, name=name) == [(E + "a.conf", 1, "1", False)]


def test_what_is_read_after_ours_wins():
    files = {
        E + "zzz.conf": "vm.x=1",
        E + "zz-containment.conf": "vm.x=2",
        U + "zz-containment.conf": "vm.x=2",
        R + "99-x.conf": "vm.x=3",
        U + "zz-containment.conf.conf": "vm.x=4",
        U + "\u00e4.conf": "vm.x=6",
    }
    assert told(files) == [
        (R + "99-x.conf", 1, "3", False),
        (U + "zz-containment.conf.conf", 1, "4", True),
        (E + "zzz.conf", 1, "1", True),
        (U + "\u00e4.conf", 1, "6", True),
    ]


def test_of_one_name_the_first_directory_is_read():
    assert told({R + "zzz.conf": "vm.x=1", U + "zzz.conf": "vm.x=2"}) == [(R + "zzz.conf", 1, "1", True)]
    assert told({E + "zzz.conf": "", R + "zzz.conf": "vm.x=1", U + "zzz.conf": "vm.x=2"}) == []


def test_sysctl_conf_is_read_last():
    assert told({LAST: "vm.x=1", E + "zzz.conf": "vm.x=2"}) == [
        (E + "zzz.conf", 1, "2", True),
        (LAST, 1, "1", True),
    ]
    link = {E + "99-sysctl.conf": ("vm.x=1", LAST), LAST: "vm.x=1"}
    assert told(link) == [(LAST, 1, "1", True)], "one line is told once, for where it counts"


def test_the_last_line_of_a_file_counts():
    assert told({E + "a.conf": "vm.x=1\nvm.x=5\n"}) == []
    assert told({E + "a.conf": "vm.x=5\nvm.x=1\nvm.y=2\n"}) == [(E + "a.conf", 2, "1", False)]


def test_globs_never_win():
    assert told({E + "zzz.conf": "vm.* = 1"}) == [(E + "zzz.conf", 1, "1", False)]
    assert told({E + "zzz.conf": "vm.[^y] = 1"}) == [(E + "zzz.conf", 1, "1", False)]
    for line in ("*.x=1", "?m.?=1", "vm/*=1"):
        assert told({LAST: line}) == [(LAST, 1, "1", False)]
    for line in ("vm* = 1", "vm.*.x = 1", "vm.[^x] = 1", "vm.y* = 1", "* = 1", "vm.* = 5"):
        assert told({LAST: line}) == []
    assert told({LAST: "vm.*=1\nvm.x=2"}) == [(LAST, 2, "2", True)], "a name set by itself is left out of the glob"
    assert told({LAST: "vm.*=1", E + "a.conf": "-vm.x"}) == []
    assert told({LAST: "vm.*=1\nvm.?=2\nvm.??=3"}) == [(LAST, 2, "2", False)]


def test_a_name_that_is_taken_out_after_ours_is_not_set_at_boot():
    assert told({E + "a.conf": "-vm.x", LAST: "-vm.x"}) == []
    assert told({E + "zzz.conf": "\n-vm.x"}) == [(E + "zzz.conf", 2, None, True)]
    assert told({E + "zzz.conf": "vm.x=1\n-vm.x"}) == [(E + "zzz.conf", 1, "1", True), (E + "zzz.conf", 2, None, True)]
    assert told({E + "zzz.conf": "-vm.x\nvm.x=5"}) == []


def test_several_names_are_told_in_order():
    files = [(LAST, LAST, b"vm.b=1\nvm.a=1"), (PATH, PATH, b"vm.a=3")]
    found = _kernel_sysctl.conflicts(files, {"vm.b": "2", "vm.a": "2"})
    assert [(one["name"], one["line"]) for one in found] == [("vm.a", 2), ("vm.b", 1)]
