# SPDX-License-Identifier: GPL-3.0-or-later
"""What an engine has comes along to the graph root of a remapped one, and back, whatever is killed meanwhile.

CONTAINMENT_KILLS=1: kills at every status of a migration, of everything that can be killed there, each finished by the
harden and by the rollback playbook, instead of at a few. That takes most of an hour.
"""

import contextlib
import itertools
import json
import os
from pathlib import Path

import pytest

from tests.hosts import NotPossible, module, play, start_host

from . import estate

HARDEN, ROLLBACK = "containment.docker.harden", "containment.docker.rollback"
WANTED = {"userns_conflicts_ok": True}  # for the container that cannot come along
ROOT = "/var/lib/docker"
NEW = ROOT + "/2000224256.2000224256"
RECORDS = "/var/lib/containment/migrations"
# The statuses of a way there, in their order.
AHEAD = ("seeding", "seeded", "stopping", "stopped", "copied", "switching", "switched")
BACK = ("returning", "returned")
WORKER = "[_]migration_worker"  # So that who asks for it is not found by it.


def run(playbook, host, *args, until=None, **extra_vars):
    groups = {"docker_hosts": [host.name]}
    return play(playbook, [host], *args, groups=groups, extra_vars=extra_vars, until=until)


def told(result):
    texts = [task.result["msg"] for task in result.tasks if isinstance(task.result.get("msg"), list)]
    return [line for text in texts for line in text if isinstance(line, str)]


def reasons(result):
    return " ".join(json.dumps(task.result.get("msg", "")) for task in result.tasks if task.status == "failed")


def changes(result):
    """The changed tasks with the lines by which they changed files, the time stamps of processes left out."""
    found = []
    for task in result.tasks:
        if task.changed:
            lines = task.result.get("diff")
            lines = [(one.get("before"), one.get("after")) for one in lines] if isinstance(lines, list) else None
            found.append((task.name, lines))
    return found


def reread(result):
    """How many files each step read again, of those that did."""
    found = [(task.result.get("measured") or {}).get("reread") for task in result.tasks]
    return [number for number in found if number]


def exists(host, *paths):
    return [path for path in paths if os.path.lexists(host.root + path)]


def record(host):
    """The newest record of a migration, None where there is none."""
    found = []
    for path in Path(host.root + RECORDS).glob("[!.]*.json"):
        with contextlib.suppress(FileNotFoundError):
            found.append(json.loads(path.read_text()))
    return max(found, key=lambda one: one["begun"], default=None)


def status(host):
    found = record(host)
    return found and found["status"]


def running(host, name):
    done = host.run(["docker", "inspect", "-f", "{{.State.Running}}", name], check=False)
    return done.stdout.strip() == "true"


def serving(host):
    """What tells one process of the engine and one of its graph roots from another."""
    pid = host.run(["cat", "/run/docker.pid"]).stdout.strip()
    return pid, host.run(["docker", "info", "-f", "{{.DockerRootDir}}"]).stdout.strip()


def configure(host, **keys):
    """Give the engine a daemon.json of its own, before it has anything."""
    host.run(["mkdir", "-p", "/etc/docker"])
    host.run(["tee", "/etc/docker/daemon.json"], input=json.dumps(keys) + "\n")
    host.run(["systemctl", "restart", "docker"])
    host.wait_for_engine()


def aside(result):
    """Where the graph root lies now that a rollback left."""
    (line,) = [line for line in told(result) if "what was in it lies in" in line]
    return line.partition("what was in it lies in ")[2].split()[0]


def tell(text):
    """Show what is not judged here."""
    print(text, flush=True)


