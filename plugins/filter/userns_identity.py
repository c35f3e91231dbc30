# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
name: userns_identity
short_description: Who the wanted remap user is
version_added: "0.1.0"
description:
  - Decides what the C(userns) role has to make, and refuses users that cannot be the remap user.
author:
  - containment.docker contributors (@containment)
positional: user, group
options:
  _input:
    description: Result of M(containment.docker.engine_info).
    type: dict
    required: true
  user:
    description: Name or uid.
    type: str
    required: true
  group:
    description: Name or gid. Empty for the group with the name of the user.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Show what would be set
  ansible.builtin.debug:
    msg: "{{ (engine_host | containment.docker.userns_identity('dockremap', '')).key }}"
"""

RETURN = r"""
_value:
  description: >-
    C(key), the value for C(userns-remap); C(user) and C(group); C(create_user) and C(create_group); C(refusals),
    sentences.
  type: dict
"""

from ansible_collections.containment.docker.plugins.plugin_utils.later import later


class FilterModule:
    def filters(self):
        return {"userns_identity": later("_userns_plan", "identity")}
