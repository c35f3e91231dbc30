#!/usr/bin/python
# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: seccomp_proof
short_description: Prove with real containers that a seccomp profile is in force, and that containers start under it
version_added: "0.1.0"
description:
  - Runs small containers, without and with no-new-privileges, and in each of them a further program. Their filters
    are read from the kernel and asked for every call; each has to answer as the profile says.
  - Runs the host's shell under the profile, too, unless O(shell) is false.
  - The image is made of the host's own programs, so no registry is asked. The containers have no network. Everything
    has random names and is removed at the end, also where the proof fails or is ended by SIGTERM or SIGHUP. What a
    killed proof left is removed by the next one on the same graph root.
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
requirements:
  - libseccomp on the managed host
options:
  path:
    description:
      - The profile, for example RV(containment.docker.seccomp_profile#module:path).
    type: path
    required: true
  daemon:
    description:
      - Whether the containers are given no profile and have to be under that of the daemon, which then has to be this
        one. Otherwise each is given it.
    type: bool
    default: false
  no_new_privileges:
    description:
      - Whether containers are run with no-new-privileges alone.
    type: bool
    default: false
  shell:
    description:
      - Whether the host's shell has to work under the profile. Not every profile for one service lets it.
    type: bool
    default: true
  socket:
    description:
      - The engine's socket.
    type: path
    default: /run/docker.sock
  timeout:
    description:
      - Seconds until the containers have to have done their work. As long a proof waits before that for another one.
    type: int
    default: 60
seealso:
  - module: containment.docker.seccomp_profile
"""

EXAMPLES = r"""
- name: Try a profile before it becomes the daemon's
  containment.docker.seccomp_proof:
    path: "{{ profile.path }}"

- name: Prove that it is the daemon's
  containment.docker.seccomp_proof:
    path: "{{ profile.path }}"
    daemon: true
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
    - proof: filter
      title: its filter in the kernel
      expected: the profile's
      observed: the profile's
      passed: true
evidence:
  description: How the filters are known.
  returned: always
  type: str
  sample: read from the kernel
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.containment.docker.plugins.module_utils import (
    _files,
    _seccomp_canary,
    _seccomp_library,
    _seccomp_plan,
    _seccomp_proof,
    _seccomp_runtime,
)
from ansible_collections.containment.docker.plugins.module_utils._engine_api import Engine, socket_path
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError


def run(module):
    params = module.params
    _seccomp_proof.check(params["timeout"])
    variants = _seccomp_proof.VARIANTS[1:] if params["no_new_privileges"] else _seccomp_proof.VARIANTS
    wanted = _seccomp_proof.wanted(variants, params["shell"])
    observed, evidence = {}, set()
    if not module.check_mode:
        library = _seccomp_library.Library()
        data = _files.read(params["path"]).data
        if data is None:
            raise ContainmentError("path", f"{params['path']} is not there", "make it with seccomp_profile")
        profile = _seccomp_plan.read(data, params["path"], library.native())
        given = None if params["daemon"] else data.decode("utf-8")
        with Engine(socket_path(params["socket"]), timeout=30) as engine:
            observed = _seccomp_canary.observe(engine, params["timeout"], given, variants, params["shell"])
        for proof, seen in observed.items():
            if isinstance(seen, _seccomp_proof.Seen):
                observed[proof], how = _seccomp_proof.filter_of(seen, profile, library, _seccomp_runtime.kernel())
                evidence.add(how)
    proofs = _seccomp_proof.judge(wanted, observed)
    failed = [one for one in proofs if not one["passed"]]
    result = {"changed": False, "proven": not failed, "proofs": proofs, "evidence": "; ".join(sorted(evidence))}
    if failed and not module.check_mode:
        told = "; ".join(f"{one['title']}: {one['observed']} instead of {one['expected']}" for one in failed)
        module.fail_json(msg=f"Not proven: {told}.", **result)
    module.exit_json(**result)


def main():
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path", "required": True},
            "daemon": {"type": "bool", "default": False},
            "no_new_privileges": {"type": "bool", "default": False},
            "shell": {"type": "bool", "default": True},
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
