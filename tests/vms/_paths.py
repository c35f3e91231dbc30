# SPDX-License-Identifier: GPL-3.0-or-later
"""Where virtual machines are kept, and how patient the harness is with them."""

import os
from pathlib import Path

from tests.hosts._paths import CACHE

VMS = CACHE / "vms"
TOOLS, IMAGES, STATES, RUN = (VMS / name for name in ("tools", "images", "states", "run"))
SCRIPTS = Path(__file__).parent / "scripts"
# An emulated processor on a busy machine is many times slower than on an idle one.
PATIENCE = float(os.environ.get("CONTAINMENT_PATIENCE") or 1)
BOOT = 600 * PATIENCE
COMMAND = 300 * PATIENCE
