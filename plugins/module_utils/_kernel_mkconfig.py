# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""GRUB of Debian and Ubuntu: a drop-in below /etc/default/grub.d, and grub.cfg made anew by grub-mkconfig.

update-grub is grub-mkconfig that writes over grub.cfg. Here it writes to a pipe: grub.cfg is replaced by rename, once
the new one was read and says what was planned.
"""

import collections
import os
import re

from ansible_collections.containment.docker.plugins.module_utils import (
    _files,
    _host_probe,
    _kernel_boot,
    _kernel_dropin,
    _kernel_entries,
    _kernel_grub,
    _kernel_request,
)
from ansible_collections.containment.docker.plugins.module_utils import _kernel_cmdline as cmdline
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

NAME = "grub-mkconfig"
CARRIES_QUOTES = True
CONFIG = "/boot/grub/grub.cfg"
DEFAULTS = "/etc/default/grub"
DROPINS = "/etc/default/grub.d"
LOCALE = "/etc/default/locale"
OURS = "10_linux"
# Names of words that 10_linux gives every entry by itself, and those for recovery.
FIXED = ("ro", "rootflags")
RECOVERY = ("single", "recovery", "nomodeset", "dis_ucode_ldr")
WITHOUT_INITRD = ["panic=-1"]  # The last word of what Ubuntu's tries without an initrd.
NO_KERNELS = ("memtest", "ipxe")  # What names of other programs begin with that are loaded as a kernel is.
_LANG = re.compile(r"^[ \t]*set lang=([A-Za-z0-9_@-]+)$", re.MULTILINE)
_LOCALE = re.compile(r"^[ \t]*(LANG|LANGUAGE|LC_ALL|LC_MESSAGES)=([\"']?)([A-Za-z0-9_.@:-]*)\2[ \t]*$", re.MULTILINE)

# Reads the files as grub-mkconfig does and prints GRUB_CMDLINE_LINUX and GRUB_CMDLINE_LINUX_DEFAULT: without our
# drop-in, with the one that is there, and with the one on stdin. "$1": how many files come before ours.
_EVALUATE = r"""
set -e
exec 3>&1 >&2 4<&0 </dev/null
containment_read() { . "$1"; } # A function: what a file does to "$@" ends with it.
containment_before=$1
shift
while [ "$containment_before" -gt 0 ]; do
    containment_before=$((containment_before - 1))
    containment_read "$1"
    shift
