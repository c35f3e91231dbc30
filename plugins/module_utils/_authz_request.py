# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a request to an engine asks for, by its method and its URI, as the engine will read them. Pure.

An authorization plugin is told the URI as it came, and the engine routes by what it makes of that: it takes off a
version, decodes percent signs, redirects where there are dots or double slashes (gorilla/mux), and of a parameter that
is there twice it takes the first (net/url). What is spelt so that two readers may read it differently is refused here,
and so is what is no route, or no parameter of one.
"""

import collections
import re
import urllib.parse

from ansible_collections.containment.docker.plugins.module_utils import _authz_routes
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

# action: of _authz_routes.ACTIONS. version: (1, minor), None where the engine's own counts. objects: {kind: name}, as
# in a route's path. query: {parameter: text, or [text] for one of SEVERAL}. route: its path, as of ROUTES.
Request = collections.namedtuple("Request", "action method version objects query route")

VERSIONS = (24, 56)  # minor ones of the API 1, the oldest and the newest that the routes are known of
_VERSION = re.compile(r"/v1\.([1-9][0-9])(?=/)")
_PATH = re.compile(r"/(?:[A-Za-z0-9._~:@+/-]|%[0-9A-F]{2})*\Z")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,254}\Z")
_REFERENCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:@+-]{0,254}\Z")  # a segment of an image's or a plugin's name
_MAX = 16384  # characters of a URI; engines take a megabyte
_PART = re.compile(r"(?:[A-Za-z0-9_.~!$'()*,/:@?+-]|%[0-9A-Fa-f]{2})*\Z")
_KEY = re.compile(r"[A-Za-z][A-Za-z_-]*\Z")
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
_SENT_PLAIN = re.compile(r"[A-Za-z0-9._~/-]")  # No client writes these with a percent sign in a path.


def read(method, uri):
    """Return the Request of a method and a URI as it came in the request line.

    Raises ContainmentError for what is no request that an engine has a route for, or not spelt as clients do.
    """
    if len(uri) > _MAX:
        raise _refused(uri, f"has {len(uri)} characters", f"keep to {_MAX}")
    path, _mark, text = uri.partition("?")
    if not _PATH.match(path):
        raise _refused(uri, "is no path of an engine's", "write it without a host, and as the docker command does")
    version, path = _version(uri, _decoded(uri, path))
    found = _route(method, path)
    if found is None:
        raise _refused(uri, f"is no route for {_shown(method)}", "see the reference of the Engine API")
    route, objects = found
    return Request(route[2], method, version, objects, _query(route, text), route[1])


def _refused(uri, cause, mend):
    return ContainmentError(f"request {_shown(re.split('[?#]', uri)[0])}", cause, mend)  # A query may hold secrets.


def _shown(text):
    """Return a text that a request brought along as it may stand in a log."""
    plain = "".join(one if " " < one < "\x7f" else f"\\u{ord(one):04x}" for one in text[:200])
    return plain + ("..." if len(text) > 200 else "")


def _decoded(uri, path):
    """Return a path without percent signs; refuse those that hide what clients write plainly."""
    for number in _ESCAPE.findall(path):
        if _SENT_PLAIN.match(chr(int(number, 16))) or not " " < chr(int(number, 16)) < "\x7f":
            raise _refused(uri, f"hides a character as %{number}", "write it plainly")
    return _ESCAPE.sub(lambda found: chr(int(found.group(1), 16)), path)


def _version(uri, path):
    """Return ((1, minor) or None, the path behind it)."""
    found = _VERSION.match(path)
    if found is None:
        return None, path
    minor = int(found.group(1))
    if not VERSIONS[0] <= minor <= VERSIONS[1]:
        raise _refused(
            uri, f"is of API 1.{minor}", f"use one within 1.{VERSIONS[0]} and 1.{VERSIONS[1]} (DOCKER_API_VERSION)"
        )
    return (1, minor), path[found.end() :]


def _route(method, path):
    """Return (route, {kind: name}) of a path without its version; None for none."""
    segments = path.split("/")[1:]
    for route in _TABLE.get((method, segments[0]), ()):
        objects = _objects(route, segments)
        if objects is not None:
            return route, objects
    return None


def _objects(route, segments):
    """Return {kind: name} of the segments of a path that a route stands for; None where it does not."""
    template, action = route[1].split("/")[1:], route[2]
    kind = template[1][1:-1] if len(template) > 1 else ""
    if kind in _authz_routes.LONG or action in _authz_routes.ANY_NAME:
        behind = template[2:]
        name, end = segments[1 : len(segments) - len(behind)], segments[len(segments) - len(behind) :]
        if end != behind or not name or not all(_REFERENCE.match(one) for one in name):
            return None
        return {kind: "/".join(name)}
    if len(template) != len(segments):
        return None
    objects, grammar = {}, _REFERENCE if action in _authz_routes.ANY_SEGMENT else _NAME
    for wanted, given in zip(template, segments):
        if not wanted.startswith("{"):
            if wanted != given:
                return None
        elif grammar.match(given):
            objects[wanted[1:-1]] = given
        else:
            return None
    return objects


def _query(route, text):
    """Return {parameter: text or [text]} of a query; refuse what the route does not know."""
    known, several = route[3].split(), _authz_routes.SEVERAL.get(route[2], ())
    found = {}
    for pair in text.split("&") if text else ():
        key, _sign, value = pair.partition("=")
        subject = f"parameter {_shown(key)} of {route[2]}"
        if not _KEY.match(key) or key not in known:
            mend = f"use one of {', '.join(known)}" if known else "leave it out"
            raise ContainmentError(subject, "is none that this route has", mend)
        if not _PART.match(value):
            raise ContainmentError(subject, "has characters that are not sent as they are", "encode them with %")
        try:
            plain = urllib.parse.unquote_plus(value, errors="strict")  # net/url, QueryUnescape
        except UnicodeDecodeError:
            raise ContainmentError(subject, "is not UTF-8", "encode it so") from None
        if key in several:
            found.setdefault(key, []).append(plain)
        elif key in found:
            raise ContainmentError(subject, "is there twice", "give it once")
        else:
            found[key] = plain
    return found


def _table():
    """Return {(method, first segment): [route]}, in the order of ROUTES."""
    found = {}
    for route in _authz_routes.ROUTES:
        found.setdefault((route[0], route[1].split("/")[1]), []).append(route)
    return found


_TABLE = _table()
