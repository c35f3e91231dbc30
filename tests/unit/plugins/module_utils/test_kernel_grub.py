# SPDX-License-Identifier: GPL-3.0-or-later
import pytest

from ansible_collections.containment.docker.plugins.module_utils import _kernel_grub as grub
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

MENU = """\
### BEGIN /etc/grub.d/10_linux ###
menuentry 'A (x)' --class os $menuentry_id_option 'a-id' {
\tlinux\t/vmlinuz-1 root=UUID=1 ro  quiet $vt_handoff
\tinitrd /initrd-1
}
submenu 'More' $menuentry_id_option 'more' {
\tmenuentry "B's" {
\t\techo\t'Loading linux 2 ...'
\t\tlinux16 /vmlinuz-2 a="b c"
\t\tlinuxefi /vmlinuz-3
\t}
}
### END /etc/grub.d/10_linux ###
linux /boot/none # x
### BEGIN /etc/grub.d/40_custom ###
menuentry C --id c {
linux /c\td
}
"""


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", []),
        ("a  b\tc", ["a", "b", "c"]),
        ("a='b c' d", ["a=b c", "d"]),
        ('a="b c"d', ["a=b cd"]),
        (r'a="b\"c\$d\\e\f"', ['a=b"c$d\\e\\f']),
        (r"a\ b \"c", ["a b", '"c']),
        ("a # b", ["a"]),
        ("a#b", ["a#b"]),
        ("'' \"\"", ["", ""]),
        ("$x ${y}", ["$x", "${y}"]),
        ("a\\", ["a\\"]),
    ],
)
def test_words_of_grubs_language(text, words):
    assert grub.lex(text) == words


@pytest.mark.parametrize("text", ["'a", 'a"b', '"a\\"'])
def test_an_open_quote_is_an_error(text):
    with pytest.raises(ValueError, match="a quote stays open"):
        grub.lex(text)


def test_grub_quotes_what_it_gives_to_the_kernel():
    assert grub.booted("a=\"b c\" d='e' f\\'g") == ['"a=b c"', "d=e", "f\\'g"]


def test_lines_that_load_kernels():
    assert grub.menu(MENU, "/g") == [
        grub.MenuLine(3, "10_linux", "a-id", "/vmlinuz-1", ["root=UUID=1", "ro", "quiet", "$vt_handoff"]),
        grub.MenuLine(9, "10_linux", "B's", "/vmlinuz-2", ['"a=b c"']),
        grub.MenuLine(10, "10_linux", "B's", "/vmlinuz-3", []),
        grub.MenuLine(14, None, "B's", "/boot/none", []),
        grub.MenuLine(17, "40_custom", "c", "/c", ["d"]),
    ]


@pytest.mark.parametrize("line", ["linux '/x", "menuentry ''x' {", "linux #"])
def test_a_line_that_cannot_be_read_is_told(line):
    with pytest.raises(ContainmentError, match="/g, line 2: cannot be read"):
        grub.menu("\n\t" + line + "\n", "/g")


def block(text):
    return ("# GRUB Environment Block\n" + text).ljust(1024, "#").encode()


def test_the_environment_block():
    assert grub.environment(None, "/e") == {}
    assert grub.environment(block("a=1\n# x\nkernelopts=root=/x ro\nb=\n"), "/e") == {
        "a": "1",
        "kernelopts": "root=/x ro",
        "b": "",
    }
    assert grub.environment(block("a=x\\\\y\n"), "/e") == {"a": "x\\y"}


@pytest.mark.parametrize("data", [b"", b"x", block("a=1\n")[:-1], block("") + b"#", b"#" * 1024])
def test_another_file_is_no_environment_block(data):
    with pytest.raises(ContainmentError, match="/e: is not an environment block of GRUB"):
        grub.environment(data, "/e")


