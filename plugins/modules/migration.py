#!/usr/bin/python
# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: migration
short_description: Carry images, containers, volumes and networks over to the graph root of a remapped engine, and back
version_added: "0.2.0"
description:
  - An engine that is remapped, or gets another range, serves from another graph root, in which none of its images,
    containers, volumes and networks are. This module brings them along. It fills the new graph root by a second engine
    while the present one still serves, so that services are away for little longer than a restart of the engine takes.
  - The role C(userns) calls it at the right places between writing ids, the key C(userns-remap), and the transaction
    that takes both back. It writes neither of these.
  - Each state is gone on with where a run before was killed. How far it came lies in
    C(/var/lib/containment/migrations/NAME.json), together with the configurations of the containers, for root alone and
    until the migration is over.
  - Images are streamed from engine to engine, volumes and the containers' own layers (storage driver C(overlay2)) are
    copied as M(containment.docker.volume_copy) does it, once while services run and once when they are stopped.
    Containers are made anew as they were, with the same names, restart policies, networks and fixed addresses, and
    started in the order in which they ran.
  - Containers that a remapped engine refuses, content of volumes that are no local ones, managed plugins, build cache
    and the repository digests of images stay behind, and are told.
author:
  - containment.docker contributors (@containment)
extends_documentation_fragment:
  - containment.docker.attributes
attributes:
  check_mode:
    support: full
    details:
      - What only the engine refuses, such as a mount whose source is gone, is found when the new graph root is filled,
        before anything is stopped.
  diff_mode:
    support: full
  platform:
    platforms: linux
  async:
    description:
      - Whether it may be used with C(async).
    support: none
    details:
      - It reports while it works, and no connection is kept open meanwhile.
options:
  name:
    description:
      - The transaction that the migration belongs to.
    type: str
    required: true
  state:
    description:
      - V(planned) tells what would come along, what would not, and what stands in the way.
      - V(seeded) fills the new graph root while the engine serves from the present one.
      - V(stopped) stops the containers, then the engine, and brings along what changed since.
      - V(switched) does that too, starts the engine, which has to be configured for the new graph root by then, and its
        containers.
      - V(halted) is the first half of the way back. It stops the engine that serves from the new graph root, and its
        containers.
      - V(returned) does that too, starts the engine, which has to be configured for the old graph root by then, and the
        containers that ran there. What was written meanwhile is told and laid aside; a new graph root in which nothing
        ever ran is removed.
      - V(removed) removes the old graph root after the switch.
    type: str
    choices: [planned, seeded, stopped, switched, halted, returned, removed]
    required: true
  remap:
    description:
      - The value of C(userns-remap) to come, for V(planned) and V(seeded).
    type: str
  uid_ranges:
    description:
      - The subordinate uid ranges to come, in the engine's order, for V(planned) and V(seeded).
    type: list
    elements: dict
    default: []
    suboptions: &range
      start:
        description:
          - First id on the host.
        type: int
        required: true
      count:
        description:
          - Number of ids.
        type: int
        required: true
  gid_ranges:
    description:
      - The subordinate gid ranges to come, in the engine's order.
    type: list
    elements: dict
    default: []
    suboptions: *range
  uid_ranges_before:
    description:
      - The uid ranges that the engine has in force before any of that is written, for V(planned) and V(seeded). Empty
        for an engine without remapping.
    type: list
    elements: dict
    default: []
    suboptions: *range
  gid_ranges_before:
    description:
      - The gid ranges that it has in force.
    type: list
    elements: dict
    default: []
    suboptions: *range
  volumes:
    description:
      - V(copy) leaves the old volumes as they are, which takes as much room again, and less time. V(move) takes them
        along and shifts their owners while services are stopped; the way back does the same.
    type: str
    choices: [copy, move]
    default: copy
  verify:
    description:
      - Of how many files in a hundred that are copied the content is read again and compared with the copy, as the
        kernel holds both. The state V(seeded) does that while services run, and has what differs copied again later;
        V(stopped) does it for what changed since, and fails where it differs. Sizes are compared of all files.
    type: int
    default: 1
  socket:
    description:
      - The engine's socket.
    type: path
    default: /run/docker.sock
  timeout:
    description:
      - Seconds that the engine may take to stop and to start, and healthy containers to be healthy again.
    type: int
    default: 120
  slice:
    description:
      - After how many seconds the module reports progress instead of waiting on. The action plugin sets it.
    type: int
  job:
    description:
      - Name of the work that is waited for, from the RV(progress) of the call before. The action plugin sets it.
    type: str
