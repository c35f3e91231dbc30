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
options:
  _input:
    description: Result of M(containment.docker.engine_info).
    type: dict
    required: true
  switch:
    description: Whether the run would switch, as P(containment.docker.userns_identity#filter) says.
    type: bool
    required: true
  conflicts_ok:
    description: Whether containers may break.
    type: bool
    default: false
  hidden_ok:
    description: Whether images, containers, volumes and networks may be left behind in the present graph root.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Stop where something stands in the way
  ansible.builtin.assert:
    that: (engine_host | containment.docker.userns_plan(switch=true)).refusals | length == 0
"""

RETURN = r"""
_value:
  description: >-
    C(before), the ranges in force as of P(containment.docker.userns_state#filter); C(told) and C(refusals), sentences.
  type: dict
"""

from ansible_collections.containment.docker.plugins.module_utils import _userns_plan


class FilterModule:
    def filters(self):
        return {"userns_plan": _userns_plan.plan}
