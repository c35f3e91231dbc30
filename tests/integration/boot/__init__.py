# SPDX-License-Identifier: GPL-3.0-or-later
"""Boot configurations, before and after, and the places they are tried in."""
