# SPDX-License-Identifier: GPL-3.0-or-later
"""userns_proof on real engines: nothing of a proof remains, however it ends, and things of others stay."""

import json
import shutil
import signal as signals
import subprocess
import time
from pathlib import Path

import ansible
import pytest

from tests.hosts import NotPossible, module, start_host

CHECKOUT = Path(__file__).resolve().parents[2]
RANGE = [{"start": 100000, "count": 65536}]
RANGES = {"uid_ranges": RANGE, "gid_ranges": RANGE}
# Sends this process a signal when its request of that number is sent or answered, or then shuts others out of the
# mounted directory.
DRIVER = """
import glob, http.client, itertools, os, runpy, sys
signal, number, place, umask = sys.argv[1:]
os.umask(int(umask, 8))
del sys.argv[1:]  # where a module looks for its options first
count, real = itertools.count(1), http.client.HTTPConnection.getresponse
def getresponse(connection):
    hit = next(count) == int(number)
    if hit and place == "close":
        os.chmod(*glob.glob("/run/containment/proof-*"), 0o700)
    if hit and place == "sent":
        os.kill(os.getpid(), int(signal))
    response = real(connection)
    if hit and place == "answered":
        os.kill(os.getpid(), int(signal))
    return response
http.client.HTTPConnection.getresponse = getresponse
runpy.run_module("ansible_collections.containment.docker.plugins.modules.userns_proof", run_name="__main__")
"""
KILL, TERM, HUP = 9, 15, 1


def engine(host, remap):
    config = {"userns-remap": "dockremap"} if remap else {}
    host.run(["tee", "/etc/docker/daemon.json"], input=json.dumps(config))
    host.run(["systemctl", "reset-failed", "docker"])
    host.run(["systemctl", "restart", "docker"])
    host.wait_for_engine()


def everything(host):
    """What the engine has, and what of proofs there is below /run/containment."""
    shown = [
        host.run(["docker", "ps", "-a", "--no-trunc", "--format", "{{.ID}} {{.Names}} {{.State}}"]),
        host.run(["docker", "images", "--all", "--no-trunc", "--format", "{{.ID}} {{.Repository}}:{{.Tag}}"]),
        host.run(["find", "/run/containment", "-mindepth", "1", "!", "-name", "lock", "!", "-name", "proofs"]),
    ]
    return [sorted(one.stdout.splitlines()) for one in shown]


@pytest.fixture(scope="module")
def remapped(swept):
    """A host with a remapped engine that has things of others which look like those of a proof."""
    try:
        host = start_host("bookworm")
    except NotPossible as reason:
        pytest.skip(str(reason))
    with host:
        place = Path(host.root, "opt/driver")
        shutil.copytree(
            Path(ansible.__file__).parent / "module_utils",
            place / "ansible/module_utils",
            ignore=shutil.ignore_patterns("__pycache__"),
        )
        (place / "ansible/__init__.py").touch()
        collection = place / "ansible_collections/containment/docker/plugins"
        shutil.copytree(CHECKOUT / "plugins", collection, ignore=shutil.ignore_patterns("__pycache__"))
        host.run(["sh", "-c", "useradd -r dockremap; echo dockremap:100000:65536 | tee /etc/subuid >/etc/subgid"])
        host.run(["mkdir", "-p", "/etc/docker", "/run/containment/proofs"])
        engine(host, remap=True)
        for name in ("containment-proof:mine", "containment-proof:latest", "other:latest"):
            host.import_image(name)
        host.run(["docker", "tag", "containment-proof:mine", "containment-proof:also"])
        run = ["docker", "run", "--detach", "--label", "io.containment.proof", "--name"]
        host.run([*run, "containment-proof", "other", "sleep", "10000"])
        host.run([*run, "labelled", "containment-proof:mine", "sleep", "10000"])
        host.run(
            ["docker", "create", "--label", "io.containment.proof=", "--name", "made", "containment-proof:mine", "true"]
        )
        yield host


@pytest.fixture
def host(remapped):
    """The remapped host; what is there before a test is what is there after it."""
    before = everything(remapped)
    assert [len(one) for one in before] == [3, 4, 0]
    yield remapped
    assert everything(remapped) == before


def proof(host, **options):
    return module(host, "containment.docker.userns_proof", dict(RANGES, **options))


def start(host, signal=0, number=0, place="sent", umask="022", **options):
    """Start the module in the host with a signal in its way."""
    argv = ["env", "PYTHONPATH=/opt/driver", "python3", "-B", "-c", DRIVER, str(signal), str(number), place, umask]
    given = json.dumps({"ANSIBLE_MODULE_ARGS": dict(RANGES, **options)})
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    process = subprocess.Popen([*host.enter(), *argv], **pipes)
    process.stdin.write(given)
    process.stdin.close()
    process.stdin = None
    return process


def finish(process):
    out, err = process.communicate(timeout=120)
    return process.returncode, json.loads(out) if out else {}, err


def test_it_proves_and_leaves_what_others_have(host):
    result = proof(host)
    assert result["proven"] and not result["changed"], result
    assert len(result["proofs"]) == 8 and "Permission denied" in result["evidence"]


