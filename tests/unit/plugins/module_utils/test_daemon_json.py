# SPDX-License-Identifier: GPL-3.0-or-later
import json

import pytest

from ansible_collections.containment.docker.plugins.module_utils import _daemon_json, _daemon_values, _json_text
from ansible_collections.containment.docker.plugins.module_utils._engine_flags import Flag, Service
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

PATH = "/etc/docker/daemon.json"
NO_FLAGS = _daemon_json.Flags([], [])


def planned(data, merge=None, remove=(), version=(28, 5, 2), allow_unknown=False, flags=(), stale=()):
    if isinstance(data, dict):
        data = json.dumps(data).encode()
    request = _daemon_json.Request(merge or {}, list(remove), allow_unknown, version)
    return _daemon_json.plan(PATH, data, request, _daemon_json.Flags(list(flags), list(stale)))


def refusal(*args, **named):
    with pytest.raises(ContainmentError) as caught:
        planned(*args, **named)
    text = str(caught.value)
    assert "\n" not in text and text.endswith(".") and caught.value.mend
    return text


# --- merge and remove ---


def test_objects_are_merged_and_everything_else_replaced():
    plan = planned(
        {"log-opts": {"tag": "x", "max-size": "1m"}, "dns": ["10.0.0.1"], "icc": True},
        {"log-opts": {"max-size": "10m"}, "dns": ["10.0.0.2"], "icc": False},
    )
    assert plan.after == {"log-opts": {"tag": "x", "max-size": "10m"}, "dns": ["10.0.0.2"], "icc": False}
    assert json.loads(plan.data.decode()) == plan.after
    assert plan.changed_keys == ["dns", "icc", "log-opts"]


def test_null_takes_a_member_out():
    plan = planned({"log-opts": {"tag": "x", "max-size": "1m"}}, {"log-opts": {"tag": None, "none": None}})
    assert plan.after == {"log-opts": {"max-size": "1m"}}


def test_an_object_takes_the_place_of_another_type():
    assert _daemon_json.merge({"a": [1]}, {"a": {"b": {"c": 1, "d": None}}}) == {"a": {"b": {"c": 1}}}


def test_remove_of_a_missing_key_and_of_no_file_changes_nothing():
    for data in (None, b"", b'{"icc": true}'):
        plan = planned(data, remove=["debug"])
        assert (plan.data, plan.changed_keys, plan.reload_required, plan.restart_required) == (data, [], False, False)


def test_the_same_values_leave_the_text_alone():
    data = b'{"icc" :false\n\n, "dns":["10.0.0.1"] }'
    plan = planned(data, {"dns": ["10.0.0.1"], "icc": False})
    assert plan.data is data and plan.changed_keys == []


def test_true_and_one_differ():
    assert _daemon_json.changed_keys({"a": 1}, {"a": True}) == ["a"]
    assert _daemon_json.changed_keys({"a": None}, {}) == ["a"]


# --- refusals ---


def test_malformed_file():
    assert refusal(b'{"icc": true,\n}', {"icc": False}).startswith(f"{PATH}, line 1, column 13: ")


def test_key_in_merge_and_remove():
    assert "icc: stands in merge and in remove" in refusal(None, {"icc": False}, ["icc"])


def test_null_at_the_top():
    assert "icc: null in merge; name the key in remove" in refusal(None, {"icc": None})


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "\ud800"])
def test_values_that_are_no_json(value):
    assert "cannot be written as JSON" in refusal(None, {"bridge": value})


@pytest.mark.parametrize(
    "name, near",
    [
        ("Icc", "icc"),
        ("userns_remap", "userns-remap"),
        ("usernsremap", "userns-remap"),
        ("label", "labels"),
        ("host", "hosts"),
        ("log-opt", "log-opts"),
        ("insecure-registry", "insecure-registries"),
        ("http-proxy", "proxies.http-proxy"),
        ("add-runtime", "runtimes"),
        ("live-restores", "live-restore"),
    ],
)
def test_unknown_keys_name_the_nearest(name, near):
    text = refusal(None, {name: "x"})
    assert text.startswith(
        f"{name}: engine 28.5.2 does not have this key, the nearest is {near}; leave it out of merge, "
        f"or set allow_unknown"
    )


