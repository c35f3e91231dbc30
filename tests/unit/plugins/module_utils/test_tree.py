# SPDX-License-Identifier: GPL-3.0-or-later
import os

import pytest

from ansible_collections.containment.docker.plugins.module_utils import _mountinfo
from ansible_collections.containment.docker.plugins.module_utils import _tree as core
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError


@pytest.mark.parametrize(
    "path",
    [
        *("/", "/bin", "/usr", "/usr/local/share/x", "/proc/1", "/sys", "/dev/shm", "/lib64", "/boot/efi"),
        *(
            "/etc",
            "/etc/ssh",
            "/lost+found",
            "/home",
            "/srv",
            "/opt",
            "/mnt",
            "/tmp",
            "/run",
            "/root",
            "/var",
            "/media",
        ),
        *("/var/lib", "/var/log", "/var/tmp", "/var/cache", "/var/spool", "/var/mail", "/var/run"),
        *("/var/lib/containment", "/var/lib/containment/transactions"),
    ],
)
def test_directories_of_the_system_are_refused(path):
    with pytest.raises(ContainmentError, match="belongs to the system"):
        core.refuse_system(path)


@pytest.mark.parametrize(
    "path",
    [
        *("/srv/data", "/home/alice", "/var/www", "/data", "/var/lib/docker/volumes/x/_data", "/opt/app"),
        *("/usrx", "/srv/etc", "/var/lib/containmentx", "/tmp/x", "/run/app", "/var/lib/x", "/data/usr"),
    ],
)
def test_other_directories_are_not(path):
    core.refuse_system(path)


def test_the_root_file_system_of_a_container_is_refused_from_above_and_from_within():
    containers = [core.Container(77, [("0:40", "/"), ("254:0", "/var/lib/docker/overlay2/a")])]
    for path in ("/var/lib/docker", "/var/lib/docker/overlay2/a", "/var/lib/docker/overlay2/a/diff/etc", "/"):
        with pytest.raises(ContainmentError, match=r"root file system of a running container \(process 77\)"):
            core.refuse_containers("/x", ("254:0", path), containers)
    for own in (("254:0", "/var/lib/docker/volumes"), ("254:0", "/var/lib/docker/overlay2/ab"), ("254:1", "/")):
        core.refuse_containers("/x", own, containers)


def test_layers_of_an_overlay():
    def root(kind, options):
        return [_mountinfo.Mount("0:40", "/", "/", frozenset(), kind, options)]

    options = {"lowerdir": r"/l1:/l\:2:l/short", "upperdir": "/up", "workdir": "/work", "rw": None}
    assert core.layers(root("overlay", options)) == ["/up", "/work", "/l1", r"/l\:2", "l/short"]
    assert core.layers(root("overlay", {"lowerdir": "/only"})) == ["/only"]
    assert core.layers(root("ext4", {})) == core.layers([]) == []


def test_trees_within_one_another_are_refused():
    def mount(point, root="/", device="254:0"):
        return _mountinfo.Mount(device, root, point, frozenset(), "ext4", {})

    mounts = [mount("/"), mount("/m", "/a"), mount("/n", device="254:1"), mount("/n/b", "/b", "254:2")]
    core.refuse_nested(["/a", "/ab", "/b", "/n/a"], mounts)
    core.refuse_nested(["/a", "/m"])
    with pytest.raises(ContainmentError, match="lie in one another"):
        core.refuse_nested(["/a", "/a/b"])
    for paths in (["/a", "/a/b"], ["/a/b", "/x", "/a"], ["/a", "/a"], ["/a", "/m"], ["/m/b", "/x", "/a/b/c"]):
        with pytest.raises(ContainmentError, match="lie in one another"):
            core.refuse_nested(paths, mounts)


def opened(path):
    tree = core.open_tree(str(path))
    os.close(tree.fd)
    return tree


def test_a_tree_is_opened_at_its_real_path(tmp_path):
    real = tmp_path.resolve() / "a/b"
    real.mkdir(parents=True)
    (real / "file").write_text("x")
    for path in (real, f"{real}/../b/./", f"/{real}", f"{real}//"):
        tree = opened(path)
        assert (tree.path, tree.info.st_ino) == (str(real), real.stat().st_ino)
    assert opened(real / "file").path == str(real / "file")
    with pytest.raises(FileNotFoundError):
        opened(real / "none")
    with pytest.raises(NotADirectoryError):
        opened(real / "file/x")
    for path in ("relative", "", "/a\0b"):
        with pytest.raises(ContainmentError, match="is no absolute path"):
            opened(path)


def test_links_are_followed_where_nobody_else_could_have_made_them(tmp_path):
    top = tmp_path.resolve() / "top"
    (top / "real").mkdir(parents=True)
    (top / "link").symlink_to("real")
    (top / "far").symlink_to(top / "link")
    (top / "loop").symlink_to("loop")
    if os.geteuid() == 0 and not any(os.stat(above).st_mode & 0o022 for above in top.parents if above != "/tmp"):
        assert opened(top / "link").path == opened(top / "far").path == str(top / "real")
        with pytest.raises(ContainmentError, match="too many symbolic links"):
            opened(top / "loop")
    top.chmod(0o777)
    with pytest.raises(ContainmentError, match="is a symbolic link to real that others can change"):
        opened(top / "link")
    assert opened(top / "real").path == str(top / "real")


def test_what_leads_to_the_system_is_refused_whatever_its_name():
    def mount(point, root="/", device="254:0", kind="ext4"):
        return _mountinfo.Mount(device, root, point, frozenset(), kind, {})

    mounts = [mount("/"), mount("/usr", device="254:1"), mount("/srv/a", "/sbin/x"), mount("/srv/b", "/bin", "254:1")]
    mounts += [mount("/srv/c"), mount("/srv/d", device="0:5", kind="proc"), mount("/srv/e", "/home/x"), mount("/usr/y")]
    mounts += [mount("/srv/f", "/containment/x", "254:7"), mount("/srv/g", "/home"), mount("/var/lib", device="254:7")]
    mounts += [mount("/srv/h", device="254:7"), mount("/srv/i", "/docker", "254:7")]
    for path, words in (
        ("/srv/a", "leads to /sbin"),
        ("/srv/b/y", "leads to /usr"),
        ("/srv/c", "leads to /bin"),
        ("/srv/d", "leads to proc"),
        ("/home", "/home: belongs"),
        ("/srv/f", "leads to /var/lib/containment"),
        ("/srv/g", "leads to /home"),
        ("/srv/h", "leads to /var/lib"),
    ):
        with pytest.raises(ContainmentError, match=words):
            core.refuse_seen(path, mounts)
    for path in ("/srv/e", "/srv/c/home/x", "/srv/data", "/srv/i", "/srv/g/x"):
        core.refuse_seen(path, mounts)
