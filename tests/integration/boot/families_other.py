# SPDX-License-Identifier: GPL-3.0-or-later
"""Cases of systemd-boot (the real kernel-install), rpm-ostree (a stand-in), builds of bootc images, and what is not
known."""

from .casebook import case

NAME = "user_namespace.enable=1"
ADD = {"present": [NAME]}
ID = "4d7a0c1f5e2b4b0e9d1c3a5f7e9b1d3c"
RUNNING = "running-kernel"  # Stands for os.uname().release in paths and contents.
OLDER = "6.12.1-amd64"
ROOT = "root=UUID=0aa1b0e6-5d2c-4b0c-9f57-5c3f0e6f2a11 ro"
MACHINE = "systemd.machine_id=" + ID


def loader_entry(version, options, suite):
    return (
        ("" if suite == "bookworm" else "# Boot Loader Specification type#1 entry\n")
        + f"title      Debian GNU/Linux 13 (trixie)\nversion    {version}\nmachine-id {ID}\nsort-key   debian\n"
        f"options    {options}\nlinux      /{ID}/{version}/linux\n"
    )


def systemd_boot(
    name, options, now, run, cmdline=None, cmdline_now=None, files=(), tries=("", ""), suite="trixie", **facts
):
    """options, now: of the entries; cmdline, cmdline_now: /etc/kernel/cmdline. Two kernels are installed.

    tries: what boot counting adds to the names of their entries.
    """
    tree = {
        "efi/loader/loader.conf": "timeout 3\n",
        "efi/EFI/systemd/systemd-bootx64.efi": "",
        "etc/machine-id": ID + "\n",
    }
    # kernel-install of 257 finds the place by itself only where it is FAT.
    tree["etc/kernel/install.conf"] = "layout=bls\nBOOT_ROOT=/efi\n"
    change, new = [], {}
    tree["etc/os-release"] = "PRETTY_NAME='Debian GNU/Linux 13 (trixie)'\nID=debian\n"
    for version, counter in zip((OLDER, RUNNING), tries, strict=True):
        path = f"efi/loader/entries/{ID}-{version}{counter}.conf"
        tree[path] = loader_entry(version, options, suite)
        tree[f"boot/vmlinuz-{version}"] = f"image of {version}\n"
        tree[f"efi/{ID}/{version}/linux"] = f"image of {version}\n"
        if now is not None:
            change.append((path, options, now))
    if cmdline is not None:
        tree["etc/kernel/cmdline"] = cmdline
        if cmdline_now is not None:
            change.append(("etc/kernel/cmdline", cmdline, cmdline_now))
    elif cmdline_now is not None:
        new["etc/kernel/cmdline"] = cmdline_now
    facts.setdefault("boot_loader", "systemd-boot")
    case(name, {**tree, **dict(files)}, run, change, new=new, suite=suite, **facts)


for suite in ("bookworm", "trixie"):
    systemd_boot(
        f"systemd-boot-{suite}-add",
        f"{ROOT} quiet {MACHINE}",
        f"{ROOT} quiet {MACHINE} {NAME}",
        ADD,
        ROOT + " quiet\n",
        f"{ROOT} quiet {NAME}\n",
        suite=suite,
    )
