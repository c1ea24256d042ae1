# evidence NAME DMI CPUID CGROUP, and the processes on standard input
evidence() {
  local folder="/srv/evidence/$1"
  mkdir -p "$folder"
  echo "$2" >"$folder/dmi"
  echo "$3" >"$folder/cpuid"
  echo "$4" >"$folder/cgroup"
  cat >"$folder/processes"
}
no_flag="no flag hypervisor in /proc/cpuinfo"
flag="flag hypervisor in /proc/cpuinfo; leaf 0x40000000:"
while read -r name system; do
  echo "$name ?" >>"/home/$user/sorted"
  case $system in
    xen)
      evidence "$name" "Xen, HVM domU" "$flag XenVMMXenVMM" "0::/init.scope" <<END
PID PPID COMMAND
1 0 systemd
2 0 kthreadd
14 2 ksoftirqd/0
36 2 xenbus
37 2 xenwatch
412 1 sshd
431 1 postgres
END
      ;;
    hyper-v)
      evidence "$name" "Microsoft Corporation, Virtual Machine" "$flag Microsoft Hv" "0::/init.scope" <<END
PID PPID COMMAND
1 0 systemd
2 0 kthreadd
15 2 ksoftirqd/0
58 2 hv_vmbus_con
390 1 sshd
402 1 containerd
455 1 dockerd
911 1 containerd-shim
932 911 nginx
END
      ;;
    virtualbox)
      evidence "$name" "innotek GmbH, VirtualBox" "$flag KVMKVMKVM" "0::/init.scope" <<END
PID PPID COMMAND
1 0 systemd
2 0 kthreadd
13 2 ksoftirqd/0
377 1 VBoxService
401 1 sshd
END
      ;;
    rented-container)
      evidence "$name" "Amazon EC2, t3.small" "$flag KVMKVMKVM" "0::/" <<END
PID PPID COMMAND
1 0 nginx
21 1 nginx
22 1 nginx
30 0 sh
END
      ;;
    system-container)
      evidence "$name" "Dell Inc., PowerEdge R640" "$no_flag" "0::/init.scope" <<END
PID PPID COMMAND
1 0 systemd
44 1 systemd-journal
87 1 cron
91 1 dbus-daemon
102 1 sshd
118 1 postgres
END
      ;;
    metal)
      evidence "$name" "Dell Inc., PowerEdge R640" "$no_flag" "0::/init.scope" <<END
PID PPID COMMAND
1 0 systemd
2 0 kthreadd
17 2 ksoftirqd/0
803 1 sshd
1120 1 libvirtd
2214 1 qemu-system-x86
2230 2 kvm-pit/2214
3051 1 containerd-shim
3072 3051 redis-server
END
      ;;
    plain-container)
      evidence "$name" "LENOVO, ThinkPad" "$no_flag" "0::/system.slice/docker-4f1c.scope" <<END
PID PPID COMMAND
1 0 tini
7 1 python3
END
      ;;
  esac
done < <(named_systems)
chown "$user:" "/home/$user/sorted"
