# SPDX-License-Identifier: GPL-3.0-or-later
"""engine_info as Ansible starts it, where no engine is; with engines it is tested in tests/integration."""

import json
import os

import pytest
import yaml
from ansible.module_utils import basic

from ansible_collections.containment.docker.plugins.module_utils import _engine_gather
from ansible_collections.containment.docker.plugins.modules import engine_info


class Ended(Exception):
    pass


@pytest.fixture
def run(monkeypatch):
    def call(check=False, **options):
        results = []

        def end(failed):
            def keep(_module, **result):
                results.append(dict(result, failed=failed))
                raise Ended

            return keep

        monkeypatch.setattr(basic.AnsibleModule, "exit_json", end(False))
        monkeypatch.setattr(basic.AnsibleModule, "fail_json", end(True))
        arguments = json.dumps({"ANSIBLE_MODULE_ARGS": dict(options, _ansible_check_mode=check)}).encode()
        monkeypatch.setattr(basic, "_ANSIBLE_ARGS", arguments)
        monkeypatch.setattr(basic, "_ANSIBLE_PROFILE", "legacy", raising=False)
        with pytest.raises(Ended):
            engine_info.main()
        return results[0]

    return call


def test_without_root_nothing_is_looked_at(run, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(_engine_gather, "gather", None)
    result = run()
    assert result["failed"] and "become: true" in result["msg"]


@pytest.mark.parametrize("check", [False, True])
@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"user": "root"}, "remapping off"),
        ({"sockets": []}, "sockets"),
        ({"timeout": 0}, "timeout"),
        ({"sockets": ["x://"]}, "socket"),
    ],
)
def test_bad_options(run, monkeypatch, check, options, words):
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    result = run(check, **options)
    assert result["failed"] and words in result["msg"] and "\n" not in result["msg"]


@pytest.mark.skipif(os.geteuid() != 0, reason="not possible here: needs root")
def test_the_result_is_what_is_documented(run):
    result = run(user="dockremap")
    assert result["changed"] is False and result == run(check=True, user="dockremap")
    documented = set(yaml.safe_load(engine_info.RETURN))
    assert set(result) - {"changed", "failed"} == documented
