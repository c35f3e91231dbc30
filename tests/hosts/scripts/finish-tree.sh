#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# finish-tree.sh TREE PACKAGE...: make a fresh Debian tree a host that lives without a network.
set -eu
tree=$1
shift

# The engine's packages as an apt repository inside the tree, its only source.
mkdir -p "$tree/opt/repo/partial"
chroot "$tree" apt-get -y --download-only -o Dir::Cache::archives=/opt/repo install "$@"
rm -rf "$tree/opt/repo/partial" "$tree/opt/repo/lock"
(
    cd "$tree/opt/repo"
    for deb in *.deb; do
        dpkg-deb --field "$deb"
        printf 'Filename: ./%s\nSize: %s\nSHA256: %s\n\n' "$deb" "$(stat -c %s "$deb")" "$(sha256sum "$deb" | cut -d' ' -f1)"
    done >Packages
)
rm -rf "$tree"/etc/apt/sources.list* "$tree"/etc/apt/apt.conf.d/99mmdebstrap "$tree"/var/lib/apt/lists/*
rm -f "$tree"/var/cache/apt/*.bin
mkdir -p "$tree/etc/apt/sources.list.d"
echo 'deb [trusted=yes] file:/opt/repo ./' >"$tree/etc/apt/sources.list.d/repo.list"

# What the building machine left of its own.
rm -f "$tree/etc/hostname" "$tree/etc/resolv.conf"
echo '127.0.0.1 localhost' >"$tree/etc/hosts"
: >"$tree/etc/machine-id"

# A container image for `docker import`: busybox with all its names.
image=$tree/opt/image
mkdir -p "$image/bin" "$image/etc" "$image/tmp" "$image/proc" "$image/sys" "$image/dev"
chmod 1777 "$image/tmp"
cp "$tree/bin/busybox" "$image/bin/"
chroot "$image" /bin/busybox --install -s /bin
printf 'root:x:0:0:root:/:/bin/sh\nuser:x:1000:1000:user:/:/bin/sh\n' >"$image/etc/passwd"
printf 'root:x:0:\nuser:x:1000:\n' >"$image/etc/group"
tar --create --file "$tree/opt/image.tar" --owner=0 --group=0 --directory "$image" .
rm -rf "$image"

# An init for hosts without systemd: PID 1 is called init, starts what rc2.d holds and reaps.
mkdir -p "$tree/opt/init"
ln -s /bin/busybox "$tree/opt/init/init"
cat >"$tree/etc/inittab" <<'INITTAB'
::wait:/bin/run-parts --arg=start --regex=^S[0-9][0-9] /etc/rc2.d
::wait:/bin/touch /run/booted
::shutdown:/bin/run-parts --arg=stop --regex=^K[0-9][0-9] /etc/rc0.d
INITTAB

# Timers and logins serve nobody here, and the kernel's own file systems and the hardware clock are the machine's.
rm -f "$tree"/etc/rc?.d/*hwclock.sh
for unit in apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer fstrim.timer \
    e2scrub_reap.service console-getty.service systemd-networkd-wait-online.service systemd-modules-load.service \
    sys-kernel-config.mount sys-kernel-debug.mount sys-kernel-tracing.mount sys-fs-fuse-connections.mount \
    dev-hugepages.mount; do
    ln -sf /dev/null "$tree/etc/systemd/system/$unit"
done
