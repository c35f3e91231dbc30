# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""GRUB's files as GRUB reads them: grub.cfg, the environment block, and /etc/default/grub of Enterprise Linux. Pure."""

import collections
import re

from ansible_collections.containment.docker.plugins.module_utils import _kernel_cmdline as cmdline
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

# number: of the line, from 1. section: the program below /etc/grub.d that wrote it, None without such marks.
# entry: the id of the menu entry, its title where it has none. words: as the kernel gets them.
MenuLine = collections.namedtuple("MenuLine", "number section entry kernel words")
# start, end: of the value in the text, quotes included. content: without them. linux: not GRUB_CMDLINE_LINUX_DEFAULT.
Assignment = collections.namedtuple("Assignment", "start end content linux resets")

LINUX = ("linux", "linux16", "linuxefi")
IDS = ("$menuentry_id_option", "${menuentry_id_option}", "--id")
ENVIRONMENT_BYTES = 1024
_SECTION = re.compile(r"### (BEGIN|END) /etc/grub\.d/(\S+) ###")
_LINE = re.compile(r"^[ \t]*(menuentry|" + "|".join(LINUX) + r")[ \t]+(.*)$")
_VALUE = (
    r'"(?P<double>(?:[^"\\`$\n]|\\[^`\n]|\$\w+|\$\{[^{}"\\`\n]*\})*)"'
    r"|'(?P<single>[^'\n]*)'"
    r"|(?P<bare>(?:[^\s\"'\\`$;&|<>()#]|\$\w+|\$\{\w+\})*)"
)
_ASSIGNMENT = re.compile(
    r"^[ \t]*(?:export[ \t]+)?GRUB_CMDLINE_LINUX(?P<default>_DEFAULT)?(?P<plus>\+?)="
    r"(?:(?P<value>" + _VALUE + r")(?=[ \t]*(?:;|#.*)?$))?",
    re.MULTILINE,
)


def lex(text):
    """Return the words of a line of GRUB's script language, quotes resolved, variables left as they are.

    Raises ValueError where a quote stays open.
    """
    found, word, at = [], None, 0
    while at < len(text):
        char = text[at]
        at += 1
        if char in " \t":
            if word is not None:
                found.append(word)
            word = None
        elif char == "#" and word is None:
            break
        elif char == "'":
            end = text.find("'", at)
            if end < 0:
                raise ValueError("a quote stays open")
            word = (word or "") + text[at:end]
            at = end + 1
        elif char == '"':
            word = word or ""
            while text[at : at + 1] != '"':
                if at >= len(text):
                    raise ValueError("a quote stays open")
                if text[at] == "\\" and text[at + 1 : at + 2] in ("$", '"', "\\"):
                    at += 1
                word += text[at]
                at += 1
            at += 1
        elif char == "\\" and at < len(text):
            word = (word or "") + text[at]
            at += 1
        else:
            word = (word or "") + char
    return found + ([] if word is None else [word])


def booted(text):
    """Return the words that GRUB gives to the kernel for the arguments in `text`, written as GRUB writes them.

    GRUB takes quotes away and puts its own around a word that holds a blank. Raises ValueError as `lex`.
    """
    found = []
    for word in lex(text):
        word = re.sub(r"([\\'\"])", r"\\\1", word)
        found.append(f'"{word}"' if " " in word else word)
    return found


def menu(text, path):
    """Return the MenuLines of a grub.cfg, one for each line that loads a Linux kernel.

    Raises ContainmentError, with the line's number, for one that cannot be read.
    """
    found, section, entry = [], None, None
    for number, line in enumerate(text.splitlines(), 1):
        mark = _SECTION.match(line)
        if mark:
            section = mark.group(2) if mark.group(1) == "BEGIN" else None
        match = _LINE.match(line)
        if not match:
            continue
        try:
            if match.group(1) == "menuentry":
                words = lex(match.group(2))
                ids = [value for option, value in zip(words, words[1:]) if option in IDS]
                entry = (ids or words)[0]
            else:
                kernel, *words = booted(match.group(2))
                found.append(MenuLine(number, section, entry or "", kernel, words))
        except (ValueError, IndexError) as error:
            raise ContainmentError(
                f"{path}, line {number}", f"cannot be read ({error})", "mend the line or make the file anew"
            ) from error
    return found


def environment(data, path):
    """Return the variables of an environment block (grubenv), {} for None. Raises ContainmentError for another file."""
    if data is None:
        return {}
    text = data.decode("utf-8", "surrogateescape")
    if not text.startswith("# GRUB Environment Block\n") or len(data) != ENVIRONMENT_BYTES:
        raise ContainmentError(
            path, "is not an environment block of GRUB (1024 bytes)", "make it anew with grub2-editenv"
        )
    # Within a value, a backslash stands before a newline and before itself.
    text = re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL) if "\\" in text else text
    pairs = [line.partition("=") for line in text.splitlines() if not line.startswith("#")]
    return {name: value for name, equals, value in pairs if equals}


def assignments(text, path):
    """Return the Assignments of GRUB_CMDLINE_LINUX and GRUB_CMDLINE_LINUX_DEFAULT in a shell file, in order.

    Raises ContainmentError, with the line's number, for a value with a command in it or over several lines. Variables
    and escaped characters stay as they are, such as the \\$tuned_params that tuned adds.
    """
    found = []
    for match in _ASSIGNMENT.finditer(text):
        if match.group("value") is None:
            number = text.count("\n", 0, match.start()) + 1
            raise ContainmentError(
                f"{path}, line {number}",
                "gives the kernel's arguments in more than plain words in quotes",
                'write it as GRUB_CMDLINE_LINUX="name=value ..." on one line',
            )
        content = next(match.group(kind) for kind in ("double", "single", "bare") if match.group(kind) is not None)
        itself = "GRUB_CMDLINE_LINUX" + (match.group("default") or "")
        refers = re.search(r"\$(" + itself + r"\b|\{" + itself + r"[}:])", content)
        resets = not match.group("plus") and not refers
        found.append(
            Assignment(match.start("value"), match.end("value"), content, not match.group("default"), bool(resets))
        )
    return found


def default_words(text, path):
    """Return the words that the kernels' entries get from a shell file with `assignments`."""
    parts = {True: [], False: []}
    for one in assignments(text, path):
        if one.resets:
            parts[one.linux] = []
        parts[one.linux] += cmdline.split(one.content)
    return parts[True] + parts[False]


def edit_defaults(text, path, drop, add):
    """Return a shell file's text without the words for which `drop(word)` holds and with `add` in GRUB_CMDLINE_LINUX.

    All else stays byte for byte. Raises ContainmentError as `assignments`.
    """
    found = assignments(text, path)
    last = max([at for at, one in enumerate(found) if one.linux], default=None)
    for at in reversed(range(len(found))):
        one = found[at]
        content = cmdline.edit(one.content, drop, add if at == last else [])
        if content != one.content:
            quote = "'" if text[one.start : one.start + 1] == "'" else '"'
            text = text[: one.start] + quote + content + quote + text[one.end :]
    if add and last is None:
        newline = "" if not text or text.endswith("\n") else "\n"
        text += f'{newline}GRUB_CMDLINE_LINUX="{" ".join(add)}"\n'
    return text
