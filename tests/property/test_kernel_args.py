# SPDX-License-Identifier: GPL-3.0-or-later
"""kernel_args: command lines, requests, the ledger and the drop-in, against a plain model and real shells."""

import runpy
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ansible_collections.containment.docker.plugins.module_utils import (
    _files,
    _kernel_bls,
    _kernel_cmdline,
    _kernel_dropin,
    _kernel_entries,
    _kernel_grub,
    _kernel_grubby_calls,
    _kernel_ledger,
    _kernel_mkconfig,
    _kernel_ostree,
    _kernel_request,
    _kernel_systemd_boot,
)
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

NAMES = st.sampled_from(["a", "a-b", "a_b", "console", "quiet", "x.y", "8250.n"])
VALUES = st.one_of(
    st.none(), st.just(""), st.text("ab0,=:/", max_size=4), st.text("ab ;&$(*#|", max_size=6).map(str.strip)
)
# Words of others may hold anything that a kernel's word can.
LOOSE = st.text("ab-_=.\\$`'*?[]~#;&|<>(){}!é", min_size=1, max_size=6).filter(lambda word: word != "--")


@st.composite
def words(draw, values=VALUES):
    name, value = draw(NAMES), draw(values)
    return _kernel_cmdline.word_for(name, value)


LINE = st.lists(st.one_of(words(), LOOSE, st.just("--")), max_size=8)


@st.composite
def requests(draw):
    """A request that is let pass, {name: Want}."""
    safe = st.one_of(st.none(), st.just(""), st.text("ab0,=:/", max_size=3), st.sampled_from(["x y", "a;b  c", "*"]))
    present, absent, taken = [], [], set()
    for name in draw(st.lists(NAMES, min_size=1, max_size=3)):
        if _kernel_cmdline.canonical(name) in taken:
            continue
        taken.add(_kernel_cmdline.canonical(name))
        given_words = [
            name if value is None else f'{name}="{value}"' if set(value) & set(" *;") else f"{name}={value}"
            for value in draw(st.lists(safe, min_size=1, max_size=3, unique=True))
        ]
        (present if draw(st.booleans()) else absent).extend(given_words)
    return _kernel_request.wants(present, absent)


def reference(text):
    """next_arg and parse_args of the kernel, character by character: [(name, value)], and init's text."""
    found, at = [], 0
    blank = " \t\n\v\f\r"
    while True:
        while at < len(text) and text[at] in blank:
            at += 1
        if at >= len(text):
            return found, None
        quoted = in_quote = text[at] == '"'
        start = at + 1 if quoted else at
        end, equals = start, 0
        while end < len(text) and (in_quote or text[end] not in blank):
            if not equals and text[end] == "=":
                equals = end - start
            if text[end] == '"':
                in_quote = not in_quote
            end += 1
        param, value, last = text[start:end], None, end > start and text[end - 1] == '"'
        if equals:
            param, value = text[start : start + equals], text[start + equals + 1 : end]
            cut = False
            if value.startswith('"'):
                value = value[1:]
                if last:
                    cut, value = True, value[:-1]
            if quoted and last and not cut:
                value = value[:-1]
        elif quoted and last:
            param = param[:-1]
        at = end
        if value is None and param == "--":
            return found, text[at:]
        found.append((param, value))


@given(st.text('ab-_= "\t\n', max_size=24))
def test_words_are_read_as_the_kernel_reads_them(text):
    line = _kernel_cmdline.split(text)
    assume('"--"' not in text and not any(word.startswith('"--') for word in line))
    found, _init = reference(text)
    assert [_kernel_cmdline.divide(word) for word in line[: _kernel_cmdline.border(line)]] == found


@given(NAMES, st.one_of(st.none(), st.text("ab0,=:/ \t;", max_size=8)))
def test_a_word_is_read_back(name, value):
    assert _kernel_cmdline.divide(_kernel_cmdline.word_for(name, value)) == (name, value)


@given(LINE, st.text(" \t", min_size=1, max_size=3), requests())
def test_an_edit_says_what_a_change_of_words_says(line, gap, wanted):
    text = gap.join(line)
    line = _kernel_cmdline.split(text)
    todo = list(wanted.values())
    edited = _kernel_cmdline.edit(text, _kernel_request.drops(todo), _kernel_request.added(todo))
    assert _kernel_cmdline.split(edited) == _kernel_request.changed(line, todo)


@given(LINE, requests())
def test_a_change_satisfies_and_touches_nobody_else(line, wanted):
    line = _kernel_cmdline.split(" ".join(line))
    todo = _kernel_entries.unsatisfied(wanted, [line])
    after = _kernel_request.changed(line, todo)
    assert all(_kernel_request.satisfied(want, after) for want in wanted.values())
    assert _kernel_request.foreign(after, wanted) == _kernel_request.foreign(line, wanted)
    assert _kernel_entries.unsatisfied(wanted, [after]) == []


