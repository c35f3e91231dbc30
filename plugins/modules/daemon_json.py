#!/usr/bin/python
# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: daemon_json
short_description: Set and remove keys of the Docker Engine's daemon.json
version_added: "0.1.0"
description:
  - Sets the keys in O(merge) and takes out those in O(remove). Everything else in the file stays byte for byte, as do
    the order of keys, indentation, line endings and the last newline. A file that says the same already is not written.
  - Refuses, before anything is touched and in check mode too, what the engine would not start with or what would leave
    it without protection. These are keys that its command line sets as well (read from the running process, systemd
    units and their drop-ins, environment files, C(/etc/default/docker), C(/etc/sysconfig/docker) and init scripts),
    keys that this engine does not know yet or any more, values of a wrong type or out of bounds, labels that are not
    C(key=value), a C(default-runtime) that is nowhere defined, C(icc) and C(iptables) both off, and a C(userns-remap)
    of C(root), with more than two parts, or of C(default) on engines from 28.0 on.
  - Refuses a file it cannot read as JSON, with line and column, and a file that cannot be replaced, for example an
    immutable one.
  - The new content is judged by C(dockerd --validate) before it takes the place of the old, where the engine has it
    (from 23.0 on) and where that only looks things up (from 26.0 on with C(userns-remap), the user, its group and its
    ranges have to exist). What it refuses is not written.
  - Reloads and restarts nothing. The result says which of the two the change needs.
author:
  - containment.docker contributors (@containment)
extends_documentation_fragment:
  - containment.docker.attributes
attributes:
  check_mode:
    support: full
    details:
      - C(dockerd --validate) is not called, because some engines create users in it.
  diff_mode:
    support: full
    details:
      - Secrets (the user part of URLs, values of names such as C(splunk-token)) are masked. One that changes is marked
        as changed.
  platform:
    platforms: linux
options:
  path:
    description:
      - The file, absolute. A symbolic link is followed and stays; the file it points to is replaced.
      - By default the file that the C(docker) service's C(--config-file) names, else that of the running engine, else
        C(/etc/docker/daemon.json).
    type: path
  merge:
    description:
      - Keys to set, with their values.
      - An object is merged into one that is there, member by member, at any depth. A member that is V(null) is taken
        out.
      - A string, a number, a boolean or a list replaces what is there. A list is not added to.
    type: dict
    default: {}
  remove:
    description:
      - Top-level keys to take out. One that is not there is fine.
    type: list
    elements: str
    default: []
  allow_unknown:
    description:
      - Lets keys pass that no engine is known to have. For engines newer than this collection.
    type: bool
    default: false
  engine_version:
    description:
      - Version of the engine that is going to read the file, for example V(26.1.5). By default that of the installed
        C(dockerd).
      - Where neither is there, keys that any engine from 20.10 to 29 knows are let pass with a warning.
    type: str
  transaction:
    description:
      - Name of the transaction that keeps the previous version under C(/var/lib/containment/transactions). Modules of
        one run may share a name. By default a name made of the time in UTC and C(daemon_json).
    type: str
notes:
  - Set C(no_log) on a task that sets secrets under names of a log driver. Passwords in URLs are masked without it.
seealso:
  - module: containment.docker.subid_range
"""

EXAMPLES = r"""
- name: Map the root of containers to an unprivileged user
  containment.docker.daemon_json:
    merge:
      userns-remap: dockremap
  register: result

- name: Objects are merged, lists are replaced
  # before  {"log-opts": {"tag": "x", "max-size": "1m"}, "dns": ["10.0.0.1"]}
  # after   {"log-opts": {"tag": "x", "max-size": "10m"}, "dns": ["10.0.0.2"]}
  containment.docker.daemon_json:
    merge:
      log-opts:
        max-size: 10m
      dns: [10.0.0.2]

- name: Take one member of an object out, and a whole key
  # before  {"log-opts": {"tag": "x", "max-size": "1m"}, "debug": true}
  # after   {"log-opts": {"max-size": "1m"}}
  containment.docker.daemon_json:
    merge:
      log-opts:
        tag: null
    remove: [debug]

- name: See what would change on a host without an engine yet
  containment.docker.daemon_json:
    merge:
      icc: false
      no-new-privileges: true
    engine_version: 28.5.2
  check_mode: true
  diff: true
"""

RETURN = r"""
file:
  description: The file, links resolved.
  returned: success
  type: str
  sample: /etc/docker/daemon.json
before:
  description: What the file said, empty where there was none. Secrets are masked.
  returned: success
  type: dict
  sample: {icc: true}
after:
  description: What it says now, or would say. Secrets are masked.
  returned: success
  type: dict
  sample: {icc: true, userns-remap: dockremap}
changed_keys:
  description: Top-level keys that were set, changed or taken out.
  returned: success
  type: list
  elements: str
  sample: [userns-remap]
