# SPDX-License-Identifier: GPL-3.0-or-later
"""The image of the host's own programs."""

import io
import os
import struct
import subprocess
import tarfile

import pytest

from ansible_collections.containment.docker.plugins.module_utils import _proof_image as image
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError


def elf(bits, order, loader):
    """Return the smallest ELF file that names a program loader."""
    mark = "<" if order == 1 else ">"
    text = loader.encode() + b"\0"
    if bits == 2:
        head = (
            b"\x7fELF"
            + bytes([2, order])
            + bytes(26)
            + struct.pack(mark + "Q", 64)
            + bytes(14)
            + struct.pack(mark + "HH", 56, 2)
            + bytes(6)
        )
        segments = struct.pack(mark + "IIQQQQQQ", 1, 0, 0, 0, 0, 0, 0, 0) + struct.pack(
            mark + "IIQQQQQQ", 3, 0, 176, 0, 0, len(text), 0, 0
        )
    else:
        head = (
            b"\x7fELF"
            + bytes([1, order])
            + bytes(22)
            + struct.pack(mark + "I", 52)
            + bytes(10)
            + struct.pack(mark + "HH", 32, 2)
            + bytes(6)
        )
        segments = struct.pack(mark + "8I", 1, 0, 0, 0, 0, 0, 0, 0) + struct.pack(
            mark + "8I", 3, 116, 0, 0, len(text), 0, 0, 0
        )
    return head + segments + text


@pytest.mark.parametrize("bits", [1, 2])
@pytest.mark.parametrize("order", [1, 2])
def test_the_loader_is_found_in_every_layout(bits, order):
    assert image.interpreter(elf(bits, order, "/lib/ld.so.1")) == "/lib/ld.so.1"


def test_what_is_no_elf_file_is_refused():
    with pytest.raises(ValueError, match="not an ELF"):
        image.interpreter(b"#!/bin/sh\n")


def test_listings_of_glibc_and_musl():
    glibc = "\tlinux-vdso.so.1 (0x7f)\n\tlibc.so.6 => /lib/libc.so.6 (0x7f)\n\t/lib64/ld-linux-x86-64.so.2 (0x7f)\n"
    assert image.libraries(glibc) == ["/lib/libc.so.6", "/lib64/ld-linux-x86-64.so.2"]
    musl = "\t/lib/ld-musl-x86_64.so.1 (0x7f)\n\tlibc.musl-x86_64.so.1 => /lib/ld-musl-x86_64.so.1 (0x7f)\n"
    assert image.libraries(musl) == ["/lib/ld-musl-x86_64.so.1", "/lib/ld-musl-x86_64.so.1"]


def test_the_image_is_the_same_every_time_and_its_shell_runs_in_it(tmp_path):
    data = image.build()
    assert data == image.build()
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        assert {"bin/sh", "bin/rm", "proof"} <= set(archive.getnames())
        assert all((entry.uid, entry.gid) == (0, 0) for entry in archive.getmembers())
        archive.extractall(tmp_path)  # noqa: S202  made by the function under test
    if os.geteuid() != 0:
        pytest.skip("not possible here: chroot needs root")
    done = subprocess.run(
        ["chroot", str(tmp_path), "/bin/sh", "-c", "/bin/rm -f /nothing && echo runs"],
        stdout=subprocess.PIPE,
        check=True,
    )
    assert done.stdout == b"runs\n"


def test_the_spinning_program_runs_without_a_system_call(tmp_path):
    if os.uname().machine not in image._LOOPS:
        pytest.skip("no such program is known for this machine")
    path = tmp_path / "spin"
    path.write_bytes(image.spin(os.uname().machine))
    path.chmod(0o700)
    with subprocess.Popen([str(path)]) as process:
        try:
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(0.2)
        finally:
            process.kill()
    assert process.returncode == -9
    with pytest.raises(ContainmentError, match="no program is known for vax"):
        image.spin("vax")
