# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters that import what they call when they are called.

Each task that uses a filter has a process of its own, which loads all filters of the collection, and Ansible compiles
what they import from source each time: a quarter of a second for each task and host.
"""

import importlib

_MODULE_UTILS = "ansible_collections.containment.docker.plugins.module_utils."


def later(module, name):
    """Return a filter that is the function `name` of `module`, one of module_utils."""

    def call(*args, **options):
        return getattr(importlib.import_module(_MODULE_UTILS + module), name)(*args, **options)

    return call
