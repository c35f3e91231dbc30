# SPDX-License-Identifier: GPL-3.0-or-later
"""kernel_sysctl: in mounts and a network namespace of its own with real kills and errors, and on throwaway hosts with
their systemd-sysctl and sysctl.

Only parameters of a network or user namespace of its own are written: all others are the machine's.
"""

import collections
import contextlib
import json
import os
import random
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.hosts import module
from tests.hosts.private import Private, inject, some

REPOSITORY = Path(__file__).parents[2]
MODULE = REPOSITORY / "plugins/modules/kernel_sysctl.py"
FILE = "/etc/sysctl.d/zz-containment.conf"
HEADER = "# Kernel parameters set by the Ansible collection containment.docker; above each, its value before.\n"
TTL, RMEM, PORTS = "net.ipv4.ip_default_ttl", "net.ipv4.tcp_rmem", "net.ipv4.ip_local_reserved_ports"
FIN, RETRIES = "net.ipv4.tcp_fin_timeout", "net.ipv4.tcp_syn_retries"
BEFORE = {TTL: "64", RMEM: "4096 131072 6291456", PORTS: "", FIN: "60", RETRIES: "6"}
MOUNTS = """
: > "$1"/net
unshare --net="$1"/net true
mount -t tmpfs -o size=256k,mode=755 sysctl /etc/sysctl.d
mount -t tmpfs -o size=256k,mode=755 sysctl /usr/lib/sysctl.d
mkdir -p /var/lib/containment
mount -t tmpfs -o size=1m,mode=755 containment /var/lib/containment
"""

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="not possible here: namespaces and hosts need root")


# --- namespaces of its own ---


class Place(Private):
    """Mounts and a network of its own. `file` is the path to our file from here."""

    def __init__(self, folder):
        super().__init__(folder, MOUNTS)
        self.etc = self.root / "etc/sysctl.d"
        self.file = self.root / FILE.lstrip("/")

    def run(self, words, check=True, **options):
        return super().run(["nsenter", f"--net={self.folder}/net", "--", *words], check, **options)

    def module(self, prefix=(), **params):
        return self.run_module("kernel_sysctl", params, prefix)

    def steps(self, **params):
        return self.trace_module("kernel_sysctl", params)

    def sysctl(self, *names):
        """{name: value} of the running kernel, blanks as one."""
        names = names or list(BEFORE)
        paths = ["/proc/sys/" + name.replace(".", "/") for name in names]
        texts = self.run(["sh", "-ec", 'for path; do cat "$path"; echo :; done', "sh", *paths]).stdout.decode()
        return {name: " ".join(text.split()) for name, text in zip(names, texts.split(":\n"), strict=False)}

    def reset(self, text=None):
        for path in [*self.etc.iterdir(), *(self.root / "var/lib/containment").iterdir()]:
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
        script = "".join(f"echo {value} > /proc/sys/{name.replace('.', '/')}\n" for name, value in BEFORE.items())
        self.run(["sh", "-ec", script])
        if text is not None:
            self.file.write_text(text)
            self.file.chmod(0o640)
            os.chown(self.file, 0, 42)

    def state(self):
        """The file's bytes, None for no file, and the running values."""
        return self.file.read_text() if self.file.exists() else None, self.sysctl()

    def refusal(self, **params):
        """The message of a refusal, which has to be the same in check mode, and touch nothing."""
        before = self.state()
        checked, ran = self.module(_ansible_check_mode=True, **params), self.module(**params)
        assert checked["rc"] != 0 and ran["rc"] != 0, (checked, ran)
        assert checked["msg"] == ran["msg"] and "Traceback" not in ran["stderr"]
        assert self.state() == before and self.strays() == [] and self.transactions() == []
        return ran["msg"]

    def strays(self):
        return [path.name for path in self.etc.iterdir() if path.name.startswith(".")]

    def transactions(self):
        folder = self.root / "var/lib/containment/transactions"
        return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


