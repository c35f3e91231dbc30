# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All that a request asks an engine for: the action, the objects it touches, and what an envelope has to look at. Pure.

Which container a name or a part of an id stands for says a look-up that is handed in.
"""

import collections
import re

from ansible_collections.containment.docker.plugins.module_utils import (
    _authz_actions,
    _authz_binds,
    _authz_fields,
    _authz_json,
    _authz_names,
    _authz_request,
)
from ansible_collections.containment.docker.plugins.module_utils._authz_values import (
    check_length,
    is_texts,
    refused,
    shown,
)

# things: {kind: [Thing]}. envelope: of _authz_actions.ENVELOPES, or None. value: what it looks at. target: the Thing
# that is a container worked in, or changed, None for none. exec: the Exec that is gone on with, None for none.
Demand = collections.namedtuple("Demand", "action request things envelope value target exec")
# A process to be started in a container. container: its id. principal: the name of who made it.
Exec = collections.namedtuple("Exec", "id container principal")

_WITH_BODY = ("POST", "PUT")  # Engines read none of any other method that routes have (net/http, ParseForm).
_JSON = "application/json"
_STREAMS = ("application/x-tar", "application/tar", "application/octet-stream", "application/gzip", "text/plain")
_NEW_NAME = re.compile(r"/?([A-Za-z0-9][A-Za-z0-9_.-]+)\Z")
_FALSE = ("", "0", "no", "false", "none")  # moby, httputils.BoolValue
_HOST_FIELDS = frozenset(name.casefold() for name in _authz_fields.HOST)
# The fields of HostConfig in which a container may be named that something is shared with.
MODES = ("NetworkMode", "IpcMode", "PidMode", "UTSMode", "UsernsMode", "CgroupnsMode", "Cgroup")
# How many of a kind a request may name. Each name of a container may have the files of all looked at.
_CONTAINERS, _OTHERS = 64, 1024
# What every engine has, and a container is in without asking.
_OWN_NETWORKS = ("", "default", "bridge", "none")


class Thing:
    """An object that a request touches. text: as it is named, "" for what is `unnamed`. `found()` is what
    _authz_names.selects takes."""

    def __init__(self, text, look, unnamed="without a name"):
        self.text, self.unnamed, self._look, self._asked = text, unnamed, look, False
        self.known = None  # what it was found to be, None before anybody asked

    def found(self):
        """Return the object, None for one that only "*" selects. Raises ContainmentError where it cannot be told."""
        if not self._asked:
            self.known = self._look(self.text)
            self._asked = True
        return self.known


def read(method, uri, headers, body, world):
    """Return the Demand of a request as an engine tells it to a plugin.

    headers: {name: value}. body: bytes, empty where the engine shows none. world: what knows the engine's objects:
    container(text) -> Container, exec(id) -> Exec; each raises ContainmentError where there is none. Raises
    ContainmentError for what an engine may read otherwise, and for what cannot be told.
    """
    request = _authz_request.read(method, uri)
    action = _authz_actions.ACTIONS[request.action]
    value = _body(request, action.body, headers, body)
    hidden = request.method in _WITH_BODY and not body and _may_be_hidden(headers)
    return _Reader(request, action, value, world, hidden).demand()


def _body(request, kind, headers, body):
    """Return the body, an object or a list; an empty one where there is none, or where it is not shown."""
    if request.method not in _WITH_BODY:
        if body:
            raise refused("body", f"is none that {request.action} has", "send none")
        return {}
    mime = _content_type(headers)
    length = _length(headers)
    if kind in ("stream", "unseen"):
        if mime and mime not in _STREAMS and (kind == "stream" or mime != _JSON) and (body or length != 0):
            raise refused(f"Content-Type {shown(mime)}", f"is none that {request.action} has", "send an archive")
        if kind == "stream" and body:
            raise refused("body", f"is none that {request.action} has", "send an archive, or none")
        return {}
    if mime not in ("", "text/plain", _JSON):
        raise refused(f"Content-Type {shown(mime)}", "is read by engines and shown to no plugin", f"send {_JSON}")
    # Engines before 29.3.1 do not show a body of a megabyte, nor some one of which they do not know the length.
    if not body and (length or _may_be_hidden(headers)):
        raise refused("body", "is not shown by the engine", f"send less than 1 MiB, as {_JSON} and with its length")
    if kind in ("json", "list"):
        if not body:
            raise refused("body", f"is missing, and {request.action} needs one", "send it")
        if mime != _JSON:
            raise refused("Content-Type", f"is not {_JSON}", "send that")
    value = _authz_json.parse(body, list if kind == "list" else dict)
    if kind == "none" and value:
        raise refused("body", f"is none that {request.action} has", "send none")
    return value


def _may_be_hidden(headers):
    """Whether there may be a form behind headers, of whose body nothing is shown.

    Of a header that is there twice an engine tells the last (moby, pkg/authorization/authz.go), and goes by the first:
    by that it reads a form, whose parameters count before those of the query (net/http, ParseForm).
    """
    return _length(headers) != 0 and any(key.lower() == "content-type" for key in headers)


def _header(headers, name):
    return next((value for key, value in headers.items() if key.lower() == name), "")


def _content_type(headers):
    return _header(headers, "content-type").partition(";")[0].strip().lower()


def _length(headers):
    """Return the length that the request says its body has, None where it says none. Raises ContainmentError."""
    text = _header(headers, "content-length")
    if text and not re.match(r"[0-9]{1,18}\Z", text):
        raise refused(f"Content-Length {shown(text)}", "is no number", "send one")
    return int(text) if text else None


def _field(value, name, kind, empty):
    """Return a field of an object, `empty` where it has none or null. Raises ContainmentError for one of another kind,
    and for one in another spelling."""
    if not isinstance(value, dict):
        raise refused(name, "is not within an object", "see the reference of the Engine API")
    found = _authz_json.field(value, name)
    if found is None:
        return empty
    if not isinstance(found, kind):
        raise refused(name, "is of another type than the API's", "see the reference of the Engine API")
    return found


class _Reader:
    """hidden: whether parameters may come in a body that is not shown."""

    def __init__(self, request, action, value, world, hidden):
        self._request, self._value, self._world, self._hidden = request, value, world, hidden
        self._things = {kind: [] for kind in _authz_names.KINDS}
        self._added = {}  # {(kind, text, look): Thing}
        self._target = self._exec = None
        self._envelope = action.envelope

    def demand(self):
        objects, query = self._request.objects, self._request.query
        if "container" in objects:
            self._target = self._container(objects["container"])
        if "exec" in objects:
            self._exec = self._world.exec(objects["exec"])
            self._target = self._container(self._exec.container)
        if "image" in objects:
            self._image(objects["image"])
        if "network" in objects:
            self._network(objects["network"])
        if "volume" in objects:
            self._volume(objects["volume"])
        special = _SPECIAL.get(self._request.action)
        if special:
            special(self, query)
        value = query if self._request.action == "build.run" else self._value
        return Demand(
            self._request.action, self._request, self._things, self._envelope, value, self._target, self._exec
        )

    def _add(self, kind, text, look):
        """Add an object, and return its Thing. One that is named again is the same."""
        thing = self._added.get((kind, text, look))
        if thing is None:
            thing = self._added[kind, text, look] = Thing(text, look)
            self._things[kind].append(thing)
            most = _CONTAINERS if kind == "containers" else _OTHERS
            if len(self._things[kind]) > most:
                raise refused(kind, f"are more than {most}", "make several requests of it")
        return thing

    def _anything(self, kind):
        self._add(kind, "", lambda _text: None)

    def _hide(self, *kinds):
        """Take a body that is not shown for one that names anything."""
        if self._hidden:
            unnamed = "that a body may name which is not shown"
            for kind in kinds:
                self._things[kind].append(Thing("", lambda _text: None, unnamed))

    def _container(self, text):
        return self._add("containers", text, self._world.container)

    def _image(self, text):
        return self._add("images", text, _authz_names.image)

    def _new_image(self, text):
        return self._add("images", text, _authz_names.new_image)

    def _network(self, text):
        return self._add("networks", text, _authz_names.network)

    def _network_of(self, mode):
        """Add the network that a network mode names, where it names one."""
        if mode not in _OWN_NETWORKS + ("host",) and not mode.startswith("container:"):
            self._network(mode)

    def _volume(self, text):
        return self._add("volumes", text, _authz_names.volume)

    def create(self, query):
        body = self._value
        host = _field(body, "HostConfig", dict, {})
        for key, value in body.items():
            # Engines up to 26.1 take them from there, too.
            if value is not None and key.casefold() in _HOST_FIELDS:
                raise refused(shown(key), "is not within HostConfig", "write it there")
        self._new_container(query.get("name", ""), _field(body, "Labels", dict, {}))
        self._image(_field(body, "Image", str, ""))
        self._mounts(host)
        self._joined(host)
        mode = _field(host, "NetworkMode", str, "")
        self._network_of(mode)
        networking = _field(body, "NetworkingConfig", dict, {})
        for name, endpoint in _field(networking, "EndpointsConfig", dict, {}).items():
            if name not in _OWN_NETWORKS and name != mode:
                self._network(name)
            self._endpoint(endpoint or {})

    def _endpoint(self, endpoint):
        number = _field(endpoint, "NetworkID", str, "")
        if number:
            self._network(number)  # Engines take it before the name.
        for link in _texts(endpoint, "Links"):
            self._container(link.partition(":")[0].lstrip("/"))

    def _new_container(self, name, labels):
        """Add a container that is to be made. An empty name stands for one that the engine chooses."""
        texts = {key: value for key, value in labels.items() if isinstance(value, str)}

        def made(text):
            plain = _authz_names.new_container(text) if text else None
            return _authz_names.Container(None, plain, texts, _authz_names.OWN, None, None)

        self._add("containers", _new_name(name) if name else "", made)

    def _mounts(self, host):
        for text in _texts(host, "Binds"):
            bind = _authz_binds.read(text)
            if bind.source and not bind.is_path:
                self._volume(bind.source)
        mounts = _field(host, "Mounts", list, [])
        check_length(mounts, "Mounts")
        for mount in mounts:
            if not isinstance(mount, dict):
                raise refused("Mounts", "has one that is no object", "see the reference of the Engine API")
            kind, source = _field(mount, "Type", str, ""), _field(mount, "Source", str, "")
            if kind == "image":
                self._image(source)
            elif kind in ("volume", "cluster") and source:
                self._volume(source)

    def _joined(self, host):
        """Add the containers of which this one is to share something."""
        for name in MODES:
            mode = _field(host, name, str, "")
            if mode.startswith("container:"):
                self._container(mode.partition(":")[2].lstrip("/"))
        for text in _texts(host, "VolumesFrom") + _texts(host, "Links"):
            self._container(text.partition(":")[0].lstrip("/"))

    def exec(self, _query):
        if _field(self._value, "Container", str, self._target.text) not in ("", self._target.text):
            raise refused("Container", "is another one than that of the path", "leave it out")

    def start(self, query):
        if query.get("checkpoint") or query.get("checkpoint-dir"):
            self._envelope = "all"  # It goes on with whatever memory lies in a directory of the host.

    def remove(self, query):
        if query.get("link", "").strip(" ").lower() not in _FALSE:  # Python's own white space is more than Go's.
            raise refused("link", "removes a link by its alias, which names another container", "leave it out")

    def rename(self, query):
        target = self._target

        def renamed(text):
            return target.found()._replace(name=_authz_names.new_container(text))

        self._add("containers", _new_name(query.get("name", "")), renamed)

    def commit(self, query):
        self._target = self._container(query.get("container", ""))
        if query.get("repo"):
            self._new_image(_joined_name(query["repo"], query.get("tag", "")))

    def pull(self, query):
        self._hide("images")
        if query.get("fromImage"):
            self._add("images", _joined_name(query["fromImage"], query.get("tag", "")), _all_tags)
            return
        if query.get("repo"):
            self._new_image(_joined_name(query["repo"], query.get("tag", "")))
        if not query.get("repo") or query.get("fromSrc") != "-":  # The engine fetches it from wherever it is told.
            self._anything("images")

    def save(self, query):
        things = self._things["images"]
        names = [thing.text for thing in things] + query.get("names", [])
        self._things["images"] = []
        for name in names:
            self._add("images", name, _all_tags)

    def tag(self, query):
        self._new_image(_joined_name(query.get("repo", ""), query.get("tag", "")))

    def push(self, query):
        name = self._things["images"].pop().text
        self._add("images", _joined_name(name, query.get("tag", "")), _all_tags)

    def load(self, _query):
        self._anything("images")

    def build(self, query):
        self._hide("images", "networks")
        if self._hidden:
            self._envelope = "all"
        for name in query.get("t", ()):
            self._new_image(name)
        mode = query.get("networkmode", "")
        self._network_of(mode)
        if mode.startswith("container:"):
            raise refused("networkmode", "shares what a container has", "leave it out")

    def new_volume(self, _query):
        name = _field(self._value, "Name", str, "")
        if name:
            self._volume(name)
        else:
            self._anything("volumes")

    def new_network(self, _query):
        self._network(_field(self._value, "Name", str, ""))

    def connect(self, _query):
        self._container(_field(self._value, "Container", str, "").lstrip("/"))
        if self._request.action == "network.connect":
            self._endpoint(_field(self._value, "EndpointConfig", dict, {}))


_SPECIAL = {
    "container.create": _Reader.create,
    "exec.create": _Reader.exec,
    "container.start": _Reader.start,
    "container.remove": _Reader.remove,
    "container.rename": _Reader.rename,
    "image.commit": _Reader.commit,
    "image.pull": _Reader.pull,
    "image.save": _Reader.save,
    "image.tag": _Reader.tag,
    "image.push": _Reader.push,
    "image.load": _Reader.load,
    "build.run": _Reader.build,
    "volume.create": _Reader.new_volume,
    "network.create": _Reader.new_network,
    "network.connect": _Reader.connect,
    "network.disconnect": _Reader.connect,
}


def _texts(value, name):
    """Return the texts of a list, each once: there may be a hundred thousand."""
    found = _field(value, name, list, [])
    if not is_texts(found):
        raise refused(name, "is no list of texts", "see the reference of the Engine API")
    return list(dict.fromkeys(found))


def _new_name(text):
    """Return the name that a container is to be given, without a slash in front. Raises ContainmentError."""
    found = _NEW_NAME.match(text)
    if not found:
        raise refused("name", f"{shown(text)} is none that a container can have", "use letters, digits, '_.-'")
    return found.group(1)


def _joined_name(name, tag):
    """Return the name of an image of which the tag, or the digest, comes as a parameter of its own, which counts."""
    if not tag:
        return name
    if "@" in name:
        raise refused("tag", f"{shown(tag)} is given besides a digest", "leave it out")
    head, colon, tail = name.rpartition(":")
    plain = head if colon and "/" not in tail else name
    return f"{plain}@{tag}" if ":" in tag else f"{plain}:{tag}"


def _all_tags(text):
    """Return the Image of a name that stands for all tags of its repository where it has none (pull, push, save)."""
    found = _authz_names.image(text)
    tagged = "@" in text or ":" in text.rpartition("/")[2]
    return found if tagged or found.id is not None else found._replace(tag=None)
