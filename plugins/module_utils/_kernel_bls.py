# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Entries of the Boot Loader Specification, type 1: one file for each kernel. Pure."""

import collections
import re

from ansible_collections.containment.docker.plugins.module_utils import _kernel_cmdline as cmdline
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

# name: the file's without .conf. options: words as written, variables such as $kernelopts unresolved.
BlsEntry = collections.namedtuple("BlsEntry", "name kernel version options")

KERNELOPTS, TUNED = "kernelopts", "tuned_params"
RESCUE = "-0-rescue"


def parse(data, path):
    """Return the BlsEntry of a file's bytes, None where it loads no Linux kernel (another system's, an EFI program).

    Raises ContainmentError for a file that is no entry.
    """
    fields = collections.defaultdict(list)
    for line in data.decode("utf-8", "surrogateescape").splitlines():
        words = line.split(None, 1)
        if words:
            fields[words[0]].append(words[1].strip() if len(words) == 2 else "")
    if not fields["linux"] and not fields["efi"] and not fields["uki"]:
        raise ContainmentError(
            path, "has no line linux and none efi: it is no boot entry", "mend it or move it out of the directory"
        )
    if not fields["linux"]:
        return None
    return BlsEntry(
        path.rpartition("/")[2][: -len(".conf")],
        fields["linux"][-1],
        (fields["version"] or [""])[-1],
        cmdline.split(" ".join(fields["options"])),
    )


def variable(word):
    """Return the name of the variable that a word stands for, None for any other word."""
    if not word.startswith("$"):
        return None
    return word.strip("${}")


def expand(options, environment):
    """Return the words as the kernel gets them: GRUB puts in the variables of its environment block."""
    found = []
    for word in options:
        name = variable(word)
        found += [word] if name is None else cmdline.split(environment.get(name, ""))
    return found


def options_lines(data):
    """Return the lines with options of a file's bytes, as written."""
    lines = data.decode("utf-8", "surrogateescape").split("\n")
    return [line for line in lines if line.lstrip().startswith("options")]


def default(names, saved):
    """Return the name of the entry that boots by default: the one that grubenv names (saved_entry), else the newest."""
    return saved if saved in names else max(names, key=_age)


def _age(name):
    """Return what sorts names by version, those of rescue entries first."""
    parts = re.split(r"([0-9]+)", name)
    return RESCUE not in name, [(part.isdigit(), int(part) if part.isdigit() else 0, part) for part in parts]
