#!/bin/sh
# Makes a second host out of namespaces on this machine; second-host.ts calls it, as root.
#
#   second-host.sh sweep BASE          removes what hosts whose test process is gone left behind
#   second-host.sh start BASE N WHAT…  runs host N until its standard input ends, then removes it
#   second-host.sh cable BASE N M      connects the running hosts N and M by a cable of their own
#
# The host's PID 1 reads standard input. When the test process ends, however it ends, that input ends, PID 1 exits, and
# the kernel kills everything in its PID namespace. Mounts, network devices and firewall rules end with their namespaces,
# devices some time later. A folder and control groups stay. `start` removes all that is left behind it, or else the next
# `sweep` does.
set -eu
umask 022
unset TMPDIR # a folder of the tests, which the host does not have
self=$(readlink -f "$0")

# Where the controllers are mounted: one mount point a line.
controllers() { awk '$3 == "cgroup" || $3 == "cgroup2" { print $2 }' /proc/mounts | sort -u; }

remove() { # FOLDER N
  # The kernel may not have come to it yet. A device is gone together with its other end.
  ip link delete "trihost$2" 2>/dev/null || :
  for controller in $(controllers); do
    group=$controller/trilab-host-$2
    [ -d "$group" ] || continue
    # A group whose last process has just ended is busy for a moment.
    for _ in 1 2 3 4 5 6 7 8 9 10; do
      find "$group" -depth -type d -exec rmdir {} + 2>/dev/null && break
      sleep 0.2
    done
  done
  rm -rf "$1"
}

sweep() { # BASE
  for folder in "$1"/[0-9]*; do
    [ -d "$folder" ] || continue
    # Every process of a live host holds this lock.
    if (flock -n 9) 9>>"$folder/lock"; then remove "$folder" "${folder##*/}"; fi
  done
}

start() { # BASE N WHAT…
  folder=$1/$2
  exec 9>>"$folder/lock"
  flock -n 9
  printf 'claimed\n'
  status=0
  sh "$self" enter "$@" || status=$?
  remove "$folder" "$2"
  exit "$status"
}

# Enters the host's control groups and its namespaces.
enter() { # BASE N WHAT…
  for controller in $(controllers); do
    group=$controller/trilab-host-$2
    mkdir -p "$group"
    for file in cpuset.cpus cpuset.mems; do
      [ ! -e "$controller/$file" ] || cat "$controller/$file" >"$group/$file"
    done
    echo $$ >"$group/cgroup.procs"
  done
  exec 8</proc/self/ns/net
  # This process becomes the parent of the host's PID 1.
  echo $$ >"$1/$2/parent"
  exec unshare --mount --pid --fork --kill-child --net --uts --ipc --cgroup -- sh "$self" init "$@"
}

# A pair of devices, one end in each host: 10.214.255.N and 10.214.255.M. A host has one address for all of its cables.
cable() { # BASE N M
  one=$(first_process "$1/$2")
  other=$(first_process "$1/$3")
  ip link add "cable$3" netns "$one" type veth peer name "cable$2" netns "$other"
  plug "$one" "$2" "$3"
  plug "$other" "$3" "$2"
}

# A running host's PID 1, by its number outside.
first_process() { # FOLDER
  read -r parent <"$1/parent"
  read -r child _ <"/proc/$parent/task/$parent/children" || : # It has no line end.
  printf %s "$child"
}

plug() { # PID FROM TO
  nsenter --net="/proc/$1/ns/net" ip address add "10.214.255.$2" peer "10.214.255.$3" dev "cable$3"
  nsenter --net="/proc/$1/ns/net" ip link set "cable$3" up
}

