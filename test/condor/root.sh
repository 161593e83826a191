#!/bin/sh
# Makes the Debian chroot with HTCondor in it, once, in a few minutes: root.sh FOLDER. Debian 12 has no HTCondor.
set -eu
[ ! -e "$1/etc/condor/condor_config" ] || exit 0
[ "$(id -u)" = 0 ] || { echo "test-condor: only root can make the chroot" >&2; exit 0; }
command -v mmdebstrap > /dev/null || { echo "test-condor: mmdebstrap is missing" >&2; exit 0; }
echo "making a Debian chroot with HTCondor in $1"
rm -rf "$1"
mkdir -p "$(dirname "$1")"
mmdebstrap --quiet --variant=minbase --include=condor,procps,openssl \
    --customize-hook='chroot "$1" useradd --create-home --uid 1000 scanner' trixie "$1" ||
    { rm -rf "$1"; echo "test-condor: mmdebstrap failed" >&2; }
