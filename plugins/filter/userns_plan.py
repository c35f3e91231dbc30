# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
name: userns_plan
short_description: What a switch of the remapping would meet on a host
version_added: "0.1.0"
description:
  - Lists what would break, what would be hidden, and what has to be mended first.
author:
  - containment.docker contributors (@containment)
positional: subid, key
options:
  _input:
    description: Result of M(containment.docker.engine_info).
    type: dict
    required: true
  subid:
    description: Result of M(containment.docker.subid_range) in check mode.
    type: dict
    required: true
  key:
    description: Result of M(containment.docker.daemon_json) in check mode.
    type: dict
    required: true
  conflicts_ok:
    description: Whether containers may break, and foreign changes of daemon.json be applied by the restart.
    type: bool
    default: false
  hidden_ok:
    description: Whether images, containers, volumes and networks may be left behind in the present graph root.
    type: bool
    default: false
  carry:
    description: Whether what the engine has comes along to the graph root that it gets.
    type: bool
    default: false
  transaction:
    description: Name of this run's transaction, under which a run before it may have begun to carry.
    type: str
    default: ""
  kernel_ok:
    description: Whether the same run sees to it first that the kernel allows user namespaces.
    type: bool
    default: false
  mended:
    description: Paths on the host that the same run makes usable for containers.
    type: list
    elements: path
    default: []
  check_mode:
    description: Whether an engine that does not run is going to be started first.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Stop where something stands in the way
  ansible.builtin.assert:
    that: (engine_host | containment.docker.userns_plan(subid, key)).refusals | length == 0
"""

RETURN = r"""
_value:
  description: >-
    C(write), whether ids or key change; C(restart), whether the engine needs one; C(carry), whether that is one of
    M(containment.docker.migration); C(before), the ranges in force as of P(containment.docker.userns_state#filter);
    C(told) and C(refusals), sentences.
  type: dict
"""

from ansible_collections.containment.docker.plugins.plugin_utils.later import later


class FilterModule:
    def filters(self):
        return {"userns_plan": later("_userns_plan", "plan")}
