# SPDX-License-Identifier: GPL-3.0-or-later
"""The program is one file that runs by itself, checks policies, and says which rule decides a request."""

import ast
import inspect
import json
import subprocess
import sys

import pytest

from ansible_collections.containment.docker.plugins.module_utils import _authz_cli, _authz_install

POLICY = {
    "format": 1,
    "principals": [{"name": "alice", "cn": "alice", "roles": ["some"]}],
    "roles": [
        {
            "name": "some",
            "mode": "report",
            "grants": [
                {"actions": ["container.start"], "containers": ["web"]},
                {"actions": ["container.create"], "containers": ["*"], "images": ["x"], "envelope": "unprivileged"},
            ],
        }
    ],
}


@pytest.fixture
def policy(tmp_path):
    (tmp_path / "policy.json").write_text(json.dumps(POLICY))
    return str(tmp_path / "policy.json")


def explain(tmp_path, policy, capsys, **request):
    (tmp_path / "request").write_text(json.dumps(request))
    code = _authz_cli.main(["explain", "--policy", policy, str(tmp_path / "request")])
    return code, capsys.readouterr()


def test_the_program_is_the_same_each_time_and_runs_alone(tmp_path, policy):
    data = _authz_install.program()
    assert data == _authz_install.program()
    (tmp_path / "authz.pyz").write_bytes(data)
    line = [sys.executable, "-I", "-S", "-B", str(tmp_path / "authz.pyz")]
    said = subprocess.check_output(line + ["check", policy], cwd="/").decode()
    assert said.splitlines()[1] == "alice: some (report)"
    assert b"API 1.24 to 1." in subprocess.check_output(line + ["version"], cwd="/")


def test_the_program_holds_every_module_that_it_imports(tmp_path):
    package = _authz_cli.__name__.rpartition(".")[0]
    prefix = package + "."
    found = [node for node in ast.walk(ast.parse(inspect.getsource(_authz_cli))) if isinstance(node, ast.ImportFrom)]
    names = [prefix + one.name for node in found if node.module == package for one in node.names]
    needed = imported(tmp_path, _authz_cli.__name__, *names)
    assert {name.rpartition(".")[2] for name in needed if name.startswith(prefix)} == set(_authz_install.MODULES)


def imported(tmp_path, *names):
    """Return all that is imported with modules, by a Python of its own."""
    (tmp_path / "find.py").write_text("import sys, %s\nprint(*sys.modules)" % ", ".join(names))
    environment = {"PYTHONPATH": ":".join(sys.path)}
    line = [sys.executable, "-S", str(tmp_path / "find.py")]
    return set(subprocess.check_output(line, env=environment).decode().split())


def test_the_service_imports_nothing_that_is_large(tmp_path):
    assert not imported(tmp_path, _authz_cli.__name__) & {"argparse", "inspect", "tempfile", "traceback", "ssl"}


def test_the_service_is_started_as_its_unit_says(monkeypatch):
    service = _authz_install.units("/usr/bin/python3", "/var/lib/docker")["containment-authz.service"]
    line = next(line for line in service.splitlines() if line.startswith("ExecStart="))
    words = line.split()[line.split().index(_authz_install.PROGRAM) + 1 :]
    served = []
    monkeypatch.setattr(_authz_cli._authz_server, "listen", lambda path: path)
    monkeypatch.setattr(_authz_cli, "_serve", lambda *options: served.append(options) or 0)
    assert _authz_cli.main([*words[:1], "--socket=/s", *words[1:]]) == 0
    monkeypatch.delattr(_authz_cli, "_parser")
    assert _authz_cli.main(words) == 0
    assert served[1] == (_authz_install.POLICY, "/var/lib/docker", _authz_install.STATE)
    assert served[0] == (*served[1], "/s")


@pytest.mark.parametrize(
    "words", [["--policy", "a", "--root", "b"], ["--policy", "a", "--root", "b", "--state"], ["--pol", "a"], ["x"]]
)
def test_what_serve_is_not_given_is_told(words, capsys):
    with pytest.raises(SystemExit) as ended:
        _authz_cli.main(["serve", *words])
    assert ended.value.code == 2 and "usage: authz serve" in capsys.readouterr().err


