#!/bin/sh
########################################################################
#
# Make the HTCondor submit file for a scan's clients, and submit it
#
#   spawn_condor_clients.sh --jobs N --startup-json startup/startup.json \
#     --auth-token-file token \
#     --client-args broker:mqtts://broker.example.org workers:2
#
#   --jobs N               number of jobs (required)
#   --memory M             memory of a job, e.g. 500MB
#                          (default: 150 MB and 150 MB for each worker)
#   --startup-json FILE    the server's startup.json; waited for
#                          (--client-startup-json FILE: the same)
#   --client-args K:V ...  flags of `skyscan client` as key:value pairs;
#                          a flag without value is given as "key:"
#   --auth-token-file FILE the broker's password, which travels as a file:
#                          the pool's users can read arguments and
#                          environment (default: SKYSCAN_AUTH_TOKEN_FILE,
#                          or a file made of SKYSCAN_AUTH_TOKEN)
#   --accounting-group G   accounting group, e.g. 1_week (default: none)
#   --executable FILE      the executable (default: dist/skyscan of this
#                          repository, else skyscan of this folder);
#                          replaces --singularity-image, for which there
#                          is no need any more
#   --scratch DIR          for the submit file and the logs
#                          (default: /scratch/$USER/skymap-scanner-<time>)
#   --dryrun               does everything except submitting
#
# Flags may also be written --flag=value. Everything else of a job is as in
# clients.submit, which lies beside this script.
#
# CLIENT_STARTER_WAIT_FOR_STARTUP_JSON, WAIT_FOR_STARTUP_JSON
#   how long to wait for startup.json: seconds, or "25 minutes" (default)
#
########################################################################
set -eu

usage() { sed -n '3,/^####.*$/s/^# \{0,1\}//p' "$0" | sed '$d'; }
fail() { echo "spawn_condor_clients.sh: $*" >&2; exit 2; }

here=$(dirname "$(readlink -f "$0")")
jobs=
memory=
startup_json=
broker=
workers=1
more=
token=${SKYSCAN_AUTH_TOKEN_FILE:-}
accounting_group=
executable=$here/../../dist/skyscan
[ -x "$executable" ] || executable=$here/skyscan
scratch=/scratch/${USER:-$(id -un)}/skymap-scanner-$(date +%Y-%m-%dT%H:%M:%S)
dryrun=

# One word of the submit language's arguments: in single quotes, those within doubled, as double ones are.
quoted() { printf "'%s'" "$(printf %s "$1" | sed "s/'/''/g; s/\"/\"\"/g")"; }

client_arg() {
    case $1 in *:*) ;; *) fail "--client-args: expected key:value, not '$1'" ;; esac
    key=${1%%:*}
    value=${1#*:}
    case $key in
    startup-json* | client-startup-json) fail "--client-args must not contain $key: use --startup-json" ;;
    auth-token) fail "--client-args must not contain the token: use --auth-token-file" ;;
    auth-token-file) token=$value ;;
    broker) broker=$value ;;
    workers) workers=$value ;;
    *) more="$more --$key${value:+ $(quoted "$value")}" ;;
    esac
}

while [ $# -gt 0 ]; do
    flag=$1
    shift
    case $flag in
    -h | --help) usage; exit 0 ;;
    --dryrun) dryrun=yes; continue ;;
    --client-args)
        while [ $# -gt 0 ] && [ "${1#--}" = "$1" ]; do
            client_arg "$1"
            shift
        done
        continue
        ;;
    --*=*)
        set -- "${flag#*=}" "$@"
        flag=${flag%%=*}
        [ "$flag" != --client-args ] || { client_arg "$1"; shift; continue; }
        ;;
    esac
    [ $# -gt 0 ] || fail "$flag needs a value"
    case $flag in
    --jobs) jobs=$1 ;;
    --memory) memory=$1 ;;
    --startup-json | --client-startup-json) startup_json=$1 ;;
    --auth-token-file) token=$1 ;;
    --accounting-group) accounting_group=$1 ;;
    --executable) executable=$1 ;;
    --scratch) scratch=$1 ;;
    --singularity-image) echo "--singularity-image $1: ignored, no container is needed" >&2 ;;
    *) fail "unknown flag $flag (see --help)" ;;
    esac
    shift
done

case $jobs in '' | *[!0-9]*) fail "--jobs: expected a number, not '$jobs'" ;; esac
case $workers in '' | *[!0-9]*) fail "--client-args workers: expected a number, not '$workers'" ;; esac
[ -n "$startup_json" ] || fail "--startup-json is missing"
[ -n "$broker" ] || fail "--client-args broker:URL is missing"
[ -x "$executable" ] || fail "--executable $executable: no executable"
[ -n "$token" ] || [ -n "${SKYSCAN_AUTH_TOKEN:-}" ] || fail "--auth-token-file is missing"
[ -z "$token" ] || [ -r "$token" ] || fail "--auth-token-file $token: cannot be read"

limit=${CLIENT_STARTER_WAIT_FOR_STARTUP_JSON:-${WAIT_FOR_STARTUP_JSON:-25 minutes}}
case $limit in *[!0-9]*) ;; *) limit="$limit seconds" ;; esac
end=$(date -d "$limit" +%s) || fail "WAIT_FOR_STARTUP_JSON: expected seconds or \"25 minutes\", not '$limit'"
while [ ! -e "$startup_json" ]; do
    [ "$(date +%s)" -lt "$end" ] || fail "waited $limit for $startup_json"
    echo "waiting for $startup_json (5s intervals)..." >&2
    sleep 5
done

mkdir -p "$scratch"
scratch=$(readlink -f "$scratch")
if [ -z "$token" ]; then
    token=$scratch/token
    (umask 077 && printf '%s\n' "$SKYSCAN_AUTH_TOKEN" > "$token")
fi

submit=$scratch/condor
{
    echo "skyscan = $(readlink -f "$executable")"
    echo "broker = $broker"
    echo "token = $(readlink -f "$token")"
    echo "workdir = $scratch"
    echo "startup_json = $(readlink -f "$startup_json")"
    echo "jobs = $jobs"
    echo "workers = $workers"
    [ -z "$memory" ] || echo "client_memory = $memory"
    echo "more =$more"
    [ -z "$accounting_group" ] || echo "+AccountingGroup = \"$accounting_group.${USER:-$(id -un)}\""
    echo
    cat "$here/clients.submit"
} > "$submit"

if [ -n "$dryrun" ]; then
    echo "not submitted (--dryrun): $submit" >&2
else
    cd "$scratch"
    condor_submit "$submit"
fi