DEFAULTS = """\
# GRUB_CMDLINE_LINUX="no"
GRUB_CMDLINE_LINUX="a b"
GRUB_CMDLINE_LINUX='c' # d
GRUB_CMDLINE_LINUX_DEFAULT=quiet
\texport GRUB_CMDLINE_LINUX="${GRUB_CMDLINE_LINUX} $X e";
GRUB_CMDLINE_LINUX+=" f"
GRUB_CMDLINE_LINUX_XEN="no"
"""


def test_assignments_and_what_they_come_to():
    found = grub.assignments(DEFAULTS, "/d")
    assert [(one.content, one.linux, one.resets) for one in found] == [
        ("a b", True, True),
        ("c", True, True),
        ("quiet", False, True),
        ("${GRUB_CMDLINE_LINUX} $X e", True, False),
        (" f", True, False),
    ]
    assert grub.default_words(DEFAULTS, "/d") == ["c", "${GRUB_CMDLINE_LINUX}", "$X", "e", "f", "quiet"]
    assert grub.default_words("", "/d") == []


def test_an_edit_of_them():
    text = grub.edit_defaults(DEFAULTS, "/d", lambda word: word in ("b", "c", "quiet"), ["x=1"])
    assert text == (
        DEFAULTS.replace('"a b"', '"a"').replace("'c'", "''").replace("=quiet", '=""').replace('" f"', '" f x=1"')
    )
    assert grub.edit_defaults(DEFAULTS, "/d", lambda word: False, []) == DEFAULTS
    assert grub.edit_defaults("A=1", "/d", lambda word: False, ["x"]) == 'A=1\nGRUB_CMDLINE_LINUX="x"\n'
    assert grub.edit_defaults("", "/d", lambda word: False, ["x", "y"]) == 'GRUB_CMDLINE_LINUX="x y"\n'
    assert grub.edit_defaults("GRUB_CMDLINE_LINUX=\n", "/d", lambda word: False, ["x"]) == 'GRUB_CMDLINE_LINUX="x"\n'
    assert grub.edit_defaults("GRUB_CMDLINE_LINUX=a\n", "/d", lambda word: True, []) == 'GRUB_CMDLINE_LINUX=""\n'


TUNED = 'GRUB_CMDLINE_LINUX_DEFAULT="${GRUB_CMDLINE_LINUX_DEFAULT:+$GRUB_CMDLINE_LINUX_DEFAULT }\\$tuned_params"\n'


def test_lines_are_counted_from_the_first():
    for text, line in (("GRUB_CMDLINE_LINUX=`x`", 1), ("\nGRUB_CMDLINE_LINUX=`x`", 2)):
        with pytest.raises(ContainmentError, match=f"/d, line {line}: "):
            grub.assignments(text, "/d")


def test_what_tuned_writes_stays():
    text = 'GRUB_CMDLINE_LINUX="a"\n' + TUNED
    assert not grub.assignments(text, "/d")[1].resets
    edited = grub.edit_defaults(text, "/d", lambda word: word in ("a", "tuned_params"), ["x"])
    assert edited == 'GRUB_CMDLINE_LINUX="x"\n' + TUNED
    text = 'GRUB_CMDLINE_LINUX="d=\\"x y\\" a"\n'
    assert grub.edit_defaults(text, "/d", lambda word: word == "a", []) == 'GRUB_CMDLINE_LINUX="d=\\"x y\\""\n'


@pytest.mark.parametrize(
    "value", ['"$(x)"', '"a', "'a\nb'", '"a\\"b', "`x`", '"a"b', "a b", '"a" && x', "a\\ b", "$(x)", "a;b c", "a&b"]
)
def test_more_than_plain_words_is_refused_with_the_line(value):
    text = "X=1\n\nGRUB_CMDLINE_LINUX=" + value + "\n"
    with pytest.raises(ContainmentError, match="/d, line 3: gives the kernel's arguments in more than plain words"):
        grub.assignments(text, "/d")
