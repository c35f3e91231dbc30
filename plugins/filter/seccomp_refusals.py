# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
name: seccomp_refusals
short_description: What is wrong with the variables of the role seccomp
version_added: "0.1.0"
description:
  - Tells it before an engine is installed or asked.
author:
  - containment.docker contributors (@containment)
positional: overlays, base, services, directory
options:
  _input:
    description: Result of M(containment.docker.engine_info).
    type: dict
    required: true
  overlays:
    description: Those of the daemon-wide profile.
    type: list
    elements: dict
    required: true
  base:
    description: What they are laid over.
    type: str
    required: true
  services:
    description: Profiles for services, as C(name), C(base) and C(overlays).
    type: list
    elements: dict
    required: true
  directory:
    description: Where the collection's own profiles are.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Refuse overlays that mean nothing
  ansible.builtin.assert:
    that: engine_host | containment.docker.seccomp_refusals(overlays, 'engine', [], directory) | length == 0
"""

RETURN = r"""
_value:
  description: Sentences.
  type: list
  elements: str
"""

from ansible_collections.containment.docker.plugins.plugin_utils.later import later


class FilterModule:
    def filters(self):
        return {"seccomp_refusals": later("_seccomp_role", "refusals")}
