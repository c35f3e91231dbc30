# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls a module that works in slices every few seconds until it is done, and shows how far it is."""

from __future__ import annotations

import os

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_collections.containment.docker.plugins.module_utils._progress import line

SECONDS = 5  # Between two looks; each costs what a module costs.


class SlicedAction(ActionBase):
    """The action of a module with the options `slice` and `job` and the result `progress`. MODULE: its full name."""

    MODULE = ""
    _supports_check_mode = True
    _supports_async = False

    def goes_on(self):
        """Whether the playbook waits for the end of what was begun."""
        return True

    def run(self, tmp=None, task_vars=None):
        result = super().run(tmp, task_vars)
        del tmp
        host = (task_vars or {}).get("inventory_hostname", "")
        arguments = dict({"slice": SECONDS}, **self._task.args)
        earlier, parent = None, os.getppid()
        while True:
            if os.getppid() != parent:
                # Killed, it leaves us behind; what works on the host ends when nobody asks any more.
                raise AnsibleActionFail("the playbook is gone")
            answer = self._execute_module(module_name=self.MODULE, module_args=arguments, task_vars=task_vars)
            progress = answer.get("progress")
            if not progress or not self.goes_on():
                break
            if not self._task.no_log:
                Display().display(f"[{host}] {line(progress, earlier)}")
            arguments["job"], earlier = progress["job"], progress
        result.update(answer)
        return result
