# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Running one small container and observing from the host how its ids are mapped. Decides nothing."""

import os
import stat
import time

from ansible_collections.containment.docker.plugins.module_utils import _proof_run, _userns_proof
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

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


def observe(engine, seconds, trees=()):
    """Run the container on this `Engine`; return {proof: text} as `_userns_proof.judge` wants it, and evidence.

    trees: paths on the host that are mounted into it, where it looks at its rights and touches nothing.

    Raises ContainmentError where the engine cannot run it within `seconds`; turns and remains: `_proof_run.begun`.
    """
    with _proof_run.begun(engine, seconds) as run:
        _make_files(run)
        container = run.container(_body(run, trees))
        run.start(container)
        said, evidence = _wait(run, container)
        if said.get("read") != "allowed":
            cause = f"its container cannot read {run.path} ({evidence})"
            raise ContainmentError("proof", cause, f"let everybody traverse {_proof_run.DIRECTORY}")
        observed = _look_at_process(run.inspect(container)["State"]["Pid"])
        for action in ("write", "delete"):
            observed[action] = _verdict(said.get(action), _content(run, action) == ORIGINAL)
        observed.update(_look_at_graph_root(run.root))
        observed.update({_userns_proof.TREE + path: said.get(_inside(number)) for number, path in enumerate(trees)})
        return observed, evidence


def _verdict(said, untouched):
    """Return what both the container and the host's file say, else the contradiction."""
    real = "refused" if untouched else "allowed"
    return real if said == real else f"{real} as the host's file shows, {said} as the container says"


def _inside(number):
    """Return where a tree is mounted in the container."""
    return f"/trees/{number}"


def _body(run, trees):
    places = [_inside(number) for number in range(len(trees))]
    return {
        "Image": run.image(),
        "Cmd": ["/bin/sh", "-c", SCRIPT + "".join(TREE_SCRIPT.format(place) for place in places) + END],
        "User": "0:0",
        "OpenStdin": True,
        # z: on SELinux hosts the label must not be what refuses the write.
        "HostConfig": {
            "NetworkMode": "none",
            "Binds": [f"{run.path}:/proof:z"],
            "Mounts": [{"Type": "bind", "Source": path, "Target": place} for path, place in zip(trees, places)],
            # Trees are not relabelled for a look at them.
            "SecurityOpt": ["label=disable"] if trees else [],
            "LogConfig": {"Type": "json-file"},
        },
    }


def _wait(run, container):
    """Return ({action: word}, evidence) once the container has done its acts."""
    while True:
        out, err = (part.decode("utf-8", "replace") for part in run.engine.logs(container))
        lines = out.splitlines()
        if "done" in lines:
            return dict(line.split(" ", 1) for line in lines if " " in line), err.strip()
        state = run.inspect(container)["State"]
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


def _make_files(run):
    run.directory()
    for name in ("write", "delete"):
        with open(os.path.join(run.path, name), "wb") as handle:
            handle.write(ORIGINAL)
            os.fchmod(handle.fileno(), 0o644)


def _content(run, name):
    try:
        with open(os.path.join(run.path, name), "rb") as handle:
            return handle.read()
    except FileNotFoundError:
        return None
