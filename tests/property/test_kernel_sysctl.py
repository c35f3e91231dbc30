# SPDX-License-Identifier: GPL-3.0-or-later
"""Properties that hold for every file of ours, request and set of others' files."""

import posixpath
import re

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ansible_collections.containment.docker.plugins.module_utils import _kernel_sysctl, _undo
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError
from ansible_collections.containment.docker.plugins.module_utils._kernel_sysctl import HEADER, LAST, PATH

NAMES = ("vm.a", "vm.b", "net.ipv4.conf.eth0/1.c")
NAME = st.sampled_from(NAMES)
VALUE = st.sampled_from(["0", "1", "28633", "4096\t8192 5", "a was b before", "|/bin/x %p", "-1"])
WAS = VALUE | st.just("")
FOREIGN = st.sampled_from(
    ["", " ", "# mine", "; x", "vm.other = 1", "-vm.*", "# vm.a was", "vm.a 1", "vm.z was 1 before", "\udcff", "x\r"]
)
PAIR = st.builds(lambda name, was, value: [f"# {name} was {was} before", f"{name} = {value}"], NAME, WAS, VALUE)
RUNNING = st.fixed_dictionaries(dict.fromkeys(NAMES, WAS))


@st.composite
def ours(draw):
    """Bytes of a file such as ours, with lines of others in between; None for no file."""
    if draw(st.integers(0, 9)) == 0:
        return None
    pairs = {pair[0].split()[1]: pair for pair in draw(st.lists(PAIR, max_size=3))}
    blocks = list(pairs.values()) + [[line] for line in draw(st.lists(FOREIGN, max_size=4))]
    blocks = draw(st.permutations(blocks))
    lines = ([HEADER] if pairs else []) + [line for block in blocks for line in block]
    end = "\n" if lines and draw(st.booleans()) else ""
    return ("\n".join(lines) + end).encode("utf-8", "surrogateescape")


@st.composite
def request(draw):
    values = draw(st.dictionaries(NAME, VALUE))
    absent = [name for name in NAMES if name not in values and draw(st.booleans())]
    return _kernel_sysctl.request(values, absent, {})


def foreign(data):
    """The lines that are neither ours nor blank, in order."""
    lines = (data or b"").decode("utf-8", "surrogateescape").split("\n")
    kept, mine = [], re.compile(r"(?:# (%s) was .* before|(%s) = .*)\Z" % ((("|".join(map(re.escape, NAMES))),) * 2))
    for line in lines:
        if line != HEADER and not mine.match(line):
            kept.append(line)
    return [line for line in kept if line.strip()]


def settled(data, running):
    """What the running kernel has where it has what the file says."""
    return dict(running, **{name: one.value for name, one in _kernel_sysctl.parse(data).ours.items() if one.value})


@given(st.binary(max_size=200) | ours())
def test_any_file_is_read_and_left_alone_by_nothing_to_do(data):
    _kernel_sysctl.parse(data)
    assert _kernel_sysctl.plan(data, {}, _kernel_sysctl.request({}, [], {})) == (data, {}, {})


@given(ours(), RUNNING, request())
def test_a_second_run_changes_nothing(data, running, asked):
    first = _kernel_sysctl.plan(data, running, asked)
    after = _kernel_sysctl.expected(running, first)
    again = _kernel_sysctl.plan(first.data, after, asked)
    assert again == (first.data, {}, {})
    parsed = _kernel_sysctl.parse(first.data).ours
    for name, value in asked.values.items():
        assert _kernel_sysctl.same(parsed[name].value, value) and _kernel_sysctl.same(after[name], value)
        assert parsed[name].last
    assert not set(asked.absent) & set(parsed)


@given(ours(), RUNNING, request())
def test_what_others_wrote_survives_in_order(data, running, asked):
    plan = _kernel_sysctl.plan(data, running, asked)
    assert foreign(plan.data) == foreign(data)
    untouched = set(NAMES) - set(asked.values) - set(asked.absent)
    old, new = _kernel_sysctl.parse(data).ours, _kernel_sysctl.parse(plan.data).ours
    for name in untouched:
        assert (name in old) == (name in new)
        assert name not in old or (old[name].was, old[name].value) == (new[name].was, new[name].value)


@given(ours(), RUNNING, st.dictionaries(NAME, VALUE, min_size=1))
def test_there_and_back(data, running, values):
    assume(not set(values) & set(_kernel_sysctl.parse(data).ours))
    there = _kernel_sysctl.plan(data, running, _kernel_sysctl.request(values, [], {}))
    now = _kernel_sysctl.expected(running, there)
    back = _kernel_sysctl.plan(there.data, now, _kernel_sysctl.request({}, list(values), {}))
    then = _kernel_sysctl.expected(now, back)
    assert all(_kernel_sysctl.same(then[name], running[name]) for name in NAMES)
    assert (back.data or b"").strip() == (data or b"").strip() or back.data == data


def steps(data, running, plan):
    """The states that a run goes through: [(file, running)], the first and the last among them."""
    states, now = [(data, running)], dict(running)
    for name, value in plan.back.items():
        now = dict(now, **{name: value})
        states.append((data, now))
    states.append((plan.data, now))
    for name, value in plan.forward.items():
        now = dict(now, **{name: value})
        states.append((plan.data, now))
    return states


@given(ours(), RUNNING, request())
def test_a_run_that_is_killed_is_completed_by_the_next(data, running, asked):
    whole = steps(data, running, _kernel_sysctl.plan(data, running, asked))
    for middle in whole:
        assert steps(*middle, _kernel_sysctl.plan(*middle, asked))[-1] == whole[-1]


