# SPDX-License-Identifier: GPL-3.0-or-later
"""opa-docker-authz, built from its sources with Debian's Go, as a service of a throwaway host.

The sources are those of the Git repository $OPA_DOCKER_AUTHZ, or are fetched. They bring all that they import.
"""

import io
import json
import os
import subprocess
import tarfile
from pathlib import Path

from tests.hosts import NotPossible, tree

SOURCES, COMMIT = "https://github.com/open-policy-agent/opa-docker-authz", "51323aa070e3b51fa651ad5c9a32a83e6062513c"
GO = "ca-certificates,golang-go"
PEERS = tree.TREES.parent / "peers"
PROGRAM = "/usr/local/bin/opa-docker-authz"
# In a bundle it is compiled once, in a file with each request; which also logs bodies, and cannot be told not to.
BUNDLE, FILE = "opa-bundle", "opa-file"
OPTIONS = {BUNDLE: "-config-file /etc/opa/config.json", FILE: "-policy-file /etc/opa/authz.rego"}
POLICY = r"""package docker.authz

default allow := false

allow if not privileged

privileged if {
    input.Method == "POST"
    regex.match(`^(/v[0-9.]+)?/containers/create$`, input.PathPlain)
    input.Body.HostConfig.Privileged == true
}
"""
MASK = 'package system.log\n\nmask contains "/input/Body"\n'
CONFIG = {"bundles": {"authz": {"resource": "file:///etc/opa/bundle.tar.gz"}}, "decision_logs": {"console": True}}
UNIT = """[Service]
ExecStart={program} -plugin-name {name} {options}
LogRateLimitIntervalSec=0
"""


def _git(*words):
    try:
        done = subprocess.run(["git", *words], check=False, capture_output=True, text=True, timeout=600)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotPossible(f"not possible here: sources of opa-docker-authz: {error}") from error
    if done.returncode:
        raise NotPossible(f"not possible here: sources of opa-docker-authz: {done.stderr.strip()[-300:]}")
    return done.stdout.strip()


def _repository():
    """Return (Git repository, commit) of the sources. Raises NotPossible."""
    given = os.environ.get("OPA_DOCKER_AUTHZ")
    if given:
        return given, _git("-C", given, "rev-parse", "HEAD")
    fetched = str(PEERS / "opa-docker-authz.git")
    _git("init", "--quiet", "--bare", fetched)
    _git("-C", fetched, "fetch", "--quiet", "--depth=1", SOURCES, COMMIT)
    return fetched, COMMIT


def _build(out, repository, commit, go):
    sources, version = out / "sources", next(Path(go, "usr/lib").glob("go-*"))
    sources.mkdir(parents=True)
    # Libraries for an engine of WebAssembly, which takes another compiler and is off by default.
    _git("-C", repository, "archive", f"--output={out}/sources.tar", commit, "--", ".", ":(exclude)*.a")
    subprocess.run(["tar", "-C", str(sources), "-xf", str(out / "sources.tar")], check=True)
    own = {"GOROOT": str(version), "GOCACHE": str(out / "cache"), "GOPATH": str(out / "path"), "HOME": str(out)}
    own.update(GOFLAGS="-mod=vendor", GOTOOLCHAIN="local", GOPROXY="off", CGO_ENABLED="0", PATH="/usr/bin:/bin")
    command = [f"{version}/bin/go", "build", "-C", str(sources), "-trimpath", "-buildvcs=false"]
    words = [f"{name}={value}" for name, value in own.items()]
    tree._run(["env", "--ignore-environment", *words, *command, "-o", str(out / "program"), "."], str(out) + ".log")
    for part in ("sources", "cache", "path"):
        subprocess.run(["rm", "-rf", str(out / part)], check=True)
    (out / "sources.tar").unlink()


def program():
    """Return the path of the program; build it where it is missing, in a minute or two. Raises NotPossible."""
    repository, commit = _repository()
    options = [*tree._options(), "--variant=minbase", "--include=" + GO]
    go = tree._once("forky-golang-" + tree._key(GO), lambda out: tree._debootstrap(options, "forky", out))
    name = f"opa-docker-authz-{commit[:12]}-{tree._key(go.name)}"
    told = "throwaway hosts: building %s (about two minutes)"
    return tree._once(name, lambda out: _build(out, repository, commit, go), PEERS, told) / "program"


def install(host, path):
    """Run it on a host, once with a bundle and once with a file: plugins BUNDLE and FILE."""
    host.run(["mkdir", "--parents", "/etc/opa"])
    Path(host.root + PROGRAM).write_bytes(path.read_bytes())
    Path(host.root + PROGRAM).chmod(0o755)
    folder = Path(host.root, "etc/opa")
    (folder / "authz.rego").write_text(POLICY)
    (folder / "config.json").write_text(json.dumps(CONFIG))
    with tarfile.open(folder / "bundle.tar.gz", "w:gz") as bundle:
        for name, text in (("authz.rego", POLICY), ("mask.rego", MASK)):
            info = tarfile.TarInfo(name)
            info.size = len(text)
            bundle.addfile(info, io.BytesIO(text.encode()))
    for name, options in OPTIONS.items():
        unit = UNIT.format(program=PROGRAM, name=name, options=options)
        Path(host.root, f"etc/systemd/system/{name}.service").write_text(unit)
    host.run(["systemctl", "daemon-reload"])
    host.run(["systemctl", "start", *(f"{name}.service" for name in OPTIONS)])
