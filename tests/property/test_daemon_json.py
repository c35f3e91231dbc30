# SPDX-License-Identifier: GPL-3.0-or-later
"""Merging is idempotent and keeps foreign keys; an undo gives back what was changed and nothing else."""

import json

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.containment.docker.plugins.module_utils import _daemon_json, _json_edit, _json_text
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

names = st.sampled_from(["icc", "dns", "log-opts", "labels", "bridge", "mtu", "own", "other"])
members = st.dictionaries(
    st.sampled_from(["a", "b", "c"]), st.one_of(st.text("xy", max_size=2), st.booleans(), st.integers(0, 3)), max_size=3
)
values = st.one_of(
    st.booleans(),
    st.integers(0, 3),
    st.lists(st.text("xy", max_size=2), max_size=2),
    members,
    st.dictionaries(st.sampled_from("ab"), members, max_size=2),
)
objects = st.dictionaries(names, values, max_size=6)
wishes = st.dictionaries(
    names, st.one_of(values, st.dictionaries(st.sampled_from("abc"), st.none() | st.booleans(), max_size=2)), max_size=4
)
removals = st.lists(names, max_size=2, unique=True)
layouts = st.sampled_from([None, 2, "\t"])


def text(one, layout):
    return json.dumps(one, indent=layout).encode()


def planned(data, merge, remove):
    request = _daemon_json.Request(
        {name: value for name, value in merge.items() if name not in remove}, remove, True, (28, 5, 2)
    )
    # Values are any JSON here: types are the unit tests' matter.
    try:
        return _daemon_json.plan("d.json", data, request, _daemon_json.Flags([], []))
    except ContainmentError as error:
        assert "type" in error.cause or "is no label" in error.cause
        return None


@given(objects, wishes)
def test_merge_is_idempotent_and_touches_what_it_names_alone(before, wanted):
    after = _daemon_json.merge(before, wanted)
    assert _json_text.same(_daemon_json.merge(after, wanted), after)
    assert all(_json_text.same(after[name], before[name]) for name in before if name not in wanted)
    assert set(after) == set(before) | set(wanted)
    assert [name for name in after if name in before] == list(before)


@given(objects, layouts, wishes, removals)
def test_plan_is_idempotent_and_keeps_foreign_keys(before, layout, wanted, remove):
    plan = planned(text(before, layout), wanted, remove)
    if plan is None:
        return
    assert _json_text.same(_json_text.value(_json_text.parse(plan.data, "d.json")), plan.after)
    assert all(
        _json_text.same(plan.after[name], before[name]) for name in before if name not in wanted and name not in remove
    )
    assert not set(remove) & set(plan.after)
    assert plan.reload_required + plan.restart_required == bool(plan.changed_keys)
    again = planned(plan.data, wanted, remove)
    assert (again.data, again.changed_keys) == (plan.data, [])


def edit(data, after):
    return _json_edit.render(_json_text.parse(data, "d.json"), after)


@given(objects, objects, objects, layouts, st.booleans())
def test_undo_takes_back_our_keys_and_keeps_foreign_ones(before, after, foreign, layout, existed):
    before_data = text(before, layout) if existed else None
    before = before if existed else {}
    after_data = edit(before_data, after)
    ours = _daemon_json.changed_keys(before, after)
    theirs = {name: value for name, value in foreign.items() if name not in ours}
    now = dict(after)
    now.update(theirs)
    now_data = edit(after_data, now)
    undone = _daemon_json.undo(before_data, after_data, now_data)
    wanted = dict(before)
    wanted.update(theirs)
    assert _json_text.same(_json_text.value(_json_text.parse(undone, "d.json")), wanted)
    assert (undone is None) == (not existed and not wanted)
    if now_data == after_data:
        assert undone == before_data
    else:
        assert _daemon_json.undo(before_data, after_data, undone) == undone


@given(objects, objects, values, st.data())
def test_undo_refuses_a_key_of_ours_that_was_changed_again(before, after, value, data):
    ours = _daemon_json.changed_keys(before, after)
    if not ours:
        return
    name = data.draw(st.sampled_from(ours))
    now = {**after, name: value}
    if any(name in known and _json_text.same(value, known[name]) for known in (before, after)):
        return
    try:
        _daemon_json.undo(text(before, 2), text(after, 2), text(now, 2))
    except ContainmentError as error:
        assert "changed again" in error.cause
    else:
        raise AssertionError("not refused")
