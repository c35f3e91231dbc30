# SPDX-License-Identifier: GPL-3.0-or-later
"""What records come to, and what is proposed from them; with the host's libseccomp where names are looked up."""

import json

import pytest

from ansible_collections.containment.docker.plugins.module_utils import _audit_record, _seccomp_compose, _seccomp_learn
from ansible_collections.containment.docker.plugins.module_utils import _audit_summary as core
from ansible_collections.containment.docker.plugins.module_utils import _seccomp_profile as profiles
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError


def record(number, second=0, **changes):
    one = _audit_record.Record(1700000000.5 + second, 1, 9, 0, "sh", "/bin/sh", 0xC000003E, number, profiles.ERRNO)
    return one._replace(**changes)


def test_records_of_one_call_are_one_entry_and_the_runtimes_none():
    names = {305: "clock_adjtime", 99: None}
    owners = {9: ("web", core.PROCESS), 10: (None, None)}
    records = [record(305, 2), record(305, 1, exe="/bin/ls"), record(99, 3, pid=10), record(305, comm="runc:[2:INIT]")]
    told = core.denials(
        records, lambda one: owners[one.pid], lambda arch, number: (names[number], "A" if names[number] else None)
    )
    assert [(one["container"], one["call"], one["number"], one["count"]) for one in told] == [
        (None, None, 99, 1),
        ("web", "clock_adjtime", 305, 2),
    ]
    assert (told[1]["first"], told[1]["last"]) == ("2023-11-14T22:13:21Z", "2023-11-14T22:13:22Z")
    assert told[1]["programs"] == ["/bin/ls", "/bin/sh"] and told[0]["architecture"] == "0xc000003e"
    assert core.sentences(told) == [
        ("program /bin/sh", "was refused call 99 (1 times) by a seccomp filter, the last time 2023-11-14T22:13:23Z"),
        (
            "container web",
            "was refused clock_adjtime (2 times) by a seccomp filter, the last time 2023-11-14T22:13:22Z",
        ),
    ]
    assert core.sentences([dict(told[0], action=profiles.LOG)]) == []


def test_many_programs_and_calls_of_one_container():
    records = [record(305, number, exe=f"/bin/p{number}") for number in range(9)] + [record(306, 20)]
    told = core.denials(records, lambda one: ("web", core.PROCESS), lambda arch, number: (f"c{number}", "A"))
    assert told[1]["programs"] == [f"/bin/p{number}" for number in range(8)] and told[1]["count"] == 9
    ((subject, cause),) = core.sentences(told)
    assert subject == "container web" and cause.startswith("was refused c306 (1 times), c305 (9 times) by")
    assert cause.endswith(told[0]["last"]) and told[0]["last"] > told[1]["last"]
    nobodys = core.denials(records[:2], lambda one: (None, None), lambda arch, number: (None, None))
    assert core.sentences(nobodys)[0][0] == "program /bin/p0"


def learned(library, *calls, without=False, arch=None):
    seen = _seccomp_learn.seen()
    arch = library.audit(library.native()) if arch is None else arch
    for name in calls:
        number = name if isinstance(name, int) else library.number(name, library.native())
        _seccomp_learn.add(seen, record(number, arch=arch, action=profiles.LOG))
    _seccomp_learn.add(seen, record(0, comm="runc:[1:CHILD]", arch=arch, action=profiles.LOG))
    _seccomp_learn.add(seen, record(1, arch=arch, action=profiles.KILL_PROCESS))
    heard = _seccomp_learn.load(json.loads(json.dumps(_seccomp_learn.dump(seen))))
    assert heard == seen
    return _seccomp_learn.proposal(heard, _seccomp_learn.seen(), library, without)


def test_a_proposal_is_the_runtimes_floor_and_what_was_called(library):
    found = learned(library, "mkdirat", "read", "mkdirat", "getcwd", 511)
    assert found["overlays"] == [{"preset": "runtime"}, {"allow": ["mkdirat"]}]
    assert [(one["call"], one["count"]) for one in found["calls"]] == [("mkdirat", 2), ("getcwd", 1), ("read", 1)]
    assert found["unnamed"] == [{"number": 511, "architecture": library.native(), "count": 1}]
    # What the other preset lacks is not left out.
    overlays = learned(library, "mkdirat", "read", "getcwd", without=True)["overlays"]
    assert overlays == [{"preset": "runtime-no-new-privileges"}, {"allow": ["getcwd", "mkdirat"]}]
    assert learned(library)["overlays"] == []
    made = _seccomp_compose.overlays(overlays, library.native())
    assert {"getcwd", "mkdirat"} <= {name for one in made for name in one.names if one.kind == "allow"}


def test_foreign_calls_bring_their_architecture(library):
    if library.native() != "SCMP_ARCH_X86_64":
        pytest.skip("not possible here: the foreign architecture is that of x86-64")
    found = learned(library, 20, arch=0x40000003)
    assert found["overlays"][1] == {"architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"]}
    assert found["calls"][0]["call"] == "getpid"
    assert learned(library, 20, arch=0x1)["unnamed"] == [{"number": 20, "architecture": "0x00000001", "count": 1}]


