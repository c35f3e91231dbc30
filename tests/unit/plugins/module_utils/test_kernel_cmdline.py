# SPDX-License-Identifier: GPL-3.0-or-later
import pytest

from ansible_collections.containment.docker.plugins.module_utils import _kernel_cmdline as cmdline


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", []),
        ("  \t\n", []),
        ("quiet", ["quiet"]),
        (" a  b\tc\n", ["a", "b", "c"]),
        ('a="x  y" b', ['a="x  y"', "b"]),
        ('"a=x y" b', ['"a=x y"', "b"]),
        ('a=x"y z"w b', ['a=x"y z"w', "b"]),
        ('a="open b', ['a="open b']),
        ("a\fb\vc\rd", ["a", "b", "c", "d"]),
    ],
)
def test_words_are_cut_at_blanks_outside_of_quotes(text, words):
    assert cmdline.split(text) == words


@pytest.mark.parametrize(
    ("word", "name", "value"),
    [
        ("quiet", "quiet", None),
        ("a=", "a", ""),
        ("a=1=2", "a", "1=2"),
        ("=x", "=x", None),
        ('a="x y"', "a", "x y"),
        ('a="x', "a", "x"),
        ('a="', "a", ""),
        ('a=""', "a", ""),
        ('a=x"y z"', "a", 'x"y z"'),
        ('"a=x y"', "a", "x y"),
        ('"a=x', "a", "x"),
        ('"a b"', "a b", None),
        ('"a="x y"', "a", "x y"),
        ('"a="', "a", ""),
        ('"', "", None),
        ("$tuned_params", "$tuned_params", None),
    ],
)
def test_name_and_value_are_those_of_the_kernels_parser(word, name, value):
    assert cmdline.divide(word) == (name, value)


def test_dash_and_underscore_are_the_same_in_names_alone():
    assert cmdline.name_of("a-b=c-d") == "a_b"
    assert cmdline.value_of("a-b=c-d") == "c-d"
    assert cmdline.values(["a-b=1", "a_b=2", "ab=3", "a_b"], "a_b") == ["1", "2", None]


def test_what_stands_behind_two_dashes_is_inits():
    words = ["a=1", "--", "a=2", "--", "a=3"]
    assert cmdline.border(words) == 1 and cmdline.values(words, "a") == ["1"]
    assert cmdline.border(["a"]) == 1 and cmdline.border([]) == 0


@pytest.mark.parametrize(
    ("value", "word"),
    [(None, "a"), ("", "a="), ("1", "a=1"), ("x y", 'a="x y"'), ("x\ty", 'a="x\ty"'), ("x;y", 'a="x;y"')],
)
def test_a_word_says_its_value(value, word):
    assert cmdline.word_for("a", value) == word
    assert cmdline.divide(word) == ("a", value)


@pytest.mark.parametrize(
    ("text", "drop", "add", "result"),
    [
        ("", "", ["x"], "x"),
        ("a b", "", [], "a b"),
        ("  a", "", ["x"], "  a x"),
        ("a  b\tc", "b", [], "a\tc"),
        ("a b c", "a", [], "b c"),
        ("  a b", "a", [], "  b"),
        ("a b", "ab", [], ""),
        ("a b ", "b", [], "a "),
        ("a b", "b", ["x"], "a x"),
        ("a b", "ab", ["x", "y"], "x y"),
        ("a ", "", ["x"], "a x "),
        ("a -- a b", "a", ["x"], "x -- a b"),
        ("a b -- a", "", ["x"], "a b x -- a"),
        ("-- a", "", ["x"], "x -- a"),
        ("-- a", "a", [], "-- a"),
        ("a -- a", "a", [], "-- a"),
    ],
)
def test_an_edit_keeps_the_rest_byte_for_byte(text, drop, add, result):
    assert cmdline.edit(text, lambda word: word in drop and word != "--", add) == result


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("", "x\n"),
        ("b\n", "b x\n"),
        ("b", "b x\n"),
        ("a\r\n", "x\r\n"),
        ("# a\nb\n\n", "# a\nb x\n\n"),
        ("# a\n", "# a\nx\n"),
        ("b\n# a\nc a", "b\n# a\nc x\n"),
        ("b -- a\nc\n", "b x -- a\nc\n"),
        ("a\nb\n", "\nb x\n"),
    ],
)
def test_an_edit_of_a_file_knows_comments(text, result):
    assert cmdline.edit_file(text, lambda word: word == "a", ["x"]) == result


def test_the_words_of_a_file_are_without_its_comments():
    assert cmdline.split_file('# a\nb c="d e"\n\n#f\ng') == ["b", 'c="d e"', "g"]
