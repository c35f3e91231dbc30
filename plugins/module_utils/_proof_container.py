# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Running one small container and observing it from the host. Decides nothing."""

import contextlib
import fcntl
import os
import secrets
import shutil
import signal
import stat
import time

from ansible_collections.containment.docker.plugins.module_utils import _proof_image, _userns_proof
from ansible_collections.containment.docker.plugins.module_utils._engine_api import EngineError
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

LABEL = "io.containment.proof"
# Of the container, with -TOKEN behind it, and of the image, with :TOKEN behind it.
NAME = "containment-proof"
# Below /run, whose every parent a remapped container root may traverse. Mounted is its proof-TOKEN.
DIRECTORY = "/run/containment"
# Root's alone: a lock, by which proofs take turns, and a record named TOKEN of each run that has not cleaned up.
RECORDS = DIRECTORY + "/proofs"
LOCK = RECORDS + "/lock"
ORIGINAL = b"the host's\n"
# The redirection stands in a subshell because a failing one ends a POSIX shell. The first read shows that a refusal is
# not that of a directory which cannot be entered; the one at the end holds the process for the host's look.
SCRIPT = """
if (read -r line < /proof/write); then echo read allowed; else echo read refused; fi
if (echo container > /proof/write); then echo write allowed; else echo write refused; fi
if /bin/rm -f /proof/delete; then echo delete allowed; else echo delete refused; fi
"""
# Of a tree mounted at the path: root in the container has rights to what has an id there (capabilities(7)).
TREE_SCRIPT = "if [ -r {0} ] && [ -w {0} ]; then echo {0} allowed; else echo {0} refused; fi\n"
END = """echo done
read -r _
"""
# What an engine was asked to make and had not answered for may still come: this long it is waited for, in seconds.
SETTLE = 5.0
REMOVAL = 30.0


def observe(engine, seconds, trees=()):
    """Run the container on this `Engine`; return {proof: text} as `_userns_proof.judge` wants it, and evidence.

    trees: paths on the host that are mounted into it, where it looks at its rights and touches nothing.

    Nothing of it remains: container, image and directory are removed, those of an earlier killed run too. Another
    proof is waited for. SIGTERM and SIGHUP end it as errors do.
    Raises ContainmentError where the engine cannot run it within `seconds`, or the other proof takes longer than that.
    """
    with _signals_raise(), _turn(seconds):
        deadline = time.monotonic() + seconds, seconds
        root = engine.get("/info", timeout=_left(deadline))["DockerRootDir"]
        for token in sorted(os.listdir(RECORDS)):
            if token != os.path.basename(LOCK):
                _clear(engine, root, token)
        token = secrets.token_hex(16)
        try:
            try:
                return _run(engine, root, token, trees, deadline)
            finally:
                _clear(engine, root, token)
        except _Ended:
            # It comes once, and may have come while things were removed.
            _clear(engine, root, token)
            raise


def _run(engine, root, token, trees, deadline):
    _record(token, root)
    _make_directory(token)
    image = _import_image(engine, token, deadline)
    container = _start(engine, image, token, trees, deadline)
    said, evidence = _wait(engine, container, deadline)
    if said.get("read") != "allowed":
        raise ContainmentError(
            "proof", f"its container cannot read {_path(token)} ({evidence})", f"let everybody traverse {DIRECTORY}"
        )
    pid = engine.get(f"/containers/{container}/json", timeout=_left(deadline))["State"]["Pid"]
    observed = _look_at_process(pid)
    for action in ("write", "delete"):
        observed[action] = _verdict(said.get(action), _content(token, action) == ORIGINAL)
    observed.update(_look_at_graph_root(root))
    observed.update({_userns_proof.TREE + path: said.get(_inside(number)) for number, path in enumerate(trees)})
    return observed, evidence


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
    _own_directory(DIRECTORY, 0o755)
    _own_directory(RECORDS, 0o700)
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


def _own_directory(path, mode):
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
    """Add a line to the record of a run, ahead of what it tells of: see `_userns_proof.parse_record`."""
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
            record = _userns_proof.parse_record(handle.read())
    except FileNotFoundError:
        return
    # A signal may have cut a request off, whose answer would stand in the way of the next one.
    engine.close()
    if record["root"] in (None, root):
        if "container" in record["begun"]:
            _remove_container(engine, token, record)
        if "image" in record["begun"]:
            _settle(record, "image", lambda: _gone(engine, f"/images/{NAME}:{token}", {"noprune": True}))
    if os.path.lexists(_path(token)):
        shutil.rmtree(_path(token))
    if record["root"] in (None, root):
        os.unlink(os.path.join(RECORDS, token))


