# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What makes an idmapped mount last, and who could misuse it. Pure."""

import json
import re

from ansible_collections.containment.docker.plugins.module_utils import _conflicts, _mountinfo
from ansible_collections.containment.docker.plugins.module_utils._errors import UnmappableError

PROGRAM = "/usr/local/lib/containment/idmap.py"
DESCRIPTIONS = "/etc/containment/idmap"
SCRIPT = "/etc/init.d/containment-idmap"
_UNITS = "/etc/systemd/system"

_SCRIPT = """#!/bin/sh
### BEGIN INIT INFO
# Provides:          containment-idmap
# Required-Start:    $local_fs
# Required-Stop:     $local_fs
# X-Start-Before:    docker
# X-Stop-After:      docker
# Default-Start:     2 3 4 5
# Default-Stop:      0 1 6
# Short-Description: Idmapped mounts for containers
### END INIT INFO
# chkconfig: 2345 94 6
# Written by containment.docker.volume_idmap.
case $1 in
    start) act=mount ;;
    stop) act=unmount ;;
    *) echo "usage: $0 start|stop" >&2; exit 2 ;;
esac
code=0
for file in DESCRIPTIONS/*.json; do
    [ ! -e "$file" ] || PYTHON -I -S PROGRAM "$act" "$file" || code=1
done
exit "$code"
"""


def name(path):
    """Return a real path as systemd-escape --path writes it (systemd.unit(5)): a name for files and units."""
    text = path.strip("/") or "/"

    def escaped(match):
        one = match.group(0)
        return "-" if one == "/" else "".join("\\x%02x" % byte for byte in one.encode("utf-8", "surrogateescape"))

    return re.sub(r"\A\.|[^A-Za-z0-9:_.]", escaped, text) if text != "/" else "-"


def refuse_long(path):
    """Raise UnmappableError for a path of which no unit can have its name: a file's has at most 255 bytes."""
    if len(unit(path)) > 255:
        raise UnmappableError(
            path,
            f"makes a unit's name of {len(unit(path))} bytes, more than a file's can have",
            "shift it with volume_chown",
        )


def unit(path):
    """Return the name of the unit of the mount at `path`."""
    return f"containment-idmap-{name(path)}.service"


def description_path(path):
    return f"{DESCRIPTIONS}/{name(path)}.json"


def unit_path(path):
    return f"{_UNITS}/{unit(path)}"


def description(source, path, mapping):
    """Return the bytes of a description as _idmap_mount.mount takes it.

    mapping: {kind: [(container start, host start, count)]}: ids lie on the disk as they are in the container.
    """
    said = {"source": source, "path": path}
    said.update({kind: [list(extent) for extent in extents] for kind, extents in mapping.items()})
    return (json.dumps(said, sort_keys=True) + "\n").encode("ascii")


def unit_text(source, path, python, before):
    """Return the bytes of the unit. python: the interpreter's path. before: units that start after it."""
    run = f"{_command(python)} -I -S {_command(PROGRAM)}"
    file = _command(description_path(path))
    return f"""# Written by containment.docker.volume_idmap.
[Unit]
Description=Idmapped mount at {path.replace("%", "%%")} for containers
RequiresMountsFor={_word(source)} {_word(path)}
Before={" ".join(before)}

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart={run} mount {file}
ExecStop={run} unmount {file}

[Install]
WantedBy={" ".join(before)}
""".encode("utf-8", "surrogateescape")


def script_text(python):
    """Return the bytes of the init script, which mounts all there are."""
    text = _SCRIPT.replace("DESCRIPTIONS", DESCRIPTIONS).replace("PYTHON", python).replace("PROGRAM", PROGRAM)
    return text.encode("utf-8", "surrogateescape")


def _word(text):
    """Return a word of a unit's setting, quoted (systemd.syntax(7))."""
    for character, escape in (("\\", "\\\\"), ('"', '\\"'), ("%", "%%")):
        text = text.replace(character, escape)
    return f'"{text}"'


def _command(text):
    """Return a word of a unit's command line, in which variables are replaced as well (systemd.service(5))."""
    return _word(text).replace("$", "$$")


def refuse_foreign(tree, mapping):
    """Raise ContainmentError where the owner of a _tree.Tree has no id in containers: on the disk lie their ids."""
    for kind, number in (("uid", tree.info.st_uid), ("gid", tree.info.st_gid)):
        if not _conflicts.mapped(mapping[kind], number):
            raise UnmappableError(
                tree.path,
                f"belongs to {kind} {number}, which containers of this mapping do not have",
                "shift it with volume_chown",
            )


def refuse_hidden(mounts, path):
    """Raise UnmappableError where something is mounted in a directory: a mount of it does not have that."""
    hidden = _mountinfo.within(mounts, path)
    if hidden:
        raise UnmappableError(
            path,
            f"has {hidden[0]} mounted in it, which would not be seen any more",
            "list what is mounted by itself, or shift it with volume_chown",
        )


def seen_at(mounts, place):
    """Return the paths at which a directory, or one in it, can be seen through mounts that let setuid bits work.

    mounts: [Mount]. place: (device, path within its file system) of the directory.
    """
    device, inside = place
    inside = inside.rstrip("/")
    found = set()
    for mount in mounts:
        root = mount.root.rstrip("/")
        if mount.device != device or "nosuid" in mount.flags:
            continue
        if (inside + "/").startswith(root + "/"):
            found.add((mount.point.rstrip("/") + inside[len(root) :]) or "/")
        elif root.startswith(inside + "/"):
            found.add(mount.point)
    return sorted(found)


def mounted(mounts, path):
    """Return the Mount right at `path`, the one on top; None where there is none."""
    mount = _mountinfo.holding(mounts, path)
    return mount if mount is not None and mount.point == path else None
