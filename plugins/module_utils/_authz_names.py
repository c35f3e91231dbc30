# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which objects of an engine a grant of a policy selects, by what a request calls them. Pure.

A selector is a text: "*", a name in which * stands for any characters, and of containers also "label:KEY",
"label:KEY=VALUE" and "@own", which a principal itself created. Of images it is a repository, "repository:tag",
"repository@sha256:..." or "sha256:...", the id.
"""

import collections
import functools
import re

from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

OWN = "@own"
KINDS = ("containers", "images", "networks", "volumes")
# A container that is there, or is to be made (id None). labels: {key: value}. owner: name of the principal that made
# it, None where that is not known. privileged to look into: config, host_config, as the engine keeps them, else None.
Container = collections.namedtuple("Container", "id name labels owner config host_config")
# Of an image as a request names it: repository with its registry, tag and digest, or the id alone; None for what is
# not there.
Image = collections.namedtuple("Image", "repository tag digest id")

_NAME = re.compile(r"[A-Za-z0-9*][A-Za-z0-9_.*-]{0,254}\Z")
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,254}\Z")
DIGEST = re.compile(r"sha256:[0-9a-f]{64}\Z")
_HEX = re.compile(r"[0-9a-f]+\Z")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}\Z")
_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_PATH = re.compile(r"%s(?:/%s)*\Z" % (_COMPONENT, _COMPONENT))
_DOMAIN = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::[0-9]{1,5})?\Z")
_HUB, _LIBRARY = "docker.io", "library/"


def image(text):
    """Return the Image that a request's text stands for, as an engine reads it (distribution/reference, normalize.go).

    Raises ContainmentError for what is no name of an image, and for what may be the beginning of an id.
    """
    if len(text) < 64 and _HEX.match(text):
        raise _no_image(text, "may be the beginning of an id", f"write {text}:latest for the name")
    return new_image(text)


def new_image(text):
    """Return the Image of a name that is to be given to one, which is no part of an id. Raises ContainmentError."""
    bare = "sha256:" + text if len(text) == 64 and _HEX.match(text) else text
    if bare.startswith("sha256:"):
        if not DIGEST.match(bare):
            raise _no_image(text, "is a part of an id", "write it in full")
        return Image(None, None, None, bare)
    name, at, digest = text.partition("@")
    if at and not DIGEST.match(digest):
        raise _no_image(text, "has a digest that is not of sha256", "write name@sha256:<64 hexadecimal digits>")
    repository, tag = _tagged(name)
    if tag is not None and not _TAG.match(tag):
        raise _no_image(text, "has a tag that no image can have", "see docker image ls")
    domain, path = _completed(repository)
    if not _is_repository(domain, path):
        raise _no_image(text, "is no name of an image", "see docker image ls")
    return Image(f"{domain}/{path}", None if at else tag or "latest", digest or None, None)


def _no_image(text, cause, mend):
    return ContainmentError(f"image {text[:200]!a}", cause, mend)


def _tagged(name):
    """Return (repository, tag or None)."""
    head, colon, tail = name.rpartition(":")
    return (name, None) if not colon or "/" in tail else (head, tail)


def _completed(name):
    """Return (registry, path) of a repository's name, as an engine completes it."""
    domain, slash, path = name.partition("/")
    if not slash or not ("." in domain or ":" in domain or domain == "localhost" or domain.lower() != domain):
        domain, path = _HUB, name
    if domain == "index.docker.io":
        domain = _HUB
    if domain == _HUB and "/" not in path:
        path = _LIBRARY + path
    return domain, path


def _is_repository(domain, path):
    return bool(_PATH.match(path) and _DOMAIN.match(domain)) and len(domain) + len(path) <= 254


