# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What containers have to show for a seccomp profile to be proven, and the verdict. Pure but for the library."""

import collections

from ansible_collections.containment.docker.plugins.module_utils import _seccomp_bpf, _seccomp_check, _seccomp_compare
from ansible_collections.containment.docker.plugins.module_utils import _seccomp_profile as profiles
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

PLAIN, NO_NEW_PRIVILEGES = "plain", "no-new-privileges"
VARIANTS = (PLAIN, NO_NEW_PRIVILEGES)
AS_WRITTEN = "the profile's"
# What was seen of a container. program: the filter that the kernel has of it, [] for none, None where the kernel does
# not tell, and why. bundle: what its runtime was told.
Seen = collections.namedtuple("Seen", "program why bundle")
_TITLES = collections.OrderedDict(
    [
        ("start", ("runs", "a container")),
        ("filter", (AS_WRITTEN, "its filter in the kernel")),
        ("exec", ("runs", "a program that is run in it")),
        ("shell", ("works", "the host's shell in a container")),
    ]
)
_SHOWN = 8  # names of calls in a sentence


def key(proof, variant):
    """Return the name of a proof with a variant of VARIANTS."""
    return proof if variant == PLAIN else f"{proof} {variant}"


def wanted(variants, shell):
    """Return {proof: (text, title)} of what has to be seen, in a fixed order."""
    found = collections.OrderedDict()
    for variant in variants:
        for proof, (text, title) in _TITLES.items():
            if proof != "shell" or shell:
                behind = "" if variant == PLAIN else f", with {variant}"
                found[key(proof, variant)] = text, title + behind
    return found


def filter_of(seen, profile, library, kernel):
    """Return (AS_WRITTEN or what is otherwise, how it is known) of a Seen container under a Profile.

    kernel: the host's (major, minor).
    """
    caps = ((seen.bundle.get("process") or {}).get("capabilities") or {}).get("bounding") or ()
    plain = profiles.resolve(profile, profiles.Host(library.native(), frozenset(caps), kernel))
    made = _seccomp_check.make_filter(library, plain)
    answer, how = _answer(seen, library)
    if answer is None:
        return "none", how
    try:
        names, judged = _seccomp_compare.difference(plain, made, answer)
    except ValueError as error:
        return f"not to be read ({error})", how
    if not judged:
        how += ", but for calls that the host's libseccomp does not know"
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return (AS_WRITTEN if not names else f"otherwise for {', '.join(names[:_SHOWN])}{more}"), how


def _answer(seen, library):
    """Return (function that answers a Call as a Seen container is, None where it has no filter, how it is known)."""
    if seen.program is not None:
        program = seen.program
        return (lambda call: _seccomp_bpf.run(program, call)) if program else None, "read from the kernel"
    how = f"as the runtime was told, because the kernel does not tell ({seen.why})"
    given = (seen.bundle.get("linux") or {}).get("seccomp")
    if not given:
        return None, how
    told = _seccomp_check.make_filter(library, profiles.read(given, "the container's filter", library.native()))
    return (lambda call: _seccomp_bpf.answer(told.program, told.highest, call)), how


def judge(wanted_, observed):
    """Return [{proof, title, expected, observed, passed}]; what was not observed has not passed."""
    return [
        {
            "proof": proof,
            "title": title,
            "expected": text,
            "observed": observed.get(proof),
            "passed": observed.get(proof) == text,
        }
        for proof, (text, title) in wanted_.items()
    ]


def check(seconds):
    """Raise ContainmentError for a time in which nothing can be proven."""
    if seconds < 1:
        raise ContainmentError("timeout", f"{seconds} is no time to prove anything in", "give at least 1 second")