systemd_boot(
    "systemd-boot-boot-counting",
    f"{ROOT} quiet {MACHINE}",
    f"{ROOT} quiet {MACHINE} {NAME}",
    ADD,
    ROOT + " quiet\n",
    f"{ROOT} quiet {NAME}\n",
    files={"etc/kernel/tries": "3\n"},
    tries=("+3", "+2-1"),
)
systemd_boot(
    "systemd-boot-without-cmdline",
    f"{ROOT} quiet {MACHINE}",
    f"{ROOT} quiet {MACHINE} {NAME}",
    ADD,
    None,
    f"{ROOT} quiet {NAME}\n",
)
systemd_boot(
    "systemd-boot-cmdline-of-the-vendor",
    f"{ROOT} quiet {MACHINE}",
    f"{ROOT} {MACHINE} audit=1",
    {"present": ["audit=1"], "absent": ["quiet"]},
    None,
    f"{ROOT} audit=1\n",
    files={"usr/lib/kernel/cmdline": "quiet\n"},
)
systemd_boot(
    "systemd-boot-value-with-blanks",
    f'{ROOT} dyndbg="file a.c +p" audit=0 {MACHINE}',
    f'{ROOT} audit=0 {MACHINE} dyndbg="file b.c +p"',
    {"present": ['dyndbg="file b.c +p"']},
    f'{ROOT} dyndbg="file a.c +p" audit=0\n',
    f'{ROOT} audit=0 dyndbg="file b.c +p"\n',
)
systemd_boot(
    "systemd-boot-order-of-two-names",
    f"{ROOT} audit=0 quiet {MACHINE}",
    f"{ROOT} quiet {MACHINE} zswap.enabled=1 audit=1",
    {"present": ["zswap.enabled=1", "audit=1"]},
    ROOT + " audit=0 quiet\n",
    ROOT + " quiet zswap.enabled=1 audit=1\n",
)
systemd_boot(
    "systemd-boot-options-of-two-lines",
    f"{ROOT} console=tty0\noptions\tquiet console=ttyS1 {MACHINE}",
    f"{ROOT}\noptions\tquiet {MACHINE} console=ttyS0",
    {"present": ["console=ttyS0"]},
    ROOT + " console=ttyS0\n",
)
systemd_boot(
    "systemd-boot-options-in-quotes-refused",
    f'"a=b c" {ROOT}',
    None,
    {"present": ['dyndbg="file b.c +p"']},
    ROOT + "\n",
    refused=f"/efi/loader/entries/{ID}-{OLDER}.conf: has options in quotes that would not survive; write them on one "
    "line, not in quotes as a whole.",
)
systemd_boot(
    "systemd-boot-volume-of-cmdline-lost-refused",
    f"{ROOT} {MACHINE}",
    None,
    {"present": ["rd.luks.uuid=1"]},
    ROOT + " rd.luks.uuid=2\n",
    refused="present: does not list 'rd.luks.uuid=2', by which the system may find what it boots from; list it too, or "
    "put it under absent.",
)
systemd_boot(
    "systemd-boot-cmdline-alone",
    f"{ROOT} {NAME} {MACHINE}",
    None,
    ADD,
    ROOT + "\n",
    f"{ROOT} {NAME}\n",
)
systemd_boot(
    "systemd-boot-nothing-to-do",
    f"{ROOT} {NAME} {MACHINE}",
    None,
    ADD,
    f"{ROOT} {NAME}\n",
    running=NAME,
    reboot_required=False,
)
systemd_boot(
    "systemd-boot-another-system",
    f"{ROOT} quiet {MACHINE}",
    f"{ROOT} {MACHINE}",
    {"absent": ["quiet"]},
    ROOT + " quiet\n",
    ROOT + "\n",
    files={"efi/loader/entries/other.conf": "title Other\nlinux /other/linux\noptions root=/dev/sdb1 quiet\n"},
    warnings=["the entry 'other' is not one of kernel-install for this system and stays as it is"],
)
systemd_boot(
    "systemd-boot-others-changed-cmdline",
    f"{ROOT} quiet {MACHINE}",
    f"{ROOT} quiet {MACHINE} {NAME}",
    ADD,
    ROOT + " audit=1\n",
    f"{ROOT} audit=1 {NAME}\n",
    warnings=[],
)
systemd_boot(
    "systemd-boot-unified-image",
    ROOT,
    None,
    ADD,
    ROOT + "\n",
    files={f"efi/EFI/Linux/{ID}-{OLDER}.efi": ""},
    refused=f"/efi/EFI/Linux/{ID}-{OLDER}.efi: is a unified kernel image: its arguments are inside, signed with it "
    "under Secure Boot; build the image anew with other arguments.",
)
systemd_boot(
    "systemd-boot-layout-of-unified-images",
    ROOT,
    None,
    ADD,
    ROOT + "\n",
    files={"etc/kernel/install.conf": "layout=uki\n"},
    refused="/etc/kernel/install.conf: asks for unified kernel images (layout=uki), whose arguments are inside; build "
    "the image anew with other arguments.",
)
systemd_boot(
    "systemd-boot-beside-grub",
    ROOT,
    None,
    ADD,
    ROOT + "\n",
    files={"boot/grub/grub.cfg": "set timeout=5\n"},
    refused="boot loader: there are files of GRUB and of systemd-boot, and the firmware does not say which one boots; "
    "remove what is not in use.",
)

# --- rpm-ostree and bootc ---

OSTREE = "root=UUID=0aa1b0e6-5d2c-4b0c-9f57-5c3f0e6f2a11 rw ostree=/ostree/boot.1/fedora/aa/0"


def ostree(name, words, now, run, **facts):
    path = "boot/loader/entries/ostree-1.conf"
    text = f"title Fedora CoreOS\nversion 1\noptions {OSTREE} {words}\nlinux /ostree/fedora-aa/vmlinuz-6\n"
    change = [(path, f"{OSTREE} {words}\n", f"{OSTREE} {now}\n")] if now is not None else []
    facts.setdefault("boot_loader", "rpm-ostree")
    files = {path: text, "run/ostree-booted": ""}
    case(name, files, run, change, suite="trixie", standins=["rpm-ostree"], **facts)


