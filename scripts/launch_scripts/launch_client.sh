#!/bin/sh
########################################################################
#
# Launch a client of a scan
#
# Pass in the arguments of `skyscan client`, e.g.
#   launch_client.sh --startup-json startup/startup.json --workers 2 \
#     --broker broker.example.org
#
# SKYSCAN             the executable (default: dist/skyscan of this
#                     repository, else `skyscan` from PATH)
# SKYSCAN_AUTH_TOKEN_FILE, SKYSCAN_AUTH_TOKEN
#                     the broker's password: keep it out of the arguments,
#                     which every user of the machine can see
#
########################################################################
set -eu

here=$(dirname "$(readlink -f "$0")")
if [ -z "${SKYSCAN:-}" ]; then
    SKYSCAN="$here/../../dist/skyscan"
    [ -x "$SKYSCAN" ] || SKYSCAN=skyscan
fi

exec "$SKYSCAN" client "$@"
