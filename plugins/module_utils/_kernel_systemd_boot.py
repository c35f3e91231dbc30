# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""systemd-boot with type 1 entries: /etc/kernel/cmdline, from which kernel-install makes the entry of each kernel."""

import collections
import os

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
IMAGES = ("/usr/lib/modules/{}/vmlinuz", "/boot/vmlinuz-{}")

# cmdline: File. files: {path: File} of the entries. raw: [(Entry, BlsEntry)] of this system's kernels. foreign: Entries
# of others. running: the running kernel's version. images: {version: path or None}.
State = collections.namedtuple("State", "cmdline files raw foreign running images")


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
    for path in _kernel_boot.names_in(place + "/loader/entries", ".conf"):
        files[path] = _kernel_boot.read(path)
        one = _kernel_bls.parse(files[path].data or b"", path)
        if one is None:
            continue
        entry = _kernel_entries.Entry(_path(place, one.kernel), one.name, one.options)
        if one.name.startswith(token() + "-") and one.version:
            raw.append((entry, one))
        else:
            foreign.append(entry)
    images = {one.version: _image(one.version) for _entry, one in raw}
    return State(_kernel_boot.read(CMDLINE), files, raw, foreign, os.uname().release, images)


def _path(place, kernel):
    return kernel if kernel.startswith(place + "/") or not os.path.exists(place + kernel) else place + kernel


def _image(version):
    return next((path.format(version) for path in IMAGES if os.path.isfile(path.format(version))), None)


def name(_state):
    return NAME


def entries(state):
    """Return the Entries of this system's kernels."""
    return [entry for entry, _one in state.raw]


def plan(state, wanted):
    """Return the `Plan` that makes the state what is wanted. Pure."""
    before = entries(state)
    if not before:
        raise ContainmentError("loader/entries", "holds no entry of this system's kernels", "see kernel-install(8)")
    text = _source(state, wanted)
    words = cmdline.split_file(text)
    todo = _kernel_entries.unsatisfied(wanted, [words])
    if todo:
        text = cmdline.edit_file(text, _kernel_request.drops(todo), _kernel_request.added(todo))
        words = cmdline.split_file(text)
    stale = [one for one in before if not all(_kernel_request.satisfied(want, one.words) for want in wanted.values())]
    writes, planned, late, warnings, versions = [], [], [], [], []
    if todo or (stale and state.cmdline.data is None):
        writes.append((state.cmdline, _kernel_boot.data_of(text)))
    for entry, one in state.raw:
        after = entry
        if entry in stale:
            machine = cmdline.named(entry.words, MACHINE_ID) if not cmdline.values(words, MACHINE_ID) else []
            after = entry._replace(words=words + machine)
            if _kernel_request.foreign(after.words, wanted) != _kernel_request.foreign(entry.words, wanted):
                late.append(entry.entry)
            versions.append((one.version, _checked_image(state, one)))
        planned.append(after)
    if late:
        warnings.append(f"entries also take up what others changed in {CMDLINE} since: {', '.join(late)}")
    for one in state.foreign:
        if not all(_kernel_request.satisfied(want, one.words) for want in wanted.values()):
            warnings.append(f"the entry {one.entry!r} is not one of kernel-install for this system and stays as it is")
    changed = [entry.entry + ".conf" for entry in stale]
    files = [file.path for file, _data in writes]
    files += [file.path for path, file in state.files.items() if os.path.basename(path) in changed]
    guarded = [state.cmdline] + list(state.files.values())
    if writes or versions:
        warnings += _kernel_entries.disagreement(before, wanted)
    return _kernel_entries.Plan(before, planned, files, writes, versions or None, guarded, warnings, False)


def _source(state, wanted):
    """Return the text of /etc/kernel/cmdline, made from the running kernel's entry where there is none.

    kernel-install takes /proc/cmdline then, which says what was, not what is asked for; and a made-up line without the
    running one's root= would not boot.
    """
    if state.cmdline.data is not None:
        return _kernel_boot.text_of(state.cmdline)
    running = [entry for entry, one in state.raw if one.version == state.running]
    if not running:
        if not _kernel_entries.unsatisfied(wanted, [one.words for one in entries(state)]):
            return " ".join(entries(state)[0].words) + "\n"
        raise ContainmentError(
            CMDLINE, f"is not there, and there is no entry of {state.running} to take it from", f"write {CMDLINE}"
        )
    words = [word for word in running[0].words if cmdline.name_of(word) != cmdline.canonical(MACHINE_ID)]
    return " ".join(words) + "\n"


def _checked_image(state, one):
    if state.images[one.version] is None:
        raise ContainmentError(
            one.name, f"has no image at {' or '.join(IMAGES).format(one.version, one.version)}", "remove the entry"
        )
    return state.images[one.version]


def apply(state, plan, _wanted):
    """Write /etc/kernel/cmdline and have the entries made anew. Return warnings."""
    _kernel_boot.write(plan.writes)
    program = _kernel_boot.tool("kernel-install") if plan.steps else None
    for version, image in plan.steps or []:
        _kernel_boot.run([program, "add", version, image])
    found = {one.name: one for _entry, one in read().raw}
    for _entry, one in state.raw:
        now = found.get(one.name)
        if now is not None and (now.kernel, now.initrds) != (one.kernel, one.initrds):
            raise ContainmentError(
                one.name,
                f"loads {now.kernel} {' '.join(now.initrds)} after kernel-install, not {one.kernel} "
                + " ".join(one.initrds),
                "see how the entry was made and make it anew with kernel-install",
            )
    return []
