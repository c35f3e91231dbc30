# SPDX-License-Identifier: GPL-3.0-or-later
"""Wall time and memory of daemon_json when there is nothing to change, beside modules that do less.

Peers, each in the same way and turn by turn: a bare module (AnsibleModule and out: what any module costs), and
ansible.builtin.lineinfile on the same file with the line there (the usual way to keep one key in daemon.json).
Memory is the peak resident set of the module's own process, children left out. An installed dockerd is asked for its
version in the time that is measured; without one, the time is without that.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
ROUNDS = 15
MEASURE = """
import atexit, os, runpy, sys
def keep(path=os.environ["MEASURED"]):
    # Not getrusage: its figure starts with that of the process that started this one.
    with open("/proc/self/status") as status, open(path, "w") as handle:
        handle.write(next(line.split()[1] for line in status if line.startswith("VmHWM:")))
atexit.register(keep)
runpy.run_path(sys.argv.pop(1), run_name="__main__")
"""
BARE = """
from ansible.module_utils.basic import AnsibleModule
AnsibleModule(argument_spec={"path": {"type": "path"}}, supports_check_mode=True).exit_json(changed=False)
"""


def run(program, params, measured):
    """Return (seconds, MB) of one run, which has to end without a change."""
    place = dict(os.environ, PYTHONPATH=str(REPOSITORY / ".cache/collections"), MEASURED=str(measured))
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, str(program)],
        input=json.dumps({"ANSIBLE_MODULE_ARGS": params}).encode(),
        capture_output=True,
        env=place,
        check=False,
    )
    seconds = time.perf_counter() - started
    assert done.returncode == 0 and json.loads(done.stdout.splitlines()[-1])["changed"] is False, done
    return seconds, int(measured.read_text()) * 1024 / 1e6


def main():
    import ansible.modules.lineinfile as peer

    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder).resolve()
        file, bare = folder / "daemon.json", folder / "bare.py"
        file.write_text(
            '{\n  "icc": false,\n'
            + "".join(f'  "label-{number}": "x",\n' for number in range(20))
            + '  "userns-remap": "dockremap"\n}\n'
        )
        bare.write_text(BARE)
        ours = {"path": str(file), "merge": {"userns-remap": "dockremap", "icc": False}, "allow_unknown": True}
        programs = {
            "bare": (bare, {"path": str(file)}),
            "lineinfile": (peer.__file__, {"path": str(file), "line": '  "icc": false,'}),
            "daemon_json": (REPOSITORY / "plugins/modules/daemon_json.py", ours),
        }
        results = {name: [] for name in programs}
        for _round in range(ROUNDS + 1):
            for name, (program, params) in programs.items():
                results[name].append(run(program, params, folder / "measured"))
    seconds = {name: statistics.median(one[0] for one in runs[1:]) for name, runs in results.items()}
    memory = {name: statistics.median(one[1] for one in runs[1:]) for name, runs in results.items()}

    def tell(figure, value, budget):
        print(f"bench daemon_json {figure} {value:.3f} {budget} {'ok' if value <= budget else 'short'}")

    tell("noop_rss_over_bare_mb", memory["daemon_json"] - memory["bare"], 8)
    tell("noop_rss_mb", memory["daemon_json"], 60)
    tell("noop_time_to_bare", seconds["daemon_json"] / seconds["bare"], 1.5)
    tell("noop_time_to_lineinfile", seconds["daemon_json"] / seconds["lineinfile"], 1.5)
    print(
        f"# bare {seconds['bare']:.3f} s {memory['bare']:.1f} MB, lineinfile "
        f"{seconds['lineinfile']:.3f} s {memory['lineinfile']:.1f} MB, "
        f"daemon_json {seconds['daemon_json']:.3f} s {memory['daemon_json']:.1f} MB"
    )


if __name__ == "__main__":
    main()
