# SPDX-License-Identifier: GPL-3.0-or-later
"""Audit records of seccomp filters, as the kernel's log, auditd's log and netlink have them."""

import pytest

from ansible_collections.containment.docker.plugins.module_utils import _audit_record as core

FIELDS = (
    'auid=4294967295 uid=100000 gid=100000 ses=4294967295 subj=docker-default pid=10659 comm="sh" exe="/bin/busybox" '
    "sig=0 arch=c000003e syscall=79 compat=0 ip=0x4f2c1e code=0x7ffc0000"
)
RECORD = core.Record(1700000000.123, 456, 10659, 100000, "sh", "/bin/busybox", 0xC000003E, 79, "SCMP_ACT_LOG")


@pytest.mark.parametrize(
    "line",
    [
        f"audit: type=1326 audit(1700000000.123:456): {FIELDS}",
        f"[   12.345678] audit: type=1326 audit(1700000000.123:456): {FIELDS}",
        f"6,1041,53;audit: type=1326 audit(1700000000.123:456): {FIELDS}",
        f"type=SECCOMP msg=audit(1700000000.123:456): {FIELDS}",
        f'type=SECCOMP msg=audit(1700000000.123:456): {FIELDS}\x1dARCH=x86_64 SYSCALL=wrong AUID="unset"',
        f"node=one type=SECCOMP msg=audit(1700000000.123:456): {FIELDS}",
        f"audit(1700000000.123:456): {FIELDS}",
    ],
)
def test_a_record_is_the_same_wherever_it_was_read(line):
    assert core.parse(line) == RECORD


def test_names_that_the_kernel_does_not_trust_are_decoded():
    line = f"audit(1700000000.123:456): {FIELDS}".replace('"sh"', "72756E633A5B323A494E49545D").replace(
        '"/bin/busybox"', "2F7469C3A86420FF"
    )
    found = core.parse(line)
    assert (found.comm, found.exe) == ("runc:[2:INIT]", "/tièd \\xff")
    assert core.parse(line.replace("2F7469C3A86420FF", "(null)")).exe == "(null)"


def test_what_a_program_calls_itself_adds_no_fields():
    line = f"audit(1700000000.123:456): {FIELDS}".replace('"sh"', '"a pid=1"')
    assert (core.parse(line).pid, core.parse(line).comm) == (10659, "a pid=1")


@pytest.mark.parametrize("code, action", [("80000000", "KILL_PROCESS"), ("50000", "ERRNO"), ("0", "KILL_THREAD")])
def test_actions(code, action):
    line = f"audit(1700000000.123:456): {FIELDS}".replace("7ffc0000", code)
    assert core.parse(line).action == "SCMP_ACT_" + action


@pytest.mark.parametrize(
    "line",
    [
        "",
        "type=SYSCALL msg=audit(1700000000.123:456): " + FIELDS,
        "audit: type=1400 audit(1700000000.123:456): " + FIELDS,
        "type=SECCOMP msg=audit(1700000000.123:456): auid=1",
        "audit(1700000000.123:456): " + FIELDS.replace("syscall=79", "syscall=read"),
        "audit(1700000000.123:456): " + FIELDS.replace("7ffc0000", "12340000"),
        "type=USER_AUTH msg=audit(1.000:1): msg='type=SECCOMP msg=audit(1700000000.123:456): " + FIELDS,
        "audit: type=1100 audit(1.000:1): msg='audit: type=1326 audit(1700000000.123:456): " + FIELDS,
        "sh: audit(x.123:456): " + FIELDS,
    ],
)
def test_what_is_no_such_record_is_none(line):
    assert core.parse(line) is None


def test_what_the_kernel_calls_such_a_record():
    assert core.TYPE == 1326  # AUDIT_SECCOMP, include/uapi/linux/audit.h


def test_what_a_program_wrote_to_the_kernels_log_is_no_record():
    text = f"audit: type=1326 audit(1700000000.123:456): {FIELDS}"
    assert core.parse(f"5,1,1,-;{text}") == RECORD
    assert core.parse(f"12,1,1,-;{text}") is None