def test_an_estate_goes_through_comes_back_and_goes_through_again(docker_host):
    host = docker_host("trixie")
    estate.build(host)
    before, engine = estate.snapshot(host), serving(host)
    refused = run(HARDEN, host, "--check")
    assert refused.rc == 2 and "inspector" in reasons(refused) and "userns_hidden_ok" not in reasons(refused)
    announced = run(HARDEN, host, "--check", "--diff", **WANTED)
    assert announced.rc == 0, announced.stdout
    assert exists(host, NEW, RECORDS, "/etc/docker/daemon.json") == [] and serving(host) == engine
    estate.assert_same(before, estate.snapshot(host))

    with estate.Client(host) as client:
        first = run(HARDEN, host, "--diff", userns_verify=100, **WANTED)
    assert first.rc == 0, first.stdout
    assert max(reread(first)) > 100
    tell(f"the service was away for {client.away():.2f} s")
    assert client.away() > 0 and client.answers[-1][1]
    assert changes(announced) == changes(first)
    for result in (announced, first):
        assert any("container inspector: stays in" in line for line in told(result))
    estate.assert_same(before, estate.snapshot(host), leave=estate.REFUSED)
    assert running(host, "brief") and serving(host)[1] == NEW and status(host) == "switched"
    (migration,) = module(host, "containment.docker.engine_info")["migrations"]
    kept = {key: migration[key] for key in ("status", "source", "target")}
    assert kept == {"status": "switched", "source": ROOT, "target": NEW} and exists(
        host, f"{RECORDS}/{migration['name']}.json"
    )
    engine = serving(host)
    # The old root is asked to go, and stays for the container that is only there.
    second = run(HARDEN, host, userns_old_root="remove", userns_old_root_days=0)
    assert second.rc == 0 and second.changes() == [], second.stdout
    assert "inspector" in "".join(told(second)) and serving(host) == engine
    assert exists(host, ROOT + "/overlay2", ROOT + "/volumes/ledger") == [ROOT + "/overlay2", ROOT + "/volumes/ledger"]

    host.run(["docker", "exec", "store", "sh", "-c", "echo meanwhile >/data/new"])
    back = run(ROLLBACK, host)
    assert back.rc == 0, back.stdout
    estate.assert_same(before, estate.snapshot(host))
    assert running(host, "brief")
    place = aside(back)
    assert place == f"{NEW}.{migration['name']}" and exists(host, NEW) == []
    assert Path(host.root + place, "volumes/ledger/_data/new").read_text() == "meanwhile\n"
    assert any("volume ledger: " in one and "new" in one for one in told(back))

    again = run(HARDEN, host, **WANTED)
    assert again.rc == 0, again.stdout
    estate.assert_same(before, estate.snapshot(host), leave=estate.REFUSED)
    assert exists(host, place) == [place] and serving(host)[1] == NEW


def beside(host):
    """Give a host a network of another driver, whose device is the host's, with a container in it."""
    host.run(["ip", "link", "add", "outer", "type", "veth", "peer", "name", "inner"])
    host.run(["ip", "link", "set", "outer", "up"])
    host.run(["ip", "link", "set", "inner", "up"])
    host.run(["docker", "network", "create", "-d", "macvlan", "-o", "parent=outer", "--subnet", "10.9.0.0/24", "wire"])
    words = ["--name", "far", "--network", "wire", "--ip", "10.9.0.9", "--restart", "always"]
    host.run(["docker", "run", "-d", "--init", *words, "estate/base:1", "sleep", "infinity"])
    host.run(["docker", "exec", "far", "sh", "-c", "echo kept >/root/note"])


def test_live_restore_moved_volumes_and_a_network_of_the_hosts_devices(docker_host):
    host = docker_host("bookworm")
    configure(host, **{"live-restore": True})
    estate.build(host)
    beside(host)
    before = estate.snapshot(host)
    done = run(HARDEN, host, userns_volumes="move", **WANTED)
    assert done.rc == 0, done.stdout
    estate.assert_same(before, estate.snapshot(host), leave=estate.REFUSED)
    assert exists(host, ROOT + "/volumes/ledger/_data/all") == [] and running(host, "far")
    address = host.run(["docker", "exec", "far", "ip", "-4", "addr", "show", "dev", "eth0"]).stdout
    assert "inet 10.9.0.9/24" in address
    # What was moved goes back with all that was written to it.
    host.run(["docker", "exec", "store", "sh", "-c", "echo meanwhile >/data/new"])
    foreseen = run(ROLLBACK, host, "--check", "--diff")
    back = run(ROLLBACK, host, "--diff")
    assert back.rc == 0, back.stdout
    assert changes(foreseen) == changes(back)
    written = ("volumes/ledger/tree/new", "volumes/ledger/tree/./time")
    estate.assert_same(before, estate.snapshot(host), leave=written)
    assert host.run(["docker", "exec", "store", "cat", "/data/new"]).stdout == "meanwhile\n"


