# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The second part of the program in Rego: which objects a request touches, as _authz_demand and _authz_names have it.

Text alone. A part of a request that cannot be read would drop out of the sets of things in silence: `demanded` is what
sees to it that there is none, and is asked first.
"""

TEXT = r"""
### What a request touches

things := {"containers": containers, "images": images, "networks": networks, "volumes": volumes}

given(value, name, empty) := empty if {
    is_object(value)
    object.get(value, name, null) == null
}

given(value, name, _) := value[name] if {
    is_object(value)
    value[name] != null
}

# Engines take a field's name in any case; no more than the characters of ASCII are compared so.
spelt(value, names) if {
    count(value) <= tables.limits.parts
    every key, _ in value {
        regex.match(`^[\x00-\x7f]*$`, key)
        object.get(names, lower(key), key) == key
    }
}

is_texts(value) if {
    is_array(value)
    every one in value {
        is_string(one)
    }
}

demanded if not action in tables.special

containers contains {"text": objects.container}

images contains {"text": objects.image, "as": "one"} if not action in {"image.save", "image.push"}

networks contains {"text": objects.network}

volumes contains {"text": objects.volume}

envelope := "all" if escalated

envelope := route.envelope if not escalated

# Creating a container

host := given(body, "HostConfig", {})

modes := {name: given(host, name, "") | some name in tables.modes}

networking := given(body, "NetworkingConfig", {})

endpoints := given(networking, "EndpointsConfig", {})

mounts := given(host, "Mounts", [])

demanded if {
    action == "container.create"
    every key, value in body {
        is_in_place(key, value)
    }
    spelt(body, tables.spelt.create)
    is_object(host)
    spelt(host, tables.spelt.host)
    is_new_name(asked("name"))
    is_object(given(body, "Labels", {}))
    is_string(given(body, "Image", ""))
    every name in ["Binds", "VolumesFrom", "Links"] {
        is_texts(given(host, name, []))
    }
    every text in given(host, "Binds", []) {
        is_object(bind(text))
    }
    is_array(mounts)
    count(mounts) <= tables.limits.parts
    every mount in mounts {
        is_object(mount)
        spelt(mount, tables.spelt.mount)
        is_string(given(mount, "Type", ""))
        is_string(given(mount, "Source", ""))
    }
    every name in tables.modes {
        is_string(modes[name])
    }
    is_object(networking)
    spelt(networking, tables.spelt.networking)
    is_object(endpoints)
    every _, endpoint in endpoints {
        is_endpoint(endpoint)
    }
}

# Engines up to 26.1 take the fields of HostConfig from outside of it, too.
is_in_place(_, null)

is_in_place(key, _) if not tables.host_fields[lower(key)]

is_new_name("")

is_new_name(text) if regex.match(tables.patterns.new_name, text)

# A new name that may be the beginning of an id is told as one that nobody can name.
new_name := trim_prefix(asked("name"), "/")

is_part if regex.match(tables.patterns.hex, new_name)

is_endpoint(endpoint) if endpoint in [null, false, 0, "", [], {}]

is_endpoint(endpoint) if {
    is_object(endpoint)
    spelt(endpoint, tables.spelt.endpoint)
    is_string(given(endpoint, "NetworkID", ""))
    is_texts(given(endpoint, "Links", []))
}

# A bind as engines read it; undefined for what is none.
bind(text) := {"source": source, "read_only": "ro" in modes_of, "relabels": count({"z", "Z"} & modes_of) > 0} if {
    parts := split(text, ":")
    count(parts) < 4
    not "" in array.slice(parts, 0, 2)
    mode := concat("", array.slice(parts, 2, 3))
    modes_of := {one | some one in split(mode, ","); mode != ""}
    every one in modes_of {
        one in tables.bind_modes
    }
    paths := array.slice(parts, 0, 2)
    startswith(paths[count(paths) - 1], "/")
    source := object.get({1: ""}, count(paths), paths[0])
    is_source(source)
}

is_source("")

is_source("/")

is_source(source) if {
    startswith(source, "/")
    source != "/"
    every part in split(substring(trim_suffix(source, "/"), 1, -1), "/") {
        not part in {"", ".", ".."}
    }
}

is_source(source) if regex.match(tables.patterns.volume, source)

behind(text) := trim_left(split(text, ":")[0], "/")

containers contains object.union({"new": true, "labels": labels}, named_so) if {
    action == "container.create"
    not is_part
    labels := {key: value | some key, value in given(body, "Labels", {}); is_string(value)}
    named_so := {"name": name | some name in [new_name]; name != ""}
}

containers contains {"text": trim_left(substring(mode, count("container:"), -1), "/")} if {
    action == "container.create"
    some mode in modes
    startswith(mode, "container:")
}

containers contains {"text": behind(text)} if {
    action == "container.create"
    some name in ["VolumesFrom", "Links"]
    some text in given(host, name, [])
}

containers contains {"text": behind(text)} if {
    action == "container.create"
    some endpoint in endpoints
    some text in given(endpoint, "Links", [])
}

images contains {"text": given(body, "Image", ""), "as": "one"} if action == "container.create"

images contains {"text": given(mount, "Source", ""), "as": "one"} if {
    action == "container.create"
    some mount in mounts
    mount.Type == "image"
}

