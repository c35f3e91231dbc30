# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests that try to get past the plugin, by classes: what each would do is forbidden to whoever sends it."""

import collections
import json
import re

from tests.integration import authz

# data: the bytes to send. cut: whether the client ends there and then, alpn: whether it asks for HTTP/2. allowed: how
# many answers may come first that are none of the hostile request's.
Case = collections.namedtuple("Case", "admin data cut alpn allowed", defaults=(False, False, 0))

MIB = 1024 * 1024
JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
API = "/v1.41"
CREATE = API + "/containers/create"
THIRD = API + "/containers/third/start"
PRIVILEGED = '{"Image":"foobar","HostConfig":{"Privileged":true}}'


def wide(containers, envelope="unprivileged"):
    """Return a policy with a creator who may do everything, within an envelope, to what has the right name."""
    grant = {
        "actions": ["*"],
        "containers": containers,
        "images": ["foobar"],
        "networks": ["net-*"],
        "volumes": ["data-*"],
        "envelope": envelope,
    }
    principals = [dict(one, roles=["wide"]) if one["name"] == "creator" else one for one in authz.POLICY["principals"]]
    roles = [*authz.POLICY["roles"], {"name": "wide", "grants": [grant]}]
    return dict(authz.POLICY, roles=roles, principals=principals)


WIDE = wide(["job-*"])
# Most names of 0-9 and a-f are among these, and those of no other container.
HEXADECIMAL = wide(["@own", "job-on", "*0*", "*1*", "*a*", "*c*"])
RESTRICTED = wide(["@own", "job-*"], "restricted")


def request(path, body=b"", *lines, method="POST", mime=JSON, length=None):
    """Return the bytes of a request. body: bytes, text, or what becomes JSON. lines: more headers."""
    if not isinstance(body, (bytes, str)):
        body = json.dumps(body)
    body = body.encode("utf-8", "surrogateescape") if isinstance(body, str) else body
    head = [f"{method} {path} HTTP/1.1", "Host: docker", "Connection: close", *lines]
    head += [f"Content-Type: {mime}"] if mime else []
    if length != "":
        head.append(f"Content-Length: {len(body) if length is None else length}")
    return "\r\n".join([*head, "", ""]).encode("utf-8", "surrogateescape") + body


def start(path, *lines, **options):
    return Case("operator", request(path, b"", *lines, **options))


def create(body, *lines, path=CREATE, **options):
    return Case("creator", request(path, body, *lines, **options))


def chunked(data, size=1 << 16, extension="", trailer=""):
    parts = [data[place : place + size] for place in range(0, len(data), size)]
    body = b"".join(b"%x%s\r\n%s\r\n" % (len(one), extension.encode(), one) for one in parts)
    return body + b"0\r\n" + trailer.encode() + b"\r\n"


def paths(ids):
    third, number = "/containers/third/start", ids["third"]
    spelt = [
        *(third, THIRD, THIRD + "?", THIRD + "?detachKeys=a", THIRD + "/", "/" + THIRD, API + "/" + third),
        *(API + "//containers/third/start", API + "/containers//third/start", API + "/containers/third//start"),
        *(API + "/./containers/third/start", API + "/containers/./third/start", API + "/containers/web/../third/start"),
        *(API + "/containers/web/start/../../third/start", API + "/x/../containers/third/start"),
        *(API + "/containers/web%2f..%2fthird/start", API + "/containers/web/%2e%2e/third/start"),
        *(
            API + "/containers/th%69rd/start",
            API + "/containers/%74%68%69%72%64/start",
            API + "/containers%2Fthird/start",
        ),
        *(API + "/container%73/third/start", API + "/containers/third%2Fstart", API + "/containers/third/%73tart"),
        *("/v1%2e41" + third, "/%76%31.41" + third, "%2Fv1.41" + third, "/v1.41%2Fcontainers/third/start"),
        *("/V1.41" + third, API + "/CONTAINERS/third/start", API + "/containers/third/START"),
        *(
            "/v1.041" + third,
            "/v01.41" + third,
            "/v1.23" + third,
            "/v1.12" + third,
            "/v1.57" + third,
            "/v999.1" + third,
        ),
        *("/v1" + third, "/v1.4.1" + third, "/v1.41.0" + third, "/v.1" + third, "/v" + third, API + API + third),
        *(
            "/v1.41;x" + third,
            API + "/containers/third;web/start",
            THIRD + ";x",
            THIRD + "#" + API + "/containers/web/start",
        ),
        *(
            API + "/containers/third%00/start",
            API + "/containers/third%20/start",
            API + "/containers/third%0d%0a/start",
        ),
        *(
            "http://docker" + THIRD,
            "https://docker" + THIRD,
            "http://docker" + third,
            "//docker" + THIRD,
            "unix:" + THIRD,
        ),
        *("http://web:80@docker" + THIRD, THIRD + "\t", "\\v1.41" + third, API + "/containers\\third\\start"),
        *(f"{API}/containers/{part}/start" for part in (number, number[:12], number[:4], number[:6], number.upper())),
        *(f"{API}/containers/{part}/start" for part in ("/third", "%2Fthird", "Third", "third.", "thi*", "web,third")),
        *(
            f"{API}/containers/{part}/start"
            for part in ("\uff54hird", "%EF%BD%94hird", "thir%C4%8F", "web%2Cthird", "@own")
        ),
        *(THIRD + "?checkpoint=x", API + "/containers/web/start?checkpoint=x&checkpoint-dir=/", "*" + THIRD),
        *(API + "/containers/web/start?name=third", API + "/containers/web%3f/../third/start"),
        *(API + "/containers/third/start?/containers/web/start", "/containers/web/start/containers/third/start"),
    ]
    yield from (start(one) for one in spelt)
    yield start("third", method="CONNECT")
    yield start("docker:2376" + THIRD, method="CONNECT")
    yield start(THIRD, "Host: web", "X-Original-URL: /containers/web/start", "X-Rewrite-URL: /containers/web/start")
    yield start(API + "/_ping", "X-Original-URL: " + THIRD, method="POST")
    # A start that brings a configuration along, as API 1.23 had it.
    privileged = {"Privileged": True, "Binds": ["/:/host"]}
    for version in ("", "/v1.23", API, "/v1.24"):
        yield Case("operator", request(version + "/containers/web/start", privileged))


