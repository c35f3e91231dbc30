# SPDX-License-Identifier: GPL-3.0-or-later
"""kernel_args on a corpus of boot configurations (boot/cases): before and after, killed in the middle, tools that fail.

grub-mkconfig and kernel-install are Debian's real ones; for Ubuntu, Debian's with the options that Ubuntu builds it
with, but for what Ubuntu alone has. That, grubby, rpm-ostree and grub-probe are stand-ins (boot/standins). Nothing here
boots: tests on virtual machines do.
"""

import json
import os
import stat
import struct
from pathlib import Path

import pytest

from tests.hosts import NotPossible
from tests.integration.boot.place import LEDGER, WATCHED, Place

CASES = Path(__file__).parent / "boot" / "cases"
RUNNING = "running-kernel"
NAMES = sorted(path.name for path in CASES.iterdir())
KEYS = {"changed", "boot_loader", "kernels", "files", "reboot_required", "running", "transaction", "diff"}
# Killed at each of their steps; the others at the last replacements and behind them.
EVERY_STEP = (
    "el7-bios-add",
    "el7-one-of-several-values",
    "el9-add",
    "el9-no-cmdline-file",
    "ubuntu2204-cloud-partuuid",
    "systemd-boot-trixie-add",
    "systemd-boot-without-cmdline",
    "bootc-build-ours-goes",
)
TRANSACTION = "20261122T101500Z-test"

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="not possible here: mounts need root")


class Case:
    """A folder of the corpus. request: request.json. before, after: {path: bytes}, files that are told of."""

    def __init__(self, name):
        self.name, self.folder = name, CASES / name
        self.request = json.loads((self.folder / "request.json").read_text())
        self.run = self.request["run"]
        self.before, self.after = self.files("before"), self.files("after")
        self.refused = self.request.get("refused")

    def files(self, part):
        folder = self.folder / part
        return {
            self.here(str(path.relative_to(folder))): self.here(path.read_text()).encode()
            for path in self.paths(folder)
        }

    @staticmethod
    def paths(folder):
        return [path for path in folder.rglob("*") if path.is_file()]

    @staticmethod
    def here(text):
        return text.replace(RUNNING, os.uname().release)

    def place(self, scratch):
        before = scratch / "before"
        for path, data in self.before.items():
            (before / path).parent.mkdir(parents=True, exist_ok=True)
            (before / path).write_bytes(data)
            if path.startswith("etc/grub.d/"):
                (before / path).chmod(0o755)
        try:
            return Place(
                scratch,
                self.request["suite"],
                before,
                self.request.get("standins", ()),
                self.request.get("running", ""),
                self.request.get("quiet", True),
                self.request.get("ubuntu", False),
            )
        except NotPossible as reason:
            pytest.skip(str(reason))

    def wanted(self, fresh):
        """What is watched, once the request is carried out on `fresh`."""
        wanted = {path: data for path, data in fresh.items() if not path.startswith(LEDGER)}
        wanted.update(self.after)
        for path in self.request["gone"]:
            del wanted[path]
        return wanted


@pytest.fixture
def case(request, tmp_path):
    one = Case(request.param)
    one.at = one.place(tmp_path)
    yield one
    one.at.close()


def changed_paths(before, after):
    return sorted("/" + path for path in {**before, **after} if before.get(path) != after.get(path))


def undo(place, ledger_before=None):
    """Take what the ledger tells of back, as the transaction module has it done; return the result."""
    from ansible_collections.containment.docker.plugins.module_utils import _kernel_ledger

    path = place.path(LEDGER, "kernel_args.json")
    now = path.read_bytes() if path.exists() else None
    if ledger_before is None and path.exists():
        path.unlink()
    elif ledger_before is not None:
        path.write_bytes(ledger_before)
    request = _kernel_ledger.inverse(now, ledger_before)
    if not request["present"] and not request["absent"]:
        return None
    result = place.args(record=False, **request)
    assert result["rc"] == 0, result
    assert result["transaction"] is None and (path.read_bytes() if path.exists() else None) == ledger_before
    return result


