#!/usr/bin/python
# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: kernel_args
short_description: Set and remove kernel arguments on every installed kernel and on kernels to come
version_added: "0.2.0"
description:
  - Sees that the arguments under O(present) are, and those under O(absent) are not, on the command line of every kernel
    that is installed, and of those that are installed later. All other arguments stay, in order and spelling.
  - On Enterprise Linux it calls C(grubby) and keeps C(/etc/kernel/cmdline) and C(/etc/default/grub) in step, so that
    C(kernel-install) and C(grub2-mkconfig) do not lose the arguments. Rescue entries get them too, as with C(grubby).
    With boot loader entries, a C(/etc/kernel/cmdline) that is missing when something changes, or empty, is made from
    the entry that boots by default. Refused is what this grubby would not do, or do to arguments of others, such as
    those with C(&) or a backslash, options on several lines, and C($kernelopts) that C(grubenv) does not say.
  - On Debian and Ubuntu it owns C(/etc/default/grub.d/zz-containment.cfg), which takes the names asked for out of what
    other files say and adds its own, and makes C(grub.cfg) anew as C(update-grub) does, but replaces it only after the
    new one was read and says what was planned. Its language stays, too. Entries that are not made by C(10_linux) stay
    as they are.
  - With systemd-boot it changes the options of the entries of this system's kernels, and C(/etc/kernel/cmdline), from
    which C(kernel-install) makes those of kernels to come. Where there is no such file, it is made from the running
    kernel's entry. Images of kernels are not touched.
  - With rpm-ostree it changes the arguments of the next deployment. In the build of a bootc image it writes
    C(/usr/lib/bootc/kargs.d/50-containment.toml).
  - Nothing takes effect before a reboot; RV(reboot_required) says from C(/proc/cmdline) whether one is due.
  - When a tool fails, or the boot files then say something else than planned, they are put back byte for byte.
  - Refuses, before anything is touched and in check mode too, other boot loaders, unified kernel images (their
    arguments are inside a signed file), a C(/boot) that is not mounted or mounted read-only, immutable files, files
    that it cannot read, characters that shells or boot loaders give a meaning to, and a command line that would
    become longer than the 2047 bytes that kernels read.
author:
  - containment.docker contributors (@containment)
extends_documentation_fragment:
  - containment.docker.attributes
attributes:
  check_mode:
    support: full
    details:
      - On Debian and Ubuntu the files below C(/etc/default) are read by a shell, as C(grub-mkconfig) does.
      - What others changed there but did not apply yet is taken up by the run and can make more differ than predicted.
        A warning says so.
  diff_mode:
    support: full
    details:
      - Files that the module writes are shown before and after. What tools write is shown as the entries' arguments.
  platform:
    platforms: linux
options:
  present:
    description:
      - Arguments, as V(name) or V(name=value). The values listed for a name are all the values that it has then, in
        that order; others are taken out. An argument that takes several, such as C(console), is listed once for each.
      - Values by which the system may find what it boots from are never taken out unasked, those of C(rd.*), C(luks.*),
        C(bond), C(bridge), C(cryptopts), C(ifname), C(ip), C(md), C(netroot), C(team) and C(vlan). One that is there
        and not listed is refused, unless O(absent) names it or its name.
      - Arguments that are there as asked for keep their places, the others are added behind in this order.
        C(hugepages), which counts for the C(hugepagesz) in front of it, is refused where that order cannot be had.
      - C(name), C(name=) and C(name=x) are three different things. C(-) and C(_) in a name are the same, as they are
        for the kernel.
      - A value with blanks is written V(name="a value"). C(grubby) and rpm-ostree do not carry one.
    type: list
    elements: str
    default: []
  absent:
    description:
      - Arguments to take out. V(name) takes every value of it out, V(name=value) only that one. A name is given here or
        under O(present), and under both only to take the other values of C(rd.*) and the like out.
    type: list
    elements: str
    default: []
  transaction:
    description:
      - Name of the transaction that keeps the ledger's previous version under C(/var/lib/containment/transactions).
        Modules of one run may share a name. By default a name made of the time in UTC and C(kernel_args).
    type: str
  record:
    description:
      - Whether to note in the ledger C(/var/lib/containment/kernel_args.json) what a name had before, and the ledger in
        a transaction. Set it to V(false) to take changes back with what M(containment.docker.transaction) returns.
      - What a name had before is what most entries say, where they do not agree. Builds of bootc images are not
        recorded.
    type: bool
    default: true
