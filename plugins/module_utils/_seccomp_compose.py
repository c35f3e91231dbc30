# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Seccomp profiles made from a base and overlays. Pure.

An overlay has one meaning: what it names is, afterwards, as it says, whatever the base and earlier overlays said of it,
with whatever arguments and capabilities; everything else is as it was. A rule that is merely added has no such meaning:
of two rules without arguments for one call libseccomp heeds the first, one without arguments takes precedence over all
with, and a runtime leaves out those whose action is the default one (runc, libcontainer/seccomp; libseccomp 2.5, db.c).
So a call that is named is taken out of every other rule, and families of sockets are told apart one by one.
"""

import collections
import errno

from ansible_collections.containment.docker.plugins.module_utils import _seccomp_presets
from ansible_collections.containment.docker.plugins.module_utils import _seccomp_profile as profiles
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError
from ansible_collections.containment.docker.plugins.module_utils._seccomp_profile import ALWAYS, Arg, Profile, Rule

BASES = ("allow", "deny", "log")
# What a call that is denied does: the caller gets an errno, its process is killed, or the call is made and logged.
DENIALS = {"errno": profiles.ERRNO, "kill": profiles.KILL_PROCESS, "log": profiles.LOG}
FAMILIES = 64  # AF_MAX is 46 (Linux 6.12, include/linux/socket.h); of what is above, the base's default action is told
FAMILY_CALLS = ("socket", "socketpair")
# From this number on, of Linux 5.1, calls have the same one everywhere, and programs try them and do without.
NEW = 424
MASK = 0xFFFFFFFF  # A family is an int: the kernel drops the upper half of the register, and seccomp compares it.
_ARGS = 6  # as many comparisons does a rule have at most

# One thing that an overlay says. kind: "allow" or "deny" of calls, "families" or "architectures". names: of calls, or
# families as numbers, or architectures. action: an Action, None for architectures.
Overlay = collections.namedtuple("Overlay", "kind names action")

_KEYS = ("preset", "allow", "deny", "allow_families", "deny_families", "architectures", "action", "errno")
_ACTS = _KEYS[:6]


def base(name, architectures):
    """Return a Profile of BASES that says nothing but its default action."""
    default = {"allow": profiles.ALLOW, "deny": profiles.ERRNO, "log": profiles.LOG}[name]
    return Profile(profiles.make_action(default), tuple(architectures), (), ())


def overlays(given, architecture):
    """Return [Overlay] of what somebody wrote: [{one of _ACTS: its value, "action": of DENIALS, "errno": number}].

    architecture: the host's, for "native". Raises ContainmentError, which names the key's path.
    """
    found = []
    for number, one in enumerate(given):
        found += _overlay(one, f"overlays[{number}]", architecture)
    return found


def _overlay(one, path, architecture):
    if not isinstance(one, dict):
        raise ContainmentError(path, f"{one!r} is no overlay", f"write it as one of {', '.join(_ACTS)} with a value")
    one = {key: value for key, value in one.items() if value is not None}
    for key in one:
        if key not in _KEYS:
            raise ContainmentError(f"{path}.{key}", "is no key of an overlay", f"use one of {', '.join(_KEYS)}")
    acts = [key for key in _ACTS if key in one]
    if len(acts) != 1:
        cause = f"says {' and '.join(acts)}" if acts else "says nothing"
        raise ContainmentError(path, cause, f"give one of {', '.join(_ACTS)}, and more overlays for more")
    (act,) = acts
    if act not in ("deny", "deny_families"):
        for key in ("action", "errno"):
            if key in one:
                raise ContainmentError(f"{path}.{key}", f"has no meaning with {act}", "remove it")
    value, where = one[act], f"{path}.{act}"
    if act == "preset":
        return overlays(_preset(value, where), architecture)
    if act == "architectures":
        return [Overlay(act, _architectures(value, where, architecture), None)]
    families = act.endswith("families")
    names = _families(value, where) if families else _calls(value, where)
    if act.startswith("allow"):
        return [Overlay("families" if families else act, names, profiles.make_action(profiles.ALLOW))]
    return [Overlay("families" if families else act, names, _denial(one, path, families))]


def _preset(value, path):
    if value not in _seccomp_presets.PRESETS:
        known = ", ".join(sorted(_seccomp_presets.PRESETS))
        raise ContainmentError(path, f"{value!r} is no preset", f"use one of {known}")
    return _seccomp_presets.PRESETS[value]


def _listed(value, path):
    if not isinstance(value, (list, tuple)) or not value:
        raise ContainmentError(path, f"{value!r} is no list of anything", "give a list with at least one entry")
    return value


def _calls(value, path):
    for number, name in enumerate(_listed(value, path)):
        if not isinstance(name, str) or not name.replace("_", "a").isalnum() or name != name.lower():
            raise ContainmentError(f"{path}[{number}]", f"{name!r} is no name of a call", "write it as in syscalls(2)")
    return tuple(sorted(set(value)))


def _families(value, path):
    for number, one in enumerate(_listed(value, path)):
        if isinstance(one, bool) or not isinstance(one, int) or not 0 <= one < FAMILIES:
            raise ContainmentError(
                f"{path}[{number}]",
                f"{one!r} is no number within 0-{FAMILIES - 1}",
                "give the number of an AF_ constant",
            )
    return tuple(sorted(set(value)))


def _architectures(value, path, architecture):
    if value == "native":
        return (architecture,)
    for number, one in enumerate(_listed(value, path)):
        if one not in profiles.ARCHITECTURES:
            known = ", ".join(profiles.ARCHITECTURES)
            raise ContainmentError(f"{path}[{number}]", f"{one!r} is no architecture", f"use native, or of {known}")
    if architecture not in value:
        raise ContainmentError(path, f"lacks {architecture}, the host's own", "add it: its calls are filtered anyway")
    return tuple([architecture] + [one for one in value if one != architecture])


def _denial(one, path, families):
    action, number = one.get("action", "errno"), one.get("errno")
    if action not in DENIALS:
        raise ContainmentError(f"{path}.action", f"{action!r} is no denial", f"use one of {', '.join(DENIALS)}")
    if number is None:
        return profiles.make_action(DENIALS[action], errno.EAFNOSUPPORT if families and action == "errno" else None)
    if action != "errno":
        raise ContainmentError(f"{path}.errno", f"has no meaning with {action}", "remove it")
    if isinstance(number, bool) or not isinstance(number, int) or not 1 <= number <= profiles.MAX_ERRNO:
        raise ContainmentError(
            f"{path}.errno", f"{number!r} is not within 1-{profiles.MAX_ERRNO}", "give a number of errno(3)"
        )
    return profiles.make_action(profiles.ERRNO, number)


def compose(profile, overlays_):
    """Return the Profile that overlays, [Overlay], make of one."""
    for overlay in overlays_:
        if overlay.kind == "architectures":
            profile = profile._replace(architectures=overlay.names)
        elif overlay.kind == "families":
            profile = profile._replace(rules=_with_families(profile, overlay))
        else:
            rules = _without(profile.rules, set(overlay.names))
            profile = profile._replace(rules=(*rules, Rule(overlay.names, overlay.action, (), ALWAYS, ALWAYS)))
    return profile


def keep_unknown(before, after, library):
    """Return the Profile `after` with a rule by which calls that are new to the profile `before` stay so.

    A runtime answers ENOSYS to calls above the highest one that is named (runc 1.0-rc93 on), so that an overlay which
    names a newer one would make errors of those between. To a profile that names none, calls from NEW on are new.
    library: a _seccomp_library.Library.
    """
    # With a capability the base may know newer ones; without it these are new.
    always = [rule for rule in before.rules if (rule.includes, rule.excludes) == (ALWAYS, ALWAYS)]
    old, new = library.highest(before._replace(rules=tuple(always))), library.highest(after)
    if not before.rules:  # x32 has calls of its own above all others.
        old = {(arch, x32): NEW - 1 for arch, x32 in new if not x32}
    named, found = {name for rule in after.rules for name in rule.names}, set()
    for architecture in after.architectures:
        key = library.place(architecture)
        if key in old and key in new:
            names = [library.name(number, architecture) for number in range(old[key] + 1, new[key])]
            found.update(name for name in names if name is not None and name not in named)
    # A rule is for all architectures, and what is new to one of them may not be so to another.
    for architecture in after.architectures:
        last = old.get(library.place(architecture))
        numbers = {name: library.number(name, architecture) for name in found}
        found = {name for name in found if None in (numbers[name], last) or numbers[name] > last}
    if not found:
        return after
    action = profiles.make_action(profiles.ERRNO, errno.ENOSYS)
    return after._replace(rules=(*after.rules, Rule(tuple(sorted(found)), action, (), ALWAYS, ALWAYS)))


def _without(rules, names):
    """Return rules that do not name these calls."""
    left = []
    for rule in rules:
        kept = tuple(name for name in rule.names if name not in names)
        if kept:
            left.append(rule._replace(names=kept))
    return left


def _with_families(profile, overlay):
    """Return the rules of a profile with one for each family in place of those for calls that make sockets."""
    rules, tables = _without(profile.rules, set(FAMILY_CALLS)), collections.OrderedDict()
    for name in FAMILY_CALLS:
        entries = _entries(profile.rules, name)
        conditional = any(
            family is None and not rest and (includes, excludes) != (ALWAYS, ALWAYS)
            for family, rest, _action, includes, excludes in entries
        )
        if conditional and len(entries) > 1:
            cause = (
                f"the base says of {name} without arguments what depends on capabilities, and something else besides"
            )
            raise ContainmentError(
                "overlays", cause, f"put an overlay allow: [{name}] or deny: [{name}] before this one"
            )
        for family in range(FAMILIES):
            said = tuple(entry[1:] for entry in entries if entry[0] is None or profiles.holds(entry[0], family))
            if family in overlay.names:
                said = (((), overlay.action, ALWAYS, ALWAYS),)
            for one in said:
                tables.setdefault(one, collections.OrderedDict()).setdefault(name, []).append(family)
    merged = collections.OrderedDict()
    for (rest, action, includes, excludes), calls in tables.items():
        for name, families in calls.items():
            merged.setdefault((tuple(families), rest, action, includes, excludes), []).append(name)
    for (families, rest, action, includes, excludes), names in merged.items():
        if action == profile.default and not rest:
            continue
        for args in _one_by_one(families, rest):
            rules.append(Rule(tuple(names), action, args, includes, excludes))
    return tuple(rules)


def _entries(rules, name):
    """Return [(comparison of the family, None for any, other comparisons, action, includes, excludes)] of a call."""
    found = []
    for rule in rules:
        if name not in rule.names:
            continue
        if not rule.args and (rule.includes, rule.excludes) == (ALWAYS, ALWAYS):
            # It takes precedence over all with arguments, and of those without the first one does.
            plain = [one for one in found if one[:2] == (None, ())]
            return [*plain, (None, (), rule.action, ALWAYS, ALWAYS)]
        for args in profiles.alternatives(rule.args):
            first = [arg for arg in args if arg.index == 0]
            rest = tuple(arg for arg in args if arg.index)
            found.append((first[0] if first else None, rest, rule.action, rule.includes, rule.excludes))
    return found


def _one_by_one(families, rest):
    """Yield the arguments of rules for these families: as many alternatives in each as one can have."""
    compared = [Arg(0, profiles.MASKED_EQ, MASK, family) for family in families]
    if rest:
        for one in compared:
            yield (one, *rest)
    else:
        for start in range(0, len(compared), _ARGS):
            yield tuple(compared[start : start + _ARGS])
