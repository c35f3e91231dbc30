#!/usr/bin/python
# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: engine_info
short_description: Gather all that has to be known of a host's Docker Engines before they are hardened
version_added: "0.1.0"
description:
  - Returns in one call, for every engine that runs on the host, its versions, roots, security options, configured
    against effective values, flags and where they stand, containers with what of them conflicts with user-namespace
    remapping, volumes with their owners, and shims that no engine knows, and for the host its kernel, service manager
    and ids.
  - The engine is asked over its unix socket. An engine that is dead, hangs or refuses is a finding and its entry has
    C(error); the module does not fail. A hanging engine costs O(timeout) once.
  - Never starts an engine. A socket that systemd holds for an engine that does not run is left alone.
  - Environment and labels of containers are not returned. Users and passwords in URLs, and values whose names say
    token, secret, password or credential, are shown as C(***).
author:
  - containment.docker contributors (@containment)
extends_documentation_fragment:
  - containment.docker.attributes
attributes:
  check_mode:
    support: full
    details:
      - Changes nothing in any mode.
  diff_mode:
    support: none
    details:
      - There is nothing to differ.
  platform:
    platforms: linux
options:
  user:
    description:
      - The user wanted for C(userns-remap), as C(user), C(user:group), C(uid), C(uid:gid) or V(default).
      - Its ids and subordinate ranges are returned as RV(ids), and conflicts are judged by the mapping they make.
        Without it, by the mapping of the user that the primary engine is configured with.
    type: str
  sockets:
    description:
      - Sockets of engines to look for besides those of the engines found running. The first one is that of the primary
        engine.
    type: list
    elements: path
    default: [/run/docker.sock]
  timeout:
    description:
      - Seconds without a byte after which an engine counts as hanging. Also the time for looking at the owners of all
        paths of one engine.
    type: int
    default: 10
  volume_sizes:
    description:
      - Whether to measure the volumes of the driver C(local), by walking through them.
    type: bool
    default: false
  volume_sizes_timeout:
    description:
      - Seconds after which the measuring of one engine's volumes ends. What is not measured then has no size.
    type: int
    default: 60
"""

EXAMPLES = r"""
- name: Gather
  containment.docker.engine_info:
    user: dockremap
  register: host

- name: Stop where a container would be refused by a remapped engine
  ansible.builtin.assert:
    that: refused | length == 0
    fail_msg: "{{ refused | map(attribute='detail') | join('; ') }}"
  vars:
    refused: "{{ host.engines | map(attribute='containers') | flatten | map(attribute='conflicts') | flatten
      | selectattr('severity', 'equalto', 'refused') }}"
