# SPDX-License-Identifier: GPL-3.0-or-later
import pytest

from ansible_collections.containment.docker.plugins.module_utils import (
    _kernel_dropin,
    _kernel_entries,
    _kernel_mkconfig,
)
from ansible_collections.containment.docker.plugins.module_utils import _kernel_request as request
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError


def variables(linux, default=""):
    return _kernel_mkconfig.Variables(linux.split(), default.split())


def entry(text, name="gnulinux-simple"):
    return _kernel_entries.Entry("/boot/v", name, text.split())


RECOVERY = "gnulinux-1-recovery-u"


@pytest.mark.parametrize(
    ("present", "absent", "known", "base", "target"),
    [
        (["a=1"], [], (), ("", ""), ("a", "a=1")),
        (["a=1"], [], (), ("a=1", ""), ()),
        (["a=1"], [], (), ("", "a=1"), ()),
        (["a=1"], [], (), ("a=1", "a=1"), ("a", "a=1")),
        (["a=1"], [], ("a b", "a=0"), ("a=1", ""), ("b", "")),
        (["a=1"], [], ("b", "b"), ("", ""), ("a b", "b a=1")),
        (["a=1", "c"], [], ("a b", "a=1 b"), ("", ""), ("a b c", "a=1 b c")),
        (["a=1", "c"], [], ("a b", "a=0 b"), ("", ""), ("a b c", "b a=1 c")),
        (["c", "a=1", "c=2"], [], (), ("", ""), ("a c", "c a=1 c=2")),
        ([], ["a"], (), ("", ""), ()),
        ([], ["a"], (), ("a=1", "a"), ("a", "")),
        ([], ["a"], ("a", "a=1"), ("", ""), ()),
        ([], ["a=1"], (), ("a=1 a=2", ""), ("a", "a=2")),
        ([], ["a=1"], ("a", "a=1 a=3"), ("a=2", ""), ("a", "a=3")),
        ([], ["a=9"], (), ("a=1", ""), ()),
    ],
)
def test_what_the_drop_in_declares(present, absent, known, base, target):
    known, target = (
        _kernel_dropin.Declared(frozenset(names.split()), words.split())
        for names, words in (one or ("", "") for one in (known, target))
    )
    assert _kernel_mkconfig.declared(request.wants(present, absent), known, variables(*base)) == target


@pytest.mark.parametrize(
    ("config", "settings", "variables"),
    [
        ("set timeout=5\n", "LANG=de_DE.UTF-8\n", {}),
        (
            "  set lang=de_DE\n",
            "# x\nLANG=\"de_DE.UTF-8\"\nLANGUAGE='de_DE:de'\n",
            {"LANG": "de_DE.UTF-8", "LANGUAGE": "de_DE:de"},
        ),
        ("  set lang=de_DE\n", "LANG=en_US.UTF-8\nLC_ALL=C\n", {"LANG": "de_DE.UTF-8"}),
        (
            "set lang=de_DE@euro\n",
            "LANG=de_DE@euro\nLC_ALL=\nLC_MESSAGES=C\n",
            {"LANG": "de_DE@euro", "LC_MESSAGES": "C"},
        ),
        ("set lang=C\n", "", {"LANG": "C.UTF-8"}),
        ("set lang=$(x)\n", "", {}),
        ("set lang=de_DE\n", "LANG=de_DE.UTF-8; reboot\nexport LANG=x\n", {"LANG": "de_DE.UTF-8"}),
    ],
)
def test_the_language_that_a_menu_is_in(config, settings, variables):
    assert _kernel_mkconfig.language(config, settings) == variables


@pytest.mark.parametrize(
    ("words", "name", "now", "after", "planned"),
    [
        ("r ro a q", "e", ("a", "q"), ("a N=1", "q"), "r ro a N=1 q"),
        ("r ro single a", RECOVERY, ("a", "q"), ("a N=1", "q"), "r ro single a N=1"),
        ("r ro q init=/x", "1-init-x", ("", "q"), ("N=1", "q"), "r ro N=1 q init=/x"),
        ("r ro", "e", ("", ""), ("N=1", ""), "r ro N=1"),
        ("r ro panic=-1", "e", ("", ""), ("N=1", ""), "r ro N=1 panic=-1"),
        ("r ro splash $vt_handoff", "e", ("", "splash"), ("N=1", "splash"), "r ro N=1 splash $vt_handoff"),
        ("r ro splash $vt_handoff", "e", ("", "splash"), ("N=1", ""), "r ro N=1"),
        ("r ro a q a q", "e", ("a", "q"), ("b", "q"), "r ro a q b q"),
        # A killed run left an older N, or one that the files do not say (any more).
        ("r ro N=0 q", "e", ("N=1", "q"), ("N=1", "q"), "r ro N=1 q"),
        ("r ro q", "e", ("N=1", "q"), ("N=1", "q"), "r ro N=1 q"),
        ("r ro N=0 q", "e", ("", "q"), ("", "q"), "r ro q"),
        ("r ro single nomodeset N=0", RECOVERY, ("", "q"), ("", "q"), "r ro single nomodeset"),
    ],
)
def test_an_entry_made_anew(words, name, now, after, planned):
    sources = [variables(*now), variables("other")]
    found, certain = _kernel_mkconfig.made_anew([entry(words, name)], sources, variables(*after), {"N"})
    assert (" ".join(found[0].words), certain) == (planned, True)


def test_an_entry_from_before_our_drop_in_is_known_too():
    sources = [variables("N=1", "q"), variables("N=0 b", "N=2 q")]
    found, certain = _kernel_mkconfig.made_anew(
        [entry("r ro N=0 b N=2 q"), entry("r ro single N=0 b", RECOVERY)], sources, variables("N=3", "q"), {"N"}
    )
    assert certain and [" ".join(one.words) for one in found] == ["r ro N=3 q", "r ro single N=3"]


def test_what_others_changed_and_did_not_apply_is_not_foretold():
    found, certain = _kernel_mkconfig.made_anew([entry("r ro x N=0")], [variables("y")], variables("y N=1"), {"N"})
    assert not certain and found[0].words == ["r", "ro", "x", "N=1"]


def test_what_10_linux_sets_itself():
    both = [entry("r ro q"), entry("r ro single", RECOVERY)]
    none = variables("", "q")
    assert list(_kernel_mkconfig._declarable(request.wants(["ro", "N=1"], []), both, none)) == ["N"]
    assert list(_kernel_mkconfig._declarable(request.wants([], ["single"]), both, none)) == ["single"]
    with pytest.raises(ContainmentError, match=r"ro: is set for gnulinux-simple by /etc/grub\.d/10_linux itself"):
        _kernel_mkconfig._declarable(request.wants([], ["ro"]), both, none)
    found = _kernel_mkconfig._declarable(
        request.wants([], ["rootflags"]), [entry("r rootflags=x")], variables("rootflags=x")
    )
    assert list(found) == ["rootflags"]
