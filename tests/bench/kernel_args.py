# SPDX-License-Identifier: GPL-3.0-or-later
"""Wall time and memory of kernel_args when there is nothing to change, beside programs that do less.

On a boot configuration of Enterprise Linux 9 and one of Debian 13 with fifty kernels each, in a root of their own.
Peers, turn by turn: a bare module (AnsibleModule and out: what any module costs), a search of the same files with grep,
and on the first "grubby --info=ALL", of the stand-in for grubby. Memory is the peak resident set of the module's own
process.
"""

import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
sys.path.insert(0, str(REPOSITORY))

import ansible  # noqa: E402

from tests.hosts import NotPossible  # noqa: E402
from tests.integration.boot import families_el, families_grub  # noqa: E402
from tests.integration.boot.place import Place  # noqa: E402

ROUNDS = 11
KERNELS = 50
ARGUMENT = "user_namespace.enable=1"
MEASURE = """
import atexit, runpy, sys
def keep():
    with open("/proc/self/status") as status, open("/run/measured", "w") as handle:
        handle.write(next(line.split()[1] for line in status if line.startswith("VmHWM:")))
atexit.register(keep)
sys.path[:0] = sys.argv.pop(1).split(":")
runpy.run_path(sys.argv.pop(1), run_name="__main__")
"""
BARE = """
from ansible.module_utils.basic import AnsibleModule
spec = {"present": {"type": "list", "elements": "str"}}
AnsibleModule(argument_spec=spec, supports_check_mode=True).exit_json(changed=False)
"""


def write(folder, files):
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)


def enterprise_linux(folder):
    """Write the boot files; return (stand-ins, what greps them, peer or None)."""
    versions = [f"5.14.0-{number}.el9.x86_64" for number in range(KERNELS)]
    options = f"root=/dev/vda3 ro quiet {ARGUMENT}"
    write(folder, families_el.el(versions, options, f"quiet {ARGUMENT}", (), options + "\n"))
    return ["grubby"], ["grep", "-r", ARGUMENT, "/boot/loader/entries", "/etc/default/grub"], ["grubby", "--info=ALL"]


def debian(folder):
    files = {"etc/default/grub": families_grub.defaults(""), "boot/grub/grub.cfg": ""}
    files.update({f"boot/vmlinuz-6.12.{number}-amd64": "" for number in range(KERNELS)})
    write(folder, files)
    return [], ["grep", "-r", ARGUMENT, "/boot/grub/grub.cfg", "/etc/default/grub.d"], None


def timed(place, words, **options):
    started = time.perf_counter()
    done = place.run(words, **options)
    return time.perf_counter() - started, done


def module(place, program):
    """Return (seconds, MB) of one run, which has to end without a change."""
    packages = Path(ansible.__file__).parents[1]
    given = json.dumps({"ANSIBLE_MODULE_ARGS": {"present": [ARGUMENT]}}).encode()
    paths = f"{REPOSITORY / '.cache/collections'}:{packages}"
    seconds, done = timed(place, ["/usr/bin/python3", "-B", "-c", MEASURE, paths, program], input=given)
    assert json.loads(done.stdout.splitlines()[-1])["changed"] is False, done
    return seconds, int(place.path("run/measured").read_text()) * 1024 / 1e6


def measure(name, prepare, scratch):
    before = scratch / "before"
    standins, grep, peer = prepare(before)
    place = Place(scratch, "trixie", before, standins)
    try:
        if peer is None:
            place.path("boot/grub/grub.cfg").write_bytes(place.run(["grub-mkconfig"]).stdout)
            assert place.args(present=[ARGUMENT])["changed"]
        place.path("run/bare.py").write_text(BARE)
        ours = REPOSITORY / "plugins/modules/kernel_args.py"
        bare, mine, grepped, asked = [], [], [], []
        for _round in range(ROUNDS + 1):
            bare.append(module(place, "/run/bare.py"))
            mine.append(module(place, ours))
            grepped.append(timed(place, grep)[0])
            if peer:
                asked.append(timed(place, peer)[0])
    finally:
        place.close()
    wall, base = (statistics.median(one[0] for one in runs[1:]) for runs in (mine, bare))
    memory, floor = (statistics.median(one[1] for one in runs[1:]) for runs in (mine, bare))

    def tell(figure, value, budget):
        print(
            f"bench kernel_args {name}_{figure} {value:.3f} {budget} {'ok' if value <= budget else 'short'}", flush=True
        )

    tell("noop_time_to_bare", wall / base, 1.7)
    if peer:
        tell("noop_time_to_bare_and_peer", wall / (base + statistics.median(asked[1:])), 1.3)
    tell("noop_rss_over_bare_mb", memory - floor, 8)
    tell("noop_rss_mb", memory, 60)
    told = f", {' '.join(peer)} {statistics.median(asked[1:]):.3f} s" if peer else ""
    print(
        f"# {name}, {KERNELS} kernels: bare {base:.3f} s {floor:.1f} MB, grep "
        f"{statistics.median(grepped[1:]):.3f} s{told}, kernel_args {wall:.3f} s {memory:.1f} MB",
        flush=True,
    )


def main():
    if os.geteuid() != 0:
        raise NotPossible("mounts need root")
    for name, prepare in (("el9", enterprise_linux), ("debian", debian)):
        with tempfile.TemporaryDirectory() as scratch:
            measure(name, prepare, Path(scratch).resolve())


if __name__ == "__main__":
    try:
        main()
    except NotPossible as reason:
        sys.exit(f"not possible here: {reason}")
