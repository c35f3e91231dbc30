# SPDX-License-Identifier: GPL-3.0-or-later
import pytest

from ansible_collections.containment.docker.plugins.module_utils import _kernel_request as request
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError


def wants(present=(), absent=()):
    return request.wants(list(present), list(absent))


def test_values_of_one_name_are_gathered_in_order():
    found = wants(["console=tty0", "a", "console=ttyS0"], ["b-c=1", "b_c=2", "d", "d=1", "e=1", "e"])
    assert list(found) == ["console", "a", "b_c", "d", "e"]
    assert found["console"].words == ["console=tty0", "console=ttyS0"] and found["a"].words == ["a"]
    assert (found["b_c"].words, found["b_c"].gone, found["b_c"].spelled) == (None, ["1", "2"], "b_c")
    assert found["d"].gone is None and found["e"].gone is None


@pytest.mark.parametrize(
    ("present", "absent", "text"),
    [
        ([], [], "present: and absent are both empty"),
        (["a"], ["a=1"], "absent: 'a=1' has the name of 'a' under present"),
        ([""], [], "'' is not one argument"),
        (["a b"], [], "'a b' is not one argument"),
        ([" a"], [], "' a' is not one argument"),
        (["a\n"], [], "is not one argument"),
        (["--"], [], "'--' has no name"),
        (["-a"], [], "'-a' has no name"),
        (["=1"], [], "'=1' has no name"),
        (["a$b"], [], "'a$b' has no name"),
        (["é=1"], [], "has no name"),
        (["root=/dev/sda"], [], "'root' is what the boot loader makes"),
        ([], ["BOOT-IMAGE"], "'BOOT-IMAGE' is what the boot loader makes"),
        (["initrd=x"], [], "'initrd' is what"),
        ([], ["ostree"], "'ostree' is what"),
        (["a=$x"], [], "holds a character"),
        (["a=`x`"], [], "holds a character"),
        (["a=\\n"], [], "holds a character"),
        (["a='x'"], [], "holds a character"),
        (["a=x;y"], [], "holds a character"),
        (["a=x#y"], [], "holds a character"),
        (["a=x&y"], [], "holds a character"),
        (["a=*"], [], "holds a character"),
        (["a=é"], [], "holds a character"),
        (['"a=x"'], [], "holds a character"),
        (['a="x$y"'], [], "holds a character"),
        (['a="x`y"'], [], "holds a character"),
        (['a="x\\y"'], [], "holds a character"),
        (['a="x\'y"'], [], "holds a character"),
        (['a="x\ty"'], [], "holds a character"),
        (['a="x'], [], "holds a character"),
        (['a="'], [], "holds a character"),
        (['a="x"y'], [], "holds a character"),
        (['a=x"y"'], [], "holds a character"),
    ],
)
def test_what_cannot_be_asked_for_is_refused(present, absent, text):
    with pytest.raises(ContainmentError) as refused:
        request.wants(present, absent)
    assert text in str(refused.value)


def test_what_may_be_asked_for_passes():
    words = ["a", "a=", "b=1,2:3/4@5%6=7+8~9^!-._", 'c="x y;z|&<>(){}[]*?#!,:"', "8250.nr_uarts=4", 'd=""', 'e="~"']
    assert [word for want in wants(words).values() for word in want.words] == words


def test_quotes_are_refused_for_tools_that_cut_at_blanks():
    request.refuse_quotes(wants(["a=1"], ["b=2", "c"]), "grubby")
    for present, absent in ((['a="x y"'], []), ([], ['a="x y"']), (['a="x"'], [])):
        with pytest.raises(ContainmentError, match="grubby does not carry"):
            request.refuse_quotes(request.wants(present, absent), "grubby")


def test_what_could_not_come_back_is_refused():
    request.refuse_lost("a", [None, "", "1"], False)
    request.refuse_lost("a", ["x y", "x;y"], True)
    for values, quotes in ((["x y"], False), (["x$y"], True), (["x\ty"], True), (["é"], True), (['x"y'], True)):
        with pytest.raises(ContainmentError, match=r"a: is 'a=.*' now, which could not be brought back"):
            request.refuse_lost("a", values, quotes)


def test_final_values():
    want = wants(["a=1", "a"])["a"]
    assert request.final(want, ["5"]) == ["1", None] == request.final(want, [])
    assert request.final(wants(absent=["a"])["a"], ["1", None]) == []
    assert request.final(wants(absent=["a=1"])["a"], ["1", None, "2", "1"]) == [None, "2"]
    assert request.final_words(want, []) == ["a=1", "a"]
    assert request.final_words(wants(absent=["a=1"])["a"], ["a=1", "a=2", "b"]) == ["a=2"]


def test_satisfied_minds_order_and_kind():
    want = wants(["a=1", "a=2"])["a"]
    assert request.satisfied(want, ["x", "a=1", "y", "a=2"])
    for words in (["a=2", "a=1"], ["a=1"], ["a=1", "a=2", "a=2"], ["a=1", "--", "a=2"], ["a", "a=2"]):
        assert not request.satisfied(want, words)
    assert request.satisfied(wants(["a="])["a"], ["a="]) and not request.satisfied(wants(["a="])["a"], ["a"])
    assert request.satisfied(wants(["a=x"])["a"], ['a="x"'])


def test_changed_puts_new_words_in_front_of_inits():
    todo = list(wants(["a=1", "b-c"], ["d", "e=1"]).values())
    words = ["d", "x", "b_c=0", "e=1", "d=2", "e=2", "y", "--", "d", "a=0"]
    assert request.changed(words, todo) == ["x", "e=2", "y", "a=1", "b-c", "--", "d", "a=0"]
    assert request.changed([], todo) == ["a=1", "b-c"]
    assert request.changed(words, []) == words


def test_replaced_keeps_places():
    todo = list(wants(["a=1", "a=2", "b=3"], ["c"]).values())
    assert request.replaced(["a=9", "x", "c", "a=8", "y"], todo) == ["a=1", "x", "a=2", "y", "b=3"]
    assert request.replaced(["a=9", "a=8", "a=7"], todo) == ["a=1", "a=2", "b=3"]
    assert request.replaced(["x", "--", "a=9"], todo) == ["x", "a=1", "a=2", "b=3", "--", "a=9"]


def test_same_looks_at_names_asked_for_and_at_the_others_order():
    wanted = wants(["a=1"])
    assert request.same(["a=1", "x", "y"], ["x", "y", "a=1"], wanted)
    assert request.same(["x", "$vt_handoff"], ["x"], wanted)
    assert not request.same(["x", "y"], ["y", "x"], wanted)
    assert not request.same(["x", "a=1"], ["x", "a=2"], wanted)
    assert request.same_values(["x", "a=1"], ["a=1"], wanted)
    assert request.foreign(["a=1", "x", "--", "a=1"], wanted) == ["x", "--", "a=1"]