def methods(_ids):
    for method in (
        "post",
        "Post",
        "PUT",
        "GET",
        "HEAD",
        "PATCH",
        "DELETE",
        "OPTIONS",
        "TRACE",
        "POST ",
        "PO\u017fT",
        "PO",
        "X",
    ):
        yield start(THIRD, method=method)
        yield create(PRIVILEGED, method=method)
    for name in ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override", "_method"):
        yield start(THIRD, name + ": POST", method="GET")
        yield start(THIRD, name + ": GET")
    yield start(THIRD + "?_method=GET")
    yield Case("operator", request(API + "/containers/super?force=1", method="DELETE"))
    yield Case("operator", request(API + "/containers/super?force=1", "X-HTTP-Method-Override: DELETE", method="POST"))
    yield Case("operator", f"POST {THIRD}\r\n\r\n".encode())
    yield Case("operator", f"POST {THIRD} HTTP/1.0\r\n\r\n".encode())
    yield Case("operator", f"POST {THIRD} HTTP/1.1\nHost: docker\nConnection: close\n\n".encode())
    yield Case("operator", f"POST {THIRD} HTTP/1.1\r\nConnection: close\r\n\r\n".encode())
    yield Case("operator", f"POST  {THIRD} HTTP/1.1\r\nHost: docker\r\nConnection: close\r\n\r\n".encode())
    yield Case("operator", f"POST {THIRD} HTTP/9.9\r\nHost: docker\r\nConnection: close\r\n\r\n".encode())
    yield Case("operator", f" POST {THIRD} HTTP/1.1\r\nHost: docker\r\nConnection: close\r\n\r\n".encode())
    yield Case("operator", f"\r\n\r\nPOST {THIRD} HTTP/1.1\r\nHost: docker\r\nConnection: close\r\n\r\n".encode())


def queries(_ids):
    plain = {"Image": "foobar"}
    for text in (
        *("", "?", "?name=", "?name=evil", "?name=job-1&name=evil", "?name=evil&name=job-1", "?name=job-1;name=evil"),
        *("?%6eame=evil", "?%6eame=evil&name=job-1", "?name=evil&NAME=job-1", "?NAME=job-1", "?Name=job-1&name=evil"),
        *("?name=evil;&name=job-1", "?;name=job-1", "?&name=evil", "?name=evil&", "?name=%65vil", "?name=/evil"),
        *("?name=%2Fevil", "?name[]=job-1&name=evil", "?platform=&name=evil", "?name=evil&force=1", "?name=job-1%00"),
        *("?name=%2F%2Fjob-1", "?name=job-%F0%9F%90%B3", "??name=job-1", "?name=job-1%26name=evil", "?name", "?=job-1"),
    ):
        yield create(plain, path=CREATE + text)
    for text in (
        *("/images/foobar/tag?repo=evil", "/images/foobar/tag?repo=foobar&repo=evil", "/images/other/tag?repo=foobar"),
        *("/images/foobar/tag?repo=evil&Repo=foobar", "/images/foobar/tag?repo=foobar;repo=evil", "/images/foobar/tag"),
        *("/images/foobar/tag?%72epo=evil&repo=foobar", "/images/foobar/tag?repo=localhost/foobar&tag=latest"),
        *("/images/foobar/tag?repo=evil/foobar", "/images/foobar/tag?repo=docker.io/foobar/x", "/images/foo/bar/tag"),
        *("/images/foobar/../other/tag?repo=foobar", "/images/other/foobar/../tag?repo=foobar"),
        "/images/foobar:latest/tag?repo=a:1&tag=2",
        *(
            "/images/create?fromSrc=-",
            "/images/create?fromSrc=-&repo=evil",
            "/images/create?fromSrc=http://h/&repo=foobar",
        ),
        *("/images/create?fromSrc=/etc/passwd&repo=foobar", "/images/create?fromImage=evil&tag=1"),
        *("/images/create?fromImage=foobar&fromImage=evil", "/images/create?fromImage=evil&fromImage=foobar"),
        *("/images/create?fromImage=&fromSrc=-&repo=evil", "/images/load", "/images/load?quiet=1", "/images/evil/push"),
        *("/commit?container=super&repo=foobar", "/commit?container=job-on&repo=evil", "/commit?container=job-root"),
        *("/commit?container=job-on&container=super&repo=foobar", "/commit?container=super&container=job-on"),
        *("/commit?container=job-on&repo=foobar&repo=evil", "/commit?repo=foobar", "/commit?container=web"),
        *("/containers/super/rename?name=job-2", "/containers/job-on/rename?name=evil", "/containers/job-on/rename"),
        *("/containers/job-on/rename?name=job-2&name=evil", "/containers/job-on/rename?name=evil&name=job-2"),
        *("/containers/job-on/rename?name=%2Fevil", "/containers/job-on/rename?name=//evil"),
        *("/containers/super/kill", "/containers/super/kill?signal=KILL", "/containers/super/stop?t=0"),
        *(
            "/containers/super/restart?t=0",
            "/containers/super/pause",
            "/containers/web/start",
            "/containers/third/start",
        ),
        *("/containers/job-off/start?checkpoint=x&checkpoint-dir=/host", "/containers/job-off/start?checkpoint=x"),
        *("/build?t=evil", "/build?t=foobar&t=evil", "/build?networkmode=host", "/build?networkmode=container:super"),
        *(
            "/build?networkmode=back",
            "/build?cgroupparent=/x",
            "/build?securityopt=seccomp=unconfined",
            "/build?T=evil",
        ),
        *(
            "/build?remote=http://127.0.0.1/x",
            "/build?remote=git://h/x",
            "/build?outputs=%5B%7B%22Type%22:%22local%22%7D%5D",
        ),
        *("/build?networkmode=default&networkmode=host", "/build?networkmode=host&networkmode=default"),
        *("/build?entitlements=security.insecure", "/build?privileged=1", "/build?isolation=hyperv"),
    ):
        mime = "application/x-tar" if re.match("/(images/(create|load)|build)", text) else None
        yield create(b"", path=API + text, mime=mime)
    for text in (
        *("/images/other", "/images/other?force=1", "/images/foobar/../other", "/containers/super?force=1&v=1"),
        *(
            "/containers/job-on/alias?link=1",
            "/containers/web%2Falias?link=1",
            "/containers/web",
            "/volumes/vault",
            "/volumes/data-on/../vault",
            "/networks/back",
        ),
        *("/networks/net-on/../back", "/volumes/vault?force=1", "/networks/%62ack", "/containers/third?force=true"),
    ):
        yield create(b"", path=API + text, method="DELETE", mime=None)
    for text in (
        *("/images/get?names=other", "/images/get?names=foobar&names=other", "/images/other/get"),
        *("/containers/super/export", "/containers/job-root/export", "/containers/super/archive?path=/host/etc/shadow"),
        *(
            "/containers/job-root/archive?path=/host/etc/shadow",
            "/containers/super/json",
            "/containers/super/logs?stdout=1",
        ),
        *("/containers/super/attach/ws?stream=1", "/containers/job-root/attach/ws?stream=1", "/volumes/vault"),
        *("/networks/back", "/images/other/json", "/distribution/other/json", "/containers/super/top?ps_args=aux"),
    ):
        yield create(b"", path=API + text, method="GET", mime=None)


