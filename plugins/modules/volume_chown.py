#!/usr/bin/python
# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: volume_chown
short_description: Shift the ownership of trees into a mapping, out of it, or to another
version_added: "0.2.0"
description:
  - Changes the owners of everything in directories that containers use, so that the same ids of a container own it
    under another mapping of ids. Ids that the old mapping does not mean, and those that have no counterpart in the new
    one, stay as they are and are counted.
  - Kept are setuid, setgid and sticky bits, capabilities (their root is shifted, too), the ids in POSIX ACLs, and times
    of change and access of the content. C(chown -R) loses all of that.
  - An inode that has one of the new ids already is done, so that a second run changes nothing, and one that was killed
    is completed by the next. Bits and capabilities, which every chown clears, are kept in an extended attribute of the
    inode (C(trusted.containment.stash)) until they are back.
  - Nothing outside of the trees is changed, but for files that have another name there. Directories are opened one
    inside of the other without following links; of links the owner is changed and never that of what they lead to; what
    is mounted below is not gone into.
  - The action plugin asks the host every few seconds and shows how many files are done, how fast, and how long it may
    still take. The shift itself is one process on the host, which ends within half a minute when nobody asks any more.
    There is one at a time on a host; one that nobody waits for is ended by the next.
  - What is mounted in a tree while that is shifted ends the run with an error, before it is gone into.
  - Refused are system directories, trees with the root file system of a running container, and mappings under which an
    id that is moved is also one that others become, unless O(scratch_start) is given.
  - While containers write to a tree, somebody in one who exchanges two files of one directory at the right moment can
    exchange what becomes of their owners. Stop the containers.
  - Not kept are NFSv4 ACLs. Not supported are file systems without owners, and trees whose owner a server decides.
author:
  - containment.docker contributors (@containment)
extends_documentation_fragment:
  - containment.docker.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details:
      - Shows how much changes, and the first O(shown) inodes with their owners.
  platform:
    platforms: linux
  async:
    description:
      - Whether it may be used with C(async).
    support: none
    details:
      - It reports while it works, and no connection is kept open meanwhile.
