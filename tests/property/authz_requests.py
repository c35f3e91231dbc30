# SPDX-License-Identifier: GPL-3.0-or-later
"""Draws requests to an engine, good ones and bad ones."""

import json
import re
import urllib.parse

from ansible_collections.containment.docker.plugins.module_utils import (
    _authz_actions,
    _authz_fields,
    _authz_routes,
)
from tests.property import authz_samples as samples
from tests.property.authz_opa import SHOWN, Sent


def compact(value):
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "replace")


def escaped(value):
    """Return the text that Go writes for a value (encoding/json, HTML-safe)."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    for one in "<>&\u2028\u2029":
        text = text.replace(one, f"\\u{ord(one):04x}")
    return text.encode("utf-8", "replace")


def create(user, value, raw=None, mime="application/json"):
    """Return a request to create a container. user: as of Sent. raw: how the body is spelt, else as Go does."""
    raw = escaped(value) if raw is None else raw
    headers = {"Content-Type": mime, "Content-Length": str(len(raw))}
    return Sent(user, "POST", "/v1.45/containers/create", headers, raw)


class Requests:
    """Draws requests. draw: a random.Random."""

    def __init__(self, draw):
        self._draw = draw

    def any(self, values):
        """Return one of a list."""
        return self._draw.choice(values)

    def _rarely(self, share):
        return self._draw.random() < share

    def sent(self, policy):
        """Return the next request, most often of somebody whom the policy knows."""
        method, path, action, query = self._route()
        uri = self._version() + self._path(path) + self._query(action, query.split())
        if self._rarely(0.02):
            place = self._draw.randrange(len(uri))
            uri = (
                uri[:place]
                + self.any(["/", "//", "%2F", "%6a", "%25", "?", "&x=1", "..", "é", "#", "%", "%ff"])
                + uri[place:]
            )
        if self._rarely(0.02):
            method = self.any(["GET", "POST", "PUT", "DELETE", "HEAD", "PATCH"])
        raw, headers = self._body(method, action)
        known = [one.get("cn") for one in policy["principals"]]
        user = self.any(samples.STRANGERS if self._rarely(0.05) else known)
        return Sent(user, method, uri, headers, raw)

    def _route(self):
        if self._rarely(0.4):
            action = self.any(
                ["container.create"] * 9 + [*samples.BODIES, "build.run", "image.pull", "image.tag", "container.rename"]
            )
            return self.any([one for one in _authz_routes.ROUTES if one[2] == action])
        return self.any(_authz_routes.ROUTES)

    def _version(self):
        return self.any(["", "/v1.24", "/v1.41", "/v1.45", "/v1.56"] * 5 + ["/v1.23", "/v1.57", "/v2.0", "/v1.4.1"])

    def _path(self, path):
        def drawn(found):
            name = self.any(samples.OBJECTS.get(found.group(1), ["n1", "web"]))
            return urllib.parse.quote(name, safe="/:@")

        return re.sub(r"\{(\w+)\}", drawn, path)

    def _query(self, action, known):
        pairs = []
        wanted = {"container.rename": ["name"], "image.tag": ["repo"], "image.commit": ["container"]}.get(action, [])
        for name in known:
            if name in wanted or self._rarely(0.25 if name in samples.PARAMETERS else 0.1):
                values = samples.PARAMETERS.get(name, ["1", "a b", "é", "{}"])
                pairs.append((name, self.any(values)))
                if self._rarely(0.1):
                    pairs.append((name, self.any(values)))
        if self._rarely(0.02):
            pairs.append((self.any(["x", "Name", "name", "t", "privileged"]), "1"))
        text = urllib.parse.urlencode(pairs) if self._rarely(0.5) else urllib.parse.urlencode(pairs, safe="/:,()$")
        return "?" + text if text or self._rarely(0.02) else ""

    def _body(self, method, action):
        kind = _authz_actions.ACTIONS[action].body
        if kind == "list":
            value = self.any([[], [{"Name": "network", "Value": ["host"]}]] * 3 + [None])
        elif action in samples.BODIES and (kind == "json" or self._rarely(0.5)):
            value = self._object(samples.BODIES[action], ())
        elif kind == "json" or (kind in ("maybe", "unseen", "none") and self._rarely(0.2)):
            value = self.any([{}, {}, {}, {"a": 1}] * 3 + [None])
        else:
            return self.any(
                [(b"", {}), (b"", {"Content-Length": "0"}), (b"", {"Content-Type": "text/plain"}), self._stream()]
            )
        raw = self._spelt(value)
        headers = {"Content-Type": "application/json", "Content-Length": str(len(raw))}
        if self._rarely(0.03):
            headers["Content-Type"] = self.any(
                [
                    "application/json; charset=utf-8",
                    "Application/JSON",
                    "text/plain",
                    "application/x-www-form-urlencoded",
                ]
            )
        if self._rarely(0.02):
            del headers[self.any(sorted(headers))]
        if self._rarely(0.01) and method in ("POST", "PUT"):
            raw = b" " * SHOWN + raw
            headers["Content-Length"] = str(len(raw))
        return raw, headers

    def _stream(self):
        mime = self.any(
            ["application/x-tar", "application/octet-stream", "text/plain", "application/json", "text/html"]
        )
        raw = bytes(self.any([0, 9]))
        return raw, {"Content-Type": mime, "Content-Length": self.any([str(len(raw))] * 9 + ["+1"])}

    def _spelt(self, value):
        way = self._draw.random()
        if way < 0.6:
            return escaped(value) + self.any([b"", b"\n"])
        if way < 0.8:
            return compact(value)
        if way < 0.9:
            return json.dumps(value).encode()
        if way < 0.93:
            return json.dumps(value, indent=1).encode()
        if way < 0.97 and isinstance(value, dict) and value:
            again = self.any(sorted(value))
            return b"{" + compact(again) + b":" + self.any([b"{}", b"1", b"null"]) + b"," + compact(value)[1:]
        return self.any(
            [compact(value) + b"{}", compact(value)[:-1], b"\xff" + compact(value), b"NaN", b"null", b"[]", b"1"]
        )

    def _object(self, fields, place):
        """Return an object with some fields of a table, most of them as they should be."""
        found = {}
        for name in self._draw.sample(sorted(fields), self._draw.randint(0, min(4, len(fields)))):
            found[name] = self._field(name, fields[name], place)
        if fields is _authz_fields.CREATE:
            found["Image"] = self.any(
                [*samples.IMAGES[:8], f"pinned@{samples.DIGEST}", f"pinned@{samples.DIGEST}", *samples.IMAGES[:3]]
            )
            if self._rarely(0.5):
                found["HostConfig"] = self._object(_authz_fields.HOST, ())
            host = found.get("HostConfig", {})
            if isinstance(host, dict) and self._rarely(0.3):
                closed = {"CapDrop": ["ALL"], "SecurityOpt": ["no-new-privileges"]}
                found.update(User="1000", HostConfig=dict(host, **closed))
        if "Container" in fields and fields is not _authz_fields.EXEC:
            found["Container"] = self.any([*samples.CONTAINERS, "/web", "a/b", ""])
        if self._rarely(0.04) and found:
            name = self.any(sorted(found))
            found[self.any([name.lower(), name + "x", "é", name.replace("s", "\u017f")])] = self.any(
                [None, found[name]]
            )
        return found

    def _field(self, name, kind, place):
        if self._rarely(0.06):
            return self.any(samples.ODD)
        if kind == "rule" or name in ("Mounts", "LogConfig"):
            return self.any(samples.RULED[name])
        if name == "Name":
            return self.any([*samples.VOLUMES, *samples.NETWORKS, ""])
        if name == "Links":
            return self.any([[], ["web:x"], ["/app"], ["other:y"]])
        if isinstance(kind, str):
            return self.any(samples.TYPED[kind])
        if isinstance(kind, list):
            return [self._object(kind[0], ()) for _number in range(self._draw.randint(0, 2))]
        if "*" in kind:
            return {
                self.any(samples.NETWORKS): self.any([None, {}, self._object(kind["*"], ()), ""])
                for _number in range(2)
            }
        return self._object(kind, ())
