#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# el-layout.sh TREE UUID ARGUMENTS FIRST OTHER: lay a Debian tree out as Enterprise Linux 9. FIRST and OTHER are the
# versions of the two kernels in it, of which OTHER becomes an rpm; so does the engine, whose packages are in /opt/repo.
# This is the layout and its tools (boot loader entries, dnf, unit paths), not Enterprise Linux: the files are Debian's.
set -eu
tree=$1 uuid=$2 arguments=$3 first=$4 other=$5
el=$(dirname "$0")/el
export LC_ALL=C

echo 'CentOS Stream release 9' >"$tree/etc/redhat-release"
ln -s redhat-release "$tree/etc/system-release"
rm -f "$tree/etc/os-release" "$tree/etc/debian_version"
cat >"$tree/etc/os-release" <<'RELEASE'
NAME="CentOS Stream"
VERSION="9"
ID="centos"
ID_LIKE="rhel fedora"
VERSION_ID="9"
PLATFORM_ID="platform:el9"
PRETTY_NAME="CentOS Stream 9 (layout only)"
RELEASE
# Debian's GRUB takes a saved entry that begins with a digit for the number of one; Enterprise Linux's is patched.
machine=$(tr -d - </proc/sys/kernel/random/uuid)
machine=c${machine#?}
echo "$machine" >"$tree/etc/machine-id"

# The boot loader's files and names.
mkdir -p "$tree/boot/grub2" "$tree/boot/loader/entries" "$tree/etc/kernel" "$tree/etc/sysconfig" "$tree/usr/lib/kernel/install.d"
for version in "$first" "$other"; do
    modules=$tree/usr/lib/modules/$version
    mv "$tree/boot/initrd.img-$version" "$modules/initramfs.img"
    cp "$tree/boot/vmlinuz-$version" "$modules/vmlinuz.new" # newer packages have it here already, with a link from /boot
    mv "$modules/vmlinuz.new" "$modules/vmlinuz"
    rm -f "$tree/boot/vmlinuz-$version" "$tree/boot/config-$version" "$tree/boot/System.map-$version"
done
rm -rf "$tree/boot/grub" "$tree"/etc/grub.d/[1-4]* "$tree/usr/sbin/update-grub" "$tree"/etc/kernel/p*.d/* \
    "$tree/usr/lib/kernel/install.d/55-initrd.install"
ln -s grub2 "$tree/boot/grub" # Debian's tools know no other name
for tool in mkconfig set-default reboot install probe; do
    ln -s "grub-$tool" "$tree/usr/sbin/grub2-$tool"
done
ln -s grub-editenv "$tree/usr/bin/grub2-editenv"
install -m 755 "$el/10_linux" "$tree/etc/grub.d/10_linux"
install -m 755 "$el/20-grub.install" "$tree/usr/lib/kernel/install.d/20-grub.install"
sed -i -e 's/^GRUB_DEFAULT=.*/GRUB_DEFAULT=saved/' -e 's/^GRUB_DISTRIBUTOR=.*/GRUB_DISTRIBUTOR="CentOS Stream"/' \
    "$tree/etc/default/grub"
echo 'GRUB_ENABLE_BLSCFG=true' >>"$tree/etc/default/grub"
printf 'layout=other\n' >"$tree/etc/kernel/install.conf"
printf 'UPDATEDEFAULT=yes\nDEFAULTKERNEL=kernel-core\n' >"$tree/etc/sysconfig/kernel"
echo "root=UUID=$uuid $arguments" >"$tree/etc/kernel/cmdline"
chroot "$tree" grub2-editenv /boot/grub2/grubenv create
cat >"$tree/boot/grub2/grub.cfg" <<GRUB
serial --unit=0 --speed=115200
terminal_output serial
load_env
set default="\${saved_entry}"
set timeout=0
search --no-floppy --fs-uuid --set=root $uuid
$(sh "$el/10_linux")
GRUB
chroot "$tree" kernel-install add "$first" "/usr/lib/modules/$first/vmlinuz"
[ -s "$tree/boot/loader/entries/$machine-$first.conf" ]

# rpms: the release, which also stands for what rpms ask of the base system, the engine and the other kernel.
build=$tree/opt/build
mkdir -p "$tree/opt/rpm" "$build/layout-release/etc" "$build/moby-engine" "$build/kernel-core/usr/lib/modules" "$tree/etc/rpm"
cp -P "$tree/etc/redhat-release" "$tree/etc/system-release" "$build/layout-release/etc/"
engine=$(echo "$tree"/opt/repo/docker.io_*.deb)
engine_version=$(dpkg-deb --field "$engine" Version | sed 's/[^0-9.].*//')
for deb in "$tree"/opt/repo/*.deb; do
    dpkg-deb --extract "$deb" "$build/moby-engine"
done
rm -rf "$tree/opt/repo" "$build/moby-engine/usr/share" "$build/moby-engine/etc/init.d" "$build/moby-engine/etc/default"
mv "$tree/usr/lib/modules/$other" "$build/kernel-core/usr/lib/modules/"
chroot "$tree" dpkg --force-all --purge "linux-image-$other"
echo '%_pkgverify_level none' >"$tree/etc/rpm/macros.vm" # they are not signed
rpm() { # NAME VERSION
    cp "$el/$1.spec" "$build/"
    (cd "$build/$1" && find . -mindepth 1 ! -type d -printf '"/%P"\n') >"$build/$1.files"
    chroot "$tree" rpmbuild --quiet -bb --define "_topdir /opt/build/top" --define "_rpmdir /opt/rpm" \
        --define "from /opt/build/$1" --define "given $2" --buildroot /opt/build/root "/opt/build/$1.spec"
}
rpm layout-release 9
rpm moby-engine "$engine_version"
rpm kernel-core "$other"
chroot "$tree" sh -c 'rpm -i /opt/rpm/*/layout-release-*.rpm'
chroot "$tree" createrepo_c --quiet /opt/rpm
rm -rf "$build"
rm -rf "$tree"/etc/apt/sources.list*
mkdir -p "$tree/etc/yum.repos.d"
printf '[local]\nname=Packages of this machine\nbaseurl=file:///opt/rpm\nenabled=1\ngpgcheck=0\n' >"$tree/etc/yum.repos.d/local.repo"
printf '#!/bin/sh\nset -eu\ndnf -qy install kernel-core >&2\necho %s\n' "$other" >"$tree/opt/another-kernel"
printf '#!/bin/sh\nset -eu\ndnf -qy install moby-engine\n' >"$tree/opt/engine"
