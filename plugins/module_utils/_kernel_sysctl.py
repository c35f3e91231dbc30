# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kernel parameters: what our file of them should say, what the running kernel should have, and what other files set.
Pure.

A name is dotted, as sysctl(8) shows it; its path below /proc/sys is the same with `.` and `/` changed for each other.
Values are text. Two of them are the same when their words are, and numbers when they are the same number.

Our file holds, for each parameter, a pair of lines, so that what was there before us is known as long as we are:

    # user.max_user_namespaces was 0 before
    user.max_user_namespaces = 28633

Everything else in it is somebody else's and stays where it is.
"""

import collections
import fnmatch
import posixpath
import re

from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

PATH = "/etc/sysctl.d/zz-containment.conf"
ROOT = "/proc/sys"
# Of files of one name the first directory's is read: systemd's CONF_PATHS, and procps from 3.3.17 on.
DIRECTORIES = ("/etc/sysctl.d", "/run/sysctl.d", "/usr/local/lib/sysctl.d", "/usr/lib/sysctl.d", "/lib/sysctl.d")
# `sysctl --system` reads it after all others; systemd-sysctl only where one of them is a link to it.
LAST = "/etc/sysctl.conf"
HEADER = "# Kernel parameters set by the Ansible collection containment.docker; above each, its value before."

_PART = re.compile(r"[A-Za-z0-9_@:%+][A-Za-z0-9_.@:%+-]{0,254}\Z")
_WAS = re.compile(r"# (\S+) was (.*) before\r?\Z")
_NUMBER = re.compile(r"-?(?:0[xX][0-9a-fA-F]{1,16}|[0-9]{1,20})\Z")
_BLANK = " \t\r\n\v\f"
# What no line of a file can hold, or would part it for systemd.
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_EXAMPLE = "write it as sysctl -a shows it, for example user.max_user_namespaces"
# The kernel takes at most a page, with the byte that ends it.
_LONGEST = 4095

# values: {name: text}, to be in the file and in the running kernel. absent: [name], to be as before us. running: {name:
# text}, for the running kernel alone.
Request = collections.namedtuple("Request", "values absent running")
# was: the value before us. value: what the file sets, None where a line of ours was taken out by hand. line: its index
# or None. comments: indices. last: no later line of the file sets the name.
Ours = collections.namedtuple("Ours", "was value line comments last")
Parsed = collections.namedtuple("Parsed", "lines ours")
# data: bytes, None for no file. back, forward: {name: value} to write to the running kernel before and after the file.
Plan = collections.namedtuple("Plan", "data back forward")


def request(values, absent, running):
    """Return the `Request` of what a task asks for: dicts of names and values (str or int), a list of names.

    Raises ContainmentError for what cannot be a name or a value, and for a name that is given twice.
    """
    seen = set()
    for option, given in (("values", values), ("absent", absent), ("running", running)):
        for name in given:
            known = _name(option, name)
            if known in seen:
                raise ContainmentError(option, f"{known} is named twice", "name it once")
            seen.add(known)
    return Request(
        {_name("values", name): _value(name, value) for name, value in values.items()},
        [_name("absent", name) for name in absent],
        {_name("running", name): _value(name, value, empty=True) for name, value in running.items()},
    )


def _name(option, text):
    """Return the dotted form of a name. With a slash as first separator, dots are no separators (sysctl.d(5))."""
    path = _path(text)
    parts = path.split("/")
    if len(parts) < 2 or not all(_PART.match(part) for part in parts):
        raise ContainmentError(option, f"{text!r} is no name of a kernel parameter", _EXAMPLE)
    return _swapped(path)


def _path(text):
    first = re.search(r"[./]", text)
    return _swapped(text) if first and first.group() == "." else text


def _swapped(text):
    return text.translate({46: "/", 47: "."})


def path_of(name):
    """Return the path of a dotted name in /proc/sys."""
    return posixpath.join(ROOT, _swapped(name))


def _value(name, value, empty=False):
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        raise ContainmentError(name, f"{value!r} is neither text nor a whole number", "write it in quotes")
    text = str(value).strip(_BLANK)
    if _CONTROL.search(text):
        raise ContainmentError(name, f"{value!r} holds a control character", "take it out")
    if not text and not empty:
        raise ContainmentError(name, "has an empty value, which sysctl --system refuses", "give a value")
    if len(text.encode("utf-8", "surrogateescape")) > _LONGEST:
        raise ContainmentError(name, f"its value is longer than {_LONGEST} bytes", "give a shorter one")
    return text


def check_running(name, value):
    """Raise ContainmentError where the running `value` could not be kept in a line."""
    if _CONTROL.search(value):
        raise ContainmentError(
            name, "holds a value of several lines, which no file can set", "leave it to the program that does"
        )


def canonical(value):
    """Return a value with single blanks and with numbers in decimal: "0x10\\t010" -> "16 8", as the kernel reads
    them."""
    return " ".join(_decimal(word) for word in value.split())


def _decimal(word):
    if not _NUMBER.match(word):
        return word
    digits = word.lstrip("-")
    octal = digits.isdigit() and digits[0] == "0"
    try:
        return str(int(word, 8 if octal else 0))
    except ValueError:  # 08
        return word


def same(one, other):
    return one is not None and other is not None and canonical(one) == canonical(other)


# --- our file ---


def parse(data):
    """Return the `Parsed` content (bytes; None for no file) of our file. Raises nothing: what is not ours is kept."""
    lines = (data or b"").decode("utf-8", "surrogateescape").split("\n")
    if not lines[-1]:
        lines.pop()
    was = {}
    # Indices by name, and (index, value). `-NAME` alone names it, too, and systemd-sysctl goes by the last that does.
    comments, naming, settings = (collections.defaultdict(list) for dummy in range(3))
    for index, line in enumerate(lines):
        noted, found = _WAS.match(line), _assignment(line)
        if noted:
            was.setdefault(noted.group(1), noted.group(2))
            comments[noted.group(1)].append(index)
        elif found:
            path, value = found
            naming[_swapped(path)].append(index)
            if value is not None:
                settings[_swapped(path)].append((index, value))
    ours = {}
    for name, value in was.items():
        # A comment that lost its place, as when lines are put back one by one, still tells what was.
        beside = [one for one in settings[name] if one[0] - 1 in comments[name]]
        line, now = (beside or settings[name] or [(None, None)])[-1]
        last = line is not None and line == max(naming[name])
        ours[name] = Ours(value, now, line, comments[name], last)
    return Parsed(lines, ours)


def plan(data, running, asked):
    """Return the `Plan` for a `Request`. data: our file's bytes or None. running: {name: value, None where the kernel
    has no such parameter} of every name that is asked for."""
    parsed = parse(data)
    taken, put, new, back = set(), {}, [], {}
    for name, value in sorted(asked.values.items()):
        mine = parsed.ours.get(name)
        if mine and mine.last:
            if not same(mine.value, value):
                put[mine.line] = f"{name} = {value}"
            continue
        taken.update(_places(mine))
        new += [f"# {name} was {mine.was if mine else running[name]} before", f"{name} = {value}"]
    for name in asked.absent:
        mine = parsed.ours.get(name)
        taken.update(_places(mine))
        if mine and running[name] is not None and not same(running[name], mine.was):
            back[name] = mine.was
    forward = {
        name: value
        for name, value in list(asked.values.items()) + list(asked.running.items())
        if running[name] is not None and not same(running[name], value)
    }
    if not (taken or put or new):
        return Plan(data, back, forward)
    lines = [put.get(index, line) for index, line in enumerate(parsed.lines) if index not in taken] + new
    left = (set(parsed.ours) | set(asked.values)) - set(asked.absent)
    return Plan(_rendered(lines, bool(left)), back, forward)


def expected(running, planned):
    """Return {name: value} of the running kernel once the `Plan` is done, for every name of `running`."""
    return {name: planned.back.get(name, planned.forward.get(name, value)) for name, value in running.items()}


def _places(mine):
    if mine is None:
        return []
    return mine.comments + ([] if mine.line is None else [mine.line])


def _rendered(lines, ours):
    """Return the file's bytes, None where nothing is left. ours: whether any of the lines are."""
    if not ours:
        lines = [line for line in lines if line != HEADER]
    elif HEADER not in lines:
        lines = [HEADER] + lines
    if not any(line.strip(_BLANK) for line in lines):
        return None
    return ("\n".join(lines) + "\n").encode("utf-8", "surrogateescape")


