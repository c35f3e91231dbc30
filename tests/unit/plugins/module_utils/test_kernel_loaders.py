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


def systemd_boot(lines, cmdline=None, running="0", foreign=()):
    files, raw = collections.OrderedDict(), []
    for number, line in enumerate(lines):
        path = "/e/id-%d.conf" % number
        files[path] = file(path, ("linux /v\noptions %s\n" % line).encode())
        raw.append((_kernel_entries.Entry("/efi/v", "id-%d" % number, line.split()), str(number), path))
    others = [_kernel_entries.Entry("/o", "other", line.split()) for line in foreign]
    return _kernel_systemd_boot.State(file("/etc/kernel/cmdline", cmdline), files, raw, others, running)


def test_the_command_line_file_and_the_options_of_entries_change():
    state = systemd_boot(["r q systemd.machine_id=1", "r n=1"], b"r q\n", foreign=["n=2"])
    plan = _kernel_systemd_boot.plan(state, wants(["n=1"]))
    assert [" ".join(one.words) for one in plan.after] == ["r q systemd.machine_id=1 n=1", "r n=1"]
    assert [(one.path, data) for one, data in plan.writes] == [
        ("/etc/kernel/cmdline", b"r q n=1\n"),
        ("/e/id-0.conf", b"linux /v\noptions r q systemd.machine_id=1 n=1\n"),
    ]
    assert plan.steps is None and plan.files == [one.path for one in plan.guarded] == [
        "/etc/kernel/cmdline",
        "/e/id-0.conf",
    ]
    assert [text.split(":")[0] for text in plan.warnings] == [
        "entries do not agree on n",
        "the entry 'other' is not one of kernel-install for this system and stays as it is",
    ]
    nothing = _kernel_systemd_boot.plan(systemd_boot(["r n=1"], b"r n=1\n", foreign=["n=2"]), wants(["n=1"]))
    assert (nothing.writes, nothing.warnings) == ([], [])


def test_without_the_file_the_running_kernels_entry_is_what_it_is_made_from():
    plan = _kernel_systemd_boot.plan(systemd_boot(["old", "r q systemd.machine_id=1"], running="1"), wants(["n=1"]))
    assert [data for _file, data in plan.writes] == [
        b"r q n=1\n",
        b"linux /v\noptions old n=1\n",
        b"linux /v\noptions r q systemd.machine_id=1 n=1\n",
    ]
    # Made where the running one says all already, so that what the others miss is no reason to lose it.
    plan = _kernel_systemd_boot.plan(systemd_boot(["r", "r n=1"], running="1"), wants(["n=1"]))
    assert [data for _file, data in plan.writes] == [b"r n=1\n", b"linux /v\noptions r n=1\n"]
    with pytest.raises(ContainmentError, match="there is no entry of 9 to take it from"):
        _kernel_systemd_boot.plan(systemd_boot(["r"], running="9"), wants(["n=1"]))
    assert _kernel_systemd_boot.plan(systemd_boot(["r n=1"], running="9"), wants(["n=1"])).writes == []


def test_no_entry_is_refused():
    with pytest.raises(ContainmentError, match="holds no entry"):
        _kernel_systemd_boot.plan(systemd_boot([], b"r\n"), wants(["n=1"]))


def test_a_file_that_says_how_to_find_the_root_is_not_made_to_forget():
    with pytest.raises(ContainmentError, match=r"present: does not list 'rd\.x=2'"):
        _kernel_systemd_boot.plan(systemd_boot(["r"], b"r rd.x=2\n"), wants(["rd.x=1"]))
    with pytest.raises(ContainmentError, match="would come out as 'hugepages=4 hugepagesz=1G'"):
        _kernel_systemd_boot.plan(systemd_boot(["r"], b"r hugepages=4\n"), wants(["hugepagesz=1G", "hugepages=4"]))


def test_names_are_without_the_tries_that_are_left():
    assert _kernel_systemd_boot.names(["a-1+3", "a-2+2-1", "a-3", "b+x", "a-4+1", "a-4"]) == [
        *("a-1", "a-2", "a-3", "b+x"),
        *("a-4+1", "a-4"),
    ]


@pytest.mark.parametrize(
    ("text", "now"),
    [
        ("linux /v\noptions    r q\n", "linux /v\noptions    r n=1\n"),
        ("options\tr  n=0  x \r\nlinux /v\r\n", "options\tr  x n=1 \r\nlinux /v\r\n"),
        ("linux /v\n", "linux /v\noptions n=1\n"),
        ("linux /v", "linux /v\noptions n=1\n"),
        ("linux /v\noptions", "linux /v\noptions n=1\n"),
        ("options r q\nlinux /v\noptions q n=0\n", "options r\nlinux /v\noptions n=1\n"),
        ("options r -- q\noptions q\nlinux /v\n", "options r n=1 -- q\noptions q\nlinux /v\n"),
        ("#options q\noptions r\noptionsx q\nlinux /v\n", "#options q\noptions r n=1\noptionsx q\nlinux /v\n"),
        ('options a="b  q"\nlinux /v\n', 'options a="b  q" n=1\nlinux /v\n'),
    ],
)
def test_options_change_and_all_else_stays(text, now):
    todo = list(wants(["n=1"], ["q"]).values())
    before = _kernel_bls.parse(text.encode(), "/e/x.conf").options
    planned = request.changed(before, todo)
    assert _kernel_systemd_boot.edited(file("/e/x.conf", text.encode()), todo, planned) == now.encode()


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ('options "a=b c" r\nlinux /v\n', 'n="x y"'),
        ('options "n=0\noptions x"\nlinux /v\n', "n=1"),
    ],
)
def test_quotes_that_would_not_survive_are_refused(text, word):
    todo = list(wants([word]).values())
    planned = request.changed(_kernel_bls.parse(text.encode(), "/e/x.conf").options, todo)
    with pytest.raises(ContainmentError, match=r"/e/x\.conf: has options in quotes"):
        _kernel_systemd_boot.edited(file("/e/x.conf", text.encode()), todo, planned)


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


def test_our_own_words_are_not_lost_either():
    with pytest.raises(ContainmentError, match=r"does not list 'rd\.x=2'"):
        _kernel_bootc.plan(bootc("rd.x=2", ""), wants(["rd.x=1"]))
    assert _kernel_bootc.plan(bootc("rd.x=2", ""), wants(["rd.x=1"], ["rd.x=2"])).after[0].words == ["rd.x=1"]


def test_what_others_set_is_refused():
    for wanted in (wants([], ["q"]), wants(["q=2"])):
        with pytest.raises(ContainmentError, match=r"q: is set by /k/10\.toml"):
            _kernel_bootc.plan(bootc("", "q=1"), wanted)