def said(kernels, key, names):
    """{entry: {name: values}} of the names, on the kernels before or after a run."""
    from ansible_collections.containment.docker.plugins.module_utils import _kernel_cmdline

    return {one["entry"]: {name: _kernel_cmdline.values(one[key], name) for name in names} for one in kernels}


def asked(run):
    from ansible_collections.containment.docker.plugins.module_utils import _kernel_request

    return list(_kernel_request.wants(run.get("present", []), run.get("absent", [])))


def same(one, other):
    drop = {"transaction", "trace", "stderr"}
    return {key: one[key] for key in one if key not in drop} == {key: other[key] for key in other if key not in drop}


def strays(place):
    return [
        path for path in place.watched(WATCHED + (LEDGER,)) if ".containment" in path or path.endswith((".new", "-"))
    ]


@pytest.mark.parametrize("case", NAMES, indirect=True)
def test_there_and_back(case):
    """Check, run, check again, run again, and the way back; or the refusal, which touches nothing."""
    place, fresh = case.at, case.at.watched()
    checked = place.check(**case.run)
    assert place.watched(WATCHED + (LEDGER,)) == place.fresh, "check mode wrote"
    ran = place.args(_ansible_diff=True, transaction=TRANSACTION, **case.run)
    assert "Traceback" not in checked["stderr"] + ran["stderr"]
    if case.refused:
        assert (checked["rc"], ran["rc"]) == (1, 1), ran
        assert case.here(case.refused) == checked["msg"] == ran["msg"]
        assert place.watched(WATCHED + (LEDGER,)) == place.fresh
        return
    assert ran["rc"] == 0, ran
    assert place.watched() == case.wanted(fresh)
    assert set(ran) >= KEYS and set(ran) - {"warnings"} == set(checked) - {"warnings"}
    if case.request.get("predicted", True):
        assert same(checked, ran)
    # What rpm-ostree writes is its own: its stand-in has a file, the real one a new deployment.
    told = [] if ran["boot_loader"] == "rpm-ostree" else changed_paths(fresh, case.wanted(fresh))
    assert ran["changed"] == (fresh != case.wanted(fresh)) and ran["files"] == told
    for key in ("boot_loader", "reboot_required"):
        if key in case.request:
            assert ran[key] == checked[key] == case.request[key]
    for text, warned in zip(case.request.get("warnings", []), ran.get("warnings", []), strict=True):
        assert text in json.dumps(warned)
    again_checked, again = place.check(**case.run), place.args(**case.run)
    for one in (again_checked, again):
        assert (one["rc"], one["changed"], one["files"], one["diff"], one["transaction"]) == (0, False, [], [], None)
        assert set(one) - {"warnings"} == set(ran) - {"warnings"} and one["reboot_required"] == ran["reboot_required"]
        assert [entry["before"] for entry in one["kernels"]] == [entry["after"] for entry in ran["kernels"]]
        assert "warnings" not in one or ran["boot_loader"] not in ("grub-mkconfig", "systemd-boot")
    assert place.watched() == case.wanted(fresh) and strays(place) == []

    names = asked(case.run)
    agreed = [name for name in names if not disagreed(ran["kernels"], name)]
    back = undo(place)
    if back is None:
        assert said(ran["kernels"], "before", agreed) == said(ran["kernels"], "after", agreed) or not ran["transaction"]
        return
    assert said(back["kernels"], "after", agreed) == said(ran["kernels"], "before", agreed)
    if ran["boot_loader"] == "grub-mkconfig" and case.request.get("predicted", True):
        assert place.watched() == fresh


def disagreed(kernels, name):
    return len({json.dumps(values) for values in said(kernels, "before", [name]).values()}) > 1 and not any(
        "-recovery-" in one["entry"] for one in kernels
    )


