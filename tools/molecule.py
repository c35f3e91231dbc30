# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs Molecule scenarios one after the other and tells which passed, failed or are not possible here.

A scenario passes when Molecule succeeded and every step of its sequence was really done: Molecule itself takes a step
without hosts, playbook or tests for a success. Logs are .cache/logs/molecule-SCENARIO.log, all else that a scenario
writes lies below .cache/molecule. Nothing of a scenario stays, unless it is to be kept.
"""

import argparse
import contextlib
import fcntl
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests import hosts  # noqa: E402
from tests.hosts._paths import CACHE  # noqa: E402
from tests.hosts.processes import start_time  # noqa: E402

LOGS = ROOT / ".cache" / "logs"
WORK = CACHE / "molecule"  # with the hosts, whose names may be there once
NOT_POSSIBLE = 77
PATIENCE = float(os.environ.get("CONTAINMENT_PATIENCE") or 1)
LIMITS = {"host": 20 * 60 * PATIENCE, "vm": 60 * 60 * PATIENCE}  # seconds for a scenario
TAIL = 60  # lines of a failed scenario's log that are shown
STEP = re.compile(r"^INFO +\[\S+ > (\w+)\] (Executing|Executed: .+)$")
TESTED = re.compile(r"^=+ (.+) in [\d.]+s\b.* =+$")
CAUSE = re.compile(r"^(fatal: |FAILED |ERROR |E  +)\S")  # of Ansible, pytest and Molecule


class Scenario:
    """A folder of molecule/ that has an inventory."""

    def __init__(self, name):
        self.name = name
        group = yaml.safe_load((ROOT / "molecule" / name / "inventory" / "hosts.yml").read_text())["docker_hosts"]
        self.hosts = group["hosts"] or {}
        self.kind, self.image = group["vars"]["machine_kind"], group["vars"]["machine_image"]
        self.core = group["vars"].get("machine_core")  # of ansible-core, where it is not the one of the tests
        self.configs = [ROOT / ".config" / "molecule" / "config.yml"]
        if self.kind == "vm":
            self.configs.append(ROOT / ".config" / "molecule" / "vm.yml")
        self.steps = yaml.safe_load(self.configs[-1].read_text())["scenario"]["test_sequence"]
        self.work, self.log = WORK / name, LOGS / ("molecule-%s.log" % name)

    def obstacle(self):
        """Why this machine cannot run it, or None."""
        if self.image == "cloud" and not os.environ.get("IMAGE"):
            return "no image given; pass IMAGE=path or IMAGE=url CHECKSUM=sha256:..."
        try:
            (vms() if self.kind == "vm" else hosts).prepare()
        except hosts.NotPossible as reason:
            return str(reason).removeprefix("not possible here: ")
        return None

    def machines(self):
        """Its hosts that there are."""
        package = vms() if self.kind == "vm" else hosts
        found = package.all_vms() if self.kind == "vm" else package.all_hosts()
        return [machine for machine in found if machine.name in self.hosts]

    def environment(self):
        env = dict(os.environ, SCENARIO=self.name, NO_COLOR="1", PYTHONUNBUFFERED="1")
        env["MOLECULE_EPHEMERAL_DIRECTORY"] = str(self.work)
        env["MOLECULE_PROJECT_DIRECTORY"] = str(ROOT)
        env["MOLECULE_GLOB"] = "molecule/*/molecule.yml"
        if self.core:
            make = [ROOT / "tools" / "venv", "sanity-" + self.core]
            venv = subprocess.run(make, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
            env["PATH"] = "%s/bin:%s" % (venv, env["PATH"])
        return env

    def command(self, keep):
        bases = [word for config in self.configs for word in ("--base-config", str(config))]
        return ["molecule", *bases, "test", "-s", self.name, "--destroy", "never" if keep else "always"]


def vms():
    from tests import vms as package  # only where a scenario needs it

    return package


def label(step):
    """A step of a sequence as it is told: "verify ../shared/tests/plain" is "verify plain"."""
    action, *paths = step.split()
    return " ".join([action, *(Path(path).stem for path in paths)])


class Progress:
    """Follows Molecule's output: which steps were begun, which succeeded, and what the tests said."""

    def __init__(self, steps):
        self.expected, self.begun, self.done, self.tested = steps, 0, 0, []
        self.broken = False  # a step failed: what Molecule does after it is not of the sequence

    def step(self):
        return label(self.expected[self.begun - 1]) if self.begun else "start"

    def feed(self, line):
        """Take a line; return the step that it ends, or None."""
        found = STEP.match(line)
        if found and not self.broken:
            action, what = found.groups()
            if what == "Executing":
                following = self.expected[self.begun :]
                self.broken = not following or following[0].split()[0] != action
                self.begun += not self.broken
            elif what == "Executed: Successful":
                self.done += 1
                return self.step()
        else:
            found = TESTED.match(line)
            if found:
                self.tested.append(found.group(1))
        return None

    def doubt(self):
        """Why a run that Molecule calls a success is none, or None."""
        verified = sum(step.split()[0] == "verify" for step in self.expected)
        if self.done != len(self.expected):
            return "only %d of %d steps were done" % (self.done, len(self.expected))
        if len(self.tested) != verified or not all(re.fullmatch(r"\d+ passed", said) for said in self.tested):
            return "%d verify steps, whose tests said: %s" % (verified, "; ".join(self.tested) or "nothing")
        return None

    def tests(self):
        return sum(int(said.split()[0]) for said in self.tested)


