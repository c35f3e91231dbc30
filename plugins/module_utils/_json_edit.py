# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make a JSON text say something else and leave everything else in it byte for byte: order, indentation, line endings,
last newline.

Pure. A member that keeps its value keeps its text. New members follow the last one, laid out as it is.
"""

import collections

from ansible_collections.containment.docker.plugins.module_utils._json_text import dumps, same

# newline: "\n" or "\r\n". unit: one level of indentation. colon: what stands between name and value. spread: one member
# per line.
Style = collections.namedtuple("Style", "newline unit colon spread")
_DEFAULT = Style("\n", "  ", ": ", True)


def render(document, after):
    """Return the bytes of `document` (a `_json_text.Document`), changed so that it holds the dict `after`.

    Where it holds `after` already, that is its own text. An empty document becomes two-space JSON with a last newline.
    """
    text, root = document
    if root is None:
        return (_dump(after, _DEFAULT, "") + "\n").encode("utf-8") if after or not text else text.encode("utf-8")
    changed = _object(text, root, after, _style(text, root), "")
    return (text[: root.start] + changed + text[root.end :]).encode("utf-8")


def _style(text, root):
    newline = "\r\n" if "\r\n" in text else "\n"
    if not root.members:
        return _DEFAULT._replace(newline=newline)
    lead = text[root.start + 1 : root.members[0].start]
    colon = _colon(text, root.members[0])
    unit = lead.rpartition("\n")[2] if "\n" in lead else _DEFAULT.unit
    return Style(newline, unit, colon, "\n" in lead)


def _colon(text, member):
    """The text between a member's name and value, without line breaks."""
    end = member.start + len(_name_text(text, member))
    between = text[end : member.node.start]
    return between if "\n" not in between else _DEFAULT.colon


def _name_text(text, member):
    at = member.start + 1
    while text[at] != '"':
        at += 2 if text[at] == "\\" else 1
    return text[member.start : at + 1]


def _gaps(text, node):
    """Return (leads, tails): the white space before each member's name, and after each member's value."""
    leads, tails, start = [], [], node.start + 1
    for position, member in enumerate(node.members):
        leads.append(text[start : member.start])
        last = position + 1 == len(node.members)
        end = node.end - 1 if last else text.index(",", member.node.end)
        tails.append(text[member.node.end : end])
        start = end + 1
    return leads, tails


def _object(text, node, after, style, indent):
    """Return the text of the object `node`, changed to hold `after`. `indent` is that of the line it starts on."""
    if same(node.value, after):
        return text[node.start : node.end]
    old = {member.name for member in node.members}
    added = [name for name in after if name not in old]
    if not node.members:
        return _dump(after, style, indent)
    if not after:
        return "{}"
    leads, tails = _gaps(text, node)
    inner = leads[0].rpartition("\n")[2] if "\n" in leads[0] else indent
    here = style._replace(spread="\n" in leads[0], colon=_colon(text, node.members[-1]))
    pieces = []
    last = len(node.members) - 1
    for position, member in enumerate(node.members):
        if member.name in after:
            lead = leads[position] if pieces else leads[0]
            tail = tails[position] if position != last else ""
            pieces.append((lead, _member(text, member, after[member.name], here, inner), tail))
    following = _following(leads, here)
    for name in added:
        pieces.append(
            (following if pieces else leads[0], dumps(name) + here.colon + _dump(after[name], here, inner), "")
        )
    body = ",".join(
        lead + piece + (tail if position + 1 < len(pieces) else "")
        for position, (lead, piece, tail) in enumerate(pieces)
    )
    return "{" + body + tails[last] + "}"


def _following(leads, style):
    """The white space before a new member: as before the last one, blank lines left out."""
    if "\n" in leads[-1]:
        return style.newline + leads[-1].rpartition("\n")[2]
    if len(leads) > 1:
        return leads[-1]
    return " " if style.colon.endswith(" ") else ""


def _member(text, member, after, style, indent):
    node = member.node
    if same(node.value, after):
        return text[member.start : node.end]
    before = text[member.start : node.start]
    if node.members is not None and isinstance(after, dict):
        return before + _object(text, node, after, style, indent)
    if node.items and isinstance(after, list):
        # A list on one line stays on one line.
        style = style._replace(spread="\n" in text[node.start : node.end])
    return before + _dump(after, style, indent)


def _dump(one, style, indent):
    """Return `one` as JSON in `style`; `indent` is that of the line it starts on."""
    if not isinstance(one, (dict, list)) or not one:
        return dumps(one)
    inner = indent + style.unit
    if isinstance(one, dict):
        parts = [dumps(name) + style.colon + _dump(part, style, inner) for name, part in one.items()]
    else:
        parts = [_dump(part, style, inner) for part in one]
    brackets = "{}" if isinstance(one, dict) else "[]"
    if style.spread:
        return (
            brackets[0]
            + style.newline
            + inner
            + ("," + style.newline + inner).join(parts)
            + style.newline
            + indent
            + brackets[1]
        )
    return brackets[0] + ("," + (" " if style.colon.endswith(" ") else "")).join(parts) + brackets[1]
