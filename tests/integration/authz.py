# SPDX-License-Identifier: GPL-3.0-or-later
"""An engine with mutual TLS on loopback, its authorization plugin as a service, and clients with certificates."""

import json
import subprocess
from pathlib import Path

import yaml

from ansible_collections.containment.docker.plugins.module_utils import _authz_asked, _authz_install

PORT = 2376
ADDRESS = f"tcp://127.0.0.1:{PORT}"
DROP_IN = "/etc/systemd/system/docker.service.d/authz-test.conf"
ADMINS = ("operator", "creator", "runner")
# Who may start and stop two containers, who may create plain ones of one image, who may do all.
EXAMPLE = Path(__file__).parents[2] / "examples/authz/three-admins.yml"
POLICY = dict(yaml.safe_load(EXAMPLE.read_text())["authz_policy"], format=1)


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


def install(host, policy=None, apart=False):
    """Run the plugin on a host, and its engine with it, on its socket and on loopback with TLS."""
    folder = Path(host.root, "etc/docker/tls")
    folder.mkdir(parents=True)
    certificates(folder)
    root = json.loads(host.run(["docker", "info", "--format", "{{json .DockerRootDir}}"]).stdout)
    program = Path(host.root + _authz_install.PROGRAM)
    program.parent.mkdir(parents=True, exist_ok=True)
    program.write_bytes(_authz_install.program())
    host.run(["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", _authz_install.USER])
    # Else systemd makes it, where it can.
    host.run(["install", "-d", "-o", _authz_install.USER, "-m", "700", _authz_install.STATE])
    set_policy(host, policy or POLICY)
    for name, text in _authz_install.units("/usr/bin/python3", root, apart).items():
        Path(host.root, "etc/systemd/system", name).write_text(text)
    host.run(["systemctl", "daemon-reload"])
    host.run(["systemctl", "start", "containment-authz.socket", "containment-authz.service"])
    listen(host, {"authorization-plugins": [_authz_asked.NAME]})


def listen(host, more):
    """Have the engine listen on its socket, and on loopback with mutual TLS. more: keys of daemon.json."""
    drop_in = Path(host.root + DROP_IN)
    drop_in.parent.mkdir(parents=True, exist_ok=True)
    drop_in.write_text(
        "[Unit]\nStartLimitIntervalSec=0\n[Service]\nExecStart=\n"
        "ExecStart=/usr/sbin/dockerd --containerd=/run/containerd/containerd.sock\n"
    )
    tls = {"tlscacert": "ca.pem", "tlscert": "server.pem", "tlskey": "server-key.pem"}
    keys = dict(
        {key: f"/etc/docker/tls/{name}" for key, name in tls.items()},
        hosts=["unix:///run/docker.sock", ADDRESS],
        tlsverify=True,
        **more,
    )
    Path(host.root, "etc/docker/daemon.json").write_text(json.dumps(keys))
    host.run(["systemctl", "daemon-reload"])
    host.run(["systemctl", "restart", "docker.service"])
    host.wait_for_engine()


def docker(host, admin, *words, input=""):
    """Run the docker command as an admin; return its result."""
    tls = ["--tlsverify", "--tlscacert=/etc/docker/tls/ca.pem"]
    tls += [f"--tlscert=/etc/docker/tls/{admin}.pem", f"--tlskey=/etc/docker/tls/{admin}-key.pem"]
    return host.run(["docker", f"--host={ADDRESS}", *tls, *words], check=False, input=input)


def records(host, *matches, unit="containment-authz.service"):
    """Return the plugin's records in the journal, oldest first, of those that match (FIELD=value). unit: whose they
    are, None for those that the program wrote without the service."""
    host.run(["journalctl", "--sync"])
    words = ["journalctl", "--output=json", "SYSLOG_IDENTIFIER=containment-authz", *matches]
    words += [f"_SYSTEMD_UNIT={unit}"] if unit else []
    return [json.loads(line) for line in host.run(words).stdout.splitlines() if line.startswith("{")]
