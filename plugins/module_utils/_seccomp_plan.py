# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes of a request for a seccomp profile: its text, what is wrong with it, what it says of calls. Pure but for
the library, which is handed in."""

import collections
import hashlib
import json
import re

from ansible_collections.containment.docker.plugins.module_utils import (
    _json_text,
    _seccomp_check,
    _seccomp_compare,
    _seccomp_compose,
    _seccomp_presets,
)
from ansible_collections.containment.docker.plugins.module_utils import _seccomp_profile as profiles
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

ENGINE = "engine"
LOG_FLAG = "SECCOMP_FILTER_FLAG_LOG"
# What a container has without cap_add and cap_drop (moby, oci/caps/defaults.go, 20.10 to 29).
DEFAULT_CAPS = frozenset(
    "CAP_" + name
    for name in (
        *("CHOWN", "DAC_OVERRIDE", "FSETID", "FOWNER", "MKNOD", "NET_RAW", "SETGID", "SETUID", "SETFCAP", "SETPCAP"),
        *("NET_BIND_SERVICE", "SYS_CHROOT", "KILL", "AUDIT_WRITE"),
    )
)
_CAPS = (frozenset(), DEFAULT_CAPS, frozenset(profiles.CAPABILITIES))
# Where a profile comes to run. native: the host's architecture. kernel: (major, minor). engine: _seccomp_check.Engine.
Where = collections.namedtuple("Where", "library kernel engine")
# What somebody wants to know of a profile: a name of a call, its arguments, an architecture and capabilities.
Question = collections.namedtuple("Question", "call args architecture caps")


def check_request(name, directory, base):
    """Raise ContainmentError for a name, a directory or a base that nothing can be made of."""
    if not re.match(r"[a-z0-9][a-z0-9_.-]{0,63}\Z", name):
        raise ContainmentError(
            "name", f"{name!r} is no name of a file", "use up to 64 lower-case letters, digits and . _ -"
        )
    if not directory.startswith("/"):
        raise ContainmentError("directory", f"{directory!r} is not an absolute path", "give it from / on")
    if base != ENGINE and base not in _seccomp_compose.BASES and not base.startswith("/"):
        known = ", ".join((ENGINE, *_seccomp_compose.BASES))
        raise ContainmentError("base", f"{base!r} is no base", f"use one of {known}, or the path of a profile")


def read(data, path, architecture):
    """Return the Profile in the bytes of a file. Raises ContainmentError, with line and column or the key's path."""
    return profiles.read(_json_text.value(_json_text.parse(data, path)), path, architecture)


def questions(given, native):
    """Return [Question] of [{"call", "args", "architecture", "caps"}]. Raises ContainmentError with the key's path."""
    found = []
    for number, one in enumerate(given):
        path = f"simulate[{number}]"
        for place, arg in enumerate(one["args"]):
            if not 0 <= arg < 2**64:
                raise ContainmentError(f"{path}.args[{place}]", f"{arg} is not within 0-{2**64 - 1}", "give such a one")
        if len(one["args"]) > 6:
            raise ContainmentError(f"{path}.args", f"has {len(one['args'])} entries", "give at most 6")
        architecture = one["architecture"] or native
        if architecture not in profiles.ARCHITECTURES:
            known = ", ".join(profiles.ARCHITECTURES)
            raise ContainmentError(f"{path}.architecture", f"{architecture!r} is none", f"use one of {known}")
        caps = DEFAULT_CAPS if one["caps"] is None else frozenset(one["caps"])
        for cap in sorted(caps - set(profiles.CAPABILITIES)):
            raise ContainmentError(f"{path}.caps", f"{cap!r} is no capability", "write it as in CAP_SYS_ADMIN")
        found.append(Question(one["call"], tuple(one["args"]), architecture, caps))
    return found


def make(base, overlays, library, log):
    """Return the Profile of a base and overlays, [_seccomp_compose.Overlay]. log: whether denials are logged."""
    made = _seccomp_compose.keep_unknown(base, _seccomp_compose.compose(base, overlays), library)
    if log and LOG_FLAG not in made.flags:
        made = made._replace(flags=(*made.flags, LOG_FLAG))
    return made


