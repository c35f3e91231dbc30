# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who ran containers with more than the unprivileged envelope, out of the record of decisions. Pure."""

import datetime
import json

from ansible_collections.containment.docker.plugins.module_utils import _authz_decide, _authz_install
from ansible_collections.containment.docker.plugins.module_utils._authz_record import PREFIX
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

# What runs something: an exec in such a container is one, too.
ACTIONS = ("container.create", "exec.create", *_authz_decide.RUNS)
NO_JOURNAL = "who ran privileged containers is in this host's syslog, as containment-authz: there is no journal"
_COMMAND = 60  # characters of a command in the table
DAYS = 3650  # more than any journal holds


def command(days):
    """Return the command that prints the records of so many days. Raises ContainmentError for a number that is none."""
    if not 1 <= days <= DAYS:
        raise ContainmentError("days", f"{days} is not within 1-{DAYS}", "give a number of days")
    argv = ["journalctl", "--output=json", "--no-pager", "--quiet", f"--since=-{days}d"]
    # Which unit wrote a record the journal itself tells (systemd.journal-fields(7)); the rest anybody may claim.
    unit = f"_SYSTEMD_UNIT={_authz_install.UNIT}.service"
    argv += [unit, *(f"{PREFIX}ACTION={action}" for action in ACTIONS)]
    # What nobody could read may have been anything, and passed where somebody is refused nothing.
    return [*argv, "+", unit, f"{PREFIX}DECISION=report", f"{PREFIX}RULE=request"]


def privileged(lines):
    """Return the records, oldest first, of what was let pass and had more than the envelope `unprivileged`.

    lines: of `command`'s output. Each record is {"time": UTC, "principal", "user", "action", "container", "image",
    "command", "why", "decision", "request"}, all texts. Raises ContainmentError for a line that is no record.
    """
    found = []
    for line in lines:
        try:
            entry = json.loads(line)
            fields = {key[len(PREFIX) :]: _text(value) for key, value in entry.items() if key.startswith(PREFIX)}
            time = datetime.datetime(1970, 1, 1) + datetime.timedelta(microseconds=int(entry["__REALTIME_TIMESTAMP"]))
        except (ValueError, KeyError, TypeError, AttributeError):
            raise ContainmentError(
                "journal", f"has a record that cannot be read ({line[:80]!a})", "see what journalctl prints"
            ) from None
        if fields.get("PRIVILEGED") and fields.get("DECISION") in ("allow", "report"):
            found.append(
                {
                    "time": time.strftime("%Y-%m-%dT%H:%M:%SZ"),
                    "principal": fields.get("PRINCIPAL", ""),
                    "user": fields.get("USER", ""),
                    "action": fields.get("ACTION", ""),
                    "container": fields.get("CONTAINER", ""),
                    "image": fields.get("IMAGE", ""),
                    "command": fields.get("CMD", ""),
                    "why": fields["PRIVILEGED"],
                    "decision": fields["DECISION"],
                    "request": fields.get("REQ_ID", ""),
                }
            )
    return found


def _text(value):
    """Return a field's text: journalctl prints one that is not plain as a list of its bytes, one too long as null."""
    if isinstance(value, list):
        return bytes(value).decode("utf-8", "replace")
    return "" if value is None else value


def table(records, days):
    """Return the lines of text that people read: who, how often, and when last, with what."""
    by_who = {}
    for one in records:
        by_who.setdefault(one["principal"] or one["user"], []).append(one)
    if not by_who:
        return [f"nobody ran a privileged container in the last {days} days, as far as there is a record"]
    lines = [f"who ran privileged containers in the last {days} days:"]
    for who, ones in sorted(by_who.items(), key=lambda item: -len(item[1])):
        last = ones[-1]
        words = (last["action"], last["container"], last["image"], last["command"][:_COMMAND])
        what = " ".join(word for word in words if word)
        lines.append(f"  {who}: {len(ones)}, last {last['time']}: {what} ({last['why']})")
    return lines
