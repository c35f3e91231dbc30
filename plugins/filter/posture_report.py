# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
name: posture_report
short_description: The judgement of a host, and the table that people read
version_added: "0.1.0"
description:
  - Judges controls and proofs. See the C(posture) role.
author:
  - containment.docker contributors (@containment)
positional: name
options:
  _input:
    description: Result of M(containment.docker.engine_info).
    type: dict
    required: true
  name:
    description: Name of the host in the report.
    type: str
    required: true
  before:
    description: Result of M(containment.docker.engine_info) before the change, the same where nothing was changed.
    type: dict
    required: true
  proofs:
    description: Proofs of M(containment.docker.userns_proof) after the change.
    type: list
    elements: dict
    default: []
  baseline:
    description: The same from before it.
    type: list
    elements: dict
    default: []
  check_mode:
    description: Whether nothing has been applied, so that the host is judged as it is.
    type: bool
    default: false
  waits:
    description: Whether the change stopped until the host is rebooted.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Show the table
  ansible.builtin.debug:
    msg: "{{ (engine_host | containment.docker.posture_report(inventory_hostname, before=engine_host)).table }}"
"""

RETURN = r"""
_value:
  description: C(host), C(verdict) (V(pass) or V(fail)), C(controls), C(proofs), C(findings), C(table).
  type: dict
"""

from ansible_collections.containment.docker.plugins.plugin_utils.later import later


class FilterModule:
    def filters(self):
        return {"posture_report": later("_posture", "report")}
