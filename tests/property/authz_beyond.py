# SPDX-License-Identifier: GPL-3.0-or-later
"""Where OPA and the plugin may differ, as docs/authz-opa.md says it, and a comparison of both everywhere else."""

import collections
import json
import re

from ansible_collections.containment.docker.plugins.module_utils import (
    _authz_decide,
    _authz_fields,
    _authz_rego,
    _authz_request,
)
from tests.property import authz_opa
from tests.property.authz_requests import compact, escaped


def decided(agent, sent):
    return _authz_decide.decide(agent.policy, authz_opa.message(sent), authz_opa.World())


def value_of(sent):
    """Return the body as it was sent, None for what is no JSON."""
    try:
        return json.loads(sent.raw.decode("utf-8", "replace"))
    except ValueError:
        return None


def keyed(value, key=""):
    """Yield (key, value) of all that is within a value: the key is that of the nearest object."""
    yield key, value
    if isinstance(value, dict):
        for name, one in value.items():
            yield from keyed(one, name)
    elif isinstance(value, list):
        for one in value:
            yield from keyed(one, key)


# The fields that are whole numbers, wherever they are.
NUMBERS = {
    key
    for fields in (_authz_fields.CREATE, _authz_fields.MOUNT, _authz_fields.CONNECT)
    for key, kind in keyed(fields)
    if kind in ("number", "numbers")
}


# Where OPA refuses more than the plugin (docs/authz-opa.md). Each takes the request and the plugin's decision.


def is_spelt_otherwise(sent, decision):
    """The body is not as long as the shortest way to write it, so that a key may be there twice."""
    value = value_of(sent)
    if not decision.demand or decision.demand.action not in _authz_rego._COUNTED or not isinstance(value, dict):
        return False
    shortest, longest = len(compact(value)), len(escaped(value))
    whole = {shortest, shortest + 1}
    if longest - shortest <= 15 and not any(one is None for _key, one in keyed(value)):
        whole |= {longest, longest + 1}
    return len(sent.raw) not in whole


def is_of_another_type(sent, _decision):
    """It is JSON, by a name that opa-docker-authz does not know."""
    name = sent.headers.get("Content-Type", "")
    return bool(sent.raw) and name != "application/json" and name.lower().startswith("application/json")


def is_without_length(sent, _decision):
    """It may be JSON, and has neither a body nor a length: the text null is shown in the same way."""
    named = sent.headers.get("Content-Type", "").partition(";")[0].lower()
    return named == "application/json" and not sent.headers.get("Content-Length", "").isdigit()


def is_null(sent, _decision):
    """The body is the text null, which is told as a form is that is as short."""
    return value_of(sent) is None and bool(re.match(rb"null\n?$", sent.raw))


def is_hidden(sent, _decision):
    """It is JSON, too long to be shown, with a method for which engines read no body."""
    return len(sent.raw) > authz_opa.SHOWN and sent.method not in ("POST", "PUT")


def is_no_object(sent, _decision):
    """The body is a list, or no JSON, which is an error to opa-docker-authz. The plugin takes some for what it is."""
    return bool(sent.raw) and sent.headers.get("Content-Type") == "application/json" and authz_opa.told_of(sent) is None


def is_odd_text(sent, _decision):
    """A text has the character that stands for what is no UTF-8."""
    return "\ufffd" in json.dumps(value_of(sent), ensure_ascii=False)


def is_hexadecimal(_sent, decision):
    """A container's name may be an id, or its beginning."""
    things = decision.demand.things["containers"] if decision.demand else []
    return any(re.match("[0-9a-f]+$", thing.text) for thing in things)


def is_odd_number(sent, _decision):
    """A number is more than floating point tells from the next one; or a fraction, or of 1000 and more, where no number
    belongs."""
    return any(
        not isinstance(one, bool)
        and isinstance(one, (int, float))
        and (abs(one) > 2**53 or (key not in NUMBERS and (abs(one) >= 1000 or one % 1)))
        for key, one in keyed(value_of(sent))
    )


def has_odd_key(sent, _decision):
    """A key has other characters than those of ASCII: what spelling of which field it is, is not compared."""
    return not all(key.isascii() for key, _value in keyed(value_of(sent)))


def is_spaced_profile(sent, _decision):
    """A seccomp profile is not written in the shortest way, so that a key may be there twice."""
    for key, one in keyed(value_of(sent)):
        sign, _equals, text = one.partition("{") if key == "SecurityOpt" and isinstance(one, str) else ("", "", "")
        if sign in ("seccomp=", "seccomp:"):
            try:
                if compact(json.loads("{" + text)).decode() != "{" + text:
                    return True
            except ValueError:
                continue
    return False


BEYOND = (
    *(is_spelt_otherwise, is_of_another_type, is_without_length, is_null, is_hidden, is_no_object, is_odd_text),
    *(is_hexadecimal, is_odd_number, has_odd_key, is_spaced_profile),
)


def is_twice(sent):
    """A key is there twice: nobody gains by it who may have all that the action could touch (the grant is blind)."""
    found = []

    def pairs(items):
        found.extend(key for key, count in collections.Counter(key for key, _value in items).items() if count > 1)

    try:
        json.loads(sent.raw.decode("utf-8", "replace"), object_pairs_hook=pairs)
    except ValueError:
        return False
    return bool(found)


def is_the_same(sent):
    """Whether what an engine makes of keys that are there twice is what OPA is shown, the last of them."""

    def both(items):
        found = {}
        for key, value in items:
            before = found.get(key)
            if isinstance(before, dict) and isinstance(value, dict):
                value = {**before, **value}
            elif value is None and not isinstance(before, (dict, list)):
                value = before
            elif isinstance(before, list) and any(isinstance(one, dict) for one in before):
                value = [before, value]  # Elements keep what they had.
            found[key] = value
        return found

    return json.loads(sent.raw.decode("utf-8", "replace"), object_pairs_hook=both) == value_of(sent)


def is_looked_into(agent, sent):
    """Whether a body decides: it does not for whom all is granted, nor where no object and no envelope is in it."""
    if _authz_request.read(sent.method, sent.uri).action not in _authz_rego._COUNTED:
        return False
    principal, _serial = _authz_decide.identify(agent.policy, authz_opa.message(sent))
    return not any(_authz_rego._grant(grant)["blind"] for role in principal.roles for grant in role.grants)


def compared(agent, sent):
    """Return (whether OPA allows it, the plugin's decision, [names of what it is beyond]); see that both agree.

    What is beyond may be refused by OPA alone. Nothing is allowed by OPA alone but a key that is there twice to no
    effect, or in a body that decides nothing.
    """
    decision = decided(agent, sent)
    plugin, allowed = decision.verdict == _authz_decide.ALLOW, agent.allows(sent)
    reasons = [one.__name__ for one in BEYOND if one(sent, decision)]
    if allowed and is_twice(sent) and (is_the_same(sent) or not is_looked_into(agent, sent)):
        return allowed, decision, ["is_twice"]
    assert plugin or not allowed, f"OPA allows {sent}, and the plugin: {decision.reason}"
    assert reasons or allowed or not plugin, f"OPA refuses {sent}, and the plugin: {decision.rule}"
    return allowed, decision, reasons
