# SPDX-License-Identifier: GPL-3.0-or-later
"""Stands in for the get-pip script that ansible-test would download: runs the pip of Python's own ensurepip."""

import ensurepip
import glob
import os
import runpy
import sys

FOLDERS = (os.path.join(os.path.dirname(ensurepip.__file__), "_bundled"), "/usr/share/python-wheels")

sys.path[:0] = [wheel for folder in FOLDERS for wheel in sorted(glob.glob(folder + "/*.whl"), reverse=True)]
sys.argv[1:] = ["install"] + [word for word in sys.argv[1:] if word not in ("--no-setuptools", "--no-wheel")]
runpy.run_module("pip", run_name="__main__", alter_sys=True)
