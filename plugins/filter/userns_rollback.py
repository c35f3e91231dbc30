# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
name: userns_rollback
short_description: What the way back would meet on a host
version_added: "0.1.0"
description:
  - Like P(containment.docker.userns_plan#filter), for a restart with the previous configuration. A dead engine stops
    nothing.
author:
  - containment.docker contributors (@containment)
positional: names
options:
  _input:
    description: Result of M(containment.docker.engine_info).
    type: dict
    required: true
  names:
    description: Names of the transactions that would be taken back, the newest first.
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: Stop where something stands in the way
  ansible.builtin.assert:
    that: (engine_host | containment.docker.userns_rollback(foreseen.restored)).refusals | length == 0
"""

RETURN = r"""
_value:
  description: >-
    C(migration), the name of the one that is taken back with them, empty for none; C(told) and C(refusals), sentences.
  type: dict
"""

from ansible_collections.containment.docker.plugins.plugin_utils.later import later


class FilterModule:
    def filters(self):
        return {"userns_rollback": later("_userns_plan", "rollback")}
