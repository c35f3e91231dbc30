#!/usr/bin/python
# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: transaction
short_description: Take recorded configuration changes back
version_added: "0.1.0"
description:
  - Restores the files that M(containment.docker.daemon_json) and M(containment.docker.subid_range) changed, from the
    versions that they kept under C(/var/lib/containment/transactions).
  - Taking a transaction back takes every later one back first. What others wrote to the files since then survives;
    where they changed the very key that is to be taken back, the module refuses and touches nothing.
  - It restarts nothing. See RV(restart_required).
author:
  - containment.docker contributors (@containment)
extends_documentation_fragment:
  - containment.docker.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  platform:
    platforms: linux
options:
  name:
    description:
      - The transaction before which the host shall be again, or V(last).
    type: str
    default: last
  missing_ok:
    description:
      - Whether a name that is not kept counts as nothing to do. A failed run uses it, because it may not have written
        anything yet.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Take the last run's changes back
  containment.docker.transaction:

- name: Go back to the state before a certain run
  containment.docker.transaction:
    name: 20261122T101500Z-harden
"""

RETURN = r"""
restored:
  description: Names of the transactions that were taken back, in that order.
  returned: always
  type: list
  elements: str
  sample: ["20261122T101500Z-harden"]
files:
  description: Paths of the files whose content changed.
  returned: always
  type: list
  elements: str
  sample: ["/etc/docker/daemon.json", "/etc/subgid", "/etc/subuid"]
restart_required:
  description: Whether the engine has to be restarted for the restored configuration to hold.
  returned: always
  type: bool
  sample: true
"""

import contextlib

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.containment.docker.plugins.module_utils import (
    _daemon_json,
    _files,
    _shadow_lock,
    _transaction,
    _undo,
)
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError


def read(name, missing_ok):
    """Return (transactions to undo, {path: File})."""
    if name != "last":
        _transaction.check_name(name)
        if missing_ok and name not in dict(_transaction.names()):
            return [], {}
    chosen = _transaction.select(name)
    paths = {entry.path for one in chosen for entry in one.entries}
    return chosen, {path: _files.read(path) for path in sorted(paths)}


def apply(chosen, files, contents):
    modes = {entry.path: entry.mode for one in chosen for entry in one.entries if entry.mode is not None}
    # The last file of the way in is the first of the way out: the engine's key goes before the ids that it names.
    for path in sorted(contents, key=lambda one: not one.endswith(".json")):
        if contents[path] != files[path].data:
            _files.replace(files[path], contents[path], mode=modes.get(path, 0o644))
    for one in chosen:
        _transaction.mark_restored(one.name)


def show(kind, path, data, other):
    """Return the text of a version for the diff, secrets masked."""
    if kind == "daemon_json":
        return "" if data is None else _daemon_json.shown(data, path, other)
    return (data or b"").decode("utf-8", "replace")


def run(module):
    name, missing_ok = module.params["name"], module.params["missing_ok"]
    with contextlib.ExitStack() as held:
        if not module.check_mode:
            held.enter_context(_shadow_lock.locked())
        chosen, files = read(name, missing_ok)
        contents = _undo.undo_all(chosen, {path: file.data for path, file in files.items()})
        changed = [path for path in files if contents[path] != files[path].data]
        for path in changed:
            _files.refuse_unwritable(files[path])
        if chosen and not module.check_mode:
            apply(chosen, files, contents)
    kinds = {entry.path: entry.kind for one in chosen for entry in one.entries}
    module.exit_json(
        changed=bool(chosen),
        restored=[one.name for one in chosen],
        files=changed,
        restart_required=any(kinds[path] == "daemon_json" for path in changed),
        diff=[
            {
                "before_header": path,
                "after_header": path,
                "before": show(kinds[path], path, files[path].data, contents[path]),
                "after": show(kinds[path], path, contents[path], files[path].data),
            }
            for path in changed
        ],
    )


def main():
    module = AnsibleModule(
        argument_spec={"name": {"type": "str", "default": "last"}, "missing_ok": {"type": "bool", "default": False}},
        supports_check_mode=True,
    )
    try:
        run(module)
    except ContainmentError as error:
        module.fail_json(msg=str(error))
    except OSError as error:
        module.fail_json(
            msg=f"{error.filename or 'transaction'}: {error.strerror}; nothing was lost, mend the cause and run again."
        )


if __name__ == "__main__":
    main()
