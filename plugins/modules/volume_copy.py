#!/usr/bin/python
# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: volume_copy
short_description: Copy a tree with all it carries, into a mapping where asked for, and later again what changed
version_added: "0.2.0"
description:
  - Makes a directory the copy of another one, with owners, modes, setuid bits, capabilities, POSIX ACLs, extended
    attributes, hard links, holes, devices, fifos, sockets and times. Ids become those of another mapping where
    O(src_ids) or O(dest_ids) say so. Blocks are shared where the file system can (C(FICLONE)).
  - A second run copies what changed since, and removes from the copy what is gone. What did not change costs one look,
    because the kernel notes the time of every change. It notes that of a write when this begins, so that the content
    of what changed within five minutes before the run before is compared, too; after a reboot, where the clock was set
    back, and on other file systems than ext4, xfs, btrfs and f2fs, all content is. So a first run may take its time
    while programs write to the tree, and a second one, after they were stopped, is short.
  - A run that was killed is gone on with by the next. A file gets its time of content last, so that half of one is
    never taken for a whole one.
  - What is mounted in the tree is not copied, and told. So are immutable and append-only flags, which the copy does not
    get. SELinux labels are not copied either; the host's policy gives the copy its own.
  - O(dest) has to lie behind a directory that only root can enter, so that nobody can change what is made there.
  - The action plugin asks the host every few seconds and shows how many files are done, how many bytes a second, and
    how long it may still take. There is one copy at a time on a host.
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
      - Shows how much changes, and the first O(shown) names.
  platform:
    platforms: linux
  async:
    description:
      - Whether it may be used with C(async).
    support: none
    details:
      - It reports while it works, and no connection is kept open meanwhile.
options:
  src:
    description:
      - The directory.
    type: path
    required: true
  dest:
    description:
      - The directory that becomes its copy. It is made where it is missing, the one above it has to be there. One that
        holds something is refused, but for a copy that this module made of O(src) with the same ids.
    type: path
    required: true
  src_ids:
    description:
      - What the ids in O(src) mean. The host's own ids where it is not given.
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
        suboptions:
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
  dest_ids:
    description:
      - What they shall mean in O(dest). The host's own ids where it is not given.
    type: dict
    suboptions: *mapping
  privileges:
    description:
      - What becomes of setuid and setgid bits and of capabilities that would get the rights of an id of the host's own,
        one below 65536, which they had not. V(keep) keeps them. V(drop) copies the file without them. Where it is not
        given, such files are not copied and the run fails at its end.
    type: str
    choices: [keep, drop]
  verify:
    description:
      - Of how many files in a hundred the content is compared when all is copied, with everything else of every name.
        None are where it is 0. A difference fails the run; one that somebody wrote meanwhile does, too.
    type: int
    default: 0
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
      - Name of the copy that is waited for, from the RV(progress) of the call before. The action plugin sets it.
    type: str
"""

EXAMPLES = r"""
- name: Copy a volume into the graph root of the engine to come, while containers use it
  containment.docker.volume_copy:
    src: /var/lib/docker/volumes/data/_data
    dest: /var/lib/docker/2000224256.2000224256/volumes/data/_data
    dest_ids: {user: dockremap}

- name: The same again when they were stopped, and see that a tenth of it is the same
  containment.docker.volume_copy:
    src: /var/lib/docker/volumes/data/_data
    dest: /var/lib/docker/2000224256.2000224256/volumes/data/_data
    dest_ids: {user: dockremap}
    verify: 10