@given(st.lists(words(), max_size=8), requests())
def test_flags_of_rpm_ostree_make_what_is_planned(line, wanted):
    after = _kernel_request.changed(line, _kernel_entries.unsatisfied(wanted, [line]))
    done = list(line)
    flags = [flag.partition("=")[::2] for flag in _kernel_ostree.flags(line, after)]
    for what, word in flags:
        if what == "--delete":
            done.remove(word)
    # One of several alike may go in the place of another: what counts is the order within a name, and of the others.
    done += [word for what, word in flags if what == "--append"]
    assert sorted(done) == sorted(after)
    if len(set(line)) == len(line):
        assert done == after


@given(st.lists(st.tuples(NAMES, st.lists(VALUES, max_size=2), st.lists(VALUES, max_size=2)), max_size=5))
def test_the_ledger_leads_back(changes):
    now, data, was = {}, None, {}
    for name, before, after in changes:
        canonical = _kernel_cmdline.canonical(name)
        before = now.get(canonical, before)
        was.setdefault(canonical, before)
        now[canonical] = after
        data = _kernel_ledger.update(data, [_kernel_ledger.Line(canonical, name, before, after)])
    assert _kernel_ledger.render(_kernel_ledger.parse(data)) == data
    request = _kernel_ledger.inverse(data, None)
    for canonical, values in now.items():
        present = [
            _kernel_cmdline.value_of(word) for word in request["present"] if _kernel_cmdline.name_of(word) == canonical
        ]
        absent = canonical in map(_kernel_cmdline.canonical, request["absent"])
        assert (present or ([] if absent else values)) == was[canonical]


ASKED = st.lists(st.one_of(st.none(), st.text("ab0,=:/", max_size=3)), max_size=3)


@given(st.dictionaries(st.sampled_from(["rd.x", "ip", "a"]), st.tuples(ASKED, ASKED), min_size=1))
def test_the_way_back_loses_nothing_that_finds_the_root_and_is_not_refused(names):
    changes = [_kernel_ledger.Line(name, name, was, now) for name, (was, now) in names.items()]
    request = _kernel_ledger.inverse(_kernel_ledger.update(None, changes), None)
    assume(request["present"] or request["absent"])
    wanted = _kernel_request.wants(request["present"], request["absent"])
    line = [_kernel_cmdline.word_for(name, value) for name, (_was, now) in names.items() for value in now]
    _kernel_request.refuse_loss(wanted, line)
    after = _kernel_request.changed(line, _kernel_entries.unsatisfied(wanted, [line]))
    for name, (was, _now) in names.items():
        assert _kernel_cmdline.values(after, name) == was


SHELLS = [path for path in map(shutil.which, ("sh", "dash", "bash", "busybox")) if path]


@pytest.mark.parametrize("shell", SHELLS)
@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_a_shell_makes_the_planned_words_of_any_variables(shell, data):
    """Nothing in the variables is run, matched or expanded; names declared go, words declared come, the rest stays."""
    linux, default = data.draw(LINE), data.draw(LINE)
    wanted = data.draw(requests())
    declared = _kernel_dropin.Declared(frozenset(wanted), _kernel_request.added(wanted.values()))
    line, rest = _kernel_cmdline.split(" ".join(linux)), _kernel_cmdline.split(" ".join(default))
    assume(all(word.count('"') % 2 == 0 for word in line + rest))
    script = _kernel_dropin.render(declared) + b'printf \'%s\\n\' "$GRUB_CMDLINE_LINUX" "$GRUB_CMDLINE_LINUX_DEFAULT"\n'
    command = [shell, *(["sh"] if shell.endswith("busybox") else []), "-eu", "-s"]
    done = subprocess.run(
        command,
        input=script,
        env={
            "PATH": "/nowhere",
            "LC_ALL": "C",
            "GRUB_CMDLINE_LINUX": " ".join(linux),
            "GRUB_CMDLINE_LINUX_DEFAULT": " ".join(default),
        },
        capture_output=True,
        check=False,
        cwd="/",
    )
    assert (done.returncode, done.stderr) == (0, b"")
    linux_now, default_now = done.stdout.decode("utf-8", "surrogateescape").splitlines()
    assert _kernel_dropin.parse(script.rpartition(b"printf")[0]) == declared
    todo = [want._replace(gone=None) for want in wanted.values()]
    assert _kernel_cmdline.split(linux_now) == _kernel_request.changed(line, todo)
    gone = [want._replace(words=None) for want in todo]
    rest_now = rest if "--" in line else _kernel_request.changed(rest, gone)
    assert _kernel_cmdline.split(default_now) == rest_now


