# SPDX-License-Identifier: GPL-3.0-or-later
"""Images are named as an engine reads them, and selectors select what they say and nothing beside it."""

import pytest

from ansible_collections.containment.docker.plugins.module_utils import _authz_names as core
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

_HEX = "0123456789abcdef" * 4
_ID = f"sha256:{_HEX}"


@pytest.mark.parametrize(
    "text, repository, tag, digest",
    [
        # distribution/reference, normalize_test.go
        ("foobar", "docker.io/library/foobar", "latest", None),
        ("foobar:1.27", "docker.io/library/foobar", "1.27", None),
        ("library/foobar", "docker.io/library/foobar", "latest", None),
        ("docker.io/foobar", "docker.io/library/foobar", "latest", None),
        ("docker.io/library/foobar:latest", "docker.io/library/foobar", "latest", None),
        ("index.docker.io/foobar", "docker.io/library/foobar", "latest", None),
        ("index.docker.io/library/foobar", "docker.io/library/foobar", "latest", None),
        ("index.docker.io/foo/bar", "docker.io/foo/bar", "latest", None),
        ("foo/bar", "docker.io/foo/bar", "latest", None),
        ("foo/bar/baz", "docker.io/foo/bar/baz", "latest", None),
        ("docker.io", "docker.io/library/docker.io", "latest", None),
        ("docker.io/docker.io/a", "docker.io/docker.io/a", "latest", None),
        ("localhost", "docker.io/library/localhost", "latest", None),
        ("localhost/a", "localhost/a", "latest", None),
        ("localhost:5000/a", "localhost:5000/a", "latest", None),
        ("localhost:5000/a:b", "localhost:5000/a", "b", None),
        ("127.0.0.1:5000/a/b:c", "127.0.0.1:5000/a/b", "c", None),
        ("ghcr.io/a", "ghcr.io/a", "latest", None),
        ("Foo/bar", "Foo/bar", "latest", None),  # With a capital it is a host.
        ("docker.io.example/a", "docker.io.example/a", "latest", None),
        ("docker.io:443/a", "docker.io:443/a", "latest", None),
        ("evil.example/library/nginx", "evil.example/library/nginx", "latest", None),
        ("a:B_.-9", "docker.io/library/a", "B_.-9", None),
        (f"a:{'b' * 128}", "docker.io/library/a", "b" * 128, None),
        ("a.b_c__d---e", "docker.io/library/a.b_c__d---e", "latest", None),
        ("sha256", "docker.io/library/sha256", "latest", None),
        # The digest counts where there is a tag, too.
        (f"nginx@{_ID}", "docker.io/library/nginx", None, _ID),
        (f"nginx:1@{_ID}", "docker.io/library/nginx", None, _ID),
        (f"h:5000/nginx:1@{_ID}", "h:5000/nginx", None, _ID),
        # Only hexadecimal digits, but said to be a name.
        ("cafe:1", "docker.io/library/cafe", "1", None),
        ("library/cafe", "docker.io/library/cafe", "latest", None),
        (f"cafe@{_ID}", "docker.io/library/cafe", None, _ID),
        (f"{_HEX}:1", f"docker.io/library/{_HEX}", "1", None),
        (f"{_HEX}a:1", f"docker.io/library/{_HEX}a", "1", None),
        ("cafeg", "docker.io/library/cafeg", "latest", None),
    ],
)
def test_names_are_completed(text, repository, tag, digest):
    assert core.image(text) == core.Image(repository, tag, digest, None)


def test_an_id_is_an_id():
    assert core.image(_HEX) == core.image(_ID) == core.Image(None, None, None, _ID)


@pytest.mark.parametrize(
    "text, words",
    [
        ("cafe", "image 'cafe': may be the beginning of an id; write cafe:latest for the name"),
        ("0", "may be the beginning of an id"),
        (_HEX[:63], "may be the beginning of an id"),
        (_ID[:-1], "is a part of an id; write it in full"),
        (_ID + "0", "is a part of an id"),
        (_ID.upper().replace("SHA", "sha"), "is a part of an id"),
        ("sha256:", "is a part of an id"),
        ("sha256:latest", "is a part of an id"),
        (f"{_ID}@{_ID}", "is a part of an id"),
        (_HEX.upper(), "is no name of an image"),
        ("a@", "has a digest that is not of sha256"),
        ("a@sha256:ab", "has a digest that is not of sha256"),
        (f"a@sha512:{_HEX * 2}", "has a digest that is not of sha256"),
        (f"a@{_ID}\n", "has a digest that is not of sha256"),
        (f"a@{_ID}@{_ID}", "has a digest that is not of sha256"),
        ("a:", "has a tag that no image can have"),
        ("a:-b", "has a tag that no image can have"),
        ("a:b\n", "has a tag that no image can have"),
        ("a:b*", "has a tag that no image can have"),
        (f"a:{'b' * 129}", "has a tag that no image can have"),
        (f"a:-@{_ID}", "has a tag that no image can have"),
        ("", "is no name of an image"),
        ("A", "is no name of an image"),
        ("a\n", "is no name of an image"),
        (" a", "is no name of an image"),
        ("*", "is no name of an image"),
        ("a/*", "is no name of an image"),
        ("a/", "is no name of an image"),
        ("/a", "is no name of an image"),
        ("a//b", "is no name of an image"),
        ("h:5000/", "is no name of an image"),
        ("a/B", "is no name of an image"),
        ("a/../b", "is no name of an image"),
        ("../a", "is no name of an image"),
        ("a___b", "is no name of an image"),
        ("a.-b", "is no name of an image"),
        ("-a", "is no name of an image"),
        ("a-", "is no name of an image"),
        ("a:b:c", "is no name of an image"),
        ("https://h/a", "is no name of an image"),
        ("user:word@h/a", "is not of sha256"),
        ("-h.example/a", "is no name of an image"),
        ("\u0430bc", "image '\\u0430bc': is no name"),  # A Cyrillic letter.
        ("a/b\u0661", "is no name of an image"),  # A digit, though not of ASCII.
        ("a\x00", "is no name of an image"),
        ("a/" + "x" * 256, "is no name of an image"),
    ],
)
def test_what_is_no_image(text, words):
    with pytest.raises(ContainmentError) as told:
        core.image(text)
    assert words in str(told.value) and str(told.value).isprintable()