notes:
  - Secure Boot and kernel lockdown do not hinder changes of the arguments, unless these are inside a unified image.
  - Arguments behind C(--) belong to init and are never touched.
seealso:
  - module: containment.docker.transaction
"""

EXAMPLES = r"""
- name: Allow user namespaces on the kernels of Enterprise Linux 7
  containment.docker.kernel_args:
    present: [user_namespace.enable=1]
  register: result

- name: Say which consoles there are, in this order, and boot with all messages
  containment.docker.kernel_args:
    present: [console=tty0, "console=ttyS0,115200"]
    absent: [quiet, rhgb]

- name: Take one of several values out
  containment.docker.kernel_args:
    absent: [console=tty1]

- name: Reboot where the running kernel was started with something else
  ansible.builtin.reboot:
  when: result.reboot_required
"""

RETURN = r"""
boot_loader:
  description:
    - What makes the entries, C(grubby-bls), C(grubby), C(grub-mkconfig), C(systemd-boot), C(rpm-ostree) or C(bootc).
  returned: success
  type: str
  sample: grubby-bls
kernels:
  description: The entries of kernels, in the boot loader's order.
  returned: success
  type: list
  elements: dict
  contains:
    kernel:
      description: Path of the image, empty where the boot loader does not say.
      type: str
      sample: /boot/vmlinuz-5.14.0-503.el9.x86_64
    entry:
      description: Name of the entry.
      type: str
      sample: 0a1b2c-5.14.0-503.el9.x86_64
    before:
      description: The words of its command line before.
      type: list
      elements: str
      sample: [root=/dev/vda1, ro]
    after:
      description: The words of its command line now, or as they would be.
      type: list
      elements: str
      sample: [root=/dev/vda1, ro, user_namespace.enable=1]
files:
  description: Paths of the files whose content changed.
  returned: success
  type: list
  elements: str
  sample: [/boot/loader/entries/0a1b2c-5.14.0-503.el9.x86_64.conf, /etc/default/grub]
reboot_required:
  description:
    - Whether the running kernel's arguments differ from what is asked for. Always V(false) in the build of an image.
  returned: success
  type: bool
  sample: true
running:
  description: The words of C(/proc/cmdline) that have a name that is asked for.
  returned: success
  type: list
  elements: str
  sample: []
transaction:
  description: The transaction that keeps the ledger's previous version, null where the ledger did not change.
  returned: success
  type: str
  sample: 20261122T101500Z-kernel_args
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.containment.docker.plugins.module_utils import (
    _files,
    _host_probe,
    _kernel_boot,
    _kernel_bootc,
    _kernel_cmdline,
    _kernel_entries,
    _kernel_ledger,
    _kernel_loaders,
    _kernel_mkconfig,
    _kernel_request,
    _transaction,
)
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError, told


def ledger_after(ledger, loader, plan, wanted):
    """Return the ledger's bytes once the plan is carried out.

    Raises ContainmentError where a value that a name has now could not be asked for on the way back.
    """
    changes = []
    for want in wanted.values():
        was, spelled = _kernel_entries.was(plan.before, want.name)
        now, _spelled = _kernel_entries.was(plan.after, want.name)
        if now != was:
            _kernel_request.refuse_lost(spelled or want.spelled, was, loader.CARRIES_QUOTES)
            if want.name in _kernel_request.PAIRED:
                for one in plan.before:
                    _kernel_request.refuse_unpaired(one.words)
        changes.append(_kernel_ledger.Line(want.name, spelled or want.spelled, was, now))
    return _kernel_ledger.update(ledger.data, changes, ledger.path)


