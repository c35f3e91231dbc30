# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What to ask a new engine for, so that it gets the networks, volumes and containers that another one had. Pure.

From the answers of GET /networks/ID, /volumes/NAME and /containers/ID/json to the bodies of POST /networks/create,
/volumes/create, /containers/create and /networks/NAME/connect of the same engine version, Docker Engine 20.10 to 29.
Nothing that is given is changed.
"""

import calendar
import copy
import posixpath
import re
import shlex

# What each engine makes itself (moby, runconfig.IsPreDefinedNetwork).
PREDEFINED = ("bridge", "host", "none")

_COMPOSE = "com.docker.compose."
_BRIDGE_NAME = "com.docker.network.bridge.name"
_TIME = re.compile(r"(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:[Zz]|([+-])(\d\d):(\d\d))\Z")


def is_predefined(network):
    """Whether an inspected network is one that nobody has to create: the engine's own and those of a swarm."""
    return network.get("Name") in PREDEFINED or network.get("Scope", "local") != "local" or bool(network.get("Ingress"))


def network_body(network):
    """Return the body of POST /networks/create for an inspected network that is not predefined.

    Addresses that the engine chose become fixed ones. A bridge network gets its old device by name, because that stays
    behind with the network's addresses, and a second device with them would make both useless.
    """
    source = (network.get("ConfigFrom") or {}).get("Network")
    # Without CheckDuplicate engines before 25 would make a second network of that name.
    body = {"Name": network["Name"], "CheckDuplicate": True, "Driver": network.get("Driver")}
    for key in ("Internal", "Attachable", "ConfigOnly"):
        body[key] = bool(network.get(key))
    if source and network.get("Driver") != "bridge":
        # Engines take no settings beside it (moby, libnetwork, validateConfiguration). A bridge needs one, its device's
        # name, and therefore gets all that the answer has and not the source they came from.
        return dict(body, ConfigFrom={"Network": source})
    for key in ("EnableIPv4", "EnableIPv6"):
        if key in network:
            body[key] = bool(network[key])
    ipam = network.get("IPAM") or {}
    body["IPAM"] = {
        "Driver": ipam.get("Driver") or "default",
        "Options": copy.deepcopy(ipam.get("Options")),
        "Config": [_pool(pool) for pool in ipam.get("Config") or []],
    }
    body["Options"] = dict(network.get("Options") or {})
    body["Labels"] = dict(network.get("Labels") or {})
    if network.get("Driver") == "bridge" and not body["ConfigOnly"]:
        body["Options"].setdefault(_BRIDGE_NAME, "br-" + network["Id"][:12])
    return body


def volume_body(volume):
    """Return the body of POST /volumes/create for an inspected volume; the same for what that makes."""
    return {
        "Name": volume["Name"],
        "Driver": volume.get("Driver") or "local",
        "DriverOpts": dict(volume.get("Options") or {}),
        "Labels": dict(volume.get("Labels") or {}),
    }


