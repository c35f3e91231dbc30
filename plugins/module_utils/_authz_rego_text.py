# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The first half of the program in Rego: who asks, for what, and whether a grant covers it. Text alone.

It mirrors _authz_request, _authz_demand, _authz_names and _authz_decide, and has its tables from _authz_rego. The input
is what opa-docker-authz makes of a request (main.go, makeInput). What is undefined in Rego drops out of a set or a list
in silence: `demanded` and `query` are there to see that nothing did.
"""

TEXT = r"""# Made by containment.docker of a policy; docs/authz-opa.md says how it is used. The tables are data.
package docker.authz

import rego.v1

import data.containment as tables

default allow := false

allow if {
    some label in granted
    covers(tables.grants[label])
}

# Engines say TLS where there was a certificate, and nothing of a client of their own socket.
granted := tables.socket if {
    input.AuthMethod == ""
    input.User == ""
}

granted := tables.certified[input.User] if input.AuthMethod == "TLS"

covers(grant) if {
    grant.actions[action]
    is_object(query)
    is_object(body)
    sound
    demanded
    every kind, of_kind in things {
        count(of_kind) <= tables.limits.objects[kind]
        every thing in of_kind {
            selected(grant, kind, thing)
        }
    }
    admitted(grant)
    counted(grant)
}

### The request line

mark := indexof(input.Path, "?") if is_string(input.Path)

path := input.Path if mark < 0

path := substring(input.Path, 0, mark) if mark >= 0

asked_for := "" if mark < 0

asked_for := substring(input.Path, mark + 1, -1) if mark >= 0

parameters := [one | some one in split(asked_for, "&"); asked_for != ""]

decoded := urlquery.decode(replace(path, "+", "%2B")) if {
    regex.match(tables.patterns.path, path)
    count(input.Path) <= tables.limits.uri
}

version := regex.find_all_string_submatch_n(tables.patterns.version, decoded, 1)

unversioned := decoded if version == []

unversioned := substring(decoded, count(version[0][0]) - 1, -1) if {
    to_number(version[0][1]) >= tables.limits.oldest
    to_number(version[0][1]) <= tables.limits.newest
}

segments := array.slice(split(unversioned, "/"), 1, count(split(unversioned, "/")))

# In the order of the table: the first one counts.
routes := [{"route": candidate, "objects": found} |
    some candidate in tables.routes[input.Method][segments[0]]
    found := named(candidate)
]

route := routes[0].route

objects := routes[0].objects

action := route.action

named(candidate) := {candidate.kind: concat("/", name)} if {
    candidate.long
    last := count(segments) - count(candidate.behind)
    array.slice(segments, last, count(segments)) == candidate.behind
    last > 1
    name := array.slice(segments, 1, last)
    every one in name {
        regex.match(tables.patterns.reference, one)
    }
}

named(candidate) := found if {
    not candidate.long
    count(segments) == count(candidate.template)
    every place, wanted in candidate.template {
        fits(candidate, wanted, segments[place])
    }
    found := {trim(wanted, "{}"): segments[place] |
        some place, wanted in candidate.template
        startswith(wanted, "{")
    }
}

fits(_, wanted, given) if {
    not startswith(wanted, "{")
    wanted == given
}

fits(candidate, wanted, given) if {
    startswith(wanted, "{")
    regex.match(tables.patterns[candidate.grammar], given)
}

pairs := [{"key": key, "value": value} |
    some one in parameters
    key := split(one, "=")[0]
    key in route.parameters
    sent := concat("=", array.slice(split(one, "="), 1, count(one)))
    regex.match(tables.patterns.part, sent)
    value := urlquery.decode(sent)
    json.unmarshal(json.marshal(value)) == value # It is UTF-8.
]

query := object.union(single, several) if {
    count(pairs) == count(parameters)
    keys := [one.key | some one in pairs; not one.key in route.several]
    count(keys) == count({key | some key in keys})
    single := {one.key: one.value | some one in pairs; not one.key in route.several}
    several := {key: values |
        some key in route.several
        values := [one.value | some one in pairs; one.key == key]
        values != []
    }
}

asked(name) := object.get(query, name, "")

### The body, which opa-docker-authz reads where the type is this very text, and which engines may not show

json_type := "application/json"

header(name) := value if {
    found := [value | some key, value in input.Headers; lower(key) == name]
    count(found) < 2
    value := concat("", found)
}

content_type := header("content-type")

mime := lower(trim_space(split(content_type, ";")[0]))

length := header("content-length") if regex.match("^([0-9]{1,18})?$", header("content-length"))

