# SPDX-License-Identifier: GPL-3.0-or-later
"""What the filter authz_rego returns, packed as docs/authz-opa.md says, is a policy that real OPA decides by.

The bindings of OPA read no bundles: here a double of that reads the archive, and holds it to the rule of `roots`
(openpolicyagent.org, "Bundle File Format"). Files and decisions are the real ones.
"""

import json
import re
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from ansible_collections.containment.docker.plugins.filter.authz_rego import bundle

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.integration.authz import POLICY
from tests.property import authz_opa
from tests.property.authz_opa import Sent

ROOT = Path(__file__).resolve().parents[2]
(COMMAND,) = re.findall(r"^tar -czf .*$", (ROOT / "docs/authz-opa.md").read_text(), re.MULTILINE)


@pytest.fixture
def files(tmp_path):
    """{name: text} of what is in the archive."""
    folder = tmp_path / "opa"
    folder.mkdir()
    for name, text in bundle({key: value for key, value in POLICY.items() if key != "format"}).items():
        (folder / name).write_text(text)
    subprocess.run(COMMAND.replace("/srv/opa", str(folder)).split(), check=True, timeout=60)
    with tarfile.open(folder / "bundle.tar.gz") as archive:
        return {one.name: archive.extractfile(one).read().decode() for one in archive.getmembers()}


def paths(value, depth):
    """Yield the paths of what is so deep in an object."""
    for key, one in value.items():
        yield from [f"{key}/{rest}" for rest in paths(one, depth - 1)] if depth and isinstance(one, dict) else [key]


def test_its_roots_are_those_of_its_program_and_its_data(files):
    assert sorted(files) == [".manifest", "data.json", "docker.rego"]
    roots = json.loads(files[".manifest"])["roots"]
    (package,) = re.findall(r"^package (\S+)$", files["docker.rego"], re.MULTILINE)
    for path in [package.replace(".", "/"), *paths(json.loads(files["data.json"]), 2)]:
        assert any(path == root or path.startswith(root + "/") for root in roots), path


def test_real_opa_decides_by_it(files):
    with authz_opa.opa().OpaEngine() as engine:
        engine.add_policy("docker.rego", files["docker.rego"])
        engine.add_data(json.loads(files["data.json"]))
        decided = [
            engine.eval_document("docker.authz.allow", authz_opa.told_of(Sent("operator", "POST", uri, {}, b"")))
            for uri in ("/v1.41/containers/web/start", "/v1.41/containers/third/start")
        ]
    assert decided == [True, False]