@pytest.mark.parametrize(
    "case", [name for name in NAMES if Case(name).after or Case(name).request["gone"]], indirect=True
)
def test_killed_the_next_run_completes(case):
    """Killed at its steps, every boot file is old or new; the next run completes; the way back leads before both."""
    place, fresh = case.at, case.at.watched()
    wanted = case.wanted(fresh)
    run = dict(case.run, transaction=TRANSACTION)
    steps = place.steps(**run)
    assert place.watched() == wanted
    # Owner and mode are set between steps that are killed at anyway.
    every = [step for step in steps if step[0] not in ("fchmod", "fchown", "fsetxattr")]
    chosen = every if case.name in EVERY_STEP else sample(steps)
    for call, number in chosen:
        place.reset()
        assert place.kill(call, number, **run), (call, number)
        now = place.watched()
        for path, data in now.items():
            if not Path(path).name.endswith(".containment"):
                assert data in (fresh.get(path), wanted.get(path)), (call, number, path)
        completed = place.args(**run)
        assert completed["rc"] == 0, (call, number, completed)
        assert place.watched() == wanted and strays(place) == [], (call, number)
    if place.path(LEDGER, "kernel_args.json").exists() and case.request.get("predicted", True):
        back = undo(place)
        if back["boot_loader"] == "grub-mkconfig":
            assert place.watched() == fresh


def sample(steps):
    """The last replacements and removals, and the step behind the last of them."""
    moves = [at for at, (call, _number) in enumerate(steps) if call in ("renameat", "rename")]
    return [steps[at] for at in [*moves[-2:], moves[-1] + 1]]


# --- what goes wrong ---

FAULTS = [
    (name, f"etc/{tool}-standin", word)
    for name, tool, words in (
        ("el7-bios-add", "grubby", ("fail", "garbage", "hang")),
        ("el8-kernelopts-add", "grubby", ("fail", "garbage", "hang")),
        ("el7-all-values", "grubby", ("fail", "garbage")),
        ("el9-add", "grubby", ("fail", "garbage", "hang")),
        ("el9-no-grubenv", "grubby", ("fail", "garbage")),
        ("el9-no-cmdline-file", "grubby", ("fail", "garbage")),
        ("ubuntu2204-cloud-partuuid", "grub-mkconfig", ("fail", "garbage", "hang", "ignore")),
        ("ostree-consoles", "rpm-ostree", ("fail", "garbage", "hang")),
    )
    for word in words
]
FAULTS += [
    ("debian-trixie-add", "etc/grub.d/42_test", "#!/bin/sh\nexec sleep 3600\n"),
    ("debian-trixie-add", "etc/grub.d/42_test", "#!/bin/sh\nexit 1\n"),
    ("debian-trixie-add", "etc/grub.d/42_test", "#!/bin/sh\necho 'menuentry x {'\n"),
]


@pytest.mark.parametrize(("case", "file", "text"), FAULTS, indirect=["case"])
def test_a_tool_that_fails_leaves_everything_as_it_was(case, file, text):
    place = case.at
    place.path(file).parent.mkdir(parents=True, exist_ok=True)
    place.path(file).write_text(text)
    place.path(file).chmod(0o755)
    before = place.watched(WATCHED)
    modes = {path: stat.S_IMODE(place.path(path).lstat().st_mode) for path in before}
    failed = place.args(seconds=2, transaction=TRANSACTION, **case.run)
    assert failed["rc"] == 1 and "Traceback" not in failed["stderr"] + failed["msg"], failed
    assert place.watched(WATCHED) == before, failed["msg"]
    assert modes == {path: stat.S_IMODE(place.path(path).lstat().st_mode) for path in before}
    assert not place.path(LEDGER, "kernel_args.json").exists()
    if case.request["boot_loader"] != "rpm-ostree":
        assert "put back as before: " in failed["msg"] or "no boot file was changed" in failed["msg"]
    if "hang" in text or "sleep" in text:
        assert "took more than 2 s" in failed["msg"]
        running = [path.read_bytes() for path in place.path("proc").glob("[0-9]*/cmdline")]
        assert not any(b"\x003600" in words or b"grubby" in words for words in running)
    place.path(file).unlink(missing_ok=True)
    assert place.args(transaction=TRANSACTION, **case.run)["rc"] == 0
    if case.request["boot_loader"] != "rpm-ostree":
        assert place.watched() == case.wanted(place.fresh)