def inverse(before, after):
    """Return {name: value} to write to the running kernel once our file, which held `before`, holds `after` (bytes,
    None for no file): what `after` sets, and for a name that it does not have, the value that was there before us."""
    old, new = parse(before).ours, parse(after).ours
    found = {}
    for name in sorted(set(old) | set(new)):
        value = new[name].value if name in new else None
        if value is None:
            found[name] = (old.get(name) or new[name]).was
        elif name not in old or not same(old[name].value, value):
            found[name] = value
    return found


# --- the files of others ---


def _assignment(line):
    """Return (path, value) of a line as sysctl.d(5) has it, None for none. `-NAME = VALUE` is one; `-NAME` alone, which
    takes the name out of what a glob sets, has None for a value."""
    text = line.strip(_BLANK)
    if not text or text[0] in "#;":
        return None
    name, sign, value = text.partition("=")
    dashed = name.startswith("-")
    if not sign and not dashed:
        return None
    path = _path(name[dashed:].strip(_BLANK))
    # The kernel, too, takes repeated slashes for one.
    return "/".join(part for part in path.split("/") if part), value.strip(_BLANK) if sign else None


def _assignments(data):
    """Return [(line number, path, value)]. systemd ends a line at a carriage return and at a zero byte, too."""
    found = []
    for number, line in enumerate(data.decode("utf-8", "surrogateescape").split("\n"), 1):
        for part in re.split("[\r\0]", line):
            setting = _assignment(part)
            if setting:
                found.append((number,) + setting)
    return found


