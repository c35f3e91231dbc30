# shellcheck shell=bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Sourced by the other tools: where things are, and which Python interpreters there are.
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
cache=$root/.cache
unset PYTHONDONTWRITEBYTECODE # each start would compile all that it imports
export PYTHONPYCACHEPREFIX=$cache/pycache PIP_DISABLE_PIP_VERSION_CHECK=1

NOT_POSSIBLE=77 # exit code of a gate that cannot run on this machine

die() {
    echo "${0##*/}: $*" >&2
    exit 1
}

not_possible() {
    echo "not possible here: $*" >&2
    exit "$NOT_POSSIBLE"
}

# interpreters MIN MAX: one line "3.x PATH" for each minor version of Python 3 that runs here, the newest first.
# A shim of a version manager may be on PATH and yet fail, so each candidate is run; PATH is of the real program.
interpreters() {
    local minor candidate found
    for ((minor = ${2#3.}; minor >= ${1#3.}; minor--)); do
        for candidate in "python3.$minor" python3 "${PYENV_ROOT:-${HOME-}/.pyenv}/versions/3.$minor".*/bin/python3; do
            found=$("$candidate" -c 'import sys; print("3.%d" % sys.version_info[1], sys.executable)' 2>/dev/null </dev/null) || continue
            [[ $found == "3.$minor "* ]] && echo "$found" && break
        done
    done
}

# interpreter MIN MAX: path of the newest one, or nothing.
interpreter() {
    local found
    read -r _ found < <(interpreters "$1" "$2" 2>/dev/null) && echo "$found"
}

# copy_tree FOLDER: a fresh copy of what the repository holds, changes that are not committed included.
copy_tree() {
    local file
    rm -rf "$1"
    mkdir -p "$1"
    git -C "$root" ls-files -z --cached --others --exclude-standard | (
        cd "$root" || exit
        while IFS= read -r -d '' file; do
            [[ ! -e $file && ! -L $file ]] || printf '%s\0' "$file"
        done
    ) | tar -C "$root" -c --null -T - | tar -C "$1" -x --no-same-owner
}

# link_collection TREE: makes TREE importable as collection containment.docker, below its own .cache.
link_collection() {
    local collections=$1/.cache/collections/ansible_collections
    mkdir -p "$collections/containment"
    ln -sfn "$1" "$collections/containment/docker"
    # For pytest also a Python package: those of the ansible bundle would hide a folder without __init__.
    echo '__path__ = __import__("pkgutil").extend_path(__path__, __name__)' >"$collections/__init__.py"
}
