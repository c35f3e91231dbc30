# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs modules for control.module(): a question is a line of JSON on stdin, its answer one on stdout."""

import json
import os
import sys
import traceback

# Ansible prints to stdout when it likes: keep the pipe for answers alone.
answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)

from ansible.errors import AnsibleError  # noqa: E402
from ansible.parsing.dataloader import DataLoader  # noqa: E402
from ansible.playbook.play_context import PlayContext  # noqa: E402
from ansible.playbook.task import Task  # noqa: E402
from ansible.plugins.loader import action_loader, connection_loader, init_plugin_loader  # noqa: E402
from ansible.template import Templar  # noqa: E402


def run(loader, variables, name, args, check, diff):
    task = Task.load({"action": name, "args": args, "check_mode": check, "diff": diff})
    context = PlayContext()
    connection = connection_loader.get(variables["ansible_connection"], context)
    connection.set_options(var_options=variables)
    action = action_loader.get(
        "ansible.legacy.normal",
        task=task,
        connection=connection,
        play_context=context,
        loader=loader,
        templar=Templar(loader=loader, variables=variables),
        shared_loader_obj=None,
    )
    try:
        return action.run(task_vars=variables)
    finally:
        action.cleanup()


def main():
    init_plugin_loader([])
    loader = DataLoader()
    for line in sys.stdin:
        question = json.loads(line)
        try:
            answer = {
                "result": run(
                    loader, question["vars"], question["name"], question["args"], question["check"], question["diff"]
                )
            }
        except AnsibleError as error:
            answer = {"error": str(error)}
        except Exception:  # the other side turns it into an exception
            answer = {"error": traceback.format_exc()}
        answers.write(json.dumps(answer, default=str) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
