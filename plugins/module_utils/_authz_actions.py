# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each action of _authz_routes concerns, and what a request for it brings along. Data alone."""

import collections

# objects: the kinds (of _authz_names.KINDS) that a grant has to select for it. body: one of the BODIES. envelope: how
# an envelope looks at it, one of the ENVELOPES, None where a grant needs none.
Action = collections.namedtuple("Action", "objects body envelope")

# "none": nothing, or an empty object. "json": an object that has to be seen. "list": a list that has to be. "maybe":
# an object or nothing. "stream": what no plugin is shown, an archive or a stream. "unseen": JSON that no plugin is
# shown, and that nothing depends on.
BODIES = ("none", "json", "list", "maybe", "stream", "unseen")
# A name of a table of _authz_fields; "build", which has its fields in its query; "inside": what is done within a
# container, which has itself to be one that the envelope admits; "all": what no envelope but a privileged one admits,
# because it leads to root on the host, or because no plugin is shown enough of it.
ENVELOPES = ("create", "commit", "update", "exec", "volume", "network", "connect", "build", "inside", "all")

_NOTHING = Action((), "none", None)
_ALL = Action((), "none", "all")
_ALL_JSON = Action((), "json", "all")
_ALL_LIST = Action((), "list", "all")
_CONTAINER = Action(("containers",), "none", None)
_INSIDE = Action(("containers",), "none", "inside")
_IMAGE = Action(("images",), "none", None)
_NETWORK = Action(("networks",), "none", None)
_VOLUME = Action(("volumes",), "none", None)

ACTIONS = {
    "system.ping": _NOTHING,
    "system.info": _NOTHING,
    "system.version": _NOTHING,
    "system.events": _NOTHING,
    "system.df": _NOTHING,
    "system.auth": Action((), "unseen", None),
    "container.list": _NOTHING,
    "container.create": Action(("containers", "images", "networks", "volumes"), "json", "create"),
    "container.prune": _NOTHING,
    "container.inspect": _CONTAINER,
    "container.top": _CONTAINER,
    "container.logs": _CONTAINER,
    "container.stats": _CONTAINER,
    "container.changes": _CONTAINER,
    "container.export": _INSIDE,
    "container.attach": Action(("containers",), "stream", "inside"),
    "container.archive.read": Action(("containers",), "maybe", "inside"),
    "container.archive.write": Action(("containers",), "stream", "inside"),
    "exec.create": Action(("containers",), "json", "exec"),
    "container.start": _CONTAINER,
    "container.stop": _CONTAINER,
    "container.restart": _CONTAINER,
    "container.kill": _CONTAINER,
    "container.pause": _CONTAINER,
    "container.unpause": _CONTAINER,
    "container.rename": _CONTAINER,
    "container.resize": _CONTAINER,
    "container.update": Action(("containers",), "json", "update"),
    "container.wait": _CONTAINER,
    "container.remove": _CONTAINER,
    "checkpoint.list": _ALL,
    "checkpoint.create": _ALL_JSON,
    "checkpoint.remove": _ALL,
    "exec.inspect": _CONTAINER,
    "exec.start": Action(("containers",), "json", "inside"),
    "exec.resize": _CONTAINER,
    "image.commit": Action(("containers", "images"), "maybe", "commit"),
    "image.list": _NOTHING,
    "image.search": _NOTHING,
    "image.save": _IMAGE,
    "image.pull": Action(("images",), "stream", None),
    "image.load": Action(("images",), "stream", None),
    "image.prune": _NOTHING,
    "image.history": _IMAGE,
    "image.inspect": _IMAGE,
    "image.attestations": _IMAGE,
    "image.push": Action(("images",), "maybe", None),
    "image.tag": _IMAGE,
    "image.remove": _IMAGE,
    "image.distribution": _IMAGE,
    "build.run": Action(("images", "networks"), "stream", "build"),
    "build.cancel": _NOTHING,
    "build.prune": _NOTHING,
    "build.session": Action((), "stream", "all"),
    "build.grpc": Action((), "stream", "all"),
    "volume.list": _NOTHING,
    "volume.create": Action(("volumes",), "json", "volume"),
    "volume.prune": _NOTHING,
    "volume.inspect": _VOLUME,
    "volume.update": _ALL_JSON,
    "volume.remove": _VOLUME,
    "network.list": _NOTHING,
    "network.create": Action(("networks",), "json", "network"),
    "network.prune": _NOTHING,
    "network.inspect": _NETWORK,
    "network.connect": Action(("containers", "networks"), "json", "connect"),
    "network.disconnect": Action(("containers", "networks"), "json", None),
    "network.remove": _NETWORK,
    "plugin.list": _NOTHING,
    "plugin.privileges": _NOTHING,
    "plugin.pull": _ALL_LIST,
    "plugin.create": Action((), "stream", "all"),
    "plugin.inspect": _NOTHING,
    "plugin.enable": _ALL,
    "plugin.disable": _ALL,
    "plugin.push": _ALL,
    "plugin.upgrade": _ALL_LIST,
    "plugin.set": _ALL_LIST,
    "plugin.remove": _ALL,
    "swarm.inspect": _ALL,
    "swarm.unlockkey": _ALL,
    "swarm.init": _ALL_JSON,
    "swarm.join": _ALL_JSON,
    "swarm.leave": _ALL,
    "swarm.unlock": _ALL_JSON,
    "swarm.update": _ALL_JSON,
    "node.list": _NOTHING,
    "node.inspect": _NOTHING,
    "node.update": _ALL_JSON,
    "node.remove": _ALL,
    "service.list": _NOTHING,
    "service.create": _ALL_JSON,
    "service.inspect": _NOTHING,
    "service.logs": _NOTHING,
    "service.update": _ALL_JSON,
    "service.remove": _ALL,
    "task.list": _NOTHING,
    "task.inspect": _NOTHING,
    "task.logs": _NOTHING,
    "secret.list": _NOTHING,
    "secret.create": _ALL_JSON,
    "secret.inspect": _NOTHING,
    "secret.update": _ALL_JSON,
    "secret.remove": _ALL,
    "config.list": _NOTHING,
    "config.create": _ALL_JSON,
    "config.inspect": _NOTHING,
    "config.update": _ALL_JSON,
    "config.remove": _ALL,
    "debug.read": _ALL,
}
