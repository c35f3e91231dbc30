# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a graph root comes along to another one, what stays and why, and what stands in the way. Pure."""

import posixpath
import re

from ansible_collections.containment.docker.plugins.module_utils import _daemon_keys, _migration_objects
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

_NAMELESS = "<none>:<none>"
_BATCH = 1024**3  # bytes of images in one stream: the engine unpacks one whole before it keeps any of it
_MARGIN, _SPARE = 1.05, 64 * 1024**2  # what file systems and engines need besides
_RESTART, _EACH = 2, 0.3  # seconds that an engine's restart takes, and the start of a container, on a small machine
_ANONYMOUS = re.compile(r"[0-9a-f]{64}\Z")
ON = ("running", "paused", "restarting")  # states of a container with processes


def tags(image):
    """Return the names of an image by which it can be asked for, of GET /images/json."""
    return sorted(tag for tag in image.get("RepoTags") or [] if tag != _NAMELESS)


def batches(images):
    """Yield lists of images for one stream each."""
    batch, size = [], 0
    for image in images:
        if batch and size + image["size"] > _BATCH:
            yield batch
            batch, size = [], 0
        batch.append(image)
        size += image["size"]
    if batch:
        yield batch


def is_plain(volume):
    """Whether a volume's content lies in the graph root: driver local, without a device of its own."""
    return volume["Driver"] == "local" and not (volume.get("Options") or {}).get("type")


def is_bound(volume):
    """Whether a volume is another name for something outside of the graph root."""
    return volume["Driver"] == "local" and not is_plain(volume)


def anonymous(inspect):
    """Return the names of the volumes that go when a container with --rm ends."""
    mounts = [one for one in inspect.get("Mounts") or [] if one.get("Type") == "volume"]
    # 28.5 answers without the name of some; the content of local ones lies in NAME/_data.
    names = {one.get("Name") or posixpath.basename(posixpath.dirname(one.get("Source") or "")) for one in mounts}
    return sorted(name for name in names if _ANONYMOUS.match(name))


def store_after(engine):
    """Return which image store an engine has once it is remapped: from 29.0 on no other than graph drivers (moby)."""
    return "graphdriver" if _daemon_keys.parse_version(engine["version"])[0] >= 29 else engine["image_store"]


def carried(facts, engine):
    """Return what comes along, and what does not: {"images", "networks", "volumes", "containers", "left"}.

    facts: as _migration_read.contents returns, with "gone", ids of images that containers have and the engine has not.
    engine: as engine_info has it. images: [{"id", "tags", "size", "same_id"}]; networks, volumes: the API's answers;
    containers: answers in the order in which they are started; left: [{"kind", "name", "why"}].
    """
    same = store_after(engine) == engine["image_store"]
    images = [
        {"id": one["Id"], "tags": tags(one), "size": one.get("Size") or 0, "same_id": same} for one in facts["images"]
    ]
    listed = {one["id"] for one in images} | set(facts["gone"])
    images += [
        {"id": one, "tags": [], "size": 0, "same_id": same}
        for one in sorted({one["Image"] for one in facts["containers"]} - listed)
    ]
    # In another store an image has another id, and without a name nothing to be found by.
    nameless = {one["id"] for one in images if not one["tags"] and not same}
    images = [one for one in images if one["id"] not in nameless]
    facts = dict(facts, gone=sorted(set(facts["gone"]) | nameless))
    left = [
        {"kind": "volume", "name": one["Name"], "why": f"it is its driver's, {one['Driver']}, and not the engine's"}
        for one in facts["volumes"]
        if one["Driver"] != "local"
    ]
    found = {one["Id"]: _why_left(one, facts, engine) for one in facts["containers"]}
    names = {one["Id"]: _name(one) for one in facts["containers"]}
    staying = {names[key] for key, why in found.items() if why}
    while True:  # Until nobody needs one that stays.
        more = {
            one["Id"]: f"it needs {', '.join(sorted(_migration_objects.needs(one, names) & staying))}, which stays"
            for one in facts["containers"]
            if not found[one["Id"]] and _migration_objects.needs(one, names) & staying
        }
        if not more:
            break
        found.update(more)
        staying |= {names[key] for key in more}
    left += [
        {"kind": "image", "name": one[:19], "why": "it has no name by which another image store knows it"}
        for one in sorted(nameless)
    ]
    left += [
        {"kind": "container", "name": names[one["Id"]], "why": found[one["Id"]]}
        for one in facts["containers"]
        if found[one["Id"]]
    ]
    return {
        "images": images,
        "networks": [one for one in facts["networks"] if not _migration_objects.is_predefined(one)],
        "volumes": [one for one in facts["volumes"] if one["Driver"] == "local"],
        "containers": _migration_objects.order([one for one in facts["containers"] if not found[one["Id"]]]),
        "left": left,
    }


