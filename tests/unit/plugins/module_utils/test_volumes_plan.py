# SPDX-License-Identifier: GPL-3.0-or-later
"""Which directories containers need, how they get them, and when."""

import pytest

from ansible_collections.containment.docker.plugins.module_utils import _volume_ledger, _volumes_plan

A = {"uid": [[0, 100000, 65536]], "gid": [[0, 200000, 65536]]}
B = {"uid": [[0, 300000, 65536]], "gid": [[0, 400000, 65536]]}
PLAIN = {"effective": False, "uid": None, "gid": None, "mapping": None, "expected_mapping": None}
REMAPPED = {"effective": True, "uid": 100000, "gid": 200000, "mapping": None, "expected_mapping": A}
OPTION = {name: _volume_ledger.option(_volume_ledger.mapping(one)) for name, one in (("A", A), ("B", B))}
REFUSED = {"msg": "/srv/a: cannot be mounted.", "unmappable": True}


def subid(name):
    one = A if name == "A" else B
    ranges = {kind: [{"start": outside, "count": count} for _in, outside, count in one[kind]] for kind in one}
    return {"mapping": OPTION[name], "ranges": {"after": ranges}}


def mount(source, **changes):
    one = {"type": "bind", "source": source, "name": None, "rw": True, "propagation": "rprivate", "kind": "directory"}
    one.update(uid=0, gid=0, real=source)
    return dict(one, **changes)


def container(name, *mounts, state="running", **changes):
    one = {"name": name, "state": state, "mounts": list(mounts), "conflicts": [], "userns_host": False}
    return dict(one, **changes)


def host(*containers, userns=None, trees=(), volumes=(), transactions=(), **changes):
    engine = {
        "primary": True,
        "error": None,
        "userns": userns or PLAIN,
        "containers": list(containers),
        "volumes": list(volumes),
    }
    engine.update(service="docker.service", data_root="/var/lib/docker")
    engine.update(changes)
    return {"engines": [engine], "trees": list(trees), "transactions": list(transactions)}


def entry(path, method, mapping, was=None):
    return {"path": path, "source": path, "method": method, "mapping": mapping, "was": was, "there": True}


def paths(found):
    return [tree["path"] for tree in found["trees"]]


def test_nothing_is_asked_for_and_nothing_found():
    found = _volumes_plan.wanted(host(container("web", mount("/srv/a"))), subid("A"))
    assert (found["trees"], found["mapping"], found["refusals"], found["told"]) == ([], None, [], [])
    assert _volumes_plan.groups(found, []) == []
    planned = _volumes_plan.plan(found, [], [])
    assert planned["trees"] == planned["told"] == planned["refusals"] == []
    assert planned["stop"] is planned["write"] is False
    assert planned["first"] == planned["stopped"] == {"mount": [], "shift": []}


def test_listed_paths_come_as_a_list_or_a_line_each_and_outer_ones_alone():
    for given in (["/srv/b/", "/srv/b/c", "/srv/bc", "/srv/a/../d"], " /srv/b/\n\n/srv/b/c\n/srv/bc\n/srv/a/../d\n"):
        assert paths(_volumes_plan.wanted(host(), subid("A"), given)) == ["/srv/b", "/srv/bc", "/srv/d"]


@pytest.mark.parametrize(
    "options, words",
    [
        ({"paths": ["srv"]}, "volumes_paths: 'srv' is no absolute path"),
        ({"paths": ["/srv"], "method": "chown"}, "volumes_method: 'chown' is none; choose one of auto, idmap, shift"),
        ({"paths": ["/srv/a"]}, "apply userns first"),
        ({"used": True}, "the engine remaps no ids to which directories could be fitted; apply userns first"),
        ({"paths": ["/srv"], "left": "/a\nb"}, "volumes_except: 'b' is no absolute path"),
    ],
)
def test_what_is_refused(options, words):
    found = _volumes_plan.wanted(host(), **options)
    assert words in found["refusals"][0] and found["trees"] == []


