# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
name: authz_refusals
short_description: What stands against a roll-out of authorization
version_added: "0.1.0"
description:
  - Tells it before anything is touched.
author:
  - containment.docker contributors (@containment)
positional: policy, plugins, state
options:
  _input:
    description: Result of M(containment.docker.engine_info).
    type: dict
    required: true
  policy:
    description: The policy, empty for none.
    type: dict
    required: true
  plugins:
    description: Other plugins, as C(name).
    type: list
    elements: dict
    required: true
  state:
    description: V(absent) where the plugin of this collection is to be removed.
    type: str
    choices: [present, absent]
    default: present
"""

EXAMPLES = r"""
- name: Refuse a policy that cannot be used
  ansible.builtin.assert:
    that: engine_host | containment.docker.authz_refusals(authz_policy, []) | length == 0
"""

RETURN = r"""
_value:
  description: Sentences.
  type: list
  elements: str
"""

from ansible_collections.containment.docker.plugins.plugin_utils.later import later


class FilterModule:
    def filters(self):
        return {"authz_refusals": later("_authz_plan", "refusals")}
