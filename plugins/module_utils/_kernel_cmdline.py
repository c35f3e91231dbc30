# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kernel's command line as the kernel reads it (lib/cmdline.c next_arg, kernel/params.c parse_args). Pure.

A word is what stands between blanks, quotes included: `quiet`, `console=tty0`, `dyndbg="file x +p"`, `"a=b c"`. The
word `--` ends what is the kernel's; the words behind it are init's and belong to no name here.
"""

import re

# isspace() of the kernel without its 0xa0, which no boot loader's file holds as a single byte.
BLANK = " \t\n\v\f\r"
INIT = "--"
# Values that no shell, no boot loader's script and no tool of one gives a meaning to.
PLAIN = re.compile(r"[A-Za-z0-9._:/,@%=+~^!-]*\Z")
_WORD = re.compile(r'(?:[^\s"]|"[^"]*(?:"|\Z))+', re.ASCII)


def spans(text):
    """Return [(start, end)] of the words of `text`. Quotes that stay open reach to the end."""
    return [found.span() for found in _WORD.finditer(text)]


def split(text):
    """Return the words of `text`."""
    return [text[start:end] for start, end in spans(text)]


def divide(word):
    """Return (name as spelled, value) of a word, without quotes; the value is None where there is no `=`."""
    quoted = word.startswith('"')
    if quoted:
        word = word[1:]
    equals = word.find("=", 1)  # An = in front is part of the name.
    if quoted and word.endswith('"'):
        word = word[:-1]
    if equals < 0:
        return word, None
    name, value = word[:equals], word[equals + 1 :]
    if value.startswith('"'):
        value = value[1:]
        if value.endswith('"') and not quoted:
            value = value[:-1]
    return name, value


def canonical(name):
    """Return the one spelling of a name: the kernel takes `-` and `_` for the same (parameq)."""
    return name.replace("-", "_")


def name_of(word):
    """Return the canonical name of a word."""
    return canonical(divide(word)[0])


def value_of(word):
    """Return the value of a word, None where it has none."""
    return divide(word)[1]


def word_for(name, value):
    """Return the word that says that `name` has `value` (None: no value), in quotes where it holds more than plain
    characters."""
    if value is None:
        return name
    return f"{name}={value}" if PLAIN.match(value) else f'{name}="{value}"'


def border(words):
    """Return how many of the words are the kernel's: those before the first `--`."""
    return words.index(INIT) if INIT in words else len(words)


def named(words, name):
    """Return the kernel's words of a canonical name, in order."""
    return [word for word in words[: border(words)] if name_of(word) == name]


def values(words, name):
    """Return the values that a canonical name has, in order."""
    return [value_of(word) for word in named(words, name)]


def edit(text, drop, add):
    """Return `text` without the kernel's words for which `drop(word)` holds and with `add` behind the last one left.

    Everything else stays byte for byte; where both change nothing, so does all of `text`.
    """
    found = spans(text)
    words = [text[start:end] for start, end in found]
    kept, end = "", 0
    last = 0  # Where the last of the kernel's words ends in `kept`.
    for number, (start, stop) in enumerate(found[: border(words)]):
        if drop(words[number]):
            # The blanks in front go with the word; where it is the first, those behind it.
            if not kept.strip(BLANK):
                kept += text[end:start]
                while stop < len(text) and text[stop] in " \t":
                    stop += 1
        else:
            kept += text[end:stop]
            last = len(kept)
        end = stop
    if not last:
        last = len(kept)
    rest = kept[last:] + text[end:]
    kept = kept[:last]
    for word in add:
        kept += (" " if kept and kept[-1] not in BLANK else "") + word
    if add and rest and rest[0] not in BLANK:
        kept += " "
    return kept + rest


def split_file(text):
    """Return the words of /etc/kernel/cmdline: of all its lines but those that begin with #, which are comments."""
    return split(" ".join(line for line in text.splitlines() if not line.startswith("#")))


def edit_file(text, drop, add):
    """Return the text of /etc/kernel/cmdline without the words for which `drop(word)` holds and with `add`.

    Lines that begin with # are comments, which kernel-install of systemd 254 leaves out.
    """
    lines = text.splitlines(True) or [""]
    plain = [at for at, line in enumerate(lines) if not line.startswith("#")]
    if not plain:
        plain = [len(lines)]
        lines.append("")
    plain = [at for at in plain if lines[at].strip()] or plain[:1]
    target = next((at for at in plain if INIT in split(lines[at])), plain[-1])
    for at in plain:
        if at <= target:
            body = lines[at].rstrip("\r\n")
            lines[at] = edit(body, drop, add if at == target else []) + (lines[at][len(body) :] or "\n")
    return "".join(lines)
