# SPDX-License-Identifier: GPL-3.0-or-later
"""What throwaway hosts and virtual machines have in common: commands inside, and those that an owner left behind."""

import contextlib
import subprocess

from .processes import start_time


class CommandFailed(subprocess.CalledProcessError):
    """A CalledProcessError whose text shows what the command said."""

    def __init__(self, host, argv, done):
        super().__init__(done.returncode, argv, done.stdout, done.stderr)
        self.host = host

    def __str__(self):
        command = " ".join(self.cmd)
        return "on %s: `%s` ended with %d\n%s%s" % (self.host, command, self.returncode, self.stdout, self.stderr)


def run(name, argv, line, check, **options):
    """Run `line`, which runs `argv` inside of machine `name`, and return a CompletedProcess with text streams.

    options: of subprocess.run. Raises CommandFailed on a return code other than 0 when `check`, TimeoutExpired.
    """
    done = subprocess.run(
        line,
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="surrogateescape",
        **options,
    )
    if check and done.returncode:
        raise CommandFailed(name, argv, done)
    return done


def known(folders, load, error):
    """Return load(name) of each folder's name; `error`: what it raises where a folder is being made or deleted."""
    found = []
    for folder in sorted(folders):
        with contextlib.suppress(error):
            found.append(load(folder.name))
    return found


def remove_orphans(machines):
    """Remove the machines of owners that are gone; return their names."""
    gone = [one for one in machines if one.owner and start_time(one.owner[0]) != one.owner[1]]
    for one in gone:
        one.remove()
    return [one.name for one in gone]
