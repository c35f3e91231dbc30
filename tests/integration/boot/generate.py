# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the folders of the cases: python -m tests.integration.boot.generate [NAME...], by default all."""

import sys

from . import families_el, families_grub, families_other
from .casebook import FOUND, write

FAMILIES = (families_el, families_grub, families_other)


def main(names):
    for one in FOUND:
        if not names or one[0] in names:
            write(*one)
            print(one[0])


if __name__ == "__main__":
    main(sys.argv[1:])
