# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
name: volumes_plan
short_description: What is done with the directories that containers need, and when
version_added: "0.2.0"
description:
  - What running containers use is shifted while the engine is stopped, everything else before.
author:
  - containment.docker contributors (@containment)
positional: mounts, shifts
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
  shifts:
    description: >-
      Results of M(containment.docker.volume_chown) in check mode, one for each item of
      P(containment.docker.volumes_groups#filter).
    type: list
    elements: dict
    required: true
  stop_ok:
    description: Whether the engine may be stopped for that alone.
    type: bool
    default: false
  live_restore:
    description: Whether containers go on while their engine is stopped.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Tell what would be done
  ansible.builtin.debug:
    msg: "{{ (wanted | containment.docker.volumes_plan(tried.results, counted.results)).told }}"
"""

RETURN = r"""
_value:
  description: >-
    C(first) and C(stopped), what is done before the switch and while the engine is stopped, each with C(mount), paths,
    and C(shift), options of M(containment.docker.volume_chown); C(trees), all paths; C(write), whether anything is done
    first; C(stop), whether the engine has to be stopped; C(told) and C(refusals), sentences.
  type: dict
"""

from ansible_collections.containment.docker.plugins.plugin_utils.later import later


class FilterModule:
    def filters(self):
        return {"volumes_plan": later("_volumes_plan", "plan")}
