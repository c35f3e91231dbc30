#!/usr/bin/python
# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: authz_plugin
short_description: Install, start and check the authorization plugin of this collection
version_added: "0.1.0"
description:
  - Writes the plugin's program, its policy and its units or init script, starts it, and returns when it answers with
    that policy in force. A policy that cannot be used is refused before anything is touched. A plugin that does not
    serve makes way for the one before, or for none.
  - Another policy takes effect with the next request. Another program or unit restarts the service; the socket stays,
    so that requests wait meanwhile and none is lost. So does a service that still runs another program, or looks into
    another graph root, because a run was killed.
  - No engine asks it yet. Name RV(plugin) in C(authorization-plugins) of C(daemon.json) afterwards, with
    M(containment.docker.daemon_json), and have the engine read that with M(containment.docker.engine_service). The
    other way round an engine would wait for a plugin that is not there, and end.
  - The service runs as the user C(containment-authz), which has to be there, with the one capability to read the
    engine's files of containers, in a sandbox of systemd 239 or newer. Where systemd is older, or does not run, a
    process of root's gives its rights up itself. The Python that runs this module runs the service, too.
author:
  - containment.docker contributors (@containment)
extends_documentation_fragment:
  - containment.docker.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details:
      - Of the program, its hash alone.
  platform:
    platforms: linux
requirements:
  - systemd, or update-rc.d or chkconfig where it does not run
options:
  state:
    description:
      - V(present) for a plugin that answers, V(absent) for none. A plugin that C(daemon.json) names is not removed.
      - V(external) leaves this one as it is, and sees that those of O(plugins) answer.
    type: str
    choices: [present, absent, external]
    default: present
  policy:
    description:
      - The policy, as in C(docs/authz.md). C(format) may be left out.
      - Without it the policy that is there stays.
    type: dict
  keep:
    description:
      - Whether the policy and the graph root of a plugin that is there stay where they can be used, so that O(policy)
        and O(root) are for one that is not there, or has none that can be used. For an engine that does not run because
        its plugin does not serve, and does not tell its graph root.
    type: bool
    default: false
  root:
    description:
      - The engine's graph root, which with C(userns-remap) ends in a UID.GID.
    type: path
    default: /var/lib/docker
  plugins:
    description:
      - Names of other plugins that the engine is going to ask. Each has to answer, or nothing is changed. In check mode
        one that does not is told in a warning, because a task before this one may be about to start it.
    type: list
    elements: str
    default: []
  config_file:
    description:
      - The engine's configuration.
    type: path
    default: /etc/docker/daemon.json
  socket:
    description:
      - The engine's socket. It is asked there for managed plugins where O(plugins) are named, and whether it serves
        HTTP/2.
    type: path
    default: /run/docker.sock
  transaction:
    description:
      - Name of the transaction that keeps the previous policy, as of M(containment.docker.daemon_json).
    type: str
  timeout:
    description:
      - Seconds in which the plugin has to answer.
    type: int
    default: 30
seealso:
  - module: containment.docker.authz_proof
"""

EXAMPLES = r"""
- name: Make the user of the service
  ansible.builtin.user:
    name: containment-authz
    system: true
    create_home: false
    shell: /usr/sbin/nologin

- name: Have the plugin ready
  containment.docker.authz_plugin:
    policy:
      principals:
        - {name: root, socket: true, roles: [everything]}
        - {name: alice, cn: alice, roles: [look]}
      roles:
        - name: look
          grants: [{actions: [system.ping, system.version, container.list]}]
        - name: everything
          grants:
            - actions: ["*"]
              containers: ["*"]
              images: ["*"]
              networks: ["*"]
              volumes: ["*"]
              envelope: privileged
"""

RETURN = r"""
plugin:
  description: What C(daemon.json) has to call it.
  returned: always
  type: str
  sample: containment
policy_sha256:
  description: The hash of the policy's file, by which records name it. Null where there is to be none.
  returned: always
  type: str
  sample: 0d5a3a3f4e1b5c7d9f2a4b6c8d0e1f3a5b7c9d1e3f5a7b9c1d3e5f7a9b1c3d5e
root:
  description: The graph root in which it finds the engine's containers.
  returned: always
  type: str
  sample: /var/lib/docker
files:
  description: Files that are written or removed.
  returned: always
  type: list
  elements: str
  sample: [/etc/containment/authz/policy.json]
asked:
  description: >-
    Whether the engine asks the plugin, before anything is changed, by whether it hears of a ping of the engine. Null
    where that cannot be told, because the engine does not answer it, or because another plugin refuses it.
  returned: always
  type: bool
  sample: true
restart_required:
  description: >-
    Whether the engine has to be restarted: it serves HTTP/2 on its socket, where calls of BuildKit ask no plugin. A
    drop-in of its unit says that it does not.
  returned: always
  type: bool
  sample: false