def test_unknown_key_without_neighbour_and_without_version():
    assert refusal(None, {"zzzz": 1}, version=None) == (
        "zzzz: no engine from 20.10 to 29 has this key; leave it out of merge, or set allow_unknown "
        "if you are sure of it."
    )


def test_allow_unknown_warns():
    plan = planned(None, {"zzzz": 1}, allow_unknown=True)
    assert plan.after == {"zzzz": 1} and plan.restart_required
    assert plan.warnings[0].startswith("zzzz: not known")


@pytest.mark.parametrize(
    "name, value, version, words",
    [
        ("bip6", "fd00::1/64", (27, 5, 1), "engine 27.5.1 does not know it, it came with 28.0"),
        ("allow-direct-routing", True, (28, 1, 1), "engine 28.1.1 does not know it, it came with 28.2"),
        ("oom-score-adjust", -500, (26, 0, 0), "engine 26.0 does not start with it, it went with 26.0"),
        ("graph", "/srv", (29, 0, 0), "engine 29.0 does not start with it, it went with 24.0"),
    ],
)
def test_keys_of_other_engines(name, value, version, words):
    assert words in refusal(None, {name: value}, version=version)


@pytest.mark.parametrize(
    "name, value, version",
    [
        ("bip6", "fd00::1/64", (28, 0, 0)),
        ("allow-direct-routing", True, (28, 2, 0)),
        ("oom-score-adjust", -500, (25, 0, 17)),
        ("graph", "/srv", (23, 0, 18)),
        ("bip6", "fd00::1/64", None),
        ("graph", "/srv", None),
    ],
)
def test_keys_of_this_engine_and_of_an_unknown_one(name, value, version):
    plan = planned(None, {name: value}, version=version)
    assert plan.after == {name: value}
    assert bool(plan.warnings) == (version is None)


def test_an_unknown_key_that_is_there_already():
    assert "name it in remove, it stands in /etc/docker/daemon.json" in refusal({"zzzz": 1}, {"icc": False})
    assert planned({"zzzz": 1}, {"icc": False}, remove=["zzzz"]).after == {"icc": False}
    assert planned({"zzzz": 1}, {"icc": False}, version=(30, 0, 0)).warnings[0].startswith("zzzz: not known")
    refusal({"icc": True}, {"zzzz": 1}, version=(30, 0, 0))


@pytest.mark.parametrize(
    "name, value, wanted",
    [
        ("icc", "false", "make it true or false"),
        ("icc", 0, "make it true or false"),
        ("mtu", "1500", "make it a whole number"),
        ("mtu", True, "make it a whole number"),
        ("mtu", 1.0, "make it a whole number"),
        ("dns", "10.0.0.1", "make it a list of IP addresses"),
        ("dns", ["host"], "make it a list of IP addresses"),
        ("labels", ["a", 1], "make it a list of strings"),
        ("log-opts", {"max-file": 3}, "with strings as values"),
        ("default-shm-size", 64, 'such as "64M"'),
        ("default-shm-size", "64 apples", 'such as "64M"'),
        ("features", {"buildkit": "yes"}, "true or false as values"),
        ("default-ulimits", {"nofile": {"Name": "nofile", "Hard": "1"}}, "make it an object such as"),
        ("userns-remap", 1000, "make it a string"),
        ("default-address-pools", [{"base": "10.0.0.0/8"}], "make it a list such as"),
        ("runtimes", {"x": "/bin/x"}, "make it an object such as"),
        ("proxies", {"http": "x"}, "http-proxy, https-proxy and no-proxy"),
        ("ip", "10.0.0", "make it an IP address"),
        ("max-concurrent-downloads", 2**70, "make it a whole number"),
        ("shutdown-timeout", -(2**63) - 1, "make it a whole number"),
        ("default-gateway", "nonsense", "make it an IP address"),
    ]
    + [
        (name, value, "make it an address with the length of its prefix")
        for name in ("bip", "bip6", "fixed-cidr", "fixed-cidr-v6")
        for value in (
            "nonsense",
            "10.0.0.1",
            "10.0.0.1/33",
            "10.0.0.0/255.0.0.0",
            "fe80::1%eth0/64",
            "10.0.0.0/\u0662",
            1,
        )
    ],
)
def test_wrong_types(name, value, wanted):
    text = refusal(None, {name: value})
    assert text.startswith(f"{name}: ") and "has the wrong type" in text and wanted in text


