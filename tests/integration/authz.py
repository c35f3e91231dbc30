# SPDX-License-Identifier: GPL-3.0-or-later
"""An engine with mutual TLS on loopback, its authorization plugin as a service, and clients with certificates."""

import json
import subprocess
from pathlib import Path

from ansible_collections.containment.docker.plugins.module_utils import _authz_install

PORT = 2376
ADDRESS = f"tcp://127.0.0.1:{PORT}"
DROP_IN = "/etc/systemd/system/docker.service.d/authz-test.conf"
ADMINS = ("operator", "creator", "runner")
# M17 of the mission: who may start and stop two containers, who may create plain ones of one image, who may do all.
POLICY = {
    "format": 1,
    "contact": "the docker team",
    "principals": [
        {"name": "root", "socket": True, "roles": ["everything"]},
        {"name": "operator", "cn": "operator", "roles": ["connect", "start-stop"]},
        {"name": "creator", "cn": "creator", "roles": ["connect", "create-plain"]},
        {"name": "runner", "cn": "runner", "roles": ["everything"]},
    ],
    "roles": [
        {"name": "connect", "grants": [{"actions": ["system.ping", "system.version"]}]},
        {
            "name": "start-stop",
            "grants": [{"actions": ["container.start", "container.stop"], "containers": ["web", "db"]}],
        },
        {
            "name": "create-plain",
            "grants": [
                {
                    "actions": ["container.create"],
                    "containers": ["@own"],
                    "images": ["foobar"],
                    "envelope": "unprivileged",
                }
            ],
        },
        {
            "name": "everything",
            "grants": [
                {
                    "actions": ["*"],
                    "containers": ["*"],
                    "images": ["*"],
                    "networks": ["*"],
                    "volumes": ["*"],
                    "envelope": "privileged",
                }
            ],
        },
    ],
}


def openssl(*words, folder):
    subprocess.run(["openssl", *words], check=True, cwd=folder, capture_output=True, timeout=60)


def certificates(folder, names=ADMINS):
    """Make an authority, a server's certificate for 127.0.0.1, and one for each name, in a folder."""
    openssl(
        *("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"),
        *("-subj", "/CN=ca", "-keyout", "ca-key.pem", "-out", "ca.pem"),
        *("-addext", "keyUsage=critical,keyCertSign"),
        folder=folder,
    )
    for name in ("server", *names):
        usage = "serverAuth" if name == "server" else "clientAuth"
        Path(folder, f"{name}.ext").write_text(f"subjectAltName=IP:127.0.0.1\nextendedKeyUsage={usage}\n")
        openssl(
            *("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
            *("-subj", f"/CN={name}", "-keyout", f"{name}-key.pem", "-out", f"{name}.csr"),
            folder=folder,
        )
        openssl(
            *("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca-key.pem", "-CAcreateserial"),
            *("-days", "2", "-extfile", f"{name}.ext", "-out", f"{name}.pem"),
            folder=folder,
        )


def set_policy(host, policy):
    """Give the plugin a policy, in one step; it is read with the next request."""
    path = f"{host.root}{_authz_install.POLICY}"
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path + ".new").write_text(json.dumps(policy))
    Path(path + ".new").rename(path)


def install(host, policy=None):
    """Run the plugin on a host, and its engine with it, on its socket and on loopback with TLS."""
    folder = Path(host.root, "etc/docker/tls")
    folder.mkdir(parents=True)
    certificates(folder)
    root = json.loads(host.run(["docker", "info", "--format", "{{json .DockerRootDir}}"]).stdout)
    program = Path(host.root + _authz_install.PROGRAM)
    program.parent.mkdir(parents=True, exist_ok=True)
    program.write_bytes(_authz_install.program())
    host.run(["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", _authz_install.USER])
    set_policy(host, policy or POLICY)
    for name, text in _authz_install.units("/usr/bin/python3", root).items():
        Path(host.root, "etc/systemd/system", name).write_text(text)
    host.run(["systemctl", "daemon-reload"])
    host.run(["systemctl", "start", "containment-authz.socket", "containment-authz.service"])
    drop_in = Path(host.root + DROP_IN)
    drop_in.parent.mkdir(parents=True, exist_ok=True)
    drop_in.write_text(
        "[Unit]\nStartLimitIntervalSec=0\n[Service]\nExecStart=\n"
        "ExecStart=/usr/sbin/dockerd --containerd=/run/containerd/containerd.sock\n"
    )
    (Path(host.root) / "etc/docker/daemon.json").write_text(
        json.dumps(
            {
                "hosts": ["unix:///run/docker.sock", ADDRESS],
                "tlsverify": True,
                "tlscacert": "/etc/docker/tls/ca.pem",
                "tlscert": "/etc/docker/tls/server.pem",
                "tlskey": "/etc/docker/tls/server-key.pem",
                "authorization-plugins": [_authz_install.NAME],
            }
        )
    )
    host.run(["systemctl", "daemon-reload"])
    host.run(["systemctl", "restart", "docker.service"])
    host.wait_for_engine()


def docker(host, admin, *words, input=""):
    """Run the docker command as an admin; return its result."""
    tls = ["--tlsverify", "--tlscacert=/etc/docker/tls/ca.pem"]
    tls += [f"--tlscert=/etc/docker/tls/{admin}.pem", f"--tlskey=/etc/docker/tls/{admin}-key.pem"]
    return host.run(["docker", f"--host={ADDRESS}", *tls, *words], check=False, input=input)


def records(host, *matches):
    """Return the plugin's records in the journal, oldest first, of those that match (FIELD=value)."""
    host.run(["journalctl", "--sync"])
    words = ["journalctl", "--output=json", "SYSLOG_IDENTIFIER=containment-authz", *matches]
    return [json.loads(line) for line in host.run(words).stdout.splitlines() if line.startswith("{")]
