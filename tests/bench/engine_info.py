# SPDX-License-Identifier: GPL-3.0-or-later
"""Wall time and memory of engine_info with 0 and 50 containers, beside a peer that learns less of the same host.

The peer is the engine's own client, `docker info` and one `docker inspect` of all containers, which tell neither
owners, flags, files, ids, shims nor what the kernel allows. Both run turn by turn inside of one throwaway host; the
module is run as Ansible runs it, unpacked. Memory is the peak resident set of the module's process and of the client.
"""

import json
import shutil
import statistics
import sys
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
sys.path.insert(0, str(REPOSITORY))

from tests.hosts import NotPossible, prepare, start_host  # noqa: E402

ROUNDS = 9
# Seconds and MB: what one reading of a host may cost.
WALL, RSS = {0: 0.8, 50: 1.2}, 35.0
MEASURE = """
import json, os, subprocess, sys, tempfile, time
def peak(pid):
    with open(f"/proc/{pid}/status") as status:
        return int(next(line.split()[1] for line in status if line.startswith("VmHWM:"))) * 1024 / 1e6
most, started = 0, time.perf_counter()
for argv in json.loads(sys.argv[1]):
    with tempfile.TemporaryFile() as out:
        child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out)
        # Ended and not yet waited for it has no memory any more: look while it still runs.
        while os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
            try:
                most = max(most, peak(child.pid))
            except StopIteration:
                pass
            time.sleep(0.003)
        if child.wait():
            sys.exit(f"{argv} ended with {child.returncode}")
        out.seek(0)
        output = out.read().decode()
print(json.dumps([time.perf_counter() - started, most, output]))
"""


def install(host):
    """Put the collection and the part of ansible-core that modules need into the host; return the module's argv."""
    import ansible.module_utils

    top = Path(host.root) / "opt/bench"
    plugins = top / "ansible_collections/containment/docker/plugins"
    for name in ("modules", "module_utils"):
        shutil.copytree(REPOSITORY / "plugins" / name, plugins / name, ignore=shutil.ignore_patterns("__pycache__"))
    core = Path(ansible.module_utils.__file__).parent
    shutil.copytree(core, top / "ansible/module_utils", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(core.parent / "release.py", top / "ansible")
    (top / "ansible/__init__.py").touch()
    params = json.dumps({"ANSIBLE_MODULE_ARGS": {"user": "dockremap"}})
    program = plugins / "modules/engine_info.py"
    inside = "/opt/bench" + str(program)[len(str(top)) :]
    return ["env", "PYTHONPATH=/opt/bench", "/usr/bin/python3", inside, params]


def measure(host, commands):
    done = host.run(["/usr/bin/python3", "-c", MEASURE, json.dumps(commands)])
    return json.loads(done.stdout)


def line(figure, value, budget=None):
    verdict = "ok" if budget is None or value <= budget else "short"
    print(f"bench engine_info {figure} {value:.3f} {'-' if budget is None else budget} {verdict}", flush=True)


def main():
    prepare()
    with start_host("bookworm") as host:
        ours = install(host)
        host.import_image("busybox")
        for count in (0, 50):
            # Half of them run, each with a bind mount.
            for number in range(count):
                words = ["run", "-d"] if number % 2 else ["create"]
                host.run(["docker", *words, "-v", "/srv:/srv", f"--name=c{number}", "busybox", "sleep", "10000"])
            names = [f"c{number}" for number in range(count)] or ["busybox"]
            peer = [["docker", "info", "--format", "{{json .}}"], ["docker", "inspect", *names]]
            measure(host, [ours]), measure(host, peer)
            mine, theirs = [], []
            for _round in range(ROUNDS):
                mine.append(measure(host, [ours]))
                theirs.append(measure(host, peer))
            result = json.loads(mine[-1][2])
            assert len(result["engines"][0]["containers"]) == count and result["engines"][0]["error"] is None, result
            wall = statistics.median(one[0] for one in mine)
            line(f"wall_{count}_containers_s", wall, WALL[count])
            line(f"peer_wall_{count}_containers_s", statistics.median(one[0] for one in theirs))
            line(f"rss_{count}_containers_MB", max(one[1] for one in mine), RSS)
            line(f"peer_rss_{count}_containers_MB", max(one[1] for one in theirs))
            line(f"api_calls_{count}_containers", result["engines"][0]["calls"], 5 + count)
        host.run(["sh", "-c", "docker ps -q | xargs docker kill >/dev/null"])


if __name__ == "__main__":
    try:
        main()
    except NotPossible as reason:
        sys.exit(f"not possible here: {reason}")