@pytest.mark.parametrize(
    "name, value",
    [
        ("default-shm-size", "64M"),
        ("default-shm-size", "1.5gb"),
        ("default-shm-size", "1024"),
        ("ip", ""),
        ("ip", "fe80::1%eth0"),
        ("dns", []),
        ("default-ulimits", {"nofile": {"name": "nofile", "hard": 1, "Soft": 1}}),
        ("default-address-pools", [{"base": "10.0.0.0/8", "size": 24}]),
        ("runtimes", {"x": {"path": "/bin/x", "runtimeArgs": []}}),
        ("default-network-opts", {"bridge": {"a": "b"}}),
        ("builder", {"gc": {}}),
        ("shutdown-timeout", 2**63 - 1),
        ("shutdown-timeout", -(2**63)),
        ("max-concurrent-downloads", 0),
        ("network-diagnostic-port", 65535),
        ("labels", ["a=", "=b", "com.docker=x"]),
        ("bip", "10.0.0.1/24"),
        ("bip", ""),
        ("fixed-cidr-v6", "fd00::/80"),
    ],
)
def test_right_types(name, value):
    assert planned(None, {name: value}).after == {name: value}


@pytest.mark.parametrize("asked", [True, False])
@pytest.mark.parametrize(
    "name, value, version, words",
    [
        ("max-concurrent-downloads", -1, (20, 10, 24), "does not start with -1; give 0 or more"),
        ("max-concurrent-uploads", -1, None, "does not start with -1; give 0 or more"),
        ("max-download-attempts", -1, (23, 0, 0), "does not start with -1; give 0 or more"),
        ("max-download-attempts", 0, (22, 6, 0), "does not start with 0; give 1 or more"),
        ("mtu", -1, (20, 10, 24), "does not start with -1; give 0 or more"),
        ("network-diagnostic-port", 65536, (28, 0, 0), "does not start with 65536; give 0 to 65535"),
        ("labels", ["a=b", "x"], (20, 10, 24), 'labels: "x" is no label; write it as key=value'),
        ("labels", ["COM.docker.x=y"], (29, 0, 0), "that the engine keeps for itself"),
        ("labels", ["http://u:word@h"], None, 'labels: "http://********@h" is no label'),
        ("default-runtime", "nope", None, 'default-runtime: "nope" is not in runtimes'),
        ("default-runtime", "io.containerd.runsc.v1", (20, 10, 24), "is not in runtimes"),
        ("default-runtime", "/a.b", (28, 0, 0), "is not in runtimes"),
        ("default-runtime", ".b", (28, 0, 0), "is not in runtimes"),
        ("runtimes", {"runc": {"path": "/x"}}, (28, 0, 0), "runc is the engine's own name"),
    ],
)
def test_values_that_no_engine_survives(asked, name, value, version, words):
    text = (
        refusal(None, {name: value}, version=version)
        if asked
        else refusal({name: value}, {"icc": True}, version=version)
    )
    assert text.startswith(name) and words in text


@pytest.mark.parametrize(
    "name, value, version",
    [
        ("max-download-attempts", 0, (23, 0, 0)),
        ("max-download-attempts", 0, None),
        ("max-download-attempts", 1, (20, 10, 24)),
        ("network-diagnostic-port", 65536, (27, 5, 1)),
        ("network-diagnostic-port", 65536, None),
        ("default-runtime", "runc", (20, 10, 24)),
        ("default-runtime", "", (28, 0, 0)),
        ("default-runtime", "io.containerd.runc.v2", (20, 10, 24)),
        ("default-runtime", "io.containerd.runtime.v1.linux", (20, 10, 24)),
        ("default-runtime", "io.containerd.runsc.v1", (23, 0, 0)),
        ("default-runtime", "io.containerd.runsc.v1", None),
    ],
)
def test_values_that_this_engine_survives(name, value, version):
    assert planned(None, {name: value}, version=version).after == {name: value}


