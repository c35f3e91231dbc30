# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a proof has on an engine, an image, containers and a directory, none of which outlasts it. Decides nothing."""

import contextlib
import fcntl
import os
import secrets
import shutil
import signal
import time

from ansible_collections.containment.docker.plugins.module_utils import _proof_image, _proof_record
from ansible_collections.containment.docker.plugins.module_utils._engine_api import EngineError
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

LABEL = "io.containment.proof"
# Of the containers, with -TOKEN-NUMBER behind it, and of the image, with :TOKEN behind it.
NAME = "containment-proof"
# Below /run, whose every parent a remapped container root may traverse. What is mounted is its proof-TOKEN.
DIRECTORY = "/run/containment"
# Root's alone: a lock, by which proofs take turns, and a record named TOKEN of each run that has not cleaned up.
RECORDS = DIRECTORY + "/proofs"
LOCK = RECORDS + "/lock"
# What an engine was asked to make and had not answered for may still come: this long it is waited for, in seconds.
SETTLE = 5.0
REMOVAL = 30.0


class Run:
    """One proof. token: its random name. root: the engine's graph root. path: of its directory, once it was made."""

    def __init__(self, engine, token, root, seconds):
        self.engine, self.token, self.root = engine, token, root
        self.path = f"{DIRECTORY}/proof-{token}"
        self._end, self._seconds = time.monotonic() + seconds, seconds
        self._made = 0
        _record(token, root)

    def left(self):
        """Return the seconds that are left, more than none; raise ContainmentError where none are."""
        left = self._end - time.monotonic()
        if left <= 0:
            cause = f"the container has not done its work within {self._seconds} seconds"
            raise ContainmentError("timeout", cause, "look into the engine's log")
        return left

    def directory(self):
        """Make the directory of the run, which everybody may traverse."""
        own_directory(self.path, 0o755)

    def image(self):
        """Return the id of the image of the host's programs, after having imported it."""
        data = _proof_image.build()
        _record(self.token, "begin image")
        query = {"fromSrc": "-", "repo": NAME, "tag": self.token}
        lines = self.engine.progress("POST", "/images/create", query, data, timeout=self.left())
        _record(self.token, "end image")
        return lines[-1]["status"]

    def container(self, body):
        """Make a container of what the API takes; return its id."""
        body = dict(body, Labels={LABEL: self.token})
        _record(self.token, "begin container")
        query = {"name": _name(self.token, self._made)}
        self._made += 1
        container = self.engine.post("/containers/create", body, query, timeout=self.left())["Id"]
        _record(self.token, f"end container {container}")
        return container

    def start(self, container):
        self.engine.post(f"/containers/{container}/start", timeout=self.left())

    def inspect(self, container):
        return self.engine.get(f"/containers/{container}/json", timeout=self.left())

    def remove(self, container):
        """Remove a container before the end of the run."""
        _remove(self.engine, container)


@contextlib.contextmanager
def begun(engine, seconds):
    """Yield a Run on this `Engine`, of which nothing remains afterwards; nor of an earlier one that was killed.

    Another proof is waited for. SIGTERM and SIGHUP end the block as errors do.
    Raises ContainmentError where the other one takes longer than `seconds`.
    """
    with _signals_raise(), _turn(seconds):
        root = engine.get("/info", timeout=seconds)["DockerRootDir"]
        for token in sorted(os.listdir(RECORDS)):
            if token != os.path.basename(LOCK):
                _clear(engine, root, token)
        token = secrets.token_hex(16)
        try:
            try:
                yield Run(engine, token, root, seconds)
            finally:
                _clear(engine, root, token)
        except _Ended:
            # It comes once, and may have come while things were removed.
            _clear(engine, root, token)
            raise


def _name(token, number):
    return f"{NAME}-{token}-{number}"


class _Ended(ContainmentError):
    """A signal asked this process to end."""


