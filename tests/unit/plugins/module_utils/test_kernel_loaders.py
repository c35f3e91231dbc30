# SPDX-License-Identifier: GPL-3.0-or-later
"""systemd-boot, rpm-ostree and bootc: their plans, which are pure."""

import collections

import pytest

from ansible_collections.containment.docker.plugins.module_utils import (
    _kernel_bls,
    _kernel_bootc,
    _kernel_entries,
    _kernel_ostree,
    _kernel_systemd_boot,
)
from ansible_collections.containment.docker.plugins.module_utils import _kernel_request as request
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError
from ansible_collections.containment.docker.plugins.module_utils._files import File


def file(path, data):
    return File(path, data, None if data is None else 0o644, 0, 0, None, {})


def wants(present=(), absent=()):
    return request.wants(list(present), list(absent))


# --- systemd-boot ---


def systemd_boot(lines, cmdline=None, running="0", images=True):
    raw = []
    for number, line in enumerate(lines):
        one = _kernel_bls.BlsEntry("id-%d" % number, "/v", str(number), line.split(), [])
        raw.append((_kernel_entries.Entry("/efi/v", one.name, one.options), one))
    files = collections.OrderedDict(("/e/id-%d.conf" % at, file("/e/id-%d.conf" % at, b"")) for at in range(len(lines)))
    paths = {one.version: "/boot/v-" + one.version if images else None for _entry, one in raw}
    return _kernel_systemd_boot.State(file("/etc/kernel/cmdline", cmdline), files, raw, [], running, paths)


def test_entries_are_made_from_the_command_line_file():
    plan = _kernel_systemd_boot.plan(systemd_boot(["r q systemd.machine_id=1", "r n=1"], b"r q\n"), wants(["n=1"]))
    assert [" ".join(one.words) for one in plan.after] == ["r q n=1 systemd.machine_id=1", "r n=1"]
    assert [(one.path, data) for one, data in plan.writes] == [("/etc/kernel/cmdline", b"r q n=1\n")]
    assert plan.steps == [("0", "/boot/v-0")] and plan.files == ["/etc/kernel/cmdline", "/e/id-0.conf"]


def test_without_the_file_the_running_kernels_entry_is_what_it_is_made_from():
    plan = _kernel_systemd_boot.plan(systemd_boot(["old", "r q systemd.machine_id=1"], running="1"), wants(["n=1"]))
    assert plan.writes[0][1] == b"r q n=1\n"
    assert plan.warnings == ["entries also take up what others changed in /etc/kernel/cmdline since: id-0"]
    with pytest.raises(ContainmentError, match="there is no entry of 9 to take it from"):
        _kernel_systemd_boot.plan(systemd_boot(["r"], running="9"), wants(["n=1"]))
    assert _kernel_systemd_boot.plan(systemd_boot(["r n=1"], running="9"), wants(["n=1"])).writes == []


def test_an_entry_without_its_image_is_refused():
    with pytest.raises(ContainmentError, match="id-0: has no image at /usr/lib/modules/0/vmlinuz or /boot/vmlinuz-0"):
        _kernel_systemd_boot.plan(systemd_boot(["r"], b"r\n", images=False), wants(["n=1"]))
    with pytest.raises(ContainmentError, match="holds no entry"):
        _kernel_systemd_boot.plan(systemd_boot([], b"r\n"), wants(["n=1"]))


# --- rpm-ostree ---


@pytest.mark.parametrize(
    ("before", "after", "flags"),
    [
        ("a b", "a b", []),
        ("a b", "a b n=1", ["--append=n=1"]),
        ("a n=0 b", "a b n=1", ["--delete=n=0", "--append=n=1"]),
        ("a a b", "a b", ["--delete=a"]),
        ("c=1 x c=0", "x c=0 c=1", ["--delete=c=1", "--append=c=1"]),
        ("a b", "", ["--delete=a", "--delete=b"]),
        ("", "a", ["--append=a"]),
    ],
)
def test_flags(before, after, flags):
    assert _kernel_ostree.flags(before.split(), after.split()) == flags


def test_a_plan_of_rpm_ostree():
    plan = _kernel_ostree.plan(_kernel_ostree.State(["r", "n=0", "q"]), wants(["n=1"], ["q"]))
    assert plan.after[0].words == ["r", "n=1"] and plan.steps == ["--delete=n=0", "--delete=q", "--append=n=1"]
    assert _kernel_ostree.plan(_kernel_ostree.State(["r", "n=1"]), wants(["n=1"])).steps is None
    with pytest.raises(ContainmentError, match="rpm-ostree does not carry"):
        _kernel_ostree.plan(_kernel_ostree.State([]), wants(['n="a b"']))


# --- bootc ---


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("kargs = []", []),
        ('kargs=["a", "b=c"]\n', ["a", "b=c"]),
        ('# x\nkargs = [\n  \'a\', # "z"\n  # "y"\n  "b c",\n]\nmatch-architectures = ["x"]\n', ["a", "b", "c"]),
        ('kargs = ["a=\\"b c\\""]', ['a="b c"']),
    ],
)
def test_a_list_of_kargs(text, words):
    assert _kernel_bootc.parse(text, "/k") == words


@pytest.mark.parametrize("text", ["", "x = []", "kargs = [1]", 'kargs = ["a"', "kargs = ['a\nb']", 'kargs = "a"'])
def test_what_is_no_list_of_kargs_is_refused(text):
    with pytest.raises(ContainmentError, match="/k: has no list kargs"):
        _kernel_bootc.parse(text, "/k")


def bootc(ours, others):
    data = _kernel_bootc.render(ours.split())
    return _kernel_bootc.State(file(_kernel_bootc.PATH, data), ours.split(), [("/k/10.toml", others.split())])


def test_our_file_is_read_back_and_goes_with_its_last_word():
    assert _kernel_bootc.render([]) is None
    assert _kernel_bootc.parse(_kernel_bootc.render(["a", "b=c"]).decode(), "/k") == ["a", "b=c"]
    plan = _kernel_bootc.plan(bootc("n=0 m", "q"), wants(["n=1", "q"], ["m", "x"]))
    assert plan.after[0].words == ["n=1"] and plan.writes[0][1].endswith(b'kargs = ["n=1"]\n')
    assert _kernel_bootc.plan(bootc("n=1", ""), wants([], ["n"])).writes[0][1] is None
    assert _kernel_bootc.plan(bootc("n=1", "q"), wants(["n=1"], ["x"])).writes == []


def test_what_others_set_is_refused():
    for wanted in (wants([], ["q"]), wants(["q=2"])):
        with pytest.raises(ContainmentError, match=r"q: is set by /k/10\.toml"):
            _kernel_bootc.plan(bootc("", "q=1"), wanted)
