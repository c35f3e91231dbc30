# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the options of an envelope say of the fields of kind "rule" in the tables of _authz_fields. Pure."""

import json
import re

from ansible_collections.containment.docker.plugins.module_utils import (
    _authz_binds,
    _authz_digest,
    _authz_fields,
    _authz_json,
    _authz_names,
)
from ansible_collections.containment.docker.plugins.module_utils._authz_values import (
    check,
    check_length,
    is_texts,
    refused,
    shown,
)

_ROTATION = ("max-size", "max-file", "compress")
# With a tag and labels of its choice a container writes records to the journal as whoever it likes, this plugin too.
_PLAIN_LOGS = {
    "": _ROTATION,  # the engine's own choice, which may be journald
    "json-file": (*_ROTATION, "labels", "labels-regex", "env", "env-regex", "tag"),
    "local": _ROTATION,
    "journald": (),
    "none": (),
}
# Of the templates of Go plain fields alone: a function can have an engine fill gigabytes.
_LOG_TAG = re.compile(r"(?:[^{}]|\{\{\.[A-Za-z]+\}\})*\Z")
_LOG_DELIVERY = ("mode", "max-buffer-size")
_PLAIN_BRIDGE = (
    "com.docker.network.bridge.enable_icc",
    "com.docker.network.bridge.enable_ip_masquerade",
    "com.docker.network.driver.mtu",
)
# {field of HostConfig: (the namespace, what engines do without)}.
NAMESPACES = {
    "CgroupnsMode": ("cgroup", ("", "private")),
    "IpcMode": ("ipc", ("", "none", "private", "shareable")),
    "PidMode": ("pid", ("", "private")),
    "UTSMode": ("uts", ("",)),
    "UsernsMode": ("userns", ("",)),
}
_TMPFS = re.compile(
    r"(?:r[ow]|(?:no)?exec|nosuid|nodev|noatime|relatime|nodiratime|size=[0-9]+[kKmMgG%]?|mode=[0-7]{1,4}|[ug]id=[0-9]+"
    r"|nr_(?:inodes|blocks)=[0-9]+[kKmMgG]?)\Z"
)
_USER = re.compile(r"0*([1-9][0-9]{0,9})(?::0*([0-9]{1,10}))?\Z")
_MAX_USER = 2**31 - 1  # What is more is the name of a user to engines, whom the image's passwd can have as root.
_MAX_OPTIONS = 4096  # characters of a mount's options; a kernel takes no more
_PORT = re.compile(r"([0-9]{1,5})(?:-([0-9]{1,5}))?\Z")
# Of moby 20.10; later ones mask more (oci/defaults.go).
_MASKED = [
    "/proc/acpi",
    "/proc/asound",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/sys/firmware",
]
_READ_ONLY = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]


def digest_of(profile):
    """Return "sha256:..." of a seccomp profile, a text of JSON, whatever its white space and the order of its keys.

    Raises ContainmentError.
    """
    text = json.dumps(_authz_json.parse(profile.encode("utf-8")), sort_keys=True, separators=(",", ":"))
    return "sha256:" + _authz_digest.hexadecimal(text.encode("utf-8"))


