# SPDX-License-Identifier: GPL-3.0-or-later
"""After the rollback, which rebooted the host: neither the running kernel nor any boot entry has the arguments."""

testinfra_hosts = ["ansible://docker_hosts"]


def test_the_rollback_rebooted_the_host(record, name):
    assert record.last("dead engine").states(name)[-1]["boot"] != record.last("rollback").states(name)[-1]["boot"]


def test_the_kernel_runs_without_the_arguments(host, record, name, variables):
    words = host.file("/proc/cmdline").content_string.split()
    assert not set(variables["kernel_args"]) & set(words)
    # The others are those from before; the kernel's own name may be that of the newer one.
    before = record.last("prepare").states(name)[-1]["arguments"]
    assert _others(words) == _others(before)


def _others(words):
    return [word for word in words if not word.startswith("BOOT_IMAGE=")]


def test_no_boot_entry_has_the_arguments(entries, variables):
    assert entries
    for entry, words in entries.items():
        assert not set(variables["kernel_args"]) & set(words), entry


def test_the_baseline_is_in_force_again(host):
    assert host.check_output("cat /proc/sys/user/max_user_namespaces") == "0"