def test_an_engine_that_remaps_is_its_own_target():
    found = _volumes_plan.wanted(host(userns=REMAPPED), paths=["/srv/a"])
    assert (found["mapping"], found["moves"]) == (OPTION["A"], False)
    assert found["trees"][0]["source"] is None
    running = dict(REMAPPED, mapping=B)
    assert _volumes_plan.wanted(host(userns=running), paths=["/srv/a"])["mapping"] == OPTION["B"]


@pytest.mark.parametrize(
    "userns, name, moves, source",
    [(PLAIN, "A", True, None), (REMAPPED, "A", False, None), (REMAPPED, "B", True, {"mapping": OPTION["A"]})],
)
def test_what_the_ids_mean_before_a_switch(userns, name, moves, source):
    found = _volumes_plan.wanted(host(userns=userns), subid(name), ["/srv/a"])
    assert (found["moves"], found["trees"][0]["source"], found["mapping"]) == (moves, source, OPTION[name])


def test_an_engine_that_does_not_run_yet_has_no_containers():
    dead = host(container("web", mount("/srv/a")), error="dead")
    found = _volumes_plan.wanted(dead, subid("A"), ["/srv/b"], used=True)
    assert paths(found) == ["/srv/b"] and found["moves"] is True and found["trees"][0]["users"] == []


@pytest.mark.parametrize(
    "known, source, method",
    [
        (entry("/srv/a", "shift", A), {"mapping": OPTION["A"]}, "shift"),
        (entry("/srv/a", "shift", B), None, "shift"),
        (entry("/srv/a", "shift", B, A), {"mapping": OPTION["A"]}, "shift"),
        (entry("/srv/a", "idmap", A), None, "idmap"),
    ],
)
def test_the_ledger_knows_better(known, source, method):
    found = _volumes_plan.wanted(host(userns=REMAPPED, trees=[known]), subid("B"), ["/srv/a"])
    assert (found["trees"][0]["source"], found["trees"][0]["method"]) == (source, method)
    other = {"shift": "idmap", "idmap": "shift"}[method]
    found = _volumes_plan.wanted(host(trees=[known]), subid("B"), ["/srv/a"], method=other)
    assert f"changed with {method}; take that run back" in found["refusals"][0]
    assert not _volumes_plan.wanted(host(trees=[known]), subid("B"), ["/srv/a"], method=method)["refusals"]


def test_what_containers_use_is_found():
    def use(name, source, **changes):
        return container(name, mount(source, **changes))

    containers = [
        use("rw", "/srv/rw"),
        use("ro", "/srv/ro", rw=False),
        use("socket", "/srv/socket", kind="other"),
        use("mine", "/srv/mine", uid=100007, gid=200000),
        use("half", "/srv/half", uid=100007, gid=5),
        use("unknown", "/srv/unknown", uid=None, gid=None, kind=None),
        use("system", "/etc/ssl"),
        use("root", "/root/x"),
        use("run", "/run/dbus"),
        use("keys", "/srv/a/.ssh"),
        use("engine", "/var/lib/docker"),
        use("containerd", "/var/lib/containerd/x"),
        use("link", "/srv/link", real="/srv/real"),
        container("host", mount("/srv/host"), userns_host=True),
        container("refused", mount("/srv/secret", rw=False), conflicts=[{"path": "/srv/secret"}, {"path": None}]),
        container(
            "volume",
            {"type": "volume", "source": "/v", "name": "v", "rw": True, "kind": None, "propagation": "", "real": None},
        ),
        container(
            "plain",
            {"type": "volume", "source": "/p", "name": "p", "rw": True, "kind": None, "propagation": "", "real": None},
        ),
    ]
    volumes = [
        {"name": "v", "driver": "local", "options": {"type": "none", "o": "rw,bind", "device": "/srv/device"}},
        {"name": "p", "driver": "local", "options": {}},
        {"name": "n", "driver": "local", "options": {"type": "nfs", "o": "addr=x", "device": "/export"}},
        {"name": "r", "driver": "local", "options": {"type": "none", "o": "bind", "device": "relative"}},
        {"name": "f", "driver": "other", "options": {"type": "none", "o": "bind", "device": "/srv/foreign"}},
        {"name": "d", "driver": "local", "options": {"type": "none", "o": "bind"}},
    ]
    odd = [{"type": "volume", "source": "/o", "name": name, "rw": True, "kind": None, "real": None} for name in "nrfd"]
    containers.append(container("odd", *odd))
    found = _volumes_plan.wanted(host(*containers, volumes=volumes), subid("A"), used=True)
    assert paths(found) == ["/srv/device", "/srv/half", "/srv/real", "/srv/rw", "/srv/secret"]
    assert [tree["users"] for tree in found["trees"]] == [["volume"], ["half"], ["link"], ["rw"], ["refused"]]
    assert found["told"] == [
        f"{path}: belongs to the host and stays as it is; {name} will see it with other owners."
        for path, name in (
            ("/etc/ssl", "system"),
            ("/root/x", "root"),
            ("/run/dbus", "run"),
            ("/srv/a/.ssh", "keys"),
            ("/var/lib/containerd/x", "containerd"),
            ("/var/lib/docker", "engine"),
        )
    ]
    left = _volumes_plan.wanted(host(*containers, volumes=volumes), subid("A"), used=True, left="/srv/rw\n/srv/dev\n")
    assert paths(left) == ["/srv/device", "/srv/half", "/srv/real", "/srv/secret"]


