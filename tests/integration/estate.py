# SPDX-License-Identifier: GPL-3.0-or-later
"""A host full of what an engine can hold, what is to be seen of it from outside, and a client that misses its service.

estate.build(host)                                # ten images, two networks, nine containers, volumes
before = estate.snapshot(host)
with estate.Client(host) as client:
    ...
assert estate.differences(before, estate.snapshot(host), leave=estate.REFUSED) == []
print(client.away())
"""

import fnmatch
import json
import os
import re
import subprocess
import textwrap
import threading
import time
from pathlib import Path

from tests.hosts.host import ENVIRONMENT

from .trees import DEFAULT_ACL, acl, capability, write

ADDRESS, PORT = "10.77.0.10", 80  # of the container web, on the network front
OWNERS = 30
# The container that an engine with remapping refuses, and what an image that is looked at only by it would be.
REFUSED = ("containers/inspector",)
STOPPED = "still"

SEEN = Path(__file__).parent / "seen.py"
# One Dockerfile for each image but those that are imported. Each lies in a folder with the files big and page.
DOCKERFILES = {
    "base": """
        FROM busybox
        RUN mkdir -m 700 /root && mkdir /www /var && for file in root/image root/gone var/old; do echo old >/$file; done
        COPY big /big
    """,
    "web": """
        FROM estate/base:1
        COPY page /www/index.html
        EXPOSE 80/tcp
        HEALTHCHECK --interval=1s --timeout=2s CMD wget -q -O /dev/null http://127.0.0.1/
        CMD ["httpd", "-f", "-h", "/www"]
    """,
    "api": """
        FROM estate/base:1
        ENV LEVEL=image TEXT="two words"
        LABEL org.example.part=api
        WORKDIR /www
        STOPSIGNAL SIGKILL
        ENTRYPOINT ["sleep"]
        CMD ["infinity"]
    """,
    "store": """
        FROM estate/base:1
        RUN mkdir /data && echo first >/data/first && chown -R user:user /data
        VOLUME /data
        CMD ["sleep", "infinity"]
    """,
    "owners": """
        FROM estate/base:1
        RUN mkdir /srv && for id in 0 1 33 1000 65534; do echo $id >/srv/$id && chown $id:$id /srv/$id; done \
            && cp /bin/busybox /srv/su && chmod 4711 /srv/su && ln /srv/33 /srv/again && ln -s 33 /srv/link \
            && chmod 3775 /srv && chown 7:8 /srv
        USER user
        CMD ["true"]
    """,
    "tools": """
        FROM estate/api:1
        ENV LEVEL=tools
        COPY page /tools/page
    """,
    "job": """
        FROM estate/web:1
        RUN rm /www/index.html
        HEALTHCHECK NONE
    """,
}
BUILD = """
set -eu
export DOCKER_BUILDKIT=0
docker import /opt/image.tar busybox
docker import --change 'ENV KIND=plain' --change 'CMD ["sh"]' --message imported /opt/image.tar example.org:5000/plain:2
cd /root/estate
for name in base web api store owners tools job; do
    [ $name != base ] || cp big $name/
    cp page $name/
    docker build -q -t estate/$name:1 $name
done
docker tag estate/web:1 estate/web:stable
docker tag estate/web:1 example.org:5000/team/web:latest
docker build -q dangling
"""
FILL = """
set -eu
docker network create --subnet 10.77.0.0/24 --gateway 10.77.0.254 --label part=front \
    --opt com.docker.network.bridge.name=front0 front
docker network create --internal back
docker volume create --label kept=yes ledger
docker volume create cold
docker volume create --opt type=tmpfs --opt device=tmpfs --opt o=size=1m,mode=1777 scratch
docker volume create spare
run="docker run -d --init"
$run --name web --hostname web.example --network front --ip 10.77.0.10 --mac-address 02:42:0a:4d:00:63 \
    --restart always -p 127.0.0.1:8080:80 --log-opt max-size=1m --oom-score-adj 100 --cap-drop NET_RAW \
    --ulimit nofile=1000:2000 --add-host other:10.77.0.77 -v cold:/cold:ro estate/web:stable
docker create --name api --init --network back --network-alias api --network-alias backend --restart unless-stopped \
    --env LEVEL=container --env "WORDS=a b=c" --label tier=api --label empty= --user 1000:1000 --workdir /tmp \
    --tmpfs /scratch:size=1m --read-only=false estate/api:1
docker network connect --alias front-api --ip 10.77.0.20 front api
docker start api
$run --name store --restart on-failure:3 -v ledger:/data -v cold:/cold -v scratch:/scratch estate/store:1
$run --name anonymous --network back --restart unless-stopped estate/store:1
$run --name brief --rm --network back estate/base:1 sleep infinity
$run --name paused --network none estate/api:1 infinity
$run --name side --network container:web estate/base:1 sleep infinity
$run --name still --restart unless-stopped -v spare:/spare estate/base:1 sleep infinity
docker info -f "{{.SecurityOptions}}" | grep -q userns ||
    $run --name inspector --pid host --network none --stop-signal KILL estate/base:1 sleep infinity
for name in web store side; do
    docker exec $name sh -c 'echo kept >/root/note && rm /root/gone && chmod 640 /root/note && chown 1000:33 /root/note'
done
docker exec -u 0 api sh -c 'echo kept >/root/note && mkdir -m 1750 /root/more && cp /bin/busybox /root/more/su \
    && chown 7:7 /root/more/su && chmod 6755 /root/more/su && ln -s /nowhere /root/more/link && rm -r /var \
    && mkdir /var && echo new >/var/new'
pid=$(docker inspect -f '{{.State.Pid}}' web)
python3 -c 'import os, sys; os.setxattr(sys.argv[1], "security.capability", bytes.fromhex(sys.argv[2]))' \
    /proc/$pid/root/root/note CAPABILITY
docker exec anonymous sh -c 'echo kept >/data/written && chown 12:13 /data/written'
docker stop still
docker pause paused
"""
SMALL = """
set -eu
docker network create --subnet 10.77.0.0/24 front
docker volume create ledger
docker run -d --init --name web --network front --ip 10.77.0.10 --restart always -v ledger:/data estate/web:1
docker run -d --init --name side --network container:web -v ledger:/data:ro estate/base:1 sleep infinity
docker exec web sh -c 'echo kept >/root/note'
"""


