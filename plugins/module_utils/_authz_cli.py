# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plugin's command line: it serves, checks policies, and explains decisions."""

import functools
import json
import os
import sys

from ansible_collections.containment.docker.plugins.module_utils import (
    _authz_certificate,
    _authz_decide,
    _authz_digest,
    _authz_explain,
    _authz_json,
    _authz_log,
    _authz_message,
    _authz_names,
    _authz_policy,
    _authz_record,
    _authz_request,
    _authz_rules,
    _authz_server,
    _authz_service,
    _authz_world,
)
from ansible_collections.containment.docker.plugins.module_utils._authz_values import shown
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

_SERVED = ("--policy", "--root", "--state")  # what the service's unit gives (_authz_install), in this order


def main(arguments=None):
    """Return the exit code: 0, 1 for what is refused, 2 for what cannot be read."""
    words = sys.argv[1:] if arguments is None else arguments
    try:
        if len(words) == 7 and words[0] == "serve" and tuple(words[1::2]) == _SERVED:
            return _serve(*words[2::2])
        options = _parser().parse_args(words)
        return options.command(options)
    except ContainmentError as error:
        sys.stderr.write(f"{error}\n")
    except OSError as error:
        sys.stderr.write(f"{error.filename}: {error.strerror}\n")
    return 2


def _parser():
    # Here alone: it takes 3 MB, which a service would hold for nothing.
    import argparse

    parser = argparse.ArgumentParser(prog="authz", description="An authorization plugin for the Docker Engine.")
    commands = parser.add_subparsers(metavar="COMMAND", dest="word")
    commands.required = True
    serve = commands.add_parser("serve", help="answer an engine")
    serve.add_argument("--policy", required=True, help="the policy's file; another one in its place is read at once")
    serve.add_argument("--root", required=True, help="the engine's graph root, with a mapping's UID.GID")
    serve.add_argument("--state", required=True, help="a folder of its own: who made which container")
    serve.add_argument("--socket", help="where to listen, without systemd")
    serve.add_argument("--user", help="become this user, and keep of root's rights that of reading")
    serve.add_argument("--pid-file", help="become a daemon, without systemd; with --socket, --user and --log-file")
    serve.add_argument("--log-file", help="what a daemon says of itself")
    serve.set_defaults(command=_serve_apart)
    check = commands.add_parser("check", help="tell whether a policy can be used")
    check.add_argument("policy")
    check.set_defaults(command=_check)
    explain = commands.add_parser("explain", help="decide a request and say by which rule")
    explain.add_argument("--policy", required=True)
    explain.add_argument("--root", help="as of serve: without it, no container is looked at")
    explain.add_argument("--state", help="as of serve; with --root")
    explain.add_argument("request", help="JSON: what an engine sent, or principal, method, uri and body; - reads it")
    explain.set_defaults(command=_explain)
    digest = commands.add_parser("digest", help="print what a policy calls a seccomp profile")
    digest.add_argument("profile")
    digest.set_defaults(command=lambda options: _print(_authz_rules.digest_of(_read(options.profile).decode())))
    identity = commands.add_parser("identity", help="print serial number and key of a certificate")
    identity.add_argument("certificate")
    identity.set_defaults(command=_identity)
    release = commands.add_parser(
        "release", help="root's way out: have the engine ask no plugin, and record who did so"
    )
    release.add_argument("--config", default="/etc/docker/daemon.json", help="the engine's configuration")
    release.add_argument("--pid-file", default="/run/docker.pid", help="the engine's")
    release.set_defaults(command=_release)
    version = commands.add_parser("version", help="print what it understands")
    version.set_defaults(command=_version)
    return parser


def _print(*lines):
    sys.stdout.write("".join(line + "\n" for line in lines))
    return 0


def _read(path):
    if path == "-":
        return sys.stdin.buffer.read()
    with open(path, "rb") as handle:
        return handle.read()


def _serve(policy, root, state, listener=None):
    if listener is None:
        listener = _authz_server.listen(None)
    plugin = _authz_service.Plugin(policy, _authz_world.World(root, state), _authz_log.Log(), _program(), root)
    _authz_server.Server(listener, plugin).run()
    return 0