def test_who_uses_a_tree_and_what_cannot_be_mounted():
    containers = [
        container("above", mount("/srv"), state="exited"),
        container("below", mount("/srv/a/b", propagation="rshared"), state="paused"),
        container("file", mount("/srv/f", kind="file"), state="created"),
        container("beside", mount("/srv/ab")),
    ]
    found = _volumes_plan.wanted(host(*containers), subid("A"), ["/srv/a", "/srv/f"])
    first, second = found["trees"]
    assert (first["users"], first["busy"], first["spread"]) == (["above", "below"], True, True)
    assert (second["users"], second["busy"], second["spread"]) == (["above", "file"], False, False)
    assert [first["method"], second["method"]] == ["auto", "shift"]
    assert [_volumes_plan.tries(tree) for tree in found["trees"]] == [True, False]


def mounted(path, **changes):
    return dict({"path": path, "files": ["/x"], "restart_required": True, "enabled": {"before": False}}, **changes)


def there(path, **changes):
    return dict({"path": path, "files": [], "restart_required": False, "enabled": {"before": True}}, **changes)


def count(path, changed=3, mounts=0, **changes):
    one = {"path": path, "inodes": 4, "changed": changed, "bytes": 5000, "seconds": 10.0, "dropped": 0}
    return dict(one, mounts={"count": mounts}, **changes)


def counted(*counts):
    """A result of volume_chown."""
    measured = [{key: one.pop(key) for key in ("bytes", "seconds")} for one in counts]
    return {"trees": list(counts), "measured": measured}


def test_a_switch_mounts_before_and_shifts_while_the_engine_is_stopped():
    engine = host(container("web", mount("/srv/a"), mount("/srv/b")))
    found = _volumes_plan.wanted(engine, subid("A"), ["/srv/a", "/srv/b", "/srv/c"])
    tried = [REFUSED, mounted("/srv/b"), REFUSED]
    assert _volumes_plan.groups(found, tried) == [{"paths": ["/srv/a", "/srv/c"], "source": None}]
    planned = _volumes_plan.plan(
        found, tried, [counted(count("/srv/a"), count("/srv/c", seconds=100, dropped=1, mounts=2))]
    )
    assert planned["first"] == {"mount": ["/srv/b"], "shift": [{"paths": ["/srv/c"], "source": None}]}
    assert planned["stopped"] == {"mount": [], "shift": [{"paths": ["/srv/a"], "source": None}]}
    assert planned["trees"] == ["/srv/a", "/srv/b", "/srv/c"]
    assert (planned["stop"], planned["write"], planned["refusals"]) == (True, True, [])
    assert planned["told"] == [
        "/srv/a: 3 of 4 inodes (5 KiB) get other owners, in about 15 s, while the engine is stopped (for web).",
        "Why it is not mounted with mapped ids: /srv/a: cannot be mounted.",
        "/srv/b: is mounted over itself with mapped ids, which programs of the host see too; no file is touched "
        "(for web).",
        "/srv/c: 3 of 4 inodes (5 KiB) get other owners, 1 of them without setuid and setgid bits and capabilities, in "
        "about 2 min; 2 mounts in it stay as they are.",
        "Why it is not mounted with mapped ids: /srv/a: cannot be mounted.",
        "volumes: the engine is away for about 15 s more than for its restart.",
    ]


