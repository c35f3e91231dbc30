# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts of rpm-ostree: the arguments of the next deployment, changed in one call of rpm-ostree kargs."""

import collections

from ansible_collections.containment.docker.plugins.module_utils import _kernel_boot, _kernel_entries, _kernel_request
from ansible_collections.containment.docker.plugins.module_utils import _kernel_cmdline as cmdline
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

NAME = "rpm-ostree"
CARRIES_QUOTES = False
DEPLOYMENT = "next deployment"

State = collections.namedtuple("State", "words")


def read():
    """Return the `State`: the words that the next boot gets."""
    return State(cmdline.split(_kernel_boot.run([_kernel_boot.tool("rpm-ostree"), "kargs"])))


def name(_state):
    return NAME


def entries(state):
    return [_kernel_entries.Entry("", DEPLOYMENT, state.words)]


def plan(state, wanted):
    """Return the `Plan` that makes the state what is wanted. Pure."""
    _kernel_request.refuse_quotes(wanted, NAME)
    before = entries(state)
    todo = _kernel_entries.unsatisfied(wanted, [state.words])
    after = before[0]._replace(words=_kernel_request.changed(state.words, todo))
    steps = flags(state.words, after.words) if todo else None
    return _kernel_entries.Plan(before, [after], [], [], steps, [], [], False)


def flags(before, after):
    """Return the flags that make `before` `after`. Pure.

    rpm-ostree deletes first and then appends, in the order of the flags. --delete takes one word of that name and
    value.
    """
    common = 0
    left, deleted = list(before), []
    while common < len(left):
        if left[common] in after[common : common + 1]:
            common += 1
        else:
            deleted.append(left.pop(common))
    return ["--delete=" + word for word in deleted] + ["--append=" + word for word in after[common:]]


def apply(state, plan, wanted):
    """Change the arguments of the next deployment; back to what they were where that fails."""
    program = _kernel_boot.tool("rpm-ostree")
    try:
        _kernel_boot.run([program, "kargs"] + plan.steps)
        _kernel_entries.compare(plan, entries(read()), wanted)
    except ContainmentError as error:
        now = read().words
        if now != state.words:
            _kernel_boot.run([program, "kargs"] + flags(now, state.words))
            if read().words != state.words:
                raise ContainmentError(
                    error.subject, error.cause, f"see rpm-ostree kargs, before it said: {' '.join(state.words)}"
                ) from error
        raise
    return []
