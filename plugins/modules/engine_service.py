#!/usr/bin/python
# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: engine_service
short_description: Start, restart, reload or stop the Docker Engine and wait until it answers or is gone
version_added: "0.1.0"
description:
  - Starts or restarts the engine through systemd, or through C(/etc/init.d/docker) where systemd is not running, and
    returns only when the engine answers on its socket, also where it ran before and nothing is changed.
  - Fails as soon as the service manager gives the start up, with the engine's own last log lines.
  - A restart gives the engine the time that it needs to stop its containers.
  - A reload has the engine read its configuration while containers run on, and returns when it says that it has.
  - Stops it for what must be done while no container runs. Its sockets under systemd are stopped, too, because any
    client would start it through them; they and the units that the stop took along come back with the next start by
    this module. With C(live-restore) containers go on running without their engine.
author:
  - containment.docker contributors (@containment)
extends_documentation_fragment:
  - containment.docker.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  platform:
    platforms: linux
options:
  state:
    description:
      - V(started) starts an engine that does not run. V(restarted) restarts it, or starts it where it does not run.
        V(stopped) stops one that runs. V(reloaded) has one that runs read its configuration, and starts it where it
        does not run.
    type: str
    choices: [started, restarted, reloaded, stopped]
    default: started
  socket:
    description:
      - The socket on which the engine has to answer.
    type: path
    default: /run/docker.sock
  timeout:
    description:
      - Seconds until the engine has to answer, or to be gone. Under an init script, the time for its stop comes before
        that.
    type: int
    default: 120
"""

EXAMPLES = r"""
- name: Restart the engine
  containment.docker.engine_service:
    state: restarted

- name: Stop it for what must not be done while containers run
  containment.docker.engine_service:
    state: stopped
"""

RETURN = r"""
manager:
  description: What manages the engine, V(systemd) or V(init script).
  returned: always
  type: str
  sample: systemd
pid:
  description: Process id of the engine, null where none runs. In check mode, that of the engine as it runs now, null
    where it would be stopped.
  returned: always
  type: int
  sample: 4242
started:
  description: When this engine was started, in UTC. Null where none runs.
  returned: always
  type: str
  sample: "2026-11-22T03:00:00Z"
log:
  description: The engine's last log lines where it did not start or does not answer. Empty otherwise.
  returned: always
  type: list
  elements: str
  sample: []
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.containment.docker.plugins.module_utils import _service
from ansible_collections.containment.docker.plugins.module_utils._engine_api import socket_path
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError


def describe(state):
    return "running since {started} as pid {pid}\n".format(**state) if state else "not running\n"


def run(module):
    params = module.params
    socket, timeout = socket_path(params["socket"]), params["timeout"]
    if timeout < 1:
        raise ContainmentError("timeout", f"{timeout} is no time to start anything in", "give at least 1 second")
    manager = _service.manager()
    before = after = manager.state()
    stopped = params["state"] == "stopped"
    if stopped:
        changed = bool(before) or manager.awaits()
    else:
        changed = params["state"] in ("restarted", "reloaded") or not before
    reloads = params["state"] == "reloaded" and before
    result = {"manager": manager.name, "log": []}
    if not module.check_mode:
        try:
            if stopped:
                if changed:
                    manager.stop(timeout)
            elif reloads:
                after = _service.reload(manager, before, socket, timeout)
            else:
                if changed and before:
                    manager.restart(timeout)
                elif changed:
                    manager.start()
                after = _service.wait(manager, before if changed else None, socket, timeout)
                manager.settle()
        except ContainmentError as error:
            log = manager.log()
            told = "".join("\n  " + line for line in log) or " none"
            now = {"pid": None, "started": None} if changed and not reloads else before
            module.fail_json(
                msg=f"{error} The engine's last log lines:{told}",
                **dict(result, log=log, changed=changed, pid=now["pid"], started=now["started"]),
            )
    outcome = "stopped\n" if stopped else "started\n" if not before else "reloaded\n" if reloads else "restarted\n"
    result["diff"] = {"before": describe(before), "after": outcome if changed else describe(before)}
    after = {"pid": None, "started": None} if stopped or not after else after
    module.exit_json(changed=changed, pid=after["pid"], started=after["started"], **result)


def main():
    module = AnsibleModule(
        argument_spec={
            "state": {"type": "str", "choices": ["started", "restarted", "reloaded", "stopped"], "default": "started"},
            "socket": {"type": "path", "default": "/run/docker.sock"},
            "timeout": {"type": "int", "default": 120},
        },
        supports_check_mode=True,
    )
    try:
        run(module)
    except ContainmentError as error:
        module.fail_json(msg=str(error), changed=False, manager=None, pid=None, started=None, log=[])


if __name__ == "__main__":
    main()
