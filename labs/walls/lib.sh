# Without the daemon, nothing can be looked at. If it is still starting, this waits for it.
curl --silent --fail --unix-socket /run/docker.sock http://localhost/_ping >/dev/null
# A field of a container. It fails if there is no such container.
of() { docker container inspect --format "$2" "$1" 2>/dev/null; }
# The number of a container's first process, as the guest sees it. It fails if the container does not run.
first_process() { of "$1" '{{.State.Pid}}' | grep '^[1-9]'; }
# The folder of a process's cgroup.
cgroup_of() { echo "/sys/fs/cgroup$(sed -n 's/^0:://p' "/proc/$1/cgroup")"; }
page() { curl --silent --fail --max-time 5 "http://127.0.0.1:$port/"; }
run_portal() {
  docker rm --force portal
  docker run --detach --name portal --publish "$port:8080" "$@" box httpd -f -p 8080 -h /www
  for _ in 1 2 3 4 5 6 7 8 9 10; do
    page && return
    sleep 1
  done
}
