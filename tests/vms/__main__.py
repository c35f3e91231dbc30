# SPDX-License-Identifier: GPL-3.0-or-later
"""Throwaway virtual machines by hand: python -m tests.vms start --image debian, then shell NAME."""

import argparse
import json
import os
import shlex
import sys

from . import NAMES, CommandFailed, NotPossible, Vm, VmError, all_vms, prepare, start_vm, sweep
from .build import built
from .start import saved


def _print_vars(vm):
    print(json.dumps(dict(vm.inventory_vars(), name=vm.name)))


def start(options):
    sweep()
    _print_vars(start_vm(options.image, options.name, keep=True, memory=options.memory))


def show_vars(options):
    _print_vars(Vm.load(options.name))


def stop(options):
    for vm in all_vms() if options.all else [Vm.load(options.name)]:
        vm.remove()


def build(options):
    prepare()
    for name in options.image or NAMES:
        print(saved(built(name), options.memory))


def show(options):
    found = [
        {"name": vm.name, "image": vm.image.name, "pid": vm.pid, "memory": vm.memory, "console": str(vm.console)}
        for vm in all_vms()
    ]
    if options.json:
        print(json.dumps(found))
        return
    for vm in found:
        print("%-24s %-24s %s" % (vm["name"], vm["image"], "pid %s" % vm["pid"] if vm["pid"] else "stopped"))


def reboot(options):
    _print_vars(Vm.load(options.name).reboot())


def shell(options):
    argv = Vm.load(options.name).ssh("-q" if options.command else "-qt")
    argv += [shlex.join(options.command)] if options.command else []
    os.execvp(argv[0], argv)  # noqa: S606


def main():
    parser = argparse.ArgumentParser(prog="python -m tests.vms", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name, do, text):
        made = commands.add_parser(name, help=text)
        made.set_defaults(do=do)
        return made

    made = command("start", start, "start a machine that stays until it is stopped; print its variables for Ansible")
    made.add_argument("--image", required=True, help="%s, or the path of a cloud image" % ", ".join(NAMES))
    made.add_argument("--name")
    made.add_argument("--memory", type=int, default=1024, help="MiB")
    made.add_argument("--keep", action="store_true", help="as ever: a machine started by hand stays")
    command("vars", show_vars, "print a machine's variables for Ansible, one line of JSON").add_argument("name")
    command("reboot", reboot, "reboot a machine and wait for it").add_argument("name")
    made = command("stop", stop, "end a machine and delete its files")
    which = made.add_mutually_exclusive_group(required=True)
    which.add_argument("name", nargs="?")
    which.add_argument("--all", action="store_true")
    command("list", show, "name the machines there are").add_argument("--json", action="store_true")
    made = command("build", build, "build images and their saved states")
    made.add_argument("image", nargs="*", metavar="IMAGE", help=", ".join(NAMES))
    made.add_argument("--memory", type=int, default=1024, help="MiB")
    made = command("shell", shell, "enter a machine, or run a command there")
    made.add_argument("name")
    made.add_argument("command", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    try:
        options.do(options)
    except (CommandFailed, NotPossible, RuntimeError, ValueError, VmError) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
