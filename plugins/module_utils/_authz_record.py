# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is recorded of a decision: fields for the journal (systemd.journal-fields(7)). Pure.

Environment, build arguments and registry credentials are never among them; command lines are, shortened.
"""

import re
import struct

from ansible_collections.containment.docker.plugins.module_utils import _authz_decide
from ansible_collections.containment.docker.plugins.module_utils._authz_values import is_texts

MESSAGE_ID = "6d2a4d6a0e6f4d6c9d2f3f5a1c7b8e90"  # of a decision; sd-id128(3)
RESULT_ID = "c2a9f1b45d0e4c55b1f7d8463e0a9b17"  # of what an engine answered to what was allowed
RELEASE_ID = "0b7c1e5f3a944d1d8a6e2c9f70d4b1a3"  # of a release
IDENTIFIER = "containment-authz"
PREFIX = "DOCKER_AUTHZ_"
_LONGEST = 2048  # characters of a field
_SECRETS = ("buildargs", "changes", "fromSrc", "labels", "remote")
_PRIORITY = {_authz_decide.ALLOW: 6, _authz_decide.REPORT: 5, _authz_decide.DENY: 4}
_WORDS = {"allow": "allowed by", "report": "let pass, though refused by", "deny": "refused by"}


def decision(message, found, digest, number):
    """Return the fields of a Decision on a Message. digest: of the policy. number: of the request."""
    demand = found.demand
    objects = _objects(demand) if demand is not None else {}
    fields = {
        "MESSAGE_ID": MESSAGE_ID,
        "PRIORITY": str(_PRIORITY[found.verdict]),
        "USER": message.user,
        "AUTHN": _authn(message),
        "PRINCIPAL": found.principal,
        "CERT_SERIAL": found.serial,
        "DECISION": found.verdict,
        "RULE": found.rule,
        "REASON": found.reason,
        "METHOD": message.method,
        "ACTION": demand.action if demand is not None else "",
        "ROUTE": demand.request.route if demand is not None else "",
        "URI": _uri(message.uri, demand),
        "CMD": " ".join(_command(demand)) if demand is not None else "",
        "PRIVILEGED": _privilege(found),
        "POLICY_SHA256": digest,
        "REQ_ID": number,
    }
    fields.update(objects)
    who = found.principal or ascii(message.user)
    what = fields["ACTION"] or f"{message.method} {fields['URI']}"
    on = objects.get("CONTAINER") or objects.get("IMAGE") or objects.get("VOLUME") or objects.get("NETWORK") or ""
    text = f"{who}: {what}{' ' + on if on else ''}: {_WORDS[found.verdict]} {found.rule}"
    return _finished(fields, text + (f": {found.reason}" if found.reason else ""))


def refusal(message, rule, reason, number):
    """Return the fields of a no that no policy has said. message: None where the call could not be read."""
    fields = {
        "MESSAGE_ID": MESSAGE_ID,
        "PRIORITY": str(_PRIORITY[_authz_decide.DENY]),
        "DECISION": _authz_decide.DENY,
        "RULE": rule,
        "REASON": reason,
        "REQ_ID": number,
    }
    what = "a call"
    if message is not None:
        uri = _uri(message.uri, None)
        fields.update(USER=message.user, AUTHN=_authn(message), METHOD=message.method, URI=uri)
        what = f"{message.user!a}: {message.method} {uri}"
    return _finished(fields, f"{what}: {_WORDS[_authz_decide.DENY]} {rule}: {reason}")


def _authn(message):
    return "TLS" if message.certificates else "socket"


def _privilege(found):
    """Return why a Decision is on something privileged; also of what was let pass and could not be read."""
    if found.demand is None and found.verdict == _authz_decide.REPORT:
        return _authz_decide.UNTOLD
    return _authz_decide.privilege(found.demand)


def result(message, principal, digest, number):
    """Return the fields of an engine's answer to a request that was let pass."""
    fields = {
        "MESSAGE_ID": RESULT_ID,
        "PRIORITY": "6",
        "USER": message.user,
        "PRINCIPAL": principal,
        "METHOD": message.method,
        "URI": message.uri.partition("?")[0],
        "STATUS": str(message.status),
        "POLICY_SHA256": digest,
        "REQ_ID": number,
    }
    return _finished(fields, f"{principal or ascii(message.user)}: {message.method} {fields['URI']}: {message.status}")