@given(
    st.lists(st.one_of(words(st.one_of(st.none(), st.text("ab0", max_size=3))), st.just("--")), max_size=6), requests()
)
def test_defaults_of_enterprise_linux_change_like_a_command_line(line, wanted):
    todo = list(wanted.values())
    assume(not any('"' in word for word in _kernel_request.added(todo)))
    text = 'A=1\nGRUB_CMDLINE_LINUX="' + " ".join(line) + '"\n# end\n'
    edited = _kernel_grub.edit_defaults(text, "/d", _kernel_request.drops(todo), _kernel_request.added(todo))
    assert _kernel_grub.default_words(edited, "/d") == _kernel_request.changed(line, todo)
    assert edited.startswith("A=1\n") and edited.endswith("\n# end\n")


OPTIONS = st.lists(
    st.lists(st.one_of(words(st.one_of(st.none(), st.text("ab0", max_size=3))), st.just("--")), max_size=4), max_size=3
)


@given(OPTIONS, requests(), st.sampled_from(["\n", "\r\n"]))
def test_options_of_an_entry_change_like_a_command_line(lines, wanted, newline):
    line = [word for words in lines for word in words]
    text = "title x\nlinux /v\n" + "".join(f"options  {' '.join(words)}{newline}" for words in lines) + "# end\n"
    file = _files.File("/e/x.conf", text.encode(), 0o644, 0, 0, None, {})
    todo, planned = list(wanted.values()), _kernel_request.changed(line, wanted.values())
    data = _kernel_systemd_boot.edited(file, todo, planned)
    assert _kernel_bls.parse(data, "/e/x.conf").options == planned
    assert [one for one in data.decode().split("\n") if not one.startswith("options")] == [
        one for one in text.split("\n") if not one.startswith("options")
    ]


PLAIN = st.lists(st.sampled_from(["p", "q=1", "r=a", "quiet", "splash"]), max_size=4)


@given(PLAIN, PLAIN, requests(), st.booleans())
def test_an_entry_made_anew_is_what_10_linux_makes(linux, default, wanted, recovery):
    base = _kernel_mkconfig.Variables(linux, default)
    declared = _kernel_mkconfig.declared(wanted, _kernel_dropin.Declared(frozenset(), []), base)

    def variables(declares):
        todo = [
            _kernel_request.Want(
                name,
                name,
                _kernel_cmdline.named(declares.words, name) or None,
                None,
                [place for place, word in enumerate(declares.words) if _kernel_cmdline.name_of(word) == name],
            )
            for name in declares.names
        ]
        gone = [want._replace(words=None) for want in todo]
        return _kernel_mkconfig.Variables(_kernel_request.changed(linux, todo), _kernel_request.changed(default, gone))

    def entry(source):
        words = [
            "root=/x",
            "ro",
            *(["single"] if recovery else []),
            *source.linux,
            *([] if recovery else source.default),
        ]
        return _kernel_entries.Entry("/v", "e-recovery-x" if recovery else "e", words)

    after = variables(declared)
    found, certain = _kernel_mkconfig.made_anew([entry(base)], [base, base], after, declared.names | set(wanted))
    assert certain and found[0].words == entry(after).words
    # And from what a killed run leaves: entries of before, files of after.
    found, certain = _kernel_mkconfig.made_anew([entry(base)], [after, base], after, declared.names | set(wanted))
    assert certain and sorted(found[0].words) == sorted(entry(after).words)


GRUBBY = runpy.run_path(str(Path(__file__).parents[1] / "integration/boot/standins/grubby"))
# Words that may stand side by side or look like another's pattern.
ALIKE = st.sampled_from(["a", "a=1", "a=1+1", "a=11", "a-b", "a_b=1", "a=^", "x.y", "x.y=1.2", "x.y=1x2", "xzy=1", "q"])


@given(
    st.lists(st.lists(ALIKE, max_size=7), min_size=1, max_size=3),
    st.lists(ALIKE, max_size=3),
    st.lists(ALIKE, min_size=1, max_size=3),
    st.booleans(),
)
def test_calls_of_grubby_make_what_is_planned_or_are_refused(lines, present, absent, menu):
    """As far as the stand-in for it goes, which does what the real ones do with such words."""
    try:
        wanted = _kernel_request.wants(present, absent)
        todo = _kernel_entries.unsatisfied(wanted, lines)
        if menu:
            todo = _kernel_grubby_calls.whole_names(todo, lines)
        for line in lines:
            _kernel_grubby_calls.refuse_hidden("e", line, todo, not menu)
    except ContainmentError:
        return
    assume(todo)
    does = GRUBBY["changed_in_menu" if menu else "changed"]
    calls = (_kernel_grubby_calls.for_menu if menu else _kernel_grubby_calls.for_entries)(todo, lines)
    for line in lines:
        words = line
        for call in calls:
            options = {name: value.split() for name, _equals, value in (word.partition("=") for word in call)}
            words = does(words, options.get("--remove-args", []), options.get("--args", []))
        planned = _kernel_request.changed(line, todo)
        assert words == planned
        assert all(_kernel_request.satisfied(want, planned) for want in wanted.values())