def container_body(inspect, image, names, macs=None, networks=None):
    """Return (body, later): that of POST /containers/create?name=..., and for each further network (its name, the
    EndpointConfig for POST /networks/NAME/connect), sorted. An engine before API 1.44 takes one network at creation.

    image: its name or id. It has to be the image that the container has: what the body leaves out comes from it.
    names: {id: name} of all containers. macs: {network name: MAC} as fixed_macs returns. networks: {id: name} of all.

    Volumes that their user gave no name are mounted by that which the engine gave them. A container that is gone is
    left out of VolumesFrom, and what came from it is mounted by its own name. A container that was disconnected from
    all its networks gets that of its NetworkMode again: the engine knows no other way than to disconnect it later.
    """
    networks, macs = networks or {}, macs or {}
    config = copy.deepcopy(inspect.get("Config") or {})
    host = copy.deepcopy(inspect.get("HostConfig") or {})
    config["Image"] = image
    if config.get("Entrypoint") is None:
        # The user's empty entry point, which null would replace by the image's (moby, mergeAndVerifyConfig).
        config["Entrypoint"] = [""]
    host.pop("ContainerIDFile", None)  # the client's
    if host.get("Links"):
        host["Links"] = [_link(link) for link in host["Links"]]
    for key in ("PidMode", "IpcMode"):
        host[key] = _joined(host.get(key), names)
    host["SecurityOpt"] = _security(host)
    _mount(host, inspect.get("Mounts") or [], config.get("Volumes") or {}, names)

    attached = {
        networks.get(key, key): settings or {}
        for key, settings in ((inspect.get("NetworkSettings") or {}).get("Networks") or {}).items()
    }
    host["NetworkMode"] = mode = _network_mode(host.get("NetworkMode") or "", attached, names, networks)
    joins = mode.startswith("container:")
    # The engine names a container after its id, or after the one whose network it joins, and then refuses that name
    # (moby, validateNetMode); an exposed port of the image's is refused likewise and comes from the image again.
    if joins or host.get("UTSMode") == "host":
        config.pop("Hostname", None)
    if joins:
        config.pop("ExposedPorts", None)
        attached = {}
    primary = "bridge" if mode in ("", "default") else mode
    if primary not in attached and attached:
        # It was disconnected from it: the engine then takes the one it is told.
        primary = min(attached)
    if primary in macs:
        # Deprecated since API 1.44 in favour of the endpoint's.
        config.pop("MacAddress", None)
    endpoints = {
        name: _endpoint(name, settings, inspect, names, macs.get(name))
        for name, settings in attached.items()
        if name not in ("host", "none")
    }
    first = {primary: endpoints.pop(primary)} if primary in endpoints else {}
    body = dict(config, HostConfig=host, NetworkingConfig={"EndpointsConfig": first})
    return body, sorted(endpoints.items())


def dependencies(inspect, names, others=()):
    """Return the names of the containers that have to run before one is started.

    names: {id: name} of all. others: answers for those among which services of its compose project are looked for.
    """
    host = inspect.get("HostConfig") or {}
    modes = [host.get(key) or "" for key in ("NetworkMode", "PidMode", "IpcMode")]
    found = {_known(mode[len("container:") :], names) for mode in modes if mode.startswith("container:")}
    found.update(_known(link.split(":")[0], names) for link in host.get("Links") or [])
    labels = _labels(inspect)
    wanted = {one.split(":")[0].strip() for one in labels.get(_COMPOSE + "depends_on", "").split(",")}
    for other in others:
        theirs = _labels(other)
        same = theirs.get(_COMPOSE + "project") == labels.get(_COMPOSE + "project")
        if same and theirs.get(_COMPOSE + "service") in wanted and not _is_oneoff(other):
            found.add(_name(other))
    return found - {None, _name(inspect)}


def needs(inspect, names, others=()):
    """Return the names of the containers that have to be there before one is created: also those of VolumesFrom."""
    sources = {_known(one.split(":")[0], names) for one in (inspect.get("HostConfig") or {}).get("VolumesFrom") or []}
    return (dependencies(inspect, names, others) | sources) - {None, _name(inspect)}


def order(inspects):
    """Return answers for containers in the order in which to create and start them: that in which they were started
    last, those that never were at the end, but none before what it needs; one of a cycle goes first by time."""
    names = {inspect["Id"]: _name(inspect) for inspect in inspects}
    left = {_name(one): one for one in sorted(inspects, key=_started)}
    missing = {name: needs(one, names, inspects) for name, one in left.items()}
    found = []
    while left:
        waiting = set(left)
        ready = next((name for name in left if not missing[name] & waiting), None)
        if ready is None:
            ready = _of_a_cycle({name: missing[name] & waiting for name in left})
        found.append(left.pop(ready))
    return found


def project_commands(inspects):
    """Return [(compose project, its containers' names, the command that lets compose take them over)], sorted.

    The command is quoted for a shell. Where containers of a project disagree on its files, the newest one counts.
    """
    projects = {}
    for inspect in inspects:
        project = _labels(inspect).get(_COMPOSE + "project")
        if project and not _is_oneoff(inspect):
            projects.setdefault(project, []).append(inspect)
    return [
        (
            project,
            sorted(_name(one) for one in members),
            _command(project, _labels(max(members, key=lambda one: one.get("Created") or ""))),
        )
        for project, members in sorted(projects.items())
    ]