class Rules:
    """The rules for fields of kind "rule", under one envelope.

    kept: whether the values are those of a container that is there, in which engines have filled in their defaults.
    """

    def __init__(self, envelope, kept=False):
        self._may, self._kept = envelope.options, kept

    def config(self):
        return {"User": lambda value: self.user("User", value), "Image": self._image}

    def resources(self, place):
        return {
            place + "Devices": self._devices,
            place + "DeviceCgroupRules": self._any_device,
            place + "DeviceRequests": self._any_device,
        }

    def host(self, place):
        named = {
            "Binds": self._binds,
            "CapAdd": self._cap_add,
            "CapDrop": self._texts("CapDrop"),
            "Isolation": self._one_of("Isolation", ("", "default")),
            "LogConfig": self._log,
            "MaskedPaths": self._paths("MaskedPaths", _MASKED),
            "Mounts": self._mounts,
            "NetworkMode": lambda value: self.network_mode("HostConfig.NetworkMode", value),
            "OomScoreAdj": self._oom_score,
            "PortBindings": self._ports,
            "PublishAllPorts": self._all_ports,
            "ReadonlyPaths": self._paths("ReadonlyPaths", _READ_ONLY),
            "Runtime": self._one_of("Runtime", ["", *self._may["runtimes"]]),
            "SecurityOpt": self._security,
            "StorageOpt": self._storage,
            "Sysctls": self._sysctls,
            "Tmpfs": self._tmpfs,
            "VolumeDriver": self._one_of("VolumeDriver", ["", "local", *self._may["volume_drivers"]]),
            "VolumesFrom": self._volumes_from,
        }
        named.update({name: self._namespace(name, *about) for name, about in NAMESPACES.items()})
        return dict({place + name: rule for name, rule in named.items()}, **self.resources(place))

    def demands(self, config, host):
        """What has to be there, whatever else is."""
        if self._may["no_new_privileges"] and not self._has_no_new_privileges(host):
            raise refused("HostConfig.SecurityOpt", "has no no-new-privileges", "set it to true")
        dropped = {_capability(one) for one in host.get("CapDrop") or ()}
        for one in self._may["capabilities_dropped"]:
            if one not in dropped and "ALL" not in dropped:
                raise refused("HostConfig.CapDrop", f"does not drop {one}", "drop it")
        if not self._may["root"] and not config.get("User"):
            raise refused("User", "is not given, so that it may be root", "give a number that is not 0")

    def user(self, path, value):
        _must(isinstance(value, str), path, "is no text")
        if not self._may["root"] and value != "" and not _is_user(value):
            raise refused(path, f"may be root ({shown(value)})", "give a number that is not 0")

    def _image(self, value):
        _must(isinstance(value, str), "Image", "is no text")
        if self._may["digest"]:
            named = _authz_names.image(value)
            if named.digest is None and named.id is None:
                raise refused("Image", f"{shown(value)} is not named by digest", "write name@sha256:...")

    def network_mode(self, path, value):
        _must(isinstance(value, str), path, "is no text")
        if value == "host":
            self._shares(path, "network")
        elif value.startswith("container:"):
            self._joins(path)

    def _shares(self, path, namespace):
        if namespace not in self._may["namespaces"]:
            raise refused(path, f"shares the host's {namespace} namespace", "leave it out")

    def _joins(self, path):
        if not self._may["join"]:
            raise refused(path, "shares what another container has", "leave it out")

    def _namespace(self, name, namespace, plain):
        path = "HostConfig." + name

        def rule(value):
            _must(isinstance(value, str), path, "is no text")
            # With version 1 of cgroups the host's is what engines take by default.
            if value in plain or (self._kept and (name, value) == ("CgroupnsMode", "host")):
                return
            if value == "host":
                self._shares(path, namespace)
            elif value.startswith("container:") and name in ("IpcMode", "PidMode"):
                self._joins(path)
            else:
                raise refused(path, f"is {shown(value)}", f"use one of {', '.join(filter(None, plain))} or nothing")

        return rule

    @staticmethod
    def _texts(name):
        def rule(value):
            _must(is_texts(value), "HostConfig." + name, "is no list of texts")

        return rule

    @staticmethod
    def _one_of(name, allowed):
        path = "HostConfig." + name

        def rule(value):
            if value not in allowed:
                raise refused(path, f"is {_brief(value)}", f"use one of {', '.join(filter(None, allowed))}")

        return rule

    def _binds(self, value):
        _must(is_texts(value), "HostConfig.Binds", "is no list of texts")
        for one in value:
            bind = _authz_binds.read(one)
            if bind.is_path:
                self._bind("HostConfig.Binds", bind.source, bind.read_only and not bind.relabels)

    def _bind(self, path, source, read_only):
        plain = source.rstrip("/") or "/"
        if plain in self._may["binds"] or (read_only and plain + ":ro" in self._may["binds"]):
            return
        if plain + ":ro" in self._may["binds"]:
            raise refused(
                path, f"has {shown(source)} to be written to", "mount it read-only, with all below it, and without z"
            )
        raise refused(path, f"has {shown(source)} of the host", "use a volume")

    def _mounts(self, value):
        path = "HostConfig.Mounts"
        _must(isinstance(value, list), path, "is no list")
        check_length(value, path)
        for one in value:
            check(_authz_fields.MOUNT, one, {}, path)
            kind, source = one.get("Type") or "", one.get("Source") or ""
            _must(kind in ("bind", "image", "tmpfs", "volume"), path, f"has one of type {shown(kind)}")
            options = one.get("BindOptions") or {}
            if options.get("Propagation") not in (None, "", "private", "rprivate"):
                raise refused(path, "has one that others see the mounts of", "leave Propagation out")
            if kind == "bind":
                self._bind(path, source, one.get("ReadOnly") is True and not options.get("ReadOnlyNonRecursive"))
            driver = (one.get("VolumeOptions") or {}).get("DriverConfig") or {}
            self._volume_driver(path, driver.get("Name"), driver.get("Options"))

    def _volume_driver(self, path, name, options):
        if name in self._may["volume_drivers"]:
            return
        if name not in (None, "", "local"):
            raise refused(path, f"names the volume driver {shown(name)}", "use local")
        # The local one mounts whatever its options name.
        if options:
            raise refused(path, "gives a volume's driver options", "leave them out")

    def volume(self, body):
        def driver(value):
            _must(isinstance(value, str), "Driver", "is no text")

        def options(value):
            _must(isinstance(value, dict), "DriverOpts", "is no object")

        check(_authz_fields.VOLUME, body, {"Driver": driver, "DriverOpts": options})
        self._volume_driver("Driver", body.get("Driver"), body.get("DriverOpts"))

    def network(self, body):
        allowed = ["", "default"]
        rules = {
            "Driver": lambda value: _must(isinstance(value, str), "Driver", "is no text"),
            "IPAM.Config": lambda value: _must(isinstance(value, list), "IPAM.Config", "is no list"),
            "IPAM.Driver": lambda value: _must(value in allowed, "IPAM.Driver", "is not the default"),
            "Options": lambda value: _must(isinstance(value, dict), "Options", "is no object"),
            "Scope": lambda value: _must(value in ("", "local"), "Scope", "is not local"),
        }
        check(_authz_fields.NETWORK, body, rules)
        driver = body.get("Driver") or "bridge"
        if driver in self._may["network_drivers"]:
            return
        if driver != "bridge":
            raise refused("Driver", f"is {shown(driver)}", "use bridge")
        if (body.get("IPAM") or {}).get("Config"):
            raise refused("IPAM.Config", "chooses addresses, which may be those of other hosts", "leave it out")
        for name in body.get("Options") or {}:
            if name not in _PLAIN_BRIDGE:
                raise refused("Options", f"has {shown(name)}", "leave it out")

    def _devices(self, value):
        path = "HostConfig.Devices"
        _must(isinstance(value, list) and all(isinstance(one, dict) for one in value), path, "is no list of objects")
        for one in value:
            source = one.get("PathOnHost")
            if "*" in self._may["devices"]:
                continue
            if not isinstance(source, str) or source not in self._may["devices"]:
                raise refused(path, f"has {_brief(source)} of the host", "leave it out")
            for key in one:
                if key not in ("PathOnHost", "PathInContainer", "CgroupPermissions"):
                    raise refused(path, f"has the field {shown(key)}", "leave it out")

    def _any_device(self, value):
        if value and "*" not in self._may["devices"]:
            raise refused("HostConfig", "asks for devices by rule or driver", "leave it out")

    def _cap_add(self, value):
        for one in _words("HostConfig.CapAdd", value):
            if _capability(one) in self._may["capabilities_dropped"]:  # Engines add after they drop.
                raise refused("HostConfig.CapAdd", f"adds {shown(one)}, which has to be dropped", "leave it out")
            if _capability(one) not in self._may["capabilities"] and "ALL" not in self._may["capabilities"]:
                raise refused("HostConfig.CapAdd", f"adds {shown(one)}", "leave it out")

    def _log(self, value):
        if self._kept:
            return
        path = "HostConfig.LogConfig"
        check({"Type": "text", "Config": "map"}, value, {}, path)
        driver = value.get("Type") or ""
        if driver in self._may["log_drivers"]:
            return
        if driver not in _PLAIN_LOGS:
            raise refused(path, f"names {shown(driver)}", f"use one of {', '.join(filter(None, _PLAIN_LOGS))}")
        for name, text in (value.get("Config") or {}).items():
            if name not in _PLAIN_LOGS[driver] + _LOG_DELIVERY:
                mend = "leave it out" if driver else "leave it out, or name the driver json-file"
                raise refused(path, f"has the option {shown(name)}", mend)
            if name == "tag" and not _LOG_TAG.match(text):
                raise refused(path, f"has the tag {shown(text)}", "use text and plain fields, as {{.Name}}")

    def _paths(self, name, least):
        path = "HostConfig." + name

        def rule(value):
            _must(is_texts(value), path, "is no list of texts")
            # What engines take away is more in each version: only their own choice is known to be enough.
            if not self._kept or not set(least) <= set(value):
                raise refused(path, "takes less away than engines do", "leave it out")

        return rule

    def _oom_score(self, value):
        _must(
            isinstance(value, int) and not isinstance(value, bool) and value >= 0,
            "HostConfig.OomScoreAdj",
            "is no number of 0 and more",
        )

    def _ports(self, value):
        path = "HostConfig.PortBindings"
        _must(isinstance(value, dict), path, "is no object")
        for bindings in value.values():
            _must(bindings is None or isinstance(bindings, list), path, "has one that is no list")
            check_length(bindings or (), path)
            for one in bindings or ():
                check({"HostIp": "text", "HostPort": "text"}, one, {}, path)
                self._port(path, one.get("HostPort") or "")

    def _port(self, path, text):
        if text in ("", "0"):
            self._any_port(path)
            return
        found = _PORT.match(text)
        _must(found, path, f"has {shown(text)}")
        first, last = int(found.group(1)), int(found.group(2) or found.group(1))
        for allowed in self._may["ports"]:
            low, _dash, high = allowed.partition("-")
            if int(low) <= first <= last <= int(high or low):
                return
        raise refused(path, f"has {text} of the host", f"use {', '.join(self._may['ports']) or 'none'}")

    def _any_port(self, path):
        if "1-65535" not in self._may["ports"]:
            raise refused(path, "has whichever port of the host the engine chooses", "name one, or leave it out")

    def _all_ports(self, value):
        _must(isinstance(value, bool), "HostConfig.PublishAllPorts", "is not true or false")
        if value:
            self._any_port("HostConfig.PublishAllPorts")

    def _security(self, value):
        path = "HostConfig.SecurityOpt"
        _must(is_texts(value), path, "is no list of texts")
        for one in value:
            key, text = _option(one)
            if key == "no-new-privileges":
                if text not in (None, "true"):
                    raise refused(path, f"has {shown(one)}", "leave it out")
            elif key == "seccomp" and text is not None:
                self._seccomp(path, text)
            elif key == "apparmor" and text is not None:
                _must(text in self._may["apparmor"], path, f"names the AppArmor profile {shown(text)}")
            elif key == "label" and text is not None:
                _must(self._is_label(text), path, f"has {shown(one)}")
            else:
                raise refused(path, f"has {shown(one)}", "leave it out")

    def _is_label(self, text):
        """Whether a label option is allowed, or one that engines note themselves (moby, generateSecurityOpt)."""
        if text in self._may["selinux"] or not self._kept:
            return text in self._may["selinux"]
        if text == "disable":
            return bool({"ipc", "pid"} & set(self._may["namespaces"]))
        return self._may["join"] and text.partition(":")[0] in ("user", "role", "type", "level")

    def _seccomp(self, path, text):
        name = text if text in ("builtin", "unconfined") else digest_of(text)
        if name not in self._may["seccomp"]:
            raise refused(path, f"names a seccomp profile that is not allowed ({name})", "leave it out")

    @staticmethod
    def _has_no_new_privileges(host):
        return any(
            _option(one) in (("no-new-privileges", None), ("no-new-privileges", "true"))
            for one in host.get("SecurityOpt") or ()
        )

    def _storage(self, value):
        _must(isinstance(value, dict) and set(value) <= {"size"}, "HostConfig.StorageOpt", "has more than a size")

    def _sysctls(self, value):
        _must(isinstance(value, dict), "HostConfig.Sysctls", "is no object")
        for name in value:
            if name not in self._may["sysctls"]:
                raise refused("HostConfig.Sysctls", f"sets {shown(name)}", "leave it out")

    def _tmpfs(self, value):
        path = "HostConfig.Tmpfs"
        _must(isinstance(value, dict), path, "is no object")
        for options in value.values():
            _must(isinstance(options, str), path, "has options that are no text")
            _must(len(options) <= _MAX_OPTIONS, path, f"has options of {len(options)} characters")
            for one in filter(None, options.split(",")):
                _must(_TMPFS.match(one), path, f"has the option {shown(one)}")

    def _volumes_from(self, value):
        _must(is_texts(value), "HostConfig.VolumesFrom", "is no list of texts")
        if value:
            self._joins("HostConfig.VolumesFrom")


def _is_user(text):
    """Whether a user, or a user and a group, are numbers to all engines, and the user is not root."""
    found = _USER.match(text)
    return bool(found) and max(int(one or 0) for one in found.groups()) <= _MAX_USER


def _must(condition, path, cause):
    if not condition:
        raise refused(path, cause, "leave it out")


def _brief(value):
    return shown(value) if isinstance(value, str) else shown(json.dumps(value))


def _words(path, value):
    _must(isinstance(value, str) or is_texts(value), path, "is no list of texts")
    return [value] if isinstance(value, str) else value


def _capability(name):
    """Return a capability's name as engines read it (oci/caps/utils.go)."""
    upper = name.upper()
    return upper[4:] if upper.startswith("CAP_") else upper


def _option(text):
    """Return (key, value or None) of a security option: a colon in place of the sign is what old clients send."""
    sign = "=" if "=" in text else ":"
    key, found, value = text.partition(sign)
    return key, value if found else None
