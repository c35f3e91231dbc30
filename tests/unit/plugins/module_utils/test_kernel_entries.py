# SPDX-License-Identifier: GPL-3.0-or-later
import pytest

from ansible_collections.containment.docker.plugins.module_utils import _kernel_bls as bls
from ansible_collections.containment.docker.plugins.module_utils import _kernel_entries as entries
from ansible_collections.containment.docker.plugins.module_utils import _kernel_request as request
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError


def entry(name, text):
    return entries.Entry("/boot/" + name, name, text.split())


def plan(after, pending=False):
    return entries.Plan([], after, [], [], None, [], [], pending)


THREE = [entry("x", "a=1 c-d=1"), entry("y", "a=2"), entry("z", "a=2")]
WANTED = request.wants(["a=2"], [])


def test_what_most_entries_say_is_what_was():
    assert entries.was(THREE, "a") == (["2"], "a")
    assert entries.was(THREE[:2], "a") == (["1"], "a")
    assert entries.was(THREE[:2], "c_d") == (["1"], "c-d")
    assert entries.was(THREE, "c_d") == ([], None)
    assert entries.was([], "a") == ([], None)


def test_who_is_not_satisfied():
    wanted = request.wants(["a=2"], ["c_d", "e"])
    assert [want.name for want in entries.unsatisfied(wanted, [one.words for one in THREE])] == ["a", "c_d"]
    assert entries.unsatisfied(WANTED, []) == []


def test_disagreement_is_told_in_one_sentence():
    assert entries.disagreement(THREE, request.wants([], ["a", "c-d", "e"])) == [
        "entries do not agree on a, c-d: a way back gives all of them what most had"
    ]
    assert entries.disagreement(THREE[1:], WANTED) == []


def test_shown_one_line_each():
    assert entries.shown(THREE[:2]) == "x: a=1 c-d=1\ny: a=2\n"


def test_a_command_line_that_the_kernel_would_cut_is_refused():
    fits, cut = entry("x", "a" * 2047), entry("x", "a" * 2048)
    for before, after in ((entry("x", ""), fits), (cut, cut), (cut, fits), (entry("x", "b" * 3000), cut)):
        entries.refuse_long(plan([after])._replace(before=[before]))
    with pytest.raises(ContainmentError, match="x: would have a command line of 2048 bytes, and the kernel reads 2047"):
        entries.refuse_long(plan([cut])._replace(before=[fits]))


def test_compare():
    planned = [entry("x", "b a=2"), entry("y", "c")]
    entries.compare(plan(planned), [entry("y", "c"), entry("x", "a=2 b"), entry("new", "q a=2")], WANTED)
    for found, text in (
        ([entry("x", "b a=2")], "y: is gone after"),
        ([entry("x", "b a=3"), entry("y", "c")], "x: says 'b a=3', not 'b a=2'"),
        ([entry("x", "a=2"), entry("y", "c")], "x: says 'a=2', not 'b a=2'"),
        ([*planned, entry("new", "q")], "new: came with the boot loader's tool and says 'q'"),
    ):
        with pytest.raises(ContainmentError, match=text):
            entries.compare(plan(planned), found, WANTED)
    entries.compare(plan(planned, True), [entry("x", "other a=2"), entry("y", "")], WANTED)
    with pytest.raises(ContainmentError, match="x: says 'b a=3'"):
        entries.compare(plan(planned, True), [entry("x", "b a=3"), entry("y", "c")], WANTED)


def test_ids_that_are_used_again_get_numbers():
    found = entries.unique([entry("x", "a"), entry("y", "b"), entry("x", "c"), entry("x", "d")])
    assert [(one.entry, one.words) for one in found] == [("x", ["a"]), ("y", ["b"]), ("x (2)", ["c"]), ("x (3)", ["d"])]


def test_a_plan_that_does_not_reach_what_is_asked_for_is_refused():
    entries.refuse_unreached(plan(THREE[1:]), WANTED)
    with pytest.raises(ContainmentError, match="a: would not be as asked for in x, which would say 'a=1 c-d=1'"):
        entries.refuse_unreached(plan(THREE), WANTED)


TEXT = (
    b"# x\ntitle T\nversion 1\nlinux /v-1\ninitrd /i-1 $tuned_initrd\noptions a $kernelopts\noptions ${tuned_params}\n"
)


def test_a_boot_loader_entry():
    one = bls.parse(TEXT, "/e/id-1.conf")
    assert one == bls.BlsEntry("id-1", "/v-1", "1", ["a", "$kernelopts", "${tuned_params}"])
    assert [bls.variable(word) for word in one.options] == [None, "kernelopts", "tuned_params"]
    environment = {"kernelopts": 'b c="d e"', "x": "y"}
    assert bls.expand(one.options, environment) == ["a", "b", 'c="d e"']
    assert bls.expand(["$x", "$"], environment) == ["y"]


def test_other_entries():
    assert bls.parse(b"title W\nefi /w.efi\n", "/e/w.conf") is None
    assert bls.parse(b"linux /v\noptions\n", "/e/v.conf") == bls.BlsEntry("v", "/v", "", [])
    for data in (b"", b"title X\noptions a\n", b"\xff\n", b"linuxes /v\n"):
        with pytest.raises(ContainmentError, match=r"/e/x\.conf: has no line linux"):
            bls.parse(data, "/e/x.conf")


def test_lines_of_options_as_written():
    data = b"title options\noptions a  b\n options\tc\r\noptionsx\nlinux /v\n"
    assert bls.options_lines(data) == ["options a  b", " options\tc\r", "optionsx"]


def test_the_entry_that_boots_by_default():
    names = ["id-0-rescue-id", "id-5.14.0-427.el9", "id-5.14.0-1000.el9", "id-5.9.0.el9", "id-x"]
    assert bls.default(names, "id-5.9.0.el9") == "id-5.9.0.el9"
    assert bls.default(names[:4], "gone") == bls.default(names[:4], None) == "id-5.14.0-1000.el9"
    assert bls.default(names[:1], None) == "id-0-rescue-id"
