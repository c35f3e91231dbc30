#!/usr/bin/python
# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: authz_proof
short_description: Prove that an engine asks its authorization plugins, and what that of this collection answers
version_added: "0.1.0"
description:
  - Asks the plugin that serves for one request that each principal of its policy may make, and for one that he may not,
    as far as there are. Nobody makes these requests, and they are not in the record of decisions.
  - Makes requests on the engine's own socket that the plugin refuses whoever asks, in the ways in which engines have
    been known not to show them to plugins. Each has to be refused, the plainest by this plugin itself, and is in the
    record as refused to whoever comes by that socket. They would make a container of an image C(containment-probe) of a
    digest that no image has, so that nothing comes of one that is not refused.
  - Where the policy refuses that one nothing (C(mode) is V(report)), it is only proven that the engine asks.
  - Other plugins are tried with a container that they refuse, where O(plugins) says of one what that is. What else they
    answer is theirs. Ways past them are told, and fail nothing, because no policy of this collection can close them.
author:
  - containment.docker contributors (@containment)
extends_documentation_fragment:
  - containment.docker.attributes
attributes:
  check_mode:
    support: full
    details:
      - Nothing is asked, and each proof that can be named is told with what is expected.
  diff_mode:
    support: full
    details:
      - There is no diff, because nothing is changed.
  platform:
    platforms: linux
options:
  own:
    description:
      - Whether the plugin of this collection is among those that the engine has to ask.
    type: bool
    default: true
  plugins:
    description:
      - Other plugins that it has to ask, each by the name that the engine knows it by, with fields of a container, as
        of C(POST /containers/create), that it lets nobody create who comes by the engine's own socket.
      - They are tried in a body of a mebibyte, and in one without a length, too.
      - C(Image) is set to one that cannot be there, so that nothing comes of a container that is let pass.
    type: dict
    default: {}
  root:
    description:
      - The engine's graph root, which with C(userns-remap) ends in a UID.GID.
    type: path
    default: /var/lib/docker
  socket:
    description:
      - The engine's socket.
    type: path
    default: /run/docker.sock
seealso:
  - module: containment.docker.authz_plugin
"""

EXAMPLES = r"""
- name: Prove that the engine asks the plugin
  containment.docker.authz_proof:
  register: proof

- name: Prove that the engine asks another plugin
  containment.docker.authz_proof:
    own: false
    plugins:
      opa-docker-authz:
        HostConfig:
          Privileged: true
"""

RETURN = r"""
proven:
  description: Whether every proof was run and came out as expected.
  returned: always
  type: bool
  sample: true
proofs:
  description: Each proof, expected and observed. C(observed) is null where nothing was asked.
  returned: always
  type: list
  elements: dict
  sample:
    - proof: authz-alice-deny
      title: alice may not POST /containers/create of a privileged one
      expected: deny
      observed: deny by default
      passed: true
ways:
  description:
    - Known ways past other plugins, as RV(proofs); HTTP/2 among them where O(own) is false. One that is not closed is
      told in a warning.
  returned: always
  type: list
  elements: dict
  sample:
    - proof: authz-plugin-opa-docker-authz-large
      title: "plugin opa-docker-authz: a body of a mebibyte"
      expected: refused
      observed: refused
      passed: true
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.containment.docker.plugins.module_utils import (
    _authz_asked,
    _authz_holes,
    _authz_host,
    _authz_install,
    _authz_policy,
    _authz_probe,
    _authz_world,
    _files,
)
from ansible_collections.containment.docker.plugins.module_utils._engine_api import socket_path
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError, told


def run(module):
    params, check_mode = module.params, module.check_mode
    holes = {name: _authz_holes.of_other(name, fields) for name, fields in sorted(params["plugins"].items())}
    socket = socket_path(params["socket"])
    proofs = _of_own(check_mode, params["root"], socket) if params["own"] else []
    ways = [] if params["own"] else _tried(check_mode, socket, [_authz_holes.named(_authz_holes.HTTP2)])
    for name, (asked, *hidden) in holes.items():
        proofs += _tried(check_mode, socket, [asked], name)
        ways += _tried(check_mode, socket, hidden, name)
    failed = [one for one in proofs if not one["passed"]]
    result = {"changed": False, "proven": not check_mode and not failed, "proofs": proofs, "ways": ways}
    if not check_mode:
        for one in ways:
            if not one["passed"]:
                module.warn(f"A way past plugins may be open: {one['title']}: {one['observed']}.")
        if failed:
            lines = "; ".join(f"{one['title']}: {one['observed']}, not {one['expected']}" for one in failed)
            module.fail_json(msg=f"authorization is not proven: {lines}.", **result)
    return result


def _tried(check_mode, socket, holes, name=_authz_asked.NAME):
    """Return the proofs that Holes are closed. name: of the plugin that the engine is to ask."""
    return [_authz_holes.judge(one, None) if check_mode else _authz_host.tried(socket, one, name) for one in holes]


def _of_own(check_mode, root, socket):
    """Return the proofs of the plugin of this collection. Raises ContainmentError where there are none to be had."""
    data = _files.read(_authz_install.POLICY).data
    if data is None:
        if check_mode:
            return []
        raise ContainmentError(_authz_install.POLICY, "is not there", "install the plugin with authz_plugin")
    policy = _authz_policy.read(data)
    asked = _authz_probe.probes(policy, _authz_world.World(root, _authz_install.STATE, keeps=False))
    reports = any(one.socket and any(role.report for role in one.roles) for one in policy.principals)
    holes = _authz_holes.of(reports)
    if check_mode:
        proofs = [_authz_probe.judge(one, None) for one in asked] + _tried(check_mode, socket, holes)
        return proofs + ([_authz_holes.judge_asked(None, None)] if reports else [])
    serving = _authz_host.state()
    if serving["policy"] != policy.digest:
        raise ContainmentError(
            _authz_install.POLICY, f"is not in force: {serving['fault'] or serving['policy']}", "mend the policy"
        )
    if serving["unseen"]:
        raise ContainmentError(
            f"graph root {serving['root']}",
            f"is not seen by the plugin ({serving['unseen']})",
            "see what its unit hides from it",
        )
    proofs = [_authz_probe.judge(one, _authz_host.explain(one.request)) for one in asked]
    proofs += _tried(check_mode, socket, holes)
    if reports:
        _authz_host.ask(socket, _authz_holes.PING)
        proofs.append(_authz_holes.judge_asked(serving["asked"], _authz_host.state()["asked"]))
    return proofs


def main():
    module = AnsibleModule(
        argument_spec={
            "own": {"type": "bool", "default": True},
            "plugins": {"type": "dict", "default": {}},
            "root": {"type": "path", "default": "/var/lib/docker"},
            "socket": {"type": "path", "default": "/run/docker.sock"},
        },
        supports_check_mode=True,
    )
    with told(module, "authz_proof"):
        result = run(module)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
