# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is asked of the kernel's command line, and what it makes of one. Pure."""

import collections
import re

from ansible_collections.containment.docker.plugins.module_utils import _kernel_cmdline as cmdline
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

# name: canonical. spelled: as asked for. words: all the words that the name is to have, in order, None where values are
# to go. gone: None for every value, else the values that are to go; of no meaning beside `words`.
Want = collections.namedtuple("Want", "name spelled words gone")

# Arguments that the boot loader makes itself from where the root file system and the images are.
BOOT_LOADERS = ("BOOT_IMAGE", "initrd", "ostree", "root")
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:-]*\Z")
# In double quotes: ASCII that can be printed, without $ ` \ ' and ".
_QUOTED = re.compile(r"[ !#%&(-\[\]^_a-{|}~]*\Z")


def wants(present, absent):
    """Return {canonical name: Want} in the order asked for. Raises ContainmentError for what cannot be asked."""
    found = collections.OrderedDict()
    for word in present:
        name = _checked("present", word)
        spelled = cmdline.divide(word)[0]
        before = found.get(name)
        found[name] = Want(name, spelled, (before.words if before else []) + [word], None)
    for word in absent:
        name = _checked("absent", word)
        spelled, value = cmdline.divide(word)
        before = found.get(name)
        if before is not None and before.words is not None:
            raise ContainmentError(
                "absent",
                f"{word!r} has the name of {before.words[0]!r} under present, which takes all other values out",
                "name it under one of the two",
            )
        gone = None if value is None or (before and before.gone is None) else (before.gone if before else []) + [value]
        found[name] = Want(name, spelled, None, gone)
    if not found:
        raise ContainmentError("present", "and absent are both empty", "name at least one argument")
    return found


def _checked(key, word):
    """Return the canonical name of a word that can be asked for."""
    name, value = cmdline.divide(word)
    if len(cmdline.split(word)) != 1 or word != word.strip(cmdline.BLANK):
        raise ContainmentError(
            key, f"{word!r} is not one argument", 'give one a line, and a value with blanks as name="a value"'
        )
    if not _NAME.match(name):
        raise ContainmentError(key, f"{word!r} has no name of letters, digits and _ - . :", "give name or name=value")
    if cmdline.canonical(name) in BOOT_LOADERS:
        raise ContainmentError(
            key, f"{name!r} is what the boot loader makes itself from where things are", "change it in its own settings"
        )
    text = word[len(name) + 1 :] if value is not None else ""
    quoted = text.startswith('"') and text.endswith('"') and len(text) > 1
    if word.startswith('"') or not (_QUOTED.match(text[1:-1]) if quoted else cmdline.PLAIN.match(text)):
        raise ContainmentError(
            key,
            f"{word!r} holds a character that shells or boot loaders give a meaning to",
            'use letters, digits and . _ : / , @ % = + ~ ^ ! -, and name="..." for blanks and others; '
            "never $ ` \\ ' or a quote inside",
        )
    return cmdline.canonical(name)


def refuse_quotes(wanted, tool):
    """Raise ContainmentError where a word needs quotes, which `tool` (None: any does) does not carry: it cuts words at
    blanks."""
    for want in wanted.values() if tool else ():
        for word in want.words or [cmdline.word_for(want.spelled, value) for value in want.gone or []]:
            if '"' in word or " " in word:
                raise ContainmentError(
                    "present" if want.words else "absent",
                    f"{word!r} has quotes or blanks, which {tool} does not carry",
                    "use a value without them",
                )


def refuse_lost(name, values, quotes):
    """Raise ContainmentError where the values that a name has now could not be asked for on the way back.

    quotes: whether the boot loader's tool carries words in quotes.
    """
    for value in values:
        word = cmdline.word_for(name, value)
        try:
            refuse_quotes(wants([word], []), None if quotes else "the tool")
        except ContainmentError as error:
            raise ContainmentError(
                name, f"is {word!r} now, which could not be brought back ({error.cause})", "take it out by hand first"
            ) from error


def final(want, current):
    """Return the values that the name is to have where it has the values `current`."""
    if want.words is not None:
        return [cmdline.value_of(word) for word in want.words]
    return [] if want.gone is None else [value for value in current if value not in want.gone]


def satisfied(want, words):
    """Tell whether a command line (words) says of the name what is asked for."""
    current = cmdline.values(words, want.name)
    return current == final(want, current)


def final_words(want, words):
    """Return the words of the name that a command line is to have."""
    if want.words is not None:
        return list(want.words)
    return [word for word in cmdline.named(words, want.name) if not _goes(want, word)]


def _goes(want, word):
    return want.gone is None or cmdline.value_of(word) in want.gone


def drops(todo):
    """Return the predicate `drop(word)` of the words that `todo` (Wants) takes out, those to be replaced included."""
    by_name = {want.name: want for want in todo}

    def drop(word):
        want = by_name.get(cmdline.name_of(word))
        return want is not None and _goes(want, word)

    return drop


def added(todo):
    """Return the words that `todo` (Wants) appends."""
    return [word for want in todo for word in want.words or []]


def changed(words, todo):
    """Return the words after `todo` (Wants): dropped ones gone, new ones at the end of the kernel's part."""
    drop, end = drops(todo), cmdline.border(words)
    return [word for word in words[:end] if not drop(word)] + added(todo) + words[end:]


def replaced(words, todo):
    """As `changed`, but a new word takes the place of an old one of its name where there is one (grubby of EL7)."""
    end = cmdline.border(words)
    front, used = list(words[:end]), set()
    drop = drops([want for want in todo if want.words is None])
    front = [word for word in front if not drop(word)]
    for word in added(todo):
        name = cmdline.name_of(word)
        place = next((at for at, one in enumerate(front) if at not in used and cmdline.name_of(one) == name), None)
        if place is None:
            place = len(front)
            front.append(word)
        front[place] = word
        used.add(place)
    names = {want.name for want in todo if want.words is not None}
    return [word for at, word in enumerate(front) if at in used or cmdline.name_of(word) not in names] + words[end:]


def foreign(words, wanted):
    """Return the words that are not of a name asked for, init's included."""
    end = cmdline.border(words)
    return [word for word in words[:end] if cmdline.name_of(word) not in wanted] + words[end:]


def same_values(words, planned, wanted):
    """Tell whether the names asked for have the same values on two command lines."""
    return all(cmdline.values(words, name) == cmdline.values(planned, name) for name in wanted)


def same(words, planned, wanted):
    """Tell whether two command lines say the same: the asked names' values, and the others in order and spelling.

    Variables of the boot loader are not looked at: $vt_handoff comes and goes with `splash`.
    """
    others, theirs = ([word for word in foreign(line, wanted) if not word.startswith("$")] for line in (words, planned))
    return others == theirs and same_values(words, planned, wanted)