def released(text, user):
    """Return the fields of a release (_authz_release), the highest in priority: nothing is refused any more."""
    return _finished({"MESSAGE_ID": RELEASE_ID, "PRIORITY": "1", "USER": user, "ACTION": "release"}, f"{user}: {text}")


def _finished(fields, text):
    plain = ("MESSAGE_ID", "PRIORITY")
    found = {key if key in plain else PREFIX + key: _short(value) for key, value in fields.items() if value}
    return dict(found, MESSAGE=_short(text), SYSLOG_IDENTIFIER=IDENTIFIER)


def _short(text):
    """Return a text as it may stand in a log: on one line, and no more than _LONGEST characters of it."""
    if len(text) <= _LONGEST and text.isprintable():
        return text  # Nearly always: the way below takes half the time of a decision.
    plain = "".join(one if one.isprintable() else f"\\x{ord(one):02x}" for one in text[:_LONGEST])
    plain = plain.encode("utf-8", "replace").decode("utf-8")
    return plain + ("..." if len(text) > _LONGEST else "")


def _uri(uri, demand):
    """Return a URI without what may be secret; of one that cannot be read, the path alone."""
    path, mark, query = uri.partition("?")
    if demand is None:
        return path + ("?..." if mark else "")
    return path + mark + re.sub(r"(?<![^&])(%s)=[^&]*" % "|".join(_SECRETS), r"\1=...", query)


def _objects(demand):
    """Return the fields of the objects that a request touches."""
    found = {}
    names = {"containers": "CONTAINER", "images": "IMAGE", "volumes": "VOLUME", "networks": "NETWORK"}
    for kind, field in names.items():
        found[field] = ", ".join(thing.text for thing in demand.things[kind] if thing.text)
    ids = [thing.known.id for thing in demand.things["containers"] if thing.known is not None]
    found["CONTAINER_ID"] = ", ".join(one for one in ids if one)
    found["EXEC_ID"] = demand.exec.id if demand.exec is not None else ""
    return found


def _command(demand):
    """Return the words that a request has a container run."""
    if demand.action not in ("container.create", "exec.create") or not isinstance(demand.value, dict):
        return
    for name in ("Entrypoint", "Cmd"):
        words = demand.value.get(name)
        if isinstance(words, str):
            yield words
        elif is_texts(words):
            yield from words


def journal(fields):
    """Return the bytes of an entry in the journal's native protocol (systemd.io/JOURNAL_NATIVE_PROTOCOL)."""
    if not any("\n" in value for value in fields.values()):
        return "".join([f"{key}={value}\n" for key, value in fields.items()]).encode("utf-8")
    parts = []
    for key, value in fields.items():
        data = value.encode("utf-8")
        parts.append(key.encode("ascii"))
        parts.append(b"=" + data + b"\n" if b"\n" not in data else b"\n" + struct.pack("<Q", len(data)) + data + b"\n")
    return b"".join(parts)


def syslog(fields, pid):
    """Return the bytes of a message for syslog (RFC 3164), of facility authpriv, with the fields behind its text."""
    rest = " ".join(f"{key}={value!a}" for key, value in sorted(fields.items()) if key.startswith(PREFIX))
    level = 10 * 8 + int(fields["PRIORITY"])
    return f"<{level}>{IDENTIFIER}[{pid}]: {fields['MESSAGE']} {rest}".encode("utf-8")[:8000]
