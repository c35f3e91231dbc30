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


def test_new_words_come_in_the_order_asked_for():
    found = wants(["b=1", "a", "b=2", "c"], ["d"])
    assert found["b"].places == [0, 2] and found["d"].places == []
    assert request.added(found.values()) == ["b=1", "a", "b=2", "c"]
    assert request.changed(["x", "a", "b=0"], [found["b"], found["c"]]) == ["x", "a", "b=1", "b=2", "c"]


def test_names_that_find_the_root_are_given_under_both():
    found = wants(["rd.lvm.lv=a", "rd.lvm.lv=b", "ip=x"], ["rd.lvm.lv=c", "rd.lvm.lv=d", "rd.luks.uuid"])
    assert (found["rd.lvm.lv"].words, found["rd.lvm.lv"].gone) == (["rd.lvm.lv=a", "rd.lvm.lv=b"], ["c", "d"])
    assert found["ip"].gone == [] and found["rd.luks.uuid"].gone is None
    assert wants(["luks.name=a"], ["luks.name"])["luks.name"].gone is None
    assert wants(["ip=a"], ["ip", "ip=b"])["ip"].gone is None
    with pytest.raises(
        ContainmentError, match=r"absent: 'rd\.x=a' has the name of 'rd\.x=b' under present, which asks for th"
    ):
        wants(["rd.x=b", "rd.x=a"], ["rd.x=a"])
    assert [request.is_finder(name) for name in ("rd.x", "luks.name", "md", "rdx", "ipv6.disable", "console")] == [
        *(True, True, True),
        *(False, False, False),
    ]


def test_a_value_that_finds_the_root_is_not_lost():
    words = ["rd.x=a", "rd.x=b", "console=1", "--", "rd.x=c"]
    for present, absent in (
        (["rd.x=a", "rd.x=b"], []),
        (["rd.x=b", "rd.x=a", "rd.x=z"], []),
        (["rd.x=a"], ["rd.x=b"]),
        (["rd.x=z"], ["rd.x"]),
        ([], ["rd.x"]),
        ([], ["rd.x=a"]),
        (["console=2"], []),
    ):
        request.refuse_loss(wants(present, absent), words)
    for present, absent in ((["rd.x=a"], []), (["rd.x=z"], ["rd.x=a"]), (["rd.x=a", "rd.x"], [])):
        with pytest.raises(ContainmentError, match=r"present: does not list 'rd\.x=b', by which the system may find"):
            request.refuse_loss(wants(present, absent), words)
    found = wants(["rd.x=a"], ["rd.x=b"])
    assert request.changed(words, found.values()) == ["console=1", "rd.x=a", "--", "rd.x=c"]
    assert request.satisfied(found["rd.x"], ["rd.x=a"]) and not request.satisfied(found["rd.x"], words)


BIG, SMALL = "hugepagesz=1G hugepages=4", "hugepagesz=2M hugepages=9"


@pytest.mark.parametrize(
    ("present", "absent", "before", "after", "disordered"),
    [
        (BIG, "", "x", "x " + BIG, False),
        (BIG, "", "hugepages=4 x", "hugepages=4 x hugepagesz=1G", True),
        (BIG + " " + SMALL, "", SMALL + " " + BIG, SMALL + " " + BIG, True),
        (BIG + " " + SMALL, "", "", BIG + " x " + SMALL, False),
        (BIG, "", "", BIG + " -- hugepages=1", False),
        ("hugepages=5", "", BIG, "hugepagesz=1G hugepages=5", False),
        ("hugepagesz=2M", "", BIG, "hugepages=4 hugepagesz=2M", True),
        ("hugepages=4 hugepages=5", "", BIG + " " + SMALL, "hugepagesz=1G hugepagesz=2M hugepages=4 hugepages=5", True),
        ("hugepages=4", "", "hugepages=4", "hugepages=4", False),
        ("", "hugepages", BIG, "hugepagesz=1G", False),
        ("a", "", "hugepages=4 hugepagesz=1G", "a", False),
        (BIG, "", "single", "single", False),
    ],
)
def test_the_order_of_sizes_and_numbers_of_pages(present, absent, before, after, disordered):
    wanted = wants(present.split(), absent.split())
    assert request.is_disordered(wanted, before.split(), after.split()) is disordered
    if not disordered:
        request.refuse_disorder(wanted, before.split(), after.split())
        return
    with pytest.raises(ContainmentError, match="present: would come out as 'hugepage"):
        request.refuse_disorder(wanted, before.split(), after.split())


def test_pages_on_the_way_back():
    words = ["hugepages=4", "hugepages=9", "a", "hugepagesz=1G", "hugepagesz=2M"]
    assert " ".join(request.arranged(words)) == f"a {BIG} {SMALL}"
    assert request.arranged(["hugepages=4", "a"]) == ["a", "hugepages=4"]
    for told in (f"x {BIG} y {SMALL} --", BIG, "hugepages=4 a", f"{BIG} -- hugepagesz=1G", "a"):
        request.refuse_unpaired(told.split())
    for told in ("hugepages=4 hugepagesz=1G", "hugepages=1 " + BIG):
        with pytest.raises(ContainmentError, match=r"hugepages: is '.*' now, an order that could not be brought back"):
            request.refuse_unpaired(told.split())


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


def test_same_looks_at_names_asked_for_and_at_the_others_order():
    wanted = wants(["a=1"])
    assert request.same(["a=1", "x", "y"], ["x", "y", "a=1"], wanted)
    assert request.same(["x", "$vt_handoff"], ["x"], wanted)
    assert not request.same(["x", "y"], ["y", "x"], wanted)
    assert not request.same(["x", "a=1"], ["x", "a=2"], wanted)
    assert request.same_values(["x", "a=1"], ["a=1"], wanted)
    assert request.foreign(["a=1", "x", "--", "a=1"], wanted) == ["x", "--", "a=1"]
