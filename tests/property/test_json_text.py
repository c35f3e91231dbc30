# SPDX-License-Identifier: GPL-3.0-or-later
"""Any JSON object, laid out in any way, survives parsing and editing."""

import json
import re

from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.containment.docker.plugins.module_utils import _json_edit, _json_text
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=6)
scalars = st.one_of(
    st.none(), st.booleans(), st.integers(-(10**12), 10**12), st.floats(allow_nan=False, allow_infinity=False), texts
)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3), max_leaves=8
)
objects = st.dictionaries(texts, values, max_size=5)
gaps = st.sampled_from(["", " ", "\n", "\r\n", "\t", "\n\n  ", "   "])


@st.composite
def layouts(draw, one):
    """`one` as JSON with any white space wherever JSON allows it, and any escaping."""

    def write(value):
        if isinstance(value, dict):
            parts = [
                draw(gaps) + write(name) + draw(gaps) + ":" + draw(gaps) + write(part) + draw(gaps)
                for name, part in value.items()
            ]
            return "{" + (",".join(parts) or draw(gaps)) + "}"
        if isinstance(value, list):
            return "[" + (",".join(draw(gaps) + write(part) + draw(gaps) for part in value) or draw(gaps)) + "]"
        return json.dumps(value, ensure_ascii=draw(st.booleans()))

    return (draw(gaps) + write(one) + draw(gaps)).encode()


files = objects.flatmap(lambda one: st.tuples(st.just(one), layouts(one)))


def parsed(data):
    return _json_text.parse(data, "d.json")


@given(files)
def test_parse_agrees_with_the_standard_library(file):
    one, data = file
    assert _json_text.same(_json_text.value(parsed(data)), json.loads(data.decode()))
    assert _json_text.same(_json_text.value(parsed(data)), one)


@given(files)
def test_what_is_said_already_keeps_every_byte(file):
    one, data = file
    assert _json_edit.render(parsed(data), dict(reversed(list(one.items())))) == data


def raw_members(data):
    """The text of each top-level member, name to end of value."""
    document = parsed(data)
    return (
        {member.name: document.text[member.start : member.node.end] for member in document.root.members}
        if document.root
        else {}
    )


@given(files, objects, st.data())
def test_an_edit_says_what_was_wanted_and_spares_the_rest(file, wanted, data):
    one, before = file
    kept = data.draw(st.lists(st.sampled_from(sorted(one)), unique=True)) if one else []
    after = {name: one[name] for name in one if name in kept}
    after.update(wanted)
    edited = _json_edit.render(parsed(before), after)
    assert _json_text.same(_json_text.value(parsed(edited)), after)
    assert _json_edit.render(parsed(edited), after) == edited
    raw, raw_edited = raw_members(before), raw_members(edited)
    spared = [name for name in one if name in after and _json_text.same(one[name], after[name])]
    assert all(raw_edited[name] == raw[name] for name in spared)
    survivors = [name for name in one if name in after]
    assert [name for name in raw_edited if name in one] == survivors
    # the frame around the object
    assert edited[: len(before) - len(before.lstrip())] == before[: len(before) - len(before.lstrip())]
    assert re.search(rb"\s*\Z", edited).group() == re.search(rb"\s*\Z", before).group()


@given(files, objects)
def test_line_endings_are_not_mixed(file, wanted):
    one, before = file
    before = before.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    edited = _json_edit.render(parsed(before), {**one, **wanted})
    if b"\r\n" in before:
        assert b"\n" not in edited.replace(b"\r\n", b"")


@settings(max_examples=300)
@given(
    st.binary(max_size=40)
    | files.flatmap(
        lambda file: st.tuples(st.just(file[1]), st.integers(0, 60), st.binary(max_size=3)).map(
            lambda parts: parts[0][: parts[1]] + parts[2] + parts[0][parts[1] + 1 :]
        )
    )
)
def test_any_bytes_are_parsed_as_the_standard_library_does_or_refused_with_a_place(data):
    try:
        ours = _json_text.value(parsed(data))
    except ContainmentError as error:
        assert re.match(r"d\.json, line [1-9]\d*, column [1-9]\d*$", error.subject)
        return
    if data.strip(b" \t\r\n"):
        assert _json_text.same(ours, json.loads(data.decode()))
    else:
        assert ours == {}
