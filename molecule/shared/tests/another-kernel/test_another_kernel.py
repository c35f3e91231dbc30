# SPDX-License-Identifier: GPL-3.0-or-later
"""The kernel that was installed after the run has a boot entry with the arguments asked for, and runs with them."""

testinfra_hosts = ["ansible://docker_hosts"]


def new(record, name):
    """The release of the kernel that was installed."""
    tasks = {task["name"]: task["result"] for task in record.last("another kernel").tasks if task["host"] == name}
    before, after = (tasks[task]["stdout_lines"] for task in ("List the kernels", "List the kernels now"))
    (kernel,) = set(after) - set(before)
    return kernel


def test_the_new_kernel_has_an_entry_with_the_arguments(record, name, entries, variables):
    kernel = new(record, name)
    found = [words for words in entries.values() if any(word.endswith("/vmlinuz-" + kernel) for word in words)]
    assert found
    assert all(set(variables["kernel_args"]) <= set(words) for words in found)


def test_the_new_kernel_runs_with_the_arguments(host, record, name, variables):
    before, after = (record.last(step).states(name)[-1] for step in ("converge", "another kernel"))
    assert before["boot"] != after["boot"]
    assert host.check_output("uname -r") == new(record, name)
    assert set(variables["kernel_args"]) <= set(host.file("/proc/cmdline").content_string.split())
