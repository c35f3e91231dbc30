# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Streams images from one engine into another, without a copy in between."""

import time
import urllib.parse

from ansible_collections.containment.docker.plugins.module_utils import _migration_plan
from ansible_collections.containment.docker.plugins.module_utils._engine_api import Engine, EngineError
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

_PIECE = 1024 * 1024
_SILENCE = 600  # seconds without a byte: an engine reads a large layer before it answers


def carry(socket, other, images, report):
    """Have the engine `other` hold `images` of the engine that serves on `socket`; only what is missing is streamed.

    images: [{"id", "tags", "size", "same_id": whether its id stays what it is}]. report: called with (images done, part
    of the bytes). Return ({id here: id there}, bytes that were streamed, seconds that took). Raises ContainmentError.
    """
    report.begin("images")
    began, streamed = time.monotonic(), [0]
    known = {image["id"]: _held(other, image) for image in images}
    missing = [image for image in images if known[image["id"]] is None]
    total = sum(image["size"] for image in missing) or 1

    def tell(size):
        streamed[0] += size
        report(sum(there is not None for there in known.values()), min(1.0, streamed[0] / total))

    for batch in _migration_plan.batches(missing):
        _stream(socket, other, batch, tell)
        for image in batch:
            known[image["id"]] = _held(other, image)
            if known[image["id"]] is None:
                raise ContainmentError(
                    f"image {(image['tags'] or [image['id']])[0]}",
                    "was streamed into the new graph root and is not there",
                    "look into the engine's log, or remove the image",
                )
    return known, streamed[0], time.monotonic() - began


def _held(other, image):
    """Return the id under which an engine has an image with all its tags, None where it has not."""
    found = {identity(other, name) for name in image["tags"] or [image["id"]]}
    there = found.pop()
    # One that another image has taken a tag of is streamed again, and takes it back.
    return there if not found and (there == image["id"] or not image["same_id"]) else None


def identity(engine, name):
    """Return the id of the image that a name stands for, None where there is none."""
    try:
        return engine.json("GET", f"/images/{urllib.parse.quote(name, safe='/:@')}/json")["Id"]
    except EngineError as error:
        if error.status == 404:
            return None
        raise


def _stream(socket, other, batch, tell):
    """Stream some images. tell: called with the bytes of each piece."""
    names = tuple(name for image in batch for name in image["tags"] or [image["id"]])

    def pieces(answer):
        while True:
            piece = answer.read(_PIECE)
            if not piece:
                return
            tell(len(piece))
            yield piece

    with Engine(socket, timeout=_SILENCE) as engine:
        answer = engine.request("GET", "/images/get", {"names": names}, stream=True)
        try:
            other.progress("POST", "/images/load", {"quiet": True}, body=pieces(answer), timeout=_SILENCE)
        finally:
            answer.close()