def _name(inspect):
    return inspect["Name"].lstrip("/")


def _why_left(inspect, facts, engine):
    """Return why a container stays, "" where it comes along."""
    if inspect["Image"] in facts["gone"]:
        return "its image is gone, or has no name by which another image store knows it; give it one with docker tag"
    one = next((one for one in engine["containers"] if one["id"] == inspect["Id"]), None)
    refused = [found for found in (one or {"conflicts": []})["conflicts"] if found["severity"] == "refused"]
    return f"it {refused[0]['detail']}; {refused[0]['mend']}" if refused else ""


def need(found, sizes, move):
    """Return the bytes that the new graph root takes at most, while it is filled.

    sizes: as _migration_read.sizes returns. move: whether volumes are moved.
    """
    volumes = sum(sizes["volumes"].get(one["Name"], 0) for one in found["volumes"] if is_plain(one))
    own = sum(sizes["own"].get(one["Id"], 0) for one in found["containers"])
    largest = max([sum(image["size"] for image in batch) for batch in batches(found["images"])], default=0)
    whole = sizes["layers"] + own + (0 if move else volumes) + min(largest, sizes["layers"])
    return int(whole * _MARGIN) + _SPARE


def refusals(found, order):
    """Return [text] on why nothing can be carried.

    order: {"source", "target": graph roots, "left_in": as _migration_read.left_in returns of the target, "need",
    "free": bytes, "move": bool, "overlap": whether old and new ids meet, "elsewhere": [name] of volumes that lie on
    another file system, "linked": [name] of those whose directory is a link, "mounted": {name of a volume: what is
    mounted in it}, "elsewhere_images": bytes free where images lie elsewhere, else None, "lost_images": whether the
    switched engine would not find them, "sizes": as _migration_read.sizes returns}.
    """
    told = []
    there = order["left_in"]
    for kind in ("containers", "volumes"):
        if there[kind]:
            told.append(
                ContainmentError(
                    order["target"],
                    f"has {kind} already ({', '.join(there[kind][:5])}), which an engine left there that was remapped "
                    "before",
                    "move it away, or set userns_carry: false to have the engine use it as it is",
                )
            )
    if order["free"] < order["need"]:
        mend = "make room" if order["move"] else "make room, or set userns_volumes: move"
        told.append(
            ContainmentError(
                order["target"],
                f"{size(order['need'])} are needed for what comes along, and {size(order['free'])} are free",
                mend,
            )
        )
    if order["move"] and order["overlap"]:
        told.append(
            ContainmentError(
                "userns_volumes", "is move, and ids before and after overlap", "set it to copy, or wider apart ranges"
            )
        )
    if order["move"] and order["elsewhere"]:
        told.append(
            ContainmentError(
                "userns_volumes",
                f"is move, and {', '.join(order['elsewhere'][:5])} lie on another file system than {order['target']}",
                "set it to copy",
            )
        )
    if order["elsewhere_images"] is not None and order["elsewhere_images"] < order["sizes"]["layers"]:
        told.append(
            ContainmentError(
                "images",
                f"{size(order['sizes']['layers'])} are needed for them in containerd's directory, and "
                f"{size(order['elsewhere_images'])} are free",
                "make room there",
            )
        )
    if order["lost_images"]:
        told.append(
            ContainmentError(
                "features.containerd-snapshotter",
                "is on, and a remapped engine before 26.0 does not find what another one put into containerd",
                "switch it off, or update the engine",
            )
        )
    for name in order["linked"]:
        told.append(
            ContainmentError(f"volume {name}", "its directory is a symbolic link", "put the directory itself there")
        )
    for one in found["volumes"]:
        inside = order["mounted"].get(one["Name"])
        if inside:
            told.append(
                ContainmentError(
                    f"volume {one['Name']}", f"{inside[0]} is mounted in it, which is not carried", "unmount it"
                )
            )
    return [str(one) for one in told]


