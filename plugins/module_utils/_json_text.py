# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Strict JSON (RFC 8259) with places: every error names line and column, every value knows where it stands in the text.

Pure. Lines and columns count from 1, columns in characters. What Go's decoder lets pass and people trip over is refused
too: duplicate names, half surrogate pairs, numbers without end.
"""

import collections
import json
import re

from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

MAX_DEPTH = 100

# start, end: offsets into the text. value: the Python value. members: [Member] of an object, else None. items: [Node]
# of an array, else None.
Node = collections.namedtuple("Node", "start end value members items")
# start: offset of the name's opening quote.
Member = collections.namedtuple("Member", "name start node")
# root: the Node of the top-level object, None where the text holds white space alone (which stands for an empty
# object).
Document = collections.namedtuple("Document", "text root")

_SPACE = re.compile(r"[ \t\r\n]*")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")
_PLAIN = re.compile(r'[^"\\\x00-\x1f]*')
_WORD = re.compile(r"[-+]?[A-Za-z_$][A-Za-z0-9_$]*")
_ESCAPES = {'"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_LITERALS = {"true": True, "false": False, "null": None}


def value(document):
    """Return the top-level object of a `Document` as a dict in the file's order."""
    return document.root.value if document.root is not None else {}


def parse(data, path):
    """Return the `Document` in `data` (bytes, None for no file). Raises ContainmentError with "path, line N, column
    N"."""
    data = data or b""
    if data.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")):
        raise ContainmentError(
            f"{path}, line 1, column 1", "starts with a byte order mark", "save it as UTF-8 without one"
        )
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8")
        raise ContainmentError(
            f"{path}, {_place(before, len(before))}",
            f"byte 0x{data[error.start]:02x} is not UTF-8",
            "save the file as UTF-8",
        ) from error
    return _Parser(text, path).document()


def _place(text, offset):
    line_start = text.rfind("\n", 0, offset) + 1
    line = text.count("\n", 0, offset) + 1
    return f"line {line}, column {offset - line_start + 1}"