@pytest.fixture(scope="module")
def lasting(tmp_path_factory):
    place = Place(tmp_path_factory.mktemp("kernel_sysctl"))
    yield place
    place.close()


@pytest.fixture
def place(lasting):
    lasting.reset()
    yield lasting


def text_of(**values):
    """The text of our file with {name: value} in that order, what was before above each."""
    lines = [f"# {name} was {BEFORE[name]} before\n{name} = {value}\n" for name, value in values.items()]
    return HEADER + "".join(lines)


def told(result):
    return {key: value for key, value in result.items() if key not in ("invocation", "stderr", "transaction")}


def warnings_of(result):
    """The warnings as one text: ansible-core from 2.19 on wraps them, each time in another way."""
    return " ".join(map(str, result.get("warnings", [])))


def test_check_run_check_again_run_again(place):
    values = {TTL: 65, "net/ipv4/tcp_fin_timeout": "0x1e"}
    checked = place.module(values=values, _ansible_check_mode=True, _ansible_diff=True)
    assert place.state() == (None, BEFORE) and place.transactions() == []
    ran = place.module(values=values, _ansible_diff=True)
    stamp = place.file.stat()
    checked_again = place.module(values=values, _ansible_check_mode=True, _ansible_diff=True)
    ran_again = place.module(values=values, _ansible_diff=True)

    assert told(checked) == told(ran) and (ran["rc"], ran["changed"]) == (0, True)
    assert place.state() == (text_of(**{TTL: "65", FIN: "0x1e"}), dict(BEFORE, **{TTL: "65", FIN: "30"}))
    assert place.file.stat().st_mode & 0o7777 == 0o644
    assert ran["values"] == {
        TTL: {"running_before": "64", "running_after": "65", "file_before": None, "file_after": "65"},
        FIN: {"running_before": "60", "running_after": "30", "file_before": None, "file_after": "0x1e"},
    }
    assert [(one["before"], one["after"]) for one in ran["diff"]] == [
        ("", text_of(**{TTL: "65", FIN: "0x1e"})),
        (f"{TTL} = 64\n{FIN} = 60\n", f"{TTL} = 65\n{FIN} = 30\n"),
    ]
    assert place.transactions() == [ran["transaction"]] and checked["transaction"] is None
    assert told(checked_again) == told(ran_again)
    for again in (checked_again, ran_again):
        assert (again["rc"], again["changed"], again["transaction"]) == (0, False, None)
        assert set(again) == set(ran)
        assert all(one["running_before"] == one["running_after"] for one in again["values"].values())
        assert all(one["before"] == one["after"] for one in again["diff"])
    assert (place.file.stat().st_ino, place.file.stat().st_mtime_ns) == (stamp.st_ino, stamp.st_mtime_ns)


def test_several_words(place):
    assert place.module(values={RMEM: "4096\t131072  8388608"})["changed"]
    assert place.sysctl(RMEM) == {RMEM: "4096 131072 8388608"}
    assert not place.module(values={RMEM: "4096 0x20000 8388608"})["changed"]
    assert place.module(absent=[RMEM])["changed"] and place.state() == (None, BEFORE)


def test_absent_brings_back_what_was_and_others_lines_stay(place):
    assert place.module(values={TTL: 65, FIN: 30, PORTS: "8080"})["changed"]
    place.file.write_text("# mine\n" + place.file.read_text() + "net.core.somaxconn = 100\n")
    checked = place.module(values={FIN: 31}, absent=[TTL, PORTS, RETRIES], _ansible_check_mode=True, _ansible_diff=True)
    ran = place.module(values={FIN: 31}, absent=[TTL, PORTS, RETRIES], _ansible_diff=True)
    assert told(checked) == told(ran) and ran["changed"]
    text = f"# mine\n{HEADER}# {FIN} was 60 before\n{FIN} = 31\nnet.core.somaxconn = 100\n"
    assert place.state() == (text, dict(BEFORE, **{FIN: "31"}))
    assert ran["values"][PORTS] == {
        "running_before": "8080",
        "running_after": "",
        "file_before": "8080",
        "file_after": None,
    }
    again = place.module(absent=[TTL, PORTS, RETRIES])
    assert (again["changed"], again["rc"]) == (False, 0)
    assert place.module(absent=[FIN])["changed"]
    assert place.state() == ("# mine\nnet.core.somaxconn = 100\n", BEFORE)