def test_the_image_store_of_containerd(docker_host):
    host = docker_host("forky")
    configure(host, features={"containerd-snapshotter": True})
    assert "io.containerd.snapshotter" in host.run(["docker", "info"]).stdout
    estate.build(host)
    before = estate.snapshot(host)
    done = run(HARDEN, host, **WANTED)
    assert done.rc == 0, done.stdout
    # Their own layers are not directories that could be copied. And such a store loses setuid bits and hard links of
    # whatever image a remapped engine unpacks (28.5.2, docker load alone does it, too).
    own = ["containers/*/" + part for part in ("root", "var", "changed")]
    own += ["images/estate/owners:1/content/srv/" + name for name in ("su", "again", "33")]
    estate.assert_same(before, estate.snapshot(host), leave=[*estate.REFUSED, *own])
    assert any("container store: " in one and "docker cp or docker commit" in one for one in told(done))
    back = run(ROLLBACK, host)
    assert back.rc == 0, back.stdout
    estate.assert_same(before, estate.snapshot(host))


def test_a_range_moves_and_the_old_root_goes(docker_host):
    host = docker_host("trixie")
    assert run(HARDEN, host).rc == 0
    estate.build(host)
    before = estate.snapshot(host)
    wanted = {"userns_start": "400000000", "userns_allow_move": True}
    wanted.update(userns_old_root="remove", userns_old_root_days=0)
    moved = run(HARDEN, host, **wanted)
    assert moved.rc == 0, moved.stdout
    estate.assert_same(before, estate.snapshot(host))
    there = ROOT + "/400000000.400000000"
    assert serving(host)[1] == there and exists(host, NEW) == [NEW] and status(host) == "switched"
    announced = run(HARDEN, host, "--check", **wanted)
    assert exists(host, NEW) == [NEW]
    removed = run(HARDEN, host, **wanted)
    assert removed.rc == 0, removed.stdout
    assert announced.changes() == removed.changes() != []
    assert exists(host, NEW) == [] and status(host) == "removed"
    assert run(HARDEN, host, **wanted).check().changes() == []
    refused = run(ROLLBACK, host)
    assert refused.rc == 2 and NEW in reasons(refused) and "removed" in reasons(refused)
    assert serving(host)[1] == there
    estate.assert_same(before, estate.snapshot(host))


def test_a_container_of_somebody_elses_in_the_new_root_is_not_overwritten(docker_host):
    """Somebody had tried remapping by hand."""
    host = docker_host("trixie")
    host.run(["useradd", "--system", "dockremap"])
    for path in ("/etc/subuid", "/etc/subgid"):
        host.run(["tee", path], input="dockremap:2000224256:65536\n")
    configure(host, **{"userns-remap": "dockremap"})
    host.import_image()
    host.run(["docker", "create", "--name", "foreign", "busybox", "true"])
    configure(host)
    estate.build(host, small=True)
    before, engine = estate.snapshot(host), serving(host)
    for mode in (["--check"], []):
        refused = run(HARDEN, host, *mode)
        assert refused.rc == 2 and "has containers already (foreign)" in reasons(refused), refused.stdout
        assert NEW in reasons(refused) and "userns_carry: false" in reasons(refused)
    assert serving(host) == engine
    estate.assert_same(before, estate.snapshot(host))
    assert len(os.listdir(host.root + NEW + "/containers")) == 1


