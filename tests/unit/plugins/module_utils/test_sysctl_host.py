# SPDX-License-Identifier: GPL-3.0-or-later
"""Parameters of this machine's kernel, which are only read, and a folder in the place of /proc/sys, a double, where one
has to be written: a kernel has no parameter that may be changed for a test without root."""

import os

import pytest

from ansible_collections.containment.docker.plugins.module_utils import _kernel_sysctl, _sysctl_host
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setattr(_kernel_sysctl, "ROOT", str(tmp_path))
    (tmp_path / "vm").mkdir()
    return tmp_path / "vm"


def refusal(act, *words):
    with pytest.raises(ContainmentError) as caught:
        act(*words)
    return str(caught.value)


def test_the_kernel_is_read():
    assert _sysctl_host.read("kernel.ostype") == os.uname().sysname
    assert _sysctl_host.read("kernel.no-such-parameter") is None
    assert _sysctl_host.read("kernel.ostype.no-such") is None


def test_what_is_no_parameter():
    assert refusal(_sysctl_host.read, "kernel.random") == (
        "kernel.random: is a group of kernel parameters; name one of them."
    )


def test_parameters_that_cannot_be_read_or_written():
    assert "net.ipv4.route.flush: its value cannot be read (Permission denied)" in refusal(
        _sysctl_host.read, "net.ipv4.route.flush"
    )
    assert refusal(_sysctl_host.refuse_read_only, "kernel.ostype").startswith("kernel.ostype: /proc/sys/kernel/ostype ")
    assert refusal(_sysctl_host.write, "kernel.ostype", "x").startswith("kernel.ostype: the kernel refuses 'x' (")


def test_values_keep_their_blanks_and_lose_their_newline(root):
    for text, value in (("1\t2 \n", "1\t2 "), ("\n", ""), ("", ""), ("a\udcff", "a\udcff")):
        (root / "x").write_bytes(text.encode("utf-8", "surrogateescape"))
        assert _sysctl_host.read("vm.x") == value


def test_values_of_several_lines_are_refused(root):
    (root / "x").write_text("a\nb\n")
    assert "vm.x: holds a value of several lines" in refusal(_sysctl_host.read, "vm.x")


def test_values_are_written(root):
    (root / "x").write_text("1\n")
    _sysctl_host.refuse_read_only("vm.x")
    _sysctl_host.write("vm.x", "2")
    assert (root / "x").read_text() == "2\n"
    assert "vm.y: the kernel refuses '2' (No such file or directory)" in refusal(_sysctl_host.write, "vm.y", "2")


def test_links_and_fifos_are_no_parameters(root):
    (root / "target").write_text("1\n")
    (root / "x").symlink_to("target")
    os.mkfifo(root / "fifo")
    for name in ("vm.x", "vm.fifo"):
        assert "is no kernel parameter" in refusal(_sysctl_host.read, name)
    assert "the kernel refuses" in refusal(_sysctl_host.write, "vm.x", "2")
    assert (root / "target").read_text() == "1\n"


def test_the_files_of_others(tmp_path, monkeypatch):
    first, second, last = tmp_path / "a", tmp_path / "b", tmp_path / "sysctl.conf"
    first.mkdir()
    second.write_text("no folder")
    (first / "one.conf").write_bytes(b"vm.x = 1\n")
    (first / "README").write_bytes(b"vm.x = 2\n")
    (first / "null.conf").symlink_to(os.devnull)
    (first / "gone.conf").symlink_to("nowhere")
    (first / "last.conf").symlink_to(last)
    (first / "folder.conf").mkdir()
    os.mkfifo(first / "fifo.conf")
    last.write_bytes(b"vm.y = 1")
    monkeypatch.setattr(_kernel_sysctl, "DIRECTORIES", (str(first), str(second), str(tmp_path / "none")))
    monkeypatch.setattr(_kernel_sysctl, "LAST", str(last))
    found = {path: (real, data) for path, real, data in _sysctl_host.read_others()}
    assert found[str(first / "one.conf")] == (str(first / "one.conf"), b"vm.x = 1\n")
    assert found[str(first / "last.conf")] == found[str(last)] == (str(last), b"vm.y = 1")
    empty = ["folder.conf", "fifo.conf", "gone.conf", "null.conf"]
    assert sorted(path for path, (_real, data) in found.items() if not data) == sorted(
        str(first / one) for one in empty
    )
    assert len(found) == 7
    last.unlink()
    assert _sysctl_host.read_others()[-1] == (str(last), str(last), b"")


def test_the_files_of_this_machine_can_be_read():
    assert _sysctl_host.read_others()
