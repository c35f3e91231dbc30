# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""GRUB of Enterprise Linux: grubby changes the kernels' entries; what kernels to come are made from is kept in step.

With boot loader entries (8 to 10) or without (7: grub.cfg). What grubby writes is read and compared. What kernels to
come are made from gets what was planned, whatever grubby, which differs by version, does to it.
"""

import collections
import glob
import os

from ansible_collections.containment.docker.plugins.module_utils import (
    _files,
    _host_probe,
    _kernel_bls,
    _kernel_boot,
    _kernel_entries,
    _kernel_grub,
    _kernel_request,
)
from ansible_collections.containment.docker.plugins.module_utils import _kernel_cmdline as cmdline
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

BLS, MENU = "grubby-bls", "grubby"
CARRIES_QUOTES = False
ENTRIES = "/boot/loader/entries"
CONFIGS = ("/boot/grub2/grub.cfg", "/boot/efi/EFI/*/grub.cfg")
ENVIRONMENTS = ("/boot/grub2/grubenv", "/boot/efi/EFI/*/grubenv")
CMDLINE, DEFAULTS = "/etc/kernel/cmdline", "/etc/default/grub"
SPARE = "--no-etc-grub-update"

# name: BLS or MENU. files: {path: File} of all that grubby may touch. raw: [(Entry, words with variables, path)].
# environment: grubenv's variables. foreign: Entries that are not grubby's to change.
State = collections.namedtuple("State", "name files raw environment foreign")


def configs():
    """Return the paths of grub.cfg files, the one that counts first; an EFI one that only calls another is left out."""
    patterns = reversed(CONFIGS) if os.path.isdir("/sys/firmware/efi") else CONFIGS
    found = [path for pattern in patterns for path in sorted(glob.glob(pattern)) if os.path.isfile(path)]
    return [path for path in found if "menuentry" in _text(path) or "blscfg" in _text(path)]


def _text(path):
    return _kernel_boot.text_of(_kernel_boot.read(path))


def has_entries():
    """Tell whether the boot loader takes its entries from files of their own."""
    return any("blscfg" in _text(path) for path in configs()) or (
        not configs() and bool(_kernel_boot.names_in(ENTRIES, ".conf"))
    )


def read():
    """Return the `State` of the boot files."""
    paths = [path for pattern in CONFIGS + ENVIRONMENTS for path in sorted(glob.glob(pattern))]
    paths += _kernel_boot.names_in(ENTRIES, ".conf") + [CMDLINE, DEFAULTS]
    files = collections.OrderedDict((path, _kernel_boot.read(path)) for path in paths)
    blocks = [path for pattern in ENVIRONMENTS for path in sorted(glob.glob(pattern))]
    environment = _kernel_grub.environment(files[blocks[0]].data, blocks[0]) if blocks else {}
    raw, foreign = [], []
    if has_entries():
        for path in _kernel_boot.names_in(ENTRIES, ".conf"):
            one = _kernel_bls.parse(files[path].data or b"", path)
            if one is not None:
                words = _kernel_bls.expand(one.options, environment)
                entry = _kernel_entries.Entry(_kernel_boot.image_path(one.kernel), one.name, words)
                raw.append((entry, one.options, path))
        return State(BLS, files, raw, environment, foreign)
    if not configs():
        raise ContainmentError(CONFIGS[0], "has no menu entries", "make it anew with grub2-mkconfig")
    path = configs()[0]
    lines = _kernel_grub.menu(_text(path), path)
    marked = any(one.section for one in lines)
    for one in lines:
        entry = _kernel_entries.Entry(_kernel_boot.image_path(one.kernel), one.entry, one.words)
        if marked and one.section != "10_linux":
            foreign.append(entry)
        else:
            raw.append((entry, one.words, path))
    return State(MENU, files, raw, environment, foreign)


def name(state):
    return state.name


def entries(state):
    """Return the Entries that grubby changes."""
    return [entry for entry, _options, _path in state.raw]


def plan(state, wanted):
    """Return the `Plan` that makes the state what is wanted. Pure."""
    _kernel_request.refuse_quotes(wanted, "grubby")
    before = entries(state)
    if not before:
        raise ContainmentError(
            ENTRIES, "holds no entry of a kernel", "see that a kernel is installed and can be booted"
        )
    todo = _kernel_entries.unsatisfied(wanted, [one.words for one in before])
    _refuse_unreachable(state, todo)
    if state.name == MENU:
        planned, changes = _plan_menu(state, todo)
    else:
        planned, changes = _plan_bls(state, todo)
    writes = _sources(state, wanted)
    files = sorted({state.files[path].path for path in changes} | {file.path for file, _data in writes})
    single = state.name == BLS or _in_place(todo, before)
    steps = _commands(todo, before, single) if todo else None
    warnings = _warnings(state, todo, wanted)
    if steps or writes:
        warnings += _kernel_entries.disagreement(before, wanted)
    guarded = list(state.files.values())
    return _kernel_entries.Plan(before, planned, files, writes, steps, guarded, warnings, False)


def _plan_menu(state, todo):
    make = _kernel_request.replaced if _in_place(todo, entries(state)) else _kernel_request.changed
    planned, changes = [], set()
    for entry, _options, path in state.raw:
        planned.append(entry._replace(words=make(entry.words, todo)))
        if planned[-1] != entry:
            changes.add(path)
    return planned, changes


def _in_place(todo, before):
    """Tell whether grubby of EL7, which puts each word of --args where one of its name stands, is done with that."""
    for want in todo:
        for one in before:
            words = cmdline.named(one.words, want.name)
            spelled = all(cmdline.divide(word)[0] == want.spelled for word in words)
            if want.words is not None and (len(words) > len(want.words) or not spelled):
                return False
    return True


def _plan_bls(state, todo):
    environment, changes = dict(state.environment), set()
    if _kernel_bls.KERNELOPTS in environment:
        before = cmdline.split(environment[_kernel_bls.KERNELOPTS])
        after = _kernel_request.changed(before, todo)
        if after != before:
            environment[_kernel_bls.KERNELOPTS] = " ".join(after)
            changes.add(next(path for path in state.files if path.endswith("/grubenv")))
    planned = []
    for entry, options, path in state.raw:
        after = options
        if _kernel_bls.KERNELOPTS not in map(_kernel_bls.variable, options):
            after = _kernel_request.changed(options, todo)
        if after != options:
            changes.add(path)
        planned.append(entry._replace(words=_kernel_bls.expand(after, environment)))
    return planned, changes


def _sources(state, wanted):
    """Return [(File, data)] of what kernels to come are made from, where it does not say what is wanted."""
    writes = []
    for path in (CMDLINE, DEFAULTS):
        file = state.files[path]
        if file.data is None:
            continue
        text = _kernel_boot.text_of(file)
        if path == CMDLINE:
            words = cmdline.split_file(text)
        else:
            words = _kernel_grub.default_words(text, path)
        todo = _kernel_entries.unsatisfied(wanted, [words])
        if todo:
            drop, add = _kernel_request.drops(todo), _kernel_request.added(todo)
            if path == CMDLINE:
                text = cmdline.edit_file(text, drop, add)
            else:
                text = _kernel_grub.edit_defaults(text, path, drop, add)
            writes.append((file, _kernel_boot.data_of(text)))
    return writes


def _refuse_unreachable(state, todo):
    """Raise ContainmentError for what grubby would not do, or do to more than it is asked for."""
    lines = [line for line in _kernel_boot.text_of(state.files[CMDLINE]).splitlines() if line.strip()]
    if todo and state.name == BLS and (len(lines) > 1 or (lines[:1] and lines[0].startswith("#"))):
        raise ContainmentError(
            CMDLINE, "has more than one line, which grubby makes into one", "write the arguments on one line alone"
        )
    for entry, options, _path in state.raw:
        end = cmdline.border(entry.words)
        behind = [cmdline.name_of(word) for word in entry.words[end + 1 :]]
        for want in todo:
            if end < len(entry.words) and (want.words or want.name in behind):
                raise ContainmentError(
                    entry.entry, "has arguments for init behind --, where grubby would change things", "move them"
                )
            if state.name == MENU:
                continue
            tuned = cmdline.split(state.environment.get(_kernel_bls.TUNED, ""))
            if _kernel_bls.TUNED in map(_kernel_bls.variable, options) and cmdline.named(tuned, want.name):
                raise ContainmentError(
                    want.spelled, f"is set by tuned for {entry.entry}", "change the tuned profile, or leave it to that"
                )
            if _kernel_bls.KERNELOPTS in map(_kernel_bls.variable, options) and cmdline.named(options, want.name):
                raise ContainmentError(
                    want.spelled,
                    f"stands beside $kernelopts in {entry.entry}, where grubby does not change it for all",
                    f"take it out with grubby --update-kernel={entry.kernel} --remove-args={want.spelled}",
                )


def _warnings(state, todo, wanted):
    found = []
    sourced = _kernel_bls.KERNELOPTS in state.environment or state.files[CMDLINE].data is not None
    if todo and state.name == BLS and not sourced:
        found.append(
            f"there is no {CMDLINE}: a kernel installed before the next reboot gets the running kernel's arguments"
        )
    for one in state.foreign:
        if not all(_kernel_request.satisfied(want, one.words) for want in wanted.values()):
            found.append(f"the entry {one.entry!r} is another system's: whether grubby changes it is not looked at")
    return found


def _commands(todo, before, single):
    """Return the argument vectors, without the program, that bring `todo` about: one call, where a `single` one can do
    it, then two for what that left.

    grubby compares names letter by letter, so that each spelling that is there is named.
    """
    words = [word for one in before for word in one.words[: cmdline.border(one.words)]]
    remove, drop = [], _kernel_request.drops([want for want in todo if want.words is None])
    spellings = []
    for word in words:
        spelled = cmdline.divide(word)[0]
        want = next((one for one in todo if one.name == cmdline.canonical(spelled)), None)
        if want is None:
            continue
        if spelled not in spellings:
            spellings.append(spelled)
        gone = None
        if want.words is not None:
            gone = spelled if spelled != want.spelled else None
        elif drop(word):
            gone = spelled if want.gone is None else word
        if gone is not None and gone not in remove:
            remove.append(gone)
    add = _kernel_request.added(todo)
    once = ["--update-kernel=ALL"]
    first = once + (["--remove-args=" + " ".join(remove)] if remove else [])
    commands = [[first + (["--args=" + " ".join(add)] if add else [])]]
    if add and all(want.words is not None or want.gone is None for want in todo) and spellings:
        both = [once + ["--remove-args=" + " ".join(spellings)], once + ["--args=" + " ".join(add)]]
        commands = commands + [both] if single else [both]
    return commands


def apply(state, plan, wanted):
    """Run grubby until the entries say what was planned, then put in place what it is not left to judge."""
    if plan.steps:
        program = _kernel_boot.tool("grubby")
        # Newer ones leave /etc/default/grub to us, so that nobody else's way of writing it is ever between ours.
        _rc, told = _host_probe.run([program, "--help"])
        spare = [SPARE] if SPARE in told else []
        for commands in plan.steps:
            for words in commands:
                _kernel_boot.run([program] + words + spare)
            if _kernel_entries.says(plan, entries(read()), wanted):
                break
    content = {file.path: data for file, data in plan.writes}
    for path in (CMDLINE, DEFAULTS):
        before, now = state.files[path], _kernel_boot.read(path)
        data = content.get(before.path, before.data)
        if now.data != data:
            _files.replace(before._replace(identity=now.identity), data)
    return []