"""

RETURN = r"""
engines:
  description: One entry for each engine, the primary one first. An engine that is installed and does not run has one
    too.
  returned: always
  type: list
  elements: dict
  contains:
    socket: {description: "Path of the unix socket, null where it has none.", type: str, sample: /run/docker.sock}
    primary: {description: Whether this is the engine that the roles change., type: bool}
    error: {description: "Why the engine did not answer, or not all; null where it did.", type: str}
    error_code: {description: "C(code) of the finding for it, null without C(error).", type: str, sample: engine_dead}
    pid: {description: Process id of dockerd., type: int}
    started: {description: "Start of the process, UTC, whole seconds.", type: str, sample: "2026-11-22T03:00:00Z"}
    incarnation: {description: "Boot, pid and start in ticks; the same as long as dockerd was not restarted,
      whatever the clock does.", type: str}
    service: {description: "The service it runs in, null where none.", type: str, sample: docker.service}
    executable: {description: "C(path) of the program that runs, and whether it was C(replaced) since.", type: dict}
    version: {description: Version of the engine., type: str, sample: 26.1.5}
    api_version: {description: Version of its API., type: str, sample: "1.45"}
    runc: {description: Version of runc., type: str}
    containerd: {description: Version of containerd., type: str}
    storage_driver: {description: Storage driver or snapshotter., type: str, sample: overlay2}
    image_store: {description: V(graphdriver) or V(containerd)., type: str}
    data_root: {description: "The data root, without the part of the remapping.", type: str, sample: /var/lib/docker}
    graph_root:
      description: Where images and containers lie, with owner and mode. Below the data root when remapped.
      type: dict
      sample: {path: /var/lib/docker/100000.100000, uid: 0, gid: 100000, mode: "0710"}
    graph_root_faults: {description: What is wrong with the graph root of a remapped engine., type: list, elements: str}
    numbered_roots: {description: "All graph roots of remapped engines below the data root, past ones too.",
      type: list, elements: dict}
    security_options:
      description: The security options in force, by name.
      type: dict
      sample: {seccomp: {profile: builtin}, userns: {}}
    seccomp:
      description:
        - "C(profile): path of the daemon-wide profile in force, V(builtin) for the engine's own default, V(unconfined),
          null where it has no seccomp."
        - "C(base_outdated): whether that is one of this collection and was made from the default of another version."
      type: dict
      sample: {profile: builtin, base_outdated: false}
    userns:
      description:
        - C(configured), the value of userns-remap, null where not set; C(expected), the UID.GID that its user has by
          the subordinate id files, and C(expected_mapping), the extents that its lines make; C(effective), whether the
          engine remaps, null where it did not answer; C(uid) and C(gid) of the container's root on the host;
          C(mapping), C(uid) and C(gid) extents of a running container.
      type: dict
      sample: {configured: dockremap, expected: "100000.100000", expected_mapping: {uid: [[0, 100000, 65536]],
        gid: [[0, 100000, 65536]]},
        effective: true, uid: 100000, gid: 100000,
        mapping: {uid: [[0, 100000, 65536]], gid: [[0, 100000, 65536]]}}
    cgroup: {description: C(driver) and C(version)., type: dict}
    live_restore: {description: Whether live-restore is in force., type: bool}
    swarm: {description: State of the node in a swarm., type: str, sample: inactive}
    authorization_plugins: {description: Plugins that the engine was started with., type: list, elements: str}
    config_file: {description: Path of its daemon.json., type: str}
    config_error: {description: "What is wrong with that file, null where nothing is.", type: str}
    configured: {description: "Content of that file; empty where there is none, null where it is malformed.",
      type: dict}
    flags: {description: "Flags of the running process, as C(key), C(value), C(origin).", type: list, elements: dict}
    differences:
      description: What is configured otherwise than in force.
      type: list
      elements: dict
      sample: [{key: live-restore, configured: true, effective: false, origin: /etc/docker/daemon.json}]
    containers:
      description: All containers, running or not.
      type: list
      elements: dict
      contains:
        id: {description: Id., type: str}
        name: {description: Name., type: str}
        image: {description: "Image, as given.", type: str}
        state: {description: State., type: str, sample: running}
        pid: {description: "Process id on the host, 0 where it does not run.", type: int}
        user: {description: "User inside, as given.", type: str}
        uid_map: {description: Extents of its uid_map., type: list, elements: list}
        userns_host: {description: Whether it runs outside of the remapping., type: bool}
        restart_policy: {description: Restart policy., type: str}
        seccomp:
          description:
            - Its seccomp filter, of what its runtime was told, which inspecting it does not tell. Null where it does
              not run or the runtime's configuration cannot be read.
            - "C(profile): V(own), given when it was made and frozen since; V(daemon), what the engine had when it was
              started; V(builtin), asked for by name; V(unconfined); V(privileged), none because it is that."
            - "C(current): whether one of V(daemon) is under the profile that the engine has now, null where that cannot
              be told."
          type: dict
          sample: {profile: daemon, current: true}
        mounts:
          description: "C(type), C(source), C(destination), C(name), C(driver), C(rw), C(propagation), and for bind
            mounts C(real), the path without links, C(uid), C(gid), C(mode), C(kind) (V(directory), V(file), V(other))
            of the source."
          type: list
          elements: dict
        conflicts:
          description:
            - "What conflicts with remapping: C(container), C(conflict), C(severity), C(detail), C(mend), C(source), and
              C(path), on the host, where another owner of it would mend it, else null."
            - "V(refused): the engine refuses it. V(breaks): it cannot do its work. V(degraded): it does, with less than
              before."
          type: list
          elements: dict
    not_inspected: {description: "Containers that were not answered for, as C(id), C(name), C(error).", type: list,
      elements: dict}
    volumes:
      description: All volumes.
      type: list
      elements: dict
      sample: [{name: data, driver: local, mountpoint: /var/lib/docker/volumes/data/_data, options: {}, uid: 0, gid: 0,
        size: null}]
    images: {description: Number of images., type: int}
    networks: {description: Number of networks., type: int}
    orphan_shims: {description: Those of RV(orphan_shims) that belong to its containerd., type: list, elements: dict}
    calls: {description: Number of API calls it was asked with., type: int}
nested_engines:
  description: Engines inside of containers, of other namespaces, or of unprivileged users, which are not looked into.
    C(pid), C(uid), C(config_file).
  returned: always
  type: list
  elements: dict
orphan_shims:
  description: Containers that run and that no engine knows, as C(pid), C(id), C(namespace), C(engine).
  returned: always
  type: list
  elements: dict
kernel:
  description:
    - C(release), C(machine), C(cmdline), C(boot_id), C(max_user_namespaces), C(unprivileged_userns_clone),
      C(apparmor_restrict_unprivileged_userns); C(user_namespaces), whether a user and a mount namespace with a
      mapping could really be made, with C(user_namespaces_error) where not; C(args_pending), the arguments that an open
      transaction set and that this kernel was not started with.
  returned: always
  type: dict
service:
  description:
    - C(manager) V(systemd), V(sysv), V(openrc) or V(none); C(name) and C(origin) of the service that starts the primary
      engine; C(main_pid) of the engine that runs in it; C(flags) that it gives, as C(key), C(value), C(origin).
  returned: always
  type: dict
installed:
  description: C(path), C(version) and C(package) of the installed dockerd; each null where there is none.
  returned: always
  type: dict
ids:
  description:
    - "Of the wanted user: C(user), C(uid), C(group), C(gid), null where there is none; C(subuid) and C(subgid), each
      with the C(lines) and the C(ranges) (C(start), C(count)) in the engine's order; C(mapping) that they make. Null
      without a user."
  returned: always
  type: dict
denials:
  description:
    - What seccomp filters refused or logged, as far as auditd's log reaches back, else the kernel's own, which keeps
      a few records a second.
    - C(found), the latest first, has C(container), null where it cannot be told, C(by) (V(process), V(program), where
      the process is gone and one container alone runs the program), C(call), null where the host's libseccomp knows no
      name, C(number), C(architecture), C(action), C(count), C(first), C(last) and C(programs), as the container sees
      them.
    - C(lost) tells how many records at least are not there, C(source) where they were read, C(fault) why they were not.
  returned: always
  type: dict
  sample: {found: [{container: web, by: process, call: clock_adjtime, number: 305, architecture: SCMP_ARCH_X86_64,
    action: SCMP_ACT_ERRNO, count: 3, first: "2026-11-30T17:00:00Z", last: "2026-11-30T17:05:00Z",
    programs: [/usr/sbin/chronyd]}], lost: 0, source: /dev/kmsg, fault: null}
findings:
  description:
    - What a person should know, errors first, as C(code), C(severity) (V(error), V(warning), V(note)), C(subject),
      C(cause), C(mend).
    - "Codes of what an engine does not answer: V(engine_dead), none runs behind the socket; V(engine_unreachable), it
      runs and listens on no socket that can be asked; V(engine_stopped), its process is stopped; V(engine_hangs), no
      answer in time; V(engine_refuses), an answer or a directory of it is refused; V(answer_malformed), its answers are
      not those of the Engine API; V(container_unread), one container could not be inspected."
    - "Codes of an engine's configuration: V(config_malformed), daemon.json; V(values_pending), it runs with other
      values; V(remap_malformed), userns-remap is no user; V(remap_off), it switches remapping off; V(remap_default), it
      is V(default) with an engine that picks unsafe ranges; V(ranges_missing), the user has no subordinate ranges;
      V(ranges_changed), it has others than are in force; V(containerd_store_set), V(containerd_store_lost),
      V(containerd_store_builds), the containerd image store."
    - "Other codes of an engine: V(program_replaced), V(version_unsafe), V(graph_root_faulty), V(live_restore),
      V(swarm)."
    - "Codes of seccomp filters: V(seccomp_unconfined), the engine gives none; V(seccomp_base_outdated), its profile
      was made from the default of another version; V(container_seccomp_unconfined), V(container_seccomp_privileged),
      V(container_seccomp_old), it was started before the engine had its profile; V(container_seccomp_frozen), it has
      the one that it was made with; V(seccomp_denied), calls were refused; V(denials_unreadable)."
    - "Codes of the host: V(no_engine), V(several_engines), V(nested_engine), V(orphan_shim), V(subid_malformed),
      V(kernel_args_pending), V(kernel_max_user_namespaces), V(kernel_no_user_namespaces), V(transactions_unreadable),
      V(trees_unreadable), V(migrations_unreadable)."
  returned: always
  type: list
  elements: dict
transactions:
  description: The transactions that are kept, the newest last, as C(name) and C(status) (V(open), V(applied),
    V(restored)). Empty with a finding where they cannot be read.
  returned: always
  type: list
  elements: dict
undo:
  description: >-
    Names of the transactions whose undo was interrupted. Nothing can be changed under a transaction before the rollback
    playbook finished it.
  returned: success
  type: list
  elements: str
  sample: []
trees:
  description: Trees that transactions keep as changed for a mapping, as C(path), C(source), C(method) (V(shift) or
    V(idmap)), C(mapping), C(was), the mapping before it, null for the host's own ids, and C(there), whether it can be
    looked at. Empty with a finding where that cannot be read.
  returned: always
  type: list
  elements: dict
  sample: [{path: /srv/data, source: /srv/data, method: idmap, mapping: {uid: [[0, 2000224256, 65536]],
    gid: [[0, 2000224256, 65536]]}, was: null, there: true}]
migrations:
  description: What is kept of migrations from one graph root to another, the oldest first, as C(name), C(status),
    C(source), C(target), C(begun), C(switched), C(aside), where the target lies after the way back,
    C(old_root_needed), the containers that did not come along, and C(removing), whether the removal of the source was
    interrupted. Empty with a finding where that cannot be read.
  returned: always
  type: list
  elements: dict
  sample: [{name: 20261122T101500Z-harden, status: switched, source: /var/lib/docker,
    target: /var/lib/docker/2000224256.2000224256, begun: "2026-11-22T10:15:04Z", switched: "2026-11-22T10:16:40Z",
    aside: null, old_root_needed: [], removing: false}]
"""

import os

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.containment.docker.plugins.module_utils import (
    _daemon_keys,
    _engine_facts,
    _engine_gather,
    _findings,
)
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError


def gather(user, sockets, timeout, measure):
    """Return the module's result. Raises ContainmentError for bad options."""
    kinds = {name: key.kind for name, key in _daemon_keys.KEYS.items()}
    remap = _engine_facts.remap_user(user) if user is not None else None
    host, raws = _engine_gather.gather(remap, sockets, timeout, measure)
    engine_sockets = [path for raw in raws for path in raw["sockets"]]
    engines = [
        _engine_facts.engine(raw, host["ids"]["mapping"] if host["ids"] else None, engine_sockets, kinds)
        for raw in raws
    ]
    findings = _findings.findings(engines, host)
    for name in ("subid_faults", "transactions_fault", "trees_fault", "migrations_fault"):
        host.pop(name)
    return dict(host, engines=engines, findings=findings)


def main():
    module = AnsibleModule(
        argument_spec={
            "user": {"type": "str"},
            "sockets": {"type": "list", "elements": "path", "default": ["/run/docker.sock"]},
            "timeout": {"type": "int", "default": 10},
            "volume_sizes": {"type": "bool", "default": False},
            "volume_sizes_timeout": {"type": "int", "default": 60},
        },
        supports_check_mode=True,
    )
    options = module.params
    try:
        if os.geteuid() != 0:
            raise ContainmentError(
                "engine_info",
                f"runs with uid {os.geteuid()}, and only root sees all of an engine",
                "run it with become: true",
            )
        _engine_facts.check_options(options)
        measure = options["volume_sizes_timeout"] if options["volume_sizes"] else 0
        result = gather(options["user"], options["sockets"], options["timeout"], measure)
    except ContainmentError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()
