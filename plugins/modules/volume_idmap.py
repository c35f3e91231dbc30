#!/usr/bin/python
# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: volume_idmap
short_description: Mount a directory with mapped ids for the containers of a remapped engine
version_added: "0.2.0"
description:
  - Mounts a directory of the host so that its ids are seen as those of containers under a mapping. What belongs to uid
    0 on the disk belongs to the root of containers in the mount, and what that writes belongs to uid 0 on the disk. No
    file is touched, however many there are, and rolling back is unmounting.
  - The mount is made by the kernel's own calls, at once and, by a systemd unit that comes before the engine, or an init
    script where systemd is not running, at every boot. Setuid bits and devices have no effect in it.
  - Without O(path) the directory is mounted over itself. Containers that bind it work as they are after their restart,
    and programs of the host see the mapped ids, too; root of the host cannot make files there, as it has no id in the
    mapping (EOVERFLOW).
  - Refused are kernels before 5.12, file systems that cannot be mapped (an overlay, NFS, and tmpfs before 6.3), a
    directory whose owner is no id of containers, as after a shift, one in which something is mounted, one with content
    as O(path), and a directory that anybody on the host can reach, because root in a container could leave a setuid
    file of the host's root there. A directory of root's above it has to be closed to group and others, such as one of
    mode 0700, or its file system mounted C(nosuid); also where the mount lies over the directory, as it may be gone one
    day.
  - Use M(containment.docker.volume_chown) where it is refused.
author:
  - containment.docker contributors (@containment)
extends_documentation_fragment:
  - containment.docker.attributes
attributes:
  check_mode:
    support: full
    details:
      - Whether kernel and file system can do it is tried for real, with a mount that is seen nowhere.
  diff_mode:
    support: full
    details:
      - Shows the files that make the mount last, and whether it is there.
  platform:
    platforms: linux
