mkdir -p "/sys/fs/cgroup/$name"
echo "${limit}M" >"/sys/fs/cgroup/$name/memory.max"
container >"/sys/fs/cgroup/$name/cgroup.procs"
