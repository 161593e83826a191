#!/bin/sh
########################################################################
#
# Make the HTCondor submit file for a scan's clients, and submit it
#
#   spawn_condor_clients.sh --jobs N --memory 500MB \
#     --startup-json startup/startup.json \
#     --client-args broker:mqtts://broker.example.org workers:2
#
#   --jobs N               number of jobs (required)
#   --memory M             memory of a job (required), e.g. 500MB
#   --startup-json FILE    the server's startup.json; waited for, 25 minutes
#   --client-args K:V ...  flags of `skyscan client` as key:value pairs;
#                          a flag without value is given as "key:"
#   --accounting-group G   accounting group, e.g. 1_week (default: none)
#   --executable FILE      the executable (default: dist/skyscan of this
#                          repository); replaces --singularity-image, for
#                          which there is no need any more
#   --scratch DIR          for the submit file and the logs
#                          (default: /scratch/$USER/skymap-scanner-<time>)
#   --dryrun               does everything except submitting
#
# The broker's password comes from SKYSCAN_AUTH_TOKEN in the environment.
#
########################################################################
set -eu

usage() { sed -n '3,/^####.*$/s/^# \{0,1\}//p' "$0" | sed '$d'; }
fail() { echo "spawn_condor_clients.sh: $*" >&2; exit 2; }

here=$(dirname "$(readlink -f "$0")")
jobs=
memory=
startup_json=
client_args=
accounting_group=
executable=$here/../../dist/skyscan
scratch=/scratch/${USER:-$(id -un)}/skymap-scanner-$(date +%Y-%m-%dT%H:%M:%S)
dryrun=

while [ $# -gt 0 ]; do
    flag=$1
    shift
    case $flag in
    -h | --help) usage; exit 0 ;;
    --dryrun) dryrun=yes; continue ;;
    --client-args)
        while [ $# -gt 0 ] && [ "${1#--}" = "$1" ]; do
            case $1 in *:*) ;; *) fail "--client-args: expected key:value, not '$1'" ;; esac
            key=${1%%:*}
            value=${1#*:}
            case $key in
            startup-json*) fail "--client-args must not contain $key: use --startup-json" ;;
            auth-token) fail "--client-args must not contain the token: use SKYSCAN_AUTH_TOKEN" ;;
            esac
            client_args="$client_args --$key${value:+ $value}"
            shift
        done
        continue
        ;;
    esac
    [ $# -gt 0 ] || fail "$flag needs a value"
    case $flag in
    --jobs) jobs=$1 ;;
    --memory) memory=$1 ;;
    --startup-json) startup_json=$1 ;;
    --accounting-group) accounting_group=$1 ;;
    --executable) executable=$1 ;;
    --scratch) scratch=$1 ;;
    --singularity-image) echo "--singularity-image $1: ignored, no container is needed" >&2 ;;
    *) fail "unknown flag $flag (see --help)" ;;
    esac
    shift
done

case $jobs in '' | *[!0-9]*) fail "--jobs: expected a number, not '$jobs'" ;; esac
[ -n "$memory" ] || fail "--memory is missing"
[ -n "$startup_json" ] || fail "--startup-json is missing"
[ -n "$client_args" ] || fail "--client-args is missing"
[ -x "$executable" ] || fail "--executable $executable: no executable"

waited=0
while [ ! -e "$startup_json" ]; do
    [ $waited -lt "${SKYSCAN_STARTUP_TIMEOUT_SEC:-1500}" ] || fail "waited ${waited}s for $startup_json"
    echo "waiting for $startup_json (5s intervals)..." >&2
    sleep 5
    waited=$((waited + 5))
done
startup_json=$(readlink -f "$startup_json")
executable=$(readlink -f "$executable")
mkdir -p "$scratch"

submit=$scratch/condor
cat > "$submit" <<SUBMIT
universe = vanilla
executable = $executable
arguments = "client$client_args --startup-json $(basename "$startup_json")"
getenv = SKYSCAN_*
output = $scratch/skymap_scanner.\$(ClusterId).\$(ProcId).out
error = $scratch/skymap_scanner.\$(ClusterId).\$(ProcId).err
log = $scratch/skymap_scanner.log
should_transfer_files = YES
when_to_transfer_output = ON_EXIT
transfer_executable = True
transfer_input_files = $startup_json
transfer_output_files = ""
request_cpus = 1
request_memory = $memory
requirements = (TARGET.OpSys == "LINUX") && (TARGET.Arch == "X86_64")
on_exit_remove = (ExitBySignal == False) && ((ExitCode == 0) || (ExitCode == 2) || (ExitCode == 4))
kill_sig = SIGTERM
job_max_vacate_time = 60
${accounting_group:++AccountingGroup = \"$accounting_group.${USER:-$(id -un)}\"}
notification = Error
queue $jobs
SUBMIT

if [ -n "$dryrun" ]; then
    echo "not submitted (--dryrun): $submit" >&2
else
    cd "$scratch"
    condor_submit "$submit"
fi
