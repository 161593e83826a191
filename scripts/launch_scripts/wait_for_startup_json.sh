#!/bin/sh
########################################################################
#
# Wait for startup.json after launching a scan's server and before
# launching any clients
#
# Pass in one argument, the directory that will contain startup.json
# (the server's --startup-json-dir). A startup.json of an earlier scan
# counts as well until the server has begun: remove it before.
#
# Exit codes: 0 it is there (and complete: the server renames it into
# place last), 1 usage, 2 no such directory, 62 waited in vain
#
# WAIT_FOR_STARTUP_JSON         how long to wait: seconds, or words as
#                               date(1) takes them (default "10 minutes");
#                               SKYSCAN_STARTUP_TIMEOUT_SEC: the same
# SKYSCAN_STARTUP_INTERVAL_SEC  how often to look (default 5)
#
########################################################################

if [ -z "${1:-}" ]; then
    echo "Usage: wait_for_startup_json.sh STARTUP_DIRECTORY"
    exit 1
fi
if [ ! -d "$1" ]; then
    echo "Directory Not Found: $1"
    exit 2
fi

limit=${SKYSCAN_STARTUP_TIMEOUT_SEC:-${WAIT_FOR_STARTUP_JSON:-10 minutes}}
case $limit in *[!0-9]*) ;; *) limit="$limit seconds" ;; esac
interval=${SKYSCAN_STARTUP_INTERVAL_SEC:-5}
end=$(date -d "$limit" +%s) || exit 1
while :; do
    if [ -e "$1/startup.json" ]; then
        echo "Success! 'startup.json' file found:"
        ls "$1"
        exit 0
    fi
    [ "$(date +%s)" -lt "$end" ] || break
    echo "waiting for 'startup.json' ($interval second intervals)..."
    sleep "$interval"
done

echo "Failed. 'startup.json' not found within time limit ($limit):"
ls "$1"
exit 62