@functools.lru_cache()
def _program():
    """Return the hash of the program's file, as it was at the first call."""
    with open(getattr(__loader__, "archive", __file__), "rb") as handle:
        return _authz_digest.hexadecimal(handle.read())


def _serve_apart(options):
    """Serve as somebody else, or as a daemon: where systemd does neither."""
    # Here alone, as argparse.
    from ansible_collections.containment.docker.plugins.module_utils import _authz_drop, _authz_supervise

    listener = _authz_server.listen(options.socket)
    _program()  # One that is forked again later is of the same program, whatever is in its place then.

    def work():
        if options.user is not None:
            _authz_drop.become(options.user)
        return _serve(options.policy, options.root, options.state, listener)

    if options.pid_file is None:
        return work()
    if None in (options.socket, options.user, options.log_file):
        raise ContainmentError("--pid-file", "is given alone", "give --socket, --user and --log-file, too")
    _authz_supervise.detach(options.pid_file, options.log_file)
    _authz_supervise.Supervisor(work, options.pid_file + ".notify", _authz_drop.account(options.user).pw_uid).run()
    os.unlink(options.socket)  # The next one may be started as soon as the other is gone.
    os.unlink(options.pid_file)
    return 0


def _check(options):
    policy = _authz_policy.read(_read(options.policy))
    lines = [
        f"{one.name}: {', '.join(role.name + (' (report)' if role.report else '') for role in one.roles) or 'no role'}"
        for one in policy.principals
    ]
    return _print(f"{options.policy}: usable, {policy.digest[:12]}", *lines)


def _identity(options):
    found = _authz_certificate.identity(_read(options.certificate).decode("ascii", "replace"))
    return _print(f"serial {found.serial}", f"key {found.key}")


def _version(_options):
    first, last = _authz_request.VERSIONS
    return _print(f"policy format {_authz_policy.FORMAT}, Docker Engine API 1.{first} to 1.{last}")


def _release(options):
    # Here alone: who serves has no use for it, nor for the memory that it takes.
    from ansible_collections.containment.docker.plugins.module_utils import _authz_release

    named, pid = _authz_release.release(options.config, options.pid_file)
    text = f"{options.config}: {', '.join(named) or 'no plugin'} taken out"
    text += f"; the engine, pid {pid}, was told" if pid is not None else "; no engine runs"
    _print(text)
    # Told first: the way out must not depend on a log.
    _authz_log.Log().write(_authz_record.released(text, os.environ.get("SUDO_USER", "root")))
    return 0


class _Names:
    """Every container that is asked for is there, and has nothing but its name: what is known without an engine.

    named: a list to which each name is added that is asked for.
    """

    def __init__(self, named):
        self._named = named

    def container(self, text):
        if shown(text) not in self._named:
            self._named.append(shown(text))
        return _authz_names.Container(None, text, {}, None, {}, {})

    def exec(self, number):
        raise ContainmentError(f"exec {number[:80]!a}", "is known to the service alone", "explain what made it")


def _explain(options):
    policy = _authz_policy.read(_read(options.policy))
    value = _authz_json.parse(_read(options.request))
    if (options.root is None) != (options.state is None):
        raise ContainmentError("--root and --state", "go together", "give both, or none")
    named = []
    world = _Names(named) if options.root is None else _authz_world.World(options.root, options.state, keeps=False)
    if "RequestMethod" in value:
        found = _authz_decide.decide(policy, _authz_message.read(json.dumps(value).encode()), world)
    else:
        found = _authz_explain.explain(policy, value, world)
    action = found.demand.action if found.demand is not None else "unknown"
    _print(f"{found.verdict}: {action}, by {found.rule}", *[f"  {label}: {reason}" for label, reason in found.tried])
    if found.reason:
        _print(found.reason)
    if named:
        _print(f"Not looked at, and taken for plain: container {', '.join(named)}; give --root and --state.")
    return 0 if found.verdict == _authz_decide.ALLOW else 1
