#!/usr/bin/python
# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: userns_proof
short_description: Prove with a real container what root in a container is on the host
version_added: "0.1.0"
description:
  - Runs one container and looks at it from the host. It proves the user and group mapping, the uid that the container's
    root has on the host, whether the container can write to and delete a file of the host's root that is mounted in,
    the owner and mode of the graph root, and whether it can use what O(trees) names.
  - The image is made of the host's own shell, C(rm) and their libraries, so no registry is asked. The container has no
    network. Container, image and the directory below C(/run/containment) have random names and are removed at the
    end, also where the proof fails or is ended by SIGTERM or SIGHUP. What a killed proof left is removed by the next
    one on the same graph root.
  - Proofs on one host take turns.
  - Fails where a proof does not come out as expected, with every expectation and observation in RV(proofs).
author:
  - containment.docker contributors (@containment)
extends_documentation_fragment:
  - containment.docker.attributes
attributes:
  check_mode:
    support: full
    details:
      - In check mode no container is run, and RV(proven) is false.
  diff_mode:
    support: none
    details:
      - Nothing is changed.
  platform:
    platforms: linux
options:
  uid_ranges:
    description:
      - The subordinate uid ranges that the engine has to map, in its order. Empty, together with O(gid_ranges), for an
        engine without remapping. Then root in the container has to be root on the host.
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
      - The subordinate gid ranges that the engine has to map, in its order.
    type: list
    elements: dict
    default: []
    suboptions: *range
  data_root:
    description:
      - The engine's data root, above all graph roots.
    type: path
    default: /var/lib/docker
  trees:
    description:
      - Directories and files that root in the container has to be able to read and write. It only looks at its rights.
    type: list
    elements: path
    default: []
  socket:
    description:
      - The engine's socket.
    type: path
    default: /run/docker.sock
  timeout:
    description:
      - Seconds until the container has to have done its work. As long a proof waits before that for another one.
    type: int
    default: 60
"""

EXAMPLES = r"""
- name: Prove that root in a container is uid 100000 on the host
  containment.docker.userns_proof:
    uid_ranges:
      - start: 100000
        count: 65536
    gid_ranges:
      - start: 100000
        count: 65536
"""

RETURN = r"""
proven:
  description: Whether every proof was run and came out as expected.
  returned: always
  type: bool
  sample: true
proofs:
  description: Each proof, expected and observed. C(observed) is null where nothing was run.
  returned: always
  type: list
  elements: dict
  sample:
    - proof: host_uid
      title: its uid on the host
      expected: "100000"
      observed: "100000"
      passed: true
evidence:
  description: What the container's shell wrote to its standard error.
  returned: always
  type: str
  sample: "sh: 1: cannot create /proof/write: Permission denied"
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.containment.docker.plugins.module_utils import _proof_container, _userns_proof
from ansible_collections.containment.docker.plugins.module_utils._engine_api import Engine, socket_path
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError


def run(module):
    ranges = {
        kind: [[one["start"], one["count"]] for one in module.params[kind]] for kind in ("uid_ranges", "gid_ranges")
    }
    _userns_proof.check(data_root=module.params["data_root"], timeout=module.params["timeout"], **ranges)
    socket = socket_path(module.params["socket"])
    trees = module.params["trees"]
    wanted = _userns_proof.expected(data_root=module.params["data_root"], trees=trees, **ranges)
    observed, evidence = {}, ""
    if not module.check_mode:
        with Engine(socket, timeout=30) as engine:
            observed, evidence = _proof_container.observe(engine, module.params["timeout"], trees)
    proofs = _userns_proof.judge(wanted, observed)
    failed = [one for one in proofs if not one["passed"]]
    result = {"changed": False, "proven": not failed, "proofs": proofs, "evidence": evidence}
    if failed and not module.check_mode:
        told = "; ".join(f"{one['title']} is {one['observed']} instead of {one['expected']}" for one in failed)
        module.fail_json(msg=f"Not proven: {told}.", **result)
    module.exit_json(**result)


def main():
    span = {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {"start": {"type": "int", "required": True}, "count": {"type": "int", "required": True}},
    }
    module = AnsibleModule(
        argument_spec={
            "uid_ranges": span,
            "gid_ranges": span,
            "data_root": {"type": "path", "default": "/var/lib/docker"},
            "trees": {"type": "list", "elements": "path", "default": []},
            "socket": {"type": "path", "default": "/run/docker.sock"},
            "timeout": {"type": "int", "default": 60},
        },
        supports_check_mode=True,
    )
    try:
        run(module)
    except (ContainmentError, OSError) as error:
        module.fail_json(msg=str(error), changed=False, proven=False, proofs=[], evidence="")


if __name__ == "__main__":
    main()