def test_the_file_is_gone_with_the_last_parameter(place):
    place.module(values={TTL: 65, FIN: 30})
    assert place.module(absent=[TTL])["changed"] and place.file.exists()
    ran = place.module(absent=[FIN])
    assert ran["changed"] and place.state() == (None, BEFORE) and ran["transaction"] in place.transactions()


def test_a_running_value_that_drifted_is_set_again_without_a_transaction(place):
    place.module(values={TTL: 65})
    place.run(["sh", "-c", "echo 70 > /proc/sys/net/ipv4/ip_default_ttl"])
    ran = place.module(values={TTL: 65})
    assert (ran["changed"], ran["transaction"]) == (True, None) and place.sysctl(TTL) == {TTL: "65"}


def test_a_value_that_runs_already_is_written_down(place):
    ran = place.module(values={TTL: 64})
    assert ran["changed"] and place.state() == (text_of(**{TTL: "64"}), BEFORE)


def test_without_a_record(place):
    ran = place.module(values={TTL: 65}, record=False)
    assert (ran["changed"], ran["transaction"]) == (True, None) and place.transactions() == []
    assert place.sysctl(TTL) == {TTL: "65"}


def test_the_running_kernel_alone(place):
    place.module(values={TTL: 65})
    before = place.file.read_bytes(), place.transactions()
    given = {TTL: "64", PORTS: "", "net.ipv4.gone": "1"}
    checked = place.module(running=given, record=False, _ansible_check_mode=True, _ansible_diff=True)
    ran = place.module(running=given, record=False, _ansible_diff=True)
    assert told(checked) == told(ran) and ran["changed"] and place.sysctl() == BEFORE
    assert (place.file.read_bytes(), place.transactions()) == before
    words = "net.ipv4.gone: the running kernel has no such parameter any more; there is nothing to put back."
    assert words in warnings_of(ran)
    assert not place.module(running=given)["changed"]


def test_a_parameter_of_a_user_namespace(place):
    name = "user.max_user_namespaces"
    own = ["unshare", "--user", "--map-root-user"]
    machine = Path("/proc/sys/user/max_user_namespaces").read_text()
    ran = place.module(own, values={name: 28633})
    assert ran["changed"] and ran["values"][name]["running_after"] == "28633", ran
    # Another namespace of its own is as after a boot at which nothing was set.
    again = place.module(own, values={name: 28633})
    assert again["changed"] and again["transaction"] is None
    assert again["values"][name]["file_before"] == again["values"][name]["running_after"] == "28633"
    assert Path("/proc/sys/user/max_user_namespaces").read_text() == machine


def test_the_way_back_by_the_transaction_module(place):
    """The file is put back by the transaction module, the running values by what the core makes of both files."""
    place.module(values={TTL: 65}, transaction="t-1")
    ran = place.module(values={TTL: 66, FIN: 30}, transaction="t-2")
    assert ran["transaction"] == "t-2"
    place.file.write_text("# mine\n" + place.file.read_text())
    sys.path.insert(0, str(REPOSITORY / ".cache/collections"))
    from ansible_collections.containment.docker.plugins.module_utils import _kernel_sysctl

    for name, text, running in (
        ("t-2", "# mine\n" + text_of(**{TTL: "65"}), dict(BEFORE, **{TTL: "65"})),
        ("t-1", "# mine\n", BEFORE),
    ):
        before = place.file.read_bytes()
        undo = place.run_module("transaction", {"name": name})
        assert undo["files"] == [FILE] and undo["restored"] == [name], undo
        after = place.file.read_bytes()
        request = _kernel_sysctl.inverse(before, after)
        assert undo.get("kernel_sysctl", request) == request
        assert place.module(running=request, record=False)["changed"]
        assert place.run_module("transaction", {"state": "closed"})["changed"]
        now, values = place.state()
        # The undo goes by lines: which of a pair comes first does not matter to what they say.
        assert (sorted(now.splitlines()), values) == (sorted(text.splitlines()), running)
    assert now == "# mine\n"


