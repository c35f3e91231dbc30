# SPDX-License-Identifier: GPL-3.0-or-later
import json
import os
import subprocess

import pytest

from ansible_collections.containment.docker.plugins.module_utils import _kernel_dropin as dropin
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

SHELLS = [["/bin/sh", "-eu"]] + [[path, "-eu"] for path in ("/bin/dash", "/bin/bash") if os.path.exists(path)]


def source(data, linux, default, shell=("/bin/sh", "-eu")):
    """Source a drop-in between the two variables and an answer, as grub-mkconfig would."""
    script = b'. /dev/stdin; printf \'%s\\n\' "$GRUB_CMDLINE_LINUX" "$GRUB_CMDLINE_LINUX_DEFAULT"; set'
    environment = {"PATH": "/usr/bin:/bin", "LC_ALL": "C"}
    for name, value in (("GRUB_CMDLINE_LINUX", linux), ("GRUB_CMDLINE_LINUX_DEFAULT", default)):
        if value is not None:
            environment[name] = value
    process = subprocess.Popen(
        list(shell) + ["-c", script.decode()],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
    )
    output, errors = process.communicate(data)
    assert (process.returncode, errors) == (0, b""), errors
    lines = output.decode().split("\n")
    assert not any(line.startswith("containment_") for line in lines[2:])
    return lines[0], lines[1]


DECLARED = dropin.Declared(
    frozenset(["console", "foo_bar", "dyn"]), ["console=tty0", 'dyn="x  y;z"', "console=ttyS0", "console=tty2"]
)
ADD = 'console=tty0 dyn="x  y;z" console=ttyS0 console=tty2'


def test_nothing_to_declare_is_no_file():
    nothing = dropin.Declared(frozenset(), [])
    assert dropin.render(nothing) is None and dropin.parse(None) == nothing


def test_what_is_declared_is_read_back():
    assert dropin.parse(dropin.render(DECLARED)) == DECLARED
    lines = [line[3:] for line in dropin.render(DECLARED).decode().splitlines() if line.startswith("#: ")]
    assert [json.loads(line)["words"] for line in lines] == [
        [],
        ["console=tty0"],
        ['dyn="x  y;z"'],
        ["console=ttyS0", "console=tty2"],
    ]


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(
    ("linux", "default", "linux_now", "default_now"),
    [
        (None, None, ADD, ""),
        ("", "", ADD, ""),
        ("a", "quiet", "a " + ADD, "quiet"),
        ("console=x a console", "console=y quiet", "a " + ADD, "quiet"),
        ("foo-bar foo_bar=1 b", "foo-bar=2", "b " + ADD, ""),
        ('"foo-bar=1 2" "foo_bar" c', "x", "c " + ADD, "x"),
        ('x="foo-bar  y" foo-barx', "", 'x="foo-bar  y" foo-barx ' + ADD, ""),
        ("a -- foo-bar", "foo-bar", "a " + ADD + " -- foo-bar", "foo-bar"),
        ("a", "b foo-bar -- foo-bar", "a " + ADD, "b -- foo-bar"),
        ("--", "console", ADD + " --", "console"),
        ("* ? [a-z] ~", "$x `y` $(z) \\ '", "* ? [a-z] ~ " + ADD, "$x `y` $(z) \\ '"),
        ("\ta \t b ", " c", "a b " + ADD, "c"),
        ('a="open foo-bar', "", 'a="open foo-bar ' + ADD, ""),
    ],
)
def test_sourced_by_a_shell(shell, linux, default, linux_now, default_now):
    assert source(dropin.render(DECLARED), linux, default, shell) == (linux_now, default_now)


def test_a_file_of_somebody_else_is_refused():
    for data in (b"", b"x\n", b"# " + dropin.render(DECLARED)):
        with pytest.raises(ContainmentError, match="line 1: is not what the module writes there"):
            dropin.parse(data)


@pytest.mark.parametrize(
    "line",
    [
        "{",
        "[]",
        '{"name": "a"}',
        '{"name": "a", "words": ["b"]}',
        '{"name": "a", "words": ["a", "b"]}',
        '{"name": "a", "words": ["a\'$(x)"]}',
        '{"name": "a-b", "words": ["a-b"]}',
        '{"name": "$(x)", "words": []}',
        '{"name": "a", "words": "a"}x',
        '{"name": "console", "words": []}',
        '{"name": "foo_bar", "words": ["foo_bar"]}',
        '{"name": "foo_bar", "words": []}',
        '{"name": "root", "words": []}',
        '{"name": "a", "words": [1]}',
        '{"name": "a", "words": 1}',
    ],
)
def test_a_line_that_was_edited_is_refused(line):
    data = dropin.render(DECLARED).decode().replace("\n#: ", "\n#: " + line + "\n#: ")
    with pytest.raises(ContainmentError, match=r"line [2-5]: is not what the module writes there"):
        dropin.parse(data.encode())
