# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one exception of this collection's domain, and the one place where a module ends with it."""

import contextlib


class ContainmentError(Exception):
    """A refusal or failure a person can act on: one sentence of object, cause and mend.

    subject: what it is about: a key, a path with line and column, a container's name.
    cause: what is wrong with it, with the value.
    mend: what to do, as an imperative.
    """

    def __init__(self, subject, cause, mend):
        super().__init__(subject, cause, mend)
        self.subject, self.cause, self.mend = subject, cause, mend

    def __str__(self):
        return f"{self.subject}: {self.cause}; {self.mend}."


class UnmappableError(ContainmentError):
    """A directory that cannot or must not be mounted with mapped ids, and can be shifted."""


@contextlib.contextmanager
def told(module, name):
    """Fail an AnsibleModule with the sentence of what is raised within: a ContainmentError, or an OSError, which is of
    its file or else of `name`."""
    try:
        yield
    except ContainmentError as error:
        module.fail_json(msg=str(error))
    except OSError as error:
        module.fail_json(
            msg=str(ContainmentError(error.filename or name, error.strerror, "mend the cause and run again"))
        )
