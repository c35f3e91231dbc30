# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which plugins an engine asks, and of which graph root ours is told. Pure.

`host` is the result of engine_info everywhere.
"""

from ansible_collections.containment.docker.plugins.module_utils import _json_text, _userns_plan
from ansible_collections.containment.docker.plugins.module_utils._authz_release import KEY

NAME = "containment"  # of our plugin, as daemon.json and the engine's messages name it
POLICY = "/etc/containment/authz/policy.json"


def change(host, ours, others):
    """Return {"merge", "remove"}, as daemon_json takes them.

    ours: whether the engine is to ask the plugin of this collection. others: names of plugins that it asks, too, in
    this order and behind ours. Those that it asks already and that are named nowhere stay, in front: they ask more,
    and never less.
    """
    named = configured(host)
    wanted = ([NAME] if ours else []) + list(others)
    kept = [one for one in named if one not in wanted and one != NAME]
    if kept + wanted:
        return {"merge": {KEY: kept + wanted}, "remove": []}
    return {"merge": {}, "remove": [KEY] if named else []}


def named_in(path, data):
    """Return the names that the bytes of a daemon.json give. Raises ContainmentError where they cannot be read."""
    if data is None:
        return []
    return _names(_json_text.value(_json_text.parse(data, path)))


def configured(host):
    """Return the names that daemon.json gives."""
    engine = _userns_plan.engine_of(host)
    return _names((engine or {}).get("configured") or {})


def _names(configuration):
    found = configuration.get(KEY)
    return [one for one in found if isinstance(one, str)] if isinstance(found, list) else []


def is_named(host):
    """Whether daemon.json names the plugin of this collection."""
    return NAME in configured(host)


def root_of(host):
    """Return the graph root of the engine, with a mapping's UID.GID; where none has ever run, where it will be."""
    engine = _userns_plan.engine_of(host)
    if engine is None:
        return _userns_plan.DATA_ROOT
    root = engine.get("graph_root")
    return root["path"] if root else engine["data_root"]
