kept history "/var/lib/$name/history" || no "the file /var/lib/$name/history is lost or changed"
systemctl --quiet is-enabled "$name" || no "the service $name is not enabled: it will not start at the next boot"
# After a restart, it may start later than SSH.
until systemctl --quiet is-active "$name"; do
  [ "$SECONDS" -lt 10 ] || no "the service $name does not run: $(systemctl show --property Result --value "$name")"
  sleep 1
done
pid=$(systemctl show --property MainPID --value "$name")
[ "$(stat --format %U "/proc/$pid")" = "$name" ] || no "the service $name runs as $(stat --format %U "/proc/$pid")"
tr '\0' '\n' <"/proc/$pid/environ" | grep -qx "EVERY=$every" || no "the service $name does not run with its original configuration, which was in /etc/$name.conf.saved"
until [ "$(($(date +%s) - $(stat --format %Y "/var/lib/$name/heartbeat" 2>/dev/null || echo 0)))" -le 15 ]; do
  [ "$SECONDS" -lt 25 ] || no "the service $name does not write its heartbeat"
  sleep 1
done
note pid "$pid"
