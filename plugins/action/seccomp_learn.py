# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs seccomp_learn with its progress shown."""

from __future__ import annotations

from ansible.module_utils.parsing.convert_bool import boolean

from ansible_collections.containment.docker.plugins.plugin_utils.slices import SlicedAction


class ActionModule(SlicedAction):
    MODULE = "containment.docker.seccomp_learn"

    def goes_on(self):
        return boolean(self._task.args.get("wait", True))