def test_the_default_runtime_may_be_in_the_file_and_from_23_on_in_a_flag():
    crun = {"runtimes": {"crun": {"path": "/bin/crun"}}}
    assert planned(crun, {"default-runtime": "crun"}, version=(20, 10, 24)).restart_required is False
    assert "add it to runtimes" in refusal(dict(crun, **{"default-runtime": "crun"}), remove=["runtimes"])
    flags = [Flag("runtimes", "crun=/bin/crun", UNIT)]
    assert planned(None, {"default-runtime": "crun"}, version=(23, 0, 0), flags=flags).changed_keys
    assert "add it to runtimes" in refusal(None, {"default-runtime": "crun"}, version=(20, 10, 24), flags=flags)
    assert "add it to runtimes" in refusal(None, {"default-runtime": "nope"}, flags=flags)


def test_icc_and_iptables_are_not_both_off():
    words = "icc: false together with iptables: false"
    assert words in refusal(None, {"icc": False, "iptables": False})
    assert words in refusal({"iptables": False}, {"icc": False})
    assert words in refusal(None, {"icc": False}, flags=[Flag("iptables", "false", UNIT)])
    assert words in refusal(None, {"iptables": False}, flags=[Flag("icc", "0", UNIT)])
    for merge in ({"icc": False}, {"iptables": False}, {"icc": False, "iptables": True}):
        assert planned(None, merge).after == merge
    assert planned(None, {"icc": False}, flags=[Flag("iptables", "true", UNIT)]).changed_keys == ["icc"]


def test_choices_bind_what_is_asked_for_alone():
    assert 'log-level: "loud" is not one of its values; use one of debug, info' in refusal(None, {"log-level": "loud"})
    assert planned({"log-level": "warning"}, {"icc": False}).after["icc"] is False


def test_null_in_the_file_is_left_alone():
    assert planned({"icc": None}, {"debug": True}).after == {"icc": None, "debug": True}


@pytest.mark.parametrize(
    "value, version, words",
    [
        ("root", (20, 10, 24), "switches user namespaces off"),
        ("0", None, "switches user namespaces off"),
        ("00:1", None, "switches user namespaces off"),
        ("+0", None, "switches user"),
        ("root:root", None, "switches user namespaces off"),
        ("0:0", None, "switches user namespaces off"),
        ("a:b:c", (20, 10, 24), "has 3 parts"),
        ("a:b:c:d", None, "has 4 parts"),
        ("a:", None, "has an empty part"),
        (":b", None, "has an empty part"),
        ("default", (28, 0, 0), "lets this engine pick ids that overlap"),
        ("default", None, "engines from 28.0 on"),
    ],
)
def test_userns_remap(value, version, words):
    text = refusal(None, {"userns-remap": value}, version=version)
    assert text.startswith("userns-remap: ") and words in text


@pytest.mark.parametrize(
    "value, version",
    [("default", (27, 5, 1)), ("dockremap", None), ("1000:1000", None), ("", None), ("rooty", None), ("10", None)],
)
def test_userns_remap_that_passes(value, version):
    assert planned(None, {"userns-remap": value}, version=version).after == {"userns-remap": value}


def test_a_weak_remap_that_is_there_is_left_to_audits_and_a_deadly_one_is_not():
    assert planned({"userns-remap": "default"}, {"icc": False}).changed_keys == ["icc"]
    assert "has 3 parts" in refusal({"userns-remap": "a:b:c"}, {"icc": False})


def test_remap_and_the_snapshotter_of_29():
    features = {"features": {"containerd-snapshotter": True}}
    assert "features.containerd-snapshotter: true beside userns-remap" in refusal(
        features, {"userns-remap": "dockremap"}, version=(29, 0, 0)
    )
    assert planned(features, {"userns-remap": "dockremap"}, version=(28, 5, 2)).restart_required
    assert (
        planned(
            features, {"userns-remap": "dockremap", "features": {"containerd-snapshotter": None}}, version=(29, 0, 0)
        ).after["features"]
        == {}
    )


