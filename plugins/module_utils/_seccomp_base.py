# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The default profile of an engine, rebuilt from what containers with different capabilities got of it. Pure.

No engine tells its default. A runtime is handed what of it is left for the host and for a container's bounding set, so
that a rule which is there with a capability and not without is one that includes it.
"""

import collections

from ansible_collections.containment.docker.plugins.module_utils import _seccomp_profile as profiles
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError
from ansible_collections.containment.docker.plugins.module_utils._seccomp_profile import (
    ALWAYS,
    Conditions,
    Profile,
    Rule,
)


def rebuild(without, singles, full):
    """Return the Profile that gave these: with conditions on capabilities, as this host resolves all others.

    without: Profile of a container without any capability. singles: {capability: Profile of one with that alone}. full:
    Profile of one with all of those. Raises ContainmentError where rules depend on several capabilities at once.
    """
    for other in [full, *singles.values()]:
        if other._replace(rules=()) != without._replace(rules=()):
            raise ContainmentError(
                "the engine's default", "is not the same for all containers but for its rules", "name a file as base"
            )
    parts = {name: _parts(one) for name, one in singles.items()}
    always, everything = _parts(without), _parts(full)
    found = collections.OrderedDict()
    for part in [*always, *(part for name in profiles.CAPABILITIES for part in parts.get(name, ()))]:
        if part in found:
            continue
        if part in always:
            lost = tuple(name for name in profiles.CAPABILITIES if name in parts and part not in parts[name])
            found[part] = [(ALWAYS, Conditions(lost, (), None))]
        else:
            found[part] = [
                (Conditions((name,), (), None), ALWAYS) for name in profiles.CAPABILITIES if part in parts.get(name, ())
            ]
    _refuse_several(found, everything, frozenset(singles))
    return without._replace(rules=tuple(_grouped(found)))


def _parts(profile):
    """Return {(name, action, args): None} of a Profile without conditions, in the order of its rules."""
    return collections.OrderedDict(
        ((name, rule.action, rule.args), None) for rule in profile.rules for name in rule.names
    )


def _refuse_several(found, everything, caps):
    host = profiles.Host("", caps, (0, 0))
    told = profiles.resolve(Profile(None, (), (), tuple(_grouped(found))), host)
    differing = set(_parts(told)) ^ set(everything)
    if differing:
        names = sorted({name for name, _action, _args in differing})
        raise ContainmentError(
            "the engine's default",
            f"says something of {', '.join(names[:5])} that depends on several capabilities at once",
            "name a file as base",
        )


def _grouped(found):
    """Yield a Rule for all names that have the same said of them under the same conditions."""
    groups = collections.OrderedDict()
    for (name, action, args), conditions in found.items():
        for includes, excludes in conditions:
            groups.setdefault((action, args, includes, excludes), []).append(name)
    for (action, args, includes, excludes), names in groups.items():
        yield Rule(tuple(names), action, args, includes, excludes)
