# SPDX-License-Identifier: GPL-3.0-or-later
"""Throwaway Docker hosts by hand: python -m tests.hosts start bookworm, then shell NAME."""

import argparse
import os
import sys

from . import SUITES, Host, HostError, NotPossible, all_hosts, start_host
from .host import ENVIRONMENT, UNSHARE


def start(options):
    host = start_host(options.suite, options.init, not options.no_engine, options.name, keep=True)
    print("%s\npid %d, root %s" % (host.name, host.pid, host.root))


def stop(options):
    for host in all_hosts() if options.all else [Host.load(options.name)]:
        host.remove()


def show(_options):
    for host in all_hosts():
        state = "pid %s" % host.pid if host.running else "stopped"
        print("%-24s %-9s %-8s %s" % (host.name, host.suite, host.init, state))


def shell(options):
    host = Host.load(options.name)
    argv = [*host.enter(), *(options.command or ["bash", "--login"])]
    os.execvpe(argv[0], argv, dict(ENVIRONMENT, TERM=os.environ.get("TERM", "dumb")))  # noqa: S606


def main():
    parser = argparse.ArgumentParser(prog="python -m tests.hosts", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    command = commands.add_parser("start", help="start a host, which stays until it is stopped")
    command.add_argument("suite", choices=SUITES)
    command.add_argument("--init", choices=sorted(UNSHARE), default="systemd")
    command.add_argument("--no-engine", action="store_true", help="`apt install docker.io` works inside, offline")
    command.add_argument("--name")
    command.set_defaults(do=start)
    command = commands.add_parser("stop", help="end a host and delete its files")
    which = command.add_mutually_exclusive_group(required=True)
    which.add_argument("name", nargs="?")
    which.add_argument("--all", action="store_true")
    command.set_defaults(do=stop)
    command = commands.add_parser("list", help="name the hosts there are")
    command.set_defaults(do=show)
    command = commands.add_parser("shell", help="enter a host, or run a command there")
    command.add_argument("name")
    command.add_argument("command", nargs=argparse.REMAINDER)
    command.set_defaults(do=shell)
    options = parser.parse_args()
    try:
        options.do(options)
    except (HostError, NotPossible) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