@contextlib.contextmanager
def _signals_raise():
    """Raise _Ended for the first SIGTERM or SIGHUP that comes while the block runs; further ones change nothing."""
    came = []

    def raise_once(number, _frame):
        came.append(number)
        if len(came) == 1:
            raise _Ended("proof", f"was ended by {signal.Signals(number).name}", "run it again")

    # What is ignored, as under nohup, stays ignored.
    before = {
        number: signal.getsignal(number)
        for number in (signal.SIGTERM, signal.SIGHUP)
        if signal.getsignal(number) != signal.SIG_IGN
    }
    try:
        for number in before:
            signal.signal(number, raise_once)
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def _turn(seconds):
    """Hold the lock of all proofs; raise ContainmentError where another one keeps it for `seconds`."""
    own_directory(DIRECTORY, 0o755)
    own_directory(RECORDS, 0o700)
    fd = os.open(LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        deadline = time.monotonic() + seconds
        while True:
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise ContainmentError(
                        "proof", f"another one holds {LOCK} for {seconds} seconds", "run it again when that has ended"
                    ) from None
            time.sleep(0.05)
        yield
    finally:
        os.close(fd)


def own_directory(path, mode):
    """Make a directory of root's, or take the one there, with this mode whatever the umask."""
    try:
        with contextlib.suppress(FileExistsError):
            os.mkdir(path, mode)
        fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        raise ContainmentError(
            path, f"is no directory and cannot be made one ({error.strerror})", "move away what is there"
        ) from error
    try:
        if os.fstat(fd).st_uid != os.geteuid():
            raise ContainmentError(path, f"belongs to uid {os.fstat(fd).st_uid}", "remove it, root makes it again")
        os.fchmod(fd, mode)
    finally:
        os.close(fd)


def _record(token, line):
    """Add a line to the record of a run, ahead of what it tells of: see `_proof_record.parse`."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
    fd = os.open(os.path.join(RECORDS, token), flags, 0o600)
    try:
        os.write(fd, f"{line}\n".encode())
    finally:
        os.close(fd)


def _clear(engine, root, token):
    """Remove what the record of a run names, then the record. Nothing where there is none.

    What lies in another graph root stays, and its record too, until an engine runs on that one again.
    """
    try:
        with open(os.path.join(RECORDS, token), encoding="utf-8") as handle:
            record = _proof_record.parse(handle.read())
    except FileNotFoundError:
        return
    # A signal may have cut a request off, whose answer would stand in the way of the next one.
    engine.close()
    if record["root"] in (None, root):
        _remove_containers(engine, token, record)
        if "image" in record["begun"]:
            _settle(record, "image", lambda: _gone(engine, f"/images/{NAME}:{token}", {"noprune": True}))
    path = f"{DIRECTORY}/proof-{token}"
    if os.path.lexists(path):
        shutil.rmtree(path)
    if record["root"] in (None, root):
        os.unlink(os.path.join(RECORDS, token))


def _settle(record, kind, find):
    """Call `find`, where the making of this kind was cut off for SETTLE seconds until it finds something."""
    deadline = time.monotonic() + (SETTLE if record["pending"] == kind else 0)
    while not find() and time.monotonic() < deadline:
        time.sleep(0.1)


def _remove_containers(engine, token, record):
    found = list(record["containers"])

    def find():
        container = _get(engine, f"/containers/{_name(token, record['begun'].count('container') - 1)}/json")
        if container and (container["Config"].get("Labels") or {}).get(LABEL) == token:
            found.append(container["Id"])
            return True
        return False

    if record["pending"] == "container":
        _settle(record, "container", find)
    for container in found:
        _remove(engine, container)


def _remove(engine, container):
    deadline = time.monotonic() + REMOVAL
    # 409: somebody else removes it just now.
    while not _gone(engine, f"/containers/{container}", {"force": True, "v": True}, busy=409):
        if _get(engine, f"/containers/{container}/json") is None:
            break
        if time.monotonic() > deadline:
            raise ContainmentError(
                f"container {container}", "is not gone", "remove it with docker rm --force, then run again"
            )
        time.sleep(0.1)


def _get(engine, path):
    try:
        return engine.get(path)
    except EngineError as error:
        if error.status != 404:
            raise
        return None


def _gone(engine, path, query, busy=None):
    """Delete what is at this path; tell whether it was there and could be."""
    try:
        engine.delete(path, query)
        return True
    except EngineError as error:
        if error.status not in (404, busy):
            raise
        return False
