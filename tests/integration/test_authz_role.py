# SPDX-License-Identifier: GPL-3.0-or-later
"""Authorization rolled out on real engines: announced, in force without a restart, proven, taken back, removed."""

import json
import re
import time
from pathlib import Path

import pytest

from ansible_collections.containment.docker.plugins.module_utils import _authz_install
from tests.integration import authz
from tests.integration.test_seccomp_role import AUDIT, HARDEN, ROLLBACK, changed, daemon, reason, run, table

KEY = "authorization-plugins"
SERVE = "containment.docker.authz : Have the plugin serve again"
ALONE = """---
- name: Roll authorization out
  hosts: docker_hosts
  gather_facts: false
  become: true
  roles:
    - containment.docker.authz
"""
POLICY = {key: value for key, value in authz.POLICY.items() if key != "format"}
FILES = (_authz_install.PROGRAM, _authz_install.POLICY, "/etc/systemd/system/containment-authz.socket")


@pytest.fixture
def alone(tmp_path):
    path = tmp_path / "alone.yml"
    path.write_text(ALONE)
    return path


FORGED = "".join(
    f"{key}={value}\n"
    for key, value in {
        "SYSLOG_IDENTIFIER": "containment-authz",
        "MESSAGE": "mallory: container.create",
        "DOCKER_AUTHZ_ACTION": "container.create",
        "DOCKER_AUTHZ_DECISION": "allow",
        "DOCKER_AUTHZ_PRINCIPAL": "mallory",
        "DOCKER_AUTHZ_PRIVILEGED": "HostConfig.Privileged is true",
    }.items()
)


def told(result):
    return "\n".join(line for task in result.tasks for line in (task.result.get("msg") or []) if "Who ran" in task.name)


def proved(result):
    """What the role found each time that it proved something."""
    return [task.result for task in result.tasks if "proofs" in task.result and "asks" in task.name]


def pid(host):
    return host.run(["cat", "/run/docker.pid"]).stdout


def there(host):
    return [path for path in FILES if Path(host.root + path).exists()]


ASK = """import socket
link = socket.socket(socket.AF_UNIX)
link.connect("/run/docker.sock")
link.sendall(b"GET /v1.41/_ping?probe=1&probe=2 HTTP/1.1\\r\\nHost: docker\\r\\nConnection: close\\r\\n\\r\\n")
print(b"".join(iter(lambda: link.recv(4096), b"")).decode())
"""


def asked(host, name="containment"):
    """Whether the engine asks the plugin: it answers what is refused whoever asks."""
    return f"authorization denied by plugin {name}" in host.run(["python3", "-c", ASK]).stdout


def serving(host, user):
    """(pid, parent's pid, user, command) of the processes of the plugin that are a user's."""
    processes = host.run(["ps", "-eo", "pid,ppid,user:32,args"]).stdout.splitlines()
    return [line.split(None, 3) for line in processes if "authz.pyz serve" in line and line.split()[2] == user]


def test_where_systemd_does_not_run_an_init_script_does(docker_host, alone):
    host = docker_host("bookworm", init="script")
    announced = run(alone, host, "--check", authz_policy=POLICY)
    first = run(alone, host, authz_policy=POLICY)
    assert first.rc == 0, first.stdout
    assert changed(announced) == changed(first) and asked(host)
    script = "/etc/init.d/containment-authz"
    assert host.run(["sh", "-c", "ls /etc/rc3.d"]).stdout.count("containment-authz") == 1
    again = run(alone, host, authz_policy=POLICY)
    assert again.rc == 0 and changed(again) == [], [task.result for task in again.tasks if task.changed]
    (keeper,), (worker,) = serving(host, "root"), serving(host, "containment-authz")
    assert worker[1] == keeper[0]
    status = host.run(["grep", "-E", "Cap(Prm|Eff|Bnd|Amb)|NoNewPrivs|Groups", f"/proc/{worker[0]}/status"]).stdout
    assert re.sub(r"\s+", " ", status) == (
        "Groups: CapPrm: 0000000000000004 CapEff: 0000000000000004 CapBnd: 0000000000000004 "
        "CapAmb: 0000000000000000 NoNewPrivs: 1 "
    )
    for number in ("KILL", "STOP"):
        host.run(["kill", f"-{number}", worker[0]])
        assert asked(host)
        before, (worker,) = worker, serving(host, "containment-authz")
        assert worker[0] != before[0] and worker[1] == keeper[0]
    host.run([script, "restart"])
    assert asked(host) and host.run([script, "status"], check=False).returncode == 0
    removed = run(alone, host, authz_state="absent")
    assert removed.rc == 0, removed.stdout
    assert there(host) == [] and not asked(host)
    assert "containment-authz" not in host.run(["sh", "-c", "ls /etc/rc3.d /etc/init.d /run/docker/plugins"]).stdout


