# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""By which requests a plugin in force is tried: one that each principal may make and one that he may not, and those by
which engines have been passed. Pure.
"""

import collections

from ansible_collections.containment.docker.plugins.module_utils import (
    _authz_actions,
    _authz_decide,
    _authz_explain,
)
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

# principal: its name. request: as _authz_explain takes it. verdict: of the policy, as of _authz_decide.
Probe = collections.namedtuple("Probe", "principal request verdict")

API = "/v1.41"
# What anybody may be granted, and does nothing.
_HARMLESS = ("/_ping", "/version", "/info", "/containers/json", "/images/json", "/networks", "/volumes", "/system/df")
# What two readers could read differently: refused whoever asks.
TWICE = "/_ping?probe=1&probe=2"
NAME = "containment-probe"
ROOT = {"Image": NAME, "HostConfig": {"Privileged": True}}


def probes(policy, world):
    """Return the Probes of a policy: for each principal, one that is let pass and one that is not, as far as there are.

    world: as of _authz_demand.read.
    """
    found = []
    for principal in policy.principals:
        first = {}  # of those that are let pass, and of those that are not
        for request in _requests(principal):
            request = dict(request, principal=principal.name)
            verdict = _verdict(policy, request, world)
            first.setdefault(verdict == _authz_decide.DENY, Probe(principal.name, request, verdict))
            if len(first) == 2:
                break
        found += [first[one] for one in sorted(first)]
    return found


def _verdict(policy, request, world):
    return _authz_explain.explain(policy, request, world).verdict


def _requests(principal):
    """Yield requests, those first that say the least: what is harmless, what its grants name, what nobody may."""
    for path in _HARMLESS:
        yield {"method": "GET", "uri": API + path}
    for role in principal.roles:
        for grant in role.grants:
            for name in _names(grant, "containers"):
                for verb in ("start", "stop", "restart", "kill"):
                    yield {"method": "POST", "uri": f"{API}/containers/{name}/{verb}"}
                yield {"method": "GET", "uri": f"{API}/containers/{name}/json"}
            for image in _names(grant, "images"):
                yield {"method": "POST", "uri": f"{API}/containers/create", "body": {"Image": image}}
                yield {"method": "GET", "uri": f"{API}/images/{image}/json"}
    yield {"method": "POST", "uri": f"{API}/containers/create", "body": ROOT}
    yield {"method": "GET", "uri": API + TWICE}


def _names(grant, kind):
    return [one for one in grant.selectors.get(kind, ()) if not set(one) & set("*@: ")]


def judge(probe, answer):
    """Return the proof of a Probe: {"proof", "title", "expected", "observed", "passed"}.

    answer: of the plugin, {"verdict", "rule"}, or a sentence; None where it was not asked.
    """
    request = probe.request
    path = request["uri"].replace(API, "", 1)
    body = " of a privileged one" if request.get("body") is ROOT else ""
    may = "may not" if probe.verdict == _authz_decide.DENY else "may"
    told = isinstance(answer, dict)
    observed = f"{answer['verdict']} by {answer['rule']}" if told else answer
    return {
        "proof": f"authz-{probe.principal}-{probe.verdict}",
        "title": f"{probe.principal} {may} {request['method']} {path}{body}",
        "expected": probe.verdict,
        "observed": observed,
        "passed": told and answer["verdict"] == probe.verdict,
    }


def refuse_locked_out(policy):
    """Raise ContainmentError where whoever comes by the engine's own socket may not do everything.

    The roles of this collection come by it, and so does whoever has to mend a host.
    """
    principal = next((one for one in policy.principals if one.socket), None)
    if principal is None:
        raise ContainmentError(
            "authz_policy principals", f"has none with socket: true that may do everything, {_LOCKED}", _EVERYTHING
        )
    if any(role.report for role in principal.roles):
        return  # He is refused nothing.
    grants = [grant for role in principal.roles for grant in role.grants]
    for name, action in _authz_actions.ACTIONS.items():
        if not any(name in grant.actions and _is_whole(grant, action) for grant in grants):
            raise ContainmentError(
                f"authz_policy principal {principal.name}", f"may not do {name} with everything, {_LOCKED}", _EVERYTHING
            )


def _is_whole(grant, action):
    """Whether a grant covers every request for an action."""
    if action.envelope is not None and not (grant.envelope is not None and grant.envelope.everything):
        return False
    return all("*" in grant.selectors.get(kind, ()) for kind in action.objects)


_LOCKED = "so that this host's own root would be locked out"
_EVERYTHING = 'grant it actions, containers, images, networks and volumes ["*"] with the envelope privileged'
