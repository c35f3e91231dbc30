# SPDX-License-Identifier: GPL-3.0-or-later
"""Cases of Debian (its real grub-mkconfig) and Ubuntu: Debian's with the options that Ubuntu builds it with, and a
stand-in for the boot without an initrd that Ubuntu alone tries."""

from .casebook import case, dropin

NAME = "user_namespace.enable=1"
ADD = {"present": [NAME]}
OURS = "etc/default/grub.d/zz-containment.cfg"
CONFIG = "boot/grub/grub.cfg"
VERSIONS = {"bullseye": "5.10.0-28-amd64", "bookworm": "6.1.0-18-amd64", "trixie": "6.12.0-1-amd64"}
# What 10_linux gives to recovery in front of GRUB_CMDLINE_LINUX.
ENDS = {"trixie": ["\n"]}
ENDS["bookworm"] = ENDS["bullseye"] = ["\n", " init=/lib/systemd/systemd\n"]
SINGLE = {"bullseye": "single", "bookworm": "single", "trixie": "single dis_ucode_ldr"}


def defaults(linux, default="quiet", more=""):
    return (
        "# If you change this file, run 'update-grub' afterwards.\n"
        "GRUB_DEFAULT=0\nGRUB_TIMEOUT=5\nGRUB_DISTRIBUTOR=Debian\n"
        f'GRUB_CMDLINE_LINUX_DEFAULT="{default}"\nGRUB_CMDLINE_LINUX="{linux}"\n' + more
    )


def debian(name, suite, before, after, run, declares, text=None, files=(), kernels=(), recovery=None, **facts):
    """before, after: (GRUB_CMDLINE_LINUX, GRUB_CMDLINE_LINUX_DEFAULT) as entries say them; declares: by our drop-in.

    text: /etc/default/grub where it is not simply `before`. recovery: (before, after) where not the first of these.
    """
    versions = (VERSIONS[suite], *kernels)
    tree = {"etc/default/grub": text or defaults(*before), **dict(files)}
    for version in versions:
        tree.update({f"boot/vmlinuz-{version}": "", f"boot/initrd.img-{version}": ""})
    change = []
    if after is not None:
        for end in ENDS[suite]:
            change.append((CONFIG, "ro " + " ".join(before) + end, "ro " + " ".join(after) + end))
        old, new = recovery or (before[0], after[0])
        if old != new:
            change.append((CONFIG, f"ro {SINGLE[suite]} {old}\n", f"ro {SINGLE[suite]} {new}\n"))
    new = {} if declares is None or OURS in tree else {OURS: dropin(declares)}
    if declares is not None and OURS in tree:
        change.append((OURS, tree[OURS], dropin(declares)))
    facts.setdefault("boot_loader", "grub-mkconfig")
    case(name, tree, run, change, new=new, suite=suite, make=True, **facts)


for suite in VERSIONS:
    debian(f"debian-{suite}-add", suite, ("", "quiet"), (NAME, "quiet"), ADD, {"user_namespace.enable": [NAME]})
