# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The way out for a root shell on the host, whatever became of the plugin: the engine asks no plugin any more.

It needs neither the plugin nor the engine's API: the key leaves daemon.json, and SIGHUP has the engine read that (moby,
cmd/dockerd, reloadConfig: an empty list of plugins is checked against nothing).
"""

import os
import signal

from ansible_collections.containment.docker.plugins.module_utils import _files, _json_edit, _json_text
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

KEY = "authorization-plugins"


def without(data, path):
    """Return (the bytes of a daemon.json without the key, the plugins that it named). Pure."""
    document = _json_text.parse(data, path)
    after = dict(_json_text.value(document))
    named = after.pop(KEY, [])
    return (_json_edit.render(document, after) if named else data), named


def release(path, pid_file):
    """Take the plugins out of daemon.json and tell the engine. Return (their names, its pid or None).

    Raises ContainmentError; OSError as the kernel says.
    """
    before = _files.read(path)
    if before.data is None:
        raise ContainmentError(path, "is not there", "name the engine's configuration with --config")
    data, named = without(before.data, path)
    if data != before.data:
        _files.replace(before, data)
    pid = _engine(pid_file)
    if pid is not None:
        # Also where nothing was named: a release that was killed may have come no further.
        os.kill(pid, signal.SIGHUP)
    return named, pid


def _engine(pid_file):
    """Return the pid of the engine, None where none runs. Raises ContainmentError where it is another program's."""
    try:
        with open(pid_file, encoding="ascii") as handle:
            pid = int(handle.read())
        name = os.path.basename(os.readlink(f"/proc/{pid}/exe")).split(" ")[0]  # "dockerd (deleted)" after an upgrade
    except (FileNotFoundError, ProcessLookupError):
        return None
    except ValueError:
        raise ContainmentError(pid_file, "holds no process id", "name the engine's with --pid-file") from None
    if name != "dockerd":
        raise ContainmentError(pid_file, f"is of {name}, which is no engine", "name the engine's with --pid-file")
    return pid