def build(host, small=False, files=300):
    """Fill a host. small: two containers on one network and one volume, for tests that do it often.

    files: how many there are in the volume ledger.
    """
    wanted = ["base", "web"] if small else list(DOCKERFILES)
    folder = Path(host.root, "root/estate")
    for name in [*wanted, "dangling"]:
        (folder / name).mkdir(parents=True)
        text = DOCKERFILES.get(name, "FROM estate/base:1\nLABEL org.example.part=nameless\n")
        (folder / name / "Dockerfile").write_text(textwrap.dedent(text))
    (folder / "page").write_text("estate\n")
    (folder / "big").write_bytes(os.urandom(4 << 20))
    script = BUILD.replace("base web api store owners tools job", " ".join(wanted))
    host.run(["sh", "-c", script])
    host.run(["sh", "-c", SMALL if small else FILL.replace("CAPABILITY", capability().hex())])
    fill(volume(host, "ledger"), files)
    if not small:
        fill(volume(host, "cold"), 0)
        fill(volume(host, "spare"), 1)
    settled(host)


def volume(host, name):
    """Where a volume's content lies, as seen from here."""
    return Path(host.root + host.run(["docker", "volume", "inspect", "-f", "{{.Mountpoint}}", name]).stdout.strip())


def fill(root, files):
    """Give a volume content of many owners, with everything that a copy can lose."""
    where = re.search(r"/([0-9]+)\.[0-9]+/volumes/", str(root))
    base = int(where[1]) if where else 0

    def make(name, data=b"x", owner=(0, 0), mode=0o640, **xattrs):
        write(root / name, data, [base + number for number in owner], mode, **xattrs)

    def names(*pairs):
        return acl(*((tag, base + number) for tag, number in pairs))

    for number in range(files):
        name = f"d{number // 100}/file{number}"
        (root / name).parent.mkdir(exist_ok=True)
        more = {}
        if number % 50 == 2:
            more["acl"] = names((2, number % 7), (2, 1000), (8, 33))
        if number % 50 == 3:
            more["caps"] = capability(base or None)
        owner = number % OWNERS, number // OWNERS % OWNERS
        make(name, b"%d\n" % number, owner, 0o4750 if number % 50 == 1 else 0o640, **more)
    make("all", b"#!", (7, 8), 0o6711, acl=names((2, 33), (8, 44)), caps=capability(base or None))
    make("noted", b"noted", (65535, 65535), 0o600)
    os.setxattr(root / "noted", "user.note", b"kept")
    (root / "shared").mkdir()
    os.link(root / "all", root / "shared/again")
    os.symlink("../all", root / "shared/link")
    os.lchown(root / "shared/link", base + 42, base + 42)
    os.mkfifo(root / "shared/pipe")
    os.chown(root / "shared/pipe", base + 2, base + 2)
    os.chown(root / "shared", base + 3, base + 4)
    (root / "shared").chmod(0o3777)
    os.setxattr(root / "shared", DEFAULT_ACL, names((2, 1000), (8, 1001)))
    with open(root / "sparse", "wb") as handle:
        handle.seek(64 << 20)
        handle.write(b"end")
    for path in [root, *root.glob("d*"), root / "sparse"]:
        os.chown(path, base, base + 5)
    for path in [root, *root.rglob("*")]:
        os.utime(path, ns=(1500000000123456789, 1400000000987654321), follow_symlinks=False)


