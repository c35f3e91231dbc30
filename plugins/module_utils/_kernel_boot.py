# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hands for boot files: reading them, running the boot loader's tools, and putting files back when one fails."""

import contextlib
import os
import signal
import subprocess

from ansible_collections.containment.docker.plugins.module_utils import _files, _host_probe
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

TOOL_SECONDS = 300
# Nothing of whoever started the module reaches the tools: some take settings from their environment.
ENVIRONMENT = {"HOME": "/root", "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
UNTRANSLATED = {"LANGUAGE": "C", "LC_ALL": "C"}
LAST_LINES = 5


def text_of(file):
    """Return the text of a `File`, "" where there is none; what is not UTF-8 survives a round trip."""
    return (file.data or b"").decode("utf-8", "surrogateescape")


def data_of(text):
    return text.encode("utf-8", "surrogateescape")


def read(path):
    """Return the `File` at `path`. Raises ContainmentError for what cannot be read."""
    try:
        return _files.read(path)
    except OSError as error:
        raise ContainmentError(path, f"cannot be read ({error.strerror})", "mend the cause and run again") from error


def write(writes):
    """Replace files: [(File, data)], None removes one."""
    for file, data in writes:
        if file.data != data:
            _files.replace(file, data)


def tool(name):
    """Return the path of a program that the host has to have."""
    path = _host_probe.executable(name)
    if path is None:
        raise ContainmentError(name, "is not installed", "install the package that it comes with")
    return path


def run(argv, data=b"", name=None, language=None):
    """Run a tool and return its output. Raises ContainmentError, with its last words, where it fails or hangs.

    data: what it reads. name: what an error is about, by default the command. language: variables of the environment
    that say in which language it writes, by default none. It runs in a session of its own, so that what it started
    ends with it when it fails, and does not go on writing.
    """
    environment = dict(ENVIRONMENT, **(language or UNTRANSLATED))
    try:
        process = subprocess.Popen(
            argv,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd="/",
            env=environment,
            start_new_session=True,
        )
    except OSError as error:
        raise ContainmentError(argv[0], f"cannot be run ({error.strerror})", "mend the cause and run again") from error
    try:
        output, errors = process.communicate(data, timeout=TOOL_SECONDS)
        cause = f"ended with {process.returncode}" if process.returncode else None
    except subprocess.TimeoutExpired:
        cause, errors = f"took more than {TOOL_SECONDS} s", b""
    if cause is not None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        words = " / ".join(errors.decode("utf-8", "replace").strip().splitlines()[-LAST_LINES:])
        raise ContainmentError(
            name or " ".join(argv), cause + (f": {words}" if words else ""), "see what it says by hand"
        )
    return output.decode("utf-8", "surrogateescape")


def refuse_unmounted(directory):
    """Raise ContainmentError where /etc/fstab mounts something on `directory` that is not mounted."""
    for line in (_host_probe.text("/etc/fstab") or "").splitlines():
        fields = line.split()
        named = len(fields) > 1 and not fields[0].startswith("#") and fields[1].rstrip("/") == directory
        if named and not os.path.ismount(directory):
            raise ContainmentError(directory, "is in /etc/fstab but not mounted", f"mount it first: mount {directory}")


def names_in(directory, ending):
    """Return the paths in a directory that end with `ending`, sorted; none where there is no directory."""
    try:
        names = os.listdir(directory)
    except (FileNotFoundError, NotADirectoryError):
        return []
    return [os.path.join(directory, name) for name in sorted(names) if name.endswith(ending) and name[0] != "."]


def image_path(kernel):
    """Return a kernel image's path on the host: a boot loader begins at the root of the file system that it is on."""
    if not kernel.startswith("/boot/") and os.path.exists("/boot" + kernel):
        return "/boot" + kernel
    return kernel


@contextlib.contextmanager
def restoring(files):
    """Put `files` (the `File`s read before) back, byte for byte, when the block raises; the error then says so."""
    try:
        yield
    except BaseException as error:
        told = _restore(files)
        if isinstance(error, ContainmentError):
            raise ContainmentError(error.subject, error.cause, f"{error.mend} ({told})") from error
        if isinstance(error, OSError):
            cause = error.strerror or str(error)
            raise ContainmentError(
                error.filename or "the boot files", cause, f"mend the cause and run again ({told})"
            ) from error
        raise


def _restore(files):
    back, failed = [], []
    for before in files:
        try:
            now = _files.read(before.path)
            if now.data != before.data:
                _files.replace(before._replace(identity=now.identity), before.data)
                back.append(before.path)
        except (OSError, ContainmentError) as error:
            failed.append(f"{before.path}: {getattr(error, 'strerror', None) or error}")
    if failed:
        return "NOT all boot files could be put back: " + ", ".join(failed)
    return f"put back as before: {', '.join(back)}" if back else "no boot file was changed"


def sync(paths):
    """Have what a tool wrote on the disk, not in memory alone."""
    for path in sorted(set(paths) | {os.path.dirname(path) for path in paths}):
        if os.path.exists(path):
            fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            try:
                os.fsync(fd)
            finally:
                os.close(fd)
