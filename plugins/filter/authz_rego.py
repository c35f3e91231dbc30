# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
name: authz_rego
short_description: A policy of authorization as a bundle for Open Policy Agent
version_added: "0.1.0"
description:
  - For hosts whose authorization plugin is opa-docker-authz. C(docs/authz-opa.md) says what of a policy OPA cannot be
    told, which is refused, and what it refuses besides.
author:
  - containment.docker contributors (@containment)
options:
  _input:
    description: The policy, as in C(docs/authz.md). C(format) may be left out.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Write the bundle's files
  ansible.builtin.copy:
    dest: "/srv/opa/{{ item.key }}"
    content: "{{ item.value }}"
    mode: "0644"
  loop: "{{ authz_policy | containment.docker.authz_rego | dict2items }}"
"""

RETURN = r"""
_value:
  description: The text of each file of the bundle by its name, C(docker.rego), C(data.json) and C(.manifest).
  type: dict
"""

import json

from ansible.errors import AnsibleFilterError

ROOTS = ["docker/authz", "containment"]


def bundle(policy):
    # Here alone, as plugin_utils/later.py says.
    from ansible_collections.containment.docker.plugins.module_utils import _authz_plan, _authz_policy, _authz_rego
    from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

    try:
        program, data = _authz_rego.render(_authz_policy.read(_authz_plan.text_of(policy)))
    except ContainmentError as error:
        raise AnsibleFilterError(str(error)) from error
    return {
        "docker.rego": program,
        "data.json": json.dumps(data, indent=1, sort_keys=True) + "\n",
        ".manifest": json.dumps({"roots": ROOTS}) + "\n",
    }


class FilterModule:
    def filters(self):
        return {"authz_rego": bundle}
