# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hands of `daemon_json`: ask the installed dockerd for its version and its opinion of a file, and put the file in
place."""

import errno
import grp
import os
import pwd

from ansible_collections.containment.docker.plugins.module_utils import (
    _daemon_keys,
    _daemon_values,
    _engine_flags,
    _files,
    _subid,
    _transaction,
)
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

# dockerd looks its helpers (docker-proxy) up on PATH; what became starts us with may lack the sbin directories.
ENVIRONMENT = {"LC_ALL": "C", "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
# `--validate` is there from 23.0 on; from 26.0 on it also resolves `userns-remap` (cmd/dockerd/daemon.go,
# RemapContainerdNamespaces).
VALIDATES, RESOLVES_REMAP = (23, 0, 0), (26, 0, 0)


def binary(services, engines):
    """Return the path of the dockerd that the next start runs, None where none is installed."""
    candidates = [service.argv[0] for service in services if service.argv[0].startswith("/")]
    candidates += [engine["exe"] for engine in engines if engine["host"] and engine["uid"] == 0]
    candidates += [directory + "/dockerd" for directory in ENVIRONMENT["PATH"].split(":")]
    return next((path for path in candidates if os.access(path, os.X_OK)), None)


def version(run, program):
    """Return the version text of a dockerd, as in "26.1.5+dfsg1". `run` is AnsibleModule.run_command."""
    rc, out, err = run([program, "--version"], environ_update=ENVIRONMENT)
    words = out.split()
    if rc != 0 or words[:2] != ["Docker", "version"] or len(words) < 3:
        raise ContainmentError(
            program,
            f"--version ended with {rc} and {(out + err).strip()[:200]!r}",
            "repair the installation, or set engine_version",
        )
    return words[2].rstrip(",")


def validate(run, program, candidate, words, path):
    """Have dockerd judge the file `candidate`, under the flags in `words` (its argument vector without the program).

    Raises ContainmentError with the engine's own sentence, about `path`, which `candidate` is to become.
    """
    command = [program, "--validate", "--config-file", candidate] + _engine_flags.without_config_file(words)
    rc, out, err = run(command, environ_update=ENVIRONMENT)
    if rc != 0:
        said = _daemon_values.mask_url((err.strip() or out.strip()).replace(candidate, path)).splitlines() or [
            f"exit code {rc}"
        ]
        raise ContainmentError(
            path,
            f"dockerd --validate refuses the new content: {said[-1][:500]}",
            "correct the keys it names; the file was not touched",
        )


def can_validate(number, remap):
    """Whether `--validate` of an engine `number` (tuple) exists and is safe to call for a file with `userns-remap`
    `remap` (str, "" for none)."""
    return number >= VALIDATES and (number < RESOLVES_REMAP or not remap or _remap_ready(remap))


def _remap_ready(remap):
    """Whether user, group and ranges that `remap` names exist, so that the engine only looks them up and makes none."""
    name, _colon, group = remap.partition(":")
    try:
        user = pwd.getpwuid(int(name)) if _subid.is_number(name) else pwd.getpwnam(name)
        if _subid.is_number(group):
            grp.getgrgid(int(group))
        else:
            grp.getgrnam(group or user.pw_name)
    except (KeyError, ValueError, OverflowError):  # A name or number that no account can have.
        return False
    return all(_has_line(path, {user.pw_name, str(user.pw_uid)}) for path in ("/etc/subuid", "/etc/subgid"))


def _has_line(path, owners):
    data = _files.read(path).data or b""
    return any(line.split(":")[0].strip() in owners for line in data.decode("utf-8", "surrogateescape").splitlines())


def write(before, data, transaction, check):
    """Make the file hold `data`, keep the version before in `transaction`; return nothing. `check(path)` judges the
    candidate first."""
    try:
        _files.rehearse(before, data, check)
        # Not under the file's lock: an undo holds that of the transactions while it takes this one.
        _transaction.record(transaction, "daemon_json", before, data)
        after = _files.replace(before, data)
    except OSError as error:
        mend = {
            errno.ENOSPC: "make room on its file system",
            errno.EDQUOT: "raise the quota",
            errno.EROFS: "remount the file system read-write",
            errno.EACCES: "run with become: true",
            errno.EPERM: "find out what forbids it: attributes, or a security module",
        }
        # The directory's fsync comes after the rename.
        state = (
            "was replaced, but may not outlast a power failure"
            if _files.read(before.path).data == data
            else "could not be replaced and is as it was"
        )
        raise ContainmentError(
            before.path, f"{state} ({error})", mend.get(error.errno, "see what the error says")
        ) from error
    if after.data != data:
        raise ContainmentError(
            before.path, "does not hold what was written", "find out who else writes it, then run again"
        )


def number(text):
    """Return a version text as a tuple, None for None."""
    return None if text is None else _daemon_keys.parse_version(text)
