# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the gates of `make test`, each one whatever became of the others, and tells what passed, failed or cannot run.

A stage is a program of this folder. It passes with exit code 0, is not possible here with 77 (its last line says why),
and fails with any other. What it prints goes to .cache/logs/STAGE.log.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOGS = ROOT / ".cache" / "logs"
NOT_POSSIBLE = 77
LIMIT = 60 * 60  # seconds a stage may take
BUDGET = 85 * 60  # seconds all of them may take, below CI's 90 minutes
# Seconds that a stage wants to be left of the budget, without which it is not begun.
NEEDS = {"molecule-vm-debian": 15 * 60, "molecule-vm-el-layout": 15 * 60}
GRACE = 60  # seconds to tidy up in
TAIL = 40  # lines of a failed stage's log that are shown
END = 15  # lines of them that are shown again behind the table
STAGES = {
    "lint": ["lint"],
    "docs": ["docs"],
    "unit": ["unit"],
    "compat": ["compat"],
    "mutation": ["mutation"],
    "sanity-2.16": ["sanity", "2.16"],
    "sanity-2.19": ["sanity", "2.19"],
    "build": ["build"],
    "integration": ["integration"],
    "molecule-hosts": ["molecule", "debian12", "debian13", "debian-testing"],
    "molecule-vm-debian": ["molecule", "vm-debian"],
    "molecule-vm-el-layout": ["molecule", "vm-el-layout"],
}


def end(process):
    """End a stage and all it started; first it may tidy up, as those that have hosts of their own do."""
    os.killpg(process.pid, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(GRACE)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def run(name, limit):
    """Run stage `name` for at most `limit` seconds. -> (verdict, note, seconds)"""
    log = LOGS / f"{name}.log"
    program, *arguments = STAGES[name]
    print(f"{name}: started", flush=True)
    start = time.monotonic()
    with (
        log.open("wb") as out,
        subprocess.Popen(
            [ROOT / "tools" / program, *arguments],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        ) as process,
    ):
        try:
            code = process.wait(limit)
        except BaseException as error:  # out of time, or interrupted: nothing of the stage stays behind
            end(process)
            if not isinstance(error, subprocess.TimeoutExpired):
                raise
            code = None
    seconds = time.monotonic() - start
    lines = log.read_text(errors="replace").splitlines()
    note = lines[-1] if lines else ""
    if code == 0:
        verdict = "passed"
        note = next((line for line in reversed(lines) if re.search(r"\d (passed|killed)|^passed on", line)), "")
    elif code == NOT_POSSIBLE:
        verdict = "not possible here"
        note = note.removeprefix("not possible here: ")
    else:
        verdict = "failed"
        note = f"took longer than {limit:.0f} s" if code is None else f"see {log.relative_to(ROOT)}"
        print("\n".join(f"    {line}" for line in lines[-TAIL:]))
    print(f"{name}: {verdict}, {seconds:.0f} s", flush=True)
    return verdict, note.strip("= "), seconds


def main(names):
    unknown = [name for name in names if name not in STAGES]
    if unknown:
        sys.exit(f"no stage {unknown[0]}: the stages are {' '.join(STAGES)}")
    LOGS.mkdir(parents=True, exist_ok=True)
    results, start = {}, time.monotonic()
    for name in names or STAGES:
        left = BUDGET - (time.monotonic() - start)
        if name not in NEEDS:
            results[name] = run(name, LIMIT)
        elif left >= NEEDS[name]:
            results[name] = run(name, min(LIMIT, left))
        else:
            results[name] = "not possible here", f"{max(0, left) / 60:.0f} minutes are left: run tools/test {name}", 0

    print("\nWhatever became of the others:")
    for name, (verdict, note, seconds) in results.items():
        print(f"  {name:21} {verdict:18} {seconds:5.0f} s  {note}")
    begun = [name for name, (_verdict, _note, seconds) in results.items() if seconds]
    for name in begun:  # tests that say they are not possible here
        for line in (LOGS / f"{name}.log").read_text(errors="replace").splitlines():
            if line.startswith("SKIPPED ["):
                print(f"  {name}: {line}")

    for name, (verdict, _note, _seconds) in results.items():  # where only the end of the output is kept
        if verdict == "failed":
            lines = (LOGS / f"{name}.log").read_text(errors="replace").splitlines()
            print("\n".join([f"\nThe end of {name}:", *(f"    {line[:500]}" for line in lines[-END:])]))

    verdicts = [verdict for verdict, _note, _seconds in results.values()]
    counts = [f"{verdicts.count('passed')} passed", f"{verdicts.count('failed')} failed"]
    if "not possible here" in verdicts:
        counts.append(f"{verdicts.count('not possible here')} skipped")
    print("\n" + ", ".join(counts), flush=True)
    return 1 if "failed" in verdicts or "passed" not in verdicts else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit("interrupted")
