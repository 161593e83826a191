#!/bin/sh
# A personal HTCondor pool in a Debian chroot, as the first process of its own namespaces: mounts, processes and network
# end with it, and it reaches nothing but its own loopback.
#   unshare --mount --pid --net --uts --ipc --fork pool.sh ROOT HOME
# ROOT  the chroot, with condor in it and a user "scanner"; nothing in it is changed
# HOME  a folder that becomes /home/scanner: what is submitted, and what comes back
# The pool: a schedd, an execute node "good" and one, "bad", where jobs find a TMPDIR that is mounted noexec.
set -eu
root=$1
home=$2

mount --make-rprivate /
# Not a mount point by itself, and then HTCondor holds every job (errno 22).
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount -t sysfs -o ro sysfs "$root/sys"
for place in tmp run var/log/condor var/spool var/lib/condor etc/condor/config.d mnt; do
    mount -t tmpfs tmpfs "$root/$place"
done
mount --bind "$home" "$root/home/scanner"
mkdir -p "$root/mnt/noexec"
mount -t tmpfs -o noexec,mode=1777 tmpfs "$root/mnt/noexec"
ip link set lo up
hostname pool
# Names of our own and nobody to ask for others: HTCondor would wait for the answer, for minutes.
printf '127.0.0.1 localhost pool pool.local bad.local\n' > "$root/mnt/hosts"
mount --bind "$root/mnt/hosts" "$root/etc/hosts"
mount --bind /dev/null "$root/etc/resolv.conf"

cat > "$root/etc/condor/config.d/pool.config" <<CONFIG
DAEMON_LIST = MASTER, COLLECTOR, NEGOTIATOR, SCHEDD, STARTD, STARTD_BAD
CONDOR_HOST = 127.0.0.1
NETWORK_INTERFACE = 127.0.0.1
NETWORK_HOSTNAME = pool.local
ENABLE_IPV6 = False
BASE_CGROUP =
ENABLE_KERNEL_TUNING = False
SEC_DEFAULT_AUTHENTICATION = REQUIRED
SEC_DEFAULT_AUTHENTICATION_METHODS = FS
ALLOW_DAEMON = *
ALLOW_NEGOTIATOR = *
ALLOW_ADMINISTRATOR = *
UID_DOMAIN = local
FILESYSTEM_DOMAIN = local

# Everything at once, nothing for its own sake.
NEGOTIATOR_INTERVAL = 2
NEGOTIATOR_CYCLE_DELAY = 1
NEGOTIATOR_MIN_INTERVAL = 1
UPDATE_INTERVAL = 5
SCHEDD_INTERVAL = 2
SCHEDD_MIN_INTERVAL = 1
PERIODIC_EXPR_INTERVAL = 2
MAX_PERIODIC_EXPR_INTERVAL = 5
SHADOW_QUEUE_UPDATE_INTERVAL = 2
STARTER_UPDATE_INTERVAL = 2
DAGMAN_USER_LOG_SCAN_INTERVAL = 1
JOB_START_DELAY = 0
CLAIM_WORKLIFE = 0
STARTD_NOCLAIM_SHUTDOWN = 0
# Kept in the history after their end, so that what their ads say can be asked.
HISTORY = \$(SPOOL)/history

# So that a job's own rank counts, and a test can send one to the bad node.
NEGOTIATOR_PRE_JOB_RANK = 0
START = True
SUSPEND = False
PREEMPT = False
KILL = False
WANT_SUSPEND = False
WANT_VACATE = True
MachineMaxVacateTime = 30
NUM_CPUS = 8
MEMORY = 8000
SLOT_TYPE_1 = 100%
SLOT_TYPE_1_PARTITIONABLE = True
NUM_SLOTS_TYPE_1 = 1
USER_JOB_WRAPPER = /mnt/wrapper
# Fits that take long enough to be disturbed.
STARTER_JOB_ENVIRONMENT = "SKYSCAN_DUMMY_SECONDS=0.1,0.2"

STARTD_BAD = \$(STARTD)
STARTD_BAD_ARGS = -f -local-name bad
STARTD_BAD_LOG = \$(LOG)/StartLog.bad
STARTD_BAD_ADDRESS_FILE = \$(LOG)/.startd_bad_address
bad.STARTD_LOG = \$(LOG)/StartLog.bad
bad.STARTER_LOG = \$(LOG)/StarterLog.bad
bad.STARTD_ADDRESS_FILE = \$(LOG)/.startd_bad_address
bad.STARTD_NAME = bad
bad.EXECUTE = /var/lib/condor/bad
bad.NETWORK_HOSTNAME = bad.local
CONFIG

# HTCondor sets TMPDIR itself, to the job's folder.
cat > "$root/mnt/wrapper" <<'WRAPPER'
#!/bin/sh
if grep -q '^Machine = "bad' "$_CONDOR_MACHINE_AD"; then export TMPDIR=/mnt/noexec; fi
exec "$@"
WRAPPER
chmod +x "$root/mnt/wrapper"

mkdir -p "$root/var/lib/condor/execute" "$root/var/lib/condor/bad" "$root/var/spool/condor" "$root/run/condor" "$root/run/lock/condor"
chmod 1777 "$root/tmp"
for place in log spool lib; do chroot "$root" chown -R condor:condor "/var/$place/condor"; done
chroot "$root" chown condor:condor /run/condor /run/lock/condor
exec chroot "$root" condor_master -f