def _settle(record, kind, find):
    """Call `find`, where the making of this kind was cut off for SETTLE seconds until it finds something."""
    deadline = time.monotonic() + (SETTLE if record["pending"] == kind else 0)
    while not find() and time.monotonic() < deadline:
        time.sleep(0.1)


def _remove_container(engine, token, record):
    found = [record["container"]] if record["container"] else []

    def find():
        container = _get(engine, f"/containers/{NAME}-{token}/json")
        if container and (container["Config"].get("Labels") or {}).get(LABEL) == token:
            found.append(container["Id"])
        return found

    if not found:
        _settle(record, "container", find)
    deadline = time.monotonic() + REMOVAL
    for container in found:
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


def _verdict(said, untouched):
    """Return what both the container and the host's file say, else the contradiction."""
    real = "refused" if untouched else "allowed"
    return real if said == real else f"{real} as the host's file shows, {said} as the container says"


def _import_image(engine, token, deadline):
    data = _proof_image.build()
    _record(token, "begin image")
    lines = engine.progress(
        "POST",
        "/images/create",
        {"fromSrc": "-", "repo": NAME, "tag": token},
        data,
        timeout=_left(deadline),
    )
    _record(token, "end image")
    return lines[-1]["status"]


def _inside(number):
    """Return where a tree is mounted in the container."""
    return f"/trees/{number}"


def _start(engine, image, token, trees, deadline):
    places = [_inside(number) for number in range(len(trees))]
    body = {
        "Image": image,
        "Cmd": ["/bin/sh", "-c", SCRIPT + "".join(TREE_SCRIPT.format(place) for place in places) + END],
        "User": "0:0",
        "OpenStdin": True,
        "Labels": {LABEL: token},
        # z: on SELinux hosts the label must not be what refuses the write.
        "HostConfig": {
            "NetworkMode": "none",
            "Binds": [f"{_path(token)}:/proof:z"],
            "Mounts": [{"Type": "bind", "Source": path, "Target": place} for path, place in zip(trees, places)],
            # Trees are not relabelled for a look at them.
            "SecurityOpt": ["label=disable"] if trees else [],
            "LogConfig": {"Type": "json-file"},
        },
    }
    _record(token, "begin container")
    made = engine.post("/containers/create", body, {"name": f"{NAME}-{token}"}, timeout=_left(deadline))
    container = made["Id"]
    _record(token, f"end container {container}")
    engine.post(f"/containers/{container}/start", timeout=_left(deadline))
    return container


def _wait(engine, container, deadline):
    """Return ({action: word}, evidence) once the container has done its acts."""
    while True:
        out, err = (part.decode("utf-8", "replace") for part in engine.logs(container))
        lines = out.splitlines()
        if "done" in lines:
            return dict(line.split(" ", 1) for line in lines if " " in line), err.strip()
        state = engine.get(f"/containers/{container}/json", timeout=_left(deadline))["State"]
        if not state["Running"]:
            detail = state.get("Error") or err.strip() or f"exit code {state.get('ExitCode')}"
            raise ContainmentError(
                "proof", f"its container did not do its work ({detail})", "look into the engine's log, then run again"
            )
        time.sleep(0.05)


def _look_at_process(pid):
    def read(name):
        with open(f"/proc/{pid}/{name}", encoding="ascii", errors="replace") as handle:
            return handle.read()

    def shown(name):
        return _userns_proof.show_map(_userns_proof.coalesce(_userns_proof.parse_map(read(name))))

    uid = next(line.split()[1] for line in read("status").splitlines() if line.startswith("Uid:"))
    return {"uid_map": shown("uid_map"), "gid_map": shown("gid_map"), "host_uid": uid}


def _look_at_graph_root(path):
    info = os.stat(path)
    return {
        "graph_root": path,
        "graph_root_owner": f"{info.st_uid}:{info.st_gid}",
        "graph_root_mode": f"{stat.S_IMODE(info.st_mode):04o}",
    }


def _path(token):
    return f"{DIRECTORY}/proof-{token}"


def _make_directory(token):
    _own_directory(_path(token), 0o755)
    for name in ("write", "delete"):
        with open(os.path.join(_path(token), name), "wb") as handle:
            handle.write(ORIGINAL)
            os.fchmod(handle.fileno(), 0o644)


def _content(token, name):
    try:
        with open(os.path.join(_path(token), name), "rb") as handle:
            return handle.read()
    except FileNotFoundError:
        return None


def _left(deadline):
    """Return the seconds that are left, more than none, of (end, seconds); raise ContainmentError after the end."""
    end, seconds = deadline
    left = end - time.monotonic()
    if left <= 0:
        raise ContainmentError(
            "timeout", f"the container has not done its work within {seconds} seconds", "look into the engine's log"
        )
    return left