def test_both_gateway_keys():
    assert "host-gateway-ip is set too" in refusal({"host-gateway-ip": "10.0.0.1"}, {"host-gateway-ips": ["10.0.0.1"]})


def test_secrets_do_not_show_in_refusals():
    text = refusal(None, {"proxies": {"http-proxy": "http://me:word@proxy", "ftp-proxy": "x"}})
    assert "word" not in text and "http://********@proxy" in text


@pytest.mark.parametrize(
    "name, value, masked",
    [
        ("tag", "http://user:p'w@host", "http://********@host"),
        ("tag", 'http://user:p"w@h', "http://********@h"),
        ("tag", "http://us:p/w@host", "http://********@host"),
        ("tag", "http://user:p\\w@host", "http://********@host"),
        ("tag", "http://user:p@ss@host/a", "http://********@host/a"),
        ("tag", "to http://a:b@c or http://d:e@f", "to http://********@c or http://********@f"),
        ("tag", "me@host", "me@host"),
        ("tag", "http://host/a", "http://host/a"),
        ("http-proxy", "user:pw@proxy:3128", "********@proxy:3128"),
        ("https-proxy", "us:p://w@x@proxy", "********@proxy"),
        ("HTTP_PROXY", "http://us:p/w@proxy", "http://********@proxy"),
        ("http-proxy", "proxy:3128", "proxy:3128"),
        ("splunk-token", "abc", "********"),
        ("splunk-token", "", ""),
        ("splunk-token", 1234, "********"),
        ("x-access-key-id", "abc", "********"),
        ("tokens", "abc", "********"),
        ("tlskey", "/etc/key.pem", "/etc/key.pem"),
        ("tag", "//user:pw@host", "//********@host"),
        ("tag", "MY_TOKEN=abc X=1", "MY_TOKEN=******** X=1"),
        ("tag", "a=b c", "a=b c"),
    ],
)
def test_secrets_are_masked(name, value, masked):
    assert _daemon_values.mask({"x": {name: [value]}}) == {"x": {name: [masked]}}
    assert _daemon_values.secret(name, value) == (value != masked)
    assert _daemon_values.conceal(name, masked) == masked
    data = json.dumps({"log-opts": {name: value}}).encode()
    assert json.loads(_daemon_json.shown(data, PATH)) == {"log-opts": {name: masked}}


# --- flags ---

UNIT = "/lib/systemd/system/docker.service:14"


def test_a_key_that_a_flag_sets_too():
    flag = Flag("icc", "false", UNIT)
    assert refusal({"debug": True}, {"icc": False}, flags=[flag]) == (
        f'icc: false in {PATH}, while the flag at {UNIT} sets "false", and the engine does not start with both; '
        "take the flag out there, or leave the key out of merge."
    )
    assert "name the key in remove" in refusal({"icc": True}, {"debug": False}, flags=[flag])
    assert planned({"icc": True}, {"debug": False}, remove=["icc"], flags=[flag]).after == {"debug": False}


def test_hosts_beside_the_socket_activation():
    assert "give the unit a drop-in with an empty ExecStart= and one without -H" in refusal(
        None, {"hosts": ["unix:///run/x"]}, flags=[Flag("hosts", "fd://", UNIT)]
    )
    assert "take the flag out there" in refusal(
        None, {"hosts": ["unix:///run/x"]}, flags=[Flag("hosts", "x", "/etc/default/docker:3")]
    )


def test_members_are_compared_as_the_engine_does():
    flag = Flag("http-proxy", "http://a:b@c", UNIT)
    text = refusal(None, {"proxies": {"http-proxy": "http://u:v@w"}}, flags=[flag])
    assert text.startswith('http-proxy: "http://********@w" in') and 'sets "http://********@c"' in text
    assert planned(None, {"proxies": {"https-proxy": "http://w"}}, flags=[flag]).changed_keys == ["proxies"]
    # log-opts is compared as a whole, its members are not
    assert planned(None, {"log-opts": {"labels": "x"}}, flags=[Flag("labels", "a=b", UNIT)]).changed_keys == [
        "log-opts"
    ]


