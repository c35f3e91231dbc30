# SPDX-License-Identifier: GPL-3.0-or-later
"""Mutates the functional cores with cosmic-ray and runs the tests of each; a mutant that survives is a failure.

tests/mutation/targets.toml names the cores, their tests, how many mutants are tried, and the mutants that change
nothing. Which are tried depends on each one's own text alone, so that an edit elsewhere does not draw others.
"""

from __future__ import annotations

import hashlib
import os
import re
import resource
import shlex
import shutil
import subprocess
import sys
import time
import tomllib
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from cosmic_ray.commands.init import init
from cosmic_ray.mutating import mutate_and_test, mutate_code
from cosmic_ray.plugins import get_operator
from cosmic_ray.work_db import WorkDB, use_db
from cosmic_ray.work_item import TestOutcome, WorkerOutcome

# Signs, bounds, off by one, and the logic that joins them. What is left out (is for ==) says little of the tests.
OPERATORS = re.compile(
    r"core/(NumberReplacer|AddNot|ReplaceAndWithOr|ReplaceOrWithAnd|ReplaceTrueWithFalse|ReplaceFalseWithTrue"
    r"|ReplaceBinaryOperator_(Add_Sub|Sub_Add|Mul_Add|FloorDiv_Mul|Mod_FloorDiv)"
    r"|ReplaceComparisonOperator_(Lt_LtE|LtE_Lt|Gt_GtE|GtE_Gt|Eq_NotEq|NotEq_Eq))"
)
MEMORY = 2 << 30  # bytes: a mutated size must not take the machine


class Mutant:
    def __init__(self, spec, tests, source):
        self.spec = spec
        self.tests = tests
        self.source = source
        self.module = str(spec.module_path)
        self.number = spec.start_pos[0]
        self.line = self.line_of(source)

    def line_of(self, source):
        return source.splitlines()[self.number - 1].strip()

    def draw(self):
        """The place of this mutant in the draw."""
        text = f"{self.module} {self.spec.operator_name} {self.line} {self.spec.start_pos[1]}"
        return hashlib.sha256(text.encode()).digest()

    def mutated(self):
        """The line as the mutant has it."""
        operator = get_operator(self.spec.operator_name)()
        return self.line_of(mutate_code(self.source, operator, self.spec.occurrence))


def mutants_of(target):
    """Every mutant of one target, tried or not."""
    source = Path(target["module"]).read_text()
    with use_db(":memory:", WorkDB.Mode.create) as database:
        init([Path(target["module"])], database, {})
        specs = [item.mutations[0] for item in database.work_items]
    return [Mutant(spec, target["tests"], source) for spec in specs if OPERATORS.fullmatch(spec.operator_name)]


def command(tests):
    return [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *tests]


def enter(folder):
    """A worker's start: a tree of its own, because cosmic-ray writes the mutant into the file."""
    tree = folder / f"tree-{os.getpid()}"
    shutil.copytree(folder / "tree", tree, symlinks=True, ignore=shutil.ignore_patterns(".cache"))
    use_tree(tree)
    # A mutant of the same size within the same second would be taken for the one before it.
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


def use_tree(tree):
    collection = tree / ".cache" / "collections" / "ansible_collections" / "containment" / "docker"
    collection.parent.mkdir(parents=True)
    collection.symlink_to(tree)
    (collection.parent.parent / "__init__.py").touch()
    os.environ["PYTEST_ADDOPTS"] = f"-c {tree}/.config/pytest.ini --rootdir {tree}"
    os.chdir(tree)


def outcome(mutant, limit):
    """-> "killed", "survived" or "no verdict: WHY" """
    result = mutate_and_test([mutant.spec], shlex.join(command(mutant.tests)), limit)
    if result.worker_outcome != WorkerOutcome.NORMAL or result.test_outcome == TestOutcome.INCOMPETENT:
        return f"no verdict: {result.worker_outcome.value} {result.output}"
    return "survived" if result.test_outcome == TestOutcome.SURVIVED else "killed"


def main(folder, only):
    config = tomllib.loads(Path("tests/mutation/targets.toml").read_text())
    targets = [target for target in config["target"] if not only or Path(target["module"]).stem in only]
    use_tree(folder / "tree")

    limits = {}  # without a passing run first, every mutant would seem killed
    for target in targets:
        start = time.monotonic()
        subprocess.run(command(target["tests"]), check=True, stdout=subprocess.DEVNULL)
        limits[target["module"]] = 10 + 5 * (time.monotonic() - start)

    everyone = [mutant for target in targets for mutant in mutants_of(target)]
    equivalent = {(entry["module"], entry["line"], entry["mutant"]) for entry in config.get("equivalent", [])}
    lines = {(module, line) for module, line, _mutant in equivalent}
    found, wanted = set(), []
    for mutant in everyone:
        change = (mutant.module, mutant.line) in lines and (mutant.module, mutant.line, mutant.mutated())
        if change in equivalent:
            found.add(change)
        else:
            wanted.append(mutant)
    tried = wanted if only else sorted(wanted, key=Mutant.draw)[: config["sample"]]

    with ProcessPoolExecutor(os.cpu_count(), initializer=enter, initargs=[folder]) as pool:
        outcomes = list(pool.map(outcome, tried, [limits[mutant.module] for mutant in tried]))
    for mutant, verdict in zip(tried, outcomes, strict=True):
        if verdict != "killed":
            print(f"{mutant.module}:{mutant.number}: {verdict}\n  - {mutant.line}\n  + {mutant.mutated()}")
    stale = [] if only else sorted(equivalent - found)
    for module, line, _mutant in stale:
        print(f"{module}: listed as equivalent and not there: {line}")
    killed = outcomes.count("killed")
    print(f"{killed} killed, {len(tried) - killed} not; {len(everyone)} possible, {len(equivalent)} of them equivalent")
    return 0 if tried and killed == len(tried) and not stale else 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