def _applied(files):
    """Return `files` in the order in which they are applied, without those that another of the same name hides."""
    hidden = {posixpath.basename(PATH)}
    read, last = [], []
    for path, real, data in files:
        name = posixpath.basename(path)
        if path == LAST:
            last.append((path, real, data))
        elif name not in hidden:
            hidden.add(name)
            read.append((_sorted_by(path), path, real, data))
    return [one[1:] for one in sorted(read)] + last


def _sorted_by(path):
    return posixpath.basename(path).encode("utf-8", "surrogateescape")


def conflicts(files, values):
    """Return [{"path", "line", "name", "value", "wins"}]: the lines of other files that set a name to something else.

    files: [(path, path with links resolved, bytes)], all of DIRECTORIES in their order, and LAST. values: {name: text}
    that our file sets. The result is in the order of names, then of reading; of a file, the line that counts.
    wins: it is applied after ours, by systemd-sysctl or by `sysctl --system`. A glob never is: a name that is set by
    itself is left out of it. value: None for a line `-NAME`, which wins where systemd-sysctl reads it after ours and
    then leaves the name alone.
    """
    ordered = [(path, real, _assignments(data)) for path, real, data in _applied(files)]
    excluded = {path for _path, _real, lines in ordered for _number, path, value in lines if value is None}
    found = []
    for name, wanted in sorted(values.items()):
        told = collections.OrderedDict()
        for path, real, lines in ordered:
            after = path == LAST or _sorted_by(path) > _sorted_by(PATH)
            for number, value, exact in _relevant(lines, _swapped(name), excluded):
                if same(value, wanted) or (value is None and (path == LAST or not after)):
                    continue
                # A file that is read twice, as /etc/sysctl.conf by a link to it, counts where it is read last.
                told.pop((real, number), None)
                told[real, number] = {
                    "path": path,
                    "line": number,
                    "name": name,
                    "value": value,
                    "wins": after and exact,
                }
        found += told.values()
    return found


def _relevant(lines, wanted, excluded):
    """Return [(line number, value, whether it names the path by itself)] of a file's lines that count for a path."""
    exact = [(number, value) for number, path, value in lines if path == wanted]
    if exact:
        # For procps `-NAME` changes nothing for a name that is set, so that the line before it counts as well.
        setting = [one for one in exact if one[1] is not None][-1:]
        return [one + (True,) for one in setting + ([exact[-1]] if exact[-1][1] is None else [])]
    globs = [(number, value) for number, path, value in lines if value is not None and _matches(path, wanted)]
    return [one + (False,) for one in globs[-1:] if wanted not in excluded]


def _matches(pattern, path):
    patterns, parts = pattern.replace("[^", "[!").split("/"), path.split("/")
    return len(patterns) == len(parts) and all(map(fnmatch.fnmatchcase, parts, patterns))
