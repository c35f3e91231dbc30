#!/usr/bin/python
# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: seccomp_learn
short_description: Learn from what containers do which system calls they need
version_added: "0.1.0"
description:
  - Listens to the kernel's audit records for a while, without auditd and beside it, and proposes for each container the
    smallest profile under which it can do what it did, as overlays for M(containment.docker.seccomp_profile) over the
    base C(deny). Where they cannot be heard, as on kernels before 3.16, auditd's log is read, else the kernel's, which
    keeps some ten records in five seconds.
  - The containers have to run under a profile that logs what it lets through, such as one of the base C(log) and the
    preset C(learning). Each call that is logged costs some microseconds, and a record.
  - What a container did not do while it was listened to is not in the proposal. Let it do all that it does, its start
    and its end too.
author:
  - containment.docker contributors (@containment)
extends_documentation_fragment:
  - containment.docker.attributes
attributes:
  check_mode:
    support: full
    details:
      - In check mode nobody listens, and RV(containers) has no calls and no overlays; skip there what is made of them.
  diff_mode:
    support: none
    details:
      - Nothing is changed.
  platform:
    platforms: linux
requirements:
  - libseccomp on the managed host
options:
  containers:
    description:
      - Names or ids of containers that run or are made again meanwhile; a name is enough for one that is started later.
        Needed without O(job).
    type: list
    elements: str
    default: []
  seconds:
    description:
      - How long to listen.
    type: int
    default: 60
  wait:
    description:
      - Whether to wait until that time is over. Without, the module returns as soon as the kernel is listened to, for
        the playbook to make containers again with a profile that logs and let them work, and a call with O(job) has the
        result. Another call without O(job) ends what nobody waits for.
    type: bool
    default: true
  socket:
    description:
      - The engine's socket.
    type: path
    default: /run/docker.sock
  slice:
    description:
      - After how many seconds the module reports progress instead of waiting on. The action plugin sets it.
    type: int
  job:
    description:
      - Name of the listening that is waited for, from the RV(progress) of the call before. O(containers) and
        O(seconds) are then those of that call.
    type: str
seealso:
  - module: containment.docker.seccomp_profile
"""

EXAMPLES = r"""
- name: Make a profile that logs
  containment.docker.seccomp_profile:
    name: web-learning
    base: log
    overlays:
      - preset: learning
  register: logging

- name: Listen from before its first start on
  containment.docker.seccomp_learn:
    containers: [web]
    seconds: 300
    wait: false
  register: listening

- name: Make the container again with it
  community.docker.docker_container:
    name: web
    image: nginx
    recreate: true
    security_opts: ["seccomp={{ lookup('file', logging.path) }}"]

- name: See what it needed, while it did its work
  containment.docker.seccomp_learn:
    job: "{{ listening.progress.job }}"
  register: learned

- name: Make the profile that it needs
  containment.docker.seccomp_profile:
    name: web
    base: deny
    overlays: "{{ learned.containers[0].overlays }}"
  when: not ansible_check_mode
"""

RETURN = r"""
containers:
  description: What was learned, in the order of O(containers); empty where RV(progress) is not null.
  returned: always
  type: list
  elements: dict
  contains:
    name: {description: As given., type: str}
    no_new_privileges: {description: Whether it was made with no-new-privileges., type: bool}
    overlays:
      description: The proposal, for the base C(deny). Empty where nothing was heard. What the profile that it ran under
        refused is not in it.
      type: list
      elements: dict
      sample: [{preset: runtime}, {allow: [accept4, bind, listen, socket]}]
    calls:
      description: The evidence, C(call), C(architecture), C(count) and C(programs), the most frequent first.
      type: list
      elements: dict
      sample: [{call: accept4, architecture: SCMP_ARCH_X86_64, count: 31, programs: [/usr/sbin/nginx]}]
    supposed:
      description: Further calls, as C(calls), of processes that were gone before it was seen whose they were, while
        this container alone logged. They are not in C(overlays), because a user of the host may log calls of his own.
      type: list
      elements: dict
      sample: []
    unnamed:
      description: Calls that the host's libseccomp has no name of, as C(number), C(architecture), C(count).
      type: list
      elements: dict
      sample: []
unattributed:
  description: Records of processes that were gone before it was seen which of several containers they were of.
  returned: always
  type: int
  sample: 0