# PID 1 of the host.
init() { # BASE N WHAT…
  folder=$1/$2
  address=10.214.$2.2
  host=trilab-host-$2
  new=$folder/root
  hostname "$host"

  # A pair of devices, one end here and one outside. No default route: nothing from here gets further than that.
  outside() { nsenter --net=/proc/self/fd/8 -- "$@"; }
  ip link add eth0 type veth peer name "trihost$2" netns /proc/self/fd/8
  outside ip address add "10.214.$2.1/24" dev "trihost$2"
  outside ip link set "trihost$2" up
  ip address add "$address/24" dev eth0
  ip link set lo up
  ip link set eth0 up
  exec 8<&-

  # The machine's own files below, whatever is written on top. What another host would not have is covered.
  mount --make-rprivate /
  mkdir "$new" "$folder/upper" "$folder/work" "$folder/docker" "$folder/libvirt"
  mount -t overlay overlay -o "lowerdir=/,upperdir=$folder/upper,workdir=$folder/work" "$new"
  mount -t proc proc "$new/proc"
  mount -t sysfs sysfs "$new/sys"
  mount_controllers "$new/sys/fs/cgroup"
  mount -t tmpfs -o mode=755 tmpfs "$new/dev"
  for device in null zero full random urandom tty kmsg fuse kvm net/tun vhost-net; do
    [ -e "/dev/$device" ] || continue
    mkdir -p "$(dirname "$new/dev/$device")"
    cp -a "/dev/$device" "$new/dev/$device"
  done
  mkdir "$new/dev/pts" "$new/dev/shm" "$new/dev/mqueue"
  mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts "$new/dev/pts"
  ln -s pts/ptmx "$new/dev/ptmx"
  ln -s /proc/self/fd "$new/dev/fd"
  mount -t tmpfs -o mode=1777 tmpfs "$new/dev/shm"
  mount -t tmpfs -o mode=755 tmpfs "$new/run"
  for covered in tmp var/tmp; do mount -t tmpfs -o mode=1777 tmpfs "$new/$covered"; done
  for covered in root home; do mount -t tmpfs -o mode=755 tmpfs "$new/$covered"; done
  chmod 700 "$new/root"
  # Docker's layers can't lie on an overlay, and QEMU's disks should not.
  for kept in docker libvirt; do
    mkdir -p "$new/var/lib/$kept"
    mount --bind "$folder/$kept" "$new/var/lib/$kept"
  done
  chmod 710 "$folder/docker"
  cp -R --preserve=mode "$folder/ssh/." "$new/etc/ssh/"
  mkdir -p "$new/etc/docker"
  rm -f "$new"/etc/docker/*
  cp -R --preserve=mode "$folder/tls/." "$new/etc/docker/"
  cd "$new"
  pivot_root . .
  umount -l .
  cd /

  # As a machine that has just booted: Docker then closes what it does not forward itself.
  echo 0 >/proc/sys/net/ipv4/ip_forward
  # Nothing that the machine below has defined or logged, nor will: a folder that is made anew hides the one below.
  cp -a /etc/libvirt /run/libvirt-settings
  rm -rf /run/libvirt-settings/qemu/* /run/libvirt-settings/storage
  rm -rf /etc/libvirt /var/log /etc/systemd/system/trilab-*
  cp -a /run/libvirt-settings /etc/libvirt
  rm -rf /run/libvirt-settings
  mkdir -p /var/log/apt /var/log/libvirt/qemu /var/lib/libvirt/images /run/sshd /run/lock
  tr -d - </proc/sys/kernel/random/uuid >/etc/machine-id
  printf '127.0.0.1 localhost %s\n' "$host" >/etc/hosts
  printf '%s\n' "$host" >/etc/hostname

  # Daemons hold neither the lifeline nor the pipe to the test.
  daemon() { "$@" </dev/null >>"/var/log/${1##*/}.log" 2>&1; }
  # sshd starts itself anew for each connection, and insists on its whole path for that.
  daemon /usr/sbin/sshd -f /etc/ssh/second-host.conf -o "ListenAddress=$address"
  shift 2
  for what in "$@"; do
    case $what in
      docker)
        daemon dockerd --host unix:///var/run/docker.sock --host "tcp://$address:2376" --tlsverify \
          --tlscacert /etc/docker/ca.pem --tlscert /etc/docker/server.pem --tlskey /etc/docker/server-key.pem &
        ;;
      libvirt)
        daemon virtlogd -d
        daemon libvirtd -d
        ;;
    esac
  done
  for what in "$@"; do
    case $what in
      docker) answers dockerd docker --host unix:///var/run/docker.sock version ;;
      libvirt) answers libvirtd virsh --connect qemu:///system version ;;
    esac
  done
  printf 'ready\n'
  exec >/dev/null
  cat >/dev/null || :
}

# Where the host sees only its own control groups: below those that `start` has put it in.
mount_controllers() { # FOLDER
  awk '$3 == "cgroup" || $3 == "cgroup2" { print $2, $3, $4 }' /proc/mounts | sort -u >"$folder/controllers"
  if [ "$(cut -d ' ' -f 2 "$folder/controllers")" = cgroup2 ]; then
    mount -t cgroup2 cgroup2 "$1"
    # A group with processes can't hand controllers down.
    mkdir "$1/init"
    while read -r pid; do echo "$pid" >"$1/init/cgroup.procs"; done <"$1/cgroup.procs" || :
    sed 's/\</+/g' "$1/cgroup.controllers" >"$1/cgroup.subtree_control"
    return
  fi
  mount -t tmpfs -o mode=755 tmpfs "$1"
  while read -r at type options; do
    mkdir -p "$1/${at##*/}"
    if [ "$type" = cgroup2 ]; then
      mount -t cgroup2 cgroup2 "$1/${at##*/}"
    else
      names=$(printf %s "$options" | tr , '\n' |
        grep -vxE 'rw|ro|nosuid|nodev|noexec|relatime|xattr|clone_children|release_agent=.*' | paste -sd ,)
      mount -t cgroup -o "$names" cgroup "$1/${at##*/}"
    fi
  done <"$folder/controllers"
  for link in /sys/fs/cgroup/*; do [ ! -L "$link" ] || cp -P "$link" "$1/"; done
}

answers() { # DAEMON COMMAND…
  daemon=$1
  shift
  for _ in $(seq 300); do
    if "$@" </dev/null >/dev/null 2>&1; then return; fi
    sleep 0.1
  done
  printf '%s does not answer:\n' "$daemon" >&2
  tail -n 20 "/var/log/$daemon.log" >&2
  exit 1
}

"$@"
