# SPDX-License-Identifier: GPL-3.0-or-later
"""Honest clients are refused nothing that their principal may do: the docker command line, Compose, the Python SDK.

They come as `team`, who may build and do all that an unprivileged envelope is enough for, and as `all`, who may do all.
"""

import concurrent.futures
import contextlib
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.integration import authz

ADMINS = {"team": "operator", "all": "runner"}  # {principal: common name}
EVERYTHING = {"containers": ["*"], "images": ["*"], "networks": ["*"], "volumes": ["*"]}
TEAM = [
    "container.*",
    "exec.*",
    "image.*",
    "network.*",
    "system.*",
    "build.prune",
    "plugin.list",
    "plugin.inspect",
]
TEAM += [f"volume.{one}" for one in ("create", "inspect", "list", "prune", "remove")]
POLICY = {
    "format": 1,
    "contact": "the docker team",
    "principals": [
        {"name": "root", "socket": True, "roles": ["everything"]},
        *(
            {"name": name, "cn": cn, "roles": [{"team": "plain"}.get(name, "everything")]}
            for name, cn in ADMINS.items()
        ),
    ],
    "roles": [
        {
            "name": "plain",
            "grants": [
                {"actions": TEAM, "envelope": "unprivileged", **EVERYTHING},
                {"actions": ["build.run"], "envelope": "privileged", "images": ["*"], "networks": ["*"]},
            ],
        },
        {"name": "everything", "grants": [{"actions": ["*"], "envelope": "privileged", **EVERYTHING}]},
    ],
}
# What each session's folder holds.
FILES = {
    "Dockerfile": 'FROM foobar AS one\nARG A=1\nENV B=$A\nRUN echo $B >/b\nFROM one\nCOPY env /env\nCMD ["true"]\n',
    "env": "C=d\nE=f\n",
    "labels": "tier=front\n",
    "compose.yml": """
services:
  db:
    image: foobar
    init: true
    command: sleep infinity
    restart: unless-stopped
    environment: {USER_NAME: shop, EMPTY: ""}
    volumes: ["data:/data", "/scratch"]
    tmpfs: ["/run:size=1m"]
    healthcheck: {test: ["CMD", "true"], interval: 1s, start_period: 1s, start_interval: 1s, retries: 3}
    networks: {back: {aliases: [store]}}
    logging: {driver: json-file, options: {max-size: 1m}}
  web:
    image: foobar
    init: true
    command: ["sh", "-c", "echo hello; sleep infinity"]
    depends_on: {db: {condition: service_healthy}}
    networks: {back: {}, front: {priority: 2}}
    ports: ["127.0.0.1:8080:80", "81"]
    labels: {tier: front}
    cap_drop: [ALL]
    cap_add: [NET_BIND_SERVICE]
    read_only: true
    security_opt: ["no-new-privileges:true"]
    ulimits: {nofile: 1024}
    deploy: {resources: {limits: {memory: 64M, pids: 50}}}
    extra_hosts: ["other:127.0.0.2"]
    stop_grace_period: 1s
volumes: {data: {labels: {kept: "no"}}}
networks: {back: {internal: true}, front: {driver_opts: {com.docker.network.driver.mtu: "1400"}}}
""",
}