def documents(_ids):
    """Privileged containers of JSON that two readers may read differently."""
    inner = '{"Privileged":true}'
    evil = '"HostConfig":' + inner
    for body in (
        # Keys that are there twice.
        *(f'{{"Image":"foobar",{evil},"HostConfig":{{}}}}', f'{{"Image":"foobar","HostConfig":{{}},{evil}}}'),
        *(f'{{"HostConfig":null,"Image":"foobar",{evil}}}', f'{{"Image":"foobar",{evil},"hostconfig":{{}}}}'),
        *(
            f'{{"Image":"foobar","HostConfig":{{}},"hostConfig":{inner}}}',
            f'{{"Image":"foobar","HostConfig":null,{evil}}}',
        ),
        '{"Image":"foobar","HostConfig":{"Privileged":false,"Privileged":true}}',
        '{"Image":"foobar","HostConfig":{"Privileged":true,"Privileged":null}}',
        '{"Image":"foobar","HostConfig":{"Privileged":false,"privileged":true}}',
        '{"Image":"foobar","HostConfig":{"privileged":true,"Privileged":false,"PRIVILEGED":true}}',
        '{"Image":"foobar","HostConfig":{"Binds":[],"Binds":["/:/host"]}}',
        '{"Image":"foobar","HostConfig":{"Binds":["/:/host"],"Binds":null,"binds":["/:/host"]}}',
        '{"Image":"foobar","HostConfig":{"LogConfig":{"Type":"none","Type":"syslog"}}}',
        '{"Image":"foobar","Image":"other"}',
        '{"Image":"foobar","image":"other"}',
        '{"image":"other","Image":null}',
        '{"IMAGE":"other","Image":"foobar","iMAGE":"other"}',
        '{"Image":"foobar","HostConfig":{"Mounts":[{"Type":"tmpfs","Type":"bind","Source":"/","Target":"/h"}]}}',
        '{"Image":"foobar","HostConfig":{"Mounts":[{"Type":"bind","type":"bind","Source":"/","Target":"/h"}]}}',
        # Keys in another case, as Go folds it.
        *(
            f'{{"Image":"foobar","{key}":{inner}}}'
            for key in ("hostconfig", "HOSTCONFIG", "Ho\u017ftConfig", "Hostconfig")
        ),
        *(
            f'{{"Image":"foobar","{key}":{inner}}}'
            for key in ("\\u0048ostConfig", "Ho\\u017ftConfig", "host\\u0043onfig")
        ),
        '{"Image":"foobar","HostConfig":{"privileged":true}}',
        '{"Image":"foobar","HostConfig":{"\\u0050rivileged":true}}',
        '{"Image":"foobar","HostConfig":{"\\u0070RIVILEGED":true}}',
        '{"Image":"foobar","HostConfig":{"NetworKMode":"host"}}',
        '{"Image":"foobar","HostConfig":{"Networ\\u212aMode":"host"}}',
        '{"Image":"foobar","HostConfig":{"Bind\u017f":["/:/host"]}}',
        '{"Image":"foobar","HostConfig":{"Mount\\u017f":[{"Type":"bind","Source":"/","Target":"/h"}]}}',
        '{"Image":"foobar","HostConfig":{"Ma\u017fkedPaths":[],"maskedpaths":[]}}',
        '{"Image":"foobar","HostConfig":{"Sy\u017fctlS":{"kernel.shmmax":"1"},"u\u017fernsmode":"host"}}',
        '{"Image":"foobar","HostConfig":{"DeviceS":[{"PathOnHost":"/dev/null"}],"device\u017f":[]}}',
        # Two values, or one with something around it.
        *(
            PRIVILEGED + '{"Image":"foobar"}',
            PRIVILEGED + " {}",
            PRIVILEGED + "x",
            PRIVILEGED + "\x00",
            PRIVILEGED + "]",
        ),
        *(PRIVILEGED + "\n//", PRIVILEGED + ",", "\ufeff" + PRIVILEGED, "\x00" + PRIVILEGED, "\x0b" + PRIVILEGED),
        *(
            '{"Image":"foobar"}' + PRIVILEGED + "}",
            "[" + PRIVILEGED + "]",
            json.dumps(PRIVILEGED),
            ")]}'\n" + PRIVILEGED,
        ),
        *(
            "/**/" + PRIVILEGED,
            PRIVILEGED.replace("{", "{/**/", 1),
            PRIVILEGED.replace("true", "true,"),
            "null" + PRIVILEGED,
        ),
        *(
            PRIVILEGED.replace("true", one)
            for one in ("1", '"true"', "True", "TRUE", "tru\\u0065", "[true]", "!0", "1e0")
        ),
        *(PRIVILEGED.replace('"', "'"), PRIVILEGED.replace('"Image"', "Image"), PRIVILEGED.replace(",", ";")),
        # Values that one of them cannot read.
        *(
            PRIVILEGED.replace("true", f'true,"Memory":{one}')
            for one in ("NaN", "Infinity", "-Infinity", "1e400", "0x10")
        ),
        *(
            PRIVILEGED.replace("true", f'true,"Memory":{one}')
            for one in (5000 * "9", "-0", "1.0", "1E7", "01", "+1", "1_0")
        ),
        *(
            PRIVILEGED.replace("true", f'true,"CgroupParent":"{one}"')
            for one in ("\\ud800", "\\udc00\\ud800", "\\u0000")
        ),
        PRIVILEGED.replace("true", 'true,"\\ud800":1'),
        PRIVILEGED.replace('"Image"', '"\\udfff":{},"Image"'),
        PRIVILEGED.replace("true", 'true,"x":' + 200 * "[" + 200 * "]"),
        PRIVILEGED.replace("true", 'true,"x":' + 9000 * '{"a":' + "1" + 9000 * "}"),
        PRIVILEGED.replace("true", 'true,"x":' + 200000 * "["),
        PRIVILEGED.replace('"Image"', '"Labels":{"a":"\t"},"Image"'),
        PRIVILEGED.replace('"foobar"', '"foobar\\u0000"'),
        # Fields that engines up to 26.1 take from the top, too.
        *({"Image": "foobar", key: value} for key, value in (("Privileged", True), ("Binds", ["/:/host"]))),
        *({"Image": "foobar", key: value} for key, value in (("CapAdd", ["ALL"]), ("NetworkMode", "host"))),
        *({"Image": "foobar", key: value} for key, value in (("privileged", True), ("PidMode", "host"))),
        *({"Image": "foobar", key: value} for key, value in (("VolumesFrom", ["super"]), ("SecurityOpt", ["a=b"]))),
        {
            "Image": "foobar",
            "Devices": [{"PathOnHost": "/dev/null", "PathInContainer": "/d", "CgroupPermissions": "r"}],
        },
        {"Image": "foobar", "Runtime": "evil", "HostConfig": {}},
        {"Image": "foobar", "Cpuset": "0", "HostConfig": {"Privileged": True}},
    ):
        yield create(body)
    for encoding in ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8-sig", "utf-7"):
        yield create(PRIVILEGED.encode(encoding), mime=f"{JSON}; charset={encoding}")
    yield create(PRIVILEGED.encode().replace(b"foobar", b"foobar\xff"))
    yield create(PRIVILEGED.encode().replace(b'"Image"', b'"Labels":{"\xc0\xaf":"\xed\xa0\x80"},"Image"'))
    yield create(PRIVILEGED.encode().replace(b"HostConfig", b"Host\xc3Config"))


