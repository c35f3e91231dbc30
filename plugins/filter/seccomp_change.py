# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
name: seccomp_change
short_description: What daemon.json has to have for a daemon-wide seccomp profile
version_added: "0.1.0"
description:
  - A profile of the collection's own directory is taken out where none is wanted any more; any other stays.
author:
  - containment.docker contributors (@containment)
positional: path, no_new_privileges, directory
options:
  _input:
    description: Result of M(containment.docker.engine_info).
    type: dict
    required: true
  path:
    description: The profile's, empty for none.
    type: str
    required: true
  no_new_privileges:
    description: Whether the engine gives that to every container.
    type: bool
    required: true
  directory:
    description: Where the collection's own profiles are.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Name the profile
  ansible.builtin.set_fact:
    change: "{{ engine_host | containment.docker.seccomp_change(profile.path, false, '/etc/containment/seccomp') }}"
"""

RETURN = r"""
_value:
  description: >-
    C(merge) and C(remove), as M(containment.docker.daemon_json) takes them.
  type: dict
"""

from ansible_collections.containment.docker.plugins.plugin_utils.later import later


class FilterModule:
    def filters(self):
        return {"seccomp_change": later("_seccomp_role", "change")}
