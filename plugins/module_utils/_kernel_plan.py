# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a kernel needs before an engine can remap: nothing where user namespaces can be made. Pure.

`host` is the result of engine_info everywhere. What a kernel needs goes by a real attempt, never by its release alone:
the release only tells which argument may help where the attempt failed.
"""

import re

from ansible_collections.containment.docker.plugins.module_utils import _kernel_cmdline as cmdline

MAX_USER_NAMESPACES = "user.max_user_namespaces"
# Enterprise Linux 7 by the build number of its 3.10.0 kernels: 7.3 has 514, 7.4 has 693, 7.5 has 862, 7.6 has 957.
EL7 = re.compile(r"3\.10\.0-([0-9]{1,5})\b.*\.el7")
BEFORE_7_4, BEFORE_7_6 = 693, 957


def plan(host, args=(), max_user_namespaces=15000):
    """Return what the host's kernel is to be given: {"args", "sysctl", "mends", "refusals"}.

    args: the wanted kernel arguments, a list of "NAME" or "NAME=VALUE" or one string as on a command line. Those that
    an unfinished run set and those that user namespaces need are added. sysctl: {name: value}. mends: whether what is
    given is to take effect before the engine is touched. refusals: [text].
    """
    kernel = host["kernel"]
    wanted = cmdline.split(args) if isinstance(args, str) else list(args)
    names = {cmdline.name_of(word) for word in wanted}
    wanted += [word for word in kernel["args_pending"] if cmdline.name_of(word) not in names]
    sysctl, refusals, needed = {}, [], None
    if max_user_namespaces < 1:
        refusals.append(
            f"kernel_max_user_namespaces: {max_user_namespaces} would forbid user namespaces; give a number above 0."
        )
    passing = [] if kernel["user_namespaces"] else _passing(kernel)
    if passing:
        refusals += passing
    elif not kernel["user_namespaces"]:
        if kernel["max_user_namespaces"] == 0:
            sysctl[MAX_USER_NAMESPACES] = max_user_namespaces
        needed = _argument(kernel)
        if needed is not None:
            refusals += _contradictions(needed, wanted)
            if needed not in wanted:
                wanted.append(needed)
        if not sysctl and (needed is None or needed in kernel["cmdline"]):
            refusals.append(_helpless(kernel, needed))
    mends = bool(sysctl or needed or kernel["args_pending"])
    return {"args": wanted, "sysctl": sysctl, "mends": mends, "refusals": refusals}


def _passing(kernel):
    """Return [text] where the attempt failed for what may be over soon: no setting would mend that."""
    error = kernel["user_namespaces_error"]
    if error.startswith("time:"):
        return [f"kernel: the attempt to make a user namespace got no answer ({error}); see how busy the host is."]
    if kernel["max_user_namespaces"] and error.endswith("No space left on device"):
        return [
            f"{MAX_USER_NAMESPACES}: all {kernel['max_user_namespaces']} are in use or nested too deep ({error}); "
            "raise it, or end what uses them."
        ]
    return []


def _argument(kernel):
    """Return the argument with which this kernel makes user namespaces, None where none is known."""
    match = EL7.match(kernel["release"])
    if match is None:
        return None
    build = int(match.group(1))
    if build < BEFORE_7_4:
        return "user_namespace.enable=1"
    if build < BEFORE_7_6:
        return "namespace.unpriv_enable=1"
    # From 7.6 on the sysctl is reported to do; where it is set and does not, the argument of 7.3 is left to try.
    return "user_namespace.enable=1" if kernel["max_user_namespaces"] != 0 else None


def _contradictions(needed, wanted):
    name = cmdline.name_of(needed)
    return [
        f"kernel_args: {one} contradicts {needed}, without which this kernel makes no user namespaces; take it out."
        for one in wanted
        if one != needed and cmdline.name_of(one) == name
    ]


def _helpless(kernel, needed):
    release, error = kernel["release"], kernel["user_namespaces_error"]
    if kernel["max_user_namespaces"] is None and needed is None:
        return f"kernel: {release} knows no user namespaces ({error}); install one that is built with CONFIG_USER_NS."
    if needed is not None:
        return (
            f"kernel: {release} was started with {needed} and makes no user namespaces all the same ({error}); "
            "install a newer one."
        )
    return (
        f"kernel: {release} makes no user namespaces ({error}), and no argument is known that would mend it; "
        "see its log and what confines this process."
    )


def told(planned, sysctl, boot, reboot_ok=False, local=False):
    """Return what a run is about to do to a host's kernel settings, in words: [text].

    planned: as plan() returns it. sysctl, boot: results of kernel_sysctl and kernel_args, empty where they had nothing
    to do. reboot_ok: whether the host may be rebooted. local: whether it is the machine that the playbook runs on,
    which cannot be rebooted from there.
    """
    found = [_conflict(one) for one in sysctl.get("conflicts", [])]
    if boot.get("reboot_required"):
        wanted = " ".join(planned["args"])
        found.append(f"kernel: it has to be started with {wanted}; {_reboot_sentence(reboot_ok, local)}")
    return found


def _conflict(one):
    path, line, name, value = (one[key] for key in ("path", "line", "name", "value"))
    does = f"has systemd-sysctl leave {name} alone" if value is None else f"sets {name} to {value}"
    if one["wins"]:
        mend = "which is read after what is set here; take that line out, or it counts after the next boot."
    else:
        mend = "which is overridden from now on; take that line out where it is not wanted any more."
    return f"{path}, line {line}: {does}, {mend}"


def _reboot_sentence(reboot_ok, local):
    if local:
        return "this is the machine that the playbook runs on: reboot it by hand, then run again."
    if not reboot_ok:
        return "set kernel_reboot_ok: true to have the host rebooted, or reboot it by hand, then run again."
    return "the host is rebooted for it."