"""

EXAMPLES = r"""
- name: Tell what remapping would do to what this engine has
  containment.docker.migration:
    name: 20261122T101500Z-harden
    state: planned
    remap: dockremap
    uid_ranges: [{start: 2000224256, count: 65536}]
    gid_ranges: [{start: 2000224256, count: 65536}]
  register: plan

- name: Fill the graph root of the engine to come
  containment.docker.migration:
    name: 20261122T101500Z-harden
    state: seeded
    remap: dockremap
    uid_ranges: [{start: 2000224256, count: 65536}]
    gid_ranges: [{start: 2000224256, count: 65536}]

- name: Switch over, with userns-remap in daemon.json by now
  containment.docker.migration:
    name: 20261122T101500Z-harden
    state: switched
"""

RETURN = r"""
migration:
  description: How far the migration is, null where none was begun, and C(aside), where the new graph root lies after
    the way back.
  returned: success
  type: dict
  sample: {name: 20261122T101500Z-harden, status: switched, source: /var/lib/docker,
    target: /var/lib/docker/2000224256.2000224256, begun: "2026-11-22T10:15:04Z", switched: "2026-11-22T10:16:40Z",
    aside: null, old_root_needed: []}
plan:
  description: For O(state=planned) and O(state=seeded), what comes along, what is C(left) behind and why, and the bytes
    that are needed and free. Null else.
  returned: success
  type: dict
  sample: {source: /var/lib/docker, target: /var/lib/docker/2000224256.2000224256,
    images: [{id: "sha256:4f53cda18c2baa0c0354bb5f9a3ecbe5ed12ab4d8e11ba873c2f11161202b945", tags: ["nginx:1.27"],
      digests: [], size: 192000000}],
    containers: [{name: web, image: "nginx:1.27", state: running}], volumes: [{name: data, driver: local, size: 1024}],
    networks: [{name: front, driver: bridge}], left: [], need: 734003200, free: 53687091200}
told:
  description: Sentences for the person who watches.
  returned: success
  type: list
  elements: str
  sample: ["container agent: stays in /var/lib/docker: it shares the host's pid namespace (--pid=host)."]
refusals:
  description: For O(state=planned), sentences on what stands in the way.
  returned: success
  type: list
  elements: str
  sample: []
measured:
  description: What is another figure each time, C(images_bytes) and C(images_seconds) that streaming took, C(reread)
    files that were read again, C(stopped_seconds) from the first stop until all is copied, C(away_seconds) until the
    last start. Null where nothing was measured.
  returned: success
  type: dict
  sample: {away_seconds: 2.3}
progress:
  description: How far the work is. Null when it is done.
  returned: success
  type: dict
  contains:
    path:
      description: What it works on.
      type: str
      returned: success
    inodes:
      description: Names, or images, done.
      type: int
      returned: success
    part:
      description: Estimate of the part of that which is done, from 0 to 1.
      type: float
      returned: success
    seconds:
      description: Since when it works on that.
      type: float
      returned: success
    job:
      description: The name of the work, for O(job).
      type: str
      returned: success
  sample: null
