# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How grubby is asked, and what it cannot be asked for. Pure.

There are two. A shell script changes boot loader entries (Enterprise Linux 8 to 10): it takes what it is given for
extended regular expressions, looks at the text between blanks, and gives the result to sed. A program changes grub.cfg
(7): it compares letter by letter, puts a new word in the place of one of its name, and takes out one word for each that
it is given; before 7.4 it takes NAME=VALUE there for NAME. It is asked in two calls, to take out and to add.
"""

import collections
import itertools
import re

from ansible_collections.containment.docker.plugins.module_utils import _kernel_bls, _kernel_request
from ansible_collections.containment.docker.plugins.module_utils import _kernel_cmdline as cmdline
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

UPDATE = "--update-kernel=ALL"
_SPECIAL = re.compile(r"([.+^])")  # Of what may be asked for, that which means more in a regular expression.


def whole_names(todo, lines):
    """Return Wants that take names out whole and say again which words stay: the program cannot take a value out.

    Raises ContainmentError where other words would stay on one line than on another, or such as it does not carry.
    """
    places = itertools.count(1 + max([place for want in todo for place in want.places], default=0))
    return [want if want.words is not None or want.gone is None else _whole(want, lines, places) for want in todo]


def _whole(want, lines, places):
    rests = [_kernel_request.final_words(want, words) for words in lines if cmdline.named(words, want.name)]
    if any(rest != rests[0] for rest in rests) or (rests[0] and len(rests) < len(lines)):
        raise ContainmentError(
            want.spelled,
            "has not the same other values in all entries, where grubby takes a name out whole",
            "name all values that it is to have under present",
        )
    for word in rests[0]:
        if not cmdline.PLAIN.match(cmdline.value_of(word) or ""):
            raise ContainmentError(
                want.spelled, f"has {word!r}, which grubby could not write again", "change it by hand"
            )
    return want._replace(words=rests[0] or None, gone=None, places=[next(places) for _word in rests[0]])


def removals(todo, lines):
    """Return the words to name to grubby so that all that `todo` takes out of the lines goes.

    It takes out one word, or every other of those side by side, for each that it is given: each stands here as often as
    on the line that has most of it. Each spelling of a name is named.
    """
    by_name, drop = {want.name: want for want in todo}, _kernel_request.drops(todo)
    most = collections.OrderedDict()
    for words in lines:
        here = collections.OrderedDict()
        for word in words[: cmdline.border(words)]:
            if drop(word):
                want = by_name[cmdline.name_of(word)]
                named = word if want.words is None and want.gone is not None else cmdline.divide(word)[0]
                here[named] = here.get(named, 0) + 1
        for named, count in here.items():
            most[named] = max(count, most.get(named, 0))
    return [named for named, count in most.items() for _time in range(count)]


def for_entries(todo, lines):
    """Return the argument vectors, without the program, with which the script brings `todo` about."""
    remove = [_SPECIAL.sub(r"\\\1", word) for word in removals(todo, lines)]
    return [_call(remove, _kernel_request.added(todo))]


def for_menu(todo, lines):
    """Return the argument vectors with which the program brings `todo` about: in one call it would add first."""
    remove, add = removals(todo, lines), _kernel_request.added(todo)
    return [_call(*words) for words in ((remove, []), ([], add)) if any(words)]


def _call(remove, add):
    found = [UPDATE]
    if remove:
        found.append("--remove-args=" + " ".join(remove))
    if add:
        found.append("--args=" + " ".join(add))
    return found


def refuse_hidden(where, words, todo, patterns):
    """Raise ContainmentError for words with blanks that grubby, which cuts there, would change or not find.

    patterns: whether it takes names for regular expressions: then for words of other names, too. Names that are to go
    are looked at like others, as a way back adds them.
    """
    drop = _kernel_request.drops(todo)
    takes = [_takes(want, patterns) for want in todo]
    for word in words:
        pieces = word.split()
        if drop(word) and (len(pieces) > 1 or word.startswith('"')):
            raise ContainmentError(where, f"has {word!r}, whose end grubby does not see", "take it out by hand first")
        for piece in () if drop(word) or cmdline.name_of(word) in {want.name for want in todo} else pieces:
            if any(one.match(piece.strip('"')) for one in takes):
                raise ContainmentError(
                    where, f"has {word!r}, of which grubby would take {piece!r} away", "take it out by hand first"
                )


def _takes(want, patterns):
    name = re.escape(want.spelled)
    if patterns:
        name = name.replace(r"\.", ".")
    return re.compile(name + r"(=|\Z)")


def refuse_garbled(where, words, sed):
    """Raise ContainmentError for words of others that the script would not write again as they are.

    sed: whether its result goes through sed, as for all but $kernelopts.
    """
    for word in words:
        pieces = word.split()
        spread = any("=" not in piece and re.search(r"[*?\[]", piece) for piece in pieces)
        if " ".join(pieces) != word or spread or (sed and re.search(r"[&\\]", word)):
            raise ContainmentError(
                where, f"has {word!r}, which grubby would not keep as it is", "take it out or write it otherwise"
            )


def refuse_lines(path, lines, adds):
    """Raise ContainmentError for a boot loader entry whose options (lines, as written) the script does not find whole.

    adds: whether it is to add words.
    """
    whole = len(lines) == 1 and lines[0].startswith("options ") and "\r" not in lines[0]
    if not whole and (lines or adds):
        raise ContainmentError(
            path,
            "has its arguments not on one line that begins with options and a blank, and grubby changes no other",
            "write them so",
        )


def refuse_tuned_and_beside(entry, options, environment, want):
    """Raise ContainmentError for a name that tuned sets, or that stands beside $kernelopts."""
    variables = [_kernel_bls.variable(word) for word in options]
    tuned = cmdline.split(environment.get(_kernel_bls.TUNED, ""))
    if _kernel_bls.TUNED in variables and cmdline.named(tuned, want.name):
        raise ContainmentError(
            want.spelled, f"is set by tuned for {entry.entry}", "change the tuned profile, or leave it to that"
        )
    if _kernel_bls.KERNELOPTS in variables and cmdline.named(options, want.name):
        raise ContainmentError(
            want.spelled,
            f"stands beside $kernelopts in {entry.entry}, where grubby does not change it for all",
            f"take it out with grubby --update-kernel={entry.kernel} --remove-args={want.spelled}",
        )


def refuse_init(entry, todo):
    """Raise ContainmentError for arguments of init that grubby, which does not know --, would change."""
    end = cmdline.border(entry.words)
    behind = [cmdline.name_of(word) for word in entry.words[end + 1 :]]
    if end < len(entry.words) and any(want.words or want.name in behind for want in todo):
        raise ContainmentError(
            entry.entry, "has arguments for init behind --, where grubby would change things", "move them"
        )
