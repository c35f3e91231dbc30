# SPDX-License-Identifier: GPL-3.0-or-later
"""The kernel runs with the arguments asked for, after a real reboot, and so would every other that is installed.

It makes user namespaces, although a hardening baseline forbids them.
"""

testinfra_hosts = ["ansible://docker_hosts"]


def test_the_run_rebooted_the_host_and_the_second_run_did_not(record, name):
    before, first, second = (
        record.last(step, nth).states(name)[-1]["boot"]
        for step, nth in (("prepare", -1), ("converge", 0), ("converge", 1))
    )
    assert before != first and first == second


def test_the_boot_loader_is_the_one_that_the_scenario_names(record, name, variables):
    tasks = [task for task in record.last("converge", 0).tasks if task["host"] == name and task["changed"]]
    loaders = [task["result"]["boot_loader"] for task in tasks if task["action"] == "containment.docker.kernel_args"]
    assert loaders == [variables["machine_boot_loader"]]


def test_the_platform_is_taken_for_what_it_is(host, record, name, variables):
    """The facts that choose how an engine is installed, and the unit that is found for it."""
    results = [task for task in record.last("converge", 0).tasks if task["host"] == name]
    facts = [task["result"]["ansible_facts"] for task in results if task["action"] == "ansible.builtin.setup"]
    # Asked only where an engine is to be installed.
    wanted = [variables["machine_os_family"]] if "machine_package_manager" in variables else []
    assert [one["ansible_os_family"] for one in facts] == wanted
    service = [task["result"] for task in results if task["action"] == "containment.docker.engine_info"][-1]["service"]
    unit = host.check_output("systemctl show --property=FragmentPath --value docker.service")
    assert (service["manager"], service["name"]) == ("systemd", "docker.service")
    assert service["origin"].rpartition(":")[0] == unit  # and the line


def test_the_kernel_runs_with_the_arguments(host, variables):
    assert variables["kernel_args"]
    assert set(variables["kernel_args"]) <= set(host.file("/proc/cmdline").content_string.split())


def test_every_boot_entry_has_the_arguments(entries, variables):
    assert entries
    for entry, words in entries.items():
        assert set(variables["kernel_args"]) <= set(words), entry


def test_the_baseline_is_outweighed_and_left_alone(host, record, name):
    assert record.last("prepare").states(name)[-1]["max_user_namespaces"] == 0
    assert host.check_output("cat /proc/sys/user/max_user_namespaces") == "15000"
    assert "user.max_user_namespaces = 0" in host.file("/etc/sysctl.d/99-baseline.conf").content_string.splitlines()
    told = [str(task["result"].get("msg")) for task in record.last("converge", 0).tasks if task["host"] == name]
    assert any("/etc/sysctl.d/99-baseline.conf" in words for words in told)
