# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which directory of a copy was made of which: a file to which a pair of inode numbers is appended before anything is
copied into one. It tells a directory that is still in its place from one that another was moved to.
"""

import array
import os

_PAIR = 16  # bytes of (st_ino of the source, 0 for none any more; st_ino of the copy)


class Log:
    """The pairs of one copy.

    fd: of the file, opened for reading and appending, or for reading alone where nothing is noted; None for no file.
    """

    def __init__(self, fd):
        self._fd, self._sources, self._whole = fd, {}, 0
        if fd is None:
            return
        with os.fdopen(os.dup(fd), "rb") as handle:
            handle.seek(0)
            while True:
                data = handle.read(65536 * _PAIR)
                pairs = array.array("Q", data[: len(data) // _PAIR * _PAIR])
                for source, copy in zip(pairs[::2], pairs[1::2]):
                    self._keep(source, copy)
                self._whole += len(pairs) // 2 * _PAIR
                if len(data) < 65536 * _PAIR:
                    break

    def is_copy(self, source, copy):
        """Whether the directory with the inode number `copy` was made of that with the number `source`."""
        return self._sources.get(copy) == source

    def made(self, source, copy):
        self._append(source, copy)

    def gone(self, copy):
        """The directory is about to be removed: another may get its inode number."""
        if copy in self._sources:
            self._append(0, copy)

    def _append(self, source, copy):
        if self._whole is not None:
            os.ftruncate(self._fd, self._whole)  # A kill may have left a part of a pair.
            self._whole = None
        os.write(self._fd, array.array("Q", [source, copy]).tobytes())
        self._keep(source, copy)

    def _keep(self, source, copy):
        if source:
            self._sources[copy] = source
        else:
            self._sources.pop(copy, None)
