# SPDX-License-Identifier: GPL-3.0-or-later
import collections

import pytest

from ansible_collections.containment.docker.plugins.module_utils import _kernel_entries, _kernel_grubby
from ansible_collections.containment.docker.plugins.module_utils import _kernel_request as request
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError
from ansible_collections.containment.docker.plugins.module_utils._files import File


def file(path, data):
    return File(path, data, 0o644, 0, 0, None, {})


def state(name, lines, cmdline=None, defaults=None, configs=("/c",), knows=(), **environment):
    paths = ["/boot/grub2/grubenv", _kernel_grubby.CMDLINE, _kernel_grubby.DEFAULTS, "/e/0", "/e/1"]
    contents = [b"", cmdline, defaults] + [b"options " + line.encode() + b"\n" for line in lines]
    files = collections.OrderedDict((path, file(path, data)) for path, data in zip(paths, contents))
    raw = []
    for number, line in enumerate(lines):
        options = line.split()
        words = _kernel_grubby._kernel_bls.expand(options, environment)
        raw.append((_kernel_entries.Entry("/boot/v", "id-%d" % number, words), options, "/e/%d" % number))
    return _kernel_grubby.State(name, list(configs), files, raw, environment, [], knows)


def plan(of, present=(), absent=()):
    return _kernel_grubby.plan(of, request.wants(list(present), list(absent)))


def after(one):
    return [" ".join(entry.words) for entry in one.after]


BLS, MENU = _kernel_grubby.BLS, _kernel_grubby.MENU


def test_entries_and_what_kernels_to_come_get():
    found = plan(state(BLS, ["r a", "r b"], b"r a\n", b'GRUB_CMDLINE_LINUX="a"\n'), ["n=1"], ["a"])
    assert after(found) == ["r n=1", "r b n=1"]
    assert [(one.path, data) for one, data in found.writes] == [
        (_kernel_grubby.CMDLINE, b"r n=1\n"),
        (_kernel_grubby.DEFAULTS, b'GRUB_CMDLINE_LINUX="n=1"\n'),
    ]
    assert found.files == ["/e/0", "/e/1", _kernel_grubby.DEFAULTS, _kernel_grubby.CMDLINE]
    assert found.steps == [["--update-kernel=ALL", "--remove-args=a", "--args=n=1"]]
    assert found.warnings == ["entries do not agree on a: a way back gives all of them what most had"]


def test_what_is_satisfied_is_left_alone():
    found = plan(state(BLS, ["r n=1"], b"r n=1\n", b'GRUB_CMDLINE_LINUX="n=1"\n'), ["n=1"], ["a"])
    assert (found.steps, found.writes, found.files, found.warnings) == (None, [], [], [])
    found = plan(state(BLS, ["r n=1"], b"r\n"), ["n=1"])
    assert (found.steps, [data for _file, data in found.writes]) == (None, [b"r n=1\n"])


def test_kernelopts_are_changed_in_the_environment():
    found = plan(state(BLS, ["$kernelopts $tuned_params", "r x"], kernelopts="r q", tuned_params="t=1"), ["n=1"])
    assert after(found) == ["r q n=1 t=1", "r x n=1"]
    assert found.files == ["/boot/grub2/grubenv", "/e/1", "/etc/kernel/cmdline"]


@pytest.mark.parametrize(
    ("of", "content"),
    [
        (state(BLS, ["r"]), b"r n=1\n"),
        (state(BLS, ["r"], b" \n"), b"r n=1\n"),
        (state(BLS, ["r n=1"], b""), b"r n=1\n"),
        (state(BLS, ["r n=1"]), None),
        (state(BLS, ["r $tuned_params $kernelopts"], kernelopts="k", tuned_params="t"), b"r k n=1\n"),
        (state(BLS, ["a", "b"], saved_entry="id-0"), b"a n=1\n"),
        (state(BLS, ["a", "b"], saved_entry="0"), b"b n=1\n"),
        (state(MENU, ["r"]), None),
        (state(MENU, ["r"], b"\n"), None),
    ],
)
def test_an_empty_source_for_kernels_to_come_is_made_from_an_entry(of, content):
    found = plan(of, ["n=1"])
    made = {file.path: data for file, data in found.writes}
    assert made == ({} if content is None else {_kernel_grubby.CMDLINE: content})


def test_blanks_that_grubby_takes_out_are_a_change():
    of = state(BLS, ["r", "a  b"], b"r\n")
    assert plan(of, [], ["a"]).files == ["/e/1"]
    assert plan(state(BLS, ["a", " r  b"], b"r\n"), [], ["a"]).files == ["/e/0", "/e/1"]