def told(found, facts, order):
    """Return [text] for the person who watches.

    order: as for `refusals`, and {"layers": {container id: changed paths} of containers whose own layer cannot come
    along}.
    """
    sizes = order["sizes"]
    volumes = sum(sizes["volumes"].get(one["Name"], 0) for one in found["volumes"])
    counts = [
        f"{_some(found['images'], 'image')} ({size(sizes['layers'])})",
        _some(found["containers"], "container"),
        f"{_some(found['volumes'], 'volume')} ({size(volumes)}, {'moved' if order['move'] else 'copied'})",
        _some(found["networks"], "network"),
    ]
    running = [one for one in found["containers"] if one["State"]["Status"] in ON]
    seconds = _RESTART + _EACH * len(running)
    texts = [
        f"{order['source']}: {', '.join(counts)} come along to {order['target']}; {size(order['need'])} are "
        f"needed there and {size(order['free'])} are free.",
        f"{_some(running, 'running container')} will be away for about {seconds:.0f} s, and for as long as they take "
        "to stop" + (" and their volumes to be shifted." if order["move"] else "."),
    ]
    for one in found["left"]:
        texts.append(f"{one['kind']} {one['name']}: stays in {order['source']}: {one['why']}.")
    for one in found["containers"]:
        changed = order["layers"].get(one["Id"], 0)
        if one["HostConfig"].get("AutoRemove"):
            texts.append(f"container {_name(one)}: is made anew, because the engine removes it when it stops (--rm).")
        elif changed:
            texts.append(
                f"container {_name(one)}: {changed} paths that it changed outside of its volumes stay in "
                f"{order['source']}; save what is needed with docker cp or docker commit."
            )
    for one in found["volumes"]:
        if is_bound(one):
            texts.append(f"volume {one['Name']}: is made anew with its options; what it mounts is not touched.")
    digests = [one for one in facts["images"] if one.get("RepoDigests")]
    if digests:
        texts.append(
            f"{_some(digests, 'image')} will have no repository digests until they are pulled again: a streamed image "
            "has none."
        )
    if sizes["cache"]:
        texts.append(f"build cache: {size(sizes['cache'])} stay in {order['source']}.")
    if facts["plugins"]:
        names = ", ".join(sorted(one["Name"] for one in facts["plugins"]))
        texts.append(f"plugins: {names} stay in {order['source']}; install them again after the switch.")
    for project, names, command in _migration_objects.project_commands(found["containers"]):
        texts.append(
            f"compose project {project}: {', '.join(names)} come along; from then on it is Compose's again: {command}"
        )
    return texts


def _some(things, word):
    return some(len(things), word)


def some(number, word):
    """Return a number of things in words."""
    return f"{number} {word}{'' if number == 1 else 's'}"


def size(number):
    """Return a number of bytes for a person."""
    if number < 1000:
        return f"{number} bytes"
    units = ["kB", "MB", "GB", "TB"]
    number /= 1000.0
    while number >= 999.5 and len(units) > 1:  # what would be rounded to 1000
        number /= 1000.0
        del units[0]
    return f"{number:.0f} {units[0]}" if number >= 9.95 else f"{number:.1f} {units[0]}"
