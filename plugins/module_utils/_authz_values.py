# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a body has the fields that a table of _authz_fields allows, with values of their kinds. Pure.

null is what an engine takes for "not given", in every field.
"""

from ansible_collections.containment.docker.plugins.module_utils._authz_json import MAX_PARTS
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError


def _is_number(value):
    return isinstance(value, int) and not isinstance(value, bool)


def is_texts(value):
    return isinstance(value, list) and set(map(type, value)) <= {str}


def _is_map(value):
    return isinstance(value, dict) and set(map(type, value.values())) <= {str}


def _is_set(value):
    return isinstance(value, dict) and all(one is None or one == {} for one in value.values())


KINDS = {
    "text": (lambda value: isinstance(value, str), "a text"),
    "flag": (lambda value: isinstance(value, bool), "true or false"),
    "number": (_is_number, "a whole number"),
    "numbers": (lambda value: isinstance(value, list) and all(_is_number(one) for one in value), "whole numbers"),
    "texts": (is_texts, "a list of texts"),
    "words": (lambda value: isinstance(value, str) or is_texts(value), "a list of texts"),
    "map": (_is_map, "an object of texts"),
    "set": (_is_set, "an object of empty objects"),
    "absent": (lambda value: value in ("", [], {}) or value is False or (_is_number(value) and value == 0), "nothing"),
}


def check(fields, value, rules, place=""):
    """Raise ContainmentError for the first thing in an object that its table does not allow.

    rules: {path of a field, with dots: function(value)} for those of kind "rule"; each raises as this does. They are
    called for fields that are there and not null.
    """
    if not isinstance(value, dict):
        raise refused(place or "body", "is no object", "send one")
    if len(value) > MAX_PARTS:
        raise refused(place or "body", f"has {len(value)} fields", f"keep to {MAX_PARTS}")
    folded = None
    for key, inner in value.items():
        kind = fields.get(key)
        if kind is None and inner is None:
            # The Python SDK sends such; in another spelling of a field's name it would take that field's value back.
            folded = folded or {name.casefold() for name in fields}
            if key.casefold() not in folded:
                continue
        path = f"{place}.{key}" if place else key
        if kind is None:
            raise refused(shown(path), "is a field that this policy does not know", "leave it out")
        if inner is not None:
            _check_one(kind, inner, rules, path)


def _check_one(kind, value, rules, path):
    if kind == "rule":
        rules[path](value)
    elif isinstance(kind, str):
        is_one, words = KINDS[kind]
        if not is_one(value):
            if kind == "absent":
                raise refused(path, "is more than may be given", "leave it out")
            raise refused(path, f"is not {words}", "send that")
    elif isinstance(kind, list):
        if not isinstance(value, list):
            raise refused(path, "is no list", "send one")
        check_length(value, path)
        for one in value:
            check(kind[0], one, rules, path)
    elif "*" in kind:
        if not isinstance(value, dict):
            raise refused(path, "is no object", "send one")
        for key, one in value.items():
            if one is not None:
                check(kind["*"], one, rules, f"{path}.{shown(key)}")
    else:
        check(kind, value, rules, path)


def check_length(value, path):
    """Raise ContainmentError for a list of more objects than anybody needs, each of which would be looked at."""
    if len(value) > MAX_PARTS:
        raise refused(path, f"has {len(value)} of them", f"keep to {MAX_PARTS}")


def refused(path, cause, mend):
    return ContainmentError(path, cause, mend)


def shown(text):
    """Return a text of a request as it may stand in a sentence."""
    plain = "".join(one if " " <= one < "\x7f" else f"\\u{ord(one):04x}" for one in text[:120])
    return plain + ("..." if len(text) > 120 else "")