@pytest.mark.parametrize(
    ("case", "tool"),
    [
        ("el7-bios-add", "grubby"),
        ("el8-one-entry-of-its-own", "grubby"),
        ("el7-one-of-several-values", "grubby"),
        ("el9-add", "grubby"),
        ("el9-no-cmdline-file", "grubby"),
        ("el9-absent-and-present", "grubby"),
        ("ubuntu2204-cloud-partuuid", "grub-mkconfig"),
        ("ostree-consoles", "rpm-ostree"),
    ],
    indirect=["case"],
)
def test_killed_while_a_tool_runs_the_next_run_completes(case, tool):
    place, fresh = case.at, case.at.watched()
    place.path(f"etc/{tool}-standin").write_text("kill")
    assert place.args(transaction=TRANSACTION, **case.run)["rc"] == -9
    place.path(f"etc/{tool}-standin").unlink()
    for path, data in place.watched().items():
        assert path.endswith(".containment") or data in (fresh.get(path), case.wanted(fresh).get(path)), path
    assert place.args(transaction=TRANSACTION, **case.run)["rc"] == 0
    assert place.watched() == case.wanted(fresh)
    names = asked(case.run)
    first = place.check(**case.run)
    back = undo(place)
    assert said(back["kernels"], "before", names) == said(first["kernels"], "after", names)


@pytest.mark.parametrize(
    "case", ["el8-kernelopts-add", "el9-add", "el9-no-cmdline-file", "el10-no-cmdline-file"], indirect=True
)
def test_killed_where_grubby_emptied_a_file_the_next_run_fills_it(case):
    place, fresh = case.at, case.at.watched()
    place.path("etc/grubby-standin").write_text("kill-cmdline")
    assert place.args(transaction=TRANSACTION, **case.run)["rc"] == -9
    place.path("etc/grubby-standin").unlink()
    assert place.path("etc/kernel/cmdline").read_bytes() == b""
    checked = place.check(**case.run)
    assert checked["files"] == ["/etc/kernel/cmdline"] and checked["changed"]
    assert place.args(transaction=TRANSACTION, **case.run)["rc"] == 0
    assert place.watched() == case.wanted(fresh)


@pytest.mark.parametrize("case", ["el9-add", "debian-bookworm-add", "systemd-boot-bookworm-add"], indirect=True)
def test_an_error_of_the_disk_leaves_everything_as_it_was(case):
    """Every other call that changes the disk fails once: nothing is half done, and the next run completes."""
    place, fresh = case.at, case.at.watched()
    run = dict(case.run, transaction=TRANSACTION)
    errors = {"write": "ENOSPC", "fsync": "EIO", "renameat": "EROFS", "openat": "ENOSPC"}
    steps = [(call, number) for call, number in place.steps(**run) if call in errors][::2]
    for call, number in steps:
        place.reset()
        failed = place.args(calls=call, inject=f"{call}:error={errors[call]}:when={number}", **run)
        assert failed["rc"] == 1 and "Traceback" not in failed["stderr"] + failed["msg"], (call, number, failed)
        assert place.watched() == fresh, (call, number, failed["msg"])
        assert place.args(**run)["rc"] == 0 and place.watched() == case.wanted(fresh) and strays(place) == []


@pytest.mark.parametrize("case", ["el9-add", "debian-trixie-add", "systemd-boot-trixie-add"], indirect=True)
def test_a_read_only_boot_is_refused(case):
    place = case.at
    directory = "/efi" if "systemd" in case.name else "/boot"
    place.run(["mount", "--bind", directory, directory])
    place.run(["mount", "-o", "remount,bind,ro", directory])
    refused(place, case.run, "lies on a file system mounted read-only")


@pytest.mark.parametrize("case", ["el7-bios-add", "el9-add", "debian-trixie-add"], indirect=True)
def test_an_immutable_file_is_refused(case):
    place = case.at
    path = next(path for path in case.after if path.startswith("boot/"))
    flags = "import fcntl, struct, sys; fcntl.ioctl(open(sys.argv[1]), 0x40086602, struct.pack('l', int(sys.argv[2])))"
    words = ["python3", "-c", flags, "/" + path]
    if place.run([*words, "16"], check=False).returncode:
        pytest.skip("not possible here: tmpfs of this kernel has no immutable flag")
    try:
        refused(place, case.run, f"/{path}: has the immutable flag")
    finally:
        place.run([*words, "0"])


