# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
name: userns_state
short_description: The ranges that an engine has in force
version_added: "0.1.0"
description:
  - What M(containment.docker.userns_proof) needs to prove the state of a host as it is.
author:
  - containment.docker contributors (@containment)
options:
  _input:
    description: Result of M(containment.docker.engine_info).
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Prove the state as it is
  containment.docker.userns_proof:
    uid_ranges: "{{ (engine_host | containment.docker.userns_state).uid_ranges }}"
    gid_ranges: "{{ (engine_host | containment.docker.userns_state).gid_ranges }}"
"""

RETURN = r"""
_value:
  description: >-
    C(data_root), and C(uid_ranges) and C(gid_ranges), lists of C(start) and C(count), empty without remapping.
  type: dict
"""

from ansible_collections.containment.docker.plugins.plugin_utils.later import later


class FilterModule:
    def filters(self):
        return {"userns_state": later("_userns_plan", "state")}