@pytest.mark.parametrize(
    "params, words",
    [
        ({}, "one of the following is required: values, absent, running"),
        ({"running": {TTL: 1}, "values": {TTL: 1}}, "mutually exclusive"),
        ({"values": {"net.ipv4.no_such": 1}}, "has no parameter /proc/sys/net/ipv4/no_such; correct the name, or load"),
        ({"values": {TTL: 65, "net.ipv4.no_such": 1}}, "net.ipv4.no_such: the running kernel has no parameter"),
        ({"values": {"net.ipv4": 1}}, "net.ipv4: is a group of kernel parameters; name one of them."),
        ({"values": {"net.ipv4.route.flush": 1}}, "net.ipv4.route.flush: its value cannot be read"),
        ({"values": {"net.ipv4.tcp_available_congestion_control": "x"}}, "is not writable for uid 0"),
        ({"values": {"net/../../../etc/passwd": "x"}}, "'net/../../../etc/passwd' is no name of a kernel parameter"),
        ({"values": {TTL: True}}, f"{TTL}: True is neither text nor a whole number; write it in quotes."),
        ({"values": {TTL: "1\nkernel.x = 2"}}, "holds a control character"),
        ({"values": {TTL: ""}}, "has an empty value"),
        ({"values": {TTL: 65, "net/ipv4/ip_default_ttl": 66}}, f"{TTL} is named twice"),
        ({"values": {TTL: 65}, "absent": [TTL]}, f"{TTL} is named twice"),
        ({"values": {TTL: 65}, "transaction": "../x"}, "cannot name a directory"),
    ],
)
def test_refusals(place, params, words):
    assert words in place.refusal(**params)


def test_a_mount_in_the_place_of_a_parameter_is_refused(place):
    place.run(["mount", "--bind", "/etc/hostname", "/proc/sys/net/ipv4/tcp_sack"])
    try:
        assert "is no kernel parameter: something is mounted there" in place.refusal(values={"net.ipv4.tcp_sack": 0})
    finally:
        place.run(["umount", "/proc/sys/net/ipv4/tcp_sack"])


def test_a_read_only_proc_is_told(place):
    place.run(["mount", "--bind", "/proc/sys/net", "/proc/sys/net"])
    place.run(["mount", "-o", "remount,bind,ro", "/proc/sys/net"])
    try:
        assert place.refusal(values={TTL: 65}) == (
            f"{TTL}: /proc/sys/net/ipv4/ip_default_ttl lies on a file system mounted read-only; run on the host "
            "itself, not in a container."
        )
        assert place.module(values={TTL: 64})["changed"], "what runs already can be written down"
    finally:
        place.run(["umount", "/proc/sys/net"])


def test_a_link_in_the_place_of_the_file_is_refused(place):
    (place.etc / "real").write_text("")
    place.file.symlink_to("real")
    assert place.refusal(values={TTL: 65}).startswith(f"{FILE}: leads to /etc/sysctl.d/real by a symbolic link")
    place.file.unlink()
    place.file.symlink_to("/dev/null")
    assert "is not a regular file" in place.refusal(values={TTL: 65})