def descendants(pid):
    """[(pid, start time)] of a process and all below it."""
    found = [(pid, start_time(pid))]
    for task in Path("/proc/%d/task" % pid).glob("*/children"):
        with contextlib.suppress(OSError):  # it ended meanwhile
            for child in task.read_text().split():
                found += descendants(int(child))
    return found


def end(process):
    """End Molecule and what it started: as Ctrl-C would, and for good what has not ended after 20 seconds."""
    family = descendants(process.pid)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGINT)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(20)
    for pid, started in family:
        if started is not None and start_time(pid) == started:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    process.wait()


def follow(scenario, process, progress):
    """Tell the steps as they end. -> why the scenario failed, or None"""
    start = last = time.monotonic()
    with scenario.log.open(errors="replace") as log:
        rest = ""
        while True:
            ended = process.poll() is not None
            *lines, rest = (rest + log.read()).split("\n")
            for line in lines:
                step = progress.feed(line)
                if step:
                    now = time.monotonic()
                    print("%s: %s, %.0f s" % (scenario.name, step, now - last), flush=True)
                    last = now
            if ended:
                break
            if time.monotonic() - start > LIMITS[scenario.kind]:
                end(process)
                return "%s: no end within %d s" % (progress.step(), LIMITS[scenario.kind])
            time.sleep(0.3)
    return "failed at step %s" % progress.step() if process.returncode else progress.doubt()


def note(scenario, progress):
    """What a scenario that passed showed."""
    engines, names = set(), set()
    for line in (scenario.work / "record.jsonl").read_text().splitlines():
        task = json.loads(line)
        if task.get("name") == "Read what a run may change":
            state = json.loads(task["result"]["stdout"])
            names.add(task["host"])
            engines.update([state["engine"]["version"]] if state["engine"] else [])
    engine = " and ".join(sorted(engines))
    return "engine %s, %d host%s, %d tests" % (engine, len(names), "s" * (len(names) > 1), progress.tests())


def causes(lines):
    """The lines of a failed scenario's log that say why, at most three, each cut to what one can read."""
    return [line[:500] for line in lines if CAUSE.match(line)][:3]


def remove(scenario):
    for machine in scenario.machines():
        print("%s: removing %s" % (scenario.name, machine.name), flush=True)
        machine.remove()


