# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
name: kernel_told
short_description: What a change of a host's kernel settings comes to
version_added: "0.2.0"
description:
  - Tells in words what overrides a setting and whether the host has to be rebooted.
author:
  - containment.docker contributors (@containment)
positional: sysctl, boot
options:
  _input:
    description: Result of P(containment.docker.kernel_plan#filter).
    type: dict
    required: true
  sysctl:
    description: Result of M(containment.docker.kernel_sysctl), empty where nothing was to do for it.
    type: dict
    required: true
  boot:
    description: Result of M(containment.docker.kernel_args), empty where nothing was to do for it.
    type: dict
    required: true
  reboot_ok:
    description: Whether the host may be rebooted.
    type: bool
    default: false
  local:
    description: Whether the host is the machine that the playbook runs on.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Tell what is to come
  ansible.builtin.debug:
    msg: "{{ (plan | containment.docker.kernel_told(sysctl, boot, reboot_ok=true)) }}"
"""

RETURN = r"""
_value:
  description: Sentences, none where nothing has to be told.
  type: list
  elements: str
"""

from ansible_collections.containment.docker.plugins.plugin_utils.later import later


class FilterModule:
    def filters(self):
        return {"kernel_told": later("_kernel_plan", "told")}
