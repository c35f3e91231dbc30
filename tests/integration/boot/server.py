# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs kernel_args in a place (place.py), a process for each question, forked from one that has everything imported.

A question is a line of JSON on stdin, {"params", "calls": system calls to trace or None, "inject": strace's or None,
"seconds": that a tool may take, or None}; its answer one on stdout: {"stdout", "stderr", "rc", "trace"}. strace is
attached before the module begins.
"""

import json
import os
import runpy
import subprocess
import sys
import tempfile

MODULE, COLLECTIONS, PACKAGES = sys.argv[1:]
sys.dont_write_bytecode = True
sys.path.insert(0, COLLECTIONS)
sys.path.append(PACKAGES)

from ansible.module_utils import basic  # noqa: E402

from ansible_collections.containment.docker.plugins.module_utils import _kernel_boot  # noqa: E402

basic._ANSIBLE_PROFILE = "legacy"
runpy.run_path(MODULE)  # Imports what it imports; not __main__, so that nothing else happens.


def child(params, begin, out, err):
    os.read(begin, 1)
    os.dup2(out.fileno(), 1)
    os.dup2(err.fileno(), 2)
    basic._ANSIBLE_ARGS = json.dumps({"ANSIBLE_MODULE_ARGS": params}).encode()
    code = 0
    try:
        runpy.run_path(MODULE, run_name="__main__")
    except SystemExit as end:
        code = end.code or 0
    except BaseException:
        import traceback

        traceback.print_exc()
        code = 70
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def answer(question):
    begin = os.pipe()
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        pid = os.fork()
        if not pid:
            os.close(begin[1])
            _kernel_boot.TOOL_SECONDS = question["seconds"] or _kernel_boot.TOOL_SECONDS
            child(question["params"], begin[0], out, err)
        os.close(begin[0])
        strace, trace = None, ""
        if question["calls"]:
            strace = ["strace", "-o", "/run/trace", "-e", "trace=" + question["calls"], "-p", str(pid)]
            if question["inject"]:
                strace += ["-e", "inject=" + question["inject"]]
            strace = subprocess.Popen(strace, stderr=subprocess.PIPE)
            while b"attached" not in strace.stderr.readline():
                if strace.poll() is not None:
                    raise RuntimeError("strace did not attach")
        os.write(begin[1], b"x")
        os.close(begin[1])
        _pid, status = os.waitpid(pid, 0)
        if strace:
            strace.communicate()
            with open("/run/trace") as handle:
                trace = handle.read()
        out.seek(0)
        err.seek(0)
        return {
            "stdout": out.read().decode(),
            "stderr": err.read().decode(),
            "rc": -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status),
            "trace": trace,
        }


for line in sys.stdin:
    print(json.dumps(answer(json.loads(line))), flush=True)