def test_units_name_the_interpreter_and_the_graph_root():
    units = _authz_install.units("/usr/bin/python3", "/var/lib/docker/100000.100000")
    assert sorted(units) == ["containment-authz.service", "containment-authz.socket"]
    service = units["containment-authz.service"]
    assert "ExecStart=/usr/bin/python3 -I -S -B /usr/local/lib/containment/authz.pyz serve " in service
    assert "--root /var/lib/docker/100000.100000 " in service
    assert "{" not in service


def test_a_bad_policy_is_told(tmp_path, capsys):
    (tmp_path / "bad").write_text('{"format": 1, "colour": "red"}')
    assert _authz_cli.main(["check", str(tmp_path / "bad")]) == 2
    assert "policy: has the key 'colour'" in capsys.readouterr().err
    assert _authz_cli.main(["check", str(tmp_path / "none")]) == 2
    assert "No such file" in capsys.readouterr().err


def test_explain_says_by_which_rule(tmp_path, policy, capsys):
    code, said = explain(tmp_path, policy, capsys, principal="alice", method="POST", uri="/containers/web/start")
    plain = "Not looked at, and taken for plain: container web; give --root and --state."
    assert (code, said.out) == (0, f"allow: container.start, by some[0]\n{plain}\n")
    body = {"Image": "x", "HostConfig": {"Privileged": True}}
    code, said = explain(
        tmp_path, policy, capsys, principal="alice", method="POST", uri="/containers/create", body=body
    )
    assert code == 1
    assert said.out.startswith("report: container.create, by default\n  some[1]: HostConfig.Privileged is more")
    code, said = explain(tmp_path, policy, capsys, RequestMethod="POST", RequestUri="/containers/web/start")
    assert code == 1 and "has no certificate" in said.out


def test_explain_says_what_it_did_not_look_at(tmp_path, capsys):
    inside = {"actions": ["exec.create"], "containers": ["web"], "envelope": "unprivileged"}
    path = tmp_path / "inside.json"
    path.write_text(json.dumps(dict(POLICY, roles=[{"name": "some", "grants": [inside]}])))
    request = {"principal": "alice", "method": "POST", "uri": "/containers/web/exec", "body": {"Cmd": ["id"]}}
    code, said = explain(tmp_path, str(path), capsys, **request)
    assert code == 0 and "Not looked at, and taken for plain: container web;" in said.out
    folder = tmp_path / "root/containers" / ("a" * 64)
    folder.mkdir(parents=True)
    (folder / "config.v2.json").write_text('{"Name": "/web", "Config": {}}')
    (folder / "hostconfig.json").write_text('{"Privileged": true}')
    looked = ["explain", "--policy", str(path), "--root", str(tmp_path / "root"), str(tmp_path / "request")]
    assert _authz_cli.main([*looked, "--state", str(tmp_path)]) == 1
    said = capsys.readouterr()
    assert "HostConfig.Privileged is more than may be given" in said.out and "Not looked at" not in said.out
    assert _authz_cli.main(looked) == 2
    assert "--root and --state: go together; give both, or none." in capsys.readouterr().err


@pytest.mark.parametrize(
    "request_, told",
    [
        ({"principal": "bob", "method": "GET", "uri": "/_ping"}, "'bob' is none of the policy; use one of alice"),
        ({"principal": "alice", "path": "/_ping"}, "path: is no key of a request"),
    ],
)
def test_a_request_written_badly_is_told(tmp_path, policy, capsys, request_, told):
    code, said = explain(tmp_path, policy, capsys, **request_)
    assert code == 2 and told in said.err


def test_the_digest_of_a_profile_is_that_of_what_it_says(tmp_path, capsys):
    digests = []
    for text in ('{"a": 1, "b": [2]}', '{ "b":[2],\n"a":1}'):
        (tmp_path / "profile").write_text(text)
        assert _authz_cli.main(["digest", str(tmp_path / "profile")]) == 0
        digests.append(capsys.readouterr().out)
    assert digests[0] == digests[1] and digests[0].startswith("sha256:")