def fixed_macs(config):
    """Return {network name: MAC address} of those that a user gave a container.

    config: the content of <graph root>/containers/ID/config.v2.json; the API does not tell them from those that the
    engine chose. Engines before 25 have none there.
    """
    endpoints = (config.get("NetworkSettings") or {}).get("Networks") or {}
    return {name: one["DesiredMacAddress"] for name, one in endpoints.items() if (one or {}).get("DesiredMacAddress")}


def _pool(pool):
    pool = {key: copy.deepcopy(value) for key, value in pool.items() if value}
    if "Gateway" in pool:
        # Engines before 28 answer with fd00::1/64 for a gateway of IPv6 that they chose, and take no such.
        pool["Gateway"] = pool["Gateway"].split("/")[0]
    return pool


def _name(inspect):
    return (inspect.get("Name") or "").lstrip("/")


def _labels(inspect):
    return (inspect.get("Config") or {}).get("Labels") or {}


def _is_oneoff(inspect):
    return _labels(inspect).get(_COMPOSE + "oneoff", "").lower() == "true"


def _known(reference, names):
    """Return the name of the container that the engine finds for a full id, a name or the beginning of an id, in this
    order (moby, GetContainer); None where there is none."""
    reference = reference.lstrip("/")
    if reference in names:
        return names[reference].lstrip("/")
    if reference in (name.lstrip("/") for name in names.values()):
        return reference
    matches = [name for key, name in names.items() if reference and key.startswith(reference)]
    return matches.pop().lstrip("/") if len(matches) == 1 else None


def _joined(mode, names):
    """Return a mode with the name in place of the id in container:ID."""
    if not (mode or "").startswith("container:"):
        return mode
    reference = mode[len("container:") :]
    return "container:" + (_known(reference, names) or reference)


def _link(link):
    """Return "db:alias" for the "/db:/web/alias" that the engine answers with."""
    target, _colon, alias = link.partition(":")
    return target.lstrip("/") + ":" + posixpath.basename(alias)


def _security(host):
    """Return the options without the SELinux label of a container whose namespaces it joins: the engine has added it
    (moby, generateSecurityOpt), and it is another one each time."""
    options = host.get("SecurityOpt")
    kinds = tuple(f"label={kind}:" for kind in ("user", "role", "type", "level"))
    joins = any((host.get(key) or "").startswith("container:") for key in ("PidMode", "IpcMode"))
    if joins and all(any(one.startswith(kind) for one in options or []) for kind in kinds):
        return [one for one in options if not one.startswith(kinds)]
    return options


def _network_mode(mode, attached, names, networks):
    if mode.startswith("container:"):
        return _joined(mode, names)
    if mode in ("", "default", *PREDEFINED) or mode in attached or mode in networks.values():
        return mode
    known = dict(networks)
    known.update({settings["NetworkID"]: name for name, settings in attached.items() if settings.get("NetworkID")})
    matches = {name for key, name in known.items() if key.startswith(mode)}
    return matches.pop() if len(matches) == 1 else mode


def _endpoint(name, settings, inspect, names, mac):
    """Return what a user wanted of an endpoint, and nothing of what the engine made of it."""
    found = {key: copy.deepcopy(settings[key]) for key in ("DriverOpts", "GwPriority") if settings.get(key)}
    if mac:
        found["MacAddress"] = mac
    if name == "bridge":
        # Refused there (moby, validateEndpointSettings), links are those of the container.
        return found
    if settings.get("IPAMConfig") is not None:
        found["IPAMConfig"] = copy.deepcopy(settings["IPAMConfig"])
    if settings.get("Links"):
        parts = [link.partition(":") for link in settings["Links"]]
        found["Links"] = [(_known(target, names) or target) + colon + alias for target, colon, alias in parts]
    aliases, short = settings.get("Aliases"), inspect["Id"][:12]
    if short in (aliases or []):
        # API before 1.45: the engine has added both, and will again.
        aliases = [one for one in aliases if one not in (short, (inspect.get("Config") or {}).get("Hostname"))]
    if aliases:
        found["Aliases"] = list(aliases)
    return found