restarted:
  description: Whether the service of the plugin is started, or started again.
  returned: always
  type: bool
  sample: false
transaction:
  description: The transaction that keeps the previous policy, null where that stays.
  returned: always
  type: str
  sample: 20261122T101500Z-authz_plugin
"""

import hashlib
import re

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.containment.docker.plugins.module_utils import (
    _authz_asked,
    _authz_host,
    _authz_install,
    _authz_manager,
    _authz_plan,
    _authz_policy,
    _files,
    _transaction,
)
from ansible_collections.containment.docker.plugins.module_utils._engine_api import socket_path
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError, told

KIND = "authz_policy"
_ROOT = re.compile(r"/[A-Za-z0-9_./@:+-]*\Z")


def policy_of(params, there):
    """Return the bytes of the policy to have, None for none. there: those of the one that is there."""
    given = params["policy"]
    if there is not None and (given is None or params["keep"]):
        try:
            _authz_policy.read(there)
            return there
        except ContainmentError as error:
            if given is None:
                raise ContainmentError(
                    _authz_install.POLICY,
                    f"cannot be used: {error.subject} {error.cause}",
                    f"give another one, or have the engine ask no plugin: python3 {_authz_install.PROGRAM} release",
                ) from None
    return None if given is None else _authz_plan.text_of(given)


def root_of(params, manager):
    """Return the graph root that the plugin is to look into."""
    texts = [_files.read(path).data for path in manager.paths()] if params["keep"] else []
    return next(filter(None, map(_authz_install.root_in, filter(None, texts))), params["root"])


def wanted(module, policy, manager, root):
    """Return [(File, content, mode)] of all files of the plugin. policy: File of the policy that is there. root: of
    the engine."""
    params = module.params
    if params["state"] == "external":
        return read(manager.drop_in() if params["plugins"] else {})
    if params["state"] == "absent":
        gone = [_authz_install.PROGRAM, _authz_install.POLICY, *manager.paths()]
        others = set(_authz_host.configured(params["config_file"]) + params["plugins"]) - {_authz_asked.NAME}
        gone += [] if others else manager.drop_in()  # Others are asked still.
        return [(_files.read(path), None, None) for path in gone]
    if not _ROOT.match(root):
        raise ContainmentError(
            "root", f"{root!r} has characters that no unit can carry", "use letters, digits and _./@:+-"
        )
    data = policy_of(params, policy.data)
    files = read(dict(manager.files(_authz_host.interpreter(), root), **manager.drop_in()))
    files.append((_files.read(_authz_install.PROGRAM), _authz_install.program(), 0o644))
    if data is not None:
        files.append((policy, data, 0o600))
    elif not module.check_mode:  # In check mode a task before this one may be about to bring it back.
        raise ContainmentError("policy", "is not given, and there is none yet", "give one")
    return files


def read(texts):
    """Return [(File, content, mode)] of {path: (text, mode)}."""
    return [(_files.read(path), text.encode("utf-8"), mode) for path, (text, mode) in texts.items()]


def differs(file, data, mode):
    """Whether a file has another content, another owner than root, or another mode."""
    if file.data is None or data is None:
        return file.data != data
    return (file.data, file.uid, file.gid, file.mode) != (data, 0, 0, mode)


def shown(path, data):
    if data is None:
        return ""
    if path == _authz_install.PROGRAM:
        return f"sha256 {hashlib.sha256(data).hexdigest()}\n"
    return data.decode("utf-8", "replace")


def write(changed, transaction):
    for file, data, mode in changed:
        if file.path == _authz_install.POLICY:
            _transaction.record(transaction, KIND, file, data)
        mine = file if None in (file.data, data) else file._replace(uid=0, gid=0, mode=mode)
        _files.replace(mine, data, mode=mode)


def install(module, manager, changed, transaction, user, starts, unread):
    """unread: paths of units that are changed, or were by a run that was killed before it had them read."""
    _authz_host.make_folder(user)
    write(changed, transaction)
    for file, _data, _mode in changed:
        module.set_default_selinux_context(file.path, False)
    if starts:
        manager.start(unread)
    elif _authz_install.DROP_IN in unread:
        manager.reload()


def put_back(manager, changed):
    """Have the plugin of before serve again, which an engine may be asking; where there was none, have none."""
    new = any(file.data is None for file, _data, _mode in changed if file.path in manager.paths())
    if new:
        manager.stop()
    for file, _data, mode in changed:
        _files.replace(_files.read(file.path), file.data, mode=mode if file.mode is None else file.mode)
    if new:
        manager.forget()
    else:
        manager.start({file.path for file, _data, _mode in changed})


def undo(manager, changed, error):
    """Put back what was there before `error`. Raises ContainmentError with both where that fails, too."""
    try:
        put_back(manager, changed)
    except (ContainmentError, OSError) as second:
        raise ContainmentError(
            _authz_install.UNIT, f"{error} What was there before could not be put back: {second}", "mend both"
        ) from error


def remove(manager, changed, transaction):
    manager.stop()
    write(changed, transaction)
    manager.forget()


def see(module, name):
    """See that another plugin answers. Raises ContainmentError; in check mode it is told."""
    try:
        _authz_host.activate(name, socket_path(module.params["socket"]))
    except ContainmentError as error:
        if not module.check_mode:
            raise
        module.warn(str(error))


def run(module):
    params = module.params
    present, absent = params["state"] == "present", params["state"] == "absent"
    transaction = params["transaction"] or _transaction.default_name("authz_plugin")
    if params["timeout"] < 1:
        raise ContainmentError("timeout", f"{params['timeout']} is no time to start in", "give at least 1 second")
    # Check mode is asked while the file has not been changed yet, by the run that is going to.
    if absent and not module.check_mode and _authz_asked.NAME in _authz_host.configured(params["config_file"]):
        raise ContainmentError(
            params["config_file"],
            f"names {_authz_asked.NAME}, without which the engine would refuse everything",
            "take it out, and have the engine read that, first",
        )
    socket = socket_path(params["socket"])
    # Before anything is changed, so that check mode says the same.
    asked = _authz_host.is_asked(socket)
    if absent and asked is not False and not module.check_mode:
        doubt = "still asks" if asked else "does not answer a ping, so that it may still ask"
        raise ContainmentError(
            "the engine", f"{doubt} the plugin, without which it would refuse everything", "reload or restart it first"
        )
    manager, user = _authz_manager.manager(), _authz_host.account()
    root = root_of(params, manager)
    files = wanted(module, _files.read(_authz_install.POLICY), manager, root)
    for name in () if absent else params["plugins"]:
        see(module, name)
    changed = [one for one in files if differs(*one)]
    paths = {file.path for file, _data, _mode in changed}
    for file, _data, _mode in changed:
        _files.refuse_unwritable(file)
    if _authz_install.POLICY in paths:
        _transaction.check_usable(transaction)
    if present and user is None and not module.check_mode:
        raise ContainmentError(
            f"user {_authz_install.USER}", "is not there", "make it with ansible.builtin.user, system: true"
        )
    service, starts = manager.read(), False
    unread = paths | service.unread
    digests = {file.path: hashlib.sha256(data).hexdigest() for file, data, _mode in files if data is not None}
    digest = digests.get(_authz_install.POLICY)
    serving = {"program": digests.get(_authz_install.PROGRAM), "root": root}
    if present:
        # Another policy is read as it is, and the drop-in is the engine's.
        starts = bool(unread - {_authz_install.POLICY, _authz_install.DROP_IN})
        starts = starts or not (service.enabled and service.running) or bool(_authz_host.folder_fault(user))
        # A run that was killed before it started the service again left the one before.
        starts = starts or bool(_authz_host.unlike(serving))
    act = bool(unread) or starts or (absent and (service.enabled or service.there))
    if not module.check_mode:
        if absent and act:
            remove(manager, changed, transaction)
        if params["state"] == "external" and act:
            write(changed, transaction)
            manager.reload()
        if present:
            try:
                if act:
                    install(module, manager, changed, transaction, user, starts, unread)
                _authz_host.wait(dict(serving, policy=digest), params["timeout"], manager.hint)
            except (ContainmentError, OSError) as error:
                if changed:
                    undo(manager, changed, error)
                raise
    return {
        "changed": act,
        "plugin": _authz_asked.NAME,
        "policy_sha256": digest,
        "root": root,
        "files": sorted(paths),
        "asked": asked,
        "restart_required": (present or bool(params["plugins"])) and _authz_host.serves_http2(socket),
        "restarted": starts,
        "transaction": transaction if _authz_install.POLICY in paths else None,
        "diff": [
            {
                "before_header": file.path,
                "after_header": file.path,
                "before": shown(file.path, file.data),
                "after": shown(file.path, data),
            }
            for file, data, _mode in changed
        ],
    }


def main():
    module = AnsibleModule(
        argument_spec={
            "state": {"type": "str", "choices": ["present", "absent", "external"], "default": "present"},
            "policy": {"type": "dict"},
            "keep": {"type": "bool", "default": False},
            "root": {"type": "path", "default": "/var/lib/docker"},
            "plugins": {"type": "list", "elements": "str", "default": []},
            "config_file": {"type": "path", "default": "/etc/docker/daemon.json"},
            "socket": {"type": "path", "default": "/run/docker.sock"},
            "transaction": {"type": "str"},
            "timeout": {"type": "int", "default": 30},
        },
        supports_check_mode=True,
    )
    with told(module, "authz_plugin"):
        result = run(module)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
