# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What flags a dockerd is started with, from its argument vector. Pure.

The rules are those of spf13/pflag, which dockerd uses: "--name value", "--name=value", "--switch", "-Dl debug",
"-Hunix://", "-H=unix://".
"""

import collections

from ansible_collections.containment.docker.plugins.module_utils._daemon_keys import (
    BOOLEAN_FLAGS,
    FLAG_KEYS,
    SHORT_FLAGS,
)

DEFAULT_CONFIG_FILE = "/etc/docker/daemon.json"

# key: the daemon.json key the flag sets, the flag's long name where there is none. value: str as written, "true" for a
# bare switch.
# origin: "path:line" or "running process PID".
Flag = collections.namedtuple("Flag", "key value origin")
# name: "docker.service", or the init script's. manager: "systemd", "openrc" or "sysv". origin: "path:line" of the
# command.
# argv: [str] as the manager runs it. flags: [Flag]. config_file: absolute path.
Service = collections.namedtuple("Service", "name manager origin argv flags config_file")


def is_engine(path):
    """Whether a program's path is that of a dockerd: "dockerd", or "dockerd-current" and the like of older Enterprise
    Linux."""
    name = path.rpartition("/")[2]
    return name == "dockerd" or (name.startswith("dockerd-") and "." not in name and "rootless" not in name)


def parse_argv(words, origin):
    """Return the [Flag] in `words`, the argument vector without its first: strings, or (string, origin) pairs."""
    pairs = [word if isinstance(word, tuple) else (word, origin) for word in words]
    flags, position = [], 0
    while position < len(pairs):
        word, where = pairs[position]
        position += 1
        if word == "--":
            break
        for name, value in _split(word):
            if value is None and name in BOOLEAN_FLAGS:
                value = "true"
            elif value is None and position < len(pairs):
                value = pairs[position][0]
                position += 1
            flags.append(Flag(FLAG_KEYS.get(name, name), value or "", where))
    return flags


def _split(word):
    """Return [(long name, value or None)] of one word: several for bundled short switches, none for what is no flag."""
    if word.startswith("--"):
        name, equals, value = word[2:].partition("=")
        return [(name, value if equals else None)]
    found, rest = [], word[1:] if word.startswith("-") else ""
    while rest:
        name, rest = SHORT_FLAGS.get(rest[0], rest[0]), rest[1:]
        if name in BOOLEAN_FLAGS and not rest.startswith("="):
            found.append((name, None))
            continue
        # The rest of the word is the value; without one it is the next word.
        found.append((name, rest[1:] if rest.startswith("=") else rest or None))
        break
    return found


def without_config_file(words):
    """Return an argument vector without "--config-file" and "--validate", to put others in their place."""
    kept, skip = [], False
    for word in words:
        if skip:
            skip = False
        elif word == "--config-file":
            skip = True
        elif not word.startswith(("--config-file=", "--validate")):
            kept.append(word)
    return kept


def config_file(flags, directory="/"):
    """Return the configuration file that an engine with `flags`, started in `directory`, reads."""
    given = [flag.value for flag in flags if flag.key == "config-file"]
    path = given[-1] if given else DEFAULT_CONFIG_FILE
    return path if path.startswith("/") else directory.rstrip("/") + "/" + path


def service(name, manager, words):
    """Return the `Service` that runs `words`, [(word, origin)] with the program first."""
    flags = parse_argv(words[1:], words[0][1])
    return Service(name, manager, words[0][1], [word for word, origin in words], flags, config_file(flags))