def _mount(host, mounts, volumes, names):
    """Give each volume its name in a HostConfig; no destination is named twice.

    mounts: of the answer. volumes: of Config, where they stay: the engine makes none where something is mounted (moby,
    createContainerOSSpecificSettings).
    """
    there = {_clean(mount["Destination"]): mount for mount in mounts}
    named = set()
    for number, bind in enumerate(host.get("Binds") or []):
        destination = _clean((bind.split(":") + [bind])[1])
        named.add(destination)
        if ":" not in bind and destination in there:
            host["Binds"][number] = _volume(there[destination]) + ":" + bind
    for spec in host.get("Mounts") or []:
        destination = _clean(spec["Target"])
        named.add(destination)
        if spec.get("Type") == "volume" and not spec.get("Source") and destination in there:
            spec["Source"] = _volume(there[destination])
    sources = host.get("VolumesFrom") or []
    found = [(_known(source.split(":")[0], names), source.partition(":")[1:]) for source in sources]
    if sources:
        host["VolumesFrom"] = [name + "".join(mode) for name, mode in found if name]
    # What comes from another container comes from there again, where all of those are there.
    again = bool(sources) and all(name for name, _mode in found)
    anonymous = {_clean(path) for path in volumes}
    more = [
        _spec(there[destination])
        for destination in sorted(set(there) - named)
        if there[destination].get("Type") in ("volume", "bind") and (not again or destination in anonymous)
    ]
    if more:
        host["Mounts"] = (host.get("Mounts") or []) + more


def _spec(mount):
    """Return the entry of HostConfig.Mounts for what is mounted. Unlike one of Binds it may have a colon in its path,
    and a volume of any driver, into which nothing of the image is copied where it is empty."""
    found = {"Type": mount["Type"], "Target": mount["Destination"], "ReadOnly": not mount["RW"]}
    if mount["Type"] == "bind":
        return dict(found, Source=mount["Source"], BindOptions={"Propagation": mount.get("Propagation") or "rprivate"})
    return dict(found, Source=_volume(mount), VolumeOptions={"NoCopy": True})


def _volume(mount):
    """Return the name of a mounted volume; 28.5 answers without for Binds of a path alone, such volumes are local."""
    return mount.get("Name") or posixpath.basename(posixpath.dirname(mount["Source"]))


def _clean(path):
    """Return a path as Go's path.Clean does, which leaves one slash at its beginning."""
    return posixpath.normpath("/" + path.lstrip("/"))


def _started(inspect):
    """Return what sorts by the time of start: seconds and the digits after them. None, and never (year 1), is last."""
    match = _TIME.match((inspect.get("State") or {}).get("StartedAt") or "")
    if match is None or match.group(1) == "0001":
        return (float("inf"), "")
    seconds = calendar.timegm(tuple(int(one) for one in match.groups()[:6]))
    _fraction, sign, hours, minutes = match.groups()[6:]
    if sign:
        seconds -= int(sign + "1") * (int(hours) * 60 + int(minutes)) * 60
    return (seconds, match.group(7) or "")


def _of_a_cycle(graph):
    """Return the first node of a cycle that needs nothing outside of itself. graph: {node: nodes, none empty}."""
    reached = {}
    for node in graph:
        seen, left = set(), list(graph[node])
        while left:
            one = left.pop()
            if one not in seen:
                seen.add(one)
                left.extend(graph[one])
        reached[node] = seen
    return next(node for node in graph if all(node in reached[one] for one in reached[node]))


def _command(project, labels):
    words = ["docker", "compose", "--project-name", project]
    folder = labels.get(_COMPOSE + "project.working_dir")
    if folder:
        words += ["--project-directory", folder]
    for option, label in (("--env-file", "project.environment_file"), ("-f", "project.config_files")):
        for path in labels.get(_COMPOSE + label, "").split(","):
            if path:
                # Compose before 2 wrote them down as they were typed.
                words += [option, posixpath.join(folder or "", path)]
    return " ".join(shlex.quote(word) for word in [*words, "up", "-d"])