def test_projects_of_compose_are_handed_back_with_the_command(docker_host):
    host = docker_host("trixie")
    host.import_image()
    labels = {"project": "shop", "service": "db", "container-number": "1", "oneoff": "False"}
    labels.update({"project.working_dir": "/srv/shop", "project.config_files": "/srv/shop/compose.yml"})
    words = [word for key, value in labels.items() for word in ("--label", f"com.docker.compose.{key}={value}")]
    host.run(["docker", "run", "-d", "--init", "--name", "shop-db-1", *words, "busybox", "sleep", "infinity"])
    result = run(HARDEN, host, "--check")
    assert result.rc == 0, result.stdout
    (line,) = [line for line in told(result) if "compose project shop" in line]
    command = "docker compose --project-name shop --project-directory /srv/shop -f /srv/shop/compose.yml up -d"
    assert "shop-db-1" in line and line.endswith(command)


PROJECT = """
services:
  db:
    image: busybox
    init: true
    command: sleep infinity
    restart: unless-stopped
    volumes: ["data:/data"]
    healthcheck: {test: ["CMD", "true"], interval: 1s}
  web:
    image: busybox
    init: true
    command: sleep infinity
    depends_on: {db: {condition: service_healthy}}
    networks: {default: {aliases: [shop]}, front: {}}
volumes: {data: {}}
networks: {front: {internal: true}}
"""


def test_compose_goes_on_with_its_project(docker_host):
    """After the switch, and after the way back, Compose finds the containers as it would have made them."""
    host = docker_host("trixie")
    host.import_image()
    host.run(["sh", "-c", "apt-get -q update && apt-get -qy install docker-compose"], timeout=120)
    folder = Path(host.root, "srv/shop")
    folder.mkdir()
    (folder / "compose.yml").write_text(PROJECT)
    host.run(["docker", "compose", "--project-directory", "/srv/shop", "up", "-d"], timeout=120)
    host.run(["docker", "exec", "shop-db-1", "sh", "-c", "echo kept >/data/file"])
    plan = told(run(HARDEN, host, "--check"))
    (command,) = [line.rpartition(": ")[2] for line in plan if "compose project shop" in line]
    for playbook in (HARDEN, ROLLBACK):
        done = run(playbook, host)
        assert done.rc == 0, done.stdout
        before = project(host)
        assert [one["State"] for one in before] == ["running", "running"]
        host.run(["sh", "-c", command], timeout=120)
        assert project(host) == before
        assert host.run(["docker", "exec", "shop-db-1", "cat", "/data/file"]).stdout == "kept\n"
        assert host.run(["docker", "exec", "shop-web-1", "ping", "-c1", "db"]).returncode == 0
    host.run(["sh", "-c", "docker compose --project-directory /srv/shop down --volumes"], timeout=120)
    assert host.run(["docker", "volume", "ls", "-q"]).stdout == ""


def project(host):
    """What Compose says of the containers of its project, but for how long they run."""
    text = host.run(["docker", "compose", "--project-directory", "/srv/shop", "ps", "-a", "--format", "json"]).stdout
    found = [json.loads(line) for line in text.splitlines()]
    return [{key: one[key] for key in ("ID", "Name", "Service", "State", "Health")} for one in found]


def on_a_small_disk(host, size):
    """Put the engine's data on a file system of its own."""
    host.run(["systemctl", "stop", "docker.service", "docker.socket"])
    host.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=711", "disk", ROOT])
    host.run(["systemctl", "start", "docker"])
    host.wait_for_engine()


def occupy(host, leaving):
    """Fill the disk but for so many bytes, while others may write to it."""
    with open(host.root + ROOT + "/occupied", "wb") as handle:
        while not os.fstat(handle.fileno()).st_size:
            info = os.statvfs(host.root + ROOT)
            with contextlib.suppress(OSError):
                os.posix_fallocate(handle.fileno(), 0, info.f_bavail * info.f_frsize - leaving)