def refused(place, run, text):
    checked, ran = place.check(**run), place.args(**run)
    assert checked["rc"] == ran["rc"] == 1 and checked["msg"] == ran["msg"] and text in ran["msg"], ran
    assert place.watched(WATCHED + (LEDGER,)) == place.fresh


@pytest.mark.parametrize(
    "case",
    [
        "debian-trixie-add",
        "systemd-boot-bookworm-add",
        "systemd-boot-boot-counting",
        "systemd-boot-trixie-add",
        "systemd-boot-without-cmdline",
        "ubuntu2004-add",
    ],
    indirect=True,
)
def test_a_kernel_that_comes_later_has_it(case):
    place = case.at
    assert place.args(**case.run)["rc"] == 0
    for name in ("vmlinuz", "initrd.img"):
        place.path(f"boot/{name}-99.1-new").write_text("new\n")
    if "systemd" in case.name:
        place.run(["kernel-install", "add", "99.1-new", "/boot/vmlinuz-99.1-new"])
    else:
        place.run(["sh", "-c", "grub-mkconfig >/boot/grub/new.cfg && mv /boot/grub/new.cfg /boot/grub/grub.cfg"])
    checked = place.check(**case.run)
    new = [one for one in checked["kernels"] if "99.1-new" in one["kernel"]]
    assert not checked["changed"] and new and all("user_namespace.enable=1" in one["before"] for one in new)
    old = [one for one in checked["kernels"] if one not in new]
    if "systemd" in case.name:
        assert sorted(new[0]["before"]) == sorted(old[0]["before"])


def catalogue(pairs):
    """A catalogue of messages as gettext reads it (GNU gettext manual, "The Format of GNU MO Files")."""
    texts = [text.encode() for pair in zip(*sorted(pairs.items()), strict=True) for text in pair]
    start, table = 28 + 8 * len(texts), []
    for text in texts:
        table += [len(text), start]
        start += len(text) + 1
    head = [0x950412DE, 0, len(pairs), 28, 28 + 8 * len(pairs), 0, 0]
    return struct.pack(f"<{len(head + table)}I", *head, *table) + b"\0".join(texts) + b"\0"


@pytest.mark.parametrize("case", ["debian-in-no-language-with-a-charset"], indirect=True)
def test_titles_stay_in_the_language_of_the_menu(case):
    """By which GRUB_DEFAULT may choose one. The language comes from a catalogue of the test's own."""
    place = case.at
    messages = {"": "Content-Type: text/plain; charset=UTF-8\n", "Advanced options for %s": "Mehr für %s"}
    folder = place.path("usr/share/locale/de/LC_MESSAGES")
    folder.mkdir(parents=True)
    (folder / "grub.mo").write_bytes(catalogue(messages))
    place.path("etc/default/locale").write_text("LANG=C.UTF-8\nLANGUAGE=de\n")
    words = ["env", "-u", "LC_ALL", "LANG=C.UTF-8", "LANGUAGE=de", "grub-mkconfig"]
    config = place.path("boot/grub/grub.cfg")
    config.write_bytes(place.run(words).stdout)
    before = config.read_text()
    assert "submenu 'Mehr für Debian GNU/Linux'" in before
    assert place.args(**case.run)["changed"]
    assert config.read_text().replace("user_namespace.enable=1", "") == before


@pytest.mark.parametrize("case", ["systemd-boot-trixie-add"], indirect=True)
def test_images_on_a_full_esp_stay(case):
    """kernel-install would write newer ones over them, for which there is no room."""
    place = case.at
    images = list(place.path("efi").rglob("linux"))
    for image in images:
        image.write_bytes(b"K" * 200_000)
    fresh = place.watched()
    place.run(["mount", "-o", "remount,size=500k", "/efi"])
    place.path("efi/full").write_bytes(b"x" * 80_000)
    for name in place.path("boot").iterdir():
        name.write_bytes(b"N" * 300_000)
    assert place.args(**case.run)["rc"] == 0
    now = place.watched()
    assert images and all(now[path] == fresh[path] for path in fresh if path.endswith("/linux"))
    assert all(now[path] == data for path, data in case.after.items())


