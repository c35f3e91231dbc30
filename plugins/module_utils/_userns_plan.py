# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The way from what a host is to user-namespace remapping: what stands in it, what it costs, what follows. Pure.

`host` is the result of engine_info everywhere.
"""

import datetime

from ansible_collections.containment.docker.plugins.module_utils import _migration_record as records
from ansible_collections.containment.docker.plugins.module_utils._subid import is_number

DATA_ROOT = "/var/lib/docker"
PREDEFINED_NETWORKS = 3  # bridge, host, none
OF_THE_KERNEL = ("kernel_args_pending", "kernel_max_user_namespaces", "kernel_no_user_namespaces")


def engine_of(host):
    """Return the engine that the roles manage, None where none runs or has one ever run."""
    return next((engine for engine in host["engines"] if engine["primary"]), None)


def running(host):
    """Tell whether that engine answers."""
    engine = engine_of(host)
    return engine is not None and engine["error"] is None


def state(host):
    """Return {"data_root", "uid_ranges", "gid_ranges"} that the engine has in force.

    Ranges: [{"start", "count"}] in container ids' order, empty without remapping.
    """
    engine = engine_of(host)
    if not running(host) or not engine["userns"]["effective"]:
        return {"data_root": engine["data_root"] if engine else DATA_ROOT, "uid_ranges": [], "gid_ranges": []}
    userns = engine["userns"]
    # Without a running container the engine's mapping is what it makes of its user's lines. Where these are gone,
    # which is a finding, no more is known than where the mapping starts.
    mapping = userns["mapping"] or userns["expected_mapping"]
    mapping = mapping or {"uid": [[0, userns["uid"], 1]], "gid": [[0, userns["gid"], 1]]}
    return {
        "data_root": engine["data_root"],
        "uid_ranges": _ranges(mapping["uid"]),
        "gid_ranges": _ranges(mapping["gid"]),
    }


def _ranges(mapping):
    return [{"start": outside, "count": count} for _inside, outside, count in sorted(mapping)]


def identity(host, user, group):
    """Return who the wanted remap user is.

    user, group: name or number; an empty group is the one with the user's name. Keys of the result:
    key: the value for userns-remap. user, group: as asked for. create_user, create_group: bool. refusals: [text].
    """
    user, group = str(user), str(group)
    ids = host["ids"]
    return {
        "key": f"{user}:{group}" if group and group != user else user,
        "user": user,
        "group": group or user,
        "create_user": not is_number(user) and ids["uid"] is None,
        "create_group": not is_number(group or user) and ids["gid"] is None,
        "refusals": _misnamed(ids, user, group),
    }


def _misnamed(ids, user, group):
    if not user or ":" in user + group:
        return [
            f"userns_user: {user!r} with userns_group {group!r} is not one user and one group; "
            "give each in its own variable."
        ]
    if user in ("root", "0") or ids["uid"] == 0:
        return [
            f"userns_user: {user} is root, with which the engine switches remapping off; name an unprivileged user."
        ]
    found = []
    # engine_info gives a number that nobody has back as its own name.
    if is_number(user) and is_number(ids["user"]):
        found.append(f"userns_user: no user has the uid {user}; create one or give a name.")
    elif is_number(group) and is_number(ids["group"]):
        found.append(f"userns_group: no group has the gid {group}; create one or give a name.")
    elif not group and is_number(user) and ids["gid"] is None:
        found.append(f"userns_group: uid {user} has no group of the same name; name its group.")
    return found


def plan(
    host,
    subid,
    key,
    conflicts_ok=False,
    hidden_ok=False,
    carry=False,
    transaction="",
    kernel_ok=False,
    mended=(),
    check_mode=False,
):
    """Return what a run would do and meet, for an engine that runs or, in check mode, for one that does not yet.

    subid, key: results of subid_range and daemon_json in check mode. carry: whether what the engine has comes along.
    transaction: the name of this run's, under which an earlier one may have begun to carry. kernel_ok: the same run
    sees to the kernel first. mended: paths that it gives owners which containers can use.
    Keys of the result:
    write: bool, ids or key change.
    restart: bool, the engine does not have the outcome in force. before: as state(). carry: bool, the restart is one of
    a migration. told: [text], for the person who watches. refusals: [text], each with object, cause and mend; any of
    them stops the run.
    """
    write = subid["ranges"]["before"] != subid["ranges"]["after"] or bool(key["changed_keys"])
    engine = engine_of(host)
    awaited = check_mode and not running(host)  # It would be started first, and what it holds is not known.
    begun = any(one["name"] == transaction and one["status"] in records.AHEAD for one in host["migrations"])
    refusals = [
        sentence(one)
        for one in host["findings"]
        if one["severity"] == "error"
        and not (awaited and one["code"] == "engine_dead")
        and not (kernel_ok and one["code"] in OF_THE_KERNEL)
        # Of a switch that was killed: going on with it ends them first.
        and not (begun and one["code"] == "orphan_shim")
    ]
    told = (
        ["engine: it does not run, so what a switch would hide or break is not known before it does."]
        if awaited
        else []
    )
    restart, carries = True, False
    if running(host):
        carries = begun or (carry and moves(engine, subid) and bool(_hidden(engine)))
        differing = [one["key"] for one in engine["differences"]]
        restart = write or carries or "userns-remap" in differing or not engine["userns"]["effective"]
        found = []
        if restart:
            refusals += _restart_refusals(engine)
            found.append((_unapplied(engine, differing), conflicts_ok, "userns_conflicts_ok"))
        if moves(engine, subid):
            refusals += _move_refusals(engine, carries)
            found.append((_conflicts(engine, mended), conflicts_ok, "userns_conflicts_ok"))
            found.append((_hidden(engine) if not carries else [], hidden_ok, "userns_hidden_ok"))
        for texts, accepted, variable in found:
            told += texts
            if not accepted:
                refusals += [f"{one} Or set {variable}: true to go on all the same." for one in texts]
    return {
        "write": write,
        "restart": restart,
        "before": state(host),
        "carry": carries,
        "told": told,
        "refusals": refusals,
    }


def rollback_to(host, wanted):
    """Return the name of the transaction before which a rollback leads.

    wanted: a name, or "last". A migration that was interrupted is taken back first, also where its files are already.
    """
    begun = [one["name"] for one in host["migrations"] if one["status"] in records.UNFINISHED]
    return begun[-1] if wanted == "last" and begun and not host["undo"] else wanted


def rollback(host, names):
    """Return what the way back before some transactions means for a host whose engine may be dead: {"migration": name
    of the one to take back, "" for none, "told", "refusals"}.

    names: of the transactions, the newest first.
    """
    known = [
        one
        for one in reversed(host["migrations"])
        if one["status"] in records.UNFINISHED or (one["name"] in names and one["status"] not in records.RETURNED_ALL)
    ]
    refusals = [sentence(one) for one in host["findings"] if one["code"] == "migrations_unreadable"]
    gone = [one for one in known if one["status"] == records.REMOVED]
    if gone:
        refusals.append(
            f"engine_rollback_to: the graph root from before {gone[0]['name']}, {gone[0]['source']}, was removed, so "
            "that nothing leads back there; change what is wanted and run harden instead."
        )
    if len(known) > 1:
        refusals.append(
            f"engine_rollback_to: {', '.join(one['name'] for one in known)} each carried images and containers to "
            "another graph root; take them back one by one, the newest first."
        )
    migration = known[0]["name"] if known else ""
    if not running(host):
        return {"migration": migration, "told": [], "refusals": refusals}
    engine = engine_of(host)
    refusals += _restart_refusals(engine) + _move_refusals(engine, bool(migration))
    return {"migration": migration, "told": [] if migration else _hidden(engine), "refusals": refusals}


def removable(host, old_root, days, now):
    """Return {"migration": the name of that whose old graph root is to be removed, "" for none, "told": [text]}.

    old_root: "keep" or "remove". days: how many have to have passed since the switch. now: UTC, as
    2026-11-22T10:15:04Z.
    """
    if old_root != "remove" or not running(host):
        return {"migration": "", "told": []}
    root = (engine_of(host)["graph_root"] or {}).get("path")
    due = [
        one
        for one in host["migrations"]
        if (one["status"] == records.SWITCHED and one["target"] == root and _days(one["switched"], now) >= days)
        or one["removing"]
    ]
    told = [
        f"{one['source']}: stays, because {', '.join(one['old_root_needed'])} did not come along; take the migration "
        "back, save or remove that, and harden again."
        for one in due
        if one["old_root_needed"]
    ]
    return {"migration": next((one["name"] for one in due if not one["old_root_needed"]), ""), "told": told}


def _days(since, now):
    return (_time(now) - _time(since)).days


def _time(text):
    return datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ")


def unfinished(host):
    """Return the name of the transaction that a run left open when it was killed, "" where none is."""
    return next((one["name"] for one in reversed(host["transactions"]) if one["status"] == "open"), "")


def unbeginnable(host, name):
    """Return [text] on why no run can begin as the transaction `name`."""
    found = []
    if host["undo"]:
        found.append(
            f"engine_transaction: the undo of {', '.join(host['undo'])} was interrupted; finish it with the rollback "
            "playbook."
        )
    for one in host["migrations"]:
        back = one["status"] == records.RETURNING
        if back or (one["status"] in records.AHEAD and one["name"] != name):
            found.append(
                f"migration: {'the way back of ' if back else ''}{one['name']} from {one['source']} to {one['target']} "
                f"was interrupted ({one['status']}); {'finish it' if back else 'take it back'} with the rollback "
                "playbook."
            )
    if name != unfinished(host) and name in [one["name"] for one in host["transactions"]]:
        found.append(f"engine_transaction: {name} is the name of an earlier run; give this run a name of its own.")
    return found


def sentence(finding):
    """Return a finding of engine_info as one sentence."""
    return f"{finding['subject']}: {finding['cause']}; {finding['mend']}."


def moves(engine, subid):
    """Tell whether the engine would come to another graph root."""
    after = subid["ranges"]["after"]
    planned = (after["uid"][0]["start"], after["gid"][0]["start"])
    return not engine["userns"]["effective"] or (engine["userns"]["uid"], engine["userns"]["gid"]) != planned


def _restart_refusals(engine):
    if engine["service"] is not None:
        return []
    return [
        f"engine: process {engine['pid']} was started by hand, so that a restart would lose its flags; "
        "stop it and start the docker service."
    ]


def _move_refusals(engine, carries):
    """Return what a switch to another graph root must not meet: what it would leave behind running or break apart."""
    found = []
    # A migration stops the containers itself before it stops the engine.
    if (
        not carries
        and engine["live_restore"]
        and any(one["state"] in ("running", "paused") for one in engine["containers"])
    ):
        found.append(
            "live-restore: true would leave running containers behind that the engine does not know afterwards; "
            "stop them, or set it to false and reload the engine."
        )
    if engine["swarm"] not in (None, "", "inactive"):
        found.append(
            f"swarm: this host is part of one ({engine['swarm']}), whose state does not come along; "
            "leave it before the switch with 'docker swarm leave', drained on a manager with 'docker node update "
            "--availability drain', and join it after with the command that 'docker swarm join-token' prints there."
        )
    return found


def _unapplied(engine, differing):
    keys = [key for key in differing if key != "userns-remap"]
    if not keys:
        return []
    return [
        f"{engine['config_file']}: {', '.join(keys)} changed since the engine started, and the restart would apply "
        "that too; restart the engine first, or take the change out."
    ]


def _conflicts(engine, mended):
    within = tuple(path.rstrip("/") + "/" for path in mended)
    return [
        f"container {one['container']}: {one['detail']}; {one['mend']}."
        for container in engine["containers"]
        for one in container["conflicts"]
        if one["severity"] in ("refused", "breaks") and not f"{one['path']}/".startswith(within)
    ]


def _hidden(engine):
    """Return one text about what the switch leaves behind in the present graph root, none where there is nothing."""
    counts = [
        (len(engine["containers"]), "container"),
        (engine["images"] or 0, "image"),
        (len(engine["volumes"]), "volume"),
        (max(0, (engine["networks"] or 0) - PREDEFINED_NETWORKS), "network"),
    ]
    parts = [f"{number} {word}{'' if number == 1 else 's'}" for number, word in counts if number]
    if not parts:
        return []
    root = engine["graph_root"]["path"] if engine["graph_root"] else engine["data_root"]
    return [
        f"{root}: {', '.join(parts)} stay there, whole but unseen after the switch, until the way back is taken; "
        "save what is needed, or remove what is not."
    ]