def test_an_old_systemd_has_the_plugin_give_its_rights_up_itself(docker_host):
    """The unit for systemd 219, which cannot be had here, under a newer one that stands in for it."""
    host = docker_host("bookworm")
    authz.install(host, apart=True)
    status = host.run(["sh", "-c", "grep CapEff /proc/$(systemctl show -P MainPID containment-authz)/status"]).stdout
    assert status.split() == ["CapEff:", "0000000000000004"]
    assert asked(host)
    assert authz.docker(host, "operator", "version").returncode == 0
    assert "may not" in authz.docker(host, "operator", "ps").stderr


@pytest.mark.parametrize("suite", ["bookworm", "forky"])
def test_a_policy_is_announced_in_force_without_a_restart_changed_taken_back_and_removed(docker_host, alone, suite):
    host = docker_host(suite)
    own = "/etc/systemd/system/docker.service.d/own.conf"
    host.run(["mkdir", "-p", own.rpartition("/")[0]])
    host.run(["tee", own], input="[Service]\nEnvironment=GODEBUG=netdns=go\n")
    host.run(["systemctl", "daemon-reload"])
    host.import_image("containment-probe")
    before = pid(host)
    announced = run(alone, host, "--check", authz_policy=POLICY)
    assert announced.rc == 0, announced.stdout
    assert daemon(host) == {} and there(host) == [] and not asked(host)
    first = run(alone, host, authz_policy=POLICY)
    assert first.rc == 0, first.stdout
    assert changed(announced) == changed(first)
    assert daemon(host)[KEY] == ["containment"] and there(host) == list(FILES)
    assert asked(host) and pid(host) == before
    assert host.run(["docker", "ps"]).returncode == 0
    environment = host.run(["systemctl", "show", "docker.service", "--property=Environment"]).stdout
    assert "GODEBUG=netdns=go,http2server=0" in environment
    verdicts = {one["proof"]: one["observed"] for one in proved(first)[0]["proofs"]}
    assert verdicts["authz-operator-allow"] == "allow by connect[0]"
    assert {one for one in verdicts if one.endswith("-deny")} == {
        f"authz-{name}-deny" for name in ("root", "operator", "creator", "runner")
    }
    assert {verdicts[f"authz-{name}"] for name in ("request", "large", "chunked", "form")} == {"refused"}

    again = run(alone, host, authz_policy=POLICY)
    assert again.rc == 0 and changed(again) == [], [task.result for task in again.tasks if task.changed]
    checked = run(alone, host, "--check", authz_policy=POLICY)
    assert checked.rc == 0 and changed(checked) == []

    reporting = dict(POLICY, contact="nobody", roles=[dict(one, mode="report") for one in POLICY["roles"]])
    second = run(alone, host, authz_policy=reporting)
    assert second.rc == 0 and changed(second) == ["containment.docker.authz : Have the plugin ready"], changed(second)
    assert ("authz-request", "asked") in {(one["proof"], one["observed"]) for one in proved(second)[0]["proofs"]}
    assert not asked(host)  # It is refused nothing, and that is in the record.
    reports = host.run(["journalctl", "--output=cat", "DOCKER_AUTHZ_DECISION=report", "DOCKER_AUTHZ_PRINCIPAL=root"])
    assert "let pass, though refused by request: root may not: parameter probe of system.ping" in reports.stdout
    back = run(ROLLBACK, host)
    assert back.rc == 0, back.stdout
    assert json.loads(host.run(["cat", _authz_install.POLICY]).stdout)["contact"] == POLICY["contact"]
    assert asked(host) and pid(host) == before

    announced = run(alone, host, "--check", authz_state="absent")
    removed = run(alone, host, authz_state="absent")
    assert removed.rc == 0, removed.stdout
    assert changed(announced) == changed(removed)
    assert KEY not in daemon(host) and there(host) == [] and not asked(host) and pid(host) == before
    returned = run(ROLLBACK, host)
    assert returned.rc == 0, returned.stdout
    assert daemon(host)[KEY] == ["containment"] and there(host) == list(FILES) and asked(host)
    assert host.run(["docker", "ps", "--all", "--quiet"]).stdout == ""


