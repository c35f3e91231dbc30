# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""GRUB of Enterprise Linux: grubby changes the kernels' entries; what kernels to come are made from is kept in step.

With boot loader entries (8 to 10) or without (7: grub.cfg). What grubby writes is read and compared. What kernels to
come are made from gets what was planned, whatever grubby, which differs by version, does to it. What it can be asked
for is in _kernel_grubby_calls.
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
from ansible_collections.containment.docker.plugins.module_utils import _kernel_grubby_calls as calls
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

BLS, MENU = "grubby-bls", "grubby"
CARRIES_QUOTES = False
ENTRIES = "/boot/loader/entries"
CONFIGS = ("/boot/grub2/grub.cfg", "/boot/efi/EFI/*/grub.cfg")
ENVIRONMENTS = ("/boot/grub2/grubenv", "/boot/efi/EFI/*/grubenv")
CMDLINE, DEFAULTS = "/etc/kernel/cmdline", "/etc/default/grub"
# Options of grubby: not to touch DEFAULTS, and one that only the script for boot loader entries has.
SPARE, SCRIPT = "--no-etc-grub-update", "--bls-directory"

# name: BLS or MENU. configs: paths of grub.cfg files, the one that counts first. files: {path: File} of all that grubby
# may touch. raw: [(Entry, words with variables, path)]. environment: grubenv's variables. foreign: Entries that are not
# grubby's to change. knows: which of SPARE and SCRIPT grubby has.
State = collections.namedtuple("State", "name configs files raw environment foreign knows")


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
    blocks = [path for pattern in ENVIRONMENTS for path in sorted(glob.glob(pattern))]
    paths = [path for pattern in CONFIGS for path in sorted(glob.glob(pattern))]
    # The first of ENVIRONMENTS in any case: some make it where it is missing.
    paths += blocks + [path for path in ENVIRONMENTS[:1] if path not in blocks]
    paths += _kernel_boot.names_in(ENTRIES, ".conf") + [CMDLINE, DEFAULTS]
    files = collections.OrderedDict((path, _kernel_boot.read(path)) for path in paths)
    environment = _kernel_grub.environment(files[blocks[0]].data, blocks[0]) if blocks else {}
    _rc, told = _host_probe.run([_kernel_boot.tool("grubby"), "--help"])
    knows = [option for option in (SPARE, SCRIPT) if option in told]
    raw, foreign = [], []
    if has_entries():
        for path in _kernel_boot.names_in(ENTRIES, ".conf"):
            one = _kernel_bls.parse(files[path].data or b"", path)
            if one is not None:
                words = _kernel_bls.expand(one.options, environment)
                entry = _kernel_entries.Entry(_kernel_boot.image_path(one.kernel), one.name, words)
                raw.append((entry, one.options, path))
        return State(BLS, configs(), files, raw, environment, foreign, knows)
    if not configs():
        raise ContainmentError(CONFIGS[0], "has no menu entries", "make it anew with grub2-mkconfig")
    path = configs()[0]
    ours, foreign = _menu(_text(path), path)
    return State(MENU, configs(), files, [(entry, entry.words, path) for entry in ours], environment, foreign, knows)


def _menu(text, path):
    """Return (Entries of the menu that grubby changes, others)."""
    lines = _kernel_grub.menu(text, path)
    found = [_kernel_entries.Entry(_kernel_boot.image_path(one.kernel), one.entry, one.words) for one in lines]
    found = _kernel_entries.unique(found)
    marked = any(one.section for one in lines)
    ours = [entry for one, entry in zip(lines, found) if not marked or one.section == "10_linux"]
    return ours, [entry for entry in found if entry not in ours]


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
    _refuse_unread(state)
    lines = [one.words for one in before]
    todo = _kernel_entries.unsatisfied(wanted, lines)
    if state.name == MENU:
        todo = calls.whole_names(todo, lines)
    _refuse_unreachable(state, todo)
    planned, changes = (_plan_menu if state.name == MENU else _plan_bls)(state, todo)
    writes = _sources(state, wanted, todo)
    files = sorted({state.files[path].path for path in changes} | {file.path for file, _data in writes})
    steps = None
    if todo:
        steps = (calls.for_menu if state.name == MENU else calls.for_entries)(todo, lines)
    warnings = _warnings(state, todo, wanted)
    if steps or writes:
        warnings += _kernel_entries.disagreement(before, wanted)
    guarded = list(state.files.values())
    return _kernel_entries.Plan(before, planned, files, writes, steps, guarded, warnings, False)


