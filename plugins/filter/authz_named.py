# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
name: authz_named
short_description: Whether an engine's configuration has it ask the plugin of this collection
version_added: "0.1.0"
description:
  - As its C(daemon.json) says.
author:
  - containment.docker contributors (@containment)
options:
  _input:
    description: Result of M(containment.docker.engine_info).
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Tell
  ansible.builtin.debug:
    msg: "{{ engine_host | containment.docker.authz_named }}"
"""

RETURN = r"""
_value:
  description: Whether it does.
  type: bool
"""

from ansible_collections.containment.docker.plugins.plugin_utils.later import later


class FilterModule:
    def filters(self):
        return {"authz_named": later("_authz_asked", "is_named")}