ostree("ostree-add", "quiet", "quiet " + NAME, ADD)
ostree("ostree-value-replaced", "audit=0 quiet", "quiet audit=1", {"present": ["audit=1"]})
ostree(
    "ostree-consoles",
    "console=tty0 console=ttyS1 quiet",
    "quiet console=tty0 console=ttyS0",
    {"present": ["console=tty0", "console=ttyS0"]},
)
ostree("ostree-absent", "console=tty0 quiet console=ttyS0", "console=ttyS0", {"absent": ["quiet", "console=tty0"]})
ostree(
    "ostree-order-of-two-names",
    "audit=0 quiet",
    "quiet zswap.enabled=1 audit=1",
    {"present": ["zswap.enabled=1", "audit=1"]},
)
ostree(
    "ostree-volume-lost-refused",
    "rd.luks.name=1=root",
    None,
    {"present": ["rd.luks.name=2=data"]},
    refused="present: does not list 'rd.luks.name=1=root', by which the system may find what it boots from; list it "
    "too, or put it under absent.",
)
ostree("ostree-nothing-to-do", NAME, None, ADD, running=NAME, reboot_required=False)
ostree(
    "ostree-its-own-argument",
    "quiet",
    None,
    {"absent": ["ostree"]},
    refused="absent: 'ostree' is what the boot loader makes itself from where things are; change it in its own "
    "settings.",
)
case(
    "bootc-booted",
    {"run/ostree-booted": ""},
    ADD,
    suite="trixie",
    refused="boot loader: this host runs a bootc image without rpm-ostree; put kargs.d into the image and upgrade.",
)
BOOTC = "usr/lib/bootc/kargs.d/50-containment.toml"
VENDOR = {"usr/lib/bootc/kargs.d/10-vendor.toml": "# of the vendor\nkargs = [\n  \"quiet\", # less\n  'audit=0',\n]\n"}
HEAD = "# Kernel arguments, written by the module containment.docker.kernel_args.\n"
case("bootc-build-add", VENDOR, ADD, new={BOOTC: f'{HEAD}kargs = ["{NAME}"]\n'}, suite="trixie", boot_loader="bootc")
case(
    "bootc-build-added-to-ours",
    {**VENDOR, BOOTC: HEAD + 'kargs = ["a=1", "b"]\n'},
    {"present": ["a=2", NAME], "absent": ["c"]},
    [(BOOTC, '["a=1", "b"]', f'["b", "a=2", "{NAME}"]')],
    suite="trixie",
    reboot_required=False,
)
case(
    "bootc-build-ours-goes",
    {**VENDOR, BOOTC: f'{HEAD}kargs = ["{NAME}"]\n'},
    {"absent": [NAME]},
    gone=[BOOTC],
    suite="trixie",
)
case(
    "bootc-build-set-by-the-vendor",
    VENDOR,
    {"absent": ["audit"]},
    suite="trixie",
    refused="audit: is set by /usr/lib/bootc/kargs.d/10-vendor.toml, and lists of kargs.d are only ever added up; "
    "change it there.",
)
case(
    "bootc-build-unreadable",
    {"usr/lib/bootc/kargs.d/10-vendor.toml": "kargs = [1]\n"},
    ADD,
    suite="trixie",
    refused="/usr/lib/bootc/kargs.d/10-vendor.toml: has no list kargs that can be read; write it as kargs = "
    '["name=value"].',
)

# --- what is not known ---

for name, files, told in (
    (
        "unknown-extlinux",
        {"boot/extlinux/extlinux.conf": "default linux\n"},
        "/boot/extlinux/extlinux.conf is of extlinux or U-Boot with extlinux.conf; set the argument by hand.",
    ),
    (
        "unknown-zipl",
        {"etc/zipl.conf": "[defaultboot]\n"},
        "/etc/zipl.conf is of zipl, whose boot record has to be written after each change; set the argument by hand.",
    ),
    (
        "unknown-raspberry-pi",
        {"boot/firmware/cmdline.txt": "root=/dev/mmcblk0p2\n"},
        "/boot/firmware/cmdline.txt is of the firmware of a Raspberry Pi; set the argument by hand.",
    ),
    (
        "unknown-grub2-without-grubby",
        {"boot/grub2/grub.cfg": "set timeout=5\n"},
        "/boot/grub2/grub.cfg is of GRUB without grubby; set the argument by hand.",
    ),
    (
        "unknown-none",
        {"etc/hostname": "container\n"},
        "there is none below /boot: this is a container, a chroot, or boots otherwise; run it on the host itself.",
    ),
):
    case(name, files, ADD, suite="trixie", refused="boot loader: " + told)
case(
    "unknown-boot-not-mounted",
    {"etc/fstab": "UUID=0a /     ext4 defaults 0 1\nUUID=0b /boot ext4 defaults 0 2\n"},
    ADD,
    suite="trixie",
    refused="/boot: is in /etc/fstab but not mounted; mount it first: mount /boot.",
)