@pytest.mark.parametrize("suite", ["bookworm", "trixie", "forky"])
def test_every_engine(request, suite):
    host = request.getfixturevalue(suite)
    result = module(host, "containment.docker.userns_proof", {})
    assert result["proven"], result
    assert everything(host)[2] == []
    assert "containment-proof" not in json.dumps(everything(host))


def test_under_a_narrow_umask_a_refusal_is_one_of_the_file(host):
    host.run(["rm", "-r", "/run/containment"])
    code, result, err = finish(start(host, umask="077"))
    assert code == 0 and result["proven"], (result, err)
    modes = host.run(
        ["stat", "-c", "%a", "/run/containment", "/run/containment/proofs", "/run/containment/proofs/lock"]
    )
    assert modes.stdout.split() == ["755", "700", "600"]


def test_a_refusal_by_a_closed_directory_proves_nothing(host):
    code, result, _dummy = finish(start(host, number=2, place="close"))
    assert code == 1 and not result["proven"], result


def wait_for(look, seconds=20):
    end = time.monotonic() + seconds
    while not look():
        assert time.monotonic() < end
        time.sleep(0.02)
    return look()


def test_proofs_at_once_take_turns(host):
    for code, result, err in [finish(one) for one in [start(host) for dummy in range(3)]]:
        assert code == 0 and result["proven"], (result, err)


def test_the_wait_for_another_one_is_bounded(host):
    holder = subprocess.Popen([*host.enter(), "flock", "/run/containment/proofs/lock", "cat"], stdin=subprocess.PIPE)
    try:
        wait_for(lambda: host.run(["flock", "-n", "/run/containment/proofs/lock", "true"], check=False).returncode)
        result = proof(host, timeout=1)
    finally:
        holder.communicate()
    assert result["failed"] and "another one holds /run/containment/proofs/lock for 1 seconds" in result["msg"]


@pytest.fixture
def hangup():
    """SIGHUP ends what a test starts: in a run under nohup it would be ignored, and the proof leaves it so."""
    kept = signals.signal(signals.SIGHUP, signals.SIG_DFL)
    yield
    signals.signal(signals.SIGHUP, kept)


@pytest.mark.usefixtures("hangup")
@pytest.mark.parametrize("signal, place", [(TERM, "sent"), (HUP, "answered"), (KILL, "sent"), (KILL, "answered")])
def test_an_end_at_every_request_leaves_nothing(host, signal, place):
    before = everything(host)
    ended = 0
    for number in range(1, 40):
        code, result, err = finish(start(host, signal, number, place))
        if code == 0:
            break
        ended += 1
        if signal == KILL:
            assert code in (-9, 137), (code, result, err)
            again = proof(host)
            assert again["proven"], again
        else:
            assert code == 1 and f"proof: was ended by SIG{'TERM' if signal == TERM else 'HUP'}" in result["msg"], err
        assert everything(host) == before, number
    # info, import, create, start, logs, the process, both removals
    assert code == 0 and ended >= 8


def test_what_lies_in_another_graph_root_is_removed_when_an_engine_runs_there_again(host):
    # Answered: info, import, create, start.
    assert finish(start(host, KILL, 4, "answered"))[0] in (-9, 137)
    left = everything(host)
    assert [len(one) for one in left] == [4, 5, 4]
    engine(host, remap=False)
    result = module(host, "containment.docker.userns_proof", {})
    assert result["proven"], result
    engine(host, remap=True)
    assert len(everything(host)[0]) == 4
    for name in ("containment-proof", "labelled"):
        host.run(["docker", "start", name])
    assert proof(host)["proven"]


@pytest.mark.parametrize("make", ["ln -s /tmp /run/containment", "mkdir /run/containment; chown 1000 /run/containment"])
def test_a_directory_of_others_is_refused(host, make):
    host.run(["mv", "/run/containment", "/run/kept"])
    try:
        host.run(["sh", "-c", make])
        result = proof(host)
    finally:
        host.run(["rm", "-r", "/run/containment"])
        host.run(["mv", "/run/kept", "/run/containment"])
    assert result["failed"] and result["msg"].startswith("/run/containment: "), result


@pytest.mark.parametrize(
    "options, told",
    [
        ({"timeout": 0}, "timeout: 0 "),
        ({"uid_ranges": [{"start": -5, "count": 1}]}, "uid_ranges: start -5 "),
        ({"gid_ranges": [{"start": 5, "count": -1}]}, "gid_ranges: count -1 "),
        ({"socket": "tcp://1.2.3.4"}, "socket 'tcp://1.2.3.4'"),
    ],
)
@pytest.mark.parametrize("check", [True, False])
def test_bad_options_are_refused_in_check_mode_too(host, options, told, check):
    result = module(host, "containment.docker.userns_proof", dict(RANGES, **options), check=check)
    assert result["failed"] and result["msg"].startswith(told), result
    assert {"changed", "proven", "proofs", "evidence"} <= set(result)
