# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
name: engine_running
short_description: Whether the engine that the roles manage answers
version_added: "0.1.0"
description:
  - Tells it from what M(containment.docker.engine_info) returned.
author:
  - containment.docker contributors (@containment)
options:
  _input:
    description: Result of M(containment.docker.engine_info).
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Start an engine that does not run
  containment.docker.engine_service:
  when: not (engine_host | containment.docker.engine_running)
"""

RETURN = r"""
_value:
  description: Whether it answers.
  type: bool
"""

from ansible_collections.containment.docker.plugins.plugin_utils.later import later


class FilterModule:
    def filters(self):
        return {"engine_running": later("_userns_plan", "running")}
