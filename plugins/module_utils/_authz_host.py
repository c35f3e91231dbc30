# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plugin on a host: who runs it, its folder, and calls to it, to an engine and to other plugins."""

import json
import os
import pwd
import socket
import stat
import sys
import time

from ansible_collections.containment.docker.plugins.module_utils import (
    _authz_asked,
    _authz_holes,
    _authz_install,
    _authz_plan,
    _authz_service,
    _files,
)
from ansible_collections.containment.docker.plugins.module_utils._engine_api import Engine, EngineError
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

PYTHON = "/usr/bin/python3"
# Where engines look for plugins, and for their addresses (moby, pkg/plugins/discovery.go).
SOCKETS = "/run/docker/plugins"
SPECS = ("/etc/docker/plugins", "/usr/lib/docker/plugins")
_MANAGED = "docker.authz/1.0"  # the type of a managed plugin for authorization (docs.docker.com, plugin config)


def interpreter():
    """Return the Python that runs the service: the one that runs this module, by the name that outlives an upgrade of
    the distribution where there is one.

    Raises ContainmentError where others than root could change it.
    """
    path = os.path.realpath(sys.executable)
    if os.path.realpath(PYTHON) == path and not any(_is_others(one) for one in _met(PYTHON)):
        return PYTHON
    for one in _met(path):
        if _is_others(one):
            raise ContainmentError(
                sys.executable, f"would run as a service of root's, and others can change {one}", "use root's Python"
            )
    return path


def _met(path):
    """Yield what a lookup of an absolute path meets: directories, links and the file (path_resolution(7))."""
    yield "/"
    here, left = "/", path.split("/")
    while left:
        part = left.pop(0)
        if part == "..":
            here = os.path.dirname(here)
        elif part not in ("", "."):
            one = os.path.join(here, part)
            yield one
            if os.path.islink(one):
                target = os.readlink(one)
                here, left = "/" if target.startswith("/") else here, target.split("/") + left
            else:
                here = one


def _is_others(path):
    """Whether others than root can change what is there."""
    info = os.lstat(path)
    writable = info.st_mode & (stat.S_IWGRP | stat.S_IWOTH) and not info.st_mode & stat.S_ISVTX
    return info.st_uid != 0 or (writable and not stat.S_ISLNK(info.st_mode))


def account():
    """Return the passwd entry of the service's user, None where there is none."""
    try:
        return pwd.getpwnam(_authz_install.USER)
    except KeyError:
        return None


def folder_fault(user):
    """Return what is wrong with the service's folder, "" where nothing is."""
    try:
        info = os.lstat(_authz_install.STATE)
    except FileNotFoundError:
        return "is not there"
    if not stat.S_ISDIR(info.st_mode):
        raise ContainmentError(_authz_install.STATE, "is no directory", "move it away")
    if user is None or (info.st_uid, info.st_gid, stat.S_IMODE(info.st_mode)) != (user.pw_uid, user.pw_gid, 0o700):
        return "is not the plugin's alone"
    return ""


def make_folder(user):
    """Make the service's folder its own."""
    parent, name, _real = _files.open_parent(_authz_install.STATE, create=True)
    try:
        try:
            os.mkdir(name, 0o700, dir_fd=parent)
        except FileExistsError:
            pass
        fd = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=parent)
    finally:
        os.close(parent)
    try:
        if os.fstat(fd).st_uid != user.pw_uid:  # A user that was made anew goes on with what the one before kept.
            for _path, folders, files, here in os.fwalk(".", dir_fd=fd, follow_symlinks=False):
                for one in folders + files:
                    os.chown(one, user.pw_uid, user.pw_gid, dir_fd=here, follow_symlinks=False)
        os.fchown(fd, user.pw_uid, user.pw_gid)
        os.fchmod(fd, 0o700)
    finally:
        os.close(fd)


def state(timeout=5.0):
    """Return what the plugin says of itself (_authz_service.STATE). Raises EngineError where it does not answer."""
    with Engine(_authz_install.SOCKET, timeout=timeout) as plugin:
        return _call(plugin, _authz_service.STATE)


def explain(request):
    """Return the plugin's decision on a request that was written by hand, or the sentence that it has instead."""
    with Engine(_authz_install.SOCKET, timeout=10) as plugin:
        found = _call(plugin, _authz_service.EXPLAIN, request)
    return found.get("error") or found


def _call(plugin, path, body=None):
    """Return the object with which a plugin answers a call; plugins give it content types of their own."""
    found = plugin.post(path, body)
    try:
        found = json.loads(found.decode("utf-8")) if isinstance(found, bytes) else found
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise EngineError(path, "is answered with no object", "see which program listens there")
    return found