def origin(base, source, given, engines):
    """Return the _seccomp_check.Origin of a profile.

    base: a Profile, called `source`. given: overlays as people write them, the later of which count. engines: whether
    the base is the engine's own default.
    """
    names, comparisons, trusted = {}, {}, set()
    for place, rule in enumerate(base.rules):
        for name in rule.names:
            names.setdefault(name, f"{source}: syscalls[{place}]")
            for number, arg in enumerate(rule.args):
                comparisons.setdefault((name, arg), f"{source}: syscalls[{place}].args[{number}]")
    if engines:
        trusted.update(names)
    for place, one in enumerate(given):
        for key in ("allow", "deny"):
            names.update((name, f"overlays[{place}].{key}") for name in one.get(key) or ())
        for part in _seccomp_presets.PRESETS.get(one.get("preset"), ()):
            found = [name for key in ("allow", "deny") for name in part.get(key, ())]
            trusted.update(found)
            names.update((name, f"overlays[{place}].preset") for name in found)
    return _seccomp_check.Origin(names, comparisons, frozenset(trusted), engines)


def can_log(engine):
    """Whether an engine and its runtime log what a filter answers with an errno: from 23.0 and runc 1.2 on."""
    return engine.version >= (23, 0, 0) and LOG_FLAG in (engine.flags or ())


class Filters:
    """The filters of a Profile on a host, a Where; each is made once. A container's is told by its capabilities."""

    def __init__(self, profile, where):
        self.profile, self.where = profile, where
        self._made = {}

    def of(self, caps):
        """Return (the Profile without conditions, its _seccomp_check.Filter) for a frozenset of capabilities."""
        if caps not in self._made:
            host = profiles.Host(self.where.library.native(), caps, self.where.kernel)
            plain = profiles.resolve(self.profile, host)
            # Sets of capabilities that no rule tells apart have one.
            same = [one for one in self._made.values() if one[0] == plain]
            self._made[caps] = same[0] if same else (plain, _seccomp_check.make_filter(self.where.library, plain))
        return self._made[caps]

    def default(self):
        """Return the _seccomp_check.Filter of a container with the default capabilities."""
        return self.of(DEFAULT_CAPS)[1]


def findings(filters, no_new_privileges, come_from):
    """Return the _seccomp_check.Findings on Filters, for containers without, with the default and with all
    capabilities. come_from: the Origin."""
    found, seen = _seccomp_check.Findings([], []), []
    for caps in _CAPS:
        plain, made = filters.of(caps)
        if plain in seen:
            continue
        seen.append(plain)
        one = _seccomp_check.check(plain, made, filters.where.engine, no_new_privileges, come_from)
        for mine, theirs in zip(found, one):
            texts = {str(problem) for problem in mine}
            mine.extend(problem for problem in theirs if str(problem) not in texts)
    return found


def simulate(filters, asked):
    """Return what each Question of a list is answered: [{"call", "args", "architecture", "action", "errno"}], where
    action and errno are None for a call that the architecture has not."""
    found = []
    for one in asked:
        made = filters.of(one.caps)[1]
        action, errno = _seccomp_check.ask(made, one.call, one.architecture, one.args) or (None, None)
        found.append(
            {
                "call": one.call,
                "args": list(one.args),
                "architecture": one.architecture,
                "action": action,
                "errno": errno,
            }
        )
    return found


def families(filters):
    """Return {call: [families 0 to 63 that a container with the default capabilities may make a socket of, whatever it
    writes above the 32 bits that count]}."""
    made, native, found = filters.default(), filters.where.library.native(), {}
    for call in _seccomp_compose.FAMILY_CALLS:
        answers = {
            one: [_seccomp_check.ask(made, call, native, (one | high,)) for high in _seccomp_compare.HIGH]
            for one in range(_seccomp_compose.FAMILIES)
        }
        found[call] = [
            one
            for one, given in answers.items()
            if any(answer is not None and answer[0] in profiles.PERMISSIVE for answer in given)
        ]
    return found


def text(profile):
    """Return the bytes of a profile's file; the same profile gives the same bytes."""
    return (json.dumps(profiles.dump(profile), indent=2) + "\n").encode("utf-8")


def digest(data):
    return hashlib.sha256(data).hexdigest()


def path(directory, name, data):
    """Return the absolute path of a profile's file, which another content would not have."""
    return f"{directory.rstrip('/')}/{name}-{digest(data)[:16]}.json"
