# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The part of the program in Rego that knows the rules of _authz_rules for a container that is to be made. Text alone.

A field of kind "rule" for which there is none here is refused, as are MaskedPaths and ReadonlyPaths.
"""

TEXT = r"""
### The rules

passes(_, _, null)

passes(may, name, value) if {
    value != null
    rule(may, name, value)
}

rule(_, "CapDrop", value) if is_texts(value)

rule(_, "Isolation", value) if value in {"", "default"}

rule(_, "OomScoreAdj", value) if {
    is_whole(value)
    value >= 0
}

rule(_, "StorageOpt", value) if {
    is_object(value)
    object.keys(value) - {"size"} == set()
}

rule(may, "Runtime", value) if value in array.concat([""], may.runtimes)

rule(may, "VolumeDriver", value) if value in array.concat(["", "local"], may.volume_drivers)

rule(may, "Sysctls", value) if {
    is_object(value)
    every name, _ in value {
        name in may.sysctls
    }
}

rule(may, "User", value) if {
    is_string(value)
    is_user(may, value)
}

is_user(may, _) if may.root

is_user(_, "")

is_user(_, value) if {
    numbers := regex.find_all_string_submatch_n(tables.patterns.user, value, 1)[0]
    to_number(numbers[1]) <= tables.limits.user
    to_number(object.get({"": "0"}, numbers[2], numbers[2])) <= tables.limits.user
}

rule(may, "Image", value) if {
    is_string(value)
    is_pinned(may, value)
}

is_pinned(may, _) if not may.digest

is_pinned(_, value) if image(value).digest != null

is_pinned(_, value) if image(value).id != null

rule(_, name, value) if value in tables.namespaces[name].plain

rule(may, name, "host") if tables.namespaces[name].name in may.namespaces

rule(may, name, value) if {
    name in {"IpcMode", "PidMode"}
    startswith(value, "container:")
    may.join
}

rule(may, "NetworkMode", "host") if "network" in may.namespaces

rule(may, "NetworkMode", value) if {
    startswith(value, "container:")
    may.join
}

rule(_, "NetworkMode", value) if {
    is_string(value)
    value != "host"
    not startswith(value, "container:")
}

rule(_, "VolumesFrom", [])

rule(may, "VolumesFrom", value) if {
    is_texts(value)
    may.join
}

rule(may, "Binds", value) if {
    is_texts(value)
    every text in value {
        is_bound(may, bind(text))
    }
}

is_bound(_, found) if not startswith(found.source, "/")

is_bound(may, found) if {
    startswith(found.source, "/")
    may_bind(may, found.source, found.read_only)
    not found.relabels
}

is_bound(may, found) if may_bind(may, found.source, false)

may_bind(may, source, _) if plain_path(source) in may.binds

may_bind(may, source, true) if concat("", [plain_path(source), ":ro"]) in may.binds

plain_path(source) := object.get({"": "/"}, trim_right(source, "/"), trim_right(source, "/"))

rule(may, "Mounts", value) if {
    every mount in value {
        given(mount, "Type", "") in {"bind", "image", "tmpfs", "volume"}
        given(given(mount, "BindOptions", {}), "Propagation", "") in {"", "private", "rprivate"}
        is_mounted(may, mount)
        driver := given(given(mount, "VolumeOptions", {}), "DriverConfig", {})
        is_driver(may, given(driver, "Name", ""), given(driver, "Options", {}))
    }
}

is_mounted(_, mount) if mount.Type != "bind"

is_mounted(may, mount) if {
    mount.Type == "bind"
    may_bind(may, given(mount, "Source", ""), false)
}

is_mounted(may, mount) if {
    mount.Type == "bind"
    is_read_only(mount)
    may_bind(may, given(mount, "Source", ""), true)
}

is_read_only(mount) if {
    mount.ReadOnly
    not given(mount, "BindOptions", {}).ReadOnlyNonRecursive
}

is_driver(may, name, _) if name in may.volume_drivers

is_driver(_, name, options) if {
    name in {"", "local"}
    options == {}
}

rule(may, "Devices", value) if {
    is_array(value)
    every one in value {
        is_object(one)
        is_device(may, one)
    }
}

is_device(may, _) if "*" in may.devices

is_device(may, one) if {
    one.PathOnHost in may.devices
    object.keys(one) - {"PathOnHost", "PathInContainer", "CgroupPermissions"} == set()
}

rule(may, name, value) if {
    name in {"DeviceCgroupRules", "DeviceRequests"}
    is_any_device(may, value)
}