# Lines of a shell. "? " in front: it may fail, for want of a registry, a swarm or a kernel, though not refused.
# TTY: what follows has a terminal. web, job and the like are containers.
COMMANDS = """
docker version
docker info
docker info --format '{{.ServerVersion}}'
docker network create back
docker network create --internal --label a=b --attachable front
docker network create --driver bridge --opt com.docker.network.driver.mtu=1400 third
docker network ls
docker network ls --no-trunc -q --filter driver=bridge --filter label=a
docker network inspect back front
docker network inspect --verbose bridge
docker network inspect $(docker network ls -q --filter name=third)
docker volume create
docker volume create --label a=b data
docker volume create --driver local --name more
docker volume ls
docker volume ls -q --filter dangling=true --filter label=a=b
docker volume inspect data more
docker create foobar true
docker create --name plain foobar:latest sh -c 'echo $HOME'
docker create -e A=b --env-file env --label c=d --label-file labels --hostname h --domainname d.test foobar true
docker create --name bare --entrypoint /bin/sh -w /tmp -u 1000:1000 --group-add 5 foobar -c id
? docker create --cpus 0.5 --cpu-shares 512 --cpuset-cpus 0 --memory 64m --memory-reservation 32m foobar true
docker create --cpu-period 50000 --cpu-quota 25000 --blkio-weight 300 --pids-limit 50 --oom-score-adj 100 foobar true
docker create --memory 64m --memory-swap 128m --memory-swappiness 10 --kernel-memory 0 foobar true
docker create --ulimit nofile=64:128 --ulimit core=0 --shm-size 32m --stop-signal INT --stop-timeout 3 foobar true
docker create --health-cmd true --health-interval 5s --health-retries 2 --health-start-period 1s foobar true
docker create --no-healthcheck --init --read-only --tmpfs /run:rw,noexec,nosuid,size=1m,mode=1777 foobar true
docker create --cap-drop ALL --cap-add CHOWN --cap-add NET_BIND_SERVICE foobar true
docker create --security-opt no-new-privileges --security-opt no-new-privileges=true foobar true
docker create --sysctl net.ipv4.ip_unprivileged_port_start=0 --userns '' --ipc private --cgroupns private foobar true
docker create --ipc none --pid '' --uts '' --runtime runc foobar true
docker create --ipc shareable --isolation default --platform linux/amd64 foobar true
docker create -p 8080:80 -p 127.0.0.1:8081:81/udp -p 82 -p 8083-8084:83-84 --expose 85 --expose 86-87/tcp foobar true
docker create -P --expose 80 foobar true
docker create -v data:/data -v more:/more:ro -v /anonymous -v other:/other:nocopy foobar true
docker create --mount type=volume,src=data,dst=/d,volume-label=a=b,volume-nocopy foobar true
docker create --mount type=tmpfs,dst=/t,tmpfs-size=1m,tmpfs-mode=700 --mount type=volume,dst=/a foobar true
docker create --mount type=volume,src=new,dst=/n,volume-driver=local foobar true
docker create --volume-driver local -v another:/a foobar true
docker create --network none foobar true
docker create --network back --network-alias n --mac-address 02:42:ac:11:00:09 foobar true
docker create --network bridge --dns 9.9.9.9 --dns-option ndots:2 --dns-search d.test --add-host x:127.0.0.9 foobar true
docker create --log-driver local --log-opt max-size=1m --log-opt max-file=2 foobar true
docker create --log-opt max-size=1m foobar true
docker create --log-driver none foobar true
docker create --log-opt max-size=1m --log-opt mode=non-blocking --log-opt tag=t --log-opt labels=a \
--log-driver json-file foobar true
docker create --restart on-failure:3 foobar true
docker create --restart unless-stopped foobar true
docker create -i -a stdin -a stdout --cidfile cid-$$ --pull never foobar cat
docker create -t --device-read-bps /dev/zero:1mb foobar true
docker run --rm foobar true
docker run --rm foobar sh -c 'exit 3' || [ $? = 3 ]
echo text | docker run --rm -i foobar cat
TTY docker run --rm -it foobar stty size
TTY docker run --rm -it --name term -e TERM=xterm foobar sh -c 'exit 0'
docker run -d --init --name db --network back --network-alias store --label tier=back foobar sleep 1000
docker run -d --init --name web --link db:other --network back -p 8090:80 -v data:/data foobar sh \
-c 'echo out; sleep 1000'
docker run -d --init --name linked foobar sleep 1000
docker run --rm --link linked:alias foobar cat /etc/hosts
docker run --rm -P --expose 9 -u user -w /tmp -e X=y foobar env
docker run --rm --read-only --cap-drop ALL --security-opt no-new-privileges --pids-limit 20 -m 64m foobar true
docker run --rm -v data:/data -v /scratch --tmpfs /t foobar touch /data/file
docker run -d --name job foobar sh -c 'echo done; exit 4'
docker wait job
docker network connect front web
docker network connect --alias one --link db:two third web
docker network disconnect third web
docker network disconnect -f front web
docker ps
docker ps -a -q --no-trunc -s
docker ps -l
docker ps -n 3 --format '{{.Names}} {{.Ports}}'
docker ps -a --filter status=running --filter name=web --filter label=tier --filter network=back --filter volume=data
docker ps -a --filter ancestor=foobar --filter exited=4 --filter before=web
docker container ls --all --filter health=none
docker inspect web
docker inspect --size web
docker inspect --type image foobar
docker inspect foobar back data
docker inspect --format '{{.Id}}' $(docker ps -q --filter name=web)
? docker inspect nothing:of-the/sort
docker container inspect web db
docker logs web
docker logs --details --timestamps --tail 5 --since 1h --until 0s web
docker logs -f job
docker top web
docker top web -eo pid,args
docker stats --no-stream
docker stats --no-stream --no-trunc --all web
docker port web
docker port web 80
docker diff web
docker exec web true
docker exec -d web sleep 1
docker exec -e A=b -w /tmp -u 1000:1000 web id
echo text | docker exec -i web cat
TTY docker exec -it web true
TTY docker exec -t -e TERM=xterm web stty size
TTY docker exec -it --detach-keys ctrl-x web sh -c 'exit 0'
docker exec web sh -c 'exit 5' || [ $? = 5 ]
docker cp web:/etc/passwd .
docker cp -L web:/bin/sh - | tar -t
docker cp Dockerfile web:/tmp/
docker cp -a env web:/tmp/name
tar -c env | docker cp - web:/tmp
docker pause web
docker unpause web
docker rename web site
docker rename site web
docker update --memory 96m --memory-swap 192m web
? docker update --cpus 1 web
docker update --restart on-failure --pids-limit 99 --cpu-shares 256 --cpuset-cpus 0 web db
docker kill -s HUP linked
docker stop -t 1 linked
docker start linked
docker restart -t 0 linked
docker kill linked
docker start -a job || [ $? = 4 ]
echo text | docker start -ai $(docker create -i foobar cat)
docker start plain bare
docker run -d --init --name slow foobar sh -c 'sleep 1; echo end'
docker attach --no-stdin --sig-proxy=false slow
docker run -dit --name tty foobar sh
(sleep 1; echo exit) | script -qec 'docker attach --detach-keys ctrl-x tty' /dev/null
docker export web | tar -t
docker export -o exported.tar job
docker import exported.tar imported:1
docker import --change 'CMD ["true"]' --change 'ENV A=b' -m message exported.tar imported:2
docker import - <exported.tar
cat exported.tar | docker import --platform linux - imported:3
docker commit job
docker commit -a me -m message -c 'CMD ["true"]' -c 'ENV A=b c=d' --pause=false job committed:1
docker commit web localhost:5000/team/committed
docker images
docker images -a -q --no-trunc --digests
docker image ls --filter dangling=true --filter label=a
docker image ls --filter reference='foo*' --filter since=imported:1 --format '{{.ID}}'
docker images foobar:latest
docker tag foobar copied
docker tag foobar:latest localhost:5000/team/copied:1.0
docker tag $(docker images -q foobar) copied:by-id
docker image inspect foobar copied
docker image inspect $(docker images -q --no-trunc foobar)
docker history foobar
docker history --no-trunc -q committed:1
docker save foobar | tar -t
docker save -o saved.tar foobar copied:latest imported:1
docker load -i saved.tar
docker load -q <saved.tar
gzip -c saved.tar | docker load
docker rmi copied
docker rmi --no-prune -f copied:by-id localhost:5000/team/copied:1.0
? docker pull localhost:5000/team/nothing
? docker pull -a localhost:5000/team/nothing
? docker pull --platform linux/arm64 localhost:5000/team/nothing:1
? docker push localhost:5000/team/committed
? docker run --rm localhost:5000/team/nothing
? docker search foobar
? docker login -u me -p secret localhost:5000
docker build .
docker build -q -t built -t built:2 --build-arg A=2 --label a=b --no-cache .
docker build --target one --rm=false --force-rm --memory 64m --cpu-shares 512 --shm-size 32m -t built:one .
docker build --network none --ulimit nofile=99 --add-host x:127.0.0.9 --cache-from built -t built:none .
docker build --network back --build-arg B --iidfile iid -f Dockerfile .
docker build --pull=false - <Dockerfile || true
printf 'FROM foobar\\nRUN true\\n' | docker build -t built:piped -
docker run --rm built cat /env
docker events --since 1m --until 0s
docker events --since 1m --until 0s --filter type=container --filter event=start --format '{{json .}}'
docker system df
docker system df -v
docker system events --until 0s
docker system info
docker plugin ls
"""
CLEANING = """
docker rm plain bare
docker rm -f -v slow tty
docker rm $(docker ps -a -q --filter status=created | head -n 2)
docker container prune -f --filter label=nothing
docker container prune -f
docker volume rm more
docker volume rm -f nothing
docker volume prune -f
docker network rm third
docker network prune -f --filter until=1h
docker network prune -f
docker image prune -f
docker image prune -a -f --filter until=1h
docker builder prune -f
docker rm -f web db linked
docker rmi -f built committed:1 imported:1
docker system prune -f
docker system prune -f --volumes --filter label=nothing
"""
NEWER = """
docker create --health-start-interval 1s --health-cmd true foobar true
docker create --security-opt seccomp=builtin foobar true
docker create --network name=back,alias=b,mac-address=02:42:ac:11:00:08 --network front foobar true
docker create --mount type=volume,src=data,dst=/d,volume-subpath=x foobar true
docker create --mount type=image,src=foobar,dst=/i foobar true
docker create --shm-size 8m --quiet foobar true
docker inspect --type container web
docker stop -s TERM -t 1 linked
docker restart -s TERM -t 0 linked
docker network connect --gw-priority 2 front db
docker network create --ipv4 --ipv6=false fourth
docker network rm -f fourth
docker image ls --tree
docker history --platform linux/amd64 foobar
docker image inspect --platform linux/amd64 foobar
docker save --platform linux/amd64 foobar | tar -t
docker save --platform linux/amd64 foobar | docker load --platform linux/amd64
docker volume prune -a -f --filter label=nothing
docker exec --env-file env web true
docker ps --format json
"""
ALONE = """
docker create --privileged foobar true
docker create --cap-add SYS_ADMIN --security-opt seccomp=unconfined --security-opt apparmor=unconfined foobar true
docker create --security-opt systempaths=unconfined --security-opt label=disable foobar true
docker create --pid host --ipc host --uts host --network host --userns host --cgroupns host foobar true
docker create -v /:/host:ro --mount type=bind,src=/etc,dst=/x,bind-propagation=rslave foobar true
docker create --device /dev/null --device-cgroup-rule 'c 1:3 rw' --cgroup-parent x.slice foobar true
docker create --sysctl net.ipv4.ip_forward=1 --oom-score-adj -5 --oom-kill-disable -m 64m foobar true
docker create --pid container:db --network container:db --ipc container:db --volumes-from web foobar true
docker create --log-driver syslog --log-opt syslog-address=udp://127.0.0.1:514 foobar true
docker volume create -o type=tmpfs -o device=tmpfs -o o=size=1m mem
docker volume rm mem
docker network create --subnet 10.99.0.0/24 --gateway 10.99.0.1 --ip-range 10.99.0.128/25 -o \
com.docker.network.bridge.name=b9 net9
docker run --rm --network net9 --ip 10.99.0.9 foobar true
docker network rm net9
? docker exec --privileged web true
docker network connect --driver-opt com.docker.network.endpoint.sysctls=net.ipv4.conf.IFNAME.log_martians=1 front web
docker volume create -d local -o type=none -o o=bind -o device=/srv bound
docker run --rm -v /etc:/x:ro foobar cat /x/passwd
docker import http://127.0.0.1:1/nothing || true
? docker node ls
? docker service ls
? docker stack ls
? docker secret ls
? docker config ls
? docker plugin inspect nothing
? docker swarm leave
? docker swarm join-token worker
"""
COMPOSE = """
docker compose version
docker compose config -q
docker compose up -d
docker compose ps
docker compose ps -a --format json
docker compose ls
docker compose images
docker compose top
docker compose port web 80
docker compose logs
docker compose logs --tail 1 --timestamps web
docker compose exec -T web true
docker compose exec -T -e A=b -w /tmp -u 1000:1000 db id
TTY docker compose exec web true
docker compose run --rm -T db true
docker compose run -d --name once db sleep 1
docker compose cp db:/etc/passwd .
docker compose cp env db:/env
docker compose pause
docker compose unpause
docker compose events --json & sleep 1; kill $!
docker compose stop -t 1
docker compose start
docker compose restart -t 1 web
docker compose kill -s TERM web
docker compose up -d --force-recreate --wait
docker compose up -d --scale db=2 --no-recreate
docker compose rm -f -s web
docker compose create
docker compose up --no-start
? docker compose pull
docker compose down -v -t 1
docker compose up -d --remove-orphans
docker compose down -v -t 1 --remove-orphans
"""


