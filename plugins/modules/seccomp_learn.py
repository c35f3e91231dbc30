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
    base C(deny).
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
      - In check mode nobody listens, and RV(containers) has what can be told beforehand.
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
    type: list
    elements: str
    required: true
  seconds:
    description:
      - How long to listen.
    type: int
    default: 60
  socket:
    description:
      - The engine's socket.
    type: path
    default: /run/docker.sock
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

- name: Listen to the container that was made with it
  containment.docker.seccomp_learn:
    containers: [web]
    seconds: 300
  register: learned

- name: Make the profile that it needs
  containment.docker.seccomp_profile:
    name: web
    base: deny
    overlays: "{{ learned.containers[0].overlays }}"
"""

RETURN = r"""
containers:
  description: What was learned, in the order of O(containers).
  returned: always
  type: list
  elements: dict
  contains:
    name: {description: As given., type: str}
    no_new_privileges: {description: Whether it was made with no-new-privileges., type: bool}
    overlays:
      description: The proposal, for the base C(deny).
      type: list
      elements: dict
      sample: [{preset: runtime}, {allow: [accept4, bind, listen, socket]}]
    calls:
      description: The evidence, C(call), C(architecture), C(count) and C(programs), the most frequent first.
      type: list
      elements: dict
      sample: [{call: accept4, architecture: SCMP_ARCH_X86_64, count: 31, programs: [/usr/sbin/nginx]}]
    unnamed:
      description: Calls that the host's libseccomp has no name of, as C(number), C(architecture), C(count).
      type: list
      elements: dict
      sample: []
unattributed:
  description: Records of processes that were gone before it was seen which container they were of.
  returned: always
  type: int
  sample: 0
lost:
  description: How often the kernel told more than there was room for; what was lost may be missing in the proposal.
  returned: always
  type: int
  sample: 0
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.containment.docker.plugins.module_utils import (
    _audit_containers,
    _audit_netlink,
    _seccomp_learn,
    _seccomp_library,
)
from ansible_collections.containment.docker.plugins.module_utils._engine_api import Engine, socket_path
from ansible_collections.containment.docker.plugins.module_utils._errors import told


def run(module):
    names, seconds = module.params["containers"], module.params["seconds"]
    _seccomp_learn.check_request(names, seconds)
    library = _seccomp_library.Library()
    found, lost = {name: _seccomp_learn.seen() for name in names}, 0
    with Engine(socket_path(module.params["socket"])) as engine:
        owners = _audit_containers.Owners(engine, names)
        for name in names:
            owners.refuse_silent(name)
        if not module.check_mode:
            with _audit_netlink.Listener() as listener:
                listener.prove()
                for record in listener.records(seconds):
                    if record is None:
                        owners.look()
                        continue
                    name = owners.of(record)
                    if name is not None:
                        _seccomp_learn.add(found[name], record)
                lost = listener.lost
        return {
            "changed": False,
            "containers": [
                dict(
                    _seccomp_learn.proposal(found[name], library, owners.without_privileges(name)),
                    name=name,
                    no_new_privileges=owners.without_privileges(name),
                )
                for name in names
            ],
            "unattributed": owners.unattributed,
            "lost": lost,
        }


def main():
    module = AnsibleModule(
        argument_spec={
            "containers": {"type": "list", "elements": "str", "required": True},
            "seconds": {"type": "int", "default": 60},
            "socket": {"type": "path", "default": "/run/docker.sock"},
        },
        supports_check_mode=True,
    )
    with told(module, "seccomp_learn"):
        result = run(module)
        if result["lost"] or result["unattributed"]:
            module.warn(
                f"{result['lost']} times the kernel told more than there was room for, and {result['unattributed']} "
                "records are of processes that were gone at once: the proposal may lack calls; listen again, and try "
                "the profile with the service itself."
            )
    module.exit_json(**result)


if __name__ == "__main__":
    main()
