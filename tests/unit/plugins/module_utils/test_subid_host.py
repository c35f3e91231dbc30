# SPDX-License-Identifier: GPL-3.0-or-later
import os
import pwd

import pytest

from ansible_collections.containment.docker.plugins.module_utils import _subid_host
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError
from ansible_collections.containment.docker.plugins.module_utils._subid_plan import Claim, Owner

INITIAL = "         0          0 4294967295\n"


def processes(folder, maps):
    """Write a folder like /proc with {pid or "self": (uid_map, gid_map)}. A double: foreign namespaces need root."""
    for pid, texts in maps.items():
        (folder / pid).mkdir()
        for kind, text in zip(("uid", "gid"), texts):
            (folder / pid / (kind + "_map")).write_text(text)
        (folder / pid / "comm").write_text("sleep\n")
    (folder / "meminfo").write_text("")
    return str(folder)


def test_maps_of_other_namespaces_are_claims(tmp_path):
    here = processes(
        tmp_path,
        {
            "self": (INITIAL, INITIAL),
            "1": (INITIAL, INITIAL),
            "10": ("0 100000 65536\n", "0 100000 1\n1 5 5\n"),
            "11": ("0 100000 65536\n", "0 100000 1\n1 5 5\n"),
            "12": ("0 0 65536\n", ""),
        },
    )
    maps = _subid_host.read_maps(here)
    assert [claim[:2] for claim in maps["uid"]] == [(100000, 65536)]
    assert [claim[:2] for claim in maps["gid"]] == [(100000, 1), (5, 5)]
    assert maps["uid"][0].who in ("process 10 (sleep)", "process 11 (sleep)")


def test_the_map_of_our_own_namespace_is_no_claim(tmp_path):
    own = "0 1000000 1000000000\n"
    maps = _subid_host.read_maps(processes(tmp_path, {"self": (own, own), "1": (own, own), "9": ("0 70000 10\n", own)}))
    assert maps == {"uid": [Claim(70000, 10, "process 9 (sleep)")], "gid": []}


def test_a_process_that_ends_meanwhile_is_passed_over(tmp_path):
    here = processes(tmp_path, {"self": (INITIAL, INITIAL)})
    (tmp_path / "77").mkdir()
    assert _subid_host.read_maps(here) == {"uid": [], "gid": []}


def test_the_real_maps_can_be_read():
    assert set(_subid_host.read_maps()) == {"uid", "gid"}


def test_owner_by_name_and_by_number():
    me = pwd.getpwuid(os.getuid())
    assert _subid_host.read_owner(me.pw_name) == Owner(me.pw_name, me.pw_uid)
    assert _subid_host.read_owner(str(me.pw_uid)) == Owner(me.pw_name, me.pw_uid)
    assert _subid_host.read_owner("no-such-user") == Owner("no-such-user", None)
    assert _subid_host.read_owner("3999999999") == Owner(None, 3999999999)
    assert _subid_host.read_owner("99999999999999999999") == Owner(None, 99999999999999999999)


@pytest.mark.parametrize("name", ["\u00b2", "\u0660", "9" * 5000], ids=["superscript", "arabic", "long"])
def test_other_digits_are_no_number(name):
    assert _subid_host.read_owner(name) == Owner(name, None)


def test_the_host_lists_accounts(tmp_path):
    host = _subid_host.read_host(str(tmp_path / "no-nsswitch"))
    assert any(claim.start == 0 and claim.who == "user root" for claim in host.accounts["uid"])
    assert any(claim.start == 0 and claim.who.startswith("group ") for claim in host.accounts["gid"])
    assert (host.source, host.page) == ("files", os.sysconf("SC_PAGE_SIZE"))


def test_links_are_refused(tmp_path):
    (tmp_path / "subuid").symlink_to("elsewhere")
    paths = {"uid": str(tmp_path / "subuid"), "gid": str(tmp_path / "subgid")}
    with pytest.raises(ContainmentError, match="is a symbolic link to elsewhere"):
        _subid_host.read_files(paths)