def test_runtimes_may_be_in_both():
    assert planned(
        None, {"runtimes": {"x": {"path": "/bin/x"}}}, flags=[Flag("runtimes", "y=/bin/y", UNIT)]
    ).reload_required


def engine(**named):
    made = {
        "host": True,
        "uid": 0,
        "pid": 7,
        "service": None,
        "config_file": PATH,
        "flags": [Flag("icc", "false", "running process 7")],
    }
    made.update(named)
    return made


def service(flags=(), name="docker.service", manager="systemd", path=PATH):
    return Service(name, manager, UNIT, ["/usr/sbin/dockerd"], list(flags), path)


def test_flags_of_a_hand_started_engine_count():
    assert _daemon_json.flags_for(PATH, [], [engine()]).flags == engine()["flags"]
    assert _daemon_json.flags_for(PATH, [service()], [engine()]).flags == engine()["flags"]
    assert (
        _daemon_json.flags_for(PATH, [service(manager="sysv")], [engine(service="docker.service")]).flags
        == engine()["flags"]
    )


@pytest.mark.parametrize("other", [{"host": False}, {"uid": 1000}, {"config_file": "/etc/other.json"}])
def test_flags_of_other_engines_do_not(other):
    assert _daemon_json.flags_for(PATH, [], [engine(**other)]) == NO_FLAGS


def test_flags_that_the_unit_no_longer_gives_go_with_the_next_start():
    flags = _daemon_json.flags_for(PATH, [service()], [engine(service="docker.service")])
    assert flags == _daemon_json.Flags([], engine()["flags"])
    assert planned(None, {"icc": False}, stale=flags.stale).restart_required
    # the engine would refuse the reload because of the old flag
    plan = planned({"icc": False}, {"debug": True}, stale=flags.stale)
    assert plan.restart_required and not plan.reload_required


def test_flags_of_the_service_win_over_the_process():
    flags = _daemon_json.flags_for(PATH, [service([Flag("icc", "true", UNIT)])], [engine()])
    assert flags == _daemon_json.Flags([Flag("icc", "true", UNIT)], [])
    assert _daemon_json.flags_for("/other", [service([Flag("icc", "true", UNIT)])], [engine()]) == NO_FLAGS


def test_default_path():
    assert _daemon_json.default_path([], []) == PATH
    assert _daemon_json.default_path([service(path="/etc/a.json")], [engine()]) == "/etc/a.json"
    assert (
        _daemon_json.default_path(
            [], [engine(config_file="/etc/b.json"), engine(host=False, config_file="/etc/c.json")]
        )
        == "/etc/b.json"
    )
    assert _daemon_json.default_path([service(name="tenant.service", path="/etc/t.json")], []) == "/etc/t.json"
    with pytest.raises(ContainmentError) as caught:
        _daemon_json.default_path([], [engine(config_file="/etc/b.json"), engine(config_file="/etc/c.json")])
    assert "/etc/b.json, /etc/c.json" in str(caught.value)


# --- what follows ---


@pytest.mark.parametrize(
    "before, merge, remove, reload",
    [
        ({}, {"debug": True}, [], True),
        ({"debug": True}, {"debug": False}, [], True),
        ({"debug": True}, {}, ["debug"], False),
        ({}, {"icc": False}, [], False),
        ({}, {"icc": False, "debug": True}, [], False),
        ({"labels": ["a=b"]}, {"labels": []}, [], True),
        ({"max-concurrent-downloads": 5}, {}, ["max-concurrent-downloads"], True),
        ({"authorization-plugins": ["x"]}, {}, ["authorization-plugins"], True),
        ({"registry-mirrors": ["https://x"]}, {}, ["registry-mirrors"], False),
        ({"default-runtime": "x"}, {"default-runtime": ""}, [], False),
        ({}, {"features": {"buildkit": True}}, [], True),
        ({"features": {"buildkit": True}}, {}, ["features"], True),
        ({}, {"features": {"cdi": True}}, [], False),
        ({"features": {"buildkit": True, "cdi": True}}, {"features": {"buildkit": False}}, [], True),
    ],
)
def test_reload_or_restart(before, merge, remove, reload):
    plan = planned(before, merge, remove)
    assert (plan.reload_required, plan.restart_required) == (reload, not reload)


