# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plugin's answers: a decision and its record to each request, and what is to be remembered of each result.

Fails closed: without a policy, without a record, and at whatever goes wrong, the answer is no.
"""

import collections
import json
import os
import sys

from ansible_collections.containment.docker.plugins.module_utils import (
    _authz_decide,
    _authz_explain,
    _authz_json,
    _authz_message,
    _authz_policy,
    _authz_record,
    _authz_request,
)
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

STATE, EXPLAIN = "/Containment.State", "/Containment.Explain"  # calls that no engine makes
_PENDING, _ALIKE = 4096, 64  # requests whose results are awaited, and of the same ones; streams may last for days


class Plugin:
    """policy: the path of the policy. world: a _authz_world.World. log: a _authz_log.Log. program: the hash of the one
    that runs. root: the graph root that it was started with."""

    def __init__(self, policy, world, log, program="", root=""):
        self._program, self._root = program, root
        self._path, self._world, self._log = policy, world, log
        self._stamp, self._policy = None, None
        self._fault = "there is no policy"
        self._asked = 0  # requests since the start
        self._pending = collections.OrderedDict()  # {what identifies a request: [its numbers]}
        self.reload()

    def reload(self):
        """Read the policy where its file is another one. A bad one is told, and the one before stays."""
        try:
            info = os.stat(self._path)
            stamp = info.st_dev, info.st_ino, info.st_mtime_ns, info.st_size
            if stamp == self._stamp:
                return
            self._stamp = stamp
            with open(self._path, "rb") as handle:
                self._policy = _authz_policy.read(handle.read())
            self._fault = ""
            tell(f"policy {self._policy.digest[:12]} is in force")
        except ContainmentError as error:
            self._refuse_policy(str(error))
        except OSError as error:
            if self._stamp is not None or self._policy is None:
                self._stamp = None
                self._refuse_policy(f"{self._path}: cannot be read ({error.strerror}).")

    def _refuse_policy(self, text):
        self._fault = text
        tell(text + (" The policy before it stays in force." if self._policy else " Everything is refused."))

    def answer(self, path, body):
        """Return (HTTP status, body) for a call."""
        if path == "/Plugin.Activate":
            return 200, _authz_message.ACTIVATED
        handlers = {"/AuthZPlugin.AuthZReq": self._request, "/AuthZPlugin.AuthZRes": self._result}
        if path not in handlers and path not in (STATE, EXPLAIN):
            return 404, b'{"Err":"no such call"}'
        self.reload()
        if path == STATE:
            return 200, _json(self._state())
        if path == EXPLAIN:
            return 200, _json(self._explain(body))
        try:
            if not body:
                return 200, self._again(path)
            message = _authz_message.read(body)
        except ContainmentError as error:
            return 200, self._refuse(None, "call", str(error))
        try:
            return 200, handlers[path](message)
        except ContainmentError as error:
            tell(str(error))
            return 200, _authz_message.answer(False, str(error))

    def _refuse(self, message, rule, reason):
        """Refuse what no policy decides on, and record that; it is refused where it cannot be recorded, too."""
        try:
            self._log.write(_authz_record.refusal(message, rule, reason, os.urandom(8).hex()))
        except ContainmentError as error:
            tell(f"{reason} {error}")
        return _authz_message.answer(False, reason)

    @staticmethod
    def _again(path):
        """Answer a call without a body: an engine makes so again what a plugin that ended had in hand (moby,
        pkg/plugins/client.go). What it is the result of has been done; what it asks about cannot be told."""
        if path == "/AuthZPlugin.AuthZRes":
            tell("the result of a request is not remembered: the plugin before ended with it")
            return _authz_message.answer(True)
        raise ContainmentError("call", "is empty, since the plugin ended meanwhile", "send the request again")

    def _state(self):
        """What a rollout asks: {"policy": the digest of the one in force, "" without one, "fault": of the file,
        "asked": about how many requests since the start, "program", "root": as of __init__, "unseen": why
        containers cannot be looked up}."""
        digest = self._policy.digest if self._policy is not None else ""
        return {
            "policy": digest,
            "fault": self._fault,
            "asked": self._asked,
            "program": self._program,
            "root": self._root,
            "unseen": _unseen(self._root),
        }

    def _explain(self, body):
        """Decide a request that was written by hand (_authz_explain); nobody makes it, so that it is not recorded."""
        try:
            if self._policy is None:
                raise ContainmentError("policy", "is not usable", "mend it")
            found = _authz_explain.explain(self._policy, _authz_json.parse(body), self._world)
        except ContainmentError as error:
            return {"error": str(error)}
        action = found.demand.action if found.demand is not None else ""
        return {"verdict": found.verdict, "rule": found.rule, "action": action, "reason": found.reason}

    def _request(self, message):
        self._asked += 1
        if self._policy is None:
            reason = f"the policy is not usable: {self._fault} A root shell on the host can mend it."
            return self._refuse(message, "policy", reason)
        found = _authz_decide.decide(self._policy, message, self._world)
        number = os.urandom(8).hex()
        self._log.write(_authz_record.decision(message, found, self._policy.digest, number))
        if found.verdict == _authz_decide.DENY:
            return _authz_message.answer(False, found.reason)
        self._awaits(message, number, _container(found.demand))
        return _authz_message.answer(True)

    def _awaits(self, message, number, container):
        waiting = self._pending.setdefault(_key(message), [])
        waiting.append((number, container))
        del waiting[:-_ALIKE]
        if len(self._pending) > _PENDING:
            self._pending.popitem(last=False)

    def _result(self, message):
        key = _key(message)
        waiting = self._pending.get(key, [])
        number, container = waiting.pop(0) if waiting else ("", None)
        if not waiting:
            self._pending.pop(key, None)
        principal = self._principal(message)
        digest = self._policy.digest if self._policy is not None else ""
        # It has been done: a no would only hide that.
        for step in (
            lambda: self._remember(message, principal, container),
            lambda: self._log.write(_authz_record.result(message, principal, digest, number)),
        ):
            try:
                step()
            except (ContainmentError, OSError) as error:
                path = message.uri.partition("?")[0]  # A query may hold secrets.
                tell(f"the result of {message.method[:20]!a} {path[:200]!a} is not remembered: {error}")
        return _authz_message.answer(True)

    def _principal(self, message):
        """Return the name of who made a request, "" for who is nobody any more."""
        try:
            return _authz_decide.identify(self._policy, message)[0].name if self._policy is not None else ""
        except ContainmentError:
            return ""

    def _remember(self, message, principal, container):
        """Remember who made a container, or planned a process in one.

        container: the id of the one that the request was allowed for: names may have changed since.
        """
        if message.status != 201 or not principal:
            return
        action = _authz_request.read(message.method, message.uri).action
        if action == "container.create":
            self._world.created(_id(message.response), principal)
        elif action == "exec.create":
            if container is None:
                raise ContainmentError("exec", "is for a container that was not looked up", "make a new one")
            self._world.planned(_id(message.response), container, principal)


def _unseen(root):
    """Return why the containers of a graph root cannot be listed, "" where they can: there need be none yet."""
    try:
        os.listdir(root)
        if os.path.lexists(f"{root}/containers"):
            os.listdir(f"{root}/containers")
    except OSError as error:
        return f"{error.filename}: {error.strerror}"
    return ""


def _container(demand):
    """Return the id of the container that an exec is planned in, None for any other demand."""
    if demand is None or demand.action != "exec.create":
        return None
    try:
        return demand.target.found().id
    except ContainmentError:
        return None  # The request was let pass, and recorded so: that the container is not there, says the engine.


def _key(message):
    return hash((message.user, message.method, message.uri, message.body))


def _id(data):
    """Return the id in an engine's answer to a create. Raises ContainmentError."""
    found = _authz_json.field(_authz_json.parse(data), "Id")
    if not isinstance(found, str):
        raise ContainmentError("answer", "has no Id", "see which engine this is")
    return found


def _json(value):
    return json.dumps(value).encode("ascii")


def tell(text):
    """Tell whoever runs the service."""
    sys.stderr.write(f"{_authz_record.IDENTIFIER}: {text}\n")
    sys.stderr.flush()