class _Parser:
    def __init__(self, text, path):
        self.text, self.path = text, path

    def fail(self, offset, cause, mend):
        raise ContainmentError(f"{self.path}, {_place(self.text, offset)}", cause, mend)

    def skip(self, offset):
        offset = _SPACE.match(self.text, offset).end()
        if self.text.startswith(("//", "/*", "#"), offset):
            self.fail(offset, "a comment, which JSON does not have", "remove it")
        return offset

    def document(self):
        start = self.skip(0)
        if start == len(self.text):
            return Document(self.text, None)
        if self.text[start] != "{":
            self.fail(
                start,
                f"the file has to be one object, but starts with {self.text[start]!r}",
                "put everything between { and }",
            )
        root = self.object(start, 1)
        after = self.skip(root.end)
        if after != len(self.text):
            self.fail(after, f"{self.text[after]!r} after the end of the object", "remove what follows the last }")
        return Document(self.text, root)

    def node(self, offset, depth):
        if depth > MAX_DEPTH:
            self.fail(offset, f"nested deeper than {MAX_DEPTH} levels", "check that this is the right file")
        first = self.text[offset : offset + 1]
        if first == "{":
            return self.object(offset, depth)
        if first == "[":
            return self.array(offset, depth)
        if first == '"':
            string, end = self.string(offset)
            return Node(offset, end, string, None, None)
        number = _NUMBER.match(self.text, offset)
        word = _WORD.match(self.text, offset)
        if number and not word:
            return self.number(offset, number)
        if word and word.group() in _LITERALS:
            return Node(offset, word.end(), _LITERALS[word.group()], None, None)
        return self.bad_value(offset, first, word)

    def number(self, offset, match):
        following = self.text[match.end() : match.end() + 1]
        if following.isalnum() or following in ("_", ".", "+", "-"):
            self.fail(offset, "a malformed number", "write it as in 12, -1 or 0.5, or as a string in double quotes")
        digits, fraction, exponent = match.group(), match.group(1), match.group(2)
        if len(digits) > 300:
            self.fail(offset, f"a number of {len(digits)} characters", "shorten it")
        number = float(digits) if fraction or exponent else int(digits)
        if number in (float("inf"), float("-inf")):
            self.fail(offset, f"{digits} is beyond what a number can hold", "shorten it")
        return Node(offset, match.end(), number, None, None)

    def bad_value(self, offset, first, word):
        if not first:
            self.fail(offset, "the file ends where a value is missing", "complete it")
        if first in "}],:":
            self.fail(offset, f"{first!r} where a value is missing", "give the value")
        if first == "'":
            self.fail(offset, "a string in single quotes", "use double quotes")
        name = word.group() if word else first
        if name.lstrip("+-").lower() in ("nan", "infinity", "inf"):
            self.fail(offset, f"{name}, which JSON does not have", "give a number")
        if name.lower() in ("true", "false", "none", "null", "yes", "no", "on", "off"):
            self.fail(offset, f"{name}, which JSON does not have", "write true, false or null in small letters")
        return self.fail(offset, f"{name!r} is no value", "put strings in double quotes")

    def string(self, offset):
        """Return (value, end) of the string whose opening quote stands at `offset`."""
        parts, at = [], offset + 1
        while True:
            plain = _PLAIN.match(self.text, at)
            parts.append(plain.group())
            at = plain.end()
            stop = self.text[at : at + 1]
            if stop == '"':
                return "".join(parts), at + 1
            if not stop or stop in "\r\n":
                self.fail(offset, "a string without closing quote on its line", 'close it with "')
            if stop != "\\":
                self.fail(at, f"the control character 0x{ord(stop):02x} in a string", f"write it as \\u{ord(stop):04x}")
            char, at = self.escape(at)
            parts.append(char)

    def escape(self, at):
        letter = self.text[at + 1 : at + 2]
        if letter in _ESCAPES and letter:
            return _ESCAPES[letter], at + 2
        high = self.unicode(at)
        if high is None:
            self.fail(
                at, f"{self.text[at : at + 2]!r} is no escape", 'use one of \\" \\\\ \\/ \\b \\f \\n \\r \\t \\uXXXX'
            )
        if not 0xD800 <= high <= 0xDFFF:
            return chr(high), at + 6
        low = self.unicode(at + 6)
        if high > 0xDBFF or low is None or not 0xDC00 <= low <= 0xDFFF:
            self.fail(at, f"{self.text[at : at + 6]} is half a surrogate pair", "write the character itself")
        return chr(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00)), at + 12

    def unicode(self, at):
        match = re.compile(r"\\u([0-9A-Fa-f]{4})").match(self.text, at)
        return int(match.group(1), 16) if match else None

    def separator(self, at, closing, opening):
        """Return the offset after "," or at `closing`. `opening` is where the container starts."""
        char = self.text[at : at + 1]
        if char == closing:
            return at
        if not char:
            self.fail(opening, f"{self.text[opening]!r} is never closed", f"close it with {closing}")
        if char != ",":
            self.fail(at, f"{char!r} where ',' or {closing!r} is missing", "separate the values with a comma")
        following = self.skip(at + 1)
        if self.text[following : following + 1] in ("}", "]"):
            self.fail(at, "a comma after the last value", "remove it")
        return at + 1

    def object(self, start, depth):
        members, lines, at = [], {}, self.skip(start + 1)
        while self.text[at : at + 1] != "}":
            if self.text[at : at + 1] != '"':
                self.bad_name(at, start)
            name, end = self.string(at)
            if name in lines:
                self.fail(
                    at,
                    f"the key {name!r} stands there a second time, first on {_place(self.text, lines[name])}",
                    "keep one of them",
                )
            lines[name] = at
            colon = self.skip(end)
            if self.text[colon : colon + 1] != ":":
                self.fail(colon, f"no ':' after the key {name!r}", "put one between key and value")
            node = self.node(self.skip(colon + 1), depth + 1)
            members.append(Member(name, at, node))
            at = self.skip(self.separator(self.skip(node.end), "}", start))
        return Node(
            start,
            at + 1,
            collections.OrderedDict((member.name, member.node.value) for member in members),
            members,
            None,
        )

    def bad_name(self, at, start):
        char = self.text[at : at + 1]
        if not char:
            self.fail(start, "'{' is never closed", "close it with }")
        if char == ",":
            self.fail(at, "a comma without a key before it", "remove it")
        self.fail(at, f"{char!r} where a key is missing", "put keys in double quotes")

    def array(self, start, depth):
        items, at = [], self.skip(start + 1)
        while self.text[at : at + 1] != "]":
            items.append(self.node(at, depth + 1))
            at = self.skip(self.separator(self.skip(items[-1].end), "]", start))
        return Node(start, at + 1, [item.value for item in items], None, items)


def same(one, two):
    """Whether two JSON values are equal with their types: true is not 1, 1 is not 1.0. The order of keys does not
    count."""
    if isinstance(one, dict) and isinstance(two, dict):
        return one.keys() == two.keys() and all(same(one[name], two[name]) for name in one)
    if isinstance(one, list) and isinstance(two, list):
        return len(one) == len(two) and all(same(*pair) for pair in zip(one, two))
    if isinstance(one, (bool, int, float)) or isinstance(two, (bool, int, float)):
        return type(one) is type(two) and one == two
    return one == two


def dumps(one):
    """Return a value as JSON on one line, for messages and edits."""
    return json.dumps(one, ensure_ascii=False, allow_nan=False)
