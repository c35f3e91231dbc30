# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ways past plugins that engines have had, tried by behaviour: distributions mend versions as they like. Pure.

Each request has what the plugin refuses whoever asks, so that it must be refused whether the plugin is shown all of it
or not; were it not, it would ask for a container of an image that cannot be there, and do nothing.
"""

import collections
import json

from ansible_collections.containment.docker.plugins.module_utils import _authz_probe
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

# name, title: of a proof. data: bytes of what is sent on one connection. mend: what to do where a way is open.
# own: whether the plugin's own refusal alone proves anything; else any other's closes the way as well.
Hole = collections.namedtuple("Hole", "name title data mend own")
_REFUSED, _NOT_SERVED = "refused", "not served"

REQUEST, HTTP2 = "request", "http2"
# A client's preface and an empty frame of settings (RFC 9113, 3.4 and 6.5).
_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])
_SETTINGS = 4  # the type of the frame with which a server of HTTP/2 begins
# Whoever may tag images could have one of that name; one of that digest cannot be.
_IMAGE = f"{_authz_probe.NAME}@sha256:{'0' * 64}".encode("ascii")
_TWICE = b'{"Image":"%s","Labels":{"pad":"%s"},"Image":"%s"}'
_MEBIBYTE = 1024 * 1024
# What a plugin in front may refuse, too: it tells by the count of requests alone whether this one was asked.
PING = f"GET {_authz_probe.API}/_ping HTTP/1.1\r\nHost: docker\r\nConnection: close\r\n\r\n".encode("ascii")
# What an engine says of a plugin's no, and of a plugin that failed (moby, pkg/authorization).
_DENIED, _FAILED = b"authorization denied by plugin ", b" failed with error: "
_MESSAGE = b'{"message":"'
_UPDATE = "update the engine; until then grant no container.create to anybody whom you do not trust with this host"
_OTHER = (
    "see that the plugin refuses what its refuses says, that none in front of it does, and that the engine has read its"
    " daemon.json since"
)
_HIDDEN = "update the engine, or have the plugin refuse bodies that it is not shown"
_BEHIND = "see the engine's log; a plugin that refuses it first asks behind ours once authz_plugins names it"


def _create(kind, body):
    head = f"POST {_authz_probe.API}/containers/create HTTP/1.1\r\nHost: docker\r\nConnection: close\r\n{kind}\r\n"
    return head.encode("ascii") + body


def _sized(kind, body):
    return _create(f"Content-Type: {kind}\r\nContent-Length: {len(body)}\r\n", body)


def _chunked(body):
    parts = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    return _create("Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n", parts)


def _twice(size):
    return _TWICE % (_IMAGE, b"x" * size, _IMAGE)


_SMALL = _twice(1)

# CVE-2026-34040: bodies of more than a mebibyte were not shown to plugins. CVE-2024-41110: nor those without a length.
# A form is read by engines, and never shown. From 29.2 on engines serve HTTP/2 on their socket, and BuildKit's calls in
# it ask no plugin (moby#50744).
_LARGE, _CHUNKED = ("large", "a body of a mebibyte"), ("chunked", "a body without a length")
HOLES = (
    Hole(REQUEST, "the engine asks the plugin", _sized("application/json", _SMALL), _BEHIND, True),
    Hole(*_LARGE, _sized("application/json", _twice(_MEBIBYTE)), _UPDATE, False),
    Hole(*_CHUNKED, _chunked(_SMALL), _UPDATE, False),
    Hole("form", "a form", _sized("application/x-www-form-urlencoded", b"Image=" + _IMAGE), _UPDATE, False),
    Hole(
        HTTP2,
        "HTTP/2 on the socket",
        _PREFACE,
        "have the engine started with GODEBUG=http2server=0, as the role does under systemd",
        False,
    ),
)


def named(name):
    """Return the Hole of a name."""
    return next(one for one in HOLES if one.name == name)


def of(reports):
    """Return the Holes to try. reports: whether whoever comes by the socket is refused nothing, so that no refusal of
    his tells anything."""
    return [one for one in HOLES if one.name == HTTP2 or not reports]


def check(name, refuses):
    """Raise ContainmentError where another plugin cannot be tried.

    refuses: fields of a container that it lets nobody create who comes by the engine's socket, as of
    POST /containers/create; its image is set by `of_other`, so that nothing comes of one that is let pass.
    """
    if not isinstance(refuses, dict):
        raise ContainmentError(
            f"plugin {name} refuses", "is no object of fields", "write {HostConfig: {Privileged: true}}"
        )
    image = next((key for key in refuses if key.lower() == "image"), None)
    if image is not None:
        raise ContainmentError(f"plugin {name} refuses", f"has {image}, which is set for it", "take it out")


def of_other(name, refuses):
    """Return the Holes by which another plugin is tried: first one that tells whether it is asked, then the ways in
    which engines have been known not to show it bodies.

    refuses: as of `check`. Raises ContainmentError.
    """
    check(name, refuses)
    labels = refuses.get("Labels")
    padded = dict(labels if isinstance(labels, dict) else {}, pad="x" * _MEBIBYTE)
    small, large = (_json(fields, Image=_IMAGE.decode("ascii")) for fields in (refuses, dict(refuses, Labels=padded)))
    name, title = f"plugin-{name}", f"plugin {name}"
    return [
        Hole(name, f"the engine asks {title}", _sized("application/json", small), _OTHER, True),
        Hole(f"{name}-{_LARGE[0]}", f"{title}: {_LARGE[1]}", _sized("application/json", large), _HIDDEN, True),
        Hole(f"{name}-{_CHUNKED[0]}", f"{title}: {_CHUNKED[1]}", _chunked(small), _HIDDEN, True),
    ]


def _json(fields, **more):
    return json.dumps(dict(fields, **more), separators=(",", ":")).encode("ascii")


def is_asked(answer, name, before, after):
    """Whether an engine asks the plugin of a name; None where that cannot be told.

    answer: to PING or to the Hole REQUEST, as of `judge`. before, after: as of `judge_asked`, None for a plugin that is
    silent: an engine answers 500, or not at all, where it waits for one. One that another plugin refuses may have been
    refused before it came to this one.
    """
    if not isinstance(answer, bytes) or not answer.startswith(b"HTTP/1."):
        return None
    status = answer.split(b" ")[1][:1]
    if None not in (before, after) and after > before:
        return True
    if status == b"4" and _DENIED in answer:
        # At the start alone: what follows is the plugin's own words. A managed one is told with its tag.
        said = answer.partition(b"\r\n\r\n" + _MESSAGE + _DENIED)[2].decode("utf-8", "replace")
        return True if said.startswith((f"{name}: ", f"{name}:latest: ")) else None
    return False if status in (b"2", b"4") and _FAILED not in answer else None


def judge_asked(before, after):
    """Return the proof that an engine asks the plugin, where it refuses nothing.

    before, after: about how many requests the plugin had been asked before one was made, and after; None for none.
    """
    asked = None if after is None else after > before
    observed = None if asked is None else "asked" if asked else "not asked"
    title = named(REQUEST).title
    return {
        "proof": f"authz-{REQUEST}",
        "title": title,
        "expected": "asked",
        "observed": observed,
        "passed": asked is True,
    }


def is_http2(answer):
    """Whether an answer to _PREFACE is one of a server of HTTP/2. answer: its first bytes."""
    return len(answer) > 3 and answer[3] == _SETTINGS and not answer.startswith(b"HTTP/")


def judge(hole, answer, asked=None):
    """Return the proof that a way is closed. answer: the first bytes of the engine's, what it was instead, a text, or
    None where nothing was asked. asked: as of `is_asked`."""
    expected = _NOT_SERVED if hole.data is _PREFACE else _REFUSED
    if answer is None or isinstance(answer, str):
        observed, passed = answer, False
    elif expected == _NOT_SERVED:
        observed, passed = ("served", False) if is_http2(answer) else (_NOT_SERVED, True)
    else:
        status = answer.split(b" ")[1:2]
        passed = status == [b"403"]
        observed = _REFUSED if passed else f"status {b''.join(status).decode('ascii', 'replace') or 'none'}"
        if passed and hole.own and not asked:
            observed, passed = "refused by another plugin", False
    if answer is not None and not passed:
        observed += f" ({hole.mend})"
    return {
        "proof": f"authz-{hole.name}",
        "title": hole.title,
        "expected": expected,
        "observed": observed,
        "passed": passed,
    }
