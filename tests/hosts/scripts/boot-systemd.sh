#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# boot-systemd.sh FOLDER LOWER NAME ...: become a host whose PID 1 is systemd. Runs in a mount namespace of its own, so
# that the mounts end with the host. The unified hierarchy: in version 1 the groups are read-only inside.
set -eu
folder=$1 lower=$2 name=$3
mount -t tmpfs -o mode=755 tmpfs /run # the locks and sockets of nspawn stay out of the machine's
mount -t overlay -o "lowerdir=$lower,upperdir=$folder/upper,workdir=$folder/work" overlay "$folder/root"
export SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1
exec systemd-nspawn --quiet --settings=no --keep-unit --register=no --directory="$folder/root" --machine="$name" \
    --private-network --capability=all --system-call-filter='@keyring bpf @mount add_key keyctl' \
    --resolv-conf=off --timezone=off --link-journal=no --console=pipe --kill-signal=SIGRTMIN+4 \
    --bind="$folder/docker:/var/lib/docker" --bind="$folder/containerd:/var/lib/containerd" --boot
