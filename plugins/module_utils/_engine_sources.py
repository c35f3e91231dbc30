# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads where a host says how its dockerd is started: /proc, systemd's unit files, init scripts and their settings.

Decides nothing; the rules are in `_engine_flags` and `_engine_units`. No program is run. `root` lets tests read another
tree.
"""

import glob
import os
import re

from ansible_collections.containment.docker.plugins.module_utils import _engine_flags, _engine_units

# systemd's order for system units (systemd.unit(5)), first wins; /lib is where it is no link to /usr/lib.
UNIT_DIRECTORIES = (
    "/etc/systemd/system.control",
    "/run/systemd/system.control",
    "/run/systemd/transient",
    "/run/systemd/generator.early",
    "/etc/systemd/system",
    "/etc/systemd/system.attached",
    "/run/systemd/system",
    "/run/systemd/system.attached",
    "/run/systemd/generator",
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
    "/run/systemd/generator.late",
)
# Settings that init scripts and OpenRC read for a service, whether they say so in a way we can read or not.
SETTINGS = (
    "/etc/default/{0}",
    "/etc/sysconfig/{0}",
    "/etc/sysconfig/{0}-network",
    "/etc/sysconfig/{0}-storage",
    "/etc/conf.d/{0}",
)
NAMESPACES = ("mnt", "pid", "user", "net")


def _text(root, path):
    """Return the text of `path` below `root`, None where it is not a readable file."""
    try:
        with open(root.rstrip("/") + path, encoding="utf-8", errors="surrogateescape") as handle:
            return handle.read()
    except OSError:
        return None


# --- running engines ---


def engines(root="/"):
    """Return [dict] of every running dockerd, oldest first.

    Keys: pid, argv, exe, uid (0 for what is root's in every respect alone), started (seconds since epoch), flags
    [Flag], config_file, config_file_given, root ("/proc/PID/root"), namespaces {name: "name:[number]"}, service
    (systemd unit of its cgroup, or None), host (an engine of this host, not a nested one nor one of another user, who
    can call any program dockerd).
    """
    proc = root.rstrip("/") + "/proc"
    found = []
    for entry in os.listdir(proc):
        if re.match(r"[0-9]+\Z", entry):
            try:
                engine = _engine(proc, int(entry))
            except OSError:  # it ended while we looked
                continue
            if engine is not None:
                found.append(engine)
    return sorted(found, key=lambda engine: (engine["started"], engine["pid"]))


def _engine(proc, pid):
    here = f"{proc}/{pid}"
    try:
        exe = os.readlink(here + "/exe")
    except FileNotFoundError:  # a kernel thread
        return None
    if exe.endswith(" (deleted)"):  # the package was upgraded under the running engine
        exe = exe[: -len(" (deleted)")]
    if not _engine_flags.is_engine(exe):
        return None
    with open(here + "/cmdline", "rb") as handle:
        argv = [os.fsdecode(word) for word in handle.read().split(b"\0")[:-1]]
    flags = _engine_flags.parse_argv(argv[1:], f"running process {pid}")
    config_file = _engine_flags.config_file(flags, os.readlink(here + "/cwd"))
    namespaces = {name: os.readlink(f"{here}/ns/{name}") for name in NAMESPACES}
    uid = _uid(here)
    return {
        "pid": pid,
        "argv": argv,
        "exe": exe,
        "uid": uid,
        "started": _started(proc, here),
        "flags": flags,
        "config_file": config_file,
        "config_file_given": any(flag.key == "config-file" for flag in flags),
        "root": here + "/root",
        "namespaces": namespaces,
        "service": _service_of(here),
        # Another user's paths are not looked at: they may lie on a file system of their own that never answers.
        "host": uid == 0 and _of_this_host(proc, here, config_file, namespaces),
    }


def _uid(here):
    """Return the first of the real, effective, saved and file system uid that is not root's, else 0: whoever starts a
    setuid program chooses its arguments."""
    with open(here + "/status") as handle:
        line = next(line for line in handle if line.startswith("Uid:"))
    return next((uid for uid in map(int, line.split()[1:]) if uid != 0), 0)


def _started(proc, here):
    with open(here + "/stat") as handle:
        ticks = int(handle.read().rpartition(")")[2].split()[19])
    with open(proc + "/stat") as handle:
        booted = next(int(line.split()[1]) for line in handle if line.startswith("btime "))
    return booted + ticks / os.sysconf("SC_CLK_TCK")


def _service_of(here):
    """The system unit a process runs in: the last "*.service" below system.slice, of the version 2 or the systemd
    hierarchy."""
    with open(here + "/cgroup") as handle:
        for line in handle:
            number, controllers, path = line.rstrip("\n").split(":", 2)
            names = [part for part in path.split("/") if part.endswith(".service")]
            if names and (number == "0" or controllers == "name=systemd"):
                return names[-1]
    return None


def _of_this_host(proc, here, config_file, namespaces):
    own = {name: os.readlink(f"{proc}/self/ns/{name}") for name in ("pid", "user")}
    if any(namespaces[name] != own[name] for name in own):
        return False
    # A unit with MountFlags= has a mount namespace of its own on the same tree: compare what it sees, not the
    # namespace's number.
    return all(
        _inode(f"{here}/root{path}") == _inode(f"{proc}/self/root{path}")
        for path in ("/", os.path.dirname(config_file))
    )


def _inode(path):
    try:
        info = os.stat(path)
    except FileNotFoundError:
        return None
    return (info.st_dev, info.st_ino)


# --- configured services ---


def services(root="/"):
    """Return [Service] of every system service that starts a dockerd: systemd units where systemd runs or no script is,
    else scripts."""
    if os.path.isdir(root.rstrip("/") + "/run/systemd/system"):
        return _units(root)
    return _scripts(root) or _units(root)


def configured(service="docker", root="/"):
    """Return the [Flag] that the named service gives its dockerd, [] where there is no such service."""
    for one in services(root):
        if one.name in (service, service + ".service"):
            return one.flags
    return []


def _units(root):
    # Listed once: a host has hundreds of units, and none of them but a few has drop-ins.
    entries = [(directory, _listed(root, directory)) for directory in UNIT_DIRECTORIES]
    names = {name for directory, listed in entries for name in listed if name.endswith(".service")}
    found = [_unit(root, entries, name) for name in sorted(names)]
    return [service for service in found if service is not None]


def _listed(root, directory):
    try:
        return set(os.listdir(root.rstrip("/") + directory))
    except OSError:
        return set()


def _unit(root, entries, name):
    unit = next(directory + "/" + name for directory, listed in entries if name in listed)
    text = _text(root, unit)
    if text is None:
        return None
    drop_ins = _drop_ins(root, entries, name)
    # Most units are somebody else's: only those that name a dockerd anywhere are worth the parsing.
    if "dockerd" not in text and not any("dockerd" in content for path, content in drop_ins):
        return None
    settings = _engine_units.unit_settings([(unit, text)] + drop_ins)
    files = []
    for pattern in _engine_units.environment_files(settings):
        for path in sorted(glob.glob(root.rstrip("/") + pattern)):
            files.append((path[len(root.rstrip("/")) :], _text("/", path) or ""))
    return _engine_units.unit_service(name, settings, _engine_units.unit_environment(settings, files))


def _drop_ins(root, entries, name):
    """Return [(path, text)] of a unit's drop-ins in the order of their names; one name counts once, nearest directory
    first."""
    parts = name[: -len(".service")].split("-")
    prefixes = ["-".join(parts[:end]) + "-.service.d" for end in range(len(parts) - 1, 0, -1)]
    found = {}
    for folder in [name + ".d"] + prefixes + ["service.d"]:
        for directory, listed in entries:
            if folder in listed:
                for base in _listed(root, directory + "/" + folder):
                    if base.endswith(".conf"):
                        found.setdefault(base, directory + "/" + folder + "/" + base)
    return [(found[base], _text(root, found[base]) or "") for base in sorted(found)]


def _scripts(root):
    found = []
    for path in sorted(glob.glob(root.rstrip("/") + "/etc/init.d/*")):
        name = os.path.basename(path)
        script = "/etc/init.d/" + name
        text = _text(root, script)
        if text is None or "dockerd" not in text:
            continue
        named = _engine_units.sourced(text)
        paths = named + [setting.format(name) for setting in SETTINGS if setting.format(name) not in named]
        files = [(setting, _text(root, setting)) for setting in paths]
        manager = "openrc" if "openrc-run" in text.split("\n", 1)[0] else "sysv"
        service = _engine_units.script_service(
            name, manager, script, text, [pair for pair in files if pair[1] is not None]
        )
        if service is not None:
            found.append(service)
    return found
