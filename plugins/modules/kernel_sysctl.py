#!/usr/bin/python
# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: kernel_sysctl
short_description: Set kernel parameters, and tell what other files set
version_added: "0.2.0"
description:
  - Sets kernel parameters in C(/etc/sysctl.d/zz-containment.conf), which is read after hardening baselines such as
    C(99-*.conf), and in the running kernel.
  - The file keeps, in a comment above each parameter, the value that the running kernel had before. O(absent) brings
    that value back. Lines of others in the file stay where they are. The file is gone when nothing is left in it.
  - Tells which other files of C(systemd-sysctl) and of C(sysctl --system) set one of O(values) to something else, and
    warns of those that are applied later.
  - A run that was killed is completed by the next one. Where the kernel refuses a value, or makes another of it, the
    file and the running values are put back.
  - Refuses, before anything is touched and in check mode too, names that the running kernel does not have, parameters
    that cannot be read or written, and values that no file can hold.
author:
  - containment.docker contributors (@containment)
extends_documentation_fragment:
  - containment.docker.attributes
attributes:
  check_mode:
    support: full
    details:
      - Whether the kernel takes a value is only known once it is written.
  diff_mode:
    support: full
    details:
      - Shows the file, and the running values of the parameters that are asked for.
  platform:
    platforms: linux