def test_a_whole_hardening_leaves_the_plugin_with_the_containers_of_the_new_graph_root(docker_host):
    host = docker_host("trixie")
    first = run(HARDEN, host, authz_policy=POLICY)
    assert first.rc == 0, first.stdout
    assert "a body of a mebibyte" in table(first) and "operator may GET /_ping" in table(first)
    unit = host.run(["cat", "/etc/systemd/system/containment-authz.service"]).stdout
    root = host.run(["docker", "info", "--format", "{{.DockerRootDir}}"]).stdout.strip()
    assert root != "/var/lib/docker" and f" {root} " in unit
    again = run(HARDEN, host, authz_policy=POLICY)
    assert again.rc == 0 and changed(again) == []

    host.import_image("busybox")
    host.run(["docker", "create", "--name", "plain", "busybox", "true"])
    host.run(["docker", "create", "--privileged", "--userns=host", "--name", "super", "busybox", "true"])
    host.run(["logger", "--journald"], input=FORGED)
    audited = run(AUDIT, host)
    # Proofs of the rollout are among them.
    assert re.search(r"root: [0-9]+, last .*: container.create super busybox true \(", told(audited)), told(audited)
    assert "mallory" not in told(audited) and "plain" not in told(audited)
    back = run(ROLLBACK, host)
    assert back.rc == 0, back.stdout
    assert KEY not in daemon(host) and not asked(host)


def test_what_would_lock_out_or_open_a_host_is_refused_before_anything_is_touched(docker_host, alone):
    host = docker_host("bookworm")
    narrow = dict(POLICY, principals=POLICY["principals"][1:])
    for policy, words in (
        (narrow, "has none with socket: true that may do everything"),
        (dict(POLICY, principal=[]), "has the key 'principal'"),
    ):
        refused = run(alone, host, authz_policy=policy)
        assert refused.rc and words in reason(refused), refused.stdout
    refused = run(alone, host, authz_state="absent", authz_plugins=[{"name": "containment"}])
    assert refused.rc and "names containment, the plugin of this collection" in reason(refused), refused.stdout
    host.run(["tee", "/etc/docker/daemon.json"], input='{"hosts": ["unix:///run/docker.sock", "tcp://127.0.0.1:2375"]}')
    drop_in = "[Service]\nExecStart=\nExecStart=/usr/sbin/dockerd --containerd=/run/containerd/containerd.sock\n"
    host.run(["mkdir", "-p", "/etc/systemd/system/docker.service.d"])
    host.run(["tee", "/etc/systemd/system/docker.service.d/hosts.conf"], input=drop_in)
    host.run(["systemctl", "daemon-reload"])
    host.run(["systemctl", "restart", "docker.service"])
    refused = run(alone, host, authz_policy=POLICY)
    assert refused.rc and "engine at tcp://127.0.0.1:2375: listens without tlsverify" in reason(refused)
    assert there(host) == []


SECOND = f"""[Service]
ExecStart=/usr/bin/python3 -I -S -B {_authz_install.PROGRAM} serve --policy /etc/second.json --root /var/lib/docker \\
    --state /var/lib/second --socket /run/docker/plugins/second.sock
StateDirectory=second
[Install]
WantedBy=multi-user.target
"""


# Whoever comes by the socket may do all with it but create what is privileged.
NARROW = json.loads(json.dumps(authz.POLICY).replace('"envelope": "privileged"', '"envelope": "unprivileged"'))
PRIVILEGED = {"HostConfig": {"Privileged": True}}