options:
  source:
    description:
      - The directory, on a file system whose ids are those of the host.
    type: path
    required: true
  path:
    description:
      - Where it is mounted. It is made where it is missing, with mode 0700, so that containers find nothing where the
        mount is missing. The directory itself where it is not given.
    type: path
  state:
    description:
      - V(present) mounts it now and at every boot. V(absent) unmounts it and forgets it; running containers keep what
        they have.
      - V(noted) only notes under O(transaction) what V(present) would note, for a mount that is made later. Another run
        can then finish what was begun when this one is killed in between.
    type: str
    choices: [present, absent, noted]
    default: present
  user:
    description:
      - The mapping of this user's ranges in C(/etc/subuid) and C(/etc/subgid), by name or by uid.
    type: str
  mapping:
    description:
      - The mapping itself, such as RV(containment.docker.subid_range#module:mapping).
    type: dict
    suboptions:
      uid:
        description: Extents of uids.
        type: list
        elements: dict
        required: true
        suboptions: &extent
          container_start:
            description: First id in the container, and on the disk.
            type: int
            required: true
          host_start:
            description: First id on the host.
            type: int
            required: true
          count:
            description: How many ids.
            type: int
            required: true
      gid:
        description: Extents of gids.
        type: list
        elements: dict
        required: true
        suboptions: *extent
  before:
    description:
      - The units of the engines that need the mount.
    type: list
    elements: str
    default: [docker.service]
  transaction:
    description:
      - Name of the transaction under which M(containment.docker.transaction) can take the change back. Not noted where
        it is not given.
    type: str
"""

EXAMPLES = r"""
- name: Give a directory to the containers of the remapped engine, at the path that they use
  containment.docker.volume_idmap:
    source: /srv/data
    user: dockremap

- name: The same, the host's own programs go on at the old path
  containment.docker.volume_idmap:
    source: /srv/private/data
    path: /srv/containers/data
    user: dockremap

- name: Take it away
  containment.docker.volume_idmap:
    source: /srv/data
    state: absent
"""

RETURN = r"""
path:
  description: The real path of the mount.
  returned: success
  type: str
  sample: /srv/data
mounted:
  description: Whether the mount is there, before and after.
  returned: success
  type: dict
  contains:
    before:
      description: As it was found.
      type: bool
      returned: success
    after:
      description: As the run leaves it or would leave it.
      type: bool
      returned: success
  sample: {before: false, after: true}
enabled:
  description: Whether it is made at every boot, before and after.
  returned: success
  type: dict
  contains:
    before:
      description: As it was found.
      type: bool
      returned: success
    after:
      description: As the run leaves it or would leave it.
      type: bool
      returned: success
  sample: {before: false, after: true}
files:
  description: Paths of the files that change.
  returned: success
  type: list
  elements: str
  sample:
    - /usr/local/lib/containment/idmap.py
    - /etc/containment/idmap/srv-data.json
    - /etc/systemd/system/containment-idmap-srv-data.service
unmappable:
  description: Whether M(containment.docker.volume_chown) can take the place of what was refused.
  returned: when it is so
  type: bool
  sample: true
restart_required:
  description: Whether containers that use the path have to be restarted to see the change.
  returned: success
  type: bool
  sample: true
"""

import os
import stat
import sys

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.containment.docker.plugins.module_utils import (
    _files,
    _host_manager,
    _idmap_host,
    _idmap_plan,
    _mountinfo,
    _shift_plan,
    _subid_host,
    _tree,
    _volume_ledger,
    _volume_record,
)
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError, UnmappableError, told


def open_source(path, mounts):
    """Return the Tree of the directory, which the caller closes. Raises ContainmentError for what is refused."""
    tree = _tree.open_tree(path)
    try:
        if not stat.S_ISDIR(tree.info.st_mode):
            raise ContainmentError("source", f"{tree.path} is no directory", "give the directory that it lies in")
        _tree.refuse_seen(tree.path, mounts)
        _tree.refuse_containers(tree.path, _mountinfo.place(mounts, tree.path), _tree.read_containers(mounts))
        return tree
    except BaseException:
        os.close(tree.fd)
        raise


def real_name(path):
    """Return the path with its directory's real one; what it names need not be there, and is not followed."""
    parent = _tree.open_tree(os.path.dirname(path.rstrip("/")) or path)
    os.close(parent.fd)
    return parent.path.rstrip("/") + "/" + os.path.basename(path.rstrip("/"))


def real_source(path):
    """Return the real path of a directory that may be gone."""
    try:
        tree = _tree.open_tree(path)
    except FileNotFoundError:
        return real_name(path)
    os.close(tree.fd)
    return tree.path


def real_path(path, source):
    """Return the real path of the mount point, which need not be there yet; `source` where none is given."""
    if path is None:
        return source
    real = real_name(path)
    if real == source:
        return source
    _tree.refuse_system(real)
    _tree.refuse_nested([source, real])
    return real


def refuse_exposed(mounts, place, device):
    """Raise UnmappableError where anybody can come to the directory otherwise than through a mount that is nosuid.

    Also where the mount lies over the directory: it may be gone, at a boot or on the way back.
    """
    for seen in _idmap_plan.seen_at(mounts, place):
        if not _idmap_host.is_closed(seen, device):
            raise UnmappableError(
                seen,
                "can be reached by everybody on the host, and root in a container could leave setuid files there",
                "give a directory above it mode 0700, mount its file system nosuid, or shift it with volume_chown",
            )


def wanted_files(module, source, path, mapping):
    """Return {path: bytes} of the files that make the mount last."""
    files = {
        _idmap_plan.PROGRAM: _idmap_host.program(),
        _idmap_plan.description_path(path): _idmap_plan.description(source, path, mapping),
    }
    if _host_manager.has_systemd():
        text = _idmap_plan.unit_text(source, path, sys.executable, module.params["before"])
        files[_idmap_plan.unit_path(path)] = text
    else:
        files[_idmap_plan.SCRIPT] = _idmap_plan.script_text(sys.executable)
    return files


def refuse_odd(module):
    """Raise ContainmentError for paths that no unit can name, and for no mapping."""
    for key in ("source", "path"):
        if module.params[key] is not None and not module.params[key].isprintable():
            raise ContainmentError(key, f"{module.params[key]!r} has characters that no unit can name", "rename it")
    if module.params["state"] != "absent" and module.params["user"] is None and module.params["mapping"] is None:
        raise ContainmentError("user, mapping", "are not given", "give one of them")
    if os.geteuid():
        raise ContainmentError("volume_idmap", f"runs as uid {os.geteuid()}", "run with become: true")


def present(module):
    mounts = _tree.read_mounts()
    source = open_source(module.params["source"], mounts)
    try:
        path = real_path(module.params["path"], source.path)
        _idmap_plan.refuse_long(path)
        place = _mountinfo.place(mounts, source.path)
        mapping = _shift_plan.mapping(module.params, "", _subid_host.mapping_of)
        files = wanted_files(module, source.path, path, mapping)
        before = {name: _files.read(name) for name in files}
        ours = _idmap_host.is_ours(mounts, path, place, before[_idmap_plan.description_path(path)].data)
        changed = [name for name in files if before[name].data != files[name]]
        remount = not ours or _idmap_plan.description_path(path) in changed
        described = before[_idmap_plan.description_path(path)].data is not None
        enabled = described and _idmap_host.is_enabled(path, module.params["before"])
        if not ours:
            if path != source.path:
                _idmap_host.refuse_content(path)
            _idmap_plan.refuse_foreign(source, mapping)
            _idmap_plan.refuse_hidden(mounts, source.path)
            _idmap_host.try_out(source.fd, source.path, mapping)
        refuse_exposed(mounts, place, source.info.st_dev)
        for name in changed:
            _files.refuse_unwritable(before[name])
        entry = _volume_ledger.Entry(path, source.path, _volume_ledger.IDMAP, mapping, None)
        if module.params["state"] == "noted":
            noted = _volume_record.record(module.params["transaction"], {path: entry}, not module.check_mode)
            return dict(outcome(path, ours, False, {}, files if ours else {}, enabled), changed=noted)
        if not module.check_mode and (changed or remount or not enabled):
            _volume_record.record(module.params["transaction"], {path: entry})
            if remount:
                # Also where somebody else unmounted it: its unit would count as started.
                _idmap_host.stop(path)
            try:
                for name in changed:
                    _files.replace(before[name], files[name], mode=0o755 if name == _idmap_plan.SCRIPT else 0o644)
                    module.set_default_selinux_context(name, False)
                _idmap_host.make_mount_point(path)
                _idmap_host.enable(path)
                if remount:
                    _idmap_host.start(path)
            except BaseException:
                if not ours:
                    _idmap_host.put_back(before)
                raise
            if not _idmap_host.is_ours(_tree.read_mounts(), path, place, files[_idmap_plan.description_path(path)]):
                raise ContainmentError(path, "is not mounted after all", "look into the log of its unit")
        return outcome(path, ours, remount, {name: before[name] for name in changed}, files, enabled)
    finally:
        os.close(source.fd)


def outcome(path, was, remount, before, files, enabled):
    """Return the result.

    was: whether it was mounted. enabled: whether it was made at boot. before: {path: File} of the files that change.
    files: {path: bytes} afterwards, none where the mount is taken away.
    """
    words = {False: "not mounted\n", True: "mounted\n"}
    will = bool(files)
    diff = [
        {
            "before_header": name,
            "after_header": name,
            "before": (file.data or b"").decode("utf-8", "replace"),
            "after": files.get(name, b"").decode("utf-8", "replace"),
        }
        for name, file in before.items()
    ]
    if was != will:
        diff.append({"before_header": path, "after_header": path, "before": words[was], "after": words[will]})
    return {
        "changed": bool(before or remount) or enabled != will,
        "path": path,
        "mounted": {"before": was, "after": will},
        "enabled": {"before": enabled, "after": will},
        "files": sorted(before),
        "restart_required": remount,
        "diff": diff,
    }


def absent(module):
    path = real_name(module.params["path"]) if module.params["path"] else real_source(module.params["source"])
    names = [_idmap_plan.unit_path(path), _idmap_plan.description_path(path)]
    last = not _idmap_host.descriptions() - {_idmap_plan.description_path(path)}
    if last:
        names += [_idmap_plan.SCRIPT, _idmap_plan.PROGRAM]
    before = {name: file for name, file in ((name, _files.read(name)) for name in names) if file.data is not None}
    description = before.get(_idmap_plan.description_path(path))
    data = None if description is None else description.data
    ours = _idmap_host.is_ours(_tree.read_mounts(), path, None, data)
    for file in before.values():
        _files.refuse_unwritable(file)
    if not module.check_mode and (ours or before):
        _volume_record.record(module.params["transaction"], {path: None})
        _idmap_host.stop(path)
        _idmap_host.disable(path, last)
        for file in before.values():
            _files.replace(file, None)
        _idmap_host.remove_mount_point(path, data)
    return outcome(path, ours, ours, before, {}, description is not None)


def main():
    module = AnsibleModule(
        argument_spec={
            "source": {"type": "path", "required": True},
            "path": {"type": "path"},
            "state": {"type": "str", "choices": ["present", "absent", "noted"], "default": "present"},
            "user": {"type": "str"},
            "mapping": _shift_plan.MAPPING,
            "before": {"type": "list", "elements": "str", "default": ["docker.service"]},
            "transaction": {"type": "str"},
        },
        mutually_exclusive=[("user", "mapping")],
        supports_check_mode=True,
    )
    with told(module, "volume_idmap"):
        refuse_odd(module)
        _volume_record.check(module.params["transaction"])
        try:
            result = absent(module) if module.params["state"] == "absent" else present(module)
        except UnmappableError as error:
            module.fail_json(msg=str(error), unmappable=True)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