def ask(path, data, seconds=20):
    """Send bytes to an engine's socket; return the first of what it answers, or what went wrong, a text."""
    link = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        link.settimeout(seconds)
        link.connect(path)
        try:
            link.sendall(data)
        except BrokenPipeError:
            pass  # It has answered, and reads no more.
        return link.recv(4096) or "no answer"
    except OSError as error:
        return error.strerror or "no answer in time"
    finally:
        link.close()


def serves_http2(path):
    """Whether an engine serves HTTP/2 on its socket, where calls of BuildKit ask no plugin. False where none runs."""
    answer = ask(path, _authz_holes.named(_authz_holes.HTTP2).data, 5)
    return isinstance(answer, bytes) and _authz_holes.is_http2(answer)


def is_asked(path):
    """Whether an engine asks the plugin of this collection; None where that cannot be told."""
    return _try(path, _authz_holes.PING, _authz_asked.NAME)[1]


def tried(path, hole, name=_authz_asked.NAME):
    """Return the proof that a Hole is closed in an engine. name: of the plugin that it is to ask."""
    return _authz_holes.judge(hole, *_try(path, hole.data, name))


def _try(path, data, name):
    """Return (what an engine answers, whether it asked the plugin of a name)."""
    before = _asked(name)
    answer = ask(path, data)
    return answer, _authz_holes.is_asked(answer, name, before, _asked(name))


def _asked(name):
    """Return about how many requests a plugin was asked, None where it does not answer, or is another one than ours."""
    try:
        return state()["asked"] if name == _authz_asked.NAME else None
    except EngineError:
        return None


def unlike(wanted):
    """Return in what the plugin that serves is another one than is wanted (_authz_plan), or why it does not serve."""
    try:
        return _authz_plan.unlike(state(), wanted)
    except EngineError as error:
        return str(error)


def wait(wanted, seconds, hint):
    """Wait until the plugin serves as is wanted. hint: where to look. Raises ContainmentError."""
    deadline = time.monotonic() + seconds
    while True:
        fault = unlike(wanted)
        if not fault:
            return
        if time.monotonic() > deadline:
            raise ContainmentError(_authz_install.UNIT, f"does not serve after {seconds} s: {fault}", hint)
        time.sleep(0.1)


def configured(path):
    """Return the plugins that a daemon.json names. Raises ContainmentError for one that cannot be read."""
    return _authz_asked.named_in(path, _files.read(path).data)


def activate(name, engine_socket):
    """See that another plugin is there and is one for authorization. Raises ContainmentError.

    Engines look for a managed one of that name first (moby, pkg/plugingetter).
    """
    with Engine(engine_socket, timeout=30) as engine:
        for one in engine.json("GET", "/plugins"):
            if one["Name"] in (name, f"{name}:latest"):
                if _MANAGED not in one["Config"]["Interface"]["Types"]:
                    raise ContainmentError(f"plugin {name}", "is none for authorization", "name another one")
                if not one["Enabled"]:
                    raise ContainmentError(f"plugin {name}", "is not enabled", f"run docker plugin enable {name}")
                return
    address = _address(name)
    if not address.startswith("unix://"):
        raise ContainmentError(f"plugin {name}", f"is at {address}", "have it listen on a unix socket")
    try:
        with Engine(address, timeout=10) as plugin:
            found = _call(plugin, "/Plugin.Activate")
    except EngineError as error:
        raise ContainmentError(
            f"plugin {name}", f"does not answer ({error.cause})", "start it before the engine asks it"
        ) from error
    if "authz" not in (found.get("Implements") or ()):
        raise ContainmentError(f"plugin {name}", "is none for authorization", "name another one")


def _address(name):
    """Return the address at which an engine looks for a plugin that is not managed."""
    for path in (f"{SOCKETS}/{name}.sock", f"{SOCKETS}/{name}/{name}.sock"):
        if os.path.exists(path) and stat.S_ISSOCK(os.stat(path).st_mode):
            return "unix://" + path
    for folder in SPECS:
        for suffix in (f"{name}.spec", f"{name}.json", f"{name}/{name}.spec", f"{name}/{name}.json"):
            data = _files.read(f"{folder}/{suffix}").data
            if data is not None:
                try:
                    text = data.decode("utf-8").strip()
                    return json.loads(text).get("Addr", "") if suffix.endswith(".json") else text
                except (ValueError, AttributeError):
                    raise ContainmentError(f"{folder}/{suffix}", "tells no address", "mend the file") from None
    raise ContainmentError(
        f"plugin {name}", "is neither managed by the engine nor at a socket that engines look for", "install it first"
    )
