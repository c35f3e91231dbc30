# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""systemd-boot with type 1 entries, and /etc/kernel/cmdline, from which kernel-install makes those of kernels to come.

Of the entries only the options change. kernel-install is not called: it would write the kernels' images anew, the
running one's too, and leave a part of one where it fails.
"""

import collections
import os
import re

from ansible_collections.containment.docker.plugins.module_utils import (
    _host_probe,
    _kernel_bls,
    _kernel_boot,
    _kernel_entries,
    _kernel_request,
)
from ansible_collections.containment.docker.plugins.module_utils import _kernel_cmdline as cmdline
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

NAME = "systemd-boot"
CARRIES_QUOTES = True
ROOTS = ("/efi", "/boot", "/boot/efi")
CMDLINE = "/etc/kernel/cmdline"
MACHINE_ID = "systemd.machine_id"
# Boot counting: how often an entry may still be tried and has been (systemd-bless-boot.service(8)).
_TRIES = re.compile(r"\+[0-9]+(?:-[0-9]+)?\Z")
_OPTIONS = re.compile(r"([ \t]*options(?!\S)[ \t]*)([^\r\n]*)")
# systemd-boot takes away quotes around a whole line.
_IN_QUOTES = re.compile(r"[ \t]*options[ \t]+\"[^\r\n]*\"[ \t]*$", re.MULTILINE)

# cmdline: File. files: {path: File} of the entries. raw: [(Entry, version, path)] of this system's kernels. foreign:
# Entries of others. running: the running kernel's version.
State = collections.namedtuple("State", "cmdline files raw foreign running")


def root():
    """Return the directory that the boot loader's entries are below, None where there is none."""
    found = [path for path in ROOTS if os.path.isdir(path + "/loader/entries")]
    return next((path for path in found if _kernel_boot.names_in(path + "/loader/entries", ".conf")), None)


def token():
    """Return what the names of this system's entries begin with."""
    told = _host_probe.text("/etc/kernel/entry-token") or _host_probe.text("/etc/machine-id") or ""
    return told.strip()


def read():
    """Return the `State`. Raises ContainmentError for unified kernel images, which hold their arguments."""
    place = root()
    unified = [path for top in ROOTS for path in _kernel_boot.names_in(top + "/EFI/Linux", ".efi")]
    if unified:
        raise ContainmentError(
            unified[0],
            "is a unified kernel image: its arguments are inside, signed with it under Secure Boot",
            "build the image anew with other arguments",
        )
    settings = _host_probe.text("/etc/kernel/install.conf") or ""
    if "layout=uki" in settings.replace(" ", "").splitlines():
        raise ContainmentError(
            "/etc/kernel/install.conf",
            "asks for unified kernel images (layout=uki), whose arguments are inside",
            "build the image anew with other arguments",
        )
    files, raw, foreign = collections.OrderedDict(), [], []
    paths = _kernel_boot.names_in(place + "/loader/entries", ".conf")
    for path, unique in zip(paths, names([os.path.basename(path)[: -len(".conf")] for path in paths])):
        files[path] = _kernel_boot.read(path)
        one = _kernel_bls.parse(files[path].data or b"", path)
        if one is None:
            continue
        entry = _kernel_entries.Entry(_path(place, one.kernel), unique, one.options)
        if one.name.startswith(token() + "-") and one.version:
            raw.append((entry, one.version, path))
        else:
            foreign.append(entry)
    return State(_kernel_boot.read(CMDLINE), files, raw, foreign, os.uname().release)


def _path(place, kernel):
    return kernel if kernel.startswith(place + "/") or not os.path.exists(place + kernel) else place + kernel


def names(found):
    """Return the entries' names without what boot counting adds to those of their files, where one is left. Pure."""
    plain = [_TRIES.sub("", one) for one in found]
    return [short if plain.count(short) == 1 else one for one, short in zip(found, plain)]


def name(_state):
    return NAME


def entries(state):
    """Return the Entries of this system's kernels."""
    return [entry for entry, _version, _path in state.raw]


