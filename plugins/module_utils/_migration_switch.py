# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stops and starts the containers of an engine, in order, and the engine between. For a process of its own."""

import concurrent.futures
import contextlib
import os
import signal
import time

from ansible_collections.containment.docker.plugins.module_utils import (
    _host_probe,
    _migration_objects,
    _service,
)
from ansible_collections.containment.docker.plugins.module_utils._engine_api import Engine, EngineError
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

_STARTS = 4  # containers that are being started at a time
_START = 300  # seconds that the start of one may take
_STOP = 120  # seconds more than a container was given to stop in
_DEFAULT_STOP = 10  # seconds (moby: container.DefaultStopTimeout)
_GHOST = 10.0  # seconds that a container without an engine has to end in
_SETTLE = 1.0  # seconds after which one that ends at once has ended


def serving(manager, socket, timeout):
    """Return the graph root that an engine serves from, None where none runs."""
    if manager.state() is None:
        return None
    try:
        _service.wait(manager, None, socket, timeout)
    except ContainmentError:
        return None
    with Engine(socket, timeout=timeout) as engine:
        return engine.json("GET", "/info")["DockerRootDir"]


def inspected(engine, ids):
    """Return the inspected containers of these ids, those that are gone left out."""
    found = []
    for one in ids:
        try:
            found.append(engine.json("GET", f"/containers/{one}/json"))
        except EngineError as error:
            if error.status != 404:
                raise
    return found


def stop_containers(socket, containers):
    """Stop containers, each after those that need it; all that need nobody at once.

    containers: inspected, in the order in which they were started. Raises ContainmentError.
    """
    names = {one["Id"]: one["Name"].lstrip("/") for one in containers}
    users = {name: set() for name in names.values()}
    for one in containers:
        for name in _migration_objects.dependencies(one, names, containers):
            users.get(name, set()).add(names[one["Id"]])
    _each(containers[::-1], lambda one: users[names[one["Id"]]], names, len(containers), lambda one: _stop(socket, one))


def _stop(socket, one):
    given = one["Config"].get("StopTimeout")
    patience = _STOP + (_DEFAULT_STOP if given is None else max(0, given))
    with Engine(socket, timeout=patience) as engine:
        try:
            engine.post(f"/containers/{one['Id']}/stop")
        except EngineError as error:
            if error.status not in (304, 404):  # stopped already; removed because it ended (--rm)
                raise


def start_containers(socket, containers, paused):
    """Start containers in the order in which they are given, each after those that it needs; return {id: [why it could
    not, in words]} of those that could not.

    containers: inspected, of the engine at `socket`. paused: ids of those to pause then.
    """
    names = {one["Id"]: one["Name"].lstrip("/") for one in containers}
    failed = {}

    def start(one):
        with Engine(socket, timeout=_START) as engine:
            # 304: it was started already, by the engine for its restart policy; 409: it is paused already.
            for act in ["start"] + ["pause"] * (one["Id"] in paused):
                try:
                    engine.post(f"/containers/{one['Id']}/{act}")
                except EngineError as error:
                    if error.status is None:
                        raise
                    if error.status not in (304, 409 if act == "pause" else 304):
                        failed[one["Id"]] = error.cause
                        return

    _each(containers, lambda one: _migration_objects.dependencies(one, names, containers), names, _STARTS, start)
    return failed


def _each(containers, needed, names, width, act):
    """Call `act` for each container, in order, as soon as it was called for those whose names `needed` returns.

    width: how many calls go on at a time. Raises what a call raised, once all that had begun have ended.
    """
    waiting, running = list(containers), {}
    with concurrent.futures.ThreadPoolExecutor(max(1, width)) as pool:
        while waiting or running:
            known = {names[one["Id"]] for one in waiting} | set(running.values())
            ready = [one for one in waiting if not (needed(one) & known) - {names[one["Id"]]}]
            if not ready and not running:
                ready = waiting[:1]  # They need one another.
            for one in ready:
                running[pool.submit(act, one)] = names[one["Id"]]
                waiting.remove(one)
            done = concurrent.futures.wait(running, return_when=concurrent.futures.FIRST_COMPLETED).done
            for future in done:
                del running[future]
                if future.exception() is not None:
                    for other in running:
                        other.cancel()
                future.result()


def ended_early(socket, ids):
    """Return {id: in words} of containers that were started and have ended with a failure since."""
    time.sleep(_SETTLE)
    with Engine(socket, timeout=_START) as engine:
        found = inspected(engine, ids)
    ended = {}
    for one in found:
        state = one["State"]
        if state["ExitCode"] and state["Status"] not in ("running", "paused"):
            words = f" ({state['Error']})" if state["Error"] else ""
            ended[one["Id"]] = f"ended with {state['ExitCode']}{words}"
    return ended


def await_health(socket, ids, seconds):
    """Wait until containers are healthy; return {id: in words} of those that are not after so many seconds."""
    deadline, waiting = time.monotonic() + seconds, list(ids)
    with Engine(socket, timeout=_START) as engine:
        while waiting:
            told = {}
            for one in inspected(engine, waiting):
                health = (one["State"].get("Health") or {}).get("Status")
                if health != "healthy":
                    told[one["Id"]] = f"is {health or 'without a health check'}, and was healthy"
            waiting = list(told)
            if time.monotonic() > deadline or any("unhealthy" in words for words in told.values()):
                return told
            if waiting:
                time.sleep(0.2)
    return {}


def end_ghosts(ids):
    """End containers of these ids that run without an engine that knows them: one that was killed left them behind.

    Their first process is asked to end, then killed; their shim ends with it. Raises ContainmentError where one stays.
    """
    deadline, told = time.monotonic() + _GHOST, set()
    while True:
        shims = [one for one in _host_probe.shims() if one["id"] in ids]
        if not shims:
            return
        late = time.monotonic() > deadline
        if time.monotonic() > deadline + _GHOST:
            raise ContainmentError(
                f"container {shims[0]['id'][:12]}", "runs without an engine and does not end", "end its processes"
            )
        for shim in shims:
            inits = _children(shim["pid"])
            for pid in inits:
                if late or pid not in told:
                    told.add(pid)
                    _kill(pid, signal.SIGKILL if late else signal.SIGTERM)
            if not inits:
                _kill(shim["pid"], signal.SIGKILL)
        time.sleep(0.1)


def _children(pid):
    """Return the processes, zombies left out, whose parent is `pid`."""
    found = []
    for one in _host_probe.pids():
        stat = _host_probe.text(f"/proc/{one}/stat") or ") Z 0"
        state, parent = stat[stat.rindex(")") + 2 :].split()[:2]
        if state != "Z" and int(parent) == pid:
            found.append(one)
    return found


def _kill(pid, number):
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)
