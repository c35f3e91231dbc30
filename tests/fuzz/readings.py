# SPDX-License-Identifier: GPL-3.0-or-later
"""What the plugin makes of a request, what Go does, and where the one allows what the other understands as more."""

import base64
import json
import re
import subprocess

from ansible_collections.containment.docker.plugins.module_utils import (
    _authz_actions,
    _authz_decide,
    _authz_demand,
    _authz_json,
    _authz_message,
    _authz_names,
    _authz_policy,
    _authz_request,
    _authz_routes,
)
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError


def _policy(envelope, names):
    """Return the policy of somebody who may do everything within an envelope, to what has some names."""
    role = {"name": "some", "grants": [dict(names, actions=["*"], envelope=envelope)]}
    value = {"format": 1, "principals": [{"name": "somebody", "socket": True, "roles": ["some"]}], "roles": [role]}
    return _authz_policy.read(json.dumps(value).encode())


# Whoever may do everything to everything, within the envelope.
POLICY = _policy("unprivileged", {kind: ["*"] for kind in _authz_names.KINDS})
# Whoever may do everything, but to images, networks and volumes of some names alone.
NARROW = _policy("privileged", {"containers": ["*"], "images": ["foobar"], "networks": ["net"], "volumes": ["data"]})
# Actions whose parameters name nothing and give nothing of the host, so that it does not matter what a form says.
_IDLE = ("container.attach", "container.archive.write", "system.auth")
# Those that whoever has a privileged envelope may do with everything.
_ROOT = [action for action, its in _authz_actions.ACTIONS.items() if its.envelope == "all"]
# {action: kinds of reading.go that engines read its body as}, where the plugin looks at it. The old form of a create is
# that of engines up to 26.1.
KINDS = {
    "container.create": ("create", "old-create"),
    "container.update": ("update",),
    "exec.create": ("exec",),
    "image.commit": ("commit",),
    "network.connect": ("connect",),
    "network.create": ("network",),
    "network.disconnect": ("disconnect",),
    "volume.create": ("volume",),
}
# Fields with objects whose keys are not the API's, so that each of them counts.
_MAPS = ("Annotations", "Config", "DriverOpts", "EndpointsConfig", "ExposedPorts", "Labels", "Options", "PortBindings")
_MAPS += ("StorageOpt", "Sysctls", "Tmpfs", "Volumes")
_WORDS = ("CapAdd", "CapDrop", "Cmd", "Entrypoint", "Shell")  # a text stands for a list of one
_ANY = ("container", "exec", "image", "network", "plugin", "volume")  # {name:.*} in moby's routers, others {name}


class World:
    """A test double of an engine's objects: containers are there and plain, an exec is one's own."""

    def container(self, text):
        if not re.match(r"[A-Za-z0-9][A-Za-z0-9_.-]*\Z", text):
            raise ContainmentError(f"container {text!a}", "is none that is there", "see docker ps -a")
        return _authz_names.Container("a" * 64, text, {}, None, {}, {})

    def exec(self, number):
        return _authz_demand.Exec(number, "a" * 64, "somebody")


# What a request may say of its body: its type, None for nothing, and its length, of what it is.
TYPES = (None, "", "text/plain", "application/x-tar", "application/json", "application/json; charset=utf-8")
TYPES += ("application/x-www-form-urlencoded", "multipart/form-data; boundary=a")
LENGTHS = (lambda _body: None, lambda _body: 0, len, lambda body: len(body) + 1)


def message(method, uri, body, headers=None):
    """Return the Message of a request, as an engine tells it: a body of JSON is shown whole, no other one is.

    headers: those of JSON where none are given.
    """
    if headers is None:
        headers = {"Content-Type": "application/json", "Content-Length": str(len(body))} if body else {}
    seen = body if headers.get("Content-Type", "").partition(";")[0] == "application/json" else b""
    return _authz_message.Message("", method, uri, headers, seen, [], 0, b"")


def headers(kind, length, body):
    """Return the headers of one of the TYPES and one of the LENGTHS, by number."""
    found = {"Content-Type": TYPES[kind % len(TYPES)], "Content-Length": LENGTHS[length % len(LENGTHS)](body)}
    return {key: str(value) for key, value in found.items() if value is not None}


def decide(method, uri, body):
    """Return the Decision on a request of whoever may do all within the envelope `unprivileged`."""
    return _authz_decide.decide(POLICY, message(method, uri, body), World())