def test_how_long_a_name_may_be():
    assert core.image("x" * 237).repository == "docker.io/library/" + "x" * 237
    for text in ("x" * 238, "a-" * 100000, "a" + "-" * 100000, "x" * 1000000):
        with pytest.raises(ContainmentError, match="is no name") as told:
            core.image(text)
        assert len(str(told.value)) < 400


@pytest.mark.parametrize(
    "pattern, text, expected",
    [
        ("web", "web", True),
        ("web", "web1", False),
        ("web", "Web", False),
        ("*", "", True),
        ("**", "a", True),
        ("web-*", "web-", True),
        ("web-*", "web", False),
        ("web-*", "my-web-1", False),
        ("*-web", "my-web", True),
        ("*-web", "my-web-1", False),
        ("*b*", "abc", True),
        ("*b*", "acc", False),
        ("a*a", "a", False),  # One letter is not both ends.
        ("a*a", "aa", True),
        ("ab*ba", "aba", False),
        ("ab*ba", "abba", True),
        ("a*b*c", "abc", True),
        ("a*b*c", "acb", False),
        ("a*b*c", "acbc", True),
        ("a*bc*c", "abc", False),
        ("a*bc*c", "abcc", True),
        ("a*b*b*c", "abc", False),
        ("a**c", "abc", True),
        ("a.c", "abc", False),  # It is no regular expression.
        ("a?c", "abc", False),
        ("a[b]c", "abc", False),
    ],
)
def test_stars_stand_for_any_characters(pattern, text, expected):
    assert core.matches(pattern, text) is expected


def test_many_stars_take_no_time():
    assert not core.matches("*a" * 1000 + "b", "a" * 20000)


@pytest.mark.parametrize(
    "selector, text, expected",
    [
        ("nginx", "nginx", True),
        ("nginx", "docker.io/library/nginx:1.27", True),
        ("nginx", "index.docker.io/nginx", True),
        ("nginx", f"nginx@{_ID}", True),
        ("index.docker.io/nginx", "nginx", True),
        ("nginx", "evil.example/nginx", False),
        ("nginx", "evil.example/library/nginx", False),
        ("nginx", "evil/nginx", False),
        ("nginx", "nginx-evil", False),
        ("nginx", _ID, False),
        ("nginx:1.27", "nginx:1.27", True),
        ("nginx:1.27", "nginx:1.270", False),
        ("nginx:1.27", "nginx", False),
        ("nginx:latest", "nginx", True),
        ("nginx:1.*", "nginx:1.27", True),
        ("nginx:1.*", "nginx:1", False),
        ("nginx:1.27", f"nginx:1.27@{_ID}", False),  # Any digest could be behind it.
        ("nginx:*", f"nginx@{_ID}", False),
        (f"nginx@{_ID}", f"nginx@{_ID}", True),
        (f"nginx@{_ID}", f"nginx:1@{_ID}", True),
        (f"nginx@{_ID}", f"evil/nginx@{_ID}", False),
        (f"nginx@{_ID}", f"nginx@sha256:{'0' * 64}", False),
        (f"nginx@{_ID}", "nginx", False),
        (f"nginx@{_ID}", _ID, False),
        (_ID, _ID, True),
        (_ID, _HEX, True),
        (_ID, f"nginx@{_ID}", False),
        (_ID, f"sha256:{'0' * 64}", False),
        ("*", _ID, True),
        ("*", "evil.example/a", True),
        ("team/*", "team/a", True),
        ("team/*", "team/a/b:1", True),
        ("team/*", "teams/a", False),
        ("team/*", "evil.example/team/a", False),
        ("ghcr.io/team/*", "ghcr.io/team/a:1", True),
        ("ghcr.io/team/*", "ghcr.io.evil.example/team/a", False),
        ("ghcr.io/team/*", "ghcr.io/team", False),
        ("ghcr.io/*", "ghcr.io/a/b", True),
        ("ghcr.io/*/a:v*", "ghcr.io/team/a:v2", True),
        ("ghcr.io/*/a:v*", "ghcr.io/team/a:2", False),
        ("localhost:5000/*", "localhost:5000/a", True),
        ("localhost:5000/*", "localhost:50001/a", False),
        ("localhost:5000/*", "localhost/a", False),
    ],
)
def test_which_images_a_selector_selects(selector, text, expected):
    core.check("images", selector, "s")
    assert core.selects("images", selector, core.image(text), "alice") is expected


