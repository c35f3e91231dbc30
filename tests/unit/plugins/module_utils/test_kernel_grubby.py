# SPDX-License-Identifier: GPL-3.0-or-later
import collections

import pytest

from ansible_collections.containment.docker.plugins.module_utils import _kernel_entries, _kernel_grubby
from ansible_collections.containment.docker.plugins.module_utils import _kernel_request as request
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError
from ansible_collections.containment.docker.plugins.module_utils._files import File


def file(path, data):
    return File(path, data, 0o644, 0, 0, None, {})


def state(name, lines, cmdline=None, defaults=None, **environment):
    paths = ["/boot/grub2/grubenv", _kernel_grubby.CMDLINE, _kernel_grubby.DEFAULTS, "/e/0", "/e/1"]
    contents = [b"", cmdline, defaults, b"", b""]
    files = collections.OrderedDict((path, file(path, data)) for path, data in zip(paths, contents))
    raw = []
    for number, line in enumerate(lines):
        options = line.split()
        words = _kernel_grubby._kernel_bls.expand(options, environment)
        raw.append((_kernel_entries.Entry("/boot/v", "id-%d" % number, words), options, "/e/%d" % number))
    return _kernel_grubby.State(name, files, raw, environment, [])


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
    assert found.steps[0] == [["--update-kernel=ALL", "--remove-args=a", "--args=n=1"]]
    assert found.warnings == ["entries do not agree on a: a way back gives all of them what most had"]


def test_what_is_satisfied_is_left_alone():
    found = plan(state(BLS, ["r n=1"], b"r n=1\n", b'GRUB_CMDLINE_LINUX="n=1"\n'), ["n=1"], ["a"])
    assert (found.steps, found.writes, found.files, found.warnings) == (None, [], [], [])
    found = plan(state(BLS, ["r n=1"], b"r\n"), ["n=1"])
    assert (found.steps, [data for _file, data in found.writes]) == (None, [b"r n=1\n"])


def test_kernelopts_are_changed_in_the_environment():
    found = plan(state(BLS, ["$kernelopts $tuned_params", "r x"], kernelopts="r q", tuned_params="t=1"), ["n=1"])
    assert after(found) == ["r q n=1 t=1", "r x n=1"]
    assert found.files == ["/boot/grub2/grubenv", "/e/1"]


def test_no_source_for_kernels_to_come_is_told():
    assert "there is no /etc/kernel/cmdline" in plan(state(BLS, ["r"]), ["n=1"]).warnings[0]
    assert plan(state(BLS, ["r n=1"]), ["n=1"]).warnings == []
    assert plan(state(MENU, ["r"]), ["n=1"]).warnings == []


@pytest.mark.parametrize(
    ("lines", "present", "absent", "planned", "first"),
    [
        (["r n=0 x"], ["n=1"], [], ["r n=1 x"], [["--update-kernel=ALL", "--args=n=1"]]),
        (["r n=0 x"], ["n=1", "n=2"], [], ["r n=1 x n=2"], [["--update-kernel=ALL", "--args=n=1 n=2"]]),
        (
            ["r n=0 x n=1"],
            ["n=1"],
            [],
            ["r x n=1"],
            [["--update-kernel=ALL", "--remove-args=n"], ["--update-kernel=ALL", "--args=n=1"]],
        ),
        (
            ["r n-a=0 x"],
            ["n_a=1"],
            [],
            ["r x n_a=1"],
            [["--update-kernel=ALL", "--remove-args=n-a"], ["--update-kernel=ALL", "--args=n_a=1"]],
        ),
        (["r n=0 n=1"], [], ["n=0"], ["r n=1"], [["--update-kernel=ALL", "--remove-args=n=0"]]),
    ],
)
def test_grub_cfg_in_place_where_that_does_it(lines, present, absent, planned, first):
    found = plan(state(MENU, lines), present, absent)
    assert (after(found), found.steps[0]) == (planned, first)


def test_each_spelling_is_named():
    found = plan(state(BLS, ["a-b=1 c", "a_b=2"], b"x\n"), ["a_b=3"], ["c=1", "c"])
    assert found.steps[0] == [["--update-kernel=ALL", "--remove-args=a-b c", "--args=a_b=3"]]
    assert found.steps[1][0] == ["--update-kernel=ALL", "--remove-args=a-b c a_b"]


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
        (state(BLS, ["r"]), ['n="a b"'], [], "grubby does not carry"),
        (state(BLS, ["r"], None, b"GRUB_CMDLINE_LINUX=`x`"), ["n"], [], "/etc/default/grub, line 1"),
    ],
)
def test_what_grubby_cannot_do_is_refused(of, present, absent, text):
    with pytest.raises(ContainmentError, match=text):
        plan(of, present, absent)


def test_inits_words_do_not_hinder_what_needs_no_change():
    assert plan(state(BLS, ["n -- s"]), ["n"]).steps is None
    assert after(plan(state(BLS, ["n x -- s"]), [], ["n"])) == ["x -- s"]
