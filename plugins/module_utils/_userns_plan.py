# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The way from what a host is to user-namespace remapping: what stands in it, what it costs, what follows. Pure.

`host` is the result of engine_info everywhere.
"""

DATA_ROOT = "/var/lib/docker"
PREDEFINED_NETWORKS = 3  # bridge, host, none


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
    # Without a running container the engine's mapping is what it makes of its user's lines.
    mapping = engine["userns"]["mapping"] or engine["userns"]["expected_mapping"]
    return {
        "data_root": engine["data_root"],
        "uid_ranges": _ranges(mapping["uid"]),
        "gid_ranges": _ranges(mapping["gid"]),
    }


def _ranges(mapping):
    return [{"start": outside, "count": count} for _inside, outside, count in sorted(mapping)]


def identity(host, user, group):
    """Return who the wanted remap user is and whether the engine has it in force.

    user, group: name or number; an empty group is the one with the user's name. Keys of the result:
    key: the value for userns-remap. user, group: as asked for. create_user, create_group: bool. switch: bool, the
    engine does not have this remapping in force. pending: bool, it is configured and a restart is all that is missing.
    refusals: [text].
    """
    ids = host["ids"]
    key = f"{user}:{group}" if group and group != user else user
    pending, switch = False, True
    if running(host):
        engine = engine_of(host)
        same = engine["userns"]["configured"] == key
        pending = same and any(one["key"] == "userns-remap" for one in engine["differences"])
        switch = pending or not same or not engine["userns"]["effective"]
    return {
        "key": key,
        "user": user,
        "group": group or user,
        "create_user": not _is_number(user) and ids["uid"] is None,
        "create_group": not _is_number(group or user) and ids["gid"] is None,
        "switch": switch,
        "pending": pending,
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
    if _is_number(user) and _is_number(ids["user"]):
        found.append(f"userns_user: no user has the uid {user}; create one or give a name.")
    elif _is_number(group) and _is_number(ids["group"]):
        found.append(f"userns_group: no group has the gid {group}; create one or give a name.")
    elif not group and _is_number(user) and ids["gid"] is None:
        found.append(f"userns_group: uid {user} has no group of the same name; name its group.")
    return found


def _is_number(text):
    return text.isdigit()


def plan(host, switch, conflicts_ok=False, hidden_ok=False):
    """Return {"before", "told", "refusals"}, for an engine that runs or, in check mode, for a host that has none yet.

    switch: as identity() says. before: as state(). told: [text], for the person who watches. refusals: [text], each
    with object, cause and mend; any of them stops the run.
    """
    refusals = [sentence(one) for one in host["findings"] if one["severity"] == "error"]
    told = []
    if running(host) and switch:
        engine = engine_of(host)
        refusals += _switch_refusals(engine)
        for found, accepted, variable in (
            (_conflicts(engine), conflicts_ok, "userns_conflicts_ok"),
            (_hidden(engine), hidden_ok, "userns_hidden_ok"),
        ):
            told += found
            if not accepted:
                refusals += [f"{one} Or set {variable}: true to go on all the same." for one in found]
    return {"before": state(host), "told": told, "refusals": refusals}


def sentence(finding):
    """Return a finding of engine_info as one sentence."""
    return f"{finding['subject']}: {finding['cause']}; {finding['mend']}."


def _switch_refusals(engine):
    """Return what the switch itself must not meet: what a restart would leave behind or could not bring back."""
    found = []
    if engine["service"] is None:
        found.append(
            f"engine: process {engine['pid']} was started by hand, so that a restart would lose its flags; "
            "stop it and start the docker service."
        )
    if engine["live_restore"] and any(one["state"] in ("running", "paused") for one in engine["containers"]):
        found.append(
            "live-restore: true would leave running containers behind that the remapped engine does not know; "
            "stop them, or set it to false and reload the engine."
        )
    if engine["swarm"] not in (None, "", "inactive"):
        found.append(
            f"swarm: this host is part of one ({engine['swarm']}), whose state does not come along; "
            "leave it before the switch and join it after."
        )
    return found


def _conflicts(engine):
    return [
        f"container {one['container']}: {one['detail']}; {one['mend']}."
        for container in engine["containers"]
        for one in container["conflicts"]
        if one["severity"] in ("refused", "breaks")
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
        f"{root}: {', '.join(parts)} stay there, whole but unseen by the remapped engine, until the way back is taken; "
        "save what is needed, or remove what is not."
    ]
