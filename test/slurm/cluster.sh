#!/bin/sh
# A Slurm cluster of one node, as the first process of its own namespaces: mounts, processes and network end with it, and
# it reaches nothing but its own loopback.
#   unshare --mount --pid --net --uts --ipc --fork --mount-proc cluster.sh
# Needs Debian's slurmctld, slurmd, slurm-client and munge; changes nothing of theirs.
set -eu

mount --make-rprivate /
for place in /etc/munge /etc/slurm /run /var/log/munge /var/lib/munge /var/spool /var/log/slurm; do
    mkdir -p "$place"
    mount -t tmpfs tmpfs "$place"
done
ip link set lo up
# getaddrinfo(AI_ADDRCONFIG), Slurm's way, finds nothing where 127.0.0.1 is all there is: an address for documentation
# (RFC 5737), on this loopback, that nobody talks to.
ip address add 192.0.2.1/32 dev lo
hostname node
printf '127.0.0.1 localhost node\n' > /run/hosts
mount --bind /run/hosts /etc/hosts
mount --bind /dev/null /etc/resolv.conf

mkdir -p /run/munge /var/spool/slurmctld /var/spool/slurmd
(umask 077 && head -c 1024 /dev/urandom > /etc/munge/munge.key)
chmod 755 /run/munge
chown -R munge: /etc/munge /run/munge /var/log/munge /var/lib/munge
runuser -u munge -- munged

cat > /etc/slurm/slurm.conf <<'CONFIG'
ClusterName=test
SlurmctldHost=node(127.0.0.1)
SlurmUser=root
StateSaveLocation=/var/spool/slurmctld
SlurmdSpoolDir=/var/spool/slurmd
SlurmctldPidFile=/run/slurmctld.pid
SlurmdPidFile=/run/slurmd.pid
SlurmctldLogFile=/var/log/slurm/slurmctld.log
SlurmdLogFile=/var/log/slurm/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerParameters=sched_interval=2,bf_interval=2
# A job that is queued again waits for its old credential to expire, two minutes otherwise.
AuthInfo=cred_expire=5
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
MpiDefault=none
SlurmdParameters=config_overrides
CommunicationParameters=NoInAddrAny
ReturnToService=2
MinJobAge=600
KillWait=10
InactiveLimit=0
NodeName=node NodeAddr=127.0.0.1 CPUs=8 RealMemory=8000 State=UNKNOWN
PartitionName=all Nodes=node Default=YES MaxTime=INFINITE State=UP
CONFIG
slurmctld
slurmd -N node
# The first process stays, and takes in whom others leave behind.
exec sleep infinity