def host_configs(ids):
    """Every way out of a container that a create has."""
    bind = {"Type": "bind", "Source": "/", "Target": "/host"}
    device = {"PathOnHost": "/dev/kmsg", "PathInContainer": "/dev/kmsg", "CgroupPermissions": "rwm"}
    local = {"Name": "local", "Options": {"type": "none", "o": "bind", "device": "/"}}
    for host in (
        *({"Privileged": True}, {"CapAdd": ["SYS_ADMIN"]}, {"CapAdd": ["cap_sys_admin"]}, {"CapAdd": ["ALL"]}),
        *(
            {"CapAdd": "SYS_ADMIN"},
            {"CapAdd": ["all"]},
            {"CapAdd": ["CHOWN", "CAP_BPF"]},
            {"Capabilities": ["SYS_ADMIN"]},
        ),
        *(
            {"Binds": [one]}
            for one in ("/:/host", "/:/host:ro", "//:/host", "/../:/host", "/run/docker.sock:/s", "/etc/.:/e")
        ),
        *(
            {"Binds": [one]}
            for one in ("/:/host:rshared", "vault:/v", "vault:/v:ro,z", "/:/host:ro,rslave", "/dev:/dev:Z")
        ),
        *({"Mounts": [dict(bind, **one)]} for one in ({}, {"ReadOnly": True}, {"Source": "/etc"}, {"Source": "//"})),
        *({"Mounts": [dict(bind, **one)]} for one in ({"BindOptions": {"Propagation": "rshared"}}, {"Source": "/run"})),
        {"Mounts": [dict(bind, BindOptions={"CreateMountpoint": True}, Source="/made")]},
        {"Mounts": [{"Type": "volume", "Target": "/v", "VolumeOptions": {"DriverConfig": local}}]},
        {"Mounts": [{"Type": "volume", "Source": "new", "Target": "/v", "VolumeOptions": {"DriverConfig": local}}]},
        {"Mounts": [{"Type": "volume", "Source": "vault", "Target": "/v"}]},
        {"Mounts": [{"Type": "image", "Source": "other", "Target": "/v"}]},
        {"Mounts": [{"Type": "cluster", "Source": "vault", "Target": "/v"}]},
        {"Mounts": [{"Type": "npipe", "Source": "/", "Target": "/v"}]},
        {"Mounts": [{"Type": "tmpfs", "Target": "/t", "TmpfsOptions": {"Options": [["exec"]]}}]},
        {"Tmpfs": {"/t": "rw,exec,context=x"}},
        *({"NetworkMode": one} for one in ("host", "container:super", "back", "container:" + ids["super"][:8])),
        *({"PidMode": one} for one in ("host", "container:super")),
        *({"IpcMode": one} for one in ("host", "container:super", "container:/super")),
        *({"UTSMode": "host"}, {"UsernsMode": "host"}, {"CgroupnsMode": "host"}, {"Cgroup": "container:super"}),
        *({"SecurityOpt": [one]} for one in ("seccomp=unconfined", "seccomp:unconfined", "apparmor=unconfined")),
        *(
            {"SecurityOpt": [one]}
            for one in ("label=disable", "label:type:spc_t", "no-new-privileges=false", "disable")
        ),
        *({"SecurityOpt": [one]} for one in ('seccomp={"defaultAction":"SCMP_ACT_ALLOW"}', "systempaths=unconfined")),
        *({"MaskedPaths": []}, {"ReadonlyPaths": []}, {"MaskedPaths": ["/proc/acpi"]}, {"ReadonlyPaths": ["/x"]}),
        *({"Devices": [device]}, {"Devices": [dict(device, PathOnHost="/dev")]}, {"DeviceCgroupRules": ["a *:* rwm"]}),
        {"DeviceRequests": [{"Driver": "cdi", "DeviceIDs": ["x/y=z"]}]},
        {"DeviceRequests": [{"Count": -1, "Capabilities": [["gpu"]]}]},
        *({"Sysctls": {one: "1"}} for one in ("kernel.core_pattern", "net.ipv4.ip_forward", "kernel.shmmax")),
        *({"CgroupParent": "/"}, {"CgroupParent": "x.slice"}, {"Runtime": "runsc"}, {"Runtime": "evil"}),
        *(
            {"VolumesFrom": ["super"]},
            {"VolumesFrom": ["super:ro"]},
            {"VolumesFrom": [ids["super"]]},
            {"Links": ["super:s"]},
        ),
        *({"VolumeDriver": "evil"}, {"StorageOpt": {"overlay2.x": "1"}}, {"Annotations": {"a": "b"}}),
        *({"OomKillDisable": True}, {"OomScoreAdj": -1000}, {"CpuRealtimeRuntime": 1000}, {"Isolation": "hyperv"}),
        *({"LogConfig": {"Type": one}} for one in ("syslog", "gelf", "fluentd", "awslogs", "evil")),
        {"LogConfig": {"Type": "syslog", "Config": {"syslog-address": "unix:///run/docker.sock"}}},
        {"LogConfig": {"Type": "json-file", "Config": {"path": "/etc/x"}}},
        {"GroupAdd": {"0": 1}},
        {"Unknown": 1},
    ):
        yield create({"Image": "foobar", "HostConfig": host})
    number = ids["image other"]
    for image in (
        "other",
        "other:latest",
        number,
        number[7:],
        number[7:19],
        number[:20],
        "docker.io/library/other",
        "",
        "Foobar",
    ):
        yield create({"Image": image})
    for image in ("foobar/../other", "localhost/foobar", "foobar@" + number, "foobar:latest@sha256:" + 64 * "0", None):
        yield create({"Image": image, "HostConfig": {"Privileged": True}})
    for endpoint in ({"back": {}}, {"bridge": {"DriverOpts": {"a": "b"}}}, {"bridge": {"NetworkID": "host"}}):
        yield create({"Image": "foobar", "NetworkingConfig": {"EndpointsConfig": endpoint}})
    yield create({"Image": "foobar", "NetworkingConfig": {"endpointsconfig": {"back": {}}}})
    yield create({"Image": "foobar", "NetworkingConfig": {"EndpointsConfig": {"bridge": {"Links": ["super:s"]}}}})