"""

RETURN = r"""
copy:
  description: What the copy takes. Null while RV(progress) is not.
  returned: success
  type: dict
  contains:
    inodes:
      description: How many names were looked at.
      type: int
      returned: success
    made:
      description: How many inodes the copy lacked, or had with other content.
      type: int
      returned: success
    dressed:
      description: How many get other attributes, owners or times alone.
      type: int
      returned: success
    linked:
      description: How many names of inodes that the copy has already.
      type: int
      returned: success
    removed:
      description: How many names go from the copy, because the tree has them no more.
      type: int
      returned: success
    bytes:
      description: Size of the content of what is made.
      type: int
      returned: success
    dropped:
      description: How many inodes are copied without their setuid and setgid bits and capabilities.
      type: int
      returned: success
    examples:
      description: The first that change, as path and word.
      type: list
      elements: list
      returned: success
    verified:
      description: For O(verify), how many files' content was compared, and what differs. Null without.
      type: dict
      returned: success
    foreign:
      description: Inodes with ids that neither mapping has, as C(count) and the C(first) paths. They keep them.
      type: dict
      returned: success
    unmapped:
      description: Inodes with ids of O(src_ids) that have no counterpart in O(dest_ids). They keep them.
      type: dict
      returned: success
    mounts:
      description: What is mounted in the tree, and subvolumes, which are not copied.
      type: dict
      returned: success
    locked:
      description: Immutable and append-only files, whose copies are not.
      type: dict
      returned: success
    privileged:
      description: Inodes that are not copied because O(privileges) is not given.
      type: dict
      returned: success
    vanished:
      description: What was gone, or something else, when its turn came.
      type: dict
      returned: success
    errors:
      description: What could not be copied, and why.
      type: dict
      returned: success
  sample:
    inodes: 40211
    made: 40211
    dressed: 0
    linked: 0
    removed: 0
    bytes: 734003200
    dropped: 0
    examples: [[/var/lib/docker/volumes/data/_data/base, copied]]
    verified: {compared: 4021, count: 0, first: []}
    foreign: {count: 0, first: []}
    unmapped: {count: 0, first: []}
    mounts: {count: 0, first: []}
    locked: {count: 0, first: []}
    privileged: {count: 0, first: []}
    vanished: {count: 0, first: []}
    errors: {count: 0, first: []}
measured:
  description: What is another figure each time. Null while RV(progress) is not.
  returned: success
  type: dict
  contains:
    written:
      description: Bytes that were written; what shares blocks was not.
      type: int
      returned: success
    cloned:
      description: How many files share their blocks with the copy.
      type: int
      returned: success
    seconds:
      description: How long it took.
      type: float
      returned: success
  sample: {written: 734003200, cloned: 0, seconds: 3.2}
progress:
  description: How far the copy is. Null when it is done.
  returned: success
  type: dict
  contains:
    path:
      description: The tree.
      type: str
      returned: success
    inodes:
      description: Names done.
      type: int
      returned: success
    written:
      description: Bytes written.
      type: int
      returned: success
    part:
      description: Estimate of the part of the tree that is done, from 0 to 1.
      type: float
      returned: success
    seconds:
      description: Since when it works.
      type: float
      returned: success
    job:
      description: The name of the copy, for O(job).
      type: str
      returned: success
  sample: null
