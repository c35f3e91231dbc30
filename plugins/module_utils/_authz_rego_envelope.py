# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The part of the program in Rego that has a body looked at by an envelope, as _authz_envelope and _authz_values do.

Text alone. Containers that are there cannot be looked at: the kinds "inside", "exec", "update" and "commit" of
_authz_actions.ENVELOPES are left to privileged envelopes.
"""

TEXT = r"""
### Envelopes

admitted(_) if envelope == null

admitted(grant) if {
    envelope != null
    tables.envelopes[grant.envelope].everything
}

admitted(grant) if {
    envelope != null
    examined(tables.envelopes[grant.envelope].options)
}

table := tables.fields[envelope]

examined(_) if {
    envelope == "connect"
    has_known_fields
}

examined(may) if {
    envelope == "create"
    has_known_fields
    every name in tables.rules.config {
        passes(may, name, given(body, name, null))
    }
    every name in tables.rules.host {
        passes(may, name, given(host, name, null))
    }
    demands(may)
}

examined(may) if {
    envelope == "volume"
    has_known_fields
    is_string(given(body, "Driver", ""))
    is_object(given(body, "DriverOpts", {}))
    is_driver(may, given(body, "Driver", ""), given(body, "DriverOpts", {}))
}

examined(may) if {
    envelope == "network"
    has_known_fields
    is_string(given(body, "Driver", ""))
    given(body, "Scope", "") in {"", "local"}
    is_object(given(body, "Options", {}))
    given(ipam, "Driver", "") in {"", "default"}
    is_array(given(ipam, "Config", []))
    is_network_driver(may, object.get({"": "bridge"}, given(body, "Driver", ""), given(body, "Driver", "")))
}

ipam := given(body, "IPAM", {})

is_network_driver(may, driver) if driver in may.network_drivers

is_network_driver(_, "bridge") if {
    given(ipam, "Config", []) == []
    every name, _ in given(body, "Options", {}) {
        name in tables.bridge_options
    }
}

examined(may) if {
    envelope == "build"
    every name in ["cgroupparent", "isolation", "outputs"] {
        asked(name) in {"", "default"}
    }
    asked("securityopt") == ""
    asked("remote") == ""
    asked("version") in {"", "1"}
    asked("session") == ""
    rule(may, "NetworkMode", asked("networkmode"))
}

### The fields of a body

# Each object that the table has fields for is looked at with them; what lies within other values is theirs.
has_known_fields if {
    every node in [[place, value] | walk(body, [place, value]); is_object(value)] {
        is_known(kind_at(node[0]), node[1])
    }
}

kind_at(place) := object.get(table, [plain_step(place, index, step) | some index, step in place], null)

plain_step(_, _, step) := 0 if is_number(step)

plain_step(place, index, step) := object.get({true: "*"}, is_open(place, index), step) if is_string(step)

is_open(place, index) := array.slice(place, 0, index) == tables.open[envelope] if tables.open[envelope]

is_open(_, _) := false if not tables.open[envelope]

is_fields(kind) if {
    is_object(kind)
    not kind["*"]
}

is_known(kind, _) if not is_fields(kind)

is_known(kind, value) if {
    is_fields(kind)
    count(value) <= tables.limits.parts
    every key, inner in value {
        is_field(kind, key, inner)
    }
}

is_field(kind, key, null) if kind[key]

# The Python SDK sends such; in another spelling of a field's name it would take that field's value back.
is_field(kind, key, null) if {
    not kind[key]
    regex.match(`^[\x00-\x7f]*$`, key)
    every name, _ in kind {
        lower(name) != lower(key)
    }
}

is_field(kind, key, inner) if {
    inner != null
    is_kind(kind[key], inner)
}

is_kind("rule", _)

is_kind("text", value) if is_string(value)

is_kind("flag", value) if is_boolean(value)

is_kind("number", value) if is_whole(value)

is_kind("numbers", value) if {
    is_array(value)
    every one in value {
        is_whole(one)
    }
}

is_kind("texts", value) if is_texts(value)

is_kind("words", value) if is_string(value)

is_kind("words", value) if is_texts(value)

is_kind("map", value) if {
    is_object(value)
    every _, one in value {
        is_string(one)
    }
}

is_kind("set", value) if {
    is_object(value)
    every _, one in value {
        one in [null, {}]
    }
}

is_kind("absent", value) if is_nothing(value)

is_kind(kind, value) if {
    is_array(kind)
    is_array(value)
    count(value) <= tables.limits.parts
    every one in value {
        is_object(one)
    }
}

is_kind(kind, value) if {
    is_fields(kind)
    is_object(value)
}

is_kind(kind, value) if {
    is_object(kind["*"])
    is_object(value)
    every _, one in value {
        type_name(one) in {"null", "object"}
    }
}

is_whole(value) if {
    is_number(value)
    floor(value) == value
}

is_nothing(value) if value in ["", [], {}, false, 0]

### A body with nothing twice

# Of a key that is there twice OPA is shown the last value, and engines put both together. All that is left of it is the
# length: a body that is as long as what is shown, written without white space, has nothing else in it.
counted(_) if not action in tables.counted

counted(grant) if {
    action in tables.counted
    grant.blind
}

counted(_) if {
    action in tables.counted
    input.Body == null
}

counted(_) if {
    action in tables.counted
    every one in [[place, value] | walk(input.Body, [place, value]); is_number(value)] {
        is_plain_number(one[0], one[1])
    }
    text := json.marshal(input.Body)
    respelt := [more |
        walk(input.Body, [_, value])
        is_number(value)
        more := count(format_int(value, 10)) - count(json.marshal(value))
    ]
    longest := (count(hex.encode(text)) / 2) + sum(respelt)
    escapes := regex.find_n(`\\u(003c|003e|0026|2028|2029)`, replace(text, `\\`, ""), -1)
    spared := sum([spare | some one in escapes; spare := object.get({"\\u2028": 3, "\\u2029": 3}, one, 5)])
    some whole in lengths(longest, spared)
    size in {format_int(whole, 10), format_int(whole + 1, 10)} # The docker command ends the line.
}

# Clients that are written in Go send <, > and & as six characters each. That leaves room for another key: for none with
# fields of its own, of which engines would put both together, and of any other they take the last, but for null.
lengths(longest, spared) := {longest, longest - spared} if {
    spared <= tables.limits.spared
    not keeps_another
}

lengths(longest, spared) := {longest - spared} if spared > tables.limits.spared

lengths(longest, spared) := {longest - spared} if keeps_another

keeps_another if {
    walk(input.Body, [place, null])
    not is_emptied(place)
}

# Null takes back what was there before where it stands for a list or an object; elsewhere that stays.
is_emptied(place) if kind_at(place) in {"map", "numbers", "set", "texts", "words"}

is_emptied(place) if is_inner(kind_at(place))

is_emptied(place) if place[count(place) - 1] in tables.emptied

# Numbers of 1000 and more can be written with an exponent, which is shorter: no engine takes that for a whole number.
is_plain_number(_, value) if {
    is_whole(value)
    abs(value) < 1000
}

is_plain_number(place, value) if {
    is_whole(value)
    kind_at(place) == "number"
}

is_plain_number(place, value) if {
    is_whole(value)
    kind_at(array.slice(place, 0, count(place) - 1)) == "numbers"
}
"""
