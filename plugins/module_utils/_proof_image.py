# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A root file system of a few megabytes from the host's own programs, so that a proof needs no registry."""

import io
import os
import shutil
import struct
import subprocess
import tarfile

from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

PROGRAMS = ("sh", "rm")
DIRECTORIES = ("dev", "etc", "proc", "proof", "sys", "tmp")
SPIN = "/bin/spin"
PT_LOAD, PT_INTERP = 1, 3
# By what uname(2) calls a machine: ELF's number of it, and an instruction that jumps to itself.
_LOOPS = {"x86_64": (62, b"\xeb\xfe"), "aarch64": (183, b"\x00\x00\x00\x14")}


def interpreter(elf):
    """Return the path of the program loader that an ELF file (bytes) names, None for a static program.

    Raises ValueError for what is no ELF file.
    """
    if elf[:4] != b"\x7fELF":
        raise ValueError("not an ELF file")
    order = "<" if elf[5] == 1 else ">"
    if elf[4] == 2:
        (offset,) = struct.unpack_from(order + "Q", elf, 32)
        size, count = struct.unpack_from(order + "HH", elf, 54)
        where, length = (8, "Q"), (32, "Q")
    else:
        (offset,) = struct.unpack_from(order + "I", elf, 28)
        size, count = struct.unpack_from(order + "HH", elf, 42)
        where, length = (4, "I"), (16, "I")
    for number in range(count):
        header = offset + number * size
        if struct.unpack_from(order + "I", elf, header)[0] == PT_INTERP:
            (start,) = struct.unpack_from(order + where[1], elf, header + where[0])
            (extent,) = struct.unpack_from(order + length[1], elf, header + length[0])
            return elf[start : start + extent].rstrip(b"\0").decode("ascii")
    return None


def libraries(listing):
    """Return the paths in what `LOADER --list PROGRAM` prints (glibc and musl: `name => /path (0x...)`)."""
    paths = []
    for line in listing.splitlines():
        name, arrow, rest = line.strip().partition(" => ")
        path = (rest if arrow else name).rpartition(" (0x")[0]
        if path.startswith("/"):
            paths.append(path)
    return paths


def spin(machine):
    """Return an ELF program that makes no system call, whatever a filter lets through, and ends by a signal alone.

    machine: as of uname(2). Raises ContainmentError for one that none is known of.
    """
    if machine not in _LOOPS:
        raise ContainmentError("proof image", f"no program is known for {machine}", f"use one of {', '.join(_LOOPS)}")
    number, code = _LOOPS[machine]
    start = 64 + 56
    header = struct.pack(
        "<16sHHIQQQIHHHHHH",
        *(b"\x7fELF\x02\x01\x01", 2, number, 1, 0x400000 + start, 64, 0, 0, 64, 56, 1, 0, 0, 0),
    )
    size = start + len(code)
    return header + struct.pack("<IIQQQQQQ", PT_LOAD, 5, 0, 0x400000, 0x400000, size, size, 0x1000) + code


def _needed(program):
    """Return the paths of the loader and the libraries that the program at this path needs."""
    with open(program, "rb") as handle:
        loader = interpreter(handle.read())
    if loader is None:
        return []
    listing = subprocess.run(
        [loader, "--list", program],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        check=True,
        env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"},
        timeout=30,
    )
    return [loader] + libraries(listing.stdout.decode("utf-8"))


def build():
    """Return the bytes of a tar archive with a shell, rm and their libraries; the same host gives the same bytes.

    On machines that `spin` knows it is there, too, as SPIN.
    Raises ContainmentError where the host's programs cannot be read.
    """
    content = {}
    for name in PROGRAMS:
        place = shutil.which(name, path="/usr/bin:/bin")
        if place is None:
            raise ContainmentError(
                "proof image",
                f"the host has no {name} in /usr/bin or /bin",
                "install it (packages dash or bash, coreutils)",
            )
        try:
            needed = _needed(os.path.realpath(place))
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            raise ContainmentError(
                "proof image", f"the libraries of {place} cannot be told ({error})", "check the host's C library"
            ) from error
        content[f"/bin/{name}"] = place
        content.update({path: path for path in needed})
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as archive:
        made = set()
        for directory in DIRECTORIES:
            _directory(archive, made, directory)
        for target in sorted(content):
            _directory(archive, made, os.path.dirname(target).strip("/"))
            with open(content[target], "rb") as handle:
                _file(archive, target, handle.read())
        if os.uname().machine in _LOOPS:
            _file(archive, SPIN, spin(os.uname().machine))
    return buffer.getvalue()


def _file(archive, target, data):
    entry = tarfile.TarInfo(target.lstrip("/"))
    entry.size, entry.mode = len(data), 0o755
    archive.addfile(entry, io.BytesIO(data))


def _directory(archive, made, path):
    if path and path not in made:
        _directory(archive, made, os.path.dirname(path))
        entry = tarfile.TarInfo(path)
        entry.type, entry.mode = tarfile.DIRTYPE, 0o755
        archive.addfile(entry)
        made.add(path)
