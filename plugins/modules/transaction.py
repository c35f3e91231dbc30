#!/usr/bin/python
# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: transaction
short_description: Take recorded configuration changes back
version_added: "0.1.0"
description:
  - Restores the files that M(containment.docker.daemon_json), M(containment.docker.subid_range),
    M(containment.docker.kernel_args), M(containment.docker.kernel_sysctl), M(containment.docker.authz_plugin),
    M(containment.docker.volume_chown) and M(containment.docker.volume_idmap) changed, from the versions that they kept
    under C(/var/lib/containment/transactions).
  - Taking a transaction back takes every later one back first. What others wrote to the files since then survives.
    Where they changed the very key that is to be taken back, or got a range that would come back, the module refuses
    and touches nothing.
  - It restarts nothing, sets neither the boot loader nor the running kernel, and touches no tree. An undo stays in the
    middle until O(state=closed) says that what the result asks for was done. Until then the module, called again,
    finishes the same undo and asks for the same, so that a run that was killed in between is completed.
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
      - The transaction before which the host shall be again, or V(last). One that was taken back already is nothing to
        do.
      - With O(state=closed), the transaction to close; V(last) is the undo in the middle.
    type: str
    default: last
  state:
    description:
      - V(restored) puts the files back.
      - V(closed) ends what is open. An undo in the middle is done, and V(last) means the transaction before it from now
        on. Else the transaction is applied, which says that its run has proven what it wrote.
      - V(reverted) puts the files of an undo in the middle to what they were before it, and forgets the undo.
    type: str
    choices: [restored, closed, reverted]
    default: restored
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
  register: undo

- name: Restart the engine
  containment.docker.engine_service:
    state: restarted
  when: undo.restart_required

- name: Note that the engine runs with the restored files
  containment.docker.transaction:
    state: closed

- name: Go back to the state before a certain run
  containment.docker.transaction:
    name: 20261122T101500Z-harden
"""

RETURN = r"""
restored:
  description: Names of the transactions that are taken back, in that order.
  returned: success
  type: list
  elements: str
  sample: ["20261122T101500Z-harden"]
files:
  description: Paths of the files whose content changed.
  returned: success
  type: list
  elements: str
  sample: ["/etc/docker/daemon.json", "/etc/subgid", "/etc/subuid"]
restart_required:
  description: Whether the engine has to be restarted for the files to hold, changed now or by a run that was killed.
  returned: success
  type: bool
  sample: true
