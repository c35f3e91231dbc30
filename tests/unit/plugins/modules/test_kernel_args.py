# SPDX-License-Identifier: GPL-3.0-or-later
import pytest

from ansible_collections.containment.docker.plugins.module_utils import (
    _kernel_boot,
    _kernel_cmdline,
    _kernel_entries,
    _kernel_grubby,
    _kernel_ledger,
    _kernel_loaders,
    _kernel_mkconfig,
    _kernel_request,
)
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError
from ansible_collections.containment.docker.plugins.module_utils._files import File
from ansible_collections.containment.docker.plugins.modules import kernel_args


def file(path, data):
    return File(path, data, None if data is None else 0o644, 0, 0, None, {})


def plan(before, after, writes=()):
    entries = [
        [
            _kernel_entries.Entry("/boot/v", "e%d" % number, _kernel_cmdline.split(line))
            for number, line in enumerate(lines)
        ]
        for lines in (before, after)
    ]
    return _kernel_entries.Plan(entries[0], entries[1], [], list(writes), None, [], [], False)


def test_the_diff_shows_files_and_entries():
    found = kernel_args.show(plan(["a"], ["a b"], [(file("/x", None), b"new\n"), (file("/y", b"old\n"), None)]))
    assert [(one["after_header"], one["before"], one["after"]) for one in found] == [
        ("/x", "", "new\n"),
        ("/y", "old\n", ""),
        ("boot entries", "e0: a\n", "e0: a b\n"),
    ]
    assert kernel_args.show(plan(["a"], ["a"])) == []


def test_the_ledger_notes_what_most_entries_had():
    wanted = _kernel_request.wants(["n-m=1"], ["q", "x"])
    one = plan(["n_m=0 q", "q"], ["n-m=1", "n-m=1"])
    data = kernel_args.ledger_after(file("/l", None), _kernel_mkconfig, one, wanted)
    assert list(_kernel_ledger.parse(data).values()) == [
        _kernel_ledger.Line("n_m", "n_m", ["0"], ["1"]),
        _kernel_ledger.Line("q", "q", [None], []),
    ]


def test_a_value_that_could_not_come_back_is_refused():
    wanted = _kernel_request.wants(["n=1"], [])
    one = plan(['n="a b"'], ["n=1"])
    assert kernel_args.ledger_after(file("/l", None), _kernel_mkconfig, one, wanted)
    with pytest.raises(ContainmentError, match="n: is 'n=\"a b\"' now, which could not be brought back"):
        kernel_args.ledger_after(file("/l", None), _kernel_grubby, one, wanted)
    assert kernel_args.ledger_after(file("/l", None), _kernel_grubby, plan(['n="a b"'], ['n="a b"']), wanted) is None


def test_an_order_that_could_not_come_back_is_refused():
    wanted = _kernel_request.wants([], ["hugepages"])
    assert kernel_args.ledger_after(
        file("/l", None), _kernel_mkconfig, plan(["hugepagesz=1G hugepages=4"], [""]), wanted
    )
    with pytest.raises(
        ContainmentError, match="hugepages: is 'hugepages=4 hugepagesz=1G' now, an order that could not"
    ):
        kernel_args.ledger_after(file("/l", None), _kernel_mkconfig, plan(["hugepages=4 hugepagesz=1G"], [""]), wanted)


# --- which boot loader ---


def host(monkeypatch, programs=(), paths=(), directories=(), loader_info=None):
    """Make the probes say that a host has these programs and paths."""
    monkeypatch.setattr(_kernel_loaders._host_probe, "executable", lambda name: name if name in programs else None)
    monkeypatch.setattr(_kernel_loaders.os.path, "exists", lambda path: path in paths)
    monkeypatch.setattr(_kernel_loaders.os.path, "isdir", lambda path: path in directories)
    monkeypatch.setattr(_kernel_boot, "refuse_unmounted", lambda directory: None)
    monkeypatch.setattr(_kernel_grubby, "configs", lambda: [path for path in paths if "grub2" in path])
    monkeypatch.setattr(_kernel_loaders, "_grubby_entries", lambda: False)
    monkeypatch.setattr(_kernel_loaders, "_is_systemd_boot", lambda: "loader.conf" in paths)
    monkeypatch.setattr(_kernel_loaders, "_booted_by", lambda: loader_info or "")


@pytest.mark.parametrize(
    ("programs", "paths", "directories", "told", "name"),
    [
        (["grubby"], ["/boot/grub2/grub.cfg"], [], None, "_kernel_grubby"),
        (["grubby", "update-grub"], ["/boot/grub/grub.cfg"], [], None, "_kernel_mkconfig"),
        (["update-grub"], ["/boot/grub/grub.cfg"], ["/usr/lib/bootc"], None, "_kernel_mkconfig"),
        (["kernel-install"], ["loader.conf"], [], None, "_kernel_systemd_boot"),
        (["update-grub"], ["/boot/grub/grub.cfg", "loader.conf"], [], "systemd-boot 257", "_kernel_systemd_boot"),
        (["update-grub"], ["/boot/grub/grub.cfg", "loader.conf"], [], "GRUB 2.12", "_kernel_mkconfig"),
        (["rpm-ostree", "grubby"], ["/run/ostree-booted", "/boot/grub2/grub.cfg"], [], None, "_kernel_ostree"),
        ([], [], ["/usr/lib/bootc"], None, "_kernel_bootc"),
    ],
)
def test_the_boot_loader_is_found(monkeypatch, programs, paths, directories, told, name):
    host(monkeypatch, programs, paths, directories, told)
    assert _kernel_loaders.detect().__name__.endswith("." + name)


@pytest.mark.parametrize(
    ("programs", "paths", "text"),
    [
        ([], [], "there is none below /boot"),
        ([], ["/run/ostree-booted"], "a bootc image without rpm-ostree"),
        ([], ["/boot/grub/grub.cfg"], "GRUB without update-grub"),
        (["update-grub"], ["/boot/grub/grub.cfg", "loader.conf"], "does not say which one boots"),
        ([], ["/boot/extlinux/extlinux.conf"], "extlinux or U-Boot"),
        ([], ["/etc/lilo.conf"], "LILO"),
    ],
)
def test_others_are_refused(monkeypatch, programs, paths, text):
    host(monkeypatch, programs, paths)
    with pytest.raises(ContainmentError, match="boot loader: .*" + text):
        _kernel_loaders.detect()


def test_zipl_is_refused_on_its_own_machines(monkeypatch):
    host(monkeypatch, ["grubby"], ["/etc/zipl.conf", "/boot/grub2/grub.cfg"])
    assert _kernel_loaders.detect() is _kernel_grubby
    monkeypatch.setattr(_kernel_loaders.os, "uname", lambda: type("Uname", (), {"machine": "s390x"}))
    with pytest.raises(ContainmentError, match="zipl"):
        _kernel_loaders.detect()
