# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the plugin knows of an engine's containers without asking it: it would be asked about its own question.

Engines keep each container in GRAPH ROOT/containers/ID (config.v2.json, hostconfig.json), replace these files by rename
before they answer a create, a rename or an update, and remove the directory with the container (moby, container.go,
CheckpointTo). Who made a container, and which container a process to be started is for, the plugin remembers itself.
"""

import collections
import json
import os
import re
import stat

from ansible_collections.containment.docker.plugins.module_utils._authz_demand import Exec
from ansible_collections.containment.docker.plugins.module_utils._authz_names import Container
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

_ID = re.compile(r"[0-9a-f]{64}\Z")
_PART = re.compile(r"[0-9a-f]{1,64}\Z")
_MAX = 8 * 1024 * 1024  # bytes of a container's file
_CHOSEN = 5  # digits of a name that no id begins with by chance: of a thousand, one in a thousand names would
_KEPT = 64  # containers, of 20 KB each; of others the name alone stays in memory
_EXECS = 4096  # processes to be started that are remembered; engines forget those that ended


class World:
    """root: the graph root, that of a mapping (UID.GID) where there is one; state: a folder of the plugin's own. keeps:
    whether this is the service, which remembers what is made."""

    def __init__(self, root, state, keeps=True):
        self._folder, self._owners, self._log = f"{root}/containers", f"{state}/owners", f"{state}/execs"
        self._names = {}  # {id: (stamp, name)}
        self._known = collections.OrderedDict()  # {id: (stamp, Container)}
        self._execs = collections.OrderedDict()
        self._lines = 0  # of the log of execs
        if keeps:
            os.makedirs(self._owners, mode=0o700, exist_ok=True)
        self._load_execs(keeps)

    def container(self, text):
        """Return the Container that an engine takes a name or a part of an id for.

        That is the one of that id, of that name, or the only one whose id begins so (moby, daemon/container.go). Raises
        ContainmentError where there is none, and for a name that would stand for another one if it were gone.
        """
        if _ID.match(text):
            found = self._read(text)
            if found is not None:
                return found
        numbers = self._numbers()
        found = self._named(text, numbers)
        if _PART.match(text) and (found is None or len(text) >= _CHOSEN):
            parts = [one for one in numbers if one.startswith(text)]
            # Whoever renames it at this moment would have the engine take the text for the other one. Of a short name
            # that comes by chance; nobody without "*" can choose one (_authz_names.new_container).
            if found is not None and set(parts) - {found.id}:
                raise ContainmentError(
                    f"container {text!a}", "is a name, and the beginning of an id", "use the whole id"
                )
            if found is None and len(parts) == 1:
                found = self._read(parts[0])
        if found is None:
            raise ContainmentError(f"container {text[:80]!a}", "is not there, or is more than one", "see docker ps -a")
        return found

    def _numbers(self):
        try:
            return [one for one in os.listdir(self._folder) if _ID.match(one)]
        except OSError as error:
            raise ContainmentError(self._folder, f"cannot be read ({error.strerror})", "mend the cause") from error

    def _named(self, text, numbers):
        """Return the container of a name. What is known is believed only where its file is the one that was read."""
        known = next((number for number, (_stamp, name) in self._names.items() if name == text), None)
        found = self._read(known) if known is not None else None
        if found is not None and found.name == text:
            return found
        for number in set(self._names).difference(numbers):
            self._forget(number)
        named = [number for number in numbers if self._name(number) == text]
        found = self._read(named[0]) if len(named) == 1 else None
        return found if found is not None and found.name == text else None

    def _name(self, number):
        """Return the name of the container of an id, None where there is none."""
        stamp, name = self._names.get(number, (None, None))
        if stamp is None or stamp != self._stamp(number):
            found = self._read(number)
            return found.name if found is not None else None
        return name

    def _read(self, number):
        """Return the container of an id, None where there is none."""
        stamp = self._stamp(number)
        if stamp is None:
            self._forget(number)
            return None
        known = self._known.get(number)
        if known is not None and known[0] == stamp:
            self._known.move_to_end(number)
            return known[1]
        folder = f"{self._folder}/{number}"
        try:
            found = self._parsed(number, _load(f"{folder}/config.v2.json"), _load(f"{folder}/hostconfig.json"))
        except (FileNotFoundError, NotADirectoryError):
            self._forget(number)
            return None
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise ContainmentError(folder, f"cannot be read ({error})", "mend the cause") from error
        self._names[number] = stamp, found.name
        self._known[number] = stamp, found
        if len(self._known) > _KEPT:
            self._known.popitem(last=False)
        return found

    def _stamp(self, number):
        """Return what changes with the files of a container, None where they are gone."""
        folder = f"{self._folder}/{number}"
        try:
            return _stamp(f"{folder}/config.v2.json"), _stamp(f"{folder}/hostconfig.json")
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise ContainmentError(folder, f"cannot be read ({error.strerror})", "mend the cause") from error

    def _forget(self, number):
        self._names.pop(number, None)
        self._known.pop(number, None)

    def _parsed(self, number, file, host):
        config = file["Config"]
        labels = dict(config.get("Labels") or {})
        return Container(number, file["Name"].lstrip("/"), labels, self._owner(number), config, host)

    def _owner(self, number):
        try:
            return _read_file(f"{self._owners}/{number}").decode("ascii", "replace")
        except FileNotFoundError:
            return None

    def created(self, number, principal):
        """Remember who made a container; forget who made those that are gone."""
        _check_id("container", number)
        draft = f"{self._owners}/.{number}"
        with open(draft, "w", encoding="ascii") as handle:
            handle.write(principal)
            handle.flush()
            os.fsync(handle.fileno())
        os.rename(draft, f"{self._owners}/{number}")
        self._known.pop(number, None)
        for gone in set(os.listdir(self._owners)).difference(self._numbers()):
            os.unlink(f"{self._owners}/{gone}")

    def exec(self, number):
        """Return the Exec of an id. Raises ContainmentError for one that nobody is known to have made."""
        found = self._execs.get(number)
        if found is None:
            raise ContainmentError(f"exec {number[:80]!a}", "is not known", "make a new one")
        return found

    def planned(self, number, container, principal):
        """Remember for which container (its id) a process is to be started, and who may."""
        _check_id("exec", number)
        self._keep(Exec(number, container, principal))
        if self._lines >= 2 * _EXECS:
            self._rewrite_execs()
        else:
            with open(self._log, "a", encoding="ascii") as handle:
                handle.write(f"{number} {container} {principal}\n")
            self._lines += 1

    def _keep(self, found):
        self._execs[found.id] = found
        if len(self._execs) > _EXECS:
            self._execs.popitem(last=False)

    def _rewrite_execs(self):
        draft = self._log + ".new"
        with open(draft, "w", encoding="ascii") as handle:
            handle.writelines(f"{one.id} {one.container} {one.principal}\n" for one in self._execs.values())
        os.rename(draft, self._log)
        self._lines = len(self._execs)

    def _load_execs(self, keeps):
        """Read what was remembered before a restart; the last line may have been cut off."""
        try:
            data = _read_file(self._log)
        except FileNotFoundError:
            return
        for line in data.decode("ascii", "replace").split("\n")[:-1]:
            parts = line.split(" ")
            if len(parts) == 3:
                self._keep(Exec(*parts))
        if keeps:
            self._rewrite_execs()


def _check_id(kind, text):
    if not _ID.match(text):
        raise ContainmentError(kind, f"{text[:80]!a} is no id", "see which engine this is")


def _stamp(path):
    info = os.lstat(path)
    return info.st_ino, info.st_mtime_ns, info.st_size


def _read_file(path):
    """Return the bytes of a file. Root reads here, too, what others may have put there. Raises OSError, ValueError."""
    fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(fd, "rb") as handle:
        info = os.fstat(fd)
        if not stat.S_ISREG(info.st_mode) or info.st_size > _MAX:
            raise ValueError(f"{path} is no file that an engine or the plugin writes")
        return handle.read()


def _load(path):
    value = json.loads(_read_file(path).decode("utf-8"))
    if not isinstance(value, dict):
        raise ValueError(f"{path} is no object")
    return value
