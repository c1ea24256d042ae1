# Runs as root in a machine, by bash: tells its size now and after every change, as its own tools see it. A line on standard
# input is run as a line of shell; the end of standard input ends it.
LC_ALL=C
first_of() { for file; do [[ -r $file ]] && { echo "$file"; return; }; done; }
if [[ -e /.dockerenv ]]; then
  limit=$(first_of /sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes)
  quota=$(first_of /sys/fs/cgroup/cpu.max /sys/fs/cgroup/cpu/cpu.cfs_quota_us /sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us)
  period=${quota/quota/period} # of version 1; version 2 has both in one file
  look() { read -r memory <"$limit"; read -r cpus <"$quota"; [[ $period != "$quota" ]] && read -r more <"$period" && cpus+=" $more"; }
  echo "usage=$(<"$(first_of /sys/fs/cgroup/memory.current /sys/fs/cgroup/memory/memory.usage_in_bytes)")"
  while read -r line; do echo "stat=$line"; done <"$(first_of /sys/fs/cgroup/memory.stat /sys/fs/cgroup/memory/memory.stat)"
else
  look() { read -r _ memory _ </proc/meminfo; read -r cpus </sys/devices/system/cpu/online; }
  while read -r key kib _; do [[ $key == MemAvailable: ]] && echo "available=$kib" && break; done </proc/meminfo
fi
while :; do
  look
  [[ "$memory $cpus" == "$told" ]] || { told="$memory $cpus"; echo "size=$told"; }
  IFS= read -r -t 0.05 part
  status=$? # above 128 after a timeout, with as much of a line as has come by then
  line+=$part
  [[ $status == 1 ]] && exit
  [[ $status == 0 ]] && { said=$( (eval "$line") 2>&1 ); echo "ran=$? ${said##*$'\n'}"; line=''; }
done