def test_programs_of_a_call_and_calls_of_x32(library):
    seen, native = _seccomp_learn.seen(), library.audit(library.native())
    read = record(library.number("read", library.native()), arch=native, action=profiles.LOG)
    for number in range(9):
        _seccomp_learn.add(seen, read._replace(exe=f"/bin/p{number}"))
    _seccomp_learn.add(seen, read._replace(exe="", comm="nameless"))
    (one,) = _seccomp_learn.proposal(seen, _seccomp_learn.seen(), library, False)["calls"]
    assert one["programs"] == [*(f"/bin/p{number}" for number in range(8))] and one["count"] == 10
    assert ("nameless" in {program for _arch, _number, program in seen.counts}) and len(seen.counts) == 10
    if library.native() == "SCMP_ARCH_X86_64":
        assert _seccomp_learn.name_of(native, 39 | 1 << 30, library)[1] == "SCMP_ARCH_X32"
        assert _seccomp_learn.name_of(0x40000003, 20 | 1 << 30, library)[1] == "SCMP_ARCH_X86"


def test_what_nobody_is_sure_of_is_told_apart(library):
    native, sure, supposed = library.native(), _seccomp_learn.seen(), _seccomp_learn.seen()
    for name, which in (("mkdirat", sure), ("mkdirat", supposed), ("read", supposed), ("bpf", supposed)):
        number = library.number(name, native)
        _seccomp_learn.add(which, record(number, arch=library.audit(native), action=profiles.LOG))
    found = _seccomp_learn.proposal(sure, supposed, library, False)
    assert found["overlays"] == [{"preset": "runtime"}, {"allow": ["mkdirat"]}]
    assert [(one["call"], one["programs"]) for one in found["supposed"]] == [("bpf", ["/bin/sh"])]
    heard = {"web": _seccomp_learn.dump(sure)}
    (told,) = _seccomp_learn.warnings(heard, {"web": found["supposed"]}, [], 0, 0)
    assert told.startswith("container web: may have made bpf as well, by processes that were gone at once")
    nothing = _seccomp_learn.seen()
    assert _seccomp_learn.proposal(nothing, supposed, library, False)["overlays"] == []


def test_what_a_proposal_may_lack():
    heard = {"web": [[1, 2, "/bin/sh", 3]], "db": [], "wbe": []}
    assert _seccomp_learn.warnings({"web": heard["web"]}, {"web": []}, [], 0, 0) == []
    silent, wrong = _seccomp_learn.warnings(heard, {}, ["db"], 0, 0)
    assert silent.startswith("container db: has a profile that logs nothing; see that the name is right")
    assert wrong.startswith("container wbe: no call of it was heard;")
    for lost, unattributed in ((1, 0), (0, 1)):
        (one,) = _seccomp_learn.warnings({"web": heard["web"]}, {}, [], lost, unattributed)
        assert f"may lack calls: {lost} records or more were dropped, and {unattributed} are of processes" in one
    assert _seccomp_learn.checked("check:web,db") == ["web", "db"] and _seccomp_learn.checked("0123abc") == []
    with pytest.raises(ContainmentError, match="container db: has a profile"):
        _seccomp_learn.warnings({"db": [], "wbe": []}, {}, ["db"], 0, 0)


def inspect(*options):
    return {"HostConfig": {"SecurityOpt": list(options)}}


def test_what_a_container_was_made_with():
    logging = json.dumps({"defaultAction": "SCMP_ACT_LOG"})
    rule = json.dumps({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["x"], "action": "SCMP_ACT_LOG"}]})
    silent = json.dumps({"defaultAction": "SCMP_ACT_ERRNO", "syscalls": None})
    assert _seccomp_learn.logs(inspect(f"seccomp={logging}")) and _seccomp_learn.logs(inspect(f"seccomp:{rule}"))
    for options in ([], [f"seccomp={silent}"], ["seccomp=unconfined"], ["no-new-privileges"]):
        assert not _seccomp_learn.logs(inspect(*options))
    assert not _seccomp_learn.logs({})
    assert _seccomp_learn.no_new_privileges(inspect("no-new-privileges:true"))
    assert not _seccomp_learn.no_new_privileges(inspect("no-new-privileges=false"))


@pytest.mark.parametrize(
    "names, seconds, words",
    [
        ([], 1, "is empty"),
        (["a", "a"], 1, "names one twice"),
        (["a"], 0, "0 is not within"),
        (["a"], 86401, "86401 is not within"),
        (["-a"], 1, "'-a' is no name"),
    ],
)
def test_bad_requests_are_told(names, seconds, words):
    _seccomp_learn.check_request(["a", "b"], 86400)
    with pytest.raises(ContainmentError) as told:
        _seccomp_learn.check_request(names, seconds)
    assert words in str(told.value)
