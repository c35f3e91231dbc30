# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the kernel's audit records are heard as they come, and the proof that they are. Decides nothing."""

import ctypes
import os
import struct

from ansible_collections.containment.docker.plugins.module_utils import _audit_record
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

PAUSE = 0.1  # seconds between two words of a source, whatever comes
_NO_NEW_PRIVILEGES, _SECCOMP = 38, 22  # PR_SET_, include/uapi/linux/prctl.h
_INSTRUCTION = struct.Struct("=HBBI")
_NO_FILE = 0x7EC0FFEE  # a number that no open file has
# Return SECCOMP_RET_LOG where the lower half of the first argument is that, else SECCOMP_RET_ALLOW.
_LOGGING = [(0x20, 0, 0, 16), (0x15, 0, 1, _NO_FILE), (0x06, 0, 0, 0x7FFC0000), (0x06, 0, 0, 0x7FFF0000)]


def _call_under_a_filter():
    """Make one call that a filter of this process logs, and end it."""
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        code = b"".join(_INSTRUCTION.pack(*one) for one in _LOGGING)
        buffer = ctypes.create_string_buffer(code)
        program = ctypes.create_string_buffer(struct.pack("@HP", len(_LOGGING), ctypes.addressof(buffer)))
        libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
        libc.prctl(_SECCOMP, 2, ctypes.c_void_p(ctypes.addressof(program)), 0, 0)
        os.close(_NO_FILE)
    finally:
        os._exit(0)


class Source:
    """A context manager with texts(seconds), which yields what the kernel writes within a time, and None about every
    PAUSE. name: of the place. lost: how many records at least, or how often, were not told. patience: seconds until a
    record is there. selects: whether it has some records alone where there are many."""

    name, lost, patience, selects = "", 0, 2.0, False

    def __enter__(self):
        return self

    def __exit__(self, *_exception):
        self.close()

    def prove(self):
        """Raise ContainmentError where the kernel logs nothing that is heard here: it was started with audit=0, does
        not log what filters say, or tells others alone."""
        child = os.fork()
        if not child:
            _call_under_a_filter()
        os.waitpid(child, 0)
        heard = (record for record in self.records(self.patience) if record is not None)
        if not any(record.pid == child or self.selects for record in heard):
            raise ContainmentError(
                "audit",
                "the kernel tells nothing of a call that a filter logs",
                "start it without audit=0, have log in kernel.seccomp.actions_logged, and run on the host itself",
            )

    def records(self, seconds):
        """Yield each _audit_record.Record that comes within a time, and None at least every tenth of a second."""
        for text in self.texts(seconds):
            record = _audit_record.parse(text) if text is not None else None
            if record is not None or text is None:
                yield record
