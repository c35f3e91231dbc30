# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What values the keys of daemon.json take, and which of them carry secrets. Pure.

A check never refuses what the engine starts with, apart from what turns protection off, and from nonsense in a key
that another key puts out of use.
"""

import ipaddress
import re

from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError
from ansible_collections.containment.docker.plugins.module_utils._json_text import dumps

MASK = "********"
# Passwords hold any character: up to the last @ before white space.
_USERINFO = re.compile(r"(?<=//)\S+(?=@)")
# The value of a proxy needs no scheme.
_PROXY_NAME = re.compile(r"(?:^|[-_])proxy$", re.IGNORECASE)
_PROXY_USERINFO = re.compile(r"^(\s*(?:[A-Za-z][A-Za-z0-9+.-]*://)?)\S+(?=@)")
_INT64 = 1 << 63
# key: lowest and highest number, and the first version that dies of any other.
_BOUNDS = {
    "max-concurrent-downloads": (0, _INT64, (0,)),
    "max-concurrent-uploads": (0, _INT64, (0,)),
    "max-download-attempts": (0, _INT64, (0,)),
    "mtu": (0, _INT64, (0,)),
    "network-diagnostic-port": (0, 65535, (28, 0, 0)),
}
_RESERVED_LABELS = ("com.docker.", "io.docker.", "org.dockerproject.")
_TELLTALE = r"(?:token|secret|passw|credential|(?:access|api)[-_.]?key)"
_SECRET_NAME = re.compile(_TELLTALE, re.IGNORECASE)
# A flag's value may be a pair of its own: --log-opt splunk-token=WORD.
_SECRET_PAIR = re.compile(rf"({_TELLTALE}[^=\s]*=)\S+", re.IGNORECASE)


def _is_int(value):
    return isinstance(value, int) and not isinstance(value, bool) and -_INT64 <= value < _INT64


def _is_string(value):
    return isinstance(value, str)


def _strings(value):
    return isinstance(value, list) and all(_is_string(item) for item in value)


def _map_of(test):
    return lambda value: isinstance(value, dict) and all(test(member) for member in value.values())


def _is_ip(value):
    try:
        return _is_string(value) and (value == "" or bool(ipaddress.ip_address(value.partition("%")[0])))
    except ValueError:
        return False


def _is_cidr(value):
    # Go's net.ParseCIDR: a prefix in digits, not a mask, and no zone.
    if value == "":
        return True
    try:
        return (
            _is_string(value)
            and bool(re.match(r"[0-9A-Fa-f:.]+/[0-9]{1,3}\Z", value))
            and bool(ipaddress.ip_interface(value))
        )
    except ValueError:
        return False


def _pools(value):
    return isinstance(value, list) and all(
        isinstance(pool, dict) and set(pool) == {"base", "size"} and _is_string(pool["base"]) and _is_int(pool["size"])
        for pool in value
    )


def _ulimits(value):
    # Go's decoder takes the members' names in any case.
    return _map_of(
        lambda limit: (
            isinstance(limit, dict)
            and all(_is_string(part) if name.lower() == "name" else _is_int(part) for name, part in limit.items())
        )
    )(value)


def _runtimes(value):
    return _map_of(
        lambda runtime: (
            isinstance(runtime, dict)
            and _is_string(runtime.get("path", ""))
            and _is_string(runtime.get("runtimeType", ""))
        )
    )(value)


def _members(tests):
    return lambda value: (
        isinstance(value, dict) and all(name in tests and tests[name](part) for name, part in value.items())
    )


# kind: (test, what the value has to be)
KINDS = {
    "bool": (lambda value: isinstance(value, bool), "true or false"),
    "int": (_is_int, "a whole number of at most 64 bits"),
    "string": (_is_string, "a string"),
    "strings": (_strings, "a list of strings"),
    "size": (
        lambda value: (
            _is_string(value) and bool(re.match(r"[0-9]+(?:\.[0-9]+)? ?(?:[kKmMgGtTpP](?:[iI]?[bB])?|[bB])?$", value))
        ),
        'a string of number and unit such as "64M"',
    ),
    "ip": (_is_ip, "an IP address"),
    "ips": (lambda value: isinstance(value, list) and all(_is_ip(item) for item in value), "a list of IP addresses"),
    "cidr": (_is_cidr, 'an address with the length of its prefix such as "10.200.0.1/24"'),
    "map": (_map_of(_is_string), "an object with strings as values, numbers too in quotes"),
    "maps": (_map_of(_map_of(_is_string)), "an object of objects with strings as values"),
    "bools": (_map_of(lambda member: isinstance(member, bool)), "an object with true or false as values"),
    "pools": (_pools, 'a list such as [{"base": "10.200.0.0/16", "size": 24}]'),
    "ulimits": (_ulimits, 'an object such as {"nofile": {"Name": "nofile", "Soft": 1024, "Hard": 2048}}'),
    "runtimes": (_runtimes, 'an object such as {"name": {"path": "/usr/bin/program"}}'),
    "builder": (lambda value: isinstance(value, dict), 'an object such as {"gc": {"enabled": true}}'),
    "proxies": (
        _members({"http-proxy": _is_string, "https-proxy": _is_string, "no-proxy": _is_string}),
        "an object with the strings http-proxy, https-proxy and no-proxy",
    ),
    "nri": (
        _members(
            {
                "enable": lambda value: isinstance(value, bool),
                "plugin-path": _is_string,
                "plugin-config-path": _is_string,
                "socket-path": _is_string,
            }
        ),
        "an object with enable, plugin-path, plugin-config-path and socket-path",
    ),
}


def check_type(key, value):
    """Raise ContainmentError where the engine could not decode `value` (already a JSON value) for the `Key`. null
    decodes to nothing."""
    test, wanted = KINDS[key.kind]
    if value is not None and not test(value):
        raise ContainmentError(key.name, f"{masked(key.name, value)} has the wrong type", f"make it {wanted}")


def check_choice(key, value):
    """Raise ContainmentError where `value` is none of those the key takes."""
    if key.choices and value != "" and value not in key.choices:
        raise ContainmentError(
            key.name, f"{dumps(value)} is not one of its values", f"use one of {', '.join(key.choices)}"
        )


def check_bounds(key, value, version):
    """Raise ContainmentError for a number or a label, of the right type, that ends the engine. version: tuple, None
    where unknown.

    Sources: Validate of daemon/config/config.go and ValidateLabel of opts/opts.go, moby 20.10 to 29; for `mtu` on 20.10
    libnetwork's bridge driver.
    """
    lowest, highest, since = _BOUNDS.get(key.name, (-_INT64, _INT64, (0,)))
    if key.name == "max-download-attempts" and version is not None and version < (23, 0, 0):
        lowest = 1
    if isinstance(value, int) and (version or (0,)) >= since and not lowest <= value <= highest:
        area = f"{lowest} or more" if highest == _INT64 else f"{lowest} to {highest}"
        raise ContainmentError(key.name, f"the engine does not start with {value}", f"give {area}")
    for label in (value or []) if key.name == "labels" else []:
        if "=" not in label:
            raise ContainmentError(key.name, f"{masked(key.name, label)} is no label", "write it as key=value")
        if label.lower().startswith(_RESERVED_LABELS):
            raise ContainmentError(
                key.name,
                f"{masked(key.name, label)} is in a namespace that the engine keeps for itself",
                "give the label another key",
            )


def check_remap(value, version, ours):
    """Raise ContainmentError for a `userns-remap` that ends the engine or that leaves it unprotected.

    version: tuple, None where unknown. ours: whether the value is what we were asked to write; what stands in the file
    already and only weakens it is left to audits. Sources: daemon/daemon_unix.go parseRemappedRoot and
    setupRemappedRoot, moby 20.10 to 29.
    """
    name = "userns-remap"
    if value in ("", None):
        return
    parts = value.split(":")
    if len(parts) > 2:
        raise ContainmentError(name, f"{dumps(value)} has {len(parts)} parts", "give user or user:group")
    if "" in parts:
        raise ContainmentError(name, f"{dumps(value)} has an empty part", "give user or user:group")
    if not ours:
        return
    if parts[0] == "root" or re.match(r"[-+]?0+$", parts[0]):
        raise ContainmentError(
            name, f"{dumps(value)} switches user namespaces off", "name an unprivileged user with subordinate ranges"
        )
    if parts[0] == "default" and (version is None or version >= (28, 0, 0)):
        engine = "engines from 28.0 on" if version is None else "this engine"
        raise ContainmentError(
            name,
            f'"default" lets {engine} pick ids that overlap those of other users',
            "create user, group and ranges, and name the user, for example dockremap",
        )


# --- secrets ---


def mask_url(string, word=MASK):
    """Return `string` with the user part of every URL in it replaced by `word`: "http://user:word@host" ->
    "http://********@host"."""
    return _USERINFO.sub(word, string)


def secret(name, value):
    """Whether `value`, no list or object, of a member called `name` must not be shown as it is."""
    return conceal(name, value) != value


def conceal(name, value, word=MASK):
    """Return `value`, no list or object, of a member called `name` with `word` in the place of its secret.

    Secret are what a name such as `splunk-token` calls so, as member or as NAME=VALUE in a string, the user part of a
    URL and, in a proxy's address, that of one without a scheme.
    """
    if _SECRET_NAME.search(name) and value not in (None, ""):
        return word
    if not isinstance(value, str):
        return value
    if _PROXY_NAME.search(name):
        value = _PROXY_USERINFO.sub(r"\g<1>" + word, value)
    return _SECRET_PAIR.sub(r"\g<1>" + word, mask_url(value, word))


def mask(value, name="", word=MASK):
    """Return a JSON value with `word` in the place of every secret in it; `name` is that of the member it belongs
    to."""
    if isinstance(value, dict):
        return {member: mask(part, member, word) for member, part in value.items()}
    if isinstance(value, list):
        return [mask(item, name, word) for item in value]
    return conceal(name, value, word)


def masked(name, value):
    """Return `value` as JSON for a message, secrets masked."""
    return dumps(mask(value, name))
