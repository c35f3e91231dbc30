# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the gates of `make test`, each one whatever became of the others, and tells what passed, failed or cannot run.

A stage is a program of this folder. It passes with exit code 0, is not possible here with 77 (its last line says why),
and fails with any other. What it prints goes to .cache/logs/STAGE.log. Stages that use one processor run in pairs.
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
LIMIT = 70 * 60  # seconds a stage may take
BUDGET = 85 * 60  # seconds all of them may take, below CI's 90 minutes
# Seconds that a stage wants to be left of the budget, without which it is not begun.
NEEDS = {"molecule-hosts": 10 * 60, "molecule-vm-debian": 40 * 60, "molecule-vm-el-layout": 40 * 60}
SINGLE = {"lint", "docs", "unit", "compat", "sanity-2.16", "sanity-2.19", "build"}  # stages that use one processor
PROCESSORS = min(2, os.cpu_count() or 1)  # two: each has a virtual environment to make, and its memory
POLL = 0.2  # seconds between two looks at what runs
GRACE = 60  # seconds to tidy up in
TAIL = 40  # lines of a failed stage's log that are shown
END = 15  # lines of them that are shown again behind the table
STAGES = {
    "lint": ["lint"],
    "docs": ["docs"],
    "unit": ["unit"],
    "compat": ["compat"],
    "sanity-2.16": ["sanity", "2.16"],
    "sanity-2.19": ["sanity", "2.19"],
    "build": ["build"],
    "mutation": ["mutation"],
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


class Stage:
    """One gate of this run: started when made, and over once poll() says so."""

    def __init__(self, name, limit):
        print(f"{name}: started", flush=True)
        self.name, self.limit = name, limit
        self.log = LOGS / f"{name}.log"
        self.start = time.monotonic()
        program, *arguments = STAGES[name]
        with self.log.open("wb") as out:
            self.process = subprocess.Popen(
                [ROOT / "tools" / program, *arguments],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def poll(self):
        """-> (verdict, note, seconds), or None while it runs; what takes longer than its limit is ended."""
        code, seconds = self.process.poll(), time.monotonic() - self.start
        late = code is None and seconds > self.limit
        if late:
            end(self.process)
        elif code is None:
            return None
        lines = self.log.read_text(errors="replace").splitlines()
        note = lines[-1] if lines else ""
        if late:
            verdict, note = "failed", f"took longer than {self.limit:.0f} s"
        elif code == 0:
            verdict = "passed"
            note = next((line for line in reversed(lines) if re.search(r"\d (passed|killed)|^passed on", line)), "")
        elif code == NOT_POSSIBLE:
            verdict = "not possible here"
            note = note.removeprefix("not possible here: ")
        else:
            verdict, note = "failed", f"see {self.log.relative_to(ROOT)}"
        if verdict == "failed":
            print("\n".join(f"    {line}" for line in lines[-TAIL:]))
        print(f"{self.name}: {verdict}, {seconds:.0f} s", flush=True)
        return verdict, note.strip("= "), seconds


def run(names):
    """Run the stages in their order, those that use one processor side by side. -> {name: (verdict, note, seconds)}"""
    results, begun, waiting, running = {}, time.monotonic(), list(names), []
    try:
        while waiting or running:
            while waiting and fits(waiting[0], [stage.name for stage in running]):
                name, left = waiting.pop(0), BUDGET - (time.monotonic() - begun)
                if left < NEEDS.get(name, 0):
                    note = f"{max(0, left) / 60:.0f} minutes are left: run tools/test {name}"
                    results[name] = "not possible here", note, 0
                else:
                    running.append(Stage(name, min(LIMIT, left)))
            time.sleep(POLL)
            for stage in list(running):
                outcome = stage.poll()
                if outcome:
                    running.remove(stage)
                    results[stage.name] = outcome
    finally:  # interrupted: nothing of a stage stays behind
        for stage in running:
            end(stage.process)
    return {name: results[name] for name in names}


def fits(name, running):
    """Whether stage `name` may begin beside those that run."""
    if not running:
        return True
    return SINGLE.issuperset([name, *running]) and len(running) < PROCESSORS


def main(names):
    unknown = [name for name in names if name not in STAGES]
    if unknown:
        sys.exit(f"no stage {unknown[0]}: the stages are {' '.join(STAGES)}")
    LOGS.mkdir(parents=True, exist_ok=True)
    results = run(names or STAGES)

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
