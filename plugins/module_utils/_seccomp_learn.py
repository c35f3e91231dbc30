# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From what containers called to the smallest profile under which they can do the same. Pure but for the library."""

import collections
import json
import re

from ansible_collections.containment.docker.plugins.module_utils import _seccomp_bpf, _seccomp_presets, _seccomp_state
from ansible_collections.containment.docker.plugins.module_utils import _seccomp_profile as profiles
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

_RUNTIME = "runc:["  # Threads of runc call themselves so until they become the program (libcontainer/nsenter).
MAX_SECONDS = 24 * 3600
CHECKED = "check:"  # in front of the names of containers in that of a job that check mode did not begin
_PROGRAMS = 8  # of a call that are told

# What a container did. counts: {(arch, number, program): how often}. arch, number: as of _audit_record.Record.
Seen = collections.namedtuple("Seen", "counts")


def seen():
    return Seen(collections.Counter())


def dump(seen_):
    """Return what JSON is made of from what was Seen: [[arch, number, program, count]]."""
    return [[*key, count] for key, count in seen_.counts.items()]


def load(value):
    """Return the Seen that `dump` told."""
    return Seen(collections.Counter({tuple(key): count for *key, count in value}))


def is_runtimes(record):
    """Whether a Record is of the runtime, before it became the container's program."""
    return record.comm.startswith(_RUNTIME)


def add(seen_, record, count=1):
    """Count a Record of a container: what it did, not what was refused to it."""
    if record.action == profiles.LOG and not is_runtimes(record):
        seen_.counts[(record.arch, record.number, record.exe or record.comm)] += count


def logs(inspect):
    """Whether a container's own profile logs calls that it lets pass. inspect: answer of GET /containers/ID/json."""
    for text in (inspect.get("HostConfig") or {}).get("SecurityOpt") or []:
        if text[:8] in ("seccomp=", "seccomp:"):
            profile = _seccomp_state.parse(text[8:].encode("utf-8")) or {}
            rules = profile.get("syscalls") or []
            return profiles.LOG in json.dumps([profile.get("defaultAction"), [one.get("action") for one in rules]])
    return False


def no_new_privileges(inspect):
    """Whether a container was made with no-new-privileges."""
    options = (inspect.get("HostConfig") or {}).get("SecurityOpt") or []
    return any(text in ("no-new-privileges", "no-new-privileges=true", "no-new-privileges:true") for text in options)


def proposal(seen_, supposed, library, without_privileges):
    """Return {"overlays", "calls", "supposed", "unnamed"} of what was Seen of a container, and of what may be its own.

    without_privileges: whether it has no-new-privileges. overlays: for the base `deny`, none where nothing was seen.
    calls: [{"call", "architecture", "count", "programs"}], the most frequent first. unnamed: [{"number",
    "architecture", "count"}] of calls that the host's libseccomp has no name of, and no profile can let through.
    supposed: as calls, those that are in no overlay.
    """
    calls, unnamed = _named(seen_, library)
    overlays = _overlays({(one["call"], one["architecture"]) for one in calls}, library.native(), without_privileges)
    allowed = {name for one in _seccomp_presets.PRESETS[overlays[0]["preset"]] for name in one.get("allow", ())}
    known = {(one["call"], one["architecture"]) for one in calls} | {(name, library.native()) for name in allowed}
    more, _unnamed = _named(supposed, library)
    return {
        "overlays": overlays if calls else [],
        "calls": calls,
        "supposed": [one for one in more if (one["call"], one["architecture"]) not in known],
        "unnamed": unnamed,
    }


def _named(seen_, library):
    """Return (calls, unnamed) as of `proposal`."""
    calls, unnamed = collections.OrderedDict(), collections.OrderedDict()
    for (arch, number, program), count in seen_.counts.most_common():
        name, architecture = name_of(arch, number, library)
        if name is None:
            key = (number, architecture or f"0x{arch:08x}")
            unnamed[key] = unnamed.get(key, 0) + count
        else:
            entry = calls.setdefault((name, architecture), [0, []])
            entry[0] += count
            entry[1].append(program)
    told = [
        {"call": name, "architecture": architecture, "count": count, "programs": sorted(set(programs))[:_PROGRAMS]}
        for (name, architecture), (count, programs) in calls.items()
    ]
    return sorted(told, key=lambda one: (-one["count"], one["call"])), [
        {"number": number, "architecture": arch, "count": count} for (number, arch), count in unnamed.items()
    ]


def name_of(arch, number, library):
    """Return (name, architecture) of an AUDIT_ARCH_ number and a call's; None for what no profile knows."""
    place = arch, bool(number & _seccomp_bpf.X32) and arch == library.audit("SCMP_ARCH_X86_64")
    architecture = next((one for one in profiles.ARCHITECTURES if library.place(one) == place), None)
    return None if architecture is None else library.name(number, architecture), architecture


def _overlays(calls, native, without_privileges):
    preset = "runtime-no-new-privileges" if without_privileges else "runtime"
    allowed = {name for one in _seccomp_presets.PRESETS[preset] for name in one.get("allow", ())}
    found = [{"preset": preset}]
    foreign = sorted({architecture for _name, architecture in calls} - {native})
    if foreign:
        found.append({"architectures": [native, *foreign]})
    names = sorted({name for name, _architecture_ in calls} - allowed)
    if names:
        found.append({"allow": names})
    return found


def warnings(heard, supposed, silent, lost, unattributed):
    """Return sentences on what may be missing in proposals.

    heard: {name: as `dump` returns}. supposed: {name: as of `proposal`}. silent: names of containers that log nothing
    by the end. lost, unattributed: counts of records. Raises ContainmentError where nothing was heard at all.
    """
    found = []
    for name, counts in heard.items():
        if not counts:
            cause = "has a profile that logs nothing" if name in silent else "no call of it was heard"
            mend = "see that the name is right, and that it runs with security_opt seccomp=PATH of a profile that logs"
            found.append(ContainmentError(f"container {name}", cause, mend))
    if found and len(found) == len(heard):
        raise found[0]
    for name, calls in supposed.items():
        if calls:
            cause = (
                f"may have made {', '.join(one['call'] for one in calls)} as well, by processes that were gone at once"
            )
            mend = "see by the programs in supposed whether they are its own, and add an overlay that allows those"
            found.append(ContainmentError(f"container {name}", cause, mend))
    if lost or unattributed:
        found.append(
            ContainmentError(
                "the proposal",
                f"may lack calls: {lost} records or more were dropped, and {unattributed} are of processes that were "
                "gone at once",
                "listen again, and try the profile with the service itself",
            )
        )
    return [str(one) for one in found]


def checked(job):
    """Return the names of the containers of a job that check mode did not begin, none for any other."""
    return job[len(CHECKED) :].split(",") if job.startswith(CHECKED) else []


def check_request(names, seconds):
    """Raise ContainmentError for what nothing can be learned from."""
    if not names:
        raise ContainmentError("containers", "is empty", "name at least one")
    if len(set(names)) < len(names):
        raise ContainmentError("containers", "names one twice", "name each once")
    if not 1 <= seconds <= MAX_SECONDS:
        raise ContainmentError("seconds", f"{seconds} is not within 1-{MAX_SECONDS}", "give a number in that range")
    for name in names:
        if not re.match(r"[a-zA-Z0-9][a-zA-Z0-9_.-]*\Z", name):
            raise ContainmentError("containers", f"{name!r} is no name of a container", "give it as docker ps does")
