# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
name: kernel_plan
short_description: What a host's kernel needs before an engine can remap
version_added: "0.2.0"
description:
  - Goes by whether a user and a mount namespace could really be made. Where they could, nothing is needed but the
    arguments that are wanted anyway.
author:
  - containment.docker contributors (@containment)
positional: args
options:
  _input:
    description: Result of M(containment.docker.engine_info).
    type: dict
    required: true
  args:
    description: Kernel arguments that are wanted anyway.
    type: list
    elements: str
    default: []
  max_user_namespaces:
    description: The number of user namespaces to allow where none are.
    type: int
    default: 15000
"""

EXAMPLES = r"""
- name: Show what the kernel lacks
  ansible.builtin.debug:
    msg: "{{ engine_host | containment.docker.kernel_plan }}"
"""

RETURN = r"""
_value:
  description: >-
    C(args), all kernel arguments to ensure; C(sysctl), kernel parameters to set; C(mends), whether any of it is needed
    for user namespaces; C(refusals), sentences.
  type: dict
"""

from ansible_collections.containment.docker.plugins.plugin_utils.later import later


class FilterModule:
    def filters(self):
        return {"kernel_plan": later("_kernel_plan", "plan")}