def test_a_folder_that_others_can_write_to_is_refused(place):
    place.etc.chmod(0o777)
    try:
        assert "others can change its content" in place.refusal(values={TTL: 65})
    finally:
        place.etc.chmod(0o755)


def test_a_read_only_folder_is_told(place):
    place.run(["mount", "-o", "remount,ro", "/etc/sysctl.d"])
    try:
        assert "lies on a file system mounted read-only" in place.refusal(values={TTL: 65})
    finally:
        place.run(["mount", "-o", "remount,rw", "/etc/sysctl.d"])


@pytest.mark.parametrize("text", [None, text_of(**{FIN: "60"}), "# mine"])
def test_what_the_kernel_refuses_changes_nothing(place, text):
    place.reset(text)
    before = place.state()
    checked = place.module(values={TTL: 65, RETRIES: 1000}, absent=[FIN], _ansible_check_mode=True)
    assert checked["rc"] == 0 and checked["changed"]
    ran = place.module(values={TTL: 65, RETRIES: 1000}, absent=[FIN])
    assert ran["msg"] == (
        f"{RETRIES}: the kernel refuses '1000' (Invalid argument), and file and running values are as they were; "
        "give a value that it takes."
    )
    assert place.state() == before and place.strays() == []
    if text is not None:
        assert (place.file.stat().st_mode & 0o7777, place.file.stat().st_gid) == (0o640, 42)
    assert place.module(values={TTL: 65, RETRIES: 5})["rc"] == 0


def test_what_the_kernel_makes_another_value_of_is_told(place):
    ran = place.module(values={TTL: 65, PORTS: "5,4"})
    assert ran["msg"] == (
        f"{PORTS}: the kernel made '4-5' of '5,4', and file and running values are as they were; give '4-5'."
    )
    assert place.state() == (None, BEFORE)
    assert place.module(values={TTL: 65, PORTS: "4-5"})["changed"]
    assert not place.module(values={TTL: 65, PORTS: "4-5"})["changed"]


def test_parameters_that_pull_at_each_other_are_told(place):
    ran = place.module(values={"net.ipv4.ip_forward": 0, "net.ipv4.conf.all.forwarding": 1})
    assert ran["rc"] == 1 and "file and running values are as they were" in ran["msg"], ran
    assert not place.file.exists()


@pytest.mark.parametrize("folder", ["etc/sysctl.d", "var/lib/containment"])
def test_a_full_disk_leaves_everything(place, folder):
    with contextlib.suppress(OSError), open(place.root / folder / "filler", "wb", buffering=0) as filler:
        while True:
            filler.write(bytes(4096))
    ran = place.module(values={TTL: 65})
    assert ran["rc"] == 1 and "No space left on device" in ran["msg"] and "make room on its file system" in ran["msg"]
    assert place.state() == (None, BEFORE) and place.strays() == []


# What there is before, what is asked for, and what there is then: a value that is new, one that changes and one that is
# gone; the last that is gone, and the file with it.
CHANGES = {
    "mixed": (
        text_of(**{FIN: "30", RETRIES: "5"}),
        {FIN: "30", RETRIES: "5"},
        {"values": {TTL: 65, RETRIES: 4}, "absent": [FIN]},
        text_of(**{RETRIES: "4", TTL: "65"}),
        {TTL: "65", RETRIES: "4"},
    ),
    "last": (text_of(**{FIN: "30"}), {FIN: "30"}, {"absent": [FIN]}, None, {}),
}


def change(place, name):
    """(a function that makes the state before, (file, running) before, the parameters, (file, running) after)."""
    text, runs, params, new, then = CHANGES[name]
    before, after = (text, dict(BEFORE, **runs)), (new, dict(BEFORE, **then))

    def prepare():
        place.reset(text)
        script = "".join(f"echo {value} > /proc/sys/{name.replace('.', '/')}\n" for name, value in runs.items())
        place.run(["sh", "-ec", script])
        assert place.state() == before

    return prepare, before, params, after


