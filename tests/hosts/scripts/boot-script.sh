#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# boot-script.sh FOLDER LOWER NAME ENGINE CGROUP...: become a host whose PID 1 is a small init that runs /etc/init.d
# scripts. Runs as PID 1 of namespaces of its own. ENGINE is yes where the harness put the engine into the tree. Each
# CGROUP is the host's own folder of one mounted hierarchy, which it sees as that hierarchy's root.
set -eu
folder=$1 lower=$2 name=$3 engine=$4
shift 4
root=$folder/root

read_only() {
    mount --bind "$1" "$1"
    mount -o remount,bind,ro "$1"
}

hostname "$name"
ip link set lo up

mount -t overlay -o "lowerdir=$lower,upperdir=$folder/upper,workdir=$folder/work" overlay "$root"
mkdir -p "$root/var/lib/docker" "$root/var/lib/containerd" "$root/.old"
mount --bind "$folder/docker" "$root/var/lib/docker"
mount --bind "$folder/containerd" "$root/var/lib/containerd"
mount -t tmpfs -o mode=755 tmpfs "$root/run"
mkdir -p "$root/run/lock" "$root/run/host/proc"

# The settings of the kernel are the machine's, those of the network are the host's. The kernel lets a user namespace
# mount proc only where a whole one is in sight.
mount -t proc -o nosuid,nodev,noexec proc "$root/run/host/proc"
mount -t proc -o nosuid,nodev,noexec proc "$root/proc"
mount --bind "$root/proc/sys/net" "$root/run/lock" # kept aside while what is above it becomes read-only
read_only "$root/proc/sys"
mount --move "$root/run/lock" "$root/proc/sys/net"
[ ! -e "$root/proc/sysrq-trigger" ] || read_only "$root/proc/sysrq-trigger"

mount -t sysfs -o ro,nosuid,nodev,noexec sysfs "$root/sys"
mount -t tmpfs -o mode=755 tmpfs "$root/sys/fs/cgroup"
for cgroup in "$@"; do
    hierarchy=$(basename "$(dirname "$cgroup")")
    if [ "$hierarchy" = cgroup ]; then # version 2 alone
        mount --bind "$cgroup" "$root/sys/fs/cgroup"
    else
        mkdir "$root/sys/fs/cgroup/$hierarchy"
        mount --bind "$cgroup" "$root/sys/fs/cgroup/$hierarchy"
    fi
done

mount -t tmpfs -o mode=755 tmpfs "$root/dev"
mknod -m 666 "$root/dev/null" c 1 3
mknod -m 666 "$root/dev/zero" c 1 5
mknod -m 666 "$root/dev/full" c 1 7
mknod -m 666 "$root/dev/random" c 1 8
mknod -m 666 "$root/dev/urandom" c 1 9
mknod -m 666 "$root/dev/tty" c 5 0
mkdir "$root/dev/pts" "$root/dev/shm" "$root/dev/mqueue"
mount -t devpts -o newinstance,ptmxmode=666,mode=620,gid=5 devpts "$root/dev/pts"
mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
mount -t mqueue mqueue "$root/dev/mqueue"
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"
ln -s fd/0 "$root/dev/stdin"
ln -s fd/1 "$root/dev/stdout"
ln -s fd/2 "$root/dev/stderr"

cd "$root"
ln -sfn /opt/init/init sbin/init # by this name Ansible knows that systemd is not in charge
# Else the engine's init script mounts each hierarchy the machine has not, and takes controllers away from it.
grep -qs cgroup etc/fstab || echo 'cgroup /sys/fs/cgroup cgroup noauto 0 0' >>etc/fstab
# Debian's init script of the engine gives up where it may not raise limits. Where the harness installed the engine it
# lets the script go on; where a role installs it, that is for the role to see to.
# shellcheck disable=SC3045 # the options that the shell of Debian knows
if [ "$engine" = yes ] && ! (ulimit -n 1048576 && ulimit -p unlimited) 2>/dev/null; then
    line='ulimit() { command ulimit "$@" 2>/dev/null || :; }'
    grep -qsFx "$line" etc/default/docker || echo "$line" >>etc/default/docker
fi

pivot_root . .old
umount -l /.old
rmdir /.old
exec env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin /opt/init/init
