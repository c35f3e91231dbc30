# SPDX-License-Identifier: GPL-3.0-or-later
import pytest

from ansible_collections.containment.docker.plugins.module_utils import _engine_units
from ansible_collections.containment.docker.plugins.module_utils._engine_flags import Flag

U, D = "/lib/systemd/system/docker.service", "/etc/systemd/system/docker.service.d/x.conf"
E = "/etc/default/docker"


def unit(text, drop_ins=(), env=()):
    settings = _engine_units.unit_settings([(U, text)] + list(drop_ins))
    return _engine_units.unit_service("docker.service", settings, _engine_units.unit_environment(settings, list(env)))


def flags(*args, **named):
    return [tuple(flag) for flag in unit(*args, **named).flags]


@pytest.mark.parametrize(
    "text, words",
    [
        ("", []),
        (" a\tb\n c ", ["a", "b", "c"]),
        ("a\\ b c", ["a b", "c"]),
        ("'a\\b' \"c\\\"d\"e 'f \"g'", ["a\\b", 'c"de', 'f "g']),
        ("a\\", ["a\\"]),
        ("'' \"\" x''y", ["", "", "xy"]),
        ("'open here", ["open here"]),
    ],
)
def test_words_of(text, words):
    assert _engine_units.words_of(text) == words


# --- systemd ---


def test_a_plain_unit():
    service = unit(
        "[Unit]\nExecStart=/bin/no\n[Service]\nType=notify\nExecStart=/usr/sbin/dockerd -H fd:// --icc=false\n"
    )
    assert (service.name, service.manager, service.origin, service.config_file) == (
        "docker.service",
        "systemd",
        f"{U}:5",
        "/etc/docker/daemon.json",
    )
    assert service.argv == ["/usr/sbin/dockerd", "-H", "fd://", "--icc=false"]
    assert service.flags == [Flag("hosts", "fd://", f"{U}:5"), Flag("icc", "false", f"{U}:5")]


def test_continued_lines_and_comments_between():
    assert flags(
        "[Service]\nExecStart=/usr/sbin/dockerd \\\n  -H fd:// \\\n# no\n;no\n  --debug\nRestart=always\n"
    ) == [("hosts", "fd://", f"{U}:2"), ("debug", "true", f"{U}:2")]


@pytest.mark.parametrize(
    "command, argv",
    [
        (
            '/usr/sbin/dockerd --label \'a=b c\' "--label=d=\\"e\\""',
            ["/usr/sbin/dockerd", "--label", "a=b c", '--label=d="e"'],
        ),
        ("-/usr/sbin/dockerd -D", ["/usr/sbin/dockerd", "-D"]),
        ("@/usr/sbin/dockerd docker -D", ["/usr/sbin/dockerd", "-D"]),
        ("!!/usr/sbin/dockerd $X ${X}", ["/usr/sbin/dockerd", "-D", "--mtu", "5", "-D --mtu 5"]),
        ("/usr/sbin/dockerd --label=$X", ["/usr/sbin/dockerd", "--label=-D --mtu 5"]),
        ("/usr/sbin/dockerd --label=$$X $UNSET ${UNSET}", ["/usr/sbin/dockerd", "--label=$X", ""]),
        (":/usr/sbin/dockerd $X", ["/usr/sbin/dockerd", "$X"]),
    ],
)
def test_words_of_a_command(command, argv):
    assert unit('[Service]\nEnvironment="X=-D --mtu 5"\nExecStart=' + command).argv == argv


def test_a_drop_in_adds_nothing_without_the_reset_and_replaces_with_it():
    base = "[Service]\nExecStart=/usr/sbin/dockerd -H fd://\n"
    assert flags(base, [(D, "[Service]\nExecStart=\nExecStart=/usr/sbin/dockerd --debug\n")]) == [
        ("debug", "true", f"{D}:3")
    ]
    assert unit(base, [(D, "[Service]\nExecStart=\n")]) is None
    # a drop-in's section counts: this one is the unit's own
    assert flags(base, [(D, "[Unit]\nExecStart=\n")]) == [("hosts", "fd://", f"{U}:2")]


