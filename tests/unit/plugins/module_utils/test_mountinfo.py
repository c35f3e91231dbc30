# SPDX-License-Identifier: GPL-3.0-or-later
from ansible_collections.containment.docker.plugins.module_utils import _mountinfo as core

TEXT = rb"""22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw,discard
30 22 0:25 / /srv/a\040b rw - tmpfs tmpfs rw,mode=755
31 22 254:0 /data/x /srv/bound rw shared:1 master:2 - ext4 /dev/vda rw
32 31 0:40 / /srv/bound rw - overlay overlay rw,lowerdir=/l1:/l2,upperdir=/up\054x,workdir=/work
33 22 254:1 / /srvx rw - xfs /dev/vdb rw
"""


def test_lines_with_optional_fields_and_escapes():
    mounts = core.parse(TEXT)
    assert [mount.point for mount in mounts] == ["/", "/srv/a b", "/srv/bound", "/srv/bound", "/srvx"]
    assert mounts[2] == core.Mount("254:0", "/data/x", "/srv/bound", {"rw"}, "ext4", {"rw": None})
    assert mounts[3].options == {"rw": None, "lowerdir": "/l1:/l2", "upperdir": "/up,x", "workdir": "/work"}
    assert core.parse(b"") == []


def test_what_is_mounted_below_a_path():
    mounts = core.parse(TEXT)
    assert core.within(mounts, "/srv") == ["/srv/a b", "/srv/bound"]
    assert core.within(mounts, "/") == ["/srv/a b", "/srv/bound", "/srvx"]
    assert core.within(mounts, "/srv/bound") == []


def test_where_a_path_lies():
    mounts = core.parse(TEXT)
    assert core.holding(mounts, "/srv").point == "/"
    assert core.holding(mounts, "/srv/bound") == core.holding(mounts, "/srv/bound/x") == mounts[3]
    assert core.holding(mounts, "/srvx/y").point == "/srvx"
    assert core.holding([], "/srv") is None
    assert core.place(mounts, "/srv/c") == ("254:0", "/srv/c")
    assert core.place(mounts, "/") == ("254:0", "/")
    assert core.place(mounts, "/srvx") == ("254:1", "/")
    assert core.place(mounts[:3], "/srv/bound/y") == ("254:0", "/data/x/y")
