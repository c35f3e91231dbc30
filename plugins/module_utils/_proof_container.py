# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Running one small container and observing it from the host. Decides nothing."""

import contextlib
import os
import shutil
import stat
import time

from ansible_collections.containment.docker.plugins.module_utils import _proof_image, _userns_proof
from ansible_collections.containment.docker.plugins.module_utils._engine_api import EngineError
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

LABEL = "io.containment.proof"
NAME, TAG = "containment-proof", "latest"
# Below /run, whose every parent a remapped container root may traverse.
DIRECTORY = "/run/containment/proof"
ORIGINAL = b"the host's\n"
# The redirection stands in a subshell because a failing one ends a POSIX shell. The read at the end holds the process
# for the host's look.
SCRIPT = """
if (echo container > /proof/write); then echo write allowed; else echo write refused; fi
if /bin/rm -f /proof/delete; then echo delete allowed; else echo delete refused; fi
echo done
read -r _
"""


def observe(engine, seconds):
    """Run the container on this `Engine`; return {proof: text} as `_userns_proof.judge` wants it, and evidence.

    Nothing of it remains: container, image and directory are removed, those of an earlier killed run too.
    Raises ContainmentError where the engine cannot run it within `seconds`.
    """
    deadline = time.monotonic() + seconds
    with contextlib.ExitStack() as clean:
        _remove_containers(engine)
        clean.callback(_remove_directory)
        _make_directory()
        _remove_image(engine)
        clean.callback(_remove_image, engine)
        image = _import_image(engine, deadline)
        clean.callback(_remove_containers, engine)
        container = _start(engine, image)
        said, evidence = _wait(engine, container, deadline)
        pid = engine.get(f"/containers/{container}/json")["State"]["Pid"]
        observed = _look_at_process(pid)
        for action, denied in (("write", _content("write") == ORIGINAL), ("delete", _content("delete") == ORIGINAL)):
            observed[action] = _verdict(said.get(action), denied)
        observed.update(_look_at_graph_root(engine.get("/info")["DockerRootDir"]))
        return observed, evidence


def _verdict(said, untouched):
    """Return what both the container and the host's file say, else the contradiction."""
    real = "refused" if untouched else "allowed"
    return real if said == real else f"{real} as the host's file shows, {said} as the container says"


def _import_image(engine, deadline):
    lines = engine.progress(
        "POST",
        "/images/create",
        {"fromSrc": "-", "repo": NAME, "tag": TAG},
        _proof_image.build(),
        timeout=_left(deadline),
    )
    return lines[-1]["status"]


def _start(engine, image):
    body = {
        "Image": image,
        "Cmd": ["/bin/sh", "-c", SCRIPT],
        "User": "0:0",
        "OpenStdin": True,
        "Labels": {LABEL: ""},
        # z: on SELinux hosts the label must not be what refuses the write.
        "HostConfig": {"NetworkMode": "none", "Binds": [f"{DIRECTORY}:/proof:z"], "LogConfig": {"Type": "json-file"}},
    }
    container = engine.post("/containers/create", body, {"name": NAME})["Id"]
    engine.post(f"/containers/{container}/start")
    return container


def _wait(engine, container, deadline):
    """Return ({action: word}, evidence) once the container has done its acts."""
    while True:
        out, err = (part.decode("utf-8", "replace") for part in engine.logs(container))
        lines = out.splitlines()
        if "done" in lines:
            return dict(line.split(" ", 1) for line in lines if " " in line), err.strip()
        state = engine.get(f"/containers/{container}/json")["State"]
        if not state["Running"] or not _left(deadline):
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


def _remove_containers(engine):
    ours = {"label": [LABEL], "name": [f"^/{NAME}$"]}
    for container in engine.get("/containers/json", {"all": True, "filters": ours}):
        engine.delete(f"/containers/{container['Id']}", {"force": True, "v": True})


def _remove_image(engine):
    try:
        engine.delete(f"/images/{NAME}:{TAG}")
    except EngineError as error:
        if error.status != 404:
            raise


def _make_directory():
    _remove_directory()
    os.makedirs(DIRECTORY, 0o755)
    for name in ("write", "delete"):
        with open(os.path.join(DIRECTORY, name), "wb") as handle:
            handle.write(ORIGINAL)
            os.fchmod(handle.fileno(), 0o644)


def _remove_directory():
    if os.path.lexists(DIRECTORY):
        shutil.rmtree(DIRECTORY)


def _content(name):
    try:
        with open(os.path.join(DIRECTORY, name), "rb") as handle:
            return handle.read()
    except FileNotFoundError:
        return None


def _left(deadline):
    return max(0, deadline - time.monotonic())