debian(
    "debian-two-kernels",
    "bullseye",
    ("net.ifnames=0", "quiet"),
    ("net.ifnames=0 " + NAME, "quiet"),
    ADD,
    {"user_namespace.enable": [NAME]},
    kernels=["5.10.0-26-amd64"],
)
debian(
    "debian-with-header",
    "trixie",
    ("", "quiet"),
    (NAME, "quiet"),
    ADD,
    {"user_namespace.enable": [NAME]},
    quiet=False,
)
debian(
    "debian-absent",
    "bookworm",
    ("net.ifnames=0", "quiet splash"),
    ("net.ifnames=0", ""),
    {"absent": ["quiet", "splash"]},
    {"quiet": [], "splash": []},
)
debian(
    "debian-value-replaced",
    "trixie",
    ("audit=0 net.ifnames=0", "quiet"),
    ("net.ifnames=0 audit=1", "quiet"),
    {"present": ["audit=1"]},
    {"audit": ["audit=1"]},
)
debian(
    "debian-consoles-of-both-variables",
    "bookworm",
    ("console=tty1", "console=ttyS1 quiet"),
    ("console=tty0 console=ttyS0,115200", "quiet"),
    {"present": ["console=tty0", "console=ttyS0,115200"]},
    {"console": ["console=tty0", "console=ttyS0,115200"]},
)
debian(
    "debian-absent-one-value",
    "trixie",
    ("console=tty0 console=ttyS0", "quiet"),
    ("console=ttyS0", "quiet"),
    {"absent": ["console=tty0"]},
    {"console": ["console=ttyS0"]},
)
debian(
    "debian-dash-is-underscore",
    "bookworm",
    ("user-namespace.enable=0 a=1", "quiet"),
    ("a=1 " + NAME, "quiet"),
    ADD,
    {"user_namespace.enable": [NAME]},
)
debian(
    "debian-flag-and-empty-value",
    "trixie",
    ("a a=x b", "a= quiet"),
    ("b a=", "quiet"),
    {"present": ["a="]},
    {"a": ["a="]},
)
debian(
    "debian-drop-in-says-the-opposite",
    "bookworm",
    ("audit=1 audit=0", "quiet"),
    ("audit=1", "quiet"),
    {"present": ["audit=1"]},
    {"audit": ["audit=1"]},
    text=defaults("audit=1"),
    files={"etc/default/grub.d/50-vendor.cfg": 'GRUB_CMDLINE_LINUX="$GRUB_CMDLINE_LINUX audit=0"\n'},
)
debian(
    "debian-appended-to-itself",
    "trixie",
    ("a=1 x", "quiet"),
    ("a=1 x " + NAME, "quiet"),
    ADD,
    {"user_namespace.enable": [NAME]},
    text=defaults("a=1", more='GRUB_CMDLINE_LINUX="$GRUB_CMDLINE_LINUX x"\n'),
)
debian(
    "debian-odd-writing",
    "bookworm",
    ("a=1 b", "quiet loglevel=3"),
    ("a=1 b " + NAME, "loglevel=3"),
    {"present": [NAME], "absent": ["quiet"]},
    {"quiet": [], "user_namespace.enable": [NAME]},
    text='# GRUB_CMDLINE_LINUX="quiet"\nGRUB_DISTRIBUTOR=Debian\nset -- quiet; GRUB_CMDLINE_LINUX_DEFAULT=$1\n'
    "GRUB_CMDLINE_LINUX_DEFAULT=\"$GRUB_CMDLINE_LINUX_DEFAULT loglevel=3\" # less\nGRUB_CMDLINE_LINUX='a=1 b'",
)
debian(
    "debian-stars-are-no-patterns",
    "trixie",
    ("blacklist=* [a-z]* ?", "quiet *"),
    ("blacklist=* [a-z]* ? " + NAME, "quiet *"),
    ADD,
    {"user_namespace.enable": [NAME]},
)
debian(
    "debian-value-with-blanks",
    "trixie",
    ("", "quiet"),
    ('dyndbg="file core.c +p; module x +p"', "quiet"),
    {"present": ['dyndbg="file core.c +p; module x +p"']},
    {"dyndbg": ['dyndbg="file core.c +p; module x +p"']},
)
debian(
    "debian-value-with-blanks-replaced",
    "bookworm",
    ('dyndbg="file  a.c +p" b', 'x="y  z" quiet'),
    ("b dyndbg=+p", 'x="y  z" quiet'),
    {"present": ["dyndbg=+p"]},
    {"dyndbg": ["dyndbg=+p"]},
    text=defaults(r"dyndbg=\"file  a.c +p\" b", r"x=\"y  z\" quiet"),
)
debian(
    "debian-arguments-of-init",
    "trixie",
    ("a=1 quiet -- quiet", "quiet"),
    ("a=1 " + NAME + " -- quiet", "quiet"),
    {"present": [NAME], "absent": ["quiet"]},
    {"quiet": [], "user_namespace.enable": [NAME]},
)
debian(
    "debian-added-to-our-drop-in",
    "bookworm",
    ("audit=1", "quiet"),
    ("audit=1 " + NAME, "quiet"),
    ADD,
    {"audit": ["audit=1"], "user_namespace.enable": [NAME]},
    text=defaults("audit=0"),
    files={OURS: dropin({"audit": ["audit=1"]})},
)
debian(
    "debian-drop-in-goes",
    "trixie",
    (NAME, "quiet"),
    ("", "quiet"),
    {"absent": [NAME]},
    None,
    text=defaults(""),
    files={OURS: dropin({"user_namespace.enable": [NAME]})},
    gone=[OURS],
)
debian(
    "debian-said-by-others-already",
    "trixie",
    ("audit=1", "quiet"),
    None,
    {"present": ["audit=1", "quiet"]},
    None,
    running="audit=1 quiet",
    reboot_required=False,
)
debian(
    "debian-entry-of-40-custom",
    "bookworm",
    ("", "quiet"),
    (NAME, "quiet"),
    ADD,
    {"user_namespace.enable": [NAME]},
    files={
        "etc/grub.d/40_custom": "#!/bin/sh\nexec tail -n +3 $0\n"
        "menuentry 'Rescue' --id rescue {\n\tlinux\t/boot/rescue root=/dev/sdb1 ro  quiet -- x\n}\n"
    },
    warnings=["the entry 'rescue' of /etc/grub.d/40_custom is not made from /etc/default/grub and stays as it is"],
)
debian(
    "debian-not-applied-yet",
    "trixie",
    ("", "quiet"),
    ("audit=1 " + NAME, ""),
    ADD,
    {"user_namespace.enable": [NAME]},
    later={"etc/default/grub": defaults("audit=1", "")},
    recovery=("", "audit=1 " + NAME),
    warnings=["/boot/grub/grub.cfg is older than /etc/default/grub", "also took up what others had changed"],
    predicted=False,
)
debian(
    "debian-drop-in-read-after-ours",
    "trixie",
    ("audit=0", "quiet"),
    None,
    {"present": ["audit=1"]},
    None,
    text=defaults(""),
    files={"etc/default/grub.d/zzz.cfg": 'GRUB_CMDLINE_LINUX="audit=0"\n'},
    refused="audit: is set by a file in /etc/default/grub.d that is read after /etc/default/grub.d/zz-containment.cfg, "
    "or in quotes that hide it; take it out there.",
)
debian(
    "debian-set-by-10-linux",
    "bookworm",
    ("", "quiet"),
    None,
    {"absent": ["ro"]},
    None,
    refused="ro: is set for gnulinux-simple-0aa1b0e6-5d2c-4b0c-9f57-5c3f0e6f2a11 by /etc/grub.d/10_linux itself; "
    "change it in GRUB's own settings.",
)
debian(
    "debian-somebody-elses-file",
    "trixie",
    ("", "quiet"),
    None,
    ADD,
    None,
    files={OURS: "GRUB_CMDLINE_LINUX=x\n"},
    text=defaults(""),
    refused="/etc/default/grub.d/zz-containment.cfg, line 1: is not what the module writes there; give the file "
    "another name, or remove it.",
)
debian(
    "debian-edited-drop-in",
    "trixie",
    ("audit=1", "quiet"),
    None,
    ADD,
    None,
    text=defaults(""),
    files={OURS: dropin({"audit": ["audit=1"]})},
    later={OURS: dropin({"audit": ["audit=1"]}).replace('["audit=1"]', '["audit=1\'$(x)"]')},
    refused="/etc/default/grub.d/zz-containment.cfg, line 2: is not what the module writes there (present: "
    '"audit=1\'$(x)" holds a character that shells or boot loaders give a meaning to; use letters, digits and '
    '. _ : / , @ % = + ~ ^ ! -, and name="..." for blanks and others; never $ ` \\ \' or a quote inside.); restore the '
    "file, or remove it.",
)

