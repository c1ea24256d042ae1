# The cgroup folder of the container $1. Fails if it does not run.
cgroup() {
  local pid
  pid=$(podman container inspect --format '{{.State.Pid}}' "$1" 2>/dev/null) || return 1
  [ "$pid" != 0 ] && [ -e "/proc/$pid" ] || return 1
  echo "/sys/fs/cgroup$(sed -n 's/^0:://p' "/proc/$pid/cgroup")"
}
# A counter in the file memory.events of the cgroup folder $1.
event() { awk -v key="$2" '$1 == key { print $2 }' "$1/memory.events"; }
# Starts the container $1 with more options of podman run. Without descriptor 3, which trilab reads to its end.
start_container() {
  local called=$1
  shift
  podman run --replace --detach --network none --name "$called" "$@" localhost/box busybox sleep 100000 3>&-
}
# A process in the container $1 that needs $2 MiB at once. It may be killed.
use_memory() { podman exec "$1" busybox dd if=/dev/zero of=/dev/null "bs=${2}M" count=1 3>&- || :; }
