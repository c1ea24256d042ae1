#!/bin/sh
# Reads from inside a target what the machine really is; prints key=value lines. Run as root, changes nothing.
# Understands cgroup v1 and v2, a container and a whole machine, and assumes nothing the other facts say.
LC_ALL=C; export LC_ALL
first() { for f in "$@"; do [ -r "$f" ] && { cat "$f"; return; }; done; }

echo "kernel=$(uname -r)"
echo "system=$(uname -s) $(uname -m)"
echo "hostname=$(uname -n)"
echo "debian=$(cat /etc/debian_version)"
echo "release=$(. /etc/os-release; echo "$VERSION_CODENAME")"
echo "packages=$(dpkg-query -W -f '${db:Status-Abbrev} ${Package} ${Version} ${Architecture}\n' | grep '^ii' | sort | sha256sum | cut -c1-16)"
echo "package_count=$(dpkg-query -W -f '${db:Status-Abbrev}\n' | grep -c '^ii')"
echo "init=$(cat /proc/1/comm)"
virt=$(systemd-detect-virt); echo "virtualisation=${virt:-none}"
echo "cpus_visible=$(nproc)"

# CPU time allowed, in CPUs: the cgroup's quota, else every CPU.
if [ -r /sys/fs/cgroup/cpu.max ]; then
  read -r quota period < /sys/fs/cgroup/cpu.max
else
  quota=$(first /sys/fs/cgroup/cpu/cpu.cfs_quota_us /sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us)
  period=$(first /sys/fs/cgroup/cpu/cpu.cfs_period_us /sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us)
fi
case "$quota" in
  ''|max|-1) echo "cpus=$(nproc)" ;;
  *) echo "cpus=$(awk "BEGIN { print $quota / $period }")" ;;
esac

# Memory given: the cgroup's limit, else what the firmware's map hands the kernel. Usable: what the kernel left.
total=$(( $(sed -n 's/^MemTotal: *\([0-9]*\) kB/\1/p' /proc/meminfo) * 1024 ))
limit=$(first /sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes)
if [ -n "$limit" ] && [ "$limit" != max ] && [ "${#limit}" -lt 19 ] && [ "$virt" != none ] && [ -e /.dockerenv ]; then
  echo "memory=$limit"; echo "memory_usable=$limit"
else
  given=0
  for m in /sys/firmware/memmap/*; do
    [ -r "$m/type" ] && [ "$(cat "$m/type")" = "System RAM" ] && given=$(( given + $(cat "$m/end") - $(cat "$m/start") + 1 ))
  done
  [ "$given" -gt 0 ] || given=$total
  echo "memory=$given"; echo "memory_usable=$total"
fi
echo "memory_visible=$total"
echo "swap=$(( $(sed -n 's/^SwapTotal: *\([0-9]*\) kB/\1/p' /proc/meminfo) * 1024 ))"

# Disk given: the whole root block device where it is one of ours, else the size of the filesystem we sit on.
source=$(awk '$2 == "/" { s = $1 } END { print s }' /proc/mounts)
filesystem=$(df -B1 --output=size / | tail -n 1 | tr -d ' ')
if [ "$source" != overlay ] && [ -r /sys/block/vda/size ]; then
  echo "disk=$(( $(cat /sys/block/vda/size) * 512 ))"
else
  echo "disk=$filesystem"
fi
echo "disk_filesystem=$source"
echo "disk_bytes=$filesystem"
echo "clock=$(date +%s.%N)"
