[ -e "/var/lib/systemd/linger/$user" ] || no "lingering is not enabled for $user: without a login, no process of $user runs"
enabled=$(find "/home/$user/.config/systemd/user" -path '*.wants/*' -name '*.service' -exec grep -l -e "--name $name" -e "podman start $name" {} + 2>/dev/null || :)
[ -n "$enabled" ] || no "no enabled unit of $user starts the container $name"
# After a restart, the container starts later than SSH.
until container && [ "$(page)" = "$word" ]; do
  [ "$SECONDS" -lt 110 ] || no "the unit is enabled, but port $port does not answer with $word"
  sleep 2
done
note unit "$enabled"
