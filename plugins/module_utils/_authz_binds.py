# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A bind of HostConfig.Binds, as an engine reads it (moby, volume/mounts/linux_parser.go). Pure."""

import collections
import re

from ansible_collections.containment.docker.plugins.module_utils._authz_values import shown
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

# source: a path of the host, or a volume's name, "" where the engine makes one. is_path: which of these. relabels:
# whether the source is to have another SELinux label.
Bind = collections.namedtuple("Bind", "source is_path target read_only relabels")

_MODES = ("ro", "rw", "z", "Z", "nocopy", "private", "rprivate", "consistent", "cached", "delegated", "default")
_VOLUME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]+\Z")


def read(text):
    """Return the Bind of "target", "source:target" or "source:target:mode".

    Raises ContainmentError for what engines refuse, or read in two ways, and for mounts that share with the host's.
    """
    parts = text.split(":")
    if len(parts) > 3 or "" in parts[:2]:
        raise _refused(text, "is no bind", "write source:target[:mode]")
    mode = parts.pop() if len(parts) == 3 else ""
    target = parts.pop()
    source = parts.pop() if parts else ""
    modes = mode.split(",") if mode else []
    for one in modes:
        if one not in _MODES:
            raise _refused(text, "has a mode of another kind", f"use {', '.join(_MODES)}")
    if not target.startswith("/"):
        raise _refused(text, "has no path in the container", "write source:target[:mode]")
    if source.startswith("/"):
        if _is_odd(source):
            raise _refused(text, "has a path with '.', '..' or '//'", "write it without")
        return Bind(source, True, target, "ro" in modes, bool({"z", "Z"} & set(modes)))
    if source and not _VOLUME.match(source):
        raise _refused(text, "names no volume", "use letters, digits, '_', '.' and '-'")
    return Bind(source, False, target, "ro" in modes, bool({"z", "Z"} & set(modes)))


def _is_odd(path):
    plain = path[1:-1] if path.endswith("/") else path[1:]
    return path != "/" and any(part in ("", ".", "..") for part in plain.split("/"))


def _refused(text, cause, mend):
    return ContainmentError(f"HostConfig.Binds '{shown(text)}'", cause, mend)
