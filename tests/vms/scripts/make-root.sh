#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# make-root.sh TREE LAYOUT UUID KEYS FINISH GRUBBY: make a fresh Debian tree the root of a virtual machine, whose file
# system will have that UUID. LAYOUT: debian, debian-cloud or el-layout. KEYS: folder with host_key and user_key.pub. FINISH: the
# finish-tree.sh of the throwaway hosts. GRUBBY: the stand-in for grubby.
set -eu
tree=$1 layout=$2 uuid=$3 keys=$4 finish=$5 grubby=$6
here=$(dirname "$0")
export DEBIAN_FRONTEND=noninteractive LC_ALL=C

# An initial ramdisk of what this machine type has: small, and quick to make where the processor is emulated.
printf 'MODULES=list\nCOMPRESS=zstd\nCOMPRESSLEVEL=1\n' >"$tree/etc/initramfs-tools/conf.d/vm"
printf '%s\n' virtio_pci virtio_blk ext4 >>"$tree/etc/initramfs-tools/modules"

# Two kernels: the oldest that is offered now, and another one to be installed later.
kernels=$(chroot "$tree" apt-cache pkgnames linux-image- | grep -E '^linux-image-[0-9].*-cloud-amd64$' | sort -V)
first=$(echo "$kernels" | head -n 1)
other=$(echo "$kernels" | tail -n 1)
if [ "$first" = "$other" ]; then
    other=$(chroot "$tree" apt-cache pkgnames linux-image- | grep -E '^linux-image-[0-9].*-rt-amd64$' | sort -V | tail -n 1)
fi
first_version=${first#linux-image-} other_version=${other#linux-image-}
chroot "$tree" apt-get -qy install "$first"

arguments="ro console=tty0 console=ttyS0,115200"
cat >"$tree/etc/default/grub" <<GRUB
GRUB_DEFAULT=0
GRUB_TIMEOUT=0
GRUB_DISTRIBUTOR=Debian
GRUB_CMDLINE_LINUX_DEFAULT=""
GRUB_CMDLINE_LINUX="${arguments#ro }"
GRUB_TERMINAL=serial
GRUB_SERIAL_COMMAND="serial --unit=0 --speed=115200"
GRUB_DISABLE_OS_PROBER=true
GRUB

case $layout in
debian | debian-cloud)
    sh "$finish" "$tree" docker.io docker-cli "$other"
    chroot "$tree" sh -eu <"$here/repack.sh"
    cat >"$tree/opt/another-kernel" <<INSTALL
#!/bin/sh
set -eu
export DEBIAN_FRONTEND=noninteractive
apt-get -qq update
apt-get -qqy install $other >&2
echo $other_version
INSTALL
    cat >"$tree/opt/engine" <<INSTALL
#!/bin/sh
set -eu
export DEBIAN_FRONTEND=noninteractive
apt-get -qq update
apt-get -qqy install docker.io docker-cli
INSTALL
    grub=/boot/grub
    # The first start replaces it: update-grub wants to see the disk.
    mkdir -p "$tree$grub"
    cat >"$tree$grub/grub.cfg" <<GRUB
search --no-floppy --fs-uuid --set=root $uuid
linux /boot/vmlinuz-$first_version root=UUID=$uuid $arguments
initrd /boot/initrd.img-$first_version
boot
GRUB
    ;;
el-layout)
    chroot "$tree" apt-get -qy install "$other"
    sh "$finish" "$tree" docker.io docker-cli
    sh "$here/el-layout.sh" "$tree" "$uuid" "$arguments" "$first_version" "$other_version"
    install -m 755 "$grubby" "$tree/usr/sbin/grubby"
    grub=/boot/grub2
    ;;
esac
chmod 755 "$tree/opt/another-kernel" "$tree/opt/engine"

# What finish-tree.sh did for hosts that share a kernel, and that a machine of its own has no use for.
rm -rf "$tree/opt/init" "$tree/etc/inittab" "$tree/etc/systemd/system/systemd-modules-load.service"
for unit in getty.target systemd-networkd-wait-online.service; do
    ln -sf /dev/null "$tree/etc/systemd/system/$unit"
done

echo "UUID=$uuid / ext4 defaults 0 1" >"$tree/etc/fstab"
chroot "$tree" systemctl -q enable systemd-networkd
rm -f "$tree"/etc/ssh/ssh_host_*
if [ "$layout" != debian-cloud ]; then # there all this is cloud-init's
    echo vm >"$tree/etc/hostname"
    echo '127.0.1.1 vm' >>"$tree/etc/hosts"
    cat >"$tree/etc/systemd/network/80-vm.network" <<NETWORK
[Match]
Name=e*
[Network]
Address=10.0.2.15/24
Gateway=10.0.2.2
LinkLocalAddressing=no
IPv6AcceptRA=no
NETWORK
    mkdir -p "$tree/root/.ssh"
    chmod 700 "$tree/root/.ssh"
    install -m 600 "$keys/user_key.pub" "$tree/root/.ssh/authorized_keys"
    install -m 600 "$keys/host_key" "$tree/etc/ssh/ssh_host_ed25519_key"
    install -m 644 "$keys/host_key.pub" "$tree/etc/ssh/ssh_host_ed25519_key.pub"
fi

# What grub-install would place, but for the disk's first sectors.
mkdir -p "$tree$grub/i386-pc"
cp "$tree"/usr/lib/grub/i386-pc/*.mod "$tree"/usr/lib/grub/i386-pc/*.lst "$tree"/usr/lib/grub/i386-pc/boot.img "$tree$grub/i386-pc/"
chroot "$tree" grub-mkimage -O i386-pc -o "$grub/i386-pc/core.img" -p "(hd0,msdos1)$grub" biosdisk part_msdos ext2
echo '(hd0) /dev/vda' >"$tree$grub/device.map"
rm -rf "$tree"/var/cache/apt/archives/*.deb "$tree"/var/lib/apt/lists/* "$tree"/var/log/*.log