def snapshot(host):
    """Return what has to be the same before and after, as its engine and its containers see it.

    Ids are those of containers. Left out: what is gone with the process that it belongs to (a container of --rm, pids,
    addresses that nobody asked for), and names that the engine made up.
    """
    return json.loads(host.run(["python3", "-"], input=SEEN.read_text()).stdout)


def settled(host):
    """Wait until no health check is still in its first round."""
    snapshot(host)


def states(seen):
    return {name: one["state"] for name, one in seen["containers"].items()}


def differences(before, after, leave=(), most=20):
    """Return the first differences of two snapshots, as "path: what was -> what is".

    leave: patterns of paths that are left out, with all below them.
    """
    found = []
    _compare("", before, after, [re.compile(fnmatch.translate(one)) for one in leave], found)
    return found[:most] + ([f"and {len(found) - most} more"] if len(found) > most else [])


def assert_same(before, after, leave=()):
    """Fail with the first differences."""
    found = differences(before, after, leave)
    assert not found, "\n" + "\n".join(found)


def _compare(path, before, after, leave, found):
    if before == after or any(pattern.match(path) for pattern in leave):
        return
    if isinstance(before, dict) and isinstance(after, dict):
        for key in sorted({*before, *after}):
            _compare(f"{path}/{key}".lstrip("/"), before.get(key), after.get(key), leave, found)
    else:
        told = [text if len(text) < 300 else text[:300] + "..." for text in (repr(before), repr(after))]
        found.append(f"{path}: {told[0]} -> {told[1]}")


POLL = """
import select, socket, sys, time
address, port, pause = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
due = time.monotonic()
while True:
    try:
        with socket.create_connection((address, port), 0.1) as link:
            link.sendall(b"GET / HTTP/1.0\\r\\n\\r\\n")
            link.settimeout(0.2)
            text = b""
            while True:
                more = link.recv(4096)
                if not more:
                    break
                text += more
        good = b" 200 " in text and text.endswith(b"estate\\n")
    except OSError:
        good = False
    print(time.monotonic(), int(good), flush=True)
    due = max(due + pause, time.monotonic())
    if select.select([sys.stdin], [], [], max(0, due - time.monotonic()))[0]:
        break  # whoever started it is gone
"""


class Client:
    """Asks the host's service again and again, from a process in the host's namespaces, and keeps what came of it."""

    def __init__(self, host, address=ADDRESS, port=PORT, pause=0.02):
        self.answers = []  # [(seconds, whether the service answered)] of all attempts so far
        argv = [*host.enter(), "python3", "-c", POLL, address, str(port), str(pause)]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        self._process = subprocess.Popen(argv, env=ENVIRONMENT, text=True, **pipes)
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def __enter__(self):
        return self

    def __exit__(self, *_exception):
        self._process.stdin.close()
        self._reader.join()
        self._process.stdout.close()
        self._process.wait()

    def _read(self):
        for line in self._process.stdout:
            if line.endswith("\n"):
                at, good = line.split()
                self.answers.append((float(at), good == "1"))

    def wait(self, after=0.0, seconds=60):
        """Wait for an answer that began after a time, of time.monotonic()."""
        end = time.monotonic() + seconds
        while not any(good and at > after for at, good in self.answers[-5:]):
            assert time.monotonic() < end, f"no answer within {seconds} s: {self.answers[-5:]}"
            time.sleep(0.02)

    def away(self):
        """Return the longest time in seconds between two answers with failures between them, 0.0 without a failure."""
        longest, last, failed = 0.0, None, False
        for at, good in self.answers:
            if good:
                if last is not None and failed:
                    longest = max(longest, at - last)
                last, failed = at, False
            else:
                failed = True
        return longest
