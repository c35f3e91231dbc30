# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
name: authz_root
short_description: The graph root of an engine
version_added: "0.1.0"
description:
  - With the UID.GID of a mapping, where the plugin finds the engine's containers.
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
    msg: "{{ engine_host | containment.docker.authz_root }}"
"""

RETURN = r"""
_value:
  description: A path.
  type: str
"""

from ansible_collections.containment.docker.plugins.plugin_utils.later import later


class FilterModule:
    def filters(self):
        return {"authz_root": later("_authz_asked", "root_of")}
