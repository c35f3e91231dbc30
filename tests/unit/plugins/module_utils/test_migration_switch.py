# SPDX-License-Identifier: GPL-3.0-or-later
"""In which order containers are stopped and started, and what a failure among them does to the others."""

import threading

import pytest

from ansible_collections.containment.docker.plugins.module_utils import _migration_switch as switch

LIMIT = 10  # seconds after which a test fails instead of waiting on


def containers(names):
    return [{"Id": name + "-id", "Name": "/" + name} for name in names]


def each(names, needed, act, width=1):
    known = {name + "-id": name for name in names}
    switch._each(
        containers(names),
        lambda one: needed.get(one["Name"][1:], set()),
        known,
        width,
        lambda one: act(one["Name"][1:]),
    )


def called(names, needed, width=1):
    found = []
    each(names, needed, found.append, width)
    return found


def test_they_are_called_in_the_order_in_which_they_are_given():
    assert called("cab", {}) == ["c", "a", "b"] and called("", {}) == []
    assert called("ab", {}, width=0) == ["a", "b"]


def test_none_is_called_before_those_that_it_needs():
    assert called("abcd", {"a": {"b"}, "b": {"d"}}) == ["c", "d", "b", "a"]
    # Names of containers that are not among them, and its own, are waited for by nobody.
    assert called("ab", {"a": {"gone", "a"}, "b": {"b"}}) == ["a", "b"]


def test_those_that_need_one_another_are_called_all_the_same():
    assert called("abc", {"a": {"b"}, "b": {"a"}, "c": {"a"}}) == ["a", "b", "c"]
    # Only when nothing else goes on that one of them may wait for.
    assert called("abc", {"a": {"b"}, "b": {"a", "c"}}) == ["c", "a", "b"]


def test_who_needs_one_waits_until_its_call_has_ended():
    ended, seen = threading.Event(), {}

    def act(name):
        if name == "a":
            seen["early"] = "b" in seen
            ended.wait(0.1)
            ended.set()
        else:
            seen[name] = ended.is_set()

    each("ab", {"b": {"a"}}, act, width=2)
    assert seen == {"early": False, "b": True}


@pytest.mark.parametrize("width", [1, 2, 4])
def test_as_many_calls_go_on_at_a_time_as_asked_for(width):
    together, most, now, lock = threading.Barrier(width), [0], [0], threading.Lock()

    def act(_name):
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        together.wait(LIMIT)  # Broken, which is an exception, where there are fewer.
        with lock:
            now[0] -= 1

    each("abcdefgh", {}, act, width)
    assert most == [width] and now == [0]


def test_one_that_is_ready_does_not_wait_for_others_that_still_work():
    done = threading.Event()

    def act(name):
        if name == "slow":
            assert done.wait(LIMIT)
        elif name == "second":
            done.set()

    each(["slow", "first", "second"], {"second": {"first"}}, act, width=2)
    assert done.is_set()


def test_a_failure_is_raised_once_those_that_had_begun_have_ended():
    begun, failed, ended = threading.Event(), threading.Event(), []

    def act(name):
        if name == "bad":
            assert begun.wait(LIMIT)
            failed.set()
            raise OSError(5, "no")
        begun.set()
        assert failed.wait(LIMIT)
        ended.append(name)

    with pytest.raises(OSError, match="no"):
        each(["good", "bad", "later"], {"later": {"bad"}}, act, width=2)
    # One that needs what failed was never called.
    assert ended == ["good"]


def test_after_a_failure_none_begins_that_had_not():
    """Two places: one is held by what goes on, so that the other is free again when the failure is seen."""
    found, raised = [], threading.Event()

    def act(name):
        found.append(name)
        if name == "bad":
            raise OSError(5, "no")
        raised.wait(0.3)

    with pytest.raises(OSError, match="no"):
        each(["bad", *"abcdefgh"], {}, act, width=2)
    assert len(found) < 9
