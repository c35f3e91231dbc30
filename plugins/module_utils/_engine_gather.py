# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds the engines of a host, running and not, and reads all there is of each and of the host itself. Changes
nothing."""

import os

from ansible_collections.containment.docker.plugins.module_utils import (
    _audit_containers,
    _audit_log,
    _audit_summary,
    _engine_facts,
    _engine_read,
    _engine_sources,
    _engine_values,
    _files,
    _host_manager,
    _host_probe,
    _kernel_cmdline,
    _kernel_ledger,
    _migration_record,
    _path_probe,
    _seccomp_learn,
    _seccomp_library,
    _subid,
    _subid_host,
    _transaction,
    _volume_ledger,
)
from ansible_collections.containment.docker.plugins.module_utils._engine_api import socket_path
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

MAIN_UNIT = "docker.service"
# Where no user is named: what the kernel is asked to map for the probe.
PROBE_ID = 100000


def gather(remap, sockets, timeout, measure):
    """Return (host, [raw engine]): the host's part of engine_info's result, and of each engine what
    _engine_facts.engine takes.

    remap: (user, group or None) wanted, None for none. sockets: paths, that of the primary engine first. timeout:
    seconds. measure: seconds for the sizes of volumes, 0 for none. Raises ContainmentError for a socket that is none.
    """
    sockets = [_engine_facts.plain(socket_path(path)) for path in sockets]
    services = _engine_sources.services()
    processes = _engine_sources.engines()
    program = _host_probe.executable("dockerd")
    hosts = [process for process in processes if process["host"]]
    listening = {
        pid: {_engine_facts.plain(path): by_init for path, by_init in _host_probe.listening(pid).items()}
        for pid in [1] + [process["pid"] for process in hosts]
    }
    raws = [_running(process, services, sockets, listening) for process in hosts]
    primary = _engine_facts.primary(raws, sockets[0], MAIN_UNIT)
    found = {path for raw in raws for path in raw["sockets"]}
    silent = [_silent(path, services) for path in sockets if path not in found and os.path.exists(path)]
    if primary is None:
        primary = next((raw for raw in silent if raw["socket"] == sockets[0]), None)
        # Installed and not running: that is an engine too, and the one that is asked for.
        if primary is None and (program or services or raws):
            primary = _silent(sockets[0], services)
            silent.append(primary)
    raws = sorted(raws + silent, key=lambda raw: raw is not primary)
    subids, faults = _subids()
    for raw in raws:
        raw["primary"] = raw is primary
        _read(raw, subids, timeout, measure)
    ids = _ids(remap or _configured_user(raws), subids, raws)
    shims = _engine_facts.orphans(_host_probe.shims(), raws)
    for raw in raws:
        raw["orphan_shims"] = [shim for shim in shims if shim["engine"] == raw["socket"]]
    transactions, undo, args_pending, transactions_fault = _transactions()
    trees, trees_fault = _trees(timeout)
    migrations, migrations_fault = _migrations()
    host = {
        "nested_engines": [
            # Its arguments are somebody else's, and need not be text.
            {
                "pid": one["pid"],
                "uid": one["uid"],
                "config_file": os.fsencode(one["config_file"]).decode("utf-8", "replace"),
            }
            for one in processes
            if not one["host"]
        ],
        "orphan_shims": shims,
        "kernel": dict(_kernel(ids), args_pending=args_pending),
        "service": _service(raws, services),
        "installed": _installed(program, raws),
        "ids": ids,
        "transactions": transactions,
        "undo": undo,
        "transactions_fault": transactions_fault,
        "trees": trees,
        "trees_fault": trees_fault,
        "migrations": migrations,
        "migrations_fault": migrations_fault,
        "denials": _denials(raws),
        "subid_faults": faults,
    }
    return host, raws


def _transactions():
    """Return ([transaction], names of those whose undo was interrupted, the kernel arguments that an open one waits
    for, what is wrong with them or None)."""
    try:
        undo = _transaction.unsettled()
        # An undo whose files were all put back is done, closed or not: nobody goes on with what it took back.
        pending = _transaction.pending()
        done = pending.names if pending is not None and not undo else []
        found = [
            {"name": name, "status": _transaction.RESTORED if name in done else status}
            for name, status in _transaction.names()
        ]
        ledger = next(
            (
                entry
                for one in found
                if one["status"] == _transaction.OPEN
                for entry in _transaction.load(one["name"]).entries
                if entry.kind == "kernel_args"
            ),
            None,
        )
        if ledger is None:
            return found, undo, [], None
        words = _kernel_cmdline.split(_host_probe.text("/proc/cmdline") or "")
        return found, undo, _kernel_ledger.pending(ledger.before, _files.read(ledger.path).data, words), None
    except (ContainmentError, OSError) as error:
        return [], [], [], str(error)


def _trees(timeout):
    """Return (what the ledger of volumes says, and whether each tree is there, what is wrong with it or None)."""
    try:
        told = _volume_ledger.told(_files.read(_volume_ledger.PATH).data)
        owners = _path_probe.owners([one["path"] for one in told], timeout)
        return [dict(one, there=owners[one["path"]]["uid"] is not None) for one in told], None
    except (ContainmentError, OSError) as error:
        return [], str(error)


def _migrations():
    """Return (what is kept of migrations, what is wrong with it or None)."""
    try:
        return [_migration_record.told(one) for one in _migration_record.read_all()], None
    except (ContainmentError, OSError) as error:
        return [], str(error)


def _denials(raws):
    """Return {"found", "lost", "source", "fault"}: see _audit_summary.denials, _audit_log.read."""
    try:
        records, lost, source = _audit_log.read()
    except OSError as error:
        return {"found": [], "lost": 0, "source": "", "fault": f"{error.filename or 'the log'}: {error.strerror}"}
    found = []
    if records:
        containers = {one["Id"]: (one.get("Name") or "").lstrip("/") for raw in raws for one in raw["inspected"]}
        try:
            library = _seccomp_library.Library()
        except ContainmentError:  # Then calls have numbers alone.
            library = None

        def name(arch, number):
            return (None, None) if library is None else _seccomp_learn.name_of(arch, number, library)

        found = _audit_summary.denials(records, _audit_containers.Past(containers).of, name)
    return {"found": found, "lost": lost, "source": source, "fault": None}


def _running(process, services, sockets, listening):
    """Return the raw engine of a running dockerd of this host, before it is asked anything. listening: {pid: {path:
    held by init too}} of all of them and of init."""
    config, error = _engine_read.config(process["config_file"])
    hosts = [flag.value for flag in process["flags"] if flag.key == "hosts"] or (config or {}).get("hosts")
    taken = {path for pid, paths in listening.items() if pid != process["pid"] for path in paths}
    own, listens = _engine_facts.control_sockets(listening[process["pid"]], hosts, taken)
    # Of several sockets of one engine, the one that was asked for.
    own.sort(key=lambda path: sockets.index(path) if path in sockets else len(sockets))
    service = _service_of(process, services)
    return {
        "socket": own[0] if own else None,
        "sockets": own,
        "listens": listens,
        "process": _host_probe.process(process["pid"]),
        "flags": process["flags"],
        "service": service.name if service else process["service"],
        "service_flags": service.flags if service else None,
        "config_file": process["config_file"],
        "config": config,
        "config_error": error,
        "executable": _host_probe.program(process["pid"]),
        "activated": False,
    }


def _silent(path, services):
    """Return the raw engine of a socket that no running dockerd of this host listens on."""
    service = next((one for one in services if one.name in (MAIN_UNIT, "docker")), services[0] if services else None)
    config_file = service.config_file if service else "/etc/docker/daemon.json"
    config, error = _engine_read.config(config_file)
    return {
        "socket": path,
        "sockets": [path],
        "listens": [],
        "process": None,
        "flags": [],
        "service": service.name if service else None,
        "service_flags": service.flags if service else None,
        "config_file": config_file,
        "config": config,
        "config_error": error,
        "executable": None,
        "activated": path in {_engine_facts.plain(one) for one in _host_probe.listening(1)},
    }


def _service_of(process, services):
    if process["service"]:
        return next((one for one in services if one.name == process["service"]), None)
    # Init scripts leave no mark on a process: the same daemon.json has to do.
    return next(
        (one for one in services if one.manager != "systemd" and one.config_file == process["config_file"]), None
    )


def _read(raw, subids, timeout, measure):
    """Add to a raw engine what it answers and what lies around it."""
    if raw["socket"] is None:
        raw.update(
            _engine_read.NOTHING,
            error="it listens on no unix socket, and other ones are not asked",
            error_code="engine_unreachable",
        )
    elif raw["activated"]:
        raw.update(
            _engine_read.NOTHING,
            error="it does not run; systemd would start it for whoever connects, so it was not asked",
            error_code="engine_dead",
        )
    elif raw["process"] and raw["process"]["state"] == "T":
        raw.update(
            _engine_read.NOTHING,
            error=f"process {raw['process']['pid']} is stopped (SIGSTOP or a debugger) and answers nothing",
            error_code="engine_stopped",
        )
    else:
        raw.update(_engine_read.answers(raw["socket"], timeout))
        if raw["process"] and raw["error_code"] == "engine_dead":
            raw["error_code"] = "engine_unreachable"
    raw.update(_engine_read.surroundings(raw, timeout, measure))
    flags = raw["flags"] if raw["service_flags"] is None else raw["service_flags"]
    values = dict(raw["config"] or {}, **{flag.key: flag.value for flag in flags})
    raw["data_root"] = os.path.realpath(str(values.get("data-root") or _engine_values.DEFAULT_DATA_ROOT))
    info = raw["info"] or {}
    root = _engine_values.split_root(info.get("DockerRootDir") or raw["data_root"], True)[0]
    raw["numbered_roots"] = []
    try:
        raw["numbered_roots"] = _host_probe.numbered_roots(root)
    except OSError as error:
        raw["error"] = raw["error"] or f"{root} could not be looked at: {error.strerror}"
        raw["error_code"] = raw["error_code"] or "engine_refuses"
    raw["containerd"] = _engine_facts.containerd_sockets(values)
    remap = values.get("userns-remap")
    raw["expected_mapping"] = None
    if _engine_facts.remap_fault(remap) is None:
        user = _engine_facts.remap_user(remap)[0]
        raw["expected_mapping"] = _mapping(user, subids, _engine_facts.release(raw["version"]))


def _subids():
    """Return ({kind: _subid.Parsed}, [fault]) of the two files; a file that cannot be read counts as empty and is a
    fault."""
    try:
        files = _subid_host.read_files()
    except ContainmentError as error:
        return {kind: _subid.parse(None, path) for kind, path in _subid_host.PATHS.items()}, [str(error)]
    parsed = {kind: _subid.parse(one.data, one.path) for kind, one in files.items()}
    return parsed, [f"{one.path}, line {number}: {fault}" for one in parsed.values() for number, fault in one.malformed]


def _ranges(user, subids, version):
    owner = _subid_host.read_owner(user)
    return {kind: _subid.ranges_of(parsed, owner.name, owner.uid, version) for kind, parsed in subids.items()}


def _mapping(user, subids, version):
    """Return {"uid": extents, "gid": extents} that the engine makes for a user, None where it has not both."""
    ranges = _ranges(user, subids, version)
    if not all(ranges.values()):
        return None
    return {kind: [list(extent) for extent in _subid.mapping(one)] for kind, one in ranges.items()}


def _configured_user(raws):
    for raw in raws:
        value = (raw["config"] or {}).get("userns-remap")
        if raw["primary"] and _engine_facts.remap_fault(value) is None:
            return _engine_facts.remap_user(value)
    return None


def _ids(remap, subids, raws):
    if remap is None:
        return None
    user, group = remap
    version = next((_engine_facts.release(raw["version"]) for raw in raws if raw["primary"]), None)
    found = _host_probe.account(user, group)
    owner = _subid_host.read_owner(user)
    ranges = _ranges(user, subids, version)
    for kind, parsed in subids.items():
        lines = [line.offset for line in _subid.lines_of(parsed, owner.name, owner.uid)]
        texts = [parsed.data[offset:].partition(b"\n")[0].decode("utf-8", "replace") for offset in lines]
        found["sub" + kind] = {
            "lines": texts,
            "ranges": [{"start": start, "count": count} for start, count in ranges[kind]],
        }
    found["mapping"] = _mapping(user, subids, version)
    return found


def _kernel(ids):
    mapping = (ids or {}).get("mapping") or {"uid": [[0, PROBE_ID, 1]], "gid": [[0, PROBE_ID, 1]]}
    problem = _host_probe.probe_user_namespace(mapping["uid"][0][1], mapping["gid"][0][1])
    return dict(
        _host_probe.kernel(),
        user_namespaces=problem is None,
        user_namespaces_error=None if problem is None else ": ".join(problem),
    )


def _service(raws, services):
    primary = next((raw for raw in raws if raw["primary"]), None)
    one = next((one for one in services if primary is not None and one.name == primary["service"]), None)
    manager = one.manager if one else "systemd" if _host_manager.has_systemd() else "none"
    process = primary["process"] if primary else None
    return {
        "manager": manager,
        "name": one.name if one else None,
        "origin": one.origin if one else None,
        "main_pid": process["pid"] if process else None,
        "config_file": one.config_file if one else None,
        "flags": _engine_facts.located(one.flags, []) if one else [],
    }


def _installed(path, raws):
    if path is None:
        return {"path": None, "version": None, "package": None}
    return {"path": path, "version": _version(path, raws), "package": _host_probe.package_of(path)}


def _version(path, raws):
    """Return the version of a dockerd: that of the engine that runs it, else what the program itself says."""
    for raw in raws:
        if raw["version"] and raw["executable"] == {"path": os.path.realpath(path), "replaced": False}:
            return raw["version"].get("Version")
    rc, output = _host_probe.run([path, "--version"])
    # "Docker version 26.1.5+dfsg1, build 411e817"
    words = output.split()
    return words[2].rstrip(",") if rc == 0 and words[:2] == ["Docker", "version"] else None