def content_types(_ids):
    for mime in (
        *(
            None,
            "",
            JSON + "; charset=utf-8",
            JSON + ";",
            JSON + " ; x=y",
            " " + JSON,
            "APPLICATION/JSON",
            "Application/Json",
        ),
        *("text/plain", "text/json", "application/jsonx", "application/vnd.docker+json", JSON + ", text/plain", "json"),
        *(
            FORM,
            "multipart/form-data; boundary=x",
            "application/octet-stream",
            "application/x-tar",
            JSON + "\tx",
            "*/*",
        ),
        *(
            "application/\u017fson",
            "application/json\x00",
            "application/x-json",
            JSON + ";charset=utf-16",
            f"{FORM}; {JSON}",
        ),
    ):
        yield create(PRIVILEGED, mime=mime)
        yield create({"Image": "other"}, mime=mime, path=CREATE + "?name=job-1")
    for first, second in (
        (FORM, JSON),
        (JSON, FORM),
        ("text/plain", JSON),
        (JSON, "text/plain"),
        ("", JSON),
        (JSON, ""),
    ):
        yield create(PRIVILEGED, "Content-Type: " + first, mime=second)
        yield create("name=evil", "Content-Type: " + first, mime=second, path=CREATE + "?name=job-1")
        yield create("repo=evil", "Content-Type: " + first, mime=second, path=API + "/images/foobar/tag?repo=foobar")
    for line in (
        "content-type: " + JSON,
        "Content-Type:" + JSON,
        "Content-Type : " + JSON,
        "Content-Type:\r\n " + JSON,
    ):
        yield create(PRIVILEGED, line, mime=None)
        yield create("name=evil", line, mime=FORM, path=API + "/containers/job-on/rename?name=job-2")
    yield create(PRIVILEGED, "Content-Encoding: gzip")
    # Parameters in a body, which count before those of the query.
    multipart = '--x\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n--x--\r\n'
    for path, key, value in (
        ("/images/foobar/tag?repo=foobar&tag=1", "repo", "evil"),
        ("/containers/job-on/rename?name=job-2", "name", "evil"),
        ("/commit?container=job-on&repo=foobar", "container", "super"),
        ("/commit?container=job-on&repo=foobar", "repo", "evil"),
        ("/images/create?fromImage=foobar", "fromImage", "evil"),
        ("/containers/job-off/start", "checkpoint-dir", "/host&checkpoint=x"),
        ("/build?t=foobar", "networkmode", "host"),
        ("/images/foobar/push", "tag", "evil"),
        ("/containers/create?name=job-1", "name", "evil"),
        ("/plugins/pull", "remote", "evil"),
    ):
        for mime in (FORM, FORM + "; charset=utf-8", FORM.upper(), FORM + ";"):
            yield create(f"{key}={value}", path=API + path, mime=mime)
        several = multipart % (key, value)
        yield create(several, path=API + path, mime="multipart/form-data; boundary=x")
        yield create(
            chunked(f"{key}={value}".encode()), "Transfer-Encoding: chunked", path=API + path, mime=FORM, length=""
        )
        # The plugin is told the last type, and the engine goes by the first.
        for first, body in ((FORM, f"{key}={value}"), ("multipart/form-data; boundary=x", several)):
            for last in ("text/plain", "", "application/x-tar", JSON):
                lines = ["Content-Type: " + first, "Content-Type: " + last]
                yield create(body, *lines, path=API + path, mime=None)
                lines.append("Transfer-Encoding: chunked")
                yield create(chunked(body.encode()), *lines, path=API + path, mime=None, length="")


