# SPDX-License-Identifier: GPL-3.0-or-later
"""What filters refused is told by audit, by container and call.

A throwaway host shares this machine's kernel, which tells the machine alone, and has no auditd: the records are the
kernel's own of what the host's containers did, put into the host's /var/log/audit/audit.log in auditd's place and form.
"""

import os
import signal

import pytest

from ansible_collections.containment.docker.plugins.module_utils._audit_netlink import Listener
from tests.hosts import module, play

AUDIT = "containment.docker.audit"
LOG = "/var/log/audit/audit.log"

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="not possible here: the kernel's log is root's")


def test_a_refused_call_is_told_with_its_container(trixie):
    host = trixie
    host.import_image()
    overlays = [{"deny": ["mkdir", "mkdirat"], "action": "kill"}]
    made = module(host, "containment.docker.seccomp_profile", {"name": "kills", "base": "allow", "overlays": overlays})
    assert not made.get("failed"), made["msg"]
    run = ["docker", "run", "-d", "--name=web", f"--security-opt=seccomp={made['path']}", "busybox", "sleep", "1000"]
    try:
        host.run(run)
        with Listener() as listener:
            killed = host.run(["docker", "exec", "web", "mkdir", "/tmp/d"], check=False)
            texts = [text for text in listener.texts(1) if text is not None]
        assert killed.returncode == 128 + signal.SIGSYS, killed
        # Other tests have records of their own.
        lines = ["type=SECCOMP msg=" + text for text in texts if "/bin/busybox" in text and "code=0x80000000" in text]
        host.run(["mkdir", "-p", os.path.dirname(LOG)])
        host.run(["tee", LOG], input="\n".join(lines) + "\n")

        found = module(host, "containment.docker.engine_info")["denials"]
        assert found["source"] == LOG and found["fault"] is None
        (one,) = [entry for entry in found["found"] if entry["call"] in ("mkdir", "mkdirat")]
        assert (one["container"], one["by"], one["action"]) == ("web", "program", "SCMP_ACT_KILL_PROCESS"), one
        audit = play(AUDIT, [host], groups={"docker_hosts": [host.name]})
        told = "\n".join(line for task in audit.tasks for line in task.result.get("msg") or [] if "web" in line)
        assert f"container web: was refused {one['call']} (1 times)" in told, audit.stdout
    finally:
        host.run(["docker", "rm", "-f", "web"], check=False)
        host.run(["rm", "-rf", LOG, "/etc/containment/seccomp"])