debian(
    "debian-order-of-two-names",
    "trixie",
    ("audit=0 a", "quiet"),
    ("a zswap.enabled=1 audit=1", "quiet"),
    {"present": ["zswap.enabled=1", "audit=1"]},
    {"zswap.enabled": ["zswap.enabled=1"], "audit": ["audit=1"]},
)
PAGES = ["hugepagesz=1G", "hugepages=4", "hugepagesz=2M", "hugepages=512"]
debian(
    "debian-pages-of-two-sizes",
    "bookworm",
    ("", "quiet"),
    (" ".join(PAGES), "quiet"),
    {"present": PAGES},
    [(word.partition("=")[0], [word]) for word in PAGES],
    running=" ".join(PAGES[::2] + PAGES[1::2]),
    reboot_required=True,
)
debian(
    "debian-pages-of-two-sizes-there",
    "trixie",
    (" ".join(PAGES), "quiet"),
    None,
    {"present": PAGES},
    None,
    running=" ".join(PAGES),
    reboot_required=False,
)
debian(
    "debian-pages-before-their-size-refused",
    "trixie",
    ("hugepages=4", "quiet"),
    None,
    {"present": PAGES[:2]},
    None,
    refused="present: would come out as 'hugepages=4 hugepagesz=1G', which gives pages of other sizes; list hugepagesz "
    "and hugepages together; where both are there already, take them out under absent first.",
)
debian(
    "debian-volume-added",
    "bookworm",
    ("rd.lvm.lv=vg/root", "quiet"),
    ("rd.lvm.lv=vg/root rd.lvm.lv=vg/data", "quiet"),
    {"present": ["rd.lvm.lv=vg/root", "rd.lvm.lv=vg/data"]},
    {"rd.lvm.lv": ["rd.lvm.lv=vg/root", "rd.lvm.lv=vg/data"]},
)
debian(
    "debian-volume-taken-out",
    "trixie",
    ("rd.lvm.lv=vg/root rd.lvm.lv=vg/old", "quiet"),
    ("rd.lvm.lv=vg/root", "quiet"),
    {"present": ["rd.lvm.lv=vg/root"], "absent": ["rd.lvm.lv=vg/old"]},
    {"rd.lvm.lv": ["rd.lvm.lv=vg/root"]},
)
debian(
    "debian-volume-lost-refused",
    "bookworm",
    ("rd.lvm.lv=vg/root", "quiet"),
    None,
    {"present": ["rd.lvm.lv=vg/data"]},
    None,
    refused="present: does not list 'rd.lvm.lv=vg/root', by which the system may find what it boots from; list it too, "
    "or put it under absent.",
)
for name, suite, language, files in (
    (
        "debian-in-german",
        "bookworm",
        "de_DE.UTF-8",
        {"etc/default/locale": '#  File generated by update-locale\nLANG="de_DE.UTF-8"\nLANGUAGE=de_DE:de\n'},
    ),
    ("debian-in-a-language-of-the-menu-alone", "trixie", "pt_BR.UTF-8", {"etc/locale.conf": "LANG=C.UTF-8\n"}),
    ("debian-in-no-language-with-a-charset", "bullseye", "C.UTF-8", {}),
):
    debian(
        name,
        suite,
        ("", "quiet"),
        (NAME, "quiet"),
        ADD,
        {"user_namespace.enable": [NAME]},
        files=files,
        quiet=False,
        language=language,
        warnings=[],
    )
