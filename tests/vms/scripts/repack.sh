#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Runs in a tree: packs the packages of /opt/repo anew, as an emulated processor unpacks zstd far faster than xz.
set -eu
cd /opt/repo
for deb in *.deb; do
    dpkg-deb --raw-extract "$deb" content
    dpkg-deb -Zzstd -z3 --root-owner-group --build content "$deb" >&2
    rm -rf content
    dpkg-deb --field "$deb"
    printf 'Filename: ./%s\nSize: %s\nSHA256: %s\n\n' "$deb" "$(stat -c %s "$deb")" "$(sha256sum "$deb" | cut -d' ' -f1)"
done >Packages
