# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A policy: who may ask an engine for what. Pure. docs/authz.md has its schema.

Default is deny. A request is allowed where one grant of one of the principal's roles covers all of it.
"""

import collections
import json
import re

from ansible_collections.containment.docker.plugins.module_utils import (
    _authz_actions,
    _authz_digest,
    _authz_envelope,
    _authz_json,
    _authz_names,
)
from ansible_collections.containment.docker.plugins.module_utils._authz_values import is_texts
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

FORMAT = 1
# sockets: whether it is whoever comes by the engine's own socket, without a certificate. The certificate of any other
# has to have what is given of cn, serials and keys. roles: [Role], its groups' included.
Principal = collections.namedtuple("Principal", "name socket cn serials keys roles")
Role = collections.namedtuple("Role", "name report grants")
# label: "role[number]". actions: frozenset. selectors: {kind: [selector]}. envelope: Envelope or None.
Grant = collections.namedtuple("Grant", "label actions selectors envelope")
# revoked: {"cn", "serial", "key": set}. contact: whom to ask, "" where it names nobody. digest: sha256 of the text.
Policy = collections.namedtuple("Policy", "principals revoked contact digest")

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@-]{0,63}\Z")
_SERIAL = re.compile(r"[0-9a-f]{1,64}\Z")
_PORTS = re.compile(r"[0-9]{1,5}(-[0-9]{1,5})?\Z")
_CAPABILITY = re.compile(r"[A-Z][A-Z_]+\Z")


def read(data):
    """Return the Policy in the bytes of a file. Raises ContainmentError, with the key, the value and the mend."""
    try:
        text = _authz_json.parse(data)
    except ContainmentError as error:
        raise ContainmentError("policy", error.cause, error.mend) from None
    _keys("policy", text, ("format",), ("contact", "envelopes", "groups", "principals", "revoked", "roles"))
    if text["format"] != FORMAT or isinstance(text["format"], bool):
        raise _bad("policy", "format", text["format"], f"write {FORMAT}")
    contact = text.get("contact", "")
    if not isinstance(contact, str) or any(one < " " for one in contact):
        raise _bad("policy", "contact", contact, "write one line of text")
    envelopes = _envelopes(_objects("policy", text, "envelopes"))
    roles = _roles(_objects("policy", text, "roles"), envelopes)
    principals = _principals(_objects("policy", text, "principals"), roles)
    principals = _grouped(_objects("policy", text, "groups"), roles, principals)
    revoked = _revoked(_objects("policy", text, "revoked"))
    return Policy(list(principals.values()), revoked, contact, _authz_digest.hexadecimal(data))


def _bad(subject, key, value, mend):
    shown = json.dumps(value, sort_keys=True)
    return ContainmentError(f"{subject} {key}", f"{shown[:100]} is none", mend)


def _keys(subject, value, needed, known):
    for key in value:
        if key not in needed and key not in known:
            raise ContainmentError(subject, f"has the key {key!r}", f"use {', '.join(sorted(needed + known))}")
    for key in needed:
        if key not in value:
            raise ContainmentError(subject, f"has no {key}", "give it")


def _objects(subject, value, key):
    """Return the list of objects under a key, [] for none."""
    found = value.get(key, [])
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise ContainmentError(f"{subject} {key}", "is no list of objects", "write one")
    return found


def _texts(subject, value, key):
    found = value.get(key, [])
    if not is_texts(found):
        raise ContainmentError(f"{subject} {key}", "is no list of texts", "write one")
    return found


def _flag(subject, value, key):
    found = value.get(key, False)
    if not isinstance(found, bool):
        raise _bad(subject, key, found, "write true or false")
    return found


def _named(kind, number, value, taken):
    """Return (subject, name) of an object that has one; refuse a second of that name."""
    name = value.get("name")
    if not isinstance(name, str) or not _NAME.match(name):
        raise _bad(f"{kind}[{number}]", "name", name, "use letters, digits, '_', '.', '@' and '-'")
    if name in taken:
        raise ContainmentError(f"{kind} {name}", "is there twice", "take one of them out")
    return f"{kind} {name}", name


def _envelopes(values):
    found = dict(_authz_envelope.NAMED)
    for number, value in enumerate(values):
        subject, name = _named("envelopes", number, value, found)
        _keys(subject, value, ("name", "base"), tuple(_authz_envelope.OPTIONS))
        base = found.get(value["base"]) if isinstance(value["base"], str) else None
        if base is None or base.everything:
            raise _bad(subject, "base", value["base"], "name an envelope before this one, and not privileged")
        options = dict(base.options)
        for key in value:
            if key in _authz_envelope.OPTIONS:
                options[key] = _option(subject, value, key)
        found[name] = _authz_envelope.Envelope(name, False, options)
    return found


def _option(subject, value, key):
    if _authz_envelope.OPTIONS[key] is bool:
        return _flag(subject, value, key)
    for one in _texts(subject, value, key):
        mend = _mend(key, one)
        if mend:
            raise _bad(subject, key, one, mend)
    return value[key]


def _mend(key, text):
    """Return what to do about an entry of an envelope's list, None where nothing is."""
    if key == "binds":
        path = text[:-3] if text.endswith(":ro") else text
        parts = path.split("/")[1:]
        if not path.startswith("/") or ":" in path or (path != "/" and any(one in ("", ".", "..") for one in parts)):
            return "write an absolute path without '.', '..', '//' and ':', and ':ro' behind it for reading alone"
    elif key in ("capabilities", "capabilities_dropped"):
        if not _CAPABILITY.match(text) or text.startswith("CAP_"):
            return "write it in capitals and without CAP_, or ALL"
    elif key == "namespaces":
        if text not in _authz_envelope.NAMESPACES:
            return f"use one of {', '.join(_authz_envelope.NAMESPACES)}"
    elif key == "ports":
        first, _dash, last = text.partition("-")
        if not _PORTS.match(text) or not 1 <= int(first) <= int(last or first) <= 65535:
            return "write PORT or FIRST-LAST, of 1 to 65535"
    elif key == "seccomp":
        if text not in ("builtin", "unconfined") and not _authz_names.DIGEST.match(text):
            return "write builtin, unconfined, or sha256:... as `authz digest FILE` prints it"
    elif not text:
        return "write a name"
    return None


