# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the plugin is on a host: one program of one file, and the units that run it. Pure.

The program is a zip of these modules, which Python runs as it is (PEP 441). The same sources make the same bytes.
"""

import importlib
import io
import re
import zipfile

# Named here, so that whoever ships this module ships those of the program.
from ansible_collections.containment.docker.plugins.module_utils import _authz_cli
from ansible_collections.containment.docker.plugins.module_utils._authz_asked import NAME, POLICY

USER = "containment-authz"
PROGRAM = "/usr/local/lib/containment/authz.pyz"
STATE = "/var/lib/containment-authz"
SOCKET = f"/run/docker/plugins/{NAME}.sock"
UNIT = "containment-authz"

_PACKAGE = "ansible_collections.containment.docker.plugins.module_utils"
MODULES = (
    *("_authz_actions", "_authz_binds", "_authz_certificate", "_authz_cli", "_authz_decide", "_authz_demand"),
    *(
        "_authz_digest",
        "_authz_drop",
        "_authz_envelope",
        "_authz_explain",
        "_authz_fields",
        "_authz_http",
        "_authz_json",
    ),
    *("_authz_log", "_authz_message", "_authz_names", "_authz_policy", "_authz_record", "_authz_release"),
    *("_authz_request", "_authz_routes", "_authz_rules", "_authz_supervise"),
    *("_authz_server", "_authz_service", "_authz_values", "_authz_world", "_errors", "_files"),
    *("_json_edit", "_json_text"),
)
_MAIN = f"""import sys

from {_authz_cli.__name__} import main

sys.exit(main())
"""

_SOCKET_UNIT = f"""# Written by containment.docker.
[Unit]
Description=Socket of the authorization plugin for the Docker Engine
Before=docker.service

[Socket]
ListenStream={SOCKET}
SocketUser=root
SocketGroup=root
SocketMode=0600
DirectoryMode=0755
Backlog=4096
TriggerLimitIntervalSec=0

[Install]
WantedBy=sockets.target
"""

# An engine waits for ever for a plugin that hangs: one that is silent for WatchdogSec is killed and started again. Its
# longest call takes 4 s, where the journal takes no record (_authz_log); three quarters of WatchdogSec are more. The
# watch begins when it says that it is ready, so that a slow start is no hang. What a large body takes stays with it for
# the next one (mallopt(3)): given back, it costs that one 800 page faults, and a tenth of its time.
_SERVICE_UNIT = """# Written by containment.docker.
[Unit]
Description=Authorization plugin for the Docker Engine
Requires={unit}.socket
After={unit}.socket
Before=docker.service
RequiresMountsFor={root}
StartLimitIntervalSec=0

[Service]
Type=notify
NotifyAccess=main
WatchdogSec=6s
TimeoutStartSec=20s
TimeoutStopSec=3s
ExecStart={python} -I -S -B {program} serve --policy {policy} --root {root} --state {state}{drop}
ExecReload=/bin/kill -HUP $MAINPID
Restart=always
RestartSec=100ms
OOMScoreAdjust=-900
LimitCORE=0
LimitNOFILE=65536
Environment=MALLOC_TRIM_THRESHOLD_=8388608 MALLOC_MMAP_THRESHOLD_=33554432
NoNewPrivileges=yes
ProtectHome={home}
PrivateDevices=yes
PrivateNetwork=yes
PrivateTmp={tmp}
UMask=0077
{rights}
[Install]
WantedBy=multi-user.target
"""

# It reads the containers' files of the engine, which are root's, and nothing else of the graph root; a process that can
# read past permissions must not open files by handle, which leads out of any mount namespace. systemd before 240 knows
# no WatchdogSignal: there it is SIGABRT and SIGCONT.
_SANDBOX = """User={user}
AmbientCapabilities=CAP_DAC_READ_SEARCH
CapabilityBoundingSet=CAP_DAC_READ_SEARCH
StateDirectory={name}
StateDirectoryMode=0700
WatchdogSignal=SIGKILL
LogRateLimitIntervalSec=0
ProtectSystem=strict
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectProc=invisible
LockPersonality=yes
MemoryDenyWriteExecute=yes
RemoveIPC=yes
RestrictAddressFamilies=AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources @mount @debug open_by_handle_at name_to_handle_at
SystemCallErrorNumber=EPERM
"""

# For systemd before 239, of Enterprise Linux 7: it knows neither AmbientCapabilities nor most of the sandbox,
# and has another name for StartLimitIntervalSec.
_APART = """CapabilityBoundingSet=CAP_DAC_READ_SEARCH CAP_SETGID CAP_SETPCAP CAP_SETUID
ProtectSystem=full
StartLimitInterval=0
"""

# What ProtectHome and PrivateTmp hide (systemd.exec(5)); a graph root may lie there.
_HOMES = ("/home/", "/root/", "/run/user/")
_TEMPORARY = ("/tmp/", "/var/tmp/")  # noqa: S108  no file is made there

_SCRIPT = """#!/bin/sh
# Written by containment.docker.
### BEGIN INIT INFO
# Provides:          {unit}
# Required-Start:    $local_fs $remote_fs
# Required-Stop:     $local_fs $remote_fs
# Should-Start:      $syslog
# Should-Stop:       $syslog
# X-Start-Before:    docker
# X-Stop-After:      docker
# Default-Start:     2 3 4 5
# Default-Stop:      0 1 6
# Short-Description: authorization plugin for the Docker Engine
### END INIT INFO
# chkconfig: 2345 94 06