@given(ours(), RUNNING, request())
def test_an_undo_of_the_file_and_its_inverse_bring_everything_back(data, running, asked):
    running = settled(data, running)
    plan = _kernel_sysctl.plan(data, running, asked)
    after = _kernel_sysctl.expected(running, plan)
    undone = dict(after, **_kernel_sysctl.inverse(plan.data, data))
    redone = dict(undone, **_kernel_sysctl.inverse(data, plan.data))
    for name in NAMES:
        assert _kernel_sysctl.same(undone[name], running[name])
        assert _kernel_sysctl.same(redone[name], after[name])
    # What the undo asks for is a request that can be made.
    assert _kernel_sysctl.request({}, [], _kernel_sysctl.inverse(plan.data, data))


ADDED = st.lists(st.tuples(st.integers(0, 9), st.sampled_from(["# new", "vm.new = 1"])), max_size=3)


@given(ours(), RUNNING, request(), ADDED)
def test_an_undo_among_lines_that_others_wrote_since(data, running, asked, added):
    changed = _kernel_sysctl.plan(data, running, asked).data
    lines = (changed or b"").decode("utf-8", "surrogateescape").split("\n")
    for place, line in added:
        lines.insert(min(place, len(lines) - 1), line)
    now = "\n".join(lines).encode("utf-8", "surrogateescape") if added else changed
    undone = _undo.undo("kernel_sysctl", PATH, data, changed, now)
    old, new = _kernel_sysctl.parse(data).ours, _kernel_sysctl.parse(undone).ours
    assert {name: (one.was, one.value) for name, one in old.items()} == {
        name: (one.was, one.value) for name, one in new.items()
    }
    assert [one for one in foreign(undone) if "new" in one] == [one for one in foreign(now) if "new" in one]


@given(st.text(st.sampled_from("ab./0-*"), max_size=12))
def test_a_name_that_is_taken_is_a_path_below_the_root_and_stays_the_same(text):
    try:
        (name,) = _kernel_sysctl.request({}, [text], {}).absent
    except ContainmentError:
        return
    path = _kernel_sysctl.path_of(name)
    assert posixpath.normpath(path) == path and path.startswith("/proc/sys/")
    assert _kernel_sysctl.request({}, [name], {}).absent == [name]


@given(st.text(max_size=20))
def test_canonical_values_stay(value):
    once = _kernel_sysctl.canonical(value)
    assert _kernel_sysctl.canonical(once) == once and _kernel_sysctl.same(value, once)


# --- conflicts, against readers written from sysctl.d(5) and sysctl(8) alone ---

DIRECTORY = st.sampled_from(_kernel_sysctl.DIRECTORIES)
BASENAME = st.sampled_from(["10-a.conf", "99-b.conf", "zz-containment.conf", "zzz.conf", "zzzz.conf"])
LINE = st.sampled_from(
    ["vm.a = 1", "vm.a=2", "vm/a = 5", "-vm.a = 3", "-vm.a", "vm.* = 4", "vm.b = 6", "# vm.a = 7", "vm.a 8", "vm.? = 5"]
)
TEXT = st.lists(LINE, max_size=3).map("\n".join)
FILES = st.dictionaries(st.tuples(DIRECTORY, BASENAME), TEXT, max_size=6)


def settings_in_order(files, last):
    """[(path, value or None)] of a dict {(directory, basename): text}, ours among them."""
    chosen = {}
    for directory in _kernel_sysctl.DIRECTORIES:
        for (where, name), text in files.items():
            if where == directory:
                chosen.setdefault(name, text)
    texts = [chosen[name] for name in sorted(chosen)] + ([last] if last is not None else [])
    found = []
    for line in "\n".join(texts).split("\n"):
        if line[:1] in ("#", "") or ("=" not in line and line[0] != "-"):
            continue
        key, sign, value = line.lstrip("-").partition("=")
        found.append((key.strip().replace(".", "/"), value.strip() if sign else None))
    return found


def systemd(files):
    """The value that systemd-sysctl leaves in vm.a: of one key the last assignment counts, globs for the rest."""
    merged = {}
    for key, value in settings_in_order(files, None):
        if merged.get(key, ...) != value:
            merged.pop(key, None)
            merged[key] = value
    globs = [value for key, value in merged.items() if key in ("vm/*", "vm/?")]
    return merged["vm/a"] if "vm/a" in merged else (globs or [None])[-1]


def procps(files, last):
    """The value that `sysctl --system` leaves in vm.a: all are written in order, globs where no line has the key."""
    found = settings_in_order(files, last)
    exact = [value for key, value in found if key == "vm/a"]
    globs = [value for key, value in found if key in ("vm/*", "vm/?")]
    return ([value for value in exact if value is not None] or [None])[-1] if exact else (globs or [None])[-1]


@settings(max_examples=500)
@given(FILES, st.none() | TEXT)
def test_who_wins_is_what_the_readers_make_of_it(files, last):
    directory, name = posixpath.split(PATH)
    whole = {**files, (directory, name): "vm.a = 5"}
    given_files = [
        (posixpath.join(where, file), posixpath.join(where, file), files[where, file].encode())
        for where in _kernel_sysctl.DIRECTORIES
        for file in ("zzzz.conf", "zzz.conf", "zz-containment.conf", "99-b.conf", "10-a.conf")
        if (where, file) in files
    ]
    if last is not None:
        given_files.append((LAST, LAST, last.encode()))
    found = _kernel_sysctl.conflicts(given_files, {"vm.a": "5"})
    winners = [one["value"] for one in found if one["wins"]]
    results = {systemd(whole), procps(whole, last)}
    assert results <= {"5", *winners}
    if winners and not any("vm/a = 5" in one.decode() for _path, _real, one in given_files):
        assert results != {"5"}
    assert all(one["value"] != "5" for one in found)
