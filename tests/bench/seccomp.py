# SPDX-License-Identifier: GPL-3.0-or-later
"""What a composed profile costs: the module that makes it, and each system call under it.

The module composes, checks, compiles and answers with the engine's default already known. Its peer is `docker run`
with the finished profile, which is how profiles are tried without it, and which tells whether one container starts.

A program makes 5 million calls under the engine's own default and under the composed profile, turn by turn; of its time
that of the same program with none is taken away. The peer is the default; without any filter is told beside it.
"""

import base64
import json
import statistics
import sys
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
sys.path[:0] = [str(REPOSITORY), str(REPOSITORY / "tests/integration"), str(REPOSITORY / "tests/bench")]

import probe  # noqa: E402
from engine_info import install, measure  # noqa: E402

from tests.hosts import NotPossible, prepare, start_host  # noqa: E402

ROUNDS, CALLS, GETPPID = 7, 5_000_000, 110
# Of a `docker run`, MB, and of the time of a call under the engine's own default.
MODULE, RSS, CALL = 3.0, 40.0, 1.1
OVERLAYS = [{"preset": "list-2015"}, {"deny": ["personality"]}]


def line(figure, value, budget=None):
    verdict = "ok" if budget is None or value <= budget else "short"
    print(f"bench seccomp {figure} {value:.3f} {'-' if budget is None else budget} {verdict}", flush=True)


def run(host, command):
    return measure(host, [command])


def main():
    prepare()
    with start_host("trixie") as host:
        env, path, python, info, _params = install(host)
        host.import_image("busybox")
        params = {"name": "one", "overlays": OVERLAYS, "simulate": [{"call": "getcwd"}]}
        module = [env, path, python, info.replace("engine_info", "seccomp_profile")]
        module.append(json.dumps({"ANSIBLE_MODULE_ARGS": params}))
        profile = json.loads(run(host, module)[2])["path"]
        docker = ["docker", "run", "--rm", "--network=none", f"--security-opt=seccomp={profile}", "busybox", "true"]
        ours, theirs = [], []
        for _round in range(ROUNDS):
            ours.append(run(host, module))
            theirs.append(run(host, docker))
        wall = statistics.median(one[0] for one in ours)
        line("module_s", wall)
        line("module_of_docker_run", wall / statistics.median(one[0] for one in theirs), MODULE)
        line("module_rss_MB", max(one[1] for one in ours), RSS)

        for count in (1, CALLS):
            text = base64.b64encode(probe.loop(GETPPID, count)).decode()
            host.run(["sh", "-c", f"base64 -d > /loop{count} && chmod 755 /loop{count}"], input=text)
        security = {"none": ["--security-opt=seccomp=unconfined"], "default": []}
        security["composed"] = [f"--security-opt=seccomp={profile}"]
        times = {name: [] for name in security}
        for _round in range(ROUNDS):
            for name, options in security.items():
                command = ["docker", "run", "--rm", "--network=none", *options, "-v/:/host:ro", "busybox"]
                few, many = (run(host, [*command, f"/host/loop{count}"])[0] for count in (1, CALLS))
                times[name].append((many - few) / CALLS * 1e9)
        medians = {name: statistics.median(one) for name, one in times.items()}
        for name, value in medians.items():
            line(f"call_{name}_ns", value)
        line("call_of_default", medians["composed"] / medians["default"], CALL)


if __name__ == "__main__":
    try:
        main()
    except NotPossible as reason:
        sys.exit(f"not possible here: {reason}")
