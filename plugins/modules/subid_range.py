#!/usr/bin/python
# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: subid_range
short_description: Give a user ranges of subordinate uids and gids
version_added: "0.1.0"
description:
  - Ensures the ranges of a user in C(/etc/subuid) and C(/etc/subgid), the same in both unless O(gid_ranges) says
    otherwise. The Docker Engine maps the ids of containers to them when C(userns-remap) names the user.
  - Without O(start) and O(ranges), a user that has enough ids keeps them; one that has too few gets the ids that
    follow, where they are free; one that has none, or has them in one file only, gets an allocation, or the same range
    in the other file.
  - An allocation meets no other line of both files, no id of a user or group that the name services list, no id that a
    running process's user namespace maps, and no reserved area (systemd's homes, dynamic users, containers and foreign
    ids, everything from 2147483647 up).
  - Both files are locked as shadow-utils lock them (C(/etc/.pwd.lock), C(/etc/subuid.lock), C(/etc/subgid.lock)) from
    reading to writing. Other lines, comments and their order stay byte for byte. C(/etc/subuid-) and C(/etc/subgid-)
    keep the version before.
  - Refused are users without confinement (root), ranges that overlap others, hold ids of accounts or are mapped by
    others' processes, ids below 65536, maps that the kernel does not take (340 extents, or 5 before Linux 4.15, and
    less than one page of text), malformed lines, lines of one user by name and by uid in one file, files that are
    symbolic links, and a C(subid) source in C(/etc/nsswitch.conf) other than C(files), because the engine reads the
    files alone.
author:
  - containment.docker contributors (@containment)
extends_documentation_fragment:
  - containment.docker.attributes
attributes:
  check_mode:
    support: full
    details:
      - A user that does not exist yet is taken for one that the run will find, because lines are written by name. A
        user given by uid has to exist. The locks are not taken.
  diff_mode:
    support: full
    details:
      - Shows the user's own lines of each file that changes.
  platform:
    platforms: linux
options:
  name:
    description:
      - The user, by name or by uid. New lines are written by name, unless the file has lines of this user by uid
        already.
    type: str
    required: true
  state:
    description:
      - V(present) ensures the ranges, V(absent) removes every line of the user, by name and by uid, from both files.
      - V(absent) is refused while a running process's user namespace maps ids of the user.
    type: str
    choices: [present, absent]
    default: present
  start:
    description:
      - First id of the one range that the user shall have, with O(count) ids.
    type: int
  count:
    description:
      - How many ids the user needs at least, or how many the range at O(start) has. 65536 where it is not given.
    type: int
  ranges:
    description:
      - The ranges that the user shall have, exactly these and in this order. The first id of the first range is the
        root of containers, the ids of a range follow those of the range before.
    type: list
    elements: dict
    suboptions: &range
      start:
        description: First id on the host.
        type: int
        required: true
      count:
        description: How many ids.
        type: int
        required: true
  gid_ranges:
    description:
      - The ranges for C(/etc/subgid), where they are to differ from O(ranges), which are then those of C(/etc/subuid)
        alone.
    type: list
    elements: dict
    suboptions: *range
  align:
    description:
      - An allocated range starts at a multiple of this.
    type: int
    default: 65536
  search_min:
    description:
      - Lowest id of an allocation. The default area lies above what useradd (100000-600100000), LXD (to 1001000000),
        systemd-nspawn (524288-1879048191) and sssd's id mapping (200000-2000200000) hand out by default and below
        systemd's foreign ids (2147352576), so that the hosts of a fleet come to the same range whatever users they
        have.
    type: int
    default: 2000224256
  search_max:
    description:
      - Highest id of an allocation.
    type: int
    default: 2147352575
  allow_low:
    description:
      - Allows ranges that start below 65536, where ids of the host's own users and of images meet (moby#39169).
    type: bool
    default: false
  allow_accounts:
    description:
      - Allows named ranges, and those the user has already, to hold ids of existing users or groups. A mapping of a
        container's root to one account needs it.
    type: bool
    default: false
  allow_move:
    description:
      - Allows ids that the user has to be replaced by others. With a changed start the engine uses another graph root,
        and the images, containers and volumes of the old one are not seen any more.
    type: bool
    default: false
  transaction:
    description:
      - Name of the transaction that keeps the previous versions under C(/var/lib/containment/transactions). Modules of
        one run may share a name. By default a name made of the time in UTC and C(subid_range).
    type: str
