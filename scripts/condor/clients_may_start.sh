#!/bin/sh
# For scan.dag: may the clients be submitted?  clients_may_start.sh STARTUP_JSON FAILED_NODES
# Exit codes: 0 yes, startup.json is there (and whole: the server renames it into place); 62 not yet, ask again;
# 1 no, the server has failed without writing it.
[ -e "$1" ] && exit 0
[ "${2:-0}" -eq 0 ] && exit 62
exit 1
