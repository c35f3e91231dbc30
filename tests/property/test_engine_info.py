# SPDX-License-Identifier: GPL-3.0-or-later
"""Properties that hold for every container and configuration, sensible or not."""

import io
import stat
import struct

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.containment.docker.plugins.module_utils import _conflicts, _engine_api, _engine_values

IDS = st.integers(0, 2**32 - 2)
EXTENT = st.tuples(st.integers(0, 2**20), IDS, st.integers(1, 65536)).map(list)
MAPPING = st.none() | st.fixed_dictionaries({"uid": st.lists(EXTENT, max_size=3), "gid": st.lists(EXTENT, max_size=3)})
KINDS = st.sampled_from([stat.S_IFDIR, stat.S_IFREG, stat.S_IFSOCK, stat.S_IFCHR])
NODE = st.builds(
    lambda uid, gid, kind, mode: {"uid": uid, "gid": gid, "mode": kind | mode}, IDS, IDS, KINDS, st.integers(0, 0o7777)
)
OWNER = st.builds(
    lambda node, blocked: dict(node, error=None, blocked=[dict(one, path="/p") for one in blocked]),
    NODE,
    st.lists(NODE, max_size=2),
)
MODE = st.sampled_from([None, "", "host", "private", "container:x", "container:y", "bridge"])
HOST = st.fixed_dictionaries(
    {},
    optional={
        "Privileged": st.booleans(),
        "PidMode": MODE,
        "NetworkMode": MODE,
        "IpcMode": MODE,
        "UTSMode": MODE,
        "UsernsMode": st.sampled_from(["", "host"]),
        "CapAdd": st.none() | st.lists(st.sampled_from(["ALL", "SYS_TIME", "CAP_MKNOD", "NET_ADMIN"])),
        "GroupAdd": st.none() | st.lists(st.text(max_size=5)),
        "Devices": st.none()
        | st.lists(
            st.fixed_dictionaries({"PathOnHost": st.just("/d"), "PathInContainer": st.sampled_from(["/d", "/e"])})
        ),
    },
)
MOUNT = st.fixed_dictionaries(
    {
        "Type": st.sampled_from(["bind", "volume", "tmpfs"]),
        "Source": st.sampled_from(["", "/", "/a", "/run", "/run/docker.sock"]),
        "RW": st.booleans(),
        "Driver": st.sampled_from(["", "local", "other"]),
    }
)
CONTAINER = st.fixed_dictionaries(
    {
        "Id": st.text(max_size=4),
        "Name": st.text(max_size=4),
        "HostConfig": HOST,
        "Config": st.fixed_dictionaries({"User": st.text(max_size=6)}),
        "Mounts": st.none() | st.lists(MOUNT, max_size=3),
    }
)
OWNERS = st.dictionaries(st.sampled_from(["/", "/a", "/d", "/run"]), OWNER)


@given(CONTAINER, MAPPING, OWNERS)
def test_every_container_gets_whole_answers_and_refusals_are_those_of_the_engine(container, mapping, owners):
    found = _conflicts.conflicts(container, mapping, owners)
    for one in found:
        assert set(one) == {"container", "conflict", "severity", "detail", "mend", "source"} and all(
            isinstance(one[key], str) for key in ("detail", "mend", "source")
        )
    severities = [one["severity"] for one in found]
    assert severities == sorted(severities, key=["refused", "breaks", "degraded"].index)
    host = container["HostConfig"]
    opted_out = host.get("UsernsMode") == "host"
    refused = {one["conflict"] for one in found if one["severity"] == "refused"}
    assert ("privileged" in refused) == (bool(host.get("Privileged")) and not opted_out)
    assert ("pid_host" in refused) == (host.get("PidMode") == "host" and not opted_out)
    assert ("network_host" in refused) == (host.get("NetworkMode") == "host" and not opted_out)
    assert not (opted_out and refused)
    assert all(path.startswith("/") for path in _conflicts.paths(container))


@given(NODE, MAPPING)
def test_wider_modes_never_make_a_mount_worse(node, mapping):
    container = {"Mounts": [{"Type": "bind", "Source": "/a", "Destination": "/x", "RW": True}]}
    worst = {"breaks": 2, "degraded": 1}

    def rank(mode):
        owner = dict(node, mode=mode, blocked=[], error=None)
        return max(
            (worst[one["severity"]] for one in _conflicts.conflicts(container, mapping, {"/a": owner})), default=0
        )

    assert rank(node["mode"] | 0o777) == 0
    assert rank(node["mode"] | 0o044) <= rank(node["mode"] & ~0o044)


@given(st.integers(0, 2**21), st.lists(EXTENT, max_size=4))
def test_a_mapped_id_comes_back(container_id, extents):
    hosts = [
        outside + container_id - start for start, outside, count in extents if start <= container_id < start + count
    ]
    assert bool(hosts) == _conflicts.mapped(extents, container_id)
    for host in hosts:
        assert _conflicts.inside(extents, host) is not None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=10,
)


@given(JSON)
def test_redacting_twice_is_redacting_once_and_keeps_the_shape(value):
    once = _engine_values.redact(value)
    assert _engine_values.redact(once) == once
    if isinstance(value, dict):
        assert list(once) == list(value)


@given(st.text("abc:/@. ", max_size=20), st.sampled_from(["http", "https", "tcp"]))
def test_no_password_of_a_url_is_shown(around, scheme):
    shown = _engine_values.redact(f"{around} {scheme}://user:secret-word@host/path")
    assert "secret-word" not in shown


@given(st.dictionaries(st.sampled_from(["live-restore", "debug", "icc", "labels", "log-driver", "unknown"]), JSON))
def test_a_configuration_in_force_has_no_difference(values):
    effective = dict(
        _engine_values.DEFAULTS, **{key: value for key, value in values.items() if key not in ("labels", "unknown")}
    )
    wanted = {key: (value, "file") for key, value in effective.items()}
    assert _engine_values.differences(wanted, effective, None, effective["data-root"]) == []


@given(st.lists(st.tuples(st.sampled_from([1, 2]), st.binary(max_size=50))), st.integers(1, 9))
def test_frames_come_out_as_they_went_in(parts, size):
    class Slow(io.BytesIO):
        def read(self, wanted=-1):
            return super().read(min(wanted, size))

    data = b"".join(struct.pack(">BxxxI", number, len(piece)) + piece for number, piece in parts)
    joined = {"stdout": b"", "stderr": b""}
    for name, piece in _engine_api.frames(Slow(data)):
        joined[name] += piece
    assert joined == {
        name: b"".join(piece for number, piece in parts if number == wanted)
        for name, wanted in (("stdout", 1), ("stderr", 2))
    }


@given(st.binary(max_size=40))
def test_any_bytes_are_frames_or_refused(data):
    try:
        list(_engine_api.frames(io.BytesIO(data)))
    except ValueError:
        pass