options:
  values:
    description:
      - Names and values to set, the values as text or whole numbers.
      - Names as C(sysctl -a) shows them. Where the first separator is a slash, dots are part of the words, as in
        C(net/ipv4/conf/eth0.100/forwarding); else it is the other way round.
    type: dict
  absent:
    description:
      - Names of parameters to have as they were before this module first set them. Those that it never set are left
        alone.
    type: list
    elements: str
  running:
    description:
      - Names and values to set in the running kernel alone. The file and the transactions stay as they are.
      - For the way back, with RV(containment.docker.transaction#module:kernel_sysctl) as its value, after
        M(containment.docker.transaction) has put the file back. A parameter that is no longer there is passed over
        with a warning, because it has no value to put back.
    type: dict
  transaction:
    description:
      - Name of the transaction that keeps the previous version of the file under
        C(/var/lib/containment/transactions). Modules of one run may share a name. By default a name made of the time in
        UTC and C(kernel_sysctl).
    type: str
  record:
    description:
      - Whether the previous version is kept in a transaction. V(false) is for taking changes back.
    type: bool
    default: true
notes:
  - The running value of another network or user namespace is not changed.
  - Some values cannot be brought back in a running kernel. C(vm.dirty_bytes) and C(vm.dirty_background_bytes) are C(0)
    as long as C(vm.dirty_ratio) and C(vm.dirty_background_ratio) count, but the kernel refuses a C(0) that is written;
    writing the ratio brings it back. C(kernel.modules_disabled), C(kernel.kexec_load_disabled) and others keep C(1)
    until the next boot. O(absent) and O(running) fail for these, and leave the file and the running values as they are.
seealso:
  - module: containment.docker.transaction
  - module: ansible.posix.sysctl
"""

EXAMPLES = r"""
- name: Let the engine make user namespaces where a baseline forbids them
  containment.docker.kernel_sysctl:
    values:
      user.max_user_namespaces: 28633
  register: result

- name: Show the files that set something else
  ansible.builtin.debug:
    msg: "{{ result.conflicts }}"

- name: Have it as it was before
  containment.docker.kernel_sysctl:
    absent: [user.max_user_namespaces]

- name: Put the running values back after the file was
  containment.docker.kernel_sysctl:
    running: "{{ undo.kernel_sysctl }}"
    record: false
"""

RETURN = r"""
file:
  description: The file that the parameters are set in.
  returned: success
  type: str
  sample: /etc/sysctl.d/zz-containment.conf
values:
  description:
    - What was and what is, or would be, for each name that was asked for. Numbers are shown in decimal, blanks as one.
    - In templates V(result['values']), because C(result.values) is something else there.
  returned: success
  type: dict
  contains:
    running_before:
      description: Value in the running kernel, null where it has no such parameter.
      type: str
      sample: "0"
    running_after:
      description: Value in the running kernel afterwards.
      type: str
      sample: "28633"
    file_before:
      description: Value that this module's line in the file set, null without one.
      type: str
      sample: null
    file_after:
      description: Value that it sets afterwards.
      type: str
      sample: "28633"
  sample:
    user.max_user_namespaces: {running_before: "0", running_after: "28633", file_before: null, file_after: "28633"}
conflicts:
  description:
    - Lines of other files that set one of O(values) to something else, for each name in the order in which they are
      applied.
    - C(value) is null for a line C(-NAME) without a value, which keeps C(systemd-sysctl) from setting the name.
    - C(wins) tells whether the line is applied after this module's, by C(systemd-sysctl) or by C(sysctl --system),
      which reads C(/etc/sysctl.conf) last.
  returned: success
  type: list
  elements: dict
  sample:
    - {path: /etc/sysctl.d/99-stig.conf, line: 3, name: user.max_user_namespaces, value: "0", wins: false}
transaction:
  description: The transaction that keeps the previous version of the file, null where none was written.
  returned: success
  type: str
  sample: 20261122T101500Z-kernel_sysctl
"""

import errno

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.containment.docker.plugins.module_utils import (
    _files,
    _kernel_sysctl,
    _sysctl_host,
    _transaction,
)
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError, told

MENDS = {errno.ENOSPC: "make room on its file system", errno.EDQUOT: "raise the quota"}


def read_file():
    before = _files.read(_kernel_sysctl.PATH)
    if before.path != _kernel_sysctl.PATH:
        raise ContainmentError(
            _kernel_sysctl.PATH, f"leads to {before.path} by a symbolic link", "put a plain file in its place"
        )
    return before


def record(before, data, transaction):
    try:
        _transaction.record(transaction, "kernel_sysctl", before, data)
    except OSError as error:
        raise ContainmentError(
            before.path,
            f"nothing was changed, because its previous version could not be kept ({error.strerror})",
            MENDS.get(error.errno, "see what the error says"),
        ) from error


def replace(before, data):
    try:
        after = _files.replace(before, data)
    except OSError as error:
        raise ContainmentError(
            before.path,
            f"could not be written ({error})",
            MENDS.get(error.errno, "see what the error says"),
        ) from error
    if after.data != data:
        raise ContainmentError(
            before.path, "does not hold what was written", "find out who else writes it, then run again"
        )


def apply(before, running, plan):
    """Do what the plan says, in an order in which a killed run has lost nothing: a value that was before ours is only
    forgotten once it is back, and only replaced once it is written down.

    before, running: file and values as they are; put back where a step fails.
    """
    try:
        for name, value in plan.back.items():
            _sysctl_host.write(name, value)
        if plan.data != before.data:
            replace(before, plan.data)
        for name, value in plan.forward.items():
            _sysctl_host.write(name, value)
        for name, value in _kernel_sysctl.expected(running, plan).items():
            now = _sysctl_host.read(name)
            if now != value and not _kernel_sysctl.same(now, value):
                raise ContainmentError(name, f"the kernel made {now!r} of {value!r}", f"give {now!r}")
    except ContainmentError as error:
        failed = put_back(before, running, plan)
        told = "; ".join(failed) or "file and running values are as they were"
        raise ContainmentError(error.subject, f"{error.cause}, and {told}", error.mend) from error


def put_back(before, running, plan):
    """Bring the file and the running values back to what they were; return [what could not be]."""
    failed = []
    for name, value in reversed([one for one in running.items() if one[1] is not None]):
        try:
            if not _kernel_sysctl.same(_sysctl_host.read(name), value):
                _sysctl_host.write(name, value)
                now = _sysctl_host.read(name)
                if not _kernel_sysctl.same(now, value):
                    failed.append(f"{name} could not be put back to {value!r} and is {now!r}")
        except ContainmentError as error:
            failed.append(f"{name} could not be put back to {value!r} ({error.cause})")
    try:
        now = _files.read(before.path)
        if now.data == plan.data != before.data:
            _files.replace(before._replace(identity=now.identity), before.data)
    except (ContainmentError, OSError) as error:
        failed.append(f"{before.path} could not be put back ({error})")
    return failed


def outcome(names, running, files):
    """Return the result's `values`. running, files: each (before, after)."""
    shown = [
        {name: None if value is None else _kernel_sysctl.canonical(value) for name, value in one.items()}
        for one in running
    ]
    ours = [_kernel_sysctl.parse(data).ours for data in files]
    return {
        name: {
            "running_before": shown[0][name],
            "running_after": shown[1][name],
            "file_before": ours[0][name].value if name in ours[0] else None,
            "file_after": ours[1][name].value if name in ours[1] else None,
        }
        for name in names
    }


def show(data, values, moment):
    """Return the two texts of a diff: the file, and the running values as lines."""
    running = {name: one["running_" + moment] for name, one in sorted(values.items())}
    lines = [f"{name} = {value}\n" for name, value in running.items() if value is not None]
    return (data or b"").decode("utf-8", "replace"), "".join(lines)


def run(module):
    """Do what the parameters ask for and return the result."""
    params = module.params
    asked = _kernel_sysctl.request(params["values"] or {}, params["absent"] or [], params["running"] or {})
    transaction = params["transaction"] or _transaction.default_name("kernel_sysctl")
    names = list(asked.values) + asked.absent + list(asked.running)
    before, running = read_file(), {name: _sysctl_host.read(name) for name in names}
    for name in names:
        if running[name] is None and name in asked.values:
            raise ContainmentError(
                name,
                f"the running kernel has no parameter {_kernel_sysctl.path_of(name)}",
                "correct the name, or load the kernel module that brings it",
            )
        if running[name] is None and name in asked.running:
            module.warn(f"{name}: the running kernel has no such parameter any more; there is nothing to put back.")
    plan = _kernel_sysctl.plan(before.data, running, asked)
    for name in list(plan.back) + list(plan.forward):
        _sysctl_host.refuse_read_only(name)
    writes = plan.data != before.data
    if writes:
        _files.refuse_unwritable(before)
        if params["record"]:
            _transaction.check_usable(transaction)
    conflicts = _kernel_sysctl.conflicts(_sysctl_host.read_others(), asked.values)
    for one in conflicts:
        if one["wins"]:
            module.warn(
                f"{one['path']}, line {one['line']}: decides about {one['name']} after {before.path}; take the line "
                "out, or its value is in force again after the next boot or sysctl --system."
            )

    after = _kernel_sysctl.expected(running, plan)
    recorded = None
    if not module.check_mode:
        if writes and params["record"]:
            record(before, plan.data, transaction)
            recorded = transaction
        apply(before, running, plan)
        if before.data is None and writes:
            module.set_default_selinux_context(before.path, False)
        after = {name: _sysctl_host.read(name) for name in names}
    values = outcome(names, (running, after), (before.data, plan.data))
    texts = [show(before.data, values, "before"), show(plan.data, values, "after")]
    return {
        "changed": writes or bool(plan.back or plan.forward),
        "file": before.path,
        "values": values,
        "conflicts": conflicts,
        "transaction": recorded,
        "diff": [
            {"before_header": header, "after_header": header, "before": old, "after": new}
            for header, old, new in zip((before.path, _kernel_sysctl.ROOT), *texts)
        ],
    }


def main():
    module = AnsibleModule(
        argument_spec={
            "values": {"type": "dict"},
            "absent": {"type": "list", "elements": "str"},
            "running": {"type": "dict"},
            "transaction": {"type": "str"},
            "record": {"type": "bool", "default": True},
        },
        required_one_of=[("values", "absent", "running")],
        mutually_exclusive=[("running", "values"), ("running", "absent")],
        supports_check_mode=True,
    )
    with told(module, "kernel_sysctl"):
        result = run(module)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
