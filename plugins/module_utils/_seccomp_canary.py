# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Running small containers to see which seccomp filter they get, and whether they run under it. Decides nothing."""

import collections
import time

from ansible_collections.containment.docker.plugins.module_utils import (
    _proof_image,
    _proof_run,
    _seccomp_kernel,
    _seccomp_proof,
    _seccomp_runtime,
)
from ansible_collections.containment.docker.plugins.module_utils import _seccomp_profile as profiles
from ansible_collections.containment.docker.plugins.module_utils._engine_api import EngineError

# Starts a program of its own, so that a filter has to let a shell do what it does all day.
SHELL = ["/bin/sh", "-c", "/bin/rm -f /tmp/none && exit 0"]
# Whatever the daemon gives to others.
_ALONE = {"NetworkMode": "none", "Init": False, "LogConfig": {"Type": "json-file"}}
WAITING = ["/bin/sh", "-c", "read -r _"]


def default(engine, seconds, keyword):
    """Return what the engine's own default is for containers of different capabilities: {"": JSON of one without any,
    "CAP_...": of one with that alone, "all": of one with all of those}.

    keyword: whether the engine takes `seccomp=builtin` (23.0); otherwise the default has to be in force. Only
    capabilities are asked for that the engine knows and this process has.
    Raises ContainmentError where it takes longer than `seconds`.
    """
    found = collections.OrderedDict()
    with _proof_run.begun(engine, seconds) as run:
        image = run.image()

        def ask(caps):
            body = {"Image": image, "Cmd": WAITING, "OpenStdin": True}
            body["HostConfig"] = dict(
                _ALONE, CapDrop=["ALL"], CapAdd=caps, SecurityOpt=["seccomp=builtin"] if keyword else []
            )
            try:
                container = run.container(body)
            except EngineError as error:
                if error.status != 400:
                    raise
                return None  # A capability that the engine does not know.
            run.start(container)
            seen = _seccomp_runtime.bundle(run.inspect(container)["State"]["Pid"], container)
            run.remove(container)
            return seen["linux"].get("seccomp") or {}

        found[""] = ask([])
        for number in _seccomp_runtime.capabilities():
            if number >= len(profiles.CAPABILITIES):
                continue
            name = profiles.CAPABILITIES[number]
            given = ask([name])
            if given is not None:
                found[name] = given
        found["all"] = ask([name for name in found if name])
    return found


def observe(engine, seconds, profile, variants, shell):
    """Run containers under a profile; return {_seccomp_proof.key(proof, variant): text or Seen}.

    profile: its JSON as a text; None for containers that are given none, and have the daemon's. variants: of
    _seccomp_proof.VARIANTS. shell: whether the host's shell is run, too.
    Raises ContainmentError where it takes longer than `seconds`.
    """
    found = {}
    with _proof_run.begun(engine, seconds) as run:
        image = run.image()
        for variant in variants:
            options = [f"no-new-privileges={'true' if variant == _seccomp_proof.NO_NEW_PRIVILEGES else 'false'}"]
            if profile is not None:
                options.append(f"seccomp={profile}")
            body = {"Image": image, "Cmd": [_proof_image.SPIN], "WorkingDir": "/tmp"}  # noqa: S108  the container's
            body["HostConfig"] = dict(_ALONE, SecurityOpt=options)
            for proof, text in _one(run, body, shell):
                found[_seccomp_proof.key(proof, variant)] = text
    return found


def _one(run, body, shell):
    """Yield (proof, what was seen of it) as far as a container comes."""
    container = run.container(body)
    try:
        run.start(container)
        state = _settled(run, lambda: run.inspect(container)["State"])
    except EngineError as error:
        yield "start", error.cause
        return
    if not state["Running"]:
        yield "start", f"ended with {state.get('ExitCode')}"
        return
    yield "start", "runs"
    yield "filter", _seen(state["Pid"], container)
    try:
        yield "exec", _exec(run, container)
    except EngineError as error:
        yield "exec", error.cause
    run.remove(container)
    if shell:
        yield "shell", _shell(run, dict(body, Cmd=SHELL))


def _settled(run, look):
    """Return a state once its process is the spinning program, or is none any more."""
    while True:
        state = look()
        if not state["Running"] and (state.get("ExitCode") is not None):
            return state
        if state.get("Pid") and _seccomp_runtime.program(state["Pid"]) == _proof_image.SPIN:
            return state
        run.left()
        time.sleep(0.02)


def _seen(pid, container):
    program, why = [], None
    if _seccomp_runtime.is_filtered(pid):
        try:
            program = (_seccomp_kernel.filters(pid) or [[]])[-1]
        except OSError as error:
            program, why = None, error.strerror
    return _seccomp_proof.Seen(program, why, _seccomp_runtime.bundle(pid, container))


def _exec(run, container):
    body = {"Cmd": [_proof_image.SPIN], "User": "1:1"}
    one = run.engine.post(f"/containers/{container}/exec", body, timeout=run.left())["Id"]
    run.engine.post(f"/exec/{one}/start", {"Detach": True}, timeout=run.left())
    state = _settled(run, lambda: run.engine.get(f"/exec/{one}/json", timeout=run.left()))
    return "runs" if state["Running"] else f"ended with {state['ExitCode']}"


def _shell(run, body):
    container = run.container(body)
    try:
        run.start(container)
    except EngineError as error:
        return error.cause
    while True:
        state = run.inspect(container)["State"]
        if not state["Running"]:
            out, err = (part.decode("utf-8", "replace") for part in run.engine.logs(container))
            said = (err or out).strip().splitlines()
            return "works" if state["ExitCode"] == 0 else f"ended with {state['ExitCode']} ({' '.join(said[-1:])})"
        run.left()
        time.sleep(0.02)