def test_what_is_done_already_is_nothing_to_do():
    found = _volumes_plan.wanted(host(container("web", mount("/srv/a"))), subid("A"), ["/srv/a", "/srv/b"])
    planned = _volumes_plan.plan(found, [there("/srv/a"), REFUSED], [counted(count("/srv/b", changed=0))])
    assert planned["first"] == planned["stopped"] == {"mount": [], "shift": []} and planned["told"] == []
    assert planned["trees"] == ["/srv/a", "/srv/b"]
    for changes in ({"files": ["/x"]}, {"restart_required": True}, {"enabled": {"before": False}}):
        planned = _volumes_plan.plan(found, [there("/srv/a", **changes), there("/srv/b")], [])
        assert planned["first"]["mount"] == ["/srv/a"]


def test_a_mount_that_running_containers_would_see_waits_for_the_stop():
    engine = host(container("web", mount("/srv", propagation="slave")))
    found = _volumes_plan.wanted(engine, subid("A"), ["/srv/a"])
    planned = _volumes_plan.plan(found, [mounted("/srv/a")], [])
    assert planned["stopped"]["mount"] == ["/srv/a"] and planned["stop"] and not planned["write"]


def test_containers_outside_of_the_mapping_are_told_what_they_will_see():
    engine = host(container("web", mount("/srv/a")), container("agent", mount("/srv/a"), userns_host=True))
    found = _volumes_plan.wanted(engine, subid("A"), ["/srv/a", "/srv/b"])
    assert [tree["unmapped"] for tree in found["trees"]] == [["agent"], []]
    planned = _volumes_plan.plan(found, [mounted("/srv/a"), there("/srv/b")], [])
    assert planned["told"][1:] == ["/srv/a: agent runs with --userns=host and will see the mapped ids."]


def test_without_a_switch_the_engine_is_stopped_only_where_it_may():
    engine = host(container("web", mount("/srv/a")), userns=REMAPPED)
    found = _volumes_plan.wanted(engine, paths=["/srv/a"], method="shift")
    shifts = [counted(count("/srv/a"))]
    (refusal,) = _volumes_plan.plan(found, [], shifts)["refusals"]
    assert refusal.startswith("volumes_stop_ok: is false, and /srv/a cannot be changed while web runs; set it to true")
    planned = _volumes_plan.plan(found, [], shifts, stop_ok=True)
    assert planned["refusals"] == [] and planned["stop"]
    (refusal,) = _volumes_plan.plan(found, [], shifts, stop_ok=True, live_restore=True)["refusals"]
    assert refusal.startswith("live-restore: true would have web go on while /srv/a is changed; stop them")
    # A mount needs no stop, and is seen by containers that start after it.
    found = _volumes_plan.wanted(engine, paths=["/srv/a"], method="idmap")
    planned = _volumes_plan.plan(found, [mounted("/srv/a")], [])
    assert planned["told"][1:] == ["/srv/a: web will see the mount after a restart."] and planned["refusals"] == []
    by_hand = host(container("web", mount("/srv/a")), userns=REMAPPED, service=None)
    found = _volumes_plan.wanted(by_hand, paths=["/srv/a"])
    (refusal,) = _volumes_plan.plan(found, [], [counted(count("/srv/a"))], stop_ok=True)["refusals"]
    assert refusal.startswith("engine: it was started by hand, so that it cannot be stopped to change /srv/a; stop it")


