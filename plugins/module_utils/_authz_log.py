# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes records to the journal, to syslog where there is none, else to the standard error. Decides nothing."""

import json
import os
import socket
import struct
import sys

from ansible_collections.containment.docker.plugins.module_utils import _authz_record
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

JOURNAL, SYSLOG = "/run/systemd/journal/socket", "/dev/log"
_SECONDS = 2  # that a log may keep a request waiting


class Log:
    """The log of this host: the first of these that is there when it is made."""

    def __init__(self, journal=JOURNAL, syslog=SYSLOG):
        self._path = next((path for path in (journal, syslog) if os.path.exists(path)), None)
        self._is_journal = self._path == journal
        self._link = None

    def write(self, fields):
        """Write a record. Raises ContainmentError where it cannot be written within _SECONDS."""
        if self._path is None:
            sys.stderr.write(json.dumps(fields, sort_keys=True) + "\n")
            sys.stderr.flush()
            return
        data = _authz_record.journal(fields) if self._is_journal else _authz_record.syslog(fields, os.getpid())
        try:
            self._send(data)
        except OSError:
            self._link = None  # Whoever listens there may have been restarted.
            try:
                self._send(data)
            except OSError as error:
                self._link = None
                raise ContainmentError(self._path, f"takes no record ({error.strerror})", "mend the log") from error

    def _send(self, data):
        if self._link is None:
            link = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
            link.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", _SECONDS, 0))
            link.connect(self._path)
            self._link = link
        self._link.send(data)
