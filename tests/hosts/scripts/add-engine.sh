#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# add-engine.sh BASE UPPER WORK PACKAGE...: install the engine offline from the tree's own repository, as a layer.
# Runs in mount, pid and net namespaces of its own.
set -eu
base=$1 upper=$2 work=$3
shift 3
mount --make-rprivate /
mount -t overlay -o "lowerdir=$base,upperdir=$upper,workdir=$work" overlay "$base"
cd "$base"
mount -t proc proc proc
mount -t tmpfs tmpfs run
mount -t tmpfs tmpfs tmp
mount --rbind /dev dev
printf '#!/bin/sh\nexit 101\n' >usr/sbin/policy-rc.d # start nothing
chmod 755 usr/sbin/policy-rc.d
export DEBIAN_FRONTEND=noninteractive LC_ALL=C
chroot . apt-get -q update
chroot . apt-get -qy install "$@"
chroot . apt-get clean
rm -rf usr/sbin/policy-rc.d var/lib/apt/lists/* var/cache/apt/*.bin