def test_what_modules_refuse_is_refused():
    found = _volumes_plan.wanted(host(), subid("A"), ["/srv/a"], method="idmap")
    assert _volumes_plan.groups(found, [REFUSED]) == []
    planned = _volumes_plan.plan(found, [REFUSED], [])
    assert planned["refusals"] == [REFUSED["msg"]] and planned["first"]["mount"] == []
    # Only what says so can be shifted instead.
    found, broken = _volumes_plan.wanted(host(), subid("A"), ["/srv/a"]), {"msg": "the module broke"}
    assert _volumes_plan.groups(found, [broken]) == []
    assert _volumes_plan.plan(found, [broken], [])["refusals"] == ["the module broke"]
    found = _volumes_plan.wanted(host(), subid("A"), ["/srv/a", "/srv/b"])
    planned = _volumes_plan.plan(found, [REFUSED, REFUSED], [{"msg": "/srv/b: is gone."}])
    assert planned["refusals"] == ["/srv/b: is gone."] and planned["first"]["shift"] == []


def test_trees_of_different_meaning_are_shifted_apart():
    known = entry("/srv/a", "shift", A)
    found = _volumes_plan.wanted(host(userns=PLAIN, trees=[known]), subid("B"), ["/srv/a", "/srv/b"], method="shift")
    grouped = _volumes_plan.groups(found, [])
    assert [(one["paths"], one["source"]) for one in grouped] == [
        (["/srv/a"], {"mapping": OPTION["A"]}),
        (["/srv/b"], None),
    ]
    planned = _volumes_plan.plan(found, [], [counted(count("/srv/a")), counted(count("/srv/b"))])
    assert planned["first"]["shift"] == grouped


@pytest.mark.parametrize(
    "tried, counts, write",
    [(mounted("/srv/a"), [], True), (REFUSED, [count("/srv/a", changed=1)], True), (there("/srv/a"), [], False)],
)
def test_whether_anything_is_done_before_the_switch(tried, counts, write):
    found = _volumes_plan.wanted(host(), subid("A"), ["/srv/a"])
    planned = _volumes_plan.plan(found, [tried], [counted(*counts)] if counts else [])
    assert (planned["write"], planned["stop"]) == (write, False)


@pytest.mark.parametrize(
    "seconds, words", [(0.1, "1 s"), (59.9, "90 s"), (60, "2 min"), (59.4, "89 s"), (60.4, "2 min"), (5800, "145 min")]
)
def test_times_in_words(seconds, words):
    found = _volumes_plan.wanted(host(), subid("A"), ["/srv/a"], method="shift")
    told = _volumes_plan.plan(found, [], [counted(count("/srv/a", seconds=seconds))])["told"]
    assert told[0].endswith(f"in about {words}.")


def test_trees_of_earlier_runs_come_along_where_the_mapping_changes_or_a_run_was_killed():
    trees = [entry("/srv/a", "shift", A), entry("/srv/b", "idmap", A)]
    assert paths(_volumes_plan.wanted(host(userns=REMAPPED, trees=trees), subid("B"))) == ["/srv/a", "/srv/b"]
    assert paths(_volumes_plan.wanted(host(userns=REMAPPED, trees=trees), subid("A"))) == []
    gone = [dict(trees[0], there=False), trees[1]]
    assert paths(_volumes_plan.wanted(host(userns=REMAPPED, trees=gone), subid("B"))) == ["/srv/b"]
    killed = host(userns=REMAPPED, trees=trees, transactions=[{"name": "x", "status": "open"}])
    assert paths(_volumes_plan.wanted(killed)) == ["/srv/a", "/srv/b"]


@pytest.mark.parametrize(
    "options, words",
    [
        ({"paths": ["/srv/a"], "left": ["/srv/a/b/"]}, "volumes_except: /srv/a/b lies in /srv/a, all of which"),
        ({"paths": ["/srv/in"]}, "volumes_paths: /srv/in/known in /srv/in was changed by an earlier run; take that"),
        ({"paths": ["/var/lib"]}, "volumes_paths: /var/lib holds the engine's data root; list what"),
        ({"paths": ["/var/lib/docker"]}, "volumes_paths: /var/lib/docker holds the engine's data root"),
    ],
)
def test_what_must_not_lie_in_a_tree(options, words):
    trees = [entry("/srv/known", "shift", A), entry("/srv/in/known", "shift", A)]
    found = _volumes_plan.wanted(host(userns=REMAPPED, trees=trees), subid("A"), **options)
    assert len(found["refusals"]) == 1 and found["refusals"][0].startswith(words)
    found = _volumes_plan.wanted(host(userns=REMAPPED, trees=trees), subid("A"), ["/srv/known", "/srv/in/known/a"])
    assert not found["refusals"] and paths(found) == ["/srv/known"]


