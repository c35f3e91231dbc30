# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls volume_chown every few seconds until all is shifted, and shows how far it is."""

from __future__ import annotations

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_collections.containment.docker.plugins.module_utils._shift_progress import line

SECONDS = 5  # Between two looks; each costs what a module costs.


class ActionModule(ActionBase):
    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp=None, task_vars=None):
        result = super().run(tmp, task_vars)
        del tmp
        host = (task_vars or {}).get("inventory_hostname", "")
        arguments = dict({"slice": SECONDS}, **self._task.args)
        earlier = None
        while True:
            answer = self._execute_module(
                module_name="containment.docker.volume_chown", module_args=arguments, task_vars=task_vars
            )
            progress = answer.get("progress")
            if not progress:
                break
            if not self._task.no_log:
                Display().display(f"[{host}] {line(progress, earlier)}")
            arguments["job"], earlier = progress["job"], progress
        result.update(answer)
        return result
