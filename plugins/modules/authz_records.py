#!/usr/bin/python
# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: authz_records
short_description: Tell who ran privileged containers, from the record of decisions
version_added: "0.1.0"
description:
  - Reads what the authorization plugin of this collection wrote to the journal, and tells which containers were
    created, started, restarted or unpaused, and which processes in containers planned, with more than the envelope
    C(unprivileged) admits. Those that were refused are left out. C(docker run) is two records, of a create and a start.
  - Only as far back as the journal goes, and as the plugin was asked.
author:
  - containment.docker contributors (@containment)
extends_documentation_fragment:
  - containment.docker.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details:
      - There is no diff, because nothing is changed.
  platform:
    platforms: linux
notes:
  - Where there is no journal of systemd the records are in the host's syslog, which this module does not read, and says
    so.
options:
  days:
    description:
      - How many days to look back.
    type: int
    default: 30
seealso:
  - module: containment.docker.authz_plugin
"""

EXAMPLES = r"""
- name: Who ran privileged containers this week?
  containment.docker.authz_records:
    days: 7
  register: found
"""

RETURN = r"""
records:
  description: What was let pass, the oldest first.
  returned: always
  type: list
  elements: dict
  sample:
    - time: "2026-12-01T09:30:00Z"
      principal: runner
      user: runner
      action: container.create
      container: debug
      image: foobar
      command: sh
      why: HostConfig.Privileged is true
      decision: allow
      request: 5f1d0c9e8b7a6f5e
table:
  description: Lines of text, who how often and when last.
  returned: always
  type: list
  elements: str
  sample:
    - "who ran privileged containers in the last 30 days:"
    - "  runner: 3, last 2026-12-01T09:30:00Z: container.create debug foobar sh (HostConfig.Privileged is true)"
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.containment.docker.plugins.module_utils import _authz_audit, _host_manager, _host_probe
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError, told


def run(module):
    days = module.params["days"]
    argv = _authz_audit.command(days)
    if _host_probe.executable(argv[0]) is None or not _host_manager.has_systemd():
        return {"changed": False, "records": [], "table": [_authz_audit.NO_JOURNAL]}
    code, out, err = module.run_command(argv, environ_update={"LC_ALL": "C"})
    # rc 1 and no line: there is no record that matches.
    if code not in (0, 1) or (code == 1 and (out or err.strip())):
        raise ContainmentError("journal", f"cannot be read ({err.strip()[:200]})", "mend the cause and run again")
    if err.strip():
        module.warn(f"journalctl: {err.strip()[:500]}")
    records = _authz_audit.privileged(out.splitlines())
    return {"changed": False, "records": records, "table": _authz_audit.table(records, days)}


def main():
    module = AnsibleModule(argument_spec={"days": {"type": "int", "default": 30}}, supports_check_mode=True)
    with told(module, "authz_records"):
        result = run(module)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