def test_a_path_that_leads_elsewhere_is_refused():
    found = _volumes_plan.wanted(host(), subid("A"), ["/srv/a", "/srv/b"])
    planned = _volumes_plan.plan(found, [mounted("/data/a"), REFUSED], [counted(count("/data/b", changed=0))])
    assert planned["refusals"] == [
        "volumes_paths: /srv/a leads to /data/a; give that path.",
        "volumes_paths: /srv/b leads to /data/b; give that path.",
    ]


@pytest.mark.parametrize(
    "size, words",
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1 KiB"),
        (5 << 30, "5 GiB"),
        (3 << 40, "3.0 TiB"),
        (5000 << 40, "5000.0 TiB"),
    ],
)
def test_sizes_in_words(size, words):
    found = _volumes_plan.wanted(host(), subid("A"), ["/srv/a"], method="shift")
    told = _volumes_plan.plan(found, [], [counted(count("/srv/a", bytes=size, seconds=0.01))])["told"]
    assert told == [f"/srv/a: 3 of 4 inodes ({words}) get other owners, in about 1 s."]


def test_a_run_that_was_killed_was_allowed_to_stop_the_engine():
    one = container("web", mount("/srv/a"))
    killed = host(one, userns=REMAPPED, transactions=[{"name": "x", "status": "open"}])
    found = _volumes_plan.wanted(killed, paths=["/srv/a"], method="shift")
    planned = _volumes_plan.plan(found, [], [counted(count("/srv/a"))])
    assert found["unfinished"] is True and planned["refusals"] == [] and planned["stop"]


def test_shifts_that_were_interrupted_are_finished_before_the_engine_starts():
    trees = [
        entry("/srv/a", "shift", A),
        entry("/srv/b", "shift", A, B),
        entry("/srv/c", "shift", B),
        entry("/srv/d", "idmap", A),
        dict(entry("/srv/e", "shift", A), there=False),
        entry("/srv/f", "shift", A),
    ]
    open_one = [{"name": "x", "status": "open"}]
    coming = dict(PLAIN, expected_mapping=A)
    dead = host(error="dead", userns=coming, trees=trees, transactions=open_one)
    target = {"mapping": OPTION["A"]}
    assert _volumes_plan.interrupted(dead) == [
        {"paths": ["/srv/a", "/srv/f"], "source": None, "target": target},
        {"paths": ["/srv/b"], "source": {"mapping": OPTION["B"]}, "target": target},
    ]
    for other in (
        host(userns=coming, trees=trees, transactions=open_one),
        host(error="dead", userns=coming, trees=trees, transactions=[{"name": "x", "status": "applied"}]),
        host(error="dead", userns=PLAIN, trees=trees, transactions=open_one),
        host(error="dead", userns=dict(PLAIN, expected_mapping=B), trees=trees[:2], transactions=open_one),
        dict(dead, engines=[]),
    ):
        assert _volumes_plan.interrupted(other) == []


def test_bits_are_kept_on_the_way_back_as_long_as_no_container_can_have_made_them():
    def back(*roots, shifts):
        return _volumes_plan.back(host(numbered_roots=[{"path": one} for one in roots]), shifts, "drop")

    shifts = [{"source": None}, {"source": {"mapping": OPTION["A"]}}]
    assert back(shifts=shifts) == back("/var/lib/docker/100000.200001", shifts=shifts) == "keep"
    assert back("/x/1.1", "/var/lib/docker/100000.200000", shifts=shifts) == "drop"
    assert back("/var/lib/docker/100000.200000", shifts=[{"source": None}]) == "keep"
    assert back("/var/lib/docker/100000.200000", shifts=[]) == "keep"
    odd = {"mapping": {"uid": [{"container_start": 1, "host_start": 5, "count": 1}], "gid": []}}
    assert back("/var/lib/docker/.", shifts=[{"source": odd}]) == "drop"
