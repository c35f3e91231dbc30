# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes what each task did on each host as JSON lines, beside whatever the stdout callback prints."""

import json

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = r"""
name: collect
type: notification
short_description: Task results as JSON lines
description: One line for each finished task of each host, and one with the play recap.
author: containment.docker contributors (@containment)
options:
  path:
    description: File the lines are appended to.
    type: path
    required: true
    env:
      - name: CONTAINMENT_COLLECT
"""


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "collect"
    CALLBACK_NEEDS_ENABLED = True

    def _write(self, record):
        with open(self.get_option("path"), "a") as out:
            out.write(json.dumps(record, default=str) + "\n")

    def _task(self, status, event, ignored=False):
        # Before ansible-core 2.19 the attributes had an underscore.
        new = hasattr(event, "task")
        task, host, result = (getattr(event, name if new else "_" + name) for name in ("task", "host", "result"))
        self._write(
            {
                "name": task.get_name(),
                "host": host.get_name(),
                "action": task.action,
                "status": status,
                "changed": bool(result.get("changed", False)),
                "ignored": ignored,
                "result": dict(result),
            }
        )

    def v2_runner_on_ok(self, result):
        self._task("ok", result)

    def v2_runner_on_failed(self, result, ignore_errors=False):
        self._task("failed", result, ignore_errors)

    def v2_runner_on_skipped(self, result):
        self._task("skipped", result)

    def v2_runner_on_unreachable(self, result):
        self._task("unreachable", result)

    def v2_playbook_on_stats(self, stats):
        self._write({"stats": {host: stats.summarize(host) for host in stats.processed}})