# What the lines of ALONE need.
FEW = """
docker network create front
docker run -d --init --name db foobar sleep 1000
docker run -d --init --name web foobar sleep 1000
"""
# Who does what, in order; forky has the newest client. None stands for the SDK.
SESSIONS = {
    "bookworm": [("team", COMMANDS + CLEANING), ("all", FEW + ALONE), ("team", None)],
    "trixie": [("team", COMPOSE), ("team", None), ("all", None), ("all", COMMANDS + CLEANING)],
    "forky": [("team", COMMANDS + NEWER + CLEANING), ("all", FEW + ALONE)],
}


def sdk(folder):
    """Do what programs do with the Python SDK. It runs in a process of its own, in a host's network namespace."""
    import docker

    tls = docker.tls.TLSConfig(
        client_cert=(f"{folder}/cert.pem", f"{folder}/key.pem"), ca_cert=f"{folder}/ca.pem", verify=True
    )
    client = docker.DockerClient(base_url=authz.ADDRESS.replace("tcp", "https"), tls=tls, version="auto", timeout=30)
    assert client.ping() and client.version()["ApiVersion"] and client.info()["ID"]
    client.df()
    network = client.networks.create("sdk", driver="bridge", check_duplicate=True, labels={"a": "b"}, internal=True)
    other = client.networks.create("sdk2", options={"com.docker.network.driver.mtu": "1400"}, attachable=True)
    assert client.networks.list(names=["sdk"], greedy=True) and client.networks.get("sdk2").id == other.id
    volume = client.volumes.create("sdk", driver="local", labels={"a": "b"})
    nameless = client.volumes.create()
    assert volume in client.volumes.list(filters={"label": "a=b"})
    client.volumes.get("sdk")
    assert client.containers.run("foobar", ["echo", "hello"], remove=True) == b"hello\n"
    client.containers.run("foobar", "sh -c 'echo no >&2'", remove=True, stderr=True, environment=["A=b"])
    one = client.containers.run(
        "foobar",
        ["sh", "-c", "echo out; sleep 1000"],
        name="sdk",
        detach=True,
        init=True,
        auto_remove=False,
        environment={"A": "b"},
        labels=["plain"],
        hostname="h",
        working_dir="/tmp",
        user=0,
        network="sdk",
        ports={"80/tcp": ("127.0.0.1", 8070), "81/udp": None},
        volumes={"sdk": {"bind": "/data", "mode": "rw"}},
        mounts=[docker.types.Mount("/more", nameless.name), docker.types.Mount("/t", None, type="tmpfs")],
        tmpfs={"/run": "size=1m"},
        mem_limit="64m",
        memswap_limit="128m",
        cpu_shares=512,
        cpuset_cpus="0",
        pids_limit=50,
        shm_size="8m",
        ulimits=[docker.types.Ulimit(name="nofile", soft=64, hard=128)],
        cap_drop=["ALL"],
        cap_add=["CHOWN"],
        security_opt=["no-new-privileges"],
        read_only=True,
        restart_policy={"Name": "on-failure", "MaximumRetryCount": 2},
        healthcheck={"test": ["CMD", "true"], "interval": 10**9, "retries": 2},
        log_config=docker.types.LogConfig(type="json-file", config={"max-size": "1m"}),
        extra_hosts={"x": "127.0.0.9"},
        dns=["9.9.9.9"],
        dns_search=["d.test"],
        sysctls={"net.ipv4.ip_unprivileged_port_start": 0},
        stop_signal="TERM",
        tty=False,
        stdin_open=True,
    )
    one.reload()
    assert client.containers.get("sdk").status == "running" and one in client.containers.list(filters={"name": "sdk"})
    assert client.containers.list(all=True, limit=5, sparse=True)
    client.containers.list(since=one.id)
    assert one.logs(tail=1, timestamps=True) and one.top(ps_args="-ef")["Processes"] and one.stats(stream=False)
    next(one.stats(stream=True, decode=True))
    one.diff()
    done = one.exec_run(["id", "-u"], user="1000", environment={"A": "b"}, workdir="/")
    assert (done.exit_code, done.output) == (0, b"1000\n")
    one.exec_run("cat", stdin=True, socket=True, tty=True)
    one.exec_run("true", detach=True)
    number = client.api.exec_create(one.id, "echo there", tty=True)["Id"]
    assert client.api.exec_start(number, tty=True, demux=False) == b"there\r\n"
    client.api.exec_inspect(number)
    stream, _stat = one.get_archive("/etc/passwd")
    archive = b"".join(stream)
    assert archive and one.put_archive("/data", archive)
    one.attach_socket().close()
    one.resize(height=20, width=60)
    one.update(mem_limit="96m", memswap_limit="192m", restart_policy={"Name": "no"})
    one.pause()
    one.unpause()
    one.rename("sdk-one")
    other.connect(one, aliases=["alias"])
    other.disconnect(one, force=True)
    one.restart(timeout=0)
    one.kill(signal="HUP")
    one.stop(timeout=1)
    one.start()
    made = one.commit(repository="sdk", tag="made", message="m", author="a", changes="ENV A=b", conf={"Cmd": ["true"]})
    assert b"".join(one.export())
    one.kill()
    assert one.wait(condition="not-running")["StatusCode"]
    created = client.containers.create("sdk:made", command="true", name="sdk-two", network_mode="none")
    created.remove(v=True, force=True)
    one.remove(v=True, force=True, link=False)
    made.tag("sdk-other", tag="1", force=True)
    assert client.images.get("sdk:made").history() and client.images.list(name="sdk", all=True)
    saved = b"".join(made.save(named=True))
    assert client.images.load(saved)
    assert client.api.import_image_from_data(archive, "sdk-imported")
    built, _log = client.images.build(path=folder, tag="sdk:built", buildargs={"A": "2"}, rm=True, labels={"a": "b"})
    client.images.remove(built.id, force=True)
    for call in (client.images.pull, client.images.get_registry_data):
        try:
            call("localhost:5000/team/nothing")
        except docker.errors.APIError as error:
            assert "authorization denied" not in str(error), error
    client.images.push("localhost:5000/team/nothing")
    for name in ("sdk:made", "sdk-other:1", "sdk-imported"):
        client.images.remove(name, force=True, noprune=False)
    assert list(client.events(since=int(time.time()) - 60, until=int(time.time()), filters={"type": "volume"}))
    network.remove()
    other.remove()
    volume.remove()
    nameless.remove(force=True)
    for kind in (client.containers, client.images, client.networks, client.volumes):
        kind.prune(filters={"label": "nothing"})
    client.images.prune_builds()
    client.close()


