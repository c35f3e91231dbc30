# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an engine is configured with against what it says is in force. Pure."""

import posixpath
import re

from ansible_collections.containment.docker.plugins.module_utils import _daemon_values

DEFAULT_DATA_ROOT = "/var/lib/docker"
HIDDEN = "***"

_NUMBERED = re.compile(r"([0-9]{1,10})\.([0-9]{1,10})\Z")
# What insecure-registries holds by itself.
_LOCAL_REGISTRIES = ("127.0.0.0/8", "::1/128")


def redact(value, name=""):
    """Return a value of daemon.json or a flag called `name` without its secrets, as _daemon_values knows them."""
    return _daemon_values.mask(value, name, HIDDEN)


def security_options(info):
    """Return {name: {option: value}} of SecurityOptions: ["name=seccomp,profile=default"] -> {"seccomp": {"profile":
    "default"}}."""
    found = {}
    for text in info.get("SecurityOptions") or []:
        pairs = dict(pair.partition("=")[::2] for pair in text.split(","))
        found[pairs.pop("name", "")] = pairs
    return found


def image_store(info):
    """Return "containerd" or "graphdriver". The containerd store names its driver type in DriverStatus (moby, since
    23.0)."""
    status = {pair[0]: pair[1] for pair in info.get("DriverStatus") or [] if len(pair) == 2}
    return "containerd" if status.get("driver-type", "").startswith("io.containerd.snapshotter") else "graphdriver"


def split_root(root, remapped):
    """Return (data root, uid, gid) of DockerRootDir, which ends in UID.GID where the engine is remapped; else uid and
    gid are None."""
    match = _NUMBERED.match(posixpath.basename(root)) if remapped else None
    return (posixpath.dirname(root), int(match.group(1)), int(match.group(2))) if match else (root, None, None)


def wanted_values(config, flags, kinds, config_file):
    """Return {key: (value, origin)} that the next start would take from daemon.json (config) and flags.

    kinds: {key: "bool", "strings",
      ...} as in _daemon_keys. A flag given together with the key stops the engine; the flag is shown.
    """
    wanted = {key: (value, config_file) for key, value in (config or {}).items()}
    given = {}
    for flag in flags:
        given.setdefault(flag.key, []).append(flag)
    for key, same in given.items():
        kind = kinds.get(key)
        if kind == "strings":
            value = [flag.value for flag in same]
        elif kind == "bool":
            value = same[-1].value.lower() in ("true", "1", "t")
        else:
            value = same[-1].value
        wanted[key] = (value, same[-1].origin)
    return wanted


def effective_values(info, networks, data_root):
    """Return {key of daemon.json: value in force}, of those keys that the engine tells.

    `userns-remap` is UID.GID of the mapping's root, "" where off. Not `authorization-plugins`: the engine goes on
    listing those that it was started with, whatever it read since.
    """
    options = security_options(info)
    registries = info.get("RegistryConfig") or {}
    _root, uid, gid = split_root(info.get("DockerRootDir") or "", "userns" in options)
    found = {
        "userns-remap": f"{uid}.{gid}" if "userns" in options else "",
        "live-restore": bool(info.get("LiveRestoreEnabled")),
        "debug": bool(info.get("Debug")),
        "selinux-enabled": "selinux" in options,
        "seccomp-profile": _profile(options.get("seccomp", {}).get("profile", "unconfined")),
        "log-driver": info.get("LoggingDriver"),
        "default-runtime": info.get("DefaultRuntime"),
        "data-root": data_root,
        "labels": sorted(info.get("Labels") or []),
        "registry-mirrors": [_mirror(one) for one in registries.get("Mirrors") or []],
        "insecure-registries": _insecure(registries),
    }
    if image_store(info) == "graphdriver":
        found["storage-driver"] = info.get("Driver")
    bridge = next((one for one in networks or [] if one.get("Name") == "bridge"), None)
    enabled = ((bridge or {}).get("Options") or {}).get("com.docker.network.bridge.enable_icc")
    if enabled is not None:
        found["icc"] = enabled == "true"
    return found


# What an engine does where the key is not set. Keys whose default depends on the host are left out.
DEFAULTS = {
    "userns-remap": "",
    "live-restore": False,
    "debug": False,
    "selinux-enabled": False,
    "seccomp-profile": "builtin",
    "log-driver": "json-file",
    "default-runtime": "runc",
    "data-root": DEFAULT_DATA_ROOT,
    "labels": [],
    "registry-mirrors": [],
    "insecure-registries": [],
    "icc": True,
}


def differences(wanted, effective, expected_root, real_data_root):
    """Return [{"key", "configured", "effective", "origin"}]: what a restart would change, of the keys the engine tells.

    wanted: as wanted_values. effective: as effective_values. expected_root: "UID.GID" that the configured remap user
    has by the subordinate id files, None where it cannot be told. real_data_root: the configured data root with links
    resolved, as the engine resolves it.
    """
    found = []
    for key in sorted(effective):
        value, origin = wanted.get(key, (DEFAULTS.get(key), None))
        if key not in wanted and key not in DEFAULTS:
            continue
        shown, compared = value, value
        if key == "userns-remap":
            compared = (expected_root or effective[key] or value) if value else ""
        elif key == "seccomp-profile":
            compared = _profile(value or "")
        elif key == "data-root":
            compared = real_data_root
        elif key == "registry-mirrors":
            compared = [_mirror(one) for one in value or []]
        elif key in ("labels", "insecure-registries"):
            compared = sorted(set(value or []) - set(_LOCAL_REGISTRIES))
        if compared != effective[key]:
            found.append(
                {
                    "key": key,
                    "configured": redact(shown, key),
                    "effective": redact(effective[key], key),
                    "origin": origin,
                }
            )
    return found


def _profile(value):
    return "builtin" if value in ("", "default", "builtin") else value


def _mirror(url):
    return url.rstrip("/")


def _insecure(registries):
    names = {name for name, index in (registries.get("IndexConfigs") or {}).items() if not index.get("Secure", True)}
    return sorted(names | set(registries.get("InsecureRegistryCIDRs") or []) - set(_LOCAL_REGISTRIES))
