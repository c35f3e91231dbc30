# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A policy as Open Policy Agent takes it: one program in Rego, the same for all, and data. Pure.

docs/authz-opa.md says what it refuses that the plugin allows. A policy of which OPA cannot be told enough is not
rendered: what it says would be refused for ever, or its revocations would not count.
"""

import re

from ansible_collections.containment.docker.plugins.module_utils import (
    _authz_actions,
    _authz_binds,
    _authz_demand,
    _authz_fields,
    _authz_json,
    _authz_names,
    _authz_rego_demand,
    _authz_rego_envelope,
    _authz_rego_names,
    _authz_rego_rules,
    _authz_rego_text,
    _authz_request,
    _authz_routes,
    _authz_rules,
)
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

PROGRAM = "".join(
    part.TEXT
    for part in (
        _authz_rego_text,
        _authz_rego_names,
        _authz_rego_demand,
        _authz_rego_envelope,
        _authz_rego_rules,
    )
)
_EXECS = {action for _method, path, action, _query in _authz_routes.ROUTES if "{exec}" in path}
# Actions of which OPA is told too little: an exec has an id alone, and a body that is a list is an error to
# opa-docker-authz.
UNTOLD = sorted(_EXECS | {name for name, action in _authz_actions.ACTIONS.items() if action.body == "list"})
# Kinds of envelopes that look at a container which is there.
_INSIDE = ("inside", "exec", "update", "commit")
# What means something in a pattern; re.escape takes more, and others in each Python.
_META = re.compile(r"[-.+?()\[\]{}^$|\\]")
# Whose bodies an envelope or a selector looks into.
_COUNTED = ("container.create", "network.connect", "network.create", "network.disconnect", "volume.create")
# How much longer a body may be than the shortest way to write it; less than any field with fields of its own takes.
_SPARED = 15
# The fields that are lists or objects to the API, of those of which the tables do not say so (moby, api/types).
_EMPTIED = (
    *("Binds", "CapAdd", "CapDrop", "Config", "DeviceCgroupRules", "DeviceRequests", "Devices", "DriverOpts"),
    *("MaskedPaths", "Mounts", "Options", "PortBindings", "ReadonlyPaths", "SecurityOpt", "StorageOpt", "Sysctls"),
    *("Tmpfs", "VolumesFrom"),
)
# The fields that _authz_demand looks up whatever the envelope, by the object that has them.
_LOOKED_UP = {
    "create": ("HostConfig", "Labels", "Image", "NetworkingConfig"),
    "host": ("Binds", "Mounts", "VolumesFrom", "Links", *_authz_demand.MODES),
    "mount": ("Type", "Source"),
    "networking": ("EndpointsConfig",),
    "endpoint": ("NetworkID", "Links"),
    "exec": ("Container",),
    "named": ("Name",),
    "connect": ("Container", "EndpointConfig"),
    "disconnect": ("Container",),
}


def render(policy):
    """Return (the program in Rego, the data, a dict as a bundle's data.json has it) of a _authz_policy.Policy.

    The decision is data.docker.authz.allow. Raises ContainmentError for a policy of which OPA cannot be told enough.
    """
    for kind in ("serial", "key"):
        if policy.revoked[kind]:
            raise _untold("revoked", f"{kind} {min(policy.revoked[kind])}", "a common name alone", "revoke the cn")
    grants, sockets, certified = {}, [], {}
    envelopes = {}
    for principal in policy.principals:
        _check_principal(principal)
        labels = []
        for grant in (grant for role in principal.roles for grant in role.grants):
            _check_grant(grant)
            labels.append(grant.label)
            grants[grant.label] = _grant(grant)
            if grant.envelope is not None:
                envelopes[grant.envelope.name] = {
                    "everything": grant.envelope.everything,
                    "options": grant.envelope.options,
                }
        if principal.socket:
            sockets = labels
        elif principal.cn not in policy.revoked["cn"]:
            certified[principal.cn] = labels
    data = dict(_TABLES, grants=grants, envelopes=envelopes, socket=sockets, certified=certified, policy=policy.digest)
    return PROGRAM, {"containment": data}


def _untold(subject, value, told, mend):
    return ContainmentError(subject, f"{value} is more than OPA is told, which is {told}", mend)


def _check_principal(principal):
    subject = f"principal {principal.name}"
    for kind, found in (("serials", principal.serials), ("keys", principal.keys)):
        if found:
            raise _untold(f"{subject} {kind}", min(found), "a common name alone", "give a cn and nothing else")
    for role in principal.roles:
        if role.report:
            raise _untold(
                f"role {role.name} mode", "report", "to allow or to refuse", "write enforce, or take the role from all"
            )


def _check_grant(grant):
    actions = sorted(grant.actions)
    envelope, everything = grant.envelope, grant.envelope is not None and grant.envelope.everything
    if not (everything and grant.actions == frozenset(_authz_actions.ACTIONS)):
        for one in actions:
            if one in UNTOLD:
                raise _untold(f"{grant.label} actions", one, "neither ids of execs nor lists", "take it out")
    for one in actions:
        if _authz_actions.ACTIONS[one].envelope in _INSIDE and not everything:
            raise _untold(
                f"{grant.label} envelope",
                f"{envelope.name} for {one}",
                "nothing of the containers that are there",
                f"grant {one} with a privileged one, or not",
            )
    selectors = grant.selectors.get("containers", ())
    others = [
        one for one in actions if "containers" in _authz_actions.ACTIONS[one].objects and one != "container.create"
    ]
    for text in () if "*" in selectors else selectors:
        if (text == _authz_names.OWN or text.startswith("label:")) and others:
            raise _untold(
                f"{grant.label} containers",
                f"{text} for {others[0]}",
                "the name of a container alone",
                "grant it on names, and container.create in a grant of its own",
            )


def _grant(grant):
    everything = grant.envelope is not None and grant.envelope.everything
    found = {
        "actions": dict.fromkeys(sorted(grant.actions), True),
        # Whoever may have all of it gains nothing by what the body hides.
        "blind": all("*" in grant.selectors.get(kind, ()) for kind in _authz_names.KINDS) and everything,
        "selectors": {kind: _selectors(kind, texts) for kind, texts in grant.selectors.items()},
    }
    return dict(found, envelope=grant.envelope.name) if grant.envelope is not None else found


def _selectors(kind, texts):
    if "*" in texts:
        return {"all": True}
    if kind == "images":
        return {"some": [_image(one) for one in texts]}
    labels = [one[len("label:") :].partition("=") for one in texts if one.startswith("label:")]
    names = [one for one in texts if not one.startswith("label:") and one != _authz_names.OWN]
    return {
        "own": _authz_names.OWN in texts,
        "labels": [{"key": key, "value": value} if sign else {"key": key} for key, sign, value in labels],
        "exact": dict.fromkeys([one for one in names if "*" not in one], True),
        "like": [_like(one) for one in names if "*" in one],
    }


def _image(text):
    repository, tag, digest, number = _authz_names._image_selector(text)
    if number is not None:
        return {"id": number}
    found = {"repository": _like(repository)}
    if digest is not None:
        found["digest"] = digest
    elif tag is not None:
        found["tag"] = _like(tag)
    return found


def _like(text):
    """Return the pattern of RE2 for a name in which * stands for any characters."""
    return "^" + "(?s:.*)".join(_META.sub(r"\\\g<0>", one) for one in text.split("*")) + "$"


def _pattern(compiled):
    """Return a pattern of this collection, which are all matched from the start, as RE2 has it."""
    return (
        "^(?:"
        + compiled.pattern.replace(r"\Z", "").replace("(?=/)", "/")
        + ")"
        + ("$" if compiled.pattern.endswith(r"\Z") else "")
    )


def _path_pattern():
    """Return the pattern of a path in which percent signs hide nothing that clients write plainly."""
    hidden = [chr(one) for one in range(0x21, 0x7F) if not _authz_request._SENT_PLAIN.match(chr(one))]
    escapes = "|".join("%%%02X" % ord(one) for one in hidden)
    return _pattern(_authz_request._PATH).replace("%[0-9A-F]{2}", escapes)


def _route(route):
    _method, path, action, query = route
    template = path.split("/")[1:]
    kind = template[1][1:-1] if len(template) > 1 else ""
    about = _authz_actions.ACTIONS[action]
    return {
        "action": action,
        "body": about.body,
        "envelope": about.envelope,
        "template": template,
        "behind": template[2:],
        "kind": kind,
        "long": kind in _authz_routes.LONG or action in _authz_routes.ANY_NAME,
        "grammar": "reference" if action in _authz_routes.ANY_SEGMENT else "name",
        "parameters": query.split(),
        "several": list(_authz_routes.SEVERAL.get(action, ())),
    }


def _routes():
    """Return {method: {first segment: [route]}}, in the order of ROUTES."""
    found = {}
    for route in _authz_routes.ROUTES:
        rendered = _route(route)
        found.setdefault(route[0], {}).setdefault(rendered["template"][0], []).append(rendered)
    return found


def _ruled(fields):
    return [name for name, kind in fields.items() if kind == "rule"]


_TABLES = {
    "routes": _routes(),
    "special": sorted(_EXECS.union(_authz_demand._SPECIAL)),
    "streams": list(_authz_demand._STREAMS),
    "false_words": list(_authz_demand._FALSE),
    "own_networks": list(_authz_demand._OWN_NETWORKS),
    "host_fields": dict.fromkeys(sorted(_authz_demand._HOST_FIELDS), True),
    "bind_modes": list(_authz_binds._MODES),
    "modes": list(_authz_demand.MODES),
    "spelt": {place: {name.casefold(): name for name in names} for place, names in _LOOKED_UP.items()},
    "counted": list(_COUNTED),
    "emptied": list(_EMPTIED),
    "fields": {
        "create": dict(
            _authz_fields.CREATE,
            HostConfig=dict(
                _authz_fields.HOST, Mounts=[_authz_fields.MOUNT], LogConfig={"Type": "text", "Config": "map"}
            ),
        ),
        "connect": _authz_fields.CONNECT,
        "network": _authz_fields.NETWORK,
        "volume": _authz_fields.VOLUME,
    },
    # Where the names within an object are not the API's.
    "open": {"create": ["NetworkingConfig", "EndpointsConfig"]},
    "rules": {"config": _ruled(_authz_fields.CONFIG), "host": _ruled(_authz_fields.HOST)},
    "namespaces": {
        field: {"name": name, "plain": list(plain)} for field, (name, plain) in _authz_rules.NAMESPACES.items()
    },
    "log_options": {driver: list(options) for driver, options in _authz_rules._PLAIN_LOGS.items()},
    "log_delivery": list(_authz_rules._LOG_DELIVERY),
    "bridge_options": list(_authz_rules._PLAIN_BRIDGE),
    "limits": {
        "uri": _authz_request._MAX,
        "oldest": _authz_request.VERSIONS[0],
        "newest": _authz_request.VERSIONS[1],
        "depth": _authz_json.MAX_DEPTH,
        "objects": dict(dict.fromkeys(_authz_names.KINDS, _authz_demand._OTHERS), containers=_authz_demand._CONTAINERS),
        "parts": _authz_json.MAX_PARTS,
        "options": _authz_rules._MAX_OPTIONS,
        "user": _authz_rules._MAX_USER,
        "spared": _SPARED,
    },
    "patterns": {
        "path": _path_pattern(),
        "version": _pattern(_authz_request._VERSION),
        "name": _pattern(_authz_request._NAME),
        "reference": _pattern(_authz_request._REFERENCE),
        "part": _pattern(_authz_request._PART),
        "plain": _pattern(_authz_names._PLAIN),
        "hex": _pattern(_authz_names._HEX),
        "digest": _pattern(_authz_names.DIGEST),
        "tag": _pattern(_authz_names._TAG),
        "domain": _pattern(_authz_names._DOMAIN),
        "repository": _pattern(_authz_names._PATH),
        "new_name": _pattern(_authz_demand._NEW_NAME),
        "volume": _pattern(_authz_binds._VOLUME),
        "user": _pattern(_authz_rules._USER),
        "log_tag": _pattern(_authz_rules._LOG_TAG),
        "port": _pattern(_authz_rules._PORT),
        "tmpfs": _pattern(_authz_rules._TMPFS),
    },
}
