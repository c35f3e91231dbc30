# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The record of what a proof has made on an engine, by which a killed one is cleared. Pure."""

import re


def parse(text):
    """Return {"root", "begun", "pending", "containers"} of the text of a record.

    text: the graph root, then, each ahead of the act or behind it, `begin image`, `end image`, `begin container`,
      `end container ID`. A line that a kill cut short does not count.
    root: path, None where nothing was made. begun: "image" and "container", once for each that was begun. pending: the
    one of them that may still be made, None. containers: their ids, as far as they are known.
    """
    lines = [line for line in text.splitlines(True) if line.endswith("\n")]
    record = {"root": lines[0][:-1] if lines else None, "begun": [], "pending": None, "containers": []}
    for line in lines[1:]:
        words = line.split()
        if words[0] == "begin":
            record["begun"].append(words[1])
            record["pending"] = words[1]
        elif words[:2] != ["end", "container"]:
            record["pending"] = None
        elif re.match(r"[0-9a-f]{64}\Z", words[-1]):
            record["pending"] = None
            record["containers"].append(words[-1])
    return record
