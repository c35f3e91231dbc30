# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
name: userns_rollback_to
short_description: Before which transaction a rollback leads
version_added: "0.2.0"
description:
  - Names the transaction of a migration that was interrupted, where the last one was asked for and no undo stands in
    the middle, else what was asked for.
author:
  - containment.docker contributors (@containment)
positional: wanted
options:
  _input:
    description: Result of M(containment.docker.engine_info).
    type: dict
    required: true
  wanted:
    description: A transaction's name, or V(last).
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Take the last run's changes back
  containment.docker.transaction:
    name: "{{ engine_host | containment.docker.userns_rollback_to('last') }}"
"""

RETURN = r"""
_value:
  description: The name, or V(last).
  type: str
"""

from ansible_collections.containment.docker.plugins.plugin_utils.later import later


class FilterModule:
    def filters(self):
        return {"userns_rollback_to": later("_userns_plan", "rollback_to")}
