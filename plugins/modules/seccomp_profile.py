#!/usr/bin/python
# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: seccomp_profile
short_description: Compose, check, simulate and install a seccomp profile
version_added: "0.1.0"
description:
  - Makes a seccomp profile from a base, by default the default profile of the installed engine, and overlays, which
    allow or deny system calls and socket families. What an overlay names is, afterwards, as it says; everything else
    is as it was.
  - The profile is checked for this host, this engine and its runtime, and compiled with the host's libseccomp. What
    an engine would refuse, ignore or read otherwise, what does nothing, what a program passes, and what the runtime
    itself needs is refused before anything is written.
  - The file's name has a hash of its content, so that one profile never takes the place of another. Files of earlier
    profiles stay, because a way back needs them.
  - No engine tells its default. It is rebuilt from what the runtime was told of containers without any, with each and
    with all capabilities, which are started for a moment, without a network, and are gone afterwards. That takes some
    ten seconds and is done once for each version of the engine, in check mode, too. Before 23.0 an engine can be
    asked only while no other daemon-wide profile is in force.
author:
  - containment.docker contributors (@containment)
extends_documentation_fragment:
  - containment.docker.attributes
attributes:
  check_mode:
    support: full
    details:
      - The engine is asked for its default as outside of check mode, and what it tells is kept. No profile is written.
  diff_mode:
    support: full
  platform:
    platforms: linux
requirements:
  - libseccomp on the managed host