"""

EXAMPLES = r"""
- name: Give dockremap 65536 ids that nobody else has
  containment.docker.subid_range:
    name: dockremap

- name: The same range on every host that shares storage
  containment.docker.subid_range:
    name: dockremap
    start: 2000224256

- name: Root of containers is one unprivileged id, all other ids have a range
  containment.docker.subid_range:
    name: dockremap
    ranges:
      - {start: 2, count: 1}
      - {start: 2000224257, count: 65535}
    allow_low: true
    allow_accounts: true

- name: All files of containers belong to one id
  containment.docker.subid_range:
    name: alice
    ranges:
      - {start: 1000, count: 1}
    gid_ranges:
      - {start: 1000, count: 1}
      - {start: 2000224257, count: 5}
    allow_low: true
    allow_accounts: true

- name: Take all ranges of a tenant away
  containment.docker.subid_range:
    name: tenant1
    state: absent
"""

RETURN = r"""
ranges:
  description: The user's ranges before and after, in the order in which the engine maps them.
  returned: success
  type: dict
  contains:
    before:
      description: Ranges by file, V(uid) for C(/etc/subuid), V(gid) for C(/etc/subgid).
      type: dict
      returned: success
    after:
      description: The same, as the run leaves them or would leave them.
      type: dict
      returned: success
  sample:
    before: {uid: [], gid: []}
    after:
      uid: [{start: 2000224256, count: 65536}]
      gid: [{start: 2000224256, count: 65536}]
mapping:
  description: The map that the engine gives containers with these ranges.
  returned: success
  type: dict
  contains:
    uid:
      description: Extents of C(uid_map), in order.
      type: list
      elements: dict
      returned: success
    gid:
      description: Extents of C(gid_map), in order.
      type: list
      elements: dict
      returned: success
  sample:
    uid: [{container_start: 0, host_start: 2000224256, count: 65536}]
    gid: [{container_start: 0, host_start: 2000224256, count: 65536}]
transaction:
  description: The transaction that keeps the previous versions, null where no file was changed.
  returned: success
  type: str
  sample: 20261122T101500Z-subid_range
"""

import contextlib
import re

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.containment.docker.plugins.module_utils import (
    _files,
    _shadow_lock,
    _subid,
    _subid_alloc,
    _subid_host,
    _subid_plan,
    _transaction,
)
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError, told

RANGE = {
    "type": "list",
    "elements": "dict",
    "options": {"start": {"type": "int", "required": True}, "count": {"type": "int", "required": True}},
}


def wanted(params):
    """Return the Wanted that the module's parameters say. Raises ContainmentError for values that cannot be meant."""
    # No control characters, and no half surrogate pairs other than those that stand for bytes that are not UTF-8.
    if not re.match(r"(?![#+\-])[^\s:/\x00-\x1f\x7f\ud800-\udc7f\udd00-\udfff]+\Z", params["name"]):
        raise ContainmentError(
            "name", f"{params['name']!r} cannot be a user", "give one user name or uid, without group"
        )
    if params["state"] == "absent":
        for key in ("start", "count", "ranges"):
            if params[key] is not None:
                raise ContainmentError(
                    key,
                    "has no meaning with state: absent, which removes every range of the user",
                    f"leave {key} out, or use state: present",
                )
    for key in ("count", "align"):
        if params[key] is not None and params[key] < 1:
            raise ContainmentError(key, f"{params[key]} is less than 1", "give a positive number")
    if not 1 <= params["search_min"] <= params["search_max"] <= _subid_alloc.LAST:
        raise ContainmentError(
            "search_min, search_max",
            f"{params['search_min']} to {params['search_max']} is no area of ids",
            f"give two ids within 1-{_subid_alloc.LAST}, the lower one first",
        )
    for key in ("ranges", "gid_ranges"):
        if params[key] is not None and not params[key]:
            raise ContainmentError(key, "is empty", "name a range, or use state: absent to remove all")
    count = 65536 if params["count"] is None else params["count"]
    ranges = _pairs(params["ranges"]) if params["start"] is None else [(params["start"], count)]
    return _subid_plan.Wanted(
        count,
        ranges,
        _pairs(params["gid_ranges"]),
        params["align"],
        params["search_min"],
        params["search_max"],
        params["allow_low"],
        params["allow_accounts"],
        params["allow_move"],
    )


