# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
name: engine_unfinished
short_description: The transaction that a killed run left open
version_added: "0.1.0"
description:
  - A run goes on with it, so that the way back leads before both.
author:
  - containment.docker contributors (@containment)
options:
  _input:
    description: Result of M(containment.docker.engine_info).
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Tell of a run that was killed
  ansible.builtin.debug:
    msg: "{{ engine_host | containment.docker.engine_unfinished }}"
"""

RETURN = r"""
_value:
  description: Its name, empty where there is none.
  type: str
"""

from ansible_collections.containment.docker.plugins.plugin_utils.later import later


class FilterModule:
    def filters(self):
        return {"engine_unfinished": later("_userns_plan", "unfinished")}
