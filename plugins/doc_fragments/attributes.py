# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every module of the collection says of its behaviour."""

from __future__ import annotations


class ModuleDocFragment:
    """The descriptions; a module adds C(support) and, where it needs, C(details)."""

    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    description:
      - Runs without changing the host and reports exactly what a run outside of check mode would change.
  diff_mode:
    description:
      - Reports the state before and after, as the difference that the run makes or would make.
  platform:
    description:
      - The operating systems that the module runs on.
    support: full
    platforms: linux
"""