def _container(name="web", labels=None, owner=None):
    return core.Container("0" * 64, name, labels or {}, owner, None, None)


@pytest.mark.parametrize(
    "selector, container, expected",
    [
        ("*", _container(None), True),
        ("web", _container(), True),
        ("web-*", _container("web-1"), True),
        ("web-*", _container("web"), False),
        ("web", _container(None), False),
        ("label:team", _container(labels={"team": ""}), True),
        ("label:team", _container(labels={"team": "a"}), True),
        ("label:team", _container(labels={"teams": "a"}), False),
        ("label:team", _container("label:team"), False),
        ("label:team=", _container(labels={"team": ""}), True),
        ("label:team=", _container(labels={"team": "a"}), False),
        ("label:team=a", _container(labels={"team": "a"}), True),
        ("label:team=a", _container(labels={"team": "ab"}), False),
        ("label:team=a", _container(labels={"Team": "a"}), False),
        ("label:team=a=b", _container(labels={"team": "a=b"}), True),
        ("label:team=a=b", _container(labels={"team=a": "b"}), False),
        ("label:team=*", _container(labels={"team": "a"}), False),  # Stars stand for themselves in labels.
        ("label:a.b/c", _container(labels={"a.b/c": ""}), True),
        ("@own", _container(owner="alice"), True),
        ("@own", _container(owner="bob"), False),
        ("@own", _container(), False),
        ("@own", _container("@own"), False),
        ("alice", _container(owner="alice"), False),
    ],
)
def test_which_containers_a_selector_selects(selector, container, expected):
    core.check("containers", selector, "s")
    assert core.selects("containers", selector, container, "alice") is expected


def test_nobody_owns_what_nobody_made():
    assert not core.selects("containers", "@own", _container(owner=None), None)


@pytest.mark.parametrize("kind", ["networks", "volumes"])
def test_networks_and_volumes_are_selected_by_their_names(kind):
    for selector, found, expected in (("*", "a", True), ("a", "a", True), ("a-*", "a-b", True), ("a", "A", False)):
        core.check(kind, selector, "s")
        assert core.selects(kind, selector, found, "alice") is expected


@pytest.mark.parametrize(
    "kind, selector, words",
    [
        ("containers", "", "s: '' is no text; write a name, or '*' for all"),
        ("containers", None, "None is no text"),
        ("volumes", 5, "5 is no text"),
        ("images", ["a"], "['a'] is no text"),
        ("containers", "label:", "'label:' names no label; write label:KEY or label:KEY=VALUE"),
        ("containers", "label:=", "'label:=' names no label"),
        ("containers", "@owner", "'@owner' is no name"),
        ("containers", "@OWN", "'@OWN' is no name"),
        ("containers", "Label:a", "'Label:a' is no name"),
        ("containers", "/web", "'/web' is no name"),
        ("containers", "web\n", "'web\\n' is no name"),
        ("containers", "-web", "'-web' is no name"),
        ("containers", "a b", "'a b' is no name"),
        ("containers", "a" * 256, "is no name"),
        ("networks", "@own", "'@own' is no name"),
        ("volumes", "label:a", "'label:a' is no name"),
        ("volumes", "/data", "'/data' is no name"),
        ("networks", "\u0430", "is no name"),
        ("images", "@own", "'@own' is no digest"),
        ("images", "nginx@", "'nginx@' is no digest"),
        ("images", "nginx@sha256:*", "'nginx@sha256:*' is no digest; write repository@sha256:"),
        ("images", f"nginx:1@{_ID}", "is no digest"),
        ("images", "nginx:", "'nginx:' has no tag's name behind the colon; write repository:tag"),
        ("images", "nginx:-1", "has no tag's name behind the colon"),
        ("images", "NGINX", "'NGINX' is no image; write it as docker image ls does"),
        ("images", "a//b", "is no image"),
        ("images", "a/", "is no image"),
        ("images", "https://h/a", "is no image"),
        ("images", "a\n", "is no image"),
    ],
)
def test_what_is_no_selector(kind, selector, words):
    with pytest.raises(ContainmentError) as told:
        core.check(kind, selector, "s")
    assert words in str(told.value) and "\n" not in str(told.value)


@pytest.mark.parametrize("text", ["front", "bridge", "Cafe", "cafe-1", "g" * 64])
def test_networks_have_names(text):
    assert core.network(text) == text


@pytest.mark.parametrize("text", ["cafe", "0", _HEX, _HEX[:12]])
def test_networks_have_no_ids(text):
    with pytest.raises(ContainmentError, match="may be an id, or the beginning of one; write its name"):
        core.network(text)
