# SPDX-License-Identifier: GPL-3.0-or-later
import pytest

from ansible_collections.containment.docker.plugins.module_utils import _kernel_entries
from ansible_collections.containment.docker.plugins.module_utils import _kernel_grubby_calls as calls
from ansible_collections.containment.docker.plugins.module_utils import _kernel_request as request
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError


def todo(present=(), absent=()):
    return list(request.wants(list(present), list(absent)).values())


def lines(*texts):
    return [text.split() for text in texts]


def test_values_that_are_to_go_become_values_that_stay():
    found = calls.whole_names(todo(["n=1"], ["c=1", "q", "d=1"]), lines("c=1 c=2 d-e c=3", "c=2 c=3 d=1"))
    assert [(want.name, want.words, want.gone) for want in found] == [
        ("n", ["n=1"], None),
        ("c", ["c=2", "c=3"], None),
        ("q", None, None),
        ("d", None, None),
    ]
    assert request.added(found) == ["n=1", "c=2", "c=3"]


@pytest.mark.parametrize(
    ("texts", "text"),
    [
        (["c=1 c=2", "c=1 c=3"], "c: has not the same other values"),
        (["c=1 c=2", "r"], "c: has not the same other values"),
        (["c=1 c=$x"], r"c: has 'c=\$x', which grubby could not write again"),
    ],
)
def test_values_that_cannot_stay_are_refused(texts, text):
    with pytest.raises(ContainmentError, match=text):
        calls.whole_names(todo([], ["c=1"]), lines(*texts))


def test_words_are_named_as_often_as_they_are_there():
    found = calls.removals(todo(["n=1"], ["q", "c=1"]), lines("q c=1 c=2 q n", "q c=1 c=1 n=2 -- q q q", "n-m"))
    assert found == ["q", "q", "c=1", "c=1", "n"]
    assert calls.removals(todo(["a_b"]), lines("a-b=1 a_b a-b")) == ["a-b", "a-b", "a_b"]


def test_calls_for_entries():
    assert calls.for_entries(todo(["n.m=1+2"]), lines("r")) == [["--update-kernel=ALL", "--args=n.m=1+2"]]
    assert calls.for_entries(todo(["n.m=2"], ["c=a+b^.c", "q"]), lines("n.m=1 n.m q c=a+b^.c")) == [
        ["--update-kernel=ALL", r"--remove-args=n\.m n\.m q c=a\+b\^\.c", "--args=n.m=2"]
    ]


@pytest.mark.parametrize(
    ("texts", "present", "absent", "expected"),
    [
        (["r x"], ["n=1"], [], [["--args=n=1"]]),
        (["r q q n=0", "r q n=0 n"], ["n=1", "n=2"], ["q"], [["--remove-args=q q n n"], ["--args=n=1 n=2"]]),
        (["r n-a=0 x"], ["n_a=1"], [], [["--remove-args=n-a"], ["--args=n_a=1"]]),
        (["r q"], [], ["q"], [["--remove-args=q"]]),
    ],
)
def test_calls_for_a_menu(texts, present, absent, expected):
    found = calls.for_menu(todo(present, absent), lines(*texts))
    assert found == [["--update-kernel=ALL", *words] for words in expected]


@pytest.mark.parametrize(
    ("word", "present", "absent", "patterns", "text"),
    [
        ('d="x y"', [], ["d"], False, "whose end grubby does not see"),
        ('"d=x"', ["d=1"], [], False, "whose end grubby does not see"),
        ('d="x y=1"', ["y"], [], False, "of which grubby would take 'y=1\"' away"),
        ('"d=x y"', [], ["x", "y"], False, "of which grubby would take 'y\"' away"),
        ("a_b=1", ["a.b"], [], True, "of which grubby would take 'a_b=1' away"),
        ("a_b", [], ["a.b"], True, "of which grubby would take 'a_b' away"),
    ],
)
def test_words_that_grubby_would_find_in_others_are_refused(word, present, absent, patterns, text):
    with pytest.raises(ContainmentError, match="e: has .*" + text):
        calls.refuse_hidden("e", ["r", word], todo(present, absent), patterns)


def test_words_that_grubby_would_not_find_in_others():
    calls.refuse_hidden("e", ['d="x yy"', "a_b", "y-y", "y=1"], todo(["y"], ["a.b"]), False)
    calls.refuse_hidden("e", ["a_bc", "xa_b", 'y="1"', 'z="q y=2"'], todo(["y=1"][:0], ["a.b"]), True)


@pytest.mark.parametrize("word", ['d="x  y"', 'd="x\ty"', "*", "/e?c", "[a]", 'd="f *.c"'])
def test_words_that_grubby_would_not_write_again_are_refused(word):
    for sed in (True, False):
        with pytest.raises(ContainmentError, match="which grubby would not keep as it is"):
            calls.refuse_garbled("e", ["r", word], sed)


def test_words_that_only_sed_changes():
    plain = ["root=/dev/x", "a=*", "m=1!2$3", 'd="f +p"', "$kernelopts"]
    calls.refuse_garbled("e", plain, True)
    for word in ("a&b", "a=b\\x20c"):
        calls.refuse_garbled("e", [word], False)
        with pytest.raises(ContainmentError, match="e: has "):
            calls.refuse_garbled("e", [word], True)


def test_options_that_the_script_does_not_find():
    calls.refuse_lines("/e", ["options a b"], True)
    calls.refuse_lines("/e", [], False)
    for found, adds in (
        ([], True),
        (["options\ta"], False),
        ([" options a"], False),
        (["options a\r"], False),
        (["options a", "options b"], False),
        (["options a", "optionsx"], False),
    ):
        with pytest.raises(ContainmentError, match="/e: has its arguments not on one line"):
            calls.refuse_lines("/e", found, adds)


ENTRY = _kernel_entries.Entry("/boot/v", "e", ["r", "--", "s"])


def test_what_is_set_elsewhere_is_refused():
    environment = {"tuned_params": "t=1 n-m"}
    (want,) = todo(["n_m"])
    for options in (["r", "$kernelopts"], ["n_m"], ["$x", "n_m"]):
        calls.refuse_tuned_and_beside(ENTRY, options, environment, want)
    with pytest.raises(ContainmentError, match="n_m: is set by tuned for e"):
        calls.refuse_tuned_and_beside(ENTRY, ["${tuned_params}"], environment, want)
    with pytest.raises(ContainmentError, match=r"n_m: stands beside \$kernelopts in e, .*--update-kernel=/boot/v "):
        calls.refuse_tuned_and_beside(ENTRY, ["$kernelopts", "n-m"], {}, want)


def test_arguments_of_init_are_refused_where_grubby_would_change_them():
    calls.refuse_init(ENTRY, todo([], ["r"]))
    calls.refuse_init(ENTRY._replace(words=["r", "s"]), todo(["s=1"]))
    for present, absent in ((["n"], []), ([], ["s"])):
        with pytest.raises(ContainmentError, match="e: has arguments for init behind --"):
            calls.refuse_init(ENTRY, todo(present, absent))
