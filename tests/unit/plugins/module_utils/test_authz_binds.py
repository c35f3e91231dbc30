# SPDX-License-Identifier: GPL-3.0-or-later
"""Binds are read as an engine reads them, and refused where they reach further."""

import pytest

from ansible_collections.containment.docker.plugins.module_utils import _authz_binds as core
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError


@pytest.mark.parametrize(
    "text, source, is_path, target, read_only",
    [
        ("/data", "", False, "/data", False),
        ("data:/data", "data", False, "/data", False),
        ("data:/data:ro", "data", False, "/data", True),
        ("a_.-9:/b", "a_.-9", False, "/b", False),
        ("data:/data:nocopy", "data", False, "/data", False),
        ("/a:/b", "/a", True, "/b", False),
        ("/a:/b:", "/a", True, "/b", False),
        ("/a:/b:rw", "/a", True, "/b", False),
        ("/a:/b:ro", "/a", True, "/b", True),
        ("/a:/b:Z,ro", "/a", True, "/b", True),
        ("/a:/b:z", "/a", True, "/b", False),
        ("/a:/b:ro,rprivate,cached", "/a", True, "/b", True),
        ("/:/host:ro", "/", True, "/host", True),
        ("/a/:/b", "/a/", True, "/b", False),
        ("/a/...:/b", "/a/...", True, "/b", False),
        ("/a b/.c:/b", "/a b/.c", True, "/b", False),
        ("/var/run/docker.sock:/var/run/docker.sock", *("/var/run/docker.sock", True, "/var/run/docker.sock", False)),
        ("/\u00e9:/b", "/\u00e9", True, "/b", False),
    ],
)
def test_what_engines_read(text, source, is_path, target, read_only):
    assert core.read(text) == core.Bind(source, is_path, target, read_only, "z" in text.lower().partition("b:")[2])


@pytest.mark.parametrize("text", ["//a:/b", "/a//:/b", "//:/b", "/a//b:/b"])
def test_doubled_slashes(text):
    with pytest.raises(ContainmentError, match="has a path with"):
        core.read(text)


@pytest.mark.parametrize(
    "text, words",
    [
        ("", "HostConfig.Binds '': is no bind; write source:target[:mode]"),
        (":", "is no bind"),
        (":/b", "is no bind"),
        ("/a:", "is no bind"),
        ("::", "is no bind"),
        ("/a::ro", "is no bind"),
        ("/a:/b:ro:", "is no bind"),
        ("/a:/b:/c:ro", "is no bind"),
        ("a", "has no path in the container"),
        ("/a:ro", "has no path in the container"),
        ("a:b", "has no path in the container"),
        ("/a:./b", "has no path in the container"),
        ("/a: /b", "has no path in the container"),
        ("/a:/b:shared", "has a mode of another kind; use ro, rw,"),
        ("/a:/b:rshared", "has a mode of another kind"),
        ("/a:/b:ro,rshared", "has a mode of another kind"),
        ("/a:/b:RO", "has a mode of another kind"),
        ("/a:/b: ro", "has a mode of another kind"),
        ("/a:/b:ro,", "has a mode of another kind"),
        ("/a:/b:,", "has a mode of another kind"),
        ("/a:/b:/c", "has a mode of another kind"),
        ("C:\\a:/b", "has a mode of another kind"),
        ("/..:/b", "has a path with '.', '..' or '//'; write it without"),
        ("/a/../etc:/b", "has a path with"),
        ("/a/..:/b", "has a path with"),
        ("/./a:/b", "has a path with"),
        ("/a/.:/b", "has a path with"),
        ("/a//b:/b", "has a path with"),
        ("//:/b", "has a path with"),
        ("../a:/b", "names no volume; use letters"),
        ("./a:/b", "names no volume"),
        ("~/a:/b", "names no volume"),
        ("a/b:/b", "names no volume"),
        ("a:/b", "names no volume"),  # Engines want two characters.
        ("-ab:/b", "names no volume"),
        (" /a:/b", "names no volume"),
        ("ab\n:/b", "HostConfig.Binds 'ab\\u000a:/b': names no volume"),
        ("\u0430b:/b", "names no volume"),
    ],
)
def test_what_is_refused(text, words):
    with pytest.raises(ContainmentError) as told:
        core.read(text)
    assert words in str(told.value) and str(told.value).isprintable()


def test_how_much_of_a_bind_is_shown():
    with pytest.raises(ContainmentError) as told:
        core.read("a" * 100000)
    assert len(str(told.value)) < 300
