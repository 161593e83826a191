#!/bin/sh
########################################################################
#
# Wait for startup.json after launching a scan's server and before
# launching any clients
#
# Pass in one argument, the directory that will contain startup.json
# (the server's --startup-json-dir)
#
# Exit codes: 0 it is there (and complete: the server renames it into
# place last), 1 usage, 2 no such directory, 62 waited in vain
#
# SKYSCAN_STARTUP_TIMEOUT_SEC   how long to wait (default 600)
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

timeout=${SKYSCAN_STARTUP_TIMEOUT_SEC:-600}
interval=${SKYSCAN_STARTUP_INTERVAL_SEC:-5}
end=$(($(date +%s) + timeout))
while [ "$(date +%s)" -le "$end" ]; do
    if [ -e "$1/startup.json" ]; then
        echo "Success! 'startup.json' file found:"
        ls "$1"
        exit 0
    fi
    echo "waiting for 'startup.json' ($interval second intervals)..."
    sleep "$interval"
done

echo "Failed. 'startup.json' not found within time limit ($timeout s):"
ls "$1"
exit 62
