# SPDX-License-Identifier: GPL-3.0-or-later
"""Properties of the core behind volume_chown: what goes in comes out, and a second run moves nothing."""

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.containment.docker.plugins.module_utils import _shift_map as core

SCRATCH = 1000000


@st.composite
def mappings(draw):
    """Disjoint extents in a narrow band, so that those of two mappings meet often."""
    container, hosts, extents = 0, draw(st.integers(0, 60)), []
    for _number in range(draw(st.integers(1, 4))):
        container += draw(st.integers(0, 3))
        count = draw(st.integers(1, 12))
        extents.append((container, hosts, count))
        container += count
        hosts += count + draw(st.integers(0, 5))
    order = draw(st.permutations(extents))
    starts = sorted(container for container, _host, _count in extents)
    # The host ids of any extent may be those of any other of its size or more.
    return (
        [(start, host, 1) for start, (_container, host, _count) in zip(starts, order, strict=True)]
        if draw(st.booleans())
        else extents
    )


ids = st.integers(0, 160)


@given(mappings(), mappings(), ids)
def test_a_shift_keeps_what_an_id_means_in_the_container(source, target, number):
    core.check(source, "x")
    shift = core.Shift.between(source, target)
    inside = next((c + number - h for c, h, n in source if h <= number < h + n), None)
    outside = next((h + inside - c for c, h, n in target if inside is not None and c <= inside < c + n), None)
    assert shift.new(number) == (number if outside is None else outside)
    if outside is None:
        assert shift.what(number) in (core.DONE, core.UNMAPPED if inside is not None else core.FOREIGN)


@given(mappings(), mappings(), ids)
def test_without_an_overlap_a_second_run_moves_nothing(source, target, number):
    shift = core.Shift.between(source, target)
    met = shift.overlap()
    if met is None:
        assert shift.new(shift.new(number)) == shift.new(number)
    else:
        one, other, third = met
        assert shift.new(one) == other and shift.new(other) == third and third != other


@given(mappings(), mappings(), ids)
def test_two_passes_do_what_one_would(source, target, number):
    shift = core.Shift.between(source, target)
    there, back = shift.through(SCRATCH)
    assert back.new(there.new(number)) == shift.new(number)
    assert there.overlap() is None and back.overlap() is None
    # Killed in either pass, the same pass ends it.
    assert there.new(there.new(number)) == there.new(number)
    assert back.new(back.new(number)) == back.new(number)
    moved = number != shift.new(number)
    assert (SCRATCH <= there.new(number) < SCRATCH + shift.size()) == moved


@given(mappings(), mappings(), ids)
def test_there_and_back_again(source, target, number):
    out, back = core.Shift.between(source, target), core.Shift.between(target, source)
    if out.what(number) == core.MOVED:
        assert back.new(out.new(number)) == number