"""

import os
import uuid

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.containment.docker.plugins.module_utils import (
    _job,
    _migration_worker,
    _transaction,
    _userns_proof,
)
from ansible_collections.containment.docker.plugins.module_utils._engine_api import socket_path
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError, told

# Once containers are being stopped it does not give way: what has begun is ended first.
KIND = _job.Kind("migration", _migration_worker, "migration", 600.0)
FILLING = ("planned", "seeded")
OUTCOMES = {
    "seeded": "filled",
    "stopped": "stopped",
    "switched": "in service",
    "halted": "stopped",
    "returned": "out of service",
    "removed": "without the old one",
}


def begin(module):
    """Start the work and return the name of its job. Raises ContainmentError for bad options, OSError."""
    params = module.params
    job = uuid.uuid4().hex
    ranges, before = (_ranges(params, suffix) for suffix in ("_ranges", "_ranges_before"))
    if params["state"] in FILLING:
        _userns_proof.check(ranges["uid"], ranges["gid"], "/", params["timeout"])
        if not params["remap"] or not ranges["uid"]:
            raise ContainmentError(
                "remap", f"has to be given for {params['state']}, with uid_ranges and gid_ranges", "give all three"
            )
    request = {
        "name": params["name"],
        "state": params["state"],
        "remap": params["remap"],
        "ranges": ranges,
        "before": before,
        "move": params["volumes"] == "move",
        "verify": params["verify"],
        "socket": socket_path(params["socket"]),
        "timeout": params["timeout"],
        "write": not module.check_mode,
        "trees": [{"path": params["name"]}],
        "fds": [],
    }
    _job.start(KIND, job, request)
    return job


def _ranges(params, suffix):
    return {kind: [[one["start"], one["count"]] for one in params[kind + suffix]] for kind in ("uid", "gid")}


def run(module):
    params = module.params
    _transaction.check_name(params["name"])
    if not 0 <= params["verify"] <= 100:
        raise ContainmentError("verify", f"{params['verify']} is not within 0-100", "give a part of a hundred")
    for name in ("slice", "timeout"):
        if params[name] is not None and params[name] < 1:
            raise ContainmentError(name, f"{params[name]} is less than 1", "give a positive number of seconds")
    if os.geteuid():
        raise ContainmentError("migration", f"runs as uid {os.geteuid()}", "run with become: true")
    job = begin(module) if params["job"] is None else params["job"]
    result, progress = _job.wait(KIND, job, params["slice"])
    answer = dict.fromkeys(("migration", "plan", "measured"), None)
    answer.update(changed=False, told=[], refusals=[], progress=progress)
    if result is None:
        module.exit_json(**answer)
    found = result["migration"]
    answer.update(
        changed=found["changed"],
        migration=found["record"],
        plan=found.get("plan"),
        told=found["told"],
        refusals=found["refusals"],
        measured=found["measured"],
        diff=diff(params, found),
    )
    module.exit_json(**answer)


def diff(params, found):
    """Return the difference that a state makes: the same in check mode, in which nothing is begun yet."""
    if not found["changed"]:
        return {"before": "", "after": ""}
    header = "the graph root"
    names = [f"{params['state']}: {OUTCOMES[params['state']]}"]
    plan = found.get("plan")
    if params["state"] == "seeded" and plan is not None:
        names = [f"image {(one['tags'] or [one['id']])[0]}" for one in plan["images"]]
        names += [f"{kind[:-1]} {one['name']}" for kind in ("networks", "volumes", "containers") for one in plan[kind]]
    return {
        "before_header": header,
        "after_header": header,
        "before": "",
        "after": "".join(f"{one}\n" for one in names),
    }


def main():
    span = {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {"start": {"type": "int", "required": True}, "count": {"type": "int", "required": True}},
    }
    module = AnsibleModule(
        argument_spec={
            "name": {"type": "str", "required": True},
            "state": {
                "type": "str",
                "choices": ["planned", "seeded", "stopped", "switched", "halted", "returned", "removed"],
                "required": True,
            },
            "remap": {"type": "str"},
            "uid_ranges": span,
            "gid_ranges": span,
            "uid_ranges_before": span,
            "gid_ranges_before": span,
            "volumes": {"type": "str", "choices": ["copy", "move"], "default": "copy"},
            "verify": {"type": "int", "default": 1},
            "socket": {"type": "path", "default": "/run/docker.sock"},
            "timeout": {"type": "int", "default": 120},
            "slice": {"type": "int"},
            "job": {"type": "str"},
        },
        supports_check_mode=True,
    )
    with told(module, "migration"):
        run(module)


if __name__ == "__main__":
    main()