reload_required:
  description: The change takes effect when the engine reloads its configuration (SIGHUP).
  returned: success
  type: bool
  sample: false
restart_required:
  description: The change takes effect when the engine is restarted, not before. Then RV(reload_required) is false.
  returned: success
  type: bool
  sample: true
transaction:
  description: The transaction that keeps the previous version, null where nothing was written.
  returned: success
  type: str
  sample: 20261122T101500Z-daemon_json
validated_by:
  description: Who judged the new content, C(dockerd) with its version, or the module's own checks alone.
  returned: success
  type: str
  sample: dockerd 26.1.5+dfsg1
"""

import errno
import os

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.containment.docker.plugins.module_utils import (
    _daemon_host,
    _daemon_json,
    _daemon_values,
    _engine_sources,
    _files,
    _transaction,
)
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError, told

OWN_CHECKS = "own checks"
MENDS = {
    errno.ENOTDIR: "give a path that leads through directories alone",
    errno.ENAMETOOLONG: "give a shorter path",
    errno.EACCES: "run with become: true",
}


def read_host():
    """Return (services, engines): what runs or would run, with the paths of their configuration files resolved."""
    services = [
        service._replace(config_file=os.path.realpath(service.config_file)) for service in _engine_sources.services()
    ]
    engines = _engine_sources.engines()
    for engine in engines:
        if engine["host"]:
            engine["config_file"] = os.path.realpath(engine["config_file"])
    return services, engines


def read_file(path, services, engines):
    """Return the `File` at `path`, by default the one that the host's engine reads."""
    wanted = path or _daemon_json.default_path(services, engines)
    if not os.path.isabs(wanted):
        raise ContainmentError("path", f"{wanted!r} is not absolute", "start it with /")
    try:
        return _files.read(wanted)
    except OSError as error:
        raise ContainmentError(
            wanted,
            f"cannot be read ({error.strerror})",
            MENDS.get(error.errno, "mend the cause and run again"),
        ) from error


def start_words(path, services, engines):
    """Return the argument vector, without the program, that the next start uses with the file: its service's, else the
    running engine's."""
    vectors = [service.argv for service in services if service.config_file == path]
    vectors += [
        engine["argv"] for engine in engines if engine["host"] and engine["uid"] == 0 and engine["config_file"] == path
    ]
    return vectors[0][1:] if vectors else []


def run(module, merge):
    """Do what the parameters ask for and return the result."""
    params = module.params
    transaction = params["transaction"] or _transaction.default_name("daemon_json")
    services, engines = read_host()
    before = read_file(params["path"], services, engines)
    program = _daemon_host.binary(services, engines)
    installed = _daemon_host.version(module.run_command, program) if program else None
    number = _daemon_host.number(params["engine_version"] or installed)

    request = _daemon_json.Request(merge, params["remove"], params["allow_unknown"], number)
    plan = _daemon_json.plan(before.path, before.data, request, _daemon_json.flags_for(before.path, services, engines))
    for warning in plan.warnings:
        module.warn(warning)
    result = {
        "changed": bool(plan.changed_keys),
        "file": before.path,
        "before": _daemon_values.mask(plan.before),
        "after": _daemon_values.mask(plan.after),
        "changed_keys": plan.changed_keys,
        "reload_required": plan.reload_required,
        "restart_required": plan.restart_required,
        "transaction": None,
        "validated_by": OWN_CHECKS,
        "diff": {
            "before_header": before.path,
            "after_header": before.path,
            "before": _daemon_json.shown(before.data, before.path),
            "after": _daemon_json.shown(plan.data, before.path, before.data),
        },
    }
    if not plan.changed_keys:
        return result
    _files.refuse_unwritable(before)
    _transaction.check_usable(transaction)
    if not module.check_mode:
        judges = (
            installed is not None
            and number == _daemon_host.number(installed)
            and _daemon_host.can_validate(number, plan.after.get("userns-remap") or "")
        )
        words = start_words(before.path, services, engines)

        def check(candidate):
            if judges:
                _daemon_host.validate(module.run_command, program, candidate, words, before.path)

        _daemon_host.write(before, plan.data, transaction, check)
        if before.data is None:
            module.set_default_selinux_context(before.path, False)
        result["transaction"] = transaction
        result["validated_by"] = f"dockerd {installed}" if judges else OWN_CHECKS
    return result


def main():
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path"},
            "merge": {"type": "dict", "default": {}},
            "remove": {"type": "list", "elements": "str", "default": []},
            "allow_unknown": {"type": "bool", "default": False},
            "engine_version": {"type": "str"},
            "transaction": {"type": "str"},
        },
        supports_check_mode=True,
    )
    # Ansible returns the parameters with the result.
    merge, module.params["merge"] = module.params["merge"], _daemon_values.mask(module.params["merge"])
    with told(module, "daemon_json"):
        result = run(module, merge)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
