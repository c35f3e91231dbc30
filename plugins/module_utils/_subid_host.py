# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host says about ids: its accounts, its user namespaces' maps, its limits, and the two files themselves."""

import grp
import os
import platform
import pwd

from ansible_collections.containment.docker.plugins.module_utils import _files, _subid, _transaction
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError
from ansible_collections.containment.docker.plugins.module_utils._subid_plan import KINDS, Claim, Host, Owner

PATHS = {"uid": "/etc/subuid", "gid": "/etc/subgid"}
NSSWITCH = "/etc/nsswitch.conf"


def read_files(paths=None):
    """Return {kind: File} of the two files. Raises ContainmentError for links, which shadow-utils do not follow."""
    paths = paths or PATHS
    for path in paths.values():
        if os.path.islink(path):
            raise ContainmentError(
                path,
                f"is a symbolic link to {os.readlink(path)}, which shadow-utils do not follow",
                "put the file itself in its place",
            )
    return {kind: _files.read(paths[kind]) for kind in KINDS}


def read_owner(name):
    """Return the Owner that `name`, a user name or a uid in digits, means here; uid or name is None where there is no
    such user.
    """
    try:
        found = pwd.getpwuid(int(name)) if _subid.is_number(name) else pwd.getpwnam(name)
    except (KeyError, OverflowError, ValueError):  # Not even a name.
        return Owner(None, int(name)) if _subid.is_number(name) else Owner(name, None)
    return Owner(found.pw_name, found.pw_uid)


def read_host(nsswitch=NSSWITCH):
    """Return the Host: every account that the system's name services list, and what running processes map."""
    users = pwd.getpwall()
    accounts = {
        "uid": [Claim(user.pw_uid, 1, f"user {user.pw_name}") for user in users],
        "gid": [Claim(group.gr_gid, 1, f"group {group.gr_name}") for group in grp.getgrall()]
        + [Claim(user.pw_gid, 1, f"the group of user {user.pw_name}") for user in users],
    }
    source = _subid.subid_source(_files.read(nsswitch).data)
    return Host(accounts, read_maps(), source, _subid.extent_limit(platform.release()), os.sysconf("SC_PAGE_SIZE"))


def mapping_of(name):
    """Return {kind: mapping} of a user's ranges as the engine maps them. Raises ContainmentError where one has none."""
    owner = read_owner(name)
    found = {}
    for kind, file in read_files().items():
        parsed = _subid.parse(file.data, file.path)
        found[kind] = _subid.mapping(_subid.ranges_of(parsed, owner.name, owner.uid))
        if not found[kind]:
            raise ContainmentError("user", f"{name!r} has no range in {file.path}", "give it one with subid_range")
    return found


def in_use():
    """Return {kind: [Claim]} of all ids that somebody has: ranges of both files, accounts, running processes' maps."""
    accounts, maps = read_host().accounts, read_maps()
    found = {}
    for kind, file in read_files().items():
        parsed = _subid.parse(file.data, file.path)
        ranges = [
            Claim(start, count, f"line {number} of {file.path}")
            for number, start, count in zip(parsed.numbers, parsed.starts, parsed.counts)
        ]
        found[kind] = ranges + accounts[kind] + maps[kind]
    return found


def read_maps(proc="/proc"):
    """Return {kind: [Claim]} of the ids that the user namespaces of running processes map, as seen from ours, each map
    once.

    Left out are our own namespace's map, and extents that map ids to themselves, which take none from anybody.
    """
    found = {kind: [] for kind in KINDS}
    seen = {kind: {_text(f"{proc}/self/{kind}_map")} for kind in KINDS}
    for pid in os.listdir(proc):
        if not _subid.is_number(pid):
            continue
        for kind in KINDS:
            # Not told apart by ns/user: that link is closed to a root without all capabilities, the maps are open to
            # everybody.
            text = _text(f"{proc}/{pid}/{kind}_map")
            if text in seen[kind]:
                continue
            seen[kind].add(text)
            who = f"process {pid} ({_text(f'{proc}/{pid}/comm').strip()})"
            for line in text.splitlines():
                inside, start, count = (int(word) for word in line.split())
                if inside != start:
                    found[kind].append(Claim(start, count, who))
    return found


def _text(path):
    """Return the text of a file of /proc; "" when the process has ended."""
    try:
        with open(path, "rb") as handle:
            return handle.read().decode("utf-8", "replace")
    except (FileNotFoundError, ProcessLookupError):
        return ""


def replace(before, contents, transaction):
    """Make the two files hold `contents` ({kind: bytes}), to be called under their locks. Return {kind: File}.

    Both previous versions are recorded first, then each file keeps the one before as FILE-, as shadow-utils do, and is
    replaced. Killed between the two files, the next run completes the second from the first.
    """
    after = dict(before)
    changed = [kind for kind in KINDS if contents[kind] != (before[kind].data or b"")]
    try:
        for kind in changed:
            _transaction.record(transaction, "subid", before[kind], contents[kind])
        for kind in changed:
            if before[kind].data is not None:
                backup = _files.read(before[kind].path + "-")
                _files.replace(backup, before[kind].data, mode=before[kind].mode)
            after[kind] = _files.replace(before[kind], contents[kind])
    except OSError as error:
        # Looked up, not remembered: an fsync can fail after the rename.
        written = [before[kind].path for kind in changed if _files.read(before[kind].path).data != before[kind].data]
        raise ContainmentError(
            error.filename or before[changed[0]].path,
            f"cannot be written ({error.strerror}); "
            + (f"{', '.join(written)} is written already" if written else "nothing was changed"),
            "mend the cause and run again",
        ) from error
    return after
