# SPDX-License-Identifier: GPL-3.0-or-later
"""Properties of the cores behind subid_range: parse and render, allocation, planning."""

import contextlib

from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.containment.docker.plugins.module_utils import _subid, _subid_alloc
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError
from ansible_collections.containment.docker.plugins.module_utils._subid_plan import (
    Claim,
    Host,
    Owner,
    Wanted,
    plan_absent,
    plan_present,
)

OWNER = Owner("alice", 1000)
# Ids in a narrow band, so that ranges meet often.
ids = st.integers(65000, 70000)
counts = st.integers(1, 900)
ranges = st.lists(st.tuples(ids, counts), max_size=6)
owners = st.sampled_from([b"alice", b"1000", b"bob", b"a\xff", b"malice", b"alice2"])
lines = st.one_of(
    st.builds(lambda owner, start, count: b"%s:%d:%d" % (owner, start, count), owners, ids, st.integers(0, 900)),
    st.sampled_from([b"", b"  ", b"# alice:1:2", b"\t#\xfe"]),
    st.builds(lambda owner, start: b" %s:%d:5\r" % (owner, start), owners, ids),
)
contents = st.builds(
    lambda parts, end: b"\n".join(parts) + end, st.lists(lines, max_size=12), st.sampled_from([b"", b"\n"])
)
foreign_only = st.lists(lines, max_size=12).map(
    lambda parts: b"\n".join(line for line in parts if line.strip().split(b":")[0] not in (b"alice", b"1000"))
)


def host(accounts=(), maps=()):
    claims = {kind: [Claim(one, 1, "user x") for one in accounts] for kind in ("uid", "gid")}
    return Host(
        claims,
        {kind: [Claim(start, count, "process 1") for start, count in maps] for kind in ("uid", "gid")},
        "files",
        340,
        4096,
    )


def wanted(named=None, count=500, align=1, move=False, low=True):
    return Wanted(count, named, None, align, 65000, 72000, low, False, move)


def members(some):
    return {one for start, count in some for one in range(start, start + count)}


def foreign(data):
    """The lines of a file that are not alice's, as an independent reading of it."""
    return [line for line in data.split(b"\n") if line.strip().split(b":")[0] not in (b"alice", b"1000")]


def foreign_ids(data):
    fields = [line.strip().split(b":") for line in foreign(data) if line.strip() and not line.strip().startswith(b"#")]
    return members((int(start), int(count)) for _owner, start, count in fields)


@given(contents, ranges)
def test_rendering_changes_the_users_lines_alone(data, new):
    parsed = _subid.parse(data, "/etc/subuid")
    own = _subid.lines_of(parsed, "alice", 1000)
    same = _subid.render(parsed, own, "alice", [(line.start, line.count) for line in own])
    assert same == data
    out = _subid.render(parsed, own, "alice", new)
    assert _subid.ranges_of(_subid.parse(out, "/etc/subuid"), "alice", 1000) == new
    assert b"\n".join(foreign(out)).rstrip(b"\n") == b"\n".join(foreign(data)).rstrip(b"\n")


@given(st.binary(max_size=200))
def test_parsing_takes_any_bytes(data):
    parsed = _subid.parse(data, "/etc/subuid")
    assert parsed.data == data
    told = list(parsed.numbers) + [number for number, _fault in parsed.malformed]
    plain = [
        number for number, line in enumerate(data.split(b"\n"), 1) if line.strip() and not line.strip().startswith(b"#")
    ]
    assert sorted(told) == plain


@settings(deadline=None)  # the other opinion tries every id, which takes its time on a busy machine
@given(ranges, counts, st.sampled_from([1, 7, 64, 500]), ids, ids)
def test_an_allocation_is_the_lowest_free_place(taken, count, align, first, last):
    start = _subid_alloc.allocate(taken, count, align, first, last)
    used = members(taken)
    free = [
        one for one in range(first, last + 2 - count) if one % align == 0 and used.isdisjoint(range(one, one + count))
    ]
    assert start == (free[0] if free else None)


@given(ranges, ranges)
def test_overlap_is_found_where_there_is_one(own, others):
    if _subid_alloc.self_overlap(own):
        assert len(members(own)) < sum(count for _start, count in own)
        return
    assert len(members(own)) == sum(count for _start, count in own)
    found = _subid_alloc.overlap(own, others)
    first = next((index for index, one in enumerate(others) if members(own) & members([one])), None)
    assert (found is None) == (first is None)
    if found:
        assert found[0] == first and found[1] in own and members([found[1]]) & members([others[first]])


@given(ranges, ranges)
def test_keeps_agrees_with_the_maps_id_by_id(old, new):
    def flat(some):
        return [one for start, count in some for one in range(start, start + count)]

    assert _subid.keeps(old, new) == (flat(new)[: len(flat(old))] == flat(old))


@given(
    contents,
    contents,
    st.lists(ids, max_size=3),
    ranges,
    st.integers(1, 2000),
    st.sampled_from([1, 64, 1000]),
    st.booleans(),
)
def test_a_plan_meets_nobody_and_is_final(subuid, subgid, accounts, maps, count, align, move):
    data = {"uid": subuid, "gid": subgid}
    files = {kind: _subid.parse(data[kind], f"/etc/sub{kind}") for kind in data}
    here, wish = host(accounts, maps), wanted(count=count, align=align, move=move)
    with contextlib.suppress(ContainmentError):
        plan = plan_present(files, OWNER, here, wish)
        for kind in data:
            got = members(plan.after[kind])
            assert len(got) == sum(one for _start, one in plan.after[kind]) >= count
            assert got.isdisjoint(foreign_ids(data[kind]))
            assert got.isdisjoint(accounts)
            own_before = members(plan.before[kind])
            assert not any(members([one]) & got - own_before for one in maps)
            if plan.before[kind] and not move:
                assert _subid.keeps(plan.before[kind], plan.after[kind])
            parsed = _subid.parse(plan.contents[kind], f"/etc/sub{kind}")
            assert _subid.ranges_of(parsed, "alice", 1000) == plan.after[kind]
        after = {kind: _subid.parse(plan.contents[kind], f"/etc/sub{kind}") for kind in data}
        again = plan_present(after, OWNER, here, wish)
        assert again.contents == plan.contents
        # The run killed between the two files: the next one ends where this one would have.
        half = {"uid": after["uid"], "gid": files["gid"]}
        if not plan.before["gid"] or plan.before["uid"] == plan.before["gid"]:
            completed = plan_present(half, OWNER, here, wish)
            assert completed.after == plan.after


@given(foreign_only, ranges, st.lists(ids, max_size=3))
def test_named_ranges_come_out_as_named_or_not_at_all(data, named, accounts):
    files = {kind: _subid.parse(data, f"/etc/sub{kind}") for kind in ("uid", "gid")}
    clash = members(named) & (foreign_ids(data) | set(accounts)) or len(members(named)) < sum(
        count for _start, count in named
    )
    try:
        plan = plan_present(files, OWNER, host(accounts), wanted(named))
    except ContainmentError:
        assert clash
    else:
        assert not clash
        assert plan.after == {"uid": named, "gid": named}


@given(contents)
def test_absent_leaves_what_is_foreign(data):
    files = {kind: _subid.parse(data, f"/etc/sub{kind}") for kind in ("uid", "gid")}
    plan = plan_absent(files, OWNER, host())
    left = plan.contents["uid"]
    assert _subid.ranges_of(_subid.parse(left, ""), "alice", 1000) == []
    assert [line for line in foreign(left) if line] == [line for line in foreign(data) if line]