def test_another_plugin_is_started_asked_and_never_named_before_it_answers(docker_host, alone):
    """The other one is the same program with a policy of its own, as a service of the host's."""
    host = docker_host("trixie")
    missing = run(alone, host, authz_plugins=[{"name": "second"}])
    assert missing.rc and "plugin second: is neither managed by the engine nor at a socket" in reason(missing)
    assert KEY not in daemon(host)
    program = Path(host.root + _authz_install.PROGRAM)
    program.parent.mkdir(parents=True)
    program.write_bytes(_authz_install.program())
    host.run(["tee", "/etc/second.json"], input=json.dumps(NARROW))
    host.run(["tee", "/etc/systemd/system/second.service"], input=SECOND)
    second = {"name": "second", "service": "second.service"}
    given = {"authz_plugins": [dict(second, refuses=PRIVILEGED)]}
    announced = run(alone, host, "--check", **given)
    assert announced.rc == 0, announced.stdout
    first = run(alone, host, **given)
    assert first.rc == 0, first.stdout
    assert changed(announced) == changed(first)
    assert daemon(host)[KEY] == ["second"]
    assert asked(host, "second")
    (told,) = proved(first)
    assert [one["proof"] for one in told["proofs"]] == ["authz-plugin-second"]
    assert {one["proof"]: one["passed"] for one in told["ways"]} == {
        "authz-http2": True,
        "authz-plugin-second-large": True,
        "authz-plugin-second-chunked": True,
    }
    both = run(alone, host, authz_policy=POLICY, **given)
    assert both.rc == 0, both.stdout
    assert daemon(host)[KEY] == ["containment", "second"] and asked(host)
    (told,) = proved(both)
    assert {"authz-request", "authz-plugin-second"} < {one["proof"] for one in told["proofs"]}
    assert [one["passed"] for one in told["ways"]] == [True, True]
    kept = run(alone, host, **given)
    assert kept.rc == 0 and changed(kept) == [] and asked(host), changed(kept)
    host.run(["sed", "-i", 's/"containment", //', "/etc/docker/daemon.json"])
    unread = run(alone, host, authz_state="absent", **given)
    assert unread.rc == 0 and daemon(host)[KEY] == ["second"] and not asked(host), unread.stdout
    gone = run(alone, host, authz_state="absent", **given)
    assert gone.rc == 0 and changed(gone) == [], changed(gone)

    # In front it refuses what is tried, which tells nothing of ours.
    hidden = run(alone, host, authz_policy=POLICY)
    assert hidden.rc and "the engine asks the plugin: refused by another plugin" in reason(hidden), hidden.stdout
    assert daemon(host)[KEY] == ["second"]
    wrong = run(alone, host, authz_plugins=[dict(second, refuses={"Cmd": ["true"]})])
    assert wrong.rc and "the engine asks plugin second: status 404" in reason(wrong), wrong.stdout
    assert "past plugins may be open: plugin second: a body of a mebibyte: status 404" in wrong.stderr
    assert host.run(["docker", "ps", "--all", "--quiet"]).stdout == ""
    assert run(alone, host, authz_policy=POLICY, **given).rc == 0
    without = run(alone, host, authz_state="absent")
    assert without.rc == 0, without.stdout
    assert daemon(host)[KEY] == ["second"] and Path(host.root + _authz_install.DROP_IN).exists()

    assert run(alone, host, authz_policy=POLICY, **given).rc == 0
    for names, read in ((["second", "containment"], "systemctl reload docker.service"), (["second"], "true")):
        host.run(["tee", "/etc/docker/daemon.json"], input=json.dumps({KEY: names}))
        host.run(["sh", "-c", read])
        time.sleep(2)
    gone = run(alone, host, authz_state="absent", **given)
    assert gone.rc == 0 and there(host) == [], gone.stdout
    assert host.run(["docker", "ps"]).returncode == 0


def test_a_plugin_that_does_not_serve_is_never_asked(docker_host, alone):
    host = docker_host("bookworm")
    before = pid(host)
    folder = "/etc/systemd/system/containment-authz.service.d"
    host.run(["mkdir", "-p", folder])
    host.run(["tee", f"{folder}/broken.conf"], input="[Service]\nExecStart=\nExecStart=/bin/false\n")
    failed = run(alone, host, authz_policy=POLICY)
    assert failed.rc and "restart containment-authz.service: failed" in reason(failed), failed.stdout
    assert there(host) == []
    assert host.run(["systemctl", "is-active", "containment-authz.socket"], check=False).stdout == "inactive\n"
    assert KEY not in daemon(host) and not asked(host) and pid(host) == before


