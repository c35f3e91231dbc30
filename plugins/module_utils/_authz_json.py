# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The JSON of a request's body, refused wherever an engine may read it otherwise. Pure.

Go's decoder matches the keys of what it has fields for without case (`field` is how to look them up), lets the last of
two count or merges them, reads half of a surrogate pair and bytes that are no UTF-8 as U+FFFD, and engines before 23.0
read no further than the first value (encoding/json). None of that is a spelling that clients have. Unlike _json_text it
tells no places, and reads megabytes in milliseconds.
"""

import json
import math
import re

from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

MAX_DEPTH = 64
# Fields of an object that has names of the API's, which are not a hundred; and objects in a list of such.
MAX_PARTS = 1000
_NESTED = {dict, list}
_DIGITS = 20  # of a number of 64 bits with its sign
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


def parse(data, kind=dict):
    """Return the dict or the list, as `kind` says, in the bytes of a body; an empty one for none and for null.

    Numbers with a point or an exponent, which have one place in the API (MaxFailureRatio), are floats. Raises
    ContainmentError.
    """
    if not data:
        return kind()
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise _refused("is not UTF-8", "encode it so") from None
    try:
        value = json.loads(
            text, object_pairs_hook=_object, parse_constant=_constant, parse_int=_integer, parse_float=_float
        )
    except json.JSONDecodeError as error:
        raise _refused(f"is no JSON ({error.msg} at {error.pos})", "send one object and nothing behind it") from None
    except RecursionError:
        raise _refused("is nested too deeply", f"keep to {MAX_DEPTH} levels") from None
    if value is None:
        return kind()
    if not isinstance(value, kind):
        raise _refused(f"is no {'object' if kind is dict else 'array'}", "send one")
    _check_depth(value)
    if "\\" in text and _SURROGATE.search(text):
        _check_surrogates(value)
    return value


def _refused(cause, mend):
    return ContainmentError("body", cause, mend)


def field(value, name, default=None):
    """Return what an object has for a field of the API, the default where it has none.

    Raises ContainmentError where it has it in another spelling, which an engine would take, and for an object of more
    than MAX_PARTS fields.
    """
    if len(value) > MAX_PARTS:
        raise _refused(f"has an object of {len(value)} fields", f"keep to {MAX_PARTS}")
    length, folded = len(name), name.casefold()
    for key in value:
        # Go folds character by character: no key of another length is taken for it.
        if len(key) == length and key != name and key.casefold() == folded:
            raise _refused(f"has the key {key!a}, which an engine takes for {name}", f"write {name}")
    return value.get(name, default)


def _object(pairs):
    found = {}
    for key, value in pairs:
        if key in found:
            raise _refused(f"has the key {ascii(key)[:60]} twice", "give it once")
        found[key] = value
    return found


def _constant(text):
    raise _refused(f"has {text}, which is no JSON", "leave it out")


def _integer(text):
    if len(text) > _DIGITS:
        raise _refused(f"has a number of {len(text)} digits", "send one of 64 bits")
    return int(text)


def _float(text):
    number = float(text)
    if math.isinf(number):
        raise _refused(f"has the number {text[:_DIGITS]}, which is too large", "send one of 64 bits")
    return number


def _check_depth(value):
    """Refuse what is nested deeper than MAX_DEPTH."""
    level, depth = [value], 0
    while level:
        depth += 1
        if depth > MAX_DEPTH:
            raise _refused("is nested too deeply", f"keep to {MAX_DEPTH} levels")
        below = []
        for one in level:
            inner = one.values() if isinstance(one, dict) else one
            if not _NESTED.isdisjoint(map(type, inner)):  # without a loop of Python's over ten thousand texts
                below.extend(each for each in inner if type(each) in _NESTED)
        level = below


def _check_surrogates(value):
    """Refuse a text with half of a surrogate pair."""
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        raise _refused("has half of a surrogate pair", "send whole characters") from None