def sizes(_ids):
    evil = PRIVILEGED.encode()
    for size in (MIB - 1, MIB, MIB + 1, MIB + len(evil), 2 * MIB):
        padded = evil.ljust(size)
        labelled = evil[:-1] + b',"Labels":{"a":"' + (size - len(evil) - 18) * b"x" + b'"}}'
        for body in (padded, evil.rjust(size), labelled):
            yield create(body)
        yield create(chunked(padded), "Transfer-Encoding: chunked", length="")
        yield create(chunked(labelled), "Transfer-Encoding: chunked", length="")
        yield create({"Image": "foobar", "HostConfig": {"Links": ["job-on"] * (size // 11)}})
        yield create(padded, mime=None)
        yield create(padded, mime="text/plain")
    for path, body in (
        (API + "/containers/super/exec", b'{"Cmd":["touch","/x"]}'),
        (API + "/volumes/create", b'{"Name":"evil"}'),
        (API + "/networks/create", b'{"Name":"evil"}'),
        (API + "/containers/job-on/update", b'{"CgroupParent":"/","Memory":33554432}'),
        (API + "/containers/web/start", b'{"Privileged":true}'),
    ):
        yield create(body.ljust(MIB + 7), path=path)
        yield create(chunked(body.ljust(MIB + 7)), "Transfer-Encoding: chunked", path=path, length="")
        yield create(body, path=path, length=0)
        yield create(body, "Expect: 100-continue", path=path)
    for size in (1, 7, 100):
        yield create(chunked(evil, size), "Transfer-Encoding: chunked", length="")
    yield create(chunked(evil, extension=";a=b"), "Transfer-Encoding: chunked", length="")
    yield create(
        chunked(evil, trailer="Content-Type: text/plain\r\n"),
        "Transfer-Encoding: chunked",
        "Trailer: Content-Type",
        length="",
    )
    yield create(chunked(evil).replace(b"\r\n", b"\n"), "Transfer-Encoding: chunked", length="")
    for coding in (
        "chunked, identity",
        "identity",
        "xchunked",
        "gzip, chunked",
        "CHUNKED",
        " chunked",
        "chunked\x0b",
        "chunked,",
    ):
        yield create(chunked(evil), "Transfer-Encoding: " + coding, length="")
    yield create(chunked(evil), "Transfer-Encoding: chunked", "Transfer-Encoding: chunked", length="")
    yield create(chunked(evil), "Transfer-Encoding: identity", "Transfer-Encoding: chunked", length="")
    yield create(chunked(evil), "Transfer-Encoding: chunked")
    yield create(chunked(evil), "Transfer-Encoding: chunked", length=0)
    yield create(chunked(evil), "Transfer-Encoding : chunked", length=0)
    yield create(chunked(evil), "Transfer_Encoding: chunked", length=0)
    yield create(evil, "Expect: 100-continue")
    yield create(evil, "Expect: 100-Continue", "Transfer-Encoding: identity")
    yield create(evil, "Expect: 200-ok")
    for length in (
        0,
        "",
        10,
        len(evil) - 1,
        "+51",
        "-1",
        "0x33",
        "51, 51",
        "5 1",
        30 * "9",
        "\u0665\u0661",
        "51\x00",
        f"0{len(evil)}",
    ):
        yield create(evil, length=length)
    yield create(evil, f"Content-Length: {len(evil)}")
    yield create(evil, "Content-Length: 0")
    yield create(evil, f"Content-Length: {len(evil)}", length=0)
    for length in (len(evil) + 1, len(evil) + 100, 2 * MIB):
        yield create(evil, length=length)._replace(cut=True)
    yield create(chunked(evil)[:-5], "Transfer-Encoding: chunked", length="")._replace(cut=True)
    # A second request behind a first one that is allowed, or within its body.
    ping = f"GET {API}/_ping HTTP/1.1\r\nHost: docker\r\n".encode()
    hidden = request(CREATE, evil)
    yield Case("creator", ping + b"\r\n" + hidden, allowed=1)
    yield Case("creator", 5 * (ping + b"\r\n") + hidden, allowed=5)
    yield Case("operator", ping + b"\r\n" + request(THIRD), allowed=1)
    yield Case("creator", ping + b"Content-Length: 0\r\n\r\n" + hidden, allowed=1)
    yield Case("creator", ping + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + hidden, allowed=1)
    yield Case(
        "creator",
        ping + b"Content-Length: %d\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" % (5 + len(hidden)) + hidden,
        allowed=1,
    )
    yield Case("creator", request(CREATE, b"", "X: y").replace(b"Connection: close\r\n", b"") + hidden)
    for data in (hidden, request(THIRD)):
        yield Case(
            "creator",
            f"POST {CREATE} HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nContent-Type: {JSON}\r\n\r\n{{}}".encode()
            + data,
        )


def inside(ids):
    """Into, and to, containers that are there, and what lies around them."""
    touch = {"Cmd": ["touch", "/host/touched"]}
    number = ids["super"]
    for name in ("super", number, number[:12], number[:5], "job-root", ids["job-root"], "/super", "web", "supe%72"):
        yield create(touch, path=f"{API}/containers/{name}/exec")
    for body in (
        *(dict(touch, Privileged=True), dict(touch, privileged=True), dict(touch, PRIVILEGED=True), dict(touch, New=1)),
        *('{"Cmd":["id"],"Privileged":false,"Privileged":true}', '{"Cmd":["id"],"Privileged":true}{}'),
        *('{"Cmd":["id"],"pri\\u0076ileged":true}', '{"Cmd":["id"],"Privileged":true,"Privileged":null}'),
        *({"Cmd": ["id"], "User": 0}, '{"Cmd":["id"],"Privileged":1}', dict(touch, Container="super")),
    ):
        yield create(body, path=API + "/containers/job-on/exec")
    for name in ("super", "job-on", "job-root"):
        one = ids["exec " + name]
        for path in (
            f"{API}/exec/{one}/start",
            f"/exec/{one}/start",
            f"{API}/exec/{one}/../{one}/start",
            f"{API}/exec//{one}/start",
        ):
            yield create({"Detach": True}, path=path)
        yield create({}, path=f"{API}/exec/{one}/start")
        yield create({}, "Upgrade: tcp", "Connection: Upgrade", path=f"{API}/exec/{one}/start")
        yield create({"Detach": True}, path=f"{API}/exec/{one[:12]}/start")
        yield create({"Detach": True}, path=f"{API}/exec/{one.upper()}/start")
        yield create(b"", path=f"{API}/exec/{one}/start", mime=None)
        yield create(b"", path=f"{API}/exec/{one}/resize?h=1&w=1")
        yield Case("operator", request(f"{API}/exec/{one}/start", {"Detach": True}))
    for name in ("super", "job-root", "web"):
        place = f"{API}/containers/{name}"
        tar = {"mime": "application/x-tar"}
        yield create(1024 * b"\0", path=place + "/archive?path=/", method="PUT", **tar)
        yield create(1024 * b"\0", path=place + "/archive?path=/host/etc", method="PUT", **tar)
        yield create({"Resource": "/host/etc/shadow"}, path=place + "/copy")
        yield create(b"", "Upgrade: tcp", path=place + "/attach?stream=1&stdin=1", mime=None)
        yield create(b"", path=place + "/attach?logs=1&stdout=1", mime=None)
    for name in ("super", "third", number[:12], "job-root/../super"):
        yield create({"Memory": 33554432, "MemorySwap": -1}, path=f"{API}/containers/{name}/update")
        yield create({"RestartPolicy": {"Name": "always"}}, path=f"{API}/containers/{name}/update")
    device = {"PathOnHost": "/dev/kmsg", "PathInContainer": "/dev/kmsg", "CgroupPermissions": "rwm"}
    for body in (
        *({"CgroupParent": "/"}, {"Devices": [device]}, {"DeviceCgroupRules": ["a *:* rwm"]}, {"OomKillDisable": True}),
        *({"devices": [device]}, {"CpuRealtimePeriod": 1}, {"DeviceRequests": [{"Count": -1}]}, {"Privileged": True}),
        *({"HostConfig": {"Privileged": True}}, {"Binds": ["/:/host"]}, '{"RestartPolicy":{"name":"always"}}'),
        *('{"restartpolicy":{"Name":"always"}}', '{"Memory":33554432,"Memory":67108864}', '{"Memory":1e8}'),
    ):
        yield create(body, path=API + "/containers/job-on/update")
    yield create({"CheckpointID": "x", "CheckpointDir": "/"}, path=API + "/containers/job-on/checkpoints")
    yield create(b"", path=API + "/containers/job-on/checkpoints?dir=/", method="GET", mime=None)
    yield create(b"", path=API + "/containers/job-on/checkpoints/x?dir=/", method="DELETE", mime=None)


def objects(ids):
    root = {"type": "none", "o": "bind", "device": "/"}
    for body in (
        *(
            {"Name": "data-1", "DriverOpts": root},
            {"Name": "data-1", "Driver": "local", "DriverOpts": root},
            {"Name": "evil"},
        ),
        *(
            {"Name": "data-1", "driveropts": root},
            {"name": "evil"},
            {"Name": "data-1", "Driver": "evil"},
            {},
            {"Driver": "local"},
        ),
        *(
            {"Name": "data-1", "DriverOpts": {"type": "nfs", "o": "addr=h", "device": ":/"}},
            {"Name": "data-1", "Opts": root},
        ),
        *({"Name": "data-1", "DriverOpts": {"type": "tmpfs"}}, {"Name": "data-1", "ClusterVolumeSpec": {"Group": "a"}}),
        {"Name": "data-1", "ClusterVolumeSpec": {}},
        *(
            '{"Name":"data-1","Name":"evil"}',
            '{"Name":"evil","name":"data-1","NAME":"evil"}',
            '{"Name":"data-1","Name":null}',
        ),
        *('{"Name":"data-1","DriverOpts":{},"DriverOpts":{"type":"tmpfs","device":"t"}}'),
        *('{"Name":"evil"}{"Name":"data-1"}', {"Name": None}, '{"\\u004eame":"evil"}'),
    ):
        yield create(body, path=API + "/volumes/create")
    for body in (
        *({"Name": "evil"}, {"name": "evil"}, '{"Name":"net-1","Name":"evil"}', '{"Name":"evil"}{"Name":"net-1"}', {}),
        *({"Name": "net-1", "Driver": one} for one in ("macvlan", "ipvlan", "host", "overlay", "null", "evil")),
        *({"Name": "net-1", "driver": "macvlan"}, {"Name": "net-1", "Driver": "macvlan", "Options": {"parent": "lo"}}),
        *(
            {"Name": "net-1", "Options": {"com.docker.network.bridge." + key: "x"}}
            for key in ("name", "host_binding_ipv4")
        ),
        *({"Name": "net-1", "Options": {key: "x"}} for key in ("parent", "com.docker.network.host_ipv4", "encrypted")),
        *(
            {"Name": "net-1", "options": {"com.docker.network.bridge.name": "docker0"}},
            {"Name": "net-1", "Scope": "swarm"},
        ),
        *(
            {"Name": "net-1", "IPAM": {"Config": [{"Subnet": "10.9.0.0/24"}]}},
            {"Name": "net-1", "IPAM": {"Driver": "evil"}},
        ),
        *({"Name": "net-1", "IPAM": {"config": [{"Subnet": "10.9.0.0/24"}]}}, {"Name": "net-1", "Ingress": True}),
        *(
            {"Name": "net-1", "ConfigOnly": True},
            {"Name": "net-1", "ConfigFrom": {"Network": "back"}},
            {"Name": "net-1", "ConfigFrom": {}},
            {"Name": "net-1", "X": 1},
        ),
        *({"Name": "net-1", "IPAM": {"Options": {"a": "b"}}}, '{"Name":"net-1","Driver":"bridge","Driver":"macvlan"}'),
    ):
        yield create(body, path=API + "/networks/create")
    number = ids["super"]
    for verb in ("connect", "disconnect"):
        for name in ("super", number, number[:12], "/super", "web"):
            yield create({"Container": name}, path=f"{API}/networks/net-on/{verb}")
        for network in ("back", "host", "bridge/../back", "%62ack", "net-on/../back"):
            yield create({"Container": "job-on"}, path=f"{API}/networks/{network}/{verb}")
        yield create('{"Container":"job-on","Container":"super"}', path=f"{API}/networks/net-on/{verb}")
        yield create('{"container":"super"}', path=f"{API}/networks/net-on/{verb}")
        yield create('{"Container":"super"}{}', path=f"{API}/networks/net-on/{verb}")
    for endpoint in ({"DriverOpts": {"a": "b"}}, {"NetworkID": "back"}, {"Links": ["super:s"]}, {"links": ["super:s"]}):
        yield create({"Container": "job-on", "EndpointConfig": endpoint}, path=API + "/networks/net-on/connect")
    for name in ("data-1/../evil", "data-1\0", "data-1 x", "data-\u00e4"):
        yield create({"Name": name}, path=API + "/volumes/create")
    yield create(b"", path=API + "/containers/job-on?link=1", method="DELETE", mime=None)


def administration(_ids):
    """What nobody has who has no privileged envelope."""
    task = {"TaskTemplate": {"ContainerSpec": {"Image": "foobar", "Mounts": [{"Type": "bind", "Source": "/"}]}}}
    for path, body in (
        *(
            ("/swarm/init", {"ListenAddr": "127.0.0.1:2377"}),
            ("/swarm/join", {"RemoteAddrs": ["h"]}),
            ("/swarm/leave?force=1", b""),
        ),
        *(
            ("/swarm/unlock", {"UnlockKey": "x"}),
            ("/swarm/update?version=1", {"Name": "x"}),
            ("/swarm//init", {"ListenAddr": "a"}),
        ),
        *(
            ("/services/create", task),
            ("/services/x/update?version=1", task),
            ("/nodes/x/update?version=1", {"Role": "manager"}),
        ),
        *(("/secrets/create", {"Name": "a", "Data": "eA=="}), ("/secrets/x/update?version=1", {"Name": "a"})),
        *(("/configs/create", {"Name": "a", "Data": "eA=="}), ("/configs/x/update?version=1", {"Name": "a"})),
        *(("/plugins/pull?remote=h/x", []), ("/plugins/create?name=x", b""), ("/plugins/x/enable", b"")),
        *(
            ("/plugins/containment/disable?force=1", b""),
            ("/plugins/x/push", b""),
            ("/plugins/x/upgrade?remote=h/x", []),
        ),
        *(("/plugins/x/set", ["DEBUG=1"]), ("/plugins/containment/set", ["A=b"]), ("/plugins/x/y/set", ["A=b"])),
    ):
        for version in (API, ""):
            yield create(body, path=version + path)
            yield Case("operator", request(version + path, body))
    for path in (
        "/plugins/containment",
        "/plugins/x?force=1",
        "/services/x",
        "/secrets/x",
        "/configs/x",
        "/nodes/x?force=1",
    ):
        yield create(b"", path=API + path, method="DELETE", mime=None)
    for path in (
        "/swarm",
        "/swarm/unlockkey",
        "/debug/vars",
        "/debug/pprof/",
        "/debug/pprof/heap",
        "/debug/pprof/cmdline",
    ):
        yield create(b"", path=path, method="GET", mime=None)
        yield create(b"", path=API + path, method="GET", mime=None)
    # Streams in which no request is seen any more.
    settings = "HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA"
    for path in ("/grpc", "/session", API + "/grpc", API + "/session", "//session", "/grpc/", "/session?x=y"):
        for upgrade in ("h2c", "tcp", "websocket"):
            yield create(b"", f"Upgrade: {upgrade}", settings, path=path, mime=None)
    yield create(b"", "X-Docker-Expose-Session-Uuid: x", "Upgrade: h2c", path="/session", mime=None)
    yield create(b"", path="/moby.buildkit.v1.Control/Solve", mime="application/grpc")
    for path in (API + "/build?version=2&session=x&t=evil", "/build?version=2&remote=client-session&t=evil&session=x"):
        yield create(b"", path=path, mime="application/x-tar")


def names(ids):
    """Names that an engine takes for the beginning of an id while nobody has them."""
    number = ids["super"]
    for name in ("cafe", "c0ffee", "0123456789ab", number[:12], number[:20], number, "/" + number[:12], 70 * "a"):
        yield create({"Image": "foobar"}, path=f"{CREATE}?name={name}")
        yield create(b"", path=f"{API}/containers/job-on/rename?name={name}", mime=None)
    # One that is there, and is called so.
    called = API + "/containers/" + number[:11]
    yield create({"Cmd": ["touch", "/host/touched"]}, path=called + "/exec")
    for change in ("start", "rename?name=job-on-1", "attach?stream=1"):
        yield create(b"", path=f"{called}/{change}", mime=None)
    yield create({"Container": number[:11]}, path=API + "/networks/net-on/connect")


def heavy(_ids):
    """Bodies that cost more to read than they look: the plugin answers all of them before the engine's time is up."""
    for host in (
        {"Links": 190000 * ["a1"]},
        {"Links": [f"super:{one}" for one in range(70000)]},
        {"VolumesFrom": [f"{one:x}" for one in range(90000)]},
        {f"{one:x}": None for one in range(70000)},
        {"Mounts": 300000 * [{}]},
        {"Tmpfs": {"/a": 300000 * "ro,"}},
        {"PortBindings": {"80/tcp": 300000 * [{}]}},
    ):
        yield create(json.dumps({"Image": "foobar", "HostConfig": dict(host, CapAdd=["ALL"])}, separators=(",", ":")))
    many = {f"net-{one:x}": None for one in range(50000)}
    yield create({"Image": "foobar", "NetworkingConfig": {"EndpointsConfig": many}})


def restricted(_ids):
    """What an image may take for a user of its own who is root, and what leaves the rules of a classic build."""
    host = {"CapDrop": ["ALL"], "SecurityOpt": ["no-new-privileges"]}
    for user in (20 * "9", "9223372036854775808", "2147483648", "1:" + 20 * "9", "1:2147483648", "0" + 20 * "9"):
        yield create({"Image": "foobar", "User": user, "HostConfig": host})
        yield create({"Cmd": ["id"], "User": user}, path=API + "/containers/job-on/exec")
    for query in ("version=2", "version=2&session=x", "session=x", "remote=client-session", "version=02"):
        yield create(b"", path=f"{API}/build?t=foobar&{query}", mime=None)
    for driver in ("journald", ""):
        for option in ("tag", "labels", "labels-regex", "env", "env-regex"):
            log = {"Type": driver, "Config": {option: "containment-authz"}}
            yield create({"Image": "foobar", "User": "1", "HostConfig": dict(host, LogConfig=log)})
    log = {"Type": "json-file", "Config": {"tag": '{{pad "a" 99 99}}'}}
    yield create({"Image": "foobar", "User": "1", "HostConfig": dict(host, LogConfig=log)})


def http2(_ids):
    """HTTP/2 by ALPN, by prior knowledge and by an upgrade."""

    def field(name, value):
        return b"\0%c%s%c%s" % (len(name), name, len(value), value)

    def frame(kind, flags, stream, data=b""):
        return len(data).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + data

    def asked(path, *more):
        pairs = (
            (b":method", b"POST"),
            (b":scheme", b"https"),
            (b":authority", b"docker"),
            (b":path", path.encode()),
            *more,
        )
        return b"".join(field(*one) for one in pairs)

    preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0)
    solve = "/moby.buildkit.v1.Control/Solve"
    for path in (THIRD, "/containers/third/start", solve, "/grpc"):
        data = preface + frame(1, 5, 1, asked(path))
        for alpn in (True, False):
            yield Case("operator", data, alpn=alpn)
            yield Case("operator", data[:18] + b"Host: docker\r\n" + data[18:], alpn=alpn)
    body = PRIVILEGED.encode()
    head = asked(CREATE, (b"content-type", JSON.encode()))
    yield Case("creator", preface + frame(1, 4, 1, head) + frame(0, 1, 1, body), alpn=True)
    yield Case("creator", preface + frame(1, 4, 1, head) + frame(0, 1, 1, body))
    yield create(PRIVILEGED)._replace(alpn=True)
    upgrade = ("Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA")
    yield create(PRIVILEGED, *upgrade)
    ping = f"GET {API}/_ping HTTP/1.1\r\nHost: docker\r\nConnection: Upgrade, HTTP2-Settings\r\n"
    yield Case(
        "operator",
        (ping + "\r\n".join(upgrade)).encode() + b"\r\n\r\n" + preface + frame(1, 5, 3, asked(THIRD)),
        allowed=1,
    )


CLASSES = {
    "paths": (authz.POLICY, paths),
    "methods": (authz.POLICY, methods),
    "queries": (WIDE, queries),
    "JSON": (authz.POLICY, documents),
    "host configurations": (authz.POLICY, host_configs),
    "content types": (WIDE, content_types),
    "sizes": (authz.POLICY, sizes),
    "inside": (WIDE, inside),
    "objects": (WIDE, objects),
    "administration": (WIDE, administration),
    "names": (HEXADECIMAL, names),
    "heavy": (WIDE, heavy),
    "restricted": (RESTRICTED, restricted),
    "HTTP/2": (authz.POLICY, http2),
}