def _roles(values, envelopes):
    found = {}
    for number, value in enumerate(values):
        subject, name = _named("roles", number, value, found)
        _keys(subject, value, ("name", "grants"), ("mode",))
        mode = value.get("mode", "enforce")
        if mode not in ("enforce", "report"):
            raise _bad(subject, "mode", mode, "write enforce or report")
        grants = [
            _grant(f"{subject} grants[{place}]", f"{name}[{place}]", one, envelopes)
            for place, one in enumerate(_objects(subject, value, "grants"))
        ]
        found[name] = Role(name, mode == "report", grants)
    return found


def _grant(subject, label, value, envelopes):
    _keys(subject, value, ("actions",), ("envelope", *_authz_names.KINDS))
    actions = frozenset(one for text in _texts(subject, value, "actions") for one in _actions(subject, text))
    if not actions:
        raise ContainmentError(f"{subject} actions", "is empty", "name some")
    envelope = None
    if "envelope" in value:
        envelope = envelopes.get(value["envelope"]) if isinstance(value["envelope"], str) else None
        if envelope is None:
            raise _bad(subject, "envelope", value["envelope"], f"use one of {', '.join(sorted(envelopes))}")
    wanting = [one for one in sorted(actions) if _authz_actions.ACTIONS[one].envelope is not None]
    if wanting and envelope is None:
        raise ContainmentError(subject, f"grants {wanting[0]} and names no envelope", "name one: unprivileged, say")
    if envelope is not None and not wanting:
        raise ContainmentError(f"{subject} envelope", "means nothing for these actions", "take it out")
    return Grant(label, actions, _selectors(subject, value, actions), envelope)


def _actions(subject, text):
    """Return the actions that a text of a grant stands for: one, all of a family ("container.*"), or all ("*")."""
    if text == "*":
        return list(_authz_actions.ACTIONS)
    family = text[:-1] if text.endswith(".*") else None
    found = [one for one in _authz_actions.ACTIONS if one == text or (family and one.startswith(family))]
    if not found:
        raise _bad(subject, "actions", text, "see docs/authz.md for their names")
    return found