@pytest.mark.parametrize("case", ["systemd-boot-boot-counting"], indirect=True)
def test_an_entry_that_was_tried_meanwhile_is_the_same_one(case):
    place = case.at
    first = place.args(**case.run)
    folder = place.path("efi/loader/entries")
    for path in list(folder.iterdir()):
        path.rename(folder / (path.name.partition("+")[0].replace(".conf", "") + ".conf"))
    again = place.args(**case.run)
    assert not again["changed"] and "+" not in "".join(one["entry"] for one in again["kernels"])
    assert [one["entry"] for one in again["kernels"]] == [one["entry"] for one in first["kernels"]]


@pytest.mark.parametrize("case", ["el9-add"], indirect=True)
def test_the_transaction_holds_the_ledger_alone(case):
    place = case.at
    assert place.args(record=False, **case.run)["transaction"] is None
    assert not place.path(LEDGER).exists()
    place.reset()
    assert place.args(transaction=TRANSACTION, **case.run)["transaction"] == TRANSACTION
    manifest = json.loads(place.path(LEDGER, "transactions", TRANSACTION, "manifest.json").read_text())
    assert [(one["kind"], one["path"]) for one in manifest["entries"]] == [
        ("kernel_args", f"/{LEDGER}/kernel_args.json")
    ]
    ledger = place.path(LEDGER, "kernel_args.json")
    line = {"is": ["1"], "name": "user_namespace.enable", "spelled": "user_namespace.enable", "was": []}
    assert [json.loads(text) for text in ledger.read_text().splitlines()] == [line]
    assert stat.S_IMODE(ledger.stat().st_mode) == 0o600
    # A second touch keeps what was before the first; back to that, the name leaves the ledger.
    assert place.args(present=["user_namespace.enable=2"])["rc"] == 0
    assert json.loads(ledger.read_text())["was"] == [] and json.loads(ledger.read_text())["is"] == ["2"]
    assert place.args(absent=["user_namespace.enable"])["rc"] == 0 and not ledger.exists()


@pytest.mark.parametrize("case", ["el7-value-replaced", "el9-absent-and-present", "debian-absent"], indirect=True)
def test_the_transaction_module_leads_back(case):
    """Its answer, given to kernel_args as it is, brings back what was; asked again in the middle, it does the same."""
    place = case.at
    first = place.args(transaction=TRANSACTION, **case.run)
    assert first["transaction"] == TRANSACTION
    for params in ({"name": TRANSACTION}, {"name": TRANSACTION}):
        undo_now = place.module("transaction", params)
        assert undo_now["restored"] == [TRANSACTION] and not undo_now["restart_required"], undo_now
        back = place.args(record=False, **undo_now["kernel_args"])
        assert back["rc"] == 0 and said(back["kernels"], "after", asked(case.run)) == said(
            first["kernels"], "before", asked(case.run)
        )
    assert place.module("transaction", {"state": "closed"})["changed"]
    assert not place.path(LEDGER, "kernel_args.json").exists()
    assert place.module("transaction", {})["kernel_args"] == {}


@pytest.mark.parametrize("case", ["el9-add"], indirect=True)
def test_bad_requests_are_refused_in_one_sentence(case):
    for run, text in (
        ({}, "present: and absent are both empty; name at least one argument."),
        ({"present": ["a b"]}, "present: 'a b' is not one argument; "),
        ({"present": ["a=1"], "absent": ["a"]}, "absent: 'a' has the name of 'a=1' under present"),
        ({"present": ["=x"]}, "present: '=x' has no name of letters"),
        ({"present": ["a=1\nb"]}, "is not one argument"),
        ({"absent": ["a;reboot"]}, "has no name of letters"),
        ({"present": ["a=1"], "transaction": "../x"}, "cannot name a directory"),
    ):
        refused(case.at, run, text)
