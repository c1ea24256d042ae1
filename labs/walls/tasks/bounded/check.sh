pid=$(first_process "$name") || no "the container $name does not run"
group=$(cgroup_of "$pid")
bytes=$(cat "$group/memory.max")
[ "$bytes" != max ] || no "the container $name has no memory limit"
[ "$bytes" -eq $((memory * 1048576)) ] || no "the container $name may use $bytes bytes of memory, which is not $memory MiB"
processes=$(cat "$group/pids.max")
[ "$processes" = "$pids" ] || no "the process limit of the container $name is $processes, not $pids"
note cgroup "$group"
