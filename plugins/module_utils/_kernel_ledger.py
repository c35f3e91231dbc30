# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ledger of kernel arguments: what each name had before this collection first touched it, and has by it. Pure.

One JSON object a line, sorted by name: {"is": [values], "name": canonical, "spelled": as written, "was": [values]}.
A value is a string, or null for an argument without one. "spelled" is what a word is written with on the way back:
programs that read /proc/cmdline tell `-` from `_`, although the kernel does not.
"""

import collections
import json

from ansible_collections.containment.docker.plugins.module_utils import _kernel_cmdline as cmdline
from ansible_collections.containment.docker.plugins.module_utils import _kernel_request
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

PATH = "/var/lib/containment/kernel_args.json"

# values: lists of str or None.
Line = collections.namedtuple("Line", "name spelled was now")


def parse(data, path=PATH):
    """Return {name: Line} of the ledger's bytes, None for no ledger. Raises ContainmentError with the line's number."""
    found = collections.OrderedDict()
    try:
        lines = (data or b"").decode("utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise _foreign(path, 1, error) from error
    for number, text in enumerate(lines, 1):
        try:
            one = json.loads(text)
            line = Line(one["name"], one["spelled"], _values(one["was"]), _values(one["is"]))
            if cmdline.canonical(line.spelled) != line.name or line.name in found:
                raise ValueError("its name")
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise _foreign(path, number, error) from error
        found[line.name] = line
    return found


def _values(given):
    if not isinstance(given, list) or not all(value is None or isinstance(value, str) for value in given):
        raise ValueError("its values")
    return given


def _foreign(path, number, error):
    return ContainmentError(
        f"{path}, line {number}", f"is not the JSON this collection writes ({error})", "restore it or move it away"
    )


def render(lines):
    """Return the bytes of {name: Line}, None where it is empty."""
    texts = [
        json.dumps({"name": one.name, "spelled": one.spelled, "was": one.was, "is": one.now}, sort_keys=True) + "\n"
        for one in sorted(lines.values())
    ]
    return "".join(texts).encode("ascii") or None


def update(data, changes, path=PATH):
    """Return the ledger's bytes after `changes`, [Line]: what is noted as "was" stays, a name that is back to it goes.

    Raises ContainmentError where `data` is no ledger.
    """
    lines = parse(data, path)
    for change in changes:
        known = lines.pop(change.name, change)
        if change.now != known.was:
            lines[change.name] = known._replace(now=change.now)
    return render(lines)


def inverse(before, after):
    """Return {"present": [words], "absent": [words]}: what brings the boot configuration to what `after` says.

    before, after: the ledger's bytes before an undo and after it, None for no ledger. A name that is in `before` alone
    goes back to its "was", a name in `after` to its "is". Raises ContainmentError where one is no ledger.
    """
    old, new = parse(before), parse(after)
    present, absent = [], []
    for name in sorted(set(old) | set(new)):
        line = new.get(name) or old[name]
        values = line.now if name in new else line.was
        present += [cmdline.word_for(line.spelled, value) for value in values]
        if not values:
            absent.append(line.spelled)
        elif _kernel_request.is_finder(name):
            now = old[name].now if name in old else line.was
            absent += [cmdline.word_for(line.spelled, value) for value in now if value not in values]
    return {"present": _kernel_request.arranged(present), "absent": absent}


def pending(before, after, words):
    """Return the words that a change of the ledger stands for and that a kernel started with `words` does not have.

    before, after: the ledger's bytes, None for no ledger. Raises ContainmentError where one is no ledger.
    """
    old, new = parse(before), parse(after)
    return [
        cmdline.word_for(line.spelled, value)
        for name, line in new.items()
        if (name not in old or old[name].now != line.now) and cmdline.values(words, name) != line.now
        for value in line.now
    ]