def lines(text):
    return [line for line in text.splitlines() if line]


def run_lines(host, who, commands):
    """Run lines of a shell as a principal; return what went wrong."""
    setting = f"cd /srv/{who}; export DOCKER_TLS_VERIFY=1 DOCKER_BUILDKIT=0 DOCKER_HOST={authz.ADDRESS}"
    setting += f" DOCKER_CERT_PATH=/srv/{who} COMPOSE_PROJECT_NAME=shop\n"
    wrong = []
    for command in commands:
        line = command.removeprefix("? ")
        if line.startswith("TTY "):
            line = f"""script -qec "{line[4:]}" /dev/null"""
        done = host.run(["timeout", "30", "sh", "-c", setting + line], check=False)
        told = done.stdout + done.stderr
        if "authorization denied" in told or (done.returncode and not command.startswith("? ")):
            wrong.append(f"{host.suite} {who}: {command}: {done.returncode}: {told[-2000:]}")
    return wrong


def run_sdk(host, who):
    """Run sdk() as a principal; return what went wrong."""
    call = f"from tests.integration.test_authz_honest import sdk; sdk({host.root + '/srv/' + who!r})"
    done = subprocess.run(
        ["nsenter", f"--net=/proc/{host.pid}/ns/net", "--", sys.executable, "-c", call],
        check=False,
        cwd=Path(__file__).parents[2],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        capture_output=True,
        text=True,
        timeout=60,
    )
    return [f"{host.suite} {who}: SDK: {done.stdout}{done.stderr}"] if done.returncode else []


