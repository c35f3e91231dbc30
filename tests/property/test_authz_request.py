# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever is accepted is what an engine makes of it, whichever of its routes it looks at first.

The engine is a model here: its patterns of paths (moby, daemon/server/router) and what gorilla/mux does before it looks
at them.
"""

import posixpath
import re
import urllib.parse

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from ansible_collections.containment.docker.plugins.module_utils import _authz_request as core
from ansible_collections.containment.docker.plugins.module_utils import _authz_routes
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

# Kinds whose pattern takes one segment; all others take anything, slashes too.
ONE = ("node", "service", "task", "secret", "config", "checkpoint", "profile")


# The one route whose name is not empty, beside one that ends there (moby, api/server/router/network, {id:.+}).
FILLED = ("GET", "/networks/{network}")


def pattern(method, path):
    def part(found):
        if found.group(1) in ONE:
            return "([^/]+)"
        return "(.+)" if (method, path) == FILLED else "(.*)"

    return re.compile(r"(?:/v([0-9.]+))?" + re.sub(r"\\\{(\w+)\\\}", part, re.escape(path)), re.DOTALL)


ENGINE = [(method, pattern(method, path), action) for method, path, action, _query in _authz_routes.ROUTES]


def engine(method, uri):
    """Return [(action, names)] of the routes that an engine has for a request, [] where it redirects."""
    path = urllib.parse.unquote(uri.partition("?")[0], errors="surrogateescape")
    clean = posixpath.normpath(path) + ("/" if path.endswith("/") and path != "/" else "")
    if clean != path:
        return []
    matches = [(action, found.fullmatch(path)) for one, found, action in ENGINE if one == method]
    return [(action, match.groups()) for action, match in matches if match]


NAMES = st.one_of(
    st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,9}", fullmatch=True),
    st.sampled_from(
        ["json", "create", "prune", "get", "a/b", "a/json", "..", ".", "", "%2e%2e", "a%2Fjson", "a:1", "a@b", "é"]
    ),
    st.text(max_size=5),
)


@st.composite
def uris(draw):
    _method, path, _action, _query = draw(st.sampled_from(_authz_routes.ROUTES))
    path = re.sub(r"\{\w+\}", lambda _found: draw(NAMES), path)
    if draw(st.booleans()):  # Something is put in somewhere.
        place = draw(st.integers(0, len(path)))
        path = (
            path[:place]
            + draw(st.sampled_from(["/", "//", "/.", "/json", "%2F", "%6a", ";", "\x00", "%"]))
            + path[place:]
        )
    version = draw(st.sampled_from(["", "/v1.24", "/v1.41", "/v1.54", "/v1.23", "/v1.4.1", "/v", "/v1.41/v1.41"]))
    return version + path


@settings(suppress_health_check=[HealthCheck.too_slow])  # The model's patterns are compiled with the first ones.
@given(st.sampled_from(["GET", "HEAD", "POST", "PUT", "DELETE"]), uris())
@example("DELETE", "/containers/a/checkpoints/b")
@example("GET", "/images/a/json/history")
@example("GET", "/networks/")
def test_what_is_accepted_is_what_an_engine_does(method, uri):
    try:
        found = core.read(method, uri)
    except ContainmentError:
        return
    told = engine(method, uri)
    actions = {action for action, _names in told}
    # An engine looks at checkpoints first (moby, cmd/dockerd, initRouter).
    assert actions in ({found.action}, {"checkpoint.remove", "container.remove"}) and found.action in actions
    names = next(names for action, names in told if action == found.action)
    assert list(names) == [found.version and "1.%d" % found.version[1], *found.objects.values()]


@given(st.sampled_from(_authz_routes.ROUTES), st.data())
def test_every_route_is_read(route, data):
    method, path, action, query = route
    name = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,20}", fullmatch=True)
    objects = {kind: data.draw(name) for kind in re.findall(r"\{(\w+)\}", path)}
    known = data.draw(st.lists(st.sampled_from(query.split()), unique=True)) if query else []
    wanted = {one: data.draw(st.text(max_size=8).filter(lambda text: text.isprintable())) for one in known}
    uri = "/v1.45" + path.format(**objects) + ("?" + urllib.parse.urlencode(wanted) if wanted else "")
    found = core.read(method, uri)
    several = _authz_routes.SEVERAL.get(action, ())
    assert found.objects == objects and found.action == action
    assert found.query == {key: [value] if key in several else value for key, value in wanted.items()}


@given(st.text(max_size=30), st.text(max_size=60))
def test_nothing_but_a_refusal_comes_of_anything_else(method, uri):
    for one in (uri, "/" + uri, "/v1.41/containers/" + uri, "/containers/json?" + uri):
        try:
            assert core.read(method, one).method == method
        except ContainmentError as refused:
            assert "\n" not in str(refused)