def test_a_unit_of_something_else():
    assert unit("[Service]\nExecStart=/usr/bin/containerd\n") is None
    assert unit("") is None
    assert unit("[Service]\nExecStart=/usr/bin/docker-proxy dockerd\n") is None


def test_environment_file_wins_and_tells_its_line():
    text = (
        "[Service]\nEnvironment=OPTS=--mtu=1 "
        "OTHER=--debug\nEnvironmentFile=-/etc/default/docker\nExecStart=/usr/sbin/dockerd $OPTS $OTHER\n"
    )
    assert flags(text) == [("mtu", "1", f"{U}:2"), ("debug", "true", f"{U}:2")]
    env = [(E, "# OPTS=no\n\nOPTS=\"--icc=false --log-opt 'a=b c'\"\n")]
    assert flags(text, env=env) == [
        ("icc", "false", f"{E}:3"),
        ("log-opts", "a=b c", f"{E}:3"),
        ("debug", "true", f"{U}:2"),
    ]


def test_environment_and_its_files_are_reset_by_an_empty_line():
    text = "[Service]\nEnvironment=O=--mtu=1\nEnvironmentFile=/a\nExecStart=/usr/sbin/dockerd $O\n"
    settings = _engine_units.unit_settings(
        [(U, text), (D, "[Service]\nEnvironment=\nEnvironmentFile=\nEnvironmentFile=-/b\n")]
    )
    assert _engine_units.environment_files(settings) == ["/b"]
    assert _engine_units.unit_environment(settings, []) == {}


@pytest.mark.parametrize(
    "line, value",
    [
        ("X=a b", "a b"),
        ('X="a b"', "a b"),
        ("X='a \"b\"'", 'a "b"'),
        ('X="a \\"b\\""', 'a "b"'),
        ("X=a\\ b", "a b"),
        ("export X=a", "a"),
        ("X=a\\\n  b", "a   b"),
        ("X=", ""),
    ],
)
def test_environment_file_values(line, value):
    assert _engine_units.unit_environment(_engine_units.unit_settings([]), [(E, line)])["X"].text == value


# --- scripts ---

DEBIAN = """#!/bin/sh
set -e
BASE=docker
DOCKERD=/usr/sbin/dockerd
DOCKER_PIDFILE=/var/run/$BASE.pid
DOCKER_OPTS=
if [ -f /etc/default/$BASE ]; then
\t. /etc/default/$BASE
fi
case "$1" in
\tstart)
\t\t$0 status >>/dev/null \\
\t\t|| start-stop-daemon --start --background \\
\t\t\t--exec "$DOCKERD" \\
\t\t\t--pidfile "$DOCKER_PIDFILE" \\
\t\t\t-- \\
\t\t\t-p "$DOCKER_PIDFILE" \\
\t\t\t$DOCKER_OPTS \\
\t\t\t>> "$DOCKER_LOGFILE" 2>&1
\t\t;;
\tstop)
\t\tstart-stop-daemon --stop --exec /usr/sbin/dockerd -- --debug
\t\t;;
esac
"""


def script(text, files=(), manager="sysv"):
    return _engine_units.script_service("docker", manager, "/etc/init.d/docker", text, list(files))


def test_debians_script():
    assert _engine_units.sourced(DEBIAN) == ["/etc/default/docker"]
    service = script(DEBIAN)
    assert service.argv == ["/usr/sbin/dockerd", "-p", "/var/run/docker.pid"]
    text = (
        '# DOCKER_OPTS="--no"\nMORE=\'--debug\'\nDOCKER_OPTS="--icc=false $MORE"\nexport '
        'http_proxy=x\nulimit() { command ulimit "$@" || :; }\n'
    )
    service = script(DEBIAN, [(E, text)])
    assert service.argv == ["/usr/sbin/dockerd", "-p", "/var/run/docker.pid", "--icc=false", "--debug"]
    assert service.flags[1:] == [
        Flag("icc", "false", "/etc/default/docker:3"),
        Flag("debug", "true", "/etc/default/docker:3"),
    ]


