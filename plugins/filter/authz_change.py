# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
name: authz_change
short_description: What a roll-out of authorization changes of daemon.json
version_added: "0.1.0"
description:
  - Plugins that the engine asks already stay.
author:
  - containment.docker contributors (@containment)
positional: ours, others
options:
  _input:
    description: Result of M(containment.docker.engine_info).
    type: dict
    required: true
  ours:
    description: Whether the engine asks the plugin of this collection.
    type: bool
    required: true
  others:
    description: Names of other plugins that it asks, too.
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: Have the engine ask the plugin
  containment.docker.daemon_json:
    merge: "{{ (engine_host | containment.docker.authz_change(true, [])).merge }}"
"""

RETURN = r"""
_value:
  description: C(merge) and C(remove), as M(containment.docker.daemon_json) takes them.
  type: dict
"""

from ansible_collections.containment.docker.plugins.plugin_utils.later import later


class FilterModule:
    def filters(self):
        return {"authz_change": later("_authz_asked", "change")}