def _selectors(subject, value, actions):
    found = {}
    for kind in _authz_names.KINDS:
        concerned = [one for one in sorted(actions) if kind in _authz_actions.ACTIONS[one].objects]
        # A create that names no volume and no network needs none selected.
        needed = [one for one in concerned if kind in ("containers", "images") or not _is_optional(one)]
        if kind not in value:
            if needed:
                raise ContainmentError(subject, f"grants {needed[0]} on no {kind}", f"add {kind}: ['*'], or some")
            continue
        if not concerned:
            raise ContainmentError(f"{subject} {kind}", "means nothing for these actions", "take it out")
        for one in _texts(subject, value, kind):
            _authz_names.check(kind, one, f"{subject} {kind}")
        found[kind] = value[kind]
    return found


def _is_optional(action):
    return action in ("container.create", "build.run")


def _principals(values, roles):
    found = {}
    for number, value in enumerate(values):
        subject, name = _named("principals", number, value, found)
        _keys(subject, value, ("name",), ("cn", "keys", "roles", "serials", "socket"))
        principal = Principal(
            name,
            _flag(subject, value, "socket"),
            _cn(subject, value),
            frozenset(serial(f"{subject} serials", one) for one in _texts(subject, value, "serials")),
            frozenset(_key(f"{subject} keys", one) for one in _texts(subject, value, "keys")),
            _its_roles(subject, value, roles),
        )
        certified = principal.cn is not None or principal.serials or principal.keys
        if not certified and not principal.socket:
            raise ContainmentError(subject, "is nobody", "give a cn, serials or keys, or socket: true")
        if certified and principal.socket:
            raise ContainmentError(subject, "has a certificate and none", "make it two")
        for other in found.values():
            if (principal.socket and other.socket) or (principal.cn is not None and principal.cn == other.cn):
                raise ContainmentError(subject, f"is the same as {other.name}", "make them one")
        found[name] = principal
    return found


def _cn(subject, value):
    found = value.get("cn")
    if found is not None and (not isinstance(found, str) or not found):
        raise _bad(subject, "cn", found, "write the certificate's common name")
    return found


def serial(subject, text):
    """Return a certificate's serial number in hexadecimal digits as the policy compares it: small letters, no zeros in
    front, no colons."""
    digits = text.replace(":", "").lower()
    plain = digits.lstrip("0") or "0"
    if not digits or not _SERIAL.match(plain):
        raise ContainmentError(subject, f"{text[:80]!r} is no serial number", "write it as openssl x509 -serial does")
    return plain


def _key(subject, text):
    if not _authz_names.DIGEST.match(text):
        raise ContainmentError(
            subject,
            f"{text[:80]!r} is no digest of a key",
            "write sha256:... as `authz identity CERTIFICATE` prints it",
        )
    return text


def _its_roles(subject, value, roles):
    names = _texts(subject, value, "roles")
    for name in names:
        if name not in roles:
            raise _bad(subject, "roles", name, f"use {', '.join(sorted(roles)) or 'a role that the policy has'}")
    return [roles[name] for name in names]


def _grouped(values, roles, principals):
    """Return the principals with the roles of their groups."""
    taken = set()
    found = dict(principals)
    for number, value in enumerate(values):
        subject, name = _named("groups", number, value, taken)
        taken.add(name)
        _keys(subject, value, ("name", "members", "roles"), ())
        granted = _its_roles(subject, value, roles)
        for member in _texts(subject, value, "members"):
            if member not in found:
                raise _bad(subject, "members", member, "name principals of this policy")
            known = found[member].roles
            found[member] = found[member]._replace(roles=known + [role for role in granted if role not in known])
    return found


def _revoked(values):
    found = {"cn": set(), "serial": set(), "key": set()}
    for number, value in enumerate(values):
        subject = f"revoked[{number}]"
        _keys(subject, value, (), tuple(found))
        if len(value) != 1 or not isinstance(next(iter(value.values())), str):
            raise ContainmentError(subject, "is not one of cn, serial and key", "write one of them, a text")
        kind, text = next(iter(value.items()))
        if kind == "serial":
            text = serial(subject, text)
        elif kind == "key":
            text = _key(subject, text)
        found[kind].add(text)
    return found