def prepare(host):
    host.wait_for_engine()
    host.import_image("foobar")
    if host.suite == "trixie":
        host.run(["sh", "-c", "apt-get -q update && apt-get -qy install docker-compose"])
    authz.install(host, POLICY)
    for name, cn in ADMINS.items():
        folder = Path(host.root, "srv", name)
        folder.mkdir()
        for file, text in FILES.items():
            (folder / file).write_text(text)
        for file, made in (("ca.pem", "ca.pem"), ("cert.pem", f"{cn}.pem"), ("key.pem", f"{cn}-key.pem")):
            (folder / file).write_bytes(Path(host.root, "etc/docker/tls", made).read_bytes())


def run_sessions(host):
    """Return (what went wrong, what was refused to anybody, how much was allowed to each principal)."""
    wrong = []
    prepare(host)
    for who, text in SESSIONS[host.suite]:
        wrong += run_sdk(host, who) if text is None else run_lines(host, who, lines(text))
    denied = [one["MESSAGE"] + str(one) for one in authz.records(host, "DOCKER_AUTHZ_DECISION=deny")]
    allowed = {
        who: len(authz.records(host, f"DOCKER_AUTHZ_PRINCIPAL={who}", "DOCKER_AUTHZ_DECISION=allow")) for who in ADMINS
    }
    return wrong, denied, allowed


@pytest.fixture(scope="module")
def outcomes(swept):
    """{suite: what run_sessions() returns}; the sessions on all hosts go on at the same time."""
    from tests.hosts import start_host

    with contextlib.ExitStack() as started, concurrent.futures.ThreadPoolExecutor() as pool:
        hosts = [started.enter_context(start_host(suite)) for suite in SESSIONS]
        yield dict(zip(SESSIONS, list(pool.map(run_sessions, hosts)), strict=True))


@pytest.mark.parametrize("suite", SESSIONS)
def test_honest_clients_are_refused_nothing(outcomes, suite):
    wrong, denied, allowed = outcomes[suite]
    assert not wrong, "\n".join(wrong)
    assert denied == []
    assert all(allowed[who] >= 150 for who, text in SESSIONS[suite] if text and COMMANDS in text)
    assert sum(allowed.values()) >= 150