def _pairs(ranges):
    return None if ranges is None else [(one["start"], one["count"]) for one in ranges]


def plan(module, wish, files):
    """Return the Plan for `files` ({kind: File}) on this host."""
    owner = _subid_host.read_owner(module.params["name"])
    host = _subid_host.read_host()
    parsed = {kind: _subid.parse(files[kind].data, files[kind].path) for kind in _subid_plan.KINDS}
    if module.params["state"] == "absent":
        return _subid_plan.plan_absent(parsed, owner, host)
    if owner.name is None or (owner.uid is None and not module.check_mode):
        raise ContainmentError("name", f"there is no user {module.params['name']}", "create the user first")
    return _subid_plan.plan_present(parsed, owner, host, wish)


def run(module):
    wish = wanted(module.params)
    transaction = module.params["transaction"] or _transaction.default_name("subid_range")
    # Check mode leaves no trace, and locks are files.
    with contextlib.ExitStack() as stack:
        if not module.check_mode:
            stack.enter_context(_shadow_lock.locked())
        before = _subid_host.read_files()
        planned = plan(module, wish, before)
        changed = [kind for kind in _subid_plan.KINDS if planned.contents[kind] != (before[kind].data or b"")]
        for kind in changed:
            _files.refuse_unwritable(before[kind])
        if changed:
            _transaction.check_usable(transaction)
        if changed and not module.check_mode:
            _subid_host.replace(before, planned.contents, transaction)
            for kind in changed:
                if before[kind].data is None:
                    module.set_default_selinux_context(before[kind].path, False)
            after = _subid_host.read_files()
            for kind in changed:
                if after[kind].data != planned.contents[kind]:
                    raise ContainmentError(
                        after[kind].path,
                        "does not hold what was written",
                        "find out which program writes it without its lock",
                    )
    for warning in planned.warnings:
        module.warn(warning)
    module.exit_json(
        changed=bool(changed),
        ranges={
            when: {
                kind: [{"start": start, "count": count} for start, count in ranges[kind]] for kind in _subid_plan.KINDS
            }
            for when, ranges in (("before", planned.before), ("after", planned.after))
        },
        mapping={
            kind: [
                {"container_start": container, "host_start": start, "count": count}
                for container, start, count in _subid.mapping(planned.after[kind])
            ]
            for kind in _subid_plan.KINDS
        },
        transaction=transaction if changed and not module.check_mode else None,
        diff=[
            {
                "before_header": before[kind].path,
                "after_header": before[kind].path,
                "before": planned.shown[kind][0],
                "after": planned.shown[kind][1],
            }
            for kind in changed
        ],
    )


def main():
    module = AnsibleModule(
        argument_spec={
            "name": {"type": "str", "required": True},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "start": {"type": "int"},
            "count": {"type": "int"},
            "ranges": RANGE,
            "gid_ranges": RANGE,
            "align": {"type": "int", "default": 65536},
            "search_min": {"type": "int", "default": _subid_alloc.SEARCH_FIRST},
            "search_max": {"type": "int", "default": _subid_alloc.SEARCH_LAST},
            "allow_low": {"type": "bool", "default": False},
            "allow_accounts": {"type": "bool", "default": False},
            "allow_move": {"type": "bool", "default": False},
            "transaction": {"type": "str"},
        },
        mutually_exclusive=[("ranges", "start"), ("ranges", "count")],
        required_by={"gid_ranges": "ranges"},
        supports_check_mode=True,
    )
    with told(module, "subid_range"):
        run(module)


if __name__ == "__main__":
    main()