lost:
  description: How often the kernel told more than there was room for, or how many records it tells that it dropped;
    what was lost may be missing in the proposal.
  returned: always
  type: int
  sample: 0
source:
  description: Where the records were read, C(netlink) or the path of a log. Null while it is listened, and in check
    mode.
  returned: always
  type: str
  sample: netlink
progress:
  description: How far the listening is. Null when it is done.
  returned: always
  type: dict
  contains:
    path: {description: Whom it is listened to., type: str}
    inodes: {description: How many calls were heard., type: int}
    kinds: {description: How many different ones., type: int}
    part: {description: "The part of the time that is over, from 0 to 1.", type: float}
    seconds: {description: Since when., type: float}
    job: {description: "The name of the listening, for O(job).", type: str}
  sample: null
"""

import uuid

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.containment.docker.plugins.module_utils import (
    _audit_containers,
    _job,
    _seccomp_learn,
    _seccomp_library,
    _seccomp_listen,
)
from ansible_collections.containment.docker.plugins.module_utils._engine_api import Engine, socket_path
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError, told

KIND = _job.Kind("seccomp_learn", _seccomp_listen, "listening", again="listen again")


def begin(module):
    """Start to listen and return the name of the job."""
    job = uuid.uuid4().hex
    request = {
        "containers": module.params["containers"],
        "seconds": module.params["seconds"],
        "socket": socket_path(module.params["socket"]),
        "now": module.params["wait"],
        "trees": [{"path": f"container {name}"} for name in module.params["containers"]],
        "fds": [],
    }
    _job.start(KIND, job, request)
    return job


def foretold(module):
    """Return (result, progress) as of _job.wait where nobody listens, one of them None.

    Raises ContainmentError for containers that would not be listened to.
    """
    names, wait = module.params["containers"], module.params["wait"]
    nothing = {name: [] for name in names}
    result = {"seen": nothing, "supposed": nothing, "without": []}
    if module.params["job"] is not None:
        nothing.update((name, []) for name in _seccomp_learn.checked(module.params["job"]))
        return result, None
    with Engine(socket_path(module.params["socket"])) as engine:
        owners = _audit_containers.Owners(engine, names)
        if wait:
            owners.refuse_silent()
        result["without"] = [one for one in names if owners.without_privileges(one)]
    if wait:
        return result, None
    told = {
        "path": "containers " + ", ".join(names),
        "inodes": 0,
        "kinds": 0,
        "part": 0.0,
        "seconds": 0.0,
        "job": _seccomp_learn.CHECKED + ",".join(names),
    }
    return None, told


def run(module):
    params = module.params
    job = params["job"]
    if job is None:
        _seccomp_learn.check_request(params["containers"], params["seconds"])
    if params["slice"] is not None and params["slice"] < 1:
        raise ContainmentError("slice", f"{params['slice']} is less than 1", "give a positive number, or leave it out")
    library = _seccomp_library.Library()
    if module.check_mode:
        result, progress = foretold(module)
    else:
        job = begin(module) if job is None else job
        result, progress = _job.wait(KIND, job, params["slice"] if params["wait"] else 0)
    answer = {"changed": False, "containers": [], "unattributed": 0, "lost": 0, "source": None, "progress": progress}
    if result is None:
        return answer
    for name, heard in result["seen"].items():
        without = name in result["without"]
        seen, supposed = (_seccomp_learn.load(one) for one in (heard, result["supposed"][name]))
        learned = _seccomp_learn.proposal(seen, supposed, library, without)
        answer["containers"].append(dict(learned, name=name, no_new_privileges=without))
    if not module.check_mode:
        lost, unattributed = result["lost"], result["unattributed"]
        answer.update(lost=lost, unattributed=unattributed, source=result["source"])
        supposed = {one["name"]: one["supposed"] for one in answer["containers"]}
        for text in _seccomp_learn.warnings(result["seen"], supposed, result["silent"], lost, unattributed):
            module.warn(text)
    return answer


def main():
    module = AnsibleModule(
        argument_spec={
            "containers": {"type": "list", "elements": "str", "default": []},
            "seconds": {"type": "int", "default": 60},
            "wait": {"type": "bool", "default": True},
            "socket": {"type": "path", "default": "/run/docker.sock"},
            "slice": {"type": "int"},
            "job": {"type": "str"},
        },
        supports_check_mode=True,
    )
    with told(module, "seccomp_learn"):
        result = run(module)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
