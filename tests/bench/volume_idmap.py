# SPDX-License-Identifier: GPL-3.0-or-later
"""How long an idmapped mount of a tree of 220,000 files takes, next to chown -R of the same tree and to a plain bind
mount.

In a mount namespace of its own. The time is that of _idmap_mount.mount, from the opening of the directories to the
mount being seen; what Python needs to start is told apart.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
LIBRARY = REPOSITORY / ".cache/collections"
sys.path[:0] = [str(LIBRARY)]

from _trees import BASE, FILES, SIZE, forget, make  # noqa: E402

from ansible_collections.containment.docker.plugins.module_utils import _idmap_mount  # noqa: E402

ROUNDS = 25


def timed(act, *arguments, **options):
    began = time.perf_counter()
    act(*arguments, **options)
    return time.perf_counter() - began


def main():
    if os.geteuid():
        raise SystemExit("not possible here: mounts need root")
    if "--private" not in sys.argv:
        words = ["unshare", "--mount", sys.executable, __file__, "--private"]
        raise SystemExit(subprocess.run(words, check=False).returncode)
    place = REPOSITORY / ".cache/bench"
    place.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=place) as folder:
        source, path = Path(folder).resolve() / "source", Path(folder).resolve() / "path"
        path.mkdir()
        make(source, FILES)
        extents = [[0, BASE, SIZE]]
        said = {"source": str(source), "path": str(path), "uid": extents, "gid": extents}
        file = Path(folder) / "said.json"
        file.write_text(json.dumps(said))
        program = [sys.executable, "-I", "-S", _idmap_mount.__file__]
        mapped, bound, whole = [], [], []
        for _round in range(ROUNDS):
            mapped.append(timed(_idmap_mount.mount, said))
            assert path.stat().st_uid == BASE
            _idmap_mount.unmount(str(path))
            whole.append(timed(subprocess.run, [*program, "mount", str(file)], check=True))
            _idmap_mount.unmount(str(path))
            bound.append(timed(subprocess.run, ["mount", "--bind", str(source), str(path)], check=True))
            subprocess.run(["umount", str(path)], check=True)
        forget()
        peer = timed(subprocess.run, ["chown", "-R", "0:0", str(source)], check=True)
    value = statistics.median(mapped) * 1000
    print(f"bench volume_idmap mount {value:.2f}ms 10ms {'ok' if value <= 10 else 'short'}", flush=True)
    print(
        f"# the program with Python's start {statistics.median(whole) * 1000:.0f} ms, mount --bind "
        f"{statistics.median(bound) * 1000:.0f} ms, chown -R of the same tree {peer:.2f} s"
    )


if __name__ == "__main__":
    main()
