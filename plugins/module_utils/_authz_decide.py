# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a request is allowed, by which rule, and in which words it is refused. Pure."""

import collections
import functools

from ansible_collections.containment.docker.plugins.module_utils import (
    _authz_certificate,
    _authz_demand,
    _authz_envelope,
    _authz_names,
)
from ansible_collections.containment.docker.plugins.module_utils._authz_values import shown
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

ALLOW, DENY, REPORT = "allow", "deny", "report"
RUNS = ("container.start", "container.restart", "container.unpause")  # of a container that is there
UNTOLD = "cannot be told"
NOBODY = "this host's root"  # whom to ask where a policy names nobody
# verdict: ALLOW, DENY, or REPORT, which lets pass what is refused. rule: "role[number]" of the grant that allowed it;
# else what refused it: identity, request, or "default", since no grant covers it. reason: why it was refused, "" where
# it was allowed. principal: its name, "" for nobody. demand: None where the request cannot be told. tried: [(label of
# a grant, why it does not cover the request)]. serial: of the certificate, "" without one.
Decision = collections.namedtuple("Decision", "verdict rule reason principal demand tried serial")


@functools.lru_cache()  # of 128, each with its text
def _identity(pem):
    return _authz_certificate.identity(pem)


def identify(policy, message):
    """Return (the Principal, the serial number of its certificate or "") of a message.

    Raises ContainmentError for who is nobody in the policy, more than one, or revoked.
    """
    if not message.certificates:
        # An engine that does not ask for certificates tells of nobody, either: see docs/authz.md.
        found = [one for one in policy.principals if one.socket]
        if not found:
            raise ContainmentError("caller", "has no certificate", "connect with one (--tlsverify)")
        return found.pop(), ""
    its = _identity(message.certificates[0])
    for kind, text in (("serial", its.serial), ("key", its.key), ("cn", message.user)):
        if text in policy.revoked[kind]:
            raise ContainmentError(f"certificate {kind} {text}", "is revoked", "use another one")
    found = [one for one in policy.principals if _is(one, message.user, its)]
    if not found:
        raise ContainmentError(
            f"certificate of {message.user!a}, serial {its.serial}", "is nobody's in the policy", "use another one"
        )
    if len(found) > 1:
        names = " and ".join(one.name for one in found)
        raise ContainmentError(f"certificate of {message.user!a}", f"is that of {names}", "make them one")
    return found.pop(), its.serial


def _is(principal, user, its):
    if principal.socket:
        return False
    return (
        (principal.cn is None or principal.cn == user)
        and (not principal.serials or its.serial in principal.serials)
        and (not principal.keys or its.key in principal.keys)
    )


def decide(policy, message, world):
    """Return the Decision on a message. world: as of _authz_demand.read."""
    try:
        principal, serial = identify(policy, message)
    except ContainmentError as error:
        return Decision(DENY, "identity", _sentence(policy, str(error)), "", None, [], "")
    return decide_as(policy, principal, serial, message, world)


def decide_as(policy, principal, serial, message, world):
    """Return the Decision on a message of a Principal. serial: of its certificate."""
    try:
        demand = _authz_demand.read(message.method, message.uri, message.headers, message.body, world)
    except ContainmentError as error:
        return _refused(policy, principal, serial, "request", str(error), None, [])
    tried = []
    for role in principal.roles:
        for grant in role.grants:
            if demand.action not in grant.actions:
                continue
            reason = _uncovered(grant, demand, principal.name)
            if reason is None:
                return Decision(ALLOW, grant.label, "", principal.name, demand, tried, serial)
            tried.append((grant.label, reason))
    reason = _named(*tried[0]) if tried else f"no role of {principal.name} grants {demand.action}"
    return _refused(policy, principal, serial, "default", reason, demand, tried)


def _named(label, reason):
    """Return why a grant does not cover a request, with the grant's label."""
    return reason if label in reason else f"{label}: {reason}"


def _refused(policy, principal, serial, rule, reason, demand, tried):
    verdict = REPORT if any(role.report for role in principal.roles) else DENY
    text = _sentence(policy, f"{principal.name} may not: {reason}")
    return Decision(verdict, rule, text, principal.name, demand, tried, serial)


def _sentence(policy, text):
    return f"{text}{'' if text.endswith('.') else '.'} Ask {policy.contact or NOBODY}."


def _uncovered(grant, demand, principal):
    """Return why a grant does not cover a demand, None where it does."""
    try:
        for kind, things in demand.things.items():
            selectors = grant.selectors.get(kind, ())
            for thing in things:
                if "*" not in selectors and not _is_selected(kind, selectors, thing.found(), principal):
                    return f"{kind[:-1]} {_shown(thing)} is none of those that {grant.label} is on"
        if demand.exec is not None and demand.exec.principal != principal:
            return f"exec {demand.exec.id} was made by {demand.exec.principal}"
        if demand.envelope is not None:
            if grant.envelope is None:
                return f"{grant.label} has no envelope for it"
            everything = grant.envelope.everything
            container = demand.target.found() if demand.target is not None and not everything else None
            _authz_envelope.examine(grant.envelope, demand.envelope, demand.value, container)
    except ContainmentError as error:
        return f"{error.subject} {error.cause}; {error.mend}"
    return None


def _is_selected(kind, selectors, found, principal):
    if found is None:
        return False
    if kind == "containers" and found.owner == _authz_names.OWN:
        found = found._replace(owner=principal)  # It is about to make it.
    return any(_authz_names.selects(kind, one, found, principal) for one in selectors)


def _shown(thing):
    return shown(thing.text) or thing.unnamed


def privilege(demand):
    """Return why a request makes, runs, changes or enters a container with more than the unprivileged envelope, ""
    otherwise.

    Also where it cannot be told, which is said.
    """
    runs = demand is not None and demand.envelope is None and demand.action in RUNS
    if demand is None or (demand.envelope is None and not runs):
        return ""
    try:
        container = demand.target.found() if demand.target is not None else None
    except ContainmentError as error:
        # Whoever starts what is not there has run nothing, as far as can be told.
        return UNTOLD if runs else f"{error.subject} {error.cause}"
    try:
        kind = "inside" if runs else demand.envelope
        _authz_envelope.examine(_authz_envelope.NAMED["unprivileged"], kind, demand.value, container)
    except ContainmentError as error:
        return f"{error.subject} {error.cause}"
    return ""