def plan(state, wanted):
    """Return the `Plan` that makes the state what is wanted. Pure.

    /etc/kernel/cmdline comes first: where there was none, it is made from an entry, and a run that was killed behind
    the entries would leave nothing that tells the next one to do so.
    """
    before = entries(state)
    if not before:
        raise ContainmentError("loader/entries", "holds no entry of this system's kernels", "see kernel-install(8)")
    stale = _kernel_entries.unsatisfied(wanted, [one.words for one in before])
    text = _source(state, stale)
    words = cmdline.split_file(text)
    _kernel_request.refuse_loss(wanted, words)
    todo = _kernel_entries.unsatisfied(wanted, [words])
    _kernel_request.refuse_disorder(wanted, words, _kernel_request.changed(words, todo))
    writes, planned, warnings = [], [], []
    if todo or (stale and state.cmdline.data is None):
        text = cmdline.edit_file(text, _kernel_request.drops(todo), _kernel_request.added(todo))
        writes.append((state.cmdline, _kernel_boot.data_of(text)))
    for entry, _version, path in state.raw:
        todo = _kernel_entries.unsatisfied(wanted, [entry.words])
        planned.append(entry._replace(words=_kernel_request.changed(entry.words, todo)))
        if todo:
            writes.append((state.files[path], edited(state.files[path], todo, planned[-1].words)))
    if writes:
        warnings += _kernel_entries.disagreement(before, wanted)
        for one in state.foreign:
            if _kernel_entries.unsatisfied(wanted, [one.words]):
                warnings.append(
                    f"the entry {one.entry!r} is not one of kernel-install for this system and stays as it is"
                )
    files = [file.path for file, _data in writes]
    guarded = [file for file, _data in writes]
    return _kernel_entries.Plan(before, planned, files, writes, None, guarded, warnings, False)


def _source(state, stale):
    """Return the text of /etc/kernel/cmdline, made from the running kernel's entry where there is none.

    kernel-install takes /proc/cmdline then, which says what was, not what is asked for; and a made-up line without the
    running one's root= would not boot. Where the entries are not `stale`, nothing is to be made.
    """
    if state.cmdline.data is not None:
        return _kernel_boot.text_of(state.cmdline)
    running = [entry for entry, version, _path in state.raw if version == state.running]
    if not running:
        if not stale:
            return " ".join(entries(state)[0].words) + "\n"
        raise ContainmentError(
            CMDLINE, f"is not there, and there is no entry of {state.running} to take it from", f"write {CMDLINE}"
        )
    words = [word for word in running[0].words if cmdline.name_of(word) != cmdline.canonical(MACHINE_ID)]
    return " ".join(words) + "\n"


def edited(file, todo, planned):
    """Return the bytes of an entry's file with `todo` (Wants) in its options; all else stays as it is. Pure.

    planned: the words that it is to have. Lines of options count as one, joined by blanks. Raises ContainmentError
    where words in quotes go over more than one of them.
    """
    lines = _kernel_boot.text_of(file).splitlines(True)
    found = [(at, _OPTIONS.match(line)) for at, line in enumerate(lines) if _OPTIONS.match(line)]
    if not found:
        lines += ["" if lines[-1].endswith("\n") else "\n", "options "]
        found = [(len(lines) - 1, _OPTIONS.match(lines[-1]))]
    last = next((at for at, line in found if cmdline.INIT in cmdline.split(line.group(2))), found[-1][0])
    drop, add = _kernel_request.drops(todo), _kernel_request.added(todo)
    for at, line in found:
        if at <= last:
            head, words = line.groups()
            words = cmdline.edit(words, drop, add if at == last else [])
            lines[at] = head + (" " if words and head.endswith("options") else "") + words + lines[at][line.end() :]
    text = "".join(lines)
    data = _kernel_boot.data_of(text if text.endswith("\n") else text + "\n")
    if _kernel_bls.parse(data, file.path).options != planned or _IN_QUOTES.search(text):
        raise ContainmentError(
            file.path,
            "has options in quotes that would not survive",
            "write them on one line, not in quotes as a whole",
        )
    return data


def apply(_state, plan, _wanted):
    """Write /etc/kernel/cmdline, then the entries."""
    _kernel_boot.write(plan.writes)
    return []
