# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs modules and playbooks for control: [number, question] is a line of JSON on stdin, each answer to it one on
stdout, with its number."""

import json
import os
import sys
import traceback

# Ansible prints to stdout when it likes: keep the pipe for answers alone.
answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)

from ansible.cli.playbook import PlaybookCLI  # noqa: E402
from ansible.errors import AnsibleError  # noqa: E402
from ansible.parsing.dataloader import DataLoader  # noqa: E402
from ansible.playbook.play_context import PlayContext  # noqa: E402
from ansible.playbook.task import Task  # noqa: E402
from ansible.plugins.loader import action_loader, connection_loader, init_plugin_loader  # noqa: E402
from ansible.template import Templar  # noqa: E402


def tell(number, answer):
    answers.write(json.dumps([number, answer], default=str) + "\n")
    answers.flush()


def play(number, argv, env, stdout, stderr):
    """Run ansible-playbook in a process and a session of its own, which tells its pid; return how it ended.

    It finds Ansible loaded, and the modules that an earlier one has packed.
    """
    pid = os.fork()
    if not pid:
        code = 1
        try:
            os.setsid()
            os.environ.update(env)
            for fd, path, flags in ((0, os.devnull, 0), (1, stdout, os.O_WRONLY), (2, stderr, os.O_WRONLY)):
                os.dup2(os.open(path, flags), fd)
            tell(number, {"pid": os.getpid()})
            PlaybookCLI.cli_executor(argv)
        except SystemExit as end:
            code = end.code
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)  # What this process is to tidy up at its end others still use.
    return {"rc": os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])}


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
    loader = None
    for line in sys.stdin:
        number, question = json.loads(line)
        if "argv" in question:
            tell(number, play(number, **question))
            continue
        if loader is None:  # A playbook makes it for itself.
            init_plugin_loader([])
            loader = DataLoader()
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
        tell(number, answer)


if __name__ == "__main__":
    main()
