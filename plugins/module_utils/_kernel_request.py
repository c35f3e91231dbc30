# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is asked of the kernel's command line, and what it makes of one. Pure."""

import collections
import re

from ansible_collections.containment.docker.plugins.module_utils import _kernel_cmdline as cmdline
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

# name: canonical. spelled: as asked for. words: all the words that the name is to have, in order, None where values are
# to go. gone: the values that are to go, beside `words` those that may go; None for every value. places: those of
# `words` in what was asked for.
Want = collections.namedtuple("Want", "name spelled words gone places")

# Arguments that the boot loader makes itself from where the root file system and the images are.
BOOT_LOADERS = ("BOOT_IMAGE", "initrd", "ostree", "root")
# Arguments of several values, by each of which the initial RAM disk finds a part of what the system boots from
# (dracut.cmdline(7), systemd-cryptsetup-generator(8), cryptsetup's README.initramfs). One that is listed says nothing
# of the others.
FINDERS = ("bond", "bridge", "cryptopts", "ifname", "ip", "md", "netroot", "team", "vlan")
FINDERS_BEGIN = ("rd.", "luks.")
# The second counts pages of the size in the first one in front of it (admin-guide/mm/hugetlbpage.rst).
PAIRED = ("hugepagesz", "hugepages")
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:-]*\Z")
# In double quotes: ASCII that can be printed, without $ ` \ ' and ".
_QUOTED = re.compile(r"[ !#%&(-\[\]^_a-{|}~]*\Z")


def wants(present, absent):
    """Return {canonical name: Want} in the order asked for. Raises ContainmentError for what cannot be asked."""
    found = collections.OrderedDict()
    for place, word in enumerate(present):
        name = _checked("present", word)
        spelled = cmdline.divide(word)[0]
        before = found.get(name) or Want(name, spelled, [], [] if is_finder(name) else None, [])
        found[name] = Want(name, spelled, before.words + [word], before.gone, before.places + [place])
    for word in absent:
        name = _checked("absent", word)
        spelled, value = cmdline.divide(word)
        before = found.get(name) or Want(name, spelled, None, [], [])
        if before.words is not None:
            cause = None if is_finder(name) else "which takes all other values out"
            if value is not None and value in [cmdline.value_of(one) for one in before.words]:
                cause = "which asks for that value"
            if cause:
                told = f"{word!r} has the name of {before.words[0]!r} under present, {cause}"
                raise ContainmentError("absent", told, "name it under one of the two")
        gone = None if value is None or before.gone is None else before.gone + [value]
        found[name] = before._replace(spelled=before.spelled if before.words else spelled, gone=gone)
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


def is_finder(name):
    """Tell whether a canonical name is one whose values are never dropped unless they are named."""
    return name in FINDERS or name.startswith(FINDERS_BEGIN)


def refuse_loss(wanted, words):
    """Raise ContainmentError where a word would go by which the system may find what it boots from, and nobody said
    so."""
    for want in wanted.values():
        if want.words is None or want.gone is None:
            continue
        named = [cmdline.value_of(word) for word in want.words] + want.gone
        for word in cmdline.named(words, want.name):
            if cmdline.value_of(word) not in named:
                raise ContainmentError(
                    "present",
                    f"does not list {word!r}, by which the system may find what it boots from",
                    "list it too, or put it under absent",
                )


def is_disordered(wanted, before, after):
    """Tell whether a command line that was `before` and is to be `after` has pages of other sizes than asked for.

    Where all names of PAIRED that are there are asked for, their order is to be the one asked for; else theirs stays.
    """
    asked = _paired(added(want for name, want in wanted.items() if name in PAIRED))
    now = _paired(after)
    if not asked or not now:
        return False
    if {name for name, _value in now} <= {name for name, _value in asked}:
        return now != asked
    return [name for name, _value in now] != [name for name, _value in _paired(before)]


def refuse_disorder(wanted, before, after):
    """Raise ContainmentError where `is_disordered`."""
    if is_disordered(wanted, before, after):
        told = " ".join(word for word in after if cmdline.name_of(word) in PAIRED)
        raise ContainmentError(
            "present",
            f"would come out as {told!r}, which gives pages of other sizes",
            "list hugepagesz and hugepages together; where both are there already, take them out under absent first",
        )


def _paired(words):
    """Return [(name, value)] of the kernel's words that are of PAIRED."""
    names = [(cmdline.name_of(word), cmdline.value_of(word)) for word in words[: cmdline.border(words)]]
    return [one for one in names if one[0] in PAIRED]


def arranged(words):
    """Return the words with those of PAIRED at the end, each size in front of its number."""
    sizes, counts = ([word for word in words if cmdline.name_of(word) == name] for name in PAIRED)
    pairs = [word for pair in zip(sizes, counts) for word in pair]
    both = min(len(sizes), len(counts))
    others = [word for word in words if cmdline.name_of(word) not in PAIRED]
    return others + pairs + sizes[both:] + counts[both:]


def refuse_unpaired(words):
    """Raise ContainmentError where words of PAIRED stand in an order that could not be asked for on the way back."""
    if _paired(words) != _paired(arranged(words[: cmdline.border(words)])):
        told = " ".join(word for word in words if cmdline.name_of(word) in PAIRED)
        raise ContainmentError(
            "hugepages", f"is {told!r} now, an order that could not be brought back", "take it out by hand first"
        )


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
    return want.words is not None or want.gone is None or cmdline.value_of(word) in want.gone


def drops(todo):
    """Return the predicate `drop(word)` of the words that `todo` (Wants) takes out, those to be replaced included."""
    by_name = {want.name: want for want in todo}

    def drop(word):
        want = by_name.get(cmdline.name_of(word))
        return want is not None and _goes(want, word)

    return drop


def added(todo):
    """Return the words that `todo` (Wants) appends, in the order asked for."""
    found = [placed for want in todo for placed in zip(want.places, want.words or [])]
    return [word for _place, word in sorted(found)]


def changed(words, todo):
    """Return the words after `todo` (Wants): dropped ones gone, new ones at the end of the kernel's part."""
    drop, end = drops(todo), cmdline.border(words)
    return [word for word in words[:end] if not drop(word)] + added(todo) + words[end:]


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