def test_red_hats_script():
    text = (
        '#!/bin/sh\nprog="dockerd"\nexec="/usr/bin/$prog"\n[ -e /etc/sysconfig/docker ] && . '
        "/etc/sysconfig/docker\nstart() {\n"
        '    "$unshare" -m -- $exec $other_args $DOCKER_STORAGE_OPTIONS &>> $logfile &\n}\n'
    )
    assert _engine_units.sourced(text) == ["/etc/sysconfig/docker"]
    text = text.replace('"$unshare"', "unshare")
    service = script(
        text,
        [
            ("/etc/sysconfig/docker", 'other_args="--selinux-enabled"\n'),
            ("/etc/sysconfig/docker-storage", "DOCKER_STORAGE_OPTIONS=-s\\\n overlay2\n"),
        ],
    )
    assert [flag.key for flag in service.flags][:1] == ["selinux-enabled"]


def test_openrc():
    text = (
        '#!/sbin/openrc-run\ncommand="${DOCKERD_BINARY:-/usr/bin/dockerd}"\npidfile="/run/docker.pid"\n'
        'command_args="-p \\"${pidfile}\\" ${DOCKER_OPTS} >>${DOCKER_LOGFILE} 2>&1"\n'
    )
    service = script(text, [("/etc/conf.d/docker", 'DOCKER_OPTS="--icc=false"\n')], "openrc")
    assert service.manager == "openrc"
    assert service.argv == ["/usr/bin/dockerd", "-p", "/run/docker.pid", "--icc=false"]
    assert service.flags == [
        Flag("pidfile", "/run/docker.pid", "/etc/init.d/docker:4"),
        Flag("icc", "false", "/etc/conf.d/docker:1"),
    ]
    assert script(text).argv == ["/usr/bin/dockerd", "-p", "/run/docker.pid"]


@pytest.mark.parametrize(
    "text",
    [
        "#!/bin/sh\necho dockerd\n",
        "#!/bin/sh\n# /usr/bin/dockerd\n",
        "#!/bin/sh\nDOCKERD=/usr/bin/dockerd\n",
        "#!/bin/sh\npidof dockerd\n",
        "#!/bin/sh\nstart-stop-daemon --stop --exec /usr/bin/dockerd\n",
    ],
)
def test_scripts_that_start_none(text):
    assert script(text) is None


def test_values_over_several_lines():
    found = _engine_units.shell_assignments(E, 'A="--debug\n  --mtu=1"\nB=$(cat /x)\nC=`id`\nD=2 # said\n')
    assert _engine_units.shell_assignments(E, "O=$A\nP=x$A", found)["O"].origin == f"{E}:1"
    assert _engine_units.shell_assignments(E, "O=$A\nP=x$A", found)["P"].origin == f"{E}:2"
    assert found["A"].text == "--debug\n  --mtu=1" and found["D"].text == "2" and set(found) == {"A", "D"}


@pytest.mark.parametrize(
    "line, value",
    [
        ("X=a b", "a"),
        ('X="a b"c', "a bc"),
        ("X=a\\ b", "a b"),
        ('X="\\"\\$A\\x"', '"$A\\x'),
        ("X='$A\\'", "$A\\"),
        ("X=$A$A;Y=1", "1 21 2"),
        ("X=${A}${NONE:-3}", "1 23"),
        ("X=${NONE}", ""),
        ("X=a#b # c", "a#b"),
        ("X=", ""),
    ],
)
def test_shell_values(line, value):
    before = {"A": _engine_units.Value("1 2", "before")}
    assert _engine_units.shell_assignments(E, line, before)["X"].text == value


def test_splitting_of_unquoted_variables():
    text = '#!/bin/sh\nA="--mtu 1"\nE=\n/usr/bin/dockerd x$A$E "$A" $E y >/log 2>&1 &\n'
    assert script(text).argv == ["/usr/bin/dockerd", "x--mtu", "1", "--mtu 1", "y"]
    text = "#!/bin/sh\nmkdir -p /run && exec nohup X=1 /usr/bin/dockerd --debug; echo\n"
    assert script(text).argv == ["/usr/bin/dockerd", "--debug"]


def test_a_value_within_a_word_keeps_the_variables_line():
    text = "[Service]\nEnvironment=N=5\nExecStart=/usr/sbin/dockerd --mtu=${N} --label=a$$b\n"
    assert flags(text) == [("mtu", "5", f"{U}:2"), ("labels", "a$b", f"{U}:3")]