# Of the second, the half that comes after the kept versions, which are written as in the first.
@pytest.mark.parametrize("name, part", [("mixed", 1), ("last", 2)])
def test_killed_at_every_step_nothing_is_lost_and_the_next_run_completes(place, name, part):
    prepare, before, params, after = change(place, name)
    prepare()
    steps = place.steps(**params)
    assert place.state() == after
    kinds = collections.Counter(call for call, _number in steps)
    # The kept versions, the manifest, the file and the running value: if fewer are seen, the trace is not what it says.
    assert kinds["write"] >= 3 and kinds["renameat"] >= 2 and kinds["fsync"] >= 4, kinds
    seen = set()
    for call, number in some(steps[-len(steps) // part :]):
        prepare()
        killed = place.module(inject(call, number, "signal=KILL"), **params)
        assert killed["rc"] in (-9, 137), (call, number, killed)
        text, running = place.state()
        seen.add(text)
        assert text in (before[0], after[0]), (call, number, text)
        assert text == before[0] or place.transactions(), "the previous version is kept before the file changes"
        # A value that was before ours is in the file as long as it is not in the kernel.
        for one in params.get("absent", []):
            assert running[one] == BEFORE[one] or f"# {one} was" in text, (call, number)
        for one in params.get("values", {}):
            assert running[one] == before[1][one] or f"# {one} was {BEFORE[one]} before" in text, (call, number)
        again = place.module(**params)
        assert again["rc"] == 0 and again["changed"] == ((text, running) != after), (call, number, again)
        assert place.state() == after and place.strays() == [], (call, number)
    assert seen == {before[0], after[0]}


def test_a_failing_call_at_every_step_leaves_everything_as_it_was(place):
    prepare, before, params, after = change(place, "mixed")
    prepare()
    failed = 0
    for call, number in some(place.steps(**params)):
        if call not in ("write", "renameat", "fsync", "fchmod", "fchown"):
            continue
        prepare()
        ran = place.module(inject(call, number, "error=EIO"), **params)
        assert ran["rc"] == 1 and "Traceback" not in ran["stderr"], (call, number, ran)
        assert "Input/output error" in ran["msg"], (call, number, ran)
        assert place.state() == before and place.strays() == [], (call, number, ran)
        assert place.module(**params)["rc"] == 0 and place.state() == after
        failed += 1
    assert failed >= 4


def test_two_at_once(place):
    names = [TTL, FIN, RETRIES]
    environment = dict(os.environ, PYTHONPATH=str(REPOSITORY / ".cache/collections"), PYTHONDONTWRITEBYTECODE="1")
    running = []
    for number, name in enumerate(names):
        words = ["nsenter", "--target", str(place.pid), "--mount", "--pid", "--"]
        words += ["nsenter", f"--net={place.folder}/net", "--", sys.executable, str(MODULE)]
        process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)
        params = {"values": {name: 9}, "transaction": f"t{number}"}
        process.stdin.write(json.dumps({"ANSIBLE_MODULE_ARGS": params}).encode())
        process.stdin.close()
        running.append(process)
    results = [json.loads(process.stdout.read().splitlines()[-1]) for process in running]
    for process in running:
        process.wait()
    written = {name for name, result in zip(names, results, strict=True) if not result.get("failed")}
    assert written, results
    text, values = place.state()
    for name, result in zip(names, results, strict=True):
        assert (f"\n{name} = 9\n" in text) == (values[name] == "9") == (name in written), (name, result)
        assert name in written or "was changed by another program meanwhile" in result["msg"]
    assert place.strays() == []


# --- throwaway hosts: systemd-sysctl and procps have the last word ---

OURS = "40"
NUMBERS = ["ip_default_ttl", "tcp_fin_timeout", "tcp_keepalive_intvl", "tcp_keepalive_probes", "tcp_reordering"]
PARAMETERS = ["net.ipv4." + name for name in NUMBERS]
GLOBS = ["net.ipv4.ip_default_*", "net/ipv4/tcp_*_timeout", "net.ipv4.tcp_keepalive_[ip]*", "net.*.tcp_reorder*"]
DIRECTORIES = ["/etc/sysctl.d", "/run/sysctl.d", "/usr/local/lib/sysctl.d", "/usr/lib/sysctl.d"]
NAMES = ["10-a.conf", "99-b.conf", "zz-containment.conf", "zz.conf", "zzz.conf", "zzzz.conf"]
LEAVE = "rm -rf /etc/sysctl.d/*.conf /run/sysctl.d /usr/local/lib/sysctl.d /usr/lib/sysctl.d/z*.conf /etc/sysctl.conf"
SYSTEMD = "/usr/lib/systemd/systemd-sysctl"


@pytest.fixture(params=["bookworm", "trixie", "forky"])
def host(request):
    found = request.getfixturevalue(request.param)
    keep = "/etc/sysctl.d /usr/lib/sysctl.d $(ls -d /etc/sysctl.conf 2>/dev/null)"
    shell(found, f"tar -cf /root/sysctl.tar {keep}")
    shell(found, "rm -f /usr/lib/sysctl.d/*.conf; " + LEAVE)
    values = shell(found, "cd /proc/sys/net/ipv4; head -c 99 " + " ".join(NUMBERS)).stdout
    yield found
    shell(found, f"{LEAVE}; cd /; tar -xf /root/sysctl.tar; rm /root/sysctl.tar")
    assert len(values.split("==>")) == len(NUMBERS) + 1
    for name, value in re.findall(r"==> (\S+) <==\n(\d+)", values):
        shell(found, f"echo {value} > /proc/sys/net/ipv4/{name}")


def shell(host, script, check=True):
    return host.run(["sh", "-ec", script], check=check)


def kernel_sysctl(host, check=False, **params):
    """Run it without a record: others share the host and its transactions."""
    return module(host, "containment.docker.kernel_sysctl", dict(params, record=False), check=check, diff=True)


def left_by(host, command):
    """{name: value} after `command` on values that nobody sets. What the tools say of parameters that are the machine's
    does not matter: they are read-only here."""
    reset = "".join(f"echo 39 > /proc/sys/net/ipv4/{name}; " for name in NUMBERS)
    shell(host, f"{reset} {command} >/dev/null 2>&1 || true")
    lines = shell(host, "cd /proc/sys/net/ipv4; cat " + " ".join(NUMBERS)).stdout.split()
    return dict(zip(PARAMETERS, lines, strict=True))


def write(host, files):
    for path, lines in files.items():
        place = Path(host.root, path.lstrip("/"))
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text("\n".join(lines))


def some_files(dice):
    """{path: [line]} of any files: assignments, in all forms, globs and names taken out. What is set to our value is
    read before ours, so that the last that wins has the last word."""
    files = {}
    for _number in range(dice.randrange(1, 7)):
        name = dice.choice(NAMES)
        lines = files.setdefault(f"{dice.choice(DIRECTORIES)}/{name}", [])
        early = name in ("10-a.conf", "99-b.conf")
        for parameter in dice.sample(PARAMETERS, dice.randrange(1, 4)):
            value = OURS if early and dice.random() < 0.2 else str(dice.randrange(11, 30))
            forms = [f"{parameter} = {value}", f"-{parameter}={value}", f"{parameter.replace('.', '/')}={value}"]
            forms += [f"-{parameter}", f"{dice.choice(GLOBS)} = {value}", f"# {parameter} = {value}", f"; {parameter}"]
            lines.append(dice.choice(forms))
    if dice.random() < 0.4:
        files["/etc/sysctl.conf"] = [f"{dice.choice(PARAMETERS)} = {dice.randrange(11, 30)}"]
    return files


@pytest.mark.parametrize("seed", range(3))
def test_who_wins_is_what_the_real_tools_make_of_it(host, seed):
    dice, won = random.Random(seed), 0  # noqa: S311  nothing is kept secret
    for _round in range(4):
        shell(host, LEAVE)
        files = some_files(dice)
        # A file of our name in /etc is ours, and held here by what we write.
        files.pop(FILE, None)
        write(host, files)
        ran = kernel_sysctl(host, values=dict.fromkeys(PARAMETERS, OURS))
        assert not ran.get("failed"), ran
        found = {"systemd": left_by(host, SYSTEMD), "procps": left_by(host, "sysctl --system")}
        for name in PARAMETERS:
            winners = [one for one in ran["conflicts"] if one["wins"] and one["name"] == name]
            by_systemd = [one["value"] for one in winners if one["path"] != "/etc/sysctl.conf"]
            by_procps = [one["value"] for one in winners if one["value"] is not None]
            # A name that is taken out keeps what it has.
            expected = (by_systemd or [OURS])[-1] or "39"
            assert found["systemd"][name] == expected, (name, files, ran["conflicts"])
            assert found["procps"][name] == (by_procps or [OURS])[-1], (name, files, ran["conflicts"])
            won += bool(winners)
    assert won, "no file won in any round: nothing was compared"


def test_without_conflicts_our_values_are_in_force_after_hardening_baselines(host):
    name = PARAMETERS[0]
    write(host, {"/etc/sysctl.d/99-user_baseline.conf": ["# baseline", "", f"{name} = 12"]})
    ran = kernel_sysctl(host, values={name: OURS})
    assert ran["conflicts"] == [
        {"path": "/etc/sysctl.d/99-user_baseline.conf", "line": 3, "name": name, "value": "12", "wins": False}
    ]
    assert warnings_of(ran) == ""
    assert left_by(host, SYSTEMD)[name] == left_by(host, "sysctl --system")[name] == OURS


def test_sysctl_conf_by_its_link(host):
    name = PARAMETERS[0]
    write(host, {"/etc/sysctl.conf": [f"{name} = 12"]})
    for link, systemd in (("99-sysctl.conf", OURS), ("zzz-sysctl.conf", "12")):
        shell(host, f"ln -s ../sysctl.conf /etc/sysctl.d/{link}")
        ran = kernel_sysctl(host, values={name: OURS})
        assert [(one["path"], one["wins"]) for one in ran["conflicts"]] == [("/etc/sysctl.conf", True)]
        words = f"/etc/sysctl.conf, line 1: decides about {name} after {FILE}; take the line out, or its value is in"
        assert words in warnings_of(ran)
        assert left_by(host, SYSTEMD)[name] == systemd and left_by(host, "sysctl --system")[name] == "12"


def test_our_file_holds_across_a_boot(host):
    """What systemd does at boot is started again: a throwaway host gets a new network with its next boot."""
    name = PARAMETERS[0]
    assert kernel_sysctl(host, values={name: OURS})["changed"]
    shell(host, f"echo 39 > /proc/sys/net/ipv4/{NUMBERS[0]}; systemctl restart systemd-sysctl || true")
    assert shell(host, f"cat /proc/sys/net/ipv4/{NUMBERS[0]}").stdout == OURS + "\n"
    assert not kernel_sysctl(host, check=True, values={name: OURS})["changed"]
    back = kernel_sysctl(host, absent=[name])
    assert back["changed"] and shell(host, f"ls {FILE} 2>&1 || true").stdout.startswith("ls: ")


def test_what_is_the_machines_is_refused_in_a_container(host):
    value = Path("/proc/sys/kernel/pid_max").read_text()
    ran = kernel_sysctl(host, values={"kernel.pid_max": 4194303})
    assert ran["failed"] and "lies on a file system mounted read-only; run on the host itself" in ran["msg"]
    assert Path("/proc/sys/kernel/pid_max").read_text() == value
