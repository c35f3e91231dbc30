# SPDX-License-Identifier: GPL-3.0-or-later
"""What one run of subid_range costs where both files have 100,000 lines, next to usermod adding a range to the same
files.

The module's own process is measured, from its start to its end, on a private copy of /etc. The lines are small ranges
side by side at the head of the default search area, so that an allocation has to pass them all.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
MODULE = REPOSITORY / "plugins/modules/subid_range.py"
LINES, FIRST, SIZE, REPEATS = 100000, 2000224256, 1000, 5
SECONDS, MEGABYTES = 2.0, 100.0


def make_private_etc():
    """Run this program again in a mount namespace of its own, unless it is there already."""
    if "--private" not in sys.argv:
        words = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
        raise SystemExit(subprocess.run([*words, sys.executable, __file__, "--private"], check=False).returncode)
    folder = tempfile.mkdtemp(prefix="bench-subid_range-")
    for words in (
        ["mount", "--make-rprivate", "/"],
        ["mount", "-t", "tmpfs", "-o", "mode=755", "bench", folder],
        ["cp", "-a", "/etc", folder],
        ["mount", "--bind", f"{folder}/etc", "/etc"],
        ["mkdir", "-p", "/var/lib/containment"],
        ["mount", "-t", "tmpfs", "-o", "mode=755", "bench", "/var/lib/containment"],
    ):
        subprocess.run(words, check=True)
    for name in ("dockremap", "peer"):
        subprocess.run(["useradd", "--system", f"bench-{name}"], check=True)


def write_files():
    data = b"".join(b"user%06d:%d:%d\n" % (number, FIRST + SIZE * number, SIZE) for number in range(LINES))
    for name in ("subuid", "subgid"):
        Path("/etc", name).write_bytes(data)


def measured(words, given=b""):
    """Run a program and return (seconds, of them on the processor, peak resident megabytes, output)."""
    with tempfile.TemporaryFile() as source, tempfile.TemporaryFile() as sink:
        source.write(given)
        source.seek(0)
        environment = dict(os.environ, PYTHONPATH=str(REPOSITORY / ".cache/collections"), LC_ALL="C.UTF-8")
        began = time.monotonic()
        process = subprocess.Popen(words, stdin=source, stdout=sink, env=environment)
        _pid, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        sink.seek(0)
        output = sink.read()
    if process.returncode:
        raise SystemExit(f"{words[0]} ended with {process.returncode}: {output.decode()}")
    return seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, output


def module():
    arguments = json.dumps({"ANSIBLE_MODULE_ARGS": {"name": "bench-dockremap"}}).encode()
    *figures, output = measured([sys.executable, str(MODULE)], arguments)
    return (*figures, json.loads(output))


def report(figure, value, unit, budget):
    verdict = "ok" if value <= budget else "short"
    print(f"bench subid_range {figure} {value:.2f}{unit} {budget:g}{unit} {verdict}", flush=True)


def main():
    if os.geteuid():
        raise SystemExit("not possible here: a private /etc needs root")
    make_private_etc()
    first, again, peer = [], [], []
    for _round in range(REPEATS):
        write_files()
        first.append(module())
        start = first[-1][3]["ranges"]["after"]["uid"][0]["start"]
        assert first[-1][3]["changed"] and start >= FIRST + LINES * SIZE, first[-1]
        again.append(module())
        assert not again[-1][3]["changed"], again[-1]
        write_files()
        span = f"{FIRST + LINES * SIZE}-{FIRST + LINES * SIZE + 65535}"
        peer.append(measured(["usermod", "--add-subuids", span, "--add-subgids", span, "bench-peer"]))
    shutil.rmtree("/var/lib/containment/transactions")
    # The best of the rounds: what else runs on the machine only ever adds.
    best = {
        name: [min(figure) for figure in zip(*(run[:2] for run in runs))]
        for name, runs in (("first", first), ("no_op", again), ("peer", peer))
    }
    for name, runs in (("first", first), ("no_op", again)):
        report(f"{name}_run_time", best[name][0], "s", SECONDS)
        report(f"{name}_run_rss", max(run[2] for run in runs), "MB", MEGABYTES)
    print(
        f"peer: usermod adds the same range to the same files in {best['peer'][0]:.2f}s, {best['peer'][1]:.2f}s of "
        f"processor and {max(run[2] for run in peer):.0f}MB; subid_range's first run takes {best['first'][1]:.2f}s of "
        f"processor, a no-op {best['no_op'][1]:.2f}s"
    )


if __name__ == "__main__":
    main()