volumes contains {"text": source} if {
    action == "container.create"
    some text in given(host, "Binds", [])
    source := bind(text).source
    source != ""
    not startswith(source, "/")
}

volumes contains {"text": given(mount, "Source", "")} if {
    action == "container.create"
    some mount in mounts
    mount.Type in {"volume", "cluster"}
    given(mount, "Source", "") != ""
}

is_network(mode) if {
    not mode in array.concat(["host"], tables.own_networks)
    not startswith(mode, "container:")
}

networks contains {"text": modes.NetworkMode} if {
    action == "container.create"
    is_network(modes.NetworkMode)
}

networks contains {"text": name} if {
    action == "container.create"
    some name, _ in endpoints
    not name in tables.own_networks
    name != modes.NetworkMode
}

networks contains {"text": given(endpoint, "NetworkID", "")} if {
    action == "container.create"
    some endpoint in endpoints
    given(endpoint, "NetworkID", "") != ""
}

# Containers that are there

demanded if {
    action == "exec.create"
    spelt(body, tables.spelt.exec)
    given(body, "Container", "") in ["", objects.container]
}

demanded if action == "container.start"

escalated if {
    action == "container.start"
    some name in ["checkpoint", "checkpoint-dir"]
    asked(name) != ""
}

demanded if {
    action == "container.remove"
    lower(trim(asked("link"), " ")) in tables.false_words
}

demanded if {
    action == "container.rename"
    asked("name") != ""
    is_new_name(asked("name"))
}

containers contains {"name": new_name} if {
    action == "container.rename"
    not is_part
}

containers contains {"any": true} if {
    action in {"container.create", "container.rename"}
    is_part
}

# Images

demanded if {
    action == "image.commit"
    is_string(joined(asked("repo"), asked("tag")))
}

demanded if {
    action == "image.commit"
    asked("repo") == ""
}

containers contains {"text": asked("container")} if action == "image.commit"

images contains {"text": joined(asked("repo"), asked("tag")), "as": "new"} if {
    action == "image.commit"
    asked("repo") != ""
}

pulled := "fromImage" if asked("fromImage") != ""

pulled := "repo" if asked("fromImage") == ""

demanded if {
    action == "image.pull"
    is_string(joined(asked(pulled), asked("tag")))
}

demanded if {
    action == "image.pull"
    asked(pulled) == ""
}

# A form that is not shown may ask for anything; one as short as null names no more than a tag.
images contains {"any": true} if {
    action in {"image.commit", "image.pull", "build.run"}
    hidden
}

networks contains {"any": true} if {
    action == "build.run"
    hidden
}

escalated if {
    action == "build.run"
    hidden
}

# The engine fetches it from wherever it is told.
images contains {"any": true} if {
    action == "image.pull"
    pulled == "repo"
    asked("fromSrc") != "-"
}

images contains {"text": joined(asked(pulled), asked("tag")), "as": {"fromImage": "all", "repo": "new"}[pulled]} if {
    action == "image.pull"
    asked(pulled) != ""
}

# What nobody can name, only "*" selects.
images contains {"any": true} if {
    action == "image.pull"
    asked(pulled) == ""
}

images contains {"any": true} if action == "image.load"

demanded if action in {"image.load", "image.save"}

images contains {"text": objects.image, "as": "all"} if action == "image.save"

images contains {"text": name, "as": "all"} if {
    action == "image.save"
    some name in object.get(query, "names", [])
}

demanded if {
    action == "image.tag"
    is_string(joined(asked("repo"), asked("tag")))
}

images contains {"text": joined(asked("repo"), asked("tag")), "as": "new"} if action == "image.tag"

demanded if {
    action == "image.push"
    is_string(joined(objects.image, asked("tag")))
}

images contains {"text": joined(objects.image, asked("tag")), "as": "all"} if action == "image.push"

demanded if {
    action == "build.run"
    not startswith(asked("networkmode"), "container:")
}

images contains {"text": name, "as": "new"} if {
    action == "build.run"
    some name in object.get(query, "t", [])
}

networks contains {"text": asked("networkmode")} if {
    action == "build.run"
    is_network(asked("networkmode"))
}

# Volumes and networks

demanded if {
    action in {"volume.create", "network.create"}
    spelt(body, tables.spelt.named)
    is_string(given(body, "Name", ""))
}

volumes contains {"text": given(body, "Name", "")} if action == "volume.create"

networks contains {"text": given(body, "Name", "")} if action == "network.create"

demanded if {
    action == "network.connect"
    spelt(body, tables.spelt.connect)
    is_string(given(body, "Container", ""))
    is_endpoint(given(body, "EndpointConfig", {}))
    is_object(given(body, "EndpointConfig", {}))
}

demanded if {
    action == "network.disconnect"
    spelt(body, tables.spelt.disconnect)
    is_string(given(body, "Container", ""))
}

containers contains {"text": trim_left(given(body, "Container", ""), "/")} if {
    action in {"network.connect", "network.disconnect"}
}

containers contains {"text": behind(text)} if {
    action == "network.connect"
    some text in given(given(body, "EndpointConfig", {}), "Links", [])
}

networks contains {"text": given(given(body, "EndpointConfig", {}), "NetworkID", "")} if {
    action == "network.connect"
    given(given(body, "EndpointConfig", {}), "NetworkID", "") != ""
}
"""
