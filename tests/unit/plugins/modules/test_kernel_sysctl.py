# SPDX-License-Identifier: GPL-3.0-or-later
import pytest

from ansible_collections.containment.docker.plugins.module_utils import _files, _kernel_sysctl, _sysctl_host
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError
from ansible_collections.containment.docker.plugins.modules import kernel_sysctl

NAME = "vm.x"


@pytest.fixture
def place(tmp_path, monkeypatch):
    """Folders in the place of /proc/sys and /etc/sysctl.d, a double: the kernel's own needs root."""
    (tmp_path / "sys/vm").mkdir(parents=True)
    (tmp_path / "sys/vm/x").write_text("1\n")
    monkeypatch.setattr(_kernel_sysctl, "ROOT", str(tmp_path / "sys"))
    monkeypatch.setattr(_kernel_sysctl, "PATH", str(tmp_path.resolve() / "zz.conf"))
    # pytest's folders lie below one that everybody may write to.
    monkeypatch.setattr(_files, "read", lambda path: _files.File(path, _bytes(path), None, None, None, None, None))
    return tmp_path


def _bytes(path):
    try:
        with open(path, "rb") as handle:
            return handle.read()
    except FileNotFoundError:
        return None


def plan_for(**request):
    asked = _kernel_sysctl.request(request.get("values", {}), request.get("absent", []), {})
    before, running = kernel_sysctl.read_file(), {NAME: _sysctl_host.read(NAME)}
    return before, running, _kernel_sysctl.plan(before.data, running, asked)


@pytest.mark.parametrize("refuses, words", [(True, "(refused)"), (False, "and is '3'")])
def test_a_value_that_cannot_be_put_back_is_told(place, monkeypatch, refuses, words):
    before, running, plan = plan_for(values={NAME: 2})
    monkeypatch.setattr(kernel_sysctl, "replace", lambda *_arguments: None)
    once = _sysctl_host.write

    def write(name, value):
        if refuses and value == "1":
            raise ContainmentError(name, "refused", "reboot")
        once(name, "3")

    monkeypatch.setattr(_sysctl_host, "write", write)
    with pytest.raises(ContainmentError) as caught:
        kernel_sysctl.apply(before, running, plan)
    told = f"vm.x: the kernel made '3' of '2', and vm.x could not be put back to '1' {words}; give '3'."
    assert str(caught.value) == told


def test_what_the_kernel_makes_of_a_value_is_put_back(place, monkeypatch):
    before, running, plan = plan_for(values={NAME: 2})
    monkeypatch.setattr(kernel_sysctl, "replace", lambda *_arguments: None)
    once = _sysctl_host.write
    monkeypatch.setattr(_sysctl_host, "write", lambda name, value: once(name, "3" if value == "2" else value))
    with pytest.raises(ContainmentError) as caught:
        kernel_sysctl.apply(before, running, plan)
    assert "the kernel made '3' of '2', and file and running values are as they were; give '3'." in str(caught.value)
    assert (place / "sys/vm/x").read_text() == "1\n"


def test_a_link_in_the_place_of_the_file_is_refused(tmp_path, monkeypatch):
    path = str(tmp_path / "zz.conf")
    monkeypatch.setattr(_kernel_sysctl, "PATH", path)
    monkeypatch.setattr(_files, "read", lambda _path: _files.File("/etc/other", None, None, None, None, None, None))
    with pytest.raises(ContainmentError) as caught:
        kernel_sysctl.read_file()
    assert str(caught.value) == f"{path}: leads to /etc/other by a symbolic link; put a plain file in its place."


def test_the_result_shows_what_was_and_what_is():
    running = ({NAME: "0x10\t1", "vm.y": None}, {NAME: "5", "vm.y": None})
    files = (None, b"# vm.x was 0x10 1 before\nvm.x = 5\n")
    values = kernel_sysctl.outcome([NAME, "vm.y"], running, files)
    assert values == {
        NAME: {"running_before": "16 1", "running_after": "5", "file_before": None, "file_after": "5"},
        "vm.y": {"running_before": None, "running_after": None, "file_before": None, "file_after": None},
    }
    assert kernel_sysctl.show(None, values, "before") == ("", "vm.x = 16 1\n")
    assert kernel_sysctl.show(files[1], values, "after") == (files[1].decode(), "vm.x = 5\n")
