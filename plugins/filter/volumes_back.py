# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
name: volumes_back
short_description: What a way back does with setuid bits and capabilities
version_added: "0.2.0"
description:
  - They are kept as long as no engine ever ran with the mapping that is taken back, so that no container can have made
    one.
author:
  - containment.docker contributors (@containment)
positional: shifts, privileges
options:
  _input:
    description: Result of M(containment.docker.engine_info).
    type: dict
    required: true
  shifts:
    description: The C(shift) of what M(containment.docker.transaction) returns as C(volumes).
    type: list
    elements: dict
    required: true
  privileges:
    description: What is done otherwise, V(keep) or V(drop).
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Tell what the way back would do
  ansible.builtin.debug:
    msg: "{{ engine_host | containment.docker.volumes_back(restored.volumes.shift, 'drop') }}"
"""

RETURN = r"""
_value:
  description: V(keep) or V(drop).
  type: str
"""

from ansible_collections.containment.docker.plugins.plugin_utils.later import later


class FilterModule:
    def filters(self):
        return {"volumes_back": later("_volumes_plan", "back")}
