# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The judgement of a host and the table that people read. Pure.

`before` and `after` are results of engine_info, equal where nothing was changed; `proofs` and `baseline` those of
userns_proof after and before the change, empty where none was run.
"""

from ansible_collections.containment.docker.plugins.module_utils import _seccomp_state, _userns_plan

PASS, FAIL = "pass", "fail"


def report(after, name, before, proofs=(), baseline=(), check_mode=False, waits=False):
    """Return {"host", "verdict", "controls", "proofs", "findings", "table"}.

    controls: [{"control", "was", "is", "verdict"}]. verdict: "pass" where every control and every proof passes. In
    check mode, where nothing has been applied, it is that of the host as it is. waits: whether the change stopped until
    the host is rebooted. table: [text], one line each.
    """
    controls = [
        _control("user namespaces", _user_namespaces, before, after),
        _control("engine", _engine, before, after),
        _control("running since", _started, before, after),
        _control("userns-remap in daemon.json", _configured, before, after),
        _control("userns-remap in force", _effective, before, after),
        _control("root in a container", _root, before, after),
        _control("graph root", _graph_root, before, after),
        _control("seccomp profile", _seccomp, before, after),
        _control("other engines", _others, before, after),
        _control("errors found", _errors, before, after),
    ]
    proofs = [] if check_mode else proofs
    good = all(one["verdict"] == PASS for one in controls) and all(one["passed"] for one in proofs)
    verdict = PASS if good else FAIL
    findings = [_userns_plan.sentence(one) for one in after["findings"] if one["severity"] != "note"]
    return {
        "host": name,
        "verdict": verdict,
        "controls": controls,
        "proofs": proofs,
        "findings": findings,
        "table": [
            _head(name, verdict, check_mode, waits),
            *_table(controls, _proof_rows(proofs, baseline), findings, check_mode),
        ],
    }


def _control(title, look, before, after):
    was, _good = look(before)
    now, good = look(after)
    return {"control": title, "was": was, "is": now, "verdict": PASS if good else FAIL}


def _user_namespaces(host):
    error = host["kernel"]["user_namespaces_error"]
    return (f"none: {error}", False) if error else ("can be made", True)


def _engine(host):
    engine = _userns_plan.engine_of(host)
    if engine is None:
        return "none", False
    if engine["error"]:
        return f"does not answer ({engine['error']})", False
    return engine["version"], True


def _started(host):
    engine = _userns_plan.engine_of(host)
    return (engine["started"], True) if engine and engine["started"] else ("not running", False)


def _configured(host):
    engine = _userns_plan.engine_of(host)
    value = engine["userns"]["configured"] if engine else None
    return (value, True) if value else ("not set", False)


def _effective(host):
    if not _userns_plan.running(host):
        return "not known", False
    engine = _userns_plan.engine_of(host)
    pending = [one for one in engine["differences"] if one["key"] == "userns-remap"]
    if not engine["userns"]["effective"]:
        return "no, a restart is missing" if pending else "no", False
    return ("yes, but not as configured", False) if pending else ("yes", True)


def _root(host):
    if not _userns_plan.running(host):
        return "not known", False
    state = _userns_plan.state(host)
    uid = state["uid_ranges"][0]["start"] if state["uid_ranges"] else 0
    return f"uid {uid} on the host", uid != 0


def _graph_root(host):
    engine = _userns_plan.engine_of(host)
    root = engine["graph_root"] if engine else None
    if root is None:
        return "none", False
    faults = engine["graph_root_faults"]
    text = f"{root['path']} ({root['uid']}:{root['gid']} {root['mode']})"
    return (f"{text}: {'; '.join(faults)}", False) if faults else (text, True)


def _seccomp(host):
    engine = _userns_plan.engine_of(host)
    profile = engine["seccomp"]["profile"] if engine else None
    return profile or "none", profile not in (None, _seccomp_state.UNCONFINED)


def _others(host):
    """Every other engine of the host gives root away as well as the first one does."""
    plain = [one for one in host["engines"] if not one["primary"] and not one["userns"]["effective"]]
    if plain:
        return f"{', '.join(str(one['socket'] or one['pid']) for one in plain)}: not remapped", False
    number = len(host["engines"]) - 1
    return (f"{number}, remapped" if number > 0 else "none"), True


def _errors(host):
    found = [one["subject"] for one in host["findings"] if one["severity"] == "error"]
    return (", ".join(found), False) if found else ("none", True)


def _proof_rows(proofs, baseline):
    earlier = {one["proof"]: one["observed"] for one in baseline}
    return [
        {
            "control": one["title"],
            "was": earlier.get(one["proof"]) or "",
            "is": one["observed"],
            "verdict": PASS if one["passed"] else FAIL,
        }
        for one in proofs
    ]


def _head(name, verdict, check_mode, waits):
    head = f"{name}: {'hardened' if verdict == PASS else 'not hardened'}"
    if waits:
        head += ", waits for a reboot"
    return head + " (check mode: this is the host as it is)" if check_mode else head


def _table(controls, proofs, findings, check_mode):
    changed = any(one["was"] != one["is"] for one in controls)
    columns = ("was", "is") if changed else ("is",)
    heads, rows = ("", *columns), [[_title(one)] + [one[column] for column in columns] for one in controls + proofs]
    widths = [max(len(row[position]) for row in [heads] + rows) for position in range(len(heads))]
    lines = ["  ".join(f"{cell:{width}}" for cell, width in zip(row, widths)).rstrip() for row in [heads] + rows]
    if proofs:
        lines.insert(1 + len(controls), "proven with a container:")
    elif not check_mode:
        lines.append("proven with a container: nothing, none was run")
    return lines + [f"note: {one}" for one in findings]


def _title(row):
    return f"{'ok    ' if row['verdict'] == PASS else 'FAILED'}  {row['control']}"
