# SPDX-License-Identifier: GPL-3.0-or-later
"""The kernel that was installed after the run has a boot entry with the arguments asked for."""

testinfra_hosts = ["ansible://docker_hosts"]


def test_the_new_kernel_has_an_entry_with_the_arguments(record, name, entries, variables):
    tasks = {task["name"]: task["result"] for task in record.last("another kernel").tasks if task["host"] == name}
    before, after = (tasks[task]["stdout_lines"] for task in ("List the kernels", "List the kernels now"))
    (kernel,) = set(after) - set(before)
    found = [words for words in entries.values() if any(word.endswith("/vmlinuz-" + kernel) for word in words)]
    assert found
    assert all(set(variables["kernel_args"]) <= set(words) for words in found)
