# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
name: userns_removable
short_description: Which migration's old graph root is due to be removed
version_added: "0.2.0"
description:
  - Names the migration that led to the graph root which the engine serves from, once so many days have passed since
    the switch, or where an earlier removal was interrupted.
author:
  - containment.docker contributors (@containment)
positional: old_root, days, now
options:
  _input:
    description: Result of M(containment.docker.engine_info).
    type: dict
    required: true
  old_root:
    description: What shall become of old graph roots.
    type: str
    choices: [keep, remove]
    required: true
  days:
    description: How many days have to have passed.
    type: int
    required: true
  now:
    description: The time, UTC, as C(2026-11-22T10:15:04Z).
    type: str
    required: true
"""

EXAMPLES = r"""
- name: See whether an old graph root is due
  ansible.builtin.debug:
    msg: "{{ (engine_host | containment.docker.userns_removable('remove', 30, '2026-12-31T00:00:00Z')).migration }}"
"""

RETURN = r"""
_value:
  description: C(migration), its name, empty for none, and C(told), sentences on what is due and stays.
  type: dict
"""

from ansible_collections.containment.docker.plugins.plugin_utils.later import later


class FilterModule:
    def filters(self):
        return {"userns_removable": later("_userns_plan", "removable")}
