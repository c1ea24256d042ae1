pids=$(container) || no "the container $name does not run"
said=$(page) || no "nothing answers on port $port of the guest"
[ "$said" = "$word" ] || no "port $port answers with another text: $said"
for pid in $pids $(pgrep -f '^(/usr/bin/)?(slirp4netns|rootlessport)' || :); do
  [ "$(stat -c %u "/proc/$pid")" -ne 0 ] || no "process $pid ($(cat "/proc/$pid/comm")) belongs to root of the guest"
done
note uid_map "$(tr -s ' \n' ' ' <"/proc/${pids#* }/uid_map")"