# Its length without zeros in front: "" for none and for 0.
size := trim_left(length, "0")

nothing_sent if {
    input.Body == null
    length != ""
    size == ""
}

# Where there is a type, it may be the last of two, and the first that of a form, of which no body is shown.
nothing_sent if {
    input.Body == null
    length == ""
    not typed
}

typed if {
    some key, _ in input.Headers
    lower(key) == "content-type"
}

hidden if {
    reads_body
    typed
    input.Body == null
    not nothing_sent
}

# The text null, or a form that is as short.
null_sent if {
    input.Body == null
    content_type == json_type
    size in {"4", "5"}
}

reads_body if input.Method in {"POST", "PUT"}

body := {} if {
    not reads_body
    input.Body == null
    mime != json_type
}

body := {} if {
    not reads_body
    nothing_sent
}

body := {} if {
    reads_body
    route.body in {"stream", "unseen"}
    streams
}

body := {} if {
    reads_body
    route.body in {"none", "maybe"}
    mime in {"", "text/plain", json_type}
    nothing_sent
}

body := {} if {
    reads_body
    action == "image.commit"
    null_sent
}

body := {} if {
    reads_body
    route.body == "none"
    input.Body == {}
    length
}

body := input.Body if {
    reads_body
    route.body in {"maybe", "json"}
    is_object(input.Body)
    length
}

streams if {
    nothing_sent
    length != ""
}

streams if {
    length
    mime in array.concat([""], tables.streams)
    input.Body == null
}

streams if {
    length
    route.body == "unseen"
    mime in array.concat(["", json_type], tables.streams)
}

# As far as anything depends on it.
sound if route.body == "unseen"

sound if not unsound

unsound if {
    walk(input.Body, [place, value])
    count(place) >= tables.limits.depth
    is_inner(value)
}

# Numbers of more digits than the plugin reads.
unsound if {
    walk(input.Body, [_, value])
    is_number(value)
    value >= 100000000000000000000
}

unsound if {
    walk(input.Body, [_, value])
    is_number(value)
    value <= -10000000000000000000
}

# What stands for bytes that are no UTF-8, and for half of a surrogate pair.
unsound if contains(json.marshal(input.Body), "\ufffd")

is_inner(value) if is_object(value)

is_inner(value) if is_array(value)

### What a grant selects

selected(grant, kind, _) if grant.selectors[kind].all

selected(grant, "containers", thing) if {
    thing.new
    grant.selectors.containers.own
}

selected(grant, "containers", thing) if {
    thing.new
    some label in grant.selectors.containers.labels
    value := thing.labels[label.key]
    object.get(label, "value", value) == value
}

selected(grant, "containers", thing) if grant.selectors.containers.exact[thing.name]

selected(grant, "containers", thing) if {
    some pattern in grant.selectors.containers.like
    regex.match(pattern, thing.name)
}

# One that is there. Of an id, or its beginning, nobody tells the name: it counts where the policy has this very name.
selected(grant, "containers", thing) if {
    regex.match(tables.patterns.plain, thing.text)
    grant.selectors.containers.exact[thing.text]
}

selected(grant, "containers", thing) if {
    regex.match(tables.patterns.plain, thing.text)
    not regex.match(tables.patterns.hex, thing.text)
    some pattern in grant.selectors.containers.like
    regex.match(pattern, thing.text)
}

selected(grant, "networks", thing) if {
    not regex.match(tables.patterns.hex, thing.text)
    is_plain_selected(grant.selectors.networks, thing.text)
}

selected(grant, "volumes", thing) if is_plain_selected(grant.selectors.volumes, thing.text)

selected(grant, "images", thing) if {
    image := image_of(thing)
    some one in grant.selectors.images.some
    is_image_selected(one, image)
}

is_plain_selected(selectors, text) if {
    regex.match(tables.patterns.plain, text)
    selectors.exact[text]
}

is_plain_selected(selectors, text) if {
    regex.match(tables.patterns.plain, text)
    some pattern in selectors.like
    regex.match(pattern, text)
}

is_image_selected(one, image) if {
    image.id != null
    one.id == image.id
}

is_image_selected(one, image) if {
    image.id == null
    regex.match(one.repository, image.repository)
    is_version_selected(one, image)
}

is_version_selected(one, image) if one.digest == image.digest

is_version_selected(one, image) if {
    not one.digest
    image.tag != null
    regex.match(one.tag, image.tag)
}

is_version_selected(one, _) if {
    not one.digest
    not one.tag
}
"""