class Reading:
    """A program of reading.go that runs. To be closed."""

    def __init__(self, program):
        self._process = subprocess.Popen([str(program)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        templates = [[method, _template(method, path)] for method, path, _action, _query in _authz_routes.ROUTES]
        self.ask("routes", json.dumps(templates).encode())

    def ask(self, kind, data):
        """Return (value, "") of what Go understood, (None, its words) where it refuses."""
        self._process.stdin.write(b"%s %d\n" % (kind.encode(), len(data)) + data)
        self._process.stdin.flush()
        told = json.loads(self._process.stdout.readline().decode("utf-8"))
        return told.get("value"), told.get("error", "")

    def close(self):
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait(10)


def _template(method, path):
    """Return a route's path as gorilla/mux is given it."""
    if (method, path) == ("GET", "/networks/{network}"):
        return "/networks/{network:.+}"
    return re.sub(r"\{(%s)\}" % "|".join(_ANY), r"{\1:.*}", path)


def in_any(reading, data):
    """Return how a text that the plugin takes for JSON differs from Go's reading of it, "" where it does not."""
    try:
        ours = _authz_json.parse(data)
    except ContainmentError:
        return ""
    theirs, error = reading.ask("any", data)
    if error or (theirs or {}) == ours:
        return ""
    return f"{data!r}: the plugin reads {ours!a}, Go {theirs!a}"


def in_request(reading, method, uri):
    """Return how a request line that the plugin takes differs from what an engine makes of it, "" where it does not."""
    try:
        ours = _authz_request.read(method, uri)
    except ContainmentError:
        return ""
    theirs, error = reading.ask("request", f"{method} {uri}".encode("utf-8", "surrogateescape"))
    if error:
        return ""
    routes = [(_authz_routes.ROUTES[one["Route"]][2], one["Names"]) for one in theirs["Matches"]]
    actions = {action for action, _names in routes}
    # An engine looks at checkpoints first (moby, cmd/dockerd, initRouter).
    if actions not in ({ours.action}, {"checkpoint.remove", "container.remove"}) or ours.action not in actions:
        return f"{method} {uri!a}: the plugin reads {ours.action}, Go {sorted(actions)}"
    version = {"version": "1.%d" % ours.version[1]} if ours.version else {}
    if not any(dict(ours.objects, **version) == names for action, names in routes if action == ours.action):
        return f"{method} {uri!a}: the plugin reads {ours.objects}, Go {routes}"
    several = _authz_routes.SEVERAL.get(ours.action, ())
    query = {key: value if key in several else [value] for key, value in ours.query.items()}
    told = {key: [base64.b64decode(one) for one in values] for key, values in theirs["Query"].items()}
    if {key: [one.encode("utf-8") for one in values] for key, values in query.items()} != told:
        return f"{method} {uri!a}: the plugin reads {query!a}, Go {told!a}"
    return ""


def in_body(reading, method, uri, body):
    """Return how a request that the plugin allows is more, as Go understands it, than the plugin saw; "" for no more.

    Also where the decision on what Go understood, written anew, is another one.
    """
    found = decide(method, uri, body)
    if found.verdict != _authz_decide.ALLOW:
        return ""
    if _authz_actions.ACTIONS[found.demand.action].body in ("stream", "unseen"):
        return ""  # It may be anything: nothing depends on it.
    again = _changed(found, method, uri, json.dumps(_authz_json.parse(body), sort_keys=True).encode(), body)
    if again:
        return f"written anew, {again}"
    for kind in KINDS.get(found.demand.action, ()) if body else ():
        theirs, error = reading.ask(kind, body)
        if error:
            continue
        place = _difference(_authz_json.parse(body), theirs, name="")
        if place:
            return f"{method} {uri!a} {body!r}: Go reads another {place} ({kind})"
        again = _changed(found, method, uri, json.dumps(theirs).encode(), body)
        if again:
            return f"as Go understood it ({kind}), {again}"
    return ""


def in_headers(method, uri, body, sent):
    """Return how a request is allowed though engines may take what it asks for from a body that nobody sees, "" for no
    way. sent: its headers.

    Of two types an engine tells the last, and by the first, that of a form, it takes the parameters from the body.
    """
    asked = message(method, uri, body, sent)
    if method not in ("POST", "PUT") or asked.body or "Content-Type" not in sent or sent.get("Content-Length") == "0":
        return ""
    for policy, harmless in ((POLICY, (*_IDLE, "image.pull", "image.load")), (NARROW, (*_IDLE, *_ROOT))):
        found = _authz_decide.decide(policy, asked, World())
        if found.verdict == _authz_decide.ALLOW and found.demand.action not in harmless:
            return f"{method} {uri!a} {sent}: {found.demand.action} is allowed, whatever a form says"
    return ""


def _changed(found, method, uri, data, body):
    """Return how the decision on a body that was allowed is another one once it is written as `data`, "" for none."""
    if not body:
        return ""
    other = decide(method, uri, data)
    if other.verdict != found.verdict or _things(other) != _things(found):
        return f"{method} {uri!a} {body!r} is decided in another way: {other.reason or _things(other)}"
    return ""


def _things(found):
    return {kind: sorted(one.text for one in things) for kind, things in found.demand.things.items()}


def _difference(ours, theirs, name, place="body"):
    """Return the place of the first thing that Go read and the plugin otherwise, "" for none. name: of its field."""
    if name in _WORDS and isinstance(ours, str):
        ours = [ours]
    if name == "ConsoleSize" and isinstance(ours, list):
        ours = (ours + [0, 0])[:2]  # of a fixed length in Go
    if isinstance(theirs, dict) and (ours is None or isinstance(ours, dict)):
        ours = ours or {}
        if name in _MAPS and set(ours) != set(theirs):
            return place
        found = (
            _difference(ours.get(key), value, "" if name in _MAPS else key, f"{place}.{key}")
            for key, value in theirs.items()
        )
    elif isinstance(theirs, list) and isinstance(ours, list) and len(theirs) == len(ours):
        found = (_difference(*pair, "", f"{place}[]") for pair in zip(ours, theirs))
    elif ours is None:  # What is not given is empty in Go.
        return "" if theirs in (None, "", 0, False, [], [0, 0]) else place
    else:
        return "" if type(ours) is type(theirs) and ours == theirs else place
    return next(filter(None, found), "")
