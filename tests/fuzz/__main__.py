# SPDX-License-Identifier: GPL-3.0-or-later
"""Fuzzes how the authorization plugin reads what engines tell it, guided by coverage, against Go's own reading.

    tools/fuzz 3600          an hour for all targets (targets.py), shared evenly
    tools/fuzz 720 decide    twelve minutes for one

Each target runs in a process of its own, as libFuzzer does (atheris): what it finds that covers more is kept in
.cache/fuzz/NAME and is where the next run begins. A line "fuzz NAME EXECUTIONS ok|failed" is told of each. One that
fails leaves its input in .cache/fuzz/NAME-crash-*; `tools/fuzz inside NAME FILE` runs that input alone.
"""

import hashlib
import re
import subprocess
import sys
import time
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]
sys.path[:0] = [str(CHECKOUT)]

import atheris  # noqa: E402

if __name__ == "__main__" and sys.argv[1:2] == ["inside"]:
    with atheris.instrument_imports(include=["ansible_collections.containment.docker.plugins.module_utils"]):
        from tests.fuzz import targets
from tests.fuzz import golang, mutations, readings, targets  # noqa: E402
from tests.hosts import NotPossible  # noqa: E402

FOLDER = CHECKOUT / ".cache/fuzz"
LIMIT, LONGEST = 5, 8192  # seconds that one input may take, bytes that it may have


def fuzz(name, more):
    """Run one target in this process, which ends with it. more: arguments of libFuzzer."""
    target = targets.TARGETS[name]
    their = {one: readings.Reading(program) for one, program in golang.programs().items()}

    def change(data, longest, seed):
        """Every other time, change the JSON of an input as such."""
        head, newline, text = data.partition(b"\n") if target.lines else (b"", b"", data)
        changed = mutations.change(text.decode("utf-8", "replace"), seed) if seed % 2 else None
        if changed is not None:
            found = head + newline + changed.encode("utf-8", "replace")
            if len(found) <= longest:
                return found
        return atheris.Mutate(data, longest)

    options = {"custom_mutator": change} if target.structured else {}
    atheris.Setup(["fuzz", *more], lambda data: target.run(data, their), **options)
    atheris.Fuzz()


def run(name, seconds):
    """Run one target for so long in a process of its own; return whether it found nothing."""
    corpus = FOLDER / name
    corpus.mkdir(parents=True, exist_ok=True)
    for data in targets.TARGETS[name].seeds():
        (corpus / hashlib.sha256(data).hexdigest()[:16]).write_bytes(data)
    words = FOLDER / "words"
    plain = [one.replace("\\", "\\\\") for one in [*targets.WORDS, *mutations.FIELDS]]
    words.write_text("".join(f'"{one}"\n' for one in plain))
    log = FOLDER / f"{name}.log"
    options = [f"-max_total_time={seconds}", f"-timeout={LIMIT}", f"-max_len={LONGEST}", f"-dict={words}"]
    options += [f"-artifact_prefix={FOLDER}/{name}-", "-print_final_stats=1", str(corpus)]
    started = time.monotonic()
    with open(log, "wb") as out:
        inside = [sys.executable, "-m", "tests.fuzz", "inside", name, *options]
        code = subprocess.run(inside, check=False, cwd=CHECKOUT, stdout=out, stderr=subprocess.STDOUT).returncode
    text = log.read_text(errors="replace")
    counts = re.findall(r"stat::number_of_executed_units: (\d+)", text) + ["0"]
    verdict = "ok" if code == 0 and counts[0] != "0" else "failed"
    print(f"fuzz {name} {counts[0]} {verdict} ({time.monotonic() - started:.0f} s)", flush=True)
    if verdict == "failed":
        print("\n".join(text.splitlines()[-40:]), flush=True)
    return verdict == "ok"


def main(length, name=None):
    names = [name] if name else sorted(targets.TARGETS)
    if name and name not in targets.TARGETS:
        sys.exit(f"no target {name}: they are {', '.join(sorted(targets.TARGETS))}")
    golang.programs()
    found = [run(one, int(length) // len(names)) for one in names]
    sys.exit(not all(found))


if __name__ == "__main__":
    try:
        if sys.argv[1] == "inside":
            fuzz(sys.argv[2], sys.argv[3:])
        main(*sys.argv[1:])
    except NotPossible as reason:
        print(reason)
        sys.exit(77)