def _refuse_unread(state):
    """Raise ContainmentError for entries that this grubby does not change, or whose arguments are not known."""
    if state.name == MENU and SCRIPT in state.knows:
        raise ContainmentError(
            state.configs[0],
            "has menu entries of its own, and this grubby changes boot loader entries alone",
            f"set GRUB_ENABLE_BLSCFG=true in {DEFAULTS} and make the file anew with grub2-mkconfig",
        )
    for entry, options, path in state.raw if state.name == BLS else []:
        if "${%s}" % _kernel_bls.KERNELOPTS in options:
            raise ContainmentError(path, "says ${kernelopts}, which grubby does not know", "write $kernelopts there")
        if _kernel_bls.KERNELOPTS in map(_kernel_bls.variable, options) and not _kernelopts(state):
            raise ContainmentError(
                ENVIRONMENTS[0],
                f"has no kernelopts, where {entry.entry} has its arguments from and grubby would look for them",
                f"make {state.configs[0] if state.configs else CONFIGS[0]} anew with grub2-mkconfig, which sets it",
            )


def _kernelopts(state):
    """Return the words of $kernelopts, none where grubenv does not say."""
    return cmdline.split(state.environment.get(_kernel_bls.KERNELOPTS, ""))


def _plan_menu(state, todo):
    planned, changes = [], set()
    for entry, _options, path in state.raw:
        planned.append(entry._replace(words=_kernel_request.changed(entry.words, todo)))
        if planned[-1] != entry:
            changes.add(path)
    return planned, changes


def _plan_bls(state, todo):
    """Return (entries, paths that change). grubby writes what it changes with single blanks."""
    environment, changes = dict(state.environment), set()
    if _kernelopts(state) and todo:
        after = " ".join(_kernel_request.changed(_kernelopts(state), todo))
        if after != environment[_kernel_bls.KERNELOPTS]:
            environment[_kernel_bls.KERNELOPTS] = after
            changes.add(next(path for path in state.files if path.endswith("/grubenv")))
    planned = []
    for entry, options, path in state.raw:
        after = options
        if todo and _kernel_bls.KERNELOPTS not in map(_kernel_bls.variable, options):
            after = _kernel_request.changed(options, todo)
            lines = _kernel_bls.options_lines(state.files[path].data or b"")
            if lines and lines != ["options " + " ".join(after)]:
                changes.add(path)
        planned.append(entry._replace(words=_kernel_bls.expand(after, environment)))
    return planned, changes


def _sources(state, wanted, todo):
    """Return [(File, data)] of what kernels to come are made from, where it does not say what is wanted."""
    writes = []
    for path, text in ((CMDLINE, _cmdline(state, todo)), (DEFAULTS, _kernel_boot.text_of(state.files[DEFAULTS]))):
        file = state.files[path]
        if text is None or (path == DEFAULTS and file.data is None):
            continue
        words = cmdline.split_file(text) if path == CMDLINE else _kernel_grub.default_words(text, path)
        missing = _kernel_entries.unsatisfied(wanted, [words])
        _kernel_request.refuse_loss(wanted, words)
        _kernel_request.refuse_disorder(wanted, words, _kernel_request.changed(words, missing))
        if missing:
            drop, add = _kernel_request.drops(missing), _kernel_request.added(missing)
            if path == CMDLINE:
                text = cmdline.edit_file(text, drop, add)
            else:
                text = _kernel_grub.edit_defaults(text, path, drop, add)
        if path == CMDLINE and state.name == BLS and (missing or todo):
            _refuse_rootless(state, words)
        if _kernel_boot.data_of(text) != file.data:
            writes.append((file, _kernel_boot.data_of(text)))
    return writes