def show(plan):
    """Return the diff: files that the module writes, and the arguments of each entry."""
    found = []
    for file, data in plan.writes:
        after = _kernel_boot.text_of(file._replace(data=data))
        found.append((file.path, _kernel_boot.text_of(file), after))
    if plan.before != plan.after:
        found.append(("boot entries", _kernel_entries.shown(plan.before), _kernel_entries.shown(plan.after)))
    return [
        {"before_header": name, "after_header": name, "before": before, "after": after} for name, before, after in found
    ]


def change(module, loader, state, plan, wanted):
    """Carry the plan out; return (entries as they are now, paths that changed, warnings)."""
    with _kernel_boot.restoring(plan.guarded):
        warnings = loader.apply(state, plan, wanted)
        for file, _data in plan.writes:
            if file.data is None:
                module.set_default_selinux_context(file.path, False)
        now = loader.entries(loader.read())
        _kernel_entries.compare(plan, now, wanted)
        files = [file.path for file in plan.guarded if _kernel_boot.read(file.path).data != file.data]
        _kernel_boot.sync(files)
    return now, files, warnings


def is_back(loader, plan):
    """Tell whether the boot files say what they said before."""
    try:
        return loader.entries(loader.read()) == plan.before and all(
            _kernel_boot.read(file.path).data == file.data for file in plan.guarded
        )
    except ContainmentError:
        return False


def run(module):
    """Do what the parameters ask for and return the result."""
    params = module.params
    wanted = _kernel_request.wants(params["present"], params["absent"])
    name = params["transaction"] or _transaction.default_name("kernel_args")
    loader = _kernel_loaders.detect()
    recorded = params["record"] and loader is not _kernel_bootc
    if recorded:
        _transaction.check_usable(name)
    state = loader.read()
    plan = loader.plan(state, wanted)
    for old, new in zip(plan.before, plan.after):
        _kernel_request.refuse_loss(wanted, old.words)
        _kernel_request.refuse_disorder(wanted, old.words, new.words)
    if loader is not _kernel_mkconfig:  # Which sees to it itself: entries for recovery get other arguments.
        _kernel_entries.refuse_unreached(plan, wanted)
    _kernel_entries.refuse_long(plan)
    changed = bool(plan.steps or plan.writes)
    ledger = _kernel_boot.read(_kernel_ledger.PATH)
    data = ledger_after(ledger, loader, plan, wanted) if changed and recorded else ledger.data
    guarded = {file.path: file for file in plan.guarded}
    for path in plan.files:
        _files.refuse_unwritable(guarded[path])

    after, files, warnings = plan.after, plan.files, list(plan.warnings)
    if changed and not module.check_mode:
        if data != ledger.data:
            _transaction.record(name, "kernel_args", ledger, data)
            kept = _files.replace(ledger, data, mode=0o600)
        try:
            after, files, told = change(module, loader, state, plan, wanted)
        except BaseException:
            if data != ledger.data and is_back(loader, plan):
                _files.replace(kept._replace(mode=ledger.mode or kept.mode), ledger.data, mode=0o600)
            raise
        warnings += told
    for warning in warnings:
        module.warn(warning)

    words = _kernel_cmdline.split(_host_probe.text("/proc/cmdline") or "")
    if loader is _kernel_bootc:
        words = []
    before = {one.entry: one.words for one in plan.before}
    return {
        "changed": changed,
        "boot_loader": loader.name(state),
        "kernels": [
            {"kernel": one.kernel, "entry": one.entry, "before": before.get(one.entry, []), "after": one.words}
            for one in after
        ],
        "files": sorted(set(files)),
        "reboot_required": loader is not _kernel_bootc
        and bool(_kernel_entries.unsatisfied(wanted, [words]) or _kernel_request.is_disordered(wanted, words, words)),
        "running": [word for want in wanted.values() for word in _kernel_cmdline.named(words, want.name)],
        "transaction": name if recorded and data != ledger.data and not module.check_mode else None,
        "diff": show(plan),
    }


def main():
    module = AnsibleModule(
        argument_spec={
            "present": {"type": "list", "elements": "str", "default": []},
            "absent": {"type": "list", "elements": "str", "default": []},
            "transaction": {"type": "str"},
            "record": {"type": "bool", "default": True},
        },
        supports_check_mode=True,
    )
    with told(module, "kernel_args"):
        result = run(module)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
