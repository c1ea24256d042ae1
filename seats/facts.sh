#!/bin/sh
# Reads from inside a target what the machine really is, and prints it as key=value lines. Runs as root, and changes nothing.
# Understands cgroup v1 and v2. Prints what it reads and leaves arithmetic to its reader: in an emulated guest every
# process started costs tens of milliseconds, so the shell's own `read` does most of the work.
LC_ALL=C; export LC_ALL

value() { # name, file …: the first line of the first file that can be read
  name=$1; shift
  for file in "$@"; do
    if [ -r "$file" ] && IFS= read -r line < "$file"; then echo "$name=$line"; return; fi
  done
}

value kernel /proc/sys/kernel/osrelease
value system /proc/sys/kernel/ostype
value boot /proc/sys/kernel/random/boot_id
value hostname /proc/sys/kernel/hostname
value debian /etc/debian_version
value init /proc/1/comm
value cpu_max /sys/fs/cgroup/cpu.max
value cpu_quota /sys/fs/cgroup/cpu/cpu.cfs_quota_us /sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us
value cpu_period /sys/fs/cgroup/cpu/cpu.cfs_period_us /sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us
value memory_limit /sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes
value swap_limit /sys/fs/cgroup/memory.swap.max
value memsw_limit /sys/fs/cgroup/memory/memory.memsw.limit_in_bytes
value clocksource /sys/devices/system/clocksource/clocksource0/current_clocksource
value disk_sectors /sys/block/vda/size /sys/block/nvme0n1/size
[ -e /.dockerenv ] && echo dockerenv=1
[ -e /run/trilab-golden ] && echo resumed=1
# The largest file of a container, and whether a child of process 1 keeps all its files together below that size.
[ -e /.dockerenv ] && while read -r word what size _ limit _; do
  [ "$word $what $size" = "Max file size" ] && echo "file_limit=$limit"
done < /proc/1/limits
children=; [ -e /.dockerenv ] && read -r children < /proc/1/task/1/children # Without a newline at its end, read fails.
for child in $children; do
  read -r name < "/proc/$child/comm" && [ "$name" = lifetime ] && echo disk_watched=1
done
. /etc/os-release; echo "release=$VERSION_CODENAME"
while read -r key kb _; do
  case $key in MemTotal:) echo "mem_total_kb=$kb" ;; SwapTotal:) echo "swap_total_kb=$kb" ;; esac
done < /proc/meminfo
for map in /sys/firmware/memmap/*; do
  [ -r "$map/type" ] && read -r type < "$map/type" && [ "$type" = "System RAM" ] &&
    read -r first < "$map/start" && read -r last < "$map/end" && echo "ram=$first-$last"
done
# What a memory device has added since the boot, and what a balloon has taken, in pages.
[ -d /sys/bus/virtio/drivers/virtio_mem ] && awk '
  $3 == "zone" { movable = $4 == "Movable" }
  movable && $1 == "managed" { print "added_pages=" $2 }
  $1 == "balloon_inflate" { print "taken_pages=" $2 }
  $1 == "balloon_deflate" { print "returned_pages=" $2 }' /proc/zoneinfo /proc/vmstat
echo "cpus_visible=$(nproc)"
echo "virtualisation=$(systemd-detect-virt)"
echo "filesystem=$(df -B1 --output=source,size / | { read -r _; read -r line; echo "$line"; })"
# Waits for services that are still starting.
[ -x /usr/local/lib/trilab/services ] && /usr/local/lib/trilab/services wait
dpkg-query -W -f 'package=${db:Status-Abbrev} ${Package} ${Version} ${Architecture}\n'
# The clock comes last. The caller answers each `clock?` with a line, the caller's time in seconds. So only this exchange lies
# between the two readings. With the argument `set`, this clock is first set to the caller's, by set-clock.sh. The answers arrive on the
# same input as this script. So all of this is one command, which the shell reads to its end before it runs it.
{
  [ "$1" = set ] && set_clock
  echo 'clock?'
  read -r now
  echo "clock=$(date +%s.%N)"
  exit
}
