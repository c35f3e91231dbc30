# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""SHA-256 alone. hashlib loads all of OpenSSL for it, a fifth of the memory that the plugin had. Pure."""

try:
    from _sha2 import sha256  # Python 3.12 and later
except ImportError:
    try:
        from _sha256 import sha256  # Python 3.6 to 3.11
    except ImportError:
        from hashlib import sha256  # Some are built with OpenSSL's alone.


def hexadecimal(data):
    """Return the SHA-256 of bytes, as 64 digits."""
    return sha256(data).hexdigest()
