# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command a service manager runs, from the text of its files: systemd units and drop-ins, init scripts, OpenRC.
Pure.

Words come as (word, "path:line"), so that a flag can be told where it stands. Sources of the rules: systemd.service(5),
systemd.exec(5) and systemd.syntax(7) for units; POSIX sh for assignments in scripts and their environment files.
"""

import collections
import re

from ansible_collections.containment.docker.plugins.module_utils._engine_flags import is_engine, service

# Lines of a file with the number of the first physical line: (number, text).
Value = collections.namedtuple("Value", "text origin")

_ASSIGNMENT = re.compile(r"\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)=")
_VARIABLE = re.compile(r"\$(?:\{([A-Za-z_][A-Za-z0-9_]*)\}|([A-Za-z_][A-Za-z0-9_]*)|(\$))")
_ALONE = re.compile(r'"?\$(?:\w+|\{\w+\})"?\s*(?:#.*)?$')
_SHELL_VARIABLE = re.compile(r"\$(?:\{([A-Za-z_][A-Za-z0-9_]*)(?::?[-=]([^}]*))?\}|([A-Za-z_][A-Za-z0-9_]*))")


def logical_lines(text, comments="#;"):
    """Return [(line number, text)] with backslash-newline joined and comment lines left out, also inside a
    continuation."""
    lines, held, start = [], None, 0
    for number, line in enumerate(text.splitlines(), 1):
        if line.lstrip()[:1] in tuple(comments) and line.strip():
            continue
        held, start = (line, number) if held is None else (held + line, start)
        if held.endswith("\\"):
            held = held[:-1] + " "
            continue
        lines.append((start, held))
        held = None
    if held is not None:
        lines.append((start, held))
    return lines


def words_of(text):
    """Split `text` at white space; quotes group and are taken off, a backslash quotes outside of single ones."""
    words, word, quote, at = [], None, "", 0
    while at < len(text):
        char = text[at]
        at += 1
        if char == "\\" and quote != "'" and at < len(text):
            word, at = (word or "") + text[at], at + 1
        elif char == quote:
            quote = ""
        elif quote:
            word += char
        elif char in "\"'":
            quote, word = char, word or ""
        elif char not in " \t\n":
            word = (word or "") + char
        elif word is not None:
            words.append(word)
            word = None
    return words if word is None else [*words, word]


# --- systemd ---


def unit_settings(files):
    """Return {name: [Value]} of the [Service] section over `files`, [(path, text)], unit first, then its drop-ins in
    order.

    ExecStart, Environment and EnvironmentFile are lists: an empty assignment empties them.
    """
    settings = {"ExecStart": [], "Environment": [], "EnvironmentFile": []}
    for path, text in files:
        section = ""
        for number, line in logical_lines(text):
            line = line.strip()
            if line.startswith("["):
                section = line
            name, equals, assigned = line.partition("=")
            name = name.strip()
            if section == "[Service]" and equals and name in settings:
                if not assigned.strip():
                    settings[name] = []
                else:
                    settings[name].append(Value(assigned.strip(), f"{path}:{number}"))
    return settings


def environment_files(settings):
    """Return [path or glob] that the unit reads its environment from, in order."""
    return [value.text.lstrip("-").strip() for value in settings["EnvironmentFile"]]


def unit_environment(settings, files):
    """Return {name: Value}: Environment= first, then the environment files [(path, text)], which win."""
    found = {}
    for value in settings["Environment"]:
        for word in words_of(value.text):
            name, equals, assigned = word.partition("=")
            if equals:
                found[name] = Value(assigned, value.origin)
    for path, text in files:
        for number, line in logical_lines(text):
            match = _ASSIGNMENT.match(line)
            if match:
                found[match.group(1)] = Value(_unquote_environment(line[match.end() :]), f"{path}:{number}")
    return found


def _unquote_environment(text):
    """The value of an EnvironmentFile line: outer quotes off, inner white space kept."""
    text = text.strip()
    if text[:1] in ("'", '"'):
        end = text.find(text[0], 1)
        while end > 0 and text[0] == '"' and text[end - 1] == "\\":
            end = text.find('"', end + 1)
        inner, rest = (text[1:end], text[end + 1 :]) if end > 0 else (text[1:], "")
        return (inner if text[0] == "'" else re.sub(r'\\(["\\`$])', r"\1", inner)) + rest.strip()
    return re.sub(r"\\(.)", r"\1", text)


def unit_service(name, settings, environment):
    """Return the `Service` of a unit whose last ExecStart= runs a dockerd, None for any other."""
    for value in reversed(settings["ExecStart"]):
        command = value.text.lstrip("@-:+!|")
        prefixes = value.text[: len(value.text) - len(command)]
        words = (
            [(word, value.origin) for word in words_of(command)]
            if ":" in prefixes
            else _expand_unit(command, value.origin, environment)
        )
        if "@" in prefixes:
            del words[1:2]
        if words and is_engine(words[0][0]):
            return service(name, "systemd", words)
    return None


def _expand_unit(command, origin, environment):
    """A word that is "$NAME" becomes the words of its value; "${NAME}" and "$NAME" within a word are put in as they
    are; "$$" is "$"."""
    words = []
    for word in words_of(command):
        match = re.match(r"\$([A-Za-z_][A-Za-z0-9_]*)$", word)
        if match:
            value = environment.get(match.group(1))
            words += [(part, value.origin) for part in words_of(value.text)] if value else []
            continue
        where = [
            environment[name].origin for pair in _VARIABLE.findall(word) for name in pair[:2] if name in environment
        ]
        words.append(
            (_VARIABLE.sub(lambda found: _unit_value(found, environment), word), where[0] if where else origin)
        )
    return words


def _unit_value(found, environment):
    if found.group(3):
        return "$"
    value = environment.get(found.group(1) or found.group(2))
    return value.text if value else ""


# --- shell: init scripts, OpenRC, and the files they source ---


def shell_assignments(path, text, before=None):
    """Return {name: Value} of the plain assignments in a shell file, over those of `before`; variables in them are put
    in.

    What a script computes by running commands stays unknown: those assignments are left out.
    """
    found = dict(before or {})
    for number, line in _shell_lines(text):
        match = _ASSIGNMENT.match(line)
        if not match or "$(" in line or "`" in line:
            continue
        here = f"{path}:{number}"
        first = _shell_words(line[match.end() :], here, found, split=False)[:1]
        value = Value(*first[0]) if first else Value("", here)
        # A value that is another variable alone keeps the place where that was set.
        found[match.group(1)] = value if _ALONE.match(line[match.end() :]) else Value(value.text, here)
    return found


def _shell_lines(text):
    """Logical lines; a double quote left open goes on in the next line."""
    lines = []
    for number, line in logical_lines(text, comments="#"):
        if lines and _open_quote(lines[-1][1]):
            lines[-1] = (lines[-1][0], lines[-1][1] + "\n" + line)
        else:
            lines.append((number, line))
    return lines


def _open_quote(text):
    return _ASSIGNMENT.match(text) and re.sub(r"\\.|'[^']*'", "", text).count('"') % 2 == 1


def _shell_words(text, origin, environment, split=True):
    """Return [(word, origin)]: quoting, variables and, where `split`, the splitting of unquoted ones. Stops at ; | & <
    > and comments."""
    words, word, where, quote, at = [], None, None, "", 0
    while at < len(text):
        char = text[at]
        found = _SHELL_VARIABLE.match(text, at) if char == "$" and quote != "'" else None
        if found:
            value = environment.get(found.group(1) or found.group(3))
            if value is None or (not value.text and found.group(2)):
                value = Value((found.group(2) or "").strip("\"'"), origin)
            at = found.end()
            if quote or not split:
                word, where = (word or "") + value.text, where or value.origin
                continue
            parts = value.text.split()
            if parts:
                parts[0] = (word or "") + parts[0]
                words += [(part, value.origin) for part in parts[:-1]]
                word, where = parts[-1], value.origin
            continue
        at += 1
        if quote:
            if char == quote:
                quote = ""
            elif char == "\\" and quote == '"' and text[at : at + 1] in ('"', "\\", "$", "`"):
                word, at = word + text[at], at + 1
            else:
                word += char
        elif char in " \t\n":
            if word is not None:
                words.append((word, where or origin))
            word, where = None, None
        elif char in ";|&<>" or (char == "#" and word is None):
            if word is not None and not (char in "<>" and word.isdigit()):
                words.append((word, where or origin))
            return words
        elif char in "\"'":
            quote, word = char, word or ""
        elif char == "\\" and at < len(text):
            word, at = (word or "") + text[at], at + 1
        else:
            word = (word or "") + char
    if word is not None:
        words.append((word, where or origin))
    return words


def sourced(text):
    """Return [path] of files with settings that an init script reads: ". /etc/default/docker", variables put in."""
    environment, paths = shell_assignments("", text), []
    for _number, line in _shell_lines(text):
        match = re.search(r"(?:^|[\s;&])(?:\.|source)\s+(\S+)", line)
        if match:
            words = _shell_words(match.group(1), "", environment)
            if words and words[0][0].startswith("/etc/") and "$" not in words[0][0]:
                paths.append(words[0][0])
    return list(collections.OrderedDict.fromkeys(paths))


def script_service(name, manager, path, text, files):
    """Return the `Service` that an init script starts, None where no dockerd is found in it.

    files: [(path, text)] of the settings it reads, in order. The script's own assignments come first, as defaults.
    """
    environment = shell_assignments(path, text)
    for other, content in files:
        environment = shell_assignments(other, content, environment)
    command = shell_assignments(path, text, environment).get("command")
    if command is not None and is_engine(command.text):
        return service(name, manager, [(command.text, command.origin)] + _command_args(path, text, environment))
    for number, line in _shell_lines(text):
        if _ASSIGNMENT.match(line):
            continue
        # "a || b" and "a && b" run b as a command of its own.
        for command in re.split(r"\|\||&&", line):
            words = _start_command(_shell_words(command.strip(), f"{path}:{number}", environment))
            if words:
                return service(name, manager, words)
    return None


def _command_args(path, text, environment):
    """The words of OpenRC's command_args, which it evaluates once more: what its quotes hold is split."""
    words = []
    for number, line in _shell_lines(text):
        match = _ASSIGNMENT.match(line)
        if match and match.group(1) == "command_args":
            words = _shell_words(_unquote_environment(line[match.end() :]), f"{path}:{number}", environment)
    return words


def _start_command(words):
    """Return the engine's own words in a command that starts it, also through start-stop-daemon, else None."""
    names = [word for word, origin in words]
    programs = [position for position, word in enumerate(names) if is_engine(word)]
    if not programs:
        return None
    first = programs[0]
    if any(name.rpartition("/")[2] == "start-stop-daemon" for name in names[:first]):
        if not {"--start", "-S"} & set(names):
            return None
        rest = words[names.index("--") + 1 :] if "--" in names else []
        return [words[first]] + rest
    leading = {"exec", "nohup", "daemon", "unshare", "-m", "--", "env", "setsid"}
    return words[first:] if all(name in leading or "=" in name for name in names[:first]) else None
