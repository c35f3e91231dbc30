# SPDX-License-Identifier: GPL-3.0-or-later
import sys
import time

import pytest

from ansible_collections.containment.docker.plugins.module_utils import _files, _kernel_boot
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError


@pytest.fixture
def folder(tmp_path):
    """A folder that nobody else can write to, whatever the umask is."""
    tmp_path.chmod(0o755)
    return tmp_path


def python(script):
    return [sys.executable, "-c", script]


def test_a_tool_gets_its_input_and_its_output_is_returned():
    assert _kernel_boot.run(python("print(input() + '!')"), b"x\n") == "x!\n"
    assert _kernel_boot.run(python("import os; print(os.environ['LC_ALL'], os.getcwd())")) == "C /\n"


def test_a_tool_speaks_the_language_that_it_is_told(monkeypatch):
    monkeypatch.setenv("LC_MESSAGES", "x")
    script = python(
        "import os; print(sorted(name for name in os.environ if name[:2] in ('LA', 'LC')), os.environ['LANG'])"
    )
    assert _kernel_boot.run(script, language={"LANG": "C.UTF-8"}).replace("'LC_CTYPE', ", "") == "['LANG'] C.UTF-8\n"
    script = python("import os; print(os.environ['LC_ALL'], os.environ['LANGUAGE'])")
    assert _kernel_boot.run(script, language={}) == "C C\n"


def test_a_tool_that_fails_is_told_with_its_last_words():
    script = "import sys; [print(n, file=sys.stderr) for n in range(9)]; sys.exit(3)"
    with pytest.raises(ContainmentError, match="it: ended with 3: 4 / 5 / 6 / 7 / 8; see"):
        _kernel_boot.run(python(script), name="it")
    with pytest.raises(ContainmentError, match="/no/such: cannot be run"):
        _kernel_boot.run(["/no/such"])


def test_a_tool_that_hangs_is_ended_with_what_it_started(monkeypatch, tmp_path):
    monkeypatch.setattr(_kernel_boot, "TOOL_SECONDS", 1)
    note = tmp_path / "pid"
    script = "import subprocess; p = subprocess.Popen(['sleep', '60']); open(%r, 'w').write(str(p.pid)); p.wait()"
    with pytest.raises(ContainmentError, match="it: took more than 1 s"):
        _kernel_boot.run(python(script % str(note)), name="it")
    for _try in range(100):
        try:
            with open("/proc/%s/stat" % note.read_text()) as handle:
                state = handle.read().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return
        if state == "Z":
            return
        time.sleep(0.05)
    raise AssertionError("what the tool started still runs")


def test_files_are_put_back_when_the_block_fails(folder):
    changed, gone, new, same = (folder / name for name in ("changed", "gone", "new", "same"))
    for path in (changed, gone, same):
        path.write_text("old")
    files = [_files.read(str(path)) for path in (changed, gone, new, same)]
    with pytest.raises(ContainmentError) as told:
        with _kernel_boot.restoring(files):
            changed.write_text("other")
            gone.unlink()
            new.write_text("x")
            raise ContainmentError("it", "failed", "mend it")
    assert (changed.read_text(), gone.read_text(), new.exists(), same.read_text()) == ("old", "old", False, "old")
    assert str(told.value) == "it: failed; mend it (put back as before: %s, %s, %s)." % (changed, gone, new)


def test_other_errors_put_them_back_too(folder):
    path = folder / "file"
    path.write_text("old")
    files = [_files.read(str(path))]
    for error, kind in ((OSError(5, "Input/output error", "/x"), ContainmentError), (KeyError("x"), KeyError)):
        with pytest.raises(kind):
            with _kernel_boot.restoring(files):
                path.write_text("other")
                raise error
        assert path.read_text() == "old"
        files = [_files.read(str(path))]
    with pytest.raises(ContainmentError, match="no boot file was changed"):
        with _kernel_boot.restoring(files):
            raise ContainmentError("it", "failed", "mend it")


def test_what_cannot_be_put_back_is_told(folder):
    path = folder / "file"
    path.write_text("old")
    files = [_files.read(str(path))]
    with pytest.raises(ContainmentError, match=r"NOT all boot files could be put back: .*file: is not a regular file"):
        with _kernel_boot.restoring(files):
            path.unlink()
            path.mkdir()
            raise ContainmentError("it", "failed", "mend it")


def test_nothing_happens_without_a_failure(folder):
    path = folder / "file"
    path.write_text("old")
    with _kernel_boot.restoring([_files.read(str(path))]):
        path.write_text("new")
    assert path.read_text() == "new"


def test_fstab(monkeypatch):
    text = "# /boot\nUUID=1 / ext4\nUUID=2 /proc/ ext4\nUUID=3 /proc/sys/kernel ext4\nx\n"
    monkeypatch.setattr(_kernel_boot._host_probe, "text", lambda path: text)
    for directory in ("/boot", "/", "/proc"):
        _kernel_boot.refuse_unmounted(directory)
    with pytest.raises(ContainmentError, match="/proc/sys/kernel: is in /etc/fstab but not mounted"):
        _kernel_boot.refuse_unmounted("/proc/sys/kernel")
    monkeypatch.setattr(_kernel_boot._host_probe, "text", lambda path: None)
    _kernel_boot.refuse_unmounted("/boot")


def test_names_in(tmp_path):
    for name in ("b.conf", "a.conf", ".c.conf", "d.conf~"):
        (tmp_path / name).write_text("")
    assert _kernel_boot.names_in(str(tmp_path), ".conf") == [str(tmp_path / name) for name in ("a.conf", "b.conf")]
    assert _kernel_boot.names_in(str(tmp_path / "none"), ".conf") == []
    assert _kernel_boot.names_in(str(tmp_path / "a.conf"), ".conf") == []


def test_sync_passes_over_what_is_gone(tmp_path):
    (tmp_path / "a").write_text("")
    _kernel_boot.sync([str(tmp_path / "a"), str(tmp_path / "gone" / "b")])


def test_a_missing_tool_is_told():
    with pytest.raises(ContainmentError, match="no-such-tool: is not installed"):
        _kernel_boot.tool("no-such-tool")
    assert _kernel_boot.tool("sh").endswith("/sh")
