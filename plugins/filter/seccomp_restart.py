# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
name: seccomp_restart
short_description: Whether an engine has to be restarted for its daemon-wide seccomp profile
version_added: "0.1.0"
description:
  - It has, too, where a run before was killed between naming the profile and the restart.
author:
  - containment.docker contributors (@containment)
positional: path, key, directory
options:
  _input:
    description: Result of M(containment.docker.engine_info).
    type: dict
    required: true
  path:
    description: The profile's, empty for none.
    type: str
    required: true
  key:
    description: Result of M(containment.docker.daemon_json) for it.
    type: dict
    required: true
  directory:
    description: Where the collection's own profiles are.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Restart the engine
  containment.docker.engine_service:
    state: restarted
  when: engine_host | containment.docker.seccomp_restart(profile.path, key, '/etc/containment/seccomp')
"""

RETURN = r"""
_value:
  description: >-
    Whether it has.
  type: bool
"""

from ansible_collections.containment.docker.plugins.plugin_utils.later import later


class FilterModule:
    def filters(self):
        return {"seccomp_restart": later("_seccomp_role", "restart")}