debian(
    "debian-memory-test",
    "trixie",
    ("", "quiet"),
    (NAME, "quiet"),
    ADD,
    {"user_namespace.enable": [NAME]},
    files={
        "etc/grub.d/20_memtest86+": "#!/bin/sh\ncat <<EOF\nmenuentry 'Memory test' {\n\tlinux16\t/boot/memtest86+.bin\n"
        "}\nEOF\n"
    },
    warnings=[],
)

# --- Ubuntu ---

UBUNTU = 'GRUB_DEFAULT=0\nGRUB_TIMEOUT_STYLE=hidden\nGRUB_TIMEOUT=0\nGRUB_DISTRIBUTOR="Ubuntu"\n'
RECOVERY = dict.fromkeys(VERSIONS, "recovery nomodeset")
RECOVERY["trixie"] += " dis_ucode_ldr"


def ubuntu_files(version, linux, default):
    return {
        "etc/default/grub": UBUNTU + f'GRUB_CMDLINE_LINUX_DEFAULT="{default}"\nGRUB_CMDLINE_LINUX="{linux}"\n',
        "etc/grub.d/40_custom": "#!/bin/sh\nexec tail -n +3 $0\n",
        f"boot/vmlinuz-{version}-generic": "",
        f"boot/initrd.img-{version}-generic": "",
    }