def test_a_full_disk_is_refused_beforehand_and_survived_when_it_fills_meanwhile(docker_host):
    host = docker_host("trixie")
    on_a_small_disk(host, "400m")
    estate.build(host, small=True)
    before, engine = estate.snapshot(host), serving(host)
    occupy(host, 4 << 20)
    for mode in (["--check"], []):
        refused = run(HARDEN, host, *mode)
        assert refused.rc == 2 and "are needed for what comes along" in reasons(refused), refused.stdout
        assert "userns_volumes: move" in reasons(refused) and exists(host, NEW, RECORDS) == []
    os.unlink(host.root + ROOT + "/occupied")

    def fill():
        if status(host) == "seeding" and not exists(host, ROOT + "/occupied"):
            occupy(host, 1 << 20)

    failed = run(HARDEN, host, until=fill)
    assert failed.rc == 2 and "no space left" in reasons(failed).lower(), failed.stdout
    os.unlink(host.root + ROOT + "/occupied")
    # Nothing was interrupted for it, and nothing is left of it.
    assert serving(host) == engine
    estate.assert_same(before, estate.snapshot(host))
    assert exists(host, NEW, "/etc/docker/daemon.json") == []
    done = run(HARDEN, host)
    assert done.rc == 0, done.stdout
    estate.assert_same(before, estate.snapshot(host))


# ---- kills -------------------------------------------------------------------------------------------------------


class Small:
    """A host with a small estate that is not remapped, and what it looked like."""

    def __init__(self):
        self.host = start_host("trixie")
        estate.build(self.host, small=True, files=3000)
        self.before = estate.snapshot(self.host)

    def assert_same(self):
        estate.assert_same(self.before, estate.snapshot(self.host))

    def is_as_it_was(self):
        """Whether the next test can have it, too."""
        with contextlib.suppress(Exception):
            self.assert_same()
            return serving(self.host)[1] == ROOT
        return False


@pytest.fixture(scope="module")
def places(swept):
    """A list of at most one Small, which is gone at the end."""
    found = []
    yield found
    for one in found:
        one.host.remove()


@pytest.fixture
def small(places):
    """A Small, which is left as it was found or not used again."""
    if not places:
        try:
            places.append(Small())
        except NotPossible as reason:
            pytest.skip(str(reason))
    yield places[0]
    if not places[0].is_as_it_was():
        places.pop().host.remove()


def engine_pid(host):
    """The pid, in the host, of the engine that serves or is to serve."""
    return host.run(["cat", "/run/docker.pid"], check=False).stdout.strip()


def kill_worker(host):
    return host.run(["pkill", "-KILL", "-f", WORKER], check=False).returncode == 0


def kill_engine(host):
    pid = engine_pid(host)
    return bool(pid) and host.run(["kill", "-KILL", pid], check=False).returncode == 0


def kill_side_engine(host):
    return host.run(["pkill", "-KILL", "-f", "unix:///run/containment/[e]ngine"], check=False).returncode == 0


def kill_nothing(_host):
    return True


def kill_power(host):
    host.kill()
    return True


# How it is killed, and whether the playbook is killed with it.
VICTIMS = {
    "playbook": (kill_nothing, True),
    "both": (kill_worker, True),
    "worker": (kill_worker, False),
    "engine": (kill_engine, False),
    "side engine": (kill_side_engine, False),
    "power": (kill_power, True),
}
FEW = [
    ("playbook", "seeding", "harden"),
    ("both", "stopped", "rollback"),
    ("playbook", "switched", "rollback"),
    ("worker", "seeding", "rollback"),
    ("worker", "stopped", "harden"),
    ("engine", "seeding", "rollback"),
    ("power", "stopped", "harden"),
]
# The worker works in all of them but the second and the last, the side engine runs in the first alone.
EVERY = [
    (victim, at, way)
    for victim, at, way in itertools.product(VICTIMS, AHEAD, ("harden", "rollback"))
    if (victim not in ("both", "worker") or at not in ("seeded", "switched"))
    and (victim != "side engine" or at == "seeding")
]
KILLS = EVERY if os.environ.get("CONTAINMENT_KILLS") else FEW


