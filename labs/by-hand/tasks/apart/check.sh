pid=$(container) || no "no process in a PID namespace of its own has $base as its root"
for kind in mnt uts net; do
  [ "$(readlink "/proc/$pid/ns/$kind")" != "$(readlink "/proc/1/ns/$kind")" ] ||
    no "process $pid shares its $kind namespace with the guest"
done
called=$(nsenter --target "$pid" --uts hostname)
[ "$called" = "$name" ] || no "in the UTS namespace of process $pid, the host name is $called, not $name"
note pid "$pid"
note namespaces "$(readlink "/proc/$pid/ns/pid") $(readlink "/proc/$pid/ns/net")"
