# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every boot loader's plan is made of: the kernels' entries before and after. Pure."""

import collections

from ansible_collections.containment.docker.plugins.module_utils import _kernel_cmdline as cmdline
from ansible_collections.containment.docker.plugins.module_utils import _kernel_request
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

COMMAND_LINE = 2047  # COMMAND_LINE_SIZE of x86 and arm64, less the byte that ends it.

# kernel: path of its image. entry: name of the entry, unique. words: those of its command line.
Entry = collections.namedtuple("Entry", "kernel entry words")
# before, after: [Entry], one beside the other. files: paths whose content changes. writes: [(File, data)] that the
# module writes itself. steps: what else the loader has to do, its own matter; None for nothing. guarded: [File] to put
# back when a step fails. warnings: sentences. pending: others' edits are taken up too, so that only the names asked for
# can be foretold.
Plan = collections.namedtuple("Plan", "before after files writes steps guarded warnings pending")


def unsatisfied(wanted, lines):
    """Return the Wants that one of the command lines (lists of words) does not say yet, in their order."""
    return [want for want in wanted.values() if not all(_kernel_request.satisfied(want, words) for words in lines)]


def was(entries, name):
    """Return (values, spelling or None) that a name has on most entries, on the first of them where as many differ."""
    counts = collections.Counter(tuple(cmdline.values(one.words, name)) for one in entries)
    most = max(counts.values(), default=0)
    for one in entries:
        values = cmdline.values(one.words, name)
        if counts[tuple(values)] == most:
            words = cmdline.named(one.words, name)
            return values, cmdline.divide(words[0])[0] if words else None
    return [], None


def disagreement(entries, wanted):
    """Return the warning, in a list, that entries do not agree on names asked for; none where they do."""
    names = [
        want.spelled
        for want in wanted.values()
        if len({tuple(cmdline.values(one.words, want.name)) for one in entries}) > 1
    ]
    told = f"entries do not agree on {', '.join(names)}: a way back gives all of them what most had"
    return [told] if names else []


def shown(entries):
    """Return the entries as text for a diff, one line each."""
    return "".join(f"{one.entry}: {' '.join(one.words)}\n" for one in entries)


def unique(entries):
    """Return the entries with a number behind names that were there before: GRUB allows an id to be used again."""
    found, seen = [], collections.Counter()
    for one in entries:
        seen[one.entry] += 1
        again = seen[one.entry]
        found.append(one if again == 1 else one._replace(entry=f"{one.entry} ({again})"))
    return found


def refuse_unreached(plan, wanted):
    """Raise ContainmentError where a planned entry would not say what is asked for."""
    for one in plan.after:
        for want in unsatisfied(wanted, [one.words]):
            raise ContainmentError(
                want.spelled,
                f"would not be as asked for in {one.entry}, which would say {' '.join(one.words)!r}",
                "see where that entry has its arguments from",
            )


def refuse_long(plan):
    """Raise ContainmentError where a command line would become longer than the kernel reads; the rest would be lost."""
    for old, new in zip(plan.before, plan.after):
        before, after = (len(" ".join(one.words).encode("utf-8", "surrogateescape")) for one in (old, new))
        if after > COMMAND_LINE and after > before:
            raise ContainmentError(
                new.entry,
                f"would have a command line of {after} bytes, and the kernel reads {COMMAND_LINE}",
                "take arguments out",
            )


def compare(plan, found, wanted):
    """Raise ContainmentError where the entries that are there now do not say what was planned.

    A planned entry that is gone counts; one that came with it has to satisfy what was asked for.
    """
    now = {one.entry: one for one in found}
    same = _kernel_request.same_values if plan.pending else _kernel_request.same
    for one in plan.after:
        there = now.pop(one.entry, None)
        if there is None or not same(there.words, one.words, wanted):
            said = "is gone" if there is None else f"says {' '.join(there.words)!r}, not {' '.join(one.words)!r}"
            raise ContainmentError(
                one.entry, f"{said} after the boot loader's tool ran", "see what else writes the boot files"
            )
    for one in now.values():
        if unsatisfied(wanted, [one.words]):
            raise ContainmentError(
                one.entry,
                f"came with the boot loader's tool and says {' '.join(one.words)!r}",
                "see what else writes the boot files",
            )