def test_the_menu_of_the_other_firmware_is_told():
    two = state(MENU, ["r"], configs=("/c", "/d"))
    assert plan(two, ["n=1"]).warnings == ["/d is not what this host's firmware starts and stays as it is"]
    assert plan(two, ["r"]).warnings == []
    assert plan(two, ["n=1"]).steps == [["--update-kernel=ALL", "--args=n=1"]]


def test_a_value_of_a_menu_goes_by_its_whole_name():
    found = plan(state(MENU, ["c=1 q c=2 c=3", "q c=2 c=3"], b"c=1 c=2\n"), [], ["c=1"])
    assert after(found) == ["q c=2 c=3", "q c=2 c=3"]
    assert [data for _file, data in found.writes] == [b"c=2\n"]


@pytest.mark.parametrize(
    ("of", "present", "absent", "text"),
    [
        (state(BLS, []), ["n"], [], "/boot/loader/entries: holds no entry of a kernel"),
        (state(BLS, ["r -- s"]), ["n"], [], "id-0: has arguments for init"),
        (state(BLS, ["n -- n"]), [], ["n"], "id-0: has arguments for init"),
        (state(BLS, ["r $tuned_params"], tuned_params="t=1"), ["t=2"], [], "t: is set by tuned for id-0"),
        (state(BLS, ["$kernelopts n"], kernelopts="r"), [], ["n"], "n: stands beside .kernelopts in id-0"),
        (state(BLS, ["r"], b"r\nx\n"), ["n"], [], "/etc/kernel/cmdline: has more than one line"),
        (state(BLS, ["r"], b"# r\n"), ["n"], [], "/etc/kernel/cmdline: has more than one line"),
        (state(BLS, ["$kernelopts"]), ["n"], [], "/boot/grub2/grubenv: has no kernelopts"),
        (state(BLS, ["$kernelopts"], kernelopts=" "), [], ["n"], "/boot/grub2/grubenv: has no kernelopts"),
        (state(BLS, ["r", "${kernelopts} q"], kernelopts="r"), [], ["n"], "/e/1: says .{kernelopts}"),
        (state(BLS, ["r"], b"root=x rd.lvm.lv=a/b\n"), ["rd.lvm.lv=a/c"], [], "does not list 'rd.lvm.lv=a/b'"),
        (
            state(BLS, ["r"], None, b'GRUB_CMDLINE_LINUX="rd.md.uuid=1"\n'),
            ["rd.md.uuid=2"],
            [],
            "not list 'rd.md.uuid=1'",
        ),
        (state(MENU, ["r"], knows=["--bls-directory"]), ["n"], [], "/c: has menu entries of its own"),
        (state(BLS, ["root=/r"], b"q\n"), ["n"], [], "/etc/kernel/cmdline: has no root=, which the entries have"),
        (state(BLS, ["root=/r n"], b"q\n"), ["n"], [], "/etc/kernel/cmdline: has no root=, which the entries have"),
        (state(BLS, ["r  a&b"]), ["n"], [], "id-0: has 'a&b'"),
        (state(BLS, ["$kernelopts"], kernelopts="r *"), ["n"], [], "kernelopts in /boot/grub2/grubenv: has '[*]'"),
        (state(BLS, ["r\noptions x"]), ["n"], [], "/e/0: has its arguments not on one line"),
        (state(MENU, ["c=1 c=2", "c=1"]), [], ["c=1"], "c: has not the same other values"),
        (state(BLS, ["r"]), ['n="a b"'], [], "grubby does not carry"),
        (state(BLS, ["r"], None, b"GRUB_CMDLINE_LINUX=`x`"), ["n"], [], "/etc/default/grub, line 1"),
    ],
)
def test_what_grubby_cannot_do_is_refused(of, present, absent, text):
    with pytest.raises(ContainmentError, match=text):
        plan(of, present, absent)


def test_what_is_refused_does_not_hinder_what_needs_no_change():
    for of in (state(BLS, ["n a&b"], b"n\n"), state(BLS, ["n\noptions x"], b"n\n"), state(BLS, ["n"], b"n\nx\n")):
        assert (plan(of, ["n"]).steps, plan(of, ["n"]).writes) == (None, [])
    assert after(plan(state(BLS, ["$kernelopts a&b"], b"q\n", kernelopts="c&d"), ["n"])) == ["c&d n a&b"]


def test_inits_words_do_not_hinder_what_needs_no_change():
    assert plan(state(BLS, ["n -- s"]), ["n"]).steps is None
    assert after(plan(state(BLS, ["n x -- s"]), [], ["n"])) == ["x -- s"]
