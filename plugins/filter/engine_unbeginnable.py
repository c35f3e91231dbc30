# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
name: engine_unbeginnable
short_description: Why no run can begin on a host under the name of a transaction
version_added: "0.2.0"
description:
  - An undo that was interrupted has to be finished first, and the name of an earlier run cannot be used again.
author:
  - containment.docker contributors (@containment)
positional: name
options:
  _input:
    description: Result of M(containment.docker.engine_info).
    type: dict
    required: true
  name:
    description: The name of the transaction.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Refuse a name that was used
  ansible.builtin.assert:
    that: engine_host | containment.docker.engine_unbeginnable("mine") | length == 0
"""

RETURN = r"""
_value:
  description: Sentences, none where it can begin.
  type: list
  elements: str
"""

from ansible_collections.containment.docker.plugins.plugin_utils.later import later


class FilterModule:
    def filters(self):
        return {"engine_unbeginnable": later("_userns_plan", "unbeginnable")}