options:
  paths:
    description:
      - The trees, directories or single files.
    type: list
    elements: path
    required: true
  source:
    description:
      - What the ids on the disk mean now. The host's own ids where it is not given, as without remapping, and every id
        for O(target.owner).
    type: dict
    suboptions: &mapping
      user:
        description:
          - The mapping of this user's ranges in C(/etc/subuid) and C(/etc/subgid), by name or by uid.
        type: str
      mapping:
        description:
          - The mapping itself, such as RV(containment.docker.subid_range#module:mapping).
        type: dict
        suboptions: &kinds
          uid:
            description: Extents of uids.
            type: list
            elements: dict
            required: true
            suboptions: &extent
              container_start:
                description: First id in the container.
                type: int
                required: true
              host_start:
                description: First id on the host.
                type: int
                required: true
              count:
                description: How many ids.
                type: int
                required: true
          gid:
            description: Extents of gids.
            type: list
            elements: dict
            required: true
            suboptions: *extent
  target:
    description:
      - What they shall mean. The host's own ids where it is not given.
    type: dict
    suboptions:
      user:
        description:
          - The mapping of this user's ranges in C(/etc/subuid) and C(/etc/subgid), by name or by uid.
        type: str
      mapping:
        description:
          - The mapping itself.
        type: dict
        suboptions: *kinds
      owner:
        description:
          - One owner for all. What belonged to whom is lost by it.
        type: dict
        suboptions:
          uid:
            description: The uid.
            type: int
            required: true
          gid:
            description: The gid.
            type: int
            required: true
  xattrs:
    description:
      - Whether capabilities and ACLs are looked for. Without, capabilities of what is shifted are gone and the ids in
        ACLs stay, and a run costs a little less. Setuid and setgid bits are kept all the same.
    type: bool
    default: true
  privileges:
    description:
      - What becomes of setuid and setgid bits and of capabilities that would get the rights of an id of the host's own,
        one below 65536. Root in a container can have made such a file for an accomplice on the host.
      - V(keep) keeps them, for trees that only root reaches or that are mounted C(nosuid). V(drop) gives the file its
        new owner without them. Where it is not given, such files stay as they are and the run fails at its end, with
        everything else shifted.
    type: str
    choices: [keep, drop]
  cross_mounts:
    description:
      - Whether what is mounted in the trees is shifted, too.
    type: bool
    default: false
  clear_flags:
    description:
      - Whether immutable and append-only flags are cleared for the moment of the change. Without, such inodes stay as
        they are, with a warning.
    type: bool
    default: false
  scratch_start:
    description:
      - First of a row of ids that nobody uses, for mappings of which one's ids are also the other's. Ids go there
        first, and from there to their targets. Nothing is shifted unless all can be. The tree remembers, in
        C(trusted.containment.shift) of its root, that this was done, because its ids cannot tell; remove that attribute
        where it is not so any more.
    type: int
  marker:
    description:
      - Whether the root of a tree remembers that all is shifted, in C(trusted.containment.shift), and is believed. The
        next run looks at the root alone. What came into the tree since is not seen. A file system without trusted
        attributes remembers nothing.
    type: bool
    default: false
  state:
    description:
      - V(noted) only notes under O(transaction) what V(shifted) would note, for trees that are shifted later. Another
        run can then finish what was begun when this one is killed in between.
    type: str
    choices: [shifted, noted]
    default: shifted
  transaction:
    description:
      - Name of the transaction under which M(containment.docker.transaction) can take the shift back. It is noted there
        before anything is shifted, and every tree that is named counts as one that has to be shifted back. Not noted
        where it is not given, and not possible with O(target.owner).
    type: str
  shown:
    description:
      - How many paths of each sort are reported.
    type: int
    default: 20
  slice:
    description:
      - After how many seconds the module reports progress instead of waiting on. The action plugin sets it.
    type: int
  job:
    description:
      - Name of the shift that is waited for, from the RV(progress) of the call before. The action plugin sets it.
    type: str
"""

EXAMPLES = r"""
- name: Give a volume to the containers of the remapped engine
  containment.docker.volume_chown:
    paths: [/srv/data]
    target: {user: dockremap}

- name: Back to the host's own ids, setuid bits without their rights
  containment.docker.volume_chown:
    paths: [/srv/data]
    source: {user: dockremap}
    privileges: drop

- name: From one tenant's range to another's
  containment.docker.volume_chown:
    paths: [/srv/tenants/b/data]
    source: {user: tenant-a}
    target: {user: tenant-b}

- name: Everything to one owner
  containment.docker.volume_chown:
    paths: [/srv/scratch]
    target:
      owner: {uid: 60000, gid: 60000}

- name: Root of containers is id 2, which is also an id of the source
  containment.docker.volume_chown:
    paths: [/srv/data]
    target:
      mapping:
        uid: [{container_start: 0, host_start: 2, count: 1}, {container_start: 1, host_start: 2000224257, count: 65535}]
        gid: [{container_start: 0, host_start: 2, count: 1}, {container_start: 1, host_start: 2000224257, count: 65535}]
    scratch_start: 2100000000
    privileges: keep
"""

RETURN = r"""
trees:
  description: Each tree, in the order of O(paths).
  returned: success
  type: list
  elements: dict
  contains: &tree
    path:
      description: The real path, with what cannot be shown as C(\xNN).
      type: str
      returned: success
    inodes:
      description: How many inodes were looked at, each once.
      type: int
      returned: success
    changed:
      description: How many of them change.
      type: int
      returned: success
    dropped:
      description: How many of them change without their setuid and setgid bits and capabilities.
      type: int
      returned: success
    marked:
      description: Whether the root said that all is done, so that nothing else was looked at.
      type: bool
      returned: success
    examples:
      description: The first that change, as path, owner before and owner after.
      type: list
      elements: list
      returned: success
    foreign:
      description: Inodes with ids that neither mapping has, as C(count) and the C(first) paths.
      type: dict
      returned: success
    unmapped:
      description: Inodes with ids of the source that have no counterpart in the target.
      type: dict
      returned: success
    mounts:
      description: What is mounted in the tree, and subvolumes, which were not gone into.
      type: dict
      returned: success
    links:
      description: Inodes that have names outside of the tree, too.
      type: dict
      returned: success
    locked:
      description: Inodes that stay because they are immutable or append-only.
      type: dict
      returned: success
    privileged:
      description: Inodes that stay because O(privileges) is not given.
      type: dict
      returned: success
    vanished:
      description: What was gone, or something else, when its turn came.
      type: dict
      returned: success
    errors:
      description: What could not be shifted, and why.
      type: dict
      returned: success
  sample:
    - path: /srv/data
      inodes: 242221
      changed: 242219
      dropped: 0
      marked: false
      examples: [[/srv/data/etc/hosts, "0:0", "2000224256:2000224256"]]
      foreign: {count: 2, first: [/srv/data/backup, /srv/data/backup/key]}
      unmapped: {count: 0, first: []}
      mounts: {count: 1, first: [/srv/data/cache]}
      links: {count: 0, first: []}
      locked: {count: 0, first: []}
      privileged: {count: 0, first: []}
      vanished: {count: 0, first: []}
      errors: {count: 0, first: []}
measured:
  description: Of each tree, in the same order, what is another figure each time.
  returned: success
  type: list
  elements: dict
  contains:
    bytes:
      description: How much room its inodes take. Null where it is not check mode, because counting costs time.
      type: int
      returned: success
    seconds:
      description: How long the run took. A shift of all takes about one and a half times as long as check mode does.
      type: float
      returned: success
  sample: [{bytes: null, seconds: 2.31}]
progress:
  description: How far the shift is. Null when it is done.
  returned: success
  type: dict
  contains:
    path:
      description: The tree.
      type: str
      returned: success
    inodes:
      description: Inodes done.
      type: int
      returned: success
    part:
      description: Estimate of the part of that tree that is done, from 0 to 1.
      type: float
      returned: success
    seconds:
      description: Since when it works on that tree.
      type: float
      returned: success
    job:
      description: The name of the shift, for O(job).
      type: str
      returned: success
  sample: null
"""

import os
import uuid

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.containment.docker.plugins.module_utils import (
    _job,
    _mountinfo,
    _shift_map,
    _shift_plan,
    _shift_worker,
    _subid_host,
    _tree,
    _volume_ledger,
    _volume_record,
)
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError, told

KIND = _job.Kind("volume_chown", _shift_worker, "shift")
SIDE = {"user": {"type": "str"}, "mapping": _shift_plan.MAPPING}
OWNER = {"type": "dict", "options": {kind: {"type": "int", "required": True} for kind in _shift_map.KINDS}}


def open_trees(paths, cross):
    """Return [Tree], which the caller closes. cross: whether mounts in them are gone into.

    Raises ContainmentError for those that are refused, OSError.
    """
    trees, mounts = [], _tree.read_mounts()
    containers = _tree.read_containers(mounts)
    try:
        for path in paths:
            tree = _tree.open_tree(path)
            trees.append(tree)
            for path in [tree.path] + (_mountinfo.within(mounts, tree.path) if cross else []):
                _tree.refuse_seen(path, mounts)
                _tree.refuse_containers(path, _mountinfo.place(mounts, path), containers)
            _tree.refuse_read_only(tree)
        _tree.refuse_nested([tree.path for tree in trees], mounts)
        return trees
    except BaseException:
        close(trees)
        raise


def close(trees):
    for tree in trees:
        os.close(tree.fd)


def note(module):
    """Note what a shift would; return the result. Raises ContainmentError for what is refused, OSError."""
    params = module.params
    _volume_record.check(params["transaction"])
    trees = open_trees(params["paths"], params["cross_mounts"])
    try:
        changed = record(params, trees, write=not module.check_mode)
    finally:
        close(trees)
    return {"changed": changed, "trees": [], "measured": [], "progress": None}


def begin(module):
    """Start the shift and return the name of its job. Raises ContainmentError for what is refused, OSError."""
    params = module.params
    _volume_record.check(params["transaction"])
    shifts = _shift_plan.shifts(params["source"], params["target"], _subid_host.mapping_of)
    scratch = _shift_plan.scratch(shifts, params["scratch_start"], _subid_host.in_use)
    trees = open_trees(params["paths"], params["cross_mounts"])
    job = uuid.uuid4().hex
    try:
        request = {
            "name": _shift_plan.digest(shifts, [params["xattrs"], params["cross_mounts"]]),
            "trees": [{"fd": tree.fd, "path": tree.path} for tree in trees],
            "fds": [tree.fd for tree in trees],
            "shifts": {kind: shift.as_lists() for kind, shift in shifts.items()},
            "scratch": scratch,
            "marker": params["marker"],
            "xattrs": params["xattrs"],
            "cross": params["cross_mounts"],
            "unlock": params["clear_flags"],
            "privileges": params["privileges"],
            "write": not module.check_mode,
            "shown": params["shown"],
        }
        if params["transaction"] is not None:
            record(params, trees, write=not module.check_mode)
        _job.start(KIND, job, request)
    finally:
        close(trees)
    return job


def record(params, trees, write):
    """Note under the transaction what the ids of the trees will mean; return whether that was not known."""
    old, new = (_mapping(params, key) for key in ("source", "target"))
    entries = dict.fromkeys(tree.path for tree in trees)
    if new is not None:
        for path in entries:
            entries[path] = _volume_ledger.Entry(path, path, _volume_ledger.SHIFT, new, old)
    return _volume_record.record(params["transaction"], entries, write)


def _mapping(params, key):
    option = params[key]
    return None if option is None else _shift_plan.mapping(option, key + ".", _subid_host.mapping_of)


def run(module):
    params = module.params
    if not params["paths"]:
        raise ContainmentError("paths", "is empty", "name a directory")
    if not 0 <= params["shown"] <= 1000:
        raise ContainmentError("shown", f"{params['shown']} is not within 0-1000", "give another number")
    if params["slice"] is not None and params["slice"] < 1:
        raise ContainmentError("slice", f"{params['slice']} is less than 1", "give a positive number, or leave it out")
    if params["transaction"] is not None and (params["target"] or {}).get("owner"):
        raise ContainmentError(
            "transaction",
            "could not take target.owner back, because what belonged to whom is lost",
            "leave one of them out",
        )
    if params["state"] == "noted" and params["transaction"] is None:
        raise ContainmentError("state", "noted needs to know under which transaction", "give transaction")
    if os.geteuid():
        raise ContainmentError("volume_chown", f"runs as uid {os.geteuid()}", "run with become: true")
    if params["state"] == "noted":
        module.exit_json(**note(module))
    if params["job"] is None:
        job = begin(module)
    else:
        job = params["job"]
    result, progress = _job.wait(KIND, job, params["slice"])
    if result is None:
        module.exit_json(changed=False, trees=[], measured=[], progress=progress)
    shifted = result["trees"]
    measured = [{key: tree.pop(key) for key in ("bytes", "seconds")} for tree in shifted]
    answer = {
        "changed": any(tree["changed"] for tree in shifted),
        "trees": shifted,
        "measured": measured,
        "progress": None,
        "diff": [_shift_plan.diff(tree) for tree in shifted if tree["changed"]],
    }
    for tree in shifted:
        for warning in _shift_plan.warnings(tree):
            module.warn(warning)
    failures = [failure for tree in shifted for failure in _shift_plan.failures(tree)]
    if failures:
        module.fail_json(msg=" ".join(failures), **answer)
    module.exit_json(**answer)


def main():
    module = AnsibleModule(
        argument_spec={
            "paths": {"type": "list", "elements": "path", "required": True},
            "source": {"type": "dict", "options": SIDE, "mutually_exclusive": [("user", "mapping")]},
            "target": {
                "type": "dict",
                "options": dict(SIDE, owner=OWNER),
                "mutually_exclusive": [("user", "mapping", "owner")],
            },
            "xattrs": {"type": "bool", "default": True},
            "privileges": {"type": "str", "choices": ["keep", "drop"]},
            "cross_mounts": {"type": "bool", "default": False},
            "clear_flags": {"type": "bool", "default": False},
            "scratch_start": {"type": "int"},
            "marker": {"type": "bool", "default": False},
            "state": {"type": "str", "choices": ["shifted", "noted"], "default": "shifted"},
            "transaction": {"type": "str"},
            "shown": {"type": "int", "default": 20},
            "slice": {"type": "int"},
            "job": {"type": "str"},
        },
        required_one_of=[("source", "target")],
        supports_check_mode=True,
    )
    with told(module, "volume_chown"):
        run(module)


if __name__ == "__main__":
    main()
