#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# enter-cgroups.sh FOLDER... -- COMMAND...: become COMMAND inside the control groups.
set -eu
while [ "$1" != -- ]; do
    echo 0 >"$1/cgroup.procs"
    shift
done
shift
exec "$@"
