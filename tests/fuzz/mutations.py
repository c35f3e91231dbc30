# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes to JSON that keep it JSON: what random bytes seldom find. Of a seed, a run makes the same ones."""

import copy
import json
import random

from ansible_collections.containment.docker.plugins.module_utils import _authz_fields

_TABLES = ("CONFIG", "HOST", "MOUNT", "ENDPOINT", "EXEC", "NETWORK", "VOLUME", "UPDATE", "CONNECT", "CREATE")
FIELDS = sorted({name for table in _TABLES for name in getattr(_authz_fields, table)})
FIELDS += ["EndpointsConfig", "PathOnHost", "HostPort", "Propagation", "DriverConfig", "VolumeOptions", "BindOptions"]
VALUES = [
    *(None, True, False, 0, 1, -1, 2**31, 2**63 - 1, 2**63, 2**64 - 1, 2**64, 0.0, 1e-7, 1e400, "", [], {}, [0], [""]),
    *("host", "container:a", "private", "none", "default", "bridge", "local", "ALL", "SYS_ADMIN", "CHOWN", "a", "a:b"),
    *("/:/h", "/:/h:ro", "data:/x", "data:/x:ro,z", "no-new-privileges", "seccomp=unconfined", "label=disable", "runc"),
    *(
        "volume",
        "bind",
        "tmpfs",
        "json-file",
        "syslog",
        "\ufffd",
        "\u017f",
        "\u212a",
        "\U0001f600",
        "\x00",
        "\x7f",
        "\xad",
    ),
    *([None], [{}], {"a": "b"}, {"a": None}, {"a": {}}, {"80/tcp": [{"HostIp": "", "HostPort": "80"}]}),
    *([{"Type": "volume", "Source": "data", "Target": "/x"}], [{"Type": "bind", "Source": "/", "Target": "/x"}]),
    *([{"PathOnHost": "/dev/sda"}], {"Name": "always", "MaximumRetryCount": 0}, {"Type": "none", "Config": {}}),
]
_FOLDED = {"s": "\u017f", "S": "\u017f", "k": "\u212a", "K": "\u212a"}  # letters that Go takes for one another
_WHITE = ("", "", "", "", " ", "\n", "\t\r ")


class _Pairs(list):
    """An object: [key, value] in order, a key as often as it is there."""


def _read(text):
    return json.loads(text, object_pairs_hook=lambda pairs: _Pairs(list(one) for one in pairs))


def _write(value, chance):
    space = chance.choice(_WHITE)
    if isinstance(value, dict):
        value = _Pairs([key, one] for key, one in value.items())
    if isinstance(value, _Pairs):
        inner = (_text(key, chance) + space + ":" + _write(one, chance) for key, one in value)
        return "{" + space + ("," + space).join(inner) + "}"
    if isinstance(value, list):
        return "[" + ",".join(_write(one, chance) for one in value) + space + "]"
    return _text(value, chance) if isinstance(value, str) else json.dumps(value)


def _text(text, chance):
    if chance.random() < 0.05 and text:
        place = chance.randrange(len(text))
        one = ord(text[place])
        if one < 0x10000:
            escape = f"\\u{one:04{chance.choice('xX')}}"
            return json.dumps(text[:place])[:-1] + escape + json.dumps(text[place + 1 :])[1:]
    return json.dumps(text, ensure_ascii=chance.random() < 0.5)


def _objects(value):
    """Return all objects and lists within a value, itself included."""
    found, waiting = [], [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, list):
            found.append(one)
            waiting.extend(pair[1] for pair in one) if isinstance(one, _Pairs) else waiting.extend(one)
    return found


def _value(chance):
    return copy.deepcopy(chance.choice(VALUES))  # Changed in place it would come back changed, or within itself.


def _other(value, chance):
    """Return what a key that is there twice may have the other time: Go merges objects, and null resets some fields."""
    if chance.random() < 0.3:
        return None
    if isinstance(value, list) and chance.random() < 0.7:
        found = copy.deepcopy(value)
        if found and chance.random() < 0.7:
            del found[chance.randrange(len(found))]
        if isinstance(found, _Pairs) and chance.random() < 0.5:
            found.append([chance.choice(FIELDS), _value(chance)])
        return found
    return _value(chance)


def _respelt(key, chance):
    if not key:
        return "a"
    place = chance.randrange(len(key))
    one = key[place]
    if one in _FOLDED and chance.random() < 0.7:
        other = _FOLDED[one]
    else:
        other = chance.choice((one.swapcase(), "", one + one, one + "\u0000", "\ufffd"))
    return chance.choice((key.lower(), key.upper(), key[:place] + other + key[place + 1 :]))


def _change_object(pairs, chance):
    if not pairs or chance.random() < 0.3:
        pairs.insert(chance.randint(0, len(pairs)), [chance.choice(FIELDS), _value(chance)])
        return
    place = chance.randrange(len(pairs))
    kind = chance.randrange(6)
    if kind == 0:
        pairs[place][1] = _value(chance)
    elif kind == 1:
        pairs[place][0] = _respelt(pairs[place][0], chance)
    elif kind == 2:
        pairs.insert(chance.randint(0, len(pairs)), [pairs[place][0], _other(pairs[place][1], chance)])
    elif kind == 3:
        other = _other(pairs[place][1], chance)
        pairs.insert(chance.randint(0, len(pairs)), [_respelt(pairs[place][0], chance), other])
    elif kind == 4:
        del pairs[place]
    else:
        pairs[place][0] = chance.choice(FIELDS)


def change(text, seed):
    """Return a text of JSON with one to four changes that the seed chooses; None where it is no object, or too deep."""
    chance = random.Random(seed)  # noqa: S311 (nothing secret)
    try:
        value = _read(text)
        _write(value, random.Random(seed))  # noqa: S311
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, _Pairs):
        return None
    for _number in range(chance.randint(1, 4)):
        one = chance.choice(_objects(value))
        if isinstance(one, _Pairs):
            _change_object(one, chance)
        elif one and chance.random() < 0.5:
            one[chance.randrange(len(one))] = _value(chance)
        else:
            one.append(_value(chance))
    return _write(value, chance)
