# SPDX-License-Identifier: GPL-3.0-or-later
"""Properties that hold for every set of images and containers, and every size."""

import re

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.containment.docker.plugins.module_utils import _migration_plan as plans

LIMIT = 1024**3
SIZES = st.integers(0, 2 * LIMIT) | st.sampled_from([0, 1, LIMIT // 2, LIMIT - 1, LIMIT, LIMIT + 1])
UNITS = {"bytes": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}


@given(st.lists(SIZES, max_size=30))
def test_no_image_is_lost_and_no_stream_is_larger_than_it_has_to_be(sizes):
    images = [{"id": str(number), "size": size} for number, size in enumerate(sizes)]
    batches = list(plans.batches(images))
    assert [image for batch in batches for image in batch] == images
    totals = [sum(image["size"] for image in batch) for batch in batches]
    assert all(batch and (total <= LIMIT or len(batch) == 1) for batch, total in zip(batches, totals, strict=True))
    # None is smaller than it has to be, either: the first image of the next one would have been too much.
    for total, following in zip(totals, batches[1:], strict=False):
        assert total + following[0]["size"] > LIMIT


ANY = (
    st.integers(0, 999 * 10**12)
    | st.integers(0, 5000)
    | st.sampled_from([10**n - m for n in range(15) for m in (0, 1)])
)


@given(ANY)
def test_a_size_is_about_what_was_given_in_few_digits(number):
    found, unit = re.fullmatch(r"(\d{1,3}|\d\.\d) (bytes|kB|MB|GB|TB)", plans.size(number)).groups()
    assert abs(float(found) * UNITS[unit] - number) <= 0.05 * number


@given(ANY, ANY)
def test_a_larger_size_is_not_told_as_a_smaller_one(one, other):
    def value(number):
        found, unit = plans.size(number).split()
        return float(found) * UNITS[unit]

    low, high = sorted([one, other])
    assert value(low) <= value(high)


KEYS = [f"sha256:{letter * 64}" for letter in "abcd"]
TAGS = st.none() | st.lists(st.sampled_from(["a:1", "b:2", "<none>:<none>"]), max_size=2)


@given(
    st.dictionaries(st.sampled_from(KEYS), TAGS),
    st.lists(st.sampled_from(KEYS), max_size=4),
    st.sampled_from([("28.5.2", "containerd"), ("29.0.0", "containerd"), ("29.0.0", "graphdriver")]),
    st.data(),
)
def test_no_container_comes_along_without_its_image_and_nothing_stays_untold(listed, used, engine, data):
    version, store = engine
    gone = sorted(data.draw(st.sets(st.sampled_from(KEYS))) - set(listed))
    containers = [
        {
            "Id": f"{number}-id",
            "Name": f"/{number}",
            "Image": key,
            "State": {"StartedAt": "0001-01-01T00:00:00Z"},
            "Config": {},
            "HostConfig": {},
        }
        for number, key in enumerate(used)
    ]
    images = [{"Id": key, "RepoTags": tags} for key, tags in listed.items()]
    facts = {"images": images, "gone": gone, "containers": containers, "networks": [], "volumes": []}
    found = plans.carried(facts, {"version": version, "image_store": store, "containers": []})
    carried = {one["id"] for one in found["images"]}
    left = {kind: {one["name"] for one in found["left"] if one["kind"] == kind} for kind in ("image", "container")}
    coming = {one["Name"].lstrip("/") for one in found["containers"]}
    assert all(one["Image"] in carried for one in found["containers"])
    assert coming | left["container"] == {str(number) for number in range(len(used))}
    assert not coming & left["container"]
    assert {key[:19] for key in carried} | left["image"] == {key[:19] for key in {*listed, *used} - set(gone)}
    assert not {key[:19] for key in carried} & left["image"]
    # Another store knows images by their names alone.
    assert all(one["same_id"] or one["tags"] for one in found["images"])
    assert not (left["image"] and store == plans.store_after({"version": version, "image_store": store}))