"""

import os
import uuid

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.containment.docker.plugins.module_utils import (
    _copy_plan,
    _copy_worker,
    _job,
    _mountinfo,
    _shift_inode,
    _shift_plan,
    _subid_host,
    _tree,
)
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError, told

KIND = _job.Kind("volume_copy", _copy_worker, "copy")
IDS = {
    "type": "dict",
    "options": {"user": {"type": "str"}, "mapping": _shift_plan.MAPPING},
    "mutually_exclusive": [("user", "mapping")],
}


def open_target(path, write):
    """Return ({"fd", "path", "new"}, the _tree.Tree of the directory above it); the caller closes both.

    write: whether one that is missing is made; else its fd is None. Raises ContainmentError, OSError.
    """
    parent, name = os.path.split(path.rstrip("/"))
    above = _tree.open_tree(parent)
    try:
        real = f"{above.path.rstrip('/')}/{name}"
        if name in ("", ".", ".."):
            raise ContainmentError("dest", f"{path!r} names no directory", "give the path of one")
        flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            return {"fd": os.open(name, flags, dir_fd=above.fd), "path": real, "new": False}, above
        except FileNotFoundError:
            pass
        except NotADirectoryError:
            raise ContainmentError("dest", f"{real} is no directory", "name another, or move it away") from None
        if not write:
            return {"fd": None, "path": real, "new": True}, above
        os.mkdir(name, 0o700, dir_fd=above.fd)
        return {"fd": os.open(name, flags, dir_fd=above.fd), "path": real, "new": True}, above
    except BaseException:
        os.close(above.fd)
        raise


def refuse(tree, target):
    """Raise ContainmentError for a tree or a target that this module has to leave alone."""
    mounts = _tree.read_mounts()
    containers = _tree.read_containers(mounts)
    _tree.refuse_seen(target, mounts)
    places = [_mountinfo.place(mounts, path) for path in (tree.path, target)]
    _tree.refuse_containers(target, places[1], containers)
    _copy_plan.refuse_nested(tree.path, target, *places)
    _copy_plan.refuse_open(target, _above(target))


def _above(path):
    """Return the directories above `path`, the root first, as _copy_plan.refuse_open takes them."""
    found, here = [], "/"
    for part in ["", *path.strip("/").split("/")[:-1]]:
        here = os.path.join(here, part)
        found.append((here, os.lstat(here), _shift_inode.getxattr(here, "system.posix_acl_access") is not None))
    return found


def begin(module):
    """Start the copy and return the name of its job. Raises ContainmentError for what is refused, OSError."""
    params = module.params
    shifts = _shift_plan.shifts(params["src_ids"], params["dest_ids"], _subid_host.mapping_of)
    tree = _tree.open_tree(params["src"])
    job = uuid.uuid4().hex
    try:
        if not os.path.isdir("/proc/self/fd/%d" % tree.fd):
            raise ContainmentError("src", f"{tree.path} is no directory", "give the path of one")
        refuse(tree, _real(params["dest"]))
        target, above = open_target(params["dest"], not module.check_mode)
        fds = [fd for fd in (tree.fd, target["fd"]) if fd is not None]
        try:
            request = {
                "name": _shift_plan.digest(shifts, [os.fsencode(path) for path in (tree.path, target["path"])]),
                "trees": [{"fd": tree.fd, "path": tree.path}],
                "fds": fds,
                "target": target,
                "shifts": {kind: shift.as_lists() for kind, shift in shifts.items()},
                "privileges": params["privileges"],
                "verify": params["verify"],
                "reread": 0,
                "still": False,
                "write": not module.check_mode,
                "shown": params["shown"],
            }
            _job.start(KIND, job, request)
        finally:
            os.close(above.fd)
            if target["fd"] is not None:
                os.close(target["fd"])
    finally:
        os.close(tree.fd)
    return job


def _real(path):
    """Return the real path of what may not be there yet."""
    parent, name = os.path.split(path.rstrip("/"))
    above = _tree.open_tree(parent)
    os.close(above.fd)
    return f"{above.path.rstrip('/')}/{name}"


def run(module):
    params = module.params
    if not 0 <= params["shown"] <= 1000:
        raise ContainmentError("shown", f"{params['shown']} is not within 0-1000", "give another number")
    if not 0 <= params["verify"] <= 100:
        raise ContainmentError("verify", f"{params['verify']} is not within 0-100", "give a part of a hundred")
    if params["slice"] is not None and params["slice"] < 1:
        raise ContainmentError("slice", f"{params['slice']} is less than 1", "give a positive number, or leave it out")
    if os.geteuid():
        raise ContainmentError("volume_copy", f"runs as uid {os.geteuid()}", "run with become: true")
    job = begin(module) if params["job"] is None else params["job"]
    result, progress = _job.wait(KIND, job, params["slice"])
    if result is None:
        module.exit_json(changed=False, copy=None, measured=None, progress=progress)
    copied = result["copy"]
    measured = copied.pop("measured")
    path = params["dest"]
    answer = {"changed": _copy_plan.changed(copied) > 0, "copy": copied, "measured": measured, "progress": None}
    answer["diff"] = [_copy_plan.diff(path, copied)] if answer["changed"] else []
    for warning in _copy_plan.warnings(params["src"], copied):
        module.warn(warning)
    failures = _copy_plan.failures(params["src"], copied)
    if failures:
        module.fail_json(msg=" ".join(failures), **answer)
    module.exit_json(**answer)


def main():
    module = AnsibleModule(
        argument_spec={
            "src": {"type": "path", "required": True},
            "dest": {"type": "path", "required": True},
            "src_ids": IDS,
            "dest_ids": IDS,
            "privileges": {"type": "str", "choices": ["keep", "drop"]},
            "verify": {"type": "int", "default": 0},
            "shown": {"type": "int", "default": 20},
            "slice": {"type": "int"},
            "job": {"type": "str"},
        },
        supports_check_mode=True,
    )
    with told(module, "volume_copy"):
        run(module)


if __name__ == "__main__":
    main()