options:
  name:
    description:
      - What the file's name begins with.
    type: str
    required: true
  directory:
    description:
      - The directory of the file. It is made where it is missing.
    type: path
    default: /etc/containment/seccomp
  base:
    description:
      - What the overlays are laid over. C(engine) for the default profile of the installed engine, C(allow),
        C(deny) and C(log) for one that allows, denies or logs every call, or the absolute path of a profile on the
        host.
    type: str
    default: engine
  overlays:
    description:
      - Each is a dictionary with one of C(preset) (the name of one), C(allow) and C(deny) (lists of system calls),
        C(allow_families) and C(deny_families) (lists of the numbers of socket families) and C(architectures) (a list,
        or C(native) for the host's alone).
      - With C(deny) and C(deny_families) there may be C(action), of C(errno) (the default), C(kill) and C(log), and
        C(errno), a number.
      - The presets are C(list-2015), C(runtime), C(runtime-no-new-privileges), C(learning), C(web-service),
        C(database), C(build) and C(no-network).
    type: list
    elements: dict
    default: []
  no_new_privileges:
    description:
      - Whether every container under the profile runs with no-new-privileges. Without it the runtime itself makes
        more calls under the filter, which then may not be denied.
    type: bool
    default: false
  log_denials:
    description:
      - Whether calls that are answered with an errno are logged by the kernel. Engine 23.0 and runc 1.2 can; with
        others a warning says that they are not.
    type: bool
    default: false
  simulate:
    description:
      - Questions that RV(simulated) answers.
    type: list
    elements: dict
    default: []
    suboptions:
      call:
        description:
          - The name of a system call.
        type: str
        required: true
      args:
        description:
          - Its arguments, as numbers; those that are left out are 0.
        type: list
        elements: int
        default: []
      architecture:
        description:
          - The architecture that makes it, as in C(SCMP_ARCH_X86). The host's own without it.
        type: str
      caps:
        description:
          - The capabilities that a container has. Those of the engine's default without it.
        type: list
        elements: str
  socket:
    description:
      - The engine's socket.
    type: path
    default: /run/docker.sock
  timeout:
    description:
      - Seconds in which the engine has to have told its default.
    type: int
    default: 120
seealso:
  - module: containment.docker.seccomp_proof
"""

EXAMPLES = r"""
- name: Deny what the list of 2015 denies, and one call more
  containment.docker.seccomp_profile:
    name: daemon
    overlays:
      - preset: list-2015
      - deny: [personality]
  register: profile

- name: Allow a time server what its capability alone does not
  containment.docker.seccomp_profile:
    name: chrony
    overlays:
      - preset: list-2015
      - allow: [adjtimex, clock_adjtime]
    simulate:
      - call: clock_adjtime
"""

RETURN = r"""
path:
  description: The file of the profile. In check mode it may not be there.
  returned: always
  type: str
  sample: /etc/containment/seccomp/daemon-3f8a1c0b9d2e4f56.json
sha256:
  description: The hash of its content.
  returned: always
  type: str
  sample: 3f8a1c0b9d2e4f56a7b8c9d0e1f2a3b4c5d6e7f8091a2b3c4d5e6f708192a3b4
base:
  description: Where the base comes from.
  returned: always
  type: str
  sample: asked of engine 26.1.5+dfsg1
instructions:
  description: How many instructions the filter of a container with the default capabilities has. The kernel takes 4096.
  returned: always
  type: int
  sample: 565
logs_denials:
  description: Whether calls that are answered with an errno are logged.
  returned: always
  type: bool
  sample: false
families:
  description: The socket families from 0 to 63 that a container with the default capabilities may use, by call.
  returned: always
  type: dict
  sample:
    socket: [1, 2, 10, 16]
    socketpair: [1, 2, 10, 16]
simulated:
  description: The answers to O(simulate), with C(action) null for a call that the architecture has not.
  returned: always
  type: list
  elements: dict
  sample:
    - call: clock_adjtime
      args: []
      architecture: SCMP_ARCH_X86_64
      action: SCMP_ACT_ERRNO
      errno: 1
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.containment.docker.plugins.module_utils import (
    _files,
    _seccomp_compose,
    _seccomp_default,
    _seccomp_library,
    _seccomp_plan,
    _seccomp_proof,
    _seccomp_runtime,
)
from ansible_collections.containment.docker.plugins.module_utils._engine_api import Engine, socket_path
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError, told


def base_of(engine, described, library, module):
    """Return (Profile, where it comes from)."""
    base = module.params["base"]
    if base in _seccomp_compose.BASES:
        return _seccomp_compose.base(base, [library.native()]), base
    if base != _seccomp_plan.ENGINE:
        before = _files.read(base)
        if before.data is None:
            raise ContainmentError("base", f"{base} is not there", "put it there, or name another one")
        return _seccomp_plan.read(before.data, base, library.native()), base
    return _seccomp_default.of(engine, described, library, module.params["timeout"])


def run(module):
    params = module.params
    _seccomp_plan.check_request(params["name"], params["directory"], params["base"])
    _seccomp_proof.check(params["timeout"])
    library = _seccomp_library.Library()
    overlays = _seccomp_compose.overlays(params["overlays"], library.native())
    asked = _seccomp_plan.questions(params["simulate"], library.native())
    with Engine(socket_path(params["socket"]), timeout=30) as engine:
        described = _seccomp_runtime.describe(engine)
        base, source = base_of(engine, described, library, module)
    where = _seccomp_plan.Where(library, _seccomp_runtime.kernel(), described[0])
    log = params["log_denials"] and _seccomp_plan.can_log(described[0])
    profile = _seccomp_plan.make(base, overlays, library, log)
    filters = _seccomp_plan.Filters(profile, where)
    origin = _seccomp_plan.origin(base, source, params["overlays"], params["base"] == _seccomp_plan.ENGINE)
    found = _seccomp_plan.findings(filters, params["no_new_privileges"], origin)
    if found.refusals:
        raise found.refusals[0]
    for warning in found.warnings:
        module.warn(str(warning))
    if params["log_denials"] and not log:
        module.warn(
            f"log_denials: engine {described[1]} and its runtime do not log calls that are answered with an errno, "
            "which needs 23.0 and runc 1.2; deny with action kill or log where it matters."
        )
    data = _seccomp_plan.text(profile)
    before = _files.read(_seccomp_plan.path(params["directory"], params["name"], data))
    changed = before.data != data
    if changed:
        _files.refuse_unwritable(before)
        if not module.check_mode:
            after = _files.replace(before, data)
            if before.data is None:
                module.set_default_selinux_context(after.path, False)
    if params["base"] == _seccomp_plan.ENGINE and not module.check_mode:
        _seccomp_runtime.keep_made(_seccomp_plan.digest(data), described[1])
    return {
        "changed": changed,
        "path": before.path,
        "sha256": _seccomp_plan.digest(data),
        "base": source,
        "instructions": len(filters.default().program),
        "logs_denials": log,
        "families": _seccomp_plan.families(filters),
        "simulated": _seccomp_plan.simulate(filters, asked),
        "diff": {
            "before_header": before.path,
            "after_header": before.path,
            "before": (before.data or b"").decode("utf-8", "replace"),
            "after": data.decode("utf-8"),
        },
    }


def main():
    module = AnsibleModule(
        argument_spec={
            "name": {"type": "str", "required": True},
            "directory": {"type": "path", "default": "/etc/containment/seccomp"},
            "base": {"type": "str", "default": "engine"},
            "overlays": {"type": "list", "elements": "dict", "default": []},
            "no_new_privileges": {"type": "bool", "default": False},
            "log_denials": {"type": "bool", "default": False},
            "simulate": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": {
                    "call": {"type": "str", "required": True},
                    "args": {"type": "list", "elements": "int", "default": []},
                    "architecture": {"type": "str"},
                    "caps": {"type": "list", "elements": "str"},
                },
            },
            "socket": {"type": "path", "default": "/run/docker.sock"},
            "timeout": {"type": "int", "default": 120},
        },
        supports_check_mode=True,
    )
    with told(module, "seccomp_profile"):
        result = run(module)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