def check(kind, selector, subject):
    """Raise ContainmentError for what is no selector of a kind. subject: what it belongs to, for sentences."""
    if not isinstance(selector, str) or not selector:
        raise ContainmentError(subject, f"{selector!r} is no text", "write a name, or '*' for all")
    if selector == "*" or (kind == "containers" and (selector == OWN or selector.startswith("label:"))):
        if selector.startswith("label:") and not selector[len("label:") :].partition("=")[0]:
            raise ContainmentError(subject, f"{selector!r} names no label", "write label:KEY or label:KEY=VALUE")
        return
    if kind == "images":
        _check_image(selector, subject)
    elif not _NAME.match(selector):
        raise ContainmentError(subject, f"{selector!r} is no name", "use letters, digits, '_', '.', '-' and '*'")


def _check_image(selector, subject):
    if DIGEST.match(selector):
        return
    repository, tag, digest, _id = _image_selector(selector)
    if digest is not None and (tag is not None or not DIGEST.match(digest)):
        raise ContainmentError(subject, f"{selector!r} is no digest", "write repository@sha256:<64 hexadecimal digits>")
    if tag is not None and not _TAG.match(tag.replace("*", "x")):
        raise ContainmentError(subject, f"{selector!r} has no tag's name behind the colon", "write repository:tag")
    domain, _slash, path = repository.partition("/")
    if selector.startswith("sha256:"):
        raise ContainmentError(subject, f"{selector!r} is no id", "write sha256:<64 hexadecimal digits>")
    if not _is_repository(domain.replace("*", "x"), path.replace("*", "x")):
        raise ContainmentError(subject, f"{selector!r} is no image", "write it as docker image ls does")


@functools.lru_cache(maxsize=1024)
def _image_selector(selector):
    """Return (repository, tag, digest, id) of a selector; repository and tag may have *."""
    if DIGEST.match(selector):
        return None, None, None, selector
    name, at, digest = selector.partition("@")
    repository, tag = _tagged(name)
    return "/".join(_completed(repository)), tag, digest if at else None, None


def matches(pattern, text):
    """Whether a text is a name in which * stands for any characters, none included."""
    if "*" not in pattern:
        return pattern == text
    first, *parts, last = pattern.split("*")
    if len(text) < len(first) + len(last) or not text.startswith(first) or not text.endswith(last):
        return False
    place, end = len(first), len(text) - len(last)
    for part in parts:
        place = text.find(part, place, end)
        if place < 0:
            return False
        place += len(part)
    return True


def selects(kind, selector, found, principal):
    """Whether a selector selects an object: a Container, an Image, or the name of a network or a volume."""
    if selector == "*":
        return True
    if kind == "containers":
        return _selects_container(selector, found, principal)
    if kind == "images":
        return _selects_image(selector, found)
    return matches(selector, found)


def _selects_container(selector, found, principal):
    if selector == OWN:
        return found.owner is not None and found.owner == principal
    if selector.startswith("label:"):
        key, sign, value = selector[len("label:") :].partition("=")
        return key in found.labels and (not sign or found.labels[key] == value)
    return found.name is not None and matches(selector, found.name)


def _selects_image(selector, found):
    repository, tag, digest, number = _image_selector(selector)
    if number is not None or found.id is not None:
        return number == found.id
    if not matches(repository, found.repository):
        return False
    if digest is not None:
        return digest == found.digest
    return tag is None or (found.tag is not None and matches(tag, found.tag))


def network(text):
    """Return the name of a network that a request names. Raises ContainmentError for none that a selector may have.

    An engine looks for an id, then for a name, then for a part of an id: what may be one is refused, too.
    """
    if _HEX.match(text):
        raise ContainmentError(f"network {text[:64]}", "may be an id, or the beginning of one", "write its name")
    return _plain("network", text)


def new_container(text):
    """Return a name that a container is to be given. Raises ContainmentError for none that a selector may have.

    While nobody has it, for a moment of a rename, an engine looks for an id that begins so.
    """
    if _HEX.match(text):
        raise ContainmentError(f"container {text[:64]}", "may be the beginning of an id", "use a letter beyond f, or _")
    return text


def volume(text):
    """Return the name of a volume that a request names. Raises ContainmentError for none that a selector may have."""
    return _plain("volume", text)


def _plain(kind, text):
    if not _PLAIN.match(text):
        raise ContainmentError(f"{kind} {text[:80]!a}", "is no plain name", "use letters, digits, '_', '.' and '-'")
    return text
