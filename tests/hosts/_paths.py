# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the harness keeps its files. CONTAINMENT_CACHE moves them, so that several clones can share built trees."""

import os
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
CACHE = Path(os.environ.get("CONTAINMENT_CACHE") or CHECKOUT / ".cache").resolve()
TREES = CACHE / "trees"
HOSTS = CACHE / "hosts"
COLLECTIONS = CHECKOUT / ".cache" / "collections"


class NotPossible(Exception):
    """This machine cannot run throwaway hosts; the text is one sentence that says why."""


def make_private(folder):
    """Make a folder that only root may enter: trees hold set-uid files and hosts hold other users' files."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    return folder