def _cmdline(state, todo):
    """Return what CMDLINE says or, where it is empty or grubby would make it, what it is to begin with; None for none.

    grubby makes it of the oldest entry, and writes over it in place: a power failure can leave it empty.
    """
    file = state.files[CMDLINE]
    text = _kernel_boot.text_of(file)
    if text.strip():
        return text
    if state.name == MENU or (file.data is None and not todo):
        return None
    default = _kernel_bls.default([entry.entry for entry in entries(state)], state.environment.get("saved_entry"))
    options = next(options for entry, options, _path in state.raw if entry.entry == default)
    # tuned puts its variable into entries by itself.
    known = {_kernel_bls.KERNELOPTS: " ".join(_kernelopts(state))}
    return " ".join(_kernel_bls.expand(options, known)) + "\n"


def _refuse_rootless(state, words):
    """Raise ContainmentError where kernels to come would get no root file system."""
    if not cmdline.named(words, "root") and any(cmdline.named(one.words, "root") for one in entries(state)):
        raise ContainmentError(
            CMDLINE, "has no root=, which the entries have", "remove it, or write into it what an entry has"
        )


def _refuse_unreachable(state, todo):
    """Raise ContainmentError for what grubby would not do, or do to more than it is asked for."""
    if not todo:
        return
    source = [line for line in _kernel_boot.text_of(state.files[CMDLINE]).splitlines() if line.strip()]
    if state.name == BLS and (len(source) > 1 or (source[:1] and source[0].startswith("#"))):
        raise ContainmentError(
            CMDLINE, "has more than one line, which grubby makes into one", "write the arguments on one line alone"
        )
    for entry, options, path in state.raw:
        calls.refuse_init(entry, todo)
        calls.refuse_hidden(entry.entry, entry.words, todo, state.name == BLS)
        if state.name == BLS:
            for want in todo:
                calls.refuse_tuned_and_beside(entry, options, state.environment, want)
            lines = _kernel_bls.options_lines(state.files[path].data or b"")
            calls.refuse_lines(path, lines, any(want.words for want in todo))
            if _kernel_bls.KERNELOPTS not in map(_kernel_bls.variable, options):
                calls.refuse_garbled(entry.entry, options, sed=True)
    if state.name == BLS:
        calls.refuse_garbled(f"kernelopts in {ENVIRONMENTS[0]}", _kernelopts(state), sed=False)


def _warnings(state, todo, wanted):
    found = []
    for path in state.configs[1:] if todo and state.name == MENU else []:
        found.append(f"{path} is not what this host's firmware starts and stays as it is")
    for one in state.foreign:
        if _kernel_entries.unsatisfied(wanted, [one.words]):
            found.append(f"the entry {one.entry!r} is another system's: whether grubby changes it is not looked at")
    return found


def apply(state, plan, wanted):
    """Put in place what kernels to come are made from, and run grubby, which changes some of that, too. Return []."""
    _kernel_boot.write(plan.writes)
    if plan.steps and state.name == MENU:
        _change_menu(state, plan, wanted)
    elif plan.steps:
        for words in plan.steps:
            # Newer ones leave DEFAULTS to us, so that nobody else's way of writing it is ever between ours.
            _kernel_boot.run([_kernel_boot.tool("grubby")] + words + [SPARE] * (SPARE in state.knows))
        _settle(state, plan)
    return []


def _change_menu(state, plan, wanted):
    """Have grubby change a copy of grub.cfg, and replace that once the copy says what was planned.

    It needs two calls: between them, arguments are missing.
    """
    before, made = state.files[state.configs[0]], []

    def change(path):
        for words in plan.steps:
            _kernel_boot.run([_kernel_boot.tool("grubby"), "--grub2", "--config-file=" + path] + words)
        made.append(_kernel_boot.read(path))

    _files.rehearse(before, before.data, change)
    ours, _foreign = _menu(_kernel_boot.text_of(made[0]), before.path)
    _kernel_entries.compare(plan, ours, wanted)
    _files.replace(before, made[0].data)


def _settle(state, plan):
    """Have the files that are not grubby's to decide say what was planned; grubenv is not made where there was none."""
    content = {file.path: data for file, data in plan.writes}
    for path in (ENVIRONMENTS[0], CMDLINE, DEFAULTS):
        before = state.files[path]
        if path != ENVIRONMENTS[0] or before.data is None:
            now, data = _kernel_boot.read(path), content.get(before.path, before.data)
            if now.data != data:
                _files.replace(before._replace(identity=now.identity), data)
