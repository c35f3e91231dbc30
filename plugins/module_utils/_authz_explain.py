# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests that are written by hand: {"principal", "method", "uri", "body"}, which are decided and not made. Pure."""

import json

from ansible_collections.containment.docker.plugins.module_utils import _authz_decide, _authz_message
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError


def explain(policy, value, world):
    """Return the Decision on a request that was written by hand. Raises ContainmentError for what is none."""
    return _authz_decide.decide_as(policy, _principal(policy, value), "", _message(value), world)


def _principal(policy, value):
    for principal in policy.principals:
        if principal.name == value.get("principal"):
            return principal
    names = ", ".join(one.name for one in policy.principals)
    raise ContainmentError("principal", f"{value.get('principal')!r} is none of the policy", f"use one of {names}")


def _message(value):
    for key in value:
        if key not in ("principal", "method", "uri", "body"):
            raise ContainmentError(key[:60], "is no key of a request", "use principal, method, uri and body")
    body = json.dumps(value["body"]).encode("utf-8") if "body" in value else b""
    headers = {"Content-Type": "application/json", "Content-Length": str(len(body))} if body else {}
    return _authz_message.Message("", value.get("method", "GET"), value.get("uri", ""), headers, body, [], 0, b"")