done
containment_ours=$1
shift
containment_values() {
    for containment_file; do
        containment_read "$containment_file"
    done
    printf '%s\0%s\0' "${GRUB_CMDLINE_LINUX-}" "${GRUB_CMDLINE_LINUX_DEFAULT-}" >&3
}
(containment_values "$@")
(
    if [ -e "$containment_ours" ]; then containment_read "$containment_ours"; fi
    containment_values "$@"
)
(
    containment_read /proc/self/fd/4
    containment_values "$@"
)
"""

# base, now, after: Variables without our drop-in, with the one there, with the one planned. linux, default: words.
Variables = collections.namedtuple("Variables", "linux default")
State = collections.namedtuple("State", "config dropin lines")


def read():
    """Return the `State`: grub.cfg, our drop-in, and the lines of grub.cfg that load kernels."""
    config = _kernel_boot.read(CONFIG)
    if config.data is None:
        raise ContainmentError(CONFIG, "is not there", "make it with update-grub")
    return State(config, _kernel_boot.read(_kernel_dropin.PATH), _lines(_kernel_boot.text_of(config)))


def _lines(text):
    """Return (lines of 10_linux, lines of others)."""
    found = _kernel_grub.menu(text, CONFIG)
    ours = [one for one in found if (one.section or "").startswith(OURS)]
    return ours, [one for one in found if one not in ours]


def name(_state):
    return NAME


def entries(state):
    """Return the Entries of 10_linux."""
    return _entries(state.lines[0])


def _entries(lines):
    """Return the Entries of menu lines. One menu entry can load its kernel in more than one way."""
    return _kernel_entries.unique(
        [_kernel_entries.Entry(_kernel_boot.image_path(one.kernel), one.entry, one.words) for one in lines]
    )


def evaluate(candidate):
    """Return Variables (base, now, after) that the files below /etc/default give, as their shell makes them."""
    first = [DEFAULTS] if _kernel_boot.read(DEFAULTS).data is not None else []
    others = [path for path in _kernel_boot.names_in(DROPINS, ".cfg") if path != _kernel_dropin.PATH]
    before = first + [path for path in others if path < _kernel_dropin.PATH]
    behind = [path for path in others if path > _kernel_dropin.PATH]
    script = ["/bin/sh", "-c", _EVALUATE, "sh", str(len(before))]
    output = _kernel_boot.run([*script, *before, _kernel_dropin.PATH, *behind], candidate or b"", name=DEFAULTS)
    values = output.split("\0")[:-1]
    if len(values) != 6 or "\n" in output:
        raise ContainmentError(DEFAULTS, "gives the kernel's arguments on more than one line", "write them on one line")
    try:
        words = [_kernel_grub.booted(value) for value in values]
    except ValueError as error:
        raise ContainmentError(DEFAULTS, f"gives arguments that cannot be read ({error})", "close the quote") from error
    return [Variables(words[at], words[at + 1]) for at in (0, 2, 4)]


def declared(wanted, known, base):
    """Return the Declared of our drop-in, from `known`, the one there is. Pure.

    What the other files say already is not declared. Words that are right keep their place, new ones come behind.
    """
    whole = base.linux + base.default
    names, words, todo, left = set(known.names), list(known.words), [], []
    for want in wanted.values():
        ours = want.name in known.names
        current = cmdline.named(known.words if ours else whole, want.name)
        final = _kernel_request.final_words(want, current)
        values = [cmdline.value_of(word) for word in final]
        if ours and values == [cmdline.value_of(word) for word in current] != cmdline.values(whole, want.name):
            continue
        words = [word for word in words if cmdline.name_of(word) != want.name]
        names.discard(want.name)
        if values != cmdline.values(whole, want.name):
            names.add(want.name)
            if want.words is None:
                left += final
            else:
                todo.append(want)
    return _kernel_dropin.Declared(frozenset(names), words + left + _kernel_request.added(todo))


def parts(entry, source, names, strip):
    """Return (words in front, words behind) of an entry that 10_linux made from `source`, None where it did not. Pure.

    It puts words of its own in front, then GRUB_CMDLINE_LINUX and, but for recovery, GRUB_CMDLINE_LINUX_DEFAULT, and at
    times words behind. Its own words are of none of `names`, those of our drop-in and those asked for; with `strip`
    these are not looked at, because a run that was killed left what nobody says any more.
    """
    names, words = names - _own(entry), entry.words
    old = source.linux + ([] if is_recovery(entry) else source.default)
    if strip:
        words, old = (_kernel_request.foreign(line, names) for line in (words, old))
    ends = [at for at in range(len(words), len(old) - 1, -1) if words[at - len(old) : at] == old]
    if not old:
        ends = [len(words) - (words[-1:] == WITHOUT_INITRD)]
    for end in ends:
        front, behind = words[: end - len(old)], words[end:]
        if not any(cmdline.name_of(word) in names for word in front + behind):
            return front, behind
    return None


def _own(entry):
    """Return the names that 10_linux itself gives an entry. Pure."""
    found = set(FIXED)
    if is_recovery(entry):
        found |= set(RECOVERY)
    if "-init-" in entry.entry:
        found.add("init")
    if entry.words[-1:] == WITHOUT_INITRD:
        found.add("panic")
    return found


def made_anew(before, sources, after, names):
    """Return (entries once they are made from `after`, whether that is certain). Pure.

    sources: Variables that the entries may have been made from. Where it was none of them, others changed what they
    say and did not apply it yet: then only the words of `names` are foretold.
    """
    tries = [(source, False) for source in sources] + [(sources[0], True)]
    for source, strip in tries:
        found = [parts(entry, source, names, strip) for entry in before]
        if None not in found:
            break
    planned = []
    for entry, part in zip(before, found):
        new = after.linux + ([] if is_recovery(entry) else after.default)
        if part is None:
            words = _kernel_request.foreign(entry.words, names)
            words += [word for word in new if cmdline.name_of(word) in names]
        else:
            front, behind = part
            if "splash" not in after.default:  # What Ubuntu's 10_linux adds it for.
                behind = [word for word in behind if word != "$vt_handoff"]
            words = front + new + behind
        planned.append(entry._replace(words=words))
    return planned, None not in found


def language(config, settings):
    """Return the variables of the environment that a grub.cfg was made with, {} where with none. Pure.

    settings: text of /etc/default/locale, which sessions of administrators get. It counts where it has the language
    that the file names: the titles of the entries, by which one may be chosen, are in it.
    """
    found = _LANG.search(config)
    if not found:
        return {}
    told = {name: value for name, _quote, value in _LOCALE.findall(settings) if value}
    if told.get("LANG", "").partition(".")[0] != found.group(1):
        return {"LANG": found.group(1) + ".UTF-8"}
    return told


def plan(state, wanted):
    """Return the `Plan` that makes the state what is wanted."""
    known = _kernel_dropin.parse(state.dropin.data)
    ours, others = state.lines
    base, now, _same = evaluate(state.dropin.data)
    _kernel_request.refuse_loss(wanted, now.linux + now.default)
    before = _entries(ours)
    if not before:
        raise ContainmentError(CONFIG, f"has no entry of a kernel made by {OURS}", "run update-grub and look at it")
    ask = _declarable(wanted, before, base)
    target = declared(ask, known, base)
    data = state.dropin.data if target == known else _kernel_dropin.render(target)
    after = now if data == state.dropin.data else evaluate(data)[2]
    _refuse_unheard(ask, target, base, now, after)

    names = known.names | target.names | set(wanted)
    planned, certain = made_anew(before, [now, base], after, names)
    changes = [one for one, new in zip(before, planned) if not _kernel_request.same(one.words, new.words, wanted)]
    writes = [] if data == state.dropin.data else [(state.dropin, data)]
    warnings = []
    if not changes and not writes:
        planned = before
    else:
        normal = [entry for entry in before if not is_recovery(entry)]
        warnings += _kernel_entries.disagreement(normal, wanted)
    if not certain and (changes or writes):
        warnings.append(
            f"{CONFIG} is older than {DEFAULTS} or {DROPINS}: making it anew also takes up what others changed there"
        )
    for one in others if changes or writes else ():
        told = not os.path.basename(one.kernel).startswith(NO_KERNELS)
        if told and _kernel_entries.unsatisfied(wanted, [one.words]):
            place = f"/etc/grub.d/{one.section}" if one.section else CONFIG
            warnings.append(f"the entry {one.entry!r} of {place} is not made from {DEFAULTS} and stays as it is")
    files = ([state.config.path] if changes else []) + [file.path for file, _data in writes]
    steps = bool(changes or writes) or None
    return _kernel_entries.Plan(
        before, planned, files, writes, steps, [state.dropin, state.config], warnings, not certain
    )


def is_recovery(entry):
    """Tell whether an entry is one of those for recovery, which get other arguments. Pure."""
    return "-recovery-" in entry.entry


def _declarable(wanted, before, base):
    """Return the Wants that a variable can satisfy, without those that 10_linux itself does. Pure.

    Raises ContainmentError where 10_linux itself says otherwise.
    """
    found = collections.OrderedDict(wanted)
    for entry in [entry for entry in before if not is_recovery(entry)]:
        for name in FIXED:
            itself = len(cmdline.named(entry.words, name)) > len(cmdline.named(base.linux + base.default, name))
            if name not in wanted or not itself:
                continue
            if not _kernel_request.satisfied(wanted[name], entry.words):
                raise ContainmentError(
                    wanted[name].spelled,
                    f"is set for {entry.entry} by /etc/grub.d/{OURS} itself",
                    "change it in GRUB's own settings",
                )
            found.pop(name, None)
    return found


def _refuse_unheard(wanted, target, base, now, after):
    """Raise ContainmentError where our drop-in does not give what it declares, or changes what others say."""
    whole = after.linux + after.default
    for want in wanted.values():
        words = cmdline.named(target.words, want.name)
        if want.name not in target.names:
            words = cmdline.named(base.linux + base.default, want.name)
        if cmdline.values(whole, want.name) != [cmdline.value_of(word) for word in words]:
            raise ContainmentError(
                want.spelled,
                f"is set by a file in {DROPINS} that is read after {_kernel_dropin.PATH}, or in quotes that hide it",
                "take it out there",
            )
    names = set(wanted) | target.names
    if _kernel_request.foreign(whole, names) != _kernel_request.foreign(now.linux + now.default, names):
        raise ContainmentError(
            DEFAULTS, "has arguments in quotes that would not survive", "write them with double quotes or without"
        )


def apply(state, plan, wanted):
    """Put the drop-in in place and make grub.cfg anew. Return warnings."""
    _kernel_boot.write(plan.writes)
    spoken = language(_kernel_boot.text_of(state.config), _host_probe.text(LOCALE) or "")
    text = _kernel_boot.run([_kernel_boot.tool("grub-mkconfig")], language=spoken)
    ours, _others = _lines(text)
    _kernel_entries.compare(plan, _entries(ours), wanted)
    check = _kernel_boot.tool("grub-script-check")
    data = _kernel_boot.data_of(text)
    if data == state.config.data:
        return []
    config = state.config
    if "\npassword" in text:
        config = config._replace(mode=config.mode & 0o700)
    _files.rehearse(config, data, lambda path: _kernel_boot.run([check, path]))
    _files.replace(config, data)
    if _rest(text, wanted) != _rest(_kernel_boot.text_of(state.config), wanted):
        return [f"{CONFIG} also took up what others had changed since it was last made"]
    return []


def _rest(text, wanted):
    """Return the lines of a grub.cfg without the words of the names asked for."""
    lines = text.splitlines()
    for one in _kernel_grub.menu(text, CONFIG):
        words = [word for word in _kernel_request.foreign(one.words, wanted) if not word.startswith("$")]
        lines[one.number - 1] = " ".join([one.kernel] + words)
    return lines