def test_the_role_mends_its_own_plugin(docker_host, alone):
    host = docker_host("bookworm")
    assert run(alone, host, authz_policy=POLICY).rc == 0
    units = ["containment-authz.socket", "containment-authz.service"]
    before = pid(host)
    host.run(["systemctl", "stop", *units])
    announced = run(alone, host, "--check", authz_policy=POLICY)
    assert announced.rc == 0, announced.stdout
    assert host.run(["systemctl", "is-active", *units], check=False).stdout.split() == ["inactive"] * 2
    mended = run(alone, host, authz_policy=POLICY)
    assert mended.rc == 0 and asked(host), mended.stdout
    assert changed(mended) == [SERVE] and pid(host) == before

    host.run(["tee", _authz_install.POLICY], input="{")
    host.run(["systemctl", "restart", "containment-authz.service"])
    failed = run(alone, host, authz_state="absent")
    way = f"have the engine ask no plugin: python3 {_authz_install.PROGRAM} release"
    assert failed.rc and "cannot be used: policy is no JSON" in failed.stdout and way in failed.stdout, failed.stdout
    mended = run(alone, host, authz_policy=POLICY)
    assert mended.rc == 0 and asked(host), mended.stdout
    assert changed(mended) == [SERVE] and pid(host) == before

    host.run(["systemctl", "stop", *units])
    removed = run(alone, host, authz_state="absent")
    assert removed.rc == 0 and there(host) == [] and not asked(host), removed.stdout
    assert host.run(["docker", "ps"]).returncode == 0


PLUGIN = """---
- name: Have the plugin serve
  hosts: docker_hosts
  gather_facts: false
  tasks:
    - name: Make the user
      ansible.builtin.user: {name: containment-authz, system: true, create_home: false}
    - name: Have the plugin serve
      containment.docker.authz_plugin:
        policy: "{{ authz_policy }}"
"""
KILLER = """#!/bin/sh
[ "$1" != VERB ] || { kill -KILL $PPID; exit; }
exec /usr/bin/systemctl "$@"
"""


@pytest.mark.parametrize("verb", ["daemon-reload", "restart"])
def test_what_a_killed_run_wrote_is_in_force_after_the_next(docker_host, tmp_path, verb):
    host = docker_host("bookworm")
    playbook = tmp_path / "plugin.yml"
    playbook.write_text(PLUGIN)
    assert run(playbook, host, authz_policy=POLICY).rc == 0
    program = Path(host.root + _authz_install.PROGRAM)
    program.write_bytes(b"#old" + _authz_install.program())
    drop_in = Path(host.root + _authz_install.DROP_IN)
    drop_in.write_text("# old\n")
    host.run(["systemctl", "daemon-reload"])
    host.run(["systemctl", "restart", "containment-authz.service"])
    killer = "/usr/local/sbin/systemctl"
    host.run(["tee", killer], input=KILLER.replace("VERB", verb))
    host.run(["chmod", "755", killer])
    assert run(playbook, host, authz_policy=POLICY).rc
    assert program.read_bytes() == _authz_install.program() and "http2server=0" in drop_in.read_text()
    host.run(["rm", killer])
    before = host.run(["systemctl", "show", "-P", "MainPID", "containment-authz.service"]).stdout
    announced = run(playbook, host, "--check", authz_policy=POLICY)
    again = run(playbook, host, authz_policy=POLICY)
    assert again.rc == 0 and changed(announced) == changed(again) == ["Have the plugin serve"], again.stdout
    assert host.run(["systemctl", "show", "-P", "MainPID", "containment-authz.service"]).stdout != before
    assert host.run(["systemctl", "show", "-P", "NeedDaemonReload", "docker.service"]).stdout == "no\n"
    last = run(playbook, host, authz_policy=POLICY)
    assert last.rc == 0 and changed(last) == []


BROKEN = """---
- name: Fail
  ansible.builtin.assert:
    that: false
    fail_msg: broken on purpose
"""


def test_what_fails_later_takes_the_plugin_back_without_a_restart(docker_host, tmp_path):
    host = docker_host("forky")
    before = pid(host)
    tasks = tmp_path / "roles/broken/tasks"
    tasks.mkdir(parents=True)
    for step in ("rehearse", "preflight", "write", "prove-before"):
        (tasks / f"{step}.yml").write_text("---\n")
    (tasks / "prove.yml").write_text(BROKEN)
    playbook = tmp_path / "broken.yml"
    steps = [
        {"ansible.builtin.include_role": {"name": "containment.docker.engine", "tasks_from": step}}
        for step in ("rollout", "verdict")
    ]
    steps[0]["vars"] = {"engine_roles": ["containment.docker.authz", "broken"]}
    playbook.write_text(json.dumps([{"hosts": "docker_hosts", "gather_facts": False, "tasks": steps}]))
    failed = run(playbook, host, authz_policy=POLICY)
    assert failed.rc and "broken on purpose" in reason(failed), failed.stdout
    assert "runs with its previous configuration again" in reason(failed)
    assert KEY not in daemon(host) and not asked(host) and pid(host) == before
    assert not Path(host.root + _authz_install.POLICY).exists()
