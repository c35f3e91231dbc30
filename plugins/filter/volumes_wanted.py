# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
name: volumes_wanted
short_description: Which directories of a host containers need under a mapping
version_added: "0.2.0"
description:
  - Takes those that are listed, and looks through the bind mounts of containers where it is asked to.
author:
  - containment.docker contributors (@containment)
positional: subid
options:
  _input:
    description: Result of M(containment.docker.engine_info).
    type: dict
    required: true
  subid:
    description: >-
      Result of M(containment.docker.subid_range) in check mode, where the same run sets the mapping. Without it, the
      mapping is the one that the engine has in force.
    type: dict
  paths:
    description: Directories, as a list or as a text with one a line.
    type: raw
    default: []
  used:
    description: Whether to take what containers bind and could not use any more.
    type: bool
    default: false
  left:
    description: Directories to leave as they are with all in them, as a list or as a text with one a line.
    type: raw
    default: []
  method:
    description: How containers get them.
    type: str
    choices: [auto, idmap, shift]
    default: auto
"""

EXAMPLES = r"""
- name: Show what would have to be done for containers
  ansible.builtin.debug:
    msg: "{{ engine_host | containment.docker.volumes_wanted(subid, used=true) }}"
"""

RETURN = r"""
_value:
  description: >-
    C(trees), each with C(path), C(method), C(source), C(users), C(busy) and C(spread); C(mapping), the one to come;
    C(moves), whether the engine comes to another one; C(told) and C(refusals), sentences.
  type: dict
"""

from ansible_collections.containment.docker.plugins.plugin_utils.later import later


class FilterModule:
    def filters(self):
        return {"volumes_wanted": later("_volumes_plan", "wanted")}
