pid=$(container) || no "no process in a PID namespace of its own has $base as its root"
group=$(sed -n 's/^0:://p' "/proc/$pid/cgroup")
file="/sys/fs/cgroup$group/memory.max"
[ -e "$file" ] || no "process $pid is in a cgroup without a limit"
bytes=$(cat "$file")
[ "$bytes" != max ] || no "memory.max of $group is max: there is no limit"
[ "$bytes" -eq $((limit * 1048576)) ] || no "memory.max of $group is $bytes bytes, which is not $limit MiB"
note cgroup "$group"