def run(scenario, keep):
    """Run one scenario. -> (verdict, note)"""
    obstacle = scenario.obstacle()
    if obstacle:
        return "not possible here", obstacle
    remove(scenario)  # what a killed run left
    if scenario.work.exists():
        shutil.rmtree(scenario.work)
    progress = Progress(scenario.steps[:-1] if keep else scenario.steps)
    try:
        with scenario.log.open("wb") as out:
            process = subprocess.Popen(
                scenario.command(keep),
                cwd=ROOT,
                env=scenario.environment(),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            reason = follow(scenario, process, progress)
        except BaseException:
            end(process)
            raise
        if reason is None and not keep and scenario.machines():
            reason = "the destroy step left hosts behind"
    finally:
        if not keep:
            remove(scenario)
    if reason is None:
        return "passed", note(scenario, progress)
    text = scenario.log.read_text(errors="replace")
    refused = re.search(r"not possible here: ([^\"\\\n]+)", text)
    if refused and progress.step() == "create":
        return "not possible here", refused.group(1)
    lines = text.splitlines()
    print("\n".join("    " + line for line in lines[-TAIL:]))
    # Once more behind the table: of a long run only the end may be kept.
    return "failed", "\n    ".join(["%s; see %s" % (reason, scenario.log.relative_to(ROOT)), *causes(lines)])


def chosen(names):
    """The scenarios of these names, all when there is none: systemd hosts first. Exits when a name is of none."""
    known = [Scenario(folder.parent.name) for folder in sorted((ROOT / "molecule").glob("*/inventory"))]
    unknown = set(names) - {scenario.name for scenario in known}
    if unknown:
        sys.exit("no scenario %s: they are %s" % (min(unknown), " ".join(scenario.name for scenario in known)))
    wanted = [scenario for scenario in known if not names or scenario.name in names]
    if os.environ.get("IMAGE") and len(wanted) != 1:
        sys.exit("IMAGE is the image of one scenario: name it, as in SCENARIO=centos-stream9")
    return sorted(wanted, key=lambda scenario: (scenario.kind, scenario.image == "cloud", scenario.name))


def main():
    parser = argparse.ArgumentParser(prog="tools/molecule", description="Run Molecule scenarios.")
    parser.add_argument(
        "--keep", action="store_true", help="leave the hosts at the end, for `python -m tests.hosts shell NAME`"
    )
    parser.add_argument("scenario", nargs="*")
    options = parser.parse_args()
    scenarios = chosen(options.scenario or os.environ.get("SCENARIO", "").split())
    if os.environ.get("IMAGE") and not any(scenario.image == "cloud" for scenario in scenarios):
        sys.exit("IMAGE: none of these scenarios takes an image: %s" % " ".join(one.name for one in scenarios))
    for folder in (LOGS, WORK):
        folder.mkdir(parents=True, exist_ok=True)
    results = {}
    with (WORK / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            sys.exit("another tools/molecule runs with this cache")
        for scenario in scenarios:
            start = time.monotonic()
            verdict, why = run(scenario, options.keep)
            seconds = time.monotonic() - start
            print("%s: %s, %.0f s" % (scenario.name, verdict, seconds), flush=True)
            results[scenario.name] = verdict, seconds, why

    print("\n%-16s %-18s %7s  %s" % ("scenario", "verdict", "seconds", "note"))
    for name, (verdict, seconds, why) in results.items():
        print("%-16s %-18s %7.0f  %s" % (name, verdict, seconds, why))
    verdicts = [verdict for verdict, _seconds, _why in results.values()]
    passed, failed, skipped = (verdicts.count(kind) for kind in ("passed", "failed", "not possible here"))
    counts = "%d passed, %d failed, %d skipped" % (passed, failed, skipped)
    if not passed and not failed:
        print(counts)
        print("not possible here: " + "; ".join("%s: %s" % (name, why) for name, (_v, _s, why) in results.items()))
        return NOT_POSSIBLE
    print(counts, flush=True)
    return 1 if failed else 0


def _interrupt(_number, _frame):
    raise KeyboardInterrupt


if __name__ == "__main__":
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("interrupted")
