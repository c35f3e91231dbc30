# SPDX-License-Identifier: GPL-3.0-or-later
"""Three admins with certificates, an engine with mutual TLS, and what each of them may do, on a throwaway host.

The policy is that of examples/authz/three-admins.yml, rolled out by the role authz. All that ansible-playbook said is
kept in .cache/logs/authz-demo.log.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from tests.hosts import HostError, NotPossible, play, start_host, sweep
from tests.integration import authz

LOG = Path(".cache/logs/authz-demo.log")
ROLE = [
    {
        "hosts": "docker_hosts",
        "gather_facts": False,
        "roles": ["containment.docker.authz"],
    }
]
COMMANDS = [
    "ps",
    "start web",
    "stop --time=0 web",
    "start other",
    "create foobar true",
    "create --privileged foobar true",
    "create --volume=/etc:/etc foobar true",
    "create --pid=host foobar true",
    "create another true",
    "update --memory=64m db",
    "tag another foobar",
    "rm --force other",
]


def answer(done):
    """What became of a command: allowed, refused by the plugin, or failed for another reason."""
    if "authorization denied by plugin" in done.stderr:
        return "refused"
    return "allowed" if done.returncode == 0 else "failed"


def main(suite="trixie"):
    print(f"Starting a throwaway Debian {suite} host with systemd and an engine. The machine's own is left alone.")
    sweep()
    LOG.parent.mkdir(parents=True, exist_ok=True)
    with start_host(suite, name="authz-demo") as host:
        host.wait_for_engine()
        for image in ("foobar", "another"):
            host.run(["docker", "import", "--change", 'CMD ["true"]', "/opt/image.tar", image])
        for name in ("web", "db", "other"):
            host.run(["docker", "create", "--name", name, "foobar", "sleep", "1000"])
        folder = Path(host.root, "etc/docker/tls")
        folder.mkdir(parents=True)
        authz.certificates(folder)
        authz.listen(host, {})
        playbook = LOG.with_suffix(".json")
        playbook.write_text(json.dumps(ROLE))
        print(f"\n$ ansible-playbook authz.yml --extra-vars @{authz.EXAMPLE.relative_to(Path.cwd())}", flush=True)
        result = play(playbook, [host], "--extra-vars", f"@{authz.EXAMPLE}", groups={"docker_hosts": [host.name]})
        LOG.write_text(result.stdout + result.stderr)
        if result.rc:
            sys.exit(f"demo: the role ended with {result.rc}, see {LOG}")
        for task in result.tasks:
            for one in task.result.get("proofs") or ():
                print(f"{'ok    ' if one['passed'] else 'FAILED'}  {one['title']:66} {one['observed']}")
        width = max(len(command) for command in COMMANDS)
        print(f"\n{'docker ...':{width}}  " + "  ".join(f"{name:10}" for name in authz.ADMINS))
        for command in COMMANDS:
            words = [authz.docker(host, name, *command.split()) for name in authz.ADMINS]
            print(f"{command:{width}}  " + "  ".join(f"{answer(done):10}" for done in words), flush=True)
        refused = authz.docker(host, "creator", "create", "--privileged", "foobar")
        print(f"\nWhat the second one is told:\n  {refused.stderr.strip().splitlines()[-1]}")
        print("\n$ journalctl SYSLOG_IDENTIFIER=containment-authz DOCKER_AUTHZ_PRINCIPAL=runner")
        for one in authz.records(host, "DOCKER_AUTHZ_PRINCIPAL=runner", "DOCKER_AUTHZ_DECISION=allow")[-5:]:
            print(f"  {one['MESSAGE']}")
    print("\nThe host is gone.")


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except NotPossible as reason:
        print(reason, file=sys.stderr)
        sys.exit(77)
    except HostError as error:
        sys.exit(f"demo: {error}")
