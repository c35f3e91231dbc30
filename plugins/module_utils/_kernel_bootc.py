# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds of bootc images: a file below /usr/lib/bootc/kargs.d, whose arguments hosts get when they take the image."""

import collections
import json
import re

from ansible_collections.containment.docker.plugins.module_utils import _kernel_boot, _kernel_entries, _kernel_request
from ansible_collections.containment.docker.plugins.module_utils import _kernel_cmdline as cmdline
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

NAME = "bootc"
CARRIES_QUOTES = False
DIRECTORY = "/usr/lib/bootc/kargs.d"
PATH = DIRECTORY + "/50-containment.toml"
_STRING = r"\"(?:[^\"\\\n]|\\[\"\\])*\"|'[^'\n]*'"
_LIST = re.compile(r"^kargs[ \t]*=[ \t]*\[((?:\s|,|#.*|" + _STRING + r")*)\]", re.MULTILINE)

# file: ours. ours: its words. others: [(path, words)].
State = collections.namedtuple("State", "file ours others")


def read():
    """Return the `State`. Raises ContainmentError for a file whose list of arguments cannot be read."""
    others = []
    for path in _kernel_boot.names_in(DIRECTORY, ".toml"):
        if path != PATH:
            others.append((path, parse(_kernel_boot.text_of(_kernel_boot.read(path)), path)))
    file = _kernel_boot.read(PATH)
    return State(file, parse(_kernel_boot.text_of(file), PATH) if file.data is not None else [], others)


def parse(text, path):
    """Return the words of a file's `kargs`. Pure."""
    found = _LIST.search(text)
    if not found:
        raise ContainmentError(path, "has no list kargs that can be read", 'write it as kargs = ["name=value"]')
    words = []
    for string in filter(None, re.findall(r"#.*|(" + _STRING + ")", found.group(1))):
        words += cmdline.split(json.loads(string) if string.startswith('"') else string[1:-1])
    return words


def render(words):
    """Return the bytes of our file, None where it has nothing to say. Pure."""
    if not words:
        return None
    return (
        "# Kernel arguments, written by the module containment.docker.kernel_args.\n"
        f"kargs = [{', '.join(json.dumps(word) for word in words)}]\n"
    ).encode("ascii")


def name(_state):
    return NAME


def entries(state):
    return [_kernel_entries.Entry("", PATH, state.ours)]


def plan(state, wanted):
    """Return the `Plan` that makes the state what is wanted. Pure."""
    _kernel_request.refuse_quotes(wanted, NAME)
    todo = []
    _kernel_request.refuse_loss(wanted, state.ours)
    for want in wanted.values():
        there = [(path, cmdline.named(words, want.name)) for path, words in state.others]
        path, words = next(((path, words) for path, words in there if words), (None, []))
        if path is None:
            todo += [] if _kernel_request.satisfied(want, state.ours) else [want]
        elif not _kernel_request.satisfied(want, state.ours + words):
            raise ContainmentError(
                want.spelled,
                f"is set by {path}, and lists of kargs.d are only ever added up",
                "change it there",
            )
    before = entries(state)
    after = before[0]._replace(words=_kernel_request.changed(state.ours, todo))
    writes = [(state.file, render(after.words))] if todo else []
    return _kernel_entries.Plan(
        before, [after], [state.file.path] if todo else [], writes, None, [state.file], [], False
    )


def apply(_state, plan, _wanted):
    _kernel_boot.write(plan.writes)
    return []
