# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands against a roll-out of authorization, and the bytes of a policy. Pure."""

import json
import math
import re

from ansible_collections.containment.docker.plugins.module_utils import (
    _authz_asked,
    _authz_holes,
    _authz_policy,
    _authz_probe,
    _userns_plan,
)
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_./:@-]*\Z")


def text_of(policy):
    """Return the bytes of the policy's file. policy: as in docs/authz.md; the format may be left out.

    Raises ContainmentError for one that cannot be used.
    """
    _refuse_other_than_json(policy, "authz_policy")
    data = json.dumps(dict({"format": _authz_policy.FORMAT}, **policy), indent=2, sort_keys=True).encode("utf-8")
    _authz_policy.read(data)
    return data + b"\n"


def _refuse_other_than_json(value, subject):
    """Raise ContainmentError for what JSON has no kind for: YAML reads a date that is not in quotes as one."""
    if isinstance(value, dict):
        for key, one in value.items():
            if not isinstance(key, str):
                raise ContainmentError(subject, f"has the key {key!r}, which is no text", "write it in quotes")
            _refuse_other_than_json(one, f"{subject}.{key}")
    elif isinstance(value, (list, tuple)):
        for number, one in enumerate(value):
            _refuse_other_than_json(one, f"{subject}[{number}]")
    elif isinstance(value, float) and not math.isfinite(value):
        raise ContainmentError(subject, f"{value} is no number of JSON", "write another one")
    elif value is not None and not isinstance(value, (str, int, float)):
        raise ContainmentError(subject, f"{str(value)[:80]} is no text", "write it in quotes")


def _refuse_odd(name, refuses):
    """Raise ContainmentError for another plugin that cannot be tried."""
    if not _NAME.match(str(name)):
        raise ContainmentError(
            "authz_plugins", f"has the name {str(name)[:80]!r}", "use letters, digits and _./:@-, as the engine does"
        )
    if refuses is not None:
        _refuse_other_than_json(refuses, f"plugin {name} refuses")
        _authz_holes.check(name, refuses)


def unlike(serving, wanted):
    """Return in what a plugin that serves is another one than is wanted, "" in nothing.

    serving: what it says of itself, as of _authz_host.state. wanted: what it has to say.
    """
    for key, value in sorted(wanted.items()):
        found = serving.get(key)
        if found != value:
            shown = serving["fault"] if key == "policy" else ""
            return shown or f"{key} {str(found)[-60:]} is in force, not {value[-60:]}"
    return ""


def refusals(host, policy, others, state="present"):
    """Return what stands against a roll-out, as sentences, before anything is touched.

    host: result of engine_info. policy: {} where the one that is there stays. state: "absent" where the engine is to
    ask no plugin of ours.
    """
    found = []
    stays = state != "absent"
    policy = policy if stays else {}
    names = [one.get("name") for one in others]
    for name in sorted({one for one in names if names.count(one) > 1}, key=str):
        found.append(ContainmentError("authz_plugins", f"names {name!r} twice", "name each once"))
    if _authz_asked.NAME in names:
        found.append(
            ContainmentError(
                "authz_plugins",
                f"names {_authz_asked.NAME}, the plugin of this collection",
                "take it out; authz_policy and authz_state say whether it is asked",
            )
        )
    for one in others:
        try:
            _refuse_odd(one.get("name"), one.get("refuses"))
        except ContainmentError as error:
            found.append(error)
    engine = _userns_plan.engine_of(host)
    given = [flag for flag in (engine or {}).get("flags") or [] if flag["key"] == _authz_asked.KEY]
    if given and (policy or others):
        found.append(
            ContainmentError(
                f"--authorization-plugin in {given[0]['origin']}",
                "is forgotten by the engine when it reads its configuration again",
                "take it out, and name the plugin in authz_plugins",
            )
        )
    if policy:
        try:
            read = _authz_policy.read(text_of(policy))
            _authz_probe.refuse_locked_out(read)
        except ContainmentError as error:
            found.append(error)
    plain = plain_listener(engine) if engine is not None and stays and (policy or _authz_asked.is_named(host)) else None
    if plain is not None:
        found.append(
            ContainmentError(
                f"engine at {plain}",
                "listens without tlsverify, so that anybody who reaches it is taken for this host's root",
                "set tlsverify, tlscacert, tlscert and tlskey, or listen on the socket alone",
            )
        )
    return [str(one) for one in found]


def plain_listener(engine):
    """Return an address on which an engine listens for whoever comes, None where there is none."""
    configured_ = engine.get("configured") or {}
    flags = engine.get("flags") or []
    hosts = configured_.get("hosts") if isinstance(configured_.get("hosts"), list) else []
    hosts = [str(one) for one in hosts] + [flag["value"] for flag in flags if flag["key"] == "hosts"]
    verified = configured_.get("tlsverify") is True or any(
        flag["key"] == "tlsverify" and flag["value"].lower() in ("", "true", "1", "t") for flag in flags
    )
    if verified:
        return None
    return next((one for one in hosts if not one.startswith(("unix://", "fd://", "/"))), None)
