# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which seccomp profile a container is under, of what its runtime was told; inspecting it does not tell. Pure."""

import json

from ansible_collections.containment.docker.plugins.module_utils import _seccomp_features
from ansible_collections.containment.docker.plugins.module_utils import _seccomp_profile as profiles
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

OWN, DAEMON, BUILTIN, UNCONFINED, PRIVILEGED = "own", "daemon", "builtin", "unconfined", "privileged"
NATIVE = {"x86_64": "SCMP_ARCH_X86_64", "aarch64": "SCMP_ARCH_AARCH64"}


def of_container(inspect, bundle, daemon, kernel):
    """Return {"profile", "current"} of a container that runs, None of one that does not, or of which nobody tells.

    inspect: answer of GET /containers/ID/json. bundle: what its runtime was told, None where that cannot be read.
    daemon: the Profile of the daemon, or of the engine's default, None for one that cannot be told. kernel: {"release",
    "machine"}.
    profile: OWN, given when it was made, and frozen since; DAEMON, what the engine had when it was started; BUILTIN,
    the engine's own default, asked for by name; UNCONFINED; PRIVILEGED, which has none unless it is given one.
    current: whether one of DAEMON is under what the engine has now, None where that cannot be told.
    """
    if bundle is None:
        return None
    host = inspect.get("HostConfig") or {}
    given = [text[8:] for text in host.get("SecurityOpt") or [] if text[:8] in ("seccomp=", "seccomp:")]
    filtered = bool((bundle.get("linux") or {}).get("seccomp"))
    if not filtered:
        return {"profile": PRIVILEGED if host.get("Privileged") else UNCONFINED, "current": None}
    if given:
        return {"profile": BUILTIN if given[-1] in _seccomp_features.BUILTIN else OWN, "current": None}
    return {"profile": DAEMON, "current": None if daemon is None else _is_under(bundle, daemon, kernel)}


def _is_under(bundle, daemon, kernel):
    """Whether what a runtime was told is what an engine hands on of a profile; None where that cannot be told."""
    native = NATIVE.get(kernel["machine"])
    caps = ((bundle.get("process") or {}).get("capabilities") or {}).get("bounding") or ()
    if native is None:
        return None
    try:
        told = profiles.read(bundle["linux"]["seccomp"], "bundle", native)
    except ContainmentError:
        return None
    host = profiles.Host(native, frozenset(caps), _seccomp_features.kernel(kernel["release"]))
    return _said(told) == _said(profiles.resolve(daemon, host))


def _said(profile):
    """Return what a Profile without conditions says, however its rules are grouped."""
    said = {(name, rule.action, rule.args) for rule in profile.rules for name in rule.names}
    return profile.default, frozenset(profile.architectures), said


def of_daemon(data, machine):
    """Return the Profile in the bytes of a daemon-wide profile, None where it cannot be told."""
    value = parse(data)
    try:
        return None if value is None else profiles.read(value, "profile", NATIVE.get(machine, ""))
    except ContainmentError:
        return None


def kept(data, native):
    """Return {"architecture", "kernel": [major, minor], "profile"} in the bytes of what an engine told of its default,
    None where it told nothing, or on another architecture."""
    found = parse(data)
    if found is None or set(found) != {"architecture", "kernel", "profile"} or found["architecture"] != native:
        return None
    return found


def of_default(data, kernel):
    """Return the Profile in the bytes of what an engine told of its default on this kernel, {"release", "machine"};
    None where it told nothing, or on another one."""
    native = NATIVE.get(kernel["machine"])
    found = kept(data, native)
    if None in (native, found) or found["kernel"] != list(_seccomp_features.kernel(kernel["release"])):
        return None
    try:
        return profiles.read(found["profile"], "default", native)
    except ContainmentError:
        return None


def parse(data):
    """Return what JSON has in the bytes of a profile, None where it cannot be told."""
    try:
        found = json.loads((data or b"").decode("utf-8"))
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def of_engine(options, made, version):
    """Return {"profile", "base_outdated"} of an engine.

    options: what it says of seccomp in SecurityOptions, None for nothing. made: {sha256 of a profile: version of the
    engine whose default it was made from}. profile: path of its daemon-wide profile, BUILTIN or UNCONFINED; None where
    it has no seccomp. base_outdated: whether that was made from the default of another version.
    """
    if options is None:
        return {"profile": None, "base_outdated": False}
    profile = options.get("profile", BUILTIN)
    if profile in _seccomp_features.BUILTIN:
        profile = BUILTIN
    digest = profile.rpartition("-")[2].partition(".json")[0]  # of a name that _seccomp_plan.path gave
    versions = [one for sha, one in made.items() if len(digest) == 16 and sha.startswith(digest)]
    return {"profile": profile, "base_outdated": bool(versions) and version not in versions}
