# A cgroup with the limit, and nobody in it.
mkdir -p "/sys/fs/cgroup/$name"
echo "${limit}M" >"/sys/fs/cgroup/$name/memory.max"