is_any_device(_, value) if is_nothing(value)

is_any_device(may, _) if "*" in may.devices

rule(may, "CapAdd", value) if {
    is_kind("words", value)
    every one in words(value) {
        not capability(one) in may.capabilities_dropped
        count({capability(one), "ALL"} & {name | some name in may.capabilities}) > 0
    }
}

words(value) := [value] if is_string(value)

words(value) := value if is_array(value)

capability(name) := trim_prefix(upper(name), "CAP_")

rule(may, "LogConfig", value) if given(value, "Type", "") in may.log_drivers

rule(_, "LogConfig", value) if {
    known := array.concat(tables.log_options[given(value, "Type", "")], tables.log_delivery)
    every name, text in given(value, "Config", {}) {
        name in known
        is_log_option(name, text)
    }
}

is_log_option(name, _) if name != "tag"

is_log_option("tag", text) if regex.match(tables.patterns.log_tag, text)

rule(may, "PortBindings", value) if {
    is_object(value)
    every _, bindings in value {
        is_published(may, bindings)
    }
}

is_published(_, null)

is_published(may, bindings) if {
    is_array(bindings)
    count(bindings) <= tables.limits.parts
    every one in bindings {
        is_object(one)
        every key, inner in one {
            is_field({"HostIp": "text", "HostPort": "text"}, key, inner)
        }
        is_port(may, given(one, "HostPort", ""))
    }
}

is_port(may, text) if {
    text in {"", "0"}
    "1-65535" in may.ports
}

is_port(may, text) if {
    numbers := regex.find_all_string_submatch_n(tables.patterns.port, text, 1)[0]
    first := number(numbers[1])
    last := number(object.get({"": numbers[1]}, numbers[2], numbers[2]))
    first <= last
    some allowed in may.ports
    ends := split(allowed, "-")
    number(ends[0]) <= first
    last <= number(ends[count(ends) - 1])
}

# None for 0, which is no port.
number(text) := to_number(trim_left(text, "0")) if trim_left(text, "0") != ""

rule(_, "PublishAllPorts", false)

rule(may, "PublishAllPorts", true) if "1-65535" in may.ports

rule(_, "Tmpfs", value) if {
    is_object(value)
    every _, options in value {
        is_string(options)
        count(options) <= tables.limits.options
        every one in split(options, ",") {
            is_tmpfs_option(one)
        }
    }
}

is_tmpfs_option("")

is_tmpfs_option(text) if regex.match(tables.patterns.tmpfs, text)

rule(may, "SecurityOpt", value) if {
    is_texts(value)
    every one in value {
        is_security(may, option(one))
    }
}

# [key, value], or [key] without one: a colon in place of the sign is what old clients send.
option(text) := [parts[0], concat("=", array.slice(parts, 1, count(parts)))] if {
    contains(text, "=")
    parts := split(text, "=")
}

option(text) := [parts[0], concat(":", array.slice(parts, 1, count(parts)))] if {
    not contains(text, "=")
    contains(text, ":")
    parts := split(text, ":")
}

option(text) := [text] if {
    not contains(text, "=")
    not contains(text, ":")
}

is_security(_, one) if one in [["no-new-privileges"], ["no-new-privileges", "true"]]

is_security(may, ["apparmor", name]) if name in may.apparmor

is_security(may, ["label", text]) if text in may.selinux

is_security(may, ["seccomp", name]) if {
    name in {"builtin", "unconfined"}
    name in may.seccomp
}

# A profile without white space and with nothing twice: then it is as long as what is made of it.
is_security(may, ["seccomp", profile]) if {
    regex.match(`^[ !#-%'-;=?-~"]*$`, profile)
    json.is_valid(profile)
    plain := json.marshal(json.unmarshal(profile))
    count(plain) == count(profile)
    concat(":", ["sha256", crypto.sha256(plain)]) in may.seccomp
}

demands(may) if {
    is_closed(may)
    dropped := {capability(one) | some one in given(host, "CapDrop", [])}
    every one in may.capabilities_dropped {
        count({one, "ALL"} & dropped) > 0
    }
    is_nobody(may)
}

is_closed(may) if not may.no_new_privileges

is_closed(_) if {
    some one in given(host, "SecurityOpt", [])
    option(one) in [["no-new-privileges"], ["no-new-privileges", "true"]]
}

is_nobody(may) if may.root

is_nobody(_) if given(body, "User", "") != ""
"""
