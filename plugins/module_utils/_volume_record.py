# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes to the ledger of volumes, ahead of what it says, and keeps the version before in a transaction."""

from ansible_collections.containment.docker.plugins.module_utils import _files, _transaction, _volume_ledger


def check(transaction):
    """Raise ContainmentError where nothing can be recorded under that name, None for no record, or in the ledger."""
    if transaction is not None:
        _transaction.check_usable(transaction)
        _volume_ledger.parse(_files.read(_volume_ledger.PATH).data)


def record(transaction, changes, write=True):
    """Note `changes` ({path: Entry or None}) under a transaction; with None as its name nothing is noted.

    Return whether the ledger says something else then. write: False only tells. Raises ContainmentError, OSError.
    """
    if transaction is None:
        return False
    before = _files.read(_volume_ledger.PATH)
    data = _volume_ledger.update(before.data, changes)
    if data != before.data and write:
        _transaction.record(transaction, "volumes", before, data)
        _files.replace(before, data, mode=0o600)
    return data != before.data