kernel_args:
  description: >-
    The kernel arguments that have to be set for what the files say to hold, as the options
    O(containment.docker.kernel_args#module:present) and O(containment.docker.kernel_args#module:absent). Empty where
    none were changed.
  returned: success
  type: dict
  sample: {"present": [], "absent": ["user_namespace.enable"]}
kernel_sysctl:
  description: >-
    The running kernel's parameters that have to be set, as the option
    O(containment.docker.kernel_sysctl#module:running). Empty where none were changed.
  returned: success
  type: dict
  sample: {"user.max_user_namespaces": "0"}
authz:
  description: >-
    Whether the engine asks the plugin of M(containment.docker.authz_plugin) by the file that is put back, so that the
    plugin has to run before the engine is restarted.
  returned: success
  type: bool
  sample: false
volumes:
  description: >-
    What has to be done to trees, in this order, while no container uses them: C(unmount) and C(mount), each item the
    options O(containment.docker.volume_idmap#module:source), O(containment.docker.volume_idmap#module:path) and, to
    mount, O(containment.docker.volume_idmap#module:mapping); between them C(shift), each item the options
    O(containment.docker.volume_chown#module:paths), O(containment.docker.volume_chown#module:source) and
    O(containment.docker.volume_chown#module:target). Empty where nothing has to be done.
  returned: success
  type: dict
  sample: {"unmount": [{"source": "/srv/data", "path": "/srv/data"}], "shift": [], "mount": []}
"""

import contextlib

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.containment.docker.plugins.module_utils import (
    _authz_asked,
    _daemon_json,
    _files,
    _kernel_ledger,
    _kernel_sysctl,
    _shadow_lock,
    _transaction,
    _undo,
    _volume_ledger,
)
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError, told

# What these files say is put into force by others than the engine: the boot loader, the running kernel, and whoever
# changes trees.
FOLLOWED = {
    _kernel_ledger.PATH: ("kernel_args", _kernel_ledger.inverse),
    _kernel_sysctl.PATH: ("kernel_sysctl", _kernel_sysctl.inverse),
    _volume_ledger.PATH: ("volumes", _volume_ledger.inverse),
}
# Read as soon as they change, with the engine as it runs.
LIVE = (_authz_asked.POLICY,)
NOTHING = _transaction.Undo([], {})


def plan_restore(name, missing_ok):
    """Return the `Undo` to do or to finish, None where there is nothing, and {path: kind}."""
    begun = _transaction.pending()
    if begun is not None:
        if name != "last" and name not in begun.names:
            told = ", ".join(begun.names)
            raise ContainmentError(
                "name", f"{name!r}, while the undo of {told} is not closed", "finish that one with name: last"
            )
        return begun
    if name != "last":
        _transaction.check_name(name)
        if missing_ok and name not in dict(_transaction.names()):
            return None
    chosen = _transaction.select(name)
    if not chosen:
        return None
    modes = {entry.path: entry.mode for one in chosen for entry in one.entries if entry.mode is not None}
    now = {entry.path: _files.read(entry.path).data for one in chosen for entry in one.entries}
    contents = _undo.undo_all(chosen, now)
    files = {path: (modes.get(path), now[path], contents[path]) for path in now if contents[path] != now[path]}
    return _transaction.Undo([one.name for one in chosen], files)


def replacements(undo, back):
    """Return [(File, content, mode)] that still differ, the engine's key before its ids; `back`: after them."""
    found = []
    for path in sorted(undo.files, key=lambda one: (_is_key(one) == back, one)):
        mode, before, after = undo.files[path]
        file = _files.read(path)
        target, source = (before, after) if back else (after, before)
        if file.data not in (target, source):
            raise ContainmentError(path, "was changed by somebody in the middle of an undo", "put it right by hand")
        if file.data != target:
            _files.refuse_unwritable(file)
            found.append((file, target, mode))
    return found


def _is_key(path):
    return path.endswith(".json") and path not in FOLLOWED and path not in LIVE


def show(path, data, other):
    """Return the text of a version for the diff, secrets masked."""
    if _is_key(path):
        return "" if data is None else _daemon_json.shown(data, path, other)
    return (data or b"").decode("utf-8", "replace")


def follow_ups(undo, back):
    """Return the results that say what has to follow; `back`: the undo is itself taken back."""
    restart = any(path not in FOLLOWED and path not in LIVE for path in undo.files)
    found = {"restart_required": restart, "kernel_args": {}, "kernel_sysctl": {}, "volumes": {}, "authz": False}
    for path, (_mode, before, after) in undo.files.items():
        if _is_key(path):
            named = _authz_asked.named_in(path, before if back else after)
            found["authz"] = found["authz"] or _authz_asked.NAME in named
        if path in FOLLOWED:
            key, inverse = FOLLOWED[path]
            found[key] = inverse(after, before) if back else inverse(before, after)
    return found


def restored(module):
    undo = plan_restore(module.params["name"], module.params["missing_ok"])
    if undo is None:
        return [], [], follow_ups(NOTHING, back=False), False
    todo = replacements(undo, back=False)
    if not module.check_mode:
        if _transaction.pending() is None:
            _transaction.begin_undo(undo)
        replace(todo)
        if not undo.files:
            _transaction.end_undo(undo, taken_back=True)
    return undo.names, todo, follow_ups(undo, back=False), True


def closed(module):
    undo = _transaction.pending()
    if undo is not None:
        if replacements(undo, back=False):
            raise ContainmentError(
                "state", "closed, while files are not put back yet", "call it with state: restored first"
            )
        if not module.check_mode:
            _transaction.end_undo(undo, taken_back=True)
        return undo.names, [], follow_ups(NOTHING, back=False), True
    name = module.params["name"]
    changed = dict(_transaction.names()).get(name) == _transaction.OPEN
    if changed and not module.check_mode:
        _transaction.set_status(name, _transaction.APPLIED)
    return [], [], follow_ups(NOTHING, back=False), changed


def reverted(module):
    undo = _transaction.pending()
    if undo is None:
        return [], [], follow_ups(NOTHING, back=True), False
    todo = replacements(undo, back=True)
    if not module.check_mode:
        replace(todo)
        _transaction.end_undo(undo, taken_back=False)
    return [], todo, follow_ups(undo, back=True), True


def replace(todo):
    for file, content, mode in todo:
        new = 0o600 if file.path in LIVE else 0o644
        _files.replace(file, content, mode=new if mode is None else mode)


def run(module):
    with contextlib.ExitStack() as held:
        if not module.check_mode:
            held.enter_context(_shadow_lock.locked())
            held.enter_context(_transaction.locked())
        act = {"restored": restored, "closed": closed, "reverted": reverted}[module.params["state"]]
        names, todo, follows, changed = act(module)
    module.exit_json(
        changed=changed,
        restored=names,
        files=sorted(file.path for file, _content, _mode in todo),
        **follows,
        diff=[
            {
                "before_header": file.path,
                "after_header": file.path,
                "before": show(file.path, file.data, content),
                "after": show(file.path, content, file.data),
            }
            for file, content, _mode in todo
        ],
    )


def main():
    module = AnsibleModule(
        argument_spec={
            "name": {"type": "str", "default": "last"},
            "state": {"type": "str", "choices": ["restored", "closed", "reverted"], "default": "restored"},
            "missing_ok": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    with told(module, "transaction"):
        run(module)


if __name__ == "__main__":
    main()
