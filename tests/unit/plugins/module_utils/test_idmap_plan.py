# SPDX-License-Identifier: GPL-3.0-or-later
import collections
import json

import pytest

from ansible_collections.containment.docker.plugins.module_utils import _idmap_plan as core
from ansible_collections.containment.docker.plugins.module_utils import _mountinfo, _tree
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError, UnmappableError

BASE = 2000224256


# The answers of systemd-escape --path 252.
@pytest.mark.parametrize(
    "path, name",
    [
        ("/", "-"),
        ("/srv/data", "srv-data"),
        ("/srv/my-data", r"srv-my\x2ddata"),
        ("/srv/.hidden", "srv-.hidden"),
        ("/.x", r"\x2ex"),
        ("/a b", r"a\x20b"),
        ("/ü_:.", r"\xc3\xbc_:."),
    ],
)
def test_names_are_those_of_systemd(path, name):
    assert core.name(path) == name
    assert core.unit(path) == f"containment-idmap-{name}.service"


def test_a_description():
    data = core.description("/a", "/b", {"uid": [(0, BASE, 65536)], "gid": [(0, BASE, 1), (1, 5, 2)]})
    assert data.startswith(b'{"gid": ')  # sorted, so that what is the same looks the same
    assert json.loads(data.decode()) == {
        "source": "/a",
        "path": "/b",
        "uid": [[0, BASE, 65536]],
        "gid": [[0, BASE, 1], [1, 5, 2]],
    }


def test_a_unit_comes_before_the_engine_and_after_what_it_needs():
    text = core.unit_text("/srv/a b", "/mnt/$x%y", "/usr/bin/python3", ["docker.service", "docker-b.service"]).decode()
    assert 'RequiresMountsFor="/srv/a b" "/mnt/$x%%y"\n' in text
    assert "Before=docker.service docker-b.service\n" in text and "WantedBy=docker.service docker-b.service\n" in text
    file = '"/etc/containment/idmap/mnt-\\\\x24x\\\\x25y.json"'
    assert f'ExecStart="/usr/bin/python3" -I -S "/usr/local/lib/containment/idmap.py" mount {file}\n' in text
    assert f'ExecStop="/usr/bin/python3" -I -S "/usr/local/lib/containment/idmap.py" unmount {file}\n' in text
    assert 'ExecStart="/opt/$$p\\"y" -I' in core.unit_text("/a", "/b", '/opt/$p"y', ["x.service"]).decode()


def test_the_init_script_makes_all_mounts():
    text = core.script_text("/usr/bin/python3").decode()
    assert "X-Start-Before:    docker\n" in text
    assert "for file in /etc/containment/idmap/*.json" in text
    assert '/usr/bin/python3 -I -S /usr/local/lib/containment/idmap.py "$act" "$file"' in text


def mount(point, root="/", device="254:0", flags=("rw",)):
    return _mountinfo.Mount(device, root, point, frozenset(flags), "ext4", {})


def test_where_a_directory_is_seen():
    mounts = [
        mount("/"),
        mount("/other", "/srv/data/below"),
        mount("/bound", "/srv"),
        mount("/same", "/srv/data"),
        mount("/similar", "/srv/dat"),
        mount("/sibling", "/srv/data2"),
        mount("/safe", "/srv", flags=("rw", "nosuid")),
        mount("/disk", device="254:1"),
    ]
    place = ("254:0", "/srv/data")
    assert core.seen_at(mounts, place) == ["/bound/data", "/other", "/same", "/srv/data"]
    assert core.seen_at(mounts, ("254:1", "/")) == ["/disk"]
    assert core.seen_at([mount("/", flags=["nosuid"])], place) == []


def test_what_is_mounted_right_there():
    mounts = [mount("/"), mount("/srv"), mount("/srv", flags=["idmapped"])]
    assert core.mounted(mounts, "/srv") is mounts[2]
    assert core.mounted(mounts, "/srv/x") is None


def test_a_directory_whose_owner_containers_do_not_have_is_refused():
    mapping = {"uid": [(0, 100000, 65536)], "gid": [(0, 200000, 10)]}
    Info = collections.namedtuple("Info", "st_uid st_gid")
    for uid, gid in ((0, 0), (65535, 9)):
        core.refuse_foreign(_tree.Tree(0, "/srv/a", Info(uid, gid)), mapping)
    for uid, gid, words in ((65536, 0, "uid 65536"), (100000, 0, "uid 100000"), (0, 10, "gid 10")):
        with pytest.raises(ContainmentError, match=f"/srv/a: belongs to {words}, which containers"):
            core.refuse_foreign(_tree.Tree(0, "/srv/a", Info(uid, gid)), mapping)


def test_a_directory_with_mounts_in_it_is_refused():
    core.refuse_hidden([mount("/"), mount("/srv/data"), mount("/srv/data2")], "/srv/data")
    with pytest.raises(ContainmentError, match="/srv/data: has /srv/data/disk mounted in it"):
        core.refuse_hidden([mount("/"), mount("/srv/data/disk")], "/srv/data")


def test_a_path_that_no_unit_can_be_named_after_is_one_to_shift():
    prefix = len("containment-idmap-.service") + len("srv-")
    core.refuse_long("/srv/" + "a" * (255 - prefix))
    with pytest.raises(UnmappableError, match="makes a unit's name of 256 bytes"):
        core.refuse_long("/srv/" + "a" * (256 - prefix))
