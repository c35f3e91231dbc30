# SPDX-License-Identifier: GPL-3.0-or-later
"""What is expected of a mapping, and the verdict."""

import pytest

from ansible_collections.containment.docker.plugins.module_utils import _userns_proof as proof
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError


def test_without_ranges_root_is_root():
    wanted = proof.expected([], [], "/var/lib/docker")
    assert wanted == {
        "uid_map": "0 -> 0 (4294967295)",
        "gid_map": "0 -> 0 (4294967295)",
        "host_uid": "0",
        "write": "allowed",
        "delete": "allowed",
        "graph_root": "/var/lib/docker",
    }


def test_with_ranges_the_graph_root_is_named_after_the_first_ids():
    wanted = proof.expected([[100000, 65536]], [[200000, 65536]], "/srv/docker")
    assert wanted["uid_map"] == "0 -> 100000 (65536)" and wanted["gid_map"] == "0 -> 200000 (65536)"
    assert (wanted["host_uid"], wanted["write"], wanted["delete"]) == ("100000", "refused", "refused")
    assert wanted["graph_root"] == "/srv/docker/100000.200000"
    assert (wanted["graph_root_owner"], wanted["graph_root_mode"]) == ("0:200000", "0710")


def test_several_ranges_follow_one_another_inside():
    assert proof.mapping_of([[2, 1], [100001, 65535]]) == [[0, 2, 1], [1, 100001, 65535]]


def test_a_range_split_by_the_kernel_or_the_file_is_the_same_mapping():
    assert proof.coalesce([[10, 100010, 5], [0, 100000, 10]]) == [[0, 100000, 15]]
    assert proof.coalesce([[0, 1, 1], [5, 50, 5], [10, 55, 5]]) == [[0, 1, 1], [5, 50, 10]]
    assert proof.coalesce([[0, 100000, 10], [10, 100011, 5]]) == [[0, 100000, 10], [10, 100011, 5]]
    assert proof.coalesce([[0, 100000, 10], [11, 100010, 5]]) == [[0, 100000, 10], [11, 100010, 5]]


@pytest.mark.parametrize("inside, outside", [(0, 2), (1, 100001), (65535, 165535), (65536, None), (-1, None)])
def test_host_ids(inside, outside):
    assert proof.host_id(proof.mapping_of([[2, 1], [100001, 65535]]), inside) == outside


def test_the_kernels_text_is_read():
    assert proof.parse_map("         0     100000      65536\n     65536          5          1\n") == [
        [0, 100000, 65536],
        [65536, 5, 1],
    ]


def test_what_was_not_observed_has_not_passed():
    wanted = proof.expected([[100000, 65536]], [[100000, 65536]], "/var/lib/docker")
    assert all(one["passed"] for one in proof.judge(wanted, wanted))
    assert not any(one["passed"] for one in proof.judge(wanted, {}))
    verdict = {one["proof"]: one["passed"] for one in proof.judge(wanted, dict(wanted, write="allowed"))}
    assert [name for name, passed in verdict.items() if not passed] == ["write"]
    assert len(verdict) == 8


GOOD = {
    "uid_ranges": [[100000, 65536]],
    "gid_ranges": [[0, 1], [4294967294, 1], [1, 9]],
    "data_root": "/",
    "timeout": 1,
}


def test_good_options_are_taken():
    proof.check(**GOOD)
    proof.check([], [], "/var/lib/docker", 60)


@pytest.mark.parametrize(
    "options, told",
    [
        ({"timeout": 0}, "timeout: 0 "),
        ({"timeout": -1}, "timeout: -1 "),
        ({"data_root": "docker"}, "data_root: 'docker' "),
        ({"uid_ranges": [[-5, 1]]}, "uid_ranges: start -5 "),
        ({"uid_ranges": [[-1, 1]]}, "uid_ranges: start -1 "),
        ({"uid_ranges": [[4294967295, 1]]}, "uid_ranges: start 4294967295 "),
        ({"gid_ranges": [[5, 0]]}, "gid_ranges: count 0 "),
        ({"gid_ranges": [[5, -1]]}, "gid_ranges: count -1 "),
        ({"gid_ranges": [[4294967294, 2]]}, "gid_ranges: start 4294967294 and count 2 .*at most 1\\."),
        ({"gid_ranges": [[20, 5], [0, 1], [10, 11]]}, "gid_ranges: start 10, count 11 overlaps start 20;"),
        ({"uid_ranges": [[7, 1], [7, 1]]}, "uid_ranges: start 7, count 1 overlaps start 7;"),
        ({"uid_ranges": []}, "uid_ranges: is empty while gid_ranges is not;"),
        ({"gid_ranges": []}, "gid_ranges: is empty while uid_ranges is not;"),
    ],
)
def test_bad_options_are_told(options, told):
    with pytest.raises(ContainmentError, match="^" + told):
        proof.check(**dict(GOOD, **options))