def ubuntu(name, suite, version, before, after, run, declares, default=None, files=(), **facts):
    """suite: the Debian that has the same version of GRUB. before, after: as in debian(). default: as in the file."""
    tree = {**ubuntu_files(version, before[0], before[1] if default is None else default), **dict(files)}
    (old, new), change = (" ".join(words) for words in (before, after)), []
    old, new = (line + " $vt_handoff" if "splash" in line else line for line in (old, new))
    for end in ENDS[suite]:
        change.append((CONFIG, f"ro {old}{end}", f"ro {new}{end}"))
    if before[0] != after[0]:
        single = f"ro {RECOVERY[suite]} "
        change.append((CONFIG, f"{single}{before[0]}\n", f"{single}{after[0]}\n"))
    facts = {**facts, "boot_loader": "grub-mkconfig", "ubuntu": True, "suite": suite, "make": True}
    case(name, tree, run, change, new={OURS: dropin(declares)}, **facts)


ubuntu(
    "ubuntu2004-add",
    "bullseye",
    "5.4.0-200",
    ("", "quiet splash"),
    (NAME, "quiet splash"),
    ADD,
    {"user_namespace.enable": [NAME]},
)
CLOUD = {
    "etc/default/grub.d/50-cloudimg-settings.cfg": "# Cloud Image specific Grub settings for Generic Cloud Images\n"
    'GRUB_RECORDFAIL_TIMEOUT=0\nGRUB_CMDLINE_LINUX_DEFAULT="console=tty1 console=ttyS0"\n'
}
ubuntu(
    "ubuntu2204-cloud-console",
    "bookworm",
    "5.15.0-91",
    ("", "console=tty1 console=ttyS0"),
    ("console=ttyS0,115200", ""),
    {"present": ["console=ttyS0,115200"]},
    {"console": ["console=ttyS0,115200"]},
    "quiet splash",
    CLOUD,
)
ubuntu(
    "ubuntu2404-absent",
    "trixie",
    "6.8.0-45",
    ("", "quiet splash"),
    ("", ""),
    {"absent": ["splash", "quiet"]},
    {"quiet": [], "splash": []},
)
ubuntu("ubuntu2404-empty", "trixie", "6.8.0-45", ("", ""), (NAME, ""), ADD, {"user_namespace.enable": [NAME]})
# Ubuntu's own boot without an initrd, by its stand-in.
FIRST, LAST = "console=tty1 console=ttyS0", " panic=-1\n"
case(
    "ubuntu2204-cloud-partuuid",
    {
        **ubuntu_files("5.15.0-91", "net.ifnames=0", ""),
        **CLOUD,
        "etc/default/grub.d/40-force-partuuid.cfg": "GRUB_FORCE_PARTUUID=2f6d1c3a-01\n",
    },
    ADD,
    [
        (CONFIG, f"ro net.ifnames=0 {FIRST}\n", f"ro net.ifnames=0 {NAME} {FIRST}\n"),
        (CONFIG, f"ro net.ifnames=0 {FIRST}{LAST}", f"ro net.ifnames=0 {NAME} {FIRST}{LAST}"),
        (CONFIG, f"{RECOVERY['trixie']} net.ifnames=0\n", f"{RECOVERY['trixie']} net.ifnames=0 {NAME}\n"),
    ],
    new={OURS: dropin({"user_namespace.enable": [NAME]})},
    suite="trixie",
    standins=["grub-mkconfig"],
    make=True,
    boot_loader="grub-mkconfig",
)
