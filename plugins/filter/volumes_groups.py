# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
name: volumes_groups
short_description: Which directories have to be shifted
version_added: "0.2.0"
description:
  - Those for which a mount with mapped ids is not wanted or was refused, together where their ids mean the same.
author:
  - containment.docker contributors (@containment)
positional: mounts
options:
  _input:
    description: Result of P(containment.docker.volumes_wanted#filter).
    type: dict
    required: true
  mounts:
    description: >-
      Results of M(containment.docker.volume_idmap) in check mode for those whose C(method) is not V(shift), in order.
    type: list
    elements: dict
    required: true
"""

EXAMPLES = r"""
- name: Show what would be shifted
  ansible.builtin.debug:
    msg: "{{ wanted | containment.docker.volumes_groups(tried.results) }}"
"""

RETURN = r"""
_value:
  description: Options C(paths) and C(source) of M(containment.docker.volume_chown), one item for each call.
  type: list
  elements: dict
"""

from ansible_collections.containment.docker.plugins.plugin_utils.later import later


class FilterModule:
    def filters(self):
        return {"volumes_groups": later("_volumes_plan", "groups")}