PATH=/sbin:/usr/sbin:/bin:/usr/bin
PID_FILE=/run/{unit}.pid

running() {{
    [ -r "$PID_FILE" ] && tr '\\0' '\\n' < "/proc/$(cat "$PID_FILE")/cmdline" 2>/dev/null | grep -qxF {program}
}}

start() {{
    running && return 0
    mkdir -p {folder}
    {python} -I -S -B {program} serve --policy {policy} --root {root} --state {state} \\
        --socket {socket} --user {user} --pid-file "$PID_FILE" --log-file /var/log/{unit}.log
}}

stop() {{
    running || return 0
    kill "$(cat "$PID_FILE")"
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        running || return 0
        sleep 1
    done
    return 1
}}

case "$1" in
    start) start ;;
    stop) stop ;;
    restart | force-reload) stop && start ;;
    reload) running && kill -HUP "$(cat "$PID_FILE")" ;;
    status) running || exit 3 ;;
    *)
        echo "usage: $0 start|stop|restart|reload|status" >&2
        exit 2
        ;;
esac
"""

# For engines that serve HTTP/2 on their socket (_authz_holes); others take no notice. The last drop-in counts.
DROP_IN = "/etc/systemd/system/docker.service.d/zz-containment-authz.conf"
_NO_HTTP2 = """# Written by containment.docker: calls of BuildKit by HTTP/2 would ask no plugin.
[Service]
Environment=GODEBUG={settings}
"""
_ROOT = re.compile(rb" serve --policy [!-~]+ --root ([!-~]+) ")
_GODEBUG = re.compile(r'(?:^Environment=| )"?GODEBUG=([A-Za-z0-9_.,=]*)', re.MULTILINE)


def program():
    """Return the bytes of the program."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        parts = _PACKAGE.split(".")
        for count in range(1, len(parts) + 1):
            _add(archive, "/".join(parts[:count]) + "/__init__.py", "")
        for name in MODULES:
            module = importlib.import_module(f"{_PACKAGE}.{name}")
            _add(archive, f"{_PACKAGE.replace('.', '/')}/{name}.py", module.__loader__.get_source(module.__name__))
        _add(archive, "__main__.py", _MAIN)
    return made.getvalue()


def _add(archive, path, text):
    info = zipfile.ZipInfo(path)  # of 1980, whenever it is made
    info.compress_type = zipfile.ZIP_DEFLATED
    info.external_attr = 0o100644 << 16
    archive.writestr(info, text.encode("utf-8"))


def _words(python, root):
    """Return what the texts of units and of the init script are filled with."""
    return {
        "python": python,
        "program": PROGRAM,
        "policy": POLICY,
        "root": root,
        "state": STATE,
        "user": USER,
        "unit": UNIT,
        "name": STATE.rpartition("/")[2],
        "socket": SOCKET,
        "folder": SOCKET.rpartition("/")[0],
        "home": "no" if root.startswith(_HOMES) else "yes",
        "tmp": "no" if root.startswith(_TEMPORARY) else "yes",
    }


def units(python, root, apart=False):
    """Return {unit: text}. python: the path of an interpreter. root: the graph root, with a mapping's UID.GID. apart:
    whether the program itself gives its rights up, where systemd cannot."""
    words = _words(python, root)
    rights = (_APART if apart else _SANDBOX).format(**words)
    service = _SERVICE_UNIT.format(rights=rights, drop=f" --user {USER}" if apart else "", **words)
    return {f"{UNIT}.socket": _SOCKET_UNIT, f"{UNIT}.service": service}


def root_in(data):
    """Return the graph root in the bytes of a unit or an init script, None where they name none."""
    found = _ROOT.search(data)
    return found and found.group(1).decode("ascii")


def no_http2(shown):
    """Return the text of the engine's drop-in. shown: what `systemctl show --property=Environment` tells of its unit;
    what a host has set in GODEBUG stays."""
    found = _GODEBUG.findall(shown)
    settings = [one for one in (found[-1] if found else "").split(",") if one and not one.startswith("http2server=")]
    return _NO_HTTP2.format(settings=",".join(settings + ["http2server=0"]))


def script(python, root):
    """Return the text of an init script. python, root: as of `units`."""
    return _SCRIPT.format(**_words(python, root))