@pytest.mark.parametrize(
    "version, extra, reload",
    [
        ((24, 0, 9), {}, True),
        ((25, 0, 0), {}, False),
        (None, {}, False),
        ((28, 5, 2), {"userland-proxy-path": "/p"}, True),
    ],
)
def test_a_reload_that_the_engine_would_refuse(version, extra, reload):
    plan = planned(dict(extra, **{"userland-proxy": True}), {"debug": True}, version=version)
    assert (plan.reload_required, plan.restart_required) == (reload, not reload)


# --- undo ---

B, A = b'{"icc": true, "dns": ["10.0.0.1"]}', b'{"icc": false, "debug": true}'


def test_undo_of_an_untouched_file_is_the_file_before():
    assert _daemon_json.undo(B, A, A) is B
    assert _daemon_json.undo(None, A, A) is None


def test_undo_keeps_what_others_wrote():
    assert (
        _daemon_json.undo(B, A, b'{ "icc":false, "debug": true, "labels": ["x"] }')
        == b'{ "icc":true, "labels": ["x"], "dns": ["10.0.0.1"] }'
    )
    assert _daemon_json.undo(None, A, b'{"icc": false, "debug": true, "mtu": 1}') == b'{"mtu": 1}'
    assert _daemon_json.undo(None, A, b'{ "icc": false, "debug": true }') is None


@pytest.mark.parametrize(
    "now", [b'{"icc": 3, "debug": true}', b'{"icc": false, "debug": true, "dns": []}', b"not json"]
)
def test_undo_refuses_a_key_that_was_changed_again(now):
    with pytest.raises(ContainmentError):
        _daemon_json.undo(B, A, now)


def test_undo_of_what_is_half_undone():
    assert json.loads(_daemon_json.undo(B, A, b'{"icc": false}').decode()) == json.loads(B.decode())


def test_undo_twice_is_undo_once():
    once = _daemon_json.undo(B, A, b'{"icc": false, "debug": true, "mtu": 1}')
    assert _daemon_json.undo(B, A, once) is once
    assert _daemon_json.undo(None, A, None) is None


# --- what people see ---


def test_shown_masks_and_marks_secrets():
    before = b'{"proxies": {"http-proxy": "http://u:one@h"}, "dns": ["10.0.0.1"]}'
    after = (
        b'{"proxies": {"http-proxy": "http://u:two@h"}, "dns": ["10.0.0.1"],\n "log-opts": '
        b'{"splunk-token": "abc", "tag": "x"}}'
    )
    assert _daemon_json.shown(before, PATH) == '{"proxies": {"http-proxy": "http://********@h"}, "dns": ["10.0.0.1"]}'
    assert _daemon_json.shown(after, PATH, before) == (
        '{"proxies": {"http-proxy": "http://******** (changed)@h"}, "dns": ["10.0.0.1"],\n '
        '"log-opts": {"splunk-token": "******** (changed)", "tag": "x"}}'
    )
    assert _daemon_json.shown(after, PATH, after) == _daemon_json.shown(after, PATH)
    assert _daemon_json.shown(None, PATH) == ""


def test_flattened_follows_the_engine():
    assert _daemon_json.flattened({"a": 1, "proxies": {"x": 1}, "log-opts": {"y": 1}, "other": {"z": 1}}) == {
        "a": "a",
        "x": "proxies",
        "log-opts": "log-opts",
        "z": "other",
    }


def test_render_is_used_with_the_files_order():
    plan = planned(b'{\n    "mtu": 1400,\n    "icc": true\n}\n', {"userns-remap": "dockremap", "icc": False})
    assert plan.data == b'{\n    "mtu": 1400,\n    "icc": false,\n    "userns-remap": "dockremap"\n}\n'
    assert _json_text.same(_json_text.value(_json_text.parse(plan.data, PATH)), plan.after)
