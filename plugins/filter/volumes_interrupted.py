# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
name: volumes_interrupted
short_description: Shifts that a killed run may have left undone while the engine was stopped
version_added: "0.2.0"
description:
  - They are finished before the engine is started, because its containers would meet ids of two meanings.
author:
  - containment.docker contributors (@containment)
options:
  _input:
    description: Result of M(containment.docker.engine_info).
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Tell what was interrupted
  ansible.builtin.debug:
    msg: "{{ engine_host | containment.docker.volumes_interrupted }}"
"""

RETURN = r"""
_value:
  description: C(paths), C(source) and C(target) as M(containment.docker.volume_chown) takes them. Empty while an engine
    runs.
  type: list
  elements: dict
"""

from ansible_collections.containment.docker.plugins.plugin_utils.later import later


class FilterModule:
    def filters(self):
        return {"volumes_interrupted": later("_volumes_plan", "interrupted")}