def interrupted(playbook, host, victim, at, order=AHEAD, **extra_vars):
    """Run a playbook and kill what is named as soon as the migration has come to a status, or past it."""
    kill, ends = VICTIMS[victim]
    killed = []

    def until():
        now = None if killed else status(host)
        if now in order and order.index(now) >= order.index(at) and kill(host):
            killed.append(now)
        return bool(killed) and ends

    result = run(playbook, host, until=until, **extra_vars)
    assert killed, f"nothing was killed at {at}\n{result.stdout}"
    assert not ends or result.rc < 0, result.stdout
    tell(f"{victim} was killed at {killed[0]}")
    return result


def back_up(host, victim):
    """What an administrator does first: switch the machine on again, and wait for an engine that died."""
    if victim == "power":
        host.start()
        # What we had stopped we start again; before and after that, this has ended by itself.
        if status(host) in ("seeding", "seeded", "switched"):
            host.wait_for_engine()
            host.run(["docker", "start", "web", "side"])
    if victim == "engine":
        host.wait_for_engine()
        started_again(host, victim)


def started_again(host, victim):
    """An engine that died took the container with it that has no restart policy."""
    if victim == "engine":
        host.run(["docker", "start", "web", "side"])


@pytest.mark.parametrize("victim, at, way", KILLS)
def test_whatever_is_killed_is_finished_or_taken_back(small, victim, at, way):
    host = small.host
    result = interrupted(HARDEN, host, victim, at)
    if victim in ("worker", "side engine"):
        # The playbook lived to see it, and to put the host back.
        assert result.rc == 2 and serving(host)[1] == ROOT, result.stdout
        small.assert_same()
    back_up(host, victim)
    if way == "harden":
        done = run(HARDEN, host)
        assert done.rc == 0, done.stdout
        started_again(host, victim)
        small.assert_same()
        assert serving(host)[1] == NEW and status(host) == "switched"
        assert run(HARDEN, host).check().changes() == []
    back = run(ROLLBACK, host)
    assert back.rc == 0, back.stdout
    started_again(host, victim)
    small.assert_same()
    assert serving(host)[1] == ROOT


def test_what_is_written_after_the_first_pass_comes_along_and_is_read_again(small):
    host, written = small.host, []

    def until():
        if not written and status(host) == "seeded":
            written.append(host.run(["docker", "exec", "web", "sh", "-c", "echo late >/data/late"]))
        return False

    done = run(HARDEN, host, until=until, userns_verify=100)
    assert done.rc == 0 and written, done.stdout
    assert Path(host.root + NEW, "volumes/ledger/_data/late").read_text() == "late\n"
    assert len(reread(done)) == 2 and reread(done)[0] > reread(done)[1] >= 1
    assert run(ROLLBACK, host).rc == 0
    assert Path(host.root + ROOT, "volumes/ledger/_data/late").read_text() == "late\n"


def test_a_way_back_that_was_killed_is_finished_by_a_rollback_alone(small):
    assert run(HARDEN, small.host).rc == 0
    small.host.run(["docker", "exec", "web", "sh", "-c", "echo meanwhile >/data/new"])
    for victim in ("both",) if KILLS is FEW else ("playbook", "both", "power"):
        interrupted(ROLLBACK, small.host, victim, "returning", order=BACK)
        back_up(small.host, victim)
    refused = run(HARDEN, small.host)
    assert refused.rc == 2 and "finish it with the rollback playbook" in reasons(refused)
    back = run(ROLLBACK, small.host)
    assert back.rc == 0, back.stdout
    small.assert_same()
    assert serving(small.host)[1] == ROOT
    assert Path(small.host.root + aside(back), "volumes/ledger/_data/new").read_text() == "meanwhile\n"
