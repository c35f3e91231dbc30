# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The drop-in below /etc/default/grub.d, by which grub-mkconfig gives kernels the arguments asked for. Pure.

It declares, in comments of JSON, the words that each name is to have, a line for those of one name that follow each
other, and is read back from these. What it does is sh:
grub-mkconfig reads it last and it takes these names out of what the other files said, so that those stay as they are.
"""

import collections
import itertools
import json
import re

from ansible_collections.containment.docker.plugins.module_utils import _kernel_cmdline as cmdline
from ansible_collections.containment.docker.plugins.module_utils import _kernel_request
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

# names: a frozenset, of all that have no other words than these. words: in their order.
Declared = collections.namedtuple("Declared", "names words")

PATH = "/etc/default/grub.d/zz-containment.cfg"
FIRST = "# Kernel arguments, written by the module containment.docker.kernel_args, which takes changes by hand back."
MARK = "#: "

# POSIX sh that neither globs nor evaluates what it reads, and holds under set -e and set -u. Words are cut as the
# kernel does: at blanks outside of double quotes. What follows the word -- is init's.
_HEAD = r"""
containment_open() {
    containment_text=$1 containment_odd=1
    while :; do
        case $containment_text in
        *\"*) containment_text=${containment_text#*\"} ;;
        *) return "$containment_odd" ;;
        esac
        case $containment_odd in
        1) containment_odd=0 ;;
        *) containment_odd=1 ;;
        esac
    done
}
containment_cut() {
    containment_gap=${containment_rest%%[!@]*}
    containment_rest=${containment_rest#"$containment_gap"}
    containment_word=${containment_rest%%[@]*}
    containment_rest=${containment_rest#"$containment_word"}
}
containment_filter() {
    containment_rest=$1 containment_kept=
    while [ -n "$containment_rest" ]; do
        containment_cut
        containment_whole=$containment_word
        while containment_open "$containment_whole" && [ -n "$containment_rest" ]; do
            containment_cut
            containment_whole=$containment_whole$containment_gap$containment_word
        done
        case $containment_init$containment_whole in
        --)
            containment_whole="$containment_add${containment_add:+ }--"
            containment_add= containment_init=/
            ;;
""".lstrip("\n").replace("@", " \t")
_TAIL = r"""
        esac
        containment_kept=$containment_kept${containment_kept:+${containment_whole:+ }}$containment_whole
    done
    if [ -z "$containment_init" ]; then
        containment_kept=$containment_kept${containment_kept:+${containment_add:+ }}$containment_add
        containment_add=
    fi
}
containment_filter "${GRUB_CMDLINE_LINUX-}"
GRUB_CMDLINE_LINUX=$containment_kept
containment_filter "${GRUB_CMDLINE_LINUX_DEFAULT-}"
GRUB_CMDLINE_LINUX_DEFAULT=$containment_kept
unset -f containment_open containment_cut containment_filter
unset containment_add containment_gap containment_init containment_kept containment_odd containment_rest \
    containment_text containment_whole containment_word
""".lstrip("\n")


def render(declared):
    """Return the bytes of the drop-in that declares what a Declared says, None where it is empty.

    The words are those that `_kernel_request` lets pass: in single quotes they mean themselves.
    """
    if not declared.names:
        return None
    said = [(name, list(words)) for name, words in itertools.groupby(declared.words, cmdline.name_of)]
    gone = [(name, []) for name in sorted(declared.names - {name for name, _words in said})]
    lines = [FIRST] + [MARK + json.dumps({"name": name, "words": words}) for name, words in gone + said]
    patterns = []
    for name in sorted(declared.names):
        name = re.sub("_", "[-_]", name)
        patterns += [name, name + "=*", r"\"" + name + r"\"", r"\"" + name + "=*"]
    lines.append(f"containment_init= containment_add='{' '.join(declared.words)}'")
    text = "\n".join(lines) + "\n" + _HEAD
    text += "        " + " | \\\n            ".join(patterns) + ") continue ;;\n"
    return (text + _TAIL).encode("ascii")


def parse(data, path=PATH):
    """Return the Declared of the drop-in's bytes, an empty one for None.

    Raises ContainmentError for a file that somebody else wrote, with the line's number where one cannot be read.
    """
    names, gone, declared = set(), set(), []
    if data is None:
        return Declared(frozenset(), [])
    lines = data.decode("utf-8", "replace").splitlines()
    if lines[:1] != [FIRST]:
        raise ContainmentError(
            f"{path}, line 1", "is not what the module writes there", "give the file another name, or remove it"
        )
    for number, line in enumerate(lines, 1):
        if not line.startswith(MARK):
            continue
        try:
            one = json.loads(line[len(MARK) :])
            name, words = one["name"], one["words"]
            # The words go back into a file that root's shell reads: let none pass that could not be asked for.
            asked = _kernel_request.wants(words, []) if words else _kernel_request.wants([], [name])
            if list(asked) != [name] or name in (gone if words else names):
                raise ValueError("its name")
        except (ValueError, KeyError, TypeError, AttributeError, ContainmentError) as error:
            raise ContainmentError(
                f"{path}, line {number}",
                f"is not what the module writes there ({error})",
                "restore the file, or remove it",
            ) from error
        names.add(name)
        gone.update([] if words else [name])
        declared += words
    return Declared(frozenset(names), declared)
