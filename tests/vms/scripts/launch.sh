#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# launch.sh ROOT FOLDER UID GROUP [NAME PATH]... -- COMMAND...: become COMMAND as user UID without any capability, in
# ROOT with FOLDER as /mnt/vm and each PATH, read-only, as /mnt/NAME. GROUP: one more group it is in, or "".
# Runs in a mount namespace of its own: the mounts end with the command.
set -eu
root=$1 folder=$2 user=$3 group=$4
shift 4
mount -t tmpfs -o mode=755,size=1m tmpfs "$root/mnt"
mkdir "$root/mnt/vm"
mount --bind "$folder" "$root/mnt/vm"
while [ "$1" != -- ]; do
    if [ -d "$2" ]; then mkdir "$root/mnt/$1"; else touch "$root/mnt/$1"; fi
    mount --bind "$2" "$root/mnt/$1"
    mount -o remount,bind,ro "$root/mnt/$1"
    shift 2
done
shift
if [ "$root" != / ]; then
    # Names that a guest asks for are asked of the servers in it.
    [ ! -e "$root/etc/resolv.conf" ] || mount --bind /etc/resolv.conf "$root/etc/resolv.conf"
    mount -t tmpfs -o mode=755,size=1m tmpfs "$root/dev"
    for node in null zero random urandom kvm; do
        [ -e "/dev/$node" ] || continue
        touch "$root/dev/$node"
        mount --bind "/dev/$node" "$root/dev/$node"
    done
fi
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
exec setpriv --no-new-privs --inh-caps=-all chroot --userspec="$user:$user" --groups="$group" "$root" "$@"
