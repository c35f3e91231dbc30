# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a container has to show for user-namespace remapping to be proven, and the verdict. Pure.

A mapping is a list of extents [container start, host start, count], as in /proc/PID/uid_map (user_namespaces(7)).
"""

import posixpath

from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

IDENTITY = [[0, 0, 4294967295]]
# 4294967295 is (uid_t) -1, which is no id.
LAST_ID = 4294967294


def check(uid_ranges, gid_ranges, data_root, timeout):
    """Raise ContainmentError for what no engine can map or no proof can be made with. Arguments as of `expected`.

    timeout: seconds.
    """
    ranges = {"uid_ranges": uid_ranges, "gid_ranges": gid_ranges}
    if timeout < 1:
        raise ContainmentError("timeout", f"{timeout} is no time to prove anything in", "give at least 1 second")
    if not data_root.startswith("/"):
        raise ContainmentError("data_root", f"{data_root!r} is not an absolute path", "give it from / on")
    for key, given in ranges.items():
        for start, count in given:
            if not 0 <= start <= LAST_ID:
                raise ContainmentError(key, f"start {start} is not an id", f"give one from 0 to {LAST_ID}")
            if count < 1:
                raise ContainmentError(key, f"count {count} of start {start} maps no id", "give at least 1")
            if start + count - 1 > LAST_ID:
                raise ContainmentError(
                    key,
                    f"start {start} and count {count} end above the last id {LAST_ID}",
                    f"give a count of at most {LAST_ID - start + 1}",
                )
        ordered = sorted(given)
        for (start, count), (other, _count) in zip(ordered, ordered[1:]):
            if other < start + count:
                raise ContainmentError(
                    key,
                    f"start {start}, count {count} overlaps start {other}",
                    "give ranges that have no id in common",
                )
    if bool(uid_ranges) != bool(gid_ranges):
        given, missing = sorted(ranges, key=lambda key: not ranges[key])
        raise ContainmentError(
            missing, f"is empty while {given} is not", "give both, or none for an engine without remapping"
        )


def parse_map(text):
    """Return the mapping in the text of a uid_map or gid_map."""
    return [[int(word) for word in line.split()] for line in text.splitlines() if line.strip()]


def mapping_of(ranges):
    """Return the mapping that the engine makes of subordinate id ranges [[start, count], ...] in their order.

    No ranges: the identity, that is no remapping.
    """
    if not ranges:
        return IDENTITY
    mapping, inside = [], 0
    for start, count in ranges:
        mapping.append([inside, start, count])
        inside += count
    return mapping


def coalesce(mapping):
    """Return the same mapping with extents that continue one another joined and in the order of container ids."""
    joined = []
    for inside, outside, count in sorted(mapping):
        if joined and joined[-1][0] + joined[-1][2] == inside and joined[-1][1] + joined[-1][2] == outside:
            joined[-1] = [joined[-1][0], joined[-1][1], joined[-1][2] + count]
        else:
            joined.append([inside, outside, count])
    return joined


def host_id(mapping, inside):
    """Return the host id of a container's id, None where it is not mapped."""
    for start, outside, count in mapping:
        if start <= inside < start + count:
            return outside + inside - start
    return None


def show_map(mapping):
    return ", ".join("{} -> {} ({})".format(*extent) for extent in mapping) or "none"


def expected(uid_ranges, gid_ranges, data_root, trees=()):
    """Return {proof: text}: what the container and the graph root have to show.

    uid_ranges, gid_ranges: [[start, count], ...] in the engine's order, both empty for an engine without remapping.
    data_root: the directory above all graph roots. trees: paths that the container has to be able to use. The rule for
    the graph root, DATA_ROOT/UID.GID of mode 0710, owned by root and the remapped group, is that of dockerd's
    setupDaemonRoot since 20.10.3.
    """
    uid_map, gid_map = coalesce(mapping_of(uid_ranges)), coalesce(mapping_of(gid_ranges))
    uid, gid = host_id(uid_map, 0), host_id(gid_map, 0)
    unprivileged = uid != 0
    wanted = {
        "uid_map": show_map(uid_map),
        "gid_map": show_map(gid_map),
        "host_uid": str(uid),
        "write": "refused" if unprivileged else "allowed",
        "delete": "refused" if unprivileged else "allowed",
        "graph_root": data_root,
    }
    if uid_ranges:
        wanted.update(
            graph_root=posixpath.join(data_root, f"{uid}.{gid}"), graph_root_owner=f"0:{gid}", graph_root_mode="0710"
        )
    wanted.update({TREE + path: "allowed" for path in trees})
    return wanted


# In front of the path, in the name of a proof.
TREE = "tree "
PROOFS = [
    ("uid_map", "uid_map of a container's process"),
    ("gid_map", "gid_map of a container's process"),
    ("host_uid", "its uid on the host"),
    ("write", "writing to a file of the host's root"),
    ("delete", "deleting a file of the host's root"),
    ("graph_root", "graph root"),
    ("graph_root_owner", "its owner"),
    ("graph_root_mode", "its mode"),
]


def judge(wanted, observed):
    """Return [{proof, title, expected, observed, passed}] in a fixed order; what was not observed has not passed."""
    return [
        {
            "proof": key,
            "title": title,
            "expected": wanted[key],
            "observed": observed.get(key),
            "passed": observed.get(key) == wanted[key],
        }
        for key, title in PROOFS
        + [(key, f"reading and writing {key[len(TREE) :]}") for key in wanted if key.startswith(TREE)]
        if key in wanted
    ]
